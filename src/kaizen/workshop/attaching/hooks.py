"""The ``commit-msg`` hook: the script, and how it lives with one that was there before.

The older hook is renamed beside ours, and runs first; what it refuses stays refused. One in the shell's language is sourced in
a subshell, so that it sees its own name and folder (husky and others find their files by them); any other is called. Nothing
that goes wrong with Kaizen holds a commit back: only status 77 does, which strict mode alone returns.
"""

import re
import shlex
from pathlib import Path
from typing import Final, NamedTuple

HOOK: Final = "commit-msg"
KEPT: Final = "commit-msg.before-kaizen"
_BEGIN: Final = "# kaizen: begin; the nod at the moment of action. `kaizen detach` takes this out"
_END: Final = "# kaizen: end"
OWNER: Final = "# attached: "
_SHELL: Final = re.compile(rb"#! ?(?:/usr/bin/env |(?:/[\w.-]+)*/)(?:sh|bash|dash|ash|ksh)[ \t]*\r?(?:\n|$)")
_BLOCK: Final = re.compile(rf"^{re.escape(_BEGIN)}\n.*?^{re.escape(_END)}\n", re.MULTILINE | re.DOTALL)

_CALLED: Final = """\
    "$kaizen_dir/{kept}" "$@" || exit "$?"
"""
_SOURCED: Final = """\
    ( . "$kaizen_dir/{kept}" )
    kaizen_said=$?
    if [ "$kaizen_said" -ne 0 ]; then exit "$kaizen_said"; fi
"""
_SCRIPT: Final = """\
{begin}
{owners}case "$0" in */*) kaizen_dir=${{0%/*}} ;; *) kaizen_dir=. ;; esac
if [ -x "$kaizen_dir/{kept}" ]; then
{before}fi
kaizen_said=0
if [ -x {python} ] && [ -r {module} ]; then
    {python} -I -S {module} "$1" "$PPID" </dev/null >&2 2>/dev/null || kaizen_said=$?
fi
if [ "$kaizen_said" -eq 77 ]; then exit 1; fi
{end}
"""


class Runs(NamedTuple):
    """What the hook starts: an interpreter, and the file that answers."""

    python: str
    module: str


class Parts(NamedTuple):
    """A hook of ours, parted."""

    owners: tuple[str, ...]
    """Repositories that share it; empty where it belongs to one alone."""
    rest: str
    """What is not ours in it, but for the first line."""


def script(older: bytes | None, runs: Runs, owners: tuple[str, ...] = ()) -> bytes:
    """Return our hook, for a place where ``older`` was before."""
    shell = older is not None and _SHELL.match(older)
    first = older.split(b"\n", 1)[0].decode().rstrip() if shell and older is not None else "#!/bin/sh"
    body = _SCRIPT.format(
        begin=_BEGIN, end=_END, kept=KEPT, owners="".join(f"{OWNER}{owner}\n" for owner in owners),
        before=(_SOURCED if shell else _CALLED).format(kept=KEPT), python=shlex.quote(runs.python),
        module=shlex.quote(runs.module),
    )  # fmt: skip
    return f"{first}\n{body}".encode("utf-8", "surrogateescape")


def parts(hook: bytes) -> Parts | None:
    """Part a hook into what is ours and what is not; ``None`` where nothing is ours."""
    text = hook.decode("utf-8", "surrogateescape")
    block = _BLOCK.search(text)
    if block is None:
        return None
    owners = tuple(re.findall(rf"^{re.escape(OWNER)}(.+)$", block[0], re.MULTILINE))
    rest = text[: block.start()] + text[block.end() :]
    first, _, behind = rest.partition("\n")
    return Parts(owners, behind if first.startswith("#!") else rest)


def is_shell(hook: bytes) -> bool:
    """Tell whether a hook is in the shell's language, with no options of its own in the first line."""
    return _SHELL.match(hook) is not None


def joined(older: bytes | None, rest: str) -> bytes:
    """Return a hook of what was there before ours, and of what was added to ours since."""
    first = older if older is not None else b"#!/bin/sh\n"
    gap = b"" if first.endswith(b"\n") else b"\n"
    return first + gap + rest.encode("utf-8", "surrogateescape")


def runs_here(python: str) -> Runs:
    """Return what a hook starts that is put in place now: an interpreter, and the face that lies beside this file."""
    return Runs(python, str(Path(__file__).resolve().parents[2] / "faces" / "hook" / "__main__.py"))
