"""Tables of runs: CSV, TSV, JSON lines or Parquet, one run a row, with a role for each column.

Roles are given (``--map lr=setting,loss=metric``), or read from how columns are called by those who write such tables:
``params_lr``, ``params.lr``, ``config.lr`` and ``config/lr`` are settings, ``metrics.loss`` a metric, ``value`` and ``state`` what
Optuna calls them. W&B's table of runs does not tell settings from what was measured; how they are told apart is noted.
"""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kaizen.errors import Malformed, Mistake, Stuck, Undeclared
from kaizen.foreign import ROLES, Better, Foreign, Row, Unread, Wanted, keyed
from kaizen.foreign.cells import NOTHING, clean, moment, name, number, value
from kaizen.foreign.directions import by_name
from kaizen.foreign.statuses import decided, fault_of
from kaizen.setting import Numbers, Setting, Texts, Value
from kaizen.trial import Fault

FORM = "a table of runs"
_WANDB = "a table of runs from W&B"

_PREFIXES = (
    (re.compile(r"^(?:params?|config|hparams?|hyperparameters|setting)[._/](?=\w)"), "setting"),
    (re.compile(r"^(?:metrics?|reading|summary)[._/](?=\w)"), "metric"),
    (re.compile(r"^(?:conditions?|tags?|user_attrs)[._/](?=\w)"), "condition"),
)
_NAMED = {
    "state": "status", "status": "status", "decision": "status", "verdict": "status", "value": "metric", "duration": "seconds", "runtime": "seconds",
    "seconds": "seconds", "elapsed": "seconds", "datetime_start": "time", "datetime_complete": "ignore", "timestamp": "time", "created": "time",
    "start_time": "time", "date": "time", "commit": "revision", "git_commit": "revision", "description": "words", "notes": "words", "note": "words",
    "fault": "fault", "error": "fault", "exception": "fault", "number": "ignore", "trial_id": "ignore", "run_id": "ignore", "id": "ignore",
    "index": "ignore",
}  # fmt: skip
_META = frozenset(
    [
        "name",
        "state",
        "notes",
        "user",
        "tags",
        "created",
        "runtime",
        "sweep",
        "id",
        "group",
        "job_type",
        "jobtype",
        "updated",
        "relative_time",
        "commit",
        "host",
    ]
)
_FINISHED = frozenset({"complete", "completed", "finished", "terminated", "ok", "success", "succeeded", "done"})
_OPEN = frozenset({"running", "waiting", "pending", "scheduled", "pruned"})


def claims(path: Path, head: str) -> bool:
    """Tell whether a file can be read as a table at all."""
    if path.suffix.lower() == ".parquet" or head.startswith("PAR1"):
        return True
    first = head.lstrip("\ufeff").partition("\n")[0].strip()
    if path.suffix.lower() in (".jsonl", ".ndjson") or first.startswith("{"):
        return first.startswith("{") and first.endswith("}")
    return "," in first or "\t" in first or ";" in first


def read(path: Path, wanted: Wanted) -> Foreign:
    """Read a table.

    Raises:
        Malformed: roles are missing, or it has no row.
        Undeclared: a role or column that there is not.
        Stuck: Parquet without pyarrow.
    """
    lines, unread = _rows(path)
    if not lines:
        raise Malformed(f"{path.name} must have rows; got none")
    columns = list(dict.fromkeys(column for _, row in lines for column in row))
    wandb = {"Name", "State", "Runtime"} <= set(columns)
    roles, notes = _roles(columns, wanted, lines, path.name, wandb=wandb)
    plain = _plain_names(roles)
    kinds = {
        column: _kind([row.get(column) for _, row in lines]) for column, role in roles.items() if role == "setting"
    }
    rows = []
    for line, cells in lines:
        try:
            made = _row(line, cells, roles, plain, kinds)
        except Mistake as mistake:
            made = Unread(line=line, because=mistake.message)
        if isinstance(made, Unread):
            unread.append(made)
        else:
            rows.append(made)
    measured = [plain[column] for column, role in roles.items() if role == "metric"]
    directions: list[tuple[str, Better]] = [(one, way) for one in measured[1:] if (way := by_name(one)) is not None]
    return Foreign(
        form=_WANDB if wandb else FORM, source=path.name, rows=keyed(rows), unread=tuple(sorted(unread, key=lambda one: one.line)),
        metric=measured[0],
        others=tuple(directions), notes=tuple(notes),
    )  # fmt: skip


