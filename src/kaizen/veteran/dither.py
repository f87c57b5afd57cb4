"""Noise that gives nothing away in its last digits: whole numbers, drawn by whole numbers alone.

Laplace noise of floating point does give away: which doubles it can reach depends on what it is added to, and that tells
the reading apart whatever ε says (Mironov 2012). So noise is discrete Laplace, the two-sided geometric mechanism:

    Pr[Z = z] = (1 - p) / (1 + p) · p^|z|,   p = exp(-1/t),   z whole                                              (eq. 1)

and is drawn exactly by algorithms 1 and 2 of Canonne, Kamath and Steinke, from uniform whole numbers. A count that one run
moves by Δ at most is then told with ε = Δ/t.

References:
    I. Mironov, On significance of the least significant bits for differential privacy, CCS 2012.
    A. Ghosh, T. Roughgarden and M. Sundararajan, Universally utility-maximizing privacy mechanisms, STOC 2009.
    C. Canonne, G. Kamath and T. Steinke, The discrete Gaussian for differential privacy, NeurIPS 2020, algorithms 1 and 2.
"""

import math
from typing import Protocol


class Chance(Protocol):
    """A source of uniform whole numbers: a secure one, but in tests and benches."""

    def randrange(self, stop: int, /) -> int:
        """Return a whole number from 0 to ``stop`` - 1."""
        ...


def noise(scale: int, chance: Chance) -> int:
    """Return one number of eq. 1 with t = ``scale``."""
    while True:
        low = chance.randrange(scale)
        if not _happens(low, scale, chance):  # so that low has the weights exp(-low/t)
            continue
        high = 0
        while _happens(1, 1, chance):
            high += 1
        size = low + scale * high
        if chance.randrange(2):
            return size
        if size:  # minus nothing is nothing, which would count twice
            return -size


def _happens(over: int, under: int, chance: Chance) -> bool:
    """Throw a coin that falls so with chance exp(-over/under), for 0 ≤ over ≤ under (algorithm 1)."""
    turn = 1
    while chance.randrange(under * turn) < over:
        turn += 1
    return turn % 2 == 1


def above(scale: int, limit: int) -> float:
    """Return Pr[Z ≥ limit]."""
    p = math.exp(-1.0 / scale)
    return p**limit / (1.0 + p) if limit > 0 else 1.0 - p ** (1 - limit) / (1.0 + p)


def telling(scale: int, counts: int, *, moved: int = 2) -> float:
    """Return how well anybody could tell whether one run is among those counted: the AUC of the most powerful test.

    It moves each of so many ``counts`` by ``moved``, which is the most it can; nothing that is made of the counts tells more.
    The test is the likelihood ratio: each count adds moved/t less 2/t for every whole number that Z lies beyond 0.
    """
    p = math.exp(-1.0 / scale)
    chances = [(1.0 - p) / (1.0 + p) * p**z for z in range(1, moved)]
    one = [1.0 / (1.0 + p), *chances, above(scale, moved)]  # of adding moved, moved - 2, …, -moved
    summed = [1.0]
    for _ in range(counts):
        made = [0.0] * (len(summed) + len(one) - 1)
        for at, share in enumerate(summed):
            for step, part in enumerate(one):
                made[at + step] += share * part
        summed = made
    below, auc = 0.0, 0.0  # with the run the same sums come in the opposite order
    for there, here in zip(summed, reversed(summed), strict=True):
        auc += here * (below + 0.5 * there)
        below += there
    return max(auc, 1.0 - auc)
