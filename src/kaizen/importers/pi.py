"""The log of pi's autoresearch loop: ``log.jsonl``, a configuration and one trial a line."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kaizen.errors import Malformed
from kaizen.foreign import Better, Foreign, Row, Unread, keyed
from kaizen.foreign.cells import clean, moment, number
from kaizen.foreign.cells import name as plain
from kaizen.foreign.statuses import decided, fault_of
from kaizen.setting import Numbers, Texts

FORM = "a log of pi's autoresearch (log.jsonl)"


def claims(head: str) -> bool:
    """Tell whether a file is such a log: lines of JSON, a configuration or a trial with status and metric."""
    for line in head.splitlines()[:3]:
        try:
            found = json.loads(line)
        except ValueError:
            return False
        if isinstance(found, dict) and found.get("type") == "config":
            return True
        if isinstance(found, dict) and {"metric", "status", "description"} <= found.keys():
            return True
    return False


def read(path: Path) -> Foreign:
    """Read a log; the latest configuration names the metric and its direction.

    Raises:
        Malformed: it has no trial.
    """
    rows, unread = [], []
    metric, better, process = "metric", None, ""
    for n, line in enumerate(path.read_text(encoding="utf-8-sig", errors="replace").split("\n"), 1):
        if not line.strip():
            continue
        try:
            found = _cleaned(json.loads(line))
        except ValueError as error:
            unread.append(Unread(line=n, because=f"it is no JSON: {error}", text=line[:120]))
            continue
        if not isinstance(found, dict):
            unread.append(Unread(line=n, because=f"it must be an object; got {type(found).__name__}", text=line[:120]))
        elif found.get("type") == "config":
            metric = plain(str(found.get("metricName") or found.get("metric_name") or metric))
            better = _direction(found) or better
            process = str(found.get("name") or process)
        else:
            rows.append((n, found))
    if not rows:
        raise Malformed(
            f"{path.name} must have a trial; got none",
            hint='{"run": 1, "metric": 1.2, "status": "keep", "description": "…"}',
        )
    return Foreign(form=FORM, source=path.name, rows=keyed(_row(n, found, metric) for n, found in rows), unread=tuple(unread), metric=metric,
                   better=better, process=process)  # fmt: skip


def _cleaned(found: Any) -> Any:
    """Return JSON with every text as it can be stored."""
    if isinstance(found, dict):
        return {clean(key): _cleaned(cell) for key, cell in found.items()}
    return clean(found) if isinstance(found, str) else found


def _direction(config: Mapping[str, Any]) -> Better | None:
    said = str(config.get("bestDirection") or config.get("direction") or config.get("metric_direction") or "").lower()
    return "lower" if said.startswith(("low", "min")) else "higher" if said.startswith(("high", "max")) else None


def _row(line: int, found: Mapping[str, Any], metric: str) -> Row:
    asi = found.get("asi") if isinstance(found.get("asi"), dict) else {}
    assert isinstance(asi, dict)
    words, status = str(found.get("description") or ""), str(found.get("status") or "")
    decision = decided(status, words)
    value = number(found.get("metric"))
    fault = None
    if decision.faulted or (value is None and decision.decision == "rejected"):
        fault = fault_of(status, words, otherwise="crash" if decision.faulted else "no reading")
    more = found.get("metrics") if isinstance(found.get("metrics"), dict) else {}
    assert isinstance(more, dict)
    numbers = {} if value is None else {metric: value}
    numbers |= {plain(str(name)): had for name, cell in more.items() if (had := number(cell)) is not None}
    kept = {name: found[name] for name in ("segment", "confidence") if found.get(name) is not None}
    return Row(
        line=line, words=words, decision=decision.decision, status=status, metrics=Numbers({} if fault else numbers), fault=fault,
        revision=str(found.get("commit") or ""), conditions=Texts({**kept, **{plain(str(name)): str(said) for name, said in asi.items() if said}}),
        at=moment(found.get("timestamp") or ""),
    )  # fmt: skip
