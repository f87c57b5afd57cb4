"""What only a ledger in a file can get wrong."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kaizen.errors import Clash, Damaged, KaizenError, Malformed, Newer, Stuck
from kaizen.ledger import Asked, Described, Taught
from kaizen.ledgers import driver, tables
from kaizen.ledgers import statements as sql
from kaizen.ledgers.gate import Gate
from kaizen.ledgers.sqlite import SqliteLedger
from kaizen.testing.ledgers import Clocks, compare, sample, scout, tell_story, told


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the ledger will be."""
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[SqliteLedger]:
    """Give a ledger with the whole story in it."""
    with SqliteLedger(path, clock=Clocks().at) as made:
        tell_story(made)
        yield made


def tamper(path: Path, *statements: object) -> None:
    """Change the file behind the ledger's back, triggers off."""
    db = driver.connect(str(path))
    for statement in ("DROP TRIGGER entry_never_changes", "DROP TRIGGER entry_never_goes", *statements):
        db.execute(statement)
    db.close()


def refuse_to_open(*_: object, **__: object) -> None:
    """Be a platform without that file."""
    raise OSError


# ── the door ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_no_directory(tmp_path: Path) -> None:
    """A ledger makes no directories, and is none."""
    with pytest.raises(Stuck, match="directory must exist") as caught:
        SqliteLedger(tmp_path / "none" / "ledger.db")
    assert "mkdir" in caught.value.hint
    with pytest.raises(Stuck, match="must be a file"):
        SqliteLedger(tmp_path)


