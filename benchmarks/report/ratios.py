"""How many of a peer's runs a method needs to reach what the peer reaches.

For every peer, the target on a task is the peer's own median course at its budget. A method's runs to it are the median over
seeds of the first run at or below the target, by true values; a course that never gets there is censored, counted as one and
a half budgets, and said. The ratio is runs / budget, its geometric mean taken over tasks; the interval is a 95 % bootstrap of
tasks and, within each, of the seeds of both.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.report.results import Cells, Floats, Row, seeds, traces

CENSORED = 1.5
"""Budgets that a course counts which never reaches the target."""
_SLACK = 1e-9

Courses = Callable[[str, Sequence[Row]], Floats]
"""Of a task and its results: what is to fall, by seed and run; ``(seeds, budget)``, never rising."""


class Ratio(NamedTuple):
    """A method's runs to a peer's result, as a share of the peer's."""

    value: float
    low: float
    high: float
    censored: int
    """Courses that never get there."""
    courses: int
    tasks: Mapping[str, float]
    seeds: str
    """How many courses a task has, of the method."""
    peer_seeds: str


def by_regret(task: str, rows: Sequence[Row]) -> Floats:
    """Return the regret of the first metric."""
    del task
    return traces(rows)


def runs_to(course: Floats, target: float) -> Floats:
    """Return each seed's first run at or below ``target``, ``(seeds,)``; 1.5 budgets where there is none."""
    reached = course <= target + _SLACK
    budget = course.shape[1]
    return np.asarray(np.where(reached.any(axis=1), reached.argmax(axis=1) + 1.0, CENSORED * budget))


def ratio(ours: Floats, peers: Floats) -> tuple[float, int]:
    """Return the median runs to the peer's median final course by budget, and how many courses are censored."""
    budget = peers.shape[1]
    runs = runs_to(ours, float(np.median(peers[:, -1])))
    return float(np.median(runs)) / budget, int((runs > budget).sum())


def redrawn(ours: Floats, peers: Floats, boot: int, rng: np.random.Generator) -> Floats:
    """Return the ratio of ``boot`` samples of the seeds of both, ``(boot,)``; all at once what ``ratio`` does for one."""
    n, budget = ours.shape
    finals = peers[rng.integers(len(peers), size=(boot, len(peers))), -1]
    targets = np.median(finals, axis=1) + _SLACK
    above = np.array([np.searchsorted(-course, -targets, side="left") for course in ours])  # runs above the target
    runs = np.where(above < budget, above + 1.0, CENSORED * budget)
    drawn = np.take_along_axis(runs.T, rng.integers(n, size=(boot, n)), axis=1)
    return np.asarray(np.median(drawn, axis=1) / budget)


def compare(
    found: Cells,
    method: str,
    peer: str,
    *,
    boot: int,
    tasks: Collection[str] | None = None,
    courses: Courses = by_regret,
) -> Ratio | None:
    """Return a method's ratio to a peer over the tasks that both ran, ``None`` where there are none."""
    both = {task for task, name in found if name == method} & {task for task, name in found if name == peer}
    shared = sorted(both if tasks is None else both & set(tasks))
    pairs = [(courses(task, found[task, method]), courses(task, found[task, peer])) for task in shared]
    if not pairs:
        return None
    each = [ratio(ours, peers) for ours, peers in pairs]
    low, high = _interval(pairs, boot)
    return Ratio(
        value=math.exp(sum(math.log(value) for value, _ in each) / len(each)),
        low=low,
        high=high,
        censored=sum(count for _, count in each),
        courses=sum(len(ours) for ours, _ in pairs),
        tasks=dict(zip(shared, (value for value, _ in each), strict=True)),
        seeds=seeds(found, method, shared),
        peer_seeds=seeds(found, peer, shared),
    )


def _interval(pairs: Sequence[tuple[Floats, Floats]], boot: int) -> tuple[float, float]:
    """Bootstrap tasks and, within each, the seeds of both."""
    if not boot:
        return math.nan, math.nan
    rng = np.random.default_rng(0)
    logs = np.array([np.log(redrawn(ours, peers, boot, rng)) for ours, peers in pairs])
    size = (boot, len(pairs))
    means = logs[rng.integers(len(pairs), size=size), rng.integers(boot, size=size)].mean(axis=1)
    low, high = np.exp(np.quantile(means, [0.025, 0.975]))
    return float(low), float(high)
