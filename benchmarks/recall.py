"""How long does it take to find out what was tried, and what does remembering take?

    python -m benchmarks.recall --runs 1000000

Synthetic runs of one process (12 numbers, 4 choices; half of them anywhere, half around fifty settings; one in twenty faults)
are remembered without a ledger, as a ledger's history would give them. Then settings are looked up, half of them ones that
were run and half anywhere: the very same, the same within a hundredth of every range, the ten nearest; and questions are
put to the veteran: everything near an increment is weighed into its odds. Milliseconds of one processor: other programs on
the machine change them less than they change the time on the wall.
The ten nearest are compared with those of a plain scan in double precision.
"""

import argparse
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np

import benchmarks
import kaizen
from kaizen.journal import Kept, Tried
from kaizen.ledger import Reported
from kaizen.metric import higher
from kaizen.parameter import Choice, Real
from kaizen.process import Process
from kaizen.setting import Numbers, Setting
from kaizen.standard import Standard
from kaizen.surrogate.threads import one_thread
from kaizen.trial import Fault, Reading, Spend
from kaizen.veteran.asking import Question, gather
from kaizen.veteran.odds import Weights, weigh
from kaizen.veteran.rates import Base
from kaizen.veteran.recall import Of, Recall
from kaizen.veteran.table import measured
from kaizen.workshop import Bench

MOST = {"exact": 1.0, "alike": 10.0, "near": 50.0, "odds": 50.0, "models": 50.0}
"""Milliseconds that are promised of the 99th percentile at a million runs; with models, among kin that have some hundreds."""
_KIN, _RUNS = 10, 200  # related processes, and the runs of each and of the one that is asked about
_NUMBERS, _CHOICES, _AROUND = 12, 4, 50
_CHUNK = 20_000


class Nothing:
    """A ledger without any process."""

    def processes(self) -> tuple[str, ...]:
        """Return no name."""
        return ()

    def none(self, process: str) -> tuple[()]:
        """Return nothing, whatever is asked of whom."""
        del process
        return ()

    trials = lessons = standards = none


def sample() -> Process:
    """Return a process of twelve numbers and four choices."""
    return Process(
        name="remembered",
        parameters=(
            *(Real(name=f"x{n}", low=0.0, high=1.0) for n in range(_NUMBERS)),
            *(Choice(name=f"c{n}", values=("a", "b", "c", "d")) for n in range(_CHOICES)),
        ),
        metrics=(higher("taste", scale="difference", worthwhile=0.5),),
        standard=Setting({f"x{n}": 0.5 for n in range(_NUMBERS)} | {f"c{n}": "a" for n in range(_CHOICES)}),
    )


def setting(chance: random.Random, middles: Sequence[Setting]) -> Setting:
    """Draw a setting: anywhere, or around one of ``middles``."""
    if not middles or chance.random() < 0.5:
        return Setting(
            {f"x{n}": chance.random() for n in range(_NUMBERS)}
            | {f"c{n}": chance.choice("abcd") for n in range(_CHOICES)}
        )
    middle = chance.choice(middles)
    moved = {f"x{n}": min(1.0, max(0.0, chance.gauss(float(middle[f"x{n}"]), 0.05))) for n in range(_NUMBERS)}
    return Setting({**middle, **moved})


def history(process: Process, count: int, chance: random.Random) -> Iterator[list[Tried]]:
    """Make finished runs, chunk by chunk."""
    middles = [setting(chance, ()) for _ in range(_AROUND)]
    for start in range(0, count, _CHUNK):
        yield [
            one(process, number, setting(chance, middles), chance)
            for number in range(start + 1, min(count, start + _CHUNK) + 1)
        ]


def one(process: Process, number: int, where: Setting, chance: random.Random) -> Tried:
    """Make one run; one in fifty is of the standard."""
    at = process.standard if number % 50 == 0 else where
    faulted = chance.random() < 0.05
    outcome = (
        Fault(reason="crash")
        if faulted
        else Reading(values=Numbers(taste=5.0 + chance.gauss(-2.0 * float(at["x0"]), 0.3)))
    )
    return Tried(id=number, seq=number + 1, at=number, by="w", setting=at, purpose="scout", of=1, outcome=outcome,
                 spend=Spend(runs=1, seconds=1.0))  # fmt: skip


