"""Every released ledger opens for ever."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kaizen.folding import fold
from kaizen.ledger import Asked
from kaizen.ledgers import codec
from kaizen.ledgers.sqlite import SqliteLedger
from kaizen.testing.ledgers import compare, scout, told

GOLDEN = sorted(Path(__file__).parent.glob("*.db"))
KINDS = {"0.1.0": set(codec.KINDS)}  # what the release knew; a later one adds its own line


@pytest.fixture(params=[path.stem for path in GOLDEN])
def release(request: pytest.FixtureRequest) -> str:
    """Return the name of one release."""
    return str(request.param)


@pytest.fixture
def golden(release: str, tmp_path: Path) -> Iterator[SqliteLedger]:
    """Give a copy of one golden ledger."""
    shutil.copy(Path(__file__).parent / f"{release}.db", tmp_path / "ledger.db")
    with SqliteLedger(tmp_path / "ledger.db") as ledger:
        yield ledger


def test_there_is_one_per_release() -> None:
    """None is forgotten."""
    assert {path.stem for path in GOLDEN} == set(KINDS)


def test_it_is_sound(golden: SqliteLedger) -> None:
    """It verifies, as it is and built again."""
    assert golden.verify() == []
    compare(golden)
    golden.rebuild()
    assert golden.verify() == []


def test_it_has_every_kind_and_folds(golden: SqliteLedger, release: str) -> None:
    """Every kind the release knew is in it, and means what it meant."""
    records = list(golden.read("loaf"))
    names = {kind: name for name, kind in codec.KINDS.items()}
    assert {names[type(record.entry)] for record in records} == KINDS[release]
    assert fold(records) == golden.head("loaf")
    assert golden.head("loaf").standard.number == 3
    assert [run.id for run in golden.runs("loaf")] == [1, 2, 4, 5, 6]


def test_entries_of_today_are_written_to_the_same_bytes(golden: SqliteLedger) -> None:
    """The same schema number is the same bytes."""
    rows = golden._db.execute("SELECT kind, schema, body FROM entry ORDER BY seq").fetchall()
    for kind, schema, body in rows:
        if schema == codec.schema_of(kind):
            assert codec.encode(codec.decode(kind, schema, body)) == (kind, schema, body.encode())


def test_it_goes_on(golden: SqliteLedger) -> None:
    """A retried command is recognised, leases are over, and the next entry can be written."""
    asked = Asked(runs=(scout(3, heat=250.0, attempt=1, by="w2"),), lease=60.0, holder="host:2")
    first = golden.append("loaf", [asked], by="w2", key="the key", request="the request")
    assert first == tuple(golden.read(after=first[0].seq - 1))
    assert [lease.left for lease in golden.leases("loaf")] == [0.0]  # another boot
    golden.append("loaf", [told(3)], by="w2")
    assert golden.verify() == []
