"""The index of words follows the ledger: whatever is written there, in however many steps it is read, and however it was lost."""

from pathlib import Path
from typing import Any

import pytest

import kaizen
from kaizen.foreign import Foreign, Row, keyed
from kaizen.hinting import Heard, hint, index_of, remember
from kaizen.metric import higher
from kaizen.parameter import Real, Revision
from kaizen.process import Policy, Process
from kaizen.setting import Numbers, Setting
from kaizen.trial import Fault
from kaizen.veteran.prints import changed
from kaizen.workshop.importing import take
from kaizen.workshop.remembering import catch_up, caught_up

DIFF = "--- a/t.py\n+++ b/t.py\n@@ -1 +1 @@ def main():\n-attend(x, heads=4)\n+attend(x, heads=8)\n"
LOG = (
    ("baseline", "keep", 1.0), ("halve batch 524K to 262K", "keep", 0.98), ("embedding lr 0.6 to 0.8", "discard", 0.99),
    ("random seed 42 to 137", "discard", 0.9805), ("depth 8 to 12", "crash", None), ("embedding_lr 0.6->0.8", "discard", 0.9902),
    ("warmdown 0.5 to 0.7", "keep", 0.9797),
)  # fmt: skip


def foreign(count: int = len(LOG)) -> Foreign:
    """A log of words, its first so many rows."""
    decisions: Any = {"keep": "kept", "discard": "rejected", "crash": "rejected"}
    rows = [
        Row(
            line=line, words=words, status=status, decision=decisions[status], revision=f"{line:07x}abc",
            metrics=Numbers({} if value is None else {"loss": value}),
            fault=Fault(reason="memory") if value is None else None,
        )
        for line, (words, status, value) in enumerate(LOG[:count], 1)
    ]  # fmt: skip
    return Foreign(form="a log", source="log", rows=keyed(rows), metric="loss", better="lower")


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def shop(ledger: Path) -> Any:
    with kaizen.open(ledger) as opened:
        yield opened


def remembered(shop: Any, ledger: Path | None, process: str) -> dict[str, tuple[Any, ...]]:
    """What the index holds, caught up: outcome, standard and grade by key."""
    with caught_up(shop.ledger, ledger, process) as index:
        rows = [index.get(key) for (key,) in index._db.execute("SELECT key FROM trial ORDER BY id").fetchall()]
    return {row.key: (row.outcome, row.standard, row.grade) for row in rows}


def test_a_log_brought_in_is_remembered(shop: Any, ledger: Path) -> None:
    """By its sentences, its decisions, its standards, its noise."""
    take(shop, foreign(), name="speed")
    assert remembered(shop, ledger, "speed") == {
        "run 1": ("baseline", 1, ""), "run 2": ("kept", 1, ""), "run 3": ("discarded", 2, ""), "run 4": ("discarded", 2, ""),
        "run 5": ("crashed", 2, ""), "run 6": ("discarded", 2, ""), "run 7": ("kept", 2, ""),
    }  # fmt: skip
    with caught_up(shop.ledger, ledger, "speed") as index:
        facts = index.fact("facts")
    assert (facts["standard"], facts["metric"], facts["runs"]) == (3, "loss", 1)
    assert facts["noise"] == pytest.approx(0.00038, abs=2e-5)  # of rows 2 and 4, 3 and 6
    nod = shop["speed"].consult(words="embedding LR 0.6 to 0.8")
    assert (nod.answer, nod.precedents[0].run, nod.precedents[0].differs) == ("go", 6, ("2×", "1 standard since"))
    assert "out of memory" in str(shop["speed"].consult(words="DEPTH=12").precedents[0])


def test_in_steps_or_at_once(shop: Any, ledger: Path, tmp_path: Path) -> None:
    """What was caught up row by row is what is caught up from nothing; nothing new is no work."""
    for count in range(1, len(LOG) + 1):
        take(shop, foreign(count), name="speed")
        catch_up(shop.ledger, ledger, "speed")
    in_steps = remembered(shop, ledger, "speed")
    assert in_steps == remembered(shop, tmp_path / "elsewhere" / "ledger.db", "speed")
    assert in_steps == remembered(shop, None, "speed")


