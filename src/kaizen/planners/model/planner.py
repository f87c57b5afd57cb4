"""The planner's decisions: know the standard, learn where little is known, then scout, try or stop by the model.

1. The standard first, and again now and then where something is noisy.
2. A few settings far apart, so that the model has something to go by.
3. A trial for the setting whose odds of proof are worth its pairs.
4. Else the scout of the highest expected improvement, every sixth one by another brain.
5. A stop when no scout has a fair chance of anything worthwhile.
"""

import numpy as np

from kaizen.journal import Journal
from kaizen.plan import Foretell, Plan, Scout, Stop
from kaizen.planners.model.aim import Aim, Found, aim, find, hedge
from kaizen.planners.model.belief import Belief, Caches, believe
from kaizen.planners.model.gains import Outlook, drivers, outlooks, proof
from kaizen.planners.model.search import Reach, draw, first_design, spread_out
from kaizen.planners.model.sight import Sight, look
from kaizen.setting import Setting
from kaizen.standard import increment
from kaizen.surrogate.space import Floats, Space
from kaizen.surrogate.threads import one_thread

BY = "model 1"

_HEDGE = 6  # every so manieth scout is another brain's
_BATCH = 4  # new settings scouted between two looks for a trial
_ODDS = 0.4  # chance of proof below which a trial is not worth its pairs
_LAST = 0.2  # the same, when there is nothing left to scout
_HOPE = 0.03  # chance of something worthwhile below which no scout is worth its run
_WEIGHED = 12  # settings that are weighed for a trial, the most promising first
_PATIENCE = 6  # scouts by the model before it may stop


def decide(journal: Journal, prospect: Foretell, seed: int, kept: Caches) -> Plan:
    """Return the plan for a journal (see ``plan.Planner``)."""
    sight = look(journal)
    if sight.standard_due:
        return Scout(setting=sight.standard, because="the standard again, to see noise and drift")
    rng = np.random.default_rng([seed % 2**63, sight.head.seq])
    space = Space(sight.head.process, sight.standard)
    reach = Reach(space, space.encode([sight.standard])[0], sight.head.process.policy.changes)
    if not space.free.any():
        return _over(sight)
    with one_thread():
        if sight.scouted < first_design(space):
            return _fresh(sight, reach, rng) or _by_model(sight, reach, rng, (prospect, kept)) or _over(sight)
        return _by_model(sight, reach, rng, (prospect, kept)) or _fresh(sight, reach, rng) or _over(sight)


def _over(sight: Sight) -> Stop:
    number, most = sight.head.standard.number, sight.head.process.policy.changes
    return Stop(
        because=f"every setting within {most} change{'' if most == 1 else 's'} of standard {number} has been tried"
    )


def _fresh(sight: Sight, reach: Reach, rng: np.random.Generator) -> Scout | None:
    """Return a scout far from what is known."""
    known = reach.space.encode([run.setting for run in sight.seen] + list(sight.pending) or [sight.standard])
    for row in (*spread_out(reach, known, 1, rng), *draw(reach, 300, rng)):
        setting = reach.space.decode(row)
        if setting is not None and setting != sight.standard and setting not in sight.taken:
            said = _said(sight, setting)
            return Scout(setting=setting, because=f"far from what is known, to learn: {said}")
    return None


def _said(sight: Sight, setting: Setting) -> str:
    return (
        ", ".join(f"{n}={v!r}" for n, v in setting.items() if sight.standard.get(n) != v) or "fewer parameters active"
    )


def _by_model(sight: Sight, reach: Reach, rng: np.random.Generator, with_: tuple[Foretell, Caches]) -> Plan | None:
    prospect, kept = with_
    belief = believe(reach.space, sight.seen, kept)
    if belief is None:
        return None
    patient = sight.since_trial >= _BATCH
    if patient and (step := _promising(sight, belief, reach, (prospect, _ODDS))) is not None:
        return step
    to = _aim(sight, belief, reach, rng)
    taken = sight.taken | {sight.standard}
    other = hedge(to, taken, rng) if sight.turn % _HEDGE == _HEDGE - 1 else None
    found = other or find(to, taken, rng)
    if found is not None and (other is not None or not _hopeless(sight, to, found)):
        return _scout(sight, to, found, other is not None)
    if (step := _promising(sight, belief, reach, (prospect, _LAST))) is not None:
        return step
    return None if found is None else _hopeless_stop(sight, to, found)


def _aim(sight: Sight, belief: Belief, reach: Reach, rng: np.random.Generator) -> Aim:
    """Aim from the standard, given that what is under way reads as expected; margins are the reference."""
    process = belief.process
    if sight.pending:
        belief = belief.believing(reach.space.encode(sight.pending))
    if len(process.metrics) == 1:
        return aim(belief, reach, rng)
    means, _ = belief.moments(reach.origin[None, :])
    reference = np.array([_at_margin(belief, index, float(means[0, index])) for index in range(len(process.metrics))])
    return aim(belief, reach, rng, reference)


