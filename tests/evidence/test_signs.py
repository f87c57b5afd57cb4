"""Evidence is exact: proven by enumeration where that is possible, calibrated by simulation where it is not."""

import math
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise, product
from random import Random
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen import evidence
from kaizen.evidence import (
    BETS,
    OUT_OF_REACH,
    WEIGHTS,
    alpha,
    composite,
    conditional_power,
    confidence_interval,
    flips,
    log_evidence,
    log_path,
    pairs_floor,
    prospect,
    signed_scores,
    signs,
    typical,
)
from tests.evidence.adversaries import INF, SIZES


def _walk(scores: Sequence[float], limits: Sequence[float]) -> tuple[float, list[float]]:
    """Walk the tree of all signs; give the mean of E at its leaves, and what share of them ever reached each limit."""
    factors = [[[1 + math.tanh(sign * bet * score) for bet in BETS] for sign in (1, -1)] for score in scores]
    total, ever = 0.0, [0] * len(limits)
    branches: list[tuple[int, list[float], float]] = [(0, list(WEIGHTS), 1.0)]
    while branches:
        depth, purses, peak = branches.pop()
        peak = max(peak, sum(purses))
        if depth == len(scores):
            total += sum(purses)
            ever = [count + (peak >= limit) for count, limit in zip(ever, limits, strict=True)]
            continue
        branches += [(depth + 1, [p * f for p, f in zip(purses, side, strict=True)], peak) for side in factors[depth]]
    leaves = 2 ** len(scores)
    return total / leaves, [count / leaves for count in ever]


def _patterns(sizes: Sequence[float]) -> list[list[float]]:
    """List the sizes under all patterns of signs."""
    return [[s * size for s, size in zip(signs, sizes, strict=True)] for signs in product((1, -1), repeat=len(sizes))]


# ── the exact test ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_there_are_enough_adversaries() -> None:
    """At least two hundred vectors of sizes are walked."""
    assert len(SIZES) >= 200


@pytest.mark.parametrize("name", SIZES)
def test_no_bet_gains_on_a_fair_coin(name: str) -> None:
    """Over all 4096 patterns of signs E averages 1, and no more than alpha of them ever reach 1 / alpha."""
    levels = [0.05, 0.025]
    mean, ever = _walk(signed_scores(SIZES[name]), [1 / level for level in levels])
    assert mean == pytest.approx(1, abs=1e-9)
    assert all(share <= level for share, level in zip(ever, levels, strict=True))


@pytest.mark.parametrize("name", ["normal 0", "growing", "zeros between", "infinite, zero and ties", "rounded 0"])
def test_the_evidence_itself_averages_one(name: str) -> None:
    """What ``log_path`` reports averages 1 over all patterns at every look, and is what the walk of the tree found."""
    sizes = SIZES[name][:10]
    paths = [log_path(pattern) for pattern in _patterns(sizes)]
    assert [math.fsum(map(math.exp, look)) / len(paths) for look in zip(*paths, strict=True)] == pytest.approx([1] * 10)
    ever = sum(max(path) >= math.log(20) for path in paths) / len(paths)
    assert ever == _walk(signed_scores(sizes), [20])[1][0] <= 0.05


@pytest.mark.parametrize("truth", [0.0, 0.5, 3.0])
def test_the_interval_covers(truth: float) -> None:
    """Over all patterns of signs around the truth, no more than alpha of the intervals at the end miss it."""
    for sizes in ([1.0, 2, 3, 4, 5, 6, 7, 8], [1.0] * 8, [4.0, 0, 2, 2, INF, 1, 8, 8]):
        ends = [confidence_interval([truth + d for d in pattern], 0.2) for pattern in _patterns(sizes)]
        assert sum(not low <= truth <= high for low, high in ends) / len(ends) <= 0.2


# ── scores ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_first_score_is_the_upper_quartile() -> None:
    """One difference alone says half of what its sign can: the quartile of the normal law."""
    assert signed_scores([3.0]) == pytest.approx((0.6744897501960817,))
    assert signed_scores([]) == ()


def test_zeros_score_nothing() -> None:
    """A zero says nothing, of either sign of zero, and leaves the evidence as it was."""
    assert signed_scores([0.0, -0.0, 1.0, 0.0])[:2] == (0.0, 0.0)
    assert log_path([1.0, 0.0, -0.0])[0] == pytest.approx(log_path([1.0, 0.0, -0.0])[-1])


