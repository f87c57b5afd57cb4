"""The judge of trials without a cap, and from before there were flips: what each verdict takes, how faults count."""

import math
from typing import Any

import pytest

from kaizen import evidence
from kaizen.judges.paired import PairedJudge
from kaizen.metric import higher, lower
from kaizen.trial import Design, Fault, Trial
from kaizen.verdict import Prospect

JUDGE = PairedJudge()
METHOD = "signed normal scores 1"
PRICE = lower("price", kind="price", worthwhile=0.05, margin=0.10)
SIZE = lower("size", exact=True, worthwhile=0.02, margin=0.0)
UP = [(5.0, 6.0 + n / 10) for n in range(8)]
FLAT = [(5.0, 5.0 + (-1) ** n * n / 10) for n in range(1, 9)]


def check(bakery: Any, *pairs: Any, intervals: Any = True, **fields: Any) -> Any:
    return JUDGE.check(bakery.trial(*pairs, method=METHOD, **fields), intervals=intervals)


def both(bakery: Any, *values: Any) -> Any:
    """Return pairs of readings of two metrics: ((size, taste), (size, taste))."""
    return [tuple(bakery.reading(size=size, taste=taste) for size, taste in pair) for pair in values]


def test_without_pairs_nothing_is_said(bakery: Any) -> None:
    """Undecided, without effects, with the evidence at 1."""
    said = check(bakery)
    assert (said.decision, said.settled, said.pairs, said.evidence, said.effects) == ("undecided", False, 0, 0.0, ())
    assert (said.needed, said.method) == (-math.log(0.025), METHOD)
    assert said.reason == "the evidence is 1-fold of the 40-fold it needs"


def test_better_is_proven_at_alpha_and_not_one_pair_before(bakery: Any) -> None:
    """The pair with which the evidence reaches 1/alpha is the first that adopts."""
    floor = evidence.pairs_floor(0.025)
    before, after = check(bakery, *UP[: floor - 1]), check(bakery, *UP[:floor])
    assert (before.decision, before.settled) == ("undecided", False)
    assert (after.decision, after.settled, after.pairs) == ("better", True, floor)
    assert after.evidence == evidence.log_evidence([b - a for a, b in UP[:floor]])
    assert after.reason.startswith("the evidence, 4") or "-fold, reached 40-fold" in after.reason


def test_the_interval_of_what_is_proven_leaves_out_zero(bakery: Any) -> None:
    """Its level is twice the trial's alpha, so that words and verdict never disagree."""
    (effect,) = check(bakery, *UP).effects
    assert effect.gain == pytest.approx(1.35, abs=0.05)
    assert 0 < effect.low < effect.gain
    assert effect.high is None or effect.gain < effect.high
    assert effect.level == 0.05
    assert check(bakery, *UP[:3], alpha=0.4).effects[0].level == 0.20


def test_without_intervals_an_open_trial_has_none(bakery: Any) -> None:
    """The wheel's look after each pair is a quick one; a settled verdict always has its interval."""
    quick = check(bakery, *UP[:4], intervals=False)
    assert (quick.effects[0].low, quick.effects[0].high) == (None, None)
    assert check(bakery, *UP, intervals=False) == check(bakery, *UP)


def test_worse_is_proven_beyond_the_margin(bakery: Any) -> None:
    """With one metric also a loss within it: nothing else could make up for it."""
    said = check(bakery, *[(6.0 + n, 5.0) for n in range(8)])
    assert (said.decision, said.reason) == ("worse", "taste is proven to lose more than its margin")
    slight = check(
        bakery,
        *[(5.0 + 0.01 * n, 5.0) for n in range(1, 9)],
        metrics=(higher("taste", scale="difference", worthwhile=0.5, margin=9.0),),
    )
    assert (slight.decision, slight.reason) == ("worse", "taste is proven to lose")


