"""What every judge must do. Inherit ``JudgeContract``, say how yours is made, and let pytest run it.

    class TestMine(JudgeContract):
        def make_judge(self):
            return MyJudge()

The heart of it is exact, without seed or tolerance: where a change does nothing, the coin makes every pattern of signs
of the differences equally likely, so of all 2^n patterns no more than a share alpha may ever be called better.
"""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
import pytest

from kaizen.check import Judge
from kaizen.metric import Guard, Metric, higher, lower
from kaizen.setting import Numbers, Setting
from kaizen.standard import Increment
from kaizen.trial import Block, Design, Fault, Outcome, Reading, Trial
from kaizen.verdict import Verdict

TASTE = higher("taste", scale="difference", worthwhile=0.5)
WASTE = lower("waste", worthwhile=0.02, margin=0.05)
PRICE = lower("price", kind="price", exact=True, worthwhile=0.02, margin=0.0)
_LEVEL = 64.0  # of the standard: sums with the sizes below are exact


def trial_of(
    pairs: Sequence[tuple[Outcome | float, Outcome | float]],
    *,
    metrics: tuple[Metric, ...] = (TASTE,),
    guards: tuple[Guard, ...] = (),
    alpha: float = 0.025,
    most: int | None = 40,
    method: str = "",
) -> Trial:
    """Return a trial of complete pairs (standard, increment); a number is a reading of every metric."""

    def outcome(value: Outcome | float) -> Outcome:
        if isinstance(value, Reading | Fault):
            return value
        return Reading(values=Numbers({metric.name: value for metric in metrics}))

    before = Setting(heat=220.0)
    increment = Increment(of=1, before=before, after=Setting(heat=230.0), because="a darker crust", by="ana")
    design = Design(metrics=metrics, guards=guards, alpha=alpha, pairs=most, coins=7, method=method)
    blocks = (Block(number=n, standard=outcome(one), increment=outcome(other)) for n, (one, other) in enumerate(pairs))
    return Trial(id=1, increment=increment, design=design, blocks=tuple(blocks))


def swapped(trial: Trial) -> Trial:
    """Return the trial with standard and increment in each other's place."""
    blocks = (Block(number=b.number, standard=b.increment, increment=b.standard) for b in trial.blocks)
    return msgspec.structs.replace(trial, blocks=tuple(blocks))


def share_ever_better(judge: Judge, sizes: Sequence[float], *, alpha: float, most: int, method: str = "") -> float:
    """Return the share of all patterns of signs that are ever called better, looking after each pair.

    Walks the tree of patterns depth first: a path ends where the judge settles it.
    """

    def walk(gains: tuple[float, ...]) -> float:
        if gains:
            verdict = judge.check(gaining(gains, alpha=alpha, most=most, method=method), intervals=False)
            if verdict.settled:
                return float(verdict.decision == "better")
        if len(gains) == len(sizes):
            return 0.0
        size = sizes[len(gains)]
        return (walk((*gains, size)) + walk((*gains, -size))) / 2

    return walk(())


def gaining(gains: Sequence[float], *, alpha: float = 0.025, most: int | None = 40, method: str = "") -> Trial:
    """Return a trial whose pairs differ by ``gains``; an infinite one is a fault of the other side."""
    fault = Fault(reason="crash")
    sides: list[tuple[Outcome | float, Outcome | float]] = []
    for gain in gains:
        if math.isinf(gain):
            sides.append((fault, _LEVEL) if gain > 0 else (_LEVEL, fault))
        else:
            sides.append((_LEVEL, _LEVEL + gain))
    return trial_of(sides, alpha=alpha, most=most, method=method)


