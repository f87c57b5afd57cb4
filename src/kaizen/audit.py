"""AUDIT: what the record says about itself: were the coins kept, do verdicts come again, is what was promised kept?

Five questions, each answered from the entries alone:

    designs   is every trial judged as it was frozen before its first pair?
    coins     did the sides run in the order of the coins, and were the coins even?
    verdicts  does the judge say the same of the same pairs today?
    flips     with the coins of real pairs thrown anew, how often is *better* found where chance alone is at work?
    nulls     how often was a copy of the standard judged better?

and one is told: what adopted standards promised, and what fresh pairs say that they deliver. Whether a count of false
proofs can be luck is told by the exact law of a sum of chances, each at its own α:

    P(X >= k), X = sum of Bernoulli(a_i), a_i the α of trial i: at most that where every promise holds               (1)
"""

import math
from collections.abc import Iterable, Sequence

import msgspec

from kaizen.check import Judge
from kaizen.listen import delivered
from kaizen.metric import Metric
from kaizen.setting import Numbers
from kaizen.trial import Block, Trial
from kaizen.verdict import Effect, Verdict

DOUBT = 0.001
"""Where luck alone would do as much less often than this, a question is answered by *no*."""


class Throw(msgspec.Struct, frozen=True, kw_only=True):
    """The order of one pair."""

    first: bool
    """Whether the increment's run came first."""
    coin: bool
    """Whether the coin has it come first."""
    alone: bool = True
    """Whether it is counted: of the pairs that share a run of the standard one is, since they are alike."""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A closed trial with its blocks, and what the record says of it."""

    trial: Trial
    hash: str
    """Of its design, as it was opened."""
    verdict: Verdict | None
    """The verdict that stands."""
    throws: tuple[Throw, ...]
    """One for each complete pair."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A proven standard: what it promised, and its watch."""

    number: int
    promised: Numbers
    watch: Trial | None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One question, and how the record answers it."""

    asks: str
    sound: bool
    said: str


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What one standard promised and delivers, by one metric in units of gain."""

    standard: int
    metric: Metric
    promised: float | None
    pairs: int
    delivers: Effect | None

    def __str__(self) -> str:
        """Return ``standard 3: cpu promised -12.1%, delivers -11.5% [-14.0%, -9.1%] in 40 fresh pairs``."""
        name = self.metric.name
        said = "?" if self.promised is None else self.metric.spell(self.promised)
        if self.delivers is None:
            return f"standard {self.standard}: {name} promised {said}, not watched yet"
        told = self.delivers.spell(self.metric).removeprefix(f"{name} ")
        pairs = f"{self.pairs} fresh pair{'' if self.pairs == 1 else 's'}"
        return f"standard {self.standard}: {name} promised {said}, delivers {told} in {pairs}"


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """What the record of a process says about itself."""

    answers: tuple[Answer, ...]
    deliveries: tuple[Delivery, ...]

    @property
    def sound(self) -> bool:
        """Whether every question was answered by *yes*."""
        return all(answer.sound for answer in self.answers)

    @property
    def realised(self) -> tuple[int, int]:
        """How many watched standards surely deliver a loss in some metric where a gain was promised, and of how many."""
        watched = {one.standard for one in self.deliveries if one.delivers is not None}
        lost = {one.standard for one in self.deliveries if _lost(one)}
        return len(lost), len(watched)


def audit(records: Sequence[Recorded], standards: Sequence[Kept], judge: Judge, *, flips: int, seed: int) -> Audit:
    """Ask the record of a process; ``flips`` times in all are coins of real pairs thrown anew, from ``seed``."""
    return Audit(
        answers=(
            _designs(records),
            _coins(records),
            _verdicts(records, judge),
            _flips(records, judge, flips, seed),
            _nulls(records),
        ),
        deliveries=tuple(one for kept in standards for one in _deliveries(kept)),
    )


def chance_of(count: int, chances: Iterable[float]) -> float:
    """Return how likely it is that so many or more of independent events with these chances come (eq. 1).

    Raises:
        ValueError: a chance is outside 0 to 1.
    """
    below = [1.0]  # P(X = j), j < count
    for chance in chances:
        if not 0.0 <= chance <= 1.0:
            raise ValueError(f"a chance must lie from 0 to 1; got {chance}")
        one_more = [0.0, *(chance * share for share in below)]
        below = [left * (1.0 - chance) + right for left, right in zip([*below, 0.0], one_more, strict=True)][:count]
    return min(1.0, max(0.0, 1.0 - math.fsum(below))) if count > 0 else 1.0


def _designs(records: Sequence[Recorded]) -> Answer:
    wrong = [record.trial.id for record in records if record.hash != record.trial.design.hash]
    said = f"{len(records)} designs are as they were frozen"
    if wrong:
        said = f"the design of {_trials(wrong)} is not the one that was frozen"
    return Answer(asks="designs", sound=not wrong, said=said)


