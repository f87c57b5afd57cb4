"""LISTEN: the port to whoever watches a standard after its adoption, and what its fresh pairs deliver."""

import math
from typing import Protocol

from kaizen import evidence
from kaizen.trial import Trial, gains
from kaizen.verdict import Effect, Heard

_LEVEL = 0.05  # of the intervals of what is delivered


class Listener(Protocol):
    """Listens to shadow pairs alone: the same pairs are heard alike for ever."""

    def hear(self, watch: Trial, proof: Trial) -> Heard | None:
        """Return what is heard, or ``None`` while nothing is.

        ``watch`` is a trial of purpose *shadow*: its standard is today's, its increment goes back to the one before.
        ``proof`` is the trial that made today's standard, with its pairs.
        """
        ...


def delivered(watch: Trial) -> tuple[Effect, ...]:
    """Return what a standard delivers over the one before, by the fresh pairs of its watch; empty without pairs.

    Fresh pairs chose nothing: their typical gain is not too good, as that of a proof is.
    """
    if not watch.pairs:
        return ()
    made = []
    for metric in watch.design.metrics:
        kept = [0.0 - gain for gain in gains(metric, watch.pairs)]  # the watch's increment goes back
        gain = evidence.typical(kept)
        low, high = (gain, gain) if metric.exact else evidence.confidence_interval(kept, _LEVEL)
        made.append(
            Effect(
                metric=metric.name,
                gain=_finite(gain),
                low=_finite(low),
                high=_finite(high),
                level=_LEVEL,
                exact=metric.exact,
            )
        )
    return tuple(made)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
