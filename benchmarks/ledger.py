"""How many runs can workers complete on one shared ledger, durably? Kaizen beside Optuna, on the same disk.

    python -m benchmarks.ledger --seconds 5 --rounds 8

A completed run is one ``ask`` and one ``tell`` that returned. Workers are processes; the planner is a stand-in that
draws a setting at once, as Optuna's ``RandomSampler`` does, so that only the memory is measured. Kaizen goes through
the real workshop, on the disk after every call (``synchronous = EXTRA``). Optuna has its own defaults for a SQLite
file, but for a timeout of 60 s in the place of 5 s, without which workers die. Rounds take turns (ours, theirs, ours,
theirs), with a probe of the disk before each: how many times a second 4 KiB written behind a file are on the disk. Rounds
are short and many, since a shared disk is fast in one minute and slow in the next.

Afterwards every acknowledged answer must be in the ledger once, with the number that was told, and the ledger sound.
"""

import argparse
import contextlib
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

import benchmarks
from kaizen.ledger import Faulted, Told
from kaizen.ledgers.sqlite import SqliteLedger
from kaizen.metric import lower
from kaizen.parameter import Real
from kaizen.plan import Advice, Foretell, Scout
from kaizen.process import Process
from kaizen.setting import Setting
from kaizen.workshop import Workshop, open_workshop

NAME = "bench"
TIMES = 10.0
"""How many times as many runs as Optuna's, with as many processes, are promised."""
LEASE = 30.0
_FORK = multiprocessing.get_context("fork")


class Chance:
    """A planner that draws any setting at once."""

    def __init__(self, seed: object) -> None:
        """Draw from ``seed``."""
        self._chance = random.Random(str(seed))

    def plan(self, journal: Any, *, advice: Advice, prospect: Foretell, seed: int) -> Scout:
        """Return a scout anywhere in range."""
        del advice, prospect, seed
        names = [parameter.name for parameter in journal.head.process.parameters]
        return Scout(setting=Setting({name: self._chance.random() for name in names}), because="by chance")


class Tally(msgspec.Struct, frozen=True):
    """What one worker did: the numbers of its runs with what it told, or only how many; and what went wrong."""

    runs: int
    answers: dict[int, float] = {}
    locked: int = 0
    errors: tuple[str, ...] = ()


class Round(msgspec.Struct, frozen=True):
    """What all workers of one round did."""

    who: str
    seconds: float
    tallies: tuple[Tally, ...]
    probe: float
    stored: int
    findings: tuple[str, ...] = ()

    @property
    def rate(self) -> float:
        """Completed runs a second."""
        return sum(tally.runs for tally in self.tallies) / self.seconds

    @property
    def locked(self) -> int:
        """Lock errors that workers saw."""
        return sum(tally.locked for tally in self.tallies)


# ── ours ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
def sample() -> Process:
    """Return a process of three parameters and one noisy metric, for hands."""
    return Process(
        name=NAME,
        parameters=tuple(Real(name=name, low=0.0, high=1.0) for name in ("x", "y", "z")),
        metrics=(lower("loss"),),
        standard=Setting({"x": 0.5, "y": 0.5, "z": 0.5}),
    )


def loss(x: float, y: float, z: float) -> float:
    """Return a number for a setting; always positive."""
    return 0.1 + (x - 0.3) ** 2 + (y - 0.7) ** 2 + z


def ours(path: Path, number: int, seed: int, until: Callable[[], bool]) -> Tally:
    """Ask and tell until the time is over."""
    answers: dict[int, float] = {}
    locked, errors = 0, []
    with open_workshop(path, planner=Chance(f"{seed}:{number}")) as shop:
        _check_durable(shop.ledger)
        bench, by = shop[NAME], f"worker {number}"
        while until():
            try:
                run = bench.ask(by=by, lease=LEASE)
                value = loss(**run.setting)
                bench.tell(run, loss=value, by=by)
            except Exception as error:  # noqa: BLE001 - whatever goes wrong is what is looked for
                locked += "lock" in str(error)
                errors.append(f"{type(error).__name__}: {error}")
            else:
                answers[run.id] = value
    return Tally(runs=len(answers), answers=answers, locked=locked, errors=tuple(errors))


def _check_durable(ledger: Any) -> None:
    """Refuse to measure a ledger that does not wait for the disk."""
    with ledger._reading() as db:  # noqa: SLF001 - that is what the promise rests on
        mode = db.execute("PRAGMA journal_mode").fetchone()[0]
        level = db.execute("PRAGMA synchronous").fetchone()[0]
    if mode != "wal" or level < 2:
        raise SystemExit(f"a ledger must be in WAL with synchronous FULL or EXTRA; got {mode} with {level}")


