"""What is remembered near an increment: own runs and trials, and those of other processes that share its parameters."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kaizen.journal import History
from kaizen.parameter import Parameter, Real, Whole
from kaizen.setting import Setting
from kaizen.surrogate.threads import one_thread
from kaizen.veteran.advising import Opinion
from kaizen.veteran.grades import is_better
from kaizen.veteran.odds import FARTHEST, RUN, TRIAL, Evidence
from kaizen.veteran.past import FAULTED, UNKNOWN, Floats
from kaizen.veteran.recall import Of, Recall
from kaizen.veteran.table import Coded, Columns, Rows, key_of, measured, placed, squared, valued
from kaizen.veteran.testimony import Seen
from kaizen.veteran.tried import likeness

_WORDS = 5_000  # runs that testimony is judged by
_MEASURED = 50_000  # items whose distances are worked out without cancellation


class Question(NamedTuple):
    """A change from one setting to another, under some conditions."""

    before: Setting
    after: Setting
    conditions: int
    """Their number among those of the process."""


class Sources(NamedTuple):
    """Where each item of evidence comes from."""

    process: NDArray[np.int32]
    """Its place among ``names``."""
    trial: NDArray[np.int32]
    """Its row among the precedents of its process, or -1."""
    run: NDArray[np.int32]
    """Its row among the runs of its process, or -1."""
    conditions: NDArray[np.int32]
    """The number of the conditions it was made under, or -1 in another process."""
    names: tuple[str, ...]


class Answered(NamedTuple):
    """All that recall has to say of a question."""

    evidence: Evidence
    sources: Sources


def gather(
    recall: Recall,
    kept: Of,
    asked: Question,
    *,
    trust: Mapping[str, float] | None = None,
    skip: int | None = None,
    skip_run: int | None = None,
    latest: int | None = None,
) -> Answered:
    """Return the evidence on a question to one process.

    ``trust`` is how many times as much as by default other processes count; ``skip`` leaves one trial and its runs out,
    ``skip_run`` one run, ``latest`` all runs but so many.
    """
    with one_thread():
        return _gathered(recall, kept, asked, _Limits(trust or {}, skip, skip_run, latest))


class _Limits(NamedTuple):
    trust: Mapping[str, float]
    skip: int | None
    skip_run: int | None
    latest: int | None


def _gathered(recall: Recall, kept: Of, asked: Question, limits: _Limits) -> Answered:
    columns = kept.past.table.columns
    before, after = columns.encode([asked.before]), columns.encode([asked.after])
    far = float(measured(before, np.zeros(1, dtype=np.int64), after, columns.weights)[0] ** 0.5)
    parts = [_runs(kept, asked, after, limits), *_trials(kept, asked, before, after, limits.skip)]
    names = [kept.process.name]
    changed = {name for name in asked.after if name not in asked.before or asked.before[name] != asked.after[name]}
    for name in recall.processes():
        other = recall.of(name)
        if other is None or name == kept.process.name:
            continue
        common = shared(kept, other)
        if changed <= common:
            names.append(name)
            overlap = limits.trust.get(name, 1.0) * len(common) / len(kept.process.parameters)
            parts += _elsewhere(kept, other, after, overlap=overlap, process=len(names) - 1, latest=limits.latest)
    for one in _beside(recall, kept, asked, limits):
        names.append(one.name)
        overlap = limits.trust.get(one.name, 1.0) * one.shared
        parts.append(_opinion(one, overlap=overlap, process=len(names) - 1))
    columns_of = zip(*(part.near[1:] for part in parts), strict=True)
    evidence = Evidence(far, *(np.concatenate(column) for column in columns_of))
    process, trial, run, where = (np.concatenate(column) for column in zip(*(part[1:] for part in parts), strict=True))
    return Answered(evidence, Sources(process, trial, run, where, tuple(names)))


class _Part(NamedTuple):
    near: Evidence
    """How far the increment itself goes is not a part's to say."""
    process: NDArray[np.int32]
    trial: NDArray[np.int32]
    run: NDArray[np.int32]
    conditions: NDArray[np.int32]


