"""Rules by which changes are adopted elsewhere. Each takes ``(trials, pairs)`` and tells after which pair it adopts.

0 stands for never. All look for *better* only, at p < .05.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from benchmarks.judge.noises import Floats

Looks = NDArray[np.int64]

LEVEL: Final = 0.05
FIRST: Final = 5
"""The first pair after which a t-test is looked at."""
TUNED: Final = 20
"""For how many pairs the asymptotic confidence sequence is tuned."""


def first_true(found: NDArray[np.bool_]) -> Looks:
    """Return at which look each row is first true, counted from 1; 0 for never."""
    return np.asarray(np.where(found.any(axis=1), found.argmax(axis=1) + 1, 0), dtype=np.int64)


def peeking_t(differences: Floats, *, first: int = FIRST) -> Looks:
    """Look at a paired t-test after every pair."""
    count, mean, variance = _running(differences)
    return first_true(_significant(mean, variance / count, count - 1) & (count >= first))


def peeking_welch(increment: Floats, standard: Floats, *, first: int = FIRST) -> Looks:
    """Look at Welch's t-test of the two sides after every pair."""
    count, one, spread = _running(increment)
    _, other, wide = _running(standard)
    total = spread + wide
    with np.errstate(all="ignore"):
        degrees = (count - 1) * total**2 / (spread**2 + wide**2)
    return first_true(_significant(one - other, total / count, degrees) & (count >= first))


def fixed_t(differences: Floats) -> Looks:
    """Look at a paired t-test once, after the last pair."""
    return peeking_t(differences, first=differences.shape[1])


def remembered(before: Floats, now: Floats, *, first: int = FIRST) -> Looks:
    """Compare the increment's readings with the standard's of before, by Welch's test after every reading."""
    count, mean, variance = _running(now)
    known = before.shape[1]
    old, wide = before.mean(axis=1, keepdims=True), before.var(axis=1, ddof=1, keepdims=True) / known
    error = variance / count
    with np.errstate(all="ignore"):
        degrees = (error + wide) ** 2 / (error**2 / (count - 1) + wide**2 / (known - 1))
    return first_true(_significant(mean - old, error + wide, degrees) & (count >= first))


def plug_in(differences: Floats, level: float = LEVEL) -> Looks:
    """Look at an asymptotic confidence sequence with the sample's own variance, after every pair.

    References:
        Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), *Time-uniform central limit theory and asymptotic
        confidence sequences*, Ann. Statist. 52, eq. 9: Robbins' normal mixture with an estimated variance.
    """
    count, mean, variance = _running(differences)
    log = -2 * math.log(level)
    rho = (log + math.log(log + 1)) / TUNED  # squared
    with np.errstate(all="ignore"):
        wide = np.sqrt(2 * (count * rho + 1) / (count**2 * rho) * np.log(np.sqrt(count * rho + 1) / level))
        return first_true((mean - np.sqrt(variance) * wide > 0) & (count >= 2))


def best_so_far(readings: Floats) -> Looks:
    """Adopt whatever reads better than all before it, the standard's one reading first: ``best_trial``.

    Returns the last reading that was adopted.
    """
    tops = np.maximum.accumulate(readings, axis=1)
    return np.asarray(np.where(readings.max(axis=1) > readings[:, 0], (tops < tops[:, -1:]).sum(axis=1), 0))


def _running(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Return how many values, their mean and their variance, up to each."""
    count = np.arange(1.0, values.shape[1] + 1)[None, :]
    centre = values[:, :1]  # takes the common level out, which squares would drown in
    moved = values - centre
    mean = np.cumsum(moved, axis=1) / count
    squares = np.cumsum(moved**2, axis=1) - count * mean**2
    with np.errstate(all="ignore"):
        variance = np.maximum(squares, 0.0) / (count - 1)
    return count, mean + centre, variance


def _significant(mean: Floats, error: Floats, degrees: Floats) -> NDArray[np.bool_]:
    with np.errstate(all="ignore"):
        critical = stdtrit(np.maximum(degrees, 1.0), 1 - LEVEL)
        return np.asarray((mean > critical * np.sqrt(error)) & (error > 0) & (degrees >= 1), dtype=np.bool_)
