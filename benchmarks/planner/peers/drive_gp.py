"""Optuna's GPSampler over the pipe, told just what the bench's own Optuna methods tell it."""

from collections.abc import Mapping
from typing import Any

import optuna
import torch  # noqa: F401 - so that its threads are held to one
from wire import Problem, Told, serve

Trials = optuna.trial.TrialState


class GPSampler:
    """One study; with ``guards``, broken guards are constraints instead of failed trials."""

    def __init__(self, problem: Problem) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._problem, self._guards = problem, bool(problem.options.get("guards") and problem.guards)
        self._zeros = (0.0,) * len(problem.guards)
        extra: dict[str, Any] = {}
        if self._guards:
            extra = {"constraints_func": lambda trial: trial.user_attrs.get("broken", self._zeros)}
        sampler = optuna.samplers.GPSampler(
            seed=problem.seed, deterministic_objective=problem.exact, warn_independent_sampling=False, **extra
        )
        directions = ["minimize" if goal.better == "lower" else "maximize" for goal in problem.goals]
        self._study = optuna.create_study(directions=directions, sampler=sampler)
        self._study.enqueue_trial(problem.standard)
        self._distributions = {p.name: _distribution(p) for p in problem.parameters}

    def ask(self) -> Mapping[str, Any]:
        """Ask for a trial; what waits for another value is asked for only where it is active."""
        self._trial = self._study.ask()
        setting: dict[str, Any] = {}
        for p in self._problem.parameters:
            if all(setting.get(name) in values for name, values in p.when):
                setting[p.name] = self._trial._suggest(p.name, self._distributions[p.name])  # noqa: SLF001
        return setting

    def tell(self, told: Told) -> None:
        """Tell the trial; one that was moved fails, and what ran instead is added."""
        if told.values is None or (told.fault and not self._guards):
            self._study.tell(self._trial, state=Trials.FAIL)
            return
        values = [told.values[goal.name] for goal in self._problem.goals]
        if not told.moved:
            self._trial.set_user_attr("broken", told.broken)
            self._study.tell(self._trial, values)
            return
        self._study.tell(self._trial, state=Trials.FAIL)
        self._study.add_trial(
            optuna.trial.create_trial(
                params=told.setting,
                distributions={name: self._distributions[name] for name in told.setting},
                values=values,
                user_attrs={"broken": told.broken},
                system_attrs={"constraints": told.broken} if self._guards else {},
            )
        )


def _distribution(p: Any) -> Any:
    match p.kind:
        case "real":
            return optuna.distributions.FloatDistribution(p.low, p.high, log=p.log)
        case "whole":
            return optuna.distributions.IntDistribution(p.low, p.high, log=p.log)
    return optuna.distributions.CategoricalDistribution(p.values)


if __name__ == "__main__":
    serve(GPSampler, "optuna", "torch")
