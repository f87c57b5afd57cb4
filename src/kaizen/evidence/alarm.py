"""Watch a standard after its adoption: an alarm when the new way has become worse than the one before it.

Fresh pairs of the new standard and the one before are scored as in a trial (``signs``), turned so that a *loss* is
positive, and counted from what is tolerated. A change for the worse may come at any pair, so bets begin anew at each:

    M_j <- (1 + M_j) (1 + tanh(BETS[j] * psi_t)),   alarm when sum_j WEIGHTS[j] * M_j >= pairs                       (1)

While the new way is no worse, M_j - t is a supermartingale; so the alarm comes, on average, no sooner than after
``pairs`` pairs, whatever the noise and the drift, since every pair's order is a coin's.

References:
    Shin, Ramdas & Rinaldo (2024), *E-detectors*, New England J. Statist. Data Sci.: sums of e-processes begun at every
    time (Shiryaev-Roberts), and the bound on the mean time to a false alarm.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from kaizen.evidence.door import check_numbers
from kaizen.evidence.signs import BETS, LOG_WEIGHTS, WEIGHTS, log_factors, log_sum, normal, signed_scores


def log_alarm_path(losses: Sequence[float]) -> tuple[float, ...]:
    """Give, after each pair, ln of (1); an alarm at ``log(pairs)`` comes no sooner than ``pairs`` pairs on average.

    ``losses`` are how much worse the new way did in each pair, less what is tolerated.

    Raises:
        ValueError: a loss is NaN.

    References:
        Equation 1.
    """
    sums = [0.0] * len(BETS)
    path = []
    for score in signed_scores(losses):
        sums = [(1.0 + total) * (1.0 + math.tanh(bet * score)) for total, bet in zip(sums, BETS, strict=True)]
        path.append(math.log(max(math.fsum(w * total for w, total in zip(WEIGHTS, sums, strict=True)), 1e-300)))
    return tuple(path)


def fallen_since(losses: Sequence[float]) -> int:
    """Return the place of the pair at which the loss most likely began: where bets begun there have won most.

    Raises:
        ValueError: there are no losses, or one is NaN.

    References:
        Equation 1: its largest term.
    """
    if not losses:
        raise ValueError("losses must be at least one; got none")
    won, best, since = list(LOG_WEIGHTS), -math.inf, 0
    for place, score in reversed(list(enumerate(signed_scores(losses)))):
        won = [total + factor for total, factor in zip(won, log_factors(score), strict=True)]
        if (money := log_sum(won)) > best:
            best, since = money, place
    return since


def _log_alarm_by_definition(losses: Sequence[float]) -> float:
    """Sum the e-processes begun at every pair: the slow twin of ``log_alarm_path``, which the tests hold against it."""
    scores = signed_scores(losses)
    begun = [
        sum(
            w * math.prod(1 + math.tanh(bet * score) for score in scores[start:])
            for w, bet in zip(WEIGHTS, BETS, strict=True)
        )
        for start in range(len(scores))
    ]
    return math.log(max(sum(begun), 1e-300))


def log_drift_path(readings: Sequence[float], known: int) -> tuple[float, ...]:
    """Give, after each reading behind the first ``known``, ln of an alarm that the level has risen; turn what may fall.

    Without drift readings come in any order, so the rank of each among those so far is uniform whatever their law, and

        u_t = quantile((R_t - 1/2) / t)   R_t: mid-rank of x_t among x_1 .. x_t                                      (2)

    is as often above as below zero: bets on it as in (1), begun behind the known ones, gain nothing.

    Raises:
        ValueError: a reading is NaN, or ``known`` is negative.

    References:
        Equation 1, on sequential ranks (Reynolds 1975).
    """
    check_numbers("reading", readings)
    if known < 0:
        raise ValueError(f"known must be zero or more; got {known}")
    past: list[float] = []
    sums, path = [0.0] * len(BETS), []
    for turn, reading in enumerate(readings, 1):
        below, above = bisect_left(past, reading), bisect_right(past, reading)
        past.insert(above, reading)
        if turn > known:
            score = normal().inv_cdf((below + above + 1) / 2 / turn)  # (2)
            sums = [(1.0 + total) * (1.0 + math.tanh(bet * score)) for total, bet in zip(sums, BETS, strict=True)]
            path.append(math.log(max(math.fsum(w * total for w, total in zip(WEIGHTS, sums, strict=True)), 1e-300)))
    return tuple(path)
