"""Which open trial gets the next block: all one, then those that may be best, by recorded chance."""

from collections import Counter
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kaizen.allocation import next_block
from kaizen.journal import UnderWay
from kaizen.metric import lower
from kaizen.trial import Spend


def under_way(bakery: Any, number: int, *pairs: Any, seconds: float = 0.0, **fields: Any) -> Any:
    trial = bakery.trial(*pairs, number=number, **fields)
    trial = bakery.replace(trial, design=bakery.replace(trial.design, coins=number))
    return UnderWay(trial=trial, spend=Spend(runs=2 * len(pairs), seconds=seconds))


def blocks(bakery: Any, truths: dict[int, float], count: int, seed: int = 1, **costs: float) -> Counter[int]:
    """Hand out so many blocks to trials with these true gains (in sd of a reading); return how many each got."""
    chance = Random(seed)
    pairs: dict[int, list[Any]] = {number: [] for number in truths}
    for _ in range(count):
        open_ = [
            under_way(bakery, number, *made, seconds=costs.get(f"t{number}", 1.0) * len(made))
            for number, made in pairs.items()
        ]
        shared = chance.gauss(0, 1)
        for number in next_block(open_):
            pairs[number].append((shared, truths[number] + chance.gauss(0, 1)))
    return Counter({number: len(made) for number, made in pairs.items()})


def test_every_trial_has_a_first_block_before_any_has_a_second(bakery: Any) -> None:
    """In the order of opening."""
    open_ = [under_way(bakery, 1, (5, 9), (5, 9)), under_way(bakery, 3), under_way(bakery, 2)]
    assert next_block(open_) == (2, 3)
    assert next_block([under_way(bakery, number) for number in (6, 5, 4, 3, 2, 1)]) == (1, 2, 3, 4)


def test_the_promising_get_the_blocks(bakery: Any) -> None:
    """Of eight, the one that gains much has most; what loses has one or two more than its first."""
    got: Counter[int] = Counter()
    for seed in range(10):
        got += blocks(bakery, {**dict.fromkeys(range(1, 8), -0.5), 8: 2.0}, 30, seed)
    assert got[8] > 80
    assert max(got[number] for number in range(1, 8)) < 50


def test_it_takes_half_the_blocks_of_turns_to_give_the_good_one_eight(bakery: Any) -> None:
    """Turns of eight trials take sixty-four."""

    def needed(seed: int) -> int:
        truths = {**dict.fromkeys(range(1, 8), 0.0), 5: 1.5}
        return next((n for n in range(8, 70) if blocks(bakery, truths, n, seed)[5] >= 8), 70)

    assert sorted(needed(seed) for seed in range(7))[3] <= 32


def test_of_those_alike_the_dear_one_gets_less(bakery: Any) -> None:
    """A gain counts for what a pair of it spends."""
    got: Counter[int] = Counter()
    for seed in range(10):
        got += blocks(bakery, dict.fromkeys(range(1, 5), 1.0), 40, seed, t4=20.0)
    assert got[4] < 0.5 * (got[1] + got[2] + got[3]) / 3


def test_a_loss_beyond_a_margin_is_no_promise_whatever_is_gained(bakery: Any) -> None:
    """Twice the price for a better taste."""
    price = lower("price", kind="price", worthwhile=0.05, margin=0.05)

    def pairs(taste: float, dear: float) -> Any:
        return [
            (bakery.reading(price=100.0 + n, taste=5.0), bakery.reading(price=dear * 100.0, taste=5.0 + taste + n / 10))
            for n in range(4)
        ]

    metrics = (price, bakery.taste)
    dear = under_way(bakery, 1, *pairs(2.0, 3.0), metrics=metrics)
    rest = [under_way(bakery, number, *pairs(0.5, 1.0), metrics=metrics) for number in (2, 3)]
    assert next_block([dear, *rest])[0] in (2, 3)


def test_faults_are_the_worst_there_is(bakery: Any) -> None:
    """And none of them is followed by a reading's worth of hope."""
    fails = under_way(bakery, 1, *[(5, bakery.crash)] * 3)
    rest = [under_way(bakery, number, (5, 5.1), (5, 4.9), (5, 5.2)) for number in (2, 3)]
    assert set(next_block([fails, *rest])) == {2, 3}


@given(st.lists(st.lists(st.floats(-3, 3), max_size=5), min_size=1, max_size=7), st.randoms(use_true_random=False))
def test_the_same_record_gives_the_same_block_in_whatever_order_it_is_read(
    new_bakery: Any, gains: list[list[float]], random: Any
) -> None:
    """It is a function of what was, and of nothing else."""
    bakery = new_bakery()
    open_ = [under_way(bakery, n, *[(5.0, 5.0 + gain) for gain in made]) for n, made in enumerate(gains, 1)]
    found = next_block(open_)
    random.shuffle(open_)
    assert next_block(open_) == found
    assert len(set(found)) == len(found) > 0
    assert set(found) <= {one.trial.id for one in open_}
