"""The Gaussian process: gradients against finite differences, the posterior against its slow twin."""

import math

import numpy as np
import pytest

from kaizen.surrogate.gp import (
    EXACT,
    LEVEL,
    NOISY,
    Data,
    Kernel,
    Lengths,
    Posterior,
    Prior,
    covariance,
    fit,
    gaps,
    loss,
    prior_mean,
)
from kaizen.surrogate.space import Space
from kaizen.testing.planners import samples

KINDS = ("numbers", "choices", "conditions on", "guarded")


def drawn(kind, count, seed=0):
    """Return a space, points and a kernel."""
    rng = np.random.default_rng(seed)
    space = Space(samples()[kind])
    points = space.points(space.uniform(count, rng))
    theta = prior_mean(space.shape, NOISY) + 0.4 * rng.standard_normal(sum(space.shape.sizes) + 2)
    return space, points, theta, rng


def slow_covariance(kernel, space, one, other):
    """Eq. 1, number by number."""
    made = np.zeros((len(one.numbers), len(other.numbers)))
    for i in range(len(made)):
        for j in range(made.shape[1]):
            squares = sum(
                ((one.numbers[i, c] - other.numbers[j, c]) / kernel.numbers[g]) ** 2
                for c, g in enumerate(space.shape.numbers)
            )
            differ = np.ones(space.shape.sizes[1])
            for c, g in enumerate(space.shape.marks):
                differ[g] -= one.marks[i, c] * other.marks[j, c]
            r = math.sqrt(squares)
            matern = (1 + math.sqrt(5) * r + 5 / 3 * r * r) * math.exp(-math.sqrt(5) * r)
            made[i, j] = LEVEL + kernel.signal * matern * math.exp(-float(np.sum(differ / kernel.marks)))
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_the_kernel_is_what_it_says(kind):
    """Fast and slow covariance agree."""
    space, points, theta, _ = drawn(kind, 9)
    kernel = Kernel.unpack(theta, space.shape)
    np.testing.assert_allclose(
        covariance(kernel, space.shape, points, points), slow_covariance(kernel, space, points, points), atol=1e-6
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("noise", [NOISY, EXACT])
@pytest.mark.parametrize("known", [False, True])
def test_the_gradient_is_that_of_the_evidence(kind, noise, known):
    """Analytic gradient against central differences, repeats included."""
    space, points, theta, rng = drawn(kind, 12)
    data = Data(points, rng.standard_normal(12), rng.integers(1, 4, 12).astype(float), scatter=1.5, freedom=6.0)
    lengths = Lengths(rng.standard_normal(sum(space.shape.sizes)), 0.3) if known else None
    apart, prior = gaps(points, space.shape), Prior(space.shape, noise, lengths)
    _, grad = loss(theta, data, apart, prior)
    step = 1e-5
    for index in range(len(theta)):
        unit = step * np.eye(len(theta))[index]
        slope = (loss(theta + unit, data, apart, prior)[0] - loss(theta - unit, data, apart, prior)[0]) / (2 * step)
        assert grad[index] == pytest.approx(slope, rel=1e-4, abs=1e-5)


def test_repeats_count_as_if_each_stood_alone():
    """Means with their scatter have the evidence of all readings, up to a constant, and the same posterior."""
    space, points, theta, rng = drawn("guarded", 6)
    twice = points + points.at(slice(0, 3))
    y = rng.standard_normal(9)
    mean = np.concatenate([(y[:3] + y[6:]) / 2, y[3:6]])
    many = np.array([2.0, 2, 2, 1, 1, 1])
    scatter = float(np.sum((y[:3] - y[6:]) ** 2) / 2)
    short, long = Data(points, mean, many, scatter, 3.0), Data(twice, y, np.ones(9))
    prior = Prior(space.shape, NOISY)
    gap = [
        loss(at, short, gaps(points, space.shape), prior)[0] - loss(at, long, gaps(twice, space.shape), prior)[0]
        for at in (theta, theta + 0.3, theta - 0.2)
    ]
    np.testing.assert_allclose(gap, gap[0], rtol=1e-6)
    kernel = Kernel.unpack(theta, space.shape)
    other = space.points(space.uniform(5, rng))
    for a, b in zip(
        Posterior(kernel, space.shape, short).predict(other),
        Posterior(kernel, space.shape, long).predict(other),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_posterior_is_the_textbooks(kind):
    """R&W eq. 2.23 and 2.24, by plain inverses; appending one by one is conditioning on all."""
    space, points, theta, rng = drawn(kind, 10)
    kernel, y = Kernel.unpack(theta, space.shape), rng.standard_normal(10)
    full = slow_covariance(kernel, space, points, points) + (kernel.noise + 1e-10) * np.eye(10)
    other = space.points(space.uniform(6, rng))
    cross = slow_covariance(kernel, space, other, points)
    posterior = Posterior(kernel, space.shape, Data(points, y, np.ones(10)))
    mean, cov = posterior.joint(other)
    np.testing.assert_allclose(mean, cross @ np.linalg.solve(full, y), atol=1e-5)
    slow = slow_covariance(kernel, space, other, other) - cross @ np.linalg.solve(full, cross.T)
    np.testing.assert_allclose(cov, slow, atol=1e-5)
    np.testing.assert_allclose(posterior.predict(other)[1] ** 2, np.diag(slow), atol=1e-5)
    pending = space.points(space.uniform(3, rng))
    grown = posterior.believing(pending)
    wide = Posterior(
        kernel, space.shape, Data(points + pending, np.append(y, posterior.predict(pending)[0]), np.ones(13))
    )
    for a, b in zip(grown.predict(other), wide.predict(other), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_leaving_one_out_is_leaving_one_out():
    """The shortcut against ten fits without one row each."""
    space, points, theta, rng = drawn("numbers", 10)
    kernel, y = Kernel.unpack(theta, space.shape), rng.standard_normal(10)
    mean, variance = Posterior(kernel, space.shape, Data(points, y, np.ones(10))).left_out()
    for index in range(10):
        others = np.array([i for i in range(10) if i != index])
        rest = Posterior(kernel, space.shape, Data(points.at(others), y[others], np.ones(9)))
        at, sd = rest.predict(points.at(np.array([index])))
        assert mean[index] == pytest.approx(at[0], abs=1e-6)
        assert variance[index] == pytest.approx(sd[0] ** 2 + kernel.noise, abs=1e-6)


def test_a_fit_finds_the_parameter_that_matters():
    """One number drives the reading, the other does nothing."""
    space, points, _, _ = drawn("numbers", 40)
    kernel = fit(Data(points, np.sin(6 * points.numbers[:, 0]), np.ones(40)), space.shape, EXACT)
    assert kernel.numbers[0] < 0.5 * kernel.numbers[1]


def test_lengthscales_that_are_known_pull_the_fit():
    """What others know of lengthscales stands in for data: with few, the fit is near it; with more, less so."""
    space, points, _, rng = drawn(KINDS[0], 40)
    y = rng.standard_normal(40)
    known = Lengths(prior_mean(space.shape, NOISY)[:-2] + 1.0, 0.2)

    def off(count, lengths):
        rows = Data(points.at(slice(0, count)), y[:count], np.ones(count))
        kernel = fit(rows, space.shape, NOISY, lengths=lengths)
        return np.abs(np.log(np.concatenate([kernel.numbers, kernel.marks])) - known.centre).mean()

    assert off(3, known) < 0.2 < off(3, None)
    assert off(3, known) < off(40, known)
