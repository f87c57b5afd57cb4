"""Whether memory's turn has come, and what it would run: the past is believed as far as this process's runs bear it out.

Readings here, bent and z-scored as t, stand for what is true under one of these models; K is the covariance of a Gaussian
process, m_k what a kin says:

    null:    t ~ N(0, K + τ² I + 1 1')                                                   prior ½
    (k, r):  t ~ N(.7 m_k, r K + τ² I + .35² m_k m_k' + 1 1'),  r in {.15, .4, 1}         prior ½, shared out     (eq. 1)

    λ = ln Σ_(k, r) prior · evidence - ln prior · evidence of null                                               (eq. 2)

As t is centred and scaled by the n runs here, so is m_k, from what the kin says over the whole space, M_k (``past``): else the
models would speak of the slope of t on a scale that moves wherever runs gather, as they do near the best,

    m_k(x) = (M_k(x) - c_k) / w_k,  c_k = n mean(M_k) / (n + ν),  w_k² = (ν + n var(M_k)) / (ν + n),  ν = .3       (eq. 3)

Memory picks what improves most on what its models believe to be the best, and does not fail:

    argmax ln Σ_i w_i EI_i(x) + 4 ln(1 - p(x))                                                                   (eq. 4)

Its picks may waste runs, but few: each that is worse than half of the runs before it that it had not asked for counts one, a new
best takes half a one back. Its own good runs are no reason to call the next one bad. It is memory's turn while λ ≥ 0 and
fewer than 1 + n/10 are wasted; and not before the third run, unless the kin agree among themselves. All other runs are planned
as if nothing were remembered.

λ is a Bayes factor with fitted kernels put in, not an exact e-process. K's lengthscales have kin's as their prior (``past``, eq. 5),
in the null as in the others: they say nothing of where the best lies.
"""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from scipy.linalg import solve_triangular

from kaizen.explanation import Contribution, Recalled
from kaizen.plan import REMEMBERED, Advice
from kaizen.planners.model.acquisition import log_improvement
from kaizen.planners.model.belief import Caches, sign
from kaizen.planners.model.caution import Ground
from kaizen.planners.model.past import Field, Past, field, looked, past, plain_kernel
from kaizen.planners.model.search import Reach, Within, mutate
from kaizen.planners.model.sight import Sight
from kaizen.setting import Setting
from kaizen.surrogate.gp import LEVEL, NOISY, Data, Kernel, Noise, Prior, covariance, factor, fit
from kaizen.surrogate.regression import settled_at
from kaizen.surrogate.space import Floats, Points, Space
from kaizen.surrogate.warp import warp

_TRUST = 0.7  # of what kin say, in standard deviations here
_SLOPE = 0.35  # what that may be off by
_RESIDUALS = (0.15, 0.4, 1.0)  # r of eq. 1
_WHOLE = 0.3  # ν of eq. 3: runs that the whole space counts as
_ROUGH = Noise(-8.0, 1.5)  # what an exact reading differs by from all that is smooth
_AVERAGE = 0.25  # of memory's prior, for the mean of all kin
_BOLD = 0.45  # agreement from which kin are followed before anything is known here
_LATER = 3  # settings that are known here before kin are followed that do not agree
_PATIENCE, _MORE = 1.0, 0.1  # wasted runs that memory may cost, and for each run more
_FORGIVEN = 0.5  # of a wasted run, by a new best
_LATE = 150  # settings here, from which kin have nothing to add
_HEAVIEST, _LIGHT = 7, 0.01  # models that pick, at most, and the least weight
_LITTLE = math.log(0.01)  # standard deviations of the readings: an expected gain that is worth no gamble
_BENT_FROM = 4  # readings
_FAR = 4.0  # standard deviations that a reading counts, at most
_BELOW = 0.25  # how much worse than the worst a fault counts
_OWN, _RARE = 0.5, 0.02  # runs that the chance of a fault counts as where nothing is known, and that chance
_WARY = 4.0  # power of the chance of a sound run
_STEPS = 20
_WIDTHS = (0.2, 0.12, 0.07, 0.04, 0.02, 0.01)
_PARENTS, _CHILDREN = 6, 8


class Run(NamedTuple):
    """One setting that ran here, in the order of first runs."""

    setting: Setting
    value: float | None
    """The mean reading, turned so that more is better; ``None`` where it only faulted."""
    repeats: int
    remembered: bool
    """Whether memory had asked for it."""


