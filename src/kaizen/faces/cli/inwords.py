"""What a command line says of an increment: values by name, a sentence, a diff."""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

from kaizen.errors import Malformed
from kaizen.faces.cli import place
from kaizen.parameter import Revision
from kaizen.process import Process


class Said(NamedTuple):
    """The words of a command line, parted."""

    values: tuple[str, ...]
    """``name=value`` each."""
    sentence: str


def named(given: argparse.Namespace) -> argparse.Namespace:
    """Return a command line whose process may be left out: what cannot be a name is the first of its words.

    Where there is no recipe, the ledger's only process is meant.
    """
    process, words = given.process, tuple(given.words)
    if process is not None and (not process.strip() or "=" in process or any(map(str.isspace, process))):
        process, words = None, (process, *words)
    where = place.find(given)
    if process is None and not where.processes and where.ledger is not None and where.ledger.is_file():
        with place.shop_at_rest(given) as shop:
            names = tuple(shop)
        process = names[0] if len(names) == 1 else None
    return argparse.Namespace(**{**vars(given), "process": process, "words": words})


def part(words: tuple[str, ...], process: Process) -> Said:
    """Part words into values and a sentence: of a process whose code alone may change, ``lr=0.05`` is part of a sentence."""
    known = {parameter.name for parameter in process.parameters}
    coded = all(isinstance(parameter, Revision) for parameter in process.parameters)
    values = [word for word in words if _is_value(word, known, coded=coded)]
    return Said(tuple(values), " ".join(word for word in words if word not in values))


def _is_value(word: str, known: set[str], *, coded: bool) -> bool:
    name, sign, _ = word.partition("=")
    return bool(sign) and (name.strip() in known or not (coded or any(map(str.isspace, word))))


def diff(source: str | None) -> bytes:
    """Read a diff from a file, or from standard input where ``-`` is given.

    Raises:
        Malformed: there is no such file.
    """
    if source is None:
        return b""
    if source == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise Malformed(
            f"--diff must be a file that can be read, or -; got {source} ({error.strerror or error})",
            hint="git diff --cached | kaizen nod PROCESS WORDS --diff -",
        ) from error
