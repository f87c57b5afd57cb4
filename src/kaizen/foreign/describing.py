"""The description of a process that is known only from a foreign record: parameters from its columns, metrics with directions."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from kaizen.errors import Malformed
from kaizen.foreign import Better, Foreign, Row, Wanted
from kaizen.foreign.directions import by_name, direction_of, is_price
from kaizen.metric import Metric, metric
from kaizen.parameter import Choice, Parameter, Real, Revision, Switch, When, Whole
from kaizen.process import Process
from kaizen.setting import Setting, Value

IMPORTED = "Imported from"
"""How the description of such a process begins."""
_LOG = 20.0  # times that the largest value is the smallest from which on a range is taken to be one of ratios
_FEW = 12  # different texts that a parameter may have to be a choice


def process_of(foreign: Foreign, name: str, wanted: Wanted) -> tuple[Process, tuple[str, ...]]:
    """Describe the process that a record is of; return what of it was inferred, in sentences.

    Raises:
        Malformed: it has no metric, no parameter, or a direction that nobody knows.
    """
    metrics, said = _metrics(foreign, wanted)
    rows = settings_of(foreign)
    parameters: tuple[Parameter, ...] = (
        (Revision(name="revision"),) if foreign.in_words else foreign.parameters or parameters_of(list(rows.values()))
    )
    if not parameters:
        raise Malformed(
            f"a process must have parameters; got none in {foreign.source} with two different values",
            hint="--map COLUMN=setting says which columns are",
        )
    read = [
        rows[row.key]
        for row in foreign.rows
        if row.key in rows and row.fault is None and metrics[0].name in row.metrics
    ]
    first = next(iter(read or rows.values()), None)
    if first is None:
        raise Malformed(f"{foreign.source} must have a row with a setting, to begin with; got none")
    made = Process(
        name=name,
        parameters=parameters,
        metrics=metrics,
        standard=first,
        about=f"{IMPORTED} {foreign.source} ({foreign.form}).",
    )
    return made, said


def settings_of(foreign: Foreign, known: Iterable[str] = ()) -> Mapping[str, Setting]:
    """Return each row's setting by its key; a log in words changes the code, and a commit or a fingerprint stands for that.

    What has one value only is left out, unless it is a ``known`` parameter.
    """
    if not foreign.in_words:
        lone = set() if foreign.parameters else _lone([row.setting for row in foreign.rows]) - set(known)
        return {
            row.key: Setting({name: value for name, value in row.setting.items() if name not in lone})
            for row in foreign.rows
            if row.setting
        }
    used: dict[str, str] = {}
    found = {}
    for row in foreign.rows:
        commit = row.revision.lower()
        fits = bool(re.fullmatch(r"[0-9a-f]{7,64}", commit)) and used.setdefault(commit, row.key) == row.key
        found[row.key] = Setting(revision=commit if fits else stand_in(row.key, commit))
    return found


def stand_in(key: str, commit: str = "") -> str:
    """Return what stands for the code of a row that names no commit, or one that stands for another row."""
    return hashlib.blake2b(f"{commit}\n{key}".encode(), digest_size=20).hexdigest()


# ── metrics ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _metrics(foreign: Foreign, wanted: Wanted) -> tuple[tuple[Metric, ...], tuple[str, ...]]:
    if not foreign.metric:
        raise Malformed(
            f"a process must have a metric; got none in {foreign.source}",
            hint="kaizen autopsy reads it without one; --map COLUMN=metric names it",
        )
    readings = [row for row in foreign.rows if row.fault is None and foreign.metric in row.metrics]
    told = dict(foreign.others)
    needed = {foreign.metric, *foreign.measured}
    names = [
        foreign.metric,
        *dict.fromkeys(name for row in readings[:1] for name in row.metrics if name != foreign.metric),
    ]
    made, said = [], []
    for name in names:
        better, why = _better(foreign, name, told, wanted)
        if name not in needed and not (
            better is not None
            and (name in told or name in wanted.better or is_price(name))
            and all(name in row.metrics for row in readings)
        ):
            continue  # a condition
        if better is None:
            raise Malformed(
                f"which way {name} is better must be known; got nothing that tells: {why}",
                hint=f"--better lower, or --better higher ({name})",
            )
        if why:
            said.append(f"{name}: {better} is better ({why})")
        made.append(
            _metric(
                name, better, [row.metrics[name] for row in readings], price=is_price(name) and name != foreign.metric
            )
        )
    return tuple(made), tuple(said)


def _better(foreign: Foreign, name: str, told: Mapping[str, Better], wanted: Wanted) -> tuple[Better | None, str]:
    """Return the direction of a metric, and how it was inferred where it was."""
    given = wanted.better.get(name) or (wanted.better.get("") if name == foreign.metric else None)
    if given is not None:
        return ("lower" if given == "lower" else "higher"), ""
    if name in told:
        return told[name], ""
    if name == foreign.metric:
        found = direction_of(foreign)
        return found.better, "" if foreign.better is not None else found.because
    return by_name(name), "so such metrics are called"


def _metric(name: str, better: Better, values: Sequence[float], *, price: bool) -> Metric:
    kind: Literal["price", "quality"] = "price" if price else "quality"
    if all(value > 0 for value in values):
        return metric(name, better=better, kind=kind)
    spread = max(values) - min(values) if values else 0.0
    return metric(name, better=better, kind=kind, scale="difference", worthwhile=spread / 100 or 1.0)


# ── parameters ────────────────────────────────────────────────────────────────────────────────────────────────────────


def parameters_of(settings: Sequence[Setting]) -> tuple[Parameter, ...]:
    """Return a parameter for each name whose values differ, with the range that was met; one that is absent at times waits for another."""
    names = dict.fromkeys(name for setting in settings for name in setting)
    made = [_parameter(name, [setting[name] for setting in settings if name in setting]) for name in names]
    found = {one.name: one for one in made if one is not None}
    return tuple(_waiting(one, found, settings) for one in found.values())


def _lone(settings: Sequence[Setting]) -> set[str]:
    """Return the names that have one value only: they change nothing."""
    values: dict[str, set[tuple[type, Value]]] = {}
    for setting in settings:
        for name, value in setting.items():
            values.setdefault(name, set()).add((type(value), value))
    return {name for name, kinds in values.items() if len(kinds) < 2}


def _parameter(name: str, values: Sequence[Value]) -> Parameter | None:
    different = list(dict.fromkeys((type(value), value) for value in values))
    if len(different) < 2:
        return None
    if all(isinstance(value, bool) for value in values):
        return Switch(name=name)
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(values):
        return Choice(name=name, values=tuple(value for _, value in different))
    low, high = min(numbers), max(numbers)
    log = low > 0 and high >= _LOG * low
    if all(isinstance(number, int) for number in numbers) and max(-low, high) <= 2**53:
        return Whole(name=name, low=int(low), high=int(high), log=log)
    return Real(name=name, low=float(low), high=float(high), log=log)


def _waiting(one: Parameter, found: Mapping[str, Parameter], settings: Sequence[Setting]) -> Parameter:
    """Let a parameter that is absent at times wait for the choice or switch that tells when it is there."""
    if all(one.name in setting for setting in settings):
        return one
    for other in found.values():
        if (
            other.name == one.name
            or not isinstance(other, Choice | Switch)
            or not all(other.name in setting for setting in settings)
        ):
            continue
        there = {setting[other.name] for setting in settings if one.name in setting}
        gone = {setting[other.name] for setting in settings if one.name not in setting}
        if not there & gone:
            return msgspec.structs.replace(one, when=(When(other.name, tuple(sorted(there, key=repr))),))
    return one


def widened(process: Process, settings: Sequence[Setting]) -> Process:
    """Return a process whose ranges hold these settings, too; parameters that it does not know stay unknown."""
    made = tuple(
        _wider(parameter, [setting[parameter.name] for setting in settings if parameter.name in setting])
        for parameter in process.parameters
    )
    return msgspec.structs.replace(process, parameters=made)


def _wider(parameter: Parameter, values: Sequence[Value]) -> Parameter:
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    match parameter:
        case Real(low=low, high=high, log=log) if numbers:
            least, most = min(low, *map(float, numbers)), max(high, *map(float, numbers))
            return msgspec.structs.replace(parameter, low=least, high=most, log=log and least > 0)
        case Whole(low=low, high=high, log=log, levels=()) if numbers and all(
            isinstance(number, int) for number in numbers
        ):
            lowest, highest = min(low, *map(int, numbers)), max(high, *map(int, numbers))
            return msgspec.structs.replace(parameter, low=lowest, high=highest, log=log and lowest > 0)
        case Choice(values=known) if values:
            kinds = {(type(value), value) for value in known}
            fresh = dict.fromkeys(value for value in values if (type(value), value) not in kinds)
            return msgspec.structs.replace(parameter, values=(*known, *fresh))
    return parameter


def fits(row: Row, process: Process) -> str:
    """Say why a row is no run of the process: a number for every metric is missing; empty where it is one."""
    missing = [one.name for one in process.metrics if one.name not in row.metrics] if row.fault is None else []
    if not missing:
        return ""
    why = f"it was {row.status or 'rejected'}" if row.decision == "rejected" else "it tells of no fault"
    return f"it has no number for {', '.join(missing)}, and {why}"
