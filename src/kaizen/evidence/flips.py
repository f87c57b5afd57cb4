"""Prove within a declared number of pairs: flip the trial's coins, and see how rarely the pairs would look as good.

If a change does nothing, every pair's difference could as well have come with the other sign. So the path that was seen
is set beside others that differ from it by flipped signs only, and whoever is among the highest at a look leaves:

    S_n(e) = max over metrics of sum_{t <= n} e_t * psi_t      e in {-1, 1}^N; seen: e = 1; psi: ``signs`` (1)      (1)
    k_n    = floor(alpha * sqrt(n / N) * paths)                how many may have left by look n, in all             (2)

At look n those go that lie strictly above the (k_n - gone + 1)-th highest of the paths still there; *better* is proven
when the seen one goes. Given the sizes of the differences, all paths are alike under a change that does nothing, and
at most ``alpha`` of them ever leave: the chance of a false proof is at most ``alpha``, exactly, at any looks, whatever the
noise. Flipping whole pairs keeps metrics together, so the highest of several costs no correction. A change that is
*worse* in every pair can only lower the path that was seen.

All paths are walked where there are few (2^N at most ``FEW``); else the seen one and others by coins from a seed. The
coins are bits of SHAKE-128, the same on every machine for ever.

References:
    Lan & DeMets (1983), *Discrete sequential boundaries for clinical trials*, Biometrika 70: spending, as in (2).
    Hemerik & Goeman (2018), *Exact testing with random permutations*, TEST 27: the seen path among random ones.
    Koning & van Meer (2026), *Anytime validity is free*, J. R. Statist. Soc. B: a sequential test that spends a fixed one.
"""

import hashlib
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from kaizen.evidence.door import check_alpha
from kaizen.evidence.signs import signed_scores

if TYPE_CHECKING:  # loaded late: NumPy takes longer to load than all of this
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEW: Final = 1 << 12
"""The most paths that are walked one and all."""

_LEAST: Final = 999  # flipped paths beside the seen one, at least,
_MORE: Final = 50.0  # and times 1 / alpha
_MOST: Final = 200_000
_SAME: Final = 1e-9  # sums that differ by rounding alone are ties


class Passage(NamedTuple):
    """How a trial stands after its pairs so far."""

    proven: int | None
    """After how many pairs it was proven; ``None`` while it is not."""
    rarity: float
    """The share of flipped paths that stand at least as high as the seen one now: small is rare."""


def passage(differences: Sequence[Sequence[float]], *, alpha: float, cap: int, seed: int) -> Passage:
    """Test that what was seen is better in at least one of the metrics, by ``differences`` of each, one per pair.

    ``cap`` is the most pairs that the trial may take, declared before the first; pairs behind it are left out. ``seed``
    is the trial's own.

    Raises:
        ValueError: ``alpha`` is not between 0 and 1, ``cap`` is less than 1, there is no metric, or one has other pairs.

    References:
        Equations 1 and 2.
    """
    import numpy as np

    check_alpha(alpha)
    if cap < 1:
        raise ValueError(f"cap must be at least 1; got {cap}")
    lengths = {len(row) for row in differences}
    if len(lengths) != 1:
        raise ValueError(f"differences must be as many for each metric; got {sorted(lengths) or 'no metric'}")
    looks = min(lengths.pop(), cap)
    if not looks:
        return Passage(None, 1.0)
    coins = _coins(cap, _others(alpha, cap), seed)[:, :looks]
    heights = np.full(coins.shape, -np.inf)
    for row in differences:
        scores = np.array(signed_scores(row[:looks]))
        np.maximum(heights, np.cumsum(coins * scores, axis=1), out=heights)  # (1)
    return _passed(np.round(heights / _SAME) * _SAME, alpha, cap)


def _passed(heights: "Floats", alpha: float, cap: int) -> Passage:
    """Let the highest leave look by look (2); the seen path is the first."""
    import numpy as np

    paths, looks = heights.shape
    there = np.arange(paths)
    for look in range(looks):
        may = math.floor(alpha * math.sqrt((look + 1) / cap) * paths) - (paths - len(there))  # (2)
        if may <= 0:
            continue
        now = heights[there, look]
        limit = np.partition(now, len(now) - may - 1)[len(now) - may - 1]
        if now[0] > limit:
            return Passage(look + 1, float(np.mean(heights[:, -1] >= heights[0, -1])))
        there = there[now <= limit]
    return Passage(None, float(np.mean(heights[:, -1] >= heights[0, -1])))


def _passed_by_definition(heights: Sequence[Sequence[float]], alpha: float, cap: int) -> int | None:
    """Write (2) down as it stands: the slow twin of ``_passed``, which the tests hold against it."""
    gone: set[int] = set()
    for look in range(len(heights[0])):
        may = math.floor(alpha * math.sqrt((look + 1) / cap) * len(heights)) - len(gone)
        left = sorted((row[look] for path, row in enumerate(heights) if path not in gone), reverse=True)
        gone |= {path for path, row in enumerate(heights) if path not in gone and row[look] > left[may]}
        if 0 in gone:
            return look + 1
    return None


def _others(alpha: float, cap: int) -> int:
    """Return how many flipped paths are set beside the seen one; 0 for all there are."""
    if cap < FEW.bit_length():
        return 0
    return min(max(_LEAST, math.ceil(_MORE / alpha)), _MOST)


@lru_cache(maxsize=4)
def _coins(cap: int, others: int, seed: int) -> "NDArray[Any]":
    """Return ``(paths, cap)`` signs, the first row all 1: every pattern (``others`` = 0), or so many from the seed."""
    import numpy as np

    if others == 0:
        bits = (np.arange(1 << cap)[:, None] >> np.arange(cap)) & 1
    else:
        stream = hashlib.shake_128(f"kaizen flips {seed}".encode()).digest((others * cap + 7) // 8)
        drawn = np.unpackbits(np.frombuffer(stream, dtype=np.uint8))[: others * cap].reshape(others, cap)
        bits = np.vstack([np.zeros((1, cap), dtype=np.uint8), drawn])
    return (1 - 2 * bits.astype(np.int8)).astype(np.float64)


def pairs_floor(alpha: float, cap: int) -> int:
    """Give the fewest pairs that can prove anything at ``alpha`` within ``cap``; ``cap + 1`` where none can.

    All pairs better and growing: the only path as high is the seen one, of 2^n. It may leave once (2) reaches that share.

    Raises:
        ValueError: ``alpha`` is not between 0 and 1.
    """
    check_alpha(alpha)
    return next((n for n in range(1, cap + 1) if alpha * math.sqrt(n / cap) >= 2.0**-n * (1 + 1e-9)), cap + 1)
