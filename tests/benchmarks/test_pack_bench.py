"""The bench of packs: every part runs, goes on where it stopped, and says what was wanted."""

from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="the bench of packs needs numpy")

from benchmarks import pack
from benchmarks.veteran.families import read_family, world

FAMILY = read_family(pack.HERE / "made_valleys.json")


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep histories beside the tests."""
    monkeypatch.setenv("KAIZEN_BENCH_CACHE", str(tmp_path_factory.getbasetemp() / "bench"))


def saving(arm: str) -> pack.Job:
    path = FAMILY.members[0].path
    return pack.Job(
        what="saving", family=FAMILY, path=path, task=world(path, None).task.name, arm=arm, seed=0, budget=6
    )


def test_attacks_are_of_the_default_terms_and_come_again() -> None:
    """The same seed finds the same; AUC and error are figures of their kind."""
    one, other = (pack.run_job(pack.Job(what="membership", runs=20, seed=1, size=20)) for _ in range(2))
    assert one["shadow"] == other["shadow"]
    assert all(auc <= 0.55 for auc in one["exact"])
    found = pack.run_job(pack.Job(what="location", runs=20, seed=1, size=4))
    assert len(found["error"]) == 6
    assert 0 < found["answers"] <= 250


def test_a_course_with_a_pack_knows_nothing_but_the_pack() -> None:
    """Cold knows of none; what a pack told of a run is in the results."""
    cold, packed = pack.run_job(saving("cold")), pack.run_job(saving("pack"))
    assert cold["epsilon"] is None
    assert 0 < packed["epsilon"] <= 1
    assert packed["words"][1] == 7  # four that are no choice, and three values of one
    assert not any(cold["remembered"])
    assert len(packed["values"]) == 6


def test_results_are_gone_on_with_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second call runs nothing that is there; the report says what was wanted, and whether it was kept."""
    monkeypatch.delenv("KAIZEN_BENCH_DATA", raising=False)
    jobs = [
        pack.Job(what="membership", runs=20, seed=0, size=10),
        pack.Job(what="location", runs=20, seed=0, size=3),
        saving("cold"),
        saving("pack"),
    ]
    monkeypatch.setattr(pack, "_jobs", lambda _: jobs)
    out = tmp_path / "pack.jsonl"
    assert pack.main(["--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "4 jobs, 0 of them" in said.err
    assert said.out.count("wanted:") == 2
    assert pack.main(["--out", str(out)]) == 0
    assert "4 jobs, 4 of them" in capsys.readouterr().err
    with out.open("a", encoding="utf-8") as file:
        file.write('{"key": ["mem')  # interrupted
    assert len(pack.read(out)) == 4
    assert out.read_text(encoding="utf-8").endswith("}\n")
