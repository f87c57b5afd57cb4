"""How a loop's declared keeps become proven: a question each, the dearest doubt first.

A keep that is false costs itself and all that was built upon it. So the order is by

    p (1 + k)                  p the chance that luck alone gains as much (``keeps``, eq. 1), k the later keeps upon it      (1)

the smaller claim first where that is the same. The order decides what is known first and nothing else: each keep is a
question of its own (``proving``), with an α of its own, against the standard that it replaced. So what is answered depends
neither on the order nor on how many are asked, the same question asked by hand has the same answer, and a log may grow.
That α's are not shared has its price, and it is said: n questions about changes that do nothing give α n false answers.

Nothing is written but the questions. What they say of a declared standard is read beside it (``proven_since``).
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from kaizen.doers.local.revisions import Commit, Graph, commit_of, graph_of, same_files
from kaizen.doers.local.worktree import git
from kaizen.errors import Malformed, OutOfRange, Stuck
from kaizen.reports.budget import percent
from kaizen.workshop import open_workshop
from kaizen.workshop.improving import Improving, Watcher
from kaizen.workshop.keeps import Keep, Keeps, named
from kaizen.workshop.proof import Proof
from kaizen.workshop.proving import Question, ask, known_answer

_THERE = "run it in the repository that the loop worked in"


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """A keep that can be asked about."""

    keep: Keep
    old: Commit
    new: Commit
    upon: int
    """How many later keeps are built upon it."""
    aside: bool = False
    """Whether it was not built upon the standard that it replaced."""
    revert: str = ""
    """The command that takes it back; empty where it is no part of HEAD, or taken back already."""

    @property
    def price(self) -> float:
        """What a false keep costs here (eq. 1)."""
        return self.keep.luck * (1 + self.upon)

    @property
    def why(self) -> str:
        """Why it is asked when it is."""
        upon = (
            "nothing later rests on it"
            if not self.upon
            else f"{self.upon} later keep{'s rest' if self.upon > 1 else ' rests'} on it"
        )
        keep, luck = self.keep, "it claims nothing in numbers"
        if keep.times is not None and keep.by_noise:
            chance = f"which a change that does nothing gains {_chance(keep.luck)} of the time"
            luck = f"{keep.claimed} is {keep.times:.2g} × noise, {chance}"
        elif keep.times is not None:
            luck = f"{keep.claimed} is {keep.times:.2g} × the middle claim; no noise is known"
        aside = f"; {self.old} is no ancestor of it: compared with it as the loop had it" if self.aside else ""
        return f"{luck}; {upon}{aside}"


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """A keep that cannot be asked about, and why."""

    keep: Keep
    because: str


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """All keeps of one source: those to ask about, dearest doubt first, and those left out."""

    source: str
    noise: str
    doubts: tuple[Doubt, ...]
    left: tuple[Left, ...]


def survey(keeps: Keeps, repository: Path) -> Survey:
    """Find the commits of keeps in a repository, and put them in order; nothing is run or written.

    Raises:
        OutOfRange: it has none of them.
        Stuck: there is no repository, or git refuses.
    """
    here = git(repository, "rev-parse", "--show-toplevel", check=False)
    if not here:
        raise Stuck(f"keeps are commits, to be looked up in a git repository; got none at {repository}", hint=_THERE)
    top = Path(here)
    shallow = git(repository, "rev-parse", "--is-shallow-repository") == "true"
    known = {one: commit_of(repository, one) for keep in keeps.keeps for one in (keep.before, keep.commit)}
    left: list[Left] = []
    pairs: list[tuple[Keep, Commit, Commit]] = []
    for keep in keeps.keeps:
        old, new = known[keep.before], known[keep.commit]
        if new is None:
            left.append(Left(keep=keep, because=_gone(keep.commit, shallow=shallow)))
        elif old is None:
            hint = f"; with its parent it is compared by: kaizen prove {new.commit[:7]}~1..{new.commit[:7]}"
            left.append(
                Left(keep=keep, because=f"of the standard before it, {_gone(keep.before, shallow=shallow)}{hint}")
            )
        elif same_files(old, new, repository=repository):
            left.append(Left(keep=keep, because=f"it has the same files as {old.commit[:7]}, the standard before it"))
        else:
            pairs.append((keep, old, new))
    if keeps.keeps and not any(known.values()):
        raise OutOfRange(
            f"keeps of {keeps.source} must be commits of {top.name}; got none of {len(keeps.keeps)} there: {left[0].because}",
            hint=f"{_THERE}; git fetch brings commits that others have",
        )
    return Survey(source=keeps.source, noise=keeps.noise, doubts=_ordered(pairs, repository), left=tuple(left))


def _gone(commit: str, *, shallow: bool) -> str:
    """Say why there is no such commit."""
    if not named(commit):
        return "no commit is named"
    mend = (
        "this is a shallow clone: git fetch --unshallow"
        if shallow
        else "rebased away, collected, or the log named none"
    )
    return f"the commit {commit[:12]} is gone ({mend})"


def _ordered(pairs: Sequence[tuple[Keep, Commit, Commit]], repository: Path) -> tuple[Doubt, ...]:
    """Return doubts by what they may cost, dearest first (eq. 1)."""
    if not pairs:
        return ()
    head = git(repository, "rev-parse", "--verify", "--quiet", "HEAD^{commit}", check=False)
    every = [commit.commit for _, old, new in pairs for commit in (old, new)]
    graph = graph_of(repository, [*every, *([head] if head else [])])
    made = []
    for place, (keep, old, new) in enumerate(pairs):
        later = {other.commit for _, _, other in pairs[place + 1 :]} - {new.commit}
        aside = old.commit not in graph.below[new.commit]
        made.append(Doubt(
            keep=keep, old=old, new=new, upon=sum(new.commit in graph.below[one] for one in later), aside=aside,
            revert=_revert(old, new, graph, repository, head=head),
        ))  # fmt: skip
    return tuple(sorted(made, key=lambda one: (-round(one.price, 9), one.keep.share)))


def _revert(old: Commit, new: Commit, graph: Graph, repository: Path, *, head: str) -> str:
    """Return the command that takes a keep back: its commit, or all since the standard before it."""
    if not head or (new.commit != head and new.commit not in graph.below[head]):
        return ""
    said = f"--grep=This reverts commit {new.commit}"
    if git(repository, "log", "-n", "1", "--format=%H", "--fixed-strings", said, head):
        return ""
    parents = graph.parents.get(new.commit, ())
    if len(parents) > 1:
        return f"git revert -m 1 {new.commit[:7]}"
    if old.commit in graph.below[new.commit] and parents != (old.commit,):
        return f"git revert {old.commit[:7]}..{new.commit[:7]}"
    return f"git revert {new.commit[:7]}"


# ── asking ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """Where one doubt stands."""

    doubt: Doubt
    proof: Proof | None = None
    because: str = ""
    """Why it could not be answered."""
    now: bool = False
    """Whether this call asked."""


class Round:
    """One call that works through doubts; what it has found out stands in ``answers``, wherever it is stopped."""

    def __init__(self, doubts: Sequence[Doubt], question: Callable[[Doubt], Question], *, ledger: str | Path) -> None:
        """Look up what is answered already; nothing is run or written.

        Raises:
            Mistake: what is asked cannot be asked of any commit.
        """
        self._ledger = ledger
        self._questions = [question(doubt) for doubt in doubts]
        self.answers = [Answered(doubt=doubt) for doubt in doubts]
        if Path(ledger).is_file():
            with open_workshop(ledger) as shop:
                self.answers = [
                    Answered(doubt=doubt, proof=known_answer(asked, shop))
                    for doubt, asked in zip(doubts, self._questions, strict=True)
                ]

    def open(self) -> list[int]:
        """Return the places of what has no answer yet."""
        return [
            place for place, one in enumerate(self.answers) if one.proof is None or one.proof.decision == "unfinished"
        ]

    def go(
        self, *, most: int | None, begin: Callable[[Doubt], None], stopped: Callable[[], bool], watch: Watcher | None = None,
        handle: Callable[[Improving], None] | None = None,
    ) -> None:  # fmt: skip
        """Ask what has no answer, ``most`` questions at the most; ``begin`` hears of each before its first run.

        A commit whose build or command fails on both sides answers nothing: that is noted, and the next one asked.
        """
        for place in self.open()[:most]:
            if stopped():
                return
            doubt = self.answers[place].doubt
            begin(doubt)
            try:
                proof = ask(self._questions[place], ledger=self._ledger, watch=watch, handle=handle)
                self.answers[place] = Answered(doubt=doubt, proof=proof, now=True)
            except (Malformed, Stuck) as error:
                said = f" ({error.hint})" if error.hint else ""
                self.answers[place] = Answered(doubt=doubt, because=f"{error.message}{said}", now=True)

    @property
    def asked(self) -> int:
        """How many questions have an answer."""
        return len(self.answers) - len(self.open())

    @property
    def alpha(self) -> float:
        """The α of each question; 0 where all metrics are exact."""
        exact = all(asked.process.exact for asked in self._questions)
        return 0.0 if exact or not self._questions else self._questions[0].process.policy.false_adoptions


def _chance(luck: float) -> str:
    """Say a chance: ``21 %``, ``under 0.1 %``."""
    return "under 0.1 %" if luck < 0.001 else percent(luck, digits=2)
