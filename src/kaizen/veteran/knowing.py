"""What the veteran knows of a process: how much it has seen, what it has learned of that, and whose word it has."""

from collections.abc import Sequence

import msgspec

from kaizen.journal import Head, History
from kaizen.veteran.calibration import Calibration, calibration, outcomes
from kaizen.veteran.elsewhere import spelled
from kaizen.veteran.lessons import Read
from kaizen.veteran.recall import Recall
from kaizen.veteran.scope import Held, carries
from kaizen.veteran.testimony import Track
from kaizen.voice import Testimony


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """A testimony and its record."""

    testimony: Testimony
    track: Track


class Knowledge(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of one process, and beside it."""

    process: str
    runs: int
    faults: int
    trials: int
    """Those that came to an end of their own."""
    better: int
    within_noise: int
    not_counted: int
    """Trials whose lesson was retracted, or whose standard was rolled back."""
    lessons: int
    elsewhere: dict[str, int] = {}
    """Other processes that share parameters, with how many of this one's they know."""
    trust: dict[str, float] = {}
    """By other process: what its past counts here, learned from how it would have foretold this one's runs."""
    discounts: dict[str, float] = {}
    """What evidence is worth that is not quite about the question, as learned so far."""
    scope: tuple[Held, ...] = ()
    """For which conditions, pairs of their values and parameters what was learned carries over, as learned so far."""
    left_out: tuple[str, ...] = ()
    """Sentences: what is attached as memory and cannot be read now."""
    packs: tuple[str, ...] = ()
    """Sentences: which packs are asked, and how much what they say counts."""
    words: tuple[Word, ...] = ()
    calibration: Calibration

    def lines(self) -> list[str]:
        """Say it, a sentence a line."""
        trials = f"{self.better} better, {self.within_noise} within noise, {self.not_counted} no longer counted"
        runs, ended = (
            f"{count} {one}{'' if count == 1 else 's'}" for count, one in ((self.runs, "run"), (self.trials, "trial"))
        )
        seen = f"{runs}, {self.faults} of them faults; {ended} came to an end: {trials}"
        said = [f"{self.process}: {seen}; {self.lessons} lesson{' holds' if self.lessons == 1 else 's hold'}"]
        said += [
            f"beside it: {spelled(name)}, which knows {common} of its parameters"
            + (f"; what happened there counts {self.trust[name]:.2g}" if name in self.trust else "")
            for name, common in self.elsewhere.items()
        ]
        said += self.packs
        said += [f"{_WORDS[name]} counts {worth:.2g}" for name, worth in self.discounts.items()]
        said += [str(one) for one in self.scope if one.told]
        said += [f"{one.testimony.by} says: {one.testimony.text} ({one.track})" for one in self.words]
        said += self.left_out
        return said


def know(recall: Recall, head: Head, history: History) -> Knowledge:
    """Return what is known of a process."""
    kept = None
    if recall.processes():
        kept = recall.of(head.process.name, empty=True)
    lessons = sum(not lesson.retracted for lesson in history.lessons())
    if kept is None:
        words = tuple(Word(testimony=one, track=Track()) for one in head.taught)
        return Knowledge(process=head.process.name, runs=0, faults=0, trials=0, better=0, within_noise=0, not_counted=0,
                         lessons=lessons, words=words, calibration=Calibration(nods=0))  # fmt: skip
    from kaizen.veteran.asking import shared, words_seen
    from kaizen.veteran.grades import is_better
    from kaizen.veteran.learning import learned
    from kaizen.veteran.past import FAULTED
    from kaizen.veteran.testimony import track

    trials, (weights, trust, scope) = kept.trials, learned(recall, kept)
    others = ((name, recall.of(name)) for name in recall.processes() if name != head.process.name)
    elsewhere = {name: len(shared(kept, other)) for name, other in others if other is not None}
    seen = words_seen(kept, history) if head.taught else ()
    return Knowledge(
        process=head.process.name,
        runs=kept.past.count,
        faults=int((kept.past.field("became") == FAULTED).sum()),
        trials=trials.size,
        better=sum(map(is_better, trials.tests)),
        within_noise=trials.grades.count("within noise"),
        not_counted=trials.grades.count("invalid") + trials.grades.count("reopened"),
        lessons=lessons,
        elsewhere={name: count for name, count in elsewhere.items() if count},
        discounts={name: getattr(weights, name) for name in _WORDS},
        scope=scope.held,
        trust={name: weights.other * times for name, times in trust.items()},
        words=tuple(Word(testimony=one, track=track(one, head.process, seen)) for one in head.taught),
        calibration=calibration(outcomes(recall)),
    )


def scopes(recall: Recall, process: str, reads: Sequence[Read]) -> dict[int, tuple[str, ...]]:
    """Return where lessons hold, by number, as far as outcomes have taught it."""
    kept = recall.of(process) if reads else None
    if kept is None:
        return {}
    from kaizen.veteran.learning import learned

    scope = learned(recall, kept).scope
    every = kept.past.conditions
    names = sorted({name for texts in every for name in texts})
    seen = {name: sorted({texts[name] for texts in every if name in texts}) for name in names}
    about = {one.name: str(one) for one in scope.held if one.kind == "parameter" and one.told}
    found = {}
    for one in reads:
        if one.lesson.trial is not None and scope.held:
            then = every[kept.conditions_of(one.lesson.trial)]
            named = (about[name] for name in one.parameters if name in about)
            found[one.lesson.id] = (*carries(scope, then, seen), *named)
    return found


_WORDS = {
    "moved": "what failed before the standard moved",
    "knob": "what failed with the same change in another combination",
    "conditions": "what happened under other conditions",
    "other": "what happened in a process that is not known to be alike",
}
