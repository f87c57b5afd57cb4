"""Forecast: what noise lets a trial prove, and what the proof of a wanted gain will spend.

Everything is asked of the judge's own forecast, for trials of at most so many pairs, judged at the α of the next trial.
Odds are of a real and steady gain of the size named; noise is taken for normal.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import msgspec

from kaizen import cycle
from kaizen.errors import Malformed, OutOfRange, OutOfTurn
from kaizen.evidence import OUT_OF_REACH
from kaizen.evidence.noise import smallest_gain
from kaizen.journal import Head
from kaizen.metric import UTILITY, Metric
from kaizen.noise import LEAST, Provable, Scatter, amount_of, judged, share
from kaizen.plan import Foretell
from kaizen.process import Process
from kaizen.trial import Spend
from kaizen.verdict import Prospect

ODDS = 0.8
"""Odds that count as provable, unless somebody says otherwise."""

_CAPS = (7, 10, 20)  # beside the policy's own
_EVEN = 0.5  # odds below which nobody can afford a worthwhile or a margin
_FAR = 320  # pairs up to which a larger cap is looked for

Within = Callable[[int], Foretell]
"""The judge's forecast for trials of at most so many pairs."""


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """Another metric of a planned trial: the change leaves it as it is, and has to be proven to keep its margin."""

    metric: Metric
    sd: float | None
    """Of one pair's difference, in units of gain; ``None`` while it is not known, and then it is not counted."""
    odds: float | None
    """Of that proof within the most pairs."""


class TrialPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What the proof of one gain takes; ``gain``, ``sd`` and ``smallest`` in the metric's units of gain."""

    process: str
    metric: Metric
    change: float
    """The gain as asked: a fraction by ratio, units by difference."""
    gain: float
    sd: float
    """Of one pair's difference."""
    known: str
    """What ``sd`` rests on."""
    alpha: float
    wanted: float
    """The odds that are wanted."""
    most: int
    """The most pairs a trial may take."""
    odds: float
    """Of proof within them."""
    pairs: int
    """Until proof has even odds."""
    enough: int | None
    """The fewest pairs that, declared as the most, have the wanted odds; ``None`` where more than ``most`` are needed."""
    spend: Spend
    """Of ``enough`` pairs, else of ``most``."""
    smallest: float | None
    """The smallest gain with the wanted odds within ``most`` pairs."""
    left: int | None = None
    """Pairs that what is left of the budget pays for; ``None`` without a budget."""
    left_odds: float | None = None
    """Odds within those at the most, where they are fewer than ``most``."""
    shut: str = ""
    """Why no trial can prove anything now; empty where one can."""
    beside: tuple[Beside, ...] = ()
    """The other noisy metrics, whose margins ``odds``, ``pairs`` and ``enough`` count."""
    mends: tuple[str, ...] = ()
    """Sentences: what would help, where it is not affordable."""

    @property
    def affordable(self) -> bool:
        """Whether the wanted odds are there, within the cap and what is left of the budget."""
        return self.enough is not None and (self.left is None or self.left >= self.enough)


def provable(scatter: Scatter, within: Within, *, most: int, each: Spend, odds: float = ODDS) -> tuple[Provable, ...]:
    """Tell the smallest gain that a few sizes of trial prove; nothing while the noise is not known."""
    if scatter.pair is None:
        return ()
    caps = sorted({cap for cap in (*_CAPS, most) if cap <= most})
    return tuple(
        Provable(pairs=cap, gain=_smallest(within(cap), scatter.pair, odds), spend=spend_of(cap, each)) for cap in caps
    )


def spend_of(pairs: int, each: Spend) -> Spend:
    """Return what so many pairs use, where one run uses ``each``."""
    return Spend(runs=2 * pairs, seconds=2 * pairs * each.seconds, money=2 * pairs * each.money)


def _smallest(foretell: Foretell, sd: float, odds: float) -> float | None:
    return smallest_gain(lambda gain: foretell(gain, sd).odds, sd=sd, wanted=odds)


def unaffordable(process: Process, known: Mapping[str, float], within: Within) -> tuple[str, ...]:
    """Say which worthwhile gains and margins a trial of the policy's most pairs proves with less than even odds.

    ``known`` is the sd of a pair's difference, by metric, in units of gain.
    """
    most, said = process.policy.patience, []
    for metric, sd in _noisy(process, known):
        gain = metric.as_gain(metric.worthwhile)
        odds = within(most)(gain, sd).odds if gain > 0 else 1.0
        if odds < _EVEN:
            said.append(
                f"{metric.name}: nobody can prove a gain of {metric.amount(metric.worthwhile)} within {most} pairs "
                f"(odds of {odds:.0%}); {_least(metric, _smallest(within(most), sd, ODDS))}"
            )
    return (*said, *unaffordable_margins(process, known, within))


