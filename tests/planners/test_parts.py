"""The planner's parts: acquisition against numeric twins, search within its limits, the plain library."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen.metric import guard, higher, lower
from kaizen.parameter import Choice, Real, Switch, When, Whole
from kaizen.planners.model import Optimizer
from kaizen.planners.model.acquisition import front, log_h, pareto
from kaizen.planners.model.search import Reach, draw, mutate, spread_out
from kaizen.process import Process, check_process
from kaizen.setting import Setting
from kaizen.surrogate.space import Space, changed
from kaizen.testing.planners import samples


def test_log_improvement_is_that_of_the_integral():
    """Near, against quadrature; far, against the asymptotic series; no jump between."""
    for z in (-6.0, -3.0, -1.01, -1.0, -0.99, 0.0, 2.0):
        f = np.linspace(max(0.0, z - 12), z + 12, 400_001)
        f = f[f >= 0]
        density = np.exp(-0.5 * (f - z) ** 2) / math.sqrt(2 * math.pi)
        assert log_h(np.array([z]))[0] == pytest.approx(math.log(np.trapezoid(f * density, f)), abs=1e-6)
    for z in (-50.0, -900.0, -1100.0, -1e6):
        series = -0.5 * z * z - 0.5 * math.log(2 * math.pi) - 2 * math.log(-z)
        assert log_h(np.array([z]))[0] == pytest.approx(series, abs=3e-3)
    assert np.all(np.diff(log_h(np.linspace(-2000, 5, 5001))) > 0)


def test_the_front_measures_hypervolume():
    """Sure readings gain hypervolume in proportion to the area they add."""
    means = np.array([[0.2, 0.8], [0.8, 0.2]])
    made = front(np.zeros(2), means, np.random.default_rng(0))
    wide = made._replace(rays=front_rays(4000), reach=np.zeros(4000))
    wide = wide._replace(reach=np.min(means[:, None, :] / wide.rays[None], axis=2).max(0) ** 2)
    sure = np.zeros((3, 2))
    new = np.array([[0.5, 0.5], [0.7, 0.7], [0.1, 0.1]])
    got = np.exp(wide.log_improvement(new, sure))
    areas = np.array([0.09, 0.25, 0.0])  # beyond the staircase of the two
    assert got[2] < 1e-9
    assert got[1] / got[0] == pytest.approx(areas[1] / areas[0], rel=0.15)
    assert pareto(np.array([[1.0, 2], [2, 1], [0, 0], [1, 2]])).tolist() == [True, True, False, True]


def front_rays(count):
    """Return directions spread evenly over a quarter circle."""
    angle = (np.arange(count) + 0.5) / count * math.pi / 2
    return np.column_stack([np.cos(angle), np.sin(angle)])


@pytest.mark.parametrize("kind", samples())
@given(seed=st.integers(0, 2**32 - 1), most=st.sampled_from([1, 2, None]))
@settings(max_examples=15, deadline=None)
def test_a_search_stays_within_reach(kind, seed, most):
    """Draws, mutants and far points keep constraints, grids, activity and the limit of changes."""
    process, rng = samples()[kind], np.random.default_rng(seed)
    space = Space(process)
    reach = Reach(space, space.encode([process.standard])[0], most)
    rows = draw(reach, 30, rng)
    children = mutate(reach, rows, 0.2, rng)
    far = spread_out(reach, rows, 3, rng)
    for row in (*rows, *children[reach.allowed(children)], *far):
        np.testing.assert_array_equal(space.tidy(row[None, :])[0], row)
        setting = space.decode(row)
        assert setting is not None or process.constraints
        if most is not None:
            assert changed(space, row[None, :], reach.origin).sum() <= most


def oven():
    """Return a process with a choice, conditions, a constraint, a guard and two metrics."""
    return check_process(
        Process(
            name="oven",
            parameters=(
                Real(name="heat", low=160.0, high=260.0),
                Whole(name="minutes", low=20, high=60),
                Choice(name="flour", values=("rye", "wheat", "spelt")),
                Switch(name="steam"),
                Real(name="water", low=0.1, high=2.0, log=True, when=(When("steam", (True,)),)),
            ),
            metrics=(higher("taste", scale="difference", worthwhile=0.1), lower("cost", kind="price")),
            standard=Setting(heat=220.0, minutes=40, flour="rye", steam=False),
            constraints=("heat * minutes <= 12000",),
            guards=(guard("cost", at_most=80.0),),
        )
    )


def bake(setting):
    """Return a reading, or nothing where the bread burns."""
    if setting["heat"] > 245:
        return None
    steam = -2 * abs(math.log(setting["water"])) + 2 if setting["steam"] else 0.0
    taste = 10 - ((setting["heat"] - 205) / 20) ** 2 + (setting["flour"] == "wheat") + steam
    return {"taste": taste, "cost": 20 + setting["minutes"] + 10 * setting["steam"]}


def baked(seed, runs, *, ahead=1):
    """Return an optimizer after so many runs, and what it asked."""
    optimizer, asked = Optimizer(oven(), seed=seed), []
    while len(asked) < runs:
        batch = [optimizer.ask() for _ in range(ahead)]
        for setting in batch:
            asked.append(setting)
            values = bake(setting)
            if values is None:
                optimizer.fault(setting, "crash")
            else:
                optimizer.tell(setting, values)
    return optimizer, asked


def test_the_same_seed_and_answers_give_the_same_questions():
    """Another seed asks others."""
    assert baked(1, 20)[1] == baked(1, 20)[1]
    assert baked(1, 20)[1] != baked(2, 20)[1]


@pytest.mark.parametrize("ahead", [1, 5])
def test_questions_are_allowed_and_faults_are_not_repeated(ahead):
    """Whatever is asked keeps the process's law; a batch has no twins; what faulted is left alone."""
    optimizer, asked = baked(3, 30, ahead=ahead)
    process = oven()
    assert asked[0] == process.standard
    faulted = set()
    for setting in asked:
        assert process.setting(setting) == setting
        assert setting not in faulted
        if bake(setting) is None:
            faulted.add(setting)
    for at in range(0, 30, ahead):
        assert len(set(asked[at : at + ahead])) == ahead
    assert bake(optimizer.recommend()) is not None


