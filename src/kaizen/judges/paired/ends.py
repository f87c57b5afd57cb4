"""How a trial ends without a proof: worse, not worthwhile, futile, or out of patience.

Where both ways are asked (``proof.BothWays``), *worse* is proven as *better* is, by flips at half of α; *not worthwhile*
means that neither a gain nor a loss of that size is left, each ruled out by flips at α (two one-sided tests); and it is
futile when none of the three is in reach.
"""

from collections.abc import Sequence

from kaizen import evidence
from kaizen.judges.paired.proof import BothWays, Rule
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
    found = _shut(views, pairs)
    if found is None and isinstance(rule, BothWays):
        found = _loss(views, design, rule) or _same(views, design, rule) or _beyond_reach(views, design, rule)
    elif found is None:
        found = _worse(views, rule) or _small(views, rule) or _futile(views, design, rule)
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
    chance = _hope(views, design.pairs, goal)
    if chance < _HOPELESS:
        return "futile", f"proof within {design.pairs} pairs has a chance of {chance:.0%} at best"
    return None


def _hope(views: Sequence[View], most: int, goal: float) -> float:
    """Return the chance of a proof of *better* that a hopeful look gives."""
    wild = noisy(views)
    chances = [_chance(view.over(view.loss), most, goal) for view in wild]
    if not any(view.gained for view in exact(views)):
        chances.append(max(_chance(view.gains, most, goal) for view in wild))
    return min(chances)


# ── both ways ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def _loss(views: Sequence[View], design: Design, rule: BothWays) -> Ending | None:
    """Prove a loss: of the only metric, or of one of several beyond its margin."""
    lost = [(view, _lost(view, views)) for view in noisy(views)]
    found = rule.passage([differences for _, differences in lost], design.alpha, design)
    if found.proven is None:
        return None
    names = [
        view.metric.name
        for view, differences in lost
        if rule.passage([differences], design.alpha, design).proven is not None
    ]
    beyond = "" if len(views) == 1 else " more than its margin"
    said = f"typically {' and '.join(names) or 'one metric or another'} loses{beyond}"
    return "worse", f"{said}; {found.rarity:.2%} of its flips look as bad"


def _lost(view: View, views: Sequence[View]) -> tuple[float, ...]:
    """Count losses from zero, or from the margin where several metrics are judged."""
    return view.under(0.0 if len(views) == 1 else view.loss)


def _same(views: Sequence[View], design: Design, rule: BothWays) -> Ending | None:
    """End it where neither a gain nor a loss of what is worthwhile is left in any metric, each ruled out at α."""
    if any(view.gained for view in exact(views)) or not noisy(views):
        return None
    alpha = rule.whole(design).alpha
    for view in noisy(views):
        if view.wanted <= 0 or any(rule.passage([one], alpha, design).proven is None for one in _within(view)):
            return None
    return "not_worthwhile", "no metric differs by what is worthwhile"


def _within(view: View) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Tell how far the gains fall short of a worthwhile gain, and how far they stay above such a loss."""
    return view.under(view.wanted), view.over(view.metric.as_loss(view.metric.worthwhile))


def _beyond_reach(views: Sequence[View], design: Design, rule: BothWays) -> Ending | None:
    """End it where even a hopeful look gives neither proof nor the absence of a difference one chance in ten."""
    goal, alike, wild = rule.goal(design), rule.goal(rule.whole(design)), noisy(views)
    if goal is None or alike is None or design.pairs is None or not wild or len(wild[0].gains) < _PATIENT:
        return None
    most = design.pairs
    losses = [_chance(_lost(view, views), most, goal) for view in wild]
    none = min(_chance(one, most, alike) if view.wanted > 0 else 0.0 for view in wild for one in _within(view))
    chance = max(_hope(views, most, goal), *losses, none)
    if chance < _HOPELESS:
        return "futile", f"an answer within {most} pairs has a chance of {chance:.0%} at best"
    return None


def _chance(differences: Sequence[float], horizon: int, goal: float) -> float:
    return evidence.conditional_power(evidence.signed_scores(differences), horizon, goal=goal)
