"""An increment in code: what a diff changes, and a fingerprint by which two diffs are compared without either being kept.

A diff is the set of trigrams of its added and of its removed tokens, comments and blank lines left out; moved code, other line
numbers and another context are the same change. The set is kept as a minhash of one permutation:

    v_k = min { h(t) : t in the set, slot(t) = k },  k = 1..64                                                                (1)
    J ~ |{k : v_k = w_k}| / |{k : v_k or w_k is there}|                                                                       (2)

References:
    Li, Owen and Zhang, One permutation hashing, NIPS 2012: eq. (1) and (2).
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple
from zlib import crc32

SAME: Final = 0.8
"""From here on two diffs make the same change."""
NEAR: Final = 0.5
"""From here on they have more in common than not."""
_SLOTS = 64
_EMPTY = 0xFFFF
_LEAST = 4  # slots taken in one of two diffs below which having some of them in common says nothing
_BAND = 4  # slots that are looked up together; at J = 0.7, 98.8 % of pairs have one of 16 such bands in common
_FORM = "1:"  # in front of a fingerprint: counts up when tokens, hash or slots change
_LONGEST = 100_000  # bytes of a diff that are looked at: what goes beyond is generated, as a rule

_TOKEN = re.compile(r"[^\W\d]\w*|\d[\w.]*|[^\w\s]")
_HASHED = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|#.*""")
_SLASHED = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|//.*|/\*.*?(?:\*/|$)|^\s*\*(?:\s.*|/)?$""")
_C_LIKE = frozenset(
    {"c", "cc", "cpp", "cu", "cuh", "go", "h", "hpp", "java", "js", "jsx", "kt", "rs", "swift", "ts", "tsx"}
)
_NAMED = re.compile(r"\b(?:def|class|fn|func|function|struct|impl|trait|interface)\s+([^\W\d]\w*)")


class Changed(NamedTuple):
    """What a diff changes."""

    files: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    """``file::name`` of functions and classes that hunks stand in or begin, where the diff names them."""
    print: str = ""
    """The fingerprint; empty where no code is changed."""


def changed(diff: bytes) -> Changed:
    """Read a unified diff, as ``git diff`` prints it."""
    files: dict[str, bool] = {}
    symbols: dict[str, bool] = {}
    slots = [_EMPTY] * _SLOTS
    for file, sign, text in _lines(diff[:_LONGEST].decode("utf-8", errors="replace")):
        files[file] = True
        symbols.update((f"{file}::{name}", True) for name in _NAMED.findall(text))
        if sign == "@":
            continue
        for gram in _grams(sign, text, c_like=file.rpartition(".")[2].lower() in _C_LIKE):
            mixed = _mixed(gram)
            place, value = mixed & (_SLOTS - 1), (mixed >> 6) % _EMPTY
            slots[place] = min(slots[place], value)  # (eq. 1)
    told = any(value != _EMPTY for value in slots)
    return Changed(tuple(file for file in files if file), tuple(symbols), _packed(slots) if told else "")


def alike(one: str, other: str) -> float:
    """Return how much of two diffs is in common (eq. 2), by their fingerprints: 0 to 1."""
    a, b = _slots(one), _slots(other)
    taken = sum(x != _EMPTY or y != _EMPTY for x, y in zip(a, b, strict=True))
    common = sum(x == y != _EMPTY for x, y in zip(a, b, strict=True))
    if taken < _LEAST and common < taken:
        return 0.0
    return common / taken if taken else 0.0


def bands(print_: str) -> tuple[int, ...]:
    """Return what to look a fingerprint up by: numbers of 63 bits, some of which two like diffs have in common."""
    slots = _slots(print_)
    parts = [(place, tuple(slots[place : place + _BAND])) for place in range(0, _SLOTS, _BAND)]
    return tuple(_number(place, part) for place, part in parts if any(value != _EMPTY for value in part))


def _lines(diff: str) -> Iterator[tuple[str, str, str]]:
    """Walk file, sign and text of the lines that are added (``+``) or removed (``-``), and of hunks' headings (``@``)."""
    file, inside = "", False
    for line in diff.splitlines():
        if line.startswith("diff --git "):
            file, inside = line.rpartition(" b/")[2], False
        elif not inside and line.startswith(("--- ", "+++ ")):
            named = line[4:].partition("\t")[0]
            file = file if named == "/dev/null" else named.removeprefix("a/").removeprefix("b/")
        elif line.startswith("@@"):
            inside = True
            yield file, "@", line.rpartition("@@")[2]
        elif inside and line[:1] in ("+", "-"):
            yield file, line[0], line[1:]


def _grams(sign: str, text: str, *, c_like: bool) -> Iterator[str]:
    """Walk the trigrams of one line, its ends counted as tokens."""
    plain = (_SLASHED if c_like else _HASHED).sub(lambda found: found[1] or "", text)
    tokens = ["", *_TOKEN.findall(plain), ""]
    if len(tokens) > 2:
        for triple in zip(tokens, tokens[1:], tokens[2:], strict=False):
            yield f"{sign}{' '.join(triple)}"


def _mixed(gram: str) -> int:
    """Return 32 bits that are the same on every machine; a checksum alone is too regular for a minimum."""
    value = crc32(gram.encode()) * 0x9E3779B1 & 0xFFFFFFFF
    return (value ^ value >> 15) * 0x85EBCA77 & 0xFFFFFFFF ^ value >> 13


def _packed(slots: Iterable[int]) -> str:
    return _FORM + urlsafe_b64encode(b"".join(value.to_bytes(2, "big") for value in slots)).decode().rstrip("=")


def _slots(print_: str) -> tuple[int, ...]:
    """Return the slots of a fingerprint; all empty for none, or for one of another form."""
    if not print_.startswith(_FORM):
        return (_EMPTY,) * _SLOTS
    raw = urlsafe_b64decode(print_.removeprefix(_FORM) + "=")
    return tuple(int.from_bytes(raw[place : place + 2], "big") for place in range(0, 2 * _SLOTS, 2))


def _number(place: int, part: tuple[int, ...]) -> int:
    packed = b"".join(value.to_bytes(2, "big") for value in (place, *part))
    return (crc32(packed) << 31 | crc32(packed, 0x9E3779B1) >> 1) & 0x7FFFFFFFFFFFFFFF
