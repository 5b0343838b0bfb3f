"""Compiled chat templates say what `transformers` says, for every family of the field.

The references are digests that tests/references/chats.py made with transformers.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeslm_agent.engine.prompt import ROLES
from edgeslm_agent.engine.template.program import Program
from edgeslm_agent.engine.template.values import TemplateFault, TemplateRefusal
from edgeslm_exporters import chat_template
from edgeslm_exporters.chat_template import compile_template
from support.conversations import (
    MOMENT,
    SHARED,
    Case,
    cases,
    families,
    read_chat_references,
    shared_families,
    short_digest,
)

if TYPE_CHECKING:
    from datetime import datetime

    from jinja2 import Template

    from edgeslm_agent.contract.manifest import ChatFormat

# Per family: has a system message a place, do earlier turns, is thinking asked for?
PLACES = {
    "alpaca": (True, True, False), "chatml": (True, True, False), "falcon-3": (True, True, False),
    "gemma-2": (False, True, False), "gemma-3": (True, True, False), "granite-3": (True, True, True),
    "llama-2": (True, True, False), "llama-3": (True, True, False), "llama-3.2": (True, True, False),
    "macros": (True, True, False), "mistral-v0.1": (False, True, False), "mistral-v0.3": (True, True, False),
    "olmo-2": (True, True, False), "phi-3": (True, True, False), "phi-4-mini": (True, True, False),
    "qwen-2.5": (True, True, False), "qwen-3": (True, True, True), "smollm-2": (True, True, False),
    "smollm-3": (True, True, True), "stablelm-2": (True, True, False), "vicuna": (True, True, False),
    "zephyr": (True, True, False),
}  # fmt: skip
SHARED_PLACES = {
    "shared-phi-3": (False, True, False),
    "shared-qwen2.5-template": (True, True, False),
    "shared-smollm3-template": (True, True, True),
}


def said(program: Program, case: Case, now: datetime = MOMENT) -> str | None:
    """Return the prompt, or None when the template refuses or fails."""
    try:
        return program.render(case.messages, case.variables, now=lambda: now)
    except (TemplateRefusal, TemplateFault):
        return None


def differing(name: str, template: str, tokens: dict[str, str]) -> tuple[ChatFormat, dict[str, str | None]]:
    """Return a family's format, and by case what it says where transformers says something else."""
    compiled = compile_template(template, tokens)
    program, references = Program.load(compiled.program), read_chat_references()[name]
    prompts = {case.name: said(program, case) for case in cases()}
    assert prompts.keys() == references.keys()
    return compiled, {case: text for case, text in prompts.items() if short_digest(text) != references[case]}


@pytest.mark.parametrize("name", families())
def test_a_compiled_template_says_what_transformers_says(name: str) -> None:
    compiled, wrong = differing(name, *families()[name])
    assert wrong == {}
    assert (compiled.system, compiled.turns, compiled.thinking) == PLACES[name]


@pytest.mark.parametrize("name", SHARED_PLACES)
def test_a_published_template_says_what_transformers_says(name: str) -> None:
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is absent: published tokenizers are not part of the repository")
    compiled, wrong = differing(name, *shared_families()[name])
    assert wrong == {}
    assert (compiled.system, compiled.turns, compiled.thinking) == SHARED_PLACES[name]


def test_the_references_hold_texts_and_refusals_of_different_kinds() -> None:
    """A reference that every program passes would prove nothing."""
    found = read_chat_references()
    assert found.keys() == families().keys() | SHARED_PLACES.keys()
    assert sum("refused" in digests.values() for digests in found.values()) >= 7
    assert all(len(set(digests.values())) >= 10 for digests in found.values())


def test_tools_leave_no_trace_in_the_program_of_a_device() -> None:
    for name in ("qwen-2.5", "qwen-3", "llama-3.2", "granite-3", "mistral-v0.3"):
        program = compile_template(*families()[name]).program
        assert "tool" not in program.replace("tool_response", "").replace("multi_step_tool", ""), name


TEXT = st.text("aü \n\t<>/'\"{}%世", max_size=12) | st.sampled_from(
    [
        "<think>\na\n</think>\n\nb",
        "</think>",
        "/no_think",
        "/system_override x",
        "<tool_response>a</tool_response>",
        "skip",
    ]
)
MESSAGES = st.lists(st.fixed_dictionaries({"role": st.sampled_from(ROLES), "content": TEXT}), min_size=1, max_size=5)


@pytest.mark.slow
@pytest.mark.parametrize("name", families())
@settings(max_examples=60, deadline=None)
@given(messages=MESSAGES, prompt=st.booleans(), thinking=st.none() | st.booleans())
def test_a_compiled_template_says_what_jinja_says_of_any_conversation(
    name: str, messages: list[dict[str, str]], prompt: bool, thinking: bool | None
) -> None:
    template, tokens = families()[name]
    variables: dict[str, object] = {"add_generation_prompt": prompt}
    if thinking is not None:
        variables |= {"enable_thinking": thinking, "thinking": thinking}
    program, by_jinja, constants = both(template, tuple(sorted(tokens.items())))
    ours = said(program, Case("", messages, variables), now=chat_template._MOMENT)
    assert ours == chat_template._said_by_jinja(by_jinja, messages, {**constants, **variables})


@cache
def both(template: str, tokens: tuple[tuple[str, str], ...]) -> tuple[Program, Template, dict[str, str | None]]:
    """Return a template as a program and as Jinja compiles it, and its constants."""
    by_jinja = chat_template._environment().from_string(template)
    program = Program.load(compile_template(template, dict(tokens)).program)
    return program, by_jinja, chat_template._constants(dict(tokens))
