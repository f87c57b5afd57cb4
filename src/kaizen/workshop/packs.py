"""The packs of others that an open ledger asks: copies in a folder beside it, never written to, and the answers they gave.

``ledger.packs/north.json`` is a pack that was attached; ``north.renames`` tells its owner's names of what is called otherwise
here; ``SUM.answered`` lists the questions that it was asked, a line each. That file goes by the pack's sum, so that it stays
with a pack that is detached and attached again. A pack that cannot be read is left out, and said.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from kaizen.errors import Clash, KaizenError, Malformed, OutOfRange, Stuck, Undeclared
from kaizen.process import Process
from kaizen.setting import Setting
from kaizen.veteran import advising, packs
from kaizen.veteran.advising import Heard, Opinion
from kaizen.veteran.packs import Pack
from kaizen.veteran.transfer import Kin
from kaizen.workshop.giving import Account, save

_WORDS = {1: "for it", -1: "against it", 0: "nothing to say of it"}


class Attached(msgspec.Struct, frozen=True, kw_only=True):
    """A pack that is asked here."""

    name: str
    pack: Pack
    renames: dict[str, str] = {}
    """The owner's names by own name."""
    given: int = 0
    """Different questions that it has answered."""

    def __str__(self) -> str:
        """Return ``north speaks of 6 parameters (ε 0.45, 250 answers); 3 given``."""
        called = f"; {', '.join(f'{there}={here}' for here, there in self.renames.items())}" if self.renames else ""
        return f"{msgspec.structs.replace(self.pack, name=self.name)}; {self.given} given{called}"


