"""One run of one method on one task, and many of them over a few processes, appended to a file as they end."""

import functools
import json
import multiprocessing
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import whole_lines
from benchmarks.planner.convert import NoData
from benchmarks.planner.methods import METHODS, version
from benchmarks.planner.problem import Method, Missing, problem
from benchmarks.planner.tasks import BadTask, read_task
from benchmarks.planner.world import Chance, Outcome, World


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the results to be."""

    path: Path
    task: str
    method: str
    seed: int
    budget: int
    data: Path | None = None
    every_goal: bool = False

    @property
    def key(self) -> tuple[str, str, int, int, str]:
        """What makes two results the same one."""
        return (self.task, self.method, self.seed, self.budget, "all" if self.every_goal else "first")


@functools.lru_cache(maxsize=4)
def world(path: Path, data: Path | None) -> World:
    """Return the world of a task file, read once a process."""
    return World(read_task(path), data)


def run_job(job: Job) -> dict[str, Any]:
    """Run one method on one task and return its result line."""
    here = world(job.path, job.data)
    known = problem(here, seed=job.seed, budget=job.budget, every_goal=job.every_goal)
    method, chance = METHODS[job.method](known), Chance(here, job.seed)
    try:
        outcomes, seconds, cpu = _turns(method, chance, job.budget)
        chosen = method.recommend()
    finally:
        if hasattr(method, "close"):
            method.close()
    return {
        "task": job.task, "method": job.method, "version": getattr(method, "version", "") or version(job.method),
        "seed": job.seed, "budget": job.budget, "goals": "all" if job.every_goal else "first",
        **_course(here, outcomes), "seconds": _rounded(seconds), "cpu": _rounded(cpu),
        **_recommended(here, chance, chosen),
        **({"emulator_error": here.errors()} if here.errors() else {}),
    }  # fmt: skip


def _turns(method: Method, chance: Chance, budget: int) -> tuple[list[Outcome], list[float], list[float]]:
    """Return what was run, and the wall and CPU seconds that the method took for each run; the run itself takes none."""
    cpu_now: Callable[[], float] = getattr(method, "cpu", time.process_time)  # a peer counts its own
    outcomes: list[Outcome] = []
    seconds: list[float] = []
    cpu: list[float] = []
    for _ in range(budget):
        wall, used = time.perf_counter(), cpu_now()
        asked = method.ask()
        seconds.append(time.perf_counter() - wall)
        cpu.append(cpu_now() - used)
        outcome = chance.run(asked)
        wall, used = time.perf_counter(), cpu_now()
        method.tell(outcome)
        seconds[-1] += time.perf_counter() - wall
        cpu[-1] += cpu_now() - used
        outcomes.append(outcome)
    return outcomes, seconds, cpu


def _course(here: World, outcomes: list[Outcome]) -> dict[str, Any]:
    """Return what was run, read and true, and the regret of the best true value that keeps the guards."""
    first, best, regret = here.first, None, []
    for outcome in outcomes:
        if outcome.true is not None and not here.task.broken(outcome.true):
            value = outcome.true[first.name]
            better = best is None or (value < best if first.better == "lower" else value > best)
            best = value if better else best
        regret.append(None if best is None else here.regret(best))
    return {
        "settings": [outcome.setting for outcome in outcomes],
        "readings": [outcome.reading for outcome in outcomes],
        "true": [outcome.true for outcome in outcomes],
        "regret": regret,
        "faults": sum(1 for outcome in outcomes if outcome.fault),
        "failed": [outcome.fault for outcome in outcomes],
    }


def _recommended(here: World, chance: Chance, chosen: dict[str, Any] | None) -> dict[str, Any]:
    """Return the recommended setting with its true value, ``None`` where it fails or breaks a guard."""
    if chosen is None:
        return {"recommended": None, "recommended_true": None, "recommended_regret": None}
    true, _ = here.truth(chance.moved(chosen))
    sound = true is not None and not here.task.broken(true)
    return {
        "recommended": chosen,
        "recommended_true": true,
        "recommended_regret": here.regret(true[here.first.name]) if sound and true is not None else None,
    }


def _rounded(numbers: Iterable[float]) -> list[float]:
    return [round(number, 6) for number in numbers]


def done(out: Path) -> set[tuple[str, str, int, int, str]]:
    """Return the keys of what a result file holds; a last line cut short by an interruption is taken off.

    Raises:
        BadTask: it cannot be read as results.
    """
    if not out.exists():
        return set()
    found = set()
    for number, line in enumerate(whole_lines(out), start=1):
        try:
            row = json.loads(line)
            found.add((row["task"], row["method"], row["seed"], row["budget"], row.get("goals", "first")))
        except (ValueError, KeyError, TypeError) as error:
            raise BadTask(f"{out} must hold one result a line; line {number} is none: {error}") from error
    return found


def run_all(jobs: list[Job], out: Path, *, workers: int) -> int:
    """Run the jobs and append each result as it ends; return how many failed."""
    failed = 0
    begun = time.monotonic()
    with out.open("a", encoding="utf-8") as file:
        for number, (job, result) in enumerate(_results(jobs, workers), start=1):
            if isinstance(result, str):
                failed += 1
                print(f"{job.task} {job.method} seed {job.seed}: {result}", file=sys.stderr)
                continue
            file.write(json.dumps(result, separators=(",", ":")) + "\n")
            file.flush()
            spent, last = time.monotonic() - begun, result["regret"][-1]
            shown = "none" if last is None else f"{last:.4f}"
            print(
                f"{number}/{len(jobs)} {spent:6.0f} s  {job.task} {job.method} seed {job.seed} budget {job.budget}: "
                f"regret {shown}, {result['faults']} faults, {sum(result['cpu']) / job.budget:.4f} CPU-s a suggestion",
                file=sys.stderr,
                flush=True,
            )
    return failed


def _results(jobs: list[Job], workers: int) -> Iterator[tuple[Job, dict[str, Any] | str]]:
    if workers == 1:
        yield from ((job, _tried(job)) for job in jobs)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(_tried_with, jobs)  # as they end: nothing done is lost


def _tried_with(job: Job) -> tuple[Job, dict[str, Any] | str]:
    return job, _tried(job)


def _tried(job: Job) -> dict[str, Any] | str:
    """Return the result, or in words why there is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return run_job(job)
        except (BadTask, Missing, NoData) as error:
            return str(error)
        except Exception as error:  # noqa: BLE001 - a method that breaks must not end the others
            return f"it broke: {type(error).__name__}: {error}"
