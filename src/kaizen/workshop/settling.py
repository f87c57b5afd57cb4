"""What an attached loop has left behind goes into the ledger: its log, and what became of the commits it made.

The hook only writes down what is about to be tried. Here, off its path, the outcome is found: by git (built upon, or reset
away), and by the loop's own log (the reading, the crash, its decision), whose rows are matched by their commit or their
sentence and imported as any log is. Settled twice, nothing is added.
"""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from kaizen.errors import KaizenError
from kaizen.foreign import Foreign, Row
from kaizen.hinting import Heard, remember
from kaizen.importers import read_foreign
from kaizen.intention import (
    INBOX,
    Came,
    Intention,
    Repository,
    drop,
    look_again,
    read_attached,
    read_inbox,
    repository_of,
    write_came,
    write_standard,
)
from kaizen.reflog import subject_of
from kaizen.setting import Texts
from kaizen.workshop import open_workshop
from kaizen.workshop.attaching import LOGS
from kaizen.workshop.finding import find
from kaizen.workshop.importing import take
from kaizen.workshop.remembering import catch_up

_STATE: Final = "settled.json"
_NEAR_S: Final = 5  # between an intention and its commit, by which a rewritten one is known again
_SAME_FROM: Final = 20  # letters from which on one sentence may be the beginning of the other


class Settled(NamedTuple):
    """What came of it."""

    process: str
    intentions: int
    """All that are known."""
    kept: int
    discarded: int
    imported: int
    """Runs that are new in the ledger."""
    notes: tuple[str, ...] = ()
    """Why a log was not taken, or rows of it were not."""


def settle(folder: Path, *, again: bool = False) -> Settled | None:
    """Bring in what the loop of an attached repository left since the last time.

    ``None`` where the repository is not attached, or where nothing is new (unless ``again``). An error of a log is a note.

    Raises:
        Stuck: the ledger cannot be written.
    """
    repository = repository_of(folder, os.environ)
    attached = None if repository is None else read_attached(repository.memory)
    if repository is None or attached is None:
        return None
    memory = repository.memory
    tops = _tops(folder)
    logs = _logs(tops, str(attached.get("log") or ""))
    seen = _seen((memory / INBOX, *_heads(repository), *logs))
    if not again and seen == _state(memory):
        return None
    known = {one.key: one for one in _looked_again(repository, tops)}
    ledger = Path(os.path.normpath(memory / str(attached.get("ledger", "ledger.db"))))
    where = _Where(folder, repository.memory, ledger, str(attached.get("process", "loop")))
    brought = []
    for log in logs:
        brought.append(_take(where, log, tuple(known.values())))
        known |= {one.key: one for one in brought[-1].intentions}
    known |= _numbered(where, tuple(known.values()), max((one.standard for one in brought), default=0))
    _tell(where, known.values())
    seen |= _seen((memory / INBOX,))  # written to by ourselves; whatever else has grown meanwhile is new the next time
    with contextlib.suppress(OSError):
        (memory / _STATE).write_text(json.dumps(seen), encoding="utf-8")
    came = [one.came for one in known.values()]
    runs, notes = sum(one.runs for one in brought), tuple(note for one in brought for note in one.notes)
    return Settled(where.process, len(came), came.count("kept"), came.count("discarded"), runs, notes)


# ── where ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _tops(folder: Path) -> tuple[Path, ...]:
    """Return the worktrees that are there, the one asked from first."""
    listed = [line.removeprefix("worktree ") for line in _git(folder, "worktree", "list", "--porcelain").splitlines()
              if line.startswith("worktree ")]  # fmt: skip
    found = [Path(top) for top in (_git(folder, "rev-parse", "--show-toplevel").strip(), *listed) if top]
    return tuple(dict.fromkeys(top for top in found if top.is_dir()))


