"""The first planner: scout small steps around the standard, and try the promising ones.

Simple and sound. It knows the standard first, scouts one or two changes at a time, keeps away from faults,
never runs a setting twice unless it is the standard (which it runs again now and then, to see drift and noise),
and opens a trial for the step whose proof looks worth its pairs. No step is longer than ``at_most``.

Under a limit on risk it takes its shorter steps only, keeps away from broken guards as from faults, and shortens its
steps as the allowance falls (``kaizen.safety``). It has no model: it cannot tell a risky step beforehand.
"""

import random
from collections.abc import Sequence

import msgspec

from kaizen.journal import Head, Journal, Tried
from kaizen.parameter import Choice, Parameter, Real, Revision, Switch, Whole
from kaizen.plan import Advice, Foretell, Plan, Scout, Stop, candidates, comparable
from kaizen.process import Process
from kaizen.safety import allowance, breaks, planned
from kaizen.setting import Setting, Value
from kaizen.standard import Increment, increment
from kaizen.stride import reach
from kaizen.trial import Fault

BY = "small steps 1"

_MEMORY = 400  # runs it looks back
_FIRST = 2  # runs of the standard before anything else, where something is noisy
_REPEAT = 6  # scouts between two runs of the standard
_BATCH = 5  # new settings scouted between two looks for a trial
_TRIES = 200  # random steps drawn before it calls the neighbourhood empty
_REACH = (0.05, 0.12, 0.3, 0.6)  # lengths of a step, as shares of the range
_ODDS = 0.25  # chance of proof below which a trial is not worth its pairs
_BAD_CHOICES = 2  # faults after which a combination of choices that never went well is left alone
_CAREFUL = 2  # lengths of steps, the shortest, that are taken under a limit on risk
_NEAR = 0.2  # how close to a fault a step may come, as a part of the longest step


class SmallSteps(msgspec.Struct, frozen=True):
    """Propose one or two changes at a time, near today's standard."""

    def plan(self, journal: Journal, *, advice: Advice, prospect: Foretell, seed: int) -> Plan:
        """Return a scout, an increment worth a trial, or a stop (see ``plan.Planner``)."""
        sight = _look(journal, prospect)  # of what is remembered across processes, nothing is used yet
        if advice.warned:
            sight = msgspec.structs.replace(sight, tested=sight.tested | advice.warned)
        if sight.standard_due:
            return Scout(setting=sight.head.standard.setting, because="the standard again, to see noise and drift")
        if sight.share <= 0:
            why = "nothing else may be risked before more runs are sound"
            return Scout(setting=sight.head.standard.setting, because=f"the standard again: {why}")
        if sight.since_trial >= _BATCH and (step := _promising(sight)) is not None:
            return step
        chance = random.Random(f"{seed}:{sight.head.seq}")
        fresh = _fresh_step(sight, chance)
        if fresh is not None:
            return fresh
        if (step := _promising(sight)) is not None:
            return step
        return Stop(
            because=f"every small step from standard {sight.head.standard.number} that may be taken has been scouted"
        )


class _Sight(msgspec.Struct, frozen=True):
    """What the planner sees of one journal."""

    head: Head
    rows: Sequence[Tried]
    """The latest comparable runs of today's standard and its scouts."""
    taken: frozenset[Setting]
    """Settings that were scouted or are under way."""
    tested: frozenset[Setting]
    """Settings that had, have or will have a trial against today's standard."""
    faults: tuple[Setting, ...]
    standard_due: bool
    since_trial: int
    prospect: Foretell
    share: float
    """What is left of the limit on risk, 0 (nothing new may be run) to 1; 1 where there is none."""

    @property
    def lengths(self) -> tuple[float, ...]:
        """How long steps may be."""
        limited = self.head.process.policy.risk is not None
        return tuple(length * self.share for length in _REACH[:_CAREFUL]) if limited else _REACH


def _look(journal: Journal, prospect: Foretell) -> _Sight:
    head = journal.head
    standard = head.standard
    rows = comparable(head, journal.history.runs(of=standard.number, latest=_MEMORY))
    under_way = {run.setting for run in head.runs}
    scouts = [row for row in rows if row.purpose == "scout"]
    trials = [past.trial for past in journal.history.trials() if past.trial.increment.of == standard.number]
    tested = {trial.increment.after for trial in trials} | {waiting.increment.after for waiting in head.proposals}
    since = max(
        (past.seq for past in journal.history.trials() if past.trial.increment.of == standard.number), default=0
    )
    return _Sight(
        head=head,
        rows=rows,
        taken=frozenset({row.setting for row in rows} | under_way),
        tested=frozenset(tested),
        faults=tuple(row.setting for row in rows if row.setting != standard.setting and _bad(head, row)),
        standard_due=_standard_due(head, scouts, under_way=standard.setting in under_way),
        since_trial=sum(1 for row in scouts if row.seq > since and row.setting != standard.setting),
        prospect=prospect,
        share=_share(journal),
    )


def _bad(head: Head, row: Tried) -> bool:
    """Tell whether to keep away from where a run was: it faulted or, under a limit on risk, broke a guard."""
    return isinstance(row.outcome, Fault) or (head.process.policy.risk is not None and bool(breaks(head.process, row)))


def _share(journal: Journal) -> float:
    """Return what is left of the process's limit on risk."""
    process, history = journal.head.process, journal.history
    if process.policy.risk is None:
        return 1.0
    ran = planned(process, history.runs(latest=_MEMORY), history.trials(), history.standards())
    return max(0.0, allowance(ran, process.policy.risk) / process.policy.risk)


