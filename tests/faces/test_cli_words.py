"""``kaizen nod`` in words and by a diff, and proposals that carry both."""

import io
import sys
from pathlib import Path

import pytest

from tests.faces.said import Shell, shell

LOG = """commit\tval_bpb\tmemory_gb\tstatus\tdescription
a1b2c3d\t1.0000\t44.0\tkeep\tbaseline
bea057b\t0.9800\t43.9\tkeep\thalve batch 524K to 262K
187e419\t0.9900\t60.2\tdiscard\tembedding lr 0.6 to 0.8 (worse)
"""
RECIPE = """
[process.coffee.metric]
taste = { better = "higher", scale = "difference", worthwhile = 0.5, exact = true, unit = "points" }

[process.coffee.standard]
grind = 8

[process.coffee.may]
grind = "1..20"
"""
DIFF = "--- a/brew.py\n+++ b/brew.py\n@@ -1 +1 @@\n-pour(bloom=False, water=200)\n+pour(bloom=True, water=200)\n"


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(tmp_path)
    return shell(capsys)


@pytest.fixture
def imported(call: Shell) -> Shell:
    Path("results.tsv").write_text(LOG, encoding="utf-8")
    assert call("import", "results.tsv", "--process", "speed").status == 0
    return call


@pytest.fixture
def coffee(call: Shell) -> Shell:
    Path("kaizen.toml").write_text(RECIPE, encoding="utf-8")
    return call


def brewed(call: Shell, taste: float, *words: str) -> None:
    """Propose a finer grind, and brew its pair: 6 for the standard, ``taste`` for the increment."""
    assert call("propose", "coffee", "grind=11", "--because", "finer", "--by", "ana", *words).status == 0
    for run in call("ask", "coffee", "--by", "ana", "-n", "2", "--json").document["runs"]:
        told = taste if run["setting"]["grind"] == 11 else 6.0
        assert call("tell", "coffee", str(run["run"]), f"taste={told}").status == 0


@pytest.mark.parametrize(
    "words",
    [
        ("speed", "embedding LR 0.6 to 0.8"),
        ("embedding LR 0.6 to 0.8",),
        ("speed", "embedding_lr=0.8"),
        ("speed", "embedding", "lr", "0.6->0.8"),
    ],
)
def test_a_sentence(imported: Shell, words: tuple[str, ...]) -> None:
    """In quotes or without, the process named or the only one there is; of code, even ``name=value`` is a sentence."""
    said = imported("nod", *words)
    assert said.status == 0
    assert (
        "precedent  run 3 (187e419) “embedding lr 0.6 to 0.8 (worse)” was discarded: val_bpb worse by 1 %" in said.out
    )
    document = imported("nod", *words, "--json").document
    assert (document["process"], document["nod"]["answer"]) == ("speed", "failed_before")
    assert document["nod"]["precedents"][0]["run"] == 3


def test_nothing_like_it(imported: Shell) -> None:
    """A fresh idea may go."""
    assert imported("nod", "speed", "tie the embeddings").out.endswith("go: nothing like it is remembered\n")


def test_values_and_words_part(coffee: Shell) -> None:
    """A value is one still, a mistyped name is a mistake still, and words beside values count, too."""
    brewed(coffee, 3.0, "--words", "stir longer while it blooms")
    assert coffee("nod", "coffee", "grind=11", "--json").document["nod"]["answer"] == "failed_before"
    assert coffee("nod", "grind=9", "--json").document["nod"]["answer"] == "go"
    assert coffee("nod", "grind=9", "longer stirring while it blooms", "--json").document["nod"]["precedents"] != []
    assert coffee("nod", "coffee", "grnd=9").status == 2
    assert coffee("nod", "coffee").err.startswith(
        "kaizen: what the veteran is asked about must be values, words, or a diff"
    )


def test_a_diff_from_a_file_or_standard_input(coffee: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its fingerprint is kept with the proposal, and known again under another name."""
    Path("change.diff").write_text(DIFF, encoding="utf-8")
    brewed(coffee, 3.0, "--words", "bloom", "--diff", "change.diff")
    found = coffee("nod", "coffee", "something bolder", "--diff", "change.diff", "--json").document["nod"]
    assert (found["answer"], found["precedents"][0]["trial"]) == ("failed_before", 1)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(DIFF.encode())))
    assert coffee("nod", "--diff", "-", "--json").document["nod"]["answer"] == "failed_before"
    missing = coffee("nod", "coffee", "x", "--diff", "gone.diff")
    assert missing.status == 2
    assert "--diff must be a file that can be read, or -; got gone.diff" in missing.err
