"""What people know without data, and what was learnt: heeded while it holds, contradicted in public."""

import itertools
from typing import Any

import pytest

from kaizen import voice  # its Testimony, by name, would be taken for a test
from kaizen.errors import Malformed, OutOfRange, Undeclared
from kaizen.plan import Scout
from kaizen.setting import Setting
from kaizen.veteran.testimony import Seen, Track, track, weigh_word


def measure(gains: Any) -> Any:
    """Return a measure of taste: 5, more by ``gains`` of a heat, and a little noise."""
    ticks = itertools.count()
    return lambda run: 5.0 + gains(run.setting["heat"]) + next(ticks) % 3 / 100


def scouts(bakery: Any, *heats: float, repeats: int = 3) -> list[Scout]:
    """Plan scouts: the standard a few times, and each heat once."""
    return [Scout(setting=bakery.increment(heat=heat).after, because="b") for heat in [220.0] * repeats + list(heats)]


def test_a_word_is_heeded_before_there_are_data(bakery: Any) -> None:
    """In its region the veteran thinks again, and says whose word it is; elsewhere it is silent."""
    bench = bakery.bench()
    made = bench.teach("never above 235: it burns", that="heat <= 235", confidence=0.9, by="ana")
    assert (made.id, made.by, bench.head.taught) == (1, "ana", (made,))
    answer = bench.consult(heat=240.0)
    assert answer.answer == "think_again"
    assert answer.because == "ana says: never above 235: it burns (right 0, wrong 0 so far)"
    assert answer.changes_my_mind == ("two sound runs there that are no worse than standard 1",)
    assert answer.words == (answer.because,)
    silent = bench.consult(heat=234.0)
    assert (silent.answer, silent.words) == ("go", ())


def test_a_doubtful_word_lowers_the_odds_and_does_not_warn(bakery: Any) -> None:
    """It weighs what its giver gives it."""
    bench = bakery.bench()
    before = bench.consult(heat=240.0)
    bench.teach("I would not", that="heat <= 235", confidence=0.7, by="tom")
    after = bench.consult(heat=240.0)
    assert after.answer == "go"
    assert 0.1 < after.odds.better < before.odds.better
    bench.teach("even less", that="heat <= 235", confidence=0.5, by="tim")
    assert bench.consult(heat=240.0).odds == after.odds  # of a coin's confidence nothing is left


def test_data_overrule_a_word_quickly(bakery: Any) -> None:
    """Two sound runs in its region that are no worse leave nothing of it; a third elsewhere changes nothing."""
    bench = bakery.bench(*scouts(bakery, 240.0, 250.0))
    bench.teach("never above 235", that="heat <= 235", confidence=0.9, by="ana")
    assert bench.consult(heat=245.0).answer == "think_again"
    bakery.play(bench, measure(lambda heat: 1.0 if heat > 235 else 0.0))
    answer = bench.consult(heat=245.0)
    assert answer.answer == "go"
    assert "wrong 2 so far" in answer.words[0]
    assert answer.odds.better > 0.3


def test_a_word_that_was_right_is_believed_more(bakery: Any) -> None:
    """What faulted or was worse in its region speaks for it, there and farther on."""
    bench = bakery.bench(*scouts(bakery, 240.0, 241.0))
    bench.teach("never above 235", that="heat <= 235", confidence=0.7, by="ana")
    before = bench.consult(heat=259.0)
    bakery.play(bench, lambda run: bakery.crash if run.setting["heat"] > 235 else 5.0)
    after = bench.consult(heat=259.0)
    assert after.odds.better < before.odds.better
    assert (after.answer, "right 2, wrong 0" in after.because) == ("think_again", True)


def test_a_region_that_the_standard_lies_in_says_nothing(bakery: Any) -> None:
    """A step within it is no worse for that."""
    bench = bakery.bench()
    bench.teach("never above 200", that="heat <= 200", confidence=0.9, by="ana")
    assert bench.consult(heat=240.0).words == ()


def test_a_place_to_start_from_is_hope_not_proof(bakery: Any) -> None:
    """Toward it the odds are a little better, away from it a little worse."""
    bench = bakery.bench()
    plain = bench.consult(heat=230.0).odds.better
    bench.teach("start near 240", near={"heat": "240"}, by="ana")
    assert plain < bench.consult(heat=235.0).odds.better < plain + 0.2
    assert bench.consult(heat=210.0).odds.better < plain
    assert bench.consult(minutes=45).odds.better == plain


def test_words_for_people_alone(bakery: Any) -> None:
    """Without a region it is kept, and weighs nothing."""
    bench = bakery.bench()
    bench.teach("the oven leans to the left", by="ana")
    assert bench.consult(heat=230.0).words == ()
    assert [one.testimony.text for one in bench.veteran().words] == ["the oven leans to the left"]


