"""Pack real files, block by block: the process that `kaizen demo` improves.

An archive with random access cuts its bytes into blocks and packs each block alone, so that one block can be read
without the others. What may change is the codec, its level, the size of a block and the codec's own knobs; what is
measured is the packed size relative to the original (exact) and the CPU seconds of packing (noisy).

Two plants are found beside every Python: its standard-library sources and its compiled modules. Combinations that the
libraries refuse raise the libraries' own errors; nothing is checked ahead of them::

    zlib   window 8 with framing raw or gzip                   ValueError: Invalid initialization option
    zlib   framing gzip with a dictionary                      ValueError: Invalid dictionary
    lzma   container xz with coder lzma1                       LZMAError: Internal error (newer: Invalid or unsupported)
    lzma   container alone with coder lzma2 or any filter      ValueError: Invalid filter chain for FORMAT_ALONE
    lzma   lc + lp above 4                                     LZMAError: Invalid or unsupported options
"""

import bz2
import gc
import lzma
import sys
import sysconfig
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

KIB = 1024
SOURCES_LIMIT = 2048 * KIB
"""Bytes of plant one: about 0.1 CPU seconds at zlib's level 9, below one at lzma's."""
BINARIES_LIMIT = 1024 * KIB
"""Bytes of plant two, which packs more slowly than text."""

_OMITTED = frozenset({"__pycache__", "dist-packages", "idlelib", "lib2to3", "site-packages", "test", "tests"})


# ── plants ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@cache
def sources(limit: int = SOURCES_LIMIT) -> bytes:
    """Return the first `limit` bytes of the running Python's own `.py` sources, in order of relative path.

    Tests, site-packages, idlelib and lib2to3 are left out, since distributions differ in shipping them.

    Raises:
        FileNotFoundError: the standard library has no sources on disk (an embedded Python keeps them compiled in a
            zip file); `binaries` works there too.
    """
    root = Path(sysconfig.get_path("stdlib"))
    return _read(_python_files(root), limit, f"the standard library's .py files under {root}")


@cache
def binaries(limit: int = BINARIES_LIMIT) -> bytes:
    """Return the first `limit` bytes of the running Python's compiled files.

    Extension modules come first, in order of name, then the Python library and the interpreter itself: some builds
    have everything in extension modules and some have no extension module at all.

    Raises:
        FileNotFoundError: not even the interpreter can be read.
    """
    return _read(_compiled_files(), limit, f"compiled files beside {sys.executable}")


def _python_files(folder: Path) -> Iterator[Path]:
    """Yield `.py` files below `folder`, depth first in order of name; links to folders are not followed."""
    for path in _inside(folder):
        if path.is_dir():
            if path.name not in _OMITTED and not path.is_symlink():
                yield from _python_files(path)
        elif path.suffix == ".py":
            yield path


def _compiled_files() -> Iterator[Path]:
    """Yield extension modules, then the shared Python library, then the interpreter, each file once."""
    # A virtual environment's interpreter is a link or a launcher; `_base_executable` is the one it stands for.
    interpreter = Path(getattr(sys, "_base_executable", None) or sys.executable).resolve()
    named = sysconfig.get_config_var
    folders = (Path(sysconfig.get_path("stdlib"), "lib-dynload"), named("DESTSHARED"), Path(sys.base_prefix, "DLLs"))
    modules = (path for folder in folders if folder for path in _inside(Path(folder)) if path.suffix in {".so", ".pyd"})
    places = (named("LIBDIR"), named("PYTHONFRAMEWORKPREFIX"), Path(sys.base_prefix, "lib"))
    names = (named("INSTSONAME"), named("LDLIBRARY"))
    shared = (Path(place, name) for place in places if place for name in names if name and not name.endswith(".a"))
    windows = (path for path in _inside(interpreter.parent) if path.match("python3*.dll"))
    yield from dict.fromkeys(path.resolve() for path in (*modules, *shared, *windows, interpreter))


def _inside(folder: Path) -> list[Path]:
    """List a folder in order of name; one that is not there is empty."""
    return sorted(folder.iterdir(), key=lambda path: path.name) if folder.is_dir() else []


