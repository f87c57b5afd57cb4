"""What an audit asks about, gathered from the ledger."""

from kaizen.audit import Kept, Recorded
from kaizen.journal import Tested
from kaizen.ledger import Opened
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
    ids = {(row.block, row.side): row.id for row in wheel.ledger.runs(wheel.process, trial=test.id)}
    orders = tuple(ids[pair.number, "increment"] < ids[pair.number, "standard"] for pair in trial.pairs)
    return Recorded(trial=trial, hash=frozen, verdict=test.verdict, orders=orders)


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
