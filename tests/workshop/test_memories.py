"""Ledgers of others as memory: attached to a ledger, asked like its own processes, and never in the way of its wheel."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import kaizen
from kaizen import Policy, Process, Setting, higher, lower
from kaizen.errors import Clash, KaizenError, Malformed, Stuck, Undeclared
from kaizen.parameter import Choice, Real, Whole
from kaizen.veteran.transfer import kin
from kaizen.workshop import Workshop
from kaizen.workshop.borrowing import Attachment, load, name_of
from kaizen.workshop.memories import Memories

BREW = ["kelvin-273.15=celsius", "milling=grind"]


def brewed(name: str, heat: Real, mill: str, at: float, **policy: Any) -> Process:
    return Process(
        name=name,
        parameters=(heat, Whole(name=mill, low=1, high=20)),
        metrics=(higher("taste", scale="difference", worthwhile=0.5, exact=True),),
        standard=Setting({heat.name: at, mill: 8}),
        policy=Policy(planner="steps", **policy),
    )


def mocha() -> Process:
    return brewed("mocha", Real(name="kelvin", low=353.15, high=372.15, unit="K"), "milling", 363.15)


def coffee(**policy: Any) -> Process:
    return brewed("coffee", Real(name="celsius", low=80.0, high=99.0, unit="degC"), "grind", 90.0, **policy)


def brew(bench: Any, taste: float, **changes: Any) -> None:
    """Propose a change, and brew its pair: 6 for the standard, ``taste`` for the increment."""
    after = bench.propose(changes, because="why not").increment.after
    for run in bench.ask(n=2):
        bench.tell(run, taste=taste if run.setting == after else 6.0)


@pytest.fixture
def north(tmp_path: Path) -> Path:
    """Another team's ledger: a finer milling was proven, a hotter cup failed."""
    folder = tmp_path / "north"
    with kaizen.open(folder / "ledger.db") as shop:
        bench = shop.describe(mocha())
        brew(bench, 3.0, kelvin=371.15)
        brew(bench, 8.0, milling=12)
    return folder


@pytest.fixture
def south(tmp_path: Path) -> Path:
    """This team's ledger, with one process and no run."""
    where = tmp_path / "south" / "ledger.db"
    with kaizen.open(where) as shop:
        shop.describe(coffee())
    return where


def everything(folder: Path) -> dict[str, tuple[int, int]]:
    return {one.name: (one.stat().st_mtime_ns, one.stat().st_size) for one in folder.iterdir()}


# ── asked like an own process ─────────────────────────────────────────────────────────────────────────────────────────
def test_what_another_team_tried_is_said_in_the_nod(north: Path, south: Path) -> None:
    """In this one's names and units, with its ledger and process; and nothing is written there."""
    before = everything(north)
    with kaizen.open(south) as shop:
        assert shop["coffee"].consult(celsius=98.0).precedents == ()
        lent = shop.memory.attach(north, rename=BREW)
        assert str(lent) == f"north: mocha (4 runs), from {north / 'ledger.db'}; kelvin-273.15=celsius, milling=grind"
    with kaizen.open(south) as shop:
        nod = shop["coffee"].consult(celsius=98.0)
        assert nod.because.startswith(
            "in ledger north, process mocha: trial 1 against standard 1: celsius=98.0 (was 90.0) — worse"
        )
        assert nod.precedents[0].process == "mocha@north"
        assert nod.precedents[0].differs == ("in ledger north, process mocha",)
        assert (nod.answer, nod.left_out, nod.nods) == ("go", (), 0)  # another's odds are no odds of this ledger
        assert shop["coffee"].veteran().elsewhere == {"mocha@north": 2}
    assert everything(north) == before


