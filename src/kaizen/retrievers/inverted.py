"""The nearest of millions of settings by inverted lists (faiss): proposed by the index, measured by the table itself.

Settings are laid out as points whose squared distances are the table's own: numbers by their places, a choice of k values
as the corners of a regular simplex with sides of 1 in k - 1 dimensions (a choice of very many as corners of a cube, whose
distances are 1 on average). k-means parts the points into lists; of each point a byte a dimension is kept. A question looks
through the lists that are nearest to it, and what they propose is measured without any rounding: a distance that is told is
right, and what may happen is that a neighbour is missed.

The index is disposable. It covers the rows that were there when it was made; those that came since are looked at one by
one, and taken in when they are many. On a shelf it is believed only where it is of these very rows.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kaizen.errors import Stuck
from kaizen.veteran.neighbours import Neighbours, Plain
from kaizen.veteran.shelf import Shelf
from kaizen.veteran.table import Coded, Columns, Rows, Table, measured, norms_of, scattered, smallest, squared

Points = NDArray[np.float32]

LEAST: Final = 2_000_000
"""Rows up to which a look at every one is exact and quick enough."""
SHARE: Final = 0.1
"""Of the lists, how many are looked through."""
SPARE: Final = 100
"""How many more rows are measured than are asked for."""
_FORM = 1  # counts up when the points or the arrays change
_LIST, _LISTS = 2_500, 4_096  # rows of a list, about; lists, at most
_TRAINED, _ROUNDS = 64, 6  # points of a list that k-means looks at, and how often
_PAGE = 65_536  # rows laid out at a time
_LOOKED = 8  # lists that are looked through, at least
_LATE = 200_000  # rows that are looked at one by one before they are taken in
_CORNERS, _BITS = 8, 16  # values of a choice up to which it is a simplex; dimensions of the cube
_SAMPLES, _SAMPLE = 16, 32  # rows that an index on a shelf is known by; those in a row are on one page of a file
_INACTIVE = 0.75**0.5  # how far an inactive number is from an active one (see ``table``)


def neighbours(shelf: Shelf | None, name: str) -> Neighbours:
    """Return inverted lists where faiss is installed, else a plain look at everything."""
    return Inverted(shelf, name) if find_spec("faiss") is not None else Plain()


class Inverted:
    """The nearest rows of one table, by inverted lists once there are ``least`` rows."""

    def __init__(
        self,
        shelf: Shelf | None = None,
        name: str = "",
        *,
        least: int = LEAST,
        share: float = SHARE,
        spare: int = SPARE,
    ) -> None:
        """Begin without an index; it is taken from the ``shelf``, or made, by the first question to enough rows.

        Raises:
            Stuck: faiss is not installed.
        """
        if find_spec("faiss") is None:
            hint = "pip install 'kaizen-engine[faiss]'"
            raise Stuck("inverted lists must have faiss, which is not installed", hint=hint)
        self._shelf, self._name = shelf, name
        self._least, self._share, self._spare = least, share, spare
        self._index: Any = None
        self._layout = Layout(Columns(()), ())
        self._trained = 0

    @property
    def _faiss(self) -> Any:
        import faiss  # 40 MB: not before it is needed

        return faiss

    @property
    def covered(self) -> int:
        """How many rows are in the index, from the first on."""
        return 0 if self._index is None else int(self._index.ntotal)

    def nearest(self, table: Table, one: Coded, count: int) -> tuple[Rows, NDArray[np.float64]]:
        """Return the nearest rows and their distances (see ``Neighbours``)."""
        if table.count < self._least:
            return table.nearest(one, count)
        with _one_thread(self._faiss):
            self._follow(table)
            proposed = self._proposed(one, count)
        rows = np.concatenate([proposed, self._late(table, one, count)])
        exact = np.sqrt(measured(table.coded, rows, one, table.columns.weights))
        order = np.lexsort((rows, exact))[:count]
        return rows[order], exact[order]

    def _proposed(self, one: Coded, count: int) -> Rows:
        """Return rows of the lists nearest to a question, in order; of more lists where those hold too few."""
        point, lists = self._layout.points(one), int(self._index.nlist)
        looked = max(_LOOKED, round(self._share * lists))
        while True:
            self._index.nprobe = min(looked, lists)
            _, found = self._index.search(point, min(self.covered, count + self._spare))
            rows = np.sort(found[0][found[0] >= 0])
            if len(rows) >= min(count, self.covered) or looked >= lists:
                return rows
            looked *= 4

    def _late(self, table: Table, one: Coded, count: int) -> Rows:
        """Return the nearest of the rows that came after the index, in no order, and some more."""
        places, codes = table.coded
        late = Coded(places[self.covered :], codes[:, self.covered :])
        return self.covered + smallest(squared(late, norms_of(late.places), one, table.columns.weights), count + 8)

    # ── following ───────────────────────────────────────────────────────────────────────────────────────────────────
    def _follow(self, table: Table) -> None:
        """Have an index of all rows but the latest."""
        if self._index is None:
            self._take(table)
        if self._index is not None and table.count - self.covered <= max(_LATE, self.covered // 50):
            return
        layout = Layout(table.columns, tuple(map(len, table.columns.known)))
        if self._index is None or layout.known != self._layout.known or table.count >= 2 * self._trained:
            self._layout, self._trained = layout, table.count
            self._index = self._made(table)
        self._fill(table)
        self._put(table)

    def _made(self, table: Table) -> Any:
        """Return lists without rows: their middles are those of a sample (k-means)."""
        faiss, n = self._faiss, table.count
        lists = min(_LISTS, max(1, n // _LIST))
        chosen = np.arange(min(n, _TRAINED * lists)) * n // min(n, _TRAINED * lists)
        points = self._layout.points(_part(table, chosen))
        index = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatL2(points.shape[1]),
            points.shape[1],
            lists,
            faiss.ScalarQuantizer.QT_8bit,
            faiss.METRIC_L2,
            False,
        )
        index.cp.niter, index.cp.seed = _ROUNDS, 1
        index.cp.min_points_per_centroid, index.cp.max_points_per_centroid = 1, _TRAINED
        index.train(points)
        return index

    def _fill(self, table: Table) -> None:
        """Take in the rows that are not in the lists yet; each list gets the room that it needs, and no more."""
        index, start, n = self._index, self.covered, table.count
        pages = [np.arange(at, min(n, at + _PAGE)) for at in range(start, n, _PAGE)]
        homes = [
            index.quantizer.search(self._layout.points(_part(table, page)), 1)[1][:, 0].astype(np.int16)
            for page in pages
        ]
        if not start:
            for home, size in enumerate(np.bincount(np.concatenate(homes), minlength=index.nlist).tolist()):
                index.invlists.resize(home, size)
                index.invlists.resize(home, 0)
        for page, home in zip(pages, homes, strict=True):
            points, known = self._layout.points(_part(table, page)), home.astype(np.int64)
            ours = (self._faiss.swig_ptr(one) for one in (points, page, known))
            index.add_core(len(page), *ours)

    # ── on the shelf ────────────────────────────────────────────────────────────────────────────────────────────────
    def _take(self, table: Table) -> None:
        """Take the index from the shelf, if it is of these rows."""
        arrays = self._shelf.take(self._name) if self._shelf is not None else None
        if arrays is None or set(arrays) != {"stamp", "index", "digest", "known"}:
            return
        covered, trained = (int(one) for one in arrays["stamp"])
        layout = Layout(table.columns, tuple(arrays["known"].tolist()))
        if not 0 < covered <= table.count or arrays["digest"].tobytes() != self._digest(table, layout, covered):
            return
        kept = arrays["index"]
        at = 0

        def read(size: int) -> bytes:
            nonlocal at
            at += size
            return kept[at - size : at].tobytes()

        with suppress(RuntimeError):  # no index of this faiss
            self._index = self._faiss.read_index(self._faiss.PyCallbackIOReader(read))
            self._layout, self._trained = layout, trained

    def _put(self, table: Table) -> None:
        if self._shelf is None:
            return
        kept = bytearray()
        self._faiss.write_index(self._index, self._faiss.PyCallbackIOWriter(kept.extend))
        digest = self._digest(table, self._layout, self.covered)
        self._shelf.put(
            self._name,
            {
                "stamp": np.array([self.covered, self._trained], dtype=np.int64),
                "known": np.array(self._layout.known, dtype=np.int64),
                "digest": np.frombuffer(digest, dtype=np.uint8),
                "index": np.frombuffer(kept, dtype=np.uint8),
            },
        )

    def _digest(self, table: Table, layout: "Layout", covered: int) -> bytes:
        """Return what an index of the first rows is known by: who made it, and where a sample of them lies."""
        made = hashlib.blake2b(repr((_FORM, self._faiss.__version__, covered, layout.known)).encode(), digest_size=16)
        places = np.linspace(0, max(0, covered - _SAMPLE), _SAMPLES).astype(np.int64)
        rows = np.unique(np.minimum(places[:, None] + np.arange(_SAMPLE), covered - 1))
        made.update(layout.points(_part(table, rows)).tobytes())
        return made.digest()


class Layout:
    """Where settings lie as points, so that squared distances are the table's, exactly or (many values) on average."""

    def __init__(self, columns: Columns, known: tuple[int, ...]) -> None:
        """Lay out settings with so many ``known`` values of each parameter that is no number; others stand in the middle."""
        self.known = known
        self._corners = tuple(
            _corners(count, inactive=bool(other.when)) for count, other in zip(known, columns.others, strict=True)
        )
        self._conditional = len(columns.conditional)

    def points(self, coded: Coded) -> Points:
        """Return ``(n, d)``: the points of settings."""
        parts = [coded.places]
        for corners, codes in zip(self._corners, coded.codes[: len(self._corners)], strict=True):
            parts.append(corners[np.minimum(codes, len(corners) - 1)])
        if self._conditional:
            parts.append(coded.codes[len(self._corners) :].T * np.float32(_INACTIVE))
        points = np.concatenate(parts, axis=1)
        if not points.shape[1]:  # a single choice, of a single value
            points = np.zeros((len(points), 1), dtype=np.float32)
        return np.ascontiguousarray(points, dtype=np.float32)


