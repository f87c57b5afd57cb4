"""What ``kaizen doctor`` looks at, and backups: slow and thorough, beside the ledger's own connection."""

# os.path is loaded already, pathlib is not.
# ruff: noqa: PTH104, PTH107, PTH112, PTH120, PTH202

import os
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from kaizen.errors import Clash, Damaged, KaizenError, Stuck
from kaizen.ledger import Record
from kaizen.ledgers import chain, codec, driver, tables
from kaizen.ledgers import statements as sql

_ENOUGH = 20  # findings of one sort: whoever reads them wants to know where to look, not every row


def check_up(path: str, connect: driver.Connect) -> list[str]:
    """Return what does not add up in the ledger at ``path``, as of one moment."""
    db, fresh = connect(path), driver.connect("")  # a private database on disk, gone when it is closed
    try:
        with driver.Translated(path, db.Error):
            driver.prepare(db)
            db.execute("BEGIN")  # everything below sees the same moment
            findings = _check_pages(db)
            fresh.execute("BEGIN")
            tables.create_models(fresh)
            derivation = tables.Derivation(fresh)
            findings += _check_entries(db, derivation)
            if not findings:  # read models of damaged entries say nothing more
                findings += _check_models(db, fresh, derivation)
    except KaizenError as error:
        findings = [error.message]
    finally:
        db.close()
        fresh.close()
    return findings


def _check_pages(db: driver.Connection) -> list[str]:
    found = [row[0] for row in db.execute(f"PRAGMA integrity_check({_ENOUGH})").fetchall()]
    return [] if found == ["ok"] else [f"every page must be sound; got {line}" for line in found]


def _check_entries(db: driver.Connection, derivation: tables.Derivation) -> list[str]:
    """Walk the entries: their order, their hashes, and what follows from them."""
    findings: list[str] = []
    link, expected = chain.START, 1
    for row in db.execute(sql.EVERYTHING):
        *fields, found = row
        seq, process, at, by, kind, schema, body, key, _ = fields
        if seq != expected:
            findings.append(f"entry {expected} must follow; got entry {seq}")
        link = chain.link(link, tuple(fields))
        if link != found:
            findings.append(f"entry {seq} of {process} must be as it was written; got a change in it or before it")
        link, expected = found, seq + 1
        try:
            derivation.add(
                Record(seq=seq, process=process, at=at, by=by, entry=codec.decode(kind, schema, body), key=key)
            )
        except KaizenError as error:
            findings.append(f"entry {seq} of {process}: {error.message}")
        if len(findings) >= _ENOUGH:
            break
    derivation.finish()
    return findings


def _check_models(db: driver.Connection, fresh: driver.Connection, derivation: tables.Derivation) -> list[str]:
    """Compare every read model, row by row, with what follows from the entries."""
    findings = []
    for table in sql.MODEL_TABLES:
        for stored, right in _pairs(db, fresh, sql.IN_ORDER[table]):
            if stored != right:
                row = stored or right
                findings.append(f"the table {table} must follow from the entries; got another row at {row[:2]}")
                break
    held = {
        (process, run): (attempt, holder) for process, run, attempt, holder, *_ in db.execute(sql.ALL_HOLDS).fetchall()
    }
    right_holds = {where: (attempt, holder) for where, (attempt, holder, _) in derivation.holds.items()}
    if held != right_holds:
        runs = sorted(where for where in held.keys() | right_holds.keys() if held.get(where) != right_holds.get(where))
        findings.append(f"the leases must be those of the runs handed out; got others at {runs[:3]}")
    return [f"{finding} (rebuilding mends it)" for finding in findings]


def _pairs(db: driver.Connection, fresh: driver.Connection, statement: str) -> Iterator[tuple[Any, Any]]:
    stored, right = iter(db.execute(statement)), iter(fresh.execute(statement))
    return ((_plain(a), _plain(b)) for a, b in zip_longest(stored, right))


def _plain(row: Any) -> Any:
    return None if row is None else tuple(row)


def copy(db: driver.Connection, path: str) -> None:
    """Copy a database to a new file: whole, or not at all.

    Raises:
        Clash: there is a file already.
        Stuck: no such directory.
        Damaged: the copy is not what it should be.
    """
    directory = os.path.dirname(path)
    if not os.path.isdir(directory):
        raise Stuck(f"the backup's directory must exist; got {directory}", hint=f"mkdir -p {directory}")
    if os.path.lexists(path):
        raise Clash(
            f"a backup must be a new file; got {path}, which is there", hint="name another file, or move that one away"
        )
    partial = f"{path}.partial"
    try:
        if os.path.lexists(partial):
            os.remove(partial)
        db.execute("VACUUM INTO ?", (partial,))
        _sync(partial)
        os.rename(partial, path)
        if os.name == "posix":
            _sync(directory)
    except OSError as error:
        raise Stuck(
            f"the backup {path} must be written whole; got {error.strerror or error}",
            hint="look at its disk and permissions",
        ) from error
    finally:
        if os.path.lexists(partial):
            os.remove(partial)
    if not os.path.getsize(path):
        raise Damaged(f"the backup {path} must have content; got an empty file")


def _sync(path: str) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
