"""Whether past odds held: nods whose trial came to an end, in bins of equal mass.

Every nod on a proposal is written down with its odds before anything is spent; the trial that follows says how it was. Of
odds that hold, those of about .3 come true about three times in ten.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec

from kaizen.veteran.rates import CALIBRATED
from kaizen.veteran.recall import Recall

_BINS = 10
_FEWEST = 5  # outcomes in a bin


class Outcome(NamedTuple):
    """A nod whose trial came to an end."""

    better: float
    """The odds that were given."""
    was: bool
    """Whether the trial found it better."""


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """Nods of about the same odds."""

    low: float
    high: float
    nods: int
    odds: float
    """Their mean."""
    better: int
    """How many of them were."""

    @property
    def share(self) -> float:
        """The share of them that were better."""
        return self.better / self.nods


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """How odds compare with what happened."""

    nods: int
    bins: tuple[Bin, ...] = ()
    error: float | None = None
    """The mean distance of odds and shares over the bins, each by its nods."""
    surprise: float | None = None
    """The mean of -ln of the odds that were given to what happened: .69 is a coin's."""
    base: float | None = None
    """The same for one who always says the share that was better."""

    @property
    def calibrated(self) -> bool:
        """Whether there are enough outcomes to tell."""
        return self.nods >= CALIBRATED


def outcomes(recall: Recall) -> tuple[Outcome, ...]:
    """Return the nods with a known outcome, of all processes, in no matter what order."""
    found = []
    for name in recall.processes():
        kept = recall.of(name)
        if kept is not None:
            found += kept.outcomes()
    return tuple(Outcome(better, was) for better, was in found)


def calibration(past: Sequence[Outcome]) -> Calibration:
    """Return how odds compare with what happened, in up to ten bins of equal mass."""
    if not past:
        return Calibration(nods=0)
    ordered = sorted(past)
    count = max(1, min(_BINS, len(ordered) // _FEWEST))
    ends = [round(n * len(ordered) / count) for n in range(count + 1)]
    bins = tuple(_bin(ordered[start:end]) for start, end in pairwise(ends))
    share = sum(one.was for one in ordered) / len(ordered)
    return Calibration(
        nods=len(ordered),
        bins=bins,
        error=math.fsum(one.nods * abs(one.odds - one.share) for one in bins) / len(ordered),
        surprise=math.fsum(_surprise(one.better, was=one.was) for one in ordered) / len(ordered),
        base=math.fsum(_surprise(share, was=one.was) for one in ordered) / len(ordered),
    )


def _bin(part: Sequence[Outcome]) -> Bin:
    return Bin(
        low=part[0].better, high=part[-1].better, nods=len(part),
        odds=math.fsum(one.better for one in part) / len(part), better=sum(one.was for one in part),
    )  # fmt: skip


def _surprise(odds: float, *, was: bool) -> float:
    return -math.log(min(1 - 1e-6, max(1e-6, odds if was else 1.0 - odds)))
