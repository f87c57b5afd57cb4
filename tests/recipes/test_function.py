"""A function's signature as a process: what is read, what is refused, and that the function stays as it was."""

# ruff: noqa: E501 - a case is a line

from __future__ import annotations

import functools
import inspect
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest

from kaizen.errors import KaizenError, Malformed, OutOfRange, Undeclared
from kaizen.metric import guard, higher, lower
from kaizen.parameter import Choice, Real, Revision, Switch, When, Whole
from kaizen.process import Function, Policy, Process
from kaizen.recipes.function import Mark, choice, improvable, process_of, real, revision, switch, whole
from kaizen.setting import Setting

if TYPE_CHECKING:
    from pathlib import Path

Level = Annotated[int, whole(1, 9)]


@improvable(
    lower("seconds", worthwhile=0.02),
    lower("size", exact=True),
    "size <= 100",
    "level * chunk <= 1_000_000",
    within="10 min",
    memory="2 GiB",
    consent="ana",
    guards=(guard("seconds", at_most=9), "1 <= size"),
    constraints=["level != 2"],
    policy=Policy(pairs=20),
)
def pack(
    chunk: Annotated[int, whole(256, 65_536, log=True)] = 1_024,
    codec: Annotated[str, choice("zlib", "lzma")] = "zlib",
    level: Level = 6,
    *,
    ratio: Annotated[float, real(0, 90, step=0.5, unit="degC")] = 20,
    strip: Annotated[bool, switch()] = False,
    commit: Annotated[str, revision()] = "abcdef0",
    depth: Annotated[int | None, whole(levels=(1, 2, 4), when={"codec": "lzma"})] = None,
    mode: Annotated[
        Literal["a", "b"], choice("a", "b", when={"codec": ("zlib", "bz2", "lzma")[:1], "strip": True})
    ] = "a",
    data: Path | None = None,
    plain: int = 3,
) -> dict[str, float]:
    """Pack one day of logs.

    The defaults are the current standard.
    """
    return {"seconds": float(chunk), "size": float(level + plain)}


def test_all_of_it() -> None:
    """Marks become parameters, defaults the standard, and what is inactive is left to the function."""
    process = process_of(pack)
    assert process is pack.process
    assert process.name == "pack"
    assert process.about == "Pack one day of logs."
    assert process.parameters == (
        Whole(name="chunk", low=256, high=65_536, log=True),
        Choice(name="codec", values=("zlib", "lzma")),
        Whole(name="level", low=1, high=9),
        Real(name="ratio", low=0.0, high=90.0, step=0.5, unit="degC"),
        Switch(name="strip"),
        Revision(name="commit"),
        Whole(name="depth", low=1, high=4, levels=(1, 2, 4), when=(When("codec", ("lzma",)),)),
        Choice(name="mode", values=("a", "b"), when=(When("codec", ("zlib",)), When("strip", (True,)))),
    )
    assert process.standard == Setting(chunk=1024, codec="zlib", level=6, ratio=20.0, strip=False, commit="abcdef0")
    assert [metric.name for metric in process.metrics] == ["seconds", "size"]
    assert process.constraints == ("level * chunk <= 1_000_000", "level != 2")
    assert list(map(str, process.guards)) == ["size <= 100", "seconds <= 9", "size >= 1"]
    assert process.policy == Policy(pairs=20, consent="ana")
    assert isinstance(process.work, Function)
    assert process.work.name == f"{__name__}:pack"
    assert (process.work.within, process.work.memory) == (600.0, 2048.0)
    assert len(process.work.source) == 32


def test_the_function_stays_as_it_was() -> None:
    """It is called as before, and is the same function."""
    assert pack(1, "zlib", 2) == {"seconds": 1.0, "size": 5.0}
    assert pack.__name__ == "pack"
    assert inspect.isfunction(pack)

    def work(x: Level = 1) -> int:
        return x

    assert improvable(lower("s"))(work) is work
    assert work(5) == 5


