"""PLAN: the port to whatever proposes, and what it may answer."""

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from kaizen.journal import Head, Journal, Tried
from kaizen.metric import Metric
from kaizen.process import Process
from kaizen.setting import Numbers, Setting
from kaizen.standard import Increment
from kaizen.trial import Reading, Seat
from kaizen.verdict import Prospect
from kaizen.veteran.transfer import Kin


class Scout(msgspec.Struct, frozen=True, kw_only=True):
    """Run this setting once, to learn."""

    setting: Setting
    because: str


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is worth another run."""

    because: str


Plan = Scout | Increment | Stop


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """The veteran's frozen answer for this journal; empty where nothing is remembered."""

    words: str = ""
    kin: tuple[Kin, ...] = ()
    """What other processes tried that may bear on this one, the closest first."""
    warned: frozenset[Setting] = frozenset()
    """Settings that no trial is to be opened for against this standard: the veteran warned, and the policy heeds it."""


REMEMBERED = "as in "
"""How the reason of a scout begins that memory asked for; then come the processes that it is remembered from."""


Foretell = Callable[[float, float], Prospect]
"""What proof of a gain takes: ``prospect(gain, sd)`` in a metric's units of gain."""


class Planner(Protocol):
    """Proposes from the journal alone; what it caches may be thrown away at any time."""

    def plan(self, journal: Journal, *, advice: Advice, prospect: Foretell, seed: int) -> Plan:
        """Return a scout, an increment that deserves a trial, or a stop with its reason.

        ``prospect(gain, sd)`` tells what proof takes, in a metric's units of gain; the same
        journal, advice and seed give the same plan.
        """
        ...


def comparable(head: Head, rows: Sequence[Tried]) -> list[Tried]:
    """Return the rows that tell about the process as described now.

    Left out are runs of an earlier era, settings that an amendment ruled out, and runs whose only reading came late and
    lacks a metric that was added meanwhile.
    """
    process, names = head.process, [metric.name for metric in head.process.metrics]

    def tells(row: Tried) -> bool:
        if row.revision != head.revision and not process.allows(row.setting):
            return False
        return row.values is None or all(name in row.values for name in names)

    return [row for row in rows if row.seq > head.era and tells(row)]


class Noise(msgspec.Struct, frozen=True, kw_only=True):
    """How much one pair's difference scatters when nothing changes, for one metric."""

    sd: float
    freedom: int
    """Degrees of freedom behind it: differences seen, less what was fitted."""


def noise(process: Process, rows: Sequence[Tried], standard: Setting) -> dict[str, Noise]:
    """Estimate each noisy metric's scatter, from pairs of trials and from repeats of the standard among ``rows``.

    A pair's difference scatters around its trial's mean; two single runs of the standard differ by √2 of a run's
    scatter. Metrics with fewer than two degrees of freedom are left out.
    """
    found = {}
    for metric in process.metrics:
        if metric.exact:
            continue
        groups = [*pair_differences(metric, rows), [math.sqrt(2) * gain for gain in _repeats(metric, rows, standard)]]
        squares = sum(statistics.pvariance(group) * len(group) for group in groups if len(group) > 1)
        freedom = sum(len(group) - 1 for group in groups if len(group) > 1)
        if freedom >= 2:
            found[metric.name] = Noise(sd=math.sqrt(squares / freedom), freedom=freedom)
    return found


def pair_differences(metric: Metric, rows: Sequence[Tried]) -> list[list[float]]:
    """Return how much better each complete pair's increment read, in units of gain: a list for each trial among ``rows``."""
    sides: dict[tuple[int, int], dict[str, float]] = {}
    for row in rows:
        if (
            row.trial is not None
            and row.block is not None
            and row.side is not None
            and isinstance(row.outcome, Reading)
        ):
            for seat in (Seat(trial=row.trial, block=row.block), *row.serves):
                sides.setdefault((seat.trial, seat.block), {})[row.side] = row.outcome.values[metric.name]
    by_trial: dict[int, list[float]] = {}
    for (trial, _), pair in sides.items():
        if len(pair) == 2:
            by_trial.setdefault(trial, []).append(metric.gain(pair["increment"], pair["standard"]))
    return list(by_trial.values())


