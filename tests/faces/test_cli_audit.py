"""The audit at the command line: an answer a question, a document for programs, and a status for scripts."""

import json
from pathlib import Path
from typing import Any

import pytest

from kaizen.faces.cli import main

RECIPE = """
[process.coffee.metric]
taste = { better = "higher", scale = "difference", worthwhile = 0.5 }

[process.coffee.standard]
grind = 8

[process.coffee.may]
grind = "1..20"
"""


@pytest.fixture
def coffee(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prove one increment of coffee."""
    (tmp_path / "kaizen.toml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    assert main(["propose", "coffee", "grind=11", "--because", "finer", "--by", "ana"]) == 0
    for number in range(14):
        assert main(["ask", "coffee", "--by", "ana", "--json"]) == 0
        taste = 7 + number / 10 if _asked(tmp_path, number + 1) == 11 else 5 + number / 10
        assert main(["tell", "coffee", str(number + 1), f"taste={taste}", "--by", "ana"]) == 0


def _asked(folder: Path, number: int) -> Any:
    import kaizen

    with kaizen.open(folder / ".kaizen" / "ledger.db") as shop:
        return next(run.setting["grind"] for run in shop["coffee"].head.runs if run.id == number)


def test_it_answers_five_questions_for_people_and_for_programs(
    coffee: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """With status 0 where all is well."""
    capsys.readouterr()
    assert main(["audit", "coffee", "--flips", "20"]) == 0
    out = capsys.readouterr().out
    assert [line.split()[:2] for line in out.splitlines() if line.startswith(("yes", "NO"))] == [
        ["yes", "designs"], ["yes", "coins"], ["yes", "verdicts"], ["yes", "flips"], ["yes", "nulls"],
    ]  # fmt: skip
    assert "7 pairs ran in the order of their coins" in out
    assert main(["audit", "coffee", "--flips", "20", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["sound"], len(document["answers"]), document["watched"]) == (True, 5, 0)


def test_a_record_that_does_not_hold_has_status_one(
    coffee: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A judge that says something else of the same pairs is told by name."""
    from kaizen.judges.paired import PairedJudge

    capsys.readouterr()
    honest = PairedJudge.check

    def other(self: Any, trial: Any, *, intervals: bool = True) -> Any:
        import msgspec

        return msgspec.structs.replace(honest(self, trial, intervals=intervals), decision="worse")

    monkeypatch.setattr(PairedJudge, "check", other)
    assert main(["audit", "coffee", "--flips", "1"]) == 1
    assert "NO   verdicts  the verdict on trial 1 does not come again from its pairs" in capsys.readouterr().out
