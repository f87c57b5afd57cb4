"""Curves: what is believed, and how surely, as small panels of one scale and as a landscape; no curve knows a process.

Places along a parameter run from 0 to 1. What is less sure is wider, fainter or hatched, never left out.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

from kaizen.reports.charts import GLYPHS, Axis, Mark, Plot, axis, grid, letters, limit_lines, number, safe, short, svg
from kaizen.reports.contours import Heights, Point, outlines

_ROOM = 0.35  # how far beyond what is expected an axis reaches for the ends of intervals
_FAR = 30  # ratio from which that is counted by ratios, as axes do
_SHADES = 5  # of the chance of a fault
_SOME = 0.10  # chance of a fault that is worth a mark
_LETTER = 6.2  # width of a letter in a panel, roughly
_APART = 34.0  # between two labels of a landscape, and between a label and its border
_BANDS = 6
_HATCH, _DASH = 9, 4  # between two lines of a hatch, and the least length of one
_ASIDE = (-9.0, 9.0, -5.0, 5.0, 13.0)  # where dots of one name stand beside its line


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """What is believed at one place."""

    at: float
    low: float
    middle: float
    high: float


class Faint(msgspec.Struct, frozen=True, kw_only=True):
    """Something seen nearby: the nearer, the plainer."""

    x: float
    y: float
    nearness: float
    note: str = ""


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """One slice, in places and readings."""

    stretches: tuple[tuple[Band, ...], ...]
    """Interrupted where constraints forbid; for names, one band each."""
    ticks: tuple[Mark, ...]
    names: bool = False
    """Whether the ticks are names in no order."""
    today: Band | None = None
    dots: tuple[Faint, ...] = ()
    hazards: tuple[tuple[float, float], ...] = ()
    """Place and chance of a fault."""


def reach(panels: Sequence[Panel]) -> Axis:
    """Lay one upward axis for panels: around what is expected and seen, with some room for what is merely possible."""
    core = [band.middle for panel in panels for stretch in panel.stretches for band in stretch]
    core += [dot.y for panel in panels for dot in panel.dots if dot.nearness >= 0.5]
    ends = [end for panel in panels for stretch in panel.stretches for band in stretch for end in (band.low, band.high)]
    low, high = min(core), max(core)
    if low > 0 and high / low > _FAR:
        room = (high / low) ** _ROOM
        least, most = low / room, high * room
    else:
        room = (high - low) * _ROOM
        least, most = low - room, high + room
    return axis([*core, *(min(max(end, least), most) for end in ends)], ticks=3, pad=0.04)


def bar(share: float, ends: tuple[float, float], *, alone: float, title: str) -> str:
    """Draw one share of the whole as a bar: what is alone, what is together with others, and the interval."""
    width, middle = 168.0, 9.0

    def at(value: float) -> str:
        return short(1 + min(max(value, 0.0), 1.0) * (width - 4))

    body = [
        f'<path class="track" d="M{at(0)} {middle:g}H{at(1)}"/>',
        f'<path class="rest" d="M{at(0)} 4H{at(share)}V14H{at(0)}z"/>',
        f'<path class="alone" d="M{at(0)} 4H{at(min(alone, share))}V14H{at(0)}z"/>',
        f'<path class="zero" d="M{at(0)} 0V18"/>',
        f'<path class="interval" d="M{at(ends[0])} {middle:g}H{at(ends[1])}M{at(ends[0])} 6v6M{at(ends[1])} 6v6"/>',
    ]
    return svg("share", (width, 18), body, title=title, desc="")


def panel(drawn: Panel, y: Axis, *, limits: Sequence[Mark] = (), title: str, desc: str) -> str:
    """Draw one slice."""
    across = Axis(low=0.0, high=1.0, ticks=drawn.ticks)
    plot = Plot(x=across, y=y, width=250, height=158, left=38, right=10, top=14, bottom=24)
    body = [*grid(plot), *_faults(plot, drawn), *limit_lines(plot, limits)]
    if drawn.today is not None:
        body.append(f'<path class="change" d="M{plot.across(drawn.today.at)} 4V{short(plot.floor)}"/>')
    bands = [_stretch(plot, stretch) for stretch in drawn.stretches if len(stretch) > 1 and not drawn.names]
    body += [fill for fill, _ in bands]
    body += [_faint(plot, dot, _ASIDE[i % 5] if drawn.names else 0.0) for i, dot in enumerate(drawn.dots)]
    body += [line for _, line in bands]
    for stretch in drawn.stretches:
        body += [_whisker(plot, band) for band in stretch if drawn.names or len(stretch) == 1]
    if drawn.today is not None:
        today = f"M{plot.across(drawn.today.at)} {plot.down(drawn.today.middle)}{GLYPHS['disc']}"
        body.append(f'<path class="today-disc" d="{today}"/>')
    return svg("panel", (plot.width, plot.height), [*body, *_feet(plot, drawn)], title=title, desc=desc)


def _stretch(plot: Plot, stretch: Sequence[Band]) -> tuple[str, str]:
    there = " ".join(f"{plot.across(band.at)} {plot.down(band.high)}" for band in stretch)
    back = " ".join(f"{plot.across(band.at)} {plot.down(band.low)}" for band in reversed(stretch))
    line = " ".join(f"{plot.across(band.at)} {plot.down(band.middle)}" for band in stretch)
    return f'<path class="belief" d="M{there} {back}z"/>', f'<path class="middle" d="M{line}"/>'


def _whisker(plot: Plot, band: Band) -> str:
    x = plot.across(band.at)
    ends = f'<path class="whisker" d="M{x} {plot.down(band.low)}V{plot.down(band.high)}"/>'
    return f'{ends}<path class="middle" d="M{x} {plot.down(band.middle)}m-7 0h14"/>'


def _faint(plot: Plot, dot: Faint, aside: float = 0.0) -> str:
    place = f"M{short(float(plot.across(dot.x)) + aside)} {plot.down(dot.y)}{GLYPHS['ring']}"
    note = f"<title>{safe(dot.note)}</title>"
    return f'<path class="ring" opacity="{max(0.15, dot.nearness):.2f}" d="{place}">{note}</path>'


def _feet(plot: Plot, drawn: Panel) -> list[str]:
    """Draw the lower axis with its ticks or names; a name that has no room is cut."""
    floor = short(plot.floor)
    room = int((plot.width - plot.left - plot.right) / max(1, len(drawn.ticks)) / _LETTER) if drawn.names else 12
    lines = "" if drawn.names else "".join(f"M{plot.across(tick.at)} {floor}v4" for tick in drawn.ticks)
    body, free = [f'<path class="base" d="M0 {floor}H{short(plot.width)}{lines}"/>'], -math.inf
    for tick in drawn.ticks:
        label = tick.label if len(tick.label) <= room else f"{tick.label[: max(1, room - 1)]}…"
        wide, x = _LETTER * len(label), float(plot.across(tick.at))
        start = min(x - wide / 2, plot.width - wide)
        if start >= free:
            body.append(letters(start + wide / 2, plot.floor + 17, label, "", "middle"))
            free = start + wide + 6
    return body


def _faults(plot: Plot, drawn: Panel) -> Iterator[str]:
    """Draw the chance of a fault as a strip at the foot of a panel, with a word where it is highest."""
    if not drawn.hazards or max(chance for _, chance in drawn.hazards) < _SOME:
        return
    places = [at for at, _ in drawn.hazards]
    ends = [places[0], *((a + b) / 2 for a, b in pairwise(places)), places[-1]]
    if drawn.names or len(places) == 1:
        half = 0.5 / len(places)
        spans = [(at - half, at + half) for at in places]
    else:
        spans = list(pairwise(ends))
    for shade in range(1, _SHADES + 1):
        boxes = [
            f"M{plot.across(a)} {short(plot.floor - 7)}H{plot.across(b)}v7H{plot.across(a)}z"
            for (a, b), (_, chance) in zip(spans, drawn.hazards, strict=True)
            if math.ceil(chance * _SHADES) == shade and chance >= _SOME
        ]
        if boxes:
            yield f'<path class="hazard" fill-opacity="{shade / _SHADES:.1f}" d="{"".join(boxes)}"/>'
    at, most = max(drawn.hazards, key=lambda one: one[1])
    x = min(max(float(plot.across(at)), plot.left + 28), plot.width - 36)
    yield letters(x, plot.floor - 10, f"faults {most:.0%}", "hazard-label", "middle")


# ── two at once ───────────────────────────────────────────────────────────────────────────────────────────────────────
class Relief(msgspec.Struct, frozen=True, kw_only=True):
    """A landscape in places: rows of heights by ``ys``, ``None`` where nothing is allowed."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    middle: Heights
    width: Heights
    """Of the interval."""
    across: str
    up: str
    faults: Heights = ()
    """Chances, where any run faulted."""
    x_ticks: tuple[Mark, ...]
    y_ticks: tuple[Mark, ...]
    dots: tuple[Faint, ...] = ()
    today: tuple[float, float] | None = None
    lower: bool = False
    """Whether less is better: the better, the deeper the colour."""


