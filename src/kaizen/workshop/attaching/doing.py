"""Attaching done, and undone to the byte."""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from kaizen.errors import OutOfTurn, Stuck
from kaizen.intention import ATTACHED, read_attached
from kaizen.workshop.attaching import Change, Place, Plan, grafts, hooks

_KEPT: Final = "kept"  # folder in the memory, for what was there before


class Undone(NamedTuple):
    """What became of one file when a repository was detached."""

    path: Path
    said: str


def perform(planned: Plan) -> None:
    """Do what is planned; what was there is kept first, so that it can be undone at any moment after.

    Raises:
        Stuck: a file cannot be written; what was done up to there is undone.
    """
    place, memory = planned.place, planned.place.memory
    known = dict(planned.known or {})
    files = list(known.get("files", ()))
    folders = list(known.get("folders", ()))
    try:
        (memory / _KEPT).mkdir(parents=True, exist_ok=True)
        for one in planned.changes:
            files = [*(file for file in files if file["path"] != _named(place, one.path)), _kept(place, one)]
            folders += _missing(place, one.path.parent)
        _write_json(memory / ATTACHED, {**known, **planned.settings, "files": files, "folders": folders})
        for one in planned.changes:
            _put(one)
    except OSError as error:
        with contextlib.suppress(OutOfTurn, Stuck):
            undo(place)
        raise Stuck(f"{error.filename} must be a file that can be written; got {error.strerror or error}") from error


def _kept(place: Place, one: Change) -> dict[str, Any]:
    """Keep what was there before a change, and describe it; an older hook stays beside ours instead."""
    record: dict[str, Any] = {"path": _named(place, one.path), "kind": one.kind, "made": one.before is None, "after": _print(one.after),
              "ours": one.ours.decode("utf-8", "surrogateescape")}  # fmt: skip
    if one.before is not None and one.kind != "hook":
        record["kept"] = f"{_print(str(record['path']).encode())[:16]}.{_print(one.before)[:16]}"
        (place.memory / _KEPT / record["kept"]).write_bytes(one.before)
    return record


def _missing(place: Place, folder: Path) -> list[str]:
    """Return the folders that are not there yet, innermost first."""
    found = []
    while not folder.exists():
        found.append(_named(place, folder))
        folder = folder.parent
    return found


def _put(one: Change) -> None:
    one.path.parent.mkdir(parents=True, exist_ok=True)
    kept = one.path.with_name(hooks.KEPT)
    if one.kind == "hook" and os.path.lexists(one.path) and (one.before is None or hooks.parts(one.before) is None):
        one.path.rename(kept)  # its mode, its times and its links go with it
    _write(one.path, one.after, executable=one.kind == "hook")


def _write(path: Path, content: bytes, *, executable: bool = False) -> None:
    """Write a file in one step, with the mode that it has."""
    mode = path.stat().st_mode & 0o7777 if path.exists() else 0o777 & ~_umask() if executable else 0o666 & ~_umask()
    fresh = path.with_name(f".{path.name}.kaizen-{os.getpid()}")
    try:
        fresh.write_bytes(content)
        fresh.chmod(mode)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


# ── undone ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def undo(place: Place) -> tuple[Undone, ...]:
    """Undo what attaching did, whichever worktree it was done in; what is remembered stays.

    Raises:
        OutOfTurn: the repository is not attached.
        Stuck: a file cannot be written.
    """
    known = read_attached(place.memory)
    if known is None:
        raise OutOfTurn(f"{place.common} must be attached to be detached; got one that is not", hint="kaizen attach")
    told = []
    try:
        for file in known.get("files", ()):
            path = Path(os.path.normpath(place.common / file["path"]))
            told.append(
                Undone(path, _undone_hook(place, path) if file["kind"] == "hook" else _undone(place, path, file))
            )
        for name in known.get("folders", ()):
            _remove_empty(Path(os.path.normpath(place.common / name)))
        _forget(place)
    except OSError as error:
        raise Stuck(f"{error.filename} must be a file that can be written; got {error.strerror or error}") from error
    return tuple(told)


def _undone(place: Place, path: Path, file: Mapping[str, Any]) -> str:
    """Put one file back as it was, or take out our part of what somebody has changed since."""
    if not path.is_file():
        return "is gone already" if not path.parent.is_dir() or file["made"] else "is gone since, and stays so"
    now = path.read_bytes()
    before = None if file["made"] else (place.memory / _KEPT / file["kept"]).read_bytes()
    if now == before:
        return "is as it was before"
    if _print(now) == file["after"]:
        if before is None:
            path.unlink()
            return "removed"
        _write(path, before)
        return "as it was before"
    ours = file["ours"].encode("utf-8", "surrogateescape")
    without: Callable[[], bytes] = {
        "block": lambda: grafts.without_block(now, ours),
        "toml": lambda: grafts.without_table(now, ours),
    }.get(file["kind"], lambda: grafts.without_server(now, ours, file["kind"]))
    try:
        rest = without()
    except grafts.Unreadable as error:
        return f"was edited since, and is left alone: {error}"
    if rest == now:
        return "was edited since, and has nothing of ours"
    _write(path, rest)
    return "was edited since: only our part is taken out"


def _undone_hook(place: Place, path: Path) -> str:
    """Put the older hook back; one that is shared stays while another repository is attached."""
    kept = path.with_name(hooks.KEPT)
    now = path.read_bytes() if path.is_file() else None
    ours = None if now is None else hooks.parts(now)
    if now is not None and ours is None:
        left = f"; the one before ours is {kept}" if os.path.lexists(kept) else ""
        return f"is another one since, and stays{left}"
    others = () if ours is None else tuple(owner for owner in ours.owners if owner != str(place.common))
    if ours is not None and others and now is not None:
        lines = now.decode("utf-8", "surrogateescape").replace(f"{hooks.OWNER}{place.common}\n", "")
        _write(path, lines.encode("utf-8", "surrogateescape"))
        return "stays, for other repositories are attached by it"
    rest = "" if ours is None else ours.rest
    older = kept.read_bytes() if kept.is_file() else None
    if rest.strip() and (older is None or hooks.is_shell(older)):
        _write(path, hooks.joined(older, rest))
        kept.unlink(missing_ok=True)
        return "was edited since: only our part is taken out"
    if rest.strip():
        (place.memory / "commit-msg.edited").write_bytes(now or b"")
    if os.path.lexists(kept):
        kept.replace(path)
        return "as it was before" + (f"; what was added to ours is in {place.memory}" if rest.strip() else "")
    path.unlink(missing_ok=True)
    return "removed"


def _remove_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _forget(place: Place) -> None:
    """Remove what attaching itself kept; the memory goes only where it is empty."""
    (place.memory / ATTACHED).unlink(missing_ok=True)
    shutil.rmtree(place.memory / _KEPT, ignore_errors=True)
    _remove_empty(place.memory)


# ── parts ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _named(place: Place, path: Path) -> str:
    """Return a path as seen from the common git directory: a repository that is moved stays attached."""
    return os.path.relpath(path, place.common)


def _print(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    _write(path, (json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode())
