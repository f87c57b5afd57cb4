"""Which open trials share the next block: all a first one, then the most promising, by chance that stands in the record.

Any rule that looks only at what has been is fair to the judge: its proofs hold whatever pair is asked for next. This one
spends few pairs on what looks bad. Gains count in standard deviations of a pair's difference; of n pairs with mean m,

    true gain ~ N(m n / (n + 1), 1 / (n + 1))                             a prior N(0, 1), one pair's worth           (1)

The best fifth by (1) for what a pair of them spends, two at least, are kept. Each of them draws a gain from its (1); the
highest draw for its spend leads, and the second highest is tried beside it unless it draws a loss: a leader is told from
its rival. Both are compared with one run of the standard, three runs for two pairs; first blocks have up to four
increments, five runs for four pairs. What the increments of a block share makes their verdicts alike, and no verdict false more often: each has its
own fair coin against the standard, and each is charged its own α.

References:
    Russo (2020), *Simple Bayesian algorithms for best-arm identification*, Oper. Res. 68: top-two Thompson sampling.
"""

import hashlib
import math
from collections.abc import Sequence
from statistics import fmean

from kaizen.evidence.honest import spread
from kaizen.evidence.signs import normal
from kaizen.journal import UnderWay
from kaizen.metric import Metric
from kaizen.trial import gains

_KEPT = 0.2  # of the open trials, and
_RIVALS = 2  # at least
_TOGETHER = 4  # increments at most beside one run of the standard: the longer a block, the more drifts within it
_WILD = 4.0  # standard deviations: a fault counts so much, and nothing counts more


def next_block(open_: Sequence[UnderWay]) -> tuple[int, ...]:
    """Return the numbers of the trials that share the next block, of those that can take one; ``open_`` is not empty."""
    unseen = sorted(one.trial.id for one in open_ if not one.trial.blocks)
    if unseen:
        return tuple(unseen[:_TOGETHER])
    scatters = {metric: _scatter(metric, open_) for one in open_ for metric in one.trial.design.metrics}
    hopes = {one.trial.id: _hope(one, scatters) for one in open_}
    usual = fmean(_spend(one) for one in open_)
    spends = {one.trial.id: _spend(one) / usual for one in open_}
    most = max(_RIVALS, math.ceil(_KEPT * len(open_)))
    ranked = sorted(open_, key=lambda one: (-_per(hopes[one.trial.id], spends[one.trial.id]), one.trial.id))
    turn = sum(len(one.trial.blocks) for one in open_)
    worth = {one.trial.id: _per(hopes[one.trial.id] + _luck(one, turn), spends[one.trial.id]) for one in ranked[:most]}
    order = sorted(worth, key=lambda number: (-worth[number], number))
    return (order[0], *(number for number in order[1:_RIVALS] if worth[number] > 0))


def _scatter(metric: Metric, open_: Sequence[UnderWay]) -> float:
    """Return the standard deviation of a pair's difference in one metric, in units of gain; at first by all first pairs."""
    told = [gains(metric, one.trial.pairs) for one in open_ if metric in one.trial.design.metrics]
    first = sorted(abs(gain) for each in told for gain in each if math.isfinite(gain))
    return spread(told) or (first[len(first) // 2] if first else 0.0) or 1.0


def _hope(open_: UnderWay, scatters: dict[Metric, float]) -> float:
    """Return the mean of (1) in the metric that gains most, less what any metric loses beyond its margin."""
    made = []
    for metric in open_.trial.design.metrics:
        seen = [min(_WILD, max(-_WILD, gain / scatters[metric])) for gain in gains(metric, open_.trial.pairs)]
        mean = math.fsum(seen) / (len(seen) + 1)  # (1)
        made.append((mean, metric.as_loss(metric.margin) / scatters[metric]))
    return max(mean for mean, _ in made) + min(0.0, *(mean - lowest for mean, lowest in made))


def _luck(open_: UnderWay, turn: int) -> float:
    """Draw what (1) leaves open, from the trial's coins and the turn."""
    drawn = hashlib.blake2b(f"{open_.trial.design.coins}:{turn}:block".encode(), digest_size=6).digest()
    even = (int.from_bytes(drawn, "big") + 0.5) / 2.0**48
    # ~ N(0, 1 / (n + 1))
    return normal().inv_cdf(even) / math.sqrt(len(open_.trial.pairs) + 1)


def _spend(open_: UnderWay) -> float:
    """Return what a pair of a trial has spent: seconds where they are known, else runs."""
    made = max(1, len(open_.trial.pairs))
    return (open_.spend.seconds or open_.spend.runs or 1.0) / made


def _per(worth: float, spend: float) -> float:
    return worth / spend if worth > 0 else worth * spend
