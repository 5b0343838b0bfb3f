"""Conversations become prompts, or errors that say what to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeslm_agent.contract.manifest import ChatFormat
from edgeslm_agent.engine.generation import Generation
from edgeslm_agent.engine.prompt import ChatTemplate
from edgeslm_agent.engine.tokenizer import FastTokenizer
from edgeslm_agent.errors import Corrupt, Incompatible, UsageError
from support.toy_graph import BOS, EOS, TOY_CHAT, write_toy_tokenizer

if TYPE_CHECKING:
    from pathlib import Path

USER, BOT = 258, 259
DEFAULT = Generation()
STRANGER = Generation(special_tokens=False)
HI = [{"role": "user", "content": "hi"}]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> FastTokenizer:
    file: Path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    write_toy_tokenizer(file)
    return FastTokenizer(file)


def template(
    program: object = None, *, system: bool = False, turns: bool = False, thinking: bool = False
) -> ChatTemplate:
    text = TOY_CHAT if program is None else json.dumps(program)
    return ChatTemplate(ChatFormat(text, system=system, turns=turns, thinking=thinking))


def test_a_system_message_without_a_place_is_refused_and_not_dropped() -> None:
    with pytest.raises(Incompatible, match="no place for a system message") as caught:
        template().render([{"role": "system", "content": "be brief"}, *HI], DEFAULT)
    assert "first user message" in caught.value.hint


def test_earlier_turns_without_a_place_are_refused() -> None:
    with pytest.raises(Incompatible, match="earlier turns"):
        template().render([*HI, {"role": "assistant", "content": "yes"}, *HI], DEFAULT)


def test_thinking_reaches_a_template_that_asks_and_no_other() -> None:
    asks = template([["put", ["name", "enable_thinking"]], ["put", ["name", "thinking"]]], thinking=True)
    assert [asks.render(HI, Generation(thinking=value)) for value in (None, True, False)] == [
        "",
        "TrueTrue",
        "FalseFalse",
    ]
    with pytest.raises(Incompatible, match="does not ask whether to think"):
        template().render(HI, Generation(thinking=False))


@pytest.mark.parametrize(
    ("messages", "what"),
    [
        ([], "empty"),
        ([{"role": "tool", "content": "x"}], "'tool': tools"),
        ([{"role": "user", "content": "x", "tool_calls": "y"}], "with tool_calls"),
        ([{"role": "user"}], "no text"),
        ([{"role": "user", "content": [{"type": "image"}]}], "no text"),
        ([{"content": "x"}], "None"),
        (["hi"], "no text"),
    ],
)
def test_what_is_no_message_is_a_usage_error(messages: Any, what: str) -> None:  # noqa: ANN401  # wrong on purpose
    for options in (DEFAULT, STRANGER):
        with pytest.raises(UsageError, match=what) as caught:
            template().encode(messages, options, FakeTokenizer())
        assert '"role"' in caught.value.hint


def test_a_template_that_refuses_is_a_usage_error_in_its_words() -> None:
    refusing = template([["put", ["call", "raise_exception", "users first"]]])
    with pytest.raises(UsageError, match="refuses the messages: users first"):
        refusing.render(HI, DEFAULT)


def test_a_template_that_goes_on_for_long_is_incompatible() -> None:
    endless = template([["for", "a", ["call", "range", 10**6], True, [["put", "x"]], []]])
    with pytest.raises(Incompatible, match=r"too much text|too many steps"):
        endless.render(HI, DEFAULT)


def test_a_program_that_is_none_is_a_corrupt_bundle() -> None:
    with pytest.raises(Corrupt, match="chat template is broken"):
        template([["import", "os"]])


def test_special_tokens_in_a_message_count_as_in_transformers_unless_told_not_to(toy: FastTokenizer) -> None:
    messages = [{"role": "user", "content": "a</s>b"}]
    assert template().encode(messages, DEFAULT, toy) == [BOS, USER, *b"a", EOS, *b"b", BOT]
    assert template().encode(messages, STRANGER, toy) == [BOS, USER, *b"a</s>b", BOT]


@given(
    st.lists(
        st.sampled_from(["<s>", "</s>", "<user>", "<bot>", "<", "s>", "/", "\U000f0000", "\U000f0001", "é", "\n"]),
        max_size=12,
    )
)
def test_no_text_of_a_stranger_makes_a_special_token(toy: FastTokenizer, parts: list[str]) -> None:
    content = "".join(parts)
    ids = template().encode([{"role": "user", "content": content}], STRANGER, toy)
    clean = content.replace("\U000f0000", "").replace("\U000f0001", "")
    assert ids == [BOS, USER, *clean.encode(), BOT]


class FakeTokenizer(FastTokenizer):
    """Never asked: what is no message is refused before anything is encoded."""

    def __init__(self) -> None: ...
