"""Improve guarded processes under a limit on risk, and count how often the planner's runs break something.

    python -m benchmarks.safety --seeds 20 --runs 150 --workers 2

Each campaign is turned by the real wheel (workshop, ledger in memory, judge, the planner with a model); nothing is told
to the planner but what runs measure. Four processes, all of which gain by moving from the standard toward a limit:

    smooth    a guard on a metric that rises smoothly; what is gained lies along its boundary
    cliff     no metric gives a warning: beyond a line in two of four parameters, runs fault
    noisy     a guard on a metric whose noise is a third of the standard's distance from its limit
    drifting  as smooth, while the boundary moves inward by a fifth of the range

Printed are the share of the planner's runs that broke a guard or faulted, over all campaigns and in the worst one; what
proven standards gained (of what is possible inside the limits at the end); how many adoptions there were; how many of
the standards in force at the end are sound then, but for noise; how many runs there were before the planner stopped.
Exit status 1 if a limit did not hold: a campaign with more than limit times runs and 3 breaks.
"""

import argparse
import itertools
import math
import multiprocessing
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from kaizen.cycle import Rest
from kaizen.ledgers.memory import MemoryLedger
from kaizen.metric import guard, higher, lower
from kaizen.parameter import Choice, Real
from kaizen.process import Policy, Process, check_process
from kaizen.safety import SLACK, planned, realised
from kaizen.setting import Numbers, Setting
from kaizen.testing.clock import VirtualClock
from kaizen.trial import Fault, Outcome, Reading, Spend
from kaizen.workshop import Workshop
from kaizen.workshop.turning import Asker

LIMITS: tuple[float | None, ...] = (None, 0.10, 0.05)
"""What the processes allow."""

Values = Mapping[str, Any]


class World(msgspec.Struct, frozen=True):
    """A process and what its runs really do: its quality, and whether it is sound, at a time from 0 to 1."""

    quality: Callable[[Values], float]
    strain: Callable[[Values], float]
    """Above 1 it is not sound."""
    kind: str
    """``guard`` where the strain is measured, ``fault`` where nothing warns."""
    noise: float
    """Of the strain's reading."""
    drift: float = 0.0
    """By how much the strain rises over the campaign."""


def _tilt(values: Values, **weights: float) -> float:
    return sum(weight * float(values[name]) for name, weight in weights.items())


WORLDS = {
    "smooth": World(
        quality=lambda v: 10 + _tilt(v, a=6, b=4) - 3 * (v["c"] - 0.6) ** 2,
        strain=lambda v: 0.25 + 0.5 * v["a"] ** 2 + 0.6 * v["b"] ** 2 + 0.3 * v["a"] * v["b"],
        kind="guard", noise=0.02,
    ),
    "cliff": World(
        quality=lambda v: 10 + _tilt(v, a=5, b=3, c=2) + (1.0 if v["mode"] == "new" else 0.0),
        strain=lambda v: 0.4 + 0.5 * v["a"] + 0.5 * v["b"],
        kind="fault", noise=0.0,
    ),
    "noisy": World(
        quality=lambda v: 10 + _tilt(v, a=6, c=3) - 4 * (v["b"] - 0.5) ** 2,
        strain=lambda v: 0.45 + 0.6 * v["a"] + 0.2 * v["c"] ** 2,
        kind="guard", noise=0.12,
    ),
    "drifting": World(
        quality=lambda v: 10 + _tilt(v, a=6, b=4) - 3 * (v["c"] - 0.6) ** 2,
        strain=lambda v: 0.25 + 0.5 * v["a"] ** 2 + 0.6 * v["b"] ** 2 + 0.3 * v["a"] * v["b"],
        kind="guard", noise=0.02, drift=0.2,
    ),
}  # fmt: skip


def process(name: str, limit: float | None) -> Process:
    """Return the process of a world."""
    mode = (Choice(name="mode", values=("old", "new")),) if name == "cliff" else ()
    standard = {"a": 0.2, "b": 0.2, "c": 0.3} | ({"mode": "old"} if mode else {})
    guarded = WORLDS[name].kind == "guard"
    strain = lower("strain", kind="price", scale="difference", worthwhile=5.0, margin=5.0)
    return check_process(
        Process(
            name=name,
            parameters=(*(Real(name=n, low=0.0, high=1.0) for n in "abc"), *mode),
            metrics=(higher("yield_", scale="difference", worthwhile=0.3), *((strain,) if guarded else ())),
            standard=Setting(standard),
            guards=(guard("strain", at_most=1.0),) if guarded else (),
            policy=Policy(planner="model", risk=limit),
        )
    )


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one campaign."""

    runs: int
    broke: int
    over: int
    """By how many breaks the promise was broken."""
    gained: float
    """Of what can be gained inside the limits, by today's standard."""
    adopted: int
    sound: bool
    """Whether the standard in force at the end is sound then, but for noise."""
    rested: str


