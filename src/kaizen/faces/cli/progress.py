"""How improving is shown: painted on a terminal, a line per event elsewhere, records for programs.

Nothing here has a thread or a timer: the doer forks, so a picture is painted when something happened.
"""

import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from kaizen.faces.cli.answer import record_document
from kaizen.journal import Head
from kaizen.ledger import (
    Adopted,
    Corrected,
    Judged,
    Late,
    Learned,
    Opened,
    Pulled,
    Record,
    RolledBack,
)  # fmt: skip
from kaizen.reports import lines
from kaizen.reports.text import spent, under_way
from kaizen.trial import Fault, Run
from kaizen.workshop.bench import Bench
from kaizen.workshop.improving import Moment

_TOLD = (Adopted, Corrected, Judged, Late, Learned, Opened, Pulled, RolledBack)
"""What a person wants to hear of beside runs."""
_LATEST = 6


class Watching(Protocol):
    """Shows moments; closed when the wheel rests."""

    def watch(self, moment: Moment) -> None:
        """Show a moment."""
        ...

    def say(self, said: str) -> None:
        """Show a sentence of ours."""
        ...

    def close(self) -> None:
        """Show no more; twice does no harm."""
        ...


class _Reader:
    """Reads the records that are new since the last look."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._seq = bench.head.seq

    def new(self) -> list[Record]:
        found = list(self._bench.wheel.ledger.read(self._bench.name, after=self._seq))
        if found:
            self._seq = found[-1].seq
        return found


class Records:
    """Prints every record as a line of JSON, as ``kaizen log --json`` does."""

    def __init__(self, bench: Bench, write: Callable[[dict[str, Any]], None], *, quiet: bool) -> None:
        """Print by ``write``; nothing if ``quiet``."""
        self._reader = _Reader(bench)
        self._write = write
        self._quiet = quiet

    def watch(self, _: Moment) -> None:
        """Print what is new."""
        for record in () if self._quiet else self._reader.new():
            self._write(record_document(record))

    def say(self, said: str) -> None:
        """Say it beside, where no program reads."""
        _beside(said)

    def close(self) -> None:
        """Nothing is open."""


class Lines:
    """Prints one plain line for each event."""

    def __init__(self, bench: Bench, write: Callable[[str], None], *, quiet: bool, runs: bool = True) -> None:
        """Print by ``write``, what proof will take first; nothing if ``quiet``, and no single runs without ``runs``."""
        self._reader = _Reader(bench)
        self._write = write
        self._quiet = quiet
        self._runs = runs
        if not quiet:
            for sentence in (str(bench.standard), *bench.outlook()):
                write(sentence)

    def watch(self, moment: Moment) -> None:
        """Print what came of a run, and what followed."""
        if self._quiet:
            return
        if moment.done is not None and self._runs:
            self._write(f"{_clock()}  {run_line(moment.done.run, lines.outcome_words(moment.done.outcome))}")
        for record in self._reader.new():
            if isinstance(record.entry, _TOLD):
                self._write(f"{_clock()}  {event_line(record)}")

    def say(self, said: str) -> None:
        """Say it beside."""
        _beside(said)

    def close(self) -> None:
        """Nothing is open."""


class Painted:
    """Paints a small board on a terminal: budget, standard, what is being tried and why, the last events."""

    def __init__(self, bench: Bench) -> None:
        """Begin to paint; what proof will take comes first."""
        from rich.console import Console
        from rich.live import Live

        self._bench = bench
        self._reader = _Reader(bench)
        self._latest: deque[str] = deque(maxlen=_LATEST)
        self._note = ""
        self._began = bench.head.spent
        self._console = Console(highlight=False)
        self._moment = Moment(head=bench.head, running=())
        for sentence in bench.outlook():
            self._console.print(sentence, markup=False)
        self._live: Live | None = Live(self._board(), console=self._console, auto_refresh=False, transient=True)
        self._live.start()

    def watch(self, moment: Moment) -> None:
        """Paint a moment."""
        self._moment = moment
        if moment.done is not None:
            fault = isinstance(moment.done.outcome, Fault)
            if fault:
                self._latest.append(run_line(moment.done.run, lines.outcome_words(moment.done.outcome)))
        for record in self._reader.new():
            if isinstance(record.entry, _TOLD):
                self._latest.append(event_line(record))
                if isinstance(record.entry, Adopted) and self._live is not None:
                    self._live.console.print(f"{_clock()}  {event_line(record)}", markup=False)
        self._paint()

    def say(self, said: str) -> None:
        """Paint a sentence of ours."""
        self._note = said
        self._paint()

    def close(self) -> None:
        """Take the board away."""
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def _paint(self) -> None:
        if self._live is not None:
            self._live.update(self._board(), refresh=True)

    def _board(self) -> Any:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        head = self._moment.head
        facts = Table.grid(padding=(0, 2))
        facts.add_column(style="dim", no_wrap=True)
        facts.add_column(overflow="fold")
        done, wanted = budget(head)
        if wanted:
            facts.add_row("budget", ProgressBar(total=wanted, completed=min(done, wanted), width=60))
        for name, said in board(self._moment, self._bench.budget_left()):
            facts.add_row(name, Text(said))
        for said in self._latest:
            facts.add_row("", Text(said, style="dim"))
        return Group(facts, Text(self._note, style="bold")) if self._note else facts


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def budget(head: Head) -> tuple[float, float]:
    """Return how much of the budget is used, of how much; the tightest one, and 0 of 0 where there is none."""
    policy, used = head.process.policy, head.spent
    limits = ((used.runs, policy.runs), (used.seconds, policy.seconds), (used.money, policy.money))
    known = [(float(done), float(limit)) for done, limit in limits if limit]
    return max(known, key=lambda one: one[0] / one[1], default=(0.0, 0.0))


def board(moment: Moment, budget_left: str) -> list[tuple[str, str]]:
    """Return what a board says, by name: standard, spend, trials, runs under way with their reasons, error budget."""
    head = moment.head
    facts = [("standard", str(head.standard)), ("spent", spent(head))]
    facts += [("trial", under_way(head, open_)) for open_ in head.trials]
    facts += [("trying", f"{run} ({run.because})") for run in moment.running]
    if budget_left:
        facts.append(("error budget", budget_left.removeprefix("error budget: ")))
    if head.andon is not None:
        facts.append(("andon", str(head.andon)))
    return facts


def run_line(run: Run, outcome: str) -> str:
    """Say what came of a run on one line."""
    return f"{run.purpose:<8} {run} → {outcome}"


def event_line(record: Record) -> str:
    """Say an event on one line."""
    return f"{type(record.entry).__name__.lower():<8} {lines.entry_words(record.entry)}"


def _clock() -> str:
    return time.strftime("%H:%M:%S")


def _beside(said: str) -> None:
    sys.stderr.write(f"kaizen: {said}\n")
    sys.stderr.flush()
