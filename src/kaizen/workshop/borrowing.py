"""Which ledgers of others are attached as memory, under which names, and what is called otherwise there: a plain file.

It lies beside the ledger (``ledger.attached.toml``), for no truth about a process rests on it.
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from kaizen.errors import Malformed, Stuck
from kaizen.workshop.giving import save
from kaizen.workshop.places import ledger_beside

_NAMELESS = (".kaizen", "kaizen", ".git")  # folders that ledgers lie in, which say nothing of whose they are


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """An attached ledger: its name here, where it lies, and what it calls otherwise (see ``kaizen.veteran.renaming``)."""

    name: str
    path: str
    """Its file, or the folder of its recipe."""
    rename: Sequence[str] = ()


class Attached(msgspec.Struct, frozen=True, kw_only=True):
    """All that stands in the file."""

    ledgers: tuple[Attachment, ...] = ()
    here: dict[str, tuple[str, ...]] = {}
    """By own process: what it calls otherwise than the others of its ledger."""


class Lent(msgspec.Struct, frozen=True, kw_only=True):
    """What an attached ledger has to lend."""

    name: str
    path: str
    rename: tuple[str, ...]
    processes: dict[str, int]
    """Runs by process."""
    left_out: str
    """Sentence: why it cannot be read; empty while it can."""

    def __str__(self) -> str:
        """Return ``north: line_a (60 runs), from …``."""
        if self.left_out:
            return f"{self.name} is left out: {self.left_out}"
        told = ", ".join(f"{name} ({runs} run{'' if runs == 1 else 's'})" for name, runs in self.processes.items())
        renamed = f"; {', '.join(self.rename)}" if self.rename else ""
        return f"{self.name}: {told or 'no process yet'}, from {self.path}{renamed}"


# ── the file ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def load(file: Path) -> Attached:
    """Read what is attached; nothing where there is no file.

    Raises:
        Malformed: it cannot be read.
    """
    if not file.exists():
        return Attached()
    import tomllib

    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Malformed(f"{file} must be TOML; got {error}", hint="mend it, or move it away and attach anew") from error
    try:
        ledgers = [{"name": name, **one} for name, one in told.pop("ledger", {}).items()]
        found = msgspec.convert({"ledgers": ledgers, **told}, Attached)
    except (msgspec.ValidationError, AttributeError, TypeError) as error:
        raise Malformed(f"{file} must tell of ledgers; got {error}", hint="kaizen memory --attach writes it") from error
    sealed = (msgspec.structs.replace(one, rename=tuple(one.rename)) for one in found.ledgers)
    return msgspec.structs.replace(found, ledgers=tuple(sealed))


def stamp(file: Path | None) -> tuple[int, int] | None:
    """Return what tells whether the file is still what was read; ``None`` where there is none."""
    try:
        found = file.stat() if file is not None else None
    except OSError:
        return None
    return None if found is None else (found.st_mtime_ns, found.st_size)


def write(file: Path, attached: Attached) -> None:
    """Write what is attached, whole or not at all; no file where that is nothing.

    Raises:
        Stuck: it cannot be written.
    """
    lines = ["# Ledgers attached as memory, by kaizen memory; they are only read.\n"]
    for one in attached.ledgers:
        key = one.name if one.name.isascii() else _quoted(one.name)
        lines += [f"[ledger.{key}]", f"path = {_quoted(one.path)}", f"rename = {_listed(one.rename)}\n"]
    if attached.here:
        lines += ["[here]", *(f"{_quoted(name)} = {_listed(said)}" for name, said in attached.here.items()), ""]
    if attached != Attached():
        save("\n".join(lines).encode(), file)
        return
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise Stuck(f"{file} must be a file that can be removed; got {error.strerror or error}") from error


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _listed(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_quoted, texts))}]"


def ledger_of(place: str | Path) -> Path:
    """Return the ledger that a file, or a folder with a recipe or a ledger in it, means."""
    named = Path(str(place).removeprefix("sqlite:///")).expanduser()
    path = Path(os.path.normpath(named.absolute()))
    if not path.is_dir():
        return path
    inside = path / "ledger.db"
    return inside if inside.exists() else ledger_beside(path)


def name_of(path: Path) -> str:
    """Return what a ledger is called where nobody says: after its file, or the folder of its recipe."""
    told = [path.stem if path.stem != "ledger" else "", *(folder.name for folder in path.parents)]
    named = next((one for one in told if one and one not in _NAMELESS), "other")
    made = "".join(letter if letter.isalnum() or letter == "_" else "_" for letter in named)
    return made if made[:1].isalpha() else f"ledger_{made}"
