"""A process: repeatable work being improved. What may change, how it is tried, what is measured, and its policy."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from kaizen.constraint import check_names, holds
from kaizen.errors import Clash, Malformed, Mistake, OutOfRange, Undeclared
from kaizen.metric import UTILITY, Guard, Metric, check_guard, check_metric
from kaizen.parameter import Parameter, Real, Revision, Whole, check_conditions, check_parameter, is_active
from kaizen.setting import Numbers, Setting, Texts, Value
from kaizen.stride import may_move

MEASURED = ("seconds", "cpu_seconds", "peak_memory", "exit_status")
"""What Kaizen measures itself around a command: s, s, MiB, and the command's own status."""

_NAME = re.compile(r"[^\W\d]\w*([.-]\w+)*")


PATIENCE = 40
"""The most pairs that a trial may take, unless a policy says otherwise."""

PLANNERS = ("steps", "model")
"""The built-in planners, by the names that a policy gives them."""
_THE_SHELLS_OWN = frozenset(
    {"PATH", "HOME", "IFS", "PWD", "OLDPWD", "SHELL", "USER", "ENV", "CDPATH", "PS1", "PS2", "PS4", "TMPDIR"}
)


class Shell(msgspec.Struct, frozen=True, kw_only=True, tag="shell", tag_field="kind"):
    """A command run by the shell; the setting arrives in its environment, never by string formatting."""

    command: str
    reads: Texts = Texts()
    """Where each metric comes from: ``json``, ``pattern:REGEX``, or one of ``MEASURED``.

    A pattern's number stands in its group of the metric's name, or in its only group.
    """
    within: float | None = None
    """A run's own limit, in seconds; the whole process group is killed beyond it."""
    memory: float | None = None
    """A run's own limit, in MiB, where the platform has one."""
    directory: str = "."
    """Where it runs, relative to the recipe."""
    environment: Texts = Texts()
    """More variables for the command."""


class Function(msgspec.Struct, frozen=True, kw_only=True, tag="function", tag_field="kind"):
    """A Python function, called with the setting as keyword arguments in a process of its own."""

    name: str
    """``module:qualified.name``, for people; the code itself is never stored."""
    source: str = ""
    """Fingerprint of its source, so that an edited function is seen."""
    within: float | None = None
    memory: float | None = None


class Hands(msgspec.Struct, frozen=True, kw_only=True, tag="hands", tag_field="kind"):
    """Nobody but the asker knows how: a person, a robot or another program asks and tells."""


