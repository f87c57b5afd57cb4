"""The methods that are compared: each proposes a setting, is told what came of it, and recommends one at the end.

A method knows the space, the constraints, the guards and the standard; never the table. Every one runs the standard
first. What is not installed is imported only by the method that needs it.
"""

import importlib.util
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from benchmarks.planner.peers.client import Peer, driver, limits
from benchmarks.planner.peers.environment import DISTRIBUTIONS, python
from benchmarks.planner.peers.environment import version as peer_version
from benchmarks.planner.problem import Method, Missing, Problem
from benchmarks.planner.tasks import Goal, SettingMap, Task, draw_setting
from benchmarks.planner.world import Outcome
from kaizen.metric import metric
from kaizen.parameter import Choice, Parameter, Real, Switch, Whole, is_active
from kaizen.process import Process, check_process
from kaizen.setting import Numbers, Setting


class _Best:
    """Remember the best reading of a sound run, as people without a model do."""

    def __init__(self, goal: Goal) -> None:
        self._goal = goal
        self._seen: list[tuple[float, SettingMap]] = []

    def take(self, outcome: Outcome) -> None:
        if outcome.reading is not None and not outcome.fault:
            sign = 1.0 if self._goal.better == "lower" else -1.0
            self._seen.append((sign * outcome.reading[self._goal.name], outcome.setting))

    def choose(self) -> SettingMap | None:
        return min(self._seen, key=lambda pair: pair[0])[1] if self._seen else None


class Chancy:
    """Settings by chance."""

    def __init__(self, known: Problem) -> None:
        self._known, self._rng = known, np.random.default_rng(known.seed)
        self._best, self._first = _Best(known.goals[0]), True

    def ask(self) -> SettingMap:
        """Return the standard, then settings by chance."""
        if self._first:
            self._first = False
            return dict(self._known.standard)
        return draw_setting(self._known.task, self._rng)

    def tell(self, outcome: Outcome) -> None:
        """Remember it if it is the best."""
        self._best.take(outcome)

    def recommend(self) -> SettingMap | None:
        """Return the best setting seen."""
        return self._best.choose()


class Sampled:
    """An Optuna sampler; a run that fails is told as a failed trial, a setting that was moved as a trial of its own."""

    def __init__(self, known: Problem, kind: str, *, guards: bool = False) -> None:
        optuna = _optuna()
        self._optuna, self._known, self._guards = optuna, known, guards and bool(known.task.guards)
        self._best = _Best(known.goals[0])
        directions = ["minimize" if goal.better == "lower" else "maximize" for goal in known.goals]
        self._study = optuna.create_study(directions=directions, sampler=self._sampler(kind))
        self._study.enqueue_trial(_encoded(known.task, known.standard))
        self._trial: Any = None
        self._asked: SettingMap = {}

    def _sampler(self, kind: str) -> Any:
        samplers, known, extra = self._optuna.samplers, self._known, {}
        if self._guards:
            extra = {"constraints_func": lambda trial: trial.user_attrs.get("broken", limits(known))}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if kind == "tpe":
                grouped = any(p.when for p in self._known.task.parameters)
                return samplers.TPESampler(seed=self._known.seed, multivariate=True, group=grouped, **extra)
            return samplers.GPSampler(
                seed=self._known.seed,
                deterministic_objective=self._known.exact,
                warn_independent_sampling=False,
                **extra,
            )

    def ask(self) -> SettingMap:
        """Ask the study for a trial and return its setting."""
        self._trial = self._study.ask()
        setting: SettingMap = {}
        for parameter in self._known.task.parameters:
            if is_active(parameter, setting):
                setting[parameter.name] = _suggested(self._trial, parameter)
        self._asked = setting
        return setting

    def tell(self, outcome: Outcome) -> None:
        """Tell the study; a setting that was moved fails, and what was run instead is added."""
        self._best.take(outcome)
        fail = self._optuna.trial.TrialState.FAIL
        kept = self._guards and outcome.reading is not None
        if outcome.reading is None or (outcome.fault and not kept):
            self._study.tell(self._trial, state=fail)
            return
        values = [outcome.reading[goal.name] for goal in self._known.goals]
        broken = limits(self._known, outcome.reading)
        if outcome.setting == self._asked:
            self._trial.set_user_attr("broken", broken)
            self._study.tell(self._trial, values)
            return
        self._study.tell(self._trial, state=fail)
        active = [p for p in self._known.task.parameters if p.name in outcome.setting]
        self._study.add_trial(
            self._optuna.trial.create_trial(
                params=_encoded(self._known.task, outcome.setting),
                distributions={p.name: self._distribution(p) for p in active},
                values=values,
                user_attrs={"broken": broken},
                system_attrs={"constraints": broken} if self._guards else {},
            )
        )

    def recommend(self) -> SettingMap | None:
        """Return the setting of the best reading, which is what ``best_trial`` is."""
        return self._best.choose()

    def _distribution(self, parameter: Parameter) -> Any:
        made = self._optuna.distributions
        match parameter:
            case Real(low=low, high=high, log=log):
                return made.FloatDistribution(low, high, log=log)
            case Whole(levels=levels) if levels:
                return made.IntDistribution(0, len(levels) - 1)
            case Whole(low=low, high=high, log=log):
                return made.IntDistribution(low, high, log=log)
            case Choice(values=values):
                return made.CategoricalDistribution(values)
        return made.CategoricalDistribution((False, True))


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise Missing("tpe, gp and auto need optuna, which is not installed here: pip install optuna==5.0.0") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", module="optuna")
    return optuna


