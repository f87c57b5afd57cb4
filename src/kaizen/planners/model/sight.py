"""What the planner sees of one journal: the runs that still compare, what is taken, and what is due."""

from collections.abc import Sequence

import msgspec

from kaizen.journal import Head, Journal, Tried
from kaizen.plan import Noise, noise
from kaizen.planners.model.belief import Seen
from kaizen.setting import Setting
from kaizen.trial import Fault

_MEMORY = 2000  # runs it looks back
_FIRST = 2  # runs of the standard before anything else, where something is noisy
_REPEAT = 8  # scouts between two runs of the standard


class Sight(msgspec.Struct, frozen=True):
    """One journal, looked at."""

    head: Head
    seen: tuple[Seen, ...]
    """All comparable runs, of whatever standard, in order."""
    pending: tuple[Setting, ...]
    """Settings under way or waiting, the standard left out."""
    taken: frozenset[Setting]
    """Settings that may not be scouted: tried since this standard, faulted, or under way."""
    tested: frozenset[Setting]
    """Settings that had, have or will have a trial against this standard, or faulted."""
    scouted: int
    """Settings tried since this standard, itself left out."""
    since_trial: int
    """Scouts of new settings since the last trial of this standard was opened."""
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
    fresh = [row for row in scouts if row.setting != standard]
    trials = [past for past in journal.history.trials() if past.trial.increment.of == number]
    waiting = {proposal.increment.after for proposal in head.proposals}
    under_way = {run.setting for run in head.runs} | waiting | {open_.trial.increment.after for open_ in head.trials}
    faulted = {row.setting for row in rows if isinstance(row.outcome, Fault)} - {standard}
    latest = max((past.seq for past in trials), default=0)
    return Sight(
        head=head,
        seen=tuple(Seen(row.setting, row.values) for row in rows),
        pending=tuple(sorted(under_way - {standard}, key=str)),
        taken=frozenset(faulted | under_way | {row.setting for row in own}),
        tested=frozenset(faulted | waiting | {past.trial.increment.after for past in trials}),
        scouted=len({row.setting for row in fresh} | (under_way - {standard})),
        since_trial=sum(1 for row in fresh if row.seq > latest),
        turn=len(scouts),
        standard_due=_standard_due(head, scouts, under_way=standard in under_way),
        scatter=noise(head.process, own, standard),
    )


def _fits(head: Head, row: Tried) -> bool:
    """Tell whether a run's setting is one of the process as described now."""
    return row.revision == head.revision or head.process.allows(row.setting)


def _standard_due(head: Head, scouts: Sequence[Tried], *, under_way: bool) -> bool:
    """Tell whether the standard should run next: at first, and after every so many scouts."""
    if under_way:
        return False
    own = [place for place, row in enumerate(scouts) if row.setting == head.standard.setting]
    first = 1 if head.process.exact else _FIRST
    waiting = sum(1 for run in head.runs if run.purpose == "scout")
    return len(own) < first or (not head.process.exact and len(scouts) + waiting - own[-1] > _REPEAT)
