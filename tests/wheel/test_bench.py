"""The verbs: what each writes, what each refuses, and that no answer counts twice."""

from typing import Any

import pytest

from kaizen import evidence
from kaizen.errors import Clash, Mistake, OutOfRange, OutOfTurn, Undeclared
from kaizen.ledger import Adopted, Amended, Faulted, Judged, Late, Refused, Told
from kaizen.ledgers.memory import MemoryLedger
from kaizen.parameter import Real, When
from kaizen.plan import Scout, Stop
from kaizen.planners.steps import SmallSteps
from kaizen.setting import Setting
from kaizen.standard import Standard, increment, null_increment
from kaizen.trial import Fault
from kaizen.workshop.improving import grant
from kaizen.workshop.turning import Asker


def scout(bakery: Any, **changes: Any) -> Any:
    return Scout(setting=bakery.increment(**changes).after, because="to see")


def proposing(bakery: Any, **changes: Any) -> Any:
    """Return a plan that proposes changes to whatever the standard is."""
    return lambda journal: increment(journal.head.process, journal.head.standard, changes, because="b", by="plan")


def better(run: Any) -> Any:
    """Measure taste: 2 more wherever the heat is 230, and noise that does not repeat."""
    return 5.0 + 2.0 * (run.setting["heat"] == 230.0) + run.id * 7 % 11 / 100


def worse(run: Any) -> Any:
    return 12.0 - better(run)


def entries(bench: Any, kind: Any) -> Any:
    return [record.entry for record in bench.log if isinstance(record.entry, kind)]


def proposed(bakery: Any, **policy: Any) -> Any:
    """Return a bench with an increment proposed: heat 230."""
    bench = bakery.bench(**policy)
    bench.propose(heat=230.0, because="a darker crust", by="ana")
    return bench


def waiting(bakery: Any, **policy: Any) -> Any:
    """Return a bench whose trial was judged better and waits for ana."""
    bench = proposed(bakery, consent="ana", **policy)
    bakery.play(bench, better)
    assert bench.head.trials[0].verdict is not None
    return bench


# ── a trial from proposal to standard ────────────────────────────────────────────────────────────────────────────────
def test_a_proposal_becomes_a_trial_and_the_next_standard(bakery: Any) -> None:
    """The whole turn, entry by entry."""
    bench = bakery.bench()
    offer = bench.propose({"heat": 230.0}, because="a darker crust", by="ana")
    assert (offer.id, offer.nod.answer, str(offer.increment)) == (1, "go", "heat=230.0 (was 220.0)")
    why, made = bakery.play(bench, better)
    assert why == "a run of loaf must wait: nothing more was planned"
    floor = evidence.pairs_floor(0.025)
    assert len(made) >= 2 * floor
    assert bakery.kinds(bench)[:6] == ["Described", "Proposed", "Advised", "Opened", "Asked", "Told"]
    assert bakery.kinds(bench)[-4:] == ["Told", "Judged", "Adopted", "Opened"]  # the watch of the new standard
    assert (bench.standard.number, bench.standard.evidence, bench.standard.setting["heat"]) == (2, "proven", 230.0)
    assert (bench.trials[0].adopted, bench.trials[0].verdict.decision) == (2, "better")
    assert [standard.number for standard in bench.standards] == [1, 2]
    assert [open_.trial.purpose for open_ in bench.head.trials] == ["shadow"]
    assert bench.head.charged == pytest.approx(0.025)
    assert len(bench.runs) == len(made) == bench.head.spent.runs


def test_a_trial_that_is_not_better_becomes_a_lesson(bakery: Any) -> None:
    """The standard stays, the lesson is kept, and may be retracted with a reason."""
    bench = proposed(bakery)
    bakery.play(bench, worse)
    assert bench.standard.number == 1
    (lesson,) = bench.lessons
    assert lesson.trial == 1
    bench.retract(1, "the oven was cold", by="ana")
    assert bench.lessons == ()
    for number in (0, 2):
        with pytest.raises(Undeclared, match="must be one of 1 to 1"):
            bench.retract(number, "b")


def test_a_null_trial_never_adopts_and_does_not_jam_the_wheel(bakery: Any) -> None:
    """Found better by luck it ends, the andon is pulled, and nobody can consent to it."""
    bench = bakery.bench(consent="ana")
    assert bench.propose_null(by="ana") == 1
    sides = {}

    def lucky(run: Any) -> Any:
        open_runs = {r.id: r.side for r in bench.head.runs}
        sides[run.id] = open_runs[run.id]
        return 5.0 + (sides[run.id] == "increment") + run.id / 100

    why, _ = bakery.play(bench, lucky)
    assert "found a copy of the standard better than itself" in why
    assert (bench.standard.number, bench.head.trials, entries(bench, Adopted)) == (1, (), [])
    with pytest.raises(OutOfTurn, match="must wait for consent"):
        bench.consent("ana")
    bench.clear("checked both sides", by="ana")
    assert bakery.play(bench, better)[0].endswith("nothing more was planned")


def test_exact_metrics_decide_in_one_pair(bakery: Any) -> None:
    """Two runs, no alpha."""
    bench = bakery.workshop().describe(bakery.process(bakery.size))
    bench.propose(steam=True, because="b")
    _, made = bakery.play(bench, lambda run: {"size": 90.0 if run.setting["steam"] else 100.0})
    assert (len(made), bench.standard.number, bench.head.charged) == (2, 2, 0.0)


