"""Ledgers of others: read without a trace, never in the way, and in this ledger's own words."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen.errors import Clash, Damaged, KaizenError, Malformed, Newer, Stuck, Undeclared
from kaizen.ledger import Described, Reported
from kaizen.ledgers.readonly import ReadOnlyLedger
from kaizen.ledgers.sqlite import SqliteLedger
from kaizen.metric import higher
from kaizen.parameter import Choice, Parameter, Real, Switch, When, Whole
from kaizen.process import Process, check_process
from kaizen.setting import Numbers, Setting
from kaizen.trial import Reading
from kaizen.veteran import renaming
from kaizen.veteran.elsewhere import Borrowed, View, spelled
from kaizen.veteran.renaming import Rename, Renaming, check

KELVIN = Real(name="kelvin", low=353.0, high=372.0, unit="K")
CELSIUS = Real(name="celsius", low=80.0, high=99.0, unit="degC")


def process(name: str, *parameters: Parameter, **standard: Any) -> Process:
    taste = higher("taste", scale="difference", worthwhile=0.5, exact=True)
    return check_process(Process(name=name, parameters=parameters, metrics=(taste,), standard=Setting(standard)))


MOCHA = process("mocha", KELVIN, Whole(name="milling", low=1, high=20), kelvin=363.0, milling=8)


def reported(run: int) -> Reported:
    setting = Setting(kelvin=353.0 + run, milling=run)
    return Reported(run=run, setting=setting, outcome=Reading(values=Numbers(taste=float(run))), source="elsewhere")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger of another team, closed: one process with five runs."""
    where = tmp_path / "north" / "ledger.db"
    where.parent.mkdir()
    with SqliteLedger(where) as ledger:
        ledger.append("mocha", [Described(process=MOCHA)], by="ben")
        ledger.append("mocha", [reported(run) for run in range(1, 6)], by="ben")
    return where


def traces(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file's content and time of change."""
    return {one.name: (one.read_bytes(), one.stat().st_mtime_ns) for one in sorted(folder.iterdir())}


def everything(ledger: Any) -> list[Any]:
    """All that may be looked at."""
    rows = [
        ledger.runs("mocha"),
        ledger.runs("mocha", number=3),
        ledger.runs("mocha", latest=2),
        ledger.runs("mocha", first=2),
    ]
    rest = [ledger.head("mocha"), ledger.trials("mocha"), ledger.standards("mocha"), ledger.lessons("mocha")]
    return [ledger.processes(), *rows, *rest, list(ledger.read("mocha", after=2)), list(ledger.read(limit=2))]


def tastes(ledger: Any, name: str = "mocha") -> list[float]:
    return [run.values["taste"] for run in ledger.runs(name)]


# ── read, and never touched ───────────────────────────────────────────────────────────────────────────────────────────
def test_it_says_what_the_ledger_itself_says_and_leaves_no_trace(path: Path) -> None:
    """Every read model and the records are the same; no byte is written, and no file is made."""
    before = traces(path.parent)
    other = ReadOnlyLedger(path)
    other.check()
    said = everything(other)
    other.close()
    assert traces(path.parent) == before
    with SqliteLedger(path) as ledger:
        assert said == everything(ledger)


def test_a_folder_that_nobody_may_write_is_enough(path: Path) -> None:
    """A read-only share: nothing is needed but to read; and nothing changes."""
    before = traces(path.parent)
    path.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert tastes(ReadOnlyLedger(path)) == [1.0, 2.0, 3.0, 4.0, 5.0]
    finally:
        path.parent.chmod(stat.S_IRWXU)
    assert traces(path.parent) == before


WRITER = """
import sys
from kaizen.ledgers.sqlite import SqliteLedger
from kaizen.ledger import Voiced
from kaizen.voice import Voice
ledger = SqliteLedger(sys.argv[1])
for line in sys.stdin:
    ledger.append("mocha", [Voiced(voice=Voice(text=line.strip(), by="tom", standard=1))], by="tom")
    print("written", flush=True)
ledger.close()
"""


def test_it_follows_a_team_that_goes_on_and_is_not_in_its_way(path: Path) -> None:
    """While they write, and after they have closed: what is new is seen, not a byte is touched, and their log can be cleared."""
    other = ReadOnlyLedger(path)

    def heard() -> int:
        head = other.head("mocha")
        assert head is not None
        return head.counts.voices

    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdin=-1, stdout=-1, text=True) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        for number in range(1, 6):
            writer.stdin.write("bitter\n")
            writer.stdin.flush()
            assert writer.stdout.readline() == "written\n"
            before = traces(path.parent)
            assert heard() == number
            assert len(tastes(other)) == 5
            assert traces(path.parent) == before
        writer.stdin.close()
    assert writer.returncode == 0
    assert not Path(f"{path}-wal").exists()
    assert heard() == 5


