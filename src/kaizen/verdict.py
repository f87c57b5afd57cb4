"""What the judge says of a trial, and what is learnt when it does not say *better*."""

import hashlib
from typing import Literal

import msgspec

from kaizen.metric import UTILITY, Metric

Decision = Literal["better", "worse", "not_worthwhile", "futile", "undecided"]
StopReason = Literal["superseded", "andon", "budget", "guard", "watched"]


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What the increment does to one metric, in the metric's units of gain (above 0 is better)."""

    metric: str
    gain: float | None
    """The typical gain; ``None`` where faults leave none."""
    low: float | None
    high: float | None
    """The ends of its interval; ``None`` is unbounded."""
    level: float
    """The chance with which the interval, looked at as often as you like, misses the typical gain."""
    exact: bool = False

    def spell(self, metric: Metric) -> str:
        """Say it as people do: ``cpu -39.1% [-40.1%, -38.0%]``."""
        gain = "?" if self.gain is None else metric.spell(self.gain)
        if self.exact:
            return f"{self.metric} {gain} (exact)"
        if self.low is None and self.high is None:
            return f"{self.metric} {gain} (too few pairs for an interval)"
        low, high = ("?" if end is None else metric.spell(end) for end in (self.low, self.high))
        ends = (low, high) if metric.better == "higher" else (high, low)
        return f"{self.metric} {gain} [{', '.join(ends)}]"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A judgement: decision, reason, effects, evidence, and by which method it was reached."""

    decision: Decision
    settled: bool
    """Whether the trial ends here; an ``undecided`` one may go on until its last pair."""
    reason: str
    effects: tuple[Effect, ...]
    pairs: int
    evidence: float
    """ln of the e-value for *better*, from -700 (refuted) to 700 (proven without chance, by exact metrics)."""
    needed: float
    """ln(1/α): the evidence that adoption takes."""
    method: str
    rarity: float | None = None
    """Where coins were flipped: the share of flips that look as good."""
    said: str = ""
    """The verdict in one line, as ``spell`` says it."""

    def __str__(self) -> str:
        """Return the verdict in one line."""
        return self.said or self.decision.replace("_", " ")

    def effect(self, metric: str) -> Effect | None:
        """Return the effect on one metric, if the verdict has it."""
        return next((effect for effect in self.effects if effect.metric == metric), None)

    def spell(self, metrics: tuple[Metric, ...]) -> str:
        """Say the verdict in one line: ``better: cpu -39.1% [-40.1%, -38.0%] over 6 pairs``."""
        by_name = {metric.name: metric for metric in (UTILITY, *metrics)}
        effects = ", ".join(effect.spell(by_name[effect.metric]) for effect in self.effects)
        pairs = f"{self.pairs} pair{'' if self.pairs == 1 else 's'}"
        return f"{self.decision.replace('_', ' ')}: {effects or self.reason} over {pairs}"


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """A trial that ended without a verdict, and why."""

    reason: StopReason
    note: str = ""

    def __str__(self) -> str:
        """Return ``stopped: superseded``."""
        return f"stopped: {self.reason}{f' ({self.note})' if self.note else ''}"


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What the fresh pairs of a standard and the one before say, once they say something."""

    sound: Literal["fallen", "drift", "done"]
    """``fallen``: it does worse than the one before. ``drift``: both do worse than they did. ``done``: watched enough."""
    because: str
    effects: tuple[Effect, ...]
    """What the standard delivers over the one before."""


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict that did not adopt, in words, with its scope and grade."""

    id: int
    text: str
    scope: str
    grade: Literal["replicated", "one run", "within noise", "invalid"]
    trial: int | None = None
    retracted: str = ""
    """Why it no longer holds; empty while it does."""


class Odds(msgspec.Struct, frozen=True, kw_only=True):
    """What the veteran thinks of an increment's chances, from 0 to 1."""

    better: float
    """That its trial would find it better than today's standard."""
    faults: float
    """That a run of it gives no reading."""

    def __str__(self) -> str:
        """Return ``better 38 %, faults 3 %``."""
        return f"better {self.better:.0%}, faults {self.faults:.0%}".replace("%", " %")


class Coin(msgspec.Struct, frozen=True, kw_only=True):
    """A coin thrown over what the veteran warned of: whether it is tried anyway. Its seed gives the same side for ever."""

    seed: int
    chance: float
    """That it is tried."""

    @property
    def anyway(self) -> bool:
        """Whether it is tried.  # ~ Bernoulli(chance), from the seed."""
        drawn = hashlib.blake2b(f"{self.seed}:anyway".encode(), digest_size=6).digest()
        return (int.from_bytes(drawn, "big") + 0.5) / 2.0**48 < self.chance


class Prospect(msgspec.Struct, frozen=True, kw_only=True):
    """What proof of a gain would take."""

    pairs: int
    """Pairs until proof, typically."""
    odds: float
    """The chance of proof within the trial's patience, if the gain is real."""