def test_an_open_trial_says_how_it_stands(bakery: Any) -> None:
    """Asked by number or not: open, closed, unknown, or none yet."""
    bench = proposed(bakery)
    assert bench.check() is None
    for _ in range(4):
        run = bench.ask()
        bench.tell(run, taste=better(run))
    said = bench.check()
    assert (said.decision, said.pairs, said == bench.check(1)) == ("undecided", 2, True)
    assert said.effects[0].gain is not None
    bakery.play(bench, better)
    assert bench.check(1).decision == bench.check().decision == "better"
    assert bench.check(2) is None  # the watch of the new standard is never judged
    with pytest.raises(Undeclared, match="must be one of 1 to 2; got 9"):
        bench.check(9)


def test_a_guard_is_a_veto_in_the_first_pair(bakery: Any) -> None:
    """However much better it tastes."""
    bench = proposed(bakery, guards=(bakery.guard(metric="taste", at_most=6.5),))
    _, made = bakery.play(bench, better)
    assert len(made) == 2
    assert bench.standard.number == 1
    assert str(bench.trials[0].stopped) == "stopped: guard (taste <= 6.5)"
    assert bench.lessons[0].text.endswith("broke a guard: taste <= 6.5")


# ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_second_run_of_a_block_is_owed_to_who_took_the_first(bakery: Any) -> None:
    """One asker gets both, in the order of the coin, before anything else; another asker gets another block."""
    bench = proposed(bakery)
    first = bench.ask("ana")
    other = bench.ask("bo")
    second = bench.ask("ana")
    assert (first.block, second.block, other.block) == (0, 0, 1)
    assert {first.side, second.side} == {"standard", "increment"}
    assert [run.id for run in (first, second, other)] == [1, 2, 3]


def test_a_fresh_handle_owes_the_second_run_once_the_first_is_answered(bakery: Any) -> None:
    """Each call of a shell is a new handle."""
    first = proposed(bakery).ask()
    bakery.workshop()["loaf"].tell(first, taste=better(first))
    second = bakery.workshop()["loaf"].ask()
    assert (second.block, second.id) == (first.block, 2)


def test_several_runs_are_asked_for_at_once(bakery: Any) -> None:
    """Blocks are not torn: the half that is left over comes with the next ask."""
    bench = proposed(bakery)
    three = bench.ask(n=3)
    assert [(run.id, run.block) for run in three] == [(1, 0), (2, 0), (3, 1)]
    assert [(run.id, run.block) for run in bench.ask(n=2)] == [(4, 1), (5, 2)]
    assert [run.id for run in bench.asked("me")] == [1, 3, 5]
    assert bench.asked("nobody") == ()
    with pytest.raises(OutOfTurn, match="one run or more; got 0"):
        bench.ask(n=0)


def test_fewer_runs_come_where_there_are_no_more(bakery: Any) -> None:
    """What there is, then the reason to wait."""
    bench = bakery.bench(scout(bakery, heat=231.0), scout(bakery, heat=232.0))
    assert [run.id for run in bench.ask(n=5)] == [1, 2]
    with pytest.raises(OutOfTurn, match="must wait: nothing more was planned") as error:
        bench.ask()
    assert error.value.hint.startswith("widen a range")
    assert [run.id for run in bench.asked("me")] == [1, 2]


def test_every_reason_to_rest_has_its_hint(bakery: Any) -> None:
    """Andon, consent, budget, busy."""
    bench = waiting(bakery)
    with pytest.raises(OutOfTurn, match="waits for the consent of ana"):
        bench.ask()
    bench.andon("it burns", by="cy")
    with pytest.raises(OutOfTurn, match="andon pulled by cy: it burns"):
        bench.ask()
    spent = bakery.workshop(ledger=MemoryLedger()).describe(bakery.process(runs=0))
    with pytest.raises(OutOfTurn, match="the budget of 0 runs is spent"):
        spent.ask()
    busy = bakery.workshop(ledger=MemoryLedger()).describe(bakery.process(bakery.size))
    busy.propose(steam=True, because="b")
    busy.ask("ana", n=2)
    with pytest.raises(OutOfTurn, match="waits for runs that are under way"):
        busy.ask("bo")


# ── answering ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_same_answer_told_twice_counts_once(bakery: Any) -> None:
    """With the default key, with a key of one's own, by number or by run, through another handle."""
    bench = proposed(bakery)
    first, second = bench.ask(n=2)
    record = bench.tell(first, taste=5.0)
    assert bench.tell(first, taste=5.0) == record
    assert bakery.workshop()["loaf"].tell(first.id, {"taste": 5.0}) == record
    keyed = bench.tell(second, taste=6.0, key="mine")
    assert bench.tell(second, taste=6.0, key="mine") == keyed
    assert bench.tell(second.id, taste=6.0, key="mine") == keyed
    assert len(entries(bench, Told)) == 2 == bench.head.counts.told


def test_another_answer_to_the_same_run_is_a_clash(bakery: Any) -> None:
    """A mistyped reading is corrected, not told again."""
    bench = proposed(bakery)
    run = bench.ask()
    bench.tell(run.id, taste=5.0)
    with pytest.raises(Clash, match=r"must be answered once.*\n.*correct\(\)"):
        bench.tell(run, taste=5.5)
    with pytest.raises(Clash):
        bench.fault(run)


