"""Tables as values, set as plain text or as Markdown."""

import math
from collections.abc import Sequence
from typing import NamedTuple


class Table(NamedTuple):
    """What a table says, its columns and its rows."""

    title: str
    head: Sequence[str]
    body: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


class Heading(NamedTuple):
    """What the tables below are about."""

    text: str


Part = Table | Heading | str


def plain(parts: Sequence[Part]) -> str:
    """Return the parts as text in columns; a table without rows is left out."""
    return "\n\n".join(said for part in parts if (said := _plain(part)))


def markdown(parts: Sequence[Part]) -> str:
    """Return the parts as Markdown; a table without rows is left out."""
    return "\n\n".join(said for part in parts if (said := _markdown(part))) + "\n"


def _plain(part: Part) -> str:
    match part:
        case Heading(text):
            return f"# {text}"
        case Table(title, head, body, notes):
            return "\n\n".join([title, columns(head, body), *notes]) if body else ""
    return part


def columns(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Return a table as text, the first column to the left and all others to the right."""
    widths = [max(len(row[k]) for row in (head, *body)) for k in range(len(head))]
    lines = [
        "  ".join(cell.ljust(widths[0]) if k == 0 else cell.rjust(widths[k]) for k, cell in enumerate(row)).rstrip()
        for row in (head, *body)
    ]
    return "\n".join([lines[0], "-" * (sum(widths) + 2 * len(widths) - 2), *lines[1:]])


def _markdown(part: Part) -> str:
    match part:
        case Heading(text):
            return f"## {text}"
        case Table(title, head, body, notes):
            rule = [":--", *["--:"] * (len(head) - 1)]
            lines = [_line(row) for row in (head, rule, *body)]
            return "\n\n".join([title, "\n".join(lines), *notes]) if body else ""
    return part


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def figure(value: float | None, form: str = ".4f") -> str:
    """Return a figure as said, ``·`` for none and ``none`` for what was never reached."""
    if value is None or math.isnan(value):
        return "·"
    return format(value, form) if math.isfinite(value) else "none"


def interval(low: float, high: float, form: str = ".2f") -> str:
    """Return an interval as said."""
    return "not drawn" if math.isnan(low) else f"{low:{form}} to {high:{form}}"
