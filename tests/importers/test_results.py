"""Logs of decisions: every dialect is read, faults stay faults, and no line is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen.errors import Malformed
from kaizen.foreign import keyed
from kaizen.foreign.directions import direction_of
from kaizen.foreign.statuses import decided
from kaizen.importers.results import claims, parse, read

PLAIN = """commit\tval_bpb\tmemory_gb\tstatus\tdescription
a1b2c3d\t0.9979\t44.0\tkeep\tbaseline
bea057b\t0.9860\t43.9\tkeep\thalve batch 524K to 262K
187e419\t0.9826\t60.2\tdiscard\tadd 5% warmup
0000000\t0.000000\t0.0\tcrash\tbatch 131K (OOM)
"""


def one(text, place=-1):
    return parse(text, source="results.tsv").rows[place]


def test_the_plain_dialect() -> None:
    """Commit, metric, memory, status, description."""
    found = parse(PLAIN, source="results.tsv")
    assert claims(PLAIN)
    assert [row.decision for row in found.rows] == ["baseline", "kept", "rejected", "rejected"]
    assert [row.line for row in found.rows] == [2, 3, 4, 5]
    assert found.metric == "val_bpb"
    assert found.rows[1].metrics == {"val_bpb": 0.986, "memory_gb": 43.9}
    assert found.rows[1].revision == "bea057b"
    assert found.unread == ()


def test_a_crash_written_as_zero_is_a_fault_and_never_a_number() -> None:
    """0.000000 beside a crash is no reading; its zeros are no conditions either."""
    crash = one(PLAIN)
    assert crash.fault is not None
    assert crash.fault.reason == "memory"
    assert crash.metrics == {}
    assert crash.conditions == {}


def test_a_rejected_zero_that_others_reach_is_a_number() -> None:
    """A gate that gives no points is a reading where the rest of the row has numbers."""
    row = one("commit\tscore\tsharpe\tstatus\tdescription\na\t1.2\t1.5\tkeep\tone\nb\t0.0\t1.1\tdiscard\ttwo\n")
    assert row.fault is None
    assert row.metrics["score"] == 0.0


@pytest.mark.parametrize(
    ("status", "decision", "faulted"),
    [
        ("keep", "kept", False), ("KEPT", "kept", False), ("kept", "kept", False), ("FINAL", "kept", False), ("accepted", "kept", False),
        ("discard", "rejected", False), ("REVERT", "rejected", False), ("reverted_worse", "rejected", False), ("discard_iai", "rejected", False),
        ("rejected", "rejected", False), ("reverted_no_improvement", "rejected", False), ("no-op", "rejected", False),
        ("crash", "rejected", True), ("FAIL", "rejected", True), ("checks_failed", "rejected", True), ("reverted_triton_oom", "rejected", True),
        ("timeout", "rejected", True),
        ("baseline", "baseline", False), ("parked", "undecided", False), ("", "undecided", False), ("-", "undecided", False),
    ],
)  # fmt: skip
def test_statuses(status: str, decision: str, faulted: bool) -> None:
    """Loops have many words for four decisions and a failure."""
    found = decided(status)
    assert (found.decision, found.faulted) == (decision, faulted)


def test_notes_that_hold_the_decision() -> None:
    """Without a column of decisions the sentence is asked, and that is noted."""
    found = parse(
        "val_bpb\tbytes\tnotes\n1.36\t12\tbaseline unmodified\n1.35\t13\tSwiGLU\n"
        "1.37\t14\trecurrence x2 (worse, fewer steps)\n1.35\t1\twd .01 (no improvement)\n",
        source="r",
    )
    assert [row.decision for row in found.rows] == ["baseline", "undecided", "rejected", "rejected"]
    assert "no column of decisions" in found.notes[0]


def test_comment_headers_are_conditions_and_tell_the_direction() -> None:
    """``# metric_direction: higher`` and ``# environment: …``."""
    text = "# metric_direction: higher\n# environment: one A100\n"
    text += "iteration\tcommit\tmetric\tdelta\tguard\tstatus\tdescription\n1\ta\t3\t0\tpass\tkeep\tfirst\n"
    found = parse(text, source="r")
    assert claims(text)
    assert found.better == "higher"
    assert found.rows[0].conditions == {"environment": "one A100", "iteration": "1", "guard": "pass", "delta": "0"}
    assert found.rows[0].metrics == {"metric": 3.0}


def test_lessons_beside_the_log(tmp_path) -> None:
    """``lessons.md`` is read with it."""
    (tmp_path / "results.tsv").write_text(
        "iteration\tmetric\tstatus\tdescription\n1\t3\tkeep\tfirst\n", encoding="utf-8"
    )
    (tmp_path / "lessons.md").write_text(
        "# Lessons\n\n- **Caching** the tokens helps twice\n- short\n### Wider layers need a lower rate\n",
        encoding="utf-8",
    )
    assert read(tmp_path / "results.tsv").lessons == (
        "Caching the tokens helps twice",
        "Wider layers need a lower rate",
    )


