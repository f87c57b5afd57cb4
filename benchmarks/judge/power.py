"""What proof takes: pairs beside an oracle's, several metrics with margins, futility, and the CPU time of a verdict."""

import math
import statistics
import time
from functools import partial

import numpy as np

from benchmarks.judge import foils, ours
from benchmarks.judge.noises import Floats
from benchmarks.judge.ours import LEVELS, Ended, Trials
from benchmarks.judge.rows import Chance, Row, Size
from benchmarks.judge.table import Line, foil, met, within
from kaizen import evidence
from kaizen.judges.paired import PairedJudge
from kaizen.process import PATIENCE

ALPHA, BETA = 0.05, 0.20
CAPS = {0.5: 60, 0.8: 24, 1.0: 16, 1.5: 10, 2.0: 8}
"""The cap for an effect in sd of a pair: nine in ten such trials are foretold to be proven within it, or nearly.

Chosen for each effect, with its power in view: whoever takes the usual cap for all pays in pairs (row ``first``).
"""
WANTED = {0.5: (1.25, 0.75), 0.8: (1.4, 0.0), 1.0: (1.5, 0.85)}
"""The most pairs in those of the oracle, and the least power."""
_MOST = 7.0  # pairs at 1.5 sd and more
_KILLED = 8.0  # pairs, at caps up to 30
FIRST_SHARES = (0.02, 0.05, 0.1, 0.25, 0.5)
"""ω, of which the streams (``streams``) choose one."""
_LONG = 300  # pairs after which the oracle stops anyway


# ── beside an oracle ────────────────────────────────────────────────────────────────────────────────────────────────
def oracle(rng: np.random.Generator, effect: float, true: float, many: int) -> tuple[float, float]:
    """Return power and mean pairs of Wald's sequential test, which knows the noise and the effect it looks for.

    References:
        Wald (1947), *Sequential Analysis*: the likelihood ratio between (1 - β) / α and β / (1 - α).
    """
    x = rng.standard_normal((many, _LONG)) + true
    log = np.cumsum(effect * (x - effect / 2), axis=1)
    up, down = log >= math.log((1 - BETA) / ALPHA), log <= math.log(BETA / (1 - ALPHA))
    look = (up | down).argmax(axis=1)
    return float(up[np.arange(many), look].mean()), float(look.mean() + 1)


def _effect(effect: float, chance: Chance, size: Size) -> list[Line]:
    """Count the pairs to an end under an effect, normal noise, with all ways to end."""
    many, rng, cap = size.count(2000), chance.rng(), CAPS[effect]
    power, pairs = oracle(rng, effect, effect, 5 * many)
    noise = rng.standard_normal((many, cap)) + effect
    ends = _ended(noise, worthwhile=effect / 2, cap=cap, alpha=ALPHA, chance=chance)
    won, took = sum(one.decision == "better" for one in ends), statistics.fmean(one.pairs for one in ends)
    what = f"d = {effect:g}, cap {cap}, α {ALPHA:g}"
    lines = [Line(row="pairs", what=what, who="oracle SPRT", figure=f"{pairs:.2f} pairs, power {power:.3f}")]
    figure = f"{took:.2f} pairs, {took / pairs:.2f} times the oracle's, power {won / many:.3f}"
    if effect in WANTED:
        times, least = WANTED[effect]
        wanted = f"≤ {times:g} times{f', power ≥ {least:g}' if least else ''}"
        kept = took / pairs <= times and won / many >= least
    else:
        wanted, kept = f"≤ {_MOST:g} pairs", took <= _MOST
    lines.append(Line(row="pairs", what=what, of=many, wanted=wanted, figure=figure, met=met(kept)))
    first = _ended(noise, worthwhile=effect / 2, cap=cap, alpha=LEVELS[1], chance=chance)
    won, took = sum(one.decision == "better" for one in first), statistics.fmean(one.pairs for one in first)
    said = f"{took:.2f} pairs, power {won / many:.3f}"
    lines.append(Line(row="pairs", what=f"d = {effect:g}, cap {cap}, α {LEVELS[1]:g}", figure=said))
    looks = foils.fixed_t(noise)
    said = f"{cap} pairs, power {(looks > 0).mean():.3f}"
    return [*lines, Line(row="pairs", what=what, who="t-test, fixed n", figure=said)]


