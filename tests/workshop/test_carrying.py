"""What one process has proven is proposed to others of its kind: once, where it fits, and never behind anybody's back."""

from pathlib import Path
from typing import Any

import pytest

import kaizen
from kaizen import Policy, Process, Setting, Workshop, higher, lower
from kaizen.errors import Malformed, OutOfTurn
from kaizen.ledger import Advised, Opened, Proposed
from kaizen.parameter import Choice, Real, Whole
from kaizen.veteran.nod import Nod

TASTE = higher("taste", scale="difference", worthwhile=0.5, exact=True)


def described(name: str, *, policy: Policy | None = None, **fields: Any) -> Process:
    return Process(
        **{
            "name": name,
            "parameters": (Real(name="celsius", low=80.0, high=99.0), Whole(name="grind", low=1, high=20),
                           Choice(name="bean", values=("a", "b", "c"))),
            "metrics": (TASTE,),
            "standard": Setting(celsius=90.0, grind=8, bean="a"),
            "policy": policy or Policy(planner="steps"),
            **fields,
        }
    )  # fmt: skip


def prove(bench: Any, taste: float = 8.0, *, today: float = 6.0, **changes: Any) -> None:
    """Propose a change, and tell its pair: ``today`` for the standard, ``taste`` for the increment."""
    after = bench.propose(changes, because="why not").increment.after
    for run in bench.ask(n=2):
        bench.tell(run, taste=taste if run.setting == after else today)


@pytest.fixture
def shop() -> Workshop:
    """A ledger with one process that has proven a finer grind."""
    shop = kaizen.open("memory:")
    prove(shop.describe(described("mocha")), grind=12)
    return shop


def said(bench: Any) -> list[str]:
    return [one.left for one in bench.carried()]


def test_it_is_listed_and_nothing_is_written_unless_somebody_says_so(shop: Workshop) -> None:
    """The default asks: what is proven is told with its proof, and the wheel goes on as before."""
    bench = shop.describe(described("coffee"))
    seq = bench.head.seq
    (one,) = bench.carried()
    assert str(one) == "grind=12, adopted in mocha as standard 2: taste +2 points (exact) over 1 pair".replace(
        " points", ""
    )
    assert (one.process, one.standard, one.left) == ("mocha", 2, "")
    assert bench.story().carried == (one,)
    assert bench.head.seq == seq
    assert bench.ask().purpose == "scout"
    assert not bench.head.proposals


def test_carried_over_it_is_a_proposal_with_its_nod_and_proves_for_itself(shop: Workshop) -> None:
    """Asked again, nothing is proposed twice; its trial decides here, and then it is no news any more."""
    bench = shop.describe(described("coffee"))
    (offer,) = bench.carry(by="ana")
    assert (str(offer.increment), offer.increment.by) == ("grind=12 (was 8)", "ana")
    assert offer.increment.because == "adopted in mocha as standard 2: taste +2 (exact) over 1 pair"
    assert offer.nod.answer == "go"
    assert "in mocha, trial 1" in offer.nod.because
    assert [type(record.entry) for record in bench.log[-2:]] == [Proposed, Advised]
    assert bench.carry(by="ana") == ()
    assert said(bench) == ["proposal 1 waits for its trial"]
    pair = bench.ask(n=2)
    assert said(bench) == ["trial 1 is testing it now"]
    for run in pair:
        bench.tell(run, taste=7.0 if run.setting["grind"] == 12 else 6.0)
    assert (bench.standard.setting["grind"], bench.standard.evidence) == (12, "proven")
    assert (bench.carried(), bench.carry()) == ((), ())
    assert shop["mocha"].carried() == ()  # it is where it came from


def test_what_failed_here_is_not_proposed_again(shop: Workshop) -> None:
    """Neither against this standard, nor from the same source once the standard has moved; and that is said."""
    bench = shop.describe(described("coffee"))
    bench.carry()
    for run in bench.ask(n=2):
        bench.tell(run, taste=3.0 if run.setting["grind"] == 12 else 6.0)
    assert said(bench) == ["trial 1 of standard 1 tried it: worse"]
    assert bench.carry() == ()
    prove(bench, celsius=95.0)
    assert said(bench)[0] == "trial 1 of standard 1 tried it: worse"
    assert [one.process for one in bench.carried()] == ["mocha"]  # its own proof is no news to itself
    assert [one.changes for one in shop["mocha"].carried()] == [Setting(celsius=95.0)]


