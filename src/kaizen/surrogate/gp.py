"""An exact Gaussian process over mixed spaces, fitted by its penalised evidence.

The model of ``n`` rows with means ``y`` over ``m`` repeats each, standardised:

    y = f + ε,  ε_i ~ N(0, τ² / m_i),  f ~ GP(0, b + s² · Matern52(r) · Π_c exp(-[a_c ≠ b_c] / l_c))       (eq. 1)
    r² = Σ_j D_j / l_j²,  Matern52(r) = (1 + √5 r + 5/3 r²) exp(-√5 r)                                   (eq. 2)

``D_j`` is the squared distance of parameter j's columns: of its places or, for a conditional parameter, on an arc
whose centre stands for *inactive* (so that activity alone costs the same wherever the value lies). ``b`` is the
variance of the unknown level. Repeats enter exactly: by their mean in eq. 1, and by their scatter in the evidence.

References:
    Rasmussen and Williams (2006), Gaussian Processes for Machine Learning: eq. 2.30 (evidence), 5.9 (gradient),
    5.10–5.12 (leave one out). Hutter and Osborne (2013), A kernel for hierarchical parameter spaces (the arc).
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack, solve_triangular
from scipy.optimize import minimize

from kaizen.surrogate.space import Floats, Points, Shape

LEVEL = 1.0
"""b of eq. 1, in variances of the standardised data."""

NOISE_FLOOR = 1e-6
_SPREAD = 0.6  # of ln l, under the prior
_CHOICES = math.log(3.0)  # choices tell more of one another than far ends of a range do
_SIGNAL = 0.75  # of ln s²
_STEPS = 60  # of L-BFGS, per start
_JITTER = 1e-10
_WIDTH = 1e-3  # of the differences that the second derivatives are taken from
_FLATTEST = 1.0  # second derivative of the loss, at least, along any direction
_WEIGHT = 2.0  # log weights of drawn kernels, at most


class Noise(NamedTuple):
    """The prior of the noise: ln τ² ~ N(centre, spread²)."""

    centre: float
    spread: float


NOISY = Noise(-3.0, 1.5)
EXACT = Noise(-11.0, 1.0)


class Lengths(NamedTuple):
    """A prior of the lengthscales: ln l ~ N(centre, spread²)."""

    centre: Floats
    """``(p + q,)``: numbers, then choices."""
    spread: float


class Prior(NamedTuple):
    """What is believed of a kernel before there are data: everything is log-normal."""

    shape: Shape
    noise: Noise
    lengths: Lengths | None = None
    """Where more is known of them than the shape tells."""

    @property
    def centre(self) -> Floats:
        """The logarithms in the middle, as ``Kernel.pack`` orders them."""
        made = prior_mean(self.shape, self.noise)
        if self.lengths is not None:
            made[:-2] = self.lengths.centre
        return made

    @property
    def spread(self) -> Floats:
        """Their standard deviations."""
        made = np.full(sum(self.shape.sizes) + 2, _SPREAD if self.lengths is None else self.lengths.spread)
        made[-2:] = _SIGNAL, self.noise.spread
        return made


class Data(NamedTuple):
    """Standardised data of distinct rows."""

    points: Points
    y: Floats
    """``(n,)``: means of the repeats."""
    repeats: Floats
    """``(n,)``: how many there are."""
    scatter: float = 0.0
    """Sum of squares of the repeats around their means."""
    freedom: float = 0.0
    """Σ (m_i - 1)."""


class Kernel(NamedTuple):
    """The parameters of eq. 1."""

    numbers: Floats
    """Lengthscales of the numbers."""
    marks: Floats
    """Lengthscales of the choices."""
    signal: float
    noise: float

    @classmethod
    def unpack(cls, theta: Floats, shape: Shape) -> "Kernel":
        """Read the logarithms that the fit works on."""
        p, q = shape.sizes
        scales = np.exp(theta)
        return cls(scales[:p], scales[p : p + q], float(scales[p + q]), float(scales[p + q + 1]))

    def pack(self) -> Floats:
        """Return the logarithms."""
        return np.asarray(
            np.log(np.concatenate([self.numbers, self.marks, [self.signal, self.noise]])), dtype=np.float64
        )


def prior_mean(shape: Shape, noise: Noise) -> Floats:
    """Return the prior's centre: l at 0.35 √d, three times that for choices, s² at 1."""
    p, q = shape.sizes
    centre = math.log(0.35 * math.sqrt(max(1, p + q)))
    return np.concatenate([np.full(p, centre), np.full(q, centre + _CHOICES), [0.0, noise.centre]])