def test_without_a_rename_only_shared_names_are_compared(north: Path, south: Path) -> None:
    """A parameter that nobody said to be the same is another one."""
    with kaizen.open(south) as shop:
        shop.memory.attach(north)
        assert shop["coffee"].consult(celsius=98.0).precedents == ()
        shop.memory.attach(north, rename=BREW)  # the same again, with its names
        assert len(shop.memory.lent()) == 1
        assert shop["coffee"].consult(celsius=98.0).precedents != ()
        shop.memory.attach(north)
        assert shop["coffee"].consult(celsius=98.0).precedents == ()


def test_what_another_team_learned_is_found(north: Path, south: Path) -> None:
    """By this one's parameter, in the other's own sentence."""
    with kaizen.open(south, memory=[kaizen.Attachment(name="north", path=str(north), rename=BREW)]) as shop:
        found = shop["coffee"].learnt_elsewhere(parameter="celsius")
        assert [one.lesson.text.split(" ")[0] for one in found["mocha@north"]] == ["kelvin=371.15"]
        assert shop["coffee"].learnt_elsewhere(parameter="grind") == {}
        assert shop["coffee"].learnt_elsewhere("never") == {}
    assert not (south.parent / "ledger.attached.toml").exists()


def ovens(ledger: Any, name: str, heat: str, shift: float, runs: int) -> Any:
    process = Process(
        name=name,
        parameters=(Real(name=heat, low=150 + shift, high=290 + shift), Real(name="minutes", low=10, high=60),
                    Choice(name="rack", values=("low", "middle", "top"))),
        metrics=(lower("burnt", worthwhile=0.02, exact=True),),
        standard=Setting({heat: 170.0 + shift, "minutes": 50.0, "rack": "low"}),
        policy=Policy(changes=3),
    )  # fmt: skip
    bench = ledger.describe(process)
    for _ in range(runs):
        run = bench.ask()
        off, late = (run.setting[heat] - shift - 228) / 40, (run.setting["minutes"] - 27) / 12
        bench.tell(run, burnt=1 + off**2 + late**2 + 0.5 * (run.setting["rack"] != "middle"))
    return bench


def test_the_planner_follows_what_another_team_tried(tmp_path: Path) -> None:
    """Its scouts come from there, in this one's unit; and a switch in the policy keeps them out."""
    with kaizen.open(tmp_path / "north" / "ledger.db") as shop:
        ovens(shop, "line_a", "kelvin", 273.15, 30)
    with kaizen.open(tmp_path / "south" / "ledger.db", memory=[tmp_path / "north"]) as shop:
        bench = ovens(shop, "line_b", "celsius", 0.0, 0)
        assert [one.shared for one in kin(bench.wheel.memory(), bench.head)] == [2 / 3]
    with kaizen.open(tmp_path / "south" / "ledger.db") as shop:
        bench = ovens(shop, "line_b", "celsius", 0.0, 0)
        shop.memory.attach(tmp_path / "north", rename=["kelvin-273.15=celsius"])
        found = kin(bench.wheel.memory(), bench.head)
        assert [(one.processes, one.shared) for one in found] == [(("line_a@north",), 1.0)]
        assert all(150 <= setting["celsius"] <= 290 for setting in found[0].settings)
        bench = ovens(shop, "line_b", "celsius", 0.0, 6)
        assert [run.because.split(":")[0] for run in bench.runs][3] == "as in line_a@north"


