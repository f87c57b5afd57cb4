"""What Kaizen claims, measured again by one command each: ``python -m benchmarks.NAME`` (docs/benchmarks.md)."""

import datetime as dt
import gzip
import os
import platform
from pathlib import Path

from kaizen.ledgers import driver


def whole_lines(path: Path) -> list[bytes]:
    """Read a file of results; a last line cut short by an interruption is taken off, else the next result would go on in it.

    One that is packed (``.gz``) is read, and left as it is.

    Raises:
        OSError: it cannot be read.
    """
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes()).splitlines()
    text = path.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if len(whole) != len(text):
        path.write_bytes(whole)
    return whole.splitlines()


def setting_out(name: str, **more: object) -> str:
    """Return the line that stands above every table: what was measured, when, on what machine, from which seeds."""
    facts = {
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load": f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "?",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "sqlite": driver.library().sqlite_version,
        **more,
    }
    return f"{name}: " + ", ".join(f"{what} {value}" for what, value in facts.items())
