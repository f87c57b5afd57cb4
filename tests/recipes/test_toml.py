"""A TOML table as a process: every form that is read, every sentence when it cannot be, and where."""

# ruff: noqa: E501 - a case is a line

import contextlib
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen.errors import KaizenError, Malformed, OutOfRange, Stuck, Undeclared
from kaizen.metric import guard, higher, lower
from kaizen.parameter import Choice, Parameter, Real, Revision, Switch, When, Whole
from kaizen.process import Hands, Policy, Process, Shell, check_process
from kaizen.recipes import words
from kaizen.recipes.toml import read, write_example
from kaizen.setting import Setting, Texts

WHOLE = """
[process.build]
do     = "make -j$jobs CFLAGS=-O$level"
within = "10 min"
memory = "2 GiB"
directory = "src"
about = "one line for people"
adopted = "setting.json"
environment = { LANG = "C", N = 3 }

[process.build.metric]
seconds = { better = "lower", worthwhile = 0.02 }
size    = { better = "lower", exact = true, from = "json" }
memory  = { better = "lower", from = "peak_memory" }
speed   = { better = "higher", pattern = 'speed: (?P<speed>[0-9.]+)', unit = "MB/s", kind = "price", \
scale = "difference", worthwhile = 1.0, margin = 2.0, low = 0, high = 1000 }

[process.build.standard]
jobs  = 1
temperature = "25 degC"
level = 3
codec = "zlib"
strip = false
commit = "ABCDEF0"

[process.build.may]
jobs  = "1..16"
temperature = "20.0..90.0 degC"
level = [1, 2, 3]
codec = ["zlib", "lzma"]
strip = "switch"
commit = "revision"
depth = { range = "1..8", when = { codec = "lzma" } }

[process.build.keep]
constraints = ["jobs * level <= 32"]
guards = [{ metric = "size", at_most = 100 }, "10 <= seconds <= 100"]

[process.build.policy]
consent = "ana"
pairs = 20
trials = 2
changes = 3
false_adoptions = 0.05
share = 0.5
lease = "30 s"
runs = 100
seconds = "2 days"
money = 3

[process.coffee]
metric.taste = { better = "higher", scale = "difference", worthwhile = 0.5 }
standard.grind = 11
may.grind = "1..20"
adopted_hook = "tee setting"
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Any:
    """Return a function that writes a recipe and reads it."""

    def write(text: str | bytes) -> tuple[Process, ...]:
        file = tmp_path / "kaizen.toml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read(file)

    return write


def test_all_of_it(recipe: Any) -> None:
    """Every table and key, and two processes in the file's order."""
    build, coffee = recipe(WHOLE)
    assert build == check_process(
        Process(
            name="build",
            about="one line for people",
            parameters=(
                Whole(name="jobs", low=1, high=16),
                Real(name="temperature", low=20.0, high=90.0, unit="degC"),
                Whole(name="level", low=1, high=3, levels=(1, 2, 3)),
                Choice(name="codec", values=("zlib", "lzma")),
                Switch(name="strip"),
                Revision(name="commit"),
                Whole(name="depth", low=1, high=8, when=(When("codec", ("lzma",)),)),
            ),
            metrics=(
                lower("seconds", worthwhile=0.02, unit="s"),
                lower("size", exact=True),
                lower("memory"),
                higher("speed", unit="MB/s", kind="price", scale="difference", worthwhile=1, margin=2, low=0, high=1000),
            ),
            standard=Setting(jobs=1, temperature=25.0, level=3, codec="zlib", strip=False, commit="abcdef0"),
            constraints=("jobs * level <= 32",),
            guards=(guard("size", at_most=100), guard("seconds", at_least=10, at_most=100)),
            work=Shell(
                command="make -j$jobs CFLAGS=-O$level",
                reads=Texts(
                    seconds="seconds", size="json", memory="peak_memory", speed="pattern:speed: (?P<speed>[0-9.]+)"
                ),
                within=600.0,
                memory=2048.0,
                directory="src",
                environment=Texts(LANG="C", N="3"),
            ),
            policy=Policy(
                consent="ana", pairs=20, trials=2, changes=3, false_adoptions=0.05, share=0.5, lease=30.0, runs=100,
                seconds=172_800.0, money=3.0, adopted_file="setting.json",
            ),
        )
    )  # fmt: skip
    assert coffee.work == Hands()
    assert coffee.policy == Policy(adopted_hook="tee setting")


