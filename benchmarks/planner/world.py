"""The world a method runs in: what a setting reads, what is true, where the standard and the optimum are."""

import importlib
import inspect
import sys
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from benchmarks.planner.convert import convert
from benchmarks.planner.emulator import Emulator
from benchmarks.planner.table import Space, Table
from benchmarks.planner.tasks import BadTask, SettingMap, Task, draw, draw_setting
from kaizen.parameter import Real, Whole, is_active
from kaizen.setting import Value, plain_number

_SAMPLE = 257  # settings by chance that stand for a space without a table
_SEARCH = 2_000  # settings looked at for an optimum that nobody gave
_PATIENCE = 10.0  # seconds for that
_POOL = 500  # allowed settings among which the nearest one replaces a forbidden proposal

Values = dict[str, float]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a run."""

    setting: SettingMap
    """What was run: the proposal, or what it was moved to."""
    reading: Values | None
    true: Values | None
    """Noise-free values; ``None`` for a setting that fails."""
    fault: str = ""
    """Why the run counts as failed; a reading that breaks a guard is kept beside it."""


class World:
    """A task with its values: reads settings, knows the truth."""

    def __init__(self, task: Task, data: Path | None) -> None:
        self.task, self.first = task, task.goals[0]
        self.table: Table | None = None
        self.emulators: dict[str, Emulator] = {}
        if task.source.python:
            self._function = _function(task)
        else:
            path = convert(task, data) if task.source.convert else task.path.parent / task.source.table
            self.table = Table(task, path)
            if task.source.lookup == "emulator":
                self.emulators = {goal.name: Emulator(self.table, goal.name) for goal in task.goals}
        self._survey()

    @property
    def exact(self) -> bool:
        """Whether a setting always reads the same."""
        repeats = self.table is not None and not self.emulators and self.table.most_repeats > 1
        return not repeats and self.task.noise is None

    @property
    def positive(self) -> bool:
        """Whether the first metric is above 0 in all that is known."""
        return bool(self._known.min() > 0) and (self.task.noise is None or self.task.noise.relative_sd <= 0.1)

    def truth(self, setting: Mapping[str, Value]) -> tuple[Values | None, str]:
        """Return the noise-free values, or why there are none."""
        if self.table is None:
            return self._called(setting)
        row = self.table.nearest(setting)
        if self.table.faults[row]:
            return None, self.table.faults[row]
        if self.emulators:
            point = self.table.space.point(setting)
            return {name: emulator(point) for name, emulator in self.emulators.items()}, ""
        return {name: float(true[row]) for name, true in self.table.true.items()}, ""

    def _called(self, setting: Mapping[str, Value]) -> tuple[Values | None, str]:
        try:
            given = self._function(dict(setting))
            values = {goal.name: plain_number(given[goal.column]) for goal in self.task.goals}
        except Exception as error:  # noqa: BLE001 - whatever a task's function raises is its fault
            return None, f"crash: {type(error).__name__}"
        if any(value is None for value in values.values()):
            return None, "no reading"
        return {name: float(value) for name, value in values.items() if value is not None}, ""

    def _survey(self) -> None:
        """Find the median, the optimum and the standards among what is known."""
        if self.table is not None and not self.emulators:
            pairs = list(zip(self.table.settings, self._row_values(), strict=True))
        else:
            rng = np.random.default_rng(0)
            pairs = [(setting, self.truth(setting)[0]) for setting in self._drawn(_SAMPLE, rng)]
        sound = [(s, values) for s, values in pairs if values is not None and not self.task.broken(values)]
        if not sound:
            raise BadTask(f"{self.task.name} must have settings that keep its guards; none was found")
        self._sound = [setting for setting, _ in sound]
        self._known = np.array([values[self.first.name] for _, values in sound])
        self.median = float(np.median(self._known))
        self.optimum = self._optimum()

    def _row_values(self) -> list[Values | None]:
        assert self.table is not None
        names = list(self.table.true)
        rows = zip(*(self.table.true[name].tolist() for name in names), strict=True)
        return [
            None if fault else dict(zip(names, row, strict=True))
            for row, fault in zip(rows, self.table.faults, strict=True)
        ]

    def _drawn(self, count: int, rng: np.random.Generator) -> list[SettingMap]:
        return [draw_setting(self.task, rng) for _ in range(count)]

    def _optimum(self) -> float:
        """Return the best value: of the table, as given, or found by a search by chance and around the best."""
        best = self._best(self._known)
        if self.table is not None and not self.emulators:
            return best
        if self.task.source.optimum is not None:
            return self.task.source.optimum
        rng, until = np.random.default_rng(1), time.monotonic() + _PATIENCE
        at = self._sound[int(np.argmin(self._known * self._sign))]
        for turn in range(_SEARCH):
            tried = draw_setting(self.task, rng) if turn % 2 else self._beside(at, rng)
            values = self.truth(tried)[0] if self.task.allows(tried) else None
            sound = values is not None and not self.task.broken(values)
            if values is not None and sound and self._sign * values[self.first.name] < self._sign * best:
                at, best = tried, values[self.first.name]
            if time.monotonic() > until:
                break
        return best

    def _beside(self, setting: SettingMap, rng: np.random.Generator) -> SettingMap:
        """Return a setting near another: one or two values moved, a little or at will."""
        names = list(setting)
        changed = {names[int(k)] for k in rng.integers(len(names), size=int(rng.integers(1, 3)))}
        made: SettingMap = {}
        for parameter in self.task.parameters:
            if not is_active(parameter, made):
                continue
            name = parameter.name
            if name not in setting or name in changed:
                made[name] = draw(parameter, rng)
                if name in setting and isinstance(parameter, Real | Whole) and rng.random() < 0.7:
                    width = 10.0 ** rng.uniform(-3.0, -0.7)
                    made[name] = parameter.at(parameter.place(setting[name]) + width * rng.normal())
            else:
                made[name] = setting[name]
        return made

    @property
    def _sign(self) -> float:
        return 1.0 if self.first.better == "lower" else -1.0

    def _best(self, known: np.ndarray) -> float:
        return float(known.min() if self.first.better == "lower" else known.max())

    def standard(self, seed: int) -> SettingMap:
        """Return the setting every method runs first."""
        wanted = self.task.standard
        if isinstance(wanted, dict):
            return self._completed(wanted)
        if wanted == "random":
            return self._sound[int(np.random.default_rng([seed, 7]).integers(len(self._sound)))]
        order = np.argsort(self._known * -self._sign, kind="stable")  # worst first
        share = 0.5 if wanted == "median" else 0.75
        return self._sound[int(order[min(len(order) - 1, int(share * len(order)))])]

    def _completed(self, given: SettingMap) -> SettingMap:
        """Return a setting with the given values; what is not given as in the middling one that comes closest."""
        if self.table is not None:
            near = self.table.closest(given)
            order = np.argsort(self.table.true[self.first.name][near], kind="stable")
            return self.table.settings[int(near[order[len(near) // 2]])]
        if all(p.name in given for p in self.task.parameters if is_active(p, given)):
            return dict(given)
        rng = np.random.default_rng(2)
        found = [draw_setting(self.task, rng, given) for _ in range(31)]
        scored = [(values[self.first.name], k) for k, s in enumerate(found) if (values := self.truth(s)[0]) is not None]
        return found[sorted(scored)[len(scored) // 2][1]] if scored else found[0]

    def regret(self, value: float) -> float:
        """Return (value − optimum) / (median − optimum) of the first metric."""
        gap = self.median - self.optimum
        return (value - self.optimum) / gap + 0.0 if gap else 0.0

    def errors(self) -> dict[str, float]:
        """Return the cross-validated errors of the emulators, empty without."""
        return {name: emulator.error for name, emulator in self.emulators.items()}


class Chance:
    """One seed's course through a world: its noise, and which recorded reading comes next."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self._rng = np.random.default_rng([seed, zlib.crc32(world.task.name.encode())])
        self._next: dict[int, int] = {}
        self._pool: list[SettingMap] = []

    def moved(self, setting: SettingMap) -> SettingMap:
        """Return what will be run: the proposal, or the nearest row or allowed setting."""
        world = self.world
        if world.table is not None and world.task.source.lookup == "exact":
            return world.table.settings[world.table.nearest(setting)]
        if world.task.allows(setting):
            return setting
        space = Space(world.task)
        self._pool = self._pool or [draw_setting(world.task, self._rng) for _ in range(_POOL)]
        points = np.array([space.point(one) for one in self._pool])
        return self._pool[int(np.argmin(space.squared(points, space.point(setting))))]

    def run(self, setting: SettingMap) -> Outcome:
        """Run ``setting`` once."""
        told = self.moved(setting)
        true, fault = self.world.truth(told)
        if true is None:
            return Outcome(setting=told, reading=None, true=None, fault=fault)
        reading = self._read(told, true)
        broken = self.world.task.broken(reading)
        return Outcome(setting=told, reading=reading, true=true, fault=f"guard: {broken[0]}" if broken else "")

    def _read(self, setting: SettingMap, true: Values) -> Values:
        table = self.world.table
        reading = true if table is None or self.world.emulators else self._recorded(table, table.nearest(setting))
        noise = self.world.task.noise
        if noise is None:
            return dict(reading)
        z = self._rng.normal(size=len(reading))  # ~ N(0, 1)
        return {
            name: value + (noise.relative_sd * abs(value) + noise.sd) * float(e)
            for (name, value), e in zip(reading.items(), z, strict=True)
        }

    def _recorded(self, table: Table, row: int) -> Values:
        """Draw the next recorded repeat of a row, the same one for every metric."""
        turn = self._next.get(row, 0)
        self._next[row] = turn + 1
        most = max(len(found[row]) for found in table.readings.values())
        drawn = turn % most if self.world.task.source.repeats == "ordered" else int(self._rng.integers(most))
        return {name: float(found[row][drawn % len(found[row])]) for name, found in table.readings.items()}


def _function(task: Task) -> Callable[[SettingMap], Mapping[str, Any]]:
    """Import ``module:function``; also from the folder of the task file."""
    module, _, name = task.source.python.partition(":")
    folder = str(task.path.parent.resolve())
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        found = getattr(importlib.import_module(module), name)
        takes = inspect.signature(found).parameters.values()
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise BadTask(f"{task.path}: python must be an importable module:function; got {error}") from error
    needed = [p for p in takes if p.default is p.empty and p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    if len(needed) <= 1 and any(p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD} for p in takes):
        return found  # type: ignore[no-any-return]
    return lambda setting: found(**setting)
