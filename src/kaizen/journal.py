"""The read model of one process: a small head, and its history; what records do to them is in ``folding``.

The head holds only what is open (runs handed out, trials under way, counters), so that a step costs the same after ten
runs and after ten million; what is closed is in the history, rows that every ledger keeps beside its records.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from kaizen.process import Process
from kaizen.setting import Numbers, Setting, Texts
from kaizen.standard import Increment, Standard
from kaizen.trial import Fault, Outcome, Purpose, Run, Seat, Side, Spend, Trial
from kaizen.verdict import Lesson, Odds, Stopped, Verdict
from kaizen.voice import Andon, Testimony


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """An increment that waits for its trial."""

    id: int
    increment: Increment
    odds: Odds | None = None
    """What the veteran thought of it."""
    chance: float = 1.0
    """With which it was proposed at all: below 1 where a coin had it tried anyway."""


class UnderWay(msgspec.Struct, frozen=True, kw_only=True):
    """A trial that is open, or judged *better* and waiting for consent."""

    trial: Trial
    spend: Spend = Spend()
    since: int = 0
    """Runs spent when it was opened."""
    verdict: Verdict | None = None
    """The settled verdict, while consent is awaited."""
    consent: str = ""
    """Who has agreed."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How often things happened, over the life of the process."""

    told: int = 0
    faulted: int = 0
    late: int = 0
    trials: int = 0
    adopted: int = 0
    """Proven adoptions: the k of the error budget."""
    lessons: int = 0
    voices: int = 0
    nulls: int = 0
    """Trials of copies of the standard."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What is open in one process now."""

    seq: int
    process: Process
    standard: Standard
    before: Standard | None = None
    """The standard that today's was adopted over; ``None`` after a rollback or another description."""
    revision: int = 1
    """How often the process was described or amended."""
    era: int = 0
    """Readings up to this ``seq`` no longer compare with today's."""
    runs: tuple[Run, ...] = ()
    """Runs in the pool (attempt 0) and runs handed out."""
    trials: tuple[UnderWay, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    late: tuple[tuple[int, Outcome], ...] = ()
    """Late answers to runs that are still open, by run."""
    andon: Andon | None = None
    taught: tuple[Testimony, ...] = ()
    """What people know without data, in order."""
    heeded: tuple[Setting, ...] = ()
    """Settings that the wheel has left alone against this standard, since the veteran warned of them."""
    spent: Spend = Spend()
    watched: int = 0
    """The last standard whose watch by shadow pairs was opened."""
    charged: float = 0.0
    """Sum of α over all trials opened: what the error budget has used."""
    counts: Counts = Counts()
    next_run: int = 1
    next_trial: int = 1
    next_proposal: int = 1
    next_lesson: int = 1

    def run(self, number: int) -> Run | None:
        """Return an open run."""
        return next((run for run in self.runs if run.id == number), None)

    def under_way(self, trial: int) -> UnderWay | None:
        """Return an open trial."""
        return next((open_ for open_ in self.trials if open_.trial.id == trial), None)


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One finished run, as the history keeps it."""

    id: int
    seq: int
    at: int
    by: str
    setting: Setting
    purpose: Purpose
    of: int
    outcome: Outcome
    spend: Spend
    trial: int | None = None
    block: int | None = None
    side: Side | None = None
    serves: tuple[Seat, ...] = ()
    """The other trials whose standard side it is, too."""
    beside: int | None = None
    """The run of the standard that it is compared with, where its block has several increments."""
    because: str = ""
    conditions: Texts = Texts()
    revision: int = 1
    corrected: tuple[Outcome, ...] = ()
    """What it said before it was corrected, oldest first."""
    late: tuple[Outcome, ...] = ()
    """Answers that came after its lease had passed on."""
    source: str = ""
    """Where a reported run comes from; empty for Kaizen's own."""

    @property
    def values(self) -> Numbers | None:
        """The reading, or the first late one where the run faulted; ``None`` for a fault."""
        for outcome in (self.outcome, *self.late):
            if not isinstance(outcome, Fault):
                return outcome.values
        return None


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """One trial, as the history keeps it; its blocks are its runs."""

    id: int
    seq: int
    at: int
    by: str
    trial: Trial
    """As opened: without blocks."""
    verdicts: tuple[Verdict, ...] = ()
    """Settled verdicts, oldest first; more than one only after corrections."""
    stopped: Stopped | None = None
    closed_at: int | None = None
    spend: Spend = Spend()
    consent: str = ""
    refused: str = ""
    adopted: int | None = None
    """The standard it became."""
    odds: Odds | None = None
    """What the veteran thought of it before it was opened."""
    chance: float = 1.0
    """With which it was proposed at all: below 1 where a coin had it tried anyway."""

    @property
    def verdict(self) -> Verdict | None:
        """The verdict that stands."""
        return self.verdicts[-1] if self.verdicts else None


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One standard, as the history keeps it."""

    standard: Standard
    at: int
    by: str
    revision: int


Row = Tried | Tested | Kept | Lesson


class Memory(Protocol):
    """The read models of a ledger."""

    def head(self, process: str) -> Head | None:
        """Return what is open now, or ``None`` for an unknown process."""
        ...

    def processes(self) -> tuple[str, ...]:
        """Return the names of all processes, in the order they were described."""
        ...

    def runs(self, process: str, *, number: int | None = None, fingerprint: str | None = None, trial: int | None = None,
             of: int | None = None, after: int = 0, latest: int | None = None,
             first: int | None = None) -> Sequence[Tried]:  # fmt: skip
        """Return finished runs in order of ``seq``: those that match, behind ``after``, the ``latest`` or ``first`` so many."""
        ...

    def trials(self, process: str) -> Sequence[Tested]:
        """Return all trials in order of opening."""
        ...

    def standards(self, process: str) -> Sequence[Kept]:
        """Return all standards in order of number."""
        ...

    def lessons(self, process: str) -> Sequence[Lesson]:
        """Return all lessons in order, retracted ones, too."""
        ...


def sides(memory: Memory, process: str, trial: int) -> tuple[Tried, ...]:
    """Return the finished runs of a trial, with the runs of the standard that it shares, each in this trial's own block."""
    rows = memory.runs(process, trial=trial)
    own = {row.id for row in rows}
    seats = {row.beside: row.block for row in rows if row.beside is not None and row.beside not in own}
    shared = (found for number in seats for found in memory.runs(process, number=number))
    taken = (msgspec.structs.replace(row, trial=trial, block=seats[row.id], serves=()) for row in shared)
    return tuple(sorted((*rows, *taken), key=lambda row: row.seq))


class History:
    """The history of one process, read when asked for."""

    def __init__(self, memory: Memory, process: str) -> None:
        """Bind a memory to one process."""
        self._memory = memory
        self._process = process

    def runs(self, *, number: int | None = None, fingerprint: str | None = None, trial: int | None = None,
             of: int | None = None, after: int = 0, latest: int | None = None) -> Sequence[Tried]:  # fmt: skip
        """Return finished runs (see ``Memory.runs``)."""
        return self._memory.runs(
            self._process, number=number, fingerprint=fingerprint, trial=trial, of=of, after=after, latest=latest
        )

    def trials(self) -> Sequence[Tested]:
        """Return all trials in order of opening."""
        return self._memory.trials(self._process)

    def standards(self) -> Sequence[Kept]:
        """Return all standards in order of number."""
        return self._memory.standards(self._process)

    def lessons(self) -> Sequence[Lesson]:
        """Return all lessons in order, retracted ones, too."""
        return self._memory.lessons(self._process)


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """All that a decision may look at: the head, the history, and which leases have run out."""

    head: Head
    history: History
    lost: frozenset[int] = frozenset()
    """Runs whose holder has gone silent."""
    looked: Mapping[int, int] = {}
    """How many pairs of each open trial the judge has seen already."""
