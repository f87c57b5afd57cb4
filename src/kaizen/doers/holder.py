"""Who holds a lease: a process by host, number and start, so that a number used again is not taken for it."""

import os
import platform
import subprocess
from pathlib import Path


def holder() -> str:
    """Return this process as ``host/pid/start``."""
    pid = os.getpid()
    return f"{platform.node()}/{pid}/{_start(pid) or '?'}"


def is_gone(holder: str) -> bool:
    """Tell whether a holder is surely gone: of this host, and no process of that number and start lives.

    What cannot be known (another host, another form, a platform that does not tell) is not gone.
    """
    host, _, number = holder.rpartition("/")[0].rpartition("/")
    start = holder.rpartition("/")[2]
    if host != platform.node() or not number.isdecimal() or start in {"", "?"} or os.name != "posix":
        return False
    if start.partition(".")[2] != _namespace():  # another container of the same name counts its processes anew
        return False
    known = _start(int(number))
    return known is not None and known != start


def _start(pid: int) -> str | None:
    """Return when a process started, in the platform's own words; ``gone`` if it is dead, ``None`` if nobody tells."""
    try:
        words = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except FileNotFoundError:
        return "gone" if Path("/proc/self/stat").exists() else _start_by_ps(pid)
    except OSError:
        return None
    return "gone" if words[0] in b"ZX" else f"{words[19].decode()}.{_namespace()}"  # field 22: ticks after boot


def _namespace() -> str:
    """Return which count of processes this one belongs to (Linux)."""
    try:
        return str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        return ""


def _start_by_ps(pid: int) -> str | None:
    try:
        said = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)],  # noqa: S607 - where it lies differs
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except OSError:
        return None
    words = said.stdout.split()
    return "-".join(words) if words else ("gone" if said.returncode == 1 else None)
