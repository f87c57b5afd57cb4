"""One process at hand: the verbs."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, overload

import msgspec

from kaizen import act
from kaizen.cycle import Rest
from kaizen.errors import OutOfTurn, Undeclared
from kaizen.journal import Head
from kaizen.ledger import Advised, Cleared, Entry, Proposed, Pulled, Record, Reported, Retracted, Voiced
from kaizen.process import Process
from kaizen.setting import Texts
from kaizen.standard import Increment, Standard, increment, null_increment
from kaizen.trial import FAULTS, Fault, Outcome, Reading, Run, Seat, Spend
from kaizen.veteran.nod import Nod, consult, unexplained
from kaizen.veteran.packs import Pack
from kaizen.voice import Andon, Testimony, Voice
from kaizen.workshop import carrying, repeating, teaching
from kaizen.workshop.answering import Answering, Correction
from kaizen.workshop.giving import pack
from kaizen.workshop.ideas import asked_again
from kaizen.workshop.looking import Looking
from kaizen.workshop.memories import Memories
from kaizen.workshop.packs import Packs
from kaizen.workshop.turning import Asker, Wheel


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a proposal: its number, the increment, and the veteran's nod."""

    id: int
    increment: Increment
    nod: Nod
    again: bool = False
    """Whether the same key had proposed it before."""


