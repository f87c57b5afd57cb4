"""HEBO over the pipe; ``GeneralBO``, its optimizer for several objectives, where there are several goals.

All parameters are always active: what waits for another value is given, and left out where it is not active. A failed run,
and one that breaks a guard, is observed as the worst value seen, since HEBO drops what is not finite. What is observed is
what ran, also where a setting was moved.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch  # noqa: F401 - so that its threads are held to one
from hebo.design_space.design_space import DesignSpace
from hebo.optimizers.general import GeneralBO
from hebo.optimizers.hebo import HEBO
from pymoo.config import Config
from wire import Problem, Told, serve

Config.warnings["not_compiled"] = False


class Hebo:
    """One optimizer with its own random start."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        space = DesignSpace().parse([_parameter(p) for p in problem.parameters])
        several = len(problem.goals) > 1
        self._optimizer: Any = (
            GeneralBO(space, num_obj=len(problem.goals)) if several else HEBO(space, scramble_seed=problem.seed)
        )
        self._asked: Mapping[str, Any] = {}

    def ask(self) -> Mapping[str, Any]:
        """Return the standard, then what HEBO suggests."""
        if not self._asked:
            self._asked = self._problem.filled(self._problem.standard)
        else:
            self._asked = self._optimizer.suggest(n_suggestions=1).iloc[0].to_dict()
        return self._asked

    def tell(self, told: Told) -> None:
        """Observe what ran."""
        ran = pd.DataFrame([self._problem.filled(told.setting, self._asked)])
        losses = self._problem.losses(told) if told.sound else self._problem.worst
        if losses is None:
            return  # nothing sound was seen so far: there is no worst value
        y = np.array([losses])
        if len(self._problem.goals) > 1:
            self._optimizer.observe_new_data(ran, y)
        else:
            self._optimizer.observe(ran, y)


def _parameter(p: Any) -> dict[str, Any]:
    if p.kind == "choice":
        return {"name": p.name, "type": "cat", "categories": list(p.values)}
    kind = {("real", False): "num", ("real", True): "pow", ("whole", False): "int", ("whole", True): "pow_int"}
    return {"name": p.name, "type": kind[p.kind, p.log], "lb": p.low, "ub": p.high}


if __name__ == "__main__":
    serve(Hebo, "HEBO", "torch", "gpytorch")
