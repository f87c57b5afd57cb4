"""The planner with a model keeps the contract of planners."""

from typing import Any

from kaizen.planners.model import ModelPlanner
from kaizen.testing.planners import PlannerContract


class TestModelPlanner(PlannerContract):
    """The planner with a model."""

    def make_planner(self) -> Any:
        """Return a planner with nothing cached."""
        return ModelPlanner()
