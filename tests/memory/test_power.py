"""A few power cuts; `make bench-power` makes a thousand."""

import pytest

pytest.importorskip("apsw")

from benchmarks import power


def test_what_was_acknowledged_survives() -> None:
    """Nothing lost, nothing halved, nothing damaged."""
    tally = power.run(25, seed=2)
    assert tally.notes == []
    assert tally.sound
    assert (tally.cuts, tally.records > 200) == (25, True)


def test_the_harness_sees_what_a_weaker_setting_loses() -> None:
    """A harness that finds nothing must have shown that it can."""
    assert power.run(25, seed=2, synchronous="NORMAL").lost
