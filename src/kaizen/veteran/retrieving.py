"""Trials that are remembered by their words and their code, and the port to whatever finds those that are like an increment.

``likeness.Sentences`` is the readable twin of every retriever: of the same trials, both find the same ones nearest.
"""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, Protocol

from kaizen.veteran import prints
from kaizen.veteran.likeness import SCALES, Scales
from kaizen.veteran.words import Knob, Words

Came = Literal["open", "kept", "discarded", "crashed", "undecided", "baseline"]
"""What became of a trial; nobody has decided on an undecided one, and a baseline only measures the standard."""
FAILED: Final = ("discarded", "crashed")


class Remembered(NamedTuple):
    """One trial, as it is remembered."""

    key: str
    """Its name within its process: ``trial 12``, ``run 7``; told again under the same key, it is updated."""
    said: str
    """The raw sentence."""
    outcome: Came
    standard: int
    """The number of the standard that it was compared with."""
    effect: float | None = None
    """In units of gain of the metric that decides: above 0 is better."""
    came: str = ""
    """What came of it in words, where a verdict or a fault says it."""
    grade: str = ""
    """How good the evidence is (see ``grades.Grade``); empty where only the noise can tell."""
    commit: str = ""
    print: str = ""
    """Fingerprint of its diff (see ``prints``)."""
    files: tuple[str, ...] = ()
    failure: str = ""
    """What went wrong, in a word or two."""
    at: int = 0
    """When, in µs since 1970."""
    heard: bool = False
    """Whether somebody told of it whom the ledger has not heard yet."""


class Asked(NamedTuple):
    """What is asked: an increment in words, in code, or in both."""

    words: Words
    print: str = ""


class Match(NamedTuple):
    """A remembered trial, and how like what was asked it is."""

    trial: Remembered
    words: Words
    """Its sentence, parted."""
    likeness: float
    """By words or by code, whichever says more."""
    knob: Knob | None = None
    """The asked knob that both turn the same way, if there is one."""
    code: float = 0.0
    """How much of the two diffs is in common."""
    place: int = 0
    """In which order trials were first told."""


class Retriever(Protocol):
    """Finds what is like an increment among all that it was told of one process; disposable, and never truth."""

    def tell(self, trials: Sequence[Remembered]) -> None:
        """Take in trials; one told again under the same key is updated."""
        ...

    def nearest(self, asked: Asked, *, among: Sequence[str] = (), count: int = 3) -> Sequence[Match]:
        """Return the likest trials, likest first, the later one of equals; ``among`` limits what became of them."""
        ...


class Facts(NamedTuple):
    """What a nod on words must know of a process besides the trials."""

    standard: int = 1
    """Today's."""
    noise: float | None = None
    """What two readings of one thing differ by, in units of gain; ``None`` where it is not known."""
    metric: str = ""
    """The one that decides."""
    higher: bool = False
    """Whether more of it is better."""
    ratio: bool = False
    """Whether its gains are logarithms of ratios."""
    unit: str = ""
    runs: int = 1
    """What one trial takes: runs, seconds, money."""
    seconds: float = 0.0
    money: float = 0.0
    kept: int = 0
    """How many trials were kept, how many crashed, and how many were decided in all."""
    crashed: int = 0
    decided: int = 0


def by_code(code: float, scales: Scales = SCALES) -> float:
    """Return the likeness that a share of two diffs in common amounts to: the same where they make the same change."""
    if code < prints.NEAR:
        return 0.0
    if code < prints.SAME:
        return scales.near + (code - prints.NEAR) / (prints.SAME - prints.NEAR) * (scales.same - scales.near)
    return scales.same + (code - prints.SAME) / (1.0 - prints.SAME) * (1.0 - scales.same)
