"""One thing under two names: what another process calls a parameter, and in which unit, told in this one's words.

``there=here`` says that what is called ``there`` elsewhere is called ``here``; numbers may be scaled and shifted on the way,
as in ``temp_K-273.15=temp_C`` or ``ms*0.001=seconds``: what stands on the left is worked out there and means the right here.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Self

import msgspec

from kaizen.errors import Clash, Malformed, Undeclared
from kaizen.journal import Head, Kept, Tested, Tried
from kaizen.parameter import Choice, Parameter, Real, Revision, Switch, Whole
from kaizen.process import Process
from kaizen.setting import Setting, Value
from kaizen.standard import Increment

_SPELLED = re.compile(
    r"\s*(?P<there>[^\W\d]\w*)\s*(?:(?P<by>[*/])\s*(?P<times>{number}))?\s*(?:(?P<sign>[+-])\s*(?P<plus>{number}))?"
    r"\s*=\s*(?P<here>[^\W\d]\w*)\s*".replace("{number}", r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
)
_FIGURES = 12  # of a number that was worked out: what a unit's factor leaves of rounding is no difference
_HINT = "write there=here, such as learning_rate=lr, temp_K-273.15=temp_C or ms*0.001=seconds"


class Rename(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter's two names; a value here is the value there ``times`` a factor ``plus`` a shift."""

    there: str
    here: str
    times: float = 1.0
    plus: float = 0.0

    @property
    def plain(self) -> bool:
        """Whether values are the same under both names."""
        return self.times == 1.0 and self.plus == 0.0

    def value(self, value: Value) -> Value:
        """Return a value of there as it is said here."""
        if self.plain or isinstance(value, bool | str):
            return value
        made = float(f"{value * self.times + self.plus:.{_FIGURES}g}")
        whole = isinstance(value, int) and self.times == 1.0 and made.is_integer()
        return int(made) if whole else made

    @property
    def back(self) -> "Rename":
        """The same, from here to there."""
        return Rename(there=self.here, here=self.there, times=1.0 / self.times, plus=-self.plus / self.times)

    def __str__(self) -> str:
        """Return it as it is written: ``temp_K-273.15=temp_C``."""
        plus = "" if self.plus == 0.0 else f"{'-' if self.plus < 0.0 else '+'}{_spelled(abs(self.plus))}"
        return f"{self.there}{self._factor}{plus}={self.here}"

    @property
    def _factor(self) -> str:
        """The factor as it is written: ``*0.001``, or ``/60`` where only that says it in few figures."""
        if self.times == 1.0:
            return ""
        times, over = _spelled(self.times), f"{1.0 / self.times:.{_FIGURES}g}"
        return f"/{over}" if len(times) > _FIGURES + 2 and 1.0 / float(over) == self.times else f"*{times}"


class Renaming:
    """All renames from one place to another; names that none of them says stay as they are."""

    def __init__(self, renames: Iterable[Rename] = (), *, without: Iterable[str] = ()) -> None:
        """Take renames that were checked; names ``without`` a meaning here are left out."""
        self.renames = tuple(renames)
        self._without = frozenset(without)
        self._by_there = {one.there: one for one in self.renames}
        self._taken = {one.here for one in self.renames}

    def __bool__(self) -> bool:
        """Tell whether anything has another name."""
        return bool(self.renames or self._without)

    @property
    def back(self) -> "Renaming":
        """The same, from here to there."""
        return Renaming(one.back for one in self.renames)

    def of(self, name: str) -> Rename | None:
        """Return how a parameter of there is known here; ``None`` where its name means something else here."""
        known = self._by_there.get(name)
        if known is not None:
            return known
        return None if name in self._taken or name in self._without else Rename(there=name, here=name)

    # ── values in this one's words ──────────────────────────────────────────────────────────────────────────────────
    def setting(self, setting: Mapping[str, Value]) -> Setting:
        """Return a setting of there as it is said here."""
        named = ((self.of(name), value) for name, value in setting.items())
        return Setting({one.here: one.value(value) for one, value in named if one is not None})

    def process(self, process: Process) -> Process:
        """Return a process of there as it is described here; constraints, which are in its own words, are left out."""
        known = ((self.of(parameter.name), parameter) for parameter in process.parameters)
        return msgspec.structs.replace(
            process,
            parameters=tuple(self._parameter(one, parameter) for one, parameter in known if one is not None),
            standard=self.setting(process.standard),
            constraints=(),
        )

    def _parameter(self, one: Rename, parameter: Parameter) -> Parameter:
        when = tuple(
            msgspec.structs.replace(wait, parameter=other.here, values=tuple(map(other.value, wait.values)))
            for wait in parameter.when
            if (other := self.of(wait.parameter)) is not None
        )
        named = msgspec.structs.replace(parameter, name=one.here, when=when)
        return named if one.plain or not isinstance(named, Real | Whole) else _scaled(named, one)

    def increment(self, made: Increment) -> Increment:
        """Return an increment of there as it is said here."""
        return msgspec.structs.replace(made, before=self.setting(made.before), after=self.setting(made.after))

    def head(self, head: Head) -> Head:
        """Return a head of there as it is said here: its process and standard, and nothing of what is open."""
        standard = msgspec.structs.replace(head.standard, setting=self.setting(head.standard.setting))
        return msgspec.structs.replace(
            head, process=self.process(head.process), standard=standard, before=None, runs=(), trials=(), proposals=(),
            late=(), taught=(), heeded=(),
        )  # fmt: skip

    def tried(self, run: Tried) -> Tried:
        """Return a run of there as it is said here."""
        return msgspec.structs.replace(run, setting=self.setting(run.setting))

    def tested(self, test: Tested) -> Tested:
        """Return a trial of there as it is said here."""
        trial = msgspec.structs.replace(test.trial, increment=self.increment(test.trial.increment))
        return msgspec.structs.replace(test, trial=trial)

    def kept(self, kept: Kept) -> Kept:
        """Return a standard of there as it is said here."""
        standard = msgspec.structs.replace(kept.standard, setting=self.setting(kept.standard.setting))
        return msgspec.structs.replace(kept, standard=standard)

    def then(self, other: Self) -> "Renaming":
        """Return both, one after the other."""
        made, without = [], self._without | (self._taken - self._by_there.keys())
        for one in self.renames:
            last = other.of(one.here)
            if last is None:
                without |= {one.there}
            else:
                plus = one.plus * last.times + last.plus
                made.append(Rename(there=one.there, here=last.here, times=one.times * last.times, plus=plus))
        mine = {one.there for one in self.renames} | self._taken
        made += [one for one in other.renames if one.there not in mine]
        return Renaming((one for one in made if not (one.plain and one.there == one.here)), without=without)


