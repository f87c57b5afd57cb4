"""``kaizen prove OLD..NEW -- COMMAND``: what is measured, how it is shown, and the exit status that scripts go by."""

import argparse
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kaizen.errors import Clash, Malformed, Undeclared
from kaizen.faces.cli import place
from kaizen.faces.cli.answer import Answer, pairs
from kaizen.faces.cli.improve import INTERRUPTED, STOPPED, Ended, Stop
from kaizen.metric import Metric, metric
from kaizen.noise import amount_of
from kaizen.process import MEASURED, Process, check_pattern
from kaizen.recipes.words import duration
from kaizen.reports.lines import fold_text
from kaizen.workshop import open_workshop
from kaizen.workshop.improving import Moment
from kaizen.workshop.proof import Proof
from kaizen.workshop.proving import UNITS
from kaizen.workshop.proving import prove as ask

NEITHER = 3
"""Exit status where there is no worthwhile difference, or where it cannot be told."""
_STATUS = {"better": 0, "worse": 1, "unfinished": INTERRUPTED}
_OF_A_METRIC = ("metric", "pattern", "better", "worthwhile", "margin", "scale", "exact")


def prove(given: argparse.Namespace) -> Answer:
    """Ask whether NEW is better than OLD; say the answer."""
    _check(given)
    options: dict[str, Any] = {"root": Path.cwd(), **_of_words(given)} if given.process is None else _of_process(given)
    show = _Shown(quiet=given.quiet or given.json)
    if given.declared:
        from kaizen.faces.cli import declared

        try:
            return declared.work_through(given, options, declared.Told(show.say, show.watch, _document))
        finally:
            show.close()
    ledger = place.ledger_of(given)
    stop = Stop(show.say)
    where = "memory:" if ledger is None else ledger
    try:
        with stop.listening():
            proof = ask(
                given.revisions, build=given.build, pairs=given.pairs, alpha=given.alpha, warmup=given.warmup, ledger=where,
                again=given.again, watch=show.watch, handle=stop.take, **options,
            )  # fmt: skip
    except (Ended, KeyboardInterrupt) as end:
        document = {"decision": "unfinished", "reason": "stopped at once"}
        said = "Stopped at once. Nothing is lost: the same command goes on where this one stopped."
        return Answer(said, document, status=STOPPED if isinstance(end, Ended) else INTERRUPTED)
    finally:
        show.close()
    return Answer(_told(proof), _document(proof), status=_STATUS.get(proof.decision, NEITHER))


def _check(given: argparse.Namespace) -> None:
    """Refuse words that belong to the other kind of question."""
    if given.declared and given.again:
        raise Malformed("one question must be named to be asked again; got --again beside --declared",
                        hint="kaizen prove OLD..NEW --again -- COMMAND")  # fmt: skip
    if not given.declared and given.at_most is not None:
        raise Malformed("there must be several questions to ask some of them; got --at-most without --declared",
                        hint="--pairs says how many pairs one question may take")  # fmt: skip
    if not given.declared and given.revisions is None:
        raise Malformed("two revisions must be written OLD..NEW; got nothing",
                        hint="write HEAD~1..HEAD, or --declared to ask about all that was kept without proof")  # fmt: skip


# ── what is asked ─────────────────────────────────────────────────────────────────────────────────────────────────────
def _of_words(given: argparse.Namespace) -> dict[str, Any]:
    """Return command, metrics and readings as the command line has them."""
    within = None if given.within is None else duration(_number(given.within), "--within")
    patterns = pairs(given.pattern, example="--pattern seconds='took ([0-9.]+) s'")
    names = tuple(dict.fromkeys([*given.metric, *patterns])) or ("seconds",)
    for name, pattern in patterns.items():
        check_pattern(pattern, name)
    work = given.work
    return {
        "command": work[0] if len(work) == 1 else shlex.join(work),
        "metrics": _metrics(given, names, patterns),
        "reads": {name: f"pattern:{pattern}" for name, pattern in patterns.items()},
        "within": within,
    }


def _metrics(given: argparse.Namespace, names: Sequence[str], patterns: Any) -> tuple[Metric, ...]:
    better, scale = _each(given.better, names, "better"), _each(given.scale, names, "scale")
    worthwhile, margin = _each(given.worthwhile, names, "worthwhile"), _each(given.margin, names, "margin")
    for name in given.exact:
        _known(name, names, "--exact")
    made = []
    for name in names:
        rules: dict[str, Any] = {
            "better": better.get(name, "lower"), "scale": scale.get(name, "ratio"), "exact": name in given.exact,
            "unit": UNITS.get(name, "") if name in MEASURED and name not in patterns else "",
        }  # fmt: skip
        draft = metric(name, **rules, worthwhile=0.01)
        amounts: dict[str, Any] = {
            key: amount_of(draft, said[name], what=what)
            for key, said, what in (("worthwhile", worthwhile, "what is worthwhile"), ("margin", margin, "the margin"))
            if name in said
        }
        made.append(metric(name, **rules, **amounts))
    return tuple(made)


