"""An adopted setting, in its file and at its hook."""

import json
import os
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaizen.doers import publish as module
from kaizen.doers.publish import as_json, as_toml, publish
from kaizen.errors import Malformed, Stuck
from kaizen.process import Policy, Process
from kaizen.setting import Setting
from kaizen.testing.doers import process_of

SETTING = Setting(x=3, word='a "quoted"\nline', on=True, ratio=0.25)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
values = st.one_of(
    st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), texts
)
names = st.sampled_from(["x", "chunk_size", "größe", "_"])


def process_with(**policy: str) -> Process:
    """Return a process with a policy."""
    shell = process_of("true")
    fields = {field: getattr(shell, field) for field in shell.__struct_fields__}
    return Process(**{**fields, "policy": Policy(**policy)})  # type: ignore[arg-type]


@given(setting=st.dictionaries(names, values).map(Setting))
def test_both_forms_read_back(setting: Setting) -> None:
    """Whatever the setting, with its kinds."""
    assert setting == Setting(tomllib.loads(as_toml(setting)))
    assert setting == Setting(json.loads(as_json(setting)))


@pytest.mark.parametrize(("name", "load"), [("a.json", json.loads), ("deep/er/a.toml", tomllib.loads)])
def test_the_file(tmp_path: Path, name: str, load: object) -> None:
    """Made with its folders, then replaced; its mode is kept and nothing lies beside it."""
    path = tmp_path / name
    publish(process_with(adopted_file=name), SETTING, directory=tmp_path)
    assert SETTING.plain() == load(path.read_text("utf-8"))  # type: ignore[operator]
    path.chmod(0o640)
    publish(process_with(adopted_file=name), Setting(x=4), directory=tmp_path)
    assert {"x": 4} == load(path.read_text("utf-8"))  # type: ignore[operator]
    assert 0o640 == stat.S_IMODE(path.stat().st_mode)
    assert [path] == [*path.parent.iterdir()]


def test_a_new_file_has_an_ordinary_mode(tmp_path: Path) -> None:
    """What the mask leaves, and not a temporary file's."""
    mask = os.umask(0o027)
    try:
        publish(process_with(adopted_file="a.json"), SETTING, directory=tmp_path)
    finally:
        os.umask(mask)
    assert 0o640 == stat.S_IMODE((tmp_path / "a.json").stat().st_mode)


def test_it_is_left_alone_if_it_says_so_already(tmp_path: Path) -> None:
    """The same file, not another of the same content."""
    for _ in range(2):
        publish(process_with(adopted_file="a.toml"), SETTING, directory=tmp_path)
        inode = (tmp_path / "a.toml").stat().st_ino
    before = (tmp_path / "a.toml").stat()
    publish(process_with(adopted_file="a.toml"), SETTING, directory=tmp_path)
    assert (inode, before.st_mtime_ns) == (before.st_ino, (tmp_path / "a.toml").stat().st_mtime_ns)


def test_through_a_link(tmp_path: Path) -> None:
    """A link stays one."""
    (tmp_path / "real.json").write_text("{}")
    (tmp_path / "a.json").symlink_to("real.json")
    publish(process_with(adopted_file="a.json"), SETTING, directory=tmp_path)
    assert (tmp_path / "a.json").is_symlink()
    assert SETTING.plain() == json.loads((tmp_path / "real.json").read_text("utf-8"))


def test_a_file_half_written_is_never_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk refuses in the middle: the old file stands, nothing lies beside it, and we say so."""
    process = process_with(adopted_file="a.json")
    publish(process, Setting(x=1), directory=tmp_path)

    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", refuse)
    with pytest.raises(Stuck, match="No space left") as caught:
        publish(process, SETTING, directory=tmp_path)
    assert caught.value.hint
    assert {"x": 1} == json.loads((tmp_path / "a.json").read_text())
    assert [tmp_path / "a.json"] == [*tmp_path.iterdir()]


def test_what_is_refused(tmp_path: Path) -> None:
    """A form we do not write, and a place where nothing can be written."""
    with pytest.raises(Malformed, match=r"\.json or \.toml"):
        publish(process_with(adopted_file="a.ini"), SETTING, directory=tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(Stuck, match="must be written"):
        publish(process_with(adopted_file="file/a.json"), SETTING, directory=tmp_path)


def test_the_hook(tmp_path: Path) -> None:
    """It hears the setting as JSON, in the recipe's directory, after the file is written."""
    process = process_with(adopted_file="a.json", adopted_hook="cat > heard; cp a.json then")
    publish(process, SETTING, directory=tmp_path)
    assert SETTING.plain() == json.loads((tmp_path / "heard").read_text("utf-8"))
    assert SETTING.plain() == json.loads((tmp_path / "then").read_text("utf-8"))
    publish(process_with(adopted_hook="exit 0"), SETTING, directory=tmp_path)  # one that does not listen
    publish(process_with(), SETTING, directory=tmp_path)


def test_a_hook_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its status, with its last words; or by taking too long."""
    with pytest.raises(Stuck, match=r"got 3 \(no such server\)"):
        publish(process_with(adopted_hook="echo no such server >&2; exit 3"), SETTING, directory=tmp_path)
    monkeypatch.setattr(module, "HOOK_S", 0.1)
    with pytest.raises(Stuck, match="must end within"):
        publish(process_with(adopted_hook="exec sleep 100"), SETTING, directory=tmp_path)
