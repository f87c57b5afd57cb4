"""What the work finds around it: its environment and its conditions.

Values go into the environment, each under its parameter's own name, and never into the text of a command.
"""

import os
import platform
import secrets
import sys
from collections.abc import Mapping

import msgspec

from kaizen.process import Function, Process, Shell, has_revision
from kaizen.setting import Texts, Value
from kaizen.trial import Run

GITS_OWN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY")
"""What git sets for its hooks; it would lead a revision's work to another repository than the one it lies in."""
TOKEN = "KAIZEN_GUARDIAN"  # noqa: S105 - no secret
"""The variable by which what a run has started is known again, wherever it went."""


def environment(process: Process, run: Run) -> dict[str, str]:
    """Return all variables of the work: ours, the recipe's, the setting's, and ``KAIZEN_RUN``, ``_SEED``, ``_SETTING``.

    A parameter that is inactive has no variable, even if one of its name was inherited.
    """
    names = {parameter.name for parameter in process.parameters}
    foreign = names | set(GITS_OWN if has_revision(process) else ())
    found = {name: value for name, value in os.environ.items() if name not in foreign}
    if isinstance(process.work, Shell):
        found |= process.work.environment
    found |= {name: spelled(value) for name, value in run.setting.items()}
    for name in names - run.setting.keys():
        found.pop(name, None)
    return found | {
        "KAIZEN_RUN": str(run.id),
        "KAIZEN_SEED": str(run.seed),
        "KAIZEN_SETTING": msgspec.json.encode(run.setting.plain()).decode(),
        TOKEN: secrets.token_hex(8),
    }


def spelled(value: Value) -> str:
    """Return a value as a variable holds it: text as it is, ``true`` or ``false``, a number so that it reads back."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def flaw(variables: Mapping[str, str]) -> str:
    """Return in one sentence why no environment can hold these variables, or nothing."""
    for name, value in variables.items():
        try:
            sound = b"\0" not in os.fsencode(value)
        except UnicodeEncodeError:
            sound = False
        if not sound:
            return f"{name} must be text that an environment variable can hold; got {value!r}"
    return ""


def conditions(process: Process) -> Texts:
    """Return what every run of this doer happens under."""
    found = {"host": platform.node(), "platform": f"{sys.platform}-{platform.machine()}"}
    if isinstance(process.work, Function):
        found["python"] = platform.python_version()
        if process.work.source:
            found["code"] = process.work.source
    return Texts(found)
