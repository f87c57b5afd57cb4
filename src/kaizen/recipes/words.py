"""Words that people write in recipes: ``10 min``, ``2 GiB``, ``1..16 step 3``, ``size <= 100``."""

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from kaizen.errors import Malformed
from kaizen.metric import Guard, guard
from kaizen.parameter import Choice, Parameter, Real, Revision, Switch, When, Whole, check_parameter
from kaizen.setting import Value, plain_number

_SECONDS = {
    "ms": 0.001, "s": 1.0, "sec": 1.0, "second": 1.0, "min": 60.0, "minute": 60.0, "h": 3_600.0, "hour": 3_600.0,
    "d": 86_400.0, "day": 86_400.0, "week": 604_800.0,
}  # fmt: skip
_BYTES = {"B": 1.0} | {
    f"{letter}{tail}": float(base**power)
    for power, letter in enumerate("KMGT", start=1)
    for tail, base in (("iB", 1024), ("B", 1000))
}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)")

_NUMBER = r"[+-]?\d+(?:_\d+)*(?:\.\d+)?(?:[eE][+-]?\d+)?"
_LONGEST = 200  # characters; no honest number or range is longer
_RANGE = re.compile(rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*(.*)")
_STEP = re.compile(rf"(?:^|\s)step\s+({_NUMBER})(?=\s|$)")
_LOG = re.compile(r"(?:^|\s)log(?=\s|$)")
_AT_MOST = re.compile(rf"(?:^|\s)at most\s+({_NUMBER})(?=\s|$)")

_PLAIN = ("switch", "revision")
_LIMIT = re.compile(rf"\s*(?:({_NUMBER})\s*(<=|>=)\s*)?([^\W\d]\w*)\s*(?:(<=|>=)\s*({_NUMBER}))?\s*")


def duration(given: object, what: str) -> float:
    """Read ``"10 min"``, ``"1 h 30 min"`` or a number of seconds; return seconds.

    Raises:
        Malformed: no such words, or not above 0.
    """
    seconds = _amount(given, {**_SECONDS, **{f"{word}s": size for word, size in _SECONDS.items() if len(word) > 2}})
    if seconds is None:
        raise Malformed(
            f"{what} must be a duration above 0; got {given!r}",
            hint="write it like '90 s', '10 min', '1.5 h' or '2 days', or as a number of seconds",
        )
    return seconds


def memory(given: object, what: str) -> float:
    """Read ``"2 GiB"``, ``"512 MB"`` or a number of MiB; return MiB.

    Raises:
        Malformed: no such words, or not above 0.
    """
    mebibytes = _amount(given, {unit: size / 2**20 for unit, size in _BYTES.items()})
    if mebibytes is None:
        raise Malformed(
            f"{what} must be an amount of memory above 0; got {given!r}",
            hint="write it like '512 MiB' or '2 GiB', or as a number of MiB",
        )
    return mebibytes


def ranged(name: str, written: str, *, unit: str = "", when: tuple[When, ...] = ()) -> Parameter:
    """Read ``"1..16 step 3"`` or ``"20.0..90.0 degC at most 5"``: real where a bound or the step has a point or exponent.

    Raises:
        Malformed: no range, or two units.
    """
    found = _RANGE.fullmatch(written) if len(written) <= _LONGEST else None
    if found is None:
        raise Malformed(
            f"{name} must be a range; got {written!r}",
            hint="write it like '1..16', '1..16 step 3', '1..1024 log' or '20.0..90.0 degC'",
        )
    first, last, rest = found.groups()
    stepped = _STEP.search(rest)
    rest = _STEP.sub(" ", rest, count=1)
    moved = _AT_MOST.search(rest)
    most = float(moved.group(1)) if moved else None
    rest = _AT_MOST.sub(" ", rest, count=1)
    log = bool(_LOG.search(rest))
    unit = _unit(name, " ".join(_LOG.sub(" ", rest, count=1).split()), unit)
    step = stepped.group(1) if stepped else None
    if any(mark in number for number in (first, last, step or "") for mark in ".eE"):
        low, high = float(first), float(last)
        grid = float(step) if step else None
        return Real(name=name, low=low, high=high, log=log, step=grid, at_most=most, unit=unit, when=when)
    return Whole(
        name=name, low=int(first), high=int(last), log=log, step=int(step or 1), at_most=most, unit=unit, when=when
    )


def _unit(name: str, written: str, unit: str) -> str:
    """Return the unit, written behind the bounds or apart; a misspelt ``step`` is none."""
    near = difflib.get_close_matches(written.lower(), ("log", "step"), cutoff=0.7)
    if written and (near or " " in written or written[0].isdigit()):
        raise Malformed(
            f"behind its bounds, the range of {name} must have a unit, step, at most or log; got {written!r}",
            hint="write it like '1..16 MiB step 3'; a unit of several words goes into { range = …, unit = … }",
        )
    if unit and written and unit != written:
        raise Malformed(f"{name} must have one unit; got {written!r} and {unit!r}")
    return unit or written


def parameter(name: str, given: object) -> Parameter:
    """Read what may change: ``"1..16"``, ``[1, 2, 4]``, ``["zlib", "lzma"]``, ``"switch"``, ``"revision"`` or a table.

    Whole numbers in rising order are levels; true and false are a switch; other lists are choices.

    Raises:
        Malformed: none of these.
    """
    if isinstance(given, dict):
        rules = given
    else:
        rules = {"range" if isinstance(given, str) and given not in _PLAIN else "values": given}
    check_keys(rules, ("range", "values", "log", "step", "at_most", "unit", "when"), "a key of a parameter")
    if ("range" in rules) == ("values" in rules):
        raise Malformed(
            f"a parameter must have a range or values; got {'both' if 'range' in rules else 'neither'}",
            hint='write it like { range = "1..8" } or { values = ["zlib", "lzma"] }',
        )
    made = _of_range(name, rules) if "range" in rules else _of_values(name, rules)
    check_parameter(made)
    return made


def _of_range(name: str, rules: Mapping[str, Any]) -> Parameter:
    written = text(rules["range"], "range")
    if "step" in rules:
        number(rules["step"], "step")
        written += f" step {rules['step']}"
    if "at_most" in rules:
        number(rules["at_most"], "at_most")
        written += f" at most {rules['at_most']}"
    if flag(rules.get("log", False), "log") and not _LOG.search(written):
        written += " log"
    return ranged(name, written, unit=text(rules.get("unit", ""), "unit"), when=conditions(rules.get("when")))


def _of_values(name: str, rules: Mapping[str, Any]) -> Parameter:
    values, unit, when = rules["values"], text(rules.get("unit", ""), "unit"), conditions(rules.get("when"))
    for key in ("log", "step"):
        if key in rules:
            raise Malformed(f"{key} must belong to a range; got values", hint='write it like { range = "1..8" }')
    several = isinstance(values, list) and len(values) > 1
    if several and all(type(value) is int for value in values) and values == sorted(set(values)):
        levels, most = tuple(values), number(rules["at_most"], "at_most") if "at_most" in rules else None
        return Whole(name=name, low=levels[0], high=levels[-1], levels=levels, at_most=most, unit=unit, when=when)
    if "at_most" in rules:
        hint = "values in no order have no step between them"
        raise Malformed(
            "at_most must belong to a range or to whole numbers in rising order; got other values", hint=hint
        )
    if unit:
        raise Malformed(f"a unit must belong to a range or to whole numbers in rising order; got {unit!r}")
    if values == "revision":
        return Revision(name=name, when=when)
    if values == "switch" or (several and sorted(map(repr, values)) == ["False", "True"]):
        return Switch(name=name, when=when)
    if not isinstance(values, list):
        raise Malformed(
            f"{name} must be a range, a list of values, 'switch' or 'revision'; got {values!r}",
            hint='write it like "1..16", ["zlib", "lzma"] or "switch"',
        )
    return Choice(name=name, values=tuple(values), when=when)


def limit(given: object, metrics: Iterable[str]) -> Guard:
    """Read ``"size <= 100"``, ``"100 >= size"`` or ``"10 <= size <= 100"``; a limit itself is allowed.

    Raises:
        Malformed: no such limit, or on no declared metric.
    """
    found = _LIMIT.fullmatch(given) if isinstance(given, str) and len(given) <= _LONGEST else None
    if found is None or not (found.group(1) or found.group(5)):
        raise Malformed(
            f"a guard must be a limit on a metric; got {given!r}",
            hint="write it like 'size <= 100' or '10 <= size <= 100'; a limit itself is allowed",
        )
    left, left_sign, name, right_sign, right = found.groups()
    check_known(name, metrics, "a guard's metric")
    ends: dict[str, float] = {}
    for number, least in ((left, left_sign == "<="), (right, right_sign == ">=")):
        if number is not None:
            end = "at_least" if least else "at_most"
            if end in ends:
                raise Malformed(f"a guard must say each limit once; got {given!r}")
            ends[end] = float(number)
    return guard(name, at_least=ends.get("at_least"), at_most=ends.get("at_most"))


def conditions(given: object) -> tuple[When, ...]:
    """Read ``{"codec": "zlib"}`` or ``{"codec": ("zlib", "bz2")}``.

    Raises:
        Malformed: no mapping from a parameter's name to values.
    """
    if given is None:
        return ()
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise Malformed(
            f"a condition must name a parameter and its values; got {given!r}",
            hint="write it like {'codec': 'zlib'} or {'codec': ('zlib', 'bz2')}",
        )
    return tuple(When(name, _several(values)) for name, values in given.items())


def text(given: object, what: str) -> str:
    """Return text, or raise ``Malformed``."""
    if not isinstance(given, str):
        raise Malformed(f"{what} must be text; got {given!r}", hint="put it in quotes")
    return given


def number(given: object, what: str) -> float:
    """Return a finite number, or raise ``Malformed``."""
    found = plain_number(given)
    if found is None:
        hint = "write it without quotes" if isinstance(given, str) else ""
        raise Malformed(f"{what} must be a finite number; got {given!r}", hint=hint)
    return float(found)


def whole(given: object, what: str) -> int:
    """Return a whole number, or raise ``Malformed``."""
    if isinstance(given, bool) or not isinstance(given, int):
        raise Malformed(f"{what} must be a whole number; got {given!r}")
    return given


def flag(given: object, what: str) -> bool:
    """Return true or false, or raise ``Malformed``."""
    if not isinstance(given, bool):
        raise Malformed(f"{what} must be true or false; got {given!r}", hint="write it without quotes")
    return given


def table(given: object, what: str) -> dict[str, Any]:
    """Return a table, or raise ``Malformed``."""
    if not isinstance(given, dict):
        raise Malformed(f"{what} must be a table; got {given!r}", hint='write it like { better = "lower" }')
    return given


def check_keys(given: Iterable[str], known: Iterable[str], what: str) -> None:
    """Refuse a table with a key that is not known."""
    for key in given:
        check_known(key, known, what)


def check_known(name: str, known: Iterable[str], what: str) -> None:
    """Refuse a word that is not known, and name the nearest one that is.

    Raises:
        Malformed: ``name`` is not among ``known``.
    """
    words = list(known)
    if name in words:
        return
    near = difflib.get_close_matches(name, words, n=1)
    listed = ", ".join(words) or "none"
    hint = f"did you mean {near[0]!r}? known are: {listed}" if near else f"known are: {listed}"
    raise Malformed(f"{what} must be a known one; got {name!r}", hint=hint)


def _several(values: Any) -> tuple[Value, ...]:
    if isinstance(values, set | frozenset):  # its order is another one every day
        return tuple(sorted(values, key=repr))
    return tuple(values) if isinstance(values, list | tuple) else (values,)


def _amount(given: object, units: Mapping[str, float]) -> float | None:
    """Add up ``1 h 30 min``; a bare number counts as it is; ``None`` where it cannot be read or is not above 0."""
    total = plain_number(_added(given, units) if isinstance(given, str) else given)
    return float(total) if total is not None and total > 0 else None


def _added(text: str, units: Mapping[str, float]) -> float:
    """Return the sum, not a number where a word of it is unknown."""
    try:
        return float(text)
    except ValueError:
        spelled = {unit.lower(): size for unit, size in units.items()}
    total, place, words = 0.0, 0, text.strip()
    while place < len(words):
        part = _PART.match(words, place)
        if part is None or part.group(2).lower() not in spelled:
            return math.nan
        total += float(part.group(1)) * spelled[part.group(2).lower()]
        place = part.end()
    return total
