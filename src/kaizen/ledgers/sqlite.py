"""A ledger in one SQLite file, for all processes of one machine.

An append is one transaction, on the disk when it returns: entries, what follows from them in every read model,
and the leases they begin or end. Writers queue at a gate (``kaizen.ledgers.gate``); readers wait for nobody.
"""

# os.path is loaded already, pathlib is not.
# ruff: noqa: PTH100, PTH116

import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Self

from kaizen.errors import Damaged, Malformed, Newer, Stuck
from kaizen.journal import Head, Kept, Tested, Tried
from kaizen.ledger import Entry, Lease, Record
from kaizen.ledgers import chain, codec, driver, tables
from kaizen.ledgers import statements as sql
from kaizen.ledgers.following import check_after, check_append, follow, same_answer
from kaizen.ledgers.gate import Gate
from kaizen.process import Process
from kaizen.verdict import Lesson

_PAGE = 1_000  # records fetched at a time: a slow reader keeps no transaction open


class SqliteLedger:
    """A ledger in the file ``path``. Implements ``Ledger``, ``Turns``, ``Leases`` and ``Memory``.

    One connection per object, used by one thread at a time; a forked child opens its own.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Callable[[], int] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        connect: driver.Connect | None = None,
    ) -> None:
        """Open the ledger at ``path``, or begin one.

        ``clock`` gives µs since 1970 for records, ``monotonic`` seconds since boot for leases; ``connect`` opens
        another SQLite than the one at hand.

        Raises:
            Stuck: no such directory, not writable, not on a disk of this machine.
            Malformed: the file is no ledger.
            Newer: a later release wrote it.
            Damaged: it cannot be read.
        """
        self.path = os.path.abspath(os.fspath(path))
        self._clock = clock or (lambda: time.time_ns() // 1000)
        self._monotonic = monotonic
        self._connect = connect or driver.connect
        self._on_disk = connect is None
        self._forget()
        _ledgers.add(self)
        if self._on_disk:
            driver.check_place(self.path)
        with self._lock:
            self._open()

    def _forget(self) -> None:
        """Begin with no connection: a new object, or a forked child, which must not touch its parent's."""
        self._lock = threading.RLock()
        self._db: driver.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._heads: dict[str, Head] = {}
        self._described: dict[str, tuple[str, Process]] = {}  # as stored, and as read: large, and seldom another
        self._gate: Gate | None = None

    @property
    def gate(self) -> Gate:
        """Where writers queue."""
        if self._gate is None:
            self._gate = Gate.at(f"{self.path}.gate")
        return self._gate

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        with self._lock:
            db, self._db, self._gate = self._db, None, None
            self._heads = {}
            if db is not None:
                db.close()

    def __enter__(self) -> Self:
        """Use the ledger in a ``with`` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    # ── Ledger ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def append(self, process: str, entries: Sequence[Entry], *, by: str, after: int | None = None, key: str = "",
               request: str = "") -> tuple[Record, ...]:  # fmt: skip
        """Write entries together (see ``Ledger.append``)."""
        check_append(process, entries, by=by, key=key, request=request)
        sealed = [codec.seal(entry) for entry in entries]
        with self.gate, self._writing() as db:
            if key:
                first = db.execute(sql.ANSWERED, (process, key)).fetchone()
                if first is not None:
                    answer = db.execute(sql.ANSWER, (process, key)).fetchall()
                    return same_answer(key, request, first[0], tuple(_record(row) for row in answer))
            before = self._head(db, process)
            check_after(process, after, before)
            last, link = db.execute(sql.LAST).fetchone() or (0, chain.START)
            at = self._clock()
            records = tuple(
                Record(seq=seq, process=process, at=at, by=by, entry=entry, key=key)
                for seq, (*_, entry) in enumerate(sealed, last + 1)
            )
            head, rows = follow(before, records, tables.looker(db, process))
            for record, (kind, schema, body, _) in zip(records, sealed, strict=True):
                fields = (record.seq, process, at, by, kind, schema, body.decode(), key, request)
                link = chain.link(link, fields)
                db.execute(sql.APPEND, (*fields, link))
                tables.write_lease(db, record, self._monotonic())
            tables.write_rows(db, process, rows)
            same = before is not None and head.process is before.process
            tables.write_head(db, head, process, None if same else records[0].seq)
        self._heads[process] = head
        return records

    def read(self, process: str | None = None, *, after: int = 0, limit: int | None = None) -> Iterator[Record]:
        """Walk the records behind ``after`` in order, of one process or of all; whatever is appended meanwhile."""
        while limit is None or limit > 0:
            wanted = _PAGE if limit is None else min(_PAGE, limit)
            with self._reading() as db:
                if process is None:
                    page = db.execute(sql.READ, (after, wanted)).fetchall()
                else:
                    page = db.execute(sql.READ_OF, (process, after, wanted)).fetchall()
            yield from map(_record, page)
            if len(page) < wanted:
                return
            after = page[-1][0]
            limit = None if limit is None else limit - wanted

    # ── Turns ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait in line, behind all threads and processes that came before."""
        with self.gate:
            yield

    def answered(self, process: str, key: str) -> tuple[Record, str] | None:
        """Return the first record that a command with this key wrote, and its request."""
        with self._reading() as db:
            first = db.execute(sql.ANSWERED, (process, key)).fetchone()
            if first is None:
                return None
            return _record(db.execute(sql.ANSWER, (process, key)).fetchone()), first[0]

    # ── Leases ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def leases(self, process: str) -> tuple[Lease, ...]:
        """Return all holds on runs of the process, by run."""
        with self._reading() as db:
            return tables.read_leases(db, process, self._monotonic())

    def renew(self, process: str, holder: str, lease: float) -> int:
        """Prolong all holds of a holder (see ``Leases.renew``); one without a limit is only ever given up.

        It does not queue: a heartbeat must not wait for somebody's turn.
        """
        now, here = self._monotonic(), tables.boot()
        with self._writing() as db:
            if lease > 0:
                db.execute(sql.RENEW, (lease, now + lease, here, process, holder))
            else:
                db.execute(sql.GIVE_UP, (now, here, process, holder))
            count: int = db.execute("SELECT changes()").fetchone()[0]
            return count

    # ── Memory ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def head(self, process: str) -> Head | None:
        """Return what is open now, or ``None`` for an unknown process."""
        with self._reading() as db:
            return self._head(db, process)

    def processes(self) -> tuple[str, ...]:
        """Return the names of all processes, in the order they were described."""
        with self._reading() as db:
            return tuple(name for (name,) in db.execute(sql.PROCESSES).fetchall())

    def runs(self, process: str, *, number: int | None = None, fingerprint: str | None = None, trial: int | None = None,
             of: int | None = None, after: int = 0, latest: int | None = None,
             first: int | None = None) -> tuple[Tried, ...]:  # fmt: skip
        """Return finished runs in order of ``seq`` (see ``Memory.runs``)."""
        wanted = (
            (sql.OF_NUMBER, number),
            (sql.OF_FINGERPRINT, fingerprint),
            (sql.OF_TRIAL, trial),
            (sql.OF_STANDARD, of),
        )
        with self._reading() as db:
            found = [pair for pair in wanted if pair[1] is not None]
            if first is not None:
                return tables.first_runs(db, process, after, first, found)
            return tables.read_runs(db, process, after, latest, found)

    def trials(self, process: str) -> tuple[Tested, ...]:
        """Return all trials in order of opening."""
        return self._rows("trial", process)

    def standards(self, process: str) -> tuple[Kept, ...]:
        """Return all standards in order of number."""
        return self._rows("standard", process)

    def lessons(self, process: str) -> tuple[Lesson, ...]:
        """Return all lessons in order, retracted ones, too."""
        return self._rows("lesson", process)

    def _rows(self, table: str, process: str) -> tuple[Any, ...]:
        with self._reading() as db:
            return tuple(
                codec.decode_row(table, body) for (body,) in db.execute(sql.ROWS[table], (process,)).fetchall()
            )

    def _head(self, db: driver.Connection, process: str) -> Head | None:
        """Return the head; one that has not moved since it was last seen is not read again."""
        known = self._heads.get(process)
        if known is not None:
            now = db.execute(sql.HEAD_SEQ, (process,)).fetchone()
            if now is not None and now[0] == known.seq:
                return known
        found = db.execute(sql.HEAD, (process,)).fetchone()
        if found is None:
            return None
        _, body, state = found
        text, described = self._described.get(process, ("", None))
        head = codec.decode_head(described if described is not None and text == body else body, state)
        self._heads[process], self._described[process] = head, (body, head.process)
        return head

    # ── care ──────────────────────────────────────────────────────────────────────────────────────────────────────────
    def rebuild(self) -> None:
        """Drop every read model and build it again from the entries; leases keep what is left of them.

        Raises:
            Damaged: the entries do not add up.
        """
        with self.gate, self._writing() as db:
            self._heads = {}
            tables.drop_models(db)
            tables.create_models(db)
            derivation = tables.Derivation(db)
            for row in db.execute(sql.READ, (0, -1)):
                derivation.add(_record(row))
            derivation.finish()
            derivation.write_holds()

    def verify(self) -> list[str]:
        """Return what does not add up, in sentences; nothing, if the ledger is sound.

        Looks at every page, every link of the hash chain, the order of entries, and every read model, which must
        be what follows from the entries.
        """
        from kaizen.ledgers.checkup import check_up

        with self._reading():
            pass  # that there is a ledger at all
        return check_up(self.path, self._connect)

    def backup(self, path: str | os.PathLike[str]) -> None:
        """Copy the ledger as it is now to a new file, while others read and write.

        Raises:
            Clash: there is a file already.
            Stuck: no such directory, no room.
        """
        from kaizen.ledgers.checkup import copy

        with self._reading() as db:
            copy(db, os.path.abspath(os.fspath(path)))

    # ── the connection ────────────────────────────────────────────────────────────────────────────────────────────────
    @contextmanager
    def _reading(self) -> Iterator[driver.Connection]:
        with self._lock:
            db = self._open()
            with driver.Translated(self.path, db.Error):
                yield db

    @contextmanager
    def _writing(self) -> Iterator[driver.Connection]:
        """Hold a transaction: all of it is kept, or nothing."""
        with self._reading() as db:
            try:
                db.execute("BEGIN IMMEDIATE")
                if db.execute("PRAGMA user_version").fetchone()[0] != sql.SCHEMA:
                    _check_schema(self.path, db)  # a later release has moved in while we were open
                yield db
                db.execute("COMMIT")
            except BaseException:
                self._roll_back(db)
                raise

    def _roll_back(self, db: driver.Connection) -> None:
        """Leave nothing begun: the next call finds a usable ledger, whatever happened in this one."""
        try:
            if db.in_transaction:
                db.execute("ROLLBACK")
        except db.Error:
            with suppress(db.Error):
                self.close()
            self._db = None

    def _open(self) -> driver.Connection:
        """Return the connection, after a look whether the file is still the one that it was opened on."""
        if self._db is not None and (not self._on_disk or self._still_there()):
            return self._db
        self.close()
        with driver.Translated(self.path, _errors(self._connect)):
            db = self._connect(self.path)
            try:
                self._welcome(db)
            except BaseException:
                db.close()
                raise
        self._db = db
        if self._on_disk:
            self._file = _identity(self.path)
        return db

    def _welcome(self, db: driver.Connection) -> None:
        """Look whose file it is; make the tables of a new one."""
        driver.prepare(db)
        if not _is_ledger(self.path, db):
            with self.gate:
                db.execute("PRAGMA journal_mode = WAL").fetchall()
                db.execute("BEGIN IMMEDIATE")
                if not _is_ledger(self.path, db):
                    for statement in (*sql.ENTRIES, *sql.MODELS, sql.LEASES):
                        db.execute(statement)
                    db.execute(f"PRAGMA application_id = {sql.APPLICATION}")
                    db.execute(f"PRAGMA user_version = {sql.SCHEMA}")
                db.execute("COMMIT")
        _check_schema(self.path, db)
        mode = db.execute("PRAGMA journal_mode").fetchone()[0]
        if mode != "wal":  # a backup, or a copy made by other means
            with self.gate:
                db.execute("PRAGMA journal_mode = WAL").fetchall()

    def _still_there(self) -> bool:
        """Tell whether the path still names the file that is open.

        Raises:
            Stuck: it names nothing: what would be written now would be lost with the file.
        """
        found = _identity(self.path)
        if found is None:
            sentence = f"the ledger {self.path} must stay where it was opened; got nothing there"
            raise Stuck(sentence, hint="put it back, or restore it from a backup")
        return found == self._file


