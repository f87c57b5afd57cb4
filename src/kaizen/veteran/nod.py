"""The nod on an increment, from this process's own past: exact precedents and single changes that were tried.

Odds are not learned here: an answer carries its evidence and says what it does not know.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from kaizen.journal import Journal, Tested
from kaizen.standard import Increment
from kaizen.trial import Fault

Answer = Literal["go", "think_again", "failed_before", "in_flight", "worked_before"]
_MOST = 3


class Nod(msgspec.Struct, frozen=True, kw_only=True):
    """The veteran's answer on an increment."""

    answer: Answer
    because: str
    precedents: tuple[str, ...] = ()
    """At most three, nearest first, each with what differs."""
    spend: int = 2
    """Runs at risk, at least."""

    def __str__(self) -> str:
        """Return ``failed before: … ``."""
        return f"{self.answer.replace('_', ' ')}: {self.because}"


def consult(journal: Journal, increment: Increment) -> Nod:
    """Answer on an increment; reads only."""
    return (
        _in_flight(journal, increment)
        or _tested(journal, increment)
        or _faulted(journal, increment)
        or _alike(journal, increment)
        or Nod(answer="go", because="nothing like it has been tried in this process")
    )


def _in_flight(journal: Journal, increment: Increment) -> Nod | None:
    head = journal.head
    for open_ in head.trials:
        if open_.trial.increment.after == increment.after:
            return Nod(answer="in_flight", because=f"trial {open_.trial.id} is testing it now")
    for waiting in head.proposals:
        if waiting.increment.after == increment.after:
            return Nod(answer="in_flight", because=f"proposal {waiting.id} waits for its trial")
    return None


def _tested(journal: Journal, increment: Increment) -> Nod | None:
    """Answer from trials of the very same setting, the latest first."""
    past = [test for test in journal.history.trials() if test.trial.increment.after == increment.after and test.verdict]
    if not past:
        return None
    last, said = past[-1], _say(past[-1])
    precedents = tuple(_say(test) for test in past[: -_MOST - 1 : -1])
    verdict = last.verdict
    if verdict is not None and verdict.decision == "better":
        return Nod(answer="worked_before", because=said, precedents=precedents)
    if verdict is not None and verdict.decision in ("futile", "undecided"):
        return Nod(answer="think_again", because=f"{said}; within noise, which is not a failure", precedents=precedents)
    if last.trial.increment.of != increment.of:
        return Nod(answer="think_again", because=f"{said}; the standard has changed since", precedents=precedents)
    return Nod(answer="failed_before", because=said, precedents=precedents)


def _faulted(journal: Journal, increment: Increment) -> Nod | None:
    runs = journal.history.runs(fingerprint=increment.after.fingerprint, latest=_MOST)
    faults = [run for run in runs if isinstance(run.outcome, Fault)]
    if not faults:
        return None
    said = tuple(f"run {run.id}: {run.outcome}" for run in reversed(faults))
    return Nod(answer="failed_before", because=f"the same setting gave no reading: {said[0]}", precedents=said)


def _alike(journal: Journal, increment: Increment) -> Nod | None:
    """Answer from trials that made one of the same changes and failed, whatever else they changed."""
    failed = [
        test for test in journal.history.trials()
        if test.verdict is not None and test.verdict.decision in ("worse", "not_worthwhile")
        and _shared(test.trial.increment, increment)
    ]  # fmt: skip
    if not failed:
        return None
    precedents = tuple(_say(test) for test in failed[: -_MOST - 1 : -1])
    names = ", ".join(sorted(set(_shared(failed[-1].trial.increment, increment))))
    return Nod(
        answer="think_again",
        because=f"the same {names} failed in another combination: {precedents[0]}",
        precedents=precedents,
    )


def _shared(past: Increment, now: Increment) -> Iterable[str]:
    return [name for name, value in now.changes.items() if past.changes.get(name) == value]


def _say(test: Tested) -> str:
    verdict = test.verdict
    said = verdict.spell(test.trial.design.metrics) if verdict is not None else str(test.stopped)
    return f"trial {test.id} against standard {test.trial.increment.of}: {test.trial.increment} — {said}"
