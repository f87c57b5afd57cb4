"""How much CPU does one suggestion take, beside the peers, and how much disk does each need?

    python -m benchmarks.suggest [--methods kaizen,tpe,gp,ax] [--count 20]

One metric, one thread, six parameters (two reals, one by ratios, one whole, two choices), so many runs told. *Warm* is the
mean of 20 suggestions in a row, each told before the next, with what is fitted now and then spread over them. *Cold* is a
fresh process: Python, imports, 50 runs told and one suggestion. CPU seconds, which other programs on the machine change less
than they change the time on the wall. Optuna's GPSampler and Ax run where their environments are (``.venv/peers/NAME``).
"""

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import benchmarks
from benchmarks.planner.peers import environment
from benchmarks.planner.problem import Missing
from benchmarks.report.page import Table, figure, plain
from benchmarks.size import packages, size

_ROOT = Path(__file__).parent.parent.parent
_DRIVER = Path(__file__).with_name("driver.py")

METHODS = ("kaizen", "tpe", "gp", "ax")
MOST = {50: 0.05, 200: 0.15, 1000: 1.5}
"""CPU seconds that one suggestion of ours may take, warm, by how many runs were told."""
TIMES = 10.0
"""How many times ours must be below Ax."""
_TOLD = {"gp": (50, 200), "ax": (50, 200)}  # beyond that they take minutes
_NEEDS = {"gp": ("optuna", "torch"), "ax": ("ax",)}
_OURS = ("numpy", "scipy")

Figures = dict[tuple[str, int], list[float]]
"""CPU seconds of each warm suggestion, by method and runs told."""


class Broken(Exception):
    """A driver failed; the message is one sentence."""


def python_of(method: str) -> Path:
    """Return the Python that has what a method needs: this one if it does, or its own environment's.

    Raises:
        Missing: there is none.
    """
    if all(importlib.util.find_spec(name) for name in _NEEDS.get(method, ())):
        return Path(sys.executable)
    return environment.python(method)


def drive(method: str, told: int, count: int) -> dict[str, Any]:
    """Return what the driver measured in a process of its own.

    Raises:
        Broken: it failed.
    """
    words = [str(python_of(method)), str(_DRIVER), method, str(told), str(count)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=_ROOT)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise Broken(f"{method} must answer after {told} runs; it ended with status {done.returncode}: {last}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def warm_table(each: Figures) -> Table:
    """Return the mean and the largest warm suggestion of each method, what is wanted, and how far below Ax ours is."""
    body = []
    for (method, told), seconds in each.items():
        mean, most = statistics.mean(seconds), MOST.get(told) if method == "kaizen" else None
        theirs = each.get(("ax", told))
        times = f"{statistics.mean(theirs) / mean:.0f}" if theirs and method != "ax" else "·"
        wanted = "·" if most is None else f"{most:g}"
        body.append(
            [method, str(told), figure(mean), figure(statistics.median(seconds)), figure(max(seconds)), wanted, times]
        )
    head = ["method", "runs told", "CPU-s", "median", "largest", "at most", "times below ax"]
    return Table("One warm suggestion, CPU seconds, mean of those in a row", head, body)


def cold_table(cold: Mapping[str, Mapping[str, float]]) -> Table:
    """Return what a fresh process takes until its first suggestion."""
    body = [
        [m, figure(f["ready"] + f["first"], ".2f"), figure(f["ready"], ".2f"), figure(f["first"], ".2f")]
        for m, f in cold.items()
    ]
    head = ["method", "CPU-s", "start, imports, 50 told", "first suggestion"]
    return Table("A cold process until its first suggestion at 50 runs, CPU seconds", head, body)


def size_table() -> Table:
    """Return the megabytes that the packages of ours and each peer's environment take on the disk."""
    body = []
    own = next((path for path in Path(sys.executable).parents if (path / "pyvenv.cfg").exists()), Path(sys.prefix))
    ours = {name: taken for name, taken in packages(own).items() if name.split()[0].lower() in _OURS}
    if ours:
        body.append(
            ["numpy and scipy, all that kaizen's planner adds", f"{sum(ours.values()) / 1e6:.0f}", ", ".join(ours)]
        )
    for folder in map(environment.folder, sorted(environment.DISTRIBUTIONS)):
        if not (folder / "ready").exists():
            continue
        taken = size(folder)[1]
        largest = ", ".join(f"{name} {one / 1e6:.0f}" for name, one in packages(folder).most_common(3))
        body.append([f"the environment of {folder.name}", f"{taken / 1e6:.0f}", largest])
    return Table("Megabytes on the disk", ["", "MB", "of it"], body)


def broken(each: Figures) -> list[str]:
    """Return what is not kept, each a sentence."""
    said = []
    for told, most in MOST.items():
        mean = statistics.mean(each.get(("kaizen", told)) or [0.0])
        theirs = each.get(("ax", told))
        if mean > most:
            said.append(f"a suggestion at {told} runs must take at most {most:g} CPU-s; got {mean:.3f}")
        if theirs and mean * TIMES > statistics.mean(theirs):
            said.append(
                f"a suggestion at {told} runs must take a tenth of Ax's {statistics.mean(theirs):.3f}; got {mean:.3f}"
            )
    return said


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print the tables, and say whether the limits are kept."""
    asked = _parser().parse_args(words)
    methods = [name.strip() for name in asked.methods.split(",") if name.strip()]
    for name in methods:
        if name not in METHODS:
            print(f"a method must be one of {', '.join(METHODS)}; got {name!r}", file=sys.stderr)
            return 2
    here = [name for name in methods if _there(name)]
    print(benchmarks.setting_out("suggest", suggestions=asked.count, threads=1), flush=True)
    try:
        each, cold = _measured(here, asked.count)
    except Broken as error:
        print(error, file=sys.stderr)
        return 2
    print(plain([warm_table(each), cold_table(cold), size_table()]))
    said = broken(each)
    for sentence in said:
        print(sentence, file=sys.stderr)
    return 1 if said else 0


def _there(method: str) -> bool:
    try:
        python_of(method)
    except Missing as error:
        print(f"left out: {error}", file=sys.stderr)
        return False
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suggest", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--methods", default=",".join(METHODS), help=f"of {', '.join(METHODS)}")
    parser.add_argument("--count", type=int, default=20, help="suggestions in a row")
    return parser


def _measured(methods: Sequence[str], count: int) -> tuple[Figures, dict[str, dict[str, float]]]:
    each: Figures = {}
    cold = {}
    for method in methods:
        drive(method, 5, 0)  # once for the caches of compiled modules
        cold[method] = drive(method, min(MOST), 0)
    for told in MOST:  # the methods one after another, so that the machine's load is much the same for each
        for method in (method for method in methods if told in _TOLD.get(method, MOST)):
            each[method, told] = drive(method, told, count)["each"]
            print(f"{method} at {told}: {statistics.mean(each[method, told]):.4f} CPU-s", file=sys.stderr, flush=True)
    return each, cold


if __name__ == "__main__":
    sys.exit(main())
