"""Recall: what is found is what a slow look finds, whatever was appended in whatever order."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen.journal import Kept, Tried
from kaizen.metric import Guard, higher, lower
from kaizen.parameter import Choice, Real, Switch, When, Whole
from kaizen.process import Process, check_process
from kaizen.setting import Numbers, Setting, Texts
from kaizen.standard import Standard
from kaizen.testing.strategies import processes
from kaizen.testing.strategies import settings as settings_of
from kaizen.trial import Fault, Reading, Spend
from kaizen.veteran.past import FAULTED, UNKNOWN, Past, gained
from kaizen.veteran.table import Columns, Lookup, Table, key_of, measured, placed, smallest, valued

HEAT = Real(name="heat", low=100.0, high=200.0)
PARAMETERS = (
    HEAT,
    Whole(name="jobs", low=1, high=64, log=True),
    Choice(name="flux", values=("a", 1, True)),
    Switch(name="steam"),
    Real(name="water", low=0.0, high=2.0, when=(When("steam", (True,)),)),
)


def process(**fields: Any) -> Process:
    taste = higher("taste", scale="difference", worthwhile=0.5)
    standard = Setting(heat=150.0, jobs=8, flux="a", steam=False)
    return check_process(
        Process(**{"name": "loaf", "parameters": PARAMETERS, "metrics": (taste,), "standard": standard, **fields})
    )


def tried(number: int, setting: Setting, taste: float | Fault | None = 5.0, **fields: Any) -> Tried:
    outcome = taste if isinstance(taste, Fault) else Reading(values=Numbers(taste=taste))
    return Tried(**{"id": number, "seq": number, "at": 0, "by": "w", "setting": setting, "purpose": "scout", "of": 1,
                    "outcome": outcome, "spend": Spend(runs=1), **fields})  # fmt: skip


def kept(number: int, setting: Setting) -> Kept:
    return Kept(
        standard=Standard(number=number, setting=setting, evidence="given", because="b", by="ana"),
        at=0,
        by="ana",
        revision=1,
    )


def slow_square(parameters: Any, a: Setting, b: Setting) -> float:
    """Return the squared distance, parameter by parameter: the twin of ``measured``."""
    total = 0.0
    for parameter in parameters:
        name = parameter.name
        if isinstance(parameter, Real | Whole):
            places = [parameter.place(one[name]) if name in one else 0.5 for one in (a, b)]
            total += (places[0] - places[1]) ** 2 + 0.75 * ((name in a) != (name in b))
        else:
            total += Setting({name: a[name]} if name in a else {}) != Setting({name: b[name]} if name in b else {})
    return total


# ── columns ───────────────────────────────────────────────────────────────────────────────────────────────────────────
@given(st.data())
def test_distances_are_those_of_a_plain_walk(data: Any) -> None:
    """Encoded and computed at once, or parameter by parameter: the same; symmetric, and 0 for the same setting."""
    made = data.draw(processes(constrained=False))
    a, b = data.draw(settings_of(made)), data.draw(settings_of(made))
    columns = Columns(made.parameters)
    one, other = columns.encode([a]), columns.encode([b])
    found = measured(one, np.array([0]), other, columns.weights)[0]
    assert found == pytest.approx(slow_square(made.parameters, a, b), abs=1e-5)
    assert measured(other, np.array([0]), one, columns.weights)[0] == pytest.approx(found, abs=1e-12)
    assert measured(one, np.array([0]), columns.encode([a]), columns.weights)[0] == 0


@given(st.data())
def test_places_and_values_are_each_others_inverse(data: Any) -> None:
    """Within a range, by ratios and by levels, too."""
    made = data.draw(processes(constrained=False))
    setting = data.draw(settings_of(made))
    for parameter in made.parameters:
        if isinstance(parameter, Real | Whole) and parameter.name in setting:
            value = np.array([float(setting[parameter.name])])
            place = placed(parameter, value)
            assert place[0] == pytest.approx(parameter.place(setting[parameter.name]), abs=1e-9)
            assert valued(parameter, place)[0] == pytest.approx(
                value[0], rel=1e-6, abs=1e-6 * (parameter.high - parameter.low)
            )


def test_what_lies_outside_a_range_is_not_far_outside() -> None:
    """An amendment may leave old settings outside: they stay comparable, and nothing is infinite."""
    log = Real(name="x", low=1.0, high=10.0, log=True)
    assert placed(log, np.array([-5.0, 0.0, 1e9])).tolist() == [-0.5, -0.5, 1.5]
    assert placed(HEAT, np.array([-1e9, 1e9])).tolist() == [-0.5, 1.5]


# ── three ways to find ────────────────────────────────────────────────────────────────────────────────────────────────
def drawn(count: int, seed: int) -> list[Setting]:
    chance = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        steam = bool(chance.integers(2))
        setting = {"heat": round(float(chance.uniform(100, 200)), int(chance.integers(0, 3))), "jobs": int(chance.integers(1, 65)),
                   "flux": PARAMETERS[2].values[chance.integers(3)], "steam": steam}  # fmt: skip
        found.append(Setting({**setting, "water": 1.0} if steam else setting))
    return found


@pytest.mark.parametrize("sizes", [[3000], [1, 1500, 7, 900], [40] * 60])
def test_exact_recall_is_a_slow_scan(sizes: list[int]) -> None:
    """However the rows came in, in bulk or one by one: all rows of the very same setting, in order, and no other."""
    rows = drawn(sum(sizes), seed=len(sizes))
    table, start = Table(PARAMETERS), 0
    for size in sizes:
        part = rows[start : start + size]
        table.add(table.columns.encode(part), np.array([key_of(one.fingerprint) for one in part], dtype=np.uint64))
        start += size
        for wanted in (part[0], part[-1]):
            truth = [row for row, one in enumerate(rows[:start]) if one == wanted]
            assert table.same(key_of(wanted.fingerprint)).tolist() == truth
    assert table.same(12345).tolist() == []


def test_alike_is_within_a_hundredth_of_every_range_and_finds_the_same() -> None:
    """What is found is within tolerance; with one number that differs, nothing within it is missed."""
    rows = drawn(2000, seed=3)
    table = Table(PARAMETERS)
    table.add(table.columns.encode(rows), np.array([key_of(one.fingerprint) for one in rows], dtype=np.uint64))
    places = table.coded.places
    for wanted in rows[:50]:
        found = table.alike(table.columns.encode([wanted])).tolist()
        assert {row for row, one in enumerate(rows) if one == wanted} <= set(found)
        for row in found:
            assert np.all(np.abs(places[row] - table.columns.encode([wanted]).places[0]) <= 0.01 + 1e-5)
    line = Table((HEAT,))
    heats = [Setting(heat=100.0 + n * 0.25) for n in range(400)]
    line.add(line.columns.encode(heats), np.arange(400, dtype=np.uint64))
    for n in (0, 7, 100, 399):
        found = line.alike(line.columns.encode([heats[n]])).tolist()
        assert found == [row for row in range(400) if abs(row - n) <= 4]


def test_the_latest_alike_are_the_last_of_them() -> None:
    """However many there are, and wherever they lie among the rows."""
    table = Table((HEAT,))
    heats = [Setting(heat=150.0 + (n % 7) * 0.4) for n in range(3000)]
    table.add(table.columns.encode(heats), np.arange(3000, dtype=np.uint64))
    for wanted in (150.0, 151.2, 152.4):
        one = table.columns.encode([Setting(heat=wanted)])
        every = table.alike(one).tolist()
        assert every == [n for n, at in enumerate(heats) if abs(float(at["heat"]) - wanted) <= 1.0 + 1e-9]
        for latest in (1, 10, 100, 2999, 5000):
            assert table.alike(one, latest).tolist() == every[-latest:]


@pytest.mark.parametrize("parameters", [PARAMETERS, PARAMETERS[:2], PARAMETERS[2:4]])
@pytest.mark.parametrize("start", [0, 700])
def test_what_lies_within_reach_is_what_a_scan_finds(parameters: Any, start: int) -> None:
    """With and without values that must be the same; below the distance of another choice and above it."""
    names = {parameter.name for parameter in parameters}
    rows = [Setting({name: value for name, value in one.items() if name in names}) for one in drawn(2000, seed=8)]
    table = Table(parameters)
    table.add(table.columns.encode(rows), np.arange(2000, dtype=np.uint64))
    for wanted in rows[:10]:
        one = table.columns.encode([wanted])
        exact = measured(table.coded, np.arange(2000), one, table.columns.weights)
        for reach in (0.0507, 0.4003, 1.3001):
            found, squares = table.within(one, reach, start)
            assert found.tolist() == [n for n in range(start, 2000) if exact[n] <= reach**2]
            assert squares == pytest.approx(exact[found], abs=1e-5)


def test_codes_and_numbers_get_wider_as_they_grow() -> None:
    """A choice of hundreds of values, and runs by the ten thousand, are told apart as few are."""
    many = Choice(name="mill", values=tuple(range(700)))
    made = process(parameters=(HEAT, many), standard=Setting(heat=150.0, mill=0))
    found = Past(made)
    found.keep([kept(1, Setting(heat=150.0, mill=0))])
    for start in range(0, 7_000, 700):
        page = [Setting(heat=100.0 + start / 70, mill=n) for n in range(700)]
        found.add([tried(60_000 + start + n, one) for n, one in enumerate(page)])
    assert found.field("id").tolist() == list(range(60_000, 67_000))
    assert found.row_of(66_999) == 6_999
    one = found.table.columns.encode([Setting(heat=150.0, mill=699)])
    rows, apart = found.table.nearest(one, 1)
    assert (rows.tolist(), apart.tolist()) == ([5 * 700 + 699], [0.0])


@pytest.mark.parametrize("count", [1, 10, 700])
def test_the_nearest_are_those_of_a_slow_scan(count: int) -> None:
    """Nearest first, the older first among equals."""
    rows = drawn(4000, seed=5)
    table = Table(PARAMETERS)
    table.add(table.columns.encode(rows), np.array([key_of(one.fingerprint) for one in rows], dtype=np.uint64))
    for wanted in (*rows[:5], *drawn(5, seed=6)):
        exact = [math.sqrt(slow_square(PARAMETERS, one, wanted)) for one in rows]
        found, distances = table.nearest(table.columns.encode([wanted]), count)
        assert distances == pytest.approx(sorted(exact)[:count], abs=1e-5)
        assert [exact[row] for row in found.tolist()] == pytest.approx(sorted(exact)[:count], abs=1e-5)


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=3000), st.integers(1, 40))
@settings(max_examples=30)
def test_the_smallest_are_found_by_chunks(values: list[float], count: int) -> None:
    """The same values as by sorting."""
    array = np.array(values * 3, dtype=np.float32)
    assert sorted(array[smallest(array, count)].tolist()) == sorted(array.tolist())[:count]


def test_a_lookup_gathers_what_came_late() -> None:
    """Keys from bulk, from single rows and from both are found together."""
    lookup = Lookup()
    lookup.add(np.arange(5000, dtype=np.uint64) % np.uint64(100), 0)
    for row in range(5000, 15_000):
        lookup.add(np.array([row % 100], dtype=np.uint64), row)
    assert lookup.find(7).tolist() == list(range(7, 15_000, 100))
    lookup.add(np.arange(15_000, 20_000, dtype=np.uint64) % np.uint64(100), 15_000)
    lookup.add(np.array([7], dtype=np.uint64), 20_000)
    assert lookup.find(7).tolist() == [*range(7, 20_000, 100), 20_000]


# ── what runs are worth ───────────────────────────────────────────────────────────────────────────────────────────────
OWN = Setting(heat=150.0, jobs=8, flux="a", steam=False)
OTHER = Setting(heat=160.0, jobs=8, flux="a", steam=False)


def past(*runs: Tried, made: Process | None = None) -> Past:
    found = Past(made or process())
    found.keep([kept(1, OWN), kept(2, OTHER)])
    found.add(runs)
    return found


def test_a_run_is_worth_what_it_gains_over_its_own_standard() -> None:
    """In worthwhiles; the standard's typical reading is the median of its own runs, whatever the machine reads that month."""
    first = [tried(n, OWN, 5.0 + n / 100) for n in (1, 2, 3)]
    second = [tried(n, OTHER, 8.0 + n / 100, of=2) for n in (4, 5, 6)]
    found = past(*first, *second, tried(7, OTHER, 6.02), tried(8, OWN, 7.05, of=2))
    assert found.values.value[6] == pytest.approx(2.0, abs=1e-3)
    assert found.values.value[7] == pytest.approx(-2.0, abs=1e-3)
    assert found.values.better[6] > 0.99
    assert found.values.worse[7] > 0.99
    assert found.noise[0] == pytest.approx(0.01, rel=0.3)


