"""Cut the power, again and again: is every append that was acknowledged still there?

    python -m benchmarks.power --cuts 1000 --seed 1

The real ledger runs on a simulated disk (a SQLite VFS in Python) that forgets what was not synced. After a random
number of operations the power goes: of each file, every 512-byte sector written since its last sync is lost, kept or
torn at random, a file whose name was not synced may be gone, and one whose removal was not synced may be back. Then
the ledger is opened on what survived. Every acknowledged append must be there, no batch by half, the hash chain and
all read models sound, and the next append must work.

The control does the same with ``synchronous = NORMAL``, which loses acknowledged appends: a harness that cannot find
that finds nothing.
"""

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import apsw
import msgspec

from kaizen.errors import KaizenError
from kaizen.ledger import Asked, Described, Entry, Record, Taught
from kaizen.ledgers.checkup import check_up
from kaizen.ledgers.driver import Connect
from kaizen.ledgers.sqlite import SqliteLedger
from kaizen.testing.ledgers import Clocks, sample, scout, told

SECTOR = 512
_POWERSAFE_OVERWRITE = 0x1000  # as SQLite's own VFS on Linux and macOS says: bytes beside those written stay
_GENERATION = 12  # cuts survived by one ledger before a new one is begun


class Image:
    """One file: what is on the disk for sure, and what the operating system says is in it."""

    def __init__(self, content: bytes = b"", *, named: bool = False) -> None:
        """Begin with ``content`` on the disk; ``named`` tells whether the file's name is there, too."""
        self.synced = bytes(content)
        self.now = bytearray(content)
        self.dirty: set[int] = set()
        self.named = named

    def write(self, data: bytes, offset: int) -> None:
        """Write to the cache."""
        if len(self.now) < offset:
            self.now.extend(bytes(offset - len(self.now)))
        self.now[offset : offset + len(data)] = data
        self.dirty.update(range(offset // SECTOR, (offset + len(data) - 1) // SECTOR + 1))

    def truncate(self, size: int) -> None:
        """Cut the file, in the cache."""
        del self.now[size:]
        self.dirty = {sector for sector in self.dirty if sector * SECTOR < size}

    def sync(self) -> None:
        """Bring all of it to the disk, and its name."""
        self.synced, self.dirty, self.named = bytes(self.now), set(), True

    def after_cut(self, chance: random.Random) -> bytes:
        """Return what the disk holds when the power is back."""
        size = chance.choice((len(self.synced), len(self.now)))
        left = bytearray(self.synced[:size].ljust(size, b"\0"))
        for sector in sorted(self.dirty):
            start = sector * SECTOR
            new = bytes(self.now[start : start + SECTOR])
            torn = chance.choice((0, len(new), chance.randrange(len(new) + 1)))  # lost, kept or torn
            if torn and len(left) < start + len(new):
                left.extend(bytes(start + len(new) - len(left)))
            left[start : start + torn] = new[:torn]
        return bytes(left)


class Disk:
    """All files, until the power goes after ``lasts`` operations."""

    def __init__(self, files: dict[str, Image], lasts: int) -> None:
        """Begin with what survived the last cut."""
        self.files = files
        self.removed: dict[str, Image] = {}
        self.left = lasts

    def operate(self) -> None:
        """Count one operation; from the last on, nothing reaches the disk."""
        self.left -= 1
        if self.left < 0:
            raise apsw.IOError("the power is off")

    @property
    def off(self) -> bool:
        """Whether the power is gone."""
        return self.left < 0

    def after_cut(self, chance: random.Random) -> dict[str, Image]:
        """Return the files as they are when the power is back."""
        back = {path: image for path, image in self.removed.items() if path not in self.files and chance.random() < 0.5}
        stay = {path: image for path, image in self.files.items() if image.named or chance.random() < 0.5}
        return {path: Image(image.after_cut(chance), named=True) for path, image in (back | stay).items()}


class Power(apsw.VFS):
    """A SQLite VFS on the disk at hand."""

    def __init__(self, name: str) -> None:
        """Register under ``name``."""
        self.name = name
        self.disk = Disk({}, 0)
        super().__init__(name, base="")

    def xOpen(self, name: Any, flags: list[int]) -> Any:  # noqa: N802 - apsw's names
        """Open a file, or make one."""
        flags[1] = flags[0]
        if name is None:
            return Handle(Disk({}, sys.maxsize), Image())
        path = name if isinstance(name, str) else name.filename()
        self.disk.operate()
        return Handle(self.disk, self.disk.files.setdefault(path, Image()))

    def xDelete(self, name: str, syncdir: bool) -> None:  # noqa: FBT001, N802
        """Remove a file."""
        self.disk.operate()
        image = self.disk.files.pop(name, None)
        if image is not None and image.named and not syncdir:
            self.disk.removed[name] = image

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: ARG002, N802
        """Tell whether there is such a file."""
        return pathname in self.disk.files

    def xFullPathname(self, name: str) -> str:  # noqa: N802
        """Take a path as it is."""
        return name


class Handle:
    """An open file; its disk may be off."""

    def __init__(self, disk: Disk, image: Image) -> None:
        """Stand on ``image``."""
        self.disk, self.image = disk, image

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: D102, N802
        return bytes(self.image.now[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: D102, N802
        self.disk.operate()
        self.image.write(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: D102, N802
        self.disk.operate()
        self.image.truncate(size)

    def xSync(self, flags: int) -> None:  # noqa: ARG002, D102, N802
        self.disk.operate()
        self.image.sync()

    def xFileSize(self) -> int:  # noqa: D102, N802
        return len(self.image.now)

    def xLock(self, level: int) -> None:  # noqa: D102, N802
        pass

    def xUnlock(self, level: int) -> None:  # noqa: D102, N802
        pass

    def xCheckReservedLock(self) -> bool:  # noqa: D102, N802
        return False

    def xFileControl(self, op: int, ptr: int) -> bool:  # noqa: ARG002, D102, N802
        return False

    def xSectorSize(self) -> int:  # noqa: D102, N802
        return SECTOR

    def xDeviceCharacteristics(self) -> int:  # noqa: D102, N802
        return _POWERSAFE_OVERWRITE

    def xClose(self) -> None:  # noqa: D102, N802
        pass


class Adapter:
    """An apsw connection in the shape that the ledger uses."""

    Error = apsw.Error

    def __init__(self, path: str, vfs: str, synchronous: str, checkpoint: int) -> None:
        """Open; a VFS in Python has no shared memory, so that the log's index is the connection's own."""
        self._db = apsw.Connection(path, vfs=vfs)
        self._synchronous = synchronous
        for setting in ("locking_mode = EXCLUSIVE", "temp_store = MEMORY", f"wal_autocheckpoint = {checkpoint}"):
            self._db.cursor().execute(f"PRAGMA {setting}").fetchall()

    @property
    def in_transaction(self) -> bool:
        """Whether something is begun."""
        return self._db.in_transaction

    def execute(self, statement: str, values: Sequence[Any] = (), /) -> Any:
        """Run one statement; the control weakens one of them."""
        if statement == "PRAGMA synchronous = EXTRA":
            statement = f"PRAGMA synchronous = {self._synchronous}"
        return self._db.cursor().execute(statement, values)

    def close(self) -> None:
        """End."""
        self._db.close(force=True)


class Tally(msgspec.Struct):
    """What the cuts did."""

    cuts: int = 0
    records: int = 0
    lost: int = 0
    half: int = 0
    corrupt: int = 0
    notes: list[str] = msgspec.field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether nothing was lost, halved or damaged."""
        return not (self.lost or self.half or self.corrupt)


def run(cuts: int, seed: int, synchronous: str = "EXTRA") -> Tally:
    """Cut the power ``cuts`` times."""
    tally = Tally()
    vfs = Power(f"power-{seed}-{synchronous}")
    try:
        with tempfile.TemporaryDirectory() as place:
            for generation in count():
                if tally.cuts >= cuts:
                    break
                chance = random.Random(f"{seed}:{generation}")
                _generation(vfs, Path(place) / f"{generation}.db", chance, synchronous, tally=tally, cuts=cuts)
    finally:
        vfs.unregister()
    return tally


def _generation(vfs: Power, path: Path, chance: random.Random, synchronous: str, *, tally: Tally, cuts: int) -> None:
    """Let one ledger live through a few cuts."""
    files: dict[str, Image] = {}
    acked: list[Record] = []
    for _ in range(min(_GENERATION, cuts - tally.cuts)):
        checkpoint = chance.choice((2, 8, 64, 1000))

        def connect(name: str, pages: int = checkpoint) -> Adapter:
            return Adapter(name, vfs.name, synchronous, pages)

        vfs.disk = Disk(files, chance.randrange(1, chance.choice((30, 200, 800))))
        flying = _work(path, connect, chance, acked)
        if not vfs.disk.off:
            raise AssertionError("the work must end by a cut; got another end")
        tally.cuts += 1
        files = vfs.disk.after_cut(chance)
        vfs.disk = Disk(files, sys.maxsize)
        before = len(acked)
        problem = _survey(path, connect, acked, flying, tally)
        tally.records += before
        if problem:
            tally.notes.append(f"cut {tally.cuts}: {problem}")
            return
        files = {name: Image(bytes(image.now), named=True) for name, image in vfs.disk.files.items()}


def _work(path: Path, connect: Connect, chance: random.Random, acked: list[Record]) -> list[Entry]:
    """Append until the power goes; return the batch that was under way."""
    batch: list[Entry] = []
    ledger = None
    try:
        ledger = SqliteLedger(path, clock=Clocks().at, connect=connect)
        while True:
            batch = _batch(ledger, chance)
            acked.extend(ledger.append("loaf", batch, by="w1"))
            batch = []
            match chance.randrange(40):
                case 0:
                    ledger.close()
                case 1:
                    ledger.rebuild()
                case 2:
                    ledger.renew("loaf", "w1", 30.0)
    except (KaizenError, apsw.Error):
        if not ledger:
            return batch
        with suppress(apsw.Error):
            ledger.close()
        return batch


def _batch(ledger: SqliteLedger, chance: random.Random) -> list[Entry]:
    head = ledger.head("loaf")
    if head is None:
        return [Described(process=sample())]
    if head.runs and chance.random() < 0.6:
        return [told(run.id) for run in head.runs[: chance.randrange(1, 6)]]
    if chance.random() < 0.2:
        return [Taught(text="x" * chance.randrange(20_000))]
    runs = tuple(
        scout(head.next_run + i, heat=160.0 + chance.randrange(100), attempt=1) for i in range(chance.randrange(1, 9))
    )
    return [Asked(runs=runs, lease=30.0)]


def _survey(path: Path, connect: Connect, acked: list[Record], flying: list[Entry], tally: Tally) -> str:
    """Look at what survived; return what is wrong with it, and take what is there for acknowledged."""
    try:
        with SqliteLedger(path, clock=Clocks().at, connect=connect) as ledger:
            found = list(ledger.read())
            if found[: len(acked)] != acked:
                tally.lost += 1
                return f"{len(acked)} records were acknowledged; got {len(found)}"
            beyond = [record.entry for record in found[len(acked) :]]
            if beyond and beyond != flying:
                tally.half += 1
                return f"a batch of {len(flying)} must be whole or absent; got {len(beyond)} of it"
            entry = Taught(text="the power is back") if found else Described(process=sample())
            found.extend(ledger.append("loaf", [entry], by="ana"))
            acked[:] = found
        findings = check_up(str(path), connect)
    except (KaizenError, apsw.Error) as error:
        findings = [f"{type(error).__name__}: {error}"]
    if findings:
        tally.corrupt += 1
        return findings[0]
    return ""


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmark and its control, and print what they found."""
    parser = argparse.ArgumentParser(description="Cut the power under the real ledger, on a simulated disk.")
    parser.add_argument("--cuts", type=int, default=1000)
    parser.add_argument("--control", type=int, default=100, help="cuts with synchronous = NORMAL")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(words)
    print(f"{'synchronous':<12} {'cuts':>6} {'records checked':>16} {'lost':>5} {'half':>5} {'corrupt':>8} {'seed':>5}")
    results = {}
    for synchronous, cuts in (("EXTRA", given.cuts), ("NORMAL", given.control)):
        tally = results[synchronous] = run(cuts, given.seed, synchronous)
        numbers = f"{tally.cuts:>6} {tally.records:>16} {tally.lost:>5} {tally.half:>5} {tally.corrupt:>8}"
        print(f"{synchronous:<12} {numbers} {given.seed:>5}")
    for note in results["EXTRA"].notes:
        print(note, file=sys.stderr)
    if given.control and not results["NORMAL"].lost:
        print("the control must lose something; got nothing lost: the harness is blind", file=sys.stderr)
        return 1
    return 0 if results["EXTRA"].sound else 1


if __name__ == "__main__":
    sys.exit(main())
