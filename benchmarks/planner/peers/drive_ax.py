"""Ax's Client over the pipe, with the strategy it chooses by itself.

Levels are integers by rank; where parameters wait for one choice they are its dependents; guards are outcome constraints. The
standard is attached as the first trial. A failed run is marked failed; a setting that was moved is abandoned, and what ran
is attached.
"""

import logging
from collections.abc import Mapping
from typing import Any

import torch  # noqa: F401 - so that its threads are held to one
from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig
from wire import Problem, Told, Unsupported, serve

logging.disable(logging.WARNING)


class Ax:
    """One experiment; goals and limits have plain names, since Ax reads them as formulas."""

    def __init__(self, problem: Problem) -> None:
        self._problem, self._nested = problem, _nests(problem)
        self._client = Client(random_seed=problem.seed)
        self._client.configure_experiment(parameters=_parameters(problem, nested=self._nested), name="bench")
        goals = [f"{'-' if goal.better == 'lower' else ''}goal_{k}" for k, goal in enumerate(problem.goals)]
        limits = [
            f"limit_{k} >= {guard['min']}" if "min" in guard else f"limit_{k} <= {guard['max']}"
            for k, guard in enumerate(problem.guards)
        ]
        self._client.configure_optimization(objective=", ".join(goals), outcome_constraints=limits)
        self._trial: int | None = None
        self._asked: Mapping[str, Any] = {}

    def ask(self) -> Mapping[str, Any]:
        """Return the standard, then the next trial's setting."""
        if self._trial is None:
            self._asked = self._shaped(self._problem.standard)
            self._trial = self._client.attach_trial(self._asked)
        else:
            trials = self._client.get_next_trials(max_trials=1)
            if not trials:
                raise Unsupported("Ax has no trial left to give")
            ((self._trial, self._asked),) = trials.items()
        return self._asked

    def tell(self, told: Told) -> None:
        """Complete the trial, or mark it failed; what was moved is abandoned and what ran attached."""
        if told.moved:
            self._client.mark_trial_abandoned(self._trial)
            self._trial = self._client.attach_trial(self._shaped(told.setting))
        if told.values is None:
            self._client.mark_trial_failed(self._trial, failed_reason=told.fault)
            return
        values = told.values
        data = {f"goal_{k}": values[goal.name] for k, goal in enumerate(self._problem.goals)}
        data |= {f"limit_{k}": values[guard["metric"]] for k, guard in enumerate(self._problem.guards)}
        self._client.complete_trial(self._trial, raw_data=data)

    def recommend(self) -> Mapping[str, Any] | None:
        """Return its best parameterization; of several goals, the best sound reading of the first."""
        if len(self._problem.goals) > 1:
            return self._problem.chosen
        return self._client.get_best_parameterization()[0]

    def _shaped(self, setting: Mapping[str, Any]) -> dict[str, Any]:
        return dict(setting) if self._nested else self._problem.filled(setting, self._asked)


def _nests(problem: Problem) -> bool:
    """Tell whether Ax can say the conditions: each parameter waits for one choice at most."""
    choices = {p.name for p in problem.parameters if p.kind == "choice"}
    return all(len(p.when) < 2 and all(name in choices for name, _ in p.when) for p in problem.parameters)


def _parameters(problem: Problem, *, nested: bool) -> list[Any]:
    made: list[Any] = []
    for p in problem.parameters:
        if p.kind == "choice":
            waiting = {
                value: [q.name for q in problem.parameters if any(n == p.name and value in v for n, v in q.when)]
                for value in p.values
            }
            waiting = {value: names for value, names in waiting.items() if names}
            more = {"dependent_parameters": waiting} if nested and waiting else {}
            made.append(
                ChoiceParameterConfig(
                    p.name, list(p.values), parameter_type="str", is_ordered=len(p.values) == 2, **more
                )
            )
        else:
            kind: Any = "int" if p.kind == "whole" else "float"
            made.append(
                RangeParameterConfig(p.name, (p.low, p.high), parameter_type=kind, scaling="log" if p.log else "linear")
            )
    return made


if __name__ == "__main__":
    serve(Ax, "ax-platform", "botorch", "torch")
