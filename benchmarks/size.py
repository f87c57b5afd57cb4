"""How much disk does Kaizen take, with all that it needs?

    python -m benchmarks.size

Measures ``.venv/run``, the environment of ``make demo``, where there is one; or else makes it anew in a temporary
directory from ``requirements/run.txt`` (hashes checked, wheels only) and the project's own code.
"""

import argparse
import os
import subprocess
import sys
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path

import benchmarks

MOST_MB = 300.0
"""What is promised, on the disk."""
_ROOT = Path(__file__).parent.parent
_LARGEST = 5


def size(path: Path) -> tuple[int, int]:
    """Return the bytes of a file, or of a folder with all in it: as the files say, and as the disk keeps them."""
    seen: set[tuple[int, int]] = set()
    apparent = kept = 0
    for place in (path, *path.rglob("*")):
        found = place.lstat()
        if (found.st_dev, found.st_ino) not in seen:
            seen.add((found.st_dev, found.st_ino))
            apparent += 0 if place.is_dir() else found.st_size
            kept += getattr(found, "st_blocks", -(-found.st_size // 512)) * 512
    return apparent, kept


def make_environment(place: Path) -> Path:
    """Make the environment of ``make demo`` in ``place``, as the Makefile does; return it."""
    environment = place / "run"
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", "-qq", "install", "--no-deps"]
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    requirements = str(_ROOT / "requirements" / "run.txt")
    subprocess.run([*pip, "--only-binary", ":all:", "--require-hashes", "-r", requirements], check=True)
    subprocess.run([*pip, "--no-build-isolation", "--editable", str(_ROOT)], check=True)
    return environment


def packages(environment: Path) -> Counter[str]:
    """Return the bytes that each installed package's files take on the disk, by name and version."""
    found: Counter[str] = Counter()
    sites = [path for path in environment.glob("**/site-packages") if path.is_dir()]
    for distribution in distributions(path=[str(site) for site in sites]):
        found[f"{distribution.metadata['Name']} {distribution.version}"] = _size_of(distribution)
    return found


def _size_of(distribution: Distribution) -> int:
    files = {Path(str(distribution.locate_file(file))) for file in distribution.files or ()}
    files |= {
        cached for file in files if file.suffix == ".py" for cached in file.parent.glob(f"__pycache__/{file.stem}.*")
    }
    return sum(size(file)[1] for file in files if file.exists())


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print the table, and say whether the promise is kept."""
    parser = argparse.ArgumentParser(description="Megabytes of Kaizen's environment on the disk.")
    parser.add_argument("--fresh", action="store_true", help="make a new environment, though there is one")
    given = parser.parse_args(words)
    print(benchmarks.setting_out("size", platform=sysconfig.get_platform()))
    with tempfile.TemporaryDirectory() as folder:
        environment = _ROOT / ".venv" / "run"
        made = given.fresh or not (environment / "installed").exists()
        if made:
            environment = make_environment(Path(folder))
        apparent, kept = size(environment)
        source = size(_ROOT / "src")[1]
        largest = packages(environment).most_common(_LARGEST)
    what = "environment, made anew" if made else "environment, .venv/run"
    print(f"{'':<28} {'on disk, MB':>11}")
    print(f"{what:<28} {kept / 1e6:>11.1f}  ({apparent / 1e6:.1f} by the files' own sizes)")
    print(f"{'Kaizen itself, src':<28} {source / 1e6:>11.1f}")
    print(f"{'together':<28} {(kept + source) / 1e6:>11.1f}  (promised: {MOST_MB:.0f})")
    for name, taken in largest:
        print(f"  {name:<26} {taken / 1e6:>11.1f}")
    if kept + source > MOST_MB * 1e6:
        print(f"Kaizen must take at most {MOST_MB:.0f} MB; got {(kept + source) / 1e6:.1f}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
