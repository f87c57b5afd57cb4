"""Output transforms, regression on runs, feasibility, and the space behind them."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen.metric import lower
from kaizen.parameter import Real
from kaizen.process import Process
from kaizen.setting import Setting
from kaizen.surrogate.feasible import Feasibility, label_kernel
from kaizen.surrogate.gp import NOISY
from kaizen.surrogate.regression import Memo, Readings, regress, settled_at
from kaizen.surrogate.space import Space
from kaizen.surrogate.warp import warp
from kaizen.testing.planners import samples


@pytest.mark.parametrize("kind", ["plain", "log", "power", "tail"])
@given(values=st.lists(st.floats(min_value=0.01, max_value=1e4), min_size=5, max_size=30, unique=True))
@settings(max_examples=40, deadline=None)
def test_a_warp_goes_back_and_rises(kind, values):
    """There and back is the same; more stays more; the slope is that of the curve."""
    made = warp(kind, np.array(values))
    if made is None:
        return
    at = np.sort(np.array(values))
    np.testing.assert_allclose(made.back(made(at)), at, rtol=1e-4, atol=1e-6 * at.max())
    assert np.all(np.diff(made(at)) >= -1e-9)
    step = 1e-6 * np.maximum(at, 1e-2)
    slope = (made(at + step) - made(at - step)) / (2 * step)
    sure = np.abs(slope) > 1e-6
    np.testing.assert_allclose(made.slope(at)[sure], np.log(slope[sure]), atol=2e-2)


def test_values_that_are_all_alike_are_no_trouble():
    """No spread, no bend."""
    made = warp("plain", np.full(4, 3.0))
    assert made is not None
    assert made(np.array([3.0]))[0] == 0.0
    assert warp("tail", np.full(4, 3.0)) is None


@pytest.mark.parametrize("kind", samples())
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_rows_and_settings_are_one(kind, seed):
    """What is drawn decodes to an allowed setting, which encodes to the same row."""
    space = Space(samples()[kind])
    rows = space.uniform(8, np.random.default_rng(seed))
    for row in rows[space.allowed(rows)]:
        setting = space.decode(row)
        if setting is None:  # rounded over a constraint
            assert space.process.constraints
            continue
        again = space.encode([setting])[0]
        np.testing.assert_allclose(again, row, atol=1e-3)
        assert space.decode(again) == setting
        assert set(setting) == {n for n, on in zip(space.names, space.active(row[None, :])[0], strict=True) if on}


def test_a_cache_changes_nothing():
    """Kernels from a memo or afresh: the same regression."""
    space = Space(samples()["conditions"])
    points = space.points(space.uniform(30, np.random.default_rng(1)))
    readings = Readings(points, np.exp(points.numbers[:, 0] * 3), np.arange(30))
    memo = Memo()
    for count in (20, 29, 30):
        part = Readings(points.at(slice(0, count)), readings.values[:count], readings.same[:count])
        warm, cold = regress(part, space.shape, NOISY, memo), regress(part, space.shape, NOISY, Memo())
        assert warm.warp == cold.warp
        np.testing.assert_array_equal(warm.posterior.predict(points)[0], cold.posterior.predict(points)[0])


@given(st.integers(0, 5000))
def test_refits_keep_near(runs):
    """All of few, and never less than nine tenths of many."""
    assert runs - max(1, runs // 10) <= settled_at(runs) <= runs


def test_where_runs_fail_is_learnt():
    """A corner that faults is foreseen; the rest stays open."""
    space = Space(samples()["numbers"])
    rng = np.random.default_rng(3)
    points = space.points(space.uniform(40, rng))
    sound = (points.numbers[:, 0] < 0.6).astype(float)
    model = Feasibility(points, sound, label_kernel(points, sound, space.shape), space.shape)
    other = space.points(space.uniform(200, rng))
    chance = model.chance(other)
    truth = other.numbers[:, 0] < 0.6
    assert np.mean((chance > 0.5) == truth) > 0.9
    assert np.all((chance >= 0) & (chance <= 1))


def test_a_suggestion_does_not_load_scipy_stats():
    """It costs half a second to import."""
    script = """
import sys
import kaizen.planners.model
assert "numpy" not in sys.modules, "numpy is loaded by the first plan"
from kaizen.planners.model import Optimizer
from kaizen.testing.planners import samples
optimizer = Optimizer(samples()["conditions"], seed=1)
for n in range(12):
    optimizer.tell(optimizer.ask(), {"taste": float(n)})
assert "scipy.stats" not in sys.modules
"""
    script = script.replace("from kaizen.testing.planners import samples", SAMPLE).replace(
        'samples()["conditions"]', "made"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


SAMPLE = """
from kaizen.metric import lower
from kaizen.parameter import Choice, Real
from kaizen.process import Process
from kaizen.setting import Setting
made = Process(
    name="p", parameters=(Real(name="x", low=0.0, high=1.0), Choice(name="c", values=("a", "b"))),
    metrics=(lower("taste", scale="difference", worthwhile=0.1),), standard=Setting(x=0.5, c="a"),
)
"""


def test_what_is_expected_allows_for_other_kernels():
    """The mean lies among those of all kernels, and few readings are foretold with at least their share of doubt."""
    space = Space(samples()["conditions"])
    rng = np.random.default_rng(5)
    rows = space.uniform(14, rng)
    points, values = space.points(rows), np.sin(5 * rows[:, 0]) + 0.05 * rng.standard_normal(14)
    found = regress(Readings(points, values, np.arange(14)), space.shape, NOISY, Memo())
    there = space.points(space.uniform(30, rng))
    mean, sd = found.moments(there)
    each = [found.posterior.predict(there), *(other.predict(there) for other, _ in found.others)]
    assert len(each) > 1
    means, sds = np.array([m for m, _ in each]), np.array([s for _, s in each])
    assert np.all(mean >= means.min(0) - 1e-9)
    assert np.all(mean <= means.max(0) + 1e-9)
    assert np.all(sd >= sds.min(0) - 1e-9)
    assert np.all(sd**2 <= (sds**2).max(0) + np.ptp(means, axis=0) ** 2 + 1e-9)


def test_what_is_not_changed_keeps_the_standards_own_value():
    """However many figures it has: a proposal must not round a number that it leaves alone."""
    process = Process(
        name="fine",
        parameters=(Real(name="x", low=0.0, high=100.0), Real(name="y", low=1e-6, high=1.0, log=True)),
        metrics=(lower("loss"),),
        standard=Setting(x=12.345678, y=0.000123456789),
    )
    space = Space(process)
    row = space.encode([process.standard])[0]
    assert space.decode(row) == process.standard
    row[0] = 0.5
    moved = space.decode(row)
    assert moved is not None
    assert moved == Setting(x=50.0, y=0.000123456789)
