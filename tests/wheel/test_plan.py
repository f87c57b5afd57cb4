"""PLAN: what runs tell about noise, and which scouted settings are worth a trial."""

from typing import Any

import pytest

from kaizen.journal import Tried
from kaizen.metric import higher, lower
from kaizen.plan import Noise, candidates, comparable, noise
from kaizen.setting import Setting
from kaizen.trial import Spend
from kaizen.verdict import Prospect

SURE = Prospect(pairs=8, odds=0.9)


def tried(bakery: Any, number: Any, value: Any, *, heat: Any = 220.0, outcome: Any = None, **fields: Any) -> Any:
    setting = Setting({**bakery.process().standard, "heat": heat})
    reading = outcome or (bakery.reading(**value) if isinstance(value, dict) else bakery.reading(value))
    return Tried(
        id=number, seq=number, at=0, by="me", setting=setting, outcome=reading, spend=Spend(runs=1),
        **{"purpose": "scout", "of": 1, **fields},
    )  # fmt: skip


def pair(bakery: Any, number: Any, block: Any, standard: Any, increment: Any, trial: Any = 1) -> Any:
    side = {"purpose": "trial", "trial": trial, "block": block}
    return [
        tried(bakery, number, standard, side="standard", **side),
        tried(bakery, number + 1, increment, side="increment", heat=230.0, **side),
    ]


def test_noise_of_pairs_is_around_their_trials_mean(bakery: Any) -> None:
    """A trial whose pairs all gain 1 shows no noise; one side alone is no pair, a fault no reading."""
    process, setting = bakery.process(), bakery.process().standard
    rows = [row for block in range(3) for row in pair(bakery, 10 * block + 1, block, 5 + block, 6 + block)]
    rows += [tried(bakery, 50, None, outcome=bakery.crash, purpose="trial", trial=1, block=7, side="standard")]
    rows += pair(bakery, 60, 8, 5, 99)[:1]
    assert noise(process, rows, setting) == {"taste": Noise(sd=0.0, freedom=2)}
    rows += [row for block in range(2) for row in pair(bakery, 10 * block + 101, block, 5, 5 + 2 * block, trial=2)]
    assert noise(process, rows, setting)["taste"] == Noise(sd=pytest.approx((2 / 3) ** 0.5), freedom=3)


def test_noise_of_the_standards_repeats_is_that_of_a_pair(bakery: Any) -> None:
    """Two single runs differ by the square root of two of a run's scatter."""
    rows = [tried(bakery, number, value) for number, value in enumerate((5, 6, 7))]
    assert noise(bakery.process(), rows, bakery.process().standard) == {
        "taste": Noise(sd=pytest.approx(2**0.5), freedom=2)
    }


def test_noise_is_not_guessed(bakery: Any) -> None:
    """Exact metrics have none, and two runs show too little."""
    process = bakery.process(bakery.taste, bakery.size)
    rows = [tried(bakery, number, {"taste": 5.0, "size": 3.0}) for number in range(2)]
    assert noise(process, rows, process.standard) == {}


def find(bakery: Any, rows: Any, prospect: Any = lambda gain, sd: SURE, **fields: Any) -> Any:
    return candidates(bakery.head(**fields), rows, prospect)


def test_a_scouted_gain_beside_the_standard_is_a_candidate(bakery: Any) -> None:
    """Medians on both sides, so that one wild run does not make one; it says what scouts saw."""
    rows = [tried(bakery, n, v) for n, v in enumerate((5, 5.1, 99))] + [
        tried(bakery, 9, 6.1, heat=230.0),
        tried(bakery, 10, 6.1, heat=230.0),
    ]
    (found,) = find(bakery, rows)
    assert (found.setting["heat"], found.runs, found.odds, found.pairs) == (230.0, 2, 0.9, 8)
    assert found.gains == {"taste": pytest.approx(1.0)}
    assert found.spell(bakery.process()) == "taste +1"


def test_without_a_run_of_the_standard_there_is_nothing_to_compare_with(bakery: Any) -> None:
    """A remembered number is no standard."""
    assert find(bakery, [tried(bakery, 1, 9, heat=230.0)]) == ()
    assert find(bakery, [tried(bakery, 1, None, outcome=bakery.crash), tried(bakery, 2, 9, heat=230.0)]) == ()