def test_the_example_reads_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: Any) -> None:
    """As it is, and with everything in it that stands behind a # of its own."""
    (tmp_path / "kaizen.toml").write_text(write_example())
    monkeypatch.chdir(tmp_path)
    (pack,) = read()
    assert pack.name == "pack"
    assert pack.standard == Setting(level=6)
    commented = re.sub(r"(?m)^# (?=[a-z]+ +=|\[)", "", write_example())
    commented = commented.replace("level * jobs", "level").replace(
        "level = 6", 'level = 6\nwarmth = 20\nblock = 64\ncodec = "gzip"\nstrip = true'
    )
    (full,) = recipe(commented)
    assert len(full.parameters) == 6
    assert full.policy.runs == 200
    assert str(full.guards[0]) == "bytes <= 1e+06"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('"1..16"', Whole(name="x", low=1, high=16)),
        ('" -8 .. 1_024 "', Whole(name="x", low=-8, high=1024)),
        ('"1..16 step 3"', Whole(name="x", low=1, high=16, step=3)),
        ('"1..1024 log"', Whole(name="x", low=1, high=1024, log=True)),
        ('"1..64 MiB log step 2"', Whole(name="x", low=1, high=64, log=True, step=2, unit="MiB")),
        ('"20.0..90.0 degC step 0.5"', Real(name="x", low=20.0, high=90.0, unit="degC", step=0.5)),
        ('"20..90 step 0.5"', Real(name="x", low=20.0, high=90.0, step=0.5)),
        ('"1e-5..1 log"', Real(name="x", low=1e-5, high=1.0, log=True)),
        ('"20.0..90.0 degC at most 5"', Real(name="x", low=20.0, high=90.0, unit="degC", at_most=5.0)),
        ('"1..64 at most 3 log step 2"', Whole(name="x", low=1, high=64, log=True, step=2, at_most=3)),
        ('{ range = "20.0..90.0 degC", at_most = 5 }', Real(name="x", low=20.0, high=90.0, unit="degC", at_most=5.0)),
        ("{ values = [1, 2, 8], at_most = 1 }", Whole(name="x", low=1, high=8, levels=(1, 2, 8), at_most=1.0)),
        ("[1, 2, 8]", Whole(name="x", low=1, high=8, levels=(1, 2, 8))),
        ("[2, 1]", Choice(name="x", values=(2, 1))),
        ("[0.5, 1.5]", Choice(name="x", values=(0.5, 1.5))),
        ('["a", 1, true]', Choice(name="x", values=("a", 1, True))),
        ("[false, true]", Switch(name="x")),
        ("[true, false]", Switch(name="x")),
        ('["True", "False"]', Choice(name="x", values=("True", "False"))),
        ("[0, 1]", Whole(name="x", low=0, high=1, levels=(0, 1))),
        ('"switch"', Switch(name="x")),
        ('"revision"', Revision(name="x")),
        ('{ range = "1..8", log = true, step = 2, unit = "km" }', Whole(name="x", low=1, high=8, log=True, step=2, unit="km")),
        ('{ range = "1..8 log", log = true }', Whole(name="x", low=1, high=8, log=True)),
        ('{ range = "1..8 km", unit = "km", log = false }', Whole(name="x", low=1, high=8, unit="km")),
        ('{ range = "1..8", step = 0.5, unit = "kg m" }', Real(name="x", low=1.0, high=8.0, step=0.5, unit="kg m")),
        ('{ values = [1, 8], unit = "km" }', Whole(name="x", low=1, high=8, levels=(1, 8), unit="km")),
        ('{ values = "switch", when = { y = ["a", "b"] } }', Switch(name="x", when=(When("y", ("a", "b")),))),
        ('{ values = "revision" }', Revision(name="x")),
        ('{ values = ["a", "b"], when = { y = "a" } }', Choice(name="x", values=("a", "b"), when=(When("y", ("a",)),))),
    ],
)  # fmt: skip
def test_what_may_change(written: str, expected: Parameter) -> None:
    """Every form of a parameter."""
    assert words.parameter("x", tomllib.loads(f"x = {written}")["x"]) == expected


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("10 min", 600), ("90 s", 90), ("90s", 90), ("1.5 h", 5400), ("2 days", 172_800), ("1 h 30 min", 5400), ("1h30min", 5400),
     ("250 ms", 0.25), ("1 week", 604_800), ("2 Hours", 7200), (" 3 minutes ", 180), (90, 90), (0.5, 0.5), ("90", 90), ("1e3", 1000)],
)  # fmt: skip
def test_durations(given: object, seconds: float) -> None:
    """In words or in seconds."""
    assert words.duration(given, "within") == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("given", "mebibytes"),
    [("512 MiB", 512), ("2 GiB", 2048), ("1 TiB", 2**20), ("1024 KiB", 1), ("1048576 B", 1), ("1 GB", 1e9 / 2**20), ("2gib", 2048), (64, 64)],
)  # fmt: skip
def test_memory(given: object, mebibytes: float) -> None:
    """In words or in MiB."""
    assert words.memory(given, "memory") == pytest.approx(mebibytes)


