"""The odds: between 0 and 1, lower for every failure, the same in any order, and learned from what happened."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen.veteran.odds import FARTHEST, GRID, RUN, TRIAL, Evidence, Lived, Weights, kernel, learn, learn_trust, weigh
from kaizen.veteran.past import FAULTED, SOUND, UNKNOWN
from kaizen.veteran.rates import CRASHED, KEPT, Base, base_of

UNIT = st.floats(0.0, 1.0)


@st.composite
def items(draw: st.DrawFn) -> tuple[Any, ...]:
    """Draw one item of evidence: a trial or a run, near or far, own or another's."""
    same = draw(st.booleans())
    trial = draw(st.booleans())
    other = draw(st.booleans())
    better = draw(st.sampled_from((0.0, 0.15, 1.0)) if trial else UNIT)
    became = UNKNOWN if trial else draw(st.sampled_from((SOUND, FAULTED, UNKNOWN)))
    weight = TRIAL * draw(UNIT) if trial else RUN * draw(UNIT)
    return (
        0.0 if same else draw(st.floats(0.0, FARTHEST)), same and not other, draw(UNIT) if trial else 0.0,
        math.nan if became == FAULTED else better, 0.0 if became == FAULTED else weight, became, draw(st.booleans()),
        draw(UNIT), draw(st.floats(0.1, 1.0)) if other else 0.0,
    )  # fmt: skip


def evidence(rows: list[tuple[Any, ...]], far: float = 1.0) -> Evidence:
    """Return items as evidence."""
    kinds = (float, bool, float, float, float, np.int8, bool, float, float)
    columns = [np.array([row[n] for row in rows], dtype=kind) for n, kind in enumerate(kinds)]
    return Evidence(far, *columns)


def failure(**fields: Any) -> tuple[Any, ...]:
    """Return a trial that failed, of the very same setting unless said otherwise."""
    row = {"distance": 0.0, "same": True, "likeness": 1.0, "better": 0.0, "weight": TRIAL, "became": UNKNOWN, "moved": False,
           "differs": 0.0, "overlap": 0.0, **fields}  # fmt: skip
    return tuple(row.values())


bases = st.builds(Base, better=st.floats(0.01, 0.99), faults=st.floats(0.0, 0.99))
discounts = st.builds(
    Weights, reach=st.floats(0.05, 0.4), moved=UNIT, knob=UNIT, conditions=st.floats(0.01, 1.0), other=UNIT
)


@given(st.lists(items(), max_size=30), bases, discounts, st.floats(0.0, 2.0))
def test_odds_are_odds(rows: Any, base: Base, weights: Weights, far: float) -> None:
    """Both lie between 0 and 1; a fault is not better."""
    found = weigh(evidence(rows, far), base, weights)
    assert 0 <= found.odds.better <= 1 - found.odds.faults <= 1
    assert 0 <= found.odds.faults < 1
    assert found.against >= 0


@given(
    st.lists(items(), max_size=20),
    bases,
    discounts,
    st.floats(0.0, 0.4),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.floats(0.0, 2.0),
)
def test_one_more_failure_never_raises_the_odds(
    rows: Any, base: Base, weights: Weights, distance: float, same: bool, fault: bool, other: bool, far: float
) -> None:
    """Neither a trial that failed nor a run that faulted, wherever it was made."""
    one = failure(distance=0.0 if same else distance, same=same and not other, overlap=1.0 if other else 0.0)
    if fault:
        one = failure(
            distance=one[0], same=one[1], overlap=one[8], likeness=0.0, better=math.nan, weight=0.0, became=FAULTED
        )
    before, after = (weigh(evidence(what, far), base, weights) for what in (rows, [*rows, one]))
    assert after.odds.better <= before.odds.better + 1e-12
    assert after.odds.faults >= before.odds.faults - 1e-12


@given(st.lists(items(), max_size=20), bases, discounts, st.floats(0.0, 0.4))
def test_one_more_run_that_was_worse_never_raises_what_is_thought_of_a_sound_one(
    rows: Any, base: Base, weights: Weights, distance: float
) -> None:
    """It did give a reading, so it speaks for that; given that it reads, it speaks against it."""
    one = failure(distance=distance, same=False, likeness=0.0, weight=RUN, became=SOUND)
    before, after = (weigh(evidence(what), base, weights) for what in (rows, [*rows, one]))
    assert after.given <= before.given + 1e-12
    assert after.odds.faults <= before.odds.faults + 1e-12


@given(
    st.lists(items(), max_size=20).flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))),
    bases,
    discounts,
)
def test_no_order_matters(both: Any, base: Base, weights: Weights) -> None:
    """To the last bit."""
    first, second = (weigh(evidence(list(rows)), base, weights) for rows in both)
    assert first == second


