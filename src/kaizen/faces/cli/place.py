"""Where the recipe and the ledger are, and a process at hand from them.

A command that writes brings the ledger up to date with the recipe first; one that only reads writes nothing and makes
no ledger.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from kaizen.errors import Malformed, Mistake, OutOfTurn, Undeclared
from kaizen.process import Process
from kaizen.recipes import toml
from kaizen.workshop import Workshop, open_workshop
from kaizen.workshop.bench import Bench
from kaizen.workshop.places import ledger_at, ledger_beside


class Place(NamedTuple):
    """A recipe's folder, its processes, and the ledger (``None`` in memory)."""

    root: Path
    processes: tuple[Process, ...]
    recipe: Path | None
    ledger: Path | None

    def process(self, name: str | None) -> str:
        """Return a process's name, or that of the recipe's only one.

        Raises:
            Malformed: no name was given, and the recipe has none or several.
        """
        if name is not None:
            return name
        names = [process.name for process in self.processes]
        if len(names) == 1:
            return names[0]
        if not names:
            raise Malformed(
                "a process must be named where there is no recipe; got none", hint="kaizen init writes a recipe"
            )
        raise Malformed(f"a process must be named where the recipe has several; got none of {', '.join(names)}")


def find(given: argparse.Namespace) -> Place:
    """Look for the recipe and the ledger that a command line means; nothing is opened or made.

    Raises:
        Mistake: the recipe cannot be read, or there is no such kind of ledger.
    """
    recipe = _recipe(given.recipe)
    root = (recipe.parent if recipe is not None else Path.cwd()).absolute()
    processes = toml.read(recipe) if recipe is not None else ()
    return Place(root, processes, recipe, ledger_of(given))


def ledger_of(given: argparse.Namespace) -> Path | None:
    """Look for the ledger alone; a recipe is not read.

    Raises:
        Mistake: there is no such kind of ledger.
    """
    recipe = _recipe(given.recipe)
    root = (recipe.parent if recipe is not None else Path.cwd()).absolute()
    return ledger_beside(root) if given.ledger is None else ledger_at(given.ledger)


def _recipe(given: str | None) -> Path | None:
    if given is not None:
        path = Path(given)
        return path / toml.RECIPE if path.is_dir() else path
    here = Path.cwd()
    return next((path for folder in (here, *here.parents) if (path := folder / toml.RECIPE).is_file()), None)


# ── to write ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def at_work(given: argparse.Namespace, *, by: str = "me") -> Iterator[Bench]:
    """Open the process that a command line names, as its recipe describes it now; make known a standard that is new.

    Raises:
        Undeclared: neither the recipe nor the ledger knows it.
    """
    place = find(given)
    name = place.process(given.process)
    described = {process.name: process for process in place.processes}
    if name not in described and (place.ledger is None or not place.ledger.exists()):
        raise _unknown(name, tuple(described))
    with _open(place) as shop:
        bench = shop.describe(described[name], by=by) if name in described else _known(shop, name, place)
        yield bench


# ── to read ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def at_rest(given: argparse.Namespace, *, imagine: bool = False) -> Iterator[Bench]:
    """Open a process to look at it; with ``imagine``, one that was only described so far is looked at in memory.

    Raises:
        OutOfTurn: there is no ledger yet.
        Undeclared: the ledger does not know the process.
    """
    place = find(given)
    name = place.process(given.process)
    described = {process.name: process for process in place.processes}
    there = place.ledger is not None and place.ledger.is_file()
    if imagine and name in described:
        known = False
        if there:
            with _open(place) as shop:
                known = name in shop
                if known:
                    yield shop[name]
        if not known:
            with open_workshop("memory:", root=place.root) as shop:
                yield shop.describe(described[name])
        return
    with shop_at_rest(given) as shop:
        yield _known(shop, name, place)


@contextmanager
def shop_at_rest(given: argparse.Namespace) -> Iterator[Workshop]:
    """Open the ledger to look at it.

    Raises:
        OutOfTurn: there is no ledger yet.
        Mistake: it would be one in memory, which is gone with the command.
    """
    place = find(given)
    if place.ledger is None:
        raise Mistake("a ledger that is looked at must be a file; got memory:, which is empty", hint="--ledger FILE")
    if not place.ledger.exists():
        raise OutOfTurn(
            f"a ledger must be there to be looked at; got none at {place.ledger}",
            hint="kaizen improve, ask or propose begins one; --ledger names another",
        )
    with _open(place) as shop:
        yield shop


def _open(place: Place) -> Workshop:
    return open_workshop("memory:" if place.ledger is None else place.ledger, root=place.root)


def _known(shop: Workshop, name: str, place: Place) -> Bench:
    if name not in tuple(shop):
        raise _unknown(name, (*(process.name for process in place.processes), *shop))
    return shop[name]


def _unknown(name: str, known: tuple[str, ...]) -> Undeclared:
    names = ", ".join(dict.fromkeys(known))
    hint = f"known are: {names}" if names else "kaizen init writes a recipe to start from; --recipe names another"
    return Undeclared(f"a process must be described before it is used; got {name!r}", hint=hint)