class Stand(NamedTuple):
    """How memory stands."""

    odds: float
    """λ."""
    wasted: float
    agreement: float | None
    runs: int
    """Settings that are known here."""

    @property
    def trusted(self) -> bool:
        """Whether the next run may be memory's, pending ones not counted."""
        early = self.runs >= _LATER or (self.agreement is not None and self.agreement >= _BOLD)
        return self.odds >= 0.0 and self.wasted < _PATIENCE + _MORE * self.runs and early


class Hint(NamedTuple):
    """What memory would run now."""

    setting: Setting
    because: str
    expects: float
    """What it is expected to gain over the best, in standard deviations of the readings."""


class Model(NamedTuple):
    """One model of eq. 1, conditioned on what ran here."""

    voice: int | None
    """The index of the kin; ``None`` for the null."""
    share: float
    """r."""
    log: float
    """ln prior + ln evidence."""
    lower: Floats
    alpha: Floats


class Here(NamedTuple):
    """What ran here, as the models see it."""

    space: Space
    runs: Sequence[Run]
    points: Points
    t: Floats
    repeats: Floats
    kernel: Kernel
    centre: Floats
    width: Floats
    """``(k, 1)`` each: c and w of eq. 3."""
    says: Floats
    """``(k, n)``: the voices at the settings that ran, centred and scaled by them (eq. 3)."""

    def heard(self, says: Floats) -> Floats:
        """Return what voices say elsewhere, ``(k, m)``, on the scale of ``says`` (eq. 3)."""
        return (says - self.centre) / self.width

    def base(self, other: Points) -> Floats:
        """Return K without its level, ``(n, m)``."""
        return covariance(self.kernel, self.space.shape, self.points, other) - LEVEL


def hint(sight: Sight, reach: Reach, advice: Advice, kept: Caches) -> Hint | None:
    """Return what memory would run, if it is its turn; ``None`` where the planner goes on as if nothing were remembered."""
    process = sight.head.process
    if not advice.kin or len(process.metrics) != 1:
        return None
    known = past(reach.space, advice.kin, kept.past)
    runs = gathered(sight)
    if known is None or not runs or len(runs) > _LATE:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        here = _here(reach.space, runs, known, kept)
    if not np.isfinite(here.t).all():  # readings too large to do statistics with
        return None
    models = _models(here, len(known.voices))
    stand = Stand(_odds(models), wasted(runs) + sight.asked_by_memory, known.agreement, len(runs))
    if not stand.trusted:
        return None
    return _pick(here, models, known, stand, (sight, reach, kept))


def gathered(sight: Sight) -> list[Run]:
    """Return the settings that ran, each with the mean of its readings."""
    turn = sign(sight.head.process.metrics[0])
    name = sight.head.process.metrics[0].name
    read: dict[Setting, list[float]] = {}
    asked: dict[Setting, bool] = {}
    for run, by_memory in zip(sight.seen, sight.remembered, strict=True):
        if run.values is not None and name not in run.values:
            continue  # read before the metric was declared
        asked.setdefault(run.setting, by_memory)
        read.setdefault(run.setting, []).extend([] if run.values is None else [turn * run.values[name]])
    return [
        Run(setting, float(np.mean(values)) if values else None, max(1, len(values)), asked[setting])
        for setting, values in read.items()
    ]


def wasted(runs: Sequence[Run]) -> float:
    """Return how many runs memory has wasted: k of the module's rule."""
    count = 0.0
    for at, run in enumerate(runs):
        if not run.remembered:
            continue
        how = _stood(run, runs[:at])
        if how in {"fault", "wasted"}:
            count += 1.0
        elif how == "best":
            count = max(0.0, count - _FORGIVEN)
    return count


def contribution(sight: Sight) -> str:
    """Say what memory has contributed; nothing where it asked for nothing."""
    if not any(sight.remembered):
        return ""
    runs = gathered(sight)
    best, news, asked = -math.inf, 0, sum(run.remembered for run in runs)
    for run in runs:
        value = -math.inf if run.value is None else run.value
        news += run.remembered and value > best
        best = max(best, value)
    news_said = f"{news} of them the best until then"
    return f"memory asked for {asked} setting{'' if asked == 1 else 's'}, {news_said}; wasted count {wasted(runs):g}"


def contributed(sight: Sight) -> Contribution | None:
    """Return what memory asked for, and how each stood; ``None`` where it asked for nothing."""
    if not any(sight.remembered):
        return None
    runs = gathered(sight)
    stood = [(run, _stood(run, runs[:at])) for at, run in enumerate(runs)]
    asked = tuple(Recalled(setting=run.setting, stood=how) for run, how in stood if run.remembered)
    others = [how for run, how in stood if not run.remembered and run.setting != sight.standard]
    return Contribution(
        asked=asked, wasted=wasted(runs), allowed=_PATIENCE + _MORE * len(runs), others=len(others),
        others_best=others.count("best"),
    )  # fmt: skip


