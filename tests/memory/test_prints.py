"""Fingerprints of diffs: the same change is known again wherever it stands, and another one is not taken for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen.veteran.prints import NEAR, SAME, alike, bands, changed


def diff(*lines: str, file: str = "train.py", hunk: str = "@@ -3,4 +3,4 @@ def main():") -> bytes:
    return "\n".join([f"diff --git a/{file} b/{file}", f"--- a/{file}", f"+++ b/{file}", hunk, *lines, ""]).encode()


STEP = ("-    lr = 0.04", "+    lr = 0.05", "+    warmup(lr, steps=200)")


def test_the_same_change_elsewhere_is_the_same() -> None:
    """Other line numbers, another context and other comments change nothing."""
    one = changed(diff(*STEP))
    other = changed(diff(" context", "-    lr = 0.04  # was", "+    lr = 0.05", "+", "+    # higher", "+    warmup(lr, steps=200)",
                         hunk="@@ -90 +91 @@"))  # fmt: skip
    assert one.print == other.print != ""
    assert alike(one.print, other.print) == 1.0
    assert set(bands(one.print)) & set(bands(other.print))


def test_another_value_is_near_and_the_way_back_is_not() -> None:
    """Undoing a change is no repeat of it."""
    made = changed(diff("-lr = 0.04", "+lr = 0.05")).print
    assert NEAR <= alike(made, changed(diff("-lr = 0.04", "+lr = 0.06")).print) < SAME
    assert alike(made, changed(diff("-lr = 0.05", "+lr = 0.04")).print) < NEAR


def test_comments_alone_are_no_change() -> None:
    """In each language by its own signs; a sign within a text is none."""
    assert changed(diff("+# lower it", "-", "+")).print == ""
    assert changed(diff("+// lower it", "+ * so", "+/* so */", file="a.rs")).print == ""
    assert changed(diff('+say("# 1")')).print != changed(diff('+say("# 2")')).print
    assert changed(b"") == changed(b"no diff at all\n") == ((), (), "")


def test_files_and_symbols_are_told() -> None:
    """Of an added file, too; a removed line that begins with dashes is no heading."""
    told = changed(
        diff("--- old rule", "+class Net:", file="src/net.py") + diff("+x = 1", file="b.py", hunk="@@ -0,0 +1 @@")
    )
    assert told.files == ("src/net.py", "b.py")
    assert told.symbols == ("src/net.py::main", "src/net.py::Net")


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9])
def test_how_much_is_in_common(share: float) -> None:
    """Of sixty lines each, the estimate is off by what 64 slots allow (eq. 2): three standard errors."""
    common = round(2 * 60 * share / (1 + share))
    one = [f"+a{line} = {line}" for line in range(60)]
    other = one[:common] + [f"+b{line} = {line}" for line in range(60 - common)]
    found = alike(changed(diff(*one)).print, changed(diff(*other)).print)
    assert found == pytest.approx(share, abs=3 * (share * (1 - share) / 64) ** 0.5)


@given(st.binary(max_size=300), st.text(max_size=60))
def test_anything_can_be_read(raw: bytes, foreign: str) -> None:
    """No bytes break it, and a fingerprint of no known form is like nothing."""
    made = changed(diff("+x = 1") + raw)
    assert 0.0 <= alike(made.print, changed(raw).print) <= 1.0
    assert alike(made.print, foreign.replace("1:", "")) == 0.0


def test_fingerprints_are_the_same_on_every_machine() -> None:
    """They are stored: this one was made by another run of another interpreter."""
    assert changed(diff("-lr = 0.04", "+lr = 0.05")).print == (
        "1:5J7_____________________________________d77_______________________________________________9qVv__xi"
        "r_______________90c________________________________________4AA__________8"
    )
