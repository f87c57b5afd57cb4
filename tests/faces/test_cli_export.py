"""Tables for other tools: what is exported reads back as what was kept."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kaizen.errors import Stuck, Undeclared
from kaizen.faces.cli import main
from kaizen.recipes.toml import read
from kaizen.reports.export import FORMATS, WHAT, as_csv, as_jsonl, as_parquet, rows, written
from kaizen.workshop import open_workshop

RECIPE = """
[process.mill]
[process.mill.metric]
size = { better = "lower", exact = true }

[process.mill.standard]
level = 6
codec = "xz"

[process.mill.may]
level = "1..9"
codec = ["xz", 5, true]
depth = { range = "0.5..8.0", when = { codec = 5 } }
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def kaizen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Keep a mill with a proven standard, a fault and a lesson; run command lines on it."""
    monkeypatch.chdir(tmp_path)
    Path("kaizen.toml").write_text(RECIPE, encoding="utf-8")
    with open_workshop() as shop:
        bench = shop.describe(read()[0])
        for changes, size in (({"level": 5}, 90.0), ({"codec": 5, "depth": 0.5}, 1e-300), ({"codec": True}, None)):
            bench.propose(changes, because='cheap, "quick"', by="ana")
            pair = bench.ask(by="ana", n=2)
            assert isinstance(pair, tuple)
            for run in pair:
                if run.side == "standard":
                    bench.tell(run, size={1: 100.0, 2: 90.0, 3: 1e-300}[bench.standard.number])
                elif size is None:
                    bench.fault(run, "smoke,\nand fire", by="ana")
                else:
                    bench.tell(run, size=size, conditions={"lot": "7"}, seconds=0.1)

    def call(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(list(words))
        return status, *capsys.readouterr()

    return call


def test_jsonl_is_round_trip_safe(kaizen: Run) -> None:
    """Numbers are whole, what is absent is nothing, and every row has every column."""
    status, out, _ = kaizen("export", "--format", "jsonl")
    table: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    assert (status, len(table)) == (0, 6)
    assert len({tuple(row) for row in table}) == 1
    by_codec = {str(row["setting.codec"]): row for row in table if row["side"] == "increment"}
    assert by_codec["5"]["setting.depth"] == 0.5
    assert by_codec["5"]["reading.size"] == 1e-300
    assert by_codec["5"]["spend.seconds"] == 0.1
    assert by_codec["5"]["conditions.lot"] == "7"
    assert by_codec["xz"]["setting.depth"] is None
    assert by_codec["True"]["setting.codec"] is True
    assert (by_codec["True"]["fault"], by_codec["True"]["fault.note"]) == ("told", "smoke,\nand fire")
    assert by_codec["True"]["reading.size"] is None
    assert kaizen("export", "--json")[1] == out


def test_csv_reads_back(kaizen: Run) -> None:
    """CSV keeps every row and column, commas, quotes and line ends included."""
    _, out, _ = kaizen("export", "mill", "--what", "runs", "--format", "csv")
    table = list(csv.DictReader(io.StringIO(out, newline="")))
    assert len(table) == 6
    assert table[-1]["process"] == "mill"
    assert {row["fault.note"] for row in table} == {"", "smoke,\nand fire"}
    assert {float(row["reading.size"]) for row in table if row["reading.size"]} == {100.0, 90.0, 1e-300}
    assert {row["setting.codec"] for row in table} == {"xz", "5", "true"}


@pytest.mark.parametrize("what", WHAT)
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_every_table(kaizen: Run, what: str, form: str) -> None:
    """Every table can be written to a file, in every plain form."""
    status, out, _ = kaizen("export", "mill", "--what", what, "--format", form, "-o", "table")
    assert (status, f" {what} of mill: table" in out) == (0, True)
    written_ = Path("table").read_bytes()
    printed = kaizen("export", "mill", "--what", what, "--format", form)[1]
    assert printed.encode() == written_
    assert len(written_.splitlines()) > (form == "csv")


def test_trials_and_standards(kaizen: Run) -> None:
    """A trial's verdict and effects are columns, and so is the standard it became."""
    trials = [json.loads(line) for line in kaizen("export", "--what", "trials", "--json")[1].splitlines()]
    assert [(row["verdict"], row["adopted"]) for row in trials] == [("better", 2), ("better", 3), ("worse", None)]
    assert trials[0]["before.level"] == 6
    assert trials[0]["after.level"] == 5
    assert trials[0]["low.size"] == trials[0]["gain.size"] > 0
    standards = [json.loads(line) for line in kaizen("export", "--what", "standards", "--json")[1].splitlines()]
    assert [row["evidence"] for row in standards] == ["given", "proven", "proven"]
    log = [json.loads(line) for line in kaizen("export", "--what", "log", "--json")[1].splitlines()]
    assert json.loads(log[0]["entry"])["process"]["name"] == "mill"


def test_mistakes(kaizen: Run) -> None:
    """No such table, no such format, a binary table without a file."""
    for words, sentence in (
        (["--what", "cups"], "what is exported must be one of runs, trials, standards, lessons, log; got 'cups'"),
        (["--format", "xls"], "a format must be one of csv, jsonl, parquet; got 'xls'"),
        (["--format", "parquet"], "a Parquet table must go to a file; got none"),
        (["-o", "no/such/file"], "no/such/file must be a file that can be written"),
    ):
        status, out, err = kaizen("export", *words)
        assert (status, out) == (2, "")
        assert sentence in err


def test_parquet(kaizen: Run) -> None:
    """With pyarrow a table is written, kinds in one column made alike; without, a sentence says what to install."""
    with open_workshop() as shop:
        table = rows(shop["mill"].story(), "runs")
    try:
        import pyarrow.parquet
    except ImportError:
        with pytest.raises(Stuck, match="Parquet must be written by pyarrow") as caught:
            as_parquet(table)
        assert caught.value.hint == "pip install kaizen-engine[parquet]"
        return
    read = pyarrow.parquet.read_table(io.BytesIO(as_parquet(table))).to_pylist()
    assert [row["run"] for row in read] == [row["run"] for row in table]
    assert {row["setting.codec"] for row in read} == {'"xz"', "5", "true"}


def test_an_empty_table() -> None:
    """Nothing to tell is an empty file, and an unknown form a sentence."""
    assert as_csv([]) == b""
    assert as_jsonl([]) == b""
    assert set(FORMATS) == {"csv", "jsonl", "parquet"}
    with pytest.raises(Undeclared, match="a format must be one of"):
        written([], "xls")
