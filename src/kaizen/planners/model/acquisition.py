"""What a run is worth: the logarithm of expected improvement, of one metric or of a front of several."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, log_ndtr, ndtr, ndtri

from kaizen.surrogate.space import Floats

_ROOT_2PI = math.sqrt(2.0 * math.pi)
_DRAWS = 24  # of each candidate's readings
_RAYS = 32  # directions in which a front is measured
_NO_GAIN = 1e-30


def log_improvement(mean: Floats, sd: Floats, beyond: float) -> Floats:
    """Return ln E[(f - beyond)+] for f ~ N(mean, sd²), exact far into the tail."""
    return log_h((mean - beyond) / sd) + np.log(sd)


def log_h(z: Floats) -> Floats:
    """Return ln(φ(z) + z Φ(z)), stable for all z (Ament et al. 2023, eq. 9)."""
    z = np.asarray(z, dtype=np.float64)
    made = np.empty_like(z)
    near = z > -1.0
    made[near] = np.log(np.exp(-0.5 * z[near] ** 2) / _ROOT_2PI + z[near] * ndtr(z[near]))
    far = z[~near]
    # φ(z) (1 - |z| √(π/2) erfcx(|z| / √2)); for very large |z| the bracket is 1/z² (1 - 3/z² …)
    bracket = np.where(
        far > -1e3, 1.0 - np.abs(far) * math.sqrt(math.pi / 2.0) * erfcx(-far / math.sqrt(2.0)), far**-2.0
    )
    made[~near] = -0.5 * far**2 - math.log(_ROOT_2PI) + np.log(np.maximum(bracket, 1e-300))
    return made


def log_chance(mean: Floats, sd: Floats, at_least: float) -> Floats:
    """Return ln P(f ≥ at_least) for f ~ N(mean, sd²)."""
    return np.asarray(log_ndtr((mean - at_least) / sd), dtype=np.float64)


class Front(NamedTuple):
    """How far a set of expected readings reaches from a reference, along random rays (k metrics, more is better)."""

    reference: Floats
    """``(k,)``."""
    rays: Floats
    """``(l, k)``: directions, above 0, of length 1."""
    reach: Floats
    """``(l,)``: of the front, to the power k."""
    draws: Floats
    """``(s, k)``: standard normal."""

    def log_improvement(self, means: Floats, sds: Floats) -> Floats:
        """Return ln of the expected gain of hypervolume, up to a constant; ``means`` and ``sds`` are ``(n, k)``.

        The hypervolume is the mean over rays λ of min_i ((y_i - r_i) / λ_i)+ ^k (Zhang and Golovin 2020, lemma 5).
        """
        gains = np.zeros(len(means))
        for draw in self.draws:
            gains += np.maximum(_reach(means + sds * draw, self.reference, self.rays) - self.reach, 0.0).mean(1)
        beyond = np.max(means - self.reference, axis=1)  # orders what gains nothing
        return np.asarray(np.log(gains / len(self.draws) + _NO_GAIN) + 1e-3 * beyond, dtype=np.float64)


def front(reference: Floats, means: Floats, rng: np.random.Generator) -> Front:
    """Measure the front of ``means`` ``(n, k)``."""
    k = means.shape[1]
    rays = np.abs(rng.standard_normal((_RAYS, k))) + 1e-3
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    # a stratified normal sample per metric, shuffled: fewer draws do  # ~ N(0, I)
    strata = (np.arange(_DRAWS)[:, None] + rng.random((_DRAWS, k))) / _DRAWS
    draws = np.column_stack([rng.permutation(ndtri(strata[:, i])) for i in range(k)])
    reach = _reach(means, reference, rays).max(axis=0) if len(means) else np.zeros(_RAYS)
    return Front(reference, rays, reach, draws)


def _reach(values: Floats, reference: Floats, rays: Floats) -> Floats:
    """Return ``(n, l)``: min_i ((y_i - r_i) / λ_i)+ ^k."""
    above = np.maximum(values - reference, 0.0)
    return np.asarray(np.min(above[:, None, :] / rays[None, :, :], axis=2) ** values.shape[1], dtype=np.float64)


def pareto(values: Floats) -> NDArray[np.bool_]:
    """Return ``(n,)``: which rows no other row beats (more is better)."""
    kept = np.ones(len(values), dtype=bool)
    for index, row in enumerate(values):
        beaten = np.all(values >= row, axis=1) & np.any(values > row, axis=1)
        kept[index] = not beaten.any()
    return kept
