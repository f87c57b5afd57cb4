"""Scope: which conditions, pairs of their values and parameters carry over, learned from what happened; and the laws of odds."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen.setting import Texts
from kaizen.veteran.odds import TRIAL, Evidence, Lived, Weights, weigh
from kaizen.veteran.past import UNKNOWN
from kaizen.veteran.rates import Base
from kaizen.veteran.scope import Held, Scope, carries
from kaizen.veteran.scoping import Case, differs_for, learn_scope, weights_for

GPUS, ROOMS = ("a100", "a4000", "w7800"), ("north", "south")
TABLE = [Texts(gpu=gpu, room=room) for gpu in GPUS for room in ROOMS]
ALIKE = {"a100", "a4000"}


def failures(count: int) -> Evidence:
    """Return so many trials of the very same setting that failed."""
    fields = {"distance": 0.0, "same": True, "likeness": 1.0, "better": 0.0, "weight": TRIAL, "became": UNKNOWN, "moved": False,
              "differs": 0.0, "overlap": 0.0}  # fmt: skip
    kinds = {"same": bool, "became": np.int8, "moved": bool}
    return Evidence(1.0, *(np.full(count, value, dtype=kinds.get(name, float)) for name, value in fields.items()))


def case(then: int, now: int, *, better: bool, changed: tuple[str, ...] = ("tile",), moved: bool = False) -> Case:
    """Return an outcome now, where the same had failed then."""
    lived = Lived(failures(1)._replace(moved=np.array([moved])), Base(), better)
    return Case(lived, np.array([then], dtype=np.int32), TABLE, now, frozenset(changed))


def family() -> list[Case]:
    """Return outcomes of a family in which the vendor of a GPU matters, and the room does not."""
    return [
        case(then, now, better=not same and (then + now + turn) % 2 == 0)
        for turn in range(4)
        for then in range(6)
        for now in range(6)
        if then != now
        for same in [len({TABLE[then]["gpu"], TABLE[now]["gpu"]} - ALIKE) in (0, 1) and _vendor(then) == _vendor(now)]
    ]


def _vendor(number: int) -> bool:
    return TABLE[number]["gpu"] in ALIKE


def counts(scope: Scope, **values: str) -> float:
    """Return what one condition leaves between two values."""
    ((name, both),) = values.items()
    return scope.pair(name, *both.split("-"), names=2)


def test_without_outcomes_conditions_share_one_discount() -> None:
    """As they did: by the share of them that differ."""
    scope = learn_scope([], Weights())
    assert scope.held == ()
    assert scope.counts(TABLE[0], TABLE[1]) == pytest.approx(0.5**0.5)
    assert scope.counts(TABLE[0], TABLE[3]) == pytest.approx(0.5)
    differs = differs_for(np.array([0, 1, 3, -1]), TABLE, 0, scope, weights=Weights(), kappa=1.0)
    assert differs.tolist() == pytest.approx([0.0, 0.5, 1.0, 0.0])


def test_what_matters_is_told_from_what_does_not() -> None:
    """The room counts for next to nothing, another vendor's GPU for much; the same vendor's hardly differs."""
    scope = learn_scope(family(), Weights())
    assert counts(scope, room="north-south") > 0.5**0.5  # where it began: little is lost, and little is to be learned
    assert counts(scope, gpu="a100-a4000") > 0.6
    assert counts(scope, gpu="a100-w7800") < 0.2
    assert counts(scope, gpu="w7800-a4000") == counts(scope, gpu="a4000-w7800") < 0.2
    kinds = {(one.kind, one.name) for one in scope.held}
    assert {("condition", "gpu"), ("condition", "room"), ("pair", "gpu"), ("parameter", "tile")} == kinds
    assert all(one.outcomes > 10 for one in scope.held)
    said = carries(scope, {"gpu": "a100", "room": "north"}, {"gpu": GPUS, "room": ROOMS})
    assert said[0].startswith("holds from gpu 'a100' to 'a4000' (")
    assert ", hardly to 'w7800' (0." in said[0]
    assert said[1].startswith("holds from room 'north' to 'south' (")


def test_a_few_outcomes_move_it_a_little() -> None:
    """From where all conditions stand."""
    one = [case(0, 2, better=True), case(0, 2, better=True)]
    assert 0.2 < learn_scope(one, Weights()).pair("gpu", "a100", "a4000", 2) < 0.5**0.5


def test_conditions_that_change_together_are_blamed_once() -> None:
    """Of two that always differ together, what they leave between them is what outcomes say, not its square."""
    table = [Texts(gpu="a", host="a"), Texts(gpu="b", host="b")]
    both = [case(n % 2, 1 - n % 2, better=n % 3 == 0)._replace(table=table) for n in range(60)]
    alone = [one._replace(table=[Texts(gpu="a"), Texts(gpu="b")]) for one in both]
    together = learn_scope(both, Weights()).counts(*table)
    assert together == pytest.approx(learn_scope(alone, Weights()).counts({"gpu": "a"}, {"gpu": "b"}), abs=0.15)


def test_parameters_have_a_scope_of_their_own() -> None:
    """Failures of one repeat whatever the standard; of the other, they say nothing once it has moved."""
    cases = [case(0, 0, better=False, changed=("layout",), moved=True) for _ in range(40)]
    cases += [case(0, 0, better=n % 2 == 0, changed=("tile",), moved=True) for n in range(40)]
    weights = Weights()
    scope = learn_scope(cases, weights)
    layout, tile = (weights_for(weights, scope, (name,)).moved for name in ("layout", "tile"))
    assert tile < weights.moved < 0.4 < layout
    assert {one.name: one.counts for one in scope.held} == {
        "layout": pytest.approx(layout),
        "tile": pytest.approx(tile),
    }
    assert layout > weights_for(weights, scope, ("layout", "tile")).moved > tile
    assert weights_for(weights, scope, ("new",)) == weights


@given(st.permutations(range(12)))
def test_learning_needs_no_order(order: list[int]) -> None:
    """The same outcomes, the same scope, to the last bit."""
    cases = [
        case(n % 6, (2 * n + 1) % 6, better=n % 3 == 0, changed=("tile", "layout")[: 1 + n % 2], moved=n % 2 == 0)
        for n in range(12)
    ]
    assert learn_scope(cases, Weights()) == learn_scope([cases[n] for n in order], Weights())


HELD = st.builds(
    Held, name=st.sampled_from(("gpu", "room")), kind=st.just("condition"), values=st.just(()),
    counts=st.floats(0.001, 1.0), outcomes=st.just(3),
)  # fmt: skip
SCOPES = st.builds(
    Scope, of=st.floats(0.05, 0.99), held=st.lists(HELD, max_size=2).map(tuple),
    exponents=st.lists(st.tuples(st.just("tile"), st.floats(0.1, 2.5)), max_size=1).map(tuple),
)  # fmt: skip


@given(SCOPES, st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=8), st.integers(0, 5))
def test_one_more_failure_never_raises_the_odds_under_any_scope(scope: Scope, items: Any, now: int) -> None:
    """Whatever the conditions it was made under; and none of it counts more than here and now."""

    def odds(shown: Any, scope: Scope) -> float:
        weights = weights_for(Weights(conditions=scope.of), scope, ("tile",))
        then = np.array([number for number, _ in shown], dtype=np.int32)
        differs = differs_for(then, TABLE, now, scope, weights=weights, kappa=scope.kappa(("tile",)))
        assert (differs >= -1e-12).all()
        better = np.array([1.0 if won else 0.0 for _, won in shown])
        return weigh(failures(len(shown))._replace(better=better, differs=differs), Base(), weights).given

    one = (items[0][0], False)
    assert odds([*items, one], scope) <= odds(items, scope) + 1e-12
    assert math.isclose(odds(items, scope), odds(items[::-1], scope), rel_tol=1e-12)
    here = (now, False)
    assert odds([here], scope) <= odds([one], scope) + 1e-12
