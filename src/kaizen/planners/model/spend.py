"""What a run is expected to spend: money where it was told, else seconds, learnt from the runs like any metric.

Prices are relative to a typical run. Where runs spend alike, or differ by no more than chance, every run's price is 1.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kaizen.planners.model.aim import Aim
from kaizen.planners.model.belief import Caches, Seen
from kaizen.surrogate.gp import NOISY
from kaizen.surrogate.regression import Readings, Regression, regress
from kaizen.surrogate.space import Floats, Space
from kaizen.trial import Spend

_KNOWN = 6  # runs below which nothing is said of spend
_ALIKE = 0.2  # standard deviation of ln spend below which runs spend alike
_CHANCE = 0.5  # share of its variance that is chance, above which the setting does not tell the spend
_FARTHEST = 3.0  # of ln price, either way


class Spending(NamedTuple):
    """What settings spend."""

    typical: float
    """The median of a run's spend."""
    money: bool
    """Whether that is money; else seconds."""
    space: Space
    model: Regression | None = None
    """Of minus ln spend; ``None`` where the setting does not tell it."""

    def log(self, rows: Floats) -> Floats:
        """Return ``(n,)``: ln of each row's price, where a typical run's is 1."""
        if self.model is None:
            return np.zeros(len(rows))
        mean, _ = self.model.posterior.predict(self.space.points(rows))
        logs = -self.model.warp.back(mean) - np.log(self.typical)
        return np.asarray(np.clip(logs, -_FARTHEST, _FARTHEST), dtype=np.float64)

    def price(self, row: Floats) -> float:
        """Return one row's price."""
        return float(np.exp(self.log(row[None, :])[0]))

    def spell(self, runs: float) -> str:
        """Say what so many typical runs spend: ``about 12 s``; nothing where it was never told."""
        if self.typical <= 0:
            return ""
        return f"about {self.typical * runs:.3g}{'' if self.money else ' s'}{' of money' if self.money else ''}"


def spending(space: Space, seen: Sequence[Seen], spends: Sequence[Spend], kept: Caches) -> Spending:
    """Learn what runs spend."""
    money = any(spend.money > 0 for spend in spends)
    told = [spend.money if money else spend.seconds for spend in spends]
    known = [(run.setting, amount) for run, amount in zip(seen, told, strict=True) if amount > 0]
    if len(known) < _KNOWN:
        return Spending(0.0, money, space)
    logs = np.log(np.array([amount for _, amount in known]))
    plain = Spending(float(np.exp(np.median(logs))), money, space)
    if float(np.std(logs)) < _ALIKE:
        return plain
    numbers: dict[object, int] = {}
    same = np.array([numbers.setdefault(setting, len(numbers)) for setting, _ in known])
    points = space.points(space.encode([setting for setting, _ in known]))
    model = regress(Readings(points, -logs, same), space.shape, NOISY, kept.settled)
    return plain if model.noise_share > _CHANCE else plain._replace(model=model)


class Thrifty(Aim):
    """An aim whose scores are by what a run spends: ln of expected improvement, less ln of its price."""

    spending: Spending | None = None
    """``None`` where only the score itself is asked for."""

    def score(self, rows: Floats) -> Floats:
        """Return ``(n,)``."""
        plain = super().score(rows)
        return plain if self.spending is None else plain - self.spending.log(rows)


def thrifty(to: Aim, spends: Spending) -> Aim:
    """Return the aim with prices, where prices differ."""
    if spends.model is None:
        return to
    made = Thrifty(*to)
    made.spending = spends
    return made