@pytest.mark.parametrize(
    ("given", "error", "sentence"),
    [
        ({"text": " "}, Malformed, "a testimony must be told in words; got none"),
        ({"that": "mill < 3"}, Undeclared, "constraint 'mill < 3' must speak of declared parameters only; got mill"),
        ({"that": "heat <"}, Malformed, "a constraint must be an expression over parameters; got 'heat <'"),
        ({"that": "heat + 'a'"}, Malformed, "must be computable for every setting"),
        ({"near": {"mill": 3}}, Undeclared, "a parameter of loaf must be one of heat, minutes, steam; got 'mill'"),
        ({"near": {"heat": 999}}, OutOfRange, "heat must be a number from 160 to 260; got 999"),
        ({"that": "heat < 9", "near": {"heat": 200}}, Malformed, "a testimony must speak of one region"),
        ({"confidence": 0}, OutOfRange, "a confidence must be above 0 and below 1; got 0"),
        ({"confidence": 1.0}, OutOfRange, "a confidence must be above 0 and below 1; got 1.0"),
        ({"confidence": float("nan")}, OutOfRange, "a confidence must be above 0 and below 1; got nan"),
    ],
)
def test_what_cannot_be_taught(bakery: Any, given: Any, error: Any, sentence: str) -> None:
    """A sentence, and nothing is written."""
    bench = bakery.bench()
    with pytest.raises(error) as caught:
        bench.teach(**{"text": "b", "by": "ana", **given})
    assert sentence in caught.value.message
    assert bench.head.taught == ()


def test_a_record_counts_what_it_speaks_of(bakery: Any) -> None:
    """Right and wrong by chances; other runs and other regions count for nothing; its weight never rises by being wrong."""
    word = voice.Testimony(id=1, text="b", by="ana", at=0, confidence=0.9, that="heat <= 235")
    rows = [Seen(_Run(Setting(heat=heat, minutes=40, steam=False)), better, worse) for heat, better, worse in
            ((230.0, 0.0, 1.0), (240.0, 0.0, 1.0), (250.0, 0.2, 0.75))]  # fmt: skip
    record = track(word, bakery.process(), rows)
    assert record == Track(right=1.75, wrong=0.25)
    weights = [weigh_word(word, Track(right=right, wrong=wrong)) for right, wrong in ((0, 0), (3, 0), (3, 3), (0, 2))]
    assert weights == [pytest.approx(6.4), pytest.approx(7.36), pytest.approx(1.6), 0.0]


class _Run:
    """As much of a finished run as a testimony looks at."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting


# ── lessons, and what is known ────────────────────────────────────────────────────────────────────────────────────────


def test_lessons_say_what_they_rest_on_and_what_speaks_against_them(bakery: Any) -> None:
    """By a word, by a parameter; a later success of the same change is an exception; a rollback opens them again."""
    bench = bakery.bench()
    for changes, gain in (({"heat": 230.0}, -2.0), ({"minutes": 45}, 2.0), ({"heat": 235.0}, 2.0)):
        bench.propose(changes, because="b")
        bakery.play(
            bench,
            lambda run, after=changes, gain=gain: (
                5.0 + gain * (after.items() <= dict(run.setting).items()) + run.id % 3 / 100
            ),
        )
    (one,) = bench.learnt()
    assert (one.lesson.id, one.parameters, one.open_again) == (1, ("heat",), "")
    assert one.evidence == "trial 1, 3 pairs, 6 runs, 0 s"
    assert one.exceptions == ("trial 4 of standard 2: heat=235.0 (was 220.0) was better",)
    assert bench.learnt("HEAT=230") == bench.learnt(parameter="heat") == (one,)
    assert bench.learnt("zebra") == bench.learnt(parameter="steam") == ()
    with pytest.raises(Undeclared, match="a parameter of loaf must be one of heat, minutes, steam; got 'mill'"):
        bench.learnt(parameter="mill")
    bench.propose(heat=250.0, because="b")
    bakery.play(bench, measure(lambda heat: -2.0 if heat == 250.0 else 0.0))
    bench.rollback("too dark", to=2)
    assert [bool(lesson.open_again) for lesson in bench.learnt()] == [False, True]
    assert bench.learnt()[1].open_again == "standard 3, which it was compared with, was rolled back"
    bench.retract(1, "the door was open")
    assert [lesson.lesson.id for lesson in bench.learnt()] == [2]


def test_what_the_veteran_knows(bakery: Any) -> None:
    """Counts, what was learned, words with their record, and the nods that came to an end with the odds they gave."""
    bench = bakery.bench()
    empty = bench.veteran()
    assert (empty.runs, empty.trials, empty.calibration.nods, empty.discounts) == (0, 0, 0, {})
    offers = []
    for heat in (230.0, 231.0):
        offers.append(bench.propose(heat=heat, because="b"))
        bakery.play(bench, measure(lambda heat: -2.0 if heat > 225 else 0.0))
    bench.propose(heat=232.0, because="b")
    known = bench.veteran()
    assert (known.runs, known.trials, known.better, known.faults, known.lessons) == (16, 2, 0, 0, 2)
    assert known.calibration.nods == bench.calibration().nods == 2
    assert [test.odds for test in bench.trials] == [offer.nod.odds for offer in offers]
    assert bench.calibration().bins[0].low == offers[1].nod.odds.better
    assert set(known.discounts) == {"moved", "knob", "conditions", "other"}
    roll = bakery.bench(process=bakery.replace(bakery.process(), name="roll"))
    roll.propose(heat=230.0, because="b")
    bakery.play(roll, measure(lambda heat: 0.0))
    assert bench.veteran().elsewhere == {"roll": 3}
    assert known.lines()[0].startswith("loaf: 16 runs, 0 of them faults; 2 trials came to an end: 0 better")
