"""How much of a space a set of points dominates, exactly; lower is better in every column."""

import numpy as np

from benchmarks.report.results import Floats


def nondominated(points: Floats) -> Floats:
    """Return the points that no other betters, each once; ``(k, m)`` of ``(n, m)``."""
    left = np.unique(points, axis=0)
    left = left[np.argsort(left.sum(axis=1), kind="stable")]
    kept = []
    while len(left):  # nothing that is left has a lower sum than the first, so nothing betters it
        kept.append(left[0])
        left = left[(left < left[0]).any(axis=1)]
    return np.array(kept).reshape(-1, points.shape[1])


def hypervolume(points: Floats, reference: Floats) -> float:
    """Return the volume of what is worse than a point of ``(n, m)`` and better than the reference ``(m,)``.

    A point that is not better than the reference in every column adds nothing.
    """
    inside = points[(points < reference).all(axis=1)]
    return _volume(nondominated(inside), reference) if len(inside) else 0.0


def _volume(points: Floats, reference: Floats) -> float:
    """Sum over slices of the last column; the points lie within the reference."""
    if points.shape[1] == 1:
        return float(reference[0] - points.min())
    if points.shape[1] == 2:
        return _area(points, reference)
    ordered = points[np.argsort(points[:, -1], kind="stable")]
    depths = np.diff(ordered[:, -1], append=reference[-1])
    return sum(
        float(depth) * _volume(nondominated(ordered[: k + 1, :-1]), reference[:-1])
        for k, depth in enumerate(depths)
        if depth > 0.0
    )


def _area(points: Floats, reference: Floats) -> float:
    """Sweep the first column; each point adds the strip below what came before."""
    ordered = points[np.lexsort((points[:, 1], points[:, 0]))]
    ceilings = np.minimum.accumulate(np.concatenate([[reference[1]], ordered[:, 1]]))
    return float(((reference[0] - ordered[:, 0]) * -np.diff(ceilings)).sum())
