"""What drives a metric: shares, slices and landscapes against functions that are known, and honesty where nothing is."""

import math
import random
import shutil
import sys
from pathlib import Path

import pytest

import kaizen
from kaizen.explanation import Explainer, Explanation
from kaizen.metric import guard, higher, lower
from kaizen.metric import metric as declare
from kaizen.parameter import Choice, Real, Switch, When, Whole
from kaizen.planners.model import ModelPlanner
from kaizen.process import Policy, Process
from kaizen.setting import Setting
from kaizen.workshop import open_workshop
from kaizen.workshop.bench import Bench

METRICS = (higher("taste", scale="difference", worthwhile=0.1),)


def numbers(count: int = 3, **fields) -> Process:
    """A process of ``count`` numbers from 0 to 1."""
    made = {"metrics": METRICS, "standard": Setting({f"x{i}": 0.5 for i in range(count)})} | fields
    return Process(
        name="loaf", parameters=tuple(Real(name=f"x{i}", low=0.0, high=1.0) for i in range(count)), **made
    )  # fmt: skip


def filled(process: Process, truth, runs: int, *, draw=None, seed: int = 1) -> Bench:
    """Return a bench with so many reported runs, settings drawn by chance."""
    chance = random.Random(seed)
    bench = open_workshop("memory:").describe(process)
    for _ in range(runs):
        setting = {p.name: round(chance.random(), 4) for p in process.parameters} if draw is None else draw(chance)
        values = truth(setting, chance)
        bench.report_run(setting, values if isinstance(values, dict) else {"taste": values}, source="a log")
    return bench


def explained(bench: Bench) -> Explanation:
    found = bench.explain()
    assert found is not None
    return found


def shares(found: Explanation, metric: str = "taste") -> dict:
    return {share.parameter: share for share in found.of(metric).shares}


# ── shares ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_shares_are_those_of_a_known_function():
    """Of 3 a + b the variances are 9 : 1; c does nothing."""
    found = shares(explained(filled(numbers(), lambda s, c: 3 * s["x0"] + s["x1"] + c.gauss(0, 0.05), 60)))
    assert [*found][:2] == ["x0", "x1"]
    assert found["x0"].share == pytest.approx(0.9, abs=0.05)
    assert found["x1"].share == pytest.approx(0.1, abs=0.05)
    assert found["x2"].share < 0.01
    for share in found.values():
        assert 0 <= share.low <= share.share <= share.high <= 1
        assert 0 <= share.alone <= share.share
    assert found["x0"].alone > 0.95 * found["x0"].share


def test_what_acts_only_together_is_nobodys_alone():
    """The product of two centred numbers has no part of its own."""
    found = shares(explained(filled(numbers(), lambda s, _: 10 * (s["x0"] - 0.5) * (s["x1"] - 0.5), 80)))
    for name in ("x0", "x1"):
        assert found[name].share > 0.85
        assert found[name].alone < 0.2 * found[name].share
    assert found["x2"].share < 0.05


def test_fewer_runs_leave_wider_intervals():
    def truth(setting, chance):
        return math.sin(5 * setting["x0"]) + setting["x1"] + chance.gauss(0, 0.1)

    few, many = (shares(explained(filled(numbers(), truth, runs))) for runs in (16, 100))
    assert few["x0"].high - few["x0"].low > 2 * (many["x0"].high - many["x0"].low)


def test_the_same_journal_gives_the_same_explanation():
    bench = filled(numbers(), lambda s, c: s["x0"] + c.gauss(0, 0.1), 30)
    assert bench.explain() == bench.explain()
    assert ModelPlanner().explain(bench.journal, seed=1) == ModelPlanner().explain(bench.journal, seed=1)
    assert isinstance(ModelPlanner(), Explainer)


