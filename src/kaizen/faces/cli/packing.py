"""Advice packs: made, attacked, asked; and the account of what they have told."""

import argparse
import secrets
from pathlib import Path

from kaizen.errors import Malformed, Stuck
from kaizen.faces.cli import place
from kaizen.faces.cli.answer import Answer
from kaizen.reports import lines
from kaizen.veteran.packs import Pack, read
from kaizen.workshop import Workshop, open_workshop
from kaizen.workshop.giving import owners

_NOTHING = "no pack is attached: kaizen pack --attach FILE"


def pack(given: argparse.Namespace) -> Answer:
    """Make a pack, attack one, attach or detach one; or list what is attached and what was given away."""
    _check(given)
    if given.audit is not None:
        return _audit(given)
    opened = place.shop_at_work if given.attach is not None else place.shop_at_rest
    with opened(given) as shop:
        if given.o:
            return _make(shop, given)
        if given.attach is not None:
            shop.packs.attach(given.attach, name=getattr(given, "as"), rename=given.rename)
        if given.detach is not None:
            shop.packs.detach(given.detach)
        return _list(shop)


def _check(given: argparse.Namespace) -> None:
    """Refuse options that do not go together."""
    wanted = [bool(given.o), given.audit is not None, given.attach is not None, given.detach is not None]
    if sum(wanted) > 1:
        raise Malformed("one of -o, --audit, --attach and --detach must be given at a time; got several")
    if given.processes and not (given.o or given.audit is not None):
        raise Malformed(
            "a pack must have a file to be written to; got none",
            hint=f"kaizen pack {' '.join(given.processes)} -o FILE",
        )
    if given.o and not given.processes:
        raise Malformed("a pack must be of one process or more; got none", hint=f"kaizen pack PROCESS -o {given.o}")
    if getattr(given, "as") and not given.o and given.attach is None:
        raise Malformed("a name must be of a pack to make or attach; got --as alone", hint="-o FILE, or --attach FILE")
    if given.rename and given.attach is None:
        raise Malformed("a rename must be of a pack to attach; got --rename alone", hint="--attach FILE")
    if given.against is not None and given.audit is None:
        raise Malformed(
            "a ledger must be named with a pack to hold against it; got --against alone", hint="--audit FILE"
        )


def _make(shop: Workshop, given: argparse.Namespace) -> Answer:
    made = shop.pack(
        *given.processes, file=given.o, name=getattr(given, "as"), epsilon=given.epsilon, answers=given.answers, told=given.told,
        total=given.total,
    )  # fmt: skip
    spent = shop.packs.account.spent()
    told = [
        f"{given.o}: {made}",
        f"no attack tells whether one run is among those it was made of by an AUC above {given.told:g}",
        *(
            f"packs of {name} have told of a run with ε {spent[name]:.3g} so far, all together"
            for name in dict.fromkeys(given.processes)
        ),
        f"kaizen pack --audit {given.o} attacks it; look at it before you give it away",
    ]
    return Answer("\n".join(line for one in told for line in lines.fold_text(one)), _document(made) | {"spent": spent})


def _list(shop: Workshop) -> Answer:
    attached, spent = shop.packs.attached(), shop.packs.account.spent()
    said = [*map(str, attached)] or [_NOTHING]
    said += shop.packs.left_out
    said += [
        f"packs of {name} have told of a run with ε {told:.3g} so far, all together" for name, told in spent.items()
    ]
    document = {"attached": [_document(one.pack) | {"name": one.name, "given": one.given} for one in attached], "spent": spent,
                "left_out": shop.packs.left_out}  # fmt: skip
    return Answer("\n".join(line for one in said for line in lines.fold_text(one)), document)


def _document(made: Pack) -> dict[str, object]:
    """Return what may be told of a pack by programs: its terms, not its words."""
    return {
        "name": made.name,
        "parameters": len(made.said),
        "epsilon": made.epsilon,
        "scale": made.scale,
        "answers": made.answers,
    }


def _audit(given: argparse.Namespace) -> Answer:
    from kaizen.veteran.inspection import inspect

    path = Path(given.audit)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Stuck(f"{path} must be a pack that can be read; got {error.strerror or error}") from error
    found = read(content, str(path))
    held = []
    if given.against is not None:
        if not Path(given.against).is_file():
            raise Malformed(f"a ledger must be there to hold a pack against it; got none at {given.against}")
        with open_workshop(given.against) as shop:
            held = owners(shop.ledger, given.processes or tuple(shop))[0]
    elif given.processes:
        raise Malformed(
            "a ledger must be named to hold a pack against its processes; got none", hint="--against LEDGER"
        )
    inspected = inspect(found, content, held, chance=secrets.SystemRandom())
    document = {name: getattr(inspected, name) for name in inspected.__struct_fields__ if name != "pack"}
    said = [line for one in inspected.lines() for line in lines.fold_text(one, first="", indent=" " * 12)]
    return Answer("\n".join(said), _document(found) | document, status=1 if inspected.found else 0)
