"""What a run is worth: to learn, to prove, and for what it spends."""

import math
from pathlib import Path

import numpy as np
import pytest

from kaizen.cycle import Rest
from kaizen.ledgers.memory import MemoryLedger
from kaizen.metric import higher, lower
from kaizen.parameter import Choice, Real, Whole
from kaizen.plan import Scout, Stop
from kaizen.planners.model import ModelPlanner
from kaizen.planners.model.belief import Seen, believe, caches
from kaizen.planners.model.spend import spending
from kaizen.planners.model.worth import left, lessons, merits
from kaizen.process import Policy, Process, check_process
from kaizen.setting import Numbers, Setting
from kaizen.standard import Increment
from kaizen.surrogate.space import Space
from kaizen.testing.clock import VirtualClock
from kaizen.testing.planners import Watched
from kaizen.trial import Reading, Spend
from kaizen.workshop import Workshop
from kaizen.workshop.turning import Asker


def line(*, exact=False, worthwhile=0.1, **policy):
    """Return a process with one number and one choice; more yield is better."""
    return check_process(
        Process(
            name="line",
            parameters=(Real(name="x", low=0.0, high=1.0), Choice(name="kind", values=("a", "b"))),
            metrics=(higher("yield_", scale="difference", worthwhile=worthwhile, exact=exact),),
            standard=Setting(x=0.1, kind="a"),
            policy=Policy(planner="model", **policy),
        )
    )


def truth(setting):
    """Return a hump at x = 0.7, a little higher with kind b."""
    return 3.0 - 12.0 * (setting["x"] - 0.7) ** 2 + 0.5 * (setting["kind"] == "b")


def turned(process, runs, *, sd=0.0, seconds=lambda _: 1.0, value=truth):
    """Turn the wheel for so many runs; return the bench, the plans, and why it rested."""
    rng, clock = np.random.default_rng(5), VirtualClock()
    watched = Watched(ModelPlanner())
    ledger = MemoryLedger(clock=clock.wall, monotonic=clock.monotonic)
    bench = Workshop(ledger, root=Path(), planner=watched, coins=lambda: int(rng.integers(2**62))).describe(process)
    done = 0
    while done < runs:
        unit = bench.wheel.next_unit(Asker(by="me"))
        if isinstance(unit, Rest):
            return bench, watched.plans, unit.because
        for run in unit:
            read = value(run.setting) + sd * rng.standard_normal()
            bench.answer(
                run, Reading(values=Numbers(yield_=read)), by="me", spend=Spend(runs=1, seconds=seconds(run.setting))
            )
            done += 1
    return bench, watched.plans, ""


def seen(process, settings, sd=0.0):
    """Return runs of settings."""
    rng = np.random.default_rng(1)
    return [Seen(s, {"yield_": truth(s) + sd * rng.standard_normal()}) for s in settings]


def believed(process, settings, sd=0.0):
    """Return what is believed after runs of settings."""
    made = believe(Space(process), seen(process, settings, sd), caches())
    assert made is not None
    return made


SETTINGS = [Setting(x=x, kind=kind) for x in (0.1, 0.35, 0.55, 0.72, 0.95) for kind in ("a", "b")]


def test_running_again_what_is_known_exactly_teaches_nothing():
    """An exact metric needs no repeats; something new may always be better."""
    process = line(exact=True)
    belief = believed(process, SETTINGS)
    rows = belief.space.encode([*SETTINGS, Setting(x=0.65, kind="b")])
    worth = lessons(belief, rows, range(len(rows)), len(SETTINGS))
    assert worth[:-1].max() < 0.01
    assert worth[-1] > worth[:-1].max()


def test_under_noise_a_front_runner_is_more_worth_another_run_than_a_loser():
    """Only what may change the choice is worth anything."""
    process = line()
    close = [Setting(x=x, kind=kind) for x in (0.58, 0.66, 0.74, 0.82) for kind in ("a", "b")]
    losers = [Setting(x=0.2, kind="b"), Setting(x=0.3, kind="a")]
    belief = believed(process, [process.standard, *close, *losers], sd=1.0)
    rows = belief.space.encode([process.standard, *close, *losers])
    worth = lessons(belief, rows, range(len(rows)), len(rows))
    assert np.all(worth >= -1e-9)
    assert worth[1 : len(close) + 1].max() > 2.0 * worth[-2:].max()


