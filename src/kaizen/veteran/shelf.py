"""The columns of a process's past as plain arrays, to be put on a shelf and taken from it: large pasts are not read twice.

What is on a shelf is disposable, and believed only where it is of this description and this record (see ``Shelf``).
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from kaizen.process import Process
from kaizen.setting import Texts, encode_hook
from kaizen.veteran.past import Past
from kaizen.veteran.table import Coded, Lookup

Arrays = Mapping[str, NDArray[Any]]

LARGE: Final = 20_000
"""Runs below which a past is read again: in less than a second."""
_ROOM = 16  # room for a run more in so many, so that the first that comes does not copy all
_FORM = 2  # counts up when the arrays change


class Shelf(Protocol):
    """Where arrays are kept between two commands; anything on it may be lost at any time."""

    def take(self, name: str) -> Arrays | None:
        """Return what was put there under a name, if it is there and sound."""
        ...

    def put(self, name: str, arrays: Arrays) -> None:
        """Keep arrays under a name; where that fails, nothing is kept."""
        ...


def name_of(process: Process) -> str:
    """Return the name of a process's past: another description is another past."""
    told = msgspec.json.encode((_FORM, process.parameters, process.metrics, process.guards), enc_hook=encode_hook)
    return f"{process.name}-{hashlib.blake2b(told, digest_size=8).hexdigest()}"


def packed(past: Past, *, seq: int, at: int) -> dict[str, NDArray[Any]]:
    """Return a past as arrays, with the record that it was taken behind; there is room in them for some more runs."""
    table, count = past.table, past.count
    room = count + count // _ROOM
    words = {
        "known": [[value for _, value in known] for known in table.columns.known],
        "conditions": [one.plain() for one in past.conditions],
    }
    arrays: dict[str, NDArray[Any]] = {
        "stamp": np.array([seq, at, count], dtype=np.int64),
        "words": np.frombuffer(msgspec.json.encode(words), dtype=np.uint8),
        "places": table.kept.places[:room],
        "codes": table.kept.codes[:, :room],
        "readings": past.readings[:room],
    }
    for number, lookup in enumerate(table.lookups):
        arrays[f"keys{number}"], arrays[f"rows{number}"] = lookup.gathered()
    return arrays | {name: column[:room] for name, column in past.fields.items()}


def stamp(arrays: Arrays) -> tuple[int, int]:
    """Return the ``seq`` and the time of the record that a past was taken behind."""
    seq, at, _ = arrays["stamp"].tolist()
    return int(seq), int(at)


def unpacked(process: Process, arrays: Arrays) -> Past:
    """Return the past that was packed.

    Raises:
        KeyError, ValueError: it is none.
    """
    past = Past(process)
    words = msgspec.json.decode(arrays["words"].tobytes())
    for known, values in zip(past.table.columns.known, words["known"], strict=True):
        known.update({(type(value), value): code for code, value in enumerate(values, 1)})
    past.conditions = [Texts(one) for one in words["conditions"]]
    past.places = {one: place for place, one in enumerate(past.conditions)}
    lookups = tuple(
        Lookup(keys=arrays[f"keys{number}"], rows=arrays[f"rows{number}"]) for number in range(len(past.table.lookups))
    )
    count = int(arrays["stamp"][2])
    past.table.restore(Coded(arrays["places"], arrays["codes"]), lookups, count)
    past.restore({name: arrays[name] for name in past.fields}, arrays["readings"])
    return past