def test_a_change_with_columns_of_its_own() -> None:
    """Parameter, old and new value become part of the sentence; a tab too many belongs to it."""
    text = "date\tparam_changed\told_value\tnew_value\tmetric_after\tstatus\tdescription\n2026-03-21\tMIN\t3\t5\t7\tkeep\tless\tnoise\n"
    row = one(text)
    assert row.words == "MIN 3->5: less\tnoise"
    assert row.at == 1774051200.0


def test_lines_that_go_on_and_lines_that_cannot_be_read() -> None:
    """A broken sentence goes on in the next line; what has too few columns is listed."""
    text = "commit\tm\tk\tstatus\tdescription\na\t1\t1\trejected\tlib.py: ```python\nimport x\n\n"
    text += "b\t2\nc\t1\t1\tkeep\tok\ncommit\tm\tk\tstatus\tdescription\n"
    found = parse(text, source="r")
    assert found.rows[0].words == "lib.py: ```python\nimport x"
    assert [(bad.line, bad.because) for bad in found.unread] == [(5, "it has 2 of 5 columns, and no decision")]
    assert len(found.notes) == 2


def test_a_row_without_number_or_decision_is_listed() -> None:
    """TODO is no outcome."""
    found = parse("id\tval\tstatus\tdescription\n1\t2\tkeep\tx\n2\tnull\tTODO\tTODO\n", source="r")
    assert len(found.rows) == 1
    assert "neither a reading of val nor a decision" in found.unread[0].because


def test_commas_and_quotes() -> None:
    """The same log as CSV, a sentence over two lines."""
    text = 'commit,loss,status,description\na,1,keep,"one, two\nthree"\nb,2,discard,four\n'
    found = parse(text, source="r.csv")
    assert claims(text)
    assert [(row.line, row.words) for row in found.rows] == [(2, "one, two\nthree"), (4, "four")]


@pytest.mark.parametrize("text", ["", "\n\n", "commit\tm\tstatus\tdescription\n", "# only: comments\n"])
def test_nothing_to_read_says_so(text: str) -> None:
    """An empty log is no log."""
    with pytest.raises(Malformed, match="must"):
        parse(text, source="results.tsv")


def test_the_direction_is_the_sources_then_the_decisions_then_the_names() -> None:
    """Six decisions that agree overrule a name; fewer do not."""
    rows = "".join(
        f"a\t{value}\t{status}\tidea {value}\n"
        for value, status in zip(
            (1, 2, 1.5, 3, 2, 4, 5), ("keep", "keep", "discard", "keep", "discard", "keep", "keep"), strict=True
        )
    )
    assert direction_of(parse(f"commit\tloss\tstatus\tdescription\n{rows}", source="r")).better == "higher"
    assert direction_of(parse("commit\tloss\tstatus\tdescription\na\t1\tkeep\tx\n", source="r")).better == "lower"
    assert direction_of(parse("commit\tthing\tstatus\tdescription\na\t1\tkeep\tx\n", source="r")).better is None


CELLS = st.text(
    st.characters(exclude_characters="\t\r\n\0#\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", exclude_categories=["Cs"]),
    min_size=1,
    max_size=20,
).filter(lambda text: text.strip() == text)


@given(
    st.lists(
        st.tuples(st.floats(0.1, 10), st.sampled_from(["keep", "discard", "crash"]), CELLS), min_size=1, max_size=12
    )
)
def test_every_line_is_a_row_or_listed(rows) -> None:
    """Whatever the sentences say, as many come out as went in."""
    text = "commit\tloss\tstatus\tdescription\n" + "".join(
        f"abc\t{value!r}\t{status}\t{words}\n" for value, status, words in rows
    )
    found = parse(text, source="r")
    assert len(found.rows) + len(found.unread) == len(rows)
    assert [row.words for row in found.rows] == [
        words
        if words.lower()
        not in ("nan", "null", "none", "-", "--", "n/a", "na", "tbd", "todo", "?", "inf", "-inf", "failed", "fail")
        else ""
        for _, _, words in rows
    ]


def test_equal_rows_have_keys_of_their_own() -> None:
    """The same sentence twice is two trials; keys do not depend on what stands elsewhere."""
    rows = parse("commit\tm\tstatus\tdescription\na\t1\tkeep\tx\na\t1\tkeep\tx\nb\t2\tkeep\ty\n", source="r").rows
    assert len({row.key for row in rows}) == 3
    assert keyed(rows[2:])[0].key == rows[2].key
