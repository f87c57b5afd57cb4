"""What the model planner may risk: the ground on which the chance of a break is within what may be risked.

The chance is put together from three: that a guard's metric reads beyond its limit (the metric's own posterior, its
standard deviation widened by how far it was off on runs left out, with a t law of few degrees of freedom), that the
setting faults (the model of faults), and that it strays too far from what is known to be sound (``kaizen.safety``).
The last needs no model: it lets the region grow outward from the standard by steps that lengthen as they turn out well.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from kaizen.journal import Journal
from kaizen.metric import Guard, Metric
from kaizen.plan import Plan, Scout, Stop
from kaizen.planners.model.aim import Aim, Found, find
from kaizen.planners.model.belief import Belief, Caches, Seen, believe, sign
from kaizen.planners.model.search import Reach, draw, mutate
from kaizen.planners.model.sight import Sight
from kaizen.safety import SMALL, Walk, allowance, breaks, planned
from kaizen.setting import Setting
from kaizen.surrogate.space import Bools, Floats, Points, Space

_MEMORY = 2000  # runs it looks back
_KNOWN = 400  # settings that distances are measured from, the latest
_PRIOR = 4.0  # left-out runs' worth of belief that the posterior's own width is right
_LEAST = 3  # settings that leaving one out says anything of
_FREEDOM = 3.0  # degrees of freedom beside those of the settings that ran
_FARTHEST = 1.0  # what one setting may add to the distance walked


class Width(NamedTuple):
    """How a metric's posterior is read where a guard depends on it: so many times as wide, with a t law."""

    times: float
    freedom: float


class Ground(NamedTuple):
    """What is known to be sound, and what may be risked beyond it."""

    space: Space
    origin: Floats
    known: Floats
    """``(k, d)``: settings all of whose runs were sound, and the standard."""
    belief: Belief | None
    widths: dict[str, Width]
    walk: Walk
    allowed: float
    """The chance of a break that may be taken now."""
    limit: float

    def inside(self, rows: Floats) -> Bools:
        """Return ``(n,)``: which rows may be risked; the standard always may."""
        own = np.all(np.abs(rows - self.origin) < 1e-9, axis=1)
        return np.asarray(own | ((self.allowed > 0.0) & (self.chance(rows) <= self.allowed)), dtype=np.bool_)

    def chance(self, rows: Floats) -> Floats:
        """Return ``(n,)``: the chance that a run there breaks a guard or faults."""
        events, length = self.walk.scale(self.limit)
        away = distances(self.space, rows, self.known).min(axis=1)
        kept = (length / (length + away)) ** events  # 1 - stray
        if self.belief is None:
            return np.asarray(1.0 - kept, dtype=np.float64)
        points = self.space.points(rows)
        if self.belief.feasibility is not None:
            kept = np.minimum(kept, self.belief.feasibility.chance(points))
        for guard in self.space.process.guards:
            kept = kept * _kept(self.belief, guard, points, self.widths[guard.metric])
        return np.asarray(1.0 - kept, dtype=np.float64)


def grounded(reach: Reach, journal: Journal, sight: Sight, kept: Caches) -> Reach:
    """Return the reach within the process's limit on risk; as it is where there is none."""
    process = sight.head.process
    limit = process.policy.risk
    if limit is None:
        return reach
    history = journal.history
    rows = history.runs(latest=_MEMORY)
    runs = planned(process, rows, history.trials(), history.standards())
    ran: dict[Setting, list[bool]] = {}
    for row in rows:
        broke = breaks(process, row)
        if row.seq > sight.head.era and broke is not None and process.allows(row.setting):
            ran.setdefault(row.setting, []).append(broke)
    known, walk = _walked(reach.space, ran, sight.standard)
    belief = believe(reach.space, sight.seen, kept)
    guarded = [process.metric(guard.metric) for guard in process.guards] if belief is not None else []
    widths = {m.name: _width(belief, sight.seen, m) for m in guarded if belief is not None}
    ground = Ground(reach.space, reach.origin, known, belief, widths, walk, allowance(runs, limit), limit)
    return reach._replace(ground=ground)


def _walked(space: Space, ran: dict[Setting, list[bool]], standard: Setting) -> tuple[Floats, Walk]:
    """Return the settings known to be sound, and how far the first runs of settings went from those known before."""
    settings = [standard, *(setting for setting in ran if setting != standard)][-_KNOWN:]
    if standard not in settings:
        settings = [standard, *settings]
    rows = space.encode(settings)
    sound = np.array([index == 0 or not any(ran[setting]) for index, setting in enumerate(settings)])
    apart = distances(space, rows, rows)
    length, broke = 0.0, 0
    for index, setting in enumerate(settings[1:], start=1):
        length += min(_FARTHEST, float(apart[index, :index][sound[:index]].min()))
        broke += ran[setting][0]
    return rows[sound], Walk(length=length, broke=broke)