class Bench(Looking):
    """One process at hand. Looking changes nothing; every verb writes before it returns."""

    def __init__(
        self,
        wheel: Wheel,
        *,
        root: Path,
        state: Path,
        function: Callable[..., object] | None = None,
        memories: Memories | None = None,
        packs: Packs | None = None,
    ) -> None:
        """Hold a wheel; ``root`` is where the recipe lies, ``state`` a folder for our own files.

        ``function`` is the work, where that is a Python function; ``memories`` what the ledger and those attached to it remember.
        """
        super().__init__(wheel, root=root, state=state, memories=memories, packs=packs)
        self.function = function
        self._given: set[int] = set()
        wheel.memory = lambda: self._memories.view(wheel.process)
        wheel.packs = lambda head: self._packs.kin(head.process)
        wheel.on_standard = self._publish
        wheel.consult = lambda journal, made: consult(journal, made, self._recall)
        wheel.carry = carrying.Carrying(wheel).due
        self._answering = Answering(wheel)

    # ── proposing, asking, answering ────────────────────────────────────────────────────────────────────────────────
    def propose(
        self, changes: Mapping[str, Any] | None = None, /, *, because: str, by: str = "me", key: str = "", different: str = "",
        words: str = "", diff: str | bytes = b"", **named: Any,
    ) -> Offer:  # fmt: skip
        """Propose changes to today's standard for a trial; the veteran's nod comes with it, and never blocks.

        The same proposal with the same ``key`` counts once; its nod is asked for anew. ``different`` says what is different
        now, where something like it had failed: should its trial be better, that becomes an exception of the lesson.
        ``words`` say what is changed, and ``diff`` is the change of code as ``git diff`` prints it: both are remembered.

        Raises:
            Mistake: the changes cannot be right, or the key came with another proposal before.
            Unexplained: the policy asks for a reason where the veteran warns, and there is none.
        """
        offers: list[Offer] = []
        wanted = {**(changes or {}), **named}
        said = self._in_words(words, diff) if words or diff else None

        def decide(head: Head) -> tuple[Entry, ...]:
            made = increment(head.process, head.standard, wanted, because=because, by=by, different=different)
            made = made if said is None else said.mark(made)
            nod = consult(self._wheel.journal(), made, self._recall)
            nod = nod if said is None else said.beside(nod)
            nod = msgspec.structs.replace(nod, packs=self._packs.say(head.process, made.before, made.after))
            if nod.warns and head.process.policy.reasons and not made.different:
                raise unexplained(nod)
            offers.append(Offer(id=head.next_proposal, increment=made, nod=nod))
            number = head.next_proposal
            advised = Advised(increment=made, answer=nod.answer, because=nod.because, proposal=number, odds=nod.odds)
            return (Proposed(id=number, increment=made), advised)

        request = repr((by, because, different, sorted(wanted.items()), words, diff))
        first = self._wheel.command(decide, by=by, key=key, request=request)[0].entry
        if not offers and isinstance(first, Proposed):
            nod = asked_again(self._wheel, self._recall, first)
            return Offer(id=first.id, increment=first.increment, nod=nod, again=True)
        return offers[-1]

    def carry(self, *, by: str = "me") -> tuple[Offer, ...]:
        """Propose what related processes have proven, each with its nod; asked again, nothing is proposed twice.

        Left out is what was tried here or does not fit (see ``carried``), and what the policy wants a reason for.

        Raises:
            OutOfTurn: the policy says off.
        """
        carrying.check_on(self._wheel)
        offers: list[Offer] = []
        while (one := carrying.next_of(self._wheel, self.journal)) is not None:
            offers.append(self.propose(one.changes, because=one.because, by=by, key=one.key))
        return tuple(offers)

    def propose_null(self, *, by: str = "me") -> int:
        """Propose a copy of the standard for a trial: a live alarm for the judge. Return the proposal's number."""
        numbers: list[int] = []

        def decide(head: Head) -> tuple[Entry, ...]:
            numbers.append(head.next_proposal)
            return (Proposed(id=head.next_proposal, increment=null_increment(head.standard, by=by)),)

        self._wheel.command(decide, by=by)
        return numbers[-1]

    @overload
    def ask(self, by: str = "me", n: Literal[1] = 1, *, lease: float | None = None) -> Run: ...
    @overload
    def ask(self, by: str = "me", n: int = 1, *, lease: float | None = None) -> Run | tuple[Run, ...]: ...
    def ask(self, by: str = "me", n: int = 1, *, lease: float | None = None) -> Run | tuple[Run, ...]:
        """Take a run to make (for ``n`` above 1 a tuple of up to ``n``).

        The two runs of a pair go to one asker, in the order of the pair's coin. ``lease`` is how many seconds of
        silence mean that the asker is lost; people's leases have none.

        Raises:
            OutOfTurn: there is nothing to hand out now, and why.
        """
        if n < 1:
            raise OutOfTurn(f"ask must be for one run or more; got {n}")
        runs: list[Run] = self._owed(by)[:n]
        rest: Rest | None = None
        while len(runs) < n and rest is None:
            unit = self._wheel.next_unit(Asker(by=by, lease=lease))
            if isinstance(unit, Rest):
                rest = unit
            else:
                runs.extend(unit[: n - len(runs)])
        if rest is not None and not runs:
            raise OutOfTurn(f"a run of {self.name} must wait: {rest.because}", hint=_HINTS[rest.reason])
        self._given.update(run.id for run in runs)
        return runs[0] if n == 1 else tuple(runs)

    def tell(
        self, run: Run | int, values: Mapping[str, Any] | None = None, /, *, by: str = "me", key: str = "",
        seconds: float = 0.0, money: float = 0.0, conditions: Mapping[str, str] | None = None, **named: Any,
    ) -> Record:  # fmt: skip
        """Report what a run measured: a value for every metric.

        The same answer told twice counts once. An answer whose lease has passed on is kept as late.

        Raises:
            Mistake: an unknown metric, a missing one, a number out of bounds, or another answer than before.
        """
        reading = Reading(values=self.process.reading({**(values or {}), **named}))
        return self.answer(
            run,
            reading,
            by=by,
            key=key,
            spend=Spend(runs=1, seconds=seconds, money=money),
            conditions=Texts(conditions),
        )

    def fault(self, run: Run | int, note: str = "", /, *, reason: str = "told", by: str = "me", key: str = "", seconds: float = 0.0,
              money: float = 0.0) -> Record:  # fmt: skip
        """Report that a run gave no reading, and why (``reason`` is a word of ``kaizen.trial.FAULTS``)."""
        if reason not in FAULTS:
            raise Undeclared(
                f"a fault's reason must be one of {', '.join(FAULTS)}; got {reason!r}",
                hint="put your own words into the note",
            )
        spend = Spend(runs=1, seconds=seconds, money=money)
        return self.answer(run, Fault(reason=reason, note=note), by=by, key=key, spend=spend)

    def answer(
        self, run: Run | int, outcome: Outcome, *, by: str, spend: Spend, key: str = "", conditions: Texts | None = None
    ) -> Record:
        """Write an outcome, whatever it is, and judge what is due; ``tell`` and ``fault`` are made of this."""
        return self._answering.answer(run, outcome, by=by, spend=spend, key=key, conditions=conditions or Texts())

    def correct(
        self, run: int, values: Mapping[str, Any] | None = None, /, *, because: str, by: str = "me", **named: Any
    ) -> Correction:
        """Replace a mistyped reading; the trial it was in is judged again, and both verdicts are kept.

        A standard that rests on the trial stays, but the andon is pulled if its verdict no longer says *better*.

        Raises:
            OutOfTurn: the run was never answered.
        """
        outcome = Reading(values=self.process.reading({**(values or {}), **named}))
        return self._answering.correct(run, outcome, because=because, by=by)

    def repeat(self, n: int | str = 20, *, by: str = "me") -> int:
        """Queue runs of today's standard until there are ``n`` repeats in all (``'+20'``: so many more); return the new ones.

        They are asked for and told like any other run, and come before anything new.

        Raises:
            Malformed: no such number.
            OutOfTurn: the budget of runs pays for none.
        """
        return repeating.queue(self._wheel, n, by=by)

    def pack(self, file: str | Path | None = None, *, name: str = "", **may: Any) -> Pack:
        """Make an advice pack of this process, to give away (see ``Workshop.pack``, which packs several together).

        Raises:
            Mistake: what it may tell cannot be right.
            Stuck: the file cannot be written.
        """
        return pack(self._wheel.ledger, (self.name,), self._packs.account, file=file, name=name, **may)

    # ── deciding ────────────────────────────────────────────────────────────────────────────────────────────────────
    def consent(self, by: str, note: str = "", *, trial: int | None = None) -> Standard:
        """Agree to adopt the trial that waits for consent; return the new standard."""

        def decide(head: Head) -> tuple[Entry, ...]:
            promised = self._wheel.promised(act.waiting(head, trial))
            return act.consent(head, trial, by=by, note=note, promised=promised)

        self._wheel.command(decide, by=by)
        return self.standard

    def refuse(self, by: str, note: str = "", *, trial: int | None = None) -> None:
        """Decline to adopt the trial that waits for consent."""
        self._wheel.command(lambda head: act.refuse(head, trial, by=by, note=note), by=by)

    def rollback(self, because: str, *, by: str = "me", to: int | None = None) -> Standard:
        """Make the setting of an earlier standard (the one before, if none is named) the next one."""

        def decide(head: Head) -> Sequence[Entry]:
            number = to if to is not None else head.standard.of
            found = [standard for standard in self.standards if standard.number == number]
            if not found:
                raise OutOfTurn(
                    f"a rollback must go to an earlier standard; got {number}",
                    hint=f"there are 1 to {head.standard.number}",
                )
            return act.roll_back(head, found[0], because=because, by=by)

        self._wheel.command(decide, by=by)
        return self.standard

    def amend(self, process: Process, *, because: str, by: str = "me") -> bool:
        """Change the description; return whether anything changed."""
        return bool(self._wheel.command(lambda head: act.amend(head, process, because=because, by=by), by=by))

    # ── listening ───────────────────────────────────────────────────────────────────────────────────────────────────
    def voice(self, text: str, *, by: str, theme: str = "") -> None:
        """Write down a customer's word."""
        self._wheel.command(
            lambda head: (Voiced(voice=Voice(text=text, by=by, theme=theme, standard=head.standard.number)),), by=by
        )

    def teach(
        self,
        text: str,
        *,
        by: str,
        that: str = "",
        near: Mapping[str, Any] | None = None,
        confidence: float | None = None,
    ) -> Testimony:
        """Write down what somebody knows without data; the nod heeds it, as far as its record carries.

        ``that`` is a constraint that settings should keep: where it does not hold, worse readings or faults are expected.
        ``near`` are values near which good settings are expected.

        Raises:
            Mistake: no words, no such parameter, both regions, a confidence that is none.
        """

        def decide(head: Head) -> tuple[Entry, ...]:
            return (teaching.taught(head, text, that=that, near=near or {}, confidence=confidence),)

        self._wheel.command(decide, by=by)
        return self.head.taught[-1]

    def andon(self, because: str, *, by: str) -> None:
        """Pull the stop cord: nothing new is handed out until it is cleared."""
        self._wheel.command(lambda _: (Pulled(andon=Andon(because=because, by=by)),), by=by)

    def clear(self, note: str, *, by: str) -> None:
        """Clear the andon, by name."""

        def decide(head: Head) -> tuple[Entry, ...]:
            if head.andon is None:
                raise OutOfTurn(f"the andon of {self.name} must be pulled to be cleared; got one that hangs still")
            return (Cleared(note=note),)

        self._wheel.command(decide, by=by)

    def retract(self, lesson: int, because: str, *, by: str = "me") -> None:
        """Say that a lesson no longer holds."""

        def decide(head: Head) -> tuple[Entry, ...]:
            if not 1 <= lesson < head.next_lesson:
                raise Undeclared.numbered(f"a lesson of {self.name}", last=head.next_lesson - 1, got=lesson)
            return (Retracted(lesson=lesson, because=because),)

        self._wheel.command(decide, by=by)

    def report_run(self, setting: Mapping[str, Any], values: Mapping[str, Any], *, source: str, by: str = "me",
                   conditions: Mapping[str, str] | None = None, key: str = "") -> None:  # fmt: skip
        """Write down a run that was made elsewhere: it teaches, and proves nothing."""

        def decide(head: Head) -> tuple[Entry, ...]:
            sealed = head.process.setting(setting)
            reading = Reading(values=head.process.reading(values))
            return (
                Reported(
                    run=head.next_run, setting=sealed, outcome=reading, source=source, conditions=Texts(conditions)
                ),
            )

        self._wheel.command(decide, by=by, key=key, request=repr((sorted(setting.items()), sorted(values.items()))))

    def publish(self) -> None:
        """Write today's standard where the process reads it, or hand it to its hook, as the policy says; again is fine.

        Raises:
            Stuck: the file cannot be written, or the hook failed.
        """
        self._publish(self.head)

    def _publish(self, head: Head) -> None:
        if head.process.policy.adopted_file or head.process.policy.adopted_hook:
            from kaizen.doers.publish import publish

            publish(head.process, head.standard.setting, directory=self.root)

    # ── parts ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def _owed(self, by: str) -> list[Run]:
        """Return seconds of blocks that this handle asked for and has not given yet, then half-answered ones."""
        head = self.head
        owed = []
        for run in head.runs:
            if run.by == by and run.attempt > 0 and run.block is not None and run.id not in self._given:
                sibling = any(other.unit == run.unit and other.id in self._given for other in head.runs)
                if sibling or _half_answered(head, run):
                    owed.append(run)
        return owed


_HINTS = {
    "andon": "clear it by name once it is safe: clear(note, by=...)",
    "consent": "agree with consent(by=...) or decline with refuse(by=...)",
    "budget": "give it more: improve(runs='+60'), or amend the policy",
    "busy": "answer the runs under way first",
    "stop": "widen a range, allow more changes at once, or propose one yourself",
}


def _half_answered(head: Head, run: Run) -> bool:
    """Tell whether a pair that the run or another one of its block is a side of has its other side."""
    seats = {seat for other in head.runs if other.unit == run.unit for seat in other.seats()}
    return any(
        block.standard is not None or block.increment is not None
        for open_ in head.trials
        for block in open_.trial.blocks
        if Seat(trial=open_.trial.id, block=block.number) in seats
    )
