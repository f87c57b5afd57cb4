"""Settings as arrays: places of numbers, codes of choices, and which parameters are active.

A row holds one number per parameter: the place in [0, 1] of a number, the index of a choice's value. What is
inactive keeps a stand-in and is marked in the activity mask. Kernels see *points*: a number's place (on an arc,
if the parameter is conditional) and one mark per value of a choice.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kaizen.constraint import holds, parse
from kaizen.errors import Mistake
from kaizen.parameter import Choice, Parameter, Real, Revision, Switch, Whole
from kaizen.process import Process
from kaizen.setting import Setting, Value

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_MOST_LEVELS = 4096  # a finer grid is searched as a line, and snapped when it is decoded
_RADIUS = 0.75  # of a conditional number's arc: inactive lies this far from every active value
_SAME = 1e-9


class Points(NamedTuple):
    """What kernels see of ``n`` settings."""

    numbers: Floats
    """``(n, p)``: places; two columns (an arc) for a conditional number, both 0 while it is inactive."""
    marks: Floats
    """``(n, q)``: one-hot values of choices; one more mark stands for inactive."""

    def at(self, rows: slice | NDArray[np.int64]) -> "Points":
        """Return some of the points."""
        return Points(self.numbers[rows], self.marks[rows])

    def __add__(self, other: object) -> "Points":
        """Return both, one after the other."""
        if not isinstance(other, Points):
            return NotImplemented
        return Points(np.vstack([self.numbers, other.numbers]), np.vstack([self.marks, other.marks]))


class Shape(NamedTuple):
    """Which lengthscale each column of the points belongs to."""

    numbers: tuple[int, ...]
    marks: tuple[int, ...]
    """Counted from 0 again."""

    @property
    def sizes(self) -> tuple[int, int]:
        """How many lengthscales numbers and choices have."""
        return len(set(self.numbers)), len(set(self.marks))


class Grid(NamedTuple):
    """Levels of a number that the process does not declare, as places, and the gaps where more may lie."""

    levels: Floats
    """Sorted places."""
    values: tuple[Value, ...]
    """Of the levels, exactly."""
    opened: Floats
    """``(k, 2)``: gaps between two levels, or beyond them, that stay a line."""


class Space:
    """The space of one process's settings (pure; keep one per process)."""

    def __init__(
        self, process: Process, standard: Setting | None = None, *, grids: Mapping[int, Grid] = MappingProxyType({})
    ) -> None:
        """Look at a process; code is never planned, and stays as in ``standard``. ``grids`` are learned, by column."""
        self.grids = grids
        self.process = process
        kept = process.standard if standard is None else standard
        self.parameters: tuple[Parameter, ...] = _in_order(process.parameters)
        self.names = tuple(p.name for p in self.parameters)
        self.numeric = np.array([isinstance(p, Real | Whole) for p in self.parameters])
        self.free = np.array([not isinstance(p, Revision) for p in self.parameters])
        self.levels: tuple[Floats | None, ...] = tuple(_levels(p) for p in self.parameters)
        self._values = tuple(_values(p) for p in self.parameters)
        self._own = {
            column: (p.place(kept[p.name]), kept[p.name])
            for column, p in enumerate(self.parameters)
            if isinstance(p, Real) and p.name in kept
        }
        self._kept = {p.name: str(kept.get(p.name, "")) for p in self.parameters if isinstance(p, Revision)}

    @property
    def d(self) -> int:
        """How many parameters there are."""
        return len(self.parameters)

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """``(d,)``: how many values each choice has; 0 for numbers."""
        return np.array([0 if values is None else len(values) for values in self._values], dtype=np.int64)

    def encode(self, settings: Sequence[Mapping[str, Value]]) -> Floats:
        """Return ``(n, d)`` rows; inactive numbers stand at 0.5, inactive choices at their first value."""
        rows = np.zeros((len(settings), self.d))
        for column, parameter in enumerate(self.parameters):
            name = parameter.name
            for row, setting in enumerate(settings):
                if name in setting:
                    rows[row, column] = self._code(column, setting[name])
                elif self.numeric[column]:
                    rows[row, column] = 0.5
        return rows

    def _code(self, column: int, value: Value) -> float:
        parameter, values = self.parameters[column], self._values[column]
        if isinstance(parameter, Real | Whole):
            return parameter.place(value)
        if isinstance(parameter, Revision):
            return float(value != self._kept[parameter.name])
        assert values is not None
        return float(next(i for i, known in enumerate(values) if known == value and type(known) is type(value)))

    def active(self, rows: Floats) -> Bools:
        """Return ``(n, d)``: which parameters are active."""
        mask = np.ones(rows.shape, dtype=bool)
        for column, parameter in enumerate(self.parameters):
            for when in parameter.when:
                other = self.names.index(when.parameter)
                codes = [self._code(other, value) for value in when.values]
                met = np.min([np.abs(rows[:, other] - code) for code in codes], axis=0) < _SAME
                mask[:, column] &= mask[:, other] & met
        return mask

    def tidy(self, rows: Floats) -> Floats:
        """Put numbers on their grids and what is inactive on its stand-in; return a new array."""
        tidied = rows.copy()
        for column, places in enumerate(self.levels):
            if self.numeric[column]:
                tidied[:, column] = np.clip(tidied[:, column], 0.0, 1.0)
            if places is not None:
                tidied[:, column] = places[_nearest(places, tidied[:, column])]
            if column in self.grids:
                tidied[:, column] = _landed(self.grids[column], tidied[:, column])
        if any(parameter.when for parameter in self.parameters):
            stand_in = np.where(self.numeric, 0.5, 0.0)
            tidied = np.where(self.active(tidied), tidied, stand_in)
        return tidied

    def points(self, rows: Floats) -> Points:
        """Return what kernels see."""
        mask = self.active(rows)
        numbers: list[Floats] = []
        marks: list[Floats] = []
        for column, parameter in enumerate(self.parameters):
            at, on = rows[:, column], mask[:, column]
            if self.numeric[column]:
                numbers.extend(_arc(at, on) if parameter.when else [at])
                continue
            marks.extend(((at == code) & on).astype(float) for code in range(self.sizes[column]))
            if parameter.when:
                marks.append((~on).astype(float))
        empty = np.zeros((len(rows), 0))
        return Points(np.column_stack(numbers) if numbers else empty, np.column_stack(marks) if marks else empty)

    @cached_property
    def shape(self) -> Shape:
        """Which lengthscale each column of ``points`` belongs to."""
        numbers: list[int] = []
        marks: list[int] = []
        for column, parameter in enumerate(self.parameters):
            if self.numeric[column]:
                numbers += [max(numbers, default=-1) + 1] * (2 if parameter.when else 1)
            else:
                marks += [max(marks, default=-1) + 1] * (int(self.sizes[column]) + bool(parameter.when))
        return Shape(tuple(numbers), tuple(marks))

    def values(self, row: Floats) -> dict[str, Value]:
        """Return the values of all active parameters of one row."""
        mask = self.active(row[None, :])[0]
        return {self.names[c]: self._value(c, row[c]) for c in range(self.d) if mask[c]}

    def _value(self, column: int, code: float) -> Value:
        parameter, values = self.parameters[column], self._values[column]
        if column in self._own and abs(self._own[column][0] - code) < _SAME:
            return self._own[column][1]  # the standard's own, however fine: what is not changed stays as it is
        if column in self.grids:
            level = int(np.argmin(np.abs(self.grids[column].levels - code)))
            if abs(self.grids[column].levels[level] - code) < _SAME:
                return self.grids[column].values[level]
        if isinstance(parameter, Real | Whole):
            return parameter.at(float(code))
        if isinstance(parameter, Revision):
            return self._kept[parameter.name]
        assert values is not None
        return values[int(code)]

    def decode(self, row: Floats) -> Setting | None:
        """Return the setting of a row, or ``None`` where the process does not allow it."""
        try:
            return self.process.setting(self.values(row))
        except Mistake:
            return None

    def allowed(self, rows: Floats) -> Bools:
        """Return ``(n,)``: which rows keep the constraints."""
        kept = np.ones(len(rows), dtype=bool)
        for text in self.process.constraints:
            columns = [self.names.index(name) for name in parse(text)[1]]
            mask = self.active(rows)[:, columns]
            seen = np.where(mask, rows[:, columns], -1.0)
            _, first, same = np.unique(seen, axis=0, return_index=True, return_inverse=True)
            known = np.array([self._keeps(text, columns, rows[at], mask[at]) for at in first], dtype=bool)
            kept &= known[same.reshape(-1)]
        return kept

    def _keeps(self, text: str, columns: Sequence[int], row: Floats, mask: Bools) -> bool:
        values = {self.names[c]: self._value(c, row[c]) for c, on in zip(columns, mask, strict=True) if on}
        try:
            return holds(text, values)
        except Mistake:  # cannot be computed for these values
            return False

    def uniform(self, count: int, rng: np.random.Generator) -> Floats:
        """Draw rows from the whole space, constraints not asked."""
        rows = rng.random((count, self.d))  # ~ U[0, 1] or U{values}
        return self.tidy(np.where(self.numeric, rows, np.floor(rows * np.maximum(self.sizes, 1))))


