"""One word, one meaning: what the code calls things is what the glossary calls them."""

import re
from pathlib import Path

import pytest

import kaizen
from kaizen import errors, ledger
from kaizen.faces.cli.commands import COMMANDS
from kaizen.workshop.bench import Bench

DOCS = Path(__file__).parents[2] / "docs"
BANNED = {"study", "score", "scores", "best", "manager", "util", "utils", "significant", "experiment", "objective"}
VERBS = ["propose", "ask", "tell", "fault", "correct", "check", "consult", "consent", "rollback", "voice", "andon"]


def public_names() -> set[str]:
    """All names that people meet: of the package, of the bench, of the shell, of entries."""
    bench = {name for name in vars(Bench) if not name.startswith("_")}
    entries = {kind.__name__ for kind in ledger.Entry.__args__}
    return {*kaizen.__all__, *bench, *(command.name for command in COMMANDS), *entries}


def test_names_avoid_words_with_another_meaning() -> None:
    """No study, no score, nothing best, nothing significant."""
    for name in public_names():
        words = set(re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower().replace("-", "_").split("_"))
        assert words & BANNED == set(), name


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_are_the_same_everywhere(verb: str) -> None:
    """Python and the shell use one verb for one thing; ``nod`` is the shell's short form of consult."""
    assert callable(getattr(Bench, verb))
    assert {"consult": "nod"}.get(verb, verb) in {command.name for command in COMMANDS}


def test_entry_kinds_are_in_the_past_tense() -> None:
    """What is written has happened."""
    irregular = {"Told", "Late", "RolledBack", "Taught"}
    assert {kind.__name__ for kind in ledger.Entry.__args__ if not kind.__name__.endswith("ed")} == irregular


def test_every_error_is_documented() -> None:
    """Each kind of error says what its reader should do."""
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    page = (DOCS / "errors.md").read_text(encoding="utf-8")
    assert {kind for kind in kinds if f"`{kind}`" not in page} == set()


def test_the_glossary_says_each_word_once() -> None:
    """One row for one word."""
    rows = re.findall(r"^\| ([a-z ,]+) \|", (DOCS / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    words = [word.strip() for row in rows for word in row.split(",")]
    assert len(words) == len(set(words)) > 30


def test_public_names_load_and_are_listed() -> None:
    """``kaizen.x`` is there for every x that ``dir(kaizen)`` lists, and nothing else is."""
    assert {*kaizen.__all__, "__version__"} == set(dir(kaizen))
    for name in kaizen.__all__:
        assert getattr(kaizen, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'study'"):
        kaizen.study  # noqa: B018 - the look itself is the test
