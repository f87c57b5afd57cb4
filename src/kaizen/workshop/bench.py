"""One process at hand: the verbs."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import msgspec

from kaizen import act
from kaizen.audit import Audit, audit
from kaizen.check import fewest
from kaizen.cycle import Rest, next_alpha, unprovable
from kaizen.errors import Malformed, OutOfTurn, Stuck, Undeclared
from kaizen.explanation import Explanation
from kaizen.forecast import ODDS, TrialPlan, unaffordable_margins
from kaizen.journal import Head, History, Journal, Tested, Tried
from kaizen.ledger import Advised, Cleared, Entry, Proposed, Pulled, Record, Reported, Retracted, Voiced
from kaizen.noise import Repeats
from kaizen.plan import Candidate, Noise, candidates, comparable, noise
from kaizen.process import Process
from kaizen.reports import Story
from kaizen.reports.budget import budget_of
from kaizen.reports.promises import Promise, promises
from kaizen.setting import Texts
from kaizen.standard import Increment, Standard, increment, null_increment
from kaizen.trial import FAULTS, Fault, Outcome, Reading, Run, Seat, Spend
from kaizen.verdict import Lesson, Verdict
from kaizen.veteran.calibration import Calibration, calibration, outcomes
from kaizen.veteran.carrying import Carried
from kaizen.veteran.knowing import Knowledge, know, scopes
from kaizen.veteran.lessons import Read, read, with_scope
from kaizen.veteran.nod import Nod, consult, unexplained
from kaizen.veteran.packs import Pack
from kaizen.veteran.recall import Recall
from kaizen.voice import Andon, Testimony, Voice
from kaizen.workshop import auditing, carrying, foretelling, repeating, teaching
from kaizen.workshop.answering import Answering, Correction
from kaizen.workshop.giving import pack
from kaizen.workshop.ideas import Recheck, asked_again, recheck
from kaizen.workshop.memories import Memories
from kaizen.workshop.packs import Packs
from kaizen.workshop.turning import Asker, Wheel
from kaizen.workshop.watching import watched

if TYPE_CHECKING:
    from kaizen.workshop.wording import InWords

NO_READING = "no run that still compares has given a reading yet"
_RECENT = 400  # runs that noise and recommendations look back on
_FAIR = 0.05  # odds of proof below which nothing is recommended


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a proposal: its number, the increment, and the veteran's nod."""

    id: int
    increment: Increment
    nod: Nod
    again: bool = False
    """Whether the same key had proposed it before."""


