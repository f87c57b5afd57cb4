"""Text put into files that are somebody else's, so that everything that was there stays, to the byte, and ours comes out again.

Three kinds of files: Markdown for agents (a block between markers), JSON with comments and trailing commas as editors write
it (a member of an object), TOML (a table between markers). Where a file cannot be read, it is left alone.
"""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

BEGIN: Final = "<!-- kaizen: begin; `kaizen detach` takes this out -->"
END: Final = "<!-- kaizen: end -->"
TOML_BEGIN: Final = "# kaizen: begin; `kaizen detach` takes this out"
TOML_END: Final = "# kaizen: end"
NAME: Final = "kaizen"
"""The server's name in a client's configuration."""


class Graft(NamedTuple):
    """A file's new content, and what of it is ours."""

    after: bytes
    ours: bytes


class Unreadable(ValueError):
    """A file that is not what its name says."""


# ── blocks between markers ────────────────────────────────────────────────────────────────────────────────────────────


def with_block(before: bytes, lines: Sequence[str], *, markers: tuple[str, str] = (BEGIN, END)) -> Graft | None:
    """Put a block at the end of a text; ``None`` where there is one already.

    Raises:
        Unreadable: the text is not in ASCII's kin.
    """
    if b"\0" in before:
        raise Unreadable("it is no text in UTF-8")
    if markers[0].encode() in before:
        return None
    end = "\r\n" if b"\r\n" in before else "\n"
    gap = "" if not before else end if before.endswith(b"\n") else end + end
    ours = (gap + "".join(f"{line}{end}" for line in (markers[0], *lines, markers[1]))).encode()
    return Graft(before + ours, ours)


def without_block(now: bytes, ours: bytes, *, markers: tuple[str, str] = (BEGIN, END)) -> bytes:
    """Take a block out, whatever was written around it since, or into it."""
    if ours and now.count(ours) == 1:
        return now.replace(ours, b"")
    begin, end = (re.escape(marker.encode()) for marker in markers)
    return re.sub(rb"(?:\r?\n)?" + begin + rb".*?" + end + rb"(?:\r?\n|\Z)", b"", now, flags=re.DOTALL)


# ── TOML ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def with_table(before: bytes, command: str, arguments: Sequence[str]) -> Graft | None:
    """Put Codex's table for the server at the end of its TOML; ``None`` where there is one already.

    Raises:
        Unreadable: the file is no TOML, or has no room for the table.
    """
    table = [f"[mcp_servers.{NAME}]", f"command = {json.dumps(command)}", f"args = {json.dumps(list(arguments))}"]
    try:
        if NAME in tomllib.loads(before.decode()).get("mcp_servers", {}):
            return None
        graft = with_block(before, table, markers=(TOML_BEGIN, TOML_END))
        if graft is not None:
            tomllib.loads(graft.after.decode())
    except (ValueError, TypeError) as error:
        raise Unreadable(f"it is no TOML that takes another table: {error}") from error
    return graft


def without_table(now: bytes, ours: bytes) -> bytes:
    """Take the table out."""
    return without_block(now, ours, markers=(TOML_BEGIN, TOML_END))


# ── JSON ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class Member(NamedTuple):
    """One member of an object in a text: its name, where that begins, and where its value begins and ends."""

    name: str
    begins: int
    value: int
    ends: int


def with_server(before: bytes, key: str, server: Mapping[str, Any]) -> Graft | None:
    """Put the server into the object ``key`` of a client's JSON; ``None`` where one of its name is there already.

    Raises:
        Unreadable: the file is no JSON object, or ``key`` is none in it.
    """
    if not before.strip():
        text = f'{{\n  "{key}": {{\n    "{NAME}": {json.dumps(server)}\n  }}\n}}\n'
        return Graft(text.encode(), text.encode())
    text = _decoded(before)
    known = _read(text)
    servers = known.get(key, {})
    if not isinstance(servers, dict):
        raise Unreadable(f"its {key!r} is no object")
    if NAME in servers:
        return None
    top = _skip(text, 1 if text.startswith("\ufeff") else 0)
    inside = next((one.value for one in members(text, top) if one.name == key), None)
    place = top if inside is None else inside
    ours = _member(text, place, server, key=key if inside is None else "")
    after = text[: place + 1] + ours + text[place + 1 :]
    if _read(after) != {**known, key: {**servers, NAME: dict(server)}}:
        raise Unreadable("it cannot be added to without changing more")
    return Graft(after.encode(), ours.encode())


