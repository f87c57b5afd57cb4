"""What an audit asks about, gathered from the ledger."""

from kaizen.audit import Kept, Recorded, Throw
from kaizen.journal import Tested, Tried, sides
from kaizen.ledger import Opened
from kaizen.trial import Design
from kaizen.workshop.turning import Wheel


def recorded(wheel: Wheel) -> list[Recorded]:
    """Return the closed trials of a process, but for watches, with their blocks; older than any of today's rules, too."""
    hashes = {
        record.entry.trial.id: record.entry.hash
        for record in wheel.ledger.read(wheel.process)
        if isinstance(record.entry, Opened)
    }
    closed = [test for test in wheel.ledger.trials(wheel.process) if test.verdicts or test.stopped]
    return [_recorded(wheel, test, hashes[test.id]) for test in closed if test.trial.purpose != "shadow"]


def _recorded(wheel: Wheel, test: Tested, frozen: str) -> Recorded:
    trial = wheel.as_run(test)
    rows = {(row.block, row.side): row for row in sides(wheel.ledger, wheel.process, test.id)}
    throws = tuple(
        _throw(wheel, trial.design, rows[pair.number, "increment"], rows[pair.number, "standard"])
        for pair in trial.pairs
    )
    return Recorded(trial=trial, hash=frozen, verdict=test.verdict, throws=throws)


def _throw(wheel: Wheel, design: Design, increment: Tried, standard: Tried) -> Throw:
    """Draw the order of a pair's block again, by the coins of the trial that the standard's run counts as."""
    first = increment.id < standard.id
    if increment.beside is None:
        assert increment.block is not None, "a run of a trial has its block"
        return Throw(first=first, coin=design.coin(increment.block))
    (run,) = wheel.ledger.runs(wheel.process, number=increment.beside)
    lead = next(test.trial for test in wheel.ledger.trials(wheel.process) if test.id == run.trial)
    assert run.block is not None, "a run of a trial has its block"
    members = [lead.id, *(seat.trial for seat in run.serves)]
    order = lead.design.order(run.block, 1 + len(members))
    own = 1 + members.index(increment.trial or 0)
    return Throw(first=first, coin=order.index(own) < order.index(0), alone=own == 1)


def kept(wheel: Wheel) -> list[Kept]:
    """Return the proven standards of a process with their watches."""
    watches = {
        test.trial.increment.of: test for test in wheel.ledger.trials(wheel.process) if test.trial.purpose == "shadow"
    }
    return [
        Kept(
            number=one.standard.number,
            promised=one.standard.promised,
            watch=wheel.as_run(watches[one.standard.number]) if one.standard.number in watches else None,
        )
        for one in wheel.ledger.standards(wheel.process)
        if one.standard.evidence == "proven" and one.standard.promised
    ]
