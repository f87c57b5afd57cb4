"""The ways that are compared: who plans the runs. All of them go to the same judge by the same wheel.

model      Kaizen's planner with a model
steps      Kaizen's small steps
tpe40      Optuna's TPE for 40 runs, then its three best readings as increments, one after the other; then 40 more …
prove-tpe  every setting that TPE asks for is an increment, and goes to a trial at once
prove-any  the same with one small change of the standard, by chance
"""

import statistics
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from benchmarks.planner.methods import Sampled
from benchmarks.planner.problem import Problem
from benchmarks.planner.tasks import SettingMap
from benchmarks.planner.world import Outcome
from kaizen.journal import Journal
from kaizen.plan import Advice, Foretell, Plan, Planner, Scout, Stop
from kaizen.planners.model.search import Reach, mutate
from kaizen.process import Process
from kaizen.setting import Setting
from kaizen.standard import increment
from kaizen.surrogate.space import Space
from kaizen.trial import Reading
from kaizen.workshop.planning import PolicysPlanner

_SCOUTS = 40  # of TPE, before its best readings go to the judge
_BEST = 3
_LOOKED = 50  # runs, among which the last scout is found: pairs of a watch come between
_TRIES = 200  # proposals that cannot be run or were tried, before an arm gives up
_WIDTH = 0.15  # of a small change, as a share of the range


class _Asked:
    """A sampler of the peers', asked for settings that the process allows."""

    def __init__(self, known: Problem, process: Process) -> None:
        self._tpe, self._process = Sampled(known, "tpe"), process
        self._asked: SettingMap = {}
        self._goal = known.goals[0].name
        self.sign = 1.0 if known.goals[0].better == "higher" else -1.0

    def ask(self) -> Setting | None:
        """Return the next setting; those that break a constraint are told as failed, and cost no run."""
        for _ in range(_TRIES):
            self._asked = self._tpe.ask()
            if self._process.allows(self._asked):
                return self._process.setting(self._asked)
            self.tell(None)
        return None

    def tell(self, reading: Mapping[str, float] | None) -> None:
        """Tell what came of it; a reading that breaks a guard is told as failed."""
        fault = "" if reading is not None and not self._process.broken_guards(reading) else "no"
        values = None if reading is None else dict(reading)
        self._tpe.tell(Outcome(setting=self._asked, reading=values, true=None, fault=fault))


class ScoutThenProve:
    """So many runs of TPE, then its best readings to the judge, and again."""

    def __init__(self, known: Problem, process: Process) -> None:
        """Begin a study."""
        self._tpe, self._goal = _Asked(known, process), known.goals[0].name
        self._seen: dict[Setting, float] = {}
        self._scouted = 0
        self._waiting: Setting | None = None
        self._queue: list[Setting] = []

    def plan(self, journal: Journal, *, advice: Advice, prospect: Foretell, seed: int) -> Plan:
        """Return the next scout, or the next of the best."""
        del advice, prospect, seed
        self._take(journal)
        if self._scouted and self._scouted % _SCOUTS == 0 and not self._queue:
            order = sorted(self._seen, key=lambda setting: -self._seen[setting])
            self._queue, self._scouted = order[:_BEST], 0
        while self._queue:
            setting = self._queue.pop(0)
            if not _known(journal, setting):
                return _increment(journal, setting, "one of the best readings")
        found = self._tpe.ask()
        if found is None:
            return Stop(because="nothing that the process allows is asked for")
        self._waiting = found
        return Scout(setting=found, because="the sampler asks for it")

    def _take(self, journal: Journal) -> None:
        if self._waiting is None:
            return
        row = next(row for row in reversed(journal.history.runs(latest=_LOOKED)) if row.trial is None)
        self._tpe.tell(row.values)
        if row.values is not None and not journal.head.process.broken_guards(row.values):
            self._seen[self._waiting] = self._tpe.sign * row.values[self._goal]
        self._scouted += 1
        self._waiting = None


class ProveAll:
    """Every proposal of TPE is taken straight to a trial; it is told the median of what the increment read."""

    def __init__(self, known: Problem, process: Process) -> None:
        """Begin a study."""
        self._tpe = _Asked(known, process)
        self._waiting: Setting | None = None

    def plan(self, journal: Journal, *, advice: Advice, prospect: Foretell, seed: int) -> Plan:
        """Return the standard as a scout, then increments."""
        del advice, prospect, seed
        if self._waiting is not None:
            self._tpe.tell(_typical(journal, self._waiting))
            self._waiting = None
        for _ in range(_TRIES):
            found = self._tpe.ask()
            if found is None:
                break
            self._waiting = found
            if not journal.history.runs(latest=1):
                return Scout(setting=found, because="the standard")
            if not _known(journal, found):
                return _increment(journal, found, "the sampler asks for it")
            self._tpe.tell(_typical(journal, found))
        return Stop(because="nothing new is asked for")


class ProveAny:
    """Every small change that comes to mind is taken straight to a trial."""

    def __init__(self, known: Problem, process: Process) -> None:
        """Draw from the seed alone."""
        self._rng = np.random.default_rng([known.seed, 5])
        del process

    def plan(self, journal: Journal, *, advice: Advice, prospect: Foretell, seed: int) -> Plan:
        """Return a small change of the standard, by chance."""
        del advice, prospect, seed
        head = journal.head
        space = Space(head.process, head.standard.setting)
        origin = space.encode([head.standard.setting])
        reach = Reach(space, origin[0], head.process.policy.changes)
        for _ in range(_TRIES):
            rows = mutate(reach, origin, _WIDTH, self._rng)
            setting = space.decode(rows[0]) if reach.allowed(rows)[0] else None
            if setting is not None and not _known(journal, setting):
                return _increment(journal, setting, "a small change, by chance")
        return Stop(because="every small change was tried")


def _known(journal: Journal, setting: Setting) -> bool:
    """Tell whether a setting is the standard, or was tried against it."""
    head = journal.head
    tested = (t.trial.increment for t in journal.history.trials() if t.trial.increment.of == head.standard.number)
    return setting == head.standard.setting or any(one.after == setting for one in tested)


def _typical(journal: Journal, setting: Setting) -> dict[str, float] | None:
    """Return the medians of all readings of a setting; ``None`` where it has none."""
    rows = journal.history.runs(fingerprint=setting.fingerprint)
    read = [row.outcome.values for row in rows if isinstance(row.outcome, Reading)]
    return {name: statistics.median(values[name] for values in read) for name in read[0]} if read else None


def _increment(journal: Journal, setting: Setting, because: str) -> Plan:
    head = journal.head
    changes = {name: value for name, value in setting.items() if head.standard.setting.get(name) != value}
    return increment(head.process, head.standard, changes, because=because, by="bench")


class Arm(NamedTuple):
    """One way: the planner that the policy names, or the one that stands in for it."""

    policy: str
    make: Callable[[Problem, Process], Any] | None = None


ARMS = {
    "model": Arm("model"),
    "steps": Arm("steps"),
    "tpe40": Arm("steps", ScoutThenProve),
    "prove-tpe": Arm("steps", ProveAll),
    "prove-any": Arm("steps", ProveAny),
}
"""Each way by its name."""


def planner(name: str, known: Problem, process: Process) -> Planner:
    """Return the planner of an arm."""
    make = ARMS[name].make
    made: Planner = PolicysPlanner() if make is None else make(known, process)
    return made
