"""CHECK: the port to whatever judges trials, and the parts of a verdict that are not statistics."""

from typing import Protocol

from kaizen.metric import Guard
from kaizen.process import Process
from kaizen.trial import Design, Reading, Trial
from kaizen.verdict import Prospect, Verdict


class Judge(Protocol):
    """Judges trials from their pairs alone: the same trial gets the same verdict for ever."""

    @property
    def method(self) -> str:
        """Name and version."""
        ...

    def check(self, trial: Trial, *, intervals: bool = True) -> Verdict:
        """Judge the complete pairs of a trial; ``settled`` says whether it ends here.

        Without ``intervals`` an open trial's effects need no ends: the wheel looks after every pair.
        """
        ...

    def prospect(self, design: Design, *, gain: float, sd: float) -> Prospect:
        """Tell what proof of a gain takes; ``gain`` and ``sd`` (of one pair's difference) in the metric's units of gain."""
        ...


def design(process: Process, *, alpha: float, coins: int, method: str) -> Design:
    """Freeze how a trial of this process will be judged; exact metrics alone take one pair and no α."""
    exact = process.exact
    return Design(
        metrics=process.metrics,
        guards=process.guards,
        alpha=0.0 if exact else alpha,
        pairs=1 if exact else process.policy.pairs,
        coins=coins,
        method=method,
    )


def guard_broken(trial: Trial) -> Guard | None:
    """Return a guard that the increment has broken in a pair whose standard kept it."""
    for pair in trial.pairs:
        if not isinstance(pair.increment, Reading):
            continue
        for guard in trial.design.guards:
            kept = not isinstance(pair.standard, Reading) or not guard.broken_by(pair.standard.values[guard.metric])
            if kept and guard.broken_by(pair.increment.values[guard.metric]):
                return guard
    return None
