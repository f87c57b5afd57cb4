"""What each record does to the head of its process, and which rows it leaves in the history.

The law: ``fold(a + b) == fold(b, fold(a))``. Rows, too, can be built again from the records alone.
"""

import math
from collections.abc import Callable, Iterable

import msgspec

from kaizen.errors import Damaged
from kaizen.journal import Head, Kept, Proposal, Row, Tested, Tried, UnderWay
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
from kaizen.setting import Texts
from kaizen.standard import Standard
from kaizen.trial import Fault, Outcome, Run, Seat, Spend
from kaizen.verdict import Lesson
from kaizen.voice import Testimony


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
