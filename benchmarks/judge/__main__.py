"""Measure the judge beside the rules that others judge by, and print one table with what is wanted.

    python -m benchmarks.judge
    python -m benchmarks.judge --rows null,watch --scale 0.1 --workers 2
    python -m benchmarks.judge --long --out calibration.jsonl

Each part of a row has its own stream of chance, from ``--seed`` and its name. ``--long`` takes the counts of a
calibration: 20,000 changes that do nothing for each noise. With ``--out`` an interrupted bench goes on where it stopped.
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before numpy: one thread each, so that CPU figures mean something

import msgspec  # noqa: E402

import benchmarks  # noqa: E402
from benchmarks.judge.exact import EXACT  # noqa: E402
from benchmarks.judge.ideas import IDEAS_ROW  # noqa: E402
from benchmarks.judge.nulls import COVERS, NULL, SIDES  # noqa: E402
from benchmarks.judge.power import FIRST, METRICS, PAIRS, TIME  # noqa: E402
from benchmarks.judge.recorded import REAL, VARIABLE, folder  # noqa: E402
from benchmarks.judge.rows import Chance, Row, Size  # noqa: E402
from benchmarks.judge.shared import SHARED  # noqa: E402
from benchmarks.judge.streams import FUTILITY, MANY  # noqa: E402
from benchmarks.judge.table import Line, misses, summary, table  # noqa: E402
from benchmarks.judge.watch import WATCH  # noqa: E402
from benchmarks.report.page import plain  # noqa: E402

ROWS: dict[str, Row] = {
    "exact": EXACT,
    "null": NULL,
    "sides": SIDES,
    "pairs": PAIRS,
    "first": FIRST,
    "metrics": METRICS,
    "many": MANY,
    "shared": SHARED,
    "ideas": IDEAS_ROW,
    "covers": COVERS,
    "futility": FUTILITY,
    "watch": WATCH,
    "real": REAL,
    "time": TIME,
}


_NOTES = """Shares with one-sided 99 % Clopper-Pearson bounds: (≤ upper) must be within what is wanted, and (≥ lower) of tests that
use their α up. 'bets' need no cap, 'flips' a declared one. Looks after every pair, foils from the fifth on."""


class Job(NamedTuple):
    """One part of one row, with its chance and its counts."""

    row: str
    part: str
    seed: int
    size: Size

    @property
    def key(self) -> str:
        """Its name in a file of results."""
        return f"{self.row}/{self.part}/{self.seed}/{self.size.scale:g}/{'long' if self.size.long else 'usual'}"


class Done(msgspec.Struct, frozen=True):
    """What a part found, as it stands in a file of results."""

    key: str
    seconds: float
    lines: list[Line]


def main(words: Sequence[str] | None = None) -> int:
    """Return 0 when every figure is met or open, 1 when one is missed, 2 when the call cannot be right."""
    asked = _parser().parse_args(words)
    names = [name.strip() for name in asked.rows.split(",") if name.strip()]
    for name in names:
        if name not in ROWS:
            print(f"a row must be one of {', '.join(ROWS)}; got {name!r}", file=sys.stderr)
            return 2
    if not 0 < asked.scale <= 100:
        print(f"--scale must be above 0 and at most 100; got {asked.scale:g}", file=sys.stderr)
        return 2
    if "real" in names and folder() is None:
        print(f"left out: real noise is read from the folder that {VARIABLE} names; it names none", file=sys.stderr)
        names.remove("real")
    size = Size(asked.scale, asked.long)
    jobs = [Job(name, part, asked.seed, size) for name in names for part in ROWS[name].parts]
    try:
        known = _read(asked.out)
    except (OSError, ValueError) as error:
        print(f"{asked.out} must hold one result a line; got {error}", file=sys.stderr)
        return 2
    facts = {"seed": asked.seed, "scale": f"{asked.scale:g}", "counts": "long" if asked.long else "usual"}
    print(benchmarks.setting_out("judge", **facts), flush=True)
    for done in _ended([job for job in jobs if job.key not in known], asked.workers):
        known[done.key] = done
        print(f"{done.key}: {done.seconds:.1f} CPU-s", file=sys.stderr, flush=True)
        if asked.out:
            with asked.out.open("ab") as file:
                file.write(msgspec.json.encode(done) + b"\n")
    lines = [line for job in jobs for line in known[job.key].lines]
    titles = [(name, ROWS[name].title) for name in names]
    tables = [table(name, title, [line for line in lines if line.row == name]) for name, title in titles]
    print(f"{_NOTES}\n\n{plain([*tables, summary(titles, lines)])}\n\n{misses(lines)}")
    print(f"{sum(known[job.key].seconds for job in jobs):.0f} CPU-s in all")
    return int(any(line.met == "missed" for line in lines))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judge", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", default=",".join(ROWS), help=f"of {', '.join(ROWS)}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="times the usual counts")
    parser.add_argument("--long", action="store_true", help="the counts of a calibration")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--out", type=Path, help="file of results, appended to")
    return parser


def _read(out: Path | None) -> dict[str, Done]:
    """Return the parts that a file holds; a last line cut short by an interruption is taken off."""
    if out is None or not out.exists():
        return {}
    found = [msgspec.json.decode(line, type=Done) for line in benchmarks.whole_lines(out)]
    return {done.key: done for done in found}


def _ended(jobs: Sequence[Job], workers: int) -> Iterator[Done]:
    if workers <= 1:
        yield from map(run, jobs)
        return
    with multiprocessing.Pool(workers) as pool:
        yield from pool.imap_unordered(run, jobs)


def run(job: Job) -> Done:
    """Measure one part."""
    began = time.process_time()
    lines = ROWS[job.row].parts[job.part](Chance(job.seed, f"{job.row} {job.part}"), job.size)
    return Done(job.key, round(time.process_time() - began, 1), lines)


if __name__ == "__main__":
    sys.exit(main())
