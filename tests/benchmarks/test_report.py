"""The report on planner benches: hypervolume by its laws, ratios by a slow twin, files by one sentence."""

import gzip
import itertools
import json
import math
import statistics
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="the planner's bench needs numpy")

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.planner.tasks import read_task
from benchmarks.report import figures, ratios
from benchmarks.report.__main__ import main
from benchmarks.report.facts import facts, of_kind
from benchmarks.report.fronts import front_of
from benchmarks.report.hypervolume import hypervolume, nondominated
from benchmarks.report.page import Table, markdown, plain
from benchmarks.report.picture import picture
from benchmarks.report.results import cells
from benchmarks.report.targets import Wanted, verdict

SPACE = [{"name": "x", "kind": "whole", "low": 0, "high": 4}, {"name": "kind", "kind": "choice", "values": ["a", "b"]}]


# ── hypervolume ─────────────────────────────────────────────────────────────────────────────────────────────────────


def points(columns: int) -> st.SearchStrategy[np.ndarray]:
    """Few values, so that ties and points beyond the reference occur."""
    row = st.lists(st.integers(0, 6), min_size=columns, max_size=columns)
    return st.lists(row, max_size=7).map(lambda rows: np.array(rows, dtype=float).reshape(-1, columns))


ANY_POINTS = st.integers(1, 4).flatmap(points)


def by_cells(found: np.ndarray, reference: np.ndarray) -> float:
    """Count the cells of a grid of ones; right for whole numbers."""
    grid = itertools.product(*(range(int(end)) for end in reference))
    return float(sum(any((point <= cell).all() for point in found) for cell in grid))


@settings(max_examples=40)
@given(found=ANY_POINTS)
def test_hypervolume_equals_its_slow_twin(found):
    """Sweeps and slices add up to what counting the cells of a grid gives."""
    reference = np.full(found.shape[1], 5.0)
    assert hypervolume(found, reference) == pytest.approx(by_cells(found, reference))


@settings(max_examples=40)
@given(found=ANY_POINTS, data=st.data())
def test_another_point_never_shrinks_it(found, data):
    """What is found stays found; a point that another betters adds nothing."""
    reference = np.full(found.shape[1], 5.0)
    one = data.draw(points(found.shape[1]).filter(len))
    before, after = hypervolume(found, reference), hypervolume(np.concatenate([found, one]), reference)
    assert after >= before - 1e-9
    assert hypervolume(np.concatenate([found, one, one + 1.0]), reference) == pytest.approx(after)


@settings(max_examples=40)
@given(found=ANY_POINTS, data=st.data())
def test_order_of_points_and_of_metrics_does_not_matter(found, data):
    """It is a property of the set."""
    rows = data.draw(st.permutations(range(len(found))))
    columns = data.draw(st.permutations(range(found.shape[1])))
    reference = np.arange(4.0, 4.0 + found.shape[1])
    mixed = found[np.array(rows, dtype=int)][:, columns]
    assert hypervolume(mixed, reference[columns]) == pytest.approx(hypervolume(found, reference))


@settings(max_examples=40)
@given(found=ANY_POINTS)
def test_nondominated_keeps_what_nothing_betters(found):
    """Each kept once, and every other is bettered or equalled by one that is kept."""
    kept = nondominated(found)
    for one, other in itertools.permutations(kept, 2):
        assert not (one <= other).all()
    assert all((kept <= point).all(axis=1).any() for point in found)


# ── ratios ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_runs_to_target_count_what_is_censored():
    """The target is the peer's own median; a course that never gets there counts one and a half budgets."""
    peers = np.array([[1.0, 0.8, 0.4, 0.4], [1.0, 1.0, 0.9, 0.4]])
    quick, never = np.array([[1.0, 0.3, 0.3, 0.3]] * 3), np.array([[1.0, 0.9, 0.9, 0.9]] * 3)
    assert ratios.ratio(quick, peers) == (0.5, 0)
    assert ratios.ratio(never, peers) == (1.5, 3)


