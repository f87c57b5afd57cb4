"""Commits that are none of a hook's dreams: each must be made, byte for byte as it was wanted, within a second."""

import contextlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.hook.cold import sentence
from benchmarks.hook.repository import BARE, PROCESS, begin, git
from kaizen.hinting import index_of
from kaizen.intention import ATTACHED, INBOX

MOST_S = 1.0
_BIG_EVERY = 40  # of the commits of fifty megabytes, one in so many rounds: git itself takes its time for them
_OBEYING = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""What makes a superuser obey the modes of files, too."""


class Loop(NamedTuple):
    """A repository, and the chance that its commits are drawn by."""

    top: Path
    chance: random.Random

    @property
    def memory(self) -> Path:
        """Return the folder of its memory."""
        return self.top / ".git" / "kaizen"

    @property
    def index(self) -> Path:
        """Return the index of words."""
        return index_of(self.memory / "ledger.db", PROCESS)

    def write(self, content: bytes, name: str = "train.py") -> None:
        """Change a file."""
        (self.top / name).write_bytes(content)


# ── diffs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _plain(loop: Loop) -> None:
    loop.write(f"x = {loop.chance.random()}\n".encode())


def _binary(loop: Loop) -> None:
    loop.write(loop.chance.randbytes(200_000), "weights.bin")


def _big_text(loop: Loop) -> None:
    loop.write(f"{loop.chance.random():.18f}\n".encode() * 2_500_000, "table.txt")


def _big_binary(loop: Loop) -> None:
    loop.write(loop.chance.randbytes(1_000_000) * 50, "table.bin")


def _many_files(loop: Loop) -> None:
    for n in range(300):
        loop.write(f"{loop.chance.random()}\n".encode(), f"part{n}.py")


def _odd_content(loop: Loop) -> None:
    coding = loop.chance.choice(["utf-16", "latin-1", "utf-8-sig", "cp1252"])
    loop.write(f"größe = {loop.chance.random()}\r\n".encode(coding), "odd.py")


def _odd_names(loop: Loop) -> None:
    for name in ("two words.py", 'quo"te.py', "new\nline.py", "ünïcode ☝.py", "-rf", "$(touch pwned)", "a\\b"):
        loop.write(f"{loop.chance.random()}\n".encode(), name)


def _long_line(loop: Loop) -> None:
    loop.write(b"x" * 900_000 + str(loop.chance.random()).encode(), "line.py")


def _modes_and_links(loop: Loop) -> None:
    link = loop.top / "link"
    link.unlink(missing_ok=True)
    link.symlink_to(str(loop.chance.random()))
    loop.write(b"#!/bin/sh\n", "run.sh")
    (loop.top / "run.sh").chmod(loop.chance.choice([0o644, 0o755]))


def _nothing(loop: Loop) -> None:
    del loop


DIFFS = (_plain, _binary, _many_files, _odd_content, _odd_names, _long_line, _modes_and_links, _nothing)
BIG = (_big_text, _big_binary)

# ── messages ──────────────────────────────────────────────────────────────────────────────────────────────────────────

MESSAGES = (
    b"matrix lr 0.04 to 0.05", "学习率 0.1 → 0.2 🚀".encode(), "größe 3 to 4".encode("latin-1"), b"\xff\xfe\xfd lr", b"x" * 150_000,
    b"'; rm -rf \"$HOME\" `x` $(y) %s %n \\", b"-m --amend", b"# all of it\n# is comments\n", b"a\r\nb\r\n\r\nc", b"\x1b[31mred\x07",
    b"one\n\n" + b"Signed-off-by: x <x@y>\n" * 50, "\u202eright to left".encode(), b"remove dropout", b'{"k":1}',
)  # fmt: skip

# ── memories ──────────────────────────────────────────────────────────────────────────────────────────────────────────

Harm = Callable[[Loop], AbstractContextManager[dict[str, str]]]


@contextmanager
def _sound(loop: Loop) -> Iterator[dict[str, str]]:
    del loop
    yield {}


def _spoilt(path: Callable[[Loop], Path], how: str) -> Harm:
    """Put something else in the place of a file of the memory, for one commit."""

    @contextmanager
    def spoil(loop: Loop) -> Iterator[dict[str, str]]:
        at = path(loop)
        at.parent.mkdir(parents=True, exist_ok=True)
        aside = at.with_name(f"{at.name}.aside")
        if at.exists():
            at.rename(aside)
        if how == "noise":
            at.write_bytes(loop.chance.randbytes(50_000))
        elif how == "torn" and aside.exists():
            at.write_bytes(aside.read_bytes()[: loop.chance.randrange(1, 400)])
        elif how == "folder":
            at.mkdir()
        elif how == "full":
            at.symlink_to("/dev/full")
        elif how == "pipe":
            os.mkfifo(at)
        yield {}
        if at.is_dir() and not at.is_symlink():
            shutil.rmtree(at)
        else:
            at.unlink(missing_ok=True)
        if aside.exists():
            aside.rename(at)

    return spoil


@contextmanager
def _locked(loop: Loop) -> Iterator[dict[str, str]]:
    with contextlib.closing(sqlite3.connect(loop.index, isolation_level=None)) as holder:
        with contextlib.suppress(sqlite3.Error):
            holder.execute("BEGIN EXCLUSIVE")
        yield {}


@contextmanager
def _bare_environment(loop: Loop) -> Iterator[dict[str, str]]:
    del loop
    yield {
        "HOME": "",
        "LC_ALL": "C",
        "LANG": "",
        "TZ": "Nowhere/Never",
        "PYTHONHOME": "/nowhere",
        "PYTHONPATH": "/nowhere",
        "TMPDIR": "/nowhere",
    }


@contextmanager
def _hostile_settings(loop: Loop) -> Iterator[dict[str, str]]:
    wanted = {"diff.external": "sleep 30", "diff.noprefix": "true", "color.ui": "always", "core.pager": "sleep 30"}
    for name, said in wanted.items():
        git(loop.top, "config", name, said)
    yield {}
    for name in wanted:
        git(loop.top, "config", "--unset", name)


@contextmanager
def _no_interpreter(loop: Loop) -> Iterator[dict[str, str]]:
    hook = loop.top / ".git" / "hooks" / "commit-msg"
    before = hook.read_text()
    hook.write_text(before.replace(sys.executable, loop.chance.choice(["/nowhere/python", "/bin/false", "/bin/cat"])))
    yield {}
    hook.write_text(before)


def _of(name: str) -> Callable[[Loop], Path]:
    return lambda loop: loop.memory / name


HARMS: dict[str, Harm] = {
    "nothing": _sound, "index of noise": _spoilt(lambda loop: loop.index, "noise"), "index torn": _spoilt(lambda loop: loop.index, "torn"),
    "index is a folder": _spoilt(lambda loop: loop.index, "folder"), "index locked": _locked, "inbox of noise": _spoilt(_of(INBOX), "noise"),
    "inbox is a folder": _spoilt(_of(INBOX), "folder"), "disk full": _spoilt(_of(INBOX), "full"), "inbox is a pipe": _spoilt(_of(INBOX), "pipe"),
    "settings torn": _spoilt(_of(ATTACHED), "torn"), "settings of noise": _spoilt(_of(ATTACHED), "noise"), "bare environment": _bare_environment,
    "hostile settings of git": _hostile_settings, "no interpreter": _no_interpreter, "memory read-only": _sound,
}  # fmt: skip


class Made(NamedTuple):
    """One commit: whether it is as it was wanted, how long it took by the clock, how many lines were said."""

    sound: bool
    seconds: float
    """The whole commit, git included."""
    hook: float
    """The hook alone, as git timed it."""
    lines: int


def hostile(commits: int, seed: int) -> list[str]:
    """Commit, print what came of it, and return what is promised and not kept."""
    chance = random.Random(seed)
    made: dict[str, list[Made]] = {name: [] for name in HARMS}
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        loop = Loop(Path(folder) / "loop", chance)
        begin(loop.top)
        closed = Loop(Path(folder) / "closed", chance)
        _close(closed)
        for place in range(commits):
            name = list(HARMS)[place % len(HARMS)]
            at = closed if name == "memory read-only" else loop
            diffs = BIG if place % _BIG_EVERY == 17 else DIFFS
            diff = chance.choice(diffs)
            counts[diff.__name__.strip("_").replace("_", " ")] += 1
            message = chance.choice((*MESSAGES, sentence(chance).encode()))
            made[name].append(commit(at, diff, message, HARMS[name], obeying=at is closed))
    every = [one for found in made.values() for one in found]
    slowest, bad = max(one.hook for one in every), sum(not one.sound for one in every)
    print(f"\n{commits:,} hostile commits ({', '.join(f'{count} {what}' for what, count in counts.most_common())})")
    print(
        f"{'memory and surroundings':<26}{'commits':>8}{'not as wanted':>15}{'slowest hook':>14}{'with git':>10}{'most lines said':>17}"
    )
    for name, found in made.items():
        if found:
            worst, whole, said = (max(getattr(one, what) for one in found) for what in ("hook", "seconds", "lines"))
            wrong = sum(not one.sound for one in found)
            print(f"{name:<26}{len(found):>8}{wrong:>15}{worst:>12.2f} s{whole:>8.2f} s{said:>17}")
    print(
        f"all: {bad} not as wanted (promised: 0); the slowest hook took {slowest:.2f} s by the clock (promised: {MOST_S:g} s), the slowest "
        f"commit with all that git does {max(one.seconds for one in every):.2f} s"
    )
    broken = [] if not bad else [f"every commit must be made as it was wanted; got {bad} that were not"]
    return broken + ([] if slowest <= MOST_S else [f"a hook must take at most {MOST_S:g} s; got {slowest:.2f}"])


def commit(loop: Loop, diff: Callable[[Loop], None], message: bytes, harm: Harm, *, obeying: bool = False) -> Made:
    """Make one commit under harm, and look whether it is what was wanted."""
    diff(loop)
    (loop.top / ".git" / "wanted").write_bytes(message)
    git(loop.top, "add", "-A")
    tree = git(loop.top, "write-tree").stdout
    words = [
        *(_OBEYING if obeying and os.geteuid() == 0 else ()),
        "git",
        "commit",
        "-q",
        "--allow-empty",
        "--cleanup=verbatim",
        "-F",
        ".git/wanted",
    ]
    with harm(loop) as more:
        events = loop.top / ".git" / "events"
        events.unlink(missing_ok=True)
        environment = {name: said for name, said in (BARE | more).items() if said} | {"GIT_TRACE2_EVENT": str(events)}
        began = time.perf_counter()
        done = subprocess.run(
            words, cwd=loop.top, stdin=subprocess.DEVNULL, capture_output=True, check=False, env=environment
        )
        seconds = time.perf_counter() - began
    body = git(loop.top, "cat-file", "commit", "HEAD").stdout
    sound = (
        done.returncode == 0 and body.startswith(b"tree " + tree) and body.endswith(b"\n\n" + _as_git_keeps(message))
    )
    if loop.chance.random() < 0.6:
        git(loop.top, "reset", "-q", "--hard", "HEAD~1")
    return Made(
        sound, seconds, _hook_took(events), sum(not line.startswith(_GITS_OWN) for line in done.stderr.splitlines())
    )


def _hook_took(events: Path) -> float:
    """Return how long git waited for the hook."""
    told = [json.loads(line) for line in events.read_text(errors="replace").splitlines()]
    children = {
        one["child_id"] for one in told if one["event"] == "child_start" and one.get("hook_name") == "commit-msg"
    }
    return sum(one["t_rel"] for one in told if one["event"] == "child_exit" and one["child_id"] in children)


_GITS_OWN = (b"Warning: commit message did not", b"You may want to amend", b"variable i18n.commitEncoding")


def _as_git_keeps(message: bytes) -> bytes:
    """Return a message as git itself stores it: what is no UTF-8 is taken for Latin-1."""
    try:
        message.decode()
    except UnicodeDecodeError:
        return message.decode("latin-1").encode()
    return message


def _close(loop: Loop) -> None:
    """Begin a repository whose memory cannot be written."""
    begin(loop.top)
    for path in (loop.memory, *loop.memory.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
