"""What may change: ``real whole choice switch`` and ``revision``, each frozen and checked at the door."""

import math
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from kaizen.errors import Malformed, OutOfRange, Undeclared
from kaizen.setting import Setting, Value, plain_number

_GRID = 1e-9  # how far off its grid a stepped value may be, in parts of the steps from its low end
_WIDEST = 1e300  # rounding and ratios stay finite below it
_FINEST = 1e-12  # the least step, in parts of the bounds: a float keeps 16 figures
_TOLD = 1e-3  # the least at_most, in parts of the range (or of 1, for a factor): what four figures tell apart
_EXACT = 2**53  # up to here a float keeps every whole number apart
_REVISION = frozenset("0123456789abcdef")


class When(msgspec.Struct, frozen=True):
    """A parameter is active only while another one has one of these values."""

    parameter: str
    values: tuple[Value, ...]


class Real(msgspec.Struct, frozen=True, kw_only=True, tag="real", tag_field="kind"):
    """A number between ``low`` and ``high``; ``log`` spaces it by ratios, ``step`` puts it on a grid from ``low``."""

    name: str
    low: float
    high: float
    log: bool = False
    step: float | None = None
    at_most: float | None = None
    """How far one increment may move it: in its unit, or by a factor above 1 where it is spaced by ratios."""
    unit: str = ""
    when: tuple[When, ...] = ()

    def check(self, value: object) -> float:
        """Return ``value`` as kept, or raise ``OutOfRange``."""
        number = _number(self.name, value, self.unit)
        if not self.low <= number <= self.high:
            raise _outside(self.name, value, self.span)
        if self.step is None:
            return number + 0.0
        steps = (number - self.low) / self.step
        if abs(steps - round(steps)) > self._slack(steps):
            raise _outside(self.name, value, self.span)
        return self._on_grid(round(steps))

    def place(self, value: Any) -> float:
        """Return where ``value`` lies in the range, 0 to 1 (by ratios if ``log``)."""
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (float(value) - self.low) / (self.high - self.low)

    def at(self, place: float) -> float:
        """Return the value at ``place`` (0 to 1), on its grid or, between the ends, to four figures of the range."""
        inside = min(1.0, max(0.0, place))
        raw = self.low * (self.high / self.low) ** inside if self.log else self.low + inside * (self.high - self.low)
        if self.step is not None:
            return self._on_grid(round((raw - self.low) / self.step))
        if inside in (0.0, 1.0):
            return float(self.high if inside else self.low)
        width = self.high - self.low
        digits = 3 - math.floor(math.log10(min(raw, width) if self.log else width))
        return float(min(self.high, max(self.low, round(raw, digits))))

    def _on_grid(self, steps: int) -> float:
        step = self.step or 1.0
        if steps <= 0:
            return float(self.low)
        whole = (self.high - self.low) / step
        last = math.floor(whole + self._slack(whole))
        raw = self.low + min(steps, last) * step
        short = float(f"{raw:.12g}")  # 0.1 + 2 * 0.1 is 0.3 to people
        near = short if abs(short - raw) <= self._slack(1.0) * step else raw
        return float(min(self.high, max(self.low, near))) + 0.0

    def _slack(self, steps: float) -> float:
        """Return how far off its grid a value may be, in steps: as far as the floats themselves are."""
        noise = 4 * sys.float_info.epsilon * max(abs(self.low), abs(self.high)) / (self.step or 1.0)
        return max(_GRID * max(1.0, abs(steps)), noise)

    @property
    def span(self) -> str:
        """The range in words."""
        grid = f" in steps of {self.step:g}" if self.step is not None else ""
        return f"a number from {self.low:g} to {self.high:g}{_of(self.unit)}{grid}"


class Whole(msgspec.Struct, frozen=True, kw_only=True, tag="whole", tag_field="kind"):
    """A whole number: every ``step``-th from ``low`` to ``high``, or one of the sorted ``levels``."""

    name: str
    low: int
    high: int
    log: bool = False
    step: int = 1
    levels: tuple[int, ...] = ()
    at_most: float | None = None
    """How far one increment may move it: in its unit, by a factor above 1 (``log``), or in places among ``levels``."""
    unit: str = ""
    when: tuple[When, ...] = ()

    def check(self, value: object) -> int:
        """Return ``value`` as kept, or raise ``OutOfRange``."""
        number = _number(self.name, value, self.unit)
        whole = round(number)
        on_grid = whole in self.levels if self.levels else (whole - self.low) % self.step == 0
        if whole != number or not self.low <= whole <= self.high or not on_grid:
            raise _outside(self.name, value, self.span)
        return whole

    def place(self, value: Any) -> float:
        """Return where ``value`` lies in the range, 0 to 1 (by rank among ``levels``, by ratios if ``log``)."""
        if self.levels:
            return self.levels.index(value) / (len(self.levels) - 1)
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (float(value) - self.low) / (self.high - self.low)

    def at(self, place: float) -> int:
        """Return the value nearest to ``place`` (0 to 1)."""
        inside = min(1.0, max(0.0, place))
        if self.levels:
            return self.levels[round(inside * (len(self.levels) - 1))]
        raw = self.low * (self.high / self.low) ** inside if self.log else self.low + inside * (self.high - self.low)
        last = (self.high - self.low) // self.step
        return self.low + min(last, max(0, round((raw - self.low) / self.step))) * self.step

    @property
    def span(self) -> str:
        """The range in words."""
        if self.levels:
            return f"one of {', '.join(map(str, self.levels))}{_of(self.unit)}"
        grid = f" in steps of {self.step}" if self.step != 1 else ""
        return f"a whole number from {self.low} to {self.high}{_of(self.unit)}{grid}"


