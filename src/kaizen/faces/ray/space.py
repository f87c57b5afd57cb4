"""Ray Tune's search space as parameters, and settings as Tune's configurations.

A space is dictionaries and lists, nested at will, of constants and domains. A category may hold domains of its own:
those wait for it. Here a parameter is called ``p0``, ``p1``, …, and a category goes by its index.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from ray.tune.search.sample import Categorical, Domain, Float, Integer, LogUniform, Quantized, Uniform

from kaizen.errors import Malformed, Mistake
from kaizen.metric import Metric
from kaizen.parameter import Choice, Parameter, Real, When, Whole, check_parameter
from kaizen.process import Process
from kaizen.setting import Setting, Value

Path = tuple[str | int, ...]


class Space(NamedTuple):
    """What may change in a configuration."""

    config: Any
    """As Tune has it."""
    parameters: dict[Path, Parameter]
    """By their place in it."""

    def process(self, metrics: tuple[Metric, ...] = ()) -> Process:
        """Return the process; its standard is the middle of every range and every choice's first value."""
        parameters = tuple(self.parameters.values())
        process = Process(name="search", parameters=parameters, metrics=metrics, standard=Setting())
        middle = {parameter.name: _middle(parameter) for parameter in parameters}
        standard = process.setting({parameter.name: middle[parameter.name] for parameter in process.active(middle)})
        return msgspec.structs.replace(process, standard=standard)

    def setting(self, config: Any) -> Setting:
        """Return a configuration as a setting; constants may be left out.

        Raises:
            Malformed: it is none of this space.
        """
        values = self._values(self.config, (), config)
        if values is None:
            raise Malformed(f"a configuration must have every parameter, each at a value of its own; got {config}")
        return self.process().setting(values)

    @property
    def words(self) -> dict[str, str]:
        """Every parameter's path and span, to tell spaces apart."""
        return {spelled(path): _words(self.config, path, parameter) for path, parameter in self.parameters.items()}

    def filled(self, values: Mapping[str, Value]) -> Any:
        """Return a configuration, constants included."""
        return self._filled(self.config, (), values)

    def _searched(self, path: Path) -> bool:
        """Tell whether something may change there."""
        return any(other[: len(path)] == path for other in self.parameters)

    def _filled(self, part: Any, path: Path, values: Mapping[str, Value]) -> Any:
        match part:
            case Categorical():
                index = int(values[self.parameters[path].name]) if path in self.parameters else 0
                return self._filled(part.categories[index], (*path, index), values)
            case Domain():
                return values[self.parameters[path].name] if path in self.parameters else _only(part)
            case dict():
                return {key: self._filled(inner, (*path, key), values) for key, inner in part.items()}
            case list() | tuple():
                return type(part)(self._filled(inner, (*path, index), values) for index, inner in enumerate(part))
        return part

    def _values(self, part: Any, path: Path, given: Any) -> dict[str, Value] | None:
        match part:
            case Categorical():
                return self._category(part, path, given)
            case Domain():
                return {self.parameters[path].name: given} if path in self.parameters else {}
            case dict() if isinstance(given, Mapping):
                missing = [key for key in part if key not in given and self._searched((*path, key))]
                pairs = [(key, part[key], given[key]) for key in part if key in given]
                return None if missing else self._together(pairs, path)
            case list() | tuple() if isinstance(given, Sequence) and len(given) == len(part):
                return self._together(list(zip(range(len(part)), part, given, strict=True)), path)
        return {} if _same(part, given) else None

    def _together(self, parts: list[tuple[str | int, Any, Any]], path: Path) -> dict[str, Value] | None:
        made: dict[str, Value] = {}
        for key, part, given in parts:
            inner = self._values(part, (*path, key), given)
            if inner is None:
                return None
            made |= inner
        return made

    def _category(self, domain: Any, path: Path, given: Any) -> dict[str, Value] | None:
        for index, category in enumerate(domain.categories):
            inner = self._values(category, (*path, index), given)
            if inner is not None:
                return {self.parameters[path].name: str(index), **inner} if path in self.parameters else inner
        return None


def find_space(config: Mapping[str, Any]) -> Space:
    """Describe what may change in a configuration.

    Raises:
        Malformed: nothing may change, or something that cannot be converted.
    """
    parameters: dict[Path, Parameter] = {}
    for path, domain, when in _domains(config, (), parameters):
        parameter = _parameter(f"p{len(parameters)}", path, domain, when)
        if parameter is not None:
            parameters[path] = parameter
    if not parameters:
        raise Malformed(
            f"a search space must have something to search; got {', '.join(map(str, config)) or 'nothing'}",
            hint="give it a range, as in {'lr': tune.loguniform(1e-4, 1e-1)}",
        )
    return Space(dict(config), parameters)


