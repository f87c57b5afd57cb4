"""Whether past odds held: nods whose trial came to an end, in bins of as many nods each.

Every nod on a proposal is written down with its odds before anything is spent; the trial that follows says how it was. Of
odds that hold, those of about .3 come true about three times in ten.

Where the wheel heeds the veteran, what it warned of is tried by a coin of chance c alone. Such an outcome stands for all that
were left alone with it, and weighs 1/c (Horvitz and Thompson 1952): else odds would be judged by what they let through.

References:
    Horvitz and Thompson (1952), A generalization of sampling without replacement from a finite universe, JASA 47.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec

from kaizen.veteran.elsewhere import AT
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
    weight: float = 1.0
    """For how many nods it stands: one over the chance with which it was tried."""


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """Nods of about the same odds."""

    low: float
    high: float
    nods: int
    odds: float
    """Their mean, each for as many as it stands for."""
    better: int
    """How many of them were."""
    weight: float
    """For how many nods they stand: more than they are where some were tried by a coin."""
    share: float
    """The share that was better, of all that they stand for."""


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """How odds compare with what happened."""

    nods: int
    by_coin: int = 0
    """How many of them were warned of and heeded, but for a coin."""
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
    """Return the nods with a known outcome, of all processes of the ledger itself, in no matter what order."""
    found = []
    for name in recall.processes():
        kept = recall.of(name) if AT not in name else None  # of attached ledgers: those are other nods
        if kept is not None:
            found += kept.outcomes()
    return tuple(Outcome(better, was, weight) for better, was, weight in found)


def calibration(past: Sequence[Outcome]) -> Calibration:
    """Return how odds compare with what happened, in up to ten bins of as many nods each."""
    if not past:
        return Calibration(nods=0)
    ordered = sorted(past)
    count = max(1, min(_BINS, len(ordered) // _FEWEST))
    ends = dict.fromkeys(_end(ordered, round(n * len(ordered) / count)) for n in range(count + 1))
    bins = tuple(_bin(ordered[start:end]) for start, end in pairwise(ends))
    mass = math.fsum(one.weight for one in ordered)
    share = math.fsum(one.weight for one in ordered if one.was) / mass
    return Calibration(
        nods=len(ordered),
        by_coin=sum(one.weight > 1.0 for one in ordered),
        bins=bins,
        error=math.fsum(one.weight * abs(one.odds - one.share) for one in bins) / mass,
        surprise=math.fsum(one.weight * _surprise(one.better, was=one.was) for one in ordered) / mass,
        base=math.fsum(one.weight * _surprise(share, was=one.was) for one in ordered) / mass,
    )


def _end(ordered: Sequence[Outcome], end: int) -> int:
    """Return the end of a bin, behind all nods of the same odds: parted, they would be parted by what came of them."""
    while 0 < end < len(ordered) and ordered[end].better == ordered[end - 1].better:
        end += 1
    return end


def _bin(part: Sequence[Outcome]) -> Bin:
    mass = math.fsum(one.weight for one in part)
    return Bin(
        low=part[0].better, high=part[-1].better, nods=len(part), weight=mass, better=sum(one.was for one in part),
        odds=math.fsum(one.weight * one.better for one in part) / mass,
        share=math.fsum(one.weight for one in part if one.was) / mass,
    )  # fmt: skip


def _surprise(odds: float, *, was: bool) -> float:
    return -math.log(min(1 - 1e-6, max(1e-6, odds if was else 1.0 - odds)))
