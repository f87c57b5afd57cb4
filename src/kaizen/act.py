"""ACT: adopt the next numbered standard, or write down the lesson. Rules only: entries out, nothing done."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from kaizen.errors import Contested, OutOfTurn
from kaizen.journal import Head, UnderWay
from kaizen.ledger import Adopted, Amended, Consented, Entry, Judged, Learned, Pulled, Refused, RolledBack
from kaizen.metric import Guard
from kaizen.process import Process, check_process
from kaizen.setting import Numbers
from kaizen.standard import Standard
from kaizen.trial import Fault
from kaizen.verdict import Heard, Lesson, Stopped, StopReason, Verdict
from kaizen.voice import Andon

AUTOMATIC = "automatic"
_NOTHING = Numbers()

Grade = Literal["replicated", "one run", "within noise", "invalid"]


def settle(head: Head, open_: UnderWay, verdict: Verdict, promised: Numbers = _NOTHING) -> tuple[Entry, ...]:
    """Return what follows from a verdict: nothing while it is open, a standard, a wait for consent, or a lesson.

    Raises:
        Contested: the trial is of another standard than today's.
    """
    if not verdict.settled:
        return ()
    _same_standard(head, open_)
    judged = Judged(trial=open_.trial.id, verdict=verdict)
    if open_.trial.purpose == "null":
        return (judged, *_alarm(open_)) if verdict.decision == "better" else (judged,)
    if verdict.decision != "better":
        return (judged, Learned(lesson=lesson_of(head, open_, verdict)))
    if head.process.policy.consent != AUTOMATIC:
        return (judged,)
    return (judged, *adopt(head, open_, verdict, promised, by=AUTOMATIC))


def adopt(head: Head, open_: UnderWay, verdict: Verdict, promised: Numbers = _NOTHING, *, by: str) -> tuple[Entry, ...]:
    """Return the entries of an adoption: the next standard, and the end of all that stood on the old one.

    ``promised`` is what it should deliver, less what the luck of the chosen owes.

    Raises:
        Contested: the trial is of another standard than today's.
        OutOfTurn: the verdict does not say *better*.
    """
    _same_standard(head, open_)
    if open_.trial.purpose == "null":
        raise OutOfTurn(f"a null trial must never be adopted; got trial {open_.trial.id}", hint="it changes nothing")
    if not (verdict.settled and verdict.decision == "better"):
        raise OutOfTurn(
            f"a trial must be judged better to be adopted; got {verdict.decision}", hint="only proof makes a standard"
        )
    standard = Standard(
        number=head.standard.number + 1,
        setting=open_.trial.increment.after,
        evidence="proven",
        because=verdict.spell(open_.trial.design.metrics),
        by=by,
        of=head.standard.number,
        trial=open_.trial.id,
        promised=promised,
    )
    return (Adopted(standard=standard), *superseded(head, keep=open_.trial.id))


def hear(head: Head, open_: UnderWay, heard: Heard, before: Standard) -> tuple[Entry, ...]:
    """Return what follows from what a watch has heard: its end, and a rollback with its lesson, or the andon.

    A rollback is made at once where adoption is automatic; where a person agrees to adopt, the andon calls that person.
    """
    trial = open_.trial
    ended = Judged(trial=trial.id, stopped=Stopped(reason="watched", note=heard.because))
    if heard.sound == "done":
        return (ended,)
    if heard.sound == "drift":
        return (ended, Pulled(andon=Andon(because=heard.because, by=AUTOMATIC)))
    lesson = Lesson(
        id=head.next_lesson,
        text=f"standard {trial.increment.of} fell behind standard {before.number}: {heard.because}",
        scope=_scope(trial.increment.before),
        grade="replicated",
        trial=trial.id,
    )
    if head.process.policy.consent != AUTOMATIC or not head.process.allows(before.setting):
        said = f"{heard.because}; roll back with rollback(to={before.number}), or clear it"
        return (ended, Learned(lesson=lesson), Pulled(andon=Andon(because=said, by=AUTOMATIC)))
    rest = msgspec.structs.replace(head, trials=tuple(one for one in head.trials if one.trial.id != trial.id))
    return (ended, Learned(lesson=lesson), *roll_back(rest, before, because=heard.because, by=AUTOMATIC))


def consent(head: Head, trial: int | None, *, by: str, note: str, promised: Numbers = _NOTHING) -> tuple[Entry, ...]:
    """Return the entries of somebody's consent to the trial that waits for it (or to ``trial``).

    Raises:
        OutOfTurn: nothing waits, somebody else's consent is needed, or the andon is pulled.
    """
    open_ = waiting(head, trial)
    verdict = open_.verdict
    if head.andon is not None:
        raise OutOfTurn(
            f"a stopped line must be cleared before anything is adopted; got {head.andon}", hint="clear it by name"
        )
    named = head.process.policy.consent
    if named not in (AUTOMATIC, by):
        raise OutOfTurn(f"consent to {head.process.name} must be given by {named}; got it from {by}")
    assert verdict is not None, "waiting() returns judged trials only"
    return (Consented(trial=open_.trial.id, note=note), *adopt(head, open_, verdict, promised, by=by))


def refuse(head: Head, trial: int | None, *, by: str, note: str) -> tuple[Entry, ...]:
    """Return the entries of somebody's refusal, with the lesson that it teaches."""
    open_ = waiting(head, trial)
    lesson = Lesson(
        id=head.next_lesson,
        text=f"{open_.trial.increment} was proven better, yet {by} refused it: {note or 'no reason given'}",
        scope=f"standard {open_.trial.increment.of}",
        grade="replicated",
        trial=open_.trial.id,
    )
    return (Refused(trial=open_.trial.id, note=note), Learned(lesson=lesson))


