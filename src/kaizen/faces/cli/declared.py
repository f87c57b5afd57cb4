"""``kaizen prove --declared``: what a loop kept without proof, a question each; which keeps, how they are told, the status."""

import argparse
import itertools
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kaizen.errors import Malformed, OutOfTurn, Undeclared
from kaizen.faces.cli import place
from kaizen.faces.cli.answer import Answer
from kaizen.faces.cli.improve import INTERRUPTED, STOPPED, Ended, Stop
from kaizen.importers import read_foreign
from kaizen.reports.lines import WIDTH, count, fold_text
from kaizen.workshop import Workshop, open_workshop
from kaizen.workshop.declared import Answered, Doubt, Round, Survey, survey
from kaizen.workshop.improving import Watcher
from kaizen.workshop.keeps import Keep, Keeps, keeps_in, keeps_of
from kaizen.workshop.proof import Proof
from kaizen.workshop.proven_since import is_question
from kaizen.workshop.proving import Question, question_of

NOT_ALL = 3
"""Exit status where none is worse, and not all are proven better."""
CANNOT = 2
"""Exit status where there are keeps, and none could be asked about."""
_VERDICTS = {
    "better": "better", "worse": "worse", "not_worthwhile": "no worthwhile difference", "futile": "cannot be told",
    "undecided": "cannot be told", "unfinished": "not answered yet",
}  # fmt: skip
_NOT_PROVEN = ("not_worthwhile", "futile", "undecided")
_LEAST = 24  # columns in which an effect can still be read


class Told(NamedTuple):
    """How the face tells what is under way, and what it makes of one proof for programs."""

    say: Callable[[str], None]
    watch: Watcher
    document: Callable[[Proof], dict[str, Any]]


def work_through(given: argparse.Namespace, options: dict[str, Any], told: Told) -> Answer:
    """Ask about every keep without proof, the dearest doubt first; say where all of them stand."""
    keeps = _keeps(given)
    if not keeps.keeps:
        said = f"Nothing to prove in {keeps.source}: {keeps.nothing}."
        return Answer(
            "\n".join(fold_text(said)), {"source": keeps.source, "nothing": keeps.nothing, "keeps": [], "left": []}
        )
    found = survey(keeps, options["root"])
    ledger = place.ledger_of(given)
    round_ = Round(found.doubts, _asking(given, options), ledger="memory:" if ledger is None else ledger)
    stop = Stop(told.say)
    total, numbers = len(found.doubts), itertools.count(round_.asked + 1)

    def begin(doubt: Doubt) -> None:
        if not (given.quiet or given.json):
            told.say(f"{next(numbers)} of {total}: {doubt.new.commit[:7]} against {doubt.old.commit[:7]}: {doubt.why}")

    status = None
    try:
        with stop.listening():
            round_.go(most=given.at_most, begin=begin, stopped=lambda: stop.asked, watch=told.watch, handle=stop.take)
        if stop.asked and round_.open():
            status = INTERRUPTED
    except (Ended, KeyboardInterrupt) as end:
        status = STOPPED if isinstance(end, Ended) else INTERRUPTED
    return Answer(
        "\n".join(_lines(found, round_)),
        _document(found, round_, told),
        status=_status(round_) if status is None else status,
    )


def _asking(given: argparse.Namespace, options: dict[str, Any]) -> Callable[[Doubt], Question]:
    def question(doubt: Doubt) -> Question:
        return question_of(
            doubt.old,
            doubt.new,
            build=given.build,
            pairs=given.pairs,
            alpha=given.alpha,
            warmup=given.warmup,
            **options,
        )

    return question


def _status(round_: Round) -> int:
    decisions = [one.proof.decision for one in round_.answers if one.proof is not None]
    if "worse" in decisions:
        return 1
    if not decisions:
        return CANNOT
    return 0 if decisions == ["better"] * len(round_.answers) else NOT_ALL


