"""How *better* is proven: one rule for each of what may have been declared before the first pair."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from kaizen import evidence
from kaizen.evidence import flips, means
from kaizen.evidence.foresight import prospect_within
from kaizen.judges.paired.views import View, exact, noisy
from kaizen.process import Policy
from kaizen.trial import Design

PROOF = 700.0
"""ln of a proof without chance: what float can hold."""

_OPEN = 10_000  # pairs that a trial without a cap is foretold for


class Weighed(NamedTuple):
    """What the pairs say of *better*."""

    proven: bool
    evidence: float
    """ln of the e-value, beside whatever decides."""
    said: str
    """What is proven, or how far it has come."""
    rarity: float | None = None
    """Flipped coins: the share of flips that look as good."""


class Rule(Protocol):
    """One way to prove."""

    @property
    def name(self) -> str:
        """Its name with its version, as it stands in designs."""
        ...

    def one_way(self, design: Design) -> Design:
        """Return the design with the α of one direction, by which all that follows is asked."""
        ...

    def weigh(self, views: Sequence[View], design: Design) -> Weighed:
        """Weigh *better*; an exact metric is known, so it only opens or shuts the door."""
        ...

    def below(self, view: View, level: float) -> float:
        """Return the log evidence that a metric's gain is below a level."""
        ...

    def goal(self, design: Design) -> float | None:
        """Return how high the sum of scores is at a proof with the last pair, in √pairs; ``None`` where there is no last."""
        ...

    def foretell(self, gain: float, sd: float, design: Design) -> tuple[int, float]:
        """Return the pairs until proof has even odds, and its odds within the trial's patience."""
        ...

    def size(self, view: View, design: Design) -> float:
        """Return the gain that the rule speaks of: the typical one, or the average."""
        ...

    def ends(self, view: View, design: Design, level: float) -> tuple[float, float]:
        """Return the ends of an interval that holds the truth at all looks, but for chance ``level``."""
        ...


class SignedScores:
    """An e-process on the signs of paired differences, open for ever (``evidence.signs``)."""

    name = "signed normal scores 1"

    def one_way(self, design: Design) -> Design:
        """Return the design as it is: all of its α is for *better*."""
        return design

    def weigh(self, views: Sequence[View], design: Design) -> Weighed:
        """Weigh *better* (``evidence.composite``)."""
        return _by_evidence(views, design, _typically, "typically")

    def below(self, view: View, level: float) -> float:
        """Return the log evidence of the signs."""
        return evidence.log_evidence(view.under(level))

    def goal(self, design: Design) -> float | None:
        """Return what the bets need about."""
        return None if design.pairs is None else 2.0

    def foretell(self, gain: float, sd: float, design: Design) -> tuple[int, float]:
        """Foretell by the growth of the bets."""
        return evidence.prospect(gain, sd, design.alpha, design.pairs or _OPEN)

    def size(self, view: View, design: Design) -> float:
        """Return the typical gain."""
        del design
        return evidence.typical(view.gains)

    def ends(self, view: View, design: Design, level: float) -> tuple[float, float]:
        """Return the ends of a confidence sequence."""
        del design
        return evidence.confidence_interval(view.gains, level)


