"""The doer of this machine: it starts runs, waits for them, and says what came of them."""

import contextlib
import math
import os
import select
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Protocol, Self

from kaizen.do import Done
from kaizen.doers.local.bare import Bare
from kaizen.doers.local.ended import Ended
from kaizen.doers.local.reads import Left, Reader
from kaizen.doers.local.surroundings import TOKEN, conditions, environment, flaw
from kaizen.doers.local.worktree import inside, worktree
from kaizen.errors import KaizenError, Malformed, OutOfTurn, Stuck
from kaizen.parameter import Revision
from kaizen.process import Function, Process, Shell
from kaizen.trial import Fault, Outcome, Run, Spend

if TYPE_CHECKING:
    from kaizen.doers.local.nursery import Guarded, Nursery

FORKS = hasattr(os, "fork")
_LOOK_S = 0.01  # how often to look after a run that has no pipe to wait on


class _Held(Protocol):
    """A run that goes on."""

    def poll(self) -> Ended | None: ...
    def let_go(self) -> None: ...
    def kill(self) -> None: ...


class _Going(NamedTuple):
    run: Run
    held: _Held
    began: float
    out: BinaryIO
    err: BinaryIO
    result: BinaryIO | None

    def shut(self) -> None:
        for file in (self.out, self.err, self.result):
            if file is not None:
                file.close()