# ── whose keeps ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _keeps(given: argparse.Namespace) -> Keeps:
    """Find the keeps that are meant: of a process in the ledger, of a log, or of the only process that has any."""
    wanted, ledger = given.revisions or given.process, place.ledger_of(given)
    names: tuple[str, ...] = ()
    if ledger is not None and ledger.is_file():
        with open_workshop(ledger) as shop:
            names = tuple(name for name in shop if not is_question(name))
            if wanted in names:
                return keeps_of(shop[wanted])
            if wanted is None:
                return _of_the_only(shop, names)
    if wanted is None:
        raise OutOfTurn(
            f"keeps must be in a ledger or in a log; got no ledger at {ledger}, and no log",
            hint="kaizen prove --declared results.tsv -- COMMAND reads a log; kaizen import results.tsv brings it in",
        )
    if Path(wanted).exists():
        return keeps_in(read_foreign(wanted))
    hint = f"known are: {', '.join(names)}" if names else "the ledger has none; kaizen import brings a log in"
    raise Undeclared(f"keeps must be of a process in the ledger, or of a log that is there; got {wanted!r}", hint=hint)


def _of_the_only(shop: Workshop, names: Sequence[str]) -> Keeps:
    declared = [name for name in names if any(kept.evidence == "declared" for kept in shop[name].standards)]
    found = [keeps for keeps in map(keeps_of, (shop[name] for name in declared)) if keeps.keeps]
    if len(found) > 1:
        raise Malformed(
            f"a process must be named where several have keeps without proof; got none of {', '.join(one.source for one in found)}",
            hint=f"kaizen prove --declared {found[0].source} -- COMMAND",
        )
    nothing = "no standard of any process is a commit kept without proof"
    return found[0] if found else Keeps(source="the ledger", keeps=(), noise="", nothing=nothing)


# ── for people ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _lines(found: Survey, round_: Round) -> list[str]:
    answers = round_.answers
    here = f"{len(answers)} can be asked about, {round_.asked} {'is' if round_.asked == 1 else 'are'} answered"
    lines = fold_text(f"{count(len(answers) + len(found.left), 'keep')} without proof in {found.source}: {here}")
    if answers:
        lines += ["", *_table([("keep", "claimed", "proven", "verdict"), *map(_cells, answers)]), ""]
        lines += fold_text(
            "Asked in this order, dearest doubt first: the odds of luck, times the keeps that would fall with it"
        )
        for number, one in enumerate(answers, 1):
            lines += fold_text(one.doubt.why, first=f"  {number:>2}  {one.doubt.new.commit[:7]}  ", indent=" " * 15)
        lines += fold_text(found.noise, first="  ", indent="    ")
    lines += _titled("Could not be asked", ((one.doubt.keep, one.because) for one in answers if one.because))
    lines += _titled("Left out", ((one.keep, one.because) for one in found.left))
    lines += _advice(answers)
    if answers:
        lines += ["", *fold_text(_spent(round_))]
    return lines


def _cells(one: Answered) -> tuple[str, str, str, str]:
    keep = f"{one.doubt.new.commit[:7]} ({one.doubt.keep.where})"
    claimed = one.doubt.keep.claimed or "nothing in numbers"
    if one.proof is None:
        return keep, claimed, "", "could not be asked" if one.because else "not asked yet"
    return keep, claimed, _effects(one.proof), _VERDICTS[one.proof.decision]


def _effects(proof: Proof) -> str:
    """Say what a proof found, with intervals and the pairs that it took."""
    verdict = proof.verdict
    return proof.found if verdict is None else f"{proof.found}, {count(verdict.pairs, 'pair')}"


