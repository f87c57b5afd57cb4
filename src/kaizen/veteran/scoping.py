"""Learning the scope of what was learned, from what happened: conditions, pairs of their values, parameters.

Each discount (``scope``, eq. 1 and 2) begins where the one above it stands, all conditions, then one, then a pair of its
values, and moves as far as outcomes carry it: the mean of its logarithm over a grid, by the likelihood of what happened and
exp(-1.5) for every step away. What happened there is asked how well it foretells, by itself, what happened here,

    odds = (2 m + c Σ w y) / (2 + c Σ w),   c Σ w ≤ 68,                                                              (1)

with m the base rate, w and y as in the odds: where much is known here, all else would tell the same, and nothing could be
learned of it. Conditions are learned in the order of what they explain alone, each given those before, so that two that
always change together are not blamed twice; no order of outcomes matters. For a question all of these are constants: one
more failure never raises its odds.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from kaizen.setting import Texts
from kaizen.veteran.odds import FAULT, Evidence, Floats, Lived, Weights, kernel, weights_of
from kaizen.veteran.past import FAULTED, Bools
from kaizen.veteran.scope import UNKNOWN, Held, Scope

_COUNTS = (0.03, 0.15, 0.5, 1.0)
_KAPPA = (0.1, 0.4, 1.0, 2.5)
_CAREFUL = 1.5  # nats that one step away from the default costs
_NEAR = 1.25  # times another value of the grid that a default may be, and take its place
_WEIGHT = 1e-3  # below which an item says nothing
_FEWEST = 2  # outcomes from which a condition or a pair is weighed by itself
_S, _CAP = 2.0, 68.0  # strength of the base rate, and the most that evidence weighs (eq. 1)
_MOST = 12  # conditions, and pairs of each, that are learned: those with most outcomes


class Case(NamedTuple):
    """One outcome, its evidence, and the conditions and the changes of it."""

    lived: Lived
    then: NDArray[np.int32]
    """By item of the evidence: the number of its conditions; -1 of another process's."""
    table: Sequence[Texts]
    """Conditions by number."""
    now: int
    changed: AbstractSet[str]


def weights_for(weights: Weights, scope: Scope, changed: Iterable[str]) -> Weights:
    """Return the discounts of a question that changes these parameters."""
    kappa = scope.kappa(changed)
    return msgspec.structs.replace(weights, moved=weights.moved**kappa, knob=weights.knob**kappa)


def differs_for(
    then: NDArray[np.int32], table: Sequence[Texts], now: int, scope: Scope, *, weights: Weights, kappa: float
) -> Floats:  # fmt: skip
    """Return ``(n,)`` exponents of ``weights.conditions`` that give what each item counts (eq. 1)."""
    if not len(then) or not table:
        return np.zeros(len(then))
    base = math.log(weights.conditions)
    numbers, places = np.unique(then, return_inverse=True)
    counts = [1.0 if number < 0 else scope.counts(table[number], table[now]) for number in numbers.tolist()]
    logs = np.array([kappa * math.log(one) / base if base < 0 else 0.0 for one in counts])
    return np.asarray(logs[places.reshape(-1)])


class _Told(NamedTuple):
    """Items of evidence of ``c`` cases, ``n`` in all, with what they weigh before anything is taken off for being elsewhere."""

    case: NDArray[np.int64]
    weight: Floats
    better: Floats
    moved: Bools
    knob: Bools
    """Whether it has the same change in another combination."""
    pair: NDArray[np.int32]
    """Its place among ``pairs``."""
    pairs: tuple[tuple[Texts, Texts], ...]
    """Conditions then and now."""
    base: Floats
    """``(c,)``"""
    won: Bools
    """``(c,)``: what happened."""
    changed: tuple[AbstractSet[str], ...]
    """``(c,)``"""

    def pick(self, rows: Bools) -> "_Told":
        """Return some of the items."""
        columns: dict[str, Any] = {name: getattr(self, name)[rows] for name in self._fields[:6]}
        return self._replace(**columns)

    def outcomes(self) -> int:
        """Return how many cases have an item."""
        return len(np.unique(self.case))

    def values(self, name: str) -> NDArray[np.str_]:
        """Return ``(n, 2)`` the values of one condition, then and now."""
        values = [[texts.get(name, UNKNOWN) for texts in pair] for pair in self.pairs]
        return np.asarray(np.array(values, dtype=np.str_).reshape(-1, 2)[self.pair])

    def foretold(self, weights: Weights, scope: Scope) -> float:
        """Return the log-likelihood of what happened (eq. 1)."""
        counts = np.log([scope.counts(*pair) for pair in self.pairs])
        kappas = {changed: scope.kappa(changed) for changed in set(self.changed)}
        kappa = np.array([kappas[changed] for changed in self.changed])
        logs = counts[self.pair] + self.moved * math.log(weights.moved) + self.knob * math.log(weights.knob)
        weight = self.weight * np.exp(kappa[self.case] * logs)
        pro, all_ = (np.bincount(self.case, one, len(self.base)) for one in (weight * self.better, weight))
        share = np.minimum(1.0, _CAP / np.maximum(all_, 1e-12))
        odds = np.clip((self.base * _S + pro * share) / (_S + all_ * share), 0.005, 0.995)
        return math.fsum(np.log(np.where(self.won, odds, 1.0 - odds))[np.unique(self.case)].tolist())


