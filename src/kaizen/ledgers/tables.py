"""Read models and leases in SQLite tables: written, looked up, and derived from entries."""

# os.path is loaded already, pathlib is not.
# ruff: noqa: PTH123

import time
from collections.abc import Sequence
from functools import cache

from kaizen.journal import Head, Row, Tried
from kaizen.ledger import Asked, Faulted, Lease, Record, Told
from kaizen.ledgers import codec
from kaizen.ledgers import statements as sql
from kaizen.ledgers.driver import Connection
from kaizen.ledgers.following import Look, Rows, follow

_TABLES = {kind: table for table, kind in codec.ROWS.items()}
_CLOCK_SET = 300.0  # s: a boot known only by the wall clock is the same one if it seems to begin this near


def looker(db: Connection, process: str) -> Look:
    """Return the way to look up rows of one process."""

    def look(kind: type[Row], number: int) -> Row | None:
        table = _TABLES[kind]
        found = db.execute(sql.ROW[table], (process, number)).fetchone()
        return None if found is None else codec.decode_row(table, found[0])

    return look


def write_rows(db: Connection, process: str, rows: Rows) -> None:
    """Write history rows in the place of those they replace."""
    for (kind, number), row in rows.items():
        body = codec.encode_row(row).decode()
        if isinstance(row, Tried):
            values = (row.seq, process, number, row.setting.fingerprint, row.trial, row.of, body)
            db.execute(sql.WRITE_RUN, values)
        else:
            db.execute(sql.WRITE_ROW[_TABLES[kind]], (process, number, body))


def write_head(db: Connection, head: Head, name: str, born: int | None) -> None:
    """Write a head; ``born`` is the ``seq`` of the process's first record, ``None`` if its description is as it was."""
    if born is not None:
        db.execute(sql.DESCRIBE, (name, born, codec.encode_process(head).decode()))
    db.execute(sql.WRITE_HEAD, (name, head.seq, codec.encode_state(head).decode()))


def read_runs(
    db: Connection, process: str, after: int, latest: int | None, where: Sequence[tuple[str, object]]
) -> tuple[Tried, ...]:
    """Return finished runs in order; ``where`` are clauses of ``statements`` with their values."""
    statement = sql.RUNS + "".join(clause for clause, _ in where)
    values: tuple[object, ...] = (process, after, *(value for _, value in where))
    if latest is None:
        bodies = db.execute(statement + sql.OLDEST_FIRST, values).fetchall()
    else:
        bodies = db.execute(statement + sql.LATEST_FIRST, (*values, max(0, latest))).fetchall()[::-1]
    return tuple(codec.decode_row("run", body) for (body,) in bodies)  # type: ignore[misc] # a table holds one kind


def first_runs(
    db: Connection, process: str, after: int, first: int, where: Sequence[tuple[str, object]]
) -> tuple[Tried, ...]:
    """Return the ``first`` finished runs behind ``after``, in order: a page of them."""
    statement = sql.RUNS + "".join(clause for clause, _ in where) + sql.FIRST
    bodies = db.execute(statement, (process, after, *(value for _, value in where), max(0, first))).fetchall()
    return tuple(codec.decode_row("run", body) for (body,) in bodies)  # type: ignore[misc] # a table holds one kind


# ── leases ────────────────────────────────────────────────────────────────────────────────────────────────────────────
@cache
def boot() -> str:
    """Return this boot's name: deadlines on a monotonic clock mean nothing after it."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return f"since {time.time() - time.monotonic():.0f}"


def same_boot(then: str, now: str) -> bool:
    """Tell whether two names are of one boot."""
    if then.startswith("since ") and now.startswith("since "):
        return abs(float(then[6:]) - float(now[6:])) < _CLOCK_SET
    return then == now


def write_lease(db: Connection, record: Record, now: float) -> None:
    """Write or end the holds that a record begins or ends; ``now`` is on the monotonic clock."""
    match record.entry:
        case Asked(runs=runs, lease=lease, holder=holder):
            until = None if lease is None else now + lease
            for run in runs:
                values = (record.process, run.id, run.attempt, holder or record.by, lease, until, boot())
                db.execute(sql.HOLD, values)
        case Told(run=run) | Faulted(run=run):
            db.execute(sql.RELEASE, (record.process, run))


def read_leases(db: Connection, process: str, now: float) -> tuple[Lease, ...]:
    """Return all holds on runs of a process; those of an earlier boot have nothing left."""
    return tuple(
        Lease(process=process, run=run, attempt=attempt, holder=holder, left=_left(deadline, then, now))
        for run, attempt, holder, deadline, then in db.execute(sql.HOLDS, (process,)).fetchall()
    )


def _left(deadline: float | None, then: str, now: float) -> float | None:
    if deadline is None:
        return None
    return max(0.0, deadline - now) if same_boot(then, boot()) else 0.0


# ── deriving ──────────────────────────────────────────────────────────────────────────────────────────────────────────
class Derivation:
    """Builds read models from entries, record by record, in whatever database it is given."""

    def __init__(self, db: Connection) -> None:
        """Write into ``db``, whose tables are there and empty."""
        self._db = db
        self._heads: dict[str, Head] = {}
        self._born: dict[str, int] = {}
        self.holds: dict[tuple[str, int], tuple[int, str, float | None]] = {}
        """By process and run: attempt, holder, lease, as the entries say."""

    def add(self, record: Record) -> None:
        """Take one more record; the fence was checked when it was written.

        Raises:
            Damaged: it cannot follow.
        """
        process = record.process
        look = looker(self._db, process)
        head, rows = follow(self._heads.get(process), (record,), look, fenced=False)
        write_rows(self._db, process, rows)
        self._heads[process] = head
        self._born.setdefault(process, record.seq)
        match record.entry:
            case Asked(runs=runs, lease=lease, holder=holder):
                self.holds |= {(process, run.id): (run.attempt, holder or record.by, lease) for run in runs}
            case Told(run=run) | Faulted(run=run):
                self.holds.pop((process, run), None)

    def finish(self) -> None:
        """Write the heads."""
        for process, head in self._heads.items():
            write_head(self._db, head, process, self._born[process])

    def write_holds(self) -> None:
        """Write the leases anew: deadlines that are known stay, any other has run out."""
        known = {tuple(hold[:3]): hold for hold in self._db.execute(sql.ALL_HOLDS).fetchall()}
        self._db.execute("DELETE FROM lease")
        for (process, run), (attempt, holder, lease) in self.holds.items():
            as_it_was = known.get((process, run, attempt))
            fresh = (process, run, attempt, holder, lease, None if lease is None else 0.0, "")
            self._db.execute(sql.HOLD, as_it_was or fresh)


def create_models(db: Connection) -> None:
    """Make the tables of the read models, empty."""
    for statement in sql.MODELS:
        db.execute(statement)


def drop_models(db: Connection) -> None:
    """Remove the tables of the read models."""
    for table in sql.MODEL_TABLES:
        db.execute(f"DROP TABLE IF EXISTS {table}")