def test_what_nobody_asked_for_cannot_be_answered(bakery: Any) -> None:
    """Neither a run that waits in the pool, nor one that is not there."""
    bench = proposed(bakery)
    for number in (1, 99):
        with pytest.raises(OutOfTurn, match=f"run {number} must be asked for"):
            bench.tell(number, taste=5.0)
    run = bench.ask()
    bench.tell(run, taste=5.0, key="mine")
    with pytest.raises(OutOfTurn, match="a finished one takes correct"):
        bench.tell(run.id, taste=5.0)


def test_a_reading_is_checked_before_it_is_written(bakery: Any) -> None:
    """Unknown, missing or no number: the run stays open."""
    bench = proposed(bakery)
    run = bench.ask()
    for values in ({"smell": 1}, {}, {"taste": float("inf")}):
        with pytest.raises(Mistake):
            bench.tell(run, values)
    with pytest.raises(Undeclared, match="one of crash, timeout"):
        bench.fault(run, reason="bad luck")
    assert bench.head.run(run.id) is not None


def test_a_fault_is_told_with_its_reason_and_spend(bakery: Any) -> None:
    """It counts as a run made."""
    bench = proposed(bakery)
    bench.fault(bench.ask(), "no oven", reason="crash", seconds=3.0, money=2.0)
    assert entries(bench, Faulted)[0].fault == Fault(reason="crash", note="no oven")
    assert (bench.head.spent.runs, bench.head.spent.seconds, bench.head.spent.money) == (1, 3.0, 2.0)
    assert bench.head.counts.faulted == 1


# ── losing, and late answers ─────────────────────────────────────────────────────────────────────────────────────────
def test_a_lost_run_is_retried_on_the_same_side_and_its_late_answer_is_not_the_pairs(bakery: Any) -> None:
    """The late reading teaches, and the pair has that of the second attempt."""
    bench = proposed(bakery)
    first = bench.ask("ana", lease=30.0)
    bakery.clock.advance(31)
    again = bench.ask("bo", lease=30.0)
    assert (again.id, again.side, again.attempt, first.attempt) == (first.id, first.side, 2, 1)
    bench.tell(first, taste=99.0, by="ana")
    assert entries(bench, Late)[0].outcome == bakery.reading(99.0)
    bench.tell(again, taste=5.0, by="bo")
    (row,) = bench.runs
    assert (row.outcome, row.late) == (bakery.reading(5.0), (bakery.reading(99.0),))
    block = bench.head.trials[0].trial.blocks[0]
    assert getattr(block, first.side) == bakery.reading(5.0)
    bench.tell(again, taste=5.0, by="bo", key="a third time")
    assert len(entries(bench, Late)) == 2  # under another key it is one more late answer


def test_a_run_lost_twice_is_scored_worst_for_its_side(bakery: Any) -> None:
    """And what it tells afterwards is kept, not scored."""
    bench = proposed(bakery)
    bench.ask("ana", lease=30.0)
    bakery.clock.advance(31)
    second = bench.ask("bo", lease=30.0)
    bakery.clock.advance(31)
    bench.ask("cy")
    assert entries(bench, Faulted)[0].fault.reason == "lost"
    bench.tell(second, taste=5.0, by="bo")
    row = next(row for row in bench.runs if row.id == second.id)
    assert (row.outcome.reason, row.late, row.values) == ("lost", (bakery.reading(5.0),), {"taste": 5.0})


def test_a_heartbeat_keeps_a_slow_run(bakery: Any) -> None:
    """Slow is not lost."""
    bench = proposed(bakery)
    unit = bench.wheel.next_unit(Asker(by="ana", lease=30.0, holder="host:1"))
    for _ in range(9):
        bakery.clock.advance(25)
        assert bench.wheel.ledger.renew("loaf", "host:1", 30.0) == 2
    assert bench.journal.lost == frozenset()
    bench.wheel.expire("host:1")
    assert bench.journal.lost == {run.id for run in unit}


def test_peoples_runs_are_never_lost_by_time(bakery: Any) -> None:
    """A lease of None has no end."""
    bench = proposed(bakery)
    bench.ask("ana")
    bakery.clock.advance(1e9)
    assert bench.journal.lost == frozenset()


# ── correcting ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_correction_of_a_scout_is_in_no_trial(bakery: Any) -> None:
    """The history keeps what it said before."""
    bench = bakery.bench(scout(bakery, heat=231.0))
    bench.tell(bench.ask(), taste=50.0)
    made = bench.correct(1, taste=5.0, because="a comma")
    assert (made.before, made.after) == (None, None)
    assert (bench.runs[0].outcome, bench.runs[0].corrected) == (bakery.reading(5.0), (bakery.reading(50.0),))


def test_only_an_answered_run_is_corrected(bakery: Any) -> None:
    """Not one that is under way, even if an earlier attempt answered late: that would smuggle it into the pair."""
    bench = proposed(bakery)
    first = bench.ask("ana", lease=30.0)
    with pytest.raises(OutOfTurn, match="must be answered before it is corrected"):
        bench.correct(first.id, taste=5.0, because="b")
    with pytest.raises(OutOfTurn, match="got no answer to it"):
        bench.correct(99, taste=5.0, because="b")
    bakery.clock.advance(31)
    bench.ask("bo")
    bench.tell(first, taste=99.0, by="ana")
    with pytest.raises(OutOfTurn, match="got one under way"):
        bench.correct(first.id, taste=99.0, because="it was right")


