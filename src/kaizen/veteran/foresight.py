"""What a model foretells of a setting: the chance that it is worse than today's standard or fails, by own runs and by kin.

Readings t of this process, bent to look normal, are explained by a model that knows of no kin and, for each voice m_k and their
mean, by ones that do,

    t ~ N(μ, r K + b + σ² m m' + τ² I),   μ = .7 m, σ = .35;  for the null μ = 0, σ = 0, r = 1                      (eq. 1)

Each is weighed by its evidence given the standard's reading, half of the prior being the null's; λ is the log odds of all others
to it, κ = 1/(1 + e^-λ). Misleading kin lose their weight to the null and to one another. From a mixture of the differences to the
standard come P_kin and P_null, that the setting reads worse; from kin's own standards R = mean_k Φ(-z_k). Together,

    logit P = β₀ + β₁ (κ logit P_kin + (1-κ) logit P_null) + κ logit R (β₂ + β₃ · 10 / (10 + n))                        (eq. 2)

β was fitted on families of real processes, and is drawn from there by the n runs of this one, each foretold from all
others (β ≥ 0 but for β₀, which moves freely; the others hardly).

References:
    Rasmussen and Williams (2006), eq. 2.25, 2.26, 5.10–5.12. Platt (1999) for eq. 2.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import minimize
from scipy.special import ndtr

from kaizen.surrogate.gp import LEVEL, Kernel, Noise, covariance, factor
from kaizen.surrogate.space import Floats, Points, Shape
from kaizen.surrogate.warp import Warp, warp
from kaizen.veteran.voices import Said, Voices

ROUGH: Final = Noise(-3.0, 1.0)
"""What an exact reading here differs by from all that is smooth."""
CLEARLY: Final = 0.6
"""How much better than a kin's standard, in normal quantiles: from the best quarter to the best tenth."""
BETA: Final = (-0.1, 0.5, 0.2, 1.4)
"""Of eq. 2; fitted on five families with half of the real tables, one left out at a time: each was within .3 of it."""
_HELD = np.array([1.0, 50.0, 50.0, 50.0])  # how many runs' worth of certainty β begins with, roughly
_EARLY = 10.0
_TRUST, _SLOPE = 0.7, 0.35
_RESIDUALS = (0.4, 1.0)
_AVERAGE = 0.25  # of the voices' prior that their mean has
_BENT_FROM, _FAR, _BELOW = 4, 4.0, 0.25
_SURE = 15.0  # log odds of κ, at most
_SUREST = math.log(99.0)  # … and of what is foretold


class Ran(NamedTuple):
    """What ran here: distinct settings, the standard first."""

    points: Points
    values: Floats
    """``(n,)``: mean readings, turned so that more is better; NaN for what only faulted, never for the standard."""
    repeats: Floats
    wanted: float
    """What would be worthwhile beside the standard, as a value."""
    exact: bool


class Model(NamedTuple):
    """One model of eq. 1, conditioned on what ran here."""

    share: float
    voice: int | None
    log: float
    lower: Floats
    alpha: Floats
    first: Floats
    """L⁻¹ times the standard's covariances."""


class Here(NamedTuple):
    """All that is known before a question is put."""

    ran: Ran
    t: Floats
    kernel: Kernel
    shape: Shape
    good: Floats
    """``(k, n)``: the voices on what ran here."""
    models: tuple[Model, ...]
    odds: float
    """λ."""
    gain: float
    """What is worthwhile, on the scale of t."""
    beta: Floats
    right: int
    known: int
    """How many of this process's runs kin foretold right, of so many without doubt."""

    @property
    def weights(self) -> Floats:
        """Return the posterior weights of the models."""
        logs = np.array([model.log for model in self.models])
        return np.asarray(np.exp(logs - np.logaddexp.reduce(logs)), dtype=np.float64)


class Foretold(NamedTuple):
    """What the models say of one setting."""

    worse: float
    """The chance that it is worse than the standard, or fails."""
    better: float
    """The chance that it is worthwhile."""
    clearly: float
    """The chance, by kin alone, that it would be clearly better than their standards."""


