"""Increments in words: what a sentence says was turned, and which earlier one it repeats."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen.foreign import Row
from kaizen.trial import Fault
from kaizen.veteran.history import walk
from kaizen.veteran.likeness import SCALES, Sentences
from kaizen.veteran.words import amount, parse, settled


def knobs(said):
    return [(" ".join(knob.name), knob.before, knob.after, knob.direction) for knob in parse(said).knobs]


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("matrix LR 0.04 to 0.05", ("lr matrix", 0.04, 0.05, 1)),
        ("weight_decay 0.2->0.15 — val_bpb regressed 1.9->2.0", ("wd", 0.2, 0.15, -1)),
        ("batch 2^16->2^15", ("batch", 65536.0, 32768.0, -1)),
        ("halve batch 524K to 262K (more steps)", ("batch", 524000.0, 262000.0, -1)),
        ("MATRIX_LR=0.05 (slightly worse)", ("lr matrix", None, 0.05, 0)),
        ("increase EMBEDDING_LR to 0.7 (too high)", ("embedd lr", None, 0.7, 1)),
        ("depth 9 aspect_ratio 57", ("depth", None, 9.0, 0)),
        ("exp3_warmdown200", ("warmdown", None, 200.0, 0)),
        ("remove dropout (worse)", ("dropout", None, None, -1)),
        ("no dropout", ("dropout", None, None, -1)),
        ("add dropout", ("dropout", None, None, 1)),
        ("adam beta2 0.9->0.85", ("adam beta2", 0.9, 0.85, -1)),
        ("window SSLL->SLLL", ("window", "ssll", "slll", 0)),
    ],
)
def test_knobs(said: str, wanted) -> None:
    """Name, from, to, direction: as people write them."""
    assert wanted in knobs(said)


def test_what_was_tried_is_parted_from_what_came_of_it() -> None:
    """A sentence is searched by its idea, not by its fate."""
    words = parse("agent1: lr 0.04->0.05 — val_bpb regressed 1.71->1.72, OOM later")
    assert words.tried == "lr 0.04->0.05"
    assert words.failure == "out of memory"
    assert "regressed" in words.came
    assert words.form == "lr"
    assert words.knobs[0].ratio == pytest.approx(1.25)
    assert parse("depth 12 (too slow)").form == parse("depth 12").form


@pytest.mark.parametrize(
    ("said", "failure"),
    [("x (OOM)", "out of memory"), ("x — artifact over 16MB", "over the size limit"), ("x (fewer steps)", "too slow"),
     ("x: FAIL - missing `y`", "missing something required"),
     ("x (diverging)", "diverged"), ("x (no improvement)", "no gain"), ("x (worse)", "worse"), ("x", "")],
)  # fmt: skip
def test_failure_modes(said: str, failure: str) -> None:
    """What went wrong, in a word or two."""
    assert parse(said).failure == failure


def test_files_and_symbols() -> None:
    """Files and names of code are told."""
    words = parse("inline `hot_loop` in src/ntt.rs and useCache")
    assert words.files == ("src/ntt.rs",)
    assert words.symbols == ("hot_loop", "useCache")


def test_a_glossary_of_ones_own() -> None:
    """A project's words for one thing become one."""
    mine = {"thing": "widget"}
    assert parse("bigger thing", mine).form == parse("bigger widget").form


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("2^4", 16.0),
        ("1/8", 0.125),
        ("262K", 262000.0),
        ("5%", 0.05),
        ("1e-8", 1e-8),
        ("1,024", 1024.0),
        ("1/0", None),
        ("x", None),
    ],
)
def test_amounts(said: str, value: float | None) -> None:
    """Numbers as people write them."""
    assert amount(said) == (None if value is None else pytest.approx(value))


@given(st.text(max_size=120))
def test_any_text_can_be_parted(said: str) -> None:
    """Nothing that people write breaks it; the sentence is kept as it was."""
    words = parse(said)
    assert words.said == said
    assert all(knob.name for knob in words.knobs)


@given(
    st.lists(
        st.sampled_from(
            ["lr 0.1 to 0.2", "wd 0.1", "remove dropout", "wider layers", "seed 3", "batch 2^4->2^5 (worse)"]
        ),
        min_size=1,
        max_size=8,
    ),
    st.integers(0, 7),
)
def test_a_sentence_is_likest_to_itself(said, place) -> None:
    """The law of the likest: what was said word for word is found, and nothing is likelier."""
    seen = Sentences()
    for one in said:
        seen.add(parse(one))
    asked = said[place % len(said)]
    likes = seen.ask(parse(asked))
    assert seen.seen[likes[0].place].said == asked
    assert likes[0].likeness >= SCALES.same
    assert likes[0].likeness <= 1.0 + 1e-9


def test_the_other_way_is_no_repeat() -> None:
    """After lr was raised in vain, lowering it is another idea; another knob is none at all."""
    seen = Sentences()
    for said in ("embedding lr 0.6->0.8", "add rotary positions", "dropout 0.1", "window pattern wide"):
        seen.add(parse(said))
    assert seen.ask(parse("embedding_lr 0.6->0.8 (worse)"))[0].likeness >= SCALES.same
    assert SCALES.near <= seen.ask(parse("embedding lr 0.6->0.9"))[0].likeness < SCALES.same
    assert seen.ask(parse("embedding lr 0.6->0.4"))[0].likeness < SCALES.near


def test_where_a_knob_stands_tells_its_direction() -> None:
    """``lr=0.05`` after 0.04 is up."""
    knob = settled(parse("lr=0.05"), {("lr",): 0.04}).knobs[0]
    assert (knob.before, knob.direction) == (0.04, 1)


# ── a log from its beginning ──────────────────────────────────────────────────────────────────────────────────────────


def row(words, decision="rejected", **more):
    return Row(line=0, words=words, decision=decision, **more)


def test_only_earlier_failures_are_precedents() -> None:
    """A keep is none, a later row is none; the standard's age counts."""
    steps = walk([
        row("baseline", "baseline"), row("lr 0.1 to 0.2", "kept"), row("lr 0.1 to 0.2"),
        row("add warmup", fault=Fault(reason="crash")), row("lr 0.1 to 0.2"),
        row("wider layers", "kept"), row("lr 0.1 to 0.2", "kept"),
    ])  # fmt: skip
    assert [step.kind for step in steps] == ["fresh", "fresh", "fresh", "fresh", "exact", "fresh", "exact"]
    assert [step.nod for step in steps[4:]] == ["failed_before", "go", "go"]
    assert steps[6].precedent is not None
    assert (steps[6].precedent.like.place, steps[6].precedent.since) == (4, 1)
    assert steps[4].odds == pytest.approx(2 / 51)
    assert steps[6].odds == pytest.approx(4 / 24)


def test_what_comes_later_changes_nothing() -> None:
    """The walk over a part is a part of the walk over the whole."""
    rows = [row(said) for said in ("a b c", "lr 0.1", "lr 0.2", "a b", "lr 0.1")]
    whole = walk(rows)
    for length in range(len(rows)):
        assert walk(rows[:length]) == whole[:length]
