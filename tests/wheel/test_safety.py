"""What planners' runs broke, and what may still be risked: the arithmetic, its promise, and what counts."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen import journal
from kaizen.errors import OutOfRange
from kaizen.parameter import Real
from kaizen.plan import Scout
from kaizen.planners.steps import SmallSteps
from kaizen.reports import text
from kaizen.safety import REPEATED, SLACK, SMALL, Planned, Walk, allowance, breaks, by_planner, planned, realised, stray
from kaizen.setting import Setting
from kaizen.standard import increment
from kaizen.trial import Fault, Spend

HERE = Setting(x=1)


def ran(broke: bool, new: bool = True) -> Planned:
    return Planned(setting=HERE, new=new, broke=broke)


def test_the_allowance_falls_with_breaks_and_is_earned_back() -> None:
    """From the limit: about half of it for a break; a sound run earns limit² / 2; never above the limit."""
    assert allowance([], 0.1) == 0.1
    assert allowance([ran(False)] * 50, 0.1) == 0.1
    assert allowance([ran(True)], 0.1) == pytest.approx(0.1 - 0.05 * 0.9)
    assert allowance([ran(True)] + [ran(False)] * 3, 0.1) == pytest.approx(0.055 + 3 * 0.005)
    assert allowance([ran(True)] * 3, 0.1) < 0
    assert allowance([ran(True, new=False)] * 9, 0.1) == 0.1  # the standard's own are nobody's proposal


@given(st.sampled_from([0.01, 0.05, 0.1, 0.3, 0.5]), st.integers(0, 2**32), st.floats(0, 1))
def test_whoever_stops_at_nothing_left_keeps_the_promise(limit: float, seed: int, bad: float) -> None:
    """However bad every proposal is, at any time at most limit times runs and three of them broke."""
    chance, runs = random.Random(seed), []
    for count in range(1, 300):
        risked = allowance(runs, limit) > 0
        runs.append(ran(risked and chance.random() < bad, new=risked))
        assert sum(run.broke for run in runs) <= limit * count + SLACK


def test_the_leash_gives_one_small_step_half_the_limit_and_lengthens() -> None:
    """With every sound step it lengthens, with a break it shortens; where something ran soundly there is no doubt."""
    for limit in (0.01, 0.05, 0.2):
        assert stray(SMALL, Walk(), limit) == pytest.approx(limit / 2)
        assert stray(2 * SMALL, Walk(), limit) < limit
        assert stray(0.0, Walk(), limit) == 0.0
        walked, fell = Walk(length=2.0), Walk(length=2.0, broke=1)
        assert stray(SMALL, walked, limit) < stray(SMALL, Walk(), limit) < stray(4 * SMALL, Walk(), limit)
        assert stray(SMALL, fell, limit) > stray(SMALL, walked, limit)


# ── what counts ──────────────────────────────────────────────────────────────────────────────────────────────────────
def tried(bakery: Any, number: int, value: Any, *, heat: float = 230.0, **fields: Any) -> journal.Tried:
    outcome = value if isinstance(value, Fault) else bakery.reading(value)
    setting = Setting({**bakery.process().standard, "heat": heat})
    given = {"purpose": "scout", "of": 1, **fields}
    return journal.Tried(
        id=number, seq=number, at=0, by="w", setting=setting, outcome=outcome, spend=Spend(runs=1), **given
    )


def a_trial(bakery: Any, number: int, by: str) -> journal.Tested:
    trial = bakery.trial(number=number)
    trial = bakery.replace(trial, increment=bakery.replace(trial.increment, by=by))
    return journal.Tested(id=number, seq=number, at=0, by="w", trial=trial)


def test_planners_runs_are_scouts_and_their_own_trials(bakery: Any) -> None:
    """Not runs made elsewhere or asked for to see noise, not people's trials, not lost ones; the standard's count."""
    process = bakery.process(guards=(bakery.guard(metric="taste", at_least=4.0),), risk=0.05)
    standards = bakery.bench(process=process).journal.history.standards()
    trials = [a_trial(bakery, 1, "model 1"), a_trial(bakery, 2, "ana"), a_trial(bakery, 3, "small steps 1")]
    assert [by_planner(test.trial.increment) for test in trials] == [True, False, True]
    side: dict[str, Any] = {"purpose": "trial", "block": 0}
    rows = [
        tried(bakery, 1, 5.0, heat=220.0),
        tried(bakery, 2, 3.9, heat=220.0),
        tried(bakery, 3, 3.9),
        tried(bakery, 4, bakery.crash),
        tried(bakery, 5, Fault(reason="lost")),
        tried(bakery, 6, 0.0, source="log.tsv"),
        tried(bakery, 7, 0.0, trial=2, side="increment", **side),
        tried(bakery, 8, 9.0, trial=1, side="increment", **side),
        tried(bakery, 9, 5.0, trial=3, side="standard", heat=220.0, **side),
        tried(bakery, 10, 5.0, heat=220.0, because=REPEATED),
    ]
    found = planned(process, rows, trials, standards)
    assert [(run.new, run.broke) for run in found] == [
        (False, False), (False, True), (True, True), (True, True), (True, False), (False, False)
    ]  # fmt: skip
    told = realised(process, found)
    assert str(told) == (
        "2 of 6 planner's runs (33 %) broke a guard or faulted, and 1 of the standard itself; the limit is 5 %"
    )
    assert breaks(process, bakery.replace(rows[4], late=(bakery.reading(3.0),))) is True  # it answered late
    assert str(realised(bakery.process(), [])) == "0 of 0 planner's runs (0 %) broke a guard or faulted"


# ── small steps under a limit ────────────────────────────────────────────────────────────────────────────────────────
def test_small_steps_rest_on_the_standard_when_nothing_is_left(bakery: Any) -> None:
    """However bad everything else is: at most limit times runs and three."""
    knobs = tuple(Real(name=f"knob{number}", low=0.0, high=1.0) for number in range(8))
    middle = Setting({knob.name: 0.5 for knob in knobs})
    process = bakery.replace(bakery.process(risk=0.1), parameters=knobs, standard=middle)
    bench = bakery.bench(planner=SmallSteps(), process=process)
    _, made = bakery.play(bench, lambda run: 5.0 if run.setting == middle else bakery.crash, most=120)
    story = bench.story()
    assert (story.realised.runs, len(made)) == (120, 120)
    assert 3 <= story.realised.broke <= 0.1 * 120 + SLACK
    assert any("before more runs are sound" in run.because for run in made)
    assert story.risk == "14 of 120 planner's runs (12 %) broke a guard or faulted; the limit is 10 %"
    assert f"\nRisk          {story.risk}\n" in text.summary(story)


def test_small_steps_are_short_under_a_limit(bakery: Any) -> None:
    """And shorter after a break."""
    bench = bakery.bench(planner=SmallSteps(), risk=0.2)
    _, made = bakery.play(bench, lambda run: 5.0, most=30)
    assert 0 < max(abs(run.setting["heat"] - 220.0) for run in made) <= 12.1


# ── steps of people and planners ─────────────────────────────────────────────────────────────────────────────────────
def test_nobody_proposes_more_than_at_most(bakery: Any) -> None:
    """Neither people nor planners; consult says so beforehand; an amendment allows it."""
    process = bakery.process()
    heat, *others = process.parameters
    assert isinstance(heat, Real)
    careful = bakery.replace(process, parameters=(bakery.replace(heat, at_most=3.0), *others))
    bench = bakery.bench(planner=SmallSteps(), process=careful)
    for verb in (bench.consult, lambda **changes: bench.propose(**changes, because="darker", by="ana")):
        with pytest.raises(OutOfRange, match=r"one increment must move heat by at most 3; got 220\.0 to 230\.0"):
            verb(heat=230.0)
    bench.propose(heat=223.0, because="darker", by="ana")
    _, made = bakery.play(bench, lambda run: 5.0, most=60)
    assert {run.setting["heat"] for run in made} <= {217.0 + tenth / 100 for tenth in range(601)}
    bench.amend(process, because="we know the oven by now")
    bench.propose(heat=230.0, because="darker", by="ana")


def test_what_lies_too_far_is_not_recommended(bakery: Any) -> None:
    """A run made elsewhere teaches, and cannot be one increment."""
    process = bakery.process()
    heat, *others = process.parameters
    careful = bakery.replace(process, parameters=(bakery.replace(heat, at_most=3.0), *others))
    near = increment(careful, bakery.bench(process=careful).standard, {"heat": 222.0}, because="b", by="p").after
    scouts = [Scout(setting=setting, because="b") for setting in [careful.standard] * 3 + [near]]
    bench = bakery.bench(*scouts, process=careful)
    bench.report_run({**careful.standard, "heat": 250.0}, {"taste": 9.0}, source="log.tsv")
    bakery.play(bench, lambda run: 8.0 if run.setting == near else 5.0 + run.id % 2 / 10)
    assert [candidate.setting["heat"] for candidate in bench.recommended()] == [222.0]
