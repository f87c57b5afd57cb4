"""What does the wheel itself cost: CPU time of one ask and one tell, on a ledger file that has seen many runs?

    python -m benchmarks.cost

The planner is a stand-in that answers at once, and its time is left out; so are the start of the interpreter and its
imports. *Warm* is a handle that goes on, as in a worker's loop; *in a trial* the same while pairs are judged; *fresh* is
a process that opens the ledger, asks once and tells once, as a call from the shell does. Fewer than 5 ms, warm, are
promised, whatever the ledger has seen: at most 1.5 times as much as after 1,000 runs. Exit status 1 if not.
"""

import argparse
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

import benchmarks
from kaizen.journal import Journal
from kaizen.ledger import Asked, Entry, Scouted, Told
from kaizen.ledgers.sqlite import SqliteLedger
from kaizen.metric import higher, lower
from kaizen.parameter import Choice, Real, Switch, Whole
from kaizen.plan import Advice, Foretell, Plan, Scout
from kaizen.process import Policy, Process, check_process
from kaizen.setting import Numbers, Setting
from kaizen.trial import Reading, Run, Spend
from kaizen.workshop import Workshop, open_workshop

NAME = "cost"
MOST_MS = 5.0
"""CPU time of one ask and one tell that is promised, on a warm handle."""
MOST_RATIO = 1.5
"""How many times the cost after 1,000 runs is allowed later."""

_BATCH = 250  # runs written by one append, to fill the ledger
_STRETCH = 20  # asks and tells measured at a time


