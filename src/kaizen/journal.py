"""The read model of one process: a small head, folded from its records, and its history.

The law: ``fold(a + b) == fold(b, fold(a))``. The head holds only what is open (runs handed out, trials
under way, counters), so that a step costs the same after ten runs and after ten million; what is closed
is in the history, rows that every ledger keeps beside its records and can build again from them.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from kaizen.errors import Damaged
from kaizen.ledger import (
    Adopted,
    Advised,
    Amended,
    Asked,
    Cleared,
    Consented,
    Corrected,
    Described,
    Entry,
    Faulted,
    Judged,
    Late,
    Learned,
    Opened,
    Proposed,
    Pulled,
    Record,
    Refused,
    Reported,
    Retracted,
    RolledBack,
    Scouted,
    Taught,
    Told,
    Voiced,
)  # fmt: skip
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
    taken = (_replace(row, trial=trial, block=seats[row.id], serves=()) for row in shared)
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


def fold(records: Iterable[Record], head: Head | None = None) -> Head | None:
    """Fold records of one process, in order, onto a head."""
    for record in records:
        head = step(head, record)
    return head


def step(head: Head | None, record: Record) -> Head:
    """Return the head after one more record.

    Raises:
        Damaged: the record cannot follow (an answer to a run nobody had, an entry before the description).
    """
    if head is None:
        match record.entry:
            case Described(process=process):
                return Head(seq=record.seq, process=process, standard=first_standard(process, record.by))
        raise Damaged(
            f"the first entry of {record.process} must be Described; got {type(record.entry).__name__} at {record.seq}"
        )
    return _replace(_apply(head, record, record.entry), seq=record.seq)


def first_standard(process: Process, by: str) -> Standard:
    """Return the standard a description gives."""
    return Standard(number=1, setting=process.standard, evidence="given", because="as described", by=by)


def _apply(head: Head, record: Record, entry: Entry) -> Head:
    match entry:
        case Described():
            raise Damaged(f"{record.process} must be described once; got a second time at {record.seq}")
        case Amended(process=process, standard=standard, comparable=comparable):
            era = head.era if comparable else record.seq
            return _replace(
                head,
                process=process,
                standard=standard or head.standard,
                before=None if standard or not comparable else head.before,
                revision=head.revision + 1,
                era=era,
                heeded=(),
            )
        case Scouted(runs=runs):
            return _replace(head, runs=head.runs + runs, next_run=max(run.id for run in runs) + 1)
        case Proposed(id=number, increment=increment):
            return _replace(
                head, proposals=(*head.proposals, Proposal(id=number, increment=increment)), next_proposal=number + 1
            )
        case Opened():
            return _opened(head, entry)
        case Asked(runs=runs):
            return _asked(head, runs)
        case Told(run=number, reading=outcome, spend=spend) | Faulted(run=number, fault=outcome, spend=spend):
            return _answered(head, number, outcome, spend)
        case Late(run=number, outcome=outcome, spend=spend):
            late = (*head.late, (number, outcome)) if head.run(number) is not None else head.late
            return _replace(
                head, late=late, spent=head.spent + spend, counts=_replace(head.counts, late=head.counts.late + 1)
            )
        case Corrected():
            return _corrected(head, entry)
        case Judged():
            return _judged(head, entry)
        case Consented(trial=trial):
            opens = tuple(
                _replace(open_, consent=record.by) if open_.trial.id == trial else open_ for open_ in head.trials
            )
            return _replace(head, trials=opens)
        case Refused(trial=trial, proposal=proposal):
            return _replace(
                head,
                trials=tuple(open_ for open_ in head.trials if open_.trial.id != trial),
                proposals=tuple(waiting for waiting in head.proposals if waiting.id != proposal),
            )
        case Adopted(standard=standard):
            proven = int(standard.evidence == "proven")
            counts = _replace(head.counts, adopted=head.counts.adopted + proven)
            trials = tuple(open_ for open_ in head.trials if open_.trial.id != standard.trial)
            return _replace(head, standard=standard, before=head.standard, counts=counts, trials=trials, heeded=())
        case RolledBack(standard=standard):
            return _replace(head, standard=standard, before=None, heeded=())
        case Reported(run=number):
            return _replace(head, next_run=number + 1)
        case Learned(lesson=lesson):
            return _replace(
                head, next_lesson=lesson.id + 1, counts=_replace(head.counts, lessons=head.counts.lessons + 1)
            )
        case Voiced():
            return _replace(head, counts=_replace(head.counts, voices=head.counts.voices + 1))
        case Pulled(andon=andon):
            return _replace(head, andon=andon)
        case Cleared():
            return _replace(head, andon=None)
        case Advised():
            return _advised(head, entry)
        case Taught():
            return _replace(head, taught=(*head.taught, _testimony(head, record, entry)))
        case Retracted():
            return head


def _advised(head: Head, entry: Advised) -> Head:
    if entry.heeded:
        return _replace(head, heeded=(*head.heeded, entry.increment.after))
    if entry.odds is None:
        return head
    chance = 1.0 if entry.coin is None else entry.coin.chance
    told = (
        _replace(one, odds=entry.odds, chance=chance) if one.id == entry.proposal else one for one in head.proposals
    )
    return _replace(head, proposals=tuple(told))


def _testimony(head: Head, record: Record, entry: Taught) -> Testimony:
    return Testimony(
        id=len(head.taught) + 1, text=entry.text, by=record.by, at=record.at, confidence=entry.confidence, that=entry.that,
        near=entry.near,
    )  # fmt: skip


def _opened(head: Head, entry: Opened) -> Head:
    trial = entry.trial
    return _replace(
        head,
        trials=(*head.trials, UnderWay(trial=trial, since=head.spent.runs)),
        watched=trial.increment.of if trial.purpose == "shadow" else head.watched,
        proposals=tuple(waiting for waiting in head.proposals if waiting.id != entry.proposal),
        charged=math.fsum((head.charged, trial.design.alpha)) if trial.design.charged else head.charged,
        counts=_replace(
            head.counts,
            trials=head.counts.trials + (trial.purpose != "shadow"),
            nulls=head.counts.nulls + (trial.purpose == "null"),
        ),
        next_trial=trial.id + 1,
    )


def _asked(head: Head, asked: tuple[Run, ...]) -> Head:
    """Put the handed-out runs in place of their waiting selves; new blocks of a trial start here."""
    taken = {run.id: run for run in asked}
    kept = tuple(taken.pop(run.id, run) for run in head.runs)
    fresh = tuple(taken.values())
    opens = head.trials
    for run in fresh:
        opens = tuple(_started(open_, run) if open_.trial.id == run.trial else open_ for open_ in opens)
    return _replace(head, runs=kept + fresh, trials=opens, next_run=max(head.next_run, *(run.id + 1 for run in asked)))


def _started(open_: UnderWay, run: Run) -> UnderWay:
    if run.block is None or any(block.number == run.block for block in open_.trial.blocks):
        return open_
    return _replace(open_, trial=open_.trial.with_block(run.block))


def _answered(head: Head, number: int, outcome: Outcome, spend: Spend) -> Head:
    run = head.run(number)
    if run is None:
        raise Damaged(f"an answer must be to an open run; got one to run {number}")
    counts = head.counts
    counts = (
        _replace(counts, told=counts.told + 1)
        if not isinstance(outcome, Fault)
        else _replace(counts, faulted=counts.faulted + 1)
    )
    return _replace(
        head,
        runs=tuple(open_run for open_run in head.runs if open_run.id != number),
        late=tuple(pair for pair in head.late if pair[0] != number),
        trials=tuple(_with_answer(open_, run, outcome, spend) for open_ in head.trials),
        spent=head.spent + spend,
        counts=counts,
    )


def _with_answer(open_: UnderWay, run: Run, outcome: Outcome, spend: Spend) -> UnderWay:
    seat = next((seat for seat in run.seats() if seat.trial == open_.trial.id), None)
    if seat is None or run.side is None:
        return open_
    spent = open_.spend + spend if seat.trial == run.trial else open_.spend  # a shared run is spent once
    return _replace(open_, trial=open_.trial.with_outcome(seat.block, run.side, outcome), spend=spent)


def _corrected(head: Head, entry: Corrected) -> Head:
    if entry.trial is None or entry.block is None or entry.side is None:
        return head
    opens = head.trials
    for seat in (Seat(trial=entry.trial, block=entry.block), *entry.serves):
        opens = tuple(
            _replace(open_, trial=open_.trial.with_outcome(seat.block, entry.side, entry.outcome))
            if open_.trial.id == seat.trial
            else open_
            for open_ in opens
        )
    return _replace(head, trials=opens)


def _judged(head: Head, entry: Judged) -> Head:
    """Keep a trial that is better until somebody consents; forget any other, its waiting runs included."""
    opens = []
    for open_ in head.trials:
        if open_.trial.id != entry.trial:
            opens.append(open_)
        elif entry.verdict is not None and entry.verdict.decision == "better":
            opens.append(_replace(open_, verdict=entry.verdict))
        elif entry.verdict is not None and not entry.verdict.settled:
            opens.append(_replace(open_, verdict=None, consent=""))
    return _replace(head, trials=tuple(opens))


def rows(head: Head | None, record: Record, look: Callable[[type[Row], int], Row | None]) -> tuple[Row, ...]:
    """Return the history rows one record writes or rewrites.

    ``head`` is the head before the record; ``look(kind, id)`` returns the row as it is now.
    """
    entry, at, by = record.entry, record.at, record.by
    match entry:
        case Described(process=process):
            return (Kept(standard=first_standard(process, by), at=at, by=by, revision=1),)
        case Learned(lesson=lesson):
            return (lesson,)
    if head is None:
        raise Damaged(f"the first entry of {record.process} must be Described; got {type(entry).__name__}")
    match entry:
        case Amended(standard=Standard() as standard) | RolledBack(standard=standard):
            return (Kept(standard=standard, at=at, by=by, revision=head.revision + isinstance(entry, Amended)),)
        case Adopted(standard=standard):
            return _adopted_rows(head, record, standard, look)
        case Told() | Faulted():
            before = look(Tried, entry.run)  # there is one only if an earlier attempt answered late
            return _answer_rows(head, record, entry, before.late if isinstance(before, Tried) else ())
        case Late():
            return _late_rows(head, record, entry, look(Tried, entry.run))
        case Corrected(run=number, outcome=outcome):
            return tuple(
                _replace(r, outcome=outcome, corrected=(*r.corrected, r.outcome)) for r in _found(look, Tried, number)
            )
        case Reported(run=number, setting=setting, outcome=outcome, source=source, conditions=conditions):
            tried = Tried(id=number, seq=record.seq, at=at, by=by, setting=setting, purpose="scout", of=head.standard.number,
                          outcome=outcome, spend=Spend(), conditions=conditions, revision=head.revision, source=source)  # fmt: skip
            return (tried,)
        case Opened(trial=trial, proposal=proposal):
            waiting = next((waiting for waiting in head.proposals if waiting.id == proposal), None)
            odds, chance = (waiting.odds, waiting.chance) if waiting is not None else (None, 1.0)
            return (Tested(id=trial.id, seq=record.seq, at=at, by=by, trial=trial, odds=odds, chance=chance),)
        case Judged():
            return _judged_rows(head, record, entry, look)
        case Consented(trial=number):
            return tuple(_replace(row, consent=by) for row in _found(look, Tested, number))
        case Refused(trial=int() as number):
            return tuple(_replace(row, refused=by) for row in _found(look, Tested, number))
        case Retracted(lesson=number, because=because):
            return tuple(_replace(row, retracted=because) for row in _found(look, Lesson, number))
    return ()


def _late_rows(head: Head, record: Record, entry: Late, row: Row | None) -> tuple[Row, ...]:
    """Add a late answer to its run; while another attempt still has the run, it stands as lost, with that answer."""
    if isinstance(row, Tried):
        return (_replace(row, late=(*row.late, entry.outcome)),)
    lost = Faulted(run=entry.run, attempt=entry.attempt, fault=Fault(reason="lost"), spend=entry.spend)
    return _answer_rows(head, record, lost, (entry.outcome,))


def _answer_rows(head: Head, record: Record, entry: Told | Faulted, late: tuple[Outcome, ...]) -> tuple[Row, ...]:
    run = head.run(entry.run)
    if run is None:
        raise Damaged(f"an answer must be to an open run; got one to run {entry.run}")
    conditions = Texts({**run.conditions, **entry.conditions}) if entry.conditions else run.conditions
    tried = Tried(
        id=run.id, seq=record.seq, at=record.at, by=record.by, setting=run.setting, purpose=run.purpose, of=run.of,
        outcome=entry.reading if isinstance(entry, Told) else entry.fault, spend=entry.spend, trial=run.trial,
        block=run.block, side=run.side, serves=run.serves, beside=run.beside, because=run.because, conditions=conditions,
        revision=head.revision, late=late,
    )  # fmt: skip
    return (tried,)


def _adopted_rows(
    head: Head, record: Record, standard: Standard, look: Callable[[type[Row], int], Row | None]
) -> tuple[Row, ...]:
    kept = Kept(standard=standard, at=record.at, by=record.by, revision=head.revision)
    if standard.trial is None:
        return (kept,)
    return (kept, *(_replace(row, adopted=standard.number) for row in _found(look, Tested, standard.trial)))


def _judged_rows(
    head: Head, record: Record, entry: Judged, look: Callable[[type[Row], int], Row | None]
) -> tuple[Row, ...]:
    open_ = head.under_way(entry.trial)
    verdicts = (entry.verdict,) if entry.verdict is not None else ()
    return tuple(
        _replace(
            row,
            verdicts=(*row.verdicts, *verdicts),
            stopped=entry.stopped,
            closed_at=record.at,
            spend=row.spend if open_ is None else open_.spend,
        )
        for row in _found(look, Tested, entry.trial)
    )


def _found(look: Callable[[type[Row], int], Row | None], kind: type, number: int) -> tuple:  # type: ignore[type-arg] # of kind
    row = look(kind, number)
    if row is None:
        raise Damaged(f"{kind.__name__} {number} must be in the history; got nothing")
    return (row,)


_replace = msgspec.structs.replace
