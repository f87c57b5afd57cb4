"""Hundreds of candidates in a row under one error budget: what is adopted, how much of it is junk, what it delivers.

A candidate's effect is its true gain over the standard, in sd of a pair's difference; noise is normal. Good ones gain
.5 to 1.5 sd, of the others half do nothing and half do harm. An adoption ends all other open trials, which are proposed
again; their α stays charged, as in the wheel.
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from benchmarks.judge import ours
from benchmarks.judge.noises import Floats
from benchmarks.judge.ours import Ended, Trials
from benchmarks.judge.rows import Chance, Row, Size
from benchmarks.judge.table import Line, met, within
from kaizen import evidence
from kaizen.check import fewest
from kaizen.process import PATIENCE, Policy

LIMIT = Policy().false_adoptions
SHARES = (0.02, 0.05, 0.1, 0.25, 0.5)
"""What the next trial may use of what is left: ω."""
CANDIDATES = 400
GOODS = (0.03, 0.1, 0.3)
WORTHWHILE = 0.5
CAP = PATIENCE

_SCOUTS = 2  # readings of a candidate before its trial, against a standard that is well known
_SCOUT_NOISE = np.sqrt(0.5)  # sd of one reading: a pair has two
_POWER = 0.55
_TOO_RARE = 5e-6  # below it no drawn path may leave: nothing is proven behind the walked looks
_DRAWN = 5.0  # paths drawn, times 1 / α: fewer than the judge draws, and as exact

Effects = Floats


class Test(NamedTuple):
    """One trial that has ended by itself."""

    candidate: int
    gains: Floats
    adopted: bool


class Stream(NamedTuple):
    """What came of the candidates of one stream."""

    tests: list[Test]
    """In the order in which they ended."""
    tried: set[int]
    runs: int
    trials: int
    stopped: bool
    """Whether the budget ran out: it asked for more pairs than a trial may take."""

    @property
    def adopted(self) -> list[int]:
        """The candidates that were adopted."""
        return [test.candidate for test in self.tests if test.adopted]


def effects(rng: np.random.Generator, many: int, good: float) -> Effects:
    """Draw true gains; with no good ones at all, all do nothing."""
    if not good:
        return np.zeros(many)
    bad = np.where(rng.random(many) < 0.5, 0.0, -np.abs(rng.normal(0.0, 0.3, many)))
    return np.asarray(np.where(rng.random(many) < good, rng.uniform(0.5, 1.5, many), bad))


def level(spent: float, adopted: int, part: float) -> float:
    """Return the next trial's α, as ``cycle.next_alpha`` does."""
    return min(LIMIT, evidence.alpha(spent, adopted, limit=LIMIT, share=part))


def judged(
    true: Effects, queue: list[int], rng: np.random.Generator, *, part: float, at_once: int, coins: int
) -> Stream:
    """Try candidates in the order of the queue, so many at once, until none is left or the budget has run out."""
    waiting, trials = list(queue), 0
    many = _trials(true, rng)
    open_: dict[int, tuple[int, Ended, Floats]] = {}  # candidate → when it was opened, how it will end, its gains
    spent, now, runs, adopted, stopped = 0.0, 0, 0, 0, False
    retried, tried = set[int](), set[int]()
    tests: list[Test] = []
    while waiting or open_:
        while waiting and len(open_) < at_once:
            alpha = level(spent, adopted, part)
            if fewest(Policy(pairs=CAP), alpha) > CAP:
                stopped, waiting = True, []
                break
            candidate = waiting.pop(0)
            own, at = (many, candidate) if candidate not in retried else (_trials(true[[candidate]], rng), 0)
            open_[candidate] = (now, _end(own, at, alpha, coins), own.gains[0, at])
            spent, trials = spent + alpha, trials + 1
            tried.add(candidate)
        if not open_:
            break
        first = min(open_, key=lambda candidate: open_[candidate][0] + open_[candidate][1].pairs)
        began, end, gains = open_.pop(first)
        now = began + end.pairs
        runs += 2 * end.pairs
        better = end.decision == "better"
        tests.append(Test(first, gains[: end.pairs], better))
        if better:
            adopted += 1
            runs += sum(2 * (now - since) for since, _, _ in open_.values())
            waiting = [*open_, *waiting]
            retried |= set(open_)
            open_ = {}
    return Stream(tests, tried, runs, trials, stopped)


def _trials(true: Effects, rng: np.random.Generator) -> Trials:
    gains = rng.standard_normal((len(true), CAP)) + true[:, None]
    return Trials(gains[None], worthwhile=(WORTHWHILE,), cap=CAP)


def _end(many: Trials, at: int, alpha: float, coins: int) -> Ended:
    """Return how a trial ends; at an α so small that no drawn path may leave, it never ends well."""
    if alpha < _TOO_RARE:
        return Ended("futile", min(many.futile(at, alpha), CAP))
    return many.end(at, alpha, seed=coins, drawn=max(999, int(_DRAWN / alpha)))


def screened(true: Effects, rng: np.random.Generator) -> list[int]:
    """Return the candidates whose scouts read better than the standard by what is worthwhile."""
    read = true + rng.normal(0.0, _SCOUT_NOISE / np.sqrt(_SCOUTS), len(true))
    return [int(k) for k in np.flatnonzero(read >= WORTHWHILE)]


# ── four hundred candidates ─────────────────────────────────────────────────────────────────────────────────────────
class How(NamedTuple):
    """How candidates come to their trials."""

    scouted: bool
    at_once: int
    part: float

    def __str__(self) -> str:
        """Say it."""
        return f"{'scouted' if self.scouted else 'not scouted'}, {self.at_once} at once, ω {self.part:g}"


