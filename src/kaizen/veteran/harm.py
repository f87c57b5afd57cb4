"""What is at stake in trying, against the veteran's word, what it warns of: no coin is thrown where it is more than runs.

A guard that is expected to break, or that nothing tells of; a person who warned; people whose hands or whose consent it takes;
a limit on risk. Rather once too often than once too seldom: what is left alone costs a gain at most.
"""

from collections.abc import Sequence

from kaizen.metric import Guard, Metric
from kaizen.process import Hands, Process
from kaizen.verdict import Effect, Odds
from kaizen.veteran.testimony import Heard


def harm(
    process: Process, *, words: Sequence[Heard], odds: Odds, broke: bool, effects: Sequence[Effect], today: Sequence[float]
) -> str:  # fmt: skip
    """Return what is at stake but runs, in words; empty where nothing is.

    ``broke`` tells whether anything near it broke a guard, ``today`` is what the standard typically reads, by metric.
    """
    if isinstance(process.work, Hands):
        return "people's hands do the work"
    if process.policy.consent != "automatic":
        return f"{process.policy.consent} agrees to what is adopted"
    warner = next((one.testimony.by for one in words if one.con > 0), "")
    if warner:
        return f"{warner} warns of it"
    if broke:
        return "something near it broke a guard"
    if process.policy.risk is not None and odds.faults > process.policy.risk:
        return f"a fault of odds {odds.faults:.0%} is more than the limit on risk"
    expected = {effect.metric: effect for effect in effects}
    levels = dict(zip((metric.name for metric in process.metrics), today, strict=True))
    for guard in process.guards:
        said = _guard(guard, process.metric(guard.metric), expected.get(guard.metric), levels[guard.metric])
        if said:
            return said
    return ""


def _guard(guard: Guard, metric: Metric, effect: Effect | None, today: float) -> str:
    """Say that a guard may break: at either end of what is expected of its metric, or where nothing is."""
    ends = [] if effect is None else [effect.low, effect.high]
    if not ends or None in ends or today != today:  # noqa: PLR0124 - NaN: the standard was never read
        return f"nothing tells whether {guard} would hold"
    reached = [_reading(metric, today, end) for end in ends if end is not None]
    return f"{guard} may break" if any(guard.broken_by(one) for one in reached) else ""


def _reading(metric: Metric, today: float, gain: float) -> float:
    change = metric.as_change(gain)
    return today * (1.0 + change) if metric.scale == "ratio" else today + change
