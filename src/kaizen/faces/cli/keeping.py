"""To begin, and to keep the ledger sound."""

import argparse
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kaizen.errors import Clash, Malformed, Stuck
from kaizen.faces.cli import place
from kaizen.faces.cli.answer import Answer
from kaizen.ledgers.sqlite import SqliteLedger
from kaizen.recipes import toml
from kaizen.reports.lines import count
from kaizen.reports.text import attempts


def init(given: argparse.Namespace) -> Answer:
    """Write the starter recipe; one that is there stays as it is."""
    path = Path(given.recipe or ".")
    path = path / toml.RECIPE if path.is_dir() else path
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(toml.write_example())
    except FileExistsError:
        hint = "it is left as it is; --recipe FOLDER writes elsewhere"
        raise Clash(f"a starter recipe must be a new file; got {path}, which is there", hint=hint) from None
    except OSError as error:
        raise Stuck(f"{path} must be a file that can be written; got {error.strerror or error}") from error
    name = toml.read(path)[0].name
    told = [f"Wrote {path}: change it into your own process.", f"  then: kaizen outlook {name}; kaizen improve {name}"]
    return Answer("\n".join(told), {"file": str(path), "process": name})


def demo(given: argparse.Namespace) -> Answer:
    """Improve something, here and now."""
    from kaizen.faces.cli.demo import run

    return run(as_json=given.json)


def doctor(given: argparse.Namespace) -> Answer:
    """Look at every page, hash and read model."""
    from kaizen.ledgers import driver

    with _ledger(given) as (ledger, path):
        findings = ledger.verify()
        heads = [] if findings else [head for name in ledger.processes() if (head := ledger.head(name)) is not None]
    entries = max((head.seq for head in heads), default=0)
    sqlite = str(driver.library().sqlite_version)
    told = [
        f"Ledger   {path} ({path.stat().st_size / 1024:.0f} KiB)",
        f"SQLite   {sqlite}, Python {platform.python_version()}",
    ]
    for head in heads:
        counts = head.counts
        made = f"{counts.told + counts.faulted + counts.late} answers, {count(attempts(head), 'trial')}"
        told.append(f"Process  {head.process.name}: {made}, standard {head.standard.number}")
    told += [f"Damaged  {finding}" for finding in findings]
    mend = "kaizen rebuild mends read models; entries come back from a backup"
    told.append(f"  {mend}" if findings else f"Sound    {entries} entries, every one as it was written")
    document = {
        "ledger": str(path), "sqlite": sqlite, "python": platform.python_version(), "entries": entries,
        "processes": {head.process.name: head.counts for head in heads}, "findings": findings, "sound": not findings,
    }  # fmt: skip
    return Answer("\n".join(told), document, status=1 if findings else 0)


def backup(given: argparse.Namespace) -> Answer:
    """Copy the ledger to a new file."""
    with _ledger(given) as (ledger, path):
        ledger.backup(given.file)
    return Answer(f"Copied {path} to {given.file}", {"ledger": str(path), "file": given.file})


def rebuild(given: argparse.Namespace) -> Answer:
    """Build the read models again."""
    with _ledger(given) as (ledger, path):
        ledger.rebuild()
    return Answer(f"Rebuilt the read models of {path}", {"ledger": str(path), "rebuilt": True})


@contextmanager
def _ledger(given: argparse.Namespace) -> Iterator[tuple[SqliteLedger, Path]]:
    """Open the ledger file itself.

    Raises:
        Malformed: it is none on disk.
    """
    with place.shop_at_rest(given) as shop:
        if not isinstance(shop.ledger, SqliteLedger):
            raise Malformed("a ledger must be a file to be looked after; got another kind")
        yield shop.ledger, Path(shop.ledger.path)
