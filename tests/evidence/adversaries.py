"""Sizes of differences that an adversary would choose: two hundred vectors of twelve."""

import math
from collections.abc import Callable
from random import Random

INF = math.inf
PAIRS = 12


def sizes() -> dict[str, list[float]]:
    """Make the vectors of sizes that the exact tests walk, by name."""
    rng = Random(1939)
    pairs = range(1, PAIRS + 1)
    made: dict[str, list[float]] = {
        "equal": [1.0] * PAIRS,
        "growing": [2.0**t for t in pairs],
        "growing slowly": [1.0 * t for t in pairs],
        "decreasing": [2.0**-t for t in pairs],
        "decreasing slowly": [PAIRS - t + 1.0 for t in pairs],
        "alternating": [1.0 if t % 2 else 1000.0 for t in pairs],
        "alternating and growing": [t if t % 2 else 100.0 * t for t in pairs],
        "two levels": [1.0] * 6 + [5.0] * 6,
        "two levels, falling": [5.0] * 6 + [1.0] * 6,
        "all zero": [0.0] * PAIRS,
        "zeros first": [0.0] * 6 + [1.0 * t for t in range(6)],
        "zeros last": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0] + [0.0] * 6,
        "zeros between": [0.0 if t % 3 else 1.0 * t for t in pairs],
        "all infinite": [INF] * PAIRS,
        "one infinite first": [INF, *[1.0] * (PAIRS - 1)],
        "one infinite last": [*[1.0] * (PAIRS - 1), INF],
        "infinite, zero and ties": [INF, 0.0, 1.0, 1.0, INF, 0.0, 2.0, 2.0, INF, 1.0, 0.0, 3.0],
        "one giant": [*(1.0 + t / 100 for t in pairs[:-1]), 1e12],
        "one giant first": [1e12, *(1.0 + t / 100 for t in pairs[:-1])],
        "tiny and huge": [5e-324 if t % 2 else 1.7e308 for t in pairs],
        "passes and fails": [float(rng.random() < 0.4) for _ in pairs],
        "a walk": [abs(math.sin(t)) + t / 7 for t in pairs],
    }
    draws: dict[str, Callable[[], float]] = {
        "normal": lambda: rng.gauss(0, 1),
        "Cauchy": lambda: math.tan(math.pi * (rng.random() - 0.5)),
        "lognormal": lambda: rng.lognormvariate(0, 2),
        "rounded": lambda: float(rng.randint(0, 3)),
        "mostly nothing": lambda: float(rng.random() < 0.2) * rng.gauss(0, 1),
        "with faults": lambda: INF if rng.random() < 0.25 else rng.gauss(0, 1),
    }
    for name, draw in draws.items():
        made |= {f"{name} {i}": [abs(draw()) for _ in pairs] for i in range(30)}
    return made


SIZES = sizes()
