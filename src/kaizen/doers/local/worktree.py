"""A checkout for each revision of the code, made once and used again."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from kaizen.doers.local.surroundings import GITS_OWN
from kaizen.errors import OutOfRange, Stuck


def worktree(repository: Path, commit: str, state: Path) -> Path:
    """Return the directory of a commit's own worktree; made under ``state/worktrees`` the first time.

    What a run writes there stays for the next run of the same commit (builds go faster, changes stay).

    Raises:
        OutOfRange: the repository has no such commit.
        Stuck: there is no repository, or git refuses.
    """
    full = git(repository, "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}", check=False)
    if not full:
        top = git(repository, "rev-parse", "--show-toplevel")
        raise OutOfRange(
            f"a revision must be a commit of {top}; got {commit}", hint="fetch it, or write more of its digits"
        )
    folder = state.resolve() / "worktrees"
    folder.mkdir(parents=True, exist_ok=True)
    place, ready = folder / full, folder / f"{full}.ready"
    if ready.exists() and place.is_dir():
        return place
    with _alone(folder / ".lock"):
        if not (ready.exists() and place.is_dir()):
            _make(repository, full, place)
            ready.touch()
    return place


def inside(repository: Path, place: Path) -> Path:
    """Return where in a worktree the directory lies that is ``repository`` in the checkout people work in."""
    return place / git(repository, "rev-parse", "--show-prefix")


def remove(repository: Path, state: Path) -> None:
    """Remove all worktrees under ``state``, and ``state`` itself; what is not there is no error.

    Nobody may be at work in them.
    """
    with contextlib.suppress(Stuck):
        for line in git(repository, "worktree", "list", "--porcelain").splitlines():
            place = line.removeprefix("worktree ")
            if place != line and Path(place).is_relative_to(state.resolve()):
                git(repository, "worktree", "unlock", place, check=False)  # git locks one while it is made
    shutil.rmtree(state, ignore_errors=True)
    with contextlib.suppress(Stuck):
        git(repository, "worktree", "prune")


def _make(repository: Path, full: str, place: Path) -> None:
    """Make a worktree, in the place of what an interrupted making may have left."""
    if place.exists():
        shutil.rmtree(place)
    git(repository, "worktree", "prune")
    git(repository, "worktree", "add", "--detach", "--force", str(place), full)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock file among all workers of this machine; the kernel lets go of it if we die."""
    import fcntl

    with path.open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def git(repository: Path, *words: str, check: bool = True, more: Mapping[str, str] | None = None) -> str:
    """Run git in a repository, without its hooks and with ``more`` variables; return what it says.

    Raises:
        Stuck: there is no git, or (unless ``check`` is false) it refuses.
    """
    environment = {name: value for name, value in os.environ.items() if name not in GITS_OWN} | dict(more or {})
    try:
        done = subprocess.run(
            ["git", "-c", f"core.hooksPath={os.devnull}", "-C", str(repository), *words],  # noqa: S607 - the user's git
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
    except OSError as error:
        raise Stuck(f"git must be there for a process with a revision; got {error}") from error
    if check and done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise Stuck(f"git {words[0]} must work in {repository}; got {said[-1] if said else done.returncode}")
    return done.stdout.strip()