def _coins(records: Sequence[Recorded]) -> Answer:
    wrong = [record.trial.id for record in records if any(throw.first != throw.coin for throw in record.throws)]
    thrown = [throw for record in records for throw in record.throws]
    alone = [throw.first for throw in thrown if throw.alone]
    heads, tosses = sum(alone), len(alone)
    luck = min(1.0, 2.0 * chance_of(max(heads, tosses - heads), [0.5] * tosses))
    of = "them" if tosses == len(thrown) else f"{tosses} blocks"  # pairs of one block are alike: one of them is counted
    said = f"{len(thrown)} pairs ran in the order of their coins, {heads} of {of} the increment first"
    if wrong:
        said = f"pairs of {_trials(wrong)} did not run in the order of their coins"
    elif luck < DOUBT:
        said += f": luck does that once in {1 / max(luck, 1e-9):.0f}"
    return Answer(asks="coins", sound=not wrong and luck >= DOUBT, said=said)


def _verdicts(records: Sequence[Recorded], judge: Judge) -> Answer:
    judged = [record for record in records if record.verdict is not None]
    wrong = [
        record.trial.id
        for record in judged
        if record.verdict is not None and judge.check(record.trial, intervals=False).decision != record.verdict.decision
    ]
    said = f"{len(judged)} verdicts come again from the same pairs"
    if wrong:
        said = f"the verdict on {_trials(wrong)} does not come again from its pairs"
    return Answer(asks="verdicts", sound=not wrong, said=said)


def _flips(records: Sequence[Recorded], judge: Judge, flips: int, seed: int) -> Answer:
    noisy = [record.trial for record in records if record.trial.design.alpha > 0 and record.trial.pairs]
    chosen = [noisy[number % len(noisy)] for number in range(flips)] if noisy else []
    thrown = (_thrown(trial, seed + number) for number, trial in enumerate(chosen, 1))
    fooled = sum(judge.check(trial, intervals=False).decision == "better" for trial in thrown)
    limits = [trial.design.alpha for trial in chosen]
    luck = chance_of(fooled, limits)
    said = (
        f"of {len(chosen)} times that real pairs had their coins thrown anew, {fooled} were found better; "
        f"at most about {math.fsum(limits):.1f} are promised"
    )
    if not chosen:
        said = "no noisy pairs yet whose coins could be thrown anew"
    return Answer(asks="flips", sound=luck >= DOUBT, said=said)


def _thrown(trial: Trial, seed: int) -> Trial:
    """Return the trial as it would read if its coins had fallen as ``seed`` has them, and the increment did nothing."""
    anew = msgspec.structs.replace(trial.design, coins=trial.design.coins + seed)
    blocks = (
        pair if anew.coin(pair.number) == trial.design.coin(pair.number) else _swapped(pair) for pair in trial.pairs
    )
    return msgspec.structs.replace(trial, blocks=tuple(blocks))


def _swapped(pair: Block) -> Block:
    return msgspec.structs.replace(pair, standard=pair.increment, increment=pair.standard)


def _nulls(records: Sequence[Recorded]) -> Answer:
    nulls = [record for record in records if record.trial.purpose == "null" and record.verdict is not None]
    fooled = [record.trial.id for record in nulls if record.verdict is not None and record.verdict.decision == "better"]
    limits = [record.trial.design.alpha for record in nulls]
    luck = chance_of(len(fooled), limits)
    said = (
        f"of {len(nulls)} {'copy' if len(nulls) == 1 else 'copies'} of the standard, {len(fooled)} were judged better"
        f"{f' ({_trials(fooled)})' if fooled else ''}; at most about {math.fsum(limits):.2g} are promised"
    )
    if not nulls:
        said = "no copy of the standard was tried yet"
    return Answer(asks="nulls", sound=luck >= DOUBT, said=said)


def _deliveries(kept: Kept) -> list[Delivery]:
    effects = {effect.metric: effect for effect in delivered(kept.watch)} if kept.watch is not None else {}
    metrics = kept.watch.design.metrics if kept.watch is not None else ()
    return [
        Delivery(
            standard=kept.number,
            metric=metric,
            promised=kept.promised.get(metric.name),
            pairs=len(kept.watch.pairs) if kept.watch is not None else 0,
            delivers=effects.get(metric.name),
        )
        for metric in metrics
    ]


def _lost(one: Delivery) -> bool:
    effect = one.delivers
    return effect is not None and (one.promised or 0.0) > 0 and effect.high is not None and effect.high < 0


def _trials(numbers: Sequence[int]) -> str:
    return f"trial{'' if len(numbers) == 1 else 's'} {', '.join(str(number) for number in numbers)}"
