"""How often does ``kaizen prove`` call a change that does nothing better or worse, and how many pairs does a real one take?

    python -m benchmarks.prove                        ten proofs of nothing, five of each planted change: some minutes
    python -m benchmarks.prove --nothing 200 --planted 40

A small git repository is made, with a file of numbers; the command is ``gzip -9`` on it, some ten milliseconds. The
planted changes make the file longer by 0, 1, 5 and 20 %: as much more work, real and known. Beside it run loads that
compete for the processor, busy and idle by turns at random. Each proof is ``kaizen.prove`` as users call it, with its
checkouts, coins, ledger on disk and judge, from a ledger of its own.

Two tools' *rules of verdict* are asked at equal runs, on readings taken as those tools take them: as many runs of OLD as
the proof took pairs, then as many of NEW, in a row. And once more on the proof's own pairs.

    hyperfine   "OLD ran r ± s times faster than NEW": read as a difference where r - 1 > s; it always names a faster one
    pyperf      a two-sample t-test, two-sided at 95 %: "Not significant!", or faster and slower

Promised: on changes that do nothing, better or worse is said with chance α at most; exit status 1 if as many false
answers as there were would happen less than once in a hundred times at α.
"""

import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import benchmarks
import kaizen
from benchmarks.null import student, upper_bound
from kaizen.doers.local import LocalDoer
from kaizen.doers.local.revisions import revisions
from kaizen.metric import lower
from kaizen.parameter import Revision
from kaizen.process import Process, Shell
from kaizen.setting import Setting, Texts
from kaizen.trial import Reading, Run
from kaizen.workshop import open_workshop

ALPHA = 0.05
CHANGES = (0.0, 0.01, 0.05, 0.20)
METRICS = ("cpu_seconds", "seconds")
COMMAND = "gzip -9 -c data > /dev/null"
_LINES = 5_000  # of the file: some ten milliseconds of gzip
_CLEAR = 0.01  # how rarely luck may do what breaks the promise
_LOAD = """\
import os, random, sys, time
chance, parent = random.Random(int(sys.argv[1])), os.getppid()
while os.getppid() == parent:
    until = time.monotonic() + chance.uniform(0.05, 1.0)
    while time.monotonic() < until:
        sum(range(2000))
    time.sleep(chance.uniform(0.05, 1.0))
"""


def repository(top: Path, seed: int) -> None:
    """Make a repository of a file, tagged ``old``, and of a longer one for each planted change."""
    chance = random.Random(seed)
    lines = [f"{chance.random():.12f}\n" for _ in range(math.ceil(_LINES * (1 + max(CHANGES))))]
    _git(top, "init", "-q")
    for tag, size in (("old", _LINES), *((_tag(change), round(_LINES * (1 + change))) for change in CHANGES)):
        (top / "data").write_text("".join(lines[:size]), encoding="utf-8")
        (top / "note").write_text(tag, encoding="utf-8")  # so that a change of nothing is a change
        _git(top, "add", ".")
        _git(top, "commit", "-qm", tag)
        _git(top, "tag", tag)
        if tag != "old":
            _git(top, "reset", "-q", "--hard", "old")


def _tag(change: float) -> str:
    return f"more{round(100 * change)}"


