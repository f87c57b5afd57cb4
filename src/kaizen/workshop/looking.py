"""One process at hand, looked at: what changes nothing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from kaizen.audit import Audit, audit
from kaizen.check import fewest
from kaizen.cycle import next_alpha, unprovable
from kaizen.errors import Malformed, Stuck, Undeclared
from kaizen.explanation import Explanation
from kaizen.forecast import ODDS, TrialPlan, unaffordable_margins
from kaizen.journal import Head, History, Journal, Tested, Tried
from kaizen.ledger import Pulled, Record, Voiced
from kaizen.noise import Repeats
from kaizen.plan import Candidate, Noise, candidates, comparable, noise
from kaizen.process import Process
from kaizen.reports import Story
from kaizen.reports.budget import budget_of
from kaizen.reports.promises import Promise, promises
from kaizen.standard import Standard, increment
from kaizen.trial import Run
from kaizen.verdict import Lesson, Verdict
from kaizen.veteran.calibration import Calibration, calibration, outcomes
from kaizen.veteran.carrying import Carried
from kaizen.veteran.knowing import Knowledge, know, scopes
from kaizen.veteran.lessons import Read, read, with_scope
from kaizen.veteran.nod import Nod, consult
from kaizen.veteran.recall import Recall
from kaizen.workshop import auditing, carrying, foretelling
from kaizen.workshop.ideas import Recheck, recheck
from kaizen.workshop.memories import Memories
from kaizen.workshop.packs import Packs
from kaizen.workshop.proven_since import proven_since
from kaizen.workshop.turning import Wheel
from kaizen.workshop.watching import watched

if TYPE_CHECKING:
    from kaizen.workshop.wording import InWords

NO_READING = "no run that still compares has given a reading yet"
_RECENT = 400  # runs that noise and recommendations look back on
_FAIR = 0.05  # odds of proof below which nothing is recommended


class Looking:
    """One process at hand, looked at: what changes nothing."""

    def __init__(
        self, wheel: Wheel, *, root: Path, state: Path, memories: Memories | None = None, packs: Packs | None = None
    ) -> None:
        """Look by a wheel; ``memories`` is what the ledger and those attached to it remember."""
        self._wheel = wheel
        self._memories = memories or Memories(wheel.ledger, file=None, state=state)
        self._packs = packs or Packs()
        self.root = root
        self.state = state

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
            since={number: [*map(str, said)] for number, said in proven_since(self._wheel.ledger, self.name).items()},
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
            raise Undeclared.numbered(f"a trial of {self.name}", last=head.next_trial - 1, got=trial)
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

    def carried(self) -> tuple[Carried, ...]:
        """Return what related processes have proven and this one has not, the closest first; nothing where the policy says off.

        What was tried here, or does not fit, is among them with the reason (``left``).
        """
        return carrying.found(self._wheel, self.journal)

    # ── parts ───────────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def _recall(self) -> Recall:
        found = self._memories.recall(self.name)
        found.beside = self._packs
        return found

    def _in_words(self, words: str, diff: str | bytes) -> "InWords":
        from kaizen.workshop.wording import in_words  # slow to load, and not always wanted

        return in_words(self._wheel.ledger, self.ledger_file, self.name, words, diff)

    def _pairs(self, head: Head, gain: float, sd: float) -> str:
        foreseen = self._wheel.prospect(head)(gain, sd)
        most = head.process.policy.patience
        if foreseen.pairs > most:
            return f"more than the {most} pairs that the policy allows; raise pairs or worthwhile, or measure longer per run"
        return f"about {foreseen.pairs} pairs ({2 * foreseen.pairs} runs)"


def _first_of(run: Run, seen: set[tuple[int, int]]) -> bool:
    """Tell whether no run of the same block has been seen; remember that one has."""
    fresh = run.unit not in seen
    seen.add(run.unit)
    return fresh


def _worthwhile(head: Head, candidate: Candidate) -> bool:
    """Tell whether a candidate is worth a recommendation: something worthwhile gained, and fair odds of proof."""
    return candidate.odds >= _FAIR and any(
        candidate.gains[m.name] >= m.as_gain(m.worthwhile) and candidate.gains[m.name] > 0 for m in head.process.metrics
    )
