"""Kaizen's planner as a sampler of Optuna, against the real Optuna."""

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

optuna = pytest.importorskip("optuna")

from kaizen.faces.optuna import KaizenSampler  # noqa: E402 - only where Optuna is
from kaizen.faces.optuna.space import find_space  # noqa: E402
from kaizen.metric import Metric  # noqa: E402
from kaizen.parameter import Real, Whole  # noqa: E402
from kaizen.planners.model import Optimizer  # noqa: E402
from kaizen.process import Process  # noqa: E402
from kaizen.setting import Setting  # noqa: E402

optuna.logging.set_verbosity(optuna.logging.ERROR)
COMPLETE, FAIL, PRUNED = (optuna.trial.TrialState[name] for name in ("COMPLETE", "FAIL", "PRUNED"))


def study_of(objective, runs: int, *, seed: int = 1, sampler: Any = None, **how: Any):
    """Return a study after so many runs."""
    study = optuna.create_study(sampler=sampler or KaizenSampler(seed=seed), **how)
    study.optimize(objective, n_trials=runs, catch=(ArithmeticError,))
    return study


def by_chance(objective, runs: int) -> float:
    """Return the median of the best values that chance finds."""
    samplers = (optuna.samplers.RandomSampler(seed=seed) for seed in range(9))
    return sorted(study_of(objective, runs, sampler=sampler).best_value for sampler in samplers)[4]


def every_kind(trial) -> float:
    """Ask for a parameter of every kind; the optimum is 0, far from the middle of anything."""
    x = trial.suggest_float("x", -10, 10)
    rate = trial.suggest_float("learning rate", 1e-6, 1.0, log=True)
    drop = trial.suggest_float("drop", 0.0, 0.9, step=0.1)
    depth = trial.suggest_int("depth", 1, 20)
    width = trial.suggest_int("width", 1, 1024, log=True)
    batch = trial.suggest_int("batch", 16, 256, step=16)
    kind = trial.suggest_categorical("kind", ["relu", None, 3, True])
    trial.suggest_int("fixed", 7, 7)
    return (
        (x - 7) ** 2 / 10
        + (math.log10(rate) + 4.5) ** 2
        + 10 * (drop - 0.7) ** 2
        + (depth - 16) ** 2 / 20
        + (math.log2(width) - 8) ** 2 / 4
        + (batch / 16 - 12) ** 2 / 10
        + (0 if kind is None else 2)
    )


def test_parameters_of_every_kind_are_planned_far_better_than_by_chance() -> None:
    """Forty runs leave a small part of what chance leaves of the same forty (medians of three seeds)."""
    ours = sorted(study_of(every_kind, 40, seed=seed).best_value for seed in (1, 2, 3))[1]
    assert ours < 0.1 * by_chance(every_kind, 40)


def test_the_sampler_proposes_what_the_plain_library_does() -> None:
    """Where nothing is conditional, a study is the library's own course of questions and answers, faults included."""
    parameters = (Real(name="x", low=0.0, high=1.0), Whole(name="y", low=0, high=9))
    metrics = (Metric(name="loss", better="lower", scale="difference"),)
    standard = Setting(x=0.5, y=4)
    library = Optimizer(Process(name="p", parameters=parameters, metrics=metrics, standard=standard), 3)
    plain = []

    def loss(x: float, y: int) -> float | None:
        return None if x + y / 10 > 1 else (x - 0.3) ** 2 + (y - 4) ** 2 / 100

    def objective(trial) -> float:
        value = loss(trial.suggest_float("x", 0, 1), trial.suggest_int("y", 0, 9))
        if value is None:
            raise ArithmeticError
        return value

    for _ in range(20):
        setting = library.ask()
        value = loss(**setting)
        if value is None:
            library.fault(setting)
        else:
            library.tell(setting, {"loss": value})
        plain.append(dict(setting))
    assert [trial.params for trial in study_of(objective, 20, seed=3).trials] == plain


def test_the_first_trial_is_the_middle() -> None:
    """Nothing is known yet: the middle of every range, the first of every choice."""
    first = study_of(every_kind, 1).trials[0].params
    assert first["x"] == 0.0
    assert first["kind"] == "relu"
    assert math.isclose(first["learning rate"], 1e-3, rel_tol=1e-9)


