"""Where the veteran's index of a large past is kept between two commands: files beside the ledger, lost without loss."""

import os
import struct
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

_LARGE = 1 << 20  # bytes from which an array is not read but mapped
_LINE = 64  # bytes that mapped arrays begin at a multiple of
_HEADER = 30  # bytes of a member's header (PKWARE's APPNOTE, 4.3.7),
_SIZES = 20  # and of the sizes of one that may be large (4.5.3)
_PADDING = 0xD935  # what other writers of zip files call such padding


class FolderShelf:
    """Keeps arrays in a folder, one file for each name: a zip file of arrays, as NumPy reads it, too."""

    def __init__(self, folder: Path) -> None:
        """Use ``folder``; it is made when something is first kept."""
        self._folder = folder

    def take(self, name: str) -> Mapping[str, Any] | None:
        """Return what was put there under a name; nothing where that cannot be read, or is not what was written.

        Large arrays stay in the file until they are looked at; what is written to them stays in memory.
        """
        try:
            with zipfile.ZipFile(self._folder / f"{name}.npz") as kept:
                if kept.testzip() is not None:  # by the checksum of every member
                    return None
                return {one.filename.removesuffix(".npy"): _array(kept, one) for one in kept.infolist()}
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):
            return None

    def put(self, name: str, arrays: Mapping[str, Any]) -> None:
        """Keep arrays under a name: whole, or not at all."""
        path = self._folder / f"{name}.npz"
        draft = path.with_suffix(f".{os.getpid()}.part")
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                with draft.open("wb") as file:
                    _write(file, arrays)
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)


def _write(file: IO[bytes], arrays: Mapping[str, Any]) -> None:
    """Write arrays as ``numpy.savez`` does, but each at the beginning of a line."""
    import numpy as np

    with zipfile.ZipFile(file, "w") as made:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(f"{name}.npy")
            begins = file.tell() + _HEADER + len(member.filename.encode()) + _SIZES + 4
            member.extra = struct.pack("<HH", _PADDING, -begins % _LINE) + bytes(-begins % _LINE)
            with made.open(member, "w", force_zip64=True) as place:
                np.lib.format.write_array(place, np.asarray(array), allow_pickle=False)


def _array(kept: zipfile.ZipFile, member: zipfile.ZipInfo) -> "np.ndarray[Any, np.dtype[Any]]":
    """Return an array of a sound file: read if it is small, else mapped, its pages copied when they are written to."""
    import numpy as np

    with kept.open(member) as place:
        version = np.lib.format.read_magic(place)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_columns, kind = read(place)
        at = _begin(kept, member) + place.tell()
    if (
        member.file_size < _LARGE
        or member.compress_type != zipfile.ZIP_STORED
        or by_columns
        or at % _LINE
        or kind.hasobject
    ):
        with kept.open(member) as place:
            return np.asarray(np.lib.format.read_array(place, allow_pickle=False))
    return np.asarray(np.memmap(str(kept.filename), kind, mode="c", offset=at, shape=shape))


def _begin(kept: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """Return where the bytes of a member begin: behind its header, its name and what else it has."""
    with Path(str(kept.filename)).open("rb") as file:
        file.seek(member.header_offset + _HEADER - 4)
        named, more = struct.unpack("<HH", file.read(4))
    return int(member.header_offset + _HEADER + named + more)
