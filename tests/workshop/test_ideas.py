"""Ideas in flight, the nod asked again, and a proposal that counts once."""

import pytest

from kaizen.errors import Clash
from kaizen.metric import metric
from kaizen.parameter import Real, Whole
from kaizen.process import Policy, Process
from kaizen.setting import Setting
from kaizen.workshop import Workshop, open_workshop
from kaizen.workshop.bench import Bench
from kaizen.workshop.ideas import ideas


def coffee(shop: Workshop, policy: Policy | None = None) -> Bench:
    """Put a process for hands on the bench: one pair decides."""
    taste = metric("taste", better="higher", scale="difference", exact=True, worthwhile=0.5)
    process = Process(
        name="coffee",
        parameters=(Whole(name="grind", low=1, high=20), Real(name="celsius", low=80.0, high=99.0)),
        metrics=(taste,),
        standard=Setting(grind=8, celsius=90.0),
        policy=policy or Policy(nulls=0),
    )
    return shop.describe(process)


def brew(bench: Bench, taste: float, *, by: str = "ana") -> None:
    """Make both cups of a pair; the increment's tastes so."""
    for run in bench.ask(by, 2):
        bench.tell(run, taste=6.5 if run.setting == bench.standard.setting else taste, by=by)


@pytest.fixture
def bench() -> Bench:
    """Coffee in memory."""
    return coffee(open_workshop("memory:"))


def test_ideas_are_trials_then_proposals_with_their_words(bench: Bench) -> None:
    """What is tried, what waits, by whom and why; where each stands."""
    assert ideas(bench.head) == ()
    bench.propose(grind=11, because="sweeter", by="ana")
    bench.propose(celsius=95.0, because="hotter", by="bob")
    run = bench.ask("ana")
    told = [(idea.place, idea.increment.because, idea.increment.by, idea.stands) for idea in ideas(bench.head)]
    assert told == [
        ("trial 1", "sweeter", "ana", "0 pairs made"),
        ("proposal 2", "hotter", "bob", "waits for its trial"),
    ]
    assert run.trial == 1


def test_a_proven_idea_waits_for_consent() -> None:
    """And says whose."""
    bench = coffee(open_workshop("memory:"), Policy(consent="ana"))
    bench.propose(grind=11, because="sweeter")
    brew(bench, 7.5)
    assert [idea.stands for idea in ideas(bench.head)] == ["proven better, waits for the consent of ana"]


def test_copies_of_the_standard_and_watches_are_nobodys_idea(bench: Bench) -> None:
    """A null proposal, its trial, and the watch behind an adoption are left out."""
    bench.propose_null()
    assert ideas(bench.head) == ()
    bench.ask("ana")
    assert len(bench.head.trials) == 1
    assert ideas(bench.head) == ()


def test_the_nod_is_asked_again_when_a_trial_begins(bench: Bench) -> None:
    """The second of two equal proposals was in flight when it was made; by its turn the first has failed."""
    bench.propose(grind=11, because="sweeter", by="ana")
    bench.propose(grind=11, because="so I think", by="bob")
    first = bench.ask("ana")
    again = bench.recheck(1)
    assert again is not None
    assert not again.differs
    bench.tell(first, taste=5.0 if first.setting["grind"] == 11 else 6.5, by="ana")
    assert bench.recheck(1) is None
    brew(bench, 5.0)
    run = bench.ask("bob")
    again = bench.recheck(2)
    assert run.trial == 2
    assert again is not None
    assert again.differs
    assert again.before == "in_flight"
    assert [precedent.trial for precedent in again.now.precedents][:1] == [1]
    assert str(again).startswith("trial 2: the nod was in flight (proposal 1 waits for its trial); now it is ")


def test_nobody_is_reminded_of_a_nod_that_was_never_given(bench: Bench) -> None:
    """A copy of the standard, and a trial that there is not."""
    bench.propose_null()
    bench.ask("ana")
    assert bench.recheck(1) is None
    assert bench.recheck(7) is None


def test_a_nod_is_found_however_much_was_written_since(bench: Bench) -> None:
    """It lies farther back than the first look reaches."""
    bench.propose(grind=11, because="sweeter", by="ana")
    for number in range(400):
        bench.voice(f"word {number}", by="tom")
    bench.ask("ana")
    again = bench.recheck(1)
    assert again is not None
    assert again.before == "go"


def test_a_proposal_with_a_key_counts_once(bench: Bench) -> None:
    """Sent again, it is answered again, and its own waiting is no reason against it; other content clashes."""
    first = bench.propose(grind=11, because="sweeter", key="idea-1")
    again = bench.propose(grind=11, because="sweeter", key="idea-1")
    assert (first.again, again.again) == (False, True)
    assert (again.id, again.increment, again.nod.answer) == (first.id, first.increment, "go")
    assert len(bench.head.proposals) == 1
    with pytest.raises(Clash, match="the key 'idea-1' must come with the request it first came with"):
        bench.propose(grind=12, because="sweeter", key="idea-1")
    assert bench.propose(grind=11, because="sweeter").id == 2