def _examine_ours(path: Path, tallies: Sequence[Tally]) -> tuple[int, list[str]]:
    """Return how many answers the ledger has, and what is wrong with it."""
    with SqliteLedger(path) as ledger:
        findings = ledger.verify()
        times: Counter[int] = Counter()
        values: dict[int, float] = {}
        for record in ledger.read(NAME):
            match record.entry:
                case Told(run=run, reading=reading):
                    times[run] += 1
                    values[run] = reading.values["loss"]
                case Faulted(run=run):
                    times[run] += 1
    twice = [run for run, count in times.items() if count > 1]
    acknowledged: dict[int, float] = {}
    for tally in tallies:
        twice += [run for run in tally.answers if run in acknowledged]
        acknowledged |= tally.answers
    lost = [run for run, value in acknowledged.items() if values.get(run) != value]
    if lost:
        findings.append(f"{len(lost)} acknowledged answers are not in the ledger: run {lost[0]} …")
    if twice:
        findings.append(f"{len(twice)} runs were answered or handed out twice: run {twice[0]} …")
    return len(times), findings


def commits_per_run(place: Path) -> float:
    """Return how many transactions the ledger commits for one run that is asked and told."""
    path, count = place / "commits.db", 50
    commits: list[str] = []
    with Workshop(SqliteLedger(path), root=place, planner=Chance("commits")) as shop:
        bench = shop.describe(sample())
        with shop.ledger._reading() as db:  # type: ignore[attr-defined] # noqa: SLF001 - only SQLite itself can tell
            db.set_trace_callback(lambda said: commits.append(said) if said == "COMMIT" else None)
        for _ in range(count):
            run = bench.ask(by="worker", lease=LEASE)
            bench.tell(run, loss=loss(**run.setting), by="worker")
    return len(commits) / count


# ── theirs ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _storage(path: Path) -> Any:
    import optuna

    return optuna.storages.RDBStorage(f"sqlite:///{path}", engine_kwargs={"connect_args": {"timeout": 60}})


def theirs(path: Path, number: int, seed: int, until: Callable[[], bool]) -> Tally:
    """Ask and tell as Optuna does, until the time is over."""
    import optuna

    sampler = optuna.samplers.RandomSampler(seed=seed * 1_000 + number)
    study = optuna.load_study(study_name=NAME, storage=_storage(path), sampler=sampler)
    runs, locked, errors = 0, 0, []
    while until():
        try:
            trial = study.ask()
            setting = {name: trial.suggest_float(name, 0.0, 1.0) for name in ("x", "y", "z")}
            study.tell(trial, loss(**setting))
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is what is looked for
            locked += "lock" in str(error)
            errors.append(f"{type(error).__name__}: {error}")
        else:
            runs += 1
    return Tally(runs=runs, locked=locked, errors=tuple(errors))


def _count_theirs(path: Path) -> int:
    import sqlite3

    with contextlib.closing(sqlite3.connect(path)) as db:
        count: int = db.execute("SELECT count(*) FROM trials WHERE state = 'COMPLETE'").fetchone()[0]
    return count


# ── rounds ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def probe(place: Path, seconds: float = 1.0) -> float:
    """Return how many times a second 4 KiB written behind a file are on the disk."""
    path, count, block = place / "probe", 0, os.urandom(4096)
    sync = getattr(os, "fdatasync", os.fsync)
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        os.write(file, block)
        sync(file)
        count += 1
    took = time.perf_counter() - start
    os.close(file)
    path.unlink()
    return count / took


def measure(who: str, place: Path, *, processes: int, seconds: float, seed: int) -> Round:
    """Make a new ledger, have so many processes work on it, and examine it."""
    path = place / f"{who}-{seed}-{processes}.db"
    if who == "kaizen":
        with open_workshop(path) as shop:
            shop.describe(sample())
    else:
        import optuna

        optuna.create_study(study_name=NAME, storage=_storage(path))
    disk = probe(place)
    took, tallies = _together(partial(ours if who == "kaizen" else theirs, path), processes, seconds, seed)
    if who == "kaizen":
        stored, findings = _examine_ours(path, tallies)
    else:
        stored, findings = _count_theirs(path), []
    return Round(who, took, tuple(tallies), disk, stored, tuple(findings))


