"""The hook, through real git: what a loop is told at its commits, and that it is never stopped, disturbed or felt."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kaizen.faces.cli import main
from kaizen.hinting import index_of
from kaizen.intention import (
    INBOX,
    Inbox,
    Intention,
    Repository,
    look_again,
    read_inbox,
    repository_of,
    write_came,
    write_intention,
    write_standard,
)
from kaizen.reflog import Move, fate_of
from kaizen.workshop import open_workshop

IDEA = "embedding lr 0.6 to 0.8"


class Repo:
    """A git repository of a test."""

    def __init__(self, top: Path, **more: str) -> None:
        self.top = top
        self.more = more

    def git(self, *words: str, ok: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
        """Call git as a loop does."""
        environment = {name: said for name, said in os.environ.items() if not name.startswith("GIT_")}
        environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"} | self.more | more
        done = subprocess.run(
            ["git", "-c", "user.name=n", "-c", "user.email=e@x", *words], cwd=self.top, env=environment, text=True,
            capture_output=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert not ok or done.returncode == 0, done.stderr
        return done

    def commit(self, message: str, content: str | bytes = "", *words: str, ok: bool = True, **more: str) -> str:
        """Change a file, commit, and return what was printed."""
        path = self.top / "train.py"
        path.write_bytes(content if isinstance(content, bytes) else (content or f"# {message}\n").encode())
        self.git("add", "-A")
        return self.git("commit", "--allow-empty", "-m", message, *words, ok=ok, **more).stderr

    def discard(self) -> None:
        """Reset the last commit away."""
        self.git("reset", "--hard", "HEAD~1")

    def head(self) -> str:
        return self.git("rev-parse", "HEAD").stdout.strip()

    @property
    def memory(self) -> Path:
        found = repository_of(self.top, {})
        assert found is not None
        return found.memory

    def inbox(self) -> Inbox:
        return read_inbox(self.memory)

    def came(self) -> list[tuple[str, str]]:
        return [(one.message, one.came) for one in self.inbox().intentions]


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """A repository with one commit, attached."""
    return begin(tmp_path / "loop", monkeypatch)


def begin(top: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> Repo:
    top.mkdir()
    made = Repo(top)
    made.git("init", "-q", "-b", "main")
    made.commit("start")
    monkeypatch.chdir(top)
    assert main(["attach", "--yes", "--process", "speed", *words]) == 0
    return made


# ── what is said ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_idea_that_failed_is_named_before_it_is_tried_again(repo: Repo) -> None:
    """With nothing changed since: what it was, that it failed, how often such repeats work; and the commit is made."""
    assert repo.commit(IDEA, "lr = 0.8\n") == ""
    repo.discard()
    assert "☝" not in repo.commit("depth 8 to 12", "depth = 12\n")
    repo.discard()
    before = repo.head()
    said = repo.commit("Embedding LR 0.6->0.8", "lr = 0.8\n")
    assert said.startswith("☝ failed before: ")
    assert IDEA in said
    assert "2 of 51" in said
    assert len(said.split()) < 200
    assert repo.head() != before


def test_a_fresh_idea_is_told_nothing(repo: Repo) -> None:
    """Silence is what most commits hear."""
    assert [repo.commit(said) for said in ("wider layers", "seed 1 to 2", "drop the bias of all norms")] == [""] * 3


def test_after_a_keep_the_same_failure_is_no_warning(repo: Repo) -> None:
    """A failure speaks of the standard that it was compared with."""
    repo.commit(IDEA, "lr = 0.8\n")
    repo.discard()
    repo.commit("halve the batch", "batch = 1\n")
    repo.commit("longer warmdown", "warmdown = 0.7\n")
    said = repo.commit(IDEA, "lr = 0.8\nbatch = 1\n")
    assert "failed before" not in said
    assert "the standard has changed since it failed" in said


def test_what_was_tried_in_one_worktree_is_known_in_the_other(repo: Repo, tmp_path: Path) -> None:
    """Worktrees share the memory, and what is in flight beside."""
    repo.git("worktree", "add", "-q", "-b", "b", str(tmp_path / "b"))
    other = Repo(tmp_path / "b")
    repo.commit(IDEA, "lr = 0.8\n")
    assert "in flight" in other.commit("embedding lr 0.6->0.8", "lr = 0.8\n")
    other.discard()
    repo.discard()
    repo.commit("something else entirely")
    assert "failed before" in other.commit(IDEA, "lr = 0.8\n")


def test_the_memory_outlives_reset_and_clean(repo: Repo) -> None:
    """What the loop does to undo itself does not reach what it learned."""
    repo.commit(IDEA, "lr = 0.8\n")
    repo.discard()
    repo.git("clean", "-xfdq")
    assert "failed before" in repo.commit(IDEA, "lr = 0.8\n")


# ── strict ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_strict_mode_holds_back_until_somebody_says_what_is_different(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It tells how to go on, remembers no commit that was not made, and never holds a fresh idea back."""
    repo = begin(tmp_path / "strict", monkeypatch, "--strict")
    repo.commit(IDEA, "lr = 0.8\n")
    repo.discard()
    before = repo.head()
    said = repo.commit(IDEA, "lr = 0.8\n", ok=False)
    assert 'held back; to go on, say in the message what is new: "different because …"' in said
    assert repo.head() == before
    assert repo.came() == [(IDEA, "discarded")]
    repo.commit(f"{IDEA}, different because the batch is smaller now", "lr = 0.8\n")
    assert repo.head() != before
    repo.commit("weight decay 0.1 to 0.2")
    assert [came for _, came in repo.came()] == ["discarded", "kept", "open"]


