"""``kaizen import`` and ``kaizen autopsy`` at the command line: what they say, what they answer, and every refusal as a sentence."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kaizen.faces.cli import main

LOG = """commit\tval_bpb\tmemory_gb\tstatus\tdescription
a1b2c3d\t0.9979\t44.0\tkeep\tbaseline
bea057b\t0.9860\t43.9\tkeep\thalve batch 524K to 262K
187e419\t0.9926\t60.2\tdiscard\tembedding lr 0.6 to 0.8
0000000\t0.000000\t0.0\tcrash\tbatch 131K (OOM)
77d7a47\t0.9931\t60.2\tdiscard\tembedding_lr 0.6->0.8
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def kaizen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run command lines in a folder with a log."""
    monkeypatch.chdir(tmp_path)
    Path("results.tsv").write_text(LOG, encoding="utf-8")

    def call(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(list(words))
        return status, *capsys.readouterr()

    return call


def test_import_says_what_it_did(kaizen: Run) -> None:
    """Rows, process, standards, and what was inferred; the second time nothing is new."""
    status, out, _ = kaizen("import", "results.tsv", "--process", "speed", "--by", "ana")
    assert status == 0
    assert "results.tsv is a log of decisions (results.tsv): 5 rows" in out
    assert "Process speed, described from it: 5 runs reported (1 fault), 0 were there already" in out
    assert "1 keep became declared standards, unproven; today's is 2" in out
    assert "val_bpb: lower is better (so such metrics are called)" in out
    document = json.loads(kaizen("import", "results.tsv", "--process", "speed", "--json")[1])
    assert (document["reported"], document["there"], document["described"], document["left"]) == (0, 5, False, [])
    assert "halve batch" in kaizen("standard", "speed")[1]


def test_import_of_a_table(kaizen: Run) -> None:
    """Roles and directions by the command line; what cannot be read is listed with its line."""
    Path("runs.csv").write_text("lr,loss,note\n0.1,3,a\n0.2,,b\n0.3,2,c\n", encoding="utf-8")
    status, _, err = kaizen("import", "runs.csv")
    assert (status, "--map lr=setting" in err) == (2, True)
    status, out, _ = kaizen("import", "runs.csv", "--map", "lr=setting,loss=metric,note=condition")
    assert status == 0
    assert "left out: 1 row" in out
    assert "line 3: it has no number for loss" in out
    status, out, _ = kaizen(
        "import", "runs.csv", "--map", "lr=setting,loss=metric", "--better", "higher", "--process", "other", "--json"
    )
    assert json.loads(out)["process"] == "other"


def test_import_into_a_process_of_the_recipe(kaizen: Run) -> None:
    """A process that the recipe describes is taken as it describes it."""
    Path("kaizen.toml").write_text(
        '[process.fit.metric]\nloss = { better = "lower" }\n[process.fit.standard]\nlr = 0.1\n[process.fit.may]\nlr = "0.0..1.0"\n',
        encoding="utf-8",
    )
    Path("runs.jsonl").write_text(
        '{"config": {"lr": 0.5}, "metrics": {"loss": 2}}\n{"config": {"lr": 7}, "metrics": {"loss": 1}}\n',
        encoding="utf-8",
    )
    document = json.loads(kaizen("import", "runs.jsonl", "--process", "fit", "--json")[1])
    assert (document["described"], document["reported"]) == (False, 1)
    assert "lr must be a number from 0 to 1; got 7" in document["left"][0]["because"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("import", "absent.tsv"), "must be a file or folder that can be read"),
        (("import", "results.tsv", "--better", "sideways"), "a direction must be lower or higher"),
        (
            ("import", "results.tsv", "--better", "speed=lower"),
            "a metric of results.tsv must be one of memory_gb, val_bpb",
        ),
        (("import", "results.tsv", "--map", "x"), "a value must be written name=value"),
        (("autopsy", "absent.tsv"), "must be a file or folder that can be read"),
        (("autopsy", "results.tsv", "--each", "soon"), "--each must be a duration"),
        (("autopsy", "results.tsv", "--each", "-3"), "--each must be"),
        (("autopsy", "results.tsv", "-o", "no/such/folder.html"), "must be a file that can be written"),
        (("autopsy",), "required"),
    ],
)
def test_refusals_are_sentences(kaizen: Run, words: tuple[str, ...], told: str) -> None:
    """What must be what, got what; exit status 2, and no traceback."""
    status, out, err = kaizen(*words)
    assert (status, out) == (2, "")
    assert told in err
    assert "Traceback" not in err


def test_autopsy_of_logs(kaizen: Run) -> None:
    """A summary, a document, a page; nothing else is written."""
    before = set(Path().iterdir())
    status, out, _ = kaizen("autopsy", "results.tsv", "--each", "5 min")
    assert status == 0
    assert "5 trials · 1 kept · 2 rejected · 1 crashed · 1 baseline" in out
    assert "the same idea 1× (0 kept)" in out
    assert "The nod would have warned 1×: 20% of all trials, 5 min (as told), and no keep lost" in out
    assert set(Path().iterdir()) == before
    status, out, _ = kaizen("autopsy", "results.tsv", "results.tsv", "-o", "a.html", "--json")
    document = json.loads(out)
    assert [log["saved_trials"] for log in document["logs"]] == [1, 1]
    assert [
        log["better"] for log in json.loads(kaizen("autopsy", "results.tsv", "--better", "higher", "--json")[1])["logs"]
    ] == ["higher"]
    assert "All 2 logs: 10 trials, 2 tried again" in kaizen("autopsy", "results.tsv", "results.tsv")[1]
    assert document["logs"][0]["tried_again"][0]["trial"]["line"] == 6
    assert Path("a.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_autopsy_of_an_export(kaizen: Run) -> None:
    """Anything that import reads; settings instead of sentences."""
    kaizen("import", "results.tsv", "--process", "speed")
    kaizen("export", "speed", "-o", "runs.csv")
    status, out, _ = kaizen("autopsy", "runs.csv")
    assert status == 0
    assert "5 trials · 0 kept · 0 rejected · 1 crashed" in out


def test_an_autopsy_is_quick_from_cold(tmp_path: Path) -> None:
    """Two seconds for 500 rows; counted in seconds of a processor, as the machine may be busy."""
    lines = [
        f"{n:07x}\t{1 - n / 1000:.4f}\t44.0\t{'keep' if n % 5 == 0 else 'discard'}\tidea {n % 97} of layer {n % 13} lr 0.{n % 9 + 1} to 0.{n % 7 + 2}"
        for n in range(500)
    ]
    path = tmp_path / "results.tsv"
    path.write_text("\n".join([LOG.partition("\n")[0], *lines]), encoding="utf-8")
    before = os.times()
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "kaizen", "autopsy", str(path), "-o", str(tmp_path / "a.html")],
        check=True,
        capture_output=True,
        timeout=60,
    )
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    assert min(spent, time.perf_counter() - began) <= 2.0
