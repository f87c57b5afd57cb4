"""Runs and what came of them; the trial of one increment against the standard, in randomised blocks."""

import hashlib
import math
from collections.abc import Sequence
from typing import Literal

import msgspec

from kaizen.metric import Guard, Metric
from kaizen.setting import Numbers, Setting, Texts
from kaizen.standard import Increment

Purpose = Literal["scout", "trial", "null", "shadow"]
Side = Literal["standard", "increment"]

FAULTS = {
    "crash": "the work ended with an error",
    "timeout": "the run took longer than its limit",
    "memory": "the run needed more memory than its limit",
    "no reading": "the work ended well, but a metric is missing or is no sound number",
    "constraint": "the work itself refused the setting",
    "lost": "the worker went silent twice",
    "told": "somebody said that it failed",
}
"""Why there may be no reading."""


class Reading(msgspec.Struct, frozen=True, kw_only=True, tag="reading", tag_field="kind"):
    """What a run measured: a number for every metric."""

    values: Numbers

    def __str__(self) -> str:
        """Return ``size=0.31, cpu=0.2``."""
        return ", ".join(f"{name}={value:.6g}" for name, value in self.values.items())


class Fault(msgspec.Struct, frozen=True, kw_only=True, tag="fault", tag_field="kind"):
    """Why there is no reading: a word of ``FAULTS``, a note, and the end of what the work printed."""

    reason: str
    note: str = ""
    tail: str = ""

    def __str__(self) -> str:
        """Return ``fault: crash (exit status 3)``."""
        return f"fault: {self.reason}{f' ({self.note})' if self.note else ''}"


Outcome = Reading | Fault