# ── what is none of its business ──────────────────────────────────────────────────────────────────────────────────────


def test_commits_that_are_no_ideas_are_left_alone(repo: Repo) -> None:
    """Amending, merging, fixing up, reverting, picking, rebasing: nothing is said, nothing is written down."""
    repo.commit(IDEA, "lr = 0.8\n")
    repo.git("checkout", "-q", "-b", "side", "HEAD~1")
    (repo.top / "other.py").write_text("x = 1\n")
    repo.git("add", "-A")
    repo.git("commit", "-qm", "a side idea")
    repo.git("checkout", "-q", "-b", "third", "main~1")
    (repo.top / "third.py").write_text("y = 1\n")
    repo.git("add", "-A")
    repo.git("commit", "-qm", "a third idea")
    repo.git("checkout", "-q", "side")
    noted = len(repo.inbox().intentions)
    said = [
        repo.git("commit", "--amend", "-m", IDEA).stderr,
        repo.git("commit", "--allow-empty", "-m", f"fixup! {IDEA}").stderr,
        repo.git("cherry-pick", "third").stderr,
        repo.git("merge", "--no-ff", "-m", "Merge branch 'main'", "main").stderr,
        repo.git("revert", "--no-edit", "-m", "1", "HEAD").stderr,
    ]
    repo.git("checkout", "-q", "main")
    repo.git("rebase", "-q", "side")
    assert not any("☝" in one for one in said)
    assert len(repo.inbox().intentions) == noted


def test_an_amended_commit_is_no_discarded_one(repo: Repo) -> None:
    """The commit is another one, the idea is the same, and was built upon."""
    repo.commit(IDEA, "lr = 0.8\n")
    repo.git("commit", "--amend", "-q", "-m", "embedding lr up")
    repo.commit("the next one")
    repo.commit("and one more")
    assert repo.came()[0] == (IDEA, "kept")


def test_a_reverted_commit_is_a_discarded_one(repo: Repo) -> None:
    """Loops that never rewrite history discard by git revert."""
    repo.commit(IDEA, "lr = 0.8\n")
    repo.git("revert", "--no-edit", "HEAD")
    assert "failed before" in repo.commit(IDEA, "lr = 0.8\n")