def _repeats(metric: Metric, rows: Sequence[Tried], standard: Setting) -> list[float]:
    values = [row.outcome.values[metric.name] for row in rows
              if row.trial is None and row.setting == standard and isinstance(row.outcome, Reading)]  # fmt: skip
    return [metric.gain(value, values[0]) for value in values]


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A scouted setting beside today's standard: gains in units of gain, odds and pairs of proving it better."""

    setting: Setting
    gains: dict[str, float]
    runs: int
    odds: float
    pairs: int

    def spell(self, process: Process) -> str:
        """Say what scouts saw: ``size -3.1%, cpu +0.4%``."""
        return ", ".join(f"{name} {process.metric(name).spell(gain)}" for name, gain in self.gains.items())


def candidates(head: Head, rows: Sequence[Tried], prospect: Foretell) -> tuple[Candidate, ...]:
    """Weigh every scouted setting among ``rows`` against the standard, most worth a trial first.

    Gains are medians beside the standard's own median; the odds are of the gain shrunken for what few runs may owe
    to luck. Settings that broke a guard, lie farther than one increment goes or cannot be *better* are left out. ``rows`` are ``comparable`` ones.
    """
    process, standard = head.process, head.standard.setting
    own = [row.values for row in rows if row.setting == standard and row.values is not None]
    seen: dict[Setting, list[Numbers]] = {}
    for row in rows:
        if row.purpose == "scout" and row.values is not None and row.setting != standard:
            seen.setdefault(row.setting, []).append(row.values)
    if not own:
        return ()
    scatter = noise(process, rows, standard)
    level = _medians(process, own)
    found = []
    for setting, readings in seen.items():
        at = _medians(process, readings)
        gains = {metric.name: metric.gain(at[metric.name], level[metric.name]) for metric in process.metrics}
        odds, pairs = _proof(head, gains, scatter, prospect)
        if odds > 0 and not process.broken_guards(at) and not process.overstepped(head.standard.setting, setting):
            found.append(Candidate(setting=setting, gains=gains, runs=len(readings), odds=odds, pairs=pairs))
    return tuple(sorted(found, key=lambda one: (-one.odds / one.pairs, str(one.setting))))


def _medians(process: Process, readings: Sequence[Numbers]) -> dict[str, float]:
    return {metric.name: statistics.median(values[metric.name] for values in readings) for metric in process.metrics}


def _proof(head: Head, gains: dict[str, float], scatter: dict[str, Noise], prospect: Foretell) -> tuple[float, int]:
    """Return odds and pairs of proving *better*: every margin kept, and something worthwhile gained."""
    kept, won = [(1.0, 1)], [(0.0, 1)]
    for metric in head.process.metrics:
        gain, wanted, loss = gains[metric.name], metric.as_gain(metric.worthwhile), metric.as_loss(metric.margin)
        if metric.exact:
            kept.append((1.0 if gain >= loss else 0.0, 1))
            won.append((1.0 if gain > 0 and gain >= wanted else 0.0, 1))
            continue
        sd = scatter[metric.name].sd if metric.name in scatter else None
        most = head.process.policy.patience
        kept.append(_foretell(gain - loss, sd, prospect, most))
        won.append(_foretell(gain, sd, prospect, most) if gain >= wanted else (0.0, most))
    best = max(won, key=lambda one: (one[0], -one[1]))
    return min(best[0], *(odds for odds, _ in kept)), max(best[1], *(pairs for _, pairs in kept))


def _foretell(gain: float, sd: float | None, prospect: Foretell, most: int) -> tuple[float, int]:
    """Foretell the proof of one noisy gain, shrunken toward none as its own size and the scatter suggest."""
    if gain <= 0:
        return 0.0, most
    scatter = gain if sd is None else sd  # nothing known: as noisy as it is large
    shrunken = gain * (gain / math.hypot(gain, scatter)) ** 2
    if shrunken <= 0:  # smaller than floats go
        return 0.0, most
    foreseen = prospect(shrunken, scatter)
    return foreseen.odds, foreseen.pairs
