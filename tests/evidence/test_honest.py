"""What is promised of a chosen change is what it will deliver, learned from all that were tried."""

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen.evidence.gains import typical
from kaizen.evidence.honest import promise, spread

finite = st.floats(-50, 50).map(lambda x: round(x, 3))
GOOD = [1.0, 2.2, 0.4, 1.9, 1.2, 0.8, 1.5]


def test_a_stream_of_ideas_delivers_what_was_promised() -> None:
    """Of 100 ideas a tenth is good; of those that look best after eight pairs, raw means promise a third too much."""
    rng = Random(2)
    promised = true = raw = 0.0
    for _ in range(12):
        gains = [rng.uniform(0.3, 1.2) if rng.random() < 0.1 else -abs(rng.gauss(0, 0.3)) for _ in range(100)]
        trials = [[rng.gauss(gain, 1) for _ in range(8)] for gain in gains]
        best = max(range(100), key=lambda one: typical(trials[one]))
        found = promise(trials[best], [trial for one, trial in enumerate(trials) if one != best])
        assert found is not None
        promised, true, raw = promised + found.gain, true + gains[best], raw + typical(trials[best])
    assert raw / true > 1.25
    assert 0.8 < true / promised < 1.25


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_gain_that_dwarfs_the_noise_is_promised_as_it_was_shown(sign: float) -> None:
    """Fifty standard deviations of a pair are no luck, whatever else was tried."""
    rng = Random(3)
    own = [sign * 5.0 + rng.gauss(0, 0.1) for _ in range(7)]
    for others in ([], [[rng.gauss(0, 0.1) for _ in range(6)] for _ in range(30)]):
        found = promise(own, others)
        assert found is not None
        assert found.gain == pytest.approx(typical(own))
        assert found.gain - 0.2 < found.low < found.gain


def test_it_learns_from_what_failed() -> None:
    """The same pairs promise less where everything else did nothing, and more where changes are often good."""
    rng = Random(4)
    poor = [[rng.gauss(0, 0.6) for _ in range(6)] for _ in range(40)]
    rich = [[rng.gauss(1.5, 0.6) for _ in range(6)] for _ in range(40)]
    alone, among_poor, among_rich = (promise(GOOD, others) for others in ([], poor, rich))
    assert alone is not None
    assert among_poor is not None
    assert among_rich is not None
    assert 0 < among_poor.gain < among_rich.gain
    assert 0 < alone.gain < typical(GOOD)


@given(st.lists(finite, min_size=4, max_size=12), st.floats(0.01, 100))
@settings(max_examples=50, deadline=None)
def test_it_knows_no_units(own: list[float], unit: float) -> None:
    """In other units the same promise; a low end that is no higher; nothing where nothing scatters."""
    found, other = promise(own, [GOOD]), promise([unit * d for d in own], [[unit * d for d in GOOD]])
    assert found is not None
    assert other is not None
    assert other.gain == pytest.approx(unit * found.gain, rel=1e-3, abs=1e-6 * unit)
    assert found.low <= found.gain + 1e-12


def test_faults_are_the_largest_there_are() -> None:
    """An infinite difference counts, and makes no infinite promise."""
    found = promise([*GOOD, math.inf, -math.inf], [[math.inf, 1.0, -1.0, 0.5], []])
    assert found is not None
    assert math.isfinite(found.gain)


def test_where_nothing_scatters_nothing_is_promised() -> None:
    """Too few pairs, or all alike."""
    assert promise([], [GOOD]) is None
    assert promise([1.0], []) is None
    assert promise([1.0, 1.0, 1.0, 1.0], []) is None
    assert spread([[1.0, 2.0]]) is None
    with pytest.raises(ValueError, match="difference must be a number"):
        promise([math.nan], [])
