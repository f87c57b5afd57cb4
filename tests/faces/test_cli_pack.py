"""Advice packs at the command line: made, attacked, attached, listed, and refused."""

import json
import random
from pathlib import Path

import pytest

import kaizen
from kaizen import Policy, Process, Setting, lower
from kaizen.ledger import Reported
from kaizen.parameter import Real, Switch
from kaizen.process import check_process
from kaizen.setting import Numbers
from kaizen.trial import Reading
from tests.faces.said import Shell, shell

OVEN = check_process(Process(
    name="line_a", parameters=(Real(name="celsius", low=150.0, high=290.0), Switch(name="steam")),
    metrics=(lower("burnt", scale="difference", worthwhile=0.02, exact=True),),
    standard=Setting(celsius=170.0, steam=False), policy=Policy(changes=2),
))  # fmt: skip


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """A shell in a folder with an owner's ledger and a partner's."""
    monkeypatch.chdir(tmp_path)
    rng = random.Random(1)
    with kaizen.open("north.db") as shop:
        bench, made = shop.describe(OVEN), []
        for number in range(1, 301):
            celsius, steam = rng.uniform(150, 290), rng.random() < 0.5
            value = 5.0 - celsius / 100.0 - steam
            made.append(
                Reported(
                    run=number,
                    setting=Setting(celsius=celsius, steam=steam),
                    outcome=Reading(values=Numbers(burnt=value)),
                    source="t",
                )
            )
        shop.ledger.append("line_a", made, by="me", after=bench.head.seq)
    with kaizen.open("south.db") as shop:
        shop.describe(OVEN)
    return shell(capsys)


def test_a_pack_is_made_attached_asked_listed_and_detached(at: Shell) -> None:
    """The whole way, from one ledger to another."""
    made = at("pack", "line_a", "-o", "north.json", "--ledger", "north.db", "--json")
    assert made.status == 0
    assert made.document["parameters"] == 2
    assert made.document["spent"] == {"line_a": made.document["epsilon"]}
    assert at("pack", "--ledger", "south.db").out == "no pack is attached: kaizen pack --attach FILE\n"
    assert (
        "nord speaks of 2 parameters"
        in at("pack", "--attach", "north.json", "--as", "nord", "--ledger", "south.db").out
    )
    nod = at("nod", "line_a", "celsius=280", "steam=true", "--ledger", "south.db", "--json").document["nod"]
    assert nod["packs"] == ["a pack of nord says: for it"]
    assert nod["precedents"] == []
    assert at("pack", "--ledger", "south.db", "--json").document["attached"][0]["given"] == 1
    assert "a pack of nord, which speaks of 2 of its parameters" in at("veteran", "line_a", "--ledger", "south.db").out
    assert at("pack", "--detach", "nord", "--ledger", "south.db").out.startswith("no pack is attached")


def test_the_owner_sees_what_packs_have_told_so_far(at: Shell) -> None:
    """The list names each process that was packed."""
    at("pack", "line_a", "-o", "north.json", "--epsilon", "0.1", "--ledger", "north.db")
    assert "packs of line_a have told of a run with ε 0.1 so far" in at("pack", "--ledger", "north.db").out


def test_an_audit_prints_all_attacks_and_finds_nothing_of_the_owner(at: Shell) -> None:
    """With the ledger its own runs are attacked, and its words looked for; without, made-up ones."""
    at("pack", "line_a", "-o", "north.json", "--ledger", "north.db")
    said = at("pack", "--audit", "north.json", "--against", "north.db", "--json")
    found = said.document
    assert said.status == 0
    assert found["against"] == ["line_a"]
    assert found["found"] == []
    assert found["shadow"] < 0.6
    assert found["worst"] <= found["bound"] <= 0.55
    assert min(found["errors"]) >= 0.1
    assert set(found["off"]) == {"celsius"}
    assert "a made-up process" in at("pack", "--audit", "north.json").out


def test_an_audit_that_finds_a_name_ends_with_a_status_of_one(at: Shell) -> None:
    """Named after its process, a pack carries that name."""
    at("pack", "line_a", "-o", "north.json", "--as", "line_a", "--ledger", "north.db")
    said = at("pack", "--audit", "north.json", "--against", "north.db")
    assert said.status == 1
    assert "found: line_a" in said.out


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("line_a",), "must have a file"),
        (("-o", "x.json"), "must be of one process"),
        (("--as", "x"), "got --as alone"),
        (("line_a", "-o", "x.json", "--rename", "a=b"), "got --rename alone"),
        (("--against", "north.db"), "got --against alone"),
        (("-o", "x.json", "--audit", "y.json"), "one of -o"),
        (("line_b", "-o", "x.json"), "must be described"),
        (("line_a", "-o", "x.json", "--epsilon", "0"), "epsilon must be"),
        (("line_a", "-o", "x.json", "--total", "0"), "total must be"),
        (("line_a", "-o", "no/x.json"), "must be a file that can be written"),
        (("--audit", "nowhere.json"), "must be a pack that can be read"),
        (("--audit", "broken.json"), "must be a pack, which is JSON"),
        (("--attach", "foreign.json"), "made by kaizen pack"),
        (("--attach", "newer.json"), "got form 99"),
        (("--detach", "nord"), "must be attached"),
    ],
)
def test_what_cannot_be_done_is_said_with_status_two(at: Shell, words: tuple[str, ...], what: str) -> None:
    """A sentence, never a traceback."""
    Path("broken.json").write_text("{", encoding="utf-8")
    Path("foreign.json").write_text("[1]", encoding="utf-8")
    Path("newer.json").write_text(json.dumps({"kaizen": "pack", "form": 99}), encoding="utf-8")
    said = at("pack", *words, "--ledger", "north.db")
    assert said.status == 2
    assert what in said.err
