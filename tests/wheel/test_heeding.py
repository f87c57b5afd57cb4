"""Heeding: the wheel leaves alone what the veteran warns of when its own planner asks, but for a coin where no harm can come."""

from typing import Any

import pytest

from kaizen.folding import fold
from kaizen.ledger import Advised
from kaizen.process import Function
from kaizen.setting import Setting
from kaizen.standard import increment
from kaizen.trial import Fault
from kaizen.verdict import Coin
from kaizen.veteran.nod import Nod

WORK = Function(name="work:bake")


def wanting(*heats: float) -> Any:
    """Return plans that ask for a trial of each heat in turn, unless they are told that it is warned of."""

    def plan(journal: Any, heat: float) -> Any:
        head = journal.head
        return increment(head.process, head.standard, {"heat": heat}, because="why not", by="model 1")

    return [lambda journal, heat=heat: plan(journal, heat) for heat in heats]


def described(bakery: Any, *metrics: Any, **policy: Any) -> Any:
    guards = policy.pop("guards", ())
    made = bakery.process(*(metrics or (bakery.size,)), guards=guards, **{"heed": True, **policy})
    return bakery.replace(made, work=WORK)


def bench(bakery: Any, *plans: Any, process: Any = None, **policy: Any) -> Any:
    """Return a bench whose ledger knows that 230 failed, twice: sizes are exact, 12 there and 10 elsewhere."""
    made = bakery.bench(*wanting(230.0), *plans, process=process or described(bakery, **policy))
    bakery.play(made, size)
    return made


def size(run: Any) -> Any:
    return {"size": 12.0 if run.setting["heat"] > 225 else 10.0}


def advised(bench: Any) -> list[Advised]:
    return [record.entry for record in bench.log if isinstance(record.entry, Advised)]


def seed(chance: float, side: bool) -> int:
    """Return the first seed whose coin falls on that side."""
    return next(n for n in range(1000) if Coin(seed=n, chance=chance).anyway == side)


def test_by_default_the_wheel_asks_nobody(bakery: Any) -> None:
    """The planner's increments are tried as they come, and nothing is advised on them."""
    made = bench(bakery, *wanting(231.0), heed=False)
    assert advised(made) == []
    assert len(made.trials) == 2


def test_what_is_warned_of_is_left_alone_and_written_down(bakery: Any) -> None:
    """With the nod, its odds and the coin; the planner is told, and makes its other choice."""
    made = bench(bakery, *wanting(231.0), anyway=0.0)
    first, second = advised(made)
    assert (first.answer, first.heeded, first.proposal, first.coin) == ("go", False, 1, None)
    assert (second.answer, second.heeded, second.proposal, second.coin) == ("think_again", True, None, None)
    assert second.odds.better < 0.1
    assert [trial.trial.increment.after["heat"] for trial in made.trials] == [230.0]
    assert [setting["heat"] for setting in made.head.heeded] == [231.0]
    assert made.wheel.advice(made.head).warned == frozenset(made.head.heeded)


@pytest.mark.parametrize("planner", ["steps", "model"])
def test_planners_make_their_other_choice(bakery: Any, planner: str) -> None:
    """Told that a setting is warned of, the built-in ones open no trial for it, and go on."""
    from kaizen.workshop.planning import PolicysPlanner

    made = bakery.bench(planner=PolicysPlanner(), process=described(bakery, planner=planner, runs=200))
    asked: list[Setting] = []

    def warn(journal: Any, plan: Any) -> Nod:
        asked.append(plan.after)
        return Nod(answer="failed_before", because="b", harm="ana warns of it")

    made.wheel.consult = warn
    bakery.play(made, lambda run: {"size": 10.0 - run.setting["minutes"] / 100}, most=60)
    assert len(asked) == len(set(asked)) > 1
    assert made.trials == ()
    assert all(one.heeded for one in advised(made))


def test_a_planner_that_insists_gets_its_way(bakery: Any) -> None:
    """A nod never blocks: asked for again, it is tried, and with no coin's weight."""
    made = bench(bakery, *wanting(231.0, 231.0), anyway=0.0)
    assert [one.heeded for one in advised(made)] == [False, True, False]
    assert made.trials[-1].trial.increment.after["heat"] == 231.0
    assert made.trials[-1].chance == 1.0


def test_a_coin_has_it_tried_anyway_and_replays(bakery: Any) -> None:
    """Its seed and chance are in the ledger with the nod; the trial that follows stands for all that were left alone."""
    made = bakery.bench(*wanting(230.0), process=described(bakery))
    bakery.play(made, size)
    bakery._coins = seed(0.07, side=True) - 1
    made.wheel.planner.plans += wanting(231.0)
    bakery.play(made, size)
    told = advised(made)[-1]
    assert (told.heeded, told.proposal, told.coin.chance, told.coin.anyway) == (False, 2, 0.07, True)
    assert Coin(seed=told.coin.seed, chance=told.coin.chance).anyway
    assert made.trials[-1].chance == 0.07
    assert made.calibration().by_coin == 1
    assert sum(one.weight for one in made.calibration().bins) == pytest.approx(1 + 1 / 0.07)
    assert fold(made.log) == made.head


def test_the_coin_falls_as_often_as_it_should(bakery: Any) -> None:
    """Seven times in a hundred, by seeds as they come."""
    fell = sum(Coin(seed=n, chance=0.07).anyway for n in range(20_000))
    assert fell == pytest.approx(1400, abs=120)
    assert not any(Coin(seed=n, chance=0.0).anyway for n in range(100))
    assert all(Coin(seed=n, chance=1.0).anyway for n in range(100))


