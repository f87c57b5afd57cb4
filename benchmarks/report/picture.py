"""Regret by run as an SVG: one panel over all tasks, whose labels name the lines, and a small one for each task."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from benchmarks.report.results import Cells, Floats, names, traces

_OURS = "#0b4f9e"
_COLOURS = (
    "#d1495b", "#e08e1b", "#3c8d5a", "#7a5195", "#8c6d46", "#00848c", "#c2579f", "#6b7f12", "#d4633a", "#5b6fc7", "#777777",
)  # fmt: skip
_DASHES = ("", "6 3", "2 2")  # a second and a third round of the colours
_ACROSS, _WIDE, _HIGH = 4, 275, 185
_DECADES = 3.0
"""How far below a panel's highest value its floor may lie."""
_LINE = 13.0  # between two labels
_NAMED = 4  # methods that a small panel has room to name

Lines = dict[str, Floats]


class Style(NamedTuple):
    """How a method's line is drawn."""

    colour: str
    dash: str
    width: float


class Frame(NamedTuple):
    """Where a panel's lines lie and what its ends mean; logarithms of regret from ``low`` to ``high``."""

    left: float
    top: float
    wide: float
    tall: float
    low: float
    high: float

    def across(self, run: float, runs: int) -> float:
        """Return where a run (from 1) stands."""
        return self.left + self.wide * (run - 1) / max(1, runs - 1)

    def down(self, value: float) -> float:
        """Return where a regret stands; what is below the floor stands on it."""
        log = math.log10(value) if value > 0.0 else self.low
        share = (self.high - log) / (self.high - self.low)
        return self.top + self.tall * min(1.0, max(0.0, share))


def picture(found: Cells, ours: str) -> str:
    """Return median regret by run as an SVG."""
    tasks, methods = names(found, ours)
    styles = _styles(methods, ours)
    by_task = {task: {m: _median(found, task, m) for m in methods if (task, m) in found} for task in tasks}
    parts, top = [], 0
    if len(tasks) > 1:
        parts.append(_together(by_task, styles))
        top = 385
    for k, task in enumerate(tasks):
        x, y = k % _ACROSS * _WIDE, top + k // _ACROSS * _HIGH
        frame = _frame(by_task[task], (x + 36, y + 24, _WIDE - 108, _HIGH - 55))
        parts.append(_panel(task, by_task[task], frame, styles, _small_labels(by_task[task], ours)))
    high = top + math.ceil(len(tasks) / _ACROSS) * _HIGH
    size = f'viewBox="0 0 {_ACROSS * _WIDE} {high}" width="{_ACROSS * _WIDE}" height="{high}"'
    style = 'font-family="Helvetica, Arial, sans-serif" font-size="11" fill="#222"'
    back = '<rect width="100%" height="100%" fill="#fff"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>{back}{"".join(parts)}</svg>\n'


