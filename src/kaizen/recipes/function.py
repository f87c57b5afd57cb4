"""A Python function as a process: its annotations say what may change, its defaults are the standard.

    @improvable(lower("seconds", worthwhile=0.02))
    def pack(chunk: Annotated[int, whole(256, 65_536, log=True)] = 1_024,
             codec: Annotated[str, choice("zlib", "lzma")] = "zlib") -> float: ...

The function stays as it was and is called as before; ``process_of(pack)`` is its description.
"""

import hashlib
import inspect
import sys
import textwrap
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import CodeType, FrameType, FunctionType, SimpleNamespace
from typing import Any, ParamSpec, Protocol, TypeVar, cast, overload

import msgspec

from kaizen.constraint import parse
from kaizen.errors import KaizenError, Malformed, OutOfRange, Undeclared
from kaizen.metric import Guard, Metric
from kaizen.parameter import Choice, Parameter, Real, Revision, Switch, Whole, check_conditions, check_parameter
from kaizen.process import Function, Policy, Process, check_process
from kaizen.recipes import words
from kaizen.setting import Setting, Value

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
Waits = Mapping[str, Any] | None
"""A condition: a parameter's name and the value, or values, for which it waits."""


# -- marks -----------------------------------------------------------------------------------------------------------


class Mark(msgspec.Struct, frozen=True):
    """What may change, without its name: that is the argument's."""

    unnamed: Parameter

    def named(self, name: str) -> Parameter:
        """Return the parameter of that name.

        Raises:
            Malformed: the mark cannot be right in itself.
        """
        parameter = msgspec.structs.replace(self.unnamed, name=name)
        check_parameter(parameter)
        if isinstance(parameter, Real | Whole) and parameter.at_most is not None:
            parameter = msgspec.structs.replace(parameter, at_most=float(parameter.at_most))
        if isinstance(parameter, Real):  # stored alike, whether written 20 or 20.0
            step = None if parameter.step is None else float(parameter.step)
            return msgspec.structs.replace(parameter, low=float(parameter.low), high=float(parameter.high), step=step)
        return parameter


def real(
    low: float, high: float, *, log: bool = False, step: float | None = None, at_most: float | None = None,
    unit: str = "", when: Waits = None,
) -> Mark:  # fmt: skip
    """Let a number change between ``low`` and ``high``; ``log`` spaces it by ratios.

    ``at_most`` is how far one increment may move it: in its unit, or by a factor above 1 where ``log``.
    """
    waits = words.conditions(when)
    return Mark(Real(name="", low=low, high=high, log=log, step=step, at_most=at_most, unit=unit, when=waits))


@overload
def whole(
    low: int, high: int, *, log: bool = ..., step: int = ..., at_most: float | None = ..., unit: str = ...,
    when: Waits = ...,
) -> Mark: ...  # fmt: skip
@overload
def whole(*, levels: Iterable[int], at_most: float | None = ..., unit: str = ..., when: Waits = ...) -> Mark: ...
def whole(
    low: int | None = None,
    high: int | None = None,
    *,
    log: bool = False,
    step: int = 1,
    levels: Iterable[int] = (),
    at_most: float | None = None,
    unit: str = "",
    when: Waits = None,
) -> Mark:
    """Let a whole number change: from ``low`` to ``high``, or among rising ``levels``.

    ``at_most`` is how far one increment may move it: in its unit, by a factor where ``log``, in places among levels.

    Raises:
        Malformed: neither bounds nor levels, or both.
    """
    rising = tuple(levels)
    first, last = (rising[0], rising[-1]) if rising else (low, high)
    mixed = rising and (low is not None or high is not None or log or step != 1)
    if mixed or first is None or last is None:
        raise Malformed(
            f"whole must have low and high, or levels alone; got {low!r}, {high!r} and {rising!r}",
            hint="write whole(1, 16) or whole(levels=(1, 2, 4, 8))",
        )
    waits = words.conditions(when)
    made = Whole(
        name="", low=first, high=last, log=log, step=step, levels=rising, at_most=at_most, unit=unit, when=waits
    )
    return Mark(made)


def choice(*values: Value, when: Waits = None) -> Mark:
    """Let it be one of a few values in no order."""
    return Mark(Choice(name="", values=values, when=words.conditions(when)))


def switch(when: Waits = None) -> Mark:
    """Let it be true or false."""
    return Mark(Switch(name="", when=words.conditions(when)))


def revision(when: Waits = None) -> Mark:
    """Let the code itself change: a git commit or content hash."""
    return Mark(Revision(name="", when=words.conditions(when)))


_KINDS: dict[type, tuple[type, ...]] = {
    Real: (float,), Whole: (int, float), Switch: (bool,), Revision: (str,), Choice: (bool, int, float, str),
}  # fmt: skip
_FORGOTTEN: tuple[object, ...] = (real, whole, choice, switch, revision)


# -- the decorator ---------------------------------------------------------------------------------------------------


