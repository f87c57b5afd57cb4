"""A log of trials walked from its beginning, as whoever kept it could have seen it: precedents among what failed before.

Nothing later is looked at. A knob that a sentence sets without telling from where stands where the last kept trial left it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from kaizen.foreign import Row
from kaizen.veteran.likeness import SCALES, Like, Scales, Sentences, kind_of
from kaizen.veteran.rates import repeats
from kaizen.veteran.words import Bit, Words, parse, settled


class Precedent(NamedTuple):
    """A trial that had failed, and how much has changed since."""

    like: Like
    since: int
    """How many trials were kept since it failed."""
    kind: str
    """``exact``: the same idea; ``near``: the same knob the same way, or nearly the same idea; ``fresh``: neither."""


class Step(NamedTuple):
    """One trial, and what a reader of the log so far could have known of it."""

    row: Row
    words: Words
    precedents: tuple[Precedent, ...]
    """The likest trials that had failed by then, likest first."""

    @property
    def precedent(self) -> Precedent | None:
        """The one to be named: of the same idea if there is one, else near; the latest of equals."""
        for kind in ("exact", "near"):
            found = [one for one in self.precedents if one.kind == kind]
            if found:
                return max(found, key=lambda one: one.like.place)
        return None

    @property
    def kind(self) -> str:
        """How it stands to what had failed."""
        return self.precedent.kind if self.precedent is not None else "fresh"

    @property
    def odds(self) -> float:
        """The odds that it is kept, as public logs have them."""
        since = 0 if self.precedent is None else self.precedent.since
        won, of = repeats(self.kind, since)
        return won / of

    @property
    def nod(self) -> str:
        """What the nod would have been: a failure speaks of the standard that it was compared with."""
        fresh = {one.kind for one in self.precedents if one.since == 0}
        return "failed_before" if "exact" in fresh else "think_again" if "near" in fresh else "go"


def walk(
    rows: Iterable[Row], glossary: Mapping[str, str] | None = None, scales: Scales = SCALES, count: int = 5
) -> Sequence[Step]:
    """Return each trial with its precedents among the ``rows`` before it."""
    sentences = Sentences(scales)
    standing: dict[tuple[str, ...], Bit] = {}
    failed: set[int] = set()
    kept_by: list[int] = []
    steps = []
    kept = 0
    for place, row in enumerate(rows):
        words = settled(parse(row.words, glossary), standing)
        asked = row.decision != "baseline" and bool(words.terms)
        likes = sentences.ask(words, failed, count) if asked and failed else ()
        precedents = tuple(
            Precedent(like, kept - kept_by[like.place], kind_of(like.likeness, scales)) for like in likes
        )
        steps.append(Step(row, words, precedents))
        sentences.add(words)
        _turn(standing, row, words)
        kept += row.decision == "kept" and row.fault is None
        kept_by.append(kept)
        if row.failed:
            failed.add(place)
    return steps


def _turn(standing: dict[tuple[str, ...], Bit], row: Row, words: Words) -> None:
    """Note where knobs stand after a trial."""
    for knob in words.knobs:
        if row.decision in ("kept", "baseline") and row.fault is None and knob.after is not None:
            standing[knob.name] = knob.after
        elif knob.before is not None:
            standing.setdefault(knob.name, knob.before)