def test_a_commit_that_was_never_made_is_forgotten(repo: Repo) -> None:
    """Another hook, or an empty editor, ended it: nothing was tried."""
    refuse = repo.top / ".git" / "hooks" / "reference-transaction"
    refuse.write_text('#!/bin/sh\n[ "$1" != prepared ]\n')
    refuse.chmod(0o755)
    repo.commit(IDEA, "lr = 0.8\n", ok=False)
    refuse.unlink()
    assert repo.commit(IDEA, "lr = 0.8\n") == ""
    assert repo.came() == [(IDEA, "open")]


# ── fails open ────────────────────────────────────────────────────────────────────────────────────────────────────────


def broken_inbox(repo: Repo) -> None:
    (repo.memory / INBOX).write_bytes(b'{"k":1}\n[[[\n\xff\xfe{"k":"a","o":"kept"}\n{"k":"x","m":3}\n')


def broken_index(repo: Repo) -> None:
    path = index_of(repo.memory / "ledger.db", "speed")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"no database at all" * 1000)


def index_is_a_folder(repo: Repo) -> None:
    path = index_of(repo.memory / "ledger.db", "speed")
    path.unlink(missing_ok=True)
    path.mkdir(parents=True)


def memory_is_a_file(repo: Repo) -> None:
    (repo.memory / INBOX).unlink(missing_ok=True)
    (repo.memory / INBOX).mkdir()


def broken_settings(repo: Repo) -> None:
    (repo.memory / "attached.json").write_text('{"process": [')


def no_interpreter(repo: Repo) -> None:
    hook = repo.top / ".git" / "hooks" / "commit-msg"
    hook.write_text(hook.read_text().replace(sys.executable, "/nowhere/python"))


def another_interpreter(repo: Repo) -> None:
    hook = repo.top / ".git" / "hooks" / "commit-msg"
    hook.write_text(hook.read_text().replace(sys.executable, "/bin/false"))


@pytest.mark.parametrize(
    "breaks",
    [
        broken_inbox,
        broken_index,
        index_is_a_folder,
        memory_is_a_file,
        broken_settings,
        no_interpreter,
        another_interpreter,
    ],
)
def test_a_broken_memory_stops_no_commit(repo: Repo, breaks: Callable[[Repo], None]) -> None:
    """The commit is made, within a second, and at most one line is said."""
    repo.commit("first")
    breaks(repo)
    began = time.perf_counter()
    said = repo.commit("second")
    assert time.perf_counter() - began < 3.0  # git itself and a busy machine included
    assert said.count("\n") <= 1
    assert "Traceback" not in said


def test_a_locked_index_stops_no_commit(repo: Repo) -> None:
    """Somebody who writes for long is not waited for."""
    import sqlite3

    repo.commit(IDEA, "lr = 0.8\n")
    repo.discard()
    repo.commit("next")
    path = index_of(repo.memory / "ledger.db", "speed")
    with sqlite3.connect(path, isolation_level=None) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        repo.commit(IDEA, "lr = 0.8\n")
        holder.execute("ROLLBACK")
    holder.close()
    assert repo.git("log", "--format=%s", "-1").stdout.strip() == IDEA


@pytest.mark.parametrize(
    "message",
    [b"caf\xe9 au lait, lr 0.1 to 0.2", "学习率 0.1 到 0.2".encode(), b"x" * 300_000, b'\'; rm -rf "$HOME" `x` $(y)'],
)
def test_any_message_is_taken(repo: Repo, message: bytes, tmp_path: Path) -> None:
    """Odd encodings, endless lines, shell's own signs."""
    (tmp_path / "message").write_bytes(message)
    repo.git("commit", "--allow-empty", "--cleanup=verbatim", "-F", str(tmp_path / "message"))
    repo.commit("the next one")
    assert len(repo.inbox().intentions) == 2


def test_huge_and_binary_diffs_are_cut_off(repo: Repo) -> None:
    """Fifty megabytes of text or bytes cost no more than the limit, and the idea is remembered by its sentence."""
    began = time.perf_counter()
    repo.commit("a table of numbers", b"12345678\n" * 5_500_000)
    repo.commit("bytes", os.urandom(5_000_000))
    repo.commit("many files, one line each", "\n".join(f"x{n} = {n}" for n in range(60_000)))
    assert time.perf_counter() - began < 20.0  # git's own packing of them, for the most part
    assert [said for said, _ in repo.came()] == ["a table of numbers", "bytes", "many files, one line each"]