def learn_scope(cases: Sequence[Case], weights: Weights) -> Scope:
    """Return what carries over, by how it would have foretold what happened; defaults where nothing did."""
    scope, told = Scope(of=weights.conditions), _told(cases, weights)
    apart = {}
    for name in sorted({name for pair in told.pairs for texts in pair for name in texts}):
        values = told.values(name)
        found = told.pick(values[:, 0] != values[:, 1])
        if found.outcomes() >= _FEWEST:
            apart[name] = found
    chosen = sorted(apart, key=lambda name: (-apart[name].outcomes(), name))[:_MOST]
    for name in _in_order({name: apart[name] for name in chosen}, weights, scope):
        scope = _with_condition(apart[name], weights, scope, name)
    return _with_parameters(told, weights, scope)


def _told(cases: Sequence[Case], weights: Weights) -> _Told:
    """Return the items that say something, and are of the cases' own processes."""
    places: dict[tuple[Texts, Texts], int] = {}
    parts: list[tuple[NDArray[Any], ...]] = [_NOTHING]
    for at, case in enumerate(cases):
        weight, better, knob = _plain(case.lived.evidence, weights)
        rows = np.flatnonzero((case.then >= 0) & (weight > _WEIGHT))
        numbers, place = np.unique(case.then[rows], return_inverse=True)
        pairs = [(case.table[then], case.table[case.now]) for then in numbers.tolist()]
        known = np.array([places.setdefault(pair, len(places)) for pair in pairs], dtype=np.int32)
        moved = case.lived.evidence.moved[rows]
        parts.append((np.full(len(rows), at), weight[rows], better[rows], moved, knob[rows], known[place.reshape(-1)]))
    number, weight, better, moved, knob, pair = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _Told(
        case=number, weight=weight, better=better, moved=moved, knob=knob, pair=pair, pairs=tuple(places),
        base=np.array([case.lived.base.better for case in cases]),
        won=np.array([case.lived.better for case in cases], dtype=np.bool_),
        changed=tuple(frozenset(case.changed) for case in cases),
    )  # fmt: skip


_NOTHING = tuple(np.zeros(0, dtype=kind) for kind in (np.int64, np.float64, np.float64, np.bool_, np.bool_, np.int32))


def _plain(evidence: Evidence, weights: Weights) -> tuple[Floats, Floats, Bools]:
    """Return what items weigh here and now, the chance that each was better, and which have the change alone in common."""
    here = evidence._replace(moved=np.zeros(evidence.size, dtype=bool), differs=np.zeros(evidence.size))
    free = msgspec.structs.replace(weights, knob=1.0)
    near = weights_of(here._replace(likeness=np.zeros(evidence.size)), free)
    knob = weights_of(here, weights) > near
    weight = np.where(knob, weights_of(here, free), near)
    faults = evidence.became == FAULTED
    at = np.where(evidence.same, 1.0, kernel(evidence.distance, weights.reach))
    better = np.nan_to_num(evidence.better)
    return np.where(faults, FAULT * at, weight), np.where(faults, 0.0, better), knob & ~faults


