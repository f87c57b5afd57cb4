"""Trials that share runs of the standard, turned by the real wheel: what it saves, and that copies do not win by it.

Eight increments are open at once. For copies the place of a run in its block moves its reading (the second of a block
reads three sd more), which is what an order of equal chances has to bear: with one coin for each increment the standard
would be in the middle too often.
"""

import random
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.judge.rows import Chance, Row, Size
from benchmarks.judge.table import Line, within
from kaizen.cycle import Rest
from kaizen.ledgers.memory import MemoryLedger
from kaizen.metric import higher
from kaizen.parameter import Whole
from kaizen.plan import Advice, Foretell, Plan, Stop
from kaizen.process import Policy, Process, check_process
from kaizen.setting import Numbers, Setting
from kaizen.testing.clock import VirtualClock
from kaizen.trial import Reading, Spend
from kaizen.workshop import Workshop
from kaizen.workshop.bench import Bench
from kaizen.workshop.turning import Asker

OPEN = 8
_PAIRS = 40
_PLACE = 3.0  # sd of a run: what the second place of a block adds
_GAIN = 1.5  # sd of a run: what the good one gains


class Still:
    """A planner that plans nothing."""

    def plan(self, *_: object, advice: Advice, prospect: Foretell, seed: int) -> Plan:
        """Stop."""
        del advice, prospect, seed
        return Stop(because="nothing was planned")


class Played(NamedTuple):
    """What came of one campaign."""

    won: list[int]
    """The increments that were adopted, from 1."""
    runs: int
    pairs: int


def campaign(seed: int, gains: dict[int, float], at_once: int, *, place: float = 0.0) -> Played:
    """Try one increment for each of ``gains`` (true ones, in sd of a run), so many at once, until one is adopted."""
    chance, clock = random.Random(seed), VirtualClock()
    shop = Workshop(
        MemoryLedger(clock=clock.wall, monotonic=clock.monotonic),
        root=Path(),
        planner=Still(),
        coins=lambda: chance.getrandbits(63),
    )
    bench = shop.describe(
        check_process(
            Process(
                name="copies",
                parameters=(Whole(name="knob", low=0, high=max(gains)),),
                metrics=(higher("taste", scale="difference", worthwhile=0.5),),
                standard=Setting(knob=0),
                policy=Policy(planner="steps", pairs=_PAIRS, trials=at_once, nulls=0, shadow=0.0),
            )
        )
    )
    for knob in gains:
        bench.propose(knob=knob, because="why not", by="bench")
    return _play(bench, chance, gains, place)


def _play(bench: Bench, chance: random.Random, gains: dict[int, float], shift: float) -> Played:
    asker = Asker(by="bench", lease=None, holder="")
    while len(bench.standards) == 1 and not isinstance(unit := bench.wheel.next_unit(asker), Rest):
        for place, run in enumerate(unit):
            read = chance.gauss(0, 1) + shift * (place == 1) + gains.get(int(run.setting["knob"]), 0.0)
            bench.answer(run, Reading(values=Numbers(taste=read)), by="bench", spend=Spend(runs=1))
    pairs = sum(len(bench.wheel.as_run(test).pairs) for test in bench.trials)
    won = [int(one.setting["knob"]) for one in bench.standards[1:]]
    return Played(won, bench.head.spent.runs, pairs)


def _copies(chance: Chance, size: Size) -> list[Line]:
    of, gains = size.count(150, 1_000), dict.fromkeys(range(1, OPEN + 1), 0.0)
    done = [campaign(chance.coins + number, gains, OPEN, place=_PLACE) for number in range(of)]
    hits = sum(bool(one.won) for one in done)
    limit = Policy().false_adoptions
    return [within(f"{OPEN} copies at once, sharing runs: campaigns that adopt one", hits, of, limit, row="shared")]


def _good(chance: Chance, size: Size) -> list[Line]:
    """Hold the runs until the good one of eight is adopted against trials in turns, and against a standard for each pair."""
    of, lines = size.count(60, 400), []
    runs: dict[int, list[int]] = {}
    for at_once in (1, OPEN):
        done = []
        for number in range(of):
            good = random.Random(f"{chance.coins} {number}").randint(1, OPEN)
            gains = {knob: _GAIN * (knob == good) for knob in range(1, OPEN + 1)}
            done.append((good, campaign(chance.coins + number, gains, at_once)))
        won = sum(one.won == [good] for good, one in done)
        runs[at_once] = [one.runs for _, one in done]
        said = partial(Line, row="shared", of=of)
        how = f"one good of {OPEN}, {at_once} at once"
        middle = sorted(runs[at_once])[of // 2]
        lines.append(said(what=f"{how}: adopted; median runs", figure=f"{won / of:.0%}; {middle}"))
        if at_once > 1:
            apart = sum(2 * one.pairs for _, one in done)
            saved = 1 - sum(runs[at_once]) / apart
            lines.append(said(what=f"{how}: runs saved of those with a standard for each pair", figure=f"{saved:.0%}"))
    return lines


SHARED = Row(f"{OPEN} trials open at once share runs of the standard", {"copies": _copies, "good": _good})
