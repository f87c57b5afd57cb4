"""What people call two states of the code: ``OLD..NEW``, as commits; the working tree is kept as one, untouched.

    HEAD~1..HEAD     two commits, branches or tags
    v1.2..           against the working tree as it is, uncommitted and new files included (``v1.2..WORKTREE``)
    ..topic          HEAD against topic
    main...topic     against where topic left main

The working tree becomes a commit that no branch knows: its files are written into git's store through an index of its
own, so neither the user's index nor a file is touched. The same content is the same commit.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from kaizen.doers.local.worktree import git
from kaizen.errors import Clash, Malformed, OutOfRange

WORKTREE = "WORKTREE"
"""The working tree as it is, as a revision; so is nothing at all on the right."""

_NOBODY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "kaizen"), ("EMAIL", "kaizen@localhost"), ("DATE", "1000000000 +0000"))
}  # the same for everybody and for ever, so that the same files are the same commit


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """One state of the code: what it was called, and the commit."""

    called: str
    commit: str
    """All 40 (or 64) digits."""
    subject: str = ""
    """First line of the commit's message; of the working tree, nothing."""

    def __str__(self) -> str:
        """Return ``HEAD~1 (3f2a91c)``, or the digits alone."""
        short = self.commit[:7]
        return short if self.commit.startswith(self.called) else f"{self.called} ({short})"


def revisions(repository: Path, words: str) -> tuple[Commit, Commit]:
    """Read ``OLD..NEW`` in a folder of a repository; return both.

    Raises:
        Malformed: no two dots, or the working tree on the left.
        OutOfRange: the repository has no such commit.
        Clash: both are the same.
        Stuck: there is no repository, or git refuses.
    """
    found = re.fullmatch(r"(.*?)(\.{2,3})(.*)", words.strip())
    example = "HEAD~1..HEAD, or main.. for the working tree against main"
    if found is None or found.group(3).startswith(".") or ".." in found.group(3):
        raise Malformed(f"two revisions must be written OLD..NEW; got {words!r}", hint=f"write {example}")
    before, dots, after = found.groups()
    if before == WORKTREE:
        raise Malformed(f"the working tree must stand on the right; got {words!r}", hint=f"write {example}")
    git(repository, "rev-parse", "--show-toplevel")
    new = snapshot(repository) if after in ("", WORKTREE) else _named(repository, after)
    old = _named(repository, before or "HEAD")
    if dots == "...":
        there = "HEAD" if after in ("", WORKTREE) else new.commit
        base = git(repository, "merge-base", old.commit, there, check=False)
        if not base:
            raise OutOfRange(f"OLD...NEW must have a commit in common; got {words!r}, which have none")
        old = msgspec.structs.replace(_named(repository, base), called=f"{old.called}...")
    if same_files(old, new, repository=repository):
        same = (
            "the working tree has no change" if new.called == WORKTREE else f"both have the same files ({old}, {new})"
        )
        raise Clash(f"OLD and NEW must differ; got {words!r}: {same}", hint=f"write {example}")
    return old, new


def snapshot(repository: Path) -> Commit:
    """Keep the working tree as it is, new files included and ignored ones not, as a commit; touch nothing of it.

    Raises:
        Stuck: there is no repository, or git refuses.
    """
    top = Path(git(repository, "rev-parse", "--show-toplevel"))
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        known = Path(git(repository, "rev-parse", "--absolute-git-dir")) / "index"
        if known.is_file():
            shutil.copyfile(known, index)  # with what git knows of each file, so that it reads the changed ones only
        more = {"GIT_INDEX_FILE": str(index)}
        git(top, "add", "--all", more=more)
        tree = git(top, "write-tree", more=more)
    parent = git(top, "rev-parse", "--verify", "--quiet", "HEAD^{commit}", check=False)
    above = ("-p", parent) if parent else ()
    commit = git(top, "commit-tree", tree, *above, "-m", "the working tree", more=_NOBODY)
    return Commit(called=WORKTREE, commit=commit)


def git_home(repository: Path) -> Path:
    """Return the common git directory, which all worktrees of a repository share.

    Raises:
        Stuck: there is no repository.
    """
    return (repository / git(repository, "rev-parse", "--git-common-dir")).resolve()


def prefix(repository: Path) -> str:
    """Return where the folder lies below the top of the working tree: ``bench/`` or nothing."""
    return git(repository, "rev-parse", "--show-prefix")


class Graph(NamedTuple):
    """How some commits descend from one another, as far as that tells."""

    parents: Mapping[str, tuple[str, ...]]
    below: Mapping[str, frozenset[str]]
    """By commit, those of the others that it is built upon."""


def graph_of(repository: Path, commits: Sequence[str]) -> Graph:
    """Tell which of these commits (all their digits) are built upon which.

    Raises:
        Stuck: there is no repository, or git refuses.
    """
    wanted = frozenset(commits)
    base = git(repository, "merge-base", "--octopus", *wanted, check=False)  # all that is below it is below all
    hidden = [f"^{parent}" for parent in git(repository, "rev-parse", f"{base}^@").split()] if base else []
    listed = git(repository, "rev-list", "--parents", "--topo-order", "--reverse", *wanted, *hidden).splitlines()
    parents: dict[str, tuple[str, ...]] = {}
    below: dict[str, frozenset[str]] = {}
    for line in listed:
        one, *above = line.split()
        parents[one] = tuple(above)
        below[one] = frozenset[str]().union(*(below.get(parent, frozenset()) | wanted & {parent} for parent in above))
    return Graph(parents, {one: below[one] for one in wanted})


def commit_of(repository: Path, called: str) -> Commit | None:
    """Return a commit by its digits; ``None`` where the repository has none such, or several."""
    if not re.fullmatch(r"[0-9a-fA-F]{4,64}", called):
        return None
    full = git(repository, "rev-parse", "--verify", "--quiet", f"{called}^{{commit}}", check=False)
    if not full.startswith(called.lower()):  # a branch that looks like one
        return None
    return Commit(called=called, commit=full, subject=git(repository, "show", "--no-patch", "--format=%s", full))


def same_files(old: Commit, new: Commit, *, repository: Path) -> bool:
    """Tell whether two commits have the very same files."""
    return _tree(repository, old) == _tree(repository, new)


def _named(repository: Path, called: str) -> Commit:
    sound = not called.startswith("-")
    full = git(repository, "rev-parse", "--verify", "--quiet", f"{called}^{{commit}}", check=False) if sound else ""
    if not full:
        top = git(repository, "rev-parse", "--show-toplevel")
        raise OutOfRange(
            f"a revision must be a commit, branch or tag of {os.path.basename(top)}; got {called!r}",  # noqa: PTH119
            hint="git log --oneline lists commits; fetch it if it is somebody else's",
        )
    return Commit(called=called, commit=full, subject=git(repository, "show", "--no-patch", "--format=%s", full))


def _tree(repository: Path, revision: Commit) -> str:
    return git(repository, "rev-parse", f"{revision.commit}^{{tree}}")
