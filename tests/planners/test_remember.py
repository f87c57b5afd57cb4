"""Memory for the planner: it saves runs where kin tell, costs few where they mislead, and nothing where there are none."""

import math
import random

import msgspec
import numpy as np
import pytest

from kaizen.ledger import Reported
from kaizen.metric import higher, lower
from kaizen.parameter import Choice, Real, Switch, Whole
from kaizen.plan import REMEMBERED, Advice
from kaizen.planners.model import ModelPlanner
from kaizen.planners.model.belief import caches
from kaizen.planners.model.caution import account
from kaizen.planners.model.past import past
from kaizen.planners.model.remember import Run, Stand, hint, wasted
from kaizen.planners.model.search import around
from kaizen.planners.model.sight import look
from kaizen.process import Policy, Process, Shell
from kaizen.setting import Setting
from kaizen.surrogate.space import Space
from kaizen.surrogate.threads import one_thread
from kaizen.trial import Fault
from kaizen.veteran import transfer
from kaizen.workshop import Workshop, open_workshop
from kaizen.workshop.bench import Bench

LOSS = (lower("loss", exact=True),)


def line(name: str, **fields) -> Process:
    """Three numbers, all free."""
    made = {
        "parameters": tuple(Real(name=f"x{i}", low=0.0, high=1.0) for i in range(3)),
        "metrics": LOSS, "standard": Setting({f"x{i}": 0.2 for i in range(3)}), "policy": Policy(changes=3),
    } | fields  # fmt: skip
    return Process(name=name, **made)


def loss(setting, shift: float = 0.0) -> float:
    return 10 + 100 * sum((i + 1) * (setting[f"x{i}"] - 0.65 - shift) ** 2 for i in range(3))


def remembered(workshop: Workshop, name: str, told, *, runs: int = 40, conditions=None, **fields) -> Bench:
    """Describe a process and report what it tried: its standard, then settings by chance."""
    process = line(name, **fields)
    bench, chance = workshop.describe(process), random.Random(name)
    for number in range(runs):
        setting = dict(process.standard) if not number else {f"x{i}": round(chance.random(), 3) for i in range(3)}
        setting |= {n: v for n, v in process.standard.items() if n not in setting}
        bench.report_run(setting, {process.metrics[0].name: told(setting)}, source="a log", conditions=conditions)
    return bench


def workshop() -> Workshop:
    coins = iter(range(1, 10**6))
    return open_workshop("memory:", coins=lambda: next(coins))


def improved(bench: Bench, runs: int) -> list:
    """Run the wheel so many times; return the runs."""
    made = []
    for _ in range(runs):
        run = bench.ask()
        bench.tell(run, loss=loss(run.setting))
        made.append(run)
    return made


def asked_by_memory(runs) -> int:
    return sum(run.because.startswith(REMEMBERED) for run in runs)


# ── laws ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_where_nothing_is_remembered_nothing_changes():
    """No kin, memory switched off, or kin that cannot be compared: the same runs, for the same reasons."""
    courses = []
    for memory in (True, False):
        bench = workshop().describe(line("now", policy=Policy(changes=3, memory=memory)))
        courses.append([(run.setting, run.because) for run in improved(bench, 16)])
    assert courses[0] == courses[1]


def test_kin_speak_where_chance_finds_no_allowed_setting():
    """Constraints that leave a thin slice of the space do not make what they say no number."""
    here = workshop()
    remembered(here, "a", loss)
    bench = here.describe(line("now", constraints=("x0 + x1 + x2 <= 0.6000001", "x0 + x1 + x2 >= 0.5999999")))
    known = past(Space(bench.process), bench.wheel.advice(bench.head).kin, caches().past)
    assert known is not None
    assert np.isfinite(known.says(known.voices[0].points)).all()


def test_memory_switched_off_is_not_asked():
    """The policy decides; the same ledger and seed give what is planned without advice."""
    here = workshop()
    remembered(here, "a", loss)
    remembered(here, "b", loss)
    bench = here.describe(line("now", policy=Policy(changes=3, memory=False)))
    assert bench.wheel.advice(bench.head) == Advice()
    runs = improved(bench, 12)
    assert asked_by_memory(runs) == 0
    on = here.describe(line("now")).wheel
    assert len(on.advice(on.head()).kin) == 2
    assert str(on.advice(on.head()).words).startswith("what ")


def test_kin_that_tell_save_runs():
    """Near the best within few runs, and the reasons say from whom."""
    here = workshop()
    remembered(here, "line_a", loss)
    remembered(here, "line_b", lambda setting: 7 * loss(setting, 0.02))
    known = improved(here.describe(line("now")), 14)
    alone = improved(workshop().describe(line("now")), 14)
    assert min(loss(run.setting) for run in known[:8]) < 11.0 < min(loss(run.setting) for run in alone[:8])
    assert asked_by_memory(known) >= 2
    said = next(run.because for run in known if run.because.startswith(REMEMBERED))
    assert "line_a" in said
    assert "line_b" in said
    assert "to 1 that memory tells here" in said
    assert here["now"].explain().remembered.startswith(f"memory asked for {asked_by_memory(known)} settings, ")


