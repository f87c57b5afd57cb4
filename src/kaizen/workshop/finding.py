"""Where the recipe and the ledger are, and a process at hand from them: for every face alike.

What writes brings the ledger up to date with the recipe first; what only reads writes nothing and makes no ledger.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

from kaizen.errors import Malformed, Mistake, OutOfTurn, Undeclared
from kaizen.process import Process
from kaizen.recipes import toml
from kaizen.workshop import Workshop, open_workshop
from kaizen.workshop.bench import Bench
from kaizen.workshop.borrowing import Attachment
from kaizen.workshop.borrowing import ledger_of as place_of
from kaizen.workshop.places import attached_above, ledger_at, ledger_for


class Place(NamedTuple):
    """A recipe's folder, its processes, and the ledger (``None`` in memory)."""

    root: Path
    processes: tuple[Process, ...]
    recipe: Path | None
    ledger: Path | None
    memory: tuple[Attachment, ...] = ()
    """Ledgers of others that the recipe remembers from."""

    @property
    def untried(self) -> bool:
        """Whether it is an attached repository in which nothing is remembered yet: there is no process to ask."""
        there = self.recipe is not None or self.ledger is None or self.ledger.exists()
        return not there and self.ledger == attached_above(self.root)

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


def find(recipe: str | None = None, ledger: str | None = None) -> Place:
    """Look for a recipe (a file or folder; else here or above) and a ledger; nothing is opened or made.

    Where no ledger is named it is the one beside the recipe; without a recipe this folder's own, or that of the attached
    repository it lies in.

    Raises:
        Mistake: the recipe cannot be read, or there is no such kind of ledger.
    """
    path = _recipe(recipe)
    root = (path.parent if path is not None else Path.cwd()).absolute()
    processes, lenders = toml.read_all(path) if path is not None else ((), ())
    memory = tuple(
        Attachment(name=one.name, path=str(place_of(root / one.ledger)), rename=one.rename) for one in lenders
    )
    return Place(root, processes, path, _ledger(path, ledger), memory)


def ledger_of(recipe: str | None = None, ledger: str | None = None) -> Path | None:
    """Look for the ledger alone; a recipe is not read.

    Raises:
        Mistake: there is no such kind of ledger.
    """
    return _ledger(_recipe(recipe), ledger)


def _recipe(given: str | None) -> Path | None:
    if given is not None:
        path = Path(given)
        return path / toml.RECIPE if path.is_dir() else path
    here = Path.cwd()
    return next((path for folder in (here, *here.parents) if (path := folder / toml.RECIPE).is_file()), None)


def _ledger(recipe: Path | None, given: str | None) -> Path | None:
    return ledger_for(recipe) if given is None else ledger_at(given)


Opener = Callable[[Place], AbstractContextManager[Workshop]]
"""What opens a place's ledger, and closes it behind the block, or holds it."""


def open_place(place: Place) -> Workshop:
    """Open a place's ledger."""
    where = "memory:" if place.ledger is None else place.ledger
    return open_workshop(where, root=place.root, memory=place.memory)


# ── to write ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def at_work(place: Place, process: str | None, *, by: str = "me", opened: Opener = open_place) -> Iterator[Bench]:
    """Open a process as its recipe describes it now.

    Raises:
        Undeclared: neither the recipe nor the ledger knows it.
    """
    name = place.process(process)
    described = {process.name: process for process in place.processes}
    if name not in described and (place.ledger is None or not place.ledger.exists()):
        raise _unknown(name, tuple(described))
    with opened(place) as shop:
        bench = shop.describe(described[name], by=by) if name in described else _known(shop, name, place)
        yield bench


@contextmanager
def shop_at_work(place: Place) -> Iterator[Workshop]:
    """Open the ledger with all that the recipe describes, as it describes it now."""
    with open_place(place) as shop:
        for process in place.processes:
            shop.describe(process)
        yield shop


# ── to read ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def at_rest(
    place: Place, process: str | None, *, imagine: bool = False, opened: Opener = open_place
) -> Iterator[Bench]:
    """Open a process to look at it; with ``imagine``, one that was only described so far is looked at in memory.

    Raises:
        OutOfTurn: there is no ledger yet.
        Undeclared: the ledger does not know the process.
    """
    name = place.process(process)
    described = {process.name: process for process in place.processes}
    there = place.ledger is not None and place.ledger.is_file()
    if imagine and name in described:
        if there:
            with opened(place) as shop:
                if name in shop:
                    yield shop[name]
                    return
        with open_workshop("memory:", root=place.root, memory=place.memory) as shop:
            yield shop.describe(described[name])
        return
    with shop_at_rest(place, opened=opened) as shop:
        yield _known(shop, name, place)


@contextmanager
def shop_at_rest(place: Place, *, opened: Opener = open_place) -> Iterator[Workshop]:
    """Open the ledger to look at it.

    Raises:
        OutOfTurn: there is no ledger yet.
        Mistake: it would be one in memory, which is gone with the look.
    """
    if place.ledger is None:
        raise Mistake("a ledger that is looked at must be a file; got memory:, which is empty", hint="--ledger FILE")
    if not place.ledger.exists():
        raise OutOfTurn(
            f"a ledger must be there to be looked at; got none at {place.ledger}",
            hint="kaizen improve, ask or propose begins one; --ledger names another",
        )
    with opened(place) as shop:
        yield shop


def _known(shop: Workshop, name: str, place: Place) -> Bench:
    if name not in tuple(shop):
        raise _unknown(name, (*(process.name for process in place.processes), *shop))
    return shop[name]


def _unknown(name: str, known: tuple[str, ...]) -> Undeclared:
    names = ", ".join(dict.fromkeys(known))
    hint = f"known are: {names}" if names else "kaizen init writes a recipe to start from; --recipe names another"
    return Undeclared(f"a process must be described before it is used; got {name!r}", hint=hint)
