"""The library planner as a function: all runs in, the next setting out; for tools that keep the runs themselves."""

import threading
from collections.abc import Sequence
from typing import NamedTuple

from kaizen.planners.model.belief import Caches, Seen
from kaizen.planners.model.optimizer import Optimizer
from kaizen.process import Process
from kaizen.setting import Setting

_ALONE = threading.Lock()  # caches and BLAS threads are shared; a tool may ask from several threads


class Told(NamedTuple):
    """Everything that another tool knows of a process."""

    process: Process
    goals: tuple[str, ...]
    """The metrics to be improved; the others only bear guards."""
    seen: Sequence[Seen]
    """Finished runs, in the order in which they were asked."""
    under_way: Sequence[Setting] = ()


class _Replayed(Optimizer):
    """An optimizer that has just been told everything."""

    def __init__(self, told: Told, seed: int, number: int, kept: Caches) -> None:
        super().__init__(told.process, seed, goals=told.goals)
        for run in told.seen:
            if run.values is None:
                self.fault(run.setting)
            else:
                self.tell(run.setting, run.values)
        self._pending = list(told.under_way)
        self._asked = number
        self._caches = kept


def next_setting(told: Told, kept: Caches, *, seed: int, number: int) -> Setting:
    """Return what to run as question ``number``: a function of its arguments, caches not counted."""
    with _ALONE:
        return _Replayed(told, seed, number, kept).ask()


def recommended(told: Told, kept: Caches) -> Setting:
    """Return the setting that is believed to be best among those that ran."""
    with _ALONE:
        return _Replayed(told, 0, 0, kept).recommend()
