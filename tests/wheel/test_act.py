"""ACT: what follows from a verdict, a person's word, a rollback or an amendment."""

from typing import Any

import pytest

from kaizen import act
from kaizen.errors import Contested, Malformed, OutOfTurn
from kaizen.journal import Proposal
from kaizen.ledger import Adopted, Amended, Consented, Judged, Learned, Pulled, Refused, RolledBack
from kaizen.parameter import Real
from kaizen.setting import Setting
from kaizen.standard import Standard
from kaizen.verdict import Verdict


def verdict(decision: Any = "better", *, settled: Any = True, pairs: Any = 8) -> Any:
    return Verdict(
        decision=decision, settled=settled, reason="so", effects=(), pairs=pairs, evidence=4.0, needed=3.7, method="m"
    )


def settle(head: Any, said: Any) -> Any:
    return act.settle(head, head.trials[0], said)


def kinds(entries: Any) -> Any:
    return [type(entry) for entry in entries]


def test_an_open_verdict_changes_nothing(bakery: Any) -> None:
    """The trial goes on."""
    assert settle(bakery.head(bakery.trial((5, 6))), verdict("undecided", settled=False)) == ()


def test_better_becomes_the_next_standard_and_ends_what_stood_on_the_old_one(bakery: Any) -> None:
    """Other trials and proposals are superseded by the same append, so that none is left behind by a crash."""
    other, waiting = bakery.trial(number=2, steam=True), Proposal(id=5, increment=bakery.increment())
    head = bakery.head(bakery.trial((5, 6)), other, proposals=(waiting,))
    judged, adopted, stopped, refused = settle(head, verdict())
    assert judged == Judged(trial=1, verdict=verdict())
    standard = adopted.standard
    assert (standard.number, standard.of, standard.trial, standard.evidence, standard.by) == (
        2,
        1,
        1,
        "proven",
        "automatic",
    )
    assert standard.setting == head.trials[0].trial.increment.after
    assert (stopped.trial, str(stopped.stopped)) == (2, "stopped: superseded (standard 1 was replaced)")
    assert (refused.proposal, refused.trial) == (5, None)


def test_better_waits_where_a_person_must_consent(bakery: Any) -> None:
    """The verdict is written, and nothing else."""
    assert kinds(settle(bakery.head(bakery.trial((5, 6)), process=bakery.process(consent="ana")), verdict())) == [
        Judged
    ]


@pytest.mark.parametrize(
    ("decision", "grade"),
    [
        ("worse", "replicated"),
        ("not_worthwhile", "replicated"),
        ("futile", "within noise"),
        ("undecided", "within noise"),
    ],
)
def test_everything_else_is_a_lesson(bakery: Any, decision: Any, grade: Any) -> None:
    """Its words say that noise is no failure, its scope against which setting it was learnt."""
    judged, learned = settle(bakery.head(bakery.trial((5, 6)), next_lesson=4), verdict(decision))
    assert judged.verdict.decision == decision
    lesson = learned.lesson
    assert (lesson.id, lesson.grade, lesson.trial) == (4, grade, 1)
    assert lesson.scope == "against heat=220.0, minutes=40, steam=False"
    assert lesson.text.startswith("heat=230.0 (was 220.0) — ")
    assert ("not a failure" in lesson.text) == (grade == "within noise")


def test_a_lesson_from_one_fault_is_one_run(bakery: Any) -> None:
    """One crash says less than a replicated loss."""
    head = bakery.head(bakery.trial((5, bakery.crash)))
    assert settle(head, verdict("worse", pairs=1))[1].lesson.grade == "one run"
    assert settle(bakery.head(bakery.trial((5, 4))), verdict("worse", pairs=1))[1].lesson.grade == "replicated"


def test_a_null_trial_is_never_adopted_and_rings_where_it_is_found_better(bakery: Any) -> None:
    """It leaves no lesson; found better it ends, and the andon is pulled."""
    head = bakery.head(bakery.trial((5, 6), null=True))
    assert kinds(settle(head, verdict("futile"))) == [Judged]
    judged, refused, pulled = settle(head, verdict())
    assert kinds((judged, refused, pulled)) == [Judged, Refused, Pulled]
    assert refused.trial == 1
    assert "a copy of the standard better than itself" in pulled.andon.because
    with pytest.raises(OutOfTurn, match="a null trial must never be adopted"):
        act.adopt(head, head.trials[0], verdict(), by="ana")


@pytest.mark.parametrize("said", [verdict("worse"), verdict("better", settled=False)])
def test_only_proof_makes_a_standard(bakery: Any, said: Any) -> None:
    """No other verdict, and no open one, can be adopted."""
    head = bakery.head(bakery.trial((5, 6)))
    with pytest.raises(OutOfTurn, match="must be judged better to be adopted"):
        act.adopt(head, head.trials[0], said, by="ana")


def test_a_trial_of_another_standard_is_never_adopted(bakery: Any) -> None:
    """Trials are not re-based."""
    head = bakery.head(bakery.trial((5, 6), of=7))
    with pytest.raises(Contested, match="of today's standard 1; got one of standard 7"):
        settle(head, verdict())


def waiting_head(bakery: Any, **fields: Any) -> Any:
    return bakery.head(bakery.trial((5, 6)), process=bakery.process(consent="ana"), verdict=verdict(), **fields)


def test_the_named_person_consents(bakery: Any) -> None:
    """Consent and standard are one append, in the name of who agreed."""
    consented, adopted = act.consent(waiting_head(bakery), None, by="ana", note="tasty")
    assert consented == Consented(trial=1, note="tasty")
    assert adopted.standard.by == "ana"
    assert kinds(act.consent(waiting_head(bakery), 1, by="ana", note="")) == [Consented, Adopted]


