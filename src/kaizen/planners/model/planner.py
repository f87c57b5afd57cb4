"""The planner's decisions: know the standard, learn where little is known, then scout, look again, try or stop.

1. The standard first, and again now and then where something is noisy.
2. A few settings far apart, so that the model has something to go by.
3. A trial, once it is worth its runs (``prove``): it gains more a run than scouting on would add.
4. Else the scout that is expected to add most to the choice for what it spends (``worth``, ``spend``): something new, or a
   front-runner again where noise leaves open which is the best; now and then by another brain, where the model is stuck.
5. A stop when one more run is not worth it.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from kaizen.journal import Journal
from kaizen.plan import Advice, Foretell, Plan, Scout, Stop
from kaizen.planners.model.aim import Aim, Found, aim, find, hedge, stuck
from kaizen.planners.model.belief import Belief, Caches, Seen, believe
from kaizen.planners.model.caution import careful
from kaizen.planners.model.gains import Outlook, drivers, outlooks
from kaizen.planners.model.prove import Ready, ready, ripe
from kaizen.planners.model.remember import Hint, hint
from kaizen.planners.model.safety import grounded, nothing_left, outward, standstill, too_far
from kaizen.planners.model.search import Reach, around, draw, mutate, spread_out
from kaizen.planners.model.sight import Sight, look
from kaizen.planners.model.spend import Spending, spending, thrifty
from kaizen.planners.model.worth import Looks, left, lessons, merits, unit
from kaizen.setting import Setting
from kaizen.standard import increment
from kaizen.surrogate.space import Floats, Space
from kaizen.surrogate.threads import one_thread

BY = "model 1"

_FIRST = 4  # settings scouted before the model is asked: fewer than as a library, for the standard is known
_FRONT = 20  # settings that ran, among which the choice is
_BEYOND = 100.0  # spreads of its readings: a worthwhile beyond them is out of a metric's reach
_AGAIN = 6  # of them, and the standard, that may be worth another run
_WORTH_AGAIN = 3.0  # times what something new adds: to look once more teaches of one setting, something new of more
_AROUND = 100, 12  # rows in which to look for what is left: drawn, and near each of the best
_HOPE = 0.03  # chance of something worthwhile below which nothing beyond the fence is worth a step
_LAST = 0.2  # odds of proof from which a trial is opened when there is nothing left to scout
_SOUND = np.log(0.5)  # settings less likely to be sound are no front-runners
_LITTLE = 1.0  # worthwhiles: what is left to be found, below which the model knows enough


def decide(journal: Journal, advice: Advice, with_: tuple[Foretell, Caches], seed: int) -> Plan:
    """Return the plan for a journal (see ``plan.Planner``)."""
    _, kept = with_
    sight = look(journal)
    if advice.warned:
        sight = msgspec.structs.replace(sight, tested=sight.tested | advice.warned)
    if sight.standard_due:
        return Scout(setting=sight.standard, because="the standard again, to see noise and drift")
    rng = np.random.default_rng([seed % 2**63, sight.head.seq])
    space = Space(sight.head.process, sight.standard)
    reach = around(space, sight.standard, sight.head.process.policy.changes)
    if not space.free.any():
        return _over(sight, reach)
    with one_thread():
        reach = grounded(reach, journal, sight, kept)
        if nothing_left(reach):
            return _over(sight, reach)
        reach, kin = careful(reach, sight, advice, kept)
        recalled = hint(sight, reach, advice, kept)
        if sight.scouted < _FIRST and recalled is None:
            return _fresh(sight, reach, rng) or _by_model(sight, reach, rng, with_, (None, kin)) or _over(sight, reach)
        return _by_model(sight, reach, rng, with_, (recalled, kin)) or _fresh(sight, reach, rng) or _over(sight, reach)


def _over(sight: Sight, reach: Reach) -> Plan:
    number, most = sight.head.standard.number, sight.head.process.policy.changes
    return standstill(sight, reach) or Stop(
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


def _by_model(
    sight: Sight,
    reach: Reach,
    rng: np.random.Generator,
    with_: tuple[Foretell, Caches],
    memory: tuple[Hint | None, Sequence[Seen]] = (None, ()),
) -> Plan | None:
    (prospect, kept), (recalled, kin) = with_, memory
    belief = believe(reach.space, sight.seen, kept, goals=_goals(sight), kin=kin)
    if belief is None:
        return None if recalled is None else Scout(setting=recalled.setting, because=recalled.because)
    spends = spending(reach.space, sight.seen, sight.spends, kept)
    to = thrifty(_aim(sight, belief, reach, rng), spends)
    taken = sight.taken | {sight.standard}
    # under noise, many changes at once show more than one that is lost in it; exact readings need no more than matter
    found = find(to, taken, rng, simpler=belief.process.exact)
    looks = _looks(sight, to, found, rng)
    if recalled is not None:
        looks = looks._replace(new=max(looks.new, recalled.expects * _deviation(sight, belief)))
    trial = ready(sight, belief, reach, (prospect, spends))
    if trial is not None and ripe(trial, sight, looks):
        sure = trial.reads >= trial.wanted or trial.runs + 1.0 > sight.left or trial.outlook.setting in sight.busy
        return _open(sight, belief, trial, spends) if sure else _again(sight, to, trial.outlook.setting)
    if recalled is not None:
        return Scout(setting=recalled.setting, because=recalled.because)
    other = hedge(to, taken, rng) if stuck(to, sight.turn) else None
    if other is not None:
        return _scout(sight, to, other, "where much more may be than the best known")
    if not _enough(sight, looks):
        if looks.again is not None and (found is None or looks.repeat > _WORTH_AGAIN * looks.new):
            return _again(sight, to, looks.again)
        if found is not None:
            return _scout(sight, to, found, spends=spends)
    elif found is not None and sight.since_trial < sight.head.process.policy.patience:
        return _beyond(sight, to, rng) or _fresh(sight, reach, rng) or _scout(sight, to, found, spends=spends)
    if trial is not None and trial.odds >= _LAST and trial.runs <= sight.left:
        return _open(sight, belief, trial, spends)
    return None if found is None else _beyond(sight, to, rng) or _not_worth(sight, looks, spends)


def _deviation(sight: Sight, belief: Belief) -> float:
    """Return a standard deviation of the readings, in worthwhiles."""
    metric = belief.process.metrics[0]
    read = [run.values[metric.name] for run in sight.seen if run.values is not None and metric.name in run.values]
    return float(np.std([metric.gain(value, read[0]) for value in read])) / unit(belief, metric)


def _looks(sight: Sight, to: Aim, found: Found | None, rng: np.random.Generator) -> Looks:
    """Weigh one more run: of the new setting found, or of a front-runner again."""
    belief, reach = to.belief, to.reach
    front, settings = _front(sight, to)
    rows = np.vstack([reach.origin[None, :], front])
    new, again, repeat = 0.0, None, 0.0
    if found is not None:
        sound = float(np.exp(belief.log_sound(found.row[None, :])[0]))
        new = sound * float(lessons(belief, np.vstack([rows, found.row]), [len(rows)], len(rows))[0])
    if not belief.process.exact and len(settings):
        at = [index for index, s in enumerate((sight.standard, *settings[:_AGAIN])) if s not in sight.busy]
        worth = lessons(belief, rows, at, len(rows)) if at else np.zeros(0)
        if len(worth) and float(worth.max()) > 0.0:
            again = (sight.standard, *settings)[at[int(np.argmax(worth))]]
            repeat = float(worth.max())
    if max(new, repeat) * _patience(sight) >= 1.0:
        return Looks(new, again, repeat)
    drawn, each = _AROUND
    near = mutate(reach, np.repeat(front[:5], each, axis=0), 0.1, rng) if len(front) else front
    more = [rows, draw(reach, drawn, rng), near[reach.allowed(near)], *([found.row[None, :]] if found else [])]
    return Looks(new, again, repeat, left(belief, np.vstack(more), len(rows)))


def _patience(sight: Sight) -> float:
    """Return how many runs one worthwhile gain is worth: what the policy lets a trial take."""
    return 2.0 * sight.head.process.policy.patience


def _front(sight: Sight, to: Aim) -> tuple[Floats, list[Setting]]:
    """Return the best believed settings among those that ran, can be proven and are probably sound, best first."""
    rows = to.belief.rows[to.reach.allowed(to.belief.rows)]
    rows = rows[to.belief.log_sound(rows) > _SOUND] if len(rows) else rows
    merit = merits(to.belief, rows, to.reach.origin) if len(rows) else np.zeros(0)
    kept, settings = [], []
    for index in np.argsort(-merit, kind="stable"):
        setting = to.belief.space.decode(rows[index])
        if setting is not None and setting != sight.standard and setting not in sight.tested:
            kept.append(int(index))
            settings.append(setting)
        if len(kept) == _FRONT:
            break
    return rows[kept], settings


def _beyond(sight: Sight, to: Aim, rng: np.random.Generator) -> Plan | None:
    """Go on toward what has a fair chance beyond safe ground, if there is a limit and anything beyond."""
    target = too_far(sight, to, rng)
    if target is None or _hope(to, target) < _HOPE:
        return None
    return outward(sight, to, target, rng) or standstill(sight, to.reach)


def _goals(sight: Sight) -> tuple[str, ...]:
    """Return the metrics that may yet gain what is worthwhile; those that cannot only bear margins and guards."""
    process = sight.head.process
    found = []
    for metric in process.metrics:
        read = [run.values[metric.name] for run in sight.seen if run.values is not None and metric.name in run.values]
        spread = abs(metric.gain(max(read), min(read))) if read else 0.0
        if not 0.0 < spread * _BEYOND < metric.as_gain(metric.worthwhile):
            found.append(metric.name)
    return tuple(found)


def _aim(sight: Sight, belief: Belief, reach: Reach, rng: np.random.Generator) -> Aim:
    """Aim from the standard, given that what is under way reads as expected; margins are the reference."""
    if sight.pending:
        belief = belief.believing(reach.space.encode(sight.pending))
    if len(belief.goals) == 1:
        return aim(belief, reach, rng)
    means, _ = belief.moments(reach.origin[None, :])
    levels = zip(belief.goals, means[0], strict=True)
    reference = np.array([_at_margin(belief, name, float(level)) for name, level in levels])
    return aim(belief, reach, rng, reference)


def _at_margin(belief: Belief, name: str, level: float) -> float:
    """Return the warped reading that loses the whole margin on the standard's."""
    metric = belief.process.metric(name)
    regression = belief.regressions[metric.name]
    turn = 1.0 if metric.better == "higher" else -1.0
    read = turn * float(regression.warp.back(np.array([level]))[0])
    loss = metric.as_loss(metric.margin)
    lost = read * np.exp(turn * loss) if metric.scale == "ratio" else read + turn * loss
    at = float(regression.warp(np.array([turn * lost]))[0])
    return min(at, level - 0.02)


