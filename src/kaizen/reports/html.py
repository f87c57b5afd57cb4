"""A process's story as one page: a file that needs nothing but a browser, or a printer.

Words and order stand in ``page.jinja``, looks in ``style.jinja``, drawing in ``charts``. Here: what the page says that
the story does not say already, which is little: sums, medians, what to draw.
"""

import importlib.metadata
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup

from kaizen.explanation import BELIEVED
from kaizen.journal import Kept, Tested, Tried
from kaizen.metric import UTILITY, Metric
from kaizen.reports import Story, charts, drivers, pictures
from kaizen.reports.gains import Gained, since_first
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
    template = _environment().get_template("page.jinja")
    return template.render(
        story=story,
        head=story.head,
        process=story.head.process,
        trials=trials,
        gained=gained[story.head.standard.number],
        totals=_totals(story, gained[story.head.standard.number]),
        standards=[_standard(kept, story.standards, trials, gained) for kept in story.standards],
        timelines=[(metric, pictures.timeline(story, metric)) for metric in story.head.process.metrics],
        legend=[(_drawn(charts.glyph(shape)), pictures.WORDS[shape]) for shape in pictures.shapes(story)],
        pareto=pictures.pareto(story),
        drivers=drivers.told(story.explanation, story.head.process) if story.explanation else [],
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
    kept: Kept, standards: Sequence[Kept], trials: Mapping[int, Tested], gained: Mapping[int, Gained]
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
        "metrics": {metric.name: metric for metric in (UTILITY, *test.trial.design.metrics)}
        if test is not None
        else {},
    }


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
    reaches = {metric.name: _reach(metric, shown) for metric in story.head.process.metrics}
    rows = []
    for test in shown:
        under_way = story.head.under_way(test.id)
        rows.append({
            "test": test,
            "word": _word(test),
            "changes": changes(test.trial.increment.before, test.trial.increment.after),
            "pairs": test.verdict.pairs if test.verdict else len(under_way.trial.pairs) if under_way else None,
            "spend": test.spend if under_way is None else under_way.spend,
            "remarks": _remarks(test, story.head.process.policy.consent if under_way and under_way.verdict else ""),
            "strips": {name: _strip(test, name, reach) for name, reach in reaches.items()},
        })  # fmt: skip
    return {"rows": rows, "ids": {test.id for test in shown}, "left": len(story.trials) - len(shown)}


def _word(test: Tested) -> str:
    if test.stopped is not None:
        return "stopped"
    if test.verdict is None:
        return "open"
    return test.verdict.decision.replace("_", " ")


def _remarks(test: Tested, awaited: str) -> list[str]:
    """Return what there is to say of how a trial ended; ``awaited`` is whose consent it waits for."""
    found = []
    if test.stopped is not None:
        found.append(": ".join(filter(None, (test.stopped.reason, test.stopped.note))))
    elif test.verdict is not None and test.verdict.decision != "better":  # for better, the numbers speak
        found.append(test.verdict.reason)
    if len(test.verdicts) > 1:
        found.append(f"corrected; before: {', '.join(v.decision.replace('_', ' ') for v in test.verdicts[:-1])}")
    people = {"waits for the consent of": awaited, "agreed to by": test.consent, "refused by": test.refused}
    return found + [f"{said} {who}" for said, who in people.items() if who]


def _design(test: Tested, name: str) -> Metric | None:
    return next((metric for metric in test.trial.design.metrics if metric.name == name), None)


def _reach(metric: Metric, tests: Sequence[Tested]) -> float:
    """Return how far to both sides of zero one metric's strips must reach; the widest intervals may run out."""
    effects = [effect for test in tests if test.verdict and (effect := test.verdict.effect(metric.name))]
    ends = sorted(abs(end) for effect in effects for end in (effect.low, effect.high) if end is not None)
    most = [ends[(len(ends) * 9 - 1) // 10]] if ends else []
    gains = [abs(effect.gain) for effect in effects if effect.gain is not None]
    return 1.15 * max([*most, *gains, metric.as_gain(metric.worthwhile), -metric.as_loss(metric.margin), 1e-12])


def _strip(test: Tested, name: str, reach: float) -> Markup | None:
    metric, effect = _design(test, name), test.verdict.effect(name) if test.verdict else None
    if metric is None or effect is None:
        return None
    marks = (metric.as_loss(metric.margin), metric.as_gain(metric.worthwhile))
    title = f"trial {test.id}: {name} {spell(effect, metric)}"
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
    gain = metric.spell(effect.gain)
    if effect.exact:
        return _signed(f"{gain} (exact)")
    ends = (effect.low, effect.high) if metric.better == "higher" else (effect.high, effect.low)
    low, high = (None if end is None else metric.spell(end) for end in ends)
    if low is None and high is None:
        return _signed(f"{gain} (too few pairs for an interval)")
    if low is None or high is None:
        return _signed(f"{gain} (below {high})" if low is None else f"{gain} (above {low})")
    return _signed(f"{gain} [{low}, {high}]")


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
        spell=spell, when=when, seconds=seconds, fold=fold, number=number, signed=_signed, log=math.log, drawn=_drawn
    )
    return environment
