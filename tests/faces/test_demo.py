"""The demo really measures, and says honestly what it found in the time it had."""

import os
from pathlib import Path

import pytest

from kaizen.faces.cli import demo
from kaizen.workshop import open_workshop

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="functions are called in a forked process")


def test_the_demo_improves_both_plants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both wheels turn on real readings, both reports are written, and a second demo goes on."""
    monkeypatch.setattr(demo, "_WALL", {"sources": 2.0, "binaries": 2.0})
    answer = demo.run(folder=tmp_path / "demo")
    said = capsys.readouterr().out + answer.text
    assert "measured for real" in said
    with open_workshop(tmp_path / "demo" / "ledger.db") as shop:
        assert list(shop) == ["sources", "binaries"]
        for name in shop:
            readings = {run.values["cpu"] for run in shop[name].runs if run.values is not None}
            assert len(readings) > 3  # a measured price never repeats
            assert (tmp_path / "demo" / f"{name}.html").stat().st_size > 10_000
        spent = shop["sources"].head.spent.runs
    again = demo.run(folder=tmp_path / "demo", as_json=True)
    assert again.document["sources"]["report"].endswith("sources.html")
    with open_workshop(tmp_path / "demo" / "ledger.db") as shop:
        assert shop["sources"].head.spent.runs > spent
