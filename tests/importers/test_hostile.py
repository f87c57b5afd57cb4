"""Whatever is handed in, an importer reads it or says in a sentence why not; and what it read can be told."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaizen.autopsy import autopsy
from kaizen.errors import KaizenError
from kaizen.foreign import Wanted
from kaizen.importers import read_foreign
from kaizen.reports.autopsy import as_document, page, summary
from kaizen.setting import Texts, encode_hook
from kaizen.veteran.words import parse

SAMPLES = (
    "commit\tval_bpb\tmemory_gb\tstatus\tdescription\na1b2c3d\t0.99\t44.0\tkeep\tbaseline\nbea057b\t0.98\t43.9\tdiscard\tlr 0.1 to 0.2 (worse)\n",
    "# metric_direction: lower\niteration,metric,status,description\n1,2,keep,x\n2,3,crash,y\n",
    '{"type": "config", "metricName": "ms", "bestDirection": "lower"}\n{"run": 1, "metric": 2, "status": "keep", "description": "x"}\n',
    '{"op_code": 0, "worker_id": "w", "study_name": "s", "directions": [1]}\n{"op_code": 4, "worker_id": "w", "study_id": 0}\n',
    "process,run,seq,at,by,purpose,setting.x,reading.y,fault\np,1,1,2026-01-01T00:00:00+00:00,me,scout,1,2,\n",
    "params_a,value,state\n1,2,COMPLETE\n3,,FAIL\n",
    '{"config": {"lr": 0.1}, "metrics": {"loss": 2}}\n',
)


def told(path, wanted=None) -> None:
    try:
        found = read_foreign(path, wanted)
    except KaizenError:
        return
    one = autopsy(found)
    assert max(map(len, summary(one).splitlines())) <= 100
    json.dumps(as_document(one), default=lambda value: encode_hook(value) if hasattr(value, "items") else repr(value))
    page([one])


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 8), st.binary(max_size=6)), max_size=4),
)
def test_broken_files(tmp_path_factory, sample, cuts) -> None:
    """Bytes cut out and put in anywhere."""
    content = sample.encode()
    for at, length, put in cuts:
        content = content[:at] + put + content[at + length :]
    path = tmp_path_factory.mktemp("broken") / "results.tsv"
    path.write_bytes(content)
    told(path)
    told(path, Wanted(columns=Texts(value="metric", params_a="setting")))


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(tmp_path_factory, content) -> None:
    """No file at all breaks it."""
    path = tmp_path_factory.mktemp("bytes") / "x"
    path.write_bytes(content)
    told(path)


@pytest.mark.parametrize(
    "letters", ["a ", "a", "1", "a_", "(a", "a->", "1,", "add a ", "a — ", "aB", "x 1 to ", "a=", "[", "`a"]
)
def test_long_sentences_take_no_time(letters: str) -> None:
    """A hundred thousand letters of anything: only the beginning is looked at, and no pattern goes wild."""
    said = letters * (100_000 // len(letters))
    assert parse(said).said == said
