"""Qwen1.5, Qwen2 and Qwen2.5: Llama with a bias on query, key and value; some layers may see a window only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgeslm_exporters.config_reader import ConfigReader
from edgeslm_exporters.decoder_spec import Attention, DecoderSpec, Layer, Mlp
from edgeslm_exporters.layer_names import LayerNames, rms_norm, tables
from edgeslm_exporters.rope_reader import read_rotary

if TYPE_CHECKING:
    from collections.abc import Mapping


def describe(config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> DecoderSpec:  # noqa: ARG001  # same signature in every file here
    """Return the decoder spec of a Qwen2 checkpoint.

    Raises BadCheckpoint for missing keys (all at once) and UnsupportedOperator for forms without an operator.
    """
    read = ConfigReader(config)
    dims = read.dimensions()
    epsilon = read.number("rms_norm_eps", 1e-6)
    activation = read.activation("hidden_act")
    rotary = read_rotary(read, dims.head_size)
    windows = _windows(read, dims.layers)
    tied = read.flag("tie_word_embeddings")
    embedding, head = tables(dims, "model.embed_tokens", "lm_head", tied=tied)
    read.finish()

    def layer(index: int) -> Layer:
        of = LayerNames(dims, index, f"model.layers.{index}")
        return Layer(
            of.name,
            Attention(
                of.qkv("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", bias=True),
                of.output("self_attn.o_proj"),
                scale=dims.head_size**-0.5,
                rotary=rotary,
                window=windows[index],
            ),
            Mlp(of.gate_up("mlp.gate_proj", "mlp.up_proj"), of.down("mlp.down_proj"), activation, gated=True),
            attention_norm=of.rms("attention_norm", "input_layernorm", epsilon),
            mlp_norm=of.rms("mlp_norm", "post_attention_layernorm", epsilon),
        )

    return DecoderSpec(
        **vars(dims),
        model_type="qwen2",
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