@pytest.mark.parametrize(
    "given",
    ["", "soon", "10", "10 minuets", "-3 s", "0 s", "1 h and", "h", "1e400", "nan s", "nan", -1, 0, True, None, [1]],
)
def test_no_amount(given: object) -> None:
    """What cannot be read is refused with an example."""
    if given != "10":
        with pytest.raises(Malformed, match="within must be a duration above 0; got") as caught:
            words.duration(given, "within")
        assert "10 min" in caught.value.hint
    with pytest.raises(Malformed, match="memory must be an amount of memory above 0; got") as caught:
        words.memory(f"{given} cows", "memory")
    assert "512 MiB" in caught.value.hint


@pytest.mark.parametrize(
    ("given", "limits"),
    [("x <= 100", (None, 100)), ("100 >= x", (None, 100)), ("x >= 1.5", (1.5, None)), ("1e3 <= x", (1000, None)),
     (" 10<=x<=1_00 ", (10, 100)), ("100 >= x >= 10", (10, 100))],
)  # fmt: skip
def test_limits(given: str, limits: tuple[float | None, float | None]) -> None:
    """Either side, or both."""
    made = words.limit(given, ["x"])
    assert (made.at_least, made.at_most) == limits


@given(st.text(max_size=30) | st.text("0123456789.. steplog<=>x_+-e", max_size=30))
def test_any_text_at_all(text: str) -> None:
    """Whatever is written is read, or refused as `Malformed`."""
    for reader in (
        lambda: words.parameter("x", text), lambda: words.limit(text, ["x"]), lambda: words.duration(text, "x"),
        lambda: words.memory(text, "x"),
    ):  # fmt: skip
        with contextlib.suppress(Malformed):
            reader()


LEAST: dict[str, str] = {
    "": 'do = "make"',
    "metric": 'seconds = { better = "lower" }\nsize = { better = "lower" }',
    "standard": "jobs = 1",
    "may": 'jobs = "1..16"',
}


def with_lines(**lines: str) -> str:
    """Return the least recipe with other lines in some tables."""
    tables = {**LEAST, **{("" if key == "top" else key): value for key, value in lines.items()}}
    return "\n".join(f"[process.b{'.' if key else ''}{key}]\n{value}" for key, value in tables.items() if value != "-")


METRICS = "known are: better, kind, unit, scale, exact, worthwhile, margin, low, high, from, pattern"
PATTERN = "mark where the number stands: size: (?P<size>[0-9.]+)"
LONG = "known are: range, values, log, step, at_most, unit, when"


