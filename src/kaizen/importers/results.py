"""Logs that coding agents keep: ``results.tsv`` in every dialect met so far, with a decision and a sentence a row.

Columns are known by their names, whatever their order: a decision (``status``, ``decision``, ``verdict`` …), a sentence
(``description``, ``rationale``, ``notes`` …), a commit, and numbers. Without a column of decisions, the sentence is asked.
A crash is written as 0.0 by many loops: it is a fault here. Comment lines ``# key: value`` are conditions of every row.
"""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from kaizen.errors import Malformed
from kaizen.foreign import Better, Foreign, Row, Unread, keyed
from kaizen.foreign.cells import NOTHING, clean, moment, number, truth
from kaizen.foreign.statuses import decided, fault_of
from kaizen.setting import Numbers, Texts
from kaizen.trial import Fault

FORM = "a log of decisions (results.tsv)"

_STATUS = ("status", "decision", "verdict", "correctness", "result", "outcome", "kept", "keep_or_discard", "action")
_WORDS = ("description", "change", "hypothesis", "idea", "rationale", "summary", "notes", "note", "what", "comment", "experiment", "name",
          "id", "title", "message")  # fmt: skip
_COMMIT = ("commit", "sha", "commit_hash", "git_commit", "hash", "revision")
_NUMBER = ("iteration", "iter", "trial", "run", "number", "n", "step", "idx", "index", "cycle", "round")
_TIME = ("timestamp", "time", "date", "datetime", "at", "when", "created", "created_at")
_SECONDS = {"seconds": 1.0, "duration": 1.0, "duration_s": 1.0, "seconds_total": 1.0, "elapsed": 1.0, "elapsed_s": 1.0, "wall_s": 1.0, "runtime": 1.0,
            "runtime_s": 1.0, "training_seconds": 1.0, "total_seconds": 1.0, "wall_seconds": 1.0, "minutes": 60.0, "duration_min": 60.0}  # fmt: skip
_BESIDE = re.compile(
    r"(mem|param|step|second|_ms|ms_|time|_mb|_gb|bytes|^n_|delta|before|baseline|conf|util|pct|tax|worst|seed|count|tokens|epoch|lr$)"
)
_CHANGED = ("param_changed", "old_value", "new_value")


