"""The tools that only look; nothing is written, and no ledger is made."""

import bisect
from collections.abc import Sequence
from typing import TypeVar

from kaizen.errors import Malformed, Undeclared
from kaizen.faces.mcp import asked, replies
from kaizen.faces.mcp.room import Room
from kaizen.faces.mcp.wording import PAGE, budget_words, nodded, numbered, sibling
from kaizen.journal import Head
from kaizen.parameter import Parameter, Real, Whole
from kaizen.process import Function, Hands, Process, Shell
from kaizen.reports import text
from kaizen.reports.lines import stopped_words
from kaizen.standard import Standard
from kaizen.stride import spell
from kaizen.verdict import Verdict
from kaizen.veteran.lessons import Read
from kaizen.workshop.bench import Bench
from kaizen.workshop.ideas import ideas

T = TypeVar("T")
Spot = tuple[int, int]
"""A place in a list, ascending."""


def consult(room: Room, given: asked.Consult) -> replies.Nodded:
    """Ask the veteran; nothing is written."""
    with room.at_rest(given.process, imagine=True) as bench:
        return replies.Nodded(**nodded(bench.consult(given.changes, words=given.words, diff=given.diff), bench.head))


def check(room: Room, given: asked.Check) -> replies.Checked:
    """Say the verdict on a trial as it stands."""
    with room.at_rest(given.process) as bench:
        verdict, tests = bench.check(given.trial), bench.trials
        judged = [test.id for test in tests if test.trial.purpose != "shadow"]
        number = given.trial if given.trial is not None else (judged[-1] if judged else None)
        test = next((test for test in tests if test.id == number), None)
        if test is None:
            return replies.Checked(said="no trial has been opened yet")
        open_ = bench.head.under_way(test.id)
        waits = open_ is not None and open_.verdict is not None
        return replies.Checked(
            trial=test.id, increment=str(test.trial.increment), decision=verdict.decision if verdict is not None else "",
            settled=verdict is not None and verdict.settled, said=_said(verdict), effects=_effects(verdict, bench.process),
            pairs=verdict.pairs if verdict is not None else 0, most=test.trial.design.pairs,
            stopped=stopped_words(test.stopped), waits_for=bench.process.policy.consent if waits else "",
        )  # fmt: skip


def _said(verdict: Verdict | None) -> str:
    return "no pair is complete yet" if verdict is None else f"{verdict} ({verdict.reason})"


def _effects(verdict: Verdict | None, process: Process) -> tuple[replies.Effect, ...]:
    found = verdict.effects if verdict is not None else ()
    known = {metric.name: metric for metric in process.metrics}
    return tuple(
        replies.Effect(
            metric=one.metric, gain=one.gain, low=one.low, high=one.high,
            said=one.spell(known[one.metric]) if one.metric in known else one.metric,
        )
        for one in found
    )  # fmt: skip


def standard(room: Room, given: asked.Standard) -> replies.Described:
    """Say a standard, and what may be changed of today's."""
    with room.at_rest(given.process, imagine=True) as bench:
        process, found = bench.process, _numbered(bench, given.number)
        promises = {one.standard: one for one in bench.promises()}
    return replies.Described(
        **numbered(found), about=process.about, promise=str(promises.get(found.number, "")),
        parameters=tuple(map(_parameter, process.parameters)), constraints=process.constraints,
        metrics=tuple(metric.rule for metric in process.metrics), guards=tuple(map(str, process.guards)),
        work=_work(process), consent=process.policy.consent,
    )  # fmt: skip


def _numbered(bench: Bench, number: int | None) -> Standard:
    if number is None:
        return bench.standard
    found = next((one for one in bench.standards if one.number == number), None)
    if found is None:
        raise Undeclared.numbered(f"a standard of {bench.name}", last=bench.standard.number, got=number)
    return found


def _parameter(parameter: Parameter) -> replies.Parameter:
    limited = isinstance(parameter, Real | Whole) and parameter.at_most is not None
    waits = " and ".join(f"{when.parameter} is {' or '.join(map(repr, when.values))}" for when in parameter.when)
    at_most = spell(parameter) if limited and isinstance(parameter, Real | Whole) else ""
    return replies.Parameter(name=parameter.name, range=parameter.span, at_most=at_most, when=waits)


