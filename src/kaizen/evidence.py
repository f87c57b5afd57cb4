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
from itertools import groupby
from math import exp, log1p
from operator import itemgetter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from statistics import NormalDist

BETS: Final = tuple(0.15 * (8 / 0.15) ** (j / 11) for j in range(12))
"""How boldly each of twelve gamblers stakes: geometric, from .15 (effects hardly seen) to 8 (all but everything)."""

_TRUST: Final = tuple(bet / (1 + bet * bet) for bet in BETS)
WEIGHTS: Final = tuple(trust / sum(_TRUST) for trust in _TRUST)
"""The share of the money each gambler starts with: sums to 1, and favours effects near one standard deviation."""

OUT_OF_REACH: Final = 10_000
"""The most pairs that ``prospect`` foretells: read it as never."""

_LOG_WEIGHTS: Final = tuple(map(math.log, WEIGHTS))
_STEEP: Final = tuple(-2 * bet for bet in BETS)
_LOG_2: Final = math.log(2)
_SETTLED: Final = 32  # for ``prospect``: the pairs after which a rank is as good as a quantile,
_NODES: Final = 32  # and the points of its quadrature


# ── evidence ────────────────────────────────────────────────────────────────────────────────────────────────────────
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
    purses: Sequence[float] = _LOG_WEIGHTS
    path = []
    for pair, (sign, rank) in enumerate(_places(differences), 1):
        purses = [purse + win for purse, win in zip(purses, _log_wins(sign, rank, pair), strict=True)]
        path.append(_log_sum(purses))
    return tuple(path)


def _log_path_by_definition(differences: Sequence[float]) -> tuple[float, ...]:
    """Write (1) and (2) down as they stand: the slow twin of ``log_path``, which the tests hold against it."""
    scores: list[float] = []
    path = []
    for pair, difference in enumerate(differences, 1):
        sizes = [abs(other) for other in differences[:pair]]
        rank = sum(size < abs(difference) for size in sizes) + (sum(size == abs(difference) for size in sizes) + 1) / 2
        sign = (difference > 0) - (difference < 0)
        scores.append(sign * _normal().inv_cdf(1 / 2 + (rank - 1 / 2) / (2 * pair)))  # (1)
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
    _check_numbers("difference", differences)
    signs = [(difference > 0) - (difference < 0) for difference in differences]
    return list(zip(signs, _twice_ranks(map(abs, differences)), strict=True))


def _twice_ranks(sizes: Iterable[float]) -> Iterator[int]:
    """Yield twice the mid-rank of each size among those so far: an integer, by which scores can be looked up."""
    past: list[float] = []
    for size in sizes:
        below, above = bisect_left(past, size), bisect_right(past, size)
        past.insert(above, size)
        yield below + above + 2  # R = below + (ties, itself included, + 1) / 2


@lru_cache(maxsize=1 << 14)
def _score(sign: int, twice_rank: int, pair: int) -> float:
    """Give psi_t (1). The sign comes last, so that scores are odd to the last bit."""
    return sign * _normal().inv_cdf(0.5 + (twice_rank - 1) / (4 * pair)) if sign else 0.0


@lru_cache(maxsize=1 << 14)
def _log_wins(sign: int, twice_rank: int, pair: int) -> tuple[float, ...]:
    """Give what one pair adds to each gambler's log money."""
    return _log_factors(_score(sign, twice_rank, pair))


def _log_factors(score: float) -> tuple[float, ...]:
    """Give log(1 + tanh(bet * score)) for each bet, as ``log 2 - log1p(exp(-2 x))``, which never cancels."""
    return tuple([_LOG_2 - log1p(exp(steep * score)) for steep in _STEEP])


def _log_sum(logs: Sequence[float]) -> float:
    """Give log(sum(exp(logs))) without overflow; infinities are welcome."""
    top = max(logs)
    return top if math.isinf(top) else top + math.log(sum([exp(log - top) for log in logs]))


@cache
def _normal() -> "NormalDist":
    """Give the standard normal law. ``statistics`` is imported late: it takes longer to load than all of this."""
    from statistics import NormalDist

    return NormalDist()


