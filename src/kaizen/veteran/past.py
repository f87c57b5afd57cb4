"""One process's past as columns: what its runs read, beside the standard they were planned under.

A value is relative to that run's own standard, in worthwhiles: 0 is the standard's typical reading (the median of its
runs under the same description), 1 a gain that is just worthwhile, and -2 a loss twice as large. So the past of other
units, machines and months can be asked. With several metrics a run is worth its best gain while every margin is kept,
else its worst loss; where metrics have a worth, their sum.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kaizen.journal import Kept, Tried
from kaizen.metric import Metric
from kaizen.process import Process
from kaizen.setting import Setting, Texts
from kaizen.trial import Fault
from kaizen.veteran.table import Coded, Keys, Table, grown, key_of, widened

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SOUND, FAULTED, UNKNOWN = 0, 1, 2
"""What became of a run; unknown is one whose worker was lost, which says nothing of its setting."""

_MOST = 1000.0  # worthwhiles: an exact metric without a worthwhile counts any gain, and none without end
_PAGE = 65_536  # rows whose worth is worked out at a time
_ENOUGH = 3  # runs of the standard under some conditions, from which runs under them are compared with those alone
_FIELDS: Final[Mapping[str, Any]] = {
    "id": np.uint8, "seq": np.uint8, "of": np.uint8, "revision": np.uint8, "trial": np.uint8, "conditions": np.uint8,
    "became": np.int8, "own": np.bool_,
}  # fmt: skip
"""The narrowest kinds; numbers get wider ones as they grow."""


class Values(NamedTuple):
    """What ``n`` runs were worth beside their own standards; NaN where that cannot be said."""

    gains: NDArray[np.float32]
    """``(n, m)``: by metric, in its units of gain."""
    value: NDArray[np.float32]
    """``(n,)``: in worthwhiles."""
    better: NDArray[np.float32]
    """``(n,)``: the chance that the setting itself is worthwhile and keeps every margin, by the reading and its noise."""
    worse: NDArray[np.float32]
    """``(n,)``: the chance that the setting itself is worse than the standard."""
    sure: NDArray[np.float32]
    """``(n,)``: how much of the doubt the reading takes away: 0 for none, 1 for all."""


class Past:
    """Runs of one process, as described now; thrown away when the parameters or metrics change."""

    def __init__(self, process: Process) -> None:
        """Begin empty."""
        self.process = process
        self.table = Table(process.parameters)
        self.fields = {name: np.zeros(0, dtype=kind) for name, kind in _FIELDS.items()}
        self.readings: Floats = np.zeros((0, len(process.metrics)))
        self.places: dict[Texts, int] = {}
        self.conditions: list[Texts] = []
        self._row_of = np.zeros(0, dtype=np.int32)
        self._standards: dict[int, Setting] = {}
        self._values: Values | None = None
        self.noise: tuple[float, ...] = tuple(0.0 if metric.exact else float("nan") for metric in process.metrics)
        """By metric: how much single readings of one setting scatter; NaN while that is not known."""

    @property
    def count(self) -> int:
        """How many runs there are."""
        return self.table.count

    @property
    def last(self) -> int:
        """The ``seq`` of the last run; 0 of none."""
        return int(self.field("seq").max()) if self.count else 0

    def field(self, name: str) -> NDArray[Any]:
        """Return one column, not copied; numbers of a kind as narrow as they allow, so not to be reckoned with as they are."""
        return self.fields[name][: self.count]

    # ── growing ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def keep(self, standards: Sequence[Kept]) -> None:
        """Take the standards there were: what runs are compared with."""
        known = {kept.standard.number: kept.standard.setting for kept in standards}
        if known != self._standards:
            self._standards = known
            self._values = None

    def standard(self, number: int) -> Setting | None:
        """Return the setting of a standard."""
        return self._standards.get(number)

    def add(self, runs: Sequence[Tried]) -> None:
        """Add finished runs; one that is there already is rewritten."""
        fresh = [run for run in runs if self.row_of(run.id) is None]
        for run in runs if len(fresh) < len(runs) else ():
            row = self.row_of(run.id)
            if row is not None:
                self._put(slice(row, row + 1), *self._columns([run]))
        if fresh:
            self._grow(fresh)
        self._values = None

    def row_of(self, run: int) -> int | None:
        """Return the row of a run by its number."""
        row = int(self._row_of[run]) - 1 if run < len(self._row_of) else -1
        return row if row >= 0 else None

    def restore(self, fields: Mapping[str, NDArray[Any]], readings: Floats) -> None:
        """Take columns as they were packed; the table has its rows already."""
        self.fields, self.readings = dict(fields), readings
        numbers = self.field("id")
        self._row_of = np.zeros(int(numbers.max(initial=0)) + 64, dtype=np.int32)
        self._row_of[numbers] = np.arange(1, len(numbers) + 1)
        self._values = None

    def extend(self, coded: Coded, keys: Keys, told: Mapping[str, Any], readings: ArrayLike) -> None:
        """Add fresh runs that are columns already: settings, the first 64 bits of their fingerprints, ``(n, m)`` readings."""
        start, end = self.count, self.count + len(keys)
        self.table.add(coded, keys)
        if end > len(self.readings):
            room = max(1024, end + end // 4)
            self.readings = grown(self.readings, room)
            self.fields = {name: grown(column, room) for name, column in self.fields.items()}
        numbers = np.asarray(told["id"])
        highest = int(numbers.max())
        if highest >= len(self._row_of):
            self._row_of = grown(self._row_of, highest + highest // 4 + 64)
        self._row_of[numbers] = np.arange(start + 1, end + 1)
        self._put(slice(start, end), told, readings)
        self._values = None

    def _grow(self, runs: Sequence[Tried]) -> None:
        keys = np.array([key_of(run.setting.fingerprint) for run in runs], dtype=np.uint64)
        self.extend(self.table.columns.encode([run.setting for run in runs]), keys, *self._columns(runs))

    def _put(self, rows: slice, told: Mapping[str, Any], readings: ArrayLike) -> None:
        self.readings[rows] = readings
        for name, values in told.items():
            if _FIELDS[name] is np.uint8:
                self.fields[name] = widened(self.fields[name], int(max(values)))
            self.fields[name][rows] = values

    def _columns(self, runs: Sequence[Tried]) -> tuple[dict[str, list[Any]], list[list[float]]]:
        names = [metric.name for metric in self.process.metrics]
        nothing = dict.fromkeys(names, float("nan"))
        told = [nothing if run.values is None else run.values for run in runs]
        found: dict[str, list[Any]] = {
            "id": [run.id for run in runs], "seq": [run.seq for run in runs], "of": [run.of for run in runs],
            "revision": [run.revision for run in runs], "trial": [run.trial or 0 for run in runs],
            "conditions": [self._place_of(run.conditions) for run in runs],
            "became": [_became(run) for run in runs],
            "own": [run.setting == self._standards.get(run.of) for run in runs],
        }  # fmt: skip
        return found, [[values.get(name, float("nan")) for name in names] for values in told]

    def _place_of(self, conditions: Texts) -> int:
        place = self.places.setdefault(conditions, len(self.conditions))
        if place == len(self.conditions):
            self.conditions.append(conditions)
        return place

    # ── what runs are worth ─────────────────────────────────────────────────────────────────────────────────────────
    @property
    def values(self) -> Values:
        """What all runs are worth; worked out anew once something has changed."""
        if self._values is None:
            self._values = self._valued()
        return self._values

    def _valued(self) -> Values:
        """Work it out page by page: what is in between is wider than what is kept."""
        metrics, (members, levels) = self.process.metrics, self._typical()
        own = np.flatnonzero(self.field("own"))
        seen = self._gains(own, levels[members[own]])
        columns = enumerate(metrics)
        self.noise = tuple(0.0 if one.exact else _scatter(seen[:, at], members[own]) for at, one in columns)
        broke, n = self.broke(), self.count
        kept = Values(np.empty((n, len(metrics)), np.float32), *(np.empty(n, np.float32) for _ in range(4)))
        for start in range(0, n, _PAGE):
            page = slice(start, min(n, start + _PAGE))
            gains = self._gains(page, levels[members[page]])
            better, worse = chances(self.process, gains, self.noise)
            found = (worth(self.process, gains), better, worse)
            value, better, worse = (
                np.where(broke[page], far, one) for far, one in zip((-_MOST, 0.0, 1.0), found, strict=True)
            )
            sure = np.nan_to_num((2 * better - 1) ** 2)
            for column, one in zip(kept, (gains, value, better, worse, sure), strict=True):
                column[page] = one
        return kept

    def _gains(self, rows: slice | NDArray[np.int64], typical: Floats) -> Floats:
        """Return ``(n, m)`` gains of some rows over the typical readings beside them."""
        read = self.readings[rows]
        gains = [gained(metric, read[:, at], typical[:, at]) for at, metric in enumerate(self.process.metrics)]
        return np.stack(gains, axis=1)

    def broke(self) -> Bools:
        """Return ``(n,)``: which runs broke a guard."""
        names = [metric.name for metric in self.process.metrics]
        broke = np.zeros(self.count, dtype=bool)
        for guard in self.process.guards:
            seen = self.readings[: self.count, names.index(guard.metric)]
            with np.errstate(invalid="ignore"):
                broke |= seen < (-np.inf if guard.at_least is None else guard.at_least)
                broke |= seen > (np.inf if guard.at_most is None else guard.at_most)
        return broke

    def shift(self, then: int, now: int) -> Floats:
        """Return ``(m,)``: how much better one standard's typical readings were than another's; NaN where nobody knows."""
        levels = [self.level(number) for number in (then, now)]
        pairs = zip(self.process.metrics, *levels, strict=True)
        return np.array([gained(metric, np.array([a]), np.array([b]))[0] for metric, a, b in pairs])

    def level(self, number: int) -> Floats:
        """Return ``(m,)``: what a standard's setting typically read; NaN where it was never run."""
        setting = self._standards.get(number)
        rows = self.table.same(key_of(setting.fingerprint)) if setting is not None else np.zeros(0, dtype=np.int64)
        seen = self.readings[rows]
        seen = seen[~np.isnan(seen).any(axis=1)]
        return np.asarray(np.median(seen, axis=0)) if len(seen) else np.full(self.readings.shape[1], np.nan)

    def _typical(self) -> tuple[NDArray[np.int32], Floats]:
        """Return ``(n,)`` the group that each run is in, and ``(g, m)`` the typical readings of each group's standard.

        A standard is asked for what it read under a run's own conditions, where it was run enough; else under any, and where
        it was not run under the same description, under any other.
        """
        of, own = self.field("of").astype(np.int64), self.field("own") & (self.field("became") == SOUND)
        members, count = numbered(self._parted(of << 20 | self.field("revision"), own))
        medians = _medians(members, count, self.readings, own)
        missing = np.isnan(medians)
        if missing.any():
            standards, known = numbered(of)
            whose = np.zeros(count, dtype=np.int32)
            whose[members] = standards
            medians = np.where(missing, _medians(standards, known, self.readings, own)[whose], medians)
        return members, medians

    def _parted(self, groups: NDArray[np.int64], own: Bools) -> NDArray[np.int64]:
        """Part groups by conditions, where the standard has run often enough under them to be compared with."""
        if len(self.conditions) < 2:
            return groups
        enough = 1 if all(metric.exact for metric in self.process.metrics) else _ENOUGH
        fine = groups * len(self.conditions) + self.field("conditions")
        members, count = numbered(fine)
        runs = np.bincount(members[own], minlength=count)
        return np.where(runs[members] >= enough, -1 - fine, groups)  # below 0, that no two are the same


