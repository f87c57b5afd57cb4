"""A proposal with a key, from the command line."""

from pathlib import Path

import pytest

from tests.faces.said import shell
from tests.faces.test_cli import RECIPE


def test_a_proposal_with_a_key_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sent twice it is one proposal, and the second answer says so; another proposal must take another key."""
    monkeypatch.chdir(tmp_path)
    Path("kaizen.toml").write_text(RECIPE, encoding="utf-8")
    kaizen = shell(capsys)
    words = ("propose", "coffee", "--because", "sweeter", "--by", "ana", "--key", "idea-1")
    assert kaizen(*words, "grind=11").out.startswith("Proposal 1 of coffee: grind=11 (was 8)\n")
    again = kaizen(*words, "grind=11", "--json").document
    assert (again["proposal"], again["again"]) == (1, True)
    assert "(proposed already; it counts once)" in kaizen(*words, "grind=11").out
    other = kaizen(*words, "grind=12")
    assert other.status == 2
    assert "the key 'idea-1' must come with the request it first came with" in other.err
