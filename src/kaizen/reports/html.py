"""A process's story as one page: a file that needs nothing but a browser, or a printer.

Words and order stand in ``page.jinja``, looks in ``style.jinja``, drawing in ``charts``. Here: what the page says that
the story does not say already, which is little: sums, medians, what to draw.
"""

import importlib.metadata
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup

from kaizen.explanation import BELIEVED
from kaizen.journal import Kept, Tested, Tried
from kaizen.metric import Metric
from kaizen.reports import Story, charts, drivers, pictures, remembered
from kaizen.reports.gains import Gained, since_first
from kaizen.reports.lines import subject
from kaizen.reports.promises import (
    ENDS,
    Promise,
    Watched,
    bare,
    copies,
    false_alarm,
    figures,
    fooled,
    honest,
    kept_so_far,
    unit_of,
)
from kaizen.reports.text import attempts, watches
from kaizen.setting import Setting
from kaizen.trial import FAULTS, Fault, Spend
from kaizen.verdict import Effect

_TRIALS = 80  # latest trials the page shows; those that were adopted, always
_LESSONS = 80
_SAID = 40  # latest voices, latest pulls of the cord
_RECOMMENDED = 12
_TAIL = 600  # letters of what a failed run printed last


def page(story: Story) -> str:
    """Tell a story as one HTML page: nothing in it runs, nothing is loaded, and the same story gives the same bytes."""
    trials = {test.id: test for test in story.trials}
    gained = since_first(story.standards, trials)
    promises = {promise.standard: promise for promise in story.promises}
    judged = copies(story.trials)
    template = _environment().get_template("page.jinja")
    return template.render(
        story=story,
        head=story.head,
        process=story.head.process,
        trials=trials,
        gained=gained[story.head.standard.number],
        totals=_totals(story, gained[story.head.standard.number]),
        standards=[_standard(kept, story.standards, trials, gained, promises) for kept in story.standards],
        sums=_sums(story),
        copies=judged,
        alarms=[false_alarm(test) for test in judged.fooled],
        attempts=attempts(story.head),
        watches=watches(story.head),
        timelines=[(metric, pictures.timeline(story, metric)) for metric in story.head.process.metrics],
        legend=[(_drawn(charts.glyph(shape)), pictures.WORDS[shape]) for shape in pictures.shapes(story)],
        pareto=pictures.pareto(story),
        drivers=drivers.told(story.explanation, story.head.process) if story.explanation else [],
        remembered=remembered.told(story),
        believed=f"{BELIEVED:.0%}".replace("%", " %"),
        tests=_tests(story),
        faults=_faults(story.runs),
        purposes=_purposes(story),
        late=_late(story),
        limits={"lessons": _LESSONS, "said": _SAID, "recommended": _RECOMMENDED, "tail": _TAIL},
        reasons=FAULTS,
        differ=changes,
        methods=_methods(story),
        version=_version(),
    )


# ── tables ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _totals(story: Story, gained: Gained) -> list[tuple[Metric, Effect]]:
    totals = ((metric, gained.total(metric)) for metric in story.head.process.metrics)
    return [(metric, effect) for metric, effect in totals if effect is not None]


def _standard(
    kept: Kept,
    standards: Sequence[Kept],
    trials: Mapping[int, Tested],
    gained: Mapping[int, Gained],
    promises: Mapping[int, Promise],
) -> dict[str, Any]:
    standard = kept.standard
    before = next((other.standard.setting for other in standards if other.standard.number == standard.of), None)
    test = trials.get(standard.trial) if standard.trial is not None else None
    return {
        "kept": kept,
        "standard": standard,
        "changes": changes(before, standard.setting),
        "back": gained[standard.number].back,
        "verdict": test.verdict if test is not None and test.adopted == standard.number else None,
        "promise": promises.get(standard.number),
        "promised": [
            _signed(said) for one, metric in _spelt(promises.get(standard.number)) if (said := honest(one, metric))
        ],
        "delivered": _delivered(promises.get(standard.number)),
    }


