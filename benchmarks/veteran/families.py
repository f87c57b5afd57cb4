"""Families of related tasks, and the histories that their members leave behind.

A history is min(60, a quarter of its rows) runs, faults included: the standard first, then by a die settings by chance, one
or two changes of the best so far, or what Kaizen's library planner asks for. It is made once for a family, member and seed,
and kept in the benches' cache.
"""

import functools
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np

from benchmarks.planner.methods import METHODS
from benchmarks.planner.problem import problem
from benchmarks.planner.tasks import BadTask, SettingMap, draw_setting, read_task
from benchmarks.planner.world import Outcome, World

_FORM = 2  # raise it when histories are made in another way
_MOST, _SHARE = 60, 0.25

Hostility = Literal["", "inverted", "permuted"]


class Member(NamedTuple):
    """One task of a family."""

    path: Path
    conditions: Mapping[str, str]


class Family(NamedTuple):
    """Related tasks."""

    name: str
    members: tuple[Member, ...]


class Past(msgspec.Struct, frozen=True):
    """One member's history."""

    settings: list[dict[str, Any]]
    readings: list[float | None]
    """Of its first metric; ``None`` for a fault."""


def read_family(path: Path) -> Family:
    """Read one family file.

    Raises:
        BadTask: it cannot be read or cannot be right.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        members = tuple(
            Member((path.parent / item["file"]).resolve(), dict(item.get("conditions") or {})) for item in raw["tasks"]
        )
        name = str(raw["name"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadTask(f"{path} must be a family file in JSON; got {type(error).__name__}: {error}") from error
    if len(members) < 2:
        raise BadTask(f"{path} must name two tasks or more; got {len(members)}")
    return Family(name, members)


@functools.lru_cache(maxsize=16)
def world(path: Path, data: Path | None) -> World:
    """Return the world of a member, its standard at the 75th percentile: a mature process."""
    task = read_task(path)
    return World(msgspec.structs.replace(task, noise=None, standard="p75"), data)


@functools.lru_cache(maxsize=256)
def past(path: Path, data: Path | None, family: str, seed: int) -> Past:
    """Return a member's history, made now if the cache has none."""
    here = world(path, data)
    file = cache() / f"veteran-{family}-{here.task.name}-{seed}-{_FORM}.json"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}")
        part.write_bytes(msgspec.json.encode(_made(here, seed)))
        part.replace(file)
    return msgspec.json.decode(file.read_bytes(), type=Past)


def cache() -> Path:
    """Return the benches' own folder: named by ``KAIZEN_BENCH_CACHE``, or in the user's cache."""
    named = os.environ.get("KAIZEN_BENCH_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(named) if named else Path(base) / "kaizen-bench"


def _made(here: World, seed: int) -> Past:
    count = _MOST if here.table is None else min(_MOST, int(_SHARE * len(here.table.settings)))
    rng = np.random.default_rng([seed, 41])
    planner = METHODS["kaizen"](problem(here, seed=seed, budget=count))
    made = Past([], [])
    for number in range(count):
        way = int(rng.integers(3)) if number else -1
        asked = planner.ask() if way in {-1, 2} else _beside(here, made, rng) if way else draw_setting(here.task, rng)
        ran = asked if here.table is None else here.table.settings[here.table.nearest(asked)]
        true, fault = here.truth(ran)
        if way in {-1, 2}:
            planner.tell(Outcome(setting=ran, reading=true, true=true, fault=fault))
        made.settings.append(dict(ran))
        made.readings.append(None if true is None else true[here.first.name])
    return made


def _beside(here: World, made: Past, rng: np.random.Generator) -> SettingMap:
    """Return the best setting so far with one or two values drawn anew."""
    turn = 1.0 if here.first.better == "lower" else -1.0
    merits = [np.inf if value is None else turn * value for value in made.readings]
    best, other = made.settings[int(np.argmin(merits))], draw_setting(here.task, rng)
    names = [name for name in best if name in other]
    moved = {names[int(at)] for at in rng.integers(len(names), size=int(rng.integers(1, 3)))}
    asked = {name: other[name] if name in moved else value for name, value in best.items()}
    return asked if here.task.allows(asked) else other


def hostile(one: Past, how: Hostility, seed: int) -> Past:
    """Return a history that misleads: its readings turned upside down, or given to other settings."""
    if not how:
        return one
    if how == "permuted":
        order = np.random.default_rng([seed, 43]).permutation(len(one.readings))
        return Past(one.settings, [one.readings[at] for at in order])
    sound = [value for value in one.readings if value is not None]
    ends = min(sound) + max(sound)
    return Past(one.settings, [None if value is None else ends - value for value in one.readings])


def others(family: Family, path: Path) -> Sequence[Member]:
    """Return the members but one."""
    return [member for member in family.members if member.path != path]