def waiting(head: Head, trial: int | None) -> UnderWay:
    """Return the trial that waits for consent, or raise ``OutOfTurn``."""
    found = [open_ for open_ in head.trials if open_.verdict is not None and trial in (None, open_.trial.id)]
    if not found:
        what = "a trial" if trial is None else f"trial {trial}"
        raise OutOfTurn(
            f"{what} must wait for consent; got none that does",
            hint="see 'kaizen show': a trial waits once it is judged better",
        )
    return found[0]


def superseded(head: Head, *, keep: int | None = None) -> tuple[Entry, ...]:
    """End all trials and proposals that stand on the standard that is being replaced."""
    note = f"standard {head.standard.number} was replaced"
    return (
        *stop(head, "superseded", note=note, keep=keep),
        *(Refused(proposal=p.id, note=note) for p in head.proposals),
    )


def stop(head: Head, reason: StopReason, *, note: str, keep: int | None = None) -> tuple[Entry, ...]:
    """End all open trials without a verdict, but for ``keep``."""
    stopped = Stopped(reason=reason, note=note)
    return tuple(Judged(trial=open_.trial.id, stopped=stopped) for open_ in head.trials if open_.trial.id != keep)


def guard_stop(head: Head, open_: UnderWay, note: str) -> tuple[Entry, ...]:
    """End one trial because its increment broke a guard, with the lesson."""
    lesson = Lesson(
        id=head.next_lesson, text=f"{open_.trial.increment} broke a guard: {note}", scope=f"standard {open_.trial.increment.of}",
        grade="one run", trial=open_.trial.id,
    )  # fmt: skip
    return (Judged(trial=open_.trial.id, stopped=Stopped(reason="guard", note=note)), Learned(lesson=lesson))


def reconsider(head: Head, open_: UnderWay, verdict: Verdict, broken: Guard | None) -> tuple[Entry, ...]:
    """Return what a corrected reading means for an open trial: of one that waits for consent, the verdict or its end."""
    if open_.verdict is None:
        return ()  # the wheel's next look judges it
    if broken is not None:
        return guard_stop(head, open_, str(broken))
    judged = Judged(trial=open_.trial.id, verdict=verdict, corrected=True)
    if verdict.settled and verdict.decision != "better":
        return (judged, Learned(lesson=lesson_of(head, open_, verdict)))
    return (judged,)


