from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from edgeslm_agent.engine.generation import Generation
from edgeslm_agent.engine.prompt import ChatTemplate
from edgeslm_agent.errors import BadCheckpoint, MissingExtra
from edgeslm_exporters.chat_template import bos_token, compile_chat, stop_tokens
from edgeslm_exporters.checkpoint import open_checkpoint
from support.checkpoints import build_checkpoint
from support.conversations import families
from support.tiny import tiny_case

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm_agent.contract.manifest import ChatFormat
    from edgeslm_exporters.checkpoint import Checkpoint

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
WITH_BOS = "{{ bos_token }}{% for m in messages %}[INST]{{ m.content | trim }}[/INST]{% endfor %}"


def checkpoint(
    folder: Path,
    *,
    tokenizer_config: dict[str, Any] | None = None,
    tokenizer: dict[str, Any] | None = None,
    config: dict[str, Any] | None = None,
    extra_tokens: tuple[str, ...] = (),
) -> Checkpoint:
    """Build a tiny checkpoint with changes to its side files; `extra_tokens` take the ids of its last words."""
    path = build_checkpoint(tiny_case(**(config or {})), folder / "c")
    document = json.loads((path / "tokenizer.json").read_text()) | (tokenizer or {})
    for index, token in enumerate(extra_tokens):
        document["added_tokens"].append({**document["added_tokens"][0], "id": 90 + index, "content": token})
    (path / "tokenizer.json").write_text(json.dumps(document))
    (path / "tokenizer_config.json").write_text(json.dumps(tokenizer_config or {}))
    return open_checkpoint(path)


def prompt(found: ChatFormat | None, *messages: tuple[str, str]) -> str:
    """Return what a format makes of messages."""
    assert found is not None
    turns = [{"role": role, "content": content} for role, content in messages]
    return ChatTemplate(found).render(turns, Generation())


def test_a_template_becomes_a_program_that_says_what_it_says(tmp_path: Path) -> None:
    found = compile_chat(checkpoint(tmp_path, tokenizer_config={"chat_template": CHATML}))
    assert prompt(found, ("user", "hi")) == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    assert found is not None
    assert (found.system, found.turns, found.thinking) == (True, True, False)


def test_a_template_in_a_file_of_its_own_is_read(tmp_path: Path) -> None:
    opened = checkpoint(tmp_path)
    (opened.path / "chat_template.jinja").write_text("Q: {{ messages[0].content }}\nA:")
    found = compile_chat(opened)
    assert prompt(found, ("user", "why")) == "Q: why\nA:"
    assert found is not None
    assert (found.system, found.turns) == (False, False)


def test_the_default_of_several_named_templates_is_taken(tmp_path: Path) -> None:
    named = [{"name": "tool_use", "template": "x"}, {"name": "default", "template": "> {{ messages[0].content }}"}]
    assert prompt(compile_chat(checkpoint(tmp_path, tokenizer_config={"chat_template": named})), ("user", "a")) == "> a"


def test_no_template_is_no_format(tmp_path: Path) -> None:
    assert compile_chat(checkpoint(tmp_path)) is None


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('no user messages here') }}",
        "{% for x in %}",
        "no text at all",
        "{{ messages.missing.attribute }}",
        "{{ ''.__class__.__mro__ }}{{ messages[0].content.__class__.__base__.__subclasses__() }}",
    ],
)
def test_a_template_that_cannot_be_used_is_refused_with_a_way_out(tmp_path: Path, template: str) -> None:
    with pytest.raises(BadCheckpoint, match="chat template") as raised:
        compile_chat(checkpoint(tmp_path, tokenizer_config={"chat_template": template}))
    assert "remove chat_template" in raised.value.hint


def test_without_jinja_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = checkpoint(tmp_path, tokenizer_config={"chat_template": CHATML})
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(MissingExtra, match="jinja2"):
        compile_chat(opened)


def test_without_a_template_jinja_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert compile_chat(checkpoint(tmp_path)) is None


