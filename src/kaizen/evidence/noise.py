"""What repeats of one setting say of noise, in the order they were made: its size, its drift, its memory.

Values are in one unit (of gain: nats for a ratio), oldest first. A pair is two runs close together, so what it must
overcome is how far *neighbours* differ, not how far all readings do: drift and days are in both of its sides.
"""

import math
import statistics
from collections.abc import Callable, Sequence
from itertools import pairwise, permutations
from statistics import NormalDist
from typing import Final, Literal, NamedTuple

from kaizen.evidence.door import check_numbers

_EXACT: Final = 50  # readings up to which the chance of an order is counted, not approximated
_COUNTED: Final = 7  # readings up to which all orders are gone through
_LEAST, _MOST = 0.01, 100.0  # sd of a pair's difference between which the smallest gain is looked for
_STEPS: Final = 40  # halvings of a ratio of 10,000: to 1e-8 of it


class Drift(NamedTuple):
    """How readings moved over their order, as far as one line or one step tells."""

    kind: Literal["trend", "shift"]
    size: float
    """From the first to the last reading (a trend), or over the step (a shift)."""
    at: int
    """The place of the first reading behind the step; 0 for a trend."""


def neighbour_sd(values: Sequence[float]) -> tuple[float, float]:
    """Give the standard deviation of the difference between neighbours, and the degrees of freedom behind it.

    δ² = Σ (x_{i+1} - x_i)² / (n - 1) (eq. 1), which slow drift hardly moves; for independent normal readings δ² has mean
    2σ² and variance 4σ⁴ (3n - 4) / (n - 1)² (eq. 2), as a mean of 2 (n - 1)² / (3n - 4) squares.

    Raises:
        ValueError: fewer than two readings, or one is NaN.

    References:
        von Neumann, Kent, Bellinson & Hart (1941), *The mean square successive difference*, Ann. Math. Statist. 12.
    """
    _check(values, 2)
    count = len(values)
    square = _apart(values) / (count - 1)  # (eq. 1)
    return math.sqrt(square), 2 * (count - 1) ** 2 / (3 * count - 4)


def sd_interval(sd: float, freedom: float, level: float = 0.10) -> tuple[float, float]:
    """Give the ends between which the true standard deviation lies but for chance ``level``, if noise is normal.

    References:
        Wilson & Hilferty (1931), *The distribution of chi-square*, PNAS 17: χ²_q ≈ f (1 - 2/9f + z_q √(2/9f))³ (eq. 3).
    """
    if not (sd >= 0 and freedom > 0 and 0 < level < 1):
        raise ValueError(
            f"sd must be 0 or more, freedom above 0, level between 0 and 1; got {sd}, {freedom} and {level}"
        )
    part, z = 2 / (9 * freedom), NormalDist().inv_cdf(1 - level / 2)
    low, high = (max(1 - part + sign * z * math.sqrt(part), 1e-3) ** 3 for sign in (1, -1))  # (eq. 3) / f
    return sd / math.sqrt(low), sd / math.sqrt(high)


def order_chance(values: Sequence[float]) -> float:
    """Give the chance that shuffled readings rise or fall along their order as much as these: small where they drift.

    By S = Σ_{i<j} sign(x_j - x_i) (eq. 4) on both sides; exact without ties up to 50 readings, else normal with the
    variance that ties leave (eq. 5).

    Raises:
        ValueError: no readings, or one is NaN.

    References:
        Mann (1945), *Nonparametric tests against trend*, Econometrica 13; Kendall (1975), *Rank Correlation Methods*.
    """
    _check(values, 1)
    count = len(values)
    height = abs(sum((b > a) - (b < a) for i, a in enumerate(values) for b in values[i + 1 :]))  # (eq. 4)
    ties = [values.count(value) for value in set(values)]
    if height == 0:
        return 1.0
    if max(ties) == 1 and count <= _EXACT:
        return _orders_as_high(count, height)
    variance = (_cube(count) - sum(_cube(tie) for tie in ties)) / 18  # (eq. 5)
    return min(1.0, 2 * NormalDist().cdf(-(height - 1) / math.sqrt(variance)))


def _orders_as_high(count: int, height: int) -> float:
    """Count the orders with |S| of ``height`` or more: S = n (n - 1) / 2 - 2 inversions."""
    orders = [1]
    for size in range(2, count + 1):  # one more reading is passed by none, one, .. of those before
        orders = [sum(orders[max(0, place - size + 1) : place + 1]) for place in range(len(orders) + size - 1)]
    most = count * (count - 1) // 2
    return sum(ways for turned, ways in enumerate(orders) if abs(most - 2 * turned) >= height) / sum(orders)


def _cube(count: int) -> int:
    return count * (count - 1) * (2 * count + 5)


