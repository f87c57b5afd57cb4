"""The laws of the wheel, under everything that can happen to it, on two ledgers in lockstep.

Two handles write to one ledger: they ask, tell, fault, tell late, twice and by number, propose, consent, refuse, roll
back, correct, amend, pull the andon and clear it, die and come back, while leases run out by a clock of the test's own.
The same is done to a ledger in memory and to one in a file, which must agree on every answer, error, record and row.

``KAIZEN_LAWS=long`` looks longer (``make laws``).
"""

import itertools
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kaizen.cycle import next_step
from kaizen.errors import KaizenError
from kaizen.folding import fold
from kaizen.ledger import Adopted, Asked, Faulted, Judged, Late, Opened, Told
from kaizen.ledgers.memory import MemoryLedger
from kaizen.ledgers.sqlite import SqliteLedger
from kaizen.metric import Guard, higher, lower
from kaizen.parameter import Real, Switch, Whole
from kaizen.plan import Plan, Scout, Stop
from kaizen.planners.steps import SmallSteps
from kaizen.process import Policy, Process, check_process
from kaizen.setting import Numbers, Setting
from kaizen.standard import Standard, increment
from kaizen.testing.clock import VirtualClock
from kaizen.trial import Run
from kaizen.workshop import Workshop
from kaizen.workshop.bench import Bench

LONG = os.environ.get("KAIZEN_LAWS") == "long"
LIMIT = 0.5  # A: large, so that a few pairs prove something and standards follow each other quickly
LEASE = 30.0

TASTE = higher("taste", scale="difference", worthwhile=0.5)
SIZE = lower("size", exact=True)
PEOPLE = st.sampled_from(["ana", "bo", "cy"])
HANDLES = st.integers(0, 1)
ANY = st.integers(0, 1_000)


class Busy:
    """A planner that scouts, proposes or stops, as the number of the last record has it."""

    def plan(self, journal: Any, *, advice: Any, prospect: Any, seed: int) -> Plan:
        """Return what this place in the record calls for."""
        head = journal.head
        heat = 200.0 + head.seq % 29
        changes = {"heat": heat if heat != head.standard.setting["heat"] else 250.0}
        match head.seq % 5:
            case 0:
                return Stop(because="as it is")
            case 1 | 2:
                return Scout(setting=head.process.changed(head.standard.setting, changes), because="to see")
        return increment(head.process, head.standard, changes, because="why not", by="busy")


class Side:
    """One ledger with two handles; all that is random or timed comes from outside."""

    def __init__(self, clock: VirtualClock, place: Path | None, planner: Any) -> None:
        """Open a ledger at ``place``, or one in memory."""
        self._clock = clock
        self._place = place
        self._planner = planner
        self._coins = itertools.count(1)
        self._memory = MemoryLedger(clock=clock.wall, monotonic=clock.monotonic)
        self.open()

    def open(self) -> None:
        """Make both handles anew: nothing of the old ones is left but the ledger."""
        ledgers = [self._ledger() for _ in range(2)]
        self.shops = [
            Workshop(ledger, root=Path(), planner=self._planner(), coins=lambda: next(self._coins))
            for ledger in ledgers
        ]

    def _ledger(self) -> Any:
        if self._place is None:
            return self._memory
        return SqliteLedger(self._place, clock=self._clock.wall, monotonic=self._clock.monotonic)

    def crash(self) -> None:
        """Drop both handles in the middle of whatever they were at."""
        self.close()
        self.open()

    def close(self) -> None:
        """Let go of the file."""
        for shop in self.shops:
            shop.close()

    def bench(self, handle: int) -> Bench:
        """Return the process as one of the handles has it."""
        return self.shops[handle]["loaf"]


def described(metrics: Any, policy: Any, *, guarded: bool) -> Process:
    """Return the process that is turned."""
    return check_process(
        Process(
            name="loaf",
            parameters=(
                Real(name="heat", low=160.0, high=260.0),
                Whole(name="minutes", low=20, high=60),
                Switch(name="steam"),
            ),
            metrics=metrics,
            standard=Setting(heat=220.0, minutes=40, steam=False),
            guards=(Guard(metric=metrics[0].name, at_most=60.0 if metrics[0] == TASTE else 790.0),) if guarded else (),
            policy=Policy(false_adoptions=LIMIT, share=0.5, pairs=8, **policy),
        )
    )


