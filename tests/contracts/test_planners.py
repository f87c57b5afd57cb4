"""The planner keeps the contract."""

from kaizen.planners.steps import SmallSteps
from kaizen.testing.planners import PlannerContract


class TestSmallSteps(PlannerContract):
    """Small steps."""

    def make_planner(self):
        """Return the first planner."""
        return SmallSteps()
