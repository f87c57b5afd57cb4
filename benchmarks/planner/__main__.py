"""Run planners on tasks and append what they did to a file; an interrupted run goes on where it stopped.

    python -m benchmarks.planner --methods kaizen,random,tpe,gp --budgets 50 --seeds 10 --out results.jsonl
    python -m benchmarks.planner --tasks FILE… --data DIR --workers 2 --out results.jsonl
    python -m benchmarks.report results.jsonl

``--tasks`` takes task files and lists of them (``.txt``, one a line, relative to the list); without it, the quick set of
eight. Each run's noise and each method's chance come from its seed alone, so any two machines run the same.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before numpy: one thread each, so that CPU figures mean something

from benchmarks.planner.convert import NoData  # noqa: E402
from benchmarks.planner.methods import METHODS, version  # noqa: E402
from benchmarks.planner.problem import Missing  # noqa: E402
from benchmarks.planner.run import Job, done, run_all, world  # noqa: E402
from benchmarks.planner.tasks import BadTask, Task, read_task  # noqa: E402

QUICK = Path(__file__).with_name("quick.txt")


def main(words: Sequence[str] | None = None) -> int:
    """Return 0 when all ran, 1 when some broke, 2 when the call cannot be right."""
    asked = _parser().parse_args(words)
    warnings.formatwarning = lambda message, *_: f"{message}\n"
    try:
        jobs = _jobs(asked)
        known = done(asked.out)
    except (BadTask, Missing) as error:
        print(error, file=sys.stderr)
        return 2
    left = [job for job in jobs if job.key not in known]
    print(f"{len(jobs)} runs, {len(jobs) - len(left)} of them in {asked.out} already", file=sys.stderr)
    try:
        return 1 if run_all(left, asked.out, workers=asked.workers) else 0
    except KeyboardInterrupt:
        print(f"Interrupted; the same command goes on where it stopped ({asked.out}).", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planner", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tasks", nargs="+", type=Path, default=[QUICK], metavar="FILE", help="task files or lists")
    parser.add_argument("--methods", default="kaizen,random,tpe,gp", help=f"of {', '.join(METHODS)}")
    parser.add_argument("--budgets", default="", help="runs of each course, as 20,50; the task's own if not given")
    parser.add_argument("--seeds", type=int, default=None, help="how many; the task's own if not given")
    parser.add_argument("--first-seed", type=int, default=0, help="the first of them")
    parser.add_argument("--goals", choices=("first", "all"), default="first", help="improve the first metric, or all")
    parser.add_argument("--data", type=Path, default=None, help="folder of real data; or KAIZEN_BENCH_DATA")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--out", type=Path, default=Path("results.jsonl"), help="file of results, appended to")
    return parser


def _jobs(asked: argparse.Namespace) -> list[Job]:
    """Return every (task, budget, seed, method), tasks outermost so that a table is read once."""
    methods = [name.strip() for name in asked.methods.split(",") if name.strip()]
    for name in methods:
        if name not in METHODS:
            raise BadTask(f"a method must be one of {', '.join(METHODS)}; got {name!r}")
        version(name)
    named = asked.data or os.environ.get("KAIZEN_BENCH_DATA")
    data = Path(named).resolve() if named else None
    budgets = _budgets(asked.budgets)
    jobs = []
    for path in _files(asked.tasks):
        task = read_task(path)
        if not _there(path, data):
            continue
        jobs += _of_task(task, methods, budgets, data, asked)
    _check_names(jobs)
    return jobs


def _of_task(
    task: Task, methods: list[str], budgets: list[int], data: Path | None, asked: argparse.Namespace
) -> list[Job]:
    count = task.seeds if asked.seeds is None else asked.seeds
    return [
        Job(
            path=task.path, task=task.name, method=method, seed=seed, budget=budget, data=data,
            every_goal=asked.goals == "all" and len(task.goals) > 1,
        )
        for budget in budgets or task.budgets
        for seed in range(asked.first_seed, asked.first_seed + count)
        for method in methods
    ]  # fmt: skip


def _budgets(text: str) -> list[int]:
    try:
        found = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise BadTask(f"--budgets must be whole numbers like 20,50; got {text!r}") from None
    if any(budget < 1 for budget in found):
        raise BadTask(f"--budgets must be at least 1; got {text!r}")
    return found


def _files(named: Sequence[Path]) -> list[Path]:
    """Return the task files, those of lists too."""
    found: list[Path] = []
    for path in named:
        if path.suffix != ".txt":
            found.append(path.resolve())
            continue
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise BadTask(f"{path} must be a list of task files; got {type(error).__name__}: {error}") from error
        found += [(path.parent / line.strip()).resolve() for line in lines if line.strip() and line[0] != "#"]
    return found


def _there(path: Path, data: Path | None) -> bool:
    """Tell whether a task's data are here; say so where not. A task that cannot be right is refused."""
    try:
        world(path, data)
    except NoData as error:
        print(f"left out: {error}", file=sys.stderr)
        return False
    return True


def _check_names(jobs: Sequence[Job]) -> None:
    paths: dict[str, Path] = {}
    for job in jobs:
        if paths.setdefault(job.task, job.path) != job.path:
            raise BadTask(f"tasks must have different names; got {job.task!r} in {paths[job.task]} and {job.path}")


if __name__ == "__main__":
    sys.exit(main())
