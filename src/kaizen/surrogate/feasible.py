"""Where runs fail: a Gaussian process classifier of settings that gave a reading and settings that faulted.

The kernel is fitted to the labels as numbers (cheap, and the lengthscales are what matters), the latent values by
Laplace's approximation with a logistic likelihood:

    P(sound) ≈ σ(κ(v) · m),  κ(v) = (1 + π v / 8)^(-1/2)

References:
    Rasmussen and Williams (2006), algorithms 3.1 and 3.2; MacKay (1992) for κ.
"""

import math

import numpy as np
from scipy.linalg import solve_triangular

from kaizen.surrogate.gp import LEVEL, Data, Kernel, Noise, covariance, factor, fit
from kaizen.surrogate.space import Floats, Points, Shape

_LABELS = Noise(-2.0, 1.0)
_LATENT = 6.0  # variance of the latent values: odds may reach 1 : 100
_NEWTON = 30
_ENOUGH = 1e-8


class Feasibility:
    """The chance of a sound run, given which runs were."""

    def __init__(self, points: Points, sound: Floats, kernel: Kernel, shape: Shape) -> None:
        """Find the mode of the latent values; ``sound`` is ``(n,)`` of 0 and 1, repeats included."""
        self._kernel = kernel._replace(signal=_LATENT)
        self._points, self._shape = points, shape
        ok = float(sound.sum())
        self._base = math.log((ok + 1.0) / (len(sound) - ok + 0.5))
        full = covariance(self._kernel, shape, points, points) - LEVEL
        latent = np.zeros(len(sound))
        for _ in range(_NEWTON):  # algorithm 3.1
            chance = _logistic(latent + self._base)
            weight = np.sqrt(np.maximum(chance * (1.0 - chance), 1e-9))
            lower = factor(np.eye(len(sound)) + weight[:, None] * full * weight[None, :])
            toward = weight**2 * latent + sound - chance
            half = solve_triangular(lower, weight * (full @ toward), lower=True, check_finite=False)
            step = toward - weight * solve_triangular(lower.T, half, lower=False, check_finite=False)
            moved = full @ step
            done = float(np.max(np.abs(moved - latent))) < _ENOUGH
            latent = moved
            if done:
                break
        chance = _logistic(latent + self._base)
        self._weight = np.sqrt(np.maximum(chance * (1.0 - chance), 1e-9))
        self._lower = factor(np.eye(len(sound)) + self._weight[:, None] * full * self._weight[None, :])
        self._slope = sound - chance

    def chance(self, points: Points) -> Floats:
        """Return ``(m,)``: the chance that a run there gives a reading (algorithm 3.2)."""
        cross = covariance(self._kernel, self._shape, self._points, points) - LEVEL
        mean = self._slope @ cross + self._base
        half = solve_triangular(self._lower, self._weight[:, None] * cross, lower=True, check_finite=False)
        variance = np.maximum(_LATENT - np.einsum("ij,ij->j", half, half), 0.0)
        return _logistic(mean / np.sqrt(1.0 + math.pi * variance / 8.0))


def label_kernel(points: Points, sound: Floats, shape: Shape) -> Kernel:
    """Fit the kernel to the labels as numbers."""
    spread = max(float(np.std(sound)), 0.2)
    data = Data(points, (sound - float(np.mean(sound))) / spread, np.ones(len(sound)))
    return fit(data, shape, _LABELS, steps=25)


def _logistic(z: Floats) -> Floats:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * z)), dtype=np.float64)
