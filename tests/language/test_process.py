"""A process: settings, changes and readings at its door; what it refuses to be."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen.errors import Clash, KaizenError, Malformed, Mistake, OutOfRange, Undeclared
from kaizen.metric import guard, higher, lower
from kaizen.parameter import Choice, Real, Revision, Switch, When, Whole
from kaizen.process import Function, Hands, Policy, Process, Shell, check_process, has_revision
from kaizen.setting import Numbers, Setting, Texts, decode_hook, encode_hook
from kaizen.testing.strategies import changes, processes, settings

LZMA = (When("codec", ("lzma",)),)
PARAMETERS = (
    Whole(name="depth", low=1, high=8, when=LZMA),
    Whole(name="jobs", low=1, high=16),
    Choice(name="codec", values=("zlib", "lzma", "bz2")),
    Real(name="ratio", low=0, high=1, when=(When("codec", ("lzma", "bz2")),)),
)
PACK = Process(
    name="pack",
    parameters=PARAMETERS,
    metrics=(lower("seconds"), lower("size", exact=True)),
    standard=Setting(jobs=1, codec="zlib"),
    constraints=("jobs * depth <= 32",),
    guards=(guard("size", at_most=100),),
)


def pack(**fields: Any) -> Process:
    """Return `PACK` with other fields."""
    return msgspec.structs.replace(PACK, **fields)


@given(st.data(), processes())
def test_a_drawn_process_is_accepted(data: st.DataObject, process: Process) -> None:
    """The strategies draw what the door accepts, and settings that it allows."""
    assert check_process(process) == process
    setting = data.draw(settings(process))
    assert process.setting(setting) == setting
    assert process.allows(setting)
    assert {parameter.name for parameter in process.active(setting)} == set(setting)


@given(processes())
def test_a_process_is_stored_as_it_is(process: Process) -> None:
    """JSON keeps a process, and writes it alike each time."""
    text = msgspec.json.encode(process, enc_hook=encode_hook)
    back = msgspec.json.decode(text, type=Process, dec_hook=decode_hook)
    assert back == process
    assert back.standard.fingerprint == process.standard.fingerprint
    assert msgspec.json.encode(back, enc_hook=encode_hook) == text


@given(st.data(), processes())
def test_what_is_changed_is_allowed(data: st.DataObject, process: Process) -> None:
    """`changed` yields a setting that `setting` accepts, another one, with the changes in it."""
    wanted = data.draw(changes(process, process.standard))
    after = process.changed(process.standard, wanted)
    assert process.setting(after) == after
    assert after != process.standard
    assert Setting(wanted).items() <= after.items()


@given(
    processes(),
    st.dictionaries(st.text(max_size=3) | st.sampled_from(["alpha", "beta"]), st.none() | st.integers(), max_size=2),
)
def test_any_changes_at_all(process: Process, wanted: dict[str, Any]) -> None:
    """Whatever is asked for is a setting, or a mistake in one sentence."""
    try:
        after = process.changed(process.standard, wanted)
    except Mistake as error:
        said = error.message
    else:
        assert process.allows(after)
        return
    assert re.search(" must .*; got ", said, re.DOTALL)


def test_settings() -> None:
    """Values are kept as their parameters keep them; an inactive one is absent."""
    assert PACK.setting({"jobs": "2", "codec": "zlib"}) == Setting(jobs=2, codec="zlib")
    assert PACK.setting({"jobs": 2, "codec": "bz2", "ratio": 1}) == Setting(jobs=2, codec="bz2", ratio=1.0)
    assert [parameter.name for parameter in PACK.active({"codec": "bz2"})] == ["jobs", "codec", "ratio"]
    assert [parameter.name for parameter in PACK.active({})] == ["jobs", "codec"]


@pytest.mark.parametrize(
    ("values", "kind", "sentence"),
    [
        ({"jobs": 1}, OutOfRange, "codec must be given; got nothing"),
        ({"jobs": 1, "codec": "zlib", "x": 1}, Undeclared, "a parameter of pack must be one of depth, jobs, codec, ratio; got 'x'"),
        ({"jobs": 1, "codec": "zlib", "depth": 3}, OutOfRange, "depth must be left out while codec is not 'lzma'; got 3"),
        ({"jobs": 1, "codec": "zlib", "ratio": 0}, OutOfRange, "ratio must be left out while codec is not 'lzma' or 'bz2'; got 0"),
        (
            {"jobs": 8, "codec": "lzma", "depth": 8, "ratio": 0},
            OutOfRange,
            "a setting of pack must keep 'jobs * depth <= 32'; got codec='lzma', depth=8, jobs=8, ratio=0.0",
        ),
    ],
)  # fmt: skip
def test_refused_settings(values: dict[str, Any], kind: type[KaizenError], sentence: str) -> None:
    """A setting has every active parameter, no other, and keeps the constraints."""
    with pytest.raises(kind) as caught:
        PACK.setting(values)
    assert caught.value.message == sentence
    assert not PACK.allows(values)


def test_a_setting_beyond_a_formula_is_not_allowed() -> None:
    """Where a constraint cannot be computed, a planner is told no, and a person is told why."""
    process = pack(constraints=("8 / (jobs - 2) <= 9",))
    assert not process.allows({"jobs": 2, "codec": "zlib"})
    with pytest.raises(Malformed, match="must be computable"):
        process.setting({"jobs": 2, "codec": "zlib"})


def test_changes() -> None:
    """A change may open and close what waits for it."""
    before = Setting(jobs=1, codec="zlib")
    after = PACK.changed(before, {"codec": "lzma", "depth": 3, "ratio": 0.5})
    assert after == Setting(jobs=1, codec="lzma", depth=3, ratio=0.5)
    assert PACK.changed(after, {"codec": "bz2"}) == Setting(jobs=1, codec="bz2", ratio=0.5)


@pytest.mark.parametrize(
    ("wanted", "kind", "sentence"),
    [
        ({}, OutOfRange, "an increment must change the standard; got nothing, which is what it has"),
        ({"jobs": "1"}, OutOfRange, "an increment must change the standard; got jobs='1', which is what it has"),
        ({"depth": 3}, OutOfRange, "depth must be left out while codec is not 'lzma'; got 3"),
        (
            {"codec": "lzma", "ratio": 0},
            OutOfRange,
            "depth must be given, since the change makes it active; got nothing",
        ),
        ({"x": 3}, Undeclared, "a parameter of pack must be one of depth, jobs, codec, ratio; got 'x'"),
    ],
)
def test_refused_changes(wanted: dict[str, Any], kind: type[KaizenError], sentence: str) -> None:
    """A change says all that it makes active, and changes something."""
    with pytest.raises(kind) as caught:
        PACK.changed(PACK.standard, wanted)
    assert caught.value.message == sentence


def test_readings() -> None:
    """A reading has every metric, and no other."""
    assert PACK.reading({"size": 3, "seconds": 1}) == Numbers(seconds=1.0, size=3.0)
    with pytest.raises(OutOfRange, match="a reading of pack must have seconds, size; got nothing"):
        PACK.reading({})
    with pytest.raises(OutOfRange, match="a reading of pack must have size; got seconds"):
        PACK.reading({"seconds": 1})
    with pytest.raises(Undeclared, match="a metric of pack must be one of seconds, size; got 'cost'"):
        PACK.reading({"cost": 1})
    assert PACK.broken_guards(Numbers(seconds=1, size=101)) == PACK.guards
    assert PACK.broken_guards(Numbers(seconds=1, size=100)) == ()
    assert PACK.metric("size").exact
    assert not PACK.exact
    assert pack(metrics=(lower("size", exact=True),)).exact


def test_the_standard_is_kept_as_its_parameters_keep_it() -> None:
    """`check_process` returns the standard and the conditions in their one form."""
    strip = Switch(name="strip", when=(When("jobs", ("2",)),))
    kept = check_process(pack(parameters=(*PARAMETERS, strip), standard=Setting(jobs="1", codec="zlib")))
    assert kept.standard == Setting(jobs=1, codec="zlib")
    assert kept.parameter("strip").when == (When("jobs", (2,)),)


@pytest.mark.parametrize(
    ("fields", "kind", "sentence"),
    [
        ({"name": ""}, Malformed, "a process's name must be a letter, then letters, digits, _ and single - or .; got ''"),
        ({"name": ".."}, Malformed, "a process's name must be a letter, then letters, digits, _ and single - or .; got '..'"),
        ({"name": "-x"}, Malformed, "a process's name must be a letter, then letters, digits, _ and single - or .; got '-x'"),
        ({"name": "a\n"}, Malformed, "a process's name must be a letter, then letters, digits, _ and single - or .; got 'a\\n'"),
        ({"parameters": ()}, Malformed, "pack must have parameters; got none"),
        ({"metrics": ()}, Malformed, "pack must have metrics; got none"),
        ({"parameters": (*PARAMETERS, PARAMETERS[0])}, Clash, "parameters of pack must have different names; got 'depth' twice"),
        ({"metrics": (lower("x"), higher("x"))}, Clash, "metrics of pack must have different names; got 'x' twice"),
        ({"metrics": (lower("jobs"),)}, Clash, "a metric of pack must not share a parameter's name; got 'jobs'"),
        ({"guards": (guard("cost", at_most=1),)}, Undeclared, "a metric of pack must be one of seconds, size; got 'cost'"),
        ({"constraints": ("seconds <= 1",)}, Undeclared, "constraint 'seconds <= 1' must speak of declared parameters only; got seconds"),
        ({"standard": Setting(jobs=99, codec="zlib")}, OutOfRange, "jobs must be a whole number from 1 to 16; got 99"),
        ({"policy": Policy(pairs=0)}, Malformed, "policy pairs must be from 1 to 10000; got 0"),
        ({"policy": Policy(false_adoptions=0.9)}, Malformed, "policy false_adoptions must be from 1e-06 to 0.5; got 0.9"),
        ({"policy": Policy(money=float("nan"))}, Malformed, "policy money must be from 0 to inf; got nan"),
        ({"policy": Policy(consent=" ")}, Malformed, "policy consent must be 'automatic' or a person's name; got nothing"),
        ({"work": Shell(command="make", within=0)}, Malformed, "within of pack must be a number above 0; got 0"),
        ({"work": Function(name="m:f", memory=float("inf"))}, Malformed, "memory of pack must be a number above 0; got inf"),
        ({"work": Shell(command="make", reads=Texts(cost="json"))}, Undeclared, "a metric of pack must be one of seconds, size; got 'cost'"),
        (
            {"work": Shell(command="make", reads=Texts(size="yaml"))},
            Malformed,
            "size must be read from json, a pattern or seconds, cpu_seconds, peak_memory, exit_status; got 'yaml'",
        ),
        (
            {"work": Shell(command="make", reads=Texts(size="pattern:(("))},
            Malformed,
            "size's pattern must be a regular expression; got '((': missing ), unterminated subpattern at position 1",
        ),
        ({"work": Shell(command="make", reads=Texts(size="pattern:x"))}, Malformed, "size's pattern must have one group, or one named size; got 'x'"),
        (
            {"work": Shell(command="make"), "parameters": (*PARAMETERS, Switch(name="größe"))},
            Malformed,
            "a parameter's name must be plain letters, digits and _ for a command; got 'größe'",
        ),
        (
            {"work": Shell(command="make"), "parameters": (*PARAMETERS, Switch(name="PATH"))},
            Malformed,
            "a parameter's name must not be one that the shell or Kaizen lives by; got 'PATH'",
        ),
    ],
)  # fmt: skip
def test_refused_processes(fields: dict[str, Any], kind: type[KaizenError], sentence: str) -> None:
    """Whatever is wrong is one sentence."""
    with pytest.raises(kind) as caught:
        check_process(pack(**fields))
    assert caught.value.message == sentence


@pytest.mark.parametrize(
    "work",
    [
        Hands(),
        Function(name="m:f", within=1.0, memory=64.0),
        Shell(command="make", reads=Texts(size="json", seconds="seconds"), within=1.5),
        Shell(command="make", reads=Texts(size=r"pattern:(\d+) (?P<size>\d+)", seconds="pattern:([0-9.]+) s")),
    ],
)
def test_accepted_work(work: Any) -> None:
    """Every kind of work, with sound limits and sources."""
    assert check_process(pack(work=work)).work == work


@pytest.mark.parametrize("name", ["pack", "größe", "pack.day-2", "_x", "a1"])
def test_accepted_names(name: str) -> None:
    """Names that files, addresses and shells can take."""
    assert check_process(pack(name=name)).name == name


def test_has_revision() -> None:
    """The code itself may change, or not."""
    assert not has_revision(PACK)
    assert has_revision(pack(parameters=(Revision(name="commit"),)))
