"""What to run next, given what is believed: the score of settings, and the setting that scores best."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from kaizen.planners.model.acquisition import Front, front, log_improvement
from kaizen.planners.model.belief import Belief
from kaizen.planners.model.landing import Pool
from kaizen.planners.model.search import Reach, Score, mutate, search, step_back
from kaizen.setting import Setting
from kaizen.surrogate.space import Floats

_SEEDS = 6  # best rows known that the search starts from
_TOLERANCE = 0.2  # of the expected gain, given up for a simpler change
_LOOKED = 60  # best rows of a search that are spelled out, until one is new
_WARY = 8.0  # power of the chance of a sound run
_SOUND = np.log(0.5)  # rows less likely to be sound are no incumbents
_NEARLY = 0.1  # of a standard deviation of the readings: as good as the best
_STUCK = 8  # settings that brought nothing better, before another brain is asked
_HEDGE = 3  # every so manieth proposal then
_GAMBLE = 16.0  # the same power, where much more is asked for than is likely: such runs are never risky as well
_FAR = 0.5  # standard deviations of the readings: much more than the best


class Aim(NamedTuple):
    """A score with what it was made from."""

    belief: Belief
    reach: Reach
    beyond: float
    """One metric: the incumbent's posterior mean."""
    front: Front | None = None
    """Several metrics: the front so far."""
    pool: Pool | None = None
    """What has run, where runs land elsewhere than asked."""
    wary: float = _WARY
    """The power of the chance of a sound run."""

    def score(self, rows: Floats) -> Floats:
        """Return ``(n,)``: ln of expected improvement, times a power of the chance of a sound run.

        A run that fails is not only no improvement, it is wasted: the power makes ever less likely runs ever less worth.
        """
        if not len(rows):
            return np.zeros(0)
        means, sds = self.belief.moments(rows)
        chances = self.wary * self.belief.log_sound(rows) + (0.0 if self.pool is None else self.pool.log_new(rows))
        if self.front is not None:
            return self.front.log_improvement(means, sds) + chances
        return log_improvement(means[:, 0], sds[:, 0], self.beyond) + chances


def aim(belief: Belief, reach: Reach, rng: np.random.Generator, reference: Floats | None = None) -> Aim:
    """Aim beyond the best that is believed of the settings that ran: never beyond the luckiest reading.

    ``reference`` is the worst that counts of each metric, warped; by default the worst that is believed.
    """
    rows = incumbents(belief, reach)
    means, _ = belief.moments(rows)
    if means.shape[1] == 1:
        return Aim(belief, reach, float(means.max()))
    worst = means.min(axis=0) - 0.1 * np.ptp(means, axis=0) if reference is None else reference
    return Aim(belief, reach, 0.0, front(worst, means, rng))


def incumbents(belief: Belief, reach: Reach) -> Floats:
    """Return the rows to be beaten: within reach and probably sound, or whatever there is."""
    near = belief.rows[reach.allowed(belief.rows)]
    near = near if len(near) else belief.rows
    sound = near[belief.log_sound(near) > _SOUND]
    return sound if len(sound) else near


def best_rows(belief: Belief, reach: Reach, count: int = _SEEDS) -> Floats:
    """Return the rows of the highest posterior means (of all metrics, together and each for itself)."""
    rows = incumbents(belief, reach)
    means, _ = belief.moments(rows)
    merits = np.column_stack([means.sum(1), means]) if means.shape[1] > 1 else means
    orders = np.argsort(-merits, axis=0, kind="stable")
    return rows[np.unique(orders[:count].ravel())]


class Found(NamedTuple):
    """A setting worth running."""

    row: Floats
    setting: Setting
    score: float


def find(to: Aim, taken: Collection[Setting], rng: np.random.Generator, *, simpler: bool = True) -> Found | None:
    """Search for the setting that scores best and is not taken; with changes that do not matter taken back."""
    score: Score = to.score
    rows, scores = search(to.reach, score, best_rows(to.belief, to.reach), rng)
    for row, worth in zip(rows[:_LOOKED], scores[:_LOOKED], strict=True):
        setting = to.belief.space.decode(row)
        if setting is None or setting in taken:
            continue
        plain = step_back(to.reach, row, score, _TOLERANCE) if simpler else row
        simple = to.belief.space.decode(plain)
        if simple is not None and simple not in taken:
            return Found(plain, simple, float(worth))
        return Found(row, setting, float(worth))
    return None


def stuck(to: Aim, turn: int) -> bool:
    """Tell whether another brain's turn has come: the latest settings were no better, by what is believed of them."""
    if turn % _HEDGE != _HEDGE - 1:
        return False
    means, _ = to.belief.moments(to.belief.rows)
    reached = np.max(np.argmax(means >= means.max(axis=0) - _NEARLY, axis=0))  # the last goal's first nearly best row
    return len(means) - 1 - int(reached) >= _STUCK


def hedge(to: Aim, taken: Collection[Setting], rng: np.random.Generator) -> Found | None:
    """Ask another brain: one that does not care for a little more, and looks where much more may be.

    Of several metrics, a step of chance from one of the best settings, however the model thinks of it.
    """
    if to.front is None:
        return find(to._replace(beyond=to.beyond + _FAR, wary=_GAMBLE), taken, rng, simpler=False)
    parents = best_rows(to.belief, to.reach, 2)
    rows = mutate(to.reach, np.repeat(parents, 20, axis=0), 0.1, rng)
    rows = rows[to.reach.allowed(rows)]
    if not len(rows):
        return None
    sound = to.belief.log_sound(rows)
    for index in rng.permutation(len(rows)):
        setting = to.belief.space.decode(rows[index])
        if sound[index] > _SOUND and setting is not None and setting not in taken:
            return Found(rows[index], setting, float(to.score(rows[index][None, :])[0]))
    return None
