"""What drives it, told: words, pictures and the page, whatever the explanation."""

import math
import random
import re
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen.explanation import Drivers, Explanation, Share, Slice, Spot, Step
from kaizen.metric import guard, higher, lower
from kaizen.parameter import Choice, Real, Switch, When, Whole
from kaizen.process import Policy, Process
from kaizen.reports import drivers, text
from kaizen.reports.charts import Mark
from kaizen.reports.contours import outlines
from kaizen.reports.curves import Band, Faint, Panel, Relief, bar, panel, reach, relief
from kaizen.reports.html import page
from kaizen.setting import Setting
from kaizen.workshop import open_workshop

some = st.floats(min_value=-1e12, max_value=1e12)
HOSTILE = "<script>alert('x')</script>"


def svgs(text):
    return re.findall(r"<svg.*?</svg>", text, re.DOTALL)


def flat(text):
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


# ── outlines ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def area(loops):
    """Return the area within loops, by the shoelace; of one region without holes."""
    return sum(abs(sum(a * d - b * c for (a, b), (c, d) in zip(loop, loop[1:] + loop[:1], strict=True))) / 2
               for loop in loops)  # fmt: skip


def test_an_outline_is_that_of_the_region():
    """A disc has its area; all of it is the whole grid; nothing is nothing."""
    at = [i / 40 for i in range(41)]
    heights = [[-math.hypot(x - 0.5, y - 0.5) for x in at] for y in at]
    assert area(outlines(heights, at, at, -0.3)) == pytest.approx(math.pi * 0.09, rel=0.01)
    assert area(outlines(heights, at, at, -9)) == pytest.approx(1.0)
    assert outlines(heights, at, at, 1) == []


@given(st.lists(st.lists(st.one_of(st.none(), st.integers(-3, 3)), min_size=4, max_size=4), min_size=3, max_size=5),
       st.integers(-3, 3))  # fmt: skip
def test_outlines_close_whatever_the_grid(heights, level):
    """Every point lies on the grid's lines; what is not there is outside."""
    xs, ys = [0.0, 0.2, 0.7, 1.0], [i / 10 for i in range(len(heights))]
    loops = outlines(heights, xs, ys, level)
    for loop in loops:
        assert len(loop) >= 2
        assert all(x in xs or y in ys for x, y in loop)
    assert bool(loops) == any(value is not None and value >= level for row in heights for value in row)


# ── pictures ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def bands(values):
    return tuple(Band(at=i / max(1, len(values) - 1), low=v - 1, middle=v, high=v + 2) for i, v in enumerate(values))


