"""Repeats of the standard, what they tell, and what the proof of a gain takes; on the bench, without a machine."""

from typing import Any

import pytest

from kaizen import forecast
from kaizen.errors import Malformed, OutOfRange, OutOfTurn, Undeclared
from kaizen.forecast import plan_trial, unaffordable
from kaizen.ledger import Scouted
from kaizen.metric import UTILITY, higher, lower
from kaizen.noise import amount_of, judged
from kaizen.trial import Spend

COST = lower("cost", worthwhile=0.02, margin=0.001)


def told(bakery: Any, *values: Any, **policy: Any) -> Any:
    """Return a bench with so many repeats told."""
    bench = bakery.bench(process=bakery.process(**policy))
    bench.repeat(len(values))
    for value in values:
        run = bench.ask("ana")
        if value is None:
            bench.fault(run, by="ana", reason="crash", seconds=4.0)
        else:
            bench.tell(run, value if isinstance(value, dict) else {"taste": value}, by="ana", seconds=2.0, money=0.5)
    return bench


def test_repeats_are_scouts_of_the_standard(bakery: Any) -> None:
    """They are queued once, in the pool, come before anything else, and stand in the ledger as any scout does."""
    bench = bakery.bench()
    assert bench.repeat(3) == 3
    assert bench.repeat(3) == 0
    assert bench.noise().waiting == 3
    scouted = [record.entry for record in bench.log if isinstance(record.entry, Scouted)]
    assert [run.setting for run in scouted[0].runs] == [bench.standard.setting] * 3
    bench.tell(bench.ask("ana"), taste=5.0)
    assert (bench.repeat("+2"), bench.noise().waiting, bench.repeat(5)) == (2, 4, 0)
    assert [(row.purpose, row.setting) for row in bench.runs] == [("scout", bench.standard.setting)]
    for wrong in ("many", "-3", "+", 1.5):
        with pytest.raises(Malformed, match="repeats must be a number in all"):
            bench.repeat(wrong)


def test_a_budget_of_runs_is_respected(bakery: Any) -> None:
    """No more are queued than it pays for, and none is an error that says so."""
    bench = bakery.bench(process=bakery.process(runs=4))
    assert bench.repeat(20) == 4
    assert bench.repeat(20) == 0
    for _ in range(4):
        bench.tell(bench.ask(), taste=5.0)
    with pytest.raises(OutOfTurn, match="must be paid for; got a budget of 4 runs"):
        bench.repeat(20)


def test_what_readings_tell(bakery: Any) -> None:
    """Level, sd of a reading and of a pair, faults, spend, and what pairs can prove."""
    bench = told(bakery, 5.0, 6.0, 5.0, None, 7.0, 5.0, 6.0)
    found = bench.noise()
    (known,) = found.metrics
    assert (found.runs, found.faults, known.scatter.readings) == (7, {"crash": 1}, 6)
    assert found.each == Spend(runs=1, seconds=16 / 7, money=3 / 7)
    assert (known.scatter.level, known.scatter.lowest, known.scatter.highest) == (5.5, 5.0, 7.0)
    assert known.scatter.sd == pytest.approx(0.8165, abs=1e-4)
    assert known.scatter.pair == pytest.approx(((1 + 1 + 4 + 4 + 1) / 5) ** 0.5)
    assert [row.pairs for row in known.provable] == [7, 10, 20, 40]
    gains = [row.gain for row in known.provable]
    assert gains == sorted(gains, reverse=True)
    prospect = bench.wheel.prospect(bench.head)
    assert prospect(gains[-1], known.scatter.pair).odds == pytest.approx(0.8, abs=0.01)
    assert "nobody can prove a gain of 0.5 points" in found.warnings[0].replace("0.5 ", "0.5 points ", 1)
    assert bench.unaffordable() == found.warnings
    with pytest.raises(OutOfRange, match="odds must be above 0 and below 1"):
        bench.noise(odds=1.0)


def test_few_readings_tell_little(bakery: Any) -> None:
    """Below four there is a level and no more."""
    (known,) = told(bakery, 5.0, 6.0, 5.5).noise().metrics
    assert (known.scatter.level, known.scatter.sd, known.provable) == (5.5, None, ())


def test_a_shift_is_named_with_its_run(bakery: Any) -> None:
    """Readings that jump at the ninth run."""
    values = [5.0 + n % 3 / 10 + 2.0 * (n >= 8) for n in range(16)]
    found = told(bakery, *values).noise()
    drift = found.metrics[0].scatter.drift
    assert (drift.kind, drift.since) == ("shift", 9)
    assert drift.size == pytest.approx(2.0, abs=0.2)
    assert found.metrics[0].scatter.alike < 0.05
    assert found.metrics[0].scatter.cancelled > 0.5
    assert "taste drifts: compare it in pairs only" in found.warnings[0]


