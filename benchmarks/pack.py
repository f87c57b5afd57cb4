"""What an advice pack saves its reader, and what attackers find out from it.

    python -m benchmarks.pack --data DIR --out pack.jsonl
    python -m benchmarks.pack --quick
    python -m benchmarks.pack --only-report pack.jsonl

membership  packs of made-up processes of six parameters: whether a run is among those a pack was made of, by shadow packs and by
            the exact likelihood ratio; the best run of each, and others by chance
location    the optimum of a made-up process of six parameters, by as many answers as a pack gives
saving      one member of a family is left out; a pack of the others, by the default terms, is all that its planner knows.
            Courses are those of ``benchmarks.veteran``: cold, placebo (cold with other seeds), pack, and inverted (a pack of
            histories that are turned upside down)

All seeds are in the results; noise of a pack comes from a seeded chance here, and from nowhere else.
"""

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before numpy: one thread each

import msgspec  # noqa: E402
import numpy as np  # noqa: E402

from benchmarks import whole_lines  # noqa: E402
from benchmarks.jobs import Result, Words, run_all  # noqa: E402
from benchmarks.planner.convert import NoData  # noqa: E402
from benchmarks.planner.tasks import BadTask  # noqa: E402
from benchmarks.report.page import columns  # noqa: E402
from benchmarks.veteran import courses, table  # noqa: E402
from benchmarks.veteran.families import Family, read_family, world  # noqa: E402
from kaizen.cycle import Rest  # noqa: E402
from kaizen.ledgers.memory import MemoryLedger  # noqa: E402
from kaizen.plan import REMEMBERED  # noqa: E402
from kaizen.setting import Numbers  # noqa: E402
from kaizen.testing.clock import VirtualClock  # noqa: E402
from kaizen.trial import Fault, Reading, Spend  # noqa: E402
from kaizen.veteran import siege  # noqa: E402
from kaizen.veteran.packs import ANSWERS, EPSILON, TOLD, scale_of, terms  # noqa: E402
from kaizen.workshop import Workshop  # noqa: E402
from kaizen.workshop.turning import Asker  # noqa: E402

HERE = Path(__file__).parent / "veteran" / "families"
CHOSEN_BY = ("nginx", "exastencils", "buchwald", "sqlite", "convolution")
"""Real families that the threshold and the noise were chosen by."""
FRESH = ("x264", "storm", "storm_sempl")
"""Those that were first looked at when all was fixed."""
REAL = (*CHOSEN_BY, *FRESH)
MADE = ("made_quadratics", "made_valleys")
ARMS = ("cold", "placebo", "pack", "inverted")
_PARAMETERS = 6
_RUNS = {"membership": (60, 240), "location": (60, 120, 240, 1000)}
_OTHER_SEEDS = 1_000
_COLD = 12
_LEAST_ERROR, _SAVED = 0.10, 0.70


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the results to be."""

    what: str
    family: Family | None = None
    path: Path | None = None
    task: str = ""
    arm: str = ""
    runs: int = 0
    seed: int
    budget: int = 40
    size: int = 0
    """Shadow packs of each kind, or owners."""
    data: Path | None = None

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes two results the same one."""
        return (
            self.what,
            self.family.name if self.family else "",
            self.task,
            self.arm,
            self.runs,
            self.seed,
            self.budget,
            self.size,
        )


def run_job(job: Job) -> Result:
    """Return one result line."""
    before = time.process_time()
    made = {"membership": _membership, "location": _location, "saving": _saving}[job.what](job)
    names = ("what", "task", "arm", "runs", "seed", "budget", "size")
    told = {"family": job.family.name if job.family else "", **{name: getattr(job, name) for name in names}}
    return told | made | {"cpu": round(time.process_time() - before, 3)}


