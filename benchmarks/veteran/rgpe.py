"""A foil: the ranking-weighted ensemble of Gaussian processes (RGPE), its scouts in the place of the planner's own.

Each kin k has a model f_k of its scores, and the process one more, f_0, of its own readings. What is believed of a setting is

    f ~ N(Σ_i w_i μ_i, Σ_i w_i² σ_i²)                                                                           (eq. 1)

and the next scout is where it expects most improvement on the best of what ran. A model's weight is how often it orders the
process's own readings best: of so many draws of them with replacement, the share in which its loss is the least,

    loss_i = Σ_j Σ_l [ f_i(x_j) < f_i(x_l) ≠ y_j < y_l ],                                                       (eq. 2)

where f_0 foretells x_j without having seen y_j. Models that tie share the draw. So that many bad models do not outweigh one
good one, a kin is left out whose middling loss is above all but a twentieth of f_0's.

Trials and stops stay the planner's, so that runs are counted alike, and so does a scout where no kin weighs anything: what the
ensemble is without kin, the planner does better. A fault is a reading as bad as the worst.

References:
    Feurer, Letham and Bakshy (2018), Scalable meta-learning for Bayesian optimization using ranking-weighted Gaussian
    process ensembles: section 4. The draws are those of Feurer et al. (2022), Practical transfer learning for Bayesian
    optimization, in place of samples of the posteriors.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kaizen.journal import Journal
from kaizen.plan import Advice, Foretell, Plan, Planner, Scout
from kaizen.planners.model.acquisition import log_improvement
from kaizen.planners.model.remember import Run, gathered
from kaizen.planners.model.search import around, search
from kaizen.planners.model.sight import look
from kaizen.surrogate.gp import EXACT, Data, Posterior, fit, prior_mean
from kaizen.surrogate.space import Floats, Space
from kaizen.surrogate.warp import warp
from kaizen.veteran.transfer import Kin
from kaizen.veteran.voices import NUGGET, STEPS, scored, thinned
from kaizen.workshop.planning import PolicysPlanner

_DRAWS = 500  # of the process's own readings
_FEWEST = 3  # readings below which nothing can be ordered: all models weigh the same
_GUARD = 0.95  # of f_0's losses, that a kin's middling loss may not be above
_BENT_FROM = 4  # readings that are bent to look normal
_BEST = 3  # settings of each kin from which the search starts, besides the process's own


class Own(NamedTuple):
    """The process's own model, f_0."""

    posterior: Posterior
    data: Data


class Rgpe:
    """The planner without memory, but for its scouts."""

    def __init__(self) -> None:
        """Wrap the planner that the policy names."""
        self._planner: Planner = PolicysPlanner()
        self._kin: dict[str, Posterior] = {}

    def plan(self, journal: Journal, *, advice: Advice, prospect: Foretell, seed: int) -> Plan:
        """Return the ensemble's scout where the planner would scout something new, and what it plans elsewhere."""
        plan = self._planner.plan(journal, advice=Advice(), prospect=prospect, seed=seed)
        sight = look(journal)
        runs = gathered(sight)
        if not isinstance(plan, Scout) or plan.setting in {run.setting for run in runs} or not (advice.kin and runs):
            return plan
        space = Space(sight.head.process, sight.standard)
        models, own = [self._of(space, kin) for kin in advice.kin], own_model(space, runs)
        weights = weigh(models, own)
        if weights[-1] == 1.0:
            return plan
        models.append(own.posterior)

        def believed(rows: Floats) -> tuple[Floats, Floats]:
            both = np.array([model.predict(space.points(rows)) for model in models])  # (models, 2, rows)
            return weights @ both[:, 0], np.sqrt(weights**2 @ both[:, 1] ** 2)  # eq. 1

        ran = space.encode([run.setting for run in runs])
        beyond = float(believed(ran)[0].max())
        rows, _ = search(
            around(space, sight.standard, sight.head.process.policy.changes),
            lambda rows: log_improvement(*believed(rows), beyond),
            space.tidy(np.vstack([ran, *(_best(space, kin) for kin in advice.kin)])),
            np.random.default_rng([seed % 2**63, sight.head.seq]),
        )
        for row in rows:
            setting = space.decode(row)
            if setting is not None and setting != sight.standard and setting not in sight.taken:
                said = ", ".join(f"{kin} {share:.2f}" for kin, share in zip(advice.kin, weights, strict=False))
                return Scout(setting=setting, because=f"by an ensemble: {said}, itself {weights[-1]:.2f}")
        return plan

    def _of(self, space: Space, kin: Kin) -> Posterior:
        """Return a kin's model, made once."""
        if kin.digest not in self._kin:
            data, _, _ = scored(space, kin)
            kernel = fit(thinned(data), space.shape, NUGGET, starts=(prior_mean(space.shape, NUGGET),), steps=STEPS)
            self._kin[kin.digest] = Posterior(kernel, space.shape, data)
        return self._kin[kin.digest]


