"""The driver's side of the pipe: one JSON object a line, in and out. Standard library only: every peer's Python runs it.

    bench: {"call": "problem", …}   peer: {"version": "smac 2.4.1"}
    bench: {"call": "ask"}          peer: {"setting": {…}}
    bench: {"call": "tell", …}      peer: {}
    bench: {"call": "recommend"}    peer: {"setting": {…} or null}

Each answer carries ``cpu``, the seconds of CPU that the call took here, all threads together. Before an answer a driver may
ask ``{"allows": {…}}`` and is told ``{"allowed": true}``. A call that cannot be answered is ``{"error": "…"}``, with
``"unsupported": true`` where the peer has no such thing. Values on the wire are plain: a level is its rank, a choice or a
switch is a word, a parameter that is not active is absent.
"""

import importlib.metadata
import json
import os
import random
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TextIO

Values = dict[str, Any]


class Unsupported(Exception):
    """The peer has no way to do what the problem needs; the message says what."""


@dataclass(frozen=True)
class Parameter:
    """One parameter in the wire's plain terms."""

    name: str
    kind: str
    """``real``, ``whole`` (a range, or the ranks of levels) or ``choice`` (words)."""
    low: float = 0
    high: float = 0
    log: bool = False
    levels: bool = False
    """Whether the whole numbers are ranks of levels."""
    values: tuple[str, ...] = ()
    when: tuple[tuple[str, tuple[Any, ...]], ...] = ()

    def middle(self) -> Any:
        """Return a value to stand where there is none."""
        if self.kind == "choice":
            return self.values[0]
        middle = (self.low * self.high) ** 0.5 if self.log else (self.low + self.high) / 2
        return middle if self.kind == "real" else round(middle)


@dataclass(frozen=True)
class Goal:
    """A metric to be improved."""

    name: str
    better: str

    @property
    def sign(self) -> float:
        """What makes its readings losses."""
        return 1.0 if self.better == "lower" else -1.0


@dataclass(frozen=True)
class Told:
    """What came of a run."""

    setting: Values
    """What was run: what was asked for, or what it was moved to."""
    moved: bool
    values: Values | None
    fault: str
    broken: tuple[float, ...]
    """By how much each guard is broken, above 0 where it is; empty without guards or without values."""

    @property
    def sound(self) -> bool:
        """Whether there is a reading that keeps the guards."""
        return self.values is not None and not self.fault


class Problem:
    """What a driver may know, and what it was told so far."""

    def __init__(self, raw: Mapping[str, Any], allows: Callable[[Values], bool]) -> None:
        self.parameters = tuple(
            Parameter(**{**p, "values": tuple(p["values"]), "when": tuple((n, tuple(v)) for n, v in p["when"])})
            for p in raw["parameters"]
        )
        self.goals = tuple(Goal(**goal) for goal in raw["goals"])
        self.guards: list[Mapping[str, Any]] = raw["guards"]
        """Each limit by itself: its metric, and ``min`` or ``max``."""
        self.constraints: list[list[str]] = raw["constraints"]
        """The names that each constraint uses."""
        self.standard: Values = raw["standard"]
        self.seed, self.budget, self.exact = int(raw["seed"]), int(raw["budget"]), bool(raw["exact"])
        self.options: Mapping[str, Any] = raw["options"]
        self.pasts: list[list[tuple[Values, float | None]]] = raw.get("pasts") or []
        """What was tried on related problems: settings with the loss of the first goal, ``None`` where it failed."""
        self.allows = allows
        self.worst: list[float] | None = None
        """The worst loss seen of each goal."""
        self._least: tuple[float, Values] | None = None

    def losses(self, told: Told) -> list[float]:
        """Return the readings of the goals, lower is better."""
        assert told.values is not None
        return [goal.sign * told.values[goal.name] for goal in self.goals]

    def take(self, told: Told) -> None:
        """Remember the worst losses, and the setting of the best sound reading."""
        if not told.sound:
            return
        losses = self.losses(told)
        self.worst = losses if self.worst is None else [max(pair) for pair in zip(self.worst, losses, strict=True)]
        if self._least is None or losses[0] < self._least[0]:
            self._least = losses[0], told.setting

    @property
    def chosen(self) -> Values | None:
        """The setting of the best sound reading of the first goal."""
        return self._least[1] if self._least else None

    def active(self, setting: Mapping[str, Any]) -> Values:
        """Return a setting without the parameters that are not active."""
        kept: Values = {}
        for p in self.parameters:  # conditions come before what waits for them
            if all(kept.get(name) in values for name, values in p.when):
                kept[p.name] = setting[p.name]
        return kept

    def filled(self, setting: Mapping[str, Any], others: Mapping[str, Any] | None = None) -> Values:
        """Return a setting with a value for every parameter, for peers to whom all are always active."""
        stand_in = {**self.standard, **(others or {})}
        return {p.name: setting.get(p.name, stand_in.get(p.name, p.middle())) for p in self.parameters}


