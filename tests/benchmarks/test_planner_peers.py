"""Other people's planners behind a pipe: what they are told, what they may answer, and what is said when they are not there."""

import ast
import csv
import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="the planner's bench needs numpy")

from benchmarks.planner import methods, peers
from benchmarks.planner.__main__ import main
from benchmarks.planner.peers.__main__ import main as make
from benchmarks.planner.peers.client import Broken, Peer, driver
from benchmarks.planner.peers.environment import DISTRIBUTIONS
from benchmarks.planner.problem import Missing, problem
from benchmarks.planner.run import Job, run_job
from benchmarks.planner.tasks import read_task
from benchmarks.planner.world import World

PEERS = Path(peers.__file__).parent
ROOT = PEERS.parents[2]

HEAD = f"""
import json, sys
sys.path.insert(0, {str(PEERS)!r})
from wire import Unsupported, serve
"""

# Proposes the settings it was given, talks too much, and keeps what it was told beside itself.
SCRIPTED = """
class Scripted:
    def __init__(self, problem):
        self.problem = problem
        self.left = [problem.standard, *problem.options["settings"]]
        print("chatter from the start")
        note({"options": dict(problem.options), "standard": problem.standard, "constraints": problem.constraints,
              "guards": problem.guards, "kinds": {p.name: [p.kind, p.low, p.high, p.values] for p in problem.parameters},
              "when": {p.name: p.when for p in problem.parameters if p.when}, "seed": problem.seed})
    def ask(self):
        print("thinking", flush=True)
        asked = self.problem.filled(self.left.pop(0))
        note({"allows": self.problem.allows(asked)})
        return asked
    def tell(self, told):
        note({"told": told.setting, "moved": told.moved, "values": told.values, "fault": told.fault,
              "broken": told.broken, "worst": self.problem.worst})
def note(what):
    with open(__file__ + ".log", "a") as file:
        file.write(json.dumps(what) + "\\n")
serve(Scripted, "pip")
"""

PARAMETERS = [
    {"name": "solver", "kind": "choice", "values": ["tree", "net"]},
    {"name": "tile", "kind": "whole", "levels": [1, 2, 4, 8]},
    {"name": "padding", "kind": "switch"},
    {"name": "depth", "kind": "whole", "low": 1, "high": 8, "when": {"solver": ["tree"]}},
]
ROWS = [
    ("tree", 1, "false", 2, 5.0, 90.0, ""),
    ("tree", 2, "true", 4, 3.0, 20.0, ""),
    ("tree", 4, "true", 8, "", "", "crash"),
    ("net", 4, "false", "", 1.0, 30.0, ""),
    ("net", 8, "true", "", 4.0, 10.0, ""),
]


@pytest.fixture
def task(tmp_path):
    raw = {
        "name": "small",
        "parameters": PARAMETERS,
        "metrics": [{"name": "loss", "better": "lower"}, {"name": "size", "better": "lower", "kind": "price"}],
        "guards": [{"metric": "size", "max": 50}],
        "constraints": ["tile <= 4 or padding"],
        "source": {"table": "small.csv", "lookup": "exact"},
        "standard": {"solver": "tree", "tile": 2, "padding": True, "depth": 4},
    }
    with (tmp_path / "small.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("solver", "tile", "padding", "depth", "loss", "size", "fault"), *ROWS])
    path = tmp_path / "small.json"
    path.write_text(json.dumps(raw))
    return path


def script(folder: Path, text: str) -> Path:
    path = folder / "drive_scripted.py"
    path.write_text(HEAD + text)
    return path


def heard(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "drive_scripted.py.log").read_text().splitlines()]


def peer(task: Path, text: str, **options: object) -> Peer:
    known = problem(World(read_task(task), None), seed=3, budget=5)
    return Peer(known, python=Path(sys.executable), script=script(task.parent, text), options=options)


PROPOSED = [
    {"solver": "net", "tile": 2, "padding": "no", "depth": 1},  # a row; depth is not active
    {"solver": "tree", "tile": 0, "padding": "no", "depth": 3},  # near a row, whose size breaks the guard
    {"solver": "tree", "tile": 2, "padding": "yes", "depth": 8},  # a row that failed
    {"solver": "net", "tile": 3, "padding": "no"},  # breaks the constraint, and is moved
]


@pytest.fixture
def result(task, monkeypatch):
    monkeypatch.setitem(methods.METHODS, "scripted", lambda known: Peer(
        known, python=Path(sys.executable), script=script(task.parent, SCRIPTED), options={"settings": PROPOSED}
    ))  # fmt: skip
    return run_job(Job(path=task, task="small", method="scripted", seed=3, budget=5))


def test_a_peer_runs_as_any_method_does(result):
    """It proposes, is told what ran, recommends the best sound reading, and its chatter harms nothing."""
    assert [(s["solver"], s["tile"], s["padding"], s.get("depth")) for s in result["settings"]] == [
        ("tree", 2, True, 4), ("net", 4, False, None), ("tree", 1, False, 2), ("tree", 4, True, 8), ("net", 4, False, None),
    ]  # fmt: skip
    assert result["recommended"] == {"solver": "net", "tile": 4, "padding": False}
    assert result["version"].startswith("pip ")
    assert result["faults"] == 2
    assert len(result["cpu"]) == 5