def test_infinities_tie() -> None:
    """Both infinities are larger than any number, and as large as each other."""
    scores = signed_scores([1e308, INF, -INF, INF])
    assert scores[1] > signed_scores([1e308, 1e308])[1]
    assert scores[2] == -signed_scores([1.0, 2.0, 2.0])[2]


finite = st.floats(-1e6, 1e6, allow_subnormal=False)
real = st.one_of(finite, st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, INF, -INF]))
reals = st.lists(real, max_size=14)


@given(reals)
def test_scores_are_odd(differences: list[float]) -> None:
    """Swapping the two sides turns every score around, to the last bit."""
    turned = signed_scores([-d for d in differences])
    assert turned == tuple(-score for score in signed_scores(differences))


@given(reals, real, real)
def test_scores_rise_with_the_difference(past: list[float], one: float, other: float) -> None:
    """Given the past, a larger difference never scores less, nor gives less evidence."""
    low, high = sorted((one, other))
    assert signed_scores([*past, low])[-1] <= signed_scores([*past, high])[-1]
    assert log_evidence([*past, low]) <= log_evidence([*past, high])


@given(reals, st.integers(-40, 40))
def test_the_unit_does_not_matter(differences: list[float], power: int) -> None:
    """Seconds or milliseconds, the evidence is the same."""
    assert log_path([d * 2.0**power for d in differences]) == log_path(differences)


@given(reals, reals)
def test_the_future_changes_nothing(past: list[float], future: list[float]) -> None:
    """What was said at a look stands, whatever comes after."""
    assert log_path([*past, *future])[: len(past)] == log_path(past)
    assert signed_scores([*past, *future])[: len(past)] == signed_scores(past)


@given(st.lists(real, max_size=30))
def test_the_clever_path_is_the_plain_one(differences: list[float]) -> None:
    """Looking ranks and winnings up gives what the two equations give."""
    assert log_path(differences) == pytest.approx(signs._log_path_by_definition(differences), abs=1e-9)


@pytest.mark.parametrize("refuses", [signed_scores, log_path, log_evidence, typical])
def test_a_lost_number_is_refused(refuses: Callable[[Sequence[float]], object]) -> None:
    """A NaN is refused: a lost run has a worst value."""
    with pytest.raises(ValueError, match=r"^difference must be a number or an infinity; got nan$"):
        refuses([1.0, math.nan])


def test_evidence_of_nothing_is_none() -> None:
    """Before the first pair nothing is known, and the last look is the evidence."""
    assert log_evidence([]) == 0
    assert log_evidence([1.0, 3.0, 2.0]) == log_path([1.0, 3.0, 2.0])[-1]


def test_the_gamblers_share_one_purse() -> None:
    """The stakes go from .15 to 8 by equal ratios, and the shares sum to 1."""
    assert (BETS[0], BETS[-1], len(BETS)) == (0.15, pytest.approx(8), 12)
    assert sum(WEIGHTS) == pytest.approx(1)


# ── the gain ────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([3.0], 3.0),
        ([1.0, 2.0, 9.0], 3.5),
        ([1.0, 2.0, 3.0, 4.0, INF], 3.0),
        ([INF, -INF], 0.0),
        ([INF, -INF, 5.0], 5.0),
        ([INF, INF, 1.0], INF),
        ([1.7e308, 1.7e308], 1.7e308),
    ],
)
def test_the_typical_gain_is_robust(differences: list[float], expected: float) -> None:
    """The typical gain is the median of pairwise means, with infinities in their place."""
    assert typical(differences) == pytest.approx(expected)


def test_no_typical_gain_of_nothing() -> None:
    """Nothing has no middle."""
    with pytest.raises(ValueError, match=r"^differences must be at least one; got none$"):
        typical([])