def _record(row: tuple[Any, ...]) -> Record:
    seq, process, at, by, kind, schema, body, key = row
    return Record(seq=seq, process=process, at=at, by=by, entry=codec.decode(kind, schema, body), key=key)


def _is_ledger(path: str, db: driver.Connection) -> bool:
    """Tell a ledger from an empty file; refuse anything else."""
    application = db.execute("PRAGMA application_id").fetchone()[0]
    if application == sql.APPLICATION:
        return True
    if application or db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise Malformed(f"{path} must be a Kaizen ledger; got another program's database", hint="name another file")
    return False


def _check_schema(path: str, db: driver.Connection) -> None:
    schema = db.execute("PRAGMA user_version").fetchone()[0]
    if schema > sql.SCHEMA:
        raise Newer(f"the ledger {path} must be of schema <= {sql.SCHEMA}; got {schema}", hint="upgrade kaizen-engine")
    if schema < 1:
        raise Damaged(f"the ledger {path} must say its schema; got {schema}", hint="restore it from a backup")


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _errors(connect: driver.Connect) -> type[Exception]:
    """Return the root of what opening may raise."""
    errors: type[Exception] = driver.library().Error if connect is driver.connect else OSError
    return errors


_ledgers: "weakref.WeakSet[SqliteLedger]" = weakref.WeakSet()
_inherited: list[object] = []  # connections of a parent: never used, never closed, for closing could drop its locks


def _after_fork() -> None:
    for ledger in list(_ledgers):
        _inherited.append(ledger._db)  # noqa: SLF001 - our own
        ledger._forget()  # noqa: SLF001 - our own


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
