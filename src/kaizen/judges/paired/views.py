"""What the pairs of a trial say of each metric: differences in units of gain, and the effects that people see."""

import math
from collections.abc import Sequence
from typing import Protocol

import msgspec

from kaizen.metric import UTILITY, Metric
from kaizen.trial import Block, Design, gains
from kaizen.verdict import Effect

EQUAL = 1e-12
"""Exact metrics are compared after log and exp."""

_LEVELS = (0.05, 0.20)  # of the intervals that people see, at least and at most; twice the trial's α between


class View(msgspec.Struct, frozen=True):
    """One metric's differences, one per pair, in units of gain: ±inf where one side faulted, 0 where both did."""

    metric: Metric
    gains: tuple[float, ...]

    @property
    def loss(self) -> float:
        """The tolerated loss as a gain, below or at 0."""
        return self.metric.as_loss(self.metric.margin)

    @property
    def wanted(self) -> float:
        """What is worthwhile, as a gain."""
        return self.metric.as_gain(self.metric.worthwhile)

    @property
    def known(self) -> float | None:
        """An exact metric's gain: of the first pair with both readings; −inf once the increment has faulted."""
        if -math.inf in self.gains:
            return -math.inf
        return next((gain for gain in self.gains if math.isfinite(gain)), None)

    @property
    def gained(self) -> bool:
        """Whether an exact metric is better by what is worthwhile."""
        known = self.known
        return known is not None and known > 0 and known >= self.wanted - EQUAL

    @property
    def kept(self) -> bool:
        """Whether an exact metric lost no more than its margin."""
        return self.known is not None and self.known >= self.loss - EQUAL

    def over(self, level: float) -> tuple[float, ...]:
        """Count the gains from ``level``."""
        return tuple(gain - level for gain in self.gains)

    def under(self, level: float) -> tuple[float, ...]:
        """Tell how far the gains fall short of ``level``."""
        return tuple(level - gain for gain in self.gains)


class Measure(Protocol):
    """How a rule tells the size of a gain."""

    def size(self, view: View, design: Design) -> float:
        """Return the gain that the rule speaks of: the typical one, or the average."""
        ...

    def ends(self, view: View, design: Design, level: float) -> tuple[float, float]:
        """Return the ends of an interval of the level that holds the truth at all looks."""
        ...


def judged(design: Design, pairs: Sequence[Block]) -> tuple[View, ...]:
    """Return what is judged: every metric, or the utility of those that have a worth and every other one."""
    priced = [metric for metric in design.metrics if metric.worth > 0]
    plain = tuple(_view(metric, pairs) for metric in design.metrics if metric.worth <= 0)
    return (utility(priced, pairs), *plain) if priced else plain


def utility(priced: Sequence[Metric], pairs: Sequence[Block]) -> View:
    """Return the worth of each pair's gains, counted in worthwhiles: one metric, and one test."""
    views = [_view(metric, pairs) for metric in priced]
    exact = all(metric.exact for metric in priced)
    worths = [metric.worth / metric.as_gain(metric.worthwhile) for metric in priced]
    summed = []
    for each in zip(*(view.gains for view in views), strict=True):
        if any(math.isinf(gain) for gain in each):  # a fault is one on every metric
            summed.append(each[0])
        else:
            summed.append(math.fsum(worth * gain for worth, gain in zip(worths, each, strict=True)))
    return View(msgspec.structs.replace(UTILITY, exact=exact), tuple(summed))


def noisy(views: Sequence[View]) -> list[View]:
    """Return the views of metrics that differ from run to run."""
    return [view for view in views if not view.metric.exact]


def exact(views: Sequence[View]) -> list[View]:
    """Return the views of metrics that always read the same."""
    return [view for view in views if view.metric.exact]


def effects(design: Design, pairs: Sequence[Block], measure: Measure, *, intervals: bool) -> tuple[Effect, ...]:
    """Tell the effect on every metric, and on the utility where one is judged."""
    priced = [metric for metric in design.metrics if metric.worth > 0]
    views = [_view(metric, pairs) for metric in design.metrics]
    shown = [utility(priced, pairs), *views] if priced else views
    return tuple(_effect(view, design, measure, intervals=intervals) for view in shown)


def _view(metric: Metric, pairs: Sequence[Block]) -> View:
    return View(metric, gains(metric, pairs))


def _effect(view: View, design: Design, measure: Measure, *, intervals: bool) -> Effect:
    """Tell the effect on one metric; a gain proven at α lies within an interval of level 2α that leaves out zero."""
    if view.metric.exact:
        known = view.known
        gain = known if known is not None and math.isfinite(known) else None
        return Effect(metric=view.metric.name, gain=gain, low=gain, high=gain, level=0.0, exact=True)
    level = min(max(2 * design.alpha, _LEVELS[0]), _LEVELS[1])
    gain = measure.size(view, design)
    low, high = measure.ends(view, design, level) if intervals else (-math.inf, math.inf)
    return Effect(
        metric=view.metric.name,
        gain=_finite(gain),
        low=_finite(min(low, gain)),
        high=_finite(max(high, gain)),
        level=level,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
