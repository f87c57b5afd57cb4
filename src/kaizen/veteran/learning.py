"""What was learned from this ledger's own outcomes: base rates, discounts, scope, and how well other processes carry over."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from kaizen.journal import Tried
from kaizen.veteran.asking import Answered, Question, Sources, gather
from kaizen.veteran.grades import is_better
from kaizen.veteran.odds import Lived, Weights, learn, learn_trust
from kaizen.veteran.past import FAULTED, SOUND
from kaizen.veteran.rates import Base, base_of
from kaizen.veteran.recall import Of, Recall
from kaizen.veteran.scope import Scope
from kaizen.veteran.scoping import Case, differs_for, learn_scope, weights_for

_LATEST = 20_000  # runs that are evidence for it
_OUTCOMES = 100  # trials that it is learned from
_RUNS, _DECIDED = 400, 60  # own runs that are looked at for outcomes, and taken at most
_SURE = 0.8  # how much doubt such a run must have taken away
_SCOUT = 0.25  # of a trial that came to an end, in base rates: a scout is made to learn, and not always in hope


def base(recall: Recall, kept: Of, *, without: bool | None = None, scouts: bool = True) -> Base:
    """Return the base rates; ``without`` the outcome of a trial that is not to be counted, and ``scouts`` or only trials."""
    everywhere = [_rates(other, scouts=scouts) for name in recall.processes() if (other := recall.of(name)) is not None]
    less = (0, 0) if without is None else (int(without), 1)
    own = _rates(kept, scouts=scouts)
    became = kept.past.field("became")
    faulted = int((became == FAULTED).sum())
    return base_of(
        (own[0] - less[0], own[1] - less[1]),
        (sum(won for won, _ in everywhere) - less[0], sum(tried for _, tried in everywhere) - less[1]),
        (faulted, faulted + int((became == SOUND).sum())),
    )


def _rates(kept: Of, *, scouts: bool) -> tuple[float, float]:
    """Return how many ideas were better, and how many were tried: trials that came to an end, and a part of sure ``scouts``."""
    if kept.cache.get("rates", (None,))[0] != kept.version:
        past, values = kept.past, kept.past.values
        became = past.field("became")
        sure = (became == FAULTED) | ((became == SOUND) & (values.sure >= _SURE))
        sure &= (past.field("trial") == 0) & ~past.field("own")
        won = sure & (became == SOUND) & (values.better > 0.5)
        graded = zip(kept.trials.tests, kept.trials.grades, strict=True)
        counted = [is_better(test) for test, grade in graded if grade != "invalid"]
        kept.cache["rates"] = (kept.version, (sum(counted), len(counted)), (int(won.sum()), int(sure.sum())))
    _, (better, ended), (won_more, tried) = kept.cache["rates"]
    share = _SCOUT if scouts else 0.0
    return better + share * won_more, ended + share * tried


class Learned(NamedTuple):
    """What outcomes have taught."""

    weights: Weights
    trust: dict[str, float]
    """How many times as much as by default each other process counts."""
    scope: Scope


def learned(recall: Recall, kept: Of) -> Learned:
    """Return the discounts, how much each other process counts, and which conditions and parameters carry over.

    They are learned from trials of all processes, and from this one's own runs that left no doubt; anew whenever the first
    digit of their count moves.
    """
    every = [(of, row) for name in recall.processes() if (of := recall.of(name)) is not None for row in _outcomes(of)]
    tested = ((of.trials.tests[row], (of, row)) for of, row in every)
    every = [one for _, one in sorted(tested, key=lambda one: (one[0].at, one[0].seq))]  # of several ledgers, perhaps
    trials, runs = _round(len(every)), _round(kept.past.count)
    names = tuple(name for name in recall.processes() if name != kept.process.name)
    names += () if recall.beside is None else recall.beside.names
    stamp = (trials, [(of.process.name, of.trials.tests[row].id) for of, row in every[:trials][-1:]], runs, names)
    if kept.cache.get("learned", (None,))[0] != stamp:
        own = [_ran(recall, kept, run) for run in _decided(recall, kept)]
        cases = [*(_lived(recall, of, row) for of, row in every[:trials][-_OUTCOMES:]), *(one for one, _ in own)]
        weights = learn([one.lived for one in cases if one.lived.evidence.size])
        scope = learn_scope([one for one in cases if one.lived.evidence.size], weights)
        trust = _trust([(one.lived, sources) for one, sources in own], weights)
        weights = msgspec.structs.replace(weights, carries=max([1.0, *trust.values()]))
        kept.cache["learned"] = (stamp, Learned(weights, trust, scope))
    found: Learned = kept.cache["learned"][1]
    return found


def scoped(learned: Learned, kept: Of, asked: Question, answered: Answered) -> tuple[Weights, Answered]:
    """Return the discounts of one question, and its evidence with what its conditions leave of each item."""
    changed = _changed(asked)
    weights, scope = learned.weights, learned.scope
    differs = differs_for(
        answered.sources.conditions, kept.past.conditions, asked.conditions, scope, weights=weights, kappa=scope.kappa(changed)
    )  # fmt: skip
    evidence = answered.evidence._replace(differs=differs)
    return weights_for(weights, scope, changed), answered._replace(evidence=evidence)


def _changed(asked: Question) -> frozenset[str]:
    return frozenset(
        name for name in asked.after if name not in asked.before or asked.before[name] != asked.after[name]
    )


def _case(kept: Of, asked: Question, answered: Answered, *, rates: Base, better: bool) -> Case:
    return Case(
        lived=Lived(answered.evidence, rates, better), then=answered.sources.conditions, table=kept.past.conditions,
        now=asked.conditions, changed=_changed(asked),
    )  # fmt: skip


def _round(count: int) -> int:
    """Return the count's first digit, and zeros: it moves only when there are some more."""
    return count - count % int(10 ** (len(str(count)) - 1))


