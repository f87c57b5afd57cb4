"""What a process's runs say of each half of each parameter, in counts that one run moves by two at most.

Runs are put in order by what they read, faults and broken guards first, ties by chance; the better half counts +1, the other
-1, one in the middle nothing. Of every parameter the counts are taken where its values lie, x = +1 in the upper half of its
range and -1 in the lower one (a choice has x = 1 at each of its values in turn):

    S = Σ_i s_i x_i                                                                                              (eq. 1)

Without one run its own term is gone, and at most one other run, the one next to the middle, changes sides by half: so each
S moves by 2 at most, and all counts of a process with P parameters together by

    Δ = 2 P                                                                                                      (eq. 2)

whatever the run read (a choice moves by one at two of its values). Readings and settings enter by these signs alone.
"""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kaizen.errors import Mistake
from kaizen.journal import Tried
from kaizen.metric import Metric
from kaizen.parameter import Choice, Parameter, Real, Revision, Switch, Whole
from kaizen.process import Process
from kaizen.setting import Setting, Value
from kaizen.trial import Fault
from kaizen.veteran.dither import Chance

_TIES = 2**64


class Vote(NamedTuple):
    """One run: its setting, and what it read, turned so that more is better; a fault is minus infinity."""

    setting: Setting
    merit: float


class Owner(NamedTuple):
    """One process of whoever makes a pack, and its runs."""

    process: Process
    votes: tuple[Vote, ...]


class Cell(NamedTuple):
    """What one count is of: a number or switch (its upper half less its lower one), or one value of a choice."""

    name: str
    sort: str
    unit: str
    value: str = ""


def votes(process: Process, metric: Metric, runs: Iterable[Tried]) -> tuple[Vote, ...]:
    """Return the runs that count; whether one does is seen from itself alone. Lost workers say nothing of a setting."""
    turn = 1.0 if metric.better == "higher" else -1.0
    found = []
    for run in runs:
        if run.values is None:
            if not (isinstance(run.outcome, Fault) and run.outcome.reason == "lost"):
                found.append(Vote(run.setting, -math.inf))
        elif metric.name in run.values:
            known = all(guard.metric in run.values for guard in process.guards)
            broke = known and bool(process.broken_guards(run.values))
            found.append(Vote(run.setting, -math.inf if broke else turn * run.values[metric.name]))
    return tuple(found)


def signs(merits: Sequence[float], chance: Chance) -> list[int]:
    """Return s of eq. 1, one for each run; ties are broken by chance."""
    keys = [(merit, chance.randrange(_TIES)) for merit in merits]
    made = [0] * len(keys)
    for rank, at in enumerate(sorted(range(len(keys)), key=keys.__getitem__)):
        beside = 2 * rank - (len(keys) - 1)
        made[at] = (beside > 0) - (beside < 0)
    return made


def cells(process: Process) -> list[Cell]:
    """Return what a process's counts are of; code is left out."""
    found = []
    for parameter in process.parameters:
        if isinstance(parameter, Choice):
            found += [Cell(parameter.name, "choice", "", spelled(value)) for value in parameter.values]
        elif not isinstance(parameter, Revision):
            found.append(Cell(parameter.name, sort_of(parameter), unit_of(parameter)))
    return found


def moved_by_one(process: Process) -> int:
    """Return Δ of eq. 2."""
    return 2 * sum(not isinstance(parameter, Revision) for parameter in process.parameters)


def tally(owner: Owner, chance: Chance) -> dict[Cell, int]:
    """Return S of one process (eq. 1)."""
    counted = dict.fromkeys(cells(owner.process), 0)
    signed = signs([vote.merit for vote in owner.votes], chance)
    parameters = {parameter.name: parameter for parameter in owner.process.parameters}
    for vote, sign in zip(owner.votes, signed, strict=True):
        for name in vote.setting if sign else ():
            parameter = parameters.get(name)
            if isinstance(parameter, Choice):
                cell = Cell(name, "choice", "", spelled(vote.setting[name]))
                if cell in counted:  # a value may have been taken out of the description
                    counted[cell] += sign
            elif parameter is not None and not isinstance(parameter, Revision):
                counted[Cell(name, sort_of(parameter), unit_of(parameter))] += sign * half(
                    parameter, vote.setting[name]
                )
    return counted


def tally_all(owners: Iterable[Owner], chance: Chance) -> dict[Cell, int]:
    """Return the sum of the counts of several processes: what they have in common is counted together."""
    made: dict[Cell, int] = {}
    for owner in owners:
        for cell, count in tally(owner, chance).items():
            made[cell] = made.get(cell, 0) + count
    return made


def half(parameter: Parameter, value: Value) -> int:
    """Return x: 1 in the upper half of the range, -1 in the lower one, 0 in the middle and where that cannot be said."""
    if isinstance(parameter, Switch):
        return 0 if not isinstance(value, bool) else 1 if value else -1
    if isinstance(parameter, Real | Whole):
        try:
            place = parameter.place(value)
        except (Mistake, ValueError, TypeError, ArithmeticError):  # an amendment has left it outside the range
            return 0
        return (place > 0.5 + 1e-9) - (place < 0.5 - 1e-9)
    return 0


def sort_of(parameter: Parameter) -> str:
    """Return ``number``, ``switch`` or ``choice``: whole numbers and real ones are one sort."""
    return "number" if isinstance(parameter, Real | Whole) else "switch" if isinstance(parameter, Switch) else "choice"


def unit_of(parameter: Parameter) -> str:
    """Return a number's unit; empty for what has none."""
    return parameter.unit if isinstance(parameter, Real | Whole) else ""


def spelled(value: Value) -> str:
    """Return a choice's value in one spelling, which keeps 1 and ``"1"`` apart."""
    return repr(value)
