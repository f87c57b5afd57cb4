"""A TOML table as a process: ``kaizen.toml``.

    [process.build]             do within memory directory environment about adopted adopted_hook
    [process.build.metric]      seconds = { better = "lower", worthwhile = 0.02 }
    [process.build.standard]    jobs = 1
    [process.build.may]         jobs = "1..16"
    [process.build.keep]        constraints guards
    [process.build.policy]      planner memory consent pairs trials changes risk reasons heed anyway carry
                                false_adoptions share lease runs seconds money

A process without ``do`` is for hands: somebody asks and tells. Every error names the file and the dotted place.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from kaizen.constraint import check_names
from kaizen.errors import Malformed, Mistake, Stuck
from kaizen.metric import Guard, Metric, guard, metric
from kaizen.parameter import Parameter, check_conditions
from kaizen.process import MEASURED, Hands, Policy, Process, Shell, Work, check_pattern, check_policy, check_process
from kaizen.recipes import words
from kaizen.setting import Setting, Texts, Value

T = TypeVar("T")
U = TypeVar("U")

RECIPE = "kaizen.toml"
"""The file's name, unless another is given."""

_PROCESS = (
    "do", "within", "memory", "directory", "environment", "about", "adopted", "adopted_hook",
    "metric", "standard", "may", "keep", "policy",
)  # fmt: skip
_METRIC: dict[str, Callable[[object, str], object]] = {
    "better": words.text, "kind": words.text, "unit": words.text, "scale": words.text, "exact": words.flag,
    "worthwhile": words.number, "margin": words.number, "low": words.number, "high": words.number,
    "from": words.text, "pattern": words.text,
}  # fmt: skip
_POLICY: dict[str, Callable[[object, str], object]] = {
    "planner": words.text, "memory": words.flag, "consent": words.text, "pairs": words.whole, "trials": words.whole, "changes": words.whole,
    "risk": words.number, "reasons": words.flag, "heed": words.flag, "anyway": words.number, "carry": words.text,
    "false_adoptions": words.number, "share": words.number, "lease": words.duration, "runs": words.whole,
    "seconds": words.duration, "money": words.number,
}  # fmt: skip
_NEEDED = {
    "metric": 'say what is measured: seconds = { better = "lower" }',
    "standard": "say how it is done today: jobs = 1",
    "may": 'say what may change: jobs = "1..16"',
}
_MEASURED_UNITS = {"seconds": "s", "cpu_seconds": "s", "peak_memory": "MiB"}


class Lender(NamedTuple):
    """A ledger of others that a recipe remembers from."""

    name: str
    ledger: str
    """Its file, or the folder of its recipe, from this recipe's folder on."""
    rename: tuple[str, ...]


def read(path: str | Path = RECIPE) -> tuple[Process, ...]:
    """Read the processes of a recipe file, in its order.

    Raises:
        Mistake: whatever is wrong, in one sentence, with the file and the dotted place.
        Stuck: the machine does not let the file be read.
    """
    return read_all(path)[0]


def read_all(path: str | Path = RECIPE) -> tuple[tuple[Process, ...], tuple[Lender, ...]]:
    """Read the processes of a recipe file, and the ledgers that it remembers from (see ``read``)."""
    file = Path(path)
    start = "`kaizen init` writes one to start from"
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        raise Malformed(f"a recipe must be a file that is there; got {str(file)!r}", hint=start) from None
    except IsADirectoryError:
        raise Malformed(
            f"a recipe must be a file; got the directory {str(file)!r}", hint=f"did you mean {str(file / RECIPE)!r}?"
        ) from None
    except OSError as error:
        raise Stuck(f"{file} must be readable; got {error.strerror}") from error
    with _at(file.name):
        found = _parse(data, file.name)
        for key in found:
            words.check_known(key, ("process", "memory"), "a table")
        tables = found.get("process") or {}
        if not isinstance(tables, dict) or not tables:
            raise Malformed("a recipe must have a table [process.NAME]; got none", hint=start)
        processes = tuple(_read_process(name, table, f"{file.name}: process") for name, table in tables.items())
        return processes, _read_memory(found.get("memory") or {}, f"{file.name}: memory")