@pytest.mark.parametrize(
    ("fields", "odds"),
    [({}, 2 / 51), ({"moved": True}, 11 / 70), ({"same": False, "distance": 1.0}, 5 / 74)],
)
def test_the_first_odds_are_those_of_public_logs(fields: Any, odds: float) -> None:
    """A repeat with nothing changed, a repeat after the standard moved, the same knob the same way."""
    assert weigh(evidence([]), Base(), Weights()).given == KEPT
    assert weigh(evidence([failure(**fields)]), Base(), Weights()).given == pytest.approx(odds, rel=0.05)


def test_what_is_not_about_the_question_says_less() -> None:
    """A smaller step is untested; other conditions, other processes and what lies beyond reach count less or nothing."""
    asked = weigh(evidence([failure()]), Base(), Weights()).given
    for fields in (
        {"moved": True},
        {"differs": 1.0},
        {"overlap": 1.0, "same": False},
        {"same": False, "likeness": 0.0, "distance": 0.15},
    ):
        assert asked < weigh(evidence([failure(**fields)]), Base(), Weights()).given < KEPT, fields
    for far, distance in ((1.0, 0.2), (0.1, 0.06)):
        silent = failure(same=False, likeness=0.0, distance=distance)
        assert weigh(evidence([silent], far), Base(), Weights()).given == KEPT
    thousand = [failure(same=False, likeness=0.0, distance=0.19)] * 1000
    assert weigh(evidence([*thousand, failure(better=1.0)]), Base(), Weights()).given > 0.4


def test_another_process_alone_never_warns() -> None:
    """However many of its trials failed there, and however many such processes there are; not until it has carried over."""
    foreign = [failure(overlap=1.0 - n / 10, same=False, likeness=0.0) for n in range(5)] * 1000
    assert weigh(evidence(foreign), Base(), Weights()).given > 0.19
    assert weigh(evidence(foreign), Base(), Weights()).against <= 2
    trusted = [failure(overlap=5.0, same=False, likeness=0.0)] * 10
    assert weigh(evidence(trusted), Base(), Weights(carries=5.0)).given < 0.1
    assert weigh(evidence(trusted), Base(), Weights(carries=5.0)).against >= 4


def test_trust_follows_what_carried_over() -> None:
    """A process whose failures were failures here is believed more, one whose failures worked here less, by and by."""
    alike = {"overlap": 1.0, "same": False, "likeness": 0.0}
    friend = [lived(better=False, **alike)] * 30
    foe = [lived(better=True, **alike)] * 30
    assert learn_trust(foe, Weights()) < 0.2
    assert learn_trust(friend, Weights()) > 3
    assert learn_trust([], Weights()) == pytest.approx(1.0, abs=0.05)
    assert 0.5 < learn_trust(friend[:1], Weights()) < 2


def test_a_kernel_has_an_end() -> None:
    """1 at no distance, 0 from the reach on; with no reach only the same place counts."""
    assert kernel(np.array([0.0, 0.1, 0.2, 9.0]), 0.2).tolist() == [1.0, pytest.approx(0.5625), 0.0, 0.0]
    assert kernel(np.array([0.0, 0.1]), 0.0).tolist() == [1.0, 0.0]


def test_base_rates_are_drawn_to_what_is_known() -> None:
    """This process's own, then the ledger's, then public logs'."""
    assert base_of((0, 0), (0, 0), (0, 0)) == (pytest.approx(KEPT), pytest.approx(CRASHED))
    assert base_of((0, 100), (0, 100), (0, 0)).better < 0.02
    assert base_of((90, 100), (90, 1000), (0, 0)).better > 0.8
    assert base_of((0, 0), (0, 1000), (50, 100)) == (pytest.approx(0.002, abs=0.002), pytest.approx(0.457, abs=0.01))


# ── learning ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def lived(better: bool, **fields: Any) -> Lived:
    return Lived(evidence([failure(**fields)]), Base(), better)


def test_without_outcomes_the_defaults_stand() -> None:
    """They are on the grid."""
    assert learn([]) == Weights()
    for name, values in GRID.items():
        assert getattr(Weights(), name) in values


def test_discounts_follow_what_happened() -> None:
    """Where repeats fail however the standard moved, moving tells nothing; where they work, it tells all."""
    stubborn = learn([lived(better=False, moved=True)] * 60)
    fickle = learn([lived(better=n % 2 == 0, moved=True) for n in range(60)])
    assert fickle.moved < 0.1 < Weights().moved < 0.5 < stubborn.moved
    few = learn([lived(better=True, moved=True)])
    assert 0.1 < few.moved < Weights().moved  # one outcome moves it a little


@given(st.permutations(range(6)))
def test_learning_needs_no_order(order: list[int]) -> None:
    """The same outcomes, the same discounts."""
    past = [lived(better=n % 3 == 0, moved=n % 2 == 0, differs=n / 6) for n in range(6)]
    assert learn(past) == learn([past[n] for n in order])
