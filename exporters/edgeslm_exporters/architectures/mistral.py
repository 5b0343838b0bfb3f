"""Mistral: Llama with attention that sees a window of the last tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgeslm_exporters.config_reader import MOST_LAYERS, ConfigReader
from edgeslm_exporters.decoder_spec import DecoderSpec

if TYPE_CHECKING:
    from collections.abc import Mapping


def describe(config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> DecoderSpec:  # noqa: ARG001  # same signature in every file here
    """Return the decoder spec of a Mistral checkpoint.

    Raises BadCheckpoint for missing keys (all at once) and UnsupportedOperator for forms without an operator.
    """
    read = ConfigReader(config)
    layers, hidden = read.size("num_hidden_layers", most=MOST_LAYERS), read.size("hidden_size")
    heads = read.size("num_attention_heads")
    theta, scaling = read.rope()
    read.expect("hidden_act", ("silu", "swish"))
    window = None if read.get("sliding_window") is None else read.size("sliding_window")
    spec = DecoderSpec(
        model_type="mistral",
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=read.size("num_key_value_heads"),
        head_size=read.size("head_dim", max(1, hidden // heads)),
        intermediate=read.size("intermediate_size"),
        vocab=read.size("vocab_size"),
        tied=read.flag("tie_word_embeddings"),
        norm_eps=read.number("rms_norm_eps"),
        rope_theta=theta,
        rope_scaling=scaling,
        max_positions=read.size("max_position_embeddings"),
        windows=(window,) * layers,
    )
    read.finish()
    return spec