def test_what_was_left_alone_is_open_again_once_the_standard_moves(bakery: Any) -> None:
    """A warning is of one standard."""
    made = bench(bakery, *wanting(231.0), anyway=0.0)
    made.propose(minutes=30, because="b")
    bakery.play(made, lambda run: {"size": run.setting["minutes"] / 4})
    assert made.standard.number == 2
    assert made.head.heeded == ()


# ── never where there is more at stake than runs ──────────────────────────────────────────────────────────────────────


def coins(bakery: Any, made: Any, *heats: float) -> list[Any]:
    """Ask for a trial of each heat with coins that always say *anyway*; return what was written."""
    before = len(advised(made))
    made.wheel.planner.plans += wanting(*heats)
    bakery.play(made, size)
    return advised(made)[before:]


def test_where_only_runs_are_at_stake_the_coin_is_thrown(bakery: Any) -> None:
    """What the next tests are compared with."""
    (told,) = coins(bakery, bench(bakery, anyway=1.0), 231.0)
    assert (told.coin.anyway, told.heeded) == (True, False)


def test_no_coin_over_peoples_hands_or_consent(bakery: Any) -> None:
    """Whoever does the work, or has the say, is not sent to try what is warned of."""
    from kaizen.process import Hands

    by_hand = bakery.replace(described(bakery, anyway=1.0), work=Hands())
    (told,) = coins(bakery, bench(bakery, process=by_hand), 231.0)
    assert (told.coin, told.heeded) == (None, True)
    bakery.__init__()
    (told,) = coins(bakery, bench(bakery, anyway=1.0, consent="ana"), 231.0)
    assert (told.coin, told.heeded) == (None, True)


def test_no_coin_over_a_persons_warning(bakery: Any) -> None:
    """Testimony that warns is safety, as far as anybody here can tell."""
    made = bench(bakery, anyway=1.0)
    made.teach("it burns there", that="heat <= 225", by="ana")
    (told,) = coins(bakery, made, 231.0)
    assert (told.coin, told.heeded) == (None, True)
    assert made.consult(heat=231.0).harm == "ana warns of it"


@pytest.mark.parametrize(
    ("limit", "harm"),
    [(11.0, "something near it broke a guard"), (12.1, "size <= 12.1 may break"), (100.0, "")],
)
def test_no_coin_where_a_guard_may_break(bakery: Any, limit: float, harm: str) -> None:
    """One that broke near it, and one that is expected to; but for a guard far away, only runs are at stake."""
    made = bench(bakery, anyway=1.0, guards=(bakery.guard(metric="size", at_most=limit),))
    nod = made.consult(heat=231.0)
    assert (nod.warns, nod.harm) == (True, harm)
    (told,) = coins(bakery, made, 231.0)
    assert (told.coin is None) == bool(harm)


def crashing(run: Any) -> Any:
    return Fault(reason="crash") if run.setting["heat"] > 225 else {"size": 10.0}


@pytest.mark.parametrize(
    ("policy", "harm"),
    [
        ({"guarded": True}, "nothing tells whether size <= 100 would hold"),
        ({"risk": 0.05}, "a fault of odds"),
        ({}, ""),
    ],
)
def test_no_coin_where_readings_may_fail(bakery: Any, policy: Any, harm: str) -> None:
    """What crashed tells nothing of a guard; and a limit on risk is one on faults, too."""
    guards = (bakery.guard(metric="size", at_most=100.0),) if policy.pop("guarded", False) else ()
    made = bakery.bench(*wanting(230.0), process=described(bakery, anyway=1.0, guards=guards, **policy))
    bakery.play(made, crashing)
    nod = made.consult(heat=231.0)
    assert nod.warns
    assert nod.harm.startswith(harm) if harm else not nod.harm


def test_what_comes_next_says_so(bakery: Any) -> None:
    """``show`` foretells that it will be left alone, and writes nothing."""
    made = bakery.bench(*wanting(230.0), process=described(bakery, anyway=0.0))
    bakery.play(made, size)
    made.wheel.planner.plans += wanting(231.0)
    seq = made.head.seq
    assert made.wheel.foresee().startswith("leave heat=231.0 (was 220.0) alone, unless a coin")
    assert made.head.seq == seq


def test_it_is_kept_in_a_file(bakery: Any, tmp_path: Any) -> None:
    """What was left alone, and the chance of what was tried anyway, are there for whoever opens the ledger next."""
    from kaizen.ledgers.sqlite import SqliteLedger

    path = tmp_path / "ledger.db"
    clocks = {"clock": bakery.clock.wall, "monotonic": bakery.clock.monotonic}
    with SqliteLedger(path, **clocks) as ledger:
        made = bakery.workshop(*wanting(230.0), ledger=ledger).describe(described(bakery, anyway=0.07))
        bakery.play(made, size)
        bakery._coins = seed(0.07, side=True) - 1
        made.wheel.planner.plans += wanting(231.0)
        bakery.play(made, size)
        bakery._coins = seed(0.07, side=False) - 1
        made.wheel.planner.plans += wanting(232.0)
        bakery.play(made, size)
        head = made.head
    with SqliteLedger(path, **clocks) as ledger:
        assert ledger.verify() == []
        assert ledger.head("loaf") == head
        assert [setting["heat"] for setting in head.heeded] == [232.0]
        assert [test.chance for test in ledger.trials("loaf")] == [1.0, 0.07]
        assert fold(ledger.read("loaf")) == head
