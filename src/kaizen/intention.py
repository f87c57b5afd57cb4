"""Intentions: what an attached loop is about to try, as its commits say it, and the inbox that keeps them.

The inbox lies in the memory of a repository, in its common git directory: every worktree writes to the same, and neither
``git reset`` nor ``git clean`` reaches it. It only grows, a line at a time and each in one write, so it needs no lock: what
becomes of an intention is a later line of the same key, and the last one holds.

Loads next to nothing, for a hook reads and writes here at every commit.
"""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args

from kaizen.reflog import Move, fate_of, made_by, moves_of, subject_of

Came = Literal["open", "kept", "discarded"]
"""What became of an intention, as far as git tells: a reading or a crash stands in the loop's own log."""

MEMORY: Final = "kaizen"
"""The folder of the memory, in the common git directory."""
ATTACHED: Final = "attached.json"
INBOX: Final = "intentions.jsonl"
TAIL: Final = 65_536
"""Bytes of the inbox that are looked at during a commit: the latest hundred intentions or so."""
_LONGEST: Final = 2_000  # characters of a message that are kept: with the rest in one write of less than a page


class Repository(NamedTuple):
    """Where git keeps what belongs to a worktree, and what belongs to all of them."""

    git: Path
    common: Path

    @property
    def memory(self) -> Path:
        """Return the folder of the memory."""
        return self.common / MEMORY

    @property
    def worktree(self) -> str:
        """Return the worktree's name: its git directory within the common one."""
        return os.path.relpath(self.git, self.common)


class Intention(NamedTuple):
    """What somebody was about to commit."""

    key: str
    at: int
    """In µs since 1970."""
    worktree: str
    head: str
    """The commit that it builds on; empty for the first of all."""
    message: str
    print: str
    """The fingerprint of its diff; empty for none."""
    standard: int = 1
    """The number of the standard that it is compared with: the ledger's, and one more for each keep since."""
    commit: str = ""
    """What it became; empty while that is not known."""
    came: Came = "open"
    logged: bool = False
    """Whether the loop's own log tells of it, and the ledger has it from there."""


# ── places ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def repository_of(folder: Path, environment: Mapping[str, str]) -> Repository | None:
    """Find the repository that git works in, as git itself finds it; ``None`` where there is none."""
    named = environment.get("GIT_DIR", "")
    git = folder / named if named else _above(folder)
    if git is None:
        return None
    shared = environment.get("GIT_COMMON_DIR", "")
    common = folder / shared if shared else git / _text(git / "commondir")
    return Repository(git.resolve(), common.resolve())


def _above(folder: Path) -> Path | None:
    """Return the git directory of the first folder that has one, here or above; a bare one is its own."""
    for at in (folder, *folder.parents):
        inside = at / ".git"
        if inside.is_dir():
            return inside
        if inside.is_file():
            return at / _text(inside).removeprefix("gitdir:").strip()
        if (at / "HEAD").is_file() and (at / "objects").is_dir():
            return at
    return None


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="surrogateescape") as file:
            return file.read(4096).strip()
    except OSError:
        return ""


def head_of(repository: Repository) -> str:
    """Return the commit at the head; empty where there is none yet, or only git can tell."""
    said = _text(repository.git / "HEAD")
    if not said.startswith("ref:"):
        return said
    name = said.removeprefix("ref:").strip()
    for folder in (repository.git, repository.common):
        if found := _text(folder / name):
            return found
    try:
        with (repository.common / "packed-refs").open(encoding="utf-8", errors="replace") as file:
            return next((line[: line.index(" ")] for line in file if line.rstrip().endswith(f" {name}")), "")
    except (OSError, ValueError):
        return ""


