"""Who finds the nearest of all remembered settings: by a look at every one, or by an index that a plug-in keeps."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kaizen.veteran.shelf import Shelf
from kaizen.veteran.table import Coded, Rows, Table


class Neighbours(Protocol):
    """Finds the nearest rows of one table, which only ever grows."""

    def nearest(self, table: Table, one: Coded, count: int) -> tuple[Rows, NDArray[np.float64]]:
        """Return the ``count`` nearest rows, nearest first, the older first among equals; and their distances.

        Distances are the table's own (see ``measured``), to double precision. An index may miss one row in a hundred; rows
        that came after it was made are never left out.
        """
        ...


Making = Callable[[Shelf | None, str], Neighbours]
"""How neighbours are made for one process: with a shelf, if there is one, and a name on it."""


class Plain:
    """Looks at every row: exact, and quick enough for a million or two."""

    def nearest(self, table: Table, one: Coded, count: int) -> tuple[Rows, NDArray[np.float64]]:
        """Return the nearest rows and their distances."""
        return table.nearest(one, count)