def _git(top: Path, *words: str) -> None:
    who = {f"GIT_{role}_{what}": "bench@localhost" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(["git", "-C", str(top), *words], check=True, env=os.environ | who, capture_output=True)


@contextmanager
def loaded(many: int, seed: int) -> Iterator[None]:
    """Compete for the processor while inside."""
    words = [sys.executable, "-c", _LOAD]
    loads = [subprocess.Popen([*words, str(seed + number)]) for number in range(many)]
    try:
        yield
    finally:
        for load in loads:
            load.kill()
            load.wait()


# ── one proof, and what others would say ────────────────────────────────────────────────────────────────────────────
def proof(top: Path, change: float, metric: str, place: Path) -> dict[str, Any]:
    """Prove once; return what was said, in how many pairs, and what the other rules say at equal runs."""
    began, file = time.monotonic(), place / f"{time.monotonic_ns()}.db"
    asked = {"metrics": (lower(metric, unit="s"),), "root": top, "ledger": file, "alpha": ALPHA}
    found = kaizen.prove(f"old..{_tag(change)}", COMMAND, **asked)
    took = time.monotonic() - began
    with open_workshop(file, root=top) as shop:
        rows = [row for row in shop[found.process].runs if row.side and isinstance(row.outcome, Reading)]
        pairs = {
            side: [row.outcome.values[metric] for row in rows if row.side == side] for side in ("standard", "increment")
        }
    many = found.verdict.pairs if found.verdict is not None else 0
    row = in_a_row(top, change, metric, place, many)
    return {
        "change": change, "metric": metric, "said": found.decision, "pairs": many, "seconds": took,
        "effect": found.verdict.effects[0].gain if found.verdict is not None else None,
        "hyperfine": hyperfine(*row), "pyperf": pyperf(*row),
        "hyperfine_pairs": hyperfine(pairs["standard"], pairs["increment"]),
        "pyperf_pairs": pyperf(pairs["standard"], pairs["increment"]),
    }  # fmt: skip


def in_a_row(top: Path, change: float, metric: str, place: Path, many: int) -> tuple[list[float], list[float]]:
    """Measure OLD so many times, then NEW, each warmed up once, by the same instrument."""
    old, new = revisions(top, f"old..{_tag(change)}")
    process = Process(
        name="row", parameters=(Revision(name="revision"),), metrics=(lower(metric),), standard=Setting(revision=old.commit),
        work=Shell(command=COMMAND, reads=Texts({metric: metric})),
    )  # fmt: skip
    found = []
    with LocalDoer(process, directory=top, state=place / "row") as doer:
        for commit in (old.commit, new.commit):
            readings = []
            for number in range(many + 1):
                doer.start(Run(id=number, setting=Setting(revision=commit), purpose="scout", of=1))
                while not (done := doer.wait(1.0)):
                    pass
                outcome = done[0].outcome
                if number and isinstance(outcome, Reading):
                    readings.append(outcome.values[metric])
            found.append(readings)
    return found[0], found[1]


def hyperfine(old: Sequence[float], new: Sequence[float]) -> str:
    """Return what the ratio of means with its propagated sd is read as (hyperfine 1.19, ``relative_speed``)."""
    first, second = statistics.fmean(old), statistics.fmean(new)
    ratio = max(first, second) / min(first, second)
    spread = ratio * math.hypot(statistics.stdev(old) / first, statistics.stdev(new) / second)
    return "none" if ratio - 1 <= spread else "worse" if second > first else "better"


def pyperf(old: Sequence[float], new: Sequence[float]) -> str:
    """Return what the t-test of ``pyperf compare_to`` says (pyperf 2.9, ``is_significant``)."""
    error = (statistics.variance(old) + statistics.variance(new)) / 2
    t = (statistics.fmean(new) - statistics.fmean(old)) / math.sqrt(error * (1 / len(old) + 1 / len(new)))
    if abs(t) < student(len(old) + len(new) - 2, 0.025):
        return "none"
    return "worse" if t > 0 else "better"


# ── the table ───────────────────────────────────────────────────────────────────────────────────────────────────────
def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return a line for each metric and planted change."""
    lines = [_row("", "more", "", "kaizen prove", "", "effect", "in a row", "", "our pairs", "")]
    lines += [
        _row(
            "metric",
            "work",
            "proofs",
            "better worse same ?",
            "pairs",
            "read",
            "hyperfine",
            "pyperf",
            "hyperfine",
            "pyperf",
        )
    ]
    for metric in METRICS:
        for change in CHANGES:
            some = [row for row in rows if (row["metric"], row["change"]) == (metric, change)]
            if some:
                lines.append(_line(metric, change, some))
    return "\n".join(lines)


def _line(metric: str, change: float, rows: Sequence[dict[str, Any]]) -> str:
    said = [row["said"] for row in rows]
    counts = [said.count(word) for word in ("better", "worse", "not_worthwhile")]
    pairs = sorted(row["pairs"] for row in rows)
    ends = f"{pairs[len(pairs) // 2]} ({pairs[len(pairs) // 10]}..{pairs[-1 - len(pairs) // 10]})"
    gains = [row["effect"] for row in rows if row["effect"] is not None]
    read = f"{math.expm1(-statistics.median(gains)):+.1%}" if gains else "?"

    def others(name: str) -> str:
        return "/".join(str([row[name] for row in rows].count(word)) for word in ("better", "worse"))

    counted = f"{counts[0]:>6} {counts[1]:>5} {counts[2]:>4} {len(said) - sum(counts):>1}"
    rules = [others(name) for name in ("hyperfine", "pyperf", "hyperfine_pairs", "pyperf_pairs")]
    return _row(metric, f"{change:.0%}", str(len(rows)), counted, ends, read, *rules)


def _row(*cells: str) -> str:
    widths = (-12, 5, 7, 20, 13, 8, 11, 8, 11, 8)
    return " ".join(
        f"{cell:<{-width}}" if width < 0 else f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)
    ).rstrip()


def verdict(rows: Sequence[dict[str, Any]]) -> tuple[str, bool]:
    """Return the line on false answers, and whether the promise is kept as far as counts can tell."""
    nothing = [row for row in rows if row["change"] == 0]
    lines, kept = [], True
    for name in ("said", "pyperf", "pyperf_pairs", "hyperfine", "hyperfine_pairs"):
        false = sum(row[name] in ("better", "worse") for row in nothing)
        bound = upper_bound(false, len(nothing), 0.05)
        where = "on our pairs" if "_pairs" in name else "in a row"
        who = "kaizen prove" if name == "said" else f"{name.removesuffix('_pairs')}, {where}"
        lines.append(
            f"false on nothing    {who:<24} {false:>4} of {len(nothing)} ({false / len(nothing):.1%}), upper 95 % bound {bound:.1%}"
        )
        if name == "said":
            kept = sum(_binomial(k, len(nothing)) for k in range(false, len(nothing) + 1)) >= _CLEAR
    return "\n".join(lines), kept


def _binomial(hits: int, of: int) -> float:
    return math.comb(of, hits) * ALPHA**hits * (1 - ALPHA) ** (of - hits)


def main(words: Sequence[str] | None = None) -> int:
    """Run the bench, print what it found, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prove", description=__doc__.partition("\n")[0])
    parser.add_argument("--nothing", type=int, default=10, help="proofs of a change of nothing, by each metric")
    parser.add_argument("--planted", type=int, default=5, help="proofs of each planted change, by each metric")
    parser.add_argument("--loads", type=int, default=1, help="competing loads")
    parser.add_argument("--metrics", nargs="+", choices=METRICS, default=METRICS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="a line of JSON for each proof; goes on with the proofs that it has")
    given = parser.parse_args(words)
    print(benchmarks.setting_out("prove", alpha=ALPHA, loads=given.loads, command=COMMAND, seed=given.seed), flush=True)
    rows = [json.loads(line) for line in benchmarks.whole_lines(given.out)] if given.out and given.out.exists() else []
    with tempfile.TemporaryDirectory() as folder, loaded(given.loads, given.seed):
        top, place = Path(folder) / "top", Path(folder) / "place"
        top.mkdir()
        place.mkdir()
        repository(top, given.seed)
        for change, metric in _jobs(given, rows):
            rows.append(proof(top, change, metric, place))
            if given.out:
                with given.out.open("a") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
    said, kept = verdict(rows)
    print(table(rows))
    print(said)
    print(f"time                {sum(row['seconds'] for row in rows) / len(rows):.1f} s a proof, checkouts included")
    return int(not kept)


def _jobs(given: argparse.Namespace, rows: Sequence[dict[str, Any]]) -> list[tuple[float, str]]:
    """Return what is still to be proven, mixed, so that the machine's hours are shared by all."""
    jobs = []
    for metric in given.metrics:
        for change in CHANGES:
            done = sum((row["change"], row["metric"]) == (change, metric) for row in rows)
            jobs += [(change, metric)] * max(0, (given.planted if change else given.nothing) - done)
    random.Random(given.seed).shuffle(jobs)
    return jobs


if __name__ == "__main__":
    sys.exit(main())
