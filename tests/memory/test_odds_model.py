"""Models beside precedents: what kin and own runs foretell, what they may warn of, and when they may."""

import functools
import math
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kaizen
from kaizen import Policy, Process, Setting, lower
from kaizen.metric import higher
from kaizen.parameter import Choice, Real
from kaizen.surrogate.gp import Kernel, prior_mean
from kaizen.surrogate.space import Space
from kaizen.veteran import foresight, voices
from kaizen.veteran.foreseeing import WARNS, Foreseen
from kaizen.veteran.transfer import Kin

PLACES = st.lists(st.integers(0, 20), min_size=3, max_size=9, unique=True)


def oven(name: str, **fields: Any) -> Process:
    """Return a process with a number and a choice, whose standard is good but not the best."""
    given = {
        "parameters": (Real(name="heat", low=0.0, high=1.0), Choice(name="rack", values=("low", "top"))),
        "metrics": (lower("burnt", scale="difference", worthwhile=0.01, exact=True),),
        "standard": Setting(heat=0.55, rack="low"), "policy": Policy(changes=2, memory=False), **fields,
    }  # fmt: skip
    return Process(name=name, **given)


def burnt(setting: Setting, turn: float = 1.0) -> float:
    """Return a bowl with its bottom at .7; ``turn`` -1 turns it upside down."""
    return turn * ((float(setting["heat"]) - 0.7) ** 2 + 0.3 * (setting["rack"] == "top"))


def setting(place: int, rack: str = "low") -> Setting:
    """Return the setting at so many twentieths."""
    return Setting(heat=place / 20, rack=rack)


def kin(turn: float = 1.0) -> Kin:
    """Return what another oven tried, ranked beside the same standard."""
    tried = [setting(place, rack) for place in range(21) for rack in ("low", "top")]
    merits = np.array([-burnt(one, turn) for one in tried])
    ranks = (merits[:, None] > merits).sum(axis=1)
    scores = (ranks - ranks[tried.index(setting(11))]) / 15.0
    return Kin(
        processes=("other",), metric="burnt", settings=tuple(tried), scores=tuple(scores.tolist()),
        faults=(False,) * len(tried), digest=f"{turn}",
    )  # fmt: skip


def ran(space: Space, places: list[int], turn: float = 1.0) -> foresight.Ran:
    """Return runs here, the standard's first."""
    tried = [setting(11), *(setting(place) for place in places if place != 11)]
    values = np.array([-burnt(one, turn) for one in tried])
    return foresight.Ran(
        space.points(space.encode(tried)), values, np.ones(len(values)), float(values[0]) + 0.01, exact=True
    )


@functools.cache
def listened(turn: float) -> tuple[Space, voices.Voices]:
    """Return the space and the kin in it."""
    space = Space(oven("here"))
    known = voices.voices(space, [kin(turn)], {})
    assert known is not None
    return space, known


def here(places: list[int], turn: float = 1.0) -> tuple[Space, voices.Voices, foresight.Here]:
    """Return models that have heard of runs at some places; kin's past is turned, and this process is not."""
    space, known = listened(turn)
    kernel = Kernel.unpack(prior_mean(space.shape, foresight.ROUGH), space.shape)
    return space, known, foresight.stand(ran(space, places), kernel, known, space.shape)


def told(made: tuple[Space, voices.Voices, foresight.Here], where: Setting) -> foresight.Foretold:
    """Return what is foretold of one setting."""
    space, known, state = made
    return foresight.foretell(state, known, space.points(space.encode([where])))


# ── the models ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_kin_that_tell_are_followed_where_nothing_ran_here() -> None:
    """What was bad there is foretold to be bad here, what was good there is not; no run here is near either."""
    made = here([9, 10, 12, 13])
    bad, good = told(made, setting(1, "top")), told(made, setting(14))
    assert bad.worse > 0.85
    assert good.worse < 0.4
    assert bad.better < 0.15 < good.better
    assert bad.clearly < 0.05
    assert made[2].odds > 0
    assert (made[2].right, made[2].known) == (4, 4)


def test_kin_speak_where_chance_finds_no_allowed_setting() -> None:
    """Constraints that leave a thin slice of the space do not silence them."""
    space = Space(oven("here", constraints=("heat <= 0.5500001", "heat >= 0.5499999")))
    known = voices.voices(space, [kin()], {})
    assert known is not None
    assert 0.0 < known.each[0].width < math.inf


