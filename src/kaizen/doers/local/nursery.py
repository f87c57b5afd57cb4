"""The supervisor's side: how a guardian is born, and what the supervisor holds of it.

A command's guardian is forked by the *nursery*, a small fresh interpreter, for two reasons. The kernel counts the
memory of whoever forked a command as the command's own peak: under a supervisor of 160 MiB no command would read less;
from the nursery the least is about 9. And a supervisor may have threads and open ledgers, which nobody should fork.
A function lives in the supervisor's memory, so its guardian is forked from there.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from kaizen.doers.local import guard
from kaizen.doers.local.ended import Ended
from kaizen.errors import Stuck

_ours: set[int] = (
    set()
)  # ends that only a supervisor may hold; a child that held one would keep a dead supervisor alive
GRACE_S = guard.PATIENCE_S + 1
"""How long a guardian may take to end once it was let go of, before it is killed itself."""
_KILLED = "the guardian of the run was killed, so the work was killed too"
_SCRIPT = "import sys; sys.path.insert(0, sys.argv[1]); import guard; guard.serve(int(sys.argv[2]))"


class _Born(msgspec.Struct, frozen=True, kw_only=True):
    """The line that a guardian tells first."""

    guardian: int
    work: int


class Guarded:
    """What the supervisor holds of one guarded run: the pipe that keeps it alive and the pipe that tells its end."""

    def __init__(self, *, within: float | None, out: int, err: int, token: str) -> None:
        """Make the pipes; the guardian is yet to be born."""
        alive, self.alive = os.pipe()
        self.report, report = os.pipe()
        os.set_blocking(self.report, False)
        _ours.update((self.alive, self.report))
        self.task = guard.Task(alive=alive, report=report, out=out, err=err, within=within)
        self.token = token
        self.child: int | None = None
        self._heard = b""

    def born(self, child: int | None = None) -> None:
        """Let go of the guardian's own ends; ``child`` is its process id, if it is ours to reap."""
        os.close(self.task.alive)
        os.close(self.task.report)
        self.child = child

    def poll(self) -> Ended | None:
        """Return how it ended, or ``None`` while it runs."""
        try:
            while part := os.read(self.report, 65_536):
                self._heard += part
        except BlockingIOError:
            return None
        lines = [line for line in self._heard.splitlines(keepends=True) if line.endswith(b"\n")]
        ends = [msgspec.json.decode(line, type=Ended) for line in lines if b'"ended"' in line]
        self._bury(None if ends or not lines else msgspec.json.decode(lines[0], type=_Born))
        return ends[-1] if ends else Ended(ended="guardian", note=_KILLED)

    def let_go(self) -> None:
        """Let go of what keeps it alive: the guardian kills everything and ends, in its own time."""
        self._drop("alive")

    def kill(self) -> None:
        """Let go, and return when the guardian has ended; one that does not is killed itself."""
        self.let_go()
        watch = select.poll()
        watch.register(self.report, select.POLLIN)
        until = time.monotonic() + GRACE_S
        while self.poll() is None:
            watch.poll(50)
            if time.monotonic() > until and self._heard:
                guard.kill(msgspec.json.decode(self._heard.splitlines()[0], type=_Born).guardian)

    def never_born(self) -> None:
        """Close the pipes of a guardian that could not be born."""
        for end in (self.task.alive, self.task.report):
            with contextlib.suppress(OSError):
                os.close(end)
        for name in ("alive", "report"):
            self._drop(name)

    def _bury(self, born: _Born | None) -> None:
        """Reap the guardian; where it was killed (``born`` is what it had told), kill what it would have killed."""
        for end in ("alive", "report"):
            self._drop(end)
        if self.child is not None:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.child, 0)
            self.child = None
        if born is not None and guard.LINUX:
            guard.hunt(born.guardian, self.token)
        elif born is not None:
            guard.kill_group(born.work)

    def _drop(self, end: str) -> None:
        descriptor = getattr(self, end)
        if descriptor >= 0:
            _ours.discard(descriptor)
            os.close(descriptor)
            setattr(self, end, -1)


class Nursery:
    """A small process that forks guardians of commands; it ends when the supervisor lets go of it, or dies."""

    def __init__(self) -> None:
        """Start it.

        Raises:
            Stuck: no Python can be started.
        """
        ours, theirs = socket.socketpair()
        folder = str(Path(guard.__file__).parent)
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _SCRIPT, folder, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            raise Stuck(
                f"the nursery of commands must start; got {error}", hint=f"it runs {sys.executable!r}"
            ) from error
        finally:
            theirs.close()
        self.line = ours
        _ours.add(ours.fileno())

    def bear(self, guarded: Guarded, order: dict[str, Any]) -> None:
        """Have a guardian forked for an order.

        Raises:
            OSError: the nursery is gone.
        """
        text = json.dumps(order).encode()
        socket.send_fds(self.line, [len(text).to_bytes(8, "big")], list(guarded.task[:4]), socket.MSG_NOSIGNAL)
        self.line.sendall(text)
        guarded.born()

    @property
    def lives(self) -> bool:
        """Whether it can still be asked."""
        return self.process.poll() is None

    def close(self) -> None:
        """Let go of it and reap it."""
        _ours.discard(self.line.fileno())
        self.line.close()
        try:
            self.process.wait(timeout=guard.PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


def bear(guarded: Guarded, work: guard.Work) -> None:
    """Fork a guardian from this very process, for a work that lives in its memory."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()  # or the child would print it again
    guarded.born(guard.fork_guardian(guarded.task, work))


def _forget_in_child() -> None:
    """Put nothing in the place of our ends in any fork of this process; a number merely closed would be used again."""
    if _ours:
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in _ours:
            os.dup2(null, descriptor, inheritable=False)
        os.close(null)
    _ours.clear()


os.register_at_fork(after_in_child=_forget_in_child)
