"""The lines of the judge's table: a figure, what is wanted of it, and whether it is met; bounds of shares."""

from collections.abc import Sequence
from typing import Literal

import msgspec
from scipy.special import betaincinv

from benchmarks.report.page import Table

OURS = "ours"
LEVEL = 0.01
"""Each bound of a share is wrong once in a hundred."""

Met = Literal["met", "missed", "too few", ""]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of the table."""

    row: str
    what: str
    column: str = ""
    """Where figures stand side by side: by noise, by share of good ones, by machine."""
    who: str = OURS
    wanted: str = ""
    of: int | None = None
    """Of how many."""
    figure: str
    met: Met = ""
    """Whether the figure is as wanted; ``too few`` where the bounds of a share hold both answers; empty for foils."""


def upper(hits: int, of: int) -> float:
    """Return the upper Clopper-Pearson bound of a share."""
    return 1.0 if hits >= of else float(betaincinv(hits + 1, of - hits, 1 - LEVEL))


def lower(hits: int, of: int) -> float:
    """Return the lower Clopper-Pearson bound of a share."""
    return 0.0 if hits <= 0 else float(betaincinv(hits, of - hits + 1, LEVEL))


def within(what: str, hits: int, of: int, limit: float, *, row: str, column: str = "", exact: bool = False) -> Line:
    """Return the line of a share that must be within a limit: by its upper bound, or ``exact`` by its lower one.

    A test that uses its α up to the last errs in α of all trials: no number of them shows that it errs in fewer.
    """
    low, high = lower(hits, of), upper(hits, of)
    if exact:
        figure, kept = f"{hits / of:.2%} (≥ {low:.2%})", met(low <= limit)
    else:
        figure = f"{hits / of:.2%} (≤ {high:.2%})"
        kept = "met" if high <= limit else "missed" if low > limit else "too few"
    wanted = f"≤ {limit:.2%}"
    return Line(row=row, what=what, column=column, wanted=wanted, of=of, figure=figure, met=kept)


def foil(what: str, who: str, hits: int, *, of: int, row: str, column: str = "") -> Line:
    """Return the line of a foil: the share that it adopts."""
    return Line(row=row, what=what, column=column, who=who, of=of, figure=f"{hits / of:.1%}")


def met(kept: bool) -> Met:  # noqa: FBT001  # a claim, not an option
    """Say it."""
    return "met" if kept else "missed"


def table(name: str, title: str, lines: Sequence[Line]) -> Table:
    """Return the table of one row; figures that differ by column alone stand side by side."""
    columns = list(dict.fromkeys(line.column for line in lines if line.column))
    found: dict[tuple[object, ...], dict[str, Line]] = {}
    for line in lines:
        found.setdefault((line.what, line.who, line.wanted, line.of), {})[line.column] = line
    body = []
    for (what, who, wanted, of), cells in found.items():
        figures = [cells[column].figure if column in cells else "·" for column in columns]
        alone = cells[""].figure if "" in cells else ""
        counted = "" if of is None else f"{of:,}"
        body.append([str(what), str(who), counted, *figures, *([alone] if not columns or alone else [""]),
                     str(wanted), _said(list(cells.values()))])  # fmt: skip
    head = ["", "judged by", "of", *columns, "" if columns else "figure", "wanted", ""]
    if not any(row[-3] for row in body):
        body, head = [[*row[:-3], *row[-2:]] for row in body], [*head[:-3], *head[-2:]]
    return Table(f"{name}: {title}", head, body)


def _said(lines: Sequence[Line]) -> str:
    """Say whether all figures of one line are met, or which are not."""
    states = {state: [line.column for line in lines if line.met == state] for state in ("missed", "too few")}
    for state, columns in states.items():
        if columns:
            return f"{state}: {', '.join(columns)}" if any(columns) and len(columns) < len(lines) else state
    return "met" if any(line.met == "met" for line in lines) else ""


def summary(titles: Sequence[tuple[str, str]], lines: Sequence[Line]) -> Table:
    """Return how many figures of each row are as wanted."""
    body = []
    for name, title in titles:
        own = [line.met for line in lines if line.row == name and line.met]
        body.append([f"{name}: {title}", *(str(own.count(state)) for state in ("met", "missed", "too few"))])
    return Table("Figures as wanted, by row", ["", "met", "missed", "too few trials to tell"], body)


def misses(lines: Sequence[Line]) -> str:
    """Name every figure that is missed."""
    return "\n".join(
        f"missed: {line.row}, {line.what}{f', {line.column}' if line.column else ''}: {line.figure}; wanted {line.wanted}"
        for line in lines if line.met == "missed"
    )  # fmt: skip
