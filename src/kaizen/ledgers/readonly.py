"""Somebody else's ledger, read and never touched: no lock is held on it, and no file is made beside it.

A ledger that nobody has open is read as it lies (``immutable``), and looked at again if it has changed meanwhile. One whose
log (``-wal``) is in use is read through that log and its index as its writers keep them, which are only read, too; the
connection is closed after each look, so that those writers may clear the log away. Whatever cannot be read raises.
"""

# os.path is loaded already, pathlib is not.
# ruff: noqa: PTH100, PTH110, PTH116

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from kaizen.errors import Damaged, Malformed, Newer, Stuck
from kaizen.journal import Head, Kept, Tested, Tried
from kaizen.ledger import Record
from kaizen.ledgers import codec, driver, tables
from kaizen.ledgers import statements as sql
from kaizen.verdict import Lesson

T = TypeVar("T")

_TRIES = 5  # looks at a ledger that changes all the while
_PAGE = 1_000  # records fetched at a time
_BUSY = 2.0  # seconds to wait for whoever holds it locked
_SETTINGS = ("query_only = ON", "mmap_size = 0", "trusted_schema = OFF", "cell_size_check = ON")
_LOCKED = (5, 6, 15)


class _Stamp(NamedTuple):
    """What tells whether a file is still what was read."""

    file: tuple[int, ...]
    log: tuple[int, ...] | None
    """``None`` where there is no log, or nothing in it: the file itself holds everything."""


class ReadOnlyLedger:
    """The ledger in the file ``path``, to be looked at. Implements ``Memory``, and ``read``."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Look whether there is a ledger.

        Raises:
            Stuck: it is gone, locked, or in use on another machine.
            Malformed: the file is no ledger.
            Newer: a later release wrote it.
            Damaged: it cannot be read.
        """
        self.path = os.path.abspath(os.fspath(path))
        self._lock = threading.RLock()
        self._db: driver.Connection | None = None
        self._stamp: _Stamp | None = None
        self._heads: dict[str, Head | None] = {}
        self._names: tuple[str, ...] | None = None
        self.origin = self._look(
            lambda db: (db.execute("SELECT hash FROM entry WHERE seq = 1").fetchone() or (b"",))[0]
        )
        """The hash of its first entry: a copy of a ledger has the same."""

    def close(self) -> None:
        """Close the file; the next look opens it again."""
        with self._lock:
            db, self._db, self._stamp = self._db, None, None
            self._heads, self._names = {}, None
            if db is not None:
                db.close()

    def check(self) -> None:
        """Look at every page and every head.

        Raises:
            Damaged: something is not sound.
        """
        found = self._look(lambda db: [row[0] for row in db.execute("PRAGMA quick_check(1)").fetchall()])
        if found != ["ok"]:
            raise Damaged(
                f"{self.path} must be a sound ledger; got {found[0]}",
                hint=f"kaizen doctor --ledger {self.path} tells more",
            )
        for name in self.processes():
            self.head(name)

    # ── Memory ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def processes(self) -> tuple[str, ...]:
        """Return the names of all processes, in the order they were described."""
        with self._lock:
            if self._names is None or self._moved():
                names = self._look(lambda db: tuple(name for (name,) in db.execute(sql.PROCESSES).fetchall()))
                self._names = names
            return self._names

    def head(self, process: str) -> Head | None:
        """Return what is open now, or ``None`` for an unknown process."""
        with self._lock:
            if process not in self._heads or self._moved():
                found = self._look(lambda db: db.execute(sql.HEAD, (process,)).fetchone())
                self._heads[process] = None if found is None else codec.decode_head(found[1], found[2])
            return self._heads[process]

    def runs(self, process: str, *, number: int | None = None, fingerprint: str | None = None, trial: int | None = None,
             of: int | None = None, after: int = 0, latest: int | None = None,
             first: int | None = None) -> tuple[Tried, ...]:  # fmt: skip
        """Return finished runs in order of ``seq`` (see ``Memory.runs``)."""
        clauses = (
            (sql.OF_NUMBER, number),
            (sql.OF_FINGERPRINT, fingerprint),
            (sql.OF_TRIAL, trial),
            (sql.OF_STANDARD, of),
        )
        wanted = [pair for pair in clauses if pair[1] is not None]
        if first is not None:
            return self._look(lambda db: tables.first_runs(db, process, after, first, wanted))
        return self._look(lambda db: tables.read_runs(db, process, after, latest, wanted))

    def trials(self, process: str) -> tuple[Tested, ...]:
        """Return all trials in order of opening."""
        return self._rows("trial", process)

    def standards(self, process: str) -> tuple[Kept, ...]:
        """Return all standards in order of number."""
        return self._rows("standard", process)

    def lessons(self, process: str) -> tuple[Lesson, ...]:
        """Return all lessons in order, retracted ones, too."""
        return self._rows("lesson", process)

    def read(self, process: str | None = None, *, after: int = 0, limit: int | None = None) -> Iterator[Record]:
        """Walk the records behind ``after`` in order, of one process or of all."""
        while limit is None or limit > 0:
            page = self._page(process, after, _PAGE if limit is None else min(_PAGE, limit))
            yield from (_record(row) for row in page)
            if len(page) < _PAGE:
                return
            after = page[-1][0]
            limit = None if limit is None else limit - _PAGE

    def _page(self, process: str | None, after: int, wanted: int) -> Sequence[tuple[Any, ...]]:
        if process is None:
            return self._look(lambda db: db.execute(sql.READ, (after, wanted)).fetchall())
        return self._look(lambda db: db.execute(sql.READ_OF, (process, after, wanted)).fetchall())

    def _rows(self, table: str, process: str) -> tuple[Any, ...]:
        bodies = self._look(lambda db: db.execute(sql.ROWS[table], (process,)).fetchall())
        return tuple(codec.decode_row(table, body) for (body,) in bodies)

    # ── the connection ────────────────────────────────────────────────────────────────────────────────────────────────
    def _look(self, ask: Callable[[driver.Connection], T]) -> T:
        """Ask the database; anew where it changed meanwhile, for then the answer may be of neither state."""
        error = driver.library().Error
        with self._lock:
            for _ in range(_TRIES):
                stamp = self._open()
                try:
                    assert self._db is not None, "opened just now"
                    found = ask(self._db)
                except error as fault:
                    if not self._moved():
                        raise _translated(self.path, fault) from fault
                else:
                    if stamp.log is not None:
                        self._let_go()
                        return found
                    if not self._moved():
                        return found
                self.close()
        raise Stuck(f"{self.path} must hold still to be read; got one that changes all the while", hint="try again")

    def _open(self) -> _Stamp:
        """Open the file in the way that leaves no trace; what was read before it changed is forgotten."""
        stamp = _stamp(self.path)
        if stamp is None:
            raise Stuck(
                f"an attached ledger must be there; got nothing at {self.path}", hint="put it back, or detach it"
            )
        if self._db is not None and stamp == self._stamp:
            return stamp
        if stamp != self._stamp:
            self.close()
        with driver.Translated(self.path, driver.library().Error):
            db = _connect(self.path, stamp)
            try:
                _welcome(self.path, db)
            except BaseException:
                db.close()
                raise
        self._db, self._stamp = db, stamp
        return stamp

    def _let_go(self) -> None:
        """Close the connection alone: what was read stays known until the file changes."""
        db, self._db = self._db, None
        if db is not None:
            db.close()

    def _moved(self) -> bool:
        return self._stamp is None or _stamp(self.path) != self._stamp