def test_no_home_and_no_locale_are_needed(repo: Repo) -> None:
    """What a bare container gives is enough."""
    repo.more |= {
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "LANG": "C",
        "PYTHONHOME": "/nowhere",
        "PYTHONPATH": "/nowhere",
    }
    repo.commit(IDEA, "lr = 0.8\n")
    repo.discard()
    assert "failed before" in repo.commit(IDEA, "lr = 0.8\n")


def test_nothing_heavy_is_loaded(repo: Repo) -> None:
    """A hook is started at every commit: no dependency of Kaizen is loaded by it."""
    repo.commit("one")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from kaizen.faces import hook; "
        "hook.main([sys.argv[2]]); print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    (repo.top / "message").write_text("two")
    source = Path(main.__code__.co_filename).parents[3]
    words = [sys.executable, "-I", "-S", "-c", code, str(source), str(repo.top / "message")]
    loaded = subprocess.run(words, cwd=repo.top, capture_output=True, text=True, check=True).stdout.split()
    assert "sqlite3" in loaded
    assert {"msgspec", "numpy", "rich", "jinja2", "scipy", "asyncio", "subprocess", "typing_extensions"} & {
        *loaded
    } == set()


# ── what became of it ─────────────────────────────────────────────────────────────────────────────────────────────────


def move(old: str, new: str, said: str) -> Move:
    return Move(old, new, said)


@pytest.mark.parametrize(
    ("later", "fate"),
    [
        ([], "open"),
        ([("x", "y", "commit: next")], "kept"),
        ([("x", "p", "reset: moving to HEAD~1")], "discarded"),
        ([("x", "x", "reset: moving to HEAD")], "open"),
        ([("x", "y", "commit: next"), ("y", "x", "reset: moving to HEAD~1")], "kept"),
        ([("x", "y", "commit: next"), ("y", "p", "reset: moving to p")], "discarded"),
        ([("x", "p", "reset: moving to HEAD~1"), ("p", "x", "reset: moving to HEAD@{1}")], "open"),
        ([("x", "p", "reset: moving to HEAD~1"), ("p", "z", "commit: other")], "discarded"),
        ([("x", "p", "checkout: moving from a to main"), ("p", "z", "commit: other")], "open"),
        ([("x", "w", "commit (amend): again"), ("w", "y", "commit: next")], "kept"),
        ([("x", "w", "commit (amend): again"), ("w", "p", "reset: moving to HEAD~1")], "discarded"),
        ([("x", "r", 'revert: Revert "idea"'), ("r", "y", "commit: next")], "discarded"),
        ([("x", "m", "merge other: Merge made by the 'ort' strategy.")], "kept"),
        ([("x", "q", "reset: moving to origin/main")], "unknown"),
        ([("x", "p", "rebase (start): checkout main")], "unknown"),
    ],
)
def test_the_log_of_the_head_tells_what_became_of_a_commit(later: list[tuple[str, str, str]], fate: str) -> None:
    """Built upon, reset away, still there, or more than the log tells."""
    moves = [move("0", "p", "commit (initial): start"), move("p", "x", "commit: idea"), *(move(*one) for one in later)]
    assert fate_of(1, moves) == fate


def test_what_is_about_to_be_built_upon_is_kept() -> None:
    """The next commit is the moment at which a loop has decided."""
    moves = [move("p", "x", "commit: idea")]
    assert (fate_of(0, moves), fate_of(0, moves, coming=True)) == ("open", "kept")
    assert fate_of(0, [*moves, move("x", "p", "reset: moving to HEAD~1")], coming=True) == "discarded"


