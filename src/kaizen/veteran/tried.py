"""The trials of one process as columns: what they changed, what came of it, and whether that still counts."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kaizen.journal import Kept, Tested
from kaizen.verdict import Lesson
from kaizen.veteran.grades import Grade, grade, is_better, is_precedent, rolled_back
from kaizen.veteran.table import CELL, Coded, Columns

Floats = NDArray[np.float64]

_SAME_STEP = 1.0  # how far a number must be moved, in parts of the earlier move, for that to have tested it


class Trials(NamedTuple):
    """``t`` trials that came to an end of their own: a verdict, or a broken guard."""

    tests: tuple[Tested, ...]
    grades: tuple[Grade, ...]
    after: Coded
    steps: NDArray[np.float32]
    """``(t, p)``: how far each number was moved, in ranges; 0 where it was not."""
    switched: NDArray[np.bool_]
    """``(q, t)``: whether each other value was changed."""
    better: Floats
    """``(t,)``: 1 where it was judged better, else 0; within noise between them."""
    share: Floats
    """``(t,)``: how much of a trial's weight it has: 0 where it no longer counts."""

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.tests)


def trials_of(
    columns: Columns, tests: Sequence[Tested], lessons: Sequence[Lesson], standards: Sequence[Kept]
) -> Trials:
    """Return the trials that count as precedents, as columns."""
    kept = [test for test in tests if is_precedent(test)]
    retracted = {lesson.trial for lesson in lessons if lesson.retracted and lesson.trial is not None}
    gone = rolled_back(standards)
    grades = tuple(grade(test, retracted=test.id in retracted, gone=gone) for test in kept)
    before = columns.encode([test.trial.increment.before for test in kept])
    after = columns.encode([test.trial.increment.after for test in kept])
    worth = [
        _WORTH[one] if not is_better(test) or one == "invalid" else (1.0, 1.0)
        for test, one in zip(kept, grades, strict=True)
    ]
    return Trials(
        tests=tuple(kept),
        grades=grades,
        after=after,
        steps=after.places - before.places,
        switched=after.codes != before.codes,
        better=np.array([better for better, _ in worth], dtype=np.float64),
        share=np.array([share for _, share in worth], dtype=np.float64),
    )


_WORTH: dict[Grade, tuple[float, float]] = {
    "replicated": (0.0, 1.0), "one run": (0.0, 0.7), "within noise": (0.15, 0.15), "invalid": (0.0, 0.0),
    "reopened": (0.0, 0.0),
}  # fmt: skip
"""Of a trial that was not better: the chance that it is all the same, and the share of a trial's weight."""


def likeness(
    trials: Trials, step: NDArray[np.float32], codes: NDArray[np.integer[Any]], switched: NDArray[np.bool_]
) -> Floats:
    """Return ``(t,)`` how much each trial's changes are the asked ones: the cosine of changes in common, 0 to 1.

    A number is in common where it is moved the same way and at least as far (a smaller step was not tested by a larger
    one); any other value where it is the same.
    """
    moved, tried = np.abs(step) > 1e-9, np.abs(trials.steps) > 1e-9
    as_far = np.abs(step) >= _SAME_STEP * np.abs(trials.steps) - CELL
    shared = moved & tried & (np.sign(step) == np.sign(trials.steps)) & as_far
    same = switched[:, None] & trials.switched & (trials.after.codes == codes[:, None])
    common = shared.sum(axis=1) + same.sum(axis=0)
    asked = moved.sum() + switched.sum()
    theirs = tried.sum(axis=1) + trials.switched.sum(axis=0)
    return np.asarray(common / np.sqrt(np.maximum(1, asked * theirs)), dtype=np.float64)
