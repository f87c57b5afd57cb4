"""The page: everything is on it, nothing on it runs, and people can read it."""

import math
import random
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import msgspec
import pytest

from kaizen.errors import OutOfTurn
from kaizen.ledger import Adopted
from kaizen.metric import guard, higher, lower
from kaizen.parameter import Choice, Real, Whole
from kaizen.plan import Candidate
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
            policy=Policy(runs=runs, planner="steps"),
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
            guards=(guard("size", at_most=6.6),),
            standard=Setting(codec="zlib", chunk=4),
            policy=Policy(runs=runs, planner="steps", **policy),
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
    number = head.standard.number
    standard = Standard(number=number + 1, setting=setting, evidence="declared", because=because, by="bo", of=number)
    bench.wheel.ledger.append(bench.name, [Adopted(standard=standard)], by="bo", after=head.seq)


def eventful():
    """Return the story of a process to which all that may happen has happened."""
    bench = packing()
    bench.propose(codec="lz4", because="a friend says so", by="fay")
    turn(bench, packed, faults=0.08, runs=70)
    bench.voice("The archive opens faster now", by="a customer", theme="speed")
    bench.rollback("the new one worries support", by="eve", to=1)
    turn(bench, packed, seed=4, runs=60)
    bench.andon("the fan is loud", by="dan")
    bench.clear("it was dust", by="dan")
    bench.propose(chunk=30, because="a round number", by="fay")
    turn(bench, packed, seed=5, runs=5)
    bench.andon("smoke", by="dan")
    bench.retract(bench.lessons[-1].id, "the machine was another one")
    return bench.story(at=1_770_000_000_000_000)


