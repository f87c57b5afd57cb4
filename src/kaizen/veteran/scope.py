"""Scope: from which conditions to which, and for which parameters, what was learned carries over.

Conditions that differ between then and now discount an item of evidence, each by its own factor,

    conditions^{differs} = Π_c D_c(then, now),   D_c(then, now) ~ D_c ~ D^{1/k}                                          (1)

where D is what all k conditions together are worth (``Weights.conditions``), D_c one condition of them, whatever its values,
and D_c(then, now) one pair of its values, in either direction. A parameter has an exponent of its own on all that is
discounted for having been learned elsewhere: against another standard, in another combination, under other conditions,

    (moved, knob, conditions)^κ,   κ = Π_p κ_p^{1/P} over the P parameters that are changed                              (2)

1 to begin with; near 0, its lessons hold everywhere. ``scoping`` learns them.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

UNKNOWN: Final = ""
"""The value of a condition that a run says nothing of."""
_HOLDS = 0.12  # of its weight, from which a failed trial weighs as much as the base rate: then a lesson is said to hold
_TOLD = 5  # outcomes
_NAMED = 6  # values that are named at most


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """How far what was learned carries over, for one condition, one pair of its values, or one parameter."""

    name: str
    kind: str
    """``condition``, ``pair`` or ``parameter``."""
    values: tuple[str, ...] = ()
    """The two values of a pair; an empty one is unknown."""
    counts: float
    """What is left of something learned there: 1 is all of it. Of a parameter: once the standard has moved."""
    outcomes: int
    """How many outcomes that stands on."""

    @property
    def told(self) -> bool:
        """Whether it stands on enough to be said aloud."""
        return self.outcomes >= _TOLD

    def __str__(self) -> str:
        """Say it in a sentence."""
        stands = f"{self.outcomes} outcome{'' if self.outcomes == 1 else 's'}"
        if self.kind == "parameter":
            return (
                f"what failed with {self.name} changed counts {self.counts:.2g} once the standard has moved ({stands})"
            )
        if self.kind == "pair":
            one, other = (repr(value) if value else "unknown" for value in self.values)
            return f"between {self.name} {one} and {other} it counts {self.counts:.2g} ({stands})"
        return f"what happened with another {self.name} counts {self.counts:.2g} ({stands})"


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What was learned of conditions and parameters; without any, all conditions share one discount."""

    of: float = 0.5
    """D: what happened with all conditions others counts."""
    held: tuple[Held, ...] = ()
    exponents: tuple[tuple[str, float], ...] = ()
    """κ by parameter."""

    def counts(self, then: Mapping[str, str], now: Mapping[str, str]) -> float:
        """Return what something counts now that was learned then (eq. 1)."""
        names = {*then, *now}
        found = 1.0
        for name in sorted(names):
            one, other = then.get(name, UNKNOWN), now.get(name, UNKNOWN)
            if one != other:
                found *= self.pair(name, one, other, len(names))
        return found

    def pair(self, name: str, one: str, other: str, names: int) -> float:
        """Return what one condition leaves between two values; ``names`` is how many conditions there are."""
        known = {held.values: held.counts for held in self.held if held.name == name and held.kind != "parameter"}
        default: float = self.of ** (1.0 / max(1, names))
        return known.get(tuple(sorted((one, other))), known.get((), default))

    def kappa(self, changed: Iterable[str]) -> float:
        """Return the exponent of a question that changes these parameters (eq. 2)."""
        known = dict(self.exponents)
        logs = [math.log(known.get(name, 1.0)) for name in changed]
        return math.exp(math.fsum(logs) / len(logs)) if logs else 1.0


def carries(scope: Scope, then: Mapping[str, str], seen: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Say where something that was learned under some conditions holds; nothing of conditions that nothing is learned of.

    ``seen`` are the values that each condition ever had: ``holds from gpu 'a100' to 'a4000' (0.9), hardly to 'w7800' (0.05)``.
    """
    said = []
    learned = {held.name for held in scope.held if held.kind == "condition" and held.told}
    for name in sorted(learned & then.keys()):
        others = [
            (scope.pair(name, then[name], other, 1), other) for other in seen.get(name, ()) if other != then[name]
        ]
        ordered = sorted(others, key=lambda one: (-one[0], one[1]))[:_NAMED]
        holds = ", ".join(f"{other!r} ({counts:.2g})" for counts, other in ordered if counts >= _HOLDS)
        hardly = ", ".join(f"{other!r} ({counts:.2g})" for counts, other in ordered if counts < _HOLDS)
        if holds or hardly:
            to = f"holds from {name} {then[name]!r} to {holds}" if holds else f"was learned with {name} {then[name]!r}"
            said.append(f"{to}{f', hardly to {hardly}' if hardly else ''}")
    return tuple(said)
