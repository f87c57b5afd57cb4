"""How alike two sentences are: by their rare words, their knobs and their numbers.

    s = a cos(u, v) + b max_ij name(i, j) move(i, j) + (1 - a - b) values(u, v)                                               (1)

with u, v weighted by how rare each word is among the sentences seen so far, ``name`` the share of a knob's name that both
have, ``move`` what their directions and values have in common, and ``values`` the share of numbers.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from kaizen.veteran.words import Knob, Words

_CANDIDATES = 200  # sentences that are compared with one; a log of thousands would be compared with itself all night


class Scales(NamedTuple):
    """The constants of likeness (eq. 1), and from where on it means something."""

    words: float = 0.3
    knobs: float = 0.3
    same: float = 0.75
    """From here on: the same idea."""
    near: float = 0.51
    """From here on: the same knob moved the same way, or nearly the same idea."""


SCALES: Final = Scales()


class Like(NamedTuple):
    """An earlier sentence and how like it is."""

    place: int
    likeness: float
    knob: Knob | None = None
    """The asked knob that both turn the same way, if there is one."""


class Sentences:
    """Sentences seen so far, to be asked for the likest; words that few of them have count more."""

    def __init__(self, scales: Scales = SCALES) -> None:
        """Begin with none."""
        self.scales = scales
        self.seen: list[Words] = []
        self._had: Counter[str] = Counter()
        self._by_term: dict[str, list[int]] = {}
        self._rarity: dict[str, float] = {}  # as of now: forgotten with the next sentence

    def add(self, words: Words) -> None:
        """Take in one more."""
        for term in words.terms:
            self._by_term.setdefault(term, []).append(len(self.seen))
        self._had.update(words.terms.keys())
        self._rarity.clear()
        self.seen.append(words)

    def ask(self, words: Words, among: AbstractSet[int] | None = None, count: int = 3) -> list[Like]:
        """Return the likest sentences, likest first, the later one of equals; ``among`` limits the places looked at."""
        places = self._candidates(words, among)
        found = [Like(place, *likeness(words, self.seen[place], self._rarity_of, self.scales)) for place in places]
        return sorted(found, key=lambda like: (-like.likeness, -like.place))[:count]

    def _candidates(self, words: Words, among: AbstractSet[int] | None) -> set[int]:
        """Return the places that share a word, those of the rarest words first, the latest first, at most so many."""
        found: set[int] = set()
        for term in sorted(words.terms, key=lambda term: self._had[term]):
            for place in reversed(self._by_term.get(term, ())):
                if len(found) >= _CANDIDATES:
                    return found
                if among is None or place in among:
                    found.add(place)
        return found

    def _rarity_of(self, term: str) -> float:
        found = self._rarity.get(term)
        if found is None:
            found = self._rarity[term] = rarity(len(self.seen), self._had[term])
        return found


def rarity(seen: int, had: int) -> float:
    """Return how rare a word is that ``had`` of the sentences ``seen`` have.  idf = ln(1 + (n - d + 1/2) / (d + 1/2))."""
    had = max(1, had)
    return math.log(1.0 + (seen + 1 - had + 0.5) / (had + 0.5))


def likeness(
    asked: Words, told: Words, rarity_of: Callable[[str], float], scales: Scales = SCALES
) -> tuple[float, Knob | None]:
    """Return how alike two sentences are (eq. 1), and the asked knob that both turn the same way, if there is one."""
    mine = {term: weight * rarity_of(term) for term, weight in asked.terms.items()}
    theirs = {term: weight * rarity_of(term) for term, weight in told.terms.items()}
    dot = sum(weight * theirs.get(term, 0.0) for term, weight in mine.items())
    lengths = math.sqrt(sum(w * w for w in mine.values()) * sum(w * w for w in theirs.values()))
    cosine = dot / lengths if lengths > 0 else 0.0
    knob, moved = _knobs_alike(asked.knobs, told.knobs)
    either = asked.numbers | told.numbers
    values = len(asked.numbers & told.numbers) / len(either) if either else cosine
    a, b = scales.words, scales.knobs
    turned = moved if asked.knobs and told.knobs else cosine
    return max(0.0, a * cosine + b * turned + (1.0 - a - b) * values), knob  # (eq. 1)


def kind_of(alike: float, scales: Scales = SCALES) -> str:
    """Return what likeness means: ``exact``, the same idea; ``near``, the same knob the same way, or nearly so; ``fresh``."""
    return "exact" if alike >= scales.same else "near" if alike >= scales.near else "fresh"


def _knobs_alike(asked: Sequence[Knob], told: Sequence[Knob]) -> tuple[Knob | None, float]:
    """Return the asked knob that both turn the same way, and how alike the knobs are (below 0: the other way)."""
    most, same = 0.0, None
    against = 0.0
    for mine in asked:
        for other in told:
            name = _share(mine.name, other.name)
            if name <= 0.34:
                continue
            move = _move(mine, other)
            if name * move > most:
                most = name * move
                same = mine if mine.direction == other.direction != 0 and name >= 0.5 else None
            against = min(against, name * move)
    return same, most if most > 0 else against


def _move(mine: Knob, other: Knob) -> float:
    """Return what two moves of one knob have in common: 1 the very same, 0.7 the same way, -0.5 the other way."""
    alike = mine.after is not None and mine.after == other.after
    if mine.direction and other.direction and mine.direction != other.direction:
        return -0.5
    if alike:
        return 1.0
    if mine.after is None and other.after is None:
        return 0.9
    return 0.7 if mine.direction == other.direction != 0 else 0.5


def _share(mine: Sequence[str], other: Sequence[str]) -> float:
    """Return the share of words that two names have in common."""
    a, b = set(mine), set(other)
    return len(a & b) / len(a | b)