def test_what_cannot_be_compared_has_no_value() -> None:
    """A standard without a run, a fault, a lost worker; a broken guard is worse, whatever it read."""
    guarded = process(guards=(Guard(metric="taste", at_most=9.0),))
    fault, lost = Fault(reason="crash"), Fault(reason="lost")
    found = past(tried(1, OTHER, 6.0), made=guarded)
    assert math.isnan(found.values.value[0])
    found = past(
        *(tried(n, OWN, 5.0) for n in (1, 2, 3)),
        tried(4, OTHER, fault),
        tried(5, OTHER, lost),
        tried(6, OTHER, 9.5),
        made=guarded,
    )
    assert found.field("became").tolist() == [0, 0, 0, FAULTED, UNKNOWN, 0]
    assert np.isnan(found.values.value[3:5]).all()
    assert (found.values.better[5], found.values.worse[5], found.values.sure[5]) == (0, 1, 1)


def test_several_metrics_and_ratios() -> None:
    """A run is worth its best gain while every margin is kept, else its worst loss."""
    two = process(metrics=(higher("taste", worthwhile=0.1), lower("waste", worthwhile=0.1)))

    def both(number: int, setting: Setting, taste: float, waste: float) -> Tried:
        return tried(number, setting, 0.0, outcome=Reading(values=Numbers(taste=taste, waste=waste)))

    found = past(both(1, OWN, 5, 1), both(2, OTHER, 6, 1), both(3, OTHER, 6, 2), both(4, OTHER, 5, 0.8), made=two)
    value = found.values.value
    assert value[1] == pytest.approx(math.log(1.2) / math.log(1.1), rel=1e-3)
    assert value[2] == pytest.approx(math.log(0.5) / -math.log(0.9), rel=1e-3)
    assert value[3] > 1


