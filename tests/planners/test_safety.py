"""What the planner with a model may reach and risk: the box of ``at_most``, the ground of ``risk``."""

import itertools
import random
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen.cycle import Rest
from kaizen.journal import History
from kaizen.ledgers.memory import MemoryLedger
from kaizen.metric import guard, higher, lower
from kaizen.parameter import Choice, Real, Switch, When, Whole
from kaizen.planners.model.belief import caches
from kaizen.planners.model.safety import Ground, distances, grounded
from kaizen.planners.model.search import around, draw, mutate, spread_out
from kaizen.planners.model.sight import look
from kaizen.process import Policy, Process, check_process
from kaizen.safety import SLACK, SMALL
from kaizen.setting import Numbers, Setting
from kaizen.stride import may_move
from kaizen.surrogate.space import Space
from kaizen.testing.clock import VirtualClock
from kaizen.testing.planners import samples
from kaizen.trial import Fault, Reading, Spend
from kaizen.workshop import Workshop
from kaizen.workshop.turning import Asker

YIELD = higher("gain", scale="difference", worthwhile=0.3)
STRAIN = lower("strain", kind="price", scale="difference", worthwhile=5.0, margin=5.0)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_a_search_stays_in_the_box(seed):
    """Draws, mutants and far points move no number farther than its ``at_most``, whichever standard they start from."""
    process, rng = samples()["careful"], np.random.default_rng(seed)
    space = Space(process)
    standard = space.decode(draw(around(space, process.standard, 5), 1, rng)[0])
    reach = around(space, standard, 5)
    rows = draw(reach, 40, rng)
    children = mutate(reach, rows, 0.3, rng)
    for row in (*rows, *children[reach.allowed(children)], *spread_out(reach, rows, 3, rng)):
        setting = space.decode(row)
        for parameter in process.active(setting):
            if parameter.name in standard:
                assert may_move(parameter, standard[parameter.name], setting[parameter.name])
    assert len(rows) == 40
    assert len(np.unique(rows, axis=0)) > 20


def test_distances_count_small_steps():
    """Shares of ranges add up; a level of a coarse grid is one small step, another choice two, a number newly active too."""
    process = check_process(
        Process(
            name="p",
            parameters=(
                Real(name="heat", low=0.0, high=100.0), Whole(name="chunk", low=1, high=4, levels=(1, 2, 4)),
                Choice(name="flour", values=("rye", "wheat")), Switch(name="steam"),
                Real(name="water", low=0.0, high=1.0, when=(When("steam", (True,)),)),
            ),
            metrics=(lower("seconds"),),
            standard=Setting(heat=50.0, chunk=1, flour="rye", steam=False),
        )
    )  # fmt: skip
    space, here = Space(process), process.standard
    changes = [
        {}, {"heat": 53.0}, {"chunk": 4}, {"flour": "wheat"}, {"steam": True, "water": 0.1}, {"heat": 40.0, "chunk": 2}
    ]  # fmt: skip
    rows = space.encode([process.setting({**here, **change}) for change in changes])
    apart = distances(space, rows, space.encode([here]))[:, 0]
    np.testing.assert_allclose(apart, [0, 0.03, 2 * SMALL, 2 * SMALL, 4 * SMALL, 0.1 + SMALL], atol=1e-12)


def campaign(risk, soundness, *, runs=60, guarded=False, seed=1):
    """Turn the wheel of the planner with a model; ``soundness(setting)`` is below 0 where a run is not sound."""
    chance, clock, coins = random.Random(seed), VirtualClock(), itertools.count(1)
    process = check_process(
        Process(
            name="press",
            parameters=(Real(name="a", low=0.0, high=1.0), Real(name="b", low=0.0, high=1.0)),
            metrics=(YIELD, *((STRAIN,) if guarded else ())),
            standard=Setting(a=0.2, b=0.2),
            guards=(guard("strain", at_most=1.0),) if guarded else (),
            policy=Policy(planner="model", risk=risk),
        )
    )
    ledger = MemoryLedger(clock=clock.wall, monotonic=clock.monotonic)
    bench = Workshop(ledger, root=Path(), coins=lambda: next(coins)).describe(process)
    for _ in range(runs):
        unit = bench.wheel.next_unit(Asker(by="w"))
        if isinstance(unit, Rest):
            break
        for run in unit:
            left = soundness(run.setting)
            read = {"gain": 3 * run.setting["a"] + run.setting["b"] + 0.05 * chance.gauss(0, 1), "strain": 1.0 - left}
            kept = Numbers({metric.name: read[metric.name] for metric in process.metrics})
            sound = left >= 0 or guarded
            bench.answer(run, Reading(values=kept) if sound else Fault(reason="crash"), by="w", spend=Spend(runs=1))
    return bench


