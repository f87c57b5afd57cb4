"""Proof within a cap is exact: by enumeration of all signs, at every look, for one metric and for several."""

import math
from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen.evidence import flips
from kaizen.evidence.flips import WALKED, Passage, pairs_floor, passage
from tests.evidence.adversaries import INF, SIZES

CAPS = (12, 20, 40)
LEVELS = (0.05, 0.025)


def shares_gone(sizes: list[float], alpha: float, cap: int) -> float:
    """Return the share of all patterns of signs that ever leave within the looks that are walked."""
    rows, _ = flips._walk([np.rint(np.array(flips.signed_scores(sizes)) / 1e-9)])
    return 1.0 - float(flips._limits(rows, alpha, cap)[1].mean())


@pytest.mark.parametrize("name", SIZES)
def test_no_more_than_alpha_of_all_patterns_is_ever_proven(name: str) -> None:
    """Over all 4096 patterns of signs of any sizes, looking after each pair: exactly so, without tolerance."""
    for alpha in LEVELS:
        for cap in CAPS:
            assert shares_gone(SIZES[name], alpha, cap) <= alpha * math.sqrt(12 / cap)


@pytest.mark.parametrize("name", ["normal 0", "growing", "with faults 3", "rounded 1", "mostly nothing 2"])
def test_patterns_are_proven_one_by_one_as_counted(name: str) -> None:
    """What ``passage`` says of every pattern is the share that was counted: at no pattern, ever, does it say more."""
    sizes, alpha = SIZES[name][:9], 0.05
    proven = sum(
        passage([[s * size for s, size in zip(signs, sizes, strict=True)]], alpha=alpha, cap=9, seed=0).proven
        is not None
        for signs in product((1, -1), repeat=9)
    )
    assert proven / 2**9 == shares_gone(sizes, alpha, 9) <= alpha


def test_flipping_whole_pairs_needs_no_correction_for_several_metrics() -> None:
    """Metrics that hang together, one of them with faults: of all patterns at most alpha prove that any is better."""
    one = [0.4, 1.5, 2.5, 0.1, 0.9, 3.0, 1.1, 0.7, 2.0]
    other = [0.5, 1.4, 2.0, 0.3, INF, 2.0, 0.2, 0.9, 1.0]
    alpha = 0.05
    proven = 0
    for signs in product((1, -1), repeat=9):
        rows = [[s * size for s, size in zip(signs, sizes, strict=True)] for sizes in (one, other)]
        proven += passage(rows, alpha=alpha, cap=9, seed=0).proven is not None
    assert 0 < proven / 2**9 <= alpha


def test_beyond_the_walked_looks_it_is_exact_on_average() -> None:
    """Thirty pairs, drawn paths: of 3,000 trials that do nothing, no more are proven than chance allows at 5 %."""
    rng = Random(11)
    sizes = [abs(rng.gauss(0, 1)) for _ in range(30)]
    proven = sum(
        passage([[rng.choice((-1, 1)) * size for size in sizes]], alpha=0.05, cap=30, seed=seed).proven is not None
        for seed in range(3000)
    )
    assert proven / 3000 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 3000)


@given(
    st.lists(st.sampled_from([-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, INF, -INF]), min_size=1, max_size=7),
    st.sampled_from([0.05, 0.2, 0.5]),
    st.integers(0, 5),
)
@settings(max_examples=120, deadline=None)
def test_it_is_its_definition(differences: list[float], alpha: float, more: int) -> None:
    """The slow twin, written down as the equations stand, proves the same trials at the same look."""
    cap = len(differences) + more
    assert passage([differences], alpha=alpha, cap=cap, seed=1).proven == flips._proven_by_definition(
        differences, alpha, cap
    )


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30), st.integers(0, 2**60))
@settings(max_examples=60, deadline=None)
def test_a_look_changes_nothing(differences: list[float], seed: int) -> None:
    """What was proven stays proven with more pairs; what came behind the cap is not looked at."""
    cap = 20
    looks = [passage([differences[:n]], alpha=0.2, cap=cap, seed=seed).proven for n in range(1, len(differences) + 1)]
    proven = next((look for look in looks if look is not None), None)
    at = len(looks) if proven is None else proven - 1
    assert looks[at:] == [proven] * (len(looks) - at)
    assert passage([differences], alpha=0.2, cap=cap, seed=seed) == passage(
        [differences[:cap]], alpha=0.2, cap=cap, seed=seed
    )