class FlippedCoins:
    """Flips of the trial's own coins, within a declared cap (``evidence.flips``); the e-value stands beside it."""

    name = "flipped coins 1"

    def one_way(self, design: Design) -> Design:
        """Return the design as it is: all of its α is for *better*."""
        return design

    def weigh(self, views: Sequence[View], design: Design) -> Weighed:
        """Ask one test for each margin, each at α, and one test on the best of the gains (intersection-union).

        A test that has once been passed stays passed: each of them errs, at any look, with chance α at most.
        """
        proof = clamp(_composite(views, _typically))
        if any(not view.kept for view in exact(views)):
            return Weighed(proven=False, evidence=proof, said="an exact metric is not known to keep its margin")
        wild, gained = noisy(views), any(view.gained for view in exact(views))
        asked = [] if gained else [[view.gains for view in wild]]
        if gained or len(wild) > 1:  # a gain of one metric alone keeps its margin
            asked += [[view.over(view.loss)] for view in wild]
        found = [self._passage(differences, design) for differences in asked]
        rarity = max((one.rarity for one in found), default=0.0)
        looks = f"{rarity:.2%} of its flips look as good" if wild else "exactly so"
        if not all(one.proven is not None for one in found):
            far = f"; proof takes {design.alpha:.2%} by pair {design.pairs}, less before"
            return Weighed(proven=False, evidence=proof, said=looks + far, rarity=rarity)
        gains = [view for view in views if _exactly(view) or self._above(view, 0.0, design)]
        return Weighed(proven=True, evidence=proof, said=f"{_words(views, gains, 'typically')}; {looks}", rarity=rarity)

    def below(self, view: View, level: float) -> float:
        """Return the log evidence of the signs."""
        return evidence.log_evidence(view.under(level))

    def goal(self, design: Design) -> float | None:
        """Return the height of the last look: what is left to be spent there is about six tenths of α."""
        from statistics import NormalDist

        return NormalDist().inv_cdf(1 - 0.6 * design.alpha) if design.alpha > 0 else None

    def foretell(self, gain: float, sd: float, design: Design) -> tuple[int, float]:
        """Foretell by simulated flips."""
        return prospect_within(gain, sd, design.alpha, _cap(design))

    def size(self, view: View, design: Design) -> float:
        """Return the typical gain."""
        del design
        return evidence.typical(view.gains)

    def ends(self, view: View, design: Design, level: float) -> tuple[float, float]:
        """Return the ends that flips leave; what they have proven at α, which is no more than half of the level, holds."""
        low, high = flips.confidence_interval(view.gains, level, cap=_cap(design), seed=design.coins)
        least = next((least for least in (0.0, view.loss) if self._above(view, least, design)), -math.inf)
        return max(low, least), max(high, least)

    def _above(self, view: View, level: float, design: Design) -> bool:
        return not view.metric.exact and self._passage([view.over(level)], design).proven is not None

    def _passage(self, differences: Sequence[Sequence[float]], design: Design) -> flips.Passage:
        if not differences or design.alpha <= 0:
            return flips.Passage(None, 1.0)
        return flips.passage(differences, alpha=design.alpha, cap=_cap(design), seed=design.coins)


class BothWays:
    """Flipped coins for a gain and for a loss, each at half of α, so that either is said falsely with chance α at most."""

    name = "flipped coins both ways 1"

    def one_way(self, design: Design) -> Design:
        """Return the design with half of its α."""
        return msgspec.structs.replace(design, alpha=design.alpha / 2)

    def whole(self, design: Design) -> Design:
        """Return the design with all of its α again."""
        return msgspec.structs.replace(design, alpha=2 * design.alpha)

    def weigh(self, views: Sequence[View], design: Design) -> Weighed:
        """Weigh *better* as flipped coins do; a loss is what ``ends`` asks."""
        return _COINS.weigh(views, design)

    def below(self, view: View, level: float) -> float:
        """Return the log evidence of the signs."""
        return _COINS.below(view, level)

    def goal(self, design: Design) -> float | None:
        """Return the height of the last look."""
        return _COINS.goal(design)

    def foretell(self, gain: float, sd: float, design: Design) -> tuple[int, float]:
        """Foretell by simulated flips."""
        return _COINS.foretell(gain, sd, design)

    def size(self, view: View, design: Design) -> float:
        """Return the typical gain."""
        return _COINS.size(view, design)

    def ends(self, view: View, design: Design, level: float) -> tuple[float, float]:
        """Return the ends that flips leave; a loss or a gain that is proven holds."""
        low, high = _COINS.ends(view, design, level)
        if not view.metric.exact and self.passage([view.under(0.0)], design.alpha, design).proven is not None:
            return min(low, 0.0), min(high, 0.0)
        return low, high

    def passage(self, differences: Sequence[Sequence[float]], alpha: float, design: Design) -> flips.Passage:
        """Test that differences of one metric or another are above zero, at a level of one's own."""
        if not differences or alpha <= 0:
            return flips.Passage(None, 1.0)
        return flips.passage(differences, alpha=alpha, cap=_cap(design), seed=design.coins)