class JudgeContract:
    """The contract of ``kaizen.check.Judge``."""

    SIZES: ClassVar[dict[str, tuple[float, ...]]] = {
        "normal": (0.75, 1.5, 0.25, 2.25, 0.5, 1.25, 0.125, 3.0, 1.0, 0.375, 1.75, 0.625),
        "growing": tuple(2.0**k for k in range(12)),
        "all equal": (1.0,) * 12,
        "falling": tuple(2.0**-k for k in range(12)),
        "faults between": (1.0, math.inf, 0.5, 2.0, math.inf, 0.25, 3.0, math.inf, 1.5, 0.75, 4.0, 0.125),
        "zeros between": (1.0, 0.0, 2.0, 0.5, 0.0, 3.0, 1.5, 0.0, 0.25, 2.5, 0.75, 4.0),
    }
    """Sizes of differences; their signs are what the coin throws."""

    METHOD: ClassVar[str] = ""
    """The method that designs name; empty for the one that the judge takes by itself."""

    def make_judge(self) -> Judge:
        """Return the judge."""
        raise NotImplementedError

    @pytest.fixture
    def judge(self) -> Judge:
        """Make the judge under test."""
        return self.make_judge()

    def trial(self, pairs: Sequence[tuple[Outcome | float, Outcome | float]], **more: Any) -> Trial:
        """Return a trial of complete pairs, judged by the method under test."""
        return trial_of(pairs, method=self.METHOD, **more)

    def gaining(self, gains: Sequence[float], **more: Any) -> Trial:
        """Return a trial whose pairs differ by ``gains``, judged by the method under test."""
        return gaining(gains, method=self.METHOD, **more)

    # ── the promise ─────────────────────────────────────────────────────────────────────────────────────────────────
    def test_where_nothing_is_gained_no_more_than_alpha_is_ever_better(self, judge: Judge) -> None:
        """Exactly so, over all patterns of signs of any sizes, at every look: with patience left and at its end."""
        for alpha, most in ((0.1, 40), (0.025, 12)):
            for name, sizes in self.SIZES.items():
                share = share_ever_better(judge, sizes, alpha=alpha, most=most, method=self.METHOD)
                assert share <= alpha, f"{name}: {share:.4f} of the patterns at alpha {alpha}, at most {most} pairs"

    def test_something_can_be_proven(self, judge: Judge) -> None:
        """The promise is easily kept by never saying better; a gain in every pair must be."""
        verdict = judge.check(self.gaining([1.0 + n / 16 for n in range(24)]))
        assert (verdict.decision, verdict.settled) == ("better", True)

    def test_one_noisy_pair_proves_nothing(self, judge: Judge) -> None:
        """However large its difference, and at whatever alpha a process may allow."""
        for gain in (1.0, 1e12, math.inf):
            assert judge.check(self.gaining([gain], alpha=0.4)).decision != "better"

    def test_a_margin_is_proven_too(self, judge: Judge) -> None:
        """A gain on one metric does not carry a loss beyond its margin on another."""
        pairs = [
            (
                Reading(values=Numbers(taste=5.0, waste=10.0)),
                Reading(values=Numbers(taste=9.0 + n / 16, waste=11.0 + n / 64)),
            )
            for n in range(16)
        ]
        for length in range(1, 17):
            assert judge.check(self.trial(pairs[:length], metrics=(TASTE, WASTE))).decision != "better"

    # ── faults ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def test_a_fault_is_worst_for_its_side(self, judge: Judge) -> None:
        """An increment that crashes is never better; it stands in the pair as the largest loss."""
        for reason in ("crash", "timeout", "lost"):
            fault = Fault(reason=reason)
            for length in range(1, 12):
                assert judge.check(self.trial([(_LEVEL, fault)] * length)).decision != "better"
            faulted, lost = (judge.check(self.gaining([1.0] * 5 + [gain])) for gain in (-math.inf, -1.0))
            assert faulted.evidence <= lost.evidence

    def test_faults_on_both_sides_are_no_difference(self, judge: Judge) -> None:
        """They prove nothing, and count as a pair."""
        fault = Fault(reason="lost")
        for length in range(1, 12):
            verdict = judge.check(self.trial([(fault, fault)] * length))
            assert verdict.decision != "better"
            assert verdict.pairs == length
            assert verdict.evidence == pytest.approx(0.0, abs=1e-9) or verdict.settled

    def test_reasons_of_faults_do_not_matter(self, judge: Judge) -> None:
        """Lost or crashed, a run without a reading is scored alike."""
        lost, crash = Fault(reason="lost"), Fault(reason="crash", note="exit status 3")
        one, other = (judge.check(self.trial([(_LEVEL, _LEVEL + 1.0), (gone, _LEVEL)])) for gone in (lost, crash))
        assert (one.decision, one.evidence) == (other.decision, other.evidence)

    # ── symmetry, and the same answer for ever ──────────────────────────────────────────────────────────────────────
    def test_swapped_sides_are_mirrored(self, judge: Judge) -> None:
        """Gains turn round, and never are both a thing and its opposite better."""
        for name, sizes in self.SIZES.items():
            gains = [size if n % 3 else -size for n, size in enumerate(sizes)]
            trial = self.gaining(gains)
            there, back = judge.check(trial), judge.check(swapped(trial))
            assert not there.decision == back.decision == "better", name
            gain, turned = _gain(there), _gain(back)
            assert (gain is None) == (turned is None)
            assert gain is None or turned is None or gain == pytest.approx(-turned, abs=1e-12)

    def test_the_same_trial_gets_the_same_verdict(self, judge: Judge) -> None:
        """From another judge of its kind, in another order of asking, and under another name."""
        trials = [self.gaining([size * (-1) ** (n * k) for n, size in enumerate(self.SIZES["normal"])]) for k in (1, 2)]
        first = [judge.check(trial) for trial in trials]
        again = self.make_judge()
        assert [again.check(trial) for trial in reversed(trials)] == first[::-1]
        renamed = msgspec.structs.replace(trials[0], id=99)
        assert judge.check(renamed) == first[0]

    def test_pairs_are_judged_in_order_up_to_the_first_incomplete_one(self, judge: Judge) -> None:
        """What is behind a gap is not seen: no result may choose what counts."""
        trial = self.gaining([1.0, 2.0, 3.0])
        gap = msgspec.structs.replace(trial, blocks=(trial.blocks[0], Block(number=1), trial.blocks[2]))
        assert judge.check(gap) == judge.check(self.gaining([1.0]))

    # ── form ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def test_every_verdict_is_whole(self, judge: Judge) -> None:
        """A reason in words, effects for every metric once there are pairs, finite evidence, the judge's own name."""
        for length in range(13):
            for turn in (1, -1):
                for most in (length or 1, 40):
                    verdict = judge.check(
                        self.gaining([turn * size for size in self.SIZES["normal"][:length]], most=most)
                    )
                    self._is_whole(verdict, length, most)

    def _is_whole(self, verdict: Verdict, length: int, most: int) -> None:
        assert verdict.reason
        assert verdict.method
        assert verdict.pairs == length
        assert math.isfinite(verdict.evidence)
        assert math.isfinite(verdict.needed)
        assert verdict.settled or verdict.decision == "undecided"
        assert verdict.settled or length < most
        assert [effect.metric for effect in verdict.effects] == (["taste"] if length else [])
        for effect in verdict.effects:
            low, high = (
                (-math.inf if effect.low is None else effect.low),
                (math.inf if effect.high is None else effect.high),
            )
            assert effect.gain is None or low <= effect.gain <= high
            assert 0 <= effect.level < 1
        assert msgspec.json.decode(msgspec.json.encode(verdict), type=Verdict) == verdict

    def test_a_quick_look_says_the_same(self, judge: Judge) -> None:
        """Without intervals decision, reason and evidence are as with them."""
        for length in range(1, 13):
            trial = self.gaining(self.SIZES["normal"][:length])
            quick, slow = judge.check(trial, intervals=False), judge.check(trial)
            assert (quick.decision, quick.settled, quick.reason) == (slow.decision, slow.settled, slow.reason)
            assert (quick.evidence, quick.pairs) == (slow.evidence, slow.pairs)

    # ── exact metrics ───────────────────────────────────────────────────────────────────────────────────────────────
    def test_exact_metrics_are_decided_by_one_pair(self, judge: Judge) -> None:
        """Better by what is worthwhile, and by two readings; a fault on either side proves nothing."""
        fault = Fault(reason="crash")
        cases: list[tuple[Outcome | float, Outcome | float, bool]] = [
            (100.0, 90.0, True), (100.0, 99.5, False), (100.0, 101.0, False),
            (fault, 90.0, False), (100.0, fault, False), (fault, fault, False),
        ]  # fmt: skip
        for standard, increment, better in cases:
            verdict = judge.check(self.trial([(standard, increment)], metrics=(PRICE,), alpha=0.0, most=1))
            assert verdict.settled
            assert (verdict.decision == "better") == better

    # ── the price of proof ──────────────────────────────────────────────────────────────────────────────────────────
    def test_the_prospect_is_dearer_for_smaller_gains(self, judge: Judge) -> None:
        """Odds are chances, pairs at least one; a larger gain never takes more pairs nor has worse odds."""
        design = self.trial([]).design
        foreseen = [judge.prospect(design, gain=gain, sd=1.0) for gain in (0.1, 0.3, 0.5, 1.0, 2.0, 10.0)]
        assert all(0 <= one.odds <= 1 and one.pairs >= 1 for one in foreseen)
        assert [one.pairs for one in foreseen] == sorted((one.pairs for one in foreseen), reverse=True)
        assert [one.odds for one in foreseen] == sorted(one.odds for one in foreseen)


def _gain(verdict: Verdict) -> float | None:
    return verdict.effects[0].gain
