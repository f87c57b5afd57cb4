"""The nod on words: what failed, against which standard, by how much, and how far it went decide; nothing else does."""

from pathlib import Path
from typing import Any

import pytest

from kaizen.retrievers.fulltext import Fulltext
from kaizen.veteran.nod import Nod
from kaizen.veteran.prints import changed
from kaizen.veteran.retrieving import Facts, Remembered
from kaizen.veteran.together import as_nod, both
from kaizen.veteran.wording import LOOKED, Worded, consult, sentence

FACTS = Facts(standard=3, noise=0.001, metric="loss", ratio=True, kept=10, crashed=2, decided=40)


def ask(said: str, *known: Remembered, facts: Facts = FACTS, print_: str = "") -> Worded:
    with Fulltext(Path(":memory:"), make=True) as index:
        index.tell(known)
        asked = index.asked(said, print_)
        return consult(asked, index.nearest(asked, count=LOOKED), facts)


def tried(said: str, outcome: Any = "discarded", standard: int = 3, **more: Any) -> Remembered:
    return Remembered(more.pop("key", said), said, outcome, standard, **more)


def test_a_failure_against_this_standard_failed_before() -> None:
    """With its effect against the noise, its odds, and how sure that is."""
    told = ask(
        "embedding_lr 0.6->0.8", tried("embedding lr 0.6 to 0.8 (worse)", effect=-0.01, key="run 7", commit="abcdef12")
    )
    assert (told.answer, told.odds) == ("failed_before", pytest.approx(2 / 51))
    assert (
        told.because
        == "run 7 (abcdef1) “embedding lr 0.6 to 0.8 (worse)” was discarded: loss worse by 1 %, 10 × noise (one run; same standard)"
    )
    assert told.basis == "2 of 51 such repeats were kept in public logs"


@pytest.mark.parametrize(("since", "odds"), [(1, 4 / 24), (2, 4 / 24), (3, 7 / 46), (9, 7 / 46)])
def test_a_failure_speaks_of_the_standard_it_was_compared_with(since: int, odds: float) -> None:
    """Once the standard has moved it is told, and no warning."""
    told = ask("remove dropout", tried("remove dropout", effect=-0.01), facts=FACTS._replace(standard=3 + since))
    assert (told.answer, told.odds) == ("go", pytest.approx(odds))
    assert told.because.startswith("the standard has changed since it failed: ")


def test_within_noise_is_no_failure() -> None:
    """Neither is what no longer counts; where noise is not known, a failure is one."""
    assert ask("remove dropout", tried("remove dropout", effect=-0.0009)).because.startswith(
        "within noise, which is not a failure: "
    )
    assert ask("remove dropout", tried("remove dropout", effect=-0.01, grade="invalid")).answer == "go"
    assert (
        ask("remove dropout", tried("remove dropout", effect=-0.0009), facts=FACTS._replace(noise=None)).answer
        == "failed_before"
    )
    crash = ask("depth 8 to 12", tried("depth 8 to 12 (OOM)", "crashed"))
    assert (crash.answer, crash.precedents[0].grade) == ("failed_before", "one run")
    assert "crashed: out of memory" in crash.because


def test_the_latest_trial_of_the_same_decides() -> None:
    """Kept after it had failed, it worked; being tried, it is in flight; rolled back, it may go."""
    failed, kept = tried("wider layers", key="run 1"), tried("wider layers", "kept", key="run 2")
    assert ask("wider layers", failed, kept).answer == "worked_before"
    assert ask("wider layers", kept, failed).answer == "failed_before"
    assert ask("wider layers", failed, tried("wider layers again", "open", key="proposal 3")).answer == "in_flight"
    assert ask("wider layers", kept._replace(grade="reopened")).because.startswith(
        "its standard was rolled back since: "
    )
    assert (
        ask("wider layers", kept._replace(outcome="undecided"), kept._replace(key="x", outcome="baseline")).precedents
        == ()
    )


