"""What the record says of itself, and that it does not say *yes* to everything."""

import itertools
import math
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen.audit import Kept, Recorded, Throw, audit, chance_of
from kaizen.errors import Malformed
from kaizen.judges.paired import PairedJudge
from kaizen.plan import Scout
from kaizen.setting import Numbers
from kaizen.standard import increment
from kaizen.verdict import Verdict

JUDGE = PairedJudge()


class Gullible:
    """A judge that takes every larger middle for proof."""

    def check(self, trial: Any, *, intervals: bool = True) -> Any:
        gains = sorted(pair.increment.values["taste"] - pair.standard.values["taste"] for pair in trial.pairs)
        better = gains[len(gains) // 2] > 0
        return Verdict(
            decision="better" if better else "worse", settled=True, reason="r", effects=(), pairs=len(gains),
            evidence=0.0, needed=3.0, method="gullible",
        )  # fmt: skip


def record(bakery: Any, number: int = 1, null: bool = False, **fields: Any) -> Any:
    """Return a closed trial of ten pairs of noise, as it would be recorded."""
    chance = Random(number)
    trial = bakery.trial(*[(chance.gauss(0, 1), chance.gauss(0, 1)) for _ in range(10)], number=number, null=null)
    trial = bakery.replace(trial, design=bakery.replace(trial.design, coins=number))
    made = {
        "trial": trial,
        "hash": trial.design.hash,
        "verdict": JUDGE.check(trial),
        "throws": tuple(throw(trial, pair.number) for pair in trial.pairs),
    }
    return Recorded(**{**made, **fields})


def throw(trial: Any, number: int, first: bool | None = None) -> Throw:
    coin = trial.design.coin(number)
    return Throw(first=coin if first is None else first, coin=coin)


def answers(records: Any, judge: Any = JUDGE, standards: Any = (), flips: int = 40) -> Any:
    return {one.asks: one for one in audit(records, standards, judge, flips=flips, seed=1).answers}


def test_a_clean_record_is_sound_and_says_what_was_counted(bakery: Any) -> None:
    """Every question is answered, with its numbers."""
    found = answers([record(bakery, number) for number in range(1, 9)] + [record(bakery, 9, null=True)])
    assert all(one.sound for one in found.values())
    assert found["designs"].said == "9 designs are as they were frozen"
    assert found["coins"].said.startswith("90 pairs ran in the order of their coins, ")
    assert found["verdicts"].said == "9 verdicts come again from the same pairs"
    assert found["flips"].said.startswith("of 40 times that real pairs had their coins thrown anew, ")
    assert found["nulls"].said.startswith("of 1 copy of the standard, 0 were judged better; at most about 0.025")


def test_an_empty_record_is_sound_and_says_that_nothing_was_asked() -> None:
    """Nothing was promised, nothing broken."""
    found = answers([])
    assert all(one.sound for one in found.values())
    assert found["flips"].said == "no noisy pairs yet whose coins could be thrown anew"
    assert found["nulls"].said == "no copy of the standard was tried yet"


def test_a_design_that_was_changed_behind_its_first_pair_is_told(bakery: Any) -> None:
    """The hash of the opening is the proof."""
    good = record(bakery)
    easier = bakery.replace(good.trial, design=bakery.replace(good.trial.design, alpha=0.2))
    found = answers([record(bakery, trial=easier, hash=good.hash)])
    assert (found["designs"].sound, found["designs"].said) == (
        False,
        "the design of trial 1 is not the one that was frozen",
    )


def test_sides_that_ran_in_another_order_are_told(bakery: Any) -> None:
    """One pair is enough."""
    throws = list(record(bakery).throws)
    throws[3] = bakery.replace(throws[3], first=not throws[3].first)
    found = answers([record(bakery, throws=tuple(throws)), record(bakery, 2)])["coins"]
    assert (found.sound, found.said) == (False, "pairs of trial 1 did not run in the order of their coins")


def test_coins_that_always_fall_alike_are_told(bakery: Any) -> None:
    """Whoever gives the coins must not choose them: forty heads in forty are none."""
    heads = [
        n for n in range(1, 40_000) if all(bakery.replace(record_design(bakery), coins=n).coin(b) for b in range(10))
    ]
    records = []
    for number, coins in enumerate(heads[:4], 1):
        trial = record(bakery, number).trial
        trial = bakery.replace(trial, design=bakery.replace(trial.design, coins=coins))
        records.append(
            record(bakery, number, trial=trial, hash=trial.design.hash, throws=(Throw(first=True, coin=True),) * 10)
        )
    assert not answers(records)["coins"].sound


def record_design(bakery: Any) -> Any:
    return bakery.trial().design


def test_a_verdict_that_does_not_come_again_is_told(bakery: Any) -> None:
    """Somebody changed a reading, or the judge."""
    found = answers([record(bakery, verdict=bakery.replace(record(bakery).verdict, decision="better"))])["verdicts"]
    assert (found.sound, found.said) == (False, "the verdict on trial 1 does not come again from its pairs")


def test_a_judge_that_is_easily_fooled_is_found_out_by_flips(bakery: Any) -> None:
    """Half of all flips look good to it; one in forty is promised."""
    found = answers([record(bakery, number) for number in range(1, 4)], Gullible())["flips"]
    assert not found.sound


def test_copies_that_are_judged_better_are_told(bakery: Any) -> None:
    """One may be luck; three of four are none."""
    fooled = bakery.replace(record(bakery).verdict, decision="better")

    def said(many: int) -> Any:
        nulls = [record(bakery, n, null=True, **({"verdict": fooled} if n <= many else {})) for n in range(1, 5)]
        return answers(nulls)["nulls"]

    assert said(1).sound
    assert (said(3).sound, "3 were judged better (trials 1, 2, 3)" in said(3).said) == (False, True)


def test_what_was_promised_stands_beside_what_is_delivered(bakery: Any) -> None:
    """A standard that surely loses is counted; one that nobody watched is not."""
    watch = bakery.replace(bakery.trial(*[(4 + n / 100, 6.0) for n in range(30)]), purpose="shadow")
    standards = [
        Kept(number=2, promised=Numbers(taste=1.5), watch=watch),
        Kept(number=3, promised=Numbers(taste=1.0), watch=None),
    ]
    found = audit([], standards, JUDGE, flips=0, seed=1)
    assert found.realised == (1, 1)
    assert str(found.deliveries[0]).startswith("standard 2: taste promised +1.5, delivers -1.8")
    assert str(found.deliveries[0]).endswith(" in 30 fresh pairs")


@given(st.lists(st.floats(0, 1), max_size=8), st.integers(0, 9))
def test_the_chance_of_so_many_is_that_of_counting_all_ways(chances: list[float], count: int) -> None:
    """The slow twin: every outcome, one by one."""
    ways = itertools.product((0, 1), repeat=len(chances))
    slow = math.fsum(
        math.prod(p if one else 1 - p for p, one in zip(chances, way, strict=True)) for way in ways if sum(way) >= count
    )
    assert chance_of(count, chances) == pytest.approx(slow, abs=1e-12)


@pytest.mark.parametrize("chance", [-0.1, 1.1, math.nan])
def test_a_chance_must_be_one(chance: float) -> None:
    """It says which is none."""
    with pytest.raises(ValueError, match="a chance must lie from 0 to 1"):
        chance_of(1, [0.5, chance])


def test_a_bench_audits_itself(bakery: Any) -> None:
    """From the ledger alone, after trials, a copy of the standard, an adoption and its watch."""
    chance = Random(2)
    heats = iter((230.0, 231.0, 232.0, 233.0))

    def proposing(journal: Any) -> Any:
        return increment(journal.head.process, journal.head.standard, {"heat": next(heats)}, because="b", by="plan")

    def scouts(journal: Any) -> Any:
        return Scout(setting=journal.head.standard.setting, because="to see")

    bench = bakery.bench(*[proposing] * 4, *[scouts] * 100, nulls=2, shadow=0.5, pairs=10)
    bakery.play(bench, lambda run: 5.0 + 2.0 * (run.setting["heat"] == 230.0) + chance.gauss(0, 0.4), most=250)
    found = bench.audit(flips=60)
    assert found.sound, found
    assert [one.standard for one in found.deliveries] == [2]
    assert found.deliveries[0].delivers is not None
    assert found.answers[-1].said.startswith("of 2 copies of the standard, 0 were")
    assert bench.audit(flips=60) == found
    with pytest.raises(Malformed, match="flips must be zero or more; got -1"):
        bench.audit(flips=-1)
