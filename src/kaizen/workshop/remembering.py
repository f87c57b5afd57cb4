"""The index of words catches up with the ledger: entries of one process become trials that are remembered by their words.

Nothing of it is truth. It goes on behind the last record that it has seen, and begins anew where that is another one now.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kaizen.autopsy import differing, measures_again
from kaizen.foreign.statuses import decided
from kaizen.hinting import open_index
from kaizen.journal import Head, Tested
from kaizen.ledger import (
    Adopted,
    Amended,
    Consented,
    Judged,
    Opened,
    Proposed,
    Record,
    Refused,
    Reported,
    Retracted,
    RolledBack,
)
from kaizen.metric import Metric
from kaizen.retrievers.fulltext import Fulltext
from kaizen.standard import Increment
from kaizen.trial import Fault, Reading, Spend
from kaizen.veteran.grades import grade, is_better, rolled_back
from kaizen.veteran.nod import at_risk
from kaizen.veteran.retrieving import Came, Remembered
from kaizen.workshop.turning import Store

_BATCH = 500  # records taken in one transaction: whoever asks meanwhile does not wait long
_PATIENCE = 10.0  # s
_RECENT = 50  # runs, trials and repeats that tell what a trial takes and what noise is
NOWHERE: Final = Path(":memory:")
"""Where the index of a ledger in memory lies."""
_WHY = {"memory": "out of memory", "timeout": "too slow", "no reading": "no reading", "lost": "lost"}
_OUTCOMES: dict[str, Came] = {"kept": "kept", "rejected": "discarded", "baseline": "baseline", "undecided": "undecided"}


@contextmanager
def caught_up(ledger: Store, path: Path | None, process: str) -> Iterator[Fulltext]:
    """Open the index of a process, up to date with its ledger at ``path`` (``None`` in memory)."""
    index = Fulltext(NOWHERE, make=True) if path is None else open_index(path, process, patience=_PATIENCE)
    with index:
        try:
            _catch_up(index, ledger, process)
        except Exception as error:
            if not index.is_broken(error):
                raise
            index.begin_anew()
            _catch_up(index, ledger, process)
        yield index


def catch_up(ledger: Store, path: Path, process: str) -> None:
    """Bring the index of a process up to date with its ledger at ``path``, for hints to come."""
    with caught_up(ledger, path, process):
        pass


def _catch_up(index: Fulltext, ledger: Store, process: str) -> None:
    head = ledger.head(process)
    if head is None:
        return
    if not _goes_on(index, ledger, head):
        index.begin_anew()
    first = str(ledger.standards(process)[0].standard.setting)
    more = True
    while more:
        with index.writing():
            follower = _Follower(index, head, first)
            records = tuple(ledger.read(process, after=follower.seq, limit=_BATCH))
            if not records and index.fact("facts") is not None and not follower.is_owed:
                return
            for record in records:
                follower.take(record)
            more = len(records) == _BATCH
            if not more:
                _weigh(index, ledger, head, follower)
            follower.note(records)


def _goes_on(index: Fulltext, ledger: Store, head: Head) -> bool:
    """Tell whether the last record seen is still the same one, and readings still mean the same."""
    seq, at, era = index.fact("mark", (0, 0, head.era))
    last = next(iter(ledger.read(head.process.name, after=seq - 1, limit=1)), None) if seq else None
    return era == head.era and (not seq or (last is not None and (last.seq, last.at) == (seq, at)))


class _Follower:
    """Takes records in order; what it must know of those before stands in the index."""

    def __init__(self, index: Fulltext, head: Head, first: str) -> None:
        self._index = index
        self._head = head
        self._metric: Metric = head.process.metrics[0]
        self.seq, self._at, _ = index.fact("mark", (0, 0, 0))
        state = index.fact("state", {})
        self._standard: int = state.get("standard", 1)
        self._setting: str = state.get("setting", first)  # the standard's
        self._reading: float | None = state.get("reading")  # and what it reads, where a log tells it
        self._apart: list[float] = state.get("apart", [])
        self._last: tuple[str, str, float | None] | None = state.get("last")  # key, setting and reading of the last run
        self.touched: set[int] = set(state.get("touched", ()))
        self.all_touched: bool = state.get("all", False)

    def note(self, records: Sequence[Record]) -> None:
        """Keep what the next records need."""
        if records:
            self.seq, self._at = records[-1].seq, records[-1].at
        self._index.note("mark", (self.seq, self._at, self._head.era))
        state = {"standard": self._standard, "setting": self._setting, "reading": self._reading, "apart": self._apart[-_RECENT:], "last": self._last,
                 "touched": sorted(self.touched), "all": self.all_touched}  # fmt: skip
        self._index.note("state", state)

    @property
    def is_owed(self) -> bool:
        """Whether trials that something happened to are not written yet."""
        return self.all_touched or bool(self.touched)

    @property
    def noise(self) -> float | None:
        """What two readings of one thing differ by, in units of gain."""
        return (differing(self._apart) or None) if self._apart else None

    def take(self, record: Record) -> None:
        """Take one more record."""
        match record.entry:
            case Reported():
                self._report(record, record.entry)
            case Proposed(id=number, increment=made) if not made.is_null:
                self._index.tell([_open(f"proposal {number}", made, record.at)])
            case Opened(trial=trial, proposal=proposal):
                self._index.remove(f"proposal {proposal}")
                self.touched.add(trial.id)
            case Refused(proposal=int() as number):
                self._index.remove(f"proposal {number}")
            case Judged(trial=number) | Consented(trial=number) | Refused(trial=int() as number):
                self.touched.add(number)
            case Adopted(standard=standard):
                self._adopt(standard.number, str(standard.setting), standard.trial)
            case RolledBack(standard=standard) | Amended(standard=standard) if standard is not None:
                self._adopt(standard.number, str(standard.setting), None)
                self.all_touched = True
            case Retracted():
                self.all_touched = True

    def _adopt(self, number: int, setting: str, trial: int | None) -> None:
        self._standard, self._setting, self._reading = number, setting, None
        if trial is not None:
            self.touched.add(trial)
        elif self._last is not None and self._last[1] == setting:
            key, _, self._reading = self._last
            told = self._index.get(key)
            if told is not None:
                self._index.tell([told._replace(outcome="kept")])

    def _report(self, record: Record, entry: Reported) -> None:
        """Take a run that was made elsewhere: one that is told in words is a trial of what they say."""
        said, outcome = entry.conditions.get("words", ""), entry.outcome
        value = outcome.values.get(self._metric.name) if isinstance(outcome, Reading) else None
        key, setting = f"run {entry.run}", str(entry.setting)
        self._last = (key, setting, value)
        self._index.remove(entry.source.rpartition("#")[2])  # it may have been heard of under that name
        status = decided(entry.conditions.get("decision", ""), said)
        effect = None if value is None or self._reading is None else self._metric.gain(value, self._reading)
        if value is not None and (status.decision == "baseline" or setting == self._setting):
            self._reading = value
        if not said:
            return
        came = "baseline" if setting == self._setting else _OUTCOMES[status.decision]
        if isinstance(outcome, Fault):
            came = "discarded" if outcome.reason == "told" else "crashed"
        trial = Remembered(
            key, said, came, self._standard, effect=effect, at=record.at,
            grade="invalid" if record.seq <= self._head.era else "",
            commit=next((str(value) for name, value in entry.setting.items() if name == "revision"), ""),
            print=entry.conditions.get("diff", ""), files=tuple(entry.conditions.get("files", "").split()),
            failure=_WHY.get(outcome.reason, "") if isinstance(outcome, Fault) else "",
        )  # fmt: skip
        self._hear_noise(trial)
        self._index.tell([trial])

    def _hear_noise(self, trial: Remembered) -> None:
        """Note what two readings of one thing differ by: of the standard again, or of one idea under one standard."""
        if trial.effect is None:
            return
        if trial.outcome == "baseline" or measures_again(trial.said):
            self._apart.append(abs(trial.effect))
            return
        before = [
            one for one in self._index.same(trial.said) if one.standard == trial.standard and one.effect is not None
        ]
        if before and before[-1].effect is not None:
            self._apart.append(abs(trial.effect - before[-1].effect))


def _weigh(index: Fulltext, ledger: Store, head: Head, follower: _Follower) -> None:
    """Write the trials that something happened to, and what is known of the process itself."""
    process = head.process.name
    tests = ledger.trials(process) if head.next_trial > 1 else ()
    if follower.is_owed:
        gone = rolled_back(ledger.standards(process))
        unfair = {lesson.trial for lesson in ledger.lessons(process) if lesson.retracted}
        index.tell(
            [
                _tested(test, grade(test, retracted=test.id in unfair, gone=gone), era=head.era, gone=gone)
                for test in tests
                if test.trial.purpose == "trial" and (follower.all_touched or test.id in follower.touched)
            ]
        )
        follower.touched, follower.all_touched = set(), False
    recent = [run for run in ledger.runs(process, latest=_RECENT) if run.spend.runs]
    closed = [test for test in tests if test.trial.purpose == "trial"][-_RECENT:]
    spend = at_risk(closed, recent) if closed or recent else Spend(runs=1)
    metric = head.process.metrics[0]
    facts = {
        "standard": head.standard.number, "noise": follower.noise, "metric": metric.name, "unit": metric.unit,
        "higher": metric.better == "higher", "ratio": metric.scale == "ratio",
        "runs": spend.runs, "seconds": spend.seconds, "money": spend.money,
    }  # fmt: skip
    index.note("facts", facts)


def _open(key: str, made: Increment, at: int) -> Remembered:
    return Remembered(
        key, said_of(made), "open", made.of, at=at, print=made.diff, files=made.files, commit=_revision(made)
    )


def _tested(test: Tested, graded: str, *, era: int, gone: frozenset[int]) -> Remembered:
    """Return one of our own trials as it is remembered."""
    trial = _open(f"trial {test.id}", test.trial.increment, test.at)
    verdict = test.verdict
    effect = verdict.effects[0].gain if verdict is not None and verdict.effects else None
    came: Came = "open"
    if test.adopted is not None:
        came = "kept"
    elif test.stopped is not None and test.stopped.reason != "guard":
        came = "undecided"
    elif test.stopped is not None or test.refused or (verdict is not None and not is_better(test)):
        came = "discarded"
    if came == "open":
        return trial
    back = "reopened" if test.adopted in gone else graded
    said = str(test.stopped) if test.stopped is not None else str(verdict)
    return trial._replace(outcome=came, effect=effect, came=said, grade="invalid" if test.seq <= era else back)


def said_of(made: Increment) -> str:
    """Return an increment as a sentence: in the words it came with, else what it changes and why."""
    return made.words or f"{made}; {made.because}".rstrip("; ")


def _revision(made: Increment) -> str:
    return str(made.after.get("revision", ""))
