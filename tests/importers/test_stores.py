"""Stores of Optuna, MLflow and Ray Tune, read without any of them."""

import json
import sqlite3
from contextlib import closing

import pytest

from kaizen.errors import Malformed
from kaizen.importers import mlflow, optuna, pi, raytune
from kaizen.parameter import Choice, Real, When, Whole
from kaizen.setting import Setting

LR = '{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.1, "log": true}}'
LAYERS = '{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 4}}'
OPT = '{"name": "CategoricalDistribution", "attributes": {"choices": ["sgd", "adam"]}}'
MOMENTUM = '{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.99, "log": false}}'
TRIALS = [
    ("COMPLETE", {"lr": (0.01, LR), "layers": (2.0, LAYERS), "opt": (0.0, OPT), "momentum": (0.9, MOMENTUM)}, 1.5),
    ("COMPLETE", {"lr": (0.02, LR), "layers": (3.0, LAYERS), "opt": (1.0, OPT)}, 1.2),
    ("FAIL", {"lr": (0.1, LR), "layers": (4.0, LAYERS), "opt": (1.0, OPT)}, None),
    ("PRUNED", {"lr": (0.03, LR), "layers": (1.0, LAYERS), "opt": (1.0, OPT)}, None),
    ("RUNNING", {}, None),
]


def store(path, names=("tune",)):
    with closing(sqlite3.connect(path)) as base:
        base.executescript(
            """
            CREATE TABLE studies (study_id INTEGER PRIMARY KEY, study_name VARCHAR(512));
            CREATE TABLE study_directions (study_direction_id INTEGER PRIMARY KEY, direction VARCHAR(8), study_id INTEGER, objective INTEGER);
            CREATE TABLE trials (trial_id INTEGER PRIMARY KEY, number INTEGER, study_id INTEGER, state VARCHAR(8),
                datetime_start DATETIME, datetime_complete DATETIME);
            CREATE TABLE trial_params (param_id INTEGER PRIMARY KEY, trial_id INTEGER, param_name VARCHAR(512),
                param_value FLOAT, distribution_json TEXT);
            CREATE TABLE trial_values (trial_value_id INTEGER PRIMARY KEY, trial_id INTEGER, objective INTEGER, value FLOAT, value_type VARCHAR(7));
            CREATE TABLE trial_user_attributes (trial_user_attribute_id INTEGER PRIMARY KEY, trial_id INTEGER, key VARCHAR(512), value_json TEXT);
            """
        )
        for study, called in enumerate(names, 1):
            base.execute("INSERT INTO studies VALUES (?, ?)", (study, called))
            base.execute("INSERT INTO study_directions VALUES (?, 'MINIMIZE', ?, 0)", (study, study))
        for number, (state, params, value) in enumerate(TRIALS):
            base.execute(
                "INSERT INTO trials VALUES (?, ?, 1, ?, '2026-01-01 00:00:00', '2026-01-01 00:00:30')",
                (number + 1, number, state),
            )
            for param, (inner, distribution) in params.items():
                base.execute(
                    "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (?, ?, ?, ?)",
                    (number + 1, param, inner, distribution),
                )
            if value is not None:
                base.execute(
                    "INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, 0, ?, 'FINITE')",
                    (number + 1, value),
                )
            base.execute(
                "INSERT INTO trial_user_attributes (trial_id, key, value_json) VALUES (?, 'gpu', '\"a100\"')",
                (number + 1,),
            )
        base.commit()
    return path


def journal(path):
    worker = {"worker_id": "w"}
    lines = [{"op_code": 0, **worker, "study_name": "tune", "directions": [1]}]
    states = {"RUNNING": 0, "COMPLETE": 1, "PRUNED": 2, "FAIL": 3}
    for trial, (state, params, value) in enumerate(TRIALS):
        lines.append({"op_code": 4, **worker, "study_id": 0, "datetime_start": "2026-01-01T00:00:00+00:00"})
        lines += [{"op_code": 5, **worker, "trial_id": trial, "param_name": param, "param_value_internal": inner, "distribution": distribution}
                  for param, (inner, distribution) in params.items()]  # fmt: skip
        lines.append({"op_code": 8, **worker, "trial_id": trial, "user_attr": {"gpu": "a100"}})
        if state != "RUNNING":
            lines.append({"op_code": 6, **worker, "trial_id": trial, "state": states[state], "values": None if value is None else [value],
                          "datetime_complete": "2026-01-01T00:00:30+00:00"})  # fmt: skip
    path.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    return path


