"""What an increment is like among everything remembered: weighed, and the three that say most put into words."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kaizen.journal import History, Journal, Tested
from kaizen.setting import Setting
from kaizen.standard import Increment
from kaizen.trial import Fault
from kaizen.verdict import Effect, Lesson, Odds
from kaizen.veteran.asking import Answered, Question, gather, words_seen
from kaizen.veteran.calibration import outcomes
from kaizen.veteran.elsewhere import AT, spelled
from kaizen.veteran.expecting import expected
from kaizen.veteran.foreseeing import Foreseen, foresee
from kaizen.veteran.grades import is_better
from kaizen.veteran.harm import harm
from kaizen.veteran.learning import base, learned, scoped
from kaizen.veteran.lessons import exception, failed, since
from kaizen.veteran.odds import Weighed, Weights, fault_weights_of, kernel, weigh, weights_of
from kaizen.veteran.past import FAULTED
from kaizen.veteran.precedent import Precedent
from kaizen.veteran.rates import Base
from kaizen.veteran.recall import Of, Recall
from kaizen.veteran.testimony import Heard, hear

_MOST = 3
_NAMED = 4  # parameters that differ, named at most
_CLOSE = 0.05  # relevance below which something is no precedent


class Exact(NamedTuple):
    """The latest trial of the very same setting."""

    precedent: Precedent
    said: str
    better: bool
    undone: str = ""
    """Where it was today's standard that was proven better than it: that, in words."""
    excuse: str = ""
    """Why it no longer counts."""


class Looked(NamedTuple):
    """All that an opinion may look at."""

    weighed: Weighed
    base: Base
    foreseen: Foreseen | None
    """What models of kin and of own runs foretell, where the very same setting was not tried."""
    precedents: tuple[Precedent, ...]
    effects: tuple[Effect, ...]
    trials: tuple[Tested, ...]
    """The precedents of this process, whatever they were of."""
    exact: Exact | None
    faulted: str
    """A run of the very same setting in this process that gave no reading, in words."""
    reason: str
    lesson: tuple[int, int] | None
    """A lesson that speaks against it, with its trial."""
    exceptions: tuple[str, ...]
    """Later trials of the same change that were better than what failed before."""
    harm: str
    """What is at stake but runs, if anything."""
    words: tuple[Heard, ...]
    """What people say of it, against it first."""
    smaller: str
    standards: dict[int, Setting]
    today: Setting
    nods: int

    @property
    def odds(self) -> Odds:
        """The odds: of the models where they foretell anything, else of precedents alone."""
        odds = self.weighed.odds
        return odds if self.foreseen is None else self.foreseen.odds(odds.faults)

    def moved(self, number: int) -> bool:
        """Tell whether a standard was another setting than today's."""
        return self.standards.get(number) != self.today


class _Item(NamedTuple):
    """One item of evidence that is a precedent."""

    row: int
    same: bool
    relevance: float
    seq: int


def look(recall: Recall, journal: Journal, increment: Increment) -> Looked:
    """Look at everything remembered that has to do with an increment."""
    name = journal.head.process.name
    kept = recall.of(name, empty=True)
    assert kept is not None, "an increment is of a described process"
    lessons = learned(recall, kept)
    rates = base(recall, kept)
    asked = Question(increment.before, increment.after, kept.today)
    weights, answered = scoped(lessons, kept, asked, gather(recall, kept, asked, trust=lessons.trust))
    items = _items(recall, kept, answered, weights)
    teller = _Teller(recall, kept, journal.history, increment=increment, answered=answered)
    precedents = tuple(teller.tell(item) for item in items[:_MOST])
    exact = teller.exact(items)
    words = _words(kept, journal, increment)
    weighed = weigh(answered.evidence, rates, weights, [(one.pro, one.con) for one in words])
    effects = expected(kept, answered, weights, now=increment.of)
    process, today = journal.head.process, kept.past.level(increment.of).tolist()
    broke = _broke(recall, kept, answered, items)
    return Looked(
        weighed=weighed,
        base=rates,
        foreseen=_foreseen(recall, kept, increment, answered, (weighed, rates)),
        precedents=precedents,
        effects=effects,
        harm=harm(process, words=words, odds=weighed.odds, broke=broke, effects=effects, today=today),
        trials=kept.trials.tests,
        exact=exact,
        faulted=teller.faulted(items),
        reason=teller.reason(items),
        lesson=teller.lesson(items),
        exceptions=teller.exceptions(items),
        words=words,
        smaller=teller.smaller(items),
        standards={one.standard.number: one.standard.setting for one in journal.history.standards()},
        today=increment.before,
        nods=len(outcomes(recall)),
    )