def _stood(run: Run, before: Sequence[Run]) -> Literal["best", "sound", "wasted", "fault"]:
    if run.value is None:
        return "fault"
    known = [(other.value, other.remembered) for other in before if other.value is not None]
    if all(value < run.value for value, _ in known):
        return "best"
    others = [value > run.value for value, by_memory in known if not by_memory]
    return "wasted" if others and float(np.mean(others)) > 0.5 else "sound"


def _here(space: Space, runs: Sequence[Run], known: Past, kept: Caches) -> Here:
    points = space.points(space.encode([run.setting for run in runs]))
    exact = space.process.exact
    count, noise = settled_at(len(runs)), _ROUGH if exact else NOISY
    repeats = np.array([float(run.repeats) for run in runs])
    lengths = known.lengths
    kernel = plain_kernel(space, lengths)
    if len(runs) >= _BENT_FROM:
        first = Data(points.at(slice(0, count)), _bent(runs[:count], exact=exact), repeats[:count])
        told = (*first.points, first.y, first.repeats, *([] if lengths is None else [lengths.centre]))
        key = repr(("here", space.shape, noise, *(part.tobytes() for part in told)))
        start = (Prior(space.shape, noise, lengths).centre,)
        kernel = kept.labels.get(
            key, lambda: fit(first, space.shape, noise, starts=start, steps=_STEPS, lengths=lengths)
        )
    says, n = known.says(points), len(runs)
    centre = says.mean(axis=1, keepdims=True) * n / (n + _WHOLE)
    width = np.sqrt((_WHOLE + n * says.var(axis=1, keepdims=True)) / (_WHOLE + n))
    return Here(space, runs, points, _bent(runs, exact=exact), repeats, kernel, centre, width, (says - centre) / width)


def _bent(runs: Sequence[Run], *, exact: bool) -> Floats:
    """Return t, ``(n,)``: readings bent to look normal and z-scored; a fault is a little worse than the worst."""
    sound = np.array([run.value for run in runs if run.value is not None])
    t = np.zeros(len(runs))
    if len(sound) < 2:
        return np.array([-_BELOW if run.value is None else 0.0 for run in runs])
    bend = warp("power" if exact and len(sound) >= _BENT_FROM else "plain", sound) or warp("plain", sound)
    assert bend is not None
    made: Floats = np.clip(bend(sound), -_FAR, _FAR)
    t[[at for at, run in enumerate(runs) if run.value is not None]] = made
    t[[at for at, run in enumerate(runs) if run.value is None]] = float(made.min()) - _BELOW
    return t


def _models(here: Here, kin: int) -> list[Model]:
    """Return all models of eq. 1, the null first."""
    base, n = here.base(here.points), len(here.t)
    ground = LEVEL + np.diag(here.kernel.noise / here.repeats)
    made = [_model(None, 1.0, math.log(0.5), here.t, base + ground)]
    for at, says in enumerate(here.says):
        part = 1.0 if kin == 1 else _AVERAGE if at == kin else (1.0 - _AVERAGE) / kin
        for share in _RESIDUALS:
            cov = share * base + ground + _SLOPE**2 * np.outer(says, says)
            prior = math.log(0.5 * part / len(_RESIDUALS))
            made.append(_model(at, share, prior, here.t - _TRUST * says, cov))
    assert all(len(model.alpha) == n for model in made)
    return made


def _model(voice: int | None, share: float, prior: float, off: Floats, cov: Floats) -> Model:
    lower = factor(cov)
    alpha = solve_triangular(lower, off, lower=True, check_finite=False)
    log = prior - 0.5 * float(alpha @ alpha) - float(np.log(np.diag(lower)).sum())
    return Model(voice, share, log, lower, alpha)


def _odds(models: Sequence[Model]) -> float:
    """Return λ of eq. 2."""
    return float(np.logaddexp.reduce([model.log for model in models[1:]])) - models[0].log


