"""How often what planners run breaks a guard or faults, and what may still be risked. Pure arithmetic on outcomes.

``allowance`` is online conformal control with no model in it: what a planner may risk starts at the process's limit α,
falls with every break and is earned back by every sound run,

    λ ← min(α, λ + γ (α - broke)),   γ = α / 2,   λ = α at first,

and nothing but the standard is run once λ ≤ 0. A break takes γ (1 - α) and happens only above 0, so λ never falls
below -γ (1 - α), and after T runs at most α T + 2 + (1 - α) < α T + 3 of them broke, whatever the model, the drift or
the noise. What the sum leaves out: a run that is decided on while others are under way, or while its trial goes on.

References:
    Gibbs and Candès (2021), eq. 2 and proposition 4.1; Zhang, Park and Simeone (2023), arXiv 2306.17815 (deterministic case).
"""

from collections.abc import Iterable, Sequence

import msgspec

from kaizen.journal import Kept, Tested, Tried
from kaizen.process import Process
from kaizen.setting import Setting
from kaizen.standard import Increment
from kaizen.trial import Fault

SLACK = 3
"""So many breaks at most above limit times runs."""

REPEATED = "the standard again, to see its noise"
"""Why a repeat of the standard is run that somebody asked for: no planner's, and it earns planners nothing."""

_SIGNED = ("model", "small steps")
"""How the built-in planners sign their increments, before their version."""

_PACE = 0.5  # γ, in parts of α
_FIRST = 0.5  # the chance that one small step is given before anything is known, in parts of α
_EVENTS = 0.5  # prior events of the leash (Jeffreys)
SMALL = 0.05
"""A small step, as a share of a range; one level of a coarser grid is one, another choice is two."""


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """One finished run that a planner asked for."""

    setting: Setting
    new: bool
    """Whether it was of another setting than the standard's."""
    broke: bool
    """Whether it broke a guard or faulted."""


class Realised(msgspec.Struct, frozen=True, kw_only=True):
    """How planners' runs came out."""

    runs: int
    """All of them, those of the standard among them."""
    broke: int
    """Those of another setting than the standard's that broke a guard or faulted."""
    standard_broke: int
    """Those of the standard itself that did: nobody's proposal."""
    limit: float | None

    @property
    def share(self) -> float:
        """The realised rate."""
        return self.broke / self.runs if self.runs else 0.0

    def __str__(self) -> str:
        """Return ``3 of 120 planner's runs (2.5 %) broke a guard or faulted; the limit is 5 %``."""
        said = f"{self.broke} of {self.runs} planner's runs ({self.share * 100:.2g} %) broke a guard or faulted"
        own = f", and {self.standard_broke} of the standard itself" if self.standard_broke else ""
        return f"{said}{own}{f'; the limit is {self.limit * 100:g} %' if self.limit is not None else ''}"


def by_planner(increment: Increment) -> bool:
    """Tell whether a built-in planner proposed an increment."""
    return increment.by.rpartition(" ")[0] in _SIGNED


def breaks(process: Process, row: Tried) -> bool | None:
    """Tell whether a run broke a guard of today or faulted; ``None`` where its worker was lost and nobody knows."""
    if row.values is None:
        return None if isinstance(row.outcome, Fault) and row.outcome.reason == "lost" else True
    return any(guard.metric in row.values and guard.broken_by(row.values[guard.metric]) for guard in process.guards)


def planned(
    process: Process, rows: Iterable[Tried], trials: Sequence[Tested], standards: Sequence[Kept]
) -> list[Planned]:
    """Return the runs that planners asked for, in order: scouts, and both sides of the trials that they proposed.

    Left out are runs made elsewhere, trials that people or agents proposed, repeats of the standard that somebody asked
    for, and runs whose worker was lost.
    """
    theirs = {test.id: test.trial.increment for test in trials if by_planner(test.trial.increment)}
    at = {kept.standard.number: kept.standard.setting for kept in standards}
    found = []
    for row in rows:
        broke = breaks(process, row)
        asked = row.trial in theirs or (row.purpose == "scout" and row.because != REPEATED)
        if broke is None or row.source or not asked:
            continue
        new = row.setting != (theirs[row.trial].before if row.trial in theirs else at.get(row.of))
        found.append(Planned(setting=row.setting, new=new, broke=broke))
    return found


def realised(process: Process, runs: Sequence[Planned]) -> Realised:
    """Count how planners' runs came out, beside the process's limit."""
    return Realised(
        runs=len(runs),
        broke=sum(run.broke and run.new for run in runs),
        standard_broke=sum(run.broke and not run.new for run in runs),
        limit=process.policy.risk,
    )


def allowance(runs: Iterable[Planned], limit: float) -> float:
    """Return the chance of a break that a planner may now take: ``limit`` at most, nothing but the standard at 0."""
    allowed, pace = limit, _PACE * limit
    for run in runs:
        allowed = min(limit, allowed + pace * (limit - (run.broke and run.new)))
    return allowed


class Walk(msgspec.Struct, frozen=True, kw_only=True):
    """How far first runs of settings went from what was known to be sound, and how many of them broke."""

    length: float = 0.0
    """Sum of the distances, in ranges."""
    broke: int = 0

    def scale(self, limit: float) -> tuple[float, float]:
        """Return events a and length b of the leash (see ``stray``).

        Before anything is known one small step is given half the limit: (1 + SMALL / b)^-1/2 = 1 - limit / 2.
        """
        before = SMALL / ((1.0 - _FIRST * limit) ** (-1.0 / _EVENTS) - 1.0)
        return _EVENTS + self.broke, before + self.length


def stray(distance: float, walk: Walk, limit: float) -> float:
    """Return the chance that a setting so far from what is known to be sound breaks, by distances walked alone.

    Breaks come by distance as events of a Poisson process whose rate has a Gamma(a, b) belief: 1 - (b / (b + d))^a.
    """
    events, length = walk.scale(limit)
    return float(1.0 - (length / (length + distance)) ** events)
