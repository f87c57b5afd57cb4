"""Attaching a git repository: what would change, shown before it is done; done; and undone to the byte.

What was there is kept in the memory, in the common git directory, with a fingerprint of what was written. Undoing puts the
kept bytes back where nobody has changed the file since; where somebody has, only our part is taken out.
"""

import difflib
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from kaizen.errors import Clash, Mistake, Stuck
from kaizen.intention import MEMORY, read_attached
from kaizen.workshop.attaching import grafts, hooks
from kaizen.workshop.places import ledger_beside

BLOCK: Final = (
    "## What was tried here (Kaizen)",
    "- One idea a commit, committed before it is run; the message says the change in a sentence, with its numbers.",
    "- Read what `git commit` prints behind ☝: an idea like yours failed here before, and how often such repeats work.",
    '- Then take another idea, or commit anyway and say in the message what is new: "different because …".',
)
"""What an agent's instructions are told; six lines with the markers."""
INSTRUCTIONS: Final = ("AGENTS.md", "CLAUDE.md", "program.md")
LOGS: Final = ("results.tsv", "autoresearch-results.tsv", "autoresearch/results.tsv", "autoresearch-results/results.tsv",
               ".auto/log.jsonl", "log.jsonl")  # fmt: skip
"""Where loops keep their logs."""


class Place(NamedTuple):
    """A git repository, as attaching sees it."""

    top: Path | None
    """The worktree; ``None`` in a bare repository."""
    common: Path
    hooks: Path
    ledger: Path

    @property
    def memory(self) -> Path:
        """Return the folder of the memory."""
        return self.common / MEMORY


class Change(NamedTuple):
    """One file, before and after."""

    path: Path
    kind: str
    """``hook``, ``block``, ``toml``, or the key of a client's JSON."""
    before: bytes | None
    after: bytes
    ours: bytes = b""


class Plan(NamedTuple):
    """All that attaching would do."""

    place: Place
    settings: Mapping[str, Any]
    changes: tuple[Change, ...]
    notes: tuple[str, ...]
    known: Mapping[str, Any] | None
    """How it is attached already."""

    @property
    def nothing(self) -> bool:
        """Whether all of it is done already."""
        known = self.known or {}
        return not self.changes and all(known.get(name) == said for name, said in self.settings.items())


def place_at(folder: Path, ledger: Path | None = None) -> Place:
    """Find the repository of a folder; the ledger is the worktree's unless another is named.

    Raises:
        Mistake: there is none.
    """
    try:
        common = git(folder, "rev-parse", "--git-common-dir")
        bare = git(folder, "rev-parse", "--is-bare-repository") == "true"
        inside = git(folder, "rev-parse", "--is-inside-work-tree") == "true"
        top = None if bare or not inside else Path(git(folder, "rev-parse", "--show-toplevel"))
        base = top or folder
        found = Path(git(base, "rev-parse", "--git-path", "hooks"))
    except Stuck as error:
        raise Mistake(f"what is attached must be a git repository; got {folder}", hint="git init begins one") from error
    shared = (folder / common).resolve()
    beside = ledger_beside(top) if top is not None and (top / ".git").exists() else shared / MEMORY / "ledger.db"
    return Place(top, shared, (base / found).absolute(), ledger or beside)


def log_at(place: Place, log: Path) -> str:
    """Return how a loop's log is remembered: within a worktree as seen from its top, for each worktree has its own."""
    if place.top is None:
        return str(log)
    path = Path(os.path.normpath(Path.cwd() / log))  # links stay links
    return str(path.relative_to(place.top) if path.is_relative_to(place.top) else path)


# ── what would change ─────────────────────────────────────────────────────────────────────────────────────────────────


def plan(place: Place, settings: Mapping[str, Any], *, runs: hooks.Runs, command: str, mcp: bool = False) -> Plan:
    """Find out what attaching would change; nothing is written.

    Args:
        place: the repository.
        settings: ``process``, ``strict``, ``log``, ``ledger``.
        runs: what the hook starts.
        command: how a client starts Kaizen.
        mcp: whether ``.mcp.json`` is made where there is none.
    """
    changes, notes = [], []
    hook = _hook(place, runs)
    changes += [] if hook is None else [hook]
    if place.top is not None:
        for path, kind in _wanted(place.top, mcp=mcp):
            change = _graft(place.top, path, kind, command=command)
            if isinstance(change, str):
                notes.append(f"{path.relative_to(place.top)} is left alone: {change}")
            elif change is not None and all(change.path != other.path for other in changes):
                changes.append(change)
    notes += _remarks(place, changes)
    return Plan(place, settings, tuple(changes), tuple(notes), read_attached(place.memory))