def drift(values: Sequence[float]) -> Drift:
    """Tell how readings moved over their order: along a line, or by one step, whichever fits better.

    A line has the median slope of all pairs; a step, the difference of medians at the split that leaves least squares.
    A step has a place to choose and must fit better for it: n ln(RSS_line / RSS_step) > ln n (eq. 6, Schwarz 1978).
    Whether there is any drift at all, ``order_chance`` tells.

    Raises:
        ValueError: fewer than four readings, or one is NaN.

    References:
        Sen (1968), *Estimates of the regression coefficient based on Kendall's tau*, JASA 63.
    """
    _check(values, 4)
    count = len(values)
    slope = statistics.median((b - a) / (j - i) for i, a in enumerate(values) for j, b in enumerate(values) if j > i)
    least, at = min((_rss(values[:split]) + _rss(values[split:]), split) for split in range(2, count - 1))
    along = _rss_line(values)
    if along > 0 and (least == 0 or count * math.log(along / least) > math.log(count)):  # (eq. 6)
        return Drift("shift", statistics.median(values[at:]) - statistics.median(values[:at]), at)
    return Drift("trend", slope * (count - 1), 0)


def _rss(values: Sequence[float]) -> float:
    mean = statistics.fmean(values)
    return math.fsum((value - mean) * (value - mean) for value in values)


def _rss_line(values: Sequence[float]) -> float:
    """Give the sum of squares around the line of least squares."""
    mean, middle = statistics.fmean(values), (len(values) - 1) / 2
    along = math.fsum((place - middle) * (value - mean) for place, value in enumerate(values))
    wide = math.fsum((place - middle) ** 2 for place in range(len(values)))
    return max(0.0, _rss(values) - along * along / wide)


def autocorrelation(values: Sequence[float]) -> float:
    """Give the correlation of readings with the next: Σ (x_i - m)(x_{i+1} - m) / Σ (x_i - m)²; 0 where nothing varies.

    Raises:
        ValueError: fewer than two readings, or one is NaN.
    """
    _check(values, 2)
    mean, whole = statistics.fmean(values), _rss(values)
    if whole == 0:
        return 0.0
    return math.fsum((a - mean) * (b - mean) for a, b in pairwise(values)) / whole


def alike_chance(values: Sequence[float]) -> float:
    """Give the chance that shuffled readings have neighbours as alike as these: small where pairs cancel noise.

    By the ranks' Σ (R_i - R_{i+1})² / Σ (R_i - R̄)² (eq. 7), which has mean 2 and variance
    4 (n - 2)(5n² - 2n - 9) / (5n (n + 1)(n - 1)²) (eq. 8); all orders are gone through up to seven readings.

    Raises:
        ValueError: fewer than two readings, or one is NaN.

    References:
        Bartels (1982), *The rank version of von Neumann's ratio test for randomness*, JASA 77.
    """
    _check(values, 2)
    ranks, count = _ranks(values), len(values)
    whole = _rss(ranks)
    if whole == 0:
        return 1.0
    ratio = _apart(ranks) / whole  # (eq. 7)
    if count <= _COUNTED:
        found = [_apart(order) / whole <= ratio + 1e-9 for order in permutations(ranks)]
        return sum(found) / len(found)
    variance = (
        4 * (count - 2) * (5 * count**2 - 2 * count - 9) / (5 * count * (count + 1) * (count - 1) ** 2)
    )  # (eq. 8)
    return NormalDist(2.0, math.sqrt(variance)).cdf(ratio)


def _apart(values: Sequence[float]) -> float:
    return math.fsum((after - before) * (after - before) for before, after in pairwise(values))


def _ranks(values: Sequence[float]) -> list[float]:
    """Rank readings from 1, ties by their middle."""
    below = [sum(other < value for other in values) for value in values]
    same = [values.count(value) for value in values]
    return [under + (equal + 1) / 2 for under, equal in zip(below, same, strict=True)]


def smallest_gain(odds: Callable[[float], float], *, sd: float, wanted: float) -> float | None:
    """Give the smallest gain whose odds of proof are ``wanted``, in the unit of ``sd``; ``None`` where no gain has them.

    ``odds`` must not fall as its gain grows; ``sd`` is of one pair's difference. Gains are looked for from a hundredth of
    an ``sd`` up to a hundred. Where there is no noise the answer is 0 if any gain is proven.

    Raises:
        ValueError: ``sd`` is negative or not finite, or ``wanted`` is not between 0 and 1.
    """
    if not 0 <= sd < math.inf or not 0 < wanted < 1:
        raise ValueError(f"sd must be 0 or more, and wanted between 0 and 1; got {sd} and {wanted}")
    if sd == 0:
        return 0.0 if odds(1.0) >= wanted else None
    if odds(_MOST * sd) < wanted:
        return None
    low, high = _LEAST, _MOST
    if odds(low * sd) >= wanted:
        return low * sd
    for _ in range(_STEPS):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if odds(middle * sd) >= wanted else (middle, high)
    return high * sd


def _check(values: Sequence[float], least: int) -> None:
    check_numbers("reading", values)
    if len(values) < least:
        raise ValueError(f"readings must be at least {least}; got {len(values)}")
