"""Whoever finds neighbours keeps the contract: by a plain look, and by inverted lists where faiss is installed."""

import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as times
from hypothesis import strategies as st

from kaizen.errors import Stuck
from kaizen.parameter import Choice, Real, Switch, When
from kaizen.retrievers import inverted
from kaizen.retrievers.inverted import Inverted, Layout
from kaizen.setting import Setting
from kaizen.testing.strategies import processes
from kaizen.testing.strategies import settings as settings_of
from kaizen.veteran.neighbours import Neighbours, Plain
from kaizen.veteran.table import Table, measured

ALL = 10**9
with_faiss = pytest.mark.skipif(find_spec("faiss") is None, reason="faiss is not here: make extras runs it")
PARAMETERS = (
    Real(name="heat", low=0.0, high=1.0),
    Real(name="salt", low=0.0, high=1.0),
    Choice(name="flux", values=tuple("abcdef")),
    Choice(name="mill", values=tuple(f"mill {n}" for n in range(30))),
    Switch(name="steam"),
    Real(name="water", low=0.0, high=2.0, when=(When("steam", (True,)),)),
)


def exhaustive(shelf: Any = None, name: str = "") -> Neighbours:
    """Return inverted lists that look through everything."""
    return Inverted(shelf, name, least=1, share=1.0, spare=ALL)


BOTH = pytest.mark.parametrize("make", [Plain, pytest.param(exhaustive, marks=with_faiss)])


def drawn(count: int, seed: int) -> list[Setting]:
    chance = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        heat, salt, water = chance.random(3).tolist()
        flux, mill, steam = "abcdef"[chance.integers(6)], f"mill {chance.integers(30)}", bool(chance.integers(2))
        setting = {"heat": heat, "salt": salt, "flux": flux, "mill": mill, "steam": steam}
        found.append(Setting({**setting, "water": 2 * water} if steam else setting))
    return found


def add(table: Table, rows: list[Setting]) -> None:
    table.add(table.columns.encode(rows), np.arange(table.count, table.count + len(rows), dtype=np.uint64))


def slow(table: Table, one: Any, count: int) -> tuple[list[int], list[float]]:
    """Return what a plain scan finds."""
    exact = np.sqrt(measured(table.coded, np.arange(table.count), one, table.columns.weights))
    order = np.lexsort((np.arange(table.count), exact))[:count]
    return order.tolist(), exact[order].tolist()


# ── both ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
@BOTH
@given(data=st.data())
@times(max_examples=60)
def test_the_nearest_are_those_of_a_scan(make: Callable[[], Neighbours], data: Any) -> None:
    """In any space, whatever was asked before, and whatever came since: rows, order and distances."""
    made, table, found = data.draw(processes(constrained=False)), None, make()
    table = Table(made.parameters)
    for _ in range(3):
        add(table, data.draw(st.lists(settings_of(made), min_size=1, max_size=30)))
        one, count = table.columns.encode([data.draw(settings_of(made))]), data.draw(st.integers(1, 50))
        rows, apart = found.nearest(table, one, count)
        wanted, distances = slow(table, one, count)
        assert apart.tolist() == pytest.approx(distances, abs=1e-12)
        if count >= table.count:  # else rounding may choose among those that are equally far at the end
            assert rows.tolist() == wanted


@BOTH
def test_rows_that_came_later_are_found(make: Callable[[], Neighbours]) -> None:
    """At once, and beside the older ones."""
    table, found = Table(PARAMETERS), make()
    add(table, drawn(500, seed=1))
    found.nearest(table, table.columns.encode(drawn(1, seed=2)), 5)
    late = drawn(300, seed=3)
    for start in range(0, 300, 100):
        add(table, late[start : start + 100])
        for n in (start, start + 99):
            one = table.columns.encode([late[n]])
            rows, apart = found.nearest(table, one, 40)
            assert rows[0] == 500 + n
            assert apart.tolist() == pytest.approx(slow(table, one, 40)[1], abs=1e-12)


# ── inverted lists ────────────────────────────────────────────────────────────────────────────────────────────────────
@with_faiss
@given(data=st.data())
@times(max_examples=60)
def test_points_lie_as_far_apart_as_settings(data: Any) -> None:
    """The layout keeps every distance, as long as a choice has few values."""
    made = data.draw(processes(constrained=False))
    table = Table(made.parameters)
    add(table, data.draw(st.lists(settings_of(made), min_size=2, max_size=20)))
    known = tuple(map(len, table.columns.known))
    if max(known, default=0) > 7:
        return
    points = Layout(table.columns, known).points(table.coded)
    one = table.columns.encode([data.draw(settings_of(made))])
    if tuple(map(len, table.columns.known)) == known:
        apart = ((points - Layout(table.columns, known).points(one)) ** 2).sum(axis=1)
        exact = measured(table.coded, np.arange(table.count), one, table.columns.weights)
        assert apart.tolist() == pytest.approx(exact.tolist(), abs=1e-4)


