"""Standards and increments: what changed, in words; nothing changes a null increment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen.errors import OutOfRange
from kaizen.metric import lower
from kaizen.parameter import Choice, Switch, When, Whole
from kaizen.process import Process
from kaizen.setting import Setting
from kaizen.standard import Increment, Standard, increment, null_increment
from kaizen.testing.strategies import changes, processes

PACK = Process(
    name="pack",
    parameters=(
        Choice(name="codec", values=("zlib", "lzma")),
        Whole(name="depth", low=1, high=8, when=(When("codec", ("lzma",)),)),
        Switch(name="strip"),
    ),
    metrics=(lower("seconds"),),
    standard=Setting(codec="zlib", strip=False),
)
FIRST = Standard(number=1, setting=PACK.standard, evidence="given", because="as described", by="ana")


def test_words() -> None:
    """A standard and an increment as people read them."""
    assert str(FIRST) == "Standard 1: codec='zlib', strip=False"
    made = increment(PACK, FIRST, {"codec": "lzma", "depth": "3"}, because="smaller", by="ana")
    assert str(made) == "codec='lzma' (was 'zlib'), depth=3 (was inactive)"
    assert made.changes == Setting(codec="lzma", depth=3)
    assert (made.of, made.before, made.by, made.because) == (1, FIRST.setting, "ana", "smaller")
    assert not made.is_null


def test_what_falls_inactive_is_not_listed() -> None:
    """Its end follows from what is listed."""
    lzma = Setting(codec="lzma", depth=3, strip=False)
    made = Increment(of=2, before=lzma, after=PACK.changed(lzma, {"codec": "zlib"}), because="", by="ana")
    assert str(made) == "codec='zlib' (was 'lzma')"
    assert "depth" not in made.after


def test_a_change_of_kind_is_a_change() -> None:
    """`True` for `1` is a change."""
    made = Increment(of=1, before=Setting(a=1), after=Setting(a=True), because="", by="ana")
    assert made.changes == Setting(a=True)
    assert not made.is_null


def test_only_a_null_increment_changes_nothing() -> None:
    """The live alarm says what it is."""
    null = null_increment(FIRST, by="kaizen")
    assert null.is_null
    assert null.changes == Setting()
    assert str(null) == "no change to standard 1"
    with pytest.raises(OutOfRange, match="an increment must change the standard"):
        increment(PACK, FIRST, {"strip": False}, because="", by="ana")


@given(st.data(), processes())
def test_changes_lead_from_before_to_after(data: st.DataObject, process: Process) -> None:
    """The listed changes, made again, are the increment."""
    standard = Standard(number=7, setting=process.standard, evidence="proven", because="", by="kaizen")
    made = increment(process, standard, data.draw(changes(process, process.standard)), because="", by="ana")
    assert process.changed(made.before, made.changes) == made.after
    assert str(made)
