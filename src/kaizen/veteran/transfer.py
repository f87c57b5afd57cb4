"""What other processes of the ledger know that may bear on one: its kin, mapped into its parameters and ranked.

Readings of two processes do not compare; ranks do. Each setting's score is its rank among all that its process tried,
as a normal quantile, less that of its process's own standard:

    z_i = Φ⁻¹((rank_i - ½) / n) - z_standard,  faults worst                                                     (eq. 1)

Runs of one process under several names (the same work, under the same conditions) are one kin: a thing said twice is
not said by two.
"""

import hashlib
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from statistics import NormalDist, fmean

import msgspec

from kaizen.errors import Mistake
from kaizen.journal import Head, Memory, Tried
from kaizen.metric import Metric
from kaizen.parameter import Choice, Parameter, Real, Revision, Switch, Whole
from kaizen.process import Hands, Process
from kaizen.setting import Setting, Texts, Value
from kaizen.trial import Fault

_KIN = 12  # at most
_RUNS = 200  # settings of each, at most
_READ = 1000  # its latest runs that are looked at
_PROCESSES = 200  # that are looked at, the latest described
_FEWEST = 6  # settings that must have been tried
_SHARED = 0.5  # of this process's parameters that must be known there
_NORMAL = NormalDist()


class Kin(msgspec.Struct, frozen=True, kw_only=True):
    """Another process's past, as far as it may bear on this one."""

    processes: tuple[str, ...]
    """Its name; several where one process has several."""
    metric: str
    """Its metric that is compared."""
    settings: tuple[Setting, ...]
    """Distinct ones, with this process's parameters: what is not known there is as in this one's description."""
    scores: tuple[float, ...]
    """Of eq. 1: more is better, and 0 is its own standard."""
    faults: tuple[bool, ...]
    """Which of them gave no reading."""
    conditions: Texts = Texts()
    """Those that all its runs shared."""
    shared: float = 1.0
    """The share of this process's parameters that are known there."""
    seq: int = 0
    """Of its latest run."""
    digest: str = ""
    """Its content's name, for those who cache."""
    told: bool = True
    """Whether it ran these settings; a pack's words are only read off at them."""

    def __str__(self) -> str:
        """Return its name."""
        return " or ".join(self.processes)


Seen = MutableMapping[tuple[object, ...], "Kin | None"]
"""A disposable cache of what single processes are as kin; may be emptied at any time."""


def kin(memory: Memory, head: Head, *, seen: Seen | None = None) -> tuple[Kin, ...]:
    """Return the kin of a process, the closest first: a function of the ledger alone.

    Empty where the process has several metrics: one rank of all does not serve each of them.
    """
    process = head.process
    if len(process.metrics) != 1 or not any(not isinstance(p, Revision) for p in process.parameters):
        return ()
    here = _conditions(memory.runs(process.name, latest=1))
    found: dict[object, list[Kin]] = {}
    for name in memory.processes()[-_PROCESSES - 1 :]:
        other = memory.head(name) if name != process.name else None
        if other is None or not (other.counts.told or other.next_run > 1):
            continue
        key = (name, other.seq, other.process.parameters, process.name, head.revision)
        if seen is None or key not in seen:
            made = _as_kin(memory, other, process)
            if seen is None:
                seen = {}
            seen[key] = made
        one = seen[key]
        if one is not None:
            found.setdefault(_self(other, one), []).append(one)
    known = (_together(same) for same in found.values())
    return tuple(sorted(known, key=lambda one: _closeness(one, process, here), reverse=True)[:_KIN])


def spell(found: Sequence[Kin]) -> str:
    """Say what is remembered: ``what line A (60 settings) and line B (42 settings) tried``; nothing of nothing."""
    if not found:
        return ""
    names = [f"{one} ({len(one.settings)} settings)" if one.told else str(one) for one in found]
    said = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"what {said} tried, the closest first; at most {_KIN} processes and {_RUNS} settings of each"


def _closeness(one: Kin, process: Process, here: Texts) -> tuple[float, ...]:
    """Order kin: the same metric, parameters shared, conditions shared, how lately it ran."""
    same = sum(here.get(name) == value for name, value in one.conditions.items())
    return (float(one.metric == process.metrics[0].name), one.shared, float(same), float(one.seq))


def _self(other: Head, one: Kin) -> object:
    """Return what two names of one process have in common; hands tell nothing of that."""
    work = other.process.work
    return other.process.name if isinstance(work, Hands) else (work, one.conditions)


def _as_kin(memory: Memory, other: Head, process: Process) -> Kin | None:
    """Look at another process as kin of this one; ``None`` where it is none."""
    metric = metric_of(other.process, process.metrics[0])
    names = [p.name for p in process.parameters if knows(p, other.process)]
    free = [p.name for p in process.parameters if not isinstance(p, Revision)]
    if metric is None or len(names) < _SHARED * len(free):
        return None
    runs = [run for run in memory.runs(other.process.name, latest=_READ) if run.seq > other.era]
    read, last = _readings(runs, metric), runs[-1].seq if runs else 0
    settings, scores = _scored(read, other.standard.setting, metric)
    rows = []
    for setting, score in zip(settings, scores, strict=True):
        mapped = _mapped(process, {name: setting[name] for name in names if name in setting})
        if mapped is not None:
            rows.append((mapped, score, not read[setting]))
    rows = _thinned(rows)
    if len(rows) < _FEWEST or all(fault for _, _, fault in rows) or len({one for one, _, _ in rows}) < _FEWEST:
        return None
    return _sealed(
        Kin(
            processes=(other.process.name,),
            metric=metric.name,
            settings=tuple(one for one, _, _ in rows),
            scores=tuple(score for _, score, _ in rows),
            faults=tuple(fault for _, _, fault in rows),
            conditions=_conditions(runs),
            shared=len(names) / len(free),
            seq=last,
        )
    )


