"""Kin as models: what each of them would expect here, how far they agree, and where their runs failed.

Each kin k has a Gaussian process of its own on its scores. What it says of a setting is the posterior mean, in standard
deviations of what it says over the whole space, m_k(x). One more voice is the mean of them all:

    m_0 = z-scored mean of the m_k                                                                              (eq. 1)

They agree by the mean over kin of Spearman's correlation between what one read and what the others say there:

    A = mean_k ρ(scores_k, Σ_{j ≠ k} m_j(x_k))                                                                  (eq. 2)

The chance of a fault, by kin, is that of a classifier of its own (``surrogate.feasible``); no kin is surer than one in a
hundred, nor where it never ran:

    p(x) = mean_k clip(p_k(x), .01, .99)                                                                        (eq. 3)

Whether that tells of others is asked of the kin themselves, by the mean over kin k and their runs i of

    ln Bernoulli(f_i; mean_{j ≠ k} p_j(x_i)) - ln Bernoulli(f_i; share of faults of k)                          (eq. 4)

How far a setting tells of another is much the same in kin, wherever their best lies, so their lengthscales are the prior of
those here, by parameter j; l_j⁰ is that of who knows nothing, as if one kin more:

    ln l_j ~ N(mean of ln l_j⁰ and all ln l_jk, .35²)                                                           (eq. 5)

References:
    Wang et al. (2024), Pre-trained Gaussian processes for Bayesian optimization, JMLR 25: priors learned from related tasks.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kaizen.planners.model.search import Reach, draw, mutate
from kaizen.surrogate.feasible import Feasibility, label_kernel
from kaizen.surrogate.gp import LEVEL, Kernel, Lengths, Posterior, Prior, covariance, fit, prior_mean
from kaizen.surrogate.regression import Memo
from kaizen.surrogate.space import Floats, Points, Space
from kaizen.veteran.transfer import Kin
from kaizen.veteran.voices import FITTED, FLAT, NUGGET, STEPS, across, agreement, every, scored, thinned

_DRAWN = 800  # settings within reach that memory chooses among
_BEST = 12  # settings of each kin, its best, that are among them
_NEAR = 4  # settings near each of those
_SURE = 0.99  # of eq. 3
_ALIKE = 0.35  # standard deviation of eq. 5


class Voice(NamedTuple):
    """One kin's model."""

    kin: Kin
    posterior: Posterior
    points: Points
    """Of all its settings, faults included."""
    faults: Floats
    """``(n,)`` of 0 and 1."""
    feasibility: Feasibility | None
    centre: float
    width: float

    def says(self, points: Points) -> Floats:
        """Return m_k, ``(n,)``."""
        return (self.posterior.predict(points)[0] - self.centre) / self.width

    def fails(self, points: Points) -> Floats:
        """Return p_k of eq. 3, ``(n,)``; one in a hundred where none failed."""
        if self.feasibility is None:
            return np.full(len(points.numbers), 1.0 - _SURE)
        return np.asarray(np.clip(1.0 - self.feasibility.chance(points), 1.0 - _SURE, _SURE), dtype=np.float64)


class Past(NamedTuple):
    """All kin of one process, as its space sees them."""

    voices: tuple[Voice, ...]
    agreement: float | None
    """Of eq. 2; ``None`` where there is one kin alone."""
    centre: float
    width: float
    """Of eq. 1."""
    foreseen: float
    """How much better the others foretell a kin's faults than its own share of them does, in nats (eq. 4)."""

    def says(self, points: Points) -> Floats:
        """Return ``(k, n)``: the voices, and where there are several their mean as one more (eq. 1)."""
        each = np.array([voice.says(points) for voice in self.voices])
        return each if len(each) == 1 else np.vstack([each, (each.mean(axis=0) - self.centre) / self.width])

    def fails(self, points: Points) -> Floats:
        """Return p of eq. 3, ``(n,)``."""
        return np.asarray(np.mean([voice.fails(points) for voice in self.ran], axis=0), dtype=np.float64)

    @property
    def lengths(self) -> Lengths | None:
        """What lengthscales are like by the kernels of those that ran (eq. 5); ``None`` where none did."""
        told = [voice.posterior for voice in self.voices if voice.kin.told]
        if not told:
            return None
        kernels = [np.log(np.concatenate([one.kernel.numbers, one.kernel.marks])) for one in told]
        return Lengths(np.mean([prior_mean(told[0].shape, NUGGET)[:-2], *kernels], axis=0), _ALIKE)

    @property
    def ran(self) -> tuple[Voice, ...]:
        """The voices that know of runs, not a pack's words alone; all of them where there are none."""
        return tuple(voice for voice in self.voices if voice.kin.told) or self.voices

    def near(self, one: Points, other: Points) -> Floats:
        """Return ``(n, m)``: the squared correlation between points, the mean over the kin's kernels."""
        made = np.zeros((len(one.numbers), len(other.numbers)))
        for voice in self.voices:
            kernel = voice.posterior.kernel
            made += ((covariance(kernel, voice.posterior.shape, one, other) - LEVEL) / kernel.signal) ** 2
        return made / len(self.voices)

    @property
    def share(self) -> float:
        """The share of the kin's settings that failed, kept off 0."""
        faults = np.concatenate([voice.faults for voice in self.ran])
        return float((faults.sum() + 0.5) / (len(faults) + 1.0))

    @property
    def faulty(self) -> bool:
        """Whether any run of any kin failed."""
        return any(bool(voice.faults.any()) for voice in self.voices)


