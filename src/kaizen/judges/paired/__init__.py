"""The judge of randomised pairs: proof before a new standard, exact under any noise and drift.

*Better* is proven when, at the trial's α, every metric is above −margin and at least one above zero; guards are vetoes
elsewhere (``check.guard_broken``). How it is proven depends on what was declared before the first pair, and stands in the
design as its method:

    signed normal scores   no cap on the pairs: an e-process on the signs of differences, open for ever
    flipped coins          a cap: an exact test that flips the trial's coins, with fewer pairs (the default)
    bets on means          ``estimand = "mean"``: an e-process on differences within declared bounds
    both ways              ``both_ways``: flipped coins for a gain and for a loss, each at half of α (see ``ends``)

The first two prove that the change is *typically* better; the third that it is better *on average*; every verdict says
which. Exact metrics are compared as they read, in one pair. All other endings can only end a trial, never adopt, so
their levels need no correction: worse at 1/20, not worthwhile at 1/5, futile below one chance in ten.
"""

import math
from collections.abc import Sequence

import msgspec

from kaizen import evidence
from kaizen.judges.paired.ends import Ending, ending
from kaizen.judges.paired.proof import PROOF, Weighed, clamp, rule_for, rule_of
from kaizen.judges.paired.views import View, effects, judged
from kaizen.process import Process
from kaizen.trial import Block, Design, Trial
from kaizen.verdict import Prospect, Verdict


class PairedJudge(msgspec.Struct, frozen=True):
    """Judge by randomised pairs, as the trial's design says (see the module)."""

    def method_for(self, process: Process) -> str:
        """Name the method by which a trial of the process would be judged, with its version."""
        return rule_for(process.policy).name

    def check(self, trial: Trial, *, intervals: bool = True) -> Verdict:
        """Judge the complete pairs of a trial; without ``intervals`` the effects have no ends (a quicker look)."""
        pairs, rule = trial.pairs, rule_of(trial.design)
        design = rule.one_way(trial.design)
        views = judged(design, pairs)
        weighed = rule.weigh(views, design)
        needed = -math.log(design.alpha) if design.alpha > 0 else PROOF
        decision, reason = _decided(weighed, views, pairs, design)
        settled = reason != ""
        verdict = Verdict(
            decision=decision,
            settled=settled,
            reason=reason or weighed.said,
            effects=effects(design, pairs, rule, intervals=intervals or settled) if pairs else (),
            pairs=len(pairs),
            evidence=clamp(weighed.evidence),
            needed=needed,
            method=rule.name,
            rarity=weighed.rarity,
        )
        return msgspec.structs.replace(verdict, said=verdict.spell(design.metrics))

    def prospect(self, design: Design, *, gain: float, sd: float) -> Prospect:
        """Tell what proof of a gain takes; ``gain`` and ``sd`` (of one pair's difference) in one unit, gain above 0."""
        if all(metric.exact for metric in design.metrics):
            return Prospect(pairs=1, odds=1.0)
        if design.alpha <= 0:  # the error budget is used up
            return Prospect(pairs=evidence.OUT_OF_REACH, odds=0.0)
        rule = rule_of(design)
        pairs, odds = rule.foretell(gain, sd, rule.one_way(design))
        return Prospect(pairs=pairs, odds=odds)


def _decided(weighed: Weighed, views: Sequence[View], pairs: Sequence[Block], design: Design) -> Ending:
    """Return decision and reason; no reason while the trial goes on. The design is of one direction."""
    if not pairs:
        return "undecided", ""
    return ("better", weighed.said) if weighed.proven else ending(views, pairs, design, rule_of(design))
