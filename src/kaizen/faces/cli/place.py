"""Where the recipe and the ledger are that a command line means, and a process at hand from them."""

import argparse
from contextlib import AbstractContextManager
from pathlib import Path

from kaizen.workshop import Workshop, finding
from kaizen.workshop.bench import Bench
from kaizen.workshop.finding import Place

__all__ = ["Place", "at_rest", "at_work", "find", "ledger_of", "shop_at_rest", "shop_at_work"]


def find(given: argparse.Namespace) -> Place:
    """Look for the recipe and the ledger; nothing is opened or made (see ``finding.find``)."""
    return finding.find(given.recipe, given.ledger)


def ledger_of(given: argparse.Namespace) -> Path | None:
    """Look for the ledger alone; a recipe is not read (see ``finding.ledger_of``)."""
    return finding.ledger_of(given.recipe, given.ledger)


def at_work(given: argparse.Namespace, *, by: str = "me") -> AbstractContextManager[Bench]:
    """Open the process that is named, as its recipe describes it now, to write (see ``finding.at_work``)."""
    return finding.at_work(find(given), given.process, by=by)


def at_rest(given: argparse.Namespace, *, imagine: bool = False) -> AbstractContextManager[Bench]:
    """Open the process that is named, to look at it (see ``finding.at_rest``)."""
    return finding.at_rest(find(given), given.process, imagine=imagine)


def shop_at_rest(given: argparse.Namespace) -> AbstractContextManager[Workshop]:
    """Open the ledger to look at it (see ``finding.shop_at_rest``)."""
    return finding.shop_at_rest(find(given))


def shop_at_work(given: argparse.Namespace) -> AbstractContextManager[Workshop]:
    """Open the ledger as the recipe describes its processes now, to write (see ``finding.shop_at_work``)."""
    return finding.shop_at_work(find(given))