def _part(distance: Floats, **columns: Any) -> _Part:
    """Return a part of the evidence; what is not said is nothing."""
    n = len(distance)
    made = {
        "far": 0.0, "distance": distance, "same": np.zeros(n, dtype=bool), "likeness": np.zeros(n),
        "became": np.full(n, UNKNOWN, dtype=np.int8), "moved": np.zeros(n, dtype=bool), "differs": np.zeros(n),
        "overlap": np.zeros(n), "process": np.zeros(n, dtype=np.int32), "trial": np.full(n, -1, dtype=np.int32),
        "run": np.full(n, -1, dtype=np.int32), "conditions": np.full(n, -1, dtype=np.int32), **columns,
    }  # fmt: skip
    process, trial, run, conditions = (made.pop(name) for name in ("process", "trial", "run", "conditions"))
    return _Part(Evidence(**made), process, trial, run, conditions)


# ── this process ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _runs(kept: Of, asked: Question, after: Coded, limits: _Limits) -> _Part:
    past, table, latest = kept.past, kept.past.table, limits.latest
    start = max(0, past.count - latest) if latest is not None else 0
    near, squares = table.within(after, FARTHEST, start)
    same = table.same(key_of(asked.after.fingerprint))
    same = same[same >= start]
    rows = near if np.isin(same, near, assume_unique=True).all() else np.union1d(near, same)  # near but for rounding
    if len(rows) <= _MEASURED:
        distance = np.sqrt(measured(table.coded, rows, after, table.columns.weights))
    else:
        distance = np.zeros(len(rows))
        distance[np.searchsorted(rows, near)] = np.sqrt(squares)
    values, of = past.values, past.field("of")[rows]
    silent = past.field("own")[rows] | np.isin(past.field("trial")[rows], [test.id for test in kept.trials.tests])
    became = past.field("became")[rows].copy()
    if limits.skip is not None:
        became[past.field("trial")[rows] == limits.skip] = UNKNOWN
    if limits.skip_run is not None:
        left = past.field("id")[rows] == limits.skip_run
        became[left], silent[left] = UNKNOWN, True
    era = kept.head.era if kept.head is not None else 0
    return _part(
        distance,
        same=np.isin(rows, same, assume_unique=True),
        better=values.better[rows].astype(np.float64),
        weight=np.where(silent, 0.0, RUN * values.sure[rows].astype(np.float64)),
        became=became,
        moved=_moved(kept, of, asked.before) | (past.field("seq")[rows] <= era),
        differs=_differs(kept, past.field("conditions")[rows], asked.conditions),
        conditions=past.field("conditions")[rows],
        run=rows.astype(np.int32),
    )


def _trials(kept: Of, asked: Question, before: Coded, after: Coded, skip: int | None) -> list[_Part]:
    """Return the trials, and those whose standard would be gone back to: proven worse than today's."""
    trials, columns = kept.trials, kept.past.table.columns
    every = np.arange(trials.size)
    if not len(every):
        return []
    era = kept.head.era if kept.head is not None else 0
    old = np.array([test.seq <= era for test in trials.tests])  # what was measured then is not what is measured now
    forward = np.array([test.id != skip for test in trials.tests])
    back = forward & np.array([is_better(test) and test.trial.increment.after == asked.before for test in trials.tests])
    like = likeness(
        trials, (after.places - before.places)[0], after.codes[:, 0], after.codes[:, 0] != before.codes[:, 0]
    )
    parts = []
    for chosen, place, better, alike in (
        (forward, trials.after, trials.better, like),
        (back, None, np.zeros(trials.size), np.zeros(trials.size)),
    ):
        rows = every[chosen]
        if not len(rows):
            continue
        if place is None:
            place = columns.encode([test.trial.increment.before for test in trials.tests])  # noqa: PLW2901 - seldom needed
        distance = np.sqrt(measured(place, rows, after, columns.weights))
        of = np.array([trials.tests[row].trial.increment.of for row in rows.tolist()])
        under = [kept.conditions_of(trials.tests[row].id) for row in rows.tolist()]
        parts.append(
            _part(
                distance,
                same=distance < 1e-9,
                likeness=alike[rows],
                better=better[rows],
                weight=TRIAL * trials.share[rows],
                moved=old[rows] | (_moved(kept, of, asked.before) & (chosen is forward)),
                differs=_differs(kept, np.array(under), asked.conditions),
                conditions=np.array(under, dtype=np.int32),
                trial=rows.astype(np.int32),
            )
        )
    return parts


