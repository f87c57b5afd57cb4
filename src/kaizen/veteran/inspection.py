"""The audit of a pack: the attacks of ``siege`` on it, and on its like, with what they found out."""

from collections.abc import Sequence
from fractions import Fraction

import msgspec
import numpy as np

from kaizen.surrogate.threads import one_thread
from kaizen.veteran import advising, packs, siege
from kaizen.veteran.dither import Chance
from kaizen.veteran.packs import Pack, Terms
from kaizen.veteran.tally import Owner, moved_by_one

_TARGETS = 12  # runs that are attacked
_SHADOWS, _OWNERS = 60, 60
_AGAIN = 40  # packs that are made again of the same runs
_WIDEST = 12  # parameters that a made-up process has, at most
_RUNS = 120  # that it has, where nobody says how many


class Inspected(msgspec.Struct, frozen=True, kw_only=True):
    """What attacks found out."""

    pack: Pack
    bound: float
    """The AUC that no attack on one run exceeds."""
    targets: int
    """Runs that were attacked."""
    shadow: float
    """Mean AUC of the attack with shadow packs."""
    low: float
    """Of its interval (95 %)."""
    high: float
    worst: float
    """The largest AUC of the exact likelihood ratio, where that can be worked out; else of the attack with shadow packs."""
    errors: tuple[float, ...]
    """Of guessing made-up optima by all answers: by parameter, in shares of its range."""
    blind: float
    """What guessing the middles is off by."""
    answers: float
    against: tuple[str, ...] = ()
    """Processes of the ledger that it was held against."""
    runs: int = 0
    off: dict[str, float] = {}
    """How far guesses of their best settings are off, over packs made again."""
    found: tuple[str, ...] = ()
    """Names, values and readings that stand in the file."""

    def lines(self) -> list[str]:
        """Say it, a sentence a line."""
        whose = (
            f"{', '.join(self.against)} ({self.runs} runs)" if self.against else f"a made-up process of {_RUNS} runs"
        )
        pack, axes = self.pack, f"{min(self.errors):.0%} to {max(self.errors):.0%}"
        promise = (
            f"one run moves all counts by {pack.moved} at most, noise is {pack.scale}: ε {pack.epsilon:.3g}; no attack "
        )
        promise += f"tells whether a run is among them by an AUC above {self.bound:.3f}"
        members = (
            f"{self.targets} runs of {whose}: AUC {self.shadow:.3f} [{self.low:.3f}, {self.high:.3f}] by shadow packs, "
        )
        members += f"{self.worst:.3f} for the worst of them"
        place = f"of made-up optima, by {self.answers:.0f} answers: off by {axes} of a range; who guesses the middle is off "
        place += f"by {self.blind:.0%}"
        said = [str(pack), f"promise     {promise}", f"membership  {members}", f"location    {place}"]
        if self.off:
            told = ", ".join(f"{name} {share:.0%}" for name, share in self.off.items())
            said.append(f"            of their best settings: off by {told}")
        if self.against:
            told = f"found: {', '.join(self.found)}" if self.found else "none of them stands in the file"
            said.append(f"words       names, values and readings: {told}")
        return said


def inspect(
    pack: Pack, content: bytes, owners: Sequence[Owner], *, chance: Chance, seed: int = 0, shadows: int = 400
) -> Inspected:
    """Attack a pack; its ``owners`` are processes that it was made of, or none, and then a made-up one is attacked."""
    count = min(_WIDEST, pack.moved // 2)
    wanted = Terms(epsilon=Fraction(2 * count, pack.scale), answers=pack.answers, told=1.0)  # the same noise
    rng = np.random.default_rng([seed, 1])
    with one_thread():
        held = list(owners) or [siege.history(siege.bowl(count), rng.random(count), _RUNS, rng)]
        where = _targets(held, rng)
        members = [siege.membership(held, one, pack.scale, shadows=shadows, chance=chance) for one in where]
        runs = min(1000, sum(len(one.votes) for one in held))
        place = siege.locate(count, max(1, runs), wanted, shadows=_SHADOWS, owners=_OWNERS, seed=seed, chance=chance)
        off = _off(pack, owners, chance)
    shadow = float(np.mean([one.shadow for one in members])) if members else 0.5
    error = 1.96 * float(np.mean([one.error for one in members])) / max(1, len(members)) ** 0.5 if members else 0.0
    return Inspected(
        pack=pack, bound=siege.bound(pack), targets=len(members), shadow=shadow, low=shadow - error, high=shadow + error,
        worst=max((one.exact if one.exact is not None else one.shadow for one in members), default=0.5),
        errors=tuple(map(float, place.error)), blind=place.blind, answers=place.answers,
        against=tuple(one.process.name for one in owners), runs=sum(len(one.votes) for one in owners), off=off,
        found=siege.canaries(content, owners),
    )  # fmt: skip


def _targets(owners: Sequence[Owner], rng: np.random.Generator) -> list[tuple[int, int]]:
    """Return runs to attack: the best of each process, and others by chance."""
    every = [(at, run) for at, one in enumerate(owners) for run in range(len(one.votes))]
    best = [(at, _best(one)) for at, one in enumerate(owners) if one.votes]
    others = [one for one in every if one not in best]
    rng.shuffle(others)
    return [*best, *others][:_TARGETS]


def _off(pack: Pack, owners: Sequence[Owner], chance: Chance) -> dict[str, float]:
    """Return how far the guess of each process's best setting is off, over packs that are made again of it."""
    found: dict[str, list[float]] = {}
    moved = max((moved_by_one(owner.process) for owner in owners), default=0)
    wanted = Terms(epsilon=Fraction(moved, pack.scale), answers=pack.answers, told=1.0)  # the same noise
    for _ in range(_AGAIN if moved else 0):
        again = packs.make(owners, wanted, name=pack.name, better=pack.better, chance=chance)
        for owner in owners:
            heard = advising.hear(again, owner.process)
            if heard is not None and owner.votes:
                for name, share in siege.off_by(heard, owner.votes[_best(owner)].setting).items():
                    found.setdefault(name, []).append(share)
    return {name: float(np.mean(shares)) for name, shares in found.items()}


def _best(owner: Owner) -> int:
    """Return the place of the run that read best."""
    return max(range(len(owner.votes)), key=lambda run: owner.votes[run].merit)
