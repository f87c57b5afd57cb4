"""Kaizen's sampler keeps Optuna's own contract of samplers."""

from collections.abc import Callable

import pytest

optuna = pytest.importorskip("optuna")

from optuna.testing.pytest_samplers import (  # noqa: E402 - only where Optuna is
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
)

from kaizen.faces.optuna import KaizenSampler  # noqa: E402


class TestKaizenSampler(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    """The sampler, of a fixed seed."""

    @pytest.fixture
    def sampler(self) -> Callable[[], KaizenSampler]:
        """Return a maker of samplers."""
        return lambda: KaizenSampler(seed=1)
