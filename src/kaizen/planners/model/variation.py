"""Whose doing a metric's variation is: the model's variance over a box, divided among the parameters.

Over the box B of what was run, each parameter x_i uniform in it and independent of the others, f a draw of the posterior:

    share_i = E[ Var(f | all but x_i) ] / Var(f)                                                          (eq. 1)
    alone_i = Var( E[f | x_i] ) / Var(f)  ≤  share_i                                                      (eq. 2)

Eq. 1 is Sobol's total effect, eq. 2 his first-order effect. The interval of eq. 1 is that of posterior draws, made
jointly on one design; eq. 2 is that of the posterior mean. A conditional parameter's are taken over where it is active.

References:
    Saltelli et al. (2010), Variance based sensitivity analysis of model output. Roberts (2018), The unreasonable
    effectiveness of quasirandom sequences (the design's points).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kaizen.surrogate.gp import LEVEL, Posterior, covariance, factor
from kaizen.surrogate.space import Bools, Floats, Space

_JOINT = 1400  # rows of the design that is drawn jointly, at most
_CHEAP = 3_000_000  # rows of the design of the mean, times rows of data, about
_FEW, _MANY = 12, 300  # rows a design starts from
_VALUES = 4  # of each parameter at each of them
_DRAWS = 256
_SIDES = (0.05, 0.5, 0.95)
_GRID = 8  # values of eq. 2
_STARTS = 48  # rows of eq. 2
_PAIR_GRID, _PAIR_STARTS = 6, 24
_ENOUGH = 4  # starts below which nothing is said
_SPREAD = 1e-9

Mean = Callable[[Floats], Floats]
"""Posterior means of rows."""


class Box(NamedTuple):
    """What was run, parameter by parameter."""

    space: Space
    low: Floats
    """``(d,)``: least place of a number."""
    high: Floats
    codes: tuple[Floats, ...]
    """Codes of each choice's values that were run; empty for numbers."""

    @property
    def varied(self) -> list[int]:
        """The columns that runs have moved."""
        return [column for column in range(self.space.d) if self.moved(column)]

    def moved(self, column: int) -> bool:
        """Tell whether runs have moved a parameter."""
        if not self.space.free[column]:
            return False
        if self.space.numeric[column]:
            return bool(self.high[column] - self.low[column] > _SPREAD)
        return len(self.codes[column]) > 1

    def at(self, column: int, u: Floats) -> Floats:
        """Return codes or places of one parameter for ``u`` in [0, 1)."""
        if self.space.numeric[column]:
            return np.asarray(self.low[column] + u * (self.high[column] - self.low[column]))
        codes = self.codes[column]
        return np.asarray(codes[np.minimum((u * len(codes)).astype(int), len(codes) - 1)], dtype=np.float64)


def box(space: Space, rows: Floats) -> Box:
    """Return the box around rows, each parameter's over the rows in which it is active."""
    active = space.active(rows)
    low, high, codes = np.full(space.d, 0.5), np.full(space.d, 0.5), []
    for column in range(space.d):
        at = rows[active[:, column], column]
        codes.append(np.zeros(1) if not len(at) else np.unique(at) if not space.numeric[column] else np.zeros(0))
        if space.numeric[column] and len(at):
            low[column], high[column] = at.min(), at.max()
    return Box(space, low, high, tuple(codes))


class Part(NamedTuple):
    """One parameter's share of the variation, with its interval, and how much of it is its alone."""

    column: int
    low: float
    share: float
    high: float
    alone: float


class _Design(NamedTuple):
    """Rows of the design: starts, and from each the same with one parameter moved."""

    rows: Floats
    allowed: Bools
    places: dict[int, NDArray[np.int64]]
    """By column ``(n, 4)``: where the four rows are that differ in this column alone."""


