"""The judge itself: its real code, and twins of it that take many trials at once.

A twin computes what the judge computes, for all looks of all trials in one go; ``agreement`` holds it against
``PairedJudge.check`` after every pair, in every run of the bench.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from benchmarks.judge.foils import first_true
from benchmarks.judge.noises import Floats
from kaizen.evidence import BETS, flips, signs
from kaizen.judges.paired import PairedJudge
from kaizen.judges.paired.proof import FlippedCoins, SignedScores
from kaizen.metric import Metric
from kaizen.setting import Numbers, Setting
from kaizen.standard import Increment
from kaizen.trial import Block, Design, Fault, Outcome, Reading, Trial

LEVELS: Final = (0.05, 0.025)
"""The usual α, and that of a first trial under the usual error budget."""

_WORSE, _SMALL = math.log(20), math.log(5)
_HOPELESS, _PATIENT = 0.10, 5
_NEVER: Final = 1_000_000
_HINT: Final = 0.72  # a height below this share of the normal quantile is no rare one
_SIGNED, _FLIPPED = SignedScores().name, FlippedCoins().name


class Ended(NamedTuple):
    """How a trial ended, and after how many pairs."""

    decision: str
    pairs: int


# ── twins ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def scores(differences: Floats) -> Floats:
    """Return the signed normal scores ``(trials, pairs)``: twin of ``signs.signed_scores``."""
    ranks = np.array([list(signs.twice_ranks(row)) for row in np.abs(differences).tolist()], dtype=np.float64)
    pair = np.arange(1.0, differences.shape[1] + 1)
    return np.asarray(np.sign(differences) * ndtri(0.5 + (ranks - 1) / (4 * pair)), dtype=np.float64)


def log_paths(psi: Floats) -> Floats:
    """Return the log evidence ``(trials, pairs)`` after each pair: twin of ``signs.log_path``, from scores."""
    total = np.full(psi.shape, -np.inf)
    for bet, weight in zip(BETS, signs.LOG_WEIGHTS, strict=True):
        wins = math.log(2) - np.log1p(np.exp(-2 * bet * psi))
        np.logaddexp(total, weight + np.cumsum(wins, axis=1), out=total)
    return total


class Trials:
    """Trials of one or several metrics, with every look at them."""

    def __init__(
        self, gains: Floats, *, margins: Sequence[float] = (0.0,), worthwhile: Sequence[float] = (0.5,), cap: int = 0
    ) -> None:
        """Take gains ``(metrics, trials, pairs)`` in one unit for each metric; ``cap`` 0 is none."""
        self.gains, self.margins, self.worthwhile, self.cap = gains, tuple(margins), tuple(worthwhile), cap
        looks = gains.shape[2]
        self._over = [scores(gains[k] + margin) for k, margin in enumerate(margins)]
        self._plain = [psi if margin == 0 else scores(gains[k])
                       for k, (psi, margin) in enumerate(zip(self._over, margins, strict=True))]  # fmt: skip
        worse = np.zeros(gains.shape[1:], dtype=bool)
        small = np.ones(gains.shape[1:], dtype=bool)
        for k, (psi, wanted) in enumerate(zip(self._over, worthwhile, strict=True)):
            worse |= log_paths(-psi) >= _WORSE
            small &= log_paths(scores(wanted - gains[k])) >= _SMALL
        if len(gains) == 1 and margins[0] != 0:
            worse |= log_paths(-self._plain[0]) >= _WORSE
        self._worse, self._small = _or_never(first_true(worse)), _or_never(first_true(small))
        self._sums = [np.cumsum(psi, axis=1) for psi in self._over]
        self._plain_sums = [np.cumsum(psi, axis=1) for psi in self._plain]
        self._looks = np.arange(1, looks + 1)
        self._proven: dict[float, NDArray[np.int64]] = {}

    def _proofs(self, alpha: float) -> NDArray[np.int64]:
        if alpha not in self._proven:
            self._proven[alpha] = self.proofs(alpha)
        return self._proven[alpha]

    def proofs(self, alpha: float) -> NDArray[np.int64]:
        """Return after which pair each trial is proven by bets, 0 for never (``evidence.composite``)."""
        gained = np.logaddexp.reduce([log_paths(psi) for psi in self._plain]) - math.log(len(self._plain))
        kept = [log_paths(psi) for psi in self._over]
        return first_true(np.minimum.reduce([gained, *kept]) >= -math.log(alpha))

    def proof(self, trial: int, alpha: float, *, seed: int, drawn: int | None = None, last: int = _NEVER) -> int | None:
        """Return after which pair flips prove a trial, ``None`` for never: ``flips.passage``, real, where it may matter.

        Paths that never come near a rare height cannot be proven and are not flipped. Pairs behind ``last`` do not count.
        """
        last = min(last, self.cap)
        asked = [[own[trial, :last].tolist() for own in self.gains]]
        heights = [[self._plain[k][trial, :last] for k in range(len(self.gains))]]
        if len(self.gains) > 1:
            asked += [[(own[trial, :last] + m).tolist()] for own, m in zip(self.gains, self.margins, strict=True)]
            heights += [[psi[trial, :last]] for psi in self._over]
        found = 0
        for differences, psis in zip(asked, heights, strict=True):
            if not any(_may_be_rare(psi, alpha) for psi in psis):
                return None
            look = flips.passage(differences, alpha=alpha, cap=self.cap, seed=seed, drawn=drawn).proven
            if look is None:
                return None
            found = max(found, look)
        return found

    def futile(self, trial: int, alpha: float) -> int:
        """Return after which pair hope ends: twin of ``evidence.conditional_power`` in ``judges.paired.ends``."""
        goal = float(ndtri(1 - 0.6 * alpha))
        hopes = [self._hope(sums[trial], goal) for sums in self._sums]
        hopes.append(np.max([self._hope(sums[trial], goal) for sums in self._plain_sums], axis=0))
        lost = (np.min(hopes, axis=0) < _HOPELESS) & (self._looks >= _PATIENT)
        return int(lost.argmax()) + 1 if lost.any() else _NEVER

    def _hope(self, sums: Floats, goal: float) -> Floats:
        looks, left = self._looks, self.cap - self._looks
        drift = sums / looks + 0.5 / np.sqrt(looks)
        with np.errstate(all="ignore"):
            hope = ndtr((sums + left * drift - goal * math.sqrt(self.cap)) / np.sqrt(left))
        return np.asarray(np.where(left > 0, hope, sums >= goal * np.sqrt(looks)), dtype=np.float64)

    def end(self, trial: int, alpha: float, *, seed: int, drawn: int | None = None) -> Ended:
        """Return how a trial ends, at the latest with its last pair."""
        ends = {"worse": int(self._worse[trial]), "not_worthwhile": int(self._small[trial])}
        ends["futile"] = self.futile(trial, alpha) if self.cap else _NEVER
        decision = min(ends, key=lambda name: ends[name])  # the first of equals, as the judge looks
        last = min(ends[decision], len(self._looks))
        if self.cap:
            proven = self.proof(trial, alpha, seed=seed, drawn=drawn, last=last)
        else:
            looked = int(self._proofs(alpha)[trial])
            proven = looked if 0 < looked <= last else None
        if proven is not None:
            return Ended("better", proven)
        return Ended(decision if ends[decision] <= len(self._looks) else "undecided", last)


def _or_never(looks: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(np.where(looks > 0, looks, _NEVER), dtype=np.int64)


def _may_be_rare(psi: Floats, alpha: float) -> bool:
    size = np.sqrt(np.cumsum(psi**2))
    return bool(np.any(np.cumsum(psi) > _HINT * float(ndtri(1 - alpha)) * size))


# ── the real judge ──────────────────────────────────────────────────────────────────────────────────────────────────
def design(alpha: float, *, margins: Sequence[float], worthwhile: Sequence[float], cap: int, seed: int) -> Design:
    """Return the design of such a trial; ``cap`` 0 is none."""
    metrics = tuple(
        Metric(name=f"m{k}", better="higher", scale="difference", worthwhile=wanted, margin=margin)
        for k, (margin, wanted) in enumerate(zip(margins, worthwhile, strict=True))
    )
    method = _FLIPPED if cap else _SIGNED
    return Design(metrics=metrics, guards=(), alpha=alpha, pairs=cap or None, coins=seed, method=method)


def trial(frozen: Design, gains: Floats) -> Trial:
    """Return a trial with gains ``(metrics, pairs)``; an infinite one is a fault of the side that it speaks against."""
    blocks = tuple(
        Block(
            number=number,
            standard=_outcome(frozen, [0.0] * len(pair), faulted=math.inf in pair),
            increment=_outcome(frozen, pair, faulted=-math.inf in pair),
        )
        for number, pair in enumerate(gains.T.tolist())
    )
    changed = Increment(of=0, before=Setting(knob=0), after=Setting(knob=1), because="why not", by="bench")
    return Trial(id=1, increment=changed, design=frozen, blocks=blocks)


def _outcome(frozen: Design, values: Sequence[float], *, faulted: bool) -> Outcome:
    if faulted:
        return Fault(reason="lost")
    kept = [value if math.isfinite(value) else 0.0 for value in values]
    return Reading(values=Numbers({metric.name: value for metric, value in zip(frozen.metrics, kept, strict=True)}))


def judged(whole: Trial) -> Ended:
    """Let the real judge look after every pair, until it settles or pairs are out."""
    judge = PairedJudge()
    for count in range(1, len(whole.blocks) + 1):
        verdict = judge.check(msgspec.structs.replace(whole, blocks=whole.blocks[:count]), intervals=False)
        if verdict.settled:
            return Ended(verdict.decision, count)
    return Ended("undecided", len(whole.blocks))


def agreement(many: Trials, alpha: float, *, seed: int, first: int) -> int:
    """Return on how many of the first so many trials the twin and the real judge end alike, pair for pair."""
    alike = 0
    for k in range(first):
        frozen = design(alpha, margins=many.margins, worthwhile=many.worthwhile, cap=many.cap, seed=seed + k)
        real = judged(trial(frozen, many.gains[:, k]))
        alike += real == many.end(k, alpha, seed=seed + k)
    return alike
