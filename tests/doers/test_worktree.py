"""A checkout for each revision, also if two want it at once or a making was interrupted."""

import os
import subprocess
from pathlib import Path

import pytest

from kaizen.doers.local import LocalDoer
from kaizen.doers.local.worktree import remove, worktree
from kaizen.errors import Malformed, OutOfRange, Stuck
from kaizen.metric import lower
from kaizen.parameter import Revision
from kaizen.process import Function, Process, Shell, Work, check_process
from kaizen.setting import Setting
from kaizen.testing.doers import wait_for
from kaizen.trial import Fault, Reading, Run


def git(repository: Path, *words: str) -> str:
    """Run git as somebody."""
    who = {f"GIT_{role}_{what}": "ana@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", "-C", str(repository), *words], env=os.environ | who, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> tuple[Path, list[str]]:
    """Make a repository of two commits whose work lies in a folder of it."""
    top = tmp_path / "repository"
    (top / "bench").mkdir(parents=True)
    git(top, "init", "-q")
    commits = []
    for size in ("1", "2"):
        (top / "bench" / "size").write_text(size)
        git(top, "add", ".")
        git(top, "commit", "-qm", size)
        commits.append(git(top, "rev-parse", "HEAD"))
    return top, commits


def process_of_code(standard: str, work: Work) -> Process:
    """Return a process whose only parameter is the code."""
    return check_process(
        Process(
            name="p",
            parameters=(Revision(name="code"),),
            metrics=(lower("size"),),
            standard=Setting(code=standard),
            work=work,
        )
    )


def test_a_revision_runs_in_its_own_checkout(repository: tuple[Path, list[str]], tmp_path: Path) -> None:
    """Each at once, at the same place below the top; the commit is in the environment too; unknown ones are faults."""
    top, commits = repository
    process = process_of_code(commits[0], Shell(command='test "$code" && cat size', directory="."))
    wanted = [commits[0], commits[1][:10], "0123456789"]
    with LocalDoer(process, directory=top / "bench", state=tmp_path / "state") as doer:
        for number, commit in enumerate(wanted):
            doer.start(Run(id=number, setting=Setting(code=commit), purpose="scout", of=1))
        outcomes = {done.run.id: done.outcome for done in wait_for(doer, 3)}
    assert [Reading, Reading, Fault] == [type(outcomes[number]) for number in range(3)]
    assert [1.0, 2.0] == [outcomes[number].values["size"] for number in range(2)]
    assert "0123456789" in outcomes[2].note
    assert "2" == (top / "bench" / "size").read_text()


def test_it_is_made_once(repository: tuple[Path, list[str]], tmp_path: Path) -> None:
    """The same place again, with what the last run left there; an interrupted making is begun anew."""
    top, commits = repository
    place = worktree(top, commits[0], tmp_path)
    (place / "built").touch()
    assert place == worktree(top, commits[0][:8], tmp_path)
    assert (place / "built").exists()
    assert commits[0] == place.name
    (tmp_path / "worktrees" / f"{commits[0]}.ready").unlink()
    assert place == worktree(top, commits[0], tmp_path)
    assert not (place / "built").exists()
    assert "1" == (place / "bench" / "size").read_text()


def test_all_are_removed(repository: tuple[Path, list[str]], tmp_path: Path) -> None:
    """With what git remembers of them, also of one whose making was interrupted; others stay, and nothing is no error."""
    top, commits = repository
    kept = worktree(top, commits[0], tmp_path / "kept")
    worktree(top, commits[0], tmp_path / "state")
    git(top, "worktree", "add", "--lock", "--detach", "-q", str(tmp_path / "state" / "worktrees" / "half"), commits[1])
    for _ in range(2):
        remove(top, tmp_path / "state")
        assert not (tmp_path / "state").exists()
        assert git(top, "worktree", "list", "--porcelain").count("worktree ") == 2
    assert (kept / "bench" / "size").exists()


def test_many_workers_want_it_at_once(repository: tuple[Path, list[str]], tmp_path: Path) -> None:
    """One makes it, the others wait for it."""
    top, commits = repository
    children = []
    for number in range(6):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                place = worktree(top, commits[number % 2], tmp_path)
                status = 0 if (place / "bench" / "size").read_text() == str(number % 2 + 1) else 2
            finally:
                os._exit(status)
        children.append(child)
    assert [0] * 6 == [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def test_inside_a_hook(repository: tuple[Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What git has set for its hook does not lead us, nor the command, to another repository."""
    top, commits = repository
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", "index")
    process = process_of_code(commits[0], Shell(command="git cat-file -p HEAD:bench/size"))
    with LocalDoer(process, directory=top, state=tmp_path / "state") as doer:
        doer.start(Run(id=1, setting=Setting(code=commits[0]), purpose="scout", of=1))
        (done,) = wait_for(doer, 1)
    assert isinstance(done.outcome, Reading), done.outcome
    assert {"size": 1.0} == done.outcome.values


def test_what_is_refused(repository: tuple[Path, list[str]], tmp_path: Path) -> None:
    """No such commit, no repository, and a function, which cannot become another revision of itself."""
    top, commits = repository
    with pytest.raises(OutOfRange, match="must be a commit"):
        worktree(top, "0123456789", tmp_path)
    (tmp_path / "plain").mkdir()
    with pytest.raises(Stuck, match="git"):
        worktree(tmp_path / "plain", commits[0], tmp_path)
    with pytest.raises(Malformed, match="must be a command"):
        LocalDoer(
            process_of_code(commits[0], Function(name="f")), directory=top, state=tmp_path, function=lambda **_: 1
        )
