"""Which way is better: what the source says, else what its decisions show, else what the metric's name says."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from kaizen.foreign import Better, Foreign, Row

_LOWER = frozenset({
    "loss", "bpb", "bpc", "err", "error", "rmse", "mse", "mae", "mape", "wer", "cer", "ppl", "perplexity",
    "latency", "time", "duration", "seconds", "ms", "ns", "us", "cost", "price", "memory", "mem", "gb", "mb",
    "bytes", "kb", "size", "runtime", "regret", "nll", "ce", "entropy", "gap", "energy", "watts", "power",
    "distance", "violations", "warnings", "misses", "artifact", "p50", "p90", "p95", "p99", "fid", "cycles",
    "instructions",
})  # fmt: skip
_HIGHER = frozenset({
    "acc", "accuracy", "f1", "auc", "auroc", "r2", "psnr", "ssim", "reward", "return", "throughput", "sharpe",
    "bleu", "rouge", "precision", "recall", "map", "score", "rate", "performance", "speedup", "tps", "rps", "qps",
    "iops", "fps", "pass", "passed", "coverage", "win", "wins", "iou", "dice", "utility", "taste", "seo",
    "accessibility", "tflops", "gflops", "yield", "profit", "ndcg", "mrr", "elo", "correct",
})  # fmt: skip
_PRICE = frozenset(
    [
        "memory",
        "mem",
        "gb",
        "mb",
        "kb",
        "bytes",
        "seconds",
        "ms",
        "ns",
        "us",
        "time",
        "duration",
        "cost",
        "price",
        "latency",
        "runtime",
        "artifact",
        "watts",
        "energy",
    ]
)
_FEWEST, _AGREE = 6, 0.75  # decisions that tell a direction, and how many of them must agree


class Direction(NamedTuple):
    """A direction and how it is known; ``None`` where it is not."""

    better: Better | None
    because: str


def direction_of(foreign: Foreign) -> Direction:
    """Tell which way the metric of a foreign record is better."""
    if not foreign.metric:
        return Direction(None, "it has no numbers")
    if foreign.better is not None:
        return Direction(foreign.better, "the source says so")
    shown = by_decisions(foreign.rows, foreign.metric)
    if shown.better is not None:
        return shown
    named = by_name(foreign.metric)
    return Direction(named, "so such metrics are called" if named else "neither its name nor the decisions tell")


def by_name(name: str) -> Better | None:
    """Tell a direction from the words of a metric's name; the last that says anything counts."""
    split = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    for word in reversed(re.split(r"[^a-z0-9]+", split)):
        if word in _LOWER:
            return "lower"
        if word in _HIGHER:
            return "higher"
    return None


def is_price(name: str) -> bool:
    """Tell whether a metric's name is that of a price: time, memory, size, money."""
    return any(word in _PRICE for word in re.split(r"[^a-z0-9]+", name.lower()))


def by_decisions(rows: Sequence[Row], metric: str) -> Direction:
    """Tell a direction from what was kept and what was rejected beside the standard at that moment."""
    standing: float | None = None
    lower = higher = 0
    for row in rows:
        value = row.metrics.get(metric)
        if value is None or row.fault is not None:
            continue
        if standing is not None and value != standing and row.decision in ("kept", "rejected"):
            if (value < standing) == (row.decision == "kept"):
                lower += 1
            else:
                higher += 1
        if row.decision in ("kept", "baseline"):
            standing = value
    decided = lower + higher
    most = max(lower, higher)
    if decided < _FEWEST or most < _AGREE * decided:
        return Direction(None, "its decisions do not tell")
    return Direction("lower" if lower > higher else "higher", f"{most} of {decided} decisions agree with that")
