"""A reading, or a fault, out of what the work left: its status, its output, its measures."""

import json
import os
import re
import signal
from collections.abc import Mapping
from typing import Any, BinaryIO, NamedTuple

from kaizen.do import outcome_of
from kaizen.doers.local.ended import Ended
from kaizen.errors import Malformed
from kaizen.process import MEASURED, Function, Process, Shell
from kaizen.trial import Fault, Outcome

LINE = 64 * 1024
"""How far back from the end of the output the JSON line may begin, in bytes."""
SEARCHED = 1 << 20
"""How much of the output's end patterns search, in bytes."""
TAIL = 4 * 1024
"""How much of what was printed a fault keeps, in bytes."""
_NO_MEMORY = re.compile(rb"MemoryError|bad_alloc|cannot allocate memory|out of memory|memory exhausted", re.IGNORECASE)
_CLOSE = 0.8  # a peak of this share of the limit, or more, says what the work died of


class Left(NamedTuple):
    """What the work left: how it ended, and files of what it printed and returned."""

    ended: Ended
    out: BinaryIO
    err: BinaryIO
    result: BinaryIO | None = None

    def tail(self, size: int = TAIL) -> str:
        """Return the end of what was printed: output, then errors, which come first where room is short."""
        err = end_of(self.err, size)
        out = end_of(self.out, max(0, size - len(err)))
        between = b"\n" if out and err and not out.endswith(b"\n") else b""
        return (out + between + err).decode(errors="replace").strip()


class Said(NamedTuple):
    """What the work's own words come to."""

    outcome: Outcome
    money: float = 0.0


class Reader:
    """Reads one process's metrics; made once, so that a pattern nobody can read is refused before anything runs."""

    def __init__(self, process: Process) -> None:
        """Settle where each metric comes from.

        Raises:
            Malformed: a pattern is no regular expression, or has no group for its metric.
        """
        self.process = process
        self.limit = None if not isinstance(process.work, Shell | Function) else process.work.memory
        given: Mapping[str, str] = process.work.reads if isinstance(process.work, Shell) else {}
        self.sources: dict[str, str] = {}
        self.patterns: dict[str, re.Pattern[str]] = {}
        for metric in process.metrics:
            name = metric.name
            self.sources[name] = given.get(name) or (name if name in MEASURED else "json")
            if self.sources[name].startswith("pattern:"):
                self.patterns[name] = _pattern(name, self.sources[name].removeprefix("pattern:"))

    def read(self, left: Left) -> Said:
        """Return the outcome of a run, and the money that it told."""
        fault = self._fault(left)
        if fault is not None:
            return Said(fault)
        said = self._function(left) if left.result is not None else self._command(left)
        if isinstance(said.outcome, Fault) and not said.outcome.tail:
            fault = Fault(reason=said.outcome.reason, note=said.outcome.note, tail=left.tail())
            return Said(fault, said.money)
        return said

    def _fault(self, left: Left) -> Fault | None:
        """Return why the work did not end well, if it did not."""
        ended = left.ended
        if ended.ended == "timeout":
            within = getattr(self.process.work, "within", None)
            return Fault(reason="timeout", note=f"longer than {within:g} s", tail=left.tail())
        if ended.ended in {"error", "guardian"}:
            return Fault(reason="crash", note=ended.note, tail=left.tail())
        code = os.waitstatus_to_exitcode(ended.status) if os.name == "posix" else ended.status
        if code == 0 or (code > 0 and "exit_status" in self.sources.values()):
            return None
        tail = left.tail()
        note = f"killed by {_signal(-code)}" if code < 0 else f"exit status {code}{_meaning(code)}"
        if self.limit is not None and self._short_of_memory(ended, tail):
            return Fault(reason="memory", note=f"{note} under a limit of {self.limit:g} MiB", tail=tail)
        return Fault(reason="crash", note=note, tail=tail)

    def _short_of_memory(self, ended: Ended, tail: str) -> bool:
        """Tell whether a failure under a limit comes from the limit: the work says so, or its peak was close to it."""
        if _NO_MEMORY.search(tail.encode()):
            return True
        close = ended.peak_memory is not None and self.limit is not None and ended.peak_memory >= _CLOSE * self.limit
        return close and isinstance(self.process.work, Shell)  # a function's limit is on what it adds

    def _measured(self, ended: Ended) -> dict[str, float | int | None]:
        code = os.waitstatus_to_exitcode(ended.status) if os.name == "posix" else ended.status
        return {
            "seconds": ended.seconds, "cpu_seconds": ended.cpu_seconds,
            "peak_memory": ended.peak_memory, "exit_status": code,
        }  # fmt: skip

    def _command(self, left: Left) -> Said:
        values: dict[str, Any] = {}
        wanted = [name for name, source in self.sources.items() if source == "json"]
        told, money = _last_line(left.out), 0.0
        if wanted and told is None:
            return Said(Fault(reason="no reading", note=_no_line(wanted, left.out)))
        if isinstance(told, dict):
            values.update({name: told[name] for name in wanted if name in told})
            if "money" in told and "money" not in self.sources:
                money = _amount(told["money"])
        elif told is not None and len(wanted) == 1:
            values[wanted[0]] = told
        for name, pattern in self.patterns.items():
            found = _last_match(pattern, name, left)
            if found is None:
                note = f"the output must match {pattern.pattern!r} for {name}; got no match"
                return Said(Fault(reason="no reading", note=note), money)
            values[name] = found
        measured = self._measured(left.ended)
        values.update({name: measured[source] for name, source in self.sources.items() if source in measured})
        return Said(outcome_of(self.process, values), money)

    def _function(self, left: Left) -> Said:
        assert left.result is not None
        try:
            told = json.loads(end_of(left.result, SEARCHED))
        except ValueError:
            return Said(Fault(reason="crash", note="the function's process ended before the function returned"))
        if "memory" in told:
            limit = "" if self.limit is None else f" under a limit of {self.limit:g} MiB more"
            return Said(Fault(reason="memory", note=f"MemoryError{limit}"))
        if "raised" in told:
            return Said(Fault(reason="crash", note=told["raised"]))
        values: dict[str, Any] = {name: told[name] for name in self.sources if name in MEASURED and name in told}
        returned = told["returned"]
        if isinstance(returned, dict):
            money = _amount(returned.get("money", 0.0)) if "money" not in self.sources else 0.0
            values.update({name: value for name, value in returned.items() if name in self.sources})
            return Said(outcome_of(self.process, values), money)
        if returned is not None:
            wanted = [name for name in self.sources if name not in MEASURED] or list(self.sources)
            if len(wanted) != 1:
                note = f"the function must return a mapping with {', '.join(wanted)}; got {returned!r}"
                return Said(Fault(reason="no reading", note=note))
            values[wanted[0]] = returned
        return Said(outcome_of(self.process, values))


