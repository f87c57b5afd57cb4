"""How long does it take to find out what was tried, and what does remembering take?

    python -m benchmarks.recall --runs 1000000

Synthetic runs of one process (12 numbers, 4 choices; half of them anywhere, half around fifty settings; one in twenty faults)
are remembered without a ledger, as a ledger's history would give them. Then settings are looked up, half of them ones that
were run and half anywhere: the very same, the same within a hundredth of every range, the ten nearest; and questions are
put to the veteran: everything near an increment is weighed into its odds. Milliseconds of one processor: other programs on
the machine change them less than they change the time on the wall.
The ten nearest are compared with those of a plain scan in double precision.

    python -m benchmarks.recall --runs 10000000

Beyond a million, runs are drawn as columns (all but the first have a random number for the fingerprint of their setting), and the
nearest are found by an index, if the extra "faiss" is installed. Then everything is put on a shelf, as a past that large is, and
the questions are asked of what another process takes from there: what it takes in memory is told in parts.
"""

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
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
from kaizen.retrievers.inverted import LEAST, neighbours
from kaizen.setting import Numbers, Setting
from kaizen.standard import Standard
from kaizen.surrogate.threads import one_thread
from kaizen.trial import Fault, Reading, Spend
from kaizen.veteran.asking import Question, gather
from kaizen.veteran.odds import Weights, weigh
from kaizen.veteran.past import FAULTED, SOUND
from kaizen.veteran.rates import Base
from kaizen.veteran.recall import Of, Recall
from kaizen.veteran.shelf import packed, unpacked
from kaizen.veteran.table import Coded, key_of, measured
from kaizen.workshop import Bench
from kaizen.workshop.shelving import FolderShelf

MOST = {"exact": 1.0, "alike": 10.0, "near": 50.0, "odds": 50.0, "models": 50.0}
"""Milliseconds that are promised of the 99th percentile at a million runs; with models, among kin that have some hundreds."""
BEYOND = {"exact": 1.0, "near": 20.0}
"""The same at ten million, with the extra."""
FOUND = 0.99
"""The share of the ten nearest that is promised to be found."""
_PLAIN = 1_000_000  # runs up to which all are made one by one
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


def columns(kept: Of, numbers: range, middles: Sequence[Setting], chance: np.random.Generator) -> None:
    """Draw runs like those of ``history`` as columns, and remember them; their settings get random fingerprints."""
    table, standard, n = kept.past.table, kept.process.standard, len(numbers)
    known = [[table.columns.code(row, value) for value in "abcd"] for row in range(_CHOICES)]
    centres, whose = table.columns.encode(middles), chance.integers(0, len(middles), n)
    around = chance.random(n) < 0.5
    places = chance.random((n, _NUMBERS), dtype=np.float32)
    moved = centres.places[whose] + 0.05 * chance.standard_normal((n, _NUMBERS), dtype=np.float32)
    places[around] = np.clip(moved, 0.0, 1.0)[around]
    codes = np.stack([np.array(values)[chance.integers(0, len(values), n)] for values in known])
    codes[:, around] = centres.codes[:, whose[around]]
    keys = chance.integers(0, 1 << 64, n, dtype=np.uint64)
    given, ids = table.columns.encode([standard]), np.array(numbers)
    own = ids % 50 == 0
    places[own], codes[:, own], keys[own] = given.places, given.codes, key_of(standard.fingerprint)
    faulted = chance.random(n) < 0.05
    taste = 5.0 + -2.0 * places[:, :1] + 0.3 * chance.standard_normal((n, 1))
    told = {
        "id": ids, "seq": ids + 1, "of": np.ones(n, dtype=int), "revision": np.ones(n, dtype=int),
        "trial": np.zeros(n, dtype=int), "conditions": np.zeros(n, dtype=int),
        "became": np.where(faulted, FAULTED, SOUND), "own": own,
    }  # fmt: skip
    kept.past.extend(Coded(places, codes), keys, told, np.where(faulted[:, None], np.nan, taste))


def begun(kept: Of) -> None:
    """Tell what is remembered of its standard, and that there is no trial and no lesson."""
    standard = Standard(number=1, setting=kept.process.standard, evidence="given", because="", by="")
    kept.past.keep([Kept(standard=standard, at=0, by="", revision=1)])
    kept.follow(Nothing(), ())  # type: ignore[arg-type]


def remember(process: Process, count: int, seed: int) -> Of:
    """Remember so many runs."""
    kept, chance = Of(process), random.Random(seed)
    middles = [setting(chance, ()) for _ in range(_AROUND)]
    begun(kept)
    single = count if count <= _PLAIN else _CHUNK
    for chunk in history(process, single, random.Random(seed)):
        kept.past.add(chunk)
    drawn = np.random.default_rng(seed)
    for start in range(single + 1, count + 1, 10 * _CHUNK):
        columns(kept, range(start, min(count + 1, start + 10 * _CHUNK)), middles, drawn)
    begun(kept)
    return kept


def ready(kept: Of) -> None:
    """Work out what is worked out once."""
    _ = kept.past.values
    kept.past.table.same(0)


def shelve(process: Process, count: int, seed: int, shelf: FolderShelf) -> None:
    """Remember so many runs, and put them on a shelf."""
    start = time.process_time()
    kept = remember(process, count, seed)
    ready(kept)
    print(f"remembered in {time.process_time() - start:.0f} CPU-s, making the runs included; {memory()}", flush=True)
    shelf.put("past", packed(kept.past, seq=1, at=1))
    del kept
    if indexed(count):
        other, start = taken(process, shelf), time.process_time()
        other.near(process.standard, 10)
        print(f"index of the nearest made in {time.process_time() - start:.1f} CPU-s; {memory()}", flush=True)


