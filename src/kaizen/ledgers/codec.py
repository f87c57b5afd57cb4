"""The stored form of entries: a short name, a schema number, and a body of canonical JSON.

Names and numbers outlive the code: never import paths, never pickles, and every released ledger opens for
ever. JSON is canonical when keys are in order and no number is other than finite, so that the same entry
gives the same bytes on every machine and the hash chain over them means something.

History of the format. Any change of an entry's fields, or of a value inside it, takes the next schema number
and an upcaster from the one before; the golden ledgers of all releases (``tests/golden``) must still open.

    0.1.0   every kind at schema 1
"""

import math
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, Final

import msgspec

from kaizen.errors import Damaged, Malformed, Newer
from kaizen.journal import Head, Kept, Row, Tested, Tried
from kaizen.ledger import (
    Adopted,
    Advised,
    Amended,
    Asked,
    Cleared,
    Consented,
    Corrected,
    Described,
    Entry,
    Faulted,
    Judged,
    Late,
    Learned,
    Opened,
    Proposed,
    Pulled,
    Refused,
    Reported,
    Retracted,
    RolledBack,
    Scouted,
    Taught,
    Told,
    Voiced,
)  # fmt: skip
from kaizen.process import Process
from kaizen.setting import Numbers, Setting, Texts, decode_hook, encode_hook
from kaizen.verdict import Lesson

KINDS: Final[dict[str, type[Entry]]] = {
    "described": Described, "amended": Amended, "scouted": Scouted, "proposed": Proposed, "advised": Advised,
    "opened": Opened, "asked": Asked, "told": Told, "faulted": Faulted, "late": Late, "corrected": Corrected,
    "judged": Judged, "consented": Consented, "refused": Refused, "adopted": Adopted, "reported": Reported,
    "rolled_back": RolledBack, "learned": Learned, "retracted": Retracted, "taught": Taught, "voiced": Voiced,
    "pulled": Pulled, "cleared": Cleared,
}  # fmt: skip
"""Every entry kind under the short name it is stored by; a name is never used again for something else."""

ROWS: Final[dict[str, type[Row]]] = {"run": Tried, "trial": Tested, "standard": Kept, "lesson": Lesson}
"""Every history row under the name of its table."""

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns the fields of one schema into those of the next."""

UPCASTERS: Final[dict[str, tuple[Upcaster, ...]]] = {}
"""By kind, in order: from schema 1 to 2, from 2 to 3, and so on."""

_NAMES: Final[dict[type, str]] = {kind: name for name, kind in KINDS.items()}
_ENCODER = msgspec.json.Encoder(enc_hook=encode_hook, order="deterministic")


def encode(entry: Entry) -> tuple[str, int, bytes]:
    """Return an entry's stored form: kind, schema number, body.

    Raises:
        Malformed: a number in it is not finite, or a text is no Unicode.
    """
    kind = _NAMES[type(entry)]
    return kind, schema_of(kind), _encode(entry)


def seal(entry: Entry) -> tuple[str, int, bytes, Entry]:
    """Return an entry's stored form, and the entry as everybody will read it: ``low=0`` of a float is 0.0 there.

    Raises:
        Malformed: it is not what its kind says (a word that is not one of those allowed, a number not finite).
    """
    kind, schema, body = encode(entry)
    try:
        return kind, schema, body, decode(kind, schema, body)
    except Damaged as error:
        raise Malformed(f"an entry must be as its kind says; got {kind!r} with {error.__cause__}") from error


def decode(kind: str, schema: int, body: bytes | str) -> Entry:
    """Return the entry of a stored form, of whatever release.

    Raises:
        Newer: a later release wrote it.
        Damaged: the body is not one of its kind.
    """
    if kind not in KINDS or schema > schema_of(kind):
        known = f"at most schema {schema_of(kind)}" if kind in KINDS else "of a known kind"
        raise Newer(f"an entry {kind!r} must be {known}; got schema {schema}", hint="upgrade kaizen-engine")
    if schema == schema_of(kind):
        return _decode(KINDS[kind], body)  # type: ignore[no-any-return] # a decoder returns what it was made for
    try:
        fields = msgspec.json.decode(body)
        for upcast in UPCASTERS[kind][schema - 1 :]:
            fields = upcast(fields)
        return msgspec.convert(fields, KINDS[kind], dec_hook=decode_hook)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _damaged(kind, body) from error


def schema_of(kind: str) -> int:
    """Return the schema number that this release writes."""
    return 1 + len(UPCASTERS.get(kind, ()))


# ── read models ───────────────────────────────────────────────────────────────────────────────────────────────────────
# Only the release that wrote a read model reads it: another one builds it again from the entries.

_STATE_FIELDS = tuple(field for field in msgspec.structs.fields(Head) if field.name != "process")
_State = msgspec.defstruct(
    "_State",
    [(f.name, f.type) if f.required else (f.name, f.type, f.default) for f in _STATE_FIELDS],
    frozen=True,
)
"""A head without its process, which is large and seldom changes."""
_state_values = attrgetter(*(field.name for field in _STATE_FIELDS))


def encode_head(head: Head) -> tuple[bytes, bytes]:
    """Return a head in two parts: the process as described, and the rest."""
    return encode_process(head), encode_state(head)


def encode_process(head: Head) -> bytes:
    """Return the part of a head that seldom changes."""
    return _encode(head.process)


def encode_state(head: Head) -> bytes:
    """Return the part of a head that changes with every record."""
    return _encode(_State(*_state_values(head)))


def decode_head(process: bytes | str | Process, state: bytes | str) -> Head:
    """Return the head of its two parts; a process already at hand is taken as it is."""
    described = process if isinstance(process, Process) else _decode(Process, process)
    rest = _decode(_State, state)
    return Head(process=described, **{field.name: getattr(rest, field.name) for field in _STATE_FIELDS})


def encode_row(row: Row) -> bytes:
    """Return a history row's stored form."""
    return _encode(row)


