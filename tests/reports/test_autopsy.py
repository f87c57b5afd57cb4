"""The autopsy of a log: repeats, luck, reasons, and what a nod would have saved; and how it is told."""

import re
from html.parser import HTMLParser

import pytest

from kaizen.autopsy import autopsy
from kaizen.foreign import Foreign, Row, keyed
from kaizen.importers.results import parse
from kaizen.reports.autopsy import as_document, page, summary
from kaizen.setting import Numbers, Setting
from kaizen.trial import Fault

HEAD = "commit\tval_bpb\tmemory_gb\tstatus\tdescription\n"
LOG = HEAD + "".join(
    f"{place:07x}\t{value}\t40.0\t{status}\t{words}\n"
    for place, (value, status, words) in enumerate([
        (1.0000, "keep", "baseline"),
        (0.9800, "keep", "halve batch 524K to 262K"),
        (0.9900, "discard", "embedding lr 0.6 to 0.8 (worse)"),
        (0.9805, "discard", "random seed 42 to 137"),
        (0.9902, "discard", "embedding_lr 0.6->0.8"),
        (0.9850, "discard", "embedding lr 0.6 to 0.7"),
        (0.0, "crash", "depth 8 to 12 (OOM)"),
        (0.9797, "keep", "warmdown 0.5 to 0.7"),
        (0.9700, "keep", "embedding lr 0.6 to 0.8 (with weight decay)"),
        (0.9800, "discard", "add rotary positions"),
    ])
)  # fmt: skip


def found(text=LOG, **more):
    return autopsy(parse(text, source="results.tsv"), **more)


def test_counts() -> None:
    """Kept, rejected, crashed; the baseline is none of them."""
    assert dict(found().counts) == {
        "trials": 10,
        "kept": 3,
        "rejected": 5,
        "crashed": 1,
        "baselines": 1,
        "undecided": 0,
    }


def test_repeats_in_pairs() -> None:
    """Which trial repeats which, how exactly, and what was kept in between."""
    told = [(one.place, one.prior, one.kind, one.since, one.kept) for one in found().tried_again]
    assert told == [(4, 2, "exact", 0, False), (5, 4, "near", 0, False), (8, 4, "exact", 1, True)]


def test_noise_is_what_was_measured_twice() -> None:
    """A seed swap and an exact repeat tell it; a keep below it is counted."""
    one = found()
    assert one.noise.pairs == ((3, 1), (4, 2))
    assert one.noise.differ == pytest.approx(((0.0005**2 + 0.0002**2) / 2) ** 0.5)
    assert [keep.place for keep in one.small] == [7]
    assert one.remeasured == (3,)
    assert "2 pairs of trials that measured one thing twice (2 and 4, 3 and 5)" in one.noise.how


def test_what_cannot_be_known_is_said() -> None:
    """No number, nothing twice, the same number twice."""
    assert "nothing in it was measured twice" in found(HEAD + "a\t1.0\t1\tkeep\tone\nb\t0.9\t1\tkeep\ttwo\n").noise.how
    assert "it has no numbers" in found("commit\tstatus\tdescription\na\tkeep\tone\nb\tdiscard\ttwo\n").noise.how
    same = HEAD + "a\t1.0\t1\tkeep\tbaseline\nb\t1.0\t1\tdiscard\tseed 2\n"
    assert "the very same number" in found(same).noise.how
    assert found(same).small == ()
    unknown = found("commit\tthing\tstatus\tdescription\na\t1\tkeep\tx\nb\t2\tkeep\ty\n")
    assert unknown.better is None
    assert unknown.keeps == ()
    assert "which way is better is not known" in summary(unknown)


def test_what_the_nod_would_have_said() -> None:
    """Warnings, what became of those trials, and the price of obeying."""
    one = found(each=300.0)
    assert [(answer.answer, answer.trials, answer.kept) for answer in one.nods] == [
        ("failed_before", 1, 0),
        ("think_again", 1, 0),
        ("go", 7, 3),
    ]
    assert (one.saved, one.lost) == (2, 0)
    assert as_document(one)["saved_seconds"] == 600.0


