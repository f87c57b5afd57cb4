"""What one process may remember: its own ledger, and beside it the ledgers of others, each in this process's own words.

A process of another ledger is called ``line_a@north`` here; an own one keeps its name. What other names parameters have there is
told by a ``Renaming``; so recall, kin and lessons compare processes of other teams as they compare those of the own ledger.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from kaizen.journal import Head, Kept, Tested, Tried
from kaizen.ledger import Record
from kaizen.verdict import Lesson
from kaizen.veteran.recall import Remembered
from kaizen.veteran.renaming import Renaming

AT = "@"
"""Parts a process of another ledger from that ledger's name: no process's own name has it."""


class Borrowed(NamedTuple):
    """Another ledger's memory, and what its parameters are called here."""

    memory: Remembered
    renaming: Renaming


class _Seen(NamedTuple):
    """One process, where it is kept, under which name, and in which words."""

    memory: Remembered
    name: str
    renaming: Renaming


def spelled(process: str) -> str:
    """Say where a process is: its name, or ``ledger north, process line_a``."""
    name, at, ledger = process.partition(AT)
    return f"ledger {ledger}, process {name}" if at else name


class View:
    """A ledger and those beside it, as one process sees them. Implements ``Memory``, and ``read``."""

    def __init__(
        self,
        own: Remembered,
        borrowed: Mapping[str, Borrowed],
        *,
        asker: str,
        renamings: Mapping[str, Renaming] | None = None,
    ) -> None:
        """Look with the eyes of ``asker``; ``renamings`` tell what own processes call what the others know by another name."""
        self._own = own
        self._borrowed = borrowed
        self._asker = asker
        self._renamings = {} if renamings is None else renamings
        self._back = self._renamings[asker].back if asker in self._renamings else Renaming()
        self._known: dict[str, _Seen] = {}

    def forget(self) -> None:
        """Look anew where processes are kept: what is attached may have changed."""
        self._back = self._renamings[self._asker].back if self._asker in self._renamings else Renaming()
        self._known = {}

    def processes(self) -> tuple[str, ...]:
        """Return the names of all processes, those of other ledgers first."""
        others = (f"{name}{AT}{ledger}" for ledger, one in self._borrowed.items() for name in one.memory.processes())
        return (*others, *self._own.processes())

    def head(self, process: str) -> Head | None:
        """Return what is open in an own process; of one in other words, its description and standard, if any of it is known here."""
        seen = self._seen(process)
        head = None if seen is None else seen.memory.head(seen.name)
        if seen is None or head is None or (seen.name == process and not seen.renaming):
            return head
        told = seen.renaming.head(head)
        if not told.process.parameters:  # all of its names mean something else here
            return None
        return msgspec.structs.replace(told, process=msgspec.structs.replace(told.process, name=process))

    def runs(self, process: str, *, number: int | None = None, fingerprint: str | None = None, trial: int | None = None,
             of: int | None = None, after: int = 0, latest: int | None = None,
             first: int | None = None) -> Sequence[Tried]:  # fmt: skip
        """Return finished runs in order of ``seq`` (see ``Memory.runs``); a ``fingerprint`` is in the words of its own process."""
        seen = self._seen(process)
        if seen is None:
            return ()
        found = seen.memory.runs(seen.name, number=number, fingerprint=fingerprint, trial=trial, of=of, after=after,
                                 latest=latest, first=first)  # fmt: skip
        return tuple(map(seen.renaming.tried, found)) if seen.renaming else found

    def trials(self, process: str) -> Sequence[Tested]:
        """Return all trials in order of opening."""
        seen = self._seen(process)
        found = () if seen is None else seen.memory.trials(seen.name)
        return tuple(map(seen.renaming.tested, found)) if seen is not None and seen.renaming else found

    def standards(self, process: str) -> Sequence[Kept]:
        """Return all standards in order of number."""
        seen = self._seen(process)
        found = () if seen is None else seen.memory.standards(seen.name)
        return tuple(map(seen.renaming.kept, found)) if seen is not None and seen.renaming else found

    def lessons(self, process: str) -> Sequence[Lesson]:
        """Return all lessons in order, in the words they were written in."""
        seen = self._seen(process)
        return () if seen is None else seen.memory.lessons(seen.name)

    def read(self, process: str | None = None, *, after: int = 0, limit: int | None = None) -> Iterable[Record]:
        """Walk the records of one process, in the words they were written in; of all own ones where none is named."""
        if process is None:
            return self._own.read(after=after, limit=limit)
        seen = self._seen(process)
        return self._none() if seen is None else seen.memory.read(seen.name, after=after, limit=limit)

    @staticmethod
    def _none() -> Iterator[Record]:
        return iter(())

    def _seen(self, process: str) -> _Seen | None:
        known = self._known.get(process)
        if known is not None:
            return known
        name, at, ledger = process.partition(AT)
        if not at:
            other = self._renamings.get(name, Renaming()).then(self._back)
            found = _Seen(self._own, name, Renaming() if name == self._asker else other)
        elif ledger in self._borrowed:
            found = _Seen(self._borrowed[ledger].memory, name, self._borrowed[ledger].renaming.then(self._back))
        else:
            return None
        self._known[process] = found
        return found
