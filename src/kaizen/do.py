"""DO: the port to whatever carries runs out, and how a trial's blocks are made."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from kaizen.errors import Mistake
from kaizen.process import Process
from kaizen.setting import Texts
from kaizen.trial import Fault, Outcome, Reading, Run, Side, Spend, Trial


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a run: outcome, what running it used, what it happened under."""

    run: Run
    outcome: Outcome
    spend: Spend
    conditions: Texts = Texts()


class Doer(Protocol):
    """Carries runs out, several at a time if asked to; it answers and never writes.

    A run that fails is a ``Fault``. When the doer is closed, or its own process dies, nothing it started lives on.
    """

    def start(self, run: Run) -> None:
        """Begin a run and return at once."""
        ...

    def wait(self, seconds: float) -> tuple[Done, ...]:
        """Return what has ended; wait up to ``seconds`` for the first."""
        ...

    def close(self) -> None:
        """Kill what is still running."""
        ...


def outcome_of(process: Process, values: Mapping[str, Any]) -> Outcome:
    """Turn what the work returned into a reading, or into a fault that says what is wrong with it."""
    try:
        return Reading(values=process.reading(values))
    except Mistake as error:
        return Fault(reason="no reading", note=error.message)


def block_runs(trial: Trial, *, first_id: int) -> tuple[Run, Run]:
    """Make the next block of a trial: a run of each side, in the order of the block's coin."""
    number = len(trial.blocks)
    order: tuple[Side, Side] = ("increment", "standard") if trial.design.coin(number) else ("standard", "increment")
    first, second = (
        Run(
            id=first_id + place,
            setting=trial.increment.after if side == "increment" else trial.increment.before,
            purpose=trial.purpose,
            of=trial.increment.of,
            because=f"pair {number + 1} of trial {trial.id}",
            trial=trial.id,
            block=number,
            side=side,
            seed=trial.design.seed(number),
        )
        for place, side in enumerate(order)
    )
    return first, second
