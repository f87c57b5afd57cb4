"""What adopted standards promised, what their fresh pairs deliver, and how the watch and the judge themselves fared.

The gain that a chosen trial showed is too good: it was chosen for it. What is told first of a standard is therefore its
promise, the gain less what the luck of the chosen owes, with the lower end of its proof's interval.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from kaizen.journal import Head, Kept, Tested
from kaizen.metric import Metric
from kaizen.reports.budget import percent
from kaizen.reports.lines import count
from kaizen.setting import Numbers
from kaizen.standard import Standard
from kaizen.verdict import Effect

Ended = Literal["", "done", "fallen", "drift", "stopped"]
"""How a watch ended: it is still open; enough was seen; the standard fell behind; both sides fell; something else came first."""

ENDS: dict[Ended, str] = {
    "": "watched on",
    "done": "watched to the end",
    "fallen": "fell behind",
    "drift": "ended by drift",
    "stopped": "ended early",
}
"""The ends of a watch in words."""


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """What the watch of one standard has seen so far."""

    trial: int
    """Of purpose *shadow*."""
    standard: int
    """The standard that is watched beside the one before."""
    pairs: int
    effects: tuple[Effect, ...] = ()
    """What the standard delivers over the one before; empty without pairs."""
    ended: Ended = ""

    @property
    def told(self) -> tuple[Effect, ...]:
        """The effects that have an interval: of noisy metrics, where fresh pairs are enough."""
        return tuple(one for one in self.effects if one.exact or one.low is not None or one.high is not None)

    @property
    def few(self) -> bool:
        """Whether no noisy metric can be told yet."""
        return all(effect.exact for effect in self.told)


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """One standard that was proven and adopted: what it promised over the one before, and what it delivers."""

    standard: int
    before: int
    trial: int
    """Its proof."""
    metrics: tuple[Metric, ...]
    promised: tuple[Effect, ...]
    """By metric, with the lower end of the proof's interval alone; no gain where none was promised."""
    watch: Watched | None = None
    waits: bool = False
    """Whether its watch is still to come."""
    exact: bool = False
    """Whether every reading repeats, so that there is nothing to watch."""

    @property
    def promise(self) -> str:
        """What was promised, in words: ``promised taste +1.2 (at worst +0.4)``."""
        said = ", ".join(filter(None, (honest(effect, metric) for effect, metric in self.spelt(self.promised))))
        return f"promised {said}" if said else "no gain was promised"

    @property
    def delivery(self) -> str:
        """What it delivers, in words: ``delivered +1.1 [+0.4, +1.9] in 24 fresh pairs``; empty where nothing is watched."""
        if self.watch is None:
            return "" if self.exact else "not watched yet" if self.waits else "not watched"
        pairs = count(self.watch.pairs, "fresh pair")
        if self.watch.few:
            return f"too few fresh pairs ({self.watch.pairs})" if self.watch.pairs else "no fresh pair yet"
        named = "" if len(self.metrics) == 1 else "{} "
        said = [f"{named.format(one.metric)}{bare(one, metric)}" for one, metric in self.spelt(self.watch.told)]
        return f"delivered {', '.join(said)} in {pairs}"

    @property
    def end(self) -> str:
        """How its watch stands, in words; empty where it was not watched."""
        return ENDS[self.watch.ended] if self.watch is not None else ""

    def __str__(self) -> str:
        """Return ``promised taste +1.2 (at worst +0.4); delivered +1.1 [+0.4, +1.9] in 24 fresh pairs, watched on``."""
        end = f", {self.end}" if self.watch is not None else ""
        return "; ".join(filter(None, (self.promise, f"{self.delivery}{end}" if self.delivery else "")))

    def document(self) -> dict[str, Any]:
        """Return it for programs, in units of gain."""
        return {
            "standard": self.standard, "over": self.before, "trial": self.trial,
            "promised": {one.metric: one.gain for one in self.promised},
            "at_worst": {one.metric: one.low for one in self.promised},
            "watch": self.watch.trial if self.watch else None, "pairs": self.watch.pairs if self.watch else 0,
            "delivered": self.watch.effects if self.watch else (), "end": self.end, "said": str(self),
        }  # fmt: skip

    def spelt(self, effects: Sequence[Effect]) -> list[tuple[Effect, Metric]]:
        """Return effects with the metrics that spell them."""
        by_name = {metric.name: metric for metric in self.metrics}
        return [(effect, by_name[effect.metric]) for effect in effects if effect.metric in by_name]


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """What standards promised in one metric and deliver, added up over those whose fresh pairs say something."""

    metric: Metric
    standards: int
    promised: float
    delivered: Effect

    def __str__(self) -> str:
        """Return ``taste +2.1 → +1.8 [+0.9, +2.7]``."""
        promised, *_ = figures(self.metric, self.promised, self.delivered.low, self.delivered.high)
        return f"{self.metric.name} {promised} → {bare(self.delivered, self.metric)}"