def test_misleading_kin_lose_their_say() -> None:
    """Upside down, they foretell none of this process's runs, and by and by count for nothing."""
    few, many = here([9, 10, 12, 13], -1.0)[2], here([3, 5, 7, 9, 10, 12, 13, 15, 17, 19], -1.0)[2]
    assert few.right < 0.5 * few.known
    assert max(few.odds, many.odds) < -1
    assert told(here([3, 5, 7, 9, 10, 12, 13, 15, 17, 19], -1.0), setting(14)).worse < 0.5


@settings(max_examples=25)
@given(PLACES, st.randoms(use_true_random=False))
def test_no_order_of_runs_matters(places: list[int], chance: Any) -> None:
    """To rounding."""
    mixed = list(places)
    chance.shuffle(mixed)
    one, other = told(here(places), setting(4, "top")), told(here(mixed), setting(4, "top"))
    assert one.worse == pytest.approx(other.worse, abs=1e-3)
    assert one.better == pytest.approx(other.better, abs=1e-3)


@settings(max_examples=25)
@given(PLACES, st.integers(0, 20), st.sampled_from(("low", "top")))
def test_chances_are_chances(places: list[int], at: int, rack: str) -> None:
    """Worse and worthwhile leave room for what is neither."""
    found = told(here(places), setting(at, rack))
    assert 0 <= found.worse <= 1
    assert 0 <= found.better <= 1 - found.worse + 1e-9
    assert 0 <= found.clearly <= 1


def test_runs_are_foretold_from_all_others() -> None:
    """As by a model that never heard of the run: the slow way, one run at a time."""
    places = [2, 6, 9, 13, 17]
    space, known, state = here(places)
    quick = foresight._left_out(state)[1]
    for at in range(1, len(places) + 1):
        others = [n for n in range(len(places) + 1) if n != at]
        rows = np.array(others)
        less = state.ran._replace(
            points=state.ran.points.at(rows), values=state.ran.values[rows], repeats=state.ran.repeats[rows]
        )
        slow = foresight.stand(less, state.kernel, known, space.shape)._replace(t=state.t[rows])
        model = foresight._model(None, 1.0, 0.0, (slow.t, _covariance(slow)))
        cross = foresight.covariance(state.kernel, state.shape, less.points, state.ran.points.at(slice(at, at + 1)))
        half = foresight.solve_triangular(model.lower, cross[:, 0], lower=True)
        variance = state.kernel.signal + foresight.LEVEL + state.kernel.noise - half @ half
        chance = float(foresight.ndtr((state.t[0] - half @ model.alpha) / math.sqrt(variance)))
        assert quick[at] == pytest.approx(chance, abs=1e-6)


def _covariance(state: foresight.Here) -> Any:
    full = foresight.covariance(state.kernel, state.shape, state.ran.points, state.ran.points)
    return full + np.diag(state.kernel.noise / state.ran.repeats + 1e-10)


# ── what follows ──────────────────────────────────────────────────────────────────────────────────────────────────────


def seen(**fields: Any) -> Foreseen:
    """Return what is foretold of something bad, by kin that are believed here."""
    told = {
        "worse": 0.9, "better": 0.08, "clearly": 0.01, "right": 4, "known": 5, "evidence": 1.0, "agreement": 0.6,
        "because": "b", **fields,
    }  # fmt: skip
    return Foreseen(**told)


def test_kin_may_warn_where_they_are_believed() -> None:
    """Half of the runs foretold, if any; and the chance of what is worse must be far above that of what is clearly better."""
    assert seen().warns
    assert not seen(right=2, known=5).warns
    assert not seen(worse=WARNS - 0.01, clearly=0.0).warns
    assert not seen(clearly=0.2).warns


def test_kin_that_foretell_one_another_may_warn_from_the_start() -> None:
    """Those that do not, once the runs here bear them out; one alone, once two runs do."""
    fresh = {"right": 0, "known": 0, "evidence": 0.0}
    assert seen(**fresh, agreement=0.6).warns
    assert not seen(**fresh, agreement=0.4).warns
    assert not seen(**fresh, agreement=None).warns
    assert seen(agreement=0.3, evidence=1.0).warns
    assert not seen(agreement=0.3, evidence=0.5).warns
    assert not seen(agreement=0.6, evidence=-1.0).warns
    assert seen(agreement=None, right=2, known=2, evidence=0.1).warns
    assert not seen(agreement=None, right=1, known=1).warns
    assert not seen(agreement=None, evidence=-0.1).warns


