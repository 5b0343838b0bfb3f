"""Decoder specs of known checkpoints, from the shapes that ship under profiles/models; no weights, no files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm.catalog import models
from edgeslm_exporters.architectures import spec_of

if TYPE_CHECKING:
    from edgeslm_exporters.decoder_spec import DecoderSpec


def llama_spec(**config: object) -> DecoderSpec:
    """Return the spec of a Llama with this config.json."""
    return spec_of({"model_type": "llama", "rms_norm_eps": 1e-5, **config})


def spec_named(name: str) -> DecoderSpec:
    """Return the spec of a model that ships as a card, for example `smollm2-135m-instruct`."""
    shape = next(card.shape for card in models() if card.name == name)
    assert shape is not None
    return llama_spec(
        num_hidden_layers=shape.layers,
        hidden_size=shape.hidden,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_size,
        intermediate_size=shape.intermediate,
        vocab_size=shape.vocabulary,
        tie_word_embeddings=shape.tied,
        max_position_embeddings=shape.max_context,
        **({"model_type": "qwen2"} if shape.qkv_bias else {}),
    )


HOME = llama_spec(
    num_hidden_layers=6,
    hidden_size=192,
    num_attention_heads=6,
    num_key_value_heads=2,
    intermediate_size=512,
    vocab_size=1024,
    tie_word_embeddings=True,
    max_position_embeddings=256,
)
