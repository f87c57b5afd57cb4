"""DO: the port to whatever carries runs out, and how a trial's blocks are made."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from kaizen.errors import Mistake
from kaizen.process import Process
from kaizen.setting import Texts
from kaizen.trial import Fault, Outcome, Reading, Run, Seat, Side, Spend, Trial


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


def block_runs(trials: Sequence[Trial], *, first_id: int) -> tuple[Run, ...]:
    """Make the next block of trials against one standard: a run of it and one of each increment, in the drawn order.

    The run of the standard counts as the first trial's, and is the other trials' standard side, too. All have the same seed.
    """
    first = trials[0]
    order = first.design.order(len(first.blocks), 1 + len(trials))
    ids = {side: first_id + place for place, side in enumerate(order)}
    shared = len(trials) > 1
    standard = _run(first, first, "standard", ids[0])
    if shared:
        seats = tuple(Seat(trial=trial.id, block=len(trial.blocks)) for trial in trials[1:])
        standard = msgspec.structs.replace(standard, serves=seats)
    made = [standard]
    for side, trial in enumerate(trials, 1):
        run = _run(trial, first, "increment", ids[side])
        made.append(msgspec.structs.replace(run, beside=standard.id) if shared else run)
    if shared:
        because = f"a block of trials {', '.join(str(trial.id) for trial in trials)}"  # which side it is stays unsaid
        made = [msgspec.structs.replace(run, because=because) for run in made]
    return tuple(sorted(made, key=lambda run: run.id))


def _run(trial: Trial, first: Trial, side: Side, number: int) -> Run:
    block = len(trial.blocks)
    return Run(
        id=number,
        setting=trial.increment.after if side == "increment" else trial.increment.before,
        purpose=trial.purpose,
        of=trial.increment.of,
        because=f"pair {block + 1} of trial {trial.id}",
        trial=trial.id,
        block=block,
        side=side,
        seed=first.design.seed(len(first.blocks)),
    )