def claims(head: str) -> bool:
    """Tell whether a file that begins with ``head`` is such a log."""
    lines = [line for line in head.lstrip("\ufeff").splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        return False
    names = [_plain(cell) for cell in _split(lines[0])]
    if len(names) < 3:
        return False
    worded = any(name in _WORDS for name in names)
    committed = any(name in _COMMIT for name in names)
    prefixed = any(
        re.match(r"(params_|(params?|config|metrics?|setting|reading|conditions)[./])", cell)
        for cell in _split(lines[0])
    )
    return not prefixed and worded and (any(name in _STATUS for name in names) or committed or "notes" in names)


def read(path: Path) -> Foreign:
    """Read a log, and ``lessons.md`` beside it if there is one.

    Raises:
        Malformed: it has no line of names, or no row.
    """
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    found = parse(clean(text), source=path.name)
    lessons = path.parent / "lessons.md"
    if lessons.is_file():
        said = clean(lessons.read_text(encoding="utf-8", errors="replace"))
        found = msgspec.structs.replace(found, lessons=_lessons(said))
    return found


def parse(text: str, *, source: str) -> Foreign:
    """Read a log from its text."""
    table = _Table(text)
    if not table.names:
        raise Malformed(
            f"{source} must begin with a line of names; got nothing",
            hint="commit<tab>metric<tab>status<tab>description",
        )
    if not table.cells:
        raise Malformed(f"{source} must have rows; got only its line of names")
    main = _main(table)
    spans = [number(row.get(main, "")) for _, row in table.cells] if main else []
    zeros = any(value is not None and value != 0 for value in spans)
    rows, unread = [], list(table.unread)
    for line, cells in table.cells:
        made = _row(line, cells, table, main, zero_is_none=zeros)
        if isinstance(made, Unread):
            unread.append(made)
        else:
            rows.append(made)
    rows = _first_is_baseline(rows)
    notes = list(table.notes)
    if not any(name in _STATUS for name in table.names):
        notes.append("it has no column of decisions: they are read from its sentences where those say so")
    return Foreign(
        form=FORM, source=source, rows=keyed(rows), unread=tuple(sorted(unread, key=lambda one: one.line)), metric=main,
        better=_direction(table.comments), notes=tuple(notes), process=table.comments.get("process", ""),
    )  # fmt: skip


class _Table:
    """The cells of a log by name; lines that go on, names said again, and lines that cannot be read."""

    def __init__(self, text: str) -> None:
        self.names: list[str] = []
        self.comments: dict[str, str] = {}
        self.cells: list[tuple[int, dict[str, str]]] = []
        self.unread: list[Unread] = []
        self.notes: list[str] = []
        self._continued = self._again = 0
        self._blank = 0
        for line, cells, raw in _lines(text):
            self._take(line, cells, raw)
        if self._continued:
            self.notes.append(f"{self._continued} lines without columns go on with the sentence of the row before")
        if self._again:
            self.notes.append(f"its line of names stands there {self._again + 1} times")

    def _take(self, line: int, cells: Sequence[str], raw: str) -> None:
        if raw.startswith("#") and (not self.names or _plain(cells[0].lstrip("#")) != self.names[0]):
            key, sign, said = raw.lstrip("# ").partition(":")
            if sign and said.strip():
                self.comments[_plain(key)] = said.strip()
            return
        if not self.names:
            self.names = [_plain(cell.lstrip("#")) or f"column_{place + 1}" for place, cell in enumerate(cells)]
            self.last = next(
                (place for place in range(len(self.names) - 1, -1, -1) if self.names[place] in _WORDS),
                len(self.names) - 1,
            )
            return
        if [_plain(cell) for cell in cells] == self.names:
            self._again += 1
            return
        if len(cells) == 1:
            self._go_on(line, raw)
            return
        if len(cells) > len(self.names):  # a tab in the sentence: what is too much belongs to it
            over = len(cells) - len(self.names)
            cells = [
                *cells[: self.last],
                "\t".join(cells[self.last : self.last + over + 1]),
                *cells[self.last + over + 1 :],
            ]
        if len(cells) < len(self.names) and not any(decided(cell).decision != "undecided" for cell in cells):
            self.unread.append(
                Unread(
                    line=line, because=f"it has {len(cells)} of {len(self.names)} columns, and no decision", text=raw
                )
            )
            return
        self.cells.append((line, dict(zip(self.names, cells, strict=False))))

    def _go_on(self, line: int, raw: str) -> None:
        name = self.names[self.last]
        if not self.cells:
            self.unread.append(Unread(line=line, because=f"it has 1 of {len(self.names)} columns", text=raw))
            return
        row = self.cells[-1][1]
        row[name] = f"{row.get(name, '')}\n{raw}"
        self._continued += 1


def _lines(text: str) -> list[tuple[int, list[str], str]]:
    """Return each line that is not blank: its number, its cells, and itself."""
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    if "\t" in first:
        return [(n, line.split("\t"), line) for n, line in enumerate(re.split("\r?\n", text), 1) if line.strip()]
    reader = csv.reader(io.StringIO(text, newline=""))
    found, before = [], 0
    for cells in reader:
        if any(cell.strip() for cell in cells):
            found.append((before + 1, cells, ",".join(cells)))
        before = reader.line_num
    return found


def _split(line: str) -> list[str]:
    return line.split("\t") if "\t" in line else next(csv.reader([line]), [])


def _plain(cell: str) -> str:
    return re.sub(r"\W+", "_", cell.strip().lower()).strip("_")


def _main(table: _Table) -> str:
    """Return the column that decisions go by: the first of numbers that is not beside the point; empty for none."""
    numeric = []
    for name in table.names:
        if name in (*_STATUS, *_COMMIT, *_NUMBER, *_TIME, *_CHANGED, *_WORDS) or name in _SECONDS:
            continue
        filled = [row.get(name, "") for _, row in table.cells if row.get(name, "").strip().lower() not in NOTHING]
        if filled and sum(number(cell) is not None for cell in filled) >= 0.6 * len(filled):
            numeric.append(name)
    after = [name for name in numeric if name.endswith("_after")]
    named = [name for name in numeric if not _BESIDE.search(name)]
    return (after or named or numeric or [""])[0]


def _row(line: int, cells: Mapping[str, str], table: _Table, main: str, *, zero_is_none: bool) -> Row | Unread:
    status = next((cells[name].strip() for name in _STATUS if cells.get(name, "").strip()), "")
    words_of = next((name for name in _WORDS if name in table.names), "")
    words = _worded(cells, words_of)
    decision = decided(status, words)
    metrics = _metrics(cells, table, main)
    reading = metrics.get(main)
    flagged = any(truth(cells.get(name, "")) for name in ("crashed", "failed", "error", "oom"))
    others = [value for name, value in metrics.items() if name != main]
    empty = reading is None or (reading == 0 and not any(others) and (zero_is_none or decision.decision == "rejected"))
    fault: Fault | None = None
    if decision.faulted or flagged or (main and empty and decision.decision == "rejected"):
        fault = fault_of(status, words, otherwise="crash" if decision.faulted or flagged else "told")
    elif main and reading is None and decision.decision == "undecided":
        return Unread(line=line, because=f"it has neither a reading of {main} nor a decision", text=words[:120])
    if fault is not None:
        metrics = {}
    taken = {*_STATUS, *_COMMIT, words_of, *_SECONDS, *_CHANGED}
    conditions = {
        name: cell.strip()
        for name, cell in cells.items()
        if name not in taken and name not in metrics and name != main and cell.strip() and cell.strip().lower() not in NOTHING
        and not (fault is not None and number(cell) == 0)
    }  # fmt: skip
    seconds = next(
        (had * _SECONDS[name] for name in _SECONDS if (had := number(cells.get(name, ""))) is not None), None
    )
    return Row(
        line=line, words=words, decision=decision.decision, status=status, metrics=Numbers(metrics), fault=fault,
        revision=next((cells[name].strip() for name in _COMMIT if cells.get(name, "").strip()), ""),
        conditions=Texts({**_told(table.comments), **conditions}), seconds=seconds,
        at=next((when for name in _TIME if (when := moment(cells.get(name, ""))) is not None), None),
    )  # fmt: skip


def _first_is_baseline(rows: list[Row]) -> list[Row]:
    """Call the first row that was kept the baseline where its sentence does."""
    for place, row in enumerate(rows):
        if row.decision == "kept":
            if re.search(r"\bbase ?line\b", row.words[:60], re.IGNORECASE):
                rows[place] = msgspec.structs.replace(row, decision="baseline")
            break
        if row.decision == "baseline":
            break
    return rows


def _worded(cells: Mapping[str, str], words_of: str) -> str:
    """Return the sentence; a change that has columns of its own is put before it."""
    words = cells.get(words_of, "").strip()
    words = "" if words.lower() in NOTHING else words
    name, old, new = (cells.get(one, "").strip() for one in _CHANGED)
    if name and name not in NOTHING and new not in NOTHING:
        return f"{name} {old}->{new}: {words}"
    return words


def _metrics(cells: Mapping[str, str], table: _Table, main: str) -> dict[str, float]:
    """Return the numbers of a row; one whose run was skipped has no others than the main one."""
    skipped = any(cell.strip().lower() == "skipped" for cell in cells.values())
    found = {}
    for name in table.names:
        if name in (*_STATUS, *_COMMIT, *_NUMBER, *_TIME, *_CHANGED, *_WORDS) or name in _SECONDS:
            continue
        if name.endswith("_before") or name == "delta":
            continue
        value = number(cells.get(name, ""))
        if value is None or (skipped and value == 0 and name != main):
            continue
        found[name] = value
    return found


def _told(comments: Mapping[str, str]) -> dict[str, str]:
    return {
        name: said
        for name, said in comments.items()
        if not name.endswith("direction") and name not in ("better", "process")
    }


def _direction(comments: Mapping[str, str]) -> Better | None:
    said = next(
        (comments[name] for name in ("metric_direction", "direction", "better") if name in comments), ""
    ).lower()
    if re.search(r"low|min|less|down", said):
        return "lower"
    return "higher" if re.search(r"high|max|more|up", said) else None


def _lessons(text: str) -> tuple[str, ...]:
    """Return the points of a page of lessons: what stands behind its bullets and headings of the third order."""
    points = re.findall(r"^\s*(?:[-*+]|\d+[.)]|###+)\s+(.+?)\s*$", text, re.MULTILINE)
    return tuple(dict.fromkeys(re.sub(r"\*\*|`", "", point) for point in points if len(point) > 10))
