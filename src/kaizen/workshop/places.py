"""Where a ledger lies: beside its recipe, or in the common git directory, out of the reach of reset and clean."""

from pathlib import Path

from kaizen.errors import Mistake


def ledger_beside(folder: Path) -> Path:
    """Return where the ledger of recipes in ``folder`` lies.

    In a git repository: ``kaizen/<folder within it>/ledger.db`` in the common git directory, so that
    ``git reset --hard`` and ``git clean -xfd`` do not reach it and worktrees share it. Elsewhere ``.kaizen/ledger.db``.
    """
    folder = folder.absolute()
    for top in (folder, *folder.parents):
        if (top / ".git").exists():
            return _common(top / ".git") / "kaizen" / folder.relative_to(top) / "ledger.db"
    return folder / ".kaizen" / "ledger.db"


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


def _common(git: Path) -> Path:
    """Return the common git directory behind ``.git``, which is a file in a worktree."""
    if git.is_file():
        named = git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
        git = (git.parent / named).resolve()
    pointer = git / "commondir"
    return (git / pointer.read_text(encoding="utf-8").strip()).resolve() if pointer.is_file() else git