@pytest.mark.parametrize(
    ("lines", "kind", "sentence", "hint"),
    [
        # the process
        ({"top": "doo = 'make'"}, Malformed, ": a key of a process must be a known one; got 'doo'",
         "did you mean 'do'? known are: do, within, memory, directory, environment, about, adopted, adopted_hook, metric, standard, may, keep, policy"),
        ({"metric": "-"}, Malformed, ": a process must have a table [process.b.metric]; got none", 'say what is measured: seconds = { better = "lower" }'),
        ({"standard": "-"}, Malformed, ": a process must have a table [process.b.standard]; got none", "say how it is done today: jobs = 1"),
        ({"may": "-"}, Malformed, ": a process must have a table [process.b.may]; got none", 'say what may change: jobs = "1..16"'),
        ({"top": "do = 3"}, Malformed, ".do: do must be text; got 3", "put it in quotes"),
        ({"top": "do = ' '"}, Malformed, ".do: do must be a command; got nothing", "leave do out if somebody asks and tells"),
        ({"top": "do = 'x'\nwithin = '10 minuets'"}, Malformed, ".within: within must be a duration above 0; got '10 minuets'",
         "write it like '90 s', '10 min', '1.5 h' or '2 days', or as a number of seconds"),
        ({"top": "do = 'x'\nmemory = -1"}, Malformed, ".memory: memory must be an amount of memory above 0; got -1",
         "write it like '512 MiB' or '2 GiB', or as a number of MiB"),
        ({"top": "within = 3"}, Malformed, ".within: within must stand beside do; got no do", 'say how it is tried: do = "make -j$jobs"'),
        ({"top": "directory = 'x'"}, Malformed, ".directory: directory must stand beside do; got no do", 'say how it is tried: do = "make -j$jobs"'),
        ({"top": "do = 'x'\ndirectory = 3"}, Malformed, ".directory: directory must be text; got 3", "put it in quotes"),
        ({"top": "do = 'x'\nenvironment = 3"}, Malformed, ".environment: environment must be a table; got 3", 'write it like { better = "lower" }'),
        ({"top": "do = 'x'\nenvironment.A = [1]"}, Malformed, ".environment: A must be text; got [1]", ""),
        ({"top": "do = 'x'\nadopted = 'x.py'"}, Malformed, ".adopted: adopted must be a .json or .toml file; got 'x.py'", "a command goes into adopted_hook"),
        ({"top": "do = 'x'\nmay = 3", "may": "-"}, Malformed, ".may: may must be a table; got 3", 'write it like { better = "lower" }'),
        ({"may": ""}, Malformed, ".standard.jobs: a parameter of the standard must be a known one; got 'jobs'", "known are: none"),
        ({"may": "", "standard": ""}, Malformed, ": b must have parameters; got none", ""),
        ({"metric": ""}, Malformed, ": b must have metrics; got none", ""),
        # metrics
        ({"metric": "size = 3"}, Malformed, ".metric.size: a metric must be a table; got 3", 'write it like { better = "lower" }'),
        ({"metric": "size = { beter = 'lower' }"}, Malformed, ".metric.size: a key of a metric must be a known one; got 'beter'", f"did you mean 'better'? {METRICS}"),
        ({"metric": "size = {}"}, Malformed, ".metric.size: a metric must say which is better; got nothing", 'better = "lower" or better = "higher"'),
        ({"metric": "size.better = 'less'"}, Malformed, ".metric.size: size's better must be one of lower, higher; got 'less'", ""),
        ({"metric": "size = { better = 'lower', worthwhile = '2%' }"}, Malformed, ".metric.size: worthwhile must be a finite number; got '2%'", "write it without quotes"),
        ({"metric": "size = { better = 'lower', margin = nan }"}, Malformed, ".metric.size: margin must be a finite number; got nan", ""),
        ({"metric": "size = { better = 'lower', exact = 'yes' }"}, Malformed, ".metric.size: exact must be true or false; got 'yes'", "write it without quotes"),
        ({"metric": "size = { better = 'lower', unit = 3 }"}, Malformed, ".metric.size: unit must be text; got 3", "put it in quotes"),
        ({"metric": "size = { better = 'lower', from = 'yaml' }"}, Malformed, ".metric.size: from must be a known one; got 'yaml'",
         "known are: json, seconds, cpu_seconds, peak_memory, exit_status"),
        ({"metric": "size = { better = 'lower', from = 3 }"}, Malformed, ".metric.size: from must be text; got 3", "put it in quotes"),
        ({"metric": "size = { better = 'lower', from = 'json', pattern = '(x)' }"}, Malformed, ".metric.size: a metric must be read from one place; got from and pattern", ""),
        ({"metric": "size = { better = 'lower', pattern = '(' }"}, Malformed,
         ".metric.size: size's pattern must be a regular expression; got '(': missing ), unterminated subpattern at position 0", ""),
        ({"metric": "size = { better = 'lower', pattern = '' }"}, Malformed, ".metric.size: size's pattern must have one group, or one named size; got ''", PATTERN),
        ({"metric": "size = { better = 'lower', pattern = '(a)(b)' }"}, Malformed, ".metric.size: size's pattern must have one group, or one named size; got '(a)(b)'", PATTERN),
        ({"metric": "size = { better = 'lower', pattern = 3 }"}, Malformed, ".metric.size: pattern must be text; got 3", "put it in quotes"),
        ({"top": "", "metric": "size = { better = 'lower', from = 'json' }"}, Malformed,
         ".metric.size: a metric must be told where nothing is run; got a place to read it from", "leave from and pattern out, or say do: how it is tried"),
        # what may change
        ({"may": "jobs = '1-16'"}, Malformed, ".may.jobs: jobs must be a range; got '1-16'", "write it like '1..16', '1..16 step 3', '1..1024 log' or '20.0..90.0 degC'"),
        ({"may": "jobs = '16..1'"}, Malformed, ".may.jobs: jobs's range must go from a smaller to a larger finite number; got 16 to 1", ""),
        ({"may": "jobs = '1.0..1e999'"}, Malformed, ".may.jobs: jobs's range must go from a smaller to a larger finite number; got 1.0 to inf", ""),
        ({"may": "jobs = '1..16 stpe 3'"}, Malformed, ".may.jobs: behind its bounds, the range of jobs must have a unit, step, at most or log; got 'stpe 3'",
         "write it like '1..16 MiB step 3'; a unit of several words goes into { range = …, unit = … }"),
        ({"may": "jobs = '1..16 logs'"}, Malformed, ".may.jobs: behind its bounds, the range of jobs must have a unit, step, at most or log; got 'logs'",
         "write it like '1..16 MiB step 3'; a unit of several words goes into { range = …, unit = … }"),
        ({"may": "jobs = '1..16 3'"}, Malformed, ".may.jobs: behind its bounds, the range of jobs must have a unit, step, at most or log; got '3'",
         "write it like '1..16 MiB step 3'; a unit of several words goes into { range = …, unit = … }"),
        ({"may": "jobs = { range = '1..16 km', unit = 'mm' }"}, Malformed, ".may.jobs: jobs must have one unit; got 'km' and 'mm'", ""),
        ({"may": "jobs = '1..16 step 0'"}, Malformed, ".may.jobs: jobs's step must be above 0 and at most 15; got 0", ""),
        ({"may": "jobs = 3"}, Malformed, ".may.jobs: jobs must be a range, a list of values, 'switch' or 'revision'; got 3", 'write it like "1..16", ["zlib", "lzma"] or "switch"'),
        ({"may": "jobs = [1]"}, Malformed, ".may.jobs: jobs's values must be two or more different ones; got (1,)", ""),
        ({"may": "jobs = [[1], [2]]"}, OutOfRange, ".may.jobs: jobs must be text, a finite number, true or false; got [1]", ""),
        ({"may": "jobs = { rnge = '1..16' }"}, Malformed, ".may.jobs: a key of a parameter must be a known one; got 'rnge'", f"did you mean 'range'? {LONG}"),
        ({"may": "jobs = {}"}, Malformed, ".may.jobs: a parameter must have a range or values; got neither", 'write it like { range = "1..8" } or { values = ["zlib", "lzma"] }'),
        ({"may": "jobs = { range = '1..2', values = [1] }"}, Malformed, ".may.jobs: a parameter must have a range or values; got both",
         'write it like { range = "1..8" } or { values = ["zlib", "lzma"] }'),
        ({"may": "jobs = { range = [1, 2] }"}, Malformed, ".may.jobs: range must be text; got [1, 2]", "put it in quotes"),
        ({"may": "jobs = { range = '1..9', step = '3' }"}, Malformed, ".may.jobs: step must be a finite number; got '3'", "write it without quotes"),
        ({"may": "jobs = { range = '1..9', log = 1 }"}, Malformed, ".may.jobs: log must be true or false; got 1", "write it without quotes"),
        ({"may": "jobs = { values = [1, 2], log = true }"}, Malformed, ".may.jobs: log must belong to a range; got values", 'write it like { range = "1..8" }'),
        ({"may": "jobs = { values = ['a', 'b'], unit = 'km' }"}, Malformed, ".may.jobs: a unit must belong to a range or to whole numbers in rising order; got 'km'", ""),
        ({"may": "jobs = { range = '1..9', when = 'x' }"}, Malformed, ".may.jobs: a condition must name a parameter and its values; got 'x'",
         "write it like {'codec': 'zlib'} or {'codec': ('zlib', 'bz2')}"),
        ({"may": "jobs = { range = '1..9', when = { x = 1 } }"}, Undeclared, ".may: jobs's condition must be on a declared parameter; got 'x'", "declared are: jobs"),
        ({"may": "'a b' = '1..9'"}, Malformed, ".may.a b: a parameter's name must be letters, digits and _; got 'a b'", "it becomes an environment variable or an argument"),
        # the standard
        ({"standard": "job = 1"}, Malformed, ".standard.job: a parameter of the standard must be a known one; got 'job'", "did you mean 'jobs'? known are: jobs"),
        ({"standard": "jobs = 99"}, OutOfRange, ".standard.jobs: jobs must be a whole number from 1 to 16; got 99", ""),
        ({"standard": ""}, OutOfRange, ".standard: jobs must be given; got nothing", "it is a whole number from 1 to 16"),
        # keep
        ({"keep": "rules = []"}, Malformed, ".keep: a key of keep must be a known one; got 'rules'", "known are: constraints, guards"),
        ({"keep": "constraints = 'jobs <= 3'"}, Malformed, ".keep: constraints must be a list; got 'jobs <= 3'", 'write it like constraints = ["jobs * level <= 32"]'),
        ({"keep": "constraints = ['jobs <= 3', 4]"}, Malformed, ".keep.constraints[1]: a constraint must be text; got 4", "put it in quotes"),
        ({"keep": "constraints = ['job <= 3']"}, Undeclared, ".keep.constraints[0]: constraint 'job <= 3' must speak of declared parameters only; got job", "declared are: jobs"),
        ({"keep": "constraints = ['jobs >= 3']"}, OutOfRange, ".standard: a setting of b must keep 'jobs >= 3'; got jobs=1", ""),
        ({"keep": "guards = 'size <= 3'"}, Malformed, ".keep: guards must be a list; got 'size <= 3'", 'write it like guards = ["size <= 100"]'),
        ({"keep": "guards = ['size < 3']"}, Malformed, ".keep.guards[0]: a guard must be a limit on a metric; got 'size < 3'",
         "write it like 'size <= 100' or '10 <= size <= 100'; a limit itself is allowed"),
        ({"keep": "guards = ['siz <= 3']"}, Malformed, ".keep.guards[0]: a guard's metric must be a known one; got 'siz'", "did you mean 'size'? known are: seconds, size"),
        ({"keep": "guards = [{ metric = 'size', atmost = 3 }]"}, Malformed, ".keep.guards[0]: a key of a guard must be a known one; got 'atmost'",
         "did you mean 'at_most'? known are: metric, at_least, at_most"),
        ({"keep": "guards = [{ at_most = 3 }]"}, Malformed, ".keep.guards[0]: a guard's metric must be a known one; got ''", "known are: seconds, size"),
        ({"keep": "guards = [{ metric = 'size' }]"}, Malformed, ".keep.guards[0]: the guard on size must have a finite at_least or at_most; got []", ""),
        ({"keep": "guards = [{ metric = 'size', at_most = '3' }]"}, Malformed, ".keep.guards[0]: at_most must be a finite number; got '3'", "write it without quotes"),
        # policy
        ({"policy": "pears = 3"}, Malformed, ".policy.pears: a key of policy must be a known one; got 'pears'",
         "did you mean 'pairs'? known are: planner, memory, consent, pairs, trials, changes, risk, reasons, heed, anyway, carry, false_adoptions, share, lease, runs, seconds, money"),
        ({"policy": "pairs = 3.5"}, Malformed, ".policy.pairs: pairs must be a whole number; got 3.5", ""),
        ({"policy": "pairs = 0"}, Malformed, ".policy: policy pairs must be from 1 to 10000; got 0", ""),
        ({"policy": "lease = 'soon'"}, Malformed, ".policy.lease: lease must be a duration above 0; got 'soon'",
         "write it like '90 s', '10 min', '1.5 h' or '2 days', or as a number of seconds"),
        ({"policy": "consent = true"}, Malformed, ".policy.consent: consent must be text; got True", "put it in quotes"),
        ({"policy": "share = '1'"}, Malformed, ".policy.share: share must be a finite number; got '1'", "write it without quotes"),
    ],
)  # fmt: skip
def test_refused(recipe: Any, lines: dict[str, str], kind: type[KaizenError], sentence: str, hint: str) -> None:
    """Whatever is wrong is one sentence with its file and place, and a hint."""
    with pytest.raises(kind) as caught:
        recipe(with_lines(**lines))
    assert caught.value.message == f"kaizen.toml: process.b{sentence}"
    assert caught.value.hint == hint


