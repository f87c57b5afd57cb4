"""Turning the wheel: look at the journal, take the next step, append what follows from it.

Whoever holds a ``Wheel`` turns it by the same table (``cycle.next_step``); the ledger's queue and optimistic
lock make many turners one after another.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from kaizen import act, cycle
from kaizen.check import Judge, design, guard_broken, promised
from kaizen.do import block_runs
from kaizen.errors import Clash, Undeclared
from kaizen.evidence.honest import FIRST
from kaizen.explanation import Explainer, Explanation
from kaizen.journal import Head, History, Journal, Memory, Proposal, Tested, UnderWay, sides
from kaizen.ledger import (
    Adopted,
    Amended,
    Asked,
    Entry,
    Faulted,
    Judged,
    Leases,
    Ledger,
    Opened,
    Proposed,
    Record,
    Refused,
    RolledBack,
    Scouted,
    Turns,
)
from kaizen.listen import Listener
from kaizen.plan import Advice, Plan, Planner, Scout, Stop
from kaizen.reports.lines import titled
from kaizen.setting import Numbers, Setting
from kaizen.standard import Increment, null_increment
from kaizen.trial import Block, Fault, Purpose, Run, Spend, Trial
from kaizen.verdict import Prospect, Stopped, Verdict
from kaizen.veteran import transfer
from kaizen.veteran.nod import Nod
from kaizen.workshop import heeding
from kaizen.workshop.planning import PolicysPlanner

_WATCHED = 5  # times the patience of a trial: the most pairs of a watch
_PAST = 200  # trials from which it is learned how good changes are


class Store(Ledger, Turns, Leases, Memory, Protocol):
    """Everything a workshop needs of a ledger."""


class Asker(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks for runs, and how long a silence means that they are lost."""

    by: str
    lease: float | None = None
    holder: str = ""


