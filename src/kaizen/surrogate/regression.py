"""What a metric is expected to read: repeats gathered, output transform chosen, Gaussian process conditioned.

The kernel and the transform are settled on the first so many runs (``settled_at``), everything else on all of them:
what is expected is a function of the runs alone, and what is expensive can be remembered between refits.
"""

import hashlib
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from kaizen.surrogate.gp import Data, Kernel, Noise, Posterior, Prior, doubts, fit, prior_mean
from kaizen.surrogate.space import Floats, Points, Shape
from kaizen.surrogate.warp import Kind, Warp, warp

_FITTED = 240  # rows that kernel and transform are fitted on, at most
_KEPT = 1500  # rows that are conditioned on, at most: beyond, the best, the latest and a thinning of the others
_OTHERS = 4  # kernels beside the fitted one, while rows are few; half of them up to many; then the fit is sure enough
_FEW, _MANY = 120, 300  # rows
_NATS = 1.0  # by which a transform must foretell better than none
_NOISE_SHARE = 0.10  # above it, no bending of the readings: flexible transforms chase noise
_WARPED_FROM = 6  # rows
_KINDS: tuple[Kind, ...] = ("log", "power", "tail")

T = TypeVar("T")


class Memo(Generic[T]):
    """A small disposable cache, keyed by content."""

    def __init__(self, size: int = 64) -> None:
        """Hold the ``size`` latest."""
        self._size = size
        self._held: dict[str, T] = {}

    def get(self, key: str, make: Callable[[], T]) -> T:
        """Return what is held under ``key``, or make it."""
        if key not in self._held:
            while len(self._held) >= self._size:
                self._held.pop(next(iter(self._held)))
            self._held[key] = make()
        return self._held[key]


class Settled(NamedTuple):
    """What is fitted now and then."""

    kind: Kind
    kernel: Kernel
    others: tuple[tuple[Kernel, float], ...] = ()
    """Other possible kernels, with their log weights."""


class Readings(NamedTuple):
    """Runs of one metric, in order."""

    points: Points
    """``(n, ·)``, one per run."""
    values: Floats
    """``(n,)``, turned so that more is better."""
    same: NDArray[np.int64]
    """``(n,)``: the number of the distinct setting, counted in order of first appearance."""


class Regression(NamedTuple):
    """A metric's posterior, on the warped scale, and the way back."""

    warp: Warp
    posterior: Posterior
    others: tuple[tuple[Posterior, float], ...] = ()
    """Posteriors of other kernels that the data leave possible, with their log weights."""

    def moments(self, points: Points) -> tuple[Floats, Floats]:
        """Return mean and standard deviation of f, ``(m,)`` each, over all kernels."""
        mean, sd = self.posterior.predict(points)
        if not self.others:
            return mean, sd
        logs = np.array([0.0, *(weight for _, weight in self.others)])
        weights = np.exp(logs - logs.max())
        weights /= weights.sum()
        both = [(mean, sd), *(posterior.predict(points) for posterior, _ in self.others)]
        means, variances = np.array([m for m, _ in both]), np.array([s for _, s in both]) ** 2
        mean = weights @ means
        return mean, np.sqrt(np.maximum(weights @ (variances + means**2) - mean**2, 1e-12))

    def believing(self, points: Points) -> "Regression":
        """Return what would be believed if ``points`` read what is expected of them."""
        others = tuple((posterior.believing(points), weight) for posterior, weight in self.others)
        return self._replace(posterior=self.posterior.believing(points), others=others)

    @property
    def noise(self) -> float:
        """Standard deviation of one run's noise, on the warped scale."""
        return float(np.sqrt(self.posterior.kernel.noise))

    @property
    def noise_share(self) -> float:
        """The noise's part of the variance."""
        kernel = self.posterior.kernel
        return kernel.noise / (kernel.noise + kernel.signal)


