"""Running today's standard again and again, to see how far its readings differ."""

import time
from collections.abc import Callable

from kaizen.cycle import Rest
from kaizen.errors import Malformed, OutOfTurn
from kaizen.journal import Head
from kaizen.ledger import Entry, Scouted
from kaizen.safety import REPEATED
from kaizen.trial import Run
from kaizen.workshop.turning import Asker, Wheel

_SLICE = 0.2  # seconds after which a wait looks whether somebody stopped it


def waiting(head: Head) -> list[Run]:
    """Return the scouts of today's standard that are queued or under way."""
    return [run for run in head.runs if run.purpose == "scout" and run.setting == head.standard.setting]


def made(wheel: Wheel, head: Head) -> int:
    """Count the finished scouts of today's standard that still compare, faults among them."""
    rows = wheel.ledger.runs(wheel.process, fingerprint=head.standard.setting.fingerprint, after=head.era)
    return sum(row.purpose == "scout" and not row.source for row in rows)


def in_all(wheel: Wheel, wanted: int | str) -> int:
    """Return how many repeats there shall be in all: a number, or ``'+20'`` more than there are, queued ones among them.

    Raises:
        Malformed: no such number.
    """
    text = str(wanted)
    if not text.removeprefix("+").isdecimal() or len(text) > 9:
        raise Malformed(f"repeats must be a number in all, or '+N' for so many more; got {wanted!r}")
    if not text.startswith("+"):
        return int(text)
    head = wheel.head()
    return made(wheel, head) + len(waiting(head)) + int(text)


def queue(wheel: Wheel, wanted: int | str, *, by: str) -> int:
    """Put repeats of the standard in the pool, until there are so many in all; return how many are new.

    No more are queued than the budget of runs can pay for.

    Raises:
        Malformed: as ``in_all``.
        OutOfTurn: the budget pays for none.
    """
    queued: list[int] = []

    def decide(head: Head) -> tuple[Entry, ...]:
        short = total - made(wheel, head) - len(waiting(head))
        limit, spent = head.process.policy.runs, head.spent.runs
        room = short if limit is None else max(0, limit - spent - len(head.runs))
        if short > 0 and room == 0 and not waiting(head):
            raise OutOfTurn(
                f"a repeat of {wheel.process} must be paid for; got a budget of {limit} runs, which is used or promised",
                hint="raise runs in the policy",
            )
        setting, number = head.standard.setting, head.standard.number
        runs = tuple(
            Run(id=head.next_run + place, setting=setting, purpose="scout", of=number, because=REPEATED)
            for place in range(min(short, room))
        )
        queued.append(len(runs))
        return (Scouted(runs=runs),) if runs else ()

    total = in_all(wheel, wanted)
    wheel.command(decide, by=by)
    return queued[-1]


class Repeating:
    """Hands out one repeat after the other, so many seconds from start to start, until there are enough."""

    def __init__(
        self, wheel: Wheel, *, total: int, every: float, clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        """Make repeats until there are ``total`` that still compare; ``every`` in seconds."""
        self._wheel = wheel
        self._total = total
        self._every = every
        self._clock = clock
        self._sleep = sleep
        self._due = clock()
        self.stopped: Callable[[], bool] = lambda: False
        """Tells whether somebody wants it to end."""

    def __call__(self, asker: Asker) -> tuple[Run, ...] | Rest:
        """Wait until the next is due, and hand it out; or say why there is none."""
        if made(self._wheel, self._wheel.head()) >= self._total:
            return Rest(reason="stop", because=f"{self._total} repeats of the standard are made")
        while not self.stopped() and (left := self._due - self._clock()) > 0:
            self._sleep(min(left, _SLICE))
        if self.stopped():
            return Rest(reason="stop", because="you stopped it")
        self._due = self._clock() + self._every
        return self._wheel.repeat(asker, REPEATED)