def _together(same: Sequence[Kin]) -> Kin:
    """Put the names of one process together; what was tried under two of them counts twice, as it would under one."""
    if len(same) == 1:
        return same[0]
    rows = [row for one in same for row in zip(one.settings, one.scores, one.faults, strict=True)][-_RUNS:]
    latest = max(same, key=lambda one: one.seq)
    return _sealed(
        msgspec.structs.replace(
            latest,
            processes=tuple(name for one in same for name in one.processes),
            settings=tuple(one for one, _, _ in rows),
            scores=tuple(score for _, score, _ in rows),
            faults=tuple(fault for _, _, fault in rows),
        )
    )


def _sealed(one: Kin) -> Kin:
    text = repr((one.processes, [(s.fingerprint) for s in one.settings], one.scores, one.faults))
    return msgspec.structs.replace(one, digest=hashlib.blake2b(text.encode(), digest_size=12).hexdigest())


def metric_of(other: Process, wanted: Metric) -> Metric | None:
    """Return the metric of the same name, or else the first one, if better means the same for it."""
    named = next((metric for metric in other.metrics if metric.name == wanted.name), other.metrics[0])
    return named if named.better == wanted.better else None


def knows(parameter: Parameter, other: Process) -> bool:
    """Tell whether another process has the parameter: by name, of the same sort, in the same unit."""
    found = next((one for one in other.parameters if one.name == parameter.name), None)
    match parameter, found:
        case (Real() | Whole(), Real() | Whole()):
            return not (parameter.unit and found.unit and parameter.unit != found.unit)
        case (Choice(), Choice()) | (Switch(), Switch()):
            return True
    return False


def _readings(runs: Iterable[Tried], metric: Metric) -> dict[Setting, list[float]]:
    """Return the readings of each setting in order of its latest run; none for one that only faulted."""
    read: dict[Setting, list[float]] = {}
    for run in runs:
        lost = isinstance(run.outcome, Fault) and run.outcome.reason == "lost" and run.values is None
        if lost or (run.values is not None and metric.name not in run.values):
            continue  # a worker that went silent says nothing of the setting
        values = read.pop(run.setting, [])
        read[run.setting] = values if run.values is None else [*values, run.values[metric.name]]
    return read


def _scored(
    read: Mapping[Setting, Sequence[float]], standard: Setting, metric: Metric
) -> tuple[list[Setting], list[float]]:
    """Return settings with their scores (eq. 1); what ties shares its rank."""
    turn = 1.0 if metric.better == "higher" else -1.0
    settings = list(read)
    merits = [(1, turn * fmean(values)) if values else (0, 0.0) for values in read.values()]
    ranks: dict[tuple[int, float], list[int]] = {}
    for rank, merit in enumerate(sorted(merits), start=1):
        ranks.setdefault(merit, []).append(rank)
    scores = [_NORMAL.inv_cdf((fmean(ranks[merit]) - 0.5) / len(merits)) for merit in merits]
    own = scores[settings.index(standard)] if standard in read else 0.0
    return settings, [score - own for score in scores]


def _mapped(process: Process, values: Mapping[str, Value]) -> Setting | None:
    """Return a setting of this process; ``None`` where a value lies outside it. Constraints are not asked."""
    wanted, kept = {**process.standard, **values}, {}
    for parameter in process.active(wanted):
        if parameter.name not in wanted:
            return None
        try:
            kept[parameter.name] = fitted(parameter, wanted[parameter.name])
        except Mistake:
            return None
    return Setting(kept)


def fitted(parameter: Parameter, value: Value) -> Value:
    """Return a value of elsewhere as the parameter keeps it: on its grid, where it is within its range.

    Raises:
        OutOfRange: it is not.
    """
    if isinstance(parameter, Real) and parameter.step is not None and not isinstance(value, str | bool):
        inside = parameter.low <= value <= parameter.high
        return parameter.at(parameter.place(value)) if inside else parameter.check(value)
    return parameter.check(value)


def _thinned(rows: list[tuple[Setting, float, bool]]) -> list[tuple[Setting, float, bool]]:
    """Return at most so many: the best third, the latest third, and every so manieth of the others."""
    if len(rows) <= _RUNS:
        return rows
    third = _RUNS // 3
    best = sorted(range(len(rows)), key=lambda at: -rows[at][1])[:third]
    kept = {*best, *range(len(rows) - third, len(rows))}
    others = [at for at in range(len(rows)) if at not in kept]
    step = len(others) / max(1, _RUNS - len(kept))
    kept |= {others[int(at * step)] for at in range(_RUNS - len(kept))}
    return [rows[at] for at in sorted(kept)]


def _conditions(runs: Sequence[Tried]) -> Texts:
    """Return the conditions that all runs shared."""
    if not runs:
        return Texts()
    first = runs[0].conditions
    return Texts({name: value for name, value in first.items() if all(r.conditions.get(name) == value for r in runs)})
