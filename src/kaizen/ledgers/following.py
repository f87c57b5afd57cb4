"""What every ledger does before it writes: check the fence, and work out what follows from the entries.

Pure: a ledger gives the head as it is and a way to look up history rows, and gets the head and the rows as
they will be. So an append is all or nothing, and all ledgers agree on what it means.
"""

from collections.abc import Callable, Iterable

from kaizen.errors import Clash, Contested, Malformed
from kaizen.folding import rows, step
from kaizen.journal import Head, Kept, Row
from kaizen.ledger import Asked, Entry, Faulted, Record, Told

Look = Callable[[type[Row], int], Row | None]
"""Returns the history row of one kind and number as it is now."""

Rows = dict[tuple[type[Row], int], Row]
"""Rows written or rewritten, each under its kind and number."""


def follow(head: Head | None, records: Iterable[Record], look: Look, *, fenced: bool = True) -> tuple[Head, Rows]:
    """Return the head behind the records, and all rows that they write or rewrite.

    Raises:
        Contested: an answer comes from an attempt that does not have the run (see ``check_fence``).
        Damaged: a record cannot follow.
    """
    written: Rows = {}

    def look_here_first(kind: type[Row], number: int) -> Row | None:
        return written.get((kind, number)) or look(kind, number)

    for record in records:
        if fenced:
            check_fence(head, record.entry)
        for row in rows(head, record, look_here_first):
            written[type(row), number_of(row)] = row
        head = step(head, record)
    if head is None:
        raise Malformed("entries must be one or more; got none")
    return head, written


def check_fence(head: Head | None, entry: Entry) -> None:
    """Refuse an answer from an attempt that does not have the run, and a run handed out by a number already given.

    A worker that was slow, frozen or cut off may believe that it still has its run; only the ledger knows.

    Raises:
        Contested: the run is not open, or another attempt has it.
    """
    if head is None or not isinstance(entry, Told | Faulted | Asked):
        return
    if isinstance(entry, Asked):
        for run in entry.runs:
            open_run = head.run(run.id)
            if open_run is not None and run.attempt <= open_run.attempt:
                raise Contested(
                    f"run {run.id} must be handed out as attempt {open_run.attempt + 1}; got attempt {run.attempt}",
                    hint="somebody else was handed the run; look again",
                )
        return
    open_run = head.run(entry.run)
    if open_run is None:
        raise Contested(
            f"an answer must be to an open run; got one to run {entry.run}",
            hint="it was answered before, or never asked",
        )
    if open_run.attempt != entry.attempt:
        raise Contested(
            f"the answer to run {entry.run} must come from attempt {open_run.attempt}, which has it; "
            f"got attempt {entry.attempt}",
            hint="its lease ran out and the run was handed to another worker; a late answer is kept as Late",
        )


def number_of(row: Row) -> int:
    """Return a row's number among its kind."""
    return row.standard.number if isinstance(row, Kept) else row.id


def check_append(process: str, entries: Iterable[Entry], *, by: str, key: str, request: str) -> None:
    """Refuse at the door what no ledger could keep.

    Raises:
        Malformed: no entries, no name, or a text that is no Unicode.
    """
    if not entries:
        raise Malformed("entries must be one or more; got none")
    if not process:
        raise Malformed("a process's name must be letters, digits, _ - and .; got ''")
    for what, text in (("process", process), ("by", by), ("key", key), ("request", request)):
        if (not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)) or "\0" in text:
            raise Malformed(f"{what} must be Unicode text without NUL; got {text!r}")


def same_answer(key: str, request: str, first: str, records: tuple[Record, ...]) -> tuple[Record, ...]:
    """Return the records that the first command with this key wrote, if it asked for the same.

    Raises:
        Clash: it asked for something else.
    """
    if request != first:
        raise Clash(
            f"the key {key!r} must come with the request it first came with; got another",
            hint="use a new key for a new request",
        )
    return records


def check_after(process: str, after: int | None, head: Head | None) -> None:
    """Refuse an append whose writer has not seen the process's last record."""
    seq = head.seq if head else 0
    if after is not None and after != seq:
        raise Contested(
            f"the last record of {process} must be {after}, as seen; got {seq}", hint="look again, then retry"
        )
