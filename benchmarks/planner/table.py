"""Tables of measured settings: a pool of rows, found by the nearest normalised distance."""

import csv
import gzip
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.planner.tasks import BadTask, SettingMap, Task
from kaizen.parameter import Choice, Parameter, Real, Switch, Whole, is_active
from kaizen.setting import Value

Floats = NDArray[np.float64]

_TOLERANCE = 1e-6  # how far outside its range a recorded value may be, as a share of the range
_TRUE = {"true": True, "1": True, "1.0": True, "yes": True, "false": False, "0": False, "0.0": False, "no": False}


class Space:
    """Settings as points: ranges as 0 to 1, choices by their number, an inactive parameter as NaN."""

    def __init__(self, task: Task) -> None:
        self.parameters = task.parameters
        self.named = np.array([isinstance(p, Choice | Switch) for p in task.parameters])

    def point(self, setting: Mapping[str, Value]) -> Floats:
        """Return the point of one setting, ``(d,)``."""
        return np.array([_place(p, setting[p.name]) if p.name in setting else np.nan for p in self.parameters])

    def squared(self, points: Floats, point: Floats) -> Floats:
        """Return squared distances of ``(n, d)`` points to one; another choice or activity counts 1."""
        gap = points - point
        gap[:, self.named] = gap[:, self.named] != 0
        one, both = np.isnan(points) ^ np.isnan(point), np.isnan(points) & np.isnan(point)
        gap[one] = 1.0
        gap[both] = 0.0
        return np.asarray(np.einsum("ij,ij->i", gap, gap))


def _place(parameter: Parameter, value: Value) -> float:
    match parameter:
        case Whole(levels=levels) if levels:
            return float(np.interp(float(value), levels, np.linspace(0.0, 1.0, len(levels))))
        case Real() | Whole():
            return float(parameter.place(value))
        case Choice(values=values):
            return float(values.index(value))
    return float(bool(value))


class Table:
    """The fault-free and the failed rows of a task, repeats of a setting together."""

    def __init__(self, task: Task, path: Path) -> None:
        header, rows = _rows(path)
        self.task, self.space = task, Space(task)
        columns = dict(zip(header, zip(*rows, strict=True), strict=True)) if rows else {}
        settings = _settings(task, columns, path)
        faults = list(columns.get("fault") or [""] * len(settings))
        repeats = {goal.name: _repeats(goal.column, columns, path) for goal in task.goals}
        kept = self._merged(settings, faults, repeats)
        if not any(not fault for fault in self.faults):
            raise BadTask(f"{path} must have rows that did not fail within the space of {task.name}; got none")
        if kept < len(settings):
            warnings.warn(f"{path.name}: {len(settings) - kept} rows outside the space are left out", stacklevel=2)
        self.points = np.array([self.space.point(setting) for setting in self.settings])
        self._place = {point.tobytes(): row for row, point in enumerate(self.points)}
        self.true = {
            goal.name: np.array([drawn.mean() if len(drawn) else np.nan for drawn in self.readings[goal.name]])
            for goal in task.goals
        }

    def _merged(self, settings: Sequence[SettingMap | None], faults: list[str], repeats: dict[str, Floats]) -> int:
        """Gather the rows of each setting; return how many lie in the space."""
        self.settings: list[SettingMap] = []
        self.faults: list[str] = []
        gathered: list[list[int]] = []
        index: dict[tuple[tuple[str, Value], ...], int] = {}
        kept = 0
        for row, setting in enumerate(settings):
            if setting is None or not self.task.allows(setting):
                continue
            kept += 1
            place = index.setdefault(tuple(setting.items()), len(self.settings))
            if place == len(self.settings):
                self.settings.append(setting)
                self.faults.append(faults[row])
                gathered.append([])
            if not faults[row]:
                self.faults[place] = ""
                gathered[place].append(row)
        self.readings = {name: [_known(values[rows]) for rows in gathered] for name, values in repeats.items()}
        for place, fault in enumerate(self.faults):
            if not fault and any(not len(found[place]) for found in self.readings.values()):
                self.faults[place] = "no reading"
        return kept

    def nearest(self, setting: Mapping[str, Value]) -> int:
        """Return the row nearest to ``setting``; the row itself where there is one."""
        point = self.space.point(setting)
        same = self._place.get(point.tobytes())
        return same if same is not None else int(np.argmin(self.space.squared(self.points, point)))

    def closest(self, partial: Mapping[str, Value]) -> NDArray[np.intp]:
        """Return the fault-free rows that come closest to a setting of some parameters."""
        distance = self.space.squared(self.points, self.space.point(partial))
        free = np.array([p.name not in partial for p in self.task.parameters])
        distance -= (~np.isnan(self.points[:, free])).sum(axis=1)  # a parameter that is not given costs nothing
        distance[[bool(fault) for fault in self.faults]] = np.inf
        return np.flatnonzero(distance <= distance.min() + 1e-9)

    @property
    def most_repeats(self) -> int:
        """The largest number of readings of one setting."""
        return max(len(found) for readings in self.readings.values() for found in readings)


