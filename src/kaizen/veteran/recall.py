"""Recall over every run and verdict of every process in a ledger: exact, within a tolerance, near.

The index is disposable: it is made of the read models, follows the record behind ``seq``, and holds no truth. It is made
when it is first asked, process by process; until a run or trial is there to be remembered, NumPy is not loaded.
"""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from kaizen.journal import Head, Memory, Tried
from kaizen.ledger import (
    Adopted,
    Amended,
    Corrected,
    Described,
    Faulted,
    Judged,
    Late,
    Learned,
    Record,
    Reported,
    Retracted,
    RolledBack,
    Told,
)  # fmt: skip
from kaizen.process import Process
from kaizen.setting import Setting, Texts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kaizen.veteran.advising import Beside
    from kaizen.veteran.neighbours import Making, Neighbours
    from kaizen.veteran.shelf import Shelf
    from kaizen.veteran.transfer import Kin, Seen
    from kaizen.veteran.tried import Trials

LATEST = 100
"""How many runs of one setting are told of, at most."""
_PAGE = 20_000  # runs turned into columns at a time
_KERNELS = "kernels"  # their name on the shelf


class Remembered(Memory, Protocol):
    """The read models of a ledger, and its records."""

    def read(self, process: str | None = None, *, after: int = 0, limit: int | None = None) -> Iterable[Record]:
        """Walk the records behind ``after`` in order, of one process or of all."""
        ...


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is remembered, and how far its setting is from what was asked."""

    process: str
    run: int
    distance: float
    of: int
    """The standard it was planned under."""
    faulted: bool
    value: float | None
    """What it was worth beside that standard, in worthwhiles; ``None`` where that cannot be said."""
    gains: tuple[float | None, ...] = ()
    """By metric of its own process, in units of gain."""
    conditions: Texts = Texts()


class Recall:
    """An index of everything that a ledger remembers."""

    def __init__(self, memory: Remembered, shelf: "Shelf | None" = None, *, neighbours: "Making | None" = None) -> None:
        """Bind a memory; nothing is read yet. Large pasts are kept on a ``shelf``, and ``neighbours`` finds what is near."""
        self._memory = memory
        self._shelf = shelf
        self._neighbours = neighbours
        self._kept: dict[str, Of] = {}
        self._kin: Seen = {}
        self._kernels: dict[str, Any] | None = None
        self.beside: Beside | None = None
        """Packs: words of others without runs."""

    def processes(self) -> tuple[str, ...]:
        """Return the names of the processes that have runs, in the order they were described."""
        names = self._memory.processes()
        self._kept = {name: kept for name, kept in self._kept.items() if name in names}  # an attached ledger may go
        return tuple(name for name in names if self.of(name) is not None)

    @property
    def advised(self) -> bool:
        """Whether there are packs to ask."""
        return self.beside is not None and bool(self.beside.names)

    def known(self, process: str) -> "Of | None":
        """Return what was remembered of a process when it was last looked at, without another look."""
        return self._kept.get(process)

    def forget(self) -> None:
        """Begin again: what is remembered may be another ledger's now."""
        self._kept, self._kin = {}, {}

    def of(self, process: str, *, empty: bool = False) -> "Of | None":
        """Return what is remembered of one process as of now; ``None`` while that is nothing, unless ``empty`` will do."""
        head = self._memory.head(process)
        if head is None or (head.next_run == 1 and not empty):
            return None
        kept = self._kept.get(process)
        if kept is None or not kept.fits(head.process):
            kept = self._kept[process] = Of(head.process, self._near(head.process))
            self._fill(kept, head)
        elif kept.seq != head.seq:
            kept.follow(self._memory, self._memory.read(process, after=kept.seq))
        if kept.seq != head.seq and self._memory.head(process) is None:  # gone while it was read
            del self._kept[process]
            return None
        kept.head, kept.seq = head, head.seq
        return kept

    def kin(self, head: Head) -> "tuple[Kin, ...]":
        """Return what other processes know that bears on one (see ``transfer``)."""
        from kaizen.veteran.transfer import kin

        return kin(self._memory, head, seen=self._kin)

    @property
    def kernels(self) -> dict[str, Any]:
        """Kernels of models that were fitted once, by name (see ``voices``)."""
        if self._kernels is None:
            self._kernels = dict((self._shelf.take(_KERNELS) if self._shelf is not None else None) or {})
        return self._kernels

    def keep_kernels(self, most: int) -> None:
        """Put the latest so many kernels on the shelf."""
        if self._shelf is not None:
            self._shelf.put(_KERNELS, dict(list(self.kernels.items())[-most:]))

    def _near(self, process: Process) -> "Neighbours | None":
        if self._neighbours is None:
            return None
        from kaizen.veteran import shelf

        return self._neighbours(self._shelf, f"{shelf.name_of(process)}-near")

    def _fill(self, kept: "Of", head: Head) -> None:
        """Take everything that is there: from the shelf and what came behind it, or from the ledger."""
        from kaizen.veteran import shelf

        large = head.next_run > shelf.LARGE and self._shelf is not None
        name = shelf.name_of(head.process)
        arrays = self._shelf.take(name) if large and self._shelf is not None else None
        if arrays is not None:
            seq, at = shelf.stamp(arrays)
            last = next(iter(self._memory.read(head.process.name, after=seq - 1, limit=1)), None)
            if last is not None and (last.seq, last.at) == (seq, at):
                kept.past = shelf.unpacked(head.process, arrays)
                kept.past.keep(self._memory.standards(head.process.name))
                kept.shelved = kept.past.count
                kept.follow(self._memory, self._memory.read(head.process.name, after=seq))
        if not kept.shelved:
            kept.fill(self._memory)
        if large and self._shelf is not None and kept.past.count > 1.25 * kept.shelved:
            last = next(iter(self._memory.read(head.process.name, after=head.seq - 1, limit=1)), None)
            if last is not None:
                self._shelf.put(name, shelf.packed(kept.past, seq=last.seq, at=last.at))
                kept.shelved = kept.past.count

    def run(self, process: str, number: int) -> Tried | None:
        """Return one finished run as the history keeps it; ``None`` where its ledger is gone meanwhile."""
        return next(iter(self._memory.runs(process, number=number)), None)

    def latest(self, process: str, count: int) -> Sequence[Tried]:
        """Return the latest finished runs of a process, oldest first."""
        return self._memory.runs(process, latest=count)

    def exact(self, process: str, setting: Setting, *, latest: int = LATEST) -> tuple[Found, ...]:
        """Return the runs of the very same setting in order, the ``latest`` so many."""
        kept = self.of(process)
        return () if kept is None else kept.same(setting, latest)

    def alike(self, process: str, setting: Setting, *, latest: int = LATEST) -> tuple[Found, ...]:
        """Return the runs whose setting is the same within a hundredth of every range (see ``Table.alike``)."""
        kept = self.of(process)
        return () if kept is None else kept.alike(setting, latest)

    def near(self, process: str, setting: Setting, count: int = 10) -> tuple[Found, ...]:
        """Return the nearest runs, nearest first."""
        kept = self.of(process)
        return () if kept is None else kept.near(setting, count)


