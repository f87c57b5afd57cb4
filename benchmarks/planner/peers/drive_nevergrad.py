"""Nevergrad's NGOpt over the pipe.

Readings are told for the point that was asked, also where another was run: most of its methods learn nothing from points
they did not ask for. A failed run is an infinite loss; broken guards go in as constraint violations; constraints are
registered as cheap ones, which are asked before a proposal is made.
"""

from collections.abc import Mapping
from typing import Any

import nevergrad as ng
from wire import Problem, Told, serve


class NGOpt:
    """One optimizer for the whole budget."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        space: Any = ng.p.Dict(**{p.name: _parameter(p) for p in problem.parameters})
        space.random_state.seed(problem.seed)
        space.function.deterministic = problem.exact
        if problem.constraints:
            space.register_cheap_constraint(self._allowed)
        self._optimizer: Any = ng.optimizers.NGOpt(parametrization=space, budget=problem.budget, num_workers=1)
        self._optimizer.suggest(problem.filled(problem.standard))

    def _allowed(self, point: Mapping[str, Any]) -> bool:
        return self._problem.allows(self._problem.active(point))

    def ask(self) -> Mapping[str, Any]:
        """Ask for a candidate."""
        self._asked = self._optimizer.ask()
        return dict(self._asked.value)

    def tell(self, told: Told) -> None:
        """Tell the losses; without any, an infinite one, or the worst seen where there are several goals."""
        problem = self._problem
        if told.values is not None:
            losses = problem.losses(told)
        else:
            losses = [float("inf")] if len(problem.goals) == 1 else problem.worst or [0.0] * len(problem.goals)
        violation = list(told.broken) or None
        self._optimizer.tell(self._asked, losses if len(losses) > 1 else losses[0], constraint_violation=violation)

    def recommend(self) -> Mapping[str, Any] | None:
        """Return Nevergrad's own recommendation; of several goals, the best sound reading of the first."""
        if len(self._problem.goals) > 1:
            return self._problem.chosen
        return dict(self._optimizer.provide_recommendation().value)


def _parameter(p: Any) -> Any:
    if p.kind == "choice":
        return ng.p.Choice(p.values)
    scale = ng.p.Log if p.log else ng.p.Scalar
    made = scale(lower=p.low, upper=p.high)
    return made.set_integer_casting() if p.kind == "whole" else made


if __name__ == "__main__":
    serve(NGOpt, "nevergrad")