START = "`kaizen init` writes one to start from"


@pytest.mark.parametrize(
    ("text", "sentence", "hint"),
    [
        ("", "kaizen.toml: a recipe must have a table [process.NAME]; got none", START),
        ("process = 3", "kaizen.toml: a recipe must have a table [process.NAME]; got none", START),
        ("[proces.x]", "kaizen.toml: a table must be a known one; got 'proces'", "did you mean 'process'? known are: process, memory"),
        ("[process]\nx = 3", "kaizen.toml: process.x: a process must be a table; got 3", 'write it like { better = "lower" }'),
        ("[process.'a b']", "kaizen.toml: process.a b: a process must have a table [process.a b.metric]; got none",
         'say what is measured: seconds = { better = "lower" }'),
        ("a = 1\nb = \nc = 2", "kaizen.toml, line 2, column 5: a recipe must be TOML; got 'Invalid value'",
         "the line reads 'b ='; text stands in quotes, a table's name in [brackets]"),
        ("[process.x\n", "kaizen.toml, line 1, column 11: a recipe must be TOML; got \"Expected ']' at the end of a table declaration\"",
         "the line reads '[process.x'; text stands in quotes, a table's name in [brackets]"),
        ("a = 1\na = 2", "kaizen.toml, line 2, at its end: a recipe must be TOML; got 'Cannot overwrite a value'",
         "the line reads 'a = 2'; text stands in quotes, a table's name in [brackets]"),
        (b"a = 1\nb = '\xff'", "kaizen.toml, line 2: a recipe must be UTF-8; got byte 0xff", "save it as UTF-8"),
        ("a = " + "[" * 5000, "kaizen.toml: a recipe must be nested less deeply; got brackets in brackets without end", ""),
    ],
    ids=range(10),
)  # fmt: skip
def test_no_recipe(recipe: Any, text: str | bytes, sentence: str, hint: str) -> None:
    """What is no TOML, or holds no process, says where it ends to be one."""
    with pytest.raises(Malformed) as caught:
        recipe(text)
    assert caught.value.message == sentence
    assert caught.value.hint == hint


