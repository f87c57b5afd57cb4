"""``kaizen attach`` and ``detach``: what is shown is what is done, older hooks go on, and all of it is undone to the byte."""

import json
import os
import stat
import subprocess
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kaizen.faces.cli import main
from kaizen.metric import higher
from kaizen.parameter import Whole
from kaizen.process import Process
from kaizen.setting import Setting
from kaizen.workshop import open_workshop
from kaizen.workshop.attaching import grafts
from kaizen.workshop.places import ledger_beside
from tests.faces.said import Shell, shell


@pytest.fixture
def kaizen(capsys: pytest.CaptureFixture[str]) -> Shell:
    return shell(capsys)


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository, as the current directory."""
    found = tmp_path / "loop"
    found.mkdir()
    git(found, "init", "-q", "-b", "main")
    monkeypatch.chdir(found)
    return found


def git(top: Path, *words: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {name: said for name, said in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", "-c", "user.name=n", "-c", "user.email=e@x", *words], cwd=top, text=True, errors="replace", capture_output=True, check=False,
        env=environment | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert not ok or done.returncode == 0, done.stderr
    return done


def commit(top: Path, message: str, *, ok: bool = True) -> str:
    return git(top, "commit", "--allow-empty", "-m", message, ok=ok).stderr


def hook(path: Path, text: str, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def messages(top: Path) -> list[str]:
    """What the inbox of a repository holds."""
    from kaizen.intention import read_inbox, repository_of

    found = repository_of(top, {})
    assert found is not None
    return [one.message for one in read_inbox(found.memory).intentions]


def states(top: Path) -> dict[str, object]:
    """Every file, folder and link, with mode and content; git's own moving parts and the memory left out."""
    found: dict[str, object] = {}
    for path in sorted(top.rglob("*")):
        name = str(path.relative_to(top))
        if name.startswith((".git/objects", ".git/logs", ".git/index", ".git/kaizen")):
            continue
        info = path.lstat()
        content: object = None
        if stat.S_ISLNK(info.st_mode):
            content = path.readlink()
        elif stat.S_ISREG(info.st_mode):
            content = path.read_bytes()
        found[name] = (stat.S_IFMT(info.st_mode), stat.S_IMODE(info.st_mode), content)
    return found


# ── asking, doing, undoing ────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_shown_is_what_is_done(kaizen: Shell, top: Path) -> None:
    """The diff names every file that changes, and no other one does."""
    (top / "AGENTS.md").write_text("# Rules\n")
    (top / "notes.md").write_text("mine\n")
    before = states(top)
    shown = kaizen("attach", "--mcp")
    assert (shown.status, states(top)) == (2, before)
    assert "Nothing is changed: this is no terminal, so nobody can be asked; --yes says yes" in shown.out
    done = kaizen("attach", "--mcp", "--yes")
    assert done.status == 0
    changed = {name for name, was in states(top).items() if before.get(name) != was}
    assert changed == {".git/hooks/commit-msg", "AGENTS.md", ".mcp.json"}
    for name in changed:
        assert f"+++ b/{name}" in shown.out
    assert shown.out.split("\n\nNothing")[0] in done.out