def _read(paths: Iterable[Path], limit: int, what: str) -> bytes:
    """Join the contents of `paths`, in order, until there are `limit` bytes; unreadable files are passed over."""
    parts: list[bytes] = []
    left = limit
    for path in paths:
        if left <= 0:
            break
        try:
            with path.open("rb") as file:
                parts.append(file.read(left))
        except OSError:
            continue
        left -= len(parts[-1])
    blob = b"".join(parts)
    if not blob:
        raise FileNotFoundError(f"a plant must have files to pack; got none: {what}")
    return blob


# ── codecs ────────────────────────────────────────────────────────────────────────────────────────────────────────────

_STRATEGIES: Mapping[str, int] = {
    "default": zlib.Z_DEFAULT_STRATEGY,
    "filtered": zlib.Z_FILTERED,
    "huffman": zlib.Z_HUFFMAN_ONLY,
    "rle": zlib.Z_RLE,
    "fixed": zlib.Z_FIXED,
}
_CONTAINERS: Mapping[str, int] = {"xz": lzma.FORMAT_XZ, "alone": lzma.FORMAT_ALONE, "raw": lzma.FORMAT_RAW}
_CODERS: Mapping[str, int] = {"lzma1": lzma.FILTER_LZMA1, "lzma2": lzma.FILTER_LZMA2}
_FILTERS: Mapping[str, list[dict[str, int]]] = {
    "none": [],
    "delta": [{"id": lzma.FILTER_DELTA, "dist": 4}],
    "x86": [{"id": lzma.FILTER_X86}],
}
_PIECE = 512  # a dictionary is many short pieces, so that it speaks for the whole blob


@dataclass(frozen=True, slots=True, kw_only=True)
class Zlib:
    """The standard library's zlib, with every option that its constructor takes."""

    level: int = 6
    window: int = 15
    """Base-two logarithm of how far back a match may lie, 8 to 15."""
    memory: int = 8
    """Memory for the compressor's state, 1 to 9."""
    strategy: Literal["default", "filtered", "huffman", "rle", "fixed"] = "default"
    framing: Literal["zlib", "gzip", "raw"] = "zlib"
    dictionary_kib: int = 0
    """KiB of the blob shown to every block beforehand; zlib uses no more than its window of it."""

    @property
    def _wbits(self) -> int:
        return {"zlib": self.window, "gzip": self.window + 16, "raw": -self.window}[self.framing]

    def presser(self, dictionary: bytes, _span: int) -> Callable[[bytes], bytes]:
        """Prime one compressor and copy it for each block, so that the dictionary is read once."""
        options = (self.level, zlib.DEFLATED, self._wbits, self.memory, _STRATEGIES[self.strategy])
        primed = zlib.compressobj(*options, zdict=dictionary) if dictionary else zlib.compressobj(*options)

        def press(block: bytes) -> bytes:
            compressor = primed.copy()
            return compressor.compress(block) + compressor.flush()

        return press

    def unpress(self, block: bytes, dictionary: bytes, _span: int) -> bytes:
        """Undo one block."""
        return zlib.decompressobj(self._wbits, zdict=dictionary).decompress(block)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bz2:
    """The standard library's bz2; `level` is its work area in units of 100 kB, so small blocks do not feel it."""

    level: int = 9

    def presser(self, _dictionary: bytes, _span: int) -> Callable[[bytes], bytes]:
        """Return the packer of one block; no dictionary is used."""
        return lambda block: bz2.compress(block, self.level)

    def unpress(self, block: bytes, _dictionary: bytes, _span: int) -> bytes:
        """Undo one block; no dictionary is used."""
        return bz2.decompress(block)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lzma:
    """The standard library's lzma: a filter, a coder and a container."""

    level: int = 6
    filter: Literal["none", "delta", "x86"] = "none"
    coder: Literal["lzma1", "lzma2"] = "lzma2"
    container: Literal["xz", "alone", "raw"] = "xz"
    lc: int = 3
    """Bits of the byte before that foretell a literal, 0 to 4."""
    lp: int = 0
    """Bits of the position that foretell a literal, 0 to 4."""

    def _chain(self, span: int) -> list[dict[str, Any]]:
        """Return the filter chain; its window is a block of `span` bytes, as clearing a larger one costs seconds."""
        coder = {"id": _CODERS[self.coder], "preset": self.level, "dict_size": max(4 * KIB, span)}
        return [*_FILTERS[self.filter], coder | {"lc": self.lc, "lp": self.lp}]

    def presser(self, _dictionary: bytes, span: int) -> Callable[[bytes], bytes]:
        """Return the packer of one block; no dictionary is used."""
        chain = self._chain(span)
        return lambda block: lzma.compress(block, _CONTAINERS[self.container], filters=chain)

    def unpress(self, block: bytes, _dictionary: bytes, span: int) -> bytes:
        """Undo one block; only the raw container needs to be told its chain."""
        chain = self._chain(span) if self.container == "raw" else None
        return lzma.decompress(block, _CONTAINERS[self.container], filters=chain)


