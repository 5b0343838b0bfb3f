from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from edgeslm_agent.contract.manifest import ChatFormat
from edgeslm_agent.errors import BadCheckpoint, MissingExtra
from edgeslm_exporters.chat_template import bos_token, compile_chat, stop_tokens
from edgeslm_exporters.checkpoint import open_checkpoint
from support.checkpoints import build_checkpoint
from support.tiny import tiny_case

if TYPE_CHECKING:
    from pathlib import Path

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


def test_a_template_becomes_what_stands_before_and_after(tmp_path: Path) -> None:
    found = compile_chat(checkpoint(tmp_path, tokenizer_config={"chat_template": CHATML}))
    assert found == ChatFormat("<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n")


def test_a_template_in_a_file_of_its_own_is_read(tmp_path: Path) -> None:
    opened = checkpoint(tmp_path)
    (opened.path / "chat_template.jinja").write_text("Q: {{ messages[0].content }}\nA:")
    assert compile_chat(opened) == ChatFormat("Q: ", "\nA:")


def test_the_default_of_several_named_templates_is_taken(tmp_path: Path) -> None:
    named = [{"name": "tool_use", "template": "x"}, {"name": "default", "template": "> {{ messages[0].content }}"}]
    assert compile_chat(checkpoint(tmp_path, tokenizer_config={"chat_template": named})) == ChatFormat("> ", "")


def test_no_template_is_no_format(tmp_path: Path) -> None:
    assert compile_chat(checkpoint(tmp_path)) is None


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('no user messages here') }}",
        "{% for x in %}",
        "no text at all",
        "{{ messages[0].content }}{{ messages[0].content }}",
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


def test_a_first_token_the_engine_prepends_is_not_repeated_by_the_template(tmp_path: Path) -> None:
    config: dict[str, Any] = {"bos_token": "<s>", "chat_template": WITH_BOS}
    assert compile_chat(checkpoint(tmp_path / "a", tokenizer_config=config)) == ChatFormat("<s>[INST]", "[/INST]")
    prepending = checkpoint(tmp_path / "b", tokenizer_config={**config, "add_bos_token": True})
    assert compile_chat(prepending) == ChatFormat("[INST]", "[/INST]")


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
