"""How far one increment may move a parameter: ``at_most``, counted as the parameter is spaced.

In its unit where it is spaced evenly, by a factor where it is spaced by ratios (``log``), in places among ``levels``.
"""

from typing import Any

from kaizen.parameter import Parameter, Real, Whole
from kaizen.setting import Value

_SLACK = 1e-9  # of at_most: what floats may be off


def may_move(parameter: Parameter, before: Value, after: Value) -> bool:
    """Tell whether one increment may move a parameter so far."""
    if not isinstance(parameter, Real | Whole) or parameter.at_most is None:
        return True
    return _apart(parameter, before, after) <= parameter.at_most * (1.0 + _SLACK)


def spell(parameter: Real | Whole) -> str:
    """Say how far one increment may move a parameter: ``5 degC``, ``a factor of 1.5``, ``1 level``."""
    most = parameter.at_most
    if most is None:
        return "anything"
    if isinstance(parameter, Whole) and parameter.levels:
        return f"{most:g} level{'' if most == 1 else 's'}"
    return f"a factor of {most:g}" if parameter.log else f"{most:g} {parameter.unit}".rstrip()


def reach(parameter: Real | Whole, value: Value) -> tuple[float, float]:
    """Return the lowest and the highest place (0 to 1) to which one increment may move ``value``."""
    if parameter.at_most is None:
        return 0.0, 1.0
    return _farthest(parameter, value, 0.0), _farthest(parameter, value, 1.0)


def _farthest(parameter: Real | Whole, value: Value, far: float) -> float:
    """Bisect the way to an end of the range for the last place whose value may be reached."""
    if may_move(parameter, value, parameter.at(far)):
        return far
    near = parameter.place(value)
    for _ in range(50):
        middle = (near + far) / 2
        near, far = (middle, far) if may_move(parameter, value, parameter.at(middle)) else (near, middle)
    return parameter.place(parameter.at(near))


def _apart(parameter: Real | Whole, before: Any, after: Any) -> float:
    """Return how far apart two values are, in what ``at_most`` is counted in."""
    if isinstance(parameter, Whole) and parameter.levels:
        return float(abs(parameter.levels.index(after) - parameter.levels.index(before)))
    return float(max(after / before, before / after) if parameter.log else abs(after - before))