# ── rows of any format ────────────────────────────────────────────────────────────────────────────────────────────────


def _rows(path: Path) -> tuple[list[tuple[int, dict[str, Any]]], list[Unread]]:
    with path.open("rb") as file:
        start = file.read(4)
    if start == b"PAR1":
        return _parquet(path), []
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    text = clean(text)
    return _json_lines(text) if text.lstrip().startswith("{") else _delimited(text)


def _parquet(path: Path) -> list[tuple[int, dict[str, Any]]]:
    try:
        from pyarrow import parquet  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        raise Stuck(
            "Parquet must be read by pyarrow, which is not installed", hint="pip install kaizen-engine[parquet]"
        ) from error
    return [(n, _flat(row)) for n, row in enumerate(parquet.read_table(path).to_pylist(), 1)]


def _json_lines(text: str) -> tuple[list[tuple[int, dict[str, Any]]], list[Unread]]:
    found, unread = [], []
    for n, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            unread.append(Unread(line=n, because=f"it is no JSON: {error}", text=line[:120]))
            continue
        if isinstance(row, dict):
            found.append((n, _flat(row)))
        else:
            unread.append(Unread(line=n, because=f"it must be an object; got {type(row).__name__}", text=line[:120]))
    return found, unread


def _flat(row: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, cell in row.items():
        if isinstance(cell, Mapping):
            found |= _flat(cell, f"{prefix}{key}.")
        else:
            found[clean(f"{prefix}{key}")] = (
                json.dumps(cell) if isinstance(cell, list) else clean(cell) if isinstance(cell, str) else cell
            )
    return found


def _delimited(text: str) -> tuple[list[tuple[int, dict[str, Any]]], list[Unread]]:
    first = text.partition("\n")[0]
    mark = max("\t,;", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
    names: list[str] = []
    found, unread, before = [], [], 0
    for cells in reader:
        line, before = before + 1, reader.line_num
        if not any(cell.strip() for cell in cells):
            continue
        if not names:
            names = [cell.strip() or f"column_{place + 1}" for place, cell in enumerate(cells)]
        elif len(cells) != len(names):
            unread.append(
                Unread(line=line, because=f"it has {len(cells)} of {len(names)} columns", text=mark.join(cells)[:120])
            )
        else:
            found.append((line, dict(zip(names, cells, strict=True))))
    return found, unread


# ── roles ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _roles(
    columns: Sequence[str], wanted: Wanted, lines: Sequence[tuple[int, Mapping[str, Any]]], source: str, *, wandb: bool
) -> tuple[dict[str, str], list[str]]:
    for column, role in wanted.columns.items():
        if role not in ROLES:
            raise Undeclared(f"a column's role must be one of {', '.join(ROLES)}; got {role!r} for {column}")
        if column not in columns:
            raise Undeclared(f"a column of {source} must be one of {', '.join(columns)}; got {column!r}")
    roles = {column: wanted.columns.get(column) or _guess(column) for column in columns}
    notes = []
    if wandb:
        notes = _tell_apart(roles, lines, wanted)
    for role in ("metric", "setting"):
        if role not in roles.values() and (role == "metric" or "words" not in roles.values()):
            some = ",".join(f"{column}=setting" for column in columns[:2])
            raise Malformed(
                f"a column of {source} must be a {role}; got {', '.join(columns)}, and none that is called like one",
                hint=f"say what they are: --map {some},{columns[-1]}=metric (or {', '.join(list(ROLES)[2:])})",
            )
    given = [column for column in columns if wanted.columns.get(column) == "metric"]
    order = [*(column for column in wanted.columns if column in given), *columns]
    return {column: roles[column] or "condition" for column in dict.fromkeys(order)}, notes


def _guess(column: str) -> str:
    for pattern, role in _PREFIXES:
        if pattern.match(column):
            return role
    if re.fullmatch(r"values?_\d+", column):
        return "metric"
    return _NAMED.get(column.strip().lower(), "")


def _tell_apart(roles: dict[str, str], lines: Sequence[tuple[int, Mapping[str, Any]]], wanted: Wanted) -> list[str]:
    """Tell settings from what was measured in W&B's table: every run has its settings, only a finished one its numbers."""
    for column, role in roles.items():
        if column in wanted.columns or column.lower() in _META or column.startswith("_"):
            roles[column] = wanted.columns.get(column) or role or "condition"
            continue
        cells = [row.get(column, "") for _, row in lines]
        numeric = all(number(cell) is not None for cell in cells if str(cell).strip().lower() not in NOTHING)
        full = all(str(cell).strip() for cell in cells)
        called = by_name(column) is not None
        roles[column] = "metric" if numeric and called else "setting" if full else "condition"
    settings = [column for column, role in roles.items() if role == "setting"]
    return [
        f"settings are what every run has and no metric is called: {', '.join(settings) or 'none'}; --map COLUMN=ROLE says otherwise"
    ]


def _plain_names(roles: Mapping[str, str]) -> dict[str, str]:
    """Return names of letters and digits, no two the same: the end of a path where that is enough."""
    found: dict[str, str] = {}
    for column in roles:
        short = next((pattern.sub("", column) for pattern, _ in _PREFIXES if pattern.match(column)), column)
        plain = name(short)
        while plain in found.values():
            plain += "_"
        found[column] = plain
    return found


def _kind(cells: Sequence[Any]) -> str:
    """Return how a column of settings is read: as it is written, or as text where not every cell reads as one kind."""
    kinds = {
        type(value(cell)) if isinstance(cell, str) else type(cell)
        for cell in cells
        if cell is not None and str(cell).strip() != ""
    }
    if kinds <= {int, float}:
        return "float" if float in kinds else "int"
    return (
        "as it is"
        if len(kinds) == 1
        else "text"
        if all(isinstance(cell, str) for cell in cells if cell is not None)
        else "as it is"
    )


def _row(
    line: int, cells: Mapping[str, Any], roles: Mapping[str, str], plain: Mapping[str, str], kinds: Mapping[str, str]
) -> Row | Unread:
    by_role: dict[str, list[str]] = {}
    for column, role in roles.items():
        if cells.get(column) is not None and str(cells[column]).strip() != "":
            by_role.setdefault(role, []).append(column)

    def first(role: str) -> str:
        return str(cells[by_role[role][0]]).strip() if by_role.get(role) else ""

    metrics = {
        plain[column]: found for column in by_role.get("metric", ()) if (found := number(cells[column])) is not None
    }
    setting = {plain[column]: _value(cells[column], kinds[column]) for column in by_role.get("setting", ())}
    status, words = first("status"), first("words")
    main = next(plain[column] for column, role in roles.items() if role == "metric")
    if status.lower() in _OPEN:
        return Unread(line=line, because=f"it is {status.lower()}: no outcome yet, or none that was waited for")
    decision = decided("" if status.lower() in _FINISHED else status, words)
    fault: Fault | None = None
    if first("fault") and first("fault").lower() not in NOTHING:
        fault = fault_of(first("fault"), words or first("fault"))
    elif decision.faulted:
        fault = fault_of(status, words)
    elif main not in metrics:
        if not status:
            return Unread(line=line, because=f"it has no number for {main}, and no status that tells why")
        fault = fault_of(status, words, otherwise="no reading")
    return Row(
        line=line, words=words, decision=decision.decision, status=status, setting=Setting(setting),
        metrics=Numbers({} if fault else metrics), fault=fault,
        revision=first("revision"), conditions=Texts({plain[column]: str(cells[column]) for column in by_role.get("condition", ())}),
        seconds=number(first("seconds")), at=moment(first("time")),
    )  # fmt: skip


def _value(cell: Any, kind: str) -> Value:
    if kind == "float" and (found := number(cell)) is not None:
        return found
    if isinstance(cell, str) and kind != "text":
        return value(cell)
    return cell if isinstance(cell, bool | int | float | str) else str(cell)