class Choice(msgspec.Struct, frozen=True, kw_only=True, tag="choice", tag_field="kind"):
    """One of a few named ``values`` in no order."""

    name: str
    values: tuple[Value, ...]
    when: tuple[When, ...] = ()

    def check(self, value: object) -> Value:
        """Return ``value`` as kept, or raise ``OutOfRange``."""
        for known in self.values:
            if _same(known, value):
                return known
        for known in self.values:
            if isinstance(value, str) and not isinstance(known, str) and _spelled(known) == value.strip().lower():
                return known
        raise _outside(self.name, value, self.span)

    @property
    def span(self) -> str:
        """The values in words."""
        return f"one of {', '.join(map(repr, self.values))}"


class Switch(msgspec.Struct, frozen=True, kw_only=True, tag="switch", tag_field="kind"):
    """True or false."""

    name: str
    when: tuple[When, ...] = ()

    def check(self, value: object) -> bool:
        """Return ``value`` as kept, or raise ``OutOfRange``."""
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.strip().lower() in {"true", "false"}:
            return value.strip().lower() == "true"
        raise _outside(self.name, value, self.span)

    @property
    def span(self) -> str:
        """The values in words."""
        return "true or false"


class Revision(msgspec.Struct, frozen=True, kw_only=True, tag="revision", tag_field="kind"):
    """The code itself: a git commit or content hash, opaque, never planned by a numeric planner."""

    name: str
    when: tuple[When, ...] = ()

    def check(self, value: object) -> str:
        """Return ``value`` as kept, or raise ``OutOfRange``."""
        text = value.strip().lower() if isinstance(value, str) else ""
        if not 7 <= len(text) <= 64 or not set(text) <= _REVISION:
            raise _outside(self.name, value, self.span)
        return text

    @property
    def span(self) -> str:
        """The values in words."""
        return "a commit or content hash of 7 to 64 hexadecimal digits"


Parameter = Real | Whole | Choice | Switch | Revision


def check_parameter(parameter: Parameter) -> None:
    """Refuse a parameter that cannot be right in itself.

    Raises:
        Malformed: a range that is empty, a log scale over zero, a step or level off the range, a name no shell takes.
    """
    name = parameter.name
    if not name.isidentifier():
        raise Malformed(
            f"a parameter's name must be letters, digits and _; got {name!r}",
            hint="it becomes an environment variable or an argument",
        )
    match parameter:
        case Real(low=low, high=high, log=log, step=step):
            _check_range(name, low, high, log=log)
            if step is not None and not 0 < step <= high - low + _FINEST * max(abs(low), abs(high)):
                raise Malformed(f"{name}'s step must be above 0 and at most {high - low:g}; got {step!r}")
            if step is not None and step < _FINEST * max(abs(low), abs(high)):
                raise Malformed(f"{name}'s step must be at least {_FINEST:g} of its bounds; got {step!r}")
            _check_at_most(parameter)
        case Whole(low=low, high=high, log=log, step=step, levels=levels):
            _check_range(name, low, high, log=log)
            _check_whole(name, (low, high, step, *levels))
            if not 0 < step <= high - low:
                raise Malformed(f"{name}'s step must be above 0 and at most {high - low}; got {step!r}")
            if levels and (
                list(levels) != sorted(set(levels)) or len(levels) < 2 or (levels[0], levels[-1]) != (low, high)
            ):
                raise Malformed(f"{name}'s levels must be two or more whole numbers in rising order; got {levels!r}")
            _check_at_most(parameter)
        case Choice(values=values):
            for value in values:
                Setting({name: value})
            if len(values) < 2 or any(_same(a, b) for place, a in enumerate(values) for b in values[:place]):
                raise Malformed(f"{name}'s values must be two or more different ones; got {values!r}")


