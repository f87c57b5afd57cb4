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
from collections.abc import Sequence

from kaizen.evidence.signs import BETS, WEIGHTS, signed_scores


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
