"""Checks a document against a JSON Schema, and says everything that is wrong with it.

The schemas under profiles/schema/ are plain JSON Schema (an editor can use them as they are); this module knows
the part of it that they use: type, properties, required, additionalProperties, items, minItems, enum, pattern, minimum,
maximum, anyOf with `required` branches, and $ref into $defs. Any other keyword is a bug in the schema.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Path = tuple[str | int, ...]
_KNOWN = {
    "$schema", "$id", "$defs", "$ref", "title", "description", "type", "properties", "required", "additionalProperties",
    "items", "minItems", "enum", "pattern", "minimum", "maximum", "anyOf",
}  # fmt: skip
_WORDS = {
    "string": "text (put it in quotes)",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "empty",
}


def check(value: object, schema: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield every problem as (path to the value, what is wrong)."""
    yield from _check(value, schema, schema, ())


def _check(value: object, schema: Mapping[str, Any], root: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, str]]:
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    assert set(schema) <= _KNOWN, f"schema keyword not known here: {set(schema) - _KNOWN}"
    allowed = schema.get("type", [])
    allowed = [allowed] if isinstance(allowed, str) else allowed
    if allowed and not any(_is(value, name) for name in allowed):
        yield path, f"must be {' or '.join(_WORDS[name] for name in allowed)}, not {_shown(value)}"
        return
    if isinstance(value, dict):
        yield from _check_mapping(value, schema, root, path)
    elif isinstance(value, list):
        yield from _check_list(value, schema, root, path)
    else:
        yield from ((path, problem) for problem in _scalar_problems(value, schema))


def _check_mapping(
    value: dict[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], path: Path
) -> Iterator[tuple[Path, str]]:
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    for key, entry in value.items():
        if key in properties:
            yield from _check(entry, properties[key], root, (*path, key))
        elif others is False:
            near = difflib.get_close_matches(key, properties, n=1)
            yield (*path, key), f"unknown key '{key}'" + (f"; did you mean '{near[0]}'?" if near else "")
        elif isinstance(others, dict):
            yield from _check(entry, others, root, (*path, key))
    missing = [key for key in schema.get("required", ()) if key not in value]
    yield from ((path, f"lacks '{key}'") for key in missing)
    branches = [branch["required"] for branch in schema.get("anyOf", ())]
    if branches and not any(all(key in value for key in branch) for branch in branches):
        yield path, "needs " + ", or ".join(" with ".join(f"'{key}'" for key in branch) for branch in branches)


def _check_list(
    value: list[Any], schema: Mapping[str, Any], root: Mapping[str, Any], path: Path
) -> Iterator[tuple[Path, str]]:
    if len(value) < schema.get("minItems", 0):
        yield path, f"needs at least {schema['minItems']} entries, has {len(value)}"
    for index, entry in enumerate(value):
        yield from _check(entry, schema.get("items", {}), root, (*path, index))


def _scalar_problems(value: object, schema: Mapping[str, Any]) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"must be one of {', '.join(str(entry) for entry in schema['enum'])}, not {_shown(value)}"
    if isinstance(value, str) and "pattern" in schema and re.fullmatch(schema["pattern"], value) is None:
        yield f"{_shown(value)} does not look like {schema['pattern']}"
    if isinstance(value, (int, float)):
        if value < schema.get("minimum", value):
            yield f"must be at least {schema['minimum']}, not {value}"
        if value > schema.get("maximum", value):
            yield f"must be at most {schema['maximum']}, not {value}"


def _is(value: object, name: str) -> bool:
    if name == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, {"string": str, "boolean": bool, "array": list, "object": dict, "null": type(None)}[name])


def _shown(value: object) -> str:
    if value is None:
        return "empty"
    text = (
        repr(value)
        if isinstance(value, str)
        else type(value).__name__
        if isinstance(value, (dict, list))
        else str(value)
    )
    return text if len(text) <= 40 else text[:37] + "..."