def _spelt(promise: Promise | None) -> list[tuple[Effect, Metric]]:
    return promise.spelt(promise.promised) if promise is not None else []


def _delivered(promise: Promise | None) -> list[tuple[str, Markup]]:
    """Return what a standard delivers, by metric in words and drawn beside what was promised; nothing while pairs are few."""
    if promise is None or promise.watch is None or promise.watch.few:
        return []
    promised = {one.metric: one.gain for one in promise.promised}
    made = []
    for one, metric in promise.spelt(promise.watch.told):
        said = _signed(f"{one.metric} {bare(one, metric)}")
        ends = [end for end in (one.low, one.high, one.gain, promised.get(one.metric)) if end is not None]
        reach = 1.15 * max(*map(abs, ends), metric.as_gain(metric.worthwhile), 1e-12)
        drawn = charts.strip(
            one.gain, (one.low, one.high), reach=reach, marks=(0.0, 0.0), promised=promised.get(one.metric),
            shape="disc", title=f"standard {promise.standard}: {said} delivered",
        )  # fmt: skip
        made.append((said, _drawn(drawn)))
    return made


def _sums(story: Story) -> list[tuple[int, list[str]]]:
    """Return for so many watched standards each what they promised and deliver together."""
    found: dict[int, list[str]] = {}
    for one in kept_so_far(story.promises):
        found.setdefault(one.standards, []).append(str(one))
    return list(found.items())


def changes(before: Setting | None, after: Setting) -> list[tuple[str, str | None, str | None]]:
    """Return name, old value and new value of all that differs; ``None`` where a parameter is not active."""
    old = before if before is not None else Setting()
    names = sorted({*old, *after})
    pairs = [(name, _value(old, name), _value(after, name)) for name in names]
    return [pair for pair in pairs if pair[1] != pair[2]]


def _value(setting: Setting, name: str) -> str | None:
    if name not in setting:
        return None
    value = setting[name]
    return str(value).lower() if isinstance(value, bool) else (value or "''") if isinstance(value, str) else repr(value)


def _tests(story: Story) -> dict[str, Any]:
    """Return the rows of trials, latest first, and how many older ones are left out."""
    old = story.trials[:-_TRIALS]
    shown = [*reversed(story.trials[-_TRIALS:]), *(test for test in reversed(old) if test.adopted is not None)]
    heard = {watch.trial: watch for watch in story.watches}
    over = {kept.standard.number: kept.standard.of for kept in story.standards}
    effects = {test.id: _effects(test, heard.get(test.id)) for test in shown}
    reaches = {metric.name: _reach(metric, effects.values()) for metric in story.head.process.metrics}
    rows = []
    for test in shown:
        under_way, watch = story.head.under_way(test.id), heard.get(test.id)
        seen = test.verdict.pairs if test.verdict else watch.pairs if watch else None
        rows.append({
            "test": test,
            "subject": subject(test.trial, before=over.get(test.trial.increment.of)),
            "word": _word(test, watch),
            "tone": _tone(test, watch),
            "effects": effects[test.id],
            "changes": changes(test.trial.increment.before, test.trial.increment.after),
            "pairs": seen if seen is not None else len(under_way.trial.pairs) if under_way else None,
            "spend": test.spend if under_way is None else under_way.spend,
            "remarks": _remarks(test, story.head.process.policy.consent if under_way and under_way.verdict else ""),
            "strips": {name: _strip(test, effects[test.id].get(name), reach) for name, reach in reaches.items()},
        })  # fmt: skip
    return {"rows": rows, "ids": {test.id for test in shown}, "left": len(story.trials) - len(shown)}


def _effects(test: Tested, watch: Watched | None) -> dict[str, Effect]:
    """Return what a trial's pairs showed, by metric; of a watch, what its standard delivers."""
    found = test.verdict.effects if test.verdict is not None else watch.effects if watch is not None else ()
    return {effect.metric: effect for effect in found}


