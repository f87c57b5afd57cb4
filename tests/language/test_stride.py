"""How far one increment may move a parameter: in its unit, by a factor, in levels; and what is refused at the door."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen.errors import Malformed, OutOfRange
from kaizen.metric import lower
from kaizen.parameter import Choice, Parameter, Real, Switch, When, Whole, check_parameter
from kaizen.process import Process, check_process
from kaizen.setting import Setting
from kaizen.standard import Standard, increment
from kaizen.stride import may_move, reach, spell

HEAT = Real(name="heat", low=160.0, high=260.0, unit="degC", at_most=5)
RATE = Real(name="rate", low=1e-5, high=1.0, log=True, at_most=1.5)
CHUNK = Whole(name="chunk", low=16, high=256, levels=(16, 64, 128, 256), at_most=1)
JOBS = Whole(name="jobs", low=1, high=64, log=True, at_most=2)
GRID = Real(name="grid", low=0.0, high=1.0, step=0.25, at_most=0.3)
FREE = Whole(name="free", low=1, high=9)
KINDS = (HEAT, RATE, CHUNK, JOBS, GRID, FREE)


@pytest.mark.parametrize(
    ("parameter", "before", "near", "far", "said"),
    [
        (HEAT, 200.0, (195.0, 205.0), (194.9, 205.1), "5 degC"),
        (RATE, 0.01, (0.015, 0.00667), (0.0151, 0.0066), "a factor of 1.5"),
        (CHUNK, 64, (16, 128), (256,), "1 level"),
        (JOBS, 8, (4, 16), (3, 17), "a factor of 2"),
        (GRID, 0.5, (0.25, 0.75), (0.0, 1.0), "0.3"),
        (FREE, 1, (9,), (), "anything"),
    ],
)
def test_it_is_counted_as_the_parameter_is_spaced(
    parameter: Real | Whole, before: float, near: tuple[float, ...], far: tuple[float, ...], said: str
) -> None:
    """In its unit, by a factor, in levels."""
    assert [may_move(parameter, before, after) for after in near] == [True] * len(near)
    assert [may_move(parameter, before, after) for after in far] == [False] * len(far)
    assert spell(parameter) == said


@given(st.sampled_from(KINDS), st.floats(0, 1), st.floats(0, 1), st.integers(10, 1000))
def test_the_reach_is_what_may_be_moved_to(parameter: Real | Whole, place: float, part: float, tenths: int) -> None:
    """Whatever lies within the two ends may be moved to, and nothing farther out, but for the last four figures."""
    value = parameter.at(place)
    low, high = reach(parameter, value)
    assert 0 <= low <= parameter.place(value) <= high <= 1
    assert may_move(parameter, value, parameter.at(low + part * (high - low)))
    out = tenths / 1000
    for beyond in (low - out, high + out):
        if 0 <= beyond <= 1:
            moved = parameter.at(beyond)
            assert moved in (parameter.at(low), parameter.at(high)) or not may_move(parameter, value, moved)


@pytest.mark.parametrize(
    ("parameter", "least"),
    [
        (Real(name="x", low=0.0, high=10.0, at_most=0), "0.01 (a step)"),
        (Real(name="x", low=0.0, high=10.0, step=0.5, at_most=0.4), "0.5 (a step)"),
        (Real(name="x", low=0.0, high=10.0, at_most=float("nan")), "0.01 (a step)"),
        (Real(name="x", low=1.0, high=10.0, log=True, at_most=1.0), "1.001 (a factor, from its low end to the next value)"),
        (Whole(name="x", low=1, high=9, at_most=0.5), "1 (a step)"),
        (Whole(name="x", low=1, high=9, step=2, at_most=1), "2 (a step)"),
        (Whole(name="x", low=2, high=64, log=True, at_most=1.4), "1.5 (a factor, from its low end to the next value)"),
        (Whole(name="x", low=1, high=9, levels=(1, 9), at_most=0.5), "1 (a level)"),
    ],
)  # fmt: skip
def test_one_that_no_increment_can_be_made_with_is_refused(parameter: Parameter, least: str) -> None:
    """Less than a step, a level, or what is told apart."""
    with pytest.raises(Malformed, match=re.escape(f"x's at_most must be at least {least}; got ")):
        check_parameter(parameter)


def test_an_increment_that_goes_too_far_is_refused_by_name() -> None:
    """The error names the limit; what becomes active may start anywhere."""
    process = check_process(
        Process(
            name="loaf",
            parameters=(
                HEAT, Switch(name="steam"), Choice(name="flour", values=("rye", "wheat")),
                Real(name="water", low=0.1, high=2.0, at_most=0.1, when=(When("steam", (True,)),)),
            ),
            metrics=(lower("seconds"),),
            standard=Setting(heat=220.0, steam=False, flour="rye"),
        )
    )  # fmt: skip
    first = Standard(number=1, setting=process.standard, evidence="given", because="as described", by="ana")
    near = increment(process, first, {"heat": 225, "flour": "wheat"}, because="b", by="ana")
    assert near.changes == Setting(heat=225.0, flour="wheat")
    with pytest.raises(OutOfRange) as caught:
        increment(process, first, {"heat": 226.0}, because="b", by="ana")
    assert caught.value.message == "one increment must move heat by at most 5 degC; got 220.0 to 226.0"
    assert caught.value.hint == "take it in smaller steps, each proven, or amend the at_most of heat"
    on = increment(process, first, {"steam": True, "water": 2.0}, because="b", by="ana")
    assert on.after["water"] == 2.0