class Packs:
    """The packs beside a ledger. Implements ``Beside``."""

    def __init__(self, ledger: Path | None = None, given: Sequence[str | Path | Pack] = ()) -> None:
        """Use the packs beside a ledger's file, and those that are ``given`` while it is open.

        Raises:
            Mistake: what is given is no pack.
        """
        self.account = Account(ledger and ledger.with_suffix(".given"))
        """What this ledger's own packs have told."""
        self._folder = ledger and ledger.with_suffix(".packs")
        self._given = [one if isinstance(one, Pack) else _read(Path(one)) for one in given]
        self._known: dict[str, Attached] | None = None
        self._unread: list[str] = []
        self._heard: dict[tuple[str, bytes], Heard | None] = {}
        self._kin: dict[tuple[str, bytes], Kin | None] = {}
        self._answered: dict[str, dict[str, None]] = {}

    # ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def attached(self) -> tuple[Attached, ...]:
        """Return all packs, with how many answers each has given."""
        known = self._all().values()
        return tuple(msgspec.structs.replace(one, given=len(self._book(one.pack))) for one in known)

    @property
    def names(self) -> tuple[str, ...]:
        """What their opinions are called by."""
        return tuple(f"pack {name}" for name in self._all())

    @property
    def left_out(self) -> tuple[str, ...]:
        """Sentences: which packs cannot be read."""
        self._all()
        return tuple(self._unread)

    # ── asking ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def opinions(self, process: Process, before: Setting, after: Setting, *, learning: bool = False) -> list[Opinion]:
        """Return what packs say of a change; one that has nothing to say, or no answers left, is silent.

        What is only learned of is no question: it is about runs whose outcome is known.
        """
        found = []
        for name, heard in self._all_heard(process):
            asked = advising.question(heard, before, after)
            word = advising.answer(heard, before, after)
            with suppress(Stuck):  # whose answers cannot be counted is silent, and ``say`` tells why
                if asked and word and (learning or self._may_answer(heard.pack, process, asked)):
                    found.append(Opinion(f"pack {name}", word, heard.shared))
        return found

    def ask(self, name: str, process: Process, before: Setting, after: Setting) -> str:
        """Return a pack's word on a change: ``for it``, ``against it``, ``nothing to say of it``; the same to the same question.

        Raises:
            OutOfRange: it has given all of its answers.
            Undeclared: no such pack is attached.
        """
        if name not in self._all():
            raise Undeclared(
                f"a pack must be attached to be asked; got {name!r}",
                hint=f"attached are: {', '.join(self._all()) or 'none'}",
            )
        heard = self._hear(name, process)
        asked = () if heard is None else advising.question(heard, before, after)
        if heard is None or not asked:
            return _WORDS[0]
        if not self._may_answer(heard.pack, process, asked):
            raise OutOfRange(
                f"pack {name} must be asked {heard.pack.answers} different questions at most; got another one",
                hint="what it has answered it answers again; its owner can make another pack",
            )
        return _WORDS[advising.answer(heard, before, after)]

    def say(self, process: Process, before: Setting, after: Setting) -> tuple[str, ...]:
        """Return what each pack says of a change, as sentences; nothing of a change that asks it nothing."""
        said = []
        for name, heard in self._all_heard(process):
            if advising.question(heard, before, after):
                try:
                    said.append(f"a pack of {name} says: {self.ask(name, process, before, after)}")
                except (OutOfRange, Stuck) as error:
                    said.append(error.message)
        return (*said, *self.left_out)

    def kin(self, process: Process) -> tuple[Kin, ...]:
        """Return the packs that know enough of a process as kin for its planner, in the order of their names."""
        found: list[Kin] = []
        for name, heard in self._all_heard(process) if len(process.metrics) == 1 else ():
            key = (name, _described(process))
            if key not in self._kin:
                self._kin[key] = advising.kin_of(heard)
            one = self._kin[key]
            if one is not None:
                found.append(one)
        return tuple(found)

    def spell(self, process: Process, trust: Mapping[str, float]) -> tuple[str, ...]:
        """Say of how many of a process's parameters each pack speaks, and what that counts by now."""
        said = []
        for name, heard in self._all_heard(process):
            counts = f"; what it says counts {trust[f'pack {name}']:.2g}" if f"pack {name}" in trust else ""
            said.append(f"beside it: a pack of {name}, which speaks of {len(heard.said)} of its parameters{counts}")
        return (*said, *self.left_out)

    # ── attaching ───────────────────────────────────────────────────────────────────────────────────────────────────
    def attach(self, file: str | Path, *, name: str = "", rename: Sequence[str] = ()) -> Attached:
        """Copy a pack beside the ledger, to be asked from now on; attached again, it gets the renames that are given.

        Raises:
            Clash: another pack has that name, or the pack is attached under another one; or a name is renamed twice.
            Malformed: it is no pack, or was cut or changed; or a rename is none.
            Newer: a later version made it.
            Stuck: it cannot be read or copied; or the ledger is in memory.
        """
        if self._folder is None:
            raise Stuck(
                "a ledger that packs are attached to must be a file; got memory:", hint="kaizen.open(..., packs=[...])"
            )
        pack, renames = _read(Path(file)), advising.read_renames(rename)
        name = name or pack.name
        packs.check_name(name)
        for one in self._all().values():
            if (one.name == name) != (one.pack.salt == pack.salt):  # of one making, whatever its owner calls it
                raise Clash(
                    f"a pack must have a name of its own, and one; got {name!r}, beside {one.name!r}",
                    hint="kaizen pack --detach NAME; or --as NAME",
                )
        lines = "".join(f"{there}={here}\n" for here, there in renames.items())
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Stuck(f"a pack must be copied to {self._folder}; got {error.strerror or error}") from error
        for ending, content in ((".json", packs.write(pack)), (".renames", lines.encode())):
            save(content, self._folder / f"{name}{ending}", mode=0o444)
        self._forget()
        return next(one for one in self.attached() if one.name == name)

    def detach(self, name: str) -> None:
        """Ask a pack no more; its count of answers is kept.

        Raises:
            Undeclared: no such pack is attached.
            Stuck: it cannot be removed.
        """
        path = self._folder / f"{name}.json" if self._folder is not None and name.isidentifier() else None
        if path is None or not path.is_file():
            raise Undeclared(
                f"a pack must be attached to be detached; got {name!r}",
                hint=f"attached are: {', '.join(self._all()) or 'none'}",
            )
        try:
            path.unlink()
            path.with_suffix(".renames").unlink(missing_ok=True)
        except OSError as error:
            raise Stuck(f"{path} must be a file that can be removed; got {error.strerror or error}") from error
        self._forget()

    # ── parts ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def _all(self) -> dict[str, Attached]:
        if self._known is None:
            found = {one.name: Attached(name=one.name, pack=one) for one in self._given}
            self._unread = []
            for path in sorted(self._folder.glob("*.json")) if self._folder is not None else ():
                try:
                    found[path.stem] = Attached(name=path.stem, pack=_read(path), renames=_renames(path))
                except KaizenError as error:
                    self._unread.append(f"pack {path.stem} is left out: {error.message}")
            self._known = found
        return self._known

    def _forget(self) -> None:
        self._known = None
        self._heard, self._kin = {}, {}

    def _all_heard(self, process: Process) -> list[tuple[str, Heard]]:
        return [(name, heard) for name in self._all() if (heard := self._hear(name, process)) is not None]

    def _hear(self, name: str, process: Process) -> Heard | None:
        key = (name, _described(process))
        if key not in self._heard:
            one = self._all()[name]
            self._heard[key] = advising.hear(one.pack, process, one.renames)
        return self._heard[key]

    def _may_answer(self, pack: Pack, process: Process, asked: Sequence[str]) -> bool:
        """Tell whether a question was answered before or may be; a new one is written down before it is answered."""
        book, line = self._book(pack), f"{process.name}: {'; '.join(asked)}"
        if line in book:
            return True
        if len(book) >= pack.answers:
            return False
        if self._folder is not None:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                with self._file(pack, self._folder).open("a", encoding="utf-8") as file:
                    file.write(f"{line!r}\n")  # a line each, whatever names have in them
            except OSError as error:
                raise Stuck(
                    f"a pack's answers must be counted; got {error.strerror or error} at {self._folder}"
                ) from error
        book[line] = None
        return True

    def _book(self, pack: Pack) -> dict[str, None]:
        """Return the questions that a pack has answered; others may have asked since, so the file is read again."""
        kept = self._answered.setdefault(pack.sum, {})
        if self._folder is not None:
            with suppress(OSError, UnicodeDecodeError):
                told = self._file(pack, self._folder).read_text(encoding="utf-8").splitlines()
                kept |= dict.fromkeys(_plain(line) for line in told)
        return kept

    @staticmethod
    def _file(pack: Pack, folder: Path) -> Path:
        return folder / f"{pack.sum}.answered"


def _plain(line: str) -> str:
    import ast

    with suppress(ValueError, SyntaxError):
        return str(ast.literal_eval(line))
    return line


def _read(path: Path) -> Pack:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Stuck(
            f"{path} must be a pack that can be read; got {error.strerror or error}",
            hint="kaizen pack PROCESS -o FILE makes one",
        ) from error
    return packs.read(content, str(path))


def _renames(path: Path) -> dict[str, str]:
    """Return the renames beside a pack."""
    try:
        told = path.with_suffix(".renames").read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise Malformed(f"{path.with_suffix('.renames')} must be lines there=here; got {error}") from error
    return advising.read_renames(told.splitlines())


def _described(process: Process) -> bytes:
    import hashlib

    told = repr((process.name, process.parameters, process.constraints, process.metrics, process.standard))
    return hashlib.blake2b(told.encode(), digest_size=12).digest()
