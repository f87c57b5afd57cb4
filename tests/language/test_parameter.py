"""Parameters: what is accepted, how it is placed in its range, what is refused at the door."""

import math
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen.errors import KaizenError, Malformed, OutOfRange, Undeclared
from kaizen.parameter import (
    Choice,
    Parameter,
    Real,
    Revision,
    Switch,
    When,
    Whole,
    check_conditions,
    check_parameter,
    is_active,
    read_number,
)
from kaizen.setting import Setting
from kaizen.testing.strategies import choices, parameters, reals, values, wholes

PLACES = st.floats(0, 1)


@given(st.one_of(reals(), wholes()), PLACES)
def test_every_place_is_accepted(parameter: Real | Whole, place: float) -> None:
    """What `at` names, `check` keeps as it is; and the range's ends are its own."""
    value = parameter.at(place)
    assert parameter.check(value) == value
    assert type(parameter.check(value)) is type(value)
    assert parameter.low <= value <= parameter.high
    assert parameter.at(0) == parameter.at(-1) == parameter.low
    assert parameter.at(1) == parameter.at(2)
    if isinstance(parameter, Real) and parameter.step is None:
        assert parameter.at(1) == parameter.high


@given(wholes(), PLACES)
def test_a_whole_comes_back(parameter: Whole, place: float) -> None:
    """`at(place(v))` is v."""
    value = parameter.at(place)
    assert 0 <= parameter.place(value) <= 1
    assert parameter.at(parameter.place(value)) == value


@given(reals(), PLACES)
def test_a_real_comes_near(parameter: Real, place: float) -> None:
    """`at(place(v))` is v on a grid, and v to four figures elsewhere."""
    value = parameter.at(place)
    back = parameter.at(parameter.place(value))
    if parameter.step is not None:
        assert back == value
    elif parameter.log:
        assert back == pytest.approx(value, rel=1e-3)
    else:
        assert back == pytest.approx(value, abs=1e-3 * (parameter.high - parameter.low))


@given(reals(), st.floats(0, 1))
def test_a_kept_real_stays(parameter: Real, part: float) -> None:
    """What was checked once is the same when it is checked again."""
    value = parameter.low + part * (parameter.high - parameter.low)
    try:
        kept = parameter.check(value)
    except OutOfRange:
        return
    assert parameter.check(kept) == kept


@given(st.one_of(reals(), wholes()), PLACES, PLACES)
def test_places_keep_the_order(parameter: Real | Whole, one: float, other: float) -> None:
    """A higher place is no lower value."""
    low, high = sorted((one, other))
    assert parameter.at(low) <= parameter.at(high)


@given(st.data(), parameters())
def test_a_drawn_parameter_is_sound(data: st.DataObject, parameter: Parameter) -> None:
    """The strategies draw what the door accepts; and it is stored as it is."""
    check_parameter(parameter)
    value = data.draw(values(parameter))
    assert Setting(x=parameter.check(value)) == Setting(x=value)
    assert parameter.span
    assert msgspec.json.decode(msgspec.json.encode(parameter), type=Parameter) == parameter  # type: ignore[arg-type]


@given(choices())
def test_every_value_of_a_choice_can_be_had(parameter: Choice) -> None:
    """No value stands in another's way."""
    for value in parameter.values:
        assert Setting(x=parameter.check(value)) == Setting(x=value)


@given(
    parameters(), st.text(max_size=20) | st.integers() | st.floats() | st.none() | st.lists(st.integers(), max_size=2)
)
def test_any_value_at_all(parameter: Parameter, value: Any) -> None:
    """Whatever is given is kept, or refused as `OutOfRange`."""
    try:
        kept = parameter.check(value)
    except OutOfRange as error:
        said = error.message
    else:
        assert parameter.check(kept) == kept
        return
    assert re.match("alpha must be .*; got ", said, re.DOTALL)


WHOLE = Whole(name="x", low=2, high=11, step=3)
GRID = Real(name="x", low=0.1, high=0.7, step=0.1, unit="mm")


@pytest.mark.parametrize(
    ("parameter", "given", "kept"),
    [
        (WHOLE, 5, 5),
        (WHOLE, 5.0, 5),
        (WHOLE, "8", 8),
        (WHOLE, " +8 ", 8),
        (WHOLE, "8.0", 8),
        (Whole(name="x", low=1, high=8, levels=(1, 2, 8), unit="MiB"), "2 MiB", 2),
        (GRID, 0.1 + 0.2, 0.3),
        (GRID, "0.7 mm", 0.7),
        (Real(name="x", low=0, high=1), 1, 1.0),
        (Real(name="x", low=-1, high=1), -0.0, 0.0),
        (Choice(name="x", values=(1, True, "1", 2.5)), "1", "1"),
        (Choice(name="x", values=(1, True, "1", 2.5)), True, True),
        (Choice(name="x", values=(1, True, "1", 2.5)), 1, 1),
        (Choice(name="x", values=(1, True, "1", 2.5)), " TRUE ", True),
        (Choice(name="x", values=(1, True, "1", 2.5)), "2.5", 2.5),
        (Switch(name="x"), True, True),
        (Switch(name="x"), " False", False),
        (Revision(name="x"), " ABCDEF0 ", "abcdef0"),
    ],
)
def test_kept(parameter: Parameter, given: Any, kept: Any) -> None:
    """Values are kept in one form, however they are spelled."""
    assert Setting(x=parameter.check(given)) == Setting(x=kept)


