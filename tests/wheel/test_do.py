"""DO: blocks are thrown by their coin, and what the work returned is a reading or a fault."""

from typing import Any

from kaizen.do import block_runs, outcome_of
from kaizen.trial import Fault, Reading


def test_a_block_has_one_run_of_each_side_in_the_order_of_its_coin(bakery: Any) -> None:
    """Over many blocks each side goes first about half of the time, by the design's coin and nothing else."""
    trial, firsts = bakery.trial(), []
    for number in range(200):
        first, second = block_runs([trial], first_id=5)
        assert {first.side, second.side} == {"standard", "increment"}
        assert (first.id, second.id, first.block, second.block) == (5, 6, number, number)
        assert first.seed == second.seed == trial.design.seed(number)
        assert (first.side == "increment") == trial.design.coin(number)
        for run in (first, second):
            assert run.setting == (trial.increment.after if run.side == "increment" else trial.increment.before)
            assert (run.purpose, run.of, run.trial, run.attempt) == ("trial", 1, 1, 0)
        firsts.append(first.side)
        trial = trial.with_block(number)
    assert 70 < firsts.count("increment") < 130


def test_a_run_does_not_say_its_side(bakery: Any) -> None:
    """Who measures must not know which side is which."""
    for run in block_runs([bakery.trial()], first_id=1):
        assert "increment" not in str(run) + run.because
        assert "standard" not in str(run) + run.because


def test_what_the_work_returned_becomes_a_reading_or_a_fault(bakery: Any) -> None:
    """A missing metric, an unknown one and no number are faults with their sentence, never exceptions."""
    process = bakery.process()
    assert outcome_of(process, {"taste": 7}) == Reading(values={"taste": 7.0})
    for values in ({}, {"taste": float("nan")}, {"taste": 7, "smell": 1}):
        outcome = outcome_of(process, values)
        assert isinstance(outcome, Fault)
        assert outcome.reason == "no reading"
        assert "must" in outcome.note
