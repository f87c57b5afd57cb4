"""Parts that several tools answer with: the nod, the ideas in flight, a standard, the budget."""

from collections.abc import Sequence
from typing import Any

from kaizen.faces.mcp import replies
from kaizen.journal import Head
from kaizen.reports.budget import budget_of
from kaizen.standard import Standard
from kaizen.veteran.nod import Nod
from kaizen.veteran.precedent import Precedent
from kaizen.workshop.ideas import Idea, ideas

PAGE = 20
"""The most that any list holds."""


def nodded(nod: Nod, head: Head, *, mine: str = "") -> dict[str, Any]:
    """Return the fields of a nod, and the ideas in flight beside the one that it is on."""
    said, more = siblings(head, mine=[mine])
    odds = nod.odds
    return {
        "answer": nod.answer, "because": nod.because, "precedents": tuple(map(_precedent, nod.precedents)), "exceptions": nod.exceptions,
        "odds_better": None if odds is None else odds.better, "odds_fault": None if odds is None else odds.faults,
        "calibrated": nod.calibrated, "expected": nod.expected, "testimony": (*nod.words, *nod.packs), "at_risk": str(nod.spend),
        "changes_my_mind": nod.changes_my_mind, "siblings": said, "more_siblings": more,
    }  # fmt: skip


def _precedent(one: Precedent) -> replies.Precedent:
    return replies.Precedent(
        said=one.said, grade=one.grade, process=one.process, trial=one.trial, run=one.run, then=one.then, now=one.now,
        differs=one.differs,
    )  # fmt: skip


def siblings(head: Head, *, mine: Sequence[str] = ()) -> tuple[tuple[replies.Sibling, ...], int]:
    """Return the first ideas in flight but for ``mine``, and how many more there are."""
    others = [idea for idea in ideas(head) if idea.place not in mine]
    return tuple(map(sibling, others[:PAGE])), max(0, len(others) - PAGE)


def sibling(idea: Idea) -> replies.Sibling:
    """Return an idea in flight, in its author's words."""
    made = idea.increment
    return replies.Sibling(
        idea=idea.place, changes=str(made), words=made.words, because=made.because, by=made.by, stands=idea.stands
    )


def numbered(standard: Standard) -> dict[str, Any]:
    """Return the fields of a standard."""
    return {
        "standard": standard.number, "setting": standard.setting.plain(), "evidence": standard.evidence,
        "because": standard.because, "by": standard.by, "of": standard.of, "trial": standard.trial,
    }  # fmt: skip


def budget_words(head: Head) -> str:
    """Say what the budget of runs, seconds and money is, and what is left of the error budget."""
    policy, found = head.process.policy, budget_of(head)
    limits = [
        f"{policy.runs} runs" if policy.runs is not None else "",
        f"{policy.seconds:g} s" if policy.seconds is not None else "",
        f"{policy.money:g} money" if policy.money is not None else "",
    ]
    allowed = ", ".join(limit for limit in limits if limit)
    return "; ".join(part for part in (allowed, f"error budget: {found}" if found is not None else "") if part)
