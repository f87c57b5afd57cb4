"""Both ledgers keep the contract."""

from collections.abc import Callable
from pathlib import Path

from kaizen.ledgers.memory import MemoryLedger
from kaizen.ledgers.sqlite import SqliteLedger
from kaizen.testing.ledgers import AnyLedger, LedgerContract


class TestMemory(LedgerContract):
    """The oracle."""

    keeps = False

    def make_ledger(self, place: Path, clock: Callable[[], int], monotonic: Callable[[], float]) -> AnyLedger:
        """Return the ledger."""
        return MemoryLedger(clock=clock, monotonic=monotonic)


class TestSqlite(LedgerContract):
    """The file."""

    def make_ledger(self, place: Path, clock: Callable[[], int], monotonic: Callable[[], float]) -> AnyLedger:
        """Return the ledger."""
        return SqliteLedger(place / "ledger.db", clock=clock, monotonic=monotonic)