def relief(drawn: Relief, *, title: str, desc: str) -> str:
    """Draw a landscape: outlines at round readings, deeper where better, hatched where little is known."""
    x, y = Axis(low=0.0, high=1.0, ticks=drawn.x_ticks), Axis(low=0.0, high=1.0, ticks=drawn.y_ticks)
    plot = Plot(x=x, y=y, width=520, height=392, top=26, bottom=46, right=14, left=52)
    turn = -1.0 if drawn.lower else 1.0
    heights = [[None if value is None else turn * value for value in row] for row in drawn.middle]
    seen = [value for row in drawn.middle for value in row if value is not None]
    marks = axis(seen, ticks=_BANDS, pad=0.0, even=True).ticks if seen else ()
    rings = [(mark, outlines(heights, drawn.xs, drawn.ys, turn * mark.at)) for mark in marks]
    box = f"M{plot.across(0)} {plot.down(0)}V{plot.down(1)}H{plot.across(1)}V{plot.down(0)}z"
    body = [f'<path class="ground" d="{box}"/>']
    body += [f'<path class="height" fill-rule="evenodd" d="{_walk(plot, loops)}"/>' for _, loops in rings if loops]
    body += [*_hatched(plot, drawn, seen), *_sides(plot, drawn), *_risky(plot, drawn)]
    body += [_faint(plot, dot) for dot in drawn.dots]
    taken = _standing(plot, drawn, body)
    body += _labelled(plot, rings, taken)
    return svg("relief", (plot.width, plot.height), body, title=title, desc=desc)


