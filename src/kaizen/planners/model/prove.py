"""When a trial is worth its runs: what it would deliver, run for run, beside what scouting on would.

A trial of c runs delivers its gain v with its odds. After n runs since the last standard, what has been gained a run is
odds · v / (n + c), if it is opened now. It is opened once one more scout is expected to add less than that (Charnov
1976, the marginal value theorem): before, scouting on raises what is gained a run.

    KG ≤ odds · v / (n + c)                                                                                     (eq. 1)

A model that has seen little is too sure that little is left. So a trial also waits until half as many runs again are known
as it will take itself, of whatever standard: neither then costs much more than the other would have saved. And a setting
whose gain may be luck is read again before its trial.

References:
    Charnov (1976), Optimal foraging, the marginal value theorem.
"""

from typing import NamedTuple

import numpy as np

from kaizen.plan import Foretell
from kaizen.planners.model.belief import Belief
from kaizen.planners.model.gains import Outlook, outlooks, pair_scatter, proof
from kaizen.planners.model.search import Reach
from kaizen.planners.model.sight import Sight
from kaizen.planners.model.spend import Spending
from kaizen.planners.model.worth import Looks, merits, unit

_WEIGHED = 4  # settings that are weighed for a trial, for each metric: those expected to gain most
_ODDS = 0.02  # below them, a trial is not even weighed
_SURE = 0.3  # of a gain: the error of what a setting was read to be, with which a trial is opened
_CHECKED = 0.25  # of its pairs: the most readings made to be sure
_EFFORT = 1.5  # of a trial's runs, that are known before it


class Ready(NamedTuple):
    """An increment that a trial could be opened for."""

    outlook: Outlook
    odds: float
    """Of proof: that it is better, and that it is seen."""
    pairs: int
    value: float
    """The gain expected of it, in worthwhiles."""
    runs: float
    """What the trial spends, in typical runs."""
    reads: int
    """How often the setting was read."""
    wanted: int
    """How often it should be read before a trial."""

    def rate(self, spent: float) -> float:
        """Return what is gained a run, if it is opened after so many."""
        return self.odds * self.value / (spent + self.runs)


def ready(sight: Sight, belief: Belief, reach: Reach, with_: tuple[Foretell, Spending]) -> Ready | None:
    """Return the increment most worth a trial, among settings that ran; ``None`` where none has odds."""
    prospect, spends = with_
    near = belief.rows[reach.allowed(belief.rows)]
    settings = [reach.space.decode(row) for row in near]
    open_ = [i for i, s in enumerate(settings) if s is not None and s != sight.standard and s not in sight.tested]
    if not open_:
        return None
    merit = merits(belief, near[open_], reach.origin)
    most = _WEIGHED * len(belief.process.metrics)
    order = [open_[index] for index in np.argsort(-merit, kind="stable")[:most]]
    own = spends.price(reach.origin)
    found = []
    for outlook in outlooks(belief, near[order], sight.standard):
        odds, pairs = proof(belief, outlook, sight.scatter, prospect)
        if odds >= _ODDS:
            price = own + spends.price(reach.space.encode([outlook.setting])[0])
            reads = sum(1 for run in sight.seen if run.setting == outlook.setting and run.values is not None)
            wanted = _wanted(belief, outlook, sight, pairs)
            found.append(Ready(outlook, odds, pairs, size(belief, outlook), pairs * price, reads, wanted))
    return max(found, key=lambda one: (one.rate(sight.spent), str(one.outlook.setting)), default=None)


def _wanted(belief: Belief, outlook: Outlook, sight: Sight, pairs: int) -> int:
    """Return how often to read a setting before its trial: the more, the larger one reading's noise is beside its gain.

    The best of many readings is lucky; a few more of it cost little beside a trial that fails.
    """
    times = []
    for metric in belief.process.metrics:
        gain = outlook.gains[metric.name].expected
        if not metric.exact and gain > 0 and gain >= metric.as_gain(metric.worthwhile):
            one = pair_scatter(belief, metric, outlook, sight.scatter.get(metric.name)) / np.sqrt(2.0)
            times.append((one / (_SURE * gain)) ** 2)
    return 1 + int(min(*times, _CHECKED * pairs)) if times else 1


def size(belief: Belief, outlook: Outlook) -> float:
    """Return the largest expected gain, in worthwhiles."""
    of = (outlook.gains[metric.name].expected / unit(belief, metric) for metric in belief.process.metrics)
    return max(*of, 1e-9)


def ripe(one: Ready, sight: Sight, looks: Looks) -> bool:
    """Tell whether the trial should be opened now."""
    if one.runs > sight.left:
        return False
    if sight.left - one.runs < 2.0:  # the last moment at which the budget pays for it, and for a run of the standard
        return True
    return len(sight.seen) >= _EFFORT * one.runs and one.rate(sight.spent) >= looks.best
