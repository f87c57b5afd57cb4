"""``kaizen attach`` and ``kaizen detach``: the nod in a loop that never heard of Kaizen; and what such a loop has left behind."""

import argparse
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kaizen.faces.cli.answer import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kaizen.process import Process
    from kaizen.workshop.attaching import Place, Plan
    from kaizen.workshop.settling import Settled


def attach(given: argparse.Namespace) -> Answer:
    """Show what would change, ask, and do it; then bring in what the loop has left already."""
    from kaizen.workshop import attaching
    from kaizen.workshop.attaching.doing import perform
    from kaizen.workshop.attaching.hooks import runs_here
    from kaizen.workshop.finding import find

    here = Path.cwd()
    found = find(given.recipe, given.ledger)
    named = found.ledger if found.recipe is not None or given.ledger is not None else None
    place = attaching.place_at(here, named)
    settings = _settings(given, place, found.processes)
    planned = attaching.plan(place, settings, runs=runs_here(sys.executable), command=_command(), mcp=given.mcp)
    planned = planned._replace(notes=(*planned.notes, *_lacking(planned)))
    document = _document(planned)
    if planned.nothing:
        settled = _settled(here)
        return Answer("\n".join(["Attached already: nothing to do", *_learned(settled)]), document | {"attached": True})
    diff = attaching.shown(planned)
    agreed = _agreed(given, planned, diff)
    if agreed is not True:
        said = [*([] if agreed is None else [diff.rstrip("\n"), ""]), agreed or "Nothing is changed"]
        return Answer("\n".join(said), document | {"attached": False, "diff": diff}, status=2 if agreed else 0)
    perform(planned)
    settled = _settled(here)
    told = [diff.rstrip("\n"), ""] if given.yes and diff else []
    told += [
        f"Attached: every commit here asks first; the memory is {place.memory}",
        *(f"  {note}" for note in planned.notes),
    ]
    told += [*_learned(settled), "  kaizen detach undoes it, to the byte"]
    learned = None if settled is None else settled._asdict()
    return Answer("\n".join(told), document | {"attached": True, "diff": diff, "settled": learned})


def _document(planned: "Plan") -> dict[str, Any]:
    """Return what is planned, for programs."""
    changes = [str(one.path) for one in planned.changes]
    memory = str(planned.place.memory)
    return {"memory": memory, "changes": changes, "notes": planned.notes, "settings": dict(planned.settings)}


def _settings(given: argparse.Namespace, place: "Place", processes: "Sequence[Process]") -> dict[str, Any]:
    """Return what the hook and the next command must know, as it is wanted now, else as it was."""
    from kaizen.intention import read_attached
    from kaizen.workshop.attaching import log_at
    from kaizen.workshop.importing import name_of

    known = read_attached(place.memory) or {}
    return {
        "process": name_of(given.process) if given.process else known.get("process") or _name(place, processes),
        "strict": bool(given.strict),
        "log": log_at(place, Path(given.log)) if given.log else known.get("log") or "",
        "ledger": os.path.relpath(place.ledger, place.memory),
    }


def _name(place: "Place", processes: "Sequence[Process]") -> str:
    """Return the process's name: the recipe's only one, else that of the folder."""
    from kaizen.workshop.importing import name_of

    if len(processes) == 1:
        return processes[0].name
    return name_of((place.top or place.common).name.removesuffix(".git"))


def _command() -> str:
    """Return how a client starts Kaizen: by its name where the path knows it."""
    return "kaizen" if shutil.which("kaizen") else str(Path(sys.executable).with_name("kaizen"))


def _lacking(planned: "Plan") -> tuple[str, ...]:
    """Say where clients are told of a server that cannot be started yet."""
    told = any(one.kind not in ("hook", "block") for one in planned.changes)
    return (
        ("kaizen mcp takes more to start: pip install 'kaizen-engine[mcp]'",) if told and not find_spec("mcp") else ()
    )


def _agreed(given: argparse.Namespace, planned: "Plan", diff: str) -> bool | str | None:
    """Return whether it shall be done; where nobody can be asked, why not; ``None`` where somebody said no."""
    if given.yes:
        return True
    if given.json or not sys.stdin.isatty():
        return "Nothing is changed: this is no terminal, so nobody can be asked; --yes says yes"
    notes = "".join(f"  {note}\n" for note in planned.notes)
    sys.stdout.write(f"{diff}{notes}\nDo this? [y/N] ")
    sys.stdout.flush()
    return True if sys.stdin.readline().strip().lower() in ("y", "yes") else None


def detach(given: argparse.Namespace) -> Answer:
    """Undo what attach did; what is remembered stays."""
    from kaizen.workshop import attaching
    from kaizen.workshop.attaching.doing import undo

    del given
    place = attaching.place_at(Path.cwd())
    undone = undo(place)
    base = place.top or place.common
    told = [f"  {os.path.relpath(one.path, base)} {one.said}" for one in undone]
    stays = f"; what is remembered stays in {place.memory}" if place.memory.is_dir() else ""
    document = {"memory": str(place.memory), "files": [{"path": str(one.path), "said": one.said} for one in undone]}
    return Answer("\n".join([f"Detached{stays}", *told]), document)


# ── what the loop has left behind ─────────────────────────────────────────────────────────────────────────────────────


def settle_first(command: str) -> None:
    """Bring in what an attached loop left, before a command looks; whatever goes wrong, the command goes on."""
    if command in _APART:
        return
    from kaizen.intention import read_attached, repository_of

    try:
        repository = repository_of(Path.cwd(), os.environ)
        if repository is None or read_attached(repository.memory) is None:
            return
        from kaizen.workshop.settling import settle

        settle(Path.cwd())
    except Exception:  # noqa: BLE001 - the next command tries again, and attach tells what is wrong
        return


_APART = frozenset({"attach", "autopsy", "demo", "detach", "doctor", "init", "mcp"})
"""Commands that look at no ledger, or must not change the one that they look at."""


def _settled(here: Path) -> "Settled | None":
    from kaizen.workshop.settling import settle

    return settle(here, again=True)


def _learned(settled: "Settled | None") -> list[str]:
    from kaizen.reports.lines import count, fold_text

    if settled is None:
        return []
    told = []
    if settled.intentions:
        told.append(f"  {count(settled.intentions, 'commit')} seen: {settled.kept} kept, {settled.discarded} discarded")
    if settled.imported:
        told.append(f"  {count(settled.imported, 'run')} of its log reported to process {settled.process}")
    return told + [line for note in settled.notes for line in fold_text(note, first="  ", indent="    ")]
