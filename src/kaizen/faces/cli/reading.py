"""The commands that only look; nothing is written, but for the file that somebody asks for."""

import argparse
import time
from pathlib import Path

import msgspec

from kaizen.errors import Malformed, OutOfTurn, Stuck, Undeclared
from kaizen.faces.cli import place
from kaizen.faces.cli.answer import (
    Answer,
    budget_document,
    carried_document,
    copies_document,
    head_document,
    joined,
    promises_document,
    record_document,
    run_document,
    standard_document,
    tested_document,
    tried_document,
    verdict_document,
)  # fmt: skip
from kaizen.journal import Tested, sides
from kaizen.ledger import Record
from kaizen.reports import lines, text
from kaizen.reports.promises import Promise, copies, false_alarm, fooled
from kaizen.workshop.bench import Bench
from kaizen.workshop.looking import NO_READING
from kaizen.workshop.proven_since import proven_since


def show(given: argparse.Namespace) -> Answer:
    """Show one process, one run or trial of it, or all processes in a line each."""
    if given.process is None:
        return _show_all(given)
    with place.at_rest(given) as bench:
        if given.run is not None:
            return _show_run(bench, given.run)
        if given.trial is not None:
            return _show_trial(bench, given.trial)
        story = bench.story(at=now())
    document = head_document(story.head) | {
        "outlook": story.outlook, "next": story.next, **promises_document(story.promises),
        "copies": copies_document(copies(story.trials)),
        "risk": msgspec.structs.asdict(story.realised) | {"share": story.realised.share},
        "recommended": [
            {"setting": one.setting, "gains": one.gains, "runs": one.runs, "odds": one.odds, "pairs": one.pairs}
            for one in story.recommended
        ],
        "carried": [carried_document(one) for one in story.carried],
        "lessons": [lesson for lesson in story.lessons if not lesson.retracted],
    }  # fmt: skip
    return Answer(text.summary(story), document)


def _show_all(given: argparse.Namespace) -> Answer:
    if given.run is not None or given.trial is not None:
        raise Malformed("a process must be named to show one of its runs or trials; got none")
    with place.shop_at_rest(given) as shop:
        heads = [shop[name].head for name in shop]
    return Answer(text.overview(heads), {"processes": [head_document(head) for head in heads]})


def _show_run(bench: Bench, number: int) -> Answer:
    head = bench.head
    run = head.run(number)
    if run is not None:
        metrics = [metric.name for metric in head.process.metrics]
        held = f"in the hands of {run.by}" if run.attempt else "in the pool"
        return Answer(f"{lines.open_run_lines(run, bench.name, metrics)}\n  it is {held}", run_document(run))
    found = next(iter(bench.wheel.ledger.runs(bench.name, number=number)), None)
    if found is None:
        raise Undeclared.numbered(f"a run of {bench.name}", last=head.next_run - 1, got=number)
    return Answer(lines.run_lines(found), tried_document(found))


def _show_trial(bench: Bench, number: int) -> Answer:
    found = next((test for test in bench.trials if test.id == number), None)
    if found is None:
        raise Undeclared.numbered(f"a trial of {bench.name}", last=bench.head.next_trial - 1, got=number)
    runs = sides(bench.wheel.ledger, bench.name, number)
    open_ = bench.head.under_way(number)
    stands = text.under_way(bench.head, open_) if open_ is not None else ""
    promise = _promise_of(bench, found)
    beside = promise.before if promise is not None else None
    told = lines.trial_lines(found, runs, before=beside, promise=str(promise or ""))
    document = tested_document(found) | {
        "runs": [tried_document(run) for run in runs], "promise": promise.document() if promise is not None else None,
    }  # fmt: skip
    return Answer(joined([told, f"  now       {stands}" if stands else ""]), document)


def _promise_of(bench: Bench, test: Tested) -> Promise | None:
    """Return the promise that a trial's standard made, or the one that a watch looks after."""
    number = test.trial.increment.of if test.trial.purpose == "shadow" else test.adopted
    return next((promise for promise in bench.promises() if promise.standard == number), None)


def outlook(given: argparse.Namespace) -> Answer:
    """Say what proof will take, before anything is run, too."""
    with place.at_rest(given, imagine=True) as bench:
        said, budget = bench.outlook(), bench.budget_left()
    folded = [line for sentence in filter(None, (*said, budget)) for line in lines.fold_text(sentence)]
    return Answer(
        "\n".join(folded), {"process": bench.name, "outlook": said, "error_budget": budget_document(bench.head)}
    )


def audit(given: argparse.Namespace) -> Answer:
    """Ask the record about itself."""
    with place.at_rest(given) as bench:
        found, name = bench.audit(flips=given.flips), bench.name
    lost, watched = found.realised
    rows = [("yes" if answer.sound else "NO", answer.asks, answer.said) for answer in found.answers]
    rows += [("", "" if number else "promises", str(one)) for number, one in enumerate(found.deliveries)]
    rows += [("", "", f"{lost} of {lines.count(watched, 'watched standard')} deliver a loss")] if watched else []
    told = [
        line
        for sound, asks, said in rows
        for line in lines.fold_text(said, first=f"{sound:<4} {asks:<9} ", indent=" " * 15)
    ]
    document = {
        "process": name, "sound": found.sound, "answers": found.answers,
        "deliveries": [
            {"standard": one.standard, "metric": one.metric.name, "promised": one.promised, "pairs": one.pairs,
             "delivers": one.delivers, "said": str(one)}
            for one in found.deliveries
        ],
        "losing": lost, "watched": watched,
    }  # fmt: skip
    return Answer("\n".join(told), document, status=0 if found.sound else 1)


