"""Only proof makes a standard: whatever the policy, the planner, the readings and the people.

Adopting on a scout, on one noisy observation or against a remembered baseline is not an option that is off; there is
no way to say it. Here every increment looks a hundred times better, and the wheel is pushed at random.
"""

import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kaizen.check import fewest
from kaizen.errors import OutOfRange, OutOfTurn
from kaizen.journal import sides
from kaizen.ledger import Adopted, Consented, Judged, Opened
from kaizen.metric import higher, lower
from kaizen.plan import Scout
from kaizen.setting import Setting
from kaizen.standard import increment
from kaizen.trial import Fault, Reading

NOISY = higher("taste", scale="difference", worthwhile=0.5)
RATIO = higher("yield_", worthwhile=0.02)
EXACT = lower("size", exact=True)
METRICS = st.sampled_from([(NOISY,), (EXACT,), (NOISY, EXACT), (NOISY, RATIO), (RATIO,)])
POLICIES = st.fixed_dictionaries(
    {
        "pairs": st.integers(1, 12),
        "trials": st.integers(1, 3),
        "false_adoptions": st.sampled_from([1e-6, 0.1, 0.5]),
        "share": st.sampled_from([1e-3, 0.25, 0.99]),
        "consent": st.sampled_from(["automatic", "ana"]),
        "runs": st.one_of(st.none(), st.integers(0, 60)),
    }
)
MOVES = st.lists(
    st.sampled_from(["ask", "ask", "ask", "tell", "tell", "tell", "fault", "report", "propose", "consent", "correct", "settle", "null"]),
    min_size=20, max_size=120,
)  # fmt: skip


def wonder(process: Any, setting: Any, chance: Any) -> Any:
    """Return a reading: the standard is poor, everything else is wonderful; exact metrics repeat."""
    good = setting["heat"] != 220.0
    made = {"taste": 900.0 * good + chance, "yield_": 900.0 * good + 1 + chance, "size": 1.0 if good else 900.0}
    return {metric.name: made[metric.name] for metric in process.metrics}


def plans(chances: Any) -> Any:
    """Plan without end: scouts of wonderful settings, and increments."""
    for number, chance in zip(itertools.count(), itertools.cycle(chances or [0.5]), strict=False):
        heat = 221.0 + number % 30
        if chance < 0.5:
            yield Scout(setting=Setting(heat=heat, minutes=40, steam=False), because="to see")
        else:
            yield lambda journal, heat=heat: increment(
                journal.head.process, journal.head.standard, {"heat": heat if journal.head.standard.setting["heat"] != heat else 260.0},
                because="wonderful", by="plan",
            )  # fmt: skip


class Endless:
    """A planner that never stops."""

    def __init__(self, chances: Any) -> None:
        self._plans = plans(chances)

    def plan(self, journal: Any, *, advice: Any, prospect: Any, seed: Any) -> Any:
        plan = next(self._plans)
        return plan(journal) if callable(plan) else plan


def push(bakery: Any, metrics: Any, policy: Any, moves: Any, chances: Any) -> Any:
    """Push the wheel at random; return the bench."""
    bench = bakery.bench(process=bakery.process(*metrics, **policy), planner=Endless(chances))
    process, hand, chance = bench.process, [], itertools.cycle(chances or [0.5])
    for move in moves:
        try:
            match move:
                case "ask":
                    hand.extend(bench.ask(n=3))
                case "tell" if hand:
                    bench.tell(hand[0], wonder(process, hand[0].setting, next(chance)))
                    hand.pop(0)
                case "fault" if hand:
                    bench.fault(hand.pop(0))
                case "report":
                    bench.report_run(
                        {**process.standard, "heat": 250.0},
                        wonder(process, {"heat": 250.0}, next(chance)),
                        source="log",
                    )
                case "propose":
                    bench.propose(heat=240.0 + next(chance), because="wonderful")
                case "null":
                    bench.propose_null()
                case "consent":
                    bench.consent("ana")
                case "correct" if bench.runs:
                    row = bench.runs[-1]
                    bench.correct(row.id, wonder(process, row.setting, next(chance)), because="b")
                case "settle":
                    bench.wheel.settle()
        except (OutOfTurn, OutOfRange):  # nothing to hand out or to consent to, or the standard has it already
            if bench.head.andon:
                bench.clear("go on", by="ana")
    return bench


def pairs_at(bench: Any, trial: Any, seq: Any) -> Any:
    """Return the complete pairs of a trial whose runs were answered before ``seq``."""
    pairs = {}
    for row in sides(bench.wheel.ledger, bench.name, trial):
        if row.seq < seq:
            pairs.setdefault(row.block, {})[row.side] = row
    return [pair for pair in pairs.values() if len(pair) == 2]