def _each(words: Sequence[str], names: Sequence[str], option: str) -> dict[str, str]:
    """Read ``VALUE`` for every metric and ``NAME=VALUE`` for one."""
    every: list[str] = []
    found: dict[str, str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign:
            every.append(word)
            continue
        _known(name, names, f"--{option}")
        if name in found:
            raise Clash(f"--{option} of {name} must be given once; got {found[name]!r} and {value!r}")
        found[name] = value
    if len(every) > 1:
        raise Clash(f"--{option} must be given once for all metrics; got {' and '.join(map(repr, every))}",
                    hint=f"--{option} {names[0]}={every[0]} is for one of them")  # fmt: skip
    return {name: every[0] for name in names if every} | found


def _known(name: str, names: Sequence[str], option: str) -> None:
    if name not in names:
        raise Undeclared(f"{option} must be of a metric that is judged; got {name!r}",
                         hint=f"judged are {', '.join(names)}; --metric {name} adds one")  # fmt: skip


def _of_process(given: argparse.Namespace) -> dict[str, Any]:
    """Return the process of the recipe that is asked about, at today's standard."""
    mixed = [f"--{name}" for name in (*_OF_A_METRIC, "within") if getattr(given, name)]
    if mixed or given.work:
        what = mixed[0] if mixed else "a command"
        raise Malformed(f"a process must bring its own command, metrics and limits; got {what} beside --process",
                        hint="change the recipe, or leave --process out")  # fmt: skip
    found = place.find(given)
    described = {process.name: process for process in found.processes}
    if given.process not in described:
        raise Undeclared(f"a process must be one of the recipe; got {given.process!r}",
                         hint=f"known are: {', '.join(described) or 'none: kaizen init writes a recipe'}")  # fmt: skip
    return {"process": _today(described[given.process], found), "root": found.root}


def _today(process: Process, found: place.Place) -> Process:
    """Return a process with today's standard, where the ledger knows a newer one that still fits."""
    if found.ledger is None or not found.ledger.is_file():
        return process
    import msgspec

    with open_workshop(found.ledger, root=found.root) as shop:
        if process.name not in tuple(shop):
            return process
        standard = shop[process.name].standard.setting
    return msgspec.structs.replace(process, standard=standard) if process.allows(standard) else process


def _number(written: str) -> str | float:
    try:
        return float(written)
    except ValueError:
        return written


# ── how it is shown ───────────────────────────────────────────────────────────────────────────────────────────────────
class _Shown:
    """Shows on a terminal how far it has come, in a line that is painted over; sentences of ours in any case."""

    def __init__(self, *, quiet: bool) -> None:
        self._write: Callable[[str], object] | None = None if quiet or not sys.stderr.isatty() else sys.stderr.write
        self._wide = 0

    def watch(self, moment: Moment) -> None:
        """Say how many pairs there are."""
        if self._write is None or moment.done is None:
            return
        trial = moment.head.trials[0].trial if moment.head.trials else None
        self._paint("warming up" if trial is None else f"pair {len(trial.pairs)} of {trial.design.pairs} at most")

    def say(self, said: str) -> None:
        """Say it beside."""
        self.close()
        sys.stderr.write(f"kaizen: {said}\n")
        sys.stderr.flush()

    def close(self) -> None:
        """Wipe the line."""
        if self._write is not None and self._wide:
            self._paint("")
            self._write("\r")

    def _paint(self, said: str) -> None:
        assert self._write is not None, "nobody paints where nobody looks"
        self._write(f"\r{said:<{self._wide}}")
        self._wide = len(said)
        sys.stderr.flush()


def _told(proof: Proof) -> str:
    said = [*fold_text(proof.answer), *fold_text(proof.price, first="  ", indent="  ")]
    if proof.smallest:
        quieter = ", or --metric cpu_seconds where one core does the work" if proof.metrics[0].name == "seconds" else ""
        said += fold_text(f"then: more --pairs, or a longer run{quieter}", first="  ", indent="  ")
    if proof.before:
        said += fold_text("It was answered before; --again asks anew, with an α of its own.", first="  ", indent="  ")
    return "\n".join(said)


def _document(proof: Proof) -> dict[str, Any]:
    """Return the answer for programs: effects in units of gain, and as signed changes of the reading."""
    by_name = {metric.name: metric for metric in proof.metrics}
    verdict = proof.verdict
    effects = [
        {
            "metric": effect.metric, "gain": effect.gain, "low": effect.low, "high": effect.high, "level": effect.level,
            "exact": effect.exact, "change": None if effect.gain is None else by_name[effect.metric].as_change(effect.gain),
            "worthwhile": by_name[effect.metric].worthwhile,
        }
        for effect in (verdict.effects if verdict is not None else ()) if effect.metric in by_name
    ]  # fmt: skip
    return {
        "process": proof.process, "old": proof.old, "new": proof.new, "decision": proof.decision, "said": proof.answer,
        "reason": proof.reason, "effects": effects, "pairs": verdict.pairs if verdict is not None else 0, "most": proof.most,
        "alpha": proof.alpha, "asked": proof.asked, "before": proof.before, "spent": proof.spent, "faults": proof.faults,
        "fault": proof.fault, "smallest": proof.smallest,
    }  # fmt: skip
