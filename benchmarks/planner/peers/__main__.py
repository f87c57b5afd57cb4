"""Make the environments of peers, each from its pinned file: ``python -m benchmarks.planner.peers smac ax``.

Without a name, tell which there are and which are made.
"""

import subprocess
import sys
from collections.abc import Sequence

from benchmarks.planner.peers.environment import DISTRIBUTIONS, folder, make, say, size, version


def main(names: Sequence[str]) -> int:
    """Return 0 when all were made, 1 when some could not be, 2 when a name is unknown."""
    for name in names:
        if name not in DISTRIBUTIONS:
            say(f"a peer must be one of {', '.join(DISTRIBUTIONS)}; got {name!r}")
            return 2
    if not names:
        for name in DISTRIBUTIONS:
            made = (folder(name) / "ready").exists()
            print(f"{name:10} {f'{version(name)}, {size(name):.0f} MB' if made else 'not made'}")
    failed = 0
    for name in names:
        say(f"Making {name} from requirements/peers/{name}.txt; this may take minutes.")
        try:
            make(name)
        except subprocess.CalledProcessError as error:
            failed += 1
            say(f"{name} could not be made: pip ended with {error.returncode}, for the reason above.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
