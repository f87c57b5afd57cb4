"""What a story's charts show: which readings, which levels, which settings, told to ``charts`` as plain values."""

import statistics
from collections.abc import Mapping, Sequence

import msgspec

from kaizen.journal import Tried
from kaizen.metric import Metric
from kaizen.reports import Story, charts
from kaizen.reports.charts import Dot, Level, Mark, Shape
from kaizen.setting import Setting

_DOTS = 6_000  # of all timelines together
_PURPOSES = {"scout": "scout", "trial": "trial", "null": "copy of the standard in trial", "shadow": "watch"}

WORDS: dict[Shape, str] = {
    "ring": "scout of another setting",
    "disc": "scout of the standard",
    "square": "the standard in a trial",
    "triangle": "the increment in a trial",
    "diamond": "the standard before, in a watch; or reported from elsewhere",
    "cross": "fault",
}
"""What the shapes of a timeline mean."""

Place = tuple[float, float]


# ── run by run ────────────────────────────────────────────────────────────────────────────────────────────────────────
class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """One metric's readings, drawn."""

    svg: str
    readings: int
    every: int
    """1 where all are drawn, else k where every k-th is."""


def timeline(story: Story, metric: Metric) -> Timeline | None:
    """Draw every reading of one metric in order; nothing if there is none."""
    dots, faults = _dots(story, metric), _faults(story)
    if not dots:
        return None
    starts = _starts(story)
    levels = _levels(story, metric.name, starts)
    guards = [guard for guard in story.head.process.guards if guard.metric == metric.name]
    limits = [(guard.at_least, "≥") for guard in guards] + [(guard.at_most, "≤") for guard in guards]
    typical = "; ".join(f"standard {number} typically {charts.number(level.y)}" for number, level in levels[-8:])
    low, high = min(dot.y for dot in dots), max(dot.y for dot in dots)
    seen = f"{len(dots)} readings from {charts.number(low)} to {charts.number(high)}, {len(faults)} faults"
    changes = [Mark(at=start - 0.5, label=str(number)) for number, start in starts if number > starts[0][0]]
    most = min(charts.LIMIT, _DOTS // len(story.head.process.metrics))
    svg = charts.timeline(
        dots, faults=faults, levels=[level for _, level in levels], changes=changes, most=most,
        limits=[Mark(at=at, label=f"guard {word} {charts.number(at)}") for at, word in limits if at is not None],
        title=f"{metric.name}, run by run", desc=f"{seen}; {typical}" if typical else seen,
    )  # fmt: skip
    return Timeline(svg=svg, readings=len(dots), every=charts.stride(len(dots), most))


def shapes(story: Story) -> list[Shape]:
    """Return the shapes that the timelines use, as they are told in a legend."""
    standards = _settings(story)
    used = {_shape(run, standards) for run in story.runs if run.values is not None}
    used |= {"cross" for run in story.runs if run.values is None}
    return [shape for shape in WORDS if shape in used]


def _dots(story: Story, metric: Metric) -> list[Dot]:
    name, standards, found = metric.name, _settings(story), []
    for place, run in enumerate(story.runs, 1):
        values = run.values
        if values is not None and name in values:
            note = f"run {run.id}, {_purpose(run)}: {charts.number(values[name])} {metric.unit}".rstrip()
            found.append(Dot(x=place, y=values[name], shape=_shape(run, standards), note=note))
    return found


def _faults(story: Story) -> list[Dot]:
    return [
        Dot(x=place, y=0.0, shape="cross", note=f"run {run.id}, {_purpose(run)}: {run.outcome}")
        for place, run in enumerate(story.runs, 1)
        if run.values is None
    ]


def _settings(story: Story) -> dict[int, Setting]:
    return {kept.standard.number: kept.standard.setting for kept in story.standards}


def _shape(run: Tried, standards: Mapping[int, Setting]) -> Shape:
    if run.side == "standard" or run.purpose == "null":
        return "square"
    if run.source or run.purpose == "shadow":
        return "diamond"
    if run.side is not None:
        return "triangle"
    return "disc" if standards.get(run.of) == run.setting else "ring"


def _purpose(run: Tried) -> str:
    if run.purpose == "shadow" and run.side == "increment":
        return f"watch {run.trial}, the standard before"
    if run.trial is not None:
        return f"{_PURPOSES[run.purpose]} {run.trial}, {run.side}"
    return f"reported by {run.source}" if run.source else _PURPOSES[run.purpose]


def _starts(story: Story) -> list[tuple[int, int]]:
    """Return each standard's number and the place of the first run planned under it, or one past the last run."""
    found, place = [], 1
    for kept in story.standards:
        while place <= len(story.runs) and story.runs[place - 1].of < kept.standard.number:
            place += 1
        found.append((kept.standard.number, place))
    return found


def _levels(story: Story, name: str, starts: Sequence[tuple[int, int]]) -> list[tuple[int, Level]]:
    """Return the median reading of each standard while it was in force, or in its trial if it was not run again."""
    ends = [start for _, start in starts[1:]] + [len(story.runs) + 1]
    found = []
    for kept, (number, start), end in zip(story.standards, starts, ends, strict=True):
        standard = kept.standard
        values = _values(story.runs[start - 1 : end - 1], standard.setting, name)
        if not values and standard.trial is not None:
            values = _values([run for run in story.runs if run.trial == standard.trial], standard.setting, name)
        if values and end > start:
            found.append((number, Level(start=start - 0.5, end=end - 0.5, y=statistics.median(values))))
    return found


def _values(runs: Sequence[Tried], setting: Setting, name: str) -> list[float]:
    read = [run.values for run in runs if run.setting == setting]
    return [values[name] for values in read if values is not None and name in values]


# ── one metric against another ────────────────────────────────────────────────────────────────────────────────────────
class Pareto(msgspec.Struct, frozen=True, kw_only=True):
    """Quality against price, drawn."""

    svg: str
    up: Metric
    across: Metric
    settings: int
    front: int
    """How many settings are on the front."""


def pareto(story: Story) -> Pareto | None:
    """Draw the first quality against the first price, or the first metric against the second; nothing without two."""
    metrics = story.head.process.metrics
    up = next((metric for metric in metrics if metric.kind == "quality"), metrics[0])
    across = next((metric for metric in metrics if metric.kind == "price" and metric is not up), None)
    across = across or next((metric for metric in metrics if metric is not up), None)
    places = _medians(story, across, up) if across is not None else {}
    if across is None or len(places) < 2:
        return None
    sound = [place for setting, (place, unbroken) in places.items() if unbroken]
    front = pareto_front(sound, across, up)
    svg = charts.scatter(
        _scatter_dots(story, {setting: place for setting, (place, _) in places.items()}), front=front,
        across=_axis_name(across, "← better", "better →"), up=_axis_name(up, "↓ better", "better ↑"),
        title=f"{up.name} against {across.name}",
        desc=f"medians of {len(places)} settings, {len(front)} of them on the Pareto front",
    )  # fmt: skip
    return Pareto(svg=svg, up=up, across=across, settings=len(places), front=len(front))


def pareto_front(places: Sequence[Place], across: Metric, up: Metric) -> list[Place]:
    """Return the places that no other beats in both metrics, from the best x to the best y."""

    def key(place: Place) -> Place:
        return (
            place[0] if across.better == "lower" else -place[0],
            place[1] if up.better == "lower" else -place[1],
        )

    front: list[Place] = []
    for place in sorted(set(places), key=key):
        if not front or key(place)[1] < key(front[-1])[1]:
            front.append(place)
    return front


def _medians(story: Story, across: Metric, up: Metric) -> dict[Setting, tuple[Place, bool]]:
    """Return where each setting's comparable readings lie in the middle, and whether that breaks no guard."""
    process, seen = story.head.process, dict[Setting, list[Mapping[str, float]]]()
    for run in story.runs:
        if run.seq > story.head.era and run.values is not None and all(m.name in run.values for m in process.metrics):
            seen.setdefault(run.setting, []).append(run.values)
    found = {}
    for setting, readings in seen.items():
        middle = {m.name: statistics.median(values[m.name] for values in readings) for m in process.metrics}
        found[setting] = ((middle[across.name], middle[up.name]), not process.broken_guards(middle))
    return found


def _scatter_dots(story: Story, places: Mapping[Setting, Place]) -> list[Dot]:
    """Return today's standard, what is recommended, former standards, all others: the first get room for names."""
    named: dict[Setting, tuple[Shape, str, str]] = {}
    today = story.head.standard
    named[today.setting] = ("star", str(today.number), f"standard {today.number}, today's")
    for place, candidate in enumerate(story.recommended, 1):
        named.setdefault(candidate.setting, ("diamond", f"R{place}", f"recommended {place}"))
    for kept in reversed(story.standards):
        number = kept.standard.number
        named.setdefault(kept.standard.setting, ("disc", str(number), f"standard {number}"))
    dots = [
        Dot(x=places[setting][0], y=places[setting][1], shape=shape, label=label, note=f"{note}: {setting}")
        for setting, (shape, label, note) in named.items()
        if setting in places
    ]
    rest = [(setting, place) for setting, place in places.items() if setting not in named]
    return dots + [Dot(x=x, y=y, shape="ring", note=str(setting)) for setting, (x, y) in rest]


def _axis_name(metric: Metric, lower: str, higher: str) -> str:
    unit = f", {metric.unit}" if metric.unit else ""
    name = f"{metric.name}{unit}"
    name = name if len(name) <= 40 else f"{name[:39]}…"
    return f"{name}  {lower if metric.better == 'lower' else higher}"
