"""What the nod would have said of every setting that the planner without memory asked for, and of what is truly good.

A member of a family is the present, its standard the row at the 75th percentile; the histories of the others are in the
ledger. Before each run of a frozen course the nod is asked about its setting, unless that has run before; then the run is
told. *Worse* is a setting that truly reads worse than the standard, or fails. After ``ASKED_AT`` runs it is asked about
settings of the true top tenth too, each of which it should not warn against. Foils answer the same questions:

taboo     forbids what failed or was in the worst quartile elsewhere: the nearest run of any other member
nearest   forbids what was worse than its standard in the closest member: its nearest run
block     forbids what lies within reach of any run, here or elsewhere, that was worse than its standard or failed
"""

import random
import time
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.planner.tasks import SettingMap, draw_setting
from benchmarks.planner.world import World
from benchmarks.veteran.courses import Job as Course
from benchmarks.veteran.courses import process_of, remember
from benchmarks.veteran.families import Family, world
from benchmarks.veteran.frozen import ASKED, course
from kaizen.ledger import Reported
from kaizen.ledgers.memory import MemoryLedger
from kaizen.process import Process
from kaizen.setting import Numbers, Setting
from kaizen.surrogate.space import Space
from kaizen.testing.clock import VirtualClock
from kaizen.trial import Fault, Outcome, Reading
from kaizen.veteran.nod import Nod
from kaizen.veteran.transfer import Kin, kin
from kaizen.workshop import Bench, Workshop

ASKED_AT = (10, ASKED)
"""Runs behind which settings of the true top tenth are asked about."""
ARMS = ("memory", "inverted", "permuted")
"""Whether the others' histories are told as they were."""
FOILS = ("taboo", "nearest", "block")
_TOPS = 50  # settings of the top tenth that are asked about; members with fewer count for nothing there
_SAMPLE = 1_000  # settings by chance that stand for a space without a table
_REACH = 0.2  # of the foil that blocks, in ranges
_QUARTILE = 0.25

Floats = NDArray[np.float64]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the results to be."""

    family: Family
    path: Path
    task: str
    seed: int
    arm: str = "memory"
    data: Path | None = None

    @property
    def key(self) -> tuple[str, str, str, int, int]:
        """What makes two results the same one."""
        return (self.family.name, self.task, self.arm, self.seed, ASKED)


class Elsewhere(NamedTuple):
    """One other member's history in this one's space."""

    points: Floats
    worse: NDArray[np.bool_]
    bad: NDArray[np.bool_]
    """Failed, or in its worst quartile."""


def run_job(job: Job) -> dict[str, Any]:
    """Ask about one member's course and return its result line."""
    before, here = time.process_time(), world(job.path, job.data)
    made = course(job.path, job.data, job.family.name, job.seed)
    clock = VirtualClock()
    ledger = MemoryLedger(clock=clock.wall, monotonic=clock.monotonic)
    remember(ledger, Course(family=job.family, path=job.path, task=job.task, arm=job.arm, seed=job.seed,
                            budget=ASKED, data=job.data))  # fmt: skip
    process = process_of(here, "present", memory=True)
    shop = Workshop(ledger, root=Path(), coins=lambda: 1)
    bench = shop.describe(process)
    foil = _Foils(process, kin(ledger, bench.head))
    tops, many = _top(here, job.seed)
    sign = 1.0 if here.first.better == "higher" else -1.0
    standard = made.readings[0]
    assert standard is not None, "a standard reads"
    asked, warned, cost = [], {}, []
    for number, (setting, reading) in enumerate(zip(made.settings, made.readings, strict=True)):
        if number and setting not in made.settings[:number]:  # what has run here needs no foretelling
            start = time.thread_time()
            nod = _ask(bench, setting)
            cost.append(round(1000 * (time.thread_time() - start), 2))
            worse = reading is None or sign * reading < sign * standard
            better = reading is not None and _gain(process, reading, standard) >= _wanted(process)
            asked.append([int(worse), int(better), nod.answer, _odds(nod), *foil.say(setting)])
        told: Outcome = (
            Fault(reason="crash") if reading is None else Reading(values=Numbers({here.first.name: reading}))
        )
        run = Reported(run=number + 1, setting=process.setting(setting), outcome=told, source="a course")
        ledger.append(process.name, [run], by="bench", after=bench.head.seq)
        foil.saw(setting, worse=reading is None or sign * reading < sign * standard)
        if number in ASKED_AT and many >= _TOPS:
            warned[str(number)] = [[int(_ask(bench, one).warns), *foil.say(one)] for one in tops]
    return {
        "family": job.family.name, "task": job.task, "arm": job.arm, "seed": job.seed, "budget": ASKED,
        "asked": asked, "tops": warned, "ms": cost, "cpu": round(time.process_time() - before, 2),
    }  # fmt: skip


