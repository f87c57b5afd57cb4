"""Foreign records in the ledger: reported runs, declared standards, and nothing twice."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen.errors import Malformed, Stuck
from kaizen.foreign import Foreign, Row, Wanted, keyed
from kaizen.importers import read_foreign
from kaizen.ledger import Adopted, Reported, Taught
from kaizen.metric import lower
from kaizen.parameter import Choice, Real, Switch, Whole
from kaizen.process import Process
from kaizen.reports.export import rows, written
from kaizen.setting import Numbers, Setting, Texts
from kaizen.trial import Fault, Reading
from kaizen.workshop import open_workshop
from kaizen.workshop.importing import take

LOG = """commit\tval_bpb\tmemory_gb\tstatus\tdescription
a1b2c3d\t0.9979\t44.0\tkeep\tbaseline
bea057b\t0.9860\t43.9\tkeep\thalve batch 524K to 262K
bea057b\t0.9826\t60.2\tdiscard\tadd 5% warmup
0000000\t0.000000\t0.0\tcrash\tbatch 131K (OOM)
4e6697f\t0.9812\t60.2\tkeep\twarmdown 0.5 to 0.7
"""


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "results.tsv"
    path.write_text(LOG, encoding="utf-8")
    return path


def test_a_loops_log(log) -> None:
    """Runs are reported, keeps are declared, a crash is a fault; the code is the parameter."""
    with open_workshop("memory:") as shop:
        taken = take(shop, read_foreign(log))
        bench = shop[taken.process]
        assert taken[:6] == ("results", True, 5, 1, 2, 0)
        assert [standard.evidence for standard in bench.standards] == ["given", "declared", "declared"]
        assert bench.standard.because == "warmdown 0.5 to 0.7"
        assert bench.standard.setting == Setting(revision="4e6697f")
        assert bench.head.counts.adopted == 0
        assert bench.head.charged == 0
        runs = bench.runs
        assert runs[1].conditions == {
            "words": "halve batch 524K to 262K",
            "decision": "keep",
            "knobs": "batch 524000→262000",
        }
        assert runs[0].values == {"val_bpb": 0.9979, "memory_gb": 44.0}
        assert isinstance(runs[3].outcome, Fault)
        assert runs[3].outcome.reason == "memory"
        assert runs[2].setting != runs[1].setting  # one commit, another trial
        assert "val_bpb: lower is better" in taken.said[0]


def test_importing_twice_adds_nothing_and_a_longer_log_only_its_end(log) -> None:
    """Rows are known by what they say, not by where they stand."""
    with open_workshop("memory:") as shop:
        take(shop, read_foreign(log))
        before = shop["results"].log
        again = take(shop, read_foreign(log))
        assert (again.reported, again.declared, again.there) == (0, 0, 5)
        assert shop["results"].log == before
        log.write_text("# note: moved\n" + LOG + "ffffff1\t0.9800\t60.0\tkeep\tmore of it\n", encoding="utf-8")
        found = msgspec.structs.replace(
            read_foreign(log),
            rows=keyed(msgspec.structs.replace(row, conditions=Texts()) for row in read_foreign(log).rows),
        )
        longer = take(shop, found)
        assert (longer.reported, longer.declared, longer.there) == (1, 1, 5)


def test_lessons_are_testimony(log) -> None:
    """What the author wrote is taught, once."""
    (log.parent / "lessons.md").write_text("- Wider layers need a lower rate\n", encoding="utf-8")
    with open_workshop("memory:") as shop:
        assert take(shop, read_foreign(log)).lessons == 1
        assert take(shop, read_foreign(log)).lessons == 0
        assert [record.entry.text for record in shop["results"].log if isinstance(record.entry, Taught)] == [
            "Wider layers need a lower rate"
        ]


def test_a_known_process_keeps_its_description(log) -> None:
    """Rows that do not fit it are listed with the reason."""
    process = Process(
        name="results", parameters=(Real(name="lr", low=0, high=1),), metrics=(lower("loss"),), standard=Setting(lr=0.1)
    )
    found = Foreign(form="a table", source="t.csv", metric="loss", rows=keyed([
        Row(line=2, setting=Setting(lr=0.5), metrics=Numbers(loss=1)), Row(line=3, setting=Setting(lr=5), metrics=Numbers(loss=1)),
        Row(line=4, setting=Setting(lr=0.2), metrics=Numbers(other=1)), Row(line=5, setting=Setting(lr=0.2), metrics=Numbers(loss=-1)),
        Row(line=6, setting=Setting(depth=1), metrics=Numbers(loss=1)), Row(line=7, setting=Setting(lr="0.3"), metrics=Numbers(loss=2)),
    ]))  # fmt: skip
    with open_workshop("memory:") as shop:
        shop.describe(process)
        taken = take(shop, found, name="results")
        assert (taken.described, taken.reported) == (False, 2)
        assert [bad.line for bad in taken.left] == [3, 4, 5, 6]
        assert "lr must be a number from 0 to 1; got 5" in taken.left[0].because
        assert shop["results"].process == process


def test_a_process_known_from_imports_alone_is_widened() -> None:
    """A later import may lie outside of the ranges met before."""

    def found(*values):
        return Foreign(
            form="a table",
            source="t.csv",
            metric="loss",
            rows=keyed(
                Row(line=n, setting=Setting(lr=one, opt=f"o{n}"), metrics=Numbers(loss=1))
                for n, one in enumerate(values)
            ),
        )

    with open_workshop("memory:") as shop:
        take(shop, found(0.1, 0.5), name="t")
        taken = take(shop, found(0.1, 0.5, 0.9), name="t")
        assert (taken.reported, taken.there, taken.left) == (1, 2, ())
        assert shop["t"].process.parameter("lr").high == 0.9


def test_an_import_ends_what_stood_on_the_standard_that_it_moves(log) -> None:
    """Trials are never re-based, whoever moves the standard."""
    with open_workshop("memory:") as shop:
        take(shop, read_foreign(log))
        bench = shop["results"]
        bench.propose({"revision": "abcdef9"}, because="try")
        log.write_text(LOG + "ffffff1\t0.9800\t60.0\tkeep\tmore of it\n", encoding="utf-8")
        take(shop, read_foreign(log))
        assert bench.head.proposals == ()
        assert bench.standard.number == 4


@pytest.mark.parametrize(
    ("text", "told"), [("", "must have rows"), ("just words\nno table\n", "must be something that an importer knows")]
)
def test_what_nobody_knows_is_refused(tmp_path, text: str, told: str) -> None:
    """With what is known in the hint."""
    path = tmp_path / "x.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Malformed, match=told):
        read_foreign(path)
    with pytest.raises(Malformed, match="a folder must hold something"):
        read_foreign(tmp_path)
    with pytest.raises(Stuck, match="must be a file or folder that can be read"):
        read_foreign(tmp_path / "absent.tsv")
    (tmp_path / "other.db").write_bytes(b"SQLite format 3\0" + bytes(84))
    with pytest.raises((Malformed, Stuck)):
        read_foreign(tmp_path / "other.db")


def test_a_log_without_numbers_is_no_process(tmp_path) -> None:
    """It can be read, and is refused as a process, with what to do."""
    path = tmp_path / "results.tsv"
    path.write_text("commit\tstatus\tdescription\na\tkeep\tx\nb\tdiscard\ty\n", encoding="utf-8")
    with open_workshop("memory:") as shop, pytest.raises(Malformed, match="a process must have a metric"):
        take(shop, read_foreign(path))


def test_decisions_go_by_the_metric_that_is_wanted(log) -> None:
    """``--map memory_gb=metric`` makes another one decide."""
    found = read_foreign(log, Wanted(columns=Texts(memory_gb="metric")))
    assert found.metric == "memory_gb"


# ── what Kaizen exports it imports ────────────────────────────────────────────────────────────────────────────────────
PROCESS = Process(
    name="mill",
    parameters=(Real(name="x", low=0, high=1), Whole(name="n", low=1, high=9), Choice(name="codec", values=("xz", "5", True, 7)), Switch(name="on")),
    metrics=(lower("size"), lower("cost", kind="price")), standard=Setting(x=0.5, n=3, codec="xz", on=False),
)  # fmt: skip
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
RUN = st.tuples(
    st.floats(0, 1), st.integers(1, 9), st.sampled_from(["xz", "5", True, 7]), st.booleans(), st.floats(1e-300, 1e300), st.floats(1e-5, 1e5),
    st.one_of(st.none(), st.tuples(st.sampled_from(["crash", "memory", "told"]), TEXT)),
    st.dictionaries(st.sampled_from(["lot", "gpu"]), TEXT.filter(bool), max_size=2),
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.lists(RUN, min_size=1, max_size=6), st.sampled_from(["csv", "jsonl"]))
def test_what_is_exported_is_imported(tmp_path_factory, made, form) -> None:
    """The law of the round trip: every setting, reading, fault and condition comes back as it was; again adds nothing."""
    path = tmp_path_factory.mktemp("trip") / f"runs.{form}"
    with open_workshop("memory:") as shop:
        bench = shop.describe(PROCESS)
        for x, n, codec, on, size, cost, fault, conditions in made:
            setting = PROCESS.setting({"x": x, "n": n, "codec": codec, "on": on})
            outcome = (
                Fault(reason=fault[0], note=fault[1])
                if fault
                else Reading(values=PROCESS.reading({"size": size, "cost": cost}))
            )
            reported = Reported(
                run=bench.head.next_run,
                setting=setting,
                outcome=outcome,
                source="elsewhere",
                conditions=Texts(conditions),
            )
            bench.wheel.command(lambda _, entry=reported: (entry,), by="me")
        path.write_bytes(written(rows(bench.story(), "runs"), form))
        first = bench.runs
    with open_workshop("memory:") as shop:
        shop.describe(PROCESS)
        foreign = read_foreign(path)
        taken = take(shop, foreign)
        assert taken.left == ()
        assert (taken.process, taken.reported) == ("mill", len(made))
        second = shop["mill"].runs
        assert [(run.setting, run.outcome, run.conditions) for run in second] == [
            (run.setting, run.outcome, run.conditions) for run in first
        ]
        assert take(shop, read_foreign(path)).reported == 0


def test_an_export_of_an_import_is_the_import(log, tmp_path) -> None:
    """A log and the export of its import are the same rows."""
    with open_workshop("memory:") as shop:
        take(shop, read_foreign(log))
        (tmp_path / "runs.csv").write_bytes(written(rows(shop["results"].story(), "runs"), "csv"))
        taken = take(shop, read_foreign(tmp_path / "runs.csv"))
        assert (taken.reported, taken.there) == (0, 5)
        assert sum(isinstance(record.entry, Adopted) for record in shop["results"].log) == 2


def test_other_tables_of_an_export_are_refused(log, tmp_path) -> None:
    """Only runs come back; a ledger is copied by backup."""
    with open_workshop("memory:") as shop:
        take(shop, read_foreign(log))
        for what in ("standards", "log"):
            (tmp_path / "t.csv").write_bytes(
                written(rows(shop["results"].story(), what, log=shop["results"].log), "csv")
            )
            with pytest.raises(Malformed, match="must be an export of runs"):
                read_foreign(tmp_path / "t.csv")