ONE_BY_ONE = [How(scouted, 1, part) for scouted in (True, False) for part in SHARES]
EIGHT = [How(scouted, 8, part) for scouted in (True, False) for part in SHARES[::3]]


def _many(good: float, chance: Chance, size: Size) -> list[Line]:
    """Stream candidates one by one and eight at a time, with scouts before and without, for each ω."""
    lines = []
    for how in (*ONE_BY_ONE, *EIGHT):
        rng = chance.rng(f"{how.scouted} {how.at_once}")  # the same candidates for every ω
        streams = [_stream(good, rng.spawn(1)[0], how, chance.coins) for _ in range(size.count(8, 60))]
        lines += _told(how, f"{good:.0%} good", streams)
    return lines


def _stream(good: float, rng: np.random.Generator, how: How, coins: int) -> tuple[Effects, Stream]:
    true = effects(rng, CANDIDATES, good)
    queue = screened(true, rng) if how.scouted else list(range(len(true)))
    return true, judged(true, queue, rng, part=how.part, at_once=how.at_once, coins=coins)


def _told(how: How, column: str, streams: list[tuple[Effects, Stream]]) -> list[Line]:
    """Tell FDR, the share of all good ones that were adopted, and whether the budget ran out before the candidates.

    What is wanted holds for the policy's own ω; the others stand beside it, so that it can be chosen.
    """
    shares = [sum(true[k] <= 0 for k in one.adopted) / max(1, len(one.adopted)) for true, one in streams]
    won = sum(sum(true[k] > 0 for k in one.adopted) for true, one in streams)
    good = sum(int((true > 0).sum()) for true, _ in streams)
    fdr, power, dry = float(np.mean(shares)), won / max(1, good), sum(one.stopped for _, one in streams)
    runs = float(np.mean([one.runs for _, one in streams]))
    own = how.part == Policy().share
    line = partial(Line, row="many", column=column, of=len(streams))
    return [
        line(what=f"{how}: FDR", wanted=f"≤ {LIMIT:g}" if own else "", figure=f"{fdr:.3f}",
             met=met(fdr <= LIMIT) if own else ""),
        line(what=f"{how}: power, runs, budgets run dry", wanted=f"≥ {_POWER:g}" if own else "",
             figure=f"{power:.2f}, {runs:,.0f}, {dry}", met=met(power >= _POWER) if own else ""),
    ]  # fmt: skip


def _none(chance: Chance, size: Size) -> list[Line]:
    """Stream candidates of which none does anything: does any stream ever adopt one?"""
    lines = []
    for how in (*ONE_BY_ONE, *EIGHT):
        if not how.scouted:
            of, rng = size.count(300, 2000), chance.rng(str(how.at_once))
            streams = [_stream(0.0, rng.spawn(1)[0], how, chance.coins + k)[1] for k in range(of)]
            hits = sum(bool(one.adopted) for one in streams)
            lines.append(within(f"{how}: streams that ever adopt", hits, of, LIMIT, row="many", column="none good"))
    return lines


def _agreement(chance: Chance, size: Size) -> list[Line]:
    """Hold ends by fewer drawn paths against the judge's own: both are exact, and seldom differ."""
    rng, few, alike, of = chance.rng(), size.count(15), 0, 0
    for alpha in (0.02, 0.005):
        for effect in (0.0, 0.5, 1.0):
            many = _trials(np.full(few, effect), rng)
            for k in range(few):
                frozen = ours.design(alpha, margins=(0.0,), worthwhile=(WORTHWHILE,), cap=CAP, seed=chance.coins + k)
                real = ours.judged(ours.trial(frozen, many.gains[:, k]))
                alike += real.decision == _end(many, k, alpha, chance.coins).decision
                of += 1
    what = f"trials that {_DRAWN:g} / α drawn paths decide as the judge does"
    return [Line(row="many", what=what, of=of, wanted="≥ 95 %", figure=f"{alike} alike", met=met(alike >= 0.95 * of))]


# ── futility ────────────────────────────────────────────────────────────────────────────────────────────────────────
def _futility(chance: Chance, size: Size) -> list[Line]:
    """Compare trials that may end early with trials that end by proof or by their cap."""
    many, rng, lines = size.count(4000), chance.rng(), []
    true = effects(rng, many, 0.1)
    for cap in (30, 40):
        gains = rng.standard_normal((many, cap)) + true[:, None]
        trials = Trials(gains[None], worthwhile=(WORTHWHILE,), cap=cap)
        for alpha in ours.LEVELS:
            ends = [trials.end(k, alpha, seed=chance.coins) for k in range(many)]
            proofs = [trials.proof(k, alpha, seed=chance.coins) for k in range(many)]
            runs = 2 * sum(one.pairs for one in ends)
            plain = 2 * sum(cap if look is None else look for look in proofs)
            gain = sum(true[k] for k, one in enumerate(ends) if one.decision == "better")
            most = sum(true[k] for k, look in enumerate(proofs) if look is not None)
            times, lost = plain / runs, 1 - gain / most
            lines.append(Line(
                row="futility", what=f"10 % good, cap {cap}, α {alpha:g}", wanted="≥ 3 times fewer runs, ≤ 5 % gain lost",
                figure=f"{times:.2f} times fewer runs ({plain:,} to {runs:,}), {lost:.1%} of the gain lost",
                met=met(times >= 3 and lost <= 0.05),
            ))  # fmt: skip
    return lines


MANY = Row(
    f"{CANDIDATES} candidates under one error budget, cap {CAP}",
    {**{f"{good:.0%} good": partial(_many, good) for good in GOODS}, "none good": _none, "agreement": _agreement},
)
FUTILITY = Row("what ending early saves and loses", {"all": _futility})
