"""Calibration: bins of as many nods each, whatever the order; odds that hold are told from odds that do not."""

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen.veteran.calibration import Calibration, Outcome, calibration

WEIGHTS = st.sampled_from((1.0, 1.0, 1 / 0.07))
OUTCOMES = st.lists(st.builds(Outcome, st.floats(0, 1), st.booleans(), WEIGHTS), min_size=1, max_size=300)


@given(OUTCOMES.flatmap(lambda past: st.tuples(st.just(past), st.permutations(past))))
def test_bins_hold_every_nod_once_in_any_order(both: tuple[list[Outcome], list[Outcome]]) -> None:
    """As many in each, but for one; what was better is counted; no order matters."""
    past, again = both
    found = calibration(past)
    assert found == calibration(again)
    sizes = [one.nods for one in found.bins]
    assert sum(sizes) == len(past)
    assert all(low.high < high.low for low, high in pairwise(found.bins))
    if len({one.better for one in past}) == len(past):
        assert (max(sizes) - min(sizes) <= 1, len(sizes)) == (True, max(1, min(10, len(past) // 5)))
    assert sum(one.better for one in found.bins) == sum(one.was for one in past)
    assert all(one.low <= one.odds <= one.high or one.odds == pytest.approx(one.low) for one in found.bins)
    assert 0 <= found.error <= 1


def test_nods_of_the_same_odds_stay_together() -> None:
    """Parted by what came of them, they would look wrong for being equal."""
    found = calibration([Outcome(0.4, was=n % 5 < 2) for n in range(100)])
    assert (len(found.bins), found.error) == (1, pytest.approx(0.0, abs=1e-9))


def test_odds_that_hold_are_told_from_odds_that_do_not() -> None:
    """The error of the first is small, and they surprise less than the share alone."""
    chance = random.Random(7)
    odds = [chance.random() for _ in range(2000)]
    held = calibration([Outcome(one, chance.random() < one) for one in odds])
    boasted = calibration([Outcome(one, chance.random() < 0.5) for one in odds])
    assert held.calibrated
    assert held.error < 0.04
    assert boasted.error > 0.2
    assert held.surprise < held.base < boasted.surprise


def test_what_a_coin_let_through_stands_for_all_that_was_left_alone() -> None:
    """Of nods of .08 that hold, heeded but for a coin, the share is about .08 again: not less for being few, nor the base rate's."""
    chance = random.Random(3)
    nods = [(chance.uniform(0.06, 0.1) if n % 2 else chance.uniform(0.4, 0.6), chance.random()) for n in range(20_000)]
    every = [Outcome(odds, drawn < odds) for odds, drawn in nods]
    seen = [
        Outcome(odds, drawn < odds, 1.0 if odds > 0.1 else 1 / 0.07)
        for odds, drawn in nods
        if odds > 0.1 or chance.random() < 0.07
    ]
    plain = [one._replace(weight=1.0) for one in seen]
    whole, weighed, unweighed = calibration(every), calibration(seen), calibration(plain)
    assert 500 < weighed.by_coin < 900
    assert whole.by_coin == unweighed.by_coin == 0
    assert weighed.base == pytest.approx(whole.base, abs=0.02)  # the share of all that was better is right again
    assert abs(unweighed.base - whole.base) > 0.05
    assert weighed.bins[0].share == pytest.approx(0.08, abs=0.03)
    assert weighed.error < 0.03


def test_nothing_known() -> None:
    """Without outcomes there is nothing to say; with few it is uncalibrated."""
    assert calibration([]) == Calibration(nods=0)
    assert not calibration([Outcome(0.3, was=True)] * 199).calibrated
