"""Kill ``kaizen improve`` with SIGKILL, again and again: is anything lost, counted twice, left running or broken?

    python -m benchmarks.kill --kills 300 --seed 1

A process of its own improves a shell command with two workers. The command takes 50 to 200 ms, leaves a child behind
and another that has fled into its own session, and writes down what it printed. At a random moment, 0.05 to 2.5 s
after its start, the process is killed; now and then its guardians, its nursery, its work or its whole group just
before or with it. Half of the plants are run by the command line (acknowledged is what ``--json`` has printed), half
through the library (acknowledged is what a watcher has written to the disk after the answer). After every kill:

lost         acknowledged answers that are not in the ledger with their number, or answers that no command printed
duplicates   runs answered more than once
orphans      processes alive 5 s after the kill that carry the mark of this start in their environment (as /proc shows)
corrupt      findings of ``verify()`` on a copy of the files as they were left: the next start finds them untouched
not resumed  starts, by the same command, that ended by themselves, or had answered nothing new 10 s later (every second
             one is given that time)

Linux only: elsewhere nobody can see another process's environment.
"""

import argparse
import contextlib
import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

import benchmarks
from kaizen.errors import KaizenError
from kaizen.ledger import Faulted, Told
from kaizen.ledgers.sqlite import SqliteLedger
from kaizen.recipes import toml
from kaizen.trial import Reading
from kaizen.workshop import improve, open_workshop
from kaizen.workshop.improving import Moment

NAME = "brittle"
MARK = "KAIZEN_KILL_MARK"
ORPHAN_S, RESUME_S = 5.0, 10.0
"""How long what was started may outlive the kill, and how long a start may take to answer something new."""
SOONEST, LATEST = 0.05, 2.5
"""When a process is killed, in seconds after its start."""
_PATIENCE = 0.5
_PER_PLANT = 25  # kills of one ledger before a new one is begun, so that checking stays quick
_VICTIMS = {"improve": 12, "group": 2, "guardian": 2, "guardians": 1, "work": 2, "nursery": 1}
"""Who is killed, and how often of 20; all but the group a moment before ``improve`` itself."""

_RECIPE = f"""\
[process.{NAME}]
do = "sh ./work.sh"
within = "30 s"
[process.{NAME}.metric]
loss = {{ better = "lower", worthwhile = 0.05 }}
[process.{NAME}.standard]
nap = 0.1
u = 0.5
v = 0.5
w = 0.5
x = 0.5
y = 0.5
z = 0.5
[process.{NAME}.may]
nap = "0.05..0.2"
u = "0.0..1.0"
v = "0.0..1.0"
w = "0.0..1.0"
x = "0.0..1.0"
y = "0.0..1.0"
z = "0.0..1.0"
[process.{NAME}.policy]
planner = "steps"
pairs = 200
"""
_WORK = """\
setsid sleep 600 &
sleep 600 &
sleep "$nap"
loss="1.$(date +%N)"
echo "$KAIZEN_RUN $loss" >> printed
echo "{\\"loss\\": $loss}"
"""


class Tally(msgspec.Struct):
    """What was found so far."""

    way: str
    kills: int = 0
    acknowledged: int = 0
    lost: int = 0
    duplicates: int = 0
    orphans: int = 0
    corrupt: int = 0
    not_resumed: int = 0
    seconds: float = 0.0
    victims: dict[str, int] = {}
    notes: list[str] = []

    @property
    def sound(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.duplicates or self.orphans or self.corrupt or self.not_resumed)

    def note(self, what: str, said: str) -> None:
        """Keep the first sentences about what went wrong."""
        if len(self.notes) < 20:
            self.notes.append(f"{self.way}, kill {self.kills}: {what}: {said}")


