"""What people know without data: how far a testimony speaks of an increment, and how often it was right.

A testimony speaks of a region: where its constraint does not hold, worse readings or faults are expected; near its values, good
ones. It weighs as much as its own record carries,

    ρ = (right + 2 c) / (right + wrong + 2),   weight = 8 max(0, 2 ρ - 1)                                              (1)

with c its confidence and every run of its region since then or before, right or wrong: of .9 it begins with less than half
of one failed trial, and two runs that contradict it leave nothing.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from kaizen.constraint import holds
from kaizen.errors import Mistake
from kaizen.journal import Tried
from kaizen.parameter import Real, Whole
from kaizen.process import Process
from kaizen.setting import Setting
from kaizen.standard import Increment
from kaizen.voice import Testimony

CONFIDENCE: Final = 0.8
"""Where nobody says how sure they are."""
_WEIGHT, _PRIOR = 8.0, 2.0
_HOPE = 0.125  # what a place to start from weighs, in parts of a warning: near what is good, little is proven better
_NEAR = 0.1  # of a range: what is near


class Track(msgspec.Struct, frozen=True, kw_only=True):
    """How often a testimony was right, by the runs that it speaks of; a doubtful run is a part of each."""

    right: float = 0.0
    wrong: float = 0.0

    def __str__(self) -> str:
        """Return ``right 3, wrong 1 so far``: in so many runs."""
        return f"right {self.right:.3g}, wrong {self.wrong:.3g} so far"


class Heard(NamedTuple):
    """A testimony that speaks of an increment."""

    testimony: Testimony
    track: Track
    pro: float
    """What it adds for *better*, in the weights of the odds."""
    con: float

    def __str__(self) -> str:
        """Return whose word it is, and its record."""
        return f"{self.testimony.by} says: {self.testimony.text} ({self.track})"


class Seen(NamedTuple):
    """A run, and what it was beside its standard: chances, 0 to 1."""

    run: Tried
    better: float
    worse: float


def hear(testimony: Testimony, process: Process, increment: Increment, seen: Sequence[Seen]) -> Heard | None:
    """Return what a testimony has to say of an increment; ``None`` where it is silent."""
    share = speaks(testimony, process, increment)
    if share == 0:
        return None
    record = track(testimony, process, seen)
    weight = weigh_word(testimony, record) * abs(share)
    return Heard(testimony, record, weight if share > 0 else 0.0, weight if share < 0 else 0.0)


def weigh_word(testimony: Testimony, record: Track) -> float:
    """Return how much a testimony weighs in the odds (eq. 1)."""
    sure = CONFIDENCE if testimony.confidence is None else testimony.confidence
    trust = (record.right + _PRIOR * sure) / (record.right + record.wrong + _PRIOR)
    return _WEIGHT * max(0.0, 2.0 * trust - 1.0)


def speaks(testimony: Testimony, process: Process, increment: Increment) -> float:
    """Return how far a testimony speaks for an increment (above 0), or against it (to -1); 0 where it says nothing of it.

    It says nothing where the standard itself lies in the region.
    """
    if testimony.that:
        return -1.0 if keeps(testimony, increment.before) and not keeps(testimony, increment.after) else 0.0
    if not testimony.near:
        return 0.0
    before, after = (away(testimony, process, setting) for setting in (increment.before, increment.after))
    return _HOPE * (before - after) / max(before, after) if before != after else 0.0


def keeps(testimony: Testimony, setting: Setting) -> bool:
    """Tell whether a setting keeps what the testimony asks for; one for which that cannot be computed does."""
    try:
        return holds(testimony.that, setting)
    except Mistake:
        return True


def away(testimony: Testimony, process: Process, setting: Setting) -> float:
    """Return how far a setting is from the values of a testimony, in ranges."""
    total = 0.0
    for parameter in process.parameters:
        name = parameter.name
        if name not in testimony.near:
            continue
        if name in setting and isinstance(parameter, Real | Whole):
            total += (_place(parameter, setting[name]) - _place(parameter, testimony.near[name])) ** 2
        else:
            total += float(setting.get(name) != testimony.near[name])
    return math.sqrt(total)


def _place(parameter: Real | Whole, value: object) -> float:
    try:
        return float(parameter.place(value))
    except (ValueError, ArithmeticError):  # an amendment has left it outside the range
        return 0.5


def track(testimony: Testimony, process: Process, seen: Sequence[Seen]) -> Track:
    """Return how often a testimony was right, by runs that it speaks of."""
    right = wrong = 0.0
    for run, better, worse in seen:
        if testimony.that and not keeps(testimony, run.setting):
            right, wrong = right + worse, wrong + 1.0 - worse
        elif testimony.near and away(testimony, process, run.setting) <= _NEAR:
            right, wrong = right + better, wrong + worse
    return Track(right=right, wrong=wrong)