def parts(around: Box, posterior: Posterior, mean: Mean, rng: np.random.Generator) -> list[Part]:
    """Divide the variation among the parameters that were moved, the largest share first."""
    drawn, wide = _design(around, _JOINT), _design(around, max(_JOINT, _CHEAP // len(posterior)))
    if drawn is None or wide is None:
        return []
    draws = _split(around, drawn, _draws(posterior, around.space, drawn.rows, rng))
    few, many = _split(around, drawn, mean(drawn.rows)[None, :]), _split(around, wide, mean(wide.rows)[None, :])
    found = []
    for column in draws.keys() & few.keys() & many.keys():
        # what a small design gets wrong for the mean, it gets wrong for the draws about alike
        off = np.clip(many[column][0] / max(float(few[column][0]), _SPREAD), 0.5, 2.0)
        low, share, high = np.quantile(np.minimum(draws[column] * off, 1.0), _SIDES)
        alone = share * _alone(around, column, mean)
        found.append(Part(column, float(low), float(share), float(high), float(alone)))
    return sorted(found, key=lambda part: (-part.share, part.column))


def _split(around: Box, design: _Design, values: Floats) -> dict[int, Floats]:
    """Return eq. 1 by column, ``(k,)`` each, of ``(k, m)`` values on a design; columns with too few starts left out."""
    active, found = around.space.active(design.rows), {}
    for column, places in design.places.items():
        ready = (design.allowed[places] & active[places, column]).all(axis=1)
        total = values[:, design.allowed & active[:, column]].var(axis=1)
        if ready.sum() >= _ENOUGH and np.all(total > _SPREAD**2):
            found[column] = values[:, places[ready]].var(axis=2).mean(axis=1) * _whole(around, column) / total
    return found


def _whole(around: Box, column: int) -> float:
    """Return what makes the variance of four evenly spaced numbers that of a uniform one (exact for a line)."""
    return _VALUES**2 / (_VALUES**2 - 1.0) if around.space.numeric[column] else 1.0


def _design(around: Box, most: int) -> _Design | None:
    """Return a design of about ``most`` rows, or nothing where the constraints leave too little."""
    varied = around.varied
    count = int(np.clip(most // (1 + (_VALUES - 1) * max(1, len(varied))), _FEW, _MANY))
    u = _starts(around, count)
    if len(u) < _ENOUGH or not varied:
        return None
    raw, places = [_placed(around, u)], {}
    end = len(u)
    for column in varied:
        turned = [np.arange(len(u))]
        for k in range(1, _VALUES):
            moved = u.copy()
            moved[:, column] = (u[:, column] + k / _VALUES) % 1.0
            raw.append(_placed(around, moved))
            turned.append(np.arange(end, end + len(u)))
            end += len(u)
        places[column] = np.column_stack(turned)
    rows = around.space.tidy(np.vstack(raw))
    return _Design(rows, around.space.allowed(rows), places)


def _starts(around: Box, count: int) -> Floats:
    """Return up to ``count`` evenly scattered ``u`` whose rows the constraints allow."""
    u = np.zeros((0, around.space.d))
    for tries in (1, 3, 12):
        u = _scattered(tries * count, around.space.d)
        u = u[around.space.allowed(around.space.tidy(_placed(around, u)))]
        if len(u) >= count:
            break
    return u[:count]


def _scattered(count: int, d: int) -> Floats:
    """Return ``(count, d)`` points that fill the unit cube evenly (Roberts 2018: n α mod 1, α_j = φ_d^-j)."""
    phi = 2.0
    for _ in range(40):
        phi = (1.0 + phi) ** (1.0 / (d + 1))
    steps = phi ** -np.arange(1.0, d + 1)
    return np.asarray((0.5 + np.arange(1, count + 1)[:, None] * steps) % 1.0)


def _placed(around: Box, u: Floats) -> Floats:
    return np.column_stack([around.at(column, u[:, column]) for column in range(around.space.d)])


def _draws(posterior: Posterior, space: Space, rows: Floats, rng: np.random.Generator) -> Floats:
    """Return ``(draws, m)``: functions that may be f, on rows."""
    mean, cov = posterior.joint(space.points(rows))
    cov[np.diag_indices(len(mean))] += 1e-8 * (posterior.kernel.signal + LEVEL)
    return np.asarray(mean + rng.standard_normal((_DRAWS, len(mean))) @ factor(cov).T)  # ~ N(mean, cov)


def _alone(around: Box, column: int, mean: Mean) -> float:
    """Return eq. 2 over eq. 1 for the posterior mean, by one table of starts by values."""
    table = _table(around, mean, (column,), (_STARTS, _GRID))
    within = float(table.var(axis=1).mean()) if len(table) else 0.0
    return float(table.mean(axis=0).var()) / within if within > _SPREAD**2 else 1.0


def together(around: Box, columns: Sequence[int], mean: Mean) -> float:
    """Return Var(E[f | these columns]), for the posterior mean: what they drive between them."""
    table = _table(around, mean, tuple(columns), (_PAIR_STARTS, _PAIR_GRID))
    return float(table.mean(axis=0).var()) if len(table) else 0.0


def _table(around: Box, mean: Mean, columns: tuple[int, ...], size: tuple[int, int]) -> Floats:
    """Return means ``(starts, values)``: each start with the columns moved over one grid; starts that are not allowed
    or not active everywhere are left out."""  # noqa: D205, D209 - one sentence
    space = around.space
    u = _starts(around, size[0])
    grids = [around.at(c, (np.arange(n) + 0.5) / n) for c in columns for n in [_values(around, c, size[1])]]
    mesh = np.stack([axis.ravel() for axis in np.meshgrid(*grids, indexing="ij")], axis=1)
    raw = np.repeat(_placed(around, u), len(mesh), axis=0)
    raw[:, list(columns)] = np.tile(mesh, (len(u), 1))
    rows = space.tidy(raw)
    kept = space.allowed(rows) & space.active(rows)[:, list(columns)].all(axis=1)
    kept_starts = kept.reshape(len(u), len(mesh)).all(axis=1)
    if kept_starts.sum() < _ENOUGH:
        return np.zeros((0, len(mesh)))
    return mean(rows).reshape(len(u), len(mesh))[kept_starts]


def _values(around: Box, column: int, most: int) -> int:
    return most if around.space.numeric[column] else len(around.codes[column])


def mean_of(posterior: Posterior, y: Floats, space: Space) -> Mean:
    """Return the posterior mean as a sum over the data: as ``predict``, without the price of its variance.

    ``y`` is what the posterior is conditioned on; the weights are (y - leave-one-out mean) / leave-one-out variance.
    """
    expected, variance = posterior.left_out()
    weights = (y - expected) / variance

    def mean(rows: Floats) -> Floats:
        return np.asarray(weights @ covariance(posterior.kernel, posterior.shape, posterior.points, space.points(rows)))

    return mean
