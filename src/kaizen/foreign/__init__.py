"""A foreign record: what somebody else's trial and error left behind, in one neutral form.

A log, a table or a store is read into rows; every row keeps its place in the source and its raw sentence. A foreign fault
stays a fault: whatever number was written beside it is no reading. What cannot be read is listed, never dropped.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import Literal

import msgspec

from kaizen.parameter import Parameter
from kaizen.setting import Numbers, Setting, Texts, encode_hook
from kaizen.trial import Fault

Decision = Literal["baseline", "kept", "rejected", "undecided"]
Better = Literal["lower", "higher"]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One trial as the source tells it."""

    line: int
    """Where it begins: a line of the file, or its number in the store."""
    words: str = ""
    """The raw sentence: what was changed, and often what came of it."""
    decision: Decision = "undecided"
    status: str = ""
    """The decision as it was written."""
    setting: Setting = Setting()
    metrics: Numbers = Numbers()
    fault: Fault | None = None
    revision: str = ""
    """The commit that is named, whatever it looks like."""
    conditions: Texts = Texts()
    seconds: float | None = None
    """How long it ran, where that is told."""
    at: float | None = None
    """When, in seconds since 1970, where that is told."""
    key: str = ""
    """Its name for ever: made of what it says, not of where it stands."""

    @property
    def failed(self) -> bool:
        """Whether it was tried in vain: no reading, or rejected."""
        return self.fault is not None or self.decision == "rejected"


class Unread(msgspec.Struct, frozen=True, kw_only=True):
    """A row that could not be read."""

    line: int
    because: str
    text: str = ""

    def __str__(self) -> str:
        """Return ``line 7: it has 3 of 5 columns``."""
        return f"line {self.line}: {self.because}"


class Foreign(msgspec.Struct, frozen=True, kw_only=True):
    """All that one source holds."""

    form: str
    """Which importer read it, in words."""
    source: str
    rows: tuple[Row, ...]
    unread: tuple[Unread, ...] = ()
    metric: str = ""
    """What its decisions go by; empty where it has no numbers."""
    better: Better | None = None
    """The direction of ``metric``, where the source says it."""
    others: tuple[tuple[str, Better], ...] = ()
    """Further metrics whose direction the source says."""
    measured: tuple[str, ...] = ()
    """Metrics that every reading has, whether or not anything tells their direction."""
    parameters: tuple[Parameter, ...] = ()
    """As the source declares them; else they are made of the columns."""
    process: str = ""
    """What the source calls the process."""
    lessons: tuple[str, ...] = ()
    """What its author wrote down beside the rows."""
    notes: tuple[str, ...] = ()
    """What a reader of the rows should know of how they were read."""

    @property
    def in_words(self) -> bool:
        """Whether its trials are told in sentences, not in settings."""
        return not any(row.setting for row in self.rows)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader of a source is told beside the source."""

    columns: Texts = Texts()
    """What a column is, by its name: a word of ``ROLES``."""
    better: Texts = Texts()
    """``lower`` or ``higher`` by metric; by the empty name, of the metric that decisions go by."""
    process: str = ""
    """Which of several processes that one source holds."""


ROLES = {
    "setting": "a parameter's value",
    "metric": "a number that was measured; the first one decides",
    "status": "kept, rejected, crashed …",
    "words": "the sentence that says what was changed",
    "fault": "why there is no reading; empty where there is one",
    "condition": "what the run happened under",
    "revision": "the commit",
    "seconds": "how long it ran",
    "time": "when",
    "ignore": "nothing",
}
"""What a column of a table can be."""


def keyed(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Give each row its key: a fingerprint of what it says, counted where several say the same."""
    seen: Counter[str] = Counter()
    found = []
    for row in rows:
        said = [row.words, row.status, row.setting, row.metrics, row.fault, row.revision, row.conditions, row.at]
        print_ = hashlib.blake2b(msgspec.json.encode(said, enc_hook=encode_hook), digest_size=10).hexdigest()
        seen[print_] += 1
        found.append(msgspec.structs.replace(row, key=f"{print_}.{seen[print_]}" if seen[print_] > 1 else print_))
    return tuple(found)
