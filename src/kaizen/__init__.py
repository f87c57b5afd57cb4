"""Kaizen: describe a process once, and improve it for ever, honestly.

    with kaizen.open() as shop:
        print(shop.improve(pack, runs=200))

Names are loaded when they are first used, so that importing Kaizen costs next to nothing.
"""

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from kaizen.errors import (
        Clash,
        Contested,
        Damaged,
        KaizenError,
        Malformed,
        Mistake,
        Newer,
        OutOfRange,
        OutOfTurn,
        Stuck,
        Undeclared,
        Unexplained,
    )  # fmt: skip
    from kaizen.metric import Guard, Metric, guard, higher, lower, metric
    from kaizen.process import Function, Hands, Policy, Process, Shell
    from kaizen.recipes.function import choice, improvable, process_of, real, revision, switch, whole
    from kaizen.recipes.toml import read
    from kaizen.setting import Setting
    from kaizen.standard import Increment, Standard
    from kaizen.trial import Fault, Reading, Run, Trial
    from kaizen.verdict import Lesson, Verdict
    from kaizen.veteran.nod import Nod
    from kaizen.workshop import Workshop
    from kaizen.workshop import open_workshop as open  # noqa: A004 - kaizen.open, as one opens a shop
    from kaizen.workshop.bench import Bench
    from kaizen.workshop.borrowing import Attachment
    from kaizen.workshop.proof import Proof
    from kaizen.workshop.proving import prove

_HOMES = {
    "errors": ("Clash", "Contested", "Damaged", "KaizenError", "Malformed", "Mistake", "Newer", "OutOfRange", "OutOfTurn",
               "Stuck", "Undeclared", "Unexplained"),
    "metric": ("Guard", "Metric", "guard", "higher", "lower", "metric"),
    "process": ("Function", "Hands", "Policy", "Process", "Shell"),
    "recipes.function": ("choice", "improvable", "process_of", "real", "revision", "switch", "whole"),
    "recipes.toml": ("read",),
    "setting": ("Setting",),
    "standard": ("Increment", "Standard"),
    "trial": ("Fault", "Reading", "Run", "Trial"),
    "verdict": ("Lesson", "Verdict"),
    "veteran.nod": ("Nod",),
    "workshop": ("Workshop", "open"),
    "workshop.bench": ("Bench",),
    "workshop.borrowing": ("Attachment",),
    "workshop.proof": ("Proof",),
    "workshop.proving": ("prove",),
}  # fmt: skip
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_KNOWN_AS = {"open": "open_workshop"}

__all__ = [
    "Attachment", "Bench", "Clash", "Contested", "Damaged", "Fault", "Function", "Guard", "Hands", "Increment", "KaizenError",
    "Lesson", "Malformed", "Metric", "Mistake", "Newer", "Nod", "OutOfRange", "OutOfTurn", "Policy", "Process", "Proof", "Reading", "Run",
    "Setting", "Shell", "Standard", "Stuck", "Trial", "Undeclared", "Unexplained", "Verdict", "Workshop", "choice", "guard",
    "higher", "improvable", "lower", "metric", "open", "process_of", "prove", "read", "real", "revision", "switch", "whole",
]  # fmt: skip


def __getattr__(name: str) -> object:
    """Load a public name from its home when it is first used."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'kaizen' has no attribute {name!r}")
    found: object = getattr(importlib.import_module(f"kaizen.{_HOME_OF[name]}"), _KNOWN_AS.get(name, name))
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]
