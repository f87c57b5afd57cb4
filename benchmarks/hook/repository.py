"""A throw-away git repository that is attached, as the bench's loops use it."""

import os
import subprocess
import sys
from pathlib import Path

from kaizen.intention import Repository, repository_of
from kaizen.workshop.attaching import place_at, plan
from kaizen.workshop.attaching.doing import perform
from kaizen.workshop.attaching.hooks import runs_here

PROCESS = "loop"
BARE = {name: said for name, said in os.environ.items() if not name.startswith("GIT_")} | {
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "loop", "GIT_AUTHOR_EMAIL": "loop@x",
    "GIT_COMMITTER_NAME": "loop", "GIT_COMMITTER_EMAIL": "loop@x",
}  # fmt: skip


def git(top: Path, *words: str, check: bool = True, **how: object) -> subprocess.CompletedProcess[bytes]:
    """Call git as a loop does."""
    how.setdefault("env", BARE)
    return subprocess.run(  # type: ignore[call-overload,no-any-return] # what it is given, it takes
        ["git", *words], cwd=top, stdin=subprocess.DEVNULL, capture_output=True, check=check, **how
    )


def begin(top: Path, *, attached: bool = True, strict: bool = False) -> Repository:
    """Make a repository with one commit, and attach it."""
    top.mkdir(parents=True)
    git(top, "init", "-q", "-b", "main")
    git(top, "config", "gc.auto", "0")
    git(top, "commit", "-q", "--allow-empty", "-m", "start")
    if attached:
        settings = {"process": PROCESS, "strict": strict, "log": "", "ledger": "ledger.db"}
        perform(plan(place_at(top), settings, runs=runs_here(sys.executable), command="kaizen"))
    found = repository_of(top, {})
    assert found is not None, "it was just made"
    return found
