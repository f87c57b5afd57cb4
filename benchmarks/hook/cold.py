"""What one hook takes from cold, with a hundred thousand trials remembered: the shell, the interpreter, git and the index."""

import os
import random
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.hook.repository import BARE, PROCESS, begin, git
from kaizen.hinting import Heard, index_of, remember, tokens
from kaizen.intention import INBOX, Intention, Repository, write_standard
from kaizen.intention import write_came as came
from kaizen.intention import write_intention as intend

MOST_S = 0.100
MOST_TOKENS = 200
_NAMES = ("matrix lr", "embedding lr", "weight decay", "warmdown", "batch size", "depth", "width", "head dim", "dropout", "beta1", "beta2",
          "softcap", "rope base", "grad clip", "init scale", "label smoothing", "window", "ema decay", "z loss", "aux weight")  # fmt: skip
_MORE = ("in the last block", "of the encoder", "for the value head", "after warmup", "on the first layer", "with tied weights", "in fp32",
         "of all norms", "for scalars alone", "during cooldown", "per channel", "of the router")  # fmt: skip
_SWITCHES = ("remove", "add", "tie", "freeze", "fuse", "share", "cache", "unroll", "reorder", "inline")


def sentence(chance: random.Random) -> str:
    """Draw an idea as loops write them."""
    name, more = chance.choice(_NAMES), chance.choice(_MORE)
    if chance.random() < 0.4:
        return f"{chance.choice(_SWITCHES)} {name} {more} ({chance.randrange(5000)})"
    value = round(chance.lognormvariate(0, 2), 4)
    return f"{name} {value:g} to {value * chance.choice((0.5, 0.8, 1.25, 2)):g} {more}"


def cold(trials: int, times: int, seed: int) -> list[str]:
    """Measure and print; return what is promised and not kept."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder) / "loop"
        repository = begin(top)
        said = fill(repository, trials, chance)
        inbox = (repository.memory / INBOX).stat().st_size
        index = index_of(repository.memory / "ledger.db", PROCESS).stat().st_size
        print(f"\n{trials:,} remembered trials: index of {index / 1e6:.0f} MB, inbox of {inbox / 1e6:.0f} MB")
        spent, wall, counts, spoke = [], [], [], 0
        for place in range(times):
            repeated = chance.choice(said) if place % 2 else sentence(chance)
            (top / "train.py").write_text(
                "".join(f"x{n} = {chance.random()}\n" for n in range(chance.choice((2, 40, 400))))
            )
            git(top, "add", "-A")
            (top / ".git" / "MESSAGE").write_text(repeated)
            cpu, took, out = hooked(top)
            spent.append(1e3 * cpu)
            wall.append(1e3 * took)
            counts.append(tokens(out))
            spoke += bool(out)
            git(top, "commit", "-q", "--no-verify", "-m", repeated)
    bare = [1e3 * _cpu(["sh", "-c", "git --version >/dev/null; exec true"], Path("/"))[0] for _ in range(5)]
    print(
        f"one hook from cold, {times} commits, half of them ideas that were tried: CPU {statistics.median(spent):.0f} ms in the middle, "
        f"{max(spent):.0f} ms at most (promised: {1e3 * MOST_S:.0f} ms); by the clock {statistics.median(wall):.0f} ms, {max(wall):.0f} ms at most"
        f"\n  a shell that starts git and does nothing: {statistics.median(bare):.0f} ms"
        f"\n  it spoke {spoke}×, in {max(counts)} tokens at most (promised: {MOST_TOKENS})"
    )
    broken = []
    if statistics.median(spent) > 1e3 * MOST_S:
        broken.append(f"a cold hook must take at most {1e3 * MOST_S:.0f} ms of CPU; got {statistics.median(spent):.0f}")
    if max(counts) > MOST_TOKENS:
        broken.append(f"a hook must say at most {MOST_TOKENS} tokens; got {max(counts)}")
    return broken


def fill(repository: Repository, trials: int, chance: random.Random) -> list[str]:
    """Fill index and inbox as so many commits of an attached loop would have; return some of the sentences."""
    said = [sentence(chance) for _ in range(trials)]
    ledger = repository.memory / "ledger.db"
    fates = [chance.choices(("discarded", "kept"), (0.65, 0.35))[0] for _ in said]
    for first in range(0, trials, 10_000):
        remember(ledger, PROCESS, list(_heard(said, fates, first, min(trials, first + 10_000))))
    for place in range(max(0, trials - 500), trials):
        one = Intention(f"k{place}", place, ".", "0" * 39 + "1", said[place], "", 1)
        intend(repository.memory, one)
        came(repository.memory, [one._replace(commit=f"{place:040x}", came="discarded")])
    part = (repository.memory / INBOX).read_bytes()
    with (repository.memory / INBOX).open("ab") as file:
        for _ in range(trials // 500):
            file.write(part)
    write_standard(repository.memory, 1 + fates.count("kept"))
    return said[-1000:]


def _heard(said: list[str], fates: list[str], first: int, last: int) -> Iterator[Heard]:
    for place in range(first, last):
        outcome = "kept" if fates[place] == "kept" else "discarded"
        yield Heard(f"k{place}", said[place], "", f"{place:040x}", place, outcome, None, 1)


def hooked(top: Path) -> tuple[float, float, str]:
    """Run the hook as git does; return seconds of CPU, by the clock, and what it said."""
    return _cpu([str(top / ".git" / "hooks" / "commit-msg"), ".git/MESSAGE"], top)


def _cpu(words: list[str], where: Path) -> tuple[float, float, str]:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(words, cwd=where, env=BARE, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert os.name == "posix", "the hook is measured where it is at home"
    return cpu, took, done.stderr.decode()
