"""Hints for hooks: light, short, and silent where there is nothing to say."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kaizen.hinting import TOKENS, Heard, hint, index_of, print_of, remember, tokens

DIFF = b"--- a/t.py\n+++ b/t.py\n@@ -1 +1 @@\n-attend(x, heads=4)\n+attend(x, heads=8)\n"


def heard(key: str, message: str, outcome: Any = "discarded", **more: Any) -> Heard:
    told = {"print": "", "commit": f"{key}abcdef", "at": 1, "effect": None, "standard": 1, **more}
    return Heard(key=key, message=message, outcome=outcome, **told)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / ".git" / "kaizen" / "ledger.db"


def test_nothing_is_remembered_at_first(ledger: Path) -> None:
    """No hint, and no file is made by asking."""
    assert hint(ledger, "speed", "remove dropout", DIFF) is None
    assert not ledger.parent.exists()


def test_what_was_heard_is_remembered_at_once(ledger: Path) -> None:
    """Before the ledger has it; and what becomes of it is told under the same key."""
    remember(ledger, "speed", [heard("1", "remove dropout", "open")])
    found = hint(ledger, "speed", "drop dropout")
    assert found is not None
    assert (found.answer, found.lines[0]) == ("in_flight", "in flight: it is being tried now: 1abcdef “remove dropout”")
    remember(ledger, "speed", [heard("1", "remove dropout", effect=-0.1), heard("2", "wider layers")])
    found = hint(ledger, "speed", "drop dropout\n\nIt should generalise.\n# Please enter the commit message\n")
    assert found is not None
    assert (found.answer, found.odds) == ("failed_before", pytest.approx(2 / 51))
    assert found.precedents == ("1abcdef “remove dropout” was discarded: worse by 0.1 (one run; same standard)",)
    assert found.lines == (
        f"failed before: {found.precedents[0]}",
        "odds 4% (2 of 51 such repeats were kept in public logs); at risk 1 run; go, or say what is different",
    )


def test_a_keep_moves_the_standard(ledger: Path) -> None:
    """A failure from before it is told, and no warning."""
    remember(ledger, "speed", [heard("1", "remove dropout"), heard("2", "wider layers", "kept")])
    found = hint(ledger, "speed", "remove dropout")
    assert found is not None
    assert found.answer == "go"
    assert "1 standard since" in found.lines[0]


def test_a_fresh_idea_gets_no_words(ledger: Path) -> None:
    """It may go, silently."""
    remember(ledger, "speed", [heard("1", "remove dropout")])
    found = hint(ledger, "speed", "tie the embeddings")
    assert found is not None
    assert (found.answer, found.precedents, found.lines) == ("go", (), ())
    assert hint(ledger, "speed", "") is not None


def test_by_the_diff_alone(ledger: Path) -> None:
    """Whatever the message says."""
    remember(ledger, "speed", [heard("1", "experiment one", print=print_of(DIFF))])
    found = hint(ledger, "speed", "wip", DIFF)
    assert found is not None
    assert found.answer == "failed_before"


def test_each_process_has_its_own_memory(ledger: Path) -> None:
    """What failed in one says nothing of another."""
    remember(ledger, "speed", [heard("1", "remove dropout")])
    remember(ledger, "size", [heard("1", "wider layers")])
    assert hint(ledger, "size", "wider layers").lines  # type: ignore[union-attr] # there is one
    assert hint(ledger, "speed", "wider layers").lines == ()  # type: ignore[union-attr] # as above


def test_a_hint_is_short(ledger: Path) -> None:
    """At most 200 tokens, whatever was written; the one that says most is always there."""
    long = "lr_a.b[0]=1e-4->2e-4; " * 60
    remember(ledger, "speed", [heard(str(place), f"drop {long} {place}") for place in range(9)])
    found = hint(ledger, "speed", f"drop {long} 3")
    assert found is not None
    assert 0 < sum(map(tokens, found.lines)) <= TOKENS
    assert len(found.precedents) <= 3


def test_a_damaged_index_is_an_error_for_the_hook_and_made_again_by_the_next_writer(ledger: Path) -> None:
    """The hook fails open; nothing else is lost but what was only heard."""
    remember(ledger, "speed", [heard("1", "remove dropout")])
    index_of(ledger, "speed").write_bytes(b"damaged" * 1000)
    with pytest.raises(Exception, match="must be an index of form"):
        hint(ledger, "speed", "remove dropout")
    remember(ledger, "speed", [heard("2", "wider layers")])
    assert hint(ledger, "speed", "remove dropout").lines == ()  # type: ignore[union-attr] # there is one


def test_a_glossary_beside_the_ledger(ledger: Path) -> None:
    """A project's own words for one thing: as many as there are, with remarks."""
    ledger.parent.mkdir(parents=True)
    (ledger.parent / "glossary.txt").write_text(
        "# ours\nsquelch = flux gate, gate of flux  # both\n\nno sign\n", encoding="utf-8"
    )
    remember(ledger, "speed", [heard("1", "a wider flux gate")])
    found = hint(ledger, "speed", "wider squelch")
    assert found is not None
    assert found.answer == "failed_before"


def test_it_loads_next_to_nothing() -> None:
    """No NumPy, no SciPy, no ledger: a hook is not felt."""
    heavy = {"numpy", "scipy", "rich", "jinja2", "msgspec", "kaizen.ledger", "kaizen.workshop", "subprocess"}
    code = f"import sys, kaizen.hinting; print(sorted({heavy!r} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