def _together(work: Callable[..., Tally], processes: int, seconds: float, seed: int) -> tuple[float, list[Tally]]:
    """Start all workers at once; return how long the last of them took, and what they did."""
    start, answers = _FORK.Event(), _FORK.SimpleQueue()
    ready = _FORK.Semaphore(0)

    def worker(number: int) -> None:
        ready.release()
        start.wait()
        until = time.monotonic() + seconds
        tally = work(number, seed, lambda: time.monotonic() < until)
        answers.put(msgspec.msgpack.encode((time.monotonic(), tally)))

    crew = [_FORK.Process(target=worker, args=(number,), daemon=True) for number in range(processes)]
    for one in crew:
        one.start()
    for _ in crew:
        ready.acquire()
    began = time.monotonic()
    start.set()
    told = [msgspec.msgpack.decode(answers.get(), type=tuple[float, Tally]) for _ in crew]
    for one in crew:
        one.join()
    return max(at for at, _ in told) - began, [tally for _, tally in told]


# ── the report ────────────────────────────────────────────────────────────────────────────────────────────────────────
def _row(one: Round) -> str:
    runs = sorted(tally.runs for tally in one.tallies)
    errors = sum(len(tally.errors) for tally in one.tallies)
    each = f"{runs[0]}..{runs[-1]}"
    return (f"{one.who:<8} {len(runs):>9} {sum(runs):>8} {one.rate:>9.1f} {each:>13} {one.locked:>11} {errors:>6} "
            f"{one.stored:>8} {one.probe:>12.0f}")  # fmt: skip


def main(words: Sequence[str] | None = None) -> int:
    """Measure in turns, print the table, and say whether the promises are kept."""
    parser = argparse.ArgumentParser(
        description="Completed runs per second on one shared ledger: Kaizen beside Optuna."
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="of each round")
    parser.add_argument("--rounds", type=int, default=8, help="rounds of each, with all processes")
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("kaizen", "optuna"), help="leave the other out, and the comparison")
    given = parser.parse_args(words)
    sides = (given.only,) if given.only else ("kaizen", "optuna")
    versions = {}
    if "optuna" in sides:
        import optuna  # before the forks, so that no worker's time goes into it

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        versions["optuna"] = optuna.__version__
    print(benchmarks.setting_out("ledger", **versions, seconds=given.seconds, seed=given.seed))
    print(f"{'':<8} {'processes':>9} {'runs':>8} {'runs/s':>9} {'each':>13} {'lock errors':>11} {'errors':>6} "
          f"{'stored':>8} {'fdatasync/s':>12}")  # fmt: skip
    rounds: list[Round] = []
    with tempfile.TemporaryDirectory(prefix="kaizen-bench-", dir=".") as folder:
        place = Path(folder).absolute()
        commits = commits_per_run(place) if "kaizen" in sides else 0.0
        for processes, count in ((given.processes, given.rounds), (1, max(1, given.rounds // 4))):
            for number in range(count):
                for who in sides:
                    one = measure(who, place, processes=processes, seconds=given.seconds, seed=given.seed + number)
                    rounds.append(one)
                    print(_row(one), flush=True)
    return _judge(rounds, given.processes, commits, alone=bool(given.only))


def _judge(rounds: Sequence[Round], processes: int, commits: float, *, alone: bool) -> int:
    """Say what came of the promises; return the exit status."""
    kaizen = [one for one in rounds if one.who == "kaizen"]
    broken = [finding for one in kaizen for finding in one.findings]
    broken += [f"{one.locked} lock errors" for one in kaizen if one.locked]
    broken += [error for one in kaizen for tally in one.tallies for error in tally.errors][:5]
    broken += [f"{one.stored} answers stored, {sum(t.runs for t in one.tallies)} acknowledged" for one in kaizen
               if one.stored != sum(tally.runs for tally in one.tallies)]  # fmt: skip
    if kaizen:
        once = "no" if broken else "yes"
        print(f"kaizen: {commits:.2f} transactions per run; every acknowledged answer stored once: {once}")
    if not alone:
        for count in (processes, 1):
            mine, theirs = (
                [one.rate for one in rounds if one.who == who and len(one.tallies) == count]
                for who in ("kaizen", "optuna")
            )
            if mine and theirs:
                times = sum(mine) / sum(theirs)
                each = ", ".join(f"{ours / other:.1f}" for ours, other in zip(mine, theirs, strict=True) if other)
                print(
                    f"kaizen / optuna with {count} process{'es' if count > 1 else ''}: {times:.1f} times (by round {each})"
                )
                if count == processes and times < TIMES:
                    broken.append(f"{TIMES:g} times as many runs as Optuna are promised; got {times:.1f}")
    for line in broken:
        print(line, file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