class Bench:
    """One process at hand. Reading changes nothing; every verb writes before it returns."""

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
        self._wheel = wheel
        self._memories = memories or Memories(wheel.ledger, file=None, state=state)
        self._packs = packs or Packs()
        wheel.memory = lambda: self._memories.view(wheel.process)
        wheel.packs = lambda head: self._packs.kin(head.process)
        self.root = root
        self.state = state
        self.function = function
        self._given: set[int] = set()
        wheel.on_standard = self._publish
        wheel.consult = lambda journal, made: consult(journal, made, self._recall)
        wheel.carry = carrying.Carrying(wheel).due
        self._answering = Answering(wheel)

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def name(self) -> str:
        """The process's name."""
        return self._wheel.process

    @property
    def ledger_file(self) -> Path | None:
        """Where the ledger lies, if it is a file."""
        path = getattr(self._wheel.ledger, "path", None)
        return Path(path) if path is not None else None

    @property
    def wheel(self) -> Wheel:
        """The wheel itself, for those who turn it in their own way."""
        return self._wheel

    @property
    def head(self) -> Head:
        """What is open now."""
        return self._wheel.head()

    @property
    def journal(self) -> Journal:
        """The head, the history, and which leases have run out."""
        return self._wheel.journal()

    @property
    def process(self) -> Process:
        """The process as described now."""
        return self.head.process

    @property
    def standard(self) -> Standard:
        """Today's standard."""
        return self.head.standard

    @property
    def standards(self) -> tuple[Standard, ...]:
        """All standards, by number."""
        return tuple(kept.standard for kept in self._wheel.ledger.standards(self.name))

    @property
    def runs(self) -> Sequence[Tried]:
        """All finished runs, in order."""
        return self._wheel.ledger.runs(self.name)

    @property
    def trials(self) -> Sequence[Tested]:
        """All trials, in order."""
        return self._wheel.ledger.trials(self.name)

    @property
    def lessons(self) -> tuple[Lesson, ...]:
        """All lessons that hold."""
        return tuple(lesson for lesson in self._wheel.ledger.lessons(self.name) if not lesson.retracted)

    @property
    def log(self) -> tuple[Record, ...]:
        """All records of the process, in order."""
        return tuple(self._wheel.ledger.read(self.name))

    def asked(self, by: str) -> tuple[Run, ...]:
        """Return the open runs that somebody has in hand; of a block, the second only once the first is answered."""
        head = self.head
        mine = [run for run in head.runs if run.by == by and run.attempt > 0]
        firsts: set[tuple[int, int]] = set()
        return tuple(run for run in mine if run.block is None or _first_of(run, firsts))

    def recommended(self) -> tuple[Candidate, ...]:
        """Return scouted settings that may well be better, most worth a trial first: recommended, not proven."""
        journal = self.journal
        head = journal.head
        rows = comparable(head, journal.history.runs(of=head.standard.number, latest=_RECENT))
        tested = {
            test.trial.increment.after
            for test in journal.history.trials()
            if test.trial.increment.of == head.standard.number
        }
        return tuple(
            c
            for c in candidates(head, rows, self._wheel.prospect(head))
            if c.setting not in tested and _worthwhile(head, c)
        )

    def noise(self, *, odds: float = ODDS) -> Repeats:
        """Return what the readings of today's standard say of noise, and the gains that it lets trials prove with ``odds``.

        Reads only: ``repeat`` queues runs of the standard, and ``Workshop.noise`` makes them.
        """
        return foretelling.repeats(self._wheel, odds=odds)

    def plan_trial(
        self, gain: float | str, *, metric: str | None = None, odds: float = ODDS, sd: float | str | None = None
    ) -> TrialPlan:
        """Return what the proof of a gain takes: ``"2%"`` or ``0.02`` of a metric by ratio, units by difference.

        ``metric`` may be left out where only one is noisy; ``sd`` of a pair's difference, where it is not yet known.

        Raises:
            Mistake: no such metric, or no such amount.
            OutOfTurn: too few readings tell the noise.
        """
        return foretelling.plan_trial(self._wheel, gain, metric=metric, odds=odds, sd=sd)

    def unaffordable(self) -> tuple[str, ...]:
        """Say which worthwhile gains and margins nobody can prove within the policy's pairs, as far as noise is known."""
        return foretelling.unaffordable(self._wheel)

    def _scatter(self) -> dict[str, Noise]:
        """Return how much a pair's difference scatters, per noisy metric, as far as runs have shown."""
        head = self.head
        rows = comparable(head, self._wheel.ledger.runs(self.name, latest=_RECENT))
        return noise(head.process, rows, head.standard.setting)

    def outlook(self) -> tuple[str, ...]:
        """Say in sentences what proof will take: for each metric, the pairs that its worthwhile gain needs."""
        head = self.head
        shut, alpha, seen = unprovable(head), next_alpha(head), self._scatter()
        lines = []
        for metric in head.process.metrics:
            gain = metric.as_gain(metric.worthwhile)
            wanted = f"{metric.name}: a gain of {metric.amount(metric.worthwhile)}"
            if metric.exact:
                lines.append(f"{metric.name}: exact, one pair decides")
            elif shut:
                lines.append(f"{wanted} cannot be proven now: {shut}")
            elif metric.name not in seen or gain <= 0:
                lines.append(
                    f"{wanted} needs at least {fewest(head.process.policy, alpha)} pairs; the first runs will show how many more its noise takes"
                )
            else:
                lines.append(f"{wanted} needs {self._pairs(head, gain, seen[metric.name].sd)}")
        known = {} if shut else {name: one.sd for name, one in seen.items()}
        return (*lines, *unaffordable_margins(head.process, known, foretelling.Within(self._wheel, head)))

    def budget_left(self) -> str:
        """Say what is left of the error budget, and what the next trial is judged at; nothing where all is exact."""
        found = budget_of(self.head)
        return f"error budget: {found}" if found is not None else ""

    def explain(self) -> Explanation | None:
        """Return what a model believes drives the metrics; ``None`` while no run has given a reading.

        Raises:
            Stuck: NumPy and SciPy are not installed.
        """
        return self._wheel.explain()

    def story(self, *, at: int = 0, explained: bool = False) -> Story:
        """Return all that a report may tell; ``at`` is the time it is told, in µs since 1970.

        ``explained`` adds what drives the metrics, or why that cannot be said; it takes a second or so.
        """
        records = self.log
        explanation, unexplained = self._explained() if explained else (None, "")
        return Story(
            head=self.head,
            standards=self._wheel.ledger.standards(self.name),
            trials=self.trials,
            runs=self.runs,
            lessons=self._wheel.ledger.lessons(self.name),
            recommended=self.recommended(),
            noise=self._scatter(),
            outlook=self.outlook(),
            budget=budget_of(self.head),
            next=self._wheel.foresee(),
            carried=self.carried(),
            watches=watched(self._wheel),
            voices=[record.entry.voice for record in records if isinstance(record.entry, Voiced)],
            andons=[record.entry.andon for record in records if isinstance(record.entry, Pulled)],
            at=at,
            explanation=explanation,
            unexplained=unexplained,
        )

    def promises(self) -> tuple[Promise, ...]:
        """Return what adopted standards promised over the one before, and what their fresh pairs deliver."""
        ledger = self._wheel.ledger
        return tuple(promises(self.head, ledger.standards(self.name), self.trials, watched(self._wheel)))

    def _explained(self) -> tuple[Explanation | None, str]:
        try:
            found = self.explain()
        except Stuck as stuck:
            return None, f"{stuck.message}: {stuck.hint}"
        return found, "" if found is not None else NO_READING

    def check(self, trial: int | None = None) -> Verdict | None:
        """Return the verdict on a trial as it stands now, with intervals; the latest trial if none is named.

        The watch of a standard is heard, not judged: it has no verdict.
        """
        head, tests = self.head, self.trials
        if trial is None:
            judged = [test.id for test in tests if test.trial.purpose != "shadow"]
            trial = judged[-1] if judged else None
        found = next((test for test in tests if test.id == trial), None)
        if found is None:
            if trial is None:
                return None
            raise Undeclared(f"a trial of {self.name} must be one of 1 to {head.next_trial - 1}; got {trial}")
        open_ = head.under_way(found.id)
        if open_ is None or found.trial.purpose == "shadow":
            return found.verdict
        return open_.verdict or self._wheel.verdict(open_.trial)

    def audit(self, *, flips: int = 200) -> Audit:
        """Ask the record about itself: coins, verdicts, copies of the standard, and promises (see ``kaizen.audit``).

        ``flips`` times in all, the coins of real pairs are thrown anew: about ten milliseconds each.

        Raises:
            Malformed: ``flips`` is negative.
        """
        if flips < 0:
            raise Malformed(f"flips must be zero or more; got {flips}", hint="two hundred take a second or two")
        wheel = self._wheel
        return audit(auditing.recorded(wheel), auditing.kept(wheel), wheel.judge, flips=flips, seed=wheel.head().seq)

    def consult(
        self, changes: Mapping[str, Any] | None = None, /, *, words: str = "", diff: str | bytes = b"", **named: Any
    ) -> Nod:
        """Ask the veteran about changes to today's standard, or about a change in words or code; reads only.

        ``diff`` is as ``git diff`` prints it.
        """
        wanted = {**(changes or {}), **named}
        said = self._in_words(words, diff) if words or diff or not wanted else None
        if said is not None and not wanted:
            return said.nod
        made = increment(self.process, self.standard, wanted, because="", by="")
        nod = consult(self.journal, made, self._recall)
        nod = nod if said is None else said.beside(nod)
        packs = self._packs.say(self.process, made.before, made.after)
        return msgspec.structs.replace(nod, left_out=self._memories.left_out, packs=packs)

    def recheck(self, trial: int) -> Recheck | None:
        """Ask the veteran again about a trial that is about to begin; ``None`` where it was not asked, or runs are answered."""
        return recheck(self._wheel, self._recall, trial)

    def calibration(self) -> Calibration:
        """Return how the odds of past nods compare with what happened, over all processes of the ledger."""
        return calibration(outcomes(self._recall))

    def veteran(self) -> Knowledge:
        """Return what the veteran knows of this process."""
        journal = self.journal
        known = know(self._recall, journal.head, journal.history)
        packs = self._packs.spell(self.process, known.trust)
        return msgspec.structs.replace(known, left_out=self._memories.left_out, packs=packs)

    def learnt(self, word: str = "", *, parameter: str = "") -> tuple[Read, ...]:
        """Return the lessons that hold with what they rest on and what speaks against them, the matching ones only.

        Raises:
            Undeclared: no such parameter.
        """
        if parameter:
            self.process.parameter(parameter)
        journal = self.journal
        found = read(journal.history, word=word, parameter=parameter, era=journal.head.era)
        return with_scope(found, scopes(self._recall, self.name, found))

    @property
    def left_out(self) -> tuple[str, ...]:
        """Sentences: what is attached as memory and could not be read when it was last looked at."""
        return self._memories.left_out

    def learnt_elsewhere(self, word: str = "", *, parameter: str = "") -> dict[str, tuple[Read, ...]]:
        """Return the same of every other process that is remembered (``line_a@north`` of an attached ledger), by its name.

        A ``parameter`` is as it is called here; the sentences are as they were written there.
        """
        memory = self._wheel.memory()
        others = {name: History(memory, name) for name in memory.processes() if name != self.name}
        found = {name: read(history, word=word, parameter=parameter) for name, history in others.items()}
        return {name: reads for name, reads in found.items() if reads}

    def pack(self, file: str | Path | None = None, *, name: str = "", **may: Any) -> Pack:
        """Make an advice pack of this process, to give away (see ``Workshop.pack``, which packs several together).

        Raises:
            Mistake: what it may tell cannot be right.
            Stuck: the file cannot be written.
        """
        return pack(self._wheel.ledger, (self.name,), self._packs.account, file=file, name=name, **may)

    def repeat(self, n: int | str = 20, *, by: str = "me") -> int:
        """Queue runs of today's standard until there are ``n`` repeats in all (``'+20'``: so many more); return the new ones.

        They are asked for and told like any other run, and come before anything new.

        Raises:
            Malformed: no such number.
            OutOfTurn: the budget of runs pays for none.
        """
        return repeating.queue(self._wheel, n, by=by)

    def carried(self) -> tuple[Carried, ...]:
        """Return what related processes have proven and this one has not, the closest first; nothing where the policy says off.

        What was tried here, or does not fit, is among them with the reason (``left``).
        """
        return carrying.found(self._wheel, self.journal)

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
                raise Undeclared(f"a lesson of {self.name} must be one of 1 to {head.next_lesson - 1}; got {lesson}")
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
    @property
    def _recall(self) -> Recall:
        found = self._memories.recall(self.name)
        found.beside = self._packs
        return found

    def _in_words(self, words: str, diff: str | bytes) -> "InWords":
        from kaizen.workshop.wording import in_words  # slow to load, and not always wanted

        return in_words(self._wheel.ledger, self.ledger_file, self.name, words, diff)

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

    def _pairs(self, head: Head, gain: float, sd: float) -> str:
        foreseen = self._wheel.prospect(head)(gain, sd)
        most = head.process.policy.patience
        if foreseen.pairs > most:
            return f"more than the {most} pairs that the policy allows; raise pairs or worthwhile, or measure longer per run"
        return f"about {foreseen.pairs} pairs ({2 * foreseen.pairs} runs)"


