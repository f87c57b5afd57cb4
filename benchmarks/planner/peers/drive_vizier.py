"""Vizier's Gaussian-process bandit (GP-UCB-PE, what its service takes by default) over the pipe.

The designer is made directly: the module that is public for it needs packages that cannot be installed together with what
runs. Levels are integers by rank; all parameters are always active. A failed run, and one that breaks a guard, is an
infeasible trial. What is told is what ran, also where a setting was moved. The standard is a completed trial.
"""

from collections.abc import Mapping
from typing import Any

import jax
from vizier import algorithms as vza
from vizier import pyvizier as vz
from vizier._src.algorithms.designers.gp_ucb_pe import VizierGPUCBPEBandit
from wire import Problem, Told, serve


class Vizier:
    """One designer, told every trial as it ends."""

    def __init__(self, problem: Problem) -> None:
        jax.config.update("jax_enable_x64", True)  # as its service does; in single precision the GP gives NaN at times
        self._problem, self._done = problem, 0
        self._kinds = {p.name: p.kind for p in problem.parameters}
        statement = vz.ProblemStatement()
        for p in problem.parameters:
            _add(statement.search_space.root, p)
        for goal in problem.goals:
            wanted = vz.ObjectiveMetricGoal.MINIMIZE if goal.better == "lower" else vz.ObjectiveMetricGoal.MAXIMIZE
            statement.metric_information.append(vz.MetricInformation(name=goal.name, goal=wanted))
        self._designer = VizierGPUCBPEBandit(statement, rng=jax.random.PRNGKey(problem.seed))
        self._asked: Mapping[str, Any] = {}

    def ask(self) -> Mapping[str, Any]:
        """Return the standard, then what the designer suggests."""
        if not self._asked:
            self._asked = self._problem.filled(self._problem.standard)
        else:
            self._asked = self._plain(self._designer.suggest(1)[0].parameters.as_dict())
        return self._asked

    def _plain(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {k: round(float(v)) if self._kinds[k] == "whole" else v for k, v in parameters.items()}

    def tell(self, told: Told) -> None:
        """Complete a trial of what ran, infeasible where it failed."""
        self._done += 1
        trial = vz.Trial(id=self._done, parameters=self._problem.filled(told.setting, self._asked))
        if told.sound and told.values is not None:
            trial.complete(vz.Measurement({goal.name: told.values[goal.name] for goal in self._problem.goals}))
        else:
            trial.complete(vz.Measurement(), infeasibility_reason=told.fault)
        self._designer.update(vza.CompletedTrials([trial]), vza.ActiveTrials([]))


def _add(root: Any, p: Any) -> None:
    scale = vz.ScaleType.LOG if p.log else vz.ScaleType.LINEAR
    match p.kind:
        case "real":
            root.add_float_param(p.name, p.low, p.high, scale_type=scale)
        case "whole":
            root.add_int_param(p.name, int(p.low), int(p.high), scale_type=scale)
        case _:
            root.add_categorical_param(p.name, list(p.values))


if __name__ == "__main__":
    serve(Vizier, "google-vizier", "jax")