# ── gathering ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def promises(
    head: Head, standards: Sequence[Kept], trials: Sequence[Tested], watches: Sequence[Watched]
) -> list[Promise]:
    """Return every standard that a trial proved and that was adopted for it, in order, with what is known since."""
    tests = {test.id: test for test in trials}
    watched = {watch.standard: watch for watch in watches}
    made = []
    for kept in standards:
        standard = kept.standard
        test = tests.get(standard.trial or 0)
        if test is None or test.verdict is None or test.adopted != standard.number:
            continue
        exact = all(metric.exact for metric in test.trial.design.metrics)
        made.append(
            Promise(
                standard=standard.number,
                before=test.trial.increment.of,
                trial=test.id,
                metrics=test.trial.design.metrics,
                promised=promised_by(standard, test),
                watch=watched.get(standard.number),
                waits=standard == head.standard and head.process.policy.shadow > 0 and head.before is not None,
                exact=exact,
            )
        )
    return made


def promised_by(standard: Standard, test: Tested) -> tuple[Effect, ...]:
    """Return what a standard promised, by metric; the low end is never above the promise."""
    shown = {effect.metric: effect for effect in (test.verdict.effects if test.verdict is not None else ())}
    return tuple(_promised(metric, standard.promised, shown.get(metric.name)) for metric in test.trial.design.metrics)


def _promised(metric: Metric, promised: Numbers, shown: Effect | None) -> Effect:
    gain = promised.get(metric.name)
    if gain is None and shown is not None and shown.exact:
        gain = shown.gain  # nothing is owed to luck
    low = shown.low if shown is not None else None
    low = min(low, gain) if low is not None and gain is not None else low
    level = shown.level if shown is not None else 1.0
    return Effect(metric=metric.name, gain=gain, low=low, high=None, level=level, exact=metric.exact)


def kept_so_far(made: Sequence[Promise]) -> list[Sum]:
    """Add up promises and deliveries by metric, over the standards whose fresh pairs say something of it.

    The intervals' ends and levels are added up, too: the sum misses no more often than they do together.
    """
    metrics = {metric.name: metric for promise in made for metric in promise.metrics}
    return [kept for metric in metrics.values() if (kept := _kept(metric, made)) is not None]


def _kept(metric: Metric, made: Sequence[Promise]) -> Sum | None:
    both: list[tuple[float, Effect]] = []
    for promise in made:
        watch = promise.watch
        if metric not in promise.metrics or watch is None or watch.few:
            continue
        promised = next((one.gain for one in promise.promised if one.metric == metric.name), None)
        delivered = next((one for one in watch.told if one.metric == metric.name), None)
        if promised is not None and delivered is not None:
            both.append((promised, delivered))
    if not both:
        return None
    return Sum(
        metric=metric,
        standards=len(both),
        promised=math.fsum(promised for promised, _ in both),
        delivered=added(metric.name, [effect for _, effect in both]),
    )


def added(name: str, effects: Sequence[Effect]) -> Effect:
    """Add up effects on one metric: gains, ends of intervals, and the chances that these miss; what is unknown stays so."""
    return Effect(
        metric=name,
        gain=_sum([effect.gain for effect in effects]),
        low=_sum([effect.low for effect in effects]),
        high=_sum([effect.high for effect in effects]),
        level=min(1.0, math.fsum(effect.level for effect in effects)),
        exact=all(effect.exact for effect in effects),
    )