def test_a_correction_in_an_open_trial_is_judged_at_once(bakery: Any) -> None:
    """The wheel looks again at pairs it has seen, since they changed: here they turn out to be proof."""
    bench = proposed(bakery)
    floor = evidence.pairs_floor(0.025)
    for _ in range(2 * floor + 2):
        run = bench.ask()
        bench.tell(run, taste=-5.0 if run.side == "increment" and run.block == 1 else better(run))
    assert bench.head.trials
    bad = next(row for row in bench.runs if row.values == {"taste": -5.0})
    made = bench.correct(bad.id, taste=7.5, because="a sign")
    assert (made.before.decision, made.after.decision) == ("undecided", "better")
    assert bench.standard.number == 2


def test_a_correction_of_a_closed_trial_keeps_both_verdicts_and_pulls_the_andon(bakery: Any) -> None:
    """The standard stays until somebody decides."""
    bench = proposed(bakery)
    bakery.play(bench, better)
    side = [row for row in bench.runs if row.side == "increment"]
    assert bench.correct(side[0].id, taste=7.01, because="rounded").after.decision == "better"
    assert bench.head.andon is None
    made = bench.correct(side[0].id, taste=-50.0, because="a sign")
    assert (made.before.decision, made.after.decision) == ("better", "undecided")
    assert bench.standard.number == 2
    assert "standard 2 rests on trial 1, which a correction turned from better to undecided" in bench.head.andon.because
    assert [verdict.decision for verdict in bench.trials[0].verdicts] == ["better", "better", "undecided"]
    assert bench.rollback("it was a typing error", by="ana").setting["heat"] == 220.0


def test_a_correction_of_a_lesson_reopens_nothing(bakery: Any) -> None:
    """A trial that would have been better stays closed: propose it again."""
    bench = proposed(bakery)
    bakery.play(bench, worse)
    row = next(row for row in bench.runs if row.side == "increment")
    made = bench.correct(row.id, taste=99.0, because="b")
    assert made.before.decision in ("worse", "not_worthwhile")
    assert (bench.standard.number, bench.head.trials, bench.head.andon) == (1, (), None)


def test_a_correction_shows_that_a_guard_was_broken(bakery: Any) -> None:
    """Of a standard in force, the andon is pulled, though its verdict is still better."""
    bench = proposed(bakery, guards=(bakery.guard(metric="taste", at_most=20.0),))
    bakery.play(bench, better)
    row = [row for row in bench.runs if row.side == "increment"][-1]
    assert bench.correct(row.id, taste=25.0, because="b").after.decision == "better"
    assert "shows to break the guard taste <= 20" in bench.head.andon.because


def test_a_correction_while_consent_is_awaited(bakery: Any) -> None:
    """The trial waits on, goes on, or is stopped by its guard: it is never consented to on a reading known to be wrong."""
    bench = waiting(bakery, guards=(bakery.guard(metric="taste", at_most=20.0),))
    rows = [row for row in bench.runs if row.side == "increment"]
    assert bench.correct(rows[-1].id, taste=7.9, because="b").after.decision == "better"
    assert bench.head.trials[0].verdict is not None
    assert bench.correct(rows[0].id, taste=-9.0, because="b").after.decision == "undecided"
    assert bench.head.trials[0].verdict is None
    with pytest.raises(OutOfTurn):
        bench.consent("ana")
    bench.correct(rows[0].id, rows[0].values, because="b")
    assert bench.head.trials[0].verdict is not None
    bench.correct(rows[0].id, taste=21.0, because="b")
    assert bench.trials[0].stopped.reason == "guard"
    assert bench.head.trials == ()


def test_a_correction_must_have_the_metrics_of_its_trial(bakery: Any) -> None:
    """What was judged by a metric that is no longer described cannot be judged again without it."""
    bench = bakery.workshop().describe(bakery.process(bakery.taste, bakery.size))
    bench.propose(heat=230.0, because="b")
    bakery.play(bench, lambda run: {"taste": better(run), "size": 100.0 + run.setting["heat"]})
    assert bench.trials[0].verdict.decision == "worse"
    bench.amend(bakery.process(bakery.taste), because="size does not matter")
    with pytest.raises(OutOfTurn, match="a correction of run 1 must have size"):
        bench.correct(1, taste=5.0, because="b")


def test_a_correction_of_a_stopped_trial_leaves_it_stopped(bakery: Any) -> None:
    """What it would have said now decides nothing."""
    bench = proposed(bakery)
    first, second = bench.ask(n=2)
    bench.tell(first, taste=5.0)
    bench.tell(second, taste=5.0)
    bench.amend(bakery.process(bakery.taste, constraints=("heat < 255",)), because="b")
    made = bench.correct(first.id, taste=5.1, because="b")
    assert (made.before, made.after) == (None, None)
    assert (bench.trials[0].stopped.reason, bench.trials[0].verdicts) == ("superseded", ())
    assert not entries(bench, Judged)[1:]


