"""What is different now: asked for where the veteran warns, kept with the proposal, and an exception once it was right."""

from typing import Any

import pytest

from kaizen.errors import Unexplained
from kaizen.ledger import Proposed


def measure(gains: Any) -> Any:
    """Return a measure of taste: 5, more by ``gains`` of a heat."""
    ticks = iter(range(10_000))
    return lambda run: 5.0 + gains.get(run.setting["heat"], 0.0) + next(ticks) % 3 / 100


def tried(bakery: Any, bench: Any, gains: Any, different: str = "", **changes: Any) -> Any:
    """Propose changes and play their trial to its end."""
    offer = bench.propose(changes, because="b", different=different)
    bakery.play(bench, measure(gains))
    return offer


def test_a_policy_may_ask_for_a_reason(bakery: Any) -> None:
    """Only where the veteran warns; nothing is written without one, and blanks are none."""
    bench = bakery.bench(reasons=True)
    tried(bakery, bench, {230.0: -2.0}, heat=230.0)
    seq = bench.head.seq
    for blank in ("", "  \n"):
        with pytest.raises(
            Unexplained, match=r"must say what is different now; got nothing, though failed before"
        ) as told:
            bench.propose(heat=230.0, because="again", different=blank)
        assert "--different" in told.value.hint
    assert bench.head.seq == seq
    offer = bench.propose(heat=230.0, because="again", different=" the flux was changed ")
    assert (offer.nod.answer, offer.increment.different) == ("failed_before", "the flux was changed")
    assert bench.log[-2].entry == Proposed(id=offer.id, increment=offer.increment)
    assert bench.propose(minutes=50, because="nobody tried").nod.answer == "go"


def test_a_key_that_was_refused_is_free(bakery: Any) -> None:
    """The same command with a reason is another one, not a clash."""
    bench = bakery.bench(reasons=True)
    tried(bakery, bench, {230.0: -2.0}, heat=230.0)
    with pytest.raises(Unexplained):
        bench.propose(heat=230.0, because="again", key="k")
    first = bench.propose(heat=230.0, because="again", key="k", different="another flour")
    again = bench.propose(heat=230.0, because="again", key="k", different="another flour")
    assert (again.id, again.again) == (first.id, True)


def test_by_default_nobody_asks_and_a_reason_may_be_given(bakery: Any) -> None:
    """A nod never blocks."""
    bench = bakery.bench()
    tried(bakery, bench, {230.0: -2.0}, heat=230.0)
    assert bench.propose(heat=230.0, because="again").nod.answer == "failed_before"
    assert bench.propose(heat=231.0, because="b", different="another flour").increment.different == "another flour"


def test_a_reason_that_was_right_is_an_exception_of_the_lesson(bakery: Any) -> None:
    """It stands under the lesson, and the nod on the same change tells of it; the lesson itself is not repealed."""
    bench = bakery.bench()
    tried(bakery, bench, {230.0: -2.0}, heat=230.0)
    tried(bakery, bench, {230.0: 2.0}, "the flux was changed", heat=230.0)
    (read,) = bench.learnt()
    said = "trial 2 of standard 1: heat=230.0 (was 220.0) was better, because: the flux was changed"
    assert (read.exceptions, read.repealed, read.grade) == ((said,), "", "replicated")
    bench.rollback("the old flux is back")
    nod = bench.consult(heat=230.0)
    assert nod.answer == "worked_before"
    assert "different, for: the flux was changed" in nod.because
    combined = bench.consult(heat=230.0, minutes=50)
    assert combined.exceptions == (said,)
    assert f"but        {said}" in combined.lines()


def test_what_fails_again_makes_the_lesson_stronger(bakery: Any) -> None:
    """Both trials stand under it, and the odds are lower than after one."""
    bench = bakery.bench(process=bakery.process(bakery.size))
    sizes = {230.0: 12.0}

    def play() -> None:
        bakery.play(bench, lambda run: {"size": sizes.get(run.setting["heat"], 10.0)})

    bench.propose(heat=230.0, because="b")
    play()
    once = bench.consult(heat=230.0).odds.better
    bench.propose(heat=230.0, because="b", different="another flour")
    play()
    first, second = bench.learnt()
    assert first.again == ("trial 2 of standard 1: heat=230.0 (was 220.0) — worse, though: another flour",)
    assert (second.again, first.exceptions) == ((), ())
    assert bench.consult(heat=230.0).odds.better < once


def test_without_a_reason_evidence_repeals(bakery: Any) -> None:
    """As often better as it had failed; one more failure, and it holds again."""
    bench = bakery.bench(shadow=0.0)
    tried(bakery, bench, {230.0: -2.0}, heat=230.0)
    tried(bakery, bench, {231.0: 2.0}, heat=231.0)
    (read,) = bench.learnt()
    assert read.grade == "repealed"
    assert read.repealed == "trial 2 made much the same step and was better, with nothing said to be different"
    bench.rollback("too dark")
    tried(bakery, bench, {229.0: -2.0}, heat=229.0)
    assert [one.grade for one in bench.learnt()] == ["replicated", "replicated"]


def test_a_repeal_names_the_trials_of_the_same_step_alone(bakery: Any) -> None:
    """A much longer step that was better is an exception, and no reason to repeal."""
    bench = bakery.bench(shadow=0.0)
    tried(bakery, bench, {230.0: -2.0}, heat=230.0)
    tried(bakery, bench, {245.0: 2.0}, heat=245.0)
    bench.rollback("too dark")
    tried(bakery, bench, {231.0: 2.0}, heat=231.0)
    (read,) = bench.learnt()
    assert read.repealed == "trial 3 made much the same step and was better, with nothing said to be different"
    assert [said.split(" of ")[0] for said in read.exceptions] == ["trial 2", "trial 3"]


def test_another_step_repeals_nothing(bakery: Any) -> None:
    """Half the way that works says nothing of the whole; it is an exception, as it was."""
    bench = bakery.bench()
    tried(bakery, bench, {240.0: -2.0}, heat=240.0)
    tried(bakery, bench, {225.0: 2.0}, heat=225.0)
    (read,) = bench.learnt()
    assert (read.grade, len(read.exceptions)) == ("replicated", 1)
