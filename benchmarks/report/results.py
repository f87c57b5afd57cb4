"""Result lines as read: by task and method, by seed and run."""

import gzip
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Row = Mapping[str, Any]
Cells = dict[tuple[str, str], list[Row]]
"""Results by task and method, each by seed."""


class BadResults(Exception):
    """A file cannot be read as results; the message is one sentence."""


def read(paths: Sequence[Path]) -> list[Row]:
    """Read result lines, gzipped where a name ends in ``.gz``; the later of two same ones counts.

    Raises:
        BadResults: a file or a line cannot be read.
    """
    found: dict[tuple[Any, ...], Row] = {}
    for path in paths:
        for number, line in enumerate(_lines(path), start=1):
            try:
                row = json.loads(line)
                key = (row["task"], row["method"], row["seed"], int(row["budget"]), row.get("goals", "first"))
                runs = len(row["regret"])
                int(row["faults"]), hash(key)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise BadResults(f"{path} must hold one result a line; line {number} is none: {error}") from error
            if runs != row["budget"]:
                raise BadResults(f"{path}: line {number} must give the regret of {row['budget']} runs; got {runs}")
            found[key] = row
    return list(found.values())


def _lines(path: Path) -> list[str]:
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode().splitlines()
    except (OSError, EOFError, ValueError) as error:
        raise BadResults(f"{path} must be a file of results; got {type(error).__name__}: {error}") from error


def cells(rows: Sequence[Row], budget: int, goals: str) -> Cells:
    """Gather the results of one budget by task and method, by seed."""
    made: Cells = {}
    for row in sorted(rows, key=lambda row: row["seed"]):
        if row["budget"] == budget and row.get("goals", "first") == goals:
            made.setdefault((row["task"], row["method"]), []).append(row)
    return made


def names(found: Cells, ours: str = "kaizen") -> tuple[list[str], list[str]]:
    """Return tasks and methods, ours first."""
    methods = sorted({method for _, method in found}, key=lambda name: (name != ours, name))
    return sorted({task for task, _ in found}), methods


def traces(rows: Sequence[Row]) -> Floats:
    """Return regret by seed and run, ``(seeds, budget)``; infinite before the first sound run."""
    return np.array([[math.inf if r is None else r for r in row["regret"]] for row in rows], dtype=float)


def seeds(found: Cells, method: str, tasks: Sequence[str]) -> str:
    """Return how many seeds a method has on these tasks, as ``10`` or ``4-10``."""
    counts = [len(found[task, method]) for task in tasks if (task, method) in found]
    if not counts:
        return "0"
    return str(counts[0]) if min(counts) == max(counts) else f"{min(counts)}-{max(counts)}"