def test_a_lesson_is_what_the_choice_gains_on_average():
    """The closed form against readings drawn, each believed in turn."""
    process = line()
    belief = believed(process, SETTINGS, sd=0.3)
    rows = belief.space.encode(SETTINGS)
    regression = belief.regressions["yield_"]
    mean, cov = regression.posterior.joint(belief.space.points(rows))
    at = len(SETTINGS) - 3
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(4000):
        read = mean[at] + math.sqrt(cov[at, at] + regression.posterior.kernel.noise) * rng.standard_normal()
        moved = mean + cov[:, at] / (cov[at, at] + regression.posterior.kernel.noise) * (read - mean[at])
        back = regression.warp.back(moved)
        drawn.append(np.maximum(back - back[0], 0.0) / 0.1)
    values = np.array(drawn)
    now = np.maximum(regression.warp.back(mean) - regression.warp.back(mean)[0], 0.0)
    expected = float((values.max(axis=1) - values[:, int(np.argmax(now))]).mean())
    assert lessons(belief, rows, [at], len(rows))[0] == pytest.approx(expected, rel=0.15, abs=0.01)


def test_what_is_left_falls_as_more_is_known():
    """Little is left where the whole line is known."""
    process = line(exact=True)
    more = [Setting(x=round(x, 3), kind=kind) for x in np.linspace(0.0, 1.0, 9) for kind in ("a", "b")]
    rows = Space(process).encode([process.standard, *(Setting(x=x, kind="b") for x in (0.2, 0.5, 0.6, 0.7, 0.8, 0.9))])
    few, many = believed(process, SETTINGS[:3]), believed(process, [*SETTINGS, *more])
    assert left(many, rows, len(rows)) < 0.05
    assert left(few, rows, 1) > left(many, rows, len(rows))


def test_runs_that_spend_alike_have_one_price():
    """Chance differences of spend do not steer anything."""
    process = line()
    rng = np.random.default_rng(0)
    runs = seen(process, SETTINGS * 2)
    even = spending(Space(process), runs, [Spend(runs=1, seconds=2.0)] * len(runs), caches())
    rows = Space(process).encode(SETTINGS)
    assert np.all(even.log(rows) == 0.0)
    assert even.spell(1.0) == "about 2 s"
    chance = [Spend(runs=1, seconds=float(np.exp(rng.standard_normal()))) for _ in runs]
    assert np.all(spending(Space(process), runs, chance, caches()).log(rows) == 0.0)


def test_money_told_comes_before_seconds_and_settings_tell_their_price():
    """The dear choice is known as dear."""
    process = line()
    runs = seen(process, SETTINGS * 2)
    spends = [Spend(runs=1, seconds=1.0, money=20.0 if run.setting["kind"] == "b" else 2.0) for run in runs]
    learnt = spending(Space(process), runs, spends, caches())
    cheap, dear = learnt.log(Space(process).encode([Setting(x=0.5, kind="a"), Setting(x=0.5, kind="b")]))
    assert dear - cheap == pytest.approx(math.log(10.0), rel=0.1)
    assert "money" in learnt.spell(1.0)


def test_scouts_go_where_improvement_is_cheap():
    """Of two kinds that do the same, the cheaper one is scouted."""

    def alike(setting):
        return 3.0 - 12.0 * (setting["x"] - 0.7) ** 2

    def count(dear):
        process = line(exact=True)
        _, plans, _ = turned(process, 24, value=alike, seconds=lambda s: 30.0 if s["kind"] == dear else 1.0)
        scouts = [plan for plan in plans if isinstance(plan, Scout) and "expects" in plan.because]
        return sum(plan.setting["kind"] == dear for plan in scouts), len(scouts)

    (on_b, of_b), (on_a, of_a) = count("b"), count("a")
    assert min(of_a, of_b) > 0
    assert on_b / of_b < 0.5
    assert on_a / of_a < 0.5


def test_under_noise_it_proves_the_hump_and_says_what_it_expects():
    """What is adopted is truly better, and its proof is foretold in words."""
    bench, plans, _ = turned(line(), 120, sd=0.5)
    trials = [plan for plan in plans if isinstance(plan, Increment)]
    assert trials
    assert "odds" in trials[0].because
    assert "pairs" in trials[0].because
    assert truth(bench.standard.setting) > truth(line().standard) + 2.0