@pytest.mark.parametrize(
    ("parameter", "given", "sentence"),
    [
        (WHOLE, 6, "x must be a whole number from 2 to 11 in steps of 3; got 6"),
        (WHOLE, 14, "x must be a whole number from 2 to 11 in steps of 3; got 14"),
        (WHOLE, 5.5, "x must be a whole number from 2 to 11 in steps of 3; got 5.5"),
        (WHOLE, True, "x must be a finite number; got True"),
        (WHOLE, "five", "x must be a number; got 'five'"),
        (WHOLE, "5 mm", "x must be in no unit; got '5 mm'"),
        (WHOLE, "inf", "x must be a finite number; got 'inf'"),
        (WHOLE, math.nan, "x must be a finite number; got nan"),
        (WHOLE, "1" * 400, f"x must be a finite number; got {'1' * 400!r}"),
        (Whole(name="x", low=1, high=8, levels=(1, 8), unit="MiB"), 2, "x must be one of 1, 8 MiB; got 2"),
        (Whole(name="x", low=1, high=8), 9, "x must be a whole number from 1 to 8; got 9"),
        (GRID, 0.25, "x must be a number from 0.1 to 0.7 mm in steps of 0.1; got 0.25"),
        (GRID, 0.8, "x must be a number from 0.1 to 0.7 mm in steps of 0.1; got 0.8"),
        (GRID, "0.3 cm", "x must be in mm; got '0.3 cm'"),
        (GRID, None, "x must be a finite number mm; got None"),
        (Real(name="x", low=0, high=1), 2, "x must be a number from 0 to 1; got 2"),
        (Choice(name="x", values=("a", "b")), "A", "x must be one of 'a', 'b'; got 'A'"),
        (Choice(name="x", values=("a", "b")), 1, "x must be one of 'a', 'b'; got 1"),
        (Choice(name="x", values=(1, 2)), True, "x must be one of 1, 2; got True"),
        (Switch(name="x"), 1, "x must be true or false; got 1"),
        (Switch(name="x"), "yes", "x must be true or false; got 'yes'"),
        (Revision(name="x"), "main", "x must be a commit or content hash of 7 to 64 hexadecimal digits; got 'main'"),
        (Revision(name="x"), 1234567, "x must be a commit or content hash of 7 to 64 hexadecimal digits; got 1234567"),
        (Revision(name="x"), "a" * 6, "x must be a commit or content hash of 7 to 64 hexadecimal digits; got 'aaaaaa'"),
    ],
)
def test_refused_values(parameter: Parameter, given: Any, sentence: str) -> None:
    """A value out of range is told the range."""
    with pytest.raises(OutOfRange) as caught:
        parameter.check(given)
    assert caught.value.message == sentence


def test_a_wrong_unit_is_told_how_to_mend() -> None:
    """The hint names the unit, if there is one."""
    with pytest.raises(OutOfRange) as caught:
        read_number("3 cm", name="x", unit="mm")
    assert caught.value.hint == "convert it, then write the number alone or with mm"
    with pytest.raises(OutOfRange) as caught:
        read_number("3 cm", name="x")
    assert caught.value.hint == "convert it, then write the number alone"


