"""Which rows the judge's table has, in which parts they are measured, and how often anything is repeated."""

import zlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from benchmarks.judge.table import Line


class Size(NamedTuple):
    """How often things are repeated."""

    scale: float = 1.0
    long: bool = False
    """Whether the counts are those of a calibration."""

    def count(self, usual: int, calibrating: int | None = None) -> int:
        """Return how often, at least twice; ``calibrating`` where the counts are long ones, by default four times as often."""
        most = (calibrating or 4 * usual) if self.long else usual
        return max(2, round(most * self.scale))


class Chance(NamedTuple):
    """The seed of one part of a row."""

    seed: int
    name: str

    def rng(self, more: str = "") -> np.random.Generator:
        """Return the part's own stream."""
        return np.random.default_rng([self.seed, zlib.crc32(f"{self.name} {more}".encode())])

    @property
    def coins(self) -> int:
        """The first of the seeds of its trials' coins."""
        return (self.seed << 40) + (zlib.crc32(self.name.encode()) << 8)


Part = Callable[[Chance, Size], list[Line]]


class Row(NamedTuple):
    """A row: what it asks, and its parts by name."""

    title: str
    parts: dict[str, Part]
