"""MLflow's stores, read without MLflow: the one in SQLite, and the older one of files (``mlruns``)."""

import math
import re
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from kaizen.errors import Malformed
from kaizen.foreign import Foreign, Row, Unread, keyed
from kaizen.foreign.cells import name, value
from kaizen.foreign.directions import by_name
from kaizen.setting import Numbers, Setting, Texts
from kaizen.trial import Fault

FORM_STORE = "a store of MLflow"
FORM_FILES = "a folder of MLflow (mlruns)"
_STATES = ("", "RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")


def claims_store(path: Path) -> bool:
    """Tell whether a SQLite file is such a store."""
    with closing(_open(path)) as base:
        tables = {row[0] for row in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return {"experiments", "runs", "params", "latest_metrics"} <= tables


def read_store(path: Path, wanted: str = "") -> Foreign:
    """Read the runs of one experiment; ``wanted`` names it where several have runs.

    Raises:
        Malformed: it has no run, or several experiments and none is named.
    """
    with closing(_open(path)) as base:
        names = dict(
            base.execute(
                "SELECT e.experiment_id, e.name FROM experiments e WHERE EXISTS (SELECT 1 FROM runs r WHERE r.experiment_id = e.experiment_id)"
            )
        )
        one = _chosen(names, wanted, path)
        query = (
            "SELECT run_uuid, status, start_time, end_time FROM runs "
            "WHERE experiment_id = ? AND lifecycle_stage = 'active' ORDER BY start_time, run_uuid"
        )
        runs = {
            run: {"status": status, "start": start, "end": end, "params": {}, "metrics": {}, "tags": {}}
            for run, status, start, end in base.execute(query, (one,))
        }
        for table, what in (("params", "params"), ("tags", "tags")):
            for run, key, said in base.execute(f"SELECT run_uuid, key, value FROM {table}"):  # noqa: S608 - two fixed names
                if run in runs:
                    runs[run][what][key] = said
        for run, key, number, nan in base.execute("SELECT run_uuid, key, value, is_nan FROM latest_metrics"):
            if run in runs and not nan:
                runs[run]["metrics"][key] = number
    return _foreign(runs, path.name, names[one], FORM_STORE)


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def claims_folder(path: Path) -> bool:
    """Tell whether a folder is such a store, or one experiment of it."""
    return any(path.glob("*/*/meta.yaml")) or (any(path.glob("*/meta.yaml")) and (path / "meta.yaml").is_file())


def read_folder(path: Path, wanted: str = "") -> Foreign:
    """Read the runs of one experiment; ``wanted`` names it where several have runs.

    Raises:
        Malformed: it has no run, or several experiments and none is named.
    """
    folders = (
        [path]
        if (path / "meta.yaml").is_file()
        else sorted(one for one in path.iterdir() if one.is_dir() and not one.name.startswith("."))
    )
    names = {
        folder: _meta(folder / "meta.yaml").get("name", folder.name)
        for folder in folders
        if any(folder.glob("*/meta.yaml"))
    }
    one = _chosen(names, wanted, path)
    runs = {}
    for folder in sorted(one.iterdir()):
        if not (folder / "meta.yaml").is_file():
            continue
        meta = _meta(folder / "meta.yaml")
        if meta.get("lifecycle_stage", "active") != "active":
            continue
        status = meta.get("status", "")
        runs[folder.name] = {
            "status": _STATES[int(status)] if status.isdigit() and int(status) < len(_STATES) else status, "start": _whole(meta.get("start_time")),
            "end": _whole(meta.get("end_time")), "params": _files(folder / "params"), "tags": _files(folder / "tags"),
            "metrics": {key: found for key, said in _files(folder / "metrics").items() if (found := _last(said)) is not None},
        }  # fmt: skip
    return _foreign(
        dict(sorted(runs.items(), key=lambda pair: (pair[1]["start"] or 0, pair[0]))), path.name, names[one], FORM_FILES
    )


def _meta(path: Path) -> dict[str, str]:
    """Read the flat YAML of a store: names and plain values."""
    if not path.is_file():
        return {}
    found = re.findall(r"^(\w+):[ \t]*(.*?)[ \t]*$", path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    return {key: said.strip("'\"") for key, said in found}


def _files(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        return {}
    return {
        file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8", errors="replace")
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def _last(text: str) -> float | None:
    """Return the last number of a metric's file: lines of time, value, step."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    try:
        found = float(lines[-1][1])
    except (IndexError, ValueError):
        return None
    return found if math.isfinite(found) else None


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _chosen(names: Mapping[Any, str], wanted: str, path: Path) -> Any:
    if not names:
        raise Malformed(f"{path.name} must hold runs; got none")
    found = [place for place, called in names.items() if called == wanted]
    if found:
        return found[0]
    if len(names) > 1:
        raise Malformed(
            f"an experiment of {path.name} must be named where several have runs; got {wanted or 'none'}",
            hint=f"--process, one of: {', '.join(names.values())}",
        )
    return next(iter(names))


def _foreign(runs: Mapping[str, Mapping[str, Any]], source: str, called: str, form: str) -> Foreign:
    rows, unread = [], []
    for n, run in enumerate(runs.values(), 1):
        if run["status"] in ("RUNNING", "SCHEDULED"):
            unread.append(Unread(line=n, because=f"run {n} is {run['status'].lower()}: it has no outcome yet"))
        else:
            rows.append((n, run))
    if not rows and not unread:
        raise Malformed(f"{source} must hold runs; got none")
    metric = _main(run["metrics"] for _, run in rows)
    return Foreign(form=form, source=source, rows=keyed(_row(n, run, metric) for n, run in rows), unread=tuple(unread),
                   metric=name(metric) if metric else "",
                   process=called)  # fmt: skip


def _main(every: Iterable[Mapping[str, float]]) -> str:
    """Return the metric that most runs have; of equals, one of validation, then one whose name tells a direction, then the first by name."""
    had: dict[str, int] = {}
    for metrics in every:
        for key in metrics:
            had[key] = had.get(key, 0) + 1
    order = sorted(had, key=lambda key: (-had[key], not re.search(r"val|test", key), by_name(key) is None, key))
    return order[0] if order else ""


def _row(n: int, run: Mapping[str, Any], metric: str) -> Row:
    metrics = {name(key): number for key, number in run["metrics"].items() if math.isfinite(number)}
    fault = None
    if run["status"] in ("FAILED", "KILLED"):
        fault = Fault(reason="crash", note=f"{run['status'].lower()}")
    elif name(metric) not in metrics:
        fault = Fault(reason="no reading", note=f"it has no {metric or 'metric'}")
    tags = {key: said for key, said in run["tags"].items() if not key.startswith("mlflow.")}
    return Row(
        line=n, words=str(run["tags"].get("mlflow.note.content", "")), status=run["status"].lower(),
        setting=Setting({name(key): value(said) for key, said in run["params"].items()}),
        metrics=Numbers({} if fault else metrics), fault=fault, revision=str(run["tags"].get("mlflow.source.git.commit", "")),
        conditions=Texts({name(key): str(said) for key, said in tags.items()}),
        seconds=(run["end"] - run["start"]) / 1000 if run["end"] and run["start"] else None, at=run["start"] / 1000 if run["start"] else None,
    )  # fmt: skip
