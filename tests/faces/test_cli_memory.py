"""The veteran at the command line: nods, lessons, testimony and calibration, in words and as documents."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kaizen.faces.cli import main

RECIPE = """
[process.coffee.metric]
taste = { better = "higher", scale = "difference", worthwhile = 0.5, exact = true, unit = "points" }

[process.coffee.standard]
grind   = 8
celsius = 90.0

[process.coffee.may]
grind   = "1..20"
celsius = "80.0..99.0 degC"
"""

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def kaizen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run command lines in a folder with a recipe for hands."""
    monkeypatch.chdir(tmp_path)
    Path("kaizen.toml").write_text(RECIPE, encoding="utf-8")

    def call(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        return (main(list(words)), *capsys.readouterr())

    return call


def document(kaizen: Call, *words: str) -> Any:
    """Return the one document that a command answers."""
    status, out, _ = kaizen(*words, "--json")
    assert status == 0, out
    return json.loads(out)


def brew(kaizen: Call, change: str, taste: float) -> None:
    """Propose a change, and brew its pair: 6 for the standard, ``taste`` for the increment."""
    offer = document(kaizen, "propose", "coffee", change, "--because", "why not", "--by", "ana")
    after = offer["increment"]["after"]
    for run in document(kaizen, "ask", "coffee", "--by", "ana", "-n", "2")["runs"]:
        told = taste if run["setting"] == after else 6.0
        assert kaizen("tell", "coffee", str(run["run"]), f"taste={told}", "--seconds", "240")[0] == 0


def test_a_nod_in_words_and_as_a_document(kaizen: Call) -> None:
    """Evidence first, opinion last; a program gets all of it, effects in units of gain."""
    brew(kaizen, "grind=14", 4.0)
    _, out, _ = kaizen("nod", "coffee", "grind=14")
    lines = out.splitlines()
    assert lines[0].startswith("precedent  trial 1 against standard 1: grind=14 (was 8)")
    assert lines[-2].startswith("failed before: trial 1")
    assert max(map(len, lines)) <= 100
    nod = document(kaizen, "nod", "coffee", "grind=14")["nod"]
    assert (nod["answer"], nod["grade"], nod["calibrated"], nod["nods"]) == ("failed_before", "replicated", False, 1)
    assert 0 < nod["odds"]["better"] < 0.05
    assert (nod["effects"][0]["gain"], nod["effects"][0]["exact"]) == (-2.0, True)
    assert (nod["precedents"][0]["trial"], nod["precedents"][0]["distance"]) == (1, 0.0)
    assert nod["spend"] == {"runs": 2, "seconds": 480.0, "money": 0.0}


def test_lessons_by_word_and_parameter(kaizen: Call) -> None:
    """What they rest on and what contradicts them; people's words behind them."""
    brew(kaizen, "grind=14", 4.0)
    brew(kaizen, "celsius=95", 4.0)
    brew(kaizen, "grind=9", 8.0)
    kaizen("teach", "coffee", "never above 95", "--that", "celsius <= 95", "--by", "ana")
    every, grind = document(kaizen, "lessons", "coffee"), document(kaizen, "lessons", "coffee", "--parameter", "grind")
    assert [one["parameters"] for one in every["lessons"]] == [["grind"], ["celsius"]]
    assert [one["id"] for one in grind["lessons"]] == [1]
    assert grind["lessons"][0]["exceptions"] == ["trial 3 of standard 1: grind=9 (was 8) was better"]
    assert ([one["testimony"]["by"] for one in every["testimonies"]], grind["testimonies"]) == (["ana"], [])
    _, out, _ = kaizen("lessons", "coffee", "GRIND=14")
    assert "      rests on: trial 1, 1 pair, 2 runs, 480 s\n      but: trial 3" in out
    assert kaizen("lessons", "coffee", "--parameter", "celsius")[1].endswith(
        "ana says: never above 95 (right 0, wrong 0 so far)\n"
    )
    assert (
        kaizen("lessons", "coffee", "zebra", "--parameter", "grind")[1]
        == "nothing is written down about 'zebra' 'grind'\n"
    )


def test_a_lesson_is_retracted(kaizen: Call) -> None:
    """By name, with a reason; the nod tells of it, and no longer counts it."""
    brew(kaizen, "grind=14", 4.0)
    said = kaizen("retract", "coffee", "1", "it was jammed", "--by", "ana")
    assert said == (0, "Lesson 1 of coffee no longer holds: it was jammed\n", "")
    nod = document(kaizen, "nod", "coffee", "grind=14")["nod"]
    assert (nod["answer"], nod["grade"]) == ("go", "invalid")
    assert kaizen("lessons", "coffee")[1] == "nothing is written down yet\n"


def test_a_fresh_process_loads_no_arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is remembered, nothing heavy is needed to say so."""
    monkeypatch.chdir(tmp_path)
    Path("kaizen.toml").write_text(RECIPE, encoding="utf-8")
    code = "import sys; from kaizen.faces.cli import main; main(['nod', 'coffee', 'grind=9']); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["go: nothing like it has been tried in this process", "False"]


def test_teaching(kaizen: Call) -> None:
    """A region, a place, or words alone; written down, and heeded."""
    status, out, _ = kaizen(
        "teach", "coffee", "never above 95: it scalds", "--that", "celsius <= 95", "--confidence", "0.9", "--by", "ana"
    )
    assert (status, out) == (0, "Taught by ana: never above 95: it scalds (that celsius <= 95)\n")
    assert kaizen("teach", "coffee", "start there", "--near", "celsius=93, grind=9", "--by", "tom")[1] == (
        "Taught by tom: start there (near celsius=93.0, grind=9)\n"
    )
    made = document(kaizen, "teach", "coffee", "rinse first", "--by", "tom")
    assert (made["testimony"]["id"], made["testimony"]["that"], made["testimony"]["near"]) == (3, "", {})
    nod = document(kaizen, "nod", "coffee", "celsius=97")["nod"]
    assert nod["answer"] == "think_again"
    assert nod["because"] == "ana says: never above 95: it scalds (right 0, wrong 0 so far)"
    assert "never above 95: it scalds (that celsius <= 95; confidence 0.9)" in kaizen("log", "coffee")[1]


def test_what_the_veteran_knows_and_its_calibration(kaizen: Call) -> None:
    """Counts, discounts, words; bins with the odds that were given and what happened."""
    brew(kaizen, "grind=14", 4.0)
    assert "known outcome" not in kaizen("veteran", "coffee")[1]
    out = kaizen("veteran", "coffee", "--calibration")[1]
    assert "1 nod with a known outcome (uncalibrated: 200 are needed to tell)" in " ".join(out.split())
    assert out.splitlines()[-1].split() == ["37%", "to", "37%", "1", "37%", "0%"]
    known = document(kaizen, "veteran", "--calibration")
    assert (known["runs"], known["trials"], known["calibration"]["nods"]) == (2, 1, 1)
    assert known["calibration"]["bins"][0]["odds"] == pytest.approx(0.374, abs=0.001)
    assert set(known["discounts"]) == {"moved", "knob", "conditions", "other"}


def test_nothing_is_known_yet(kaizen: Call) -> None:
    """A ledger without runs is no error; one that is not there is."""
    status, _, err = kaizen("veteran", "coffee")
    assert (status, "a ledger must be there to be looked at" in err) == (2, True)
    kaizen("voice", "coffee", "hm", "--by", "tom")
    assert kaizen("veteran", "coffee", "--calibration")[1].endswith("let its trial come to its end\n")
    assert kaizen("lessons", "coffee")[1] == "nothing is written down yet\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["teach", "coffee", "x", "--that", "mill < 3", "--by", "a"], "constraint 'mill < 3' must speak of declared parameters only; got mill"),
        (["teach", "coffee", "x", "--that", "celsius <", "--by", "a"], "a constraint must be an expression over parameters; got 'celsius <'"),
        (["teach", "coffee", "x", "--near", "celsius", "--by", "a"], "a value must be written name=value; got 'celsius'"),
        (["teach", "coffee", "x", "--near", "celsius=300", "--by", "a"], "celsius must be a number from 80 to 99 degC; got '300'"),
        (["teach", "coffee", "x", "--confidence", "2", "--by", "a"], "a confidence must be above 0 and below 1; got 2.0"),
        (["teach", "coffee", "x", "--confidence", "very", "--by", "a"], "kaizen teach: argument --confidence: must be a number"),
        (["teach", "coffee", " ", "--by", "a"], "a testimony must be told in words; got none"),
        (["teach", "coffee", "x"], "kaizen teach: the following arguments are required: --by"),
        (["teach", "tea", "x", "--by", "a"], "a process must be described before it is used; got 'tea'"),
        (["lessons", "coffee", "--parameter", "mill"], "a parameter of coffee must be one of grind, celsius; got 'mill'"),
        (["retract", "coffee", "9", "x", "--by", "a"], "a lesson of coffee must be one that there is, and there is none yet; got 9"),
        (["veteran", "tea"], "a process must be described before it is used; got 'tea'"),
    ],
)  # fmt: skip
def test_every_mistake_is_a_sentence(kaizen: Call, words: list[str], sentence: str) -> None:
    """Status 2, nothing on stdout; as a document with --json."""
    kaizen("voice", "coffee", "hm", "--by", "tom")
    status, out, err = kaizen(*words)
    assert (status, out) == (2, "")
    assert sentence in err.splitlines()[0]
    status, out, err = kaizen(*words, "--json")
    assert (status, err, set(json.loads(out))) == (2, "", {"error", "hint", "exit_status"})


def test_what_is_different_is_asked_for_and_told_of(kaizen: Call) -> None:
    """By the policy, with how to mend it; then it stands in the proposal, under the lesson and in the log."""
    recipe = Path("kaizen.toml")
    recipe.write_text(RECIPE + "\n[process.coffee.policy]\nreasons = true\n", encoding="utf-8")
    brew(kaizen, "grind=14", 4.0)
    asked = ["propose", "coffee", "grind=14", "--because", "again", "--by", "ana"]
    status, out, err = kaizen(*asked)
    assert (status, out) == (2, "")
    assert "must say what is different now; got nothing, though failed before: trial 1" in err
    assert '--different "the flux was changed"' in err
    out = kaizen(*asked, "--different", "a new burr")[1]
    assert out.splitlines()[-1] == "  different: a new burr"
    assert "(again; different: a new burr)" in kaizen("log", "coffee")[1]
    for run in document(kaizen, "ask", "coffee", "--by", "ana", "-n", "2")["runs"]:
        taste = 4.0 if run["setting"]["grind"] == 14 else 6.0
        assert kaizen("tell", "coffee", str(run["run"]), f"taste={taste}")[0] == 0
    (first, second) = document(kaizen, "lessons", "coffee")["lessons"]
    assert first["again"] == ["trial 2 of standard 1: grind=14 (was 8) — worse, though: a new burr"]
    assert (first["exceptions"], first["repealed"], second["again"]) == ([], "", [])
    assert "a new burr" in kaizen("show", "coffee", "--trial", "2")[1]