def test_a_run_that_is_told_again_is_rewritten() -> None:
    """A correction changes the value of the run, and that of all others where it was the standard's."""
    found = past(tried(1, OWN, 5.0), tried(2, OTHER, 6.0))
    assert found.values.value[1] == pytest.approx(2.0)
    found.add([tried(1, OWN, 6.0)])
    assert (found.count, found.values.value[1]) == (2, 0)


def test_conditions_are_kept_once() -> None:
    """Runs under the same conditions share them."""
    found = past(
        tried(1, OWN, conditions=Texts(machine="a")),
        tried(2, OWN, conditions=Texts(machine="b")),
        tried(3, OWN, conditions=Texts(machine="a")),
    )
    assert found.field("conditions").tolist() == [0, 1, 0]


@given(st.floats(0.1, 10), st.floats(0.1, 10))
def test_gains_are_the_metrics_own(a: float, b: float) -> None:
    """Vectors are the slow twin's numbers."""
    for metric in (
        higher("m", worthwhile=0.1),
        lower("m", worthwhile=0.1),
        higher("m", scale="difference", worthwhile=1.0),
    ):
        assert gained(metric, np.array([a]), np.array([b]))[0] == pytest.approx(metric.gain(a, b), abs=1e-12)


@given(st.permutations(range(12)))
@settings(max_examples=20)
def test_no_order_of_runs_matters(order: list[int]) -> None:
    """Values and finds are the same, run by run."""
    runs = [
        tried(n + 1, OWN if n % 3 == 0 else Setting({**OWN, "heat": 100.0 + n}), 5.0 + (n * 7 % 5) / 10)
        for n in range(12)
    ]
    first, second = past(*runs), past(*(runs[n] for n in order))
    for run in runs:
        a, b = first.row_of(run.id), second.row_of(run.id)
        assert first.values.value[a] == pytest.approx(second.values.value[b], nan_ok=True)
        assert first.values.better[a] == pytest.approx(second.values.better[b], nan_ok=True)
