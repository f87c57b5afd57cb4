"""Made families: functions that are alike but not the same, each in units of its own.

quadratics  five numbers, a bowl whose bottom moves a little from member to member
valleys     three numbers, a choice and a switch; a valley whose floor bends, and a corner where runs fail
"""

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

_MEMBERS = 5
_MOVE = 0.06  # standard deviation of a bottom's place


def _quadratic(setting: Mapping[str, Any], *, member: int) -> dict[str, float]:
    rng = np.random.default_rng([member, 11])
    bottom = np.array([0.7, 0.25, 0.6, 0.4, 0.8]) + _MOVE * rng.standard_normal(5)  # ~ N(c, .06²)
    steep = np.array([4.0, 3.0, 2.0, 1.0, 0.5]) * np.exp(0.2 * rng.standard_normal(5))
    off = np.array([setting[f"x{i}"] for i in range(5)]) - bottom
    low = float(steep @ (off * off)) + 0.5 * off[0] * off[1]
    return {"loss": (1.0 + max(0.0, low)) ** (1.0 + 0.5 * member) * 10.0**member}


def _valley(setting: Mapping[str, Any], *, member: int) -> dict[str, float]:
    rng = np.random.default_rng([member, 12])
    moved = _MOVE * rng.standard_normal(3)  # ~ N(0, .06²)
    heat, flow, hold = (setting[name] for name in ("heat", "flow", "hold"))
    if heat + flow > 1.6 + moved[2]:
        raise ValueError("it burns")
    bend = flow - (0.2 + moved[0] + 0.6 * heat * heat)
    kind = {"plain": 0.0, "fine": 0.3, "coarse": -0.4}[setting["kind"]]
    taste = 3.0 * math.exp(-8.0 * bend * bend) * (0.4 + heat) - 2.0 * (hold - 0.5 - moved[1]) ** 2 + kind
    return {"yield": (taste + 0.3 * setting["steam"]) * (1.0 + member)}


def _named(function: Callable[..., dict[str, float]], name: str) -> None:
    for member in range(_MEMBERS):
        globals()[f"{name}_{member}"] = functools.partial(function, member=member)


_named(_quadratic, "quadratic")
_named(_valley, "valley")
