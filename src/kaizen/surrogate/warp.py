"""Output transforms: monotone, smooth, invertible, chosen by how well they foretell what was left out.

A warp maps readings, turned so that more is better, to the scale on which the Gaussian process is fitted:
``plain`` (z-scores), ``log``, ``power`` (Yeo and Johnson 2000), ``tail`` (what is worse than the median is pressed
together by a logarithm; what is better stays as it is: a smooth twin of Vizier's half-rank warp).
"""

import math
from typing import Literal, NamedTuple

import numpy as np

from kaizen.surrogate.space import Floats

Kind = Literal["plain", "log", "power", "tail"]


class Warp(NamedTuple):
    """One output transform with its constants."""

    kind: Kind
    centre: float
    spread: float
    at: float = 0.0
    """``log``: the sign of the readings; ``power``: λ; ``tail``: the median."""
    unit: float = 1.0
    """``tail``: where the pressing begins; ``power``: the scale of the readings."""
    origin: float = 0.0
    """``power``: the place of the readings."""

    def __call__(self, values: Floats) -> Floats:
        """Return warped values, about N(0, 1)."""
        return (self._raw(values) - self.centre) / self.spread

    def _raw(self, values: Floats) -> Floats:
        match self.kind:
            case "log":
                return self.at * np.log(np.maximum(self.at * values, 1e-300))
            case "power":
                return _yeo_johnson((values - self.origin) / self.unit, self.at)
            case "tail":
                return np.where(
                    values >= self.at,
                    values,
                    self.at - self.unit * np.log1p(np.maximum(self.at - values, 0.0) / self.unit),
                )
        return values

    def back(self, warped: Floats) -> Floats:
        """Return the readings behind warped values."""
        raw = warped * self.spread + self.centre
        match self.kind:
            case "log":
                return self.at * np.exp(np.clip(self.at * raw, -690.0, 690.0))
            case "power":
                return self.origin + self.unit * _yeo_johnson_back(raw, self.at)
            case "tail":
                return np.where(
                    raw >= self.at,
                    raw,
                    self.at - self.unit * np.expm1(np.clip((self.at - raw) / self.unit, 0.0, 690.0)),
                )
        return raw

    def slope(self, values: Floats) -> Floats:
        """Return ln of the derivative, ``(n,)``: the Jacobian's part of a density."""
        match self.kind:
            case "log":
                made = -np.log(np.maximum(self.at * values, 1e-300))
            case "power":
                z = (values - self.origin) / self.unit
                made = np.sign(z) * (self.at - 1.0) * np.log1p(np.abs(z)) - math.log(self.unit)
            case "tail":
                made = -np.log1p(np.maximum(self.at - values, 0.0) / self.unit)
            case _:
                made = np.zeros(len(values))
        return made - math.log(self.spread)


def warp(kind: Kind, values: Floats) -> Warp | None:
    """Fit a warp's constants to readings, more is better; ``None`` where the kind does not suit them."""
    spread = float(np.std(values))
    if spread <= 1e-12 * max(1.0, float(np.max(np.abs(values)))):
        return Warp("plain", float(np.mean(values)), 1.0) if kind == "plain" else None
    first: Warp | None = Warp(kind, 0.0, 1.0)
    match kind:
        case "log":
            sign = float(np.sign(values[0]))
            first = Warp(kind, 0.0, 1.0, at=sign) if np.all(sign * values > 0) else None
        case "power":
            centre = float(np.median(values))
            first = Warp(kind, 0.0, 1.0, at=_best_power((values - centre) / spread), unit=spread, origin=centre)
        case "tail":
            middle = float(np.median(values))
            unit = float(np.sqrt(np.mean((values[values >= middle] - middle) ** 2)))
            first = Warp(kind, 0.0, 1.0, at=middle, unit=unit) if unit > 1e-6 * spread else None
    if first is None:
        return None
    raw = first._raw(values)  # noqa: SLF001 - its own kind
    width = float(np.std(raw))
    return first._replace(centre=float(np.mean(raw)), spread=width) if width > 0 else None


def _best_power(z: Floats) -> float:
    """Return the λ of highest normal likelihood on a grid (Yeo and Johnson 2000, eq. 3.1)."""
    grid = np.linspace(-1.0, 3.0, 41)
    n, tilt = len(z), float(np.sum(np.sign(z) * np.log1p(np.abs(z))))
    scores = [-0.5 * n * math.log(max(float(np.var(_yeo_johnson(z, lam))), 1e-12)) + (lam - 1.0) * tilt
              - 0.5 * (lam - 1.0) ** 2 for lam in grid]  # fmt: skip
    return float(grid[int(np.argmax(scores))])


def _yeo_johnson(z: Floats, lam: float) -> Floats:
    return np.where(z >= 0, _power(np.abs(z), lam), -_power(np.abs(z), 2.0 - lam))


def _yeo_johnson_back(t: Floats, lam: float) -> Floats:
    return np.where(t >= 0, _unpower(np.abs(t), lam), -_unpower(np.abs(t), 2.0 - lam))


def _power(size: Floats, lam: float) -> Floats:
    """((1 + z)^λ - 1) / λ, and ln(1 + z) for λ = 0."""
    return np.log1p(size) if abs(lam) < 1e-9 else np.expm1(lam * np.log1p(size)) / lam


def _unpower(size: Floats, lam: float) -> Floats:
    """Undo ``_power``; beyond what it can reach, the farthest that counts."""
    if abs(lam) < 1e-9:
        return np.expm1(np.minimum(size, 690.0))
    return np.expm1(np.clip(np.log(np.maximum(1.0 + lam * size, 1e-12)) / lam, 0.0, 690.0))
