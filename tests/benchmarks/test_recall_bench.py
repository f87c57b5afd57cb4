"""The bench of recall: it measures what it says, and ends with status 1 where a promise is broken."""

import random

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


def test_many_runs_are_taken_from_a_shelf(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Another process remembers them; memory is told in parts, and the ten nearest are those of a plain scan."""
    monkeypatch.setattr(recall, "_PLAIN", 2000)
    monkeypatch.setattr(recall, "BEYOND", dict.fromkeys(recall.BEYOND, 1e6))
    assert recall.main(["--runs", "3000", "--questions", "30"]) == 0
    said = capfd.readouterr().out.splitlines()
    assert said[1].startswith("remembered in ")
    assert said[2].startswith("taken from the shelf in ")
    assert said[3].startswith("no index: every run is looked at (from 2,000,000 on, ")
    assert [line.split()[0] for line in said[4:]] == ["exact", "alike", "near", "after", "odds", "after", "recall"]
    assert said[-1] == "recall of the ten nearest: 1.000"


def test_columns_are_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that are drawn as columns are half around the same settings, one in fifty of the standard, a few faults."""
    monkeypatch.setattr(recall, "_PLAIN", 100)
    monkeypatch.setattr(recall, "_CHUNK", 100)
    kept = recall.remember(recall.sample(), 5000, 7)
    assert kept.past.count == 5000
    assert len(kept.same(kept.process.standard, 5000)) == 100
    assert 0.03 < (kept.past.field("became") > 0).mean() < 0.07
    middle = recall.setting(random.Random(7), ())  # the first that runs are drawn around
    assert 35 < sum(one.distance < 0.5 for one in kept.near(middle, 5000)) < 65