def write_example() -> str:
    """Return a recipe to start from, as text; it reads back as one process."""
    return _EXAMPLE


def _parse(data: bytes, name: str) -> dict[str, Any]:
    """Read TOML; say where it ends to be TOML."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        got = f"{data[error.start]:#04x}"
        raise Malformed(
            f"{name}, line {line}: a recipe must be UTF-8; got byte {got}", hint="save it as UTF-8"
        ) from None
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise Malformed(f"{name}: a recipe must be nested less deeply; got brackets in brackets without end") from None
    except ValueError as error:
        what, _, place = str(error).rpartition(" (at ")
    lines = text.splitlines() or [""]
    found = re.match(r"line (\d+), column (\d+)", place)
    row = int(found.group(1)) if found else len(lines)
    where = f"column {found.group(2)}" if found else "at its end"
    shown = lines[min(row, len(lines)) - 1].strip()
    raise Malformed(
        f"{name}, line {row}, {where}: a recipe must be TOML; got {what or place!r}",
        hint=f"the line reads {shown!r}; text stands in quotes, a table's name in [brackets]",
    )


def _read_memory(tables: object, above: str) -> tuple[Lender, ...]:
    """Read the ledgers to remember from: ``[memory.north]`` with ``ledger``, and ``rename`` where names differ."""
    found = []
    with _at(above):
        for name, given in words.table(tables, "memory").items():
            with _at(f"{above}.{name}"):
                table = words.table(given, "a ledger to remember from")
                words.check_keys(table, ("ledger", "rename"), "a key of it")
                ledger, renames = words.text(table.get("ledger", ""), "ledger"), table.get("rename", [])
                if not ledger or not isinstance(renames, list):
                    raise Malformed(
                        f"a ledger to remember from must have a place, and a list of renames if any; got {table!r}",
                        hint='write it like ledger = "../north" and rename = ["lr=learning_rate"]',
                    )
                found.append(Lender(name, ledger, tuple(words.text(one, "a rename") for one in renames)))
    return tuple(found)


# -- one process -----------------------------------------------------------------------------------------------------


def _read_process(name: str, given: object, above: str) -> Process:
    place = f"{above}.{name}"
    with _at(place):
        table = words.table(given, "a process")
        words.check_keys(table, _PROCESS, "a key of a process")
        for key, hint in _NEEDED.items():
            if key not in table:
                raise Malformed(f"a process must have a table [process.{name}.{key}]; got none", hint=hint)
        parameters = tuple(_each(table, "may", place, words.parameter))
        with _at(f"{place}.may"):
            parameters = check_conditions(parameters)
        metrics = tuple(_each(table, "metric", place, lambda key, rules: _read_metric(key, rules, run="do" in table)))
        process = Process(
            name=name,
            parameters=parameters,
            metrics=metrics,
            standard=_read_standard(table, parameters, place),
            constraints=_read_constraints(table, parameters, place),
            guards=_read_guards(table, metrics, place),
            work=_read_work(table, place),
            policy=_read_policy(table, place),
            about=_read(table, "about", place, words.text, ""),
        )
        with _at(f"{place}.standard"):
            process.setting(process.standard)
        return check_process(process)


def _read_metric(name: str, given: object, *, run: bool) -> Metric:
    """Declare a metric; ``run`` tells whether a command does the work."""
    rules = dict(words.table(given, "a metric"))
    words.check_keys(rules, _METRIC, "a key of a metric")
    if "better" not in rules:
        raise Malformed("a metric must say which is better; got nothing", hint='better = "lower" or better = "higher"')
    source, pattern = rules.pop("from", None), rules.pop("pattern", None)
    if (source, pattern) != (None, None) and not run:
        hint = "leave from and pattern out, or say do: how it is tried"
        raise Malformed("a metric must be told where nothing is run; got a place to read it from", hint=hint)
    if source is not None and pattern is not None:
        raise Malformed("a metric must be read from one place; got from and pattern")
    if source is not None:
        words.check_known(words.text(source, "from"), ("json", *MEASURED), "from")
    if pattern is not None:
        check_pattern(words.text(pattern, "pattern"), name)
    for key, value in rules.items():
        _METRIC[key](value, key)
    if run and pattern is None and source in (None, name):
        rules.setdefault("unit", _MEASURED_UNITS.get(name, ""))
    return metric(name, **rules)


def _read_standard(table: Mapping[str, Any], parameters: tuple[Parameter, ...], place: str) -> Setting:
    """Check each value where it stands; how they fit together is checked afterwards."""
    by_name = {parameter.name: parameter for parameter in parameters}

    def read_value(name: str, value: object) -> tuple[str, Value]:
        words.check_known(name, by_name, "a parameter of the standard")
        return name, by_name[name].check(value)

    return Setting(dict(_each(table, "standard", place, read_value)))


def _read_constraints(table: Mapping[str, Any], parameters: tuple[Parameter, ...], place: str) -> tuple[str, ...]:
    names = frozenset(parameter.name for parameter in parameters)
    found = []
    for number, given in enumerate(_kept(table, "constraints", place)):
        with _at(f"{place}.keep.constraints[{number}]"):
            check_names(words.text(given, "a constraint"), names)
            found.append(given)
    return tuple(found)


def _read_guards(table: Mapping[str, Any], metrics: tuple[Metric, ...], place: str) -> tuple[Guard, ...]:
    names = [metric.name for metric in metrics]
    found = []
    for number, given in enumerate(_kept(table, "guards", place)):
        with _at(f"{place}.keep.guards[{number}]"):
            if not isinstance(given, dict):
                found.append(words.limit(given, names))
                continue
            words.check_keys(given, ("metric", "at_least", "at_most"), "a key of a guard")
            name = words.text(given.get("metric", ""), "metric")
            words.check_known(name, names, "a guard's metric")
            ends = {key: words.number(given[key], key) for key in ("at_least", "at_most") if key in given}
            found.append(guard(name, **ends))
    return tuple(found)


def _kept(table: Mapping[str, Any], key: str, place: str) -> list[Any]:
    with _at(f"{place}.keep"):
        keep = words.table(table.get("keep", {}), "keep")
        words.check_keys(keep, ("constraints", "guards"), "a key of keep")
        found = keep.get(key, [])
        if not isinstance(found, list):
            example = {"constraints": '["jobs * level <= 32"]', "guards": '["size <= 100"]'}[key]
            raise Malformed(f"{key} must be a list; got {found!r}", hint=f"write it like {key} = {example}")
    return found


def _read_work(table: Mapping[str, Any], place: str) -> Work:
    """Return the command with its limits, or hands where there is none."""
    if "do" not in table:
        for key in ("within", "memory", "directory", "environment"):
            if key in table:
                with _at(f"{place}.{key}"):
                    hint = 'say how it is tried: do = "make -j$jobs"'
                    raise Malformed(f"{key} must stand beside do; got no do", hint=hint)
        return Hands()
    command = _read(table, "do", place, words.text, "")
    if not command.strip():
        with _at(f"{place}.do"):
            raise Malformed("do must be a command; got nothing", hint="leave do out if somebody asks and tells")
    with _at(f"{place}.environment"):
        environment = Texts(words.table(table.get("environment", {}), "environment"))
    return Shell(
        command=command,
        reads=Texts({name: _source(name, rules) for name, rules in table["metric"].items()}),
        within=_read(table, "within", place, words.duration, None),
        memory=_read(table, "memory", place, words.memory, None),
        directory=_read(table, "directory", place, words.text, "."),
        environment=environment,
    )


def _source(name: str, rules: Mapping[str, str]) -> str:
    """Return where a metric is read: what is said, else Kaizen's own measure of that name, else JSON."""
    if "pattern" in rules:
        return f"pattern:{rules['pattern']}"
    return rules.get("from", name if name in MEASURED else "json")


