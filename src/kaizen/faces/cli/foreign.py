"""``kaizen import`` and ``kaizen autopsy``: what somebody else's trial and error left behind."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kaizen.errors import Malformed, Stuck, Undeclared
from kaizen.faces.cli.answer import Answer, pairs
from kaizen.foreign import Better, Unread, Wanted
from kaizen.importers import read_foreign
from kaizen.recipes.words import duration
from kaizen.reports.lines import count, fold_text
from kaizen.setting import Texts

if TYPE_CHECKING:
    from kaizen.workshop.importing import Taken

_SHOWN = 10  # rows that were left, in words


def bring(given: argparse.Namespace) -> Answer:
    """Read a source and write its rows into the ledger."""
    from kaizen.faces.cli import place
    from kaizen.workshop import open_workshop
    from kaizen.workshop.importing import take

    wanted = _wanted(given)
    foreign = read_foreign(given.source, wanted)
    where = place.find(given)
    described = {process.name: process for process in where.processes}
    with open_workshop("memory:" if where.ledger is None else where.ledger, root=where.root) as shop:
        name = given.process or foreign.process
        if name in described:
            shop.describe(described[name], by=given.by)
        taken = take(shop, foreign, name=given.process, wanted=wanted, by=given.by)
        standard = shop[taken.process].standard
    lines = [f"{foreign.source} is {foreign.form}: {count(len(foreign.rows) + len(foreign.unread), 'row')}"]
    new = "described from it" if taken.described else "known already"
    lines += fold_text(f"Process {taken.process}, {new}: {_reported(taken)}", indent="  ")
    if taken.declared:
        lines += fold_text(
            f"{count(taken.declared, 'keep')} became declared standards, unproven; today's is {standard.number}",
            first="  ",
            indent="    ",
        )
        if any(row.revision for row in foreign.rows):
            lines.append(f"  kaizen prove --declared {taken.process} -- COMMAND tells which of them hold")
    lines += [line for one in taken.said for line in fold_text(one, first="  ", indent="    ")]
    lines += _left(taken.left)
    document = {"source": foreign.source, "form": foreign.form, **taken._asdict(), "standard": standard.number}
    return Answer("\n".join(lines), document)


def _reported(taken: "Taken") -> str:
    lessons = f", {count(taken.lessons, 'lesson')} of its author" if taken.lessons else ""
    return f"{count(taken.reported, 'run')} reported ({count(taken.faults, 'fault')}), {taken.there} were there already{lessons}"


def _left(left: tuple[Unread, ...]) -> list[str]:
    if not left:
        return []
    shown = [line for one in left[:_SHOWN] for line in fold_text(str(one), first="    ", indent="      ")]
    more = [f"    and {len(left) - _SHOWN} more; --json lists them all"] if len(left) > _SHOWN else []
    return [f"  left out: {count(len(left), 'row')}", *shown, *more]


def autopsy(given: argparse.Namespace) -> Answer:
    """Tell what logs hold: repeats, luck, reasons, and what a nod would have saved; nothing is written but the page."""
    from kaizen.autopsy import autopsy as find_out
    from kaizen.reports import autopsy as told

    wanted = _wanted(given)
    each = None if given.each is None else duration(_number(given.each), "--each")
    found = []
    for source in given.logs:
        foreign = read_foreign(source, wanted)
        way = wanted.better.get(foreign.metric) or wanted.better.get("")
        better: Better | None = None if way is None else "lower" if way == "lower" else "higher"
        found.append(find_out(foreign, each=each, better=better))
    lines = "\n\n".join([*(told.summary(one) for one in found), *(told.together(found) if len(found) > 1 else [])])
    where = {}
    if given.o is not None:
        try:
            Path(given.o).write_text(told.page(found), encoding="utf-8")
        except OSError as error:
            raise Stuck(f"{given.o} must be a file that can be written; got {error.strerror or error}") from error
        where = {"file": given.o}
        lines += f"\n\nPage: {given.o}"
    return Answer(lines, {"logs": [told.as_document(one) for one in found], **where})


def _wanted(given: argparse.Namespace) -> Wanted:
    """Read ``--map`` and ``--better``.

    Raises:
        Malformed: they cannot be read.
        Undeclared: a direction that there is not.
    """
    columns = _named(given.map or "", example="lr=setting,loss=metric")
    better: dict[str, str] = {}
    for word in (given.better or "").split(","):
        name, sign, way = word.strip().rpartition("=")
        if not word.strip():
            continue
        if way not in ("lower", "higher"):
            raise Undeclared(
                f"a direction must be lower or higher; got {way!r}",
                hint="--better lower, or --better loss=lower,accuracy=higher",
            )
        better[name if sign else ""] = way
    return Wanted(columns=Texts(columns), better=Texts(better), process=given.process or "")


def _named(text: str, *, example: str) -> Mapping[str, str]:
    words = [word for word in text.split(",") if word.strip()]
    return pairs(words, example=example)


def _number(written: str) -> str | float:
    try:
        found = float(written)
    except ValueError:
        return written
    if found <= 0:
        raise Malformed(f"--each must be above 0 seconds; got {written}", hint="--each '5 min'")
    return found