class Improvable(Protocol[P, R_co]):
    """A function that is called as before and carries its description."""

    process: Process
    __name__: str
    __qualname__: str
    __module__: str

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Do the work."""
        ...


def improvable(
    *rules: Metric | Guard | str,
    name: str | None = None,
    about: str | None = None,
    within: str | float | None = None,
    memory: str | float | None = None,
    consent: str | None = None,
    constraints: Iterable[str] = (),
    guards: Iterable[Guard | str] = (),
    policy: Policy | None = None,
) -> Callable[[Callable[P, R_co]], Improvable[P, R_co]]:
    """Describe a function as a process, when it is defined; it stays as it was.

    ``rules`` are its metrics, and guards and constraints among them (text over metrics alone is a guard).
    ``name`` and ``about`` default to the function's name and the first line of its docstring; ``within`` is
    ``"10 min"`` or seconds, ``memory`` ``"2 GiB"`` or MiB, each run's own; ``consent`` wins over the policy's.

    Raises:
        Mistake: whatever is wrong, in one sentence.
    """
    metrics, kept, limits = _sorted_rules(rules, guards, constraints)

    def describe(function: Callable[P, R_co]) -> Improvable[P, R_co]:
        plain = _checked(function)
        parameters, defaults = _read_arguments(plain, sys._getframe(1))  # noqa: SLF001 - where its local names are
        process = Process(
            name=plain.__name__ if name is None else name,
            parameters=parameters,
            metrics=metrics,
            standard=_standard(parameters, defaults),
            constraints=kept,
            guards=limits,
            work=_work(plain, within, memory),
            policy=_policy(policy or Policy(), consent),
            about=(inspect.getdoc(plain) or "").partition("\n")[0] if about is None else about,
        )
        described = cast("Improvable[P, R_co]", function)
        described.process = check_process(process)
        return described

    return describe


def process_of(function: Callable[..., object]) -> Process:
    """Return the description of an improvable function.

    Raises:
        Undeclared: nobody declared what may change.
    """
    found = getattr(function, "process", None)
    if isinstance(found, Process):
        return found
    raise Undeclared(
        f"{getattr(function, '__name__', function)} must be an improvable function; got one without a description",
        hint="put @improvable(lower('seconds')) above it",
    )


# -- reading a function ----------------------------------------------------------------------------------------------


def _checked(function: object) -> FunctionType:
    """Return the function, or refuse what cannot be called with a setting and return its reading."""
    if not isinstance(function, FunctionType):
        raise Malformed(
            f"what is improved must be a function written in Python; got {function!r}",
            hint="write one around it: its arguments are what may change",
        )
    if function.__name__ == "<lambda>":
        raise Malformed("what is improved must have a name; got a lambda", hint="write it with def")
    if (
        inspect.iscoroutinefunction(function)
        or inspect.isgeneratorfunction(function)
        or inspect.isasyncgenfunction(function)
    ):
        raise Malformed(
            f"{function.__name__} must return its reading; got a coroutine or generator",
            hint="write an ordinary function around it, as in return asyncio.run(work())",
        )
    return function


def _read_arguments(function: FunctionType, frame: FrameType) -> tuple[tuple[Parameter, ...], dict[str, Any]]:
    """Return the parameters that the marks declare, and their defaults."""
    called, by_name = function.__name__, "it is called with one keyword for each parameter"
    scope = _names_around(frame, function.__code__.co_filename)
    parameters: list[Parameter] = []
    defaults: dict[str, Any] = {}
    for argument in _signature(function).parameters.values():
        if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
            raise Malformed(
                f"every argument of {called} must have a name; got {argument}",
                hint=by_name,
            )
        mark = _mark(argument.name, _hint(function, argument, scope))
        if argument.default is argument.empty:
            raise Malformed(
                f"{argument.name} of {called} must have a default; got none",
                hint="the defaults are today's standard" if mark else "Kaizen gives only what is marked",
            )
        if mark is not None and argument.kind is argument.POSITIONAL_ONLY:
            raise Malformed(
                f"{argument.name} of {called} must be called by name; got an argument before the /", hint=by_name
            )
        if mark is not None:
            parameters.append(mark.named(argument.name))
            defaults[argument.name] = argument.default
    if not parameters:
        raise Malformed(
            f"{called} must have a marked argument; got none",
            hint="mark what may change: jobs: Annotated[int, whole(1, 16)] = 1",
        )
    return tuple(parameters), defaults


def _signature(function: FunctionType) -> inspect.Signature:
    if sys.version_info >= (3, 14):  # pragma: no cover - annotations are read late there
        import annotationlib

        return inspect.signature(function, annotation_format=annotationlib.Format.FORWARDREF)
    return inspect.signature(function)


def _names_around(frame: FrameType | None, file: str) -> dict[str, Any]:
    """Collect the local names a written-out annotation may use: those of the callers in the same file, inner first."""
    names: dict[str, Any] = {}
    while frame is not None:
        if frame.f_code.co_filename == file:
            names = {**frame.f_locals, **names}
        frame = frame.f_back
    return names


def _hint(function: FunctionType, argument: inspect.Parameter, scope: dict[str, Any]) -> object:
    """Return an argument's annotation, read if it is text; ``None`` for one that cannot be read and holds no mark."""
    alone = SimpleNamespace(__annotations__={argument.name: argument.annotation})
    known = inspect.unwrap(function).__globals__
    try:
        return typing.get_type_hints(alone, known, scope, include_extras=True)[argument.name]
    except KaizenError:
        raise
    except Exception as error:
        if "(" not in str(argument.annotation):  # a name imported for the type checker alone
            return None
        raise Malformed(
            f"the annotation of {argument.name} must be readable when {function.__name__} is defined; got {error}",
            hint="write it like jobs: Annotated[int, whole(1, 16)] = 1",
        ) from error


