"""Where a ledger lies: beside its recipe, or in the common git directory, out of the reach of reset and clean."""

import os
from pathlib import Path

from kaizen.errors import Mistake
from kaizen.intention import MEMORY, read_attached


def ledger_beside(folder: Path) -> Path:
    """Return where the ledger of recipes in ``folder`` lies.

    In a git repository: ``kaizen/<folder within it>/ledger.db`` in the common git directory, so that
    ``git reset --hard`` and ``git clean -xfd`` do not reach it and worktrees share it. Elsewhere ``.kaizen/ledger.db``.
    """
    folder = folder.absolute()
    top = _top(folder)
    if top is None:
        return folder / ".kaizen" / "ledger.db"
    return _common(top / ".git") / MEMORY / folder.relative_to(top) / "ledger.db"


def ledger_for(recipe: Path | None) -> Path:
    """Return the ledger beside a recipe; without one this folder's own, or that of the attached repository it lies in."""
    if recipe is not None:
        return ledger_beside(recipe.parent)
    own = ledger_beside(Path.cwd())
    attached = None if own.exists() else attached_above(Path.cwd())
    return own if attached is None else attached


def attached_above(folder: Path) -> Path | None:
    """Return the ledger of the attached repository that a folder lies in; ``None`` where there is none."""
    top = _top(folder.absolute())
    memory = None if top is None else _common(top / ".git") / MEMORY
    known = None if memory is None else read_attached(memory)
    if memory is None or known is None:
        return None
    return Path(os.path.normpath(memory / str(known.get("ledger", "ledger.db"))))


def ledger_at(where: str | Path) -> Path | None:
    """Read a wanted place: a path, ``sqlite:///path``, or ``memory:`` (``None``).

    Raises:
        Mistake: there is no such kind of ledger.
    """
    text = str(where)
    if text == "memory:":
        return None
    text = text.removeprefix("sqlite:///")
    if "://" in text or not text:
        raise Mistake(
            f"a ledger must be a path, sqlite:///PATH or memory:; got {str(where)!r}",
            hint="sqlite:///work.db is a file here",
        )
    return Path(text).absolute()


def _top(folder: Path) -> Path | None:
    """Return the top of the worktree that a folder lies in."""
    return next((top for top in (folder, *folder.parents) if (top / ".git").exists()), None)


def _common(git: Path) -> Path:
    """Return the common git directory behind ``.git``, which is a file in a worktree."""
    if git.is_file():
        named = git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
        git = (git.parent / named).resolve()
    pointer = git / "commondir"
    return (git / pointer.read_text(encoding="utf-8").strip()).resolve() if pointer.is_file() else git
