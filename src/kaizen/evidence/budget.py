"""The error budget: what the next trial may risk."""


def alpha(spent: float, adoptions: int, *, limit: float = 0.10, share: float = 0.25) -> float:
    """Give the error the next trial may risk, with b = limit * (adoptions + 1), of which l = b - spent is left.

        alpha = share * l * (l / b)                                                                                  (1)

    ``spent`` sums every level charged so far; it never passes b, for alpha <= l, and b only grows. So the mean number of
    false adoptions is at most ``limit`` times one more than the mean of all adoptions; and if no idea is ever good, the
    chance that any is ever adopted is at most ``limit``. 0 when a tightened limit is overspent.

    A fixed share of what is left (1 without its last factor) dries up: after twenty failures it leaves the next trial
    less than any can prove. By (1) the level of trial t falls as 1 / (1 + share t)^2 only.

    >>> [round(alpha(spent, adoptions), 5) for spent, adoptions in ((0.0, 0), (0.025, 0), (0.025, 1))]
    [0.025, 0.01406, 0.03828]

    Raises:
        ValueError: ``spent`` or ``adoptions`` is negative, or ``limit`` or ``share`` is not above 0 and at most 1.

    References:
        Foster & Stine (2008), *Alpha-investing: a procedure for sequential control of expected false discoveries*,
        J. R. Statist. Soc. B 70: any rule that never spends more than it has; here charged in full when a trial opens.
    """
    if not spent >= 0:
        raise ValueError(f"spent must be zero or more; got {spent}")
    if adoptions < 0:
        raise ValueError(f"adoptions must be zero or more; got {adoptions}")
    for name, value in (("limit", limit), ("share", share)):
        if not 0 < value <= 1:
            raise ValueError(f"{name} must be above 0 and at most 1; got {value}")
    earned = limit * (adoptions + 1)
    left = max(0.0, earned - spent)
    return share * left * (left / earned)  # (1)
