"""Task files: what a planner is asked to improve, read and checked at the door.

A task names its parameters, metrics, constraints and guards, where its values come from (a table or a Python function),
the noise that the bench adds and the standard that every method runs first. Unknown keys warn and are left out.
"""

import json
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from kaizen.constraint import check_names, holds
from kaizen.errors import Mistake
from kaizen.metric import Guard
from kaizen.parameter import (
    Choice,
    Parameter,
    Real,
    Switch,
    When,
    Whole,
    check_conditions,
    check_parameter,
    is_active,
)
from kaizen.setting import Value

_KEYS = {
    "a task": "name parameters metrics constraints guards source noise standard budgets seeds about",
    "a parameter": "name kind low high log levels values unit when step",
    "a metric": "name better kind unit",
    "a guard": "metric min max",
    "a source": "table lookup repeats python convert optimum",
    "noise": "kind relative_sd sd",
}
_DRAWS = 20_000  # settings drawn by chance before a space is called empty

SettingMap = dict[str, Value]


class BadTask(Exception):
    """A task cannot be read; the message is one sentence for the person who named the file."""


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """A metric of a task and which way is better."""

    name: str
    better: Literal["lower", "higher"]
    kind: Literal["quality", "price"] = "quality"
    unit: str = ""
    column: str = ""
    """Its name in the table; ``name`` itself is made a plain word."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where the values come from: a table, a converter of a folder of data into a table, or a function."""

    table: str = ""
    lookup: Literal["exact", "nearest", "emulator"] = "exact"
    repeats: Literal["ordered", "random"] = "random"
    python: str = ""
    convert: str = ""
    """``converter:what``, made on the fly from ``--data`` or a package (see ``convert``)."""
    optimum: float | None = None
    """The best value of the first metric, where it is known and cannot be read from a table."""


class Noise(msgspec.Struct, frozen=True, kw_only=True):
    """Normal noise that the bench adds to every metric."""

    relative_sd: float = 0.0
    sd: float = 0.0


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One task as read."""

    name: str
    parameters: tuple[Parameter, ...]
    """Conditions before what waits for them."""
    columns: Mapping[str, str]
    """Each parameter's name in the table."""
    goals: tuple[Goal, ...]
    constraints: tuple[str, ...]
    guards: tuple[Guard, ...]
    source: Source
    noise: Noise | None
    standard: SettingMap | str
    budgets: tuple[int, ...]
    seeds: int
    path: Path

    def allows(self, setting: Mapping[str, Value]) -> bool:
        """Tell whether ``setting`` keeps every constraint."""
        return all(holds(text, setting) for text in self.constraints)

    def broken(self, values: Mapping[str, float]) -> tuple[Guard, ...]:
        """Return the guards that ``values`` break."""
        return tuple(guard for guard in self.guards if guard.broken_by(values[guard.metric]))