def covariance(kernel: Kernel, shape: Shape, one: Points, other: Points) -> Floats:
    """Return ``(n, m)``: the covariance of f between points (eq. 1)."""
    scale = kernel.numbers[list(shape.numbers)] if shape.numbers else np.ones(0)
    a, b = one.numbers / scale, other.numbers / scale
    squares = np.maximum(np.sum(a * a, 1)[:, None] + np.sum(b * b, 1)[None, :] - 2.0 * (a @ b.T), 0.0)
    root = np.sqrt(5.0 * squares)
    exponent = -root
    if shape.marks:
        weight = 1.0 / kernel.marks
        wide = weight[list(shape.marks)]
        exponent += (one.marks * wide) @ other.marks.T - weight.sum()
    made = (1.0 + root + root * root / 3.0) * np.exp(exponent)
    made *= kernel.signal
    made += LEVEL
    return np.asarray(made, dtype=np.float64)


class Gaps(NamedTuple):
    """Distances between the rows of one fit, computed once."""

    numbers: Floats
    """``(p, n, n)``: D_j."""
    marks: Floats
    """``(q, n, n)``: [a_c ≠ b_c]."""


def gaps(points: Points, shape: Shape) -> Gaps:
    """Return all distances by parameter."""
    p, q = shape.sizes
    n = len(points.numbers)
    numbers, marks = np.zeros((p, n, n)), np.ones((q, n, n))
    for column, index in enumerate(shape.numbers):
        at = points.numbers[:, column]
        numbers[index] += (at[:, None] - at[None, :]) ** 2
    for column, index in enumerate(shape.marks):
        at = points.marks[:, column]
        marks[index] -= at[:, None] * at[None, :]
    return Gaps(numbers, marks)


def loss(theta: Floats, data: Data, apart: Gaps, prior: Prior) -> tuple[float, Floats]:
    """Return minus the penalised log evidence of eq. 1, and its gradient by ``theta`` (R&W eq. 2.30, 5.9)."""
    kernel = Kernel.unpack(theta, prior.shape)
    n, (p, q) = len(data.y), prior.shape.sizes
    inverse_squares, weight = kernel.numbers**-2.0, 1.0 / kernel.marks
    squares = np.tensordot(inverse_squares, apart.numbers, 1) if p else np.zeros((n, n))
    root = np.sqrt(5.0 * squares)
    factor = kernel.signal * np.exp(-root - (np.tensordot(weight, apart.marks, 1) if q else 0.0))
    signal = (1.0 + root + root * root / 3.0) * factor
    full = signal + LEVEL
    full[np.diag_indices(n)] += kernel.noise / data.repeats + _JITTER
    lower, info = lapack.dpotrf(full, lower=1, clean=1)
    if info != 0:
        return 1e25, np.zeros_like(theta)
    alpha = lapack.dpotrs(lower, data.y, lower=1)[0]
    half, _ = lapack.dpotri(lower, lower=1)
    inverse = half + np.tril(half, -1).T
    value = 0.5 * float(data.y @ alpha) + float(np.log(np.diag(lower)).sum())
    slope = 0.5 * (inverse - np.outer(alpha, alpha))  # dL/dK
    by_number = (
        slope * factor * (5.0 / 3.0) * (1.0 + root)
    ).ravel()  # dK/d ln l_j = 5/3 (1 + √5 r) e^(-√5 r) D_j / l_j²
    by_signal = (slope * signal).ravel()
    grad = np.concatenate([
        inverse_squares * (apart.numbers.reshape(p, n * n) @ by_number),
        weight * (apart.marks.reshape(q, n * n) @ by_signal),
        [by_signal.sum(), float(np.diag(slope) @ (kernel.noise / data.repeats))],
    ])  # fmt: skip
    value += (
        0.5 * data.freedom * math.log(kernel.noise) + 0.5 * data.scatter / kernel.noise
    )  # repeats around their means
    grad[-1] += 0.5 * data.freedom - 0.5 * data.scatter / kernel.noise
    return _penalised(value, grad, theta, prior)


