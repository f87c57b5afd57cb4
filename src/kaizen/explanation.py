"""EXPLAIN: what is believed to drive each metric, and the port to whatever believes it.

Beliefs, not proofs: intervals hold ``BELIEVED`` of what the model believes of a typical reading, given the runs.
"""

from typing import Literal, Protocol, runtime_checkable

import msgspec

from kaizen.journal import Journal
from kaizen.setting import Setting, Value

BELIEVED = 0.90
"""The part of what is believed that lies within an interval."""


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a metric's variation goes with one parameter, of what the model expects over the range that was run.

    Shares of several parameters overlap where they act together, so they may add up to more than 1. A conditional
    parameter's is taken over where it is active.
    """

    parameter: str
    share: float
    low: float
    high: float
    alone: float
    """The part of ``share`` that is the same whatever the others are set to."""


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a parameter, and the typical reading that is believed there."""

    value: Value
    low: float
    middle: float
    high: float
    allowed: bool = True
    """Whether the constraints allow it, the others being as they are."""


class Typical(msgspec.Struct, frozen=True, kw_only=True):
    """What is believed of a typical reading: without a single run's noise."""

    low: float
    middle: float
    high: float


class Near(msgspec.Struct, frozen=True, kw_only=True):
    """A setting that was run, seen from a slice."""

    value: Value
    reading: float
    """The mean, where it was run more than once."""
    runs: int
    nearness: float
    """1 on the slice itself; how much a reading there tells of the slice, down to 0."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """The value that promises most along a slice, and its gain over the slice's base, in the metric's units of gain."""

    value: Value
    gain: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the whole interval is a gain."""
        return self.low > 0


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter moved over its range, all others as in ``base``."""

    parameter: str
    base: Setting
    """Today's standard; where the parameter is not active in it, the nearest setting that was run and has it active."""
    spots: tuple[Spot, ...]
    step: Step | None = None
    near: tuple[Near, ...] = ()

    @property
    def today(self) -> Spot | None:
        """The spot of the base itself."""
        return next((spot for spot in self.spots if spot.value == self.base.get(self.parameter)), None)


class Landscape(msgspec.Struct, frozen=True, kw_only=True):
    """Two numbers moved over their ranges, all others as in ``base``; rows by ``up``, ``None`` where not allowed."""

    across: str
    up: str
    base: Setting
    across_values: tuple[float, ...]
    up_values: tuple[float, ...]
    low: tuple[tuple[float | None, ...], ...]
    middle: tuple[tuple[float | None, ...], ...]
    high: tuple[tuple[float | None, ...], ...]
    faults: tuple[tuple[float | None, ...], ...] = ()
    """Chances; empty where no run faulted."""
    near: tuple[tuple[float, float, float], ...] = ()
    """Settings that were run: across, up, nearness."""


class Drivers(msgspec.Struct, frozen=True, kw_only=True):
    """What drives one metric."""

    metric: str
    runs: int
    settings: int
    skill: float | None
    """The share of the variation between settings that the model foretells, each left out in turn; 1 is all of it, 0 no
    more than their mean does; ``None`` where they do not differ."""
    unknown: str = ""
    """Why the model is not worth a look, in words; the rest is empty then."""
    today: Typical | None = None
    """What today's standard is believed to read."""
    shares: tuple[Share, ...] = ()
    """The largest first."""
    slices: tuple[Slice, ...] = ()
    """In the order of the shares."""
    landscape: Landscape | None = None
    """Of the two numbers that drive most together, if two do."""

    @property
    def known(self) -> bool:
        """Whether the model foretells enough to be looked at."""
        return not self.unknown


class Hazard(msgspec.Struct, frozen=True, kw_only=True):
    """The chance of a fault along one parameter, all others as in ``base``."""

    parameter: str
    base: Setting
    values: tuple[Value, ...]
    chances: tuple[float, ...]


class Recalled(msgspec.Struct, frozen=True, kw_only=True):
    """A setting that memory of other processes asked for, and how it stood beside all before when it ran."""

    setting: Setting
    stood: Literal["best", "sound", "wasted", "fault"]
    """``wasted`` is worse than half of all before that memory had not asked for."""


class Contribution(msgspec.Struct, frozen=True, kw_only=True):
    """What memory of other processes contributed, and what would speak against it."""

    asked: tuple[Recalled, ...]
    wasted: float
    """What counts against it, less half a one for each new best."""
    allowed: float
    """How much may; from there on it is not asked."""
    others: int
    """Settings that it did not ask for, the standard left out."""
    others_best: int
    """How many of them were the best until then."""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What is believed of one process today."""

    number: int
    """Of the standard that slices go through."""
    standard: Setting
    runs: int
    """Runs that still compare, faults among them."""
    faults: int
    drivers: tuple[Drivers, ...]
    hazards: tuple[Hazard, ...] = ()
    """Empty where no run faulted."""
    remembered: str = ""
    """What memory of other processes contributed, in words; empty where it asked for nothing."""
    contribution: Contribution | None = None
    """The same, setting by setting; ``None`` where it asked for nothing."""
    unvaried: tuple[str, ...] = ()
    """Parameters that no run has moved, so nothing is known of them."""

    def of(self, metric: str) -> Drivers | None:
        """Return what drives one metric, if it was looked at."""
        return next((one for one in self.drivers if one.metric == metric), None)

    def hazard(self, parameter: str) -> Hazard | None:
        """Return the chance of a fault along one parameter, if any run faulted."""
        return next((one for one in self.hazards if one.parameter == parameter), None)


@runtime_checkable
class Explainer(Protocol):
    """Explains from the journal alone: a second port that a planner with a model may offer."""

    def explain(self, journal: Journal, *, seed: int) -> Explanation | None:
        """Return what is believed, or ``None`` while no run has given a reading; the same seed, the same answer."""
        ...
