"""The veteran asked in words and code: the index is brought up to date, and what it finds is answered on."""

from pathlib import Path
from typing import NamedTuple

import msgspec

from kaizen.errors import Malformed
from kaizen.hinting import facts_of
from kaizen.standard import Increment
from kaizen.veteran.nod import Nod
from kaizen.veteran.prints import Changed, changed
from kaizen.veteran.together import as_nod, both
from kaizen.veteran.wording import LOOKED, consult
from kaizen.workshop.remembering import caught_up
from kaizen.workshop.turning import Store

_SYMBOLS = 20  # a change that touches more is known by its files


class InWords(NamedTuple):
    """What is said of an increment, what it changes in code, and the veteran's answer on these."""

    said: str
    code: Changed
    nod: Nod

    def mark(self, made: Increment) -> Increment:
        """Return an increment with its words and the fingerprint of its code."""
        code = self.code
        return msgspec.structs.replace(
            made, words=self.said, files=code.files, diff=code.print, symbols=code.symbols[:_SYMBOLS]
        )

    def beside(self, values: Nod) -> Nod:
        """Return the answer on words and the one on values as one."""
        return both(values, self.nod)


def in_words(ledger: Store, path: Path | None, process: str, said: str, diff: str | bytes) -> InWords:
    """Ask about an increment in words, in code, or both; nothing is written to the ledger, at ``path`` if it is a file.

    Raises:
        Malformed: there are neither words nor changed code.
    """
    code = changed(diff.encode() if isinstance(diff, str) else diff)
    if not said.strip() and not code.print:
        raise Malformed(
            "what the veteran is asked about must be values, words, or a diff that changes code; got none of them",
            hint='say what is changed: "raise the learning rate from 0.04 to 0.05"',
        )
    with caught_up(ledger, path, process) as index:
        asked, facts = index.asked(said, code.print), facts_of(index)
        found = consult(asked, index.nearest(asked, count=LOOKED), facts)
    return InWords(said, code, as_nod(found, facts, process))
