"""A question asked both ways: a loss is proven as a gain is, and what neither leaves is no worthwhile difference."""

import math
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from kaizen.check import design, fewest
from kaizen.errors import Malformed
from kaizen.judges.paired import PairedJudge
from kaizen.metric import lower
from kaizen.process import Policy, check_policy
from kaizen.testing.judges import JudgeContract, gaining

JUDGE = PairedJudge()
METHOD = "flipped coins both ways 1"
PRICE = lower("price", kind="price", worthwhile=0.05, margin=0.10)
SIZE = lower("size", exact=True, worthwhile=0.02, margin=0.0)


def share_ever(decisions: Sequence[str], sizes: Sequence[float], *, alpha: float, most: int) -> float:
    """Return the share of all patterns of signs that are ever decided so, looking after each pair."""

    def walk(gains: tuple[float, ...]) -> float:
        if gains:
            verdict = JUDGE.check(gaining(gains, alpha=alpha, most=most, method=METHOD), intervals=False)
            if verdict.settled:
                return float(verdict.decision in decisions)
        if len(gains) == len(sizes):
            return 0.0
        size = sizes[len(gains)]
        return (walk((*gains, size)) + walk((*gains, -size))) / 2

    return walk(())


@pytest.mark.parametrize("name", ["normal", "growing", "faults between", "zeros between"])
def test_better_and_worse_together_are_false_with_chance_alpha_at_most(name: str) -> None:
    """Exactly, over all patterns of signs; and each of them with half of it."""
    sizes = JudgeContract.SIZES[name][:9]
    alpha = 0.2
    either = share_ever(("better", "worse"), sizes, alpha=alpha, most=9)
    assert 0 < either <= alpha
    for one in ("better", "worse"):
        assert share_ever((one,), sizes, alpha=alpha, most=9) <= alpha / 2


def test_a_loss_takes_as_many_pairs_as_a_gain() -> None:
    """Seven at α = 5 % within forty; the words say of what, and how rare it is."""
    floor = fewest(Policy(both_ways=True), 0.05)
    assert floor == 7
    for turn, decision in ((1.0, "better"), (-1.0, "worse")):
        gains = [turn * (1 + n / 10) for n in range(floor)]
        assert not JUDGE.check(gaining(gains[:-1], alpha=0.05, method=METHOD)).settled
        verdict = JUDGE.check(gaining(gains, alpha=0.05, method=METHOD))
        assert (verdict.decision, verdict.settled) == (decision, True)
        (effect,) = verdict.effects
        assert effect.level == 0.05
        assert effect.low is not None
        assert effect.high is not None
        assert (effect.low >= 0) if turn > 0 else (effect.high <= 0)
    assert verdict.reason == "typically taste loses; 0.78% of its flips look as bad"


def test_neither_gain_nor_loss_is_no_worthwhile_difference(bakery: Any) -> None:
    """Small differences both ways end it; on one side only, they do not."""
    rng = Random(5)
    near = [rng.gauss(0.0, 0.3) for _ in range(40)]  # taste: half a point is worthwhile
    verdicts = [JUDGE.check(gaining(near[:n], alpha=0.05, method=METHOD), intervals=False) for n in range(1, 41)]
    first = next(verdict for verdict in verdicts if verdict.settled)
    assert first.decision == "not_worthwhile"
    assert first.reason == "no metric differs by what is worthwhile"
    assert 8 <= first.pairs < 40


def test_hopeless_is_said_only_where_nothing_can_be_told(bakery: Any) -> None:
    """Noise twenty times what is worthwhile: given up early, often; and rarely called anything."""
    rng, ended = Random(6), []
    for _ in range(60):
        gains: list[float] = []
        while True:
            gains.append(rng.gauss(0.0, 10.0))
            verdict = JUDGE.check(gaining(gains, alpha=0.05, method=METHOD), intervals=False)
            if verdict.settled:
                break
        ended.append(verdict)
    assert sum(verdict.decision in ("better", "worse") for verdict in ended) <= 60 * 0.05 + 3 * math.sqrt(60 * 0.05)
    assert sum(verdict.decision == "futile" for verdict in ended) > 30
    assert all("an answer within 40 pairs" in verdict.reason for verdict in ended if verdict.decision == "futile")


def test_of_several_metrics_a_loss_beyond_a_margin_is_worse(bakery: Any) -> None:
    """A gain elsewhere does not buy it; within the margins a gain is better."""

    def said(change: float) -> Any:
        pairs = [
            tuple(bakery.reading(price=p, taste=t) for p, t in ((100.0, 5.0), (100.0 * change + n / 100, 6.0 + n / 10)))
            for n in range(20)
        ]
        return JUDGE.check(bakery.trial(*pairs, metrics=(PRICE, bakery.taste), alpha=0.05, method=METHOD))

    assert said(1.0).decision == "better"
    assert said(1.2).decision == "worse"
    assert said(1.2).reason.startswith("typically price loses more than its margin;")


def test_exact_metrics_are_compared_as_they_read(bakery: Any) -> None:
    """One pair: better, worse, or no difference."""
    exact = {"metrics": (SIZE,), "alpha": 0.0, "most": 1, "method": METHOD}
    for size, decision in ((90.0, "better"), (101.0, "worse"), (100.0, "not_worthwhile")):
        verdict = JUDGE.check(bakery.trial((bakery.reading(size=100.0), bakery.reading(size=size)), **exact))
        assert (verdict.decision, verdict.pairs) == (decision, 1)


def test_the_policy_names_it_and_needs_a_cap(bakery: Any) -> None:
    """It stands in the design; without a cap, or for means, it is refused."""
    process = bakery.process(both_ways=True)
    assert design(process, alpha=0.05, coins=3, method=JUDGE.method_for(process)).method == METHOD
    for more in ({"pairs": None}, {"estimand": "mean"}):
        with pytest.raises(Malformed, match="both ways must have a cap"):
            check_policy(Policy(both_ways=True, **more))