def resident() -> float:
    """Return the megabytes that this process holds now."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return pages * resource.getpagesize() / 1e6


def remember(process: Process, count: int, seed: int) -> tuple[Of, float]:
    """Remember so many runs; return them and the megabytes they take."""
    kept = Of(process)
    kept.past.keep(
        [
            Kept(
                standard=Standard(number=1, setting=process.standard, evidence="given", because="", by=""),
                at=0,
                by="",
                revision=1,
            )
        ]
    )
    before = resident()
    for chunk in history(process, count, random.Random(seed)):
        kept.past.add(chunk)
    kept.follow(Nothing(), ())  # type: ignore[arg-type] # no trial, no lesson
    _ = kept.past.values
    kept.past.table.same(0)
    return kept, resident() - before


def timed(ask: Callable[[Setting], object], asked: Sequence[Setting]) -> list[float]:
    """Return the milliseconds of each question, in order."""
    found = []
    for where in asked:
        start = time.thread_time()
        ask(where)
        found.append(1000 * (time.thread_time() - start))
    return sorted(found)


def related(seed: int) -> Bench:
    """Return a process beside its kin, all of them with some hundreds of runs."""
    chance, shop = random.Random(seed), kaizen.open("memory:")
    for number in range(_KIN + 1):
        process = msgspec.structs.replace(sample(), name=f"line_{number}")
        bench = shop.describe(process)
        made = [one(process, at, setting(chance, ()), chance) for at in range(1, _RUNS + 1)]
        runs = [Reported(run=run.id, setting=run.setting, outcome=run.outcome, source="a history") for run in made]
        shop.ledger.append(process.name, runs, by="bench", after=bench.head.seq)
    return bench


def modelled(questions: int, seed: int) -> list[str]:
    """Ask a whole nod of a process with kin, print what it takes, and return what is broken."""
    bench, chance = related(seed), random.Random(seed + 2)
    fresh = [setting(chance, ()) for _ in range(questions)]
    print(f"models made of {_KIN} kin and own runs, {_RUNS} each: {timed(bench.consult, fresh[:1])[0]:.0f} ms, once")
    took = timed(bench.consult, fresh[1:])
    p50, p99 = took[len(took) // 2], took[min(len(took) - 1, int(0.99 * len(took)))]
    print(f"models p50 {p50:8.3f} ms   p99 {p99:8.3f} ms   promised {MOST['models']:g} ms, of a whole nod", flush=True)
    return [f"a nod with models must take at most {MOST['models']:g} ms; got {p99:.2f}"] if p99 > MOST["models"] else []


def recalled(kept: Of, asked: Sequence[Setting]) -> float:
    """Return the share of the ten nearest, by a plain scan in double precision, that were found."""
    table, found = kept.past.table, 0
    for where in asked:
        coded = table.columns.encode([where])
        exact = measured(table.coded, np.arange(table.count), coded, table.columns.weights)
        truth = set(np.lexsort((np.arange(table.count), exact))[:10].tolist())
        found += len(truth & set(table.nearest(coded, 10)[0].tolist()))
    return found / (10 * len(asked))


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, and say whether the limits are kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args(words)
    print(benchmarks.setting_out("recall", runs=given.runs, questions=given.questions, seed=given.seed), flush=True)
    process, start = sample(), time.perf_counter()
    kept, megabytes = remember(process, given.runs, given.seed)
    print(
        f"remembered in {time.perf_counter() - start:.0f} s, making the runs included; {megabytes:.0f} MB", flush=True
    )
    chance = random.Random(given.seed + 1)
    again = [run.setting for chunk in history(process, given.questions, random.Random(given.seed)) for run in chunk]
    asked = [where if n % 2 else setting(chance, again) for n, where in enumerate(again)]
    recall = Recall(Nothing())  # type: ignore[arg-type] # it has all that gathering asks for

    def odds(where: Setting) -> object:
        answered = gather(recall, kept, Question(process.standard, where, 0))
        return weigh(answered.evidence, Base(), Weights())

    broken = []
    levels: dict[str, Callable[[Setting], object]] = {
        "exact": kept.same, "alike": kept.alike, "near": lambda where: kept.near(where, 10), "odds": odds,
    }  # fmt: skip
    with one_thread():
        for name, ask in levels.items():
            timed(ask, asked[:5])
            took = timed(ask, asked)
            p50, p99 = took[len(took) // 2], took[min(len(took) - 1, int(0.99 * len(took)))]
            print(f"{name:<6} p50 {p50:8.3f} ms   p99 {p99:8.3f} ms   promised {MOST[name]:g} ms", flush=True)
            if p99 > MOST[name]:
                broken.append(f"{name} must take at most {MOST[name]:g} ms; got {p99:.2f}")
        broken += modelled(given.questions, given.seed)
    print(f"recall of the ten nearest: {recalled(kept, asked[:20]):.3f}")
    for sentence in broken:
        print(sentence, file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