def settled_at(runs: int) -> int:
    """Return how many of the first runs the kernel is fitted on: all of few, then every tenth part more."""
    at = min(runs, 12)
    while True:
        more = at + max(1, at // 10)
        if more > runs:
            return at
        at = more


def regress(readings: Readings, shape: Shape, noise: Noise, memo: Memo[Settled]) -> Regression:
    """Return the posterior of all runs; the kernel comes from the memo where the first runs are the same."""
    count = settled_at(len(readings.values))
    first = Readings(readings.points.at(slice(0, count)), readings.values[:count], readings.same[:count])
    settled = memo.get(_key(first, shape, noise), lambda: settle(_thinned(first, _FITTED), shape, noise))
    kept = _thinned(readings, _KEPT)
    made = warp(settled.kind, kept.values) or warp("plain", kept.values)
    assert made is not None
    data = gather(kept, made)
    most = _OTHERS if len(data.y) <= _FEW else _OTHERS // 2 if len(data.y) <= _MANY else 0
    others = tuple((Posterior(kernel, shape, data), weight) for kernel, weight in settled.others[:most])
    return Regression(made, Posterior(settled.kernel, shape, data), others)


def settle(readings: Readings, shape: Shape, noise: Noise) -> Settled:
    """Fit kernel and transform, and draw other kernels that the readings leave possible."""
    best = _fitted(readings, shape, noise)
    if len(readings.values) > _MANY:
        return best
    made = warp(best.kind, readings.values)
    assert made is not None
    return best._replace(others=doubts(best.kernel, gather(readings, made), Prior(shape, noise), _OTHERS))


def _fitted(readings: Readings, shape: Shape, noise: Noise) -> Settled:
    """Fit a kernel under each transform that suits; return what foretells left-out readings best."""
    plain = warp("plain", readings.values)
    assert plain is not None
    data = gather(readings, plain)
    best = Settled("plain", fit(data, shape, noise))
    share = best.kernel.noise / (best.kernel.noise + best.kernel.signal)
    if len(data.y) < _WARPED_FROM or share > _NOISE_SHARE:
        return best
    score = _foretold(readings, plain, best.kernel, shape) + _NATS
    starts = (best.kernel.pack(), prior_mean(shape, noise))
    for kind in _KINDS:
        made = warp(kind, readings.values)
        if made is None:
            continue
        kernel = fit(gather(readings, made), shape, noise, starts=starts[:1], steps=25)
        found = _foretold(readings, made, kernel, shape)
        if found > score:
            best, score = Settled(kind, kernel), found
    return best


def _foretold(readings: Readings, made: Warp, kernel: Kernel, shape: Shape) -> float:
    """Return the log density of each distinct setting's reading given the others, in units of the reading."""
    data = gather(readings, made)
    mean, variance = Posterior(kernel, shape, data).left_out()
    density = -0.5 * np.log(2.0 * np.pi * variance) - 0.5 * (data.y - mean) ** 2 / variance
    return float(density.sum() + made.slope(made.back(data.y)).sum())


def gather(readings: Readings, made: Warp) -> Data:
    """Warp the readings, then put repeats of a setting together."""
    _, first, same = np.unique(readings.same, return_index=True, return_inverse=True)
    warped = made(readings.values)
    repeats = np.bincount(same).astype(float)
    mean = np.bincount(same, weights=warped) / repeats
    scatter = float(np.sum((warped - mean[same]) ** 2))
    return Data(readings.points.at(first), mean, repeats, scatter, float(np.sum(repeats - 1.0)))


def _thinned(readings: Readings, most: int) -> Readings:
    """Return at most ``most`` runs: the best third, the latest third, and every so manieth of the others."""
    count = len(readings.values)
    if count <= most:
        return readings
    third = most // 3
    kept = set(np.argsort(-readings.values, kind="stable")[:third].tolist()) | set(range(count - third, count))
    others = [index for index in range(count) if index not in kept]
    kept |= {others[int(i)] for i in np.linspace(0, len(others) - 1, most - len(kept))}
    rows = np.array(sorted(kept))
    return Readings(readings.points.at(rows), readings.values[rows], readings.same[rows])


def _key(readings: Readings, shape: Shape, noise: Noise) -> str:
    digest = hashlib.blake2b(repr((shape, noise)).encode(), digest_size=16)
    for array in (*readings.points, readings.values, readings.same):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
