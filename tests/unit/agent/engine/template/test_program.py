"""A compiled template runs as Jinja would run it, and no further than its budget."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeslm_agent.engine.template.operations import FILTERS, METHODS, OPERATORS, TESTS
from edgeslm_agent.engine.template.program import MAX_DEPTH, MAX_PROGRAM, Program
from edgeslm_agent.engine.template.values import TemplateFault, TemplateRefusal

HELLO = [{"role": "user", "content": "hello"}]
MESSAGES = ["name", "messages"]
LONG = {"role": "user", "content": "x" * 1_000}


def said(*block: Any, messages: list[dict[str, str]] | None = None, **variables: object) -> str:  # noqa: ANN401  # nodes are JSON
    return Program.load(json.dumps(block)).render(HELLO if messages is None else messages, variables)


def test_texts_are_written_and_values_put() -> None:
    content = ["get", ["get", MESSAGES, 0], "content"]
    assert said("<", ["put", content], ">", ["put", 3], ["put", None], ["put", ["undefined"]]) == "<hello>3None"


def test_a_loop_knows_its_place_and_has_names_of_its_own() -> None:
    facts = [["put", ["get", ["name", "loop"], name]] for name in ("index", "revindex0", "first", "last", "length")]
    body = [["set", "x", "inner"], *facts, ";"]
    loop = ["for", "m", ["list", 1, 2], True, body, ["never"]]
    assert said(["set", "x", "outer"], loop, ["put", ["name", "x"]]) == "11TrueFalse2;20FalseTrue2;outer"


def test_a_loop_over_nothing_runs_its_other_branch() -> None:
    assert said(["for", "m", ["list"], True, ["a"], ["b"]], ["for", "m", ["name", "no"], True, ["a"], ["b"]]) == "bb"


def test_a_loop_can_choose_stop_and_go_on() -> None:
    item = ["name", "i"]
    skip = ["if", ["eq", item, 2], [["continue"]], []]
    stop = ["if", ["eq", item, 4], [["break"]], []]
    loop = ["for", "i", ["call", "range", 9], ["gt", item, 0], [skip, stop, ["put", item]], []]
    assert said(loop) == "13"


def test_a_namespace_outlives_the_loop_that_changes_it() -> None:
    count = ["setattr", "ns", "n", ["add", ["get", ["name", "ns"], "n"], 1]]
    made = ["set", "ns", ["namespace", "n", 0]]
    assert said(made, ["for", "m", ["list", 1, 1, 1], True, [count], []], ["put", ["get", ["name", "ns"], "n"]]) == "3"


def test_a_macro_writes_with_its_defaults_and_sees_what_is_around_it() -> None:
    body = [["put", ["name", "a"]], ["put", ["name", "b"]], ["put", ["name", "x"]]]
    macro = ["macro", "f", ["a", ["undefined"], "b", "B"], body]
    assert said(["set", "x", "!"], macro, ["put", ["call", "f", "A"]], ["put", ["call", "f", 1, 2]]) == "AB!12!"


def test_captured_text_is_a_value() -> None:
    assert said(["capture", "x", ["a", ["put", 1]]], ["put", ["method", "upper", ["name", "x"]]]) == "A1"


def test_the_time_is_that_of_the_clock() -> None:
    program = Program.load('[["put", ["call", "strftime_now", "%d %b %Y"]]]')
    assert program.render(HELLO, {}, now=lambda: datetime(2024, 7, 26)) == "26 Jul 2024"  # noqa: DTZ001  # local time


def test_a_refusal_carries_the_template_s_words() -> None:
    with pytest.raises(TemplateRefusal, match="roles must alternate"):
        said(["put", ["call", "raise_exception", "roles must alternate"]])


X = ["name", "x"]
GROWING, NESTING = ["set", "x", ["add", X, X]], ["set", "x", ["list", X, X]]
FOREVER = ["call", "range", 100_000]
INNERMOST = ["for", "b", FOREVER, True, [["for", "c", FOREVER, True, [["put", 1]], []]], []]
HOSTILE: dict[str, list[Any]] = {
    "nested loops": [["for", "a", MESSAGES, True, [INNERMOST], []]],
    "a huge range": [["set", "x", ["call", "range", 10**12]]],
    "doubling a text": [["capture", "x", ["0123456789"]], *[GROWING] * 60, ["put", X]],
    "doubling a list": [["set", "x", ["list", 1, 2, 3]], *[GROWING] * 60],
    "multiplying numbers": [["set", "x", 10**9], *[["set", "x", ["mul", X, X]]] * 9],
    "multiplying a text": [["put", ["mul", "x", 10**9]]],
    "replacing nothing by much": [["put", ["method", "replace", "y" * 5_000, "", "y" * 5_000]]],
    "joining by much": [["put", ["filter", "join", ["call", "range", 9_999], "y" * 5_000]]],
    "stripping many characters": [*[["set", "x", ["method", "strip", "y" * 5_000, "z" * 5_000]]] * 99],
    "a macro that calls itself": [["macro", "f", [], [["put", ["call", "f"]]]], ["put", ["call", "f"]]],
    "a nested list written": [["set", "x", ["list"]], *[NESTING] * 40, ["put", X]],
    "nested lists compared": [["if", ["eq", ["list", 1], ["list", 1]], ["y"], []]],
    "a long time format": [["put", ["call", "strftime_now", "%c" * 1_000]]],
    "an endless output": [["for", "a", FOREVER, True, [["put", "y" * 10_000]], []]],
    "division by nothing": [["put", ["div", 1, 0]]],
    "a power of text": [["put", ["mod", "%9999999999d", 1]]],
    "splitting at nothing": [["put", ["filter", "join", ["method", "split", "abc", ""]]]],
    "a part of nothing": [["put", ["get", ["get", ["name", "nothing"], "a"], "b"]]],
    "a loop over a number": [["for", "a", 3, True, [], []]],
    "a namespace that is none": [["setattr", "messages", "x", 1]],
    "a wrong number of arguments": [["put", ["method", "upper", "a", "b", "c"]]],
    "a call of a value": [["put", ["call", "messages"]]],
    "an unordered comparison": [["put", ["lt", 1, "a"]]],
    "a huge exponent": [["put", ["mul", 1e308, 1e308]]],
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_program_ends_in_a_fault(name: str) -> None:
    with pytest.raises(TemplateFault):
        said(*HOSTILE[name], messages=[LONG] * 3)


MALFORMED: dict[str, str] = {
    "no JSON": "[",
    "deep JSON": "[" * 100_000,
    "no list": '"text"',
    "an unknown statement": '[["import", "os"]]',
    "an unknown expression": '[["put", ["eval", "1"]]]',
    "a statement as an expression": '[["put", ["put", 1]]]',
    "an expression as a statement": '[["name", "x"]]',
    "an unknown filter": '[["put", ["filter", "attr", "x", "__class__"]]]',
    "an unknown method": '[["put", ["method", "format", "x"]]]',
    "an unknown test": '[["if", ["test", "callable", 1], [], []]]',
    "a missing part": '[["if", true, []]]',
    "a part too many": '[["break", 1]]',
    "half a pair": '[["put", ["dict", "a"]]]',
    "a name that is none": '[["set", 1, 2]]',
    "an object": '[["put", {"a": 1}]]',
    "parameters that are none": '[["macro", "f", ["a"], []]]',
    "an empty node": "[[]]",
    "too deep": "[" + '["put", ' + '["not", ' * MAX_DEPTH + "1" + "]" * MAX_DEPTH + "]]",
    "too long": '["' + "x" * MAX_PROGRAM + '"]',
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_program_is_refused_when_it_is_read(name: str) -> None:
    with pytest.raises(TemplateFault):
        Program.load(MALFORMED[name])


PLAIN = st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab ", max_size=3)
BINARY = sorted({*OPERATORS} - {"slice", "not", "concat", "list"})
VALUES = st.recursive(
    PLAIN | st.just(["undefined"]) | st.just(MESSAGES),
    lambda inner: st.builds(lambda a: ["list", *a], st.lists(inner, max_size=2))
    | st.builds(lambda op, a, b: [op, a, b], st.sampled_from(BINARY), inner, inner)
    | st.builds(lambda op, a: ["filter", op, a], st.sampled_from(sorted(FILTERS)), inner)
    | st.builds(lambda op, a: ["test", op, a], st.sampled_from(sorted(TESTS)), inner)
    | st.builds(lambda op, a, b: ["method", op, a, b], st.sampled_from(sorted(METHODS)), inner, inner)
    | st.builds(lambda a, b: ["slice", a, b, None, None], inner, inner),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=1_000, deadline=None)
@given(VALUES)
def test_any_expression_yields_a_text_or_a_fault_and_no_other_error(node: object) -> None:
    with suppress(TemplateFault):
        assert isinstance(said(["put", node]), str)
