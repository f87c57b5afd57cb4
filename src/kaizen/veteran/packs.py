"""An advice pack: what an owner's processes know of each half of each parameter, in one of three words, with noise in it.

A pack holds for every parameter that its owner chose to speak of: *the upper half is better*, *the lower half*, or *nothing to
say*; for a choice the same of each value. Names and units are salted hashes; there are no settings, readings or ranges. The
three words are made of counts (``tally``) with noise (``dither``), so that whoever holds the pack, whatever else they know,
learns of one run no more than ε, once and for all: questions cost nothing more.

    word = 1 if S + Z ≥ θ, -1 if S + Z ≤ -θ, else 0;  Z by eq. 1 of ``dither`` with t;  ε = Δ / t                  (eq. 1)

θ = t: a count that is nothing but noise comes out as a word with a chance of 37 %.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

import msgspec

from kaizen.errors import Malformed, Mistake, Newer, OutOfRange
from kaizen.veteran.dither import Chance, noise, telling
from kaizen.veteran.tally import Cell, Owner, moved_by_one, tally_all

FORM: Final = 1
"""Of the file; it counts up when the file changes."""
EPSILON: Final = "1"
ANSWERS: Final = 250
TOLD: Final = 0.55
"""The most that an attacker who knows all other runs may tell of one: an AUC, where .5 is nothing."""
_LARGEST = 1_000_000  # bytes that are read of a file
_MOST_PARAMETERS = 1_000
_HASH, _SALT = 10, 16  # bytes


class Said(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a pack says of one parameter."""

    key: str
    """A salted hash of its sort and name."""
    unit: str = ""
    """A salted hash of its unit; empty where it has none."""
    says: int = 0
    """1: its upper half is better, or true; -1: its lower half; 0: nothing to say."""
    values: dict[str, int] | None = None
    """Of a choice: the same by salted hash of each value."""


class Pack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An advice pack, as it stands in its file."""

    kaizen: str = "pack"
    form: int = FORM
    name: str
    salt: str
    better: str
    """``lower`` or ``higher``: what is better of the metrics that it speaks of."""
    epsilon: float
    """What it tells of one run, at most; rounded up."""
    moved: int
    """Δ: how far one run moves all counts together, at most."""
    scale: int
    """t of the noise."""
    answers: int
    """How many different questions it answers."""
    said: tuple[Said, ...]
    """In the order of the hashes."""
    sum: str = ""
    """A hash of everything else: a file that was cut or mistyped does not add up."""

    def __str__(self) -> str:
        """Return ``north speaks of 6 parameters (ε 0.45, 250 answers)``."""
        count = len(self.said)
        return f"{self.name} speaks of {count} parameter{'' if count == 1 else 's'} (ε {self.epsilon:.3g}, {self.answers} answers)"


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a pack may tell."""

    epsilon: Fraction
    answers: int = ANSWERS
    told: float = TOLD


def epsilon_of(given: object, what: str) -> Fraction:
    """Read an ε, as exactly as it is written.

    Raises:
        OutOfRange: it protects nothing or leaves nothing.
    """
    try:
        exact = Fraction(str(given))
    except (ValueError, ZeroDivisionError):
        exact = Fraction(0)
    if not Fraction(1, 1000) <= exact <= 10:
        raise OutOfRange(f"{what} must be a number from 0.001 to 10; got {given!r}", hint="1 is usual; less tells less")
    return exact


def terms(epsilon: object = EPSILON, *, answers: int = ANSWERS, told: float = TOLD) -> Terms:
    """Read what a pack may tell.

    Raises:
        OutOfRange: an ε that protects nothing or leaves nothing, no answers, or an AUC that is none.
    """
    exact = epsilon_of(epsilon, "epsilon")
    if not 1 <= answers <= 1_000_000:
        raise OutOfRange(f"answers must be from 1 to 1000000; got {answers}")
    if not 0.5 < told <= 1.0:
        raise OutOfRange(
            f"told must be an AUC above 0.5 and up to 1; got {told!r}", hint="0.55 is usual; 1 is no limit"
        )
    return Terms(epsilon=exact, answers=answers, told=told)