def test_a_log_that_a_killed_writer_left_is_read_in_place(path: Path) -> None:
    """What was written and never cleared away counts; the log and its index stay as they are."""
    killed = WRITER.replace("ledger.close()", "import os\nos._exit(0)")
    subprocess.run(
        [sys.executable, "-c", killed, str(path)], check=True, input="bitter\n", stdout=subprocess.DEVNULL, text=True
    )
    before = traces(path.parent)
    assert Path(f"{path}-wal").stat().st_size
    other = ReadOnlyLedger(path)
    head = other.head("mocha")
    assert head is not None
    assert head.counts.voices == 1
    assert traces(path.parent) == before
    Path(f"{path}-shm").unlink()
    with pytest.raises(Stuck, match="closed or whole to be read; got a log without its index"):
        ReadOnlyLedger(path)
    assert not Path(f"{path}-shm").exists()


def test_what_is_no_sound_ledger_is_refused_in_a_sentence(path: Path, tmp_path: Path) -> None:
    """Gone, another file, another program's database, a later release's, a damaged one."""

    def refused(where: Path, kind: type[KaizenError], match: str) -> None:
        with pytest.raises(kind, match=match) as error:
            ReadOnlyLedger(where).check()
        assert error.value.hint

    refused(tmp_path / "nowhere.db", Stuck, "must be there; got nothing")
    (tmp_path / "text.db").write_text("not a database, but long enough to be looked at", encoding="utf-8")
    refused(tmp_path / "text.db", Malformed, "must be a Kaizen ledger")
    (tmp_path / "empty.db").touch()
    refused(tmp_path / "empty.db", Malformed, "must be a Kaizen ledger")
    with sqlite3.connect(tmp_path / "other.db") as db:
        db.execute("CREATE TABLE t (x)")
    db.close()
    refused(tmp_path / "other.db", Malformed, "must be a Kaizen ledger")
    later = tmp_path / "later.db"
    shutil.copy(path, later)
    with sqlite3.connect(later) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    refused(later, Newer, "schema <= 1; got 99")
    bytes_ = bytearray(path.read_bytes())
    bytes_[4096 * 2 : 4096 * 3] = os.urandom(4096)
    (tmp_path / "damaged.db").write_bytes(bytes_)
    refused(tmp_path / "damaged.db", Damaged, "must be a sound ledger")


def test_nobodys_lock_keeps_it_waiting(path: Path) -> None:
    """Somebody is in the middle of writing: what was written before is read."""
    with SqliteLedger(path) as ledger:
        ledger.append("mocha", [reported(6)], by="ben")
        holder = sqlite3.connect(path, isolation_level=None)
        for begin in ("BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"):
            holder.execute(begin)
            assert len(tastes(ReadOnlyLedger(path))) == 6
            holder.execute("ROLLBACK")
        holder.close()


# ── other names ───────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("lr=learning_rate", Rename(there="lr", here="learning_rate")),
        (" temp_K - 273.15 = temp_C ", Rename(there="temp_K", here="temp_C", plus=-273.15)),
        ("ms*0.001=seconds", Rename(there="ms", here="seconds", times=0.001)),
        ("ms/1000=seconds", Rename(there="ms", here="seconds", times=0.001)),
        ("f*0.5+10=c", Rename(there="f", here="c", times=0.5, plus=10.0)),
        ("a*1e-3=b", Rename(there="a", here="b", times=1e-3)),
        ("seconds/60=minutes", Rename(there="seconds", here="minutes", times=1 / 60)),
        ("a*0.3333333333333=b", Rename(there="a", here="b", times=0.3333333333333)),
        ("a-0.12345678901234=b", Rename(there="a", here="b", plus=-0.12345678901234)),
    ],
)
def test_a_rename_is_read_and_written(text: str, made: Rename) -> None:
    """What is written says the same when it is read again."""
    assert renaming.read(text) == made
    assert renaming.read(str(made)) == made