def _by_definition(rows: list[list[float]], alpha: float, cap: int, seed: int, drawn: int) -> int | None:
    """Both parts of the test as they are written down: all paths of the first looks, then the drawn ones; nothing is skipped."""
    scores = [np.rint(np.array(flips.signed_scores(row)) / 1e-9) for row in rows]
    signs = np.array(list(product((1.0, -1.0), repeat=WALKED))).T
    coins = flips._coins(cap, drawn, seed)[0][: len(rows[0])]
    both = (
        (np.cumsum(signs * row[:WALKED, None], axis=0) for row in scores),
        (np.cumsum(coins * row[:, None], axis=0) for row in scores),
    )
    walked, paths = (np.maximum.reduce(list(one)) for one in both)
    there, stay = np.ones(2**WALKED, dtype=bool), np.ones(drawn + 1, dtype=bool)
    gone, left = 0.0, 0
    for look in range(1, len(rows[0]) + 1):
        spent = alpha * math.sqrt(look / cap)
        if look <= WALKED:
            may = math.floor(spent * 2**look) * 2 ** (WALKED - look) - int((~there).sum())
            height = walked[look - 1][there]
        else:
            may = math.floor((spent - gone) * (drawn + 1)) - int((~stay).sum() - left)
            height = paths[look - 1][stay]
        limit = np.sort(height)[::-1][may] if may > 0 else math.inf
        if paths[look - 1][0] > limit:
            return look
        stay &= paths[look - 1] <= limit
        if look <= WALKED:
            there &= walked[look - 1] <= limit
            gone = 1.0 - float(there.mean())
            left = int((~stay).sum())
    return None


sizes_alike = st.one_of(st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 1.0, 2.0, INF]), st.floats(-3, 6))


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(13, 24).flatmap(
        lambda n: st.lists(st.lists(sizes_alike, min_size=n, max_size=n), min_size=1, max_size=2)
    ),
    alpha=st.sampled_from([0.2, 0.05, 0.025]),
    seed=st.integers(0, 50),
)
def test_it_is_quick_and_says_what_is_written_down(rows: list[list[float]], alpha: float, seed: int) -> None:
    told = passage(rows, alpha=alpha, cap=24, seed=seed, drawn=199).proven
    assert told == _by_definition(rows, alpha, 24, seed, 199)


def test_the_same_trial_is_judged_alike_for_ever() -> None:
    """The coins are bits of a hash: these values must never change, or old verdicts would not replay."""
    coins = flips._coins(16, 3, 7)[0].T
    assert coins[0].tolist() == [1.0] * 16
    assert ["".join("+" if one > 0 else "-" for one in row) for row in coins[1:]] == [
        "+++-++-----+++--",
        "+++------+-+-+++",
        "--+--++++++-+--+",
    ]
    rng = Random(3)
    gains = [rng.gauss(0.6, 1) for _ in range(40)]
    assert passage([gains], alpha=0.025, cap=40, seed=5) == passage([gains], alpha=0.025, cap=40, seed=5)


def test_rarity_is_the_share_that_stands_as_high() -> None:
    """All better: of 2^n paths the seen one alone; nothing yet: all of them; no difference: all of them."""
    assert passage([[1.0, 2.0, 3.0]], alpha=0.05, cap=12, seed=0).rarity == 1 / 8
    assert passage([[]], alpha=0.05, cap=12, seed=0) == Passage(None, 1.0)
    assert passage([[0.0] * 20], alpha=0.05, cap=40, seed=0) == Passage(None, 1.0)


@pytest.mark.parametrize(("alpha", "cap"), [(0.05, 12), (0.05, 50), (0.025, 40), (0.01, 40), (0.002, 50)])
def test_the_fewest_pairs_prove(alpha: float, cap: int) -> None:
    """Gains in every pair are proven at the floor, and never before."""
    floor = pairs_floor(alpha, cap)
    gains = [float(n) for n in range(1, cap + 1)]
    assert passage([gains[:floor]], alpha=alpha, cap=cap, seed=1).proven == floor
    assert passage([gains[: floor - 1]], alpha=alpha, cap=cap, seed=1).proven is None


def test_where_patience_is_too_short_nothing_is_ever_proven() -> None:
    """Three pairs have eight patterns: none is rarer than one in eight."""
    assert pairs_floor(0.05, 3) == 5
    assert pairs_floor(0.05, 5) == 5
    assert passage([[1.0, 2.0, 3.0]], alpha=0.05, cap=3, seed=0).proven is None


@pytest.mark.parametrize(
    ("differences", "alpha", "cap", "said"),
    [
        ([[1.0]], 0.0, 12, "alpha must be between 0 and 1"),
        ([[1.0]], 0.05, 0, "cap must be at least 1"),
        ([[1.0], [1.0, 2.0]], 0.05, 12, "differences must be as many for each metric"),
        ([], 0.05, 12, "differences must be as many for each metric; got no metric"),
        ([[math.nan]], 0.05, 12, "difference must be a number"),
    ],
)
def test_what_cannot_be_is_refused(differences: list[list[float]], alpha: float, cap: int, said: str) -> None:
    """In one sentence."""
    with pytest.raises(ValueError, match=said):
        passage(differences, alpha=alpha, cap=cap, seed=0)


def test_the_drawn_looks_go_on_where_the_walked_ones_end() -> None:
    """A change that shows late is proven late, within the level that is left."""
    rng = Random(8)
    gains = [(-1) ** n * (1.0 + n / 10) for n in range(WALKED)] + [rng.gauss(2.0, 1) for _ in range(28)]
    found = passage([gains], alpha=0.05, cap=40, seed=2).proven
    assert found is not None
    assert found > WALKED
    assert np.isfinite(found)
