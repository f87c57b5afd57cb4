"""Calibration: bins of equal mass, whatever the order; odds that hold are told from odds that do not."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen.veteran.calibration import Calibration, Outcome, calibration

OUTCOMES = st.lists(st.builds(Outcome, st.floats(0, 1), st.booleans()), min_size=1, max_size=300)


@given(OUTCOMES.flatmap(lambda past: st.tuples(st.just(past), st.permutations(past))))
def test_bins_hold_every_nod_once_in_any_order(both: tuple[list[Outcome], list[Outcome]]) -> None:
    """As many in each, but for one; what was better is counted; no order matters."""
    past, again = both
    found = calibration(past)
    assert found == calibration(again)
    sizes = [one.nods for one in found.bins]
    assert (sum(sizes), max(sizes) - min(sizes) <= 1) == (len(past), True)
    assert sum(one.better for one in found.bins) == sum(one.was for one in past)
    assert len(sizes) == max(1, min(10, len(past) // 5))
    assert all(one.low <= one.odds <= one.high or one.odds == pytest.approx(one.low) for one in found.bins)
    assert 0 <= found.error <= 1


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


def test_nothing_known() -> None:
    """Without outcomes there is nothing to say; with few it is uncalibrated."""
    assert calibration([]) == Calibration(nods=0)
    assert not calibration([Outcome(0.3, was=True)] * 199).calibrated
