"""BayBE's Campaign over the pipe, with the recommenders it chooses by itself.

BayBE lists every combination of its discrete parameters, and in a mixed space searches the continuous ones once for each. So
whole numbers are setpoints where nothing is continuous and the list stays short; else they are continuous and rounded.
Logarithms are taken here, it has no scale of its own. All parameters are always active. Constraints are custom ones where all
their parameters are discrete. A failed run, and one that breaks a guard, is the worst value seen: BayBE would propose what it
has no measurement of again. What is measured is what ran.
"""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
import torch  # noqa: F401 - so that its threads are held to one
from baybe import Campaign
from baybe.constraints import DiscreteCustomConstraint
from baybe.objectives import ParetoObjective, SingleTargetObjective
from baybe.parameters import CategoricalParameter, NumericalContinuousParameter, NumericalDiscreteParameter
from baybe.searchspace import SearchSpace
from baybe.targets import NumericalTarget
from wire import Problem, Told, serve

_ROWS = 50_000  # combinations that are still a list


class BayBE:
    """One campaign."""

    def __init__(self, problem: Problem) -> None:
        self._problem, self._by_name = problem, {p.name: p for p in problem.parameters}
        rows = math.prod(len(p.values) or p.high - p.low + 1 for p in problem.parameters)
        self._listed = all(p.kind != "real" for p in problem.parameters) and rows <= _ROWS
        space = SearchSpace.from_product([self._parameter(p) for p in problem.parameters], self._constraints())
        targets = [NumericalTarget(goal.name, minimize=goal.better == "lower") for goal in problem.goals]
        objective: Any = SingleTargetObjective(targets[0]) if len(targets) == 1 else ParetoObjective(targets)
        self._campaign = Campaign(space, objective)
        self._asked: Mapping[str, Any] = {}

    def _parameter(self, p: Any) -> Any:
        if p.kind == "choice":
            return CategoricalParameter(p.name, p.values)
        if p.kind == "whole" and self._listed:
            return NumericalDiscreteParameter(p.name, [_in(p, k) for k in range(int(p.low), int(p.high) + 1)])
        return NumericalContinuousParameter(p.name, (_in(p, p.low), _in(p, p.high)))

    def _constraints(self) -> list[Any]:
        discrete = {p.name for p in self._problem.parameters if self._listed or p.kind == "choice"}
        return [
            DiscreteCustomConstraint(names, self._valid) for names in self._problem.constraints if discrete >= {*names}
        ]

    def _valid(self, rows: pd.DataFrame) -> pd.Series:
        return pd.Series([self._problem.allows(self._plain(row)) for row in rows.to_dict("records")], index=rows.index)

    def _plain(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {name: _out(self._by_name[name], value) for name, value in row.items() if name in self._by_name}

    def ask(self) -> Mapping[str, Any]:
        """Return the standard, then what the campaign recommends."""
        if not self._asked:
            self._asked = self._problem.filled(self._problem.standard)
        else:
            self._asked = self._plain(self._campaign.recommend(1).iloc[0].to_dict())
        return self._asked

    def tell(self, told: Told) -> None:
        """Add what ran to the measurements."""
        losses = self._problem.losses(told) if told.sound else self._problem.worst
        if losses is None:
            return  # nothing sound was seen so far: there is no worst value
        ran = self._problem.filled(told.setting, self._asked)
        row = {name: _in(self._by_name[name], value) for name, value in ran.items()}
        row |= {goal.name: goal.sign * loss for goal, loss in zip(self._problem.goals, losses, strict=True)}
        self._campaign.add_measurements(pd.DataFrame([row]), numerical_measurements_must_be_within_tolerance=False)


def _in(p: Any, value: Any) -> Any:
    """Return a value as BayBE has it."""
    if p.kind == "choice":
        return value
    return math.log10(value) if p.log else float(value)


def _out(p: Any, value: Any) -> Any:
    if p.kind == "choice":
        return value
    number = 10.0**value if p.log else float(value)
    return number if p.kind == "real" else round(number)


if __name__ == "__main__":
    serve(BayBE, "baybe", "botorch", "torch")