# ── slices ────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("better", ["lower", "higher"])
def test_intervals_along_a_slice_cover_the_truth(exact, better):
    """Nine in ten of what is believed holds the truth at about nine in ten places, in the metric's own units."""
    metric = declare("taste", better=better, exact=exact, worthwhile=0.0 if exact else 0.02)

    def level(setting):
        return math.exp(math.sin(4 * setting["x0"]) + 0.5 * setting["x1"])

    held = []
    for seed in range(4):
        noise = 0.0 if exact else 0.05
        bench = filled(
            numbers(metrics=(metric,)),
            lambda s, c, noise=noise: level(s) * math.exp(c.gauss(0, noise)),
            40, seed=seed,
        )  # fmt: skip
        for one in explained(bench).of("taste").slices:
            for spot in one.spots:
                assert 0 <= spot.low <= spot.middle <= spot.high
                truth = level({**one.base, one.parameter: spot.value})
                held.append(spot.low - 1e-3 * truth <= truth <= spot.high + 1e-3 * truth)
    assert sum(held) / len(held) > 0.75


def test_a_slice_goes_through_today_and_tells_what_promises_most():
    bench = filled(numbers(), lambda s, c: -((s["x0"] - 0.8) ** 2) * 10 + c.gauss(0, 0.02), 50)
    slices = {one.parameter: one for one in explained(bench).of("taste").slices}
    one = slices["x0"]
    assert one.base == bench.standard.setting
    assert one.today is not None
    assert one.today.value == 0.5
    assert one.step is not None
    assert one.step.clear
    assert one.step.value == pytest.approx(0.8, abs=0.07)
    assert one.step.low <= 0.9 <= one.step.high
    assert all(0.35 <= near.nearness <= 1 for near in one.near)
    assert not (slices["x2"].step and slices["x2"].step.gain > 0.1)


def test_runs_on_the_slice_are_nearest():
    """A run that differs in nothing else is on it; repeats are one dot."""
    bench = filled(numbers(), lambda s, _: s["x0"] + s["x1"], 30)
    for _ in range(2):
        bench.report_run({"x0": 0.9, "x1": 0.5, "x2": 0.5}, {"taste": 1.4}, source="a log")
    one = next(one for one in explained(bench).of("taste").slices if one.parameter == "x0")
    assert one.near[0].nearness == pytest.approx(1.0)
    assert (one.near[0].value, one.near[0].reading, one.near[0].runs) == (0.9, 1.4, 2)


def test_constraints_interrupt_slices_and_landscapes():
    process = numbers(constraints=("x0 + x1 <= 1.2",))

    def draw(chance):
        while True:
            setting = {name: round(chance.random(), 3) for name in ("x0", "x1", "x2")}
            if setting["x0"] + setting["x1"] <= 1.2:
                return setting

    found = explained(filled(process, lambda s, _: s["x0"] + 2 * s["x1"], 40, draw=draw)).of("taste")
    one = next(one for one in found.slices if one.parameter == "x0")
    assert [spot.value for spot in one.spots if not spot.allowed] == [s.value for s in one.spots if s.value > 0.7]
    assert found.landscape is not None
    assert found.landscape.middle[-1][-1] is None
    assert found.landscape.middle[0][0] is not None


# ── kinds of parameters ───────────────────────────────────────────────────────────────────────────────────────────────
def oven(**fields) -> Process:
    """Choices, a switch, a conditional number, a grid, and something that nobody moves."""
    made = {"metrics": METRICS} | fields
    return Process(
        name="oven",
        parameters=(
            Choice(name="flour", values=("rye", "wheat", 550)), Switch(name="steam"),
            Real(name="water", low=0.1, high=10.0, log=True, when=(When("steam", (True,)),)),
            Whole(name="rack", low=1, high=8, levels=(1, 2, 4, 8)), Real(name="salt", low=1.0, high=3.0),
        ),
        standard=Setting(flour="rye", steam=False, rack=2, salt=2.0), **made,
    )  # fmt: skip


def dough(chance):
    setting = {"flour": chance.choice(["rye", "wheat", 550]), "steam": chance.random() < 0.5,
               "rack": chance.choice([1, 2, 4, 8]), "salt": 2.0}  # fmt: skip
    return setting | ({"water": round(0.1 * 100 ** chance.random(), 4)} if setting["steam"] else {})


