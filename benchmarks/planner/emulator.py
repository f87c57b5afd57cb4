"""An emulator of a table: kernel ridge regression, its spread and ridge chosen by five-fold cross-validation."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.planner.table import Floats, Table

_MOST = 1_500  # rows it is fitted to
_FOLDS = 5
_SCALES = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
_RIDGES = (1e-6, 1e-4, 1e-2, 1e-1)


class Emulator:
    """One metric's values anywhere, from the fault-free rows of a table."""

    def __init__(self, table: Table, metric: str) -> None:
        sound = np.flatnonzero([not fault for fault in table.faults])
        rng = np.random.default_rng(0)
        rows = rng.permutation(sound)[:_MOST]
        self.space, self.points = table.space, table.points[rows]
        known = table.true[metric][rows]
        self.middle, self.spread = float(known.mean()), float(known.std()) or 1.0
        y = (known - self.middle) / self.spread
        squared = np.stack([self.space.squared(self.points.copy(), point) for point in self.points])
        folds = np.asarray(np.arange(len(rows)) % _FOLDS, dtype=np.intp)
        error, self.scale, ridge = min(
            (_error(squared, y, folds, scale, ridge), scale, ridge) for scale in _SCALES for ridge in _RIDGES
        )
        self.error = error * self.spread
        """Cross-validated root mean squared error, in the metric's units."""
        self.weights = _solve(_kernel(squared, self.scale), y, ridge)

    def __call__(self, point: Floats) -> float:
        """Return the value at ``point``."""
        near = _kernel(self.space.squared(self.points.copy(), point), self.scale)
        return float(self.middle + self.spread * (near @ self.weights))


def _kernel(squared: Floats, scale: float) -> Floats:
    """Return the Matérn-5/2 kernel of squared distances."""
    r = np.sqrt(5.0 * squared) / scale
    return np.asarray((1.0 + r + r * r / 3.0) * np.exp(-r))


def _solve(kernel: Floats, y: Floats, ridge: float) -> Floats:
    return np.asarray(np.linalg.solve(kernel + ridge * np.eye(len(y)), y))


def _error(squared: Floats, y: Floats, folds: NDArray[np.intp], scale: float, ridge: float) -> float:
    kernel, left = _kernel(squared, scale), np.empty_like(y)
    for fold in range(_FOLDS):
        out, kept = folds == fold, folds != fold
        left[out] = kernel[np.ix_(out, kept)] @ _solve(kernel[np.ix_(kept, kept)], y[kept], ridge)
    return float(np.sqrt(np.mean((left - y) ** 2)))