def test_gains_too_small_are_not_worthwhile(bakery: Any) -> None:
    """A real gain of a tenth of what is worthwhile is not adopted for being real."""
    said = check(bakery, *[(5.0, 5.05 - n / 1000) for n in range(4)])
    assert (said.decision, said.settled, said.reason) == ("not_worthwhile", True, "no metric gains what is worthwhile")


def test_hopeless_trials_end_after_five_pairs(bakery: Any) -> None:
    """Proof within the cap has less than one chance in ten, even to a hopeful eye."""
    wild = [(5.0, 5.0 + d) for d in (3, -3.1, 2.9, -2.8, 0.1, -3.2, -0.2, 2.7)]
    assert not check(bakery, *wild[:4], most=12).settled
    said = [check(bakery, *wild[:n], most=12) for n in range(5, 9)]
    assert any(s.decision == "futile" and s.reason.startswith("proof within 12 pairs has a chance of") for s in said)


def test_the_last_pair_ends_a_trial(bakery: Any) -> None:
    """Patience is part of the design; undecided is its own verdict."""
    said = check(bakery, *UP[:4], most=4)
    assert (said.decision, said.settled, said.reason) == (
        "undecided",
        True,
        "4 pairs, the most it may take, did not decide it",
    )


def test_a_fault_is_the_worst_for_its_side(bakery: Any) -> None:
    """A standard that crashes loses its pair, an increment that crashes its own; both at once is no difference."""
    ours = [(bakery.crash, 5.0)] * 7
    assert check(bakery, *ours).decision == "better"
    assert check(bakery, *[(b, a) for a, b in ours]).decision == "worse"
    none = check(bakery, *[(bakery.crash, Fault(reason="lost"))] * 7)
    assert (none.evidence, none.effects[0].gain) == (0.0, 0.0)
    assert check(bakery, *ours).effects[0].gain is None  # better, by no number


@pytest.mark.parametrize("scale", [0.5, 1.0, 100.0])
def test_sides_swapped_are_mirrored(bakery: Any, scale: Any) -> None:
    """What is evidence for the one is evidence against the other, and gains turn round."""
    pairs = [(5.0, 5.0 + scale * d) for d in (1.0, -0.5, 2.0, 0.25, -3.0, 0.0)]
    one, other = check(bakery, *pairs), check(bakery, *[(b, a) for a, b in pairs])
    assert one.effects[0].gain == -other.effects[0].gain
    assert one.effects[0].low == (None if other.effects[0].high is None else -other.effects[0].high)


def test_with_two_metrics_every_margin_must_be_kept(bakery: Any) -> None:
    """A gain in taste does not buy a price beyond its margin, and does not need to gain in price."""

    def said(change: Any) -> Any:
        pairs = [
            tuple(bakery.reading(price=p, taste=t) for p, t in ((100.0, 5.0), (100.0 * change + n / 100, 6.0 + n / 10)))
            for n in range(20)
        ]
        return check(bakery, *pairs, metrics=(PRICE, bakery.taste))

    assert said(1.0).decision == "better"
    assert said(1.05).decision == "better"
    assert (said(1.2).decision, said(1.2).reason) == ("worse", "price is proven to lose more than its margin")


def test_exact_metrics_take_one_pair(bakery: Any) -> None:
    """Better, worse, or not worthwhile: with certainty, and without alpha."""
    exact = {"metrics": (SIZE,), "alpha": 0.0, "most": 1}

    def said(one: Any, other: Any) -> Any:
        return check(bakery, (bakery.reading(size=one), bakery.reading(size=other)), **exact)

    better = said(100.0, 90.0)
    assert (better.decision, better.settled, better.evidence, better.needed) == ("better", True, 700.0, 700.0)
    assert better.reason == "size gains; exactly so"
    assert (better.effects[0].exact, better.effects[0].low, better.effects[0].level) == (
        True,
        better.effects[0].gain,
        0.0,
    )
    worse = said(100.0, 101.0)
    assert (worse.decision, worse.reason) == ("worse", "size +1.0% is beyond its margin; exactly so")
    assert said(100.0, 99.0).decision == "not_worthwhile"
    assert said(100.0, 100.0).decision == "not_worthwhile"
    assert said(100.0, 98.0).decision == "better"  # exactly what is worthwhile