def test_the_same_seed_gives_the_same_trials_and_another_gives_others() -> None:
    """A study is a function of seed and answers, also if it is reseeded for workers."""
    runs = [[trial.params for trial in study_of(every_kind, 15, seed=seed).trials] for seed in (5, 5, 6)]
    assert runs[0] == runs[1]
    assert runs[0][1:] != runs[2][1:]


def test_a_study_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """A new sampler of the same seed, over the stored study, gives what one sampler would have given."""
    whole = [trial.params for trial in study_of(every_kind, 18, seed=4).trials]
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    for runs in (11, 7):
        study = optuna.create_study(study_name="s", storage=storage, load_if_exists=True, sampler=KaizenSampler(seed=4))
        study.optimize(every_kind, n_trials=runs)
    assert [trial.params for trial in study.trials] == whole


def conditional(trial) -> float:
    """Ask for what the choice needs, as define-by-run does; the optimum is 0."""
    kind = trial.suggest_categorical("kind", ["near", "far"])
    x = trial.suggest_float("x", -5, 5)
    if kind == "near":
        return (x - 1) ** 2 + (trial.suggest_int("steps", 1, 8) - 6) ** 2 + 5
    rate = trial.suggest_float("rate", 1e-5, 1.0, log=True)
    layers = trial.suggest_int("layers", 1, 3)
    widths = [trial.suggest_float(f"width {layer}", 0.0, 1.0) for layer in range(layers)]
    return (x + 2) ** 2 + (math.log10(rate) + 3) ** 2 + (layers - 2) ** 2 + sum((w - 0.8) ** 2 for w in widths)


def test_what_waits_for_what_is_found_in_the_trials() -> None:
    """A choice, a number of layers, and one within the other; all of it is planned together."""
    study = study_of(conditional, 25)
    planned = study.sampler.infer_relative_search_space(study, study.trials[-1])
    assert set(planned) == {"kind", "x", "steps", "rate", "layers", "width 0", "width 1", "width 2"}
    distributions: dict[str, Any] = {}
    for trial in study.trials:
        distributions |= trial.distributions
    rows = [{name: trial.distributions[name].to_internal_repr(v) for name, v in trial.params.items()}
            for trial in study.trials]  # fmt: skip
    space = find_space(distributions, rows)
    names = {parameter.name: name for name, parameter in space.parameters.items()}
    waits = {
        name: {(names[when.parameter], when.values) for when in parameter.when}
        for name, parameter in space.parameters.items()
    }
    assert waits["x"] == waits["kind"] == set()
    assert waits["steps"] == {("kind", ("0",))}
    assert waits["rate"] == waits["layers"] == waits["width 0"] == {("kind", ("1",))}
    assert waits["width 2"] == {("layers", (3,))}


def test_a_conditional_space_is_planned_far_better_than_by_chance() -> None:
    """Also where half of the parameters wait for a choice (medians of three seeds)."""
    ours = sorted(study_of(conditional, 40, seed=seed).best_value for seed in (1, 2, 3))[1]
    assert ours < 0.25 * by_chance(conditional, 40)


def test_what_nothing_tells_apart_is_sampled_by_chance() -> None:
    """A parameter that waits for a real number cannot be planned; the others are, and the study goes on."""

    def objective(trial) -> float:
        x = trial.suggest_float("x", -5, 5)
        return x**2 + (trial.suggest_float("y", 0, 1) if x > 1 else 0)

    study = study_of(objective, 20)
    assert set(study.sampler.infer_relative_search_space(study, study.trials[-1])) == {"x"}
    assert all((trial.params["x"] > 1) == ("y" in trial.params) for trial in study.trials)
    assert study.best_value < 0.01


def test_failures_are_learnt() -> None:
    """Half of the space crashes: the planner keeps out of it, where chance does not, and repeats no crash."""

    def objective(trial) -> float:
        x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
        if x + y > 1:
            raise ArithmeticError
        return (x - 0.2) ** 2 + (y - 0.3) ** 2

    study = study_of(objective, 40)
    faults = [tuple(trial.params.values()) for trial in study.trials if trial.state == FAIL]
    assert len(faults) <= 13
    assert len(faults) == len(set(faults))
    assert study.best_value < 1e-3


