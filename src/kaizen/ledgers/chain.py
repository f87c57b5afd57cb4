"""The hash chain over all entries: no byte of the past changes unseen."""

import hashlib

from kaizen.ledgers.codec import canonical

START = bytes(32)
"""What stands before the first entry."""


def link(before: bytes, fields: tuple[object, ...]) -> bytes:
    """Return the hash of an entry's stored fields (all but the hash), behind the hash of the entry before."""
    return hashlib.blake2b(before + canonical(fields), digest_size=32).digest()