class Of:
    """What is remembered of one process."""

    def __init__(self, process: Process, neighbours: "Neighbours | None" = None) -> None:
        """Begin empty; without ``neighbours``, what is near is found by a plain look at everything."""
        from kaizen.veteran.neighbours import Plain
        from kaizen.veteran.past import Past

        self.process = process
        self.past = Past(process)
        self._neighbours = neighbours or Plain()
        self.head: Head | None = None
        self.seq = 0
        self.shelved = 0
        """How many runs are on the shelf."""
        self.version = 0
        """Counts up whenever something was taken in."""
        self.cache: dict[Any, Any] = {}
        """What others have worked out from it, each with the version that it was worked out at."""
        self._trials: Trials | None = None
        self._memory: Remembered | None = None

    def fits(self, process: Process) -> bool:
        """Tell whether columns made for one description serve another."""
        mine = self.process
        return (mine.parameters, mine.metrics, mine.guards) == (process.parameters, process.metrics, process.guards)

    # ── following ───────────────────────────────────────────────────────────────────────────────────────────────────
    def fill(self, memory: Remembered) -> None:
        """Take everything that is there, page by page."""
        self._memory = memory
        name = self.process.name
        self.past.keep(memory.standards(name))
        while page := memory.runs(name, after=self.past.last, first=_PAGE):
            self.past.add(page)
        self._trials = None
        self.version += 1

    def follow(self, memory: Remembered, records: Iterable[Record]) -> None:
        """Take what has happened since."""
        self._memory = memory
        runs: dict[int, None] = {}
        for record in records:
            match record.entry:
                case Told(run=run) | Faulted(run=run) | Late(run=run) | Corrected(run=run) | Reported(run=run):
                    runs[run] = None
                case Judged() | Learned() | Retracted():
                    self._trials = None
                case Adopted() | RolledBack() | Amended() | Described():
                    self.past.keep(memory.standards(self.process.name))
                    self._trials = None
        rows = [row for run in runs for row in memory.runs(self.process.name, number=run)]
        self.past.add(sorted(rows, key=lambda row: row.seq))
        self.version += 1

    @property
    def trials(self) -> "Trials":
        """The trials that count as precedents."""
        from kaizen.veteran.tried import trials_of

        if self._trials is None:
            memory, name = self._memory, self.process.name
            assert memory is not None, "filled before it is asked"
            self._trials = trials_of(
                self.past.table.columns, memory.trials(name), memory.lessons(name), memory.standards(name)
            )
        return self._trials

    def outcomes(self) -> list[tuple[float, bool, float]]:
        """Return the odds that were given to each trial that came to an end, whether it was better, and for how many it stands."""
        from kaizen.veteran.grades import is_better

        return [
            (test.odds.better, is_better(test), 1.0 / test.chance)
            for test in self.trials.tests
            if test.odds is not None
        ]

    def conditions_of(self, trial: int) -> int:
        """Return the number of the conditions that a trial's first run was made under; today's where it has none."""
        if self.cache.get("conditions", (None,))[0] != self.version:
            import numpy as np

            numbers, first = np.unique(self.past.field("trial"), return_index=True)
            codes = self.past.field("conditions")[first]
            self.cache["conditions"] = (self.version, dict(zip(numbers.tolist(), codes.tolist(), strict=True)))
        known: dict[int, int] = self.cache["conditions"][1]
        return known.get(trial, self.today)

    @property
    def today(self) -> int:
        """The number of the conditions that the latest run was made under."""
        seqs = self.past.field("seq")
        return int(self.past.field("conditions")[seqs.argmax()]) if len(seqs) else 0

    # ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def same(self, setting: Setting, latest: int = LATEST) -> tuple[Found, ...]:
        """Return the latest runs of the very same setting."""
        from kaizen.veteran.table import key_of

        rows = self.past.table.same(key_of(setting.fingerprint))[-latest:]
        return self._told(rows, [0.0] * len(rows))

    def alike(self, setting: Setting, latest: int = LATEST) -> tuple[Found, ...]:
        """Return the latest runs that are the same within a tolerance."""
        from kaizen.veteran.table import measured

        table = self.past.table
        one = table.columns.encode([setting])
        rows = table.alike(one, latest)
        apart = measured(table.coded, rows, one, table.columns.weights) ** 0.5
        return self._told(rows, apart.tolist())

    def near(self, setting: Setting, count: int) -> tuple[Found, ...]:
        """Return the nearest runs."""
        from kaizen.surrogate.threads import one_thread

        table = self.past.table
        with one_thread():
            rows, apart = self._neighbours.nearest(table, table.columns.encode([setting]), count)
        return self._told(rows, apart.tolist())

    def _told(self, rows: "NDArray[np.int64]", apart: list[float]) -> tuple[Found, ...]:
        """Return runs by their rows, with how far each is."""
        from kaizen.veteran.past import FAULTED

        past, values = self.past, self.past.values
        columns = [past.field(name)[rows].tolist() for name in ("id", "of", "became", "conditions")]
        worth = values.value[rows].tolist(), values.gains[rows].tolist()
        return tuple(
            Found(
                process=self.process.name,
                run=run,
                distance=distance,
                of=of,
                faulted=became == FAULTED,
                value=None if math.isnan(value) else value,
                gains=tuple(None if math.isnan(gain) else gain for gain in gains),
                conditions=past.conditions[conditions],
            )
            for run, of, became, conditions, value, gains, distance in zip(*columns, *worth, apart, strict=True)
        )
