"""What is measured: metrics with their scale, worthwhile and margin, and guards on them."""

import math
from typing import Literal, TypedDict, Unpack

import msgspec

from kaizen.errors import Malformed, OutOfRange
from kaizen.parameter import read_number
from kaizen.setting import plain_number

_LEAST_RATIO = 0.01  # a gain of 1 % is worthwhile unless said otherwise


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """A declared quantity.

    ``worthwhile`` is the smallest gain worth adopting and ``margin`` the largest loss tolerated while another
    metric gains: fractions for scale ``ratio`` (0.02 is 2 %), raw units for ``difference``.
    """

    name: str
    better: Literal["lower", "higher"]
    kind: Literal["quality", "price"] = "quality"
    unit: str = ""
    scale: Literal["ratio", "difference"] = "ratio"
    exact: bool = False
    """Repeats of a setting give the same number: one pair decides; a contradicting repeat pulls the andon."""
    worthwhile: float = 0.0
    margin: float = 0.0
    low: float | None = None
    high: float | None = None
    """Bounds no sound reading can leave; a reading outside is refused, never clipped."""
    worth: float = 0.0
    """What one worthwhile gain of it is worth beside those of other metrics; metrics with a worth are judged by their sum."""

    def check(self, value: object) -> float:
        """Return a reading as kept, or raise ``OutOfRange``; text may carry the unit."""
        number = plain_number(read_number(value, name=self.name, unit=self.unit) if isinstance(value, str) else value)
        if number is None:
            raise OutOfRange(f"{self.name} must be a finite number; got {value!r}")
        if self.scale == "ratio" and number <= 0:
            raise OutOfRange(
                f"{self.name} must be above 0, since it is compared by ratio; got {value!r}",
                hint=f"declare {self.name} with scale = 'difference' if zero or less can happen",
            )
        if (self.low is not None and number < self.low) or (self.high is not None and number > self.high):
            bounds = f"from {'-inf' if self.low is None else self.low} to {'inf' if self.high is None else self.high}"
            raise OutOfRange(
                f"{self.name} must be {bounds}, as declared; got {value!r}", hint="amend the bounds if it is right"
            )
        return float(number) + 0.0

    def gain(self, increment: float, standard: float) -> float:
        """Return how much better ``increment`` reads than ``standard``; above 0 is better, in nats for ``ratio``."""
        raw = _log_ratio(increment, standard) if self.scale == "ratio" else increment - standard
        return (raw if self.better == "higher" else -raw) + 0.0

    def as_gain(self, change: float) -> float:
        """Turn a wanted gain (a fraction or raw units, above 0) into the units of ``gain``."""
        if self.scale == "difference":
            return change
        return math.log1p(change) if self.better == "higher" else -math.log1p(-change)

    def as_loss(self, change: float) -> float:
        """Turn a tolerated loss (a fraction or raw units, above 0) into the units of ``gain``, below 0."""
        if self.scale == "difference":
            return -change
        return math.log1p(-change) if self.better == "higher" else -math.log1p(change)

    def as_change(self, gain: float) -> float:
        """Turn a gain back into the signed change of the reading: a fraction for ``ratio``, raw units else."""
        raw = gain if self.better == "higher" else -gain
        if self.scale == "difference":
            return raw + 0.0
        return math.expm1(min(raw, 700.0)) + 0.0

    def spell(self, gain: float) -> str:
        """Say a gain as people do: ``-39.1%`` of the reading, or ``+0.4 points``."""
        change = self.as_change(gain)
        if self.scale == "ratio":
            return f"{change:+.1%}"
        return f"{change:+.4g}{' ' + self.unit if self.unit else ''}"

    @property
    def rule(self) -> str:
        """The metric's rule in words: direction, worthwhile, margin."""
        exact = ", exact" if self.exact else ""
        amounts = f"worthwhile {self.amount(self.worthwhile)}, margin {self.amount(self.margin)}"
        amounts += f", worth {self.worth:g} a worthwhile" if self.worth > 0 else ""
        return f"{self.name}: {self.better} is better{exact}, {amounts}"

    def amount(self, change: float) -> str:
        """Say a worthwhile or a margin: ``2 %``, or ``0.5 points``."""
        return f"{change * 100:.3g} %" if self.scale == "ratio" else f"{change:.3g} {self.unit}".rstrip()


UTILITY = Metric(name="utility", better="higher", scale="difference", unit="worthwhiles", worthwhile=1.0, margin=1.0)
"""The sum of what gains are worth, where metrics have a worth: counted in worthwhiles of worth 1."""


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """A limit on a declared metric that must not be broken."""

    metric: str
    at_least: float | None = None
    at_most: float | None = None

    def broken_by(self, value: float) -> bool:
        """Tell whether a reading breaks the limit."""
        return (self.at_least is not None and value < self.at_least) or (
            self.at_most is not None and value > self.at_most
        )

    def __str__(self) -> str:
        """Return ``metric >= low`` and/or ``metric <= high``."""
        low = f"{self.metric} >= {self.at_least:g}" if self.at_least is not None else ""
        high = f"{self.metric} <= {self.at_most:g}" if self.at_most is not None else ""
        return " and ".join(part for part in (low, high) if part)


