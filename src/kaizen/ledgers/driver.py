"""SQLite as we use it: which library, how a connection is set, and what its errors mean to a person."""

# os.path is loaded already, pathlib is not.
# ruff: noqa: PTH112, PTH116, PTH120, PTH123

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from types import TracebackType
from typing import Any, Protocol

from kaizen.errors import Damaged, KaizenError, Malformed, Stuck

WAL_RESET_BUG = ((3, 7, 0), (3, 51, 2))
"""From and to: these may damage a ledger that two processes write to (https://sqlite.org/wal.html#walresetbug)."""
NETWORKED = frozenset(
    {"nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "fuse.sshfs", "sshfs", "9p", "afs", "ncpfs"}
)
"""File systems on which two machines' writes would mix: WAL shares memory, and they do not."""

_BUSY = 5_000  # ms, a second belt: whoever comes through the gate finds nobody else writing
_CACHE = 16_384  # KiB

Row = tuple[Any, ...]


class Cursor(Protocol):
    """The answer to a statement."""

    def fetchone(self) -> Any:
        """Return the next row."""
        ...

    def fetchall(self) -> list[Any]:
        """Return all further rows."""
        ...

    def __iter__(self) -> Any:
        """Walk the rows."""
        ...


class Connection(Protocol):
    """The little of ``sqlite3.Connection`` that is used; its ``Error`` is what it raises."""

    @property
    def Error(self) -> type[Exception]:  # noqa: N802 - its name in the DB-API
        """The root of its errors."""
        ...

    @property
    def in_transaction(self) -> bool:
        """Whether something is begun and not ended."""
        ...

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Cursor:
        """Run one statement."""
        ...

    def close(self) -> None:
        """End."""
        ...


Connect = Callable[[str], Connection]


def library() -> Any:
    """Return a DB-API module over a sound SQLite.

    Raises:
        Stuck: there is none.
    """
    try:
        return import_module("pysqlite3")
    except ImportError:
        module = import_module("sqlite3")
    version = tuple(module.sqlite_version_info[:3])
    first, last = WAL_RESET_BUG
    if first <= version <= last:
        bad = ".".join(map(str, last))
        raise Stuck(
            f"SQLite must be newer than {bad}, whose log can damage a shared file; got {module.sqlite_version}",
            hint="pip install pysqlite3 brings a sound one",
        )
    return module


def connect(path: str) -> Connection:
    """Open ``path`` with the library at hand; transactions begin when we say so."""
    made: Connection = library().connect(path, isolation_level=None, check_same_thread=False, timeout=_BUSY / 1000)
    return made


def prepare(db: Connection) -> None:
    """Set a connection: an append is on the disk when it returns, and no page is trusted unread.

    ``EXTRA`` is ``FULL`` for a log; while a new ledger is made, which needs a rollback journal, it also syncs that
    journal's removal: ``benchmarks.power`` found a journal that came back, and took the first records with it.
    """
    for setting in ("synchronous = EXTRA", "mmap_size = 0", "trusted_schema = OFF", "cell_size_check = ON",
                    f"busy_timeout = {_BUSY}", f"cache_size = -{_CACHE}"):  # fmt: skip
        db.execute(f"PRAGMA {setting}").fetchall()
    if sys.platform == "darwin":  # fsync there does not reach the disk
        db.execute("PRAGMA fullfsync = ON").fetchall()
        db.execute("PRAGMA checkpoint_fullfsync = ON").fetchall()


def check_place(path: str) -> None:
    """Refuse a place where no ledger can live.

    Raises:
        Stuck: no such directory, a directory itself, or a network file system.
    """
    directory = os.path.dirname(path)
    if not os.path.isdir(directory):
        raise Stuck(f"the ledger's directory must exist; got {directory}", hint=f"mkdir -p {directory}")
    if os.path.isdir(path):
        raise Stuck(f"a ledger must be a file; got the directory {path}", hint="name a file in it, such as ledger.db")
    kind = file_system(os.stat(directory).st_dev)
    if kind in NETWORKED:
        raise Stuck(
            f"a ledger must be on a disk of this machine; got {directory}, which is on {kind}",
            hint="keep it on a local disk and let others reach it with kaizen serve",
        )


def file_system(device: int, mounts: Iterable[str] | None = None) -> str:
    """Return the kind of file system on a device, or ``""`` where the platform does not say.

    ``mounts`` are lines as of Linux's ``/proc/self/mountinfo``.
    """
    if mounts is None:
        try:
            with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as lines:
                mounts = lines.readlines()
        except OSError:
            return ""
    number = f"{os.major(device)}:{os.minor(device)}" if hasattr(os, "major") else ""
    for line in mounts:
        before, _, behind = line.partition(" - ")
        if before.split(" ")[2:3] == [number]:
            return behind.split(" ")[0]
    return ""


class Translated:
    """While inside, what SQLite and the machine raise is said as one of our own errors."""

    def __init__(self, path: str, errors: type[Exception]) -> None:
        """Speak of ``path``; ``errors`` is the root of what the library raises."""
        self._path = path
        self._errors = errors

    def __enter__(self) -> None:
        """Begin to listen."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Say it in our words."""
        if isinstance(error, self._errors):
            raise translate(self._path, error) from error
        if isinstance(error, OverflowError):
            raise Malformed(f"a number must be within 64 bits; got {error}") from error


def translate(path: str, error: Exception) -> KaizenError:
    """Return what an error of SQLite means, by its result code."""
    code = getattr(error, "sqlite_errorcode", None)
    found = f"got {str(error).strip() or type(error).__name__}"
    doctor = f"kaizen doctor says what is damaged; otherwise restore {path} from a backup"
    match None if code is None else code & 0xFF:
        case 13:
            return Stuck(
                f"the disk of {path} must have room; {found}", hint="free some space, then repeat: nothing was written"
            )
        case 8 | 3 | 23:
            return Stuck(
                f"{path} must be writable; {found}", hint="look at the permissions of the file and of its directory"
            )
        case 14:
            return Stuck(
                f"{path} must be a file that can be opened; {found}", hint="look at its directory and permissions"
            )
        case 5 | 6 | 15:
            return Stuck(
                f"{path} must be free for writing; {found}", hint="another program holds it locked: end it, then repeat"
            )
        case 10 | 7 | 9 | 22:
            return Stuck(
                f"{path} must be on a disk that reads and writes; {found}",
                hint="look at the machine's own log, then repeat",
            )
        case 18:
            return Malformed(
                f"an entry must be smaller than 1 GB; {found}", hint="keep large things in files, and their names here"
            )
        case 26:
            return Malformed(
                f"{path} must be a Kaizen ledger; {found}",
                hint="name another file; if it was one, restore it from a backup",
            )
        case _:
            return Damaged(f"{path} must be a sound ledger; {found}", hint=doctor)
