"""Leave one member of a family out, give it the others as its past, and count runs; goes on where it stopped.

    python -m benchmarks.veteran --seeds 3 --out veteran.jsonl
    python -m benchmarks.veteran --families FILE… --arms cold,placebo,memory --members 3 --workers 2 --out veteran.jsonl
    python -m benchmarks.veteran --nods --families FILE… --seeds 1 --out nods.jsonl
    python -m benchmarks.veteran --rivals --seeds 6 --out rivals.jsonl
    python -m benchmarks.veteran --only-report veteran.jsonl

``--families`` takes family files; without it, two small ones that take minutes. Cold courses and their placebo, whose
median is the target, run with at least 12 seeds unless ``--seeds`` is lower than 4. With ``--nods`` no course is run: the nod is
asked about frozen ones (see ``nods``). With ``--rivals`` other people's memory stands beside ours (see ``rivals``): by default
on one member of each of six families, two seeds and 25 runs of each peer.
"""

import argparse
import json
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before numpy: one thread each, so that CPU figures mean something

from benchmarks import whole_lines  # noqa: E402
from benchmarks.jobs import Result, Words, run_all  # noqa: E402
from benchmarks.planner.convert import NoData  # noqa: E402
from benchmarks.planner.tasks import BadTask  # noqa: E402
from benchmarks.veteran import nods, nodtable, rivaltable  # noqa: E402
from benchmarks.veteran.courses import ARMS, FOILS, Job  # noqa: E402
from benchmarks.veteran.families import Family, Member, read_family, world  # noqa: E402
from benchmarks.veteran.rivals import RIVALS, run_course  # noqa: E402
from benchmarks.veteran.table import report  # noqa: E402

HERE = Path(__file__).with_name("families")
QUICK = ("made_quadratics", "made_valleys")
BESIDE = ("convolution", "buchwald", "exastencils", "nginx", "sqlite", "made_valleys")
"""Families whose first member rivals are compared on."""
_OURS = (*(arm for arm in ARMS if arm not in {"half", "permuted"}), *FOILS)  # arms beside those of rivals
_COLD = 12  # seeds of cold courses, at least
_FEW = 4  # seeds below which nobody asked for a figure


def main(words: Sequence[str] | None = None) -> int:
    """Return 0 when all ran, 1 when some broke, 2 when the call cannot be right."""
    asked = _parser().parse_args(words)
    warnings.formatwarning = lambda message, *_: f"{message}\n"
    try:
        if asked.only_report:
            print(_told([row for path in asked.only_report for row in read(path)]))
            return 0
        jobs = _jobs(asked)
        known = {_key(row) for row in read(asked.out)} if asked.out.exists() else set()
    except BadTask as error:
        print(error, file=sys.stderr)
        return 2
    left = [job for job in jobs if job.key not in known]
    print(f"{len(jobs)} courses, {len(jobs) - len(left)} of them in {asked.out} already", file=sys.stderr)
    try:
        run = nods.run_job if asked.nods else run_course
        failed = run_all(left, asked.out, run, words=Words(_name, _came), workers=asked.workers)
    except KeyboardInterrupt:
        print(f"Interrupted; the same command goes on where it stopped ({asked.out}).", file=sys.stderr)
        return 130
    wanted = {job.key for job in jobs}
    rows = [row for row in read(asked.out) if _key(row) in wanted]
    if rows:
        print(_told(rows))
    return 1 if failed else 0


def _told(rows: list[dict[str, Any]]) -> str:
    """Return the tables of courses, of courses beside rivals', or of nods."""
    if rows and "asked" in rows[0]:
        return nodtable.report(rows)
    return (rivaltable.report if {row["arm"] for row in rows} & set(RIVALS) else report)(rows)


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("family", "task", "arm", "seed", "budget"))


