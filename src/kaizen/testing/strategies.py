"""Hypothesis strategies: parameters, processes, and settings and changes that they allow."""

from typing import Any, Literal

import msgspec
from hypothesis import assume
from hypothesis import strategies as st

from kaizen.errors import OutOfRange
from kaizen.metric import Metric, metric
from kaizen.parameter import Choice, Parameter, Real, Revision, Switch, When, Whole
from kaizen.process import Policy, Process, check_process
from kaizen.setting import Setting, Value

NAMES = ("alpha", "beta", "gamma", "delta", "epsilon")
_UNITS = ("", "MiB", "degC")
_WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["Cs"]), max_size=8)


@st.composite
def reals(draw: st.DrawFn, name: str = "alpha") -> Real:
    """Draw a real parameter: wide or narrow, by ratios or not, on a grid or not."""
    log = draw(st.booleans())
    low = draw(st.floats(1e-6, 1e6) if log else st.floats(-1e6, 1e6))
    width = draw(st.floats(1e-3, 1e6))
    step = draw(st.none() | st.sampled_from((0.1, 0.25, 1 / 3, 1.0)).map(lambda part: part * width))
    unit = draw(st.sampled_from(_UNITS))
    return Real(name=name, low=low, high=low + width, log=log, step=step, unit=unit)


@st.composite
def wholes(draw: st.DrawFn, name: str = "alpha") -> Whole:
    """Draw a whole parameter: a range, by ratios or not, in steps or not, or levels."""
    if draw(st.booleans()):
        levels = tuple(sorted(draw(st.sets(st.integers(-1000, 100_000), min_size=2, max_size=6))))
        return Whole(name=name, low=levels[0], high=levels[-1], levels=levels)
    log = draw(st.booleans())
    low = draw(st.integers(1 if log else -10_000, 10_000))
    width = draw(st.integers(1, 1_000_000))
    return Whole(name=name, low=low, high=low + width, log=log, step=draw(st.integers(1, min(width, 50))))


@st.composite
def choices(draw: st.DrawFn, name: str = "alpha") -> Choice:
    """Draw a choice among texts, numbers and truths, told apart as ``Choice`` does."""
    value = _WORDS | st.integers(-5, 5) | st.booleans() | st.floats(-1e3, 1e3).map(lambda number: number + 0.0)
    unlike = draw(st.lists(value, min_size=2, max_size=5, unique_by=lambda v: (isinstance(v, bool), v)))
    return Choice(name=name, values=tuple(unlike))


def parameters(name: str = "alpha") -> st.SearchStrategy[Parameter]:
    """Draw a parameter of any kind, without a condition."""
    return st.one_of(wholes(name), reals(name), choices(name), st.just(Switch(name=name)), st.just(Revision(name=name)))


@st.composite
def values(draw: st.DrawFn, parameter: Parameter) -> Value:
    """Draw a value of a parameter, as it is kept."""
    match parameter:
        case Real() | Whole():
            return parameter.at(draw(st.floats(0, 1)))
        case Choice():
            return draw(st.sampled_from(parameter.values))
        case Switch():
            return draw(st.booleans())
        case _:  # a revision
            return draw(st.text("0123456789abcdef", min_size=7, max_size=40))


@st.composite
def metrics(draw: st.DrawFn, name: str = "seconds") -> Metric:
    """Draw a metric that can be right."""
    scale: Literal["ratio", "difference"] = draw(st.sampled_from(("ratio", "difference")))
    return metric(
        name,
        better=draw(st.sampled_from(("lower", "higher"))),
        kind=draw(st.sampled_from(("quality", "price"))),
        unit=draw(st.sampled_from(_UNITS)),
        scale=scale,
        exact=draw(st.booleans()),
        worthwhile=draw(st.floats(1e-3, 0.9 if scale == "ratio" else 100.0)),
        margin=draw(st.none() | st.floats(0.0, 0.9)),
    )


@st.composite
def processes(draw: st.DrawFn, *, constrained: bool = True) -> Process:
    """Draw a process that ``check_process`` has accepted: conditions, a constraint and a guardless policy."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=len(NAMES), unique=True))
    made: list[Parameter] = []
    for name in names:
        parameter: Parameter = draw(parameters(name))
        if draw(st.booleans()) and made:
            parameter = msgspec.structs.replace(parameter, when=(draw(_condition(draw(st.sampled_from(made)))),))
        made.append(parameter)
    draft = Process(
        name="drawn",
        parameters=tuple(draw(st.permutations(made))),
        metrics=(draw(metrics("seconds")), *draw(st.lists(metrics("size"), max_size=1))),
        standard=Setting(),
        policy=Policy(pairs=draw(st.integers(1, 100))),
    )
    standard = draw(settings(draft))
    numeric = [p.name for p in made if isinstance(p, Real | Whole) and p.name in standard]
    limits: tuple[str, ...] = ()
    if constrained and numeric and draw(st.booleans()):
        limits = (f"{' + '.join(numeric)} <= {sum(float(standard[name]) for name in numeric) + 1.0!r}",)
    return check_process(msgspec.structs.replace(draft, standard=standard, constraints=limits))


@st.composite
def settings(draw: st.DrawFn, process: Process) -> Setting:
    """Draw a setting that the process allows."""
    kept: dict[str, Any] = {}
    for _ in process.parameters:  # each round settles what waits for the round before
        for parameter in process.active(kept):
            if parameter.name not in kept:
                kept[parameter.name] = draw(values(parameter))
    assume(process.allows(kept))
    return process.setting(kept)


@st.composite
def changes(draw: st.DrawFn, process: Process, setting: Setting) -> dict[str, Value]:
    """Draw changes that ``process.changed`` accepts: from nothing more than one parameter to all of them."""
    other = draw(settings(process))
    free = [name for name in other if name not in setting or Setting(x=other[name]) != Setting(x=setting[name])]
    assume(free)
    taken = draw(st.lists(st.sampled_from(free), min_size=1, unique=True))
    wanted = {name: other[name] for name in taken}
    try:
        process.changed(setting, wanted)
    except OutOfRange:  # it activates what it does not give, or breaks a constraint: go all the way instead
        wanted = {name: other[name] for name in free}
    return wanted


@st.composite
def _condition(draw: st.DrawFn, parameter: Parameter) -> When:
    waited = draw(st.lists(values(parameter), min_size=1, max_size=2, unique_by=repr))
    return When(parameter.name, tuple(waited))