def numbered(groups: NDArray[np.int64]) -> tuple[NDArray[np.int32], int]:
    """Return ``(n,)`` the place of each among the groups in order, and how many groups there are; page by page."""
    starts = range(0, len(groups), _PAGE)
    names = np.unique(np.concatenate([groups[:0], *(np.unique(groups[at : at + _PAGE]) for at in starts)]))
    members = np.empty(len(groups), dtype=np.int32)
    for at in starts:
        members[at : at + _PAGE] = np.searchsorted(names, groups[at : at + _PAGE])
    return members, len(names)


def _medians(members: NDArray[np.int32], count: int, readings: Floats, chosen: Bools) -> Floats:
    """Return ``(count, m)``: the medians of the chosen rows of each group."""
    found = np.full((count, readings.shape[1]), np.nan)
    rows = np.flatnonzero(chosen)
    order = rows[np.argsort(members[rows], kind="stable")]
    ends = np.searchsorted(members[order], np.arange(count + 1))
    for group, (start, end) in enumerate(pairwise(ends.tolist())):
        if end > start:
            seen = readings[order[start:end]]
            whole = seen[~np.isnan(seen).any(axis=1)]
            if len(whole):
                found[group] = np.median(whole, axis=0)
    return found


def _scatter(gains: Floats, groups: NDArray[np.int32]) -> float:
    """Return how much a standard's single readings scatter around their group's median, NaN below three repeats."""
    seen = ~np.isnan(gains)
    freedom = int(seen.sum()) - len(np.unique(groups[seen]))
    if freedom < 2:
        return float("nan")
    return float(np.sqrt((gains[seen] ** 2).sum() / freedom))