def read_attached(memory: Path) -> dict[str, Any] | None:
    """Return how the repository is attached; ``None`` where it is not."""
    try:
        found = json.loads((memory / ATTACHED).read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


# ── the inbox ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Inbox(NamedTuple):
    """What stands in the inbox, or at its end."""

    intentions: tuple[Intention, ...] = ()
    """Oldest first, each with what is known to have become of it."""
    standard: int = 1
    """Today's, as far as is known here."""


def write_intention(memory: Path, one: Intention) -> None:
    """Put an intention into the inbox."""
    _append(memory, {"k": one.key, "t": one.at, "w": one.worktree, "h": one.head, "s": one.standard,
                     "m": one.message[:_LONGEST], "p": one.print})  # fmt: skip


def write_came(memory: Path, found: Iterable[Intention]) -> None:
    """Put down what became of intentions."""
    for one in found:
        _append(memory, {"k": one.key, "c": one.commit, "o": one.came, "s": one.standard, "l": int(one.logged)})


def write_standard(memory: Path, number: int) -> None:
    """Put down which standard the ledger is at: keeps are counted from there on."""
    _append(memory, {"b": number})


def drop(memory: Path, key: str) -> None:
    """Take back an intention whose commit was never made."""
    _append(memory, {"k": key, "o": "dropped"})


def _append(memory: Path, record: Mapping[str, object]) -> None:
    """Write one line in one write; a line that somebody else left half written is ended by the break before it."""
    line = json.dumps(record, ensure_ascii=True, separators=(",", ":"))
    file = os.open(memory / INBOX, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, f"\n{line}\n".encode("ascii"))
    finally:
        os.close(file)


def read_inbox(memory: Path, *, most: int | None = TAIL) -> Inbox:
    """Read the last ``most`` bytes of the inbox, or all of it."""
    try:
        with (memory / INBOX).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = 0 if most is None else max(0, size - most)
            file.seek(start)
            lines = file.read(size - start).split(b"\n")
    except OSError:
        return Inbox()
    found: dict[str, Intention] = {}
    standard = 1
    for line in lines[1 if start else 0 :]:
        if line:
            standard = _take_line(line, found, standard)
    return Inbox(tuple(found.values()), standard)


def _take_line(line: bytes, found: dict[str, Intention], standard: int) -> int:
    """Read one line, and return the standard after it; one that cannot be read is none."""
    try:
        said = json.loads(line)
        if "b" in said:
            return int(said["b"])
        key = str(said["k"])
        if "m" in said:
            one = Intention(key, int(said["t"]), said["w"], said["h"], said["m"], said["p"], int(said["s"]))
            found[key] = one
            return max(standard, one.standard)
        if said["o"] == "dropped":
            found.pop(key, None)
        elif key in found and said["o"] in get_args(Came):
            standard += said["o"] == "kept" != found[key].came
            logged = found[key].logged or bool(said["l"])
            found[key] = found[key]._replace(
                commit=str(said["c"]), came=said["o"], standard=int(said["s"]), logged=logged
            )
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    return standard


# ── what became of them ───────────────────────────────────────────────────────────────────────────────────────────────


class LookedAgain(NamedTuple):
    """What a second look at intentions found."""

    changed: list[Intention]
    """Those of which more is known than before."""
    lost: list[Intention]
    """Those whose commit is not in the log: it was never made, or the log is gone."""
    unsure: list[Intention]
    """Those on which the log is not enough: a rebase went over them, or they are older than it."""


def look_again(repository: Repository, intentions: Sequence[Intention], *, coming: bool = False) -> LookedAgain:
    """Find out what became of intentions by the logs of their worktrees' heads.

    Args:
        repository: where they were made; its own worktree is the one that is committing, if any is.
        intentions: oldest first.
        coming: whether a commit is about to be made here: what it builds on is kept.
    """
    found = LookedAgain([], [], [])
    for worktree in dict.fromkeys(one.worktree for one in intentions):
        moves = moves_of(repository.common / worktree)
        taken = {place for one in intentions if one.commit and (place := _made(one, moves, set())) is not None}
        here = coming and worktree == repository.worktree
        for one in intentions:
            if one.worktree != worktree:
                continue
            made = _made(one, moves, taken)
            if made is None:
                (found.unsure if one.commit or not moves else found.lost).append(one)
                continue
            taken.add(made)
            if one.logged:
                continue  # the loop's own word is known, and stands
            fate = fate_of(made, moves, coming=here)
            now = one._replace(commit=moves[made].new, came=one.came if fate == "unknown" else fate)
            if now != one:
                found.changed.append(now)
            if fate == "unknown":
                found.unsure.append(now)
    return found


def _made(one: Intention, moves: Sequence[Move], taken: set[int]) -> int | None:
    if one.commit:
        return next((place for place, move in enumerate(moves) if move.new == one.commit and move.commits), None)
    return made_by(subject_of(one.message), one.head, moves, taken=frozenset(taken))
