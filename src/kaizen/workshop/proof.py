"""The answer to one question, as its trial stands: a frozen value, and its words."""

import math
import statistics
from collections.abc import Mapping
from typing import Literal

import msgspec

from kaizen.doers.local.revisions import Commit
from kaizen.evidence.noise import smallest_gain
from kaizen.journal import Tested
from kaizen.metric import Metric
from kaizen.reports.lines import count
from kaizen.trial import Fault, Side, Spend, gains
from kaizen.verdict import Verdict
from kaizen.workshop.bench import Bench

Answered = Literal["better", "worse", "not_worthwhile", "futile", "undecided", "unfinished"]

_ODDS = 0.8  # of the smallest difference that is said to be in reach
_FEW = 3  # differences that tell an sd


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one question."""

    process: str
    """The question's name in the ledger."""
    old: Commit
    new: Commit
    decision: Answered
    """``unfinished``: it was interrupted, and the same question goes on."""
    verdict: Verdict | None
    """As the pairs stand, with intervals; nothing before the first pair, or where a guard ended it."""
    reason: str
    metrics: tuple[Metric, ...]
    alpha: float
    most: int
    """Pairs at the most."""
    asked: int
    """How often this question was asked, this time counted."""
    spent: Spend
    """By all runs, those to warm up among them."""
    faults: Mapping[Side, int]
    """How many runs of the pairs gave no reading, by side: the standard is OLD, the increment NEW."""
    fault: str = ""
    """One of them, in words."""
    smallest: str = ""
    """Where it cannot be told: the smallest difference that ``most`` pairs tell with odds of 80 %, as noisy as they were."""
    before: bool = False
    """Whether it was answered by an earlier call; nothing was run for this one."""

    def __str__(self) -> str:
        """Return the answer in two sentences."""
        return f"{self.answer}\n{self.price}"

    @property
    def answer(self) -> str:
        """Which is better, by how much, in how many pairs."""
        new, old, said = self.new, self.old, self.found
        if self.verdict is not None:
            said += f" over {count(self.verdict.pairs, 'pair')}"
        match self.decision:
            case "better" | "worse":
                answer = f"{new} is {self.decision} than {old}: {said}"
            case "not_worthwhile":
                wanted = ", ".join(f"{metric.amount(metric.worthwhile)} of {metric.name}" for metric in self.metrics)
                answer = f"No worthwhile difference between {old} and {new} ({wanted} would be): {said}"
            case "unfinished":
                return f"Not answered yet: {said}; the same command goes on."
            case _:
                answer = f"It cannot be told whether {new} is better or worse than {old}: {said} ({self.reason})"
        sides: tuple[tuple[Side, Commit], ...] = (("increment", new), ("standard", old))
        failed = [f"{name} failed in {self.faults[side]}" for side, name in sides if self.faults.get(side)]
        return f"{answer}; {' and '.join(failed)} ({self.fault})." if failed else f"{answer}."

    @property
    def price(self) -> str:
        """What it was judged at, and what it took."""
        if self.alpha:
            times = (
                f"; asked {self.asked} times, so up to {self.asked * self.alpha:.3g} in all" if self.asked > 1 else ""
            )
            judged = f"Judged both ways at α = {self.alpha:g}, as a question of its own{times}"
        else:
            judged = "Compared as they read, since all metrics are exact"
        seconds = f"{self.spent.seconds:.3g} s of running"
        runs = count(self.spent.runs, "run")
        tells = f" Within {self.most} pairs a difference of {self.smallest} can be told here." if self.smallest else ""
        return f"{judged}; it took {runs}, {seconds}.{tells}"

    @property
    def found(self) -> str:
        """What NEW does to each metric, with intervals; why that is not known."""
        if self.verdict is None:
            return self.reason or "no pair is complete"
        by_name = {metric.name: metric for metric in self.metrics}
        said = [effect.spell(by_name[effect.metric]) for effect in self.verdict.effects if effect.metric in by_name]
        return ", ".join(said) or self.reason


def proof_of(bench: Bench, old: Commit, new: Commit, *, asked: int, before: bool) -> Proof:
    """Read the answer to a question from its process, as far as it goes."""
    head, process = bench.head, bench.process
    test = next(iter(bench.trials), None)
    verdict = bench.check(test.id) if test is not None else None
    if test is not None and test.stopped is not None:
        decision: Answered = "worse" if test.stopped.reason == "guard" else "undecided"
        reason = str(test.stopped)
    elif verdict is None or not verdict.settled:
        decision, reason = "unfinished", "" if verdict is None else verdict.reason
    else:
        decision, reason = verdict.decision, verdict.reason
    rows = bench.wheel.ledger.runs(bench.name, trial=test.id) if test is not None else ()
    failed = [row for row in rows if isinstance(row.outcome, Fault)]
    faults: dict[Side, int] = {}
    for row in failed:
        if row.side is not None:
            faults[row.side] = faults.get(row.side, 0) + 1
    cannot = decision in ("futile", "undecided")
    return Proof(
        process=bench.name, old=old, new=new, decision=decision, verdict=None if decision == "unfinished" and not rows else verdict,
        reason=reason, metrics=process.metrics, alpha=0.0 if process.exact else process.policy.false_adoptions,
        most=1 if process.exact else process.policy.patience, asked=asked, spent=head.spent, faults=faults,
        fault=str(failed[0].outcome) if failed else "", before=before,
        smallest=_smallest(bench, test) if cannot and test is not None else "",
    )  # fmt: skip


def _smallest(bench: Bench, test: Tested) -> str:
    """Say the smallest difference of the first noisy metric that its trial had odds of 80 % to tell."""
    wheel, trial = bench.wheel, bench.wheel.as_run(test)
    metric = next((metric for metric in trial.design.metrics if not metric.exact), None)
    if metric is None:
        return ""
    finite = [gain for gain in gains(metric, trial.pairs) if math.isfinite(gain)]
    sd = statistics.stdev(finite) if len(finite) > 2 else 0.0
    if sd <= 0:
        return ""
    gain = smallest_gain(lambda size: wheel.judge.prospect(trial.design, gain=size, sd=sd).odds, sd=sd, wanted=_ODDS)
    return "" if gain is None else f"{metric.amount(abs(metric.as_change(gain)))} of {metric.name}"
