"""Ledgers of others at the command line: attached, asked, carried over from, and said where they cannot be read."""

from pathlib import Path
from typing import Any

import pytest

import kaizen
from kaizen.workshop.borrowing import load
from tests.faces.said import Shell, shell

METRIC = 'taste = { better = "higher", scale = "difference", worthwhile = 0.5, exact = true }'
NORTH = f"""
[process.mocha.metric]
{METRIC}
[process.mocha.standard]
milling = 8
kelvin = 363.15
[process.mocha.may]
milling = "1..20"
kelvin = "353.15..372.15 K"
"""
SOUTH = f"""
[process.coffee.metric]
{METRIC}
[process.coffee.standard]
grind = 8
celsius = 90.0
[process.coffee.may]
grind = "1..20"
celsius = "80.0..99.0 degC"
"""
RENAMES = ("--rename", "milling=grind", "--rename", "kelvin-273.15=celsius")


@pytest.fixture
def north(tmp_path: Path) -> Path:
    """Another team: a finer milling was proven, a hotter cup failed."""
    folder = tmp_path / "north"
    folder.mkdir()
    (folder / "kaizen.toml").write_text(NORTH, encoding="utf-8")
    with kaizen.open(folder / ".kaizen" / "ledger.db", root=folder) as shop:
        bench = shop.describe(kaizen.read(folder / "kaizen.toml")[0])
        for changes, taste in (({"kelvin": 371.15}, 3.0), ({"milling": 12}, 8.0)):
            after = bench.propose(changes, because="why not").increment.after
            for run in bench.ask(n=2):
                bench.tell(run, taste=taste if run.setting == after else 6.0)
    return folder


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Run command lines in this team's folder."""
    folder = tmp_path / "south"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path("kaizen.toml").write_text(SOUTH, encoding="utf-8")
    return shell(capsys)


def test_a_ledger_is_attached_by_the_folder_of_its_recipe(north: Path, call: Shell) -> None:
    """Listed, as a document, too; asked in the nod; detached again. Nothing is written there."""
    before = {one: one.stat().st_mtime_ns for one in (north / ".kaizen").iterdir()}
    said = call("memory", "--attach", "../north", *RENAMES)
    told = f"north: mocha (4 runs), from {north / '.kaizen' / 'ledger.db'}; milling=grind, kelvin-273.15=celsius\n"
    assert said.out.replace("\n  ", " ") == told
    (one,) = call("memory", "--json").document["attached"]
    assert (one["name"], one["processes"], one["left_out"]) == ("north", {"mocha": 4}, "")
    nod = call("nod", "coffee", "celsius=98")
    assert "in ledger north, process mocha" in nod.out
    assert "celsius=98.0 (was 90.0) — worse" in nod.out
    assert call("memory", "--detach", "north").out.startswith("north is detached; nothing was written there\n")
    assert "no other ledger is attached" in call("memory").out
    assert "nothing like it has been tried" in call("nod", "coffee", "celsius=98").out
    assert {one: one.stat().st_mtime_ns for one in (north / ".kaizen").iterdir()} == before


def test_lessons_everywhere(north: Path, call: Shell) -> None:
    """Those of other processes stand under their names, found by this one's parameters; as a document, too."""
    call("memory", "--attach", str(north), *RENAMES)
    assert call("lessons", "coffee").out == "nothing is written down yet\n"
    said = call("lessons", "coffee", "--everywhere", "--parameter", "celsius")
    assert said.out.startswith("in ledger north, process mocha:\n   1  kelvin=371.15 (was 363.15) — worse")
    found = call("lessons", "coffee", "--everywhere", "--json").document["elsewhere"]
    assert [one["parameters"] for one in found["mocha@north"]] == [["celsius"]]
    (north / ".kaizen" / "ledger.db").unlink()
    assert "ledger north is left out" in call("lessons", "coffee", "--everywhere").out


def test_a_recipe_may_name_the_ledgers(north: Path, call: Shell) -> None:
    """Then they are attached wherever the recipe is, from the first question on."""
    lines = '[memory.uphill]\nledger = "../north"\nrename = ["milling=grind", "kelvin-273.15=celsius"]\n'
    Path("kaizen.toml").write_text(SOUTH + lines, encoding="utf-8")
    assert (
        "in ledger uphill, process mocha" in call("nod", "coffee", "celsius=98").out
    )  # before there is any ledger here
    call("voice", "coffee", "weak", "--by", "tom")
    assert call("memory").out.startswith("uphill: mocha (4 runs)")
    assert call("memory", "--attach", "../north").err.startswith("kaizen: a ledger must be attached once; got ")
    assert call("memory", "--detach", "uphill").err.endswith(
        "hint: the recipe, or whoever opened the ledger, names it\n"
    )
    assert not Path(".kaizen/ledger.attached.toml").exists()
    for bad, match in (
        ("[memory.uphill]\nrename = []\n", "kaizen.toml: memory.uphill: a ledger to remember from must have a place"),
        ('[memory.uphill]\nplace = "x"\n', "a key of it must be a known one; got 'place'"),
        ('[memory.uphill]\nledger = "../north"\nrename = ["a"]\n', "a rename must be there=here; got 'a'"),
        ('[memory.up-hill]\nledger = "../north"\n', "name must be letters, digits and _; got 'up-hill'"),
        ('[memory.me]\nledger = "."\n', "which is this one"),
    ):
        Path("kaizen.toml").write_text(SOUTH + bad, encoding="utf-8")
        said = call("show", "coffee")
        assert said.status == 2
        assert match in said.err


