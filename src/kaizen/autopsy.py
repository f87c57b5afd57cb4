"""The autopsy of a foreign record: what was tried again in vain, which keeps may be luck, and what a nod would have saved.

Nothing is configured and nothing is assumed: what a log cannot tell is said so.

    d_j = |a_j - b_j|          where trials a_j and b_j measured one thing twice                                             (1)
    D = (Σ d_j² / n)^½,        or 1.4826 median d_j from five such pairs on: what two readings of one thing differ by        (2)

A keep is a difference of two readings. One below D is as likely luck as not; one below 2 D may well be.
"""

import itertools
import math
import re
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec

from kaizen.foreign import Better, Foreign, Row, Unread
from kaizen.foreign.directions import Direction, direction_of
from kaizen.setting import Setting
from kaizen.veteran.history import Precedent, Step, walk
from kaizen.veteran.likeness import Like
from kaizen.veteran.words import parse

_STRETCH = 8  # rejections in a row that are worth a look at their causes
_ONE_THING = 0.98  # likeness from which on two sentences mean one thing
_NEAR_START = 45  # letters within which a sentence says that it tried_again another
_ROBUST = 5  # pairs from which on one wild one must not count
_AGAIN = re.compile(
    r"\b(re-?(?:run|measure|baseline|evaluat|validat|test)\w*|seed\w*|repeat(?:ed|ing)?|reproduc\w*|sentinel"
    r"|regression[ _]check|noise floor|confirm\w*|a/a|null run)\b",
    re.IGNORECASE,
)
_COMMON = frozenset({
    "this", "that", "with", "from", "have", "does", "into", "than", "then", "they", "their", "there", "which",
    "would", "could", "should", "been", "were", "also", "more", "less", "only", "very", "proposed", "change",
    "changes", "code", "file", "fail", "test", "tests", "required", "necessary", "lacks", "import", "improved",
    "improvement", "regressed", "regression", "worse", "better", "slightly", "steps", "gain", "still", "despite",
    "just", "best", "baseline", "noise", "within", "trial", "model", "loss", "same",
})  # fmt: skip


class TriedAgain(msgspec.Struct, frozen=True, kw_only=True):
    """A trial of an idea that had failed before in the same log."""

    kind: str
    """``exact``: the same idea; ``near``: the same knob the same way, or nearly the same idea."""
    place: int
    """Its place among the rows, from 0."""
    prior: int
    """The place of the one that had failed."""
    since: int
    """How many trials were kept in between: the standard has moved so often."""
    kept: bool
    likeness: float
    knob: str = ""


class Noise(msgspec.Struct, frozen=True, kw_only=True):
    """What two readings of one thing differ by (eq. 2)."""

    differ: float | None
    pairs: tuple[tuple[int, int], ...]
    how: str


