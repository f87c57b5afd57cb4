"""The error budget: what the next trial may risk."""


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
