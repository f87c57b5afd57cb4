"""What an increment would do to each metric, by what runs and trials near it did beside their own standards.

A gain g is believed to be normal around none, τ as wide as this process's gains are; what is near moves that,

    mean = Σ w_i g_i / (1/τ² + Σ w_i),   w_i = K_i c_i / s_i²,   variance = 1/(1/τ² + Σ w_i) + (1 - K) τ²           (1)

with s the noise of a run, or of a trial's effect, c the discounts of the odds, and K the nearest kernel there is: what was
only near does not make the question certain.
"""

import math
from typing import Final

import numpy as np

from kaizen.metric import Metric
from kaizen.verdict import Effect
from kaizen.veteran.asking import Answered
from kaizen.veteran.grades import is_better
from kaizen.veteran.odds import Weights, weights_of
from kaizen.veteran.past import Floats, unit
from kaizen.veteran.recall import Of
from kaizen.veteran.table import Rows

LEVEL: Final = 0.2
"""The chance that an expected effect's interval misses."""
_Z = 1.2816  # both sides of 1 - LEVEL
_LEAST = 1e-12  # noise of what is exact
_SPREAD = 2_000  # gains that their typical size is taken of


def expected(kept: Of, answered: Answered, weights: Weights, *, now: int) -> tuple[Effect, ...]:
    """Return the expected effect on each metric beside standard ``now``, in units of gain; none of what nothing near is known."""
    evidence = answered.evidence
    rows = np.flatnonzero((evidence.overlap <= 0) & (evidence.weight > 0))
    if not len(rows):
        return ()
    plain = evidence.pick(rows)
    share = weights_of(plain._replace(weight=np.ones(len(rows))), weights)
    gains, sds = _seen(kept, answered, rows, now)
    found = []
    for column, metric in enumerate(kept.process.metrics):
        told = (share > 0.01) & ~np.isnan(gains[:, column])
        if told.any():
            width = _width(kept, metric, column)
            found.append(_effect(metric, gains[told, column], sds[told, column], share[told], width))
    return tuple(found)


def _seen(kept: Of, answered: Answered, rows: Rows, now: int) -> tuple[Floats, Floats]:
    """Return ``(n, m)`` gains over standard ``now``, and how uncertain each is."""
    past, metrics, sources = kept.past, kept.process.metrics, answered.sources
    noise = [
        unit(metric) if math.isnan(one) else max(one, _LEAST) for metric, one in zip(metrics, past.noise, strict=True)
    ]
    runs, trials = sources.run[rows], sources.trial[rows]
    gains = np.where((runs >= 0)[:, None], past.values.gains[np.maximum(runs, 0)], np.nan).astype(np.float64)
    sds = np.tile(noise, (len(rows), 1))
    of = past.field("of")[np.maximum(runs, 0)].astype(np.int64)
    for place in np.flatnonzero(trials >= 0).tolist():
        test = kept.trials.tests[int(trials[place])]
        of[place] = test.trial.increment.of
        back = is_better(test) and answered.evidence.better[rows[place]] == 0  # today's was proven better than it
        for column, metric in enumerate(metrics):
            effect = test.verdict.effect(metric.name) if test.verdict is not None else None
            if effect is not None and effect.gain is not None:
                pairs = test.verdict.pairs if test.verdict is not None else 1
                gains[place, column] = -effect.gain if back else effect.gain
                sds[place, column] = max(_LEAST, _half(effect, noise[column] * math.sqrt(2.0 / max(1, pairs))))
        if back:
            of[place] = now
    for number in np.unique(of).tolist():
        if number != now and past.standard(number) != past.standard(now):
            gains[of == number] += np.nan_to_num(past.shift(number, now))
    return gains, sds


def _half(effect: Effect, otherwise: float) -> float:
    if effect.exact or effect.low is None or effect.high is None:
        return 0.0 if effect.exact else otherwise
    return min(otherwise, (effect.high - effect.low) / 4.0) or otherwise


def _width(kept: Of, metric: Metric, column: int) -> float:
    """Return τ: how large gains of this process's runs are, typically."""
    past = kept.past
    others = np.flatnonzero(~past.field("own"))[-_SPREAD:]
    gains = np.abs(past.values.gains[others, column])
    gains = gains[~np.isnan(gains)]
    typical = 1.4826 * float(np.median(gains)) if len(gains) else 0.0
    return max(typical, unit(metric))


def _effect(metric: Metric, gains: Floats, sds: Floats, share: Floats, width: float) -> Effect:
    """Return the belief (eq. 1)."""
    precise = share / sds**2
    total = 1.0 / width**2 + math.fsum(precise)
    mean = math.fsum(precise * gains) / total
    nearest = min(1.0, float(share.max()))
    spread = _Z * math.sqrt(1.0 / total + (1.0 - nearest) * width**2)
    exact = metric.exact and spread <= 1e-9 * max(1.0, abs(mean))
    return Effect(
        metric=metric.name, gain=mean, low=mean - spread, high=mean + spread, level=0.0 if exact else LEVEL, exact=exact
    )