def test_an_exact_trial_with_a_fault_adopts_nothing(bakery: Any) -> None:
    """A crash of the increment is worse, of the standard undecided, of both no gain: never a proof."""
    exact, size = {"metrics": (SIZE,), "alpha": 0.0, "most": 1}, bakery.reading(size=90.0)
    assert check(bakery, (size, bakery.crash), **exact).reason == "fault: crash; exactly so"
    said = check(bakery, (bakery.crash, size), **exact)
    assert (said.decision, said.settled, said.effects[0].gain) == ("undecided", True, None)
    assert check(bakery, (bakery.crash, bakery.crash), **exact).decision == "not_worthwhile"


def test_exact_and_noisy_together(bakery: Any) -> None:
    """The exact one opens or shuts the door; the noisy one still has to prove its margin."""
    metrics = (SIZE, higher("taste", scale="difference", worthwhile=0.5, margin=1.0))
    floor = evidence.pairs_floor(0.025)

    def said(size: Any, taste: Any, pairs: Any) -> Any:
        values = both(bakery, *[((100.0, 5.0), (size, taste + n / 100)) for n in range(pairs)])
        return check(bakery, *values, metrics=metrics)

    assert said(90.0, 5.0, floor).decision == "better"
    assert not said(90.0, 5.0, floor - 1).settled
    assert said(101.0, 9.0, 1).decision == "worse"
    assert said(100.0, 7.0, floor).decision == "better"
    assert said(90.0, 3.0, 8).decision == "futile"
    assert said(100.0, 5.1, 5).decision == "not_worthwhile"
    crashed = [(bakery.crash, bakery.reading(size=90.0, taste=5.0))]
    assert check(bakery, *crashed, metrics=metrics).decision == "undecided"


def test_a_noisy_margin_that_cannot_be_proven_is_futile(bakery: Any) -> None:
    """An exact gain does not help where the other metric stays within its noise."""
    metrics = (SIZE, higher("taste", scale="difference", worthwhile=0.1, margin=0.1))
    wild = [((100.0, 5.0), (90.0, 5.0 + d)) for d in (3, -3.1, 2.9, -2.8, 0.1, -3.2, -0.2, 2.7)]
    said = check(bakery, *both(bakery, *wild), metrics=metrics, most=10)
    assert said.decision == "futile"


def design(alpha: Any = 0.025, metrics: Any = (PRICE,)) -> Any:
    return Design(metrics=metrics, guards=(), alpha=alpha, pairs=40, coins=1, method=METHOD)


def test_the_prospect_is_that_of_the_evidence() -> None:
    """One pair for exact metrics alone; no odds at all where the error budget is used up."""
    pairs, odds = evidence.prospect(1.0, 1.0, 0.025, 40)
    assert JUDGE.prospect(design(), gain=1.0, sd=1.0) == Prospect(pairs=pairs, odds=odds)
    assert JUDGE.prospect(design(0.0, (SIZE,)), gain=1.0, sd=0.0) == Prospect(pairs=1, odds=1.0)
    assert JUDGE.prospect(design(0.0), gain=1.0, sd=1.0) == Prospect(pairs=evidence.OUT_OF_REACH, odds=0.0)


def test_a_replaced_trial_is_judged_alike(bakery: Any) -> None:
    """Verdicts come from the pairs alone: not from number, words or who proposed it."""
    trial = bakery.trial(*UP, method=METHOD)
    other = Trial(id=99, increment=bakery.increment(of=5, steam=True), design=trial.design, blocks=trial.blocks)
    assert JUDGE.check(trial) == JUDGE.check(other)
