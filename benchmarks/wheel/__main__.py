"""Turn the whole wheel on tasks and count runs to a proven standard; an interrupted bench goes on where it stopped.

    python -m benchmarks.wheel --seeds 3 --workers 2 --out wheel.jsonl
    python -m benchmarks.wheel --tasks benchmarks/wheel/panel.txt --arms model,tpe40 --noises 0,0.05,0.2 --out wheel.jsonl
    python -m benchmarks.wheel --only-report wheel.jsonl

The target is a *proven* standard whose true value has gained 80 % of (table optimum - first standard). Every run counts
one: scouts, and both sides of every pair. Without ``--tasks``, four tasks that take minutes.
"""

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before numpy: one thread each, so that CPU figures mean something

from benchmarks.jobs import Result, Words, run_all  # noqa: E402
from benchmarks.planner.convert import NoData  # noqa: E402
from benchmarks.planner.tasks import BadTask, read_task  # noqa: E402
from benchmarks.wheel.arms import ARMS  # noqa: E402
from benchmarks.wheel.courses import Job, run_job, world  # noqa: E402
from benchmarks.wheel.table import BadResults, read, report  # noqa: E402

QUICK = Path(__file__).with_name("quick.txt")


def main(words: Sequence[str] | None = None) -> int:
    """Return 0 when all ran, 1 when some broke, 2 when the call cannot be right."""
    asked = _parser().parse_args(words)
    warnings.formatwarning = lambda message, *_: f"{message}\n"
    try:
        if asked.only_report:
            print(report(read(asked.only_report), boot=asked.boot))
            return 0
        jobs = _jobs(asked)
        known = {_key(row) for row in read([asked.out])} if asked.out.exists() else set()
    except (BadTask, BadResults) as error:
        print(error, file=sys.stderr)
        return 2
    left = [job for job in jobs if job.key not in known]
    print(f"{len(jobs)} courses, {len(jobs) - len(left)} of them in {asked.out} already", file=sys.stderr)
    try:
        failed = run_all(left, asked.out, run_job, words=Words(_name, _came), workers=asked.workers)
    except KeyboardInterrupt:
        print(f"Interrupted; the same command goes on where it stopped ({asked.out}).", file=sys.stderr)
        return 130
    wanted = {job.key for job in jobs}
    print(report([row for row in read([asked.out]) if _key(row) in wanted], boot=asked.boot))
    return 1 if failed else 0


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("task", "arm", "noise", "seed", "budget", "changes"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wheel", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--tasks", nargs="+", type=Path, default=[QUICK], metavar="FILE", help="task files or lists")
    parser.add_argument("--arms", default=",".join(ARMS), help=f"of {', '.join(ARMS)}")
    parser.add_argument("--noises", default="0,0.05,0.2", help="shares of the value that a reading is off by; 0: exact")
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--first-seed", type=int, default=0, help="the first of them")
    parser.add_argument("--budget", type=int, default=300, help="runs of a course, at most")
    parser.add_argument(
        "--changes", type=int, default=None, help="the most parameters of one increment; any by default"
    )
    parser.add_argument("--on", action="store_true", help="go on when the target is reached, to the end of the budget")
    parser.add_argument("--data", type=Path, default=None, help="folder of real data; or KAIZEN_BENCH_DATA")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--boot", type=int, default=2_000, help="bootstrap draws; 0 for none")
    parser.add_argument("--out", type=Path, default=Path("wheel.jsonl"), help="file of results, appended to")
    parser.add_argument("--only-report", nargs="+", type=Path, metavar="FILE", help="run nothing, read these results")
    return parser


def _jobs(asked: argparse.Namespace) -> list[Job]:
    """Return every (task, seed, noise, arm), tasks outermost so that a table is read once."""
    arms = [name.strip() for name in asked.arms.split(",") if name.strip()]
    for name in arms:
        if name not in ARMS:
            raise BadTask(f"an arm must be one of {', '.join(ARMS)}; got {name!r}")
    noises = _noises(asked.noises)
    named = asked.data or os.environ.get("KAIZEN_BENCH_DATA")
    data = Path(named).resolve() if named else None
    jobs = []
    for path in _files(asked.tasks):
        task = read_task(path)
        try:
            world(path, data)
        except NoData as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        jobs += [
            Job(
                path=path, task=task.name, arm=arm, noise=noise, seed=seed, budget=asked.budget,
                changes=asked.changes, on=asked.on, data=data,
            )
            for seed in range(asked.first_seed, asked.first_seed + asked.seeds) for noise in noises for arm in arms
        ]  # fmt: skip
    return jobs


def _noises(text: str) -> list[float]:
    try:
        found = [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise BadTask(f"--noises must be numbers like 0,0.05,0.2; got {text!r}") from None
    if not found or any(not 0 <= noise <= 0.3 for noise in found):
        raise BadTask(f"--noises must be from 0 to 0.3; got {text!r}")
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


def _name(job: Job) -> str:
    return f"{job.task} {job.arm} noise {job.noise:g} seed {job.seed}"


def _came(result: Result) -> str:
    reached = "never" if result["runs"] is None else f"{result['runs']} runs"
    adopted = f"{result['trials']} trials, {result['adoptions']} adopted ({result['false']} falsely)"
    return f"{reached}, {adopted}, {result['cpu']} CPU-s; {result['end']}"


if __name__ == "__main__":
    sys.exit(main())
