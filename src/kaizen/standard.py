"""The numbered best way we know, and a change to one numbered standard."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from kaizen.errors import OutOfRange
from kaizen.process import Process
from kaizen.setting import Numbers, Setting
from kaizen.stride import spell

Evidence = Literal["given", "declared", "proven"]


class Standard(msgspec.Struct, frozen=True, kw_only=True):
    """A numbered standard and what it rests on."""

    number: int
    setting: Setting
    evidence: Evidence
    because: str
    by: str
    of: int | None = None
    """The standard it replaced."""
    trial: int | None = None
    """The trial that proved it, if one did."""
    promised: Numbers = Numbers()
    """By metric, in units of gain: what it should deliver over the standard before, less what the luck of the chosen owes."""

    def __str__(self) -> str:
        """Return ``Standard 5: chunk=8192, codec='lz4'``."""
        return f"Standard {self.number}: {self.setting}"


class Increment(msgspec.Struct, frozen=True, kw_only=True):
    """A change to one numbered standard, with a reason; only a null increment changes nothing."""

    of: int
    before: Setting
    after: Setting
    because: str
    by: str
    words: str = ""
    files: tuple[str, ...] = ()
    diff: str = ""
    """Fingerprint of the diff, for a change of code."""
    symbols: tuple[str, ...] = ()
    """``file::name`` of functions and classes that the diff touches, as far as it names them."""
    different: str = ""
    """What is different now, where something like it had failed; empty where nobody says."""

    @property
    def changes(self) -> Setting:
        """What the increment sets anew (a parameter that falls inactive is not listed)."""
        return Setting({name: value for name, value in self.after.items() if _is_new(self, name)})

    @property
    def is_null(self) -> bool:
        """Whether it is a copy of the standard, made to watch the judge itself."""
        return self.after == self.before

    def __str__(self) -> str:
        """Return ``codec='lz4' (was 'zlib')``."""
        if self.is_null:
            return f"no change to standard {self.of}"
        return ", ".join(
            f"{name}={value!r} (was {repr(self.before[name]) if name in self.before else 'inactive'})"
            for name, value in self.changes.items()
        )


def increment(
    process: Process, standard: Standard, changes: Mapping[str, Any], *, because: str, by: str, different: str = ""
) -> Increment:
    """Make an increment of ``standard``, checked against the process; ``different`` is what is different now.

    Raises:
        Mistake: the changes name no parameter, are out of range, change nothing, break a constraint or go too far at once.
    """
    before, after = standard.setting, process.changed(standard.setting, changes)
    for parameter in process.overstepped(before, after):
        name = parameter.name
        raise OutOfRange(
            f"one increment must move {name} by at most {spell(parameter)}; got {before[name]!r} to {after[name]!r}",
            hint=f"take it in smaller steps, each proven, or amend the at_most of {name}",
        )
    return Increment(
        of=standard.number, before=standard.setting, after=after, because=because, by=by, different=different.strip()
    )


def null_increment(standard: Standard, *, by: str) -> Increment:
    """Make the increment that changes nothing: a live alarm for the judge."""
    because = "a copy of the standard, to see that luck is not adopted"
    return Increment(of=standard.number, before=standard.setting, after=standard.setting, because=because, by=by)


def _is_new(increment: Increment, name: str) -> bool:
    """Tell whether a value is another one than before; ``True`` is not ``1``."""
    after, before = increment.after[name], increment.before.get(name)
    return (type(after), after) != (type(before), before)