class TheWheel(RuleBasedStateMachine):
    """Turns the wheel at random."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="kaizen-laws-"))
        self.clock = VirtualClock()
        self.sides: list[Side] = []
        self.hand: list[Run] = []  # handed out and kept in mind, lost ones, too
        self.told: list[tuple[Any, ...]] = []
        self.seen = 0
        self.head: Any = None
        self.budget: int | None = None
        self.steps = 0

    @initialize(
        metrics=st.sampled_from([(TASTE,), (SIZE,), (TASTE, SIZE)]),
        consent=st.sampled_from(["automatic", "ana"]),
        trials=st.integers(1, 4),
        runs=st.sampled_from([None, 12, 40]),
        guarded=st.booleans(),
        planner=st.sampled_from([Busy, Busy, SmallSteps]),
    )
    def describe(self, metrics: Any, consent: str, trials: int, runs: int | None, guarded: bool, planner: Any) -> None:
        """Describe one process, at both places, through both handles."""
        process = described(metrics, {"consent": consent, "trials": trials, "runs": runs}, guarded=guarded)
        self.budget = runs
        self.sides = [Side(self.clock, None, planner), Side(self.clock, self.directory / "ledger.db", planner)]
        for side in self.sides:
            for shop in side.shops:
                shop.describe(process)

    def teardown(self) -> None:
        """Compare everything once more; what the file holds must be sound, and rebuild to the same."""
        if self.sides:
            self.whole()
            file = self.sides[1].shops[0].ledger
            assert file.verify() == []
            file.rebuild()
            self.same_rows()
            for side in self.sides:
                side.close()
        shutil.rmtree(self.directory)

    def both(self, handle: int, deed: Any) -> Any:
        """Do the same at both places; return the answer, or ``None`` for the error they agree on."""
        answers = []
        for side in self.sides:
            try:
                answers.append((deed(side.bench(handle)), None))
            except KaizenError as error:
                answers.append((None, (type(error), error.message)))
        assert answers[0] == answers[1]
        return answers[0][0]

    # ── work ────────────────────────────────────────────────────────────────────────────────────────────────────────
    @rule(handle=HANDLES, by=PEOPLE, n=st.sampled_from([1, 1, 2, 3]), lease=st.sampled_from([None, LEASE, LEASE]))
    def ask(self, handle: int, by: str, n: int, lease: float | None) -> None:
        """Take runs."""
        got = self.both(handle, lambda bench: bench.ask(by, n, lease=lease))
        self.hand.extend([got] if isinstance(got, Run) else got or ())

    @precondition(lambda self: self.hand)
    @rule(
        handle=HANDLES, pick=ANY, value=st.integers(0, 9), number=st.booleans(), keep=st.booleans(), keyed=st.booleans()
    )
    def tell(self, handle: int, pick: int, value: int, number: bool, keep: bool, keyed: bool) -> None:
        """Answer a run that somebody has, or has lost meanwhile; perhaps keep it in mind, to answer again otherwise."""
        run = self.hand[pick % len(self.hand)]
        reading = self.reading(run, value)
        key = f"key {run.id} {run.attempt}" if keyed else ""
        deed = (run.id if number else run, reading, key)
        if self.both(handle, lambda bench: bench.tell(deed[0], deed[1], key=deed[2], seconds=1.0)) is not None:
            self.told.append(deed)
        if not keep:
            self.hand.remove(run)

    @rule(handle=HANDLES, by=PEOPLE, units=st.integers(1, 9), value=st.integers(0, 4), agree=st.booleans())
    def turn(self, handle: int, by: str, units: int, value: int, agree: bool) -> None:
        """Take two runs and answer them, several times: trials come to an end, by what the heat does."""
        if agree and self.waiting:
            self.decide(handle, "ana", agree=agree)
        for _ in range(units):
            runs = self.both(handle, lambda bench: bench.ask(by, 2, lease=LEASE)) or ()
            for run in runs:
                reading = self.reading(run, value)
                self.both(handle, lambda bench, run=run, reading=reading: bench.tell(run, reading))

    @rule(handle=HANDLES, by=PEOPLE, other=PEOPLE, twice=st.booleans(), late=st.booleans())
    def lose(self, handle: int, by: str, other: str, twice: bool, late: bool) -> None:
        """Take runs and go silent, once or twice; perhaps answer when it is too late."""
        silent = list(self.both(handle, lambda bench: bench.ask(by, 2, lease=LEASE)) or ())
        self.clock.advance(LEASE + 1)
        again = list(self.both(1 - handle, lambda bench: bench.ask(other, 2, lease=LEASE)) or ())
        if twice:
            self.clock.advance(LEASE + 1)
            self.both(handle, lambda bench: bench.wheel.settle())
        for run in silent if late else ():
            reading = self.reading(run, 3)
            self.both(handle, lambda bench, run=run, reading=reading: bench.tell(run, reading, by=by))
        self.hand.extend(again)

    @precondition(lambda self: self.told)
    @rule(handle=HANDLES, pick=ANY)
    def tell_again(self, handle: int, pick: int) -> None:
        """Send the very same answer once more: it must change nothing, whoever sends it."""
        run, reading, key = self.told[pick % len(self.told)]
        before = self.answers(run)
        self.both(handle, lambda bench: bench.tell(run, reading, key=key, seconds=1.0))
        assert self.answers(run) == before

    def answers(self, run: Run | int) -> list[Any]:
        """Return what was ever answered of a run; that it was lost is no answer."""
        number = run if isinstance(run, int) else run.id
        entries = [record.entry for record in self.memory.log]
        return [e for e in entries if isinstance(e, Told | Late) and e.run == number]

    @precondition(lambda self: self.hand)
    @rule(handle=HANDLES, pick=ANY, reason=st.sampled_from(["crash", "told"]))
    def fault(self, handle: int, pick: int, reason: str) -> None:
        """Report that a run gave no reading."""
        run = self.hand.pop(pick % len(self.hand))
        self.both(handle, lambda bench: bench.fault(run, reason=reason))

    @rule(seconds=st.sampled_from([1.0, LEASE / 2, LEASE + 1, 10 * LEASE]))
    def wait(self, seconds: float) -> None:
        """Let time go by: leases run out."""
        self.clock.advance(seconds)

    @rule(handle=HANDLES, by=PEOPLE, lease=st.sampled_from([0.0, LEASE]))
    def renew(self, handle: int, by: str, lease: float) -> None:
        """Beat the heart of a worker, or give up what it has."""
        self.both(handle, lambda bench: bench.wheel.ledger.renew("loaf", by, lease))

    @rule()
    def crash(self) -> None:
        """Lose both handles, and what they had in mind."""
        for side in self.sides:
            side.crash()

    @rule(handle=HANDLES)
    def settle(self, handle: int) -> None:
        """Take the steps that hand nothing out; nothing is left on an old standard."""
        self.both(handle, lambda bench: bench.wheel.settle())
        head = self.memory.head
        assert all(open_.trial.increment.of == head.standard.number for open_ in head.trials)
        assert all(waiting.increment.of == head.standard.number for waiting in head.proposals)

    # ── people ──────────────────────────────────────────────────────────────────────────────────────────────────────
    @rule(
        handle=HANDLES,
        heat=st.integers(195, 260),
        steam=st.booleans(),
        by=PEOPLE,
        null=st.sampled_from([False] * 5 + [True]),
    )
    def propose(self, handle: int, heat: int, steam: bool, by: str, null: bool) -> None:
        """Propose an increment, or now and then a copy of the standard."""
        if null:
            self.both(handle, lambda bench: bench.propose_null(by=by))
        else:
            self.both(handle, lambda bench: bench.propose(heat=float(heat), steam=steam, because="why not", by=by))

    @precondition(lambda self: self.waiting)
    @rule(handle=HANDLES, by=st.sampled_from(["ana", "ana", "bo"]), agree=st.booleans())
    def decide(self, handle: int, by: str, *, agree: bool) -> None:
        """Agree to what waits for consent, or do not."""
        self.both(handle, lambda bench: (bench.consent if agree else bench.refuse)(by, "so"))

    @rule(handle=HANDLES, kind=st.integers(0, 11), heat=st.integers(160, 260))
    def upset(self, handle: int, kind: int, heat: int) -> None:
        """Move the ground on which the wheel stands: a rollback, a standard from outside, the andon, an amendment."""
        if kind < 2:
            self.rollback(handle, (None, 1)[kind])
        elif kind == 2:
            self.declare(handle, heat)
        elif kind < 5:
            self.both(handle, lambda bench: bench.andon("it burns", by="cy"))
        else:
            self.amend(handle, kind - 5)

    def rollback(self, handle: int, to: int | None) -> None:
        """Go back to an earlier standard."""
        self.both(handle, lambda bench: bench.rollback("too dark", to=to))

    def declare(self, handle: int, heat: int) -> None:
        """Move the standard from outside, without a word to what stands on it."""

        def deed(bench: Bench) -> Any:
            head = bench.head
            setting = Setting({**head.standard.setting, "heat": float(heat)})
            standard = Standard(
                number=head.standard.number + 1,
                setting=setting,
                evidence="declared",
                because="so",
                by="loop",
                of=head.standard.number,
            )
            if head.process.allows(setting):
                bench.wheel.ledger.append("loaf", [Adopted(standard=standard)], by="loop", after=head.seq)

        self.both(handle, deed)

    @precondition(lambda self: self.memory.runs)
    @rule(handle=HANDLES, pick=ANY, value=st.integers(0, 9))
    def correct(self, handle: int, pick: int, value: int) -> None:
        """Correct a reading of an open trial, of a closed one, of none; or try to, of a run that is under way."""
        runs = self.memory.runs
        run = runs[pick % len(runs)]
        self.both(handle, lambda bench: bench.correct(run.id, self.reading(run, value), because="a comma"))

    def amend(self, handle: int, kind: int) -> None:
        """Change words, patience, consent, ranges, constraints or metrics."""
        process = self.memory.process
        low = 165.0 if process.parameters[0].low == 160.0 else 160.0
        changes: dict[str, Any] = [
            {"about": f"edition {self.steps}"},
            {"policy": msgspec.structs.replace(process.policy, pairs=6 + self.steps % 3)},
            {
                "policy": msgspec.structs.replace(
                    process.policy, consent="ana" if process.policy.consent == "automatic" else "automatic"
                )
            },
            {"parameters": (Real(name="heat", low=low, high=260.0), *process.parameters[1:])},
            {"constraints": () if process.constraints else ("heat + minutes <= 310",)},
            {"metrics": (TASTE, SIZE) if process.metrics == (TASTE,) else (TASTE,), "guards": ()},
            {
                "parameters": (Real(name="heat", low=low, high=215.0), *process.parameters[1:]),
                "standard": Setting(heat=200.0, minutes=40, steam=False),
            },
        ][kind]
        self.both(handle, lambda bench: bench.amend(msgspec.structs.replace(process, **changes), because="so"))

    @precondition(lambda self: self.sides and self.memory.head.andon is not None)
    @rule(handle=HANDLES, by=PEOPLE)
    def clear(self, handle: int, by: str) -> None:
        """Clear the andon."""
        self.both(handle, lambda bench: bench.clear("it does not burn", by=by))

    @rule(handle=HANDLES, by=PEOPLE, kind=st.integers(0, 2))
    def say(self, handle: int, by: str, kind: int) -> None:
        """Speak, report a run made elsewhere, or retract a lesson."""
        deeds: list[Any] = [
            lambda bench: bench.voice("too dark", by=by),
            lambda bench: bench.report_run(
                bench.standard.setting, self.reading(bench.standard, 4), source="log", key=f"log {self.steps % 3}"
            ),
            lambda bench: bench.retract(1, "the oven was cold", by=by),
        ]
        self.both(handle, deeds[kind])

    # ── the laws ────────────────────────────────────────────────────────────────────────────────────────────────────
    @invariant()
    def the_laws_hold(self) -> None:
        """After every deed, all of them."""
        if self.sides:
            self.steps += 1
            self.the_same_at_both_places()
            self.the_next_step_is_always_known()
            self.the_budgets_hold()

    def the_same_at_both_places(self) -> None:
        """Records, heads and leases agree, seqs have no gap, and the head is the fold of all records."""
        memory, file = (side.shops[0].ledger for side in self.sides)
        fresh = list(memory.read("loaf", after=self.seen))
        assert fresh == list(file.read("loaf", after=self.seen))
        assert [record.seq for record in fresh] == list(range(self.seen + 1, self.seen + len(fresh) + 1))
        self.head = fold(fresh, self.head)
        self.seen += len(fresh)
        assert self.head == memory.head("loaf") == file.head("loaf")
        assert memory.leases("loaf") == file.leases("loaf")
        if self.steps % 8 == 0:
            self.same_rows()
            self.whole()

    def the_next_step_is_always_known(self) -> None:
        """The table has a row for every journal, and looking changes nothing: twice the same, before and after."""
        for handle in (0, 1):
            steps = [next_step(side.bench(handle).journal) for side in self.sides]
            assert steps[0] == steps[1] == next_step(self.sides[0].bench(handle).journal)
        assert self.memory.head == self.head

    def the_budgets_hold(self) -> None:
        """Alpha is charged within the error budget; runs are made within theirs, but for late answers."""
        head = self.head
        assert head.charged <= LIMIT * (head.counts.adopted + 1) + 1e-12
        if self.budget is not None:
            assert head.spent.runs + sum(run.attempt > 0 for run in head.runs) <= self.budget + head.counts.late

    def whole(self) -> None:
        """Hold all records together against the laws that span them."""
        records = list(self.sides[0].shops[0].ledger.read("loaf"))
        assert fold(records) == self.head
        entries = [record.entry for record in records]
        answers = Counter(entry.run for entry in entries if isinstance(entry, Told | Faulted))
        assert all(count == 1 for count in answers.values())
        sides: dict[Any, list[Any]] = {}
        for run in {run.id: run for entry in entries if isinstance(entry, Asked) for run in entry.runs}.values():
            for seat in run.seats():
                sides.setdefault(seat, []).append(run.side)
        assert all(sorted(pair) == ["increment", "standard"] for pair in sides.values())
        numbers = [standard.number for standard in self.memory.standards]
        assert numbers == list(range(1, len(numbers) + 1))
        self.proof(entries)

    def proof(self, entries: list[Any]) -> None:
        """What is adopted as proven was opened as a trial, and the last word on it was *better*."""
        opened: dict[int, Any] = {}
        verdicts: dict[int, Any] = {}
        for entry in entries:
            if isinstance(entry, Opened):
                opened[entry.trial.id] = entry.trial
            elif isinstance(entry, Judged):
                verdicts[entry.trial] = entry.verdict
            elif isinstance(entry, Adopted) and entry.standard.evidence == "proven":
                trial = opened[entry.standard.trial]
                assert trial.purpose == "trial"
                assert verdicts[trial.id].decision == "better"
                assert trial.increment.of == entry.standard.of

    def same_rows(self) -> None:
        """All rows of the history agree."""
        memory, file = (side.shops[0].ledger for side in self.sides)
        for table in ("runs", "trials", "standards", "lessons"):
            assert getattr(memory, table)("loaf") == getattr(file, table)("loaf"), table

    # ── parts ───────────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def memory(self) -> Bench:
        """The bench of the first handle, in memory."""
        return self.sides[0].bench(0)

    @property
    def waiting(self) -> bool:
        """Whether a trial waits for consent."""
        return bool(self.sides) and any(open_.verdict is not None for open_ in self.memory.head.trials)

    def reading(self, run: Any, value: int) -> Numbers:
        """Return a reading: increments are mostly better, ``value`` makes it luck; exact metrics mostly repeat."""
        heat = float(run.setting["heat"])
        taste = heat / 4 + value + getattr(run, "id", 0) % 7 / 8
        made = {"taste": taste, "size": 1000.0 - heat + (value == 9)}
        return Numbers({metric.name: made[metric.name] for metric in self.memory.process.metrics})


TheWheel.TestCase.settings = settings(
    max_examples=600 if LONG else 60,
    stateful_step_count=120 if LONG else 50,
    deadline=None,
    phases=tuple(Phase) if LONG else (Phase.explicit, Phase.reuse, Phase.generate),  # shrinking takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
TestTheWheel = TheWheel.TestCase
