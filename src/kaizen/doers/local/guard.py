"""The guardian of one run: it starts the work, measures it, and ends it with everything that the work started.

It waits for three things at once: the end of the work, the run's own limit, and the end of a pipe whose other end only
the supervisor holds. Whichever comes first, no descendant of the work is left behind:

* Linux: the guardian is the *subreaper* of all that descends from it, daemons included; the work itself dies with the
  guardian (``PR_SET_PDEATHSIG``, which fires when the *thread* that forked ends; the guardian has one).
* elsewhere: the work's process group is killed; what left it by ``setsid`` is out of reach.

Only the standard library, and nothing else of Kaizen: the nursery loads this file alone. It runs in forked children,
so it never returns into its caller's frames.
"""

import contextlib
import ctypes
import gc
import json
import math
import os
import resource
import select
import signal
import socket
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, NoReturn

LINUX = sys.platform == "linux"
PATIENCE_S = 10.0
"""How long to go on killing what will not die (the kernel may hold it) before giving up."""
_PDEATHSIG, _SUBREAPER = 1, 36  # <linux/prctl.h>
_MIB = 1 << 20
_LIBC = ctypes.CDLL(None, use_errno=True) if LINUX else None


class Task(NamedTuple):
    """What the guardian needs to know of a run: four descriptors and the run's limits."""

    alive: int
    """Ends when the supervisor is gone or lets go."""
    report: int
    out: int
    err: int
    within: float | None
    """Seconds."""


Work = Callable[[Callable[[], None]], None]
"""What runs in the work's process; it calls what it is given at the moment from which it wants to be measured."""


def guard(task: Task, work: Work) -> NoReturn:
    """Guard one run in this process, just forked with all signals blocked; it never returns."""
    status = 1
    try:
        os.setsid()
        gc.disable()  # a collection would copy the supervisor's pages for nothing
        _fresh_signals()
        _Guardian(task).run(work)
        status = 0
    except BaseException as error:  # noqa: BLE001 - the last frame of this process
        with contextlib.suppress(OSError):
            say(task.report, ended="error", note=f"{type(error).__name__}: {error}")
    finally:
        os._exit(status)


class _Guardian:
    """The guardian's own state, all of it in one process that does nothing else."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.reaper = prctl(_SUBREAPER, 1)
        self.usage: resource.struct_rusage | None = None
        self.status = 0
        self.work = 0
        self.told = -1
        self.said: dict[str, Any] = {}
        self.wake, self.tell = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(self.tell, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.tell, warn_on_full_buffer=False)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    def run(self, work: Work) -> None:
        """Start the work, wait for its end, sweep, and report."""
        self._start(work)
        started = time.monotonic()
        try:
            how = self._wait(started)
            ended = time.monotonic()
        finally:
            self._sweep()
        if how == "gone":
            with contextlib.suppress(OSError):  # it may have let go of this pipe too
                say(self.task.report, ended="gone")
            return
        begun = self._begun(started)
        if "error" in self.said:
            say(self.task.report, ended="error", note=self.said["error"])  # it never began
            return
        usage = self.usage
        spent = usage.ru_utime + usage.ru_stime - self.said.get("cpu", 0.0) if usage else 0.0
        peak = usage.ru_maxrss / (1024 if LINUX else _MIB) if usage else 0.0  # macOS counts bytes
        say(
            self.task.report,
            ended=how,
            status=self.status,
            seconds=ended - begun,
            cpu_seconds=max(0.0, spent),
            peak_memory=peak,
        )

    def _start(self, work: Work) -> None:
        """Fork the work; it begins once the supervisor has been told its process group."""
        guardian = os.getpid()
        gate, opener = os.pipe()
        self.told, teller = os.pipe()
        os.set_blocking(self.told, False)
        self.work = os.fork()
        if self.work == 0:
            for fd in (opener, self.told, self.wake, self.tell, self.task.alive, self.task.report):
                os.close(fd)
            _be_the_work(self.task, work, gate=gate, teller=teller, guardian=guardian)
        _close_others({0, 1, 2, self.task.alive, self.task.report, self.wake, self.tell, opener, self.told})
        with contextlib.suppress(OSError):  # both sides do it, so that it is done whoever comes first
            os.setpgid(self.work, self.work)
        say(self.task.report, guardian=guardian, work=self.work)
        os.write(opener, b"g")
        os.close(opener)

    def _wait(self, started: float) -> str:
        """Return ``exit``, ``timeout`` or ``gone`` (the supervisor is)."""
        watch = select.poll()
        watch.register(self.task.alive, select.POLLIN)
        watch.register(self.wake, select.POLLIN)
        limit = self.task.within
        while True:
            left = None if limit is None else started + limit - time.monotonic()
            if limit is not None and left is not None and left <= 0:
                self._reap()  # it may have ended in time while we were not looking
                if self.usage is not None:
                    return "exit"
                left = self._begun(started) + limit - time.monotonic()  # starting took a moment that is not the work's
                if left <= 0:
                    return "timeout"
            milliseconds = None if left is None else min(math.ceil(left * 1000), 3_600_000)
            ready = [fd for fd, _ in watch.poll(milliseconds)]
            if self.wake in ready:
                self._drain()
                self._reap()
                if self.usage is not None:
                    return "exit"
            if self.task.alive in ready:
                return "gone"

    def _reap(self) -> bool:
        """Reap whatever has ended; tell whether any child is left."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.work:
                self.status, self.usage = status, usage

    def _sweep(self) -> None:
        """Kill all that descends from the work, and reap it."""
        if not self.reaper or self.usage is None:
            kill_group(self.work)
        watch = select.poll()
        watch.register(self.wake, select.POLLIN)
        until = time.monotonic() + PATIENCE_S
        while self._reap() and time.monotonic() < until:
            for pid in _descendants(os.getpid()):
                kill(pid)
            watch.poll(5)
            self._drain()

    def _begun(self, started: float) -> float:
        """Return when the work began, in its own words if it has said; a second word says that it failed."""
        with contextlib.suppress(BlockingIOError):
            for line in os.read(self.told, 65_536).splitlines():
                self.said |= json.loads(line)
        return float(self.said.get("at", started))

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self.wake, 4096):
                pass