def _moved(kept: Of, of: NDArray[Any], before: Setting) -> NDArray[np.bool_]:
    """Tell which were made under another standard than ``before``."""
    if not len(of):
        return np.zeros(0, dtype=bool)
    numbers = np.unique(of)
    moved = np.array([kept.past.standard(int(number)) != before for number in numbers])
    return np.asarray(moved[np.searchsorted(numbers, of)])


def _differs(kept: Of, codes: NDArray[Any], now: int) -> Floats:
    """Return the share of conditions that were others than ``now``."""
    if not len(codes) or not kept.past.conditions:
        return np.zeros(len(codes))
    numbers = np.unique(codes)
    today = kept.past.conditions[now]
    shares = []
    for number in numbers:
        then = kept.past.conditions[int(number)]
        names = {*today, *then}
        shares.append(sum(today.get(name) != then.get(name) for name in names) / max(1, len(names)))
    return np.asarray(np.array(shares)[np.searchsorted(numbers, codes)])


# ── other processes ───────────────────────────────────────────────────────────────────────────────────────────────────


def shared(kept: Of, other: Of) -> frozenset[str]:
    """Return the parameters that two processes have in common: by name, kind and unit."""
    theirs = {parameter.name: parameter for parameter in other.process.parameters}
    return frozenset(
        mine.name for mine in kept.process.parameters if mine.name in theirs and _comparable(mine, theirs[mine.name])
    )


def _comparable(mine: Parameter, theirs: Parameter) -> bool:
    if isinstance(mine, Real | Whole) and isinstance(theirs, Real | Whole):
        return not mine.unit or not theirs.unit or mine.unit == theirs.unit
    return not isinstance(mine, Real | Whole) and not isinstance(theirs, Real | Whole)


def _elsewhere(kept: Of, other: Of, after: Coded, *, overlap: float, process: int, latest: int | None) -> list[_Part]:
    """Return what another process remembers near a setting of this one, in this one's ranges."""
    past, trials = other.past, other.trials
    start = max(0, past.count - latest) if latest is not None else 0
    viewed = _viewed(kept, other)
    rows, distance = _near(kept, other, Coded(viewed.places[start:], viewed.codes[:, start:]), after)
    rows += start
    values = past.values
    silent = past.field("own")[rows] | np.isin(past.field("trial")[rows], [test.id for test in trials.tests])
    about = {"overlap": overlap, "process": process}
    parts = [
        _part(
            distance,
            better=values.better[rows].astype(np.float64),
            weight=np.where(silent, 0.0, RUN * values.sure[rows].astype(np.float64)),
            became=past.field("became")[rows],
            run=rows.astype(np.int32),
            **{name: np.full(len(rows), value) for name, value in about.items()},
        )
    ]
    if trials.size:
        translated = _translated(kept.past.table.columns, past.table.columns, trials.after)
        rows, distance = _near(kept, other, translated, after)
        parts.append(
            _part(
                distance,
                better=trials.better[rows],
                weight=TRIAL * trials.share[rows],
                trial=rows.astype(np.int32),
                **{name: np.full(len(rows), value) for name, value in about.items()},
            )
        )
    return parts


def _near(kept: Of, other: Of, coded: Coded, after: Coded) -> tuple[Rows, Floats]:
    """Return which translated settings lie within reach, by the parameters that both processes have, and how far."""
    common, mine = shared(kept, other), kept.past.table.columns
    numbers = np.array([parameter.name in common for parameter in mine.numbers], dtype=bool)
    codes = np.array([parameter.name in common for parameter in (*mine.others, *mine.conditional)], dtype=bool)
    one, weights = Coded(after.places[:, numbers], after.codes[codes]), mine.weights[codes]
    places = coded.places if numbers.all() else coded.places[:, numbers]
    part = Coded(places, coded.codes[codes])
    squares = squared(part, np.einsum("ij,ij->i", places, places), one, weights)
    close = np.flatnonzero(squares <= FARTHEST**2)
    return close, np.sqrt(measured(part, close, one, weights))


