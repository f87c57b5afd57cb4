"""The policy says who plans; both planners turn the same wheel."""

import random
import sys

import pytest

import kaizen
from kaizen import higher
from kaizen.parameter import Choice, Real
from kaizen.process import Policy, Process, check_process
from kaizen.setting import Setting
from kaizen.workshop import open_workshop


def coffee(planner: str, **policy: int) -> Process:
    """A process that is better at 94 degrees and with the burr mill."""
    return Process(
        name="coffee",
        parameters=(Real(name="celsius", low=80, high=99), Choice(name="mill", values=("blade", "burr"))),
        metrics=(higher("taste", worthwhile=0.02),),
        standard=Setting(celsius=86.0, mill="blade"),
        policy=Policy(planner=planner, **policy),
    )


@pytest.mark.parametrize("planner", ["steps", "model"])
def test_each_planner_finds_and_proves_a_better_way(planner: str) -> None:
    """Through noise, within a budget, by randomised pairs."""
    if planner == "model":
        pytest.importorskip("scipy")
    chance = random.Random(3)
    with open_workshop("memory:") as shop:
        bench = shop.describe(coffee(planner, runs=150))
        while True:
            try:
                run = bench.ask(by="ana")
            except kaizen.OutOfTurn:
                break
            celsius, mill = run.setting["celsius"], run.setting["mill"]
            assert isinstance(celsius, float)
            taste = 10 - abs(celsius - 94) * 0.2 + (1 if mill == "burr" else 0)
            bench.tell(run, taste=taste * (1 + chance.gauss(0, 0.01)))
        assert bench.standard.evidence == "proven"
        assert bench.standard.setting["mill"] == "burr"
        assert 90 < float(bench.standard.setting["celsius"]) < 98


def test_a_planner_must_be_known() -> None:
    """The sentence lists them."""
    with pytest.raises(kaizen.Malformed, match="policy planner must be one of steps, model; got 'oracle'"):
        check_process(coffee("oracle"))


def test_a_planner_without_its_packages_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else needs NumPy, so nothing else breaks."""
    for name in [name for name in sys.modules if name.startswith("kaizen.planners.model")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "kaizen.planners.model", None)
    with open_workshop("memory:") as shop:
        bench = shop.describe(coffee("model"))
        with pytest.raises(kaizen.Stuck, match=r"planner .model. must have .* installed; got none"):
            bench.ask(by="ana")
        bench.amend(coffee("steps"), because="no NumPy here")
        assert bench.ask(by="ana").purpose == "scout"