# ── attacks ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def _membership(job: Job) -> Result:
    """Attack the best run of a made-up process and five others."""
    rng, chance = np.random.default_rng([job.seed, job.runs, 51]), random.Random(f"pack:{job.seed}:{job.runs}")
    owner = siege.history(siege.bowl(_PARAMETERS), rng.random(_PARAMETERS), job.runs, rng)
    scale = scale_of([owner], terms())
    best = max(range(job.runs), key=lambda run: owner.votes[run].merit)
    targets = [best, *rng.choice(job.runs, 5, replace=False).tolist()]
    found = [siege.membership([owner], (0, run), scale, shadows=job.size, chance=chance) for run in targets]
    return {"scale": scale, "shadow": [one.shadow for one in found], "exact": [one.exact for one in found]}


def _location(job: Job) -> Result:
    """Ask as many made-up owners for their optima."""
    chance = random.Random(f"pack:{job.seed}:{job.runs}")
    found = siege.locate(
        _PARAMETERS, job.runs, terms(), shadows=job.size, owners=job.size, seed=job.seed, chance=chance
    )
    return {"error": found.error.tolist(), "sd": found.sd.tolist(), "blind": found.blind, "answers": found.answers}


# ── saving ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _saving(job: Job) -> Result:
    """Run one course."""
    assert job.path is not None, "a course is of a task"
    here, cold = world(job.path, job.data), job.arm in {"cold", "placebo"}
    seed = job.seed + _OTHER_SEEDS * (job.arm == "placebo")
    given = [] if cold else [_pack(job)]
    clock, chance = VirtualClock(), random.Random(f"{job.task}:{seed}")
    ledger = MemoryLedger(clock=clock.wall, monotonic=clock.monotonic)
    shop = Workshop(ledger, root=Path(), coins=lambda: chance.getrandbits(63), packs=given)
    bench = shop.describe(
        courses.process_of(here, f"{'bench' if cold else job.arm}{seed}", memory=not cold, budget=job.budget)
    )
    values, remembered = [], []
    while not isinstance(unit := bench.wheel.next_unit(Asker(by="bench")), Rest):
        for run in unit:
            true, _ = here.truth(run.setting)
            value = None if true is None else true[here.first.name]
            told = Fault(reason="crash") if value is None else Reading(values=Numbers({here.first.name: value}))
            bench.answer(run, told, by="bench", spend=Spend(runs=1))
            values.append(value)
            remembered.append(run.because.startswith(REMEMBERED))
    words = [word for pack in given for one in pack.said for word in (one.values or {"": one.says}).values()]
    return {
        "better": here.first.better, "values": values, "remembered": remembered, "faults": sum(value is None for value in values),
        "epsilon": given[0].epsilon if given else None, "words": [sum(map(bool, words)), len(words)],
    }  # fmt: skip


def _pack(job: Job) -> Any:
    """Return the pack of the other members, by the default terms."""
    assert job.family is not None and job.path is not None, "a course is of a family"  # noqa: PT018
    ledger = MemoryLedger()
    arm = "memory" if job.arm == "pack" else job.arm
    named = {name: getattr(job, name) for name in ("family", "path", "task", "seed", "budget", "data")}
    courses.remember(ledger, courses.Job(arm=arm, **named))
    chance = random.Random(f"pack:{job.task}:{job.arm}:{job.seed}")
    return Workshop(ledger, root=Path()).pack(*ledger.processes(), name="north", chance=chance)


# ── what was found ────────────────────────────────────────────────────────────────────────────────────────────────────
def report(rows: Sequence[Result]) -> str:
    """Return all tables, with what was wanted."""
    said = [f"A pack by the default terms: ε {EPSILON} at most, AUC {TOLD} at most, {ANSWERS} answers."]
    parts = (("membership", _membership_table), ("location", _location_table), ("saving", _saving_table))
    for what, tell in parts:
        some = [row for row in rows if row["what"] == what]
        said += [tell(some)] if some else []
    return "\n\n".join(said)


