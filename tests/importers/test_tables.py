"""Tables of runs: roles of columns, kinds of values, and rows that cannot be read."""

import json

import pytest

from kaizen.errors import Malformed, Stuck, Undeclared
from kaizen.foreign import Wanted
from kaizen.foreign.describing import parameters_of, process_of, settings_of
from kaizen.importers.tables import read
from kaizen.parameter import Choice, Real, Switch, When, Whole
from kaizen.setting import Setting, Texts


def table(tmp_path, text, name="runs.csv", **columns):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read(path, Wanted(columns=Texts(columns)))


def test_roles_are_given(tmp_path) -> None:
    """``--map`` says what columns are; what it leaves is a condition."""
    found = table(
        tmp_path, "lr,batch,loss,gpu\n0.1,16,2.5,a100\n0.2,32,2.0,h100\n", lr="setting", batch="setting", loss="metric"
    )
    assert found.metric == "loss"
    assert found.rows[0].setting == Setting(lr=0.1, batch=16)
    assert found.rows[1].metrics == {"loss": 2.0}
    assert found.rows[1].conditions == {"gpu": "h100"}


def test_roles_are_read_from_names(tmp_path) -> None:
    """What Optuna's table of trials calls its columns, and what others put before them."""
    text = "number,value,datetime_start,datetime_complete,duration,params_lr,params_opt,state\n"
    text += "0,1.5,2026-01-01 00:00:00,2026-01-01 00:01:00,60,0.1,sgd,COMPLETE\n1,,,,,0.2,adam,FAIL\n2,,,,,0.3,adam,RUNNING\n"
    found = table(tmp_path, text)
    assert found.rows[0].setting == Setting(lr=0.1, opt="sgd")
    assert found.rows[0].seconds == 60
    assert found.rows[1].fault is not None
    assert [bad.line for bad in found.unread] == [4]
    jsonl = "\n".join(json.dumps({"config": {"lr": lr, "deep": True}, "metrics": {"acc": 0.5}}) for lr in (1, 2.5))
    found = table(tmp_path, jsonl, "runs.jsonl")
    assert found.rows[0].setting == Setting(lr=1.0, deep=True)
    assert found.metric == "acc"


def test_a_table_without_roles_asks_for_them(tmp_path) -> None:
    """The hint is a line to be mended and sent again."""
    with pytest.raises(Malformed, match=r"must be a metric") as told:
        table(tmp_path, "a,b,c\n1,2,3\n")
    assert "--map a=setting,b=setting,c=metric" in told.value.hint
    with pytest.raises(Undeclared, match=r"a column of runs\.csv must be one of a, b, c; got 'z'"):
        table(tmp_path, "a,b,c\n1,2,3\n", z="metric")
    with pytest.raises(Undeclared, match="a column's role must be one of"):
        table(tmp_path, "a,b,c\n1,2,3\n", a="magic")
    with pytest.raises(Malformed, match="must have rows"):
        table(tmp_path, "a,b,c\n")


def test_rows_that_cannot_be_read_are_listed(tmp_path) -> None:
    """Line and reason: too short, no JSON, no object, no number and no status, a whole number beyond all bounds."""
    found = table(tmp_path, "lr,loss\n1,2\n3\n4,\n5,6\n", lr="setting", loss="metric")
    assert [(bad.line, bad.because) for bad in found.unread] == [
        (3, "it has 1 of 2 columns"),
        (4, "it has no number for loss, and no status that tells why"),
    ]
    lines = [
        '{"config": {"lr": 1}, "loss": 2}',
        "{",
        "[1]",
        '{"config": {"lr": 1e400}, "loss": 2}',
        '{"config": {"lr": "\\ud800"}, "loss": 2}',
    ]
    found = table(tmp_path, "\n".join(lines), "runs.jsonl", loss="metric")
    assert [bad.line for bad in found.unread] == [2, 3, 4]
    assert [row.line for row in found.rows] == [1, 5]


def test_foreign_faults_stay_faults(tmp_path) -> None:
    """A state or a column of faults; whatever number stands beside it is none."""
    found = table(
        tmp_path,
        "lr,loss,state,error\n1,0.0,crashed,\n2,0.0,finished,CUDA out of memory\n3,1.0,finished,\n",
        lr="setting",
        loss="metric",
        error="fault",
    )
    assert [row.fault.reason if row.fault else None for row in found.rows] == ["crash", "memory", None]
    assert found.rows[0].metrics == {}


def test_weights_and_biases(tmp_path) -> None:
    """Its table does not tell settings from numbers: how they were told apart is noted."""
    text = "Name,State,Notes,Runtime,lr,opt,loss,_step\nfast-owl,finished,,60,0.1,sgd,2.5,10\nslow-cat,crashed,,5,0.2,adam,,\n"
    found = table(tmp_path, text)
    assert found.rows[0].setting == Setting(lr=0.1, opt="sgd")
    assert found.rows[0].seconds == 60
    assert found.rows[1].fault is not None
    assert found.metric == "loss"
    assert "lr, opt" in found.notes[0]


def test_parquet_needs_pyarrow(tmp_path) -> None:
    """Read where pyarrow is there; else what to install is said."""
    path = tmp_path / "runs.parquet"
    path.write_bytes(b"PAR1....")
    try:
        import pyarrow as pa  # noqa: F401
    except ImportError:
        with pytest.raises(Stuck, match="Parquet must be read by pyarrow"):
            read(path, Wanted())


def test_parameters_are_made_of_columns() -> None:
    """Ranges as they were met; one value alone changes nothing; one that is absent at times waits for a choice."""
    settings = [
        Setting(lr=0.001, n=1, opt="sgd", momentum=0.5, flag=True, same=1),
        Setting(lr=0.1, n=3, opt="adam", flag=True, same=1),
        Setting(lr=0.01, n=2, opt="sgd", momentum=0.9, flag=False, same=1),
    ]
    assert set(parameters_of(settings)) == {
        Real(name="lr", low=0.001, high=0.1, log=True), Whole(name="n", low=1, high=3), Choice(name="opt", values=("sgd", "adam")),
        Real(name="momentum", low=0.5, high=0.9, when=(When("opt", ("sgd",)),)), Switch(name="flag"),
    }  # fmt: skip


def test_a_direction_is_asked_for(tmp_path) -> None:
    """Nothing is guessed where neither the source nor a name tells."""
    found = table(tmp_path, "a,b\n1,2\n3,4\n", a="setting", b="metric")
    with pytest.raises(Malformed, match="which way b is better must be known") as told:
        process_of(found, "p", Wanted())
    assert "--better lower" in told.value.hint
    process, said = process_of(found, "p", Wanted(better=Texts({"": "higher"})))
    assert process.metrics[0].better == "higher"
    assert said == ()
    assert set(settings_of(found).values()) == {Setting(a=1), Setting(a=3)}
