"""A message type as a lean JSON schema: every word of it is read by every agent in every session."""

from typing import Any

import msgspec

_DROPPED = ("title", "default")
_PLAIN = ("boolean", "integer", "number", "string", "null")


def schema_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the schema of a struct: no references, no titles, no defaults, simple alternatives in one list."""
    whole = msgspec.json.schema(kind)
    found = _lean(whole, whole.get("$defs", {}))
    assert isinstance(found, dict), "a struct is an object"
    found.pop("description", None)  # the tool has its own
    if not found.get("required"):
        found.pop("required", None)
    return found


def _lean(schema: Any, named: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_lean(one, named) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return {**_lean(named[schema["$ref"].rpartition("/")[2]], named), **_lean(beside, named)}
    kept = {key: value for key, value in schema.items() if key not in (*_DROPPED, "$defs")}
    lean = {
        key: _properties(value, named) if key == "properties" else _lean(value, named) for key, value in kept.items()
    }
    return _merged(lean)


def _properties(found: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    return {name: _lean(one, named) for name, one in found.items()}


def _merged(schema: dict[str, Any]) -> dict[str, Any]:
    """Write ``anyOf`` of bare types as a list of types; one that may be null is left out where it is."""
    choices = schema.get("anyOf", ())
    if not choices or not all(one.get("type") in _PLAIN for one in choices):
        return schema
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    limits = {key: value for one in choices for key, value in one.items() if key != "type"}
    kinds = [one["type"] for one in choices if one["type"] != "null"]
    kinds = [kind for kind in kinds if kind != "integer" or "number" not in kinds]
    return {**rest, **limits, "type": kinds[0] if len(kinds) == 1 else kinds}