def test_it_learns():
    """Thirty runs find what a hundred by chance would not."""
    process = check_process(
        Process(
            name="bowl",
            parameters=(
                *(Real(name=f"x{n}", low=0.0, high=1.0) for n in range(3)),
                Choice(name="c", values=("a", "b")),
            ),
            metrics=(lower("loss", scale="difference", exact=True),),
            standard=Setting(x0=0.5, x1=0.5, x2=0.5, c="a"),
        )
    )

    def value(setting):
        return sum((setting[f"x{n}"] - 0.2 * (n + 1)) ** 2 for n in range(3)) + (setting["c"] == "a") * 0.3

    optimizer = Optimizer(process, seed=5)
    for _ in range(30):
        setting = optimizer.ask()
        optimizer.tell(setting, {"loss": value(setting)})
    assert value(optimizer.recommend()) < 0.005


def test_noise_does_not_choose_the_luckiest():
    """What is recommended is what is believed best, not what read best once."""
    process = check_process(
        Process(
            name="dice",
            parameters=(Real(name="x", low=0.0, high=1.0),),
            metrics=(lower("loss", scale="difference", worthwhile=0.1),),
            standard=Setting(x=0.5),
        )
    )
    optimizer = Optimizer(process, seed=5)
    rng = np.random.default_rng(8)
    places = np.linspace(0, 1, 21)
    for place in places:
        optimizer.tell(Setting(x=float(place)), {"loss": (place - 0.3) ** 2 * 8 + 0.3 * rng.standard_normal()})
    optimizer.tell(Setting(x=0.95), {"loss": -0.6})
    assert abs(optimizer.recommend()["x"] - 0.3) < 0.25


def test_a_metric_that_only_bears_a_guard_is_no_goal() -> None:
    """What is recommended is good at the goal and keeps the guard, however much better the guarded metric could be."""
    from kaizen.metric import guard, lower
    from kaizen.parameter import Real
    from kaizen.planners.model import Optimizer
    from kaizen.process import Process
    from kaizen.setting import Setting

    process = Process(
        name="plant",
        parameters=(Real(name="x", low=0.0, high=1.0),),
        metrics=(lower("waste", exact=True), lower("heat", exact=True)),
        guards=(guard("heat", at_most=1.8),),
        standard=Setting(x=0.1),
    )
    optimizer = Optimizer(process, seed=1, goals=["waste"])
    for _ in range(16):
        setting = optimizer.ask()
        x = float(setting["x"])
        optimizer.tell(setting, {"waste": 2.0 - x, "heat": 1.0 + x})
    assert 0.7 < float(optimizer.recommend()["x"]) <= 0.8
