"""What drives a process, told: an explanation as rows of words, as pictures, and as plain text."""

import math
from collections.abc import Iterator, Sequence

import msgspec

from kaizen.explanation import BELIEVED, Drivers, Explanation, Landscape, Share, Slice, Spot, Step, Typical
from kaizen.metric import Metric
from kaizen.parameter import Choice, Parameter, Real, Switch, Whole
from kaizen.process import Process
from kaizen.reports import charts, curves
from kaizen.reports.charts import Mark
from kaizen.reports.curves import Band, Faint, Panel, Relief, spelled
from kaizen.reports.lines import WIDTH, count, fold_text
from kaizen.setting import Setting, Value

_PANELS = 9  # slices drawn of one metric
_ROWS = 20  # parameters told of one metric
_LITTLE = 0.03  # what the interval's end of a share must reach for its slice to be drawn
_MARKED = 0.05  # chance of a fault worth a word
_TICKS = 4


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter's line in the table of a metric."""

    parameter: str
    bar: str
    share: str
    alone: str
    today: str
    """What it is set to."""
    instead: str
    """The value that promises most, and its gain; or that none does clearly."""


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """One drawing and what stands above it."""

    name: str
    unit: str
    svg: str
    where: str = ""
    """What else differs from today's standard, where the slice goes through another setting."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What drives one metric, ready for a page."""

    metric: Metric
    lead: str
    rows: tuple[Row, ...] = ()
    slices: tuple[Picture, ...] = ()
    landscape: Picture | None = None
    left: str = ""
    """Parameters whose slices are not drawn."""


def told(explanation: Explanation, process: Process) -> list[Told]:
    """Tell an explanation, a metric at a time."""
    return [_told(explanation, one, process) for one in explanation.drivers]


def _told(explanation: Explanation, drivers: Drivers, process: Process) -> Told:
    metric = process.metric(drivers.metric)
    shown = [one for one in drivers.slices if _matters(drivers, one.parameter)][:_PANELS]
    names = {one.parameter for one in shown}
    left = [share.parameter for share in drivers.shares if share.parameter not in names]
    slices = tuple(_pictures(explanation, shown, process, metric))
    landscape = _relief(drivers.landscape, process, metric) if drivers.landscape is not None else None
    rows = tuple(_row(share, drivers, metric, explanation.standard) for share in drivers.shares[:_ROWS])
    return Told(
        metric=metric, lead=lead(drivers, metric), rows=rows, slices=slices, landscape=landscape, left=", ".join(left)
    )


def _matters(drivers: Drivers, parameter: str) -> bool:
    return any(share.parameter == parameter and share.high >= _LITTLE for share in drivers.shares)


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def lead(drivers: Drivers, metric: Metric) -> str:
    """Say what an explanation of one metric rests on, and how far it can be trusted."""
    rests = f"from {count(drivers.runs, 'run')} of {count(drivers.settings, 'setting')}"
    if not drivers.known:
        return f"By the model, {rests}, nothing can be told yet: {drivers.unknown}."
    skill = f"{math.floor(100 * max(0.0, drivers.skill or 0.0)):.0f} %"
    told = f"By the model, {rests}. It foretells {skill} of the variation among settings that were left out."
    if drivers.today is None:
        return told
    unit = f" {metric.unit}" if metric.unit else ""
    said = believed(drivers.today, 4 * max(drivers.today.high - drivers.today.low, 1e-300))
    return f"{told} Today's standard is expected to read {said}{unit}."


def percent(share: float) -> str:
    """Say a share: ``62 %``, or ``< 1 %``."""
    return "< 1 %" if share < 0.005 else f"{100 * share:.0f} %"


def interval(share: Share) -> str:
    """Say a share's interval: ``[50, 75]``."""
    return f"[{100 * share.low:.0f}, {100 * share.high:.0f}]"


def plain(value: Value) -> str:
    """Say a parameter's value."""
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else charts.number(float(value)) if isinstance(value, float) else str(value)