def _pick(
    here: Here, models: Sequence[Model], known: Past, stand: Stand, with_: tuple[Sight, Reach, Caches]
) -> Hint | None:
    """Return the setting of eq. 4 that is not taken."""
    sight, reach, kept = with_
    logs = np.array([model.log for model in models[1:]])
    weights = np.exp(logs - np.logaddexp.reduce(logs))
    heavy = [at for at in np.argsort(-weights, kind="stable")[:_HEAVIEST] if weights[at] >= _LIGHT]
    chosen = [(models[1:][at], math.log(weights[at])) for at in heavy]
    rng = np.random.default_rng([sight.head.seq, 1])  # its own: the planner's chance stays as it is without memory
    at = field(known, reach, kept.past)
    if not len(at.rows):
        return None
    rows, scores = at.rows, _scores(here, chosen, at, reach.ground)
    for width in _WIDTHS:
        best = np.argsort(-scores, kind="stable")[:_PARENTS]
        children = mutate(reach, np.repeat(rows[best], _CHILDREN, axis=0), width, rng)
        children = children[reach.allowed(children)]
        if len(children):
            more = looked(known, reach.space, children)
            rows = np.vstack([rows, children])
            scores = np.concatenate([scores, _scores(here, chosen, more, reach.ground)])
    if reach.ground is not None:
        inside = reach.allowed(rows)
        rows, scores = rows[inside], scores[inside]
    for index in np.argsort(-scores, kind="stable"):
        if scores[index] < _LITTLE:
            return None
        setting = reach.space.decode(rows[index])
        if setting is not None and setting != sight.standard and setting not in sight.taken:
            because = _because(sight, setting, chosen, known, stand)
            return Hint(setting, because, math.exp(float(scores[index])))
    return None


def _scores(here: Here, chosen: Sequence[tuple[Model, float]], at: Field, ground: Within | None) -> Floats:
    """Return eq. 4, ``(n,)``."""
    cross, signal = here.base(at.points), here.kernel.signal
    sound = np.array([run.value is not None for run in here.runs])
    inside = here.base(here.points)
    heard, parts = here.heard(at.says), []
    for model, weight in chosen:
        assert model.voice is not None
        says, own = heard[model.voice], here.says[model.voice]
        ends = [(cross, says), (inside[:, sound], own[sound])]
        (mean, sd), (ran, _) = (_moments(model, both, own, signal) for both in ends)
        beyond = float(ran.max()) if len(ran) else -_FAR
        parts.append(weight + log_improvement(mean, sd, beyond))
    made = np.logaddexp.reduce(parts)
    return np.asarray(made + _WARY * np.log1p(-_fails(here, at, cross / signal, ground)), dtype=np.float64)


def _moments(model: Model, to: tuple[Floats, Floats], own: Floats, signal: float) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of f under a model, ``(m,)`` each."""
    cross, says = to
    full = model.share * cross + LEVEL + _SLOPE**2 * np.outer(own, says)
    half = solve_triangular(model.lower, full, lower=True, check_finite=False)
    variance = model.share * signal + LEVEL + (_SLOPE * says) ** 2 - np.einsum("ij,ij->j", half, half)
    return _TRUST * says + model.alpha @ half, np.sqrt(np.maximum(variance, 1e-12))


def _fails(here: Here, at: Field, close: Floats, ground: Within | None) -> Floats:
    """Return ``(n,)``: the chance of a fault, by what failed here and among kin (``caution``), or here alone."""
    if isinstance(ground, Ground):
        return np.asarray(np.clip(1.0 - ground.learned.chance(at.points), 0.0, 0.99), dtype=np.float64)
    faults = np.array([float(run.value is None) for run in here.runs])
    if not faults.any():
        return np.zeros(len(at.rows))
    near = close**2
    return np.asarray((faults @ near + _OWN * _RARE) / (near.sum(axis=0) + _OWN), dtype=np.float64)


def _because(sight: Sight, setting: Setting, chosen: Sequence[tuple[Model, float]], known: Past, stand: Stand) -> str:
    """Say from whom it is remembered, what is changed, and how far memory is believed."""
    said = ", ".join(f"{name}={value!r}" for name, value in setting.items() if sight.standard.get(name) != value)
    odds = math.exp(min(abs(stand.odds), math.log(999.0)))
    believed = f"{odds:.3g} to 1 that memory tells here"
    return f"{REMEMBERED}{_names(chosen, known)}: {said or 'fewer parameters active'} ({believed})"


def _names(chosen: Sequence[tuple[Model, float]], known: Past) -> str:
    """Name the kin that are believed most, at most two."""
    shares = np.zeros(len(known.voices))
    for model, weight in chosen:
        if model.voice is None:
            continue
        at = slice(None) if model.voice >= len(shares) else model.voice
        shares[at] += math.exp(weight) / (len(shares) if model.voice >= len(shares) else 1)
    order = np.argsort(-shares, kind="stable")
    names = [str(known.voices[index].kin) for index in order[:2] if shares[index] > 0.2 * shares[order[0]]]
    rest = len(known.voices) - len(names)
    return " and ".join(names) + (f" and {rest} other{'' if rest == 1 else 's'}" if rest and len(names) > 1 else "")