def _interval_by_definition(differences: list[float], level: float) -> tuple[float, float]:
    """Try every place where anything can change and every gap between: the slow twin of ``confidence_interval``."""
    finite = [d for d in differences if math.isfinite(d)]
    stops = sorted({(one + other) / 2 for one in finite for other in finite})
    gaps = [(low, (low + high) / 2, high) for low, high in pairwise(stops)]
    edges = [
        (-INF, min(stops, default=0) - 1, min(stops, default=INF)),
        (max(stops, default=-INF), max(stops, default=0) + 1, INF),
    ]
    kept = [typical(differences)]
    for low, m, high in [*gaps, *edges, *((stop, stop, stop) for stop in stops)]:
        up, down = log_evidence([d - m for d in differences]), log_evidence([m - d for d in differences])
        if (math.exp(up) + math.exp(down)) / 2 < 1 / level:
            kept += [low, high]
    return min(kept), max(kept)


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.integers(-6, 6).map(float), st.sampled_from([INF, -INF])), min_size=1, max_size=9),
    st.sampled_from([0.9, 0.6, 0.3, 0.1]),
)
def test_the_clever_interval_is_the_plain_one(differences: list[float], level: float) -> None:
    """Walking from turn to turn finds the ends that trying everything finds."""
    assert confidence_interval(differences, level) == _interval_by_definition(differences, level)


def test_the_clever_interval_is_the_plain_one_for_many_pairs() -> None:
    """The twins agree on noise as well, also where the evidence is not monotone."""
    rng = Random(8)
    for pairs in (12, 16, 24):
        differences = [rng.randint(-40, 60) / 8 for _ in range(pairs)]
        assert confidence_interval(differences, 0.1) == _interval_by_definition(differences, 0.1)