# ── exact means exact ────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_contradiction_of_an_exact_metric_pulls_the_andon(bakery: Any) -> None:
    """The same setting under the same conditions read otherwise before."""
    again = scout(bakery, heat=231.0)
    bench = bakery.workshop(again, again, again, again, again).describe(bakery.process(bakery.size))
    bench.tell(bench.ask(), size=100.0)
    bench.tell(bench.ask(), size=100.0 * (1 + 1e-12))
    bench.tell(bench.ask(), size=101.0, conditions={"machine": "m2"})
    bench.fault(bench.ask())
    assert bench.head.andon is None
    run = bench.ask()
    bench.tell(run, size=101.0)
    assert bench.head.andon is None  # only the two latest runs are compared: one under other conditions, one without
    bench = bakery.workshop(again, again, ledger=MemoryLedger()).describe(bakery.process(bakery.size))
    bench.tell(bench.ask(), size=100.0)
    bench.tell(bench.ask(), size=101.0)
    assert "size is declared exact, yet heat=231.0" in bench.head.andon.because
    assert bench.head.andon.because.endswith("read 100 in run 1 and 101 in run 2")


def test_a_contradiction_stops_its_own_trial_from_adopting(bakery: Any) -> None:
    """An exact pair whose standard contradicts an earlier run proves nothing until a person has looked."""
    bench = bakery.workshop().describe(bakery.process(bakery.size))
    bench.report_run(bench.standard.setting, {"size": 80.0}, source="log")
    bench.propose(steam=True, because="b")
    for run in bench.ask(n=2):
        bench.tell(run, size=90.0 if run.side == "increment" else 100.0)
    assert bench.head.andon is not None
    assert bench.standard.number == 1
    bench.clear("the log was of another oven", by="ana")
    bench.wheel.settle()
    assert bench.standard.number == 2


# ── deciding ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_named_person_consents(bakery: Any) -> None:
    """Nobody else; afterwards nothing waits."""
    bench = waiting(bakery)
    with pytest.raises(OutOfTurn, match="must be given by ana; got it from bo"):
        bench.consent("bo")
    standard = bench.consent("ana", "tasty")
    assert (standard.number, standard.by, bench.trials[0].consent) == (2, "ana", "ana")
    with pytest.raises(OutOfTurn):
        bench.consent("ana")


def test_a_refusal_ends_the_wait(bakery: Any) -> None:
    """With a lesson; the same may be proposed again."""
    bench = waiting(bakery)
    bench.refuse("ana", "too dark")
    assert (bench.standard.number, bench.trials[0].refused) == (1, "ana")
    assert bench.lessons[0].text.endswith("ana refused it: too dark")
    assert bench.propose(heat=230.0, because="b").nod.answer == "worked_before"


def test_a_guard_that_breaks_while_consent_is_awaited_stops_the_trial(bakery: Any) -> None:
    """In a pair that was under way when the verdict fell."""
    bench = proposed(bakery, consent="ana", guards=(bakery.guard(metric="taste", at_most=20.0),))
    floor = evidence.pairs_floor(0.025)
    runs = bench.ask(n=2 * floor + 6)
    for run in runs[:-2]:
        bench.tell(run, taste=better(run))
        if bench.head.trials[0].verdict is not None:
            last = run
            break
    later = [run for run in runs if run.block == last.block + 1]
    for run in later:
        bench.tell(run, taste=25.0 if run.side == "increment" else 5.0)
    assert bench.trials[0].stopped.reason == "guard"
    assert bench.standard.number == 1


def test_a_rollback_takes_the_next_number(bakery: Any) -> None:
    """To the standard before, or one that is named; the history keeps all."""
    bench = proposed(bakery)
    bakery.play(bench, better)
    assert bench.rollback("too dark", by="cy").setting["heat"] == 220.0
    assert bench.rollback("not so dark", to=2).setting["heat"] == 230.0
    assert [standard.number for standard in bench.standards] == [1, 2, 3, 4]
    with pytest.raises(OutOfTurn, match="earlier standard; got 9"):
        bench.rollback("b", to=9)
    assert bench.head.counts.adopted == 1  # a rollback is no adoption


def test_what_stands_on_an_old_standard_is_superseded(bakery: Any) -> None:
    """By an adoption, by a rollback, and by whatever moved the standard without saying so."""
    bench = bakery.bench(trials=1)
    for heat in (230.0, 240.0):
        bench.propose(heat=heat, because="b")
    bakery.play(bench, better)
    assert [refused.proposal for refused in entries(bench, Refused)] == [2]
    bench.propose(heat=240.0, because="b")
    bench.ask()
    bench.propose(heat=250.0, because="b")
    declared = Standard(
        number=3, setting=bakery.increment(heat=200.0).after, evidence="declared", because="b", by="loop", of=2
    )
    bench.wheel.ledger.append("loaf", [Adopted(standard=declared)], by="loop")
    bench.wheel.settle()
    assert str(bench.trials[1].stopped) == "stopped: superseded (standard 3 has replaced it)"
    assert (bench.head.trials, bench.head.proposals) == ((), ())
    assert bench.head.counts.adopted == 1  # declared is not proven


def test_a_settled_trial_of_an_old_standard_is_dropped_not_judged(bakery: Any) -> None:
    """Else the wheel would jam on a verdict that nobody may act on."""
    bench = proposed(bakery)
    floor = evidence.pairs_floor(0.025)
    *most, last = bench.ask(n=2 * floor)
    for run in most:
        bench.tell(run, taste=better(run))
    declared = Standard(
        number=2, setting=bakery.increment(heat=200.0).after, evidence="declared", because="b", by="loop", of=1
    )
    bench.wheel.ledger.append("loaf", [Adopted(standard=declared)], by="loop")
    bench.tell(last, taste=better(last))
    assert bench.trials[0].stopped.reason == "superseded"


