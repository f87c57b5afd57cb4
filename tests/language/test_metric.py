"""Metrics: readings at the door, gains in the judge's units and in people's words; guards."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen.errors import Malformed, OutOfRange
from kaizen.metric import Guard, Metric, check_guard, check_metric, guard, higher, lower, metric
from kaizen.testing.strategies import metrics

RATIO = lower("seconds", unit="s", worthwhile=0.02)
POINTS = higher("taste", scale="difference", unit="points", worthwhile=0.5, low=0, high=10)


def test_defaults() -> None:
    """Noisy: 1 %; exact: any gain; the margin is the worthwhile unless said."""
    assert (lower("x").worthwhile, lower("x").margin) == (0.01, 0.01)
    assert (lower("x", exact=True).worthwhile, lower("x", exact=True).margin) == (0.0, 0.0)
    assert (higher("x", worthwhile=0.1, margin=0).margin, higher("x").better) == (0.0, "higher")
    assert higher("x", exact=True, scale="difference").worthwhile == 0


@pytest.mark.parametrize(("given", "kept"), [(3, 3.0), ("3 s", 3.0), (0.5, 0.5)])
def test_readings(given: Any, kept: float) -> None:
    """A reading is a number, with its unit or without."""
    assert RATIO.check(given) == kept
    assert type(RATIO.check(given)) is float


@pytest.mark.parametrize(
    ("metric", "given", "sentence"),
    [
        (RATIO, math.nan, "seconds must be a finite number; got nan"),
        (RATIO, None, "seconds must be a finite number; got None"),
        (RATIO, True, "seconds must be a finite number; got True"),
        (RATIO, 10**400, f"seconds must be a finite number; got {10**400}"),
        (RATIO, "fast", "seconds must be a number s; got 'fast'"),
        (RATIO, "3 ms", "seconds must be in s; got '3 ms'"),
        (RATIO, 0, "seconds must be above 0, since it is compared by ratio; got 0"),
        (POINTS, -1, "taste must be from 0.0 to 10.0, as declared; got -1"),
        (POINTS, 11, "taste must be from 0.0 to 10.0, as declared; got 11"),
        (lower("x", high=2), 3, "x must be from -inf to 2.0, as declared; got 3"),
        (lower("x", low=2), 1, "x must be from 2.0 to inf, as declared; got 1"),
    ],
)
def test_refused_readings(metric: Metric, given: Any, sentence: str) -> None:
    """A reading that cannot be sound is refused, never clipped."""
    with pytest.raises(OutOfRange) as caught:
        metric.check(given)
    assert caught.value.message == sentence


POSITIVE = st.floats(min_value=5e-324, max_value=1e308)


@given(metrics(), POSITIVE, POSITIVE)
def test_gains_are_fair(metric: Metric, one: float, other: float) -> None:
    """Swapping the sides turns the sign; a gain says which reads better, however near or far apart they are."""
    gain = metric.gain(one, other)
    assert math.isfinite(gain)
    assert metric.gain(other, one) == pytest.approx(-gain, rel=1e-9, abs=1e-15)
    better = one > other if metric.better == "higher" else one < other
    assert (gain > 0) == better
    assert (gain == 0) == (one == other)


@given(metrics(), st.floats(1e-3, 0.9))
def test_changes_come_back(metric: Metric, change: float) -> None:
    """A wanted gain and a tolerated loss are the changes that they were written as."""
    sign = 1 if metric.better == "higher" else -1
    assert metric.as_gain(change) > 0 > metric.as_loss(change)
    assert metric.as_change(metric.as_gain(change)) == pytest.approx(sign * change)
    assert metric.as_change(metric.as_loss(change)) == pytest.approx(-sign * change)
    assert metric.spell(metric.as_gain(change))


def test_words() -> None:
    """Gains and rules as people say them."""
    assert RATIO.spell(RATIO.gain(60.9, 100.0)) == "-39.1%"
    assert POINTS.spell(0.4) == "+0.4 points"
    assert higher("x", scale="difference", worthwhile=1).spell(-2) == "-2"
    assert RATIO.as_change(-1e9) == pytest.approx(math.expm1(700))
    assert RATIO.rule == "seconds: lower is better, worthwhile 2 %, margin 2 %"
    assert POINTS.rule == "taste: higher is better, worthwhile 0.5 points, margin 0.5 points"
    assert lower("x", exact=True).rule == "x: lower is better, exact, worthwhile 0 %, margin 0 %"


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ({"name": "a b"}, "a metric's name must be letters, digits and _; got 'a b'"),
        ({"better": "less"}, "x's better must be one of lower, higher; got 'less'"),
        ({"kind": "cost"}, "x's kind must be one of quality, price; got 'cost'"),
        ({"scale": "log"}, "x's scale must be one of ratio, difference; got 'log'"),
        ({"scale": "difference"}, "x's worthwhile must be given, since it is compared by difference; got none"),
        ({"worthwhile": 1.0}, "x's worthwhile must be at least 0 and below 1; got 1.0"),
        ({"worthwhile": 0.1, "margin": -1}, "x's margin must be at least 0 and below 1; got -1.0"),
        ({"scale": "difference", "worthwhile": math.inf}, "x's worthwhile must be at least 0 and below inf; got inf"),
        ({"worthwhile": 0}, "x's worthwhile must be above 0, since it is noisy; got 0"),
        ({"low": 2, "high": 1}, "x's bounds must go from a smaller to a larger number; got 2.0 to 1.0"),
        ({"low": math.nan}, "x's bounds must be numbers; got nan to None"),
    ],
)
def test_refused_metrics(rules: dict[str, Any], sentence: str) -> None:
    """A metric that cannot be right is refused when it is declared."""
    with pytest.raises(Malformed) as caught:
        metric(**{"name": "x", "better": "lower", **rules})
    assert caught.value.message == sentence


@given(metrics())
def test_a_drawn_metric_is_sound(drawn: Metric) -> None:
    """The strategies draw what the door accepts."""
    check_metric(drawn)


def test_guards() -> None:
    """A limit itself is allowed."""
    both = guard("size", at_least=1, at_most=2)
    assert [both.broken_by(value) for value in (0.5, 1, 2, 2.5)] == [True, False, False, True]
    assert str(both) == "size >= 1 and size <= 2"
    assert str(guard("size", at_most=2)) == "size <= 2"
    assert not guard("size", at_least=1).broken_by(99)


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ({}, "the guard on size must have a finite at_least or at_most; got []"),
        ({"at_most": math.nan}, "the guard on size must have a finite at_least or at_most; got [nan]"),
        ({"at_least": 2, "at_most": 1}, "the guard on size must leave room; got at_least 2, at_most 1"),
    ],
)
def test_refused_guards(limits: dict[str, float], sentence: str) -> None:
    """A guard must be a limit that can be kept."""
    with pytest.raises(Malformed) as caught:
        check_guard(Guard(metric="size", **limits))
    assert caught.value.message == sentence
