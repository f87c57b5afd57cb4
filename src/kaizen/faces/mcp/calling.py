"""One call of a tool: what was given is checked at the door, done, and answered; every error becomes a sentence."""

import json
import traceback
from collections.abc import Mapping
from typing import Any

import msgspec

from kaizen.errors import KaizenError, Malformed, Undeclared
from kaizen.faces.mcp import asked
from kaizen.faces.mcp.replies import Reply
from kaizen.faces.mcp.room import Keeper
from kaizen.faces.mcp.tools import TOOLS, Tool

LONGEST = 10_000
"""Characters of one piece of text that is given; of a diff, fifty times as many."""


def call(keeper: Keeper, name: str, given: Mapping[str, Any]) -> Reply:
    """Call a tool by its name.

    Raises:
        Mistake: there is no such tool, or it does not take this; whatever the verb raises.
    """
    tool = next((one for one in TOOLS if one.name == name), None)
    if tool is None:
        raise Undeclared(f"a tool must be one of {', '.join(one.name for one in TOOLS)}; got {name!r}")
    wanted = read(tool, _signed(tool, given, keeper.where.by))
    with keeper.room() as room:
        return tool.does(room, wanted)


def said(error: Exception) -> str:
    """Say an error in a sentence and a hint; the traceback of a fault of Kaizen's own goes to standard error."""
    if isinstance(error, KaizenError):
        return str(error)
    traceback.print_exception(error)
    return (
        f"this is a fault of Kaizen, not yours: {type(error).__name__}: {error}\n  hint: report it; the ledger is safe"
    )


def read(tool: Tool, given: Mapping[str, Any]) -> asked.Asked:
    """Read what a tool was given.

    Raises:
        Malformed: something is missing, unknown, of another kind, or too long.
    """
    fields = {field.name: field for field in msgspec.structs.fields(tool.takes)}
    plain = {name: _opened(value) if _is_object(fields.get(name)) else value for name, value in given.items()}
    for name, value in plain.items():
        most = LONGEST * (50 if name == "diff" else 1)
        if isinstance(value, str) and len(value) > most:
            raise Malformed(f"{name} must be at most {most} characters; got {len(value)}")
    try:
        return msgspec.convert(plain, tool.takes)
    except msgspec.ValidationError as error:
        needed = ", ".join(name for name, field in fields.items() if field.required)
        free = ", ".join(name for name, field in fields.items() if not field.required)
        hint = f"it takes {needed or 'nothing'}{f', and if wanted {free}' if free else ''}"
        raise Malformed(f"{tool.name} must be called as its schema says; got this: {error}", hint=hint) from None


def _signed(tool: Tool, given: Mapping[str, Any], by: str) -> Mapping[str, Any]:
    """Sign what was given with the server's name, where it has one.

    Raises:
        Malformed: it was signed with another.
    """
    if not by or "by" not in tool.takes.__struct_fields__:
        return given
    if given.get("by") not in (None, "", by):
        raise Malformed(
            f"by must be {by}, in whose name this server was started; got {given['by']!r}", hint="leave it out"
        )
    return {**given, "by": by}


def _is_object(field: Any) -> bool:
    """Tell whether a field takes an object."""
    kind = getattr(field, "type", None)
    return "dict[" in str(kind)


def _opened(value: Any) -> Any:
    """Return an object that came as text: some clients write it so."""
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return found if isinstance(found, dict) else value
