"""Charts: values in, a sound SVG out, whatever the values."""

import math
import re
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from kaizen.metric import higher, lower
from kaizen.reports.charts import Dot, Level, Mark, axis, glyph, number, scatter, stride, strip, thinned, timeline, told
from kaizen.reports.pictures import pareto_front

finite = st.floats(allow_nan=False, allow_infinity=False)
some = st.lists(finite, min_size=1, max_size=20)
SHAPES = ("ring", "disc", "square", "triangle", "diamond", "star", "cross")


def dots(values, **more):
    return [Dot(x=i + 1, y=value, shape=SHAPES[i % 7], note=f"run {i}", **more) for i, value in enumerate(values)]


def numbers(svg):
    """Return every number that places something."""
    root = ET.fromstring(svg)
    said = [value for part in root.iter() for name, value in part.attrib.items() if name in ("x", "y", "d")]
    assert not [text for text in said if "nan" in text or "inf" in text]
    return [float(text) for part in said for text in re.findall(r"-?\d+\.?\d*", part)]


@given(some)
def test_an_axis_holds_its_values_and_its_ticks(values):
    found = axis(values)
    assert all(0 <= found.place(value) <= 1 for value in values)
    assert found.low < found.high
    assert all(found.low <= tick.at <= found.high for tick in found.ticks)
    places = [found.place(tick.at) for tick in found.ticks]
    assert places == sorted(places)
    assert len({tick.label for tick in found.ticks}) == len(found.ticks) <= 20


@given(finite, finite)
def test_an_axis_keeps_order(a, b):
    found = axis([a, b])
    assert (found.place(min(a, b)) <= found.place(max(a, b))) is True


def test_ticks_are_round():
    assert [tick.label for tick in axis([0.0, 1.0]).ticks] == ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    assert [tick.label for tick in axis([1200.0, 4800.0], pad=0).ticks] == ["2,000", "3,000", "4,000"]
    assert [tick.label for tick in axis([-3.0, 3.0], pad=0).ticks] == ["−2", "0", "2"]


def test_an_axis_is_logarithmic_where_all_are_positive_and_range_far():
    assert axis([1.0, 31.0]).log
    assert not axis([1.0, 29.0]).log
    assert not axis([-1.0, 1000.0]).log
    assert not axis([1.0, 1000.0], even=True).log
    assert [tick.label for tick in axis([1.0, 1000.0], pad=0).ticks] == ["1", "3", "10", "30", "100", "300", "1,000"]
    assert len(axis([1e-300, 1e300]).ticks) <= 8


def test_numbers_are_told_as_people_do():
    said = [number(v) for v in (0, 1, 0.125, 1234.5678, -0.5, 1e-9, 2.5e12, 123456)]
    assert said == ["0", "1", "0.125", "1,235", "−0.5", "1e−9", "2.5e12", "123,456"]
    assert number(0.30000000000000004, 0.1) == "0.3"
    assert number(12500.0, 500.0) == "12,500"


@given(some, some)
def test_a_timeline_is_sound_for_all_values(values, faults):
    svg = timeline(
        dots(values), faults=dots(faults), levels=[Level(start=0.5, end=3.5, y=values[0])],
        changes=[Mark(at=2.5, label="2")], limits=[Mark(at=values[-1], label="guard")], title="t", desc="d",
    )  # fmt: skip
    assert all(-10 <= place <= 650 for place in numbers(svg))


@given(some)
def test_a_scatter_is_sound_for_all_values(values):
    places = [(value, -value) for value in values]
    marks = [Dot(x=x, y=y, shape="disc", label=str(i)) for i, (x, y) in enumerate(places)]
    svg = scatter(marks, front=places, across="price", up="quality", title="t", desc="d")
    assert all(-10 <= place <= 530 for place in numbers(svg))


@given(st.none() | finite, st.none() | finite, st.none() | finite, st.floats(min_value=1e-12, max_value=1e12))
def test_a_strip_is_sound_for_all_values(gain, low, high, reach):
    svg = strip(gain, (low, high), reach=reach, marks=(-reach / 2, reach / 3), shape="disc", title="t")
    assert all(-10 <= place <= 178 for place in numbers(svg))


def test_a_strip_shows_zero_margin_worthwhile_and_open_ends():
    closed = strip(0.1, (0.05, 0.2), reach=0.3, marks=(-0.02, 0.02), shape="ring", title="t")
    opened = strip(0.1, (None, 0.2), reach=0.3, marks=(-0.02, 0.02), shape="ring", title="t")
    for kind in ("zero", "loss", "wanted", "interval", "ring"):
        assert f'class="{kind}"' in closed
    assert "l-4 4 4 4" in opened
    assert "l-4 4 4 4" not in closed
    assert "wanted" not in strip(0.1, (0.1, 0.1), reach=1, marks=(-0.1, 0.0), shape="disc", title="t")


def test_text_cannot_leave_its_place():
    hostile = '"/><script>alert(1)</script>\x00\x1b\ud800\u202e' + "x" * 1000
    for svg in (
        timeline(
            [Dot(x=1, y=1, shape="ring", note=hostile)],
            changes=[Mark(at=1, label=hostile)],
            title=hostile,
            desc=hostile,
        ),
        scatter(
            [Dot(x=1, y=1, shape="disc", note=hostile, label="1")],
            across=hostile,
            up=hostile,
            title=hostile,
            desc=hostile,
        ),
        strip(1, (0, 2), reach=3, marks=(-1, 1), shape="disc", title=hostile),
    ):
        assert "script" not in [part.tag.split("}")[-1] for part in ET.fromstring(svg).iter()]
        svg.encode()


def test_told_keeps_what_people_write():
    assert told("Grüße, 日本 → ½\nשלום 🙂") == "Grüße, 日本 → ½\nשלום 🙂"
    assert told("a\x00b\u202ec\ud800") == "a\ufffdb\ufffdc\ufffd"


def test_many_dots_are_thinned_evenly_and_without_notes():
    many = dots([float(i % 17) for i in range(5000)])
    assert stride(2000) == 1
    assert stride(2001) == 2
    assert len(thinned(many)) == 1667
    svg = timeline(many, title="t", desc="d")
    assert len(svg) < 90_000
    assert "run 3" not in svg
    assert "run 3" in timeline(many[:300], title="t", desc="d")


def test_shapes_differ_without_colour():
    drawn = [ET.fromstring(glyph(shape))[0].get("d") for shape in SHAPES]
    assert len(set(drawn)) == len(SHAPES)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30))
def test_the_front_is_what_no_other_beats(places):
    for across in (lower("a"), higher("a")):
        for up in (lower("b"), higher("b")):
            signs = (1 if across.better == "higher" else -1, 1 if up.better == "higher" else -1)

            def beats(p, q, signs=signs):
                gains = [sign * (a - b) for sign, a, b in zip(signs, p, q, strict=True)]
                return min(gains) >= 0 and max(gains) > 0

            slow = {q for q in places if not any(beats(p, q) for p in places)}
            front = pareto_front(places, across, up)
            assert set(front) == slow
            assert front == sorted(front, key=lambda p: -signs[0] * p[0])


def test_labels_do_not_lie_on_one_another():
    marks = [Dot(x=1.0, y=1.0, shape="disc", label=f"standard {i}") for i in range(30)]
    svg = scatter(marks, across="a", up="b", title="t", desc="d")
    assert 1 <= svg.count("disc-label") <= 6
    assert math.isfinite(sum(numbers(svg)))