@given(st.floats(1e-6, 1e6), st.floats(-1e6, 1e6))
def test_a_rename_is_written_as_exactly_as_it_is(times: float, plus: float) -> None:
    """It is kept as it is written: a figure less would make another number of a shared one."""
    for made in (Rename(there="a", here="b", times=times, plus=plus), Rename(there="a", here="b", times=1 / times)):
        assert renaming.read(str(made)) == made
    assert str(renaming.read("seconds/60=minutes")) == "seconds/60=minutes"


@pytest.mark.parametrize(
    "text", ["", "lr", "lr=", "=lr", "a*0=b", "a*-2=b", "a*x=b", "a-b=c", "2*a=b", "a=b=c", "a*1e999=b"]
)
def test_what_is_no_rename_is_refused(text: str) -> None:
    """A sentence, and how it is written."""
    with pytest.raises(Malformed, match="rename must be") as error:
        renaming.read(text)
    assert "there=here" in error.value.hint


@given(st.floats(-1e6, 1e6), st.floats(0.001, 1000), st.floats(-1000, 1000))
def test_a_value_comes_back_from_the_other_name(value: float, times: float, plus: float) -> None:
    """There and back again, to twelve figures of what was added."""
    one = Rename(there="a", here="b", times=times, plus=plus)
    back = one.back.value(one.value(value))
    assert back == pytest.approx(value, rel=1e-9, abs=1e-8 * max(1.0, abs(plus) / times))


def test_a_process_is_told_in_other_words() -> None:
    """Ranges, standard and conditions are scaled and named; whole numbers stay whole where they can."""
    made = process(
        "mill", Real(name="ms", low=10.0, high=1000.0, log=True), Whole(name="level", low=1, high=9),
        Choice(name="codec", values=("a", "b")), Whole(name="hot", low=0, high=100, when=(When("codec", ("b",)),)),
        ms=100.0, level=3, codec="a",
    )  # fmt: skip
    renames = Renaming(map(renaming.read, ["ms*0.001=seconds", "level+1=step", "codec=packer", "hot*0.5=warm"]))
    told = {parameter.name: parameter for parameter in renames.process(made).parameters}
    assert told["seconds"] == Real(name="seconds", low=0.01, high=1.0, log=True)
    assert told["step"] == Whole(name="step", low=2, high=10)
    assert told["warm"] == Real(name="warm", low=0.0, high=50.0, when=(When("packer", ("b",)),))
    assert renames.setting(made.standard) == Setting(seconds=0.1, step=4, packer="a")
    assert renames.back.setting(renames.setting(made.standard)) == Setting(ms=100.0, level=3, codec="a")


def test_a_name_that_means_something_else_here_is_left_out() -> None:
    """Where ``lr`` there is ``rate`` here, a ``rate`` of there is another thing: nothing is said of it."""
    renames = Renaming([renaming.read("lr=rate")])
    assert renames.setting({"lr": 1.0, "rate": 2.0, "other": 3.0}) == Setting(rate=1.0, other=3.0)
    both = renames.then(Renaming([renaming.read("x=lr"), renaming.read("rate=speed")]))
    assert both.setting({"lr": 1.0, "rate": 2.0, "x": 3.0, "speed": 4.0}) == Setting(speed=1.0, lr=3.0)


HERE = process("coffee", CELSIUS, Whole(name="grind", low=1, high=20), Choice(name="bean", values=("a", "b")), Switch(name="foam"),
               celsius=90.0, grind=8, bean="a", foam=False)  # fmt: skip


