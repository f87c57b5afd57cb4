"""``kaizen prove``: which revision is better, what it says, how it is stopped, and what it leaves behind (nothing)."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kaizen.faces.cli import main
from tests.faces.said import Said, Shell

WHO = {f"GIT_{role}_{what}": "ana@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
KAIZEN = [sys.executable, "-m", "kaizen"]
READ = ("--metric", "size", "--", "cat size.json")
"""Noise by counting: the readings of a side rise and fall with the run's number."""
NOISY = """n=$(cat size); printf '{"size": %s}' $((n + KAIZEN_RUN * 7 % 11))"""


def git(*words: str) -> str:
    """Run git here, as somebody."""
    done = subprocess.run(["git", *words], env=os.environ | WHO, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(size: int) -> str:
    """Commit a size in two forms."""
    Path("size").write_text(str(size), encoding="utf-8")
    Path("size.json").write_text(json.dumps({"size": size}), encoding="utf-8")
    git("add", ".")
    git("commit", "-qm", f"a size of {size}")
    return git("rev-parse", "HEAD")


@pytest.fixture
def kaizen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    """Run command lines in a repository of two commits, of size 1000 and 900; nothing of it may be left behind."""
    (tmp_path / "top").mkdir()
    monkeypatch.chdir(tmp_path / "top")
    git("init", "-q", "-b", "main")
    commit(1000)
    git("tag", "before")
    commit(900)

    def call(*words: str) -> Said:
        capfd.readouterr()
        status = main(list(words))
        return Said(status, *capfd.readouterr())

    yield call
    assert git("worktree", "list").count("\n") == 0
    assert not list(Path(".git/kaizen/proofs").glob("*"))


# ── answers ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_noisy_pairs_tell_better_and_worse(kaizen: Shell) -> None:
    """Status 0 and 1; effect, interval, pairs and price in two sentences, and for programs."""
    said = kaizen("prove", "before..main", "--metric", "size", "--", NOISY)
    assert said.status == 0, said
    assert said.out.startswith("main (")
    assert "is better than before (" in said.out
    assert re.search(r"size -(9|10)\.\d% \[-1\d\.\d%, -[89]\.\d%\]", said.out), said.out
    assert "over 7 pairs." in said.out
    assert "Judged both ways at α = 0.05, as a question of its own; it took 16 runs" in said.out
    turned = kaizen("prove", "main..before", "--metric", "size", "--json", "--", NOISY)
    assert turned.status == 1
    assert (turned.document["decision"], turned.document["pairs"], turned.document["most"]) == ("worse", 7, 40)
    (effect,) = turned.document["effects"]
    assert effect["low"] <= effect["gain"] <= effect["high"] < 0 < effect["change"]
    assert turned.document["new"]["called"] == "before"


def test_exact_metrics_take_one_pair(kaizen: Shell) -> None:
    """Better, and more is better the other way round; what costs less than is worthwhile is no difference."""
    said = kaizen("prove", "before..main", "--exact", "size", *READ)
    assert said.status == 0
    assert "size -10.0% (exact) over 1 pair" in said.out
    assert "it took 2 runs" in said.out
    assert kaizen("prove", "before..main", "--exact", "size", "--better", "higher", *READ).status == 1
    small = kaizen("prove", "before..main", "--exact", "size", "--worthwhile", "20%", *READ)
    assert small.status == 3
    assert small.out.startswith("No worthwhile difference between before")


def test_what_cannot_be_told(kaizen: Shell) -> None:
    """Status 3, with the smallest difference that so many pairs tell."""
    commit(901)
    swing = (
        """n=$(cat size); test $n = 900 || n=$((n + 90 - (KAIZEN_RUN - 1) / 2 % 2 * 180)); printf '{"size": %s}' $n"""
    )
    said = kaizen("prove", "HEAD~1..HEAD", "--metric", "size", "--pairs", "10", "--warmup", "0", "--", swing)
    assert said.status == 3, said
    assert said.out.startswith("It cannot be told whether HEAD")
    told = " ".join(said.out.split())
    assert "Within 10 pairs a difference of" in told
    assert "then: more --pairs, or a longer run" in told


def test_a_command_that_fails_on_one_side(kaizen: Shell) -> None:
    """A fault is the worst of its side: said, counted and proven like any other difference."""
    Path("broken").touch()
    git("add", ".")
    git("commit", "-qm", "break it")
    said = kaizen("prove", "main~1..main", "--metric", "size", "--", "test ! -e broken && cat size.json")
    assert said.status == 1
    assert "failed in 7 (fault: crash (exit status 1))" in " ".join(said.out.split())
    mended = kaizen("prove", "main..main~1", "--metric", "size", "--", "test ! -e broken && cat size.json")
    assert mended.status == 0


def test_an_exact_question_without_a_reading_is_not_answered(kaizen: Shell, tmp_path: Path) -> None:
    """The only pair fails on both sides: that is refused, told of nowhere, and asked anew once the command works."""
    work = f"test -e {tmp_path}/tool && cat size.json"
    words = ("prove", "before..main", "--metric", "size", "--exact", "size", "--", work)
    for _ in range(2):
        said = kaizen(*words)
        assert said.status == 2, said
        assert "the command must give a reading on OLD or NEW; got on both fault: crash (exit status 1)" in said.err
    (tmp_path / "tool").touch()
    assert "It was answered before" not in kaizen(*words).out
    assert "It was answered before" in kaizen(*words).out


def test_the_working_tree_as_it_is(kaizen: Shell) -> None:
    """Changed and new files count, ignored ones do not; neither tree nor index is touched."""
    Path("size.json").write_text('{"size": 500}', encoding="utf-8")
    Path("new").write_text("1", encoding="utf-8")
    Path("ignored").write_text("1", encoding="utf-8")
    Path(".git/info/exclude").write_text("ignored\n", encoding="utf-8")
    git("add", "size.json")
    Path("size.json").write_text('{"size": 450}', encoding="utf-8")
    before = (git("status", "--porcelain"), Path(".git/index").read_bytes())
    command = ("--exact", "size", "--metric", "size", "--json", "--", "test -e new && test ! -e ignored; cat size.json")
    for words in ("HEAD..", "..", "..WORKTREE", "main..WORKTREE"):
        said = kaizen("prove", words, *command)
        assert said.status == 0, said
        assert said.document["effects"][0]["change"] == pytest.approx(-0.5)
        assert said.document["new"]["called"] == "WORKTREE"
    assert (git("status", "--porcelain"), Path(".git/index").read_bytes()) == before
    assert kaizen("show").out.count("prove.") == 1  # the same files are the same question


def test_three_dots_begin_where_they_parted(kaizen: Shell) -> None:
    """What main has done since is not counted."""
    git("checkout", "-q", "-b", "topic", "before")
    commit(800)
    said = kaizen("prove", "main...topic", "--exact", "size", "--json", *READ)
    assert said.document["effects"][0]["change"] == pytest.approx(-0.2)


def test_in_a_folder_and_in_a_worktree(kaizen: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command runs where it was called, below the top of each checkout; the ledger is the common one."""
    Path("deep").mkdir()
    Path("deep/size.json").write_text('{"size": 3}', encoding="utf-8")
    git("add", ".")
    git("commit", "-qm", "three")
    Path("deep/size.json").write_text('{"size": 2}', encoding="utf-8")
    git("commit", "-qam", "two")
    monkeypatch.chdir("deep")
    assert "size -33.3%" in kaizen("prove", "HEAD~1..HEAD", "--exact", "size", *READ).out
    monkeypatch.chdir(tmp_path / "top")
    git("worktree", "add", "-q", str(tmp_path / "other"), "before")
    monkeypatch.chdir(tmp_path / "other")
    assert "size -10.0%" in kaizen("prove", "before..main", "--exact", "size", *READ).out
    monkeypatch.chdir(tmp_path / "top")
    assert "prove." in kaizen("show").out
    git("worktree", "remove", str(tmp_path / "other"))


def test_a_build_runs_once_in_each_checkout(kaizen: Shell, tmp_path: Path) -> None:
    """Its products are there for every run; a build that fails is a sentence."""
    log = tmp_path / "log"
    said = kaizen("prove", "before..main", "--metric", "size", "--build", f"echo built >> {log}; cp size.json made", "--",
                  "cat made")  # fmt: skip
    assert said.status == 0, said
    assert log.read_text(encoding="utf-8").split() == ["built", "built"]
    failed = kaizen("prove", "before..main", "--build", "echo no compiler >&2; exit 3", "--", "true")
    assert failed.status == 2
    assert "the build must work on before" in failed.err
    assert "exit status 3" in failed.err
    assert "no compiler" in failed.err


def test_patterns_and_several_metrics(kaizen: Shell) -> None:
    """Each with its own rules; a gain in one and no loss beyond the margin in the other."""
    said = kaizen("prove", "before..main", "--pattern", r"kb=(\d+) kB", "--metric", "size", "--exact", "kb", "--exact", "size",
                  "--better", "kb=higher", "--margin", "kb=50%", "--json", "--",
                  'echo "$(cat size) kB"; cat size.json')  # fmt: skip
    assert said.status == 0, said
    assert {effect["metric"]: round(effect["change"], 3) for effect in said.document["effects"]} == {
        "size": -0.1,
        "kb": -0.1,
    }
    assert kaizen("prove", "before..main", "--metric", "peak_memory", "--better", "higher", "--worthwhile", "90%", "--pairs",
                  "6", "--", "true").status in (0, 1, 3)  # fmt: skip


def test_words_behind_two_dashes_are_the_commands(kaizen: Shell) -> None:
    """Also those that look like ours; several words are kept apart."""
    script = 'import sys; print(len(sys.argv) * int(open("size").read()))'
    said = kaizen(
        "prove", "before..main", "--metric", "n", "--exact", "n", "--", sys.executable, "-c", script, "--json", "a b"
    )
    assert said.status == 0
    assert said.out.startswith("main (")


# ── again, and interrupted ────────────────────────────────────────────────────────────────────────────────────────────
def test_an_answer_is_final_and_asking_again_is_counted(kaizen: Shell) -> None:
    """The same command runs nothing more; --again is another question, and says what asking often costs."""
    words = ("before..main", "--metric", "size", "--", NOISY)
    first, second = kaizen("prove", *words), kaizen("prove", *words)
    assert second.status == first.status == 0
    assert "It was answered before; --again asks anew" in second.out
    assert kaizen("show").out.count("16 runs") == 1
    again = kaizen("prove", "--again", "--json", *words)
    assert (again.document["asked"], again.document["before"]) == (2, False)
    assert again.document["process"].endswith(".2")
    assert "asked 2 times, so up to 0.1 in all" in kaizen("prove", *words).out


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for something that must happen."""
    until = time.monotonic() + 60
    while not true():
        assert time.monotonic() < until, "it must happen within a minute"
        time.sleep(0.02)


def started(tmp_path: Path) -> subprocess.Popen[str]:
    """Start a proof whose runs wait for a file, and return once a run of it waits."""
    words = ["prove", "before..main", "--metric", "size", "--", slow(tmp_path)]
    process = subprocess.Popen([*KAIZEN, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: (tmp_path / "waits").exists() or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    return process


def slow(tmp_path: Path) -> str:
    """Return a command that says that it waits, and waits until it may go on."""
    return f"touch {tmp_path}/waits; while test ! -e {tmp_path}/go; do sleep 0.02; done; {NOISY}"


@pytest.mark.skipif(sys.platform != "linux", reason="a mark in the environment is seen on Linux alone")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_proof_that_was_ended_leaves_nothing_and_goes_on(
    kaizen: Shell, tmp_path: Path, number: int, status: int
) -> None:
    """At once by SIGTERM and the second Ctrl-C; after SIGKILL the next proof removes what it left."""
    process = started(tmp_path)
    process.send_signal(number)
    if number == signal.SIGINT:
        assert process.stderr is not None
        assert "finishing what is under way" in process.stderr.readline()
        process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == status
    left = list(Path(".git/kaizen/proofs").glob("*"))
    assert bool(left) == (number == signal.SIGKILL)
    (tmp_path / "go").touch()
    said = kaizen("prove", "before..main", "--metric", "size", "--json", "--", slow(tmp_path))
    assert said.status == 0, said
    assert said.document["asked"] == 1
    assert git("status", "--porcelain") == ""


def test_the_first_ctrl_c_finishes_what_is_under_way(kaizen: Shell, tmp_path: Path) -> None:
    """The run is kept, and the answer is that there is none yet."""
    process = started(tmp_path)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    assert "finishing what is under way" in process.stderr.readline()
    (tmp_path / "go").touch()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out.startswith("Not answered yet: no pair is complete; the same command goes on.")
    assert "1 run, " in kaizen("show").out


# ── what is refused ───────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("words", "what", "got"),
    [
        (("HEAD", "--", "true"), "two revisions must be written OLD..NEW", "got 'HEAD'"),
        (("a..b..c", "--", "true"), "two revisions must be written OLD..NEW", "got 'a..b..c'"),
        (("nowhere..HEAD", "--", "true"), "a revision must be a commit, branch or tag of top", "got 'nowhere'"),
        (("HEAD..--all", "--", "true"), "a revision must be a commit, branch or tag of top", "got '--all'"),
        (("WORKTREE..HEAD", "--", "true"), "the working tree must stand on the right", "got 'WORKTREE..HEAD'"),
        (("main..HEAD", "--", "true"), "OLD and NEW must differ", "both have the same files"),
        (("HEAD..", "--", "true"), "OLD and NEW must differ", "the working tree has no change"),
        (("before..main",), "a command must be given", "got nothing"),
        (("before..main", "--", "exit 4"), "the command must give a reading on OLD or NEW", "exit status 4"),
        (("before..main", "--metric", "x", "--", "true"), "the command must give a reading on OLD or NEW", "no reading"),
        (("before..main", "--pattern", "x=(", "--", "true"), "x's pattern must be a regular expression", "got '('"),
        (("before..main", "--pattern", "x=a", "--", "true"), "x's pattern must have one group", "got 'a'"),
        (("before..main", "--pattern", "a", "--", "true"), "a value must be written name=value", "got 'a'"),
        (("before..main", "--better", "faster", "--", "true"), "seconds's better must be one of lower, higher", "'faster'"),
        (("before..main", "--better", "x=lower", "--", "true"), "--better must be of a metric that is judged", "got 'x'"),
        (("before..main", "--exact", "x", "--", "true"), "--exact must be of a metric that is judged", "got 'x'"),
        (("before..main", "--worthwhile", "0", "--", "true"), "what is worthwhile of seconds must be above 0", "got '0'"),
        (("before..main", "--worthwhile", "1%", "--worthwhile", "2%", "--", "true"), "must be given once for all", "'2%'"),
        (("before..main", "--pairs", "3", "--", "true"), "pairs must be 6 or more", "got 3"),
        (("before..main", "--alpha", "0.9", "--", "true"), "alpha must be above 0 and at most 0.5", "got 0.9"),
        (("before..main", "--within", "soon", "--", "true"), "--within must be a duration above 0", "got 'soon'"),
        (("before..main", "--process", "pack"), "a process must be one of the recipe", "got 'pack'"),
        (("before..main", "--process", "pack", "--", "true"), "a process must bring its own command", "got a command"),
    ],
)  # fmt: skip
def test_what_is_refused(kaizen: Shell, words: tuple[str, ...], what: str, got: str) -> None:
    """Each in a sentence: what must be what, and what it got; status 2."""
    said = kaizen("prove", *words)
    assert said.status == 2, said
    assert what in said.err
    assert got in said.err


def test_a_recipe_that_nobody_asked_for_is_not_read(kaizen: Shell) -> None:
    """However broken it is."""
    Path("kaizen.toml").write_text("= 1", encoding="utf-8")
    assert kaizen("prove", "before..main", "--exact", "size", *READ).status == 0
    assert kaizen("prove", "before..main", "--process", "pack").status == 2


def test_outside_a_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """There is nothing to compare."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert main(["prove", "a..b", "--", "true"]) == 2
    assert "not a git repository" in capfd.readouterr().err


# ── with a recipe ─────────────────────────────────────────────────────────────────────────────────────────────────────
RECIPE = """
[process.pack]
do = '''printf '{"bytes": %s}' $(($(cat size) * level))'''

[process.pack.metric]
bytes = { better = "lower", exact = true }

[process.pack.standard]
level = 6

[process.pack.may]
level = "1..9"
"""


def test_a_process_of_the_recipe(kaizen: Shell) -> None:
    """Its command, its metrics, and the setting of today's standard; nothing of it is changed."""
    Path("kaizen.toml").write_text(RECIPE, encoding="utf-8")
    kaizen("propose", "pack", "level=5", "--because", "less is less", "--by", "ana")
    for run in kaizen("ask", "pack", "--by", "ana", "-n", "2", "--json").document["runs"]:
        kaizen("tell", "pack", str(run["run"]), f"bytes={1000 * run['setting']['level']}")
    assert "level=5" in kaizen("standard", "pack").out
    said = kaizen("prove", "before..main", "--process", "pack", "--json")
    assert said.status == 0, said
    assert said.document["effects"][0]["metric"] == "bytes"
    log = kaizen("log", said.document["process"], "--json").out
    assert '"bytes":4500' in log.replace(".0", "")
    assert "Standard 2" in kaizen("standard", "pack").out
