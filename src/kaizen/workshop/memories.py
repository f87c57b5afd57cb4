"""The memory of an open ledger: its own, and that of the ledgers attached to it, as each of its processes sees them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kaizen.errors import Clash, Malformed, Stuck, Undeclared
from kaizen.process import Process
from kaizen.veteran import renaming
from kaizen.veteran.elsewhere import Borrowed, View
from kaizen.veteran.recall import Recall, Remembered
from kaizen.veteran.renaming import Renaming
from kaizen.workshop import borrowing
from kaizen.workshop.borrowing import Attached, Attachment, Lent
from kaizen.workshop.guarding import Guarded
from kaizen.workshop.shelving import FolderShelf

if TYPE_CHECKING:
    from kaizen.veteran.neighbours import Neighbours
    from kaizen.veteran.shelf import Shelf


class Memories:
    """What an open ledger may remember; attached ledgers are opened when they are first asked, and only read."""

    def __init__(
        self, own: Remembered, *, file: Path | None, state: Path, given: Sequence[str | Path | Attachment] = ()
    ) -> None:
        """Hold the ``own`` memory; ``file`` tells what is attached to it, and ``given`` what is besides, while it is open.

        Raises:
            Mistake: what is given cannot be right.
        """
        self._own, self._file = own, file
        self._shelf = FolderShelf(state / "recall")
        self._borrowed: dict[str, Borrowed] = {}
        self._renamings: dict[str, Renaming] = {}
        self._attached: dict[str, Attachment] = {}
        self._unread: list[str] = []
        self._views: dict[str, View] = {}
        self._recalls: dict[str, Recall] = {}
        self._given: dict[str, tuple[Attachment, Renaming]] = {}
        for one in given:
            made = _found(one)
            self._check_name(made.name)
            if made.path == str(getattr(own, "path", "")):
                raise Clash(f"an attached ledger must be another one; got {made.path}, which is this one")
            if made.name in self._given:
                raise Clash(f"an attached ledger's name must be its own; got {made.name!r} twice")
            self._given[made.name] = (made, Renaming(map(renaming.read, made.rename)))
        self._kept, self._stamp = Attached(), borrowing.stamp(file)
        self._load()

    def close(self) -> None:
        """Close what was opened of other ledgers."""
        for one in self._borrowed.values():
            if isinstance(one.memory, Guarded):
                one.memory.close()

    # ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def view(self, process: str) -> View:
        """Return all memory, as a process sees it; somebody may have attached or detached a ledger meanwhile."""
        self._follow()
        asker = process if process in self._renamings else ""
        if asker not in self._views:
            self._views[asker] = View(self._own, self._borrowed, asker=asker, renamings=self._renamings)
        return self._views[asker]

    def recall(self, process: str) -> Recall:
        """Return the index of all memory, as a process sees it; shared by those that see the same."""
        view = self.view(process)
        asker = process if process in self._renamings else ""
        if asker not in self._recalls:
            self._recalls[asker] = Recall(view, self._shelf, neighbours=_neighbours)
        return self._recalls[asker]

    @property
    def left_out(self) -> tuple[str, ...]:
        """Sentences: what is attached and could not be read, when it was last looked at."""
        guarded = ((name, one.memory) for name, one in self._borrowed.items() if isinstance(one.memory, Guarded))
        return (
            *self._unread,
            *(f"ledger {name} is left out: {memory.said}" for name, memory in guarded if memory.said),
        )

    def lent(self) -> tuple[Lent, ...]:
        """Return what each attached ledger has to lend."""
        return tuple(self._lent(name) for name in self._attached)

    @property
    def here(self) -> dict[str, tuple[str, ...]]:
        """By own process: what it calls otherwise than the others of its ledger."""
        return {process: tuple(map(str, one.renames)) for process, one in self._renamings.items()}

    def _lent(self, name: str) -> Lent:
        one, memory = self._attached[name], self._borrowed[name].memory
        heads = {process: memory.head(process) for process in memory.processes()}
        runs = {process: head.next_run - 1 for process, head in heads.items() if head is not None}
        said = memory.said if isinstance(memory, Guarded) else ""
        return Lent(name=name, path=one.path, rename=tuple(one.rename), processes=runs, left_out=said)

    # ── attaching ───────────────────────────────────────────────────────────────────────────────────────────────────
    def attach(self, place: str | Path, *, name: str = "", rename: Sequence[str] = ()) -> Lent:
        """Attach another ledger as memory, and keep that in the file; attached again, it gets the renames that are given.

        Raises:
            Clash: it is this ledger, or a copy of it; or the name is another one's.
            Malformed: it is no ledger, or no name.
            Mistake: a rename that cannot be right.
            Stuck: it cannot be read, or the file cannot be written.
        """
        from kaizen.ledgers.readonly import ReadOnlyLedger

        path = borrowing.ledger_of(place)
        made = Attachment(name=name or borrowing.name_of(path), path=str(path), rename=tuple(rename))
        self._check_name(made.name)
        found = ReadOnlyLedger(path)
        try:
            found.check()
            self._check_other(made, found.origin)
            there = [head.process for one in found.processes() if (head := found.head(one)) is not None]
        finally:
            found.close()
        renames = renaming.check([renaming.read(text) for text in rename], there, self._processes())
        made = msgspec.structs.replace(made, rename=tuple(map(str, renames.renames)))
        self._keep(msgspec.structs.replace(self._kept, ledgers=(*self._without(made.name), made)))
        self._take(made, renames)
        return self._lent(made.name)

    def detach(self, name: str) -> None:
        """Attach a ledger no more; it stays as it is.

        Raises:
            Undeclared: none of that name is attached.
        """
        if all(one.name != name for one in self._kept.ledgers):
            known = ", ".join(one.name for one in self._kept.ledgers)
            hint = "the recipe, or whoever opened the ledger, names it" if name in self._given else ""
            raise Undeclared(
                f"a ledger must be attached to be detached; got {name!r}",
                hint=hint or f"attached are: {known or 'none'}",
            )
        self._keep(msgspec.structs.replace(self._kept, ledgers=self._without(name)))
        self._load()  # one that was given besides stays

    def rename(self, process: str, rename: Sequence[str]) -> tuple[str, ...]:
        """Say what an own process calls otherwise than the others of its ledger: all of it; none takes it back.

        Raises:
            Mistake: there is no such process, or a rename that cannot be right.
        """
        head = self._own.head(process)
        if head is None:
            known = ", ".join(self._own.processes())
            raise Undeclared(
                f"a process must be described before its names are told; got {process!r}",
                hint=f"known are: {known or 'none'}",
            )
        others = [one for one in self._processes() if one.name != process]
        made = renaming.check([renaming.read(text) for text in rename], [head.process], others)
        here = {name: said for name, said in self._kept.here.items() if name != process}
        here |= {process: tuple(map(str, made.renames))} if made else {}
        self._keep(msgspec.structs.replace(self._kept, here=here))
        self._renamings.pop(process, None)
        if made:
            self._renamings[process] = made
        self._forget()
        return here.get(process, ())

    # ── parts ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def _follow(self) -> None:
        """Read the file again where it has changed."""
        now = borrowing.stamp(self._file)
        if now != self._stamp:
            self._stamp = now
            self._load()

    def _load(self) -> None:
        """Take what the file says, and what was given; what cannot be right in the file is left out."""
        self.close()
        for old in (self._borrowed, self._attached, self._renamings):
            old.clear()
        self._kept, self._unread = Attached(), []
        try:
            self._kept = borrowing.load(self._file) if self._file is not None else Attached()
        except Malformed as error:
            self._unread.append(f"what is attached is left out: {error.message}")
        for one in self._kept.ledgers:
            try:
                self._take(one, Renaming(map(renaming.read, one.rename)))
            except Malformed as error:
                self._unread.append(f"ledger {one.name} is left out: {error.message}")
        for process, said in self._kept.here.items():
            try:
                self._renamings[process] = Renaming(map(renaming.read, said))
            except Malformed as error:
                self._unread.append(f"the names of {process} are left out: {error.message}")
        known = {one.path: name for name, one in self._attached.items()}
        for made, renames in self._given.values():
            twin = known.get(made.path)
            if twin is not None and twin != made.name:  # what is said twice is not said by two
                self._attached.pop(twin)
                self._borrowed.pop(twin)
            self._take(made, renames)
        self._forget()

    def _take(self, one: Attachment, renames: Renaming) -> None:
        before = self._borrowed.get(one.name)
        if before is not None and isinstance(before.memory, Guarded):
            before.memory.close()
        self._attached[one.name] = one
        self._borrowed[one.name] = Borrowed(Guarded(one.path), renames)
        self._forget()

    def _forget(self) -> None:
        """Look anew, with whatever is attached now."""
        for view in self._views.values():
            view.forget()
        for recall in self._recalls.values():
            recall.forget()

    def _keep(self, kept: Attached) -> None:
        if self._file is None:
            raise Stuck(
                "a ledger that others are attached to must be a file; got memory:",
                hint="kaizen.open(..., memory=[...])",
            )
        if self._unread:
            raise Malformed(self._unread[0], hint=f"mend {self._file}, or move it away")
        borrowing.write(self._file, kept)
        self._kept, self._stamp = kept, borrowing.stamp(self._file)

    def _without(self, name: str) -> tuple[Attachment, ...]:
        return tuple(one for one in self._kept.ledgers if one.name != name)

    def _processes(self) -> list[Process]:
        return [head.process for name in self._own.processes() if (head := self._own.head(name)) is not None]

    def _check_name(self, name: str) -> None:
        if not name.isidentifier():
            raise Malformed(
                f"an attached ledger's name must be letters, digits and _; got {name!r}", hint="say it: --as NAME"
            )

    def _check_other(self, made: Attachment, origin: bytes) -> None:
        """Refuse this ledger itself, a copy of it, and one that is attached under another name."""
        from kaizen.ledgers.readonly import ReadOnlyLedger

        mine = getattr(self._own, "path", None)
        known = {one.name: one.path for one in self._attached.values()}
        if made.name in known and known[made.name] != made.path:
            raise Clash(
                f"an attached ledger's name must be its own; got {made.name!r}, which {known[made.name]} has",
                hint="--as NAME",
            )
        if mine is not None and origin and Path(mine).exists():
            own = ReadOnlyLedger(mine)
            same = own.origin == origin
            own.close()
            if same:
                raise Clash(
                    f"an attached ledger must be another one; got {made.path}, which is this one or a copy of it"
                )
        twin = next((name for name, path in known.items() if path == made.path and name != made.name), None)
        if twin is not None:
            raise Clash(f"a ledger must be attached once; got {made.path}, which is attached as {twin}")


def _neighbours(shelf: "Shelf | None", name: str) -> "Neighbours":
    from kaizen.retrievers.inverted import neighbours  # with NumPy: only once there is something to remember

    return neighbours(shelf, name)


def _found(one: str | Path | Attachment) -> Attachment:
    """Return an attachment with its ledger's own path, and a name."""
    if isinstance(one, Attachment):
        return msgspec.structs.replace(one, path=str(borrowing.ledger_of(one.path)), rename=tuple(one.rename))
    path = borrowing.ledger_of(one)
    return Attachment(name=borrowing.name_of(path), path=str(path))
