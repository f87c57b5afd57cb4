"""A process's history as flat tables: rows, and writers for CSV, JSON lines and Parquet.

Columns are round-trip safe: ``setting.<parameter>``, ``reading.<metric>``, ``conditions.<name>`` and so on; numbers
are written in full, times as ISO 8601 in UTC to the microsecond, and nothing is rounded.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from kaizen.errors import Stuck, Undeclared
from kaizen.journal import Kept, Tested, Tried
from kaizen.ledger import Record
from kaizen.reports import Story
from kaizen.reports.promises import Promise
from kaizen.setting import encode_hook
from kaizen.trial import Fault, Spend
from kaizen.verdict import Lesson

Cell = str | int | float | bool | None
Row = dict[str, Cell]

WHAT = ("runs", "trials", "standards", "lessons", "log")
"""The tables there are."""
FORMATS = ("csv", "jsonl", "parquet")


def rows(story: Story, what: str, *, log: Iterable[Record] = ()) -> list[Row]:
    """Return one table of a story, a flat row for each line; the table ``log`` is made of ``log``.

    Every row has every column of its table, ``None`` where it has nothing to say.

    Raises:
        Undeclared: there is no such table.
    """
    makers: dict[str, Callable[[], list[Row]]] = {
        "runs": lambda: [_run(run) for run in story.runs],
        "trials": lambda: [_trial(test) for test in story.trials],  # watches and copies, too: see "purpose"
        "standards": lambda: _standards(story),
        "lessons": lambda: [_lesson(lesson) for lesson in story.lessons],
        "log": lambda: [_record(record) for record in log],
    }
    if what not in makers:
        raise Undeclared(f"what is exported must be one of {', '.join(WHAT)}; got {what!r}")
    made = makers[what]()
    columns = _columns(made)
    return [{"process": story.head.process.name, **{name: row.get(name) for name in columns}} for row in made]


def written(table: Sequence[Row], form: str) -> bytes:
    """Return a table as the content of a file.

    Raises:
        Undeclared: there is no such format.
        Stuck: Parquet is wanted and pyarrow is not there.
    """
    writers: dict[str, Callable[[Sequence[Row]], bytes]] = {"csv": as_csv, "jsonl": as_jsonl, "parquet": as_parquet}
    if form not in writers:
        raise Undeclared(f"a format must be one of {', '.join(FORMATS)}; got {form!r}")
    return writers[form](table)


# ── rows ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _run(run: Tried) -> Row:
    fault = run.outcome if isinstance(run.outcome, Fault) else None
    reading = {} if isinstance(run.outcome, Fault) else _under("reading", run.outcome.values)
    return {
        "run": run.id, "seq": run.seq, "at": _time(run.at), "by": run.by, "purpose": run.purpose, "of": run.of,
        "trial": run.trial, "block": run.block, "side": run.side, "beside": run.beside, "because": run.because, "revision": run.revision,
        "source": run.source, **_under("setting", run.setting), **reading,
        "fault": fault.reason if fault else None, "fault.note": fault.note if fault else None,
        "fault.tail": fault.tail if fault else None, "corrections": len(run.corrected), "late": len(run.late),
        **_spend(run.spend), **_under("conditions", run.conditions),
    }  # fmt: skip


def _trial(test: Tested) -> Row:
    trial, verdict = test.trial, test.verdict
    row: Row = {
        "trial": test.id, "seq": test.seq, "at": _time(test.at), "by": test.by, "purpose": trial.purpose,
        "of": trial.increment.of, "because": trial.increment.because, "proposed_by": trial.increment.by,
        **_under("before", trial.increment.before), **_under("after", trial.increment.after),
        "alpha": trial.design.alpha, "charged": trial.design.charged, "most_pairs": trial.design.pairs, "estimand": trial.design.estimand,
        "coins": trial.design.coins, "method": trial.design.method, "design": trial.design.hash,
    }  # fmt: skip
    if verdict is not None:
        row |= {"verdict": verdict.decision, "reason": verdict.reason, "pairs": verdict.pairs,
                "evidence": verdict.evidence, "needed": verdict.needed}  # fmt: skip
        for effect in verdict.effects:
            row |= {f"gain.{effect.metric}": effect.gain, f"low.{effect.metric}": effect.low,
                    f"high.{effect.metric}": effect.high, f"level.{effect.metric}": effect.level}  # fmt: skip
    return row | {
        "verdicts": len(test.verdicts), "stopped": test.stopped.reason if test.stopped else None,
        "stopped.note": test.stopped.note if test.stopped else None,
        "closed_at": _time(test.closed_at) if test.closed_at is not None else None, **_spend(test.spend),
        "consent": test.consent, "refused": test.refused, "adopted": test.adopted,
    }  # fmt: skip


def _standards(story: Story) -> list[Row]:
    made = {promise.standard: promise for promise in story.promises}
    return [_standard(kept, made.get(kept.standard.number)) for kept in story.standards]


def _standard(kept: Kept, promise: Promise | None) -> Row:
    standard = kept.standard
    row: Row = {
        "standard": standard.number, "at": _time(kept.at), "by": standard.by, "revision": kept.revision,
        "evidence": standard.evidence, "because": standard.because, "of": standard.of, "trial": standard.trial,
        **_under("setting", standard.setting), **_under("promised", standard.promised),
    }  # fmt: skip
    if promise is None:
        return row
    row |= _under("at_worst", {one.metric: one.low for one in promise.promised})
    if promise.watch is None:
        return row
    for effect in promise.watch.effects:
        row |= {f"delivered.{effect.metric}": effect.gain, f"delivered_low.{effect.metric}": effect.low,
                f"delivered_high.{effect.metric}": effect.high, f"delivered_level.{effect.metric}": effect.level}  # fmt: skip
    return row | {"fresh_pairs": promise.watch.pairs, "watch": promise.watch.trial, "watch.end": promise.end}


def _lesson(lesson: Lesson) -> Row:
    return {"lesson": lesson.id, "text": lesson.text, "scope": lesson.scope, "grade": lesson.grade,
            "trial": lesson.trial, "retracted": lesson.retracted}  # fmt: skip


def _record(record: Record) -> Row:
    entry = msgspec.json.encode(record.entry, enc_hook=encode_hook).decode()
    return {"seq": record.seq, "at": _time(record.at), "by": record.by, "kind": type(record.entry).__name__,
            "key": record.key, "entry": entry}  # fmt: skip


def _under(prefix: str, values: Mapping[str, Any]) -> Row:
    return {f"{prefix}.{name}": value for name, value in values.items()}


def _spend(spend: Spend) -> Row:
    return {"spend.runs": spend.runs, "spend.seconds": spend.seconds, "spend.money": spend.money}


def _time(at: int) -> str:
    """Write µs since 1970 as ISO 8601 in UTC, always with its microseconds."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
    return moment.isoformat(timespec="microseconds")