class Wheel:
    """The wheel of one process: its ledger, judge and planner, and what they have looked at."""

    def __init__(
        self,
        ledger: Store,
        process: str,
        *,
        judge: Judge,
        planner: Planner,
        listener: Listener,
        coins: Callable[[], int],
    ) -> None:
        """Wire a process to its parts; ``coins`` gives fresh random 63-bit seeds."""
        self.ledger = ledger
        self.memory: Callable[[], Memory] = lambda: ledger
        """Returns what the planner is told of: the ledger, and those attached to it, as this process sees them."""
        self.process = process
        self.judge = judge
        self.planner = planner
        self.listener = listener
        self.on_standard: Callable[[Head], None] = lambda _: None
        """Called once entries that may move the standard are written."""
        self.consult: heeding.Consult | None = None
        """Asks the veteran about an increment; nobody, where there is none."""
        self.carry: Callable[[Journal], tuple[Increment, Nod] | None] = lambda _: None
        """Returns what another process has proven and the policy lets be proposed here by itself, with its nod."""
        self.packs: Callable[[Head], tuple[transfer.Kin, ...]] = lambda _: ()
        """Returns what packs of others say, as kin for the planner."""
        self._moved = False
        self._coins = coins
        self._looked: dict[int, tuple[Block, ...]] = {}
        self._kin: dict[tuple[object, ...], transfer.Kin | None] = {}

    # ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def head(self) -> Head:
        """Return what is open now.

        Raises:
            Undeclared: no such process is in the ledger.
        """
        head = self.ledger.head(self.process)
        if head is None:
            known = ", ".join(self.ledger.processes())
            raise Undeclared(
                f"a process must be described before it is used; got {self.process!r}",
                hint=f"known are: {known or 'none'}",
            )
        return head

    def journal(self) -> Journal:
        """Return all that a decision may look at."""
        lost = frozenset(
            lease.run for lease in self.ledger.leases(self.process) if lease.left is not None and lease.left <= 0
        )
        head = self.head()
        looked = {
            n: len(seen)
            for n, seen in self._looked.items()
            if (open_ := head.under_way(n)) and open_.trial.pairs[: len(seen)] == seen
        }
        return Journal(head=head, history=History(self.ledger, self.process), lost=lost, looked=looked)

    def prospect(self, head: Head, *, most: int | None = None) -> Callable[[float, float], Prospect]:
        """Return what foretells the proof of a gain, were its trial opened next; ``most`` pairs instead of the policy's."""
        planned = design(
            head.process, alpha=cycle.next_alpha(head), coins=0, method=self.judge.method_for(head.process)
        )
        if most is not None:
            planned = msgspec.structs.replace(planned, pairs=most)
        return lambda gain, sd: self.judge.prospect(planned, gain=gain, sd=sd)

    # ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def command(
        self,
        decide: Callable[[Head], Sequence[Entry]],
        *,
        by: str,
        key: str = "",
        request: str = "",
        settle: bool = False,
    ) -> tuple[Record, ...]:
        """In one turn: look at the head, decide, append, and ``settle`` if asked to.

        The same key with the same request is answered once.
        """
        with self.ledger.turn():
            known = self.ledger.answered(self.process, key) if key else None
            if known is not None:
                records = _same_request(known, key, request)
            else:
                head = self.head()
                entries = decide(head)
                records = self._written(entries, head, by=by, key=key, request=request) if entries else ()
            if settle:
                self._keep_all_house()
        self._announce()
        return records

    # ── turning ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def settle(self) -> None:
        """Take all steps that hand nothing out: judge what is due, end what is superseded, give up what is lost."""
        with self.ledger.turn():
            self._keep_all_house()
        self._announce()

    def _keep_all_house(self) -> None:
        while True:
            journal = self.journal()
            step = cycle.next_step(journal)
            if not isinstance(step, cycle.Check | cycle.Drop | cycle.GiveUp):
                return
            self._keep_house(journal, step)

    def next_unit(self, asker: Asker) -> tuple[Run, ...] | cycle.Rest:
        """Turn until there is a unit of work (one run, or a block of two in order), or a reason to rest."""
        while True:
            self._announce()
            then, plan, nod = self.journal(), None, None
            if isinstance(cycle.next_step(then), cycle.AskPlanner):
                carried = self.carry(then)  # outside the queue, as the planner: it may take its time
                found = carried[0] if carried is not None else self._plan(then)
                if isinstance(found, cycle.Rest):
                    return found
                plan, nod = carried or (found, heeding.ask(self.consult, then, found))
            with self.ledger.turn():
                journal = self.journal()
                step = cycle.next_step(journal)
                match step:
                    case cycle.Rest():
                        return step
                    case cycle.HandOut(run=run):
                        return self._hand_out((run,), journal.head, asker)
                    case cycle.NextBlock(trials=numbers):
                        opens = [one for number in numbers if (one := journal.head.under_way(number)) is not None]
                        runs = block_runs([one.trial for one in opens], first_id=journal.head.next_run)
                        return self._hand_out(runs, journal.head, asker)
                    case cycle.OpenTrial(proposal=proposal):
                        self._open(journal.head, proposal, asker.by)
                    case cycle.OpenWatch():
                        self._open_watch(journal.head)
                    case cycle.ProposeNull():
                        null = null_increment(journal.head.standard, by="kaizen")
                        self._append(journal.head, [Proposed(id=journal.head.next_proposal, increment=null)])
                    case cycle.Check() | cycle.Drop() | cycle.GiveUp():
                        self._keep_house(journal, step)
                    case cycle.AskPlanner() if plan is not None and self._still_fits(plan, then.head, journal.head):
                        if isinstance(plan, Scout):
                            return self._scout(plan, journal.head, asker)
                        self._append(journal.head, heeding.proposed(journal.head, plan, nod, self._coins), by=asker.by)

    def repeat(self, asker: Asker, because: str, *, setting: Setting | None = None) -> tuple[Run, ...] | cycle.Rest:
        """Hand out a scout of today's standard (or ``setting``), or a run that waits or was lost; trials and planner wait."""
        self._announce()
        with self.ledger.turn():
            while True:
                journal = self.journal()
                step = cycle.next_step(journal)
                match step:
                    case cycle.Check() | cycle.Drop() | cycle.GiveUp():
                        self._keep_house(journal, step)
                    case cycle.HandOut(run=run):
                        return self._hand_out((run,), journal.head, asker)
                    case cycle.Rest(reason="andon" | "consent"):
                        return step
                    case _ if unpaid := cycle.affordable(journal.head, 1):
                        return cycle.Rest(reason="budget", because=unpaid)
                    case _:
                        scout = Scout(setting=setting or journal.head.standard.setting, because=because)
                        return self._scout(scout, journal.head, asker)

    def foresee(self) -> str:
        """Say what would be tried next, without writing anything."""
        journal = self.journal()
        for open_ in journal.head.trials:
            if open_.verdict is None and open_.trial.purpose != "shadow":  # a watch has its share of whatever is next
                return f"go on with {titled(open_.trial)} (pair {len(open_.trial.pairs) + 1})"
        if journal.head.proposals and journal.head.proposals[0].increment.is_null:
            return f"try a copy of standard {journal.head.standard.number}, an alarm for the judge"
        if journal.head.proposals:
            return f"open the trial of {journal.head.proposals[0].increment}"
        if (carried := self.carry(journal)) is not None:
            return f"open the trial of {carried[0]} ({carried[0].because})"
        plan = self._ask_planner(journal)
        match plan:
            case Scout(setting=setting, because=because):
                return f"scout {setting} ({because})"
            case Increment():
                doubt = heeding.doubt(journal.head, plan, heeding.ask(self.consult, journal, plan))
                return doubt or f"open the trial of {plan} ({plan.because})"
        return f"stop: {plan.because}"

    def explain(self) -> Explanation | None:
        """Return what is believed to drive the metrics, by the planner or, where it offers nothing, by the model.

        Raises:
            Stuck: the model needs a package that is not installed.
        """
        explainer = self.planner if isinstance(self.planner, Explainer) else PolicysPlanner()
        journal = self.journal()
        return explainer.explain(journal, seed=self._seed(journal))

    # ── steps ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def _keep_house(self, journal: Journal, step: cycle.Check | cycle.Drop | cycle.GiveUp) -> None:
        head = journal.head
        match step:
            case cycle.Check(trial=number):
                self._check(head, number)
            case cycle.Drop(trials=trials, proposals=proposals):
                note = f"standard {head.standard.number} has replaced it"
                stopped = Stopped(reason="superseded", note=note)
                self._append(
                    head,
                    [
                        *(Judged(trial=t, stopped=stopped) for t in trials),
                        *(Refused(proposal=p, note=note) for p in proposals),
                    ],
                )
            case cycle.GiveUp(runs=runs):
                fault = Fault(reason="lost", note="the worker went silent")
                self._append(
                    head, [Faulted(run=run.id, attempt=run.attempt, fault=fault, spend=Spend(runs=1)) for run in runs]
                )

    def _check(self, head: Head, number: int) -> None:
        """Judge one trial and append what follows; remember the pairs that were looked at, for a correction changes them."""
        open_ = head.under_way(number)
        assert open_ is not None, "next_step() checks open trials only"
        broken = guard_broken(open_.trial)
        entries: tuple[Entry, ...] = ()
        if open_.trial.purpose == "shadow":
            entries = self._hear(head, open_)
        elif broken is not None:
            entries = act.guard_stop(head, open_, str(broken))
        elif open_.verdict is None:
            verdict = self.judge.check(open_.trial, intervals=False)
            entries = act.settle(
                head, open_, verdict, self.promised(open_) if verdict.decision == "better" else Numbers()
            )
        if entries:
            self._append(head, entries)
            self._looked.pop(number, None)
        else:
            self._looked[number] = open_.trial.pairs

    def _open(self, head: Head, proposal: Proposal, by: str) -> None:
        """Open the trial of a proposal, or refuse it where the error budget asks for more pairs than patience has."""
        note = cycle.unprovable(head)
        if note:
            self._append(head, [Refused(proposal=proposal.id, note=note)], by=by)
            return
        planned = design(
            head.process, alpha=cycle.next_alpha(head), coins=self._coins(), method=self.judge.method_for(head.process)
        )
        purpose: Purpose = "trial"
        if proposal.increment.is_null:
            purpose, planned = "null", msgspec.structs.replace(planned, charged=False)
        trial = Trial(id=head.next_trial, increment=proposal.increment, design=planned, purpose=purpose)
        self._append(head, [Opened(trial=trial, hash=planned.hash, proposal=proposal.id)], by=by)

    def _open_watch(self, head: Head) -> None:
        """Open the watch of today's standard beside the one before: it charges nothing, for nothing is adopted by it."""
        before, policy = head.before, head.process.policy
        assert before is not None, "cycle opens no watch without a standard before"
        planned = msgspec.structs.replace(
            design(head.process, alpha=0.0, coins=self._coins(), method=self.judge.method_for(head.process)),
            pairs=_WATCHED * policy.patience,
            charged=False,
        )
        back = Increment(
            of=head.standard.number,
            before=head.standard.setting,
            after=before.setting,
            because=f"to see what standard {head.standard.number} delivers over standard {before.number}",
            by="kaizen",
        )
        trial = Trial(id=head.next_trial, increment=back, design=planned, purpose="shadow")
        self._append(head, [Opened(trial=trial, hash=planned.hash)])

    def _hear(self, head: Head, open_: UnderWay) -> tuple[Entry, ...]:
        """Listen to a watch, and return what follows from what is heard."""
        proof = next((test for test in self.ledger.trials(self.process) if test.id == head.standard.trial), None)
        if proof is None or head.before is None:
            return ()
        heard = self.listener.hear(open_.trial, self.as_run(proof))
        return () if heard is None else act.hear(head, open_, heard, head.before)

    def promised(self, open_: UnderWay) -> Numbers:
        """Foretell what a trial that was judged better will deliver, by what all trials of the process have shown."""
        tests = [test for test in self.ledger.trials(self.process) if test.trial.purpose != "shadow"][-_PAST:]
        others = [self.as_run(test, pairs=FIRST) for test in tests if test.id != open_.trial.id]
        return promised(open_.trial, others)

    def as_run(self, test: Tested, *, pairs: int | None = None) -> Trial:
        """Rebuild a closed trial with its blocks (the first ``pairs`` of them) from its runs."""
        blocks: dict[int, Block] = {}
        for row in sides(self.ledger, self.process, test.id):
            if row.block is not None and row.side is not None and (pairs is None or row.block < pairs):
                block = blocks.get(row.block, Block(number=row.block))
                blocks[row.block] = msgspec.structs.replace(block, **{row.side: row.outcome})
        judged = max((verdict.pairs for verdict in test.verdicts), default=len(blocks))
        return msgspec.structs.replace(test.trial, blocks=tuple(blocks[number] for number in sorted(blocks))[:judged])

    def _hand_out(self, runs: tuple[Run, ...], head: Head, asker: Asker) -> tuple[Run, ...]:
        taken = tuple(msgspec.structs.replace(run, attempt=run.attempt + 1, by=asker.by) for run in runs)
        self._append(head, [Asked(runs=taken, lease=asker.lease, holder=asker.holder)], by=asker.by)
        return taken

    def _plan(self, journal: Journal) -> Scout | Increment | cycle.Rest:
        """Ask the planner for something that can be done."""
        plan = self._ask_planner(journal)
        if isinstance(plan, Stop):
            return cycle.Rest(reason="stop", because=plan.because)
        if isinstance(plan, Increment) and (because := cycle.unprovable(journal.head)):
            return cycle.Rest(reason="budget", because=because)  # proposed and refused, it would only be proposed again
        return plan

    def _scout(self, plan: Scout, head: Head, asker: Asker) -> tuple[Run, ...]:
        """Write a scout down and hand it out in one append: who planned it has it."""
        run = Run(
            id=head.next_run, setting=plan.setting, purpose="scout", of=head.standard.number, because=plan.because
        )
        taken = msgspec.structs.replace(run, attempt=1, by=asker.by)
        self._append(
            head, [Scouted(runs=(run,)), Asked(runs=(taken,), lease=asker.lease, holder=asker.holder)], by=asker.by
        )
        return (taken,)

    def _still_fits(self, plan: Scout | Increment, then: Head, now: Head) -> bool:
        """Tell whether a plan made on ``then`` may be written on ``now``; where not, somebody else got ahead."""
        if then.seq == now.seq:
            return True
        if (then.standard, then.revision, then.andon) != (now.standard, now.revision, now.andon):
            return False
        if isinstance(plan, Increment):
            return not now.trials and not now.proposals
        if bool(now.trials) != bool(then.trials) or any(
            run.setting == plan.setting for run in now.runs if run.id >= then.next_run
        ):
            return False
        since = self.ledger.runs(self.process, fingerprint=plan.setting.fingerprint, after=then.seq, latest=1)
        return not since  # planned by another and finished already

    def _ask_planner(self, journal: Journal) -> Plan:
        seed = self._seed(journal)
        return self.planner.plan(
            journal, advice=self.advice(journal.head), prospect=self.prospect(journal.head), seed=seed
        )

    def advice(self, head: Head) -> Advice:
        """Return what the veteran remembers for the planner, if the policy lets it be asked."""
        warned = frozenset(head.heeded)
        if not head.process.policy.memory:
            return Advice(warned=warned)
        found = (*transfer.kin(self.memory(), head, seen=self._kin), *self.packs(head))
        return Advice(words=transfer.spell(found), kin=found, warned=warned)

    def _seed(self, journal: Journal) -> int:
        text = f"{self.process}:{journal.head.seq}"
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest(), "big")

    def _append(self, head: Head, entries: Sequence[Entry], *, by: str = "kaizen") -> None:
        self._written(entries, head, by=by)

    def _written(
        self, entries: Sequence[Entry], head: Head, *, by: str, key: str = "", request: str = ""
    ) -> tuple[Record, ...]:
        records = self.ledger.append(self.process, entries, by=by, after=head.seq, key=key, request=request)
        self._moved |= any(isinstance(entry, Adopted | RolledBack | Amended) for entry in entries)
        return records

    def _announce(self) -> None:
        """Tell that the standard may have moved: outside the queue, since whoever listens may take its time."""
        moved, self._moved = self._moved, False
        if moved:
            self.on_standard(self.head())

    def verdict(self, trial: Trial) -> Verdict:
        """Judge a trial as it stands, with intervals."""
        return self.judge.check(trial, intervals=True)

    def expire(self, holder: str) -> None:
        """Count a holder's runs as lost at once."""
        self.ledger.renew(self.process, holder, 0.0)


def _same_request(known: tuple[Record, str], key: str, request: str) -> tuple[Record, ...]:
    record, before = known
    if before != request:
        raise Clash(
            f"the key {key!r} must come with the request it first came with; got another",
            hint="use a new key for a new request",
        )
    return (record,)
