"""What each tool answers: flat, typed, published as the tool's output schema; what is empty is left out."""

from typing import Annotated

import msgspec

from kaizen.setting import Value

_Says = msgspec.Meta

NextCursor = Annotated[str, _Says(description="Give it as cursor for the next page; absent on the last.")]
Followed = Annotated[tuple[str, ...], _Says(description="What followed: verdicts, adoptions, lessons.")]


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a tool answers."""


class Sibling(Reply, frozen=True, kw_only=True):
    """An idea in flight."""

    idea: Annotated[str, _Says(description="trial N or proposal N")]
    changes: str
    words: str = ""
    because: str = ""
    by: str
    stands: str


Siblings = Annotated[tuple[Sibling, ...], _Says(description="Other ideas in flight: do not test the same thing twice.")]
More = Annotated[int, _Says(description="So many more are in flight: kaizen_show.")]


class Precedent(Reply, frozen=True, kw_only=True):
    """Something like it that was tried."""

    said: str
    grade: Annotated[
        str, _Says(description="'within noise' is no failure; 'reopened' and 'invalid' count for nothing.")
    ]
    process: str
    trial: int | None = None
    run: int | None = None
    then: Annotated[int, _Says(description="The standard it was compared with.")]
    now: int
    differs: tuple[str, ...] = ()


class Nodded(Reply, frozen=True, kw_only=True):
    """For ``kaizen_consult``."""

    answer: Annotated[
        str, _Says(description="go, think_again, failed_before, in_flight or worked_before; it never blocks.")
    ]
    because: str
    precedents: tuple[Precedent, ...] = ()
    exceptions: Annotated[tuple[str, ...], _Says(description="Where it was better after it had failed.")] = ()
    odds_better: float | None = None
    odds_fault: float | None = None
    calibrated: Annotated[bool, _Says(description="Whether such odds are known to hold.")] = False
    expected: str = ""
    testimony: tuple[str, ...] = ()
    at_risk: str
    changes_my_mind: tuple[str, ...] = ()
    siblings: Siblings = ()
    more_siblings: More = 0


class Proposed(Nodded, frozen=True, kw_only=True):
    """For ``kaizen_propose``."""

    proposal: int
    increment: str
    again: Annotated[bool, _Says(description="Your key had proposed it before: it counts once.")] = False


class InHand(Reply, frozen=True, kw_only=True):
    """A run to make."""

    run: int
    setting: Annotated[dict[str, Value], _Says(description="Make the run with exactly these values.")]
    because: str = ""
    purpose: str
    of: Annotated[int, _Says(description="The standard it was planned under.")]
    seed: int = 0
    attempt: int = 1
    held: Annotated[bool, _Says(description="You had it in hand already.")] = False


class Given(Reply, frozen=True, kw_only=True):
    """For ``kaizen_ask``."""

    runs: tuple[InHand, ...]
    metrics: Annotated[tuple[str, ...], _Says(description="What kaizen_tell takes, and which way is better.")]
    rest: Annotated[str, _Says(description="Why there are no more.")] = ""
    recheck: Annotated[
        tuple[str, ...], _Says(description="Where the nod is another one than when it was proposed.")
    ] = ()
    siblings: Siblings = ()
    more_siblings: More = 0
    spent: str
    budget: str = ""


class Answered(Reply, frozen=True, kw_only=True):
    """For ``kaizen_tell`` and ``kaizen_fault``."""

    run: int
    outcome: str
    late: Annotated[bool, _Says(description="It came too late: it teaches, and counts for no pair.")] = False
    again: Annotated[bool, _Says(description="It was told before: it counts once.")] = False
    followed: Followed = ()


class Corrected(Reply, frozen=True, kw_only=True):
    """For ``kaizen_correct``."""

    run: int
    outcome: str
    verdicts: Annotated[
        tuple[str, ...], _Says(description="Of each trial it was in: the verdict before, and now.")
    ] = ()
    followed: Followed = ()


class Effect(Reply, frozen=True, kw_only=True):
    """What the increment does to one metric, in units of gain (above 0 is better)."""

    metric: str
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    said: str


class Checked(Reply, frozen=True, kw_only=True):
    """For ``kaizen_check``."""

    trial: int | None = None
    increment: str = ""
    decision: Annotated[
        str, _Says(description="better, worse, not_worthwhile, futile or undecided; empty without a pair.")
    ] = ""
    settled: bool = False
    said: str
    effects: tuple[Effect, ...] = ()
    pairs: int = 0
    most: int | None = None
    stopped: str = ""
    waits_for: Annotated[str, _Says(description="Whose consent it waits for.")] = ""


class Numbered(Reply, frozen=True, kw_only=True):
    """For ``kaizen_rollback``: a standard."""

    standard: int
    setting: dict[str, Value]
    evidence: Annotated[str, _Says(description="given, declared (kept without proof) or proven.")]
    because: str
    by: str
    of: int | None = None
    trial: int | None = None


class Decided(Reply, frozen=True, kw_only=True):
    """For ``kaizen_consent``."""

    adopted: bool
    standard: int
    setting: dict[str, Value]
    because: str
    followed: Followed = ()


class Heard(Reply, frozen=True, kw_only=True):
    """For ``kaizen_voice`` and ``kaizen_andon``."""

    said: str
    then: str = ""


class Parameter(Reply, frozen=True, kw_only=True):
    """What may change."""

    name: str
    range: str
    at_most: Annotated[str, _Says(description="How far one increment may move it.")] = ""
    when: Annotated[str, _Says(description="Only active then.")] = ""


class Described(Numbered, frozen=True, kw_only=True):
    """For ``kaizen_standard``."""

    about: str = ""
    promise: str = ""
    parameters: tuple[Parameter, ...]
    constraints: tuple[str, ...] = ()
    metrics: tuple[str, ...]
    guards: tuple[str, ...] = ()
    work: Annotated[str, _Says(description="How a run is made.")]
    consent: Annotated[str, _Says(description="Who agrees to adopt.")]


class Lesson(Reply, frozen=True, kw_only=True):
    """One lesson."""

    lesson: int
    text: str
    scope: str
    grade: str
    trial: int | None = None
    evidence: str = ""
    again: Annotated[tuple[str, ...], _Says(description="What confirmed it since.")] = ()
    exceptions: Annotated[tuple[str, ...], _Says(description="What contradicts it since.")] = ()
    open_again: str = ""
    repealed: str = ""


class Learnt(Reply, frozen=True, kw_only=True):
    """For ``kaizen_lessons``."""

    lessons: tuple[Lesson, ...]
    matching: Annotated[int, _Says(description="How many match in all, newest first.")]
    testimony: Annotated[tuple[str, ...], _Says(description="What people know without data.")] = ()
    next_cursor: NextCursor = ""


class Line(Reply, frozen=True, kw_only=True):
    """One process in a line."""

    process: str
    about: str = ""
    stands: str


class Held(Reply, frozen=True, kw_only=True):
    """A run that somebody is making."""

    run: int
    setting: dict[str, Value]
    by: str
    because: str = ""


class Shown(Reply, frozen=True, kw_only=True):
    """For ``kaizen_show``."""

    processes: tuple[Line, ...]
    open: Annotated[tuple[Sibling, ...], _Says(description="Open trials, then proposals that wait.")] = ()
    in_hand: tuple[Held, ...] = ()
    pool: Annotated[int, _Says(description="Runs that wait to be asked for.")] = 0
    lessons: int = 0
    spent: str = ""
    budget: str = ""
    andon: str = ""
    next_cursor: NextCursor = ""
