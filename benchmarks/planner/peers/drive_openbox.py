"""OpenBox's Advisor over the pipe.

Levels are integers by rank, conditions are the space's own, constraints a ``ConditionedSpace``'s sampling condition, guards
constraints of the problem. A failed run is a failed observation. A setting that was moved is observed as what ran. Several
goals go by ParEGO, since its hypervolume needs a reference point that a task does not give; guards are then failed runs.
What was tried on related problems is its transfer learning history.
"""

import tempfile
from collections.abc import Mapping
from typing import Any

from ConfigSpace import AndConjunction, EqualsCondition, InCondition
from openbox import Advisor, History, Observation, sp
from openbox.utils.constants import FAILED, SUCCESS
from wire import Problem, Told, serve


class OpenBox:
    """One advisor; model, acquisition and its optimizer are those it chooses by itself."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        several = len(problem.goals) > 1
        self._guarded = bool(problem.guards) and not several
        self._space = space = sp.ConditionedSpace()
        space.add_variables([_variable(p) for p in problem.parameters])
        for p in problem.parameters:
            if p.when:
                space.add_condition(_condition(space, p))
        if problem.constraints:
            space.set_sample_condition(lambda config: problem.allows(_plain(config)))
        self._advisor = Advisor(
            space,
            num_objectives=len(problem.goals),
            num_constraints=len(problem.guards) if self._guarded else 0,
            acq_type="parego" if several else "auto",
            initial_configurations=[self._configuration(problem.standard)],
            transfer_learning_history=[self._history(k) for k in range(len(problem.pasts))] or None,
            random_state=problem.seed,
            output_dir=tempfile.mkdtemp(),
            logger_kwargs={"level": "ERROR", "stream": True},
        )

    def _configuration(self, setting: Mapping[str, Any]) -> Any:
        return sp.Configuration(self._space, values=dict(setting))

    def _history(self, number: int) -> Any:
        """Return what was tried on a related problem as a history; what failed there is a failed observation."""
        made = History(task_id=f"past_{number}", config_space=self._space)
        for setting, loss in self._problem.pasts[number]:
            failed = loss is None
            objectives = [float("inf")] if failed else [loss]
            state = FAILED if failed else SUCCESS
            made.update_observation(Observation(self._configuration(setting), objectives, trial_state=state))
        return made

    def ask(self) -> Mapping[str, Any]:
        """Ask for a suggestion."""
        self._asked = self._advisor.get_suggestion()
        return _plain(self._asked)

    def tell(self, told: Told) -> None:
        """Update with what was observed of what ran."""
        config = self._configuration(told.setting) if told.moved else self._asked
        if told.values is None or (told.fault and not self._guarded):
            nothing = [float("inf")]
            limits = nothing * len(self._problem.guards) if self._guarded else None
            observed = Observation(config, nothing * len(self._problem.goals), limits, trial_state=FAILED)
        else:
            limits = list(told.broken) if self._guarded else None
            observed = Observation(config, self._problem.losses(told), limits, trial_state=SUCCESS)
        self._advisor.update_observation(observed)

    def recommend(self) -> Mapping[str, Any] | None:
        """Return the incumbent of its history; of several goals, the best sound reading of the first."""
        if len(self._problem.goals) > 1:
            return self._problem.chosen
        incumbents = self._advisor.get_history().get_incumbents()
        return _plain(incumbents[0].config) if incumbents else None


def _variable(p: Any) -> Any:
    match p.kind:
        case "real":
            return sp.Real(p.name, p.low, p.high, log=p.log)
        case "whole":
            return sp.Int(p.name, p.low, p.high, log=p.log)
    return sp.Categorical(p.name, list(p.values))


def _condition(space: Any, p: Any) -> Any:
    child = space.get_hyperparameter(p.name)
    made = []
    for name, values in p.when:
        parent = space.get_hyperparameter(name)
        made.append(
            InCondition(child, parent, list(values)) if len(values) > 1 else EqualsCondition(child, parent, values[0])
        )
    return made[0] if len(made) == 1 else AndConjunction(*made)


def _plain(config: Any) -> dict[str, Any]:
    return {name: value for name, value in config.get_dictionary().items() if value is not None}


if __name__ == "__main__":
    serve(OpenBox, "openbox", "ConfigSpace")
