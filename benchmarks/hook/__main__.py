"""What does the hook take, what does it survive, and what does obeying it bring?

    python -m benchmarks.hook
    python -m benchmarks.hook --only cold

CPU counts the whole tree of processes: the shell, the interpreter, git's diff. Hostile commits go through real git; each must
be made as it was wanted, within a second. The loops are told in ``benchmarks/hook/loops.py``.
"""

import argparse
import sys
from collections.abc import Sequence

import benchmarks
from benchmarks.hook import cold


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, and say whether the promises are kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("cold", "hostile", "loops"))
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=40)
    parser.add_argument("--commits", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args(words)
    print(benchmarks.setting_out("hook", seed=given.seed), flush=True)
    broken: list[str] = []
    if given.only in (None, "cold"):
        broken += cold.cold(given.trials, given.times, given.seed)
    if given.only in (None, "hostile"):
        from benchmarks.hook import hostile

        broken += hostile.hostile(given.commits, given.seed)
    if given.only in (None, "loops"):
        from benchmarks.hook import loops

        loops.loops(given.seeds)
    for sentence in broken:
        print(sentence, file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