def _killed(chance: Chance, size: Size) -> list[Line]:
    """Count the pairs that a change which does nothing takes to its end."""
    many, rng, lines = size.count(1500), chance.rng(), []
    for cap in (14, 20, 24, 30, 40):
        noise = rng.standard_normal((many, cap))
        for alpha in LEVELS:
            ends = _ended(noise, worthwhile=0.5, cap=cap, alpha=alpha, chance=chance)
            took = statistics.fmean(one.pairs for one in ends)
            wanted = f"≤ {_KILLED:g} pairs" if cap <= 30 else ""
            lines.append(Line(row="pairs", what=f"does nothing, cap {cap}, worthwhile .5 sd, α {alpha:g}", wanted=wanted,
                              figure=f"{took:.2f} pairs", met=met(took <= _KILLED) if wanted else ""))  # fmt: skip
    return lines


def _first(chance: Chance, size: Size) -> list[Line]:
    """Tell what a first trial takes by each ω of the error budget, under the usual cap."""
    many, rng, lines = size.count(300), chance.rng(), []
    for effect in CAPS:
        noise = rng.standard_normal((many, PATIENCE)) + effect
        for part in FIRST_SHARES:
            alpha = evidence.alpha(0.0, 0, share=part)
            ends = _ended(noise, worthwhile=effect / 2, cap=PATIENCE, alpha=alpha, chance=chance)
            won, took = (
                sum(one.decision == "better" for one in ends) / many,
                statistics.fmean(one.pairs for one in ends),
            )
            what = f"first trial by ω {part:g}: α {alpha:g}, cap {PATIENCE}: pairs, power"
            lines.append(
                Line(row="first", what=what, column=f"d = {effect:g}", of=many, figure=f"{took:.1f}, {won:.2f}")
            )
    return lines


def _ended(gains: Floats, *, worthwhile: float, cap: int, alpha: float, chance: Chance) -> list[Ended]:
    """Return how each trial of one metric ends; one throw of coins serves all."""
    trials = Trials(gains[None], worthwhile=(worthwhile,), cap=cap)
    return [trials.end(k, alpha, seed=chance.coins) for k in range(len(gains))]


# ── several metrics ─────────────────────────────────────────────────────────────────────────────────────────────────
_CORNERS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "two metrics, nothing gained": ((0.0, 0.0), (1.0, 1.0)),
    "two metrics, nothing gained, margins .5": ((0.0, 0.0), (0.5, 0.5)),
    "two metrics, one at its margin, the other 2 sd better": ((-1.0, 2.0), (1.0, 1.0)),
    "two metrics, one at its margin of .5, the other 2 sd better": ((2.0, -0.5), (0.5, 0.5)),
    "two metrics, both at their margins": ((-0.5, -0.5), (0.5, 0.5)),
    "three metrics, nothing gained": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    "three metrics, one at its margin, two 2 sd better": ((2.0, 2.0, -0.5), (0.5, 0.5, 0.5)),
}
"""Effects and margins, in sd of a pair: where *no better* is nearest to *better*."""


def _several(rng: np.random.Generator, effects: tuple[float, ...], shape: tuple[int, int]) -> Floats:
    """Return gains ``(metrics, trials, pairs)`` with effects, correlated by .3."""
    common = rng.standard_normal(shape)
    own = [math.sqrt(0.3) * common + math.sqrt(0.7) * rng.standard_normal(shape) + effect for effect in effects]
    return np.array(own)


def _corner(name: str, chance: Chance, size: Size) -> list[Line]:
    """Count adoptions at a corner of *no better*, looking after every one of 50 pairs, no other end allowed."""
    many, rng, lines = size.count(1000, 10_000), chance.rng(), []
    effects, margins = _CORNERS[name]
    gains = _several(rng, effects, (many, 50))
    for cap, how in ((50, "flips"), (0, "bets")):
        trials = Trials(gains, margins=margins, worthwhile=(0.5,) * len(margins), cap=cap)
        for alpha in LEVELS:
            if cap:
                hits = sum(trials.proof(k, alpha, seed=chance.coins + k) is not None for k in range(many))
            else:
                hits = int((trials.proofs(alpha) > 0).sum())
            lines.append(within(f"{name}: {how}, α {alpha:g}", hits, many, alpha, row="metrics", exact=bool(cap)))
    naive = np.max([foils.peeking_t(own) for own in gains], axis=0)
    any_ = f"{name}: any metric at p < .05"
    return [*lines, foil(any_, "t-test, peeking", int((naive > 0).sum()), of=many, row="metrics")]


