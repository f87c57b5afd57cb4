"""One BLAS thread while a model is computed: small matrices lose by more, and the doers need the processors."""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np

_SUFFIXES = ("64_", "")
_PREFIXES = ("scipy_openblas", "openblas")


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold NumPy's and SciPy's bundled OpenBLAS to one thread inside; another BLAS is left as it is."""
    before = [(put, get()) for get, put in _dials()]
    for put, _ in before:
        put(1)
    try:
        yield
    finally:
        for put, threads in before:
            put(threads)


@lru_cache(maxsize=1)
def _dials() -> tuple[tuple[Callable[[], int], Callable[[int], None]], ...]:
    """Find the thread counters of the OpenBLAS libraries that came in the wheels."""
    site = Path(np.__file__).parent.parent
    found = []
    for folder in ("numpy.libs", "scipy.libs", "numpy/.dylibs", "scipy/.dylibs"):
        for path in sorted((site / folder).glob("*openblas*")):
            dial = _dial(path)
            if dial is not None:
                found.append(dial)
    return tuple(found)


def _dial(path: Path) -> tuple[Callable[[], int], Callable[[int], None]] | None:
    try:
        library = ctypes.CDLL(str(path))
    except OSError:
        return None
    for prefix in _PREFIXES:
        for suffix in _SUFFIXES:
            get = getattr(library, f"{prefix}_get_num_threads{suffix}", None)
            put = getattr(library, f"{prefix}_set_num_threads{suffix}", None)
            if get is not None and put is not None:
                return get, put
    return None