def _suggested(trial: Any, parameter: Parameter) -> Any:
    """Ask a trial for one value; levels are asked for by their rank, as is best for a sampler."""
    match parameter:
        case Real(name=name, low=low, high=high, log=log):
            return trial.suggest_float(name, low, high, log=log)
        case Whole(name=name, levels=levels) if levels:
            return levels[trial.suggest_int(name, 0, len(levels) - 1)]
        case Whole(name=name, low=low, high=high, log=log):
            return trial.suggest_int(name, low, high, log=log)
        case Choice(name=name, values=values):
            return trial.suggest_categorical(name, values)
    return trial.suggest_categorical(parameter.name, (False, True))


def _encoded(task: Task, setting: Mapping[str, Any]) -> dict[str, Any]:
    """Return a setting as Optuna has it: levels by their rank."""
    made = dict(setting)
    for parameter in task.parameters:
        if isinstance(parameter, Whole) and parameter.levels and parameter.name in made:
            made[parameter.name] = parameter.levels.index(made[parameter.name])
    return made


def process(known: Problem) -> Process:
    """Return a problem as a process of Kaizen: what is to be improved, and what is guarded."""
    guarded = {guard.metric for guard in known.task.guards}
    wanted = {goal.name for goal in known.goals}
    rules: dict[str, Any] = {"exact": True} if known.exact else {}
    made = []
    for goal in (goal for goal in known.task.goals if goal.name in wanted | guarded):
        ratio = known.positive and goal == known.goals[0]
        amounts = {"scale": "ratio"} if ratio else {"scale": "difference", "worthwhile": known.worthwhile}
        made.append(metric(goal.name, better=goal.better, kind=goal.kind, unit=goal.unit, **amounts, **rules))
    return check_process(
        Process(
            name="bench",
            parameters=known.task.parameters,
            metrics=tuple(made),
            standard=Setting(known.standard),
            constraints=known.task.constraints,
            guards=known.task.guards,
        )
    )


class Ours:
    """Kaizen's model planner as a library, without a ledger."""

    def __init__(self, known: Problem) -> None:
        try:
            from kaizen.planners.model.optimizer import Optimizer
        except ImportError as error:
            raise Missing(f"kaizen needs kaizen.planners.model with numpy and scipy; got {error}") from error
        self._process = process(known)
        self._optimizer: Any = Optimizer(self._process, seed=known.seed, goals=[goal.name for goal in known.goals])
        self._asked = self._process.standard

    def ask(self) -> SettingMap:
        """Ask the planner."""
        self._asked = self._optimizer.ask()
        return dict(self._asked)

    def tell(self, outcome: Outcome) -> None:
        """Tell the reading, also one that breaks a guard, or the fault; a proposal that was moved is let go."""
        ran = Setting(outcome.setting)
        if ran != self._asked:
            self._optimizer.drop(self._asked, ran)
        if outcome.reading is None:
            self._optimizer.fault(ran, outcome.fault)
            return
        self._optimizer.tell(ran, Numbers({m.name: outcome.reading[m.name] for m in self._process.metrics}))

    def recommend(self) -> SettingMap | None:
        """Return its choice by the model."""
        return dict(self._optimizer.recommend())


def _peer(name: str, **options: Any) -> Callable[[Problem], Method]:
    """Return a peer that is run by the Python of its own environment."""
    return lambda known: Peer(known, python=python(name), script=driver(name), options=options)


def _gaussian(known: Problem, *, guards: bool = False) -> Method:
    """Run Optuna's GPSampler here if torch is here, else in its own environment."""
    return Sampled(known, "gp", guards=guards) if _has_torch() else _peer("gp", guards=guards)(known)


def _has_torch() -> bool:
    return all(importlib.util.find_spec(name) for name in ("optuna", "torch"))


def _automatic(known: Problem) -> Method:
    """Choose as OptunaHub's AutoSampler does below 250 runs: GP for numbers alone, TPE where anything is named or waits."""
    named = any(isinstance(p, Choice | Switch) or p.when for p in known.task.parameters)
    return Sampled(known, "tpe") if named else _gaussian(known)


METHODS: dict[str, Callable[[Problem], Method]] = {
    "kaizen": Ours,
    "random": Chancy,
    "tpe": lambda known: Sampled(known, "tpe"),
    "gp": _gaussian,
    "auto": _automatic,
    "tpe+guards": lambda known: Sampled(known, "tpe", guards=True),
    "gp+guards": lambda known: _gaussian(known, guards=True),
    **{name: _peer(name) for name in DISTRIBUTIONS if name != "gp"},
}
"""Each method by its name; ``+guards`` tells Optuna the guards as constraints instead of as failed trials."""


def version(name: str) -> str:
    """Return what stands behind a method.

    Raises:
        Missing: it is not installed, or its environment has not been made.
    """
    if name == "kaizen":
        import kaizen

        return f"kaizen {kaizen.__version__}"
    if name == "random":
        return f"numpy {np.__version__}"
    if name in DISTRIBUTIONS and name != "gp":
        return peer_version(name)
    if name in {"gp", "auto", "gp+guards"} and not _has_torch():
        return peer_version("gp") + (" (AutoSampler's rule)" if name == "auto" else "")
    return f"optuna {_optuna().__version__}" + (" (AutoSampler's rule)" if name == "auto" else "")
