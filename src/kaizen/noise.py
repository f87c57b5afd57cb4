"""Noise: what repeats of today's standard say of each metric, and how people write amounts of it.

A reading is noisy in two ways that matter differently. What differs from one run to the next is what pairs must
overcome; what drifts from day to day is in both sides of a pair, and cancels. So both are told: the sd of one reading,
and the sd of a pair's difference as neighbours show it. All sizes are in units of gain unless they say otherwise.
"""

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import msgspec

from kaizen.errors import Malformed, OutOfRange
from kaizen.evidence import noise
from kaizen.journal import Head, Tried
from kaizen.metric import UTILITY, Metric
from kaizen.parameter import read_number
from kaizen.plan import pair_differences
from kaizen.process import Process
from kaizen.standard import Standard
from kaizen.trial import Fault, Reading, Spend

LEAST = 4
"""Readings from which noise is told."""

_SEEN = 0.05  # chance of an order below which it is called a drift, or neighbours alike
_SAME = 1e-9  # readings of a metric that repeats exactly, beside one another


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """How the readings of the standard moved over their order."""

    kind: Literal["trend", "shift"]
    size: float
    """From the first reading to the last (a trend), or over the step (a shift); above 0 is better."""
    sds: float
    """The same, in sd of one reading as neighbours show it."""
    since: int
    """The number of the first run behind the step; of the first run for a trend."""


class Scatter(msgspec.Struct, frozen=True, kw_only=True):
    """What repeats have shown of one metric; numbers are ``None`` below ``LEAST`` readings."""

    metric: Metric
    readings: int
    level: float | None = None
    """The median reading, as read; ``None`` for the utility."""
    lowest: float | None = None
    highest: float | None = None
    sd: float | None = None
    """Of one reading, drift and all."""
    pair: float | None = None
    """sd of a pair's difference: of neighbours, and of pairs around the mean of their trial."""
    ends: tuple[float, float] | None = None
    """Between which ``pair`` truly lies, with odds of 90 % if noise is normal."""
    pairs: int = 0
    """Pairs of trials that it rests on, too."""
    order: float | None = None
    """The chance that shuffled readings rise or fall as much over their order."""
    drift: Drift | None = None
    """Where that chance is below 5 %."""
    autocorrelation: float | None = None
    """With the next reading."""
    alike: float | None = None
    """The chance that shuffled readings have neighbours as alike."""
    cancelled: float | None = None
    """The share of the scatter (as variance) of two distant readings that is not in a pair."""

    @property
    def varies(self) -> bool:
        """Whether readings differ, beyond what log and exp leave."""
        return self.sd is not None and self.sd > _SAME

    @property
    def breaks_exact(self) -> bool:
        """Whether it is declared exact and is not."""
        low, high = self.lowest, self.highest
        return self.metric.exact and low is not None and high is not None and not math.isclose(low, high, rel_tol=_SAME)


class Provable(msgspec.Struct, frozen=True, kw_only=True):
    """The smallest gain that a trial of so many pairs at most proves with fair odds."""

    pairs: int
    gain: float | None
    """``None`` where no gain has these odds."""
    spend: Spend


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """One metric's scatter and what it lets trials prove."""

    scatter: Scatter
    provable: tuple[Provable, ...] = ()


class Repeats(msgspec.Struct, frozen=True, kw_only=True):
    """What the runs of today's standard have shown, of whatever purpose, and what proof will take."""

    process: Process
    standard: Standard
    runs: int
    faults: dict[str, int]
    """Runs without a reading, by reason."""
    waiting: int
    """Repeats that are queued or under way."""
    each: Spend
    """What one run used, on average."""
    alpha: float
    """At which the next trial is judged; 0 where only exact metrics are."""
    odds: float
    """What ``provable`` means by proven."""
    metrics: tuple[Known, ...] = ()
    warnings: tuple[str, ...] = ()
    """Sentences: a wrong declaration, a drift, a worthwhile or margin that nobody can afford."""


def judged(process: Process) -> tuple[Metric, ...]:
    """Return what trials judge by noise: the utility of metrics with a worth, and every other one that is not exact."""
    priced = any(metric.worth > 0 for metric in process.metrics)
    plain = tuple(metric for metric in process.metrics if metric.worth <= 0 and not metric.exact)
    return (UTILITY, *plain) if priced else plain


def repeats_of(head: Head, rows: Sequence[Tried]) -> list[Tried]:
    """Return the runs of today's standard among comparable rows, in the order they were made."""
    return sorted(
        (row for row in rows if row.setting == head.standard.setting and not row.source), key=lambda row: row.id
    )


def faults_of(rows: Sequence[Tried]) -> dict[str, int]:
    """Count the runs without a reading, by reason."""
    return dict(Counter(row.outcome.reason for row in rows if isinstance(row.outcome, Fault)))


def each_of(rows: Sequence[Tried]) -> Spend:
    """Return what one run used on average; nothing where none was made."""
    made = max(1, len(rows))
    seconds, money = (math.fsum(getattr(row.spend, name) for row in rows) / made for name in ("seconds", "money"))
    return Spend(runs=1, seconds=seconds, money=money)


def scatters(head: Head, rows: Sequence[Tried]) -> tuple[Scatter, ...]:
    """Measure every metric, and the utility where metrics have a worth, on comparable rows."""
    told = [row for row in repeats_of(head, rows) if isinstance(row.outcome, Reading)]
    process = head.process
    every = {metric.name: _series(metric, told) for metric in process.metrics}
    found = [_scatter(metric, told, every[metric.name], pair_differences(metric, rows)) for metric in process.metrics]
    priced = [metric for metric in process.metrics if metric.worth > 0]
    if priced:
        summed = [_utility(priced, [every[metric.name][place] for metric in priced]) for place in range(len(told))]
        trials = [pair_differences(metric, rows) for metric in priced]
        pairs = [[_utility(priced, each) for each in zip(*same, strict=True)] for same in zip(*trials, strict=True)]
        found.append(_scatter(UTILITY, told, summed, pairs))
    return tuple(found)


