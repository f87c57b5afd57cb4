"""Proving one question: are these two revisions of the code different, and which is better?

A question is a process of its own: its parameter is the revision, its standard OLD, its only trial NEW against OLD. So
the real wheel answers it, with blocks, coins, leases, ledger and judge. It is asked both ways, and nothing comes after
it: its α is its own, all of the error budget of its process. The same question is the same process, so it goes on where it
was interrupted, and is answered from the ledger once it is answered. Each stretch works in checkouts of its own, below
the common git directory; they are removed at its end, and those of a stretch that was killed by the next one.
"""

import contextlib
import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from kaizen.check import fewest
from kaizen.cycle import Rest
from kaizen.doers.local.revisions import Commit, git_home, prefix
from kaizen.doers.local.revisions import revisions as read
from kaizen.errors import Malformed, Mistake, OutOfRange, Stuck
from kaizen.metric import Metric, lower
from kaizen.parameter import Revision as Code
from kaizen.plan import Stop
from kaizen.process import MEASURED, Policy, Process, Shell, check_process, has_revision
from kaizen.setting import Setting, Texts, encode_hook
from kaizen.trial import Fault, Reading, Run
from kaizen.workshop.bench import Bench
from kaizen.workshop.improving import Improving, Watcher
from kaizen.workshop.proof import Proof, proof_of
from kaizen.workshop.proven_since import answered
from kaizen.workshop.turning import Asker, Wheel

if TYPE_CHECKING:
    from kaizen.workshop import Workshop

WARMUP = "to warm up, before the first pair"
"""Why a run is made that counts for no pair."""
SECONDS = lower("seconds", unit="s")
"""What is measured unless somebody says otherwise: the seconds that people wait."""
UNITS = {"seconds": "s", "cpu_seconds": "s", "peak_memory": "MiB"}


def prove(
    revisions: str,
    command: str = "",
    *,
    metrics: Sequence[Metric] = (SECONDS,),
    reads: Mapping[str, str] | None = None,
    process: Process | None = None,
    build: str = "",
    pairs: int = 40,
    alpha: float = 0.05,
    warmup: int = 1,
    within: float | None = None,
    memory: float | None = None,
    root: str | Path = ".",
    ledger: str | Path | None = None,
    again: bool = False,
    by: str = "kaizen",
    watch: Watcher | None = None,
    handle: Callable[[Improving], None] | None = None,
) -> Proof:
    """Tell whether NEW of ``OLD..NEW`` is better or worse than OLD, by randomised pairs of ``command`` in their checkouts.

    ``reads`` says where metrics come from (as ``Shell.reads``); by default Kaizen's own measure of that name, else JSON.
    With ``process`` its command, metrics and standard are taken instead. ``build`` runs once in each checkout, ``warmup``
    runs of each come before the pairs. ``root`` is a folder of the repository, ``again`` asks anew what is answered.

    An answer is final: the same question is answered from the ledger. What repeats exactly needs no warming up.

    Raises:
        Mistake: no such revisions, no difference between them, metrics or limits that cannot be right, or a command that
            gives no reading on either side.
        Stuck: no repository, or a build that fails.
    """
    here = Path(root).absolute()
    old, new = read(here, revisions)
    question = question_of(
        old, new, command, metrics=metrics, reads=reads, process=process, build=build, pairs=pairs, alpha=alpha, warmup=warmup,
        within=within, memory=memory, root=here,
    )  # fmt: skip
    return ask(question, ledger=ledger, again=again, by=by, watch=watch, handle=handle)


class Question(NamedTuple):
    """What is asked: all that an answer depends on. The same question is the same ``name``."""

    old: Commit
    new: Commit
    process: Process
    name: str
    root: Path
    build: str
    warmup: int


def question_of(
    old: Commit,
    new: Commit,
    command: str = "",
    *,
    metrics: Sequence[Metric] = (SECONDS,),
    reads: Mapping[str, str] | None = None,
    process: Process | None = None,
    within: float | None = None,
    memory: float | None = None,
    build: str,
    pairs: int,
    alpha: float,
    warmup: int,
    root: Path,
) -> Question:
    """Return the question whether ``new`` is better or worse than ``old``; nothing is run or written (see ``prove``)."""
    if not 0 <= warmup <= 1000:
        raise OutOfRange(f"warmup must be from 0 to 1000 runs of each; got {warmup!r}")
    if process is None:
        work = _shell(command, metrics, reads, within=within, memory=memory)
        process = Process(
            name="prove", parameters=(Code(name="revision"),), metrics=tuple(metrics), standard=Setting(revision=old.commit), work=work
        )  # fmt: skip
    elif command:
        raise Malformed("a question must have a command or a process; got both", hint="leave one of them out")
    asked = _question(process, old.commit, pairs=pairs, alpha=alpha)
    fingerprint = _fingerprint(asked, new.commit, f"{prefix(root)}\0{build}")
    about = f"{new.commit[:7]} against {old.commit[:7]}: {command or process.name}"
    return Question(
        old, new, msgspec.structs.replace(asked, about=about), f"prove.{old.commit[:7]}-{new.commit[:7]}.{fingerprint}",
        root, build, warmup,
    )  # fmt: skip


