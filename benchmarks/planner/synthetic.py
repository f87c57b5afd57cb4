"""Functions with known difficulties: smooth, mixed, conditional, constrained, and one that diverges."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

_ALPHA = (1.0, 1.2, 3.0, 3.2)
_A = (
    (10.0, 3.0, 17.0, 3.5, 1.7, 8.0),
    (0.05, 10.0, 17.0, 0.1, 8.0, 14.0),
    (3.0, 3.5, 1.7, 10.0, 17.0, 8.0),
    (17.0, 8.0, 0.05, 10.0, 0.1, 14.0),
)
_P = (
    (0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886),
    (0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991),
    (0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650),
    (0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381),
)


def _hartmann(x: Sequence[float]) -> float:
    return -sum(
        alpha * math.exp(-sum(a * (v - p) ** 2 for a, v, p in zip(row, x, centre, strict=True)))
        for alpha, row, centre in zip(_ALPHA, _A, _P, strict=True)
    )


def hartmann6(setting: Mapping[str, Any]) -> dict[str, float]:
    """Return Hartmann's function of six parameters; least -3.32237."""
    return {"loss": _hartmann([setting[f"x{k}"] for k in range(1, 7)])}


def mixed6(setting: Mapping[str, Any]) -> dict[str, float]:
    """Return a loss over four ranges, a whole number and a choice that shifts the rest; least 0."""
    shift, offset = {"red": (0.2, 0.6), "green": (0.7, 0.0), "blue": (0.5, 0.3), "grey": (0.9, 1.0)}[setting["kind"]]
    bowl = sum((setting[f"x{k}"] - shift) ** 2 * weight for k, weight in ((1, 3.0), (2, 1.5), (3, 0.5)))
    rate = (math.log10(setting["rate"]) + 3.0) ** 2 * 0.4
    ripple = 0.15 * (1.0 - math.cos(6.0 * math.pi * (setting["x1"] - shift)))
    return {"loss": bowl + rate + ripple + offset + 0.05 * abs(setting["depth"] - 7)}


def conditional(setting: Mapping[str, Any]) -> dict[str, float]:
    """Return the loss of a solver, each with parameters of its own, and one they share; least 0."""
    shared = 2.0 * (setting["tolerance"] - 0.3) ** 2
    match setting["solver"]:
        case "tree":
            own = 0.02 * (setting["depth"] - 6) ** 2 + 1.5 * (setting["rate"] - 0.15) ** 2 * 4.0
        case "net":
            layers = 0.1 * (setting["layers"] - 2) ** 2
            own = 0.25 + layers + 0.3 * (math.log10(setting["step"]) + 2.5) ** 2 + (0.1 if setting["skip"] else 0.0)
        case _:
            own = 0.5 + 0.5 * (math.log10(setting["penalty"]) + 1.0) ** 2
    return {"loss": shared + own}


def constrained(setting: Mapping[str, Any]) -> dict[str, float]:
    """Return the seconds of a machine whose best speed lies at the edge of what its constraints allow."""
    threads, tile, batch = setting["threads"], setting["tile"], setting["batch"]
    work = 64.0 / threads**0.85 + 0.03 * threads
    cache = 0.25 * abs(math.log2(tile) - 3.0) + 0.35 * (math.log2(batch) - 6.0) ** 2 / 4.0
    spread = 2.0 * (setting["share"] - 0.62) ** 2 * (1.5 if setting["pinned"] else 3.0)
    layout = {"rows": 0.0, "columns": 0.35, "blocks": 0.15 if setting["pinned"] else -0.2}[setting["layout"]]
    return {"seconds": 1.0 + work + cache + spread + layout}


def hpo8(setting: Mapping[str, Any]) -> dict[str, float]:
    """Return a network's loss with a cliff: a rate too high for its width makes it diverge; least near 0.1."""
    rate, decay = math.log10(setting["rate"]), math.log10(setting["decay"])
    width, depth = math.log2(setting["width"]), setting["depth"]
    edge = -1.0 - 0.25 * (width - 5.0) - 0.1 * depth + (0.5 if setting["norm"] else 0.0)
    if rate > edge:
        return {"loss": 10.0 + 20.0 * (rate - edge)}
    fit = (
        0.3 * (edge - rate - 0.4) ** 2 + 0.05 * (decay + 4.0) ** 2 + 0.04 * (width - 8.0) ** 2 + 0.03 * (depth - 4) ** 2
    )
    chosen = {"adam": 0.0, "sgd": 0.15 + 0.5 * (setting["momentum"] - 0.9) ** 2, "lamb": 0.08}[setting["optimizer"]]
    return {"loss": 0.1 + fit + chosen + 0.4 * (setting["dropout"] - 0.2) ** 2}