# ── the gain ────────────────────────────────────────────────────────────────────────────────────────────────────────
def typical(differences: Sequence[float]) -> float:
    """Give the typical gain, in the unit of the differences: the median of the means of any two, or one twice.

    Up to 29 % of wild differences move it little. The mean of plus and minus infinity is unknown and left out; where
    only the two infinities meet in the middle, the answer is zero.

    Raises:
        ValueError: there are no differences, or one is NaN.

    References:
        Hodges & Lehmann (1963), *Estimates of location based on rank tests*, Ann. Math. Statist. 34.
    """
    _check_numbers("difference", differences)
    if not differences:
        raise ValueError("differences must be at least one; got none")
    means = [_middle(one, other) for i, one in enumerate(differences) for other in differences[i:]]
    means = sorted(mean for mean in means if not math.isnan(mean))
    middle = _middle(means[(len(means) - 1) // 2], means[len(means) // 2])
    return 0.0 if math.isnan(middle) else middle


def confidence_interval(differences: Sequence[float], alpha: float) -> tuple[float, float]:
    """Give the ends of the gains not contradicted, in the unit of the differences; infinite while pairs are too few.

    The truth is inside at all looks with chance ``1 - alpha``. A gain m is contradicted when even bets on both sides of
    d - m have paid ``1 / alpha``. Gains left may have holes between them, and under drift none may be left: the ends
    enclose them all and the typical gain, which can only widen them. O(n²): 5 ms for 40 pairs, half a second for 200.

    Raises:
        ValueError: ``alpha`` is not between 0 and 1, or a difference is NaN.

    References:
        Howard, Ramdas, McAuliffe & Sekhon (2021), *Time-uniform, nonparametric, nonasymptotic confidence sequences*,
        Ann. Statist. 49: the gains that a family of tests has not rejected. Equation 2 for the tests.
    """
    _check_alpha(alpha)
    if not differences:
        return -math.inf, math.inf
    centre = typical(differences)
    proof = math.log(2 / alpha)  # (E+ + E-) / 2 >= 1 / alpha
    lowest = _lowest(differences, proof)
    highest = 0.0 - _lowest([-difference for difference in differences], proof)
    return min(lowest, centre), max(highest, centre)


def _lowest(differences: Sequence[float], proof: float) -> float:
    """Give the lowest gain not contradicted: walk up from minus infinity, past each place where a rank or sign changes.

    Evidence against m is not monotone in m, and a bisection could stop at a hole. The walk is exact; a step moves one
    score.
    """
    ranks = list(_twice_ranks(math.inf if math.isinf(d) else d for d in differences))  # |d - m| orders like d far below
    signs = [-1 if d == -math.inf else 1 for d in differences]
    purses = _purses(signs, ranks)
    if not _contradicts(purses, signs, ranks, proof):
        return -math.inf
    gain: float
    for gain, turns in groupby(_turns(differences), key=itemgetter(0)):
        moves = list(turns)
        for _ in ("at the gain", "just above it"):
            for _, pair, turn, climb in moves:
                lost = _log_wins(signs[pair], ranks[pair], pair + 1)
                signs[pair] -= turn
                ranks[pair] += climb
                won = _log_wins(signs[pair], ranks[pair], pair + 1)
                purses = [purse + new - old for purse, new, old in zip(purses, won, lost, strict=True)]
            if not _contradicts(purses, signs, ranks, proof):
                return gain
    return math.inf


def _turns(differences: Sequence[float]) -> list[tuple[float, int, int, int]]:
    """List (gain, pair, turn, climb) by gain: half of the change of a pair's sign and doubled rank there.

    The other half comes just above. A pair's sign turns at its own difference; its size passes that of an earlier pair
    half-way between the two. Infinite differences never turn and are never passed.
    """
    turns = []
    for pair, here in enumerate(differences):
        if math.isfinite(here):
            turns.append((here, pair, 1, 0))
            others = [there for there in differences[:pair] if math.isfinite(there) and there != here]
            turns.extend((_middle(here, there), pair, 0, 1 if here < there else -1) for there in others)
    return sorted(turns)


def _purses(signs: Sequence[int], ranks: Sequence[int]) -> list[float]:
    """Give each gambler's log money after all the pairs."""
    wins = [_log_wins(sign, rank, pair) for pair, (sign, rank) in enumerate(zip(signs, ranks, strict=True), 1)]
    return [math.fsum(column) for column in zip(_LOG_WEIGHTS, *wins, strict=True)]


def _contradicts(purses: Sequence[float], signs: Sequence[int], ranks: Sequence[int], proof: float) -> bool:
    """Say whether both sides' money reaches ``proof``; ``purses`` is one side, the other is counted if it matters."""
    if max(purses) >= proof or _log_sum(purses) >= proof:
        return True
    return _log_sum([*purses, *_purses([-sign for sign in signs], ranks)]) >= proof


def _middle(one: float, other: float) -> float:
    """Give the mean of two numbers without overflow; NaN for two opposite infinities."""
    return one if one == other else one / 2 + other / 2


# ── the verdict's arithmetic ────────────────────────────────────────────────────────────────────────────────────────
def composite(margins: Sequence[float], gains: Sequence[float]) -> float:
    """Give the log evidence that no metric lost its margin *and* one gained: min(all margins, mean of the gains).

    Both are log evidence per metric: ``margins`` that it lost less than its margin, ``gains`` that it gained. Plus or
    minus infinity is an exact metric, proven or refuted. However many metrics there are, no correction is due.

    Raises:
        ValueError: there are no gains, or a value is NaN.

    References:
        Berger (1982), *Multiparameter hypothesis testing and acceptance sampling*, Technometrics 24: a union falls when
        each part does. Vovk & Wang (2021), *E-values*, Ann. Statist. 49: the mean of e-values is one.
    """
    _check_numbers("log evidence", [*margins, *gains])
    if not gains:
        raise ValueError("gains must be at least one; got none")
    return min(*margins, _log_sum(gains) - math.log(len(gains)), math.inf)


def conditional_power(scores: Sequence[float], horizon: int) -> float:
    """Give the hopeful odds, 0 to 1, that a trial with these signed scores is still proven within ``horizon`` pairs.

    Hopeful: the drift so far plus half its standard error is taken for the truth. 1 before the first pair; 0 or 1 from
    the horizon on. Giving up at low odds can only lower the chance of a false adoption.

    Raises:
        ValueError: ``horizon`` is less than 1.

    References:
        Lan & Wittes (1988), *The B-value*, Biometrics 44: power under a drift; the goal here is 2 sqrt(horizon).
    """
    _check_horizon(horizon)
    looks, left = len(scores), horizon - len(scores)
    if not looks:
        return 1.0
    total = math.fsum(scores)
    if left <= 0:
        return float(total >= 2 * math.sqrt(looks))
    drift = total / looks + 0.5 / math.sqrt(looks)
    return _normal().cdf((total + left * drift - 2 * math.sqrt(horizon)) / math.sqrt(left))


def alpha(spent: float, adoptions: int, *, limit: float = 0.10, share: float = 0.25) -> float:
    """Give the error the next trial may risk: a share of what ``limit * (adoptions + 1)`` leaves.

    ``spent`` sums every level charged so far. With b = limit * (adoptions + 1) it never passes b: if s <= b before,
    then s + share * (b - s) <= b after, and b only grows. So the mean number of false adoptions is at most ``limit``
    times one more than the mean of all adoptions; and if no idea is ever good, the chance that any is ever adopted is
    at most ``limit``. 0 when a tightened limit is overspent.

    >>> [round(alpha(spent, adoptions), 5) for spent, adoptions in ((0.0, 0), (0.025, 0), (0.025, 1))]
    [0.025, 0.01875, 0.04375]

    Raises:
        ValueError: ``spent`` or ``adoptions`` is negative, or ``limit`` or ``share`` is not above 0 and at most 1.

    References:
        Foster & Stine (2008), *Alpha-investing: a procedure for sequential control of expected false discoveries*,
        J. R. Statist. Soc. B 70; here in the plain form of a level charged in full when its trial opens.
    """
    if not spent >= 0:
        raise ValueError(f"spent must be zero or more; got {spent}")
    if adoptions < 0:
        raise ValueError(f"adoptions must be zero or more; got {adoptions}")
    for name, value in (("limit", limit), ("share", share)):
        if not 0 < value <= 1:
            raise ValueError(f"{name} must be above 0 and at most 1; got {value}")
    return max(0.0, share * (limit * (adoptions + 1) - spent))


# ── the price of proof ──────────────────────────────────────────────────────────────────────────────────────────────
def pairs_floor(alpha: float) -> int:
    """Give the fewest pairs that can prove anything at ``alpha``: all of them better, each by more than the last.

    (2) rises with every score, and no score is above that of a difference larger than all before it (R_t = t): so n
    growing gains say the most that n pairs can. At least log2(1 / alpha), for a pair at most doubles the money.

    Raises:
        ValueError: ``alpha`` is not between 0 and 1.
    """
    _check_alpha(alpha)
    return _pairs_to_win(alpha, growing=True)


def _pairs_to_win(alpha: float, *, growing: bool) -> int:
    """Count the pairs to proof when all are better, each by more than the last (``growing``) or all by the same."""
    purses, pair = list(_LOG_WEIGHTS), 0
    while _log_sum(purses) < -math.log(alpha):
        pair += 1
        wins = _log_wins(1, 2 * pair if growing else pair + 1, pair)
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
    _check_horizon(horizon)
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
    logs = [weight + mean for weight, mean in zip(_LOG_WEIGHTS, means, strict=True)]
    spreads = [math.sqrt(noise + later * fresh) for (_, noise), (_, fresh) in zip(known, table[-1], strict=True)]
    mean, level = _log_sum(logs), -math.log(alpha)
    sd = sum(exp(log - mean) * spread for log, spread in zip(logs, spreads, strict=True))  # by who holds the money
    if sd == 0:
        return float(mean >= level)
    cdf = _normal().cdf
    fell_back = exp(min(2 * mean * level / sd**2, 700)) * cdf(-(level + mean) / sd)  # reached the level, then left it
    return min(1.0, cdf((mean - level) / sd) + fell_back)


@lru_cache(maxsize=256)
def _growth(shift: float) -> tuple[tuple[tuple[float, float], ...], ...]:
    """Give mean and variance of each gambler's log winnings after 1, 2, .. pairs; then, last, of one pair more.

    By quadrature over equally likely normal differences of mean ``shift`` and sd 1. A rank is replaced by its mean
    given the difference: itself, and its quantile among sizes for each pair before.
    """
    cdf, quantile = _normal().cdf, _normal().inv_cdf
    nodes = [shift + quantile((node + 0.5) / _NODES) for node in range(_NODES)]
    below = [cdf(abs(node) - shift) - cdf(-abs(node) - shift) for node in nodes]
    sums, step, table = [(0.0, 0.0)] * len(BETS), [(0.0, 0.0)] * len(BETS), []
    for pair in range(1, _SETTLED + 1):
        places = [0.5 + ((pair - 1) * size + 0.5) / (2 * pair) for size in below]  # (1)
        wins = [_log_factors(math.copysign(quantile(place), node)) for node, place in zip(nodes, places, strict=True)]
        means = [math.fsum(column) / _NODES for column in zip(*wins, strict=True)]
        squares = [math.fsum([win * win for win in column]) / _NODES for column in zip(*wins, strict=True)]
        step = [(mean, max(0.0, square - mean * mean)) for mean, square in zip(means, squares, strict=True)]
        sums = [(total + mean, noise + fresh) for (total, noise), (mean, fresh) in zip(sums, step, strict=True)]
        table.append(tuple(sums))
    return (*table, tuple(step))


# ── at the door ─────────────────────────────────────────────────────────────────────────────────────────────────────
def _check_alpha(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be between 0 and 1; got {alpha}")


def _check_horizon(horizon: int) -> None:
    if horizon < 1:
        raise ValueError(f"horizon must be at least 1; got {horizon}")


def _check_numbers(name: str, values: Sequence[float]) -> None:
    if any(math.isnan(value) for value in values):
        raise ValueError(f"{name} must be a number or an infinity; got nan")