def test_the_inbox_reads_what_it_wrote_and_steps_over_what_it_did_not(tmp_path: Path) -> None:
    """Half a line of somebody who died, or a tail that begins within one, costs that line alone."""
    one = Intention("a", 1, ".", "p", "first ü\n\nbody", "1:xyz", 3)
    write_intention(tmp_path, one)
    with (tmp_path / INBOX).open("ab") as file:
        file.write(b'{"k":"half","t":')
    two = one._replace(key="b", message="second", worktree="worktrees/w")
    write_intention(tmp_path, two)
    write_came(tmp_path, [one._replace(commit="c", came="kept")])
    write_came(tmp_path, [one._replace(commit="c", came="kept")])
    found = read_inbox(tmp_path)
    assert found.intentions == (one._replace(commit="c", came="kept"), two)
    assert found.standard == 4
    assert read_inbox(tmp_path, most=220).intentions == (two,)
    write_standard(tmp_path, 2)
    assert read_inbox(tmp_path).standard == 2
    assert read_inbox(tmp_path / "nowhere") == Inbox()


def test_the_inbox_is_safe_with_many_writers(tmp_path: Path) -> None:
    """Every line of every writer is whole, with no lock."""
    from concurrent.futures import ThreadPoolExecutor

    def write(writer: int) -> None:
        for place in range(100):
            write_intention(tmp_path, Intention(f"{writer}-{place}", place, ".", "p", "m" * (writer * 300), "1:xyz"))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(6)))
    found = read_inbox(tmp_path, most=None).intentions
    assert {one.key for one in found} == {f"{writer}-{place}" for writer in range(6) for place in range(100)}


def test_without_a_log_of_the_head_nothing_is_made_up(tmp_path: Path) -> None:
    """Where git keeps none, an intention stays open and is not taken for a commit that was never made."""
    repository = Repository(tmp_path, tmp_path)
    one = Intention("a", 1, ".", "p", "first", "")
    found = look_again(repository, [one], coming=True)
    assert (found.changed, found.lost, found.unsure) == ([], [], [one])


# ── the next command ──────────────────────────────────────────────────────────────────────────────────────────────────


def log(repo: Repo, *rows: tuple[str, str, str, str]) -> None:
    lines = ["commit\tval_bpb\tstatus\tdescription", *("\t".join(row) for row in rows)]
    (repo.top / "results.tsv").write_text("\n".join(lines) + "\n")


def test_the_next_command_brings_readings_from_the_loops_own_log(repo: Repo) -> None:
    """Rows meet the commits they tell of, by commit or by sentence; keeps are declared; told twice, nothing is added."""
    repo.git("config", "--add", "core.excludesFile", str(repo.top / ".git" / "ignored"))
    (repo.top / ".git" / "ignored").write_text("results.tsv\n")
    base = repo.head()[:7]
    repo.commit("halve the batch", "batch = 1\n")
    kept = repo.head()[:7]
    repo.commit(IDEA, "lr = 0.8\n")
    repo.discard()
    repo.commit("depth 8 to 12", "depth = 12\n")
    repo.discard()
    log(
        repo, (base, "1.0", "keep", "baseline"), (kept, "0.98", "keep", "smaller batch"),
        ("", "0.99", "discard", IDEA), ("0000000", "0.0", "crash", "depth 8 to 12 (OOM)"),
    )  # fmt: skip
    for _ in range(2):
        assert main(["show", "speed"]) == 0
        with open_workshop(repo.memory / "ledger.db") as shop:
            runs = list(shop.ledger.runs("speed"))
            standard = shop["speed"].standard
        assert [run.conditions.get("words") for run in runs] == [
            "baseline", "smaller batch", IDEA, "depth 8 to 12 (OOM)",
        ]  # fmt: skip
        assert (standard.number, standard.evidence) == (2, "declared")
    assert dict(repo.came()) == {"halve the batch": "kept", IDEA: "discarded", "depth 8 to 12": "discarded"}
    assert runs[1].conditions["message"] == "halve the batch"
    assert runs[2].conditions["diff"]
    assert runs[3].outcome.reason == "memory"
    said = repo.commit(IDEA, "lr = 0.8\n")
    assert "☝ failed before: run 3" in said
    assert "val_bpb worse by 1 %" in said
    assert "; same standard)" in said