def _open(sight: Sight, belief: Belief, trial: Ready, spends: Spending) -> Plan:
    process, outlook = belief.process, trial.outlook
    changes = {name: value for name, value in outlook.setting.items() if sight.standard.get(name) != value}
    pairs, said = trial.pairs, spends.spell(trial.runs)
    proof = f"proof would take about {pairs} pair{'' if pairs == 1 else 's'}{f', {said}' if said else ''}, odds {trial.odds:.0%}"
    words = f"expects {outlook.spell(process)}; driven by {_driven(belief, outlook, sight)}; {proof}"
    return increment(process, sight.head.standard, changes, because=words, by=BY)


def _driven(belief: Belief, outlook: Outlook, sight: Sight) -> str:
    row = belief.space.encode([outlook.setting])[0]
    return " and ".join(drivers(belief, row, sight.standard)[:3]) or "activity alone"


def _enough(sight: Sight, looks: Looks) -> bool:
    """Tell whether the model knows enough: neither one more run nor knowing everything is expected to add much.

    The policy lets a trial take so many pairs for one gain that is worthwhile: as many runs must be expected to bring one.
    A model may be too sure of itself; so the planner looks where it knows least for a while, before it believes that.
    """
    return looks.best * _patience(sight) < 1.0 and looks.left < _LITTLE