def distances(space: Space, rows: Floats, known: Floats) -> Floats:
    """Return ``(n, k)``: sums over parameters of the shares of their ranges that lie between two settings.

    One level of a coarse grid counts as a small step, however wide; another choice as two, a number newly active, too.
    """
    apart = np.zeros((len(rows), len(known)))
    there, here = space.active(rows), space.active(known)
    for column in range(space.d):
        one, other = rows[:, column, None], known[None, :, column]
        both, either = there[:, column, None] & here[None, :, column], there[:, column, None] | here[None, :, column]
        if space.numeric[column]:
            gap, places = np.abs(one - other), space.levels[column]
            if places is not None:
                ranks = np.searchsorted(places, one - 1e-9) - np.searchsorted(places, other - 1e-9)
                gap = np.minimum(gap, SMALL * np.abs(ranks))
        else:
            gap = 2.0 * SMALL * (np.abs(one - other) > 1e-9)
        apart += np.where(both, gap, np.where(either, 2.0 * SMALL, 0.0))
    return apart


def _kept(belief: Belief, guard: Guard, points: Points, width: Width) -> Floats:
    """Return ``(n,)``: the chance that a run keeps a guard."""
    metric = belief.process.metric(guard.metric)
    regression, turn = belief.regressions[metric.name], sign(metric)
    mean, sd = regression.posterior.predict(points)
    spread = width.times * np.hypot(sd, regression.noise)
    kept = np.ones(len(mean))
    for limit, side in ((guard.at_least, 1.0), (guard.at_most, -1.0)):
        if limit is not None:
            bound = float(regression.warp(np.array([turn * limit]))[0])
            kept = kept * stdtr(width.freedom, side * turn * (mean - bound) / spread)
    return kept


def _width(belief: Belief, seen: Sequence[Seen], metric: Metric) -> Width:
    """Return how much wider a metric's posterior must be, by how far it was off on settings left out."""
    regression, turn = belief.regressions[metric.name], sign(metric)
    posterior, told = (
        regression.posterior,
        [run for run in seen if run.values is not None and metric.name in run.values],
    )
    read: dict[Setting, list[float]] = {}
    for run in told:
        assert run.values is not None
        read.setdefault(run.setting, []).append(turn * run.values[metric.name])
    count = len(posterior)
    if count < _LEAST or count != len(read):
        return Width(1.0, count + _FREEDOM)
    at = np.array([float(np.mean(regression.warp(np.array(values)))) for values in read.values()])
    mean, variance = posterior.left_out()
    off = float(np.sum((at - mean) ** 2 / variance))
    return Width(max(1.0, float(np.sqrt((off + _PRIOR) / (count + _PRIOR)))), count + _FREEDOM)


# ── when the ground is all there is ────────────────────────────────────────────────────────────────────────────────────


def nothing_left(reach: Reach) -> bool:
    """Tell whether nothing but the standard may be run."""
    return isinstance(reach.ground, Ground) and reach.ground.allowed <= 0.0


def too_far(sight: Sight, to: Aim, rng: np.random.Generator) -> Found | None:
    """Return what would be scouted but for the limit; ``None`` where there is none, or nothing beyond."""
    ground = to.reach.ground
    if not isinstance(ground, Ground):
        return None
    target = find(to._replace(reach=to.reach._replace(ground=None)), sight.taken | {sight.standard}, rng)
    return None if target is None or ground.inside(target.row[None, :])[0] else target


def outward(sight: Sight, to: Aim, target: Found, rng: np.random.Generator) -> Scout | None:
    """Return a scout on safe ground, nearer to a target beyond it than anything known to be sound."""
    ground = to.reach.ground
    assert isinstance(ground, Ground)
    seeds = ground.known[to.reach.allowed(ground.known)]
    near = mutate(to.reach, np.repeat(seeds, 1 + 2000 // len(seeds), axis=0), 0.1, rng)
    rows = np.vstack([draw(to.reach, 300, rng), near[to.reach.allowed(near)]])
    left = distances(ground.space, rows, target.row[None, :])[:, 0]
    nearest = float(distances(ground.space, ground.known, target.row[None, :]).min())
    taken = sight.taken | {sight.standard}
    for index in np.argsort(left, kind="stable"):
        setting = ground.space.decode(rows[index])
        if left[index] > nearest - SMALL / 4:
            return None
        if setting is not None and setting not in taken:
            because = f"a step toward {target.setting}, which promises more and is too far to be risked at once"
            return Scout(setting=setting, because=because)
    return None


def standstill(sight: Sight, reach: Reach) -> Plan | None:
    """Return what to do when nothing new may be risked: earn by runs of the standard, or stop; ``None`` without a limit."""
    ground = reach.ground
    if not isinstance(ground, Ground):
        return None
    number = sight.head.standard.number
    if ground.allowed < ground.limit:
        why = (
            f"nothing new may be risked before more runs are sound (chance allowed now: {max(0.0, ground.allowed):.1%})"
        )
        return Scout(setting=sight.standard, because=f"the standard again: {why}")
    return Stop(
        because=f"every setting near standard {number} has been tried, or may break a guard or fault with a chance above "
        f"{ground.limit:.1%}, the process's limit"
    )