def test_keeps_that_no_log_tells_of_do_not_run_ahead_of_the_ledger(repo: Repo) -> None:
    """Once the ledger numbers the standards, what was counted before it is brought in line."""
    for said in ("one thing", "another thing", "a third thing"):
        repo.commit(said)
    kept = repo.head()[:7]
    repo.commit(IDEA, "lr = 0.8\n")
    repo.discard()
    repo.commit("rope base 10000 to 50000", "rope = 5\n")
    repo.discard()
    log(repo, (kept, "1.0", "keep", "baseline"), ("", "1.1", "discard", IDEA))
    assert main(["show", "speed"]) == 0
    assert "failed before" in repo.commit("rope base 10000->50000", "rope = 5\n")
    repo.discard()
    assert "failed before: run 2" in repo.commit(IDEA, "lr = 0.8\n")


def test_committing_what_attach_wrote_is_no_idea(repo: Repo) -> None:
    """The instructions are committed before the loop starts: no standard moves by that."""
    (repo.top / "AGENTS.md").write_text("# Rules\n")
    assert main(["attach", "--yes"]) == 0
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "Tell the agents")
    assert repo.came() == []


def test_an_idea_beside_what_attach_wrote_is_one(repo: Repo) -> None:
    """A diff that only shows the block as context is the loop's own."""
    (repo.top / "AGENTS.md").write_text("# Rules\n")
    assert main(["attach", "--yes"]) == 0
    repo.git("add", "-A")
    repo.git("commit", "-q", "-m", "Tell the agents")
    written = (repo.top / "AGENTS.md").read_text()
    (repo.top / "AGENTS.md").write_text(written.replace("# Rules", "# Rules of the game"))
    repo.commit(IDEA, "lr = 0.8\n")
    assert repo.came() == [(IDEA, "open")]


def test_a_reset_is_seen_by_the_next_command_without_another_commit(repo: Repo) -> None:
    """What was looked at while it was in flight is looked at again once it is reset away."""
    repo.commit(IDEA, "lr = 0.8\n")
    main(["show", "speed"])
    assert repo.came() == [(IDEA, "open")]
    repo.discard()
    main(["show", "speed"])
    assert repo.came() == [(IDEA, "discarded")]


def test_a_log_that_cannot_be_taken_is_told_by_attach_and_stops_no_command(repo: Repo, capsys: Any) -> None:
    """A metric whose direction nobody knows is no reason to fail another command."""
    (repo.top / "results.tsv").write_text(
        "commit\tfoo\tstatus\tdescription\nabc1234\t1.0\tkeep\tone\nabc1235\t2.0\tkeep\ttwo\n"
    )
    assert main(["attach", "--yes"]) == 0
    assert "results.tsv is not taken: which way foo is better must be known" in capsys.readouterr().out.replace(
        "\n    ", " "
    )
    assert main(["--version"]) == 0


def test_a_rebased_commit_is_known_again(repo: Repo) -> None:
    """Where the log of the head is not enough, the next command asks git."""
    repo.commit(IDEA, "lr = 0.8\n")
    repo.git("checkout", "-q", "-b", "base", "HEAD~1")
    (repo.top / "other.py").write_text("x = 1\n")
    repo.git("add", "-A")
    repo.git("commit", "-qm", "another base")
    repo.git("checkout", "-q", "main")
    repo.git("rebase", "-q", "base")
    repo.commit("the next one", "lr = 0.9\n")
    assert main(["attach", "--yes"]) == 0
    assert dict(repo.came())[IDEA] == "kept"


def test_settings_are_read_from_the_common_directory(repo: Repo) -> None:
    """The hook finds its memory as git finds it: by GIT_DIR, by a file, by a folder above."""
    (repo.top / "deep" / "er").mkdir(parents=True)
    found = repository_of(repo.top / "deep" / "er", {})
    assert found == repository_of(repo.top, {"GIT_DIR": ".git"}) == repository_of(repo.top / ".git", {})
    assert json.loads((repo.memory / "attached.json").read_text())["process"] == "speed"