def _be_the_work(task: Task, work: Work, *, gate: int, teller: int, guardian: int) -> NoReturn:
    """Become the work: own process group, own descriptors; never returns."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setpgid(0, 0)
        prctl(_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guardian or os.read(gate, 1) != b"g":
            os._exit(status)  # the guardian died before it could report us
        null = os.open(os.devnull, os.O_RDONLY)
        for fd, place in ((null, 0), (task.out, 1), (task.err, 2)):
            os.dup2(fd, place)
        for fd in (null, task.out, task.err, gate):
            os.close(fd)

        def begin() -> None:
            used = resource.getrusage(resource.RUSAGE_SELF)
            say(teller, at=time.monotonic(), cpu=used.ru_utime + used.ru_stime)

        work(begin)
        status = 0
    except BaseException as error:  # noqa: BLE001 - the last frame of this process
        with contextlib.suppress(OSError):
            say(teller, error=_sentence(error))
    finally:
        os._exit(status)


def command_work(order: dict[str, Any]) -> Work:
    """Return a work that becomes ``/bin/sh -c command`` in the order's directory, environment and memory (MiB)."""
    environment = {os.fsencode(name): os.fsencode(value) for name, value in order["environment"].items()}
    arguments = ["/bin/sh", "-c", order["command"]]

    def work(begin: Callable[[], None]) -> None:
        os.chdir(order["directory"])
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them; a command should not
            signal.signal(number, signal.SIG_DFL)
        begin()
        if order["memory"] is not None:
            limit_memory(order["memory"])
        os.execve(arguments[0], arguments, environment)  # noqa: S606 - arguments[0] is the shell

    return work


def limit_memory(mebibytes: float) -> None:
    """Limit this process's address space; nothing happens on macOS, which does not enforce it."""
    if sys.platform == "darwin":
        return
    wanted = int(mebibytes * _MIB)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def serve(descriptor: int) -> None:
    """Be the nursery: fork a guardian for every order that comes, until the supervisor lets go."""
    os.set_inheritable(descriptor, False)  # or every command would hold on to it
    line = socket.socket(fileno=descriptor)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # guardians, and what a killed guardian leaves, are reaped unasked
    prctl(_SUBREAPER, 1)
    guardians: set[int] = set()
    try:
        while True:
            head, descriptors, _, _ = socket.recv_fds(line, 8, 4)
            if len(head) < 8:
                return
            order = json.loads(_exactly(line, int.from_bytes(head, "big")))
            for fd in descriptors:
                os.set_inheritable(fd, False)
            task = Task(*descriptors[:4], order["within"])  # type: ignore[call-arg] # four of them come with every order
            guardians.add(fork_guardian(task, command_work(order)))
            for fd in descriptors:
                os.close(fd)
    finally:
        _sweep_strays(guardians)


