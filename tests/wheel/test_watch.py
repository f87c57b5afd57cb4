"""What happens behind an adoption: promises, fresh pairs with the standard before, and copies of the standard."""

import math
from random import Random
from typing import Any

import pytest

from kaizen.check import promised
from kaizen.cycle import NextBlock, OpenWatch, ProposeNull, next_step
from kaizen.journal import Counts
from kaizen.ledger import Judged, Learned, Opened, Proposed, Pulled, RolledBack
from kaizen.listen import delivered
from kaizen.listeners.shadow import ShadowListener
from kaizen.metric import lower
from kaizen.plan import Scout
from kaizen.standard import Standard, increment
from kaizen.trial import Spend

GOOD, BAD = (230.0, 1.5), (240.0, 0.0)


def scouts(journal: Any) -> Any:
    """Scout the standard, for ever: the runs among which the watch has its share."""
    return Scout(setting=journal.head.standard.setting, because="to see")


def adopted(bakery: Any, **policy: Any) -> Any:
    """Return a bench that has proven heat 230 and goes on with scouts; half of the runs are the watch's."""
    chance = Random(4)
    bench = bakery.bench(*[scouts] * 500, shadow=0.5, nulls=0, **policy)
    bench.propose(heat=230.0, because="a darker crust", by="ana")
    while bench.standard.number == 1:
        run = bench.ask()
        bench.tell(run, {"taste": 5.0 + 1.5 * (run.setting["heat"] == 230.0) + chance.gauss(0, 0.5)})
        if any(open_.verdict for open_ in bench.head.trials):
            bench.consent("ana")
    return bench, chance


def measured(chance: Any, gain: float, level: float = 5.0) -> Any:
    return lambda run: level + gain * (run.setting["heat"] == 230.0) + chance.gauss(0, 0.5)


def entries(bench: Any, kind: Any) -> Any:
    return [record.entry for record in bench.log if isinstance(record.entry, kind)]


# ── what is promised ─────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_promise_is_less_than_the_pairs_showed(bakery: Any) -> None:
    """The luck of the chosen is taken off; the failed trials say how much of it is luck."""
    chance = Random(1)
    chosen = bakery.trial(*[(5 + chance.gauss(0, 1), 6 + chance.gauss(0, 1)) for _ in range(10)])
    nothing = [bakery.trial(*[(5 + chance.gauss(0, 1), 5 + chance.gauss(0, 1)) for _ in range(5)]) for _ in range(30)]
    raw = sorted(b.increment.values["taste"] - b.standard.values["taste"] for b in chosen.blocks)
    alone, doubted = (promised(chosen, others)["taste"] for others in ([], nothing))
    assert 0 < doubted < alone < sum(raw) / len(raw)


def test_an_exact_gain_is_promised_as_it_is_and_other_metrics_teach_nothing(bakery: Any) -> None:
    """Nothing is owed to luck where a reading repeats; trials of another description are left out."""
    size = lower("size", exact=True)
    trial = bakery.trial((bakery.reading(size=100.0), bakery.reading(size=90.0)), metrics=(size,))
    other = bakery.trial((5, 4), (5, 3))
    assert promised(trial, [other])["size"] == pytest.approx(math.log(100 / 90))
    assert dict(promised(bakery.trial((5, 6)), [])) == {}  # one pair tells no scatter


def test_the_promise_stands_with_the_standard(bakery: Any) -> None:
    """Both where adoption is automatic and where somebody agrees to it."""
    for policy in ({}, {"consent": "ana"}):
        bench, _ = adopted(type(bakery)(), **policy)
        raw = next(effect.gain for effect in bench.trials[0].verdict.effects)
        assert 0.5 < bench.standard.promised["taste"] <= raw


# ── the watch ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_proven_standard_is_watched_for_its_share_of_runs_until_enough_is_seen(bakery: Any) -> None:
    """Five times the patience; then it ends in words, costs no α, and is not opened again."""
    bench, chance = adopted(bakery, pairs=8)
    charged = bench.head.charged
    why, made = bakery.play(bench, measured(chance, 1.5), most=400)
    shadow = [run for run in made if run.purpose == "shadow"]
    assert len(shadow) == 80, why
    among = next(number for number, run in enumerate(made) if run is shadow[-1]) + 1
    assert 0.4 < len(shadow) / among <= 0.55
    (ended,) = [entry for entry in entries(bench, Judged) if entry.stopped]
    assert (ended.stopped.reason, bench.standard.number) == ("watched", 2)
    assert ended.stopped.note.startswith("40 fresh pairs: it delivers taste +1.")
    assert bench.head.charged == charged
    assert len([entry for entry in entries(bench, Opened) if entry.trial.purpose == "shadow"]) == 1
    assert bench.check().decision == "better"  # the trial that was judged, not the watch


