"""An adopted setting, made known: to a file that the process in use reads, and to a hook."""

import contextlib
import json
import os
import subprocess
import tempfile
from pathlib import Path

from kaizen.errors import Malformed, Stuck
from kaizen.process import Process
from kaizen.setting import Setting, Value

HOOK_S = 600.0
"""How long a hook may take, in seconds."""


def publish(process: Process, setting: Setting, *, directory: Path) -> None:
    """Write the setting to the policy's file and hand it to the policy's hook; nothing happens where it has neither.

    The file is Kaizen's own: a flat table of the setting, replaced in one step, or left alone if it says so already.
    The hook is called every time, after the file: it must bear to hear the same setting twice.

    Raises:
        Malformed: the file's name ends in neither ``.json`` nor ``.toml``.
        Stuck: the file cannot be written, or the hook failed.
    """
    if process.policy.adopted_file:
        _write(directory / process.policy.adopted_file, setting)
    if process.policy.adopted_hook:
        _call(process.policy.adopted_hook, setting, directory)


def _write(path: Path, setting: Setting) -> None:
    forms = {".json": as_json, ".toml": as_toml}
    if path.suffix not in forms:
        raise Malformed(f"adopted_file must end in .json or .toml; got {path.name!r}")
    try:
        text = forms[path.suffix](setting).encode()
        with contextlib.suppress(FileNotFoundError):
            if path.read_bytes() == text:
                return
        _replace(path, text)
    except (OSError, UnicodeEncodeError) as error:
        raise Stuck(
            f"the adopted setting must be written to {path}; got {error}",
            hint="free the place or change adopted_file; the setting is adopted all the same",
        ) from error


def _replace(path: Path, text: bytes) -> None:
    """Put a file in the place of another in one step, on the disk before its name is; the old one's mode is kept."""
    path = path.resolve()  # through a link, to what it points to
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        Path(name).chmod(path.stat().st_mode & 0o7777 if path.exists() else 0o666 & ~_mask())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _mask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def as_json(setting: Setting) -> str:
    """Return a setting as a JSON file."""
    return json.dumps(setting.plain(), indent=2, ensure_ascii=False) + "\n"


def as_toml(setting: Setting) -> str:
    """Return a setting as a TOML file: one line for each value."""
    return "".join(f"{_key(name)} = {_toml(value)}\n" for name, value in setting.items())


def _key(name: str) -> str:
    return name if name.isascii() else _toml(name)  # a parameter's name is an identifier


def _toml(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):  # TOML's basic strings are JSON's, but for DEL and for pairs of surrogates
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def _call(hook: str, setting: Setting, directory: Path) -> None:
    hint = "mend the hook and adopt again, or change adopted_hook; the setting is adopted all the same"
    try:
        done = subprocess.run(  # noqa: S602 - it is the user's command; the setting comes by standard input
            hook,
            shell=True,
            cwd=directory,
            input=json.dumps(setting.plain()).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=HOOK_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Stuck(f"the hook must end within {HOOK_S:g} s; got {hook!r}, which did not", hint=hint) from error
    except OSError as error:
        raise Stuck(f"the hook must start; got {error}", hint=hint) from error
    if done.returncode != 0:
        said = done.stdout.decode(errors="replace").strip().splitlines()
        raise Stuck(
            f"the hook must end with status 0; got {done.returncode}{f' ({said[-1][:200]})' if said else ''}", hint=hint
        )
