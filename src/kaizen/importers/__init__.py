"""Importers: each reads what somebody else's trial and error left behind into a foreign record (see ``kaizen.foreign``).

Here is which of them reads a source: that is told by its content, not by its name. An importer is loaded when it is asked.
"""

import csv
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec

from kaizen.errors import KaizenError, Malformed, Stuck, Undeclared
from kaizen.foreign import Foreign, Wanted

_HEAD = 65_536  # bytes that tell what a file is
_FORMS = "results.tsv, log.jsonl, CSV, JSON lines, Parquet, an export of Kaizen, a store of Optuna or MLflow, a folder of Ray Tune or MLflow"


def read_foreign(source: str | Path, wanted: Wanted | None = None) -> Foreign:
    """Read a file or folder by the importer that knows its content.

    Raises:
        Malformed: it is nothing that any importer knows, or holds no row.
        Stuck: it is not there, or cannot be read.
    """
    path, wanted = Path(source), wanted or Wanted()
    try:
        found = _folder(path, wanted) if path.is_dir() else _file(path, wanted)
    except KaizenError:
        raise
    except (ValueError, RecursionError, csv.Error) as error:
        raise Malformed(
            f"{path} must be sound in itself; got a file that breaks off or is nested too deeply: {error}"
        ) from error
    except sqlite3.Error as error:
        raise Malformed(f"{path} must be a sound SQLite file; got one that is not: {error}") from error
    except OSError as error:
        raise Stuck(f"{path} must be a file or folder that can be read; got {error.strerror or error}") from error
    known = dict.fromkeys(name for row in found.rows for name in row.metrics)
    for name in wanted.better:
        if name and name not in known:
            raise Undeclared(f"a metric of {found.source} must be one of {', '.join(known) or 'none'}; got {name!r}")
    return _with_metric(found, wanted)


def _with_metric(found: Foreign, wanted: Wanted) -> Foreign:
    """Let decisions go by the metric that is wanted; of the columns of a table, its own importer has seen to that."""
    named = next((column for column, role in wanted.columns.items() if role == "metric"), "")
    if not named or found.form.startswith("a table"):
        return found
    known = dict.fromkeys(name for row in found.rows for name in row.metrics)
    if named not in known:
        raise Undeclared(f"a metric of {found.source} must be one of {', '.join(known)}; got {named!r}")
    return msgspec.structs.replace(found, metric=named, better=dict(found.others).get(named))


def _folder(path: Path, wanted: Wanted) -> Foreign:
    from kaizen.importers import mlflow, raytune

    if mlflow.claims_folder(path):
        return mlflow.read_folder(path, wanted.process)
    if raytune.claims(path):
        return raytune.read(path)
    for name in (
        "results.tsv",
        "autoresearch-results.tsv",
        "log.jsonl",
        ".auto/log.jsonl",
        "autoresearch-results/results.tsv",
        "mlflow.db",
    ):
        if (path / name).is_file():
            return _file(path / name, wanted)
    raise Malformed(f"a folder must hold something that an importer knows; got {path}", hint=f"known are: {_FORMS}")


def _file(path: Path, wanted: Wanted) -> Foreign:
    with path.open("rb") as file:
        start = file.read(_HEAD)
    if not start.strip():
        raise Malformed(f"{path} must have rows; got an empty file")
    if start.startswith(b"SQLite format 3\0"):
        return _base(path, wanted)
    head = "PAR1" if start.startswith(b"PAR1") else start.decode("utf-8", errors="replace")
    if not any(role != "metric" for role in wanted.columns.values()):
        found = _by_content(path, head, wanted)
        if found is not None:
            return found
    from kaizen.importers import tables

    if tables.claims(path, head):
        return tables.read(path, wanted)
    raise Malformed(f"a source must be something that an importer knows; got {path}", hint=f"known are: {_FORMS}")


def _base(path: Path, wanted: Wanted) -> Foreign:
    from kaizen.importers import mlflow, optuna

    for claims, read in ((optuna.claims_store, optuna.read_store), (mlflow.claims_store, mlflow.read_store)):
        if claims(path):
            return read(path, wanted.process)
    raise Malformed(
        f"a SQLite file must be a store of Optuna or MLflow; got {path}",
        hint="kaizen export --format csv takes runs out of a ledger",
    )


def _by_content(path: Path, head: str, wanted: Wanted) -> Foreign | None:
    from kaizen.importers import exported, optuna, pi, results

    known: tuple[tuple[Callable[[], bool], Callable[[Path], Foreign]], ...] = (
        (lambda: exported.claims(path, head), exported.read),
        (lambda: optuna.claims_journal(head), lambda one: optuna.read_journal(one, wanted.process)),
        (lambda: pi.claims(head), pi.read),
        (lambda: results.claims(head), results.read),
    )
    return next((read(path) for claims, read in known if claims()), None)