@pytest.mark.parametrize("harm", ["gone", "cut", "other bytes"])
def test_whatever_happens_to_the_file(shop: Any, ledger: Path, harm: str) -> None:
    """It is made again from the ledger, and nobody notices."""
    take(shop, foreign(), name="speed")
    whole = remembered(shop, ledger, "speed")
    path = index_of(ledger, "speed")
    raw = path.read_bytes()
    match harm:
        case "gone":
            path.unlink()
        case "cut":
            path.write_bytes(raw[: len(raw) // 2])
        case _:
            path.write_bytes(raw[:4096] + bytes(len(raw) - 4096))
    assert remembered(shop, ledger, "speed") == whole


def test_another_ledger_in_its_place(ledger: Path) -> None:
    """What was remembered of the one before is forgotten."""
    for count in (7, 3):
        ledger.unlink(missing_ok=True)
        with kaizen.open(ledger) as shop:
            take(shop, foreign(count), name="speed")
            assert len(remembered(shop, ledger, "speed")) == count


def test_what_the_hook_heard_gives_way(shop: Any, ledger: Path) -> None:
    """By commit or by the key of the row, once the ledger has it."""
    take(shop, foreign(2), name="speed")
    catch_up(shop.ledger, ledger, "speed")
    key = foreign().rows[3].key
    told = [
        Heard("c1", "embedding lr 0.6 to 0.8", "", "0000003abcdef0", 1, "discarded", None, 2),
        Heard(key, "random seed 42 to 137", "", "", 1, "discarded", None, 2),
        Heard("c2", "tie the embeddings", "", "fffffff", 1, "kept", None, 2),
    ]
    remember(ledger, "speed", told)
    assert hint(ledger, "speed", "embedding lr 0.6->0.8").answer == "go"  # type: ignore[union-attr] # a keep since was heard
    take(shop, foreign(), name="speed")
    assert {"c1", key} & remembered(shop, ledger, "speed").keys() == set()
    assert "c2" in remembered(shop, ledger, "speed")


# ── trials of our own ─────────────────────────────────────────────────────────────────────────────────────────────────


def bench(shop: Any) -> Any:
    process = Process(
        name="model", parameters=(Revision(name="revision"), Real(name="lr", low=0.0, high=1.0)),
        metrics=(higher("gain", scale="difference", worthwhile=0.5, exact=True),),
        standard=Setting(revision="a" * 7, lr=0.1),
        policy=Policy(shadow=0.0),
    )  # fmt: skip
    return shop.describe(process)


def play(bench: Any, before: float, after: float, **increment: Any) -> None:
    bench.propose(because="why not", by="ana", **increment)
    standard = bench.standard.setting
    for run in bench.ask("ana", 2):
        bench.tell(run, {"gain": before if run.setting == standard else after}, by="ana", seconds=60)


def test_increments_in_words_and_code(shop: Any, ledger: Path) -> None:
    """A proposal keeps its sentence, its files and the fingerprint of its diff, and is in flight until it is judged."""
    made = bench(shop)
    offer = made.propose(revision="b" * 7, because="b", words="eight heads", diff=DIFF)
    assert offer.increment.words == "eight heads"
    assert (offer.increment.files, offer.increment.symbols) == (("t.py",), ("t.py::main",))
    assert offer.increment.diff == changed(DIFF.encode()).print != ""
    assert offer.nod.answer == "go"
    assert made.consult(words="eight heads").answer == "in_flight"
    assert made.consult(diff=DIFF.encode()).answer == "in_flight"
    for run in made.ask("ana", 2):
        made.tell(run, {"gain": 3.0 if run.setting["revision"] == "b" * 7 else 5.0}, by="ana", seconds=60)
    nod = made.consult(words="heads: eight")
    assert (nod.answer, nod.precedents[0].trial, nod.grade) == ("failed_before", 1, "replicated")
    assert nod.spend.runs == 2
    assert nod.spend.seconds == 120
    assert made.consult(revision="c" * 7, words="eight heads").answer == "failed_before"
    assert made.consult(revision="c" * 7).answer == "go"


def test_what_becomes_of_trials(shop: Any, ledger: Path) -> None:
    """Adopted and rolled back, failed and retracted: each says what it is worth now."""
    made = bench(shop)
    play(made, 5.0, 6.0, revision="b" * 7, words="eight heads")
    play(made, 6.0, 5.0, revision="c" * 7, words="tie the embeddings")
    assert remembered(shop, ledger, "model") == {
        "trial 1": ("kept", 1, "replicated"),
        "trial 2": ("discarded", 2, "replicated"),
    }
    assert made.consult(words="eight heads").answer == "worked_before"
    made.retract(made.lessons[-1].id, "the machine was busy")
    assert made.consult(words="tie the embeddings").answer == "go"
    made.rollback("it forgot")
    assert remembered(shop, ledger, "model") == {
        "trial 1": ("kept", 1, "reopened"),
        "trial 2": ("discarded", 2, "invalid"),
    }
    assert "rolled back" in made.consult(words="eight heads").because


def test_values_are_words_too(shop: Any) -> None:
    """An increment without a sentence is found by what it changes and why."""
    made = bench(shop)
    play(made, 5.0, 4.0, lr=0.2)
    assert made.consult(words="lr=0.2").answer == "failed_before"


def test_a_ledger_in_memory_has_a_memory_of_words() -> None:
    """Nothing is written anywhere."""
    with kaizen.open("memory:") as shop:
        made = bench(shop)
        play(made, 5.0, 4.0, revision="b" * 7, words="eight heads")
        assert made.consult(words="eight heads").answer == "failed_before"


def test_nothing_is_asked(shop: Any) -> None:
    """Neither values nor words nor code: that is a mistake, said with a way out."""
    with pytest.raises(kaizen.Malformed, match="must be values, words, or a diff that changes code; got none of them"):
        bench(shop).consult()
    with pytest.raises(kaizen.Malformed):
        bench(shop).consult(diff="+# a comment")