def baked(setting, chance):
    steam = math.log10(setting["water"]) * 2 if setting["steam"] else 0.0
    return steam + (setting["flour"] == 550) + chance.gauss(0, 0.05)


def test_choices_levels_and_conditions():
    found = explained(filled(oven(), baked, 70, draw=dough))
    share, slices = shares(found), {one.parameter: one for one in found.of("taste").slices}
    assert found.unvaried == ("salt",)
    assert "salt" not in share
    assert share["rack"].share < 0.03
    # where there is steam: Var(2 log10 w) = 16/12, Var([550]) = 2/9
    assert share["water"].share == pytest.approx(0.857, abs=0.08)
    assert [spot.value for spot in slices["flour"].spots] == ["rye", "wheat", 550]
    assert [spot.value for spot in slices["steam"].spots] == [False, True]
    assert [spot.value for spot in slices["rack"].spots] == [1, 2, 4, 8]
    assert slices["flour"].step.value == 550
    assert slices["flour"].step.clear
    assert slices["water"].base["steam"] is True
    assert slices["water"].base in [run.setting for run in filled(oven(), baked, 70, draw=dough).runs]
    assert slices["water"].spots[-1].middle - slices["water"].spots[0].middle == pytest.approx(4, abs=0.6)


# ── several metrics, faults ───────────────────────────────────────────────────────────────────────────────────────────
def test_each_metric_has_its_own_drivers():
    metrics = (*METRICS, lower("price", kind="price", exact=True))
    process = numbers(metrics=metrics, guards=(guard("price", at_most=9.0),))

    def truth(setting, chance):
        return {"taste": setting["x0"] + chance.gauss(0, 0.05), "price": 1.0 + setting["x1"] ** 2}

    found = explained(filled(process, truth, 50))
    assert [one.metric for one in found.drivers] == ["taste", "price"]
    assert found.of("taste").shares[0].parameter == "x0"
    assert found.of("price").shares[0].parameter == "x1"
    assert found.of("price").shares[0].share > 0.95
    assert found.hazards == ()
    assert found.of("speed") is None


def test_where_runs_fault_is_told_along_each_parameter():
    bench = open_workshop("memory:").describe(numbers(policy=Policy(runs=70)))
    chance = random.Random(4)
    for _ in range(60):
        run = bench.ask(by="ana")
        if run.setting["x0"] > 0.7:
            bench.fault(run, "it burnt", reason="crash", by="ana")
        else:
            bench.tell(run, taste=run.setting["x1"] + chance.gauss(0, 0.02), by="ana")
    found = explained(bench)
    assert found.faults == sum(run.values is None for run in bench.runs) > 0
    assert found.runs == len(bench.runs)
    along = dict(zip(found.hazard("x0").values, found.hazard("x0").chances, strict=True))
    assert along[1.0] > 0.5
    assert along[0.0] < 0.3
    assert all(0 <= chance <= 1 for hazard in found.hazards for chance in hazard.chances)


# ── the two that drive most ───────────────────────────────────────────────────────────────────────────────────────────
def test_a_landscape_is_of_the_two_that_drive_most():
    def truth(setting, _):
        return 3 * setting["x2"] - (setting["x0"] - 0.5) ** 2 * 8 + 0.1 * setting["x1"]

    drawn = explained(filled(numbers(4), truth, 60)).of("taste").landscape
    assert {drawn.across, drawn.up} == {"x0", "x2"}
    for j, up in enumerate(drawn.up_values):
        for i, across in enumerate(drawn.across_values):
            here = {"x1": 0.5, drawn.across: across, drawn.up: up}
            assert drawn.low[j][i] <= drawn.middle[j][i] <= drawn.high[j][i]
            assert drawn.middle[j][i] == pytest.approx(truth(here, None), abs=0.5)


def test_one_driver_has_no_landscape():
    assert explained(filled(numbers(2), lambda s, _: s["x0"], 30)).of("taste").landscape is None