def _risky(plot: Plot, drawn: Relief) -> list[str]:
    """Draw the outline of where a run rather faults than not."""
    loops = outlines(drawn.faults, drawn.xs, drawn.ys, 0.5) if drawn.faults else []
    if not loops:
        return []
    x, y = max((point for loop in loops for point in loop), key=lambda point: (point[1], point[0]))
    anchor, aside = ("end", -5.0) if x > 0.2 else ("", 5.0)
    word = letters(float(plot.across(x)) + aside, float(plot.down(y)) + 15, "faults likely", "hazard-label", anchor)
    return [f'<path class="risky" d="{_walk(plot, loops)}"/>', word]


def _standing(plot: Plot, drawn: Relief, body: list[str]) -> list[tuple[float, float]]:
    """Draw where today's standard stands; return the place, for labels to keep away from."""
    if drawn.today is None:
        return []
    x, y = plot.across(drawn.today[0]), plot.down(drawn.today[1])
    body += [f'<path class="today-disc" d="M{x} {y}{GLYPHS["star"]}"/>']
    return [(float(x), float(y))]


def _walk(plot: Plot, loops: Sequence[Sequence[Point]]) -> str:
    return "".join(f"M{' '.join(f'{plot.across(x)} {plot.down(y)}' for x, y in loop)}z" for loop in loops)


