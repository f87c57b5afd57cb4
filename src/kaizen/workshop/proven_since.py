"""What questions asked since say of standards that were declared without proof.

A declared standard stays declared: that is how it came to be one. Whether the change that it made is better is a question of
two commits (``proving``), whose name begins with theirs; so the answers are found beside the standard, whoever asked.
"""

import re

import msgspec

from kaizen.journal import Memory, Tested
from kaizen.parameter import Revision
from kaizen.reports.lines import count
from kaizen.standard import Standard
from kaizen.trial import Reading
from kaizen.verdict import Decision

_NAME = re.compile(r"prove\.([0-9a-f]{7}-[0-9a-f]{7})\.")
_SAID = {"better": "proven better", "worse": "proven worse", "not_worthwhile": "not proven: no worthwhile difference"}


class Since(msgspec.Struct, frozen=True, kw_only=True):
    """One answer about the change that a declared standard made."""

    process: str
    """The question's name in the ledger."""
    decision: Decision
    effects: tuple[str, ...]
    pairs: int
    at: int

    def __str__(self) -> str:
        """Return ``proven better since by prove.1a2b3c4-5d6e7f8.0f1e2d3c: size -10.0% (exact) over 1 pair``."""
        said = _SAID.get(self.decision, "not proven: it cannot be told")
        head, sign, rest = said.partition(":")
        return f"{head} since by {self.process}{sign}{rest}: {', '.join(self.effects)} over {count(self.pairs, 'pair')}"


def is_question(name: str) -> bool:
    """Tell by its name whether a process is a question of two commits."""
    return _NAME.match(name) is not None


def answered(memory: Memory, name: str) -> bool:
    """Tell whether a question has its answer: its trial ended, and some run gave a reading.

    Where all runs of an exact question fail, both sides are equally bad to the judge; but nothing was compared.
    """
    ended = any(test.verdict is not None or test.stopped is not None for test in memory.trials(name))
    return ended and any(isinstance(run.outcome, Reading) for run in memory.runs(name))


def proven_since(memory: Memory, process: str) -> dict[int, tuple[Since, ...]]:
    """Return, by the number of a declared standard, what was answered about it, oldest first."""
    head = memory.head(process)
    code = (
        next((one.name for one in head.process.parameters if isinstance(one, Revision)), "") if head is not None else ""
    )
    questions: dict[str, list[str]] = {}
    for name in memory.processes() if code else ():
        if found := _NAME.match(name):
            questions.setdefault(found[1], []).append(name)
    if not questions:
        return {}
    standards = {kept.standard.number: kept.standard for kept in memory.standards(process)}
    made = {}
    for number, standard in standards.items():
        old, new = _commit(standards.get(standard.of or 0), code), _commit(standard, code)
        if standard.evidence != "declared" or len(old) < 7 or len(new) < 7:
            continue
        answers = (_answer(memory, name, old, new) for name in questions.get(f"{old[:7]}-{new[:7]}", ()))
        if found_out := tuple(one for one in answers if one is not None):
            made[number] = found_out
    return made


def _commit(standard: Standard | None, code: str) -> str:
    return "" if standard is None else str(standard.setting.get(code, "")).lower()


def _answer(memory: Memory, name: str, old: str, new: str) -> Since | None:
    """Return the answer to one question if it is settled, and of these very commits."""
    head, test = memory.head(name), next(iter(memory.trials(name)), None)
    if head is None or test is None or test.verdict is None or not _is_of(test, old, new) or not answered(memory, name):
        return None
    verdict, by_name = test.verdict, {metric.name: metric for metric in head.process.metrics}
    effects = tuple(one.spell(by_name[one.metric]) for one in verdict.effects if one.metric in by_name)
    return Since(
        process=name, decision=verdict.decision, effects=effects or (verdict.reason,), pairs=verdict.pairs, at=test.at
    )


def _is_of(test: Tested, old: str, new: str) -> bool:
    change = test.trial.increment
    sides = ((change.before, old), (change.after, new))
    return all(any(str(value).startswith(commit) for value in setting.values()) for setting, commit in sides)
