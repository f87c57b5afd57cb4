"""The jobs of a bench on so many processes: each result is written as it ends, and one that breaks ends no other."""

import json
import multiprocessing
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.planner.convert import NoData
from benchmarks.planner.problem import Missing
from benchmarks.planner.tasks import BadTask

Result = dict[str, Any]


class Ended(NamedTuple):
    """What came of a job: its line, or in words why there is none."""

    job: Any
    result: Result | str


class Words(NamedTuple):
    """How a job and its result are told."""

    name: Callable[[Any], str]
    result: Callable[[Result], str]


def run_all(jobs: Sequence[Any], out: Path, run: Callable[[Any], Result], *, words: Words, workers: int) -> int:
    """Run the jobs and append each result as it ends; return how many failed."""
    failed, begun = 0, time.monotonic()
    with out.open("a", encoding="utf-8") as file:
        for number, (job, result) in enumerate(_ended(jobs, run, workers), start=1):
            name = words.name(job)
            if isinstance(result, str):
                failed += 1
                print(f"{name}: {result}", file=sys.stderr)
                continue
            file.write(json.dumps(result, separators=(",", ":")) + "\n")
            file.flush()
            took = f"{number}/{len(jobs)} {time.monotonic() - begun:5.0f} s"
            print(f"{took}  {name}: {words.result(result)}", file=sys.stderr, flush=True)
    return failed


def tried(run: Callable[[Any], Result], job: Any) -> Ended:
    """Run a job whatever happens."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return Ended(job, run(job))
        except (BadTask, Missing, NoData) as error:
            return Ended(job, str(error))
        except Exception as error:  # noqa: BLE001 - a job that breaks must not end the others
            return Ended(job, f"it broke: {type(error).__name__}: {error}")


def _ended(jobs: Sequence[Any], run: Callable[[Any], Result], workers: int) -> Iterator[Ended]:
    one = partial(tried, run)
    if workers == 1:
        yield from map(one, jobs)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(one, jobs)  # as they end: nothing done is lost
