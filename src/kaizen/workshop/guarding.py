"""A memory of somebody else's that never fails: what cannot be read is left out, and said.

A wheel never stops for want of memory; after a while it is looked at again.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from kaizen.errors import KaizenError
from kaizen.journal import Head, Kept, Tested, Tried
from kaizen.ledger import Record
from kaizen.verdict import Lesson

if TYPE_CHECKING:
    from kaizen.ledgers.readonly import ReadOnlyLedger

T = TypeVar("T")

_AGAIN = 60.0  # seconds until one that could not be read is looked at again


class Guarded:
    """An attached ledger's memory; why it is left out is ``said``. Implements ``Memory``, and ``read``."""

    def __init__(self, path: str | Path, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Open nothing yet."""
        self.path = str(path)
        self.said = ""
        self._monotonic = monotonic
        self._ledger: ReadOnlyLedger | None = None
        self._again = 0.0

    def close(self) -> None:
        """Close the file, if it is open."""
        ledger, self._ledger = self._ledger, None
        if ledger is not None:
            ledger.close()

    def processes(self) -> tuple[str, ...]:
        """Return the names of all processes."""
        return self._ask(lambda ledger: ledger.processes(), ())

    def head(self, process: str) -> Head | None:
        """Return what is open now."""
        return self._ask(lambda ledger: ledger.head(process), None)

    def runs(self, process: str, *, number: int | None = None, fingerprint: str | None = None, trial: int | None = None,
             of: int | None = None, after: int = 0, latest: int | None = None,
             first: int | None = None) -> Sequence[Tried]:  # fmt: skip
        """Return finished runs in order of ``seq`` (see ``Memory.runs``)."""
        return self._ask(
            lambda ledger: ledger.runs(process, number=number, fingerprint=fingerprint, trial=trial, of=of, after=after,
                                       latest=latest, first=first), ()
        )  # fmt: skip

    def trials(self, process: str) -> Sequence[Tested]:
        """Return all trials in order of opening."""
        return self._ask(lambda ledger: ledger.trials(process), ())

    def standards(self, process: str) -> Sequence[Kept]:
        """Return all standards in order of number."""
        return self._ask(lambda ledger: ledger.standards(process), ())

    def lessons(self, process: str) -> Sequence[Lesson]:
        """Return all lessons in order."""
        return self._ask(lambda ledger: ledger.lessons(process), ())

    def read(self, process: str | None = None, *, after: int = 0, limit: int | None = None) -> Iterator[Record]:
        """Return the records behind ``after``."""
        none: tuple[Record, ...] = ()
        return iter(self._ask(lambda ledger: tuple(ledger.read(process, after=after, limit=limit)), none))

    def _ask(self, ask: "Callable[[ReadOnlyLedger], T]", otherwise: T) -> T:
        if self.said and self._monotonic() < self._again:
            return otherwise
        from kaizen.ledgers.readonly import ReadOnlyLedger

        try:
            if self._ledger is None:
                self._ledger = ReadOnlyLedger(self.path)
            found = ask(self._ledger)
        except (KaizenError, OSError) as error:
            self.close()
            self.said = error.message if isinstance(error, KaizenError) else str(error)
            self._again = self._monotonic() + _AGAIN
            return otherwise
        self.said = ""
        return found