def _penalised(value: float, grad: Floats, theta: Floats, prior: Prior) -> tuple[float, Floats]:
    """Add minus the log prior."""
    spread = prior.spread
    off = (theta - prior.centre) / spread
    return value + 0.5 * float(off @ off), grad + off / spread


def fit(
    data: Data,
    shape: Shape,
    noise: Noise,
    *,
    starts: tuple[Floats, ...] = (),
    steps: int = _STEPS,
    lengths: Lengths | None = None,
) -> Kernel:
    """Return the kernel of the highest penalised evidence found from the starts (by default two fixed ones)."""
    apart, prior = gaps(data.points, shape), Prior(shape, noise, lengths)
    centre = prior.centre
    bounds = [(at - 5.0, at + 5.0) for at in centre[:-2]] + [(-5.0, 5.0), (math.log(NOISE_FLOOR), 1.0)]
    best: tuple[float, Floats] | None = None
    for start in starts or (centre, _sharp(centre)):
        inside = np.clip(start, [low for low, _ in bounds], [high for _, high in bounds])
        found = minimize(
            loss, inside, args=(data, apart, prior), jac=True, method="L-BFGS-B", bounds=bounds,
            options={"maxiter": steps, "ftol": 1e-6, "gtol": 1e-3},
        )  # fmt: skip
        if best is None or found.fun < best[0]:
            best = float(found.fun), np.asarray(found.x)
    assert best is not None
    return Kernel.unpack(best[1], shape)


def doubts(kernel: Kernel, data: Data, prior: Prior, count: int) -> tuple[tuple[Kernel, float], ...]:
    """Draw ``count`` other kernels that the data leave possible, each with its log weight beside the fitted one's 0.

    With few data one kernel alone foretells too surely. Draws are from Laplace's approximation around the fit,
    θ ~ N(θ₀, H⁻¹), weighted by importance, ln p(θ)/p(θ₀) + z²/2, within bounds: no draw alone decides. The same data
    give the same draws.
    """
    apart, at = gaps(data.points, prior.shape), kernel.pack()
    value, _ = loss(at, data, apart, prior)
    slopes = [loss(at + step, data, apart, prior)[1] - loss(at - step, data, apart, prior)[1]
              for step in _WIDTH * np.eye(len(at))]  # fmt: skip
    hessian = np.array(slopes) / (2.0 * _WIDTH)
    strength, ways = np.linalg.eigh(0.5 * (hessian + hessian.T))
    spread = 1.0 / np.sqrt(np.maximum(strength, _FLATTEST))
    rng = np.random.default_rng(len(at))
    found = []
    for _ in range(count):
        z = rng.standard_normal(len(at))  # ~ N(0, I)
        theta = at + ways @ (spread * z)  # ~ N(θ₀, H⁻¹)
        theta[-1] = max(theta[-1], math.log(NOISE_FLOOR))
        other, _ = loss(theta, data, apart, prior)
        weight = float(np.clip(value - other + 0.5 * z @ z, -_WEIGHT, _WEIGHT))
        found.append((Kernel.unpack(theta, prior.shape), weight))
    return tuple(found)