def _in_order(apart: Mapping[str, _Told], weights: Weights, scope: Scope) -> list[str]:
    """Return the conditions to be learned, those first that explain most by themselves."""
    gains = {}
    for name, told in apart.items():
        tried = (told.foretold(weights, _with(scope, name, (), counts)) for counts in _COUNTS)
        gains[name] = max(tried) - told.foretold(weights, scope)
    return sorted(gains, key=lambda name: (-round(gains[name], 9), name))


def _with(scope: Scope, name: str, values: tuple[str, ...], counts: float, outcomes: int = 0) -> Scope:
    kept = tuple(one for one in scope.held if (one.name, one.values) != (name, values))
    held = Held(name=name, kind="pair" if values else "condition", values=values, counts=counts, outcomes=outcomes)
    return msgspec.structs.replace(scope, held=(*kept, held))


def _with_condition(told: _Told, weights: Weights, scope: Scope, name: str) -> Scope:
    """Learn one condition, and then those pairs of its values that there are enough outcomes of."""
    default = scope.of ** (1.0 / max(len({*then, *now}) for then, now in told.pairs))
    counts = _mean(_grid(default), default, lambda one: told.foretold(weights, _with(scope, name, (), one)))
    scope = _with(scope, name, (), counts, told.outcomes())
    values = np.sort(told.values(name), axis=1)
    pairs = {
        (one, other): told.pick((values == [one, other]).all(axis=1))
        for one, other in sorted(set(map(tuple, values.tolist())))
    }
    if len(pairs) < 2:
        return scope
    often = sorted(
        (pair for pair in pairs if pairs[pair].outcomes() >= _FEWEST), key=lambda pair: (-pairs[pair].outcomes(), pair)
    )
    begin = Held(name=name, kind="pair", counts=counts, outcomes=0)
    learned = [
        _pair(pairs[pair], weights, scope, msgspec.structs.replace(begin, values=pair)) for pair in often[:_MOST]
    ]
    for one in learned:
        scope = _with(scope, name, one.values, one.counts, one.outcomes)
    return scope


def _pair(told: _Told, weights: Weights, scope: Scope, held: Held) -> Held:
    """Learn one pair of values, from where its condition stands."""
    found = _mean(
        _grid(held.counts),
        held.counts,
        lambda one: told.foretold(weights, _with(scope, held.name, held.values, one)),
    )
    return msgspec.structs.replace(held, counts=found, outcomes=told.outcomes())


def _with_parameters(told: _Told, weights: Weights, scope: Scope) -> Scope:
    """Learn the exponents of parameters, each with those of all others at 1, by what was learned elsewhere alone."""
    differs = np.array([then != now for then, now in told.pairs], dtype=np.bool_)
    elsewhere = told.pick(told.moved | told.knob | (differs[told.pair] if len(differs) else told.moved))
    exponents, held = [], []
    for name in sorted({name for changed in told.changed for name in changed}):
        has = np.array([name in changed for changed in told.changed], dtype=np.bool_)
        seen = elsewhere.pick(has[elsewhere.case])
        if seen.outcomes() < _FEWEST:
            continue

        def foretold(kappa: float, name: str = name, seen: _Told = seen) -> float:
            return seen.foretold(weights, msgspec.structs.replace(scope, exponents=((name, kappa),)))

        kappa = _mean(_KAPPA, 1.0, foretold)
        exponents.append((name, kappa))
        held.append(Held(name=name, kind="parameter", counts=weights.moved**kappa, outcomes=seen.outcomes()))
    return msgspec.structs.replace(scope, held=(*scope.held, *held), exponents=tuple(exponents))


def _grid(default: float) -> tuple[float, ...]:
    """Return the values that a discount may take, its default in the place of what is near it."""
    far = [one for one in _COUNTS if max(one, default) > _NEAR * min(one, default)]
    return tuple(sorted((*far, default)))


def _mean(values: Sequence[float], default: float, foretold: Callable[[float], float]) -> float:
    """Return the mean of the logarithm, by likelihood and by how many steps from the default."""
    middle = values.index(default)
    logs = [foretold(value) - _CAREFUL * abs(place - middle) for place, value in enumerate(values)]
    shares = [math.exp(log - max(logs)) for log in logs]
    return math.exp(
        math.fsum(share * math.log(value) for share, value in zip(shares, values, strict=True)) / math.fsum(shares)
    )