def explain(given: argparse.Namespace) -> Answer:
    """Say what drives the metrics, by a model."""
    from kaizen.reports import drivers

    with place.at_rest(given) as bench:
        found, process = bench.explain(), bench.process
    nothing = f"nothing can be explained yet: {NO_READING}"
    told = drivers.text(found, process) if found is not None else nothing
    return Answer(told, {"process": process.name, "explanation": found})


def check(given: argparse.Namespace) -> Answer:
    """Show the verdict on a trial as it stands."""
    with place.at_rest(given) as bench:
        verdict, tests = bench.check(given.trial), bench.trials
        judged = [test.id for test in tests if test.trial.purpose != "shadow"]  # a watch is heard, not judged
        number = given.trial if given.trial is not None else judged[-1] if judged else None
        test = next((test for test in tests if test.id == number), None)
        promise = _promise_of(bench, test) if test is not None else None
        open_ = bench.head.under_way(test.id) if test is not None else None
    if test is None:
        raise OutOfTurn(f"a trial of {bench.name} must be opened before it is judged; got none yet",
                        hint="see what is scouted and proposed: kaizen show " + bench.name)  # fmt: skip
    said = [lines.titled(test.trial, before=promise.before if promise is not None else None)]
    if verdict is not None:
        shown = f"better; {lines.showed(verdict)}" if verdict.decision == "better" else str(verdict)
        said += [f"  {shown}", f"  {verdict.reason}"]
    elif test.stopped is not None:
        said.append(f"  {lines.stopped_words(test.stopped)}")
    elif promise is None or test.trial.purpose != "shadow":
        said.append("  no pair is complete yet")
    said += [f"  {promise}"] if promise is not None else []
    said += [f"  {false_alarm(test)}"] if fooled(test) else []
    if open_ is not None and open_.verdict is not None:
        said.append(f"  it waits for the consent of {bench.process.policy.consent}")
    document = {"process": bench.name, "trial": number, "verdict": verdict_document(verdict), "stopped": test.stopped}
    return Answer("\n".join(line for one in said for line in _folded(one)), document)


def _folded(sentence: str) -> list[str]:
    depth = len(sentence) - len(sentence.lstrip(" "))
    return lines.fold_text(sentence.strip(), indent=" " * depth)


def standard(given: argparse.Namespace) -> Answer:
    """Show today's standard, or all."""
    with place.at_rest(given) as bench:
        kept, made = bench.wheel.ledger.standards(bench.name), {one.standard: one for one in bench.promises()}
        since = proven_since(bench.wheel.ledger, bench.name)
    shown = kept if given.all else kept[-1:]
    documents = [
        standard_document(one.standard)
        | {
            "at": one.at,
            "promise": made[one.standard.number].document() if one.standard.number in made else None,
            "since": since.get(one.standard.number, ()),
        }
        for one in shown
    ]
    document = {"process": bench.name, "standards": documents} if given.all else {"process": bench.name, **documents[0]}
    told = [
        lines.standard_lines(one, str(made.get(one.standard.number, "")), map(str, since.get(one.standard.number, ())))
        for one in shown
    ]
    return Answer("\n".join(told), document)


def log(given: argparse.Namespace) -> Answer:
    """Show the latest records, one a line."""
    with place.at_rest(given) as bench:
        records = _latest(bench, given.n)
    return Answer("\n".join(map(lines.log_line, records)), list(map(record_document, records)), many=True)


def _latest(bench: Bench, wanted: int) -> list[Record]:
    """Read the last records of a process, going back as far as needs be and no farther."""
    last, back = bench.head.seq, wanted
    while True:
        found = list(bench.wheel.ledger.read(bench.name, after=max(0, last - back)))
        if len(found) >= wanted or back >= last:
            return found[-wanted:]
        back *= 4  # other processes' records lie between


def report(given: argparse.Namespace) -> Answer:
    """Write the page."""
    from kaizen.reports import html

    with place.at_rest(given) as bench:
        story = bench.story(at=now(), explained=True)
    page = text.summary(story) if given.text else html.page(story)
    where = given.o or ("-" if given.text else f"{bench.name}.html")
    if where == "-":
        return Answer(page, {"process": bench.name, "page": page})
    _write(where, page.encode())
    return Answer(f"Report of {bench.name}: {where}", {"process": bench.name, "file": where})


def export(given: argparse.Namespace) -> Answer:
    """Write a table."""
    from kaizen.reports import export as tables

    with place.at_rest(given) as bench:
        table = tables.rows(bench.story(at=now()), given.what, log=bench.log if given.what == "log" else ())
    if given.o is None and given.json:
        return Answer("", table, many=True)
    if given.o is None and given.format == "parquet":
        raise Malformed("a Parquet table must go to a file; got none", hint="-o runs.parquet")
    content = tables.written(table, given.format)
    if given.o is None:
        return Answer(content.decode(), None)
    _write(given.o, content)
    document = {"process": bench.name, "what": given.what, "rows": len(table), "file": given.o}
    return Answer(f"{len(table)} {given.what} of {bench.name}: {given.o}", document)


def _write(where: str, content: bytes) -> None:
    try:
        Path(where).write_bytes(content)
    except OSError as error:
        raise Stuck(f"{where} must be a file that can be written; got {error.strerror or error}") from error


def now() -> int:
    """Return the time in µs since 1970."""
    return time.time_ns() // 1000
