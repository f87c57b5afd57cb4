"""What became of a commit, as git's own log of its head tells it: built upon, reset away, or still where it was.

The log (``logs/HEAD`` of each worktree) is read as a file: no git is started, for this runs at every commit of a loop. Where
it cannot tell, it says so, and whoever has time asks git.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

Fate = Literal["open", "kept", "discarded", "unknown"]
"""``open``: it is the head, or lies on a branch aside; ``kept``: the next commit was built on it."""

TAIL: Final = 65_536
"""Bytes of the log that are read: some four hundred moves."""
_OTHERS: Final = frozenset({"reset", "checkout", "rebase", "pull", "merge", "clone", "branch", "switch", "update", ""})
"""First words of moves that make no commit of their own."""


class Move(NamedTuple):
    """One move of the head."""

    old: str
    new: str
    said: str
    """``commit: halve the batch``, ``reset: moving to HEAD~1`` …"""

    @property
    def verb(self) -> str:
        """Return the first word of what git says of it, by which kinds of moves are told apart."""
        return self.said.partition(":")[0].partition(" ")[0]

    @property
    def subject(self) -> str:
        """Return the first line of the commit that it made."""
        return self.said.partition(": ")[2]

    @property
    def amends(self) -> bool:
        """Whether it put a commit in the place of the head."""
        return self.said.startswith("commit (amend)")

    @property
    def commits(self) -> bool:
        """Whether it put a commit on top of the head."""
        return self.verb not in _OTHERS and not self.amends

    @property
    def joins(self) -> bool:
        """Whether it kept all that the head had, and brought in more."""
        return self.verb == "merge" or (self.verb == "pull" and "rebase" not in self.said)


def moves_of(git: Path) -> tuple[Move, ...]:
    """Read the latest moves in a git directory; none where no log is kept."""
    try:
        file = os.open(git / "logs" / "HEAD", os.O_RDONLY)
    except OSError:
        return ()
    try:
        size = os.fstat(file).st_size
        start = max(0, size - TAIL)
        text = os.pread(file, TAIL, start).decode("utf-8", "replace")
    finally:
        os.close(file)
    lines = text.split("\n")[1 if start else 0 :]
    return tuple(move for line in lines if (move := _move(line)) is not None)


def _move(line: str) -> Move | None:
    before, _, said = line.partition("\t")
    words = before.split(" ", 2)
    return Move(words[0], words[1], said) if len(words) == 3 and len(words[0]) in (40, 64) else None


def subject_of(message: str) -> str:
    """Return a message's first paragraph on one line, as git takes it for the subject."""
    return " ".join(message.strip().split("\n\n", 1)[0].split())


def made_by(subject: str, head: str, moves: Sequence[Move], *, taken: frozenset[int] = frozenset()) -> int | None:
    """Return the place of the move that made a commit of this subject upon ``head``; the first that is not ``taken``."""
    for place, move in enumerate(moves):
        if place in taken or not move.commits or move.old.strip("0") != head.strip("0"):
            continue
        if _letters(subject).startswith(_letters(move.subject)[:60]):
            return place
    return None


def _letters(said: str) -> str:
    """Return what no encoding of a log changes."""
    return "".join(letter for letter in said if letter.isascii() and letter.isalnum())


def fate_of(made: int, moves: Sequence[Move], *, coming: bool = False) -> Fate:
    """Return what became of the commit that move ``made`` made.

    Args:
        made: the place of its move.
        moves: all moves known, oldest first.
        coming: whether a commit upon the head as it stands is about to be made.
    """
    move = moves[made]
    earlier = {one for other in moves[: made + 1] for one in (other.old, *((other.new,) if other is not move else ()))}
    earlier.discard(move.new)
    fate: Fate = "open"
    line, here = {move.new}, True
    undone = f'Revert "{move.subject}"'
    for later in moves[made + 1 :]:
        if later.verb == "rebase" or (later.verb == "pull" and not later.joins):
            return "unknown"
        if later.commits or later.amends or later.joins:
            if later.old in line:
                line.add(later.new)
                fate = "discarded" if later.subject == undone else fate if later.amends or fate != "open" else "kept"
                here = True
            continue
        was, here = here, later.new in line
        if here:
            fate = "open" if fate == "discarded" else fate
        elif was and later.verb == "reset":
            if later.new not in earlier:
                return "unknown"
            fate = "discarded"
    if fate == "open" and here and coming:
        return "kept"
    return fate
