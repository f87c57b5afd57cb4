"""The first judge: signed normal scores for noisy metrics, plain comparison for exact ones.

*Better* is proven when, at the trial's α, every metric is above −margin and at least one above zero; guards are
vetoes elsewhere (``check.guard_broken``). All other endings can only end a trial, never adopt, so their levels
need no correction: worse at 1/20, not worthwhile at 1/5, futile below one chance in ten.
"""

import math
from collections.abc import Sequence

import msgspec

from kaizen import evidence
from kaizen.metric import Metric
from kaizen.trial import Block, Design, Fault, Reading, Trial
from kaizen.verdict import Decision, Effect, Prospect, Verdict

METHOD = "signed normal scores 1"

_WORSE = math.log(20)  # e-value that a loss beyond the margin is real
_SMALL = math.log(5)  # e-value that a gain is smaller than worthwhile
_HOPELESS = 0.10  # optimistic chance of proof below which a trial is futile
_PATIENT = 5  # pairs before futility is looked at
_LEVELS = (0.05, 0.20)  # of the intervals that people see, at least and at most; twice the trial's α between
_PROOF = 700.0  # ln of a proof without chance: what float can hold
_EQUAL = 1e-12  # exact metrics are compared after log and exp


class SignedScores(msgspec.Struct, frozen=True):
    """Judge by an e-process on the signs of paired differences, exact under any noise and drift (see ``evidence``)."""

    @property
    def method(self) -> str:
        """Name and version."""
        return METHOD

    def check(self, trial: Trial, *, intervals: bool = True) -> Verdict:
        """Judge the complete pairs of a trial; without ``intervals`` the effects have no ends (a quicker look)."""
        pairs, design = trial.pairs, trial.design
        views = tuple(_view(metric, pairs) for metric in design.metrics)
        proof = _clamp(_proof(views))
        needed = -math.log(design.alpha) if design.alpha > 0 else _PROOF
        decision, reason = _decide(views, proof=proof, needed=needed, design=design, pairs=pairs)
        settled = reason != ""
        verdict = Verdict(
            decision=decision,
            settled=settled,
            reason=reason or _so_far(proof, needed),
            effects=tuple(_effect(view, design, intervals=intervals or settled) for view in views) if pairs else (),
            pairs=len(pairs),
            evidence=proof,
            needed=needed,
            method=METHOD,
        )
        return msgspec.structs.replace(verdict, said=verdict.spell(design.metrics))

    def prospect(self, design: Design, *, gain: float, sd: float) -> Prospect:
        """Tell what proof of a gain takes; ``gain`` and ``sd`` (of one pair's difference) in one unit, gain above 0."""
        if all(metric.exact for metric in design.metrics):
            return Prospect(pairs=1, odds=1.0)
        if design.alpha <= 0:  # the error budget is used up
            return Prospect(pairs=evidence.OUT_OF_REACH, odds=0.0)
        pairs, odds = evidence.prospect(gain, sd, design.alpha, design.pairs)
        return Prospect(pairs=pairs, odds=odds)


class _View(msgspec.Struct, frozen=True):
    """One metric's differences, one per pair, in units of gain: ±inf where one side faulted, 0 where both did."""

    metric: Metric
    gains: tuple[float, ...]

    @property
    def loss(self) -> float:
        """The tolerated loss as a gain, below or at 0."""
        return self.metric.as_loss(self.metric.margin)

    @property
    def known(self) -> float | None:
        """An exact metric's gain: of the first pair with both readings; −inf once the increment has faulted."""
        if -math.inf in self.gains:
            return -math.inf
        return next((gain for gain in self.gains if math.isfinite(gain)), None)

    @property
    def gained(self) -> bool:
        """Whether an exact metric is better by what is worthwhile."""
        known = self.known
        return known is not None and known > 0 and known >= self.metric.as_gain(self.metric.worthwhile) - _EQUAL

    @property
    def kept(self) -> bool:
        """Whether an exact metric lost no more than its margin."""
        return self.known is not None and self.known >= self.loss - _EQUAL

    def over(self, level: float) -> tuple[float, ...]:
        """Count the gains from ``level``."""
        return tuple(gain - level for gain in self.gains)

    def under(self, level: float) -> tuple[float, ...]:
        """Tell how far the gains fall short of ``level``."""
        return tuple(level - gain for gain in self.gains)


def _view(metric: Metric, pairs: Sequence[Block]) -> _View:
    return _View(metric, tuple(_gain(metric, pair) for pair in pairs))


def _gain(metric: Metric, pair: Block) -> float:
    """Score one pair; a fault is the worst there is for its side, and a fault on both sides no difference."""
    match pair.standard, pair.increment:
        case Reading() as standard, Reading() as increment:
            return metric.gain(increment.values[metric.name], standard.values[metric.name])
        case Reading(), _:
            return -math.inf
        case _, Reading():
            return math.inf
    return 0.0


def _noisy(views: Sequence[_View]) -> list[_View]:
    return [view for view in views if not view.metric.exact]


def _exact(views: Sequence[_View]) -> list[_View]:
    return [view for view in views if view.metric.exact]


def _proof(views: Sequence[_View]) -> float:
    """Weigh *better* (see ``evidence.composite``); an exact metric is known, so it only opens or shuts the door."""
    if any(not view.kept for view in _exact(views)):
        return -math.inf
    margins = [evidence.log_evidence(view.over(view.loss)) for view in _noisy(views)]
    gains = [evidence.log_evidence(view.gains) for view in _noisy(views)]
    if any(view.gained for view in _exact(views)):
        gains = [math.inf]
    return evidence.composite(margins, gains) if gains else -math.inf


