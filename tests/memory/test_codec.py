"""What is stored is what is read, in every release."""

import json
import math
import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen.errors import Damaged, Malformed, Newer
from kaizen.folding import fold
from kaizen.journal import Row
from kaizen.ledger import Asked, Cleared, Entry, Judged, Learned, Told, Voiced
from kaizen.ledgers import codec
from kaizen.ledgers.memory import MemoryLedger
from kaizen.setting import Numbers, Setting, Value
from kaizen.testing.ledgers import sample, scout, story, tell_story, told
from kaizen.trial import Reading, Spend
from kaizen.verdict import Effect, Lesson, Verdict
from kaizen.voice import Voice

ENTRIES = [entry for _, entries in story() for entry in entries]
DOCS = Path(__file__).parents[2] / "docs" / "ledger.md"


def test_every_kind_has_a_name_and_is_in_the_story() -> None:
    """A kind without a stored name, or without a test, cannot come in."""
    assert set(codec.KINDS.values()) == set(get_args(Entry)) == {type(entry) for entry in ENTRIES}
    assert set(codec.ROWS.values()) == set(get_args(Row))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in codec.KINDS)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: type(entry).__name__)
def test_an_entry_is_read_as_it_was_written(entry: Entry) -> None:
    """Writing and reading are each other's inverse, to the byte."""
    kind, schema, body = codec.encode(entry)
    assert codec.decode(kind, schema, body) == codec.decode(kind, schema, body.decode()) == entry
    assert codec.seal(entry) == (kind, schema, body, entry)
    assert codec.encode(codec.decode(kind, schema, body)) == (kind, schema, body)
    assert schema == 1


def test_every_kind_and_field_is_documented() -> None:
    """docs/ledger.md names each kind and each field."""
    text = DOCS.read_text(encoding="utf-8")
    for name, kind in codec.KINDS.items():
        (row,) = re.findall(rf"^\| `{name}` \|.*$", text, re.MULTILINE)
        for field in kind.__struct_fields__:
            assert f"`{field}`" in row, f"{name}.{field} must be in docs/ledger.md"


def test_every_table_and_column_is_documented(tmp_path: Path) -> None:
    """docs/ledger.md names each table and each column."""
    from kaizen.ledgers.sqlite import SqliteLedger

    text = DOCS.read_text(encoding="utf-8")
    with SqliteLedger(tmp_path / "l.db") as ledger:
        tables = ledger._db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        for (table,) in tables:
            (row,) = re.findall(rf"^\| \*\*{table}\*\* \|.*$", text, re.MULTILINE)
            for _, column, *_ in ledger._db.execute(f"PRAGMA table_info({table})").fetchall():
                assert f"`{column}`" in row, f"{table}.{column} must be in docs/ledger.md"


def test_a_later_release_is_recognised() -> None:
    """An unknown kind, or a schema from the future, asks for an upgrade."""
    with pytest.raises(Newer, match="known kind") as caught:
        codec.decode("dreamt", 1, b"{}")
    assert "upgrade" in caught.value.hint
    with pytest.raises(Newer, match="at most schema 1; got schema 2"):
        codec.decode("told", 2, b"{}")


@pytest.mark.parametrize("body", [b'{"run":1', b"[]", b'{"run":"one"}', b"{}", b"\xff", '{"run":1}', ""])
def test_an_unreadable_body_is_damage(body: bytes | str) -> None:
    """What cannot be read as its kind is damage, and never half an entry."""
    with pytest.raises(Damaged, match="a stored told must have the fields of one"):
        codec.decode("told", 1, body)


def test_a_sound_body_with_an_unsound_mapping_is_damage() -> None:
    """Sealed mappings check what they are given, from the disk, too."""
    body = codec.encode(told(1))[2].replace(b'"waste":1.5', b'"waste":"much"')
    with pytest.raises(Damaged):
        codec.decode("told", 1, body)


def test_old_schemas_are_lifted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once `Cleared` called its note `words`, and before that had `by`, too."""
    monkeypatch.setitem(
        codec.UPCASTERS,
        "cleared",
        (lambda old: {"words": f"{old['by']}: {old['words']}"}, lambda old: {"note": old["words"]}),
    )
    assert codec.schema_of("cleared") == 3
    assert codec.encode(Cleared(note="a")) == ("cleared", 3, b'{"note":"a"}')
    assert codec.decode("cleared", 3, b'{"note":"a"}') == Cleared(note="a")
    assert codec.decode("cleared", 2, b'{"words":"a"}') == Cleared(note="a")
    assert codec.decode("cleared", 1, b'{"words":"a","by":"b"}') == Cleared(note="b: a")
    for damaged in (b"{}", b"[]", b"{", b'{"words":1}'):
        with pytest.raises(Damaged):
            codec.decode("cleared", 2, damaged)
    with pytest.raises(Newer):
        codec.decode("cleared", 4, b"{}")


def test_lifted_entries_have_sealed_mappings(monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry of an old schema has the same values as one of today."""
    kind, _, body = codec.encode(told(1))
    monkeypatch.setitem(codec.UPCASTERS, "told", (lambda old: old,))
    assert codec.decode(kind, 1, body) == told(1)