def _hook(place: Place, runs: hooks.Runs) -> Change | None:
    path = place.hooks / hooks.HOOK
    before = _bytes(path)
    owners = () if _is_ours(place) else (str(place.common),)
    known = None if before is None else hooks.parts(before)
    if known is None:
        if os.path.lexists(place.hooks / hooks.KEPT):
            raise Clash(
                f"a hook that was there before must have room beside ours; got {place.hooks / hooks.KEPT} already",
                hint="look at both, and remove or rename that one",
            )
        return Change(path, "hook", before, hooks.script(before, runs, owners))
    assert before is not None, "it has parts"
    older = _bytes(place.hooks / hooks.KEPT)
    shared = tuple(dict.fromkeys((*known.owners, *owners)))
    after = hooks.script(older, runs, shared) + known.rest.encode("utf-8", "surrogateescape")
    return None if after == before else Change(path, "hook", before, after)


def _is_ours(place: Place) -> bool:
    """Tell whether the folder of hooks belongs to this repository alone."""
    real = place.hooks.resolve()
    return any(folder is not None and real.is_relative_to(folder.resolve()) for folder in (place.common, place.top))


_CLIENTS: Final = (
    (".cursor", "mcp.json", "mcpServers"),
    (".vscode", "mcp.json", "servers"),
    (".codex", "config.toml", "toml"),
)


def _wanted(top: Path, *, mcp: bool) -> list[tuple[Path, str]]:
    """Return the files that are there to be told, or whose folder is."""
    found = [(top / name, "block") for name in INSTRUCTIONS if (top / name).is_file()]
    if mcp or (top / ".mcp.json").is_file():
        found.append((top / ".mcp.json", "mcpServers"))
    return found + [(top / folder / name, kind) for folder, name, kind in _CLIENTS if (top / folder).is_dir()]


def _graft(top: Path, path: Path, kind: str, *, command: str) -> Change | str | None:
    """Return the change of one file, why it is left alone, or nothing where it is done already."""
    real = path.resolve()
    if not real.is_relative_to(top.resolve()):
        return "it is a link to a file outside of the repository"
    try:
        before = _bytes(real)
        if kind == "block":
            graft = grafts.with_block(before or b"", BLOCK)
        elif kind == "toml":
            graft = grafts.with_table(before or b"", command, ["mcp"])
        else:
            server = {"command": command, "args": ["mcp"]}
            graft = grafts.with_server(
                before or b"", kind, {"type": "stdio", **server} if kind == "servers" else server
            )
    except (grafts.Unreadable, OSError) as error:
        return str(error)
    return None if graft is None else Change(real, kind, before, graft.after, graft.ours)


def _remarks(place: Place, changes: Sequence[Change]) -> list[str]:
    told = []
    if place.top is not None:
        tracked = [one.path for one in changes if one.before is not None and _is_tracked(place.top, one.path)]
        names = ", ".join(str(path.relative_to(place.top.resolve())) for path in tracked)
        if names:
            told.append(f"git tracks {names}: commit this before the loop starts, or its first reset takes it back")
    if place.hooks.name == "_" and place.hooks.parent.name == ".husky":
        told.append("husky writes its hooks anew whenever it is installed: attach again after that")
    if any(one.kind == "hook" for one in changes) and not _is_ours(place):
        told.append(f"the hooks of {place.hooks} are shared: in repositories that are not attached, ours says nothing")
    return told


def _is_tracked(top: Path, path: Path) -> bool:
    try:
        return bool(git(top, "ls-files", "--", str(path)))
    except Stuck:
        return False


def shown(planned: Plan) -> str:
    """Return the changes as one unified diff."""
    known = planned.known or {}
    parts = [
        f"setting {name}: {known[name]!r} becomes {said!r}\n"
        for name, said in planned.settings.items()
        if name in known and known[name] != said
    ]
    for one in planned.changes:
        name = os.path.relpath(one.path, planned.place.top or planned.place.common)
        before = (one.before or b"").decode("utf-8", "backslashreplace").splitlines(keepends=True)
        after = one.after.decode("utf-8", "backslashreplace").splitlines(keepends=True)
        if one.kind == "hook" and one.before is not None and hooks.parts(one.before) is None:
            parts.append(f"rename {name} to {hooks.KEPT}: it runs first\n")
            before = []
        lines = difflib.unified_diff(before, after, "/dev/null" if not before else f"a/{name}", f"b/{name}")
        parts.append(
            "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
        )
    return "".join(parts)


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


def git(folder: Path, *words: str) -> str:
    """Ask git, with its hooks where the user has them.

    Raises:
        Stuck: it refuses, or there is none.
    """
    try:
        done = subprocess.run(
            ["git", *words],  # noqa: S607 - the user's git
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise Stuck(f"git must be there to attach a repository; got {error}") from error
    if done.returncode:
        raise Stuck(f"git {words[0]} must work in {folder}; got {done.stderr.strip() or done.returncode}")
    return done.stdout.strip()
