"""Charts: values in, one SVG out, drawn in the colours of the page around it; no chart knows a process.

Every chart says in words what it shows (``title``, ``desc``), tells series apart by shape and not by colour alone,
and gives each of its dots a note while there are few. Lengths are in units of the chart's own width.
"""

import math
import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Literal

import msgspec

LIMIT = 2_000
"""The most dots one chart draws; of more, every second, third, … is drawn."""

_NOTES = 300  # dots up to which each carries its note
_LOG = 30  # ratio of the ends from which a positive axis is logarithmic
_MOST = 8e307  # beyond it, the length of an axis would not be a number
_LEAST = 1e-290  # length of an axis that can still be divided
_LONG = 160  # letters of a note or name
_LABEL = 7.0  # width of a letter, roughly
_AROUND = ((8, 4, ""), (-8, 4, "end"), (0, -9, "middle"), (0, 18, "middle"), (8, -7, ""), (-8, 15, "end"))  # a dot

Shape = Literal["ring", "disc", "square", "triangle", "diamond", "star", "cross"]

GLYPHS: dict[Shape, str] = {
    "ring": "m0-3a3 3 0 1 1-.1 0z",
    "disc": "m0-2.6a2.6 2.6 0 1 1-.1 0z",
    "square": "m-2.5-2.5h5v5h-5z",
    "triangle": "m0-3.6l3.4 6h-6.8z",
    "diamond": "m0-3.8l3.8 3.8-3.8 3.8-3.8-3.8z",
    "star": "m0-6a6 6 0 1 1-.1 0z",
    "cross": "m-3-3l6 6m0-6l-6 6",
}
"""In the order in which they are drawn: what matters most lies on top."""

_UNTELLABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


