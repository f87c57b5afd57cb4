"""Kin as models of what a setting is worth beside a standard: one Gaussian process each, made once and kept.

Each kin k has a model of its scores (see ``transfer``), z-scored. It says two things of a setting x: how good it is among all
settings of this process's space, in standard deviations of what it says over that space, and what the kin's own standard
would have been to it,

    m_k(x) = (f_k(x) - c_k) / w_k,    z_k(x) ~ N(s_k f_k(x) + a_k, s_k² (v_k(x) + τ²))                              (eq. 1)

with a_k and s_k the mean and spread of the kin's scores, so that z_k < 0 is worse than its standard. Kin agree by the mean over
them of Spearman's correlation between what one scored and what the others say there:

    A = mean_k ρ(scores_k, Σ_{j ≠ k} m_j(x_k))                                                                  (eq. 2)
"""

import hashlib
from collections.abc import Callable, MutableMapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kaizen.surrogate.gp import Data, Kernel, Noise, Posterior, fit, prior_mean
from kaizen.surrogate.space import Floats, Points, Space
from kaizen.veteran.transfer import Kin

NUGGET: Final = Noise(-4.0, 1.0)
"""What a rank says beside the truth."""
STEPS: Final = 20
"""How long a kin's kernel is fitted."""
FLAT: Final = 1e-6
"""Standard deviation of a voice that says the same of everything."""
FITTED: Final = 60
"""Settings of a kin that its kernel is fitted on, at most."""
_SPREAD = 600  # settings over the whole space, by which voices are z-scored

Kernels = MutableMapping[str, Floats]
"""What takes long to make, by name: fitted kernels, as logarithms, and agreements; may be lost at any time."""


class Voice(NamedTuple):
    """One kin's model."""

    kin: Kin
    posterior: Posterior
    centre: float
    width: float
    """c and w of eq. 1."""
    mean: float
    spread: float
    """a and s of eq. 1."""

    def says(self, points: Points) -> "Said":
        """Return what it says of settings."""
        mean, sd = self.posterior.predict(points)
        wide = np.sqrt(sd * sd + self.posterior.kernel.noise)
        return Said((mean - self.centre) / self.width, self.spread * mean + self.mean, self.spread * wide)


class Said(NamedTuple):
    """What a voice says of ``n`` settings (eq. 1)."""

    good: Floats
    beside: Floats
    doubt: Floats
    """Mean and standard deviation beside its own standard."""


class Voices(NamedTuple):
    """All kin of one process, as its space sees them."""

    each: tuple[Voice, ...]
    centre: float
    width: float
    """Of the mean of them all."""
    agreement: float | None
    """Of eq. 2; ``None`` where there is one kin alone."""

    def good(self, said: Sequence[Said]) -> Floats:
        """Return ``(k, n)``: what each says, and where there are several their mean as one more."""
        rows = np.array([one.good for one in said])
        return rows if len(rows) == 1 else np.vstack([rows, (rows.mean(axis=0) - self.centre) / self.width])


def voices(space: Space, found: Sequence[Kin], kernels: Kernels) -> Voices | None:
    """Return kin as models; ``None`` where none says anything. What is fitted is left in ``kernels``."""
    points = across(space)
    made = (_voice(space, one, points, kernels) for one in found if one.told)
    each = tuple(one for one in made if one is not None)
    if not each:
        return None
    mean = np.array([one.says(points).good for one in each]).mean(axis=0)
    return Voices(each, float(mean.mean()), max(float(mean.std()), FLAT), _agreement(space, each, kernels))


def across(space: Space) -> Points:
    """Return settings over the whole space, by which voices are z-scored: the allowed ones, where chance finds any."""
    rows = space.uniform(_SPREAD, np.random.default_rng(_SPREAD))
    allowed = space.allowed(rows)
    return space.points(rows[allowed] if allowed.any() else rows)


def _voice(space: Space, kin: Kin, spread: Points, kernels: Kernels) -> Voice | None:
    data, mean, wide = scored(space, kin)
    kernel = kept_kernel(space, f"kin:{kin.digest}", kernels, lambda: (thinned(data), NUGGET))
    posterior = Posterior(kernel, space.shape, data)
    said = posterior.predict(spread)[0]
    if float(said.std()) < FLAT:
        return None
    return Voice(kin, posterior, float(said.mean()), float(said.std()), mean, wide)


def _agreement(space: Space, each: Sequence[Voice], kernels: Kernels) -> float | None:
    """Return A of eq. 2, by what kernels are fitted on; left in ``kernels``."""
    if len(each) < 2:
        return None
    told = _named(space, repr(("agreement", space.process.constraints, [one.kin.digest for one in each])))
    if told not in kernels:
        heard = [every(len(one.kin.scores), FITTED) for one in each]
        points = [one.posterior.points.at(some) for one, some in zip(each, heard, strict=True)]
        said = np.array([one.says(Points(*map(np.concatenate, zip(*points, strict=True)))).good for one in each])
        apart = np.split(said, np.cumsum([len(some) for some in heard])[:-1], axis=1)
        scores = [np.array(one.kin.scores)[some] for one, some in zip(each, heard, strict=True)]
        kernels[told] = np.array([agreement(scores, apart)])
    return float(kernels[told][0])


def agreement(scores: Sequence[Floats], said: Sequence[Floats]) -> float:
    """Return A of eq. 2; ``said`` is ``(k, n)`` for each kin: what all of them say of its settings."""
    others = [np.delete(rows, at, axis=0).sum(axis=0) for at, rows in enumerate(said)]
    return float(np.mean([_spearman(one, other) for one, other in zip(scores, others, strict=True)]))


def _spearman(one: Floats, other: Floats) -> float:
    """Return the correlation of ranks; those of equals are shared."""
    ranks = [_ranks(one), _ranks(other)]
    if min(float(rank.std()) for rank in ranks) == 0.0:
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: Floats) -> Floats:
    _, at, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count + 1) / 2.0)[at], dtype=np.float64)


def scored(space: Space, kin: Kin) -> tuple[Data, float, float]:
    """Return a kin's settings with its scores, z-scored; and what those had for mean and spread."""
    scores = np.array(kin.scores)
    mean, wide = float(scores.mean()), max(float(scores.std()), FLAT)
    return Data(space.points(space.encode(kin.settings)), (scores - mean) / wide, np.ones(len(scores))), mean, wide


def thinned(data: Data) -> Data:
    """Return what a kin's kernel is fitted on: every so manieth."""
    some = every(len(data.y), FITTED)
    return Data(data.points.at(some), data.y[some], data.repeats[some])


def every(count: int, most: int) -> NDArray[np.int64]:
    """Return places among ``count``, evenly and at most so many."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))


def kept_kernel(space: Space, name: str, kernels: Kernels, of: Callable[[], tuple[Data, Noise]]) -> Kernel:
    """Return the kernel that is kept under a name, or fit and keep it."""
    told = _named(space, name)
    theta = kernels.get(told)
    shape = space.shape
    if theta is None or len(theta) != sum(shape.sizes) + 2:
        data, noise = of()
        theta = fit(data, shape, noise, starts=(prior_mean(shape, noise),), steps=STEPS).pack()
        kernels[told] = theta
    return Kernel.unpack(theta, shape)


def _named(space: Space, name: str) -> str:
    return hashlib.blake2b(repr((name, space.process.parameters)).encode(), digest_size=12).hexdigest()
