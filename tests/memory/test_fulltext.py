"""The index of words: what it finds is what its readable twin finds; it can be changed, lost and damaged."""

import random
from pathlib import Path
from typing import Any

import pytest

from kaizen.retrievers.fulltext import Fulltext
from kaizen.veteran.likeness import Sentences
from kaizen.veteran.prints import changed
from kaizen.veteran.retrieving import FAILED, Asked, Remembered
from kaizen.veteran.words import parse

KNOBS = ("matrix lr", "embedding lr", "weight decay", "warmdown", "batch size", "depth", "window pattern", "rope base")
VERBS = ("raise {} from {} to {}", "{} {}->{}", "lower {} {} to {} (worse)", "{}: {} => {} with longer warmup")
OTHERS = (
    "remove dropout",
    "add value embeddings",
    "gelu instead of relu",
    "tie the embeddings",
    "random seed 7",
    "z-loss 1e-4",
)


def sentences(count: int) -> list[str]:
    """Sentences as loops write them, drawn from a seed."""
    drawn = random.Random(7)
    said = []
    for _ in range(count):
        if drawn.random() < 0.3:
            said.append(drawn.choice(OTHERS))
        else:
            low, high = drawn.choice((0.04, 0.1, 2, 64)), drawn.choice((0.05, 0.2, 3, 128))
            said.append(drawn.choice(VERBS).format(drawn.choice(KNOBS), low, high))
    return said


def told(key: Any, said: str, outcome: Any = "discarded", standard: int = 1, **more: Any) -> Remembered:
    return Remembered(str(key), said, outcome, standard, **more)


@pytest.fixture
def index(tmp_path: Path) -> Any:
    with Fulltext(tmp_path / "words.db", make=True) as made:
        yield made


def keys(index: Any, said: str, **more: Any) -> list[str]:
    return [match.trial.key for match in index.nearest(index.asked(said), **more)]


def test_it_finds_what_its_twin_finds(index: Any) -> None:
    """Place for place and likeness for likeness, of failures alone, too."""
    twin, failed = Sentences(), set()
    for place, said in enumerate(sentences(120)):
        words = index.asked(said).words
        for among, places in ((FAILED, failed), ((), None)):
            mine = index.nearest(Asked(words), among=among, count=3)
            theirs = [like for like in twin.ask(words, places, 3) if like.likeness > 0]
            assert [match.likeness for match in mine] == pytest.approx([like.likeness for like in theirs])
            assert [int(match.trial.key) for match in mine] == [like.place for like in theirs]
            assert [match.knob for match in mine] == [like.knob for like in theirs]
        outcome = "discarded" if place % 3 else "kept"
        index.tell([told(place, said, outcome)])
        twin.add(words)
        failed |= {place} if outcome == "discarded" else set()


def test_what_is_told_again_is_updated(index: Any) -> None:
    """The same key is one trial: its place stays, its words may change, and no word is counted twice."""
    index.tell([told(1, "remove dropout", "open"), told(2, "wider layers")])
    index.tell([told(1, "remove dropout", effect=-0.5, grade="one run")])
    (match,) = index.nearest(index.asked("drop the dropout"))
    assert (match.trial.outcome, match.trial.effect, match.trial.grade, match.place) == (
        "discarded",
        -0.5,
        "one run",
        1,
    )
    index.tell([told(1, "add rotary positions")])
    assert keys(index, "remove dropout") == []
    assert keys(index, "rotary positions added") == ["1"]
    assert (index.fact("seen"), index.fact("counts")) == (2, {"discarded": 2})
    index.remove("1")
    assert keys(index, "rotary positions added") == []


def test_what_was_heard_gives_way_to_the_ledger(index: Any) -> None:
    """By its commit, shortened or whole; another commit stays."""
    index.tell(
        [
            told("c1", "remove dropout", heard=True, commit="abcdef0123", standard=4),
            told("c2", "no dropout", heard=True, commit="abcdef9"),
        ]
    )
    assert index.lately() == 4
    index.tell([told("run 7", "remove dropout (worse)", commit="abcdef01")])
    assert sorted(keys(index, "remove dropout")) == ["c2", "run 7"]


def test_words_and_code_find_each_on_their_own(index: Any) -> None:
    """A diff is known again whatever is said of it; where both are alike, the likelier says it."""
    made = changed(b"--- a/t.py\n+++ b/t.py\n@@ -1 +1 @@\n-attend(x, heads=4)\n+attend(x, heads=8)\n").print
    index.tell([told(1, "experiment twelve", print=made), told(2, "more heads")])
    (match,) = index.nearest(index.asked("try something else", made))
    assert (match.trial.key, match.likeness, match.code) == ("1", 1.0, 1.0)
    assert keys(index, "more heads") == ["2"]


def test_where_knobs_stand_is_remembered(index: Any) -> None:
    """``lr=0.02`` is down from 0.05 once that was kept, and up from 0.01 before."""
    index.tell([told(1, "lr 0.01 to 0.05", "open")])
    assert index.asked("lr=0.02").words.knobs[0].direction == 1
    index.tell([told(1, "lr 0.01 to 0.05", "kept")])
    assert index.asked("lr=0.02").words.knobs[0].direction == -1


def test_a_glossary_of_ones_own(tmp_path: Path) -> None:
    """A project's own words are one; another glossary is another index; who only reads takes the file's own."""
    path = tmp_path / "words.db"
    with Fulltext(path, glossary={"flux gate": "squelch"}, make=True) as index:
        index.tell([told(1, "widen the flux gate")])
        assert keys(index, "wider squelch") == ["1"]
    with Fulltext(path) as index:
        assert keys(index, "a squelch") == ["1"]
    with Fulltext(path, make=True) as index:
        assert index.fact("seen") is None


def test_no_file_and_no_index(tmp_path: Path) -> None:
    """Whoever only reads makes nothing; whoever writes begins anew."""
    path = tmp_path / "words.db"
    with pytest.raises(FileNotFoundError):
        Fulltext(path)
    path.write_bytes(b"no index at all" * 400)
    with pytest.raises(ValueError, match="must be an index of form"):
        Fulltext(path)
    with Fulltext(path, make=True) as index:
        index.tell([told(1, "remove dropout")])
        assert keys(index, "dropout removed") == ["1"]


def test_half_of_a_transaction_is_nothing(index: Any) -> None:
    """What is told inside is there as a whole, or not at all."""
    with pytest.raises(RuntimeError), index.writing():  # noqa: PT012 - two steps are the test
        index.tell([told(1, "remove dropout")])
        raise RuntimeError
    assert keys(index, "remove dropout") == []
    assert index.fact("counts") is None


def test_words_of_almost_every_trial_do_not_slow_a_question_down(index: Any) -> None:
    """Where a word is everywhere, the latest of those that fit are compared, and the very same one is among them."""
    index.tell([told(place, f"exp lr {place} to {place + 1}") for place in range(600)])
    assert keys(index, "exp lr 37 to 38", count=1) == ["37"]
    assert parse("exp lr 37 to 38").knobs[0].after == 38.0
