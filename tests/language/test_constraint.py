"""Constraints: read, never executed; they reach nothing but the setting."""

import contextlib
import warnings
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kaizen.constraint import check_names, holds, parse
from kaizen.errors import Malformed, Undeclared

SETTING: dict[str, Any] = {"a": 2, "b": 3.5, "c": "zlib", "d": True}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + 1 <= 3", True),
        ("a - b < 0", True),
        ("a * b == 7", True),
        ("a / 4 > 1", False),
        ("7 // a >= 3", True),
        ("7 % a != 1", False),
        ("-a < 0 < a", True),
        ("1 < a < 2", False),
        ("c == 'zlib'", True),
        ("c in ('zlib', 'lzma')", True),
        ("c in ['lzma']", False),
        ("a not in {2, 4}", False),
        ("not d", False),
        ("a > 5 or c == 'zlib'", True),
        ("a > 5 and b > 0", False),
        ("(a if d else b) == 2", True),
        ("(b if not d else a) == 2", True),
        ("min(a, b) + max(a, b) == abs(-5.5)", True),
        ("absent * 2 <= 1", True),
        ("  a == 2  ", True),
    ],
)
def test_holds(text: str, expected: bool) -> None:
    """What is computed is what is written; one that speaks of an inactive parameter holds."""
    assert holds(text, SETTING) is expected


@pytest.mark.parametrize(
    "text",
    [
        "", "a <=", "a = 1", "a; b", "import os", "a\0", "\ud800", "lambda: 1", "a.b", "a[0]", "a ** 9", "a << 2", "a is b",
        "open('x')", "min()", "min(a, key=b)", "a.real()", "f'{a}'", "f'{a!r:\\n}'", "b'x' == c", "None", "...", "1j",
        "~a", "+a", "(x := 1)", "[x for x in c]", "{'a': 1}", "*a", "a @ b", "yield", "await a", "__import__('os')",
        "min(*c)", "a" * 1001, "-" * 999 + "1", "(" * 300 + "1" + ")" * 300, "not " * 249 + "1",
    ],
)  # fmt: skip
def test_refused(text: str) -> None:
    """Anything else is one sentence, whether it is no expression, too long, too deep, or would reach out."""
    with pytest.raises(Malformed, match="a constraint must be"):
        parse(text)


@pytest.mark.parametrize(
    "text", ["a / (a - 2)", "c + 1", "(1, 2) * 10000000000", "c * 10000000000", "-c", "abs(c)", "a in a"]
)
def test_not_computable(text: str) -> None:
    """What cannot be computed says so, and never eats the memory."""
    with pytest.raises(Malformed, match="must be computable for every setting") as caught:
        holds(text, SETTING)
    assert caught.value.hint


def test_names() -> None:
    """Names are known before anything is run."""
    assert parse("a * b <= min(c, 2)")[1] == {"a", "b", "c"}
    check_names("a * b <= 1", frozenset("ab"))
    with pytest.raises(Undeclared, match="got zeta") as caught:
        check_names("a * zeta <= 1", frozenset("ab"))
    assert caught.value.hint == "declared are: a, b"
    with pytest.raises(Undeclared) as caught:
        check_names("a", frozenset())
    assert caught.value.hint == "declared are: none"


PIECES = st.sampled_from(
    ["a", "b", "c", "d", "1", "2.5", "1e999", "'x'", "(", ")", "[", "]", ",", " + ", " * ", " ** ", " <= ", " in ", " if ",
     " else ", "not ", "-", ".", "()", "abs(", "min(", "__class__", "lambda ", ":", "f'{a}'", "{", "}", "\n", "\\", "0x"]
)  # fmt: skip


@given(st.text(max_size=40) | st.lists(PIECES, max_size=25).map("".join))
@example("a.__class__")
@example("(1).__class__.__mro__")
def test_any_text_at_all(text: str) -> None:
    """Whatever is written is read and computed, or refused as `Malformed`."""
    with warnings.catch_warnings(), contextlib.suppress(Malformed, Undeclared):
        warnings.simplefilter("ignore")
        check_names(text, frozenset(SETTING))
        assert isinstance(holds(text, SETTING), bool)


@given(
    st.sampled_from(["a.{}", "c.{}()", "().{}", "'x'.{}", "{}('x')", "a[{}]", "min({}(a))"]),
    st.from_regex(r"[a-z_]{1,12}", fullmatch=True),
)
def test_nothing_is_reached(form: str, name: str) -> None:
    """No attribute, subscript or call but `min max abs` gets past the door."""
    text = form.format(name)
    if name not in ("min", "max", "abs"):
        with pytest.raises(Malformed):
            parse(text)