def _series(metric: Metric, told: Sequence[Tried]) -> list[float]:
    """Return each reading as a gain over the median one."""
    values = [_value(metric, row) for row in told]
    level = statistics.median(values) if values else 0.0
    return [metric.gain(value, level) for value in values]


def _value(metric: Metric, row: Tried) -> float:
    assert isinstance(row.outcome, Reading), "only told runs are measured"
    return row.outcome.values[metric.name]


def _utility(priced: Sequence[Metric], gains: Sequence[float]) -> float:
    return math.fsum(share(metric) * gain for metric, gain in zip(priced, gains, strict=True))


def share(metric: Metric) -> float:
    """Return what one unit of gain is worth in utility; 1 for a metric that is judged by itself."""
    return metric.worth / metric.as_gain(metric.worthwhile) if metric.worth > 0 else 1.0


def _scatter(
    metric: Metric, told: Sequence[Tried], gains: Sequence[float], trials: Sequence[Sequence[float]]
) -> Scatter:
    values = [] if metric is UTILITY or not told else [_value(metric, row) for row in told]
    bare = Scatter(
        metric=metric,
        readings=len(told),
        level=statistics.median(values) if values else None,
        lowest=min(values, default=None),
        highest=max(values, default=None),
    )
    if len(told) < LEAST:
        return bare
    sd = statistics.stdev(gains)
    near, freedom = noise.neighbour_sd(gains)
    groups = [group for group in trials if len(group) > 1 and not metric.exact]
    pair, freedom = _pooled(near, freedom, groups)
    if not all(map(math.isfinite, (sd, pair))):
        return bare
    order = noise.order_chance(gains)
    return msgspec.structs.replace(
        bare,
        sd=sd,
        pair=pair,
        ends=noise.sd_interval(pair, freedom),
        pairs=sum(map(len, groups)),
        order=order,
        drift=_drift(told, gains, near) if order < _SEEN else None,
        autocorrelation=noise.autocorrelation(gains),
        alike=noise.alike_chance(gains),
        cancelled=max(0.0, 1 - near * near / (2 * sd * sd)) if sd > 0 else 0.0,
    )


def _pooled(near: float, freedom: float, groups: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Pool neighbours' differences with those of pairs around the mean of their trial, each by its freedom."""
    squares = near * near * freedom + sum(statistics.pvariance(group) * len(group) for group in groups)
    freedom += sum(len(group) - 1 for group in groups)
    return math.sqrt(squares / freedom), freedom


def _drift(told: Sequence[Tried], gains: Sequence[float], near: float) -> Drift:
    found = noise.drift(gains)
    one = near / math.sqrt(2)  # of a reading, where nothing drifts between neighbours
    sds = abs(found.size) / one if one > 0 else math.inf
    return Drift(kind=found.kind, size=found.size, sds=sds, since=told[found.at].id)


def wrongly_declared(process: Process, found: Sequence[Scatter]) -> tuple[str, ...]:
    """Say where a declaration of *exact* and the readings do not agree."""
    said = []
    for one in found:
        name = one.metric.name
        if one.breaks_exact:
            said.append(
                f"{name} IS DECLARED EXACT AND IS NOT: {one.readings} runs of one setting read from {one.lowest:.6g} to "
                f"{one.highest:.6g}. Take exact away, or one pair adopts what is luck"
            )
        elif one.sd is not None and not one.varies and not one.metric.exact and one.metric is not UTILITY:
            said.append(
                f"{name} read the same in all {one.readings} runs: if it always does, declare it exact (exact = true), "
                f"and one pair decides"
            )
    noisy = {metric.name for metric in judged(process)}
    said += [_drifts(one) for one in found if one.drift is not None and one.metric.name in noisy]
    return tuple(said)


def _drifts(one: Scatter) -> str:
    return f"{one.metric.name} drifts: compare it in pairs only, never with readings of another day"


# ── amounts, as people write them ───────────────────────────────────────────────────────────────────────────────────
def amount_of(metric: Metric, given: float | str, *, what: str) -> float:
    """Read an amount of a metric: ``"2%"`` or ``0.02`` by ratio, its own units by difference; return it as declared.

    Raises:
        Malformed: a share of a metric by difference, or a bare number of 1 or more of a metric by ratio.
        OutOfRange: no number, or not above 0.
    """
    text = str(given).strip()
    named = f"{what} of {metric.name}"
    if metric.scale == "difference":
        if text.endswith("%"):
            raise Malformed(
                f"{named} must be in {metric.unit or 'its own units'}, since it is compared by difference; got {given!r}",
                hint=f"write it like {metric.amount(metric.worthwhile or 0.5)}",
            )
        number = read_number(text, name=named, unit=metric.unit)
    else:
        number = read_number(text.removesuffix("%").strip(), name=named)
        if not text.endswith("%") and number >= 1:
            raise Malformed(
                f"{named} must be a share of it, since it is compared by ratio; got {given!r}",
                hint=f"write {number:g}% or {number / 100:g} for {number:g} hundredths",
            )
        number = number / 100 if text.endswith("%") else number
    if number <= 0:
        raise OutOfRange(f"{named} must be above 0; got {given!r}")
    return float(number)
