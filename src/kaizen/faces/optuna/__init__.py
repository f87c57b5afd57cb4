"""Kaizen's planner as a sampler of Optuna.

    study = optuna.create_study(sampler=KaizenSampler(seed=1))

For those who have a study and want the planner alone: nothing is proven here, and there is no ledger but Optuna's.
"""

import math
import secrets
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from kaizen.errors import Stuck

try:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler, RandomSampler
    from optuna.study import Study
    from optuna.trial import FrozenTrial, TrialState
except ImportError as error:
    _HINT = "pip install 'kaizen-engine[optuna]'"
    raise Stuck("KaizenSampler must have Optuna, which is not installed", hint=_HINT) from error

from kaizen.faces.optuna.space import middle
from kaizen.faces.optuna.trials import PROPOSED, History
from kaizen.planners.model.belief import caches
from kaizen.planners.model.replay import next_setting, recommended

__all__ = ["KaizenSampler"]

_CONSTRAINTS = "constraints"  # where Optuna keeps what a sampler's constraints_func returned


class KaizenSampler(BaseSampler):  # type: ignore[misc,unused-ignore]  # where Optuna is absent, its class is unknown
    """Proposes by a Gaussian process of every objective and constraint, and by a model of what fails.

    A function of the study's trials, the seed and the trial's number: workers that share a storage need nothing else
    in common, a study that is loaded again goes on where it stopped, and the same seed and answers give the same
    trials. The first trial tries the middle of every range (a choice's first value) unless one was enqueued; a few
    more are spread out; then the model is asked.

    How trials are understood:

    * *complete*: a reading; an objective that is not finite is a fault.
    * *failed*: a fault. Where runs fail is learnt, and what failed is not proposed again. Optuna fails trials whose
      worker was killed or interrupted, too, and they cannot be told apart.
    * *pruned*: a reading of the last value it reported, but never better than the median of complete trials, since
      early values flatter; a fault where nothing was reported.
    * *running* and *enqueued*: under way, and not proposed again meanwhile.

    Spaces that change: a parameter that only some trials have is planned where a choice, or a whole number of a few
    levels, tells them apart (``space.find_space``), and sampled at random elsewhere. Where a range has changed, the
    latest counts, and trials that lie inside it.
    """

    def __init__(
        self,
        seed: int | None = None,
        *,
        exact: bool = False,
        constraints_func: Callable[[FrozenTrial], Sequence[float]] | None = None,
    ) -> None:
        """Plan by ``seed``, or by one of chance.

        ``exact`` says that repeats of the same parameters give the same values. ``constraints_func`` gives numbers that
        should be 0 or below, as in Optuna's own samplers; ``trial.set_constraint`` does so without it.
        """
        self._seed = secrets.randbits(32) if seed is None else seed
        self._exact = exact
        self._constraints_func = constraints_func
        self._kept = caches()

    def reseed_rng(self) -> None:
        """Keep the seed: each trial draws by its number, so that no two workers draw the same."""

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return what can be planned together, given the trials so far."""
        return self._history(study, trial).space().distributions

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Return what to try next, and note it for other workers."""
        history = self._history(study, trial)
        space = history.space(search_space)
        if not space.parameters:
            return {}
        setting = next_setting(history.told(space), self._kept, seed=self._seed, number=trial.number)
        inner = space.inner(setting)
        study._storage.set_trial_system_attr(trial._trial_id, PROPOSED, inner)  # noqa: SLF001 - as Optuna's samplers do
        return space.outer(inner)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Return a parameter's middle for the first trial, then a value by chance."""
        value = middle(param_distribution) if trial.number == 0 else None
        if value is not None:
            return value
        coin = zlib.crc32(f"{self._seed} {trial.number} {param_name}".encode())
        return RandomSampler(coin).sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Note the constraints of a trial that gave a reading."""
        del values
        if self._constraints_func is None or state not in {TrialState.COMPLETE, TrialState.PRUNED}:
            return
        limits = tuple(float(value) for value in self._constraints_func(trial))
        if any(map(math.isnan, limits)):
            raise ValueError(f"constraints_func must return numbers; got {limits}")
        study._storage.set_trial_system_attr(trial._trial_id, _CONSTRAINTS, limits)  # noqa: SLF001 - as above

    def recommend(self, study: Study) -> dict[str, Any]:
        """Return the parameters believed to be best among those that ran: the expected value counts, not the luckiest.

        Several objectives count by their sum. Empty while nothing ran.
        """
        history = self._history(study)
        space = history.space()
        told = history.told(space)
        return space.outer(space.inner(recommended(told, self._kept))) if told.seen else {}

    def _history(self, study: Study, planned: FrozenTrial | None = None) -> History:
        trials = study.get_trials(deepcopy=False)
        others = [trial for trial in trials if planned is None or trial.number != planned.number]
        return History(sorted(others, key=lambda trial: trial.number), study.directions, self._exact)