def test_wrong_declarations_are_named(bakery: Any) -> None:
    """An exact metric that does not repeat, and one that always does and is not declared so."""
    process = bakery.process(bakery.size, bakery.taste)
    bench = bakery.bench(process=process)
    bench.repeat(5)
    for size in (100.0, 101.0):
        bench.tell(bench.ask(), taste=5.0, size=size)
    (warned,) = bench.noise().warnings
    assert warned.startswith("size IS DECLARED EXACT AND IS NOT: 2 runs of one setting read from 100 to 101.")
    bench.clear("looked", by="ana")
    bench.tell(bench.ask(), taste=5.0, size=101.0)
    bench.clear("looked again", by="ana")
    bench.tell(bench.ask(), taste=5.0, size=101.0)
    assert "taste read the same in all 4 runs: if it always does, declare it exact" in bench.noise().warnings[1]


def test_a_margin_nobody_can_afford_is_told_at_the_start(bakery: Any) -> None:
    """Only where something else may gain; it stands among the sentences of the outlook."""
    bench = told(bakery, *[5.0 + n % 3 for n in range(8)])
    assert not any("margin" in said for said in bench.outlook())
    bench = bakery.workshop(ledger=type(bakery.ledger)()).describe(bakery.process(bakery.taste, COST))
    bench.repeat(8)
    for n in range(8):
        bench.tell(bench.ask(), taste=5.0 + n % 3 / 10, cost=100.0 + n * 7 % 5)
    (said,) = [one for one in bench.outlook() if "margin" in one]
    assert said.startswith("cost: nobody can afford a margin of 0.1 %: within 40 pairs")
    assert said in bench.unaffordable()


def test_metrics_with_a_worth_are_told_as_their_utility(bakery: Any) -> None:
    """What is judged is what is foretold; a gain of one metric counts by what it is worth."""
    taste = higher("taste", scale="difference", worthwhile=0.5, worth=2.0)
    cost = lower("cost", worthwhile=0.02, worth=1.0)
    process = bakery.process(taste, cost)
    assert judged(process) == (UTILITY,)
    bench = bakery.workshop(ledger=type(bakery.ledger)()).describe(process)
    bench.repeat(8)
    for n in range(8):
        bench.tell(bench.ask(), taste=5.0 + n % 3 / 10, cost=100.0 + n * 7 % 5)
    found = {known.scatter.metric.name: known for known in bench.noise().metrics}
    assert found["taste"].provable == ()
    assert found["utility"].provable
    plan = bench.plan_trial(1.0, metric="taste")
    assert plan.sd == pytest.approx(found["utility"].scatter.pair / 4.0)


# ── plans ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_plan_needs_readings_or_an_sd(bakery: Any) -> None:
    """Neither is an error that says how to get them."""
    bench = bakery.bench()
    with pytest.raises(OutOfTurn, match="must be known from 4 readings") as error:
        bench.plan_trial(0.5)
    assert "kaizen noise loaf -n 20" in error.value.hint
    plan = bench.plan_trial(0.5, sd=0.4)
    assert (plan.known, plan.affordable, plan.left) == ("as given", True, None)
    assert plan.enough <= 40
    assert plan.odds >= 0.8
    assert plan.spend.runs == 2 * plan.enough


def test_more_noise_takes_more_pairs_until_it_cannot_be_afforded(bakery: Any) -> None:
    """And then it says what would help."""
    bench = bakery.bench()
    enough = [bench.plan_trial(0.5, sd=sd).enough for sd in (0.2, 0.4, 0.6)]
    assert enough == sorted(enough)
    plan = bench.plan_trial(0.5, sd=1.2)
    assert (plan.enough, plan.affordable) == (None, False)
    for said in ("raise the cap: pairs = ", "lower the noise", "repeat inside a run: ", "look for more: "):
        assert any(said in mend for mend in plan.mends)
    wilder = bench.plan_trial(0.5, sd=50.0)
    assert not any("raise the cap" in mend for mend in wilder.mends)
    larger = bench.plan_trial(plan.smallest, sd=1.2)
    assert larger.odds == pytest.approx(0.8, abs=0.01)


def test_a_plan_knows_what_is_left_of_the_budget(bakery: Any) -> None:
    """Runs, seconds and money; the tightest counts."""
    bench = told(bakery, 5.0, 5.2, 5.1, 5.0, runs=30, seconds=60.0, money=100.0)
    plan = bench.plan_trial(2.0)
    assert plan.left == 13
    tight = bench.plan_trial(0.1)
    assert not tight.affordable
    bench = bakery.workshop(ledger=type(bakery.ledger)()).describe(bakery.process(runs=8))
    plan = bench.plan_trial(1.0, sd=1.0)
    assert (plan.left, plan.affordable) == (4, False)
    assert "raise the budget" in plan.mends[0]
    assert plan.left_odds < plan.odds