def test_names_and_words_may_be_given() -> None:
    """Name, about and consent are the caller's, if given; limits may be left out."""

    @improvable(lower("seconds"), name="day-2", about="mine", policy=Policy(consent="bo"))
    def work(x: Level = 1) -> float:
        return float(x)

    process = work.process
    assert (process.name, process.about, process.policy.consent) == ("day-2", "mine", "bo")
    assert process.work == Function(name=f"{__name__}:{work.__qualname__}", source=process.work.source)  # type: ignore[union-attr]


def test_local_classes_and_aliases() -> None:
    """Written-out annotations see the names around the function, however deep it stands."""

    class Size:
        mark = whole(1, 4)

    deep = Annotated[bool, switch()]

    def around() -> Callable[..., Any]:
        other = Annotated[int, whole(2, 3)]

        @improvable(lower("seconds"))
        def work(a: Annotated[int, Size.mark] = 1, b: deep = True, c: other = 2) -> float:
            return a + b + c

        return work

    assert process_of(around()).standard == Setting(a=1, b=True, c=2)


def test_what_the_type_checker_alone_knows_is_left_alone() -> None:
    """An unmarked argument may have any annotation."""

    @improvable(lower("seconds"))
    def work(a: Level = 1, b: Nowhere = None, c=None) -> Nowhere:  # type: ignore[name-defined,no-untyped-def]  # noqa: F821
        return a, b, c

    assert process_of(work).standard == Setting(a=1)