def unaffordable_margins(process: Process, known: Mapping[str, float], within: Within) -> tuple[str, ...]:
    """Say which margins nobody can afford: a change that leaves the metric as it is must be proven to keep them.

    A margin matters only where something else may gain. Else as ``unaffordable``.
    """
    if len(process.metrics) == 1 or len(judged(process)) + any(metric.exact for metric in process.metrics) == 1:
        return ()
    most, said = process.policy.patience, []
    for metric, sd in _noisy(process, known):
        room = -metric.as_loss(metric.margin)
        odds = within(most)(room, sd).odds if room > 0 else 0.0
        if odds < _EVEN:
            said.append(
                f"{metric.name}: nobody can afford a margin of {metric.amount(metric.margin)}: within {most} pairs a "
                f"change that leaves it as it is has odds of {odds:.0%} to be proven so; widen it, or lower the noise"
            )
    return tuple(said)


def _noisy(process: Process, known: Mapping[str, float]) -> list[tuple[Metric, float]]:
    return [(metric, known[metric.name]) for metric in judged(process) if known.get(metric.name, 0.0) > 0]


def _least(metric: Metric, gain: float | None) -> str:
    return "no gain can be" if gain is None else f"{spelled(metric, gain)} can be, with odds of {ODDS:.0%}"


def spelled(metric: Metric, gain: float) -> str:
    """Say a gain as a worthwhile is said: ``2 %`` or ``0.5 points``."""
    return metric.amount(abs(metric.as_change(gain)))


# ── one wanted gain ─────────────────────────────────────────────────────────────────────────────────────────────────
def metric_named(process: Process, name: str | None) -> Metric:
    """Return the metric that a trial is planned for: the one named, or the only one that is noisy.

    Raises:
        Undeclared: no such metric.
        Malformed: none was named, and there are several.
    """
    if name is not None:
        return process.metric(name)
    noisy = [metric for metric in process.metrics if not metric.exact] or list(process.metrics)
    if len(noisy) > 1:
        names = ", ".join(metric.name for metric in noisy)
        raise Malformed(f"a metric must be named where there are several; got none of {names}", hint="--metric NAME")
    return noisy[0]


def gain_of(metric: Metric, given: float | str) -> tuple[float, float]:
    """Read a wanted gain; return it as declared, and in units of gain.

    Raises:
        Malformed: as ``amount_of``.
        OutOfRange: as ``amount_of``; or all of a metric of which less is better.
    """
    change = amount_of(metric, given, what="a gain")
    if metric.scale == "ratio" and metric.better == "lower" and change >= 1:
        raise OutOfRange(f"a gain of {metric.name} must be below 100 %, for it is above 0; got {given!r}")
    return change, metric.as_gain(change)


def sd_of(head: Head, metric: Metric, found: Sequence[Scatter], given: float | str | None) -> tuple[float, str]:
    """Return the sd of a pair's difference in the metric's units of gain, and what it rests on.

    Raises:
        Malformed: as ``amount_of``.
        OutOfRange: as ``amount_of``.
        OutOfTurn: nothing was given, and too few readings are known.
    """
    if given is not None:
        return amount_of(metric, given, what="the sd of a pair's difference"), "as given"
    if metric.exact:
        return 0.0, "declared exact"
    name = UTILITY.name if metric.worth > 0 else metric.name
    one = next(scatter for scatter in found if scatter.metric.name == name)
    if one.pair is None:
        example = "3%" if metric.scale == "ratio" else f"'{metric.amount(metric.worthwhile or 0.5)}'"
        raise OutOfTurn(
            f"the noise of {metric.name} must be known from {LEAST} readings of today's standard or more; got {one.readings}",
            hint=f"kaizen noise {head.process.name} -n 20 makes them; or say the sd of a pair's difference: --sd "
            f"{example}",
        )
    paired = f" and {one.pairs} pairs" if one.pairs else ""
    return one.pair / share(metric), f"from {one.readings} readings{paired}"


def plan_trial(
    head: Head, metric: Metric, wanted: tuple[float, float], noise: tuple[float, str], within: Within, *, each: Spend,
    known: Mapping[str, float], odds: float = ODDS,
) -> TrialPlan:  # fmt: skip
    """Tell what the proof of a gain takes: ``wanted`` is ``gain_of``, ``noise`` is ``sd_of``, ``each`` what one run uses.

    All other noisy metrics must be proven to keep their margins, at their noise as it is ``known`` (sd of a pair's
    difference by name); their odds are multiplied, as if they had nothing to do with one another.

    Raises:
        OutOfRange: ``odds`` is not between 0 and 1.
    """
    if not 0 < odds < 1:
        raise OutOfRange(f"odds must be above 0 and below 1; got {odds:g}", hint="0.8 is four in five")
    (change, gain), (sd, rests), policy = wanted, noise, head.process.policy
    others = _others(head.process, metric)
    one_pair = metric.exact and not others
    most = 1 if one_pair else policy.patience
    beside = tuple(_beside(other, known.get(other.name), within(most)) for other in others)
    within = _with_margins(within, metric, beside)
    foreseen = within(most)(gain, sd)
    enough = _enough(within, gain, sd, odds, most=most)
    left = pairs_left(head, each)
    made = TrialPlan(
        process=head.process.name, metric=metric, change=change, gain=gain, sd=sd, known=rests, wanted=odds, most=most,
        alpha=0.0 if head.process.exact else cycle.next_alpha(head), odds=foreseen.odds, pairs=foreseen.pairs,
        enough=enough, spend=spend_of(enough or most, each),
        smallest=0.0 if metric.exact else _smallest(within(most), sd, odds), left=left,
        left_odds=within(left)(gain, sd).odds if left and left < most and not metric.exact else None,
        shut="" if one_pair else cycle.unprovable(head), beside=beside,
    )  # fmt: skip
    return made if made.affordable else msgspec.structs.replace(made, mends=_mends(made, within))


