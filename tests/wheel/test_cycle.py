"""The order of the wheel: each row of the table, and which goes before which."""

from typing import Any

import pytest

from kaizen.cycle import (
    AskPlanner,
    Check,
    Drop,
    GiveUp,
    HandOut,
    NextBlock,
    OpenTrial,
    Rest,
    affordable,
    allocate,
    next_alpha,
    next_step,
    unprovable,
)  # fmt: skip
from kaizen.journal import Counts, Proposal
from kaizen.trial import Spend
from kaizen.verdict import Verdict
from kaizen.voice import Andon

BETTER = Verdict(decision="better", settled=True, reason="r", effects=(), pairs=1, evidence=9.0, needed=3.7, method="m")
PULLED = Andon(because="it smells burnt", by="cy")


def proposal(bakery: Any, of: Any = 1) -> Any:
    return Proposal(id=3, increment=bakery.increment(of=of))


def step(bakery: Any, *trials: Any, lost: Any = (), looked: Any = None, **fields: Any) -> Any:
    return next_step(bakery.journal(bakery.head(*trials, **fields), lost=frozenset(lost), looked=looked or {}))


def test_row_a_ends_what_stands_on_an_old_standard_before_anything_is_judged(bakery: Any) -> None:
    """Trials are never re-based, and one that is settled as well must not be judged against the wrong standard."""
    old = bakery.trial((5, 9), number=4, of=7)
    assert step(bakery, old, proposals=(proposal(bakery, of=7), proposal(bakery)), andon=PULLED) == Drop(
        trials=(4,), proposals=(3,)
    )


def test_row_b_judges_pairs_that_the_judge_has_not_seen(bakery: Any) -> None:
    """Each complete pair is looked at once; half a pair is not looked at."""
    trial = bakery.trial((5, 6), (5, None))
    assert step(bakery, trial) == Check(trial=1)
    assert step(bakery, trial, looked={1: 1}) == NextBlock(trials=(1,))
    assert step(bakery, bakery.trial((5, None))) == NextBlock(trials=(1,))


def test_row_b_looks_at_pairs_that_come_while_consent_is_awaited(bakery: Any) -> None:
    """A guard may yet break in a pair that was under way when the verdict fell."""
    assert isinstance(step(bakery, bakery.trial((5, 6)), verdict=BETTER), Rest)
    assert step(bakery, bakery.trial((5, 6), (5, 6)), verdict=BETTER) == Check(trial=1)


def test_a_stopped_line_adopts_nothing(bakery: Any) -> None:
    """While the andon is pulled no verdict falls; once it is cleared the trial is judged as it stands."""
    assert step(bakery, bakery.trial((5, 6)), andon=PULLED).reason == "andon"


def test_row_c_gives_up_what_was_lost_twice_or_after_its_trial_ended(bakery: Any) -> None:
    """A run lost once is tried again on the same side; twice, it is scored; without its trial, nobody waits for it."""
    first, second = bakery.run(1, attempt=1), bakery.run(2, attempt=2)
    orphan = bakery.run(3, attempt=1, trial=8, block=0, side="standard")
    runs = (first, second, orphan)
    assert step(bakery, runs=runs, lost={1, 2, 3}) == GiveUp(runs=(second, orphan))
    assert step(bakery, runs=runs, lost={1}) == HandOut(run=first)
    of_open = bakery.run(4, attempt=1, trial=1, block=0, side="standard")
    assert step(bakery, bakery.trial((None, None)), runs=(of_open,), lost={4}) == HandOut(run=of_open)
    assert step(bakery, bakery.trial((5, 6)), runs=(of_open,), lost={4}, verdict=BETTER) == GiveUp(runs=(of_open,))


def test_row_d_hands_nothing_out_while_the_andon_is_pulled(bakery: Any) -> None:
    """Runs in the pool, trials and proposals wait."""
    rest = step(bakery, bakery.trial(), andon=PULLED, runs=(bakery.run(1),), proposals=(proposal(bakery),))
    assert (rest.reason, rest.because) == ("andon", "andon pulled by cy: it smells burnt")


def test_row_e_waits_for_consent_by_name(bakery: Any) -> None:
    """Nothing is tried against a standard that is about to be replaced."""
    rest = step(
        bakery, bakery.trial((5, 6)), verdict=BETTER, process=bakery.process(consent="ana"), runs=(bakery.run(1),)
    )
    assert rest.reason == "consent"
    assert rest.because.endswith("trial 1 is better and waits for the consent of ana")


@pytest.mark.parametrize(
    ("policy", "spent"),
    [({"runs": 5}, Spend(runs=5)), ({"seconds": 60.0}, Spend(seconds=60.0)), ({"money": 9.0}, Spend(money=9.5))],
)
def test_row_f_rests_when_the_budget_is_spent(bakery: Any, policy: Any, spent: Any) -> None:
    """Runs, seconds and told money are counted in all, whoever made the runs."""
    process = bakery.process(**policy)
    assert step(bakery, process=process, spent=spent, runs=(bakery.run(1),)).reason == "budget"
    assert affordable(bakery.head(process=process), 1) == ""