class Field(NamedTuple):
    """The settings that memory chooses among, with what it says of them."""

    rows: Floats
    points: Points
    says: Floats
    """``(k, n)``: of ``Past.says``."""


def past(space: Space, found: Sequence[Kin], kept: Memo[object]) -> Past | None:
    """Return kin as models; ``None`` where none says anything."""
    key = repr(("past", [kin.digest for kin in found], space.process.parameters, space.process.constraints))
    made = kept.get(key, lambda: _past(space, found, kept))
    return made if isinstance(made, Past) else None


def _past(space: Space, found: Sequence[Kin], kept: Memo[object]) -> Past | None:
    points, voices = across(space), []
    for kin in found:
        key = repr(("voice", kin.digest, space.process.parameters, space.process.constraints))
        voice = kept.get(key, functools.partial(_voice, space, kin, points))
        if isinstance(voice, Voice):
            voices.append(voice)
    if not voices:
        return None
    each = np.array([voice.says(points) for voice in voices]).mean(axis=0)
    foreseen = _foreseen([voice for voice in voices if voice.kin.told])
    return Past(tuple(voices), _agreement(voices), float(each.mean()), max(float(each.std()), FLAT), foreseen)


def _voice(space: Space, kin: Kin, spread: Points) -> Voice | None:
    data, _, _ = scored(space, kin)
    kernel = fit(thinned(data), space.shape, NUGGET, starts=(prior_mean(space.shape, NUGGET),), steps=STEPS)
    posterior = Posterior(kernel, space.shape, data)
    said = posterior.predict(spread)[0]
    if float(said.std()) < FLAT:
        return None
    faults = np.array(kin.faults, dtype=float)
    fails = None
    if faults.any():
        heard = every(len(faults), FITTED)
        labels = label_kernel(data.points.at(heard), 1.0 - faults[heard], space.shape)
        fails = Feasibility(data.points, 1.0 - faults, labels, space.shape)
    return Voice(kin, posterior, data.points, faults, fails, float(said.mean()), float(said.std()))


def _agreement(voices: Sequence[Voice]) -> float | None:
    """Return A of eq. 2."""
    if len(voices) < 2:
        return None
    said = [np.array([other.says(one.points) for other in voices]) for one in voices]
    return agreement([np.array(one.kin.scores) for one in voices], said)


def _foreseen(voices: Sequence[Voice]) -> float:
    """Return eq. 4, for as many runs as a kin has; 0 where there is one kin alone, or none failed."""
    if len(voices) < 2 or not any(bool(voice.faults.any()) for voice in voices):
        return 0.0
    found = []
    for one in voices:
        chance = np.mean([other.fails(one.points) for other in voices if other is not one], axis=0)
        share = (float(one.faults.sum()) + 0.5) / (len(one.faults) + 1.0)
        found.append(float(np.sum(surprise(one.faults, np.full(len(chance), share)) - surprise(one.faults, chance))))
    return float(np.mean(found))


def surprise(faults: Floats, chance: Floats) -> Floats:
    """Return -ln Bernoulli(f; p), ``(n,)``."""
    p = np.clip(chance, 1e-3, 1.0 - 1e-3)
    return np.asarray(-np.where(faults > 0.5, np.log(p), np.log1p(-p)), dtype=np.float64)


def field(known: Past, reach: Reach, kept: Memo[object]) -> Field:
    """Return settings within reach, the kin's best among them: the same ones while neither kin nor standard change."""
    digest = [voice.kin.digest for voice in known.voices]
    box = None if reach.box is None else (reach.box.low.tobytes(), reach.box.high.tobytes())
    process = reach.space.process
    key = repr(("field", digest, reach.origin.tobytes(), reach.most, box, process.parameters, process.constraints))
    made = kept.get(key, lambda: _field(known, reach._replace(ground=None)))
    assert isinstance(made, Field)
    return made


def _field(known: Past, reach: Reach) -> Field:
    rng = np.random.default_rng(_DRAWN)
    best = [_best(reach, voice) for voice in known.voices]
    parents = np.vstack(best)
    near = mutate(reach, np.repeat(parents, _NEAR, axis=0), 0.1, rng) if len(parents) else parents
    rows = np.vstack([draw(reach, _DRAWN, rng), parents, near])
    rows = np.unique(rows[reach.allowed(rows)], axis=0)
    return looked(known, reach.space, rows)


def _best(reach: Reach, voice: Voice) -> Floats:
    """Return a kin's best settings, as far as one increment of the standard goes toward them."""
    order = np.argsort(-np.array(voice.kin.scores), kind="stable")[:_BEST]
    rows = reach.space.tidy(reach.space.encode([voice.kin.settings[at] for at in order]))
    return reach.within(rows, np.random.default_rng(_BEST))


def looked(known: Past, space: Space, rows: Floats) -> Field:
    """Return rows with what memory says of them."""
    points = space.points(rows)
    return Field(rows, points, known.says(points))


def plain_kernel(space: Space, lengths: Lengths | None) -> Kernel:
    """Return the kernel before any run: the prior's."""
    return Kernel.unpack(Prior(space.shape, NUGGET, lengths).centre, space.shape)
