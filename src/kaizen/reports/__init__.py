"""Reports: one process's story, told as text, as a page, or as tables."""

from collections.abc import Sequence

import msgspec

from kaizen.journal import Head, Kept, Tested, Tried
from kaizen.plan import Candidate, Noise
from kaizen.verdict import Lesson
from kaizen.voice import Andon, Voice


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """All that a report may tell of one process; reports read nothing else."""

    head: Head
    standards: Sequence[Kept]
    trials: Sequence[Tested]
    runs: Sequence[Tried]
    lessons: Sequence[Lesson]
    """All lessons, retracted ones, too."""
    recommended: Sequence[Candidate]
    """Scouted settings that may well be better than today's standard: recommended, not proven."""
    noise: dict[str, Noise]
    outlook: Sequence[str]
    """Sentences: what proof will take."""
    budget: str
    """Sentence: what is left of the error budget."""
    next: str
    """What would be tried next."""
    voices: Sequence[Voice] = ()
    andons: Sequence[Andon] = ()
    """Every pull of the cord, the cleared ones, too."""
    at: int = 0
    """When it was told, in µs since 1970."""
