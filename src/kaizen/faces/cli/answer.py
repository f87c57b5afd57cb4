"""What a command answers: words for people, and a document for programs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from kaizen.errors import Clash, Malformed
from kaizen.journal import Head, Tested, Tried
from kaizen.ledger import Record
from kaizen.reports.budget import budget_of
from kaizen.reports.promises import Copies, Promise, kept_so_far
from kaizen.reports.text import attempts, watches
from kaizen.setting import encode_hook
from kaizen.standard import Standard
from kaizen.trial import Fault, Outcome, Run
from kaizen.verdict import Verdict
from kaizen.veteran.carrying import Carried


class Answer(NamedTuple):
    """The words, the document, and the exit status; with ``many``, the document is a list, printed as JSON lines."""

    text: str
    document: Any
    status: int = 0
    many: bool = False

    def as_json(self) -> str:
        """Return the document as JSON, each document on a line of its own."""
        return "".join(as_line(one) for one in (self.document if self.many else (self.document,)))


def as_line(document: object) -> str:
    """Return a document as one line of JSON."""
    return msgspec.json.encode(document, enc_hook=encode_hook).decode() + "\n"


# ── documents: what is printed for programs; a run's side is left out while it is open ───────────────────────────────


def run_document(run: Run) -> dict[str, Any]:
    """Return an open run, without its side: who measures should not know."""
    return {"run": run.id, "setting": run.setting, "purpose": run.purpose, "because": run.because, "of": run.of,
            "trial": run.trial, "attempt": run.attempt, "by": run.by, "seed": run.seed}  # fmt: skip


def tried_document(run: Tried) -> dict[str, Any]:
    """Return a finished run."""
    return {
        "run": run.id, "at": run.at, "by": run.by, "setting": run.setting, "purpose": run.purpose, "of": run.of,
        "because": run.because, "trial": run.trial, "block": run.block, "side": run.side,
        "beside": run.beside, "serves": run.serves, **outcome_document(run.outcome), "spend": run.spend, "conditions": run.conditions,
        "corrected": [outcome_document(outcome) for outcome in run.corrected],
        "late": [outcome_document(outcome) for outcome in run.late],
    }  # fmt: skip


def outcome_document(outcome: Outcome) -> dict[str, Any]:
    """Return ``reading``, or ``fault``; the other is nothing."""
    if isinstance(outcome, Fault):
        return {"reading": None, "fault": {"reason": outcome.reason, "note": outcome.note, "tail": outcome.tail}}
    return {"reading": outcome.values, "fault": None}


def standard_document(standard: Standard) -> dict[str, Any]:
    """Return a standard and what it rests on."""
    return {"standard": standard.number, "setting": standard.setting, "evidence": standard.evidence,
            "because": standard.because, "by": standard.by, "of": standard.of, "trial": standard.trial,
            "promised": standard.promised}  # fmt: skip


def verdict_document(verdict: Verdict | None) -> dict[str, Any] | None:
    """Return a verdict with its effects, in units of gain."""
    return None if verdict is None else {**msgspec.structs.asdict(verdict), "said": str(verdict)}


def tested_document(test: Tested) -> dict[str, Any]:
    """Return a trial with its design and verdicts."""
    return {
        "trial": test.id, "at": test.at, "by": test.by, "purpose": test.trial.purpose,
        "increment": test.trial.increment, "changes": test.trial.increment.changes, "design": test.trial.design,
        "verdicts": [verdict_document(verdict) for verdict in test.verdicts], "stopped": test.stopped,
        "closed_at": test.closed_at, "spend": test.spend, "consent": test.consent, "refused": test.refused,
        "adopted": test.adopted,
    }  # fmt: skip


def head_document(head: Head) -> dict[str, Any]:
    """Return where a process stands."""
    return {
        "process": head.process.name, "about": head.process.about, "standard": standard_document(head.standard),
        "spent": head.spent, "counts": head.counts, "andon": head.andon, "charged": head.charged,
        "error_budget": budget_document(head), "tried": attempts(head), "watches": watches(head),
        "trials": [
            {"trial": open_.trial.id, "purpose": open_.trial.purpose, "changes": open_.trial.increment.changes, "pairs": len(open_.trial.pairs),
             "most": open_.trial.design.pairs, "verdict": verdict_document(open_.verdict)}
            for open_ in head.trials
        ],
        "proposals": [{"proposal": one.id, "changes": one.increment.changes} for one in head.proposals],
        "runs": [run_document(run) for run in head.runs],
    }  # fmt: skip


def budget_document(head: Head) -> dict[str, Any] | None:
    """Return what is left of the error budget, in numbers and in words; nothing where all metrics are exact."""
    found = budget_of(head)
    return None if found is None else {**msgspec.structs.asdict(found), "said": str(found)}


def promises_document(made: Sequence[Promise]) -> dict[str, Any]:
    """Return what each adopted standard promised and delivers, and the sums over the watched ones, in units of gain."""
    return {
        "promises": [promise.document() for promise in made],
        "promised_and_delivered": [
            {"metric": one.metric.name, "standards": one.standards, "promised": one.promised,
             "delivered": one.delivered, "said": str(one)}
            for one in kept_so_far(made)
        ],
    }  # fmt: skip


def carried_document(one: Carried) -> dict[str, Any]:
    """Return what another process has proven, as a change to this one; ``left`` says why it is not to be proposed."""
    return {name: getattr(one, name) for name in ("process", "standard", "changes", "because", "left")}


def copies_document(found: Copies) -> dict[str, Any]:
    """Return how the judge fared with copies of the standard: those it found better are false alarms."""
    return {"judged": found.judged, "expected": found.expected, "false_alarms": [test.id for test in found.fooled]}


def record_document(record: Record) -> dict[str, Any]:
    """Return a record: its place, its kind, and the entry."""
    return {"seq": record.seq, "process": record.process, "at": record.at, "by": record.by,
            "kind": type(record.entry).__name__, "key": record.key, "entry": record.entry}  # fmt: skip


# ── reading what was typed ────────────────────────────────────────────────────────────────────────────────────────────


def pairs(words: Sequence[str], *, example: str) -> Mapping[str, str]:
    """Read ``name=value`` words; the value may have any ``=`` in it.

    Raises:
        Malformed: a word without ``=`` or without a name.
        Clash: a name twice.
    """
    found: dict[str, str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        name = name.strip()
        if not sign or not name:
            raise Malformed(f"a value must be written name=value; got {word!r}", hint=f"write it like {example}")
        if name in found:
            raise Clash(f"{name} must be given once; got {found[name]!r} and {value!r}")
        found[name] = value.strip()
    return found


def joined(parts: Iterable[str]) -> str:
    """Put pieces of text under one another, empty ones left out."""
    return "\n".join(part for part in parts if part)
