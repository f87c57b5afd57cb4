"""``kaizen demo``: improve two real processes found on this machine, and show what came of it. Nothing is canned."""

import os
import sys
import time
from pathlib import Path

from kaizen.errors import Stuck
from kaizen.faces.cli.answer import Answer, head_document
from kaizen.faces.cli.progress import Lines, Painted, Watching
from kaizen.recipes.plants import PLANTS, plant
from kaizen.reports import text
from kaizen.reports.html import page
from kaizen.workshop import Workshop, improve, open_workshop
from kaizen.workshop.bench import Bench
from kaizen.workshop.improving import Improving, Moment

FOLDER = "kaizen-demo"
_WALL = {"sources": 38.0, "binaries": 26.0}
"""Seconds by the clock for each plant; with two workers about 70 s in all."""
_WORKERS = 2

_WELCOME = """\
Kaizen demo: two real processes on this machine, measured for real; your figures will differ from anybody else's.
Each packs files of this Python. Smaller is better quality; CPU seconds are the price. A change is adopted only when
randomised pairs against today's standard prove it: size is exact, CPU time is noisy."""


def run(*, folder: Path | None = None, as_json: bool = False) -> Answer:
    """Improve both plants, one after the other; write a report for each.

    Raises:
        Stuck: this Python has no such files, or the folder cannot be written.
    """
    folder = folder or Path(FOLDER)
    workers = min(_WORKERS, os.cpu_count() or 1)
    said = [] if as_json else [_WELCOME]
    documents = {}
    with open_workshop(folder / "ledger.db", root=folder) as shop:
        for name in PLANTS:
            bench = _bench(shop, name)
            _show("\n\n".join([*said, _heading(bench, workers)]), as_json=as_json)
            moment = _turn(bench, _WALL[name], workers, as_json=as_json)
            report = _report(bench, folder)
            said = [_closing(bench, moment, report)]
            documents[name] = head_document(bench.head) | {"report": str(report)}
    then = f"Turn the wheels further: kaizen demo. Look closer: kaizen show --ledger {folder / 'ledger.db'}"
    return Answer("\n\n".join([*said, then]), documents)


def _bench(shop: Workshop, name: str) -> Bench:
    try:
        process, function = plant(name)
    except OSError as error:
        raise Stuck(f"the demo must find files of this Python to pack; got {error}") from error
    bench = shop.describe(process, by="demo")
    bench.function = function
    return bench


def _heading(bench: Bench, workers: int) -> str:
    process = bench.process
    again = "Going on where the last demo stopped.\n" if bench.head.spent.runs else ""
    rules = "\n".join(f"  {metric.rule}" for metric in process.metrics)
    return (
        f"── {process.name} " + "─" * (96 - len(process.name)) + f"\n{process.about}\n{again}"
        f"{len(process.parameters)} parameters may change; {workers} workers.\n{rules}\n"
    )


def _turn(bench: Bench, wall: float, workers: int, *, as_json: bool) -> Moment:
    """Turn one wheel for so many seconds by the clock, then let the units under way finish."""
    watching: Watching | None = None
    stretch: list[Improving] = []
    ends = time.monotonic() + wall
    if not as_json:
        watching = Painted(bench) if sys.stdout.isatty() else Lines(bench, _line, quiet=False, runs=False)

    def watch(moment: Moment) -> None:
        if watching is not None:
            watching.watch(moment)
        if time.monotonic() > ends:
            stretch[0].stopping = True

    try:
        return improve(bench, workers=workers, by="demo", watch=watch, handle=stretch.append)
    finally:
        if watching is not None:
            watching.close()


def _report(bench: Bench, folder: Path) -> Path:
    path = folder / f"{bench.name}.html"
    path.write_text(page(bench.story(at=time.time_ns() // 1000)), encoding="utf-8")
    return path


def _closing(bench: Bench, moment: Moment, report: Path) -> str:
    proven = sum(1 for standard in bench.standards if standard.evidence == "proven")
    verdict = (
        f"{proven} proven standard{'' if proven == 1 else 's'}" if proven else "no change could be proven in the time"
    )
    why = (
        moment.rest.because if moment.rest is not None and moment.rest.because != "you stopped it" else "the time is up"
    )
    return f"The wheel rests: {why}; {verdict}.\n\n{text.summary(bench.story())}\nReport: {report}"


def _show(said: str, *, as_json: bool) -> None:
    if not as_json:
        _line(said + "\n")


def _line(said: str) -> None:
    sys.stdout.write(said if said.endswith("\n") else f"{said}\n")
    sys.stdout.flush()