def ask(
    question: Question,
    *,
    ledger: str | Path | None = None,
    again: bool = False,
    by: str = "kaizen",
    watch: Watcher | None = None,
    handle: Callable[[Improving], None] | None = None,
) -> Proof:
    """Answer a question from the ledger, or by as many pairs as it takes (see ``prove``)."""
    from kaizen.workshop import open_workshop
    from kaizen.workshop.places import ledger_beside

    old, new, here = question.old, question.new, question.root
    where = ledger_beside(here) if ledger is None else ledger
    with open_workshop(where, root=here, planner=_Nothing()) as shop:
        number = _times(question, shop)
        if _known(question, number, shop):
            last = shop[_numbered(question.name, number)].wheel
            if _settled(last) and (again or not answered(last.ledger, last.process)):
                number += 1
        bench = shop.describe(msgspec.structs.replace(question.process, name=_numbered(question.name, number)), by=by)
        before = answered(bench.wheel.ledger, bench.name)
        if not before:
            _propose(bench, new, by=by)
            with _checkouts(here) as place:
                stretch = _Stretch(bench, place, new.commit, warmup=question.warmup, by=by)
                if question.build:
                    stretch.build(question.build, (old, new))
                stretch.turn(watch, handle)
        return proof_of(bench, old, new, asked=number, before=before)


def known_answer(question: Question, shop: "Workshop") -> Proof | None:
    """Return the answer to a question as the ledger has it, even one that is unfinished; ``None`` where it has none."""
    number = _times(question, shop)
    if not _known(question, number, shop):
        return None
    bench = shop[_numbered(question.name, number)]
    before = answered(bench.wheel.ledger, bench.name)
    if _settled(bench.wheel) and not before:
        return None
    return proof_of(bench, question.old, question.new, asked=number, before=before)


# ── the question ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _shell(
    command: str, metrics: Sequence[Metric], reads: Mapping[str, str] | None, *, within: float | None, memory: float | None
) -> Shell:  # fmt: skip
    if not command.strip():
        raise Malformed("a command must be given; got nothing", hint="kaizen prove HEAD~1..HEAD -- make bench")
    given = dict(reads or {})
    for name in given:
        if all(metric.name != name for metric in metrics):
            raise Malformed(f"a reading must be of a metric that is judged; got {name!r}", hint=f"--metric {name}")
    sources = {m.name: given.get(m.name) or (m.name if m.name in MEASURED else "json") for m in metrics}
    return Shell(command=command, reads=Texts(sources), within=within, memory=memory)


def _question(process: Process, old: str, *, pairs: int, alpha: float) -> Process:
    """Make the process of a question: the revision may change, and all of the error budget is for its one trial."""
    if not isinstance(process.work, Shell):
        raise Mistake(
            f"the work of {process.name} must be a command, since its code may change; got another kind",
            hint="give the command: kaizen prove OLD..NEW -- COMMAND",
        )
    if not 0 < alpha <= 0.5:
        raise OutOfRange(f"alpha must be above 0 and at most 0.5; got {alpha!r}", hint="0.05 is one in twenty")
    policy = Policy(
        planner="steps",
        memory=False,
        pairs=pairs,
        both_ways=True,
        nulls=0,
        shadow=0.0,
        false_adoptions=alpha,
        share=1.0,
    )
    parameters, standard = process.parameters, process.standard
    name = next((parameter.name for parameter in parameters if isinstance(parameter, Code)), "revision")
    if not has_revision(process):
        parameters = (*parameters, Code(name=name))
    made = check_process(msgspec.structs.replace(
        process, name="prove", parameters=parameters, standard=Setting({**standard, name: old}), policy=policy
    ))  # fmt: skip
    least = fewest(policy, alpha)
    if not made.exact and pairs < least:
        raise OutOfRange(
            f"pairs must be {least} or more, or nothing can be told at α = {alpha:g}; got {pairs}",
            hint="more pairs, or a larger α",
        )
    return made


def _fingerprint(process: Process, new: str, rest: str) -> str:
    text = msgspec.json.encode(process, enc_hook=encode_hook, order="deterministic") + f"\0{new}\0{rest}".encode()
    return hashlib.blake2b(text, digest_size=4).hexdigest()


def _times(question: Question, shop: "Workshop") -> int:
    """Return how often a question was asked; a question that never was will be asked for the first time."""
    return max(1, sum(name == question.name or name.startswith(f"{question.name}.") for name in shop))


def _known(question: Question, number: int, shop: "Workshop") -> bool:
    return _numbered(question.name, number) in tuple(shop)


def _numbered(base: str, number: int) -> str:
    return base if number == 1 else f"{base}.{number}"


def _propose(bench: Bench, new: Commit, *, by: str) -> None:
    head = bench.head
    if head.next_trial == 1 and not head.proposals:
        code = next(p.name for p in head.process.parameters if isinstance(p, Code))
        bench.propose({code: new.commit}, because=new.subject or f"{new} as it is", by=by)


class _Nothing:
    """Plans nothing: a question has one trial."""

    def plan(self, *_: object, **__: object) -> Stop:
        return Stop(because="the question is answered")