# ── the file ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_what_is_attached_is_kept_and_taken_back(north: Path, south: Path) -> None:
    """In a plain file beside the ledger, which goes with the last of it; the record says nothing of it."""
    file = south.parent / "ledger.attached.toml"
    with kaizen.open(south) as shop:
        seq = shop["coffee"].head.seq
        shop.memory.attach(north, name="uphill", rename=["milling=grind"])
        assert load(file).ledgers == (
            Attachment(name="uphill", path=str(north / "ledger.db"), rename=("milling=grind",)),
        )
    with kaizen.open(south) as shop:
        assert [one.name for one in shop.memory.lent()] == ["uphill"]
        with pytest.raises(Undeclared, match="must be attached to be detached; got 'north'") as error:
            shop.memory.detach("north")
        assert error.value.hint == "attached are: uphill"
        shop.memory.detach("uphill")
        assert (shop.memory.lent(), shop["coffee"].veteran().elsewhere) == ((), {})
        assert shop["coffee"].head.seq == seq
        assert not file.exists()
        shop.memory.attach(north, name="kühl")
        assert [one.name for one in load(file).ledgers] == ["kühl"]


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("/teams/north/.kaizen/ledger.db", "north"), ("/code/bakery/.git/kaizen/line/ledger.db", "line"),
        ("/code/bakery/.git/kaizen/ledger.db", "bakery"), ("/mnt/south-east.db", "south_east"), ("/a/2024/ledger.db", "ledger_2024"),
    ],
)  # fmt: skip
def test_a_ledger_is_called_after_whose_it_is(place: str, name: str) -> None:
    """Its file's name where that says anything, else the folder's of its recipe."""
    assert name_of(Path(place)) == name


def test_what_cannot_be_attached_is_refused_and_nothing_kept(north: Path, south: Path, tmp_path: Path) -> None:
    """This ledger itself, a copy of it, one twice, a taken name, no ledger, a name that is none, renames that cannot be."""
    shutil.copy(south, tmp_path / "copy.db")
    (tmp_path / "text.db").write_text("no ledger", encoding="utf-8")
    with kaizen.open(south) as shop:
        shop.memory.attach(north)

        def refused(kind: type[KaizenError], match: str, *given: Any, **more: Any) -> None:
            with pytest.raises(kind, match=match):
                shop.memory.attach(*given, **more)

        refused(Clash, "which is this one or a copy of it", south)
        refused(Clash, "which is this one or a copy of it", tmp_path / "copy.db")
        refused(Clash, "which is attached as north", north, name="again")
        refused(Malformed, "must be a Kaizen ledger", tmp_path / "text.db")
        refused(Stuck, "must be there; got nothing", tmp_path / "nowhere")
        refused(Malformed, "name must be letters", north, name="no-name")
        refused(Undeclared, "a parameter there; got 'mill'", north, rename=["mill=grind"])
        with kaizen.open(tmp_path / "other.db"):
            refused(Clash, "got 'north', which", tmp_path / "other.db", name="north")
        assert [one.name for one in shop.memory.lent()] == ["north"]


def test_an_empty_ledger_may_be_attached_and_fill_later(south: Path, tmp_path: Path) -> None:
    """A team that begins tomorrow: its first runs are seen without attaching it again."""
    with kaizen.open(south) as shop, kaizen.open(tmp_path / "west" / "ledger.db") as west:
        assert str(shop.memory.attach(tmp_path / "west")).startswith("west: no process yet")
        assert shop["coffee"].veteran().elsewhere == {}
        brew(west.describe(coffee()), 3.0, celsius=98.0)
        assert shop["coffee"].veteran().elsewhere == {"coffee@west": 2}
        assert "in ledger west, process coffee" in shop["coffee"].consult(celsius=98.0).because