Work = Shell | Function | Hands


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What the process allows; it lives in the ledger, not in a face."""

    planner: str = "model"
    """Who plans: ``model`` (learns from every run) or ``steps`` (small steps, standard library alone)."""
    memory: bool = True
    """Whether planners are told what other processes tried, of this ledger and of those attached to it."""
    carry: Literal["off", "ask", "on"] = "ask"
    """Whether what related processes have proven is proposed here: by itself (``on``), or once somebody says so (``ask``)."""
    consent: str = "automatic"
    """Who agrees to adopt: ``automatic``, or a person's name."""
    pairs: int | None = PATIENCE
    """Patience: the most pairs a trial may take, by which it proves with fewer; ``None`` for no cap."""
    estimand: Literal["typical", "mean"] = "typical"
    """What *better* means: ``typical``, or ``mean`` (better on average; noisy metrics then need bounds)."""
    both_ways: bool = False
    """Whether a trial proves a loss as it proves a gain, each at half of its α: for a question, not for improving."""
    nulls: int = 20
    """After so many trials a copy of the standard is tried: a live alarm for the judge; 0 for never."""
    shadow: float = 0.05
    """The share of runs that go on comparing a proven standard with the one before; 0 for none."""
    trials: int = 1
    """The most trials open at once."""
    changes: int = 2
    """The most parameters one increment of the built-in planner may change."""
    risk: float | None = None
    """The largest share of planners' runs that may break a guard or fault, and the largest chance that any one does."""
    reasons: bool = False
    """Whether a proposal that the veteran warns of must say what is different now."""
    heed: bool = False
    """Whether what the veteran warns of is left alone when the process's own planner asks for it."""
    anyway: float = 0.07
    """The chance that such a one is tried anyway, by a coin in the ledger: where nothing but runs is at stake."""
    false_adoptions: float = 0.10
    """A of the error budget: the chance of ever adopting anything that is no better, before the first adoption."""
    share: float = 0.25
    """ω of the error budget: the share of it that the first trial may use; later ones use less and less."""
    lease: float = 30.0
    """Seconds without a heartbeat after which a worker counts as lost."""
    runs: int | None = None
    seconds: float | None = None
    money: float | None = None
    """The budget in all: runs, seconds of running, told money."""
    adopted_file: str = ""
    """JSON or TOML file, relative to the recipe, to which the adopted setting is written."""
    adopted_hook: str = ""
    """Command that is handed the adopted setting as JSON on its standard input."""

    @property
    def patience(self) -> int:
        """How many pairs a gain that is just worthwhile is worth: the cap of a trial, or the usual one where there is none."""
        return PATIENCE if self.pairs is None else self.pairs


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """A process as described; ``check_process`` has accepted it."""

    name: str
    parameters: tuple[Parameter, ...]
    metrics: tuple[Metric, ...]
    standard: Setting
    constraints: tuple[str, ...] = ()
    guards: tuple[Guard, ...] = ()
    work: Work = Hands()
    policy: Policy = Policy()
    about: str = ""

    def parameter(self, name: str) -> Parameter:
        """Return the parameter of that name, or raise ``Undeclared``."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        known = ", ".join(p.name for p in self.parameters)
        raise Undeclared(f"a parameter of {self.name} must be one of {known}; got {name!r}")

    def metric(self, name: str) -> Metric:
        """Return the metric of that name, or raise ``Undeclared``."""
        for metric in self.metrics:
            if metric.name == name:
                return metric
        known = ", ".join(m.name for m in self.metrics)
        raise Undeclared(f"a metric of {self.name} must be one of {known}; got {name!r}")

    @property
    def exact(self) -> bool:
        """Whether every metric is exact, so that a trial takes one pair and no error budget."""
        return all(metric.exact for metric in self.metrics)

    def setting(self, values: Mapping[str, Any]) -> Setting:
        """Check values of all active parameters and seal them.

        Raises:
            Undeclared: a name that is no parameter.
            OutOfRange: a value out of range, a missing or an inactive parameter, a broken constraint.
        """
        sealed = self._seal(values)
        for text in self.constraints:
            if not holds(text, sealed):
                raise OutOfRange(f"a setting of {self.name} must keep {text!r}; got {sealed}")
        return sealed

    def allows(self, values: Mapping[str, Any]) -> bool:
        """Tell whether ``setting`` would accept these values."""
        try:
            self.setting(values)
        except Mistake:  # also one for which a constraint cannot be computed
            return False
        return True

    def changed(self, before: Setting, changes: Mapping[str, Any]) -> Setting:
        """Apply changes to a setting; parameters that become inactive are left out.

        Raises:
            OutOfRange: nothing changes, or a parameter that becomes active is not given.
        """
        for name in changes:
            self.parameter(name)
        wanted = {**before, **changes}
        kept: dict[str, Any] = {}
        for parameter in self._in_order():
            name = parameter.name
            if not is_active(parameter, kept):
                if name in changes:
                    raise OutOfRange(f"{name} must be left out while {_wait(parameter)}; got {changes[name]!r}")
                continue
            if name not in wanted:
                raise OutOfRange(
                    f"{name} must be given, since the change makes it active; got nothing",
                    hint=f"it is {parameter.span}",
                )
            kept[name] = parameter.check(wanted[name])
        after = self.setting(kept)
        if after == before:
            raise OutOfRange(
                f"an increment must change the standard; got {Setting(changes) or 'nothing'}, which is what it has"
            )
        return after

    def overstepped(self, before: Setting, after: Setting) -> tuple[Real | Whole, ...]:
        """Return the parameters that one increment must not move so far (``at_most``); one newly active may be anywhere."""
        return tuple(
            parameter
            for parameter in self.parameters
            if isinstance(parameter, Real | Whole) and parameter.name in before and parameter.name in after
            and not may_move(parameter, before[parameter.name], after[parameter.name])
        )  # fmt: skip

    def reading(self, values: Mapping[str, Any]) -> Numbers:
        """Check a value for every metric and seal them.

        Raises:
            Undeclared: a name that is no metric.
            OutOfRange: a metric is missing, not finite or outside its bounds.
        """
        for name in values:
            self.metric(name)
        missing = [metric.name for metric in self.metrics if metric.name not in values]
        if missing:
            raise OutOfRange(
                f"a reading of {self.name} must have {', '.join(missing)}; got {', '.join(values) or 'nothing'}"
            )
        return Numbers({metric.name: metric.check(values[metric.name]) for metric in self.metrics})

    def broken_guards(self, reading: Mapping[str, float]) -> tuple[Guard, ...]:
        """Return the guards a reading breaks."""
        return tuple(guard for guard in self.guards if guard.broken_by(reading[guard.metric]))

    def active(self, values: Mapping[str, Any]) -> tuple[Parameter, ...]:
        """Return the parameters that are active under ``values``, conditions before what waits for them."""
        kept: dict[str, Any] = {}
        found = []
        for parameter in self._in_order():
            if is_active(parameter, kept):
                found.append(parameter)
                if parameter.name in values:
                    kept[parameter.name] = values[parameter.name]
        return tuple(found)

    def _seal(self, values: Mapping[str, Any]) -> Setting:
        for name in values:
            self.parameter(name)
        kept: dict[str, Value] = {}
        for parameter in self._in_order():
            name = parameter.name
            if is_active(parameter, kept):
                if name not in values:
                    raise OutOfRange(f"{name} must be given; got nothing", hint=f"it is {parameter.span}")
                kept[name] = parameter.check(values[name])
            elif name in values:
                raise OutOfRange(f"{name} must be left out while {_wait(parameter)}; got {values[name]!r}")
        return Setting(kept)

    def _in_order(self) -> Iterable[Parameter]:
        """Walk parameters so that each comes after those it waits for."""
        if not any(parameter.when for parameter in self.parameters):
            return self.parameters
        done: dict[str, Parameter] = {}
        while len(done) < len(self.parameters):
            for parameter in self.parameters:
                if parameter.name not in done and all(when.parameter in done for when in parameter.when):
                    done[parameter.name] = parameter
        return tuple(done.values())


def check_process(process: Process) -> Process:
    """Return a described process, its standard as kept; refuse one that cannot be right.

    Raises:
        Mistake: whatever is wrong, in one sentence.
    """
    if not _NAME.fullmatch(process.name):
        raise Malformed(
            f"a process's name must be a letter, then letters, digits, _ and single - or .; got {process.name!r}"
        )
    _check_names(process)
    for parameter in process.parameters:
        check_parameter(parameter)
    process = msgspec.structs.replace(process, parameters=check_conditions(process.parameters))
    for metric in process.metrics:
        check_metric(metric)
    for guard in process.guards:
        process.metric(guard.metric)
        check_guard(guard)
    _check_judging(process)
    names = frozenset(parameter.name for parameter in process.parameters)
    for text in process.constraints:
        check_names(text, names)
    check_policy(process.policy)
    _check_work(process)
    return msgspec.structs.replace(process, standard=process.setting(process.standard))


def _check_judging(process: Process) -> None:
    """Refuse what no judge could judge: means without bounds, a worth beside a metric of utility's own name."""
    for metric in process.metrics:
        if process.policy.estimand == "mean" and not metric.exact and (metric.low is None or metric.high is None):
            raise Malformed(
                f"{metric.name} must have bounds, since means are judged; got {metric.low} to {metric.high}",
                hint=f"say what no sound reading can leave: low and high of {metric.name}, or estimand = 'typical'",
            )
        if metric.worth > 0 and any(other.name == UTILITY.name for other in process.metrics):
            raise Clash(f"a metric must not be called {UTILITY.name} where metrics have a worth; got both")
        if metric.worth > 0 and process.policy.estimand == "mean":
            raise Malformed(
                f"{metric.name} must have no worth where means are judged; got {metric.worth:g}",
                hint="utility is judged as typical",
            )


