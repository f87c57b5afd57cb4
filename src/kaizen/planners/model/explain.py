"""What the model believes drives each metric: shares, slices through today's standard, a landscape, where runs fail.

Where the model foretells left-out settings no better than their mean does, it says so and draws nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from kaizen.explanation import Drivers, Explanation, Hazard, Landscape, Near, Share, Slice, Spot, Step, Typical
from kaizen.journal import Journal
from kaizen.metric import Metric
from kaizen.planners.model.belief import Belief, Caches, Seen, believe, sign
from kaizen.planners.model.gains import outlooks
from kaizen.planners.model.remember import contributed, contribution
from kaizen.planners.model.sight import look
from kaizen.planners.model.variation import Box, Mean, Part, box, mean_of, parts, together
from kaizen.process import Process
from kaizen.setting import Setting, Value
from kaizen.surrogate.gp import EXACT, NOISY, Data, Posterior, fit, prior_mean
from kaizen.surrogate.regression import Regression
from kaizen.surrogate.space import Bools, Floats, Space, changed
from kaizen.surrogate.threads import one_thread

_LATEST = 1_000  # runs that are explained, at most
_LEAST = 8  # settings below which a model knows nothing worth a picture
_SKILL, _LUCK = 0.10, 4.0  # of the variation foretold, below which it is as good as nothing: 0.10 + 4 / settings
_NATS = 0.02  # by which a left-out setting must be foretold better than by the mean of the others
_REFITTED = 120  # settings up to which the kernel is fitted again without those that are foretold
_FOLDS = 8
_STEPS = 25  # of such a fit
_SLICES = 40  # parameters that are sliced, at most
_PLACES = 33  # along a slice through a number
_LEVELS = 64  # of a grid that is shown in full
_NEAR = 0.35  # nearness below which a run says little of a slice
_DOTS = 40  # runs shown on one slice
_MAP = 23  # places along each side of a landscape
_MOVES = 0.03  # share below which a number is not worth a landscape
_PAIRED = 5  # numbers among which its two are looked for
_NORMAL = 1.6448536269514722  # Φ⁻¹(0.95)
_HUGE = 1e100  # a reading beyond it is no number to do statistics with


class _Scene(NamedTuple):
    """What all metrics share."""

    belief: Belief
    around: Box
    standard: Setting
    bases: dict[int, Setting]
    """What each parameter's slice goes through."""

    @property
    def space(self) -> Space:
        """The belief's."""
        return self.belief.space


class _Known(NamedTuple):
    """One metric's runs, gathered by setting."""

    metric: Metric
    regression: Regression
    settings: tuple[Setting, ...]
    rows: Floats
    readings: Floats
    """``(n,)``: means of the repeats, as read."""
    repeats: Floats
    y: Floats
    """``(n,)``: the same, on the model's scale."""
    scatter: Floats
    """``(n,)``: sums of squares of the repeats around it."""


def explain(journal: Journal, seed: int, kept: Caches) -> Explanation | None:
    """Return what is believed (see ``explanation.Explainer``)."""
    sight = look(journal)
    seen = sight.seen[-_LATEST:]
    process = _told(sight.head.process, seen)
    if process is None:
        return None
    space = Space(process, sight.standard)
    with one_thread(), np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        belief = believe(space, seen, kept)
        if belief is None:
            return None
        around = box(space, space.encode([run.setting for run in seen]))
        scene = _Scene(belief, around, sight.standard, _bases(belief, seen, sight.standard))
        rng = np.random.default_rng([seed % 2**63, sight.head.seq])
        drivers = tuple(_drivers(_gather(scene, metric, seen), scene, rng) for metric in process.metrics)
        hazards = tuple(_hazards(scene))
    return Explanation(
        number=sight.head.standard.number, standard=sight.standard, runs=len(seen),
        faults=sum(run.values is None for run in seen), drivers=drivers, hazards=hazards,
        remembered=contribution(sight),
        contribution=contributed(sight),
        unvaried=tuple(name for c, name in enumerate(space.names) if space.free[c] and not around.moved(c)),
    )  # fmt: skip


def _told(process: Process, seen: Sequence[Seen]) -> Process | None:
    """Return the process with those of its metrics that all runs tell in numbers to do statistics with."""
    read = [run.values for run in seen if run.values is not None]
    told = tuple(
        m for m in process.metrics if max((abs(v[m.name]) for v in read if m.name in v), default=_HUGE) < _HUGE
    )
    names = {metric.name for metric in told}
    guards = tuple(guard for guard in process.guards if guard.metric in names)
    return msgspec.structs.replace(process, metrics=told, guards=guards) if told else None