def test_what_a_trial_takes_is_told_by_the_log() -> None:
    """From times of rows, else from one row to the next; dates alone tell nothing."""
    head = "timestamp\tloss\tstatus\tdescription\n"
    rows = "".join(f"2026-03-01T00:{10 * n:02}:00\t1\tdiscard\tidea {n}\n" for n in range(5))
    assert found(head + rows).each == 600.0
    assert found(head + "".join(f"2026-03-0{n + 1}\t1\tdiscard\tidea {n}\n" for n in range(5))).each is None


def test_a_stretch_in_vain_names_its_common_cause() -> None:
    """What is named in the reasons of many rejections in a row."""
    rows = "".join(f"none\t0\t0\trejected\tmodule_{n}: FAIL - the preset lacks `rcan_version`\n" for n in range(12))
    one = found(HEAD + rows)
    assert [(stretch.first, stretch.last, stretch.count) for stretch in one.stretches] == [(0, 11, 12)]
    assert ("missing something required", 12) in one.stretches[0].failures
    assert ("rcan_version", 12) in one.stretches[0].names


def test_gains_are_over_the_parent_where_one_is_named() -> None:
    """A log with branches says what each trial is compared with."""
    text = "id\tparent\tloss\tstatus\tdescription\n01_a\t\t2.0\tkeep\tbaseline\n02_b\t01_a\t1.5\tkeep\twider\n03_c\t01_a\t1.9\tkeep\tdeeper\n"
    assert [(keep.place, round(keep.gain, 6)) for keep in found(text).keeps] == [(1, 0.5), (2, 0.1)]


def test_a_record_of_settings() -> None:
    """The very same setting that had faulted, again; repeats of one setting tell the noise."""
    rows = [
        Row(line=1, setting=Setting(lr=0.1), metrics=Numbers(loss=1.0)), Row(line=2, setting=Setting(lr=9.0), fault=Fault(reason="crash")),
        Row(line=3, setting=Setting(lr=0.1), metrics=Numbers(loss=1.2)), Row(line=4, setting=Setting(lr=9.0), fault=Fault(reason="crash")),
    ]  # fmt: skip
    one = autopsy(Foreign(form="a table", source="t.csv", rows=keyed(rows), metric="loss"))
    assert [(repeat.place, repeat.prior, repeat.kind) for repeat in one.tried_again] == [(3, 1, "exact")]
    assert one.noise.differ == pytest.approx(0.2)


def test_the_summary_fits_a_terminal() -> None:
    """At most 100 columns, whatever sentences say."""
    long = HEAD + "".join(f"a\t1.0\t1\tdiscard\t{'very ' * 40}long idea {n % 3} \x1b[31m\n" for n in range(12))
    for one in (found(), found(long), found(each=60.0)):
        text = summary(one)
        assert max(map(len, text.splitlines())) <= 100
        assert "\x1b" not in text
    assert "#5 embedding_lr 0.6->0.8" in summary(found())


class Tags(HTMLParser):
    """Collects tags and where they point."""

    def __init__(self, html) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attributes) -> None:
        """Note a tag; nothing may be loaded or run."""
        self.tags.append(tag)
        for name, value in attributes:
            assert not name.startswith("on"), (tag, name)
            assert name not in ("src", "action"), (tag, name)
            assert name != "href" or (value or "").startswith("#"), (tag, value)


def test_the_page_needs_nothing_and_runs_nothing() -> None:
    """Hostile sentences are text; nothing is loaded; the same log gives the same bytes."""
    hostile = (
        HEAD
        + "a\t1.0\t1\tkeep\tbaseline\n"
        + "".join(
            f"b\t1.{n}\t1\tdiscard\t<script>alert(1)</script>'\"<img src=x onerror=alert(1)>{{{{7*7}}}}\n"
            for n in range(4)
        )
    )
    html = page([found(hostile), found()])
    tags = Tags(html).tags
    assert not {"script", "img", "iframe", "link"} & set(tags)
    assert "&lt;script&gt;" in html
    assert html == page([found(hostile), found()])
    assert len(re.findall(r"<section id=\"log-", html)) == 2
    assert "7 more" not in html


def test_the_page_of_a_log_without_numbers() -> None:
    """It has no picture, and says what cannot be known."""
    html = page([found("commit\tstatus\tdescription\na\tkeep\tone\nb\tdiscard\ttwo\n")])
    assert "<svg" not in html
    assert "cannot be known from this log" in html
