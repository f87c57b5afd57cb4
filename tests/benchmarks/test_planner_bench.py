"""The planner's bench: tasks of every form, methods by chance and by file, results that go on and add up."""

import csv
import gzip
import json
import warnings
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="the planner's bench needs numpy")

from benchmarks.planner.__main__ import QUICK, main
from benchmarks.planner.run import Job, run_job
from benchmarks.planner.tasks import BadTask, read_task
from benchmarks.planner.world import Chance, World

PARAMETERS = [
    {"name": "solver", "kind": "choice", "values": ["tree", "net"]},
    {"name": "heat", "kind": "real", "low": 30, "high": 110, "unit": "degC"},
    {"name": "tile", "kind": "whole", "levels": [1, 2, 4, 8]},
    {"name": "padding", "kind": "switch"},
    {"name": "depth", "kind": "whole", "low": 1, "high": 8, "when": {"solver": ["tree"]}},
]


def row(solver: str, heat: float, tile: int, padding: bool, depth: object, loss: float | None, fault: str = "") -> dict:
    told = {"solver": solver, "heat": heat, "tile": tile, "padding": str(padding).lower(), "depth": depth}
    for k in range(2):
        told[f"loss.{k}"] = "" if loss is None else loss + k
        told[f"size.{k}"] = "" if loss is None else 10 * loss
    return {**told, "fault": fault}


ROWS = [
    row("tree", 30, 1, False, 2, 5.0),
    row("tree", 60, 2, True, 4, 3.0),
    row("tree", 110, 8, True, 8, None, "crash"),
    row("net", 40, 4, False, "", 1.0),
    row("net", 90, 8, True, "", 4.0),
]


def write(folder: Path, **more: object) -> Path:
    raw = {
        "name": "small",
        "parameters": PARAMETERS,
        "metrics": [{"name": "loss", "better": "lower"}, {"name": "size", "better": "lower", "kind": "price"}],
        "source": {"table": "small.csv.gz", "lookup": "exact"},
        **more,
    }
    with gzip.open(folder / "small.csv.gz", "wt", newline="") as file:
        table = csv.DictWriter(file, list(ROWS[0]))
        table.writeheader()
        table.writerows(ROWS)
    path = folder / f"{raw['name']}.json"
    path.write_text(json.dumps(raw))
    return path


def world(folder: Path, **more: object) -> World:
    return World(read_task(write(folder, **more)), None)


def test_a_table_knows_its_median_its_optimum_and_its_faults(tmp_path):
    """Repeats are averaged, failed rows are no candidates, inactive parameters are absent."""
    made = world(tmp_path)
    assert (made.optimum, made.median) == (1.5, 4.0)
    assert made.standard(0) in ({"solver": "tree", "heat": 60.0, "tile": 2, "padding": True, "depth": 4},
                                {"solver": "net", "heat": 90.0, "tile": 8, "padding": True})  # fmt: skip
    best = {"solver": "net", "heat": 40.0, "tile": 4, "padding": False}
    assert made.truth(best) == ({"loss": 1.5, "size": 10.0}, "")
    assert made.truth({"solver": "tree", "heat": 109.0, "tile": 8, "padding": True, "depth": 7}) == (None, "crash")
    assert made.regret(1.5) == 0.0
    assert made.regret(4.0) == 1.0
    assert not made.exact


def test_a_proposal_outside_the_pool_is_moved_to_the_nearest_row(tmp_path):
    """What is told back is the row's own setting under exact, the proposal under nearest."""
    asked = {"solver": "net", "heat": 43.0, "tile": 4, "padding": False}
    assert Chance(world(tmp_path), 0).run(asked).setting["heat"] == 40.0
    near = world(tmp_path, source={"table": "small.csv.gz", "lookup": "nearest"})
    assert Chance(near, 0).run(asked).setting == asked


def test_ordered_repeats_come_in_recorded_order(tmp_path):
    """A run draws the next one of its own setting, and starts again at the end."""
    source = {"table": "small.csv.gz", "lookup": "exact", "repeats": "ordered"}
    chance = Chance(world(tmp_path, source=source), 0)
    best = {"solver": "net", "heat": 40.0, "tile": 4, "padding": False}
    assert [chance.run(best).reading["loss"] for _ in range(3)] == [1.0, 2.0, 1.0]