def _not_worth(sight: Sight, looks: Looks, spends: Spending) -> Stop:
    number, said = sight.head.standard.number, spends.spell(1.0)
    return Stop(
        because=f"not worth another run{f' of {said}' if said else ''}: it is expected to add {looks.best:.2g} of a "
        f"worthwhile gain over standard {number}, and knowing everything {looks.left:.2g}"
    )


def _again(sight: Sight, to: Aim, setting: Setting) -> Scout:
    """Run a front-runner once more: noise leaves open whether it is the best."""
    count = sum(1 for run in sight.seen if run.setting == setting)
    times = f"read {count} time{'' if count == 1 else 's'}"
    if setting == sight.standard:
        return Scout(setting=setting, because=f"the standard again ({times}): what is gained over it is too uncertain")
    outlook = outlooks(to.belief, to.belief.space.encode([setting]), sight.standard)
    words = f"; expects {outlook[0].spell(to.belief.process)}" if outlook else ""
    return Scout(
        setting=setting, because=f"again, to know the front-runners apart: {_said(sight, setting)} ({times}){words}"
    )


def _scout(sight: Sight, to: Aim, found: Found, why: str = "", spends: Spending | None = None) -> Scout:
    said = _said(sight, found.setting)
    outlook = outlooks(to.belief, found.row[None, :], sight.standard)
    if why or not outlook:
        return Scout(setting=found.setting, because=f"{why}: {said}" if why else said)
    words = outlook[0].spell(to.belief.process)
    spent = spends.spell(spends.price(found.row)) if spends is not None and spends.model is not None else ""
    return Scout(setting=found.setting, because=f"{said}: expects {words} over standard {sight.head.standard.number}; "
                 f"driven by {_driven(to.belief, outlook[0], sight)}{f'; spends {spent}' if spent else ''}")  # fmt: skip


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
