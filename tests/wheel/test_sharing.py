"""One run of the standard serves several increments: in the order, the pairs, the spend, when lost, corrected, audited."""

from collections import Counter
from itertools import permutations
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen.audit import audit
from kaizen.do import block_runs
from kaizen.errors import OutOfTurn
from kaizen.journal import sides
from kaizen.plan import pair_differences
from kaizen.reports.export import rows
from kaizen.reports.lines import run_lines
from kaizen.trial import Fault
from kaizen.workshop.auditing import recorded


def opened(bakery: Any, *heats: float, **policy: Any) -> Any:
    bench = bakery.bench(**{"trials": len(heats), "shadow": 0.0, "nulls": 0, **policy})
    for heat in heats:
        bench.propose(heat=heat, because="why not", by="ana")
    return bench


def taste(run: Any) -> float:
    """Return 5, and 20 more for 240 degrees; a little noise by the run."""
    return 5.0 + 20.0 * (run.setting["heat"] == 240.0) + Random(run.id).gauss(0, 0.1)


@given(st.integers(0, 2**62))
def test_every_order_of_a_shared_block_is_as_likely_as_any_other(new_bakery: Any, coins: int) -> None:
    """No place is the standard's: with one coin for each increment it would be in the middle in half of all blocks."""
    bakery = new_bakery()
    design = bakery.replace(bakery.trial().design, coins=coins)
    orders = Counter(design.order(block, 3) for block in range(1_200))
    assert set(orders) == set(permutations(range(3)))
    assert all(120 < count < 280 for count in orders.values())  # 200 each, ± 6 sd
    assert all(design.order(block, 2) == ((1, 0) if design.coin(block) else (0, 1)) for block in range(20))


def test_a_shared_block_has_one_run_of_the_standard_and_one_of_each_increment(bakery: Any) -> None:
    """With one seed, in the drawn order, each at its own block's number; which side a run is stays unsaid."""
    first, second, third = (bakery.trial(*[(5, 6)] * n, number=n + 1, heat=225.0 + n) for n in range(3))
    runs = block_runs([second, first, third], first_id=10)
    assert [run.id for run in runs] == [10, 11, 12, 13]
    assert len({run.seed for run in runs}) == 1
    assert len({run.because for run in runs}) == 1
    (standard,) = (run for run in runs if run.side == "standard")
    assert [(seat.trial, seat.block) for seat in standard.seats()] == [(2, 1), (1, 0), (3, 2)]
    assert {(run.trial, run.block, run.beside) for run in runs if run.side == "increment"} == {
        (number + 1, number, standard.id) for number in range(3)
    }
    assert len({run.unit for run in runs}) == 1
    assert {run.unit for run in runs}.isdisjoint(run.unit for run in block_runs([second], first_id=20))


def test_two_trials_of_one_standard_take_three_runs_a_pair_each(bakery: Any) -> None:
    """The good one is adopted, the other is not worthwhile; every run is spent once and known in both."""
    bench = opened(bakery, 230.0, 240.0)
    _, made = bakery.play(bench, taste)
    assert bench.standard.setting["heat"] == 240.0
    assert [test.verdict.decision for test in bench.trials] == ["not_worthwhile", "better"]
    assert bench.head.spent.runs == len(made) == sum(test.spend.runs for test in bench.trials)
    own = {test.id: bench.wheel.as_run(test).pairs for test in bench.trials}
    units = {run.unit for run in made}
    assert len(own[2]) == len(units)
    assert len(made) == len(own[1]) + len(own[2]) + len(units)
    assert {pair.standard for pair in own[1]} <= {pair.standard for pair in own[2]}
    assert bench.audit(flips=0).sound


def test_a_worker_has_the_runs_of_a_shared_block_one_by_one(bakery: Any) -> None:
    """Who stops in the middle of a block is asked for the rest of it first."""
    bench = opened(bakery, 230.0, 240.0, 250.0)
    first = bench.ask("ana")
    assert [run.id for run in bench.asked("ana")] == [first.id]
    bench.tell(first, taste=5.0, by="ana")
    again = bakery.workshop(ledger=bakery.ledger)["loaf"]
    rest = again.ask("ana", n=3)
    assert {run.unit for run in rest} == {first.unit}
    with pytest.raises(OutOfTurn, match="answered before"):
        again.correct(rest[0].id, {"taste": 4.0}, because="a comma", by="ana")