def spelled(path: Path) -> str:
    """Return a path as Tune spells it: ``model/depth``."""
    return "/".join(map(str, path))


def _domains(
    part: Any, path: Path, known: Mapping[Path, Parameter], when: tuple[When, ...] = ()
) -> Iterator[tuple[Path, Any, tuple[When, ...]]]:
    """Walk the domains of a space, each with what it waits for; what comes out is ``known`` before the next is."""
    match part:
        case Categorical():
            yield path, part, when
            for index, category in enumerate(part.categories):
                waits = (*when, When(known[path].name, (str(index),))) if path in known else when
                yield from _domains(category, (*path, index), known, waits)
        case Domain():
            yield path, part, when
        case {"grid_search": _}:
            hint = "tune.choice has the same values"
            raise Malformed(f"{spelled(path)} must be a domain to be searched; got a grid_search", hint=hint)
        case dict():
            for key, inner in part.items():
                yield from _domains(inner, (*path, key), known, when)
        case list() | tuple():
            for index, inner in enumerate(part):
                yield from _domains(inner, (*path, index), known, when)


def _parameter(name: str, path: Path, domain: Any, when: tuple[When, ...]) -> Parameter | None:
    """Return a domain as a parameter; ``None`` where it has one value only."""
    made: Parameter
    low, high, step, log = _bounds(path, domain)
    if low == high:
        return None
    match domain:
        case Categorical():
            made = Choice(name=name, values=tuple(map(str, range(len(domain.categories)))), when=when)
        case Integer():
            made = Whole(name=name, low=int(low), high=int(high), log=log, step=int(step or 1), when=when)
        case _:
            made = Real(name=name, low=float(low), high=float(high), log=log, step=step, when=when)
    try:
        check_parameter(made)
    except Mistake as error:
        raise Malformed(
            f"{spelled(path)} must be a range that can be searched; got one where {error.message}"
        ) from error
    return made


def _bounds(path: Path, domain: Any) -> tuple[float, float, float | None, bool]:
    """Return the lowest value, the highest, the step between them and whether they are spaced by ratios."""
    sampler: Any = domain.get_sampler()
    step = None
    if isinstance(sampler, Quantized):
        sampler, step = sampler.sampler, sampler.q
    kind = f"{type(domain).__name__} by {type(sampler).__name__.strip('_')}"
    if isinstance(domain, Categorical) and isinstance(sampler, Uniform):
        return 0, len(domain.categories) - 1, None, False
    if not isinstance(domain, Float | Integer) or not isinstance(sampler, Uniform | LogUniform):
        hint = "known are uniform, loguniform, randint, lograndint, their quantized forms, and choice"
        raise Malformed(f"{spelled(path)} must be a range or a choice; got {kind}", hint=hint)
    low, high = domain.lower, domain.upper
    if not (math.isfinite(low) and math.isfinite(high)):
        raise Malformed(f"{spelled(path)} must have bounds; got {kind} from {low} to {high}")
    if step is not None:  # Tune's values are multiples of the step
        low, high = _index(low / step, math.ceil) * step, _index(high / step, math.floor) * step
    if isinstance(domain, Integer) and step in {None, 1}:
        high -= 1  # Tune leaves the upper bound out, but for larger steps
    return low, high, step, isinstance(sampler, LogUniform)


def _index(scaled: float, inwards: Any) -> int:
    nearest = round(scaled)
    return nearest if math.isclose(scaled, nearest) else int(inwards(scaled))


def _only(domain: Any) -> Value:
    """Return the one value of a domain."""
    low = _bounds((), domain)[0]
    return int(low) if isinstance(domain, Integer) else float(low)


def _middle(parameter: Parameter) -> Value:
    match parameter:
        case Real() | Whole():
            return parameter.at(0.5)
        case Choice(values=values):
            return values[0]
    raise AssertionError(parameter)


def _same(constant: Any, given: Any) -> bool:
    try:
        return constant is given or bool(constant == given)
    except (TypeError, ValueError):  # arrays are neither
        return False


def _words(config: Any, path: Path, parameter: Parameter) -> str:
    """Say what a parameter may be; of a choice, its plain values."""
    if not isinstance(parameter, Choice):
        return parameter.span
    part = config
    for key in path:
        inner: Any = part.categories if isinstance(part, Categorical) else part
        part = inner[key]
    plain = (repr(c) if isinstance(c, str | int | float | None) else type(c).__name__ for c in part.categories)
    return f"one of {', '.join(plain)}"
