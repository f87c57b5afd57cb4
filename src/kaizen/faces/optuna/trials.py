"""Optuna's trials as runs: what was read, what failed, what is under way."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from optuna.distributions import BaseDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from kaizen.faces.optuna.space import Space, find_space, middle_of
from kaizen.metric import Guard, Metric
from kaizen.planners.model.belief import Seen
from kaizen.planners.model.replay import Told
from kaizen.process import Process
from kaizen.setting import Setting

PROPOSED = "kaizen:proposed"
"""The trial's attribute in which every worker reads what was proposed for it."""

_ENQUEUED = "fixed_params"  # Optuna's attribute of a trial that somebody enqueued


class History(NamedTuple):
    """The trials of a study, but for the one to be planned."""

    trials: Sequence[FrozenTrial]
    """In the order of their numbers."""
    directions: Sequence[StudyDirection]
    exact: bool
    """Whether repeats of a setting give the same values."""

    def space(self, names: Iterable[str] | None = None) -> Space:
        """Return what can be planned together of ``names`` (of all that is known by default).

        Complete trials say what there is; while there is none, all that have begun do. Ranges are those of the latest.
        """
        telling = [trial for trial in self.trials if trial.state == TrialState.COMPLETE and trial.params]
        telling = telling or [trial for trial in self.trials if trial.params]
        latest: dict[str, BaseDistribution] = {}
        for trial in telling:
            latest |= trial.distributions
        wanted = latest.keys() if names is None else set(names)
        ranges = {name: ranged for name, ranged in latest.items() if name in wanted and not ranged.single()}
        return find_space(ranges, [_inner(trial.params, ranges) for trial in telling])

    def told(self, space: Space) -> Told:
        """Return all there is to know of the settings of ``space``; what lies outside it is left out.

        The first trial that gave a reading is the standard.
        """
        process, goals = self._process(space)
        seen: list[Seen] = []
        under_way: list[Setting] = []
        median = self._median()
        for trial in self.trials:
            setting = space.setting(process, _values(trial, space.distributions))
            if setting is None:
                continue
            if trial.state.is_finished():
                seen.append(Seen(setting, self._reading(trial, median)))
            else:
                under_way.append(setting)
        ran = [run.setting for run in seen if run.values is not None] or [run.setting for run in seen] or under_way
        standard = ran[0] if ran else _middle(process)
        return Told(msgspec.structs.replace(process, standard=standard), goals, seen, under_way)

    def _process(self, space: Space) -> tuple[Process, tuple[str, ...]]:
        """Return the process, still without a standard, and its goals; an Optuna constraint is kept at 0 or below."""
        goals = tuple(
            Metric(
                name=f"objective_{index}",
                better="higher" if direction == StudyDirection.MAXIMIZE else "lower",
                scale="difference",
                exact=self.exact,
            )
            for index, direction in enumerate(self.directions)
        )
        names = sorted({name for trial in self.trials for name in trial.constraints})
        limits = tuple(
            Metric(name=_limit(name), better="lower", scale="difference", exact=self.exact) for name in names
        )
        process = Process(
            name="study",
            parameters=tuple(space.parameters.values()),
            metrics=goals + limits,
            standard=Setting(),
            guards=tuple(Guard(metric=limit.name, at_most=0.0) for limit in limits),
        )
        return process, tuple(goal.name for goal in goals)

    def _reading(self, trial: FrozenTrial, median: float | None) -> dict[str, float] | None:
        """Return what a finished trial read; ``None`` for a fault."""
        values = trial.values
        if trial.state == TrialState.FAIL or values is None or not all(map(math.isfinite, values)):
            return None
        if trial.state == TrialState.PRUNED and median is not None:
            worse = min if self.directions[0] == StudyDirection.MAXIMIZE else max
            values = [worse(values[0], median)]
        limits = {_limit(name): value for name, value in trial.constraints.items() if math.isfinite(value)}
        return {f"objective_{index}": value for index, value in enumerate(values)} | limits

    def _median(self) -> float | None:
        """Return the median reading of complete trials: what is pruned has not promised more."""
        complete = [trial.values[0] for trial in self.trials if trial.state == TrialState.COMPLETE]
        sound = [value for value in complete if math.isfinite(value)]
        return statistics.median(sound) if sound else None


def _limit(constraint: str) -> str:
    return f"constraint_{constraint}"


def _values(trial: FrozenTrial, ranges: Mapping[str, BaseDistribution]) -> dict[str, float]:
    """Return a trial's values; where it has not asked for one (yet), what was proposed or enqueued for it."""
    proposed: dict[str, float] = trial.system_attrs.get(PROPOSED) or {}
    enqueued = trial.system_attrs.get(_ENQUEUED) or {}
    known = {name: value for name, value in proposed.items() if name in ranges}
    return known | _inner(enqueued, ranges) | _inner(trial.params, ranges)


def _inner(params: Mapping[str, Any], ranges: Mapping[str, BaseDistribution]) -> dict[str, float]:
    """Return values in Optuna's internal form, those of ``ranges`` that can be."""
    made = {}
    for name, value in params.items():
        if name in ranges:
            try:
                made[name] = float(ranges[name].to_internal_repr(value))
            except ValueError:  # enqueued by somebody, and no value of the range
                continue
    return made


def _middle(process: Process) -> Setting:
    """Return the setting in the middle of everything."""
    middle = {parameter.name: middle_of(parameter) for parameter in process.parameters}
    return process.setting({parameter.name: middle[parameter.name] for parameter in process.active(middle)})
