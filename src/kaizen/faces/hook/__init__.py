"""The hook: a nod at the moment of action, in any loop that commits before it runs.

    git commit ──> commit-msg ──> the hook that was there before ──> this one: message and staged diff ──> at most 200 tokens

It advises, and fails open: whatever goes wrong (no memory, a broken or locked one, a diff that does not end), the commit goes
on and nothing is said. A second is the most that it takes, by a watchdog that no lock holds up (``__main__``); by rights it takes
less than a tenth. So it loads next to nothing, and leaves to the next ``kaizen`` command whatever can wait.
"""

import contextlib
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from kaizen.faces.hook import staged
from kaizen.intention import (
    Inbox,
    Intention,
    Repository,
    drop,
    head_of,
    look_again,
    read_attached,
    read_inbox,
    repository_of,
    write_came,
    write_intention,
)

HELD_BACK: Final = 77
"""The exit status by which the script knows that the commit is to be held back; any other lets it go on."""
_MOST: Final = 900  # letters that are printed: 200 tokens, whatever the index answers
_LATEST: Final = 40  # intentions that are looked at again: what became of older ones hardly changes
_DIFFERENT: Final = "different because"


class Asked(NamedTuple):
    """A commit about to be made, in an attached repository."""

    repository: Repository
    attached: Mapping[str, Any]
    message: str


def main(words: list[str]) -> int:
    """Answer for a commit: words are the message's file and the number of the process that commits."""
    try:
        repository = repository_of(Path.cwd(), os.environ)
        attached = None if repository is None else read_attached(repository.memory)
        if repository is None or attached is None or not words:
            return 0
        message = staged.message_of(words[0])
        if not message or staged.is_no_idea(repository, message, words[1:]):
            return 0
        return answer(Asked(repository, attached, message))
    except Exception:  # noqa: BLE001 - fails open: a loop is never stopped by its memory
        return 0


def answer(asked: Asked) -> int:
    """Say what is remembered of a commit, and put it into the inbox; return the exit status."""
    repository, message = asked.repository, asked.message
    memory = repository.memory
    ledger = memory / str(asked.attached.get("ledger", "ledger.db"))
    process = str(asked.attached.get("process", "loop"))
    diff = staged.diff()
    if staged.is_ours(diff):
        return 0  # what attach wrote is committed: no idea of the loop
    inbox = _looked_again(repository, ledger, process)
    now = time.time_ns() // 1000
    one = Intention(
        key=f"c{now:x}{os.getpid():x}",
        at=now,
        worktree=repository.worktree,
        head=head_of(repository),
        message=message,
        print=hinting().print_of(diff),
        standard=inbox.standard,
    )
    with contextlib.suppress(OSError):  # a memory that cannot be written can still be asked
        write_intention(memory, one)
    hint = hinting().hint(ledger, process, message, diff)
    if hint is None or not hint.lines:
        return 0
    strict = bool(asked.attached.get("strict")) and hint.answer == "failed_before"
    held = strict and _DIFFERENT not in message.lower()
    said = "\n".join(hint.lines)[:_MOST]
    if held:
        drop(memory, one.key)
        said += f'\nheld back; to go on, say in the message what is new: "{_DIFFERENT} …"'
    said = f"☝ {said}\n"
    sys.stdout.buffer.write(said.encode("utf-8", "replace"))
    sys.stdout.buffer.flush()
    return HELD_BACK if held else 0


def _looked_again(repository: Repository, ledger: Path, process: str) -> Inbox:
    """Find out what became of what was tried before, tell the index, and return what is in the inbox now."""
    memory = repository.memory
    inbox = read_inbox(memory)
    found = look_again(repository, inbox.intentions[-_LATEST:], coming=True)
    with contextlib.suppress(OSError):
        for one in found.lost:
            if one.worktree == repository.worktree:
                drop(memory, one.key)
        write_came(memory, found.changed)
    fresh = {one.key: one for one in found.changed}
    there = hinting().index_of(ledger, process).is_file()
    known = fresh if there else {one.key: one for one in inbox.intentions if one.commit} | fresh
    tell(ledger, process, [one for one in known.values() if not one.logged])
    return read_inbox(memory) if fresh else inbox


def tell(ledger: Path, process: str, intentions: list[Intention]) -> None:
    """Tell the index what became of intentions; an index that cannot be written is told by the next command."""
    heard = [
        hinting().Heard(one.key, one.message, one.print, one.commit, one.at, one.came, None, one.standard)
        for one in intentions
    ]
    try:
        if heard:
            hinting().remember(ledger, process, heard)
    except Exception:  # noqa: BLE001 - the nod matters more than what it learns
        return


def hinting() -> Any:
    """Return the module that gives hints: loaded late, for most hooks of the world end before it is wanted."""
    from kaizen import hinting as loaded

    return loaded