def _foreseen(
    recall: Recall, kept: Of, increment: Increment, answered: Answered, known: tuple[Weighed, Base]
) -> Foreseen | None:
    evidence, (weighed, rates) = answered.evidence, known
    same = evidence.same & ~evidence.moved & (evidence.overlap <= 0)
    tried = same & ((evidence.weight > 0) | (evidence.became == FAULTED))
    found = None if tried.any() else foresee(recall, kept, increment)
    return None if found is None else found.beside(weighed.odds.better, rates.better * (1.0 - rates.faults))


def _items(recall: Recall, kept: Of, answered: Answered, weights: Weights) -> list[_Item]:
    """Return what is like the question, most telling first: the same setting before others, the latest first."""
    evidence, sources = answered
    if not evidence.size:
        return []
    shape = evidence._replace(weight=np.ones(evidence.size), moved=np.zeros(evidence.size, dtype=bool))
    like = weights_of(shape, weights)
    informs = ((evidence.weight > 0) & (sources.run >= 0)) | (sources.trial >= 0)  # a pack's word is no precedent
    faults = (evidence.became == FAULTED) & (evidence.same | (kernel(evidence.distance, weights.reach) > _CLOSE))
    like = np.where(informs, like, 0.0)
    like = np.maximum(like, np.where(faults, fault_weights_of(evidence, weights) / 8.0, 0.0))
    found = [
        _Item(row, bool(evidence.same[row]), float(like[row]), _seq(recall, kept, answered, row))
        for row in np.flatnonzero(like > _CLOSE).tolist()
    ]
    trials = sources.trial
    return sorted(found, key=lambda item: (not item.same, trials[item.row] < 0, -round(item.relevance, 2), -item.seq))


def _seq(recall: Recall, kept: Of, answered: Answered, row: int) -> int:
    sources = answered.sources
    of = _of(recall, kept, answered, row)
    if sources.trial[row] >= 0:
        return of.trials.tests[int(sources.trial[row])].seq
    return int(of.past.field("seq")[int(sources.run[row])])


def _of(recall: Recall, kept: Of, answered: Answered, row: int) -> Of:
    name = answered.sources.names[int(answered.sources.process[row])]
    return kept if name == kept.process.name else recall.known(name) or kept  # as gathered: a row of it is asked for


def _broke(recall: Recall, kept: Of, answered: Answered, items: Sequence[_Item]) -> bool:
    """Tell whether anything that is like the question broke a guard, here or in another process."""
    sources = answered.sources
    runs: dict[str, tuple[Of, list[int]]] = {}
    for item in items:
        of = _of(recall, kept, answered, item.row)
        trial, run = int(sources.trial[item.row]), int(sources.run[item.row])
        stopped = of.trials.tests[trial].stopped if trial >= 0 else None
        if stopped is not None and stopped.reason == "guard":
            return True
        if run >= 0:
            runs.setdefault(of.process.name, (of, []))[1].append(run)
    return any(bool(of.past.broke()[rows].any()) for of, rows in runs.values())


def _words(kept: Of, journal: Journal, increment: Increment) -> tuple[Heard, ...]:
    head = journal.head
    if not head.taught:
        return ()
    seen = words_seen(kept, journal.history)
    heard = [one for testimony in head.taught if (one := hear(testimony, head.process, increment, seen)) is not None]
    return tuple(sorted(heard, key=lambda one: (-one.con, -one.pro, one.testimony.id)))