def roll_back(head: Head, to: Standard, *, because: str, by: str) -> tuple[Entry, ...]:
    """Return the entries that make the setting of an earlier standard the next one.

    Raises:
        OutOfTurn: ``to`` is today's standard, or its setting no longer fits the process.
    """
    if to.number == head.standard.number or to.setting == head.standard.setting:
        raise OutOfTurn(f"a rollback must go to another standard than today's; got {to.number}")
    if not head.process.allows(to.setting):
        raise OutOfTurn(f"standard {to.number} must still fit the process; got {to.setting}, which it no longer allows")
    standard = Standard(
        number=head.standard.number + 1, setting=to.setting, evidence=to.evidence, because=f"rolled back to standard {to.number}: {because}",
        by=by, of=head.standard.number, trial=to.trial,
    )  # fmt: skip
    return (RolledBack(standard=standard, to=to.number), *superseded(head))


def amend(head: Head, process: Process, *, because: str, by: str) -> tuple[Entry, ...]:
    """Return the entries of a changed description; none if nothing changes.

    The standard stays where its setting still fits, else the description's own becomes the next one. Trials go
    on when only the policy or the words changed.

    Raises:
        Mistake: the description cannot be right.
    """
    process = check_process(process)
    if process == head.process:
        return ()
    same_work = (process.parameters, process.constraints, process.guards, process.metrics, process.work) == (
        head.process.parameters, head.process.constraints, head.process.guards, head.process.metrics, head.process.work,
    )  # fmt: skip
    comparable = (process.metrics, process.work) == (head.process.metrics, head.process.work)
    standard = None
    if not process.allows(head.standard.setting):
        standard = Standard(
            number=head.standard.number + 1, setting=process.standard, evidence="given",
            because=f"as described anew: {because}", by=by, of=head.standard.number,
        )  # fmt: skip
    entry = Amended(process=process, because=because, comparable=comparable, standard=standard)
    return (entry,) if same_work and standard is None else (*superseded(head), entry)


def lesson_of(head: Head, open_: UnderWay, verdict: Verdict) -> Lesson:
    """Put a verdict that does not adopt into words."""
    trial = open_.trial
    said = verdict.spell(trial.design.metrics)
    grade: Grade = "within noise" if verdict.decision in ("futile", "undecided") else "replicated"
    if verdict.pairs <= 1 and any(isinstance(pair.increment, Fault) for pair in trial.pairs):
        grade = "one run"
    text = f"{trial.increment} — {said}"
    if verdict.decision in ("futile", "undecided"):
        text += " (not a failure: the gain, if any, is lost in the noise)"
    return Lesson(id=head.next_lesson, text=text, scope=_scope(trial.increment.before), grade=grade, trial=trial.id)


def _alarm(open_: UnderWay) -> tuple[Entry, ...]:
    """Pull the andon: a copy of the standard was found better, so luck has won or the pairs are not alike."""
    luck = f"luck alone does that to {open_.trial.design.alpha:.2g} of copies"
    because = (
        f"trial {open_.trial.id} found a copy of the standard better than itself; {luck}: look for what favours a side"
    )
    return (
        Refused(trial=open_.trial.id, note="a null trial is never adopted"),
        Pulled(andon=Andon(because=because, by="kaizen")),
    )


def _scope(before: Mapping[str, Any]) -> str:
    return "against " + ", ".join(f"{name}={value!r}" for name, value in before.items())


def _same_standard(head: Head, open_: UnderWay) -> None:
    if open_.trial.increment.of != head.standard.number:
        raise Contested(
            f"an increment must be of today's standard {head.standard.number}; got one of standard {open_.trial.increment.of}",
            hint="trials are never re-based: propose it again",
        )
