"""The nod on an increment in words or code: from what is like it, to an answer with its precedents, odds and reasons.

A failure speaks of the standard that it was compared with, of steps as long as its own, and only where it was more than noise;
a crash is no noise. The odds are those of public logs: a repeat with nothing kept since, after one or two keeps, or after more.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from kaizen.veteran.likeness import SCALES, Scales, kind_of
from kaizen.veteran.prints import SAME
from kaizen.veteran.rates import Base, base_of, repeats
from kaizen.veteran.retrieving import FAILED, Asked, Facts, Match, Remembered
from kaizen.veteran.words import Words

LOOKED: Final = 12
"""How many of the likest trials are looked at; three of them are named."""
_NAMED = 3
_WHOLE = 40  # digits of a hash that nobody reads
_DOUBTFUL = ("within noise", "invalid", "reopened")


class Told(NamedTuple):
    """One trial that is like the increment, and what it says of it."""

    match: Match
    kind: str
    """``exact``: the same idea; ``near``: the same knob the same way, or nearly the same idea."""
    grade: str
    """``replicated``, ``one run``, ``within noise`` (not a failure), ``reopened`` or ``invalid`` (neither counts)."""
    since: int
    """By how many standards today's is farther."""
    times: int
    """How often the very same was tried, as far as was looked."""
    shorter: bool
    """Whether the asked step is shorter than the one that failed: an interval that was not tested."""

    @property
    def trial(self) -> Remembered:
        """The trial itself."""
        return self.match.trial

    @property
    def failed(self) -> bool:
        """Whether it was tried in vain, by more than noise."""
        return self.trial.outcome in FAILED and self.grade not in _DOUBTFUL

    @property
    def warns(self) -> bool:
        """Whether it speaks against this increment, today."""
        return self.failed and self.since == 0 and not self.shorter


class Worded(NamedTuple):
    """The answer, and all that it rests on."""

    answer: str
    because: str
    odds: float
    """The chance that it is kept."""
    basis: str
    """How such odds are known."""
    faults: float
    precedents: tuple[Told, ...]
    """At most three, the one that says most first."""


def consult(asked: Asked, matches: Sequence[Match], facts: Facts, scales: Scales = SCALES) -> Worded:
    """Answer on what is asked, from the likest trials, likest first."""
    told = _told(asked, matches, facts, scales)
    base = base_of((facts.kept, facts.decided), (0, 0), (facts.crashed, facts.decided))
    exact = [one for one in told if one.kind == "exact"]
    latest = max(exact, key=lambda one: one.match.place, default=None)
    if latest is not None and not latest.shorter:
        return _on_the_same(latest, told, base, facts)
    against = next((one for one in told if one.warns), None)
    if against is not None:
        what = "the same knob the same way" if against.match.knob is not None else "nearly the same"
        return _answer("think_again", f"{what} failed: {sentence(against, facts)}", against, told, base)
    shorter = next((one for one in told if one.failed and one.shorter and one.since == 0), None)
    if shorter is not None:
        because = f"a longer step failed, which says nothing of this one: {sentence(shorter, facts)}"
        return _answer("go", because, None, told, base, first=shorter)
    failed = next((one for one in told if one.failed), None)
    if failed is not None:
        because = f"the standard has changed since something like it failed: {sentence(failed, facts)}"
        return _answer("go", because, failed, told, base)
    because = f"something like it was tried: {sentence(told[0], facts)}" if told else "nothing like it is remembered"
    return _answer("go", because, None, told, base, first=told[0] if told else None)


def _on_the_same(latest: Told, told: Sequence[Told], base: Base, facts: Facts) -> Worded:
    """Answer where the very same idea was tried: what came of it the last time decides."""
    said = sentence(latest, facts)
    match latest.trial.outcome:
        case "open":
            return _answer("in_flight", f"it is being tried now: {said}", None, told, base, first=latest)
        case "kept" if latest.grade != "reopened":
            return _answer("worked_before", said, None, told, base, first=latest)
    if not latest.failed:
        why = {"within noise": "within noise, which is not a failure", "reopened": "its standard was rolled back since"}
        because = f"{why.get(latest.grade, 'its evidence no longer counts')}: {said}"
        return _answer("go", because, None, told, base, first=latest)
    if latest.since:
        return _answer("go", f"the standard has changed since it failed: {said}", latest, told, base)
    return _answer("failed_before", said, latest, told, base)


def _answer(
    answer: str, because: str, by: Told | None, told: Sequence[Told], base: Base, *, first: Told | None = None
) -> Worded:
    """Return the answer with the odds of whatever repeats ``by``; of a fresh idea where that is nothing."""
    lead = by or first
    named = tuple(sorted(told, key=lambda one: one is not lead))[:_NAMED]
    if by is None:
        return Worded(answer, because, base.better, "as often as ideas are kept here", base.faults, named)
    won, of = repeats(by.kind, by.since)
    basis = f"{won} of {of} such repeats were kept in public logs"
    return Worded(answer, because, won / of, basis, base.faults, named)