def _stamp(path: str) -> _Stamp | None:
    """Return the stamp of a file and its log; ``None`` where there is no file."""
    file = _told(path)
    if file is None:
        return None
    log = _told(f"{path}-wal")
    return _Stamp(file, log if log is not None and log[2] else None)


def _told(path: str) -> tuple[int, ...] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _connect(path: str, stamp: _Stamp) -> driver.Connection:
    """Open the file as it lies, or where its log is in use through that.

    Raises:
        Stuck: the log lacks its index, without which it cannot be read in place; or it is written on another machine.
    """
    if stamp.log is None:
        how = "immutable=1"
    elif (kind := driver.file_system(stamp.file[0])) in driver.NETWORKED:
        raise Stuck(
            f"a ledger on {kind} must be closed to be read from here; got {path}, which somebody has open",
            hint="attach a backup of it: kaizen backup",
        )
    elif not os.path.exists(f"{path}-shm"):
        raise Stuck(
            f"{path} must be closed or whole to be read; got a log without its index (-shm)",
            hint=f"whoever may write there runs: kaizen doctor --ledger {path}",
        )
    else:
        how = "mode=ro&readonly_shm=1"
    plain = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23").replace("\\", "/")
    named = f"file:{plain}" if plain.startswith("/") else f"file:///{plain}"
    made: driver.Connection = driver.library().connect(
        f"{named}?{how}", uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY
    )
    return made


def _welcome(path: str, db: driver.Connection) -> None:
    """Look whose file it is, and of which release."""
    for setting in _SETTINGS:
        db.execute(f"PRAGMA {setting}").fetchall()
    if db.execute("PRAGMA application_id").fetchone()[0] != sql.APPLICATION:
        raise Malformed(f"{path} must be a Kaizen ledger; got another file", hint="name another file")
    schema = db.execute("PRAGMA user_version").fetchone()[0]
    if schema > sql.SCHEMA:
        raise Newer(f"the ledger {path} must be of schema <= {sql.SCHEMA}; got {schema}", hint="upgrade kaizen-engine")
    if schema < 1:
        raise Damaged(f"the ledger {path} must say its schema; got {schema}", hint="restore it from a backup")


def _translated(path: str, error: Exception) -> Exception:
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in _LOCKED:
        return Stuck(f"{path} must be free to be read; got {error}", hint="another program holds it locked: try again")
    return driver.translate(path, error)


def _record(row: tuple[Any, ...]) -> Record:
    seq, process, at, by, kind, schema, body, key = row
    return Record(seq=seq, process=process, at=at, by=by, entry=codec.decode(kind, schema, body), key=key)