@given(st.floats(-1, 1), st.floats(-5, 5), st.floats(0, 2), st.floats(0, 5))
def test_neither_evidence_nor_agreement_ever_silences(agreed: float, evidence: float, more: float, yet: float) -> None:
    """Kin that are believed are believed all the more."""
    if seen(agreement=agreed, evidence=evidence).warns:
        assert seen(agreement=agreed + more, evidence=evidence + yet).warns


@given(st.floats(0.01, 0.99), st.floats(0.01, 0.98), st.floats(0.001, 0.5), st.floats(0.05, 0.9))
def test_a_failure_among_precedents_never_raises_the_odds(
    worse: float, better: float, less: float, base: float
) -> None:
    """Precedents add little to what models foretell, and in the right direction."""
    one = seen(worse=worse, better=(1 - worse) * 0.9)
    high, low = one.beside(better, base), one.beside(max(0.0, better - less), base)
    assert low.odds(0.01).better <= high.odds(0.01).better + 1e-12
    assert low.worse >= high.worse - 1e-12
    assert abs(high.worse - worse) < 0.25


# ── in a ledger ───────────────────────────────────────────────────────────────────────────────────────────────────────


def scouts(bench: Any, tried: list[Setting], turn: float = 1.0) -> None:
    """Report runs."""
    name = bench.process.metrics[0].name
    for one in tried:
        bench.report_run(one, {name: burnt(one, turn)}, source="test")


def ledger(turn: float = 1.0, places: tuple[int, ...] = (11, 8, 12, 16), **fields: Any) -> Any:
    """Return an oven that was run a few times, beside one that was run often."""
    shop = kaizen.open("memory:")
    scouts(
        shop.describe(oven("line_a")), [setting(place, rack) for place in range(21) for rack in ("low", "top")], turn
    )
    bench = shop.describe(oven("line_b", **fields))
    scouts(bench, [setting(place) for place in places])
    return bench


def test_what_was_bad_in_a_related_process_warns_and_says_from_where() -> None:
    """Far from everything that ran here; the sentence has the kin's nearest settings, and its record here."""
    bench = ledger()
    nod = bench.consult(heat=0.05, rack="top")
    assert nod.answer == "think_again"
    assert nod.odds.better < 0.2
    assert "in line_a, 5 of the 5 settings tried nearest to it were worse than its standard" in nod.because
    assert "foretold 3 of 3 of this process's runs" in nod.because
    assert any(line.startswith("foretold   worse ") for line in nod.lines())
    assert bench.consult(heat=0.7).answer == "go"
    assert bench.consult(heat=0.7).odds.better > 0.5


def test_what_was_good_there_is_told_beside_todays_standard() -> None:
    """Better than the kin's own standard, and worse than today's: the sentence says what speaks against it."""
    bench = ledger(places=(14, 9, 10, 11, 12, 13, 15, 16), standard=Setting(heat=0.7, rack="low"))
    said = bench.consult(heat=0.62).foreseen
    assert re.match(
        r"worse [5-9]\d%: in line_a, [45] of the 5 .* were worse than today's standard would be there;", said
    )


def test_kin_are_silent_before_they_have_shown_anything() -> None:
    """With the standard alone, and where they mislead."""
    assert ledger(places=(11,)).consult(heat=0.05, rack="top").answer == "go"
    assert ledger(turn=-1.0, places=(11, 5, 8, 12, 14, 16)).consult(heat=0.72).answer == "go"


def beside(*turns: float) -> Any:
    """Return an oven whose standard alone has run, beside some that were run often, each as it is or upside down."""
    shop = kaizen.open("memory:")
    for number, turn in enumerate(turns):
        tried = [setting(place, rack) for place in (11, *range(number, 21, 2)) for rack in ("low", "top")]
        scouts(shop.describe(oven(f"line_{number}")), tried, turn)
    bench = shop.describe(oven("fresh"))
    scouts(bench, [setting(11)])
    return bench


def test_kin_that_agree_warn_beside_the_standard_alone() -> None:
    """And say that nothing here has tested them; the first runs that they foretell wrongly silence them."""
    bench = beside(1.0, 1.0)
    nod = bench.consult(heat=0.05, rack="top")
    assert nod.answer == "think_again"
    assert "no run here has put that to the test yet; related processes foretell one another" in nod.because
    assert bench.consult(heat=0.7).answer == "go"
    scouts(bench, [setting(place, "top") for place in (2, 4)], -1.0)
    assert bench.consult(heat=0.05, rack="top").answer == "go"


