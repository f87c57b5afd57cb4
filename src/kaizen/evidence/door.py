"""What is refused before anything is computed."""

import math
from collections.abc import Sequence


def check_alpha(alpha: float) -> None:
    """Refuse a level that is none."""
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be between 0 and 1; got {alpha}")


def check_horizon(horizon: int) -> None:
    """Refuse a horizon without pairs."""
    if horizon < 1:
        raise ValueError(f"horizon must be at least 1; got {horizon}")


def check_numbers(name: str, values: Sequence[float]) -> None:
    """Refuse what is no number; infinities are."""
    if any(math.isnan(value) for value in values):
        raise ValueError(f"{name} must be a number or an infinity; got nan")