def _sharp(centre: Floats) -> Floats:
    """Return the second start: shorter lengthscales, less noise."""
    start = centre.copy()
    start[:-2] -= 0.9
    start[-1] -= 2.0
    return start


class Posterior:
    """f given data; grows by rank-one appends."""

    def __init__(self, kernel: Kernel, shape: Shape, data: Data) -> None:
        """Condition on data: one Cholesky factor."""
        self.kernel, self.shape, self.points = kernel, shape, data.points
        self._y = data.y
        full = covariance(kernel, shape, data.points, data.points)
        full[np.diag_indices(len(data.y))] += kernel.noise / data.repeats + _JITTER
        self._lower = factor(full)
        self._alpha = solve_triangular(self._lower, self._y, lower=True, check_finite=False)

    def __len__(self) -> int:
        """Count the rows."""
        return len(self._y)

    def predict(self, points: Points) -> tuple[Floats, Floats]:
        """Return mean and standard deviation of f, ``(m,)`` each (R&W eq. 2.25, 2.26)."""
        half = self._half(points)
        mean = self._alpha @ half
        variance = self.kernel.signal + LEVEL - np.einsum("ij,ij->j", half, half)
        return mean, np.sqrt(np.maximum(variance, 1e-12))

    def joint(self, points: Points) -> tuple[Floats, Floats]:
        """Return mean ``(m,)`` and covariance ``(m, m)`` of f."""
        half = self._half(points)
        return self._alpha @ half, covariance(self.kernel, self.shape, points, points) - half.T @ half

    def _half(self, points: Points) -> Floats:
        cross = covariance(self.kernel, self.shape, self.points, points)
        return np.asarray(solve_triangular(self._lower, cross, lower=True, check_finite=False, overwrite_b=True))

    def believing(self, points: Points) -> "Posterior":
        """Return the posterior given that ``points`` read what is expected of them: means stay, doubt shrinks.

        Each is appended to the Cholesky factor in O(n²).
        """
        grown = self
        for index in range(len(points.numbers)):
            point = points.at(slice(index, index + 1))
            grown = grown._append(point, float(grown.predict(point)[0][0]))
        return grown

    def _append(self, point: Points, y: float) -> "Posterior":
        n = len(self)
        row = self._half(point)[:, 0]
        corner = self.kernel.signal + LEVEL + self.kernel.noise + _JITTER - float(row @ row)
        lower = np.zeros((n + 1, n + 1))
        lower[:n, :n], lower[n, :n], lower[n, n] = self._lower, row, math.sqrt(max(corner, 1e-12))
        grown = object.__new__(Posterior)
        grown.kernel, grown.shape, grown.points = self.kernel, self.shape, self.points + point
        grown._y, grown._lower = np.append(self._y, y), lower
        grown._alpha = np.append(self._alpha, (y - float(row @ self._alpha)) / lower[n, n])
        return grown

    def left_out(self) -> tuple[Floats, Floats]:
        """Return mean and variance of each y given all others, ``(n,)`` each (R&W eq. 5.10–5.12)."""
        half, _ = lapack.dpotri(self._lower, lower=1)
        precision = np.diag(half)
        weights = solve_triangular(self._lower.T, self._alpha, lower=False, check_finite=False)
        return self._y - weights / precision, 1.0 / precision


def factor(full: Floats) -> Floats:
    """Return the lower Cholesky factor, with as much more jitter as it takes."""
    jitter = 0.0
    for power in range(-10, 1):
        lower, info = lapack.dpotrf(full + jitter * np.eye(len(full)), lower=1, clean=1)
        if info == 0:
            return np.asarray(lower, dtype=np.float64)
        jitter = 10.0**power * float(np.mean(np.diag(full)))
    raise np.linalg.LinAlgError("a covariance must be positive definite")
