"""How much of what several metrics allow a course has found: hypervolume by run, as a share of the world's own front.

The points are the true values of sound runs. Each metric is put on a scale from 0, its best value anywhere, to 1, the worse
of its median over the world and its worst value on the world's front; by logarithms where it is positive and the two ends lie
a factor of ten apart. The reference is 1.1 in every metric, so that the ends of the front count; what is no better than that
in one of them adds nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.planner.convert import NoData
from benchmarks.planner.tasks import Task, draw_setting
from benchmarks.planner.world import World
from benchmarks.report.hypervolume import hypervolume, nondominated
from benchmarks.report.page import Table, figure
from benchmarks.report.results import Cells, Floats, Row, names

_DRAWS = 2_000  # settings by chance that stand for a world without a table
_WIDE = 10.0
_REFERENCE = 1.1

Values = Mapping[str, float] | None


class Axis(NamedTuple):
    """One metric's scale."""

    log: bool
    ideal: float
    worst: float

    def place(self, values: Floats) -> Floats:
        """Return values as measured on the scale, 0 the ideal and 1 the other end."""
        low, high, at = (np.log(v) if self.log else v for v in (self.ideal, self.worst, values))
        return np.asarray((at - low) / (high - low) if high != low else at - low)


class Front(NamedTuple):
    """A task's scales, and the hypervolume of the best that is known of it."""

    task: Task
    axes: tuple[Axis, ...]
    volume: float
    origin: str
    """Where the front is from."""

    def place(self, values: Floats) -> Floats:
        """Return true values ``(n, m)`` on the scales."""
        return np.column_stack([axis.place(values[:, k]) for k, axis in enumerate(self.axes)])

    def share(self, values: Floats) -> float:
        """Return the hypervolume of true values ``(n, m)`` as a share of the front's."""
        return self._volume(self.place(values)) / self.volume

    def _volume(self, placed: Floats) -> float:
        return hypervolume(placed, np.full(len(self.axes), _REFERENCE))

    def course(self, row: Row) -> Floats:
        """Return the share after each run of one result, ``(budget,)``."""
        shares, kept, now = [], np.empty((0, len(self.axes))), 0.0
        for true in row["true"]:
            values = _values(self.task, [true])
            if len(values) and not (kept <= (point := self.place(values))).all(axis=1).any():
                kept = nondominated(np.concatenate([kept, point]))
                now = self._volume(kept) / self.volume
            shares.append(now)
        return np.array(shares)


def fronts(found: Cells, tasks: Mapping[str, Task], data: Path | None) -> dict[str, Front]:
    """Return the front of every task whose file is known and which has several metrics."""
    made = {}
    for name in sorted({task for task, _ in found}):
        if name in tasks and len(tasks[name].goals) > 1:
            rows = [row for (task, _), some in found.items() if task == name for row in some]
            front = front_of(tasks[name], rows, data)
            if front is not None:
                made[name] = front
    return made


def front_of(task: Task, rows: Sequence[Row], data: Path | None) -> Front | None:
    """Return the front of all that is known of a task; ``None`` where nothing sound is."""
    seen = _values(task, (true for row in rows for true in row["true"]))
    try:
        known, origin = _values(task, _world(World(task, data))), "the whole world"
    except NoData:
        known, origin = seen, "what any method saw"
    every = np.concatenate([known, seen])
    if not len(every):
        return None
    signs = np.array([1.0 if goal.better == "lower" else -1.0 for goal in task.goals])
    front = nondominated(every * signs) * signs
    axes = tuple(_axis(sign, front[:, k], known[:, k]) for k, sign in enumerate(signs))
    made = Front(task=task, axes=axes, volume=1.0, origin=origin)
    return made._replace(volume=made.share(front))


def _axis(sign: float, front: Floats, known: Floats) -> Axis:
    ideal = float(sign * (sign * front).min())
    worst = float(sign * max((sign * front).max(), float(np.median(sign * known))))
    low, high = sorted((ideal, worst))
    log = bool(min(front.min(), known.min()) > 0.0 and high >= _WIDE * low)
    return Axis(log=log, ideal=ideal, worst=worst)


def _world(world: World) -> list[Values]:
    """Return the true values of every row of a table, or of settings by chance."""
    if world.table is not None and not world.emulators:
        columns = [world.table.true[goal.name].tolist() for goal in world.task.goals]
        names = [goal.name for goal in world.task.goals]
        rows = zip(*columns, strict=True)
        return [
            None if fault else dict(zip(names, row, strict=True))
            for fault, row in zip(world.table.faults, rows, strict=True)
        ]
    rng = np.random.default_rng(0)
    return [world.truth(draw_setting(world.task, rng))[0] for _ in range(_DRAWS)]


def _values(task: Task, trues: Iterable[Values]) -> Floats:
    """Return the values that keep the guards, ``(n, m)``."""
    sound = [true for true in trues if true is not None and not task.broken(true)]
    return np.array([[true[goal.name] for goal in task.goals] for true in sound]).reshape(-1, len(task.goals))


def shortfalls(found: Cells, made: Mapping[str, Front]) -> dict[tuple[str, str], Floats]:
    """Return what each course still lacks of the front after each run, ``(seeds, budget)``, by task and method."""
    return {
        (task, method): np.array([1.0 - made[task].course(row) for row in rows])
        for (task, method), rows in found.items()
        if task in made
    }


def share_table(found: Cells, made: Mapping[str, Front], lacking: Mapping[tuple[str, str], Floats], ours: str) -> Table:
    """Return the share of the front's hypervolume after the last run: median over seeds, and the mean over tasks."""
    tasks, methods = sorted(made), names(found, ours)[1]
    last = {key: 1.0 - float(np.median(course[:, -1])) for key, course in lacking.items()}
    body = [[task, made[task].origin, *(figure(last.get((task, m))) for m in methods)] for task in tasks]
    shared = [task for task in tasks if all((task, m) in last for m in methods)]
    if shared:
        means = (figure(float(np.mean([last[task, m] for task in shared]))) for m in methods)
        body.append([f"mean of {len(shared)}", "", *means])
    metrics = "; ".join(f"{task}: {', '.join(goal.name for goal in made[task].task.goals)}" for task in tasks)
    note = f"The reference lies, in each metric, a tenth beyond the worse of the median and the front's own worst. Metrics: {metrics}."
    title = "Hypervolume of the true values of sound runs, as a share of the whole front's (1 is all of it), median over seeds"
    return Table(title, ["task", "front of", *methods], body, [note] if tasks else [])
