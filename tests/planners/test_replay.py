"""The library planner as a function of all runs."""

import pytest

from kaizen.metric import Guard, lower
from kaizen.parameter import Choice, Real, When
from kaizen.planners.model import Optimizer
from kaizen.planners.model.belief import Seen, caches
from kaizen.planners.model.replay import Told, next_setting, recommended
from kaizen.process import Process
from kaizen.setting import Setting

PROCESS = Process(
    name="p",
    parameters=(
        Choice(name="kind", values=("a", "b")),
        Real(name="x", low=0.0, high=1.0),
        Real(name="y", low=0.0, high=1.0, when=(When("kind", ("b",)),)),
    ),
    metrics=(lower("loss", scale="difference", exact=True), lower("heat", scale="difference", exact=True)),
    standard=Setting(kind="a", x=0.5),
    guards=(Guard(metric="heat", at_most=0.9),),
)
GOALS = ("loss",)


def answer(setting: Setting) -> dict[str, float] | None:
    """Return a reading, or a fault where x is small."""
    x, y = setting["x"], setting.get("y", 0.5)
    assert isinstance(x, float)
    assert isinstance(y, float)
    return None if x < 0.2 else {"loss": 1 + (x - 0.7) ** 2 + (y - 0.3) ** 2, "heat": x}


def test_it_asks_what_the_optimizer_asks() -> None:
    """Told everything anew for each question, with caches or without, it is the same planner."""
    optimizer, kept = Optimizer(PROCESS, 7, goals=GOALS), caches()
    seen: list[Seen] = []
    for number in range(16):
        setting = optimizer.ask()
        told = Told(PROCESS, GOALS, seen)
        assert next_setting(told, kept if number % 2 else caches(), seed=7, number=number) == setting
        values = answer(setting)
        if values is None:
            optimizer.fault(setting)
        else:
            optimizer.tell(setting, values)
        seen.append(Seen(setting, values))
    assert recommended(Told(PROCESS, GOALS, seen), kept) == optimizer.recommend()


def test_what_is_under_way_is_not_asked_again() -> None:
    """However many are asked before the first answer."""
    under_way: list[Setting] = []
    for number in range(8):
        under_way.append(next_setting(Told(PROCESS, GOALS, (), under_way), caches(), seed=1, number=number))
    assert len(set(under_way)) == 8


@pytest.mark.parametrize("seen", [(), (Seen(Setting(kind="a", x=0.1), None),)])
def test_without_a_reading_the_standard_is_recommended(seen: tuple[Seen, ...]) -> None:
    """There is nothing else to believe in."""
    assert recommended(Told(PROCESS, GOALS, seen), caches()) == PROCESS.standard