def taken(process: Process, shelf: FolderShelf) -> Of:
    """Take the runs from the shelf, and perhaps an index of them."""
    arrays = shelf.take("past")
    if arrays is None:
        raise SystemExit("the past must be on the shelf; got nothing: is the disk full?")
    kept = Of(process, neighbours(shelf, "near"))
    kept.past = unpacked(process, arrays)
    begun(kept)
    return kept


def shelved(process: Process, count: int, seed: int, folder: str) -> Of:
    """Have another process remember so many runs, and take them from the shelf."""
    words = ["--runs", str(count), "--seed", str(seed), "--shelve", folder]
    subprocess.run([sys.executable, "-m", "benchmarks.recall", *words], check=True, cwd=Path(__file__).parents[1])
    start = time.process_time()
    kept = taken(process, FolderShelf(Path(folder)))
    ready(kept)
    print(f"taken from the shelf in {time.process_time() - start:.1f} CPU-s; {memory()}", flush=True)
    if indexed(count):
        start = time.process_time()
        kept.near(process.standard, 10)
        print(f"index of the nearest taken in {time.process_time() - start:.1f} CPU-s; {memory()}", flush=True)
    else:
        print(f"no index: every run is looked at (from {LEAST:,} on, pip install 'kaizen-engine[faiss]' helps)")
    return kept


def indexed(count: int) -> bool:
    """Tell whether the nearest of so many are found by an index."""
    return count >= LEAST and find_spec("faiss") is not None


def memory() -> str:
    """Say what this process holds now, of that what the machine may take back since it stands in a file, and held at most."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    try:
        told = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return f"at most {most:.0f} MB"
    held, file = (
        next((int(line.split()[1]) / 1e3 for line in told if line.startswith(name)), 0.0)
        for name in ("VmRSS:", "RssFile:")
    )
    return f"{held:.0f} MB, {file:.0f} of them pages of files; at most {most:.0f} MB"


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
        pages = [np.arange(at, min(table.count, at + _PLAIN)) for at in range(0, table.count, _PLAIN)]
        exact = np.concatenate([measured(table.coded, page, coded, table.columns.weights) for page in pages])
        tenth = np.partition(exact, min(9, len(exact) - 1))[min(9, len(exact) - 1)]
        found += sum(one.distance**2 <= tenth * (1 + 1e-9) + 1e-12 for one in kept.near(where, 10))
    return found / (10 * len(asked))


def levels(kept: Of) -> dict[str, Callable[[Setting], object]]:
    """Return the ways to ask."""
    recall = Recall(Nothing())  # type: ignore[arg-type] # it has all that gathering asks for

    def odds(where: Setting) -> object:
        answered = gather(recall, kept, Question(kept.process.standard, where, 0))
        return weigh(answered.evidence, Base(), Weights())

    return {"exact": kept.same, "alike": kept.alike, "near": lambda where: kept.near(where, 10), "odds": odds}


def asking(kept: Of, asked: Sequence[Setting], most: Mapping[str, float], *, parts: bool) -> list[str]:
    """Ask in every way, print what it takes, and return what is broken."""
    broken = []
    for name, ask in levels(kept).items():
        timed(ask, asked[:5])
        took = timed(ask, asked)
        p50, p99 = took[len(took) // 2], took[min(len(took) - 1, int(0.99 * len(took)))]
        promised = f"promised {most[name]:g} ms" if name in most else "nothing promised"
        print(f"{name:<6} p50 {p50:8.3f} ms   p99 {p99:8.3f} ms   {promised}", flush=True)
        if p99 > most.get(name, p99):
            broken.append(f"{name} must take at most {most[name]:g} ms; got {p99:.2f}")
        if parts and name in {"near", "odds"}:
            print(f"after that: {memory()}", flush=True)
    return broken


def questions(process: Process, count: int, seed: int) -> list[Setting]:
    """Return settings to ask for: every other one was run."""
    chance = random.Random(seed + 1)
    known = [run.setting for chunk in history(process, count, random.Random(seed)) for run in chunk]
    return [where if n % 2 else setting(chance, known) for n, where in enumerate(known)]


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, and say whether the limits are kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=_PLAIN)
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--shelve", default="", help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    process = sample()
    if given.shelve:
        shelve(process, given.runs, given.seed, FolderShelf(Path(given.shelve)))
        return 0
    print(benchmarks.setting_out("recall", runs=given.runs, questions=given.questions, seed=given.seed), flush=True)
    asked = questions(process, given.questions, given.seed)
    with tempfile.TemporaryDirectory() as folder, one_thread():
        if beyond := given.runs > _PLAIN:
            kept = shelved(process, given.runs, given.seed, folder)
            most = BEYOND if indexed(given.runs) else {"exact": BEYOND["exact"]}
        else:
            start = time.process_time()
            kept, most = remember(process, given.runs, given.seed), MOST
            ready(kept)
            print(
                f"remembered in {time.process_time() - start:.0f} CPU-s, making the runs included; {memory()}",
                flush=True,
            )
        broken = asking(kept, asked, most, parts=beyond)
        broken += [] if beyond else modelled(given.questions, given.seed)
        share = recalled(kept, asked[:20])
    print(f"recall of the ten nearest: {share:.3f}")
    if share < FOUND:
        broken.append(f"of the ten nearest {FOUND:g} must be found; got {share:.3f}")
    for sentence in broken:
        print(sentence, file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