EFFECT = Effect(metric="t", gain=math.inf, low=None, high=None, level=0.05)


@pytest.mark.parametrize(
    "entry",
    [
        Asked(runs=(), lease=math.nan),
        msgspec.structs.replace(told(1), spend=Spend(money=-math.inf)),
        Judged(
            trial=1,
            verdict=Verdict(
                decision="futile",
                settled=True,
                reason="",
                effects=(EFFECT,),
                pairs=1,
                evidence=0.0,
                needed=1.0,
                method="",
            ),
        ),
    ],
)
def test_no_number_but_a_finite_one_is_written(entry: Entry) -> None:
    """JSON has no word for the others, and null would lie."""
    with pytest.raises(Malformed, match=r"must be a finite number; got -?(nan|inf)"):
        codec.encode(entry)


def test_plain_values_are_looked_through() -> None:
    """A null that is meant is left alone."""
    assert codec.canonical([1.5, None, {"b": None, "a": [2]}]) == b'[1.5,null,{"a":[2],"b":null}]'
    assert codec.canonical(Setting(a="null")) == b'{"a":"null"}'
    with pytest.raises(Malformed):
        codec.canonical({"a": [None, math.nan]})


def test_text_is_unicode() -> None:
    """Half a surrogate pair has no bytes."""
    with pytest.raises(Malformed, match="must be Unicode"):
        codec.encode(Voiced(voice=Voice(text="\ud83d", by="cy")))


def test_a_wrong_word_is_refused_before_it_is_written() -> None:
    """What could not be read again is not written."""
    with pytest.raises(Malformed, match="as its kind says; got 'learned'"):
        codec.seal(Learned(lesson=Lesson(id=1, text="", scope="", grade="certain")))


def test_bodies_are_canonical() -> None:
    """Mappings are in order of their names."""
    kind, _, body = codec.encode(told(1))
    assert kind == "told"
    assert json.loads(body)["reading"] == {"kind": "reading", "values": {"taste": 7.0, "waste": 1.5}}
    assert body.index(b'"taste"') < body.index(b'"waste"')


def test_heads_and_rows_are_read_as_they_were_written() -> None:
    """Read models survive the disk at every point of the story."""
    ledger = MemoryLedger()
    records = tell_story(ledger)
    for end in range(1, len(records) + 1):
        head = fold(records[:end])
        process, state = codec.encode_head(head)
        assert codec.decode_head(process, state) == codec.decode_head(process.decode(), state.decode()) == head
        assert codec.decode_head(head.process, state) == head
        assert codec.encode_head(codec.decode_head(process, state)) == (process, state)
    for table, rows in (
        ("run", ledger.runs("loaf")), ("trial", ledger.trials("loaf")),
        ("standard", ledger.standards("loaf")), ("lesson", ledger.lessons("loaf")),
    ):  # fmt: skip
        assert rows
        for row in rows:
            assert codec.decode_row(table, codec.encode_row(row)) == row
    with pytest.raises(Damaged, match="a stored tried must"):
        codec.decode_row("run", "{}")


finite = st.floats(allow_nan=False, allow_infinity=False)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
values = st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), finite, names)


@given(st.dictionaries(names, values, max_size=6), st.dictionaries(names, finite, max_size=4))
def test_any_setting_and_reading(setting: dict[str, Value], reading: dict[str, float]) -> None:
    """Values keep their kinds (1, 1.0 and true are three), and settings their fingerprint."""
    asked = Asked(runs=(msgspec.structs.replace(scout(1), setting=Setting(setting)),))
    answer = Told(run=1, attempt=1, reading=Reading(values=Numbers(reading)), spend=Spend())
    for entry in (asked, answer):
        back = codec.decode(*codec.encode(entry))
        assert back == entry
        assert codec.encode(back) == codec.encode(entry)
    (run,) = codec.decode(*codec.encode(asked)).runs
    assert run.setting.fingerprint == Setting(setting).fingerprint


def test_the_sample_is_as_described() -> None:
    """The story begins with the sample process."""
    assert sample() == ENTRIES[0].process
