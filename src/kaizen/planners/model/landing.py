"""Where runs really land: grids and pools that a process does not declare, learned from what ran instead of what was asked.

An oven that only takes steps of five degrees, a table that only holds some settings: the proposal is moved to the
nearest one there is. ``asked → ran`` tells that nothing else lies as near to what was asked; so, for a number,

    no level of its own lies within |asked - ran| of asked                                           (eq. 1)

and once the gap between two levels is covered by such intervals, whatever is asked within it lands on one of the two.

Where levels hang together (a pool of rows), eq. 1 holds for balls around what was asked. Rows are taken as a Poisson
process, of intensity λ in what no ball has shown to be empty; with V(x) the volume left within the distance from x to the
nearest row that ran,

    λ ≈ (rows found + 1/2) / (volume of all balls + 1/2),   P(a run of x is new) = 1 - exp(-λ V(x))              (eq. 2)

Volumes are counted in places, scattered evenly over the space.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from kaizen.setting import Setting, Value
from kaizen.surrogate.space import Floats, Grid, Space

_COVERED = 0.8  # of a gap between two levels, for it to be closed
_MOVES = 2  # of a number, before levels are looked for
_CONTRADICTED = 0.1  # of moves: above it a number has no levels of its own
_SAME = 1e-9
_LEAST = 1e-9
_PLACES = 3000


def grids(space: Space, asked: Sequence[Setting], ran: Sequence[Setting]) -> dict[int, Grid]:
    """Return the levels and open gaps of the numbers that turn out to have levels of their own, by column."""
    wanted, got = space.encode(asked), space.encode(ran)
    both = space.active(wanted) & space.active(got)
    found = {}
    for column in np.flatnonzero(space.numeric):
        rows = both[:, column]
        values = [setting[space.names[column]] for setting, on in zip(ran, rows, strict=True) if on]
        grid = _grid(wanted[rows, column], got[rows, column], values)
        if grid is not None:
            found[int(column)] = grid
    return found


class Pool(NamedTuple):
    """A hidden pool of rows, as far as landings have shown it."""

    space: Space
    known: Floats
    """``(n, k)``: rows that ran, laid out as ``_laid`` does."""
    free: Floats
    """``(m, k)``: places that may still hold a row."""
    rows_a_place: float
    """λ of eq. 2: how many rows a free place stands for."""

    def log_new(self, rows: Floats) -> Floats:
        """Return ``(n,)``: ln of the chance that a run of each row lands on something that has not run (eq. 2)."""
        laid = _laid(self.space, rows)
        nearest = _squares(laid, self.known).min(axis=1)
        places = np.sum(_squares(laid, self.free) < nearest[:, None], axis=1)
        return np.asarray(np.log(np.maximum(-np.expm1(-self.rows_a_place * places), _LEAST)), dtype=np.float64)


def pool(space: Space, places: Floats, known: Floats, moves: tuple[Floats, Floats], straight: int) -> Pool | None:
    """Learn a pool from moves; ``None`` where nothing was moved.

    ``places`` are rows scattered over the space, ``known`` the distinct rows that ran, ``moves`` the rows that were asked
    and where they landed, ``straight`` how many runs landed where they were asked.
    """
    asked, landed = (_laid(space, rows) for rows in moves)
    reached = np.sum((asked - landed) ** 2, axis=1)
    if not len(reached) or reached.max() <= _SAME:
        return None
    scattered, ran = _laid(space, space.tidy(places)), _laid(space, known)
    swept = np.any(_squares(scattered, asked) < reached[None, :], axis=1)
    free = scattered[~swept & (_squares(scattered, ran).min(axis=1) > _SAME)]
    found = len(np.unique(np.round(landed, 9), axis=0)) + straight
    return Pool(space, ran, free, (found + 0.5) / (float(swept.sum()) + 0.5))


def places(space: Space) -> Floats:
    """Scatter places over what a space allows, the same every time."""
    rows = space.uniform(_PLACES, np.random.default_rng(_PLACES))
    return rows[space.allowed(rows)]


def _laid(space: Space, rows: Floats) -> Floats:
    """Lay rows out so that squared distances are those of ``distances``: a number as it is, a choice as one mark of √½."""
    numbers = rows[:, space.numeric]
    marks = [
        np.sqrt(0.5) * (rows[:, column, None] == np.arange(space.sizes[column]))
        for column in np.flatnonzero(~space.numeric)
    ]
    return np.hstack([numbers, *marks])


def _squares(one: Floats, other: Floats) -> Floats:
    """Return ``(n, m)``: squared distances."""
    lengths = np.sum(one * one, axis=1)[:, None] + np.sum(other * other, axis=1)[None, :]
    return np.asarray(np.maximum(lengths - 2.0 * one @ other.T, 0.0), dtype=np.float64)


def distances(space: Space, one: Floats, other: Floats) -> Floats:
    """Return normalised distances by row; another choice counts 1."""
    gap = np.where(space.numeric, one - other, (one != other).astype(float))
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", gap, gap)), dtype=np.float64)


def _grid(asked: Floats, ran: Floats, values: Sequence[Value]) -> Grid | None:
    """Learn one number's levels from eq. 1; ``None`` where it has none of its own."""
    away = np.abs(asked - ran)
    moved = away > _SAME
    if moved.sum() < _MOVES:
        return None
    asked, away = asked[moved], away[moved]
    levels, first = np.unique(np.round(ran, 9), return_index=True)
    nearest = np.min(np.abs(levels[None, :] - asked[:, None]), axis=1)
    if np.mean(nearest < away - 1e-6) > _CONTRADICTED:
        return None
    places = np.unique(np.concatenate([[0.0], levels, [1.0]]))
    gaps = [(low, high) for low, high in pairwise(places.tolist())
            if _uncovered(low, high, asked, away) > 1.0 - _COVERED]  # fmt: skip
    return Grid(levels, tuple(values[index] for index in first), np.array(gaps).reshape(-1, 2))


def _uncovered(low: float, high: float, asked: Floats, away: Floats) -> float:
    """Return the share of a gap that no interval of eq. 1 covers."""
    starts, ends = np.clip(asked - away, low, high), np.clip(asked + away, low, high)
    order = np.argsort(starts)
    covered, reached = 0.0, low
    for start, end in zip(starts[order], ends[order], strict=True):
        covered += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return 1.0 - covered / (high - low)