def test_a_standard_that_falls_behind_is_rolled_back_with_a_lesson(bakery: Any) -> None:
    """Where adoption is automatic, so is its end."""
    bench, chance = adopted(bakery)
    bakery.play(bench, measured(chance, -1.0), most=120)
    (back,) = entries(bench, RolledBack)
    assert (back.standard.number, back.standard.setting["heat"]) == (3, 220.0)
    assert "fresh pairs it falls behind the standard before: taste -1" in back.standard.because
    (lesson,) = entries(bench, Learned)
    assert lesson.lesson.text.startswith("standard 2 fell behind standard 1")
    assert "heat=230" in lesson.lesson.scope
    assert not [open_ for open_ in bench.head.trials if open_.trial.purpose == "shadow"]


def test_where_a_person_agrees_to_adopt_the_andon_calls_that_person(bakery: Any) -> None:
    """The standard stays until somebody decides; the way back is named, and works."""
    bench, chance = adopted(bakery, consent="ana")
    bakery.play(bench, measured(chance, -1.0), most=120)
    assert bench.standard.number == 2
    assert bench.head.andon is not None
    assert bench.head.andon.because.endswith("roll back with rollback(to=1), or clear it")
    bench.clear("seen", by="ana")
    bench.rollback("it fell behind", by="ana", to=1)
    assert bench.standard.setting["heat"] == 220.0


def test_a_fall_of_both_sides_is_drift_and_nothing_is_rolled_back(bakery: Any) -> None:
    """The oven is at fault, not the standard."""
    bench, chance = adopted(bakery)
    bakery.play(bench, measured(chance, 1.5, level=2.0), most=200)
    assert not entries(bench, RolledBack)
    (pulled,) = entries(bench, Pulled)
    assert pulled.andon.because.startswith("taste fell for this standard and the one before alike")
    assert bench.standard.number == 2


def test_a_watch_ends_with_its_standard(bakery: Any) -> None:
    """Another standard is another watch; a rollback by hand is watched beside nothing."""
    bench, chance = adopted(bakery)
    bakery.play(bench, measured(chance, 1.5), most=10)
    bench.rollback("customers said so", by="ana", to=1)
    bakery.play(bench, measured(chance, 1.5), most=10)
    assert not bench.head.trials
    (ended,) = [entry for entry in entries(bench, Judged) if entry.stopped]
    assert ended.stopped.reason == "superseded"


@pytest.mark.parametrize(
    ("policy", "fields"),
    [({"shadow": 0.0}, {}), ({}, {"before": None}), ({}, {"watched": 2}), ({}, {"evidence": "declared"})],
)
def test_what_is_not_watched(bakery: Any, policy: Any, fields: Any) -> None:
    """By policy, without a standard before, twice, or a standard that nobody proved."""
    process = bakery.process(**policy)
    base = {"setting": process.standard, "evidence": "proven", "because": "b", "by": "ana"}
    standard = Standard(**{**base, "number": 2, "trial": 1, "evidence": fields.pop("evidence", "proven")})
    before = Standard(**{**base, "number": 1, "evidence": "given"})
    watched = bakery.head(
        process=bakery.process(), standard=Standard(**{**base, "number": 2, "trial": 1}), before=before
    )
    assert next_step(bakery.journal(watched)) == OpenWatch()
    head = bakery.head(process=process, **{"standard": standard, "before": before, **fields})
    assert next_step(bakery.journal(head)) != OpenWatch()


def test_pairs_of_the_watch_come_before_other_work_but_for_its_share_alone(bakery: Any) -> None:
    """A trial under way does not starve it, and is not starved."""
    watch = bakery.replace(bakery.trial(number=2), purpose="shadow")
    test = bakery.trial((5, 6), number=3)

    def step(runs: int) -> Any:
        head = bakery.head(watch, test, spent=Spend(runs=runs))
        return next_step(bakery.journal(head, looked={2: 0, 3: 1}))

    assert step(0) == NextBlock(trials=(3,))
    assert step(1) == NextBlock(trials=(2,))


# ── what is heard ────────────────────────────────────────────────────────────────────────────────────────────────────
def pairs(seed: int, count: int, now: float, before: float) -> Any:
    """Return pairs (now, before) of a watch."""
    chance = Random(seed)
    return [(now + chance.gauss(0, 1), before + chance.gauss(0, 1)) for _ in range(count)]