def test_a_person_is_asked(kaizen: Shell, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but a yes does it."""

    class Terminal:
        def __init__(self, said: str) -> None:
            self.said = said

        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return self.said

    before = states(top)
    for said in ("n\n", "\n", "", "what?\n"):
        monkeypatch.setattr("sys.stdin", Terminal(said))
        answered = kaizen("attach")
        assert (answered.status, states(top)) == (0, before)
        assert "Do this? [y/N]" in answered.out
        assert answered.out.endswith("Nothing is changed\n")
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert "Attached" in kaizen("attach").out
    assert states(top) != before


def test_attaching_twice_does_nothing(kaizen: Shell, top: Path) -> None:
    """And says so; another wish is another change."""
    (top / "CLAUDE.md").write_text("# Rules")
    kaizen("attach", "--yes", "--process", "speed")
    after = states(top)
    again = kaizen("attach")
    assert (again.status, again.out, states(top)) == (0, "Attached already: nothing to do\n", after)
    other = kaizen("attach", "--strict", "--yes")
    assert "setting strict: False becomes True" in other.out
    assert json.loads((top / ".git" / "kaizen" / "attached.json").read_text())["process"] == "speed"
    assert kaizen("attach", "--json", "--strict").document["attached"] is True


def test_a_log_is_named_from_where_one_stands(kaizen: Shell, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remembered as seen from the top, so that each worktree finds its own; one outside stays where it is."""

    def remembered() -> str:
        found: str = json.loads((top / ".git" / "kaizen" / "attached.json").read_text())["log"]
        return found

    (top / "runs").mkdir()
    kaizen("attach", "--yes", "--log", "runs/mine.tsv")
    assert remembered() == str(Path("runs", "mine.tsv"))
    monkeypatch.chdir(top / "runs")
    kaizen("attach", "--yes", "--log", "other.tsv")
    assert remembered() == str(Path("runs", "other.tsv"))
    kaizen("attach", "--yes", "--log", "../../outside.tsv")
    assert remembered() == str(top.parent / "outside.tsv")


def test_a_memory_is_found_from_where_one_stands(kaizen: Shell, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is remembered the nod says so; a folder below asks the same memory, unless it has one of its own."""
    kaizen("attach", "--yes")
    below = top / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    first = kaizen("nod", "raise lr to 0.1")
    assert first.status == 0
    assert first.out.strip() == "go: nothing has been tried in this repository yet"
    assert kaizen("nod", "raise lr to 0.1", "--json").document["nod"]["answer"] == "go"
    (top / "results.tsv").write_text(
        "commit\tloss\tstatus\tdescription\nabc1234\t1.0\tkeep\tbaseline\nabc1235\t1.2\tdiscard\traise lr to 0.1\n"
    )
    said = kaizen("nod", "raise lr to 0.1")
    assert "failed before: run 2 (abc1235)" in said.out
    with open_workshop() as shop:
        assert tuple(shop) == ("loop",)
    with open_workshop(ledger_beside(below)) as shop:
        shop.describe(
            Process(name="own", parameters=(Whole(name="x", low=1, high=9),), metrics=(higher("y", exact=True),), standard=Setting({"x": 1}))
        )  # fmt: skip
    with open_workshop() as shop:
        assert tuple(shop) == ("own",)


def test_outside_of_a_repository_it_says_so(kaizen: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And where nothing is attached, there is nothing to detach."""
    monkeypatch.chdir(tmp_path)
    said = kaizen("attach", "--yes")
    assert (said.status, list(tmp_path.iterdir())) == (2, [])
    assert "must be a git repository" in said.err
    assert "git init" in said.err
    git(tmp_path, "init", "-q")
    assert (kaizen("detach").status, "kaizen attach" in kaizen("detach").err) == (2, True)


def test_detaching_leaves_what_is_remembered(kaizen: Shell, top: Path) -> None:
    """The hook goes, the memory stays and is found again."""
    kaizen("attach", "--yes")
    commit(top, "an idea")
    assert "what is remembered stays in" in kaizen("detach").out
    commit(top, "unheard")
    kaizen("attach", "--yes")
    assert messages(top) == ["an idea"]


def test_a_moved_repository_stays_attached(kaizen: Shell, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in the hook or the memory names the place of the repository."""
    (top / "AGENTS.md").write_text("# Rules\n")
    before = states(top)
    kaizen("attach", "--yes")
    moved = top.rename(top.with_name("elsewhere"))
    monkeypatch.chdir(moved)
    commit(moved, "an idea")
    assert messages(moved) == ["an idea"]
    kaizen("detach")
    after = states(moved)
    assert {name: after.get(name) for name in before if not name.startswith(".git/")} == {
        name: was for name, was in before.items() if not name.startswith(".git/")
    }
    assert not (moved / ".git" / "hooks" / "commit-msg").exists()


def test_edits_made_since_stay(kaizen: Shell, top: Path) -> None:
    """Of a file that somebody changed, only our part is taken out, and that is said."""
    (top / "AGENTS.md").write_text("# Rules\n")
    (top / ".mcp.json").write_text('{"mcpServers": {"mine": {"command": "x"}}}')
    kaizen("attach", "--yes")
    path = top / "AGENTS.md"
    path.write_text("# New first line\n" + path.read_text() + "\nand a last one\n")
    servers = json.loads((top / ".mcp.json").read_text())
    servers["mcpServers"]["more"] = {"command": "z"}
    (top / ".mcp.json").write_text(json.dumps(servers, indent=4))
    ours = top / ".git" / "hooks" / "commit-msg"
    ours.write_text(ours.read_text() + "echo mine >&2\n")
    said = kaizen("detach").out
    assert said.count("was edited since: only our part is taken out") == 3
    assert path.read_text() == "# New first line\n# Rules\n\nand a last one\n"
    assert json.loads((top / ".mcp.json").read_text()) == {
        "mcpServers": {"mine": {"command": "x"}, "more": {"command": "z"}}
    }
    assert ours.read_text() == "#!/bin/sh\necho mine >&2\n"
    assert commit(top, "x").strip() == "mine"


def test_what_a_reset_took_back_is_no_edit(kaizen: Shell, top: Path) -> None:
    """Attached again after it, and detached, the file is as it was at the last time."""
    path = top / "AGENTS.md"
    path.write_text("one\n")
    git(top, "add", "-A")
    commit(top, "start")
    assert "git tracks AGENTS.md: commit this" in " ".join(kaizen("attach", "--yes").out.split())
    git(top, "reset", "--hard")
    path.write_text("one\ntwo\n")
    kaizen("attach", "--yes")
    assert "kaizen: begin" in path.read_text()
    kaizen("detach")
    assert path.read_text() == "one\ntwo\n"


# ── hooks that were there before ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "text",
    [
        '#!/bin/sh\necho "before $(basename "$0") $1" >&2\ngrep -q good "$1" || exit 3\n',
        '#!/usr/bin/env bash\nset -e\necho "before $(basename "$0") $1" >&2\ngrep -q good "$1"\nexec true\n',
        '#!/usr/bin/env python3\nimport sys\nprint("before commit-msg", *sys.argv[1:])\nsys.exit("good" not in open(sys.argv[1]).read())\n',
    ],
)
def test_an_older_hook_runs_first_and_is_respected(kaizen: Shell, top: Path, text: str) -> None:
    """It sees its own name and its words; what it refuses is refused, and is no intention."""
    path = hook(top / ".git" / "hooks" / "commit-msg", text, 0o700)
    before = states(top)
    kaizen("attach", "--yes")
    said = commit(top, "a good idea")
    assert "before commit-msg .git/COMMIT_EDITMSG" in said
    refused = git(top, "commit", "--allow-empty", "-m", "bad", ok=False)
    assert refused.returncode == 1
    assert messages(top) == ["a good idea"]
    kaizen("detach")
    assert (path.read_text(), states(top)[".git/hooks/commit-msg"]) == (text, before[".git/hooks/commit-msg"])


def test_a_hook_that_git_ignores_is_not_woken(kaizen: Shell, top: Path) -> None:
    """One that is not executable was no hook, and is none now."""
    hook(top / ".git" / "hooks" / "commit-msg", "#!/bin/sh\nexit 1\n", 0o644)
    kaizen("attach", "--yes")
    commit(top, "an idea")
    assert messages(top) == ["an idea"]


def test_hooks_in_the_working_tree(kaizen: Shell, top: Path) -> None:
    """core.hooksPath, relative to the top, also from a folder below."""
    git(top, "config", "core.hooksPath", ".githooks")
    path = hook(top / ".githooks" / "commit-msg", "#!/bin/sh\necho mine >&2\n")
    (top / "below").mkdir()
    os.chdir(top / "below")
    kaizen("attach", "--yes")
    assert commit(top, "an idea").strip() == "mine"
    assert messages(top) == ["an idea"]
    kaizen("detach")
    assert path.read_text() == "#!/bin/sh\necho mine >&2\n"
    assert [one.name for one in path.parent.iterdir()] == ["commit-msg"]


def test_husky_finds_its_own_files(kaizen: Shell, top: Path) -> None:
    """Its hooks go by the name and folder that they are called by: .husky/_/commit-msg stands for .husky/commit-msg."""
    git(top, "config", "core.hooksPath", ".husky/_")
    hook(
        top / ".husky" / "_" / "h",
        '#!/usr/bin/env sh\nn=$(basename "$0")\ns=$(dirname "$(dirname "$0")")/$n\n[ ! -f "$s" ] && exit 0\n'
        'sh -e "$s" "$@"\nc=$?\n[ $c != 0 ] && echo "husky - $n script failed (code $c)"\nexit $c\n',
    )
    hook(top / ".husky" / "_" / "commit-msg", '#!/usr/bin/env sh\n. "$(dirname "$0")/h"')
    hook(top / ".husky" / "commit-msg", 'echo "husky saw $1" >&2\ngrep -q good "$1"\n', 0o644)
    assert "husky writes its hooks anew" in kaizen("attach", "--yes").out
    assert "husky saw .git/COMMIT_EDITMSG" in commit(top, "a good idea")
    assert "husky - commit-msg script failed" in commit(top, "bad", ok=False)
    assert messages(top) == ["a good idea"]


def test_shared_hooks_know_who_is_attached(kaizen: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of hooks outside: silent in other repositories, and gone with the last one that is attached."""
    shared = tmp_path / "hooks"
    older = hook(shared / "commit-msg", "#!/bin/sh\necho all >&2\n")
    tops = [tmp_path / name for name in "abc"]
    for one in tops:
        one.mkdir()
        git(one, "init", "-q")
        git(one, "config", "core.hooksPath", str(shared))
    for one in tops[:2]:
        monkeypatch.chdir(one)
        assert "are shared" in kaizen("attach", "--yes").out
    for one in tops:
        assert commit(one, "idea").strip() == "all"
    assert [messages(one) for one in tops] == [["idea"], ["idea"], []]
    monkeypatch.chdir(tops[0])
    assert "stays, for other repositories are attached by it" in kaizen("detach").out
    commit(tops[1], "second")
    assert messages(tops[1]) == ["idea", "second"]
    monkeypatch.chdir(tops[1])
    kaizen("detach")
    assert older.read_text() == "#!/bin/sh\necho all >&2\n"
    assert [path.name for path in shared.iterdir()] == ["commit-msg"]


def test_another_hook_in_our_place_is_left_alone(kaizen: Shell, top: Path) -> None:
    """Somebody else has installed theirs since: it is not ours to remove."""
    path = hook(top / ".git" / "hooks" / "commit-msg", "#!/bin/sh\nexit 0\n")
    kaizen("attach", "--yes")
    hook(path, "#!/bin/sh\necho new\n")
    assert "is another one since, and stays; the one before ours is" in kaizen("detach").out
    assert path.read_text() == "#!/bin/sh\necho new\n"
    said = kaizen("attach", "--yes")
    assert (said.status, "must have room beside ours" in said.err) == (2, True)


# ── odd repositories ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_worktrees_and_submodules(kaizen: Shell, top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where .git is a file, the memory is in the common directory it points to."""
    commit(top, "start")
    git(top, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side tree"))
    monkeypatch.chdir(tmp_path / "side tree")
    kaizen("attach", "--yes")
    commit(tmp_path / "side tree", "in the side tree")
    commit(top, "in the main one")
    assert messages(top) == messages(tmp_path / "side tree") == ["in the side tree", "in the main one"]
    kaizen("detach")
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    git(other, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(top), "part")
    monkeypatch.chdir(other / "part")
    kaizen("attach", "--yes")
    commit(other / "part", "in the submodule")
    commit(other, "outside of it")
    assert (messages(other / "part"), messages(other)) == (["in the submodule"], [])
    assert (other / ".git" / "modules" / "part" / "kaizen" / "attached.json").is_file()


def test_a_bare_repository_with_worktrees(
    kaizen: Shell, top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attached in the bare one, it holds in each of its worktrees."""
    commit(top, "start")
    git(tmp_path, "clone", "-q", "--bare", str(top), "it's bare.git")
    bare = tmp_path / "it's bare.git"
    git(bare, "worktree", "add", "-q", "-b", "w", str(tmp_path / "w"))
    monkeypatch.chdir(bare)
    kaizen("attach", "--yes")
    commit(tmp_path / "w", "an idea")
    assert messages(bare) == ["an idea"]
    assert kaizen("detach").status == 0
    assert not (bare / "hooks" / "commit-msg").exists()


def test_an_odd_interpreter_is_quoted(
    kaizen: Shell, top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spaces, quotes and dollars in its path stay what they are."""
    import sys

    odd = tmp_path / 'it\'s $HOME `x` "y"'
    odd.symlink_to(Path(sys.executable).resolve())
    monkeypatch.setattr("sys.executable", str(odd))
    kaizen("attach", "--yes")
    commit(top, "an idea")
    assert messages(top) == ["an idea"]


def test_a_place_that_cannot_be_written_is_left_as_it_was(kaizen: Shell, top: Path) -> None:
    """What was done up to there is undone."""
    (top / "AGENTS.md").write_text("# Rules\n")
    git(top, "config", "core.hooksPath", os.devnull)
    before = states(top)
    said = kaizen("attach", "--yes")
    assert (said.status, states(top)) == (2, before)
    assert "must be a file that can be written" in said.err


# ── grafts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


SERVER = {"command": "kaizen", "args": ["mcp"]}


@pytest.mark.parametrize(
    "text",
    [
        "{}", "{\n}\n", '{"mcpServers": {}}', '{"a": 1}', '{"a": [1, 2], "mcpServers": {"x": {"y": "}"}}}',
        '\ufeff{\r\n\t"mcpServers": {\r\n\t\t"x": {}\r\n\t}\r\n}\r\n',
        '{\n  // a } comment\n  "other": "{", /* and " one */\n  "mcpServers": {\n    "x": {"url": "http://a//b"},\n  },\n}\n',
        '{\n    "z": {"mcpServers": {"kaizen": 1}},\n    "mcpServers": {\n    }\n}',
    ],
)  # fmt: skip
def test_json_keeps_all_that_it_had(text: str) -> None:
    """Comments, commas, indentation, line ends; and gives ours back without a trace."""
    before = text.encode()
    graft = grafts.with_server(before, "mcpServers", SERVER)
    assert graft is not None
    assert graft.after.replace(graft.ours, b"", 1) == before
    assert grafts.with_server(graft.after, "mcpServers", SERVER) is None
    assert grafts.without_server(graft.after, graft.ours, "mcpServers") == before
    changed = grafts.without_server(graft.after, b"", "mcpServers")
    known = grafts.with_server(changed, "mcpServers", SERVER)
    assert known is not None
    assert b'"x"' not in before or b'"x"' in changed


@pytest.mark.parametrize("text", ["[]", "{", '{"mcpServers": []}', '{"a": "b}', "nonsense", '{"a" 1}', "\udcff"])
def test_what_is_no_such_json_is_left_alone(text: str, kaizen: Shell, top: Path) -> None:
    """It is told of, and stays as it is."""
    written = text.encode("utf-8", "surrogateescape")
    (top / ".mcp.json").write_bytes(written)
    assert ".mcp.json is left alone: it" in kaizen("attach", "--yes").out
    assert (top / ".mcp.json").read_bytes() == written


def test_clients_are_told_where_they_look(kaizen: Shell, top: Path) -> None:
    """Each in its own form; no folder is made for a client that is not there."""
    for name in (".cursor", ".vscode", ".codex"):
        (top / name).mkdir()
    (top / ".codex" / "config.toml").write_text('model = "x"')
    kaizen("attach", "--yes")
    assert json.loads((top / ".cursor" / "mcp.json").read_text())["mcpServers"]["kaizen"]["args"] == ["mcp"]
    assert json.loads((top / ".vscode" / "mcp.json").read_text())["servers"]["kaizen"]["type"] == "stdio"
    codex = tomllib.loads((top / ".codex" / "config.toml").read_text())
    assert (codex["model"], codex["mcp_servers"]["kaizen"]["args"]) == ("x", ["mcp"])
    assert not (top / ".mcp.json").exists()


def test_one_file_by_two_names_is_told_once(kaizen: Shell, top: Path) -> None:
    """CLAUDE.md is often a link to AGENTS.md; a link to a file elsewhere is left alone."""
    (top / "AGENTS.md").write_text("# Rules\n")
    (top / "CLAUDE.md").symlink_to("AGENTS.md")
    outside = top.parent / "outside.md"
    outside.write_text("not of this repository\n")
    (top / "program.md").symlink_to(outside)
    said = kaizen("attach", "--yes").out
    assert (top / "AGENTS.md").read_text().count("kaizen: begin") == 1
    assert (top / "CLAUDE.md").is_symlink()
    assert "program.md is left alone: it is a link to a file outside" in said
    assert outside.read_text() == "not of this repository\n"


# ── to the byte ───────────────────────────────────────────────────────────────────────────────────────────────────────


TEXT = st.binary(max_size=60) | st.sampled_from(
    [b"", b"# Rules", b"# Rules\n", b"a\r\nb\r\n", b"\xef\xbb\xbfx\n", b"\n\n\n", "ü\n".encode(), b"\xff\xfe\n"]
)
JSON = TEXT | st.dictionaries(
    st.sampled_from(["mcpServers", "servers", "a"]),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    max_size=3,
).flatmap(lambda known: st.sampled_from([json.dumps(known, indent=n).encode() for n in (None, 2, 4, "\t")]))
HOOK = TEXT | st.sampled_from(
    [b"#!/bin/sh\nexit 0\n", b"#!/bin/sh", b"#!/usr/bin/env bash\nexit 0\n", b"#!/usr/bin/env python3\n"]
)
FILES = {
    "AGENTS.md": TEXT, "CLAUDE.md": TEXT, "program.md": TEXT, ".mcp.json": JSON, ".cursor/mcp.json": JSON,
    ".vscode/mcp.json": JSON, ".vscode/settings.json": JSON, ".codex/config.toml": TEXT | st.just(b"[mcp_servers.x]\ncommand = 1\n"),
    ".git/hooks/commit-msg": HOOK,
}  # fmt: skip
PRESENT = st.fixed_dictionaries(
    {},
    optional={
        name: st.tuples(content, st.sampled_from([0o644, 0o600, 0o755, 0o664, 0o700]), st.booleans())
        for name, content in FILES.items()
    },
)


@pytest.fixture(scope="module")
def bare_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The .git folder that every example begins with."""
    made = tmp_path_factory.mktemp("template")
    git(made, "init", "-q", "-b", "main")
    return made


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(present=PRESENT, hooks_folder=st.booleans(), mcp=st.booleans(), strict=st.booleans(), commits=st.integers(0, 1))
def test_attaching_and_detaching_leaves_no_trace(
    bare_repository: Path,
    monkeypatch: pytest.MonkeyPatch,
    present: Any,
    hooks_folder: bool,
    mcp: bool,
    strict: bool,
    commits: int,
) -> None:
    """Every file, mode, link and absence is as it was, whatever was there, and whatever was committed in between."""
    import shutil

    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder) / "t"
        shutil.copytree(bare_repository, top, symlinks=True)
        if not hooks_folder:
            shutil.rmtree(top / ".git" / "hooks")
        for name, (content, mode, linked) in present.items():
            path = top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if linked:
                target = path.with_name(f"real-{path.name}")
                target.write_bytes(content)
                target.chmod(mode)
                path.symlink_to(target.name)
            else:
                path.write_bytes(content)
                path.chmod(mode)
        before = states(top)
        monkeypatch.chdir(top)
        assert main(["attach", "--yes", *(["--mcp"] if mcp else []), *(["--strict"] if strict else [])]) == 0
        for _ in range(commits):
            git(top, "commit", "--allow-empty", "-m", "an idea", ok=False)
        middle = states(top)
        assert main(["attach", *(["--mcp"] if mcp else []), *(["--strict"] if strict else [])]) == 0
        assert states(top) == middle
        assert main(["detach"]) == 0
        after = states(top)
        for name in (".git/COMMIT_EDITMSG", ".git/refs/heads/main"):
            after.pop(name, None)
        assert after == before
        monkeypatch.chdir("/")