def _told(asked: Asked, matches: Sequence[Match], facts: Facts, scales: Scales) -> list[Told]:
    """Return what is like the increment and was decided or is open; of those that say the very same thing, the latest."""
    like = [
        match
        for match in matches
        if match.trial.outcome not in ("undecided", "baseline") and kind_of(match.likeness, scales) != "fresh"
    ]
    groups: dict[tuple[object, ...], list[Match]] = {}
    for match in like:
        groups.setdefault((match.trial.outcome, _says(match.words)), []).append(match)
    found = []
    for same in groups.values():
        last = max(same, key=lambda match: match.place)
        found.append(
            Told(
                last,
                kind_of(last.likeness, scales),
                grade_of(last.trial, facts, times=len(same)),
                max(0, facts.standard - last.trial.standard),
                len(same),
                _shorter(asked.words, last.words),
            )
        )
    return sorted(found, key=lambda one: -one.match.likeness)


def _says(words: Words) -> tuple[object, ...]:
    """Return what two sentences share that say the very same thing."""
    return frozenset(words.terms), frozenset(words.knobs), words.numbers


def grade_of(trial: Remembered, facts: Facts, *, times: int = 1) -> str:
    """Return how good the evidence of a trial is; where no verdict says it, by the noise of the log."""
    if trial.grade:
        return trial.grade
    if trial.outcome != "crashed" and _times_noise(trial, facts) < 1.0:
        return "within noise"
    return "replicated" if times > 1 else "one run"


def _times_noise(trial: Remembered, facts: Facts) -> float:
    """Return how many times what two readings differ by an effect is; infinite where either is not known."""
    if trial.effect is None or not facts.noise:
        return math.inf
    return abs(trial.effect) / facts.noise


def _shorter(asked: Words, told: Words) -> bool:
    """Tell whether the asked step goes less far than the told one, in every knob that both turn the same way to a number."""
    shared = [
        (mine, theirs)
        for mine in asked.knobs
        for theirs in told.knobs
        if mine.name == theirs.name and mine.direction == theirs.direction != 0
    ]
    steps = [
        (mine.after, theirs.after, mine.direction)
        for mine, theirs in shared
        if isinstance(mine.after, float) and isinstance(theirs.after, float)
    ]
    return bool(steps) and len(steps) == len(shared) and all((after - to) * way < 0 for after, to, way in steps)


# ── in words ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def sentence(told: Told, facts: Facts, *, longest: int = 90) -> str:
    """Say what was tried, what came of it, how sure that is, and whether the standard is still the same."""
    return f"{happened(told, facts, longest=longest)} ({'; '.join((*sureness(told), *differences(told)))})".replace(
        " ()", ""
    )


def happened(told: Told, facts: Facts, *, longest: int = 90) -> str:
    """Say what was tried and what came of it."""
    trial = told.trial
    said = " ".join(trial.said.split())
    said = said if len(said) <= longest else f"{said[: longest - 1].rstrip()}…"
    short = trial.commit[:7] if trial.heard or len(trial.commit) < _WHOLE else ""
    short = short if short.strip("0") else ""  # loops write zeros where nothing was committed
    named = short if trial.heard and short else f"{trial.key} ({short})" if short else trial.key
    return f"{named} “{said}”{_came(told, facts)}"


def sureness(told: Told) -> tuple[str, ...]:
    """Return the grade, where there is something to be sure of."""
    return (told.grade,) if told.trial.outcome in FAILED or told.grade in _DOUBTFUL else ()


def differences(told: Told) -> tuple[str, ...]:
    """Return what else is to be known of it: how often it was tried, by what it is like, whether the standard has moved."""
    found = [f"{told.times}×"] if told.times > 1 else []
    found += ["the same change of code"] if told.match.code >= SAME else []
    if told.trial.outcome != "open":
        found.append(f"{told.since} standard{'' if told.since == 1 else 's'} since" if told.since else "same standard")
    return tuple(found)


def _came(told: Told, facts: Facts) -> str:
    trial = told.trial
    if trial.outcome == "open":
        return ""
    if trial.came:
        return f" — {trial.came}"
    verb = {"kept": "was kept", "discarded": "was discarded", "crashed": "crashed"}[trial.outcome]
    why = told.match.words.failure if trial.outcome in FAILED else ""
    why = effect_words(trial, facts) if trial.outcome != "crashed" and trial.effect is not None else why
    return f" {verb}: {why}" if why else f" {verb}"


def effect_words(trial: Remembered, facts: Facts) -> str:
    """Return ``val_bpb worse by 0.17 %, 2.4 × noise``; nothing where no effect is known."""
    if trial.effect is None:
        return ""
    gain = abs(trial.effect)
    down = (trial.effect > 0) != facts.higher  # which way the reading went
    share = 100 * abs(math.expm1(-gain if down else gain))
    amount = f"{share:.2g} %" if facts.ratio else f"{gain:.3g} {facts.unit}".rstrip()
    way = "better" if trial.effect > 0 else "worse"
    times = _times_noise(trial, facts)
    noise = f", {times:.2g} × noise" if math.isfinite(times) else ""
    return f"{facts.metric} {way} by {amount}{noise}".lstrip()


def spend_words(facts: Facts) -> str:
    """Say what a trial puts at risk."""
    told = [f"{facts.runs} run{'' if facts.runs == 1 else 's'}"]
    told += [f"{facts.seconds:.3g} s"] if facts.seconds else []
    told += [f"{facts.money:.3g} money"] if facts.money else []
    return ", ".join(told)
