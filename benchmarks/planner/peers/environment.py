"""Where each peer's Python lives, and how it is made from its pinned file."""

import importlib.metadata
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

from benchmarks.planner.problem import Missing

_ROOT = Path(__file__).resolve().parents[3]
_PINS = _ROOT / "requirements" / "peers"

DISTRIBUTIONS: Mapping[str, str] = {
    "gp": "optuna",
    "smac": "smac",
    "ax": "ax-platform",
    "openbox": "openbox",
    "nevergrad": "nevergrad",
    "hebo": "HEBO",
    "baybe": "baybe",
    "vizier": "google-vizier",
}
"""Each environment by its name, and the distribution that stands behind it."""


def folder(name: str) -> Path:
    """Return where an environment is or would be: under .venv/peers, or under ``KAIZEN_BENCH_PEERS``."""
    named = os.environ.get("KAIZEN_BENCH_PEERS")
    return (Path(named) if named else _ROOT / ".venv" / "peers") / name


def python(name: str) -> Path:
    """Return the Python of an environment.

    Raises:
        Missing: it has not been made.
    """
    home = folder(name)
    if not (home / "ready").exists():
        raise Missing(f'{name} needs an environment of its own, not yet here; make it with: make peers NAMES="{name}"')
    return home / "bin" / "python"


def version(name: str) -> str:
    """Return what is installed there, as ``smac 2.4.1``."""
    python(name)
    distribution = DISTRIBUTIONS[name]
    sites = [str(path) for path in folder(name).glob("lib/python*/site-packages")]
    found = next(iter(importlib.metadata.distributions(name=distribution, path=sites)), None)
    return f"{distribution.lower()} {found.version if found else '(unknown)'}"


def make(name: str) -> None:
    """Make an environment anew from requirements/peers/NAME.txt.

    Torch comes first and alone: with its own needs, so that a build without CUDA stays one. The rest is installed as
    pinned, without asking what it needs: some peers' own bounds contradict one another.

    Raises:
        subprocess.CalledProcessError: pip failed; what it said stands on standard error.
    """
    pins, home = _PINS / f"{name}.txt", folder(name)
    shutil.rmtree(home, ignore_errors=True)
    venv.create(home, with_pip=True)
    pip = [str(home / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", "-q", "install"]
    torch = [line for line in pins.read_text(encoding="utf-8").split() if line.startswith("torch==")]
    if torch:
        subprocess.run([*pip, *torch], check=True)
    subprocess.run([*pip, "--no-deps", "-r", str(pins)], check=True)
    (home / "ready").touch()


def size(name: str) -> float:
    """Return what an environment takes on disk, in MB."""
    files = (path for path in folder(name).rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files) / 2**20


def say(text: str) -> None:
    """Tell the person who waits."""
    print(text, file=sys.stderr, flush=True)