def check_policy(policy: Policy) -> None:
    """Refuse a policy nobody can keep.

    Raises:
        Malformed: a number out of range.
    """
    for field, low, high in (
        ("pairs", 1, 10_000), ("trials", 1, 1_000), ("nulls", 0, 10_000), ("shadow", 0.0, 0.5), ("changes", 1, 100), ("lease", 1.0, 31_536_000.0),
        ("false_adoptions", 1e-6, 0.5), ("share", 1e-3, 1.0), ("risk", 1e-3, 0.5), ("anyway", 0.0, 1.0),
        ("runs", 0, 10**12), ("seconds", 0.0, math.inf), ("money", 0.0, math.inf),
    ):  # fmt: skip
        value = getattr(policy, field)
        if value is not None and not low <= value <= high:
            raise Malformed(f"policy {field} must be from {low:g} to {high:g}; got {value!r}")
    if policy.carry not in {"off", "ask", "on"}:
        raise Malformed(f"policy carry must be one of off, ask, on; got {policy.carry!r}")
    if policy.estimand not in {"typical", "mean"}:
        raise Malformed(f"policy estimand must be one of typical, mean; got {policy.estimand!r}")
    if policy.both_ways and (policy.pairs is None or policy.estimand != "typical"):
        raise Malformed(
            "a policy that proves both ways must have a cap on the pairs and judge what is typical; "
            f"got pairs {policy.pairs}, estimand {policy.estimand}"
        )
    if policy.planner not in PLANNERS:
        raise Malformed(f"policy planner must be one of {', '.join(PLANNERS)}; got {policy.planner!r}")
    if not policy.consent.strip():
        raise Malformed("policy consent must be 'automatic' or a person's name; got nothing")


