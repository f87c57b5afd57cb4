"""How good the evidence of a trial is, and whether it still counts."""

from collections.abc import Sequence
from typing import Literal

from kaizen.journal import Kept, Tested

Grade = Literal["replicated", "one run", "within noise", "invalid", "reopened"]
"""Within noise is not a failure; an invalid one was retracted, a reopened one stood on a standard that is gone."""


def is_precedent(test: Tested) -> bool:
    """Tell whether a trial says something: one that was superseded, cut short or of a copy does not."""
    if test.trial.purpose != "trial":
        return False
    return test.verdict is not None or (test.stopped is not None and test.stopped.reason == "guard")


def is_better(test: Tested) -> bool:
    """Tell whether a trial was judged better."""
    return test.stopped is None and test.verdict is not None and test.verdict.decision == "better"


def grade(test: Tested, *, retracted: bool, gone: frozenset[int]) -> Grade:
    """Return how good the evidence of a trial is."""
    if retracted:
        return "invalid"
    if test.trial.increment.of in gone and not is_better(test):
        return "reopened"
    verdict = test.verdict
    if test.stopped is not None or verdict is None:
        return "one run"
    if verdict.decision in ("futile", "undecided"):
        return "within noise"
    exact = all(metric.exact for metric in test.trial.design.metrics)
    return "replicated" if verdict.pairs > 1 or exact else "one run"


def rolled_back(standards: Sequence[Kept]) -> frozenset[int]:
    """Return the numbers of standards that a rollback has left behind.

    A rollback is a standard with the setting of an earlier one and the same proof.
    """
    gone: set[int] = set()
    known = [kept.standard for kept in standards]
    for place, standard in enumerate(known):
        for earlier in reversed(known[:place]):
            if earlier.setting == standard.setting and earlier.trial == standard.trial:
                gone.update(one.number for one in known if earlier.number < one.number < standard.number)
                break
    return frozenset(gone)
