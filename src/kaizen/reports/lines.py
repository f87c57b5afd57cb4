"""Single things in plain text: a standard, a run, a trial, a lesson, a record."""

import textwrap
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from kaizen import ledger
from kaizen.journal import Kept, Tested, Tried
from kaizen.ledger import Entry, Record
from kaizen.reports.budget import percent
from kaizen.trial import FAULTS, Design, Fault, Outcome, Run, Trial
from kaizen.verdict import Lesson, Stopped, Verdict

WIDTH = 100
"""Columns that folded text takes at most."""


def standard_lines(kept: Kept, promise: str = "", since: Iterable[str] = ()) -> str:
    """Tell of one standard: what it is, what it rests on, since when; of a proven one, what it promised and delivers.

    ``since`` is what was proven of a declared one since.
    """
    standard = kept.standard
    rest = f"proven in trial {standard.trial}" if standard.evidence == "proven" else standard.evidence
    lines = fold_text(str(standard))
    lines += fold_text(f"{rest}; {promise or standard.because}; since {when(kept.at)}, by {standard.by}", indent="  ")
    lines += [line for said in since for line in fold_text(said, indent="  ")]
    return "\n".join(lines)


def lesson_line(lesson: Lesson) -> str:
    """Tell of one lesson, folded: number, grade, words, scope, and why it no longer holds if so."""
    gone = f" Retracted: {lesson.retracted}." if lesson.retracted else ""
    said = f"{lesson.text} ({lesson.grade}; {lesson.scope}).{gone}"
    return "\n".join(fold_text(said, first=f"{lesson.id:>4}  ", indent=" " * 6))


def log_line(record: Record) -> str:
    """Tell of one record in one line, never folded: place, time, who, what happened."""
    kind = type(record.entry).__name__.lower()
    return f"{record.seq:>5}  {when(record.at)}  {record.by:<9} {kind:<10} {entry_words(record.entry)}".rstrip()


def entry_words(entry: Entry) -> str:
    """Say what happened in one line."""
    return " ".join(_words(entry).split())


def _words(entry: Entry) -> str:
    match entry:
        case ledger.Described(process=process):
            return f"{process.name}: {', '.join(metric.rule for metric in process.metrics)}"
        case ledger.Amended(because=because, standard=standard):
            return f"{because}{f'; {standard}' if standard is not None else ''}"
        case ledger.Scouted(runs=runs):
            return "; ".join(f"{run} ({run.because})" for run in runs)
        case ledger.Proposed(id=number, increment=increment):
            different = f"; different: {increment.different}" if increment.different else ""
            return f"proposal {number}: {increment} ({increment.because}{different})"
        case ledger.Advised(answer=answer, because=because):
            return f"{answer.replace('_', ' ')}: {because}{_coin_words(entry)}"
        case ledger.Opened(trial=trial):
            alpha = f", judged at α = {percent(trial.design.alpha, digits=2)}" if trial.design.alpha else ""
            return f"{titled(trial)} ({cap(trial.design)}{alpha})"
        case ledger.Asked(runs=runs):
            return "; ".join(f"{run}{f' (attempt {run.attempt})' if run.attempt > 1 else ''}" for run in runs)
        case (
            ledger.Told(run=run, reading=outcome)
            | ledger.Faulted(run=run, fault=outcome)
            | ledger.Reported(run=run, outcome=outcome)
        ):
            return f"run {run}: {outcome_words(outcome)}"
        case ledger.Late(run=run, outcome=outcome):
            return f"run {run}, attempt {entry.attempt}: {outcome_words(outcome)} (teaches, and counts for no pair)"
        case ledger.Corrected(run=run, outcome=outcome, because=because):
            return f"run {run}: {outcome_words(outcome)} ({because})"
        case ledger.Judged(trial=trial, verdict=verdict, stopped=stopped):
            return f"trial {trial}: {verdict if verdict is not None else stopped_words(stopped)}"
    return _people_words(entry)


def _coin_words(entry: ledger.Advised) -> str:
    if entry.heeded:
        thrown = "" if entry.coin is None else f", and so said a coin ({percent(1.0 - entry.coin.chance)})"
        return f" (left alone: {entry.increment}{thrown})"
    return "" if entry.coin is None else f" (tried anyway, by a coin of {percent(entry.coin.chance)})"


