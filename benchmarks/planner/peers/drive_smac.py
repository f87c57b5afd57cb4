"""SMAC over the pipe: its black-box facade (GP), or its facade for hyperparameters (forest) where parameters wait for others.

Levels are integers by rank, conditions are ConfigSpace's. The standard is told before the first ask, as the guide to warm
starts does. A failed run has crashed, at the worst cost seen; so has one that breaks a guard. Readings are told for what was
asked, also where a table had only a row near it; where a constraint forbade what was asked, that has crashed, and what ran
is told as a trial of its own.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ConfigSpace import (
    AndConjunction,
    Categorical,
    Configuration,
    ConfigurationSpace,
    EqualsCondition,
    Float,
    InCondition,
    Integer,
)
from smac import BlackBoxFacade, HyperparameterOptimizationFacade, Scenario
from smac.multi_objective.parego import ParEGO
from smac.runhistory.dataclasses import TrialInfo, TrialValue
from smac.runhistory.enumerations import StatusType
from wire import Problem, Told, serve


class Smac:
    """One facade with its own initial design, in a quarter of the budget at most."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._space = _space(problem)
        waits = any(p.when for p in problem.parameters)
        facade: Any = HyperparameterOptimizationFacade if waits else BlackBoxFacade
        several = len(problem.goals) > 1
        scenario = Scenario(
            self._space,
            objectives=[goal.name for goal in problem.goals] if several else "cost",
            deterministic=problem.exact,
            n_trials=problem.budget,
            seed=problem.seed,
            output_directory=Path(tempfile.mkdtemp()),
        )
        more = {"multi_objective_algorithm": ParEGO(scenario)} if several else {}
        self._smac = facade(scenario, _never, overwrite=True, logging_level=50, **more)
        self._asked: Any = None

    def ask(self) -> Mapping[str, Any]:
        """Return the standard, then what SMAC asks for; where it has nothing new left, its incumbent again."""
        if self._asked is None:
            standard = Configuration(self._space, values=self._problem.standard)
            self._asked = TrialInfo(standard, seed=0)  # a seed that is in the history is used for the others too
            return self._problem.standard
        try:
            self._asked = self._smac.ask()
        except StopIteration:
            return self._problem.chosen or self._problem.standard
        return dict(self._asked.config)

    def tell(self, told: Told) -> None:
        """Tell the cost of what was asked; of what ran instead, where what was asked is forbidden."""
        if told.moved and not self._problem.allows(dict(self._asked.config)):
            self._told(self._asked, None)
            ran = Configuration(self._space, values=told.setting)
            self._told(TrialInfo(ran, seed=self._asked.seed), told)
        else:
            self._told(self._asked, told)

    def _told(self, trial: TrialInfo, told: Told | None) -> None:
        if told is not None and told.sound:
            costs, status = self._problem.losses(told), StatusType.SUCCESS
        else:
            costs, status = self._problem.worst or [0.0] * len(self._problem.goals), StatusType.CRASHED
        self._smac.tell(trial, TrialValue(costs if len(costs) > 1 else costs[0], status=status), save=False)

    def recommend(self) -> Mapping[str, Any] | None:
        """Return its incumbent, the first one of several."""
        incumbents = self._smac.intensifier.get_incumbents()
        return dict(incumbents[0]) if incumbents else self._problem.chosen


def _never(config: Configuration, seed: int = 0) -> float:
    raise NotImplementedError


def _space(problem: Problem) -> ConfigurationSpace:
    space = ConfigurationSpace(seed=problem.seed)
    for p in problem.parameters:
        match p.kind:
            case "real":
                space.add(Float(p.name, (p.low, p.high), log=p.log))
            case "whole":
                space.add(Integer(p.name, (int(p.low), int(p.high)), log=p.log))
            case _:
                space.add(Categorical(p.name, list(p.values)))
    for p in problem.parameters:
        made: list[Any] = [
            InCondition(space[p.name], space[name], list(values))
            if len(values) > 1
            else EqualsCondition(space[p.name], space[name], values[0])
            for name, values in p.when
        ]
        if made:
            space.add(made[0] if len(made) == 1 else AndConjunction(*made))
    return space


if __name__ == "__main__":
    serve(Smac, "smac", "ConfigSpace")
