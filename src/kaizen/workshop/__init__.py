"""The workshop: an open ledger and the processes in it; the one place with effects."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from kaizen.check import Judge
from kaizen.cycle import Rest
from kaizen.errors import Mistake, OutOfRange, Stuck, Undeclared
from kaizen.judges.paired import PairedJudge
from kaizen.ledger import Described
from kaizen.listen import Listener
from kaizen.listeners.shadow import ShadowListener
from kaizen.noise import Repeats
from kaizen.plan import Planner
from kaizen.process import Hands, Process, check_process
from kaizen.standard import Standard
from kaizen.trial import Run
from kaizen.veteran.packs import Pack
from kaizen.workshop.bench import Bench
from kaizen.workshop.borrowing import Attachment
from kaizen.workshop.giving import pack
from kaizen.workshop.improving import Improving, Moment, Watcher, grant
from kaizen.workshop.memories import Memories
from kaizen.workshop.packs import Packs
from kaizen.workshop.places import ledger_at, ledger_for
from kaizen.workshop.planning import PolicysPlanner
from kaizen.workshop.repeating import Repeating, in_all
from kaizen.workshop.turning import Asker, Store, Wheel


class Workshop:
    """An open ledger and the processes in it."""

    def __init__(
        self, ledger: Store, *, root: Path, state: Path | None = None, judge: Judge | None = None, planner: Planner | None = None,
        listener: Listener | None = None, coins: Callable[[], int] | None = None, memory: Sequence[str | Path | Attachment] = (),
        attached: Path | None = None, packs: Sequence[str | Path | Pack] = (), beside: Path | None = None,
    ) -> None:  # fmt: skip
        """Hold a ledger; ``root`` is where recipes lie, ``state`` a folder for our own files (``.kaizen`` there).

        ``coins`` gives fresh random 63-bit seeds. ``memory`` are ledgers of others to remember from, beside those that the
        file ``attached`` names. ``packs`` are asked while it is open, and those that lie ``beside`` it: ``ledger.packs`` there, and
        ``ledger.given`` tells what its own packs have told.
        """
        self.ledger = ledger
        self.root = root
        self.state = state or root / ".kaizen"
        self._judge = judge or PairedJudge()
        self._planner = planner or PolicysPlanner()
        self._listener = listener or ShadowListener()
        self._coins = coins or (lambda: secrets.randbits(63))
        self._benches: dict[str, Bench] = {}
        self.memory = Memories(ledger, file=attached, state=self.state, given=memory)
        self.packs = Packs(beside, given=packs)

    def __enter__(self) -> Self:
        """Use the workshop in a ``with`` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the ledger."""
        self.close()

    def close(self) -> None:
        """Close the ledger, and what is attached to it; nothing is lost if nobody does."""
        self.memory.close()
        close = getattr(self.ledger, "close", None)
        if close is not None:
            close()

    def __iter__(self) -> Iterator[str]:
        """Walk the names of the processes."""
        return iter(self.ledger.processes())

    def __getitem__(self, name: str) -> Bench:
        """Return a process at hand.

        Raises:
            Undeclared: it was never described.
        """
        if name not in self._benches:
            if self.ledger.head(name) is None:
                known = ", ".join(self.ledger.processes())
                raise Undeclared(
                    f"a process must be described before it is used; got {name!r}", hint=f"known are: {known or 'none'}"
                )
            wheel = Wheel(
                self.ledger, name, judge=self._judge, planner=self._planner, listener=self._listener, coins=self._coins
            )
            self._benches[name] = Bench(wheel, root=self.root, state=self.state, memories=self.memory, packs=self.packs)
        return self._benches[name]

    def describe(self, process: Process, *, by: str = "me") -> Bench:
        """Put a process on the bench: describe it, or amend what the ledger has where the description differs.

        The budget is the ledger's: a description without one leaves it.
        """
        process = check_process(process)
        with self.ledger.turn():
            head = self.ledger.head(process.name)
            if head is None:
                self.ledger.append(process.name, [Described(process=process)], by=by, after=0)
            else:
                kept = _keep_budget(process, head.process)
                self[process.name].amend(kept, because="the recipe changed", by=by)
        return self[process.name]

    def pack(self, *processes: str, file: str | Path | None = None, name: str = "", **may: Any) -> Pack:
        """Make an advice pack of processes, to give away: what they know, without settings, readings or names.

        ``may`` says what it may tell: ``epsilon``, ``told``, ``answers``, and ``total`` of all packs of a process (see
        ``giving.pack``). Where ``file`` is given it is written, and the pack named after it.

        Raises:
            Mistake: there is no such process, or what it may tell cannot be right.
            Stuck: the file cannot be written.
        """
        return pack(self.ledger, processes, self.packs.account, file=file, name=name, **may)

    def improve(self, work: Any, *, runs: int | str | None = None, **options: Any) -> Standard:
        """Describe a function made ``improvable`` (or a process, or name one described), and improve it.

        ``runs`` is the budget in all (``'+60'`` for so many more); see ``improve`` below for the other options.
        Return the standard in force when the wheel rests.
        """
        bench = self.bench(work)
        improve(bench, runs=runs, **options)
        return bench.standard

    def noise(self, work: Any, n: int | str = 20, **options: Any) -> Repeats:
        """Run today's standard until there are ``n`` repeats in all (``'+20'`` for so many more), and tell its noise.

        Where hands do the work they are queued, to be asked for and told. See ``repeat`` below for the other options.
        """
        bench = self.bench(work)
        if isinstance(bench.process.work, Hands):
            bench.repeat(n, **options)
        else:
            repeat(bench, n, **options)
        return bench.noise()

    def bench(self, work: Any, *, by: str = "me") -> Bench:
        """Return the bench of an improvable function, a process or a name; describe what is new."""
        if isinstance(work, str):
            return self[work]
        process = getattr(work, "process", work)
        if not isinstance(process, Process):
            raise Mistake(
                f"what is improved must be an improvable function, a process or a name; got {work!r}",
                hint="put @kaizen.improvable(...) on the function",
            )
        bench = self.describe(process, by=by)
        if callable(work):
            bench.function = work
        return bench


def improve(
    bench: Bench,
    *,
    runs: int | str | None = None,
    seconds: float | None = None,
    money: float | None = None,
    workers: int = 1,
    by: str = "kaizen",
    watch: Watcher | None = None,
    handle: Callable[[Improving], None] | None = None,
) -> Moment:
    """Turn a process's wheel here, with workers on this machine, until it rests; return the last moment.

    ``runs``, ``seconds`` and ``money`` are the budget in all, kept in the ledger; ``handle`` is given the stretch
    before it starts, so that a signal can stop it.

    Raises:
        Mistake: the process is for hands, or its function is not at hand.
    """
    if workers < 1:
        raise Mistake(f"workers must be one or more; got {workers}")
    grant(bench, runs=runs, seconds=seconds, money=money, by=by)
    return _turn(bench, workers=workers, by=by, watch=watch, handle=handle)


def repeat(
    bench: Bench,
    n: int | str = 20,
    *,
    every: float = 0.0,
    by: str = "kaizen",
    watch: Watcher | None = None,
    handle: Callable[[Improving], None] | None = None,
) -> Moment:
    """Run today's standard here, one run after the other, until it was repeated ``n`` times in all; return the last moment.

    ``'+20'`` is so many more; ``every`` is how many seconds lie between one start and the next, at least. Repeats are
    scouts: they teach the planner, and the budget pays for them. Trials wait meanwhile.

    Raises:
        Mistake: no such number; or the process is for hands, or its function is not at hand.
    """
    if not 0 <= every < float("inf"):
        raise OutOfRange(f"every must be a number of seconds, 0 or more; got {every!r}")
    repeating = Repeating(bench.wheel, total=in_all(bench.wheel, n), every=every)

    def take(improving: Improving) -> None:
        repeating.stopped = lambda: improving.stopping
        if handle is not None:
            handle(improving)

    return _turn(bench, workers=1, by=by, watch=watch, handle=take, hand_out=repeating)


def _turn(
    bench: Bench, *, workers: int, by: str, watch: Watcher | None, handle: Callable[[Improving], None] | None,
    hand_out: Callable[[Asker], tuple[Run, ...] | Rest] | None = None,
) -> Moment:  # fmt: skip
    """Turn a wheel with workers on this machine until it rests; what workers that are gone had in hand counts as lost."""
    from kaizen.doers.holder import holder, is_gone
    from kaizen.doers.local import LocalDoer

    process = bench.process
    doer = LocalDoer(
        process, function=bench.function, directory=bench.root, state=bench.state, ledger=bench.ledger_file
    )
    for lease in bench.wheel.ledger.leases(bench.name):
        if is_gone(lease.holder):
            bench.wheel.expire(lease.holder)
    moments: list[Moment] = []

    def look(moment: Moment) -> None:
        moments[:] = [moment]
        if watch is not None:
            watch(moment)

    bench.publish()
    asker = Asker(by=by, lease=process.policy.lease, holder=holder())
    improving = Improving(bench, doer, workers=workers, asker=asker, watch=look, hand_out=hand_out)
    if handle is not None:
        handle(improving)
    improving.turn()
    return moments[0]


def open_workshop(where: str | Path | None = None, *, root: Path | None = None, **parts: Any) -> Workshop:
    """Open the ledger at ``where``: a path, ``sqlite:///path`` or ``memory:``.

    By default it is the one beside this folder's recipe; without a recipe this folder's own, or that of the attached
    repository it lies in.

    ``root`` is the folder that recipes' own paths start from (this one by default). ``memory=[…]`` are ledgers of others, to
    remember from while this one is open: they are only read, and left out while they cannot be.

    Raises:
        Mistake: there is no such kind of ledger.
        Stuck: the place cannot be written.
        Newer: a later version wrote it.
    """
    path = ledger_for(_recipe_here()) if where is None else ledger_at(where)
    if path is None:
        from kaizen.ledgers.memory import MemoryLedger

        return Workshop(MemoryLedger(), root=root or Path.cwd(), **parts)
    from kaizen.ledgers.sqlite import SqliteLedger

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Stuck(f"a ledger's folder must be one that can be made; got {path.parent} ({error.strerror})") from error
    work, attached = (path.parent / f"{path.stem}.{ending}" for ending in ("work", "attached.toml"))
    return Workshop(SqliteLedger(path), root=root or Path.cwd(), state=work, attached=attached, beside=path, **parts)


def _recipe_here() -> Path | None:
    from kaizen.recipes import toml

    here = Path.cwd() / toml.RECIPE
    return here if here.is_file() else None


def _keep_budget(process: Process, known: Process) -> Process:
    policy, old = process.policy, known.policy
    kept = {name: getattr(old, name) for name in ("runs", "seconds", "money") if getattr(policy, name) is None}
    return msgspec.structs.replace(process, policy=msgspec.structs.replace(policy, **kept))