def _sound(process: Process, seen: Sequence[Seen]) -> dict[Setting, list[Mapping[str, float]]]:
    """Return all readings that have every metric, by setting, in order of first appearance: as ``believe`` sees them."""
    found: dict[Setting, list[Mapping[str, float]]] = {}
    for run in seen:
        if run.values is not None and all(metric.name in run.values for metric in process.metrics):
            found.setdefault(run.setting, []).append(run.values)
    return found


def _gather(scene: _Scene, metric: Metric, seen: Sequence[Seen]) -> _Known:
    found = {
        setting: [values[metric.name] for values in read]
        for setting, read in _sound(scene.belief.process, seen).items()
    }
    regression, turn = scene.belief.regressions[metric.name], sign(metric)
    warped = [regression.warp(turn * np.array(values)) for values in found.values()]
    return _Known(
        metric, regression, tuple(found), scene.belief.rows,
        np.array([float(np.mean(values)) for values in found.values()]),
        np.array([float(len(values)) for values in found.values()]),
        np.array([float(np.mean(values)) for values in warped]),
        np.array([float(np.sum((values - np.mean(values)) ** 2)) for values in warped]),
    )  # fmt: skip


def _drivers(known: _Known, scene: _Scene, rng: np.random.Generator) -> Drivers:
    skill, nats = _skill(known, scene.space)
    told = Drivers(
        metric=known.metric.name, runs=int(known.repeats.sum()), settings=len(known.y), skill=skill,
        unknown=_unknown(known, skill, nats),
    )  # fmt: skip
    if not told.known:
        return told
    posterior, names = known.regression.posterior, scene.space.names
    mean = mean_of(posterior, known.y, scene.space)
    divided = parts(scene.around, posterior, mean, rng)
    sliced = [part.column for part in divided if part.column in scene.bases][:_SLICES]
    low, middle, high = _believed(known, scene.space, scene.space.encode([scene.standard]))
    return msgspec.structs.replace(
        told,
        today=Typical(low=low[0], middle=middle[0], high=high[0]),
        shares=tuple(Share(parameter=names[p.column], share=p.share, low=p.low, high=p.high, alone=p.alone) for p in divided),
        slices=tuple(_slice(known, scene, column) for column in sliced),
        landscape=_landscape(known, scene, divided, mean),
    )  # fmt: skip


def _unknown(known: _Known, skill: float | None, nats: float) -> str:
    """Return why nothing is to be drawn: what is small may be luck, the more so of few settings."""
    count = len(known.y)
    if count < _LEAST:
        return f"{count} setting{'' if count == 1 else 's'} with a reading are too few; it takes {_LEAST}"
    if skill is None:
        return "all settings read the same"
    if skill < _SKILL + _LUCK / count:
        return "settings that were left out are foretold hardly better than by the mean of the others"
    if nats < _NATS:
        return "settings that were left out are foretold with too little doubt to be trusted"
    return ""


def _skill(known: _Known, space: Space) -> tuple[float | None, float]:
    """Return how much of the variation between settings is foretold with each left out, and the nats gained by it.

    It is held against the mean of the others, with their spread.
    """
    y, count = known.y, len(known.y)
    if count < _LEAST or float(np.ptp(y)) <= 1e-9:
        return None, 0.0
    expected, variance = _refitted(known, space) if count <= _REFITTED else known.regression.posterior.left_out()
    centre = (y.sum() - y) / (count - 1)
    squares = np.sum(y * y) - y * y - (count - 1) * centre**2
    spread = np.maximum(squares / (count - 2), 1e-12) * count / (count - 1)
    by_model = np.log(variance) + (y - expected) ** 2 / variance
    by_mean = np.log(spread) + (y - centre) ** 2 / spread
    skill = 1.0 - float(np.sum((y - expected) ** 2)) / float(np.sum((y - centre) ** 2))
    return skill, 0.5 * float(np.mean(by_mean - by_model))


def _refitted(known: _Known, space: Space) -> tuple[Floats, Floats]:
    """Return mean and variance of each y, foretold by a kernel that was fitted without it.

    Lengthscales fitted with it would know it: of noise they make half a dozen settings look foretold.
    """
    count, prior = len(known.y), EXACT if known.metric.exact else NOISY
    points = space.points(known.rows)
    expected, variance = np.zeros(count), np.ones(count)
    for fold in range(min(count, _FOLDS)):
        out = np.arange(count) % min(count, _FOLDS) == fold
        rows = np.flatnonzero(~out)
        more = known.repeats[rows] - 1.0
        data = Data(
            points.at(rows), known.y[rows], known.repeats[rows], float(known.scatter[rows].sum()), float(more.sum())
        )
        kernel = fit(data, space.shape, prior, starts=(prior_mean(space.shape, prior),), steps=_STEPS)
        mean, sd = Posterior(kernel, space.shape, data).predict(points.at(np.flatnonzero(out)))
        expected[out], variance[out] = mean, sd**2 + kernel.noise / known.repeats[out]
    return expected, variance


