"""Runs, designs and trials: fair coins, pairs in order, words that do not give the side away."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen.metric import lower
from kaizen.setting import Numbers, Setting
from kaizen.standard import Standard, null_increment
from kaizen.trial import FAULTS, Block, Design, Fault, Reading, Run, Spend, Trial

DESIGN = Design(metrics=(lower("seconds"),), guards=(), alpha=0.025, pairs=40, coins=7, method="test 1")
STANDARD = Standard(number=2, setting=Setting(a=1), evidence="proven", because="", by="ana")
TRIAL = Trial(id=3, increment=null_increment(STANDARD, by="kaizen"), design=DESIGN)
READ = Reading(values=Numbers(seconds=1.25))


def test_words() -> None:
    """As people read them; a run does not tell its side."""
    assert str(READ) == "seconds=1.25"
    assert str(Fault(reason="crash")) == "fault: crash"
    assert str(Fault(reason="crash", note="exit status 3")) == "fault: crash (exit status 3)"
    assert str(Spend(runs=1, seconds=1.5)) == "1 run, 1.5 s"
    assert str(Spend(runs=12, seconds=34, money=2.5)) == "12 runs, 34 s, 2.5 money"
    run = Run(id=7, setting=Setting(a=1), purpose="trial", of=2, side="increment")
    assert str(run) == "Run 7: a=1"
    assert str(TRIAL) == "Trial 3 of standard 2: no change to standard 2"
    assert all(FAULTS.values())


def test_spends_add_up() -> None:
    """Runs, seconds and money, each for itself."""
    assert Spend(runs=1, seconds=2, money=3) + Spend(runs=1) == Spend(runs=2, seconds=2, money=3)


@pytest.mark.parametrize("field", ["alpha", "pairs", "coins", "method", "estimand", "metrics", "guards"])
def test_the_hash_holds_the_whole_design(field: str) -> None:
    """Any other design has another hash; the same one the same."""
    other = {
        "alpha": 0.05,
        "pairs": 41,
        "coins": 8,
        "method": "test 2",
        "estimand": "mean",
        "metrics": (lower("size"),),
        "guards": (lower("size"),),
    }
    assert DESIGN.hash == msgspec.structs.replace(DESIGN).hash
    assert DESIGN.hash != msgspec.structs.replace(DESIGN, **{field: other[field]}).hash


def test_coins_are_replayed_and_fair() -> None:
    """The same seed throws the same coins; over many blocks they are even."""
    thrown = [DESIGN.coin(block) for block in range(4000)]
    assert thrown == [DESIGN.coin(block) for block in range(4000)]
    assert abs(sum(thrown) - 2000) < 4 * 31.6  # four standard deviations
    assert thrown != [msgspec.structs.replace(DESIGN, coins=8).coin(block) for block in range(4000)]


def test_a_block_has_its_own_seed() -> None:
    """32 bits, another for each block."""
    seeds = {DESIGN.seed(block) for block in range(100)}
    assert len(seeds) == 100
    assert all(0 <= seed < 2**32 for seed in seeds)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=6))
def test_pairs_are_those_before_the_first_gap(known: list[tuple[bool, bool]]) -> None:
    """What may be judged does not depend on what came in early."""
    trial = TRIAL
    for number, (standard, increment) in enumerate(known):
        trial = trial.with_block(number)
        if standard:
            trial = trial.with_outcome(number, "standard", READ)
        if increment:
            trial = trial.with_outcome(number, "increment", Fault(reason="crash"))
    assert [block.complete for block in trial.blocks] == [a and b for a, b in known]
    gap = next((number for number, sides in enumerate(known) if not all(sides)), len(known))
    assert [block.number for block in trial.pairs] == list(range(gap))
    assert TRIAL.blocks == ()


def test_an_outcome_changes_its_block_alone() -> None:
    """The other side and the other blocks stay."""
    trial = TRIAL.with_block(0).with_block(1).with_outcome(1, "increment", READ)
    assert trial.blocks == (Block(number=0), Block(number=1, increment=READ))