def _viewed(kept: Of, other: Of) -> Coded:
    """Return all runs of another process in this one's columns; translated once, and then as it grows."""
    key = ("view", other.process.name)
    theirs = other.past.table
    known, whose = kept.cache.get(key, (None, None))
    if known is not None and whose is other.past and len(known.places) == theirs.count:
        return known  # type: ignore[no-any-return] # it is what is kept below
    start = len(known.places) if known is not None and whose is other.past else 0
    coded = theirs.coded
    fresh = _translated(kept.past.table.columns, theirs.columns, Coded(coded.places[start:], coded.codes[:, start:]))
    if start:
        fresh = Coded(np.concatenate([known.places, fresh.places]), np.concatenate([known.codes, fresh.codes], axis=1))
    kept.cache[key] = (fresh, other.past)
    return fresh


def _translated(mine: Columns, theirs: Columns, coded: Coded) -> Coded:
    """Return settings of one process in the columns of another; what it has not stands in the middle."""
    n = len(coded.places)
    places = np.full((n, len(mine.numbers)), 0.5, dtype=np.float32)
    numbers = {parameter.name: column for column, parameter in enumerate(theirs.numbers)}
    for column, parameter in enumerate(mine.numbers):
        if parameter.name in numbers:
            source = numbers[parameter.name]
            values = valued(theirs.numbers[source], coded.places[:, source].astype(np.float64))
            places[:, column] = placed(parameter, values)
    codes = np.zeros((len(mine.weights), n), dtype=np.int32)
    others = {parameter.name: row for row, parameter in enumerate(theirs.others)}
    for row, other in enumerate(mine.others):
        if other.name in others:
            source = others[other.name]
            known = theirs.known[source]
            table = np.zeros(len(known) + 1, dtype=np.int32)
            for (_, value), code in known.items():
                table[code] = mine.code(row, value)
            codes[row] = table[coded.codes[source]]
    active = {p.name: row for row, p in enumerate(theirs.conditional, len(theirs.others))}
    for row, number in enumerate(mine.conditional, len(mine.others)):
        codes[row] = coded.codes[active[number.name]] if number.name in active else 1
    return Coded(places, codes)


def _beside(recall: Recall, kept: Of, asked: Question, limits: _Limits) -> Sequence[Opinion]:
    """Return what packs say; of an outcome that is known, which is left out, they are asked so as to learn of them."""
    if recall.beside is None:
        return ()
    learning = limits.skip is not None or limits.skip_run is not None
    return recall.beside.opinions(kept.process, asked.before, asked.after, learning=learning)


def _opinion(one: Opinion, *, overlap: float, process: int) -> _Part:
    """Return a pack's word as evidence: of one trial in another process, and never a precedent."""
    return _part(
        np.zeros(1), better=np.array([one.better]), weight=np.array([TRIAL]), overlap=np.array([overlap]),
        process=np.array([process], dtype=np.int32),
    )  # fmt: skip


# ── people's words ────────────────────────────────────────────────────────────────────────────────────────────────────


def words_seen(kept: Of, history: History) -> tuple[Seen, ...]:
    """Return the latest runs with what they were beside their standards: by which testimony is judged."""
    if kept.cache.get("words", (None,))[0] != kept.version:
        values, found = kept.past.values, []
        for run in history.runs(latest=_WORDS):
            row = kept.past.row_of(run.id)
            if row is None or kept.past.field("own")[row]:
                continue
            better, worse = float(values.better[row]), float(values.worse[row])
            if kept.past.field("became")[row] == FAULTED:
                better, worse = 0.0, 1.0
            if not math.isnan(better):  # NaN: of a run that cannot be compared
                found.append(Seen(run, better, worse))
        kept.cache["words"] = (kept.version, tuple(found))
    seen: tuple[Seen, ...] = kept.cache["words"][1]
    return seen