def changed(space: Space, rows: Floats, origin: Floats) -> Bools:
    """Return ``(n, d)``: which parameters are active in both and have another value than in ``origin``."""
    both = space.active(rows) & space.active(origin[None, :])
    return both & (np.abs(rows - origin) > _SAME)


def _arc(at: Floats, on: Bools) -> list[Floats]:
    """Lay [0, 1] on an arc around the place of *inactive*, which is thus equally far from all of it."""
    angle = (at - 0.5) / _RADIUS
    return [np.where(on, _RADIUS * np.sin(angle), 0.0), np.where(on, _RADIUS * np.cos(angle), 0.0)]


def _levels(parameter: Parameter) -> Floats | None:
    """Return the sorted places of a number on a grid, or ``None`` for a line."""
    match parameter:
        case Real(low=low, high=high, step=float() as step):
            count = int((high - low) / step + _SAME) + 1
            return (
                None
                if count > _MOST_LEVELS
                else np.array([parameter.place(min(high, low + i * step)) for i in range(count)])
            )
        case Whole(levels=levels) if levels:
            return np.linspace(0.0, 1.0, len(levels))
        case Whole(low=low, high=high, step=step) if (high - low) // step < _MOST_LEVELS:
            return np.array([parameter.place(value) for value in range(low, high + 1, step)])
    return None


def _values(parameter: Parameter) -> tuple[Value, ...] | None:
    match parameter:
        case Choice(values=values):
            return values
        case Switch():
            return (False, True)
        case Revision():
            return ("", "another")
    return None


def _landed(grid: Grid, at: Floats) -> Floats:
    """Put what lies in no open gap on the nearest level."""
    free = np.zeros(len(at), dtype=bool)
    for low, high in grid.opened:
        free |= (at > low) & (at < high)
    return np.where(free, at, grid.levels[_nearest(grid.levels, at)])


def _nearest(places: Floats, at: Floats) -> NDArray[np.int64]:
    right = np.clip(np.searchsorted(places, at), 1, len(places) - 1) if len(places) > 1 else np.zeros(len(at), int)
    if len(places) == 1:
        return right
    return np.where(at - places[right - 1] <= places[right] - at, right - 1, right)


def _in_order(parameters: Sequence[Parameter]) -> tuple[Parameter, ...]:
    """Sort parameters so that each comes after those it waits for."""
    done: dict[str, Parameter] = {}
    while len(done) < len(parameters):
        for parameter in parameters:
            if parameter.name not in done and all(when.parameter in done for when in parameter.when):
                done[parameter.name] = parameter
    return tuple(done.values())
