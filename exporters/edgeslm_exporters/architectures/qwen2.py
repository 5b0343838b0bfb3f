"""Qwen2 and Qwen2.5: Llama with a bias on query, key and value; some layers may see a window only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgeslm_exporters.config_reader import MOST_LAYERS, ConfigReader
from edgeslm_exporters.decoder_spec import DecoderSpec

if TYPE_CHECKING:
    from collections.abc import Mapping


def describe(config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> DecoderSpec:  # noqa: ARG001  # same signature in every file here
    """Return the decoder spec of a Qwen2 checkpoint.

    Raises BadCheckpoint for missing keys (all at once) and UnsupportedOperator for forms without an operator.
    """
    read = ConfigReader(config)
    layers, hidden = read.size("num_hidden_layers", most=MOST_LAYERS), read.size("hidden_size")
    heads = read.size("num_attention_heads")
    theta, scaling = read.rope()
    read.expect("hidden_act", ("silu", "swish"))
    spec = DecoderSpec(
        model_type="qwen2",
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
        windows=_windows(read, layers),
        qkv_bias=True,
    )
    read.finish()
    return spec


def _windows(read: ConfigReader, layers: int) -> tuple[int | None, ...]:
    """Layers below `max_window_layers` see everything, those from it on the window, if it is switched on at all."""
    if not read.flag("use_sliding_window") or read.get("sliding_window") is None:
        return (None,) * layers
    window = read.size("sliding_window")
    kinds = read.get("layer_types")
    if kinds is None:
        first = read.size("max_window_layers", 28)
        return tuple(window if index >= first else None for index in range(layers))
    if not isinstance(kinds, list) or len(kinds) != layers:
        read.problem(f"layer_types does not have {layers} entries")
        return (None,) * layers
    return tuple(window if kind == "sliding_attention" else None for kind in kinds)
