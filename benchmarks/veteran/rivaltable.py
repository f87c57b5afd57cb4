"""Read results of courses beside rivals': every arm against Kaizen's cold courses, and a peer's against its own.

All courses are cut to the shortest budget among them, so that one that never reaches the target counts alike. The target is
that of ``table``: what Kaizen's cold courses have reached at run 20.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.report.page import columns
from benchmarks.veteran.rivals import PEERS
from benchmarks.veteran.table import Cells, Row, cells, ratios, runs_to, target


def trimmed(rows: Sequence[Row]) -> list[Row]:
    """Return the rows, each cut to the shortest budget."""
    budget = min(row["budget"] for row in rows)
    made = []
    for row in rows:
        values = row["values"][:budget]
        made.append({**row, "budget": budget, "values": values, "faults": sum(value is None for value in values)})
    return made


def own_cold(arm: str) -> str:
    """Return a peer's arm without memory; of Kaizen's arms nothing, for whom that is the first column."""
    name = arm.partition("-")[0]
    return f"{name}-cold" if name in PEERS and arm != f"{name}-cold" else ""


def arm_table(found: Cells, arms: Sequence[str]) -> str:
    """Return each arm's ratios to Kaizen's cold courses, and a peer's geometric mean to its own, over tasks."""
    body = []
    for arm in arms:
        beside, own = ratios(found, arm), ratios(found, own_cold(arm))
        both = [three[1] - own[task][1] for task, three in beside.items() if task in own]
        own_said = f"{math.exp(float(np.mean(both))):.2f}" if both else "·"
        each = [[three[at] for three in beside.values()] for at in (0, 1)]
        said = [f"{math.exp(float(np.mean(logs))):.2f}" if logs else "·" for logs in each]
        rows = [row for (*_, this), some in found.items() if this == arm for row in some]
        body.append([arm, *said, own_said, _reached(found, arm), _cpu(rows), str(len(beside)), str(len(rows))])
    head = ["runs to cold's value at run 20", "medians", "geo. means", "to its own cold", "reach it", "CPU-s a run"]
    return columns([*head, "tasks", "courses"], body)


def _reached(found: Cells, arm: str) -> str:
    """Return the share of an arm's courses that reach the target."""
    there = []
    for (family, task, this), rows in found.items():
        cold = [*found.get((family, task, "cold"), []), *found.get((family, task, "placebo"), [])]
        if this == arm and cold:
            there += [runs <= row["budget"] for row, runs in zip(rows, runs_to(rows, target(cold)), strict=True)]
    return f"{np.mean(there):.0%}" if there else "·"


def _cpu(rows: Sequence[Row]) -> str:
    """Return the CPU-seconds of a run, the whole course's by the runs that it made before it was cut."""
    return f"{sum(row['cpu'] for row in rows) / max(1, sum(row['made'] for row in rows)):.2f}"


def task_table(found: Cells, arms: Sequence[str]) -> str:
    """Return the ratio of geometric means to Kaizen's cold courses by arm and task."""
    tasks = sorted({(family, task) for family, task, _ in found})
    each = {arm: ratios(found, arm) for arm in arms}
    body = [
        [arm, *(f"{math.exp(each[arm][task][1]):.2f}" if task in each[arm] else "·" for task in tasks)] for arm in arms
    ]
    return columns(["geo. means", *(family for family, _ in tasks)], body)


def report(rows: Sequence[dict[str, Any]]) -> str:
    """Return both tables."""
    kept = trimmed([{**row, "made": len(row["values"])} for row in rows])
    found = cells(kept)
    arms = [arm for arm in dict.fromkeys(row["arm"] for row in kept) if arm != "cold"]
    versions = sorted({row["version"] for row in rows if row.get("version")})
    said = f"All courses cut to {kept[0]['budget']} runs; {'; '.join(versions) or 'no peer ran'}."
    return "\n\n".join([said, arm_table(found, arms), task_table(found, arms)])
