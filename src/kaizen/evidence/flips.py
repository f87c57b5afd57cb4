"""Prove within a declared number of pairs: flip the trial's coins, and see how rarely the pairs would look as good.

If a change does nothing, every pair's difference could as well have come with the other sign. So the path that was seen
is set beside others that differ from it by flipped signs only, and whoever is among the highest at a look leaves:

    S_n(e) = max over metrics of sum_{t <= n} e_t * psi_t      e in {-1, 1}^n; seen: e = 1; psi: ``signs`` (1)      (1)
    a_n    = alpha * sqrt(n / N)                               the share that may have left by look n, in all        (2)

At look n the highest leave, ties together or not at all, as long as no more than a_n of all paths have left; *better* is
proven when the seen one leaves. Given the sizes of the differences, all paths are alike under a change that does nothing,
and at most ``alpha`` of them ever leave: the chance of a false proof is at most ``alpha``, exactly, at any looks, whatever
the noise. Flipping whole pairs keeps metrics together, so the highest of several costs no correction. A change that is
*worse* in every pair can only lower the path that was seen.

The first ``WALKED`` looks walk all 2^n paths, and know the share g of them that leaves. Later ones draw others by coins from
a seed, and among these and the seen one at most a_n - g leave: the two shares add up to ``alpha``. The coins are bits of
SHAKE-128, the same everywhere for ever.

References:
    Lan & DeMets (1983), *Discrete sequential boundaries for clinical trials*, Biometrika 70: spending, as in (2).
    Hemerik & Goeman (2018), *Exact testing with random permutations*, TEST 27: the seen path among random ones.
    Koning & van Meer (2026), *Anytime validity is free*, J. R. Statist. Soc. B: a sequential test that spends a fixed one.
"""

import hashlib
import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple

from kaizen.evidence.door import check_alpha
from kaizen.evidence.signs import signed_scores

if TYPE_CHECKING:  # loaded late: NumPy takes longer to load than all of this
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

WALKED: Final = 12
"""The looks at which all paths are walked."""

_LEAST: Final = 999  # drawn paths beside the seen one, at least,
_MORE: Final = 50.0  # and times 1 / alpha
_MOST: Final = 200_000
_HOLES: Final = 3  # gaps outside an end that are looked at, too
_SAME: Final = 1e-9  # sums that differ by rounding alone are ties


class Passage(NamedTuple):
    """How a trial stands after its pairs so far."""

    proven: int | None
    """After how many pairs it was proven; ``None`` while it is not."""
    rarity: float
    """The share of flipped paths that stand at least as high as the seen one now: small is rare."""


def passage(
    differences: Sequence[Sequence[float]], *, alpha: float, cap: int, seed: int, drawn: int | None = None
) -> Passage:
    """Test that what was seen is better in at least one of the metrics, by ``differences`` of each, one per pair.

    ``cap`` is the most pairs that the trial may take, declared before the first; pairs behind it are left out. ``seed``
    is the trial's own; ``drawn`` how many paths are drawn, by default enough for ``alpha``.

    Raises:
        ValueError: ``alpha`` is not between 0 and 1, ``cap`` is less than 1, there is no metric, or one has other pairs.

    References:
        Equations 1 and 2.
    """
    check_alpha(alpha)
    if cap < 1:
        raise ValueError(f"cap must be at least 1; got {cap}")
    lengths = {len(row) for row in differences}
    if len(lengths) != 1:
        raise ValueError(f"differences must be as many for each metric; got {sorted(lengths) or 'no metric'}")
    looks = min(lengths.pop(), cap)
    if not looks:
        return Passage(None, 1.0)
    scores = [signed_scores(row[:looks]) for row in differences]
    walked = _walked(tuple(row[:WALKED] for row in scores), alpha, cap)
    if walked.proven is not None or looks <= WALKED:
        return Passage(walked.proven, walked.rarity)
    coins, behind = _coins(cap, drawn or _others(alpha), seed)
    paths = _heights(
        [_whole(row[WALKED:]) for row in scores], coins[WALKED:looks], [end[behind] for end in walked.ends]
    )
    rarity = _share(paths[-1])
    paths[:, ~walked.there[behind]] = -math.inf
    return Passage(_passed(paths, alpha, cap, walked.gone), rarity)


def confidence_interval(differences: Sequence[float], level: float, *, cap: int, seed: int) -> tuple[float, float]:
    """Give the ends of the gains not contradicted within the cap; infinite while pairs are too few.

    The truth is inside at all looks with chance ``1 - level``: a gain m is contradicted from below when d - m passes at
    ``level / 2``, from above when m - d does. What passes changes only where m is the mean of two differences; the end
    is found by halving, and then looked for again in the gaps just outside, for evidence is not quite monotone in m.

    Raises:
        ValueError: as ``passage``.

    References:
        Equations 1 and 2, for every m.
    """
    check_alpha(level)
    turned = [0.0 - d for d in differences]
    low = _lowest(differences, level, cap, seed)
    high = 0.0 - _lowest(turned, level, cap, seed)
    return min(low, high), max(low, high)