def test_the_same_knob_the_same_way() -> None:
    """As far or farther: think again. Less far: an interval that nobody tested. The other way: another idea."""
    failed = tried("matrix lr 0.04 to 0.05", effect=-0.01)
    farther = ask("matrix_lr 0.04->0.06", failed)
    assert (farther.answer, farther.odds) == ("think_again", pytest.approx(5 / 74))
    assert farther.because.startswith("the same knob the same way failed: ")
    shorter = ask("matrix_lr 0.04->0.045", failed)
    assert (shorter.answer, shorter.odds) == ("go", pytest.approx(ask("something else").odds))
    assert shorter.because.startswith("a longer step failed, which says nothing of this one: ")
    assert ask("matrix_lr 0.04->0.03", failed).precedents == ()
    assert ask("matrix_lr 0.04->0.06", failed, facts=FACTS._replace(standard=4)).answer == "go"


def test_what_failed_again_is_replicated_and_named_once() -> None:
    """At most three precedents, of each idea the latest, and how often it was tried."""
    known = [tried("matrix lr 0.04 to 0.05 (worse)", key=f"run {number}", effect=-0.01) for number in range(5)]
    others = [tried(f"matrix lr 0.04 to 0.0{step}") for step in (6, 7, 8, 9)]
    told = ask("matrix_lr 0.04->0.05", *others, *known)
    assert len(told.precedents) == 3
    assert (told.precedents[0].trial.key, told.precedents[0].times, told.precedents[0].grade) == (
        "run 4",
        5,
        "replicated",
    )
    assert "(replicated; 5×; same standard)" in told.because


def test_the_same_change_of_code_under_another_name() -> None:
    """It is known by its diff."""
    made = changed(b"--- a/t.py\n+++ b/t.py\n@@ -1 +1 @@\n-attend(x, heads=4)\n+attend(x, heads=8)\n").print
    told = ask("try something bolder", tried("experiment twelve", print=made, effect=-0.1), print_=made)
    assert told.answer == "failed_before"
    assert "the same change of code" in told.because


def test_odds_of_a_fresh_idea_are_those_of_ideas_here() -> None:
    """Drawn from what public logs show to what this one does."""
    assert ask("x y", facts=Facts()).odds == pytest.approx(0.387)
    assert ask("x y", facts=Facts(kept=90, decided=100)).odds > 0.8
    assert ask("x y", facts=Facts(kept=0, decided=100)).odds < 0.05


def test_amounts_are_said_the_way_the_reading_went() -> None:
    """A tenth less, a tenth more, or units."""
    said = {
        gain: sentence(ask("a gate", tried("a gate", "kept", effect=gain), facts=facts).precedents[0], facts)
        for gain, facts in (
            (0.1, FACTS),
            (-0.2, FACTS._replace(higher=True)),
            (2.5, Facts(unit="points", metric="taste")),
        )
    }
    assert "loss better by 9.5 %, 1e+02 × noise" in said[0.1]
    assert "loss worse by 18 %, 2e+02 × noise" in said[-0.2]
    assert "taste better by 2.5 points (" in said[2.5]


def test_as_a_nod_like_any_other() -> None:
    """With what would change it; beside a nod on values, the one that says more speaks, and both are remembered."""
    worded = as_nod(ask("matrix_lr 0.04->0.06", tried("matrix lr 0.04 to 0.05", key="run 4")), FACTS, "speed")
    assert (worded.answer, worded.warns, worded.grade) == ("think_again", True, "one run")
    assert worded.because.endswith("; 5 of 74 such repeats were kept in public logs")
    assert len(worded.changes_my_mind) == 2
    (precedent,) = worded.precedents
    assert (precedent.run, precedent.trial, precedent.then, precedent.now) == (4, None, 3, 3)
    fresh = as_nod(ask("something else"), FACTS, "speed")
    assert both(fresh, worded).because == worded.because
    assert both(worded, fresh).answer == "think_again"


def test_what_one_of_two_nods_knows_is_kept_when_the_other_speaks() -> None:
    """An exception and a harm of the answer on values stand beside a warning of the words."""
    words = Nod(answer="failed_before", because="it failed", exceptions=("trial 2 was better",))
    values = Nod(answer="go", because="nothing near", exceptions=("trial 5 was better",), harm="a guard", nods=7)
    found = both(values, words)
    assert (found.answer, found.nods, found.harm) == ("failed_before", 7, "a guard")
    assert found.exceptions == ("trial 2 was better", "trial 5 was better")
