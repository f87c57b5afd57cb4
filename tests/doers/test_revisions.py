"""What people call two states of the code: commits, branches, and the working tree, which nobody touches."""

import os
import subprocess
from pathlib import Path

import pytest

from kaizen.doers.local.revisions import git_home, prefix, revisions, snapshot
from kaizen.errors import Clash, Malformed, OutOfRange, Stuck

WHO = {f"GIT_{role}_{what}": "ana@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(repository: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(repository), *words], env=os.environ | WHO, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """Make a repository of two commits."""
    made = tmp_path / "top"
    (made / "deep").mkdir(parents=True)
    git(made, "init", "-q", "-b", "main")
    for number in ("1", "2"):
        (made / "deep" / "n").write_text(number)
        git(made, "add", ".")
        git(made, "commit", "-qm", f"number {number}")
    return made


def test_names_are_read_anywhere_below_the_top(top: Path) -> None:
    """With all digits, what they were called, and the subject."""
    old, new = revisions(top / "deep", " HEAD~1..main ")
    assert (old.commit, new.commit) == (git(top, "rev-parse", "HEAD~1"), git(top, "rev-parse", "HEAD"))
    assert (old.called, old.subject, str(new)) == ("HEAD~1", "number 1", f"main ({new.commit[:7]})")
    short = git(top, "rev-parse", "--short", "HEAD")
    assert str(revisions(top, f"HEAD~1..{short}")[1]) == new.commit[:7]
    assert prefix(top / "deep") == "deep/"
    assert git_home(top / "deep") == (top / ".git").resolve()


def test_the_same_files_are_the_same_commit(top: Path) -> None:
    """Whoever keeps them, and whenever; other files are another one, and git's index and HEAD stay as they are."""
    (top / "deep" / "n").write_text("3")
    (top / "new").write_text("x")
    index = (top / ".git" / "index").read_bytes()
    first = snapshot(top / "deep")
    assert first == snapshot(top)
    assert (top / ".git" / "index").read_bytes() == index
    assert git(top, "status", "--porcelain").split() == ["M", "deep/n", "??", "new"]
    assert git(top, "show", f"{first.commit}:new") == "x"
    (top / "new").write_text("y")
    assert first.commit != snapshot(top).commit
    (top / "new").unlink()
    git(top, "checkout", "-q", "--", ".")
    with pytest.raises(Clash, match="the working tree has no change"):
        revisions(top, "HEAD..")


def test_a_removed_file_is_not_in_it(top: Path) -> None:
    """What is gone from the working tree is gone."""
    (top / "deep" / "n").unlink()
    assert git(top, "ls-tree", "-r", "--name-only", snapshot(top).commit) == ""


def test_before_the_first_commit(tmp_path: Path) -> None:
    """The working tree can be kept, yet there is nothing to compare it with."""
    git(tmp_path, "init", "-q")
    (tmp_path / "n").write_text("1")
    assert git(tmp_path, "ls-tree", "--name-only", snapshot(tmp_path).commit) == "n"
    with pytest.raises(OutOfRange, match="got 'HEAD'"):
        revisions(tmp_path, "..")


def test_strangers_have_nothing_in_common(top: Path) -> None:
    """Three dots need a commit where both parted."""
    git(top, "checkout", "-q", "--orphan", "alone")
    (top / "deep" / "n").write_text("4")
    git(top, "commit", "-qam", "alone")
    with pytest.raises(OutOfRange, match="must have a commit in common"):
        revisions(top, "main...alone")
    assert revisions(top, "main..alone")[0].called == "main"


@pytest.mark.parametrize("words", ["", "HEAD", "a...b...c", "a....b", "a..b..c"])
def test_two_revisions_are_written_with_two_dots(top: Path, words: str) -> None:
    """Whatever else there is, it is not guessed at."""
    with pytest.raises(Malformed, match="must be written OLD"):
        revisions(top, words)


def test_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of none, and no folder at all."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(Stuck, match="not a git repository"):
        revisions(tmp_path, "a..b")
    with pytest.raises(Stuck, match="cannot change to"):
        revisions(tmp_path / "nowhere", "a..b")