def test_a_lost_standard_is_the_worst_for_every_pair_that_it_serves(bakery: Any) -> None:
    """Retried once on the same side; a fault like any other: nothing is drawn again for what became of it."""
    bench = opened(bakery, 230.0, 250.0)
    runs = bench.ask("w", n=3, lease=10.0)
    (standard,) = (run for run in runs if run.side == "standard")
    for run in runs:
        if run is not standard:
            bench.tell(run, taste=5.0, by="w")
    bakery.clock.advance(20.0)
    retried = bench.ask("v", lease=10.0)
    assert (retried.id, retried.attempt, retried.seats()) == (standard.id, 2, standard.seats())
    bakery.clock.advance(20.0)
    bench.wheel.settle()
    for open_ in bench.head.trials:
        (pair,) = open_.trial.pairs
        assert isinstance(pair.standard, Fault)
        assert pair.standard.reason == "lost"


def test_a_corrected_standard_is_judged_again_in_every_trial_that_it_serves(bakery: Any) -> None:
    """Open or closed; both verdicts are told."""
    bench = opened(bakery, 230.0, 250.0)
    runs = bench.ask("w", n=3)
    for run in runs:
        bench.tell(run, taste=5.0, by="w")
    (standard,) = (run for run in runs if run.side == "standard")
    made = bench.correct(standard.id, {"taste": 4.0}, because="a comma", by="ana")
    assert {made.trial, *(one.trial for one in made.others)} == {1, 2}
    for open_ in bench.head.trials:
        assert [pair.standard.values["taste"] for pair in open_.trial.pairs] == [4.0]
    for number in (1, 2):
        rows = sides(bench.wheel.ledger, "loaf", number)
        assert {row.side: row.outcome.values["taste"] for row in rows} == {"standard": 4.0, "increment": 5.0}
        assert {(row.trial, row.block) for row in rows} == {(number, 0)}


def test_a_shared_block_out_of_its_drawn_order_is_told(bakery: Any) -> None:
    """The audit draws the order again from the coins of the trial that the standard's run counts as."""
    bench = opened(bakery, 230.0, 240.0)
    bakery.play(bench, taste)
    records = recorded(bench.wheel)
    throws = [throw for record in records for throw in record.throws]
    assert all(throw.first == throw.coin for throw in throws)
    assert {throw.alone for throw in throws} == {True, False}
    bent = bakery.replace(
        records[1], throws=(bakery.replace(records[1].throws[0], coin=not records[1].throws[0].coin),)
    )
    found = {one.asks: one for one in audit([records[0], bent], (), bench.wheel.judge, flips=0, seed=1).answers}
    assert found["coins"].said == "pairs of trial 2 did not run in the order of their coins"


def test_a_budget_that_pays_for_one_pair_only_gets_one(bakery: Any) -> None:
    """A block takes as many increments as there are runs left for."""
    bench = opened(bakery, 230.0, 240.0, 250.0, runs=7)
    made = bench.ask("w", n=9)
    assert [run.unit for run in made].count(made[0].unit) == 4
    assert len(made) == 7
    assert [run.unit for run in made].count(made[-1].unit) in (2, 3)


def test_what_a_run_serves_is_told_and_counts_for_the_noise_of_every_pair(bakery: Any) -> None:
    """In the lines on a run, in tables for other tools, and among the differences that noise is learned from."""
    bench = opened(bakery, 230.0, 250.0)
    for run in bench.ask("w", n=3):
        bench.tell(run, taste=5.0 + run.id, by="w")
    (standard,) = (row for row in bench.runs if row.side == "standard")
    first, second = (row for row in bench.runs if row.side == "increment")
    assert "serves    trial 2, pair 1" in run_lines(standard)
    assert f"beside    run {standard.id}" in run_lines(first)
    table = rows(bench.story(), "runs")
    assert {row["run"]: row["beside"] for row in table} == {
        standard.id: None, first.id: standard.id, second.id: standard.id,
    }  # fmt: skip
    differences = pair_differences(bakery.taste, bench.runs)
    assert sorted(differences) == sorted([float(row.id - standard.id)] for row in (first, second))