@pytest.mark.parametrize("seed", [0, 2, 4])
def test_kin_are_believed_where_runs_gather_near_their_best(seed):
    """What kin say is heard on the scale of the runs here: near the best, their slope is steep beside the readings' spread."""
    here, chance = workshop(), random.Random(seed)
    for name, shift in (("a", 0.05), ("b", 0.08)):
        remembered(here, name, lambda setting, by=shift: loss(setting, by))
    bench = here.describe(line("now"))
    for number in range(8):
        near = {f"x{i}": round(0.7 + chance.uniform(-0.1, 0.1), 3) for i in range(3)}
        setting = near if number else dict(bench.standard.setting)
        bench.report_run(setting, {"loss": loss(setting)}, source="a log")
    sight, space = look(bench.journal), Space(bench.process)
    with one_thread():
        found = hint(sight, around(space, sight.standard, 3), bench.wheel.advice(bench.head), caches())
    assert found is not None
    assert float(found.because.rpartition("(")[2].split()[0]) > 5.0  # to 1; on a scale of the whole space about 3


@pytest.mark.parametrize("how", ["inverted", "by chance"])
def test_kin_that_mislead_are_dropped_after_a_few_runs(how):
    here = workshop()
    for name in ("a", "b", "c"):
        chance = random.Random(f"{name} misleads")
        remembered(here, name, lambda s, c=chance: 800 - loss(s) if how == "inverted" else c.random())
    runs = improved(here.describe(line("now")), 14)
    assert asked_by_memory(runs) <= 3


def test_ranks_travel_across_units():
    """Readings in other units, and bent, are the same memory."""
    scores = []
    for told in (loss, lambda setting: 1000.0 + loss(setting) ** 3):
        here = workshop()
        remembered(here, "a", told)
        found = here.describe(line("now")).wheel
        (kin,) = found.advice(found.head()).kin
        scores.append((kin.settings, kin.scores))
    assert scores[0] == scores[1]
    turned = workshop()
    remembered(
        turned,
        "a",
        lambda setting: -loss(setting),
        metrics=(higher("loss", exact=True, scale="difference", worthwhile=0.1),),
    )
    found = turned.describe(line("now")).wheel
    assert found.advice(found.head()).kin == ()  # higher is better there


def test_its_own_past_is_no_kin_and_one_process_is_one_kin():
    here = workshop()
    bench = remembered(here, "now", loss)
    assert bench.wheel.advice(bench.head).kin == ()
    work = Shell(command="bake", reads={"loss": "json"})
    for name in ("once", "again"):
        remembered(here, name, loss, work=work, conditions={"oven": "1"})
    remembered(here, "elsewhere", loss, work=work, conditions={"oven": "2"})
    kin = bench.wheel.advice(bench.head).kin
    assert sorted(one.processes for one in kin) == [("elsewhere",), ("once", "again")]
    assert str(next(one for one in kin if len(one.processes) == 2)) == "once or again"
    assert hash(bench.wheel.advice(bench.head)) == hash(bench.wheel.advice(bench.head))  # frozen to the bottom


# ── gathering ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_settings_are_put_into_this_process_parameters():
    """What is not known there is as in this description; what lies outside is left out; other sorts are not compared."""
    here = workshop()
    more = (*line("x").parameters[:2], Real(name="x2", low=0.0, high=2.0), Switch(name="fan"))
    remembered(here, "a", loss, parameters=more, standard=Setting(x0=0.2, x1=0.2, x2=0.2, fan=True))
    flour = Choice(name="flour", values=("rye", "wheat"))
    now = line(
        "now", parameters=(*line("x").parameters[:2], Whole(name="x2", low=0, high=1), flour),
        standard=Setting(x0=0.2, x1=0.2, x2=0, flour="rye"),
    )  # fmt: skip
    bench = here.describe(now)
    assert bench.wheel.advice(bench.head).kin == ()  # x2 is hardly ever whole
    bench = here.describe(msgspec.structs.replace(
        now, name="later", parameters=(*line("x").parameters, flour), standard=Setting(x0=0.2, x1=0.2, x2=0.2, flour="rye")
    ))  # fmt: skip
    (kin,) = bench.wheel.advice(bench.head).kin
    assert all(setting["flour"] == "rye" and "fan" not in setting for setting in kin.settings)
    assert kin.shared == 0.75


def test_several_metrics_are_planned_without_memory():
    here = workshop()
    remembered(here, "a", loss)
    bench = here.describe(line("now", metrics=(*LOSS, lower("price", exact=True))))
    assert bench.wheel.advice(bench.head) == Advice()


