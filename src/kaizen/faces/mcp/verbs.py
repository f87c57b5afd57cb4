"""The tools that write: each opens the process anew, calls one verb, and says what followed."""

from collections.abc import Iterable

from kaizen.errors import OutOfTurn
from kaizen.faces.mcp import asked, replies
from kaizen.faces.mcp.room import Room
from kaizen.faces.mcp.wording import budget_words, nodded, numbered, siblings
from kaizen.ledger import Amended, Asked, Corrected, Faulted, Late, Record, Told
from kaizen.reports import lines
from kaizen.trial import Reading, Run
from kaizen.verdict import Verdict
from kaizen.workshop.answering import Correction
from kaizen.workshop.bench import Bench


def propose(room: Room, given: asked.Propose) -> replies.Proposed:
    """Propose an increment; the nod is in the answer."""
    with room.at_work(given.process, by=given.by) as bench:
        offer = bench.propose(
            given.changes, because=given.because, by=given.by, key=given.key, different=given.different, words=given.words,
            diff=given.diff,
        )  # fmt: skip
        said = nodded(offer.nod, bench.head, mine=f"proposal {offer.id}")
    return replies.Proposed(**said, proposal=offer.id, increment=str(offer.increment), again=offer.again)


def ask(room: Room, given: asked.Ask) -> replies.Given:
    """Hand out runs: what the agent has in hand already, then as many new ones as are wanted."""
    with room.at_work(given.process, by=given.by) as bench:
        held = bench.asked(given.by)
        known = {run.id for run in held}
        fresh, rest = _more(bench, given, max(0, given.n - len(held)), known=known)
        runs = (*held, *fresh)
        if not runs and rest is not None:
            raise rest
        head = bench.head
        trials = dict.fromkeys(run.trial for run in runs if run.trial is not None)
        checked = [found for trial in trials if (found := bench.recheck(trial)) is not None and found.differs]
        said, more = siblings(head, mine=[f"trial {trial}" for trial in trials])
        return replies.Given(
            runs=tuple(_in_hand(run, held=run.id in known) for run in runs),
            metrics=tuple(metric.rule for metric in head.process.metrics),
            rest=rest.message if rest is not None else "",
            recheck=tuple(map(str, checked)),
            siblings=said,
            more_siblings=more,
            spent=str(head.spent),
            budget=budget_words(head),
        )


def _more(bench: Bench, given: asked.Ask, wanted: int, *, known: set[int]) -> tuple[list[Run], OutOfTurn | None]:
    """Ask for runs that are not in hand yet; return them, and why there are no more."""
    fresh: list[Run] = []
    while len(fresh) < wanted:
        try:
            run = bench.ask(given.by, lease=given.lease)
        except OutOfTurn as rest:
            return fresh, rest
        if run.id not in known:
            fresh.append(run)
    return fresh, None


def _in_hand(run: Run, *, held: bool) -> replies.InHand:
    """Tell of an open run, without its side: who measures should not know."""
    return replies.InHand(
        run=run.id, setting=run.setting.plain(), because=run.because, purpose=run.purpose, of=run.of, seed=run.seed,
        attempt=run.attempt, held=held,
    )  # fmt: skip


def tell(room: Room, given: asked.Tell) -> replies.Answered:
    """Write what a run measured, and say what followed from it."""
    with room.at_work(given.process, by=given.by or "me") as bench:
        before = bench.head.seq
        record = bench.tell(
            given.run, given.values, by=_holder(bench, given), key=given.key, money=given.money, seconds=given.seconds,
            conditions=given.conditions,
        )  # fmt: skip
        return _answered(bench, record, before)


def fault(room: Room, given: asked.Fault) -> replies.Answered:
    """Write why a run gave no reading, and say what followed from it."""
    with room.at_work(given.process, by=given.by or "me") as bench:
        before = bench.head.seq
        record = bench.fault(
            given.run, given.note, reason=given.reason, by=_holder(bench, given), key=given.key, money=given.money,
            seconds=given.seconds,
        )  # fmt: skip
        return _answered(bench, record, before)


