"""The odds that an increment is better than today's standard, and that it faults: learned, and saying how little is known.

Both odds are means of Beta beliefs that evidence moves, weighted by how much it has to do with the question,

    odds = (m S + Σ_t T_t μ_t) / (S + Σ_t T_t),   T_t = min(C_t, W_t),   W_t = Σ w_i,   μ_t = Σ w_i y_i / W_t    (1)

with a base rate m of strength S, and tiers t of evidence: of near settings and like changes, of the very same setting, of each
other process and then of all of them together. A tier saturates at C_t: a thousand neighbours do not make a question certain that
one trial of the setting itself may answer otherwise. One more failure never raises T/W, and so neither Σ w y · T/W nor the
odds; and no order of evidence matters.

    w = V sure · (K(d / h) or knob · likeness) · moved^{0,1} · conditions^{share} · other^{0,1},   K(u) = (1 - u²)²₊,
    h = min(reach, ρ δ)                                                                                                      (2)

where δ is how far the increment itself goes from the standard. A failure farther away than half of that says nothing: a
smaller step in the same direction is untested, not failed. V is 17 for a trial: after one failure with nothing changed since, 2
repeats in 51 worked, (.39 · 2)/(2 + 17); after the standard had moved, 11 in 70, so ``moved`` begins at .17; the same knob in the same
direction, 5 in 74, ``knob`` at .55. Discounts are learned from the outcomes of this ledger's own trials, each foretold from
all others, by the log of the odds they were given; a discount is moved from its default as far as that evidence carries.
"""

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from kaizen.verdict import Odds
from kaizen.veteran.past import FAULTED, SOUND
from kaizen.veteran.rates import Base

Floats = NDArray[np.float64]

TRIAL, RUN = 17.0, 8.0
"""V: the most that a trial's verdict, and a single run, weigh."""
FAULT: Final = 8.0
"""What a run of the very same setting weighs in the odds of a fault."""
FARTHEST: Final = 0.4
"""The longest reach there is, in ranges."""
_S = 2.0  # strength of the base rate
_RHO = 0.5
_CAPS, _FAULT_CAPS = (16.0, 68.0), (1.5, 64.0)  # near; the same
_ABROAD, _FAULTS_ABROAD = (
    20.0,
    5.0,
)  # times the trust in another process: 2 to begin with, a weak prior and never a warning
_FAILED = 0.1  # a chance of having been better below which it failed
_CAREFUL = 1.5  # nats of log odds that one step of a discount away from its default costs


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """What evidence is worth that is not quite about the question."""

    reach: float = 0.2
    """How far a failure speaks, in ranges."""
    moved: float = 0.17
    """Since the standard moved."""
    knob: float = 0.55
    """Of the same parameter moved the same way, in another combination."""
    conditions: float = 0.5
    """Under other conditions."""
    other: float = 0.1
    """From another process."""
    carries: float = 1.0
    """How many times as much as that the most telling of the other processes counts."""


GRID: Final[dict[str, tuple[float, ...]]] = {
    "reach": (0.1, 0.2, FARTHEST),
    "moved": (0.05, 0.17, 0.5, 1.0),
    "knob": (0.1, 0.55, 0.9),
    "conditions": (0.2, 0.5, 1.0),
}
"""The values that each discount may take; the defaults are among them."""


