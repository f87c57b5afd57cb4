"""Watch a standard by fresh pairs with the one before: an alarm when it has fallen behind, or when both have fallen.

The alarms are those of ``evidence.alarm``: while nothing has changed for the worse, one comes on average no sooner than
after ``PAIRS`` pairs. A loss counts beyond the metric's margin, but for the only metric there is: from zero. A fall of
*both* sides by more than what is worthwhile is a drift of what surrounds the process: no rollback would help.
"""

import math
from collections.abc import Sequence

import msgspec

from kaizen import evidence
from kaizen.evidence.alarm import fallen_since, log_alarm_path, log_drift_path
from kaizen.listen import delivered
from kaizen.metric import Metric
from kaizen.trial import Outcome, Reading, Trial, gains
from kaizen.verdict import Effect, Heard

PAIRS = 1000.0
"""The mean number of pairs to a false alarm, at least."""

_KNOWN = 5  # readings of each side in the proof, below which no drift is told


class ShadowListener(msgspec.Struct, frozen=True):
    """Hear when a standard has fallen behind the one before, or both have fallen."""

    def hear(self, watch: Trial, proof: Trial) -> Heard | None:
        """Return what is heard (see ``listen.Listener``).

        Drift is looked at first: it falls on both sides, and would take the blame for nothing.
        """
        pairs = watch.pairs
        noisy = [metric for metric in watch.design.metrics if not metric.exact]
        if not pairs or not noisy:
            return None
        effects = delivered(watch)
        proof_level = math.log(PAIRS * len(noisy))
        drifted = [metric.name for metric in noisy if _both_fell(metric, watch, proof, proof_level)]
        if drifted:
            because = (
                f"{' and '.join(drifted)} fell for this standard and the one before alike: look at what surrounds them"
            )
            return Heard(sound="drift", because=because, effects=effects)
        fallen = [metric for metric in noisy if log_alarm_path(_losses(metric, watch))[-1] >= proof_level]
        if fallen:
            return _fallen(watch, fallen)
        if watch.design.pairs is not None and len(pairs) >= watch.design.pairs:
            said = ", ".join(_spell(metric, effects) for metric in noisy)
            return Heard(sound="done", because=f"{len(pairs)} fresh pairs: it delivers {said}", effects=effects)
        return None


def _losses(metric: Metric, watch: Trial) -> list[float]:
    """Return by pair how much better the one before does: beyond the margin, where there are several noisy metrics."""
    alone = sum(not one.exact for one in watch.design.metrics) == 1
    tolerated = 0.0 if alone else 0.0 - metric.as_loss(metric.margin)
    return [gain - tolerated for gain in gains(metric, watch.pairs)]


def _fallen(watch: Trial, fallen: Sequence[Metric]) -> Heard:
    """Say what fell, by the pairs since it most likely began: those before would hide it."""
    since = min(fallen_since(_losses(metric, watch)) for metric in fallen)
    effects = delivered(msgspec.structs.replace(watch, blocks=watch.pairs[since:]))
    said = ", ".join(_spell(metric, effects) for metric in fallen)
    fresh = (
        f"{len(watch.pairs)} fresh pairs"
        if since == 0
        else f"the last {len(watch.pairs) - since} of {len(watch.pairs)} fresh pairs"
    )
    return Heard(sound="fallen", because=f"in {fresh} it falls behind the standard before: {said}", effects=effects)


def _both_fell(metric: Metric, watch: Trial, proof: Trial, level: float) -> bool:
    """Tell whether both sides read worse than in the proof: the standard now was its increment, the one before its standard."""
    now = (
        (
            _read(metric, [pair.increment for pair in proof.pairs]),
            _read(metric, [pair.standard for pair in watch.pairs]),
        ),
        (
            _read(metric, [pair.standard for pair in proof.pairs]),
            _read(metric, [pair.increment for pair in watch.pairs]),
        ),
    )
    for before, fresh in now:
        if len(before) < _KNOWN or not fresh:
            return False
        if evidence.typical(fresh) - evidence.typical(before) < metric.as_gain(metric.worthwhile):
            return False
        if log_drift_path([*before, *fresh], len(before))[-1] < level:
            return False
    return True


def _read(metric: Metric, outcomes: Sequence[Outcome | None]) -> list[float]:
    """Return readings in units of gain, turned so that more is worse; faults are left to the pairs."""
    turn = -1.0 if metric.better == "higher" else 1.0
    values = [one.values[metric.name] for one in outcomes if isinstance(one, Reading)]
    return [turn * (math.log(value) if metric.scale == "ratio" else value) for value in values]


def _spell(metric: Metric, effects: Sequence[Effect]) -> str:
    return next(effect for effect in effects if effect.metric == metric.name).spell(metric)
