"""Changes that do nothing: how often they are adopted, by noise, under what speaks for one side, and by what interval."""

import math
from collections.abc import Callable
from functools import partial

import msgspec
import numpy as np

from benchmarks.judge import foils, noises, ours
from benchmarks.judge.foils import Looks, first_true
from benchmarks.judge.noises import Floats
from benchmarks.judge.ours import LEVELS
from benchmarks.judge.rows import Chance, Row, Size
from benchmarks.judge.table import Line, foil, lower, met, upper, within
from kaizen.evidence import confidence_interval, flips, means

PAIRS = 50
FAR = 1000
_CHUNK = 250  # trials at once
_ORDER = 0.5  # sd by which the second run of a pair reads better
_HANGS = 0.5  # the share of one side's runs that hang, the worst of them
_LOST = 0.2  # the share of second runs that are lost
_ALONE = 0.05  # the share of one side's runs that are lost by nobody's fault


# ── by noise ────────────────────────────────────────────────────────────────────────────────────────────────────────
def _by_noise(noise: str, chance: Chance, size: Size) -> list[Line]:
    """Count adoptions of changes that do nothing, looking after every pair."""
    ours_, theirs = partial(within, row="null", column=noise), partial(foil, row="null", column=noise)
    many, far, rng = size.count(2000, 20_000), size.count(4000, 20_000), chance.rng()
    increment, standard = noises.pairs(noises.runs(noise, rng, (many, 2 * PAIRS)), rng)
    gains = increment - standard
    reached = _highest(lambda count: noises.differences(noise, rng, (count, FAR)), far)
    near = ours.log_paths(ours.scores(gains)).max(axis=1)
    lines = []
    for alpha in LEVELS:
        for pairs, tops in ((PAIRS, near), (FAR, reached)):
            hits = int((tops >= -math.log(alpha)).sum())
            lines.append(ours_(f"bets, {pairs:,} pairs, α {alpha:g}", hits, len(tops), alpha))
        lines.append(
            ours_(f"flips, cap {PAIRS}, α {alpha:g}", _proven(gains, alpha, chance.coins), many, alpha, exact=True)
        )
        if noise == "pass/fail":
            hits = sum(max(means.log_mean_path(own, 1.0)) >= -math.log(alpha) for own in gains.tolist())
            lines.append(ours_(f"bets on means, {PAIRS} pairs, α {alpha:g}", hits, many, alpha))
    for who, looks in (
        ("t-test, peeking", foils.peeking_t(gains)),
        ("Welch, peeking", foils.peeking_welch(increment, standard)),
        ("t-test, fixed n", foils.fixed_t(gains)),
        ("plug-in sequence", foils.plug_in(gains)),
    ):
        lines.append(theirs(f"{PAIRS} pairs, p < .05", who, _hits(looks), of=many))
    climbed = foils.best_so_far(noises.runs(noise, rng, (many, 101)))
    lines.append(theirs("100 trials", "best_trial", _hits(climbed), of=many))
    near_t = foils.peeking_t(noises.differences(noise, rng, (many // 4, FAR)))
    return [*lines, theirs(f"{FAR:,} pairs, p < .05", "t-test, peeking", _hits(near_t), of=many // 4)]


def _hits(looks: Looks) -> int:
    return int((looks > 0).sum())


def _highest(draw: Callable[[int], Floats], count: int) -> Floats:
    """Return the highest evidence of each trial, drawn in chunks."""
    sizes = [min(_CHUNK, count - done) for done in range(0, count, _CHUNK)]
    return np.concatenate([ours.log_paths(ours.scores(draw(many))).max(axis=1) for many in sizes])


def _proven(gains: Floats, alpha: float, coins: int) -> int:
    """Count trials that flips prove, each with coins of its own."""
    return sum(
        flips.passage([own], alpha=alpha, cap=gains.shape[1], seed=coins + k).proven is not None
        for k, own in enumerate(gains.tolist())
    )


def _agreement(chance: Chance, size: Size) -> list[Line]:
    """Hold the twins against the real judge, which looks after every pair: decision and pairs must be the same."""
    alike, of = 0, 0
    few = size.count(12)
    rng = chance.rng()
    for noise in noises.NOISES:
        for effect, cap, alpha in ((0.0, 30, 0.05), (1.0, 30, 0.025), (0.0, 0, 0.05), (1.0, 0, 0.025)):
            gains = noises.differences(noise, rng, (few, 30))[None] + effect
            alike += ours.agreement(ours.Trials(gains, cap=cap), alpha, seed=chance.coins, first=few)
            of += few
    for cap in (20, 0):
        gains = rng.standard_normal((2, 2 * few, 20)) + np.array([1.0, 0.0])[:, None, None]
        many = ours.Trials(gains, margins=(1.0, 1.0), worthwhile=(0.5, 0.5), cap=cap)
        alike += ours.agreement(many, 0.05, seed=chance.coins, first=2 * few)
        of += 2 * few
    said = "twin and real judge end alike, pair for pair"
    return [Line(row="null", what=said, wanted="all", of=of, figure=f"{alike} alike", met=met(alike == of))]


# ── what speaks for one side ────────────────────────────────────────────────────────────────────────────────────────
def _order(chance: Chance, size: Size) -> list[Line]:
    """Let the second run of every pair read better."""
    many, rng = size.count(2000, 20_000), chance.rng()
    readings = noises.runs("normal", rng, (many, 2 * PAIRS))
    readings[:, 1::2] += _ORDER
    increment, standard = noises.pairs(readings, rng)
    what = f"second runs read {_ORDER:g} sd better"
    lines = _ours(what, increment - standard, chance)
    always = readings[:, 1::2] - readings[:, 0::2]
    lines.append(_foil(f"{what}; standard always first", "t-test, peeking", foils.peeking_t(always)))
    return [*lines, _foil(f"{what}; standard always first", "t-test, fixed n", foils.fixed_t(always))]


def _drift(chance: Chance, size: Size) -> list[Line]:
    """Let the process get better by itself: its standard of before looks old."""
    many, rng = size.count(2000, 20_000), chance.rng()
    increment, standard = noises.pairs(noises.runs("drift", rng, (many, 2 * PAIRS)), rng)
    what = f"drift of {noises.DRIFT:g} sd, days, autocorrelation"
    lines = _ours(what, increment - standard, chance)
    readings = noises.runs("drift", rng, (many, 2 * PAIRS))
    before, now = readings[:, :PAIRS], readings[:, PAIRS:]
    lines.append(_foil(what, "remembered, peeking", foils.remembered(before, now)))
    lines.append(_foil(what, "remembered, one look", foils.remembered(before, now, first=PAIRS)))
    best = readings[:, : PAIRS + 1]
    return [*lines, _foil(f"{what}; {PAIRS} trials", "best_trial", foils.best_so_far(best))]


def _hanging(chance: Chance, size: Size) -> list[Line]:
    """Let the worst of the increment's runs hang; and let second runs get lost, whosever they are."""
    many, rng = size.count(2000, 20_000), chance.rng()
    increment, standard = noises.pairs(noises.runs("normal", rng, (many, 2 * PAIRS)), rng)
    gains = increment - standard
    hung = increment < np.quantile(increment, _HANGS)
    what = f"the worst {_HANGS:.0%} of the increment's runs hang"
    lines = _ours(what, np.where(hung, -np.inf, gains), chance)
    kept = [own[~gone][None] for own, gone in zip(gains, hung, strict=True)]
    for who, rule in (("t-test, peeking", foils.peeking_t), ("t-test, fixed n", foils.fixed_t)):
        looks = np.concatenate([rule(own) for own in kept])
        lines.append(_foil(f"{what}; their pairs dropped", who, looks))
    lost = np.where(rng.random(gains.shape) < 0.5, np.inf, -np.inf)
    some = np.where(rng.random(gains.shape) < _LOST, lost, gains)
    lines += _ours(f"{_LOST:.0%} of second runs are lost, whosever they are", some, chance)
    alone = rng.random(gains.shape) < _ALONE
    lines += _ours(f"{_ALONE:.0%} of the increment's runs are lost, none else", np.where(alone, -np.inf, gains), chance)
    return [
        *lines,
        *_ours(f"{_ALONE:.0%} of the standard's runs are lost, none else", np.where(alone, np.inf, gains), chance),
    ]


def _ours(what: str, gains: Floats, chance: Chance) -> list[Line]:
    evidence, lines, of = ours.log_paths(ours.scores(gains)), [], len(gains)
    for alpha in LEVELS:
        hits = int((evidence >= -math.log(alpha)).any(axis=1).sum())
        lines.append(within(f"{what}: bets, α {alpha:g}", hits, of, alpha, row="sides"))
        hits = _proven(gains, alpha, chance.coins)
        lines.append(within(f"{what}: flips, α {alpha:g}", hits, of, alpha, row="sides", exact=True))
    return lines


def _foil(what: str, who: str, looks: Looks) -> Line:
    return foil(what, who, _hits(looks), of=len(looks), row="sides")


# ── intervals ───────────────────────────────────────────────────────────────────────────────────────────────────────
def _covers(noise: str, chance: Chance, size: Size) -> list[Line]:
    """Count trials whose interval ever leaves out the truth, looking after every pair; moving the truth moves both."""
    many, rng = size.count(2000, 20_000), chance.rng()
    gains = noises.differences(noise, rng, (many, PAIRS))
    psi, alpha = ours.scores(gains), 0.05
    both = np.logaddexp(ours.log_paths(psi), ours.log_paths(-psi)) - math.log(2)
    missed = first_true(both >= -math.log(alpha))
    few = gains[: size.count(1000, 5000)]
    sides = np.array([_contradicted(own, chance.coins + k) for k, own in enumerate(few)])
    lines = [
        _missing("interval of bets", noise, missed, exact=False),
        _missing(f"interval of flips, cap {PAIRS}", noise, sides, exact=True),
    ]
    if noise == "pass/fail":
        averages = np.array([
            max(*means.log_mean_path(own, 1.0), *means.log_mean_path([0.0 - d for d in own], 1.0)) >= math.log(2 / alpha)
            for own in few.tolist()
        ])  # fmt: skip
        lines.append(_missing("interval of the average, by bets", noise, averages.astype(int), exact=False))
    lines.append(_ends(noise, gains[: size.count(20)], missed, chance))
    for who, looks in (
        ("t, peeking", np.maximum(foils.peeking_t(gains), foils.peeking_t(-gains))),
        ("plug-in sequence", np.maximum(foils.plug_in(gains), foils.plug_in(-gains))),
    ):
        wide = "90 %" if who[0] == "t" else "95 %"
        lines.append(Line(row="covers", what=f"{wide} interval", column=noise, who=who, of=many,
                          figure=f"{1 - _hits(looks) / many:.2%}"))  # fmt: skip
    return lines


def _contradicted(own: Floats, seed: int) -> int:
    """Tell whether flips ever contradict the truth, zero, from either side, as ``flips.confidence_interval`` does."""
    sides = (own.tolist(), (0.0 - own).tolist())
    return int(any(flips.passage([one], alpha=0.025, cap=PAIRS, seed=seed, drawn=999).proven for one in sides))


def _missing(what: str, noise: str, missed: Looks, *, exact: bool) -> Line:
    """Return how many intervals hold the truth at all looks, by the share of those that ever leave it out."""
    of, left_out = len(missed), _hits(missed)
    line = within(what, left_out, of, 0.05, row="covers", column=noise, exact=exact)
    end = f"(≤ {1 - lower(left_out, of):.2%})" if exact else f"(≥ {1 - upper(left_out, of):.2%})"
    return msgspec.structs.replace(line, wanted="≥ 95.00%", figure=f"{1 - left_out / of:.2%} {end}")


def _ends(noise: str, gains: Floats, missed: Looks, chance: Chance) -> Line:
    """Hold the count against the real ends of intervals, at some looks: none leaves out what was not contradicted."""
    wrong, of = 0, 0
    for k, own in enumerate(gains.tolist()):
        by_flips = _contradicted(gains[k], chance.coins + k)
        for look in (8, 20, 35, PAIRS):
            low, high = confidence_interval(own[:look], 0.05)
            wrong += not missed[k] and not low <= 0 <= high
            of += 1
        if k < len(gains) // 4:
            low, high = flips.confidence_interval(own, 0.05, cap=PAIRS, seed=chance.coins + k)
            wrong += not by_flips and not low <= 0 <= high
            of += 1
    said = "real ends that leave out what was not contradicted"
    return Line(row="covers", what=said, column=noise, wanted="none", of=of, figure=str(wrong), met=met(wrong == 0))


NULL = Row(
    "false adoption of changes that do nothing, looking after every pair",
    {**{noise: partial(_by_noise, noise) for noise in noises.NOISES}, "agreement": _agreement},
)
SIDES = Row(
    "false adoption where something speaks for one side",
    {"order": _order, "drift": _drift, "hanging": _hanging},
)
COVERS = Row(
    "intervals that hold the truth at all looks",
    {noise: partial(_covers, noise) for noise in noises.NOISES},
)
