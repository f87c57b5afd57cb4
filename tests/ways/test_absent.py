"""A way in without what it leads from."""

import subprocess
import sys

import pytest

WITHOUT = """
import sys
sys.modules[sys.argv[1]] = None
try:
    __import__(f"kaizen.faces.{sys.argv[1]}")
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("optuna", "KaizenSampler must have Optuna"),
        ("ray", "KaizenSearch must have Ray Tune"),
        ("mcp", "kaizen mcp must have the MCP SDK, 2.3 or later"),
    ],
)
def test_what_is_not_installed_is_said(package: str, name: str) -> None:
    """One sentence, and how to mend it."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, package], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == f"Stuck {name}, which is not installed\n  hint: pip install 'kaizen-engine[{package}]'\n"