def _membership_table(rows: Sequence[Result]) -> str:
    body, every = [], []
    for runs in sorted({row["runs"] for row in rows}):
        some = [row for row in rows if row["runs"] == runs]
        shadow = [auc for row in some for auc in row["shadow"]]
        exact = [auc for row in some for auc in row["exact"] if auc is not None]
        best = [row["exact"][0] for row in some if row["exact"][0] is not None]
        every += shadow
        body.append([str(runs), str(len(shadow)), _mean(shadow), _mean(exact), f"{max(exact):.3f}", _mean(best)])
    head = ["runs of the owner", "targets", "AUC, shadow packs", "AUC, exact", "worst run", "the best run"]
    kept = "kept" if np.mean(every) <= TOLD else "missed"
    return f"{columns(head, body)}\nwanted: AUC of the attack with shadow packs ≤ {TOLD}: {_mean(every)}, {kept}"


def _location_table(rows: Sequence[Result]) -> str:
    body, every = [], []
    for runs in sorted({row["runs"] for row in rows}):
        some = [row for row in rows if row["runs"] == runs]
        error, sd = (np.array([row[name] for row in some]) for name in ("error", "sd"))
        mean, wide = error.mean(axis=0), 1.96 * np.sqrt((sd**2).sum(axis=0)) / len(some)
        every += mean.tolist()
        shown = [f"{one:.3f} ± {half:.3f}" for one, half in zip(mean, wide, strict=True)]
        body.append(
            [
                str(runs),
                *shown,
                f"{np.mean([row['blind'] for row in some]):.3f}",
                f"{np.mean([row['answers'] for row in some]):.0f}",
            ]
        )
    head = ["runs of the owner", *(f"x{at}" for at in range(_PARAMETERS)), "the middle", "answers"]
    kept = "kept" if min(every) >= _LEAST_ERROR else "missed"
    return f"{columns(head, body)}\nwanted: no axis better than {_LEAST_ERROR:.0%} of its range: {min(every):.3f} at best, {kept}"


def _saving_table(rows: Sequence[Result]) -> str:
    found, arms = table.cells(rows), [arm for arm in ARMS if any(row["arm"] == arm for row in rows)]
    said = [table.family_table(found, [arm for arm in arms if arm != "cold"])]
    body, ratio = [], float("nan")
    for arm in arms[1:]:
        for sort, belongs in _SORTS.items():
            logs = [one[1] for (family, _), one in table.ratios(found, arm).items() if belongs(family)]
            if logs:
                body.append([arm, sort, *_boot(logs), str(len(logs))])
                ratio = float(np.exp(np.mean(logs))) if (arm, sort) == ("pack", "real") else ratio
    said.append(
        columns(
            ["runs to cold's value at run 20, to cold's", "families", "geo. mean", "95 % over families", "tasks"], body
        )
    )
    spoke = [row["words"] for row in rows if row["arm"] == "pack" and row["words"][1]]
    if spoke:
        share, most = np.mean([some / all_ for some, all_ in spoke]), max(row["epsilon"] or 0.0 for row in rows)
        said.append(f"packs said something of {share:.0%} of parameters and values; ε {most:.3g} at most")
    if ratio == ratio:  # noqa: PLR0124 - no real family was run
        said.append(
            f"wanted: ≥ 30 % of runs saved on real families, a ratio ≤ {_SAVED:.2f}: {ratio:.2f}, {'kept' if ratio <= _SAVED else 'missed'}"
        )
    return "\n\n".join(said)


_SORTS: dict[str, Callable[[str], bool]] = {
    "real": lambda family: table.sort_of(family) == "real",
    "real, chosen by": lambda family: family in CHOSEN_BY,
    "real, fresh": lambda family: family in FRESH,
    "made": lambda family: table.sort_of(family) == "made",
}
"""Which families are reckoned together."""


def _mean(values: Sequence[float]) -> str:
    half = 1.96 * float(np.std(values)) / len(values) ** 0.5
    return f"{np.mean(values):.3f} [{np.mean(values) - half:.3f}, {np.mean(values) + half:.3f}]"


