"""How the wheel takes the veteran's word on what its own planner wants tried: heeded by the policy, and by a coin not.

What is left alone is written down with the nod and the coin; the planner is told, and makes another choice. Without
a coin, nobody would ever learn that a warning was wrong, or is no longer right: odds would be kept by what they keep away.
"""

from collections.abc import Callable

import msgspec

from kaizen.journal import Head, Journal
from kaizen.ledger import Advised, Entry, Proposed
from kaizen.plan import Scout
from kaizen.standard import Increment
from kaizen.verdict import Coin
from kaizen.veteran.nod import Nod

Consult = Callable[[Journal, Increment], Nod]


def ask(consult: Consult | None, journal: Journal, plan: Scout | Increment) -> Nod | None:
    """Ask the veteran about what the planner wants tried, where the policy heeds it; reads only."""
    if consult is None or not journal.head.process.policy.heed or not isinstance(plan, Increment):
        return None
    return consult(journal, plan)


def proposed(head: Head, plan: Increment, nod: Nod | None, coins: Callable[[], int]) -> tuple[Entry, ...]:
    """Return what follows from the planner's increment: a proposal, or that the veteran was heeded.

    ``coins`` gives fresh seeds. A planner that asks again for what was left alone gets its way: a nod never blocks.
    """
    proposal = Proposed(id=head.next_proposal, increment=plan)
    if nod is None:
        return (proposal,)
    advised = Advised(increment=plan, answer=nod.answer, because=nod.because, proposal=proposal.id, odds=nod.odds)
    if not _new_doubt(head, plan, nod):
        return (proposal, advised)
    chance = head.process.policy.anyway
    coin = Coin(seed=coins(), chance=chance) if chance > 0 and not nod.harm else None
    if coin is not None and coin.anyway:
        return (proposal, msgspec.structs.replace(advised, coin=coin))
    return (msgspec.structs.replace(advised, coin=coin, proposal=None, heeded=True),)


def doubt(head: Head, plan: Increment, nod: Nod | None) -> str:
    """Say that the planner's increment is to be left alone; empty where it is to be tried."""
    if nod is None or not _new_doubt(head, plan, nod):
        return ""
    coin = f" ({nod.harm}: no coin is thrown)" if nod.harm else ", unless a coin has it tried anyway"
    return f"leave {plan} alone{coin}; {nod}"


def _new_doubt(head: Head, plan: Increment, nod: Nod) -> bool:
    """Tell whether a nod is to be heeded: by the policy, and for the first time against this standard."""
    return nod.warns and head.process.policy.heed and plan.after not in head.heeded