def _mark(name: str, hint: object) -> Mark | None:
    """Return the one mark of an annotation, if it has any."""
    extras = getattr(hint, "__metadata__", ())
    marks = [extra for extra in extras if isinstance(extra, Mark)]
    if any(extra is kind for extra in extras for kind in _FORGOTTEN):
        raise Malformed(
            f"the mark of {name} must be called; got a bare one", hint="write switch(), with its parentheses"
        )
    if len(marks) != sum(1 for _ in _marks_within(hint)):
        raise Malformed(
            f"the mark of {name} must stand in Annotated, outermost; got {hint!r}",
            hint="write it like jobs: Annotated[int, whole(1, 16)] = 1",
        )
    if not marks:
        return None
    if len(marks) > 1:
        raise Malformed(f"{name} must have one mark; got {len(marks)}")
    origin, kinds = getattr(hint, "__origin__", None), _KINDS[type(marks[0].unnamed)]
    if origin in (bool, int, float, str) and origin not in kinds:
        raise Malformed(f"{name} must be annotated {kinds[0].__name__}, as its mark says; got {origin.__name__}")
    return marks[0]


def _marks_within(hint: object) -> Iterator[Mark]:
    """Find marks at any depth of an annotation."""
    if isinstance(hint, Mark):
        yield hint
    for part in typing.get_args(hint):
        yield from _marks_within(part)


def _standard(parameters: tuple[Parameter, ...], defaults: dict[str, Any]) -> Setting:
    """Return the defaults of the active arguments; an inactive one is left to the function itself."""
    draft = Process(name="draft", parameters=check_conditions(parameters), metrics=(), standard=Setting())
    kept: dict[str, Value] = {}
    for parameter in draft.active(defaults):
        try:
            kept[parameter.name] = parameter.check(defaults[parameter.name])
        except OutOfRange as error:
            raise OutOfRange(f"the default of {error.message}", hint="the defaults are today's standard") from None
    return Setting(kept)


def _sorted_rules(
    rules: Iterable[Metric | Guard | str], guards: Iterable[Guard | str], constraints: Iterable[str]
) -> tuple[tuple[Metric, ...], tuple[str, ...], tuple[Guard, ...]]:
    """Return metrics, constraints and guards; text over metrics alone is a guard."""
    rules = tuple(rules)
    for rule in rules:
        if not isinstance(rule, Metric | Guard | str):
            raise Malformed(
                f"improvable must be given metrics, guards and constraints; got {rule!r}",
                hint='write @improvable(lower("seconds")), with its parentheses',
            )
    metrics = tuple(rule for rule in rules if isinstance(rule, Metric))
    names = [metric.name for metric in metrics]
    if not metrics:
        hint = 'say what is measured: @improvable(lower("seconds"))'
        raise Malformed("an improvable function must have a metric; got none", hint=hint)
    texts = [rule for rule in rules if isinstance(rule, str)]
    on_metrics = [text for text in texts if parse(text)[1] and parse(text)[1] <= set(names)]
    limits = [rule for rule in rules if isinstance(rule, Guard)]
    limits += [rule if isinstance(rule, Guard) else words.limit(rule, names) for rule in (*on_metrics, *guards)]
    return metrics, (*(text for text in texts if text not in on_metrics), *constraints), tuple(limits)


def _policy(policy: Policy, consent: str | None) -> Policy:
    return policy if consent is None else msgspec.structs.replace(policy, consent=consent)


def _work(function: FunctionType, within: str | float | None, memory: str | float | None) -> Function:
    called = function.__name__
    return Function(
        name=f"{function.__module__}:{function.__qualname__}",
        source=_fingerprint(function),
        within=None if within is None else words.duration(within, f"{called}'s within"),
        memory=None if memory is None else words.memory(memory, f"{called}'s memory"),
    )


def _fingerprint(function: FunctionType) -> str:
    """Return 128 bits of the function's source, or of its bytecode where the source is not at hand, in hex."""
    try:
        text = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError, SyntaxError):
        text = repr(_code(inspect.unwrap(function).__code__))
    return hashlib.blake2b(text.encode(errors="backslashreplace"), digest_size=16).hexdigest()


def _code(code: CodeType) -> tuple[object, ...]:
    """Return what the code does, without where it stands."""
    constants = [
        _code(item) if isinstance(item, CodeType) else sorted(map(repr, item)) if isinstance(item, frozenset) else item
        for item in code.co_consts
    ]
    return code.co_code, code.co_names, constants