# ── amending ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_amended_process_lets_a_trial_go_on_or_ends_it(bakery: Any) -> None:
    """A policy may change under a trial, what it measures may not; the same description changes nothing."""
    bench = proposed(bakery)
    bench.ask()
    assert not bench.amend(bench.process, because="b")
    assert bench.amend(bakery.process(pairs=9), because="b")
    assert (len(bench.head.trials), bench.head.trials[0].trial.design.pairs) == (1, 40)
    assert bench.amend(bakery.process(bakery.taste, bakery.size), because="b")
    assert (bench.head.trials, bench.head.era) == ((), bench.head.seq)


def test_describing_again_amends_and_leaves_the_budget(bakery: Any) -> None:
    """The budget is the ledger's: a recipe without one does not take it away."""
    bench = bakery.bench(runs=50)
    again = bakery.workshop().describe(bakery.replace(bakery.process(), about="our bread"))
    assert (again.process.about, again.process.policy.runs) == ("our bread", 50)
    assert len(entries(bench, Amended)) == 1


def test_an_amendment_that_rules_scouts_out_does_not_choke_the_planner(bakery: Any) -> None:
    """Settings that no longer fit are neither candidates nor faults to keep away from."""
    bench = bakery.bench(planner=SmallSteps())
    for _ in range(12):
        run = bench.ask()
        if run.setting["steam"]:
            bench.fault(run)
        else:
            bench.tell(run, taste=better(run))
    process = bench.process
    narrow = bakery.replace(process, parameters=(Real(name="heat", low=219.0, high=221.0), *process.parameters[1:2]),
                            standard=Setting(heat=220.0, minutes=40))  # fmt: skip
    assert bench.amend(narrow, because="a new oven without steam")
    for _ in range(12):
        run = bench.ask()
        assert narrow.allows(run.setting)
        bench.tell(run, taste=better(run))
    assert bench.recommended() == ()


def test_a_late_reading_from_before_a_metric_was_added_chokes_nobody(bakery: Any) -> None:
    """Its run ends after the amendment, without a reading of its own: neither planner nor andon may trip over it."""
    again = scout(bakery, heat=231.0)
    bench = bakery.bench(again, again, process=bakery.process())
    first = bench.ask("ana", lease=30.0)
    bakery.clock.advance(31)
    second = bench.ask("bo")
    bench.tell(first, taste=5.0, by="ana")
    bench.amend(bakery.process(bakery.taste, bakery.size), because="b")
    bench.fault(second)
    assert bench.runs[0].values == {"taste": 5.0}
    run = bench.ask()
    bench.tell(run, taste=5.0, size=100.0)
    assert bench.head.andon is None
    assert bench.recommended() == ()
    assert [known.scatter.sd for known in bench.noise().metrics if known.scatter.sd] == []


# ── budgets ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_budget_is_in_all_or_so_many_more(bakery: Any) -> None:
    """It is written into the policy; the same budget again writes nothing."""
    bench = bakery.bench(*[scout(bakery, heat=220.0 + n) for n in range(1, 9)])
    grant(bench, runs=2, seconds=None, money=None, by="ana")
    assert len(bakery.play(bench, better)[1]) == 2
    grant(bench, runs="+3", seconds=90.0, money=5.0, by="ana")
    policy = bench.process.policy
    assert (policy.runs, policy.seconds, policy.money) == (5, 90.0, 5.0)
    seq = bench.head.seq
    grant(bench, runs=5, seconds=None, money=None, by="ana")
    assert bench.head.seq == seq
    assert len(bakery.play(bench, better)[1]) == 3
    with pytest.raises(Mistake):
        grant(bench, runs=-1, seconds=None, money=None, by="ana")


def test_an_interrupted_last_pair_is_finished_within_the_budget(bakery: Any) -> None:
    """A lost run was paid for when it was handed out; its second attempt needs no more budget."""
    bench = proposed(bakery, runs=2)
    bench.ask("ana", n=2, lease=30.0)
    bakery.clock.advance(31)
    _, made = bakery.play(bench, better)
    assert [run.attempt for run in made] == [2, 2]
    assert bench.head.spent.runs == 2


def test_an_error_budget_that_allows_no_proof_refuses_or_rests(bakery: Any) -> None:
    """A person's proposal is refused with the reason; a planner's ends the turn, else it would propose for ever."""
    bench = proposed(bakery, pairs=3)
    assert bakery.play(bench, better)[1] == []
    assert entries(bench, Refused)[0].note == "the error budget asks for 6 pairs, the policy allows 3"
    assert "needs" not in bench.budget_left()
    eager = bakery.workshop(*[proposing(bakery, heat=230.0)] * 3, ledger=MemoryLedger()).describe(
        bakery.process(pairs=3)
    )
    why, made = bakery.play(eager, better)
    assert (made, why) == ([], "a run of loaf must wait: the error budget asks for 6 pairs, the policy allows 3")
    assert eager.head.seq == 1


def test_a_tightened_error_budget_shuts_the_door_without_breaking_it(bakery: Any) -> None:
    """What is charged may be more than what is now allowed."""
    bench = proposed(bakery)
    bakery.play(bench, worse)
    bench.amend(bakery.process(false_adoptions=0.001), because="b")
    assert "no trial can be opened" in bench.budget_left()
    assert "cannot be proven now" in bench.outlook()[0]
    bench.propose(heat=240.0, because="b")
    assert bakery.play(bench, better)[1] == []
    assert "used up" in entries(bench, Refused)[-1].note


