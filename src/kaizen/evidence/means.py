"""Prove that a change is better *on average*: bets on differences that cannot leave declared bounds.

*Typically better* (``signs``, ``flips``) is not *better on average*: a change that usually gains a little and rarely loses a
lot is the one and not the other. Where readings have bounds, averages can be proven, whatever the law and however one
reading hangs on those before. With r the widest difference that the bounds allow:

    W_n(m) = sum_j SHARES[j] * product_{t <= n} (1 + STAKES[j] * (d_t - m) / (r + m))                                (1)

If, given the past, d_t is m or less on average, no factor gains on average: the chance that (1) ever reaches 1 / alpha
is at most ``alpha`` (Ville 1939). Every factor falls as m rises, hence so does (1): what it refutes are all m below one.
A pair can at most double the money, and where noise is small beside the bounds bets stay small: it takes about twice
the pairs that a proof of *typically better* takes.

References:
    Waudby-Smith & Ramdas (2024), *Estimating means of bounded random variables by betting*, J. R. Statist. Soc. B 86.
"""

import math
from collections.abc import Sequence
from typing import Final

from kaizen.evidence.door import check_alpha, check_numbers
from kaizen.evidence.signs import log_sum

STAKES: Final = tuple(0.02 * (0.98 / 0.02) ** (j / 11) for j in range(12))
"""The share of the money each of twelve gamblers stakes, geometric."""

SHARES: Final = (1 / 12,) * 12
"""What each starts with."""

_LOG_SHARES: Final = tuple(map(math.log, SHARES))
_STEPS: Final = 60  # of a bisection


def log_mean_path(differences: Sequence[float], widest: float, *, above: float = 0.0) -> tuple[float, ...]:
    """Give, after each pair, the log evidence that the average is above ``above``; ``-log(alpha)`` is proof.

    ``widest`` is the largest difference that declared bounds allow, in the unit of the differences.

    Raises:
        ValueError: a difference is NaN or wider than ``widest``, that is not positive and finite, or ``above`` is not
            within it.

    References:
        Equation 1 at m = ``above``.
    """
    _check(differences, widest)
    if not -widest < above < widest:
        raise ValueError(f"above must be within {widest:g} of zero; got {above:g}")
    purses: Sequence[float] = _LOG_SHARES
    path = []
    for difference in differences:
        wins = _log_wins(difference, widest, above)
        purses = [purse + win for purse, win in zip(purses, wins, strict=True)]
        path.append(log_sum(purses))
    return tuple(path)


def log_mean(differences: Sequence[float], widest: float, *, above: float = 0.0) -> float:
    """Give the log evidence that the average is above ``above`` after all the pairs; 0 when there are none.

    Raises:
        ValueError: as ``log_mean_path``.
    """
    return (log_mean_path(differences, widest, above=above) or (0.0,))[-1]


def _log_mean_by_definition(differences: Sequence[float], widest: float, above: float = 0.0) -> float:
    """Write (1) down as it stands: the slow twin of ``log_mean``, which the tests hold against it."""
    return math.log(sum(
        share * math.prod(1 + stake * (d - above) / (widest + above) for d in differences)
        for share, stake in zip(SHARES, STAKES, strict=True)
    ))  # fmt: skip


def mean_interval(differences: Sequence[float], widest: float, alpha: float) -> tuple[float, float]:
    """Give the ends of the averages not contradicted: the truth is inside at all looks with chance ``1 - alpha``.

    Raises:
        ValueError: as ``log_mean_path``, or ``alpha`` is not between 0 and 1.

    References:
        Equation 1 for both sides, each at alpha / 2; its fall in m makes a bisection exact.
    """
    check_alpha(alpha)
    _check(differences, widest)
    low = _lowest(differences, widest, math.log(2 / alpha))
    high = 0.0 - _lowest([0.0 - d for d in differences], widest, math.log(2 / alpha))
    return min(low, high), max(low, high)


def _lowest(differences: Sequence[float], widest: float, proof: float) -> float:
    """Give the lowest average not contradicted, or the lower bound itself."""
    low, high = -widest, widest
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if _money(differences, widest, middle) >= proof:
            low = middle
        else:
            high = middle
    return low


def _money(differences: Sequence[float], widest: float, mean: float) -> float:
    wins = [_log_wins(difference, widest, mean) for difference in differences]
    return log_sum([math.fsum(column) for column in zip(_LOG_SHARES, *wins, strict=True)])


def _log_wins(difference: float, widest: float, mean: float) -> list[float]:
    """Give what one pair adds to each gambler's log money."""
    part = max((difference - mean) / (widest + mean), -1.0)  # below it by rounding alone
    return [math.log1p(stake * part) for stake in STAKES]


def _check(differences: Sequence[float], widest: float) -> None:
    check_numbers("difference", differences)
    if not 0 < widest < math.inf:
        raise ValueError(f"widest must be positive and finite; got {widest}")
    worst = max(map(abs, differences), default=0.0)
    if worst > widest * (1 + 1e-12):
        raise ValueError(f"differences must lie within {widest:g} of zero, as declared; got {worst:g}")