class Ready:
    """A planner that scouts a setting it has at hand; it measures itself, so that its time can be left out."""

    def __init__(self) -> None:
        """Begin with no time used."""
        self.seconds = 0.0
        self._asked = 0

    def plan(self, journal: Journal, *, advice: Advice, prospect: Foretell, seed: int) -> Plan:
        """Return another setting every time."""
        began = time.process_time()
        del journal, advice, prospect, seed
        self._asked += 1
        scout = Scout(setting=_setting(self._asked), because="a stand-in")
        self.seconds += time.process_time() - began
        return scout


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What one size of ledger costs, in ms for one ask and one tell."""

    runs: int
    warm: float
    wall: float
    trial: float
    fresh: float


def _setting(number: int) -> Setting:
    return Setting(
        heat=160.0 + number % 1009 / 11, minutes=20 + number % 41, steam=False, flour=("rye", "wheat")[number % 2]
    )


def _reading(setting: Setting, noise: float) -> Numbers:
    return Numbers(taste=5.0 + noise, size=1000.0 - float(setting["heat"]) - float(setting["minutes"]) / 100)


def process() -> Process:
    """Return a process with four parameters, a noisy and an exact metric."""
    return check_process(
        Process(
            name=NAME,
            parameters=(
                Real(name="heat", low=160.0, high=260.0),
                Whole(name="minutes", low=20, high=60),
                Switch(name="steam"),
                Choice(name="flour", values=("rye", "wheat")),
            ),
            metrics=(higher("taste", scale="difference", worthwhile=0.5, margin=2.0), lower("size", exact=True)),
            standard=_setting(0),
            policy=Policy(planner="steps"),  # what is measured is the wheel and the ledger, not a model
        )
    )


# ── filling ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def fill(ledger: SqliteLedger, runs: int) -> None:
    """Append finished scouts, many at a time, until there are so many."""
    head = ledger.head(NAME)
    assert head is not None
    first, have = head.next_run, head.counts.told
    for start in range(first, first + runs - have, _BATCH):
        ledger.append(NAME, tuple(_finished(start, min(_BATCH, first + runs - have - start))), by="filler")


def _finished(first: int, count: int) -> Iterator[Entry]:
    runs = [
        Run(id=number, setting=_setting(7919 * number), purpose="scout", of=1, because="a stand-in")
        for number in range(first, first + count)
    ]
    yield Scouted(runs=tuple(runs))
    yield Asked(runs=tuple(msgspec.structs.replace(run, attempt=1, by="filler") for run in runs))
    for run in runs:
        reading = Reading(values=_reading(run.setting, run.id % 7 / 8))
        yield Told(run=run.id, attempt=1, reading=reading, spend=Spend(runs=1, seconds=1.0))


# ── measuring ───────────────────────────────────────────────────────────────────────────────────────────────────────
def _turns(shop: Workshop, planner: Ready, count: int) -> tuple[float, float]:
    """Return CPU and wall time of so many asks and tells, in seconds each, without the planner."""
    bench = shop[NAME]
    cpu, wall, before = time.process_time(), time.perf_counter(), planner.seconds
    for number in range(count):
        run = bench.ask(by="worker", lease=30.0)
        bench.tell(run, _reading(run.setting, number % 5 / 8), by="worker", seconds=1.0)
    planned = planner.seconds - before
    return (time.process_time() - cpu - planned) / count, (time.perf_counter() - wall - planned) / count


def _in_a_trial(shop: Workshop, planner: Ready, count: int) -> float:
    """Return CPU time of an ask and a tell while a trial takes its pairs."""
    bench = shop[NAME]
    bench.propose(heat=161.0 + bench.head.next_trial, because="why not")
    cpu, _ = _turns(shop, planner, count)
    while bench.head.trials or bench.head.proposals:  # whatever came of it, the next measurement begins without it
        bench.amend(
            msgspec.structs.replace(bench.process, constraints=() if bench.process.constraints else ("heat < 1000",)),
            because="done",
        )
    for run in bench.asked("worker"):
        bench.fault(run)
    return cpu


def one(path: str) -> float:
    """Open a ledger, ask once, tell once; return the CPU time in seconds, without the planner."""
    planner = Ready()
    began = time.process_time()
    with open_workshop(path, planner=planner) as shop:
        bench = shop[NAME]
        run = bench.ask(by="worker", lease=30.0)
        bench.tell(run, _reading(run.setting, 0.25), by="worker", seconds=1.0)
    return time.process_time() - began - planner.seconds


def _fresh(path: Path) -> float:
    command = [sys.executable, "-c", f"from benchmarks.cost import one; print(one({str(path)!r}))"]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure(folder: Path, sizes: list[int], *, rounds: int) -> Iterator[Cost]:
    """Fill one ledger per size, then measure them in turns, so that a busy machine disturbs all alike; give medians."""
    with contextlib.ExitStack() as stack:
        shops, planners = [], []
        for size in sizes:
            planners.append(Ready())
            shops.append(stack.enter_context(open_workshop(folder / f"{size}.db", planner=planners[-1])))
            shops[-1].describe(process())
            fill(shops[-1].ledger, size)  # type: ignore[arg-type] # a path gives a ledger in a file
            _turns(shops[-1], planners[-1], _STRETCH)
        at_hand = list(zip(shops, planners, strict=True))
        stretches = [[_turns(shop, planner, _STRETCH) for shop, planner in at_hand] for _ in range(rounds)]
        trials = [[_in_a_trial(shop, planner, _STRETCH) for shop, planner in at_hand] for _ in range(rounds)]
    fresh = [[_fresh(folder / f"{size}.db") for size in sizes] for _ in range(rounds)]
    for place, size in enumerate(sizes):
        yield Cost(
            runs=size,
            warm=1e3 * statistics.median(stretch[place][0] for stretch in stretches),
            wall=1e3 * statistics.median(stretch[place][1] for stretch in stretches),
            trial=1e3 * statistics.median(stretch[place] for stretch in trials),
            fresh=1e3 * statistics.median(stretch[place] for stretch in fresh),
        )


def main(argv: list[str] | None = None) -> int:
    """Measure, print the table, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000], metavar="RUNS")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--profile", action="store_true", help="print where the time goes at the last size")
    options = parser.parse_args(argv)
    print(benchmarks.setting_out("cost", rounds=options.rounds))
    print(f"{'runs':>9}  {'warm CPU ms':>11}  {'ratio':>5}  {'wall ms':>8}  {'in a trial':>10}  {'fresh CPU ms':>12}")
    with tempfile.TemporaryDirectory() as folder:
        costs = list(measure(Path(folder), options.sizes, rounds=options.rounds))
        for cost in costs:
            ratio = cost.warm / costs[0].warm
            print(
                f"{cost.runs:>9}  {cost.warm:>11.2f}  {ratio:>5.2f}  {cost.wall:>8.2f}  {cost.trial:>10.2f}  {cost.fresh:>12.2f}"
            )
        if options.profile:
            _profile(Path(folder) / f"{options.sizes[-1]}.db")
    worst, ratio = max(cost.warm for cost in costs), max(cost.warm for cost in costs) / costs[0].warm
    kept = worst <= MOST_MS and ratio <= MOST_RATIO
    said = "kept" if kept else "BROKEN"
    print(
        f"{said}: at most {worst:.2f} ms warm (promised {MOST_MS:g}), "
        f"{ratio:.2f} times that of the first (promised {MOST_RATIO:g})"
    )
    return int(not kept)


def _profile(path: Path) -> None:
    import cProfile
    import pstats

    planner = Ready()
    with open_workshop(path, planner=planner) as shop, cProfile.Profile() as profile:
        _turns(shop, planner, 200)
    pstats.Stats(profile).sort_stats("tottime").print_stats(25)


if __name__ == "__main__":
    sys.exit(main())
