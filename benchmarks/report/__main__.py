"""Read results of planner benches and print what they say: regret, runs to a peer's result, hypervolume, faults.

    python -m benchmarks.report results.jsonl [more.jsonl.gz] --targets --picture curves.svg --markdown figures.md
    python -m benchmarks.report results.jsonl --brief

What each table means stands above it; how the ratios are made, in ``ratios.py``, and the hypervolumes, in ``fronts.py``.
Tasks of ours are known by name; ``--tasks`` names others, and keeps to them.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.planner.tasks import BadTask, Task
from benchmarks.report.brief import brief
from benchmarks.report.facts import Facts, facts, read_tasks
from benchmarks.report.figures import (
    chosen_table,
    fault_table,
    kind_table,
    method_table,
    pair_table,
    ratio_table,
    regret_table,
    task_ratios,
)
from benchmarks.report.fronts import fronts, share_table, shortfalls
from benchmarks.report.page import Heading, Part, markdown, plain
from benchmarks.report.picture import picture
from benchmarks.report.results import BadResults, Cells, Row, cells, read
from benchmarks.report.targets import target_table


def main(words: Sequence[str] | None = None) -> int:
    """Return 0, or 2 when a file cannot be read."""
    asked = _parser().parse_args(words)
    warnings.formatwarning = lambda message, *_: f"{message}\n"
    try:
        rows, tasks = _read(asked)
        parts = _parts(rows, tasks, asked)
        _write(asked.markdown, lambda: markdown(parts))
        _write(asked.picture, lambda: picture(_longest(rows), asked.method))
    except (BadResults, BadTask) as error:
        print(error, file=sys.stderr)
        return 2
    if asked.markdown is None:
        print(plain(parts))
    return 0


def _write(path: Path | None, text: Callable[[], str]) -> None:
    if path is None:
        return
    try:
        path.write_text(text(), encoding="utf-8")
    except OSError as error:
        raise BadResults(f"{path} must be a file that can be written; got {error.strerror}") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("results", nargs="+", type=Path, help="result files, .jsonl or .jsonl.gz")
    parser.add_argument("--method", default="kaizen", help="whose ratios to its peers are printed")
    parser.add_argument("--targets", action="store_true", help="print what is wanted beside, and whether it is met")
    parser.add_argument("--brief", action="store_true", help="one line a peer")
    parser.add_argument("--pairs", action="store_true", help="the ratio of every method to every other, too")
    parser.add_argument("--budget", type=int, default=None, help="only the results of this budget")
    parser.add_argument(
        "--tasks", nargs="+", type=Path, default=None, metavar="FILE", help="only these: files or lists"
    )
    parser.add_argument("--data", type=Path, default=None, help="folder of real data; or KAIZEN_BENCH_DATA")
    parser.add_argument("--boot", type=int, default=2_000, help="bootstrap draws; 0 for none")
    parser.add_argument(
        "--markdown", type=Path, default=None, metavar="FILE", help="write the tables there as Markdown"
    )
    parser.add_argument("--picture", type=Path, default=None, metavar="FILE", help="write regret curves there as SVG")
    return parser


def _read(asked: argparse.Namespace) -> tuple[list[Row], dict[str, Task]]:
    rows, tasks = read(asked.results), read_tasks(asked.tasks)
    if asked.tasks is not None:
        rows = [row for row in rows if row["task"] in tasks]
    if asked.budget is not None:
        rows = [row for row in rows if row["budget"] == asked.budget]
    if not rows:
        which = " of these tasks and this budget" if asked.tasks is not None or asked.budget is not None else ""
        raise BadResults(f"the files must hold results{which}; they hold none yet")
    return rows, tasks


def _groups(rows: Sequence[Row]) -> list[tuple[str, int]]:
    """Return what was to be improved and the budget of every group of results, the first metric first."""
    return sorted(
        {(row.get("goals", "first"), row["budget"]) for row in rows}, key=lambda group: (group[0] != "first", group)
    )


def _longest(rows: Sequence[Row]) -> Cells:
    """Return the results of the largest budget, of the first metric if there are any."""
    goals, _ = _groups(rows)[0]
    return cells(rows, max(budget for found, budget in _groups(rows) if found == goals), goals)


def _parts(rows: Sequence[Row], tasks: Mapping[str, Task], asked: argparse.Namespace) -> list[Part]:
    known, parts = facts(rows, tasks), list[Part]()
    for goals, budget in _groups(rows):
        found = cells(rows, budget, goals)
        what = "the first metric" if goals == "first" else "all metrics"
        parts.append(Heading(f"Budget {budget}, {what} to be improved"))
        if goals == "first":
            parts += _of_first(found, known, budget, asked)
        else:
            parts += _of_all(found, budget, tasks, asked)
    return parts if asked.brief else [*parts, *_emulated(rows)]


def _of_first(found: Cells, known: Mapping[str, Facts], budget: int, asked: argparse.Namespace) -> list[Part]:
    ours, boot = asked.method, asked.boot
    if asked.brief:
        return [brief(found, known, ours, boot=boot, targets=asked.targets)]
    return [
        ratio_table(found, budget, ours, boot=boot),
        *([target_table(found, known, ours, boot)] if asked.targets else []),
        kind_table(found, known, ours, boot),
        task_ratios(found, known, ours),
        *([pair_table(found, ours, boot)] if asked.pairs else []),
        regret_table(found, budget, ours),
        chosen_table(found, known, ours, boot),
        fault_table(found, ours, boot),
        method_table(found, budget, ours),
    ]


def _of_all(found: Cells, budget: int, tasks: Mapping[str, Task], asked: argparse.Namespace) -> list[Part]:
    named = asked.data or os.environ.get("KAIZEN_BENCH_DATA")
    made = fronts(found, tasks, Path(named).resolve() if named else None)
    lacking = shortfalls(found, made)
    ours, boot = asked.method, asked.boot
    ratios = ratio_table(
        found,
        budget,
        ours,
        boot=boot,
        courses=lambda task, rows: lacking[task, rows[0]["method"]],
        tasks=made,
        what="median hypervolume",
    )
    shares = share_table(found, made, lacking, ours)
    if asked.brief:
        return [shares._replace(body=shares.body[-1:], notes=[]), ratios]
    left_out = sorted({task for task, _ in found} - made.keys())
    said = [f"No hypervolume of {', '.join(left_out)}: one metric, or no task file (--tasks)."] if left_out else []
    return [
        shares,
        ratios,
        *said,
        regret_table(found, budget, ours),
        fault_table(found, ours, boot),
        method_table(found, budget, ours),
    ]


def _emulated(rows: Sequence[Row]) -> list[str]:
    errors = {row["task"]: row["emulator_error"] for row in rows if row.get("emulator_error")}
    return [
        f"{task} is emulated, not measured: cross-validated error "
        + ", ".join(f"{name} {error:.3g}" for name, error in found_errors.items())
        for task, found_errors in sorted(errors.items())
    ]


if __name__ == "__main__":
    sys.exit(main())
