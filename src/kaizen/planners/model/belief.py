"""What is believed of a process after so many runs: each metric's posterior, guards, and where runs fail."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from kaizen.metric import Guard, Metric
from kaizen.planners.model.acquisition import log_chance
from kaizen.process import Process
from kaizen.setting import Setting
from kaizen.surrogate.feasible import Feasibility, label_kernel
from kaizen.surrogate.gp import EXACT, NOISY, Kernel
from kaizen.surrogate.regression import Memo, Readings, Regression, Settled, regress, settled_at
from kaizen.surrogate.space import Floats, Points, Space

_REMEMBERED = 600  # rows the feasibility model learns from, at most: the latest


class Seen(NamedTuple):
    """One run as models see it."""

    setting: Setting
    values: Mapping[str, float] | None
    """``None`` for a fault."""


class Caches(NamedTuple):
    """What may be thrown away at any time."""

    settled: Memo[Settled]
    labels: Memo[Kernel]
    """Of where runs fail, and of ranks beside kin (``remember``)."""
    past: Memo[object]
    """What kin say (``past``)."""


def caches() -> Caches:
    """Return empty ones."""
    return Caches(Memo(), Memo(24), Memo(48))


class Belief(NamedTuple):
    """Posteriors over one space."""

    space: Space
    regressions: dict[str, Regression]
    feasibility: Feasibility | None
    rows: Floats
    """``(n, d)``: distinct settings that gave readings, in order of first appearance."""
    goals: tuple[str, ...]
    """The metrics to be improved; the others only bear guards."""

    @property
    def process(self) -> Process:
        """The process it is about."""
        return self.space.process

    def moments(self, rows: Floats) -> tuple[Floats, Floats]:
        """Return warped means and standard deviations of the goals, ``(n, k)`` each, more is better."""
        points = self.space.points(rows)
        both = [self.regressions[name].moments(points) for name in self.goals]
        return np.column_stack([mean for mean, _ in both]), np.column_stack([sd for _, sd in both])

    def log_sound(self, rows: Floats) -> Floats:
        """Return ``(n,)``: ln of the chance that a run gives a reading and keeps the guards."""
        points = self.space.points(rows)
        made = np.zeros(len(rows))
        if self.feasibility is not None:
            made += np.log(np.maximum(self.feasibility.chance(points), 1e-12))
        for guard in self.process.guards:
            made += self._log_kept(guard, points)
        return made

    def _log_kept(self, guard: Guard, points: Points) -> Floats:
        metric = self.process.metric(guard.metric)
        regression, turn = self.regressions[metric.name], sign(metric)
        mean, sd = regression.moments(points)
        spread = np.hypot(sd, regression.noise)
        made = np.zeros(len(mean))
        for limit, side in ((guard.at_least, 1.0), (guard.at_most, -1.0)):
            if limit is not None:
                bound = float(regression.warp(np.array([turn * limit]))[0])
                made += log_chance(side * turn * mean, spread, side * turn * bound)
        return made

    def believing(self, rows: Floats) -> "Belief":
        """Return what would be believed if ``rows`` read what is expected of them."""
        points = self.space.points(rows)
        grown = {name: r.believing(points) for name, r in self.regressions.items()}
        return self._replace(regressions=grown)


def believe(
    space: Space, seen: Sequence[Seen], kept: Caches, *, goals: tuple[str, ...] = (), kin: Sequence[Seen] = ()
) -> Belief | None:
    """Fit what runs have shown; ``None`` while there is no reading at all. Every metric is a goal unless some are named.

    Of ``kin``, runs of other processes, it is learned where runs fail, and nothing else.
    """
    process = space.process
    goals = goals or tuple(metric.name for metric in process.metrics)
    sound = [run for run in seen if run.values is not None and all(m.name in run.values for m in process.metrics)]
    if not sound:
        return None
    rows = space.encode([run.setting for run in sound])
    numbers: dict[Setting, int] = {}
    same = np.array([numbers.setdefault(run.setting, len(numbers)) for run in sound])
    points = space.points(rows)
    regressions = {}
    for metric in process.metrics:
        values = np.array([sign(metric) * run.values[metric.name] for run in sound if run.values is not None])
        prior = EXACT if metric.exact else NOISY
        regressions[metric.name] = regress(Readings(points, values, same), space.shape, prior, kept.settled)
    _, first = np.unique(same, return_index=True)
    return Belief(space, regressions, feasibility(space, [*kin, *seen], kept), rows[first], goals)


def feasibility(space: Space, seen: Sequence[Seen], kept: Caches) -> Feasibility | None:
    """Learn where runs fail; ``None`` where none did."""
    if all(run.values is not None for run in seen):
        return None
    latest = seen[-_REMEMBERED:]
    points = space.points(space.encode([run.setting for run in latest]))
    sound = np.array([float(run.values is not None) for run in latest])
    count = settled_at(len(latest))
    key = repr((points.numbers[:count].tobytes(), points.marks[:count].tobytes(), sound[:count].tobytes()))
    first = points.at(slice(0, count))
    kernel = kept.labels.get(key, lambda: label_kernel(first, sound[:count], space.shape))
    return Feasibility(points, sound, kernel, space.shape)


def sign(metric: Metric) -> float:
    """Return 1 where more is better, else -1."""
    return 1.0 if metric.better == "higher" else -1.0