def _logs(tops: Sequence[Path], named: str) -> tuple[Path, ...]:
    """Return the loops' logs: the named one, else the first that is known by its name, of each worktree."""
    if named and Path(named).is_absolute():
        return (Path(named),) if Path(named).is_file() else ()
    names = (named,) if named else LOGS
    found = (next((top / name for name in names if (top / name).is_file()), None) for top in tops)
    return tuple(log for log in found if log is not None)


def _heads(repository: Repository) -> tuple[Path, ...]:
    """Return git's logs of all worktrees' heads: a reset is told there, and nowhere else."""
    return (repository.common / "logs" / "HEAD", *sorted(repository.common.glob("worktrees/*/logs/HEAD")))


def _seen(watched: Iterable[Path]) -> dict[str, list[int]]:
    """Return sizes and times of files, by which it is told whether anything is new."""
    found = {}
    for path in watched:
        with contextlib.suppress(OSError):
            stat = path.stat()
            found[str(path)] = [stat.st_size, stat.st_mtime_ns]
    return found


def _state(memory: Path) -> Any:
    try:
        return json.loads((memory / _STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


# ── what became of commits ────────────────────────────────────────────────────────────────────────────────────────────


def _looked_again(repository: Repository, tops: Sequence[Path]) -> list[Intention]:
    """Find out what became of all intentions, by the logs of heads and, where these do not tell, by git."""
    known = {one.key: one for one in read_inbox(repository.memory, most=None).intentions}
    found = look_again(repository, tuple(known.values()))
    fresh = {one.key: one for one in found.changed}
    for one in found.unsure:
        latest = fresh.get(one.key, one)
        asked = _ask_git(tops, latest) if tops and latest.came == "open" else latest
        if asked != known[one.key]:
            fresh[one.key] = asked
    write_came(repository.memory, fresh.values())
    for one in _never_made(found.lost, known.values()):
        drop(repository.memory, one.key)
        del known[one.key]
    return list((known | fresh).values())


def _never_made(lost: Sequence[Intention], known: Iterable[Intention]) -> list[Intention]:
    """Return those of the lost that later ones of the same worktree have overtaken: the commit of the last may be under way."""
    latest: dict[str, int] = {}
    for one in known:
        latest[one.worktree] = max(one.at, latest.get(one.worktree, 0))
    return [one for one in lost if one.at < latest[one.worktree]]


def _ask_git(tops: Sequence[Path], one: Intention) -> Intention:
    """Ask git whether a commit, or what it was rewritten to, is under any head; gone from all branches, it is discarded."""
    subject = subject_of(one.message)
    commit = one.commit
    if not commit:
        made = _git(tops[0], "log", "--all", "--reflog", "-n", "5000", "--format=%H%x09%P%x09%s").splitlines()
        parted = (line.split("\t", 2) for line in made)
        commit = next((of for of, parents, said in parted if one.head in parents and said == subject), "")
    if not commit:
        return one
    one = one._replace(commit=commit)
    for top in tops:
        lines = _git(top, "log", "-n", "5000", "--format=%H%x09%at%x09%s", "HEAD").splitlines()
        for place, line in enumerate(lines):
            name, at, said = line.split("\t", 2)
            again = said == subject and abs(int(at) - one.at / 1e6) <= _NEAR_S
            if name == commit or again:
                return one._replace(came="kept" if place else "open")
    aside = _git(tops[0], "for-each-ref", "--count=1", "--contains", commit)
    return one._replace(came="open" if aside else "discarded")


def _git(folder: Path, *words: str) -> str:
    """Return what git says; nothing where it refuses."""
    try:
        done = subprocess.run(["git", *words], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S607 - the user's git
    except OSError:
        return ""
    return done.stdout.decode("utf-8", "replace") if not done.returncode else ""


# ── into the ledger ───────────────────────────────────────────────────────────────────────────────────────────────────


class Joined(NamedTuple):
    """A log whose rows know which commit they tell of."""

    foreign: Foreign
    intentions: tuple[Intention, ...]
    """Those that a row tells of, as the log decides on them."""


def joined(foreign: Foreign, intentions: Sequence[Intention]) -> Joined:
    """Match the rows of a log with the commits that they tell of: by the commit that is named, else by the sentence."""
    left = list(intentions)
    rows, found = [], []
    for row in foreign.rows:
        one = _match(row, left)
        if one is None:
            rows.append(row)
            continue
        left.remove(one)
        found.append(one._replace(logged=True, came=_CAME.get(row.decision, one.came)))
        more = {"message": one.message, **({"diff": one.print} if one.print else {})}
        rows.append(
            msgspec.structs.replace(
                row,
                words=row.words or subject_of(one.message),
                revision=row.revision or one.commit,
                conditions=Texts({**more, **row.conditions}),
            )
        )
    return Joined(msgspec.structs.replace(foreign, rows=tuple(rows)), tuple(found))


_CAME: Final[Mapping[str, Came]] = {"kept": "kept", "baseline": "kept", "rejected": "discarded"}


def _match(row: Row, intentions: Sequence[Intention]) -> Intention | None:
    """Return the intention that a row tells of; a row that names another commit tells of none."""
    named = row.revision.lower()
    if len(named) >= 7:
        found = next((one for one in intentions if one.commit and one.commit.startswith(named[:40])), None)
        if found is not None or named.strip("0"):
            return found
    said = _plain(row.words)
    for one in intentions:
        subject = _plain(subject_of(one.message))
        short, long_ = sorted((said, subject), key=len)
        if said and (short == long_ or (len(short) >= _SAME_FROM and long_.startswith(short))):
            return one
    return None


def _plain(said: str) -> str:
    return " ".join(said.lower().split())


def _take(where: "_Where", log: Path, intentions: Sequence[Intention]) -> "_Brought":
    """Import one log, its rows joined to the commits that they tell of."""
    try:
        both = joined(read_foreign(log), intentions)
        with open_workshop(where.ledger, root=where.folder) as shop:
            for process in find().processes:
                if process.name == where.process:
                    shop.describe(process, by="loop")
            taken = take(shop, both.foreign, name=where.process, by="loop")
            standard = shop[taken.process].standard.number
            with contextlib.suppress(Exception):  # the index is disposable, and no command fails for it
                catch_up(shop.ledger, where.ledger, taken.process)
    except KaizenError as error:
        hint = f" ({error.hint})" if error.hint else ""
        return _Brought(notes=(f"{log.name} is not taken: {error.message}{hint}",))
    logged = tuple(one for one in both.intentions if one not in intentions)
    write_came(where.memory, logged)
    notes = tuple(f"{log.name}, {one}" for one in taken.left)
    return _Brought(taken.reported, logged, notes, standard if taken.reported else 0)


def _numbered(where: "_Where", intentions: Sequence[Intention], standard: int) -> dict[str, Intention]:
    """Bring the numbers of standards that no log tells of in line with the ledger's, which has new ones."""
    if not standard:
        return {}
    capped = [one._replace(standard=min(one.standard, standard - (one.came == "kept"))) for one in intentions]
    fresh = [one for one, was in zip(capped, intentions, strict=True) if one != was]
    write_came(where.memory, fresh)
    write_standard(where.memory, standard)
    return {one.key: one for one in fresh}


class _Where(NamedTuple):
    folder: Path
    memory: Path
    ledger: Path
    process: str


class _Brought(NamedTuple):
    """What came of one log."""

    runs: int = 0
    intentions: tuple[Intention, ...] = ()
    notes: tuple[str, ...] = ()
    standard: int = 0
    """Today's, where runs were brought."""


def _tell(where: _Where, intentions: Iterable[Intention]) -> None:
    """Tell the index of what no log tells of; one that cannot be written now is told the next time."""
    heard = [
        Heard(one.key, one.message, one.print, one.commit, one.at, one.came, None, one.standard)
        for one in intentions
        if one.commit and not one.logged
    ]
    with contextlib.suppress(Exception):  # the index is disposable, and no command fails for it
        if heard:
            remember(where.ledger, where.process, heard)