def _standard_due(head: Head, scouts: Sequence[Tried], *, under_way: bool) -> bool:
    """Tell whether the standard should run next: at first, and after every so many scouts."""
    setting = head.standard.setting
    own = [place for place, row in enumerate(scouts) if row.setting == setting]
    if under_way:
        return False
    first = 1 if head.process.exact else _FIRST
    waiting = sum(1 for run in head.runs if run.purpose == "scout")
    return len(own) < first or (not head.process.exact and len(scouts) + waiting - own[-1] > _REPEAT)


def _promising(sight: _Sight) -> Increment | None:
    """Return the scouted step most worth a trial, if any is."""
    found = [
        c
        for c in candidates(sight.head, sight.rows, sight.prospect)
        if c.setting not in sight.tested and c.odds >= _ODDS
    ]
    if not found:
        return None
    chosen, process, standard = found[0], sight.head.process, sight.head.standard
    changes = {name: value for name, value in chosen.setting.items() if standard.setting.get(name) != value}
    proof = f"proof would take about {chosen.pairs} pair{'' if chosen.pairs == 1 else 's'}, odds {chosen.odds:.0%}"
    return increment(process, standard, changes, because=f"scouts saw {chosen.spell(process)}; {proof}", by=BY)


def _fresh_step(sight: _Sight, chance: random.Random) -> Scout | None:
    process, standard = sight.head.process, sight.head.standard
    free = [p for p in process.active(standard.setting) if not isinstance(p, Revision)]
    if sight.share < 1:  # a choice has no smaller steps
        free = [p for p in free if isinstance(p, Real | Whole)] or free
    most = min(process.policy.changes, len(free))
    if most == 0:
        return None
    for _ in range(_TRIES):
        picked = chance.sample(free, 1 if most == 1 or chance.random() < 0.6 else chance.randint(2, most))
        changes = {p.name: _moved(p, standard.setting[p.name], sight.lengths, chance) for p in picked}
        setting = _completed(process, standard.setting, changes, chance)
        if (
            setting is None
            or setting in sight.taken
            or setting == standard.setting
            or _near_fault(process, setting, sight)
        ):
            continue
        said = ", ".join(f"{name}={value!r}" for name, value in setting.items() if standard.setting.get(name) != value)
        return Scout(setting=setting, because=f"a small step from standard {standard.number}: {said}")
    return None


def _moved(parameter: Parameter, value: Value, lengths: Sequence[float], chance: random.Random) -> Value:
    """Return another value of a parameter, a step away."""
    match parameter:
        case Real() | Whole():
            step = chance.choice((-1, 1)) * chance.choice(lengths)
            moved = _stepped(parameter, value, step)
            return moved if moved != value else _next_level(parameter, value, lengths, chance)
        case Choice(values=values):
            return chance.choice([other for other in values if other != value])
        case Switch():
            return not value
    return value


def _stepped(parameter: Real | Whole, value: Value, step: float) -> Value:
    """Step so far, in parts of the range or of what ``at_most`` leaves of it, and no farther than that."""
    low, high = reach(parameter, value)
    return parameter.at(min(high, max(low, parameter.place(value) + step * (high - low))))


def _next_level(parameter: Real | Whole, value: Value, lengths: Sequence[float], chance: random.Random) -> Value:
    """Return the nearest different value on a coarse grid."""
    sign = chance.choice((-1, 1))
    for length in (*lengths, *_REACH):
        moved = _stepped(parameter, value, sign * length)
        if moved != value:
            return moved
    return value


def _completed(process: Process, before: Setting, changes: dict[str, Value], chance: random.Random) -> Setting | None:
    """Apply changes; parameters that become active get a value by chance; ``None`` where a constraint forbids it."""
    wanted: dict[str, Value] = {**before, **changes}
    kept: dict[str, Value] = {}
    for parameter in process.active(wanted):
        name = parameter.name
        kept[name] = wanted[name] if name in wanted else _any_value(parameter, chance)
        wanted[name] = kept[name]
    for parameter in process.active(wanted):  # what the new values themselves make active
        kept.setdefault(parameter.name, _any_value(parameter, chance))
    return process.setting(kept) if process.allows(kept) else None


def _any_value(parameter: Parameter, chance: random.Random) -> Value:
    match parameter:
        case Real() | Whole():
            return parameter.at(chance.random())
        case Choice(values=values):
            return chance.choice(values)
        case Switch():
            return chance.random() < 0.5
    return ""


def _near_fault(process: Process, setting: Setting, sight: _Sight) -> bool:
    """Tell whether a step comes close to a fault, or makes choices that have only ever faulted (twice or more)."""
    near = _NEAR * sight.lengths[-1]
    if any(_distance(process, sight.head.standard.setting, (setting, fault)) < near for fault in sight.faults):
        return True
    choices = _choices(process, setting)
    faulted = sum(1 for fault in sight.faults if _choices(process, fault) == choices)
    sound = any(_choices(process, row.setting) == choices for row in sight.rows if row.values is not None)
    return faulted >= _BAD_CHOICES and not sound


def _choices(process: Process, setting: Setting) -> dict[str, Value]:
    return {name: value for name, value in setting.items() if isinstance(process.parameter(name), Choice | Switch)}


def _distance(process: Process, standard: Setting, ends: tuple[Setting, Setting]) -> float:
    """Return the largest difference of any parameter, as a share of its range or of what ``at_most`` leaves of it.

    Another choice or activity is 1.
    """
    one, other = ends
    if one.keys() != other.keys():
        return 1.0
    largest = 0.0
    for name in one:
        match process.parameter(name):
            case (Real() | Whole()) as parameter:
                low, high = reach(parameter, standard[name]) if name in standard else (0.0, 1.0)
                largest = max(largest, abs(parameter.place(one[name]) - parameter.place(other[name])) / (high - low))
            case _ if one[name] != other[name]:
                return 1.0
    return largest
