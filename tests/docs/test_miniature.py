"""The miniature is the real thing, smaller."""

import importlib.util
import random
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen import evidence

PATH = Path(__file__).parents[2] / "docs" / "miniature.py"


def load() -> ModuleType:
    """Import the page as a module."""
    spec = importlib.util.spec_from_file_location("miniature", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


miniature = load()


def test_it_is_small() -> None:
    """It can be read in one sitting."""
    assert len(PATH.read_text().splitlines()) <= 150


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_it_weighs_evidence_as_the_judge_does(differences: list[float]) -> None:
    """The same pairs are the same proof."""
    assert miniature.evidence(differences) == pytest.approx(evidence.log_evidence(differences), abs=1e-9)


def test_it_keeps_the_same_error_budget() -> None:
    """Trials are charged by the same rule."""
    process = miniature.Process(may={"x": (0, 9)}, measure=lambda s: s["x"], standard={"x": 5})
    for _ in range(5):
        spent = sum(process.said("charged"))
        assert miniature.alpha(process) == pytest.approx(evidence.alpha(spent, len(process.said("adopted"))))
        process.ledger += [("charged", miniature.alpha(process))]
    process.ledger.append(("adopted", {"x": 4}))
    assert miniature.alpha(process) == pytest.approx(evidence.alpha(sum(process.said("charged")), 1))


def test_it_improves_what_can_be_improved_and_only_that() -> None:
    """A better way is found through the noise; a knob that does nothing is hardly ever adopted."""
    luck = random.Random(1)
    good = miniature.Process(
        may={"x": (0, 20)}, measure=lambda s: abs(s["x"] - 15) + luck.gauss(0, 1), standard={"x": 2}
    )
    for _ in range(12):
        miniature.turn(good, luck)
    assert abs(good.standard["x"] - 15) < 5
    adopted = 0
    for _ in range(20):
        idle = miniature.Process(may={"x": (0, 20)}, measure=lambda _: luck.gauss(0, 1), standard={"x": 2})
        for _ in range(5):
            miniature.turn(idle, luck)
        adopted += bool(idle.said("adopted"))
    assert adopted <= 5
