"""What a pack says to one process: of a change, in one of three words; and of all of its space, as kin for the planner.

A change is asked of by the halves that it moves between: 7 to 9 of a range to 10 is no question, 4 to 9 is one. What a pack
says of each parameter that is moved adds up,

    word = sign Σ_j m_j w_j,   m_j = sign(half after - half before)                                              (eq. 1)

and that is all there is to hear: which parameter it was, how far, and how sure, is not said. As kin it has no runs; what it
says is read off at settings drawn from this process's own space, rising evenly over a range:

    z(x) = Σ_j w_j (2 u_j(x) - 1)                                                                                 (eq. 2)

"""

import hashlib
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from kaizen.errors import Malformed
from kaizen.parameter import Choice, Real, Revision, Whole
from kaizen.process import Process
from kaizen.setting import Setting
from kaizen.veteran import renaming
from kaizen.veteran.packs import Pack, Said, hashed
from kaizen.veteran.tally import half, sort_of, spelled, unit_of
from kaizen.veteran.transfer import Kin

FOR: Final = 0.65
"""The chance that an increment is better which a pack speaks for, before its record is known."""
AGAINST: Final = 0.15
_SETTINGS = 64  # that a pack is read off at
_DRAWN = 4 * _SETTINGS
_SHARED = 0.5  # of a process's parameters that a pack must speak of to be kin


class Opinion(NamedTuple):
    """What a pack says of one increment."""

    name: str
    """``pack north``."""
    word: int
    """1: for it; -1: against it."""
    shared: float
    """The share of the process's parameters that the pack speaks of."""

    @property
    def better(self) -> float:
        """The chance of *better* that it stands for."""
        return FOR if self.word > 0 else AGAINST


class Beside(Protocol):
    """Whatever is asked beside the processes that are remembered."""

    @property
    def names(self) -> tuple[str, ...]:
        """What opinions are called by."""
        ...

    def opinions(self, process: Process, before: Setting, after: Setting, *, learning: bool) -> Sequence[Opinion]:
        """Return what it says of a change; of an outcome that is known already, where it is asked to be learned of."""
        ...


class Heard(NamedTuple):
    """A pack, as one process understands it."""

    pack: Pack
    process: Process
    said: Mapping[str, Said]
    """By own parameter: what is said of it."""
    names: Mapping[str, str]
    """By own parameter: the owner's name of it."""

    @property
    def shared(self) -> float:
        """The share of the process's parameters that the pack speaks of."""
        free = sum(not isinstance(parameter, Revision) for parameter in self.process.parameters)
        return len(self.said) / free if free else 0.0


def hear(pack: Pack, process: Process, renames: Mapping[str, str] | None = None) -> Heard | None:
    """Find a process's own parameters in a pack; ``None`` where it speaks of none, or of what is better elsewhere.

    ``renames`` are the owner's names by own name. The metric is the first one; where its name is another, only the direction
    must be the same.
    """
    if pack.better != process.metrics[0].better:
        return None
    there: dict[str, list[Said]] = {}
    for one in pack.said:
        there.setdefault(one.key, []).append(one)
    found, names = {}, {}
    for parameter in process.parameters:
        if isinstance(parameter, Revision):
            continue
        name = (renames or {}).get(parameter.name, parameter.name)
        known = there.get(hashed(pack.salt, sort_of(parameter), name), [])
        unit = hashed(pack.salt, "unit", unit_of(parameter)) if unit_of(parameter) else ""
        fitting = [one for one in known if not (one.unit and unit) or one.unit == unit]
        if fitting:
            closest = max(fitting, key=lambda one: one.unit == unit)
            found[parameter.name], names[parameter.name] = closest, name
    return Heard(pack, process, found, names) if found else None


def read_renames(told: Sequence[str]) -> dict[str, str]:
    """Read renames of names alone; return the owner's names by own name.

    Raises:
        Clash: a name is told twice.
        Malformed: it is no rename, or scales or shifts.
    """
    made = [renaming.read(one) for one in told]
    for one in made:
        if not one.plain:
            raise Malformed(
                f"a pack's rename must be of names alone; got {one}",
                hint=f"a half is a half in any unit: {one.there}={one.here}",
            )
    renaming.check_once(made)
    return {one.here: one.there for one in made}


