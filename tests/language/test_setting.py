"""Sealed mappings: frozen, hashable, equal by content and by kind, and stored as they are."""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen.errors import Malformed, OutOfRange
from kaizen.setting import Numbers, Sealed, Setting, Texts, decode_hook, encode_hook, plain_number

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10)
VALUES = TEXT | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.dictionaries(TEXT, VALUES, max_size=5)


def stored(value: object, kind: type) -> Any:
    """Write a value as JSON and read it back."""
    return msgspec.json.decode(msgspec.json.encode(value, enc_hook=encode_hook), type=kind, dec_hook=decode_hook)


def test_order_does_not_count() -> None:
    """A sealed mapping is ordered by name."""
    assert list(Setting(b=1, a=2)) == ["a", "b"]
    assert Setting(b=1, a=2) == Setting({"a": 2}, b=1)
    assert str(Setting(b=1, a="x")) == "a='x', b=1"
    assert repr(Setting(a=1)) == "Setting({'a': 1})"
    assert len(Setting(a=1)) == 1


def test_plain_is_a_copy() -> None:
    """What is handed out can change; the sealed one does not."""
    setting = Setting(a=1)
    setting.plain()["a"] = 2
    assert setting["a"] == 1


@pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), (2, 2.0), ("1", 1)])
def test_kinds_are_told_apart(one: Any, other: Any) -> None:
    """`True` is not `1` and `2.0` is not `2`: neither equal nor of one fingerprint."""
    assert Setting(a=one) != Setting(a=other)
    assert Setting(a=one).fingerprint != Setting(a=other).fingerprint


def test_zero_has_no_sign() -> None:
    """-0.0 and 0.0 are one setting and one reading."""
    assert Setting(a=-0.0).fingerprint == Setting(a=0.0).fingerprint
    assert math.copysign(1, Numbers(a=-0.0)["a"]) == 1


def test_a_plain_mapping_may_be_compared() -> None:
    """A dictionary with the same content is equal."""
    assert Setting(a=1) == {"a": 1}
    assert Setting(a=1) != {"a": 2}


@given(PLAIN, PLAIN)
def test_equal_settings_have_equal_fingerprints(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Fingerprint, hash and equality say the same."""
    a, b = Setting(one), Setting(other)
    assert (a == b) == (a.fingerprint == b.fingerprint)
    assert a == Setting(dict(reversed(one.items())))
    assert hash(a) == hash(Setting(one)) == hash(a)


@given(PLAIN)
def test_settings_are_stored_as_they_are(plain: dict[str, Any]) -> None:
    """JSON keeps a setting, kinds and all."""
    assert stored(Setting(plain), Setting) == Setting(plain)


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, None, [1], {"b": 1}, 10**30, -(2**63) - 1, 10**400, "\ud800", "a\0b", Decimal(1), 1j]
)
def test_a_setting_refuses(value: Any) -> None:
    """A value that cannot be stored exactly, or handed to a command, is refused at the door."""
    with pytest.raises(OutOfRange, match="a must be text, a finite number, true or false; got"):
        Setting(a=value)


@pytest.mark.parametrize("value", [math.nan, -math.inf, True, "1", None, 10**400])
def test_numbers_refuse(value: Any) -> None:
    """A reading is a finite number, and truth is none."""
    with pytest.raises(OutOfRange, match="a must be a finite number; got"):
        Numbers(a=value)


def test_texts() -> None:
    """Numbers and truths become text; what has no one spelling is refused."""
    assert dict(Texts(a=1, b=True, c="x")) == {"a": "1", "b": "True", "c": "x"}
    for value in (None, [1], "\udcff"):
        with pytest.raises(Malformed, match="a must be text; got"):
            Texts(a=value)


def test_a_name_is_text() -> None:
    """A mapping of anything by name is sealed; one by numbers is refused."""
    assert Sealed(a=[1])["a"] == [1]
    with pytest.raises(Malformed, match="a name must be text; got 1"):
        Sealed({1: 2})  # type: ignore[dict-item]


def test_plain_number() -> None:
    """Every real number becomes Python's own; NumPy's register as such."""
    assert plain_number(Fraction(1, 2)) == 0.5
    assert plain_number(3) == 3
    assert type(plain_number(3)) is int
    assert plain_number(2.5) == 2.5
    assert [plain_number(value) for value in (True, "1", None, math.nan, 10**400, Fraction(10**400))] == [None] * 6


def test_hooks_know_nothing_else() -> None:
    """Another type has no stored form by chance."""
    assert encode_hook(Setting(a=1)) == {"a": 1}
    with pytest.raises(TypeError, match="no stored form for object"):
        encode_hook(object())
    with pytest.raises(TypeError, match="no stored form for dict"):
        decode_hook(dict, {})
