"""What every planner must do. Inherit ``PlannerContract``, say how yours is made, and let pytest run it.

    class TestMine(PlannerContract):
        def make_planner(self):
            return MyPlanner()

The planner is put to work by a workshop on a ledger in memory, on processes of every kind of parameter.
"""

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest

from kaizen.cycle import Rest
from kaizen.journal import Journal
from kaizen.ledgers.memory import MemoryLedger
from kaizen.metric import guard, higher, lower
from kaizen.parameter import Choice, Real, Revision, Switch, When, Whole
from kaizen.plan import Advice, Plan, Planner, Scout, Stop
from kaizen.process import Policy, Process, check_process
from kaizen.setting import Numbers, Setting
from kaizen.standard import Increment
from kaizen.testing.clock import VirtualClock
from kaizen.trial import Fault, Outcome, Reading, Run, Spend
from kaizen.workshop import Workshop
from kaizen.workshop.bench import Bench
from kaizen.workshop.turning import Asker

TASTE = higher("taste", scale="difference", worthwhile=0.5)
SIZE = lower("size", exact=True)

Work = Callable[[Run], Outcome]


def _process(name: str, standard: Mapping[str, object], *parameters: object, **fields: object) -> Process:
    made = {"metrics": (TASTE,), **fields}
    return check_process(Process(name=name, parameters=parameters, standard=Setting(standard), **made))  # type: ignore[arg-type] # samples


def samples() -> dict[str, Process]:
    """Return processes of every kind: numbers, choices, conditions, constraints, exact metrics, a guard."""
    heat = Real(name="heat", low=160.0, high=260.0)
    minutes = Whole(name="minutes", low=20, high=60)
    steam = Switch(name="steam")
    water = Real(name="water", low=0.1, high=2.0, log=True, when=(When("steam", (True,)),))
    nozzle = Choice(name="nozzle", values=("fine", "wide"), when=(When("steam", (True,)),))
    flour = Choice(name="flour", values=("rye", "wheat", 550))
    return {
        "numbers": _process("numbers", {"heat": 220.0, "minutes": 40}, heat, minutes),
        "grids": _process(
            "grids", {"rate": 0.01, "chunk": 64, "step": 0.5},
            Real(name="rate", low=1e-5, high=1.0, log=True), Whole(name="chunk", low=16, high=256, levels=(16, 64, 256)),
            Real(name="step", low=0.0, high=1.0, step=0.25),
        ),
        "choices": _process("choices", {"flour": "rye", "steam": False}, flour, steam, metrics=(SIZE,)),
        "conditions": _process("conditions", {"heat": 220.0, "steam": False}, heat, steam, water, nozzle),
        "conditions on": _process(
            "conditions_on", {"heat": 220.0, "steam": True, "water": 0.5, "nozzle": "fine"}, heat, steam, water, nozzle
        ),
        "constraint": _process(
            "constraint", {"heat": 220.0, "minutes": 40}, heat, minutes, constraints=("heat * minutes <= 9000",)
        ),
        "guarded": _process(
            "guarded", {"heat": 220.0, "flour": "rye"}, heat, flour,
            metrics=(TASTE, lower("waste", kind="price")), guards=(guard("waste", at_most=90.0),), policy=Policy(changes=1),
        ),
        "careful": _process(
            "careful", {"heat": 220.0, "rate": 0.01, "chunk": 64, "steam": False},
            Real(name="heat", low=160.0, high=260.0, at_most=5), steam, water, nozzle,
            Real(name="rate", low=1e-5, high=1.0, log=True, at_most=1.5),
            Whole(name="chunk", low=16, high=256, levels=(16, 64, 128, 256), at_most=1),
            metrics=(TASTE, lower("waste", kind="price")), guards=(guard("waste", at_most=90.0),),
            policy=Policy(risk=0.1),
        ),
        "many": _process(
            "many", {f"knob{n}": 0.5 for n in range(12)}, *(Real(name=f"knob{n}", low=0.0, high=1.0) for n in range(12)),
            policy=Policy(changes=3),
        ),
    }  # fmt: skip


