"""The nod: what this process's own past says about an increment."""

from typing import Any

import pytest

from kaizen.trial import Spend
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
    assert (answer.answer, answer.precedents, answer.spend) == ("go", (), Spend(runs=2))
    assert str(answer.odds) == "better 37 %, faults 3 %"
    assert (answer.calibrated, answer.nods, answer.effects, answer.grade) == (False, 0, (), "")
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
    assert [(one.trial, one.grade, one.distance) for one in answer.precedents] == [
        (2, "replicated", 0.0),
        (1, "replicated", 0.0),
    ]
    assert answer.odds.better < 0.03
    assert answer.spend.runs == 8
    (effect,) = answer.effects
    assert -2.1 < effect.low < effect.gain < effect.high < -1.9
    assert answer.warns


def test_noise_is_not_a_failure(bakery: Any) -> None:
    """An undecided trial warns of nothing: its gain, if any, is lost in the noise."""
    bench = bakery.bench(pairs=7)
    wild = iter((3, -3, 2.5, -2.5) * 20)
    bench.propose(heat=230.0, because="b")
    bakery.play(bench, lambda run: 5.0 + next(wild))
    answer = nod(bench, heat=230.0)
    assert (answer.answer, answer.grade) == ("go", "within noise")
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
    """It names what is shared; where only half of the changes are, it says so and does not warn."""
    bench = bakery.bench()
    bench.propose(heat=230.0, steam=True, because="b")
    bakery.play(bench, measure(bakery, {230.0: -2.0}))
    answer = nod(bench, heat=230.0)
    assert answer.answer == "think_again"
    assert answer.because.startswith("the same heat failed in another combination: trial 1")
    assert answer.precedents[0].differs == ("steam True there, False here",)
    answer = nod(bench, heat=230.0, minutes=50)
    assert answer.answer == "go"
    assert answer.because.startswith("the same heat failed in another combination: trial 1")
    assert answer.because.endswith("which does not tell much of this one")
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


# ── what no longer counts, and what differs ───────────────────────────────────────────────────────────────────────────


def tried(bakery: Any, bench: Any, gains: Any, **changes: Any) -> None:
    """Propose changes and play their trial to its end."""
    bench.propose(changes, because="b")
    bakery.play(bench, measure(bakery, gains))


def test_a_retracted_lesson_does_not_count(bakery: Any) -> None:
    """Its trial is still told of, as invalid; the odds are as if nothing had been tried."""
    bench = bakery.bench()
    tried(bakery, bench, {230.0: -2.0}, heat=230.0)
    before = nod(bench, heat=230.0)
    assert "lesson 1 can be retracted" in before.changes_my_mind[1]
    bench.retract(1, "the oven door was open")
    answer = nod(bench, heat=230.0)
    assert (answer.answer, answer.grade) == ("go", "invalid")
    assert answer.because.endswith("lesson 1 was retracted: the oven door was open")
    assert answer.odds.better > 0.3
    assert before.odds.better < 0.05


def test_a_question_reopens_when_its_standard_is_rolled_back(bakery: Any) -> None:
    """What failed against a standard that is gone is open again, and says so."""
    bench = bakery.bench()
    tried(bakery, bench, {230.0: 2.0}, heat=230.0)
    tried(bakery, bench, {230.0: 2.0, 240.0: -2.0}, heat=240.0)
    assert nod(bench, heat=240.0).answer == "failed_before"
    bench.rollback("too dark")
    answer = nod(bench, heat=240.0)
    assert (answer.answer, answer.grade) == ("go", "reopened")
    assert answer.because.endswith(
        "standard 2, which it was compared with, was rolled back: the question is open again"
    )


def test_going_back_behind_a_proof_failed_before(bakery: Any) -> None:
    """Today's standard was proven better than it."""
    bench = bakery.bench()
    tried(bakery, bench, {230.0: 2.0}, heat=230.0)
    answer = nod(bench, heat=220.0)
    assert answer.answer == "failed_before"
    assert answer.because.startswith("today's standard was proven better than it: trial 1 against standard 1")
    (effect,) = answer.effects
    assert effect.gain == pytest.approx(-2.0, abs=0.05)


