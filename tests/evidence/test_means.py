"""Means of bounded differences are proven whatever their law; typical gains that are no gains on average are not."""

import math
from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen.evidence import means
from kaizen.evidence.means import log_mean, log_mean_path, mean_interval

differences = st.lists(st.floats(-1, 1), max_size=25)


@given(differences, st.floats(-0.9, 0.9))
def test_it_is_its_definition(values: list[float], above: float) -> None:
    """The slow twin, written down as the equation stands, agrees."""
    assert log_mean(values, 1.0, above=above) == pytest.approx(
        means._log_mean_by_definition(values, 1.0, above), abs=1e-9
    )


@pytest.mark.parametrize("rare", [0.5, 0.2, 0.1, 0.05])
def test_a_lottery_without_a_gain_is_proven_at_most_as_often_as_promised(rare: float) -> None:
    """Usually a little better, rarely awful, nothing on average: signs are fooled, bets on the mean are not."""
    little = rare / (1 - rare)
    ever = mean = 0.0
    for rarely in product((False, True), repeat=11):
        chance = math.prod(rare if one else 1 - rare for one in rarely)
        path = log_mean_path([-1.0 if one else little for one in rarely], 1.0)
        ever += chance * (max(path) >= math.log(20))
        mean += chance * math.exp(path[-1])
    assert mean == pytest.approx(1.0, abs=1e-9)
    assert ever <= 0.05


def test_a_gain_on_average_is_proven() -> None:
    """Four tenths of the widest difference, with noise: within fifty pairs."""
    rng = Random(1)
    gains = [max(-1.0, min(1.0, rng.gauss(0.4, 0.3))) for _ in range(50)]
    assert max(log_mean_path(gains, 1.0)) >= math.log(20)
    low, high = mean_interval(gains, 1.0, 0.05)
    assert 0 < low < sum(gains) / 50 < high


@given(differences, st.floats(0.01, 0.5))
def test_the_interval_holds_what_is_not_contradicted(values: list[float], alpha: float) -> None:
    """It lies within the bounds, holds the average, and its lower end is where the evidence is due."""
    low, high = mean_interval(values, 1.0, alpha)
    assert -1.0 <= low <= high <= 1.0
    if values:
        assert low - 1e-9 <= sum(values) / len(values) <= high + 1e-9
    if low > -0.999:
        assert log_mean(values, 1.0, above=max(low - 1e-6, -0.9999)) >= math.log(2 / alpha) - 1e-3


def test_bounds_that_are_left_are_an_error() -> None:
    """Never clipped."""
    with pytest.raises(ValueError, match=r"differences must lie within 1 of zero, as declared; got 1\.5"):
        log_mean([0.5, -1.5], 1.0)
    with pytest.raises(ValueError, match="widest must be positive and finite"):
        log_mean([0.5], math.inf)
    with pytest.raises(ValueError, match="above must be within 1 of zero"):
        log_mean([0.5], 1.0, above=1.0)
    with pytest.raises(ValueError, match="alpha must be between 0 and 1"):
        mean_interval([0.5], 1.0, 1.0)