def own_model(space: Space, runs: Sequence[Run]) -> Own:
    """Return f_0 of settings that ran: of readings bent to look normal, faults as bad as the worst."""
    sound = np.array([run.value for run in runs if run.value is not None])
    if not len(sound):
        sound = np.zeros(1)
    bend = warp("power" if len(sound) >= _BENT_FROM else "plain", sound) or warp("plain", sound)
    assert bend is not None
    worst = float(sound.min())
    y = bend(np.array([worst if run.value is None else run.value for run in runs]))
    data = Data(
        space.points(space.encode([run.setting for run in runs])), y, np.array([float(run.repeats) for run in runs])
    )
    kernel = fit(data, space.shape, EXACT)
    return Own(Posterior(kernel, space.shape, data), data)


def _best(space: Space, kin: Kin) -> Floats:
    order = np.argsort(-np.array(kin.scores), kind="stable")[:_BEST]
    return space.encode([kin.settings[at] for at in order])


def weigh(kin: Sequence[Posterior], own: Own) -> Floats:
    """Return the weights of kin and, last, of the process's own model, ``(k + 1,)``: they sum to 1."""
    data, n, count = own.data, len(own.data.y), len(kin) + 1
    if n < _FEWEST:
        return np.full(count, 1.0 / count)
    rises = data.y[:, None] < data.y[None, :]
    said = [model.predict(data.points)[0] for model in kin]
    wrong = np.array([(f[:, None] < f[None, :]) ^ rises for f in said] + [_unseen(own) ^ rises], dtype=float)
    often = np.random.default_rng(n).multinomial(n, np.full(n, 1.0 / n), size=_DRAWS).astype(float)
    losses = np.array([np.sum((often @ one) * often, axis=1) for one in wrong])  # eq. 2
    return shares(losses)


def _unseen(own: Own) -> NDArray[np.bool_]:
    """Return ``(n, n)``: whether f_0 without x_j foretells less of x_j than of x_l."""
    points, y, fitted = own.data.points, own.data.y, own.posterior
    made = []
    for j in range(len(y)):
        rest = np.flatnonzero(np.arange(len(y)) != j)
        without = Posterior(fitted.kernel, fitted.shape, Data(points.at(rest), y[rest], own.data.repeats[rest]))
        foretold = without.predict(points)[0]
        made.append(foretold[j] < foretold)
    return np.array(made)


def shares(losses: Floats) -> Floats:
    """Return the share of draws that each model wins, of losses ``(models, draws)``; the last one is never left out."""
    kept = np.median(losses, axis=1) <= np.quantile(losses[-1], _GUARD)
    kept[-1] = True
    losses = np.where(kept[:, None], losses, np.inf)
    won = losses == losses.min(axis=0)
    return np.asarray((won / won.sum(axis=0)).mean(axis=1), dtype=np.float64)
