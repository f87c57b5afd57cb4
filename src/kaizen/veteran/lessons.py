"""Lessons as people read them: a sentence, its scope, its grade, what it rests on, and what speaks against it since."""

import msgspec

from kaizen.journal import History, Tested
from kaizen.setting import Setting
from kaizen.standard import Increment
from kaizen.verdict import Lesson
from kaizen.veteran.grades import is_better, rolled_back


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """One lesson with what it rests on."""

    lesson: Lesson
    parameters: tuple[str, ...] = ()
    """What its trial changed."""
    evidence: str = ""
    exceptions: tuple[str, ...] = ()
    """Later trials that made the same change, and were better."""
    open_again: str = ""
    """Why the question is open again, if it is."""


def read(history: History, *, word: str = "", parameter: str = "") -> tuple[Read, ...]:
    """Return the lessons that hold, those with a word in them and about a parameter if so asked, in order."""
    tests = {test.id: test for test in history.trials()}
    gone = rolled_back(history.standards())
    found = [_read(one, tests, gone) for one in history.lessons() if not one.retracted]
    wanted = word.lower()
    return tuple(
        one for one in found
        if wanted in f"{one.lesson.text} {one.lesson.scope}".lower() and (not parameter or parameter in one.parameters)
    )  # fmt: skip


def _read(lesson: Lesson, tests: dict[int, Tested], gone: frozenset[int]) -> Read:
    test = tests.get(lesson.trial or 0)
    if test is None:
        return Read(lesson=lesson)
    made = test.trial.increment
    pairs = test.verdict.pairs if test.verdict is not None else 0
    evidence = f"trial {test.id}" + (f", {pairs} pair{'' if pairs == 1 else 's'}" if pairs else "") + f", {test.spend}"
    later = [
        one for one in tests.values() if one.seq > test.seq and is_better(one) and alike(made, one.trial.increment)
    ]
    said = tuple(
        f"trial {one.id} of standard {one.trial.increment.of}: {one.trial.increment} was better" for one in later
    )
    back = f"standard {made.of}, which it was compared with, was rolled back" if made.of in gone else ""
    return Read(lesson=lesson, parameters=tuple(made.changes), evidence=evidence, exceptions=said, open_again=back)


def alike(one: Increment, other: Increment) -> bool:
    """Tell whether two increments make a change in common: a number moved the same way, or another value the same."""
    return any(_same_way(one, other, name, value) for name, value in other.changes.items() if name in one.changes)


def _same_way(one: Increment, other: Increment, name: str, value: object) -> bool:
    if Setting({name: one.after[name]}) == Setting({name: other.after[name]}):
        return True
    steps = [_step(made, name) for made in (one, other)]
    return steps[0] * steps[1] > 0 and not isinstance(value, bool)


def _step(made: Increment, name: str) -> float:
    before, after = made.before.get(name), made.after[name]
    if isinstance(before, int | float) and isinstance(after, int | float):
        return float(after) - float(before)
    return 0.0