# ── slices ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _bases(belief: Belief, seen: Sequence[Seen], standard: Setting) -> dict[int, Setting]:
    """Return what each parameter's slice goes through: the standard, or the nearest run in which it is active."""
    space = belief.space
    origin = space.encode([standard])
    active, on = space.active(belief.rows), space.active(origin)[0]
    near = np.mean([_nearness(belief.regressions[name], space, belief.rows, origin) for name in belief.goals], axis=0)
    settings, found = list(_sound(belief.process, seen)), dict[int, Setting]()
    for column in range(space.d):
        if on[column]:
            found[column] = standard
        elif active[:, column].any():
            found[column] = settings[int(np.argmax(np.where(active[:, column], near, -1.0)))]
    return found


def _nearness(regression: Regression, space: Space, rows: Floats, other: Floats) -> Floats:
    """Return ``(n,)``: how much each row tells of its other row (or of the only one), by the kernel's distances."""
    kernel, shape = regression.posterior.kernel, regression.posterior.shape
    one, two = space.points(rows), space.points(other)
    apart = (one.numbers - two.numbers) / kernel.numbers[list(shape.numbers)] if shape.numbers else np.zeros((1, 0))
    root = np.sqrt(5.0 * np.sum(apart**2, axis=1))
    if shape.marks:
        root = root + 0.5 * np.sum(np.abs(one.marks - two.marks) / kernel.marks[list(shape.marks)], axis=1)
    return np.asarray(np.broadcast_to((1.0 + root + root**2 / 3.0) * np.exp(-root), len(rows)))


def _along(space: Space, column: int, base: Setting) -> Floats:
    """Return rows along one parameter, the base's own value among them."""
    origin = space.encode([base])[0]
    levels = space.levels[column]
    if not space.numeric[column]:
        places = np.arange(float(space.sizes[column]))
    elif levels is not None and len(levels) <= _LEVELS:
        places = levels
    else:
        even = np.linspace(0.0, 1.0, _PLACES)
        places = np.append(even[np.abs(even - origin[column]) > 0.2 / _PLACES], origin[column])
    rows = np.repeat(origin[None, :], len(places), axis=0)
    rows[:, column] = places
    rows = space.tidy(rows)
    _, first = np.unique(rows[:, column], return_index=True)
    return np.asarray(rows[first], dtype=np.float64)


def _slice(known: _Known, scene: _Scene, column: int) -> Slice:
    space, base, name = scene.space, scene.bases[column], scene.space.names[column]
    rows = _along(space, column, base)
    allowed = space.allowed(rows)
    low, middle, high = _believed(known, space, rows)
    spots = tuple(
        Spot(value=_value(space, row, column), low=low[i], middle=middle[i], high=high[i], allowed=bool(allowed[i]))
        for i, row in enumerate(rows)
    )
    step = _step(known, scene, column, rows[allowed])
    return Slice(parameter=name, base=base, spots=spots, step=step, near=_near(known, scene, column))


def _value(space: Space, row: Floats, column: int) -> Value:
    return space.values(row)[space.names[column]]


def _believed(known: _Known, space: Space, rows: Floats) -> tuple[list[float], list[float], list[float]]:
    """Return the ends and the middle of what is believed of the typical reading at rows."""
    mean, sd = known.regression.posterior.predict(space.points(rows))
    metric, turn = known.metric, sign(known.metric)
    found = np.array([turn * known.regression.warp.back(mean + side * sd) for side in (-_NORMAL, 0.0, _NORMAL)])
    found = np.sort(np.nan_to_num(found, nan=0.0, posinf=_HUGE, neginf=-_HUGE), axis=0)
    least = 0.0 if metric.scale == "ratio" else -_HUGE
    bounds = (least if metric.low is None else metric.low, _HUGE if metric.high is None else metric.high)
    low, middle, high = np.clip(found, *bounds).tolist()
    return low, middle, high


def _step(known: _Known, scene: _Scene, column: int, rows: Floats) -> Step | None:
    """Return the value that promises most, beside the base."""
    space, base = scene.space, scene.bases[column]
    moved = rows[changed(space, rows, space.encode([base])[0])[:, column]]
    if not len(moved):
        return None
    mean, _ = known.regression.posterior.predict(space.points(moved))
    row = moved[int(np.argmax(mean))]
    found = outlooks(scene.belief, row[None, :], base)
    if not found:
        return None
    gain = found[0].gains[known.metric.name]
    return Step(value=_value(space, row, column), gain=gain.expected, low=gain.low, high=gain.high)


