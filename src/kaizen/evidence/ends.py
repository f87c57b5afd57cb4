"""When a trial ends: evidence of several metrics together, and the odds that going on is worth it."""

import math
from collections.abc import Sequence

from kaizen.evidence.door import check_horizon, check_numbers
from kaizen.evidence.signs import log_sum, normal


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
    check_numbers("log evidence", [*margins, *gains])
    if not gains:
        raise ValueError("gains must be at least one; got none")
    return min(*margins, log_sum(gains) - math.log(len(gains)), math.inf)


def conditional_power(scores: Sequence[float], horizon: int, *, goal: float = 2.0) -> float:
    """Give the hopeful odds, 0 to 1, that a trial with these signed scores is still proven within ``horizon`` pairs.

    Hopeful: the drift so far plus half its standard error is taken for the truth. 1 before the first pair; 0 or 1 from
    the horizon on. ``goal`` is the sum of scores that a proof takes there, in √horizon. Giving up at low odds can only
    lower the chance of a false adoption.

    Raises:
        ValueError: ``horizon`` is less than 1.

    References:
        Lan & Wittes (1988), *The B-value*, Biometrics 44: power under a drift; the goal here is ``goal`` sqrt(horizon).
    """
    check_horizon(horizon)
    looks, left = len(scores), horizon - len(scores)
    if not looks:
        return 1.0
    total = math.fsum(scores)
    if left <= 0:
        return float(total >= goal * math.sqrt(looks))
    drift = total / looks + 0.5 / math.sqrt(looks)
    return normal().cdf((total + left * drift - goal * math.sqrt(horizon)) / math.sqrt(left))
