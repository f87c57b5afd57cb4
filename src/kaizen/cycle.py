"""The order of the wheel: what comes next, by one table. Pure; the workshop performs and appends.

Theory of operation. Whoever calls ``ask`` or ``improve`` looks at the journal, takes the first row of the
table that applies, writes the entries it calls for, and looks again, until there is work in hand or a reason
to rest. Every row either ends the look (hand out, rest) or writes an entry after which the same row no
longer applies; so a look ends, and a crash between two rows loses nothing: the next caller stands where the
last one stood.

    A   a trial or proposal stands on an old standard        → Drop
    B   a trial has pairs the judge has not seen, and the
        andon is not pulled: a stopped line adopts nothing   → Check
    C   a run was lost twice, or lost after its trial ended  → GiveUp
    D   the andon is pulled                                  → Rest
    E   a trial is better and waits for consent              → Rest
    F   the budget cannot pay for the next run               → Rest
    G   a run was lost once (it is paid for already), or
        waits in the pool                                    → HandOut
    H   a proposal waits and a trial may be opened: those
        that are open together share runs of the standard    → OpenTrial
    I   an open trial can take another block; if a shadow
        pair is due, it comes before row H                   → NextBlock
    J   nothing is open but runs that others have, and no
        trial may be opened                                  → Rest
    K   a proven standard is not watched yet                 → OpenWatch
    L   so many trials were opened since the last copy of the
        standard was tried: a live alarm for the judge       → ProposeNull
    M   otherwise                                            → AskPlanner
"""

from typing import Literal

import msgspec

from kaizen import evidence
from kaizen.allocation import next_block
from kaizen.check import fewest
from kaizen.journal import Head, Journal, Proposal, UnderWay
from kaizen.trial import Run

LOST_TWICE = 2
"""A run lost in this attempt is given up."""

RestReason = Literal["andon", "consent", "budget", "busy", "stop"]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """Judge a trial now (row B)."""

    trial: int


class Drop(msgspec.Struct, frozen=True, kw_only=True):
    """End what stands on an old standard (row A)."""

    trials: tuple[int, ...]
    proposals: tuple[int, ...]


class GiveUp(msgspec.Struct, frozen=True, kw_only=True):
    """Write down as lost (row C)."""

    runs: tuple[Run, ...]


class Rest(msgspec.Struct, frozen=True, kw_only=True):
    """Hand out nothing now, and why (rows D E F J, and a planner's stop)."""

    reason: RestReason
    because: str


class HandOut(msgspec.Struct, frozen=True, kw_only=True):
    """Hand out one waiting or lost run (row G)."""

    run: Run


class NextBlock(msgspec.Struct, frozen=True, kw_only=True):
    """Start the next block of trials: one run of the standard for all of them (row I)."""

    trials: tuple[int, ...]


class OpenTrial(msgspec.Struct, frozen=True, kw_only=True):
    """Open the trial of a proposal (row H)."""

    proposal: Proposal


class OpenWatch(msgspec.Struct, frozen=True, kw_only=True):
    """Open the watch of today's standard beside the one before (row K)."""


class ProposeNull(msgspec.Struct, frozen=True, kw_only=True):
    """Propose a copy of the standard (row L)."""


class AskPlanner(msgspec.Struct, frozen=True, kw_only=True):
    """Ask the planner for a scout or an increment (row M)."""


Step = Check | Drop | GiveUp | Rest | HandOut | NextBlock | OpenTrial | OpenWatch | ProposeNull | AskPlanner


def next_step(journal: Journal) -> Step:
    """Return the first row of the table that applies; total and pure."""
    return (
        _drop(journal.head)
        or _check(journal)
        or _give_up(journal)
        or _rest(journal)
        or _hand_out(journal)
        or _trial_work(journal)
    )


def allocate(journal: Journal) -> tuple[int, ...]:
    """Return the open trials that share the next block, none if none can take any (see ``kaizen.allocation``)."""
    can = [open_ for open_ in journal.head.trials if _takes_block(open_) and open_.trial.purpose != "shadow"]
    return next_block(can) if can else ()


def next_alpha(head: Head) -> float:
    """Return the α of the next trial, by the error budget of the process.

    Never more than A itself: adoptions by exact metrics are charged nothing and earn all the same, and forty of them
    must not let the next noisy trial adopt whatever it likes.
    """
    policy = head.process.policy
    limit = policy.false_adoptions
    return min(limit, evidence.alpha(head.charged, head.counts.adopted, limit=limit, share=policy.share))


def unprovable(head: Head) -> str:
    """Return why the error budget and the policy's patience leave no trial that could prove anything; empty if they do."""
    alpha, most = next_alpha(head), head.process.policy.pairs
    if head.process.exact:
        return ""
    if alpha <= 0:
        return f"the error budget is used up: {head.charged:.3g} is charged, the policy now allows less"
    needed = fewest(head.process.policy, alpha)
    if most is None or needed <= most:
        return ""
    return f"the error budget asks for {needed} pairs, the policy allows {most}"


