"""A bakery to turn the wheel in: processes, heads, trials and benches, with a clock that stands still."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from kaizen.journal import Head, History, Journal, UnderWay
from kaizen.ledgers.memory import MemoryLedger
from kaizen.metric import Guard, higher, lower
from kaizen.parameter import Real, Switch, Whole
from kaizen.plan import Stop
from kaizen.process import Policy, Process, check_process
from kaizen.setting import Numbers, Setting
from kaizen.standard import Increment, Standard
from kaizen.testing.clock import VirtualClock
from kaizen.trial import Block, Design, Fault, Reading, Run, Trial
from kaizen.workshop import Workshop

HEAT = Real(name="heat", low=160.0, high=260.0)
MINUTES = Whole(name="minutes", low=20, high=60)
STEAM = Switch(name="steam")
TASTE = higher("taste", scale="difference", worthwhile=0.5)
SIZE = lower("size", exact=True)


class Scripted:
    """A planner that answers as it was told to (a plan, or a function of the journal), then stops."""

    def __init__(self, *plans: Any) -> None:
        self.plans = list(plans)
        self.journals = []

    def plan(self, journal: Any, *, advice: Any, prospect: Any, seed: Any) -> Any:
        self.journals.append(journal)
        plan = self.plans.pop(0) if self.plans else Stop(because="nothing more was planned")
        return plan(journal) if callable(plan) else plan


class Bakery:
    """Makes what a test needs."""

    Scripted = Scripted
    taste, size = TASTE, SIZE
    crash = Fault(reason="crash")

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.ledger = MemoryLedger(clock=self.clock.wall, monotonic=self.clock.monotonic)
        self._coins = 0

    def process(self, *metrics: Any, guards: Any = (), constraints: Any = (), **policy: Any) -> Any:
        return check_process(
            Process(
                name="loaf",
                parameters=(HEAT, MINUTES, STEAM),
                metrics=metrics or (TASTE,),
                standard=Setting(heat=220.0, minutes=40, steam=False),
                guards=guards,
                constraints=constraints,
                policy=Policy(**policy),
            )
        )

    def increment(self, of: Any = 1, null: Any = False, **changes: Any) -> Any:
        before = Setting(heat=220.0, minutes=40, steam=False)
        after = before if null else Setting({**before, **(changes or {"heat": 230.0})})
        return Increment(of=of, before=before, after=after, because="why not", by="ana")

    def reading(self, *values: Any, **named: Any) -> Any:
        return Reading(values=Numbers(named or {"taste": values[0]}))

    def pair(self, number: Any, standard: Any, increment: Any) -> Any:
        sides = [v if v is None or isinstance(v, Fault | Reading) else self.reading(v) for v in (standard, increment)]
        return Block(number=number, standard=sides[0], increment=sides[1])

    def trial(
        self,
        *pairs: Any,
        metrics: Any = (TASTE,),
        guards: Any = (),
        alpha: Any = 0.025,
        most: Any = 40,
        number: Any = 1,
        of: Any = 1,
        null: Any = False,
        method: Any = "",
        **changes: Any,
    ) -> Any:
        """Return a trial of pairs (standard, increment)."""
        return Trial(
            id=number,
            increment=self.increment(of=of, null=null, **changes),
            design=Design(metrics=metrics, guards=guards, alpha=alpha, pairs=most, coins=7, method=method),
            purpose="null" if null else "trial",
            blocks=tuple(self.pair(n, *pair) for n, pair in enumerate(pairs)),
        )

    def head(self, *trials: Any, process: Any = None, verdict: Any = None, **fields: Any) -> Any:
        process = process or self.process()
        standard = Standard(number=1, setting=process.standard, evidence="given", because="as described", by="ana")
        opens = tuple(UnderWay(trial=trial, verdict=verdict) for trial in trials)
        return Head(
            seq=1,
            process=process,
            **{"standard": standard, "trials": opens, "next_run": 100, "next_trial": 9, **fields},
        )

    def journal(self, head: Any, **fields: Any) -> Any:
        return Journal(head=head, history=History(self.ledger, "loaf"), **fields)

    def run(self, number: Any, **fields: Any) -> Any:
        setting = Setting(heat=200.0 + number, minutes=40, steam=False)
        return Run(**{"id": number, "setting": setting, "purpose": "scout", "of": 1, **fields})

    def workshop(self, *plans: Any, planner: Any = None, ledger: Any = None) -> Any:
        def coins() -> Any:
            self._coins += 1
            return self._coins

        return Workshop(ledger or self.ledger, root=Path(), planner=planner or Scripted(*plans), coins=coins)

    def bench(self, *plans: Any, process: Any = None, planner: Any = None, **policy: Any) -> Any:
        return self.workshop(*plans, planner=planner).describe(process or self.process(**policy))

    def play(self, bench: Any, measure: Any, *, most: Any = 200) -> Any:
        """Ask and answer until there is nothing to ask for; return why and the runs made."""
        from kaizen.errors import OutOfTurn

        made = []
        while len(made) < most:
            try:
                run = bench.ask()
            except OutOfTurn as rest:
                return rest.message, made
            made.append(run)
            told = measure(run)
            if isinstance(told, Fault):
                bench.fault(run, told.note, reason=told.reason)
            else:
                bench.tell(run, told if isinstance(told, dict) else {"taste": told})
        return "", made

    def kinds(self, bench: Any) -> Any:
        return [type(record.entry).__name__ for record in bench.log]

    def heat(self, **fields: Any) -> Any:
        return msgspec.structs.replace(HEAT, **fields)

    def setting(self, **values: Any) -> Any:
        return Setting(values)

    replace = staticmethod(msgspec.structs.replace)
    guard = staticmethod(Guard)


@pytest.fixture
def bakery() -> Any:
    """A bakery of the test's own."""
    return Bakery()


@pytest.fixture(scope="session")
def new_bakery() -> Any:
    """Where examples of one test each need a bakery of their own."""
    return Bakery
