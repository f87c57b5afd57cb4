"""Sealed mappings: what was set, what was read, what a run happened under."""

import hashlib
import math
from collections.abc import Iterator, Mapping
from numbers import Integral, Real
from typing import Any, Generic, TypeVar

import msgspec

from kaizen.errors import Malformed, OutOfRange

Value = bool | int | float | str
"""What a parameter can be set to."""

T = TypeVar("T")


def plain_number(value: object) -> int | float | None:
    """Return a finite number as Python's own (also NumPy's), or ``None`` where it is none; truth is no number."""
    if type(value) is float:  # the common case, quick
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        return (int(value) if isinstance(value, Integral) else float(value)) if math.isfinite(value) else None
    except OverflowError:  # 10**400 is finite, and beyond every float
        return None


class Sealed(Mapping[str, T], Generic[T]):
    """A mapping that cannot change, ordered by name, hashable and equal by content."""

    __slots__ = ("_hash", "_items")

    def __init__(self, items: Mapping[str, Any] | None = None, /, **named: Any) -> None:
        """Seal ``items`` and ``named`` together.

        Raises:
            Malformed: a name is not a string or a value is not of the mapping's kind.
        """
        given = {**(items or {}), **named}
        for name in given:
            if not isinstance(name, str):
                raise Malformed(f"a name must be text; got {name!r}")
        self._items: dict[str, T] = {name: self._sound(name, given[name]) for name in sorted(given)}
        self._hash: int | None = None

    @staticmethod
    def _sound(name: str, value: Any) -> Any:  # noqa: ARG004 - the others name it in their sentences
        """Return ``value`` as it is kept, or raise; each kind of mapping says its own."""
        return value

    def __getitem__(self, name: str) -> T:
        """Return the value of ``name``."""
        return self._items[name]

    def __iter__(self) -> Iterator[str]:
        """Walk the names in order."""
        return iter(self._items)

    def __len__(self) -> int:
        """Count the names."""
        return len(self._items)

    def __hash__(self) -> int:
        """Hash by content."""
        if self._hash is None:
            self._hash = hash(tuple(self._items.items()))
        return self._hash

    def __eq__(self, other: object) -> bool:
        """Compare by content, and tell ``True`` from ``1`` and ``2`` from ``2.0``."""
        if isinstance(other, Sealed):
            return self._items == other._items and self._kinds() == other._kinds()
        return self._items == other

    def _kinds(self) -> list[type]:
        return [type(value) for value in self._items.values()]

    def __str__(self) -> str:
        """Return ``name=value, …``."""
        return ", ".join(f"{name}={value!r}" for name, value in self._items.items())

    def __repr__(self) -> str:
        """Return how it is made."""
        return f"{type(self).__name__}({self._items!r})"

    def plain(self) -> dict[str, T]:
        """Return a fresh plain dictionary."""
        return dict(self._items)


class Setting(Sealed[Value]):
    """Values of all active parameters; an inactive one is absent."""

    __slots__ = ()

    @staticmethod
    def _sound(name: str, value: Any) -> Value:
        if isinstance(value, bool) or (isinstance(value, str) and _storable(value)):
            return value
        number = plain_number(value)
        if isinstance(number, float):
            return number + 0.0  # -0.0 and 0.0 are one setting
        if number is None or not -(2**63) <= number < 2**63:  # what JSON and SQL keep exactly
            raise OutOfRange(f"{name} must be text, a finite number, true or false; got {value!r}")
        return number

    @property
    def fingerprint(self) -> str:
        """The setting's name for ever: 128 bits of BLAKE2b over its canonical JSON, in hex."""
        canonical = msgspec.json.encode(self._items)
        return hashlib.blake2b(canonical, digest_size=16).hexdigest()


class Numbers(Sealed[float]):
    """Named finite numbers: readings, worthwhiles, spends."""

    __slots__ = ()

    @staticmethod
    def _sound(name: str, value: Any) -> float:
        number = plain_number(value)
        if number is None:
            raise OutOfRange(f"{name} must be a finite number; got {value!r}")
        return float(number) + 0.0


class Texts(Sealed[str]):
    """Named pieces of text: conditions, sources of readings."""

    __slots__ = ()

    @staticmethod
    def _sound(name: str, value: Any) -> str:
        if not isinstance(value, str | int | float | bool) or not _storable(str(value)):
            raise Malformed(f"{name} must be text; got {value!r}")
        return str(value)


def _storable(text: str) -> bool:
    """Tell whether text can be stored and handed to a command: no half surrogates, no NUL."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def encode_hook(value: object) -> object:
    """Turn a sealed mapping into what JSON knows (for ``msgspec`` encoders)."""
    if isinstance(value, Sealed):
        return value._items  # noqa: SLF001 - same module, and no copy on the hot path
    raise TypeError(f"no stored form for {type(value).__name__}")


def decode_hook(kind: type, value: Any) -> Any:
    """Seal a mapping read from JSON (for ``msgspec`` decoders)."""
    if issubclass(kind, Sealed):
        return kind(value)
    raise TypeError(f"no stored form for {kind.__name__}")
