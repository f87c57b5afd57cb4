"""The wheel's bench: what a course counts, what goes on after an interruption, and how ratios are made."""

import json
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="the wheel's bench needs numpy")

from benchmarks.planner.tasks import BadTask
from benchmarks.wheel.__main__ import QUICK, main
from benchmarks.wheel.courses import SHARE, Course, Job, run_job
from benchmarks.wheel.table import BadResults, compare, read, report

TASKS = Path(__file__).parents[2] / "benchmarks" / "planner" / "tasks"


def job(**given: object) -> Job:
    made = {"task": "mixed6", "arm": "prove-any", "noise": 0.0, "seed": 0, "budget": 40, **given}
    return Job(path=TASKS / f"{made['task']}.json", **made)  # type: ignore[arg-type] # as given


def test_every_run_counts_both_sides_of_pairs_too() -> None:
    """Exact trials take two runs each, and nothing else was run."""
    line = run_job(job(noise=0.0, budget=30))
    assert line["made"] == 2 * line["trials"] <= 30
    assert line["curve"][0] == (0, 0.0)
    assert all(share > 0 for _, share in line["curve"][1:])  # exact comparisons adopt nothing that is worse
    assert line["false"] == 0
    assert line["adoptions"] == len(line["curve"]) - 1


def test_a_course_ends_when_the_target_is_proven_or_the_budget_is_spent() -> None:
    """Whatever comes first; the same seed makes the same course."""
    line = run_job(job(budget=300))
    assert line["runs"] is not None
    assert line["runs"] == line["made"]
    assert line["curve"][-1][1] >= SHARE
    assert run_job(job(budget=300))["curve"] == line["curve"]
    short = run_job(job(budget=4))
    assert short["runs"] is None
    assert short["end"].startswith("budget")


def test_noise_is_a_share_of_the_value_and_takes_pairs() -> None:
    """With noise a trial takes several pairs; the world's truth stays as it is."""
    course = Course(job(noise=0.2, budget=25))
    course.turn()
    assert course.bench.process.metrics[0].exact is False
    assert course.bench.head.counts.trials <= 3
    assert course.here.exact


@pytest.mark.parametrize("arm", ["model", "steps"])
def test_kaizens_own_planners_turn_the_wheel(arm: str) -> None:
    """By the policy, in a few runs."""
    line = run_job(job(arm=arm, budget=14, noise=0.05))
    assert line["made"] <= 14
    assert line["changes"] == "any"
    assert run_job(job(arm=arm, budget=6, noise=0.0, changes=2))["changes"] == "2"


@pytest.mark.parametrize("arm", ["tpe40", "prove-tpe"])
def test_peers_go_to_the_same_judge(arm: str) -> None:
    """TPE scouts and its best readings go to trials, or all of them do."""
    pytest.importorskip("optuna", reason="the peers need optuna")
    line = run_job(job(arm=arm, budget=60, task="conditional"))
    assert line["trials"] >= 1
    assert line["made"] <= 60


def test_a_bench_goes_on_where_it_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is run twice; a line cut short is run again."""
    out = tmp_path / "wheel.jsonl"
    words = ["--tasks", str(TASKS / "mixed6.json"), "--arms", "prove-any,steps", "--noises", "0", "--budget", "8"]
    words += ["--seeds", "2", "--boot", "20", "--out", str(out)]
    assert main(words) == 0
    before = out.read_bytes()
    assert len(before.splitlines()) == 4
    out.write_bytes(before[:-20])
    assert main(words) == 0
    told = capsys.readouterr()
    assert "4 courses, 3 of them" in told.err
    assert "prove-any" in told.out
    assert len(out.read_bytes().splitlines()) == 4
    assert main(["--only-report", str(out)]) == 0


def test_calls_that_cannot_be_right_are_refused(tmp_path: Path) -> None:
    """With status 2, before anything runs."""
    assert main(["--arms", "luck", "--out", str(tmp_path / "no.jsonl")]) == 2
    assert main(["--noises", "much", "--out", str(tmp_path / "no.jsonl")]) == 2
    bad = tmp_path / "bad.jsonl"
    bad.write_text("{}\n")
    assert main(["--only-report", str(bad)]) == 2
    with pytest.raises(BadResults):
        read([bad])
    assert QUICK.exists()
    assert issubclass(BadTask, Exception)


def line(task: str, arm: str, seed: int, runs: int | None) -> dict:
    return {
        "task": task, "arm": arm, "noise": 0.05, "seed": seed, "budget": 300, "changes": "any", "runs": runs, "made": 300,
        "curve": [[0, 0.0]], "adoptions": 1, "false": 0, "trials": 2, "faults": 0, "end": "target", "cpu": 1.0,
    }  # fmt: skip


def test_ratios_are_of_medians_and_censored_courses_count_more_than_the_budget() -> None:
    """The geometric mean over tasks; 450 of 300 where the target was never proven."""
    rows = [line("one", "model", seed, runs) for seed, runs in enumerate((30, 40, 50))]
    rows += [line("one", "tpe40", seed, runs) for seed, runs in enumerate((60, 80, None))]
    rows += [line("two", "model", seed, None) for seed in range(3)]
    rows += [line("two", "tpe40", seed, 225) for seed in range(3)]
    found = {(task, arm): [r for r in rows if (r["task"], r["arm"]) == (task, arm)]
             for task in ("one", "two") for arm in ("model", "tpe40")}  # fmt: skip
    got = compare(found, "model", "tpe40", boot=50)
    assert got is not None
    assert got["tasks"] == {"one": 0.5, "two": 2.0}
    assert got["ratio"] == pytest.approx(1.0)
    said = report(rows, boot=20)
    assert "over 300" in said
    assert "3 of 6" in said
    assert json.loads(json.dumps(rows)) == rows