def bend(ran: Ran) -> tuple[Floats, Warp | None]:
    """Return t, ``(n,)``, and how it was bent: a fault is a little worse than the worst."""
    sound = ~np.isnan(ran.values)
    t = np.zeros(len(ran.values))
    if sound.sum() < 2:
        return np.where(sound, 0.0, -1.0), None
    values = ran.values[sound]
    bent = warp("power" if ran.exact and len(values) >= _BENT_FROM else "plain", values) or warp("plain", values)
    assert bent is not None, "plain always is"
    t[sound] = np.clip(bent(values), -_FAR, _FAR)
    t[~sound] = float(t[sound].min()) - _BELOW
    return t, bent


def stand(ran: Ran, kernel: Kernel, known: Voices, shape: Shape) -> Here:
    """Weigh the models by what ran here, and learn from how each run would have been foretold."""
    t, bent = bend(ran)
    said = [voice.says(ran.points) for voice in known.each]
    good = known.good(said)
    gain = 0.0 if bent is None else float(bent(np.array([ran.wanted]))[0] - bent(ran.values[:1])[0])
    base = covariance(kernel, shape, ran.points, ran.points) - LEVEL
    ground = LEVEL + np.diag(kernel.noise / ran.repeats + 1e-10)
    models = [_model(None, 1.0, math.log(0.5), (t, base + ground))]
    parts = [1.0] if len(known.each) == 1 else [(1 - _AVERAGE) / len(known.each)] * len(known.each) + [_AVERAGE]
    for at, (row, part) in enumerate(zip(good, parts, strict=True)):
        for share in _RESIDUALS:
            cov = share * base + ground + _SLOPE**2 * np.outer(row, row)
            models.append(_model(at, share, math.log(0.5 * part / len(_RESIDUALS)), (t - _TRUST * row, cov)))
    logs = [model.log for model in models]
    here = Here(
        ran, t, kernel, shape, good, tuple(models), float(np.logaddexp.reduce(logs[1:])) - logs[0], gain,
        np.array(BETA), 0, 0,
    )  # fmt: skip
    return _learned(here, said)


def _model(voice: int | None, share: float, prior: float, data: tuple[Floats, Floats]) -> Model:
    off, cov = data
    lower = factor(cov)
    alpha = solve_triangular(lower, off, lower=True, check_finite=False)
    log = prior - 0.5 * float(alpha[1:] @ alpha[1:]) - float(np.log(np.diag(lower)[1:]).sum())  # given the standard's
    return Model(voice=voice, share=share, log=log, lower=lower, alpha=alpha, first=np.zeros(0))


def _learned(here: Here, said: list[Said]) -> Here:
    """Return it with β drawn by the runs, and with the record of kin."""
    n = len(here.t)
    models = []
    for model in here.models:
        own = here.good[model.voice] if model.voice is not None else np.zeros(n)
        base = covariance(here.kernel, here.shape, here.ran.points, here.ran.points.at(slice(0, 1)))[:, 0] - LEVEL
        cross = model.share * base + LEVEL + _SLOPE**2 * own * own[0]
        models.append(model._replace(first=solve_triangular(model.lower, cross, lower=True, check_finite=False)))
    here = here._replace(models=tuple(models))
    if n < 2:
        return here
    labels, sure = _labels(here)
    kin, null = _left_out(here)
    relative = worse_there(said)[1:]
    rows = _rows(here, kin[1:], null[1:], relative)
    right = (relative >= 0.5) == (labels >= 0.5)
    return here._replace(beta=_drawn(rows, labels), right=int((right & sure).sum()), known=int(sure.sum()))


def _labels(here: Here) -> tuple[Floats, Floats]:
    """Return the chance that each run but the standard's was of a worse setting, and which leave little doubt."""
    t, repeats = here.t, here.ran.repeats
    if here.ran.exact:
        labels = (t[1:] < t[0]).astype(float)
    else:
        labels = ndtr((t[0] - t[1:]) / np.sqrt(here.kernel.noise * (1.0 / repeats[0] + 1.0 / repeats[1:])))
    return labels, np.abs(labels - 0.5) >= 0.3