def _near(known: _Known, scene: _Scene, column: int) -> tuple[Near, ...]:
    """Return the settings that tell of a slice, the nearest first."""
    space, name = scene.space, scene.space.names[column]
    there = np.flatnonzero(space.active(known.rows)[:, column])
    onto = np.repeat(space.encode([scene.bases[column]]), len(there), axis=0)
    onto[:, column] = known.rows[there, column]
    nearness = _nearness(known.regression, space, known.rows[there], space.tidy(onto))
    order = [i for i in np.argsort(-nearness, kind="stable")[:_DOTS] if nearness[i] >= _NEAR]
    return tuple(
        Near(value=known.settings[there[i]][name], reading=float(known.readings[there[i]]),
             runs=int(known.repeats[there[i]]), nearness=float(nearness[i]))
        for i in order
    )  # fmt: skip


def _hazards(scene: _Scene) -> Iterator[Hazard]:
    """Yield the chance of a fault along each parameter that runs have moved."""
    space, feasibility = scene.space, scene.belief.feasibility
    for column in scene.around.varied if feasibility is not None else ():
        if column in scene.bases:
            rows = _along(space, column, scene.bases[column])
            rows = rows[space.allowed(rows)]
            assert feasibility is not None
            chances = 1.0 - feasibility.chance(space.points(rows))
            values = tuple(_value(space, row, column) for row in rows)
            base = scene.bases[column]
            yield Hazard(parameter=space.names[column], base=base, values=values, chances=tuple(chances.tolist()))


# ── two at once ───────────────────────────────────────────────────────────────────────────────────────────────────────
def _landscape(known: _Known, scene: _Scene, divided: Sequence[Part], mean: Mean) -> Landscape | None:
    """Return the landscape of the two numbers that drive most together, if two do."""
    numbers = [
        part.column
        for part in divided
        if part.share >= _MOVES and scene.bases.get(part.column) == scene.standard and _long(scene.space, part.column)
    ][:_PAIRED]
    found = [(a, b) for place, a in enumerate(numbers) for b in numbers[place + 1 :]]
    if not found:
        return None
    across, up = max(found, key=lambda pair: together(scene.around, pair, mean))
    return _mapped(known, scene, across, up)


def _long(space: Space, column: int) -> bool:
    """Tell whether a parameter is a number with more than a few values."""
    levels = space.levels[column]
    return bool(space.numeric[column]) and (levels is None or len(levels) > 4)


def _mapped(known: _Known, scene: _Scene, across: int, up: int) -> Landscape:
    space, origin = scene.space, scene.space.encode([scene.standard])[0]
    xs, ys = _side(space, across), _side(space, up)
    rows = np.repeat(origin[None, :], len(xs) * len(ys), axis=0)
    rows[:, across], rows[:, up] = np.tile(xs, len(ys)), np.repeat(ys, len(xs))
    rows = space.tidy(rows)
    allowed = space.allowed(rows) & space.active(rows)[:, [across, up]].all(axis=1)
    grids = [_grid(values, allowed, len(xs)) for values in _believed(known, space, rows)]
    feasibility = scene.belief.feasibility
    chances = [] if feasibility is None else (1.0 - feasibility.chance(space.points(rows))).tolist()
    first = [_number(space, row, across) for row in rows[: len(xs)]]
    return Landscape(
        across=space.names[across], up=space.names[up], base=scene.standard, across_values=tuple(first),
        up_values=tuple(_number(space, row, up) for row in rows[:: len(xs)]),
        low=grids[0], middle=grids[1], high=grids[2], faults=_grid(chances, allowed, len(xs)) if chances else (),
        near=_around(known, scene, across, up),
    )  # fmt: skip


def _side(space: Space, column: int) -> Floats:
    levels = space.levels[column]
    return levels if levels is not None and len(levels) <= _MAP else np.linspace(0.0, 1.0, _MAP)


def _number(space: Space, row: Floats, column: int) -> float:
    return float(_value(space, row, column))


def _grid(values: Sequence[float], allowed: Bools, width: int) -> tuple[tuple[float | None, ...], ...]:
    kept = [value if ok else None for value, ok in zip(values, allowed, strict=True)]
    return tuple(tuple(kept[start : start + width]) for start in range(0, len(kept), width))


def _around(known: _Known, scene: _Scene, across: int, up: int) -> tuple[tuple[float, float, float], ...]:
    """Return the settings that tell of a landscape, the nearest first."""
    space = scene.space
    there = np.flatnonzero(space.active(known.rows)[:, [across, up]].all(axis=1))
    onto = np.repeat(space.encode([scene.standard]), len(there), axis=0)
    onto[:, [across, up]] = known.rows[there][:, [across, up]]
    nearness = _nearness(known.regression, space, known.rows[there], space.tidy(onto))
    order = [i for i in np.argsort(-nearness, kind="stable")[: 2 * _DOTS] if nearness[i] >= _NEAR]
    return tuple(
        (_number(space, known.rows[there[i]], across), _number(space, known.rows[there[i]], up), float(nearness[i]))
        for i in order
    )