def test_optunas_store_and_journal_say_the_same(tmp_path) -> None:
    """One study written both ways is one record: same rows, same keys, same parameters."""
    base, lines = store(tmp_path / "o.db"), journal(tmp_path / "o.log")
    assert optuna.claims_store(base)
    assert optuna.claims_journal(lines.read_text(encoding="utf-8"))
    one, two = optuna.read_store(base), optuna.read_journal(lines)
    assert one.rows == two.rows
    assert one.parameters == two.parameters
    assert (one.metric, one.better, one.process) == (two.metric, two.better, two.process) == ("value", "lower", "tune")


def test_optunas_trials(tmp_path) -> None:
    """A choice is its value, not its place; a failure is a fault; pruned has no reading; running is listed."""
    found = optuna.read_store(store(tmp_path / "o.db"))
    assert found.rows[0].setting == Setting(lr=0.01, layers=2, opt="sgd", momentum=0.9)
    assert (found.rows[0].seconds, found.rows[0].conditions) == (30.0, {"gpu": "a100"})
    assert found.rows[2].fault is not None
    assert (found.rows[3].decision, found.rows[3].metrics, found.rows[3].fault) == ("rejected", {}, None)
    assert "trial 4 is running" in found.unread[0].because
    assert set(found.parameters) == {
        Real(name="lr", low=1e-5, high=0.1, log=True), Whole(name="layers", low=1, high=4), Choice(name="opt", values=("sgd", "adam")),
        Real(name="momentum", low=0.0, high=0.99, when=(When("opt", ("sgd",)),)),
    }  # fmt: skip


def test_several_studies_ask_for_a_name(tmp_path) -> None:
    """Which one is meant must be said, and is said how."""
    base = store(tmp_path / "o.db", names=("one", "two"))
    with pytest.raises(Malformed, match="must be named where there are several") as told:
        optuna.read_store(base)
    assert told.value.hint == "--process, one of: one, two"
    assert optuna.read_store(base, "one").process == "one"


def test_a_broken_journal_lists_its_lines(tmp_path) -> None:
    """A line cut off by a crash is listed."""
    path = journal(tmp_path / "o.log")
    path.write_text(
        path.read_text(encoding="utf-8") + '{"op_code": 4, "wor\n{"op_code": 5, "trial_id": 99}\n', encoding="utf-8"
    )
    found = optuna.read_journal(path)
    assert len([bad for bad in found.unread if "no operation of a journal" in bad.because]) == 2


# ── MLflow ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_mlflows_store(tmp_path) -> None:
    """Parameters, latest metrics, states, the commit, the note."""
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path)) as base:
        base.executescript(
            """
            CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name TEXT, lifecycle_stage TEXT);
            CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, name TEXT, status TEXT, start_time BIGINT, end_time BIGINT,
                lifecycle_stage TEXT, experiment_id INTEGER);
            CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
            CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
            CREATE TABLE latest_metrics (key TEXT, value FLOAT, timestamp BIGINT, step BIGINT, is_nan BOOLEAN, run_uuid TEXT);
            INSERT INTO experiments VALUES (0, 'Default', 'active'), (1, 'fit', 'active');
            INSERT INTO runs VALUES ('a', 'x', 'FINISHED', 1700000000000, 1700000060000, 'active', 1),
                ('b', 'y', 'FAILED', 1700000100000, NULL, 'active', 1),
                ('c', 'z', 'FINISHED', 1700000200000, 1700000260000, 'deleted', 1),
                ('d', 'w', 'RUNNING', 1700000300000, NULL, 'active', 1);
            INSERT INTO params VALUES ('lr', '0.1', 'a'), ('lr', '0.2', 'b');
            INSERT INTO latest_metrics VALUES ('val loss', 2.5, 0, 9, 0, 'a'), ('train loss', 2.0, 0, 9, 0, 'a'), ('val loss', 0, 0, 1, 1, 'b');
            INSERT INTO tags VALUES ('mlflow.source.git.commit', 'abcdef1', 'a'), ('host', 'm1', 'a'), ('mlflow.note.content', 'first try', 'a');
            """
        )
    assert mlflow.claims_store(path)
    found = mlflow.read_store(path)
    assert (found.process, found.metric) == ("fit", "val_loss")
    first, second = found.rows
    assert (first.setting, first.metrics["val_loss"], first.revision, first.words) == (
        Setting(lr=0.1),
        2.5,
        "abcdef1",
        "first try",
    )
    assert (first.seconds, first.conditions) == (60.0, {"host": "m1"})
    assert second.fault is not None
    assert len(found.unread) == 1