# ── never in the way ──────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("how", ["gone", "another file", "later", "no permission"])
def test_what_cannot_be_read_is_left_out_and_said(north: Path, south: Path, how: str) -> None:
    """The nod answers, the wheel turns, and both say what is missing; once it is back, it counts again."""
    with kaizen.open(south) as shop:
        shop.memory.attach(north, rename=BREW)
    ledger, kept = north / "ledger.db", north.parent / "kept.db"
    ledger.rename(kept)
    if how == "another file":
        ledger.write_text("something else", encoding="utf-8")
    elif how == "later":
        content = bytearray(kept.read_bytes())
        content[60:64] = (99).to_bytes(4, "big")  # where SQLite keeps user_version
        ledger.write_bytes(content)
    elif how == "no permission":
        if os.geteuid() == 0:
            pytest.skip("root may read everything")
        shutil.copy(kept, ledger)
        ledger.chmod(0)
    with kaizen.open(south) as shop:
        bench = shop["coffee"]
        nod = bench.consult(celsius=98.0)
        assert (nod.answer, nod.precedents) == ("go", ())
        (said,) = nod.left_out
        assert said.startswith("ledger north is left out: ")
        assert f"memory     {said}" in nod.lines()
        assert bench.veteran().left_out == nod.left_out
        assert bench.ask().setting  # the wheel turns
        assert "is left out" in str(shop.memory.lent()[0])
    ledger.unlink(missing_ok=True)
    kept.rename(ledger)
    with kaizen.open(south) as shop:
        nod = shop["coffee"].consult(celsius=98.0)
        assert (nod.left_out, nod.precedents[0].process) == ((), "mocha@north")


def test_one_that_goes_and_comes_back_while_it_is_open(north: Path, south: Path) -> None:
    """It is left out from one question to the next, looked at again after a while, and nothing of it is half remembered."""
    now = [0.0]
    with kaizen.open(south) as shop:
        shop.memory.attach(north, rename=BREW)
        guarded = shop.memory._borrowed["north"].memory
        guarded._monotonic = lambda: now[0]  # type: ignore[attr-defined]
        first = shop["coffee"].consult(celsius=98.0)
        (north / "ledger.db").rename(north / "away")
        assert shop["coffee"].consult(celsius=98.0).left_out
        (north / "away").rename(north / "ledger.db")
        assert shop["coffee"].consult(celsius=98.0).left_out  # not asked every time
        now[0] += 61.0
        assert shop["coffee"].consult(celsius=98.0) == first


def test_who_has_it_open_follows_what_others_attach(north: Path, south: Path) -> None:
    """A server that runs for days: what a command attaches or renames counts from then on, for benches at hand, too."""
    with kaizen.open(south) as shop, kaizen.open(south) as other:
        bench = shop["coffee"]
        assert bench.consult(celsius=98.0).precedents == ()
        other.memory.attach(north, rename=BREW)
        assert bench.consult(celsius=98.0).precedents[0].process == "mocha@north"
        other.memory.detach("north")
        other.describe(mocha())
        other.memory.rename("coffee", ["celsius+273.15=kelvin", "grind=milling"])
        brew(bench, 3.0, celsius=98.0)
        assert bench.consult(celsius=98.0).answer == "failed_before"
        assert shop["mocha"].consult(kelvin=371.15).precedents[0].process == "coffee"


def test_a_file_that_somebody_broke_stops_nothing_and_is_not_overwritten(north: Path, south: Path) -> None:
    """What is left out is said; the file is for people to mend."""
    file = south.parent / "ledger.attached.toml"
    file.write_text("[ledger.north\n", encoding="utf-8")
    with kaizen.open(south) as shop:
        assert "what is attached is left out" in shop["coffee"].consult(celsius=98.0).left_out[0]
        with pytest.raises(Malformed, match="what is attached is left out"):
            shop.memory.attach(north)
    file.write_text(f'[ledger.north]\npath = "{north / "ledger.db"}"\nrename = ["oops"]\n', encoding="utf-8")
    with kaizen.open(south) as shop:
        assert "ledger north is left out: a rename must be" in shop["coffee"].consult(celsius=98.0).left_out[0]
    file.write_text("[ledger.north]\nwhere = 3\n", encoding="utf-8")
    with kaizen.open(south) as shop:
        assert "must tell of ledgers" in shop["coffee"].consult(celsius=98.0).left_out[0]


def test_a_policy_without_memory_opens_nobodys_ledger(north: Path, south: Path) -> None:
    """A run is asked for and told without a look at anybody else's."""
    with kaizen.open(south) as shop:
        shop.memory.attach(north)
    with kaizen.open(south) as shop:
        bench = shop.describe(coffee(memory=False))
        bench.tell(bench.ask(), taste=6.0)
        assert shop.memory._borrowed["north"].memory._ledger is None  # type: ignore[attr-defined]