def metric(
    name: str,
    *,
    better: Literal["lower", "higher"],
    kind: Literal["quality", "price"] = "quality",
    unit: str = "",
    scale: Literal["ratio", "difference"] = "ratio",
    exact: bool = False,
    worthwhile: float | None = None,
    margin: float | None = None,
    low: float | None = None,
    high: float | None = None,
    worth: float = 0.0,
) -> Metric:
    """Declare a metric.

    ``worthwhile`` defaults to 1 % for a noisy ``ratio`` metric and to 0 for an exact one; a noisy ``difference``
    metric must say it. ``margin`` defaults to ``worthwhile``. Metrics with a ``worth`` are judged by the sum of what their
    gains are worth: one test, and half of the pairs, where the price of quality can be told.

    Raises:
        Malformed: what is declared cannot be right.
    """
    if worthwhile is None:
        if scale == "difference" and not exact:
            raise Malformed(
                f"{name}'s worthwhile must be given, since it is compared by difference; got none",
                hint=f"say the smallest gain worth adopting, in {unit or 'its own units'}: worthwhile=0.5",
            )
        worthwhile = 0.0 if exact else _LEAST_RATIO
    made = Metric(
        name=name, better=better, kind=kind, unit=unit, scale=scale, exact=exact, worthwhile=float(worthwhile),
        margin=float(worthwhile if margin is None else margin),
        low=None if low is None else float(low), high=None if high is None else float(high), worth=float(worth),
    )  # fmt: skip
    check_metric(made)
    return made


class Rules(TypedDict, total=False):
    """What ``metric`` takes beside name and direction."""

    kind: Literal["quality", "price"]
    unit: str
    scale: Literal["ratio", "difference"]
    exact: bool
    worthwhile: float | None
    margin: float | None
    low: float | None
    high: float | None
    worth: float


def lower(name: str, **rules: Unpack[Rules]) -> Metric:
    """Declare a metric of which less is better (see ``metric``)."""
    return metric(name, better="lower", **rules)


def higher(name: str, **rules: Unpack[Rules]) -> Metric:
    """Declare a metric of which more is better (see ``metric``)."""
    return metric(name, better="higher", **rules)


def guard(name: str, *, at_least: float | None = None, at_most: float | None = None) -> Guard:
    """Declare a limit on metric ``name`` that must not be broken."""
    made = Guard(metric=name, at_least=at_least, at_most=at_most)
    check_guard(made)
    return made


def check_metric(made: Metric) -> None:
    """Refuse a metric that cannot be right in itself.

    Raises:
        Malformed: an unknown word, or a worthwhile or margin out of range.
    """
    if not made.name.isidentifier():
        raise Malformed(f"a metric's name must be letters, digits and _; got {made.name!r}")
    for field, known in (
        ("better", ("lower", "higher")),
        ("kind", ("quality", "price")),
        ("scale", ("ratio", "difference")),
    ):
        if getattr(made, field) not in known:
            raise Malformed(f"{made.name}'s {field} must be one of {', '.join(known)}; got {getattr(made, field)!r}")
    for field in ("worthwhile", "margin"):
        value = getattr(made, field)
        limit = 1.0 if made.scale == "ratio" else math.inf
        if not (math.isfinite(value) and 0 <= value < limit):
            hint = "a fraction: 0.02 is 2 %" if made.scale == "ratio" else "in the metric's own units"
            raise Malformed(f"{made.name}'s {field} must be at least 0 and below {limit:g}; got {value!r}", hint=hint)
    if made.worthwhile == 0 and made.margin == 0 and not made.exact:
        raise Malformed(
            f"{made.name}'s worthwhile must be above 0, since it is noisy; got 0",
            hint="say the smallest gain worth adopting, or exact=True if repeats always agree",
        )
    if not (math.isfinite(made.worth) and made.worth >= 0):
        raise Malformed(f"{made.name}'s worth must be 0 or more; got {made.worth!r}")
    if made.worth > 0 and made.worthwhile <= 0:
        raise Malformed(
            f"{made.name}'s worthwhile must be above 0, since its worth is told by it; got 0",
            hint=f"say the gain that is worth {made.worth:g}: worthwhile=0.01 is 1 %",
        )
    if any(bound is not None and math.isnan(bound) for bound in (made.low, made.high)):
        raise Malformed(f"{made.name}'s bounds must be numbers; got {made.low} to {made.high}")
    if made.low is not None and made.high is not None and made.low >= made.high:
        raise Malformed(
            f"{made.name}'s bounds must go from a smaller to a larger number; got {made.low} to {made.high}"
        )


def check_guard(made: Guard) -> None:
    """Refuse a guard without a limit, or with limits nothing can keep.

    Raises:
        Malformed: no limit, or crossed limits.
    """
    limits = [limit for limit in (made.at_least, made.at_most) if limit is not None]
    if not limits or not all(math.isfinite(limit) for limit in limits):
        raise Malformed(f"the guard on {made.metric} must have a finite at_least or at_most; got {limits}")
    if len(limits) == 2 and limits[0] > limits[1]:
        raise Malformed(
            f"the guard on {made.metric} must leave room; got at_least {limits[0]:g}, at_most {limits[1]:g}"
        )


def _log_ratio(a: float, b: float) -> float:
    """Return ln(a/b); the ratio itself tells neighbours apart, the difference of logs spans every range."""
    ratio = a / b
    return math.log(ratio) if 0.5 < ratio < 2.0 else math.log(a) - math.log(b)
