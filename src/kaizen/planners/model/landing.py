"""Where runs really land: grids and pools that a process does not declare, learned from what ran instead of what was asked.

An oven that only takes steps of five degrees, a table that only holds some settings: the proposal is moved to the
nearest one there is. ``asked → ran`` tells that nothing else lies as near to what was asked; so, for a number,

    no level of its own lies within |asked - ran| of asked                                           (eq. 1)

and once the gap between two levels is covered by such intervals, whatever is asked within it lands on one of the two.
Where levels hang together (a pool of rows), eq. 1 contradicts itself, and only the distances of past moves are used:
the chance that a proposal lands on something new is the share of past moves shorter than its distance to what has run.
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
    """What has run, and how far runs land from what is asked."""

    space: Space
    known: Floats
    """``(n, d)``: distinct rows that ran."""
    asked: Floats
    """``(m, d)``: what was asked and moved."""
    away: Floats
    """``(m,)``: how far each was moved."""
    straight: int
    """How many runs landed where they were asked."""

    def log_new(self, rows: Floats) -> Floats:
        """Return ln of the chance that a run of each row lands on something that has not run.

        With N the distance to the nearest row that ran, R the radius around the row that past moves have shown to be
        empty (eq. 1), and F the distribution of moves: (F(N) - F(R)) / (1 - F(R)).                        (eq. 2)
        """
        if not len(self.away) or self.away.max() <= _SAME:
            return np.zeros(len(rows))
        nearest = np.min([distances(self.space, rows, one[None, :]) for one in self.known], axis=0)
        empty = np.max([away - distances(self.space, rows, one[None, :])
                        for one, away in zip(self.asked, self.away, strict=True)], axis=0)  # fmt: skip
        shorter, none = self._moved(nearest), self._moved(np.maximum(empty, 0.0))
        chance = np.where(nearest <= _SAME, 1.0, (shorter - none) / (1.0 - none))
        return np.log(np.maximum(chance, _LEAST))

    def _moved(self, radius: Floats) -> Floats:
        """Return F: a line between the moves, smoothed by one run that might land anywhere."""
        moves = np.concatenate([[0.0], np.sort(self.away)])
        shorter = np.interp(radius, moves, np.arange(len(moves)))
        more = 1.0 - np.exp(-radius / float(np.mean(moves[1:])))
        return np.asarray((self.straight * (radius > 0) + shorter + more) / (self.straight + len(moves)))


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