class Spend(msgspec.Struct, frozen=True, kw_only=True):
    """What running has used: runs, seconds of running, told money."""

    runs: int = 0
    seconds: float = 0.0
    money: float = 0.0

    def __add__(self, other: "Spend") -> "Spend":
        """Add two spends."""
        return Spend(runs=self.runs + other.runs, seconds=self.seconds + other.seconds, money=self.money + other.money)

    def __str__(self) -> str:
        """Return ``12 runs, 34 s``."""
        money = f", {self.money:g} money" if self.money else ""
        return f"{self.runs} run{'' if self.runs == 1 else 's'}, {self.seconds:.3g} s{money}"


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """A place in a trial: its number, and the block's number there."""

    trial: int
    block: int


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of one setting; ``attempt`` is the fence of its lease."""

    id: int
    setting: Setting
    purpose: Purpose
    of: int
    """The standard in force when it was planned."""
    because: str = ""
    trial: int | None = None
    block: int | None = None
    side: Side | None = None
    seed: int = 0
    """The same for all runs of a block; the work may use it."""
    attempt: int = 0
    """How often it was handed out; 0 waits in the pool."""
    by: str = ""
    conditions: Texts = Texts()
    serves: tuple[Seat, ...] = ()
    """In a block of several increments, on the run of the standard: the other trials whose standard side it is, too."""
    beside: int | None = None
    """In such a block, on the run of an increment: the run of the standard that it is compared with."""

    @property
    def unit(self) -> tuple[int, int]:
        """What all runs of its block have in common, and no other run."""
        if self.beside is not None or self.serves:
            return 0, self.id if self.beside is None else self.beside
        return (0, self.id) if self.trial is None or self.block is None else (self.trial, self.block)

    def seats(self) -> tuple[Seat, ...]:
        """Return the pairs that it is a side of: one, or of the standard one in each trial of the block; none of a scout."""
        if self.trial is None or self.block is None:
            return ()
        return (Seat(trial=self.trial, block=self.block), *self.serves)

    def __str__(self) -> str:
        """Return ``Run 7: codec='lz4'``, without its side: who measures should not know."""
        return f"Run {self.id}: {self.setting}"


class Design(msgspec.Struct, frozen=True, kw_only=True):
    """How a trial will be judged, frozen and hashed before its first pair."""

    metrics: tuple[Metric, ...]
    guards: tuple[Guard, ...]
    alpha: float
    """The chance of a false adoption charged for it; 0 where all metrics are exact."""
    pairs: int | None
    """The most pairs it may take; ``None`` for no cap."""
    coins: int
    """Seed of its coins."""
    estimand: Literal["typical", "mean"] = "typical"
    method: str = ""
    """How it is judged, with its version."""
    charged: bool = True
    """Whether α is taken from the error budget; not so for copies of the standard, which are never adopted."""

    @property
    def hash(self) -> str:
        """Fingerprint of the whole design, in hex."""
        return hashlib.blake2b(msgspec.json.encode(self), digest_size=16).hexdigest()

    def coin(self, block: int) -> bool:
        """Throw the block's coin: whether the increment goes first.  # ~ Bernoulli(1/2), from seed and block."""
        return bool(hashlib.blake2b(f"{self.coins}:{block}".encode(), digest_size=1).digest()[0] & 1)

    def order(self, block: int, sides: int) -> tuple[int, ...]:
        """Draw the order of a block's runs: 0 is the standard, the others are its increments.

        ~ uniform over permutations; of two it is the coin. By one coin for each increment the standard would be in the
        middle too often, and what a place does to a reading would look like a gain.
        """
        if sides == 2:
            return (1, 0) if self.coin(block) else (0, 1)
        return tuple(
            sorted(
                range(sides),
                key=lambda side: hashlib.blake2b(
                    f"{self.coins}:{block}:{side}:order".encode(), digest_size=16
                ).digest(),
            )
        )

    def seed(self, block: int) -> int:
        """Return the seed all runs of the block share."""
        return int.from_bytes(hashlib.blake2b(f"{self.coins}:{block}:seed".encode(), digest_size=4).digest(), "big")


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """Runs made close together: one of the standard, one of the increment; ``None`` while not known."""

    number: int
    standard: Outcome | None = None
    increment: Outcome | None = None

    @property
    def complete(self) -> bool:
        """Whether both sides are known."""
        return self.standard is not None and self.increment is not None


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """The test of one increment against the standard, and its blocks so far."""

    id: int
    increment: Increment
    design: Design
    purpose: Purpose = "trial"
    blocks: tuple[Block, ...] = ()

    @property
    def pairs(self) -> tuple[Block, ...]:
        """The complete blocks before the first incomplete one, in order: what may be judged."""
        done = []
        for block in self.blocks:
            if not block.complete:
                break
            done.append(block)
        return tuple(done)

    def with_block(self, number: int) -> "Trial":
        """Return the trial with one more block, nothing of it known."""
        return msgspec.structs.replace(self, blocks=(*self.blocks, Block(number=number)))

    def with_outcome(self, block: int, side: Side, outcome: Outcome) -> "Trial":
        """Return the trial with one side of one block known."""
        changed = {side: outcome}
        blocks = tuple(msgspec.structs.replace(b, **changed) if b.number == block else b for b in self.blocks)
        return msgspec.structs.replace(self, blocks=blocks)

    def __str__(self) -> str:
        """Return ``Trial 3 of standard 2: codec='lz4' (was 'zlib')``."""
        return f"Trial {self.id} of standard {self.increment.of}: {self.increment}"


def gains(metric: Metric, pairs: Sequence[Block]) -> tuple[float, ...]:
    """Score pairs by one metric, in units of gain; a fault is the worst for its side, and on both sides no difference."""
    return tuple(_gain(metric, pair) for pair in pairs)


def _gain(metric: Metric, pair: Block) -> float:
    match pair.standard, pair.increment:
        case Reading() as standard, Reading() as increment:
            return metric.gain(increment.values[metric.name], standard.values[metric.name])
        case Reading(), _:
            return -math.inf
        case _, Reading():
            return math.inf
    return 0.0
