"""One course of the wheel on one task: a real process, ledger in memory, journal and judge; simulated readings.

Every run counts one: scouts, and both sides of every pair.
"""

import functools
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from benchmarks.planner.problem import Problem, problem
from benchmarks.planner.tasks import read_task
from benchmarks.planner.world import World
from benchmarks.wheel.arms import ARMS, planner
from kaizen.cycle import Rest
from kaizen.ledgers.memory import MemoryLedger
from kaizen.metric import Metric, metric
from kaizen.parameter import Parameter, Real, Whole
from kaizen.process import Policy, Process, check_process
from kaizen.setting import Numbers, Setting
from kaizen.testing.clock import VirtualClock
from kaizen.trial import Fault, Outcome, Reading, Run, Spend
from kaizen.workshop import Workshop
from kaizen.workshop.bench import Bench
from kaizen.workshop.turning import Asker

SHARE = 0.8
"""Of (table optimum - first standard): what the proven standard must have gained."""

_ANY = 1e12  # of a metric that only bears a guard: neither gains nor losses count
_LEAST = 1e-3  # of its value: the lowest a reading falls to where metrics are compared by ratio


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the results to be."""

    path: Path
    task: str
    arm: str
    noise: float
    """Standard deviation of a reading, as a share of its value; 0 declares the metric exact."""
    seed: int
    budget: int
    changes: int | None = None
    """The most parameters of one increment; ``None`` for all of them."""
    on: bool = False
    """Go on to the end of the budget when the target is reached."""
    data: Path | None = None

    @property
    def key(self) -> tuple[str, str, float, int, int, str]:
        """What makes two results the same one."""
        return (self.task, self.arm, self.noise, self.seed, self.budget, limit(self.changes))


def limit(changes: int | None) -> str:
    """Say how many parameters an increment may change."""
    return "any" if changes is None else str(changes)


@functools.lru_cache(maxsize=4)
def world(path: Path, data: Path | None) -> World:
    """Return the world of a task without its own noise, read once a process."""
    return World(msgspec.structs.replace(read_task(path), noise=None), data)


class Grid:
    """The places where a table has rows: its real numbers are counted, so that every setting has a row of its own."""

    def __init__(self, here: World) -> None:
        """Look at a world; one without a table, or with an emulator, stays as it is."""
        self.task = here.task
        self._values: dict[str, list[Any]] = {}
        if here.table is None or here.emulators:
            return
        made: list[Parameter] = []
        for parameter in here.task.parameters:
            values = sorted({row[parameter.name] for row in here.table.settings if parameter.name in row})
            match parameter:
                case Real(name=name, when=when) if len(values) > 1:
                    self._values[name] = values
                    made.append(Whole(name=name, low=0, high=len(values) - 1, when=when))
                case Whole(levels=()) if len(values) > 1:
                    made.append(
                        msgspec.structs.replace(
                            parameter, low=values[0], high=values[-1], levels=tuple(values), log=False
                        )
                    )
                case _:
                    made.append(parameter)
        self.task = msgspec.structs.replace(here.task, parameters=tuple(made))

    def value(self, setting: Mapping[str, Any]) -> dict[str, Any]:
        """Return a setting as the table has it."""
        return {name: self._values[name][at] if name in self._values else at for name, at in setting.items()}

    def place(self, setting: Mapping[str, Any]) -> dict[str, Any]:
        """Return a setting of the table as counted."""
        return {name: self._values[name].index(at) if name in self._values else at for name, at in setting.items()}


def process_of(known: Problem, here: World, job: Job) -> Process:
    """Describe the task as a process: its first metric, and what is guarded."""
    rules: dict[str, Any] = {"exact": True} if job.noise == 0 else {}
    by_ratio = here.positive and here.optimum > 0
    made: list[Metric] = []
    guarded = {guard.metric for guard in here.task.guards}
    for goal in here.task.goals:
        amounts: dict[str, Any] = {"scale": "difference", "worthwhile": _ANY, "margin": _ANY}
        if goal == here.first:
            amounts = {"scale": "ratio", "worthwhile": 0.01} if by_ratio else {"scale": "difference", "worthwhile": known.worthwhile}  # fmt: skip
        elif goal.name not in guarded:
            continue
        made.append(metric(goal.name, better=goal.better, kind=goal.kind, unit=goal.unit, **amounts, **rules))
    changes = len(here.task.parameters) if job.changes is None else job.changes
    return check_process(
        Process(
            name=f"bench{job.seed}",  # what is random in a planner comes from it
            parameters=known.task.parameters,
            metrics=tuple(made),
            standard=Setting(known.standard),
            constraints=here.task.constraints,
            guards=here.task.guards,
            policy=Policy(planner=ARMS[job.arm].policy, changes=changes, runs=job.budget),
        )
    )


class Course:
    """A course under way: what was run, and the standards so far."""

    def __init__(self, job: Job) -> None:
        """Describe the process and wire the arm's planner."""
        self.job, self.here = job, world(job.path, job.data)
        known = problem(self.here, seed=job.seed, budget=job.budget)
        self.grid = Grid(self.here)
        known = msgspec.structs.replace(
            known, exact=job.noise == 0, task=self.grid.task, standard=self.grid.place(known.standard)
        )
        self._rng = np.random.default_rng([job.seed, int(job.noise * 1000), 77])
        chance, clock = random.Random(f"{job.task}:{job.seed}"), VirtualClock()
        process = process_of(known, self.here, job)
        workshop = Workshop(
            MemoryLedger(clock=clock.wall, monotonic=clock.monotonic),
            root=Path(),
            planner=planner(job.arm, known, process),
            coins=lambda: chance.getrandbits(63),
        )
        self.bench: Bench = workshop.describe(process)
        self.first = self.value(process.standard)
        self.curve: list[tuple[int, float]] = [(0, 0.0)]
        self.runs = self.false = 0
        self.end = "target"

    def value(self, setting: Mapping[str, Any]) -> float:
        """Return the true value of a setting; of one that fails, not a number."""
        true, _ = self.here.truth(self.grid.value(setting))
        return float("nan") if true is None else true[self.here.first.name]

    def share(self, setting: Mapping[str, Any]) -> float:
        """Return how much of (optimum - first standard) a setting truly gains."""
        return (self.first - self.value(setting)) / (self.first - self.here.optimum)

    def turn(self) -> None:
        """Turn the wheel until the target is proven, the budget is spent or the planner stops."""
        number = 1
        while not isinstance(unit := self.bench.wheel.next_unit(Asker(by="bench")), Rest):
            for run in unit:
                self.bench.answer(run, self.measure(run), by="bench", spend=Spend(runs=1))
                self.runs += 1
                standard = self.bench.head.standard
                if standard.number != number:
                    number = standard.number
                    share = self.share(standard.setting)
                    self.false += not share > self.curve[-1][1]
                    self.curve.append((self.runs, round(share, 6)))
                if self.curve[-1][1] >= SHARE and not self.job.on:
                    return
        self.end = f"{unit.reason}: {unit.because}"

    def measure(self, run: Run) -> Outcome:
        """Read a run: its true values, each off by a share of itself."""
        true, fault = self.here.truth(self.grid.value(run.setting))
        if true is None:
            return Fault(reason="crash", note=fault)
        values = {}
        for made in self.bench.process.metrics:
            value = true[made.name]
            read = value * (1.0 + self.job.noise * self._rng.standard_normal())  # ~ N(v, (noise v)²)
            values[made.name] = max(read, _LEAST * value) if made.scale == "ratio" else read
        return Reading(values=Numbers(values))


def run_job(job: Job) -> dict[str, Any]:
    """Run one course and return its result line."""
    before = time.process_time()
    course = Course(job)
    course.turn()
    head = course.bench.head
    runs = next((at for at, share in course.curve if share >= SHARE), None)
    return {
        "task": job.task, "arm": job.arm, "noise": job.noise, "seed": job.seed, "budget": job.budget,
        "changes": limit(job.changes), "runs": runs, "made": course.runs, "curve": course.curve,
        "adoptions": len(course.curve) - 1, "false": course.false, "trials": head.counts.trials,
        "faults": head.counts.faulted, "end": course.end, "cpu": round(time.process_time() - before, 3),
    }  # fmt: skip
