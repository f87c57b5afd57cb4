"""The bench of recall: it measures what it says, and ends with status 1 where a promise is broken."""

import pytest

pytest.importorskip("numpy", reason="recall needs numpy")

from benchmarks import recall


def test_it_measures_and_judges(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Every level is a line; the ten nearest are those of a plain scan; a broken promise is a sentence."""
    words = ["--runs", "3000", "--questions", "30"]
    monkeypatch.setattr(recall, "MOST", dict.fromkeys(recall.MOST, 1e6))
    assert recall.main(words) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("recall: ")
    assert [line.split()[0] for line in said[2:6]] == ["exact", "alike", "near", "odds"]
    assert said[6].startswith("models made of 10 kin and own runs")
    assert said[7].startswith("models p50")
    assert said[8] == "recall of the ten nearest: 1.000"
    monkeypatch.setattr(recall, "MOST", dict.fromkeys(recall.MOST, 0.0))
    assert recall.main(words) == 1
    assert "exact must take at most 0 ms; got " in capsys.readouterr().err