def _hatched(plot: Plot, drawn: Relief, seen: Sequence[float]) -> list[str]:
    """Hatch where the interval is wider than half of all that the picture spans."""
    most = 0.5 * (max(seen) - min(seen)) if seen else 0.0
    lines, wide = [], [[width is not None and width > most for width in row] for row in drawn.width]
    across, up = plot.width - plot.left - plot.right, plot.floor - plot.top
    for start in range(-int(up), int(across), _HATCH):
        steps = [t for t in range(0, int(up), _DASH) if 0 <= start + t < across]
        on = [t for t in steps if _nearest(wide, drawn, ((start + t) / across, t / up))]
        for first, last in _runs(on):
            x, y = plot.left + start + first, plot.floor - first
            length = min(last - first + _DASH, across - start - first, up - first)
            lines.append(f"M{short(x)} {short(y)}l{short(length)} {short(-length)}")
    return [f'<path class="hatch" d="{"".join(lines)}"/>'] if lines else []


def _nearest(wide: Sequence[Sequence[bool]], drawn: Relief, at: Point) -> bool:
    i = min(range(len(drawn.xs)), key=lambda k: abs(drawn.xs[k] - at[0]))
    j = min(range(len(drawn.ys)), key=lambda k: abs(drawn.ys[k] - at[1]))
    return wide[j][i]


def _runs(on: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield first and last of each unbroken run of steps."""
    start = 0
    for place, step in enumerate(on):
        if place + 1 == len(on) or on[place + 1] != step + _DASH:
            yield on[start], step
            start = place + 1


def _sides(plot: Plot, drawn: Relief) -> list[str]:
    floor, left = plot.floor, plot.left
    ticks = "".join(f"M{plot.across(tick.at)} {short(floor)}v4" for tick in drawn.x_ticks)
    ticks += "".join(f"M{short(left)} {plot.down(tick.at)}h-4" for tick in drawn.y_ticks)
    body = [f'<path class="base" d="{ticks}"/>']
    body += [letters(float(plot.across(t.at)), floor + 17, t.label, "", "middle") for t in drawn.x_ticks]
    body += [letters(left - 8, float(plot.down(t.at)) + 4, t.label, "", "end") for t in drawn.y_ticks]
    return [
        *body,
        letters(0, 12, drawn.up, "name"),
        letters(plot.width - plot.right, plot.height - 6, drawn.across, "name", "end"),
    ]


def _labelled(
    plot: Plot, rings: Sequence[tuple[Mark, list[list[Point]]]], taken: list[tuple[float, float]]
) -> Iterator[str]:
    """Write each outline's reading on it, where there is room."""
    for mark, loops in rings:
        found: tuple[float, float, float] | None = None
        for px, py in (point for loop in loops for point in loop if 0.0 < point[0] < 1.0 and 0.0 < point[1] < 1.0):
            x, y = float(plot.across(px)), float(plot.down(py))
            free = min([x - plot.left, plot.width - plot.right - x, 1.6 * (y - plot.top), 1.6 * (plot.floor - y)])
            free = min([free, *(math.hypot(x - a, 1.6 * (y - b)) for a, b in taken)])
            if found is None or free > found[0]:
                found = (free, x, y)
        if found is not None and found[0] >= _APART / 2:
            taken.append(found[1:])
            yield letters(found[1], found[2] + 4, mark.label, "height-label", "middle")


def spelled(value: float, span: float) -> str:
    """Say a reading as finely as a picture that spans so much can show it."""
    step = span / 30
    return number(value, 10.0 ** math.floor(math.log10(step)) if step > 1e-300 and math.isfinite(step) else None)