def _word(test: Tested, watch: Watched | None) -> str:
    if watch is not None:
        return ENDS[watch.ended]
    if fooled(test):
        return "false alarm"
    if test.stopped is not None:
        return "stopped"
    if test.verdict is None:
        return "open"
    return test.verdict.decision.replace("_", " ")


def _tone(test: Tested, watch: Watched | None) -> tuple[str, str]:
    """Return the sign before a word and how it is coloured."""
    word = _word(test, watch)
    if word in ("false alarm", ENDS["fallen"], ENDS["drift"], "stopped"):
        return "■", "bad"
    signs = {"better": ("▲", "good"), "worse": ("▼", "bad"), "open": ("…", ""), ENDS[""]: ("…", "")}
    return signs.get(word, ("●", ""))


def _remarks(test: Tested, awaited: str) -> list[str]:
    """Return what there is to say of how a trial ended; ``awaited`` is whose consent it waits for."""
    found = []
    if fooled(test):
        found.append(false_alarm(test))
    elif test.stopped is not None and test.stopped.reason == "watched":
        found.append(test.stopped.note)
    elif test.stopped is not None:
        found.append(": ".join(filter(None, (test.stopped.reason, test.stopped.note))))
    elif test.verdict is not None and test.verdict.decision != "better":  # for better, the numbers speak
        found.append(test.verdict.reason)
    if len(test.verdicts) > 1:
        found.append(f"corrected; before: {', '.join(v.decision.replace('_', ' ') for v in test.verdicts[:-1])}")
    people = {"waits for the consent of": awaited, "agreed to by": test.consent, "refused by": test.refused}
    return found + [f"{said} {who}" for said, who in people.items() if who]


def _design(test: Tested, name: str) -> Metric | None:
    return next((metric for metric in test.trial.design.metrics if metric.name == name), None)


