"""The append-only record: entry kinds in the past tense, and the ports to whatever stores them.

An entry says what happened to one process; a record is an entry as stored, with its place (``seq``), its
time, who wrote it and its key. Nothing is ever changed or removed: a correction is an entry, too.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import msgspec

from kaizen.process import Process
from kaizen.setting import Setting, Texts
from kaizen.standard import Increment, Standard
from kaizen.trial import Fault, Outcome, Reading, Run, Seat, Side, Spend, Trial
from kaizen.verdict import Coin, Lesson, Odds, Stopped, Verdict
from kaizen.voice import Andon, Voice


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A process was described; its first standard is given."""

    process: Process


class Amended(msgspec.Struct, frozen=True, kw_only=True):
    """The description changed: a new parameter, a wider range, another metric or policy."""

    process: Process
    because: str
    comparable: bool = True
    """Whether readings from before still mean the same; not so when the work or a metric changed."""
    standard: Standard | None = None
    """The next standard, where the old setting does not fit the new description."""


class Scouted(msgspec.Struct, frozen=True, kw_only=True):
    """Runs were planned to learn; they wait in the pool."""

    runs: tuple[Run, ...]


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """An increment was proposed for a trial."""

    id: int
    increment: Increment


class Advised(msgspec.Struct, frozen=True, kw_only=True):
    """The veteran answered on an increment before money was spent."""

    increment: Increment
    answer: str
    because: str
    proposal: int | None = None
    odds: Odds | None = None
    """What it thought of the chances, where it was asked for them: kept, to be compared with what happened."""
    heeded: bool = False
    """Whether the wheel left it alone, since its own planner had asked for it and the policy heeds the veteran."""
    coin: Coin | None = None
    """What decided that, where a coin was thrown."""


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A trial was opened: its design is frozen and its α charged."""

    trial: Trial
    hash: str
    proposal: int | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Runs were handed out; each carries who has it and which attempt it is (the fence)."""

    runs: tuple[Run, ...]
    lease: float | None = None
    """Seconds without a heartbeat after which they count as lost; people's leases have none."""
    holder: str = ""
    """The worker's operating-system name (host, process), where it has one."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A run was measured."""

    run: int
    attempt: int
    reading: Reading
    spend: Spend
    conditions: Texts = Texts()


class Faulted(msgspec.Struct, frozen=True, kw_only=True):
    """A run gave no reading."""

    run: int
    attempt: int
    fault: Fault
    spend: Spend
    conditions: Texts = Texts()


class Late(msgspec.Struct, frozen=True, kw_only=True):
    """An answer came after its lease had passed on: it teaches the planner, never the pair."""

    run: int
    attempt: int
    outcome: Outcome
    spend: Spend
    by: str = ""


class Corrected(msgspec.Struct, frozen=True, kw_only=True):
    """A reading was mistyped; this is the right one."""

    run: int
    outcome: Outcome
    because: str
    trial: int | None = None
    block: int | None = None
    side: Side | None = None
    serves: tuple[Seat, ...] = ()
    """The other pairs that the run is the standard side of."""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A trial ended: a settled verdict, or a stop with its reason."""

    trial: int
    verdict: Verdict | None = None
    stopped: Stopped | None = None
    corrected: bool = False
    """Whether an earlier verdict was reconsidered because a reading was corrected."""


class Consented(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody agreed to adopt."""

    trial: int
    note: str = ""


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody declined to adopt, or to open a trial."""

    trial: int | None = None
    proposal: int | None = None
    note: str = ""


class Adopted(msgspec.Struct, frozen=True, kw_only=True):
    """A new standard."""

    standard: Standard


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """A run made elsewhere was reported: it teaches, and proves nothing."""

    run: int
    setting: Setting
    outcome: Outcome
    source: str
    conditions: Texts = Texts()


class RolledBack(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier setting became the next standard again."""

    standard: Standard
    to: int


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """A lesson was written down."""

    lesson: Lesson


class Retracted(msgspec.Struct, frozen=True, kw_only=True):
    """A lesson no longer holds."""

    lesson: int
    because: str


class Taught(msgspec.Struct, frozen=True, kw_only=True):
    """A person's testimony, without data."""

    text: str
    confidence: float | None = None
    """The chance that it is right, as the person sees it."""
    that: str = ""
    """What a setting should keep, as a constraint: where it does not, worse readings or faults are expected."""
    near: Setting = Setting()
    """Values near which good settings are expected."""


class Voiced(msgspec.Struct, frozen=True, kw_only=True):
    """A customer spoke."""

    voice: Voice


class Pulled(msgspec.Struct, frozen=True, kw_only=True):
    """The andon cord was pulled."""

    andon: Andon


class Cleared(msgspec.Struct, frozen=True, kw_only=True):
    """The andon was cleared, by name."""

    note: str


Entry = (
    Described | Amended | Scouted | Proposed | Advised | Opened | Asked | Told | Faulted | Late | Corrected | Judged
    | Consented | Refused | Adopted | Reported | RolledBack | Learned | Retracted | Taught | Voiced | Pulled | Cleared
)  # fmt: skip


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as stored."""

    seq: int
    """Its place among all entries of the ledger, from 1 without gaps."""
    process: str
    at: int
    """When it was written, in µs since 1970, by the writer's clock."""
    by: str
    entry: Entry
    key: str = ""
    """Idempotency key of the command that wrote it; empty for none."""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's hold on a run; renewals live here and nowhere else."""

    process: str
    run: int
    attempt: int
    holder: str
    left: float | None
    """Seconds until it counts as lost; ``None`` never does."""


class Ledger(Protocol):
    """Where entries are kept. Appends are atomic, durable once they return, and in one order for all."""

    def append(self, process: str, entries: Sequence[Entry], *, by: str, after: int | None = None, key: str = "",
               request: str = "") -> tuple[Record, ...]:  # fmt: skip
        """Write ``entries`` of one process together, and what follows from them in every read model.

        ``after`` is the optimistic lock: the ``seq`` of the process's last record as the caller knows it (0 for
        none). ``key`` makes the command idempotent: the same key with the same ``request`` writes nothing and
        returns the first answer's record.

        Raises:
            Contested: another record came after ``after``.
            Clash: the key was used for another request.
            Stuck: the disk is full, read-only or gone; nothing was written.
        """
        ...

    def read(self, process: str | None = None, *, after: int = 0, limit: int | None = None) -> Iterable[Record]:
        """Walk the records behind ``after`` in order, of one process or of all."""
        ...


class Turns(Protocol):
    """The queue before the ledger: who is in it may look, think and append before the next."""

    def turn(self) -> AbstractContextManager[None]:
        """Wait in line, first come first served as the platform's locks allow; re-entrant in one thread."""
        ...

    def answered(self, process: str, key: str) -> tuple[Record, str] | None:
        """Return the record that a command with this key wrote first, and its request."""
        ...


class Leases(Protocol):
    """Who holds which run; written when runs are asked and told, renewed by heartbeats."""

    def leases(self, process: str) -> tuple[Lease, ...]:
        """Return all holds on runs of the process."""
        ...

    def renew(self, process: str, holder: str, lease: float) -> int:
        """Prolong all holds of a holder to ``lease`` seconds from now (0 gives them up); return how many."""
        ...
