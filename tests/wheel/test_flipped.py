"""The judge within a cap, by utility, and of means: what each verdict takes, and what it says it proves."""

import math
from random import Random
from typing import Any

import pytest

from kaizen.check import design, fewest
from kaizen.errors import Clash, Malformed
from kaizen.evidence import flips
from kaizen.judges.paired import PairedJudge
from kaizen.metric import higher, lower

JUDGE = PairedJudge()
PRICE = lower("price", kind="price", worthwhile=0.05, margin=0.10)
SIZE = lower("size", exact=True, worthwhile=0.02, margin=0.0)
UP = [(5.0, 6.0 + n / 10) for n in range(8)]


def check(bakery: Any, *pairs: Any, **fields: Any) -> Any:
    return JUDGE.check(bakery.trial(*pairs, **fields))


def test_a_cap_is_judged_by_flips_and_no_cap_by_bets(bakery: Any) -> None:
    """The method stands in the design before the first pair, and old designs keep theirs."""
    for policy, method in (
        ({}, "flipped coins 1"), ({"pairs": None}, "signed normal scores 1"),
    ):  # fmt: skip
        process = bakery.process(**policy)
        made = design(process, alpha=0.025, coins=3, method=JUDGE.method_for(process))
        assert (made.method, made.pairs) == (method, process.policy.pairs)
        trial = bakery.replace(bakery.trial(*UP), design=made)
        assert JUDGE.check(trial).method == method
    assert check(bakery, *UP, method="signed normal scores 1").method == "signed normal scores 1"


def test_better_is_proven_at_the_floor_and_not_one_pair_before(bakery: Any) -> None:
    """Seven pairs at the first trial's alpha within forty; the words say that it is typically better."""
    floor = fewest(bakery.process().policy, 0.025)
    assert floor == 7
    before, after = check(bakery, *UP[: floor - 1]), check(bakery, *UP[:floor])
    assert (before.decision, before.settled, before.rarity) == ("undecided", False, 1 / 64)
    assert before.reason == "1.56% of its flips look as good; proof takes 2.50% by pair 40, less before"
    assert (after.decision, after.settled, after.rarity) == ("better", True, 1 / 128)
    assert after.reason == "typically taste gains; 0.78% of its flips look as good"
    (effect,) = after.effects
    assert 0 <= effect.low < effect.gain <= effect.high
    assert effect.level == 0.05


def test_every_margin_is_a_test_of_its_own(bakery: Any) -> None:
    """A gain in taste does not buy a price beyond its margin, and does not need to gain in price."""

    def said(change: Any) -> Any:
        pairs = [
            tuple(bakery.reading(price=p, taste=t) for p, t in ((100.0, 5.0), (100.0 * change + n / 100, 6.0 + n / 10)))
            for n in range(20)
        ]
        return check(bakery, *pairs, metrics=(PRICE, bakery.taste))

    assert said(1.0).decision == "better"
    assert said(1.05).reason.startswith("typically taste gains, price loses less than the margin")
    assert said(1.2).decision == "worse"
    assert said(0.8).reason.startswith("typically price and taste gain;")


def test_exact_metrics_need_no_coin(bakery: Any) -> None:
    """One pair, certainty, no alpha; beside a noisy one, that one's margin is all that is left to prove."""
    exact = {"metrics": (SIZE,), "alpha": 0.0, "most": 1}
    better = check(bakery, (bakery.reading(size=100.0), bakery.reading(size=90.0)), **exact)
    assert (better.decision, better.reason, better.evidence) == ("better", "size gains; exactly so", 700.0)
    metrics = (SIZE, higher("taste", scale="difference", worthwhile=0.5, margin=1.0))
    pairs = [(bakery.reading(size=100.0, taste=5.0), bakery.reading(size=90.0, taste=5.0 + n / 100)) for n in range(9)]
    assert not check(bakery, *pairs[:6], metrics=metrics).settled
    assert check(bakery, *pairs[:7], metrics=metrics).decision == "better"
    lost = [(bakery.reading(size=100.0, taste=5.0), bakery.reading(size=101.0, taste=9.0))]
    assert check(bakery, *lost, metrics=metrics).decision == "worse"


def test_a_hopeless_trial_ends_early(bakery: Any) -> None:
    """Of 200 changes that do nothing, most are given up within eight pairs at caps of thirty."""
    rng = Random(4)
    ended = []
    for _ in range(200):
        pairs: list[Any] = []
        while True:
            pairs.append((5.0, 5.0 + rng.gauss(0, 1)))
            verdict = JUDGE.check(bakery.trial(*pairs, most=30), intervals=False)
            if verdict.settled:
                break
        ended.append((len(pairs), verdict.decision))
    assert sum(pairs for pairs, _ in ended) / 200 <= 9
    assert sum(decision == "better" for _, decision in ended) <= 200 * 0.025 + 3 * math.sqrt(200 * 0.025)


# ── utility ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def priced(bakery: Any, *changes: Any) -> Any:
    """Check pairs of (seconds ratio, taste difference) where a worthwhile of taste is worth three of seconds."""
    metrics = (
        lower("seconds", worthwhile=0.01, worth=1.0),
        higher("taste", scale="difference", worthwhile=0.5, worth=3.0),
    )
    pairs = [
        (bakery.reading(seconds=10.0, taste=5.0), bakery.reading(seconds=10.0 * ratio, taste=5.0 + more))
        for ratio, more in changes
    ]
    return check(bakery, *pairs, metrics=metrics)


