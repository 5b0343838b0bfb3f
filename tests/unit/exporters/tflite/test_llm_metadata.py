"""LlmMetadata is what protobuf's own code reads, and templates say the same with contents in parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateError
from litert_lm_builder.runtime.proto import llm_metadata_pb2

from edgeslm_agent.errors import Corrupt
from edgeslm_exporters.chat_template import _constants, _environment
from edgeslm_exporters.tflite.llm_metadata import LlmMetadata, llm_metadata, parse_llm_metadata, standalone_template
from support.conversations import CONVERSATIONS, families
from support.tiny import tiny_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

tokens = st.integers(0, 2**31 - 1) | st.text(max_size=8)
messages = st.builds(
    LlmMetadata,
    context=st.integers(1, 2**31 - 1),
    start=st.none() | tokens,
    stops=st.lists(tokens, max_size=4).map(tuple),
    template=st.none() | st.text(max_size=300),
)


@given(messages)
def test_protobuf_reads_what_is_written(metadata: LlmMetadata) -> None:
    read = llm_metadata_pb2.LlmMetadata.FromString(metadata.to_bytes())
    unions = [*([read.start_token] if read.HasField("start_token") else []), *read.stop_tokens]
    found = [union.token_str if union.HasField("token_str") else union.token_ids.ids[0] for union in unions]
    assert found == [*([] if metadata.start is None else [metadata.start]), *metadata.stops]
    assert read.max_num_tokens == metadata.context
    assert (read.jinja_prompt_template if read.HasField("jinja_prompt_template") else None) == metadata.template
    assert read.llm_model_type.HasField("generic_model")
    assert read.HasField("supports_thinking"), "LiteRT-LM's builder demands it"
    assert read.HasField("supports_function_calling")


@given(messages)
def test_what_is_written_reads_back(metadata: LlmMetadata) -> None:
    assert parse_llm_metadata(metadata.to_bytes()) == metadata


def test_what_others_write_reads_and_unknown_fields_are_passed_over() -> None:
    theirs = llm_metadata_pb2.LlmMetadata(max_num_tokens=64, kv_cache_init_value=-1, min_runtime_version="0.18")
    theirs.start_token.token_ids.ids.append(1)
    theirs.stop_tokens.add().token_str = "</s>"
    theirs.sampler_params.temperature = 0.5
    assert parse_llm_metadata(theirs.SerializeToString()) == LlmMetadata(64, 1, ("</s>",), None)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        parse_llm_metadata(data)
    except Corrupt as error:
        assert "LlmMetadata" in str(error)  # noqa: PT017  # both ways are right


@pytest.mark.parametrize("family", sorted(families()))
def test_a_template_says_of_parts_what_it_said_of_texts(family: str) -> None:
    template, named = families()[family]
    environment = _environment()
    plain, ours = environment.from_string(template), environment.from_string(standalone_template(template, named))
    compared = 0
    for conversation in CONVERSATIONS.values():
        parts = [{**said, "content": [{"type": "text", "text": said["content"]}]} for said in conversation]
        try:
            wanted = plain.render(messages=conversation, add_generation_prompt=True, **_constants(named))
        except (TemplateError, TypeError):
            continue
        assert ours.render(messages=parts, add_generation_prompt=True) == wanted
        compared += 1
    assert compared >= 4


def test_a_first_token_is_left_to_the_runtime(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path)
    template = "{{ bos_token }}{{ eos_token }}{% for message in messages %}{{ message['content'] }}{% endfor %}"
    settings = {"bos_token": "<s>", "eos_token": "</s>", "chat_template": template}

    def said(add: bool) -> LlmMetadata:
        object.__setattr__(checkpoint, "tokenizer_config", {**settings, "add_bos_token": add})
        return llm_metadata(checkpoint, 64)

    for add, start, text in ((True, 1, "</s>Hi"), (False, None, "<s></s>Hi")):
        found = said(add)
        assert (found.start, found.stops, found.context) == (start, (2,), 64)
        assert found.template is not None
        assert _environment().from_string(found.template).render(messages=[{"content": "Hi"}]) == text