def _people_words(entry: Entry) -> str:
    match entry:
        case ledger.Consented(trial=trial, note=note):
            return f"to trial {trial}{f': {note}' if note else ''}"
        case ledger.Refused(trial=trial, proposal=proposal, note=note):
            what = f"trial {trial}" if trial is not None else f"proposal {proposal}"
            return f"{what}{f': {note}' if note else ''}"
        case ledger.Adopted(standard=standard):
            if standard.evidence == "proven":
                return f"{standard} (proven; its pairs showed {standard.because.removeprefix('better: ')})"
            return f"{standard} ({standard.evidence}: {standard.because})"
        case ledger.RolledBack(standard=standard):
            return f"{standard} ({standard.because})"
        case ledger.Learned(lesson=lesson):
            return f"lesson {lesson.id}: {lesson.text}"
        case ledger.Retracted(lesson=lesson, because=because):
            return f"lesson {lesson}: {because}"
        case ledger.Taught():
            return _taught_words(entry)
        case ledger.Voiced(voice=voice):
            return f"{f'[{voice.theme}] ' if voice.theme else ''}{voice.text}"
        case ledger.Pulled(andon=andon):
            return str(andon)
        case ledger.Cleared(note=note):
            return note
    return ""


def _taught_words(entry: ledger.Taught) -> str:
    facts = [
        f"that {entry.that}" if entry.that else "",
        f"near {entry.near}" if entry.near else "",
        f"confidence {entry.confidence:g}" if entry.confidence is not None else "",
    ]
    told = "; ".join(fact for fact in facts if fact)
    return f"{entry.text}{f' ({told})' if told else ''}"


# ── a run, a trial ────────────────────────────────────────────────────────────────────────────────────────────────────


def run_lines(run: Tried) -> str:
    """Tell all of one finished run."""
    facts = [("why", run.because), ("outcome", outcome_words(run.outcome))]
    if run.trial is not None and run.block is not None:
        facts.append(("trial", f"{run.trial}, pair {run.block + 1}, side {run.side}"))
        facts.append(("serves", "; ".join(f"trial {seat.trial}, pair {seat.block + 1}" for seat in run.serves)))
        facts.append(("beside", f"run {run.beside}" if run.beside is not None else ""))
    facts += [("was", f"{outcome_words(outcome)}, before it was corrected") for outcome in run.corrected]
    facts += [("late", outcome_words(outcome)) for outcome in run.late]
    tail = run.outcome.tail.strip() if isinstance(run.outcome, Fault) else ""
    facts += [
        ("spent", str(run.spend)),
        ("under", ", ".join(f"{name}={value}" for name, value in run.conditions.items())),
        ("made", f"{when(run.at)} by {run.by}{f', reported from {run.source}' if run.source else ''}"),
        ("said", " / ".join(tail.splitlines()[-5:])),
    ]
    return _facts_lines(f"Run {run.id} ({run.purpose}): {run.setting}", facts)


def open_run_lines(run: Run, process: str, metrics: Iterable[str]) -> str:
    """Tell of a run in somebody's hands, and how it is answered. Its side stays hidden."""
    answer = " ".join(f"{name}=NUMBER" for name in metrics)
    facts = [("why", run.because), ("then", f"kaizen tell {process} {run.id} {answer}")]
    return _facts_lines(f"Run {run.id} of {process}: {run.setting}", facts)


def cap(design: Design) -> str:
    """Say how many pairs a trial may take: ``at most 40 pairs``."""
    return "any number of pairs" if design.pairs is None else f"at most {count(design.pairs, 'pair')}"


def titled(trial: Trial, *, before: int | None = None) -> str:
    """Name a trial: ``Trial 5, watch: standard 3 beside standard 2``."""
    return str(trial) if trial.purpose == "trial" else f"Trial {trial.id}, {subject(trial, before=before)}"


def subject(trial: Trial, *, before: int | None = None) -> str:
    """Say what a trial tries: an increment, a copy of the standard, or a standard beside ``before``, the one before it."""
    number = trial.increment.of
    match trial.purpose:
        case "shadow":
            return f"watch: standard {number} beside {'the one before' if before is None else f'standard {before}'}"
        case "null":
            return f"copy of standard {number} (alarm)"
    return str(trial.increment)