def decode_row(table: str, body: bytes | str) -> Row:
    """Return the row that one table stores."""
    return _decode(ROWS[table], body)  # type: ignore[no-any-return] # a decoder returns what it was made for


def canonical(fields: object) -> bytes:
    """Return the canonical JSON of plain values: what a hash is taken of, and a stored text is made of."""
    return _encode(fields)


# ── bytes ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
@cache
def _decoder(kind: type) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, dec_hook=decode_hook)


def _encode(value: object) -> bytes:
    try:
        body = _ENCODER.encode(value)
    except UnicodeEncodeError as error:
        raise Malformed(f"a text must be Unicode; got {error.object!r}") from error
    if b"null" in body:  # msgspec writes a number that is not finite as null: look only where there is one
        _check_finite(value, type(value).__name__)
    return body


def _decode(kind: type, body: bytes | str) -> Any:
    try:
        return _decoder(kind).decode(body)
    except (ValueError, TypeError) as error:
        raise _damaged(kind.__name__.strip("_").lower(), body) from error


def _damaged(kind: str, body: bytes | str) -> Damaged:
    start = body[:60] if isinstance(body, str) else body[:60].decode(errors="replace")
    return Damaged(
        f"a stored {kind} must have the fields of one; got {start!r}", hint="kaizen doctor says what else is damaged"
    )


def _check_finite(value: object, where: str) -> None:
    """Refuse a number that is not finite, wherever it hides."""
    kind = type(value)
    if kind is float:
        if not math.isfinite(value):  # type: ignore[arg-type] # it is a float
            raise Malformed(f"{where} must be a finite number; got {value!r}")
    elif kind is tuple or kind is list:
        for item in value:  # type: ignore[attr-defined] # as above
            _check_finite(item, where)
    elif kind is dict:
        for name, item in value.items():  # type: ignore[attr-defined] # as above
            _check_finite(item, f"{where}.{name}")
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            item = getattr(value, name)
            if type(item) not in _SOUND:
                _check_finite(item, name)


_SOUND: Final = frozenset({str, int, bool, type(None), Setting, Numbers, Texts})
"""Kinds that hold no number but finite ones: a sealed mapping was checked when it was made."""
