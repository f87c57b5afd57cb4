"""Lessons as people read them: a sentence, its grade, what it rests on, where it holds, and what speaks for or against it since.

A later trial of much the same step is evidence on the lesson itself. One that failed again confirms it. One that was better
makes an exception, with the reason why it was different if somebody gave one; without a reason it contradicts, and a lesson
that is contradicted as often as it was found is repealed.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from kaizen.journal import History, Tested
from kaizen.setting import Setting
from kaizen.standard import Increment
from kaizen.verdict import Lesson
from kaizen.veteran.grades import is_better, is_precedent, rolled_back

_AS_FAR = 2.0  # times a step may be as long as another, and be much the same one


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """One lesson with what it rests on."""

    lesson: Lesson
    parameters: tuple[str, ...] = ()
    """What its trial changed."""
    evidence: str = ""
    again: tuple[str, ...] = ()
    """Later trials of much the same step that failed, too."""
    exceptions: tuple[str, ...] = ()
    """Later trials that made the same change, and were better; with what was different, where somebody said so."""
    repealed: str = ""
    """Why it no longer holds by evidence alone; empty while it does."""
    open_again: str = ""
    """Why the question is open again, if it is."""
    scope: tuple[str, ...] = ()
    """From which conditions to which it was learned to carry over, and how much it then counts."""

    @property
    def grade(self) -> str:
        """The grade with all that came later: ``replicated`` once it failed again, ``repealed`` by evidence."""
        if self.repealed:
            return "repealed"
        return "replicated" if self.again and self.lesson.grade == "one run" else self.lesson.grade


class Since(msgspec.Struct, frozen=True, kw_only=True):
    """Later trials that bear on a lesson."""

    again: tuple[Tested, ...] = ()
    better: tuple[Tested, ...] = ()
    contrary: tuple[Tested, ...] = ()
    """Those of them that took much the same step, with nothing said to be different: where they repeal it, else none."""


def read(history: History, *, word: str = "", parameter: str = "", era: int = 0) -> tuple[Read, ...]:
    """Return the lessons that hold, those with a word in them and about a parameter if so asked, in order.

    Up to ``era`` (a ``seq``) what was measured was something else.
    """
    tests, lessons = history.trials(), history.lessons()
    gone = rolled_back(history.standards())
    unfair = {one.trial for one in lessons if one.retracted}
    past = _Past(tests, gone, unfair, era)
    found = [_read(one, past) for one in lessons if not one.retracted]
    wanted = word.lower()
    return tuple(
        one for one in found
        if wanted in f"{one.lesson.text} {one.lesson.scope}".lower() and (not parameter or parameter in one.parameters)
    )  # fmt: skip


class _Past(NamedTuple):
    """The trials, standards that are gone, trials of retracted lessons, and the end of the era before."""

    tests: Sequence[Tested]
    gone: frozenset[int]
    unfair: set[int | None]
    era: int


def _read(lesson: Lesson, past: _Past) -> Read:
    test = next((one for one in past.tests if one.id == lesson.trial), None)
    if test is None:
        return Read(lesson=lesson)
    made = test.trial.increment
    later = since(test, [one for one in past.tests if one.id not in past.unfair])
    back = f"standard {made.of}, which it was compared with, was rolled back" if made.of in past.gone else ""
    back = back or ("what is measured has changed since" if test.seq <= past.era else "")
    return Read(
        lesson=lesson,
        parameters=tuple(made.changes),
        evidence=_evidence(test),
        again=tuple(_again(one) for one in later.again),
        exceptions=tuple(exception(one) for one in later.better),
        repealed=_repealed(later.contrary) if later.contrary else "",
        open_again=back,
    )


def since(test: Tested, tests: Sequence[Tested]) -> Since:
    """Return what came after a trial that bears on its lesson, in order.

    Of a watch's lesson, on a standard that fell behind, nothing does.
    """
    made = test.trial.increment
    if test.trial.purpose != "trial":
        return Since()
    later = [one for one in tests if one.seq > test.seq and is_precedent(one)]
    again = tuple(one for one in later if failed(one) and much_the_same(made, one.trial.increment))
    better = tuple(one for one in later if is_better(one) and alike(made, one.trial.increment))
    found = (one for one in better if much_the_same(made, one.trial.increment) and not one.trial.increment.different)
    contrary = tuple(found)
    repealed = len(contrary) >= 1 + len(again) and failed(test)
    return Since(again=again, better=better, contrary=contrary if repealed else ())


def failed(test: Tested) -> bool:
    """Tell whether a trial says that something is no better; within noise says nothing."""
    return not is_better(test) and (test.verdict is None or test.verdict.decision in ("worse", "not_worthwhile"))


def exception(test: Tested) -> str:
    """Say that a trial was better, and why it was different: ``trial 9 of standard 2: … was better, because: …``."""
    made = test.trial.increment
    why = f", because: {made.different}" if made.different else ""
    return f"trial {test.id} of standard {made.of}: {made} was better{why}"


def _again(test: Tested) -> str:
    made = test.trial.increment
    how = test.verdict.decision.replace("_", " ") if test.verdict is not None else str(test.stopped)
    though = f", though: {made.different}" if made.different else ""
    return f"trial {test.id} of standard {made.of}: {made} — {how}{though}"


def _repealed(contrary: Sequence[Tested]) -> str:
    names = " and ".join(f"trial {one.id}" for one in contrary)
    were = "was" if len(contrary) == 1 else "were"
    return f"{names} made much the same step and {were} better, with nothing said to be different"


def _evidence(test: Tested) -> str:
    pairs = test.verdict.pairs if test.verdict is not None else 0
    return f"trial {test.id}" + (f", {pairs} pair{'' if pairs == 1 else 's'}" if pairs else "") + f", {test.spend}"


# ── what two increments have in common ────────────────────────────────────────────────────────────────────────────────


def alike(one: Increment, other: Increment) -> bool:
    """Tell whether two increments make a change in common: a number moved the same way, or another value the same."""
    return any(_same_way(one, other, name, value) for name, value in other.changes.items() if name in one.changes)


def much_the_same(one: Increment, other: Increment) -> bool:
    """Tell whether two increments take much the same step: all changes in common, none twice as far."""
    if one.changes.keys() != other.changes.keys():
        return False
    return all(_same_way(one, other, name, value) and _as_far(one, other, name) for name, value in one.changes.items())


def _same_way(one: Increment, other: Increment, name: str, value: object) -> bool:
    if Setting({name: one.after[name]}) == Setting({name: other.after[name]}):
        return True
    steps = [_step(made, name) for made in (one, other)]
    return steps[0] * steps[1] > 0 and not isinstance(value, bool)


def _as_far(one: Increment, other: Increment, name: str) -> bool:
    lengths = sorted(abs(_step(made, name)) for made in (one, other))
    return lengths[1] <= _AS_FAR * lengths[0]


def _step(made: Increment, name: str) -> float:
    before, after = made.before.get(name), made.after[name]
    if isinstance(before, int | float) and isinstance(after, int | float):
        return float(after) - float(before)
    return 0.0


def with_scope(reads: Sequence[Read], scopes: Mapping[int, tuple[str, ...]]) -> tuple[Read, ...]:
    """Return lessons with where they hold, by number."""
    return tuple(msgspec.structs.replace(one, scope=scopes.get(one.lesson.id, ())) for one in reads)
