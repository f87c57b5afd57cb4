"""A folder of results of Ray Tune, read without Ray: each trial's ``params.json``, the last line of its ``result.json``, and its ``error.txt``."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kaizen.errors import Malformed
from kaizen.foreign import Better, Foreign, Row, Unread, keyed
from kaizen.foreign.cells import name
from kaizen.foreign.directions import by_name
from kaizen.setting import Numbers, Setting, Texts, Value
from kaizen.trial import Fault

FORM = "a folder of Ray Tune"
_OWN = frozenset(
    [
        "timesteps_total",
        "episodes_total",
        "training_iteration",
        "time_this_iter_s",
        "done",
        "date",
        "timestamp",
        "time_total_s",
        "pid",
        "hostname",
        "node_ip",
        "iterations_since_restore",
        "checkpoint_dir_name",
        "trial_id",
        "experiment_tag",
        "should_checkpoint",
        "time_since_restore",
        "timesteps_since_restore",
        "warmup_time",
        "experiment_id",
        "trial_num",
    ]
)


Trial = tuple[int, str, Mapping[str, Any], Mapping[str, Any], str]
"""Number, name, parameters, last results, and what broke."""


def claims(path: Path) -> bool:
    """Tell whether a folder is one of Ray Tune."""
    return any(path.glob("*/params.json")) or (
        any(path.glob("experiment_state-*.json")) and any(path.glob("*/result.json"))
    )


def read(path: Path) -> Foreign:
    """Read every trial of a folder.

    Raises:
        Malformed: it has no trial.
    """
    folders = sorted(one.parent for one in path.glob("*/params.json"))
    folders = folders or sorted(one.parent for one in path.glob("*/result.json"))
    if not folders:
        raise Malformed(f"{path.name} must hold trials; got none")
    found, unread = [], []
    for n, folder in enumerate(folders, 1):
        one = _trial(n, folder)
        if isinstance(one, Unread):
            unread.append(one)
        else:
            found.append(one)
    metric, better = _told(path, [results for _, _, _, results, _ in found])
    rows = keyed(_row(one, metric) for one in found)
    return Foreign(
        form=FORM,
        source=path.name,
        rows=rows,
        unread=tuple(unread),
        metric=name(metric),
        better=better,
        process=path.name,
    )


def _trial(n: int, folder: Path) -> Trial | Unread:
    try:
        params = json.loads(_text(folder / "params.json") or "{}")
        results = _last(folder / "result.json")
    except ValueError as error:
        return Unread(line=n, because=f"{folder.name} is no JSON: {error}")
    broke = _text(folder / "error.txt")
    if results is None and not broke:
        return Unread(line=n, because=f"{folder.name} has neither a result nor an error: it has no outcome yet")
    results = results or {}
    return n, folder.name, params or results.get("config", {}), results, broke


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _last(path: Path) -> dict[str, Any] | None:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()] if path.is_file() else []
    found = json.loads(lines[-1]) if lines else None
    return found if isinstance(found, dict) else None


def _told(path: Path, results: Sequence[Mapping[str, Any]]) -> tuple[str, Better | None]:
    """Return the metric and its direction as the experiment's state tells them, else the first number whose name tells one."""
    for state in sorted(path.glob("experiment_state-*.json"), reverse=True):
        text = state.read_text(encoding="utf-8", errors="replace")
        metric = re.search(r'\\?"_?metric\\?":\s*\\?"([\w/.-]+)\\?"', text)
        mode = re.search(r'\\?"_?mode\\?":\s*\\?"(min|max)\\?"', text)
        if metric and any(metric[1] in one for one in results):
            return metric[1], ("lower" if mode[1] == "min" else "higher") if mode else None
    numbers = [
        key
        for one in results[:1]
        for key, cell in one.items()
        if key not in _OWN and isinstance(cell, int | float) and not isinstance(cell, bool)
    ]
    return next((key for key in numbers if by_name(key)), (numbers or ["value"])[0]), None


def _row(trial: Trial, metric: str) -> Row:
    n, called, params, results, broke = trial
    metrics = {name(key): float(cell) for key, cell in results.items()
               if key not in _OWN and isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell)}  # fmt: skip
    fault = None
    if broke:
        fault = Fault(
            reason="memory" if re.search(r"OutOfMemory|OOM", broke) else "crash",
            note=broke.strip().splitlines()[-1][:300],
            tail=broke[-2000:],
        )
    elif name(metric) not in metrics:
        fault = Fault(reason="no reading", note=f"it has no {metric}")
    return Row(
        line=n, status="error" if broke else "terminated", setting=Setting(_flat(params)), metrics=Numbers({} if fault else metrics), fault=fault,
        conditions=Texts({"trial": called}), seconds=results.get("time_total_s"), at=results.get("timestamp"),
    )  # fmt: skip


def _flat(params: Mapping[str, Any], prefix: str = "") -> dict[str, Value]:
    found: dict[str, Value] = {}
    for key, cell in params.items():
        if isinstance(cell, Mapping):
            found |= _flat(cell, f"{prefix}{key}_")
        elif isinstance(cell, bool | int | float | str):
            found[name(f"{prefix}{key}")] = cell
        elif cell is not None:
            found[name(f"{prefix}{key}")] = json.dumps(cell)
    return found