def test_a_problem_goes_over_the_wire_in_plain_terms(result, task):
    """Levels are ranks, switches are words; the table is not there."""
    told = heard(task.parent)[0]
    assert told["kinds"] == {
        "solver": ["choice", 0, 0, ["tree", "net"]],
        "tile": ["whole", 0, 3, []],
        "padding": ["choice", 0, 0, ["no", "yes"]],
        "depth": ["whole", 1, 8, []],
    }
    assert told["when"] == {"depth": [["solver", ["tree"]]]}
    assert told["standard"] == {"solver": "tree", "tile": 1, "padding": "yes", "depth": 4}
    assert told["guards"] == [{"metric": "size", "max": 50}]
    assert told["constraints"] == [["padding", "tile"]]
    assert told["seed"] == 3


def test_a_peer_is_told_what_came_of_each_run(result, task):
    """What ran, whether it was moved, why it failed, by how much it broke a guard; it may ask what is allowed."""
    notes = heard(task.parent)[1:]
    assert [note["allows"] for note in notes[::2]] == [True, True, True, True, False]
    told = notes[1::2]
    assert [note["moved"] for note in told] == [False, False, True, False, True]
    assert [note["fault"].partition(":")[0] for note in told] == ["", "", "guard", "crash", ""]
    assert told[1]["told"] == {"solver": "net", "tile": 2, "padding": "no"}
    assert [note["broken"] for note in told] == [[-30.0], [-20.0], [40.0], [], [-20.0]]
    assert told[2]["values"] == {"loss": 5.0, "size": 90.0}
    assert told[3]["values"] is None
    assert [note["worst"] for note in told] == [[3.0], [3.0], [3.0], [3.0], [3.0]]


def test_cpu_is_what_the_peer_says_it_took(task):
    """Its start is not counted, and neither is what the bench does."""
    made = peer(task, SCRIPTED, settings=PROPOSED)
    assert made.cpu() == 0.0
    made.ask()
    assert made.cpu() > 0.0
    made.close()


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("def no(problem): raise Unsupported('it knows one goal')\nserve(no, 'pip')", Missing, "it knows one goal"),
        ("def no(problem): raise ValueError('a bad day')\nserve(no, 'pip')", Broken, "ValueError: a bad day"),
        ("print('last words', file=sys.stderr); sys.exit(7)", Broken, "status 7"),
        ("print('last words', file=sys.stderr); sys.exit(7)", Broken, "last words"),
    ],
)
def test_a_peer_that_cannot_go_on_says_why(task, text, error, said):
    """What it has no way to do, what it raised, and how it ended."""
    with pytest.raises(error, match=said):
        peer(task, text)


def test_a_peer_that_breaks_leaves_the_others_running(task, monkeypatch, capsys):
    """It is told on standard error, no result is written, and the rest goes on."""
    text = "class Tired:\n  def __init__(self, problem): pass\n  def ask(self): return 1 / 0\nserve(Tired, 'pip')"
    monkeypatch.setitem(methods.METHODS, "scripted", lambda known: Peer(
        known, python=Path(sys.executable), script=script(task.parent, text)
    ))  # fmt: skip
    monkeypatch.setattr("benchmarks.planner.__main__.version", lambda name: "any")
    out = task.parent / "results.jsonl"
    words = ["--methods", "scripted,random", "--budgets", "4", "--seeds", "1", "--out", str(out), "--tasks", str(task)]
    assert main(words) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert [json.loads(line)["method"] for line in out.read_text().splitlines()] == ["random"]


@pytest.mark.parametrize("name", sorted(DISTRIBUTIONS.keys() - {"gp"}))
def test_an_environment_that_is_not_there_is_one_sentence(name, task, tmp_path, monkeypatch, capsys):
    """It says how to make it."""
    monkeypatch.setenv("KAIZEN_BENCH_PEERS", str(tmp_path / "none"))
    assert main(["--methods", name, "--tasks", str(task), "--out", str(tmp_path / "out.jsonl")]) == 2
    assert capsys.readouterr().err.strip().endswith(f'make it with: make peers NAMES="{name}"')


def test_the_environments_are_listed_and_a_wrong_name_is_refused(tmp_path, monkeypatch, capsys):
    """Without names nothing is made."""
    monkeypatch.setenv("KAIZEN_BENCH_PEERS", str(tmp_path / "none"))
    assert make([]) == 0
    assert capsys.readouterr().out.count("not made") == len(DISTRIBUTIONS)
    assert make(["magic"]) == 2
    assert "a peer must be one of gp, smac" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_driver_stands_by_itself(name):
    """It imports neither Kaizen nor the bench, and everything it runs on is pinned."""
    for path in (driver(name), PEERS / "wire.py"):
        tree = ast.parse(path.read_text())
        imported = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        imported += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        assert not {str(module).split(".")[0] for module in imported} & {"kaizen", "benchmarks"}
    pins = [
        line for line in (ROOT / "requirements" / "peers" / f"{name}.txt").read_text().splitlines() if line[0] != "#"
    ]
    assert all("==" in line and "+" not in line for line in pins)
    assert any(line.lower().startswith(DISTRIBUTIONS[name].lower() + "==") for line in pins)
