"""Making packs of an open ledger's processes, and the account of what they have told of its runs together.

Every pack of the same runs that is made anew, with noise of its own, tells ε more. So what was made is kept beside the
ledger (``ledger.given``, a line each): asked for again with nothing changed, the same pack comes out, and costs nothing;
otherwise its ε is added to that of every process in it, and refused beyond a total.
"""

import hashlib
import os
import secrets
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import msgspec

from kaizen.errors import Clash, Malformed, Mistake, OutOfRange, Stuck, Undeclared
from kaizen.journal import Memory
from kaizen.process import Process
from kaizen.veteran import packs
from kaizen.veteran.dither import Chance
from kaizen.veteran.packs import ANSWERS, EPSILON, TOLD, Pack, Terms
from kaizen.veteran.tally import Owner, votes

TOTAL = Fraction(4)
"""ε of all packs of a process together, unless its owner says otherwise."""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """A pack that was made, and of what."""

    processes: tuple[str, ...]
    of: str
    """A hash of what it was made of and what it may tell; not of its name, under which another draw of noise would tell more."""
    pack: Pack


class Account:
    """What packs of this ledger's processes have told."""

    def __init__(self, file: Path | None) -> None:
        """Keep it in a file; in memory where there is none."""
        self._file = file
        self._given: list[Given] = []

    def given(self) -> list[Given]:
        """Return all packs that were made.

        Raises:
            Malformed: the file cannot be read.
        """
        if self._file is None:
            return self._given
        try:
            lines = self._file.read_bytes().splitlines()
            return [msgspec.json.decode(line, type=Given) for line in lines]
        except FileNotFoundError:
            return []
        except (OSError, msgspec.DecodeError) as error:
            raise Malformed(
                f"{self._file} must list the packs that were made; got {error}",
                hint="mend it: without it nobody knows what packs have told",
            ) from error

    def spent(self) -> dict[str, float]:
        """Return ε by process, of all packs together."""
        made: dict[str, Fraction] = {}
        for one in self.given():
            for name in one.processes:
                made[name] = made.get(name, Fraction(0)) + _exactly(one.pack.epsilon)
        return {name: float(told) for name, told in made.items()}

    def keep(self, one: Given) -> None:
        """Write a pack down, before anybody gets it.

        Raises:
            Stuck: it cannot be written.
        """
        if self._file is None:
            self._given.append(one)
            return
        try:
            with self._file.open("ab") as file:
                file.write(msgspec.json.encode(one) + b"\n")
        except OSError as error:
            raise Stuck(f"{self._file} must be a file that can be written; got {error.strerror or error}") from error


def _exactly(epsilon: float) -> Fraction:
    """Return an ε of a few decimals as they say it: three times 0.1 is 0.3."""
    return Fraction(str(epsilon))


def owners(memory: Memory, names: Sequence[str]) -> tuple[list[Owner], str]:
    """Return processes with all runs that compare, and what is better of their first metrics.

    Raises:
        Clash: better is higher of one and lower of another.
        Undeclared: there is no such process.
    """
    found, metrics, better = [], [], []
    for name in dict.fromkeys(names):
        head = memory.head(name)
        if head is None:
            known = ", ".join(memory.processes())
            raise Undeclared(
                f"a process must be described before it is packed; got {name!r}", hint=f"known are: {known or 'none'}"
            )
        metric = head.process.metrics[0]
        found.append(Owner(head.process, votes(head.process, metric, memory.runs(name, after=head.era))))
        metrics.append(metric.name)
        better.append(metric.better)
    if len(set(better)) > 1:
        raise Clash(
            f"processes of one pack must be better in one direction; got {', '.join(metrics)}",
            hint="make a pack of each",
        )
    return found, (better or ["lower"])[0]


def give(memory: Memory, names: Sequence[str], wanted: Terms, *, name: str, account: Account, chance: Chance,
         total: Fraction = TOTAL) -> Pack:  # fmt: skip
    """Return a pack of processes: the one that was made before, where nothing has changed since.

    Raises:
        OutOfRange: packs of a process would tell more than ``total`` together.
        Mistake: there is nothing to pack, or it does not go together.
    """
    found, better = owners(memory, names)
    if not found:
        raise Mistake("a pack must be of one process or more; got none", hint="kaizen pack PROCESS -o FILE")
    packs.check_name(name)
    of = _of(found, wanted)
    before = next((one.pack for one in account.given() if one.of == of), None)
    if before is not None:
        return packs.sealed(msgspec.structs.replace(before, name=name))
    made = packs.make(found, wanted, name=name, better=better, chance=chance)
    spent = account.spent()
    for owner in found:
        sum_ = _exactly(spent.get(owner.process.name, 0.0)) + _exactly(made.epsilon)
        if sum_ > total:
            raise OutOfRange(
                f"packs of {owner.process.name} must tell of a run with ε {float(total):g} at most, all together; "
                f"got {float(sum_):.3g} with this one",
                hint="a pack that was made of the same runs costs nothing; --total allows more",
            )
    account.keep(Given(processes=tuple(owner.process.name for owner in found), of=of, pack=made))
    return made


def _of(found: Sequence[Owner], wanted: Terms) -> str:
    """Return a hash of all that a pack is made of."""
    plain = [_plain(owner.process) for owner in found]
    runs = [sorted(repr((sorted(vote.setting.items()), vote.merit)) for vote in owner.votes) for owner in found]
    told = repr((plain, runs, str(wanted.epsilon), wanted.answers, wanted.told))
    return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()


def _plain(process: Process) -> str:
    return repr((process.name, process.parameters, process.guards, process.metrics[0]))


def pack(
    memory: Memory, names: Sequence[str], account: Account, *, file: str | Path | None = None, name: str = "",
    epsilon: object = EPSILON, told: float = TOLD, answers: int = ANSWERS, total: object = TOTAL, chance: Chance | None = None,
) -> Pack:  # fmt: skip
    """Make a pack of processes, named after its file unless it is named, and write it.

    Whoever has it learns of one run no more than ``epsilon``, and tells whether a run was made no better than by an AUC of ``told``;
    it answers so many different questions. ``total`` is ε of all packs of a process together: the same pack of the same runs
    costs nothing. ``chance`` is secure unless it is given, which is for tests.

    Raises:
        Mistake: there is no such process, or what it may tell cannot be right.
        Stuck: the file cannot be written.
    """
    name = name or (Path(file).name.split(".")[0] if file is not None else (*names, "")[0])
    wanted, most = packs.terms(epsilon, answers=answers, told=told), packs.epsilon_of(total, "total")
    made = give(memory, names, wanted, name=name, account=account, chance=chance or secrets.SystemRandom(), total=most)
    if file is not None:
        save(packs.write(made), Path(file))
    return made


def save(content: bytes, file: Path, *, mode: int | None = None) -> None:
    """Write a file, whole or not at all.

    Raises:
        Stuck: it cannot be written.
    """
    draft = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        draft.write_bytes(content)
        if mode is not None:
            draft.chmod(mode)
        draft.replace(file)
    except OSError as error:
        raise Stuck(f"{file} must be a file that can be written; got {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)