def test_wrapped() -> None:
    """A decorator that keeps the signature keeps the description."""

    def noisy(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def inner(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return inner

    @improvable(lower("seconds"))
    @noisy
    def work(x: Level = 1) -> int:
        return x

    assert process_of(work).parameter("x") == Whole(name="x", low=1, high=9)
    assert work(x=3) == 3


def test_marks_without_a_function() -> None:
    """A mark gets its name from whoever describes."""
    assert whole(1, 16).named("jobs") == Whole(name="jobs", low=1, high=16)
    assert real(0, 1, log=False).named("x") == Real(name="x", low=0.0, high=1.0)
    assert switch({"codec": {"b", "a"}}).named("x").when == (When("codec", ("a", "b")),)
    limited = real(20, 90, at_most=5).named("x")
    assert (limited, type(limited.at_most)) == (Real(name="x", low=20.0, high=90.0, at_most=5.0), float)  # type: ignore[union-attr]
    assert whole(levels=(1, 2, 8), at_most=1).named("x") == Whole(
        name="x", low=1, high=8, levels=(1, 2, 8), at_most=1.0
    )
    assert whole(1, 2) == whole(1, 2)
    assert isinstance(hash(whole(1, 2)), int)
    assert isinstance(whole(1, 2), Mark)
    with pytest.raises(Malformed, match="x's range must go from a smaller to a larger finite number; got 2 to 1"):
        whole(2, 1).named("x")


def described(text: str) -> Process:
    """Define the function `work` written in `text`, improvable by seconds, and return its description."""
    names = {"Annotated": Annotated, "Level": Level, "whole": whole, "real": real, "choice": choice, "switch": switch,
             "revision": revision, "improvable": improvable, "lower": lower}  # fmt: skip
    exec("@improvable(lower('seconds'))\n" + textwrap.dedent(text), names)
    return process_of(names["work"])  # type: ignore[arg-type]


MARK = "write it like jobs: Annotated[int, whole(1, 16)] = 1"


@pytest.mark.parametrize(
    ("arguments", "kind", "sentence", "hint"),
    [
        ("x: Annotated[int, whole(1, 9)] = 10", OutOfRange, "the default of x must be a whole number from 1 to 9; got 10", "the defaults are today's standard"),
        ("x: Annotated[int, whole(9, 1)] = 1", Malformed, "x's range must go from a smaller to a larger finite number; got 9 to 1", ""),
        ("x: Annotated[int, whole('a', 'b')] = 1", Malformed, "x's range must go from a smaller to a larger finite number; got 'a' to 'b'", ""),
        ("x: Annotated[int, whole(1)] = 1", Malformed, "whole must have low and high, or levels alone; got 1, None and ()", "write whole(1, 16) or whole(levels=(1, 2, 4, 8))"),
        ("x: 'Annotated[int, whole(1)]' = 1", Malformed, "whole must have low and high, or levels alone; got 1, None and ()", "write whole(1, 16) or whole(levels=(1, 2, 4, 8))"),
        ("x: Annotated[int, whole(1, 2, levels=(1, 2))] = 1", Malformed, "whole must have low and high, or levels alone; got 1, 2 and (1, 2)", "write whole(1, 16) or whole(levels=(1, 2, 4, 8))"),
        ("x: Annotated[int, whole(levels=(2, 1))] = 1", Malformed, "x's range must go from a smaller to a larger finite number; got 2 to 1", ""),
        ("x: Annotated[str, choice('a')] = 'a'", Malformed, "x's values must be two or more different ones; got ('a',)", ""),
        ("x: Level", Malformed, "x of work must have a default; got none", "the defaults are today's standard"),
        ("y, x: Level = 1", Malformed, "y of work must have a default; got none", "Kaizen gives only what is marked"),
        ("x: int = 1", Malformed, "work must have a marked argument; got none", "mark what may change: jobs: Annotated[int, whole(1, 16)] = 1"),
        ("", Malformed, "work must have a marked argument; got none", "mark what may change: jobs: Annotated[int, whole(1, 16)] = 1"),
        ("x: Level = 1, *args", Malformed, "every argument of work must have a name; got *args", "it is called with one keyword for each parameter"),
        ("x: Level = 1, **more", Malformed, "every argument of work must have a name; got **more", "it is called with one keyword for each parameter"),
        ("x: Level = 1, /", Malformed, "x of work must be called by name; got an argument before the /", "it is called with one keyword for each parameter"),
        ("x: whole(1, 2) = 1", Malformed, "the mark of x must stand in Annotated, outermost; got Mark(unnamed=Whole(name='', low=1, high=2, log=False, step=1, levels=(), at_most=None, unit='', when=()))", MARK),
        ("x: 'Annotated[int, whole(' = 1", Malformed, "the annotation of x must be readable when work is defined; got Forward reference must be an expression -- got 'Annotated[int, whole('", MARK),
        ("x: 'whole(1, 2)' = 1", Malformed, None, MARK),
        ("x: Annotated[int, whole(1, 2)] | None = 1", Malformed, None, MARK),
        ("x: Annotated[bool, switch] = True", Malformed, "the mark of x must be called; got a bare one", "write switch(), with its parentheses"),
        ("x: Annotated[int, whole(1, 2), whole(1, 3)] = 1", Malformed, "x must have one mark; got 2", ""),
        ("x: Annotated[str, whole(1, 2)] = '1'", Malformed, "x must be annotated int, as its mark says; got str", ""),
        ("x: Annotated[int, real(1, 2)] = 1", Malformed, "x must be annotated float, as its mark says; got int", ""),
        ("x: Annotated[int, whole(1, 2, when={'y': 1})] = 1", Undeclared, "x's condition must be on a declared parameter; got 'y'", "declared are: x"),
        ("x: Annotated[int, whole(1, 2, when='y')] = 1", Malformed, "a condition must name a parameter and its values; got 'y'", "write it like {'codec': 'zlib'} or {'codec': ('zlib', 'bz2')}"),
        ("seconds: Level = 1", KaizenError, "a metric of work must not share a parameter's name; got 'seconds'", ""),
    ],
)  # fmt: skip
def test_refused(arguments: str, kind: type[KaizenError], sentence: str | None, hint: str) -> None:
    """Whatever is wrong is one sentence when the function is defined, and a hint."""
    with pytest.raises(kind) as caught:
        described(f"def work({arguments}): return 1")
    if sentence is not None:
        assert caught.value.message == sentence
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    "form",
    ["async def work(x: Level = 1): ...", "def work(x: Level = 1): yield 1", "async def work(x: Level = 1): yield 1"],
)
def test_refused_kinds(form: str) -> None:
    """A reading is returned, not awaited."""
    with pytest.raises(Malformed, match="work must return its reading; got a coroutine or generator"):
        described(form)


@pytest.mark.parametrize("thing", [print, dict, functools.partial(print), 3])
def test_refused_things(thing: Any) -> None:
    """Builtins, classes and the like have no signature of ours."""
    with pytest.raises(Malformed, match="what is improved must be a function written in Python; got"):
        improvable(lower("seconds"))(thing)


def test_refused_lambda() -> None:
    """A lambda has no name."""
    with pytest.raises(Malformed, match="what is improved must have a name; got a lambda"):
        improvable(lower("seconds"))(lambda x=1: x)


@pytest.mark.parametrize(
    ("given", "more", "sentence"),
    [
        ((), {}, "an improvable function must have a metric; got none"),
        (("size <= 1",), {}, "an improvable function must have a metric; got none"),
        ((3,), {}, "improvable must be given metrics, guards and constraints; got 3"),
        ((lower("s"), "x <="), {}, "a constraint must be an expression over parameters; got 'x <='"),
        ((lower("s"), "s < 3"), {}, "a guard must be a limit on a metric; got 's < 3'"),
        ((lower("s"), "y <= 3"), {}, "constraint 'y <= 3' must speak of declared parameters only; got y"),
        ((lower("s"),), {"guards": ["t <= 3"]}, "a guard's metric must be a known one; got 't'"),
        ((lower("s"),), {"guards": ["3 <= s >= 2"]}, "a guard must say each limit once; got '3 <= s >= 2'"),
        ((lower("s"),), {"guards": [3]}, "a guard must be a limit on a metric; got 3"),
        ((lower("s"),), {"constraints": ["s <= 3"]}, "constraint 's <= 3' must speak of declared parameters only; got s"),
        ((lower("s"),), {"within": "soon"}, "work's within must be a duration above 0; got 'soon'"),
        ((lower("s"),), {"within": 0}, "work's within must be a duration above 0; got 0"),
        ((lower("s"),), {"memory": "2 cows"}, "work's memory must be an amount of memory above 0; got '2 cows'"),
        ((lower("s"),), {"name": "a b"}, "a process's name must be a letter, then letters, digits, _ and single - or .; got 'a b'"),
        ((lower("s"),), {"consent": ""}, "policy consent must be 'automatic' or a person's name; got nothing"),
        ((lower("s"),), {"policy": Policy(pairs=0)}, "policy pairs must be from 1 to 10000; got 0"),
    ],
)  # fmt: skip
def test_refused_rules(given: tuple[Any, ...], more: dict[str, Any], sentence: str) -> None:
    """What stands beside the function is checked with it."""

    def work(x: Level = 1) -> int:
        return x

    with pytest.raises(KaizenError) as caught:
        improvable(*given, **more)(work)
    assert caught.value.message == sentence


def test_improvable_without_parentheses() -> None:
    """The slip that everybody makes once."""

    def work(x: Level = 1) -> int:
        return x

    with pytest.raises(Malformed, match="improvable must be given metrics, guards and constraints") as caught:
        improvable(work)  # type: ignore[arg-type]
    assert caught.value.hint == 'write @improvable(lower("seconds")), with its parentheses'


def test_process_of_what_is_none() -> None:
    """A function without a description says how to get one."""
    with pytest.raises(Undeclared, match="print must be an improvable function; got one without a description"):
        process_of(print)


def source_of(function: object) -> str:
    """Return the fingerprint of an improvable function."""
    work = process_of(function).work  # type: ignore[arg-type]
    assert isinstance(work, Function)
    return work.source


def test_an_edited_function_is_seen() -> None:
    """By its source; or by its bytecode, which does not tell where it stands, if there is no source."""

    def defined(text: str) -> str:
        work = described(text).work
        assert isinstance(work, Function)
        return work.source

    one = "def work(x: Level = 1):\n    return [y for y in (x,) if y in {1, 2, 3}]"
    assert defined(one) == defined(f"\n\n{one}") == defined(one)
    assert defined(one) != defined(one.replace("3}", "4}"))
    assert defined(one) != defined(one.replace("y in {", "y not in {"))
    assert source_of(pack) == source_of(pack)

    @improvable(higher("x"))
    def first(a: Level = 1) -> int:
        return a

    @improvable(higher("x"))
    def second(a: Level = 1) -> int:
        return a + 1

    assert source_of(first) != source_of(second)
