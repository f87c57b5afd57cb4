"""The arithmetic of noise: each formula beside its slow twin, and laws that hold for any readings."""

import math
from itertools import pairwise, permutations
from random import Random
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen.evidence import noise

READINGS = st.lists(st.integers(-50, 50).map(float), min_size=4, max_size=30)
FEW = st.lists(st.integers(-3, 3).map(float), min_size=4, max_size=6)


def rises(values: tuple[float, ...] | list[float]) -> int:
    """Count pairs that rise less pairs that fall."""
    return sum((b > a) - (b < a) for i, a in enumerate(values) for b in values[i + 1 :])


@given(st.lists(st.floats(-9, 9), min_size=2, max_size=6, unique=True))
def test_the_chance_of_an_order_counts_orders(values: list[float]) -> None:
    """Without ties it is the share of all orders that rise or fall as much."""
    orders = list(permutations(values))
    share = sum(abs(rises(order)) >= abs(rises(values)) for order in orders) / len(orders)
    assert noise.order_chance(values) == pytest.approx(share)


@given(READINGS)
def test_order_has_no_direction_and_no_unit(values: list[float]) -> None:
    """Turned round, turned over or stretched, readings are as ordered as before; chances are chances."""
    chance = noise.order_chance(values)
    assert 0 <= chance <= 1
    for other in (values[::-1], [-value for value in values], [3 * value + 7 for value in values]):
        assert noise.order_chance(other) == pytest.approx(chance)
        assert noise.alike_chance(other) == pytest.approx(noise.alike_chance(values))


def test_ties_and_many_readings_are_approximated_closely() -> None:
    """The normal chance, of a hundred readings or with ties, agrees with shuffles within .02."""
    rng = Random(3)
    for values in ([float(rng.randrange(4)) + place / 30 for place in range(20)], [rng.gauss(0, 1) for _ in range(60)]):
        values[1] = values[0]
        shuffled = [rng.sample(values, len(values)) for _ in range(2000)]
        share = fmean(abs(rises(one)) >= abs(rises(values)) for one in shuffled)
        assert noise.order_chance(values) == pytest.approx(share, abs=0.03)


def test_a_still_process_rarely_drifts() -> None:
    """Independent readings are called drifting in no more than a twentieth of 600 series, and alike likewise."""
    rng = Random(11)
    series = [[rng.gauss(0, 1) for _ in range(20)] for _ in range(600)]
    assert fmean(noise.order_chance(one) < 0.05 for one in series) < 0.07
    assert fmean(noise.alike_chance(one) < 0.05 for one in series) < 0.07


@given(FEW)
def test_neighbours_alike_counts_orders(values: list[float]) -> None:
    """Up to seven readings it is the share of all orders whose neighbours are as alike, ties by their middle rank."""
    ranks = noise._ranks(values)
    assert sum(ranks) == len(ranks) * (len(ranks) + 1) / 2

    def apart(order: tuple[float, ...] | list[float]) -> float:
        return sum((b - a) ** 2 for a, b in pairwise(order))

    orders = list(permutations(ranks))
    share = sum(apart(order) <= apart(ranks) + 1e-9 for order in orders) / len(orders)
    assert noise.alike_chance(values) == pytest.approx(share if len(set(values)) > 1 else 1.0)


def test_neighbours_alike_beyond_seven_is_close_to_shuffles() -> None:
    """Bartels' normal chance agrees with shuffles of twelve readings within .03."""
    rng = Random(4)
    values = [rng.gauss(0, 1) + place / 6 for place in range(12)]
    ratio = sum((b - a) ** 2 for a, b in pairwise(noise._ranks(values)))
    shuffled = [rng.sample(noise._ranks(values), 12) for _ in range(4000)]
    share = fmean(sum((b - a) ** 2 for a, b in pairwise(one)) <= ratio for one in shuffled)
    assert noise.alike_chance(values) == pytest.approx(share, abs=0.03)


