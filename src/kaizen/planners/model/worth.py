"""What the next run is worth: what a scout is expected to add to the choice, and how much is left to be found.

The choice is the setting believed to gain most over the standard, counted in worthwhiles: never the luckiest reading. A
scout, of something new or of a front-runner again, is worth what it is expected to add to it:

    KG(x) = E_y[max_i v(μ_i(y))] - max_i v(μ_i),   μ_i(y) = μ_i + cov_ix / √(cov_xx + τ²) · z,  z ~ N(0, 1)    (eq. 1)

What is left is what all runs in the world would add, by draws of the whole posterior: E[max_i v(f_i)] - max_i E[v(f_i)].

References:
    Frazier, Powell and Dayanik (2009), The knowledge-gradient policy for correlated normal beliefs: eq. 1, here over the
    settings that ran.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from kaizen.metric import Metric
from kaizen.planners.model.belief import Belief, sign
from kaizen.process import Process
from kaizen.setting import Setting
from kaizen.surrogate.gp import Posterior
from kaizen.surrogate.space import Floats

_NODES = 48  # readings that a run may give
_DRAWS = 64  # of the whole posterior, each with its mirror image
_TINY = 1e-300
_UNIT = 0.01  # of a standard deviation of the readings: counts one where no gain is too small to be worthwhile


class Looks(NamedTuple):
    """The scouts to choose from, each worth so many worthwhiles."""

    new: float = 0.0
    """What the new setting is expected to add."""
    again: Setting | None = None
    """The front-runner, or the standard, that is most worth another run."""
    repeat: float = 0.0
    """What that is expected to add."""
    left: float = np.inf
    """What there is left to be found; not looked at while a scout is worth its run."""

    @property
    def best(self) -> float:
        """What the better of the two is expected to add."""
        return max(self.new, self.repeat)


def lessons(belief: Belief, rows: Floats, at: Sequence[int], seen: int) -> Floats:
    """Return ``(len(at),)``: what one run of each of ``rows[at]`` is expected to add to the choice (eq. 1).

    Row 0 is the standard; the first ``seen`` rows are those that can be chosen today. Where the readings leave several
    kernels possible, the mean over them.
    """
    units = {metric.name: unit(belief, metric) for metric in belief.process.metrics}
    made = np.zeros(len(at))
    for share, posteriors in kernels(belief):
        after, before = {}, {}
        for metric in belief.process.metrics:
            posterior = posteriors[metric.name]
            mean, cov = posterior.joint(belief.space.points(rows))
            own = np.maximum(np.diag(cov)[list(at)] + posterior.kernel.noise, 1e-12)
            move = (cov[:, list(at)] / np.sqrt(own)).T
            moved = mean + _nodes(metric.name)[None, :, None] * move[:, None, :]
            after[metric.name], before[metric.name] = gains(belief, metric, moved), gains(belief, metric, mean)
        worth = value(belief.process, after, units)
        stays = int(np.argmax(value(belief.process, before, units)[:seen]))
        made += share * (worth.max(axis=2) - worth[:, :, stays]).mean(axis=1)
    return made


def kernels(belief: Belief) -> list[tuple[float, dict[str, Posterior]]]:
    """Return the posteriors of every metric under each of the kernels that its readings leave possible, with weights."""
    each = {name: [(r.posterior, 0.0), *r.others] for name, r in belief.regressions.items()}
    most = max(len(found) for found in each.values())
    logs = np.zeros(most)
    made: list[tuple[float, dict[str, Posterior]]] = []
    for index in range(most):
        posteriors = {}
        for name, found in each.items():
            posterior, weight = found[min(index, len(found) - 1)]
            posteriors[name] = posterior
            logs[index] += weight / len(each)
        made.append((0.0, posteriors))
    shares = np.exp(logs - logs.max())
    return [(float(share), one) for share, (_, one) in zip(shares / shares.sum(), made, strict=True)]


def left(belief: Belief, rows: Floats, seen: int) -> float:
    """Return what the best of all rows is expected to gain beyond the choice among the first ``seen``; row 0 is the standard."""
    drawn = {}
    for metric in belief.process.metrics:
        mean, cov = belief.regressions[metric.name].posterior.joint(belief.space.points(rows))
        spread, axes = np.linalg.eigh(cov)
        half = np.random.default_rng(list(metric.name.encode())).standard_normal((_DRAWS, len(rows)))
        z = np.vstack([half, -half])  # ~ N(0, I)
        drawn[metric.name] = gains(belief, metric, mean + (z * np.sqrt(np.maximum(spread, 0.0))) @ axes.T)
    units = {metric.name: unit(belief, metric) for metric in belief.process.metrics}
    worth = value(belief.process, drawn, units)
    return max(0.0, float(worth.max(axis=1).mean() - worth[:, :seen].mean(axis=0).max()))


def merits(belief: Belief, rows: Floats, origin: Floats) -> Floats:
    """Return ``(n,)``: what each row is expected to gain over the standard, by the means; below 0 where nothing is gained.

    What gains in one metric by losing more than a margin of another is no gain: it comes after all that is one.
    """
    points = belief.space.points(np.vstack([origin[None, :], rows]))
    means = {metric.name: belief.regressions[metric.name].moments(points)[0] for metric in belief.process.metrics}
    expected = {metric.name: gains(belief, metric, means[metric.name]) for metric in belief.process.metrics}
    units = {metric.name: unit(belief, metric) for metric in belief.process.metrics}
    made = value(belief.process, expected, units)[1:]
    lost = np.max([
        (metric.as_loss(metric.margin) - expected[metric.name][1:]) / units[metric.name]
        for metric in belief.process.metrics
    ], axis=0)  # fmt: skip
    return np.asarray(np.where(made > 0.0, made, -np.maximum(lost, 0.0) - 1.0), dtype=np.float64)


def value(process: Process, of: Mapping[str, Floats], units: Mapping[str, float]) -> Floats:
    """Return the largest gain of any metric in its unit; 0 where nothing is gained, or more than a margin lost."""
    made = np.zeros(next(iter(of.values())).shape)
    kept = np.ones(made.shape, dtype=bool)
    for metric in process.metrics:
        gain = of[metric.name]
        kept &= gain >= metric.as_loss(metric.margin) - 1e-12
        made = np.maximum(made, gain / units[metric.name])
    return np.where(kept, made, 0.0)


def unit(belief: Belief, metric: Metric) -> float:
    """Return the gain that counts one: what is worthwhile."""
    wanted = metric.as_gain(metric.worthwhile)
    return wanted if wanted > 0 else max(_UNIT * abs(float(gains(belief, metric, np.array([0.0, 1.0]))[1])), 1e-12)


def gains(belief: Belief, metric: Metric, warped: Floats) -> Floats:
    """Return gains over what stands first on the last axis."""
    turn = sign(metric)
    read = turn * belief.regressions[metric.name].warp.back(warped)
    if metric.scale == "ratio":
        read = np.log(np.maximum(read, _TINY))
    return np.asarray(turn * (read - read[..., :1]), dtype=np.float64)


def _nodes(name: str) -> Floats:
    """Return stratified standard normals, in another order for each metric, the same every time."""
    strata = ndtri((np.arange(_NODES) + 0.5) / _NODES)
    return np.asarray(np.random.default_rng(list(name.encode())).permutation(strata), dtype=np.float64)