def test_no_file(tmp_path: Path) -> None:
    """A missing file says how to start."""
    with pytest.raises(Malformed, match=r"a recipe must be a file that is there; got '.*none.toml'") as caught:
        read(tmp_path / "none.toml")
    assert caught.value.hint == START
    with pytest.raises(Malformed, match="a recipe must be a file; got the directory") as caught:
        read(tmp_path)
    assert caught.value.hint == f"did you mean {str(tmp_path / 'kaizen.toml')!r}?"


def test_an_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine refuses is said in its words."""

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(Stuck, match=r"kaizen.toml must be readable; got Permission denied"):
        read(tmp_path / "kaizen.toml")


def test_names_of_processes(recipe: Any) -> None:
    """A name that no file or address takes is refused."""
    with pytest.raises(Malformed, match=r"process\.a b: a process's name must be a letter"):
        recipe(with_lines().replace("process.b", "process.'a b'"))


def test_numbers_are_stored_alike(recipe: Any) -> None:
    """20 and 20.0 are one bound; so a recipe written otherwise is the same process."""
    one, other = (
        recipe(with_lines(metric=f"seconds = {{ better = 'lower', low = {low} }}", policy=f"money = {low}"))
        for low in ("2", "2.0")
    )
    assert one == other
    assert repr(one) == repr(other)