class Driver(Protocol):
    """One course of a peer; ``recommend`` may be left out, then it is the setting of the best sound reading."""

    def ask(self) -> Mapping[str, Any]:
        """Return the setting to run next."""
        ...

    def tell(self, told: Told) -> None:
        """Take what came of it."""
        ...


def serve(driver: Callable[[Problem], Driver], *packages: str) -> None:
    """Answer the bench until it hangs up; whatever else is printed goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    warnings.simplefilter("ignore")
    version = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    _Course(driver, version, answers).run(sys.stdin)


class _Course:
    """A driver between its two ends of the pipe."""

    def __init__(self, driver: Callable[[Problem], Driver], version: str, answers: TextIO) -> None:
        self._make, self._version, self._answers = driver, version, answers
        self._driver: Any = None
        self._problem: Any = None

    def run(self, calls: TextIO) -> None:
        self._calls = calls
        while line := calls.readline():
            call, began = json.loads(line), time.process_time()
            try:
                answer = self._answer(call)
            except Unsupported as error:
                answer = {"error": str(error), "unsupported": True}
            except Exception as error:  # noqa: BLE001 - whatever a peer raises is an answer
                traceback.print_exc()
                answer = {"error": f"{type(error).__name__}: {error}"}
            self._say({**answer, "cpu": time.process_time() - began})

    def _say(self, answer: Mapping[str, Any]) -> None:
        self._answers.write(json.dumps(answer, default=_plain) + "\n")
        self._answers.flush()

    def _answer(self, call: Mapping[str, Any]) -> Values:
        match call["call"]:
            case "problem":
                self._problem = Problem(call, self._allows)
                _seed(self._problem.seed)
                self._driver = self._make(self._problem)
                return {"version": self._version}
            case "ask":
                return {"setting": self._problem.active(self._driver.ask())}
            case "tell":
                told = Told(**{key: call[key] for key in ("setting", "moved", "values", "fault")},
                            broken=tuple(call["broken"]))  # fmt: skip
                self._problem.take(told)
                self._driver.tell(told)
                return {}
        chosen = self._driver.recommend() if hasattr(self._driver, "recommend") else self._problem.chosen
        return {"setting": None if chosen is None else self._problem.active(chosen)}

    def _allows(self, setting: Values) -> bool:
        """Ask the bench whether a setting keeps the constraints; those on absent parameters are left out."""
        self._say({"allows": setting})
        return bool(json.loads(self._calls.readline())["allowed"])


def _seed(seed: int) -> None:
    """Seed what a peer may draw from behind its own seed, and hold its threads to one."""
    random.seed(seed)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(seed)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
        torch.manual_seed(seed)


def _plain(value: Any) -> Any:
    """Return a number of NumPy's as Python's."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"an answer must be plain; got {type(value).__name__}")