def showed(verdict: Verdict) -> str:
    """Say what the pairs of a trial showed: of a chosen one, more than it will deliver."""
    return f"its pairs showed {str(verdict).partition(': ')[2] or verdict.reason}"


def stopped_words(stopped: Stopped | None) -> str:
    """Say how a trial ended without a verdict: of a watch, what was heard."""
    if stopped is None:
        return ""
    return f"heard: {stopped.note}" if stopped.reason == "watched" else str(stopped)


def trial_lines(test: Tested, runs: Sequence[Tried], *, before: int | None = None, promise: str = "") -> str:
    """Tell all of one trial: what was tried and why, its design, its pairs, its verdict.

    ``before`` is the standard that a watch runs beside its own, ``promise`` what the standard it made promised.
    """
    design = test.trial.design
    alpha = f"judged at α = {percent(design.alpha, digits=2)}" if design.alpha else "exact, no error budget used"
    if not design.charged:
        alpha = f"{alpha}, never adopted" if test.trial.purpose == "null" else "listened to, not judged"
    facts = [
        ("why", test.trial.increment.because),
        ("different", test.trial.increment.different),
        ("by", f"{test.trial.increment.by}, opened {when(test.at)}"),
        ("design", f"{cap(design)}, {alpha}, {design.method}"),
        *(("metric", metric.rule) for metric in design.metrics),
        *(("guard", str(guard)) for guard in design.guards),
    ]
    if test.trial.purpose == "shadow" and before is not None:
        facts.append(("sides", f"standard {test.trial.increment.of}  →  standard {before}"))
    sides: dict[int, dict[str, str]] = {}
    for run in runs:
        if run.block is not None and run.side is not None:
            sides.setdefault(run.block, {})[run.side] = outcome_words(run.outcome)
    for block, said in sorted(sides.items()):
        facts.append((f"pair {block + 1}", f"{said.get('standard', '…')}  →  {said.get('increment', '…')}"))
    facts += [("verdict", f"{verdict.decision.replace('_', ' ')} ({verdict.reason})") for verdict in test.verdicts]
    if test.verdict is not None:
        facts.append(("effect", showed(test.verdict)))
    heard = test.stopped is not None and test.stopped.reason == "watched"
    facts.append(("heard" if heard else "stopped", stopped_words(test.stopped).removeprefix("heard: ")))
    facts.append(("spent", str(test.spend) if test.closed_at is not None else ""))
    facts += [("consent", test.consent), ("refused", test.refused)]
    facts += [
        ("adopted", f"as standard {test.adopted}" if test.adopted is not None else ""),
        ("promise", promise.removeprefix("promised ")),
    ]
    return _facts_lines(titled(test.trial, before=before), facts)


def _facts_lines(title: str, facts: Iterable[tuple[str, str]]) -> str:
    lines = fold_text(title)
    for name, said in facts:
        if said:
            lines += fold_text(said, first=f"  {name:<9} ", indent=" " * 12)
    return "\n".join(lines)


def outcome_words(outcome: Outcome) -> str:
    """Say a reading, or a fault with what its reason means."""
    if isinstance(outcome, Fault):
        return f"{outcome}: {FAULTS.get(outcome.reason, outcome.reason)}" if not outcome.note else str(outcome)
    return str(outcome)


def when(at: int) -> str:
    """Say a time (µs since 1970) as this place's clocks do: ``2026-03-01 18:30:05``."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def fold_text(said: str, *, indent: str = "", first: str | None = None) -> list[str]:
    """Fold a sentence into lines of at most ``WIDTH`` columns; ``first`` begins the first one."""
    begin = indent if first is None else first
    folded = textwrap.wrap(
        said, WIDTH, initial_indent=begin, subsequent_indent=indent if first is not None else f"{indent}  ",
        break_on_hyphens=False,
    )  # fmt: skip
    return folded or [begin.rstrip()]


def count(number: int, what: str) -> str:
    """Say a number of things: ``1 pair``, ``6 pairs``."""
    return f"{number} {what}{'' if number == 1 else 's'}"
