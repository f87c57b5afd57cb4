"""What a method may know of a task, and what every method can do."""

from typing import Protocol

import msgspec

from benchmarks.planner.tasks import Goal, SettingMap, Task
from benchmarks.planner.world import Outcome, World


class Missing(Exception):
    """A method cannot run here: what it needs is not installed, or it has no such thing; the message says which."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What a method may know of a task."""

    task: Task
    goals: tuple[Goal, ...]
    """What is to be improved: the first metric, or all."""
    standard: SettingMap
    exact: bool
    """Whether a setting always reads the same."""
    positive: bool
    worthwhile: float
    """A hundredth of (median − optimum): the smallest gain worth having where there is no ratio to say it by."""
    seed: int
    budget: int


class Method(Protocol):
    """One course of one method.

    One that runs elsewhere also has ``cpu()``, the seconds of CPU it has spent there, and ``close()``.
    """

    def ask(self) -> SettingMap:
        """Return the setting to run next."""
        ...

    def tell(self, outcome: Outcome) -> None:
        """Take what came of the setting that was asked for last."""
        ...

    def recommend(self) -> SettingMap | None:
        """Return the setting it would choose now."""
        ...


def problem(world: World, *, seed: int, budget: int, every_goal: bool = False) -> Problem:
    """Return what methods may know of a world."""
    return Problem(
        task=world.task,
        goals=world.task.goals if every_goal else world.task.goals[:1],
        standard=world.standard(seed),
        exact=world.exact,
        positive=world.positive,
        worthwhile=0.01 * abs(world.median - world.optimum) or 1e-9,
        seed=seed,
        budget=budget,
    )