def test_where_quality_has_a_price_one_test_decides(bakery: Any) -> None:
    """A slower loaf that tastes better is better, if the taste is worth the seconds; and the other way round."""
    dear = priced(bakery, *[(1.02 + n / 1000, 1.0 + n / 100) for n in range(8)])
    assert dear.decision == "better"
    assert dear.reason.startswith("typically utility gains;")
    assert [effect.metric for effect in dear.effects] == ["utility", "seconds", "taste"]
    assert dear.effects[0].gain == pytest.approx(6 - 2.3, abs=0.2)
    assert "utility +" in dear.said
    assert priced(bakery, *[(1.10 + n / 1000, 1.0 + n / 100) for n in range(8)]).decision == "worse"


def test_utility_halves_the_pairs(bakery: Any) -> None:
    """Half a standard deviation on each of two metrics: by utility in fewer pairs than by margins of the same size."""

    def pairs_to_proof(worth: float, seed: int) -> int:
        metrics = tuple(
            higher(name, scale="difference", worthwhile=0.5, margin=0.5, worth=worth) for name in ("one", "other")
        )
        rng, pairs = Random(seed), []
        for _ in range(40):
            gains = [rng.gauss(0.7, 1), rng.gauss(0.7, 1)]
            pairs.append((bakery.reading(one=5.0, other=5.0), bakery.reading(one=5.0 + gains[0], other=5.0 + gains[1])))
            if (
                len(pairs) >= 6
                and JUDGE.check(bakery.trial(*pairs, metrics=metrics), intervals=False).decision == "better"
            ):
                break
        return len(pairs)

    priced_, plain = (sum(pairs_to_proof(worth, seed) for seed in range(30)) for worth in (1.0, 0.0))
    assert priced_ < 0.9 * plain


def test_a_worth_must_mean_something(bakery: Any) -> None:
    """It is told by the worthwhile; utility's own name is taken; means have none."""
    with pytest.raises(Malformed, match="worthwhile must be above 0, since its worth is told by it"):
        lower("size", exact=True, worth=1.0)
    with pytest.raises(Malformed, match="worth must be 0 or more"):
        lower("seconds", worth=-1.0)
    with pytest.raises(Clash, match="a metric must not be called utility"):
        bakery.process(higher("utility"), lower("seconds", worth=1.0))
    with pytest.raises(Malformed, match="must have no worth where means are judged"):
        bakery.process(lower("seconds", worth=1.0, low=1.0, high=9.0), estimand="mean")


# ── means ────────────────────────────────────────────────────────────────────────────────────────────────────────────
SCORE = higher("score", scale="difference", worthwhile=0.05, low=0.0, high=1.0)


def mean_of(bakery: Any, pairs: Any, most: Any = 200) -> Any:
    trial = bakery.trial(
        *[(bakery.reading(score=a), bakery.reading(score=b)) for a, b in pairs], metrics=(SCORE,), most=most
    )
    return JUDGE.check(bakery.replace(trial, design=bakery.replace(trial.design, estimand="mean")))


def test_usually_better_is_not_better_on_average(bakery: Any) -> None:
    """A little better in nine pairs of ten, awful in the tenth: typically better, on average worse; both are said."""
    pairs = [(0.9, 0.95 + n / 1000) if n % 10 else (0.9, 0.05) for n in range(1, 41)]
    typical = check(bakery, *[(bakery.reading(score=a), bakery.reading(score=b)) for a, b in pairs], metrics=(SCORE,))
    assert typical.decision == "better"
    assert typical.reason.startswith("typically score gains")
    assert mean_of(bakery, pairs).decision != "better"


def test_better_on_average_is_proven_within_bounds(bakery: Any) -> None:
    """Pass and fail: the new way passes three in four where the old one passes one in four."""
    rng = Random(2)
    pairs = [(float(rng.random() < 0.25), float(rng.random() < 0.75)) for _ in range(60)]
    found = next(verdict for n in range(1, 61) if (verdict := mean_of(bakery, pairs[:n])).settled)
    assert found.decision == "better"
    assert found.method == "bets on means 1"
    assert found.reason.startswith("on average score gains; the evidence, ")
    assert found.effects[0].low > 0


def test_a_fault_is_as_wide_as_the_bounds_allow(bakery: Any) -> None:
    """A crash of the increment counts the whole range against it."""
    crashed = bakery.trial((bakery.reading(score=0.5), bakery.crash), metrics=(SCORE,))
    said = JUDGE.check(bakery.replace(crashed, design=bakery.replace(crashed.design, estimand="mean")))
    assert said.effects[0].gain == -1.0


def test_means_need_bounds(bakery: Any) -> None:
    """Said when the process is described, with how to mend it."""
    with pytest.raises(Malformed, match="taste must have bounds, since means are judged") as refused:
        bakery.process(estimand="mean")
    assert "low and high of taste" in refused.value.hint
    assert bakery.process(SCORE, estimand="mean").policy.estimand == "mean"
    with pytest.raises(Malformed, match="policy estimand must be one of typical, mean"):
        bakery.process(estimand="median")


def test_the_prospect_is_that_of_the_rule(bakery: Any) -> None:
    """Fewer pairs within a cap than without one; twice as many for a mean."""
    made = [
        design(process, alpha=0.025, coins=1, method=JUDGE.method_for(process))
        for process in (
            bakery.process(), bakery.process(pairs=None), bakery.process(SCORE, estimand="mean"),
        )
    ]  # fmt: skip
    within, without, mean = (JUDGE.prospect(one, gain=0.5, sd=1.0) for one in made)
    assert within.pairs < without.pairs < mean.pairs
    assert within.odds > 0.6
    assert flips.pairs_floor(0.025, 40) == 7