@pytest.mark.parametrize(
    ("texts", "kind", "match"),
    [
        (["miling=grind"], Undeclared, "must name a parameter there; got 'miling'"),
        (["milling=gind"], Undeclared, "must name a parameter here; got 'gind'"),
        (["milling=bean"], Malformed, "a number there and a choice here"),
        (["milling=foam"], Malformed, "a number there and a switch here"),
        (["kelvin=celsius"], Malformed, "two units must say how they compare"),
        (["milling=grind", "kelvin*1=grind"], Clash, "got 'grind' here twice"),
        (["milling=grind", "milling*2=celsius"], Clash, "got 'milling' there twice"),
    ],
)
def test_renames_are_checked_at_the_door(texts: list[str], kind: type[KaizenError], match: str) -> None:
    """Unknown names, kinds that do not fit, units without a factor, two names to one."""
    with pytest.raises(kind, match=match):
        check([renaming.read(text) for text in texts], [MOCHA], [HERE])


def test_a_rename_may_not_make_one_name_of_two() -> None:
    """What is there has the new name already: which one would it be?"""
    twin = process("twin", Real(name="lr", low=0, high=1), Real(name="rate", low=0, high=1), lr=0.5, rate=0.5)
    here = process("here", Real(name="rate", low=0, high=1), rate=0.5)
    with pytest.raises(Clash, match="one name of two"):
        check([renaming.read("lr=rate")], [twin], [here])
    assert check([renaming.read("lr*2=rate")], [process("alone", Real(name="lr", low=0, high=1), lr=0.5)], [here])


# ── all that one process may remember ─────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def own(tmp_path: Path) -> Iterator[SqliteLedger]:
    """This team's ledger: two processes that call one thing by two names."""
    with SqliteLedger(tmp_path / "own.db") as ledger:
        for name, parameter in (("coffee", "grind"), ("decaf", "mahlgrad")):
            made = process(name, CELSIUS, Whole(name=parameter, low=1, high=20), **{"celsius": 90.0, parameter: 8})
            ledger.append(name, [Described(process=made)], by="ana")
        yield ledger


def test_a_process_of_another_ledger_is_seen_in_this_ones_words(path: Path, own: SqliteLedger) -> None:
    """Under its name and its ledger's, with this one's names and units; nothing of what is open there."""
    renames = Renaming(map(renaming.read, ["kelvin-273.15=celsius", "milling=grind"]))
    view = View(own, {"north": Borrowed(ReadOnlyLedger(path), renames)}, asker="")
    assert view.processes() == ("mocha@north", "coffee", "decaf")
    head = view.head("mocha@north")
    assert head is not None
    assert (head.process.name, head.standard.setting) == ("mocha@north", Setting(celsius=89.85, grind=8))
    assert [run.setting["celsius"] for run in view.runs("mocha@north")] == [80.85, 81.85, 82.85, 83.85, 84.85]
    assert view.standards("mocha@north")[0].standard.setting == Setting(celsius=89.85, grind=8)
    assert [record.seq for record in view.read("mocha@north", after=4)] == [5, 6]
    assert (view.head("mocha@south"), view.runs("mocha@south"), list(view.read("mocha@south"))) == (None, (), [])
    assert view.head("coffee") == own.head("coffee")
    assert (spelled("mocha@north"), spelled("coffee")) == ("ledger north, process mocha", "coffee")


def test_own_processes_may_call_one_thing_by_two_names(path: Path, own: SqliteLedger) -> None:
    """Each sees the other, and other ledgers, in its own words, and itself as it is."""
    names = {"decaf": Renaming([renaming.read("mahlgrad=grind")])}
    borrowed = {"north": Borrowed(ReadOnlyLedger(path), Renaming([renaming.read("milling=grind")]))}

    def seen(asker: str, name: str) -> set[str]:
        head = View(own, borrowed, asker=asker, renamings=names).head(name)
        assert head is not None
        return {parameter.name for parameter in head.process.parameters}

    assert seen("", "decaf") == {"celsius", "grind"}
    assert seen("decaf", "coffee") == {"celsius", "mahlgrad"} == seen("decaf", "decaf")
    strange = {"north": Borrowed(ReadOnlyLedger(path), Renaming(map(renaming.read, ["kelvin=x", "milling=y"])))}
    backwards = {"decaf": Renaming(map(renaming.read, ["x=celsius", "y=grind"]))}
    assert (
        View(own, strange, asker="decaf", renamings=backwards).head("mocha@north") is None
    )  # no word of it is known here
    assert (seen("", "mocha@north"), seen("decaf", "mocha@north")) == ({"kelvin", "grind"}, {"kelvin", "mahlgrad"})
