"""Carrying over what was proven elsewhere: each process takes it up itself, in its own turn, as a proposal with its nod."""

from kaizen import cycle
from kaizen.errors import OutOfTurn
from kaizen.journal import Journal
from kaizen.standard import Increment
from kaizen.veteran.carrying import Carried, carried
from kaizen.veteran.nod import Nod
from kaizen.workshop.turning import Wheel

_TRIED = ("failed_before", "worked_before", "in_flight")


def found(wheel: Wheel, journal: Journal) -> tuple[Carried, ...]:
    """Return what could be carried over to a process, and what is left with the reason; nothing where the policy says off."""
    return () if journal.head.process.policy.carry == "off" else carried(wheel.memory(), journal)


def check_on(wheel: Wheel) -> None:
    """Refuse to carry anything over where the policy says off.

    Raises:
        OutOfTurn: it does.
    """
    if wheel.head().process.policy.carry == "off":
        raise OutOfTurn(
            f"the policy of {wheel.process} must let proofs be carried over; got carry off",
            hint='carry = "ask" or "on"',
        )


def next_of(wheel: Wheel, journal: Journal) -> Carried | None:
    """Return the closest that is to be proposed now; ``None`` where nothing is left."""
    policy = journal.head.process.policy
    for one in found(wheel, journal):
        nod = _asked(wheel, journal, one)
        if nod is not None and not (nod.warns and policy.reasons) and not _proposed(wheel, one):
            return one
    return None


def _asked(wheel: Wheel, journal: Journal, one: Carried) -> Nod | None:
    """Return the nod on one; ``None`` where it was tried, does not fit, or nobody can be asked."""
    if one.left or one.made is None or wheel.consult is None:
        return None
    nod = wheel.consult(journal, one.made)
    return None if nod.answer in _TRIED else nod


def _proposed(wheel: Wheel, one: Carried) -> bool:
    """Tell whether it was proposed against this standard: once is enough, whatever became of it."""
    return wheel.ledger.answered(wheel.process, one.key) is not None


class Carrying:
    """Looks in a process's turn for what the policy lets be proposed by itself; what the veteran warns of is left to people."""

    def __init__(self, wheel: Wheel) -> None:
        """Serve one process's wheel."""
        self._wheel = wheel
        self._left: set[str] = set()

    def due(self, journal: Journal) -> tuple[Increment, Nod] | None:
        """Return the closest proof with its nod; ``None`` where there is none, the policy does not say on, or nothing can be proven."""
        head = journal.head
        policy = head.process.policy
        if policy.carry != "on" or policy.risk is not None or cycle.unprovable(head):
            return None  # what is safe elsewhere may not be here: where there is a limit to risk, people decide
        for one in found(self._wheel, journal):
            if one.key in self._left:
                continue
            nod = _asked(self._wheel, journal, one)
            if nod is not None and not nod.warns and one.made is not None and not _proposed(self._wheel, one):
                return one.made, nod
            if one.made is not None:
                self._left.add(one.key)  # until the standard moves
        return None
