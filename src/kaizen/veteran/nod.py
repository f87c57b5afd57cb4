"""The nod on an increment: what is remembered of it and near it, the odds that follow, and an opinion at the end.

The opinion never blocks, and it is rather silent than wrong: it warns only where the odds of being better are low, much
lower than those of any idea here, and stand on failures of this process that were no noise.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from kaizen.errors import Unexplained
from kaizen.journal import Head, Journal, Tested, Tried
from kaizen.standard import Increment
from kaizen.trial import Spend
from kaizen.verdict import Effect, Odds
from kaizen.veteran.precedent import Precedent
from kaizen.veteran.rates import CALIBRATED, Base
from kaizen.veteran.recall import Recall

if TYPE_CHECKING:
    from kaizen.veteran.looking import Looked

Answer = Literal["go", "think_again", "failed_before", "in_flight", "worked_before"]

LOW: Final = 0.1
"""Odds of being better below which the veteran warns."""
_LIFT = 0.6  # … and in parts of the base rate: where everything fails, a warning says nothing
_ENOUGH = 4.0  # … on failures that weigh at least so much: about a quarter of a trial
_RECENT = 50  # runs that tell what a run takes
_NOTHING = "nothing like it has been tried in this process"


class Nod(msgspec.Struct, frozen=True, kw_only=True):
    """The veteran's answer on an increment."""

    answer: Answer
    because: str
    precedents: tuple[Precedent, ...] = ()
    """At most three, nearest first, each with what differs."""
    spend: Spend = Spend(runs=2)
    """What its trial puts at risk: as much as past trials took, and two runs at least."""
    odds: Odds | None = None
    foreseen: str = ""
    """What models of related processes and of this one's runs foretell, and from where that comes."""
    effects: tuple[Effect, ...] = ()
    """What is expected of it, in units of gain, where something near is known."""
    expected: str = ""
    """The same in words."""
    words: tuple[str, ...] = ()
    """What people say of it without data, each with how often it was right."""
    grade: str = ""
    """The grade of the precedent that says most; empty where there is none."""
    exceptions: tuple[str, ...] = ()
    """Where the same change was better after it had failed, and what was different then; the latest first."""
    changes_my_mind: tuple[str, ...] = ()
    """What would make the answer another one."""
    harm: str = ""
    """What trying it anyway would put at stake but runs, in words: where there is any, no coin is thrown over it."""
    nods: int = 0
    """How many nods on past trials have a known outcome: below 200 the odds are uncalibrated."""
    packs: tuple[str, ...] = ()
    """Sentences: what packs say of it, which is in the odds as far as their record carries."""
    left_out: tuple[str, ...] = ()
    """Sentences: what is attached as memory and could not be asked."""

    @property
    def calibrated(self) -> bool:
        """Whether enough outcomes are known to see if such odds hold."""
        return self.nods >= CALIBRATED

    @property
    def warns(self) -> bool:
        """Whether the veteran would rather not."""
        return self.answer in ("think_again", "failed_before")

    def __str__(self) -> str:
        """Return ``failed before: … ``."""
        return f"{self.answer.replace('_', ' ')}: {self.because}"

    def lines(self) -> list[str]:
        """Say all of it, evidence first, opinion last."""
        said = [f"precedent  {precedent}" for precedent in self.precedents]
        said += [f"but        {one}" for one in self.exceptions]
        said += [f"testimony  {word}" for word in self.words]
        said += [f"pack       {one}" for one in self.packs]
        if self.odds is not None:
            known = f"{self.nods} of {CALIBRATED} nods have a known outcome"
            said.append(f"odds       {self.odds} ({'calibrated' if self.calibrated else f'uncalibrated: {known}'})")
        if self.foreseen:
            said.append(f"foretold   {self.foreseen}")
        if self.expected:
            said.append(f"expected   {self.expected}")
        said.append(f"at risk    {_spend_words(self.spend)}")
        said += [f"would change my mind: {one}" for one in self.changes_my_mind]
        said += [f"memory     {one}" for one in self.left_out]
        return [*said, str(self)]


def unexplained(nod: Nod) -> Unexplained:
    """Return what to raise where a policy asks for a reason that nobody gave."""
    return Unexplained(
        f"a proposal that the veteran warns of must say what is different now; got nothing, though {nod}",
        hint='say it: --different "the flux was changed" (different=... in Python); or propose something else',
    )