def _styles(methods: Sequence[str], ours: str) -> dict[str, Style]:
    peers = [method for method in methods if method != ours]
    made = {
        peer: Style(_COLOURS[k % len(_COLOURS)], _DASHES[k // len(_COLOURS) % len(_DASHES)], 1.4)
        for k, peer in enumerate(peers)
    }
    return made | {ours: Style(_OURS, "", 2.8)}


def _median(found: Cells, task: str, method: str) -> Floats:
    return np.asarray(np.median(traces(found[task, method]), axis=0))


def _together(by_task: Mapping[str, Lines], styles: Mapping[str, Style]) -> str:
    """Draw the median over the tasks that all ran; a method that ran less than half as many as the most is left out."""
    ran = {method: {task for task, lines in by_task.items() if method in lines} for method in styles}
    most = max(map(len, ran.values()))
    kept = [method for method in styles if 2 * len(ran[method]) >= most]
    shared = sorted(set(by_task).intersection(*(ran[method] for method in kept)))
    if not shared:
        return '<text x="38" y="20" font-size="14">No task was run by every method: see each below</text>'
    lines = {m: np.asarray(np.median([by_task[task][m] for task in shared], axis=0)) for m in kept}
    left_out = [method for method in styles if method not in kept and ran[method]]
    missing = f"; too few tasks: {', '.join(left_out)}" if left_out else ""
    title = (
        f"Median regret over {len(shared)} tasks, each the median over seeds (0 optimum, 1 the median setting){missing}"
    )
    frame = _frame(lines, (48, 34, _ACROSS * _WIDE - 240, 290))
    words = {method: f"{method}  {_short(lines[method][-1])}" for method in lines}
    return _panel(title, lines, frame, styles, words, size=13) + (
        f'<text x="{frame.left + frame.wide / 2:.0f}" y="{frame.top + frame.tall + 30:.0f}" text-anchor="middle">runs</text>'
    )


def _frame(lines: Lines, box: tuple[float, float, float, float]) -> Frame:
    """Fit the scale to what lies between the first run and the last; the floor is at most three decades below."""
    values = np.concatenate([line[np.isfinite(line) & (line > 0.0)] for line in lines.values()])
    high = math.log10(values.max()) if len(values) else 0.0
    low = max(math.log10(values.min()), high - _DECADES) if len(values) else -1.0
    pad = 0.04 * max(high - low, 0.25)
    return Frame(*box, low=low - pad, high=high + pad)


def _panel(
    title: str, lines: Lines, frame: Frame, styles: Mapping[str, Style], words: Mapping[str, str], *, size: int = 11
) -> str:
    drawn = [
        f'<text x="{frame.left:.0f}" y="{frame.top - 9:.0f}" font-size="{size}" font-weight="bold">{escape(title)}</text>'
    ]
    below = any((line < 10.0**frame.low).any() for line in lines.values())
    drawn += _axes(frame, max(map(len, lines.values())), ("less",) if below else ())
    for method in sorted(lines, key=lambda name: styles[name].width):  # ours last, above the others
        drawn.append(_line(lines[method], frame, styles[method]))
    ends = {method: frame.down(lines[method][-1]) for method in words if math.isfinite(lines[method][-1])}
    for method, y in _apart(ends, frame).items():
        bold = ' font-weight="bold"' if styles[method].width > 2.0 else ""
        x, end = frame.left + frame.wide, ends[method]
        drawn.append(
            f'<path d="M{x:.1f} {end:.1f}L{x + 10:.1f} {y:.1f}" stroke="{styles[method].colour}" fill="none"/>'
        )
        drawn.append(
            f'<text x="{x + 12:.1f}" y="{y + 4:.1f}" fill="{styles[method].colour}"{bold}>{escape(words[method])}</text>'
        )
    return "".join(drawn)


def _axes(frame: Frame, runs: int, floor: Sequence[str]) -> list[str]:
    """Draw the box, round values and runs; ``floor`` is what stands at the bottom of the scale, if anything."""
    bottom = frame.top + frame.tall
    box = f'x="{frame.left}" y="{frame.top}" width="{frame.wide}" height="{frame.tall}"'
    drawn = [f'<rect {box} fill="none" stroke="#bbb"/>']
    marks = [(frame.down(value), f"{value:g}") for value in _ticks(frame.low, frame.high)]
    drawn += [f'<path d="M{frame.left} {y:.1f}h{frame.wide}" stroke="#e6e6e6"/>' for y, _ in marks]
    for y, word in [
        *((y, word) for y, word in marks if not floor or y < bottom - 12.0),
        *((bottom, word) for word in floor),
    ]:
        drawn.append(f'<text x="{frame.left - 4}" y="{y + 3:.1f}" font-size="9" text-anchor="end">{word}</text>')
    for run in sorted({1, max(1, runs // 2), runs}):
        x = frame.across(run, runs)
        drawn.append(f'<text x="{x:.1f}" y="{bottom + 12:.1f}" font-size="9" text-anchor="middle">{run}</text>')
    return drawn


def _ticks(low: float, high: float) -> list[float]:
    """Return round values within the scale: decades alone where there are three, else 2 and 5 too."""
    steps = (1.0,) if high - low > 2.5 else (1.0, 2.0, 5.0) if high - low > 0.5 else (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)
    values = [step * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for step in steps]
    return [value for value in values if low <= math.log10(value) <= high]


def _line(line: Floats, frame: Frame, style: Style) -> str:
    points = " ".join(
        f"{frame.across(run, len(line)):.1f},{frame.down(value):.1f}"
        for run, value in enumerate(line.tolist(), start=1)
        if math.isfinite(value)
    )
    dash = f' stroke-dasharray="{style.dash}"' if style.dash else ""
    return f'<polyline points="{points}" fill="none" stroke="{style.colour}" stroke-width="{style.width}"{dash}/>'


def _small_labels(lines: Lines, ours: str) -> dict[str, str]:
    """Name all where there is room; else ours and the best, the middle and the worst of the others."""
    peers = sorted((m for m in lines if m != ours), key=lambda m: (lines[m][-1], m))
    named = peers if len(lines) <= _NAMED else [peers[0], peers[len(peers) // 2], peers[-1]]
    return {method: method for method in [*(m for m in (ours,) if m in lines), *named]}


def _apart(ends: Mapping[str, float], frame: Frame) -> dict[str, float]:
    """Move labels from their lines' ends until none covers another, in the order of the ends and within the panel."""
    order = sorted(ends, key=lambda method: (ends[method], method))
    placed: list[float] = []
    for method in order:
        placed.append(max(ends[method], placed[-1] + _LINE if placed else frame.top))
    limit = frame.top + frame.tall + 4.0
    for k in range(len(placed) - 1, -1, -1):
        placed[k] = min(placed[k], limit)
        limit = placed[k] - _LINE
    return dict(zip(order, placed, strict=True))


def _short(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else ""
