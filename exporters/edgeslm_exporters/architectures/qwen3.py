"""Qwen3: Llama with a norm on each query and key head; some layers may see a window only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgeslm_exporters.config_reader import ConfigReader
from edgeslm_exporters.decoder_spec import Attention, DecoderSpec, Layer, Mlp
from edgeslm_exporters.layer_names import LayerNames, rms_norm, tables
from edgeslm_exporters.rope_reader import read_rotary

if TYPE_CHECKING:
    from collections.abc import Mapping


def describe(config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> DecoderSpec:  # noqa: ARG001  # same signature in every file here
    """Return the decoder spec of a Qwen3 checkpoint.

    Raises BadCheckpoint for missing keys (all at once) and UnsupportedOperator for forms without an operator.
    """
    read = ConfigReader(config)
    dims = read.dimensions(head_size=128)
    epsilon = read.number("rms_norm_eps", 1e-6)
    activation = read.activation("hidden_act")
    rotary = read_rotary(read, dims.head_size)
    windows = _windows(read, dims.layers)
    bias = read.flag("attention_bias")
    tied = read.flag("tie_word_embeddings")
    embedding, head = tables(dims, "model.embed_tokens", "lm_head", tied=tied)
    read.finish()

    def layer(index: int) -> Layer:
        of = LayerNames(dims, index, f"model.layers.{index}")
        return Layer(
            of.name,
            Attention(
                of.qkv("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", bias=bias),
                of.output("self_attn.o_proj", bias=bias),
                scale=dims.head_size**-0.5,
                rotary=rotary,
                window=windows[index],
                query_norm=of.rms("query_norm", "self_attn.q_norm", epsilon, width=dims.head_size),
                key_norm=of.rms("key_norm", "self_attn.k_norm", epsilon, width=dims.head_size),
            ),
            Mlp(of.gate_up("mlp.gate_proj", "mlp.up_proj"), of.down("mlp.down_proj"), activation, gated=True),
            attention_norm=of.rms("attention_norm", "input_layernorm", epsilon),
            mlp_norm=of.rms("mlp_norm", "post_attention_layernorm", epsilon),
        )

    return DecoderSpec(
        **vars(dims),
        model_type="qwen3",
        embedding=embedding,
        stack=tuple(map(layer, range(dims.layers))),
        final_norm=rms_norm("final_norm", "model.norm", dims.hidden, epsilon),
        head=head,
    )


def _windows(read: ConfigReader, layers: int) -> tuple[int | None, ...]:
    """Layers below `max_window_layers` see everything, those from it on the window, if it is switched on at all."""
    if not read.flag("use_sliding_window") or read.get("sliding_window") is None:
        return (None,) * layers
    first = read.size("max_window_layers", 28, least=0)
    return read.windows(read.size("sliding_window"), tuple(index >= first for index in range(layers)))
