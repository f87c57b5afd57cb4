"""What was learned from this ledger's own outcomes: base rates, discounts, and how well other processes' pasts carry over."""

from collections.abc import Sequence

import msgspec

from kaizen.journal import Tried
from kaizen.veteran.asking import Question, Sources, gather
from kaizen.veteran.grades import is_better
from kaizen.veteran.odds import Lived, Weights, learn, learn_trust
from kaizen.veteran.past import FAULTED, SOUND
from kaizen.veteran.rates import Base, base_of
from kaizen.veteran.recall import Of, Recall

_LATEST = 20_000  # runs that are evidence for it
_OUTCOMES = 100  # trials that it is learned from
_RUNS, _DECIDED = 400, 60  # own runs that are looked at for outcomes, and taken at most
_SURE = 0.8  # how much doubt such a run must have taken away


def base(recall: Recall, kept: Of, *, without: bool | None = None) -> Base:
    """Return the base rates; ``without`` an outcome that is not to be counted."""
    everywhere = [_rates(other) for name in recall.processes() if (other := recall.of(name)) is not None]
    less = (0, 0) if without is None else (int(without), 1)
    own = _rates(kept)
    became = kept.past.field("became")
    faulted = int((became == FAULTED).sum())
    return base_of(
        (own[0] - less[0], own[1] - less[1]),
        (sum(won for won, _ in everywhere) - less[0], sum(tried for _, tried in everywhere) - less[1]),
        (faulted, faulted + int((became == SOUND).sum())),
    )


def _rates(kept: Of) -> tuple[int, int]:
    """Return how many trials were better, and how many came to an end."""
    counted = [test for test, grade in zip(kept.trials.tests, kept.trials.grades, strict=True) if grade != "invalid"]
    return sum(is_better(test) for test in counted), len(counted)


def learned(recall: Recall, kept: Of) -> tuple[Weights, dict[str, float]]:
    """Return the discounts, and how many times as much as by default each other process counts.

    They are learned from trials of all processes, and from this one's own runs that left no doubt; anew whenever the first
    digit of their count moves.
    """
    every = [(of, row) for name in recall.processes() if (of := recall.of(name)) is not None for row in _outcomes(of)]
    every.sort(key=lambda one: one[0].trials.tests[one[1]].seq)
    trials, runs = _round(len(every)), _round(kept.past.count)
    names = tuple(name for name in recall.processes() if name != kept.process.name)
    stamp = (trials, [(of.process.name, of.trials.tests[row].id) for of, row in every[:trials][-1:]], runs, names)
    if kept.cache.get("learned", (None,))[0] != stamp:
        own = [_ran(recall, kept, run) for run in _decided(recall, kept)]
        lived = [*(_lived(recall, of, row) for of, row in every[:trials][-_OUTCOMES:]), *(one for one, _ in own)]
        weights = learn([one for one in lived if one.evidence.size])
        trust = _trust(own, weights)
        weights = msgspec.structs.replace(weights, carries=max([1.0, *trust.values()]))
        kept.cache["learned"] = (stamp, (weights, trust))
    found: tuple[Weights, dict[str, float]] = kept.cache["learned"][1]
    return found


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


def _lived(recall: Recall, kept: Of, row: int) -> Lived:
    test = kept.trials.tests[row]
    made = test.trial.increment
    asked = Question(made.before, made.after, kept.conditions_of(test.id))
    evidence = gather(recall, kept, asked, skip=test.id, latest=_LATEST).evidence
    return Lived(evidence, base(recall, kept, without=is_better(test)), is_better(test))


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


def _ran(recall: Recall, kept: Of, run: Tried) -> tuple[Lived, Sources]:
    row = kept.past.row_of(run.id)
    before = kept.past.standard(run.of)
    assert row is not None, "it was looked up before"
    assert before is not None, "as above"
    asked = Question(before, run.setting, int(kept.past.field("conditions")[row]))
    answered = gather(recall, kept, asked, skip_run=run.id, latest=_LATEST)
    better = bool(kept.past.field("became")[row] != FAULTED and kept.past.values.better[row] > 0.5)
    return Lived(answered.evidence, base(recall, kept), better), answered.sources
