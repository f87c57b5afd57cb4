"""What an adopted change will deliver: the gain that its pairs showed, less what the luck of the chosen owes.

Whoever is chosen because its pairs looked good looked better than it is. How much, depends on how good changes of this
process are at all; that is learned from all that were tried, the failed above all. Gains count in standard deviations of
a pair's difference; x_i is the typical gain of the first pairs of trial i, g a grid of gains that may be true:

    P(x_i | g) = N(x_i; g, EXTRA / n_i),   w_g <- (sum_i P(g | x_i) + BELIEF * base_g) / (trials + BELIEF)           (1)

until the weights rest; base is what is believed before any trial: most changes do little. The promise is the mean of
P(g | x) under w, by *all* pairs of the chosen one: when it stopped does not matter once w is known.

References:
    Kiefer & Wolfowitz (1956), *Consistency of the maximum likelihood estimator in the presence of infinitely many
    incidental parameters*, Ann. Math. Statist. 27: the prior learned from all, here held to a base by Dirichlet counts.
    Efron (2011), *Tweedie's formula and selection bias*, J. Amer. Statist. Assoc. 106.
    Hodges & Lehmann (1963): the variance of a typical gain is EXTRA = pi / 3 times that of a mean under normal noise.
"""

import math
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from kaizen.evidence.door import check_numbers
from kaizen.evidence.gains import typical

if TYPE_CHECKING:  # loaded late
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FIRST: Final = 5
"""The pairs of other trials that count: as many for all, so that when they stopped chooses nothing."""

EXTRA: Final = math.pi / 3
BELIEF: Final = 4.0
"""How many trials the base counts."""

_ENDS: Final = (-4.0, 8.0)  # of the grid
_PLAIN: Final = 6.0  # standard deviations of a pair: a gain so large owes nothing to luck, and may lie beyond the grid
_ONE_SIDED: Final = 1.645  # standard errors to the low end, with chance 19 in 20
_WIDTHS: Final = (0.1, 0.5, 2.0)  # standard deviations of the base's three parts,
_PARTS: Final = (0.5, 0.35, 0.15)  # and their shares
_TURNS, _RESTS = 200, 1e-6  # of (1), at most, and the change of a weight at which it rests
_TINY: Final = 1e-300
_SIDE: Final = 0.05  # of what is believed lies below the low end


class Promise(NamedTuple):
    """What a change is expected to deliver, in the unit of its differences."""

    gain: float
    low: float
    """What it delivers at least, with chance 19 in 20."""


def promise(own: Sequence[float], others: Sequence[Sequence[float]]) -> Promise | None:
    """Foretell the gain of a chosen trial from its differences and those of all other trials, failed ones above all.

    ``None`` while the pairs do not tell how much a difference scatters.

    Raises:
        ValueError: a difference is NaN.

    References:
        Equation 1.
    """
    for differences in (own, *others):
        check_numbers("difference", differences)
    scatter = spread([own, *others])
    if scatter is None or not own:
        return None
    shown = typical(own)
    if math.isfinite(shown) and abs(shown / scatter) > _PLAIN:
        return Promise(shown, shown - _ONE_SIDED * scatter * math.sqrt(EXTRA / len(own)))
    gains = [(typical(pairs[:FIRST]) / scatter, min(len(pairs), FIRST)) for pairs in (own, *others) if pairs]
    weights = _learned(_fit(gains))
    belief = weights * _fit([(shown / scatter, len(own))])[0]
    belief /= belief.sum()
    grid = _grid()
    mean = float(belief @ grid)
    low = float(grid[int((belief.cumsum() >= _SIDE).argmax())])
    return Promise(mean * scatter, min(low, mean) * scatter)


def spread(trials: Sequence[Sequence[float]]) -> float | None:
    """Return how much differences scatter around their trial's typical one: 1.48 times the median distance.

    ``None`` where fewer than three tell, or where they do not scatter at all.
    """
    away: list[float] = []
    for differences in trials:
        finite = [d for d in differences if math.isfinite(d)]
        if len(finite) > 1:
            centre, widen = typical(finite), math.sqrt(len(finite) / (len(finite) - 1))
            away += [abs(d - centre) * widen for d in finite]
    if len(away) < 3:
        return None
    away.sort()
    middle = (away[(len(away) - 1) // 2] + away[len(away) // 2]) / 2
    return middle * 1.4826 if middle > 0 else None


def _learned(fits: "Floats") -> "Floats":
    """Return the weights of (1) at rest, by ``(trials, grid)`` fits."""
    import numpy as np

    grid = _grid()
    base = np.sum([part * _normal(grid, width) for part, width in zip(_PARTS, _WIDTHS, strict=True)], axis=0)
    base = base / base.sum()
    weights = base
    for _ in range(_TURNS):
        shares = weights * fits
        counts = (shares / shares.sum(axis=1, keepdims=True)).sum(axis=0) + BELIEF * base
        moved = counts / counts.sum()
        if abs(moved - weights).max() < _RESTS:
            break
        weights = moved
    return np.asarray(weights, dtype=np.float64)


def _fit(gains: Sequence[tuple[float, int]]) -> "Floats":
    """Return ``(trials, grid)``: P(gain | g); a gain beyond all bounds lies at the grid's end."""
    import numpy as np

    at = np.clip([gain for gain, _ in gains], *_ENDS)
    width = np.sqrt(EXTRA / np.array([pairs for _, pairs in gains]))
    return _normal(at[:, None] - _grid(), width[:, None])


def _normal(away: "Floats", width: "Floats | float") -> "Floats":
    import numpy as np

    return np.asarray(np.exp(-0.5 * (away / width) ** 2) / width + _TINY, dtype=np.float64)


@cache
def _grid() -> "Floats":
    import numpy as np

    return np.linspace(*_ENDS, 241)