def _read_policy(table: Mapping[str, Any], place: str) -> Policy:
    def read_field(key: str, value: object) -> tuple[str, Any]:
        words.check_known(key, _POLICY, "a key of policy")
        return key, _POLICY[key](value, key)

    fields: dict[str, Any] = dict(_each(table, "policy", place, read_field))
    file = _read(table, "adopted", place, words.text, "")
    if file and not file.endswith((".json", ".toml")):
        with _at(f"{place}.adopted"):
            hint = "a command goes into adopted_hook"
            raise Malformed(f"adopted must be a .json or .toml file; got {file!r}", hint=hint)
    policy = Policy(**fields, adopted_file=file, adopted_hook=_read(table, "adopted_hook", place, words.text, ""))
    with _at(f"{place}.policy"):
        check_policy(policy)
    return policy


# -- places ----------------------------------------------------------------------------------------------------------


@contextmanager
def _at(place: str) -> Iterator[None]:
    """Say where a mistake was made; the innermost place wins."""
    try:
        yield
    except Mistake as error:
        if error.message.startswith(place.partition(": ")[0]):
            raise
        raise type(error)(f"{place}: {error.message}", hint=error.hint) from error


def _each(table: Mapping[str, Any], key: str, place: str, read: Callable[[str, object], T]) -> list[T]:
    """Read every line of a table within the table."""
    with _at(f"{place}.{key}"):
        lines = words.table(table.get(key, {}), key)
    found = []
    for name, given in lines.items():
        with _at(f"{place}.{key}.{name}"):
            found.append(read(name, given))
    return found