def test_the_error_budget_is_told_in_sentences(bakery: Any) -> None:
    """Before anybody starts: the least pairs; later, what the noise makes of it."""
    bench = bakery.workshop(*[scout(bakery, heat=220.0 + n) for n in range(1, 4)]).describe(
        bakery.process(bakery.taste, bakery.size)
    )
    said = "error budget: 10 % of 10 % left; the next trial is judged at α = 2.5 % and needs at least 7 pairs"
    assert bench.budget_left() == said
    first, second = bench.outlook()
    assert "needs at least 7 pairs" in first
    assert second == "size: exact, one pair decides"
    quiet, wild = type(bakery)(), type(bakery)()
    bench = proposed(quiet)
    quiet.play(bench, worse)
    assert "about" in bench.outlook()[0]
    bench = proposed(wild)
    wild.play(bench, lambda run: run.id * 7919 % 101)
    assert "more than the 40 pairs that the policy allows" in bench.outlook()[0]
    exact = bakery.workshop(ledger=MemoryLedger()).describe(bakery.process(bakery.size))
    assert exact.budget_left() == ""  # nothing is charged there


# ── listening ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_voices_are_written_down_with_the_standard_in_force(bakery: Any) -> None:
    """Whoever speaks, whenever."""
    bench = bakery.bench()
    bench.voice("too dark", by="cy", theme="crust")
    assert (bench.head.counts.voices, bench.story().voices[0].standard) == (1, 1)


def test_the_andon_stops_and_is_cleared_by_name(bakery: Any) -> None:
    """What is under way is still answered, and not judged until the line moves again."""
    bench = proposed(bakery)
    floor = evidence.pairs_floor(0.025)
    runs = bench.ask(n=2 * floor)
    bench.andon("it burns", by="cy")
    for run in runs:
        bench.tell(run, taste=better(run))
    with pytest.raises(OutOfTurn, match="andon pulled by cy"):
        bench.ask()
    assert bench.standard.number == 1
    bench.clear("a tray had been left in", by="ana")
    with pytest.raises(OutOfTurn, match="nothing more was planned"):
        bench.ask()
    assert bench.standard.number == 2
    with pytest.raises(OutOfTurn, match="got one that hangs still"):
        bench.clear("again", by="ana")


def test_a_run_made_elsewhere_teaches_and_proves_nothing(bakery: Any) -> None:
    """Once per key; its setting and reading are checked."""
    bench = bakery.bench()
    setting = bakery.increment(heat=230.0).after
    for _ in range(2):
        bench.report_run(setting, {"taste": 9.0}, source="log.tsv:3", key="log:3", conditions={"machine": "m1"})
    (row,) = bench.runs
    assert (row.source, row.purpose, row.conditions, bench.head.spent.runs) == (
        "log.tsv:3",
        "scout",
        {"machine": "m1"},
        0,
    )
    with pytest.raises(OutOfRange):
        bench.report_run({**setting, "heat": 999.0}, {"taste": 9.0}, source="log")
    assert bench.standard.number == 1


# ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_what_comes_next_is_foreseen_without_writing(bakery: Any) -> None:
    """A scout, an increment, a proposal, a pair of an open trial, or a stop."""
    bench = bakery.bench(scout(bakery, heat=231.0), proposing(bakery, heat=230.0), Stop(because="enough"))
    assert bench.wheel.foresee() == "scout heat=231.0, minutes=40, steam=False (to see)"
    assert bench.wheel.foresee() == "open the trial of heat=230.0 (was 220.0) (b)"
    assert bench.wheel.foresee() == "stop: enough"
    bench.propose(heat=230.0, because="b")
    assert bench.wheel.foresee() == "open the trial of heat=230.0 (was 220.0)"
    bench.ask()
    assert bench.wheel.foresee() == "go on with Trial 1 of standard 1: heat=230.0 (was 220.0) (pair 1)"
    assert bakery.kinds(bench) == ["Described", "Proposed", "Advised", "Opened", "Asked"]


def test_recommended_is_what_scouts_saw_and_no_trial_has_tested(bakery: Any) -> None:
    """Recommended is not proven."""
    plans = [scout(bakery, heat=heat) for heat in (220.5, 230.0)]
    bench = bakery.bench(*plans)
    bench.report_run(bench.standard.setting, {"taste": 5.0}, source="log")
    bakery.play(bench, better)
    assert [one.setting["heat"] for one in bench.recommended()] == [230.0]
    bench.propose(heat=230.0, because="b")
    bakery.play(bench, worse)
    assert bench.recommended() == ()


def test_a_plan_is_written_only_on_the_journal_it_was_made_for(bakery: Any) -> None:
    """While a planner thinks, the world moves: its plan is dropped or kept by what has changed."""
    bench = bakery.bench(trials=2)

    def meanwhile(plan: Any, deed: Any) -> Any:
        def think(journal: Any) -> Any:
            deed()
            return plan(journal) if callable(plan) else plan

        return think

    here = bench.wheel.planner
    here.plans = [
        meanwhile(proposing(bakery, heat=230.0), lambda: bench.propose(heat=240.0, because="first")),  # dropped
    ]
    bench.ask(n=2)
    assert bench.trials[0].trial.increment.after["heat"] == 240.0
    assert bench.head.proposals == ()
    other = type(bakery)()
    bench = other.bench()
    bench.wheel.planner.plans = [
        meanwhile(scout(other, heat=231.0), lambda: bench.voice("hm", by="cy")),  # kept: nothing that matters
        meanwhile(scout(other, heat=232.0), lambda: bench.andon("b", by="cy")),  # dropped
    ]
    assert bench.ask().setting["heat"] == 231.0
    with pytest.raises(OutOfTurn, match="andon"):
        bench.ask()
    assert bench.head.next_run == 2