@pytest.mark.parametrize("content", [b"not a database, but long enough to be looked at " * 40, b"short"])
def test_not_a_database(path: Path, content: bytes) -> None:
    """A file of something else is left as it is."""
    path.write_bytes(content)
    with pytest.raises(Malformed, match="must be a Kaizen ledger"):
        SqliteLedger(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("statement", ["CREATE TABLE mine (x)", "PRAGMA application_id = 77"])
def test_another_programs_database(path: Path, statement: str) -> None:
    """A database of something else is left as it is."""
    db = driver.connect(str(path))
    db.execute(statement)
    db.close()
    before = path.read_bytes()
    with pytest.raises(Malformed, match="another program's database"):
        SqliteLedger(path)
    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_ledger(path: Path) -> None:
    """Nothing is lost by writing into nothing."""
    path.touch()
    with SqliteLedger(path) as ledger:
        assert ledger.verify() == []


def test_a_later_release(path: Path, ledger: SqliteLedger) -> None:
    """Neither opening nor a handle opened before writes into a newer ledger."""
    other = SqliteLedger(path)
    ledger._db.execute("PRAGMA user_version = 2")
    for late in (lambda: SqliteLedger(path), lambda: other.append("loaf", [Taught(text="hm")], by="ana")):
        with pytest.raises(Newer, match=r"must be of schema <= 1; got 2") as caught:
            late()
        assert "upgrade kaizen-engine" in caught.value.hint
    ledger._db.execute("PRAGMA user_version = 0")
    with pytest.raises(Damaged, match="must say its schema"):
        SqliteLedger(path)
    other.close()


@pytest.mark.parametrize("kind", sorted(driver.NETWORKED))
def test_network_file_systems_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Two machines would not see each other's locks and logs."""
    device = path.parent.stat().st_dev
    line = f"36 35 {os.major(device)}:{os.minor(device)} / /mnt rw,noatime shared:1 - {kind} host:/x rw"
    other = "1 0 250:250 / / rw - ext4 /dev/x rw"
    assert driver.file_system(device, [other, line]) == kind
    assert driver.file_system(device, [other]) == ""
    monkeypatch.setattr(driver, "file_system", lambda _: kind)
    with pytest.raises(Stuck, match=f"which is on {kind}"):
        SqliteLedger(path)


def test_a_platform_that_does_not_say_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only Linux tells in a file."""
    monkeypatch.setattr("builtins.open", refuse_to_open)
    assert driver.file_system(0) == ""


class FakeModule:
    """A DB-API module over some SQLite."""

    def __init__(self, version: tuple[int, int, int]) -> None:
        self.sqlite_version_info = version
        self.sqlite_version = ".".join(map(str, version))


@pytest.mark.parametrize(
    ("version", "sound"), [((3, 51, 2), False), ((3, 7, 0), False), ((3, 51, 3), True), ((3, 6, 23), True)]
)
def test_a_library_that_damages_logs_is_refused(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int], sound: bool
) -> None:
    """Better no ledger than one that may be damaged."""

    def import_module(name: str) -> FakeModule:
        if name == "pysqlite3":
            raise ImportError
        return FakeModule(version)

    monkeypatch.setattr(driver, "import_module", import_module)
    if sound:
        assert driver.library().sqlite_version_info == version
    else:
        with pytest.raises(Stuck, match=r"must be newer than 3\.51\.2"):
            driver.library()


def test_appends_are_synced(ledger: SqliteLedger) -> None:
    """The settings that durability rests on."""
    settings = {
        name: ledger._db.execute(f"PRAGMA {name}").fetchone() for name in ("journal_mode", "synchronous", "mmap_size")
    }
    assert settings["journal_mode"] == ("wal",)
    assert settings["synchronous"][0] >= 2
    assert settings["mmap_size"] in {None, (0,)}


# ── the machine refuses ───────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("refuse", "allow", "sentence"),
    [
        ("PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1000000", "must have room"),
        ("PRAGMA query_only = ON", "PRAGMA query_only = OFF", "must be writable"),
    ],
)
def test_a_refusal_writes_nothing_and_passes(ledger: SqliteLedger, refuse: str, allow: str, sentence: str) -> None:
    """Full or read-only: a sentence, no trace, and all is well when it is over."""
    before = list(ledger.read()), ledger.head("loaf")
    ledger._db.execute(refuse).fetchall()
    with pytest.raises(Stuck, match=sentence) as caught:
        ledger.append("loaf", [Taught(text="x" * 100_000)], by="ana")
    assert caught.value.hint
    assert caught.value.__cause__
    assert (list(ledger.read()), ledger.head("loaf")) == before
    ledger._db.execute(allow).fetchall()
    ledger.append("loaf", [Taught(text="x" * 100_000)], by="ana")
    assert ledger.verify() == []


def test_a_file_locked_by_a_stranger(path: Path, ledger: SqliteLedger) -> None:
    """Somebody in the file who did not come through the gate."""
    stranger = driver.connect(str(path))
    stranger.execute("BEGIN IMMEDIATE")
    ledger._db.execute("PRAGMA busy_timeout = 10").fetchall()
    with pytest.raises(Stuck, match="free for writing"):
        ledger.append("loaf", [Taught(text="hm")], by="ana")
    stranger.close()
    ledger.append("loaf", [Taught(text="hm")], by="ana")


def test_a_ledger_that_is_taken_away(path: Path, ledger: SqliteLedger, tmp_path: Path) -> None:
    """What would be written to a file without a name would be lost."""
    path.rename(tmp_path / "away.db")
    with pytest.raises(Stuck, match="must stay where it was opened"):
        ledger.append("loaf", [Taught(text="hm")], by="ana")
    with pytest.raises(Stuck):
        ledger.head("loaf")
    (tmp_path / "away.db").rename(path)
    ledger.append("loaf", [Taught(text="hm")], by="ana")


def test_a_ledger_that_is_replaced(path: Path, ledger: SqliteLedger, tmp_path: Path) -> None:
    """A handle follows the path, not the file that once was there."""
    ledger.backup(tmp_path / "old.db")
    ledger.append("loaf", [Taught(text="later")], by="ana")
    ledger.close()
    last = len(list(ledger.read()))
    for name in ("ledger.db-wal", "ledger.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "old.db").replace(path)
    assert len(list(ledger.read())) == last - 1
    compare(ledger)


def test_numbers_beyond_64_bits(ledger: SqliteLedger) -> None:
    """No clock goes that far."""
    ledger._clock = lambda: 2**70
    with pytest.raises(Malformed, match="64 bits"):
        ledger.append("loaf", [Taught(text="hm")], by="ana")
    assert ledger.verify() == []


@pytest.mark.parametrize("code", range(1, 29))
def test_every_result_code_says_something(code: int) -> None:
    """No error of SQLite reaches a person without a sentence and a hint."""
    error = Exception("so it is")
    error.sqlite_errorcode = code
    said = driver.translate("l.db", error)
    assert isinstance(said, KaizenError)
    assert said.hint
    assert "so it is" in said.message


def test_a_failing_roll_back_is_survived(ledger: SqliteLedger) -> None:
    """A connection that cannot even roll back is left behind."""

    class Failing:
        Error = ValueError
        in_transaction = True

        def execute(self, *_: object) -> None:
            raise ValueError

        def close(self) -> None:
            raise ValueError

    ledger._roll_back(Failing())
    assert ledger.head("loaf") is not None


REST = "process, at, by, kind, schema, body, key, request, hash"
LAST = "(SELECT max(seq) FROM entry)"


# ── damage ────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET body = '{}' WHERE seq = 2",
        "DELETE FROM entry WHERE seq = 2",
        f"INSERT INTO entry SELECT 99, {REST} FROM entry WHERE seq = 1",
        f"INSERT OR REPLACE INTO entry SELECT 3, {REST} FROM entry WHERE seq = 1",
    ],
)
def test_entries_are_never_changed(ledger: SqliteLedger, statement: str) -> None:
    """The triggers hold."""
    with pytest.raises(ledger._db.Error, match=r"an entry (never changes|is never removed|comes behind)"):
        ledger._db.execute(statement)
    assert ledger.verify() == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET body = replace(body, '200.0', '201.0') WHERE seq = 2",
        "UPDATE entry SET at = at + 1 WHERE seq = 9",
        "UPDATE entry SET by = 'bob' WHERE seq = 4",
        "UPDATE entry SET key = 'k' WHERE seq = 4",
        "UPDATE entry SET request = 'k' WHERE seq = 4",
        "UPDATE entry SET hash = zeroblob(32) WHERE seq = 4",
        "UPDATE entry SET kind = 'dreamt' WHERE seq = 4",
        "UPDATE entry SET process = 'roll' WHERE seq = 6",
        "DELETE FROM entry WHERE seq = 5",
        f"DELETE FROM entry WHERE seq = {LAST}",
        f"UPDATE entry SET seq = 100 WHERE seq = {LAST}",
    ],
)
def test_any_change_of_an_entry_is_found(path: Path, ledger: SqliteLedger, statement: str) -> None:
    """The chain, the order and the fold find what got past the triggers."""
    ledger.close()
    tamper(path, statement)
    assert ledger.verify()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM run WHERE id = 1",
        "UPDATE run SET fingerprint = 'f' WHERE id = 1",
        "UPDATE trial SET body = '{}'",
        "DELETE FROM standard WHERE id = 2",
        "UPDATE head SET state = replace(state, '\"told\":3', '\"told\":4')",
        "DELETE FROM lesson",
        "UPDATE process SET born = 7",
        "INSERT INTO lease VALUES ('loaf', 9, 1, 'w', 1.0, 1.0, '')",
        "INSERT INTO lesson VALUES ('loaf', 9, '{}')",
    ],
)
def test_any_change_of_a_read_model_is_found_and_mended(path: Path, ledger: SqliteLedger, statement: str) -> None:
    """Read models are compared with what follows from the entries."""
    ledger.append("loaf", [Asked(runs=(scout(3, heat=250.0, attempt=1),), lease=30.0)], by="w1")
    leases = [lease.run for lease in ledger.leases("loaf")]
    db = driver.connect(str(path))
    db.execute(statement)
    db.close()
    (finding,) = ledger.verify()
    assert "rebuilding mends it" in finding
    ledger.rebuild()
    assert ledger.verify() == []
    assert [lease.run for lease in ledger.leases("loaf")] == leases
    assert ledger.leases("loaf")[0].left > 0
    compare(ledger)


def test_a_lost_lease_is_mended_as_run_out(ledger: SqliteLedger) -> None:
    """Nobody knows when it would have ended: it has."""
    ledger.append("loaf", [Asked(runs=(scout(3, heat=250.0, attempt=1),), lease=30.0)], by="w1")
    ledger._db.execute("DELETE FROM lease")
    assert ledger.verify()
    ledger.rebuild()
    assert [(lease.run, lease.left) for lease in ledger.leases("loaf")] == [(3, 0.0)]


def test_a_damaged_page_is_found(path: Path, ledger: SqliteLedger) -> None:
    """By the check-up, and by whoever reads it."""
    for number in range(50):
        ledger.append("loaf", [Taught(text=f"{number}" * 2_000)], by="ana")
    ledger.close()
    content = bytearray(path.read_bytes())
    for start in range(8192, len(content), 4096):
        content[start : start + 64] = b"\xa5" * 64
    path.write_bytes(content)
    assert ledger.verify()
    with pytest.raises(Damaged, match="must be a sound ledger") as caught:
        list(ledger.read())
    assert "kaizen doctor" in caught.value.hint


def test_rebuilding_a_damaged_ledger_changes_nothing(path: Path, ledger: SqliteLedger) -> None:
    """What cannot be built again is not torn down."""
    ledger.close()
    tamper(path, "UPDATE entry SET kind = 'judged', body = '{\"trial\":77}' WHERE seq = 6")
    runs = ledger.runs("loaf")
    with pytest.raises(Damaged):
        ledger.rebuild()
    assert ledger.runs("loaf") == runs


# ── care ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_backup_is_the_same_ledger(ledger: SqliteLedger, tmp_path: Path) -> None:
    """Whole, sound, and never over another file."""
    ledger.backup(tmp_path / "copy.db")
    with SqliteLedger(tmp_path / "copy.db") as copy:
        assert copy.verify() == []
        assert list(copy.read()) == list(ledger.read())
        compare(copy)
    with pytest.raises(Clash, match="must be a new file"):
        ledger.backup(tmp_path / "copy.db")
    with pytest.raises(Stuck, match="directory must exist"):
        ledger.backup(tmp_path / "none" / "copy.db")
    with pytest.raises(Stuck, match="must be"):
        ledger.backup("/proc/copy.db")
    assert not list(tmp_path.glob("*.partial"))


def test_a_backup_of_a_live_ledger(ledger: SqliteLedger, tmp_path: Path) -> None:
    """Each copy is one moment, however busy."""
    stop = threading.Event()

    def write() -> None:
        """Walk the steps."""
        while not stop.is_set():
            ledger.append("loaf", [Taught(text="hm")], by="w")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        (tmp_path / "0.db.partial").write_text("of a backup that was killed")
        for number in range(5):
            ledger.backup(tmp_path / f"{number}.db")
            with SqliteLedger(tmp_path / f"{number}.db") as copy:
                assert copy.verify() == []
    finally:
        stop.set()
        writer.join()


def test_reading_in_pages(ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages do not show."""
    whole = list(ledger.read())
    monkeypatch.setattr("kaizen.ledgers.sqlite._PAGE", 4)
    assert list(ledger.read()) == list(ledger.read("loaf")) == whole
    assert list(ledger.read(limit=9)) == whole[:9]
    assert list(ledger.read(limit=8)) == whole[:8]


def test_a_head_that_has_not_moved_is_not_read_again(ledger: SqliteLedger) -> None:
    """A warm handle costs the same at any length of history."""
    assert ledger.head("loaf") is ledger.head("loaf")


# ── leases over boots ─────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_boot_ends_every_lease(ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    """A monotonic deadline of another boot means nothing."""
    ledger.append("loaf", [Asked(runs=(scout(3, heat=250.0, attempt=1),), lease=1e9)], by="w1")
    assert ledger.leases("loaf")[0].left > 0
    monkeypatch.setattr(tables, "boot", lambda: "another")
    assert ledger.leases("loaf")[0].left == 0.0
    assert ledger.renew("loaf", "w1", 30.0) == 1
    assert ledger.leases("loaf")[0].left == pytest.approx(30.0, abs=1.0)


def test_boots_told_by_the_wall_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no name for a boot, its beginning is one."""
    assert tables.same_boot("since 1000", "since 1002")
    assert not tables.same_boot("since 1000", "since 9000")
    assert not tables.same_boot("", "since 9000")
    monkeypatch.setattr("builtins.open", refuse_to_open)
    assert tables.boot.__wrapped__().startswith("since ")


# ── many at once ──────────────────────────────────────────────────────────────────────────────────────────────────────
WRITER = """
import sys
from kaizen.ledger import Taught
from kaizen.ledgers.sqlite import SqliteLedger
with SqliteLedger(sys.argv[1]) as ledger:
    for number in range(int(sys.argv[2])):
        with ledger.turn():
            ledger.append("loaf", [Taught(text=f"{number}")], by=sys.argv[3], after=ledger.head("loaf").seq)
"""
HOLDER = """
import sys, time
from kaizen.ledgers.sqlite import SqliteLedger
ledger = SqliteLedger(sys.argv[1])
with ledger.turn():
    print("mine", flush=True)
    time.sleep(60)
"""


def test_processes_queue(path: Path, ledger: SqliteLedger) -> None:
    """Four processes that look, think and append never come between each other."""
    before = len(list(ledger.read()))
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, path, "10", f"w{number}"]) for number in range(4)]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    assert len(list(ledger.read())) == before + 40
    assert ledger.verify() == []


def test_processes_begin_one_ledger_together(path: Path) -> None:
    """All of them find, or make, the same new ledger."""
    code = "import sys; from kaizen.ledgers.sqlite import SqliteLedger; SqliteLedger(sys.argv[1]).close()"
    openers = [subprocess.Popen([sys.executable, "-c", code, path]) for _ in range(4)]
    assert [opener.wait(60) for opener in openers] == [0] * 4


def test_a_killed_holder_frees_the_gate_and_heartbeats_do_not_queue(path: Path, ledger: SqliteLedger) -> None:
    """A turn ends with its process, however that ends; heartbeats never wait for it."""
    ledger.append("loaf", [Asked(runs=(scout(3, heat=250.0, attempt=1),), lease=30.0)], by="w1")
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "mine\n"
        assert ledger.renew("loaf", "w1", 30.0) == 1
        assert ledger.head("loaf") is not None
        done = threading.Event()
        threading.Thread(target=lambda: (ledger.append("loaf", [Taught(text="hm")], by="ana"), done.set())).start()
        assert not done.wait(0.2)
        holder.send_signal(signal.SIGKILL)
        assert done.wait(10)
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_opens_its_own(path: Path, ledger: SqliteLedger) -> None:
    """Within its parent's turn a child has none; it waits for it like any other process."""
    before = len(list(ledger.read()))
    connection = ledger._db
    with ledger.turn():
        child = os.fork()
        if child == 0:
            try:
                own = ledger.head("loaf") is not None and ledger._db is not connection
                ledger.append("loaf", [Taught(text="child")], by="child")
                os._exit(0 if own else 1)
            finally:
                os._exit(2)
        ledger.append("loaf", [Taught(text="parent")], by="parent")
        time.sleep(0.1)
        assert len(list(ledger.read())) == before + 1
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [record.by for record in ledger.read(after=before)] == ["parent", "child"]
    assert ledger.verify() == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_that_leaves_its_parents_turn_lets_nobody_in(ledger: SqliteLedger) -> None:
    """The turn stays the parent's."""
    with ledger.turn():
        parent = os.getpid()
        child = os.fork() if os.getpid() == parent else 0
        if child:
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            assert ledger.gate._depth == 1
    if os.getpid() != parent:
        os._exit(0 if ledger.gate._depth == 0 else 1)


def test_one_gate_per_path(path: Path, ledger: SqliteLedger) -> None:
    """One thread with two ledgers at one path does not wait for itself."""
    with SqliteLedger(path) as other, ledger.turn():
        other.append("loaf", [Taught(text="hm")], by="ana")


def test_a_gate_that_is_taken_away(path: Path, ledger: SqliteLedger) -> None:
    """Whoever waits for a file that is gone waits for nobody: the next one makes a new gate."""
    gate = path.with_name("ledger.db.gate")
    gate.unlink()
    ledger.append("loaf", [Taught(text="hm")], by="ana")
    with ledger.turn():
        assert gate.exists()


def test_a_gate_that_cannot_be_made(tmp_path: Path) -> None:
    """A sentence, as for the ledger itself."""
    with pytest.raises(Stuck, match="gate"):
        Gate.at(str(tmp_path / "none" / "gate")).__enter__()
    (tmp_path / "gate").mkdir()
    with pytest.raises(Stuck, match="gate"):
        Gate.at(str(tmp_path / "gate")).__enter__()


def test_a_damaged_copy_is_told_from_a_sound_one(ledger: SqliteLedger, tmp_path: Path) -> None:
    """A closed ledger is one file."""
    ledger.close()
    shutil.copy(ledger.path, tmp_path / "copy.db")
    with SqliteLedger(tmp_path / "copy.db") as copy:
        assert copy.verify() == []


def test_the_statements_are_all_used() -> None:
    """A statement nobody runs is a statement nobody tests."""
    package = Path(sql.__file__).parent
    code = "".join(file.read_text() for file in package.glob("*.py") if file.name != "statements.py")
    for name in vars(sql):
        if name.isupper():
            assert f"sql.{name}" in code, name


def test_the_first_entry_after_opening(path: Path) -> None:
    """The shortest story there is."""
    with SqliteLedger(path) as ledger:
        ledger.append("loaf", [Described(process=sample())], by="ana")
        ledger.append("loaf", [Asked(runs=(scout(1, attempt=1),))], by="ana")
        ledger.append("loaf", [told(1)], by="ana")
        assert [run.id for run in ledger.runs("loaf")] == [1]
