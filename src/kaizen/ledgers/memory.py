"""A ledger in memory: the oracle that the others are tested against, and a scratch pad for a session."""

import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from kaizen.journal import Head, Kept, Row, Tested, Tried
from kaizen.ledger import Asked, Entry, Faulted, Lease, Record, Told
from kaizen.ledgers import codec
from kaizen.ledgers.following import check_after, check_append, follow, number_of, same_answer
from kaizen.verdict import Lesson


class MemoryLedger:
    """Keeps everything until the process ends. Implements ``Ledger``, ``Turns``, ``Leases`` and ``Memory``."""

    def __init__(
        self, *, clock: Callable[[], int] | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin empty; ``clock`` gives µs since 1970 for records, ``monotonic`` seconds for leases."""
        self._clock = clock or (lambda: time.time_ns() // 1000)
        self._monotonic = monotonic
        self._lock = threading.RLock()
        self._turn = threading.RLock()
        self._records: list[Record] = []
        self._of: dict[str, _Of] = {}

    # ── Ledger ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def append(self, process: str, entries: Sequence[Entry], *, by: str, after: int | None = None, key: str = "",
               request: str = "") -> tuple[Record, ...]:  # fmt: skip
        """Write entries together (see ``Ledger.append``)."""
        check_append(process, entries, by=by, key=key, request=request)
        sealed = [codec.seal(entry)[3] for entry in entries]  # refuse what could not be stored
        with self._turn, self._lock:
            of = self._of.get(process) or _Of()
            if key and key in of.answers:
                return same_answer(key, request, *of.answers[key])
            check_after(process, after, of.head)
            at, first = self._clock(), len(self._records) + 1
            records = tuple(
                Record(seq=seq, process=process, at=at, by=by, entry=entry, key=key)
                for seq, entry in enumerate(sealed, first)
            )
            head, rows = follow(of.head, records, of.look)
            self._of[process] = of
            self._records.extend(records)
            of.records.extend(records)
            if key:
                of.answers[key] = (request, records)
            of.head = head
            for row in rows.values():
                of.write(row)
            for record in records:
                of.hold(record, self._monotonic())
            return records

    def read(self, process: str | None = None, *, after: int = 0, limit: int | None = None) -> Iterator[Record]:
        """Walk the records behind ``after`` in order, of one process or of all."""
        with self._lock:
            records = self._records if process is None else self._of[process].records if process in self._of else []
            start = bisect_right(records, after, key=lambda record: record.seq)
            return iter(records[start : None if limit is None else start + limit])

    # ── Turns ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait in line."""
        with self._turn:
            yield

    # ── Leases ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def answered(self, process: str, key: str) -> tuple[Record, str] | None:
        """Return the first record that a command with this key wrote, and its request."""
        of = self._of.get(process)
        if of is None or key not in of.answers:
            return None
        request, records = of.answers[key]
        return records[0], request

    def leases(self, process: str) -> tuple[Lease, ...]:
        """Return all holds on runs of the process, by run."""
        with self._lock:
            holds = self._of[process].holds if process in self._of else {}
            now = self._monotonic()
            return tuple(
                Lease(
                    process=process,
                    run=run,
                    attempt=attempt,
                    holder=holder,
                    left=None if until is None else max(0.0, until - now),
                )
                for run, (attempt, holder, until) in sorted(holds.items())
            )

    def renew(self, process: str, holder: str, lease: float) -> int:
        """Prolong all holds of a holder (see ``Leases.renew``); one without a limit is only ever given up."""
        with self._lock:
            holds = self._of[process].holds if process in self._of else {}
            mine = [run for run, hold in holds.items() if hold[1] == holder and (hold[2] is not None or lease <= 0)]
            for run in mine:
                holds[run] = (*holds[run][:2], self._monotonic() + max(0.0, lease))
            return len(mine)

    # ── Memory ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def head(self, process: str) -> Head | None:
        """Return what is open now, or ``None`` for an unknown process."""
        of = self._of.get(process)
        return of.head if of else None

    def processes(self) -> tuple[str, ...]:
        """Return the names of all processes, in the order they were described."""
        with self._lock:
            return tuple(self._of)

    def runs(self, process: str, *, number: int | None = None, fingerprint: str | None = None, trial: int | None = None,
             of: int | None = None, after: int = 0, latest: int | None = None,
             first: int | None = None) -> tuple[Tried, ...]:  # fmt: skip
        """Return finished runs in order of ``seq`` (see ``Memory.runs``)."""
        with self._lock:
            kept = self._of[process] if process in self._of else _Of()
            if number is not None:
                found = [kept.runs[number]] if number in kept.runs else []
            elif fingerprint is None:
                found = list(kept.runs.values())
            else:
                found = [kept.runs[number] for number in kept.fingerprints.get(fingerprint, ())]
        matching = [
            run
            for run in found
            if (fingerprint is None or run.setting.fingerprint == fingerprint)
            and (trial is None or run.trial == trial)
            and (of is None or run.of == of)
            and run.seq > after
        ]
        matching.sort(key=lambda run: run.seq)
        if first is not None:
            return tuple(matching[: max(0, first)])
        return tuple(matching if latest is None else matching[max(0, len(matching) - latest) :])

    def trials(self, process: str) -> tuple[Tested, ...]:
        """Return all trials in order of opening."""
        with self._lock:
            return tuple(self._of[process].trials.values()) if process in self._of else ()

    def standards(self, process: str) -> tuple[Kept, ...]:
        """Return all standards in order of number."""
        with self._lock:
            return tuple(self._of[process].standards.values()) if process in self._of else ()

    def lessons(self, process: str) -> tuple[Lesson, ...]:
        """Return all lessons in order, retracted ones, too."""
        with self._lock:
            return tuple(self._of[process].lessons.values()) if process in self._of else ()


class _Of:
    """What is kept of one process."""

    def __init__(self) -> None:
        self.head: Head | None = None
        self.records: list[Record] = []
        self.answers: dict[str, tuple[str, tuple[Record, ...]]] = {}
        self.runs: dict[int, Tried] = {}
        self.fingerprints: dict[str, list[int]] = {}
        self.trials: dict[int, Tested] = {}
        self.standards: dict[int, Kept] = {}
        self.lessons: dict[int, Lesson] = {}
        self.holds: dict[int, tuple[int, str, float | None]] = {}  # run: attempt, holder, until when

    def table(self, kind: type[Row]) -> dict[int, Row]:
        tables: dict[type, Any] = {Tried: self.runs, Tested: self.trials, Kept: self.standards, Lesson: self.lessons}
        table: dict[int, Row] = tables[kind]
        return table

    def look(self, kind: type[Row], number: int) -> Row | None:
        return self.table(kind).get(number)

    def write(self, row: Row) -> None:
        if isinstance(row, Tried) and row.id not in self.runs:
            self.fingerprints.setdefault(row.setting.fingerprint, []).append(row.id)
        self.table(type(row))[number_of(row)] = row

    def hold(self, record: Record, now: float) -> None:
        match record.entry:
            case Asked(runs=runs, lease=lease, holder=holder):
                until = None if lease is None else now + lease
                self.holds.update({run.id: (run.attempt, holder or record.by, until) for run in runs})
            case Told(run=run) | Faulted(run=run):
                self.holds.pop(run, None)
