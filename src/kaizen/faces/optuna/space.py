"""Optuna's distributions as parameters, and what waits for what, found in trials.

Names and values of Optuna may be anything, so that here a parameter is called ``p0``, ``p1``, … and a category goes by
its index. Between the two lies Optuna's own *internal* form: a float for every value.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from kaizen.errors import Mistake
from kaizen.parameter import Choice, Parameter, Real, When, Whole, check_parameter
from kaizen.process import Process
from kaizen.setting import Setting, Value

Inner = Mapping[str, float]
"""A trial's values by name, in Optuna's internal form."""

_MOST_LEVELS = 32  # of a parameter that others can wait for


class Space(NamedTuple):
    """The parameters that can be planned together."""

    distributions: dict[str, BaseDistribution]
    parameters: dict[str, Parameter]
    """By Optuna's name."""

    def setting(self, process: Process, inner: Inner) -> Setting | None:
        """Return a trial's setting, inactive values left out; ``None`` where it lacks a value or lies outside."""
        given = {p.name: _value(p, inner[name]) for name, p in self.parameters.items() if name in inner}
        active = {p.name for p in process.active(given)}
        try:
            return process.setting({name: value for name, value in given.items() if name in active})
        except Mistake:
            return None

    def inner(self, setting: Setting) -> dict[str, float]:
        """Return a setting in Optuna's internal form."""
        return {name: float(setting[p.name]) for name, p in self.parameters.items() if p.name in setting}

    def outer(self, inner: Inner) -> dict[str, Any]:
        """Return internal values as the objective gets them."""
        return {name: self.distributions[name].to_external_repr(value) for name, value in inner.items()}


def find_space(distributions: Mapping[str, BaseDistribution], trials: Sequence[Inner]) -> Space:
    """Describe what can be planned together of ``distributions``, given the values of past ``trials``.

    A parameter that some trials lack is taken to wait for choices, or whole numbers of a few levels, that tell trials
    with it from trials without it: for every value but those that have been seen without it alone. Where nothing tells
    them apart, it is left out, and so is what has no range. A wrong guess costs little: Optuna samples what is not
    proposed, does not ask for what is proposed in vain, and the next look at the trials mends the guess.
    """
    having = {name: {row for row, inner in enumerate(trials) if name in inner} for name in distributions}
    kept: dict[str, Parameter] = {}
    for name in sorted(having, key=lambda name: (-len(having[name]), name)):
        lacking = set(range(len(trials))) - having[name]
        if trials and not having[name]:
            continue
        parents = {other: p for other, p in kept.items() if having[other] > having[name]}
        when = _conditions(name, parents, trials, lacking) if lacking else ()
        parameter = None if when is None else _parameter(f"p{len(kept)}", distributions[name], when)
        if parameter is not None:
            kept[name] = parameter
    return Space({name: distributions[name] for name in kept}, kept)


def middle(distribution: BaseDistribution) -> Any:
    """Return the value in the middle of a range, or a choice's first; ``None`` where there is no range."""
    parameter = _parameter("p0", distribution, ())
    return None if parameter is None else distribution.to_external_repr(float(middle_of(parameter)))


def middle_of(parameter: Parameter) -> Value:
    """Return the value in the middle of a number's range, or a choice's first."""
    match parameter:
        case Real() | Whole():
            return parameter.at(0.5)
        case Choice(values=values):
            return values[0]
    raise AssertionError(parameter)


def _conditions(
    name: str, parents: Mapping[str, Parameter], trials: Sequence[Inner], lacking: set[int]
) -> tuple[When, ...] | None:
    """Return conditions that hold for every trial with ``name`` and for none of those ``lacking`` it, or ``None``."""
    when: list[When] = []
    unexplained = set(lacking)
    levels = {other: _levels(p) for other, p in parents.items()}
    while unexplained:
        found: tuple[str, set[int]] = ("", set())
        for other in (other for other in parents if levels[other]):
            values = {inner[other] for inner in trials if name in inner}
            explained = {row for row in unexplained if trials[row].get(other) not in values}
            if len(explained) > len(found[1]):
                found = other, explained
        other, explained = found
        if not explained:
            return None
        unexplained -= explained
        alone = {trials[row][other] for row in explained if other in trials[row]}
        wanted = tuple(_value(parents[other], level) for level in levels[other] if level not in alone)
        if not wanted:
            return None
        when.append(When(parents[other].name, wanted))
    return tuple(when)


def _levels(parameter: Parameter) -> tuple[float, ...]:
    """Return the few values of a parameter that others can wait for; nothing where it has too many."""
    match parameter:
        case Choice(values=values) if len(values) <= _MOST_LEVELS:
            return tuple(float(value) for value in values)
        case Whole(low=low, high=high, step=step) if (high - low) // step < _MOST_LEVELS:
            return tuple(float(value) for value in range(low, high + 1, step))
    return ()


def _parameter(name: str, distribution: BaseDistribution, when: Iterable[When]) -> Parameter | None:
    """Return a distribution as a parameter; ``None`` where it has one value, or more than can be planned."""
    waits = tuple(when)
    made: Parameter
    match distribution:
        case FloatDistribution(low=low, high=high, log=log, step=step):
            made = Real(name=name, low=low, high=high, log=log, step=step, when=waits)
        case IntDistribution(low=low, high=high, log=log, step=step):
            made = Whole(name=name, low=low, high=high, log=log, step=step, when=waits)
        case CategoricalDistribution(choices=choices):
            made = Choice(name=name, values=tuple(str(index) for index in range(len(choices))), when=waits)
        case _:
            return None
    try:
        check_parameter(made)
    except Mistake:
        return None
    return made


def _value(parameter: Parameter, inner: float) -> Value:
    match parameter:
        case Whole():
            return int(inner)
        case Choice():
            return str(int(inner))
    return inner