def test_mlflows_files(tmp_path) -> None:
    """The older store: a folder a run, a file a value; the last line of a metric counts."""
    for run, status, lr in (("r1", "3", "0.1"), ("r2", "4", "0.2")):
        folder = tmp_path / "mlruns" / "7" / run
        for part in ("params", "metrics", "tags"):
            (folder / part).mkdir(parents=True)
        (folder / "meta.yaml").write_text(
            f"lifecycle_stage: active\nstart_time: 17000000000{run[1]}0\nend_time: 1700000060000\nstatus: {status}\n",
            encoding="utf-8",
        )
        (folder / "params" / "lr").write_text(lr, encoding="utf-8")
        (folder / "metrics" / "loss").write_text("1 3.0 0\n2 2.5 1\n", encoding="utf-8")
    (tmp_path / "mlruns" / "7" / "meta.yaml").write_text("experiment_id: '7'\nname: fit\n", encoding="utf-8")
    assert mlflow.claims_folder(tmp_path / "mlruns")
    found = mlflow.read_folder(tmp_path / "mlruns")
    assert (found.process, [row.metrics.get("loss") for row in found.rows]) == ("fit", [2.5, None])
    assert found.rows[1].fault is not None
    assert mlflow.read_folder(tmp_path / "mlruns" / "7").rows == found.rows


# ── Ray Tune and pi ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_ray_tune(tmp_path) -> None:
    """The last line of results, what broke, and the metric as the state of the experiment tells it."""
    for name, lr in (("t_1", 0.1), ("t_2", 0.2), ("t_3", 0.3)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "params.json").write_text(json.dumps({"lr": lr, "net": {"depth": 2}}), encoding="utf-8")
    lines = [
        {"loss": 3.0, "acc": 0.1, "training_iteration": 1},
        {"loss": 2.0, "acc": 0.2, "training_iteration": 2, "time_total_s": 5.0},
    ]
    (tmp_path / "t_1" / "result.json").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    (tmp_path / "t_2" / "error.txt").write_text("Traceback\nOutOfMemoryError: too much\n", encoding="utf-8")
    (tmp_path / "experiment_state-2026.json").write_text(
        '{"runner_data": {"_metric": "acc", "_mode": "max"}}', encoding="utf-8"
    )
    assert raytune.claims(tmp_path)
    found = raytune.read(tmp_path)
    assert (found.metric, found.better) == ("acc", "higher")
    assert found.rows[0].setting == Setting(lr=0.1, net_depth=2)
    assert (found.rows[0].metrics, found.rows[0].seconds) == ({"loss": 2.0, "acc": 0.2}, 5.0)
    assert found.rows[1].fault is not None
    assert found.rows[1].fault.reason == "memory"
    assert "no outcome yet" in found.unread[0].because


def test_pis_log(tmp_path) -> None:
    """Configuration and trials a line each; the hypothesis is a condition."""
    lines = [
        {"type": "config", "name": "liquid", "metricName": "parse_ms", "bestDirection": "lower"},
        {
            "run": 1,
            "commit": "abcdef1",
            "metric": 10.5,
            "metrics": {"alloc": 3},
            "status": "keep",
            "description": "baseline",
            "timestamp": 1700000000000,
        },
        {
            "run": 2,
            "commit": "abcdef2",
            "metric": 0,
            "status": "crash",
            "description": "inline all",
            "asi": {"hypothesis": "calls cost"},
        },
        {"run": 3, "commit": "abcdef3", "metric": 11.0, "status": "checks_failed", "description": "skip checks"},
    ]
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)) + "\nnot json\n", encoding="utf-8")
    assert pi.claims(path.read_text(encoding="utf-8"))
    found = pi.read(path)
    assert (found.process, found.metric, found.better) == ("liquid", "parse_ms", "lower")
    assert found.rows[0].metrics == {"parse_ms": 10.5, "alloc": 3.0}
    assert [row.fault is not None for row in found.rows] == [False, True, True]
    assert found.rows[1].conditions == {"hypothesis": "calls cost"}
    assert [bad.line for bad in found.unread] == [5]