def _read(table: Mapping[str, Any], key: str, place: str, read: Callable[[object, str], T], absent: U) -> T | U:
    """Read one line of a table, if it is there."""
    if key not in table:
        return absent
    with _at(f"{place}.{key}"):
        return read(table[key], key)


_EXAMPLE = """\
# What may change, how it is tried, what is measured. Kaizen tries small changes against today's standard, proves
# what is better, and remembers what was not. Change this example into your own process, then: kaizen improve pack

[process.pack]
do     = "seq 300000 | gzip -$level | wc -c"    # any command; the setting arrives in its environment
within = "1 min"                                # a run that takes longer is stopped, and counts as failed
about  = "pack a stream of numbers"

[process.pack.metric]
# Of a command, Kaizen itself measures seconds, cpu_seconds, peak_memory (MiB) and exit_status.
cpu_seconds = { better = "lower", worthwhile = 0.05 }    # a gain of 5 % is worth adopting
# Other numbers are read from the last line of the output, as JSON: {"bytes": 1024}; or by a pattern, as here.
# exact: repeats always agree, so that one comparison decides. margin: a loss of 1 % is tolerated for a gain elsewhere.
bytes = { better = "lower", exact = true, pattern = '(\\d+)', unit = "B", margin = 0.01 }

[process.pack.standard]    # how it is done today
level = 6

[process.pack.may]         # what may change
level = "1..9"             # whole numbers; "1..1024 log" by ratios, "0..64 step 8" in steps
# warmth = "20.0..90.0 degC at most 5"                        # any number: a bound has a point; 5 degC at once, no more
# block  = [64, 128, 256]                                     # only these
# codec  = ["gzip", "xz"]                                     # one of these, in no order
# strip  = "switch"                                           # true or false
# depth  = { range = "1..8", when = { codec = "xz" } }        # only while another one has this value

# [process.pack.keep]
# constraints = ["level * jobs <= 32"]                        # checked before anything is run
# guards      = ["bytes <= 1_000_000"]                        # must not be broken

# [process.pack.policy]
# planner = "steps"        # small steps by chance, instead of a model of all runs
# consent = "ana"          # who agrees before a change is adopted; nobody has to, if left out
# risk    = 0.05           # of the planner's runs, so many may break a guard or fault
# runs    = 200            # at most, in all
"""