@lru_cache(maxsize=256)
def _corners(count: int, *, inactive: bool) -> Points:
    """Return ``(count + 2, d)``: where each code lies, 0 first; the last is that of values that were not known."""
    values = count + inactive
    places = np.zeros((count + 2, min(max(0, values - 1), _BITS)), dtype=np.float64)
    if values > _CORNERS:
        bits = np.array(
            [[scattered(code + 1) >> bit & 1 for bit in range(_BITS)] for code in range(1 - inactive, count + 1)]
        )
        places = np.zeros((count + 2, _BITS))
        places[1 - inactive : count + 1] = (bits - 0.5) * (2.0 / _BITS) ** 0.5
    for axis in range(1, values if values <= _CORNERS else 0):  # Helmert's rows: orthonormal, and orthogonal to 1
        first = 1 - inactive
        places[first : first + axis, axis - 1] = (0.5 / (axis * (axis + 1))) ** 0.5
        places[first + axis, axis - 1] = -axis * (0.5 / (axis * (axis + 1))) ** 0.5
    return places.astype(np.float32)


def _part(table: Table, rows: Rows) -> Coded:
    places, codes = table.coded
    return Coded(places[rows], codes[:, rows])


@contextmanager
def _one_thread(faiss: Any) -> Iterator[None]:
    """Hold faiss to one thread inside."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