def _sweep_strays(guardians: set[int]) -> None:
    """Kill what killed guardians have left to a nursery whose supervisor is gone (Linux); the others sweep themselves."""
    until = time.monotonic() + PATIENCE_S
    while LINUX and time.monotonic() < until:
        children = [pid for pid, parent, _, state in processes() if parent == os.getpid() and state not in "ZX"]
        if not children:
            return
        for pid in children:
            if pid not in guardians:
                kill(pid)  # what it has started is the nursery's next
        time.sleep(0.005)


def fork_guardian(task: Task, work: Work) -> int:
    """Fork a guardian and return its process id; signals wait until both sides are themselves."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        with warnings.catch_warnings():  # 3.12 warns of the threads of OpenBLAS, which knows how to be forked
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            guard(task, work)
        return pid
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def hunt(session: int, token: str) -> None:
    """Kill what a killed guardian left: its session, and whatever carries its token in the environment (Linux)."""
    until = time.monotonic() + PATIENCE_S
    mark = token.encode()
    while time.monotonic() < until:
        left = [
            pid for pid, _, of, state in processes() if state not in "ZX" and (of == session or _carries(pid, mark))
        ]
        if not left:
            return
        for pid in left:
            if pid != os.getpid():
                kill(pid)
        time.sleep(0.002)


def processes() -> Iterator[tuple[int, int, int, str]]:
    """Walk all processes (Linux): process, parent, session, state."""
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib would take the nursery long to load
        if name.isdecimal():
            with contextlib.suppress(OSError, ValueError, IndexError):
                words = _read(f"/proc/{name}/stat").rpartition(b")")[2].split()
                yield int(name), int(words[1]), int(words[3]), words[0].decode()


def kill(pid: int) -> None:
    """Kill a process, if it is there and may be killed."""
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)


def kill_group(group: int) -> None:
    """Kill a process group, if it is there and may be killed."""
    with contextlib.suppress(OSError):
        os.killpg(group, signal.SIGKILL)


def prctl(option: int, value: int) -> bool:
    """Set a process option of Linux; tell whether it is set."""
    return _LIBC is not None and _LIBC.prctl(option, ctypes.c_ulong(value), 0, 0, 0) == 0


def say(descriptor: int, **words: object) -> None:
    """Write one line of JSON."""
    os.write(descriptor, json.dumps(words).encode() + b"\n")


def _descendants(ancestor: int) -> list[int]:
    if not LINUX:
        return []
    children: dict[int, list[int]] = {}
    for pid, parent, _, _ in processes():
        children.setdefault(parent, []).append(pid)
    found = list(children.get(ancestor, ()))
    for pid in found:  # grows while it is walked
        found += children.get(pid, ())
    return found


def _read(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 - as above
        return file.read()


def _carries(pid: int, mark: bytes) -> bool:
    try:
        return mark in _read(f"/proc/{pid}/environ")
    except OSError:
        return False


def _fresh_signals() -> None:
    """Forget the supervisor's signal handlers; they are about things that are not here."""
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)) and number != signal.SIGINT:
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.set_wakeup_fd(-1)


def _close_others(kept: set[int]) -> None:
    """Close every descriptor but ``kept``: a pipe's end held here by mistake would keep a dead supervisor alive."""
    try:
        opened = [int(name) for name in os.listdir("/dev/fd")]  # noqa: PTH208 - as above
    except OSError:
        opened = list(range(os.sysconf("SC_OPEN_MAX")))
    for fd in opened:
        if fd not in kept:
            with contextlib.suppress(OSError):  # the listing's own descriptor is gone already
                os.close(fd)


def _sentence(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"the command could not be started: {error.strerror}{f': {error.filename}' if error.filename else ''}"
    return f"the work could not be started: {type(error).__name__}: {error}"


def _exactly(line: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = line.recv(min(size, _MIB))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
