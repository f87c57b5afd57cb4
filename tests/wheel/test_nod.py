"""The nod: what this process's own past says about an increment."""

from typing import Any

import pytest

from kaizen.veteran.nod import Nod


def nod(bench: Any, **changes: Any) -> Any:
    return bench.consult(changes)


def measure(bakery: Any, gains: Any) -> Any:
    """Return a measure of taste: 5, more by ``gains`` of a heat."""
    ticks = iter(range(10_000))
    return lambda run: 5.0 + gains.get(run.setting["heat"], 0.0) + next(ticks) % 3 / 100


def test_what_was_never_tried_may_go(bakery: Any) -> None:
    """Two runs are at risk, at least, and the answer says that it knows nothing."""
    answer = nod(bakery.bench(), heat=230.0)
    assert (answer.answer, answer.precedents, answer.spend) == ("go", (), 2)
    assert str(answer) == "go: nothing like it has been tried in this process"


def test_what_is_under_way_is_in_flight(bakery: Any) -> None:
    """A waiting proposal first, then the trial that it became."""
    bench = bakery.bench()
    bench.propose(heat=230.0, because="b")
    assert nod(bench, heat=230.0) == Nod(answer="in_flight", because="proposal 1 waits for its trial")
    bench.ask()
    assert nod(bench, heat=230.0) == Nod(answer="in_flight", because="trial 1 is testing it now")
    assert nod(bench, heat=231.0).answer == "go"


def test_what_failed_against_this_standard_failed_before(bakery: Any) -> None:
    """The latest trial speaks first, with its effect and its pairs."""
    bench = bakery.bench()
    for _ in range(2):
        bench.propose(heat=230.0, because="b")
        bakery.play(bench, measure(bakery, {230.0: -2.0}))
    answer = nod(bench, heat=230.0)
    assert answer.answer == "failed_before"
    assert answer.because.startswith("trial 2 against standard 1: heat=230.0 (was 220.0) — not worthwhile: taste -")
    assert [text[:7] for text in answer.precedents] == ["trial 2", "trial 1"]


def test_noise_is_not_a_failure(bakery: Any) -> None:
    """An undecided trial says: think again, and why."""
    bench = bakery.bench(pairs=7)
    wild = iter((3, -3, 2.5, -2.5) * 20)
    bench.propose(heat=230.0, because="b")
    bakery.play(bench, lambda run: 5.0 + next(wild))
    answer = nod(bench, heat=230.0)
    assert answer.answer == "think_again"
    assert answer.because.endswith("within noise, which is not a failure")


def test_what_worked_before_says_so_and_what_failed_elsewhere_is_weak(bakery: Any) -> None:
    """After the standard has moved, its own history is read against that."""
    bench = bakery.bench()
    bench.propose(heat=240.0, because="b")
    bakery.play(bench, measure(bakery, {240.0: -2.0}))
    bench.propose(heat=230.0, because="b")
    bakery.play(bench, measure(bakery, {230.0: 2.0}))
    assert bench.standard.number == 2
    assert nod(bench, heat=240.0).because.endswith("the standard has changed since")
    bench.rollback("too dark")
    assert nod(bench, heat=230.0).answer == "worked_before"


def test_a_setting_that_gave_no_reading_failed_before(bakery: Any) -> None:
    """A fault of the very same setting is a precedent, whatever the run was for; a sound run is none."""
    from kaizen.plan import Scout

    setting = bakery.increment(heat=230.0).after
    bench = bakery.bench(
        Scout(setting=setting, because="b"), Scout(setting=bakery.increment(heat=231.0).after, because="b")
    )
    bakery.play(bench, lambda run: bakery.crash if run.setting["heat"] == 230.0 else 5.0)
    answer = nod(bench, heat=230.0)
    assert answer.because == "the same setting gave no reading: run 1: fault: crash"
    assert nod(bench, heat=231.0).answer == "go"


def test_the_same_change_that_failed_in_another_combination_asks_to_think_again(bakery: Any) -> None:
    """It names what is shared."""
    bench = bakery.bench()
    bench.propose(heat=230.0, steam=True, because="b")
    bakery.play(bench, measure(bakery, {230.0: -2.0}))
    answer = nod(bench, heat=230.0, minutes=50)
    assert answer.answer == "think_again"
    assert answer.because.startswith("the same heat failed in another combination: trial 1")
    assert nod(bench, minutes=50).answer == "go"


@pytest.mark.parametrize("trial", [1])
def test_a_stopped_trial_is_no_precedent(bakery: Any, trial: Any) -> None:
    """It never came to a verdict."""
    bench = bakery.bench()
    bench.propose(heat=230.0, because="b")
    bench.ask()
    bench.amend(bakery.process(bakery.taste, guards=(bakery.guard(metric="taste", at_least=0.0),)), because="b")
    assert bench.trials[trial - 1].stopped is not None
    assert nod(bench, heat=230.0).answer == "go"
