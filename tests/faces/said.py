"""Command lines called in this process, and what they said."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from kaizen.faces.cli import main


class Said(NamedTuple):
    """What a command line said."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)

    @property
    def documents(self) -> list[Any]:
        """The documents on stdout, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


Shell = Callable[..., Said]


def shell(capture: pytest.CaptureFixture[str]) -> Shell:
    """Return what calls a command line and gives back what it said, and nothing that was said before."""

    def call(*words: str) -> Said:
        capture.readouterr()
        status = main(list(words))
        return Said(status, *capture.readouterr())

    return call
