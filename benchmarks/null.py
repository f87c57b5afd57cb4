"""Let nothing win: whole campaigns of changes that do nothing, in a world that drifts, and count what is adopted.

    python -m benchmarks.null --campaigns 1000 --trials 20 --seed 1 --workers 2

Each campaign is turned by the real wheel (workshop, ledger in memory, judge, error budget): a planner proposes
increments whose parameter has no effect, a simulated worker asks and answers. The world drifts by six standard
deviations over the campaign, has days, autocorrelated noise and, in three campaigns of four, heavy tails; half of the
campaigns have two metrics; runs fault and get lost on either side. The error budget promises that at most A = 10 % of
such campaigns ever adopt anything. Exit status 1 if the upper 99 % Clopper-Pearson bound of their share is above A.

Beside it, on the same kind of world: looking at a t-test at p < .05 after every pair, as is done.
"""

import argparse
import math
import multiprocessing
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from kaizen.cycle import Rest
from kaizen.journal import Journal
from kaizen.ledgers.memory import MemoryLedger
from kaizen.metric import Metric, higher, lower
from kaizen.parameter import Whole
from kaizen.plan import Advice, Foretell, Plan, Stop
from kaizen.process import Policy, Process, check_process
from kaizen.setting import Numbers, Setting
from kaizen.standard import increment
from kaizen.testing.clock import VirtualClock
from kaizen.trial import Fault, Outcome, Reading, Run, Spend
from kaizen.workshop import Workshop
from kaizen.workshop.bench import Bench
from kaizen.workshop.turning import Asker

LIMIT = 0.10
"""A of the error budget: the promise that is put to the test."""

TAILS = ("normal", "t3", "outliers", "lognormal")
"""How the noise of a run is distributed, campaign by campaign."""

_DRIFT = 6.0  # sd of a run, over the campaign
_RUNS = 500.0  # about how many runs a campaign takes: the drift's pace
_DAY = 24  # runs of one day, which has an effect of its own (sd 1)
_MEMORY = 0.8  # of the autocorrelated noise
_FAULTS, _LOSSES, _LATE = 0.02, 0.03, 0.3  # chances that a run faults, is lost, and that a lost one answers late
_LEASE = 60.0  # s
_PAIRS = 40
_FIRST_LOOK = 5  # of the foil's t-test


class World:
    """What every reading comes from, whatever the setting: it knows none."""

    def __init__(self, chance: random.Random, tail: str) -> None:
        """Begin a campaign."""
        self._chance = chance
        self._tail = tail
        self._ran = 0
        self._day = 0.0
        self._last = 0.0

    def read(self) -> float:
        """Return the next run's noise, in sd of a run."""
        chance = self._chance
        if self._ran % _DAY == 0:
            self._day = chance.gauss(0, 1)
        self._ran += 1
        self._last = _MEMORY * self._last + math.sqrt(1 - _MEMORY**2) * chance.gauss(0, 1)
        return _DRIFT * self._ran / _RUNS + self._day + self._last + self._noise()

    def _noise(self) -> float:
        chance = self._chance
        match self._tail:
            case "t3":
                return chance.gauss(0, 1) / math.sqrt(chance.gammavariate(1.5, 2 / 3))
            case "outliers":
                return chance.gauss(0, 10 if chance.random() < 0.05 else 1)
            case "lognormal":
                return math.exp(min(chance.gauss(0, 1), 50.0)) - math.exp(0.5)
        return chance.gauss(0, 1)


