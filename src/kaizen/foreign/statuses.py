"""What a foreign log means by its words for a decision, and by its words for a failure."""

import re
from typing import NamedTuple

from kaizen.foreign import Decision
from kaizen.trial import Fault

_KEPT = re.compile(
    r"(keep|kept|accept|adopt|improv|win|won|merged?|success|pass|better|yes|final|champion|new[ _]best)"
)
_REJECTED = re.compile(
    r"(discard|revert|reject|drop|worse|no[ _-]?(gain|improvement|change|op)|no$|skip"
    r"|regress|abandon|loss|lost|hurt|undo|undid|rolled?[ _]?back|duplicate|marginal)"
)
_FAULT = re.compile(
    r"(crash|fail|error|exception|killed|abort|invalid|broke|checks?[ _]failed|time[ _-]?out|oom\b|nan\b|diverged$)"
)
_BASELINE = re.compile(r"(base ?line|reference|default$|initial$)")

_REASONS = (
    (re.compile(r"\boom\b|_oom|out of memory|memory ?error|cuda memory", re.IGNORECASE), "memory"),
    (re.compile(r"time[ _-]?d?[ _-]?out|deadline|too long", re.IGNORECASE), "timeout"),
    (re.compile(r"\bnan\b|no reading|no metric|not finite", re.IGNORECASE), "no reading"),
)

_SAID_KEPT = re.compile(
    r"^\W*(keep|kept|accepted|adopted)\b|\b(kept|keep)\W*$|\bnew best\b|\(improved\b", re.IGNORECASE
)
_SAID_REJECTED = re.compile(
    r"^\W*(discard|revert|reject)|\b(discarded|reverted|rejected)\b|\bno (improvement|gain)\b|\(.{0,25}\b(worse|hurts?|regressed|too)\b",
    re.IGNORECASE,
)
_SAID_FAULT = re.compile(r"^\W*(crash|fail)|\(.{0,25}\b(oom|crash(ed)?|nan)\b", re.IGNORECASE)


class Status(NamedTuple):
    """A decision, and whether there was a failure to run."""

    decision: Decision
    faulted: bool = False
    said: bool = True
    """Whether the source says so at all."""


def decided(status: str, words: str = "") -> Status:
    """Read a decision from its own column; where that is empty or unknown, from the sentence."""
    word = re.sub(r"[\s_-]+", " ", status.lower()).strip()
    if word:
        if _BASELINE.match(word):
            return Status("baseline")
        if _FAULT.match(word):
            return Status("rejected", faulted=True)
        if _REJECTED.match(word):
            return Status("rejected", faulted=bool(re.search(r"\boom\b|crash|\bnan\b", word)))
        if _KEPT.match(word):
            return Status("kept")
        if word not in ("?", "n/a", "na", "none", "null"):
            return Status("undecided")
    return _from_words(words)


def _from_words(words: str) -> Status:
    if re.match(r"^\W*(\w+\W+){0,2}base ?line\b", words, re.IGNORECASE):
        return Status("baseline")
    if _SAID_FAULT.search(words):
        return Status("rejected", faulted=True)
    if _SAID_REJECTED.search(words):
        return Status("rejected")
    if _SAID_KEPT.search(words):
        return Status("kept")
    return Status("undecided", said=False)


def fault_of(status: str, words: str, *, otherwise: str = "crash") -> Fault:
    """Return the fault that a row tells of, its sentence as the note."""
    both = f"{status} {words}"
    reason = next((reason for pattern, reason in _REASONS if pattern.search(both)), otherwise)
    return Fault(reason=reason, note=words[:500])