def affordable(head: Head, runs: int) -> str:
    """Return why the budget cannot pay for so many more runs; empty if it can."""
    policy, spent = head.process.policy, head.spent
    out = sum(1 for run in head.runs if run.attempt > 0)
    if policy.runs is not None and spent.runs + out + runs > policy.runs:
        left = "cannot pay for another pair" if spent.runs + out < policy.runs else "is spent"
        return f"the budget of {policy.runs} runs {left} ({spent.runs} made, {out} under way)"
    if policy.seconds is not None and spent.seconds >= policy.seconds:
        return f"the budget of {policy.seconds:g} s is spent ({spent.seconds:.4g} s used)"
    if policy.money is not None and spent.money >= policy.money:
        return f"the budget of {policy.money:g} is spent ({spent.money:g} told)"
    return ""


def _drop(head: Head) -> Drop | None:
    number = head.standard.number
    trials = tuple(open_.trial.id for open_ in head.trials if open_.trial.increment.of != number)
    proposals = tuple(waiting.id for waiting in head.proposals if waiting.increment.of != number)
    return Drop(trials=trials, proposals=proposals) if trials or proposals else None


def _check(journal: Journal) -> Check | None:
    """Look at what is new; of a trial that waits for consent, too: a guard may yet break in a pair that was under way."""
    if journal.head.andon is not None:
        return None
    for open_ in journal.head.trials:
        seen = 0 if open_.verdict is None else open_.verdict.pairs
        if len(open_.trial.pairs) > journal.looked.get(open_.trial.id, seen):
            return Check(trial=open_.trial.id)
    return None


def _give_up(journal: Journal) -> GiveUp | None:
    head = journal.head
    gone = tuple(
        run for run in head.runs if run.id in journal.lost
        and (run.attempt >= LOST_TWICE or (run.trial is not None and not _awaited(head, run)))
    )  # fmt: skip
    return GiveUp(runs=gone) if gone else None


def _awaited(head: Head, run: Run) -> bool:
    trials = {seat.trial for seat in run.seats()}
    return any(open_.trial.id in trials and open_.verdict is None for open_ in head.trials)


def _rest(journal: Journal) -> Rest | None:
    head = journal.head
    if head.andon is not None:
        return Rest(reason="andon", because=str(head.andon))
    for open_ in head.trials:
        if open_.verdict is not None:
            name = head.process.policy.consent
            return Rest(
                reason="consent", because=f"trial {open_.trial.id} is better and waits for the consent of {name}"
            )
    lost = any(run.id in journal.lost for run in head.runs)
    because = affordable(head, 0 if lost else 1)
    return Rest(reason="budget", because=because) if because else None


def _hand_out(journal: Journal) -> HandOut | None:
    runs = journal.head.runs
    lost = (run for run in runs if run.id in journal.lost)
    run = next(lost, None) or next((run for run in runs if run.attempt == 0), None)
    return HandOut(run=run) if run else None


def _trial_work(journal: Journal) -> Step:
    head = journal.head
    shadow = _shadow_due(head)
    tested = [open_ for open_ in head.trials if open_.trial.purpose != "shadow"]
    room = len(tested) < head.process.policy.trials
    if shadow is None and head.proposals and room:
        return OpenTrial(proposal=head.proposals[0])
    trials = allocate(journal) if shadow is None else (shadow,)
    if trials:
        paid = next((n for n in range(len(trials), 0, -1) if not affordable(head, 1 + n)), 0)
        return NextBlock(trials=trials[:paid]) if paid else Rest(reason="budget", because=affordable(head, 2))
    if head.proposals or (tested and not room):
        return Rest(reason="busy", because="the open trial waits for runs that are under way")
    if _watch_due(head):
        return OpenWatch()
    return ProposeNull() if _null_due(head) else AskPlanner()


def _watch_due(head: Head) -> bool:
    """Tell whether today's standard, proven in noise, is to be watched beside the one before."""
    standard, before = head.standard, head.before
    if not head.process.policy.shadow or head.process.exact or standard.evidence != "proven" or before is None:
        return False
    return standard.number > head.watched and standard.trial is not None and head.process.allows(before.setting)


def _shadow_due(head: Head) -> int | None:
    """Return the watch that is to have its next pair: so many runs go into it of those since it was opened."""
    for open_ in head.trials:
        if open_.trial.purpose == "shadow" and _takes_block(open_):
            made = 2 * len(open_.trial.blocks)
            if made < head.process.policy.shadow * (head.spent.runs - open_.since):
                return open_.trial.id
    return None


def _null_due(head: Head) -> bool:
    """Tell whether a copy of the standard is to be tried: it costs no α, since it is never adopted."""
    every, counts = head.process.policy.nulls, head.counts
    if not every or head.process.exact or unprovable(head):
        return False
    return (counts.trials - counts.nulls) // every > counts.nulls and not affordable(
        head, 2 * fewest(head.process.policy, next_alpha(head))
    )


def _takes_block(open_: UnderWay) -> bool:
    most = open_.trial.design.pairs
    return open_.verdict is None and (most is None or len(open_.trial.blocks) < most)
