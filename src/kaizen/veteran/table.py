"""Settings as columns of numbers, and three ways to find one among millions: the same, the same within a tolerance, near.

Distances are mixed, with no claim on the metric: a number counts by its place in its range (by ratios where declared, by
rank among levels), anything else is the same or not,

    d²(a, b) = Σ_numbers (place_a - place_b)² + Σ_others 1[a ≠ b],

so 0.1 is a tenth of one range, and another choice is as far as a whole range. A number that is inactive stands in the
middle of its range and differs by 3/4 from one that is active: never by more than another choice.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kaizen.parameter import Parameter, Real, Whole
from kaizen.setting import Value

Places = NDArray[np.float32]
Codes = NDArray[np.integer[Any]]
Keys = NDArray[np.uint64] | NDArray[np.uint32]
Rows = NDArray[np.int64]

CELL: Final = 0.01
"""What counts as the same within a tolerance: so many parts of a number's range."""
_MIDDLE = 0.5
_INACTIVE = 0.75  # d² between active and inactive, beside that of the place in the middle
_CHUNK = 256  # rows of which only the nearest is looked at first
_FAR = (-0.5, 1.5)  # a value that an amendment has left outside the range is no farther than that
_MASK = (1 << 64) - 1
_CELLS = np.uint32  # half of a cell's key: what is found by it is measured anyway
_KINDS = (np.uint8, np.uint16, np.uint32, np.int64)


class Coded(NamedTuple):
    """``n`` settings as columns."""

    places: Places
    """``(n, p)``: numbers, by their places."""
    codes: Codes
    """``(q, n)``: a code for every other value, 0 for inactive; a conditional number's last: whether it is active. As
    narrow as the codes allow."""


class Columns:
    """How settings of one process become columns; values that were never seen get the next code."""

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        """Look at the parameters, numbers first."""
        every = tuple(parameters)
        self.numbers = tuple(p for p in every if isinstance(p, Real | Whole))
        self.others = tuple(p for p in every if not isinstance(p, Real | Whole))
        self.conditional = tuple(p for p in self.numbers if p.when)
        self.known: tuple[dict[tuple[type, Value], int], ...] = tuple({} for _ in self.others)
        weights = [1.0] * len(self.others) + [_INACTIVE] * len(self.conditional)
        self.weights = np.array(weights, dtype=np.float32)

    def encode(self, settings: Sequence[Mapping[str, Value]]) -> Coded:
        """Return the columns of settings."""
        plain = [dict(one) for one in settings]
        places = np.full((len(plain), len(self.numbers)), _MIDDLE, dtype=np.float32)
        for column, parameter in enumerate(self.numbers):
            values = [one.get(parameter.name) for one in plain]
            there = np.array([value is not None for value in values], dtype=bool)
            if there.any():
                seen = np.array([value for value in values if value is not None], dtype=np.float64)
                places[there, column] = placed(parameter, seen)
        codes = np.zeros((len(self.weights), len(plain)), dtype=np.int32)
        for row, other in enumerate(self.others):
            codes[row] = [self.code(row, one[other.name]) if other.name in one else 0 for one in plain]
        for row, number in enumerate(self.conditional, len(self.others)):
            codes[row] = [number.name in one for one in plain]
        return Coded(places, codes)

    def code(self, other: int, value: Value) -> int:
        """Return the code of a value of the ``other``-th parameter that is no number; ``True`` is not ``1``."""
        known = self.known[other]
        return known.setdefault((type(value), value), len(known) + 1)