def _lowest(differences: Sequence[float], level: float, cap: int, seed: int) -> float:
    """Give the lowest gain not contradicted from below, or minus infinity."""
    import numpy as np

    halves = np.array([d for d in differences if math.isfinite(d)]) / 2
    means: list[float] = np.unique((halves[:, None] + halves)[np.triu_indices(len(halves))]).tolist()

    def passes(gap: int) -> bool:
        """Tell whether gains in the gap below ``means[gap]`` are contradicted."""
        at = means[0] - 1.0 if gap == 0 else means[gap - 1] / 2 + means[gap] / 2
        moved = [d - at for d in differences]
        return passage([moved], alpha=level / 2, cap=cap, seed=seed, drawn=_LEAST).proven is not None

    if not means or not passes(0):
        return -math.inf
    low, high = 0, len(means)  # contradicted, not contradicted
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if passes(middle) else (low, middle)
    for gap in range(low - 1, max(low - 1 - _HOLES, 0), -1):
        if not passes(gap):
            low = gap - 1
    return means[low]


class _Walked(NamedTuple):
    """What is known when all paths were walked. The path at index i flips the pairs that are the bits of i."""

    proven: int | None
    rarity: float
    ends: "tuple[Floats, ...]"
    """``(2^n,)`` for each metric: where a path stands."""
    there: "NDArray[np.bool_]"
    """Which of them have not left."""

    @property
    def gone(self) -> float:
        """The share that left."""
        return 1.0 - int(self.there.sum()) / len(self.there)


@lru_cache(maxsize=16)  # the ends of an interval are looked for where the first pairs' ranks hardly change
def _walked(scores: tuple[tuple[float, ...], ...], alpha: float, cap: int) -> _Walked:
    """Walk all paths of some pairs, by the scores of each metric."""
    rows, ends = _walk([_whole(row) for row in scores])
    limits, there = _limits(rows, alpha, cap)
    proven = next((look for look, (row, limit) in enumerate(zip(rows, limits, strict=True), 1) if row[0] > limit), None)
    for array in (there, *ends):
        array.setflags(write=False)
    return _Walked(proven, _share(rows[-1]), ends, there)


def _whole(scores: Sequence[float]) -> "Floats":
    """Return scores in units of ``_SAME``: sums of whole numbers have no rounding, and ties are ties."""
    import numpy as np

    return np.rint(np.array(scores) / _SAME)


def _walk(scores: "Sequence[Floats]") -> "tuple[list[Floats], tuple[Floats, ...]]":
    """Return, for each look, the heights (1) of all paths that differ up to it; and where each metric's own paths end."""
    import numpy as np

    ends = [np.zeros(1) for _ in scores]
    rows = []
    for pair in zip(*(row.tolist() for row in scores), strict=True):
        ends = [np.concatenate([own + score, own - score]) for own, score in zip(ends, pair, strict=True)]
        rows.append(ends[0] if len(ends) == 1 else np.maximum.reduce(ends))
    return rows, tuple(ends)


def _heights(scores: "Sequence[Floats]", coins: "Floats", starts: "Sequence[Floats]") -> "Floats":
    """Return ``(looks, paths)``: the highest of the metrics (1) behind where each path starts."""
    import numpy as np

    heights: Floats | None = None
    for row, start in zip(scores, starts, strict=True):
        own = coins * row[:, None]
        own[0] += start
        for look in range(1, len(own)):  # row by row: many times as quick as a sum along the first axis
            own[look] += own[look - 1]
        heights = own if heights is None else np.maximum(heights, own, out=heights)
    assert heights is not None, "passage asks for a metric"
    return heights


def _share(heights: "Floats") -> float:
    """Return the share of paths that stand at least as high as the first."""
    return float((heights >= heights[0]).mean())


def _limits(rows: "Sequence[Floats]", alpha: float, cap: int) -> "tuple[list[float], NDArray[np.bool_]]":
    """Return, for each look, the height above which paths leave, of all there are (2); and which stay to the end.

    ``rows`` are those of ``_walk``.
    """
    import numpy as np

    there, found, gone = np.ones(1, dtype=bool), [], 0
    for look, row in enumerate(rows, 1):
        there, gone = np.concatenate([there, there]), 2 * gone
        may = math.floor(_spent(alpha, look, cap) * len(row)) - gone
        found.append(math.inf if may <= 0 else _highest_but(row[there] if gone else row, may))
        if may > 0:
            there &= row <= found[-1]
            gone = len(there) - int(np.count_nonzero(there))
    return found, there


