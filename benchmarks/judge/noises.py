"""What readings do while nothing improves: six noises, in the order of time, and the coin that makes pairs of them."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NOISES: Final = ("normal", "t3", "lognormal", "outliers", "drift", "pass/fail")
"""The last but one: autocorrelated by .8, a drift of six sd over the trial, and days with an effect of their own."""

DRIFT: Final = 6.0
"""sd of a run, over a trial."""
PASSES: Final = 0.7
"""The share of runs that pass."""
_MEMORY = 0.8
_DAY = 24  # runs


def runs(name: str, rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Return readings ``(trials, runs)`` in the order of time; more is better."""
    match name:
        case "t3":
            return rng.standard_t(3, shape)
        case "lognormal":
            return rng.lognormal(0.0, 1.0, shape)
        case "outliers":
            return rng.standard_normal(shape) * np.where(rng.random(shape) < 0.05, 10.0, 1.0)
        case "drift":
            return _drift(rng, shape)
        case "pass/fail":
            return np.asarray(rng.random(shape) < PASSES, dtype=np.float64)
    return rng.standard_normal(shape)


def _drift(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Return what a process does that gets better by itself, has days, and remembers."""
    trials, length = shape
    fresh = rng.standard_normal(shape)
    memory = np.empty(shape)
    memory[:, 0] = fresh[:, 0]
    for t in range(1, length):
        memory[:, t] = _MEMORY * memory[:, t - 1] + np.sqrt(1 - _MEMORY**2) * fresh[:, t]  # ~ AR(1), sd 1
    days = np.repeat(rng.standard_normal((trials, length // _DAY + 1)), _DAY, axis=1)[:, :length]
    return np.asarray(memory + days + np.linspace(0.0, DRIFT, length), dtype=np.float64)


def pairs(readings: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return the readings of increments and standards ``(trials, pairs)``: a coin says which of two neighbours is whose."""
    first, second = readings[:, 0::2], readings[:, 1::2]
    coin = rng.random(first.shape) < 0.5
    return np.where(coin, first, second), np.where(coin, second, first)


def differences(name: str, rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Return increment less standard, ``(trials, pairs)``, of changes that do nothing."""
    increment, standard = pairs(runs(name, rng, (shape[0], 2 * shape[1])), rng)
    return np.asarray(increment - standard, dtype=np.float64)