def _settled(wheel: Wheel) -> bool:
    return any(test.verdict is not None or test.stopped is not None for test in wheel.ledger.trials(wheel.process))


# ── asking it ─────────────────────────────────────────────────────────────────────────────────────────────────────────
class _Stretch:
    """One call that works on a question: builds, warms up, turns the wheel until the trial ends."""

    def __init__(self, bench: Bench, place: Path, new: str, *, warmup: int, by: str) -> None:
        from kaizen.doers.holder import holder

        head = bench.head
        code = next(p.name for p in head.process.parameters if isinstance(p, Code))
        self.bench, self.place, self.by = bench, place, by
        self.sides = (head.process.standard, Setting({**head.process.standard, code: new}))
        self.asker = Asker(by=by, lease=head.process.policy.lease, holder=holder())
        self.cold = [] if head.process.exact else [side for _ in range(warmup) for side in self.sides]
        self.seq = head.seq
        self.spoke = False

    def build(self, command: str, names: Sequence[Commit]) -> None:
        """Build in both checkouts, each under a guardian.

        Raises:
            Stuck: a build fails.
        """
        from kaizen.doers.local import LocalDoer

        process, work = self.bench.process, Shell(command=command, reads=Texts(seconds="seconds"))
        assert isinstance(process.work, Shell), "_question takes commands only"
        work = msgspec.structs.replace(work, directory=process.work.directory, environment=process.work.environment)
        made = msgspec.structs.replace(process, metrics=(SECONDS,), guards=(), work=work)
        with LocalDoer(made, directory=self.bench.root, state=self.place) as doer:
            for setting, revision in zip(self.sides, names, strict=True):
                doer.start(Run(id=0, setting=setting, purpose="scout", of=1))
                while not (ended := doer.wait(0.2)):
                    pass
                outcome = ended[0].outcome
                if isinstance(outcome, Fault):
                    said = " / ".join(outcome.tail.strip().splitlines()[-3:])
                    raise Stuck(f"the build must work on {revision}; got {outcome}", hint=said or "it said nothing")

    def turn(self, watch: Watcher | None, handle: Callable[[Improving], None] | None) -> None:
        """Turn the wheel until the question is answered, or somebody stops it."""
        from kaizen.doers.holder import is_gone
        from kaizen.doers.local import LocalDoer

        bench, wheel = self.bench, self.bench.wheel
        doer = LocalDoer(bench.process, directory=bench.root, state=self.place, ledger=bench.ledger_file)
        for lease in wheel.ledger.leases(bench.name):
            if is_gone(lease.holder):
                wheel.expire(lease.holder)
        improving = Improving(
            bench, doer, workers=1, asker=self.asker, watch=watch or (lambda _: None), hand_out=self.hand_out
        )
        if handle is not None:
            handle(improving)
        improving.turn()

    def hand_out(self, asker: Asker) -> tuple[Run, ...] | Rest:
        """Hand out what warms up, then pairs."""
        wheel = self.bench.wheel
        wheel.settle()
        if answered(wheel.ledger, wheel.process):
            return Rest(reason="stop", because="the question is answered")
        self._listen()
        if not self.cold:
            return wheel.next_unit(asker)
        unit = wheel.repeat(asker, WARMUP, setting=self.cold[0])
        if not isinstance(unit, Rest) and unit[0].purpose == "scout":  # else a run that was lost comes first
            del self.cold[0]
        return unit

    def _listen(self) -> None:
        """Refuse a command that gives no reading of either side: then nothing is compared.

        Raises:
            Malformed: so it is.
        """
        if self.spoke:
            return
        rows = self.bench.wheel.ledger.runs(self.bench.name, after=self.seq)
        self.spoke = any(isinstance(row.outcome, Reading) for row in rows)
        if not self.spoke and len({row.setting for row in rows}) > 1:
            outcome = rows[-1].outcome
            said = " / ".join(outcome.tail.strip().splitlines()[-3:]) if isinstance(outcome, Fault) else ""
            raise Malformed(
                f"the command must give a reading on OLD or NEW; got on both {outcome}", hint=said or "it said nothing"
            )


@contextlib.contextmanager
def _checkouts(repository: Path) -> Iterator[Path]:
    """Give a folder for checkouts, removed at the end; remove those of stretches that were killed."""
    from kaizen.doers.holder import holder, is_gone
    from kaizen.doers.local.worktree import remove

    home = git_home(repository) / "kaizen" / "proofs"
    try:
        home.mkdir(parents=True, exist_ok=True)
        for file in home.glob("*.holder"):
            if is_gone(file.read_text(encoding="utf-8")):
                remove(repository, file.with_suffix(""))
                file.unlink(missing_ok=True)
        mine = home / f"{secrets.token_hex(4)}.holder"
        mine.write_text(holder(), encoding="utf-8")
    except OSError as error:
        raise Stuck(f"{home} must take checkouts; got {error}") from error
    try:
        yield mine.with_suffix("")
    finally:
        remove(repository, mine.with_suffix(""))
        mine.unlink(missing_ok=True)
