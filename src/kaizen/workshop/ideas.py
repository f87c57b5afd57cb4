"""Ideas in flight, in the words of those who had them; and the nod on one, asked again when its runs begin."""

from collections.abc import Sequence

import msgspec

from kaizen.journal import Head
from kaizen.ledger import Advised, Opened, Proposed, Record
from kaizen.reports.lines import count
from kaizen.standard import Increment
from kaizen.veteran.nod import Nod, consult
from kaizen.veteran.recall import Recall
from kaizen.workshop.turning import Wheel

_FIRST = 256  # records that are looked back on for what was said of a proposal
_FARTHEST = 65_536


class Idea(msgspec.Struct, frozen=True, kw_only=True):
    """One increment that is being tried, or waits to be."""

    increment: Increment
    trial: int | None = None
    proposal: int | None = None
    stands: str
    """Where it stands, in words."""

    @property
    def place(self) -> str:
        """Return ``trial 3`` or ``proposal 7``."""
        return f"trial {self.trial}" if self.trial is not None else f"proposal {self.proposal}"


class Recheck(msgspec.Struct, frozen=True, kw_only=True):
    """What the veteran said of a trial's increment when it was proposed, and what it says now."""

    trial: int
    before: str
    because: str
    now: Nod

    @property
    def differs(self) -> bool:
        """Whether the answer is another one."""
        return self.before != self.now.answer

    def __str__(self) -> str:
        """Return ``trial 3: the nod was go (…); it is failed before (…) now``."""
        was = self.before.replace("_", " ")
        return f"trial {self.trial}: the nod was {was} ({self.because}); now it is {self.now}"


def ideas(head: Head) -> tuple[Idea, ...]:
    """Return what is in flight, trials first; copies of the standard and watches are nobody's idea."""
    consent = head.process.policy.consent
    trials = [
        Idea(
            increment=open_.trial.increment,
            trial=open_.trial.id,
            stands=f"{count(len(open_.trial.pairs), 'pair')} made"
            if open_.verdict is None
            else f"proven better, waits for the consent of {consent}",
        )
        for open_ in head.trials
        if open_.trial.purpose == "trial"
    ]
    waiting = [
        Idea(increment=one.increment, proposal=one.id, stands="waits for its trial")
        for one in head.proposals
        if not one.increment.is_null
    ]
    return (*trials, *waiting)


def recheck(wheel: Wheel, recall: Recall, trial: int) -> Recheck | None:
    """Ask again about a trial's increment, as if it were not in flight itself; reads only.

    ``None`` where nobody was advised on it, and once a run of it is answered: what it gives is the judge's to say then.
    """
    journal = wheel.journal()
    open_ = journal.head.under_way(trial)
    if open_ is None or open_.trial.purpose != "trial":
        return None
    if any(block.standard is not None or block.increment is not None for block in open_.trial.blocks):
        return None
    advised = _advised(wheel, trial, journal.head.seq)
    if advised is None:
        return None
    others = tuple(other for other in journal.head.trials if other.trial.id != trial)
    head = msgspec.structs.replace(journal.head, trials=others, proposals=())  # what waits behind it is no news to it
    now = consult(msgspec.structs.replace(journal, head=head), open_.trial.increment, recall)
    return Recheck(trial=trial, before=advised.answer, because=advised.because, now=now)


def asked_again(wheel: Wheel, recall: Recall, proposed: Proposed) -> Nod:
    """Return the nod on a proposal that waits already, as if it did not; reads only."""
    journal = wheel.journal()
    others = tuple(other for other in journal.head.proposals if other.id != proposed.id)
    head = msgspec.structs.replace(journal.head, proposals=others)
    return consult(msgspec.structs.replace(journal, head=head), proposed.increment, recall)


def _advised(wheel: Wheel, trial: int, last: int) -> Advised | None:
    """Return what was said of a trial's proposal, looking back as far as needs be and no farther than is quick."""
    back = _FIRST
    while True:
        records = tuple(wheel.ledger.read(wheel.process, after=max(0, last - back)))
        found = _search(records, trial)
        if found is not None or back >= min(last, _FARTHEST):
            return found
        back *= 4


def _search(records: Sequence[Record], trial: int) -> Advised | None:
    entries = [record.entry for record in records]
    proposal = next((one.proposal for one in entries if isinstance(one, Opened) and one.trial.id == trial), None)
    said = (one for one in entries if isinstance(one, Advised) and proposal is not None and one.proposal == proposal)
    return next(said, None)