def gained(metric: Metric, readings: Floats, standards: Floats) -> Floats:
    """Return gains as ``metric.gain`` does, for many."""
    with np.errstate(divide="ignore", invalid="ignore"):
        raw = np.log(readings / standards) if metric.scale == "ratio" else readings - standards
    raw[~np.isfinite(raw)] = np.nan
    return np.asarray(raw if metric.better == "higher" else -raw)


def worth(process: Process, gains: Floats) -> Floats:
    """Return ``(n,)`` values in worthwhiles of ``(n, m)`` gains."""
    units = [unit(metric) for metric in process.metrics]
    worths = np.array([metric.worth for metric in process.metrics])
    if worths.any():
        return np.asarray(np.clip((gains / units) @ worths, -_MOST, _MOST))
    won, lost = gains / units, gains - [metric.as_loss(metric.margin) for metric in process.metrics]
    kept = np.all((lost >= 0) | np.isnan(gains), axis=1)
    best = np.where(np.isnan(won), -np.inf, won).max(axis=1)
    worst = np.where(np.isnan(won), np.inf, won).min(axis=1)
    value = np.clip(np.where(kept, best, worst), -_MOST, _MOST)
    return np.asarray(np.where(np.isnan(gains).any(axis=1), np.nan, value))


def unit(metric: Metric) -> float:
    """Return what one worthwhile is, in units of gain; of an exact metric without one, next to nothing."""
    return metric.as_gain(metric.worthwhile) or -metric.as_loss(metric.margin) or 1e-9