@settings(deadline=None)
@given(st.lists(real, min_size=1, max_size=12), st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_intervals_nest_around_the_typical_gain(differences: list[float], one: float, other: float) -> None:
    """The interval holds the typical gain, and widens as alpha falls."""
    low, high = confidence_interval(differences, max(one, other))
    assert low <= typical(differences) <= high
    wide = confidence_interval(differences, min(one, other))
    assert wide[0] <= low
    assert high <= wide[1]


@settings(deadline=None)
@given(st.lists(finite, min_size=1, max_size=10))
def test_the_interval_turns_with_the_sides(differences: list[float]) -> None:
    """Swapping the two sides turns the interval around."""
    low, high = confidence_interval([-d for d in differences], 0.3)
    assert confidence_interval(differences, 0.3) == (-high, -low)


def test_the_interval_is_infinite_until_there_is_proof() -> None:
    """Few pairs rule nothing out; enough of them do, on the side that has something to say."""
    assert confidence_interval([], 0.05) == (-INF, INF)
    assert confidence_interval([1.0, 2.0, 3.0], 0.05) == (-INF, INF)
    low, high = confidence_interval([1.0 + t / 10 for t in range(20)], 0.05)
    assert 1 < low < 2 < high < 3
    assert confidence_interval([INF] * 20, 0.05) == (INF, INF)


def test_nothing_left_is_the_typical_gain() -> None:
    """Where drift contradicts every gain, the typical one is what remains."""
    drift = [1.0 * t for t in range(60)]
    low, high = confidence_interval(drift, 0.999)
    assert low <= typical(drift) <= high < 59


# ── the verdict's arithmetic ────────────────────────────────────────────────────────────────────────────────────────
logs = st.floats(-800, 800)
evidences = st.lists(st.one_of(logs, st.sampled_from([INF, -INF])), min_size=1, max_size=5)


@given(st.lists(logs, max_size=4), evidences)
def test_the_composite_is_bounded(margins: list[float], gains: list[float]) -> None:
    """No margin is passed over, and the mean of the gains is near the best of them but never above it."""
    together = composite(margins, gains)
    assert together <= min([*margins, max(gains)]) + 1e-9
    assert together >= min([*margins, max(gains) - math.log(len(gains))]) - 1e-9


def test_exact_metrics_are_proven_or_refuted_at_once() -> None:
    """Infinite evidence decides; a refuted gain counts as none, a refuted margin ends the trial."""
    assert composite([INF, INF], [INF, -2.0]) == INF
    assert composite([INF, -INF], [INF, 9.0]) == -INF
    assert composite([INF, 7.0], [-INF, 3.0]) == pytest.approx(3 - math.log(2))
    assert composite([], [-INF, -INF]) == -INF
    assert composite([1.0], [1000.0, 1000.0]) == 1.0


def test_a_composite_of_no_gain_is_refused() -> None:
    """Something must be gained, and everything must be a number."""
    with pytest.raises(ValueError, match=r"^gains must be at least one; got none$"):
        composite([1.0], [])
    with pytest.raises(ValueError, match=r"^log evidence must be a number or an infinity; got nan$"):
        composite([math.nan], [1.0])


def test_the_composite_keeps_its_promise_in_the_corner() -> None:
    """Where no metric gains, safely within their margins, at most alpha of all patterns ever reach 1 / alpha."""
    quality = _patterns([1.0, 3.0, 2.0, 5.0, 4.0, 9.0, 6.0, 8.0])
    for sign in (1, -1):  # one coin throws both metrics: they rise together, or one pays for the other
        price = _patterns([sign * size for size in (7.0, 7.0, 0.0, 1.0, INF, 2.0, 8.0, 3.0)])
        looks = [list(zip(log_path(q), log_path(p), strict=True)) for q, p in zip(quality, price, strict=True)]
        proofs = [any(composite([INF, INF], gains) >= math.log(10) for gains in path) for path in looks]
        assert sum(proofs) / len(proofs) <= 0.1


@given(st.lists(st.floats(-3, 3), max_size=30), st.integers(1, 60))
def test_conditional_power_is_a_chance(scores: list[float], horizon: int) -> None:
    """The odds are within 0 and 1, and rise with every score."""
    power = conditional_power(scores, horizon)
    assert 0 <= power <= 1
    assert conditional_power([score + 0.5 for score in scores], horizon) >= power


def test_conditional_power_by_hand() -> None:
    """The formula, at the first pair, half-way, and at the end."""
    assert conditional_power([], 10) == 1
    # S = 2, n = 4, N = 16: (2 + 12 (.5 + .25) - 8) / sqrt(12) = 0.866
    assert conditional_power([0.5] * 4, 16) == pytest.approx(0.80676, abs=1e-5)
    assert conditional_power([2.0] * 9, 9) == 1
    assert conditional_power([0.6] * 9, 4) == 0
    with pytest.raises(ValueError, match=r"^horizon must be at least 1; got 0$"):
        conditional_power([1.0], 0)


@given(st.lists(st.booleans(), max_size=300), st.floats(0.001, 1), st.floats(0.001, 1))
def test_the_error_budget_is_never_overspent(adopted: list[bool], limit: float, share: float) -> None:
    """Whatever is adopted, the levels sum to at most the limit times one more than the adoptions; none is negative."""
    levels: list[float] = []
    adoptions = 0
    for success in adopted:
        level = alpha(math.fsum(levels), adoptions, limit=limit, share=share)
        assert level >= 0
        levels.append(level)
        assert math.fsum(levels) <= limit * (adoptions + 1) * (1 + 1e-12)
        adoptions += success


def test_the_error_budget_by_hand() -> None:
    """A quarter of what is left, times the share that is left; and an adoption earns a tenth."""
    assert alpha(0, 0) == pytest.approx(0.025)
    assert alpha(0.025, 0) == pytest.approx(0.25 * 0.075 * 0.75)
    assert alpha(0.025, 1) == pytest.approx(0.25 * 0.175 * 0.875)
    assert alpha(0.2, 0) == 0


def test_the_error_budget_does_not_dry_up() -> None:
    """After a hundred failures the next trial can still be proven within forty pairs, and no more than A is charged."""
    spent = 0.0
    for _ in range(100):
        spent += alpha(spent, 0)
    assert spent < 0.1
    assert flips.pairs_floor(alpha(spent, 0), 40) <= 24


@pytest.mark.parametrize(
    ("give", "message"),
    [
        (lambda: alpha(-0.1, 0), "spent must be zero or more; got -0.1"),
        (lambda: alpha(math.nan, 0), "spent must be zero or more; got nan"),
        (lambda: alpha(0, -1), "adoptions must be zero or more; got -1"),
        (lambda: alpha(0, 0, limit=0), "limit must be above 0 and at most 1; got 0"),
        (lambda: alpha(0, 0, share=1.5), "share must be above 0 and at most 1; got 1.5"),
        (lambda: pairs_floor(0), "alpha must be between 0 and 1; got 0"),
        (lambda: confidence_interval([1.0], 1), "alpha must be between 0 and 1; got 1"),
        (lambda: prospect(0, 1, 0.05, 9), "gain must be positive and finite; got 0"),
        (lambda: prospect(1, INF, 0.05, 9), "sd must be zero or more and finite; got inf"),
        (lambda: prospect(1, 1, 2, 9), "alpha must be between 0 and 1; got 2"),
        (lambda: prospect(1, 1, 0.05, 0), "horizon must be at least 1; got 0"),
    ],
)
def test_the_door_is_shut(give: Callable[[], object], message: str) -> None:
    """What cannot be is refused, in one sentence."""
    with pytest.raises(ValueError, match=f"^{message}$"):
        give()


# ── the price of proof ──────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(("level", "floor"), [(0.5, 2), (0.05, 6), (0.025, 7), (0.01, 8), (0.005, 9), (0.001, 11)])
def test_the_floor_is_exact(level: float, floor: int) -> None:
    """The floor is reached by growing gains, and not one pair before; nothing else gets there sooner."""
    path = log_path([1.0 * t for t in range(1, floor + 1)])
    assert pairs_floor(level) == floor
    assert path[-1] >= -math.log(level) > path[-2]
    assert floor >= -math.log2(level)


@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=20))
def test_growing_gains_say_the_most(gains: list[float]) -> None:
    """No gains give more evidence than gains that grow."""
    assert log_evidence(gains) <= log_evidence([1.0 * t for t in range(1, len(gains) + 1)]) + 1e-9