def test_row_f_counts_what_is_under_way_and_pays_for_a_lost_run_once(bakery: Any) -> None:
    """Four made and one under way leave nothing of five; but if that one is lost, its second attempt is paid for."""
    process, out = bakery.process(runs=5), bakery.run(1, attempt=1)
    fields = {"process": process, "spent": Spend(runs=4)}
    assert step(bakery, runs=(out, bakery.run(2)), **fields).reason == "budget"
    assert step(bakery, runs=(bakery.run(2), out), lost={1}, **fields) == HandOut(run=out)
    assert step(bakery, runs=(bakery.run(2),), **fields) == HandOut(run=bakery.run(2))


def test_row_f_never_starts_half_a_block(bakery: Any) -> None:
    """One run left is not enough for a pair."""
    head = {"process": bakery.process(runs=5), "spent": Spend(runs=4)}
    assert step(bakery, bakery.trial(), **head).reason == "budget"
    assert step(bakery, bakery.trial(), **{**head, "spent": Spend(runs=3)}) == NextBlock(trials=(1,))


def test_row_g_hands_out_lost_runs_before_waiting_ones(bakery: Any) -> None:
    """A lost run holds up its pair; a waiting one holds up nothing."""
    waiting, lost, out = bakery.run(1), bakery.run(2, attempt=1), bakery.run(3, attempt=1)
    assert step(bakery, runs=(waiting, lost, out), lost={2}) == HandOut(run=lost)
    assert step(bakery, runs=(waiting, out)) == HandOut(run=waiting)
    assert step(bakery, runs=(out,)) == AskPlanner()


def test_row_h_goes_on_with_a_trial_until_its_last_pair_is_handed_out(bakery: Any) -> None:
    """One without a block comes first; one that is full takes none."""
    long, new = bakery.trial((5, 6), (5, 6)), bakery.trial(number=2)
    looked = {1: 2, 2: 1}
    process = bakery.process(trials=3)
    assert step(bakery, long, new, looked=looked, process=process) == NextBlock(trials=(2,))
    short = bakery.trial((5, 6), number=2)
    full = bakery.replace(short, design=bakery.replace(short.design, pairs=1))
    assert step(bakery, long, full, looked=looked, process=process) == NextBlock(trials=(1,))
    assert allocate(bakery.journal(bakery.head(full))) == ()


def test_row_i_opens_a_waiting_proposal_where_there_is_room(bakery: Any) -> None:
    """No more trials are open at once than the policy says."""
    full = bakery.trial((5, 6), most=1)
    fields = {"looked": {1: 1}, "proposals": (proposal(bakery),)}
    assert step(bakery, proposals=fields["proposals"]) == OpenTrial(proposal=proposal(bakery))
    assert step(bakery, full, process=bakery.process(trials=2), **fields) == OpenTrial(proposal=proposal(bakery))
    assert step(bakery, full, **fields).reason == "busy"


def test_row_j_rests_while_others_have_the_last_runs_of_the_open_trial(bakery: Any) -> None:
    """There is nothing to plan for until the trial is answered."""
    assert step(bakery, bakery.trial((5, None), most=1)).reason == "busy"


def test_row_k_asks_the_planner(bakery: Any) -> None:
    """With nothing open, or room beside what is open, the planner is asked."""
    assert step(bakery) == AskPlanner()
    assert step(bakery, bakery.trial((5, None), most=1), process=bakery.process(trials=2)) == AskPlanner()


def test_alpha_shrinks_with_what_is_charged_and_grows_with_adoptions(bakery: Any) -> None:
    """A share of what is left of A (k + 1), the smaller the less is left."""
    assert next_alpha(bakery.head()) == pytest.approx(0.025)
    assert next_alpha(bakery.head(charged=0.06)) == pytest.approx(0.25 * 0.04 * 0.4)
    assert next_alpha(bakery.head(charged=0.06, counts=Counts(adopted=1))) == pytest.approx(0.25 * 0.14 * 0.7)


def test_alpha_never_exceeds_the_budget_of_a_single_false_adoption(bakery: Any) -> None:
    """However many adoptions by exact metrics, which are charged nothing, have come before."""
    head = bakery.head(counts=Counts(adopted=400))
    assert next_alpha(head) == head.process.policy.false_adoptions == 0.1
    assert unprovable(head) == ""


def test_a_trial_that_could_prove_nothing_is_not_opened(bakery: Any) -> None:
    """Patience shorter than the floor, or an error budget that was tightened below what is charged."""
    assert unprovable(bakery.head()) == ""
    assert unprovable(bakery.head(process=bakery.process(pairs=3))).endswith("asks for 6 pairs, the policy allows 3")
    assert "used up" in unprovable(bakery.head(charged=0.2))
    assert unprovable(bakery.head(process=bakery.process(bakery.size), charged=0.2)) == ""
