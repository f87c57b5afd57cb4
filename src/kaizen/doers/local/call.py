"""A Python function as work: called in a forked child, its result written down as JSON, never as a pickle."""

import contextlib
import faulthandler
import gc
import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Literal

from kaizen.doers.local import guard


def function_work(
    function: Callable[..., object], settings: Mapping[str, Any], *, environment: Mapping[str, str],
    memory: float | None, result: int, private: tuple[str, ...],
) -> guard.Work:  # fmt: skip
    """Return a work that calls ``function(**settings)`` and writes what came of it to the descriptor ``result``.

    ``memory`` (MiB) is what the function may need beyond what its process has when it is called.
    """

    def work(begin: Callable[[], None]) -> None:
        owner = os.getpid()
        _settle(environment, private)
        if memory is not None:
            guard.limit_memory(memory + _address_space())
        begin()
        answer = _call(function, settings)
        if os.getpid() != owner:  # the function forked and came back twice
            os._exit(0)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        with open(result, "w", encoding="utf-8") as file:
            file.write(answer)

    return work


def _call(function: Callable[..., object], settings: Mapping[str, Any]) -> str:
    """Call it, measured from just before to just after; return JSON."""
    told: dict[str, Any] = {}
    cpu, start = _cpu_seconds(), time.perf_counter()
    try:
        returned = function(**settings)
        told["seconds"], told["cpu_seconds"] = time.perf_counter() - start, _cpu_seconds() - cpu
        told["peak_memory"] = _peak_memory()
        told["returned"] = _plain(returned)
    except MemoryError:
        told = {"memory": True}
        with contextlib.suppress(MemoryError):
            traceback.print_exc()
    except BaseException as error:  # noqa: BLE001 - whatever it raises is a fault, SystemExit too
        told = {"raised": f"{type(error).__name__}: {error}"[:1_000]}
        traceback.print_exc()
    return json.dumps(told)


def _plain(returned: object) -> object:
    """Turn what a function returned into what JSON knows; a number of any make is a float."""
    if isinstance(returned, Mapping):
        return {str(name): _plain(value) for name, value in returned.items()}
    if returned is None or isinstance(returned, bool | str):
        return returned
    try:
        return float(returned)  # type: ignore[arg-type] # that is the question
    except (TypeError, ValueError, OverflowError):
        return repr(returned)[:200]


def _settle(environment: Mapping[str, str], private: tuple[str, ...]) -> None:
    """Make the forked child a place of its own: environment, streams, and no hand on the supervisor's ledger."""
    os.environ.clear()
    os.environ.update(environment)
    _blank(private)
    sys.stdin = sys.__stdin__ = _stream(0, "r")  # type: ignore[misc] # the process is ours
    sys.stdout = sys.__stdout__ = _stream(1, "w")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _stream(2, "w")  # type: ignore[misc]
    if faulthandler.is_enabled():
        faulthandler.enable(sys.stderr)  # or it would write where the supervisor said
    gc.freeze()  # what the supervisor left is no affair of the function's collections
    gc.enable()


def _stream(descriptor: int, mode: Literal["r", "w"]) -> TextIOWrapper:
    return open(descriptor, mode, encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)


def _blank(private: tuple[str, ...]) -> None:
    """Put nothing (/dev/null) in the place of what the supervisor has open at ``private`` beginnings of paths (Linux).

    A number that was merely closed would be given to the function's next file, and the ledger would write into that.
    What else is open stays: it may be the function's own.
    """
    null = os.open(os.devnull, os.O_RDWR)
    with contextlib.suppress(OSError):
        for link in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):
                target = str(link.readlink())
                if int(link.name) > 2 and target.startswith(private) and not target.endswith(" (deleted)"):
                    os.dup2(null, int(link.name), inheritable=False)
    os.close(null)


def _cpu_seconds() -> float:
    """Seconds of this process and of its children that ended, user and system."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def _peak_memory() -> float:
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return peak / (1024 if guard.LINUX else 1 << 20)


def _address_space() -> float:
    """MiB of address space that this process has."""
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[0])
        return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
    except OSError:  # no Linux
        return 0.0
