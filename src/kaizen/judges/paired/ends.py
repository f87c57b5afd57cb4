"""How a trial ends without a proof: worse, not worthwhile, futile, or out of patience."""

from collections.abc import Sequence

from kaizen import evidence
from kaizen.judges.paired.proof import Rule
from kaizen.judges.paired.views import View, exact, noisy
from kaizen.trial import Block, Design, Fault
from kaizen.verdict import Decision

_WORSE = 2.995732273553991  # ln 20: e-value that a loss beyond the margin is real
_SMALL = 1.6094379124341003  # ln 5: e-value that a gain is smaller than worthwhile
_HOPELESS = 0.10  # optimistic chance of proof below which a trial is futile
_PATIENT = 5  # pairs before futility is looked at

Ending = tuple[Decision, str]


def ending(views: Sequence[View], pairs: Sequence[Block], design: Design, rule: Rule) -> Ending:
    """Return decision and reason; no reason while the trial goes on."""
    found = _shut(views, pairs) or _worse(views, rule) or _small(views, rule) or _futile(views, design, rule)
    if found is not None:
        return found
    if design.pairs is not None and len(pairs) >= design.pairs:
        return "undecided", f"{len(pairs)} pairs, the most it may take, did not decide it"
    return "undecided", ""


def _shut(views: Sequence[View], pairs: Sequence[Block]) -> Ending | None:
    """End it where exact metrics leave no way to *better*."""
    known = [view for view in exact(views) if view.known is not None]
    for view in known:
        if not view.kept:
            fault = next((pair.increment for pair in pairs if isinstance(pair.increment, Fault)), None)
            lost = (
                str(fault)
                if fault
                else f"{view.metric.name} {view.metric.spell(view.known or 0.0)} is beyond its margin"
            )
            return "worse", f"{lost}; exactly so"
    if known and not noisy(views) and not any(view.gained for view in known):
        return "not_worthwhile", "no exact metric gains what is worthwhile"
    return None


def _worse(views: Sequence[View], rule: Rule) -> Ending | None:
    for view in noisy(views):
        if rule.below(view, view.loss) >= _WORSE:
            return "worse", f"{view.metric.name} is proven to lose more than its margin"
    if len(views) == len(noisy(views)) == 1 and rule.below(views[0], 0.0) >= _WORSE:
        return "worse", f"{views[0].metric.name} is proven to lose"
    return None


def _small(views: Sequence[View], rule: Rule) -> Ending | None:
    """End it where no metric can still gain what is worthwhile."""
    if any(view.gained for view in exact(views)) or not noisy(views):
        return None
    if all(rule.below(view, view.wanted) >= _SMALL for view in noisy(views)):
        return "not_worthwhile", "no metric gains what is worthwhile"
    return None


def _futile(views: Sequence[View], design: Design, rule: Rule) -> Ending | None:
    """End it where even a hopeful look gives proof less than one chance in ten."""
    goal, wild = rule.goal(design), noisy(views)
    if goal is None or design.pairs is None or not wild or len(wild[0].gains) < _PATIENT:
        return None
    most = design.pairs
    chances = [_chance(view.over(view.loss), most, goal) for view in wild]
    if not any(view.gained for view in exact(views)):
        chances.append(max(_chance(view.gains, most, goal) for view in wild))
    if min(chances) < _HOPELESS:
        return "futile", f"proof within {most} pairs has a chance of {min(chances):.0%} at best"
    return None


def _chance(differences: Sequence[float], horizon: int, goal: float) -> float:
    return evidence.conditional_power(evidence.signed_scores(differences), horizon, goal=goal)