def _row(share: Share, drivers: Drivers, metric: Metric, standard: Setting) -> Row:
    found = _slice_of(drivers, share.parameter)
    said = f"{percent(share.share)} {interval(share)}"
    drawn = curves.bar(share.share, (share.low, share.high), alone=share.alone, title=f"{share.parameter}: {said}")
    return Row(
        parameter=share.parameter, bar=drawn, share=said, alone=percent(share.alone),
        today=_set(share.parameter, standard), instead=instead(found.step, metric) if found else "",
    )  # fmt: skip


def _set(parameter: str, standard: Setting) -> str:
    return plain(standard[parameter]) if parameter in standard else "not active"


def _slice_of(drivers: Drivers, parameter: str) -> Slice | None:
    return next((one for one in drivers.slices if one.parameter == parameter), None)


def believed(spot: Spot | Typical, span: float) -> str:
    """Say a believed reading with its interval: ``7.1 [6.8, 7.4]``."""
    low, middle, high = (spelled(end, span) for end in (spot.low, spot.middle, spot.high))
    return f"{middle} [{low}, {high}]" if (low, high) != (middle, middle) else middle


def _span(found: Slice) -> float:
    middles = [spot.middle for spot in found.spots]
    today = found.today
    widths = [today.high - today.low] if today is not None else []
    return max(max(middles) - min(middles), *widths, 1e-300)


def instead(step: Step | None, metric: Metric) -> str:
    """Say which value promises most: ``12: +11.0% [+8.1%, +14.2%]``."""
    if step is None or step.gain <= 0:
        return "no value promises more"
    low, high = sorted((step.low, step.high), key=metric.as_change)
    spread = metric.as_change(high) - metric.as_change(low)
    first, *ends = (_change(gain, metric, spread) for gain in (step.gain, low, high))
    unit = f" {metric.unit}" if metric.unit and metric.scale == "difference" else ""
    said = f"{plain(step.value)}: {first}{unit} [{', '.join(ends)}]"
    return said if step.clear else f"{said}, not clear"


def _change(gain: float, metric: Metric, spread: float) -> str:
    if metric.scale == "ratio":
        return metric.spell(gain).replace("-", "−")
    change = metric.as_change(gain)
    said = spelled(abs(change), spread)
    return said if said.strip("0.") == "" else f"{'+' if change > 0 else '−'}{said}"


def _where(base: Setting, standard: Setting, parameter: str) -> str:
    others = {name: value for name, value in base.items() if name != parameter and standard.get(name) != value}
    return ", ".join(f"{name} {plain(value)}" for name, value in others.items())


# ── pictures ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def _pictures(explanation: Explanation, shown: Sequence[Slice], process: Process, metric: Metric) -> Iterator[Picture]:
    panels = [_panel(explanation, one, process) for one in shown]
    if not panels:
        return
    y = curves.reach(panels)
    guards = [guard for guard in process.guards if guard.metric == metric.name]
    limits = [(guard.at_least, "≥") for guard in guards] + [(guard.at_most, "≤") for guard in guards]
    marks = [Mark(at=at, label=f"guard {word} {charts.number(at)}") for at, word in limits if at is not None]
    for one, panel in zip(shown, panels, strict=True):
        title = f"{metric.name} along {one.parameter}"
        svg = curves.panel(panel, y, limits=marks, title=title, desc=_described(one))
        unit = _unit(process.parameter(one.parameter))
        yield Picture(
            name=one.parameter, unit=unit, svg=svg, where=_where(one.base, explanation.standard, one.parameter)
        )


def _described(found: Slice) -> str:
    said = [f"{plain(spot.value)}: {believed(spot, _span(found))}" for spot in few(found)]
    return f"believed: {'; '.join(said)}; dots: {len(found.near)} settings run nearby"