def _others(process: Process, metric: Metric) -> list[Metric]:
    """Return the noisy metrics that a trial of a gain by ``metric`` judges beside it."""
    own = UTILITY.name if metric.worth > 0 else metric.name
    return [other for other in judged(process) if other.name != own]


def _beside(metric: Metric, sd: float | None, foretell: Foretell) -> Beside:
    odds = None if sd is None else _kept(metric, sd, foretell).odds
    return Beside(metric=metric, sd=sd, odds=odds)


def _kept(metric: Metric, sd: float, foretell: Foretell) -> Prospect:
    """Foretell the proof that a metric which stays as it is keeps its margin."""
    room = -metric.as_loss(metric.margin)
    if sd <= 0:
        return Prospect(pairs=1, odds=1.0)
    return foretell(room, sd) if room > 0 else Prospect(pairs=OUT_OF_REACH, odds=0.0)


def _with_margins(within: Within, metric: Metric, beside: Sequence[Beside]) -> Within:
    """Return the forecast of a gain by ``metric`` and of all the margins beside it."""

    def at_most(pairs: int) -> Foretell:
        foretell = within(pairs)
        kept = [_kept(other.metric, other.sd, foretell) for other in beside if other.sd is not None]

        def both(gain: float, sd: float) -> Prospect:
            own = Prospect(pairs=1, odds=1.0) if metric.exact else foretell(gain, sd)
            return Prospect(
                pairs=max(one.pairs for one in (own, *kept)), odds=math.prod(one.odds for one in (own, *kept))
            )

        return both

    return at_most


def _enough(within: Within, gain: float, sd: float, odds: float, *, most: int) -> int | None:
    """Return the fewest pairs that have the odds when declared as the most; ``None`` where more than ``most`` are needed."""
    if within(most)(gain, sd).odds < odds:
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if within(middle)(gain, sd).odds >= odds else (middle, high)
    return high


def pairs_left(head: Head, each: Spend) -> int | None:
    """Return how many pairs what is left of the budget pays for; ``None`` where there is none, or nothing is known of it."""
    policy, spent = head.process.policy, head.spent
    out = sum(1 for run in head.runs if run.attempt > 0)
    left = []
    if policy.runs is not None:
        left.append(max(0, policy.runs - spent.runs - out) // 2)
    for limit, used, one in ((policy.seconds, spent.seconds, each.seconds), (policy.money, spent.money, each.money)):
        if limit is not None and one > 0:
            left.append(max(0, int((limit - used) / (2 * one))))
    return min(left, default=None)


def _mends(plan: TrialPlan, within: Within) -> tuple[str, ...]:
    """Say what would make a gain affordable: a larger budget, a larger cap, less noise, repeats, a larger gain."""
    if plan.shut:
        return ("allow more pairs in the policy, or adopt something first: an adoption earns error budget",)
    if plan.enough is not None:
        return (f"raise the budget: {2 * plan.enough} more runs are wanted, and it pays for {2 * (plan.left or 0)}",)
    tight = [one.metric for one in plan.beside if one.odds is not None and one.odds < plan.wanted]
    widen = [
        f"widen the margin of {metric.name}, which is {metric.amount(metric.margin)}, or lower its noise"
        for metric in tight
    ]
    larger = _enough(within, plan.gain, plan.sd, plan.wanted, most=_FAR)
    said = [f"raise the cap: pairs = {larger} in the policy"] if larger is not None else []
    if plan.smallest:
        quieter = plan.gain / plan.smallest
        repeats = math.ceil(1 / quieter**2)
        said += [
            f"lower the noise: a pair's sd of {plan.metric.amount(plan.sd * quieter)} would do",
            f"repeat inside a run: {repeats} readings, told as their mean, if they do not share their noise",
            f"look for more: {spelled(plan.metric, plan.smallest)} is the smallest gain within {plan.most} pairs",
        ]
    return (*said, *widen)