def hostile():
    """Return a story in which every free text is an attack."""
    bench = workshop().describe(
        Process(
            name="coffee",
            about=HOSTILE.replace("\x00", ""),
            parameters=(
                Choice(name="bean", values=("plain", HOSTILE.replace("\x00", ""))),
                Whole(name="grind", low=1, high=9),
            ),
            metrics=(higher("taste", unit="<b>pt</b>"), lower("price", kind="price", unit=HOSTILE.replace("\x00", ""))),
            standard=Setting(bean="plain", grind=3),
            policy=Policy(runs=40, planner="steps", consent="<i>boss</i>"),
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


# ── the whole page ────────────────────────────────────────────────────────────────────────────────────────────────────
class Balanced(HTMLParser):
    """Checks that every tag is closed in its turn, and gathers what a page is made of."""

    VOID = ("meta", "br", "img", "link", "input", "hr")

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.ids, self.targets, self.attributes, self.text = [], [], [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        self.targets += [value.removeprefix("#") for name, value in attrs if name == "href"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def svgs(text):
    return re.findall(r"<svg.*?</svg>", text, re.DOTALL)


def test_the_page_is_well_formed_and_has_every_section(story):
    found = Balanced(page(story))
    assert [name for name in found.ids if name in SECTIONS] == list(SECTIONS)
    assert len(found.ids) == len(set(found.ids))
    assert found.tags.count("h1") == 1
    assert set(found.targets) <= set(found.ids)


def test_every_picture_is_xml_and_says_what_it_shows(story):
    for svg in svgs(page(story)):
        root = ET.fromstring(svg)
        if root.get("role") == "img":
            assert root[0].tag.endswith("title")
            assert root[0].text


def test_nothing_is_loaded_and_nothing_runs(story):
    text = page(story)
    assert text.replace("http://www.w3.org/2000/svg", "").count("http") == text.count("http-equiv")
    assert "default-src 'none'" in text
    found = Balanced(text)
    assert not {"script", "img", "iframe", "link", "object", "base", "form"} & set(found.tags)
    assert not [a for a in found.attributes if a[1].startswith("on") or a[1] in ("style", "src", "srcdoc")]
    assert all(value.startswith("#") for _, name, value in found.attributes if name == "href")
    assert "url(" not in text
    assert "@import" not in text


def test_the_same_story_gives_the_same_bytes(story):
    assert page(story) == page(story)
    page(story).encode()  # and bytes they are


def test_hostile_text_is_told_and_does_nothing():
    text = page(hostile())
    assert "<script" not in text
    assert "onerror=alert(1)&gt;" in text
    assert "{{ 7*7 }}" in text
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202e]", text)


def test_a_process_without_runs_says_so():
    text = page(coffee().story())
    for said in ("Nothing has been proven better yet", "No run has been made", "No trial has been", "no recorded time"):
        assert said in text


def test_the_answer_tells_standard_gain_and_spend():
    story = turn(coffee(), taste).story(at=1)
    text = " ".join("".join(Balanced(page(story)).text).split())
    gained = since_first(story.standards, {test.id: test for test in story.trials})[story.head.standard.number]
    assert f"standard {story.head.standard.number}" in text
    assert len(gained.steps) > 1
    assert f"sum of {len(gained.steps)} proven steps" in text
    assert "not measured again in one piece" in text
    assert "120 runs" in text


def test_what_happened_is_on_the_page():
    story = eventful()
    text = " ".join("".join(Balanced(page(story)).text).split())
    for said in (
        "The andon is pulled by dan: smoke", "(not cleared)", "the fan is loud", "The archive opens faster now",
        "↩ back to 1", "the new one worries support", "it fell over", "a round number",
        "retracted: the machine was another one", "guard ≤ 6.6",
    ):  # fmt: skip
        assert said in text, said
    assert text.count("recommended") >= bool(story.recommended)


def test_a_declared_standard_is_never_counted_as_a_gain():
    bench = turn(coffee(), taste, runs=60)
    declare(bench, Setting(grind=12, celsius=94.0))
    number = bench.head.standard.number
    text = " ".join("".join(Balanced(page(bench.story())).text).split())
    assert "declared by bo without proof" in text
    assert f"Standard {number} rests on no proof, so what came before it is not counted" in text
    assert "Proven against" not in text


def test_what_is_recommended_is_told_and_marked():
    story = turn(packing(), packed).story()
    scouted = [
        run.setting for run in story.runs if run.purpose == "scout" and run.setting != story.head.standard.setting
    ]
    one = Candidate(setting=scouted[-1], gains={"seconds_per_file": 0.04, "size": -0.01}, runs=1, odds=0.42, pairs=17)
    text = page(msgspec.structs.replace(story, recommended=[one]))
    told = " ".join("".join(Balanced(text).text).split())
    assert ">R1</text>" in text
    for said in ("−3.9%", "+1.0%", "42 %", "17"):
        assert said in told.split("What looks promising")[1].split("What was learnt")[0]


def test_what_waits_for_consent_is_told():
    bench = turn(packing(consent="eve"), packed)
    text = "".join(Balanced(page(bench.story())).text)
    assert "waits for the consent of eve" in text


def test_five_thousand_runs_stay_below_400_kb():
    story = turn(packing(), packed).story()
    rows = [msgspec.structs.replace(story.runs[i % len(story.runs)], id=i + 1, of=1 + i // 1000) for i in range(5000)]
    tests = [
        msgspec.structs.replace(story.trials[i % len(story.trials)], id=i + 1, **({"adopted": None} if i > 40 else {}))
        for i in range(200)
    ]
    text = page(msgspec.structs.replace(story, runs=rows, trials=tests))
    assert len(text.encode()) < 400_000
    assert "every 3rd is drawn" in text
    Balanced(text)


def test_numbers_that_no_axis_expects():
    bench = open_workshop("memory:").describe(
        Process(
            name="wild",
            parameters=(Whole(name="k", low=0, high=400),),
            metrics=(higher("gain", scale="difference", worthwhile=1.0), lower("loss", kind="price")),
            standard=Setting(k=0),
        )
    )
    ends = (0.0, -1.7e308, 1.7e308, 5e-324, 1e-12, -1.0)
    for i in range(12):
        bench.report_run({"k": i}, {"gain": ends[i % 6], "loss": 1e300 if i % 2 else 1e-300}, source="an old log")
    text = page(bench.story())
    assert "nan" not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
    Balanced(text)
    for svg in svgs(text):
        ET.fromstring(svg)


# ── colours ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def palettes():
    style = page(coffee().story()).split("<style>")[1].split("</style>")[0]
    return [dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", block)) for block in style.split(":root {")[1:]]


def luminance(colour):
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_text_is_readable_in_light_in_dark_and_on_paper():
    found = palettes()
    assert len(found) == 3
    for colours in found:
        for ground in ("paper", "wash"):
            for text in ("ink", "soft", "blue", "orange", "green"):
                assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground, colours)
        assert contrast(colours["dot"], colours["paper"]) >= 3  # what is drawn, not read


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def effect(gain, low, high, *, exact=False):
    return Effect(metric="m", gain=gain, low=low, high=high, level=0.05, exact=exact)


def test_effects_are_spelt_with_the_ends_they_have():
    up, down = higher("m"), lower("m")
    assert spell(effect(0.1, 0.05, 0.2), up) == "+10.5% [+5.1%, +22.1%]"
    assert spell(effect(0.1, 0.05, 0.2), down) == "−9.5% [−18.1%, −4.9%]"
    assert spell(effect(0.1, 0.05, None), up) == "+10.5% (above +5.1%)"
    assert spell(effect(0.1, 0.05, None), down) == "−9.5% (below −4.9%)"
    assert spell(effect(0.1, None, None), up) == "+10.5% (too few pairs for an interval)"
    assert spell(effect(0.1, 0.1, 0.1, exact=True), up) == "+10.5% (exact)"
    assert "faults" in spell(effect(None, None, None), up)


def test_changes_name_what_differs():
    before, after = Setting(a=1, b=True, c="x"), Setting(a=1, b=False, d="")
    assert changes(before, after) == [("b", "true", "false"), ("c", "x", None), ("d", None, "''")]
    assert changes(None, Setting(a=1)) == [("a", None, "1")]


def test_times_and_folds():
    assert when(1_773_324_180_000_000) == "2026-03-12 14:03"
    assert when(0) == when(10**30) == "–"
    said = ["0 s", "0.25 s", "12.0 s", "10.0 min", "2.0 h", "10.0 days"]
    assert [seconds(length) for length in (0.0, 0.25, 12.0, 600.0, 7_200.0, 864_000.0)] == said
    assert [fold(e) for e in (700.0, -700.0, math.log(54), 30.0)] == ["certain", "0", "54", "1.1e13"]


# ── gains ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_rollback_takes_up_the_line_it_returns_to():
    bench = turn(packing(), packed, runs=70)
    bench.rollback("back", by="eve", to=2)
    standards, trials = bench.story().standards, {test.id: test for test in bench.trials}
    gained = since_first(standards, trials)
    last = gained[standards[-1].standard.number]
    assert (last.back, last.steps, last.base) == (2, (2,), 1)
    assert gained[2].back is None


def test_a_proof_that_a_correction_took_away_is_none():
    bench = turn(coffee(), taste)
    standards = bench.story().standards
    trials = {test.id: test for test in bench.trials}
    first = trials[standards[1].standard.trial]
    worse = msgspec.structs.replace(first.verdict, decision="undecided")
    trials[first.id] = msgspec.structs.replace(first, verdicts=(*first.verdicts, worse))
    gained = since_first(standards, trials)
    assert gained[2].base == 2
    assert gained[2].steps == ()