def end_of(file: BinaryIO, size: int) -> bytes:
    """Return at most the last ``size`` bytes of a file."""
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - size))
    return file.read(size)


def _pattern(name: str, text: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(text, re.MULTILINE)
    except re.error as error:
        raise Malformed(f"{name}'s pattern must be a regular expression; got {text!r} ({error})") from None
    if name not in pattern.groupindex and pattern.groups != 1:
        raise Malformed(
            f"{name}'s pattern must have one group, or one named {name}; got {text!r}",
            hint=f"put the number in parentheses: {name}=(\\S+)",
        )
    return pattern


def _last_match(pattern: re.Pattern[str], name: str, left: Left) -> str | None:
    """Return what the last match holds, in the output or else in the errors."""
    for file in (left.out, left.err):
        found = None
        for found in pattern.finditer(end_of(file, SEARCHED).decode(errors="replace")):  # noqa: B007 - the last one
            pass
        if found is not None:
            group: str | None = found[name if name in pattern.groupindex else 1]
            return group
    return None


def _last_line(out: BinaryIO) -> object:
    """Return what the last line that is not empty says in JSON; ``None`` if it is none."""
    try:
        return json.loads(_last_text(out))
    except ValueError:  # no JSON, no UTF-8, or cut off
        return None


def _last_text(out: BinaryIO) -> bytes:
    lines = end_of(out, LINE).split(b"\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), b"")


def _no_line(wanted: list[str], out: BinaryIO) -> str:
    last = _last_text(out)[:80].decode(errors="replace")
    form = "{" + ", ".join(f'"{name}": number' for name in wanted) + "}"
    return f"the last line of the output must be {form}; got {repr(last) if last else 'no output'}"


def _amount(value: object) -> float:
    """Return told money; what is no sound amount is none."""
    sound = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")
    return float(value) if sound else 0.0  # type: ignore[arg-type] # it is sound


def _meaning(code: int) -> str:
    """Return what the shell means by some statuses."""
    if code in {126, 127}:
        return " (the shell found no such command)" if code == 127 else " (the shell may not run it)"
    return f" ({_signal(code - 128)})" if 128 < code < 128 + 65 else ""


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
