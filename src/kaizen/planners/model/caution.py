"""Where kin failed: what they know of it is learned with what this process's own runs show, while it tells here.

Kin are heeded while they foretell, one run after the other, what fails here clearly better than their bare share of faults
does; how well they foretell one another is where that account begins:

    Λ = min(Λ_0, ln 5) + Σ_i [ln Bernoulli(f_i; P_{<i}(x_i)) - ln Bernoulli(f_i; Q_{<i}(x_i))]                       (eq. 1)

P is what kin say (``past``), as a prior worth s₀ runs among the runs here before, weighed by their nearness κ²:

    P(x) = (Σ_faults κ² + s₀ p(x)) / (Σ_all κ² + s₀)                                                             (eq. 2)

Q is the same with the kin's share of faults for p(x), wherever x lies. Each chance is said before the run it is of. While
Λ ≥ ln 3, one classifier learns from the kin's runs and from those here, and what it gives a chance of 30 % or more to fail
is left alone.
"""

import math
from typing import NamedTuple

import numpy as np

from kaizen.plan import Advice
from kaizen.planners.model.belief import Caches, Seen, feasibility
from kaizen.planners.model.past import Past, past, surprise
from kaizen.planners.model.search import Reach
from kaizen.planners.model.sight import Sight
from kaizen.surrogate.feasible import Feasibility
from kaizen.surrogate.space import Bools, Floats, Points, Space
from kaizen.veteran.voices import every

_KIN = 4.0  # s₀
_HEAD_START, _HEEDED = math.log(5.0), math.log(3.0)
_LIMIT = 0.3  # chance of a fault, from which a setting is left alone
_ROWS = 120  # runs of kin that are learned from, at most: every so manieth


class Ground(NamedTuple):
    """Rows that are not likely to fail."""

    space: Space
    learned: Feasibility

    def inside(self, rows: Floats) -> Bools:
        """Return ``(n,)``."""
        return np.asarray(self.learned.chance(self.space.points(rows)) > 1.0 - _LIMIT, dtype=np.bool_)


class Careful(NamedTuple):
    """A reach without what is likely to fail, and the runs of kin that this is known from."""

    reach: Reach
    kin: tuple[Seen, ...] = ()


def careful(reach: Reach, sight: Sight, advice: Advice, kept: Caches) -> Careful:
    """Heed kin where they failed, if that tells here.

    A limit on risk that the process has of its own is enough by itself.
    """
    if not advice.kin or reach.ground is not None:
        return Careful(reach)
    space = reach.space
    known = past(space, advice.kin, kept.past)
    if known is None or not known.faulty:
        return Careful(reach)
    points = space.points(space.encode([run.setting for run in sight.seen]))
    if account(known, points, np.array([float(run.values is None) for run in sight.seen])) < _HEEDED:
        return Careful(reach)
    rows = [
        Seen(setting, None if fault else {})
        for voice in known.ran for setting, fault in zip(voice.kin.settings, voice.kin.faults, strict=True)
    ]  # fmt: skip
    some = tuple(rows[at] for at in every(len(rows), _ROWS))
    learned = feasibility(space, [*some, *sight.seen], kept)
    return Careful(reach, some) if learned is None else Careful(reach._replace(ground=Ground(space, learned)), some)


def account(known: Past, points: Points, faults: Floats) -> float:
    """Return Λ of eq. 1."""
    near = np.tril(known.near(points, points), -1)  # of each run, those before it
    failed, weight = near @ faults, near.sum(axis=1) + _KIN
    ours, theirs = (failed + _KIN * known.fails(points)) / weight, (failed + _KIN * known.share) / weight
    return min(known.foreseen, _HEAD_START) + float(np.sum(surprise(faults, theirs) - surprise(faults, ours)))