def test_a_smaller_step_is_untested_and_a_near_one_is_not(bakery: Any) -> None:
    """A failure speaks of what lies near it, not of half the way to it."""
    bench = bakery.bench()
    tried(bakery, bench, {230.0: -2.0}, heat=230.0)
    assert nod(bench, heat=224.0).precedents == ()
    assert nod(bench, heat=224.0).answer == "go"
    near = nod(bench, heat=231.0)
    assert (near.answer, near.because[:16]) == ("think_again", "near it: trial 1")
    assert near.precedents[0].distance == pytest.approx(0.01, abs=1e-6)
    assert near.precedents[0].differs == ("heat 230.0 there, 231.0 here",)
    assert "a smaller step, such as heat=225.5" in near.changes_my_mind[-1]
    assert nod(bench, heat=210.0).answer == "go"


def test_another_process_is_a_weak_precedent_and_never_a_warning(bakery: Any) -> None:
    """Its parameters are matched by name, in this one's ranges; what it has not is not asked."""
    other = bakery.replace(
        bakery.process(), name="roll", parameters=(bakery.heat(low=200.0, high=300.0), *bakery.process().parameters[1:])
    )
    roll = bakery.bench(process=other)
    bench = bakery.bench()
    tried(bakery, roll, {230.0: -2.0}, heat=230.0)
    answer, fresh = nod(bench, heat=230.0), nod(bench, minutes=45)
    assert answer.answer == "go"
    assert (answer.precedents[0].process, answer.precedents[0].distance) == ("roll", pytest.approx(0.0, abs=1e-6))
    assert answer.because.startswith("in roll, trial 1 against standard 1")
    assert 0.1 < answer.odds.better < fresh.odds.better
    third = bakery.bench(process=bakery.replace(bakery.process(), name="cake", parameters=bakery.process().parameters[1:],
                                                standard=bakery.setting(minutes=40, steam=False)))  # fmt: skip
    assert nod(third, minutes=45).answer == "go"


def test_another_process_counts_as_much_as_its_past_carried_over(bakery: Any) -> None:
    """Where this one's own runs went as they did there, a failure there warns; where they went the other way, it does not."""
    from kaizen.plan import Scout

    def scouts(*heats: float) -> Any:
        return [Scout(setting=bakery.increment(heat=heat).after, because="b") for heat in (220.0, 220.0, 220.0, *heats)]

    def asked(turn: float) -> Any:
        heats = [162.0 + 4 * n for n in range(25) if n != 15]
        roll = bakery.bench(*scouts(*heats, *heats), process=bakery.replace(bakery.process(), name="roll"))
        ticks = iter(range(10_000))

        def measure(run: Any, turn: float) -> float:
            return 5.0 - turn * abs(run.setting["heat"] - 220.0) / 5 + next(ticks) % 3 / 100

        bakery.play(roll, lambda run: measure(run, 1.0))
        bench = bakery.bench(*scouts(*heats[4::3]))
        bakery.play(bench, lambda run: measure(run, turn))
        return bench

    bench = asked(1.0)
    assert bench.veteran().trust["roll"] > 0.12
    same = bench.consult(heat=166.0)
    bakery.__init__()
    bench = asked(-1.0)
    assert bench.veteran().trust["roll"] < 0.05
    other = bench.consult(heat=166.0)
    assert same.odds.better < other.odds.better
    assert [one.process for one in same.precedents] == ["loaf", "roll", "roll"]
    assert (same.answer, other.answer) == ("think_again", "go")
    assert other.because.startswith("near it: run 4: taste +8.39 beside standard 1")
    assert not other.because.endswith("which does not tell much of this one")


def test_other_conditions_are_told_and_count_less(bakery: Any) -> None:
    """What failed in another oven is a weaker precedent."""
    from kaizen.plan import Scout

    def scouts(machines: Any) -> Any:
        bench = bakery.bench(
            *(Scout(setting=bakery.increment(heat=heat).after, because="b") for heat in (220.0, 220.0, 230.0, 220.0))
        )
        for machine in machines:
            run = bench.ask()
            bench.tell(run, taste=3.0 if run.setting["heat"] == 230.0 else 5.0, conditions={"oven": machine})
        return nod(bench, heat=230.0)

    same = scouts("aaaa")
    bakery.__init__()
    differs = scouts("aaab")
    assert same.odds.better < differs.odds.better
    assert differs.precedents[0].differs == ("oven 'a' then, 'b' now",)
    assert same.precedents[0].said == "run 3: taste -2 beside standard 1"
    assert same.answer == "think_again"