_CODECS: Mapping[str, type[Zlib] | type[Bz2] | type[Lzma]] = {"zlib": Zlib, "bz2": Bz2, "lzma": Lzma}


# ── packing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Packed:
    """Blocks packed each alone, and the dictionary that all of them share."""

    codec: Zlib | Bz2 | Lzma
    span: int
    """Bytes of the blob in a block; the last may hold fewer."""
    blocks: tuple[bytes, ...]
    dictionary: bytes = b""
    """Itself packed, by plain zlib; empty where there is none."""

    @property
    def size(self) -> int:
        """Bytes of the blocks and, once, of the dictionary; an index of the blocks is left out."""
        return len(self.dictionary) + sum(map(len, self.blocks))


def pack(blob: bytes, *, codec: str = "zlib", block_kib: int = 16, **knobs: Any) -> Packed:
    """Pack `blob` block by block; `knobs` are the fields of its codec: `Zlib`, `Bz2` or `Lzma`.

    Raises:
        ValueError: the codec is unknown, a block is empty, or zlib, bz2 or lzma refused the combination.
        lzma.LZMAError: liblzma refused the combination.
        TypeError: the codec has no such knob.
    """
    if codec not in _CODECS:
        raise ValueError(f"codec must be one of {', '.join(_CODECS)}; got {codec!r}")
    if block_kib < 1:
        raise ValueError(f"block_kib must be at least 1; got {block_kib}")
    chosen = _CODECS[codec](**knobs)
    dictionary = _dictionary(blob, chosen.dictionary_kib * KIB) if isinstance(chosen, Zlib) else b""
    span = block_kib * KIB
    press = chosen.presser(dictionary, span)
    blocks = tuple(press(blob[start : start + span]) for start in range(0, len(blob), span))
    return Packed(chosen, span, blocks, zlib.compress(dictionary) if dictionary else b"")


def unpack(packed: Packed) -> bytes:
    """Return the blob that was packed."""
    dictionary = zlib.decompress(packed.dictionary) if packed.dictionary else b""
    return b"".join(packed.codec.unpress(block, dictionary, packed.span) for block in packed.blocks)


def measure(blob: bytes, setting: Mapping[str, Any]) -> dict[str, float]:
    """Pack `blob` once and return `size`, packed over original, and `cpu`, the seconds of this process.

    A short packing goes before, off the clock: it warms the code and lets a refused setting fail at once. The packing
    is not repeated inside a run: on a shared machine what disturbs one repetition disturbs its neighbours too, so that
    a further pair of runs tells more than a longer run.
    """
    pack(blob[: 64 * KIB], **setting)
    collecting = gc.isenabled()
    gc.disable()
    try:
        start = time.process_time()
        packed = pack(blob, **setting)
        seconds = time.process_time() - start
    finally:
        if collecting:
            gc.enable()
    return {"size": packed.size / len(blob), "cpu": seconds}


def _dictionary(blob: bytes, size: int) -> bytes:
    """Take `size` bytes of `blob` in short pieces at even distances."""
    step = max(len(blob) * _PIECE // size, _PIECE) if size > 0 else 0
    return b"".join(blob[start : start + _PIECE] for start in range(0, len(blob), step))[:size] if step else b""