def _left_out(here: Here) -> tuple[Floats, Floats]:
    """Return the chance that each run was worse than the standard, given all others, by kin and by the null (R&W 5.10–5.12)."""
    chances = []
    for model in here.models:
        inverse = solve_triangular(model.lower, np.eye(len(here.t)), lower=True, check_finite=False)
        precision = (inverse**2).sum(axis=0)
        off = (inverse.T @ model.alpha) / precision  # of each reading from what the others foretell
        chances.append(ndtr((here.t[0] - here.t + off) * np.sqrt(precision)))
    weights = here.weights[1:]
    return (weights / weights.sum()) @ np.array(chances[1:]), chances[0]


def worse_there(said: list[Said]) -> Floats:
    """Return R of eq. 2."""
    return np.asarray(np.mean([ndtr(-one.beside / one.doubt) for one in said], axis=0), dtype=np.float64)


def _rows(here: Here, kin: Floats, null: Floats, relative: Floats) -> Floats:
    """Return the columns of eq. 2."""
    believed = 1.0 / (1.0 + math.exp(-min(_SURE, max(-_SURE, here.odds))))
    there = believed * logit(relative)
    early = _EARLY / (_EARLY + len(here.t) - 1)
    mixed = believed * logit(kin) + (1.0 - believed) * logit(null)
    return np.column_stack([np.ones(len(kin)), mixed, there, there * early])


def logit(chance: Floats) -> Floats:
    """Return log odds, no surer than 1 : 300."""
    p = np.clip(chance, 0.003, 0.997)
    return np.asarray(np.log(p / (1.0 - p)), dtype=np.float64)


def _drawn(rows: Floats, labels: Floats) -> Floats:
    """Return β of eq. 2: the likeliest given the runs, held by ``BETA``."""
    start = np.array(BETA)

    def loss(beta: Floats) -> tuple[float, Floats]:
        z, off = rows @ beta, beta - start
        value = float(np.sum(np.logaddexp(0.0, z) - labels * z) + 0.5 * (_HELD * off) @ off)
        return value, rows.T @ (1.0 / (1.0 + np.exp(-z)) - labels) + _HELD * off

    bounds = [(None, None), *[(0.0, None)] * (len(start) - 1)]
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x, dtype=np.float64)


def foretell(here: Here, known: Voices, point: Points) -> Foretold:
    """Foretell one setting."""
    said = [voice.says(point) for voice in known.each]
    good = known.good(said)[:, 0]
    cross = covariance(here.kernel, here.shape, here.ran.points, point)[:, 0] - LEVEL
    both = np.array([_chances(here, model, cross, good) for model in here.models])
    weights = here.weights
    kin = weights[1:] @ both[1:] / weights[1:].sum()
    rows = _rows(here, kin[:1], both[0, :1], worse_there(said))
    z = min(_SUREST, max(-_SUREST, float((rows @ here.beta)[0])))
    worse = 1.0 / (1.0 + math.exp(-z))
    mixed = weights @ both
    share = mixed[1] / max(1e-9, 1.0 - mixed[0])  # of what is no worse, what is worthwhile
    clearly = np.mean([ndtr((one.beside - CLEARLY) / one.doubt)[0] for one in said])
    return Foretold(worse, (1.0 - worse) * float(min(1.0, share)), float(clearly))


def _chances(here: Here, model: Model, cross: Floats, good: Floats) -> tuple[float, float]:
    """Return the chances that a setting is worse than the standard, and worthwhile, under one model."""
    says, own = (
        (0.0, np.zeros(len(here.t))) if model.voice is None else (float(good[model.voice]), here.good[model.voice])
    )
    slope = 0.0 if model.voice is None else _SLOPE
    full = model.share * cross + LEVEL + slope**2 * own * says
    half = solve_triangular(model.lower, full, lower=True, check_finite=False)
    apart = half - model.first
    mean = (0.0 if model.voice is None else _TRUST * (says - own[0])) + float(apart @ model.alpha)
    prior = 2.0 * model.share * (here.kernel.signal - cross[0]) + slope**2 * (says - own[0]) ** 2
    variance = max(1e-9, prior - float(apart @ apart))
    sd = math.sqrt(variance + (here.kernel.noise if here.ran.exact else 0.0))
    return float(ndtr(-mean / sd)), float(ndtr((mean - here.gain) / sd))
