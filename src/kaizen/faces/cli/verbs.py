"""The verbs that write: each opens the process, calls the verb, and says what followed."""

import argparse

from kaizen.errors import OutOfTurn
from kaizen.faces.cli import inwords, place
from kaizen.faces.cli.answer import (
    Answer,
    joined,
    outcome_document,
    pairs,
    record_document,
    run_document,
    standard_document,
    verdict_document,
)  # fmt: skip
from kaizen.ledger import Amended, Asked, Corrected, Faulted, Late, Record, Told
from kaizen.reports import lines
from kaizen.trial import Run
from kaizen.verdict import Verdict
from kaizen.workshop.bench import Bench


def ask(given: argparse.Namespace) -> Answer:
    """Hand out runs: what this person has in hand already, then as many new ones as are wanted."""
    with place.at_work(given, by=given.by) as bench:
        in_hand = list(bench.asked(given.by))
        wanted = given.n if given.more else max(0, given.n - len(in_hand))
        fresh, rest = _more(bench, given.by, wanted, known={run.id for run in in_hand})
        metrics = [metric.name for metric in bench.process.metrics]
    if not in_hand and not fresh and rest is not None:
        raise rest
    why = f"Nothing more now: {rest.message}" if rest is not None else ""
    told = [f"You have this in hand already, {given.by}:"] if in_hand else []
    told += [lines.open_run_lines(run, bench.name, metrics) for run in in_hand]
    told += ["And this is new:"] if in_hand and fresh else []
    told += [lines.open_run_lines(run, bench.name, metrics) for run in fresh]
    document = {
        "process": bench.name, "in_hand": [run_document(run) for run in in_hand],
        "runs": [run_document(run) for run in fresh], "rest": rest.message if rest is not None else None,
    }  # fmt: skip
    return Answer(joined([*told, why]), document)


def _more(bench: Bench, by: str, wanted: int, *, known: set[int]) -> tuple[list[Run], OutOfTurn | None]:
    """Ask for runs that are not in hand yet; return them, and why there are no more."""
    fresh: list[Run] = []
    while len(fresh) < wanted:
        try:
            run = bench.ask(by)
        except OutOfTurn as rest:
            return fresh, rest
        if run.id not in known:
            fresh.append(run)
    return fresh, None


def tell(given: argparse.Namespace) -> Answer:
    """Write what a run measured, and say what followed from it."""
    with place.at_work(given, by=given.by or "me") as bench:
        before = bench.head.seq
        metrics = bench.process.metrics
        values = pairs(given.values, example=" ".join(f"{metric.name}=7.5" for metric in metrics))
        record = bench.tell(
            given.run, values, by=_holder(bench, given), key=given.key, money=given.money, seconds=given.seconds
        )
        return _answered(bench, record, before)


def fault(given: argparse.Namespace) -> Answer:
    """Write why a run gave no reading, and say what followed from it."""
    with place.at_work(given, by=given.by or "me") as bench:
        before = bench.head.seq
        record = bench.fault(
            given.run, given.note, reason=given.reason, by=_holder(bench, given), key=given.key, money=given.money,
            seconds=given.seconds,
        )  # fmt: skip
        return _answered(bench, record, before)


def _holder(bench: Bench, given: argparse.Namespace) -> str:
    """Return in whose name a run is answered: whoever has it, unless somebody says otherwise."""
    if given.by is not None:
        return str(given.by)
    run = bench.head.run(given.run)
    return run.by if run is not None and run.by else "me"


def _answered(bench: Bench, record: Record, before: int) -> Answer:
    entry = record.entry
    assert isinstance(entry, Told | Faulted | Late), "an answer is one of these"
    outcome = entry.reading if isinstance(entry, Told) else entry.fault if isinstance(entry, Faulted) else entry.outcome
    late = isinstance(entry, Late)
    followed = _followed(bench, before)
    again = record.seq <= before
    said = f"Run {entry.run} of {bench.name}: {lines.outcome_words(outcome)}"
    said += " (told already; it counts once)" if again else ""
    said += " (too late: it teaches, and counts for no pair)" if late else ""
    document = {
        "process": bench.name, "run": entry.run, **outcome_document(outcome), "late": late, "again": again,
        "followed": [record_document(one) for one in followed],
    }  # fmt: skip
    return Answer(joined([said, *_said(followed)]), document)


def correct(given: argparse.Namespace) -> Answer:
    """Replace a reading, and show what the judge said before and says now."""
    with place.at_work(given, by=given.by) as bench:
        before = bench.head.seq
        metrics = bench.process.metrics
        values = pairs(given.values, example=" ".join(f"{metric.name}=7.5" for metric in metrics))
        made = bench.correct(given.run, values, because=given.because, by=given.by)
        followed = _followed(bench, before)
    reading = ", ".join(f"{name}={value}" for name, value in values.items())
    told = [f"Run {made.run} of {bench.name} now reads {reading}"]
    if made.before is not None or made.after is not None:
        told += [f"  verdict before: {_verdict(made.before)}", f"  verdict now:    {_verdict(made.after)}"]
    for other in made.others:
        told.append(f"  trial {other.trial}, too:    {_verdict(other.before)}; now {_verdict(other.after)}")
    others = [
        {"trial": one.trial, "before": verdict_document(one.before), "after": verdict_document(one.after)}
        for one in made.others
    ]
    document = {
        "process": bench.name, "run": made.run, "trial": made.trial, "before": verdict_document(made.before),
        "after": verdict_document(made.after), "others": others, "followed": [record_document(one) for one in followed],
    }  # fmt: skip
    return Answer(joined([*told, *_said(followed)]), document)


