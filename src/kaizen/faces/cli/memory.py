"""What the veteran has to say: a nod, the lessons, what it knows. Nothing is written."""

import argparse
from typing import Any

import msgspec

from kaizen.faces.cli import inwords, place
from kaizen.faces.cli.answer import Answer, carried_document, pairs
from kaizen.reports import lines
from kaizen.trial import Spend
from kaizen.veteran.calibration import Calibration
from kaizen.veteran.elsewhere import spelled
from kaizen.veteran.lessons import Read
from kaizen.veteran.nod import Nod


def nod(given: argparse.Namespace) -> Answer:
    """Ask the veteran; evidence first, opinion last."""
    given = inwords.named(given)
    if given.process is None and place.find(given).untried:
        answer = Nod(answer="go", because="nothing has been tried in this repository yet", spend=Spend(runs=1))
        return Answer(str(answer), {"process": None, "nod": nod_document(answer)})
    with place.at_rest(given, imagine=True) as bench:
        name, value = next(iter(bench.standard.setting.items()))
        said = inwords.part(given.words, bench.process)
        changes = pairs(said.values, example=f"{name}={value}")
        answer = bench.consult(changes, words=said.sentence, diff=inwords.diff(given.diff))
    told = [line for said in answer.lines() for line in lines.fold_text(said, first="", indent=" " * 11)]
    return Answer("\n".join(told), {"process": bench.name, "nod": nod_document(answer)})


def nod_document(nod: Nod) -> dict[str, Any]:
    """Return a nod, and whether such odds are known to hold."""
    return {name: getattr(nod, name) for name in nod.__struct_fields__} | {"calibrated": nod.calibrated}


def lessons(given: argparse.Namespace) -> Answer:
    """Show what was learnt, all of it or with one word in it or about one parameter; people's words behind it."""
    with place.at_rest(given) as bench:
        every, found = bench.learnt(), bench.learnt(given.word, parameter=given.parameter)
        others = bench.learnt_elsewhere(given.word, parameter=given.parameter) if given.everywhere else {}
        left_out = bench.left_out if given.everywhere else ()
        taught = [
            one for one in bench.veteran().words
            if given.word.lower() in one.testimony.text.lower() and given.parameter in f"{one.testimony.that} {one.testimony.near}"
        ]  # fmt: skip
    about = " ".join(repr(one) for one in (given.word, given.parameter) if one)
    nothing = f"nothing is written down about {about}" if about and every else "nothing is written down yet"
    said = [_lesson(one) for one in found]
    said += [
        "\n".join(
            lines.fold_text(
                f"{one.testimony.by} says: {one.testimony.text} ({one.track})", first="      ", indent=" " * 6
            )
        )
        for one in taught
    ]
    for process, reads in others.items():
        said += [f"in {spelled(process)}:", *map(_lesson, reads)]
    said += ["\n".join(lines.fold_text(one)) for one in left_out]
    document = {
        "process": bench.name, "lessons": [_lesson_document(one) for one in found], "testimonies": taught,
        "elsewhere": {process: [_lesson_document(one) for one in reads] for process, reads in others.items()},
    }  # fmt: skip
    return Answer("\n".join(said) or nothing, document)


def _lesson(read: Read) -> str:
    """Tell of one lesson: its line, and under it what it rests on and what speaks against it."""
    told = [lines.lesson_line(msgspec.structs.replace(read.lesson, grade=read.grade))]
    facts = [
        ("rests on", read.evidence), *(("again", one) for one in read.again), *(("scope", one) for one in read.scope),
        ("open again", read.open_again), *(("but", one) for one in read.exceptions), ("repealed", read.repealed),
    ]  # fmt: skip
    told += [
        "\n".join(lines.fold_text(f"{what}: {said}", first="      ", indent=" " * 8)) for what, said in facts if said
    ]
    return "\n".join(told)


def _lesson_document(read: Read) -> dict[str, Any]:
    lesson = read.lesson
    return {
        "id": lesson.id, "text": lesson.text, "scope": lesson.scope, "grade": read.grade, "trial": lesson.trial,
        "retracted": lesson.retracted, "parameters": read.parameters, "evidence": read.evidence, "again": read.again,
        "carries": read.scope, "exceptions": read.exceptions, "repealed": read.repealed, "open_again": read.open_again,
    }  # fmt: skip


def veteran(given: argparse.Namespace) -> Answer:
    """Show what is known, and, if asked, whether the odds of past nods held."""
    with place.at_rest(given) as bench:
        known, carried = bench.veteran(), bench.carried()
    told = [line for said in known.lines() for line in lines.fold_text(said)]
    for one in carried:
        told += lines.fold_text(f"{'proven elsewhere' if one.left else 'could be carried over'}: {one}")
    if any(not one.left for one in carried):
        told += [f"kaizen carry {known.process} proposes what could be carried over"]
    if given.calibration:
        told += _table(known.calibration)
    document = {name: getattr(known, name) for name in known.__struct_fields__}
    document["calibration"] = calibration_document(known.calibration)
    document["carried"] = [carried_document(one) for one in carried]
    return Answer("\n".join(told), document)


def calibration_document(found: Calibration) -> dict[str, Any]:
    """Return how odds compare with what happened."""
    return {
        "nods": found.nods, "by_coin": found.by_coin, "calibrated": found.calibrated, "error": found.error, "surprise": found.surprise,
        "base": found.base,
        "bins": [
            {"low": one.low, "high": one.high, "nods": one.nods, "odds": one.odds, "better": one.better, "share": one.share,
             "weight": one.weight}
            for one in found.bins
        ],
    }  # fmt: skip


def _table(found: Calibration) -> list[str]:
    """Return the bins as lines."""
    if not found.bins:
        return ["no nod has a known outcome yet: propose something, and let its trial come to its end"]
    state = "calibrated" if found.calibrated else "uncalibrated: 200 are needed to tell"
    said = f"{lines.count(found.nods, 'nod')} with a known outcome ({state}); odds were off by {found.error:.2f} on average, and "
    said += f"surprised by {found.surprise:.2f} beside {found.base:.2f} of one who always says the share"
    if found.by_coin:
        said += f"; {found.by_coin} of them were tried by a coin, each for all that were left alone with it"
    rows = [
        f"{one.low:>5.0%} to {one.high:>4.0%}  {one.nods:>5}  {one.odds:>5.0%}  {one.share:>5.0%}" for one in found.bins
    ]
    return [*lines.fold_text(said), "         odds   nods   said  better", *rows]