def without_server(now: bytes, ours: bytes, key: str) -> bytes:
    """Take the server out again, whatever else was changed since.

    Raises:
        Unreadable: the file is no JSON any more.
    """
    if ours and now.count(ours) == 1:
        without = now.replace(ours, b"")
        if not without.strip() or _is_read(without):
            return without
    text = _decoded(now)
    top = _skip(text, 1 if text.startswith("\ufeff") else 0)
    _read(text)
    servers = next((one for one in members(text, top) if one.name == key), None)
    found = [] if servers is None or text[servers.value] != "{" else members(text, servers.value)
    member = next((one for one in found if one.name == NAME), None)
    if member is None:
        return now
    begins, ends = member.begins, member.ends
    behind = _skip(text, ends)
    if text[behind] == ",":
        ends = behind + 1
    elif found[0] is not member:
        before = found[found.index(member) - 1]
        begins = before.ends
    return (text[:begins].rstrip(" \t") + text[ends:]).encode()


def _member(text: str, place: int, server: Mapping[str, Any], *, key: str) -> str:
    """Return the text of a first member behind the brace at ``place``, in the manner of what is there.

    With a ``key``, the member is the object of that name with the server in it.
    """
    inside = members(text, place)
    told = f'"{NAME}": {json.dumps(server)}'
    if "\n" not in text:
        return (f'"{key}": {{{told}}}' if key else told) + (", " if inside else "")
    end = "\r\n" if "\r\n" in text else "\n"
    line = text[text.rfind("\n", 0, place) + 1 : place + 1]
    outer = line[: len(line) - len(line.lstrip(" \t"))]
    unit = (_indent(text, inside[0].begins).removeprefix(outer) if inside else "") or _unit(text)
    if key:
        told = f'"{key}": {{{end}{outer}{unit}{unit}{told}{end}{outer}{unit}}}'
    tail = "," if inside else "" if "\n" in text[place : _skip(text, place + 1)] else f"{end}{outer}"
    return f"{end}{outer}{unit}{told}{tail}"


def _indent(text: str, place: int) -> str:
    before = text[text.rfind("\n", 0, place) + 1 : place]
    return before if not before.strip() else ""


def _unit(text: str) -> str:
    found = re.search(r"\n([ \t]+)\S", text)
    return found[1] if found is not None else "  "


def members(text: str, place: int) -> list[Member]:
    """Return the members of the object whose brace is at ``place``.

    Raises:
        Unreadable: there is none.
    """
    if place >= len(text) or text[place] != "{":
        raise Unreadable("it is no JSON object")
    found: list[Member] = []
    at = _skip(text, place + 1)
    while at < len(text) and text[at] != "}":
        ends = _end(text, at)
        colon = _skip(text, ends)
        value = _skip(text, colon + 1)
        found.append(Member(str(json.loads(text[at:ends])), at, value, _end(text, value)))
        at = _skip(text, found[-1].ends)
        if at < len(text) and text[at] == ",":
            at = _skip(text, at + 1)
    return found


_SPACE = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/|[\[{\]}]', re.DOTALL)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _end(text: str, at: int) -> int:
    """Return where the value that begins at ``at`` ends."""
    if text[at : at + 1] == '"':
        found = _STRING.match(text, at)
        if found is None:
            raise Unreadable("a text in it does not end")
        return found.end()
    if text[at : at + 1] in ("{", "["):
        depth = 0
        for token in _TOKENS.finditer(text, at):
            depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
            if not depth and token[0] in "]}":
                return token.end()
        raise Unreadable("a bracket in it is not closed")
    found = re.compile(r"[^\s,\]}/]+").match(text, at)
    if found is None:
        raise Unreadable("a value is missing in it")
    return found.end()


def _read(text: str) -> dict[str, Any]:
    """Read JSON with comments and trailing commas.

    Raises:
        Unreadable: it is none, or no object.
    """
    kept = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
    bare = kept.sub(lambda found: found[1] or " ", text.removeprefix("\ufeff"))
    bare = re.sub(r'("(?:[^"\\]|\\.)*")|,(?=\s*[\]}])', lambda found: found[1] or "", bare)
    try:
        found = json.loads(bare)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"it is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise Unreadable("it is no JSON object")
    return found


def _is_read(now: bytes) -> bool:
    try:
        _read(_decoded(now))
    except Unreadable:
        return False
    return True


def _decoded(written: bytes) -> str:
    try:
        return written.decode()
    except UnicodeDecodeError as error:
        raise Unreadable("it is no text in UTF-8") from error