class LocalDoer:
    """Carries runs out on this machine, each under a guardian; a context manager.

    It has no threads: starting and waiting is all it does, and it must be used by the thread and process that made it.
    """

    def __init__(
        self, process: Process, *, directory: Path, state: Path, ledger: Path | None = None,
        function: Callable[..., object] | None = None, clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """Prepare to carry out runs of ``process``; nothing is started yet.

        ``directory`` is the recipe's, ``state`` a place for our own files, ``function`` what a process of a
        function calls. A function sees nothing of what is open in ``state`` or at ``ledger``.

        Raises:
            Malformed: work for people, a function that is missing or cannot be forked, a pattern nobody can read.
        """
        self.process = process
        self.directory = directory.resolve()
        self.state = state.resolve()
        self._private = (f"{self.state}{os.sep}", *([str(ledger.resolve())] if ledger else []))
        self.function = function
        self.clock = clock
        self._revision = next((p.name for p in process.parameters if isinstance(p, Revision)), "")
        self._check()
        self.state.mkdir(parents=True, exist_ok=True)
        self._reader = Reader(process)
        self._conditions = conditions(process)
        self._nursery: Nursery | None = None
        self._trees: dict[str, Path] = {}
        self._going: list[_Going] = []
        self._ended: list[Done] = []
        self._owner = os.getpid()
        self._closed = False

    def start(self, run: Run) -> None:
        """Begin a run and return at once; one that cannot even begin is a fault.

        Raises:
            OutOfTurn: the doer is closed, or belongs to another process.
            Stuck: no file or process can be made.
        """
        if self._closed or os.getpid() != self._owner:
            raise OutOfTurn("a doer must be open, in the process that made it; got one that is not")
        began = self.clock()
        variables = environment(self.process, run)
        fault = flaw(variables)
        try:
            place = self._place(run)
        except KaizenError as error:
            fault = error.message
            place = self.directory
        if fault:
            self._ended.append(self._done(run, Fault(reason="crash", note=fault), seconds=0.0))
            return
        files = self._files()
        try:
            held = self._begin(run, variables, place, files)
        except BaseException:
            for file in files:
                file.close()
            raise
        out, err, *result = files
        self._going.append(_Going(run, held, began, out, err, result[0] if result else None))

    def wait(self, seconds: float) -> tuple[Done, ...]:
        """Return what has ended; wait up to ``seconds`` for the first, or not at all where nothing goes on."""
        until = self.clock() + seconds
        while True:
            ended = self._collect()
            left = until - self.clock()
            if ended or not self._going or left <= 0:
                return ended
            self._sleep(left)

    def close(self) -> None:
        """Kill what is still running; return when it is dead."""
        if os.getpid() != self._owner:
            return
        self._closed = True
        for going in self._going:
            going.held.let_go()
        while self._going:
            going = self._going.pop()
            going.held.kill()
            going.shut()
        if self._nursery is not None:
            self._nursery.close()
            self._nursery = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def _check(self) -> None:
        name, work = self.process.name, self.process.work
        if not isinstance(work, Shell | Function):
            raise Malformed(f"the work of {name} must be a command or a function; got one for people, who ask and tell")
        if isinstance(work, Function):
            if not callable(self.function):
                raise Malformed(f"the function of {name} must be callable; got {self.function!r}")
            if not FORKS:
                raise Malformed(f"the work of {name} must be a command where there is no fork; got a function")
            if self._revision:
                raise Malformed(
                    f"the work of {name} must be a command, since its code may change; got a function",
                    hint="a function that is already loaded cannot become another revision of itself",
                )

    def _place(self, run: Run) -> Path:
        """Return where the work runs: the recipe's directory, or the same place in the revision's worktree."""
        below = self.process.work.directory if isinstance(self.process.work, Shell) else "."
        if self._revision and self._revision in run.setting:
            commit = str(run.setting[self._revision])
            if commit not in self._trees or not self._trees[commit].is_dir():  # git is asked once for each
                self._trees[commit] = inside(self.directory, worktree(self.directory, commit, self.state))
            return self._trees[commit] / below
        return self.directory / below

    def _files(self) -> tuple[BinaryIO, ...]:
        """Make files without a name, which are gone with the last process that holds them."""
        count = 3 if isinstance(self.process.work, Function) else 2
        files: list[BinaryIO] = []
        try:
            for _ in range(count):
                files.append(tempfile.TemporaryFile(dir=self.state, buffering=0))  # noqa: PERF401, SIM115 - closed by _Going
        except OSError as error:
            for file in files:
                file.close()
            raise Stuck(f"{self.state} must take the output of runs; got {error}") from error
        return tuple(files)

    def _begin(self, run: Run, variables: dict[str, str], place: Path, files: tuple[BinaryIO, ...]) -> _Held:
        work = self.process.work
        assert isinstance(work, Shell | Function)
        if not FORKS:
            assert isinstance(work, Shell)
            return Bare(
                work.command, directory=place, environment=variables, within=work.within, out=files[0], err=files[1]
            )
        from kaizen.doers.local import call, nursery

        token = f"{TOKEN}={variables[TOKEN]}"
        out, err, *result = (file.fileno() for file in files)
        guarded = nursery.Guarded(within=work.within, out=out, err=err, token=token)
        try:
            if isinstance(work, Shell):
                self._order(guarded, {
                    "command": work.command, "directory": str(place), "environment": variables,
                    "within": work.within, "memory": work.memory,
                })  # fmt: skip
            else:
                assert self.function is not None
                nursery.bear(guarded, call.function_work(
                    self.function, run.setting, environment=variables, memory=work.memory,
                    result=result[0], private=self._private,
                ))  # fmt: skip
        except (OSError, Stuck) as error:
            guarded.never_born()
            if isinstance(error, Stuck):
                raise
            raise Stuck(
                f"a process must start for {run}; got {error}", hint="too many processes or open files?"
            ) from error
        return guarded

    def _order(self, guarded: "Guarded", order: dict[str, Any]) -> None:
        """Have the nursery bear a guardian; a nursery that somebody killed is replaced once."""
        from kaizen.doers.local.nursery import Nursery

        if self._nursery is not None and self._nursery.lives:
            with contextlib.suppress(OSError):
                self._nursery.bear(guarded, order)
                return
        if self._nursery is not None:
            self._nursery.close()
        self._nursery = Nursery()
        self._nursery.bear(guarded, order)

    def _collect(self) -> tuple[Done, ...]:
        for going in tuple(self._going):
            ended = going.held.poll()
            if ended is None:
                continue
            self._going.remove(going)
            if ended.ended == "guardian":  # nobody measured it
                ended = Ended(ended=ended.ended, note=ended.note, seconds=self.clock() - going.began)
            said = self._reader.read(Left(ended, going.out, going.err, going.result))
            going.shut()
            self._ended.append(self._done(going.run, said.outcome, seconds=ended.seconds, money=said.money))
        done, self._ended = tuple(self._ended), []
        return done

    def _done(self, run: Run, outcome: Outcome, *, seconds: float, money: float = 0.0) -> Done:
        spend = Spend(runs=1, seconds=seconds, money=money)
        return Done(run=run, outcome=outcome, spend=spend, conditions=self._conditions)

    def _sleep(self, seconds: float) -> None:
        """Sleep until a guardian tells something, or until the time is over."""
        pipes = [report for going in self._going if (report := getattr(going.held, "report", None)) is not None]
        if len(pipes) < len(self._going):
            time.sleep(min(seconds, _LOOK_S))
            return
        watch = select.poll()
        for pipe in pipes:
            watch.register(pipe, select.POLLIN)
        watch.poll(min(math.ceil(seconds * 1000), 3_600_000))