def _ask(bench: Bench, setting: SettingMap) -> Nod:
    before = bench.standard.setting
    changes = {name: value for name, value in setting.items() if before.get(name) != value}
    if not changes:
        return Nod(answer="go", because="the standard")
    return bench.consult(changes)


def _odds(nod: Nod) -> float:
    return round(nod.odds.better, 5) if nod.odds is not None else 0.5


def _gain(process: Process, reading: float, standard: float) -> float:
    gain = process.metrics[0].gain(reading, standard)
    return gain if gain is not None else -1.0


def _wanted(process: Process) -> float:
    metric = process.metrics[0]
    return metric.as_gain(metric.worthwhile) * (1.0 - 1e-9)


def _top(here: World, seed: int) -> tuple[list[SettingMap], int]:
    """Return settings of the true top tenth, and how many there are."""
    chance = random.Random(f"top:{here.task.name}:{seed}")
    rng = np.random.default_rng(5)
    settings = here.table.settings if here.table is not None else [draw_setting(here.task, rng) for _ in range(_SAMPLE)]
    sign = 1.0 if here.first.better == "higher" else -1.0
    reads = [here.truth(one)[0] for one in settings]
    merits = np.array([-np.inf if one is None else sign * one[here.first.name] for one in reads])
    best = np.argsort(-merits, kind="stable")[: len(merits) // 10].tolist()
    picked = chance.sample(best, min(_TOPS, len(best)))
    return [settings[at] for at in picked], len(best)


class _Foils:
    """The foils, by the same histories and the same own runs."""

    def __init__(self, process: Process, found: tuple[Kin, ...]) -> None:
        self._space = Space(process)
        self._others = []
        for one in found:
            scores, faults = np.array(one.scores), np.array(one.faults)
            worst = scores <= np.quantile(scores, _QUARTILE)
            self._others.append(Elsewhere(self._at(one.settings), faults | (scores < 0), faults | worst))
        self._own: list[Floats] = []

    def _at(self, settings: Any) -> Floats:
        points = self._space.points(self._space.encode([Setting(one) for one in settings]))
        return np.hstack([points.numbers, points.marks / np.sqrt(2.0)])

    def saw(self, setting: SettingMap, *, worse: bool) -> None:
        """Take a run of this process."""
        if worse:
            self._own.append(self._at([setting])[0])

    def say(self, setting: SettingMap) -> tuple[int, int, int]:
        """Return which of the foils forbid."""
        at = self._at([setting])[0]
        away = [np.sqrt(((one.points - at) ** 2).sum(axis=1)) for one in self._others]
        nearest = [int(np.argmin(far)) for far in away]
        taboo = any(one.bad[row] for one, row in zip(self._others, nearest, strict=True))
        closest = bool(self._others and self._others[0].worse[nearest[0]])
        block = any(bool((one.worse & (far <= _REACH)).any()) for one, far in zip(self._others, away, strict=True))
        block = block or any(float(np.sqrt(((own - at) ** 2).sum())) <= _REACH for own in self._own)
        return int(taboo), int(closest), int(block)
