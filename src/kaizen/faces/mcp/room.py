"""Where a server works: the recipe is looked up anew for every call, the ledger is held open between calls.

Held, for what the veteran remembers of a large past takes seconds to gather and milliseconds to ask. Every call looks at
the ledger as it is then: what others wrote since is seen, and a file that was replaced is opened again.
"""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import NamedTuple

from kaizen.errors import KaizenError, Malformed
from kaizen.workshop import Workshop, finding
from kaizen.workshop.bench import Bench
from kaizen.workshop.finding import Opener, Place
from kaizen.workshop.settling import settle


class Where(NamedTuple):
    """What a server was started with."""

    recipe: str | None = None
    ledger: str | None = None
    by: str = ""
    """In whose name all calls are; each call says so itself where it is empty."""


class Room(NamedTuple):
    """One call's place, and how its ledger is opened."""

    place: Place
    opened: Opener

    def at_work(self, process: str, *, by: str) -> AbstractContextManager[Bench]:
        """Open a process to write (see ``finding.at_work``)."""
        return finding.at_work(self.place, process, by=by, opened=self.opened)

    def at_rest(self, process: str, *, imagine: bool = False) -> AbstractContextManager[Bench]:
        """Open a process to look at it (see ``finding.at_rest``)."""
        return finding.at_rest(self.place, process, imagine=imagine, opened=self.opened)

    def shop_at_rest(self) -> AbstractContextManager[Workshop]:
        """Open the ledger to look at it (see ``finding.shop_at_rest``)."""
        return finding.shop_at_rest(self.place, opened=self.opened)


class Keeper:
    """Lets one call at a time into the room; other servers and commands queue at the ledger itself."""

    def __init__(self, where: Where) -> None:
        """Open nothing yet."""
        self.where = where
        self._lock = threading.Lock()
        self._shop: Workshop | None = None
        self._of: tuple[object, ...] = ()

    @contextmanager
    def room(self) -> Iterator[Room]:
        """Wait for the call before, and find recipe and ledger as they are now.

        Raises:
            Mistake: the recipe cannot be read, or the ledger is none that calls could share.
        """
        with self._lock:
            place = finding.find(self.where.recipe, self.where.ledger)
            if place.ledger is None:
                raise Malformed("a ledger that tools share must be a file; got memory:", hint="--ledger FILE")
            with suppress(KaizenError, OSError):  # what an attached loop left; if not now, then at the next call
                settle(place.root)
            yield Room(place, self._opened)

    def close(self) -> None:
        """Close the ledger; the next call opens it again."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        shop, self._shop, self._of = self._shop, None, ()
        if shop is not None:
            shop.close()

    def _opened(self, place: Place) -> AbstractContextManager[Workshop]:
        if self._shop is None or self._of != _identity(place):
            self._close()
            self._shop = finding.open_place(place)
            self._of = _identity(place)
        return nullcontext(self._shop)


def _identity(place: Place) -> tuple[object, ...]:
    """Return what tells one ledger from another, and from one that was restored in its place."""
    try:
        found = place.ledger.stat() if place.ledger is not None else None
    except OSError:
        found = None
    return (place.root, place.ledger, place.memory, *((found.st_dev, found.st_ino) if found is not None else ()))