def read(path: Path) -> list[dict[str, Any]]:
    """Read result lines, gzipped where a name ends in ``.gz``; a last line cut short by an interruption is taken off.

    Raises:
        BadTask: the file or a line cannot be read.
    """
    try:
        lines = whole_lines(path)
    except OSError as error:
        raise BadTask(f"{path} must be a file of results; got {type(error).__name__}: {error}") from error
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            found[_key(row)] = row
        except (ValueError, KeyError, TypeError) as error:
            raise BadTask(f"{path} must hold one result a line; line {number} is none: {error}") from error
    return list(found.values())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.veteran", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--families", nargs="+", type=Path, default=None, metavar="FILE", help="family files")
    every = ", ".join([*ARMS, *FOILS, *RIVALS])
    parser.add_argument("--arms", help=f"of {every}; with --nods of {', '.join(nods.ARMS)}")
    parser.add_argument("--nods", action="store_true", help="ask the nod about frozen courses, and run none")
    parser.add_argument("--rivals", action="store_true", help="put other people's memory beside ours")
    parser.add_argument("--peer-seeds", type=int, default=2, help="seeds of a peer's arms, at most --seeds")
    parser.add_argument("--peer-budget", type=int, default=25, help="runs of a peer's course, at most --budget")
    parser.add_argument(
        "--members", type=int, default=None, help="of a family that are the present, at most; all by default"
    )
    parser.add_argument("--seeds", type=int, default=3, help="how many; of cold courses at least 12, if 4 or more")
    parser.add_argument("--first-seed", type=int, default=0, help="the first of them")
    parser.add_argument("--budget", type=int, default=40, help="runs of a course")
    parser.add_argument("--data", type=Path, default=None, help="folder of real data; or KAIZEN_BENCH_DATA")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--out", type=Path, default=Path("veteran.jsonl"), help="file of results, appended to")
    parser.add_argument("--only-report", nargs="+", type=Path, metavar="FILE", help="run nothing, read these results")
    return parser


def _jobs(asked: argparse.Namespace) -> list[Any]:
    """Return every (family, member, arm, seed), members outermost so that a table is read once."""
    every = nods.ARMS if asked.nods else (*ARMS, *FOILS, *RIVALS)
    given = asked.arms or ("memory" if asked.nods else ",".join((*_OURS, *RIVALS) if asked.rivals else ARMS))
    arms = [name.strip() for name in given.split(",") if name.strip()]
    for name in arms:
        if name not in every:
            raise BadTask(f"an arm must be one of {', '.join(every)}; got {name!r}")
    least = min(asked.seeds, asked.peer_seeds, 1 if asked.members is None else asked.members)
    if least < 1 or min(asked.budget, asked.peer_budget) < 2:
        raise BadTask("--seeds, --peer-seeds and --members must be at least 1, --budget and --peer-budget at least 2")
    named = asked.data or os.environ.get("KAIZEN_BENCH_DATA")
    data = Path(named).resolve() if named else None
    jobs = []
    files = asked.families or [HERE / f"{name}.json" for name in (BESIDE if asked.rivals else QUICK)]
    for path in files:
        family = read_family(path.resolve())
        for member in _presents(family, 1 if asked.rivals and asked.members is None else asked.members):
            try:
                names = [world(one.path, data).task.name for one in (member, *family.members)]
            except NoData as error:
                print(f"left out: {error}", file=sys.stderr)
                continue
            if asked.nods:
                about = {"family": family, "path": member.path, "task": names[0], "data": data}
                jobs += [nods.Job(**about, arm=arm, seed=seed) for arm in arms for seed in _seeds(arm, asked)]
                continue
            jobs += [
                Job(family=family, path=member.path, task=names[0], arm=arm, seed=seed, budget=budget, data=data)
                for arm in arms for seed in _seeds(arm, asked)
                for budget in [min(asked.budget, asked.peer_budget) if arm in RIVALS else asked.budget]
            ]  # fmt: skip
    return jobs


def _presents(family: Family, most: int | None) -> list[Member]:
    """Return the members that are the present in turn: evenly chosen, where not all."""
    count = len(family.members) if most is None else min(most, len(family.members))
    return [family.members[at * len(family.members) // count] for at in range(count)]


def _seeds(arm: str, asked: argparse.Namespace) -> range:
    if arm in RIVALS:
        return range(asked.first_seed, asked.first_seed + min(asked.seeds, asked.peer_seeds))
    more = arm in {"cold", "placebo"} and asked.seeds >= _FEW
    return range(asked.first_seed, asked.first_seed + (max(_COLD, asked.seeds) if more else asked.seeds))


def _name(job: Any) -> str:
    return f"{job.task} {job.arm} seed {job.seed}"


def _came(result: Result) -> str:
    if "asked" in result:
        said = sum(nodtable.warned(one, "nod") for one in result["asked"])
        return f"{said} of {len(result['asked'])} warned of, {result['cpu']} CPU-s"
    return f"{sum(result['remembered'])} runs by memory, {result['faults']} faults, {result['cpu']} CPU-s"


if __name__ == "__main__":
    sys.exit(main())
