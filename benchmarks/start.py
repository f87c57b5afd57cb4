"""How much CPU does it take to start? The command line and the import, beside Python itself.

    python -m benchmarks.start

Medians of CPU milliseconds (user and system, of the whole process). Other programs on the machine change them less than
they change the time on the wall.
Compiled modules are kept, as they are for users. The first two must not load anything that only some commands need.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import benchmarks
from kaizen.metric import lower
from kaizen.parameter import Real
from kaizen.process import Process
from kaizen.setting import Setting
from kaizen.workshop import open_workshop

MOST_MS = 150.0
PROMISED = ("python -c 'import kaizen'", "kaizen --version")
"""What is promised of these, Python itself included; the others stand beside them for comparison."""
HEAVY = ("numpy", "scipy", "rich", "sqlalchemy")
"""What neither ``kaizen --version`` nor ``import kaizen`` may load."""
_NAME = "small"
_RUNS = 30  # of the small ledger
_SHOWN = """\
import sys
try:
    {what}
except SystemExit:
    pass
print("heavy:", *(name for name in {heavy!r} if name in sys.modules))
"""


def cpu_ms(words: Sequence[str], place: Path) -> float:
    """Return the CPU milliseconds of one command.

    Raises:
        SystemExit: the command fails.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(words, cwd=place, env=_environment(place), capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(
            f"{' '.join(words)} must end with status 0; got {done.returncode}: {done.stderr.decode()[-500:]}"
        )
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _environment(place: Path) -> dict[str, str]:
    """Return an environment in which compiled modules are kept, as they are for users, but in a place of our own."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(place / "compiled")}


def loaded(what: str, place: Path) -> str:
    """Return which heavy modules a statement loads, by name."""
    code = _SHOWN.format(what=what, heavy=HEAVY)
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=place, env=_environment(place), capture_output=True, text=True, check=True)
    return done.stdout.rpartition("heavy:")[2].strip()


def make_ledger(path: Path) -> None:
    """Make a ledger of a few dozen runs."""
    process = Process(
        name=_NAME,
        parameters=tuple(Real(name=name, low=0.0, high=1.0) for name in ("x", "y")),
        metrics=(lower("loss"),),
        standard=Setting({"x": 0.5, "y": 0.5}),
    )
    with open_workshop(path) as shop:
        bench = shop.describe(process)
        for _ in range(_RUNS):
            run = bench.ask()
            bench.tell(run, loss=1.0 + run.setting["x"] * run.setting["y"])


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print the table, and say whether the promises are kept."""
    parser = argparse.ArgumentParser(description="CPU milliseconds until a command has started and ended.")
    parser.add_argument("--times", type=int, default=20)
    given = parser.parse_args(words)
    command = str(Path(sys.executable).with_name("kaizen"))
    print(benchmarks.setting_out("start", times=given.times))
    print(f"{'':<26} {'CPU ms':>7} {'least':>7} {'most':>7} {'promised':>9}  heavy modules loaded")
    broken = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        ledger = place / "ledger.db"
        make_ledger(ledger)
        version = "sys.argv = ['kaizen', '--version']; from kaizen.faces.cli import main; main()"
        for name, line, statement in (
            ("python -c pass", [sys.executable, "-c", "pass"], None),
            ("python -c 'import kaizen'", [sys.executable, "-c", "import kaizen"], "import kaizen"),
            ("kaizen --version", [command, "--version"], version),
            (f"kaizen show {_NAME}", [command, "show", _NAME, "--ledger", str(ledger)], None),
        ):
            cpu_ms(line, place)  # once for the caches
            each = [cpu_ms(line, place) for _ in range(given.times)]
            heavy = "" if statement is None else loaded(statement, place)
            middle = statistics.median(each)
            said = "-" if statement is None else heavy or "none"
            promised = f"{MOST_MS:.0f}" if name in PROMISED else "-"
            print(f"{name:<26} {middle:>7.0f} {min(each):>7.0f} {max(each):>7.0f} {promised:>9}  {said}", flush=True)
            if name in PROMISED and middle > MOST_MS:
                broken.append(f"{name} must take at most {MOST_MS:g} ms of CPU; got {middle:.0f}")
            if heavy:
                broken.append(f"{name} must load none of {', '.join(HEAVY)}; got {heavy}")
    for sentence in broken:
        print(sentence, file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