def test_kin_that_disagree_are_silent_at_first() -> None:
    """One half upside down: each foretells the other wrongly, and nobody knows which is like this process."""
    bench = beside(1.0, -1.0, 1.0, -1.0)
    assert bench.consult(heat=0.05, rack="top").answer == "go"
    assert bench.consult(heat=0.7).answer == "go"


def test_agreement_is_of_what_was_tried() -> None:
    """Near 1 where two say the same, below 0 where one is upside down; found once, and none of one alone."""
    space = Space(oven("here"))
    kernels: dict[str, Any] = {}
    same, apart, alone = (
        voices.voices(space, kins, kernels) for kins in ((kin(), kin(0.9)), (kin(), kin(-1.0)), (kin(),))
    )
    assert same is not None
    assert apart is not None
    assert alone is not None
    assert same.agreement is not None
    assert same.agreement > 0.9
    assert apart.agreement is not None
    assert apart.agreement < 0
    assert alone.agreement is None
    count = len(kernels)
    again = voices.voices(space, (kin(), kin(0.9)), kernels)
    assert again is not None
    assert again.agreement == same.agreement
    assert len(kernels) == count


def test_what_ran_here_needs_no_model() -> None:
    """The same setting speaks for itself, and so does a process whose standard was never read."""
    assert ledger().consult(heat=0.4).foreseen == ""
    assert ledger(places=(8, 12)).consult(heat=0.05).foreseen == ""


def test_several_metrics_are_left_to_precedents() -> None:
    """One rank of all does not serve each of them."""
    two = (
        lower("burnt", scale="difference", worthwhile=0.01, exact=True),
        higher("taste", scale="difference", worthwhile=1),
    )
    shop = kaizen.open("memory:")
    for name in ("line_a", "line_b"):
        bench = shop.describe(oven(name, metrics=two))
        for place in range(0, 21, 2):
            bench.report_run(setting(place), {"burnt": burnt(setting(place)), "taste": 1.0}, source="test")
    assert bench.consult(heat=0.05, rack="top").foreseen == ""


def test_models_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second question fits nothing and weighs nothing anew; nor does one behind what changes no run."""
    bench = ledger()
    first = bench.consult(heat=0.05, rack="top")
    monkeypatch.setattr(voices, "fit", lambda *_, **__: pytest.fail("fitted again"))
    monkeypatch.setattr(foresight, "stand", lambda *_, **__: pytest.fail("weighed again"))
    assert bench.consult(heat=0.05, rack="top").odds == first.odds
    bench.voice("too dark", by="tom")
    assert bench.consult(heat=0.05, rack="top").odds == first.odds


def test_fitted_kernels_outlive_a_command(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are kept beside the ledger, and fitted again where that is lost."""
    monkeypatch.chdir(tmp_path)

    def asked() -> Any:
        with kaizen.open(tmp_path / "ledger.db") as shop:
            return shop["line_b"].consult(heat=0.05, rack="top").odds

    with kaizen.open(tmp_path / "ledger.db") as shop:
        for name in ("line_a", "line_b"):
            scouts(shop.describe(oven(name)), [setting(place) for place in (11, *range(2, 21, 3))])
    first = asked()
    monkeypatch.setattr(voices, "fit", lambda *_, **__: pytest.fail("fitted again"))
    assert asked() == first


def test_base_rates_learn_from_scouts() -> None:
    """Where most of what was scouted was better, a fresh idea is given better odds than where nothing was."""

    def fresh(values: list[float]) -> float:
        bench = kaizen.open("memory:").describe(oven("alone"))
        for place, value in zip([11, *range(15, 21)], values, strict=False):
            bench.report_run(setting(place), {"burnt": value}, source="test")
        return float(bench.consult(heat=0.0, rack="top").odds.better)

    assert fresh([1.0, *[0.5] * 6]) > fresh([1.0]) > fresh([1.0, *[1.5] * 6])


def test_without_kin_no_model_is_loaded() -> None:
    """SciPy is for models alone."""
    code = """
import sys, kaizen
from kaizen import Process, Setting, lower
from kaizen.parameter import Real
one = Process(name="a", parameters=(Real(name="x", low=0, high=1),), metrics=(lower("y"),), standard=Setting(x=0.5))
bench = kaizen.open("memory:").describe(one)
for x in (0.5, 0.2, 0.8):
    bench.report_run(Setting(x=x), {"y": 1 + x}, source="test")
print(bench.consult(x=0.1).answer, "scipy" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["go", "False"]
