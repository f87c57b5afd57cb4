"""What is about to be committed: the message, the staged diff within limits of bytes and time, and whether it is an idea at all."""

import os
import re
import select
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kaizen.intention import Repository

DIFF: Final = 200_000
"""Bytes of a diff that are read; what goes beyond is generated, as a rule."""
_OURS: Final = re.compile(rb"^\+.*kaizen: begin; `kaizen detach`", re.MULTILINE)
_DIFF_S: Final = 0.2
_MESSAGE: Final = 65_536  # bytes of a message that are read
_BIG: Final = "1m"  # a file larger than that is told of as changed, and not compared
_DIFF_WORDS: Final = (
    "git", "-c", f"core.bigFileThreshold={_BIG}", "-c", "diff.noprefix=false", "-c", "diff.mnemonicPrefix=false", "-c", "core.fsmonitor=false",
    "--no-optional-locks", "diff", "--cached", "--no-color", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all",
)  # fmt: skip
_SCISSORS: Final = re.compile(r"^. -+ >8 -+$", re.MULTILINE)
_TRAILER: Final = re.compile(r"^(signed-off-by|co-authored-by|change-id|reviewed-by|acked-by|generated[- ]with|🤖).*$",
                             re.IGNORECASE | re.MULTILINE)  # fmt: skip
_NO_IDEA: Final = re.compile(
    r"(fixup!|squash!|amend!|merge (branch|remote|pull|tag|commit)\b|revert \")", re.IGNORECASE
)
_UNDER_WAY: Final = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply", "sequencer",
                     "BISECT_LOG")  # fmt: skip


def message_of(path: str) -> str:
    """Read a message without comments and trailers, in whatever encoding it is written."""
    file = os.open(path, os.O_RDONLY)
    try:
        written = os.read(file, _MESSAGE)
    finally:
        os.close(file)
    try:
        text = written.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = written.decode("latin-1")
    text = _SCISSORS.split(text.replace("\0", ""), maxsplit=1)[0]
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return _TRAILER.sub("", "\n".join(lines)).strip()


def is_no_idea(repository: Repository, message: str, committing: Sequence[str] = ()) -> bool:
    """Tell whether a commit only joins, undoes or rewrites what is there: it is none of our business."""
    if _NO_IDEA.match(message):
        return True
    if any(os.path.lexists(repository.git / name) for name in _UNDER_WAY):
        return True
    return any(_amends(process) for process in committing[:1])


def is_ours(diff: bytes) -> bool:
    """Tell whether a diff adds what attach wrote, and does not merely stand near it."""
    return _OURS.search(diff) is not None


def _amends(process: str) -> bool:
    """Tell whether one of the programs that called us is ``git commit --amend``; only Linux tells without another program."""
    for _ in range(5):  # a script of hooks may stand between
        try:
            with Path(f"/proc/{int(process)}/cmdline").open("rb") as file:
                words = file.read(4096).split(b"\0")
            if words[0].rpartition(b"/")[2] in (b"git", b"git-commit"):
                return b"--amend" in words
            process = Path(f"/proc/{int(process)}/stat").read_bytes().rpartition(b")")[2].split()[1].decode()
        except (OSError, ValueError, IndexError):
            return False
    return False


def diff() -> bytes:
    """Return the staged diff as git prints it, cut off at ``DIFF`` bytes; empty where it takes too long."""
    reader, writer = os.pipe()
    environment = os.environ | {"LC_ALL": "C"}
    try:
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, writer, 1),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ]
        child = os.posix_spawnp("git", list(_DIFF_WORDS), environment, file_actions=actions)
    except (OSError, AttributeError):  # no git on the path, or a system without this call
        os.close(reader)
        os.close(writer)
        return b""
    os.close(writer)
    try:
        return _read(reader)
    finally:
        os.close(reader)
        os.kill(child, signal.SIGKILL)  # not yet waited for, so the number is still its own
        os.waitpid(child, 0)


def _read(reader: int) -> bytes:
    """Read until the end, the limit of bytes, or the limit of time."""
    ends = time.monotonic() + _DIFF_S
    parts: list[bytes] = []
    left = DIFF
    while left > 0:
        ready, _, _ = select.select([reader], [], [], max(0.0, ends - time.monotonic()))
        if not ready:
            return b""
        part = os.read(reader, min(left, 65_536))
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