@settings(max_examples=40)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_samples_drawn_at_once_equal_those_drawn_one_by_one(ours, peers, budget, seed):
    """The fast bootstrap draws what the plain ratio of the same seeds would be."""
    rng = np.random.default_rng(seed)
    one, other = (np.sort(rng.integers(0, 5, (n, budget)) / 4.0, axis=1)[:, ::-1] for n in (ours, peers))
    drawn = ratios.redrawn(one, other, 5, np.random.default_rng(1))
    rng = np.random.default_rng(1)
    rows = rng.integers(peers, size=(5, peers))
    again = rng.integers(ours, size=(5, ours))
    slow = [ratios.ratio(one[mine], other[theirs])[0] for mine, theirs in zip(again, rows, strict=True)]
    assert drawn.tolist() == pytest.approx(slow)


def course(method: str, seed: int, regret: list[float | None], **more: object) -> dict:
    return {"task": "t", "method": method, "seed": seed, "budget": len(regret), "regret": regret, "faults": seed % 2,
            "cpu": [0.1], "recommended_regret": regret[-1], "version": "1", **more}  # fmt: skip


def rows(method: str, regret: list[float | None], task: str = "t", seeds: int = 3, **more: object) -> list[dict]:
    return [course(method, seed, regret, task=task, **more) for seed in range(seeds)]


def test_only_tasks_that_both_ran_are_compared():
    """And the seeds of each are said."""
    found = cells(
        [*rows("kaizen", [1.0, 0.1], "a"), *rows("kaizen", [1.0, 0.1], "b"), *rows("tpe", [1.0, 0.5], "b", seeds=2)], 2, "first"
    )  # fmt: skip
    got = ratios.compare(found, "kaizen", "tpe", boot=10)
    assert got is not None
    assert (list(got.tasks), got.seeds, got.peer_seeds, got.courses) == (["b"], "3", "2", 3)
    assert ratios.compare(found, "kaizen", "tpe", boot=0, tasks={"a"}) is None
    assert ratios.compare(found, "kaizen", "smac", boot=0) is None


def test_a_target_is_missed_by_its_ratio_or_its_interval():
    """An interval that reaches too far, or was not drawn, does not meet a bound on it."""
    got = ratios.Ratio(value=0.8, low=0.6, high=1.2, censored=0, courses=3, tasks={}, seeds="3", peer_seeds="3")
    wanted = Wanted("ax", 0.9, upper=1.3)
    assert verdict(wanted, got) == "met"
    assert verdict(wanted, got._replace(value=0.95)) == "missed"
    assert verdict(wanted, got._replace(high=1.4)).startswith("missed")
    assert verdict(wanted, got._replace(high=math.nan)).startswith("missed")


# ── kinds of task, faults, what is recommended ──────────────────────────────────────────────────────────────────────


def test_what_a_task_is_comes_from_its_file_or_from_what_was_seen(tmp_path):
    """Named parameters make it mixed, readings that differ from the truth noisy, a failed run faulty."""
    seen = {"settings": [{"x": 1, "kind": "a"}], "readings": [{"y": 1.1}], "true": [{"y": 1.0}]}
    plain_task = {"settings": [{"x": 1}], "readings": [{"y": 1.0}], "true": [{"y": 1.0}]}
    some = [*rows("m", [1.0], "seen", seeds=1, **seen), *rows("m", [1.0], "plain", seeds=2, **plain_task)]
    known = facts(some, {})
    assert {kind: of_kind(known, kind) for kind in ("mixed", "noisy", "with faults", "without")} == {
        "mixed": {"seen"}, "noisy": {"seen"}, "with faults": {"plain"}, "without": {"seen"},
    }  # fmt: skip
    task = read_task(write_task(tmp_path))
    declared = facts(rows("m", [1.0], "two"), {"two": task})["two"]
    assert (declared.mixed, declared.choices, declared.noisy) == (True, 1, False)


def test_faults_are_a_share_of_the_peers():
    """With an interval over seeds, and none where the peer has no fault."""
    mine, theirs = rows("kaizen", [1.0, 0.5], seeds=4), rows("tpe", [1.0, 0.5], seeds=4, faults=2)
    value, low, high = figures.fault_ratio(mine, theirs, 200)
    assert value == 0.25
    assert low <= value <= high
    assert figures.fault_ratio(theirs, rows("x", [1.0, 0.5], faults=0), 10) is None