def _trust(own: Sequence[tuple[Lived, Sources]], weights: Weights) -> dict[str, float]:
    """Return how well each other process's past has carried over to this one, by what its own runs did."""
    found = {}
    for name in dict.fromkeys(name for _, sources in own for name in sources.names[1:]):
        shown = []
        for lived, sources in own:
            place = sources.names.index(name) if name in sources.names else -1
            if (sources.process == place).any():
                mine = (sources.process == 0) | (sources.process == place)
                shown.append(lived._replace(evidence=lived.evidence.pick(mine)))
        if shown:
            found[name] = learn_trust(shown, weights)
    return found


def _outcomes(kept: Of) -> list[int]:
    """Return the precedents whose outcome teaches: not those that no longer count or are within noise."""
    trials = kept.trials
    return [row for row, grade in enumerate(trials.grades) if grade in ("replicated", "one run")]


def _lived(recall: Recall, kept: Of, row: int) -> Case:
    test = kept.trials.tests[row]
    made = test.trial.increment
    asked = Question(made.before, made.after, kept.conditions_of(test.id))
    answered = gather(recall, kept, asked, skip=test.id, latest=_LATEST)
    better = is_better(test)
    return _case(kept, asked, answered, rates=base(recall, kept, without=better, scouts=False), better=better)


def _decided(recall: Recall, kept: Of) -> list[Tried]:
    """Return the latest scouts of other settings than the standard's that left no doubt; a trial's runs speak through it."""
    found = []
    for run in reversed(recall.latest(kept.process.name, _RUNS)):
        row = kept.past.row_of(run.id)
        if row is None or run.trial is not None or kept.past.field("own")[row] or kept.past.standard(run.of) is None:
            continue
        if kept.past.field("became")[row] == FAULTED or kept.past.values.sure[row] >= _SURE:
            found.append(run)
    return found[:_DECIDED]


def _ran(recall: Recall, kept: Of, run: Tried) -> tuple[Case, Sources]:
    row = kept.past.row_of(run.id)
    before = kept.past.standard(run.of)
    assert row is not None, "it was looked up before"
    assert before is not None, "as above"
    asked = Question(before, run.setting, int(kept.past.field("conditions")[row]))
    answered = gather(recall, kept, asked, skip_run=run.id, latest=_LATEST)
    better = bool(kept.past.field("became")[row] != FAULTED and kept.past.values.better[row] > 0.5)
    return _case(kept, asked, answered, rates=base(recall, kept, scouts=False), better=better), answered.sources