def watch(bakery: Any, *made: Any, **fields: Any) -> Any:
    return bakery.replace(bakery.trial(*made, **{"most": 200, **fields}), purpose="shadow")


def test_a_margin_is_tolerated_where_there_are_several_metrics(bakery: Any) -> None:
    """A price that the standard was allowed to pay is no fall."""
    price = lower("price", kind="price", worthwhile=0.05, margin=0.5)

    def heard(now: float) -> Any:
        chance = Random(3)
        made = [
            tuple(
                bakery.reading(price=price * math.exp(chance.gauss(0, 0.05)), taste=5 + chance.gauss(0, 1))
                for price in (now, 100.0)
            )
            for _ in range(60)
        ]
        return ShadowListener().hear(watch(bakery, *made, metrics=(price, bakery.taste)), bakery.trial())

    assert heard(120.0) is None
    fallen = heard(200.0)
    assert (fallen.sound, "price" in fallen.because) == ("fallen", True)


def test_faults_of_the_standard_now_are_falls(bakery: Any) -> None:
    """A standard that crashes where the one before does not is behind by the worst there is."""
    made = [(bakery.crash, 5.0) for _ in range(30)]
    heard = ShadowListener().hear(watch(bakery, *made), bakery.trial())
    assert heard.sound == "fallen"
    assert heard.effects[0].gain is None


def test_what_is_delivered_is_the_other_way_round(bakery: Any) -> None:
    """The watch's increment goes back; what is told is the gain of the standard now."""
    (effect,) = delivered(watch(bakery, *pairs(2, 40, 7.0, 5.0)))
    assert 0.5 < effect.low < effect.gain < effect.high < 3.5
    assert delivered(watch(bakery)) == ()


def test_a_watch_that_loses_nothing_seldom_alarms(bakery: Any) -> None:
    """Two hundred pairs, a thousand between false alarms: one in five at most, by far."""
    alarms = sum(
        ShadowListener().hear(watch(bakery, *pairs(seed, 199, 5.0, 5.0)), bakery.trial()) is not None
        for seed in range(60)
    )
    assert alarms <= 12


def test_a_loss_of_a_standard_deviation_is_heard_within_twenty_pairs(bakery: Any) -> None:
    """In the median."""

    def pairs_to_alarm(seed: int) -> int:
        made = pairs(seed, 60, 4.0, 5.0)
        hears = (ShadowListener().hear(watch(bakery, *made[:n]), bakery.trial()) for n in range(1, 61))
        return next((n for n, heard in enumerate(hears, 1) if heard is not None), 61)

    found = sorted(pairs_to_alarm(seed) for seed in range(15))
    assert found[7] <= 20 * 2  # one sd of a reading is .7 of a pair's difference


# ── copies of the standard ───────────────────────────────────────────────────────────────────────────────────────────
def test_a_copy_of_the_standard_is_tried_now_and_then_and_never_adopted(bakery: Any) -> None:
    """It costs no α: its verdicts alone say how often the judge is fooled here."""
    chance = Random(5)
    heats = iter(range(161, 200))

    def proposing(journal: Any) -> Any:
        changes = {"heat": float(next(heats))}
        return increment(journal.head.process, journal.head.standard, changes, because="b", by="plan")

    bench = bakery.bench(*[proposing] * 6, nulls=3, shadow=0.0, pairs=12)
    bakery.play(bench, lambda _: 5.0 + chance.gauss(0, 1), most=400)
    purposes = [test.trial.purpose for test in bench.trials]
    assert purposes == ["trial", "trial", "trial", "null", "trial", "trial", "trial", "null"]
    assert bench.head.counts.nulls == 2
    assert bench.standard.number == 1
    assert bench.head.charged == pytest.approx(
        sum(t.trial.design.alpha for t in bench.trials if t.trial.design.charged)
    )
    assert not any(test.trial.design.charged for test in bench.trials if test.trial.purpose == "null")
    assert {entry.increment.by for entry in entries(bench, Proposed) if entry.increment.is_null} == {"kaizen"}


def test_no_copy_where_it_tells_nothing_or_cannot_be_paid(bakery: Any) -> None:
    """Exact readings cannot fool the judge; a null that the budget cannot end is not begun."""
    counts = Counts(trials=20)
    assert next_step(bakery.journal(bakery.head(counts=counts))) == ProposeNull()
    for process in (bakery.process(bakery.size), bakery.process(nulls=0), bakery.process(runs=10)):
        assert next_step(bakery.journal(bakery.head(process=process, counts=counts))) != ProposeNull()