def placed(parameter: Real | Whole, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where values lie in a range, as ``parameter.place`` does; outside it, not far outside."""
    if isinstance(parameter, Whole) and parameter.levels:
        levels = np.array(parameter.levels, dtype=np.float64)
        found = np.interp(values, levels, np.linspace(0.0, 1.0, len(levels)))
    elif parameter.log:
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.log(values / parameter.low) / np.log(parameter.high / parameter.low)
    else:
        found = (values - parameter.low) / (parameter.high - parameter.low)
    return np.clip(np.nan_to_num(found, nan=_FAR[0], posinf=_FAR[1], neginf=_FAR[0]), *_FAR)


def valued(parameter: Real | Whole, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values at places: the inverse of ``placed`` within the range."""
    if isinstance(parameter, Whole) and parameter.levels:
        levels = np.array(parameter.levels, dtype=np.float64)
        return np.interp(places, np.linspace(0.0, 1.0, len(levels)), levels)
    if parameter.log:
        return np.asarray(parameter.low * (parameter.high / parameter.low) ** places)
    return np.asarray(parameter.low + places * (parameter.high - parameter.low))


class Table:
    """Settings of one process that grow by rows, and are looked up."""

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        """Begin empty."""
        self.columns = Columns(parameters)
        self.count = 0
        p, q = len(self.columns.numbers), len(self.columns.weights)
        self._places = np.zeros((0, p), dtype=np.float32)
        self._codes: Codes = np.zeros((q, 0), dtype=np.uint8)
        self._norms = np.zeros(0, dtype=np.float32)
        self._normed = 0  # rows whose |a|² is there: made when first wanted
        self._multipliers = np.array([scattered(n + 1) | 1 for n in range(p + q)], dtype=np.uint64)
        self._same = Lookup()
        self._cells = (Lookup(_CELLS), Lookup(_CELLS))

    @property
    def kept(self) -> Coded:
        """All rows and the room for more, not copied."""
        return Coded(self._places, self._codes)

    @property
    def coded(self) -> Coded:
        """All rows, not copied."""
        return Coded(self._places[: self.count], self._codes[:, : self.count])

    def add(self, coded: Coded, keys: Keys) -> None:
        """Add rows with the first 64 bits of their fingerprints."""
        start, self.count = self.count, self.count + len(coded.places)
        if self.count > len(self._places):
            room = max(1024, self.count + self.count // 4)
            self._places = grown(self._places, room)
            self._codes = wider(self._codes, room)
        self._codes = widened(self._codes, int(coded.codes.max(initial=0)))
        self._places[start : self.count] = coded.places
        self._codes[:, start : self.count] = coded.codes
        self._same.add(keys, start)
        for half, lookup in enumerate(self._cells):
            lookup.add(self._cell(coded, half), start)

    @property
    def lookups(self) -> "tuple[Lookup, ...]":
        """Every lookup: the same, and both grids of cells."""
        return (self._same, *self._cells)

    def restore(self, kept: Coded, lookups: "tuple[Lookup, ...]", count: int) -> None:
        """Take ``count`` rows, room for more, and lookups as they were packed."""
        self._places, self._codes, self.count = kept.places, kept.codes, count
        self._norms, self._normed = np.zeros(0, dtype=np.float32), 0
        self._same, self._cells = lookups[0], (lookups[1], lookups[2])

    def same(self, key: int) -> Rows:
        """Return the rows whose fingerprint begins with these 64 bits, in order."""
        return self._same.find(key)

    def alike(self, one: Coded, latest: int | None = None) -> Rows:
        """Return the (``latest`` so many) rows that are the same within a hundredth of every range, in order.

        Found are those that share a cell with it. There are two grids of cells, half a cell apart: with one number none is
        missed, with many those that lie across a border of both grids.
        """
        found = [grid.find(int(self._cell(one, half)[0])) for half, grid in enumerate(self._cells)]
        looked = 4 * latest if latest is not None else self.count
        while True:
            first = max((rows[-looked] for rows in found if len(rows) > looked), default=0)
            rows = np.union1d(*(rows[np.searchsorted(rows, first) :] for rows in found))
            near = np.all(np.abs(self._places[rows] - one.places[0]) <= CELL + 1e-6, axis=1)
            rows = np.asarray(rows[near & np.all(self._codes[:, rows] == one.codes[:, :1], axis=0)], dtype=np.int64)
            if latest is not None and (len(rows) >= latest or not first):
                return rows[-latest:]
            if not first:
                return rows
            looked *= 4

    def _cell(self, coded: Coded, half: int) -> Keys:
        steps = np.floor(coded.places / (2 * CELL) + half / 2).astype(np.int64).astype(np.uint64)
        every = np.concatenate([steps, coded.codes.T.astype(np.uint64)], axis=1)
        with np.errstate(over="ignore"):
            mixed = (every + np.uint64(1)) * self._multipliers
            keys = np.bitwise_xor.reduce(mixed ^ (mixed >> np.uint64(29)), axis=1)
        return np.asarray(keys >> np.uint64(32), dtype=_CELLS)

    def squares(self, one: Coded) -> Places:
        """Return ``(n,)``: the squared distances of all rows from one setting, to single precision."""
        if len(self._norms) < self.count:
            self._norms = grown(self._norms, len(self._places))
        fresh = self._places[self._normed : self.count]
        self._norms[self._normed : self.count] = norms_of(fresh)
        self._normed = self.count
        return squared(self.coded, self._norms[: self.count], one, self.columns.weights)

    def within(self, one: Coded, reach: float, start: int = 0) -> tuple[Rows, Places]:
        """Return the rows from ``start`` on within a reach, in order, and their squared distances to single precision.

        Within less than another choice all codes are the same: so only rows that have them are measured.
        """
        part = Coded(self._places[start : self.count], self._codes[:, start : self.count])
        weights = self.columns.weights
        if len(weights) and reach**2 < weights.min():
            alike = part.codes[0] == int(one.codes[0, 0])
            for row, code in zip(part.codes[1:], one.codes[1:, 0].tolist(), strict=True):
                alike &= row == code
            rows = np.flatnonzero(alike)
            if 2 * len(rows) <= len(alike):
                places = part.places[rows]
                found = squared(Coded(places, part.codes[:0, rows]), norms_of(places), one, weights[:0])
                near = np.flatnonzero(found <= reach**2)
                return start + rows[near], found[near]
        found = self.squares(one) if not start else squared(part, norms_of(part.places), one, weights)
        rows = np.flatnonzero(found <= reach**2)
        return start + rows, found[rows]

    def nearest(self, one: Coded, count: int) -> tuple[Rows, NDArray[np.float64]]:
        """Return the ``count`` nearest rows, nearest first, the older first among equals; and their distances."""
        rows = smallest(self.squares(one), count + 8)
        exact = np.sqrt(measured(self.coded, rows, one, self.columns.weights))
        order = np.lexsort((rows, exact))[:count]
        return rows[order], exact[order]


def squared(coded: Coded, norms: Places, one: Coded, weights: Places) -> Places:
    """Return squared distances by |a|² + |b|² - 2ab: quick, and exact to some 1e-6."""
    query = one.places[0]
    found = coded.places @ (-2.0 * query)
    found += norms
    found += query @ query
    np.maximum(found, 0.0, out=found)
    for row, code, weight in zip(coded.codes, one.codes[: len(weights), 0].tolist(), weights, strict=True):
        found += weight * (row != code)
    return np.asarray(found, dtype=np.float32)


def norms_of(places: Places) -> Places:
    """Return ``(n,)``: |a|² of every row."""
    return np.asarray(np.einsum("ij,ij->i", places, places))


def measured(coded: Coded, rows: Rows, one: Coded, weights: Places) -> NDArray[np.float64]:
    """Return the squared distances of some rows, without cancellation."""
    apart = coded.places[rows].astype(np.float64) - one.places[0]
    unlike = coded.codes[:, rows] != one.codes[:, :1]
    return np.asarray((apart**2).sum(axis=1) + weights.astype(np.float64) @ unlike)


def smallest(values: NDArray[Any], count: int) -> Rows:
    """Return where the ``count`` smallest values are, in no order.

    The chunks with the smallest minima hold them all: every one of them is at least the minimum of its chunk.
    """
    n = len(values)
    if n <= max(4 * _CHUNK, 2 * count):
        return np.argsort(values, kind="stable")[:count]
    whole = n // _CHUNK * _CHUNK
    minima = values[:whole].reshape(-1, _CHUNK).min(axis=1)
    wanted = min(count, len(minima))
    chunks = np.argpartition(minima, wanted - 1)[:wanted]
    rows = (chunks[:, None] * _CHUNK + np.arange(_CHUNK)).ravel()
    rows = np.concatenate([rows, np.arange(whole, n)])
    return rows[np.argsort(values[rows], kind="stable")[:count]]


class Lookup:
    """Rows by keys: one sorted run of them, and a dictionary for the latest."""

    def __init__(
        self,
        kind: type[np.unsignedinteger[Any]] = np.uint64,
        keys: Keys | None = None,
        rows: NDArray[np.int32] | None = None,
    ) -> None:
        """Begin empty with a kind of keys, or with what was gathered."""
        self._keys: Keys = np.zeros(0, dtype=kind) if keys is None else keys
        self._rows: NDArray[np.int32] = np.zeros(0, dtype=np.int32) if rows is None else rows
        self._late: dict[int, list[int]] = {}
        self._waiting: list[tuple[Keys, int]] = []
        self._recent = 0

    def add(self, keys: Keys, start: int) -> None:
        """Add the keys of rows from ``start`` on."""
        if len(keys) > 1024:
            self._waiting.append((keys, start))
            return
        for row, key in enumerate(keys.tolist(), start):
            self._late.setdefault(key, []).append(row)
        self._recent += len(keys)
        if self._recent > max(4096, len(self._keys) // 8):
            self._gather()

    def find(self, key: int) -> Rows:
        """Return the rows of a key, in order."""
        if self._waiting:
            self._gather()
        wanted = self._keys.dtype.type(key)  # else all keys were cast to find one
        low, high = np.searchsorted(self._keys, wanted), np.searchsorted(self._keys, wanted, side="right")
        late = np.array(self._late.get(key, ()), dtype=np.int64)
        return np.concatenate([self._rows[low:high], late])  # the late ones came later

    def gathered(self) -> tuple[Keys, NDArray[np.int32]]:
        """Return all keys in order, and their rows."""
        self._gather()
        return self._keys, self._rows

    def _gather(self) -> None:
        late = [(key, row) for key, rows in self._late.items() for row in rows]
        keys = [
            self._keys,
            np.array([key for key, _ in late], dtype=self._keys.dtype),
            *(keys for keys, _ in self._waiting),
        ]
        rows = [self._rows, np.array([row for _, row in late], dtype=np.int32)]
        rows += [np.arange(start, start + len(keys), dtype=np.int32) for keys, start in self._waiting]
        every, places = np.concatenate(keys), np.concatenate(rows)
        if late and self._waiting:  # by rows first, so that those of a key are in order
            order = np.argsort(places, kind="stable")
            every, places = every[order], places[order]
        order = np.argsort(every, kind="stable")
        self._keys, self._rows = every[order], places[order]
        self._late, self._waiting, self._recent = {}, [], 0


def grown(array: NDArray[Any], room: int) -> NDArray[Any]:
    """Return an array with room for more rows, those that are there copied."""
    larger = np.zeros((room, *array.shape[1:]), dtype=array.dtype)
    larger[: len(array)] = array
    return larger


def wider(array: NDArray[Any], room: int) -> NDArray[Any]:
    """Return an array with room for more columns, those that are there copied."""
    larger = np.zeros((len(array), room), dtype=array.dtype)
    larger[:, : array.shape[1]] = array
    return larger


def widened(array: NDArray[Any], highest: int) -> NDArray[Any]:
    """Return an array that holds numbers from 0 to ``highest``: itself, or a copy of the next kind that does."""
    if highest <= np.iinfo(array.dtype).max:
        return array
    return array.astype(next(kind for kind in _KINDS if highest <= np.iinfo(kind).max))


def key_of(fingerprint: str) -> int:
    """Return the first 64 bits of a fingerprint."""
    return int(fingerprint[:16], 16)


def scattered(number: int) -> int:
    """Return a scattered 64-bit number (splitmix64)."""
    z = (number * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)