def _first_proof(rng: Random, shift: float, level: float, pairs: int) -> float:
    """Simulate one trial; give the pair that proved it, or infinity."""
    path = log_path([rng.gauss(shift, 1) for _ in range(pairs)])
    return next((pair for pair, log in enumerate(path, 1) if log >= -math.log(level)), INF)


@pytest.mark.parametrize("level", [0.05, 0.025, 0.01])
@pytest.mark.parametrize("shift", [0.5, 0.8, 1.0, 1.5, 2.0])
def test_prospects_come_true(shift: float, level: float) -> None:
    """Pairs foretold are within a quarter, or one, of the simulated median; odds within .15, or .2 near the floor."""
    rng = Random(f"{shift} {level}")
    firsts = sorted(_first_proof(rng, shift, level, 80) for _ in range(300))
    pairs, _ = prospect(shift * 3, 3, level, 1)
    assert abs(pairs - median(firsts)) <= max(1, 0.25 * median(firsts))
    floor = pairs_floor(level)
    for horizon in (floor, floor + 1, floor + 2, 14, 20, 30, 50):
        odds = prospect(shift * 3, 3, level, horizon)[1]
        seen = sum(first <= horizon for first in firsts) / len(firsts)
        assert odds == pytest.approx(seen, abs=0.15 if horizon > floor + 2 else 0.2)


def test_no_proof_before_the_floor() -> None:
    """However large the gain, the floor stands; without noise the pairs are those that equal gains need."""
    assert prospect(1e9, 1, 0.025, 6)[1] == 0
    assert prospect(1e300, 5e-324, 0.025, 20) == prospect(1e9, 1, 0.025, 20) == (8, 1.0)
    pairs, odds = prospect(3, 0, 0.005, 9)
    path = log_path([3.0] * pairs)
    assert (pairs, odds) == (10, 0.0)
    assert path[-1] >= -math.log(0.005) > path[-2]
    assert prospect(3, 0, 0.005, 10) == (10, 1.0)


def test_a_prospect_without_spread_is_certain() -> None:
    """At a level that one pair can reach, a gain without doubt has odds of 1."""
    assert prospect(1e9, 1, 0.9, 1) == (1, 1.0)


def test_what_cannot_be_seen_is_out_of_reach() -> None:
    """A gain far below the noise is never foretold to be proven, and small odds stay chances."""
    pairs, odds = prospect(1e-300, 1e300, 0.025, 50)
    assert pairs == OUT_OF_REACH
    assert 0 <= odds < 0.01


@settings(deadline=None)
@given(st.floats(0.05, 4), st.sampled_from([0.05, 0.01]), st.integers(1, 200))
def test_prospects_are_in_order(shift: float, level: float, horizon: int) -> None:
    """More pairs never have lower odds, and odds are even at the pairs foretold."""
    pairs, odds = prospect(shift, 1, level, horizon)
    assert odds <= prospect(shift, 1, level, horizon + 5)[1] + 1e-9
    assert (odds >= 0.5) == (horizon >= pairs)


def test_it_loads_light() -> None:
    """Importing the module loads neither ``statistics`` nor anything that is not Python's own."""
    script = "import sys, kaizen.evidence; sys.exit(bool({'statistics', 'numpy', 'random'} & set(sys.modules)))"
    path = str(evidence.__file__).rsplit("/kaizen/", 1)[0]
    clean = [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {path!r}); {script}"]
    assert subprocess.run(clean, check=False).returncode == 0


def test_nothing_warns() -> None:
    """Extremes are computed without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isfinite(log_evidence([1e308, -1e308, 5e-324, INF] * 50))
