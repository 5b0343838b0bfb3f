"""The tokenizer.json that ships says alone what `transformers` takes from two files."""

from __future__ import annotations

import json
from typing import Any

import pytest

from edgeslm_agent.errors import BadCheckpoint
from edgeslm_exporters.tokenizer_file import compile_tokenizer, read_tokenizer

TOKEN = {
    "id": 2,
    "content": "<end>",
    "single_word": False,
    "lstrip": False,
    "rstrip": False,
    "normalized": False,
    "special": True,
}
PIECES: dict[str, Any] = {
    "version": "1.0",
    "added_tokens": [TOKEN],
    "normalizer": {"type": "Prepend", "prepend": "▁"},
    "pre_tokenizer": None,
    "post_processor": None,
    "decoder": None,
    "model": {"type": "BPE", "byte_fallback": True, "vocab": {"a": 0, "b": 1, "<end>": 2}, "merges": []},
}
LLAMA = {"tokenizer_class": "LlamaTokenizerFast"}


def compiled(config: dict[str, Any], model_type: str = "llama", **changes: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(compile_tokenizer(json.dumps(PIECES | changes).encode(), config, model_type))
    return found


def test_a_file_that_says_all_comes_back_to_the_byte() -> None:
    data = json.dumps(PIECES, indent=3).encode()
    assert compile_tokenizer(data, {}, "llama") is data
    assert compile_tokenizer(data, {"added_tokens_decoder": {"2": {"content": "<end>", "special": True}}}, "") is data


def test_what_the_config_says_of_an_added_token_counts() -> None:
    config = {
        "added_tokens_decoder": {"2": {"content": "<end>", "rstrip": True}, "3": {"content": "<new>", "special": True}}
    }
    old, new = compiled(config)["added_tokens"]
    assert old == {**TOKEN, "rstrip": True}
    assert (new["id"], new["content"], new["special"], new["lstrip"]) == (3, "<new>", True, False)
    assert read_tokenizer(compile_tokenizer(json.dumps(PIECES).encode(), config, ""), []).special == {
        "<end>": 2,
        "<new>": 3,
    }


@pytest.mark.parametrize(
    ("config", "scheme"),
    [({}, "first"), ({"legacy": False}, "first"), ({"legacy": True}, "always"), ({"add_prefix_space": False}, "never")],
)
def test_a_llama_puts_its_space_where_its_config_says(config: dict[str, Any], scheme: str) -> None:
    found = compiled({**LLAMA, **config})
    assert found["normalizer"] is None
    assert found["pre_tokenizer"]["prepend_scheme"] == scheme
    assert [step["type"] for step in found["decoder"]["decoders"]][3:] == ([] if scheme == "never" else ["Strip"])


def test_another_class_model_or_kind_of_vocabulary_is_left_alone() -> None:
    assert compiled(LLAMA, "phi3") == PIECES
    assert compiled({"tokenizer_class": "PreTrainedTokenizerFast"}) == PIECES
    byte_level = {"type": "BPE", "vocab": {}, "merges": []}
    assert compiled(LLAMA, model=byte_level)["normalizer"] == PIECES["normalizer"]


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"added_tokens": [1], "model": {}}', b"\xff"])
def test_what_is_no_tokenizer_is_refused(data: bytes) -> None:
    with pytest.raises(BadCheckpoint, match=r"tokenizer\.json|is not a tokenizer"):
        read_tokenizer(compile_tokenizer(data, LLAMA, "llama"), [])
