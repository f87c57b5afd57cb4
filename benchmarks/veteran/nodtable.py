"""Read results of the bench of nods: how often warnings are right, what they miss, and what they would have cost."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.report.page import columns
from benchmarks.veteran.nods import ASKED_AT, FOILS
from benchmarks.veteran.table import ADVERSARIAL
from kaizen.veteran.calibration import Outcome, calibration

Row = dict[str, Any]
Flags = NDArray[np.bool_]

WARNS = ("think_again", "failed_before")
DEVELOPED = frozenset({"convolution", "buchwald", "storm", "sqlite", "made_valleys"})
"""Families that the rule of the nod was chosen on: the others only ever took something back from it."""
_ODDS = 3  # place of the odds in what was asked; foils follow


def warned(one: Sequence[Any], arm: str) -> bool:
    """Tell whether an arm warned of something that was asked."""
    return one[2] in WARNS if arm == "nod" else bool(one[_ODDS + 1 + FOILS.index(arm)])


def figures(rows: Sequence[Row], arm: str) -> list[str]:
    """Return warnings, base rate, precision, lift and recall of an arm."""
    asked = [one for row in rows for one in row["asked"]]
    worse = np.array([bool(one[0]) for one in asked])
    says = np.array([warned(one, arm) for one in asked])
    base = float(worse.mean())
    if not says.any():
        return [str(len(asked)), f"{base:.2f}", "0", "·", "·", "0.00"]
    right = float(worse[says].mean())
    found = float((says & worse).sum() / max(1, worse.sum()))
    lift = f"{right / base:.2f}" if base else "·"
    return [str(len(asked)), f"{base:.2f}", str(int(says.sum())), f"{right:.2f}", lift, f"{found:.2f}"]


def against(rows: Sequence[Row], arm: str, at: int) -> str:
    """Return the share of the top tenth that an arm warns against: pooled, and in the worst family."""
    place = 0 if arm == "nod" else 1 + FOILS.index(arm)
    shares: dict[str, list[bool]] = {}
    for row in rows:
        shares.setdefault(row["family"], []).extend(bool(one[place]) for one in row["tops"].get(str(at), ()))
    known = {family: some for family, some in shares.items() if some}
    if not known:
        return "·"
    pooled = float(np.mean([one for some in known.values() for one in some]))
    worst, family = max((float(np.mean(some)), family) for family, some in known.items())
    return f"{pooled:.1%} ({family} {worst:.1%})"


_HEAD = ["", "asked", "worse", "warned", "right", "lift", "recall"]


def report(rows: Sequence[Row]) -> str:
    """Return all tables; families that the rule was developed on are pooled apart from the others, too."""
    related = [row for row in rows if row["family"] not in ADVERSARIAL and row["arm"] == "memory"]
    groups = [("related", related)]
    groups.append(("developed on", [row for row in related if row["family"] in DEVELOPED]))
    groups.append(("held back", [row for row in related if row["family"] not in DEVELOPED]))
    said = []
    body = []
    for title, some in groups:
        for arm in ("nod", *FOILS) if some else ():
            tops = [against(some, arm, at) for at in ASKED_AT]
            body.append([f"{title}: {arm}", *figures(some, arm), *tops])
    heads = [f"top tenth warned against, {at} runs behind (worst)" for at in ASKED_AT]
    said.append(columns([*_HEAD, *heads], body))
    said.append(columns(_HEAD, [[title, *figures(some, "nod")] for title, some in _families(rows)]))
    said.append(_calibration(related, "related"))
    said.append(_calibration([row for row in rows if row["arm"] == "memory"], "all"))
    said.append(_cost(rows))
    return "\n\n".join(said)


def _families(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    def name(row: Mapping[str, Any]) -> str:
        return row["family"] + ("" if row["arm"] == "memory" else f", {row['arm']}")

    return [(title, list(some)) for title, some in groupby(sorted(rows, key=name), key=name)]


def _calibration(rows: Sequence[Row], title: str) -> str:
    found = calibration([Outcome(one[_ODDS], bool(one[1])) for row in rows for one in row["asked"]])
    if found.error is None:
        return f"{title}: no nods"
    bins = "  ".join(f"{one.odds:.2f}:{one.share:.2f}" for one in found.bins)
    return (
        f"{title}: odds of better over {found.nods} nods in {len(found.bins)} bins of equal mass: mean error {found.error:.3f} "
        f"(surprise {found.surprise:.3f}, of the share alone {found.base:.3f})\n  odds:share  {bins}"
    )


def _cost(rows: Sequence[Row]) -> str:
    took = np.array([one for row in rows for one in row["ms"]])
    return (
        f"one nod: median {np.median(took):.0f} ms, 99th percentile {np.quantile(took, 0.99):.0f} ms of one processor, what a "
        "run more changes in it included"
    )