def test_what_failed_before_it_asked_for_all_is_learnt_as_it_was_proposed() -> None:
    """A trial that fails early has the rest of its proposal beside it."""

    def objective(trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        if x > 0.6:
            raise ArithmeticError
        return (trial.suggest_float("y", 0, 1) - 0.8) ** 2 + (x - 0.2) ** 2

    study = study_of(objective, 30)
    assert sum(trial.state == FAIL for trial in study.trials) <= 8
    assert study.best_value < 1e-3


def test_a_study_of_failures_alone_is_still_spread_out() -> None:
    """Until something gives a reading, no two trials are the same."""

    def objective(trial) -> float:
        trial.suggest_categorical("a", ["x", "y", "z"])
        trial.suggest_int("b", 1, 4)
        raise ArithmeticError

    study = study_of(objective, 12)
    assert len({tuple(sorted(trial.params.items())) for trial in study.trials}) == 12


def test_infinite_objectives_are_faults() -> None:
    """Infinity is no reading: it does not bend the model."""

    def objective(trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        return math.inf if x < 0.5 else (x - 0.7) ** 2

    study = study_of(objective, 25)
    assert study.best_value < 1e-4


def test_pruned_trials_teach_but_do_not_flatter() -> None:
    """Early values look better than they are; what is pruned is never taken for the best."""

    def objective(trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        final = (x - 0.2) ** 2
        trial.report(-100.0 if x > 0.5 else final, step=1)
        if x > 0.5:
            raise optuna.TrialPruned
        return final

    study = study_of(objective, 25)
    assert study.best_value < 1e-4
    assert study.sampler.recommend(study)["x"] < 0.5
    assert sum(trial.state == PRUNED for trial in study.trials) <= 10


def test_pruned_without_a_value_is_a_fault() -> None:
    """Whoever prunes before anything is reported says: this cannot be run."""

    def objective(trial) -> float:
        x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
        if x < 0.5:
            raise optuna.TrialPruned
        return (x - 0.8) ** 2 + (y - 0.3) ** 2

    study = study_of(objective, 30)
    assert sum(trial.state == PRUNED for trial in study.trials) <= 10
    assert study.best_value < 1e-3


def test_two_objectives_are_improved_together() -> None:
    """One lower, one higher: the front is far larger than by chance."""

    def objective(trial) -> tuple[float, float]:
        x, y, z = (trial.suggest_float(name, 0, 1) for name in "xyz")
        loss = (y - 0.3) ** 2 + (z - 0.8) ** 2
        return x + 5 * loss, math.sqrt(x) - 5 * loss

    def front(sampler: Any) -> float:
        study = study_of(objective, 40, sampler=sampler, directions=["minimize", "maximize"])
        steps = sorted((trial.values for trial in study.best_trials), key=lambda values: values[0])
        area, highest = 0.0, -1.0
        for (low, high), (right, _) in zip(steps, [*steps[1:], (2.0, 0.0)], strict=True):
            highest = max(highest, high)
            area += max(0.0, min(right, 2.0) - min(low, 2.0)) * max(0.0, highest + 1.0)
        return area

    assert front(KaizenSampler(seed=1)) > 1.05 * front(optuna.samplers.RandomSampler(seed=1))


def feasible_sum(trial) -> float:
    """Pay for x and y, of which the sum must reach 1.2."""
    x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
    trial.set_user_attr("short", 1.2 - x - y)
    return x + 2 * y


def test_constraints_are_kept() -> None:
    """Told by the trial itself or by the sampler's function, a constraint bounds what is proposed."""

    def telling(trial) -> float:
        value = feasible_sum(trial)
        trial.set_constraint("short", trial.user_attrs["short"])
        return value

    by_trial = study_of(telling, 30)
    sampler = KaizenSampler(seed=1, constraints_func=lambda trial: [trial.user_attrs["short"]])
    by_sampler = study_of(feasible_sum, 30, sampler=sampler)
    for study in (by_trial, by_sampler):
        assert sum(all(c <= 0 for c in trial.constraints.values()) for trial in study.trials[10:]) >= 8
        assert study.best_value < 1.43  # 1.4 at the corner
    assert [trial.params for trial in by_trial.trials] == [trial.params for trial in by_sampler.trials]


def test_a_constraint_that_is_no_number_is_refused() -> None:
    """As Optuna's own samplers do."""
    sampler = KaizenSampler(seed=1, constraints_func=lambda _: [math.nan])
    with pytest.raises(ValueError, match="constraints_func must return numbers"):
        study_of(feasible_sum, 1, sampler=sampler)


def test_trials_under_way_are_not_proposed_again() -> None:
    """Asked one after the other, told later: all different, and all of them within the model's sight."""
    study = optuna.create_study(sampler=KaizenSampler(seed=1))
    ranges = {
        "a": optuna.distributions.CategoricalDistribution(["x", "y"]),
        "b": optuna.distributions.IntDistribution(1, 6),
    }
    asked = [study.ask(ranges) for _ in range(10)]
    assert len({tuple(sorted(trial.params.items())) for trial in asked}) == 10
    for trial in asked:
        study.tell(trial, (trial.params["b"] - 5) ** 2 + (trial.params["a"] == "x"))
    assert study.best_value == 0


def test_enqueued_trials_come_first_and_count() -> None:
    """What somebody enqueued is run as it is, whole or in part, and is where the search starts from."""
    study = optuna.create_study(sampler=KaizenSampler(seed=1))
    study.enqueue_trial({"x": 6.9, "depth": 15})
    study.optimize(every_kind, n_trials=1)
    assert (study.trials[0].params["x"], study.trials[0].params["depth"]) == (6.9, 15)
    assert study.trials[0].params["batch"] == 144  # the rest: the middle, rounded
    study.enqueue_trial(study.trials[0].params | {"kind": None})
    study.optimize(every_kind, n_trials=20)
    assert study.trials[1].params["kind"] is None
    assert study.best_value < study.trials[1].value


def test_a_range_that_changes_is_planned_as_it_is_now() -> None:
    """The latest range counts, and what lies inside it is remembered."""

    def within(low: float, high: float):
        return lambda trial: (trial.suggest_float("x", low, high) - 3) ** 2 + trial.suggest_float("y", 0, 1)

    study = optuna.create_study(sampler=KaizenSampler(seed=1))
    for low, high in ((0, 10), (2, 20), (-5, 2)):
        study.optimize(within(low, high), n_trials=12)
        assert all(low <= trial.params["x"] <= high for trial in study.trials[-12:])
    assert min(trial.value for trial in study.trials[-12:]) < 1.05  # 1 at the new edge


def test_the_expected_value_is_recommended_not_the_luckiest() -> None:
    """Under noise, the recommendation is nearer to the truth than the best value is."""
    noise = [math.sin(97 * i**2) for i in range(60)]  # reproducible, and as good as chance

    def objective(trial) -> float:
        return (trial.suggest_float("x", -3, 3) - 1) ** 2 / 4 + noise[trial.number]

    study = study_of(objective, 50)
    assert abs(study.sampler.recommend(study)["x"] - 1) < 0.5


def test_nothing_is_recommended_before_anything_ran() -> None:
    """An empty study has no answer."""
    study = optuna.create_study(sampler=KaizenSampler(seed=1))
    assert study.sampler.recommend(study) == {}


WORKER = """
import sys, optuna
from kaizen.faces.optuna import KaizenSampler
optuna.logging.set_verbosity(optuna.logging.ERROR)
study = optuna.load_study(study_name="s", storage=sys.argv[1], sampler=KaizenSampler(seed=1, exact=True))
def objective(trial):
    x, n = trial.suggest_float("x", -5, 5), trial.suggest_float("n", 0, 20)
    return (x - 3) ** 2 + (n - 17) ** 2 / 10
study.optimize(objective, n_trials=15)
"""


def test_workers_share_a_study_through_its_storage(tmp_path: Path) -> None:
    """Two processes with the same seed know of each other by the storage alone; neither repeats itself."""
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    study = optuna.create_study(study_name="s", storage=storage)
    workers = [subprocess.Popen([sys.executable, "-c", WORKER, storage]) for _ in range(2)]
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0]
    assert [trial.state for trial in study.trials] == [COMPLETE] * 30
    assert len({tuple(sorted(trial.params.items())) for trial in study.trials}) >= 15  # asking at once, they may agree
    assert study.best_value < 0.1


def test_threads_share_a_sampler() -> None:
    """Optuna's own parallel jobs ask one sampler from several threads."""
    study = optuna.create_study(sampler=KaizenSampler(seed=1))
    study.optimize(every_kind, n_trials=16, n_jobs=4)
    assert {trial.state for trial in study.trials} == {COMPLETE}


def test_the_sampler_works_with_part_of_a_space() -> None:
    """Where another sampler fixes a parameter, the rest is planned."""
    study = study_of(every_kind, 8)
    with pytest.warns(optuna.exceptions.ExperimentalWarning):
        study.sampler = optuna.samplers.PartialFixedSampler({"kind": None, "depth": 16}, study.sampler)
    study.optimize(every_kind, n_trials=10)
    assert all(trial.params["kind"] is None for trial in study.trials[8:])
