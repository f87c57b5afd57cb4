"""The benches of expiry and of heeding: what they count, and that the scope can be left out of a nod."""

from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="the veteran's benches need numpy")

from benchmarks.veteran import expiry, heeding
from benchmarks.veteran.expiry import Asked, count, ran, table
from benchmarks.veteran.families import read_family
from benchmarks.wheel.courses import Job

HERE = Path(expiry.__file__).with_name("families")


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep histories beside the tests, and few changes."""
    monkeypatch.setenv("KAIZEN_BENCH_CACHE", str(tmp_path_factory.getbasetemp() / "bench"))
    monkeypatch.setattr(expiry, "_ASKED", 12)


def test_warnings_are_counted_by_what_became_of_them() -> None:
    """Withdrawn, kept or new once the standard has moved; wrong by the standard of the moment."""
    made = count([Asked(True, False, False, True), Asked(True, True, True, False), Asked(False, True, False, True)])
    assert (made["asked"], made["better"], made["warned"], made["warned, wrong"]) == (3, 2, 2, 1)
    assert [made[kind] for kind in ("withdrawn", "kept", "new")] == [1, 1, 1]
    assert [made[f"{kind}, wrong"] for kind in ("withdrawn", "kept", "new")] == [1, 0, 1]
    said = table({("f", True): made, ("f", False): Counter(asked=3)}).splitlines()
    assert said[2].split() == ["f", "learned", "3", "2", "2", "(1)", "1", "(1)", "1", "(0)", "1", "(1)"]
    assert [line.split()[:2] for line in said[4:]] == [["all", "learned"], ["all", "not"]]


def test_one_member_is_asked_twice() -> None:
    """With the scope and without, about the same changes; what failed before the move was warned of, and rightly."""
    family = read_family(HERE / "made_quadratics.json")
    found = ran(family, family.members[0], None, 0)
    assert len(found[True]) == len(found[False]) > 4
    assert [one[2:] for one in found[True]] == [one[2:] for one in found[False]]
    assert any(one.before for one in found[True])
    assert not any(one.before and one.wrong_before for one in found[True])


def test_heeding_leaves_alone_what_is_warned_of() -> None:
    """Nods that are not heeded are counted all the same."""
    path = Path(heeding.__file__).parents[1] / "planner" / "tasks" / "hartmann6.json"
    job = Job(path=path, task="hartmann6", arm="prove-any", noise=0.0, seed=0, budget=60, changes=2, on=True)
    deaf, heeds = (heeding.Heeding(job, heed=heed).turn() for heed in (False, True))
    assert deaf["warned"] > 0 == deaf["left"] + deaf["coin"]
    assert heeds["left"] + heeds["coin"] == heeds["warned"] > 0
    assert heeds["asked"] == heeds["trials"] + heeds["left"]
    assert "prove-any" in heeding.table({("prove-any", 0.0, True): heeds})
