"""Noise and the price of proof in plain text: what repeats of the standard show, and what a wanted gain takes."""

from collections.abc import Iterator, Sequence

from kaizen.forecast import TrialPlan, spelled
from kaizen.metric import UTILITY
from kaizen.noise import LEAST, Known, Provable, Repeats, Scatter
from kaizen.reports.lines import count, fold_text
from kaizen.trial import Spend

_ALIKE = 0.05  # chance of an order below which neighbours are called alike


def noise_text(found: Repeats) -> str:
    """Tell the noise of every metric, what it lets trials prove, and what to mend."""
    lines = fold_text(f"Noise of {found.process.name}, by {count(found.runs, 'run')} of {found.standard}")
    lines += [f"  {line}" for line in _runs(found)]
    for known in found.metrics:
        lines += ["", *_metric(known, found)]
    if found.warnings:
        lines += ["", "What to mend", *(line for said in found.warnings for line in fold_text(said, indent="  "))]
    return "\n".join(lines)


def _runs(found: Repeats) -> Iterator[str]:
    if found.each.seconds or found.each.money:
        money = f", {found.each.money:.3g} money" if found.each.money else ""
        yield f"a run takes {found.each.seconds:.3g} s{money}"
    if found.faults:
        reasons = ", ".join(f"{reason} {times}" for reason, times in found.faults.items())
        yield f"{sum(found.faults.values())} of {count(found.runs, 'run')} gave no reading ({reasons})"
    if found.waiting:
        yield f"{count(found.waiting, 'repeat')} of the standard wait or are under way"


def _metric(known: Known, found: Repeats) -> list[str]:
    one = known.scatter
    title = "utility, by which metrics with a worth are judged" if one.metric is UTILITY else one.metric.rule
    if one.sd is None:
        few = f"{count(one.readings, 'reading')}; noise is told from {LEAST}"
        return [*fold_text(title), *_fact("level", _level(one)), *_fact("noise", few)]
    lines = [*fold_text(title), *_fact("level", _level(one))]
    if not one.varies:
        return [*lines, *_fact("noise", f"none: all {one.readings} readings agree")]
    for name, said in (("sd", _sd(one)), ("drift", _drift(one)), ("memory", _memory(one))):
        lines += _fact(name, said)
    return [*lines, *_provable(known.provable, one, found)]


def _level(one: Scatter) -> str:
    if one.level is None or one.lowest is None or one.highest is None:
        return ""
    unit = f" {one.metric.unit}".rstrip()
    return f"{one.level:.6g}{unit} (median), from {one.lowest:.6g} to {one.highest:.6g}"


def _sd(one: Scatter) -> str:
    assert one.sd is not None, "known where it is told"
    assert one.pair is not None, "as above"
    assert one.ends is not None, "as above"
    low, high = (one.metric.amount(end) for end in one.ends)
    return f"{one.metric.amount(one.sd)} of a reading; {one.metric.amount(one.pair)} of a pair's difference ({low} to {high})"


def _drift(one: Scatter) -> str:
    order = f"so much order by chance: {one.order or 0.0:.2g}"
    if one.drift is None:
        return f"none to be seen ({order})"
    moved = f"{one.metric.spell(one.drift.size)}, {one.drift.sds:.1f} sd ({order})"
    return f"a shift at run {one.drift.since}: {moved}" if one.drift.kind == "shift" else f"from first to last {moved}"


def _memory(one: Scatter) -> str:
    alike = one.alike is not None and one.alike < _ALIKE
    said = f"correlation with the next reading {one.autocorrelation or 0.0:+.2f}; neighbours are "
    return said + (
        f"alike: pairs cancel {one.cancelled or 0.0:.0%} of the variance" if alike else "no more alike than others"
    )


def _provable(rows: Sequence[Provable], one: Scatter, found: Repeats) -> list[str]:
    if not rows:
        judged_by = "it is judged within the utility" if one.metric.worth > 0 else ""
        return _fact("proof", judged_by)
    lines = _fact("proof", f"the smallest gain proven with odds of {found.odds:.0%}, judged at {found.alpha:.2g}:")
    for row in rows:
        gain = "none" if row.gain is None else spelled(one.metric, row.gain)
        lines.append(f"            {count(row.pairs, 'pair'):>9} at most  {gain:>10}   {_spend(row.spend)}")
    return lines


def plan_text(plan: TrialPlan) -> str:
    """Tell what the proof of a gain takes, and what would help where it is not affordable."""
    metric = plan.metric
    lines = fold_text(f"A gain of {metric.amount(plan.change)} on {metric.name} of {plan.process}")
    facts = [("noise", f"a pair's difference has an sd of {metric.amount(plan.sd)} ({plan.known})"), *_proof(plan)]
    for other in plan.beside:
        kept = (
            f"odds of {other.odds:.0%}"
            if other.odds is not None
            else "its noise is not known yet, so it is not counted"
        )
        facts.append(
            (
                "beside",
                f"{other.metric.name} must be proven to lose less than {other.metric.amount(other.metric.margin)}: {kept}",
            )
        )
    if plan.left is not None:
        odds = f": odds of {plan.left_odds:.0%} at most" if plan.left_odds is not None else ""
        facts.append(("budget", f"what is left pays for {count(plan.left, 'pair')}{odds}"))
    if plan.smallest is not None and not metric.exact:
        least = f"{spelled(metric, plan.smallest)}, with odds of {plan.wanted:.0%} within {plan.most} pairs"
        facts.append(("smallest", least))
    facts.append(("so", "it can be afforded" if plan.affordable and not plan.shut else _refused(plan)))
    for name, said in facts:
        lines += _fact(name, said)
    return "\n".join([*lines, *(line for said in plan.mends for line in fold_text(f"- {said}", indent="            "))])


def _proof(plan: TrialPlan) -> Iterator[tuple[str, str]]:
    if plan.shut:
        yield "proof", f"impossible now: {plan.shut}"
        return
    if plan.metric.exact:
        yield "proof", f"one pair decides, for it is exact: {_spend(plan.spend)}"
        return
    even = f"; even odds by pair {plan.pairs}" if plan.pairs <= plan.most else ""
    yield "proof", f"odds of {plan.odds:.0%} within {count(plan.most, 'pair')}, judged at {plan.alpha:.2g}{even}"
    if plan.enough is not None:
        yield "takes", f"{count(plan.enough, 'pair')} at most for odds of {plan.wanted:.0%}: {_spend(plan.spend)}"
    else:
        yield (
            "takes",
            f"more than {count(plan.most, 'pair')} for odds of {plan.wanted:.0%}; they spend {_spend(plan.spend)}",
        )


def _refused(plan: TrialPlan) -> str:
    if plan.shut:
        return "nobody can prove it now; what would help:"
    where = "with what is left of the budget" if plan.enough is not None else f"within {count(plan.most, 'pair')}"
    return f"it cannot be afforded {where}; what would help:"


def _spend(spend: Spend) -> str:
    return str(spend) if spend.seconds or spend.money else count(spend.runs, "run")


def _fact(name: str, said: str) -> list[str]:
    return fold_text(said, first=f"  {name:<9} ", indent=" " * 12) if said else []