def thinking(plan: Any, deed: Any) -> Any:
    """Return a plan during which something else happens."""

    def think(journal: Any) -> Any:
        deed()
        return plan(journal) if callable(plan) else plan

    return think


def test_what_matters_not_leaves_a_plan_as_it_is(bakery: Any) -> None:
    """An increment planned while a customer spoke is proposed."""
    bench = bakery.bench()
    bench.wheel.planner.plans = [thinking(proposing(bakery, heat=230.0), lambda: bench.voice("hm", by="cy"))]
    assert bench.ask().trial == 1


def test_a_standard_that_moves_meanwhile_takes_the_plan_with_it(bakery: Any) -> None:
    """It was made for another day."""
    bench = bakery.bench()
    bakery.play(proposed(bakery), better)
    bench.wheel.planner.plans = [
        thinking(scout(bakery, heat=231.0), lambda: bench.rollback("too dark")),
        scout(bakery, heat=232.0),
    ]
    assert bench.ask().setting["heat"] == 232.0


@pytest.mark.parametrize("finished", [False, True])
def test_what_another_planned_meanwhile_is_not_scouted_twice(bakery: Any, finished: bool) -> None:
    """Neither while it is under way, nor once it is known."""
    bench, same = bakery.bench(), scout(bakery, heat=231.0)
    other = bakery.workshop(same)["loaf"]

    def ahead() -> None:
        run = other.ask("bo")
        if finished:
            other.tell(run, taste=5.0)

    bench.wheel.planner.plans = [thinking(same, ahead), scout(bakery, heat=232.0)]
    assert bench.ask("ana").setting["heat"] == 232.0
    assert [run.id for run in bench.asked("ana")] == [2]


def test_an_unknown_process_is_undeclared(bakery: Any) -> None:
    """Whoever asks for it, the known ones are named."""
    workshop = bakery.workshop()
    with pytest.raises(Undeclared, match="known are: none"):
        workshop["loaf"]
    bench = workshop.describe(bakery.process())
    assert list(workshop) == ["loaf"]
    bench.wheel.process = "roll"
    with pytest.raises(Undeclared, match="known are: loaf"):
        bench.wheel.head()


def test_switches_and_conditions_reach_the_increment(bakery: Any) -> None:
    """A parameter that becomes active must be given; consulting checks what proposing would."""
    process = bakery.process()
    water = Real(name="water", low=0.1, high=2.0, when=(When("steam", (True,)),))
    bench = bakery.workshop().describe(bakery.replace(process, parameters=(*process.parameters, water)))
    with pytest.raises(OutOfRange, match="water must be given"):
        bench.consult(steam=True)
    assert bench.propose(steam=True, water=0.5, because="b").increment.changes == {"steam": True, "water": 0.5}


def test_a_null_increment_of_a_planner_is_a_null_trial(bakery: Any) -> None:
    """Its runs have the purpose, so that reports can tell them from others."""
    bench = bakery.bench(lambda journal: null_increment(journal.head.standard, by="plan"))
    assert bench.ask().purpose == "null"


def test_nobody_consents_on_a_stopped_line(tmp_path):
    """The cord stops adoption, too, until it is cleared by name."""
    from kaizen import lower
    from kaizen.parameter import Whole
    from kaizen.process import Policy, Process
    from kaizen.setting import Setting
    from kaizen.workshop import open_workshop

    size = lower("size", exact=True)
    level = Whole(name="level", low=1, high=9)
    pack = Process(
        name="pack", parameters=(level,), metrics=(size,), standard=Setting(level=5), policy=Policy(consent="ana")
    )
    with open_workshop("memory:", root=tmp_path) as shop:
        bench = shop.describe(pack)
        bench.propose(level=6, because="more is less", by="tom")
        for _ in range(2):
            run = bench.ask(by="tom")
            bench.tell(run, size=100.0 - run.setting["level"])
        bench.andon("it smells", by="tom")
        with pytest.raises(OutOfTurn, match="a stopped line must be cleared before anything is adopted"):
            bench.consent(by="ana")
        bench.clear("aired", by="ana")
        assert bench.consent(by="ana").number == 2


def test_a_lost_run_is_not_corrected_into_its_pair(tmp_path):
    """What happened to a run never chooses what counts."""
    from kaizen import lower
    from kaizen.parameter import Whole
    from kaizen.process import Process
    from kaizen.setting import Setting
    from kaizen.workshop import open_workshop

    pack = Process(
        name="pack",
        parameters=(Whole(name="level", low=1, high=9),),
        metrics=(lower("size", exact=True),),
        standard=Setting(level=5),
    )
    with open_workshop("memory:", root=tmp_path) as shop:
        bench = shop.describe(pack)
        run = bench.ask(by="tom")
        bench.fault(run, reason="lost")
        with pytest.raises(OutOfTurn, match="must have been answered in time to be corrected"):
            bench.correct(run.id, size=3.0, because="found it")
