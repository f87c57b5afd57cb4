"""What was proven in one process, carried over to others of its kind: as a proposal there, for each proves for itself.

Related are processes that have every parameter that was changed, and read a metric that it was proven by. What counts is proof
that still stands: adopted by a trial, not rolled back, and not changed again since. What a process has today already says nothing
new; what was tried there, does not fit there, or goes the other way from where it stands is left, with the reason.
"""

import math
from collections.abc import Iterator

import msgspec

from kaizen.errors import Mistake
from kaizen.journal import Head, Journal, Kept, Memory, Tested
from kaizen.parameter import Parameter, Real, Whole
from kaizen.setting import Setting, Value
from kaizen.standard import Increment, increment
from kaizen.veteran.elsewhere import spelled
from kaizen.veteran.grades import is_better, is_precedent, rolled_back
from kaizen.veteran.transfer import fitted, knows, metric_of

BY = "carry"
"""In whose name a proposal is made that nobody asked for by hand."""

_PROCESSES = 200  # that are looked at, the latest described
_SHARED = 0.5  # of the parameters, that processes have in common whose metric only means better the same way


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """A proven standard of another process, as a change to this one's."""

    process: str
    """Where it was proven: ``line_a``, or ``line_a@north`` in the ledger that is called so."""
    standard: int
    changes: Setting
    """What it would set here, in this one's words."""
    because: str
    """``adopted in line_a as standard 4: burnt -3.1% … over 6 pairs``."""
    made: Increment | None = None
    """The change to today's standard; ``None`` where it fits none."""
    left: str = ""
    """Why it is not to be proposed; empty where it may be."""

    @property
    def key(self) -> str:
        """What tells it from all others that were proposed: proposed once for each standard here."""
        return f"carry:{self.process}:{self.standard}:{self.made.of if self.made is not None else 0}"

    def __str__(self) -> str:
        """Return ``grind=12, adopted in line_a as standard 2: …``, and why it is left."""
        return f"{self.changes}, {self.because}{f'; not proposed: {self.left}' if self.left else ''}"


def carried(memory: Memory, journal: Journal) -> tuple[Carried, ...]:
    """Return what related processes have proven and this one has not, the closest first; a function of the memory alone."""
    head = journal.head
    tests = tuple(journal.history.trials())
    found = []
    for name in memory.processes()[-_PROCESSES - 1 :]:
        other = memory.head(name) if name != head.process.name else None
        if other is None or not other.counts.adopted:
            continue
        for kept, test in _standing(memory, other, name):
            close = _closeness(head, other, test)
            one = None if close is None else _here(head, name, kept, test, tests)
            if one is not None:
                found.append((close, kept.at, one))
    return tuple(one for *_, one in sorted(found, key=lambda entry: (entry[0], entry[1]), reverse=True))


def _standing(memory: Memory, other: Head, name: str) -> Iterator[tuple[Kept, Tested]]:
    """Yield the proven standards of a process whose changes still stand there, each with its trial."""
    standards = memory.standards(name)
    gone, tests = rolled_back(standards), {test.id: test for test in memory.trials(name)}
    seen: set[int] = set()
    for kept in standards:
        trial = kept.standard.trial
        if kept.standard.evidence != "proven" or trial is None or trial in seen or kept.standard.number in gone:
            continue
        seen.add(trial)
        test = tests.get(trial)
        if test is None or not is_better(test):
            continue
        changes, today = test.trial.increment.changes, other.standard.setting
        if changes and all(_same(value, today.get(name)) for name, value in changes.items()):
            yield kept, test


def _closeness(head: Head, other: Head, test: Tested) -> tuple[bool, float] | None:
    """Return how close another process is; ``None`` where it is not related, by what this trial changed and was proven by."""
    process, there = head.process, other.process
    known = {parameter.name for parameter in process.parameters if knows(parameter, there)}
    if not set(test.trial.increment.changes) <= known:
        return None
    share = len(known) / len(process.parameters)
    proven = {metric.name: metric.better for metric in test.trial.design.metrics}
    named = any(proven.get(metric.name) == metric.better for metric in process.metrics)
    alike = share >= _SHARED and metric_of(there, process.metrics[0]) is not None
    return (named, share) if named or alike else None


def _here(head: Head, name: str, kept: Kept, test: Tested, tests: tuple[Tested, ...]) -> Carried | None:
    """Look at one proven standard from here; ``None`` where all of it is today's standard already."""
    made, today, verdict = test.trial.increment, head.standard.setting, test.verdict
    assert verdict is not None, "it was judged better"
    because = f"adopted in {spelled(name)} as standard {kept.standard.number}: "
    because += verdict.spell(test.trial.design.metrics).removeprefix("better: ")
    one = Carried(process=name, standard=kept.standard.number, changes=made.changes, because=because)
    try:
        values = {what: fitted(head.process.parameter(what), value) for what, value in made.changes.items()}
        fresh = Setting({what: value for what, value in values.items() if not _same(value, today.get(what))})
        if not fresh:
            return None
        one = msgspec.structs.replace(one, changes=fresh)
        against = [said for what in fresh if (said := _against(head.process.parameter(what), made, today, fresh[what]))]
        if against:
            return msgspec.structs.replace(one, left=" and ".join(against))
        here = increment(head.process, head.standard, fresh, because=because, by=BY)
    except Mistake as mistake:
        return msgspec.structs.replace(one, left=mistake.message)
    return msgspec.structs.replace(one, made=here, left=_tried(head, here, tests))


def _against(parameter: Parameter, made: Increment, today: Setting, value: Value) -> str:
    """Say why a change of one parameter does not follow from where this process stands; empty where it does."""
    name, old, mine = parameter.name, made.before.get(parameter.name), today.get(parameter.name)
    if old is None or mine is None or _same(old, mine):
        return ""
    if isinstance(parameter, Real | Whole) and not any(isinstance(one, str | bool) for one in (old, mine, value)):
        onward = (float(value) - float(old)) * (float(value) - float(mine)) > 0
        return "" if onward else f"{name} went from {old!r} to {value!r} there, and is {mine!r} here, beyond that"
    return f"{name} was {old!r} there, and is {mine!r} here"


def _tried(head: Head, made: Increment, tests: tuple[Tested, ...]) -> str:
    """Say where it is in flight or was tried: against this standard, or carried over from there against any."""
    for open_ in head.trials:
        if open_.trial.increment.after == made.after and open_.trial.purpose == "trial":
            return f"trial {open_.trial.id} is testing it now"
    for waiting in head.proposals:
        if waiting.increment.after == made.after:
            return f"proposal {waiting.id} waits for its trial"
    for test in reversed(tests):
        was = test.trial.increment
        again = was.because == made.because or (was.of == made.of and was.after == made.after)
        if again and is_precedent(test):
            how = test.verdict.decision.replace("_", " ") if test.verdict is not None else str(test.stopped)
            return f"trial {test.id} of standard {was.of} tried it: {how}"
    return ""


def _same(one: Value, other: Value | None) -> bool:
    if isinstance(one, str | bool) or isinstance(other, str | bool) or other is None:
        return type(one) is type(other) and one == other
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