def _spelled(number: float) -> str:
    """Return a number in as few figures as say it exactly."""
    short = f"{number:.{_FIGURES}g}"
    return short if float(short) == number else repr(number)


def _scaled(parameter: Real | Whole, one: Rename) -> Parameter:
    """Return a number's range as it is said here; one that is no longer whole, or starts elsewhere, is a plain number."""
    low, high = one.value(parameter.low), one.value(parameter.high)
    assert not isinstance(low, str), "numbers have numbers for bounds"
    assert not isinstance(high, str), "as above"
    if isinstance(parameter, Whole) and isinstance(low, int) and one.times == 1.0:
        levels = tuple(int(one.value(level)) for level in parameter.levels)
        return msgspec.structs.replace(parameter, low=low, high=int(high), levels=levels, log=False, unit="")
    log = parameter.log and one.plus == 0.0
    return Real(name=parameter.name, low=float(low), high=float(high), log=log, when=parameter.when)


def read(text: str) -> Rename:
    """Read ``there=here``, with a factor and a shift where numbers differ.

    Raises:
        Malformed: it is written otherwise, or the factor is not above 0.
    """
    found = _SPELLED.fullmatch(text)
    if found is None:
        raise Malformed(f"a rename must be there=here; got {text!r}", hint=_HINT)
    times = float(found["times"] or 1.0)
    times = 1.0 / times if found["by"] == "/" and times else times
    plus = float(f"{found['sign']}{found['plus']}") if found["sign"] else 0.0
    if not 0.0 < times < math.inf or not math.isfinite(plus):
        raise Malformed(f"the factor of a rename must be a number above 0; got {text!r}", hint=_HINT)
    return Rename(there=found["there"], here=found["here"], times=times, plus=plus)


# ── checks at the door ────────────────────────────────────────────────────────────────────────────────────────────────
def check(renames: Sequence[Rename], there: Sequence[Process], here: Sequence[Process]) -> Renaming:
    """Refuse renames that name nothing, join what does not fit, or make one name of two.

    Raises:
        Undeclared: a name that no process there, or none here, has for a parameter.
        Clash: two names become one, or one becomes two.
        Malformed: kinds that do not fit, or two units without a factor.
    """
    check_once(renames)
    for one in renames:
        for mine in _named(one.here, here, "here"):
            for theirs in _named(one.there, there, "there"):
                _check_fit(one, theirs, mine)
        both = next((p.name for p in there if {one.there, one.here} <= {q.name for q in p.parameters}), None)
        if both is not None and one.there != one.here and one.here not in {other.there for other in renames}:
            raise Clash(f"a rename must not make one name of two; got {one}, and {both} there has {one.here}, too")
    return Renaming(renames)


def check_once(renames: Sequence[Rename]) -> None:
    """Refuse renames that make one name of two, or two of one.

    Raises:
        Clash: they do.
    """
    for side, names in (("there", [one.there for one in renames]), ("here", [one.here for one in renames])):
        twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
        if twice is not None:
            raise Clash(f"a rename must be of one name to one name; got {twice!r} {side} twice")


def _named(name: str, processes: Sequence[Process], side: str) -> list[Parameter]:
    found = [parameter for process in processes for parameter in process.parameters if parameter.name == name]
    if not found:
        known = sorted({parameter.name for process in processes for parameter in process.parameters})
        raise Undeclared(
            f"a rename must name a parameter {side}; got {name!r}", hint=f"{side} are: {', '.join(known) or 'none'}"
        )
    return found


def _check_fit(one: Rename, theirs: Parameter, mine: Parameter) -> None:
    kinds = [_kind(parameter) for parameter in (theirs, mine)]
    if kinds[0] != kinds[1] or "a revision" in kinds:
        raise Malformed(
            f"a rename must be between numbers, choices or switches; got {one}, {kinds[0]} there and {kinds[1]} here"
        )
    if not isinstance(theirs, Real | Whole) or not isinstance(mine, Real | Whole):
        if not one.plain:
            raise Malformed(f"only a number's rename may scale or shift it; got {one}, {kinds[0]}")
        return
    if one.plain and theirs.unit and mine.unit and theirs.unit != mine.unit:
        raise Malformed(
            f"a rename between two units must say how they compare; got {one}, {theirs.unit} there and {mine.unit} here",
            hint=f"such as {one.there}*0.001={one.here} or {one.there}-273.15={one.here}",
        )


def _kind(parameter: Parameter) -> str:
    match parameter:
        case Real() | Whole():
            return "a number"
        case Choice():
            return "a choice"
        case Switch():
            return "a switch"
        case Revision():
            return "a revision"
