"""The bench's side of the pipe: a peer in a Python of its own, as a method like the others."""

import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.planner.problem import Missing, Problem
from benchmarks.planner.tasks import SettingMap
from benchmarks.planner.world import Outcome
from kaizen.constraint import parse
from kaizen.parameter import Choice, Parameter, Real, Switch, Whole
from kaizen.setting import Value

_HERE = Path(__file__).parent
_PATIENCE = 3_600.0  # seconds for one answer; then the peer counts as hung
_LAST = 2_000  # characters of what a peer said before it broke
_ONE_THREAD = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"),
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
    "PYTHONHASHSEED": "0",
    "PYTHONWARNINGS": "ignore",
    "TQDM_DISABLE": "1",
}


Tried = Sequence[tuple[Mapping[str, Value], float | None]]
"""What was tried on a related problem: settings with the reading of the first goal, ``None`` where it failed."""


class Broken(Exception):
    """A peer could not answer, or hung up; the message is its own."""


def driver(name: str) -> Path:
    """Return the script that speaks for a peer."""
    return _HERE / f"drive_{name}.py"


class Peer:
    """A peer behind a pipe: told what the other methods know, what came of each run, and of related problems if any."""

    def __init__(
        self,
        known: Problem,
        *,
        python: Path,
        script: Path,
        options: Mapping[str, Any] | None = None,
        pasts: Sequence[Tried] = (),
    ) -> None:
        self._known, self._cpu, self._asked = known, 0.0, dict[str, Value]()
        self._chatter = tempfile.TemporaryFile()  # noqa: SIM115 - close() closes it
        self._process = subprocess.Popen(
            [str(python), str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._chatter,
            text=True,
            encoding="utf-8",
            env={**{k: v for k, v in os.environ.items() if k != "PYTHONPATH"}, **_ONE_THREAD},
        )
        self._name = script.stem.removeprefix("drive_")
        try:
            told = {**_problem(known), "pasts": [_past(known, tried) for tried in pasts]}
            self.version: str = self._call("problem", **told, options=dict(options or {}))["version"]
        except BaseException:
            self.close()
            raise
        self._cpu = 0.0  # its start is not counted, as no other method's is

    def ask(self) -> SettingMap:
        """Ask the peer."""
        self._asked = _decoded(self._known.task.parameters, self._call("ask")["setting"])
        return dict(self._asked)

    def tell(self, outcome: Outcome) -> None:
        """Tell what ran, what it read or why it failed, and by how much it breaks each guard."""
        self._call(
            "tell",
            setting=_encoded(self._known.task.parameters, outcome.setting),
            moved=outcome.setting != self._asked,
            values=outcome.reading,
            fault=outcome.fault,
            broken=limits(self._known, outcome.reading) if outcome.reading else (),
        )

    def recommend(self) -> SettingMap | None:
        """Return what the peer calls its choice."""
        chosen = self._call("recommend")["setting"]
        return None if chosen is None else _decoded(self._known.task.parameters, chosen)

    def cpu(self) -> float:
        """Return the seconds of CPU that its answers took, in its own process."""
        return self._cpu

    def close(self) -> None:
        """Hang up, and end it where it does not end by itself."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._chatter.close()

    def _call(self, name: str, **more: Any) -> dict[str, Any]:
        """Send a call and return its answer; questions about constraints are answered on the way.

        Raises:
            Missing: the peer has no way to do what the problem needs.
            Broken: it failed, hung or ended.
        """
        watch = threading.Timer(_PATIENCE, self._process.kill)
        watch.start()
        try:
            self._send({"call": name, **more})
            answer = self._read(name)
            while "allows" in answer:
                setting = _decoded(self._known.task.parameters, answer["allows"])
                self._send({"allowed": self._known.task.allows(setting)})
                answer = self._read(name)
        finally:
            watch.cancel()
        self._cpu += answer["cpu"]
        if answer.get("unsupported"):
            raise Missing(f"{self._name} cannot run this: {answer['error']}")
        if "error" in answer:
            raise Broken(f"{self._name}: {answer['error']}{self._last_words()}")
        return answer

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._ended(str(message.get("call", "an answer"))) from error

    def _read(self, name: str) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise self._ended(name)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _ended(self, name: str) -> Broken:
        status = self._process.wait()
        return Broken(f"{self._name} ended with status {status} at {name!r}{self._last_words()}")

    def _last_words(self) -> str:
        """Return the end of what it wrote to standard error."""
        self._chatter.seek(0)
        words = self._chatter.read()[-_LAST:].decode(errors="replace").strip()
        return f"; it said:\n{words}" if words else ""


def limits(known: Problem, reading: Mapping[str, float] | None = None) -> tuple[float, ...]:
    """Return by how much each limit of the guards is broken, above 0 where it is; 0 each without a reading."""
    found: list[float] = []
    for guard in known.task.guards:
        value = reading[guard.metric] if reading else 0.0
        found += [guard.at_least - value] if guard.at_least is not None else []
        found += [value - guard.at_most] if guard.at_most is not None else []
    return tuple(found) if reading else (0.0,) * len(found)


def _problem(known: Problem) -> dict[str, Any]:
    """Return a problem in the wire's plain terms."""
    task = known.task
    by_name = {p.name: p for p in task.parameters}
    guards = []
    for guard in task.guards:
        guards += [{"metric": guard.metric, "min": guard.at_least}] if guard.at_least is not None else []
        guards += [{"metric": guard.metric, "max": guard.at_most}] if guard.at_most is not None else []
    return {
        "parameters": [
            {
                "name": p.name,
                **_range(p),
                "when": [(w.parameter, [_plain(by_name[w.parameter], value) for value in w.values]) for w in p.when],
            }
            for p in task.parameters
        ],
        "goals": [{"name": goal.name, "better": goal.better} for goal in known.goals],
        "guards": guards,
        "constraints": [sorted(parse(text)[1]) for text in task.constraints],
        "standard": _encoded(task.parameters, known.standard),
        "seed": known.seed, "budget": known.budget, "exact": known.exact,
    }  # fmt: skip


def _past(known: Problem, tried: Tried) -> list[tuple[dict[str, Any], float | None]]:
    """Return what was tried on a related problem in the wire's plain terms, readings as losses."""
    turn = 1.0 if known.goals[0].better == "lower" else -1.0
    return [
        (_encoded(known.task.parameters, setting), None if value is None else turn * value) for setting, value in tried
    ]


def _range(parameter: Parameter) -> dict[str, Any]:
    match parameter:
        case Real(low=low, high=high, log=log):
            return {"kind": "real", "low": low, "high": high, "log": log, "values": (), "levels": False}
        case Whole(levels=levels) if levels:
            return {"kind": "whole", "low": 0, "high": len(levels) - 1, "log": False, "values": (), "levels": True}
        case Whole(low=low, high=high, log=log):
            return {"kind": "whole", "low": low, "high": high, "log": log, "values": (), "levels": False}
    return {"kind": "choice", "values": _words(parameter)}


def _words(parameter: Parameter) -> tuple[str, ...]:
    """Return the words that stand for a choice's values on the wire."""
    if isinstance(parameter, Switch):
        return ("no", "yes")
    assert isinstance(parameter, Choice)
    words = tuple(str(value) for value in parameter.values)
    return words if len(set(words)) == len(words) else tuple(f"{k}: {word}" for k, word in enumerate(words))


def _plain(parameter: Parameter, value: Value) -> Any:
    match parameter:
        case Real(low=low, high=high):
            return min(high, max(low, float(value)))  # a table may be off by a rounding
        case Whole(levels=levels) if levels:
            return levels.index(int(value))
        case Whole():
            return int(value)
        case Choice(values=values):
            return _words(parameter)[values.index(value)]
    return "yes" if value else "no"


def _encoded(parameters: Sequence[Parameter], setting: Mapping[str, Value]) -> dict[str, Any]:
    return {p.name: _plain(p, setting[p.name]) for p in parameters if p.name in setting}


def _decoded(parameters: Sequence[Parameter], plain: Mapping[str, Any]) -> SettingMap:
    """Return a setting from the wire, in the bounds and on the levels."""
    made: SettingMap = {}
    for p in parameters:
        if p.name not in plain:
            continue
        value = plain[p.name]
        match p:
            case Real(low=low, high=high):
                made[p.name] = min(high, max(low, float(value)))
            case Whole(levels=levels) if levels:
                made[p.name] = levels[min(len(levels) - 1, max(0, round(float(value))))]
            case Whole(low=low, high=high):
                made[p.name] = min(high, max(low, round(float(value))))
            case Choice(values=values):
                made[p.name] = values[_words(p).index(value)]
            case _:
                made[p.name] = value == "yes"
    return made
