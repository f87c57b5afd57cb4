"""The page: everything is on it, nothing on it runs, and people can read it."""

import math
import random
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import msgspec
import pytest

from kaizen.errors import OutOfTurn
from kaizen.journal import Tested
from kaizen.ledger import Adopted
from kaizen.metric import guard, higher, lower
from kaizen.parameter import Choice, Real, Whole
from kaizen.process import Policy, Process
from kaizen.reports.gains import since_first
from kaizen.reports.html import changes, fold, page, seconds, spell, when
from kaizen.setting import Setting
from kaizen.standard import Standard
from kaizen.trial import Fault, Spend
from kaizen.verdict import Effect
from kaizen.workshop import open_workshop

HOSTILE = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}]]>-->\x00\x1b[31m\u202egnp.exe"
SECTIONS = ("now", "standards", "time", "trials", "recommended", "lessons", "spend", "reading")


def workshop():
    """Open a workshop in memory whose coins fall the same way each time."""
    chance = random.Random(11)
    return open_workshop("memory:", coins=lambda: chance.getrandbits(63))


def coffee(runs=120):
    """Return a bench of one noisy metric."""
    return workshop().describe(
        Process(
            name="coffee",
            about="The espresso at the corner, cup by cup",
            parameters=(Whole(name="grind", low=1, high=20), Real(name="celsius", low=80, high=99)),
            metrics=(higher("taste", worthwhile=0.02, unit="points"),),
            standard=Setting(grind=8, celsius=90.0),
            policy=Policy(runs=runs),
        )
    )


def packing(runs=160, **policy):
    """Return a bench of a noisy quality and an exact price, with a guard and things that fail."""
    return workshop().describe(
        Process(
            name="packing",
            parameters=(Choice(name="codec", values=("zlib", "lz4", "zstd")), Whole(name="chunk", low=1, high=64)),
            metrics=(
                lower("seconds_per_file", worthwhile=0.03, unit="s"),
                lower("size", kind="price", exact=True, unit="MiB", margin=0.10),
            ),
            guards=(guard("size", at_most=9.5),),
            standard=Setting(codec="zlib", chunk=4),
            policy=Policy(runs=runs, **policy),
        )
    )


def taste(setting, chance):
    peak = math.exp(-(((setting["grind"] - 12) / 9) ** 2) - ((setting["celsius"] - 94) / 12) ** 2)
    return {"taste": 8 * peak * math.exp(chance.gauss(0, 0.02))}


def packed(setting, chance):
    speed = {"zlib": 1.0, "lz4": 0.5, "zstd": 0.7}[setting["codec"]] * (1 + 0.02 * abs(setting["chunk"] - 24))
    size = {"zlib": 6.0, "lz4": 6.4, "zstd": 5.6}[setting["codec"]] * (1 + 0.001 * abs(setting["chunk"] - 12))
    return {"seconds_per_file": speed * math.exp(chance.gauss(0, 0.03)), "size": size}


def turn(bench, measure, *, seed=3, faults=0.0, runs=10_000):
    """Ask and tell until there is nothing to do."""
    chance = random.Random(seed)
    try:
        for _ in range(runs):
            run = bench.ask(by="ana")
            if chance.random() < faults and run.trial is None:
                bench.fault(run, "it fell over", reason="crash", by="ana", seconds=3.0)
            else:
                bench.tell(run, measure(run.setting, chance), by="ana", seconds=30.0, money=0.4)
    except OutOfTurn:
        pass
    return bench


def declare(bench, setting, *, because="it looked better"):
    """Keep a setting without proof, as an optimizer of one's own does."""
    head = bench.head
    standard = Standard(number=head.standard.number + 1, setting=setting, evidence="declared", because=because, by="bo", of=head.standard.number)
    bench.wheel.ledger.append(bench.name, [Adopted(standard=standard)], by="bo", after=head.seq)


def eventful():
    """Return the story of a process to which all that may happen has happened."""
    bench = turn(packing(), packed, faults=0.08, runs=70)
    bench.voice("The archive opens faster now", by="a customer", theme="speed")
    bench.rollback("the new one worries support", by="eve", to=1)
    turn(bench, packed, seed=4, runs=60)
    bench.andon("the fan is loud", by="dan")
    bench.clear("it was dust", by="dan")
    bench.propose(chunk=30, because="a round number", by="fay")
    turn(bench, packed, seed=5, runs=5)
    bench.andon("smoke", by="dan")
    if bench.lessons:
        bench.retract(bench.lessons[0].id, "the machine was another one")
    return bench.story(at=1_770_000_000_000_000)


def hostile():
    """Return a story in which every free text is an attack."""
    bench = workshop().describe(
        Process(
            name="coffee",
            about=HOSTILE.replace("\x00", ""),
            parameters=(Choice(name="bean", values=("plain", HOSTILE.replace("\x00", ""))), Whole(name="grind", low=1, high=9)),
            metrics=(higher("taste", unit="<b>pt</b>"), lower("price", kind="price", unit=HOSTILE.replace("\x00", ""))),
            standard=Setting(bean="plain", grind=3),
            policy=Policy(runs=40, consent="<i>boss</i>"),
        )
    )
    text = HOSTILE.replace("\x00", "")
    bench.propose(bean=text, because=text, by=text)
    for _ in range(30):
        try:
            run = bench.ask(by=text)
        except OutOfTurn:
            break
        good = 2.0 if run.setting["bean"] == text else 1.0
        bench.tell(run, taste=good, price=1 / good, by=text)
    bench.refuse(text, text) if any(open_.verdict for open_ in bench.head.trials) else None
    bench.answer(bench.ask(by=text), Fault(reason="crash", note=text, tail=text), by=text, spend=Spend(runs=1))
    bench.voice(text, by=text, theme=text)
    if bench.lessons:
        bench.retract(bench.lessons[0].id, text)
    bench.andon(text, by=text)
    return bench.story(at=1)


STORIES = {
    "empty": lambda: coffee().story(),
    "one metric": lambda: turn(coffee(), taste).story(at=1),
    "faults only": lambda: turn(coffee(), taste, faults=1.0, runs=12).story(at=1),
    "two metrics": lambda: turn(packing(), packed, faults=0.05).story(at=1),
    "eventful": eventful,
    "hostile": hostile,
}


@pytest.fixture(scope="module", params=STORIES)
def story(request):
    return STORIES[request.param]()
