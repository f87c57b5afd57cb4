"""What the veteran has to say: a nod, the lessons, what it knows. Nothing is written."""

import argparse
from typing import Any

from kaizen.faces.cli import place
from kaizen.faces.cli.answer import Answer, pairs
from kaizen.reports import lines
from kaizen.veteran.calibration import Calibration
from kaizen.veteran.lessons import Read
from kaizen.veteran.nod import Nod


def nod(given: argparse.Namespace) -> Answer:
    """Ask the veteran; evidence first, opinion last."""
    with place.at_rest(given, imagine=True) as bench:
        name, value = next(iter(bench.standard.setting.items()))
        answer = bench.consult(pairs(given.values, example=f"{name}={value}"))
    told = [line for said in answer.lines() for line in lines.fold_text(said, first="", indent=" " * 11)]
    return Answer("\n".join(told), {"process": bench.name, "nod": nod_document(answer)})


def nod_document(nod: Nod) -> dict[str, Any]:
    """Return a nod, and whether such odds are known to hold."""
    return {name: getattr(nod, name) for name in nod.__struct_fields__} | {"calibrated": nod.calibrated}


def lessons(given: argparse.Namespace) -> Answer:
    """Show what was learnt, all of it or with one word in it or about one parameter; people's words behind it."""
    with place.at_rest(given) as bench:
        every, found = bench.learnt(), bench.learnt(given.word, parameter=given.parameter)
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
    document = {"process": bench.name, "lessons": [_lesson_document(one) for one in found], "testimonies": taught}
    return Answer("\n".join(said) or nothing, document)


def _lesson(read: Read) -> str:
    """Tell of one lesson: its line, and under it what it rests on and what speaks against it."""
    told = [lines.lesson_line(read.lesson)]
    facts = [("rests on", read.evidence), ("open again", read.open_again), *(("but", one) for one in read.exceptions)]
    told += [
        "\n".join(lines.fold_text(f"{what}: {said}", first="      ", indent=" " * 8)) for what, said in facts if said
    ]
    return "\n".join(told)


def _lesson_document(read: Read) -> dict[str, Any]:
    lesson = read.lesson
    return {
        "id": lesson.id, "text": lesson.text, "scope": lesson.scope, "grade": lesson.grade, "trial": lesson.trial,
        "retracted": lesson.retracted, "parameters": read.parameters, "evidence": read.evidence,
        "exceptions": read.exceptions, "open_again": read.open_again,
    }  # fmt: skip


def veteran(given: argparse.Namespace) -> Answer:
    """Show what is known, and, if asked, whether the odds of past nods held."""
    with place.at_rest(given) as bench:
        known = bench.veteran()
    told = [line for said in known.lines() for line in lines.fold_text(said)]
    if given.calibration:
        told += _table(known.calibration)
    document = {name: getattr(known, name) for name in known.__struct_fields__}
    document["calibration"] = calibration_document(known.calibration)
    return Answer("\n".join(told), document)


def calibration_document(found: Calibration) -> dict[str, Any]:
    """Return how odds compare with what happened."""
    return {
        "nods": found.nods, "calibrated": found.calibrated, "error": found.error, "surprise": found.surprise,
        "base": found.base,
        "bins": [
            {"low": one.low, "high": one.high, "nods": one.nods, "odds": one.odds, "better": one.better, "share": one.share}
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
    rows = [
        f"{one.low:>5.0%} to {one.high:>4.0%}  {one.nods:>5}  {one.odds:>5.0%}  {one.share:>5.0%}" for one in found.bins
    ]
    return [*lines.fold_text(said), "         odds   nods   said  better", *rows]