def _boot(logs: Sequence[float]) -> list[str]:
    rng = np.random.default_rng(2)
    drawn = np.exp(rng.choice(logs, (2000, len(logs))).mean(axis=1))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return [f"{np.exp(np.mean(logs)):.2f}", f"[{low:.2f}, {high:.2f}]"]


# ── the command ───────────────────────────────────────────────────────────────────────────────────────────────────────
def main(words: Sequence[str] | None = None) -> int:
    """Return 0 when all ran, 1 when some broke, 2 when the call cannot be right."""
    asked = _parser().parse_args(words)
    if asked.only_report:
        print(report(read(asked.only_report)))
        return 0
    try:
        jobs = _jobs(asked)
    except BadTask as error:
        print(error, file=sys.stderr)
        return 2
    known = {tuple(row["key"]) for row in read(asked.out)} if asked.out.exists() else set()
    left = [job for job in jobs if job.key not in known]
    print(f"{len(jobs)} jobs, {len(jobs) - len(left)} of them in {asked.out} already", file=sys.stderr)
    failed = run_all(
        left, asked.out, _keyed, words=Words(lambda job: " ".join(map(str, job.key)), _came), workers=asked.workers
    )
    wanted = {job.key for job in jobs}
    print(report([row for row in read(asked.out) if tuple(row["key"]) in wanted]))
    return 1 if failed else 0


def _keyed(job: Job) -> Result:
    return {"key": list(job.key), **run_job(job)}


def _came(result: Result) -> str:
    return f"{result['cpu']} CPU-s"


def read(path: Path) -> list[Result]:
    """Read result lines; a last line cut short by an interruption is taken off."""
    return [json.loads(line) for line in whole_lines(path)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pack", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, default=None, help="folder of real data; or KAIZEN_BENCH_DATA")
    parser.add_argument("--families", nargs="+", type=Path, default=None, metavar="FILE", help="family files")
    parser.add_argument(
        "--seeds", type=int, default=8, help="courses with a pack; half of inverted ones, 12 cold, 12 placebo"
    )
    parser.add_argument("--quick", action="store_true", help="one seed, small attacks, made families: a minute or two")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--out", type=Path, default=Path("pack.jsonl"), help="file of results, appended to")
    parser.add_argument("--only-report", type=Path, metavar="FILE", help="run nothing, read these results")
    return parser


def _jobs(asked: argparse.Namespace) -> list[Job]:
    if asked.seeds < 1:
        raise BadTask("--seeds must be at least 1")
    seeds, size, owners = (1, 100, 20) if asked.quick else (3, 500, 100)  # of attacks
    jobs = [
        Job(what="membership", runs=runs, seed=seed, size=size) for runs in _RUNS["membership"] for seed in range(seeds)
    ]
    jobs += [
        Job(what="location", runs=runs, seed=seed, size=owners) for runs in _RUNS["location"] for seed in range(seeds)
    ]
    named = asked.data or os.environ.get("KAIZEN_BENCH_DATA")
    data = Path(named).resolve() if named else None
    names = MADE if asked.quick or data is None else (*REAL, *MADE)
    for path in asked.families or [HERE / f"{name}.json" for name in names]:
        family = read_family(path.resolve())
        try:
            task = next(iter([world(one.path, data).task.name for one in family.members]))
        except NoData as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        for arm in ARMS:
            count = 1 if asked.quick else _seeds(arm, asked.seeds)
            jobs += [
                Job(what="saving", family=family, path=family.members[0].path, task=task, arm=arm, seed=seed, data=data)
                for seed in range(count)
            ]
    return jobs


def _seeds(arm: str, seeds: int) -> int:
    """Return how many courses an arm has: a target that few cold ones set is a draw by chance."""
    return max(_COLD, seeds) if arm in {"cold", "placebo"} else seeds if arm == "pack" else -(-seeds // 2)


if __name__ == "__main__":
    sys.exit(main())
