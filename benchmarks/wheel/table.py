"""Read results of the wheel's bench: runs to target by task and arm, ratios, and what was adopted falsely.

A course that never proves the target within its budget is censored: counted as one and a half budgets, and said. The
ratio of two arms is that of their median runs over seeds, its geometric mean taken over tasks; the interval is a 95 %
bootstrap of tasks and, within each, of the seeds of both.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import whole_lines
from benchmarks.report.page import columns

Row = dict[str, Any]
Cells = dict[tuple[str, str], list[Row]]
"""Results by task and arm."""

_CENSORED = 1.5  # budgets that a course counts which never reaches the target


class BadResults(Exception):
    """A file cannot be read as results; the message is one sentence."""


def read(paths: Sequence[Path]) -> list[Row]:
    """Read result lines; the later of two same ones counts, a last line cut short by an interruption does not.

    Raises:
        BadResults: a file or a line cannot be read.
    """
    found: dict[tuple[Any, ...], Row] = {}
    for path in paths:
        try:
            lines = whole_lines(path)
        except OSError as error:
            raise BadResults(f"{path} must be a file of results; got {type(error).__name__}: {error}") from error
        for number, line in enumerate(lines, start=1):
            try:
                row = json.loads(line)
                key = tuple(row[name] for name in ("task", "arm", "noise", "seed", "budget", "changes"))
            except (ValueError, KeyError, TypeError) as error:
                raise BadResults(f"{path} must hold one result a line; line {number} is none: {error}") from error
            found[key] = row
    return list(found.values())


def cells(rows: Sequence[Row]) -> Cells:
    """Gather results by task and arm, by seed."""
    made: Cells = {}
    for row in sorted(rows, key=lambda row: row["seed"]):
        made.setdefault((row["task"], row["arm"]), []).append(row)
    return made


def runs(rows: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
    """Return each course's runs to target, ``(seeds,)``."""
    return np.array([_CENSORED * row["budget"] if row["runs"] is None else row["runs"] for row in rows], dtype=float)


def compare(found: Cells, arm: str, peer: str, *, boot: int) -> dict[str, Any] | None:
    """Return the geometric mean of an arm's ratios to a peer, with its interval."""
    tasks = sorted({task for task, name in found if name == arm} & {task for task, name in found if name == peer})
    pairs = [(runs(found[task, arm]), runs(found[task, peer])) for task in tasks]
    if not pairs:
        return None
    each = [float(np.median(one) / np.median(other)) for one, other in pairs]
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(boot):
        logs = [_resampled(*pairs[k], rng) for k in rng.integers(len(pairs), size=len(pairs))]
        drawn.append(math.exp(sum(logs) / len(logs)))
    low, high = np.quantile(drawn, [0.025, 0.975]) if drawn else (math.nan, math.nan)
    return {
        "ratio": math.exp(sum(map(math.log, each)) / len(each)), "low": float(low), "high": float(high),
        "tasks": dict(zip(tasks, each, strict=True)),
    }  # fmt: skip


def _resampled(one: NDArray[np.float64], other: NDArray[np.float64], rng: np.random.Generator) -> float:
    ours, peers = (block[rng.integers(len(block), size=len(block))] for block in (one, other))
    return math.log(float(np.median(ours) / np.median(peers)))


def _arms(found: Cells) -> list[str]:
    order = ("model", "tpe40", "prove-tpe", "prove-any", "steps")
    return sorted({arm for _, arm in found}, key=lambda arm: (order.index(arm) if arm in order else len(order), arm))


def _shown(rows: Sequence[Row] | None) -> str:
    if not rows:
        return "·"
    middle, budget = float(np.median(runs(rows))), rows[0]["budget"]
    return f"over {budget}" if middle > budget else f"{middle:.0f}"


def runs_table(found: Cells) -> str:
    """Return the median runs to target by task and arm."""
    arms = _arms(found)
    tasks = sorted({task for task, _ in found})
    return columns(["task", *arms], [[task, *(_shown(found.get((task, arm))) for arm in arms)] for task in tasks])


def arm_table(found: Cells, boot: int) -> str:
    """Return, by arm, how many courses reached the target, what was adopted, and the ratio of ``model`` to it."""
    body = []
    for arm in _arms(found):
        rows = [row for (_, name), some in found.items() if name == arm for row in some]
        got = compare(found, "model", arm, boot=boot) if arm != "model" else None
        shown = f"{got['low']:.2f} to {got['high']:.2f}" if got and boot else "·"
        sums = {name: sum(row[name] for row in rows) for name in ("trials", "adoptions", "false")}
        body.append([
            arm, f"{sum(row['runs'] is not None for row in rows)} of {len(rows)}",
            f"{sums['trials'] / len(rows):.1f}", f"{sums['adoptions'] / len(rows):.1f}", str(sums["false"]),
            f"{sum(row['cpu'] for row in rows) / max(1, sum(row['made'] for row in rows)):.4f}",
            f"{got['ratio']:.2f}" if got else "·", shown,
        ])  # fmt: skip
    head = ["arm", "reached", "trials", "adopted", "falsely", "CPU-s/run", "model's ratio", "95 % interval"]
    return columns(head, body)


def report(rows: Sequence[Row], *, boot: int) -> str:
    """Return the tables, one pair for each noise and each limit of changes."""
    said = (
        "Runs to a proven standard with 80 % of (table optimum - first standard), scouts and pairs counted, median over "
        f"seeds.\nCourses that never prove it count {_CENSORED:g} budgets; ratios are geometric means over tasks."
    )
    parts = [said]
    for changes in sorted({row["changes"] for row in rows}, reverse=True):
        for noise in sorted({row["noise"] for row in rows}):
            some = [row for row in rows if row["noise"] == noise and row["changes"] == changes]
            if not some:
                continue
            found = cells(some)
            least = min(len(rows) for rows in found.values())
            title = "exact" if noise == 0 else f"noise {noise:.0%} of the value"
            limit = "" if changes == "any" else f", {changes} changes at most"
            parts.append(f"# {title}{limit}; {len({t for t, _ in found})} tasks, {least} seeds at least")
            parts += [runs_table(found), arm_table(found, boot)]
    return "\n\n".join(parts)