def work(process: Process) -> Work:
    """Return work that answers by the setting, a little noisily; the same run always alike."""

    def answer(run: Run) -> Outcome:
        pull = sum((len(name) % 5 - 2) * _size(value) for name, value in run.setting.items())
        wobble = run.id * 7 % 11 / 10
        made = {"taste": 5.0 + pull / 100 + wobble, "waste": 50.0 + wobble, "size": 100.0 + pull / 100}
        return Reading(values=Numbers({metric.name: made[metric.name] for metric in process.metrics}))

    return answer


def _size(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float(len(str(value)))


def _scattered(process: Process, number: int) -> dict[str, object]:
    """Return one of many settings of a process, scattered over it; constraints are not asked."""
    made: dict[str, object] = {}
    for at, parameter in enumerate(process.parameters):
        place = (0.5 + number * (0.618 + 0.137 * at)) % 1.0
        match parameter:
            case Real() | Whole():
                made[parameter.name] = parameter.at(place)
            case Choice(values=values):
                made[parameter.name] = values[int(place * len(values))]
            case Switch():
                made[parameter.name] = place > 0.5
    return made


class Watched:
    """A planner whose every answer is held against the journal that it was given, then and there."""

    def __init__(self, planner: Planner) -> None:
        """Watch ``planner``."""
        self._planner = planner
        self.plans: list[Plan] = []

    def plan(self, journal: Journal, **given: object) -> Plan:
        """Answer, look at the answer, and remember it."""
        before = journal.head
        plan = self._planner.plan(journal, **given)  # type: ignore[arg-type] # handed on as they come
        assert journal.head == before
        check_plan(journal, plan)
        self.plans.append(plan)
        return plan


def check_plan(journal: Journal, plan: Plan) -> None:
    """Hold a plan against its journal: allowed, small, nothing that faulted, and nothing twice without a reason.

    The standard may run as often as it likes. Another setting is scouted again only where a metric is noisy, and the
    plan says so: its reason begins with ``again``.
    """
    assert plan.because
    if isinstance(plan, Stop):
        return
    head, history = journal.head, journal.history
    setting = plan.setting if isinstance(plan, Scout) else plan.after
    standard = head.standard.setting
    assert head.process.setting(setting) == setting
    assert not head.process.overstepped(standard, setting)
    if setting == standard:
        assert isinstance(plan, Scout), "only a person proposes null increments"
        return
    assert (
        len([name for name in setting if name in standard and setting[name] != standard[name]])
        <= head.process.policy.changes
    )
    runs = [row for row in history.runs() if row.of == head.standard.number and row.seq > head.era]
    assert setting not in {row.setting for row in runs if row.values is None}
    if isinstance(plan, Increment):
        assert (plan.of, plan.before) == (head.standard.number, standard)
        tested = {past.trial.increment.after for past in history.trials() if past.trial.increment.of == plan.of}
        assert setting not in tested | {waiting.increment.after for waiting in head.proposals}
    else:
        ran = {row.setting for row in runs}
        assert setting not in ran or (not head.process.exact and plan.because.startswith("again")), plan.because
        assert setting not in {run.setting for run in head.runs}


class PlannerContract:
    """The contract of ``kaizen.plan.Planner``."""

    RUNS: ClassVar[int] = 60
    """How many runs each process is turned for."""

    def make_planner(self) -> Planner:
        """Return a planner with nothing cached."""
        raise NotImplementedError

    def turned(
        self, process: Process, answer: Work | None = None, *, runs: int | None = None, workers: int = 1
    ) -> tuple[Bench, Watched]:
        """Turn a process's wheel for so many runs, or until the planner stops."""
        clock, coins = VirtualClock(), itertools.count(1)
        watched = Watched(self.make_planner())
        workshop = Workshop(
            MemoryLedger(clock=clock.wall, monotonic=clock.monotonic),
            root=Path(),
            planner=watched,
            coins=lambda: next(coins),
        )
        bench = workshop.describe(process)
        self.go_on(bench, answer or work(process), runs=self.RUNS if runs is None else runs, workers=workers)
        return bench, watched

    def go_on(self, bench: Bench, answer: Work, *, runs: int, workers: int = 1) -> None:
        """Turn on; ``workers`` runs are under way before the first is answered."""
        out: list[Run] = []
        for _ in range(runs):
            while len(out) < workers:
                unit = bench.wheel.next_unit(Asker(by="worker"))
                if isinstance(unit, Rest):
                    break
                out.extend(unit)
            if not out:
                return
            run = out.pop(0)
            bench.answer(run, answer(run), by="worker", spend=Spend(runs=1, seconds=1.0))

    def turned_with_kin(self, process: Process, *, runs: int, workers: int = 1) -> tuple[Bench, Watched]:
        """Turn a process's wheel in a ledger that remembers three others of the same parameters, one of which misleads."""
        bench, watched = self.turned(process, runs=0)
        workshop = Workshop(bench.wheel.ledger, root=Path(), planner=self.make_planner())
        for number, turn in enumerate((1.0, 2.0, -1.0)):
            other = workshop.describe(msgspec.structs.replace(process, name=f"{process.name}_{number}"))
            for at in range(24):
                setting = _scattered(process, at)
                pull = sum((len(name) % 5 - 2) * _size(value) for name, value in setting.items())
                values = {metric.name: 50.0 + turn * pull / 100 for metric in process.metrics}
                other.report_run(setting, values, source="a log", by="me")
        self.go_on(bench, work(process), runs=runs, workers=workers)
        return bench, watched

    def ask(self, bench: Bench, seed: int = 7, planner: Planner | None = None) -> Plan:
        """Ask a planner once."""
        journal, wheel = bench.journal, bench.wheel
        return (planner or self.make_planner()).plan(
            journal, advice=Advice(), prospect=wheel.prospect(journal.head), seed=seed
        )

    # ── what is proposed ────────────────────────────────────────────────────────────────────────────────────────────
    @pytest.mark.parametrize("kind", samples())
    def test_every_plan_is_sound(self, kind: str) -> None:
        """Allowed settings, small steps, nothing twice without a reason, increments of today's standard, and a reason."""
        _, watched = self.turned(samples()[kind])
        assert watched.plans

    @pytest.mark.parametrize("kind", ["numbers", "conditions"])
    def test_plans_are_sound_with_runs_under_way(self, kind: str) -> None:
        """What others are running is not planned again."""
        _, watched = self.turned(samples()[kind], workers=4)
        assert watched.plans

    def test_the_first_plan_needs_no_history(self) -> None:
        """On an empty journal there is something to run."""
        for process in samples().values():
            bench, _ = self.turned(process, runs=0)
            assert not isinstance(self.ask(bench), Stop), process.name

    def test_settings_that_faulted_are_not_planned_again(self) -> None:
        """Not as a scout, and not as an increment."""
        for kind in ("numbers", "choices", "conditions"):
            process = samples()[kind]
            sound = work(process)

            def answer(run: Run, sound: Work = sound, process: Process = process) -> Outcome:
                if run.setting != process.standard and run.id % 3 == 0:
                    return Fault(reason="crash")
                return sound(run)

            _, watched = self.turned(process, answer)
            assert len(watched.plans) > 3

    def test_nothing_but_faults_is_no_reason_to_break(self) -> None:
        """Even the standard's own runs may fail."""
        for process in samples().values():
            _, watched = self.turned(process, lambda _: Fault(reason="crash"), runs=25)
            assert watched.plans

    # ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def test_a_tiny_space_is_exhausted(self) -> None:
        """Two settings, or one alone: the planner stops, with its reason."""
        switch = _process("tiny", {"steam": False}, Switch(name="steam"), metrics=(SIZE,))
        bench, watched = self.turned(switch, lambda _: Reading(values=Numbers(size=100.0)), runs=200)
        assert isinstance(watched.plans[-1], Stop)
        assert len(bench.runs) < 40
        single = _process(
            "single", {"pick": 3}, Whole(name="pick", low=1, high=5, levels=(1, 3, 5)), constraints=("pick == 3",)
        )
        _, watched = self.turned(single, runs=400)
        assert isinstance(watched.plans[-1], Stop)

    def test_code_is_not_planned(self) -> None:
        """A revision is opaque; where nothing else may change, there is nothing to plan but the standard."""
        code = _process("code", {"commit": "0123456789ab"}, Revision(name="commit"))
        _, watched = self.turned(code, runs=400)
        assert all(plan.setting == code.standard for plan in watched.plans if isinstance(plan, Scout))
        assert isinstance(watched.plans[-1], Stop)

    # ── the same answer, and nothing but an answer ──────────────────────────────────────────────────────────────────
    def test_the_same_journal_and_seed_give_the_same_plan(self) -> None:
        """From a fresh planner as from one that has been asked before, in whatever order."""
        for kind in ("numbers", "conditions", "guarded"):
            bench, watched = self.turned(samples()[kind], runs=23)
            warm = self.make_planner()
            plans = [self.ask(bench, seed, warm) for seed in (1, 2, 3)]
            assert [self.ask(bench, seed, warm) for seed in (3, 2, 1)] == plans[::-1]
            assert [self.ask(bench, seed) for seed in (1, 2, 3)] == plans
            again, other = self.turned(samples()[kind], runs=23)
            assert other.plans == watched.plans
            assert again.runs == bench.runs

    def test_planning_writes_nothing(self) -> None:
        """A plug-in answers."""
        bench, _ = self.turned(samples()["numbers"], runs=15)
        before = bench.log
        self.ask(bench)
        assert bench.log == before

    def test_other_processes_do_not_matter(self) -> None:
        """What one plans is not what another one's runs say."""
        bench, _ = self.turned(samples()["numbers"], runs=15)
        plan = self.ask(bench)
        ledger = bench.wheel.ledger
        other = Workshop(ledger, root=Path(), planner=self.make_planner()).describe(samples()["choices"])
        self.go_on(other, work(other.process), runs=10)
        assert self.ask(bench) == plan

    @pytest.mark.parametrize("kind", ["numbers", "choices"])
    def test_plans_are_sound_where_others_are_remembered(self, kind: str) -> None:
        """Whatever kin say: allowed settings, small steps, nothing twice; and the same answer from a fresh planner."""
        process = msgspec.structs.replace(samples()[kind], metrics=(TASTE,))
        bench, watched = self.turned_with_kin(process, runs=25, workers=3)
        assert watched.plans
        journal, wheel = bench.journal, bench.wheel
        advice, prospect = wheel.advice(journal.head), wheel.prospect(journal.head)
        assert advice.kin
        plans = [self.make_planner().plan(journal, advice=advice, prospect=prospect, seed=7) for _ in range(2)]
        assert plans[0] == plans[1]

    # ── a life with changes ─────────────────────────────────────────────────────────────────────────────────────────
    def test_an_amended_process_is_planned_as_it_is_now(self) -> None:
        """Ranges narrow, parameters come and go, metrics change: no old run breaks a plan or is planned again."""
        process = samples()["numbers"]
        bench, _watched = self.turned(process, runs=30)
        standard = bench.standard.setting
        minutes, steam = process.parameters[1], Switch(name="steam")
        narrow = Real(name="heat", low=float(standard["heat"]) - 2.0, high=float(standard["heat"]) + 2.0)
        steps: list[dict[str, object]] = [
            {"parameters": (narrow, minutes), "standard": standard},
            {"parameters": (narrow, steam), "standard": Setting(heat=standard["heat"], steam=False)},
            {"metrics": (SIZE, TASTE)},
            {"parameters": (steam,), "standard": Setting(steam=True)},
        ]
        for step in steps:
            bench.amend(msgspec.structs.replace(bench.process, **step), because="a new oven")
            self.go_on(bench, work(bench.process), runs=20)

    def test_runs_made_elsewhere_are_read(self) -> None:
        """Reported runs, good or bad, are history like any other."""
        process = samples()["guarded"]
        bench, _watched = self.turned(process, runs=5)
        for heat in (161.0, 200.0, 259.0):
            bench.report_run({"heat": heat, "flour": "wheat"}, {"taste": heat / 10, "waste": 99.0}, source="log.tsv")
        self.go_on(bench, work(process), runs=20)
