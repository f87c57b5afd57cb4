"""Memory across ledgers and processes: ledgers attached, detached and listed, names told, and proofs carried over."""

import argparse

from kaizen.errors import Malformed
from kaizen.faces.cli import place
from kaizen.faces.cli.answer import Answer, carried_document, joined
from kaizen.reports import lines
from kaizen.workshop.memories import Memories

_NOTHING = "no other ledger is attached: kaizen memory --attach PLACE"


def memory(given: argparse.Namespace) -> Answer:
    """Attach a ledger, detach one, or say what a process calls otherwise; and list all of it."""
    name, changes = getattr(given, "as"), [given.attach, given.detach, given.of]
    if sum(one is not None for one in changes) > 1:
        raise Malformed("one of --attach, --detach and --of must be given at a time; got several")
    if name and given.attach is None:
        raise Malformed(
            "a name must be given with a ledger to attach; got --as alone",
            hint="kaizen memory --attach PLACE --as NAME",
        )
    if given.rename and given.attach is None and given.of is None:
        raise Malformed(
            "a rename must be of a ledger or a process; got --rename alone", hint="--attach PLACE, or --of PROCESS"
        )
    opened = place.shop_at_work if any(one is not None for one in changes) else place.shop_at_rest
    with opened(given) as shop:
        told = _change(shop.memory, given, name)
        listed = _listed(shop.memory)
        document = {
            "attached": shop.memory.lent(), "here": shop.memory.here, "left_out": shop.memory.left_out,
        }  # fmt: skip
    said = [line for one in (*told, *listed) for line in lines.fold_text(one)]
    return Answer("\n".join(said), document)


def _change(memories: Memories, given: argparse.Namespace, name: str) -> list[str]:
    """Do what is asked, and say so where the list does not."""
    if given.attach is not None:
        memories.attach(given.attach, name=name, rename=given.rename)
    elif given.detach is not None:
        memories.detach(given.detach)
        return [f"{given.detach} is detached; nothing was written there"]
    elif given.of is not None:
        memories.rename(given.of, given.rename)
    return []


def _listed(memories: Memories) -> list[str]:
    said = [str(one) for one in memories.lent()] or [_NOTHING]
    said += [
        f"{process}: {', '.join(renames)}, to the other processes here" for process, renames in memories.here.items()
    ]
    return said + [one for one in memories.left_out if not one.startswith("ledger ")]


# ── carrying over ─────────────────────────────────────────────────────────────────────────────────────────────────────
def carry(given: argparse.Namespace) -> Answer:
    """Propose what related processes have proven, each with its nod; say what is left, and why."""
    with place.at_work(given, by=given.by) as bench:
        offers = bench.carry(by=given.by)
        fresh = {offer.increment.after for offer in offers}
        left = [one for one in bench.carried() if one.made is None or one.made.after not in fresh]
    told = []
    for offer in offers:
        told += [
            f"Proposal {offer.id} of {bench.name}: {offer.increment}",
            f"  {offer.increment.because}",
            f"  veteran: {offer.nod}",
        ]
    told += [
        f"Not proposed: {one.changes}, {one.because}: {one.left or 'the veteran warns, or it was proposed before'}"
        for one in left
    ]
    nothing = f"nothing is proven elsewhere that {bench.name} could take over"
    document = {
        "process": bench.name, "left": [carried_document(one) for one in left],
        "proposals": [{"proposal": offer.id, "increment": offer.increment, "nod": offer.nod} for offer in offers],
    }  # fmt: skip
    return Answer(joined(line for one in told or [nothing] for line in _folded(one)), document)


def _folded(sentence: str) -> list[str]:
    depth = len(sentence) - len(sentence.lstrip(" "))
    return lines.fold_text(sentence.strip(), first=" " * depth, indent=" " * (depth + 2))
