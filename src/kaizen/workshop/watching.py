"""What watches have seen, gathered from the ledger: their fresh pairs, and how they ended."""

from kaizen.journal import Head, Tested
from kaizen.ledger import Judged, Pulled
from kaizen.listen import delivered
from kaizen.reports.promises import Ended, Watched
from kaizen.workshop.turning import Wheel


def watched(wheel: Wheel) -> tuple[Watched, ...]:
    """Return what each watch of a process has seen so far, in order."""
    head = wheel.head()
    tests = [test for test in wheel.ledger.trials(wheel.process) if test.trial.purpose == "shadow"]
    fell = {lesson.trial for lesson in wheel.ledger.lessons(wheel.process)} if tests else set()
    return tuple(_watched(wheel, head, test, fell=test.id in fell) for test in tests)


def _watched(wheel: Wheel, head: Head, test: Tested, *, fell: bool) -> Watched:
    open_ = head.under_way(test.id)
    trial = open_.trial if open_ is not None else wheel.as_run(test)
    return Watched(
        trial=test.id, standard=test.trial.increment.of, pairs=len(trial.pairs), effects=delivered(trial),
        ended=_ended(wheel, test, fell=fell),
    )  # fmt: skip


def _ended(wheel: Wheel, test: Tested, *, fell: bool) -> Ended:
    """Tell how a watch ended, by what followed from it: a lesson where the standard fell, the andon where both sides did."""
    if test.stopped is None:
        return ""
    if test.stopped.reason != "watched":
        return "stopped"
    if fell:
        return "fallen"
    records = iter(wheel.ledger.read(wheel.process, after=test.seq))
    for record in records:
        if isinstance(record.entry, Judged) and record.entry.trial == test.id:
            then = next(records, None)
            drift = (
                then is not None and isinstance(then.entry, Pulled) and then.entry.andon.because == test.stopped.note
            )
            return "drift" if drift else "done"
    return "done"