def _table(rows: Sequence[tuple[str, str, str, str]]) -> Iterator[str]:
    """Put rows into columns; what is proven is folded where it is long."""
    first, second, _, last = (max(len(row[place]) for row in rows) for place in range(4))
    third = max(_LEAST, WIDTH - first - second - last - 8)
    third = min(third, max(len(row[2]) for row in rows))
    for keep, claimed, proven, verdict in rows:
        parts = textwrap.wrap(proven, third, break_on_hyphens=False) or [""]
        for number, part in enumerate(parts):
            cells = (keep, claimed, part, verdict) if not number else ("", "", part, "")
            yield f"  {cells[0]:<{first}}  {cells[1]:<{second}}  {cells[2]:<{third}}  {cells[3]}".rstrip()


def _titled(title: str, items: Iterator[tuple[Keep, str]]) -> list[str]:
    lines = [
        line
        for keep, because in items
        for line in fold_text(f"{keep.where}, {keep.commit[:7] or 'no commit'}: {because}", first="  ", indent="    ")
    ]
    return ["", title, *lines] if lines else []


def _advice(answers: Sequence[Answered]) -> list[str]:
    """Say which keeps to take back, the newest first so that each is undone upon what it was built on; nothing is done."""
    lines = []
    for title, decisions in (
        ("Worse: take back", ("worse",)),
        ("Not proven, so nothing is known to be lost without", _NOT_PROVEN),
    ):
        found = [one.doubt for one in answers if one.doubt.revert and _is(one, *decisions)]
        lines += ["", title] if found else []
        for doubt in sorted(found, key=lambda doubt: doubt.upon):
            upon = f"   # {count(doubt.upon, 'later keep')} upon it: conflicts are likely" if doubt.upon else ""
            lines.append(f"  {doubt.revert}{upon}")
    return lines


def _is(one: Answered, *decisions: str) -> bool:
    return one.proof is not None and one.proof.decision in decisions


def _spent(round_: Round) -> str:
    """Say what α was spent on, and what waits."""
    asked, total, alpha = round_.asked, len(round_.answers), round_.alpha
    said = "All metrics are exact: one pair each, and no chance of a false answer by luck."
    if alpha and asked:
        each = f"{count(asked, 'question')} answered at α = {alpha:g}, {'each of its own' if asked > 1 else 'its own'}"
        said = f"{each}: of changes that do nothing, {asked * alpha:.3g} at most on average would be called better or worse."
        said += (
            f" --alpha {alpha / total:.2g} from the start keeps all {total} together within {alpha:g}."
            if total > 1
            else ""
        )
    elif alpha:
        said = f"No question is answered yet; each has an α of its own, {alpha:g}."
    waiting = len(round_.open()) - sum(bool(one.because) for one in round_.answers)
    return f"{said} {count(waiting, 'question')} left: the same command goes on." if waiting else said


# ── for programs ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _document(found: Survey, round_: Round, told: Told) -> dict[str, Any]:
    return {
        "source": found.source, "noise": found.noise, "alpha": round_.alpha, "questions": len(round_.answers),
        "answered": round_.asked, "asked_now": sum(one.now for one in round_.answers),
        "false_answers": round_.asked * round_.alpha,
        "keeps": [
            _keep_document(one.doubt.keep) | {
                "old": one.doubt.old, "new": one.doubt.new, "upon": one.doubt.upon,
                "why": one.doubt.why, "aside": one.doubt.aside, "because": one.because,
                "revert": one.doubt.revert if _is(one, "worse", *_NOT_PROVEN) else "",
                "proof": None if one.proof is None else told.document(one.proof),
            }
            for one in round_.answers
        ],
        "left": [_keep_document(one.keep) | {"because": one.because} for one in found.left],
    }  # fmt: skip


def _keep_document(keep: Keep) -> dict[str, Any]:
    told = keep.by_noise and keep.times is not None
    return {"where": keep.where, "commit": keep.commit, "before": keep.before, "words": keep.words, "claimed": keep.claimed,
            "gain": keep.gain, "times_noise": keep.times if told else None,
            "luck": keep.luck if told else None}  # fmt: skip
