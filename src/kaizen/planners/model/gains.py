"""What a setting would gain over the standard, by the model: expected change, interval, odds, and who drives it."""

from collections.abc import Mapping

import msgspec
import numpy as np
from scipy.special import ndtri

from kaizen.metric import Metric
from kaizen.plan import Foretell, Noise
from kaizen.planners.model.belief import Belief, sign
from kaizen.process import Process
from kaizen.setting import Setting
from kaizen.surrogate.space import Floats, changed

_DRAWS = 256
_SIDES = (0.05, 0.95)  # of the interval people see
_SHOWN = 4  # degrees of freedom from which pairs and repeats tell the noise better than the model


class Gain(msgspec.Struct, frozen=True):
    """One metric's gain over the standard, in units of gain."""

    expected: float
    low: float
    high: float
    sd: float


class Outlook(msgspec.Struct, frozen=True):
    """What a setting is believed to do, beside today's standard."""

    setting: Setting
    gains: dict[str, Gain]
    odds: float
    """The chance that it is better: something worthwhile gained, every margin kept, no guard broken."""
    beside: Setting
    """The standard."""

    def spell(self, process: Process) -> str:
        """Say it: ``taste +0.4 [+0.1, +0.8], odds of being better 78%``."""
        parts = []
        for name, gain in self.gains.items():
            metric = process.metric(name)
            low, high = (metric.spell(end) for end in sorted((gain.low, gain.high), key=metric.as_change))
            parts.append(f"{name} {metric.spell(gain.expected)} [{low}, {high}]")
        return f"{', '.join(parts)}, odds of being better {self.odds:.0%}"


def outlooks(belief: Belief, rows: Floats, standard: Setting) -> list[Outlook]:
    """Weigh rows against the standard, each jointly with it."""
    process, origin = belief.process, belief.space.encode([standard])
    drawn = {metric.name: _gains(belief, metric, np.vstack([origin, rows])) for metric in process.metrics}
    sound = np.exp(belief.log_sound(rows))
    made = []
    for index, row in enumerate(rows):
        setting = belief.space.decode(row)
        if setting is None:
            continue
        gains = {name: values[:, index] for name, values in drawn.items()}
        odds = float(np.mean(better(process, gains))) * float(sound[index])
        made.append(Outlook(setting, {name: _summed(values) for name, values in gains.items()}, odds, standard))
    return made


def better(process: Process, gains: Mapping[str, Floats]) -> Floats:
    """Tell of each draw whether all margins are kept and something worthwhile is gained."""
    count = len(next(iter(gains.values())))
    kept, won = np.ones(count, dtype=bool), np.zeros(count, dtype=bool)
    for metric in process.metrics:
        gain = gains[metric.name]
        kept &= gain >= metric.as_loss(metric.margin) - 1e-12
        won |= (gain > 0) & (gain >= metric.as_gain(metric.worthwhile) - 1e-12)
    return (kept & won).astype(float)


def _gains(belief: Belief, metric: Metric, rows: Floats) -> Floats:
    """Return ``(draws, m)``: gains of rows 1 … m over row 0."""
    regression = belief.regressions[metric.name]
    mean, cov = regression.posterior.joint(belief.space.points(rows))
    sd = np.sqrt(np.maximum(np.diag(cov), 1e-12))
    tie = np.clip(cov[0] / (sd[0] * sd), -1.0, 1.0)
    one, other = _normals(metric.name)  # ~ N(0, 1); each row jointly with row 0
    warped = mean + sd * (tie * one[:, None] + np.sqrt(1.0 - tie**2) * other[:, None])
    first = mean[0] + sd[0] * one
    turn = sign(metric)
    at, base = turn * regression.warp.back(warped[:, 1:]), turn * regression.warp.back(first)[:, None]
    if metric.scale == "ratio":
        tiny = 1e-300
        return np.asarray(turn * (np.log(np.maximum(at, tiny)) - np.log(np.maximum(base, tiny))), dtype=np.float64)
    return np.asarray(turn * (at - base), dtype=np.float64)


def _normals(name: str) -> tuple[Floats, Floats]:
    """Return two columns of stratified standard normals, other ones for each metric, the same every time."""
    strata = ndtri((np.arange(_DRAWS) + 0.5) / _DRAWS)
    rng = np.random.default_rng(list(name.encode()))
    return rng.permutation(strata), rng.permutation(strata)


def _summed(values: Floats) -> Gain:
    low, high = np.quantile(values, _SIDES)
    return Gain(float(np.mean(values)), float(low), float(high), float(np.std(values)))


def proof(belief: Belief, outlook: Outlook, scatter: Mapping[str, Noise], prospect: Foretell) -> tuple[float, int]:
    """Return odds and pairs of a trial's proof: the odds of being better times those of seeing it."""
    process = belief.process
    seen, pairs = [0.0], [process.policy.patience]
    for metric in process.metrics:
        gain = outlook.gains[metric.name].expected
        if not (gain > 0 and gain >= metric.as_gain(metric.worthwhile) - 1e-12):
            continue
        if metric.exact:
            seen.append(1.0)
            pairs.append(1)
            continue
        foreseen = prospect(gain, pair_scatter(belief, metric, outlook, scatter.get(metric.name)))
        seen.append(foreseen.odds)
        pairs.append(foreseen.pairs)
    best = int(np.argmax(seen))
    return outlook.odds * seen[best], pairs[best]


def pair_scatter(belief: Belief, metric: Metric, outlook: Outlook, known: Noise | None) -> float:
    """Return how much one pair's difference scatters, in units of gain: as pairs and repeats show, else by the model."""
    if known is not None and known.freedom >= _SHOWN:
        return known.sd
    regression, turn = belief.regressions[metric.name], sign(metric)
    both = belief.space.encode([outlook.beside, outlook.setting])
    mean, _ = regression.posterior.predict(belief.space.points(both))
    ends = turn * regression.warp.back(mean[:, None] + regression.noise * np.array([-1.0, 1.0]))
    if metric.scale == "ratio":
        ends = np.log(np.maximum(ends, 1e-300))
    return max(float(np.hypot(*np.ptp(ends, axis=1) / 2.0)), 1e-12)


def drivers(belief: Belief, row: Floats, standard: Setting) -> list[str]:
    """Return the changed parameters, the one whose change does most first."""
    space = belief.space
    origin = space.encode([standard])[0]
    moved = np.flatnonzero(changed(space, row[None, :], origin)[0])
    if len(moved) < 2:
        return [space.names[index] for index in moved]
    without = np.repeat(row[None, :], len(moved), axis=0)
    without[np.arange(len(moved)), moved] = origin[moved]
    means, _ = belief.moments(np.vstack([row[None, :], space.tidy(without)]))
    effect = np.abs(means[1:] - means[0]).max(axis=1)
    return [space.names[moved[index]] for index in np.argsort(-effect, kind="stable")]