def test_names_of_own_processes_are_told(call: Shell, tmp_path: Path) -> None:
    """Two processes of one recipe that call one thing by two names."""
    Path("kaizen.toml").write_text(SOUTH + NORTH, encoding="utf-8")
    said = call("memory", "--of", "mocha", *RENAMES)
    assert "mocha: milling=grind, kelvin-273.15=celsius, to the other processes here" in said.out.replace("\n  ", " ")
    assert load(tmp_path / "south" / ".kaizen" / "ledger.attached.toml").here == {
        "mocha": ("milling=grind", "kelvin-273.15=celsius")
    }
    assert call("memory", "--of", "mocha").out == "no other ledger is attached: kaizen memory --attach PLACE\n"
    assert not Path(".kaizen/ledger.attached.toml").exists()


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (("--attach", "nowhere"), "must be there; got nothing"),
        (("--attach", "kaizen.toml"), "must be a Kaizen ledger"),
        (("--attach", "../north", "--rename", "kelvin=celsius"), "two units must say how they compare"),
        (("--attach", "../north", "--detach", "north"), "one of --attach, --detach and --of"),
        (("--as", "north"), "got --as alone"),
        (("--rename", "a=b"), "got --rename alone"),
        (("--detach", "north"), "must be attached to be detached"),
        (("--of", "tea", "--rename", "a=b"), "must be described before its names are told"),
    ],
)
def test_what_cannot_be_is_refused(north: Path, call: Shell, words: tuple[str, ...], match: str) -> None:
    """A sentence and a hint, status 2, and nothing attached."""
    assert north.exists()
    said = call("memory", *words)
    assert said.status == 2
    assert match in said.err
    assert not Path(".kaizen/ledger.attached.toml").exists()


def carry(call: Shell, *words: str) -> Any:
    return call("carry", "coffee", "--by", "ana", *words)


def test_what_is_proven_elsewhere_is_listed_and_carried_over(north: Path, call: Shell) -> None:
    """Shown with the command that proposes it; proposed once, with its nod; what is left says why."""
    assert carry(call).out == "nothing is proven elsewhere that coffee could take over\n"
    call("memory", "--attach", str(north), *RENAMES)
    because = "adopted in ledger north, process mocha as standard 2: taste +2 (exact) over 1 pair"
    shown = call("show", "coffee").out
    assert "Could be carried over\n" in shown
    assert "kaizen carry coffee proposes it" in shown
    assert call("show", "coffee", "--json").document["carried"] == [
        {"process": "mocha@north", "standard": 2, "changes": {"grind": 12}, "because": because, "left": ""}
    ]
    assert "could be carried over: grind=12, adopted in ledger north" in call("veteran").out.replace("\n  ", " ")
    said = carry(call).out
    assert said.startswith(f"Proposal 1 of coffee: grind=12 (was 8)\n  {because}")
    assert "veteran: go: in ledger north, process mocha: trial 2" in said.replace("\n    ", " ")
    again = carry(call, "--json").document
    assert (again["proposals"], [one["left"] for one in again["left"]]) == ([], ["proposal 1 waits for its trial"])
    assert "Could be carried over" not in call("show", "coffee").out
    assert "proven elsewhere: grind=12" in call("veteran").out


def test_a_recipe_says_whether_proofs_are_carried(north: Path, call: Shell) -> None:
    """On: the next run is of its trial; off: nothing is said, and nothing done."""
    lines = '[memory.north]\nledger = "../north"\nrename = ["milling=grind", "kelvin-273.15=celsius"]\n'
    Path("kaizen.toml").write_text(SOUTH + '[process.coffee.policy]\ncarry = "off"\n' + lines, encoding="utf-8")
    call("voice", "coffee", "weak", "--by", "tom")
    assert "Could be carried over" not in call("show", "coffee").out
    assert carry(call).status == 2
    Path("kaizen.toml").write_text(SOUTH + '[process.coffee.policy]\ncarry = "on"\n' + lines, encoding="utf-8")
    call("ask", "coffee", "--by", "ana")
    assert "trial 1" in call("show", "coffee").out.lower()
    assert "grind=12 (was 8)" in call("log").out
    Path("kaizen.toml").write_text(SOUTH + '[process.coffee.policy]\ncarry = "maybe"\n', encoding="utf-8")
    assert "policy carry must be one of off, ask, on; got 'maybe'" in call("show", "coffee").err