def _work(process: Process) -> str:
    match process.work:
        case Hands():
            return "by hand: kaizen_ask hands out a setting, kaizen_tell takes its reading"
        case Shell(command=command):
            return f"by a command, with the setting in its environment: {command}"
        case Function(name=name):
            return f"by the Python function {name}"


def lessons(room: Room, given: asked.Lessons) -> replies.Learnt:
    """Say what was learnt, newest first; what people know without data is on the first page."""
    with room.at_rest(given.process) as bench:
        found = bench.learnt(given.word, parameter=given.parameter)[::-1]
        words = () if given.cursor else bench.veteran().words
    page, cursor = paged(found, [(0, -one.lesson.id) for one in found], given)
    taught = [
        f"{one.testimony.by} says: {one.testimony.text} ({one.track})" for one in words
        if given.word.lower() in one.testimony.text.lower() and given.parameter in f"{one.testimony.that} {one.testimony.near}"
    ]  # fmt: skip
    return replies.Learnt(
        lessons=tuple(map(_lesson, page)), matching=len(found), testimony=tuple(taught[-PAGE:]), next_cursor=cursor
    )


def _lesson(one: Read) -> replies.Lesson:
    lesson = one.lesson
    return replies.Lesson(
        lesson=lesson.id, text=lesson.text, scope=lesson.scope, grade=one.grade, trial=lesson.trial,
        evidence=one.evidence, again=one.again, exceptions=one.exceptions, open_again=one.open_again, repealed=one.repealed,
    )  # fmt: skip


def show(room: Room, given: asked.Show) -> replies.Shown:
    """Say where one process stands, or all in a line each."""
    if not given.process:
        return _all(room, given)
    with room.at_rest(given.process, imagine=True) as bench:
        head = bench.head
    found = ideas(head)
    page, cursor = paged(found, [(0, idea.trial) if idea.trial else (1, idea.proposal or 0) for idea in found], given)
    held = [run for run in head.runs if run.attempt > 0]
    return replies.Shown(
        processes=(_line(head),), open=tuple(map(sibling, page)), in_hand=tuple(
            replies.Held(run=run.id, setting=run.setting.plain(), by=run.by, because=run.because) for run in held[:PAGE]
        ),
        pool=len(head.runs) - len(held), lessons=head.counts.lessons, spent=text.spent(head), budget=budget_words(head),
        andon=str(head.andon or ""), next_cursor=cursor,
    )  # fmt: skip


def _all(room: Room, given: asked.Show) -> replies.Shown:
    """Return every process of the ledger, then those that are only described in the recipe."""
    if room.place.ledger is not None and room.place.ledger.exists():
        with room.shop_at_rest() as shop:
            known = [_line(shop[name].head) for name in shop]
    else:
        known = []
    names = {line.process for line in known}
    new = [process for process in room.place.processes if process.name not in names]
    known += [replies.Line(process=one.name, about=one.about, stands="described, not begun") for one in new]
    page, cursor = paged(known, [(0, place) for place in range(len(known))], given)
    return replies.Shown(processes=tuple(page), next_cursor=cursor)


def _line(head: Head) -> replies.Line:
    name = head.process.name
    return replies.Line(process=name, about=head.process.about, stands=text.overview([head])[len(name) :].strip())


def paged(items: Sequence[T], places: Sequence[Spot], given: asked.Lessons | asked.Show) -> tuple[Sequence[T], str]:
    """Return the page behind a cursor, and the cursor of the next.

    A cursor is the spot of the last one shown, so that what comes and goes meanwhile shifts no page.

    Raises:
        Malformed: the cursor is none.
    """
    start = bisect.bisect_right(places, _spot(given.cursor)) if given.cursor else 0
    end = start + given.k
    return items[start:end], "{}.{}".format(*places[end - 1]) if end < len(items) else ""


def _spot(cursor: str) -> Spot:
    first, _, second = cursor.partition(".")
    try:
        return int(first), int(second)
    except ValueError:
        hint = "leave it out to begin anew"
        raise Malformed(f"a cursor must be the next_cursor of the page before; got {cursor!r}", hint=hint) from None