def _reach(metric: Metric, found: Iterable[Mapping[str, Effect]]) -> float:
    """Return how far to both sides of zero one metric's strips must reach; the widest intervals may run out."""
    effects = [one[metric.name] for one in found if metric.name in one]
    ends = sorted(abs(end) for effect in effects for end in (effect.low, effect.high) if end is not None)
    most = [ends[(len(ends) * 9 - 1) // 10]] if ends else []
    gains = [abs(effect.gain) for effect in effects if effect.gain is not None]
    return 1.15 * max([*most, *gains, metric.as_gain(metric.worthwhile), -metric.as_loss(metric.margin), 1e-12])


def _strip(test: Tested, effect: Effect | None, reach: float) -> Markup | None:
    metric = _design(test, effect.metric) if effect is not None else None
    if metric is None or effect is None:
        return None
    marks = (metric.as_loss(metric.margin), metric.as_gain(metric.worthwhile))
    title = f"trial {test.id}: {effect.metric} {spell(effect, metric)}"
    shape: charts.Shape = "disc" if test.adopted is not None else "ring"
    ends = (effect.low, effect.high)
    return _drawn(charts.strip(effect.gain, ends, reach=reach, marks=marks, shape=shape, title=title))


def _faults(runs: Sequence[Tried]) -> list[tuple[str, int, Tried]]:
    """Return reasons, how often, and the latest run of each, the most frequent first."""
    failed = [(run.outcome.reason, run) for run in runs if isinstance(run.outcome, Fault)]
    last = dict(failed)
    return [(reason, count, last[reason]) for reason, count in Counter(reason for reason, _ in failed).most_common()]


def _purposes(story: Story) -> list[tuple[str, Spend, int]]:
    """Return what each purpose took, and how many of its runs ended in a fault."""
    found = []
    for name in ("scout", "trial", "null", "shadow", "reported"):
        runs = [run for run in story.runs if ("reported" if run.source else run.purpose) == name]
        if runs:
            found.append((name, _spent(runs), sum(isinstance(run.outcome, Fault) for run in runs)))
    return found


def _spent(runs: Sequence[Tried]) -> Spend:
    seconds, money = math.fsum(run.spend.seconds for run in runs), math.fsum(run.spend.money for run in runs)
    return Spend(runs=len(runs), seconds=seconds, money=money)


def _late(story: Story) -> Spend | None:
    """Return what answers took that came after their lease had passed on, where there were any."""
    told, rows = story.head.spent, _spent([run for run in story.runs if not run.source])
    if told.runs <= rows.runs:
        return None
    seconds, money = max(0.0, told.seconds - rows.seconds), max(0.0, told.money - rows.money)
    return Spend(runs=told.runs - rows.runs, seconds=seconds, money=money)


def _methods(story: Story) -> list[str]:
    judges = {test.trial.design.method for test in story.trials}
    return sorted(judges | {verdict.method for test in story.trials for verdict in test.verdicts} - {""})


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def spell(effect: Effect, metric: Metric) -> str:
    """Say an effect without the metric's name: ``−39.1% [−40.1%, −38.0%]``."""
    if effect.gain is None:
        return "no typical gain, for faults"
    if effect.exact:
        return _signed(f"{metric.spell(effect.gain)} (exact)")
    gain, low, high = figures(metric, effect.gain, effect.low, effect.high)
    said = f"{gain}{unit_of(metric)}"
    if effect.low is None and effect.high is None:
        return _signed(f"{said} (too few pairs for an interval)")
    ends = [(low, effect.low), (high, effect.high)]
    (first, known), (last, bounded) = ends if metric.better == "higher" else reversed(ends)
    if known is None or bounded is None:
        return _signed(f"{said} (below {last})" if known is None else f"{said} (above {first})")
    return _signed(f"{said} [{first}, {last}]")


def _honest(effect: Effect, metric: Metric) -> str:
    """Say a promise without the metric's name."""
    return _signed(honest(effect, metric).removeprefix(f"{metric.name} "))


def _signed(text: str) -> str:
    """Give numbers a minus as wide as their plus."""
    return text.replace("-", "−")


def when(at: int) -> str:
    """Say a time in µs since 1970: ``2026-03-12 14:03``, in UTC."""
    if not 0 < at < 253_402_300_800_000_000:  # the year 10,000
        return "–"
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at):%Y-%m-%d %H:%M}"


def seconds(value: float) -> str:
    """Say a length of time in its largest fitting unit."""
    for unit, length in (("days", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if value >= 2 * length:
            return f"{charts.number(value / length, 0.1)} {unit}"
    return f"{charts.number(value, 0.1 if value >= 1 or value == 0 else None)} s"


def fold(log: float) -> str:
    """Say evidence, given as ln, as people bet: ``54``-fold."""
    if abs(log) < 9:
        return f"{math.exp(log):,.3g}" if log >= 0 else f"{math.exp(log):.2f}"
    return (
        "certain" if log >= 700 else "0" if log < 0 else f"{math.exp(log):.1e}".replace("e+0", "e").replace("e+", "e")
    )


def _shown(value: object) -> object:
    """Take out of text what no page can hold."""
    return charts.told(value) if type(value) is str else value


def _drawn(svg: str) -> Markup:
    return Markup(svg)  # noqa: S704 - charts escapes all that it is told


def _version() -> str:
    try:
        return importlib.metadata.version("kaizen-engine")
    except importlib.metadata.PackageNotFoundError:
        return "from source"


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("kaizen.reports", "."), autoescape=True, undefined=jinja2.StrictUndefined,
        finalize=_shown, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    number = charts.number
    environment.filters.update(
        spell=spell,
        when=when,
        seconds=seconds,
        fold=fold,
        number=number,
        signed=_signed,
        log=math.log,
        drawn=_drawn,
        honest=_honest,
    )
    return environment
