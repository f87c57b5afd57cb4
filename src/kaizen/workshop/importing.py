"""Foreign records in a ledger: how their rows become runs and standards.

A row becomes a ``Reported`` run: it teaches, and proves nothing. What a loop kept is ``Adopted`` as declared: it moves the
standard, spends no α, and is never counted as a gain. Each run carries the key of its row, so importing again adds nothing but
what is new.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from kaizen import act
from kaizen.errors import Mistake
from kaizen.foreign import Foreign, Row, Unread, Wanted
from kaizen.foreign.describing import IMPORTED, fits, process_of, settings_of, widened
from kaizen.journal import Head
from kaizen.ledger import Adopted, Entry, Reported, Taught
from kaizen.process import Process
from kaizen.setting import Numbers, Setting, Texts
from kaizen.standard import Standard
from kaizen.trial import Fault, Outcome, Reading
from kaizen.veteran.words import parse
from kaizen.workshop import Workshop
from kaizen.workshop.bench import Bench

_BATCH = 500  # rows written at a time


class Taken(NamedTuple):
    """What came of an import."""

    process: str
    described: bool
    """Whether the process was described from the source."""
    reported: int
    faults: int
    """Of ``reported``: runs without a reading."""
    declared: int
    """Keeps that became declared standards."""
    there: int
    """Rows that were in the ledger already."""
    lessons: int
    left: tuple[Unread, ...]
    """Rows that could not be read, or that are no run of the process."""
    said: tuple[str, ...]
    """What was inferred."""


def take(
    shop: Workshop, foreign: Foreign, *, name: str | None = None, wanted: Wanted | None = None, by: str = "me"
) -> Taken:
    """Write a foreign record into the ledger, as runs of a process that is described from it if it is not known.

    Raises:
        Malformed: there is no metric, no parameter or no direction to describe it by.
    """
    process = name_of(name or foreign.process or Path(foreign.source).stem)
    said: tuple[str, ...] = ()
    described = process not in tuple(shop)
    if described:
        settings = settings_of(foreign)
        made, said = process_of(foreign, process, wanted or Wanted())
        bench = shop.describe(made, by=by)
    else:
        bench = shop[process]
        settings = settings_of(foreign, (parameter.name for parameter in bench.process.parameters))
        _widen(bench, settings, by)
    taker = _Taker(bench, foreign, settings, by)
    left = [*foreign.unread, *taker.take()]
    lessons = sum(taker.teach(text) for text in foreign.lessons)
    return Taken(process, described, taker.reported, taker.faults, taker.declared, taker.there, lessons,
                 tuple(sorted(left, key=lambda one: one.line)), (*foreign.notes, *said))  # fmt: skip


def name_of(text: str) -> str:
    """Return the name of a process that is called so elsewhere."""
    name = re.sub(r"[.-]{2,}|^\W+|\W+$", "", re.sub(r"[^\w.-]+", "-", text)) or "imported"
    return name if re.match(r"[^\W\d]", name) else f"log-{name}"


def _widen(bench: Bench, settings: Mapping[str, Setting], by: str) -> None:
    """Widen the ranges of a process that is known from imports alone, where new rows lie outside."""
    process = bench.process
    if not process.about.startswith(IMPORTED) or all(process.allows(setting) for setting in settings.values()):
        return
    wider = widened(process, list(settings.values()))
    if wider != process:
        bench.amend(wider, because="imported runs lie outside of the ranges met before", by=by)


class _Taker:
    """Writes the rows of one source, many at a time; a row's key stands behind ``#`` in the source of its run."""

    def __init__(self, bench: Bench, foreign: Foreign, settings: Mapping[str, Setting], by: str) -> None:
        self._bench, self._foreign, self._settings, self._by = bench, foreign, settings, by
        self._ledger = bench.wheel.ledger
        self._process: Process = bench.process
        self._known: set[str] = set()
        self._read = 0
        self.reported = self.faults = self.declared = self.there = 0

    def take(self) -> list[Unread]:
        """Write all rows that are new; return those that are no run of the process, and why."""
        left: list[Unread] = []
        good: list[tuple[Row, Setting, Outcome]] = []
        for row in self._foreign.rows:
            why = fits(row, self._process)
            try:
                if not why:
                    outcome: Outcome = row.fault or Reading(values=self._reading(row))
                    good.append((row, self._sealed(self._settings.get(row.key, row.setting)), outcome))
            except Mistake as mistake:
                why = mistake.message
            if why:
                left.append(Unread(line=row.line, because=why, text=row.words[:120]))
        for first in range(0, len(good), _BATCH):
            batch = good[first : first + _BATCH]
            self._bench.wheel.command(lambda head, batch=batch: self._entries(head, batch), by=self._by)  # type: ignore[misc]
        return left

    def _entries(self, head: Head, batch: Sequence[tuple[Row, Setting, Outcome]]) -> tuple[Entry, ...]:
        """Return the entries of rows that the ledger does not have; what a loop kept moves the standard."""
        self._look()
        entries: list[Entry] = []
        run, standard = head.next_run, head.standard
        for row, setting, outcome in batch:
            if row.key in self._known:
                self.there += 1
                continue
            self._known.add(row.key)
            source = f"{self._foreign.source}:{row.line}#{row.key}"
            entries.append(
                Reported(run=run, setting=setting, outcome=outcome, source=source, conditions=self._conditions(row))
            )
            run += 1
            self.reported += 1
            self.faults += isinstance(outcome, Fault)
            if row.decision != "kept" or isinstance(outcome, Fault) or setting == standard.setting:
                continue
            because = row.words or f"kept in {self._foreign.source}:{row.line}"
            ended = () if self._declared_here(entries) else act.superseded(head)
            standard = Standard(
                number=standard.number + 1,
                setting=setting,
                evidence="declared",
                because=because,
                by=self._by,
                of=standard.number,
            )
            entries += [Adopted(standard=standard), *ended]
            self.declared += 1
        return tuple(entries)

    @staticmethod
    def _declared_here(entries: Sequence[Entry]) -> bool:
        return any(isinstance(entry, Adopted) for entry in entries)

    def _look(self) -> None:
        """Note the keys of all runs that were imported up to now."""
        for run in self._ledger.runs(self._bench.name, after=self._read):
            self._read = max(self._read, run.seq)
            _, sign, key = run.source.rpartition("#")
            if sign:
                self._known.add(key)

    def teach(self, text: str) -> bool:
        """Write one lesson as testimony; return whether it is new."""
        key = f"import:lesson:{hashlib.blake2b(text.encode(), digest_size=10).hexdigest()}"
        if self._ledger.answered(self._bench.name, key) is not None:
            return False
        self._bench.wheel.command(lambda _: (Taught(text=text),), by=self._by, key=key, request=key)
        return True

    def _sealed(self, setting: Setting) -> Setting:
        """Return a setting as the process keeps it; what a table wrote as a number may be meant as text."""
        try:
            return self._process.setting(setting)
        except Mistake:
            told = {
                name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in setting.items()
            }
            if not self._process.allows(told):
                raise
            return self._process.setting(told)

    def _reading(self, row: Row) -> Numbers:
        return self._process.reading({one.name: row.metrics[one.name] for one in self._process.metrics})

    def _conditions(self, row: Row) -> Texts:
        """Return what the run happened under; of a log in words also the sentence, its knobs and the decision."""
        known = {one.name for one in self._process.metrics}
        found = {
            **row.conditions,
            **{name: f"{value:.12g}" for name, value in row.metrics.items() if name not in known},
        }
        if self._foreign.in_words and row.words:
            knobs = "; ".join(str(knob) for knob in parse(row.words).knobs)
            found |= {"words": row.words, "decision": row.status or row.decision, **({"knobs": knobs} if knobs else {})}
        return Texts(found)
