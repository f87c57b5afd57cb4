"""What ``kaizen export --what runs`` writes, as CSV, JSON lines or Parquet: every run with its setting, its outcome, its conditions."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kaizen.errors import Malformed, Mistake, Stuck
from kaizen.foreign import Foreign, Row, Unread
from kaizen.foreign.cells import clean, moment, number, value
from kaizen.foreign.directions import is_price
from kaizen.setting import Numbers, Setting, Texts
from kaizen.trial import Fault

FORM = "an export of Kaizen"
_RUNS = ("process", "run", "seq", "at", "by", "purpose")
_OTHERS = (
    ("process", "trial", "seq"),
    ("process", "standard", "at"),
    ("process", "lesson", "text"),
    ("process", "seq", "at", "by", "kind"),
)


def claims(path: Path, head: str) -> bool:
    """Tell whether a file is such an export."""
    return _names(path, head)[: len(_RUNS)] == _RUNS or any(
        _names(path, head)[: len(other)] == other for other in _OTHERS
    )


def _names(path: Path, head: str) -> tuple[str, ...]:
    if head.startswith("PAR1"):
        return tuple(_parquet_names(path))
    first = head.lstrip("\ufeff").partition("\n")[0].strip()
    if first.startswith("{"):
        try:
            return tuple(json.loads(first))
        except ValueError:
            return ()
    return tuple(next(csv.reader([first]), []))


def read(path: Path) -> Foreign:
    """Read an export of runs.

    Raises:
        Malformed: it is another table than runs.
        Stuck: Parquet without pyarrow.
    """
    with path.open("rb") as file:
        start = file.read(4)
    head = "PAR1" if start == b"PAR1" else _text(path).partition("\n")[0]
    if _names(path, head)[: len(_RUNS)] != _RUNS:
        raise Malformed(
            f"{path.name} must be an export of runs; got the table of {', '.join(_names(path, head)[1:3])} …",
            hint="kaizen export --what runs; a whole ledger is copied by kaizen backup",
        )
    rows, unread = [], []
    process, metrics = "", list[str]()
    for line, cells in _rows(path):
        process = process or str(cells.get("process") or "")
        metrics = metrics or [column.removeprefix("reading.") for column in cells if column.startswith("reading.")]
        try:
            made = _row(line, cells)
        except Mistake as mistake:
            made = Unread(line=line, because=mistake.message)
        if isinstance(made, Unread):
            unread.append(made)
        else:
            rows.append(made)
    main = next((name for name in metrics if not is_price(name)), (metrics or [""])[0])
    return Foreign(
        form=FORM,
        source=path.name,
        rows=tuple(rows),
        unread=tuple(unread),
        metric=main,
        measured=tuple(metrics),
        process=process,
    )


def _rows(path: Path) -> list[tuple[int, Mapping[str, Any]]]:
    with path.open("rb") as file:
        if file.read(4) == b"PAR1":
            return [(n, row) for n, row in enumerate(_parquet_rows(path), 1)]
    text = _text(path)
    if text.startswith("{"):
        return [(n, _object(line)) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    reader = csv.reader(io.StringIO(text, newline=""))
    names = next(reader)
    found, before = list[tuple[int, dict[str, Any]]](), reader.line_num
    for cells in reader:
        found.append((before + 1, {name: cell for name, cell in zip(names, cells, strict=False) if cell != ""}))
        before = reader.line_num
    for name in (name for name in names if name.startswith("setting.")):
        column = [row for _, row in found if name in row]
        if len({_kind(row[name]) for row in column}) == 1:  # else it is text, and the process knows what is meant
            for row in column:
                row[name] = value(row[name])
    return list(found)


def _text(path: Path) -> str:
    return clean(path.read_text(encoding="utf-8-sig", errors="replace"))


def _object(line: str) -> dict[str, Any]:
    """Return a line of JSON; nothing for one that is broken, which then has neither a reading nor a fault."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return (
        {name: clean(cell) if isinstance(cell, str) else cell for name, cell in found.items()}
        if isinstance(found, dict)
        else {}
    )


def _kind(cell: str) -> str:
    """Return what a cell is, written as Kaizen writes it; a number that is written otherwise is text."""
    if cell in ("true", "false"):
        return "truth"
    found = value(cell)
    return "number" if not isinstance(found, str) and str(found) == cell else "text"


def _row(line: int, cells: Mapping[str, Any]) -> Row | Unread:
    under = _under(cells)
    fault = None
    if cells.get("fault"):
        fault = Fault(
            reason=str(cells["fault"]), note=str(cells.get("fault.note") or ""), tail=str(cells.get("fault.tail") or "")
        )
    readings = {name: found for name, cell in under("reading").items() if (found := number(cell)) is not None}
    if fault is None and not readings:
        return Unread(line=line, because="it has neither a reading nor a fault")
    return Row(
        line=line, words=str(cells.get("because") or ""), setting=Setting(under("setting")), metrics=Numbers(readings), fault=fault,
        conditions=Texts(under("conditions")), seconds=number(cells.get("spend.seconds") or ""), at=moment(cells.get("at") or ""),
        key=_key(cells),
    )  # fmt: skip


def _key(cells: Mapping[str, Any]) -> str:
    """Return a run's own name; one that was imported keeps the key that it was imported by."""
    _, sign, key = str(cells.get("source") or "").rpartition("#")
    return key if sign else f"{cells.get('process')}:{cells.get('run')}:{cells.get('at')}"


def _under(cells: Mapping[str, Any]) -> Any:
    def part(prefix: str) -> dict[str, Any]:
        return {
            column.removeprefix(f"{prefix}."): cell
            for column, cell in cells.items()
            if column.startswith(f"{prefix}.") and cell is not None
        }

    return part


def _parquet_names(path: Path) -> list[str]:
    return list(_parquet().read_schema(path).names)


def _parquet_rows(path: Path) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = _parquet().read_table(path).to_pylist()
    mixed = {
        name
        for row in rows
        for name, cell in row.items()
        if name.startswith("setting.") and isinstance(cell, str) and cell[:1] == '"'
    }
    return [
        {name: json.loads(cell) if name in mixed and cell is not None else cell for name, cell in row.items()}
        for row in rows
    ]


def _parquet() -> Any:
    try:
        from pyarrow import parquet  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        raise Stuck(
            "Parquet must be read by pyarrow, which is not installed", hint="pip install kaizen-engine[parquet]"
        ) from error
    return parquet
