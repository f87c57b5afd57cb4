"""Read results of the veteran's bench: what memory saves, and what it costs where it misleads.

The target of a task is what cold courses have reached at run ``AT``, the median over both draws of seeds: a target that
only one draw has set is harder for everybody else. A course that never reaches it counts one and a half budgets. Arms are
compared with all cold courses, as distributions, never seed by seed: a second draw of the same planner looks bad seed by
seed. Ratios are geometric means over tasks; the placebo, the second draw beside the first, says what chance alone does.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.report.page import columns

AT = 20
"""The run at which cold courses set the target."""

_CENSORED = 1.5  # budgets that a course counts which never reaches the target
_FAULTY = 0.05  # share of cold courses' runs that fail, from which faults are compared

Row = dict[str, Any]
Cells = dict[tuple[str, str, str], list[Row]]
"""Results by family, task and arm."""

ADVERSARIAL = frozenset({"health_commits"})
"""Families whose own members mislead: their real memory is counted as hostile."""

_MADE = "made_"  # how the names of families begin whose members are functions

GROUPS = (
    ("related, real", (("memory", "real"),)),
    ("related, made", (("memory", "made"),)),
    ("half hostile, real", (("half", "real"),)),
    ("half hostile, made", (("half", "made"),)),
    ("hostile or unrelated", (("inverted", ""), ("permuted", ""), ("memory", "adversarial"))),
    ("placebo", (("placebo", ""),)),
)
"""Figures by name: arms, each of the families of one sort, or of all."""


def sort_of(family: str) -> str:
    """Return ``adversarial``, ``made`` or ``real``."""
    return "adversarial" if family in ADVERSARIAL else "made" if family.startswith(_MADE) else "real"


def cells(rows: Sequence[Row]) -> Cells:
    """Gather results by family, task and arm, by seed."""
    made: Cells = {}
    for row in sorted(rows, key=lambda row: row["seed"]):
        made.setdefault((row["family"], row["task"], row["arm"]), []).append(row)
    return made


def best(row: Row) -> NDArray[np.float64]:
    """Return the best value so far after each run, lower is better, as far as the budget goes."""
    turn = 1.0 if row["better"] == "lower" else -1.0
    values = [math.inf if value is None else turn * value for value in row["values"]]
    values += [math.inf] * (row["budget"] - len(values))
    return np.minimum.accumulate(values)


def target(cold: Sequence[Row]) -> float:
    """Return the median of what cold courses have reached at run ``AT``."""
    return float(np.median([best(row)[min(AT, row["budget"]) - 1] for row in cold]))


def runs_to(rows: Sequence[Row], wanted: float) -> NDArray[np.float64]:
    """Return each course's runs to a target, ``(seeds,)``."""
    made = []
    for row in rows:
        there = np.flatnonzero(best(row) <= wanted + 1e-12 * abs(wanted))
        made.append(float(there[0] + 1) if len(there) else _CENSORED * row["budget"])
    return np.array(made)