def test_it_begins_near_the_standard_and_grows_outward():
    """The first steps are small; each goes a little beyond what is known to be sound."""
    bench = campaign(0.05, lambda setting: 1.0)
    scouts = [run.setting for run in bench.runs if run.purpose == "scout" and run.setting != bench.process.standard]
    away = [abs(setting["a"] - 0.2) + abs(setting["b"] - 0.2) for setting in scouts]
    assert max(away[:2]) <= 2.5 * SMALL
    assert bench.standard.setting["a"] > 0.5
    assert bench.story().realised.broke == 0


def test_no_warning_and_still_within_the_promise():
    """Beyond a line runs fault, and no metric tells: without a limit many do, with one few."""
    edge = lambda setting: 0.9 - setting["a"] - setting["b"]  # noqa: E731 - a line
    free, careful = (campaign(risk, edge, runs=40).story().realised for risk in (None, 0.05))
    assert careful.broke <= 0.05 * careful.runs + SLACK
    assert careful.share < free.share / 2
    assert careful.limit == 0.05


def test_a_guard_that_can_be_foretold_is_kept():
    """Where the metric rises smoothly, the model keeps away from the limit and still gains."""
    bench = campaign(0.1, lambda setting: 0.8 - setting["a"] ** 2 - setting["b"] ** 2, guarded=True, runs=50)
    assert bench.story().realised.share <= 0.1
    assert bench.standard.setting["a"] > 0.4
    assert "the limit is 10 %" in bench.story().risk


def test_it_rests_on_the_standard_when_nothing_is_left():
    """Whatever is new faults: after a few, the standard alone is run until it is earned back."""
    bench = campaign(0.1, lambda setting: 0.0 if setting == {"a": 0.2, "b": 0.2} else -1.0, runs=36)
    realised = bench.story().realised
    assert 2 <= realised.broke <= 0.1 * realised.runs + SLACK
    assert any("nothing new may be risked" in run.because for run in bench.runs)


def test_the_ground_is_a_function_of_the_journal():
    """The same journal gives the same chances; the standard may always run; without a limit there is none."""
    bench = campaign(0.05, lambda setting: 0.9 - setting["a"] - setting["b"], runs=26)
    journal = bench.journal
    space = Space(bench.process, bench.standard.setting)
    reach = around(space, bench.standard.setting, 2)
    rows = draw(reach, 200, np.random.default_rng(0))
    one, two = (grounded(reach, journal, look(journal), caches()).ground for _ in range(2))
    assert isinstance(one, Ground)
    np.testing.assert_array_equal(one.chance(rows), two.chance(rows))
    assert one.inside(reach.origin[None, :]).all()
    assert 0 < one.inside(rows).sum() < len(rows)
    assert np.all(one.chance(rows[one.inside(rows)]) <= max(0.05, 1e-9) + 1e-12)
    free = msgspec.structs.replace(bench.process, policy=Policy(planner="model"))
    head = msgspec.structs.replace(journal.head, process=free)
    open_ = msgspec.structs.replace(journal, head=head, history=History(bench.wheel.ledger, "press"))
    assert grounded(reach, open_, look(open_), caches()).ground is None


@pytest.mark.parametrize("risk", [0.02, 0.2])
def test_a_wider_limit_begins_as_near(risk):
    """The first steps do not depend on how much may go wrong: trust is earned."""
    bench = campaign(risk, lambda setting: 1.0, runs=3)
    first = next(run.setting for run in bench.runs if run.setting != bench.process.standard)
    assert 0 < abs(first["a"] - 0.2) + abs(first["b"] - 0.2) <= 2.5 * SMALL
