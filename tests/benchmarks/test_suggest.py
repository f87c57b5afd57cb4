"""The cost of a suggestion: every method sees the same runs, and what is absent or broken is one sentence."""

from collections import Counter

import pytest

pytest.importorskip("numpy", reason="the planner needs numpy")
pytest.importorskip("scipy", reason="the planner needs scipy")

from benchmarks.suggest import __main__ as suggest
from benchmarks.suggest import driver


def test_every_method_is_told_the_same_runs():
    """By chance from one seed, within the space; more runs begin with the fewer."""
    few, many = driver.runs(20), driver.runs(50)
    assert many[:20] == few
    for setting, loss in many:
        assert loss == driver.loss(setting) >= 0.05
        assert 0.0 <= setting["x1"] <= 1.0
        assert 1e-5 <= setting["rate"] <= 1.0
        assert setting["depth"] in range(1, 13)


def test_ours_is_asked_and_told():
    """Each warm suggestion has a figure of its own; the first stands apart."""
    found = driver.measure("kaizen", 12, 2)
    assert len(found["each"]) == 2
    assert found["first"] > 0.0


def test_a_fresh_process_says_what_it_measured():
    """The driver runs by its path and imports nothing of the bench."""
    found = suggest.drive("kaizen", 5, 0)
    assert found.keys() == {"ready", "first", "each"}
    assert found["each"] == []


def test_limits_are_on_ours_alone():
    """A sentence for each that is not kept: the seconds, and the tenth of Ax."""
    assert suggest.broken({("kaizen", 50): [0.04], ("ax", 50): [0.5], ("tpe", 200): [9.0]}) == []
    slow = suggest.broken({("kaizen", 50): [0.2], ("ax", 50): [0.5]})
    assert [sentence.split("must take ")[1][:7] for sentence in slow] == ["at most", "a tenth"]
    table = suggest.warm_table({("kaizen", 50): [0.02, 0.06], ("ax", 50): [0.8]})
    assert table.body[0] == ["kaizen", "50", "0.0400", "0.0400", "0.0600", "0.05", "20"]


def test_a_peer_without_its_environment_is_left_out(tmp_path, monkeypatch, capsys):
    """The others are measured all the same; a method nobody knows is refused."""
    monkeypatch.setenv("KAIZEN_BENCH_PEERS", str(tmp_path))
    monkeypatch.setattr(suggest, "_NEEDS", {"ax": ("no_such_module",)})
    monkeypatch.setattr(suggest, "packages", lambda environment: Counter({"numpy 2.0": 60_000_000, "torch 2.0": 1}))
    monkeypatch.setattr(
        suggest, "drive", lambda method, told, count: {"ready": 0.1, "first": 0.1, "each": [0.01] * count}
    )
    assert suggest.main(["--methods", "kaizen,ax", "--count", "2"]) == 0
    said = capsys.readouterr()
    assert "left out: ax needs" in said.err
    assert "60" in next(line for line in said.out.splitlines() if line.startswith("numpy and scipy")).split()
    assert suggest.main(["--methods", "magic"]) == 2


def test_a_driver_that_breaks_is_one_sentence(monkeypatch, tmp_path, capsys):
    """With the last thing that it said."""
    monkeypatch.setattr(suggest, "_DRIVER", tmp_path / "absent.py")
    assert suggest.main(["--methods", "kaizen"]) == 2
    assert "kaizen must answer after 5 runs" in capsys.readouterr().err