def read_task(path: Path) -> Task:
    """Read one task file.

    Raises:
        BadTask: it cannot be read or cannot be right.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadTask(f"{path} must be a task file in JSON; got {type(error).__name__}: {error}") from error
    try:
        return _task(raw, path)
    except KeyError as error:
        raise BadTask(f"{path} must give {error}; it does not") from error
    except (Mistake, TypeError, ValueError, AttributeError) as error:
        raise BadTask(f"{path} must be a task as described; got {error}") from error


def _task(raw: Mapping[str, Any], path: Path) -> Task:
    if not isinstance(raw, Mapping):
        raise BadTask(f"{path} must hold one JSON object; got {type(raw).__name__}")
    _warn_unknown("a task", raw, path)
    parameters = _ordered(check_conditions(_parameter(item, path) for item in raw["parameters"]))
    columns = {_word(item["name"]): item["name"] for item in raw["parameters"]}
    goals = tuple(_goal(item, path) for item in raw["metrics"])
    constraints = tuple(raw.get("constraints") or ())
    for text in constraints:
        check_names(text, frozenset(columns))
    standard = raw.get("standard") or "median"
    return Task(
        name=raw["name"],
        parameters=parameters,
        columns=columns,
        goals=goals,
        constraints=constraints,
        guards=tuple(_guard(item, goals, path) for item in raw.get("guards") or ()),
        source=_source(raw["source"], path),
        noise=_noise(raw.get("noise"), path),
        standard=_standard(standard, parameters, columns),
        budgets=tuple(raw.get("budgets") or (50,)),
        seeds=int(raw.get("seeds") or 10),
        path=path,
    )


def _warn_unknown(what: str, raw: Mapping[str, Any], path: Path) -> None:
    for key in raw.keys() - set(_KEYS[what].split()):
        warnings.warn(f"{path.name}: {key!r} is no key of {what}; it is left out", stacklevel=2)


def _word(name: str) -> str:
    """Return a name as a plain word: ``GFLOP/s`` as ``GFLOP_s``."""
    plain = re.sub(r"\W", "_", name)
    return plain if plain.isidentifier() else f"p_{plain}"


def _parameter(raw: Mapping[str, Any], path: Path) -> Parameter:
    _warn_unknown("a parameter", raw, path)
    name, unit = _word(raw["name"]), raw.get("unit") or ""
    when = tuple(When(_word(other), tuple(values)) for other, values in (raw.get("when") or {}).items())
    made: Parameter
    match raw["kind"]:
        case "real":
            low, high = float(raw["low"]), float(raw["high"])
            made = Real(name=name, low=low, high=high, log=bool(raw.get("log")), unit=unit, when=when)
        case "whole" if raw.get("levels"):
            levels = tuple(int(level) for level in raw["levels"])
            made = Whole(name=name, low=levels[0], high=levels[-1], levels=levels, unit=unit, when=when)
        case "whole":
            low, high = int(raw["low"]), int(raw["high"])
            made = Whole(name=name, low=low, high=high, log=bool(raw.get("log")), unit=unit, when=when)
        case "choice":
            made = Choice(name=name, values=tuple(raw["values"]), when=when)
        case "switch":
            made = Switch(name=name, when=when)
        case other:
            raise BadTask(f"{path}: {name}'s kind must be real, whole, choice or switch; got {other!r}")
    check_parameter(made)
    return made


def _ordered(parameters: Sequence[Parameter]) -> tuple[Parameter, ...]:
    """Put each parameter after those it waits for (``check_conditions`` has refused circles)."""
    done: dict[str, Parameter] = {}
    while len(done) < len(parameters):
        for parameter in parameters:
            if parameter.name not in done and all(when.parameter in done for when in parameter.when):
                done[parameter.name] = parameter
    return tuple(done.values())


def _goal(raw: Mapping[str, Any], path: Path) -> Goal:
    _warn_unknown("a metric", raw, path)
    if raw["better"] not in {"lower", "higher"}:
        raise BadTask(f"{path}: {raw['name']}'s better must be lower or higher; got {raw['better']!r}")
    return Goal(
        name=_word(raw["name"]),
        better=raw["better"],
        kind=raw.get("kind") or "quality",
        unit=raw.get("unit") or "",
        column=raw["name"],
    )


def _guard(raw: Mapping[str, Any], goals: Iterable[Goal], path: Path) -> Guard:
    _warn_unknown("a guard", raw, path)
    name = _word(raw["metric"])
    if name not in {goal.name for goal in goals}:
        raise BadTask(f"{path}: a guard must be on a declared metric; got {raw['metric']!r}")
    return Guard(metric=name, at_least=raw.get("min"), at_most=raw.get("max"))


def _source(raw: Mapping[str, Any], path: Path) -> Source:
    _warn_unknown("a source", raw, path)
    source = Source(**{key: raw[key] for key in raw.keys() & set(_KEYS["a source"].split())})
    if sum(map(bool, (source.table, source.python, source.convert))) != 1:
        raise BadTask(f"{path}: a source must name a table or a python function; got {dict(raw)}")
    if source.lookup not in {"exact", "nearest", "emulator"}:
        raise BadTask(f"{path}: lookup must be exact, nearest or emulator; got {source.lookup!r}")
    if source.repeats not in {"ordered", "random"}:
        raise BadTask(f"{path}: repeats must be ordered or random; got {source.repeats!r}")
    return source


def _noise(raw: Mapping[str, Any] | None, path: Path) -> Noise | None:
    if raw is None:
        return None
    _warn_unknown("noise", raw, path)
    if raw.get("kind", "normal") != "normal":
        raise BadTask(f"{path}: noise must be normal; got {raw['kind']!r}")
    return Noise(relative_sd=float(raw.get("relative_sd") or 0.0), sd=float(raw.get("sd") or 0.0))


def _standard(raw: Any, parameters: Sequence[Parameter], columns: Mapping[str, str]) -> SettingMap | str:
    """Return the word, or the (maybe partial) setting as kept."""
    if isinstance(raw, str):
        if raw not in {"median", "p75", "random"}:
            raise BadTask(f"standard must be a setting, median, p75 or random; got {raw!r}")
        return raw
    by_column = {column: name for name, column in columns.items()}
    known = {parameter.name: parameter for parameter in parameters}
    kept: SettingMap = {}
    for column, value in raw.items():
        if column not in by_column:
            raise BadTask(f"the standard must be of declared parameters; got {column!r}")
        kept[by_column[column]] = known[by_column[column]].check(value)
    return kept


def draw(parameter: Parameter, rng: np.random.Generator) -> Value:
    """Return a value of ``parameter`` by chance, each as likely (by ratios if ``log``)."""
    match parameter:
        case Real() | Whole(levels=()):
            return parameter.at(rng.random())
        case Whole(levels=levels):
            return levels[int(rng.integers(len(levels)))]
        case Choice(values=values):
            return values[int(rng.integers(len(values)))]
    return bool(rng.integers(2))


def draw_setting(task: Task, rng: np.random.Generator, given: Mapping[str, Value] | None = None) -> SettingMap:
    """Return a setting by chance that keeps the constraints; ``given`` values stay where they can.

    Raises:
        BadTask: none was found.
    """
    for turn in range(_DRAWS):
        fixed = given if given and turn < _DRAWS // 2 else {}
        setting: SettingMap = {}
        for parameter in task.parameters:
            if is_active(parameter, setting):
                name = parameter.name
                setting[name] = fixed[name] if name in fixed else draw(parameter, rng)
        if task.allows(setting):
            return setting
    raise BadTask(f"the constraints of {task.name} must leave room; {_DRAWS} settings by chance broke them")
