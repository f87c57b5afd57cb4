"""Reading single cells: numbers, moments, truth, values of parameters; and names that everybody takes."""

import math
import re
from datetime import UTC, datetime

from kaizen.setting import Value

NOTHING = frozenset(
    {"", "-", "--", "null", "none", "nan", "n/a", "na", "tbd", "todo", "?", "inf", "-inf", "failed", "fail"}
)
"""What stands in a cell where there is no number."""


def clean(text: str) -> str:
    """Return text as it can be stored: without NUL, half surrogates marked."""
    return text.replace("\0", "").encode("utf-8", errors="replace").decode("utf-8")


def number(cell: object) -> float | None:
    """Return a finite number, or ``None`` where there is none."""
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int | float):
        return float(cell) if math.isfinite(cell) else None
    text = str(cell).strip().lower()
    if text in NOTHING or not re.fullmatch(r"[-+]?(\d[\d_]*\.?\d*|\.\d+)(e[-+]?\d+)?", text) or "__" in text:
        return None
    found = float(text)
    return found if math.isfinite(found) else None


def truth(cell: object) -> bool | None:
    """Return yes or no, or ``None`` for anything else."""
    text = str(cell).strip().lower()
    return True if text in ("true", "yes") else False if text in ("false", "no") else None


def value(cell: str) -> Value:
    """Return a cell as a parameter's value: truth, a whole number, a number, or text; ``007`` is text."""
    text = cell.strip()
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if re.fullmatch(r"[-+]?(0|[1-9]\d{0,17})", text):
        return int(text)
    found = None if re.match(r"[-+]?0\d", text) else number(text)
    return found if found is not None else text


def moment(cell: object) -> float | None:
    """Return a moment in seconds since 1970: ISO 8601, or a number of seconds, ms, µs or ns; ``None`` for none."""
    found = number(cell)
    if found is not None:
        if found < 10**8:
            return None
        while found > 10**11:
            found /= 1000.0
        return found
    try:
        when = datetime.fromisoformat(str(cell).strip())
    except ValueError:
        return None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def name(text: str) -> str:
    """Return a name of letters, digits and _ for whatever a source calls a thing."""
    plain = re.sub(r"\W+", "_", text.strip()).strip("_")
    if not plain:
        return "value"
    return plain if plain[0].isalpha() or plain[0] == "_" else f"_{plain}"