class Plant:
    """A recipe, its ledger, and what its work and its workers have written down."""

    def __init__(self, folder: Path, way: str) -> None:
        """Make it in ``folder``; ``way`` is ``cli`` or ``library``."""
        folder.mkdir()
        self.folder, self.way = folder, way
        self.ledger = folder / ".kaizen" / "ledger.db"
        self.acks, self.said, self.printed = folder / "acks", folder / "said", folder / "printed"
        (folder / "kaizen.toml").write_text(_RECIPE)
        (folder / "work.sh").write_text(_WORK)
        for file in (self.acks, self.said, self.printed):
            file.touch()
        self.reported: set[int] = set()

    def start(self, mark: str) -> subprocess.Popen[bytes]:
        """Start improving, in a session of its own."""
        if self.way == "cli":
            command = str(Path(sys.executable).with_name("kaizen"))
            words = [
                command,
                "improve",
                NAME,
                "--workers",
                "2",
                "--runs",
                "100000",
                "--ledger",
                str(self.ledger),
                "--json",
            ]
        else:
            words = [sys.executable, "-m", "benchmarks.kill", "--drive", str(self.folder)]
        path = os.pathsep.join(filter(None, (str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH"))))
        environment = os.environ | {MARK: mark, "PYTHONPATH": path}
        self.ledger.parent.mkdir(exist_ok=True)
        with self.acks.open("ab") as out, self.said.open("ab") as err:
            return subprocess.Popen(
                words, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stderr=err, start_new_session=True,
                stdout=out if self.way == "cli" else err,
            )  # fmt: skip

    def acknowledged(self) -> dict[int, float | None]:
        """Return what workers were told is safe: runs with their numbers, none for a fault."""
        found: dict[int, float | None] = {}
        for line in self.acks.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n") and (b'"Told"' in line or b'"Faulted"' in line):
                entry = json.loads(line)["entry"]
                found[entry["run"]] = entry["reading"]["values"]["loss"] if "reading" in entry else None
        return found

    def measured(self) -> set[tuple[int, float]]:
        """Return what the work has printed, and for which run."""
        lines = self.printed.read_text().splitlines(keepends=True)
        return {(int(line.split()[0]), float(line.split()[1])) for line in lines if line.endswith("\n")}

    def examine(self, tally: Tally) -> None:
        """Look at a copy of the ledger as it was left, and count what is wrong with it."""
        if not self.ledger.exists():  # killed before there was one
            return
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            copy = Path(folder) / "ledger.db"
            for end in ("", "-wal", "-journal"):
                with contextlib.suppress(FileNotFoundError):
                    shutil.copy(f"{self.ledger}{end}", f"{copy}{end}")
            try:
                with SqliteLedger(copy) as ledger:
                    findings = ledger.verify()
                    answers = [record.entry for record in ledger.read() if isinstance(record.entry, Told | Faulted)]
            except KaizenError as error:
                findings, answers = [f"{type(error).__name__}: {error}"], []
        for finding in findings:
            tally.corrupt += 1
            tally.note("corrupt", finding)
        self._compare(answers, tally)

    def _compare(self, answers: Sequence[Told | Faulted], tally: Tally) -> None:
        stored = {entry.run: entry.reading.values["loss"] if isinstance(entry, Told) else None for entry in answers}
        printed = self.measured()
        for run, loss in self.acknowledged().items():
            kept = run in stored and stored[run] == loss
            if run not in self.reported and not kept:
                self.reported.add(run)
                tally.lost += 1
                tally.note("lost", f"run {run} was acknowledged with {loss}; got {stored.get(run, 'no answer')}")
        for run, value in stored.items():
            if value is not None and (run, value) not in printed and run not in self.reported:
                self.reported.add(run)
                tally.lost += 1
                tally.note("lost", f"run {run} has {value}, which its work never printed")
        for run, count in Counter(entry.run for entry in answers).items():
            if count > 1 and run not in self.reported:
                self.reported.add(run)
                tally.duplicates += 1
                tally.note("duplicate", f"run {run} was answered {count} times")


# ── processes ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def marked(mark: str) -> dict[int, int]:
    """Return all living processes with a mark in their environment, each with its parent."""
    found = {}
    wanted = f"{MARK}={mark}".encode()
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError, IndexError):
                if wanted in (folder / "environ").read_bytes():
                    words = (folder / "stat").read_bytes().rpartition(b")")[2].split()
                    if words[0] not in b"ZX":
                        found[int(folder.name)] = int(words[1])
    return found


def strike(child: subprocess.Popen[bytes], mark: str, victim: str, chance: random.Random) -> None:
    """Kill the process and, before or with it, what ``victim`` says."""
    family = marked(mark)
    nurseries = [pid for pid, parent in family.items() if parent == child.pid]
    guardians = [pid for pid, parent in family.items() if parent in nurseries]
    works = [pid for pid, parent in family.items() if parent in guardians]
    others = {"guardian": guardians[:1], "guardians": guardians, "work": works[:1], "nursery": nurseries}
    for pid in others.get(victim, ()):
        kill(pid)
    if victim in others and chance.random() < 0.5:
        time.sleep(chance.uniform(0.0, 0.3))  # it may notice, or not
    if victim == "group":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.kill()
    child.wait()


def kill(pid: int) -> None:
    """Kill a process that may be gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def count_orphans(mark: str, tally: Tally, victim: str) -> None:
    """Wait until nothing with the mark lives, no longer than promised; count and kill what does."""
    until = time.monotonic() + ORPHAN_S
    while left := marked(mark):
        if time.monotonic() > until:
            break
        time.sleep(0.02)
    for pid in left:
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            tally.note("orphan", f"{words}(after {victim} was killed)")
        tally.orphans += 1
        kill(pid)


# ── kills ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def one_kill(
    plant: Plant, tally: Tally, chance: random.Random, *, victim: str = "", patience: float = _PATIENCE
) -> None:
    """Start, kill at a random moment, and look at what is left.

    ``victim`` is drawn, too, if none is named; ``patience`` is the chance that the kill waits for a new answer.
    """
    mark = secrets.token_hex(12)
    victim = victim or chance.choices(list(_VICTIMS), list(_VICTIMS.values()))[0]
    before = len(plant.acknowledged())
    child = plant.start(mark)
    try:
        began = time.monotonic()
        _sleep_until(began + chance.uniform(SOONEST, LATEST), lambda: child.poll() is not None)
        stuck = False
        if chance.random() < patience:
            _sleep_until(began + RESUME_S, lambda: child.poll() is not None or len(plant.acknowledged()) > before)
            stuck = len(plant.acknowledged()) == before
            _sleep_until(time.monotonic() + chance.uniform(0.0, 0.2), lambda: False)
        if stuck or child.poll() is not None:
            tally.not_resumed += 1
            said = _last(plant.said) or _last(plant.acks)
            tally.note("not resumed", f"exit status {child.poll()} after {time.monotonic() - began:.1f} s; {said}")
        strike(child, mark, victim, chance)
        tally.kills += 1
        tally.victims = tally.victims | {victim: tally.victims.get(victim, 0) + 1}
        count_orphans(mark, tally, victim)
        plant.examine(tally)
        tally.acknowledged += len(plant.acknowledged()) - before
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        for pid in marked(mark):
            kill(pid)


def _sleep_until(at: float, enough: Callable[[], bool]) -> None:
    while time.monotonic() < at and not enough():
        time.sleep(min(0.02, max(0.0, at - time.monotonic())))


def _last(file: Path) -> str:
    lines = file.read_text(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else ""


def run(kills: int, seed: int, ways: Sequence[str]) -> Iterator[Tally]:
    """Kill so many times, in each way as often; yield what was found in each."""
    for number, way in enumerate(ways):
        tally, chance = Tally(way), random.Random(f"{seed}:{way}")
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="kaizen-kill-") as folder:
            share = kills // len(ways) + (number < kills % len(ways))
            plants = -(-share // _PER_PLANT)
            for plant in range(plants):
                here = Plant(Path(folder).resolve() / str(plant), way)
                for _ in range(share // plants + (plant < share % plants)):
                    one_kill(here, tally, chance)
        tally.seconds = time.monotonic() - began
        yield tally


def all_ways() -> tuple[str, ...]:
    """Return the ways there are to improve: the library, and the command line where it is installed."""
    there = find_spec("kaizen.faces.cli.improve") is not None and Path(sys.executable).with_name("kaizen").exists()
    return ("cli", "library") if there else ("library",)


# ── the library's own driver ──────────────────────────────────────────────────────────────────────────────────────────
def drive(folder: Path) -> None:
    """Improve the recipe in ``folder``; write down every answer that is in the ledger, and bring that to the disk."""
    (process,) = toml.read(folder / toml.RECIPE)
    acks = os.open(folder / "acks", os.O_WRONLY | os.O_APPEND)

    def watch(moment: Moment) -> None:
        done = moment.done
        if done is not None:
            entry: dict[str, Any] = {"run": done.run.id}
            if isinstance(done.outcome, Reading):
                entry["reading"] = {"values": dict(done.outcome.values)}
            kind = "Told" if isinstance(done.outcome, Reading) else "Faulted"
            os.write(acks, json.dumps({"kind": kind, "entry": entry}).encode() + b"\n")
            os.fsync(acks)

    with open_workshop(folder / ".kaizen" / "ledger.db", root=folder) as shop:
        rest = improve(shop.describe(process), runs=100_000, workers=2, watch=watch).rest
    print(rest, file=sys.stderr)


# ── the report ────────────────────────────────────────────────────────────────────────────────────────────────────────
def main(words: Sequence[str] | None = None) -> int:
    """Kill, print the table, and say whether the promises are kept."""
    parser = argparse.ArgumentParser(description="Kill kaizen improve at random moments, and count what that breaks.")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ways", nargs="+", choices=("cli", "library"), default=all_ways())
    parser.add_argument("--drive", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    if given.drive is not None:
        drive(given.drive)
        return 0
    if not Path("/proc/self/environ").exists():
        print("kill must be run on Linux, where a process's environment can be seen", file=sys.stderr)
        return 2
    print(benchmarks.setting_out("kill", seed=given.seed))
    print(f"{'by':<8} {'kills':>6} {'acknowledged':>12} {'lost':>5} {'duplicates':>10} {'orphans':>8} {'corrupt':>8} "
          f"{'not resumed':>12} {'minutes':>8}  killed")  # fmt: skip
    tallies = []
    for tally in run(given.kills, given.seed, given.ways):
        tallies.append(tally)
        killed = ", ".join(f"{count} {victim}" for victim, count in sorted(tally.victims.items()))
        print(f"{tally.way:<8} {tally.kills:>6} {tally.acknowledged:>12} {tally.lost:>5} {tally.duplicates:>10} "
              f"{tally.orphans:>8} {tally.corrupt:>8} {tally.not_resumed:>12} {tally.seconds / 60:>8.1f}  {killed}",
              flush=True)  # fmt: skip
        for note in tally.notes:
            print(note, file=sys.stderr)
    return 0 if all(tally.sound for tally in tallies) else 1


if __name__ == "__main__":
    sys.exit(main())
