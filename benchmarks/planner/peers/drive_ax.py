"""Ax's Client over the pipe, with the strategy it chooses by itself.

Levels are integers by rank; where parameters wait for one choice they are its dependents; guards are outcome constraints. The
standard is attached as the first trial. A failed run is marked failed; a setting that was moved is abandoned, and what ran
is attached.

What was tried on related problems is attached as auxiliary experiments, and its transfer learning takes the place of the
strategy: a multi-task and a single-task model, of which the one that cross-validates better generates. By itself that takes
minutes a trial, so the cross-validation has five folds, and a fit goes on from the last one's end for a few iterations.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from ax.adapter.transfer_learning import transfer_learning_generator_specs_constructor
from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig
from ax.core.auxiliary import AuxiliaryExperimentPurpose
from ax.core.auxiliary_source import AuxiliarySource
from ax.generation_strategy.generation_strategy import GenerationNode, GenerationStrategy
from ax.generators.torch.botorch_modular.utils import fit_botorch_model
from botorch.fit import fit_gpytorch_mll
from botorch.models import MultiTaskGP
from wire import Problem, Told, Unsupported, serve

logging.disable(logging.WARNING)
_FOLDS = 5  # of its choice between models
_STEPS = (300, 40)  # iterations of a multi-task fit: the first, and those that go on from the last
_LAST_FIT: dict[str, Any] = {}


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
        if problem.pasts:
            self._remember()

    def _remember(self) -> None:
        """Attach each related problem as an auxiliary experiment, and generate by Ax's transfer learning."""
        experiment = self._client._experiment  # noqa: SLF001 - its Client has no way to auxiliary experiments yet
        for number, tried in enumerate(self._problem.pasts):
            source = AuxiliarySource(self._past(f"past_{number}", tried), update_fixed_params=False)
            experiment.add_auxiliary_experiment(AuxiliaryExperimentPurpose.TRANSFERABLE_EXPERIMENT, source)
        specs, selector = transfer_learning_generator_specs_constructor()
        selector.cv_kwargs = {**selector.cv_kwargs, "folds": _FOLDS}
        node = GenerationNode(name="BOTL", generator_specs=specs, best_model_selector=selector, should_deduplicate=True)
        self._client.set_generation_strategy(GenerationStrategy(nodes=[node], name="BOTL"))

    def _past(self, name: str, tried: Sequence[tuple[Mapping[str, Any], float | None]]) -> Any:
        """Return an experiment with what was tried; what failed there is a failed trial."""
        goal = self._problem.goals[0]
        past = Client(random_seed=self._problem.seed)
        past.configure_experiment(parameters=_parameters(self._problem, nested=self._nested), name=name)
        past.configure_optimization(objective=f"{'-' if goal.better == 'lower' else ''}goal_0")
        for setting, loss in tried:
            trial = past.attach_trial(dict(setting) if self._nested else self._problem.filled(setting))
            if loss is None:
                past.mark_trial_failed(trial)
            else:
                past.complete_trial(trial, raw_data={"goal_0": goal.sign * loss})
        return past._experiment  # noqa: SLF001 - as above

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


@fit_botorch_model.register(MultiTaskGP)
def _fit(model: Any, mll_class: Any, mll_options: Mapping[str, Any] | None = None) -> None:
    """Fit a multi-task model from where the last one of its shape ended; the first one for longer."""
    ended = _LAST_FIT.get("parameters", {})
    known = {name for name, value in model.named_parameters() if name in ended and ended[name].shape == value.shape}
    again = known == {name for name, _ in model.named_parameters()}
    if again:
        with torch.no_grad():
            for name, value in model.named_parameters():
                value.copy_(ended[name])
    mll = mll_class(likelihood=model.likelihood, model=model, **(mll_options or {}))
    fit_gpytorch_mll(mll, optimizer_kwargs={"options": {"maxiter": _STEPS[again]}})
    _LAST_FIT["parameters"] = {name: value.detach().clone() for name, value in model.named_parameters()}


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