def consult(journal: Journal, increment: Increment, recall: Recall) -> Nod:
    """Answer on an increment; reads only."""
    waiting = _in_flight(journal.head, increment)
    if waiting is not None:
        return waiting
    if not journal.head.taught and not recall.processes() and not recall.advised:
        return _unheard_of()
    from kaizen.veteran.looking import look

    looked = look(recall, journal, increment)
    answer, because = _opinion(looked, increment)
    return Nod(
        answer=answer,
        because=because or _NOTHING,
        precedents=looked.precedents,
        spend=at_risk(looked.trials, journal.history.runs(latest=_RECENT)),
        odds=looked.odds,
        foreseen=str(looked.foreseen or ""),
        effects=looked.effects,
        expected=", ".join(effect.spell(journal.head.process.metric(effect.metric)) for effect in looked.effects),
        words=tuple(map(str, looked.words)),
        grade=looked.precedents[0].grade if looked.precedents else "",
        exceptions=looked.exceptions,
        harm=looked.harm,
        changes_my_mind=_changes(answer, looked, journal.head),
        nods=looked.nods,
    )


def _in_flight(head: Head, increment: Increment) -> Nod | None:
    for open_ in head.trials:
        if open_.trial.increment.after == increment.after and open_.trial.purpose != "shadow":
            return Nod(answer="in_flight", because=f"trial {open_.trial.id} is testing it now")
    for waiting in head.proposals:
        if waiting.increment.after == increment.after:
            return Nod(answer="in_flight", because=f"proposal {waiting.id} waits for its trial")
    return None


def _unheard_of() -> Nod:
    rates = Base()
    odds = Odds(better=rates.better * (1.0 - rates.faults), faults=rates.faults)
    return Nod(answer="go", because=_NOTHING, odds=odds)


def _opinion(looked: "Looked", increment: Increment) -> tuple[Answer, str]:
    """Return the answer and its reason; empty where there is none to name."""
    low = looked.weighed.odds.better <= min(LOW, _LIFT * looked.base.better)
    last = looked.exact
    if last is not None:
        said = last.said
        if last.undone:
            return ("failed_before" if low else "go"), last.undone
        if last.better:
            return "worked_before", said
        if last.precedent.grade == "within noise":
            return "go", f"{said}; within noise, which is not a failure"
        if last.excuse:
            return "go", f"{said}; {last.excuse}"
        if last.precedent.then != increment.of and looked.moved(last.precedent.then):
            return "go", f"{said}; the standard has changed since"
        return ("failed_before" if low else "go"), said
    said = next((str(one) for one in looked.words if one.con >= _ENOUGH), "")
    if looked.faulted and low:
        return "failed_before", f"the same setting gave no reading: {looked.faulted}"
    if low and looked.weighed.against >= _ENOUGH:
        return "think_again", looked.reason
    if low and looked.weighed.odds.faults >= 0.5:
        return "think_again", f"it may well give no reading: {looked.reason}"
    if low and said:
        return "think_again", said
    if looked.foreseen is not None and looked.foreseen.warns:
        return "think_again", looked.foreseen.because
    doubt = "; which does not tell much of this one" if looked.reason and looked.weighed.odds.better < 0.5 else ""
    return "go", f"{looked.reason}{doubt}"


def _changes(answer: Answer, looked: "Looked", head: Head) -> tuple[str, ...]:
    """Say what would make the answer another one."""
    if answer == "think_again" and not looked.precedents and looked.words:
        return (f"two sound runs there that are no worse than standard {head.standard.number}",)
    if answer == "think_again" and looked.foreseen is not None and looked.foreseen.warns and not looked.precedents:
        return ("runs of this process that related ones foretell wrongly: below half of all they no longer warn",)
    if answer in ("failed_before", "think_again"):
        said = [f"another standard than {head.standard.number}: a failure speaks of the standard it was compared with"]
        if looked.lesson is not None:
            said.append(
                f"a reason why trial {looked.lesson[1]} was not fair: lesson {looked.lesson[0]} can be retracted"
            )
        if looked.smaller:
            said.append(looked.smaller)
        return tuple(said)
    if answer == "worked_before":
        return ("a trial of it against today's standard",)
    return ()


def _spend_words(spend: Spend) -> str:
    """Say what a trial puts at risk; what takes no time is counted in runs."""
    runs = f"{spend.runs} run{'' if spend.runs == 1 else 's'}"
    taken = str(spend) if spend.seconds or spend.money else runs
    return f"{taken}, at least" if spend.runs <= 2 else f"about {taken}, as past trials took"


def at_risk(trials: Sequence[Tested], recent: Sequence[Tried]) -> Spend:
    """Return what a trial puts at risk: the medians of what past trials took, or two runs as the latest ones."""
    import statistics

    spends = [test.spend for test in trials if test.spend.runs]
    if spends:
        return Spend(
            runs=max(2, round(statistics.median(spend.runs for spend in spends))),
            seconds=statistics.median(spend.seconds for spend in spends),
            money=statistics.median(spend.money for spend in spends),
        )
    made = [run.spend for run in recent if run.spend.runs]
    if not made:
        return Spend(runs=2)
    seconds, money = (statistics.median(getattr(spend, what) for spend in made) for what in ("seconds", "money"))
    return Spend(runs=2, seconds=2 * seconds, money=2 * money)
