"""What a client may read without a tool: ``kaizen://{process}/standard`` and its kin."""

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote, unquote

import msgspec

from kaizen.errors import Undeclared
from kaizen.faces.mcp import asked, reading
from kaizen.faces.mcp.room import Room
from kaizen.journal import sides
from kaizen.reports.lines import trial_lines
from kaizen.reports.noise import noise_text

SCHEME = "kaizen://"
JSON, TEXT = "application/json", "text/plain"


class Kind(NamedTuple):
    """One kind of resource."""

    name: str
    says: str
    mime: str
    read: Callable[[Room, str], str]


class Content(NamedTuple):
    """What stands under an address."""

    mime: str
    text: str


def _standard(room: Room, process: str) -> str:
    return as_json(reading.standard(room, asked.Standard(process=process)))


def _board(room: Room, process: str) -> str:
    return as_json(reading.show(room, asked.Show(process=process, k=20)))


def _lessons(room: Room, process: str) -> str:
    return as_json(reading.lessons(room, asked.Lessons(process=process, k=20)))


def _noise(room: Room, process: str) -> str:
    with room.at_rest(process, imagine=True) as bench:
        return noise_text(bench.noise())


KINDS = (
    Kind("standard", "Today's standard, and what may be changed of it.", JSON, _standard),
    Kind("board", "What is open, who has what in hand, the budget, how many lessons there are.", JSON, _board),
    Kind("lessons", "The twenty newest lessons; kaizen_lessons has more.", JSON, _lessons),
    Kind("noise", "How far readings of the standard differ, and what gains that lets trials prove.", TEXT, _noise),
)
TRIAL = "One trial: why, its design, its pairs, its verdict."


def address(process: str, what: str) -> str:
    """Return the address of a resource: ``kaizen://coffee/board``."""
    return f"{SCHEME}{quote(process)}/{what}"


def read(room: Room, uri: str) -> Content:
    """Return what stands under an address.

    Raises:
        Undeclared: nothing does.
    """
    path = uri.removeprefix(SCHEME) if uri.startswith(SCHEME) else ""
    match [unquote(part) for part in path.split("/")]:
        case [process, "trials", number] if process:
            return Content(TEXT, _trial(room, process, number))
        case [process, what] if process:
            kind = next((kind for kind in KINDS if kind.name == what), None)
            if kind is not None:
                return Content(kind.mime, kind.read(room, process))
    known = ", ".join([*(kind.name for kind in KINDS), "trials/N"])
    raise Undeclared(f"a resource must be {SCHEME}PROCESS/ and one of {known}; got {uri!r}")


def _trial(room: Room, process: str, number: str) -> str:
    with room.at_rest(process) as bench:
        found = next((test for test in bench.trials if str(test.id) == number), None)
        if found is None:
            last = bench.head.next_trial - 1
            raise Undeclared.numbered(f"a trial of {bench.name}", last=last, got=number)
        watch = found.trial.purpose == "shadow"
        standard = found.trial.increment.of if watch else found.adopted
        promise = next((one for one in bench.promises() if one.standard == standard), None)
        runs = sides(bench.wheel.ledger, bench.name, found.id)
    before = promise.before if promise is not None else None
    return trial_lines(found, runs, before=before, promise=str(promise or ""))


def as_json(reply: msgspec.Struct) -> str:
    """Return a reply as one line of JSON."""
    return msgspec.json.encode(reply).decode()
