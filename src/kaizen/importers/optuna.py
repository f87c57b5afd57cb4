"""Optuna's storages, read without Optuna: the relational one in SQLite (schema 12) and journal files (both as of 5.0).

A failed trial is a fault. A pruned one was stopped before its end: it is rejected, and has no reading.
"""

import json
import math
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from kaizen.errors import Malformed
from kaizen.foreign import Better, Decision, Foreign, Row, Unread, keyed
from kaizen.foreign.cells import moment, name
from kaizen.parameter import Choice, Parameter, Real, Switch, When, Whole
from kaizen.setting import Numbers, Setting, Texts, Value
from kaizen.trial import Fault

FORM_STORE = "a store of Optuna"
FORM_JOURNAL = "a journal of Optuna"
_STATES = ("RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING")
_DIRECTIONS = ("NOT_SET", "MINIMIZE", "MAXIMIZE")


class _Study:
    """What was read of one: directions, and trials by their id."""

    def __init__(self, called: str, directions: Iterable[str] = ()) -> None:
        self.name = called
        self.directions = list(directions)
        self.trials: dict[int, dict[str, Any]] = {}


# ── the relational store ──────────────────────────────────────────────────────────────────────────────────────────────


def claims_store(path: Path) -> bool:
    """Tell whether a SQLite file is such a store."""
    with closing(_open(path)) as base:
        tables = {row[0] for row in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return {"studies", "trials", "trial_params", "trial_values"} <= tables


def read_store(path: Path, wanted: str = "") -> Foreign:
    """Read one study of a store; ``wanted`` names it where there are several.

    Raises:
        Malformed: it has no study, or several and none is named.
    """
    with closing(_open(path)) as base:
        known = {
            study: _Study(called)
            for study, called in base.execute("SELECT study_id, study_name FROM studies ORDER BY study_id")
        }
        for study, direction in base.execute(
            "SELECT study_id, direction FROM study_directions ORDER BY study_id, objective"
        ):
            known[study].directions.append(direction)
        found = _one(known.values(), wanted, path)
        _fill(base, next(study for study, one in known.items() if one is found), found.trials)
    return _foreign(found, path.name, FORM_STORE)


def _fill(base: sqlite3.Connection, study: int, trials: dict[int, dict[str, Any]]) -> None:
    """Read the trials of a study, their parameters, values and attributes."""
    query = "SELECT trial_id, number, state, datetime_start, datetime_complete FROM trials WHERE study_id = ? ORDER BY number"
    for trial, number, state, start, end in base.execute(query, (study,)):
        trials[trial] = {
            "number": number,
            "state": state,
            "start": start,
            "end": end,
            "params": {},
            "values": {},
            "attrs": {},
        }
    query = "SELECT trial_id, param_name, param_value, distribution_json FROM trial_params"
    for trial, param, inner, distribution in base.execute(query):
        if trial in trials:
            trials[trial]["params"][param] = (inner, distribution)
    query = "SELECT trial_id, objective, value FROM trial_values WHERE value_type = 'FINITE'"
    for trial, objective, value in base.execute(query):
        if trial in trials:
            trials[trial]["values"][objective] = value
    for trial, key, attribute in base.execute("SELECT trial_id, key, value_json FROM trial_user_attributes"):
        if trial in trials:
            trials[trial]["attrs"][key] = json.loads(attribute)


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


# ── journals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def claims_journal(head: str) -> bool:
    """Tell whether a file is a journal: lines of JSON with an ``op_code``."""
    first = head.partition("\n")[0]
    try:
        found = json.loads(first)
    except ValueError:
        return False
    return isinstance(found, dict) and "op_code" in found and "worker_id" in found


def read_journal(path: Path, wanted: str = "") -> Foreign:
    """Read one study of a journal; ``wanted`` names it where there are several.

    Raises:
        Malformed: it has no study, or several and none is named.
    """
    studies: list[_Study] = []
    where: list[_Study] = []
    unread = []
    for n, line in enumerate(path.read_text(encoding="utf-8", errors="replace").split("\n"), 1):
        if not line.strip():
            continue
        try:
            _operate(json.loads(line), studies, where)
        except (ValueError, KeyError, IndexError, TypeError) as error:
            unread.append(
                Unread(
                    line=n, because=f"it is no operation of a journal: {type(error).__name__}: {error}", text=line[:120]
                )
            )
    return _foreign(_one(studies, wanted, path), path.name, FORM_JOURNAL, unread)


def _operate(entry: Mapping[str, Any], studies: list[_Study], where: list[_Study]) -> None:
    """Apply one operation; trials are numbered through all studies, in the order in which they were made."""
    match entry["op_code"]:
        case 0:
            if all(study.name != entry["study_name"] for study in studies):
                studies.append(_Study(entry["study_name"], [_DIRECTIONS[way] for way in entry["directions"]]))
        case 4:
            study = studies[entry["study_id"]]
            values = entry.get("values") or ([entry["value"]] if entry.get("value") is not None else [])
            study.trials[len(where)] = {
                "number": len(study.trials), "state": _STATES[entry.get("state", 0)], "start": entry.get("datetime_start"),
                "end": entry.get("datetime_complete"),
                "params": {key: (inner, entry["distributions"][key]) for key, inner in (entry.get("params") or {}).items()},
                "values": dict(enumerate(values)), "attrs": entry.get("user_attrs") or {},
            }  # fmt: skip
            where.append(study)
        case 5:
            where[entry["trial_id"]].trials[entry["trial_id"]]["params"][entry["param_name"]] = (
                entry["param_value_internal"],
                entry["distribution"],
            )
        case 6:
            trial = where[entry["trial_id"]].trials[entry["trial_id"]]
            trial["state"] = _STATES[entry["state"]]
            trial["values"] = dict(enumerate(entry.get("values") or ()))
            trial["start"] = entry.get("datetime_start") or trial["start"]
            trial["end"] = entry.get("datetime_complete") or trial["end"]
        case 8:
            where[entry["trial_id"]].trials[entry["trial_id"]]["attrs"].update(entry["user_attr"])


# ── both ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _one(studies: Iterable[_Study], wanted: str, path: Path) -> _Study:
    known = {study.name: study for study in studies}
    if not known:
        raise Malformed(f"{path.name} must hold a study; got none")
    if wanted in known:
        return known[wanted]
    if len(known) > 1:
        raise Malformed(
            f"a study of {path.name} must be named where there are several; got {wanted or 'none'}",
            hint=f"--process, one of: {', '.join(known)}",
        )
    return next(iter(known.values()))


def _foreign(study: _Study, source: str, form: str, unread: Iterable[Unread] = ()) -> Foreign:
    metrics = ["value"] if len(study.directions) <= 1 else [f"value_{place}" for place in range(len(study.directions))]
    ways: list[Better | None] = [_way(direction) for direction in study.directions] or [None]
    rows, left = [], list(unread)
    for trial in study.trials.values():
        if trial["state"] in ("RUNNING", "WAITING"):
            left.append(
                Unread(
                    line=trial["number"],
                    because=f"trial {trial['number']} is {trial['state'].lower()}: it has no outcome yet",
                )
            )
            continue
        rows.append(_row(trial, metrics))
    others = tuple((one, way) for one, way in zip(metrics[1:], ways[1:], strict=True) if way is not None)
    return Foreign(
        form=form, source=source, rows=keyed(rows), unread=tuple(left), metric=metrics[0], better=ways[0], others=others,
        parameters=_parameters(study), process=study.name,
    )  # fmt: skip


def _way(direction: str) -> Better | None:
    return "lower" if direction == "MINIMIZE" else "higher" if direction == "MAXIMIZE" else None


def _row(trial: Mapping[str, Any], metrics: list[str]) -> Row:
    setting = {name(param): _outer(inner, distribution) for param, (inner, distribution) in trial["params"].items()}
    values = {
        metrics[place]: float(value)
        for place, value in trial["values"].items()
        if value is not None and math.isfinite(value)
    }
    state, fault, decision = trial["state"], None, "undecided"
    if state == "FAIL":
        fault = Fault(reason="crash", note=str(trial["attrs"].get("error", "")))
    elif state == "PRUNED":
        values, decision = {}, "rejected"
    elif len(values) < len(metrics):
        fault = Fault(reason="no reading", note="a value is not finite")
    start, end = moment(trial["start"] or ""), moment(trial["end"] or "")
    decisions: dict[str, Decision] = {"undecided": "undecided", "rejected": "rejected"}
    return Row(
        line=trial["number"], status=state.lower(), decision=decisions[decision], setting=Setting(setting),
        metrics=Numbers({} if fault else values), fault=fault,
        conditions=Texts({name(key): said if isinstance(said, str) else json.dumps(said) for key, said in trial["attrs"].items()}),
        seconds=end - start if start is not None and end is not None and end >= start else None, at=start,
    )  # fmt: skip


def _outer(inner: float, distribution: str) -> Value:
    """Return a parameter's value from how it is stored: a choice as its place among the choices."""
    kind, told = _told(distribution)
    if kind == "CategoricalDistribution":
        chosen = told["choices"][int(inner)]
        return chosen if isinstance(chosen, bool | int | float | str) else json.dumps(chosen)
    return int(inner) if kind.startswith("Int") else float(inner)


def _told(distribution: str) -> tuple[str, Mapping[str, Any]]:
    found = json.loads(distribution)
    return found["name"], found.get("attributes", {})


def _parameters(study: _Study) -> tuple[Parameter, ...]:
    """Return the parameters as they were declared, the widest where that changed; one that is absent at times waits for a choice."""
    declared: dict[str, list[str]] = {}
    for trial in study.trials.values():
        for param, (_, distribution) in trial["params"].items():
            if distribution not in declared.setdefault(param, []):
                declared[param].append(distribution)
    found = {param: _parameter(name(param), [_told(one) for one in ways]) for param, ways in declared.items()}
    known = {param: one for param, one in found.items() if one is not None}
    settings = [
        {param: _outer(*told) for param, told in trial["params"].items()}
        for trial in study.trials.values()
        if trial["params"]
    ]
    return tuple(_waiting(param, one, known, settings) for param, one in known.items())


def _parameter(called: str, ways: list[tuple[str, Mapping[str, Any]]]) -> Parameter | None:
    kind, told = ways[0]
    if kind == "CategoricalDistribution":
        choices = [one if isinstance(one, bool | int | float | str) else json.dumps(one) for one in told["choices"]]
        if len(choices) < 2:
            return None
        return Switch(name=called) if set(map(type, choices)) == {bool} else Choice(name=called, values=tuple(choices))
    low, high = min(way["low"] for _, way in ways), max(way["high"] for _, way in ways)
    if not low < high:
        return None
    log = all(way.get("log") or "Log" in one for one, way in ways)
    step = told.get("step") or told.get("q")
    if kind.startswith("Int"):
        return Whole(
            name=called, low=int(low), high=int(high), log=log, step=int(step or 1) if len(ways) == 1 and not log else 1
        )
    return Real(
        name=called, low=float(low), high=float(high), log=log, step=float(step) if step and len(ways) == 1 else None
    )


def _waiting(param: str, one: Parameter, known: Mapping[str, Parameter], settings: list[dict[str, Value]]) -> Parameter:
    import msgspec

    if all(param in setting for setting in settings):
        return one
    for other, chooser in known.items():
        if (
            other == param
            or not isinstance(chooser, Choice | Switch)
            or not all(other in setting for setting in settings)
        ):
            continue
        there = {setting[other] for setting in settings if param in setting}
        if not there & {setting[other] for setting in settings if param not in setting}:
            return msgspec.structs.replace(one, when=(When(chooser.name, tuple(sorted(there, key=repr))),))
    return one
