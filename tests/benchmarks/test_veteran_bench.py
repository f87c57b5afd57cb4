"""The veteran's bench: what the past is, what a course counts, what goes on after an interruption, how ratios are made."""

import gzip
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numpy", reason="the veteran's bench needs numpy")

from benchmarks.planner.tasks import BadTask
from benchmarks.veteran.__main__ import HERE, QUICK, main, read
from benchmarks.veteran.courses import ARMS, Job, run_job, ways
from benchmarks.veteran.families import Past, hostile, others, past, read_family, world
from benchmarks.veteran.table import best, cells, ratios, report, runs_to, target

FAMILY = read_family(HERE / "made_valleys.json")


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep histories beside the tests."""
    monkeypatch.setenv("KAIZEN_BENCH_CACHE", str(tmp_path_factory.getbasetemp() / "bench"))


def job(arm: str, seed: int = 0, budget: int = 8) -> Job:
    path = FAMILY.members[0].path
    return Job(family=FAMILY, path=path, task=world(path, None).task.name, arm=arm, seed=seed, budget=budget)


def row(values: list[float | None], arm: str = "cold", seed: int = 0, **fields: object) -> dict:
    made = {"family": "f", "task": "t", "arm": arm, "seed": seed, "budget": len(values), "better": "lower"}
    return made | {"values": values, "remembered": [False] * len(values), "faults": values.count(None)} | fields


def test_every_family_can_be_read() -> None:
    """All members of a family are tasks that share parameters."""
    for path in HERE.glob("*.json"):
        family = read_family(path)
        assert len(family.members) >= 3
        for member in family.members:
            assert json.loads(member.path.read_text(encoding="utf-8"))["standard"] == "p75"
    assert {f"{name}.json" for name in QUICK} <= {path.name for path in HERE.glob("*.json")}


def test_a_history_is_made_once_and_starts_at_the_standard() -> None:
    """Faults are in it; the same seed makes the same one."""
    path = FAMILY.members[1].path
    made = past(path, None, "made_valleys", 3)
    past.cache_clear()
    assert past(path, None, "made_valleys", 3) == made
    assert len(made.settings) == 60
    assert made.settings[0] == world(path, None).standard(0)
    assert None in made.readings
    assert len(others(FAMILY, path)) == len(FAMILY.members) - 1


def test_hostile_histories_mislead() -> None:
    """Upside down, or given to other settings; what failed there still failed."""
    one = Past([{"x": n} for n in range(4)], [1.0, 2.0, None, 4.0])
    assert hostile(one, "", 0) == one
    assert hostile(one, "inverted", 0).readings == [4.0, 3.0, None, 1.0]
    assert sorted(map(str, hostile(one, "permuted", 0).readings)) == sorted(map(str, one.readings))
    assert ways("half", 4) == ["", "inverted", "", "permuted"]
    assert ways("permuted", 2) == ["permuted", "permuted"]
    assert ways("nearest-inverted", 1) == ["inverted"]
    assert ways("openbox", 2) == ["", ""]


@pytest.mark.parametrize("arm", ["cold", "memory"])
def test_a_course_counts_its_runs(arm: str) -> None:
    """As many as the budget; memory asks for some only where there is any; the same seed makes the same course."""
    line = run_job(job(arm))
    assert len(line["values"]) == 8
    assert line["faults"] == line["values"].count(None)
    assert any(line["remembered"]) == (arm == "memory")
    assert run_job(job(arm))["values"] == line["values"]


def test_a_foil_copies_the_closest_kin() -> None:
    """Its best settings one after the other, whatever comes of them."""
    line = run_job(job("nearest", budget=6))
    assert line["remembered"] == [False, *[True] * 5]


def test_runs_to_a_target() -> None:
    """The median of cold courses sets it; who never gets there counts one and a half budgets."""
    cold = [row([5.0, None, 3.0, 2.0]), row([5.0, 4.0, 4.0, 4.0], seed=1)]
    assert best(cold[0]).tolist() == [5.0, 5.0, 3.0, 2.0]
    assert target(cold) == 3.0
    assert runs_to(cold, 3.0).tolist() == [3.0, 6.0]
    assert best(row([1.0, 2.0], better="higher")).tolist() == [-1.0, -2.0]
    short = row([5.0], budget=3)
    assert np.isposinf(best(row([None], budget=1))).all()
    assert best(short).tolist() == [5.0, 5.0, 5.0]


def test_ratios_are_of_distributions() -> None:
    """Half the runs is a ratio of a half, in each of the three."""
    cold = [row([9.0, 9.0, 9.0, 1.0, 1.0, 1.0, 1.0, 1.0], seed=n) for n in range(3)]
    quick = [row([9.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0], arm="memory", seed=n) for n in range(3)]
    found = ratios(cells([*cold, *quick]), "memory")
    assert found["f", "t"] == pytest.approx([math.log(0.5)] * 3)
    text = report([*cold, *quick])
    assert "related" in text
    assert "0.50" in text


def test_a_bench_goes_on_where_it_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is run twice; a line cut short is run again; a call that cannot be right is one sentence."""
    out = tmp_path / "veteran.jsonl"
    words = ["--families", str(HERE / "made_valleys.json"), "--arms", "cold,memory", "--members", "1", "--seeds", "1"]
    words += ["--budget", "4", "--out", str(out)]
    assert main(words) == 0
    before = out.read_bytes()
    assert len(before.splitlines()) == 2
    out.write_bytes(before[:-20])
    assert main(words) == 0
    assert len(read(out)) == 2
    assert "2 courses, 1 of them" in capsys.readouterr().err
    command = [sys.executable, "-m", "benchmarks.veteran", *words[:-5], "2", *words[-4:], "--workers", "2"]
    subprocess.run(command, check=True, capture_output=True)  # workers find what they are to run
    assert len(read(out)) == 4
    packed = out.with_suffix(".jsonl.gz")
    packed.write_bytes(gzip.compress(out.read_bytes()))
    assert main(["--only-report", str(out)]) == main(["--only-report", str(packed)]) == 0
    assert read(packed) == read(out)
    assert main(["--arms", "luck"]) == 2
    assert f"one of {', '.join(ARMS)}" in capsys.readouterr().err
    with pytest.raises(BadTask, match="family file"):
        read_family(tmp_path / "absent.json")