def check_proof(bench: Any) -> None:
    """Hold every proven standard against what the records say it rests on."""
    records = bench.log
    designs = {r.entry.trial.id: r.entry.trial for r in records if isinstance(r.entry, Opened)}
    verdicts = {}
    for record in records:
        entry = record.entry
        if isinstance(entry, Judged):
            verdicts[entry.trial] = entry.verdict
        if not isinstance(entry, Adopted):
            continue
        standard = entry.standard
        assert standard.evidence == "proven"
        assert verdicts[standard.trial].decision == "better"
        trial, pairs = designs[standard.trial], pairs_at(bench, standard.trial, record.seq)
        assert trial.purpose == "trial"
        assert trial.increment.of == standard.number - 1
        assert standard.setting == trial.increment.after != trial.increment.before
        for pair in pairs:
            assert pair["standard"].setting == trial.increment.before
            assert pair["increment"].setting == standard.setting
        if all(metric.exact for metric in trial.design.metrics):
            assert any(all(isinstance(row.outcome, Reading) for row in pair.values()) for pair in pairs)
        else:
            assert 0 < trial.design.alpha < 1
            assert len(pairs) >= fewest(bench.process.policy, trial.design.alpha)
        if bench.process.policy.consent != "automatic":
            assert any(
                isinstance(r.entry, Consented) and r.entry.trial == standard.trial and r.by == "ana" for r in records
            )
    adopted, charged = bench.head.counts.adopted, bench.head.charged
    assert charged <= bench.process.policy.false_adoptions * (adopted + 1) + 1e-12
    assert [standard.number for standard in bench.standards] == list(range(1, bench.head.standard.number + 1))


@given(METRICS, POLICIES, MOVES, st.lists(st.floats(0, 1, width=16), max_size=9))
def test_only_a_trial_judged_better_over_enough_pairs_makes_a_standard(
    new_bakery: Any, metrics: Any, policy: Any, moves: Any, chances: Any
) -> None:
    """Every proven standard rests on its own trial, against the standard of its day, on both sides of enough pairs."""
    check_proof(push(new_bakery(), metrics, policy, moves, chances))


def test_enough_pairs_do_make_a_standard(bakery: Any) -> None:
    """The test above is not empty: pushed on, the same wheel adopts, and by consent, too."""
    for policy in ({}, {"consent": "ana"}):
        shop = type(bakery)()
        bench = push(
            shop, (NOISY, EXACT), policy, ["propose"] + ["ask", "tell", "tell", "tell", "consent"] * 40, [0.25, 0.75]
        )
        assert bench.standard.number > 1
        check_proof(bench)


def test_no_scout_however_good_moves_the_standard(bakery: Any) -> None:
    """A thousand wonderful single runs, here and elsewhere, prove nothing."""
    bench = bakery.bench(planner=Endless([0.1]))
    for number in range(300):
        run = bench.ask()
        bench.tell(run, taste=1e6 + number)
        bench.report_run(run.setting, {"taste": 1e6}, source="log")
    assert bench.standard.number == 1
    assert not bench.trials


def test_one_side_of_a_pair_proves_nothing(bakery: Any) -> None:
    """The increment alone, in however many blocks, beside a standard that is remembered but not run."""
    bench = bakery.bench()
    bench.report_run(bench.standard.setting, {"taste": 0.0}, source="log")
    bench.propose(heat=230.0, because="wonderful")
    for run in bench.ask(n=80):
        if run.side == "increment":
            bench.tell(run, taste=1e6 + run.id)
    assert bench.standard.number == 1
    assert bench.check().pairs == 0


def test_no_option_lets_fewer_pairs_do(bakery: Any) -> None:
    """A patience below the floor refuses the trial; it does not lower the floor."""
    for pairs, adopts in ((4, False), (5, False), (6, True), (7, True)):
        shop = type(bakery)()
        bench = shop.bench(pairs=pairs)
        bench.propose(heat=230.0, because="wonderful")
        shop.play(bench, lambda run: 1e3 * (run.setting["heat"] == 230.0) * (1 + run.block) + 1.0)
        assert (bench.standard.number == 2) == adopts
        assert len(bench.runs) == (12 if adopts else 0)


def test_faults_of_the_standard_alone_prove_only_by_enough_pairs(bakery: Any) -> None:
    """A standard that crashes whenever it is run is replaced, and not for one crash."""
    bench = bakery.bench()
    bench.propose(heat=230.0, because="sound")
    _, made = bakery.play(bench, lambda run: 5.0 if run.setting["heat"] == 230.0 else Fault(reason="crash"))
    assert len(made) >= 2 * fewest(bench.process.policy, 0.025)
    assert bench.standard.number == 2
