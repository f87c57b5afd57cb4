"""A question to the real wheel: what it writes, what it charges, and what Python gets for an answer."""

import os
import subprocess
from pathlib import Path

import pytest

import kaizen
from kaizen.errors import Malformed, Mistake
from kaizen.parameter import Whole
from kaizen.process import Function, Process, Shell
from kaizen.setting import Setting
from kaizen.workshop.proving import WARMUP

WHO = {f"GIT_{role}_{what}": "ana@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
SIZE = kaizen.lower("size", worthwhile=0.02)
NOISY = """printf '{"size": %s}' $(($(cat size) + KAIZEN_RUN * 7 % 11))"""


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """Make a repository of two commits."""
    made = tmp_path / "top"
    made.mkdir()

    def git(*words: str) -> None:
        subprocess.run(["git", "-C", str(made), *words], env=os.environ | WHO, capture_output=True, check=True)

    git("init", "-q")
    for size in ("1000", "900"):
        (made / "size").write_text(size)
        git("add", ".")
        git("commit", "-qm", f"a size of {size}")
    return made


def test_a_question_is_a_process_of_its_own(top: Path, tmp_path: Path) -> None:
    """One trial, opened after the runs that warm up, judged both ways; its α is the whole error budget."""
    file = tmp_path / "proofs.db"
    proof = kaizen.prove("HEAD~1..HEAD", NOISY, metrics=(SIZE,), warmup=2, root=top, ledger=file)
    assert (proof.decision, proof.most, proof.asked, proof.before) == ("better", 40, 1, False)
    assert str(proof).startswith("HEAD (")
    with kaizen.open(file) as shop:
        bench = shop[proof.process]
        (test,) = bench.trials
        assert (test.trial.design.method, test.trial.design.alpha) == ("flipped coins both ways 1", 0.05)
        assert bench.head.charged == 0.05
        assert test.trial.increment.because == "a size of 900"
        runs = list(bench.runs)
        assert [run.because for run in runs[:4]] == [WARMUP] * 4
        assert [run.setting["revision"] for run in runs[:4]] == [proof.old.commit, proof.new.commit] * 2
        assert {run.purpose for run in runs[4:]} == {"trial"}
        assert proof.spent.runs == len(runs) == 4 + 2 * test.verdict.pairs
        assert bench.audit(flips=0).sound


def test_the_ledger_is_in_the_common_git_directory(top: Path) -> None:
    """Where reset and clean do not reach; another answer is no other question."""
    first = kaizen.prove("HEAD~1..HEAD", NOISY, metrics=(SIZE,), root=top)
    second = kaizen.prove("HEAD~1..HEAD", NOISY, metrics=(SIZE,), root=top)
    assert (top / ".git" / "kaizen" / "ledger.db").is_file()
    assert second.before
    assert second.verdict == first.verdict
    other = kaizen.prove("HEAD~1..HEAD", NOISY, metrics=(SIZE,), pairs=20, root=top)
    assert other.process != first.process


def test_what_a_killed_stretch_left_is_removed(top: Path) -> None:
    """Checkouts of a process that is gone; those of one that lives stay."""
    from kaizen.doers.holder import holder
    from kaizen.doers.local.worktree import worktree

    home = top / ".git" / "kaizen" / "proofs"
    home.mkdir(parents=True)
    host, pid, start = holder().split("/")
    for name, text in (("gone", f"{host}/{pid}/1{start}"), ("lives", holder()), ("begins", "")):
        worktree(top, "HEAD", home / name)
        (home / f"{name}.holder").write_text(text)
    kaizen.prove(
        "HEAD~1..HEAD", "true", metrics=(kaizen.lower("exit_status", scale="difference", exact=True),), root=top
    )
    assert sorted(path.name for path in home.iterdir()) == ["begins", "begins.holder", "lives", "lives.holder"]


def test_other_parameters_keep_their_standard(top: Path) -> None:
    """A process brings command, metrics and setting; its own revision parameter is the one that changes."""
    process = Process(
        name="pack",
        parameters=(Whole(name="level", low=1, high=9),),
        metrics=(kaizen.lower("bytes", exact=True),),
        standard=Setting(level=6),
        work=Shell(command="""printf '{"bytes": %s}' $(($(cat size) * level))"""),
    )
    proof = kaizen.prove("HEAD~1..HEAD", process=process, root=top)
    assert proof.decision == "better"
    assert proof.alpha == 0
    with pytest.raises(Malformed, match="a command or a process; got both"):
        kaizen.prove("HEAD~1..HEAD", "true", process=process, root=top)
    with pytest.raises(Mistake, match="must be a command, since its code may change"):
        kaizen.prove("HEAD~1..HEAD", process=kaizen.Process(
            name="f", parameters=process.parameters, metrics=process.metrics, standard=process.standard,
            work=Function(name="m:f")), root=top)  # fmt: skip
    with pytest.raises(Malformed, match="a reading must be of a metric that is judged; got 'x'"):
        kaizen.prove("HEAD~1..HEAD", "true", reads={"x": "json"}, root=top)


@pytest.mark.parametrize("warmup", [-1, 1001])
def test_warming_up_has_bounds(top: Path, warmup: int) -> None:
    """Said before anything is run."""
    with pytest.raises(kaizen.OutOfRange, match="warmup must be from 0 to 1000"):
        kaizen.prove("HEAD~1..HEAD", "true", warmup=warmup, root=top)
