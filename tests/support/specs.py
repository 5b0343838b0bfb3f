"""Decoder specs of known checkpoints, from the shapes that ship under profiles/models; no weights, no files."""

from __future__ import annotations

from edgeslm.catalog import models
from edgeslm_exporters.decoder_spec import DecoderSpec


def spec_named(name: str) -> DecoderSpec:
    """Return the spec of a model that ships as a card, for example `smollm2-135m-instruct`."""
    shape = next(card.shape for card in models() if card.name == name)
    assert shape is not None
    return DecoderSpec(
        model_type="llama",
        layers=shape.layers,
        hidden=shape.hidden,
        heads=shape.heads,
        kv_heads=shape.kv_heads,
        head_size=shape.head_size,
        intermediate=shape.intermediate,
        vocab=shape.vocabulary,
        tied=shape.tied,
        norm_eps=1e-5,
        rope_theta=10_000.0,
        rope_scaling=None,
        max_positions=shape.max_context,
        windows=(None,) * shape.layers,
        qkv_bias=shape.qkv_bias,
    )


HOME = DecoderSpec(
    model_type="llama",
    layers=6,
    hidden=192,
    heads=6,
    kv_heads=2,
    head_size=32,
    intermediate=512,
    vocab=1024,
    tied=True,
    norm_eps=1e-5,
    rope_theta=10_000.0,
    rope_scaling=None,
    max_positions=256,
    windows=(None,) * 6,
)