def _at_margin(belief: Belief, index: int, level: float) -> float:
    """Return the warped reading that loses the whole margin on the standard's."""
    metric = belief.process.metrics[index]
    regression = belief.regressions[metric.name]
    turn = 1.0 if metric.better == "higher" else -1.0
    read = turn * float(regression.warp.back(np.array([level]))[0])
    loss = metric.as_loss(metric.margin)
    lost = read * np.exp(turn * loss) if metric.scale == "ratio" else read + turn * loss
    at = float(regression.warp(np.array([turn * lost]))[0])
    return min(at, level - 0.02)


def _promising(sight: Sight, belief: Belief, reach: Reach, wanted: tuple[Foretell, float]) -> Plan | None:
    """Return the increment most worth a trial, if any is."""
    prospect, least = wanted
    process = belief.process
    near = belief.rows[reach.allowed(belief.rows)]
    settings = [reach.space.decode(row) for row in near]
    open_ = [i for i, s in enumerate(settings) if s is not None and s != sight.standard and s not in sight.tested]
    if not open_:
        return None
    rows = near[open_]
    means, _ = belief.moments(rows)
    order = np.argsort(-means.max(axis=1), kind="stable")[:_WEIGHED]
    weighed = [(outlook, *proof(process, outlook, sight.scatter, prospect))
               for outlook in outlooks(belief, rows[order], sight.standard)]  # fmt: skip
    worth = [one for one in weighed if one[1] >= least]
    if not worth:
        return None
    outlook, odds, pairs = max(
        worth, key=lambda one: (one[1] * _size(one[0], belief) / (pairs_of(one[2])), str(one[0].setting))
    )
    changes = {name: value for name, value in outlook.setting.items() if sight.standard.get(name) != value}
    words = f"expects {outlook.spell(process)}; driven by {_driven(belief, outlook, sight)}"
    because = f"{words}; proof would take about {pairs} pair{'' if pairs == 1 else 's'}, odds {odds:.0%}"
    return increment(process, sight.head.standard, changes, because=because, by=BY)


def pairs_of(pairs: int) -> float:
    """Return what a trial costs beside the runs that come before the next one."""
    return pairs + _BATCH


def _size(outlook: Outlook, belief: Belief) -> float:
    """Return the largest expected gain, in worthwhiles (or in standard deviations where nothing is too small)."""
    sizes = []
    for metric in belief.process.metrics:
        gain = outlook.gains[metric.name]
        unit = metric.as_gain(metric.worthwhile) or max(gain.sd, 1e-9)
        sizes.append(gain.expected / unit)
    return max(*sizes, 1e-9)


def _driven(belief: Belief, outlook: Outlook, sight: Sight) -> str:
    row = belief.space.encode([outlook.setting])[0]
    return " and ".join(drivers(belief, row, sight.standard)[:3]) or "activity alone"


def _hopeless(sight: Sight, to: Aim, found: Found) -> bool:
    """Tell whether the best scout has no fair chance of a worthwhile gain over the best known."""
    return sight.since_trial >= _PATIENCE and _hope(to, found) < _HOPE


def _hope(to: Aim, found: Found) -> float:
    """Return the chance that a setting beats the best one known by something worthwhile."""
    row: Floats = found.row[None, :]
    base = to.reach.space.decode(_best(to))
    looked = outlooks(to.belief, row, base or to.belief.process.standard)
    return looked[0].odds if looked else 0.0


def _best(to: Aim) -> Floats:
    rows = to.belief.rows[to.reach.allowed(to.belief.rows)]
    if not len(rows) or to.front is not None:
        return to.reach.origin
    means, _ = to.belief.moments(rows)
    return np.asarray(rows[int(np.argmax(means.sum(1)))], dtype=np.float64)


def _hopeless_stop(sight: Sight, to: Aim, found: Found) -> Stop:
    hope, number = _hope(to, found), sight.head.standard.number
    return Stop(because=f"no change of standard {number} within reach has a fair chance of a worthwhile gain: "
                f"the best left, {_said(sight, found.setting)}, has {hope:.1%}")  # fmt: skip


def _scout(sight: Sight, to: Aim, found: Found, by_chance: bool) -> Scout:  # noqa: FBT001 - private, two words
    if by_chance:
        return Scout(
            setting=found.setting, because=f"a step of chance from the best known: {_said(sight, found.setting)}"
        )
    outlook = outlooks(to.belief, found.row[None, :], sight.standard)
    if not outlook:
        return Scout(setting=found.setting, because=_said(sight, found.setting))
    words = outlook[0].spell(to.belief.process)
    return Scout(setting=found.setting, because=f"{_said(sight, found.setting)}: expects {words} over standard "
                 f"{sight.head.standard.number}; driven by {_driven(to.belief, outlook[0], sight)}")  # fmt: skip