def _columns(table: Sequence[Row]) -> list[str]:
    """Return every column, those that only some rows have beside their own kind, in order of name within it."""
    order: dict[str, int] = {}
    for row in table:
        kinds = [name.partition(".")[0] for name in row]
        for kind in kinds:
            order.setdefault(kind, len(order))
    names = {name for row in table for name in row}
    return sorted(names, key=lambda name: (order[name.partition(".")[0]], "." in name, name))


# ── writers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def as_csv(table: Sequence[Row]) -> bytes:
    """Write CSV (RFC 4180, UTF-8) with a line of names; nothing is an empty cell, truth is ``true`` or ``false``."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, fieldnames=list(table[0]) if table else [])
    if table:
        writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in table)
    return out.getvalue().encode()


def _cell(value: Cell) -> Cell:
    return ("true" if value else "false") if isinstance(value, bool) else value


def as_jsonl(table: Sequence[Row]) -> bytes:
    """Write one JSON object a line."""
    return b"".join(msgspec.json.encode(row) + b"\n" for row in table)


def as_parquet(table: Sequence[Row]) -> bytes:
    """Write Parquet; a column whose values are of several kinds holds them as JSON text.

    Raises:
        Stuck: pyarrow is not there.
    """
    try:
        import pyarrow as pa  # type: ignore[import-not-found,import-untyped,unused-ignore]
        from pyarrow import parquet  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        hint = "pip install kaizen-engine[parquet]"
        raise Stuck("Parquet must be written by pyarrow, which is not installed", hint=hint) from error
    columns = {name: _alike([row[name] for row in table]) for name in (table[0] if table else ())}
    out = io.BytesIO()
    parquet.write_table(pa.table(columns), out)
    return out.getvalue()


def _alike(values: list[Cell]) -> list[Cell]:
    """Return the values of a column as one kind."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} and float in kinds:
        return [None if value is None else float(value) for value in values]
    if len(kinds) > 1:
        return [None if value is None else json.dumps(value, ensure_ascii=False) for value in values]
    return values