class Hopeful:
    """A planner that proposes so many increments, one after the other, and scouts nothing."""

    def __init__(self, trials: int) -> None:
        """Stop after ``trials``."""
        self._trials = trials

    def plan(self, journal: Journal, *, advice: Advice, prospect: Foretell, seed: int) -> Plan:
        """Return an increment whose parameter does nothing."""
        del advice, prospect, seed
        head = journal.head
        if head.counts.trials >= self._trials:  # watches of what was adopted are none
            return Stop(because="enough")
        return increment(head.process, head.standard, {"knob": head.counts.trials + 1}, because="why not", by="hopeful")


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one campaign."""

    adopted: int
    trials: int
    runs: int
    faults: int


def metrics(number: int) -> tuple[Metric, ...]:
    """Return one or two metrics, by turns: by difference, or by ratio with a price."""
    quality = higher("taste", scale="difference", worthwhile=0.5, margin=1.0)
    return (quality,) if number % 2 else (lower("cost", kind="price", worthwhile=0.02, margin=0.05), quality)


def campaign(seed: int, number: int, trials: int) -> Campaign:
    """Turn the wheel of one campaign until its planner has enough."""
    chance = random.Random(f"{seed}:{number}")
    clock = VirtualClock()
    workshop = Workshop(
        MemoryLedger(clock=clock.wall, monotonic=clock.monotonic),
        root=Path(),
        planner=Hopeful(trials),
        coins=lambda: chance.getrandbits(63),
    )
    process = Process(
        name="nothing",
        parameters=(Whole(name="knob", low=0, high=trials),),
        metrics=metrics(number),
        standard=Setting(knob=0),
        # no copies of the standard: one that is judged better stops the line, and nobody is here to clear it
        policy=Policy(planner="steps", pairs=_PAIRS, false_adoptions=LIMIT, nulls=0),
    )
    bench = workshop.describe(check_process(process))
    world = World(chance, TAILS[number // 2 % len(TAILS)])
    asker = Asker(by="worker", lease=_LEASE, holder="worker")
    while (unit := _next(bench, asker)) is not None:
        for run in unit:
            clock.advance(1.0)
            outcome = _measure(world, chance, run, process.metrics)
            if chance.random() < _LOSSES:
                clock.advance(2 * _LEASE)  # silent for too long, together with what it has still to do
                if chance.random() >= _LATE:
                    break
                other = bench.wheel.next_unit(Asker(by="other", lease=_LEASE, holder="other"))
                if isinstance(other, Rest):
                    break
                bench.answer(run, outcome, by="worker", spend=Spend(runs=1))
                for again in other:
                    bench.answer(
                        again, _measure(world, chance, again, process.metrics), by="other", spend=Spend(runs=1)
                    )
                break
            bench.answer(run, outcome, by="worker", spend=Spend(runs=1))
    head = bench.head
    proven = sum(standard.evidence == "proven" for standard in bench.standards)
    return Campaign(adopted=proven, trials=head.counts.trials, runs=head.spent.runs, faults=head.counts.faulted)


def _next(bench: Bench, asker: Asker) -> tuple[Run, ...] | None:
    """Return the next unit; a cord that a watch pulled for drift is cleared, for in this world all is drift."""
    while isinstance(unit := bench.wheel.next_unit(asker), Rest):
        if unit.reason != "andon":
            return None
        bench.clear("it always drifts here", by="worker")
    return unit


def _measure(world: World, chance: random.Random, run: Run, measured: tuple[Metric, ...]) -> Outcome:
    """Measure a run; neither its setting nor its side matters."""
    del run
    noise = {metric.name: world.read() for metric in measured}
    if chance.random() < _FAULTS:
        return Fault(reason="crash")
    values = {
        metric.name: noise[metric.name]
        if metric.scale == "difference"
        else math.exp(0.02 * max(-1e4, min(noise[metric.name], 1e4)))
        for metric in measured
    }
    return Reading(values=Numbers(values))


# ── the foil ────────────────────────────────────────────────────────────────────────────────────────────────────────
def foil(seed: int, number: int, trials: int, critical: list[float]) -> bool:
    """Tell whether peeking at a t-test of randomised pairs adopts any of so many changes that do nothing."""
    chance = random.Random(f"foil:{seed}:{number}")
    world = World(chance, TAILS[number // 2 % len(TAILS)])
    for _ in range(trials):
        differences: list[float] = []
        while len(differences) < _PAIRS:
            first, second = world.read(), world.read()
            differences.append(second - first if chance.random() < 0.5 else first - second)
            n = len(differences)
            if n >= _FIRST_LOOK:
                sd = statistics.stdev(differences)
                if sd > 0 and statistics.fmean(differences) / sd * math.sqrt(n) > critical[n - 1]:
                    return True
    return False


def student(degrees: int, level: float = 0.05) -> float:
    """Return the t of one-sided ``level``, by bisection of its law integrated by Simpson's rule."""
    scale = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(degrees * math.pi)

    def beyond(t: float) -> float:
        steps = 400
        heights = [math.pow(1 + (t * k / steps) ** 2 / degrees, -(degrees + 1) / 2) for k in range(steps + 1)]
        inner = heights[0] + heights[-1] + 4 * sum(heights[1:-1:2]) + 2 * sum(heights[2:-1:2])
        return 0.5 - scale * inner * t / steps / 3

    return _bisect(lambda t: beyond(t) > level, 0.0, 50.0)


