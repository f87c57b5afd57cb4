"""The search within a model: many settings drawn, the best mutated in shrinking steps, over any mix of parameters."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from kaizen.parameter import Real, Whole
from kaizen.setting import Setting
from kaizen.stride import reach as reach_of
from kaizen.surrogate.space import Bools, Floats, Space, changed

Score = Callable[[Floats], Floats]

_DRAWN = 1000
_CHILDREN = 120
_PARENTS = 12
_WIDTHS = tuple(np.geomspace(0.3, 0.004, 12).tolist())  # of the mutations, as shares of the range, round by round
_AFRESH = 0.15  # of mutated numbers are drawn anew
_BACK = 0.15  # of children have one change taken back
_DESIGN = (4, 8)  # settings tried before the model is asked: at least, at most
_FEW = 8  # draws that a spread-out setting is the farthest of: more of them end in the corners
_TRIES = 8  # refills where constraints or a limit on risk leave few
_SAME = 1e-9


class Within(Protocol):
    """Tells which rows may be risked."""

    def inside(self, rows: Floats) -> Bools:
        """Return ``(n,)``."""
        ...


class Box(NamedTuple):
    """The places to which one increment may move each number from the standard's (0 and 1 where it may go anywhere)."""

    low: Floats
    """``(d,)``."""
    high: Floats


class Reach(NamedTuple):
    """Where settings may lie: anywhere, or a few changes away from one, in a box around it, on safe ground."""

    space: Space
    origin: Floats
    """``(d,)``: today's standard."""
    most: int | None = None
    """The most changes; ``None`` for no limit."""
    box: Box | None = None
    """How far numbers may move; ``None`` for anywhere."""
    ground: Within | None = None
    """What keeps the chance of a break within the process's limit; ``None`` for no limit."""

    @property
    def ends(self) -> Box:
        """Where each number may lie."""
        return self.box or Box(np.zeros(self.space.d), np.ones(self.space.d))

    def within(self, rows: Floats, rng: np.random.Generator) -> Floats:
        """Take changes beyond the limit back, by chance, and numbers into the box."""
        if self.box is not None:
            rows = self.space.tidy(np.where(self._boxed(rows), np.clip(rows, self.box.low, self.box.high), rows))
        if self.most is None:
            return rows
        rank = np.where(changed(self.space, rows, self.origin), rng.random(rows.shape), 2.0)
        keep = np.argsort(np.argsort(rank, axis=1), axis=1) < self.most
        active = self.space.active(self.origin[None, :])[0]
        return self.space.tidy(np.where(keep | ~active, rows, self.origin))

    def allowed(self, rows: Floats) -> Bools:
        """Return ``(n,)``: which rows may be tried."""
        kept = self.space.allowed(rows)
        if self.most is not None:
            kept &= changed(self.space, rows, self.origin).sum(1) <= self.most
        if self.box is not None:
            outside = (rows < self.box.low - _SAME) | (rows > self.box.high + _SAME)
            kept &= ~(outside & self._boxed(rows)).any(axis=1)
        if self.ground is not None and kept.any():
            kept[kept] = self.ground.inside(rows[kept])
        return kept

    def _boxed(self, rows: Floats) -> Bools:
        """Return ``(n, d)``: which values are numbers, active there and in the standard."""
        both = self.space.active(rows) & self.space.active(self.origin[None, :])
        return np.asarray(both & self.space.numeric, dtype=np.bool_)


def around(space: Space, standard: Setting, most: int) -> Reach:
    """Return what one increment of a standard may reach: so many changes, none farther than its parameter's ``at_most``."""
    origin = space.encode([standard])[0]
    limited = [
        reach_of(p, standard[p.name]) if isinstance(p, Real | Whole) and p.name in standard else (0.0, 1.0)
        for p in space.parameters
    ]
    if all(ends == (0.0, 1.0) for ends in limited):
        return Reach(space, origin, most)
    low, high = np.array(limited).T
    return Reach(space, origin, most, Box(low, high))