def _check_names(process: Process) -> None:
    for what, items in (("parameters", process.parameters), ("metrics", process.metrics)):
        names = [item.name for item in items]
        if not names:
            raise Malformed(f"{process.name} must have {what}; got none")
        for name in names:
            if names.count(name) > 1:
                raise Clash(f"{what} of {process.name} must have different names; got {name!r} twice")
    for metric in process.metrics:
        if any(metric.name == parameter.name for parameter in process.parameters):
            raise Clash(f"a metric of {process.name} must not share a parameter's name; got {metric.name!r}")


def _check_work(process: Process) -> None:
    if isinstance(process.work, Hands):
        return
    for field in ("within", "memory"):
        limit = getattr(process.work, field)
        if limit is not None and not (math.isfinite(limit) and limit > 0):
            raise Malformed(f"{field} of {process.name} must be a number above 0; got {limit!r}")
    if isinstance(process.work, Shell):
        for name, source in process.work.reads.items():
            process.metric(name)
            if source.startswith("pattern:"):
                check_pattern(source.removeprefix("pattern:"), name)
            elif source != "json" and source not in MEASURED:
                raise Malformed(f"{name} must be read from json, a pattern or {', '.join(MEASURED)}; got {source!r}")
        _check_shell_names(process.parameters)


def check_pattern(pattern: str, metric: str) -> None:
    """Refuse a pattern that is none, or that does not say where the number of ``metric`` stands.

    Raises:
        Malformed: no regular expression, or neither a group named like the metric nor one group alone.
    """
    try:
        found = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise Malformed(f"{metric}'s pattern must be a regular expression; got {pattern!r}: {error}") from error
    if metric not in found.groupindex and found.groups != 1:
        raise Malformed(
            f"{metric}'s pattern must have one group, or one named {metric}; got {pattern!r}",
            hint=f"mark where the number stands: {metric}: (?P<{metric}>[0-9.]+)",
        )


def _check_shell_names(parameters: Iterable[Parameter]) -> None:
    for parameter in parameters:
        if not parameter.name.isascii():
            raise Malformed(
                f"a parameter's name must be plain letters, digits and _ for a command; got {parameter.name!r}",
                hint="the shell knows it as a variable",
            )
        if parameter.name in _THE_SHELLS_OWN or parameter.name.startswith(("KAIZEN_", "LD_", "DYLD_")):
            raise Malformed(
                f"a parameter's name must not be one that the shell or Kaizen lives by; got {parameter.name!r}",
                hint=f"call it {parameter.name.lower()}",
            )


def has_revision(process: Process) -> bool:
    """Tell whether the code itself may change."""
    return any(isinstance(parameter, Revision) for parameter in process.parameters)


def _wait(parameter: Parameter) -> str:
    return " and ".join(f"{when.parameter} is not {' or '.join(map(repr, when.values))}" for when in parameter.when)