# ── in Python, and of own processes ───────────────────────────────────────────────────────────────────────────────────
def test_memory_may_be_given_for_once(north: Path, tmp_path: Path) -> None:
    """By place or with a name and renames; a ledger in memory may have some, too. What is missing is left out."""
    given: list[Any] = [north, Attachment(name="gone", path=str(tmp_path / "gone.db"))]
    with kaizen.open("memory:", memory=given) as shop:
        shop.describe(coffee())
        assert shop["coffee"].consult(celsius=98.0).left_out[0].startswith("ledger gone is left out: ")
        assert [one.name for one in shop.memory.lent()] == ["north", "gone"]
        with pytest.raises(Stuck, match="must be a file; got memory:"):
            shop.memory.attach(north)
    with pytest.raises(Clash, match="got 'north' twice"):
        kaizen.open("memory:", memory=[north, north])
    with pytest.raises(Malformed, match="must be there=here"):
        kaizen.open("memory:", memory=[Attachment(name="a", path="a", rename=("b",))])


def test_what_is_given_stays_when_it_is_detached(north: Path, south: Path) -> None:
    """The file forgets it; whoever opened the ledger with it still has it, and is told why."""
    with kaizen.open(south) as shop:
        shop.memory.attach(north, rename=BREW)
    with kaizen.open(south, memory=[north]) as shop:
        shop.memory.detach("north")
        assert [one.name for one in shop.memory.lent()] == ["north"]
        with pytest.raises(Undeclared, match="got 'north'") as error:
            shop.memory.detach("north")
        assert error.value.hint == "the recipe, or whoever opened the ledger, names it"
    assert not (south.parent / "ledger.attached.toml").exists()


def test_own_processes_may_call_one_thing_by_two_names(tmp_path: Path) -> None:
    """Each sees the other's trials in its own words; taken back, they are strangers again."""
    with kaizen.open(tmp_path / "ledger.db") as shop:
        bench = shop.describe(mocha())
        brew(bench, 3.0, kelvin=371.15)
        shop.describe(coffee())
        assert shop["coffee"].consult(celsius=98.0).precedents == ()
        assert shop.memory.rename("mocha", BREW) == tuple(BREW)
    with kaizen.open(tmp_path / "ledger.db") as shop:
        assert (
            shop["coffee"]
            .consult(celsius=98.0)
            .because.startswith("in mocha, trial 1 against standard 1: celsius=98.0 (was 90.0)")
        )
        brew(shop["coffee"], 2.0, celsius=85.0)
        seen = shop["mocha"].consult(kelvin=358.15)
        assert seen.precedents[0].said.startswith("trial 1 against standard 1: kelvin=358.15 (was 363.15)")
        assert seen.precedents[0].process == "coffee"
        with pytest.raises(Undeclared, match="got 'tea'"):
            shop.memory.rename("tea", [])
        with pytest.raises(Undeclared, match="a parameter here; got 'gind'"):
            shop.memory.rename("mocha", ["milling=gind"])
        assert shop["mocha"].consult(kelvin=371.15).answer == "failed_before"  # itself it knows by its own names
        shop.memory.rename("mocha", [])
        assert (shop["coffee"].consult(celsius=98.0).precedents, shop.memory.here) == ((), {})


def test_a_bench_of_its_own_has_its_ledgers_memory(tmp_path: Path) -> None:
    """Whoever makes a workshop on a ledger of their own gets what it had before: itself."""
    from kaizen.ledgers.memory import MemoryLedger

    shop = Workshop(MemoryLedger(), root=tmp_path)
    brew(shop.describe(coffee()), 3.0, celsius=98.0)
    assert shop["coffee"].consult(celsius=98.0).answer == "failed_before"
    assert isinstance(shop.memory, Memories)
