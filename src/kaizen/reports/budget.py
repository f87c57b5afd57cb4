"""What is left of the error budget, and what that means for the next trial."""

import msgspec

from kaizen.check import fewest
from kaizen.cycle import next_alpha, unprovable
from kaizen.journal import Head


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """The error budget of one process as it stands; a process whose metrics are all exact has none."""

    left: float
    """Of ``limit``."""
    limit: float
    """The sum of α that its adoptions so far allow."""
    alpha: float
    """What the next trial is judged at."""
    pairs: int | None
    """The fewest pairs that the next trial may prove with; ``None`` where no trial can be opened."""
    shut: str = ""
    """Why no trial can be opened; empty where one can."""

    def __str__(self) -> str:
        """Return ``7.5 % of 10 % left; the next trial is judged at α = 1.9 % and needs at least 8 pairs``."""
        if self.pairs is None:
            return f"{self.share}; no trial can be opened: {self.shut}"
        pairs = f"{self.pairs} pair{'' if self.pairs == 1 else 's'}"
        return (
            f"{self.share}; the next trial is judged at α = {percent(self.alpha, digits=2)} and needs at least {pairs}"
        )

    @property
    def share(self) -> str:
        """What is left, in words: ``7.5 % of 10 % left``."""
        return f"{percent(self.left)} of {percent(self.limit)} left"


def budget_of(head: Head) -> Budget | None:
    """Return what is left of a process's error budget; ``None`` where all metrics are exact: nothing is charged there."""
    if head.process.exact:
        return None
    policy, alpha, shut = head.process.policy, next_alpha(head), unprovable(head)
    limit = policy.false_adoptions * (head.counts.adopted + 1)
    return Budget(
        left=max(0.0, limit - head.charged), limit=limit, alpha=alpha,
        pairs=None if shut else fewest(policy, alpha), shut=shut,
    )  # fmt: skip


def percent(share: float, *, digits: int = 3) -> str:
    """Say a share: ``7.5 %``."""
    return f"{100 * share:.{digits}g} %"
