"""Templates become programs: what no conversation can change is decided, and what a device lacks is named."""

from __future__ import annotations

import json

import pytest

from edgeslm_agent.errors import BadCheckpoint
from edgeslm_exporters.chat_template import compile_template

SHOWN = "{{ messages[0].content }}"
_CONTENT = ["put", ["get", ["get", ["name", "messages"], 0], "content"]]


def program(template: str, first_token: str = "") -> list[object]:
    found: list[object] = json.loads(compile_template(template + SHOWN, {"bos_token": first_token}).program)
    assert found[-1] == _CONTENT
    return found[:-1]


@pytest.mark.parametrize(
    "template",
    [
        "{% if tools %}{{ tools | tojson }}{% endif %}",
        "{% if tools is defined and tools is not none %}{{ lipsum() }}{% endif %}",
        "{% if not documents %}{% else %}{{ documents.items() }}{% endif %}",
        "{% if own is defined %}{% set tools = own %}{% endif %}{% if tools is not none %}{{ cycler() }}{% endif %}",
        "{% for tool in tools or [] %}{{ tool | tojson }}{% endfor %}",
        "{% for m in messages %}{% if m.tool_calls %}{{ m.tool_calls | tojson }}{% endif %}{% endfor %}",
        "{% for m in messages[1:] %}{% if 'tool_calls' in m %}{{ m | tojson }}{% endif %}{% endfor %}",
        "{% for m in messages %}{% if m.role == 'tool' or m.role in ['py'] %}{{ m | tojson }}{% endif %}{% endfor %}",
        "{% set last = messages[-1] %}{% if last.content is not string %}{{ last.content | tojson }}{% endif %}",
        "{% if messages[0].get('tool_calls') %}{{ 1 | tojson }}{% endif %}",
        "{% set unread = 'x' ~ messages[0].content %}",
    ],
)
def test_what_no_conversation_reaches_is_gone(template: str) -> None:
    assert program(template) == []


def test_constants_become_text_and_texts_one() -> None:
    assert program("{{ bos_token }}a{% if true %}b{% endif %}{{ 1 + 2 }}{{ no_token }}", "<s>") == ["<s>ab3"]


def test_a_constant_that_may_have_changed_is_read_at_run_time() -> None:
    template = "{% if messages | length > 1 %}{% set bos_token = 'B' %}{% endif %}{{ bos_token }}"
    first, second, third = program(template, "A")
    assert first == ["set", "bos_token", "A"]
    assert isinstance(second, list)
    assert second[0] == "if"
    assert third == ["put", ["name", "bos_token"]]


def test_a_name_set_in_a_loop_is_not_known_after_it() -> None:
    template = "{% set x = 'a' %}{% for m in messages %}{% set x = 'b' %}{{ x }}{% endfor %}{{ x }}"
    assert program(template) == [["for", "m", ["name", "messages"], True, ["b"], []], "a"]


@pytest.mark.parametrize(
    ("template", "what"),
    [
        ("{{ messages | tojson }}", "the filter 'tojson'"),
        ("\n\n{{ messages[0].content.format(1) }}", "line 3 uses the method 'format'"),
        ("{% if messages is callable %}{% endif %}", "the test 'callable'"),
        ("{{ lipsum() }}", "a call of 'lipsum'"),
        ("{{ messages[0]['content'].__class__() }}", "the method '__class__'"),
        ("{% include 'x' %}", "the tag 'include'"),
        ("{% for a, b in messages %}{% endfor %}", "a loop over several names"),
        ("{% set a, b = 1, 2 %}", "an assignment to several names"),
        ("{% filter upper %}a{% endfilter %}", "the tag 'filterblock'"),
        ("{{ 1 < 2 < 3 }}", "a chain of comparisons"),
        ("{{ 2 ** 99 }}", "Pow"),
        ("{{ range }}", "'range' without calling it"),
    ],
)
def test_what_a_device_lacks_is_named_with_its_line(template: str, what: str) -> None:
    with pytest.raises(BadCheckpoint, match="which a device cannot run") as raised:
        compile_template(template + SHOWN, {})
    assert what in str(raised.value)
    assert "line " in str(raised.value)