def _decide(
    views: Sequence[_View], *, proof: float, needed: float, design: Design, pairs: Sequence[Block]
) -> tuple[Decision, str]:
    """Return decision and reason; no reason while the trial goes on."""
    if not pairs:
        return "undecided", ""
    if proof >= needed:
        return "better", f"{_proven(views, needed)}; {_reached(proof, needed)}"
    ending = _shut(views, pairs) or _worse(views) or _small(views) or _futile(views, design, len(pairs))
    if ending is not None:
        return ending
    if len(pairs) >= design.pairs:
        return "undecided", f"{len(pairs)} pairs, the most it may take, did not decide it"
    return "undecided", ""


def _proven(views: Sequence[_View], needed: float) -> str:
    """Say what is proven of each metric: that it gains, or that it keeps within its margin; typically, not on average."""
    gains = [view.metric.name for view in views if _gains(view, needed)]
    keeps = [view.metric.name for view in views if view.metric.name not in gains]
    said = f"{' and '.join(gains) or 'one metric or another'} {'gain' if len(gains) > 1 else 'gains'}"
    kept = f", {' and '.join(keeps)} {'lose' if len(keeps) > 1 else 'loses'} less than the margin" if keeps else ""
    return f"typically {said}{kept}" if _noisy(views) else f"{said}{kept.replace('less', 'no more')}"


def _gains(view: _View, needed: float) -> bool:
    return view.gained if view.metric.exact else evidence.log_evidence(view.gains) >= needed


def _shut(views: Sequence[_View], pairs: Sequence[Block]) -> tuple[Decision, str] | None:
    """End it where exact metrics leave no way to *better*."""
    exact = [view for view in _exact(views) if view.known is not None]
    for view in exact:
        if not view.kept:
            fault = next((pair.increment for pair in pairs if isinstance(pair.increment, Fault)), None)
            lost = (
                str(fault)
                if fault
                else f"{view.metric.name} {view.metric.spell(view.known or 0.0)} is beyond its margin"
            )
            return "worse", f"{lost}; exactly so"
    if exact and not _noisy(views) and not any(view.gained for view in exact):
        return "not_worthwhile", "no exact metric gains what is worthwhile"
    return None


def _worse(views: Sequence[_View]) -> tuple[Decision, str] | None:
    for view in _noisy(views):
        if evidence.log_evidence(view.under(view.loss)) >= _WORSE:
            return "worse", f"{view.metric.name} is proven to lose more than its margin"
    if len(views) == len(_noisy(views)) == 1 and evidence.log_evidence(views[0].under(0.0)) >= _WORSE:
        return "worse", f"{views[0].metric.name} is proven to lose"
    return None


def _small(views: Sequence[_View]) -> tuple[Decision, str] | None:
    """End it where no metric can still gain what is worthwhile."""
    if any(view.gained for view in _exact(views)) or not _noisy(views):
        return None
    if all(
        evidence.log_evidence(view.under(view.metric.as_gain(view.metric.worthwhile))) >= _SMALL
        for view in _noisy(views)
    ):
        return "not_worthwhile", "no metric gains what is worthwhile"
    return None


def _futile(views: Sequence[_View], design: Design, pairs: int) -> tuple[Decision, str] | None:
    """End it where even a hopeful look gives proof less than one chance in ten."""
    if pairs < _PATIENT:
        return None
    noisy = _noisy(views)
    chances = [_chance(view.over(view.loss), design.pairs) for view in noisy]
    if not any(view.gained for view in _exact(views)):
        chances.append(max((_chance(view.gains, design.pairs) for view in noisy), default=0.0))
    if min(chances, default=0.0) < _HOPELESS:
        return "futile", f"proof within {design.pairs} pairs has a chance of {min(chances, default=0.0):.0%} at best"
    return None


def _chance(differences: Sequence[float], horizon: int) -> float:
    return evidence.conditional_power(evidence.signed_scores(differences), horizon)


def _effect(view: _View, design: Design, *, intervals: bool) -> Effect:
    """Tell the effect on one metric; a gain proven at α lies within an interval of level 2α that leaves out zero."""
    if view.metric.exact:
        known = view.known
        gain = known if known is not None and math.isfinite(known) else None
        return Effect(metric=view.metric.name, gain=gain, low=gain, high=gain, level=0.0, exact=True)
    level = min(max(2 * design.alpha, _LEVELS[0]), _LEVELS[1])
    low, high = evidence.confidence_interval(view.gains, level) if intervals else (-math.inf, math.inf)
    gain = evidence.typical(view.gains)
    return Effect(metric=view.metric.name, gain=_finite(gain), low=_finite(low), high=_finite(high), level=level)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _clamp(value: float) -> float:
    return max(-_PROOF, min(_PROOF, value))


def _fold(log: float) -> str:
    """Say an e-value: how many-fold a bet against *no better* has grown."""
    return "certainty" if log >= _PROOF else f"{math.exp(log):.3g}-fold"


def _reached(proof: float, needed: float) -> str:
    return "exactly so" if needed >= _PROOF else f"the evidence, {_fold(proof)}, reached {_fold(needed)}"


def _so_far(proof: float, needed: float) -> str:
    return f"the evidence is {_fold(proof)} of the {_fold(needed)} it needs"