def test_guards_constraints_and_standards_bound_what_is_sound(tmp_path):
    """A reading that breaks a guard is a fault with a reading; rows that break a constraint are not there."""
    guarded = world(tmp_path, guards=[{"metric": "size", "min": 15}], standard={"solver": "tree", "heat": 60})
    assert guarded.optimum == 3.5
    assert guarded.standard(0)["depth"] == 4
    outcome = Chance(guarded, 0).run({"solver": "net", "heat": 40.0, "tile": 4, "padding": False})
    assert outcome.fault.startswith("guard")
    assert outcome.reading is not None
    with pytest.warns(UserWarning, match="outside the space"):
        bound = world(tmp_path, constraints=["heat * tile <= 150"])
    assert len(bound.table.settings) == 2
    assert world(tmp_path, standard="p75").standard(0)["heat"] == 40.0  # three of four are worse


def test_a_function_with_noise_is_a_task_too(tmp_path):
    """Noise is added to what the function gives; what it raises is a fault; the seed decides all."""
    (tmp_path / "made_here.py").write_text("def f(setting):\n    return {'loss': 1 / (setting['x'] - 1)}\n")
    raw = {
        "name": "function", "parameters": [{"name": "x", "kind": "whole", "low": 1, "high": 9}],
        "metrics": [{"name": "loss", "better": "higher"}], "source": {"python": "made_here:f"},
        "noise": {"kind": "normal", "sd": 0.1}, "standard": {"x": 5},
    }  # fmt: skip
    path = tmp_path / "function.json"
    path.write_text(json.dumps(raw))
    made = World(read_task(path), None)
    assert made.optimum == 1.0
    assert Chance(made, 3).run({"x": 1}).fault == "crash: ZeroDivisionError"
    one, other = (Chance(made, 3).run({"x": 5}).reading for _ in range(2))
    assert one == other != {"loss": 0.25}


def test_an_emulator_says_its_error(tmp_path):
    """It answers between the rows and carries its cross-validated error."""
    made = world(tmp_path, source={"table": "small.csv.gz", "lookup": "emulator"})
    assert made.errors().keys() == {"loss", "size"}
    assert made.truth({"solver": "net", "heat": 65.0, "tile": 4, "padding": False})[0] is not None


def test_a_result_has_every_figure_and_repeats(tmp_path):
    """The same seed gives the same course; the first run is the standard."""
    job = Job(path=write(tmp_path), task="small", method="random", seed=4, budget=6)
    one, other = run_job(job), run_job(job)
    assert one.keys() >= {"task", "method", "version", "seed", "budget", "settings", "readings", "true", "regret",
                          "faults", "seconds", "cpu", "recommended"}  # fmt: skip
    assert one["settings"][0] == world(tmp_path).standard(4)
    assert [one[key] for key in ("settings", "readings", "regret")] == [
        other[key] for key in ("settings", "readings", "regret")
    ]
    assert one["regret"] == sorted(one["regret"], reverse=True)


def test_an_interrupted_run_goes_on(tmp_path, capsys):
    """What is in the file is not run again, and a line cut short is."""
    out = tmp_path / "results.jsonl"
    words = ["--tasks", str(write(tmp_path)), "--methods", "random", "--budgets", "5", "--out", str(out)]
    assert main([*words, "--seeds", "2"]) == 0
    before = out.read_text()
    out.write_text(before + before[:40])
    assert main([*words, "--seeds", "3"]) == 0
    assert out.read_text().startswith(before)
    assert [json.loads(line)["seed"] for line in out.read_text().splitlines()] == [0, 1, 2]
    assert "2 of them" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--methods", "magic"], "a method must be one of"),
        (["--tasks", "absent.json", "--methods", "random"], "must be a task file"),
        (["--budgets", "many", "--methods", "random"], "--budgets must be"),
    ],
)
def test_a_wrong_call_is_one_sentence(tmp_path, monkeypatch, capsys, words, said):
    """Exit status 2, no traceback."""
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert said in capsys.readouterr().err


def test_unknown_keys_warn_and_wrong_ones_are_refused(tmp_path):
    """A key from another version does not stop a task; a kind nobody knows does."""
    with pytest.warns(UserWarning, match="'colour' is no key"):
        read_task(write(tmp_path, colour="blue"))
    with pytest.raises(BadTask, match="kind must be"):
        read_task(write(tmp_path, parameters=[{"name": "x", "kind": "vague"}]))


def test_every_task_of_ours_is_sound():
    """Each file reads without a warning, and every list names files that are there."""
    folder = QUICK.parent
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        names = {read_task(path).name: path for path in sorted((folder / "tasks").glob("*.json"))}
    assert all(path.stem == name for name, path in names.items())
    for title, count in (("quick", 8), ("panel", 16)):
        lines = (folder / f"{title}.txt").read_text().split()
        assert len(lines) == count
        assert all((folder / line).exists() for line in lines)
