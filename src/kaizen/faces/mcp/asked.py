"""What each tool takes: frozen, checked when it is called, and published as the tool's schema."""

from typing import Annotated

import msgspec

from kaizen.setting import Value
from kaizen.trial import FAULTS

_Says = msgspec.Meta

Process = Annotated[str, _Says(description="Name, as kaizen_show lists them.")]
By = Annotated[str, _Says(description="Your name: the same in every call, and another for every agent.")]
Person = Annotated[str, _Says(description="Whose word it is.")]
Holder = Annotated[str, _Says(description="Whose answer it is; whoever has the run, if left out.")]
Changes = Annotated[dict[str, Value], _Says(description="New values by parameter; what is left out stays as today.")]
Values = Annotated[dict[str, float], _Says(description="A number for every metric of the process.")]
Words = Annotated[str, _Says(description="What is changed, in a sentence: a change of code, above all.")]
Diff = Annotated[str, _Says(description="The change of code, as git diff prints it; a fingerprint of it is kept.")]
Run = Annotated[int, _Says(ge=1, description="The run's number, as kaizen_ask said it.")]
Because = Annotated[str, _Says(description="Why, in a sentence: it is kept, and others read it.")]
Key = Annotated[
    str, _Says(description="A name of your own for this call: sent again with the same content, it counts once.")
]
Seconds = Annotated[float, _Says(ge=0, description="How long the run took.")]
Money = Annotated[float, _Says(ge=0, description="What the run cost.")]
Cursor = Annotated[str, _Says(description="next_cursor of the page before.")]
K = Annotated[int, _Says(ge=1, le=20, description="How many.")]


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a tool is called with."""


class Consult(Asked, frozen=True, kw_only=True):
    """For ``kaizen_consult``."""

    process: Process
    changes: Changes = msgspec.field(default_factory=dict)
    words: Words = ""
    diff: Diff = ""


class Propose(Asked, frozen=True, kw_only=True):
    """For ``kaizen_propose``."""

    process: Process
    changes: Changes
    because: Because
    by: By
    different: Annotated[str, _Says(description="What is different now, where the nod warns of a failure.")] = ""
    words: Words = ""
    diff: Diff = ""
    key: Key = ""


class Ask(Asked, frozen=True, kw_only=True):
    """For ``kaizen_ask``."""

    process: Process
    by: By
    n: Annotated[int, _Says(ge=1, le=20, description="How many to have in hand.")] = 1
    lease: Annotated[
        Annotated[float, _Says(ge=1)] | None,
        _Says(description="Seconds after which unanswered runs count as lost and go to another."),
    ] = None


class Tell(Asked, frozen=True, kw_only=True):
    """For ``kaizen_tell``."""

    process: Process
    run: Run
    values: Values
    by: Holder = ""
    key: Key = ""
    seconds: Seconds = 0.0
    money: Money = 0.0
    conditions: Annotated[dict[str, str], _Says(description="What it happened under: machine, versions, data.")] = (
        msgspec.field(default_factory=dict)
    )


class Fault(Asked, frozen=True, kw_only=True):
    """For ``kaizen_fault``."""

    process: Process
    run: Run
    note: Annotated[str, _Says(description="What went wrong.")] = ""
    reason: Annotated[str, _Says(extra_json_schema={"enum": list(FAULTS)})] = "told"
    by: Holder = ""
    key: Key = ""
    seconds: Seconds = 0.0
    money: Money = 0.0


class Correct(Asked, frozen=True, kw_only=True):
    """For ``kaizen_correct``."""

    process: Process
    run: Run
    values: Values
    because: Because
    by: By


class Check(Asked, frozen=True, kw_only=True):
    """For ``kaizen_check``."""

    process: Process
    trial: Annotated[int | None, _Says(description="Which trial; the latest, if left out.")] = None


class Consent(Asked, frozen=True, kw_only=True):
    """For ``kaizen_consent``."""

    process: Process
    by: Person
    note: Annotated[str, _Says(description="A note to keep with it.")] = ""
    trial: Annotated[int | None, _Says(description="Which trial; the one that waits, if left out.")] = None
    decline: Annotated[bool, _Says(description="Decline: the standard stays, and the lesson is kept.")] = False


class Rollback(Asked, frozen=True, kw_only=True):
    """For ``kaizen_rollback``."""

    process: Process
    because: Because
    by: Person
    to: Annotated[int | None, _Says(description="Which standard; the one before, if left out.")] = None


class Voice(Asked, frozen=True, kw_only=True):
    """For ``kaizen_voice``."""

    process: Process
    text: Annotated[str, _Says(description="What was said, in the customer's own words.")]
    by: Person
    theme: Annotated[str, _Says(description="What it is about, in a word.")] = ""


class Andon(Asked, frozen=True, kw_only=True):
    """For ``kaizen_andon``."""

    process: Process
    because: Because
    by: By


class Standard(Asked, frozen=True, kw_only=True):
    """For ``kaizen_standard``."""

    process: Process
    number: Annotated[int | None, _Says(description="Which standard; today's, if left out.")] = None


class Lessons(Asked, frozen=True, kw_only=True):
    """For ``kaizen_lessons``."""

    process: Process
    word: Annotated[str, _Says(description="Only lessons with this word.")] = ""
    parameter: Annotated[str, _Says(description="Only lessons about this parameter.")] = ""
    cursor: Cursor = ""
    k: K = 10


class Show(Asked, frozen=True, kw_only=True):
    """For ``kaizen_show``."""

    process: Annotated[str, _Says(description="Which process; all of them in a line each, if left out.")] = ""
    cursor: Cursor = ""
    k: K = 10
