"""``kaizen explain`` and what reports tell of it."""

import json
import random
import sys
from pathlib import Path

import pytest

from kaizen.faces.cli import main
from kaizen.recipes import toml
from kaizen.workshop import open_workshop

RECIPE = """
[process.coffee]
[process.coffee.metric]
taste = { better = "higher", scale = "difference", worthwhile = 0.5, unit = "points" }
[process.coffee.standard]
grind = 8
celsius = 90.0
[process.coffee.may]
grind = "1..20"
celsius = "80.0..99.0"
[process.coffee.policy]
planner = "steps"
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a recipe and a ledger of thirty cups; the finer, the sweeter."""
    monkeypatch.chdir(tmp_path)
    Path("kaizen.toml").write_text(RECIPE, encoding="utf-8")
    chance = random.Random(7)
    with open_workshop() as workshop:
        bench = workshop.describe(toml.read(Path("kaizen.toml"))[0])
        for _ in range(30):
            setting = {"grind": chance.randint(1, 20), "celsius": round(chance.uniform(80, 99), 1)}
            bench.report_run(setting, {"taste": setting["grind"] / 4 + chance.gauss(0, 0.1)}, source="notes")
    return tmp_path


def test_it_says_what_drives_each_metric(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Shares, what promises most, and what is expected along each parameter."""
    assert main(["explain", "coffee"]) == 0
    said = capsys.readouterr().out
    for words in (
        "What drives coffee, around standard 1",
        "taste (higher is better)",
        "from 30 runs",
        "grind",
        "(today)",
    ):
        assert words in said


def test_its_document_is_the_explanation(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Programs get every number."""
    assert main(["explain", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [*document] == ["process", "explanation"]
    made = document["explanation"]
    first = ["number", "standard", "runs", "faults", "drivers", "hazards"]
    assert [*made] == [*first, "remembered", "contribution", "unvaried"]
    assert made["standard"] == {"celsius": 90.0, "grind": 8}
    (taste,) = made["drivers"]
    assert [*taste] == ["metric", "runs", "settings", "skill", "unknown", "today", "shares", "slices", "landscape"]
    assert [*taste["shares"][0]] == ["parameter", "share", "low", "high", "alone"]
    assert taste["shares"][0]["parameter"] == "grind"
    assert [*taste["slices"][0]] == ["parameter", "base", "spots", "step", "near"]
    assert [*taste["slices"][0]["spots"][0]] == ["value", "low", "middle", "high", "allowed"]
    assert len(taste["slices"][0]["spots"]) == 20
    assert [*taste["slices"][0]["step"]] == ["value", "gain", "low", "high"]


def test_before_any_reading_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing to explain is no error."""
    monkeypatch.chdir(tmp_path)
    Path("kaizen.toml").write_text(RECIPE, encoding="utf-8")
    assert main(["explain", "coffee"]) == 2  # no ledger yet
    assert main(["ask", "coffee", "--by", "ana"]) == 0
    capsys.readouterr()
    assert main(["explain", "coffee"]) == 0
    assert "nothing can be explained yet: no run" in capsys.readouterr().out
    assert main(["explain", "coffee", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"process": "coffee", "explanation": None}


def test_the_page_and_the_summary_tell_it(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One file for people, or plain text."""
    assert main(["report", "-o", "page.html"]) == 0
    assert "What drives it?" in Path("page.html").read_text(encoding="utf-8")
    capsys.readouterr()
    assert main(["report", "--text"]) == 0
    said = capsys.readouterr().out
    assert "What drives it, by a model" in said
    assert "grind" in said
    assert main(["report", "--text", "-o", "page.txt"]) == 0
    assert "What drives it" in Path("page.txt").read_text(encoding="utf-8")


def test_without_numpy_it_says_how_to_get_it(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command that needs the extra names it; the page is written all the same."""
    for name in [name for name in sys.modules if name.startswith("kaizen.planners.model")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "kaizen.planners.model", None)
    assert main(["explain", "coffee"]) == 2
    assert "pip install numpy scipy" in capsys.readouterr().err
    assert main(["report", "-o", "page.html"]) == 0
    assert "pip install numpy scipy" in Path("page.html").read_text(encoding="utf-8")
