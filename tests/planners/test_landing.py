"""Runs that land elsewhere than they were asked to: levels and pools are learned from what ran."""

import numpy as np

from kaizen.metric import lower
from kaizen.parameter import Choice, Real
from kaizen.planners.model import Optimizer
from kaizen.planners.model.landing import distances, grids, places, pool
from kaizen.process import Process
from kaizen.setting import Setting
from kaizen.surrogate.space import Space

X, Y = Real(name="x", low=0.0, high=10.0), Real(name="y", low=1.0, high=1000.0, log=True)
FAN = Choice(name="fan", values=("off", "on"))
OVEN = Process(
    name="oven",
    parameters=(X, Y, FAN),
    metrics=(lower("waste", exact=True, scale="difference", worthwhile=0.01),),
    standard=Setting(x=5.0, y=100.0, fan="off"),
)
LEVELS = np.array([0.0, 2.5, 5.0, 10.0])


def nearest(x: float) -> float:
    return float(LEVELS[np.argmin(np.abs(LEVELS - x))])


def moves(count: int, seed: int = 1) -> tuple[list[Setting], list[Setting]]:
    rng = np.random.default_rng(seed)
    asked = [Setting(x=float(x), y=100.0, fan="off") for x in rng.uniform(0, 10, count)]
    return asked, [Setting(x=nearest(one["x"]), y=100.0, fan="off") for one in asked]


def test_levels_of_a_number_are_learned_and_proposals_snap_to_them() -> None:
    space = Space(OVEN)
    learned = Space(OVEN, grids=grids(space, *moves(25)))
    assert set(learned.grids) == {0}
    assert learned.grids[0].values == tuple(LEVELS)
    rows = np.tile(space.encode([OVEN.standard]), (200, 1))
    rows[:, 0] = np.linspace(0.0, 1.0, 200)
    settings = [learned.decode(row) for row in learned.tidy(rows)]
    assert {one["x"] for one in settings if one is not None} <= set(LEVELS) | {
        float(x) for x in np.round(rows[:, 0] * 10, 6) if nearest(x) not in LEVELS
    }
    tidied = learned.tidy(rows)[:, 0] * 10
    assert np.mean([x in LEVELS for x in tidied]) > 0.7


def test_a_gap_that_no_move_has_shown_to_be_empty_stays_open() -> None:
    space = Space(OVEN)
    asked = [Setting(x=x, y=100.0, fan="off") for x in (0.3, 1.0, 2.2, 3.0)]
    learned = Space(OVEN, grids=grids(space, asked, [one | {"x": nearest(one["x"])} for one in map(dict, asked)]))
    row = space.encode([Setting(x=8.0, y=100.0, fan="off")])
    assert learned.tidy(row)[0, 0] == row[0, 0]


def test_numbers_that_only_land_together_have_no_levels_of_their_own() -> None:
    rng = np.random.default_rng(3)
    space = Space(OVEN)
    pool = [
        Setting(x=float(x), y=float(10**y), fan="off")
        for x, y in zip(rng.uniform(0, 10, 40), rng.uniform(0, 3, 40), strict=True)
    ]
    rows = space.encode(pool)
    asked = [
        Setting(x=float(x), y=float(10**y), fan="off")
        for x, y in zip(rng.uniform(0, 10, 60), rng.uniform(0, 3, 60), strict=True)
    ]
    ran = [pool[int(np.argmin(distances(space, rows, row[None, :])))] for row in space.encode(asked)]
    assert grids(space, asked, ran) == {}


def test_what_was_asked_and_moved_to_a_known_row_is_known_to_end_there_again() -> None:
    space = Space(OVEN)
    known, asked = (
        space.encode([Setting(x=5.0, y=100.0, fan="off")]),
        space.encode([Setting(x=7.0, y=100.0, fan="off")]),
    )
    learned = pool(space, places(space), known, (asked, known), 0)
    assert learned is not None
    again, beyond, itself = (space.encode([Setting(x=x, y=100.0, fan="off")]) for x in (7.0001, 9.9, 5.0))
    assert learned.log_new(again)[0] < np.log(0.1)
    assert learned.log_new(beyond)[0] > np.log(0.3)
    assert learned.log_new(itself)[0] < np.log(0.01)


def test_a_pool_is_as_dense_as_landings_show_it_to_be() -> None:
    """Of 30 rows by chance, a landing's chance of being new is foretold about as often as it comes true."""
    space, rng = Space(OVEN), np.random.default_rng(4)
    rows = space.uniform(30, rng)
    foretold, new, asked, landed = [], [], space.uniform(1, rng), rows[:0]
    for _ in range(60):
        nearest = int(np.argmin([distances(space, asked[-1:], row[None, :])[0] for row in rows]))
        known = np.unique(landed, axis=0)
        landed = np.vstack([landed, rows[nearest]])
        if len(known):
            learned = pool(space, places(space), known, (asked[:-1], landed[:-1]), 0)
            assert learned is not None
            foretold.append(float(np.exp(learned.log_new(asked[-1:])[0])))
            new.append(not (known == rows[nearest]).all(axis=1).any())
        asked = np.vstack([asked, space.uniform(1, rng)])
    foretold, came = np.array(foretold), np.array(new)
    assert abs(foretold.mean() - came.mean()) < 0.15
    assert foretold[came].mean() > foretold[~came].mean() + 0.2


def test_nothing_is_learned_of_a_pool_while_runs_land_where_they_are_asked() -> None:
    space = Space(OVEN)
    rows = space.encode([OVEN.standard])
    assert pool(space, places(space), rows, (rows, rows), 3) is None
    assert pool(space, places(space), rows, (rows[:0], rows[:0]), 3) is None


def test_few_runs_are_wasted_on_an_oven_with_levels_it_did_not_declare() -> None:
    optimizer, ran = Optimizer(OVEN, seed=2), []
    steps = np.linspace(0.0, 10.0, 9)
    for _ in range(30):
        asked = optimizer.ask()
        x = float(steps[np.argmin(np.abs(steps - asked["x"]))])
        y = float(10.0 ** (np.round(np.log10(asked["y"]) * 2) / 2))
        here = Setting(x=x, y=y, fan=asked["fan"])
        if here != asked:
            optimizer.drop(asked, here)
        optimizer.tell(here, {"waste": (x - 6.0) ** 2 + (np.log10(y) - 1.4) ** 2 + (here["fan"] == "off")})
        ran.append(here)
    assert len(set(ran)) >= 22
    assert optimizer.recommend() == Setting(x=6.25, y=10.0**1.5, fan="on")
