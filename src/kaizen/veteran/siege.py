"""Attacks on packs: what one who wants to know more than a pack says can find out. Run by their makers, to know it first.

*Was this run among them?* The attacker knows the process, how packs are made and every other run, and sees a pack. Shadow packs,
made again and again with and without the run, tell how likely each word is either way; the likelihood ratio of a new pack is
the guess. Its AUC is .5 where nothing is told. No attack does better than the exact likelihood ratio, which is worked out, too,
where there are few counts.

*Where is the optimum?* The attacker knows the ranges, and asks as often as the pack answers: each parameter alone from end to
end, then ever smaller steps around what was said, then everything at once. What each answer has meant in made-up processes
whose optimum is known tells where to guess.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kaizen.metric import lower
from kaizen.parameter import Real, Whole
from kaizen.process import Process
from kaizen.setting import Setting
from kaizen.veteran import advising, packs
from kaizen.veteran.advising import Heard
from kaizen.veteran.dither import Chance, above, telling
from kaizen.veteran.packs import Pack, Terms
from kaizen.veteran.tally import Cell, Owner, Vote, tally_all

Floats = NDArray[np.float64]

_EXACT = 8  # counts up to which all packs there are can be gone through
_FIRST = 0.5  # what is added to how often shadow packs said a word
_WIDE, _NARROW, _SHRINKS = 0.3, 0.03, 0.96  # steps of a made-up history


# ── was this run among them? ──────────────────────────────────────────────────────────────────────────────────────────
class Membership(NamedTuple):
    """How well one run's presence is told."""

    shadow: float
    """AUC of the attack with shadow packs."""
    exact: float | None
    """AUC of the exact likelihood ratio; ``None`` where there are too many counts."""
    packs: int
    """On either side, by which ``shadow`` is measured."""

    @property
    def error(self) -> float:
        """The standard error of ``shadow``, as it is near ½."""
        return math.sqrt((2 * self.packs + 1) / (12.0 * self.packs**2))


def membership(
    owners: Sequence[Owner], target: tuple[int, int], scale: int, *, shadows: int, chance: Chance
) -> Membership:
    """Attack one run, named by its process's place and its own there; ``shadows`` packs of each kind to learn from, and to guess.

    How ties were broken is known to the attacker, too.
    """
    process, run = target
    less = owners[process]._replace(votes=owners[process].votes[:run] + owners[process].votes[run + 1 :])
    kept = _Known(chance)
    there = kept.counts(owners)
    here = kept.counts([less if at == process else one for at, one in enumerate(owners)], without=target)
    cells = list(there)
    with_, without = ([counted[cell] for cell in cells] for counted in (there, here))
    moved = [at for at in range(len(cells)) if with_[at] != without[at]]
    sides = [[counts[at] for at in moved] for counts in (with_, without)]
    if not moved:  # the run in the middle: its pack is the same without it
        return Membership(0.5, 0.5, shadows)
    learned, seen = (
        [np.array([packs.words(side, scale, chance) for _ in range(shadows)]) for side in sides] for _ in range(2)
    )
    ratio = [np.log(_often(learned[0], word) / _often(learned[1], word)) for word in (-1, 0, 1)]
    scores = [np.sum(np.choose(one + 1, [r[None, :] for r in ratio]), axis=1) for one in seen]
    return Membership(auc(scores[0], scores[1]), exact(sides, scale) if len(moved) <= _EXACT else None, shadows)