def test_recommendations_are_paired_by_seed_and_unsound_ones_count():
    """A recommendation that fails counts as the median setting; a seed that one lacks is left out."""
    mine = [course("kaizen", seed, [1.0, 0.1]) for seed in (0, 1, 2)]
    theirs = [
        course("tpe", 1, [1.0, 0.4]),
        course("tpe", 2, [1.0, 0.4], recommended_regret=None),
        course("tpe", 9, [1.0]),
    ]
    assert figures.paired(mine, theirs).tolist() == pytest.approx([-0.3, -0.9])
    value, low, high = figures.mean_interval([np.array([-0.3, -0.9]), np.array([0.0])], 100)
    assert value == statistics.mean([-0.6, 0.0])
    assert low <= value <= high


# ── several metrics ─────────────────────────────────────────────────────────────────────────────────────────────────


def write_task(folder: Path) -> Path:
    """Two metrics that pull apart over a made-up table of five rows; one breaks the guard."""
    (folder / "two.csv").write_text(
        "x,kind,loss,speed\n0,a,1.0,10\n1,a,2.0,20\n2,a,3.0,5\n3,b,4.0,40\n4,b,0.5,1\n", encoding="utf-8"
    )
    raw = {
        "name": "two", "parameters": SPACE, "source": {"table": "two.csv"},
        "metrics": [{"name": "loss", "better": "lower"}, {"name": "speed", "better": "higher"}],
        "guards": [{"metric": "speed", "min": 2}],
    }  # fmt: skip
    path = folder / "two.json"
    path.write_text(json.dumps(raw))
    return path


def several(method: str, found: list[tuple[float, float] | None], **more: object) -> dict:
    true = [None if pair is None else {"loss": pair[0], "speed": pair[1]} for pair in found]
    regret = [1.0] * len(found)
    return course(method, 0, regret, task="two", goals="all", true=true, readings=true, settings=[], **more)


def test_a_course_ends_at_one_when_it_has_found_the_front(tmp_path):
    """Faults and broken guards add nothing, nothing is ever lost, and all of the front is 1."""
    row = several("m", [None, (0.5, 1.0), (3.0, 5.0), (1.0, 10.0), (3.0, 5.0), (2.0, 20.0), (4.0, 40.0)])
    front = front_of(read_task(write_task(tmp_path)), [row], None)
    assert front is not None
    shares = front.course(row).tolist()
    assert shares[:2] == [0.0, 0.0]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)
    assert shares[3] == shares[4] < shares[5]


def test_without_its_data_the_front_is_what_was_seen(tmp_path):
    """And it says so."""
    raw = json.loads(write_task(tmp_path).read_text())
    path = tmp_path / "two.json"
    path.write_text(json.dumps({**raw, "source": {"convert": "storm:SS-A"}}))
    front = front_of(read_task(path), [several("m", [(1.0, 10.0), (2.0, 20.0)])], None)
    assert front is not None
    assert front.origin == "what any method saw"
    assert front.course(several("m", [(1.0, 10.0), (2.0, 20.0)]))[-1] == pytest.approx(1.0)


# ── the whole report ────────────────────────────────────────────────────────────────────────────────────────────────


def write(path: Path, some: list[dict]) -> Path:
    text = "".join(json.dumps(row) + "\n" for row in some)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def test_the_report_tells_draws_and_writes(tmp_path, capsys):
    """Our ratio first, what is wanted beside it, a picture, and the same tables as Markdown; gzipped files too."""
    some = [*rows("kaizen", [1.0, 0.2, 0.1, 0.1]), *rows("tpe", [1.0, 0.9, 0.5, 0.2])]
    out = write(tmp_path / "r.jsonl.gz", some)
    assert main([str(out), "--targets", "--picture", str(tmp_path / "c.svg"), "--boot", "50"]) == 0
    said = [line.split() for line in capsys.readouterr().out.split("\n")]
    assert ["kaizen", "/", "tpe", "0.50", "0.50", "to", "0.50", "0", "of", "3", "1", "3", "3"] in [
        line[:13] for line in said
    ]
    assert ["tpe", "all", "0.50", "0.50", "to", "0.50", "0.40", "missed", "1", "3", "3"] in said
    assert "<polyline" in (tmp_path / "c.svg").read_text()
    assert main([str(out), "--markdown", str(tmp_path / "r.md"), "--boot", "0", "--pairs"]) == 0
    assert "| tpe | kaizen |" in (tmp_path / "r.md").read_text()