def check_conditions(parameters: Iterable[Parameter]) -> tuple[Parameter, ...]:
    """Return the parameters, what they wait for as it is kept; refuse conditions that can never hold.

    Raises:
        Undeclared: a condition names no parameter.
        OutOfRange: a condition waits for a value its parameter cannot have.
        Malformed: a condition waits for no value, or conditions wait for each other.
    """
    by_name = {parameter.name: parameter for parameter in parameters}
    kept = tuple(_kept_conditions(parameter, by_name) for parameter in by_name.values())
    settled: set[str] = set()
    while len(settled) < len(by_name):
        ready = {n for n, p in by_name.items() if n not in settled and all(w.parameter in settled for w in p.when)}
        if not ready:
            circle = ", ".join(sorted(by_name.keys() - settled))
            raise Malformed(f"conditions must not wait for each other; got a circle among {circle}")
        settled |= ready
    return kept


def _kept_conditions(parameter: Parameter, by_name: Mapping[str, Parameter]) -> Parameter:
    """Return ``parameter`` with each value it waits for as the other one keeps it (``"true"`` as ``True``)."""
    kept = []
    for when in parameter.when:
        if when.parameter not in by_name:
            raise Undeclared(
                f"{parameter.name}'s condition must be on a declared parameter; got {when.parameter!r}",
                hint=f"declared are: {', '.join(sorted(by_name))}",
            )
        if not when.values:
            raise Malformed(
                f"{parameter.name}'s condition on {when.parameter} must wait for one value or more; got none"
            )
        other = by_name[when.parameter]
        kept.append(When(when.parameter, tuple(other.check(value) for value in when.values)))
    return msgspec.structs.replace(parameter, when=tuple(kept)) if kept else parameter


def _check_at_most(parameter: Real | Whole) -> None:
    """Refuse an ``at_most`` that no increment can be made with."""
    name, most, low = parameter.name, parameter.at_most, parameter.low
    if most is None:
        return
    if isinstance(parameter, Whole) and parameter.levels:
        least, what = 1.0, "a level"
    elif parameter.log:
        grid = parameter.step or 0
        least, what = max((low + grid) / low, 1.0 + _TOLD), "a factor, from its low end to the next value"
    else:
        least, what = parameter.step or _TOLD * (parameter.high - low), "a step"
    if plain_number(most) is None or most < least * (1.0 - _GRID):
        raise Malformed(
            f"{name}'s at_most must be at least {least:.6g} ({what}); got {most!r}",
            hint="it is how far one increment may move it; leave it out for anywhere",
        )


def is_active(parameter: Parameter, values: Mapping[str, Value]) -> bool:
    """Tell whether ``parameter`` is active under ``values`` (of active parameters only)."""
    return all(
        when.parameter in values and any(_same(known, values[when.parameter]) for known in when.values)
        for when in parameter.when
    )


def _check_range(name: str, low: float, high: float, *, log: bool) -> None:
    if plain_number(low) is None or plain_number(high) is None or not low < high:
        raise Malformed(f"{name}'s range must go from a smaller to a larger finite number; got {low!r} to {high!r}")
    if log and low <= 0:
        raise Malformed(f"{name}'s range must lie above 0 to be spaced by ratios; got {low!r} to {high!r}")
    if max(-low, high) > _WIDEST or (log and high / low > _WIDEST):
        raise Malformed(f"{name}'s range must not reach beyond {_WIDEST:g}; got {low!r} to {high!r}")


def _check_whole(name: str, numbers: Iterable[object]) -> None:
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int) or abs(number) > _EXACT:
            raise Malformed(f"{name}'s range must be of whole numbers, at most 2**53 from 0; got {number!r}")


def _number(name: str, value: object, unit: str) -> float:
    """Read a finite number, spelled with its unit or without."""
    if isinstance(value, str):
        value = read_number(value, name=name, unit=unit)
    number = plain_number(value)
    if number is None:
        raise OutOfRange(f"{name} must be a finite number{_of(unit)}; got {value!r}")
    return number


def read_number(text: str, *, name: str, unit: str = "") -> float:
    """Read ``'184'`` or ``'184 degC'``; a unit that is written must be the declared one.

    Raises:
        OutOfRange: no finite number, or another unit than declared.
    """
    word, _, written = text.strip().partition(" ")
    try:
        number = int(word) if word.lstrip("+-").isdecimal() else float(word)
    except ValueError:
        raise OutOfRange(f"{name} must be a number{_of(unit)}; got {text!r}") from None
    if plain_number(number) is None:
        raise OutOfRange(f"{name} must be a finite number{_of(unit)}; got {text!r}")
    if written.strip() and written.strip() != unit:
        raise OutOfRange(
            f"{name} must be in {unit or 'no unit'}; got {text!r}",
            hint=f"convert it, then write the number{' alone or with ' + unit if unit else ' alone'}",
        )
    return number


def _outside(name: str, value: object, span: str) -> OutOfRange:
    return OutOfRange(f"{name} must be {span}; got {value!r}")


def _of(unit: str) -> str:
    return f" {unit}" if unit else ""


def _same(known: Value, value: object) -> bool:
    """Compare values; ``True`` is not ``1``."""
    return known == value and isinstance(known, bool) == isinstance(value, bool)


def _spelled(value: Value) -> str:
    return str(value).lower()