class Keep(msgspec.Struct, frozen=True, kw_only=True):
    """A trial that was kept, and its gain over the standard's reading at that moment, above 0 for better."""

    place: int
    gain: float
    standing: float


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Rejections in a row, and what they have in common."""

    first: int
    last: int
    count: int
    failures: tuple[tuple[str, int], ...]
    """What went wrong, by how often."""
    names: tuple[tuple[str, int], ...]
    """What is named in so many of their reasons."""


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """What one answer of the nod would have been about."""

    answer: str
    trials: int
    kept: int
    foretold: float
    """The mean odds that such trials are kept, from public logs."""


class Autopsy(msgspec.Struct, frozen=True, kw_only=True):
    """All that is found out about one record."""

    source: str
    form: str
    metric: str
    better: Better | None
    direction: str
    """How the direction is known."""
    rows: tuple[Row, ...]
    unread: tuple[Unread, ...]
    tried_again: tuple[TriedAgain, ...]
    noise: Noise
    keeps: tuple[Keep, ...]
    stretches: tuple[Stretch, ...]
    remeasured: tuple[int, ...]
    """Places of trials that measured the standard again."""
    nods: tuple[Warned, ...]
    failures: tuple[tuple[str, int], ...]
    """What went wrong in all, by how often."""
    each: float | None
    """Seconds that one trial takes."""
    cost: str
    """How that is known."""
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> Mapping[str, int]:
        """How many trials there are, and what became of them."""
        faults = sum(row.fault is not None and row.fault.reason != "told" for row in self.rows)
        decided = Counter(row.decision for row in self.rows if row.fault is None or row.fault.reason == "told")
        return {"trials": len(self.rows), "kept": decided["kept"], "rejected": decided["rejected"], "crashed": faults,
                "baselines": decided["baseline"], "undecided": decided["undecided"]}  # fmt: skip

    @property
    def decided(self) -> int:
        """How many trials were decided: kept, rejected, or crashed."""
        return self.counts["kept"] + self.counts["rejected"] + self.counts["crashed"]

    @property
    def small(self) -> tuple[Keep, ...]:
        """The keeps below what two readings of one thing differ by."""
        return self._below(1.0)

    @property
    def doubtful(self) -> tuple[Keep, ...]:
        """The keeps below twice that."""
        return self._below(2.0)

    def _below(self, times: float) -> tuple[Keep, ...]:
        differ = self.noise.differ
        return () if differ is None else tuple(keep for keep in self.keeps if keep.gain < times * differ)

    @property
    def saved(self) -> int:
        """How many trials the nod would have warned of."""
        return sum(one.trials for one in self.nods if one.answer != "go")

    @property
    def lost(self) -> int:
        """How many keeps would be lost to obeying it."""
        return sum(one.kept for one in self.nods if one.answer != "go")


def autopsy(
    foreign: Foreign,
    *,
    each: float | None = None,
    better: Better | None = None,
    glossary: Mapping[str, str] | None = None,
) -> Autopsy:
    """Find out what a record tells.

    ``each`` is what one trial takes, in seconds, and ``better`` the direction of its metric: where the record does not say it.
    """
    direction = Direction(better, "as told") if better is not None and foreign.metric else direction_of(foreign)
    steps = walk(foreign.rows, glossary) if foreign.in_words else _by_setting(foreign.rows)
    tried_again = tuple(_tried_again(steps))
    standing = _standing(foreign)
    again = _again(steps, foreign, standing)
    took, cost = (each, "as told") if each is not None else _each(foreign.rows)
    return Autopsy(
        source=foreign.source, form=foreign.form, metric=foreign.metric, better=direction.better, direction=direction.because, rows=foreign.rows,
        unread=foreign.unread, tried_again=tried_again, noise=_noise(steps, foreign, again, standing),
        keeps=tuple(_keeps(foreign, direction.better, standing, set(again))),
        stretches=tuple(_stretches(steps)), remeasured=tuple(again), nods=tuple(_nods(steps)), failures=_failures(steps), each=took, cost=cost,
        notes=foreign.notes,
    )  # fmt: skip


# ── tried again ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _tried_again(steps: Sequence[Step]) -> list[TriedAgain]:
    found = []
    for place, step in enumerate(steps):
        one = step.precedent
        if one is None or measures_again(step.row.words):
            continue
        kept = step.row.decision == "kept" and step.row.fault is None
        found.append(TriedAgain(kind=one.kind, place=place, prior=one.like.place, since=one.since, kept=kept, likeness=one.like.likeness,
                            knob=str(one.like.knob) if one.like.knob is not None else ""))  # fmt: skip
    return found


def _by_setting(rows: Sequence[Row]) -> list[Step]:
    """Walk a record of settings: tried again is the very same one that gave no reading or was rejected."""
    failed: dict[Setting, int] = {}
    steps: list[Step] = []
    kept, kept_by = 0, list[int]()
    for place, row in enumerate(rows):
        prior = failed.get(row.setting)
        found = () if prior is None else (Precedent(Like(prior, 1.0), kept - kept_by[prior], "exact"),)
        steps.append(Step(row, parse(row.words), found))
        kept += row.decision == "kept"
        kept_by.append(kept)
        if row.failed:
            failed[row.setting] = place
    return steps


def _nods(steps: Sequence[Step]) -> list[Warned]:
    found = []
    asked = [step for step in steps if step.row.decision != "baseline"]
    for answer in ("failed_before", "think_again", "go"):
        about = [step for step in asked if (step.nod if not measures_again(step.row.words) else "go") == answer]
        kept = sum(step.row.decision == "kept" and step.row.fault is None for step in about)
        foretold = math.fsum(step.odds for step in about) / len(about) if about else 0.0
        found.append(Warned(answer=answer, trials=len(about), kept=kept, foretold=foretold))
    return found


# ── noise and keeps ───────────────────────────────────────────────────────────────────────────────────────────────────


def _standing(foreign: Foreign) -> list[int | None]:
    """Return, for each trial, the place of the reading that it is compared with: of its parent if it names one, else of the standard."""
    named: dict[str, int] = {}
    found: list[int | None] = []
    last: int | None = None
    for place, row in enumerate(foreign.rows):
        found.append(named.get(row.conditions.get("parent", ""), last))
        if row.fault is not None or foreign.metric not in row.metrics:
            continue
        named.update((row.conditions[name], place) for name in ("id", "name", "experiment") if name in row.conditions)
        if row.decision in ("kept", "baseline"):
            last = place
    return found


def _again(steps: Sequence[Step], foreign: Foreign, standing: Sequence[int | None]) -> dict[int, int]:
    """Return the trials that measured again what an earlier one had measured, and which: the standard, or the named parent."""
    numbered = {
        found[0]: place
        for place, row in enumerate(foreign.rows)
        if (found := re.findall(r"^\d{3,}", row.conditions.get("id", "")))
    }
    again: dict[int, int] = {}
    for place, step in enumerate(steps):
        before = standing[place]
        if before is None or foreign.metric not in step.row.metrics:
            continue
        if step.row.decision != "baseline" and not measures_again(step.row.words):
            continue
        told = [numbered[one] for one in re.findall(r"\b\d{3,}\b", step.row.words[:_NEAR_START]) if one in numbered]
        first = next((one for one in told if one < place and foreign.metric in foreign.rows[one].metrics), before)
        again[place] = first
    return again


def measures_again(said: str) -> bool:
    """Tell whether a sentence begins with another run of the same, or another seed, and turns nothing else before it says so."""
    again = _AGAIN.search(said[:_NEAR_START])
    return again is not None and all("seed" in knob.name for knob in parse(said[: again.end() + 8]).knobs)


def _noise(steps: Sequence[Step], foreign: Foreign, again: Mapping[int, int], standing: Sequence[int | None]) -> Noise:
    """Estimate what two readings of one thing differ by, from whatever was measured twice (eq. 1, 2)."""
    unknown = "cannot be known from this log"
    if not foreign.metric:
        return Noise(differ=None, pairs=(), how=f"{unknown}: it has no numbers")
    told = _measured_twice(steps, foreign, again, standing)
    if not told:
        return Noise(differ=None, pairs=(), how=f"{unknown}: nothing in it was measured twice")
    read = [row.metrics.get(foreign.metric, math.nan) for row in foreign.rows]
    apart = [abs(read[a] - read[b]) for a, b in told]
    differ = differing(apart)
    if differ == 0:
        same = "the very same number: no noise, or one run written twice"
        return Noise(differ=None, pairs=told, how=f"{unknown}: what was measured twice reads {same}")
    few = "a rough figure" if len(apart) < _ROBUST else "the robust middle"
    some = f"{', '.join(f'{b + 1} and {a + 1}' for a, b in told[:3])}{' …' if len(told) > 3 else ''}"
    many = f"{len(apart)} pair{'s' if len(apart) > 1 else ''} of trials"
    return Noise(differ=differ, pairs=told, how=f"{few} of {many} that measured one thing twice ({some})")


def differing(apart: Sequence[float]) -> float:
    """Return what two readings of one thing differ by, from one such difference or more (eq. 2)."""
    root = math.sqrt(math.fsum(d * d for d in apart) / len(apart))
    return (1.4826 * statistics.median(apart) if len(apart) >= _ROBUST else root) or root


def _measured_twice(
    steps: Sequence[Step], foreign: Foreign, again: Mapping[int, int], standing: Sequence[int | None]
) -> tuple[tuple[int, int], ...]:
    """Return pairs of trials of one thing: the standard again, one idea under one standard, one setting; the later first."""
    pairs = set(again.items())
    for place, step in enumerate(steps):
        prior = step.precedents[0].like if step.precedents else None
        if prior is None or prior.likeness <= _ONE_THING or place in again:
            continue
        if standing[place] == standing[prior.place]:
            pairs.add((place, prior.place))
    last: dict[Setting, int] = {}
    for place, row in enumerate(foreign.rows if not foreign.in_words else ()):
        if foreign.metric in row.metrics:
            if row.setting in last:
                pairs.add((place, last[row.setting]))
            last[row.setting] = place
    rows = foreign.rows
    return tuple(pair for pair in sorted(pairs) if all(foreign.metric in rows[place].metrics for place in pair))


def _keeps(foreign: Foreign, better: Better | None, standing: Sequence[int | None], again: set[int]) -> list[Keep]:
    found = []
    for place, row in enumerate(foreign.rows):
        before = standing[place]
        if (
            better is None
            or before is None
            or place in again
            or row.decision != "kept"
            or foreign.metric not in row.metrics
        ):
            continue
        was = foreign.rows[before].metrics[foreign.metric]
        gain = row.metrics[foreign.metric] - was
        found.append(Keep(place=place, gain=(gain if better == "higher" else -gain) + 0.0, standing=was))
    return found


# ── why it failed ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _failures(steps: Sequence[Step]) -> tuple[tuple[str, int], ...]:
    return tuple(Counter(step.words.failure for step in steps if step.row.failed and step.words.failure).most_common())


def _stretches(steps: Sequence[Step]) -> list[Stretch]:
    """Return the long rows of rejections, and what is named in the reasons of at least a fifth of each."""
    found = []
    first: int | None = None
    for place in range(len(steps) + 1):
        if place < len(steps) and steps[place].row.failed:
            first = place if first is None else first
            continue
        if first is not None and place - first >= _STRETCH:
            found.append(_stretch(steps, first, place - 1))
        first = None
    return sorted(found, key=lambda one: -one.count)


def _stretch(steps: Sequence[Step], first: int, last: int) -> Stretch:
    about = steps[first : last + 1]
    least = max(4, len(about) // 5)
    names: Counter[str] = Counter()
    for step in about:
        reason = (
            f"{step.words.came} {step.row.fault.note if step.row.fault is not None and not step.words.came else ''}"
        )
        names.update({word for word in re.findall(r"[a-z][\w.]{3,}", reason.lower()) if word not in _COMMON})
    failures = Counter(step.words.failure for step in about if step.words.failure)
    return Stretch(
        first=first, last=last, count=len(about), failures=tuple((said, n) for said, n in failures.most_common(3) if n >= least),
        names=tuple((name, n) for name, n in names.most_common(3) if n >= least),
    )  # fmt: skip


# ── what it cost ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _each(rows: Sequence[Row]) -> tuple[float | None, str]:
    """Return what one trial takes: as told by the rows, else the middle time from one to the next."""
    took = [row.seconds for row in rows if row.seconds]
    if took:
        return statistics.median(took), f"the middle of {len(took)} times that rows tell"
    moments = [row.at for row in rows if row.at is not None]
    gaps = [b - a for a, b in itertools.pairwise(moments) if b > a]
    whole_days: Callable[[float], bool] = lambda gap: gap % 86_400 == 0  # noqa: E731 - dates alone tell no times
    if len(gaps) >= 3 and not all(map(whole_days, gaps)):
        return statistics.median(gaps), f"the middle time from one row to the next, of {len(gaps)}"
    return None, "the log does not tell what a trial takes"
