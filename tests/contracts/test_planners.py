"""The planner keeps the contract."""

from typing import Any

from kaizen.planners.steps import SmallSteps
from kaizen.testing.planners import PlannerContract


class TestSmallSteps(PlannerContract):
    """Small steps."""

    def make_planner(self) -> Any:
        """Return the first planner."""
        return SmallSteps()