def _sum(ends: Sequence[float | None]) -> float | None:
    known = [end for end in ends if end is not None]
    return math.fsum(known) if len(known) == len(ends) else None


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def honest(effect: Effect, metric: Metric) -> str:
    """Say a promise with its low end: ``taste +1.2 (at worst +0.4)``; the low end alone where nothing is promised."""
    gain, low = figures(metric, effect.gain, effect.low)
    if effect.gain is None:
        return f"{metric.name} at worst {low}{unit_of(metric)}" if effect.low is not None else ""
    if effect.exact:
        return f"{metric.name} {metric.spell(effect.gain)} (exact)"
    said = f"{metric.name} {gain}{unit_of(metric)}"
    return f"{said} (at worst {low})" if effect.low is not None else said


def bare(effect: Effect, metric: Metric) -> str:
    """Say an effect without the metric's name: ``+1.1 points [+0.4, +1.9]``, as finely as its interval allows."""
    if effect.exact and effect.gain is not None:
        return f"{metric.spell(effect.gain)} (exact)"
    gain, low, high = figures(metric, effect.gain, effect.low, effect.high)
    ends = (low, high) if metric.better == "higher" else (high, low)
    return f"{gain}{unit_of(metric)} [{', '.join(ends)}]"


def figures(metric: Metric, *gains: float | None) -> tuple[str, ...]:
    """Say gains without their unit, all to one place: a tenth of what they span, or of what is worthwhile; ``?`` if unknown."""
    if metric.scale == "ratio":
        return tuple("?" if gain is None else metric.spell(gain) for gain in gains)
    changes = [None if gain is None else metric.as_change(gain) for gain in gains]
    known = [change for change in changes if change is not None]
    span = max(max(known) - min(known), metric.worthwhile) if known else 0.0
    span = span if span > 0 else max(map(abs, known), default=1.0) or 1.0
    places = max(0, 1 - math.floor(math.log10(span)))
    return tuple("?" if change is None else f"{round(change, places) + 0.0:+.{places}f}" for change in changes)


def unit_of(metric: Metric) -> str:
    """Return the unit that figures are followed by, with a space; nothing for ratios."""
    return f" {metric.unit}" if metric.unit and metric.scale == "difference" else ""


def sum_words(found: Sequence[Sum]) -> str:
    """Say ``promised → delivered over 2 watched standards: taste +2.1 → +1.8 [+0.9, +2.7]``; empty where nothing is known."""
    by_number: dict[int, list[str]] = {}
    for kept in found:
        by_number.setdefault(kept.standards, []).append(str(kept))
    said = (f"over {count(number, 'watched standard')}: {', '.join(words)}" for number, words in by_number.items())
    return f"promised → delivered {'; '.join(said)}" if by_number else ""


# ── copies of the standard ────────────────────────────────────────────────────────────────────────────────────────────


class Copies(msgspec.Struct, frozen=True, kw_only=True):
    """How the judge fared with copies of the standard, which are never better."""

    judged: int
    fooled: tuple[Tested, ...]
    """Those it found better: false alarms."""
    expected: float
    """The most false alarms that its levels allow, on average."""

    def __str__(self) -> str:
        """Return ``3 copies of the standard tried, none judged better (at most 0.06 expected)``."""
        if not self.judged:
            return ""
        tried = f"{self.judged} {'copy' if self.judged == 1 else 'copies'} of the standard tried"
        found = f"{len(self.fooled)} judged better" if self.fooled else "none judged better"
        return f"{tried}, {found} (at most {self.expected:.2g} expected)"


def copies(trials: Sequence[Tested]) -> Copies:
    """Count the copies of the standard that were judged, and those that fooled the judge."""
    judged = [test for test in trials if test.trial.purpose == "null" and test.verdict is not None]
    return Copies(
        judged=len(judged),
        fooled=tuple(test for test in judged if fooled(test)),
        expected=math.fsum(test.trial.design.alpha for test in judged),
    )


def fooled(test: Tested) -> bool:
    """Tell whether the judge found a copy of the standard better than itself."""
    return test.trial.purpose == "null" and test.verdict is not None and test.verdict.decision == "better"


def false_alarm(test: Tested) -> str:
    """Say loudly that the judge was fooled."""
    return (
        f"trial {test.id} judged a copy of standard {test.trial.increment.of} better than itself: a false alarm of the "
        f"judge, expected in at most {percent(test.trial.design.alpha, digits=2)} of such trials"
    )
