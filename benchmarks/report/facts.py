"""What kind of task each is: from its file where there is one, and from what was seen."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.planner.tasks import BadTask, Task, read_task
from benchmarks.report.results import Row
from kaizen.parameter import Choice, Switch

OURS = Path(__file__).parent.parent / "planner" / "tasks"


class Facts(NamedTuple):
    """What tells one kind of task from another."""

    mixed: bool
    """Whether a parameter is named (a choice or a switch) or waits for another."""
    choices: int
    """How many parameters are choices; at least so many where the task's file is not known."""
    noisy: bool
    """Whether a reading differed from the truth."""
    faulty: bool
    """Whether a run of any method failed."""


KINDS = ("mixed", "numeric", "noisy", "noiseless", "with faults", "without")


def read_tasks(named: Sequence[Path] | None) -> dict[str, Task]:
    """Return the tasks of files and of lists of them (``.txt``) by name; ours where none is named.

    Raises:
        BadTask: a file cannot be read.
    """
    paths = sorted(OURS.glob("*.json")) if named is None else [path for one in named for path in _listed(one)]
    return {task.name: task for task in map(read_task, paths)}


def _listed(path: Path) -> list[Path]:
    if path.suffix != ".txt":
        return [path]
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise BadTask(f"{path} must be a list of task files; got {type(error).__name__}: {error}") from error
    return [path.parent / line.strip() for line in lines if line.strip() and line[0] != "#"]


def facts(rows: Iterable[Row], tasks: Mapping[str, Task]) -> dict[str, Facts]:
    """Return the facts of every task in the results."""
    gathered: dict[str, list[Row]] = {}
    for row in rows:
        gathered.setdefault(row["task"], []).append(row)
    return {name: _facts(some, tasks.get(name)) for name, some in gathered.items()}


def _facts(rows: Sequence[Row], task: Task | None) -> Facts:
    mixed, choices = _seen(rows) if task is None else _declared(task)
    noisy = any(
        reading is not None and true is not None and _differ(reading, true)
        for row in rows
        for reading, true in zip(row.get("readings") or (), row.get("true") or (), strict=False)
    )
    added = task is not None and task.noise is not None
    return Facts(mixed=mixed, choices=choices, noisy=noisy or added, faulty=any(row["faults"] for row in rows))


def _differ(reading: Mapping[str, float], true: Mapping[str, float]) -> bool:
    return any(not math.isclose(value, true[name], abs_tol=1e-12) for name, value in reading.items() if name in true)


def _declared(task: Task) -> tuple[bool, int]:
    named = any(isinstance(p, Choice | Switch) or p.when for p in task.parameters)
    return named, sum(isinstance(p, Choice) for p in task.parameters)


def _seen(rows: Sequence[Row]) -> tuple[bool, int]:
    """Take it from the settings: words and switches are named, and names that come and go wait for another."""
    settings = [setting for row in rows for setting in row.get("settings") or ()]
    words = {name for setting in settings for name, value in setting.items() if isinstance(value, str)}
    switches = any(isinstance(value, bool) for setting in settings for value in setting.values())
    return bool(words) or switches or len({frozenset(setting) for setting in settings}) > 1, len(words)


def of_kind(known: Mapping[str, Facts], kind: str) -> set[str]:
    """Return the tasks of one kind: one of ``KINDS``, ``3+ choices`` or ``all``."""
    return {name for name, fact in known.items() if _is(fact, kind)}


def _is(fact: Facts, kind: str) -> bool:
    match kind:
        case "mixed" | "numeric":
            return fact.mixed == (kind == "mixed")
        case "noisy" | "noiseless":
            return fact.noisy == (kind == "noisy")
        case "with faults" | "without":
            return fact.faulty == (kind == "with faults")
        case "3+ choices":
            return fact.choices >= 3
    return True
