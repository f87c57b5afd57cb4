"""What the planner sees of one journal: the runs that still compare, what is taken, and what is due."""

from collections.abc import Sequence

import msgspec

from kaizen.journal import Head, Journal, Tried
from kaizen.plan import REMEMBERED, Noise, noise
from kaizen.planners.model.belief import Seen
from kaizen.setting import Setting
from kaizen.trial import Fault, Spend

_MEMORY = 2000  # runs it looks back
_REPEAT = 8  # runs of others between two runs of the standard
_HORIZON = 200.0  # runs that are left where no budget says


class Sight(msgspec.Struct, frozen=True):
    """One journal, looked at."""

    head: Head
    seen: tuple[Seen, ...]
    """All comparable runs, of whatever standard, in order."""
    pending: tuple[Setting, ...]
    """Settings under way or waiting, the standard left out."""
    spends: tuple[Spend, ...]
    """What each of them spent."""
    remembered: tuple[bool, ...]
    """Which of them memory had asked for."""
    asked_by_memory: int
    """Runs under way that it has asked for."""
    taken: frozenset[Setting]
    """Settings that are not new: tried, faulted, or under way."""
    busy: frozenset[Setting]
    """Settings that may not be run again, either: faulted, or under way."""
    tested: frozenset[Setting]
    """Settings that had, have or will have a trial against this standard, or faulted."""
    scouted: int
    """Settings tried, the standard and what memory had asked for left out."""
    spent: int
    """Runs since this standard, of whatever purpose."""
    left: float
    """Typical runs left in the budget."""
    since_trial: int
    """Scouts since the last trial was opened, or the standard adopted."""
    turn: int
    """Scouts since this standard."""
    standard_due: bool
    scatter: dict[str, Noise]
    """What pairs and repeats show of each metric's noise."""

    @property
    def standard(self) -> Setting:
        """Today's standard."""
        return self.head.standard.setting


def look(journal: Journal) -> Sight:
    """Look at a journal."""
    head = journal.head
    number, standard = head.standard.number, head.standard.setting
    rows = [row for row in journal.history.runs(latest=_MEMORY) if row.seq > head.era and _fits(head, row)]
    own = [row for row in rows if row.of == number]
    scouts = [row for row in own if row.purpose == "scout"]
    trials = [past for past in journal.history.trials() if past.trial.increment.of == number]
    waiting = {proposal.increment.after for proposal in head.proposals}
    under_way = {run.setting for run in head.runs} | waiting | {open_.trial.increment.after for open_ in head.trials}
    faulted = {row.setting for row in rows if isinstance(row.outcome, Fault)} - {standard}
    latest = max((past.seq for past in trials), default=0)
    return Sight(
        head=head,
        seen=tuple(Seen(row.setting, row.values) for row in rows),
        spends=tuple(row.spend for row in rows),
        remembered=tuple(row.because.startswith(REMEMBERED) for row in rows),
        asked_by_memory=sum(run.because.startswith(REMEMBERED) for run in head.runs),
        pending=tuple(sorted(under_way - {standard}, key=str)),
        taken=frozenset(faulted | under_way | {row.setting for row in rows}),
        busy=frozenset(faulted | under_way),
        tested=frozenset(faulted | waiting | {past.trial.increment.after for past in trials}),
        scouted=len(({row.setting for row in rows} | under_way) - {standard} - _by_memory(head, rows)),
        spent=len(own),
        left=_left(head),
        since_trial=sum(1 for row in scouts if row.seq > latest and row.setting != standard),
        turn=len(scouts),
        standard_due=_standard_due(head, rows, under_way=standard in under_way),
        scatter=noise(head.process, own, standard),
    )


def _by_memory(head: Head, rows: Sequence[Tried]) -> set[Setting]:
    """Return the settings that memory had asked for."""
    ran = {row.setting for row in rows if row.because.startswith(REMEMBERED)}
    return ran | {run.setting for run in head.runs if run.because.startswith(REMEMBERED)}


def _left(head: Head) -> float:
    """Return how many more runs the budget pays for, at what a run has spent so far."""
    policy, spent = head.process.policy, head.spent
    runs = max(1, spent.runs)
    found = [_HORIZON]
    if policy.runs is not None:
        found = [float(policy.runs - spent.runs - sum(1 for run in head.runs if run.attempt > 0))]
    if policy.seconds is not None and spent.seconds > 0:
        found.append((policy.seconds - spent.seconds) / (spent.seconds / runs))
    if policy.money is not None and spent.money > 0:
        found.append((policy.money - spent.money) / (spent.money / runs))
    return min(found)


def _fits(head: Head, row: Tried) -> bool:
    """Tell whether a run's setting is one of the process as described now."""
    return row.revision == head.revision or head.process.allows(row.setting)


def _standard_due(head: Head, rows: Sequence[Tried], *, under_way: bool) -> bool:
    """Tell whether the standard should run next: at first, and after every so many runs of others if anything is noisy."""
    if under_way:
        return False
    since = sum(1 for run in head.runs if run.purpose == "scout")
    for row in reversed(rows):
        if row.setting == head.standard.setting and row.values is not None:
            return not head.process.exact and since >= _REPEAT
        since += 1
    failed = sum(1 for row in rows if row.setting == head.standard.setting)
    return failed == 0 or (not head.process.exact and since >= _REPEAT)