def campaign(name: str, limit: float | None, seed: int, most: int) -> Campaign:
    """Turn the wheel of one campaign for so many runs."""
    chance = random.Random(f"{name}:{seed}")
    clock, world = VirtualClock(), WORLDS[name]
    workshop = Workshop(
        MemoryLedger(clock=clock.wall, monotonic=clock.monotonic), root=Path(), coins=lambda: chance.getrandbits(63)
    )
    bench = workshop.describe(process(name, limit))
    asker, made, rested = Asker(by="worker"), 0, ""
    while made < most and not rested:
        unit = bench.wheel.next_unit(asker)
        if isinstance(unit, Rest):
            rested = unit.because
            break
        for run in unit:
            clock.advance(1.0)
            bench.answer(run, measure(world, run.setting, made / most, chance), by="worker", spend=Spend(runs=1))
            made += 1
    ran = planned(bench.process, bench.runs, bench.trials, bench.journal.history.standards())
    seen = realised(bench.process, ran)
    start, top = world.quality(bench.process.standard), possible(name)
    return Campaign(
        runs=seen.runs,
        broke=seen.broke,
        over=max(0, math.ceil(seen.broke - (limit or 1.0) * seen.runs - SLACK)),
        gained=(world.quality(bench.standard.setting) - start) / (top - start),
        adopted=bench.head.counts.adopted,
        sound=world.strain(bench.standard.setting) + world.drift * made / most <= 1.0,
        rested=rested,
    )


def measure(world: World, setting: Values, at: float, chance: random.Random) -> Outcome:
    """Make one run at a time from 0 to 1."""
    strain = world.strain(setting) + world.drift * at + world.noise * chance.gauss(0, 1)
    made = world.quality(setting) + 0.15 * chance.gauss(0, 1)
    if world.kind == "fault":
        return Fault(reason="crash") if strain > 1.0 else Reading(values=Numbers(yield_=made))
    return Reading(values=Numbers(yield_=made, strain=strain))


def possible(name: str) -> float:
    """Return the highest quality that is sound at the end, four times out of five or more, by a grid."""
    world, grid = WORLDS[name], [place / 40 for place in range(41)]
    modes = ("old", "new") if name == "cliff" else ("",)
    settings = ({"a": a, "b": b, "c": c, "mode": m} for a, b, c, m in itertools.product(grid, grid, grid, modes))
    return max(world.quality(v) for v in settings if world.strain(v) + world.drift + 0.84 * world.noise <= 1.0)


# ── the command ─────────────────────────────────────────────────────────────────────────────────────────────────────
def _one(task: tuple[str, float | None, int, int]) -> Campaign:
    return campaign(*task)


def main(argv: list[str] | None = None) -> int:
    """Run the campaigns, print what came of them, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.safety", description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--runs", type=int, default=150)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--worlds", nargs="+", choices=list(WORLDS), default=list(WORLDS))
    options = parser.parse_args(argv)
    began = time.perf_counter()
    cases = list(itertools.product(options.worlds, LIMITS))
    tasks = [(name, limit, seed, options.runs) for name, limit in cases for seed in range(options.seeds)]
    print(f"{options.seeds} campaigns of {options.runs} runs each; seeds 0 to {options.seeds - 1}")
    print(
        f"{'process':<10} {'limit':>6} {'broke':>7} {'worst':>7} {'gained':>7} {'adopted':>8} {'sound':>6} {'runs':>6} {'over':>5}"
    )
    over = 0
    with multiprocessing.Pool(options.workers) as pool:
        done = pool.imap(_one, tasks, chunksize=1)
        for name, limit in cases:
            found = [next(done) for _ in range(options.seeds)]
            print(_line(name, limit, found), flush=True)
            over += sum(one.over > 0 for one in found)
    print(f"campaigns beyond limit times runs and {SLACK} breaks: {over}")
    print(f"time {time.perf_counter() - began:.0f} s with {options.workers} workers")
    return int(over > 0)


def _line(name: str, limit: float | None, found: Sequence[Campaign]) -> str:
    runs = sum(one.runs for one in found)
    share, worst = sum(one.broke for one in found) / runs, max(one.broke / max(1, one.runs) for one in found)
    gained, adopted = statistics.fmean(one.gained for one in found), statistics.fmean(one.adopted for one in found)
    said = "none" if limit is None else f"{limit:.0%}"
    over, sound = sum(one.over > 0 for one in found), statistics.fmean(one.sound for one in found)
    return f"{name:<10} {said:>6} {share:>7.1%} {worst:>7.1%} {gained:>7.0%} {adopted:>8.1f} {sound:>6.0%} {runs / len(found):>6.0f} {over:>5}"


if __name__ == "__main__":
    sys.exit(main())