# ── the nod ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def question(heard: Heard, before: Setting, after: Setting) -> tuple[str, ...]:
    """Return what a change asks of a pack: ``heat+``, ``rack 'low'>'top'``; empty where it asks nothing."""
    asked = []
    for name in sorted(heard.said):
        move = _move(heard, name, before, after)
        if move is not None:
            asked.append(move[0])
    return tuple(asked)


def answer(heard: Heard, before: Setting, after: Setting) -> int:
    """Return the pack's word on a change (eq. 1): 1 for it, -1 against it, 0 nothing to say."""
    moves = (_move(heard, name, before, after) for name in heard.said)
    total = sum(move[1] for move in moves if move is not None)
    return (total > 0) - (total < 0)


def _move(heard: Heard, name: str, before: Setting, after: Setting) -> tuple[str, int] | None:
    """Return one parameter's part of a question, and what is said of it; ``None`` where it is not moved between halves."""
    if name not in before or name not in after or before[name] == after[name]:
        return None
    parameter, said = heard.process.parameter(name), heard.said[name]
    if isinstance(parameter, Choice):
        words = [_of_value(heard, name, setting) for setting in (before, after)]
        if words[0] is None or words[1] is None:
            return None
        return f"{name} {spelled(before[name])}>{spelled(after[name])}", words[1] - words[0]
    moved = half(parameter, after[name]) - half(parameter, before[name])
    if not moved:
        return None
    up = 1 if moved > 0 else -1
    return f"{name}{'+' if up > 0 else '-'}", up * said.says


def _of_value(heard: Heard, name: str, setting: Setting) -> int | None:
    """Return what is said of a choice's value; ``None`` of one that the owner has not."""
    known = heard.said[name].values or {}
    return known.get(hashed(heard.pack.salt, "value", heard.names[name], spelled(setting[name])))


# ── the planner's prior ───────────────────────────────────────────────────────────────────────────────────────────────
def kin_of(heard: Heard) -> Kin | None:
    """Return a pack as kin (eq. 2); ``None`` where it knows too little of a process, or has nothing to say."""
    if heard.shared < _SHARED:
        return None
    settings = _drawn(heard.process)
    raw = [math.fsum(_adds(heard, name, setting) for name in heard.said) for setting in settings]
    width = statistics.pstdev(raw) if raw else 0.0
    if len(settings) < _SETTINGS // 8 or width == 0.0:
        return None
    middle = statistics.fmean(raw)
    told = repr((heard.pack.sum, heard.process.parameters, heard.process.constraints, sorted(heard.names.items())))
    return Kin(
        processes=(f"a pack of {heard.pack.name}",),
        metric=heard.process.metrics[0].name,
        settings=settings,
        scores=tuple((one - middle) / width for one in raw),
        faults=(False,) * len(settings),
        shared=heard.shared,
        digest=hashlib.blake2b(told.encode(), digest_size=12).hexdigest(),
        told=False,
    )


def _adds(heard: Heard, name: str, setting: Setting) -> float:
    """Return one parameter's part of eq. 2; nothing where it is inactive."""
    if name not in setting:
        return 0.0
    parameter, said = heard.process.parameter(name), heard.said[name]
    if isinstance(parameter, Choice):
        return float(_of_value(heard, name, setting) or 0)
    if isinstance(parameter, Real | Whole):
        return said.says * (2.0 * parameter.place(setting[name]) - 1.0)
    return float(said.says * half(parameter, setting[name]))


def _drawn(process: Process) -> tuple[Setting, ...]:
    """Return settings of a process's own space: the same ones while its description is the same."""
    import numpy as np  # no nod needs it

    from kaizen.surrogate.space import Space

    space = Space(process)
    rows = space.uniform(_DRAWN, np.random.default_rng(_DRAWN))
    made = (space.decode(row) for row in rows[space.allowed(rows)])
    return tuple(dict.fromkeys(one for one in made if one is not None))[:_SETTINGS]
