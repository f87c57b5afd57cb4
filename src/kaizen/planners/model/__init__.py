"""The planner with a model: Gaussian processes of every metric, on NumPy and SciPy alone.

``ModelPlanner`` plans within a wheel; ``Optimizer`` asks and tells without one.
"""

from typing import TYPE_CHECKING, Any

from kaizen.explanation import Explanation
from kaizen.journal import Journal
from kaizen.plan import Advice, Foretell, Plan

if TYPE_CHECKING:
    from kaizen.planners.model.belief import Caches
    from kaizen.planners.model.optimizer import Optimizer

__all__ = ["ModelPlanner", "Optimizer"]


class ModelPlanner:
    """Scouts, trials and stops by a model of every metric, and of where runs fail.

    A pure function of journal, advice, prospect and seed; what kin tried is followed while it pays (``remember``). NumPy
    and SciPy are loaded by the first plan; fitted kernels are cached by the content of the runs behind them, so that a
    cache can be neither stale nor missed.
    """

    def __init__(self) -> None:
        """Start with nothing cached."""
        self._caches: Caches | None = None

    def plan(self, journal: Journal, *, advice: Advice, prospect: Foretell, seed: int) -> Plan:
        """Return a scout, an increment worth a trial, or a stop (see ``plan.Planner``)."""
        from kaizen.planners.model.belief import caches
        from kaizen.planners.model.planner import decide

        if self._caches is None:
            self._caches = caches()
        return decide(journal, advice, (prospect, self._caches), seed)

    def explain(self, journal: Journal, *, seed: int) -> Explanation | None:
        """Return what is believed to drive each metric (see ``explanation.Explainer``)."""
        from kaizen.planners.model.belief import caches
        from kaizen.planners.model.explain import explain

        if self._caches is None:
            self._caches = caches()
        return explain(journal, seed, self._caches)


def __getattr__(name: str) -> Any:
    if name == "Optimizer":
        from kaizen.planners.model.optimizer import Optimizer

        return Optimizer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
