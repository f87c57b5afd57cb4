"""A hint before anything is spent: what a sentence and a diff are like among what is remembered.

Made for hooks, which may not be felt: it reads the index of words alone, never folds the ledger, and loads next to nothing.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

from kaizen.retrievers.fulltext import Fulltext
from kaizen.veteran.prints import changed
from kaizen.veteran.retrieving import Facts, Remembered
from kaizen.veteran.wording import LOOKED, Worded, consult, sentence, spend_words

TOKENS: Final = 200
"""The most that a hint may cost whoever reads it."""
_SHORT = 80  # letters of a sentence that are shown
_MESSAGE = 2_000  # letters of a message that are looked at


class Hint(NamedTuple):
    """The veteran's answer on an increment in words and code."""

    answer: str
    """``go``, ``think_again``, ``failed_before``, ``in_flight`` or ``worked_before``."""
    odds: float
    """The chance that it is kept."""
    precedents: tuple[str, ...] = ()
    """At most three, the one that says most first, each in a sentence."""
    lines: tuple[str, ...] = ()
    """What to print: at most ``TOKENS``; empty where there is nothing to say."""


class Heard(NamedTuple):
    """A trial that somebody has heard of, and the ledger not yet."""

    key: str
    """Told again under the same key, it is updated."""
    message: str
    print: str
    """Fingerprint of its diff, as ``print_of`` makes it; empty for none."""
    commit: str
    at: int
    """In µs since 1970."""
    outcome: Literal["open", "kept", "discarded", "crashed"]
    effect: float | None
    """In units of gain: above 0 is better."""
    standard: int
    """The number of the standard that it was compared with."""


@lru_cache(maxsize=2)  # a hook wants it for its own notes, and again for its question
def print_of(diff: bytes) -> str:
    """Return the fingerprint of a diff; empty where it changes no code."""
    return changed(diff).print


def index_of(ledger: Path, process: str) -> Path:
    """Return where the words of a process are kept, beside its ledger: a file that may be deleted at any time."""
    return ledger.parent / f"{ledger.stem}.work" / "words" / f"{process}.db"


def hint(ledger: Path, process: str, message: str, diff: bytes = b"") -> Hint | None:
    """Return what is remembered of an increment; ``None`` where nothing is remembered at all.

    Raises:
        Exception: of whatever kind, where the index cannot be read.
    """
    path = index_of(ledger, process)
    if not path.is_file():
        return None
    with Fulltext(path) as index:
        if not index.fact("counts"):
            return None
        facts = facts_of(index)
        asked = index.asked(_plain(message), print_of(diff) if diff else "")
        worded = consult(asked, index.nearest(asked, count=LOOKED), facts)
    precedents = tuple(sentence(one, facts, longest=_SHORT) for one in worded.precedents)
    return Hint(worded.answer, worded.odds, precedents, _lines(worded, precedents, facts))


def remember(ledger: Path, process: str, trials: Sequence[Heard]) -> None:
    """Put trials into the index that the ledger does not have yet; they give way to the ledger once it has them."""
    told = [
        Remembered(
            one.key, _plain(one.message), one.outcome, one.standard, effect=one.effect, commit=one.commit, print=one.print,
            at=one.at, heard=True,
        )
        for one in trials
    ]  # fmt: skip
    try:  # with the glossary that it was made by: making it anew for another is no hook's affair
        index = Fulltext(index_of(ledger, process))
    except (OSError, ValueError):
        index = open_index(ledger, process)
    with index:
        index.tell(told)


def open_index(ledger: Path, process: str, *, patience: float = 0.25) -> Fulltext:
    """Open the index of a process to write; make it where it is not there or of another form or glossary.

    ``patience`` is how many seconds other writers are waited for.
    """
    return Fulltext(index_of(ledger, process), glossary=glossary_of(ledger), make=True, patience=patience)


def glossary_of(ledger: Path) -> dict[str, str]:
    """Read the project's own words from ``glossary.txt`` beside the ledger: lines of ``word = another way to say it, and one more``."""
    found: dict[str, str] = {}
    path = ledger.parent / "glossary.txt"
    if path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            word, sign, ways = line.partition("#")[0].lower().partition("=")
            if sign:
                found.update((way, " ".join(word.split())) for one in ways.split(",") if (way := " ".join(one.split())))
    return found


def facts_of(index: Fulltext) -> Facts:
    """Return what the index knows of the process itself."""
    kept = index.fact("facts", {})
    counts = index.fact("counts", {})
    decided = sum(counts.get(outcome, 0) for outcome in ("kept", "discarded", "crashed"))
    facts = Facts(**kept)._replace(kept=counts.get("kept", 0), crashed=counts.get("crashed", 0), decided=decided)
    return facts._replace(standard=max(facts.standard, index.lately()))


def tokens(text: str) -> int:
    """Return about how many tokens a language model reads in a text: words and signs, or a fourth of its letters if that is more."""
    return max(len(re.findall(r"\w+|[^\w\s]", text)), -(-len(text) // 4))


def _plain(message: str) -> str:
    """Return a message in one line: its first paragraph, or all of it where that says next to nothing; comments left out."""
    text = "\n".join(line for line in message[:_MESSAGE].splitlines() if not line.startswith("#"))
    first = " ".join(text.strip().split("\n\n", 1)[0].split())
    return first if len(first.split()) > 1 else " ".join(text.split())


def _lines(worded: Worded, precedents: Sequence[str], facts: Facts) -> tuple[str, ...]:
    """Return what is said of it, as many precedents as fit."""
    if not precedents:
        return ()
    said = f"{worded.answer.replace('_', ' ')}: {worded.because}"
    odds = f"odds {worded.odds:.0%} ({worded.basis}); at risk {spend_words(facts)}"
    if worded.answer in ("failed_before", "think_again"):
        odds += "; go, or say what is different"
    lines = [said, odds]
    for more in precedents[1:]:
        if sum(map(tokens, lines)) + tokens(f"also {more}") <= TOKENS:
            lines.insert(-1, f"also {more}")
    return tuple(lines)
