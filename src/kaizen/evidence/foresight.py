"""The price of proof, foretold under normal noise: for the bets of ``signs``, and for ``flips`` within a cap."""

import math
from bisect import bisect_left
from functools import lru_cache
from math import exp
from typing import TYPE_CHECKING, Final

from kaizen.evidence import flips
from kaizen.evidence.door import check_alpha, check_horizon
from kaizen.evidence.signs import BETS, LOG_WEIGHTS, log_factors, log_sum, log_wins, normal

if TYPE_CHECKING:
    import numpy as np

OUT_OF_REACH: Final = 10_000
"""The most pairs that ``prospect`` foretells: read it as never."""

_SETTLED: Final = 32  # pairs after which a rank is as good as a quantile,
_NODES: Final = 32  # and the points of the quadrature
_SHIFTS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0)  # in sd: simulated
_TRIALS: Final = 600  # of each shift
_PATHS: Final = 8_000  # that set the limits, at least, and at most
_MOST_PATHS: Final = 60_000


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
    _check_foretold(gain, sd)
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


# ── within a declared number of pairs ───────────────────────────────────────────────────────────────────────────────
def prospect_within(gain: float, sd: float, alpha: float, cap: int) -> tuple[int, float]:
    """Foretell a proof by ``flips``: (pairs until its odds are even, odds of it within ``cap`` pairs).

    As ``prospect``, for a trial whose most pairs are declared. Where the odds within the cap are less than even, the pairs
    are those of one look with even odds, at least the cap, and stop at ``OUT_OF_REACH``. By simulation with fixed coins
    under normal noise: pairs agree with simulated trials within one or a tenth, odds within .05.

    Raises:
        ValueError: as ``prospect``.
    """
    _check_foretold(gain, sd)
    check_horizon(cap)
    shift = gain / sd if sd > 0 else math.inf
    if shift >= _SHIFTS[-1]:
        first = flips.pairs_floor(alpha, cap)
        return (first, 1.0) if first <= cap else (OUT_OF_REACH, 0.0)
    odds = _odds_within(shift, alpha, cap)
    pairs = next((pair for pair, share in enumerate(odds, 1) if share >= 0.5), 0)
    if not pairs:
        look = (normal().inv_cdf(1 - alpha) / shift) ** 2 if shift > 0 else math.inf
        pairs = min(OUT_OF_REACH, max(cap + 1, math.ceil(min(look, OUT_OF_REACH))))
    return pairs, odds[-1]


def _odds_within(shift: float, alpha: float, cap: int) -> list[float]:
    """Give the odds of proof within 1, 2, .. pairs, between the shifts that were simulated."""
    table = _power(alpha, cap)
    above = bisect_left(_SHIFTS, shift)
    if above == 0:
        return [share * shift / _SHIFTS[0] for share in table[0]]
    part = (shift - _SHIFTS[above - 1]) / (_SHIFTS[above] - _SHIFTS[above - 1])
    return [(1 - part) * low + part * high for low, high in zip(table[above - 1], table[above], strict=True)]


@lru_cache(maxsize=32)
def _power(alpha: float, cap: int) -> tuple[tuple[float, ...], ...]:
    """Simulate trials of each shift against the limits that flipped paths set, all with the same normal draws.

    Heights count in shares of the greatest that a trial's own sizes allow: there the limits of one trial are those of all.
    """
    import numpy as np

    rng = np.random.default_rng(cap)
    limits = np.array(_limits(alpha, cap))
    draws = rng.standard_normal((_TRIALS // 2, cap))  # ~ N(0, 1), each with its mirror image
    noise = np.vstack([draws, -draws])
    quantiles = _quantiles(cap)
    table = []
    for shift in _SHIFTS:
        differences = noise + shift
        sizes = np.abs(differences)
        ranks = np.array([(sizes[:, : t + 1] <= sizes[:, t, None]).sum(axis=1) for t in range(cap)]).T
        scores = quantiles[np.arange(cap), ranks - 1]
        heights = np.cumsum(np.sign(differences) * scores, axis=1) / np.cumsum(scores, axis=1)
        passed = np.maximum.accumulate(heights > limits, axis=1)
        table.append(tuple(passed.mean(axis=0).tolist()))
    return tuple(table)


def _limits(alpha: float, cap: int) -> list[float]:
    """Give the height above which a path leaves at each look of one trial, as a share of the greatest (``flips``: eq. 2).

    Its sizes come in an order without rhyme: the rank of pair t is the golden section's t-th multiple.
    """
    import numpy as np

    paths = min(max(_PATHS, math.ceil(20 / alpha)), _MOST_PATHS)
    pairs = np.arange(1, cap + 1)
    sizes = _quantiles(cap)[pairs - 1, np.floor(pairs * ((pairs * (math.sqrt(5) - 1) / 2) % 1)).astype(int)]
    coins = np.random.default_rng(0).choice((-1.0, 1.0), (paths, cap))
    heights = np.cumsum(coins * sizes, axis=1) / np.cumsum(sizes)
    there, found = np.arange(paths), []
    for look in range(cap):
        now = heights[there, look]
        may = math.floor(alpha * math.sqrt((look + 1) / cap) * paths) - (paths - len(there))
        if may <= 0 or alpha * math.sqrt((look + 1) / cap) < 2.0 ** -(look + 1):
            found.append(math.inf)
            continue
        found.append(min(float(np.partition(now, len(now) - may - 1)[len(now) - may - 1]), 1.0 - 1e-9))
        there = there[now <= found[-1]]
    return found


def _quantiles(cap: int) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    """Give ``(cap, cap)``: the size of a score by pair and rank, without ties (``signs``: eq. 1)."""
    import numpy as np

    table = np.zeros((cap, cap))
    for pair in range(1, cap + 1):
        table[pair - 1, :pair] = [normal().inv_cdf(0.5 + (rank - 0.5) / (2 * pair)) for rank in range(1, pair + 1)]
    return table


def _check_foretold(gain: float, sd: float) -> None:
    if not 0 < gain < math.inf:
        raise ValueError(f"gain must be positive and finite; got {gain}")
    if not 0 <= sd < math.inf:
        raise ValueError(f"sd must be zero or more and finite; got {sd}")