def _triple(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return ln of the ratios of medians, of geometric means and of 90th percentiles."""
    return (
        math.log(float(np.median(one) / np.median(other))),
        float(np.log(one).mean() - np.log(other).mean()),
        math.log(float(np.quantile(one, 0.9) / np.quantile(other, 0.9))),
    )


def ratios(found: Cells, arm: str, *, family: str = "") -> dict[tuple[str, str], tuple[float, float, float]]:
    """Return the three log ratios of an arm to cold, by family and task."""
    made = {}
    for (name, task, this), rows in found.items():
        cold, again = found.get((name, task, "cold")), found.get((name, task, "placebo"), [])
        if this == arm and cold and (not family or name == family):
            wanted = target([*cold, *again])
            beside = cold if arm == "placebo" else [*cold, *again]
            made[name, task] = _triple(runs_to(rows, wanted), runs_to(beside, wanted))
    return made


def _means(logs: Sequence[tuple[float, float, float]]) -> list[str]:
    return [f"{math.exp(float(np.mean([one[k] for one in logs]))):.2f}" for k in range(3)] if logs else ["·"] * 3


def group_table(found: Cells) -> str:
    """Return the three ratios by group of arms."""
    body = []
    for title, parts in GROUPS:
        logs = [
            log for arm, sort in parts for (family, _), log in ratios(found, arm).items()
            if not sort or sort_of(family) == sort
        ]  # fmt: skip
        body.append([title, *_means(logs), str(len(logs))])
    return columns(["runs to cold's value at run 20, to cold's", "medians", "geo. means", "90th pct", "tasks"], body)


def family_table(found: Cells, arms: Sequence[str]) -> str:
    """Return the ratios of medians and of geometric means by family and arm."""
    body = []
    for family in sorted({name for name, *_ in found}):
        cold = [row for (name, _, arm), rows in found.items() if name == family and arm == "cold" for row in rows]
        shown = [f"{np.mean([row['faults'] / max(1, len(row['values'])) for row in cold]):.0%}" if cold else "·"]
        for arm in arms:
            three = _means(list(ratios(found, arm, family=family).values()))
            shown.append(" / ".join(three[:2]) if three[0] != "·" else "·")
        body.append([family, *shown])
    return columns(["family", "faults", *arms], body)


def fault_table(found: Cells) -> str:
    """Return the faulting runs of each arm as a share of all cold ones', in families where enough of them fail."""
    body = []
    for family in sorted({name for name, *_ in found}):
        each: dict[str, list[float]] = {}
        for (name, _, arm), rows in found.items():
            if name == family:
                each.setdefault(arm, []).append(
                    float(np.mean([row["faults"] / max(1, len(row["values"])) for row in rows]))
                )
        means: Mapping[str, float] = {arm: float(np.mean(shares)) for arm, shares in each.items()}
        base = float(np.mean([means[arm] for arm in ("cold", "placebo") if arm in means] or [0.0]))
        if base >= _FAULTY:
            body += [[family, arm, f"{share:.1%}", f"{share / base:.2f}"] for arm, share in means.items()]
    head = ["family", "arm", "runs that fail", "to cold's"]
    return columns(head, body) if body else f"No family of these has {_FAULTY:.0%} of cold runs that fail."


def share_table(found: Cells) -> str:
    """Return how many runs memory asked for, by arm, and how many of those were new bests; of arms that say."""
    body = []
    for arm in sorted({arm for *_, arm in found} - {"cold", "placebo"}):
        rows = [row for (*_, this), some in found.items() if this == arm for row in some]
        if not any(map(any, (row["remembered"] for row in rows))):
            continue  # an ensemble weighs kin in every run
        asked = float(np.mean([sum(row["remembered"]) for row in rows]))
        news = [
            sum(bool(by) and at > 0 and curve[at] < curve[at - 1] for at, by in enumerate(row["remembered"]))
            for row in rows for curve in [best(row)]
        ]  # fmt: skip
        body.append([arm, f"{asked:.1f}", f"{float(np.mean(news)):.1f}"])
    return columns(["arm", "runs by memory", "of them new bests"], body) if body else ""


def report(rows: Sequence[Row]) -> str:
    """Return all tables."""
    found = cells(rows)
    arms = [arm for arm in dict.fromkeys(arm for *_, arm in found) if arm != "cold"]
    least = {
        arm: min(len(some) for (*_, this), some in found.items() if this == arm)
        for arm in dict.fromkeys(arm for *_, arm in found)
    }
    said = "; ".join(f"{arm} {count}" for arm, count in least.items())
    return "\n\n".join([
        f"Seeds at least, by arm: {said}. By family: ratio of medians / of geometric means.",
        group_table(found), family_table(found, arms), fault_table(found), share_table(found),
    ])  # fmt: skip
