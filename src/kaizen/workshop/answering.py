"""Answers to runs: told once, late, contradicting, corrected."""

import math
from collections.abc import Mapping

import msgspec

from kaizen import act
from kaizen.check import guard_broken
from kaizen.cycle import LOST_TWICE
from kaizen.errors import Clash, OutOfTurn
from kaizen.journal import Head, Tried
from kaizen.ledger import Corrected, Entry, Faulted, Judged, Late, Learned, Pulled, Record, Told
from kaizen.setting import Texts
from kaizen.trial import Fault, Outcome, Reading, Run, Spend
from kaizen.verdict import Verdict
from kaizen.voice import Andon
from kaizen.workshop.turning import Wheel


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """A corrected reading, and what the judge says before and after; ``None`` where the run was in no trial."""

    run: int
    before: Verdict | None
    after: Verdict | None
    trial: int | None = None
    others: tuple["Correction", ...] = ()
    """The same of the other trials that the run is the standard side of."""


class Answering:
    """Writes what came of runs, and what follows from it."""

    def __init__(self, wheel: Wheel) -> None:
        """Answer to one process's wheel."""
        self._wheel = wheel
        self._ledger = wheel.ledger
        self._process = wheel.process

    def answer(self, run: Run | int, outcome: Outcome, *, by: str, spend: Spend, key: str, conditions: Texts) -> Record:
        """Write an outcome and judge what is due; the same answer told twice counts once.

        Raises:
            Clash: the run was answered otherwise before.
            OutOfTurn: nobody asked for the run.
        """
        number = run if isinstance(run, int) else run.id
        attempt = run.attempt if isinstance(run, Run) else self._attempt(number)
        key = key or f"answer:{number}:{attempt}"
        request = msgspec.json.encode([number, outcome], enc_hook=_plain).decode()
        try:
            records = self._wheel.command(
                lambda head: self._answers(head, number, attempt, outcome, spend=spend, conditions=conditions, by=by),
                by=by,
                key=key,
                request=request,
                settle=True,  # in the same turn: one wait in line for both
            )
        except Clash as clash:
            raise Clash(
                f"run {number} must be answered once; got another answer than before",
                hint="use correct() for a mistyped reading",
            ) from clash
        return records[0]

    def correct(self, run: int, outcome: Reading, *, because: str, by: str) -> Correction:
        """Replace a reading and judge again.

        Raises:
            OutOfTurn: the run was never answered.
        """
        made: list[Correction] = []

        def decide(head: Head) -> tuple[Entry, ...]:
            if head.run(run) is not None:  # perhaps lost once and answered late: that is no answer of its pair
                raise OutOfTurn(f"run {run} must be answered before it is corrected; got one under way", hint="tell it")
            row = self._finished(run)
            entry = Corrected(
                run=run,
                outcome=outcome,
                because=because,
                trial=row.trial,
                block=row.block,
                side=row.side,
                serves=row.serves,
            )
            correction, follow = self._reconsider_all(head, row, outcome)
            made.append(correction)
            return (entry, *follow)

        self._wheel.command(decide, by=by)
        self._wheel.settle()
        return made[-1]

    def _answers(
        self, head: Head, number: int, attempt: int, outcome: Outcome, *, spend: Spend, conditions: Texts, by: str
    ) -> tuple[Entry, ...]:
        run = head.run(number)
        if attempt == 0 or number >= head.next_run:
            raise OutOfTurn(
                f"run {number} must be asked for before it is answered; got no such open run",
                hint="a finished one takes correct()",
            )
        if run is None or run.attempt != attempt:
            return (Late(run=number, attempt=attempt, outcome=outcome, spend=spend, by=by),)
        if isinstance(outcome, Fault):
            return (Faulted(run=number, attempt=attempt, fault=outcome, spend=spend, conditions=conditions),)
        told = Told(run=number, attempt=attempt, reading=outcome, spend=spend, conditions=conditions)
        return (told, *self._contradiction(head, run, outcome, Texts({**run.conditions, **conditions})))

    def _attempt(self, number: int) -> int:
        """Return the present attempt of an open run, or the one that answered a finished one; 0 for neither."""
        run = self._wheel.head().run(number)
        if run is not None:
            return run.attempt
        answered = (
            a
            for a in range(LOST_TWICE, 0, -1)
            if self._ledger.answered(self._process, f"answer:{number}:{a}") is not None
        )
        return next(answered, 0)

    def _contradiction(self, head: Head, run: Run, reading: Reading, conditions: Texts) -> tuple[Entry, ...]:
        """Pull the andon where a metric declared exact reads otherwise than the same setting did before."""
        exact = [metric.name for metric in head.process.metrics if metric.exact]
        if not exact or head.andon is not None:
            return ()
        for row in self._ledger.runs(self._process, fingerprint=run.setting.fingerprint, after=head.era, latest=2):
            if row.values is None or row.conditions != conditions:
                continue
            for name in (name for name in exact if name in row.values):  # a late one may be older than the metric
                before, now = row.values[name], reading.values[name]
                if not math.isclose(before, now, rel_tol=1e-9):
                    because = f"{name} is declared exact, yet {run.setting} read {before:g} in run {row.id} and {now:g} in run {run.id}"
                    return (Pulled(andon=Andon(because=because, by="kaizen")),)
        return ()

    def _finished(self, run: int) -> Tried:
        rows = self._ledger.runs(self._process, number=run)
        if not rows:
            raise OutOfTurn(f"run {run} must be answered before it is corrected; got no answer to it")
        if isinstance(rows[0].outcome, Fault) and rows[0].outcome.reason == "lost":
            raise OutOfTurn(
                f"run {run} must have been answered in time to be corrected; got one that was lost",
                hint="what happened to a run never chooses what counts; a late answer teaches all the same",
            )
        return rows[0]

    def _reconsider_all(self, head: Head, row: Tried, outcome: Outcome) -> tuple[Correction, tuple[Entry, ...]]:
        """Judge all trials again that a run is a side of; lessons are numbered on, and the cord is pulled once."""
        correction, follow = self._reconsider(head, row, outcome)
        others: list[Correction] = []
        for seat in row.serves:
            lessons = head.next_lesson + sum(isinstance(entry, Learned) for entry in follow)
            there = msgspec.structs.replace(row, trial=seat.trial, block=seat.block)
            other, more = self._reconsider(msgspec.structs.replace(head, next_lesson=lessons), there, outcome)
            pulled = any(isinstance(entry, Pulled) for entry in follow)
            follow = (*follow, *(entry for entry in more if not (pulled and isinstance(entry, Pulled))))
            others.append(other)
        return msgspec.structs.replace(correction, others=tuple(others)), follow

    def _reconsider(self, head: Head, row: Tried, outcome: Outcome) -> tuple[Correction, tuple[Entry, ...]]:
        """Judge the corrected trial again; return both verdicts and the entries that follow for a closed one."""
        if row.trial is None or row.block is None or row.side is None:
            return Correction(run=row.id, before=None, after=None), ()
        open_ = head.under_way(row.trial)
        if open_ is not None:
            trial = open_.trial.with_outcome(row.block, row.side, outcome)
            before, after = open_.verdict or self._wheel.verdict(open_.trial), self._wheel.verdict(trial)
            return Correction(run=row.id, before=before, after=after, trial=row.trial), act.reconsider(
                head, open_, after, guard_broken(trial)
            )
        test = next(test for test in self._ledger.trials(self._process) if test.id == row.trial)
        if test.stopped is not None:  # it stays stopped; its runs may have been told by another description's metrics
            return Correction(run=row.id, before=test.verdict, after=test.verdict, trial=row.trial), ()
        missing = [
            m.name for m in test.trial.design.metrics if isinstance(outcome, Reading) and m.name not in outcome.values
        ]
        if missing:
            raise OutOfTurn(
                f"a correction of run {row.id} must have {', '.join(missing)}, by which its trial was judged; "
                f"got a reading without, as the process is described now"
            )
        trial = self._wheel.as_run(test).with_outcome(row.block, row.side, outcome)
        after = self._wheel.verdict(trial)
        entries: list[Entry] = [Judged(trial=row.trial, verdict=after, corrected=True)]
        broken = guard_broken(trial)
        if test.adopted is not None and (after.decision != "better" or broken is not None):
            turned = (
                f"turned from better to {after.decision}" if broken is None else f"shows to break the guard {broken}"
            )
            because = f"standard {test.adopted} rests on trial {test.id}, which a correction {turned}"
            entries.append(Pulled(andon=Andon(because=because, by="kaizen")))
        return Correction(run=row.id, before=test.verdict, after=after, trial=row.trial), tuple(entries)


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else repr(value)
