"""What is known of an increment before anything like it is looked at: how often ideas are kept, and how often runs fault.

Figures of 1,412 trials in 51 public logs of trial and error start what a ledger then learns of its own.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

KEPT: Final = 0.387
"""How often a fresh idea was kept."""
CRASHED: Final = 0.034
"""How often a trial gave no reading."""
CALIBRATED: Final = 200
"""Nods with a known outcome below which odds are said to be uncalibrated."""
ODDS: Final[Mapping[str, tuple[tuple[int, int], ...]]] = {
    "exact": ((2, 51), (4, 24), (7, 46)),
    "near": ((5, 74), (3, 31), (12, 52)),
    "fresh": ((396, 1024), (396, 1024), (396, 1024)),
}
"""How often what had failed was kept in public logs, and of how many: with no keep since, one or two, more."""
_STRENGTH, _FAULTS = 6.0, 10.0  # how many outcomes of one's own weigh as much as what was known before


def repeats(kind: str, since: int) -> tuple[int, int]:
    """Return how often repeats of a kind were kept in public logs, and of how many; ``since`` keeps lie in between."""
    return ODDS[kind][min(2, (since + 1) // 2)]


class Base(NamedTuple):
    """Rates of both, given nothing else."""

    better: float = KEPT
    faults: float = CRASHED


def base_of(own: tuple[float, float], everywhere: tuple[float, float], faults: tuple[int, int]) -> Base:
    """Return the rates of a process, drawn to the whole ledger's, drawn to what public logs show.

    Each pair is how often it happened, and out of how many.
    """
    rate = (everywhere[0] + KEPT * _STRENGTH) / (everywhere[1] + _STRENGTH)
    return Base(
        better=(own[0] + rate * _STRENGTH) / (own[1] + _STRENGTH),
        faults=(faults[0] + CRASHED * _FAULTS) / (faults[1] + _FAULTS),
    )
