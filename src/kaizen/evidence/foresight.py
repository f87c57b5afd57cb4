"""The price of proof, foretold: for the bets of ``signs``, under normal noise."""

import math
from bisect import bisect_left
from functools import lru_cache
from math import exp
from typing import Final

from kaizen.evidence.door import check_alpha, check_horizon
from kaizen.evidence.signs import BETS, LOG_WEIGHTS, log_factors, log_sum, log_wins, normal

OUT_OF_REACH: Final = 10_000
"""The most pairs that ``prospect`` foretells: read it as never."""

_SETTLED: Final = 32  # pairs after which a rank is as good as a quantile,
_NODES: Final = 32  # and the points of the quadrature


def pairs_floor(alpha: float) -> int:
    """Give the fewest pairs that can prove anything at ``alpha``: all of them better, each by more than the last.

    (2) rises with every score, and no score is above that of a difference larger than all before it (R_t = t): so n
    growing gains say the most that n pairs can. At least log2(1 / alpha), for a pair at most doubles the money.

    Raises:
        ValueError: ``alpha`` is not between 0 and 1.
    """
    check_alpha(alpha)
    return _pairs_to_win(alpha, growing=True)


def _pairs_to_win(alpha: float, *, growing: bool) -> int:
    """Count the pairs to proof when all are better, each by more than the last (``growing``) or all by the same."""
    purses, pair = list(LOG_WEIGHTS), 0
    while log_sum(purses) < -math.log(alpha):
        pair += 1
        wins = log_wins(1, 2 * pair if growing else pair + 1, pair)
        purses = [purse + win for purse, win in zip(purses, wins, strict=True)]
    return pair


def prospect(gain: float, sd: float, alpha: float, horizon: int) -> tuple[int, float]:
    """Foretell a proof: (pairs until its odds are even, odds of it within ``horizon`` pairs).

    ``gain`` is the typical gain and ``sd`` the standard deviation of a pair's difference, in one unit. The pairs do
    not depend on the horizon and stop at ``OUT_OF_REACH``. With no noise all gains are equal and the pairs certain.
    Made for normal noise: there simulated pairs agree within a quarter, or one, and odds within .15; within .2 at the
    first three looks that can prove anything, where they jump.

    Raises:
        ValueError: ``gain`` is not positive and finite, ``sd`` is negative or not finite, ``alpha`` is not between 0
            and 1, or ``horizon`` is less than 1.

    References:
        Siegmund (1985), *Sequential Analysis*, ch. III: the odds that a Brownian motion with drift reaches a level in
        time; here the log of equation 2, with its mean and spread under normal differences.
    """
    if not 0 < gain < math.inf:
        raise ValueError(f"gain must be positive and finite; got {gain}")
    if not 0 <= sd < math.inf:
        raise ValueError(f"sd must be zero or more and finite; got {sd}")
    check_horizon(horizon)
    floor = pairs_floor(alpha)
    if sd == 0:
        pairs = _pairs_to_win(alpha, growing=False)
        return pairs, float(horizon >= pairs)
    shift = min(gain / sd, 1e3)  # past a thousand sd, noise only orders the sizes
    more = bisect_left(range(floor, OUT_OF_REACH), 0.5, key=lambda pairs: _odds(shift, alpha, pairs))
    return floor + more, _odds(shift, alpha, horizon) if horizon >= floor else 0.0


def _odds(shift: float, alpha: float, pairs: int) -> float:
    """Give the odds of proof within ``pairs`` normal differences of mean ``shift`` and sd 1."""
    table = _growth(shift)
    known, later = table[min(pairs, _SETTLED) - 1], max(0, pairs - _SETTLED)
    means = [mean + later * rate for (mean, _), (rate, _) in zip(known, table[-1], strict=True)]
    logs = [weight + mean for weight, mean in zip(LOG_WEIGHTS, means, strict=True)]
    spreads = [math.sqrt(noise + later * fresh) for (_, noise), (_, fresh) in zip(known, table[-1], strict=True)]
    mean, level = log_sum(logs), -math.log(alpha)
    sd = sum(exp(log - mean) * spread for log, spread in zip(logs, spreads, strict=True))  # by who holds the money
    if sd == 0:
        return float(mean >= level)
    cdf = normal().cdf
    fell_back = exp(min(2 * mean * level / sd**2, 700)) * cdf(-(level + mean) / sd)  # reached the level, then left it
    return min(1.0, cdf((mean - level) / sd) + fell_back)


@lru_cache(maxsize=256)
def _growth(shift: float) -> tuple[tuple[tuple[float, float], ...], ...]:
    """Give mean and variance of each gambler's log winnings after 1, 2, .. pairs; then, last, of one pair more.

    By quadrature over equally likely normal differences of mean ``shift`` and sd 1. A rank is replaced by its mean
    given the difference: itself, and its quantile among sizes for each pair before.
    """
    cdf, quantile = normal().cdf, normal().inv_cdf
    nodes = [shift + quantile((node + 0.5) / _NODES) for node in range(_NODES)]
    below = [cdf(abs(node) - shift) - cdf(-abs(node) - shift) for node in nodes]
    sums, step, table = [(0.0, 0.0)] * len(BETS), [(0.0, 0.0)] * len(BETS), []
    for pair in range(1, _SETTLED + 1):
        places = [0.5 + ((pair - 1) * size + 0.5) / (2 * pair) for size in below]  # (1)
        wins = [log_factors(math.copysign(quantile(place), node)) for node, place in zip(nodes, places, strict=True)]
        means = [math.fsum(column) / _NODES for column in zip(*wins, strict=True)]
        squares = [math.fsum([win * win for win in column]) / _NODES for column in zip(*wins, strict=True)]
        step = [(mean, max(0.0, square - mean * mean)) for mean, square in zip(means, squares, strict=True)]
        sums = [(total + mean, noise + fresh) for (total, noise), (mean, fresh) in zip(sums, step, strict=True)]
        table.append(tuple(sums))
    return (*table, tuple(step))