class BetsOnMeans:
    """An e-process on differences within declared bounds: better *on average* (``evidence.means``)."""

    name = "bets on means 1"

    def one_way(self, design: Design) -> Design:
        """Return the design as it is: all of its α is for *better*."""
        return design

    def weigh(self, views: Sequence[View], design: Design) -> Weighed:
        """Weigh *better* (``evidence.composite``), each metric by its bounds."""
        return _by_evidence(views, design, _on_average, "on average")

    def below(self, view: View, level: float) -> float:
        """Return the log evidence of the bets."""
        turned = msgspec.structs.replace(view, gains=tuple(0.0 - gain for gain in view.gains))
        return _on_average(turned, 0.0 - level)

    def goal(self, design: Design) -> None:
        """Return nothing: bets on means are not sums of scores."""
        del design

    def foretell(self, gain: float, sd: float, design: Design) -> tuple[int, float]:
        """Foretell twice the pairs that *typically better* takes (Waudby-Smith & Ramdas 2024, at a few dozen pairs)."""
        most = design.pairs or _OPEN
        pairs, odds = evidence.prospect(gain, sd, design.alpha, max(1, most // 2))
        return min(2 * pairs, evidence.OUT_OF_REACH), odds

    def size(self, view: View, design: Design) -> float:
        """Return the average gain; a fault counts as wide as the bounds allow."""
        del design
        return math.fsum(_within(view)) / len(view.gains)

    def ends(self, view: View, design: Design, level: float) -> tuple[float, float]:
        """Return the ends of a confidence sequence for the average."""
        del design
        return means.mean_interval(_within(view), widest(view), level)


Log = Callable[[View, float], float]
"""The log evidence that a metric's gain is above a level."""


def _typically(view: View, above: float) -> float:
    return evidence.log_evidence(view.over(above))


def _on_average(view: View, above: float) -> float:
    most = widest(view)
    if above <= -most:
        return PROOF  # no reading within the bounds can lose so much
    return means.log_mean(_within(view), most, above=above) if above < most else -PROOF


def _by_evidence(views: Sequence[View], design: Design, log: Log, how: str) -> Weighed:
    proof = clamp(_composite(views, log))
    needed = -math.log(design.alpha) if design.alpha > 0 else PROOF
    if proof < needed:
        return Weighed(
            proven=False, evidence=proof, said=f"the evidence is {_fold(proof)} of the {_fold(needed)} it needs"
        )
    gains = [view for view in views if _exactly(view) or (not view.metric.exact and log(view, 0.0) >= needed)]
    reached = "exactly so" if needed >= PROOF else f"the evidence, {_fold(proof)}, reached {_fold(needed)}"
    return Weighed(proven=True, evidence=proof, said=f"{_words(views, gains, how)}; {reached}")


def _composite(views: Sequence[View], log: Log) -> float:
    """Weigh *better* (see ``evidence.composite``); an exact metric only opens or shuts the door."""
    if any(not view.kept for view in exact(views)):
        return -math.inf
    margins = [log(view, view.loss) for view in noisy(views)]
    gains = [log(view, 0.0) for view in noisy(views)]
    if any(view.gained for view in exact(views)):
        gains = [math.inf]
    return evidence.composite(margins, gains) if gains else -math.inf


def widest(view: View) -> float:
    """Return the widest difference that a metric's bounds allow, in units of gain."""
    low, high = view.metric.low, view.metric.high
    assert low is not None, "check_process asks for bounds where means are judged"
    assert high is not None, "as above"
    return abs(view.metric.gain(high, low))


def _within(view: View) -> list[float]:
    """Return the gains, a fault's as wide as the bounds allow."""
    most = widest(view)
    return [max(-most, min(most, gain)) for gain in view.gains]


def _cap(design: Design) -> int:
    assert design.pairs is not None, "a design without a cap names another rule"
    return design.pairs


_COINS = FlippedCoins()
_RULES: dict[str, Rule] = {rule.name: rule for rule in (SignedScores(), _COINS, BothWays(), BetsOnMeans())}


def rule_for(policy: Policy) -> Rule:
    """Return the rule for what a policy declares."""
    if policy.estimand == "mean":
        return _RULES[BetsOnMeans.name]
    if policy.pairs is None:
        return _RULES[SignedScores.name]
    return _RULES[BothWays.name if policy.both_ways else FlippedCoins.name]


def rule_of(design: Design) -> Rule:
    """Return the rule that a design names; where it names none that is known, the one for what it declares."""
    if design.method in _RULES:
        return _RULES[design.method]
    return rule_for(Policy(pairs=design.pairs, estimand=design.estimand))


def clamp(value: float) -> float:
    """Keep ln of an e-value within what float can hold."""
    return max(-PROOF, min(PROOF, value))


def _exactly(view: View) -> bool:
    return view.metric.exact and view.gained


def _words(views: Sequence[View], gaining: Sequence[View], how: str) -> str:
    """Say what is proven of each metric: that it gains, or that it keeps within its margin."""
    gains = [view.metric.name for view in gaining]
    keeps = [view.metric.name for view in views if view.metric.name not in gains]
    said = f"{' and '.join(gains) or 'one metric or another'} {'gain' if len(gains) > 1 else 'gains'}"
    kept = f", {' and '.join(keeps)} {'lose' if len(keeps) > 1 else 'loses'} less than the margin" if keeps else ""
    if not noisy(views):
        return f"{said}{kept.replace('less', 'no more')}"
    return f"{how} {said}{kept}"


def _fold(log: float) -> str:
    """Say an e-value: how many-fold a bet against *no better* has grown."""
    return "certainty" if log >= PROOF else f"{math.exp(log):.3g}-fold"