class Dot(msgspec.Struct, frozen=True, kw_only=True):
    """One thing seen."""

    x: float
    y: float
    shape: Shape
    note: str = ""
    label: str = ""
    """Written beside it; only a scatter does."""


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """A typical value, and the stretch over which it held."""

    start: float
    end: float
    y: float


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """A place on an axis and its name."""

    at: float
    label: str


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """From where to where, with ticks at round numbers."""

    low: float
    high: float
    ticks: tuple[Mark, ...]
    log: bool = False

    def place(self, value: float) -> float:
        """Return how far along the axis a value lies, from 0 to 1; what is beyond an end lies on it."""
        value = min(max(value, self.low), self.high)
        if self.log:
            return (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (value - self.low) / (self.high - self.low)


def told(text: str) -> str:
    """Return text as any page can hold it: no control letters, none that turns the reading order, no half letters."""
    return _UNTELLABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def axis(values: Iterable[float], *, ticks: int = 3, pad: float = 0.06, even: bool = False) -> Axis:
    """Lay an axis around one value or more; logarithmic if all are positive and range far, unless ``even``."""
    kept = [min(max(value, -_MOST), _MOST) for value in values]
    low, high = min(kept), max(kept)
    if not even and low > 0 and high / low > _LOG:
        grow = (high / low) ** pad
        low, high = max(low / grow, 5e-324), min(high * grow, _MOST)
        return Axis(low=low, high=high, ticks=decades(low, high), log=True)
    room = (high - low) * pad if high - low > _LEAST else max(abs(low) * 0.05, _LEAST) if low else 1.0
    low, high = low - room, high + room
    return Axis(low=low, high=high, ticks=_round_numbers(low, high, ticks))


def number(value: float, step: float | None = None) -> str:
    """Say a number: as short as ``step``, the distance to the next one told, allows; four digits without."""
    if value == 0:
        return "0"
    size = abs(value)
    if not 1e-4 <= size < 1e7:
        digits = 3 if step is None else min(15, max(0, math.floor(math.log10(size) - math.log10(step) + 1e-9)))
        mantissa, _, power = f"{value:.{digits}e}".partition("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa}e{int(power)}".replace("-", "−")
    least = size / 1e3 if step is None else step
    decimals = min(12, max(0, -math.floor(math.log10(least) + 1e-9)))
    text = f"{value:,.{decimals}f}"
    if step is None and "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", "−")


def _round_numbers(low: float, high: float, count: int) -> tuple[Mark, ...]:
    """Return ``count`` round numbers or somewhat more, where floats are dense enough."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough)) if rough >= 1e-300 else rough
    step = max((power * by for by in (1, 2, 5) if power * by <= rough), default=rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    ticks = {number(i * step, step): i * step for i in range(first, min(last, first + 4 * count) + 1)}
    return tuple(Mark(at=value, label=label) for label, value in ticks.items() if low <= value <= high)


def decades(low: float, high: float) -> tuple[Mark, ...]:
    """Return round numbers between two positive ones, spaced by ratios."""
    first, last = max(-307, math.floor(math.log10(low))), min(307, math.ceil(math.log10(high)))
    times = (1, 2, 5) if last - first <= 2 else (1, 3) if last - first <= 3 else (1,)
    every = max(1, round((last - first) / 5))
    found = [10.0**power * by for power in range(first, last + 1, every) for by in times]
    return tuple(Mark(at=value, label=number(value, value)) for value in found if low <= value <= high)


def thinned(dots: Sequence[Dot], limit: int = LIMIT) -> Sequence[Dot]:
    """Return every dot, or every second, third, … where there are more than ``limit``."""
    return dots[:: stride(len(dots), limit)]


def stride(count: int, limit: int = LIMIT) -> int:
    """Return 1 where all may be drawn, else k where every k-th is."""
    return max(1, -(-count // limit))


# ── charts ────────────────────────────────────────────────────────────────────────────────────────────────────────────
class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """Two axes laid on paper."""

    x: Axis
    y: Axis
    width: float
    height: float
    left: float = 56.0
    right: float = 52.0
    top: float = 20.0
    bottom: float = 26.0

    def across(self, value: float) -> str:
        """Return the x of a value on paper."""
        return short(self.left + self.x.place(value) * (self.width - self.left - self.right))

    def down(self, value: float) -> str:
        """Return the y of a value on paper."""
        return short(self.height - self.bottom - self.y.place(value) * (self.height - self.top - self.bottom))

    @property
    def floor(self) -> float:
        """The y of the lower axis."""
        return self.height - self.bottom


def timeline(
    dots: Sequence[Dot], *, faults: Sequence[Dot] = (), levels: Sequence[Level] = (), changes: Sequence[Mark] = (),
    limits: Sequence[Mark] = (), title: str, desc: str, most: int = LIMIT,
) -> str:  # fmt: skip
    """Draw readings in their order: ``levels`` as steps, ``changes`` as rules, ``faults`` as crosses on the axis."""
    xs = [dot.x for dot in (*dots, *faults)]
    ys = [*(dot.y for dot in dots), *(level.y for level in levels)]
    plot = Plot(x=axis([1.0, *xs], pad=0.01, even=True), y=axis([*ys, *_near(limits, ys)]), width=640, height=200)
    body = [*grid(plot), *_across(plot, "run", whole=True), *_rules(plot, changes), *limit_lines(plot, limits)]
    body += _dots(plot, thinned(dots, most))
    body += _dots(plot, thinned([msgspec.structs.replace(dot, y=plot.y.low) for dot in faults], most // 4))
    body += [
        f'<path class="level" d="M{plot.across(level.start)} {plot.down(level.y)}H{plot.across(level.end)}"/>'
        for level in levels
    ]
    if levels:
        last = levels[-1]
        body.append(letters(plot.width, float(plot.down(last.y)) + 4, number(last.y), "level-label", "end"))
    return svg("timeline", (plot.width, plot.height), body, title=title, desc=desc)


def scatter(
    dots: Sequence[Dot], *, front: Sequence[tuple[float, float]] = (), across: str, up: str, title: str, desc: str,
    most: int = LIMIT,
) -> str:  # fmt: skip
    """Draw one quantity against another, named ``across`` and ``up``; ``front`` runs from best x to best y."""
    x, y = axis([dot.x for dot in dots]), axis([dot.y for dot in dots])
    plot = Plot(x=x, y=y, width=520, height=372, top=38, bottom=44, right=24)
    body = [*grid(plot), *_across(plot, "")]
    body += [letters(0, 12, up, "name"), letters(plot.width - plot.right, plot.height - 4, across, "name", "end")]
    if front:
        steps = "".join(f"H{plot.across(x)}V{plot.down(y)}" for x, y in front[1:])
        body.append(f'<path class="front" d="M{plot.across(front[0][0])} {plot.down(front[0][1])}{steps}"/>')
    plain, named = [dot for dot in dots if not dot.label], [dot for dot in dots if dot.label]
    body += _dots(plot, [*thinned(plain, most), *named])
    body += _labels(plot, named)
    return svg("scatter", (plot.width, plot.height), body, title=title, desc=desc)


def strip(
    gain: float | None,
    ends: tuple[float | None, float | None],
    *,
    reach: float,
    marks: tuple[float, float],
    shape: Shape,
    title: str,
    promised: float | None = None,
) -> str:
    """Draw one gain and its interval as one row of a forest plot, zero in the middle.

    An end that is ``None`` or lies beyond ``reach`` is an arrow; ``marks`` are the loss tolerated and the gain wanted,
    ``promised`` what was foretold.
    """
    width, middle = 168.0, 9.0

    def at(value: float) -> float:
        return width / 2 + min(max(value / reach, -1.0), 1.0) * (width / 2 - 6)

    limits = zip(("loss", "wanted"), marks, strict=True)
    body = [f'<path class="{kind}" d="M{short(at(mark))} 0V18"/>' for kind, mark in limits if mark]
    body.append(f'<path class="zero" d="M{short(width / 2)} 0V18"/>')
    low, high = (-math.inf if ends[0] is None else ends[0]), (math.inf if ends[1] is None else ends[1])
    if gain is not None or math.isfinite(low) or math.isfinite(high):
        from_, to = at(max(low, -reach)), at(min(high, reach))
        arrows = "M5 5l-4 4 4 4" * (low < -reach) + "M163 5l4 4-4 4" * (high > reach)
        body.append(f'<path class="interval" d="M{short(from_)} {middle:g}H{short(to)}{arrows}"/>')
    if promised is not None:
        body.append(f'<path class="promised" d="M{short(at(promised))} 1.5V16.5"/>')
    if gain is not None:
        body.append(f'<path class="{shape}" d="M{short(at(gain))} {middle:g}{GLYPHS[shape]}"/>')
    return svg("strip", (width, 18), body, title=title, desc="")


def glyph(shape: Shape) -> str:
    """Draw one shape, for a legend."""
    path = f'<path class="{shape}" d="M0 0{GLYPHS[shape]}"/>'
    return f'<svg class="glyph" viewBox="-7 -7 14 14" aria-hidden="true">{path}</svg>'


# ── parts ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def svg(kind: str, size: tuple[float, float], body: Iterable[str], *, title: str, desc: str) -> str:
    """Put the pieces of a picture together."""
    said = f"<title>{safe(title)}</title>" + (f"<desc>{safe(desc)}</desc>" if desc else "")
    box = f'viewBox="0 0 {size[0]:g} {size[1]:g}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" class="{kind}" {box} role="img">{said}{"".join(body)}</svg>'


def safe(text: str) -> str:
    """Return text as a picture can hold it, cut where it is long."""
    text = told(text)
    return escape(text if len(text) <= _LONG else f"{text[: _LONG - 1]}…")


def short(length: float) -> str:
    """Return a length on paper, to a tenth."""
    return f"{round(length, 1) + 0.0:.1f}".removesuffix(".0")


def letters(x: float, y: float, text: str, kind: str = "", anchor: str = "") -> str:
    """Write a piece of text at a place."""
    more = (f' class="{kind}"' if kind else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text x="{short(x)}" y="{short(y)}"{more}>{safe(text)}</text>'


def grid(plot: Plot) -> list[str]:
    """Draw the rules at the upward axis's ticks, each with its number above it."""
    lines = "".join(f"M0 {plot.down(tick.at)}H{short(plot.width)}" for tick in plot.y.ticks)
    labels = [letters(0, float(plot.down(tick.at)) - 3, tick.label) for tick in plot.y.ticks]
    return [f'<path class="grid" d="{lines}"/>' if lines else "", *labels]


def _across(plot: Plot, name: str, *, whole: bool = False) -> list[str]:
    ticks = [tick for tick in plot.x.ticks if not whole or (tick.at >= 1 and tick.at == int(tick.at))]
    floor = short(plot.floor)
    lines = "".join(f"M{plot.across(tick.at)} {floor}v4" for tick in ticks)
    labels = [letters(float(plot.across(tick.at)), plot.floor + 17, tick.label, "", "middle") for tick in ticks]
    base = f'<path class="base" d="M0 {floor}H{short(plot.width)}{lines}"/>'
    return [base, *labels, *([letters(0, plot.floor + 17, name)] if name else [])]


def _rules(plot: Plot, changes: Sequence[Mark]) -> list[str]:
    """Draw where something changed, with names where there is room for them."""
    if not changes:
        return []
    body = ["".join(f"M{plot.across(change.at)} {plot.top - 6:g}V{short(plot.floor)}" for change in changes)]
    body[0] = f'<path class="change" d="{body[0]}"/>'
    free = -math.inf
    for change in changes:
        x = float(plot.across(change.at))
        if x >= free:
            body.append(letters(x, 10, change.label, "change-label", "middle"))
            free = x + 14 + _LABEL * len(change.label)
    return body


def _near(limits: Sequence[Mark], ys: Sequence[float]) -> list[float]:
    """Return the limits that are close enough to what was seen to be drawn beside it."""
    room = (max(ys) - min(ys)) / 2
    return [limit.at for limit in limits if min(ys) - room <= limit.at <= max(ys) + room]


def limit_lines(plot: Plot, limits: Sequence[Mark]) -> Iterable[str]:
    """Draw the limits that lie within the plot."""
    for limit in limits:
        if plot.y.low <= limit.at <= plot.y.high:
            y = plot.down(limit.at)
            yield f'<path class="limit" d="M{short(plot.left)} {y}H{short(plot.width)}"/>'
            yield letters(plot.width, float(y) - 3, limit.label, "limit-label", "end")


def _dots(plot: Plot, dots: Sequence[Dot]) -> list[str]:
    """Draw dots, the most important on top: one by one with their notes while they are few, else in one path each."""
    by_shape: dict[Shape, list[Dot]] = {shape: [] for shape in GLYPHS}
    for dot in dots:
        by_shape[dot.shape].append(dot)
    body = []
    for shape, group in by_shape.items():
        paths = [f"M{plot.across(dot.x)} {plot.down(dot.y)}{GLYPHS[shape]}" for dot in group]
        if len(dots) > _NOTES:
            body += [f'<path class="{shape}" d="{"".join(paths)}"/>'] if paths else []
            continue
        for path, dot in zip(paths, group, strict=True):
            note = f"><title>{safe(dot.note)}</title></path>" if dot.note else "/>"
            body.append(f'<path class="{shape}" d="{path}"{note}')
    return body


def _labels(plot: Plot, dots: Sequence[Dot]) -> list[str]:
    """Write names beside dots, each in the first free place around its dot; one without a free place goes unnamed."""
    taken: list[tuple[float, float, float, float]] = []
    body = []
    for dot in dots:
        x, y, wide = float(plot.across(dot.x)), float(plot.down(dot.y)), _LABEL * len(dot.label)
        for dx, dy, anchor in _AROUND:
            start = x + dx - {"": 0, "end": wide, "middle": wide / 2}[anchor]
            box = (start, y + dy - 11, start + wide, y + dy + 1)
            inside = box[0] >= 0 and box[2] <= plot.width and box[1] >= 0
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                body.append(letters(x + dx, y + dy, dot.label, f"label {dot.shape}-label", anchor))
                break
    return body


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
