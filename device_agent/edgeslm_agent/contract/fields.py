"""Reading fields of a decoded document: every reader states the type and the bounds, and raises Malformed otherwise."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from edgeslm_agent.contract.codec import MAX_INTEGER, Malformed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from edgeslm_agent.contract.ranges import Range

MAX_LABEL = 128  # characters of a name, a version, an id


def text(document: Mapping[str, Any], name: str, limit: int) -> str:
    """Return a string of at most `limit` characters."""
    value = document.get(name)
    if not isinstance(value, str) or len(value) > limit:
        raise Malformed(f"field {name}")
    return value


def label(document: Mapping[str, Any], name: str, limit: int = MAX_LABEL) -> str:
    """Return a non-empty string without control characters or line breaks: safe in a table and in a log."""
    value = text(document, name, limit)
    if not value or not value.isprintable():
        raise Malformed(f"field {name}")
    return value


def optional_label(document: Mapping[str, Any], name: str) -> str | None:
    """Return a label, or None when the field is absent or null."""
    return None if document.get(name) is None else label(document, name)


def integer(document: Mapping[str, Any], name: str, low: int = 0, high: int = MAX_INTEGER) -> int:
    """Return an integer within [low, high]."""
    value = document.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise Malformed(f"field {name}")
    return value


def number(document: Mapping[str, Any], name: str, low: float, high: float) -> float:
    """Return a number within [low, high] as a float."""
    value = document.get(name)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not low <= value <= high:
        raise Malformed(f"field {name}")
    return float(value)


def numbers(document: Mapping[str, Any], limit: int, besides: Collection[str] = ()) -> dict[str, float]:
    """Return the numeric fields of a document but those named, at most `limit`; all else in it is passed over."""
    found = {
        name: value
        for name, value in document.items()
        if (type(value) is float or type(value) is int) and name not in besides and is_figure_name(name)
    }
    if len(found) > limit:
        raise Malformed("too many fields")
    return found


def vector(document: Mapping[str, Any], name: str, limit: int) -> tuple[float, ...]:
    """Return a list of at most `limit` numbers; an absent field is an empty one."""
    value = document.get(name, [])
    if not isinstance(value, list) or len(value) > limit:
        raise Malformed(f"field {name}")
    if not all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in value):
        raise Malformed(f"field {name}")
    return tuple(map(float, value))


def is_figure_name(name: str) -> bool:
    """Return whether a field may carry a figure: lower-case words, digits and underscores, at most 48 characters."""
    return len(name) <= 48 and _is_figure_name(name)  # long ones must not fill the memory of the answers


@lru_cache(maxsize=1024)  # the same names come with every sample
def _is_figure_name(name: str) -> bool:
    return name.isascii() and name.isidentifier() and name[0].isalpha() and name == name.lower()


def items(document: Mapping[str, Any], name: str, limit: int) -> list[Mapping[str, Any]]:
    """Return a list of at most `limit` objects; an absent field is an empty list."""
    value = document.get(name, [])
    if not isinstance(value, list) or len(value) > limit or not all(isinstance(item, dict) for item in value):
        raise Malformed(f"field {name}")
    return value


def ranges(document: Mapping[str, Any], name: str, limit: int) -> tuple[Range, ...]:
    """Return a list of at most `limit` inclusive pairs [first, last]; an absent field is an empty list."""
    value = document.get(name, [])
    if not isinstance(value, list) or len(value) > limit or not all(_is_range(item) for item in value):
        raise Malformed(f"field {name}")
    return tuple((first, last) for first, last in value)


def _is_range(item: object) -> bool:
    if not isinstance(item, list) or len(item) != 2:
        return False
    first, last = item
    if not isinstance(first, int) or not isinstance(last, int) or isinstance(first, bool) or isinstance(last, bool):
        return False
    return 0 <= first <= last <= MAX_INTEGER