def first_design(space: Space) -> int:
    """Return how many settings are tried before the model is asked: four, and one for every two parameters."""
    return min(_DESIGN[1], _DESIGN[0] + int(space.free.sum()) // 2)


def draw(reach: Reach, count: int, rng: np.random.Generator) -> Floats:
    """Draw allowed rows: from the whole space, or by a few changes of the origin; maybe fewer than asked for."""
    space = reach.space
    found = np.zeros((0, space.d))
    low, high = reach.ends
    for _ in range(_TRIES):
        rows = space.uniform(count, rng)
        rows = np.where(space.numeric, low + (high - low) * rows, rows)
        most = int(space.free.sum()) if reach.most is None else reach.most
        if reach.most is not None:
            often = rng.integers(1, max(1, most) + 1, size=count)  # ~ U{1 … most} changes
            order = np.argsort(np.argsort(rng.random(rows.shape), axis=1), axis=1)
            rows = np.where(order < often[:, None], rows, reach.origin)
        rows = reach.within(space.tidy(np.where(space.free, rows, reach.origin)), rng)
        found = np.vstack([found, rows[reach.allowed(rows)]])
        if len(found) >= count or (len(found) and not space.process.constraints and reach.ground is None):
            break
    return found[:count]


def mutate(reach: Reach, parents: Floats, width: float, rng: np.random.Generator) -> Floats:
    """Change one parameter or a few of each parent: numbers by steps, choices by a throw."""
    space = reach.space
    shape = parents.shape
    free = space.free & ((space.sizes != 1) | space.numeric)
    chosen = (rng.random(shape) < 1.0 / max(1, int(free.sum()))) & free
    if free.any():
        chosen[np.arange(len(parents)), rng.choice(np.flatnonzero(free), size=len(parents))] = True
    low, high = reach.ends
    stepped = parents + width * (high - low) * rng.standard_normal(shape)  # ~ N(x, width²), in parts of the box
    stepped = np.where((stepped < 0.0) | (stepped > 1.0), np.clip(stepped, 0.0, 1.0), stepped)
    afresh = rng.random(shape) < _AFRESH
    numbers = np.where(afresh, low + (high - low) * rng.random(shape), stepped)
    thrown = np.floor(rng.random(shape) * np.maximum(space.sizes, 1))
    rows = np.where(chosen, np.where(space.numeric, numbers, thrown), parents)
    rows = _a_level_at_least(space, parents, rows, rng)
    back = (rng.random(len(rows)) < _BACK)[:, None] & (rng.random(shape) < 2.0 / space.d)
    return reach.within(space.tidy(np.where(back, reach.origin, rows)), rng)


def _a_level_at_least(space: Space, parents: Floats, rows: Floats, rng: np.random.Generator) -> Floats:
    """Where a step would round to nothing, take one level up or down."""
    for column, places in enumerate(space.levels):
        if places is None or len(places) < 2:
            continue
        moved = rows[:, column] != parents[:, column]
        before = np.clip(np.searchsorted(places, parents[:, column] - 1e-12), 0, len(places) - 1)
        gap = np.abs(rows[:, column] - places[before])
        nearest = np.min(np.abs(places[None, :] - rows[:, column, None]), axis=1) if len(places) <= 64 else gap
        stuck = moved & (gap <= nearest + 1e-12)
        sideways = np.clip(before + rng.choice((-1, 1), size=len(rows)), 0, len(places) - 1)
        rows[:, column] = np.where(stuck, places[sideways], rows[:, column])
    return rows


def search(reach: Reach, score: Score, seeds: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return rows and their scores, best first; ``seeds`` are rows worth starting from."""
    rows = draw(reach, _DRAWN, rng)
    if len(seeds):
        near = mutate(reach, np.repeat(seeds, 25, axis=0), 0.1, rng)
        rows = np.vstack([rows, near[reach.allowed(near)], seeds[reach.allowed(seeds)]])
    rows = np.unique(rows, axis=0)
    scores = score(rows)
    for width in _WIDTHS:
        best = np.argsort(-scores, kind="stable")[:_PARENTS]
        if not len(best):
            break
        children = _offspring(reach, rows[best], width, rng)
        children = children[reach.allowed(children)]
        if not len(children):
            continue
        elite = np.argsort(-scores, kind="stable")[:200]
        rows, scores = np.vstack([rows[elite], children]), np.concatenate([scores[elite], score(children)])
    rows, index = np.unique(rows, axis=0, return_index=True)
    order = np.argsort(-scores[index], kind="stable")
    return rows[order], scores[index][order]


def _offspring(reach: Reach, parents: Floats, width: float, rng: np.random.Generator) -> Floats:
    """Mutate the parents, the better ones more often; a third of them crossed first."""
    ranks = np.floor(len(parents) * rng.random(_CHILDREN) ** 2).astype(int)
    chosen, others = parents[ranks], parents[rng.integers(0, len(parents), size=_CHILDREN)]
    cross = (rng.random(_CHILDREN) < 0.33)[:, None] & (rng.random(chosen.shape) < 0.5)
    return mutate(reach, reach.space.tidy(np.where(cross, others, chosen)), width, rng)


def spread_out(reach: Reach, known: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Return ``count`` rows far from what is known and from one another (greedy maximin over a draw)."""
    rows = draw(reach, _FEW, rng)
    space = reach.space
    chosen: list[int] = []
    if not len(rows):
        return rows
    points, seen = _flat(space, rows), _flat(space, known)
    far = np.full(len(rows), np.inf)
    for point in seen:
        far = np.minimum(far, np.abs(points - point).sum(1))
    while len(chosen) < min(count, len(rows)):
        best = int(np.argmax(far))
        chosen.append(best)
        far = np.minimum(far, np.abs(points - points[best]).sum(1))
        far[best] = -1.0
    return rows[chosen]


def _flat(space: Space, rows: Floats) -> Floats:
    points = space.points(rows)
    return np.hstack([points.numbers, 0.5 * points.marks])


def step_back(reach: Reach, row: Floats, score: Score, tolerance: float) -> Floats:
    """Take changes back, one at a time, while expected gain stays above 1 - ``tolerance`` of what it was.

    The simplest proposal of nearly the same worth, so that people can carry it out (Daulton et al. 2026, BONSAI).
    """
    space = reach.space
    floor = float(score(row[None, :])[0]) + float(np.log1p(-tolerance))
    while True:
        moved = np.flatnonzero(changed(space, row[None, :], reach.origin)[0] & space.free)
        if len(moved) < 2:
            return row
        simpler = np.repeat(row[None, :], len(moved), axis=0)
        simpler[np.arange(len(moved)), moved] = reach.origin[moved]
        simpler = space.tidy(simpler)
        scores = np.where(reach.allowed(simpler), score(simpler), -np.inf)
        best = int(np.argmax(scores))
        if scores[best] < floor:
            return row
        row = simpler[best]