def _gained(chance: Chance, size: Size) -> list[Line]:
    """Count proofs of a gain of one sd in one of two metrics, margins of one sd, all ends allowed."""
    many, rng, lines = size.count(600), chance.rng(), []
    for cap, effects in ((20, (1.0, 0.0)), (PATIENCE, (1.0, 0.0)), (20, (1.0, 1.0))):
        gains = _several(rng, effects, (many, cap))
        trials = Trials(gains, margins=(1.0, 1.0), worthwhile=(0.5, 0.5), cap=cap)
        for alpha in LEVELS:
            ends = [trials.end(k, alpha, seed=chance.coins) for k in range(many)]
            won, took = (
                sum(one.decision == "better" for one in ends) / many,
                statistics.fmean(one.pairs for one in ends),
            )
            alone = sum(trials.proof(k, alpha, seed=chance.coins) is not None for k in range(many)) / many
            what = f"gains of {effects[0]:g} and {effects[1]:g} sd, margins 1 sd, cap {cap}, α {alpha:g}"
            lines.append(Line(
                row="metrics", what=what, of=many, wanted="power ≥ .85, ≤ 20 pairs", met=met(won >= 0.85 and took <= 20),
                figure=f"power {won:.3f} in {took:.1f} pairs; {alone:.3f} if no trial ended early",
            ))  # fmt: skip
    return lines


# ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _time(chance: Chance, size: Size) -> list[Line]:
    """Take the CPU time of looks at open trials of 50 pairs, two metrics and a cap; and of the same with intervals."""
    rng, lines, times = chance.rng(), [], size.count(12)
    _verdict(rng, 0.05, 0, intervals=True)  # loads what is loaded late
    for alpha, most in ((0.05, 20.0), (0.025, 0.0), (0.002, 150.0)):
        each: dict[bool, list[float]] = {False: [], True: []}
        for seed in range(chance.coins, chance.coins + 40 * times):
            for intervals in (False, True):
                if len(each[intervals]) < (times // 3 + 1 if intervals else times):
                    settled, took = _verdict(rng, alpha, seed, intervals=intervals)
                    if not settled:
                        each[intervals].append(took)
        for intervals, what in ((False, "a look"), (True, "a verdict with intervals")):
            took = statistics.median(each[intervals])
            lines.append(Line(
                row="time", what=f"{what}: 50 pairs, two metrics, cap 60, α {alpha:g}", of=len(each[intervals]),
                wanted=f"≤ {most:g} ms" if most else "", figure=f"{took:.1f} ms CPU, {max(each[intervals]):.1f} at most",
                met=met(took <= most) if most else "",
            ))  # fmt: skip
    return lines


def _verdict(rng: np.random.Generator, alpha: float, seed: int, *, intervals: bool) -> tuple[bool, float]:
    """Judge a trial with coins of its own; return whether that settles it, and the milliseconds."""
    gains = _several(rng, (0.3, 0.0), (1, 50))[:, 0]
    whole = ours.trial(ours.design(alpha, margins=(1.0, 1.0), worthwhile=(0.5, 0.5), cap=60, seed=seed), gains)
    began = time.process_time()
    settled = PairedJudge().check(whole, intervals=intervals).settled
    return settled, 1e3 * (time.process_time() - began)


PAIRS = Row(
    "pairs to an end, with all ways to end, normal noise",
    {**{f"d = {effect:g}": partial(_effect, effect) for effect in CAPS}, "does nothing": _killed},
)
FIRST = Row("what a first trial takes, by the error budget's ω", {"all": _first})
METRICS = Row(
    "several metrics with margins",
    {**{name: partial(_corner, name) for name in _CORNERS}, "gained": _gained},
)
TIME = Row("CPU time of a verdict", {"all": _time})