def test_nobody_else_consents(bakery: Any) -> None:
    """The policy's name is the only one, and there must be something to consent to."""
    with pytest.raises(OutOfTurn, match="must be given by ana; got it from bo"):
        act.consent(waiting_head(bakery), None, by="bo", note="")
    with pytest.raises(OutOfTurn, match="trial 9 must wait for consent"):
        act.consent(waiting_head(bakery), 9, by="ana", note="")
    with pytest.raises(OutOfTurn, match="a trial must wait for consent"):
        act.consent(bakery.head(bakery.trial((5, 6))), None, by="ana", note="")


def test_anybody_consents_where_the_policy_turned_automatic_meanwhile(bakery: Any) -> None:
    """A trial that waits for a name which is no longer asked for is free for all."""
    head = bakery.head(bakery.trial((5, 6)), verdict=verdict())
    assert kinds(act.consent(head, None, by="bo", note="")) == [Consented, Adopted]


def test_a_refusal_teaches(bakery: Any) -> None:
    """What was proven and refused is written down with its reason."""
    refused, learned = act.refuse(waiting_head(bakery), None, by="ana", note="too dark")
    assert refused == Refused(trial=1, note="too dark")
    assert learned.lesson.text.endswith("was proven better, yet ana refused it: too dark")
    assert act.refuse(waiting_head(bakery), None, by="ana", note="")[1].lesson.text.endswith("no reason given")


def test_a_broken_guard_stops_a_trial_with_a_lesson(bakery: Any) -> None:
    """A stop is no verdict."""
    head = bakery.head(bakery.trial((5, 3)))
    judged, learned = act.guard_stop(head, head.trials[0], "taste >= 4")
    assert (judged.verdict, judged.stopped.reason) == (None, "guard")
    assert learned.lesson.text.endswith("broke a guard: taste >= 4")


def test_what_a_correction_means_for_a_trial_that_waits(bakery: Any) -> None:
    """Its verdict is written anew; a lesson if it is no longer better, a stop if a guard broke, a wait if it goes on."""
    head = waiting_head(bakery)
    open_ = head.trials[0]
    assert act.reconsider(head, open_, verdict(), None) == (Judged(trial=1, verdict=verdict(), corrected=True),)
    assert kinds(act.reconsider(head, open_, verdict("undecided", settled=False), None)) == [Judged]
    assert kinds(act.reconsider(head, open_, verdict("worse"), None)) == [Judged, Learned]
    broken = act.reconsider(head, open_, verdict(), bakery.guard(metric="taste", at_least=4.0))
    assert broken[0].stopped.reason == "guard"
    going_on = bakery.head(bakery.trial((5, 6)))
    assert act.reconsider(going_on, going_on.trials[0], verdict(), None) == ()


def test_a_rollback_is_the_next_standard_with_an_earlier_setting(bakery: Any) -> None:
    """It keeps the evidence of what it goes back to, and ends what stood on today's standard."""
    head = bakery.head(bakery.trial((5, 6)))
    to = Standard(
        number=0, setting=bakery.increment(heat=240.0).after, evidence="proven", because="b", by="ana", trial=3
    )
    rolled, stopped = act.roll_back(head, to, because="too dark", by="cy")
    assert (type(rolled), rolled.to, stopped.stopped.reason) == (RolledBack, 0, "superseded")
    standard = rolled.standard
    assert (standard.number, standard.of, standard.evidence, standard.trial) == (2, 1, "proven", 3)
    assert standard.because == "rolled back to standard 0: too dark"
    with pytest.raises(OutOfTurn, match="must go to another standard"):
        act.roll_back(head, head.standard, because="", by="cy")
    hot = bakery.replace(to, setting=Setting({**to.setting, "heat": 999.0}))
    with pytest.raises(OutOfTurn, match="must still fit the process"):
        act.roll_back(head, hot, because="", by="cy")


def test_an_amendment_of_words_or_policy_lets_trials_go_on(bakery: Any) -> None:
    """Nothing that was measured changes its meaning."""
    head = bakery.head(bakery.trial((5, 6)))
    assert act.amend(head, head.process, because="b", by="ana") == ()
    (entry,) = act.amend(head, bakery.replace(head.process, about="our bread"), because="b", by="ana")
    assert (type(entry), entry.comparable, entry.standard) == (Amended, True, None)


def test_an_amendment_of_what_is_measured_ends_trials_and_begins_an_era(bakery: Any) -> None:
    """Readings before and after do not compare."""
    head = bakery.head(bakery.trial((5, 6)))
    stopped, entry = act.amend(head, bakery.process(bakery.taste, bakery.size), because="b", by="ana")
    assert stopped.stopped.reason == "superseded"
    assert (entry.comparable, entry.standard) == (False, None)


def test_an_amendment_that_rules_the_standard_out_gives_the_next_one(bakery: Any) -> None:
    """The description's own setting, given and numbered."""
    head = bakery.head()
    narrow = bakery.replace(
        head.process,
        parameters=(Real(name="heat", low=160.0, high=200.0), *head.process.parameters[1:]),
        standard=bakery.increment(heat=190.0).after,
    )
    (entry,) = act.amend(head, narrow, because="a new oven", by="ana")
    assert (entry.standard.number, entry.standard.evidence, entry.standard.setting["heat"]) == (2, "given", 190.0)
    assert entry.comparable
    with pytest.raises(Malformed):
        act.amend(head, bakery.replace(narrow, name=""), because="b", by="ana")