def test_what_somebody_tried_here_before_is_not_proposed(shop: Workshop) -> None:
    """The veteran remembers it as failed: it takes a person to try that again."""
    bench = shop.describe(described("coffee"))
    prove(bench, 3.0, grind=12)
    assert (said(bench), bench.carry()) == (["trial 1 of standard 1 tried it: worse"], ())


def test_a_proposal_that_another_standard_overtook_may_come_again(shop: Workshop) -> None:
    """It was never tried: the question is as open as before."""
    bench = shop.describe(described("coffee"))
    first = bench.propose(celsius=95.0, because="first")
    bench.carry()
    for run in bench.ask(n=2):
        bench.tell(run, taste=8.0 if run.setting == first.increment.after else 6.0)
    assert (bench.standard.number, bench.head.proposals) == (2, ())
    (offer,) = bench.carry()
    assert offer.increment.of == 2


# ── what is carried ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_only_proof_that_still_stands_is_carried(shop: Workshop) -> None:
    """Not what was declared, not what was rolled back, not what was changed again since; the latest of a row is."""
    mocha, bench = shop["mocha"], shop.describe(described("coffee"))
    prove(mocha, 9.0, today=8.0, grind=14)
    assert [one.changes for one in bench.carried()] == [Setting(grind=14)]
    mocha.rollback("bitter", by="ben")
    assert [(one.changes, one.standard) for one in bench.carried()] == [(Setting(grind=12), 2)]
    mocha.rollback("still bitter", by="ben", to=1)
    assert bench.carried() == ()
    declared = described("drip", standard=Setting(celsius=96.0, grind=8, bean="a"))
    shop.describe(declared)
    assert bench.carried() == ()


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({"standard": Setting(celsius=90.0, grind=9, bean="a")}, ""),
        ({"standard": Setting(celsius=90.0, grind=14, bean="a")}, "grind went from 8 to 12 there, and is 14 here, beyond that"),
        ({"constraints": ("grind * celsius <= 1000",)}, "grind * celsius <= 1000"),
        (
            {"parameters": (Real(name="celsius", low=80.0, high=99.0), Whole(name="grind", low=1, high=10),
                            Choice(name="bean", values=("a", "b")))},
            "grind must be a whole number from 1 to 10; got 12",
        ),
        (
            {"parameters": (Real(name="celsius", low=80.0, high=99.0), Whole(name="grind", low=1, high=20, at_most=2),
                            Choice(name="bean", values=("a", "b")))},
            "one increment must move grind by at most 2",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_left_with_the_reason(shop: Workshop, fields: dict[str, Any], left: str) -> None:
    """Out of range, against a constraint, too far at once, or the other way from where it stands."""
    bench = shop.describe(described("coffee", **fields))
    (found,) = said(bench)
    assert left in found if left else found == ""
    assert len(bench.carry()) == (not left)


def test_a_choice_is_carried_from_the_same_choice_alone() -> None:
    """That b is better than a says nothing of c."""
    shop = kaizen.open("memory:")
    prove(shop.describe(described("mocha")), bean="b")
    assert said(shop.describe(described("coffee"))) == [""]
    other = shop.describe(described("drip", standard=Setting(celsius=90.0, grind=8, bean="c")))
    assert said(other) == ["bean was 'a' there, and is 'c' here"]


@pytest.mark.parametrize(
    ("fields", "related"),
    [
        ({"parameters": (Real(name="celsius", low=80.0, high=99.0),), "standard": Setting(celsius=90.0)}, False),
        ({"parameters": (Whole(name="grind", low=1, high=20),), "standard": Setting(grind=8)}, True),
        ({"metrics": (higher("aroma", worthwhile=0.1),)}, True),
        ({"metrics": (lower("seconds", worthwhile=0.1),)}, False),
        ({"metrics": (lower("taste", worthwhile=0.1),)}, False),
        (
            {"metrics": (higher("aroma", worthwhile=0.1),), "standard": Setting(grind=8, a=1, b=1, c=1),
             "parameters": tuple(Whole(name=name, low=1, high=20) for name in ("grind", "a", "b", "c"))},
            False,
        ),
        ({"parameters": (Choice(name="grind", values=(8, 12)),), "standard": Setting(grind=8)}, False),
    ],
)  # fmt: skip
def test_who_is_related(shop: Workshop, fields: dict[str, Any], related: bool) -> None:
    """Who has what was changed, and reads the metric that proved it, or else means better the same way by half of the same parameters."""
    assert bool(shop.describe(described("other", **fields)).carried()) == related


def test_another_ledgers_proof_is_carried_in_this_ones_words(tmp_path: Path) -> None:
    """With its ledger's name, and its numbers in this one's unit."""
    with kaizen.open(tmp_path / "north" / "ledger.db") as north:
        kelvin = Real(name="kelvin", low=353.15, high=372.15)
        prove(north.describe(described("brew", parameters=(kelvin,), standard=Setting(kelvin=363.15))), kelvin=368.15)
    with kaizen.open(tmp_path / "south" / "ledger.db") as shop:
        bench = shop.describe(described("coffee"))
        shop.memory.attach(tmp_path / "north", rename=["kelvin-273.15=celsius"])
        (offer,) = bench.carry()
        assert str(offer.increment) == "celsius=95.0 (was 90.0)"
        assert (
            offer.increment.because
            == "adopted in ledger north, process brew as standard 2: taste +2 (exact) over 1 pair"
        )
        assert bench.carry() == ()


# ── the policy ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_policy_may_let_it_in_by_itself(shop: Workshop) -> None:
    """In this process's own turn, before its planner; with its nod, and as a trial like any other."""
    bench = shop.describe(described("coffee", policy=Policy(planner="steps", carry="on")))
    assert bench.story().next.startswith("open the trial of grind=12 (was 8) (adopted in mocha as standard 2")

    def brew() -> Any:
        run = bench.ask()
        bench.tell(run, taste=3.0 if run.setting["grind"] == 12 else 6.0)
        return run

    brew()
    kinds = [type(record.entry) for record in bench.log]
    assert kinds.index(Proposed) < kinds.index(Advised) < kinds.index(Opened)
    made = next(record.entry for record in bench.log if isinstance(record.entry, Proposed)).increment
    assert (made.by, made.because) == ("carry", "adopted in mocha as standard 2: taste +2 (exact) over 1 pair")
    brew()
    assert [brew().purpose for _ in range(6)] == ["scout"] * 6  # it failed here: the planner goes on
    assert kinds.count(Proposed) == sum(isinstance(record.entry, Proposed) for record in bench.log)


def test_where_there_is_a_limit_to_risk_people_decide(shop: Workshop) -> None:
    """What is safe elsewhere may not be here: it is listed, and not proposed by itself."""
    bench = shop.describe(described("coffee", policy=Policy(planner="steps", carry="on", risk=0.1)))
    bench.tell(bench.ask(), taste=6.0)
    assert (bench.head.proposals, bench.head.trials, said(bench)) == ((), (), [""])
    assert len(bench.carry()) == 1


def test_what_the_veteran_warns_of_waits_for_a_person(shop: Workshop) -> None:
    """It is not proposed by itself; a person may, unless the policy wants a reason."""
    bench = shop.describe(described("coffee", policy=Policy(planner="steps", carry="on")))
    bench.wheel.consult = lambda *_: Nod(answer="think_again", because="near it")
    bench.tell(bench.ask(), taste=6.0)
    assert (bench.head.proposals, bench.head.trials, said(bench)) == ((), (), [""])
    shop.describe(described("coffee", policy=Policy(planner="steps", reasons=True)))
    assert bench.carry() == ()
    shop.describe(described("coffee", policy=Policy(planner="steps")))
    assert len(bench.carry()) == 1


def test_a_policy_may_keep_it_out(shop: Workshop) -> None:
    """Nothing is listed, nothing is proposed; and what is no policy is refused."""
    bench = shop.describe(described("coffee", policy=Policy(planner="steps", carry="off")))
    assert (bench.carried(), bench.story().carried) == ((), ())
    with pytest.raises(OutOfTurn, match="must let proofs be carried over; got carry off"):
        bench.carry()
    with pytest.raises(Malformed, match="policy carry must be one of off, ask, on"):
        shop.describe(described("tea", policy=Policy(carry="yes")))  # type: ignore[arg-type] # that is the test