def test_neighbours_see_through_drift() -> None:
    """A drift of many sd hardly moves the sd of neighbours' differences, which is √2 of a reading's; 90 % of ends hold it."""
    rng = Random(5)
    held, found, wide = 0, [], []
    for _ in range(300):
        values = [rng.gauss(0, 1) + place / 10 for place in range(40)]
        sd, freedom = noise.neighbour_sd(values)
        low, high = noise.sd_interval(sd, freedom)
        held += low <= math.sqrt(2) <= high
        found.append(sd)
        wide.append(stdev(values))
    assert fmean(found) == pytest.approx(math.sqrt(2), rel=0.03)
    assert fmean(wide) > 1.4
    assert held / 300 > 0.85


def test_a_step_and_a_slope_are_told_apart() -> None:
    """With their sizes and, for a step, its place."""
    rng = Random(6)
    step = [rng.gauss(0, 0.3) + 3 * (place >= 12) for place in range(20)]
    found = noise.drift(step)
    assert (found.kind, found.at) == ("shift", 12)
    assert found.size == pytest.approx(3, abs=0.4)
    slope = [rng.gauss(0, 0.3) - 3 * place / 19 for place in range(20)]
    found = noise.drift(slope)
    assert (found.kind, found.at) == ("trend", 0)
    assert found.size == pytest.approx(-3, abs=0.5)


@given(READINGS, st.integers(-9, 9))
def test_drift_moves_with_its_readings(values: list[float], by: int) -> None:
    """A constant added changes nothing; no drift is larger than the range."""
    found, moved = noise.drift(values), noise.drift([value + by for value in values])
    assert abs(found.size) <= (max(values) - min(values)) * (len(values) - 1)
    if found.kind == moved.kind and found.at == moved.at:
        assert moved.size == pytest.approx(found.size)


@given(READINGS)
def test_autocorrelation_is_a_correlation(values: list[float]) -> None:
    """Between minus one and one; readings in turns are opposite to the next."""
    assert -1 <= noise.autocorrelation(values) <= 1
    assert noise.autocorrelation([1.0, -1.0] * 20) < -0.9
    assert noise.autocorrelation([5.0] * 9) == 0.0


@given(st.floats(0.05, 50), st.floats(1e-3, 1e3))
def test_the_smallest_gain_is_where_the_odds_begin(edge: float, sd: float) -> None:
    """Odds that jump at an edge are found there; where they never come, nothing is."""
    found = noise.smallest_gain(lambda gain: float(gain >= edge * sd), sd=sd, wanted=0.8)
    assert found == pytest.approx(edge * sd, rel=1e-6)
    assert noise.smallest_gain(lambda _: 0.7, sd=sd, wanted=0.8) is None
    assert noise.smallest_gain(lambda _: 0.9, sd=sd, wanted=0.8) == pytest.approx(sd / 100)
    assert noise.smallest_gain(lambda _: 1.0, sd=0.0, wanted=0.8) == 0.0
    assert noise.smallest_gain(lambda _: 0.0, sd=0.0, wanted=0.8) is None


def test_what_cannot_be_computed_is_refused() -> None:
    """Too few readings, no numbers, no chance."""
    for call, least in ((noise.neighbour_sd, 2), (noise.drift, 4), (noise.autocorrelation, 2), (noise.alike_chance, 2)):
        with pytest.raises(ValueError, match=f"readings must be at least {least}; got 1"):
            call([1.0])
    with pytest.raises(ValueError, match="reading must be a number or an infinity; got nan"):
        noise.order_chance([1.0, math.nan])
    with pytest.raises(ValueError, match="sd must be 0 or more"):
        noise.sd_interval(-1.0, 3)
    with pytest.raises(ValueError, match="wanted between 0 and 1"):
        noise.smallest_gain(lambda _: 1.0, sd=1.0, wanted=1.0)
