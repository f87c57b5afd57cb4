"""The bench of proofs: what it plants, how two tools' rules are read, and when a promise counts as broken."""

import subprocess
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="the benches need numpy")

from benchmarks import prove


def test_planted_changes_are_what_they_say(tmp_path: Path) -> None:
    """As many more lines of the same kind; a change of nothing changes a note alone."""
    prove.repository(tmp_path, seed=3)

    def lines(tag: str) -> list[str]:
        said = subprocess.run(
            ["git", "-C", str(tmp_path), "show", f"{tag}:data"], capture_output=True, text=True, check=True
        )
        return said.stdout.splitlines()

    old = lines("old")
    for tag, more in (("more0", 0.0), ("more1", 0.01), ("more5", 0.05), ("more20", 0.20)):
        new = lines(tag)
        assert len(new) == round(len(old) * (1 + more))
        assert new[: len(old)] == old


def test_the_rules_are_those_of_the_tools() -> None:
    """A ratio beyond its propagated sd; a t beyond 2.306, which eight degrees of freedom have at 95 %."""
    old, near, far = [10.0, 11.0, 9.0, 10.5, 9.5], [10.5, 11.5, 9.5, 11.0, 10.0], [12.5, 13.5, 11.5, 13.0, 12.0]
    assert [prove.hyperfine(old, new) for new in (near, far)] == ["none", "worse"]
    assert [prove.pyperf(old, new) for new in (near, far)] == ["none", "worse"]
    assert (prove.hyperfine(far, old), prove.pyperf(far, old)) == ("better", "better")
    shifted = [value + 1.15 for value in old]  # t = 2.3
    assert prove.pyperf(old, shifted) == "none"
    assert prove.pyperf(old, [value + 1.17 for value in old]) == "worse"


def row(said: str, change: float = 0.0) -> dict[str, object]:
    rules = dict.fromkeys(("hyperfine", "pyperf", "hyperfine_pairs", "pyperf_pairs"), "none")
    return {"change": change, "metric": "seconds", "said": said, "pairs": 9, "seconds": 1.0, "effect": -0.01} | rules


def test_a_promise_is_broken_by_more_than_luck() -> None:
    """Five in a hundred are as promised, twenty are not; planted changes do not count."""
    for false, kept in ((5, True), (20, False)):
        rows = [row("worse")] * false + [row("futile")] * (100 - false) + [row("worse", 0.2)] * 50
        said, sound = prove.verdict(rows)
        assert sound == kept
        assert f"{false} of 100" in said
    assert "seconds" in prove.table([row("worse", 0.2)])


def test_one_proof_from_end_to_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a load; a line is kept for it, and not made again."""
    monkeypatch.setattr(prove, "_LINES", 300)
    words = [
        "--nothing",
        "1",
        "--planted",
        "0",
        "--loads",
        "0",
        "--metrics",
        "cpu_seconds",
        "--out",
        str(tmp_path / "out"),
    ]
    assert prove.main(words) == 0
    assert "false on nothing    kaizen prove" in capsys.readouterr().out
    kept = (tmp_path / "out").read_text()
    assert prove.main(words) == 0
    assert (tmp_path / "out").read_text() == kept