def _passed(paths: "Floats", alpha: float, cap: int, before: float) -> int | None:
    """Return the look at which the first path leaves, after those that were walked; who has left is at minus infinity."""
    import numpy as np

    most = _most(alpha, cap, before, paths.shape)
    above = np.count_nonzero(paths >= paths[:, :1], axis=1).tolist()
    last = max((at for at, (count, may) in enumerate(zip(above, most, strict=True)) if count <= may), default=-1)
    gone = 0  # behind the last look too many are as high, whoever has left before
    for look, may in enumerate(most[: last + 1]):
        row, leave = paths[look], may - gone
        if leave <= 0:
            continue
        if leave == 1:  # the highest, unless another is as high; below is the same, more slowly
            top = int(row.argmax())
            leaving = [top] if np.count_nonzero(row == row[top]) == 1 else []
        else:
            leaving = np.flatnonzero(row > _highest_but(row, leave)).tolist()
        if leaving and leaving[0] == 0:  # the seen one
            return WALKED + look + 1
        paths[look:, leaving] = -math.inf
        gone += len(leaving)
    return None


@lru_cache(maxsize=64)
def _most(alpha: float, cap: int, before: float, shape: tuple[int, int]) -> tuple[int, ...]:
    """Return how many of so many looks' paths may have left at each, after the looks that were walked (2)."""
    looks, drawn = shape
    return tuple(math.floor((_spent(alpha, WALKED + look, cap) - before) * drawn) for look in range(1, looks + 1))


def _highest_but(heights: "Floats", count: int) -> float:
    """Return the height that at most ``count`` paths are above."""
    import numpy as np

    at = len(heights) - count - 1
    return float(np.partition(heights, at)[at]) if at >= 0 else -math.inf


def _spent(alpha: float, look: int, cap: int) -> float:
    return alpha * math.sqrt(look / cap)  # (2)


def _proven_by_definition(differences: Sequence[float], alpha: float, cap: int) -> int | None:
    """Write (1) and (2) down as they stand, for one metric and few pairs: the slow twin of ``passage`` in the tests."""
    scores = signed_scores(differences)
    paths = list(product((1, -1), repeat=len(scores)))
    gone: set[tuple[int, ...]] = set()
    for look in range(1, len(scores) + 1):
        height = {
            path: round(math.fsum(e * s for e, s in zip(path[:look], scores[:look], strict=True)), 9) for path in paths
        }
        left = sorted((height[path] for path in paths if path not in gone), reverse=True)
        may = math.floor(alpha * math.sqrt(look / cap) * len(paths)) - len(gone)
        if may > 0:
            gone |= {path for path in paths if path not in gone and height[path] > left[may]}
        if paths[0] in gone:
            return look
    return None


def _others(alpha: float) -> int:
    """Return how many flipped paths are drawn beside the seen one."""
    return min(max(_LEAST, math.ceil(_MORE / alpha)), _MOST)


@lru_cache(maxsize=4)
def _coins(cap: int, others: int, seed: int) -> "tuple[Floats, NDArray[np.int64]]":
    """Return ``(cap, others + 1)`` signs, the first path all 1, the others from the seed; and the place of each in ``_walk``."""
    import numpy as np

    stream = hashlib.shake_128(f"kaizen flips {seed}".encode()).digest((others * cap + 7) // 8)
    drawn = np.unpackbits(np.frombuffer(stream, dtype=np.uint8))[: others * cap].reshape(others, cap)
    bits = np.vstack([np.zeros((1, cap), dtype=np.uint8), drawn])
    places = bits[:, :WALKED].astype(np.int64) @ (1 << np.arange(min(cap, WALKED)))
    return np.ascontiguousarray(1.0 - 2.0 * bits.T, dtype=np.float64), places


def pairs_floor(alpha: float, cap: int) -> int:
    """Give the fewest pairs that can prove anything at ``alpha`` within ``cap``; more than it where none can: the least cap.

    All pairs better and growing: no other path is as high, of 2^n, or of those that are drawn. It may leave once (2)
    reaches that share; at an α below one in 200,000 none that is drawn ever may.

    Raises:
        ValueError: ``alpha`` is not between 0 and 1.
    """
    check_alpha(alpha)
    least = math.ceil(-math.log2(alpha))
    drawn = _others(alpha) + 1
    paths = {n: 2**n if n <= WALKED else min(2**n, drawn) for n in range(1, cap + 1)}
    return next((n for n in paths if math.floor(_spent(alpha, n, cap) * paths[n]) >= 1), max(least, cap + 1))
