"""Real noise: raw timings of GPU kernels, and repeats of training runs, in the order in which they were recorded.

Neighbours of one setting make a pair, our coin says which of them is called the increment: a change that does nothing, in
noise that nobody made up. The folder of data is named by ``KAIZEN_BENCH_DATA``; without it this row is left out.
"""

import csv
import gzip
import json
import math
import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import stdtr

from benchmarks.judge import foils, noises, ours
from benchmarks.judge.noises import Floats
from benchmarks.judge.ours import LEVELS
from benchmarks.judge.rows import Chance, Part, Row, Size
from benchmarks.judge.table import Line, foil, within
from kaizen.evidence import flips

VARIABLE = "KAIZEN_BENCH_DATA"
GPUS = ("A100", "A4000", "A6000", "W7800", "MI250X", "W6600")
_KERNELS = Path("kernel_tuner", "convolution_milo")
_RUNS = Path("nanogpt", "runs.csv")
_REPEATS = 4  # of one training, at least
_TRAININGS = 24  # pairs of one trial


def folder() -> Path | None:
    """Return the folder of data, ``None`` where none is named or it holds none of it."""
    named = os.environ.get(VARIABLE)
    found = Path(named) if named else None
    return found if found and (found / _KERNELS).is_dir() and (found / _RUNS).is_file() else None


def timings(path: Path) -> Floats:
    """Return raw timings ``(settings, timings)`` in recorded order, of settings that did not fail."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        cache: dict[str, Any] = json.load(file)["cache"]
    rows = [row["times"] for row in cache.values() if not isinstance(row["time"], str)]
    most = max(map(len, rows))
    return np.array([row for row in rows if len(row) == most], dtype=np.float64)


def _kernels(gpu: str, chance: Chance, size: Size) -> list[Line]:
    """Judge settings of one GPU, each a trial of 16 pairs of neighbouring timings, compared by ratio."""
    found, rng = folder(), chance.rng()
    assert found is not None, "without data the part is left out"
    every = timings(found / _KERNELS / f"{gpu}.json.gz")
    drawn = every[rng.permutation(len(every))[: size.count(1000, len(every))]]
    logs = -np.log(drawn)
    increment, standard = noises.pairs(logs, rng)
    lines = _lines(gpu, increment - standard, chance)
    theirs = partial(foil, row="real", column=gpu)
    wrong = int((_halves(drawn) < 0.05).sum())
    lines.append(theirs("one half of the timings beside the other, p < .05", "Welch", wrong, of=len(drawn)))
    half = logs.shape[1] // 2
    looks = _either(logs[:, :half], logs[:, half:])
    lines.append(theirs("one half beside the other, after every timing", "remembered, peeking", looks, of=len(logs)))
    return lines


def _halves(every: Floats) -> Floats:
    """Return Welch's two-sided p of the two halves of each setting."""
    half = every.shape[1] // 2
    one, other = every[:, :half], every[:, half:]
    wide, spread = one.var(axis=1, ddof=1) / half, other.var(axis=1, ddof=1) / half
    with np.errstate(all="ignore"):
        t = (one.mean(axis=1) - other.mean(axis=1)) / np.sqrt(wide + spread)
        degrees = (wide + spread) ** 2 / (wide**2 + spread**2) * (half - 1)
        p = 2 * stdtr(degrees, -np.abs(t))
    return np.where(np.isfinite(p), p, 1.0)


def _either(before: Floats, now: Floats) -> int:
    """Count settings of which either half looks better than the other."""
    return int((np.maximum(foils.remembered(before, now), foils.remembered(-before, -now)) > 0).sum())


def _lines(name: str, gains: Floats, chance: Chance) -> list[Line]:
    """Judge rows of differences by flips within their number, and by bets."""
    evidence, of, lines = ours.log_paths(ours.scores(gains)), len(gains), []
    ours_ = partial(within, row="real", column=name)
    for alpha in LEVELS:
        hits = int((evidence >= -math.log(alpha)).any(axis=1).sum())
        lines.append(ours_(f"neighbours as pairs: bets, α {alpha:g}", hits, of, alpha))
        hits = sum(
            flips.passage([own], alpha=alpha, cap=len(own), seed=chance.coins + k).proven is not None
            for k, own in enumerate(gains.tolist())
        )
        lines.append(ours_(f"neighbours as pairs: flips, α {alpha:g}", hits, of, alpha, exact=True))
    looks = foils.peeking_t(gains)
    lines.append(
        foil("neighbours as pairs, p < .05", "t-test, peeking", int((looks > 0).sum()), of=of, row="real", column=name)
    )
    return lines


def repeats(path: Path) -> list[list[float]]:
    """Return the final losses of trainings that were repeated, in recorded order."""
    made: dict[tuple[str, str, str], list[float]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["complete"] == "True" and row["final_val_loss"]:
                made.setdefault((row["ref"], row["folder"], row["total_steps"]), []).append(
                    float(row["final_val_loss"])
                )
    return [losses for losses in made.values() if len(losses) >= _REPEATS]


def _trainings(chance: Chance, size: Size) -> list[Line]:
    """Judge trials of 24 pairs, each of two neighbouring repeats of one training, drawn from all that were repeated."""
    found, rng = folder(), chance.rng()
    assert found is not None, "without data the part is left out"
    groups = [np.array(losses) for losses in repeats(found / _RUNS)]
    trials = []
    for _ in range(size.count(1000, 10_000)):
        drawn = rng.choice(len(groups), size=_TRAININGS, replace=False)
        firsts = [2 * int(rng.integers(len(groups[k]) // 2)) for k in drawn]
        trials.append([groups[k][at : at + 2] for k, at in zip(drawn, firsts, strict=True)])
    readings = -np.array(trials).reshape(len(trials), -1)
    increment, standard = noises.pairs(readings, rng)
    return _lines("trainings", increment - standard, chance)


def _parts() -> dict[str, Part]:
    return {**{gpu: partial(_kernels, gpu) for gpu in GPUS}, "trainings": _trainings}


REAL = Row("real noise, our coin assigning sides", _parts())
