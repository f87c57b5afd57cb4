"""Turning a process's wheel with workers on this machine, until there is a reason to rest."""

import time
from collections.abc import Callable
from typing import Protocol

import msgspec

from kaizen.cycle import Rest
from kaizen.do import Doer, Done
from kaizen.journal import Head
from kaizen.ledger import Amended, Entry
from kaizen.process import Policy, check_policy
from kaizen.trial import Run
from kaizen.workshop.bench import Bench
from kaizen.workshop.turning import Asker

_WAIT = 0.2  # seconds a look for finished runs may take


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """What a watcher is shown: the head, and the runs under way here."""

    head: Head
    running: tuple[Run, ...]
    done: Done | None = None
    rest: Rest | None = None
    """Why the wheel rests; the last moment has one."""


class Watcher(Protocol):
    """Is told what happens; an exception it raises stops the improving."""

    def __call__(self, moment: Moment) -> None:
        """Look at one moment."""
        ...


class Improving:
    """One stretch of improving: workers, their units of work, heartbeats, and a clean end."""

    def __init__(
        self,
        bench: Bench,
        doer: Doer,
        *,
        workers: int,
        asker: Asker,
        watch: Watcher,
        clock: Callable[[], float] = time.monotonic,
        hand_out: Callable[[Asker], tuple[Run, ...] | Rest] | None = None,
    ) -> None:
        """Wire a bench to a doer; ``asker`` says under which name and lease runs are taken.

        ``hand_out`` gives the next unit of work instead of the wheel.
        """
        self._bench = bench
        self._doer = doer
        self._workers = workers
        self._asker = asker
        self._watch = watch
        self._clock = clock
        self._hand_out = hand_out or bench.wheel.next_unit
        self._units: dict[int, list[Run]] = {}  # by the run under way: what its worker does after it
        self._running: dict[int, Run] = {}
        self._renewed = clock()
        self.stopping = False
        """Set it to hand nothing new out and end after the units under way."""

    def turn(self) -> Rest:
        """Turn the wheel until it rests, and say why; kill what runs if interrupted or broken."""
        rest: Rest | None = None
        try:
            while rest is None or self._running:
                rest = self._fill()
                for done in self._doer.wait(_WAIT) if self._running else ():
                    self._finish(done)
                    rest = None
                self._heartbeat()
        finally:
            self._doer.close()
            self._bench.wheel.expire(self._asker.holder)
        self._watch(Moment(head=self._bench.head, running=(), rest=rest))
        return rest

    def _fill(self) -> Rest | None:
        """Give every free worker a unit; return why not, if the wheel rests."""
        while len(self._running) < self._workers:
            if self.stopping:
                return Rest(reason="stop", because="you stopped it")
            unit = self._hand_out(self._asker)
            if isinstance(unit, Rest):
                return unit
            self._start(list(unit))
        return None

    def _start(self, unit: list[Run]) -> None:
        run, rest = unit[0], unit[1:]
        self._doer.start(run)
        self._running[run.id] = run
        self._units[run.id] = rest
        self._watch(Moment(head=self._bench.head, running=tuple(self._running.values())))

    def _finish(self, done: Done) -> None:
        """Write what came of a run, then start the next of its unit."""
        self._bench.answer(done.run, done.outcome, by=self._asker.by, spend=done.spend, conditions=done.conditions)
        del self._running[done.run.id]
        rest = self._units.pop(done.run.id)
        self._watch(Moment(head=self._bench.head, running=tuple(self._running.values()), done=done))
        if rest:
            self._start(rest)

    def _heartbeat(self) -> None:
        lease = self._asker.lease
        if lease is not None and self._clock() - self._renewed > lease / 3:
            self._bench.wheel.ledger.renew(self._bench.name, self._asker.holder, lease)
            self._renewed = self._clock()


def grant(bench: Bench, *, runs: int | str | None, seconds: float | None, money: float | None, by: str) -> None:
    """Write a wanted budget into the process's policy: in all, or ``'+60'`` more runs than are spent.

    Raises:
        Malformed: no such number.
    """

    def decide(head: Head) -> tuple[Entry, ...]:
        policy = _granted(head, runs, seconds, money)
        if policy == head.process.policy:
            return ()
        return (Amended(process=msgspec.structs.replace(head.process, policy=policy), because="another budget"),)

    bench.wheel.command(decide, by=by)


def _granted(head: Head, runs: int | str | None, seconds: float | None, money: float | None) -> Policy:
    policy = head.process.policy
    changes: dict[str, float | int] = {}
    if runs is not None:
        changes["runs"] = head.spent.runs + int(runs) if isinstance(runs, str) and runs.startswith("+") else int(runs)
    if seconds is not None:
        changes["seconds"] = seconds
    if money is not None:
        changes["money"] = money
    granted = msgspec.structs.replace(policy, **changes)
    check_policy(granted)
    return granted