class _Teller:
    """Puts items of evidence into words."""

    def __init__(self, recall: Recall, kept: Of, history: History, *, increment: Increment, answered: Answered) -> None:
        self._recall, self._kept, self._history = recall, kept, history
        self._increment, self._answered = increment, answered
        self._lessons: tuple[Lesson, ...] | None = None

    # ── one precedent ───────────────────────────────────────────────────────────────────────────────────────────────
    def tell(self, item: _Item) -> Precedent:
        """Return one precedent in words."""
        of = _of(self._recall, self._kept, self._answered, item.row)
        sources, evidence = self._answered.sources, self._answered.evidence
        trial, run = int(sources.trial[item.row]), int(sources.run[item.row])
        now, elsewhere = self._increment.of, of is not self._kept
        if trial >= 0:
            test = of.trials.tests[trial]
            made = test.trial.increment
            setting, then, conditions = made.after, made.of, of.conditions_of(test.id)
            if evidence.weight[item.row] > 0 and is_better(test) and evidence.better[item.row] == 0:
                setting = made.before
            said, grade = say(test), of.trials.grades[trial]
        else:
            row = self._recall.run(of.process.name, int(of.past.field("id")[run]))
            number, then = int(of.past.field("id")[run]), int(of.past.field("of")[run])
            setting, conditions = row.setting if row is not None else Setting(), int(of.past.field("conditions")[run])
            said, grade = f"run {number}: {self._run_words(of, run)}", "one run"
        differs = [f"in {spelled(of.process.name)}"] if elsewhere else []
        differs += self._differs(setting) if setting else []
        if not elsewhere and bool(evidence.moved[item.row]):
            differs.append(f"against standard {then}, now it is {now}")
        if not elsewhere and of.past.conditions:
            differs += _conditions(of, conditions)
        return Precedent(
            process=of.process.name, said=said, grade=grade, distance=float(evidence.distance[item.row]),
            trial=of.trials.tests[trial].id if trial >= 0 else None,
            run=int(of.past.field("id")[run]) if trial < 0 else None,
            differs=tuple(differs), then=then, now=now,
        )  # fmt: skip

    def _run_words(self, of: Of, row: int) -> str:
        tried = self._recall.run(of.process.name, int(of.past.field("id")[row]))
        if tried is None:
            return "it can no longer be read"
        if isinstance(tried.outcome, Fault) and tried.values is None:
            return str(tried.outcome)
        gains = of.past.values.gains[row].tolist()
        told = [
            f"{metric.name} {metric.spell(gain)}"
            for metric, gain in zip(of.process.metrics, gains, strict=True)
            if not math.isnan(gain)
        ]
        return f"{', '.join(told) or str(tried.outcome)} beside standard {tried.of}"

    def _differs(self, setting: Setting) -> list[str]:
        asked = self._increment.after
        names = [name for name in {**asked, **setting} if asked.get(name) != setting.get(name)]
        said = [
            f"{name} {setting.get(name, 'inactive')!r} there, {asked.get(name, 'inactive')!r} here" for name in names
        ]
        return said if len(said) <= _NAMED else [*said[:_NAMED], f"and {len(said) - _NAMED} more parameters"]

    # ── what follows ────────────────────────────────────────────────────────────────────────────────────────────────
    def exact(self, items: list[_Item]) -> Exact | None:
        """Return the latest trial of the very same setting in this process."""
        sources, evidence = self._answered.sources, self._answered.evidence
        mine = [i for i in items if i.same and sources.trial[i.row] >= 0 and sources.process[i.row] == 0]
        if not mine:
            return None
        last = max(mine, key=lambda item: item.seq)
        test = self._kept.trials.tests[int(sources.trial[last.row])]
        precedent = self.tell(last)
        undone = ""
        if is_better(test) and evidence.better[last.row] == 0 and precedent.grade != "invalid":
            undone = f"today's standard was proven better than it: {precedent.said}"
        return Exact(
            precedent, precedent.said + self._after(test), is_better(test), undone, self._excuse(test, precedent)
        )

    def faulted(self, items: list[_Item]) -> str:
        """Say which run of the very same setting, among those that are told of, gave no reading; empty where none did."""
        sources, evidence = self._answered.sources, self._answered.evidence
        for item in items[:_MOST]:
            if item.same and sources.run[item.row] >= 0 and evidence.became[item.row] == FAULTED:
                return self.tell(item).said
        return ""

    def _after(self, test: Tested) -> str:
        """Say what became of a standard that a trial proved."""
        back = [
            one.standard for one in self._history.standards()
            if test.adopted is not None and one.standard.of == test.adopted and "rolled back" in one.standard.because
        ]  # fmt: skip
        return f"; it became standard {test.adopted}, which was {back[0].because}" if back else ""

    def _excuse(self, test: Tested, precedent: Precedent) -> str:
        if precedent.grade == "reopened":
            return f"standard {precedent.then}, which it was compared with, was rolled back: the question is open again"
        if self._kept.head is not None and test.seq <= self._kept.head.era and precedent.grade != "invalid":
            return "what is measured has changed since: the question is open again"
        retracted = [one for one in self._all_lessons() if one.trial == test.id and one.retracted]
        return f"lesson {retracted[0].id} was retracted: {retracted[0].retracted}" if retracted else ""

    def reason(self, items: list[_Item]) -> str:
        """Say the one thing that tells most; empty where there is nothing."""
        if not items:
            return ""
        sources, evidence = self._answered.sources, self._answered.evidence
        failed = [i for i in items if evidence.better[i.row] < 0.5 or evidence.became[i.row] == FAULTED]
        item = (failed or items)[0]
        said = self.tell(item).said
        if sources.process[item.row] != 0:
            name = sources.names[int(sources.process[item.row])]
            return f"in {spelled(name)}{':' if AT in name else ','} {said}"
        if item.same:
            return f"the same setting was run: {said}"
        shared = self._shared(item)
        if shared and evidence.likeness[item.row] > 0:
            return f"the same {shared} failed in another combination: {said}"
        return f"near it: {said}"

    def _shared(self, item: _Item) -> str:
        trial = int(self._answered.sources.trial[item.row])
        if trial < 0:
            return ""
        past, now = self._kept.trials.tests[trial].trial.increment.changes, self._increment.changes
        return ", ".join(sorted(name for name, value in now.items() if past.get(name) == value))

    def lesson(self, items: list[_Item]) -> tuple[int, int] | None:
        """Return the lesson of the first failed trial among the items."""
        for item in items[:_MOST]:
            trial = int(self._answered.sources.trial[item.row])
            if trial >= 0 and self._answered.sources.process[item.row] == 0:
                number = self._kept.trials.tests[trial].id
                for lesson in self._all_lessons():
                    if lesson.trial == number and not lesson.retracted:
                        return lesson.id, number
        return None

    def exceptions(self, items: list[_Item]) -> tuple[str, ...]:
        """Say which later trials of the same change were better than the failed ones that are told of."""
        sources, trials = self._answered.sources, self._kept.trials
        told = [
            int(sources.trial[i.row])
            for i in items[:_MOST]
            if sources.trial[i.row] >= 0 and sources.process[i.row] == 0
        ]
        fair = [test for test, grade in zip(trials.tests, trials.grades, strict=True) if grade != "invalid"]
        lost = [trials.tests[row] for row in told if failed(trials.tests[row]) and trials.grades[row] != "invalid"]
        won = {one.id: one for test in lost for one in since(test, fair).better}
        return tuple(exception(won[number]) for number in sorted(won, reverse=True)[:_MOST])

    def smaller(self, items: list[_Item]) -> str:
        """Name a smaller step that was never tried, where the increment moves one number that failed."""
        changes = self._increment.changes
        if len(changes) != 1 or not items:
            return ""
        ((name, value),) = changes.items()
        before = self._increment.before.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not isinstance(before, int | float):
            return ""
        middle = (value + before) / 2
        return (
            f"a smaller step, such as {name}={middle:.4g}: a failure says nothing of half the way"
            if middle != before
            else ""
        )

    def _all_lessons(self) -> tuple[Lesson, ...]:
        if self._lessons is None:
            self._lessons = tuple(self._history.lessons())
        return self._lessons


def _conditions(of: Of, then: int) -> list[str]:
    today, past = of.past.conditions[of.today], of.past.conditions[then]
    names = [name for name in {**today, **past} if today.get(name) != past.get(name)]
    return [f"{name} {past.get(name, 'unknown')!r} then, {today.get(name, 'unknown')!r} now" for name in names[:_NAMED]]


def say(test: Tested) -> str:
    """Return a trial in a sentence."""
    verdict = test.verdict
    said = (
        verdict.spell(test.trial.design.metrics) if verdict is not None and test.stopped is None else str(test.stopped)
    )
    made = test.trial.increment
    why = f" (different, for: {made.different})" if made.different else ""
    return f"trial {test.id} against standard {made.of}: {made}{why} — {said}"
