"""The packing process: what is packed comes back, what is measured is exact, what the libraries refuse is refused."""

import inspect
import lzma
import sysconfig
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kaizen.recipes import packing

Setting = dict[str, Any]

STANDARD: Setting = {"codec": "zlib", "level": 9, "block_kib": 16}
KIB = packing.KIB


@pytest.fixture(scope="module")
def sample() -> bytes:
    """Return text and machine code, with a last block that is not full."""
    return packing.sources(100 * KIB) + packing.binaries(70 * KIB)[: 61 * KIB + 7]


VALID: list[Setting] = [
    {},
    STANDARD,
    *({"strategy": strategy} for strategy in ("default", "filtered", "huffman", "rle", "fixed")),
    *({"framing": framing} for framing in ("zlib", "gzip", "raw")),
    {"window": 9, "memory": 1, "framing": "raw"},
    {"dictionary_kib": 1},
    {"dictionary_kib": 32, "framing": "raw"},
    {"dictionary_kib": 32, "window": 9},
    {"codec": "bz2", "level": 1, "block_kib": 256},
    {"codec": "bz2", "level": 9},
    *({"codec": "lzma", "level": level, "block_kib": 64} for level in (1, 9)),
    *({"codec": "lzma", "level": 1, "filter": name} for name in ("delta", "x86")),
    {"codec": "lzma", "level": 1, "container": "alone", "coder": "lzma1"},
    {"codec": "lzma", "level": 1, "container": "raw", "coder": "lzma1", "filter": "x86", "lc": 0, "lp": 2},
    {"codec": "lzma", "level": 1, "container": "raw", "lc": 4},
]


@pytest.mark.parametrize("setting", VALID, ids=str)
def test_round_trip(sample: bytes, setting: Setting) -> None:
    """What is packed comes back, and packs to the same bytes again."""
    packed = packing.pack(sample, **setting)
    assert packing.unpack(packed) == sample
    assert packing.pack(sample, **setting) == packed
    assert 0 < packed.size < len(sample)


REFUSED: list[tuple[Setting, type[Exception]]] = [
    ({"window": 8, "framing": "raw"}, ValueError),
    ({"window": 8, "framing": "gzip"}, ValueError),
    ({"framing": "gzip", "dictionary_kib": 4}, ValueError),
    ({"codec": "lzma", "container": "xz", "coder": "lzma1"}, lzma.LZMAError),
    ({"codec": "lzma", "container": "alone", "coder": "lzma2"}, ValueError),
    ({"codec": "lzma", "container": "alone", "coder": "lzma1", "filter": "x86"}, ValueError),
    ({"codec": "lzma", "lc": 3, "lp": 2}, lzma.LZMAError),
    ({"codec": "zstd"}, ValueError),
    ({"codec": "bz2", "window": 15}, TypeError),
    ({"block_kib": 0}, ValueError),
]


@pytest.mark.parametrize(("setting", "error"), REFUSED, ids=str)
def test_refused(setting: Setting, error: type[Exception]) -> None:
    """What does not go together is refused by the libraries' own errors."""
    with pytest.raises(error):
        packing.measure(b"kaizen" * KIB, setting)


def test_measure(sample: bytes) -> None:
    """The size is exact and is zlib's own; the seconds are some."""
    first, second = packing.measure(sample, STANDARD), packing.measure(sample, STANDARD)
    blocks = [sample[start : start + 16 * KIB] for start in range(0, len(sample), 16 * KIB)]
    assert first["size"] == second["size"] == sum(len(zlib.compress(block, 9)) for block in blocks) / len(sample)
    assert 0 < first["cpu"] < 60


def test_dictionary() -> None:
    """A dictionary counts towards the size, and pays for itself on text."""
    text = packing.sources(512 * KIB)
    packed = packing.pack(text, **STANDARD, dictionary_kib=8)
    assert packed.size == len(packed.dictionary) + sum(map(len, packed.blocks))
    assert len(zlib.decompress(packed.dictionary)) == 8 * KIB
    assert packed.size < packing.pack(text, **STANDARD).size


@pytest.mark.parametrize("blob", [b"", b"x", b"x" * (16 * KIB), b"x" * (16 * KIB + 1)], ids=len)
@pytest.mark.parametrize("dictionary", [0, 4])
def test_small(blob: bytes, dictionary: int) -> None:
    """Blobs smaller than a block or a dictionary are packed all the same."""
    packed = packing.pack(blob, dictionary_kib=dictionary)
    assert packing.unpack(packed) == blob
    assert len(packed.blocks) == -(-len(blob) // (16 * KIB))


@pytest.mark.parametrize("plant", [packing.sources, packing.binaries])
def test_plant(plant: Callable[[int], bytes]) -> None:
    """A plant is the same on every reading, and a smaller one is its beginning."""
    whole = plant(300 * KIB)
    assert inspect.unwrap(plant)(300 * KIB) == whole, "read afresh"
    assert len(whole) == 300 * KIB
    assert plant(10 * KIB) == whole[: 10 * KIB]


def test_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources come in order of path, without tests and packages of others."""
    for name in ("b.py", "a/z.py", "a/y.txt", "test/t.py", "c/tests/t.py", "c/d/e.py", "site-packages/s.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{name}\n")
    monkeypatch.setattr(sysconfig, "get_path", lambda _name: str(tmp_path))
    assert packing.sources.__wrapped__(KIB) == b"a/z.py\nb.py\nc/d/e.py\n"
    assert packing.sources.__wrapped__(9) == b"a/z.py\nb."


def test_no_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python without sources says so, and where it looked."""
    monkeypatch.setattr(sysconfig, "get_path", lambda _name: str(tmp_path / "python311.zip"))
    with pytest.raises(FileNotFoundError, match=r"must have files to pack; got none: .*python311\.zip"):
        packing.sources.__wrapped__(KIB)