def test_an_exact_metric_takes_one_pair(bakery: Any) -> None:
    """No noise is asked for."""
    plan = bakery.bench(process=bakery.process(bakery.size)).plan_trial("1%")
    assert (plan.enough, plan.odds, plan.affordable, plan.sd) == (1, 1.0, True, 0.0)


def test_a_shut_door_is_said(bakery: Any) -> None:
    """Where the error budget leaves no trial that proves, no gain is affordable."""
    plan = bakery.bench(process=bakery.process(pairs=3)).plan_trial(5.0, sd=0.1)
    assert plan.shut.startswith("the error budget asks for")
    assert not plan.affordable
    assert plan.mends


def test_without_a_cap_and_for_means(bakery: Any) -> None:
    """Other rules foretell, too."""
    open_end = bakery.bench(process=bakery.process(pairs=None)).plan_trial(0.5, sd=0.4)
    assert (open_end.most, open_end.enough is not None) == (40, True)
    bounded = higher("taste", scale="difference", worthwhile=0.5, low=0.0, high=10.0)
    bench = bakery.workshop(ledger=type(bakery.ledger)()).describe(bakery.process(bounded, estimand="mean"))
    assert 0 <= bench.plan_trial(0.5, sd=0.4).odds <= 1


@pytest.mark.parametrize(
    ("metric", "given", "kind", "said"),
    [
        (COST, "2", Malformed, "a share of it, since it is compared by ratio; got '2'"),
        (COST, "-1%", OutOfRange, "must be above 0"),
        (COST, "much", OutOfRange, "must be a number"),
        (COST, "120%", OutOfRange, "must be below 100 %"),
        (higher("taste", scale="difference", worthwhile=0.5, unit="points"), "5%", Malformed, "must be in points"),
        (higher("taste", scale="difference", worthwhile=0.5, unit="points"), "5 m", OutOfRange, "must be in points"),
    ],
)
def test_amounts_are_read_as_people_write_them(metric: Any, given: Any, kind: Any, said: str) -> None:
    """What cannot be right is a sentence."""
    with pytest.raises(kind, match=said):
        forecast.gain_of(metric, given)


def test_good_amounts() -> None:
    """Shares with and without a sign, and units."""
    assert amount_of(COST, "2%", what="a gain") == amount_of(COST, 0.02, what="a gain") == 0.02
    assert forecast.gain_of(higher("speed"), "150 %")[0] == 1.5
    assert amount_of(higher("taste", scale="difference", worthwhile=0.5, unit="points"), "0.5 points", what="it") == 0.5


def test_a_plan_counts_the_margins_of_all_other_noisy_metrics(bakery: Any) -> None:
    """A gain that is easy alone is as hard as the tightest margin beside it; what is not known is said, not counted."""
    plans = []
    for margin in (4.0, 0.2):
        dough = lower("dough", scale="difference", worthwhile=0.5, margin=margin)
        bench = type(bakery)().bench(process=bakery.process(bakery.taste, dough))
        before = bench.plan_trial(3.0, metric="taste", sd=1.0)
        assert [(one.metric.name, one.sd, one.odds) for one in before.beside] == [("dough", None, None)]
        bench.repeat(20)
        for n, run in enumerate(bench.ask(n=20)):
            bench.tell(run, taste=5.0 + n % 3, dough=9.0 + n % 4)
        plans.append(bench.plan_trial(3.0, metric="taste", sd=1.0))
    wide, tight = plans
    assert wide.affordable
    assert wide.beside[0].odds > 0.95
    assert not tight.affordable
    assert tight.odds <= tight.beside[0].odds < 0.5
    assert tight.pairs > wide.pairs
    assert any("widen the margin of dough, which is 0.2" in mend for mend in tight.mends)


def test_a_plan_is_for_one_metric_with_odds_below_one(bakery: Any) -> None:
    """Named where there are several, known, and never certain."""
    bench = bakery.bench(process=bakery.process(bakery.taste, COST))
    with pytest.raises(Malformed, match="a metric must be named where there are several; got none of taste, cost"):
        bench.plan_trial("2%", sd="1%")
    with pytest.raises(Undeclared, match="a metric of loaf must be one of taste, cost; got 'smell'"):
        bench.plan_trial("2%", metric="smell")
    with pytest.raises(OutOfRange, match="odds must be above 0 and below 1; got 1"):
        bench.plan_trial("2%", metric="cost", sd="1%", odds=1.0)


def test_nothing_is_unaffordable_while_noise_is_unknown(bakery: Any) -> None:
    """No sd, no sentence."""
    assert bakery.bench().unaffordable() == ()
    assert unaffordable(bakery.process(bakery.taste, COST), {}, lambda _: None) == ()
    assert callable(plan_trial)
