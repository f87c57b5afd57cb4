"""The index of a large past is kept between two commands: believed only where it is of this record, and never missed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kaizen.ledger import Reported
from kaizen.ledgers.memory import MemoryLedger
from kaizen.metric import higher
from kaizen.parameter import Choice, Real
from kaizen.process import Process
from kaizen.setting import Numbers, Setting, Texts
from kaizen.trial import Reading
from kaizen.veteran import shelf
from kaizen.veteran.recall import Recall
from kaizen.workshop import Workshop, open_workshop
from kaizen.workshop.shelving import FolderShelf


class Counting(FolderShelf):
    """A shelf that counts what is taken from it and put there."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.taken = self.put_there = 0

    def take(self, name: str) -> Any:
        found = super().take(name)
        self.taken += found is not None
        return found

    def put(self, name: str, arrays: Any) -> None:
        self.put_there += 1
        super().put(name, arrays)


def sample(**fields: Any) -> Process:
    return Process(
        name="loaf",
        parameters=(Real(name="heat", low=0.0, high=100.0), Choice(name="flux", values=("a", 1, True, 2.5))),
        metrics=(higher("taste", scale="difference", worthwhile=0.5),),
        standard=Setting(heat=50.0, flux="a"),
        **fields,
    )


def report(shop: Workshop, start: int, count: int) -> None:
    """Report runs that were made elsewhere."""
    flux = ("a", 1, True, 2.5)
    entries = [
        Reported(
            run=number,
            setting=Setting(heat=50.0, flux="a")
            if number % 5 == 0
            else Setting(heat=float(number % 97), flux=flux[number % 4]),
            outcome=Reading(values=Numbers(taste=5.0 + number % 7)),
            source="elsewhere",
            conditions=Texts(oven=str(number % 3)),
        )
        for number in range(start, start + count)
    ]
    shop.ledger.append("loaf", entries, by="ana")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take forty runs for many."""
    monkeypatch.setattr(shelf, "LARGE", 40)


@pytest.mark.usefixtures("few")
def test_what_was_shelved_says_the_same(tmp_path: Path) -> None:
    """Taken from the shelf, with what came since, it answers as one that read everything; nothing is read twice."""
    with open_workshop(tmp_path / "ledger.db") as shop:
        shop.describe(sample())
        report(shop, 1, 100)
        kept = Counting(tmp_path / "shelf")
        wanted = [
            Setting(heat=50.0, flux="a"),
            Setting(heat=13.0, flux=1),
            Setting(heat=13.0, flux=True),
            Setting(heat=77.7, flux=2.5),
        ]

        def answers(recall: Recall) -> Any:
            of = recall.of("loaf")
            assert of is not None
            return [
                (recall.exact("loaf", one), recall.alike("loaf", one), recall.near("loaf", one, 20)) for one in wanted
            ], of.today

        first = answers(Recall(shop.ledger, kept))
        assert (kept.taken, kept.put_there) == (0, 1)
        assert answers(Recall(shop.ledger, kept)) == first == answers(Recall(shop.ledger))
        assert (kept.taken, kept.put_there) == (1, 1)
        report(shop, 101, 10)
        assert answers(Recall(shop.ledger, kept)) == answers(Recall(shop.ledger)) != first
        assert kept.put_there == 1
        report(shop, 111, 60)
        assert answers(Recall(shop.ledger, kept)) == answers(Recall(shop.ledger))
        assert kept.put_there == 2  # there are a quarter more now
        shop.describe(sample(guards=()), by="ana")
        shop["loaf"].amend(sample(about="other words"), because="b")
        assert answers(Recall(shop.ledger, kept)) == answers(Recall(shop.ledger))


@pytest.mark.usefixtures("few")
def test_another_ledgers_shelf_is_not_believed(tmp_path: Path) -> None:
    """The same description and as many records do not make it the same record."""
    kept = Counting(tmp_path)
    ticks = iter(range(10_000))
    shops = [Workshop(MemoryLedger(clock=lambda: next(ticks)), root=tmp_path) for _ in range(2)]
    for shop, start in zip(shops, (1, 1), strict=True):
        shop.describe(sample())
        report(shop, start, 50)
    Recall(shops[0].ledger, kept).of("loaf")
    found = Recall(shops[1].ledger, kept).exact("loaf", Setting(heat=50.0, flux="a"))
    assert (kept.taken, kept.put_there) == (1, 2)
    assert [one.run for one in found] == [5, 10, 15, 20, 25, 30, 35, 40, 45, 50]


@pytest.mark.usefixtures("few")
def test_a_damaged_or_missing_shelf_costs_nothing(tmp_path: Path) -> None:
    """It is made again; where it cannot be kept, the answer is the same."""
    with open_workshop(tmp_path / "ledger.db") as shop:
        shop.describe(sample())
        report(shop, 1, 50)
        answer = shop["loaf"].consult(heat=13.0)
        (file,) = (tmp_path / "ledger.work" / "recall").iterdir()
        file.write_bytes(file.read_bytes()[:200])
    with open_workshop(tmp_path / "ledger.db") as shop:
        assert shop["loaf"].consult(heat=13.0) == answer
    (tmp_path / "folder").write_text("a file", encoding="utf-8")
    nowhere = FolderShelf(tmp_path / "folder")
    nowhere.put("x", {})
    assert nowhere.take("x") is None


def test_a_small_past_is_not_shelved(tmp_path: Path) -> None:
    """It is read again in no time."""
    with open_workshop(tmp_path / "ledger.db") as shop:
        shop.describe(sample())
        report(shop, 1, 50)
        shop["loaf"].consult(heat=13.0)
    assert not (tmp_path / "ledger.work").exists()


def test_large_arrays_stay_in_the_file(tmp_path: Path) -> None:
    """They are mapped, aligned, and written to in memory alone; NumPy reads the file, too."""
    board, large = FolderShelf(tmp_path), np.arange(600_000, dtype=np.float32).reshape(-1, 3)
    board.put("x", {"small": np.array([1, 2], dtype=np.int8), "large": large, "codes": large.T, "none": large[:0]})
    found = board.take("x")
    assert found is not None
    assert list(found) == ["small", "large", "codes", "none"]
    for name, wanted in (("large", large), ("codes", large.T), ("none", large[:0])):
        assert found[name].dtype == np.float32
        assert np.array_equal(found[name], wanted)
    assert isinstance(found["large"].base, np.memmap)
    assert found["large"].ctypes.data % 64 == 0
    found["large"][0] = 7.0
    again = board.take("x")
    assert again is not None
    assert again["large"][0].tolist() == [0.0, 1.0, 2.0]
    with np.load(tmp_path / "x.npz") as plain:
        assert np.array_equal(plain["large"], large)


def test_an_array_that_has_changed_on_the_disk_is_not_believed(tmp_path: Path) -> None:
    """Every member has a checksum."""
    board = FolderShelf(tmp_path)
    board.put("x", {"large": np.zeros(600_000, dtype=np.float32)})
    path = tmp_path / "x.npz"
    text = bytearray(path.read_bytes())
    text[1_000_000] ^= 1
    path.write_bytes(text)
    assert board.take("x") is None


@pytest.mark.usefixtures("few")
def test_a_past_from_the_shelf_has_room_for_more(tmp_path: Path) -> None:
    """One run more does not copy all of them; hundreds more are taken in all the same."""
    with open_workshop(tmp_path / "ledger.db") as shop:
        shop.describe(sample())
        report(shop, 1, 320)
        kept = FolderShelf(tmp_path / "shelf")
        Recall(shop.ledger, kept).of("loaf")
        taken = Recall(shop.ledger, kept)
        of = taken.of("loaf")
        assert of is not None
        rows = of.past.table.kept.places
        assert len(rows) == 340
        for start, count, same in ((321, 20, True), (341, 60, False)):
            report(shop, start, count)
            of = taken.of("loaf")
            assert of is not None
            assert (of.past.table.kept.places is rows) == same
            fresh = Recall(shop.ledger).of("loaf")
            assert fresh is not None
            assert of.past.count == fresh.past.count == start + count - 1
            where = Setting(heat=float((start + 1) % 97), flux=("a", 1, True, 2.5)[(start + 1) % 4])
            assert of.same(where) == fresh.same(where)
            assert of.near(where, 30) == fresh.near(where, 30)
