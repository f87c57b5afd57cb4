"""Telling what noise the readings show, and what proof will take with it."""

from collections.abc import Sequence

from kaizen import forecast, noise
from kaizen.cycle import next_alpha
from kaizen.errors import OutOfRange
from kaizen.forecast import ODDS, TrialPlan
from kaizen.journal import Head, Tried
from kaizen.noise import Known, Repeats, Scatter
from kaizen.plan import Foretell, comparable
from kaizen.workshop.repeating import waiting
from kaizen.workshop.turning import Wheel

_RECENT = 400  # runs that are looked back on


def repeats(wheel: Wheel, *, odds: float = ODDS) -> Repeats:
    """Tell what the runs of today's standard have shown; reads only.

    Raises:
        OutOfRange: ``odds`` is not between 0 and 1.
    """
    if not 0 < odds < 1:
        raise OutOfRange(f"odds must be above 0 and below 1; got {odds:g}", hint="0.8 is four in five")
    head = wheel.head()
    rows, process, most = _rows(wheel, head), head.process, head.process.policy.patience
    found, own = noise.scatters(head, rows), noise.repeats_of(head, rows)
    within, each = Within(wheel, head), noise.each_of(own)
    names = {metric.name for metric in noise.judged(process)}
    return Repeats(
        process=process,
        standard=head.standard,
        runs=len(own),
        faults=noise.faults_of(own),
        waiting=len(waiting(head)),
        each=each,
        alpha=0.0 if process.exact else next_alpha(head),
        odds=odds,
        metrics=tuple(
            Known(
                scatter=one,
                provable=forecast.provable(one, within, most=most, each=each, odds=odds)
                if one.metric.name in names and one.varies
                else (),
            )
            for one in found
        ),
        warnings=(*noise.wrongly_declared(process, found), *forecast.unaffordable(process, _known(found), within)),
    )


def unaffordable(wheel: Wheel) -> tuple[str, ...]:
    """Say which declared gains and margins nobody can prove within the policy's most pairs; nothing while noise is unknown."""
    head = wheel.head()
    found = noise.scatters(head, _rows(wheel, head))
    return forecast.unaffordable(head.process, _known(found), Within(wheel, head))


def plan_trial(
    wheel: Wheel, gain: float | str, *, metric: str | None, odds: float, sd: float | str | None
) -> TrialPlan:
    """Tell what the proof of a gain takes (see ``forecast.plan_trial``); reads only."""
    head = wheel.head()
    rows = _rows(wheel, head)
    named = forecast.metric_named(head.process, metric)
    wanted = forecast.gain_of(named, gain)
    found = noise.scatters(head, rows)
    rests = forecast.sd_of(head, named, found, sd)
    each = noise.each_of(noise.repeats_of(head, rows))
    within = Within(wheel, head)
    return forecast.plan_trial(head, named, wanted, rests, within, each=each, known=_known(found), odds=odds)


def _known(found: Sequence[Scatter]) -> dict[str, float]:
    return {one.metric.name: one.pair for one in found if one.pair is not None}


def _rows(wheel: Wheel, head: Head) -> Sequence[Tried]:
    return comparable(head, wheel.ledger.runs(wheel.process, latest=_RECENT))


class Within:
    """The judge's forecast for trials of at most so many pairs (``forecast.Within``)."""

    def __init__(self, wheel: Wheel, head: Head) -> None:
        """Forecast by the wheel's judge, as things stand in ``head``."""
        self._wheel, self._head = wheel, head

    def __call__(self, most: int) -> Foretell:
        """Return what foretells the proof of a gain."""
        return self._wheel.prospect(self._head, most=most)
