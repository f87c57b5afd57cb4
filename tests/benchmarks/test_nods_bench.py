"""The bench of nods: frozen courses, what is asked of them, and what the tables say of warnings."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.veteran import frozen, nods, nodtable
from benchmarks.veteran.__main__ import main, read
from benchmarks.veteran.families import read_family, world

HERE = Path(frozen.__file__).with_name("families")


def row(family: str, asked: list[Any], tops: list[list[int]] = [], **fields: Any) -> dict[str, Any]:  # noqa: B006 - read only
    """Return one result line; foils forbid everything."""
    told = [[*one, 1, 1, 1] for one in asked]
    shown = {"10": [[*one, 1, 1, 1] for one in tops], "40": [[*one, 1, 1, 1] for one in tops]} if tops else {}
    return {
        "family": family,
        "task": "t",
        "arm": "memory",
        "seed": 0,
        "asked": told,
        "tops": shown,
        "ms": [1.0],
        **fields,
    }


def test_figures_are_of_what_was_warned_of() -> None:
    """Two warnings, one right; four truly worse of eight: half right, no lift, a quarter found. A foil forbids all."""
    asked = [
        [1, 0, "think_again", 0.1],
        [0, 1, "failed_before", 0.1],
        *([[1, 0, "go", 0.5]] * 3),
        *([[0, 1, "go", 0.5]] * 3),
    ]
    rows = [row("f", asked)]
    assert nodtable.figures(rows, "nod") == ["8", "0.50", "2", "0.50", "1.00", "0.25"]
    assert nodtable.figures(rows, "taboo") == ["8", "0.50", "8", "0.50", "1.00", "1.00"]


def test_the_top_tenth_is_pooled_and_the_worst_family_named() -> None:
    """One family is warned against in one of four, the other never; members without enough of it count for nothing."""
    one = row("bad", [[0, 1, "go", 0.5]], [[1], [0], [0], [0]])
    rows = [one, row("good", [[0, 1, "go", 0.5]], [[0]] * 4), row("small", [[1, 0, "go", 0.5]])]
    assert nodtable.against(rows, "nod", 40) == "12.5% (bad 25.0%)"
    assert nodtable.against(rows[2:], "nod", 40) == "·"


def test_members_that_mislead_are_not_pooled_with_the_others() -> None:
    """They have a line of their own; families that were looked at stand apart where they are named."""
    rows = [row("health_commits", [[1, 0, "think_again", 0.1]]), row("nginx", [[1, 0, "go", 0.4]] * 2)]
    text = nodtable.report(rows)
    assert "related: nod" in text
    assert "held back: nod" in text
    assert "developed on: nod" not in text
    lines = [line.split() for line in text.splitlines()]
    assert ["health_commits", "1", "1.00", "1", "1.00", "1.00", "1.00"] in lines


def test_nods_are_asked_about_a_frozen_course(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The course is made once; what has run is not asked about; each answer stands beside the truth; nothing is run twice."""
    monkeypatch.setenv("KAIZEN_BENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(frozen, "ASKED", 6)
    monkeypatch.setattr(nods, "ASKED", 6)
    monkeypatch.setattr(nods, "ASKED_AT", (3, 6))
    monkeypatch.setattr(nods, "_SAMPLE", 500)
    out = tmp_path / "nods.jsonl"
    words = [
        "--nods",
        "--families",
        str(HERE / "made_valleys.json"),
        "--members",
        "1",
        "--seeds",
        "1",
        "--out",
        str(out),
    ]
    assert main(words) == 0
    (found,) = read(out)
    path = read_family(HERE / "made_valleys.json").members[0].path
    frozen.course.cache_clear()
    made = frozen.course(path, None, "made_valleys", 0)
    assert made.settings[0] == world(path, None).standard(0)
    assert len(found["asked"]) == len({str(one) for one in made.settings}) - 1 <= 6
    assert all(worse + better <= 1 and 0 <= odds <= 1 for worse, better, _, odds, *_ in found["asked"])
    assert set(found["tops"]) == {"3", "6"}
    assert "related: taboo" in capsys.readouterr().out
    before = out.read_bytes()
    assert main(words) == 0
    assert out.read_bytes() == before
    assert main([*words, "--arms", "cold"]) == 2