def few(found: Slice) -> list[Spot]:
    """Return a few spots that tell a slice: its ends, today's, the most promising one; of choices, all."""
    spots = [spot for spot in found.spots if spot.allowed]
    if len(spots) <= 5:
        return spots
    wanted = {found.base.get(found.parameter), found.step.value if found.step else None}
    kept = {0, len(spots) // 2, len(spots) - 1} | {i for i, spot in enumerate(spots) if spot.value in wanted}
    return [spots[i] for i in sorted(kept)]


def _panel(explanation: Explanation, found: Slice, process: Process) -> Panel:
    parameter = process.parameter(found.parameter)
    places = {spot.value: _place(parameter, spot.value) for spot in found.spots}
    bands = {s.value: Band(at=places[s.value], low=s.low, middle=s.middle, high=s.high) for s in found.spots}
    stretches: list[list[Band]] = [[]]
    for spot in found.spots:
        if spot.allowed:
            stretches[-1].append(bands[spot.value])
        elif stretches[-1]:
            stretches.append([])
    hazard = explanation.hazard(found.parameter)
    along = list(zip(hazard.values, hazard.chances, strict=True)) if hazard is not None else []
    today = found.today
    return Panel(
        stretches=tuple(tuple(stretch) for stretch in stretches if stretch),
        ticks=_ticks(parameter),
        names=isinstance(parameter, Choice | Switch),
        today=bands[today.value] if today is not None else None,
        dots=tuple(_dot(parameter, near.value, near.reading, near.runs, near.nearness) for near in found.near),
        hazards=tuple((_place(parameter, value), chance) for value, chance in along),
    )


def _dot(parameter: Parameter, value: Value, reading: float, runs: int, nearness: float) -> Faint:
    note = f"{parameter.name} {plain(value)}: {charts.number(reading)}" + (f", {runs} runs" if runs > 1 else "")
    return Faint(x=_place(parameter, value), y=reading, nearness=nearness, note=note)


def _place(parameter: Parameter, value: Value) -> float:
    """Return where a value stands across a panel, 0 to 1; names stand in the middle of equal parts."""
    if isinstance(parameter, Real | Whole):
        return parameter.place(value)
    names = _names(parameter)
    return (next(i for i, name in enumerate(names) if name == value and type(name) is type(value)) + 0.5) / len(names)


def _names(parameter: Parameter) -> tuple[Value, ...]:
    return parameter.values if isinstance(parameter, Choice) else (False, True)


def _ticks(parameter: Parameter) -> tuple[Mark, ...]:
    """Return marks at round numbers, at some of the levels, or at every name."""
    match parameter:
        case Whole(levels=levels) if levels:
            kept = sorted({levels[round(i * (len(levels) - 1) / (_TICKS - 1))] for i in range(_TICKS)})
            return tuple(Mark(at=parameter.place(level), label=charts.number(level)) for level in kept)
        case Real() | Whole():
            low, high = parameter.low, parameter.high
            every = charts.decades(low, high) if parameter.log else charts.axis([low, high], pad=0.0, even=True).ticks
            marks = [mark for mark in every if isinstance(parameter, Real) or mark.at == round(mark.at)]
            if len(marks) < 2:
                marks = [Mark(at=end, label=charts.number(end)) for end in (low, high)]
            return tuple(Mark(at=parameter.place(mark.at), label=mark.label) for mark in marks)
    return tuple(Mark(at=_place(parameter, name), label=plain(name)) for name in _names(parameter))


def _unit(parameter: Parameter) -> str:
    return parameter.unit if isinstance(parameter, Real | Whole) else ""


def _relief(found: Landscape, process: Process, metric: Metric) -> Picture:
    x, y = process.parameter(found.across), process.parameter(found.up)
    width = tuple(
        tuple(None if a is None or b is None else b - a for a, b in zip(low, high, strict=True))
        for low, high in zip(found.low, found.high, strict=True)
    )
    dots = tuple(
        Faint(x=_place(x, a), y=_place(y, b), nearness=near, note=f"{found.across} {plain(a)}, {found.up} {plain(b)}")
        for a, b, near in found.near
    )
    drawn = Relief(
        xs=tuple(_place(x, value) for value in found.across_values),
        ys=tuple(_place(y, value) for value in found.up_values),
        middle=found.middle, width=width, faults=found.faults, across=_named(x), up=_named(y), x_ticks=_ticks(x), y_ticks=_ticks(y), dots=dots,
        today=(_place(x, found.base[found.across]), _place(y, found.base[found.up])), lower=metric.better == "lower",
    )  # fmt: skip
    heights = [height for row in found.middle for height in row if height is not None]
    desc = f"expected from {charts.number(min(heights))} to {charts.number(max(heights))}" if heights else ""
    name = f"{found.across} and {found.up}"
    return Picture(name=name, unit="", svg=curves.relief(drawn, title=f"{metric.name} by {name}", desc=desc))


def _named(parameter: Parameter) -> str:
    return f"{parameter.name}, {unit}" if (unit := _unit(parameter)) else parameter.name


# ── plain text ────────────────────────────────────────────────────────────────────────────────────────────────────────
def text(explanation: Explanation, process: Process) -> str:
    """Tell an explanation as plain text: for each metric what drives it, and what is expected along each parameter."""
    lines = [f"What drives {process.name}, around standard {explanation.number}; beliefs of a model, not proofs"]
    for drivers in explanation.drivers:
        metric = process.metric(drivers.metric)
        lines += ["", f"{metric.name} ({metric.better} is better)", *fold_text(lead(drivers, metric), indent="  ")]
        lines += [*table(drivers, metric, explanation.standard), *_expected(drivers, metric, explanation)]
    lines += _remarks(explanation)
    return "\n".join(lines)


def table(drivers: Drivers, metric: Metric, standard: Setting) -> list[str]:
    """Return one metric's shares as lines of text."""
    if not drivers.known:
        return []
    rows = [("parameter", "share of the variation", "alone", "today", "most promising instead")]
    for share in drivers.shares[:_ROWS]:
        found = _slice_of(drivers, share.parameter)
        rows.append((
            share.parameter, f"{percent(share.share)} {interval(share)}", percent(share.alone),
            _set(share.parameter, standard), instead(found.step, metric) if found else "–",
        ))  # fmt: skip
    wide = [max(len(row[column]) for row in rows) for column in range(4)]
    found_lines = ["  ".join([*(cell.ljust(w) for cell, w in zip(row, wide, strict=False)), row[4]]) for row in rows]
    return ["", *(f"  {line.rstrip()}"[: WIDTH + 20] for line in found_lines)]


def _expected(drivers: Drivers, metric: Metric, explanation: Explanation) -> Iterator[str]:
    shown = [one for one in drivers.slices if _matters(drivers, one.parameter)]
    if shown:
        yield ""
        yield from fold_text(
            f"{metric.name} expected along each, the others as today ([…]: {BELIEVED:.0%} of what is believed of a typical "
            "reading):", indent="  ",
        )  # fmt: skip
    for one in shown:
        where = _where(one.base, explanation.standard, one.parameter)
        base = "that run" if where else "today"
        said = "; ".join(
            f"{believed(spot, _span(one))} at {plain(spot.value)}{f' ({base})' if spot == one.today else ''}"
            for spot in few(one)
        )
        yield from fold_text(f"{one.parameter}{f' (with {where})' if where else ''}: {said}", indent="    ")


def _remarks(explanation: Explanation) -> Iterator[str]:
    risky = [(h, max(zip(h.chances, h.values, strict=True), key=lambda one: one[0])) for h in explanation.hazards]
    said = [f"{h.parameter} {plain(value)}: {chance:.0%}" for h, (chance, value) in risky if chance >= _MARKED]
    if explanation.faults:
        yield ""
        most = f"; most likely at {', '.join(said)}" if said else ""
        yield from fold_text(f"{count(explanation.faults, 'run')} of {explanation.runs} gave no reading{most}")
    if explanation.unvaried:
        yield ""
        yield from fold_text(f"Never moved, so nothing is known of: {', '.join(explanation.unvaried)}")
