"""Reports: one process's story, told as text, as a page, or as tables."""

from collections.abc import Mapping, Sequence

import msgspec

from kaizen.explanation import Explanation
from kaizen.journal import Head, Kept, Tested, Tried
from kaizen.plan import Candidate, Noise
from kaizen.reports.budget import Budget
from kaizen.reports.promises import Promise, Watched, promises
from kaizen.safety import Realised, planned, realised
from kaizen.verdict import Lesson
from kaizen.veteran.carrying import Carried
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
    budget: Budget | None
    """What is left of the error budget; ``None`` where all metrics are exact."""
    next: str
    """What would be tried next."""
    carried: Sequence[Carried] = ()
    """What related processes have proven and this one has not."""
    watches: Sequence[Watched] = ()
    since: Mapping[int, Sequence[str]] = {}
    """Sentences, by the number of a declared standard: what was proven of it since."""
    voices: Sequence[Voice] = ()
    andons: Sequence[Andon] = ()
    """Every pull of the cord, the cleared ones, too."""
    at: int = 0
    """When it was told, in µs since 1970."""
    explanation: Explanation | None = None
    """What a model believes drives the metrics, if it was asked for and can be said."""
    unexplained: str = ""
    """Sentence: why there is no explanation; empty where nobody asked."""

    @property
    def promises(self) -> list[Promise]:
        """What adopted standards promised over the one before, and what their fresh pairs deliver."""
        return promises(self.head, self.standards, self.trials, self.watches)

    @property
    def realised(self) -> Realised:
        """How often what planners ran broke a guard or faulted."""
        process = self.head.process
        return realised(process, planned(process, self.runs, self.trials, self.standards))

    @property
    def risk(self) -> str:
        """Sentence: the realised rate; empty where nothing limits it."""
        process, told = self.head.process, self.realised
        return str(told) if told.runs and (process.guards or process.policy.risk is not None) else ""