def test_under_noise_the_front_runners_are_read_again_and_it_says_so():
    """Where little is left that is new, it looks at the best settings once more, not at others."""
    process = check_process(
        Process(
            name="kinds",
            parameters=(Choice(name="kind", values=tuple("abcdefgh")),),
            metrics=(higher("yield_", scale="difference", worthwhile=0.1),),
            standard=Setting(kind="a"),
            policy=Policy(planner="model"),
        )
    )
    values = dict(zip("abcdefgh", (0.0, 0.1, 0.9, 0.2, 1.0, -0.3, -0.5, 0.05), strict=True))
    _, plans, _ = turned(process, 60, sd=0.5, value=lambda setting: values[setting["kind"]])
    again = [plan for plan in plans if isinstance(plan, Scout) and plan.because.startswith("again, ")]
    assert again
    assert all("read " in plan.because for plan in again)
    assert {plan.setting["kind"] for plan in again} <= {"b", "c", "d", "e"}


def test_no_trial_is_opened_that_the_budget_cannot_pay():
    """Proof of a noisy gain takes at least seven pairs; twelve runs are no budget for it."""
    bench, plans, because = turned(line(runs=12), 40, sd=0.3)
    assert not any(isinstance(plan, Increment) for plan in plans)
    assert "budget" in because
    assert len(bench.runs) == 12


def test_a_budget_that_pays_for_one_trial_is_used_for_it():
    """The last moment at which proof can be paid is not let pass."""
    bench, plans, _ = turned(line(runs=34), 60, sd=0.3)
    assert any(isinstance(plan, Increment) for plan in plans)
    assert len(bench.runs) <= 34


def test_it_stops_in_words_where_nothing_can_be_gained():
    """Where the metric does not move, the planner says that no run is worth it, and what one spends."""
    process = check_process(
        Process(
            name="flat",
            parameters=(Whole(name="n", low=0, high=1000), Real(name="x", low=0.0, high=1.0)),
            metrics=(lower("yield_", scale="difference", worthwhile=5.0, exact=True),),
            standard=Setting(n=3, x=0.5),
            policy=Policy(planner="model", pairs=10),
        )
    )
    _, plans, because = turned(process, 200, value=lambda s: 100.0 + 0.001 * s["x"], seconds=lambda _: 12.0)
    assert isinstance(plans[-1], Stop)
    assert because.startswith("not worth another run of about 12 s")
    assert "worthwhile gain" in because


def test_what_may_be_luck_is_read_again_before_its_trial():
    """Where one reading is off by half of the gain, no trial rests on one reading."""
    bench, plans, _ = turned(line(), 90, sd=1.5)
    trials = [plan for plan in plans if isinstance(plan, Increment)]
    assert trials
    scouts = [run.setting for run in bench.runs if run.purpose == "scout"]
    assert scouts.count(trials[0].after) >= 2


def test_what_gains_one_metric_by_losing_too_much_of_another_comes_last():
    """However large the gain: a lost margin is no gain, and smaller gains within it come first."""
    process = check_process(
        Process(
            name="oven",
            parameters=(Real(name="heat", low=0.0, high=1.0),),
            metrics=(lower("seconds", exact=True, worthwhile=0.05), higher("taste", exact=True, worthwhile=0.05)),
            standard=Setting(heat=0.2),
        )
    )
    space = Space(process)
    heats = (0.2, 0.0, 0.1, 0.3, 0.4, 0.6, 0.8, 1.0)  # the hotter, the faster; beyond 0.5 it burns
    seen = [
        Seen(Setting(heat=h), Numbers(seconds=10.0 - 6.0 * h, taste=9.0 if h < 0.5 else 9.0 - 8 * (h - 0.5)))
        for h in heats
    ]
    belief = believe(space, seen, caches())
    assert belief is not None
    rows = space.encode([Setting(heat=h) for h in heats[1:]])
    order = [
        heats[1:][i] for i in np.argsort(-merits(belief, rows, space.encode([process.standard])[0]), kind="stable")
    ]
    assert order[0] == 0.4
    assert set(order[:2]) == {0.3, 0.4}
    assert order[-1] == 1.0