def chances(process: Process, gains: Floats, noise: Sequence[float]) -> tuple[Floats, Floats]:
    """Return the chances that settings are better (worthwhile, margins kept) and worse (below the standard).

    A reading of unknown noise is taken to be as noisy as it is large.
    """
    won, kept, fell = [], [], []
    for column, metric in enumerate(process.metrics):
        gain, wanted = gains[:, column], metric.as_gain(metric.worthwhile)
        sd = np.full(len(gain), noise[column])
        sd = np.where(np.isnan(sd), np.maximum(np.abs(gain), wanted), sd)

        def above(limit: float, gain: Floats = gain, sd: Floats = sd) -> Floats:
            with np.errstate(divide="ignore", invalid="ignore"):
                z = (gain - limit) / sd
            return normal(np.where(sd > 0, z, np.where(gain > limit, np.inf, -np.inf)))

        won.append(above(wanted * (1.0 - 1e-9)))
        kept.append(above(metric.as_loss(metric.margin) - 1e-12))
        fell.append(1.0 - above(-1e-12))
    better = np.minimum(np.max(won, axis=0), np.min(kept, axis=0))
    worse = np.min(fell, axis=0) if len(fell) == 1 else np.maximum(1.0 - np.min(kept, axis=0), np.min(fell, axis=0))
    unknown = np.isnan(gains).any(axis=1)
    return np.where(unknown, np.nan, better), np.where(unknown, np.nan, worse)


def normal(z: Floats) -> Floats:
    """Return the chance that a normal number is below ``z``, to within .01: quick for millions."""
    return np.asarray(1.0 / (1.0 + np.exp(-1.702 * np.clip(z, -40.0, 40.0))))


def _became(run: Tried) -> int:
    if run.values is not None:
        return SOUND
    return UNKNOWN if isinstance(run.outcome, Fault) and run.outcome.reason == "lost" else FAULTED