class _Known:
    """Chance that breaks ties of the same run the same way, with the target and without."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._keys: dict[tuple[int, int], int] = {}
        self._left: list[tuple[int, int]] = []

    def randrange(self, stop: int, /) -> int:
        """Return the key of the next run."""
        at = self._left.pop(0)
        if at not in self._keys:
            self._keys[at] = self._chance.randrange(stop)
        return self._keys[at]

    def counts(self, owners: Sequence[Owner], *, without: tuple[int, int] | None = None) -> Mapping[Cell, int]:
        """Count with the keys that were thrown before."""
        more = int(without is not None)
        sizes = [len(one.votes) + more * (without is not None and without[0] == at) for at, one in enumerate(owners)]
        self._left = [(at, run) for at, size in enumerate(sizes) for run in range(size) if (at, run) != without]
        return tally_all(owners, self)


def _often(words: NDArray[np.int64], word: int) -> Floats:
    return np.asarray((np.sum(words == word, axis=0) + _FIRST) / (len(words) + 3 * _FIRST))


def auc(there: Floats, here: Floats) -> float:
    """Return the chance that one with the run has more than one without, equals by halves."""
    pooled = np.concatenate([there, here])
    _, at, count = np.unique(pooled, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - (count - 1) / 2.0)[at.reshape(-1)]
    n = len(there)
    return float((ranks[:n].sum() - n * (n + 1) / 2.0) / (n * len(here)))


def exact(sides: Sequence[Sequence[int]], scale: int) -> float:
    """Return the AUC of the likelihood ratio of all packs there are, by their chances with the run and without."""
    chances = [[word_chances(count, scale) for count in side] for side in sides]
    p, q = (
        np.array([math.prod(one[word] for one, word in zip(side, pack, strict=True)) for pack in itertools.product(range(3), repeat=len(side))])
        for side in chances
    )  # fmt: skip
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.round(np.log(p) - np.log(q), 12)
    possible = ~np.isnan(ratio)  # with the run, or without
    _, at = np.unique(ratio[possible], return_inverse=True)
    with_, without = (np.bincount(at.reshape(-1), weights=one[possible]) for one in (p, q))
    return float(np.sum(with_ * (np.cumsum(without) - without / 2.0)))


def word_chances(count: int, scale: int) -> tuple[float, float, float]:
    """Return the chances of -1, 0 and 1 of one count (eq. 1 of ``packs``)."""
    up, down = above(scale, scale - count), above(scale, scale + count)
    return down, max(0.0, 1.0 - up - down), up


# ── where is the optimum? ─────────────────────────────────────────────────────────────────────────────────────────────
def bowl(parameters: int) -> Process:
    """Return a made-up process of so many numbers."""
    names = [f"x{at}" for at in range(parameters)]
    return Process(
        name="bowl",
        parameters=tuple(Real(name=name, low=0.0, high=1.0) for name in names),
        metrics=(lower("loss", worthwhile=0.01, exact=True),),
        standard=Setting(dict.fromkeys(names, 0.5)),
    )


def history(process: Process, optimum: Floats, runs: int, rng: np.random.Generator) -> Owner:
    """Return a process whose runs have found its optimum: half of them anywhere, half ever closer to the best so far."""
    steep = np.exp(rng.uniform(-0.7, 0.7, len(optimum)))  # ~ U[½, 2] in logarithm
    best, least, width, votes = np.full(len(optimum), 0.5), math.inf, _WIDE, []
    for _ in range(runs):
        near = rng.random() < 0.5 and least < math.inf
        at = np.clip(best + width * rng.standard_normal(len(best)), 0.0, 1.0) if near else rng.random(len(best))
        loss = float(steep @ (at - optimum) ** 2)
        votes.append(Vote(Setting({f"x{j}": float(value) for j, value in enumerate(at)}), -loss))
        if loss < least:
            best, least = at, loss
        width = max(_NARROW, width * _SHRINKS)
    return Owner(process, tuple(votes))


class Asked(NamedTuple):
    """What a pack has let be known of each parameter, and by how many answers."""

    heard: tuple[int, ...]
    """The sign of the longest step up that it spoke of."""
    answers: int


def interrogate(heard: Heard, budget: int) -> Asked:
    """Ask a pack by increments alone, adaptively, until its answers are spent or there is nothing left to ask."""
    names = [p.name for p in heard.process.parameters]
    known: set[tuple[str, ...]] = set()
    found = dict.fromkeys(names, 0)

    def ask(before: dict[str, float], after: dict[str, float]) -> int | None:
        asked = advising.question(heard, Setting(before), Setting(after))
        if asked and asked not in known:
            if len(known) >= budget:
                return None
            known.add(asked)
        return advising.answer(heard, Setting(before), Setting(after)) if asked else 0

    middle = dict.fromkeys(names, 0.5)
    for name in names:  # each alone, from end to end
        found[name] = ask({**middle, name: 0.0}, {**middle, name: 1.0}) or 0
    width = 0.5
    while width > 0.01:
        for name in names:
            at = 0.5 + 0.25 * found[name]
            ask({**middle, name: max(0.0, at - width / 2)}, {**middle, name: min(1.0, at + width / 2)})
        width /= 2
    rng = np.random.default_rng(len(names))
    for _ in range(4 * budget):  # several at once, to weigh parameters against one another
        ends = rng.integers(0, 2, (2, len(names)))
        told = ask(*(dict(zip(names, map(float, end.tolist()), strict=True)) for end in ends))
        if told is None:
            break
    return Asked(tuple(found[name] for name in names), len(known))


class Location(NamedTuple):
    """How far the guess of an optimum is off, in shares of ranges."""

    error: Floats
    """``(parameters,)``: mean over owners."""
    sd: Floats
    """``(parameters,)``: standard error of that."""
    blind: float
    """What guessing the middle of each range would be off by."""
    answers: float
    """Questions that were answered, on average."""


def locate(
    parameters: int, runs: int, wanted: Terms, *, shadows: int, owners: int, seed: int, chance: Chance
) -> Location:
    """Attack so many made-up ``owners``, each with an optimum of its own, after learning from as many ``shadows``."""
    process, rng = bowl(parameters), np.random.default_rng([seed, parameters, runs])
    optima = rng.random((shadows + owners, parameters))
    asked = []
    for optimum in optima:
        owner = history(process, optimum, runs, rng)
        made = packs.make([owner], wanted, name="shadow", better="lower", chance=chance)
        heard = advising.hear(made, process)
        assert heard is not None, "it was made of the same process"
        asked.append(interrogate(heard, wanted.answers))
    said = np.array([one.heard for one in asked])
    guess = np.full(3, 0.5)
    for word in (-1, 0, 1):
        seen = optima[:shadows][said[:shadows] == word]
        guess[word + 1] = float(np.median(seen)) if len(seen) else 0.5
    off = np.abs(guess[said[shadows:] + 1] - optima[shadows:])
    blind = float(np.abs(optima[shadows:] - 0.5).mean())
    return Location(
        off.mean(axis=0), off.std(axis=0) / math.sqrt(owners), blind, float(np.mean([one.answers for one in asked]))
    )


# ── a pack at hand ────────────────────────────────────────────────────────────────────────────────────────────────────
def canaries(content: bytes, owners: Sequence[Owner], more: Sequence[str] = ()) -> tuple[str, ...]:
    """Return names, values and readings of an owner that stand in a file: all but words that the form itself has."""
    text = content.decode("utf-8", "replace")
    told: dict[str, None] = dict.fromkeys(more)
    for owner in owners:
        process = owner.process
        told |= dict.fromkeys([process.name, *(m.name for m in process.metrics), *(p.name for p in process.parameters)])
        for vote in owner.votes:
            values = [*vote.setting.values(), vote.merit, -vote.merit]
            told |= dict.fromkeys(repr(value) for value in values if isinstance(value, float) and math.isfinite(value))
            told |= dict.fromkeys(str(value) for value in values if isinstance(value, str))
    return tuple(
        one for one in told if len(one) > 3 and one not in _FORM and (f'"{one}"' in text or _stands(one, text))
    )


def _stands(one: str, text: str) -> bool:
    """Tell whether a word or number stands in a text by itself, and is no part of a longer one."""
    import re

    return re.search(rf"(?<![\w.]){re.escape(one)}(?![\w.])", text) is not None


_FORM = frozenset(
    {*Pack.__struct_fields__, *packs.Said.__struct_fields__, "pack", "lower", "higher", "null", "false", "true"}
)


def bound(pack: Pack) -> float:
    """Return the AUC that no attack on one run exceeds, whatever it knows."""
    return telling(pack.scale, pack.moved // 2)


def off_by(heard: Heard, best: Setting) -> dict[str, float]:
    """Return how far the guess of a known optimum is off, by parameter that is a number, in shares of its range."""
    found = {}
    for name, said in heard.said.items():
        parameter = heard.process.parameter(name)
        if isinstance(parameter, Real | Whole) and name in best:
            found[name] = abs(0.5 + 0.25 * said.says - parameter.place(best[name]))
    return found
