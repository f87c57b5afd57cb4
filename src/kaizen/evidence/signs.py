"""Weigh paired differences by betting on the coin that ordered each pair.

A difference says how much better the new way did than the standard in one pair: positive is better. When the change
does nothing, the sign of a difference *is* the coin that the trial threw, whatever the noise, the drift or the day. So
Kaizen bets on the signs, stakes what the sizes suggest, and reads the money as evidence: against a fair coin, the
chance of ever multiplying it by ``1 / alpha`` is at most ``alpha``, however often one looks (Ville 1939). The stake at
pair t depends on the sizes up to t only:

    psi_t = sign(d_t) * quantile(1/2 + (R_t - 1/2) / (2 t))      R_t: mid-rank of |d_t| among |d_1| .. |d_t|        (1)
    E_n   = sum_j WEIGHTS[j] * product_{t <= n} (1 + tanh(BETS[j] * psi_t))                                         (2)

What is tested: given the past, d_t is stochastically no larger than something symmetric about zero. (1) is odd and
rises with d_t, hence no factor of (2) gains on average: E_n is a test supermartingale. A change that is usually a
little better and rarely awful is *not* symmetric, and signs cannot see it: guards and listeners must.

All evidence is in natural logarithms; everything here is arithmetic on values.

References:
    Ville (1939), *Étude critique de la notion de collectif*, ch. V: the bound on the chance of ever reaching 1 / alpha.
    Reynolds (1975), *A sequential signed-rank test for symmetry*, Ann. Statist. 3: sequential ranks, as in (1).
    Ramdas, Ruf, Larsson & Koolen (2020), *Admissible anytime-valid sequential inference must rely on nonnegative
    martingales*, arXiv:2009.03167: bets on the sign of what is symmetric, as in (2).
    Vovk & Wang (2024), *Nonparametric e-tests of symmetry*, arXiv:2208.08925: e-values from signs and signed ranks.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from math import exp, log1p
from typing import TYPE_CHECKING, Final

from kaizen.evidence.door import check_numbers

if TYPE_CHECKING:
    from statistics import NormalDist

BETS: Final = tuple(0.15 * (8 / 0.15) ** (j / 11) for j in range(12))
"""How boldly each of twelve gamblers stakes: geometric, from .15 (effects hardly seen) to 8 (all but everything)."""

_TRUST: Final = tuple(bet / (1 + bet * bet) for bet in BETS)
WEIGHTS: Final = tuple(trust / sum(_TRUST) for trust in _TRUST)
"""The share of the money each gambler starts with: sums to 1, and favours effects near one standard deviation."""

LOG_WEIGHTS: Final = tuple(map(math.log, WEIGHTS))
_STEEP: Final = tuple(-2 * bet for bet in BETS)
_LOG_2: Final = math.log(2)


def signed_scores(differences: Sequence[float]) -> tuple[float, ...]:
    """Score each difference: its sign, times a normal quantile for how large it is among those so far (1).

    Zero scores zero; ties share their mid-rank; both infinities are the largest size, and tie. No score changes when
    more differences come, nor when all are multiplied by one positive number.

    Raises:
        ValueError: a difference is NaN. A lost run is given its worst value, never left out.

    References:
        Equation 1: Reynolds (1975) for sequential ranks, Vovk & Wang (2024) for e-values on them.
    """
    return tuple(_score(sign, rank, pair) for pair, (sign, rank) in enumerate(_places(differences), 1))


def log_path(differences: Sequence[float]) -> tuple[float, ...]:
    """Give, after each pair, the log evidence that the new way is typically better; ``-log(alpha)`` is proof.

    One value per difference, in O(log n) comparisons each: whoever looks after every pair reads the last.

    Raises:
        ValueError: a difference is NaN.

    References:
        Equation 2: Ramdas et al. (2020) for the bets, Ville (1939) for the right to look at every pair.
    """
    purses: Sequence[float] = LOG_WEIGHTS
    path = []
    for pair, (sign, rank) in enumerate(_places(differences), 1):
        purses = [purse + win for purse, win in zip(purses, log_wins(sign, rank, pair), strict=True)]
        path.append(log_sum(purses))
    return tuple(path)


def _log_path_by_definition(differences: Sequence[float]) -> tuple[float, ...]:
    """Write (1) and (2) down as they stand: the slow twin of ``log_path``, which the tests hold against it."""
    scores: list[float] = []
    path = []
    for pair, difference in enumerate(differences, 1):
        sizes = [abs(other) for other in differences[:pair]]
        rank = sum(size < abs(difference) for size in sizes) + (sum(size == abs(difference) for size in sizes) + 1) / 2
        sign = (difference > 0) - (difference < 0)
        scores.append(sign * normal().inv_cdf(1 / 2 + (rank - 1 / 2) / (2 * pair)))  # (1)
        factors = [[1 + math.tanh(bet * score) for score in scores] for bet in BETS]
        path.append(math.log(sum(weight * math.prod(row) for weight, row in zip(WEIGHTS, factors, strict=True))))  # (2)
    return tuple(path)


def log_evidence(differences: Sequence[float]) -> float:
    """Give the log evidence (2) that the new way is typically better after all the pairs; 0 when there are none.

    Raises:
        ValueError: a difference is NaN.
    """
    return (log_path(differences) or (0.0,))[-1]


def _places(differences: Sequence[float]) -> list[tuple[int, int]]:
    """List the sign of each difference, and twice its rank by size."""
    check_numbers("difference", differences)
    signs = [(difference > 0) - (difference < 0) for difference in differences]
    return list(zip(signs, twice_ranks(map(abs, differences)), strict=True))


def twice_ranks(sizes: Iterable[float]) -> Iterator[int]:
    """Yield twice the mid-rank of each size among those so far: an integer, by which scores can be looked up."""
    past: list[float] = []
    for size in sizes:
        below, above = bisect_left(past, size), bisect_right(past, size)
        past.insert(above, size)
        yield below + above + 2  # R = below + (ties, itself included, + 1) / 2


@lru_cache(maxsize=1 << 14)
def _score(sign: int, twice_rank: int, pair: int) -> float:
    """Give psi_t (1). The sign comes last, so that scores are odd to the last bit."""
    return sign * normal().inv_cdf(0.5 + (twice_rank - 1) / (4 * pair)) if sign else 0.0


@lru_cache(maxsize=1 << 14)
def log_wins(sign: int, twice_rank: int, pair: int) -> tuple[float, ...]:
    """Give what one pair adds to each gambler's log money."""
    return log_factors(_score(sign, twice_rank, pair))


def log_factors(score: float) -> tuple[float, ...]:
    """Give log(1 + tanh(bet * score)) for each bet, as ``log 2 - log1p(exp(-2 x))``, which never cancels."""
    return tuple([_LOG_2 - log1p(exp(steep * score)) for steep in _STEEP])


def log_sum(logs: Sequence[float]) -> float:
    """Give log(sum(exp(logs))) without overflow; infinities are welcome."""
    top = max(logs)
    return top if math.isinf(top) else top + math.log(sum([exp(log - top) for log in logs]))


@cache
def normal() -> "NormalDist":
    """Give the standard normal law. ``statistics`` is imported late: it takes longer to load than all of this."""
    from statistics import NormalDist

    return NormalDist()
