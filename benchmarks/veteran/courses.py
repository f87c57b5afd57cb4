"""One course: a process whose ledger holds what its kin tried, its wheel turned for so many runs.

cold       memory switched off by the policy
placebo    the same with other seeds
memory     the histories of all other members
half       every second history hostile, inverted and permuted by turns
inverted   every history upside down
permuted   every history's readings given to other settings
nearest    a foil: the best settings of the closest kin, one after the other, then as cold; -inverted, upside down
rgpe       a foil: scouts by a ranking-weighted ensemble of the kin (see ``rgpe``); -inverted, upside down
"""

import random
import time
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.planner.world import World
from benchmarks.veteran.families import Family, Hostility, hostile, others, past, world
from benchmarks.veteran.rgpe import Rgpe
from kaizen.cycle import Rest
from kaizen.journal import Journal
from kaizen.ledger import Described, Reported
from kaizen.ledgers.memory import MemoryLedger
from kaizen.metric import metric
from kaizen.plan import REMEMBERED, Advice, Foretell, Plan, Planner, Scout
from kaizen.process import Policy, Process, check_process
from kaizen.setting import Numbers, Setting, Texts
from kaizen.testing.clock import VirtualClock
from kaizen.trial import Fault, Outcome, Reading, Run, Spend
from kaizen.workshop import Workshop
from kaizen.workshop.planning import PolicysPlanner
from kaizen.workshop.turning import Asker

ARMS = ("cold", "placebo", "memory", "half", "inverted", "permuted")
FOILS = ("nearest", "nearest-inverted", "rgpe", "rgpe-inverted")
"""All ways, by name."""

_COPIED = 8  # settings of the closest kin

_OTHER_SEEDS = 1_000  # that a placebo's are away
_WORTHWHILE = 0.01


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the results to be."""

    family: Family
    path: Path
    task: str
    arm: str
    seed: int
    budget: int
    data: Path | None = None

    @property
    def key(self) -> tuple[str, str, str, int, int]:
        """What makes two results the same one."""
        return (self.family.name, self.task, self.arm, self.seed, self.budget)


def process_of(here: World, name: str, *, memory: bool, budget: int | None = None) -> Process:
    """Describe a member as a process: its first metric, exact, every parameter free."""
    goal = here.first
    by_ratio = here.positive and here.optimum > 0
    scale: Any = "ratio" if by_ratio else "difference"
    worthwhile = _WORTHWHILE if by_ratio else _WORTHWHILE * abs(here.median - here.optimum) or 1e-9
    return check_process(
        Process(
            name=name,
            parameters=here.task.parameters,
            metrics=(metric(goal.name, better=goal.better, scale=scale, worthwhile=worthwhile, exact=True),),
            standard=Setting(here.standard(0)),
            constraints=here.task.constraints,
            policy=Policy(changes=len(here.task.parameters), memory=memory, runs=budget),
        )
    )


def ways(arm: str, count: int) -> list[Hostility]:
    """Return how hostile each of so many histories is."""
    match arm:
        case "half":
            turns: tuple[Hostility, ...] = ("", "inverted", "", "permuted")
            return [turns[at % 4] for at in range(count)]
        case "permuted":
            return ["permuted"] * count
    return ["inverted" if arm.endswith("inverted") else ""] * count


class Nearest:
    """The best settings of the closest kin, whatever comes of them; then as if nothing were remembered."""

    def __init__(self) -> None:
        """Wrap the planner that the policy names."""
        self._planner = PolicysPlanner()

    def plan(self, journal: Journal, *, advice: Advice, prospect: Foretell, seed: int) -> Plan:
        """Return the next of the best, or what the planner says."""
        process, ran = journal.head.process, {row.setting for row in journal.history.runs()}
        if ran and advice.kin:
            best = sorted(zip(advice.kin[0].scores, advice.kin[0].settings, strict=True), key=lambda pair: -pair[0])
            for _, setting in best[:_COPIED]:
                if setting not in ran and process.allows(setting):
                    return Scout(setting=setting, because=f"{REMEMBERED}{advice.kin[0]}")
        return self._planner.plan(journal, advice=Advice(), prospect=prospect, seed=seed)


def remember(ledger: MemoryLedger, job: Job) -> None:
    """Write the histories of the other members into a ledger."""
    kin = others(job.family, job.path)
    for member, how in zip(kin, ways(job.arm, len(kin)), strict=True):
        here = world(member.path, job.data)
        made = hostile(past(member.path, job.data, job.family.name, job.seed), how, job.seed)
        process = process_of(here, here.task.name, memory=True)
        conditions = Texts(dict(member.conditions))
        told: list[Outcome] = [
            Fault(reason="crash") if value is None else Reading(values=Numbers({here.first.name: value}))
            for value in made.readings
        ]
        runs = [
            Reported(run=number, setting=process.setting(setting), outcome=outcome, source="a history", conditions=conditions)
            for number, (setting, outcome) in enumerate(zip(made.settings, told, strict=True), start=1)
        ]  # fmt: skip
        ledger.append(process.name, [Described(process=process), *runs], by="bench", after=0)


def run_job(job: Job) -> dict[str, Any]:
    """Run one course and return its result line."""
    here, before = world(job.path, job.data), time.process_time()
    cold = job.arm in {"cold", "placebo"}
    seed = job.seed + _OTHER_SEEDS * (job.arm == "placebo")
    chance, clock = random.Random(f"{job.task}:{seed}"), VirtualClock()
    ledger = MemoryLedger(clock=clock.wall, monotonic=clock.monotonic)
    if not cold:
        remember(ledger, job)
    foils: dict[str, type[Planner]] = {"nearest": Nearest, "rgpe": Rgpe}
    planner = foils.get(job.arm.removesuffix("-inverted"), PolicysPlanner)()
    bench = Workshop(ledger, root=Path(), planner=planner, coins=lambda: chance.getrandbits(63)).describe(
        process_of(
            here, f"{'bench' if cold else job.arm}{seed}", memory=not cold, budget=job.budget
        )  # its chance is its own
    )
    runs: list[Run] = []
    values: list[float | None] = []
    while not isinstance(unit := bench.wheel.next_unit(Asker(by="bench")), Rest):
        for run in unit:
            true, _ = here.truth(run.setting)
            told = Fault(reason="crash") if true is None else Reading(values=Numbers({here.first.name: true[here.first.name]}))  # fmt: skip
            bench.answer(run, told, by="bench", spend=Spend(runs=1))
            runs.append(run)
            values.append(None if true is None else true[here.first.name])
    return {
        "family": job.family.name, "task": job.task, "arm": job.arm, "seed": job.seed, "budget": job.budget,
        "better": here.first.better, "values": values, "remembered": [run.because.startswith(REMEMBERED) for run in runs],
        "faults": sum(value is None for value in values), "optimum": here.optimum, "median": here.median,
        "end": f"{unit.reason}: {unit.because}"[:80], "cpu": round(time.process_time() - before, 3),
    }  # fmt: skip
