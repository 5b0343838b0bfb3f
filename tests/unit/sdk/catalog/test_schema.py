from __future__ import annotations

from typing import Any

import pytest

from edgeslm.catalog.schema import check

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "pattern": "[a-z]+"},
        "size": {"type": "integer", "minimum": 1, "maximum": 9},
        "kind": {"enum": ["board", "phone"]},
        "newest": {"type": ["string", "null"]},
        "items": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/fact"}},
        "others": {"type": "object", "additionalProperties": {"type": "number"}},
    },
    "$defs": {
        "fact": {
            "type": "object",
            "anyOf": [{"required": ["source"]}, {"required": ["verified", "why"]}],
            "properties": {"source": {"type": "string"}, "verified": {"enum": [False]}, "why": {"type": "string"}},
        }
    },
}


def problems(value: object) -> list[tuple[str, str]]:
    return [(".".join(map(str, path)), what) for path, what in check(value, SCHEMA)]


def test_sound_document_has_no_problems() -> None:
    fact = {"verified": False, "why": "from memory"}
    document = {"name": "nano", "size": 4, "kind": "board", "newest": None, "items": [{"source": "x"}, fact]}
    assert problems({**document, "others": {"a": 1, "b": 2.5}}) == []


@pytest.mark.parametrize(
    ("change", "where", "what"),
    [
        ({"size": "4"}, "size", "a whole number"),
        ({"size": True}, "size", "a whole number"),
        ({"size": 4.5}, "size", "a whole number"),
        ({"size": 0}, "size", "at least 1"),
        ({"size": 10}, "size", "at most 9"),
        ({"name": "Nano"}, "name", "does not look like"),
        ({"name": 3.11}, "name", "put it in quotes"),
        ({"kind": "sofa"}, "kind", "one of board, phone"),
        ({"newest": 1.2}, "newest", "text (put it in quotes) or empty"),
        ({"items": []}, "items", "at least 1 entries"),
        ({"items": [{"why": "x"}]}, "items.0", "needs 'source', or 'verified' with 'why'"),
        ({"items": "x"}, "items", "a list"),
        ({"others": {"a": "b"}}, "others.a", "a number"),
        ({"sise": 4}, "sise", "unknown key 'sise'; did you mean 'size'?"),
    ],
)
def test_wrong_value_is_named_with_its_place(change: dict[str, Any], where: str, what: str) -> None:
    found = problems({"name": "nano", **change})
    assert [place for place, _ in found] == [where]
    assert what in found[0][1]


def test_every_problem_is_reported_at_once() -> None:
    found = problems({"size": "x", "kind": 1, "colour": "red"})
    assert len(found) == 4
    assert ("", "lacks 'name'") in found


def test_root_that_is_not_a_mapping_is_one_problem() -> None:
    assert problems(["name"]) == [("", "must be a mapping, not list")]