@given(st.lists(some, min_size=1, max_size=12), st.booleans())
@settings(max_examples=60)
def test_a_panel_is_sound_for_all_values(values, names):
    made = bands(values)
    drawn = Panel(
        stretches=(made[: len(made) // 2], made[len(made) // 2 :]) if len(made) > 1 else (made,), names=names,
        ticks=tuple(Mark(at=band.at, label=HOSTILE) for band in made), today=made[0],
        dots=tuple(Faint(x=band.at, y=band.middle, nearness=0.5, note=HOSTILE) for band in made),
        hazards=tuple((band.at, 0.9) for band in made),
    )  # fmt: skip
    y = reach([drawn])
    assert all(y.low <= band.middle <= y.high for band in made)
    svg = panel(drawn, y, limits=[Mark(at=values[0], label="guard")], title="t", desc="d")
    assert "nan" not in svg
    assert "<script" not in svg
    assert "faults 90%" in svg
    ET.fromstring(svg)


def test_the_ends_of_intervals_do_not_press_the_lines_flat():
    """An end far out runs out of the picture; what is expected and seen stays in."""
    wild = Panel(
        stretches=((Band(at=0.0, low=-1e9, middle=1.0, high=2.0), Band(at=1.0, low=1, middle=2, high=1e9)),), ticks=()
    )
    y = reach([wild])
    assert -1 < y.low < 1
    assert 2 < y.high < 4


def test_a_bar_keeps_within_its_track():
    for share in (0.0, 0.4, 1.0):
        svg = bar(share, (share / 2, 1.0), alone=share / 2, title="t")
        assert all(0 <= float(n) <= 168 for n in re.findall(r"-?\d+\.?\d*", "".join(re.findall(r' d="([^"]*)"', svg))))


def test_a_landscape_says_heights_faults_and_ignorance():
    at = tuple(i / 10 for i in range(11))
    made = Relief(
        xs=at, ys=at, middle=[[10 * x + 10 * y for x in at] for y in at], width=[[30 * x for x in at] for _ in at],
        faults=[[float(x > 0.8) for x in at] for _ in at], across="a", up=HOSTILE, today=(0.5, 0.5), lower=True,
        x_ticks=(Mark(at=0.0, label="0"),), y_ticks=(Mark(at=1.0, label="1"),),
    )  # fmt: skip
    svg = relief(made, title="t", desc="d")
    ET.fromstring(svg)
    assert "<script" not in svg
    for kind in ("height", "hatch", "risky", "today-disc"):
        assert f'class="{kind}"' in svg
    assert ">10</text>" in svg
    assert "faults likely" in svg
    left = [float(n) for n in re.findall(r"M(\d+\.?\d*) ", re.search(r'class="hatch" d="([^"]*)"', svg)[1])]
    assert min(left) > 52 + 0.25 * (520 - 66)  # hatched on the right alone


# ── the page, from real journals ──────────────────────────────────────────────────────────────────────────────────────
def bread(**fields):
    made = {"metrics": (higher("taste", scale="difference", worthwhile=0.3, unit="points"),
                        lower("price", kind="price", exact=True))} | fields  # fmt: skip
    return open_workshop("memory:").describe(
        Process(
            name="bread",
            parameters=(
                Real(name="heat", low=160.0, high=260.0, unit="degC"), Whole(name="minutes", low=20, high=60),
                Choice(name="flour", values=("rye", HOSTILE)), Switch(name="steam"),
                Real(name="water", low=0.1, high=2.0, log=True, when=(When("steam", (True,)),)),
                Real(name="idle", low=0.0, high=1.0),
            ),
            standard=Setting(heat=210.0, minutes=30, flour="rye", steam=False, idle=0.5),
            policy=Policy(runs=400), **made,
        )
    )  # fmt: skip


def told(bench, runs, *, seed=2):
    """Report runs of settings drawn by chance, some of which fault."""
    chance = random.Random(seed)
    for _ in range(runs):
        setting = {"heat": round(chance.uniform(160, 260), 1), "minutes": chance.randint(20, 60),
                   "flour": chance.choice(["rye", HOSTILE]), "steam": chance.random() < 0.5, "idle": 0.5}  # fmt: skip
        setting |= {"water": round(chance.uniform(0.1, 2), 2)} if setting["steam"] else {}
        taste = 9 - ((setting["heat"] - 205) / 25) ** 2 - ((setting["minutes"] - 45) / 12) ** 2
        values = {"taste": taste + chance.gauss(0, 0.2), "price": 5 + setting["minutes"] / 20}
        bench.report_run(setting, {m.name: values[m.name] for m in bench.process.metrics}, source="a log")
    for _ in range(2):
        bench.fault(bench.ask(by="ana"), "burnt", reason="crash", by="ana")
    return bench


@pytest.fixture(scope="module")
def story():
    return told(bread(guards=(guard("price", at_most=7.5),)), 60).story(at=1, explained=True)


def test_the_page_shows_what_drives_each_metric(story):
    made = page(story)
    part = made.split('<section id="drivers">')[1].split("</section>")[0]
    said = flat(part)
    for word in ("What drives it?", "Beliefs of a model, not proofs", "from 60 runs of 60 settings", "left out",
                 "heat", "together", "Never moved, so nothing is known of: idle", "90 %"):  # fmt: skip
        assert word in said, word
    assert part.count('class="share"') >= 8
    assert part.count('class="panel"') >= 3
    assert part.count('class="relief"') >= 1
    assert "<script" not in made
    assert 'href="#drivers"' in made
    for svg in svgs(part):
        root = ET.fromstring(svg)
        assert root.get("role") == "img"
        assert root[0].text


def test_the_page_stays_small_and_alone(story):
    made = page(story)
    assert len(made.encode()) < 250_000
    assert made == page(story)
    assert made.replace("http://www.w3.org/2000/svg", "").count("http") == made.count("http-equiv")
    for banned in ("url(", "@import", "<img", "style="):
        assert banned not in made


def test_panels_of_one_metric_share_their_scale(story):
    made = page(story).split('<section id="drivers">')[1].split("</h3>")[1].split("<h3>")[0]
    grids = {re.search(r'class="grid" d="([^"]*)"', svg)[1] for svg in svgs(made) if 'class="panel"' in svg}
    assert len(grids) == 1


def test_nobody_asked_and_nothing_known():
    bench = bread()
    assert 'id="drivers"' not in page(bench.story())
    assert "No run that still compares has given a reading yet." in flat(page(bench.story(explained=True)))
    few = page(told(bench, 4).story(explained=True))
    assert "nothing can be told yet: 4 settings with a reading are too few; it takes 8." in flat(few)
    assert 'class="panel"' not in few


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_plain_text_tells_shares_and_expectations(story):
    said = drivers.text(story.explanation, story.head.process)
    for word in ("What drives bread, around standard 1", "taste (higher is better)", "share of the variation",
                 "expected along each", "(today)", "of 62 gave no reading", "Never moved"):  # fmt: skip
        assert word in " ".join(said.split()), word
    assert max(map(len, said.splitlines())) <= 125
    assert "What drives it, by a model" in text.summary(story)
    assert "What drives it" not in text.summary(msgspec.structs.replace(story, explanation=None))


def test_steps_are_spelt_in_the_metrics_own_way():
    grow, less = higher("m", scale="difference", worthwhile=1.0, unit="kg"), lower("m")
    assert (
        drivers.instead(Step(value=12, gain=0.351, low=-0.24, high=0.92), grow)
        == "12: +0.35 kg [−0.24, +0.92], not clear"
    )
    assert drivers.instead(Step(value=True, gain=0.1, low=0.05, high=0.2), less) == "true: −9.5% [−18.1%, −4.9%]"
    assert drivers.instead(Step(value="x", gain=-0.1, low=-0.2, high=0.2), less) == "no value promises more"
    assert drivers.instead(None, less) == "no value promises more"


def test_small_shares_are_not_told_as_nothing():
    assert [drivers.percent(share) for share in (0.0001, 0.0049, 0.006, 0.5, 1.0)] == [
        "< 1 %",
        "< 1 %",
        "1 %",
        "50 %",
        "100 %",
    ]


def test_an_explanation_by_hand_is_told():
    """Whoever implements the port may leave out what he does not know."""
    process = bread().process
    spots = tuple(
        Spot(value=v, low=1.0, middle=2.0, high=3.0, allowed=v != 200.0) for v in (160.0, 200.0, 210.0, 260.0)
    )
    one = Slice(parameter="heat", base=process.standard, spots=spots)
    share = Share(parameter="heat", share=0.5, low=0.4, high=0.6, alone=0.5)
    made = Explanation(number=1, standard=process.standard, runs=9, faults=0, drivers=(
        Drivers(metric="taste", runs=9, settings=9, skill=0.5, shares=(share,), slices=(one,)),))  # fmt: skip
    assert "2.00 [1.00, 3.00] at 210 (today)" in " ".join(drivers.text(made, process).split())
    svg = drivers.told(made, process)[0].slices[0].svg
    assert svg.count('class="belief"') == 1  # the lone spot before the gap is a whisker
    assert svg.count('class="whisker"') == 1
