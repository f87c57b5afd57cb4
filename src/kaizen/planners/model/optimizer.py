"""The planner as a plain library: ask, tell, fault, recommend; no ledger, no standard to defend, the whole space."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from kaizen.planners.model.aim import aim, find, hedge, incumbents, stuck
from kaizen.planners.model.belief import Belief, Seen, believe, caches
from kaizen.planners.model.landing import Pool, distances, grids, places, pool
from kaizen.planners.model.search import Reach, draw, first_design, spread_out
from kaizen.process import Process
from kaizen.setting import Setting
from kaizen.surrogate.space import Floats, Space
from kaizen.surrogate.threads import one_thread


class Optimizer:
    """Proposes settings of a process and learns from what it is told.

    >>> from kaizen.metric import lower
    >>> from kaizen.parameter import Real
    >>> x = Real(name="x", low=0.0, high=1.0)
    >>> process = Process(name="p", parameters=(x,), metrics=(lower("loss", exact=True),), standard=Setting(x=0.1))
    >>> optimizer = Optimizer(process, seed=1)
    >>> for _ in range(15):
    ...     setting = optimizer.ask()
    ...     optimizer.tell(setting, {"loss": 1.0 + (setting["x"] - 0.7) ** 2})
    >>> abs(optimizer.recommend()["x"] - 0.7) < 0.01
    True
    """

    def __init__(
        self,
        process: Process,
        seed: int = 0,
        *,
        goals: Sequence[str] = (),
    ) -> None:
        """Start from the process's standard; the same seed and answers give the same questions.

        ``goals`` are the metrics to be improved, all of them by default; the others only bear guards.

        Raises:
            Undeclared: a goal is no metric of the process.
        """
        self._process, self._seed = process, seed
        self._goals = tuple(process.metric(name).name for name in goals)
        self._declared = Space(process)
        self._learned: tuple[int, Space] | None = None
        self._asked_for: list[Setting] = []
        self._landed: list[Setting] = []
        self._dropped: set[Setting] = set()
        self._seen: list[Seen] = []
        self._pending: list[Setting] = []
        self._caches = caches()
        self._asked = 0
        self._design = first_design(self._space)

    def ask(self) -> Setting:
        """Return the setting to run next; ask again before telling, for as many at once as you like."""
        with one_thread():
            setting = self._next(np.random.default_rng([self._seed, self._asked]))
        self._asked += 1
        self._pending.append(setting)
        return setting

    def tell(self, setting: Setting, values: Mapping[str, float]) -> None:
        """Take a reading in."""
        self._seen.append(Seen(setting, dict(values)))
        self._answered(setting)

    def fault(self, setting: Setting, reason: str = "") -> None:
        """Take a fault in: where runs fail is learnt, too."""
        del reason
        self._seen.append(Seen(setting, None))
        self._answered(setting)

    def drop(self, setting: Setting, ran: Setting | None = None) -> None:
        """Let go of a proposal that cannot be run, and is not asked again; ``ran`` is what ran in its place.

        What cannot be run is learnt as what fails is; where only numbers were moved, so are the levels that they have.
        """
        self._dropped.add(setting)
        self._answered(setting)
        if ran is not None:
            self._asked_for.append(setting)
            self._landed.append(ran)
        if ran is None or self._elsewhere(setting, ran):
            self._seen.append(Seen(setting, None))

    def _elsewhere(self, setting: Setting, ran: Setting) -> bool:
        """Tell whether more than numbers on a line were moved."""
        one, other = self._declared.encode([setting, ran])
        told = ~self._declared.numeric | np.array([places is not None for places in self._declared.levels])
        return bool(np.any((np.abs(one - other) > 1e-9) & told))

    @property
    def _space(self) -> Space:
        """The space with the levels that are known by now."""
        if not self._landed:
            return self._declared
        if self._learned is None or self._learned[0] != len(self._landed):
            known = grids(self._declared, self._asked_for, self._landed)
            self._learned = len(self._landed), Space(self._process, grids=known)
        return self._learned[1]

    @property
    def _reach(self) -> Reach:
        return Reach(self._space, self._space.encode([self._process.standard])[0])

    def recommend(self) -> Setting:
        """Return the setting that is believed to be best among those that ran (several metrics: by their sum)."""
        with one_thread():
            belief = believe(self._space, self._seen, self._caches, goals=self._goals)
            if belief is None:
                return self._process.standard
            rows = incumbents(belief, self._reach)
            means, _ = belief.moments(rows)
            chosen = self._space.decode(rows[int(np.argmax(means.sum(1)))])
        return chosen or self._process.standard

    def _answered(self, setting: Setting) -> None:
        if setting in self._pending:
            self._pending.remove(setting)

    def _next(self, rng: np.random.Generator) -> Setting:
        standard = self._process.standard
        tried = [run.setting for run in self._seen] + self._pending
        if standard not in tried:
            return standard
        if len(set(tried)) < self._design:
            return self._fresh(tried, rng)
        belief = believe(self._space, self._seen, self._caches, goals=self._goals)
        if belief is None:
            return self._fresh(tried, rng)
        return self._modelled(belief, rng) or self._fresh(tried, rng)

    def _modelled(self, belief: Belief, rng: np.random.Generator) -> Setting | None:
        if self._pending:
            belief = belief.believing(self._space.encode(self._pending))
        to = aim(belief, self._reach, rng)._replace(pool=self._pool(belief))
        taken = self._taken()
        found = hedge(to, taken, rng) if stuck(to, self._asked) else None
        found = found or find(to, taken, rng, simpler=False)
        return None if found is None else found.setting

    def _pool(self, belief: Belief) -> Pool | None:
        """Return what has run, where what is known of levels does not tell where runs land."""
        if not self._landed:
            return None
        space = belief.space
        wanted, ran = space.tidy(space.encode(self._asked_for)), space.encode(self._landed)
        moved = distances(space, wanted, ran) > 1e-9
        straight = sum(run.values is not None for run in self._seen) - int(moved.sum())
        return pool(space, self._places, belief.rows, (wanted[moved], ran[moved]), max(0, straight))

    @cached_property
    def _places(self) -> Floats:
        return places(self._declared)

    def _taken(self) -> set[Setting]:
        """Return what is not asked again: whatever ran, faulted or is under way.

        Under noise, too: what is chosen in the end is chosen by the model, to which a new setting tells as much.
        """
        return {run.setting for run in self._seen} | set(self._pending) | self._dropped

    def _fresh(self, tried: list[Setting], rng: np.random.Generator) -> Setting:
        """Return a setting far from all that were tried; where all were, any one."""
        known = self._space.encode(tried)
        for row in (*spread_out(self._reach, known, 1, rng), *draw(self._reach, 200, rng)):
            setting = self._space.decode(row)
            if setting is not None and setting not in tried:
                return setting
        sound = [run.setting for run in self._seen if run.values is not None]
        return sound[int(rng.integers(len(sound)))] if sound else self._process.standard