def test_the_order_is_by_odds_for_their_pairs(bakery: Any) -> None:
    """Cheap proof first; among equals, by name, so that the answer is always the same."""
    rows = [tried(bakery, 1, 5), *(tried(bakery, n, 6 + n / 10, heat=200.0 + n) for n in (2, 3, 4))]
    offers = {2: Prospect(pairs=10, odds=0.5), 3: Prospect(pairs=20, odds=0.9), 4: Prospect(pairs=10, odds=0.9)}

    def prospect(gain: Any, sd: Any) -> Any:
        return offers[min(offers, key=lambda n: abs((1 + n / 10) / 2 - gain))]

    assert [c.setting["heat"] for c in find(bakery, rows, prospect)] == [204.0, 202.0, 203.0]


def test_what_cannot_be_better_is_left_out(bakery: Any) -> None:
    """A loss, a gain below worthwhile, a broken guard, a run that was no scout."""
    own = tried(bakery, 1, 5)
    assert find(bakery, [own, tried(bakery, 2, 4, heat=230.0)]) == ()
    assert find(bakery, [own, tried(bakery, 2, 5.2, heat=230.0)]) == ()
    guarded = bakery.process(guards=(bakery.guard(metric="taste", at_most=8.0),))
    assert find(bakery, [own, tried(bakery, 2, 9, heat=230.0)], process=guarded) == ()
    assert find(bakery, [own, tried(bakery, 2, 9, heat=230.0, purpose="trial")]) == ()


def test_the_gain_that_proof_is_asked_for_is_shrunken(bakery: Any) -> None:
    """As far as luck may have made it: by half where nothing is known of the noise, not at all where there is none."""
    asked = []

    def prospect(gain: Any, sd: Any) -> Any:
        asked.append((gain, sd))
        return SURE

    rows = [tried(bakery, 1, 5), tried(bakery, 2, 6, heat=230.0)]
    find(bakery, rows, prospect)
    assert asked == [(pytest.approx(0.75), pytest.approx(1.5)), (pytest.approx(0.5), pytest.approx(1.0))]
    asked.clear()
    find(bakery, [tried(bakery, 11, 5), tried(bakery, 12, 5), *rows], prospect)
    assert asked[1] == (pytest.approx(1.0), 0.0)


def test_a_gain_smaller_than_floats_go_has_no_odds(bakery: Any) -> None:
    """Shrinking may leave nothing, and nothing is not asked about."""
    tiny = bakery.process(higher("taste", scale="difference", worthwhile=1e-200, margin=1e-200))
    rows = [tried(bakery, n, v) for n, v in ((1, 0.0), (2, 1e150), (3, -1e150))] + [
        tried(bakery, 9, 1e-199, heat=230.0)
    ]
    assert find(bakery, rows, lambda gain, sd: 1 / 0, process=tiny) == ()


def test_exact_metrics_open_or_shut_the_door(bakery: Any) -> None:
    """One that gains what is worthwhile takes one pair; one that loses beyond its margin cannot be better."""
    size = lower("size", exact=True, worthwhile=0.02, margin=0.0)
    process = bakery.process(size, higher("taste", scale="difference", worthwhile=0.5, margin=1.0))
    own = tried(bakery, 1, {"size": 100.0, "taste": 5.0})

    def found(size: Any, taste: Any) -> Any:
        return find(bakery, [own, tried(bakery, 2, {"size": size, "taste": taste}, heat=230.0)], process=process)

    assert found(90.0, 5.0)[0].odds == 0.9  # the margin of taste has to be proven, still
    assert found(101.0, 9.0) == ()
    assert found(100.0, 9.0)[0].pairs == 8
    assert found(99.0, 5.0) == ()  # not worthwhile
    assert found(90.0, 3.0) == ()  # beyond the margin


def test_runs_compare_only_where_they_tell_about_the_process_of_today(bakery: Any) -> None:
    """Not from before the era, not with a setting that was ruled out, not by a late reading that lacks a new metric."""
    process = bakery.process(bakery.taste, bakery.size)
    sound = tried(bakery, 5, {"taste": 5.0, "size": 3.0})
    fault = tried(bakery, 6, None, outcome=bakery.crash)
    stale = bakery.replace(fault, id=7, late=(bakery.reading(taste=5.0),))
    old, ruled_out = (
        tried(bakery, 3, {"taste": 5.0, "size": 3.0}),
        bakery.replace(sound, id=8, setting=Setting(heat=999.0)),
    )
    rows = [old, sound, fault, stale, ruled_out]
    assert comparable(bakery.head(process=process, era=4, revision=2), rows) == [sound, fault]