_HINTS = {
    "andon": "clear it by name once it is safe: clear(note, by=...)",
    "consent": "agree with consent(by=...) or decline with refuse(by=...)",
    "budget": "give it more: improve(runs='+60'), or amend the policy",
    "busy": "answer the runs under way first",
    "stop": "widen a range, allow more changes at once, or propose one yourself",
}


def _first_of(run: Run, seen: set[tuple[int, int]]) -> bool:
    """Tell whether no run of the same block has been seen; remember that one has."""
    fresh = run.unit not in seen
    seen.add(run.unit)
    return fresh


def _half_answered(head: Head, run: Run) -> bool:
    """Tell whether a pair that the run or another one of its block is a side of has its other side."""
    seats = {seat for other in head.runs if other.unit == run.unit for seat in other.seats()}
    return any(
        block.standard is not None or block.increment is not None
        for open_ in head.trials
        for block in open_.trial.blocks
        if Seat(trial=open_.trial.id, block=block.number) in seats
    )


def _worthwhile(head: Head, candidate: Candidate) -> bool:
    """Tell whether a candidate is worth a recommendation: something worthwhile gained, and fair odds of proof."""
    return candidate.odds >= _FAIR and any(
        candidate.gains[m.name] >= m.as_gain(m.worthwhile) and candidate.gains[m.name] > 0 for m in head.process.metrics
    )
