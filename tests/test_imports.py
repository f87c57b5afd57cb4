"""What `import kaizen` and `kaizen --version` load, and what they must leave until it is wanted."""

import subprocess
import sys

import pytest

HEAVY = {
    "asyncio",
    "jinja2",
    "numpy",
    "optuna",
    "pyarrow",
    "pysqlite3",
    "ray",
    "rich",
    "scipy",
    "sqlalchemy",
    "sqlite3",
}

LOADED = """
import sys
{first}
print("loaded:", *{{name.partition(".")[0] for name in sys.modules}})
"""

VERSION = """
import runpy
sys.argv = ["kaizen", "--version"]
try:
    runpy.run_module("kaizen", run_name="__main__")
except SystemExit as stop:
    if stop.code not in (None, 0):
        raise
"""


def loaded(first: str) -> set[str]:
    """Return the top-level names of all modules that a new interpreter holds after it ran `first`."""
    script = LOADED.format(first=first)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize("first", ["import kaizen", VERSION], ids=["import kaizen", "kaizen --version"])
def test_light(first: str) -> None:
    """The front door and the version load nothing heavy: not what draws, computes, stores or waits."""
    names = loaded(first)
    assert "kaizen" in names
    assert set() == names & HEAVY


def test_every_public_name_is_there() -> None:
    """Each name that the front door promises can be had, and is listed by `dir`."""
    import kaizen

    missing = [name for name in kaizen.__all__ if not hasattr(kaizen, name)]
    assert [] == missing
    assert set(kaizen.__all__) <= set(dir(kaizen))


def test_an_unknown_name_says_so() -> None:
    """A name that is not there is an ordinary AttributeError that names it."""
    import kaizen

    with pytest.raises(AttributeError, match="no_such_name"):
        kaizen.no_such_name  # noqa: B018