# ── honesty ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_noise_is_seldom_taken_for_knowledge():
    """Where nothing drives anything, nothing is drawn, nearly always."""
    fooled = sum(explained(filled(numbers(4), lambda _, c: c.gauss(0, 1), 24, seed=seed)).of("taste").known
                 for seed in range(12))  # fmt: skip
    assert fooled <= 1


def test_what_is_not_known_is_said():
    noise = explained(filled(numbers(4), lambda _, c: c.gauss(0, 1), 24, seed=1)).of("taste")
    assert not noise.known
    assert "hardly better than by the mean" in noise.unknown
    assert (noise.shares, noise.slices, noise.landscape, noise.today) == ((), (), None, None)
    few = explained(filled(numbers(), lambda s, _: s["x0"], 5)).of("taste")
    assert few.unknown == "5 settings with a reading are too few; it takes 8"
    alike = explained(filled(numbers(), lambda *_: 2.0, 20)).of("taste")
    assert (alike.unknown, alike.skill) == ("all settings read the same", None)


def test_skill_is_what_is_foretold():
    sure = explained(filled(numbers(), lambda s, _: s["x0"], 40)).of("taste").skill
    half = explained(filled(numbers(), lambda s, c: s["x0"] + c.gauss(0, 0.29), 80)).of("taste").skill
    assert sure > 0.97
    assert 0.2 < half < 0.75


def test_an_empty_ledger_explains_nothing():
    bench = open_workshop("memory:").describe(numbers())
    assert bench.explain() is None
    story = bench.story(explained=True)
    assert story.explanation is None
    assert "no run" in story.unexplained
    assert bench.story().unexplained == ""
    bench.fault(bench.ask(by="ana"), "no", by="ana")
    assert bench.explain() is None


def test_numbers_beyond_statistics_are_left_out():
    metrics = (*METRICS, higher("wild", scale="difference", worthwhile=1.0))

    def truth(setting, chance):
        return {"taste": setting["x0"], "wild": chance.choice([1.7e308, -1.7e308])}

    found = explained(filled(numbers(metrics=metrics), truth, 20))
    assert [one.metric for one in found.drivers] == ["taste"]


def test_runs_from_before_an_amendment_do_not_count():
    bench = filled(numbers(), lambda s, _: s["x0"], 30)
    changed = (higher("taste", scale="difference", worthwhile=0.1, unit="other points"),)
    bench.amend(numbers(metrics=changed), because="measured anew")
    found = bench.explain()
    assert found is None or found.runs in (0, 30)


# ── wiring ────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("planner", ["steps", "model"])
def test_any_planner_is_explained_by_the_model(planner):
    bench = filled(numbers(policy=Policy(planner=planner)), lambda s, _: s["x0"], 20)
    assert explained(bench).of("taste").shares[0].parameter == "x0"


def test_a_planner_may_explain_by_itself():
    one = Explanation(number=1, standard=Setting(x0=0.5), runs=1, faults=0, drivers=())

    class Own(ModelPlanner):
        def explain(self, journal, *, seed):
            return one

    bench = open_workshop("memory:", planner=Own()).describe(numbers())
    assert bench.explain() is one


def test_without_its_packages_a_story_says_how_to_get_them(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("kaizen.planners.model")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "kaizen.planners.model", None)
    bench = filled(numbers(policy=Policy(planner="steps")), lambda s, _: s["x0"], 12)
    with pytest.raises(kaizen.Stuck, match=r"an explanation must have .* installed; got none"):
        bench.explain()
    story = bench.story(explained=True)
    assert story.explanation is None
    assert "pip install numpy scipy" in story.unexplained


def test_old_ledgers_are_explained(tmp_path):
    for path in (Path(__file__).parents[1] / "golden").glob("*.db"):
        shutil.copy(path, tmp_path / path.name)
        with open_workshop(tmp_path / path.name) as shop:
            for name in shop:
                found = shop[name].explain()
                assert found is None or all(one.unknown for one in found.drivers)