def test_faults_are_worst_and_scores_are_beside_the_standard():
    here = workshop()
    bench = here.describe(line("a"))
    for place in (0.1, 0.3, 0.5, 0.7, 0.9, 0.65):
        bench.report_run({"x0": place, "x1": 0.2, "x2": 0.2}, {"loss": 1 + abs(place - 0.65)}, source="a log")
    bench.report_run(bench.standard.setting, {"loss": 1.45}, source="a log")
    burnt = Setting(x0=0.99, x1=0.2, x2=0.2)
    entry = Reported(run=bench.head.next_run, setting=burnt, outcome=Fault(reason="crash"), source="a log")
    here.ledger.append("a", [entry], by="me")
    now = here.describe(line("now"))
    (kin,) = transfer.kin(here.ledger, now.head)
    by = dict(zip(kin.settings, kin.scores, strict=True))
    assert by[bench.standard.setting] == 0.0
    assert by[burnt] == min(kin.scores)
    assert sum(kin.faults) == 1
    assert max(by, key=by.get)["x0"] == 0.65
    assert transfer.kin(here.ledger, now.head, seen={}) == (kin,)


def test_at_most_so_many_kin_the_closest_first():
    here = workshop()
    for number in range(14):
        remembered(here, f"p{number}", loss, runs=8, metrics=(lower("loss" if number % 2 else "cost", exact=True),))
    bench = here.describe(line("now"))
    kin = transfer.kin(here.ledger, bench.head, seen=(seen := {}))
    assert len(kin) == 12
    assert [one.metric for one in kin] == ["loss"] * 7 + ["cost"] * 5
    assert kin[0].processes == ("p13",)
    assert len(seen) == 14
    assert transfer.kin(here.ledger, bench.head, seen=seen) == kin


# ── the rule ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_wasted_runs_are_counted():
    """Worse than half of the others before counts one, a new best takes half a one back, a fault counts one."""

    def runs(*given):
        return [Run(Setting(x=n), value, 1, by) for n, (value, by) in enumerate(given)]

    assert wasted(runs((1.0, False), (0.0, True))) == 1.0
    assert wasted(runs((1.0, False), (2.0, True))) == 0.0
    assert wasted(runs((1.0, False), (0.0, True), (2.0, True))) == 0.5
    assert wasted(runs((1.0, False), (3.0, False), (2.0, True))) == 0.0
    assert wasted(runs((1.0, False), (None, True), (0.0, False))) == 1.0
    near_the_best = (9.0, True), (8.0, True), (7.0, True), (6.0, True)
    assert wasted(runs((1.0, False), *near_the_best)) == 0.0  # memory's own good runs do not make the next one bad
    assert wasted(runs((1.0, False), *((-value, by) for value, by in near_the_best))) == 4.0  # nor its bad ones good


def test_when_memory_is_trusted():
    assert Stand(0.1, 0.0, 0.6, 1).trusted
    assert not Stand(0.1, 0.0, 0.3, 1).trusted
    assert not Stand(0.1, 0.0, None, 2).trusted
    assert Stand(0.1, 0.0, None, 3).trusted
    assert not Stand(-0.1, 0.0, 0.9, 9).trusted
    assert not Stand(5.0, 2.0, 0.9, 9).trusted


def test_memorys_runs_under_way_count_as_wasted_until_they_are_answered():
    """Many workers do not gamble all at once."""
    here = workshop()
    for name in ("a", "b"):
        remembered(here, name, loss)
    bench = here.describe(line("now"))
    runs = [bench.ask(by=f"w{n}") for n in range(6)]
    assert asked_by_memory(runs) <= 1


def test_a_fresh_planner_plans_the_same():
    """Caches are disposable; memory draws from a chance of its own."""
    here = workshop()
    for name in ("a", "b"):
        remembered(here, name, loss)
    bench = here.describe(line("now"))
    improved(bench, 6)
    wheel, journal = bench.wheel, bench.journal
    given = {"advice": wheel.advice(journal.head), "prospect": wheel.prospect(journal.head), "seed": 3}
    warm = ModelPlanner()
    assert warm.plan(journal, **given) == warm.plan(journal, **given) == ModelPlanner().plan(journal, **given)


# ── faults ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_kin_are_heeded_about_faults_while_they_foretell_them():
    """Where they failed and this one does not, they are soon not believed; where it fails too, all the more."""
    now = line("now")
    space, rng = Space(now), np.random.default_rng(1)
    kin = []
    for number in range(3):
        settings = [Setting({f"x{i}": float(v) for i, v in enumerate(row)}) for row in rng.random((40, 3))]
        faults = tuple(setting["x0"] > 0.7 for setting in settings)
        scores = tuple(-2.0 if bad else -loss(s) / 100 for s, bad in zip(settings, faults, strict=True))
        made = {"settings": tuple(settings), "scores": scores, "faults": faults}
        kin.append(transfer.Kin(processes=(str(number),), metric="loss", digest=str(number), **made))
    with one_thread():
        known = past(space, kin, caches().past)
    assert known.foreseen > 1.0
    points = space.points(space.encode([Setting(x0=0.95, x1=v, x2=v) for v in (0.1, 0.5, 0.9)]))
    assert np.all(known.fails(points) > 0.5)
    borne_out, contradicted = (account(known, points, np.full(3, truth)) for truth in (1.0, 0.0))
    assert contradicted < 0 < math.log(3) < borne_out