def test_brief_is_a_line_a_peer(tmp_path, capsys):
    """Ratio, tasks and seeds, and whether the target is met."""
    some = [
        *rows("kaizen", [1.0, 0.2, 0.1, 0.1]),
        *rows("tpe", [1.0, 0.9, 0.5, 0.2]),
        *rows("ax", [1.0, 0.9, 0.5, 0.1]),
    ]
    assert main([str(write(tmp_path / "r.jsonl", some)), "--brief", "--targets", "--boot", "20"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert next(line for line in lines if line.startswith("ax ")).endswith("0.90: met")
    assert next(line for line in lines if line.startswith("tpe ")).split()[1] == "0.50"


def test_several_metrics_are_told_by_hypervolume(tmp_path, capsys):
    """A table of shares and the runs to the peer's; tasks named by --tasks are known, others said."""
    some = [
        several("kaizen", [(4.0, 40.0), (1.0, 10.0), (2.0, 20.0)]),
        several("tpe", [(3.0, 5.0), (4.0, 40.0), (3.0, 5.0)]),
    ]
    out, task = write(tmp_path / "r.jsonl", some), write_task(tmp_path)
    assert main([str(out), "--tasks", str(task), "--boot", "10"]) == 0
    said = capsys.readouterr().out
    assert "1.0000" in next(line for line in said.splitlines() if line.startswith("two "))
    assert main([str(out), "--boot", "10"]) == 0
    assert "No hypervolume of two" in capsys.readouterr().out


def test_no_sound_run_is_told_too(tmp_path, capsys):
    """A course of faults alone has no regret; the report says none."""
    some = [*rows("kaizen", [None, None]), *rows("random", [1.0, 0.5])]
    assert main([str(write(tmp_path / "r.jsonl", some)), "--picture", str(tmp_path / "c.svg"), "--boot", "5"]) == 0
    assert "none" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ("no results\n", [], "must hold one result a line; line 1 is none"),
        ('{"task": "t"}\n', [], "must hold one result a line"),
        (
            json.dumps(course("m", 0, [1.0])).replace('"budget": 1', '"budget": 3') + "\n",
            [],
            "the regret of 3 runs; got 1",
        ),
        ("", [], "must hold results"),
        (json.dumps(course("m", 0, [1.0])) + "\n", ["--budget", "9"], "must hold results"),
        (json.dumps(course("m", 0, [1.0])) + "\n", ["--tasks", "absent.json"], "must be a task file"),
        (json.dumps(course("m", 0, [1.0])) + "\n", ["--tasks", "absent.txt"], "must be a list of task files"),
        (
            json.dumps(course("m", 0, [1.0])) + "\n",
            ["--picture", "nowhere/c.svg"],
            "must be a file that can be written",
        ),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path, monkeypatch, capsys, text, words, said):
    """Exit status 2, no traceback."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.jsonl").write_text(text)
    assert main(["r.jsonl", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("name", ["absent.jsonl", "torn.jsonl.gz"])
def test_an_absent_or_torn_file_is_one_sentence(tmp_path, capsys, name):
    """Also a gzipped one that was cut short."""
    if name.startswith("torn"):
        (tmp_path / name).write_bytes(gzip.compress(b"{}" * 1000)[:20])
    assert main([str(tmp_path / name)]) == 2
    assert "must be a file of results" in capsys.readouterr().err


def test_a_picture_names_a_dozen_methods_apart():
    """Every label of the panel over all tasks stands clear of the next, and methods that ran few tasks are said."""
    some = [
        row
        for k in range(12)
        for task in ("a", "b", "c")
        for row in rows(f"m{k}" if k else "kaizen", [1.0, 0.5 + k / 1e4], task)
        if k < 11 or task == "a"
    ]
    drawn = picture(cells(some, 2, "first"), "kaizen")
    assert "too few tasks: m11" in drawn
    assert all(f">m{k} " in drawn for k in range(1, 11))
    assert drawn.count("<polyline") == 11 + 11 + 11 + 12


def test_tables_are_set_as_text_and_as_markdown():
    """A table without rows is left out of both."""
    table = Table("What", ["a", "b"], [["one", "2"]])
    assert plain([table, Table("Nothing", ["a"], [])]) == "What\n\na    b\n------\none  2"
    assert markdown([table]) == "What\n\n| a | b |\n| :-- | --: |\n| one | 2 |\n"
