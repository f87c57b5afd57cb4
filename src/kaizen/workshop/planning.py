"""The planner that a process's policy names, loaded when it is first asked."""

import importlib
from typing import Any

from kaizen.errors import Stuck
from kaizen.explanation import Explainer, Explanation
from kaizen.journal import Journal
from kaizen.plan import Advice, Foretell, Plan, Planner

_HOMES = {"steps": ("kaizen.planners.steps", "SmallSteps"), "model": ("kaizen.planners.model", "ModelPlanner")}
_EXPLAINS = "model"


class PolicysPlanner:
    """Plans by whichever planner the policy names today (see ``plan.Planner``)."""

    def __init__(self) -> None:
        """Load nothing yet."""
        self._loaded: dict[str, Planner] = {}

    def plan(self, journal: Journal, *, advice: Advice, prospect: Foretell, seed: int) -> Plan:
        """Hand the question on.

        Raises:
            Stuck: the planner needs a package that is not installed.
        """
        name = journal.head.process.policy.planner
        try:
            if name not in self._loaded:
                self._loaded[name] = _load(*_HOMES[name])
            return self._loaded[name].plan(journal, advice=advice, prospect=prospect, seed=seed)
        except ModuleNotFoundError as error:
            raise Stuck(
                f"planner {name!r} must have {error.name} installed; got none",
                hint="pip install numpy scipy, or set planner = 'steps' in the policy",
            ) from error

    def explain(self, journal: Journal, *, seed: int) -> Explanation | None:
        """Explain by the policy's planner, or by the model where that one has none: the journal is all it needs.

        Raises:
            Stuck: the model needs a package that is not installed.
        """
        name = journal.head.process.policy.planner
        try:
            for one in (name, _EXPLAINS):
                if one not in self._loaded:
                    self._loaded[one] = _load(*_HOMES[one])
                found = self._loaded[one]
                if isinstance(found, Explainer):
                    return found.explain(journal, seed=seed)
        except ModuleNotFoundError as error:
            raise Stuck(
                f"an explanation must have {error.name} installed; got none", hint="pip install numpy scipy"
            ) from error
        return None


def _load(module: str, name: str) -> Planner:
    made: Any = getattr(importlib.import_module(module), name)()
    return made  # type: ignore[no-any-return] # by name, so that only the planner in use is loaded