@with_faiss
def test_lists_miss_next_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of the lists is looked through, and 99 of a hundred neighbours are found."""
    monkeypatch.setattr(inverted, "_LIST", 200)
    chance = np.random.default_rng(4)
    table = Table([Real(name=f"x{n}", low=0.0, high=1.0) for n in range(8)])
    places = chance.random((20_000, 8), dtype=np.float32)
    nothing = np.zeros((0, 20_000), dtype=np.int32)
    table.add(table.coded._replace(places=places, codes=nothing), np.arange(20_000, dtype=np.uint64))
    found, hits = Inverted(least=1), 0
    for place in chance.random((50, 8), dtype=np.float32):
        one = table.coded._replace(places=place[None], codes=nothing[:, :1])
        hits += len(set(slow(table, one, 10)[0]) & set(found.nearest(table, one, 10)[0].tolist()))
    assert hits >= 0.99 * 500


@with_faiss
def test_as_many_are_found_as_were_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the nearest lists hold too few, more of them are looked through; where nothing parts rows, too."""
    monkeypatch.setattr(inverted, "_LIST", 20)
    monkeypatch.setattr(inverted, "_LOOKED", 1)
    found = Inverted(least=1, share=0.0, spare=0)
    table = Table(PARAMETERS)
    add(table, drawn(500, seed=13))
    one = table.columns.encode(drawn(1, seed=14))
    assert [len(found.nearest(table, one, count)[0]) for count in (1, 30, 300, 500, 900)] == [1, 30, 300, 500, 500]
    alike = Table([Choice(name="flux", values=("a", "b"))])
    add(alike, [Setting(flux="a")] * 50)
    rows, apart = exhaustive().nearest(alike, alike.columns.encode([Setting(flux="b")]), 3)
    assert (rows.tolist(), apart.tolist()) == ([0, 1, 2], [1.0, 1.0, 1.0])


@with_faiss
def test_few_rows_are_looked_at_one_by_one() -> None:
    """An index is made from ``least`` rows on."""
    table, found = Table(PARAMETERS), Inverted(least=200)
    for wanted in (0, 200):
        add(table, drawn(100, seed=wanted))
        found.nearest(table, table.columns.encode(drawn(1, seed=5)), 5)
        assert found.covered == wanted


@with_faiss
def test_many_late_rows_are_taken_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the lists that are there; made anew for rows twice as many, or for a value that was never seen."""
    monkeypatch.setattr(inverted, "_LATE", 50)
    made = []
    monkeypatch.setattr(
        Inverted, "_made", lambda self, table, real=Inverted._made: (made.append(table.count), real(self, table))[1]
    )
    table, found = Table(PARAMETERS[:2]), exhaustive()
    one = table.columns.encode([Setting(heat=0.5, salt=0.5)])
    for size, covered in ((400, 400), (50, 400), (1, 451), (400, 851)):
        add(table, drawn(size, seed=table.count))
        assert found.nearest(table, one, 9)[1].tolist() == pytest.approx(slow(table, one, 9)[1], abs=1e-12)
        assert found.covered == covered
    assert made == [400, 851]


@with_faiss
def test_threads_are_left_as_they_were() -> None:
    """It computes on one thread, and what others may use is not changed."""
    import faiss

    table = Table(PARAMETERS)
    add(table, drawn(300, seed=6))
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(2)
    try:
        exhaustive().nearest(table, table.columns.encode(drawn(1, seed=7)), 5)
        assert faiss.omp_get_max_threads() == 2
    finally:
        faiss.omp_set_num_threads(before)


# ── on a shelf ────────────────────────────────────────────────────────────────────────────────────────────────────────
class Board:
    """A shelf in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}

    def take(self, name: str) -> Mapping[str, Any] | None:
        return self.kept.get(name)

    def put(self, name: str, arrays: Mapping[str, Any]) -> None:
        self.kept[name] = dict(arrays)


def made_anew(board: Board, table: Table, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Tell whether a first question makes an index, though there is one on the shelf; the answer is right anyway."""
    made = []
    with monkeypatch.context() as patch:
        patch.setattr(
            Inverted, "_made", lambda self, table, real=Inverted._made: (made.append(1), real(self, table))[1]
        )
        one = table.columns.encode(drawn(1, seed=8))
        rows, apart = exhaustive(board, "near").nearest(table, one, 9)
    assert (rows.tolist(), apart.tolist()) == slow(table, one, 9)
    return bool(made)


@with_faiss
def test_an_index_is_taken_from_the_shelf_while_it_is_of_these_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that came since are found beside it; of other rows, or by another layout, it is made anew."""
    board, table = Board(), Table(PARAMETERS)
    add(table, drawn(600, seed=9))
    assert made_anew(board, table, monkeypatch)
    assert not made_anew(board, table, monkeypatch)
    add(table, drawn(5, seed=10))
    assert not made_anew(board, table, monkeypatch)
    other = Table(PARAMETERS)
    add(other, drawn(600, seed=11))
    assert made_anew(board, other, monkeypatch)
    assert made_anew(board, table, monkeypatch)
    fewer = Table(PARAMETERS)
    add(fewer, drawn(300, seed=9))
    assert made_anew(board, fewer, monkeypatch)


@with_faiss
@pytest.mark.parametrize("damage", ["index", "digest", "stamp"])
def test_an_index_that_is_not_sound_is_made_anew(damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut short, of another digest, or not there."""
    board, table = Board(), Table(PARAMETERS)
    add(table, drawn(600, seed=12))
    made_anew(board, table, monkeypatch)
    kept = board.kept["near"]
    if damage == "stamp":
        del kept["stamp"]
    else:
        kept[damage] = kept[damage][:-7]
    assert made_anew(board, table, monkeypatch)


# ── without faiss ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_without_faiss_everything_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to know; who asks for inverted lists is told how to get them."""
    monkeypatch.setitem(sys.modules, "faiss", None)
    assert isinstance(inverted.neighbours(None, "near"), Plain)
    with pytest.raises(Stuck) as refused:
        Inverted()
    assert str(refused.value) == (
        "inverted lists must have faiss, which is not installed\n  hint: pip install 'kaizen-engine[faiss]'"
    )


@with_faiss
def test_with_faiss_it_is_used() -> None:
    """From so many rows on that a look at all of them takes long."""
    assert isinstance(inverted.neighbours(None, "near"), Inverted)