def test_a_broken_guard_failed_before(bakery: Any) -> None:
    """A trial that a guard ended is a precedent, of one run."""
    bench = bakery.bench(process=bakery.process(bakery.taste, guards=(bakery.guard(metric="taste", at_least=4.0),)))
    tried(bakery, bench, {230.0: -3.0}, heat=230.0)
    answer = nod(bench, heat=230.0)
    assert (answer.answer, answer.grade) == ("failed_before", "one run")
    assert "stopped: guard" in answer.because


def test_evidence_comes_first_and_the_opinion_last(bakery: Any) -> None:
    """The words, line by line."""
    bench = bakery.bench()
    tried(bakery, bench, {230.0: -2.0}, heat=230.0)
    lines = nod(bench, heat=230.0).lines()
    assert [line.split(" ")[0] for line in lines] == ["precedent", "odds", "expected", "at", *["would"] * 3, "failed"]
    assert lines[1].endswith("(uncalibrated: 1 of 200 nods have a known outcome)")
    assert lines[3] == "at risk    about 8 runs, as past trials took"


def test_the_index_follows_the_record(bakery: Any) -> None:
    """After every entry it says what one that was just made would say; a correction, an amendment and other benches too."""
    from kaizen.veteran.recall import Recall

    bench = bakery.bench()

    def same() -> Any:
        answer = nod(bench, heat=230.0)
        fresh = bakery.workshop()["loaf"]
        assert fresh.consult(heat=230.0) == answer
        return answer

    assert same().odds.better > 0.3
    tried(bakery, bench, {230.0: -2.0}, heat=230.0)
    first = same()
    assert first.answer == "failed_before"
    run = next(row.id for row in bench.runs if row.side == "increment")
    bench.correct(run, taste=9.0, because="a typing error")
    same()
    bench.amend(bakery.replace(bakery.process(), about="other words"), because="b")
    assert same() == nod(bench, heat=230.0)
    recall = Recall(bakery.ledger)
    found = recall.exact("loaf", bakery.increment(heat=230.0).after)
    assert [one.run for one in found] == [row.id for row in bench.runs if row.side == "increment"]
    assert found == recall.near("loaf", bakery.increment(heat=230.0).after, len(found))
    assert {one.run for one in recall.alike("loaf", bakery.increment(heat=230.5).after)} == {one.run for one in found}
    assert recall.exact("nobody", bakery.increment(heat=230.0).after) == ()


def test_scope_is_learned_and_said(bakery: Any) -> None:
    """What failed in one oven works in the other, whatever the flour: the nod, the lesson and the veteran know of it."""
    bench = bakery.bench(process=bakery.process(bakery.size))

    def bake(heat: float, oven: str, flour: str) -> None:
        bench.propose(heat=heat, because="b")
        for _ in range(2):
            run = bench.ask()
            hot = run.setting["heat"] - 220.0
            worth = {"old": -1.0, "new": 1.0, "twin": -1.0}[oven]
            bench.tell(run, size=100.0 - worth * hot, conditions={"oven": oven, "flour": flour})
        if bench.standard.setting["heat"] != 220.0:
            bench.rollback("for the next oven")

    heats = [222.0 + 4 * n for n in range(8)]
    for turn in range(2):
        for n, heat in enumerate(heats):
            for oven in ("old", "twin", "new"):
                bake(heat, oven, ("rye", "spelt")[(n + turn + (oven == "twin")) % 2])
    held = {(one.name, one.values): one.counts for one in bench.veteran().scope if one.kind != "parameter"}
    assert held["oven", ("old", "twin")] > 5 * held["oven", ("new", "old")]
    assert held["flour", ()] > 10 * held["oven", ("new", "old")]
    lesson = bench.learnt()[0]
    assert any("holds from oven 'old' to 'twin' (" in said and "hardly to 'new' (" in said for said in lesson.scope)
    assert any("oven" in line for line in bench.veteran().lines())


def test_a_question_reopens_when_what_is_measured_changes(bakery: Any) -> None:
    """A trial by another metric's rule is weak evidence, and says so; its lesson, too."""
    bench = bakery.bench()
    tried(bakery, bench, {230.0: -2.0}, heat=230.0)
    assert nod(bench, heat=230.0).answer == "failed_before"
    sweeter = bakery.replace(bakery.taste, worthwhile=0.25)
    bench.amend(bakery.process(sweeter), because="tasted by others")
    answer = nod(bench, heat=230.0)
    assert answer.answer == "go"
    assert answer.because.endswith("what is measured has changed since: the question is open again")
    assert bench.learnt()[0].open_again == "what is measured has changed since"
