"""How large a gain is: its typical size, and the gains that pairs have not contradicted."""

import math
from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

from kaizen.evidence.door import check_alpha, check_numbers
from kaizen.evidence.signs import LOG_WEIGHTS, log_sum, log_wins, twice_ranks


def typical(differences: Sequence[float]) -> float:
    """Give the typical gain, in the unit of the differences: the median of the means of any two, or one twice.

    Up to 29 % of wild differences move it little. The mean of plus and minus infinity is unknown and left out; where
    only the two infinities meet in the middle, the answer is zero.

    Raises:
        ValueError: there are no differences, or one is NaN.

    References:
        Hodges & Lehmann (1963), *Estimates of location based on rank tests*, Ann. Math. Statist. 34.
    """
    check_numbers("difference", differences)
    if not differences:
        raise ValueError("differences must be at least one; got none")
    means = [middle(one, other) for i, one in enumerate(differences) for other in differences[i:]]
    means = sorted(mean for mean in means if not math.isnan(mean))
    centre = middle(means[(len(means) - 1) // 2], means[len(means) // 2])
    return 0.0 if math.isnan(centre) else centre


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
    check_alpha(alpha)
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
    ranks = list(twice_ranks(math.inf if math.isinf(d) else d for d in differences))  # |d - m| orders like d far below
    signs = [-1 if d == -math.inf else 1 for d in differences]
    purses = _purses(signs, ranks)
    if not _contradicts(purses, signs, ranks, proof):
        return -math.inf
    gain: float
    for gain, turns in groupby(_turns(differences), key=itemgetter(0)):
        moves = list(turns)
        for _ in ("at the gain", "just above it"):
            for _, pair, turn, climb in moves:
                lost = log_wins(signs[pair], ranks[pair], pair + 1)
                signs[pair] -= turn
                ranks[pair] += climb
                won = log_wins(signs[pair], ranks[pair], pair + 1)
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
            turns.extend((middle(here, there), pair, 0, 1 if here < there else -1) for there in others)
    return sorted(turns)


def _purses(signs: Sequence[int], ranks: Sequence[int]) -> list[float]:
    """Give each gambler's log money after all the pairs."""
    wins = [log_wins(sign, rank, pair) for pair, (sign, rank) in enumerate(zip(signs, ranks, strict=True), 1)]
    return [math.fsum(column) for column in zip(LOG_WEIGHTS, *wins, strict=True)]


def _contradicts(purses: Sequence[float], signs: Sequence[int], ranks: Sequence[int], proof: float) -> bool:
    """Say whether both sides' money reaches ``proof``; ``purses`` is one side, the other is counted if it matters."""
    if max(purses) >= proof or log_sum(purses) >= proof:
        return True
    return log_sum([*purses, *_purses([-sign for sign in signs], ranks)]) >= proof


def middle(one: float, other: float) -> float:
    """Give the mean of two numbers without overflow; NaN for two opposite infinities."""
    return one if one == other else one / 2 + other / 2