@pytest.mark.parametrize(
    ("parameter", "sentence"),
    [
        (Switch(name="2x"), "a parameter's name must be letters, digits and _; got '2x'"),
        (Real(name="x", low=1, high=1), "x's range must go from a smaller to a larger finite number; got 1 to 1"),
        (Real(name="x", low=0, high=math.inf), "x's range must go from a smaller to a larger finite number; got 0 to inf"),
        (Real(name="x", low=0, high=1, log=True), "x's range must lie above 0 to be spaced by ratios; got 0 to 1"),
        (Real(name="x", low=0, high=1e301), "x's range must not reach beyond 1e+300; got 0 to 1e+301"),
        (Real(name="x", low=-1e301, high=0), "x's range must not reach beyond 1e+300; got -1e+301 to 0"),
        (Real(name="x", low=1e-300, high=1e10, log=True), "x's range must not reach beyond 1e+300; got 1e-300 to 10000000000.0"),
        (Real(name="x", low=0, high=1, step=0), "x's step must be above 0 and at most 1; got 0"),
        (Real(name="x", low=1e9, high=1e9 + 1, step=1e-4), "x's step must be at least 1e-12 of its bounds; got 0.0001"),
        (Real(name="x", low=0, high=1, step=2), "x's step must be above 0 and at most 1; got 2"),
        (Whole(name="x", low=2, high=1), "x's range must go from a smaller to a larger finite number; got 2 to 1"),
        (Whole(name="x", low=0, high=9, log=True), "x's range must lie above 0 to be spaced by ratios; got 0 to 9"),
        (Whole(name="x", low=1, high=9, step=9), "x's step must be above 0 and at most 8; got 9"),
        (Whole(name="x", low=0, high=2**54), f"x's range must be of whole numbers, at most 2**53 from 0; got {2**54}"),
        (Whole(name="x", low=0.5, high=9), "x's range must be of whole numbers, at most 2**53 from 0; got 0.5"),  # type: ignore[arg-type]
        (Whole(name="x", low=1, high=9, levels=(1, 5)), "x's levels must be two or more whole numbers in rising order; got (1, 5)"),
        (Whole(name="x", low=1, high=9, levels=(1, 5, 3, 9)), "x's levels must be two or more whole numbers in rising order; got (1, 5, 3, 9)"),
        (Whole(name="x", low=1, high=9, levels=(1, 1, 9)), "x's levels must be two or more whole numbers in rising order; got (1, 1, 9)"),
        (Choice(name="x", values=("a",)), "x's values must be two or more different ones; got ('a',)"),
        (Choice(name="x", values=("a", "a")), "x's values must be two or more different ones; got ('a', 'a')"),
        (Choice(name="x", values=(1, 1.0)), "x's values must be two or more different ones; got (1, 1.0)"),
        (Choice(name="x", values=("a", None)), "x must be text, a finite number, true or false; got None"),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_refused_parameters(parameter: Parameter, sentence: str) -> None:
    """A parameter that cannot be right in itself is refused when it is declared."""
    with pytest.raises((Malformed, OutOfRange)) as caught:
        check_parameter(parameter)
    assert caught.value.message == sentence


@pytest.mark.parametrize(
    "parameter",
    [
        Real(name="größe", low=0, high=1),
        Whole(name="x", low=1, high=8, levels=(1, 8)),
        Choice(name="x", values=(1, True, "a")),
        Switch(name="x"),
        Revision(name="x"),
    ],
)
def test_accepted_parameters(parameter: Parameter) -> None:
    """What can be right passes in silence."""
    check_parameter(parameter)


def test_a_large_grid_keeps_its_digits() -> None:
    """Twelve figures are too few for a fine grid far from zero."""
    parameter = Real(name="x", low=1_234_567_890_123.0, high=1_234_567_890_133.0, step=1.0)
    assert [parameter.at(place) for place in (0, 0.5, 1)] == [1234567890123.0, 1234567890128.0, 1234567890133.0]


CODEC = Choice(name="codec", values=("zlib", "lzma"))
STRIP = Switch(name="strip", when=(When("codec", ("lzma",)),))


def test_conditions_are_kept_as_their_parameter_keeps_values() -> None:
    """A condition spelled in another way is the same condition."""
    deep = Real(name="deep", low=0, high=1, when=(When("strip", ("true",)),))  # type: ignore[arg-type]
    kept = check_conditions((deep, STRIP, CODEC))
    assert [parameter.name for parameter in kept] == ["deep", "strip", "codec"]
    assert kept[0].when == (When("strip", (True,)),)
    assert kept[1:] == (STRIP, CODEC)


@pytest.mark.parametrize(
    ("parameters", "kind", "sentence"),
    [
        ((STRIP,), Undeclared, "strip's condition must be on a declared parameter; got 'codec'"),
        ((CODEC, Switch(name="x", when=(When("codec", ("bz2",)),))), OutOfRange, "codec must be one of 'zlib', 'lzma'; got 'bz2'"),
        ((CODEC, Switch(name="x", when=(When("codec", ()),))), Malformed, "x's condition on codec must wait for one value or more; got none"),
        (
            (Switch(name="x", when=(When("y", (True,)),)), Switch(name="y", when=(When("x", (True,)),)), CODEC),
            Malformed,
            "conditions must not wait for each other; got a circle among x, y",
        ),
    ],
)  # fmt: skip
def test_refused_conditions(parameters: tuple[Parameter, ...], kind: type[KaizenError], sentence: str) -> None:
    """A condition that can never hold is refused."""
    with pytest.raises(kind) as caught:
        check_conditions(parameters)
    assert caught.value.message == sentence


def test_is_active() -> None:
    """A parameter waits until what it waits for is there and right; truth is no number."""
    assert is_active(CODEC, {})
    assert not is_active(STRIP, {})
    assert not is_active(STRIP, {"codec": "zlib"})
    assert is_active(STRIP, {"codec": "lzma"})
    assert not is_active(Switch(name="x", when=(When("n", (1,)),)), {"n": True})