def _rows(path: Path) -> tuple[list[str], list[list[str]]]:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8", newline="") as file:
            header, *rows = list(csv.reader(file))
    except (OSError, ValueError, EOFError) as error:
        raise BadTask(f"{path} must be a table in CSV; got {type(error).__name__}: {error}") from error
    width = len(header)
    if any(len(row) != width for row in rows if row):
        raise BadTask(f"{path} must have {width} columns in every row; it has not")
    return [name.strip() for name in header], [row for row in rows if row]


def _settings(task: Task, columns: Mapping[str, Sequence[str]], path: Path) -> list[SettingMap | None]:
    """Return each row's setting, ``None`` for one outside the space."""
    found: dict[str, list[Value | None]] = {}
    for parameter in task.parameters:
        column = task.columns[parameter.name]
        if column not in columns:
            raise BadTask(f"{path} must have a column {column}; it has {', '.join(columns) or 'no rows'}")
        known: dict[str, Value | None] = {text: _value(parameter, text) for text in set(columns[column])}
        found[parameter.name] = [known[text] for text in columns[column]]
    if not any(parameter.when for parameter in task.parameters):
        names = list(found)
        return [
            None if None in row else dict(zip(names, row, strict=True)) for row in zip(*found.values(), strict=True)
        ]
    rows = zip(*found.values(), strict=True)
    return [_active(task, dict(zip(found, row, strict=True))) for row in rows]


def _active(task: Task, row: Mapping[str, Value | None]) -> SettingMap | None:
    setting: SettingMap = {}
    for parameter in task.parameters:
        if is_active(parameter, setting):
            value = row[parameter.name]
            if value is None:
                return None
            setting[parameter.name] = value
    return setting


def _value(parameter: Parameter, text: str) -> Value | None:
    """Read a cell; ``None`` where it is empty or outside the parameter's range."""
    text = text.strip()
    match parameter:
        case Switch():
            return _TRUE.get(text.lower())
        case Choice(values=values):
            return next((value for value in values if _same(value, text)), None)
    number = _float(text)
    match parameter:
        case _ if number is None:
            return None
        case Real(low=low, high=high):
            slack = _TOLERANCE * (high - low)
            return min(high, max(low, number)) if low - slack <= number <= high + slack else None
        case Whole(low=low, high=high, levels=levels):
            whole = round(number)
            return whole if low <= whole <= high and (not levels or whole in levels) else None
    return None


def _same(value: Value, text: str) -> bool:
    if isinstance(value, bool):
        return _TRUE.get(text.lower()) is value
    return str(value) == text or (not isinstance(value, str) and _float(text) == value)


def _float(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _repeats(column: str, columns: Mapping[str, Sequence[str]], path: Path) -> Floats:
    """Return the readings of a metric, ``(n, repeats)``, NaN where there is none."""
    names = [column] if column in columns else []
    if not names:
        prefix = f"{column}."
        names = sorted(
            (name for name in columns if name.startswith(prefix) and name.removeprefix(prefix).isdigit()),
            key=lambda name: int(name.removeprefix(prefix)),
        )
    if not names:
        raise BadTask(f"{path} must have a column {column} or {column}.0, {column}.1, …; it has neither")
    return np.array([[_cell(text) for text in columns[name]] for name in names]).T


def _cell(text: str) -> float:
    number = _float(text)
    return np.nan if number is None else number


def _known(readings: Floats) -> Floats:
    """Return all readings in recorded order, without what is missing."""
    flat = readings.ravel()
    return flat[~np.isnan(flat)]