def test_the_first_token_comes_from_the_tokenizers_own_template(tmp_path: Path) -> None:
    processor = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}},
    }
    nested = {"type": "Sequence", "processors": [{"type": "ByteLevel"}, processor]}
    for index, found in enumerate((processor, nested)):
        assert bos_token(checkpoint(tmp_path / str(index), tokenizer={"post_processor": found})) == 1


def test_the_first_token_comes_from_add_bos_token(tmp_path: Path) -> None:
    config: dict[str, Any] = {"bos_token": {"content": "<s>"}, "add_bos_token": True}
    assert bos_token(checkpoint(tmp_path / "on", tokenizer_config=config)) == 1
    assert bos_token(checkpoint(tmp_path / "off", tokenizer_config={**config, "add_bos_token": False})) is None


@pytest.mark.parametrize("prepended", [True, False])
def test_a_template_writes_the_first_token_itself(tmp_path: Path, *, prepended: bool) -> None:
    config: dict[str, Any] = {"bos_token": "<s>", "chat_template": WITH_BOS, "add_bos_token": prepended}
    assert prompt(compile_chat(checkpoint(tmp_path, tokenizer_config=config)), ("user", " a ")) == "<s>[INST]a[/INST]"


HOSTILE = {
    "loops": "{% for a in range(99999) %}{% for b in range(99999) %}{{ messages[0].content }}{% endfor %}{% endfor %}",
    "text in the making": "{{ 'x' * 10**9 }}",
    "repeated text": "{{ 'x' * 999999999 }}{{ messages[0].content }}",
    "doubled text": "{% set n = namespace(x='a') %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
    "much output": "{% for a in range(9999) %}{{ messages[0].content }}" + "y" * 9_999 + "{% endfor %}",
    "nested blocks": "{% if messages %}" * 400 + "{{ messages[0].content }}" + "{% endif %}" * 400,
    "nested brackets": "{{ " + "(" * 5_000 + "messages[0].content" + ")" * 5_000 + " }}",
    "nested lists": "{{ " + "[" * 300 + "messages[0].content" + "]" * 300 + " }}",
    "recursion": "{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}{{ messages[0].content }}",
    "a long template": "{{ messages[0].content }}" + " " * 2**18,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_template_is_refused_in_bounded_time(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadCheckpoint, match="chat template"):
        compile_chat(checkpoint(tmp_path, tokenizer_config={"chat_template": HOSTILE[name]}))


def test_stop_tokens_are_those_of_every_config_sorted_and_once(tmp_path: Path) -> None:
    opened = checkpoint(tmp_path, config={"eos_token_id": [7, 5]}, tokenizer_config={"eos_token": "</s>"})
    (opened.path / "generation_config.json").write_text('{"eos_token_id": 5}')
    assert stop_tokens(opened) == (2, 5, 7)


def test_the_token_that_ends_a_turn_of_the_template_stops_too(tmp_path: Path) -> None:
    opened = checkpoint(
        tmp_path,
        config={"eos_token_id": 2},
        tokenizer_config={"chat_template": CHATML},
        extra_tokens=("<|im_start|>", "<|im_end|>"),
    )
    assert stop_tokens(opened) == (2, 91)


def test_the_end_of_a_turn_is_found_beside_thoughts_dates_and_defaults(tmp_path: Path) -> None:
    ends = {
        "llama-3.2": "<|eot_id|>",
        "gemma-3": "<end_of_turn>",
        "phi-3": "<|end|>",
        "zephyr": "</s>",
        "qwen-3": "<|im_end|>",
    }
    for name, end in ends.items():
        template, tokens = families()[name]
        config = {**tokens, "eos_token": "<unk>", "chat_template": template.replace("eos_token", "'</s>'")}
        extra = () if end == "</s>" else (end,)
        opened = checkpoint(tmp_path / name, config={"eos_token_id": 5}, tokenizer_config=config, extra_tokens=extra)
        assert stop_tokens(opened) == tuple(sorted({0, 5, 2 if end == "</s>" else 90})), name