# ── making one ────────────────────────────────────────────────────────────────────────────────────────────────────────
def scale_of(owners: Sequence[Owner], wanted: Terms) -> int:
    """Return the least scale of noise that keeps both ε and the AUC; it depends on the descriptions alone."""
    moved = max(moved_by_one(owner.process) for owner in owners)
    scale = -(-moved * wanted.epsilon.denominator // wanted.epsilon.numerator)
    while telling(scale, moved // 2) > wanted.told:
        scale += 1 + scale // 64
    return int(scale)


def words(counts: Iterable[int], scale: int, chance: Chance) -> list[int]:
    """Return a word for each count (eq. 1)."""
    noisy = [count + noise(scale, chance) for count in counts]
    return [(one >= scale) - (one <= -scale) for one in noisy]


def make(owners: Sequence[Owner], wanted: Terms, *, name: str, better: str, chance: Chance) -> Pack:
    """Return a pack of several processes whose first metrics are ``better`` in one direction.

    Raises:
        Mistake: there is nothing to speak of, or the name cannot be right.
    """
    check_name(name)
    moved = max((moved_by_one(owner.process) for owner in owners), default=0)
    if not 0 < moved <= 2 * _MOST_PARAMETERS:
        raise Mistake(f"a pack must speak of 1 to {_MOST_PARAMETERS} parameters that are no code; got {moved // 2}")
    counted = tally_all(owners, chance)
    scale = scale_of(owners, wanted)
    told = dict(zip(counted, words(counted.values(), scale, chance), strict=True))
    salt = chance.randrange(256**_SALT).to_bytes(_SALT, "big").hex()
    return sealed(
        Pack(
            name=name, salt=salt, better=better, epsilon=-(-moved * 10_000 // scale) / 10_000, moved=moved, scale=scale,
            answers=wanted.answers, said=_said(salt, told),
        )
    )  # fmt: skip


def _said(salt: str, told: Mapping[Cell, int]) -> tuple[Said, ...]:
    """Hash what is spoken of; the order of hashes says nothing of the recipe's."""
    made: dict[tuple[str, str], Said] = {}
    for cell, word in told.items():
        key = hashed(salt, cell.sort, cell.name)
        unit = hashed(salt, "unit", cell.unit) if cell.unit else ""
        if cell.sort == "choice":
            known = made.get((key, unit), Said(key=key, values={})).values or {}
            values = dict(sorted({**known, hashed(salt, "value", cell.name, cell.value): word}.items()))
            made[key, unit] = Said(key=key, values=values)
        else:
            made[key, unit] = Said(key=key, unit=unit, says=word)
    return tuple(made[at] for at in sorted(made))


def hashed(salt: str, *parts: str) -> str:
    """Return the salted hash of a name: who guesses the name can confirm it, which is how a partner finds its own."""
    text = "\x1f".join(parts)
    return hashlib.blake2b(text.encode(), key=bytes.fromhex(salt), digest_size=_HASH).hexdigest()


def sealed(pack: Pack) -> Pack:
    """Return a pack with its sum."""
    plain = msgspec.json.encode(msgspec.structs.replace(pack, sum=""), order="deterministic")
    return msgspec.structs.replace(pack, sum=hashlib.blake2b(plain, digest_size=_HASH).hexdigest())


def check_name(name: str) -> None:
    """Refuse a name that is none.

    Raises:
        Malformed: it is not letters, digits and _, or long.
    """
    if not name.isidentifier() or len(name) > 60:
        raise Malformed(
            f"a pack's name must be letters, digits and _, 60 at most; got {name!r}", hint="say it: --as NAME"
        )


# ── the file ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def write(pack: Pack) -> bytes:
    """Return a pack as its file: JSON that people can read."""
    plain = msgspec.json.encode(pack, order="deterministic")
    return msgspec.json.format(plain, indent=1) + b"\n"


def read(content: bytes, where: str) -> Pack:
    """Return the pack in a file named ``where``; nothing in it is run.

    Raises:
        Malformed: it is no pack, or was cut or changed.
        Newer: a later version made it.
    """
    if len(content) > _LARGEST:
        raise Malformed(f"{where} must be a pack of at most {_LARGEST} bytes; got {len(content)}", hint=_OTHER)
    try:
        plain = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"{where} must be a pack, which is JSON; got {error}", hint=_AGAIN) from error
    if not isinstance(plain, dict) or plain.get("kaizen") != "pack":
        raise Malformed(f"{where} must be a pack made by kaizen pack; got other JSON", hint=_OTHER)
    form: Any = plain.get("form")
    if isinstance(form, int) and form > FORM:
        raise Newer(
            f"{where} must be a pack of form {FORM} or before; got form {form}",
            hint="a later Kaizen made it: update this one",
        )
    try:
        pack = msgspec.convert(plain, Pack)
        _check(pack)
    except (msgspec.ValidationError, Mistake, ValueError) as error:
        raise Malformed(f"{where} must be a whole pack; got {error}", hint=_AGAIN) from error
    if sealed(pack).sum != pack.sum:
        raise Malformed(f"{where} must add up to the sum in it; got a pack that was cut or changed", hint=_AGAIN)
    return pack


def _check(pack: Pack) -> None:
    """Refuse what no pack can be."""
    check_name(pack.name)
    values = [one for said in pack.said for one in (said.says, *(said.values or {}).values())]
    if pack.form < 1 or pack.better not in ("lower", "higher") or not set(values) <= {-1, 0, 1}:
        raise Malformed("a form, direction or word that there is none of")
    if len(pack.salt) != 2 * _SALT or pack.scale < 1 or pack.moved < 2 or pack.answers < 1 or not pack.epsilon > 0:
        raise Malformed("numbers that cannot be right")
    if pack.epsilon + 1e-9 < pack.moved / pack.scale:
        raise Malformed("an epsilon that its noise does not keep")
    bytes.fromhex(pack.salt)


_AGAIN = "ask its owner for it again"
_OTHER = "kaizen pack PROCESS -o FILE makes one"
