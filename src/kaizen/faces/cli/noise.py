"""``kaizen noise`` and ``kaizen plan-trial``: how far readings differ, and what it takes to prove a gain beside that."""

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

from kaizen.faces.cli import place
from kaizen.faces.cli.answer import Answer, standard_document
from kaizen.faces.cli.improve import INTERRUPTED, STOPPED, Ended, Stop, bench_of, check_work
from kaizen.forecast import TrialPlan
from kaizen.noise import Known, Repeats
from kaizen.process import Hands
from kaizen.recipes.words import duration
from kaizen.reports import lines
from kaizen.reports.noise import noise_text, plan_text
from kaizen.workshop import repeat
from kaizen.workshop.bench import Bench
from kaizen.workshop.improving import Moment

_REPEATS = 20
_THEN = {
    "andon": 'kaizen clear {name} "what was done" --by NAME',
    "consent": "kaizen consent {name} --by NAME, or kaizen refuse {name} --by NAME",
    "budget": "raise runs, seconds or money in the policy of {name}",
}


def noise(given: argparse.Namespace) -> Answer:
    """Run the standard again where that is wanted, or queue it for hands; tell what its readings say."""
    every = 0.0 if given.every is None else duration(_number(given.every), "--every")
    if _only_looks(given):
        with place.at_rest(given, imagine=True) as bench:
            return _told(bench)
    with bench_of(given) as bench:
        if isinstance(bench.process.work, Hands):
            return _queued(bench, given)
        check_work(bench)
        return _run(bench, given, every)


def _only_looks(given: argparse.Namespace) -> bool:
    """Tell whether nothing is to be run: ``-n 0``, or no number where hands do the work."""
    if given.n is not None or (given.process is not None and ":" in given.process):
        return bool(given.n == 0)
    with place.at_rest(given, imagine=True) as bench:
        return isinstance(bench.process.work, Hands)


def _queued(bench: Bench, given: argparse.Namespace) -> Answer:
    new = bench.repeat(given.n, by=given.by)
    then = f"kaizen ask {bench.name} --by NAME hands them out" if bench.noise().waiting else ""
    return _told(bench, f"{lines.count(new, 'repeat')} of the standard queued", then=then)


def _run(bench: Bench, given: argparse.Namespace, every: float) -> Answer:
    say = Said(None if given.json or given.quiet else _write)
    stop = Stop(say.beside)
    wanted = _REPEATS if given.n is None else given.n
    try:
        with stop.listening():
            moment = repeat(bench, wanted, every=every, by=given.by, watch=say.watch, handle=stop.take)
    except (Ended, KeyboardInterrupt) as end:
        status = STOPPED if isinstance(end, Ended) else INTERRUPTED
        return _told(bench, "Stopped at once; what was read is kept, and the same command goes on", status=status)
    assert moment.rest is not None, "the last moment has a reason"
    then = _THEN.get(moment.rest.reason, "").format(name=bench.name)
    return _told(bench, f"It rests: {moment.rest.because}", then=then, status=INTERRUPTED if stop.asked else 0)


def _told(bench: Bench, why: str = "", *, then: str = "", status: int = 0) -> Answer:
    found = bench.noise()
    head = [
        *(lines.fold_text(f"{why}.") if why else []),
        *([f"  then: {then}"] if then else []),
        *([""] if why else []),
    ]
    return Answer("\n".join([*head, noise_text(found)]), noise_document(found) | {"rest": why}, status=status)


def plan_trial(given: argparse.Namespace) -> Answer:
    """Tell what the proof of a gain takes; nothing is written."""
    with place.at_rest(given, imagine=True) as bench:
        plan = bench.plan_trial(given.gain, metric=given.metric, odds=given.odds, sd=given.sd)
    return Answer(plan_text(plan), plan_document(plan))


class Said:
    """Prints a line for each run that is finished."""

    def __init__(self, write: Callable[[str], None] | None) -> None:
        """Print by ``write``, if there is one."""
        self._write = write

    def watch(self, moment: Moment) -> None:
        """Print what came of a run."""
        if self._write is not None and moment.done is not None:
            run, outcome = moment.done.run, lines.outcome_words(moment.done.outcome)
            self._write(f"{time.strftime('%H:%M:%S')}  Run {run.id} → {outcome}\n")

    def beside(self, said: str) -> None:
        """Say it beside, where no program reads."""
        sys.stderr.write(f"kaizen: {said}\n")
        sys.stderr.flush()


def _write(said: str) -> None:
    sys.stdout.write(said)
    sys.stdout.flush()


def _number(written: str) -> str | float:
    try:
        return float(written)
    except ValueError:
        return written


# ── documents; sizes are in units of gain, ``change`` is the signed change of the reading ───────────────────────────
def noise_document(found: Repeats) -> dict[str, Any]:
    """Return what repeats have shown."""
    return {
        "process": found.process.name, **standard_document(found.standard), "runs": found.runs, "faults": found.faults,
        "waiting": found.waiting, "each": found.each, "alpha": found.alpha, "odds": found.odds,
        "metrics": [_known_document(known) for known in found.metrics], "warnings": found.warnings,
    }  # fmt: skip


def _known_document(known: Known) -> dict[str, Any]:
    one = known.scatter
    named = ("readings", "level", "lowest", "highest", "sd", "pair", "ends", "pairs", "order", "drift", "autocorrelation",
             "alike", "cancelled", "varies")  # fmt: skip
    provable = [
        {"pairs": row.pairs, "gain": row.gain, "spend": row.spend,
         "change": None if row.gain is None else one.metric.as_change(row.gain)}
        for row in known.provable
    ]  # fmt: skip
    return {"metric": one.metric.name, **{name: getattr(one, name) for name in named}, "provable": provable}


def plan_document(plan: TrialPlan) -> dict[str, Any]:
    """Return what the proof of a gain takes."""
    named = ("process", "gain", "sd", "known", "alpha", "wanted", "most", "odds", "pairs", "enough", "spend", "smallest",
             "left", "left_odds", "shut", "affordable", "mends")  # fmt: skip
    smallest = None if plan.smallest is None else plan.metric.as_change(plan.smallest)
    beside = [
        {"metric": one.metric.name, "margin": one.metric.margin, "sd": one.sd, "odds": one.odds} for one in plan.beside
    ]
    return {"metric": plan.metric.name, "beside": beside, **{name: getattr(plan, name) for name in named},
            "asked": plan.change, "smallest_change": smallest}  # fmt: skip
