"""The gate before a ledger: processes and threads queue here, so that none starves and none retries.

SQLite's own waiting is sleep and retry: of 8 writers one may wait 8 s while another writes 1,000 times. A lock
of the operating system on a file beside the ledger is a queue. It goes with the process that held it, however
that ends.
"""

import os
import sys
import threading
import time
import weakref
from typing import ClassVar, Self

from kaizen.errors import Stuck


class Gate:
    """One gate per path and process; re-entrant in a thread."""

    _gates: ClassVar["weakref.WeakValueDictionary[str, Gate]"] = weakref.WeakValueDictionary()
    _guard: ClassVar = threading.Lock()

    def __init__(self, path: str) -> None:
        """Stand before ``path``; ``Gate.at`` gives two users of one path the same gate."""
        self._path = path
        self._line = threading.RLock()
        self._depth = 0
        self._file: int | None = None

    @classmethod
    def at(cls, path: str) -> "Gate":
        """Return the process's one gate at ``path``."""
        with cls._guard:
            gate = cls._gates.get(path)
            if gate is None:
                gate = cls._gates[path] = cls(path)
            return gate

    @classmethod
    def forget(cls) -> None:
        """Let a forked child begin anew: what its parent holds is not the child's."""
        for gate in list(cls._gates.values()):
            gate._abandon()  # noqa: SLF001 - our own
        cls._gates = weakref.WeakValueDictionary()
        cls._guard = threading.Lock()

    def _abandon(self) -> None:
        """Close the parent's file (the lock stays the parent's); a turn under way in the child ends in nothing."""
        file, self._file = self._file, None
        self._line, self._depth = threading.RLock(), 0
        if file is not None:
            os.close(file)

    def __enter__(self) -> Self:
        """Wait in line."""
        self._line.acquire()
        try:
            if self._depth == 0:
                self._wait()
            self._depth += 1
        except OSError as error:
            self._line.release()
            raise Stuck(
                f"the ledger's gate {self._path} must be a file that can be locked; got {error.strerror or error}",
                hint="the ledger's directory must be on this machine and writable",
            ) from error
        except BaseException:
            self._line.release()
            raise
        return self

    def _wait(self) -> None:
        """Take the file's lock; a file that was removed meanwhile is no gate any more."""
        while True:
            if self._file is None:
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
            _lock(self._file)
            try:
                if os.path.samestat(os.stat(self._path), os.fstat(self._file)):  # noqa: PTH116 - pathlib is not loaded
                    return
            except FileNotFoundError:
                pass
            file, self._file = self._file, None
            os.close(file)

    def __exit__(self, *_: object) -> None:
        """Let the next one in."""
        if self._depth == 0:  # a child forked within its parent's turn
            return
        self._depth -= 1
        if self._depth == 0 and self._file is not None:
            _unlock(self._file)
        self._line.release()

    def __del__(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        while True:
            try:
                os.lseek(file, 0, os.SEEK_SET)
                return msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
            except PermissionError:
                time.sleep(0.005)

    def _unlock(file: int) -> None:
        os.lseek(file, 0, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX)

    def _unlock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)

    os.register_at_fork(after_in_child=Gate.forget)
