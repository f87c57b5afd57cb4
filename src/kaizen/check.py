"""CHECK: the port to whatever judges trials, and the parts of a verdict that are not statistics."""

import math
from collections.abc import Sequence
from typing import Protocol

from kaizen import evidence
from kaizen.evidence import flips, honest
from kaizen.metric import Guard
from kaizen.process import Policy, Process
from kaizen.setting import Numbers
from kaizen.trial import Design, Reading, Trial, gains
from kaizen.verdict import Prospect, Verdict


class Judge(Protocol):
    """Judges trials from their pairs alone: the same trial gets the same verdict for ever."""

    def method_for(self, process: Process) -> str:
        """Name how a trial of the process would be judged, with its version: it is frozen in the design."""
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
        estimand=process.policy.estimand,
        method=method,
    )


def fewest(policy: Policy, alpha: float) -> int:
    """Return the fewest pairs that can prove anything at ``alpha`` under a policy."""
    if policy.estimand == "mean":
        return math.ceil(math.log2(1 / alpha)) + 2  # none more than doubles the money
    one_way = alpha / 2 if policy.both_ways else alpha
    return evidence.pairs_floor(alpha) if policy.pairs is None else flips.pairs_floor(one_way, policy.pairs)


def promised(chosen: Trial, others: Sequence[Trial]) -> Numbers:
    """Foretell what the increment of a chosen trial will deliver, by metric in units of gain (see ``evidence.honest``).

    ``others`` are the other trials of the process, the failed ones above all; the raw gain of the chosen is too good.
    """
    made = {}
    for metric in chosen.design.metrics:
        own = gains(metric, chosen.pairs)
        if metric.exact:
            known = next((gain for gain in own if math.isfinite(gain)), None)
            if known is not None:
                made[metric.name] = known
            continue
        told = [trial for trial in others if any(one == metric for one in trial.design.metrics)]
        found = honest.promise(own, [gains(metric, trial.pairs) for trial in told])
        if found is not None:
            made[metric.name] = min(found.gain, evidence.typical(own))  # never more than its pairs showed
    return Numbers(made)


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
