"""The alarm after an adoption: its bets gain nothing on a fair coin, and a loss is noticed soon."""

import math
from itertools import product
from random import Random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen.evidence import alarm
from kaizen.evidence.alarm import fallen_since, log_alarm_path, log_drift_path


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=12))
def test_it_is_its_definition(losses: list[float]) -> None:
    """The sum of e-processes begun at every pair."""
    assert log_alarm_path(losses)[-1] == pytest.approx(alarm._log_alarm_by_definition(losses), abs=1e-9)


@pytest.mark.parametrize(
    "sizes", [[1.0] * 10, [2.0**n for n in range(10)], [0.3, 2.0, 0.1, 5.0, 1.0, 0.7, 0.2, 3.0, 0.9, 1.1]]
)
def test_no_bet_gains_on_a_fair_coin(sizes: list[float]) -> None:
    """Over all patterns of signs the sum averages the number of pairs, at every look: so alarms are as rare as said."""
    totals = [0.0] * len(sizes)
    for signs in product((1, -1), repeat=len(sizes)):
        path = log_alarm_path([s * size for s, size in zip(signs, sizes, strict=True)])
        totals = [total + math.exp(one) for total, one in zip(totals, path, strict=True)]
    assert [total / 2 ** len(sizes) for total in totals] == pytest.approx(list(range(1, len(sizes) + 1)), rel=1e-9)


def test_a_loss_of_one_standard_deviation_is_noticed_within_twenty_pairs() -> None:
    """By the middle of 200 watches, after ten quiet pairs, at one false alarm in a thousand pairs."""
    rng = Random(5)
    found = []
    for _ in range(200):
        losses = [rng.gauss(0, 1) for _ in range(10)] + [rng.gauss(1, 1) for _ in range(60)]
        path = log_alarm_path(losses)
        found.append(next((pair for pair, one in enumerate(path, 1) if one >= math.log(1000)), 99) - 10)
    assert median(found) <= 20


def test_the_loss_is_said_to_begin_about_where_it_began() -> None:
    """Within five pairs in half of the watches, where it is one and a half standard deviations."""
    rng = Random(6)
    found = [
        abs(20 - fallen_since([rng.gauss(0, 1) for _ in range(20)] + [rng.gauss(1.5, 1) for _ in range(15)]))
        for _ in range(100)
    ]
    assert median(found) <= 5
    assert fallen_since([1.0] * 30) == 0
    with pytest.raises(ValueError, match="at least one"):
        fallen_since([])


def test_a_rising_level_is_drift_and_a_steady_one_is_none() -> None:
    """Two standard deviations up, behind ten known readings; of 200 steady ones few ever pass the level of a thousand."""
    rng = Random(7)
    risen = [rng.gauss(0, 1) for _ in range(10)] + [rng.gauss(2, 1) for _ in range(40)]
    assert log_drift_path(risen, 10)[-1] > math.log(1000)
    steady = sum(max(log_drift_path([rng.gauss(0, 1) for _ in range(60)], 10)) >= math.log(1000) for _ in range(200))
    assert steady <= 20
    assert len(log_drift_path([1.0, 2.0, 3.0], 1)) == 2
    with pytest.raises(ValueError, match="known must be zero or more"):
        log_drift_path([1.0], -1)


def test_nothing_overflows() -> None:
    """A loss in every one of many pairs."""
    assert log_alarm_path([1.0] * 3000)[-1] > 600
