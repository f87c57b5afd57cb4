"""Courses of the planner that knows of no other process, made once and kept: what the nod is asked about.

A course is the standard and then so many settings, each as the planner without memory asks for it, moved to the nearest row,
and told what came of it. The standard stays what it is: nothing is adopted.
"""

import functools
import os
from pathlib import Path

import msgspec

from benchmarks.planner.methods import METHODS
from benchmarks.planner.problem import problem
from benchmarks.planner.world import Outcome
from benchmarks.veteran.families import Past, cache, world

ASKED = 40
"""Settings that a course asks for behind its standard."""
_FORM = 1  # raise it when courses are made in another way
_SEEDS = 500  # away from those of histories


@functools.lru_cache(maxsize=64)
def course(path: Path, data: Path | None, family: str, seed: int) -> Past:
    """Return a member's course, made now if the cache has none."""
    here = world(path, data)
    file = cache() / f"nods-{family}-{here.task.name}-{seed}-{_FORM}.json"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}")
        part.write_bytes(msgspec.json.encode(_made(path, data, seed + _SEEDS)))
        part.replace(file)
    return msgspec.json.decode(file.read_bytes(), type=Past)


def _made(path: Path, data: Path | None, seed: int) -> Past:
    here = world(path, data)
    planner = METHODS["kaizen"](problem(here, seed=seed, budget=ASKED + 1))
    made = Past([], [])
    for _ in range(ASKED + 1):
        asked = planner.ask()
        ran = asked if here.table is None else here.table.settings[here.table.nearest(asked)]
        true, fault = here.truth(ran)
        planner.tell(Outcome(setting=ran, reading=true, true=true, fault=fault))
        made.settings.append(dict(ran))
        made.readings.append(None if true is None else true[here.first.name])
    return made