def upper_bound(hits: int, of: int, level: float = 0.01) -> float:
    """Return the Clopper-Pearson upper bound of a share, one-sided at ``level``."""
    if hits >= of:
        return 1.0

    def at_most(p: float) -> float:
        logs = (
            math.lgamma(of + 1)
            - math.lgamma(k + 1)
            - math.lgamma(of - k + 1)
            + k * math.log(p)
            + (of - k) * math.log1p(-p)
            for k in range(hits + 1)
        )
        return math.fsum(map(math.exp, logs))

    return _bisect(lambda p: at_most(p) > level, hits / of + 1e-15, 1 - 1e-12)


def _bisect(goes_on: Callable[[float], bool], low: float, high: float) -> float:
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if goes_on(middle) else (low, middle)
    return high


# ── the command ─────────────────────────────────────────────────────────────────────────────────────────────────────
def _one(task: tuple[int, int, int]) -> tuple[Campaign, float]:
    before = time.process_time()
    done = campaign(*task)
    return done, time.process_time() - before


def main(argv: list[str] | None = None) -> int:
    """Run the campaigns, print what came of them, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.null", description=__doc__.partition("\n")[0])
    parser.add_argument("--campaigns", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(argv)
    began = time.perf_counter()
    tasks = [(options.seed, number, options.trials) for number in range(options.campaigns)]
    if options.workers > 1:
        with multiprocessing.Pool(options.workers) as pool:
            results = pool.map(_one, tasks, chunksize=max(1, len(tasks) // (8 * options.workers)))
    else:
        results = [_one(task) for task in tasks]
    done = [result for result, _ in results]
    wrong = [result for result in done if result.trials != options.trials]
    hits = sum(result.adopted > 0 for result in done)
    bound = upper_bound(hits, len(done))
    runs = sum(result.runs for result in done)
    print(f"campaigns            {len(done)} of {options.trials} trials each, none of which does anything")
    print(
        f"with an adoption     {hits} ({hits / len(done):.1%}); {sum(result.adopted for result in done)} adoptions in all"
    )
    print(f"upper 99 % bound     {bound:.2%} (Clopper-Pearson); the promise is A = {LIMIT:.0%}")
    print(f"runs                 {runs} ({sum(result.faults for result in done)} without a reading)")
    print(f"seed                 {options.seed}: campaign i has Random('{options.seed}:i')")
    print(
        f"time                 {sum(cpu for _, cpu in results):.0f} s CPU, {time.perf_counter() - began:.0f} s with {options.workers} workers"
    )
    few = min(options.campaigns, 200)
    critical = [math.inf] + [student(n) for n in range(1, _PAIRS)]
    fooled = sum(foil(options.seed, number, options.trials, critical) for number in range(few))
    print(
        f"for contrast         a t-test looked at after every pair, p < .05: {fooled} of {few} campaigns ({fooled / few:.0%})"
    )
    if wrong:
        print(f"error: {len(wrong)} campaigns made another number of trials than {options.trials}", file=sys.stderr)
        return 1
    return int(bound > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