def _holder(bench: Bench, given: asked.Tell | asked.Fault) -> str:
    """Return in whose name a run is answered: whoever has it, unless somebody says otherwise."""
    run = bench.head.run(given.run)
    return given.by or (run.by if run is not None and run.by else "me")


def _answered(bench: Bench, record: Record, before: int) -> replies.Answered:
    entry = record.entry
    assert isinstance(entry, Told | Faulted | Late), "an answer is one of these"
    outcome = entry.reading if isinstance(entry, Told) else entry.fault if isinstance(entry, Faulted) else entry.outcome
    return replies.Answered(
        run=entry.run, outcome=lines.outcome_words(outcome), late=isinstance(entry, Late), again=record.seq <= before,
        followed=_followed(bench, before),
    )  # fmt: skip


def correct(room: Room, given: asked.Correct) -> replies.Corrected:
    """Replace a reading, and say what the judge said before and says now."""
    with room.at_work(given.process, by=given.by) as bench:
        before = bench.head.seq
        made = bench.correct(given.run, given.values, because=given.because, by=given.by)
        reading = Reading(values=bench.process.reading(given.values))
        followed = _followed(bench, before)
    return replies.Corrected(
        run=made.run, outcome=str(reading), verdicts=tuple(_verdicts((made, *made.others))), followed=followed,
    )  # fmt: skip


def _verdicts(made: Iterable[Correction]) -> Iterable[str]:
    for one in made:
        if one.trial is not None:
            yield f"trial {one.trial}: before, {_verdict(one.before)}; now, {_verdict(one.after)}"


def _verdict(verdict: Verdict | None) -> str:
    return "none" if verdict is None else f"{verdict} ({verdict.reason})"


def consent(room: Room, given: asked.Consent) -> replies.Decided:
    """Agree to adopt the trial that waits, or decline; say the standard that follows."""
    with room.at_work(given.process, by=given.by) as bench:
        before = bench.head.seq
        if given.decline:
            bench.refuse(given.by, given.note, trial=given.trial)
        else:
            bench.consent(given.by, given.note, trial=given.trial)
        standard = bench.standard
        followed = _followed(bench, before)
    return replies.Decided(
        adopted=not given.decline, standard=standard.number, setting=standard.setting.plain(), because=standard.because,
        followed=followed,
    )  # fmt: skip


def rollback(room: Room, given: asked.Rollback) -> replies.Numbered:
    """Go back to an earlier standard; say the new one."""
    with room.at_work(given.process, by=given.by) as bench:
        return replies.Numbered(**numbered(bench.rollback(given.because, by=given.by, to=given.to)))


def voice(room: Room, given: asked.Voice) -> replies.Heard:
    """Write down a customer's word."""
    with room.at_work(given.process, by=given.by) as bench:
        bench.voice(given.text, by=given.by, theme=given.theme)
    return replies.Heard(said=f"heard, {given.by}: {given.text}")


def andon(room: Room, given: asked.Andon) -> replies.Heard:
    """Pull the cord."""
    with room.at_work(given.process, by=given.by) as bench:
        bench.andon(given.because, by=given.by)
        said = str(bench.head.andon)
    then = f'nothing new is handed out until a person says: kaizen clear {given.process} "what was done" --by NAME'
    return replies.Heard(said=said, then=then)


def _followed(bench: Bench, before: int) -> tuple[str, ...]:
    """Say what was written after ``before``, but for the answer or correction itself."""
    kinds = (Told, Faulted, Late, Corrected, Asked, Amended)
    records = bench.wheel.ledger.read(bench.name, after=before)
    entries = [record.entry for record in records if not isinstance(record.entry, kinds)]
    return tuple(f"{type(entry).__name__.lower()}: {lines.entry_words(entry)}" for entry in entries)
