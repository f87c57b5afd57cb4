"""After the adoption: shadow pairs until a fall is heard, and until one is heard that is none."""

import math
from functools import partial

import msgspec
import numpy as np
from scipy.special import ndtri

from benchmarks.judge import noises, ours
from benchmarks.judge.foils import Looks, first_true
from benchmarks.judge.noises import Floats
from benchmarks.judge.rows import Chance, Row, Size
from benchmarks.judge.table import LEVEL, Line, Met, met
from kaizen.evidence import BETS, WEIGHTS
from kaizen.listeners.shadow import PAIRS as ARL
from kaizen.listeners.shadow import ShadowListener
from kaizen.trial import Trial

WORLDS = ("normal", "t3", "drift")
_MEDIAN = 20.0  # pairs to hear a fall of one sd, at most
_END = 5000  # pairs after which a run without regression is counted as it is
_FALLS = (0.5, 1.0, 2.0)  # sd of a pair's difference
_HEALTHY = 100  # pairs before a later fall
_IN_A_ROW = 3


def alarms(losses: Floats, level: float = ARL) -> Looks:
    """Return after which pair each watch sounds, 0 for never: twin of ``alarm.log_alarm_path``."""
    psi, bets = ours.scores(losses), np.array(BETS)
    sums = np.zeros((len(losses), len(BETS)))
    found = np.zeros(len(losses), dtype=np.int64)
    for t in range(losses.shape[1]):
        sums = (1.0 + sums) * (1.0 + np.tanh(bets * psi[:, t, None]))  # (1)
        rings = (sums @ np.array(WEIGHTS) >= level) & (found == 0)
        found[rings] = t + 1
        if found.all():
            break
    return found


def _false(world: str, chance: Chance, size: Size) -> list[Line]:
    """Let watches run on without any regression: how long until one sounds?"""
    many, rng = size.count(600, 4000), chance.rng()
    lengths: list[int] = []
    naive: list[int] = []
    while len(lengths) < many:
        gains = _steady(world, rng, min(50, many - len(lengths)))
        lengths += [int(look) or _END for look in alarms(gains)]
        naive += [int(look) or _END for look in first_true(_in_a_row(gains))]
    mean, error = float(np.mean(lengths)), float(np.std(lengths) / math.sqrt(len(lengths)))
    cut = sum(length == _END for length in lengths)
    what = f"nothing has fallen: mean pairs to an alarm, at most {_END:,} counted"
    return [
        Line(row="watch", what=what, column=world, of=many, wanted="≥ 1,000", met=_long_enough(mean, error),
             figure=f"{mean:,.0f} ± {error:.0f}, {cut} cut"),
        Line(row="watch", what="nothing has fallen: mean pairs to an alarm", column=world, of=many,
             who=f"{_IN_A_ROW} worse in a row", figure=f"{np.mean(naive):,.0f}"),
    ]  # fmt: skip


def _long_enough(mean: float, error: float) -> Met:
    """Tell by bounds that are each wrong once in a hundred."""
    away = float(ndtri(1 - LEVEL)) * error
    return "met" if mean - away >= ARL else "missed" if mean + away < ARL else "too few"


def _steady(world: str, rng: np.random.Generator, many: int) -> Floats:
    """Return differences of standards that do not differ."""
    return noises.differences(world, rng, (many, _END))


def _in_a_row(losses: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    worse = losses > 0
    found = worse.copy()
    for back in range(1, _IN_A_ROW):
        found[:, back:] &= worse[:, :-back]
        found[:, :back] = False
    return found


def _fallen(world: str, chance: Chance, size: Size) -> list[Line]:
    """Let the new standard be worse, from the first pair or after a healthy hundred."""
    many, rng, lines = size.count(500, 4000), chance.rng(), []
    own = noises.differences(world, rng, (100, 400))
    sd = float(np.subtract(*np.quantile(own, [0.75, 0.25]))) / (2 * float(ndtri(0.75)))  # robust: t3 has wild ones
    for fall in _FALLS:
        noise = noises.differences(world, rng, (many, 400))
        looks = alarms(noise + fall * sd)
        took = np.where(looks > 0, looks, 400)
        wanted = f"median ≤ {_MEDIAN:g}" if fall == 1.0 else ""
        middle = float(np.median(took))
        lines.append(Line(row="watch", what=f"fallen by {fall:g} sd from the first pair: median, nine in ten", column=world,
                          wanted=wanted, of=many, figure=f"{middle:.0f}, {np.quantile(took, 0.9):.0f}",
                          met=met(middle <= _MEDIAN) if wanted else ""))  # fmt: skip
    noise = noises.differences(world, rng, (many, _HEALTHY + 400))
    noise[:, _HEALTHY:] += sd
    looks = alarms(noise)
    took = np.where(looks > 0, looks, _HEALTHY + 400)[(looks == 0) | (looks > _HEALTHY)] - _HEALTHY
    figure = f"{np.median(took):.0f}, {np.quantile(took, 0.9):.0f}"
    what = f"fallen by 1 sd after {_HEALTHY} healthy pairs: median, nine in ten"
    return [*lines, Line(row="watch", what=what, column=world, of=many, figure=figure)]


def _agreement(chance: Chance, size: Size) -> list[Line]:
    """Hold the twin against the listener, which hears every pair of a watch."""
    few, rng = size.count(10), chance.rng()
    gains = rng.standard_normal((few, 60)) - 1.0
    looks, alike = alarms(0.0 - gains), 0
    frozen = ours.design(0.05, margins=(0.0,), worthwhile=(0.5,), cap=0, seed=chance.coins)
    listener = ShadowListener()
    for own, look in zip(gains, looks, strict=True):
        watch = ours.trial(frozen, 0.0 - own[None])  # a watch's increment goes back to the standard before
        watch = msgspec.structs.replace(watch, purpose="shadow")
        proof = ours.trial(frozen, rng.standard_normal((1, 8)))
        heard = next((n for n in range(1, 61) if _hears(listener, watch, proof, n)), 0)
        alike += heard == look
    said = "twin and real listener hear a fall at the same pair"
    return [Line(row="watch", what=said, wanted="all", of=few, figure=f"{alike} alike", met=met(alike == few))]


def _hears(listener: ShadowListener, watch: Trial, proof: Trial, pairs: int) -> bool:
    heard = listener.hear(msgspec.structs.replace(watch, blocks=watch.blocks[:pairs]), proof)
    return heard is not None and heard.sound == "fallen"


WATCH = Row(
    "a standard that falls behind, heard by shadow pairs",
    {
        **{f"{world}, steady": partial(_false, world) for world in WORLDS},
        **{f"{world}, fallen": partial(_fallen, world) for world in WORLDS},
        "agreement": _agreement,
    },
)