def _verdict(verdict: Verdict | None) -> str:
    return "none" if verdict is None else f"{verdict} ({verdict.reason})"


def propose(given: argparse.Namespace) -> Answer:
    """Propose an increment, and say the veteran's nod on it."""
    with place.at_work(given, by=given.by) as bench:
        changes = pairs(given.values, example=_example(bench))
        offer = bench.propose(
            changes, because=given.because, by=given.by, key=given.key, different=given.different, words=given.words,
            diff=inwords.diff(given.diff),
        )  # fmt: skip
    again = " (proposed already; it counts once)" if offer.again else ""
    told = [f"Proposal {offer.id} of {bench.name}: {offer.increment}{again}", f"  veteran: {offer.nod}"]
    told += [f"    {precedent}" for precedent in offer.nod.precedents]
    told += [f"    but: {one}" for one in offer.nod.exceptions]
    told += [f"  different: {offer.increment.different}"] if offer.increment.different else []
    document = {"process": bench.name, "proposal": offer.id, "increment": offer.increment,
                "changes": offer.increment.changes, "nod": offer.nod, "again": offer.again}  # fmt: skip
    return Answer(joined(told), document)


def _example(bench: Bench) -> str:
    name, value = next(iter(bench.standard.setting.items()))
    return f"{name}={value}"


# ── deciding ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def consent(given: argparse.Namespace) -> Answer:
    """Agree to adopt the trial that waits; say the new standard."""
    with place.at_work(given, by=given.by) as bench:
        standard = bench.consent(given.by, given.note, trial=given.trial)
    return Answer(f"{standard}\n  {standard.because}", {"process": bench.name, **standard_document(standard)})


def refuse(given: argparse.Namespace) -> Answer:
    """Decline to adopt the trial that waits; say the lesson."""
    with place.at_work(given, by=given.by) as bench:
        before = bench.head.seq
        bench.refuse(given.by, given.note, trial=given.trial)
        followed = _followed(bench, before)
    document = {"process": bench.name, "followed": [record_document(one) for one in followed]}
    return Answer(joined([f"Refused by {given.by}; the standard stays", *_said(followed)]), document)


def rollback(given: argparse.Namespace) -> Answer:
    """Go back to an earlier standard; say the new one."""
    with place.at_work(given, by=given.by) as bench:
        standard = bench.rollback(given.because, by=given.by, to=given.to)
    return Answer(f"{standard}\n  {standard.because}", {"process": bench.name, **standard_document(standard)})


def retract(given: argparse.Namespace) -> Answer:
    """Say that a lesson no longer holds."""
    with place.at_work(given, by=given.by) as bench:
        bench.retract(given.lesson, given.because, by=given.by)
    document = {"process": bench.name, "lesson": given.lesson, "because": given.because, "by": given.by}
    return Answer(f"Lesson {given.lesson} of {bench.name} no longer holds: {given.because}", document)


# ── listening ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def voice(given: argparse.Namespace) -> Answer:
    """Write down a customer's word."""
    with place.at_work(given, by=given.by) as bench:
        bench.voice(given.text, by=given.by, theme=given.theme)
    document = {"process": bench.name, "text": given.text, "by": given.by, "theme": given.theme}
    return Answer(f"Heard, {given.by}: {given.text}", document)


def teach(given: argparse.Namespace) -> Answer:
    """Write down what somebody knows."""
    near = [word for word in given.near.split(",") if word.strip()]
    with place.at_work(given, by=given.by) as bench:
        made = bench.teach(
            given.text, by=given.by, that=given.that, near=pairs(near, example=f"--near {_example(bench)}"),
            confidence=given.confidence,
        )  # fmt: skip
    region = f"that {made.that}" if made.that else f"near {made.near}" if made.near else "words alone"
    return Answer(f"Taught by {made.by}: {made.text} ({region})", {"process": bench.name, "testimony": made})


def andon(given: argparse.Namespace) -> Answer:
    """Pull the cord."""
    with place.at_work(given, by=given.by) as bench:
        bench.andon(given.because, by=given.by)
        pulled = bench.head.andon
    then = f'nothing new is handed out until: kaizen clear {bench.name} "what was done" --by NAME'
    return Answer(f"{bench.name}: {pulled}\n  {then}", {"process": bench.name, "andon": pulled})


def clear(given: argparse.Namespace) -> Answer:
    """Clear the andon."""
    with place.at_work(given, by=given.by) as bench:
        bench.clear(given.note, by=given.by)
    document = {"process": bench.name, "andon": None, "note": given.note, "by": given.by}
    return Answer(f"{bench.name}: the andon is cleared by {given.by}: {given.note}", document)


# ── parts ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _followed(bench: Bench, before: int) -> list[Record]:
    """Return what was written after ``before``, but for the answer or correction itself."""
    kinds = (Told, Faulted, Late, Corrected, Asked, Amended)
    records = bench.wheel.ledger.read(bench.name, after=before)
    return [record for record in records if not isinstance(record.entry, kinds)]


def _said(followed: list[Record]) -> list[str]:
    return [f"  {type(one.entry).__name__.lower()}: {lines.entry_words(one.entry)}" for one in followed]