class Evidence(NamedTuple):
    """What is remembered near a question, ``n`` trials and runs of it."""

    far: float
    """How far the increment itself goes from the standard."""
    distance: Floats
    same: NDArray[np.bool_]
    """The very same setting."""
    likeness: Floats
    """Of a trial: how much its changes are the asked ones, 0 to 1 (a cosine)."""
    better: Floats
    """The chance that it was better than its own standard; NaN where nobody knows."""
    weight: Floats
    """V · sure; 0 where it says nothing of *better*."""
    became: NDArray[np.int8]
    """Whether a run faulted; unknown for trials, whose runs say so."""
    moved: NDArray[np.bool_]
    """Whether it was made under another standard than today's."""
    differs: Floats
    """The share of conditions that are others than today's, 0 to 1."""
    overlap: Floats
    """Of another process: the share of parameters that both have, times how well its past carried over; 0 for this one."""

    @property
    def size(self) -> int:
        """How many items there are."""
        return len(self.distance)

    def pick(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Evidence":
        """Return some of it."""
        columns: dict[str, Any] = {name: getattr(self, name)[rows] for name in self._fields[1:]}
        return self._replace(**columns)


def weights_of(evidence: Evidence, weights: Weights) -> Floats:
    """Return how much each item counts for or against *better* (eq. 2)."""
    reach = min(weights.reach, _RHO * evidence.far) if evidence.far > 0 else 0.0
    like = np.maximum(kernel(evidence.distance, reach), weights.knob * evidence.likeness)
    return np.asarray(evidence.weight * np.where(evidence.same, 1.0, like) * _discount(evidence, weights, moved=True))


def fault_weights_of(evidence: Evidence, weights: Weights) -> Floats:
    """Return how much each run counts in the odds of a fault: what a setting breaks does not depend on the standard."""
    like = np.where(evidence.same, FAULT, kernel(evidence.distance, weights.reach))
    known = (evidence.became == SOUND) | (evidence.became == FAULTED)
    return np.asarray(np.where(known, like, 0.0) * _discount(evidence, weights, moved=False))


def _discount(evidence: Evidence, weights: Weights, *, moved: bool) -> Floats:
    discount = weights.conditions**evidence.differs
    discount *= np.where(evidence.overlap > 0, weights.other * evidence.overlap, 1.0)
    return np.asarray(discount * np.where(evidence.moved, weights.moved, 1.0) if moved else discount)


def kernel(distance: Floats, reach: float) -> Floats:
    """Return K(d / h): 1 at no distance, 0 from ``reach`` on."""
    if reach <= 0:
        return np.asarray((distance <= 0).astype(np.float64))
    return np.asarray((1.0 - (np.minimum(distance, reach) / reach) ** 2) ** 2)


class Weighed(NamedTuple):
    """Both odds, and how much evidence each stands on."""

    odds: Odds
    given: float
    """The odds of being better, were it certain to give readings."""
    against: float
    """The weight of failures at the setting or near it; what is within noise is none."""


def weigh(evidence: Evidence, base: Base, weights: Weights, testimony: Sequence[tuple[float, float]] = ()) -> Weighed:
    """Return the odds (eq. 1); ``testimony`` are weights for and against that people's words add."""
    with np.errstate(invalid="ignore"):
        known = ~np.isnan(evidence.better)
    counted = np.where(known, weights_of(evidence, weights), 0.0)
    won = counted * np.where(known, evidence.better, 0.0)
    pros, cons = _tiers(evidence, won, counted - won, (*_CAPS, _ABROAD), weights)
    failed = np.where(np.nan_to_num(evidence.better, nan=1.0) < _FAILED, counted, 0.0)
    abroad = _ABROAD * weights.other * weights.carries
    against = math.fsum(failed[evidence.overlap <= 0]) + min(abroad, math.fsum(failed[evidence.overlap > 0]))
    pros.extend(pro for pro, _ in testimony)
    cons.extend(con for _, con in testimony)
    better = (base.better * _S + sum(pros)) / (_S + sum(pros) + sum(cons))
    seen = fault_weights_of(evidence, weights)
    broke = seen * (evidence.became == FAULTED)
    pros, cons = _tiers(evidence, broke, seen - broke, (*_FAULT_CAPS, _FAULTS_ABROAD), weights)
    faults = (base.faults + sum(pros)) / (1.0 + sum(pros) + sum(cons))
    return Weighed(Odds(better=better * (1.0 - faults), faults=faults), better, against)


def _tiers(
    evidence: Evidence, pros: Floats, cons: Floats, caps: tuple[float, float, float], weights: Weights
) -> tuple[list[float], list[float]]:
    """Return what counts for and against, by tier, saturated: near, the same, and all other processes together."""
    near, same, abroad = caps
    own = evidence.overlap <= 0
    found = [
        _saturated(pros[tier], cons[tier], cap)
        for tier, cap in ((own & ~evidence.same, near), (own & evidence.same, same))
    ]
    trust = np.unique(evidence.overlap[~own]).tolist()  # each process by itself, then all of them
    others = [
        _saturated(pros[one], cons[one], abroad * weights.other * share)
        for share in trust
        if (one := evidence.overlap == share).any()
    ]
    found.append(
        _saturated([pro for pro, _ in others], [con for _, con in others], abroad * weights.other * weights.carries)
    )
    return [pro for pro, _ in found], [con for _, con in found]


def _saturated(pros: Sequence[float] | Floats, cons: Sequence[float] | Floats, cap: float) -> tuple[float, float]:
    """Return what counts for and against, no more than ``cap`` in all; the sums are exact, so that no order matters."""
    pro, con = math.fsum(pros), math.fsum(cons)
    share = 1.0 if pro + con <= cap else cap / (pro + con)
    return pro * share, con * share


# ── learning ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Lived(NamedTuple):
    """One trial of this ledger, with everything but itself as evidence."""

    evidence: Evidence
    base: Base
    better: bool


def learn(past: Sequence[Lived]) -> Weights:
    """Return discounts by how well each would have foretold what happened; the defaults where nothing has.

    One discount at a time, the others at their defaults: the mean of its logarithm over the grid, each value weighed by the
    likelihood of all outcomes and by exp(-1.5) for every step from the default. No order of outcomes matters.
    """
    default = Weights()
    if not past:
        return default
    found = {}
    for name, values in GRID.items():
        middle = values.index(getattr(default, name))
        logs = [
            foretold(past, msgspec.structs.replace(default, **{name: value})) - _CAREFUL * abs(place - middle)
            for place, value in enumerate(values)
        ]
        found[name] = _mean(values, logs)
    return Weights(**found)


TRUST: Final = (0.1, 0.3, 1.0, 3.0, 10.0)
"""How many times as much as by default another process may count."""


def learn_trust(past: Sequence[Lived], weights: Weights) -> float:
    """Return how many times as much as by default one other process counts, by how it would have foretold what happened here.

    ``past`` has that process as the only other one.
    """
    middle, logs = TRUST.index(1.0), []
    for place, times in enumerate(TRUST):
        shown = [one._replace(evidence=one.evidence._replace(overlap=one.evidence.overlap * times)) for one in past]
        trusting = msgspec.structs.replace(weights, carries=max(1.0, times))
        logs.append(foretold(shown, trusting) - _CAREFUL * abs(place - middle))
    return _mean(TRUST, logs)


def _mean(values: Sequence[float], logs: Sequence[float]) -> float:
    """Return the mean of the logarithm, by likelihood."""
    shares = [math.exp(log - max(logs)) for log in logs]
    return math.exp(
        math.fsum(share * math.log(value) for share, value in zip(shares, values, strict=True)) / math.fsum(shares)
    )


def foretold(past: Sequence[Lived], weights: Weights) -> float:
    """Return the log-likelihood of what happened under some discounts."""
    total = []
    for one in past:
        odds = min(0.995, max(0.005, weigh(one.evidence, one.base, weights).odds.better))
        total.append(math.log(odds if one.better else 1.0 - odds))
    return math.fsum(total)
