"""Llama and what follows its config: Llama 2 and 3, TinyLlama, SmolLM2, Falcon 3, Orca 2, Alpaca, Vicuna."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgeslm_exporters.config_reader import ConfigReader
from edgeslm_exporters.decoder_spec import Attention, DecoderSpec, Layer, Mlp
from edgeslm_exporters.layer_names import LayerNames, rms_norm, tables
from edgeslm_exporters.rope_reader import read_rotary

if TYPE_CHECKING:
    from collections.abc import Mapping


def describe(config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> DecoderSpec:  # noqa: ARG001  # same signature in every file here
    """Return the decoder spec of a Llama checkpoint.

    Raises BadCheckpoint for missing keys (all at once) and UnsupportedOperator for forms without an operator.
    """
    read = ConfigReader(config)
    dims = read.dimensions(max_positions=2048)  # which Llama 1, Alpaca and Vicuna leave out
    epsilon = read.number("rms_norm_eps", 1e-6)
    activation = read.activation("hidden_act")
    rotary = read_rotary(read, dims.head_size)
    bias, mlp_bias = read.flag("attention_bias"), read.flag("mlp_bias")
    tied = read.flag("tie_word_embeddings")
    embedding, head = tables(dims, "model.embed_tokens", "lm_head", tied=tied)
    read.finish()

    def layer(index: int) -> Layer:
        of = LayerNames(dims, index, f"model.layers.{index}")
        up = of.gate_up("mlp.gate_proj", "mlp.up_proj", bias=mlp_bias)
        return Layer(
            of.name,
            Attention(
                of.qkv("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", bias=bias),
                of.output("self_attn.o_proj", bias=bias),
                scale=dims.head_size**-0.5,
                rotary=rotary,
            ),
            Mlp(up, of.down("mlp.down_proj", bias=mlp_bias), activation, gated=True),
            attention_norm=of.rms("attention_norm", "input_layernorm", epsilon),
            mlp_norm=of.rms("mlp_norm", "post_attention_layernorm", epsilon),
        )

    return DecoderSpec(
        **vars(dims),
        model_type="llama",
        embedding=embedding,
        stack=tuple(map(layer, range(dims.layers))),
        final_norm=rms_norm("final_norm", "model.norm", dims.hidden, epsilon),
        head=head,
    )
