"""OLMo 2: Llama with norms behind each part instead of before, and on all query and key heads at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgeslm_exporters.config_reader import ConfigReader
from edgeslm_exporters.decoder_spec import Attention, DecoderSpec, Layer, Mlp
from edgeslm_exporters.layer_names import LayerNames, rms_norm, tables
from edgeslm_exporters.rope_reader import read_rotary

if TYPE_CHECKING:
    from collections.abc import Mapping


def describe(config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> DecoderSpec:  # noqa: ARG001  # same signature in every file here
    """Return the decoder spec of an OLMo 2 checkpoint.

    Raises BadCheckpoint for missing keys (all at once) and UnsupportedOperator for forms without an operator.
    """
    read = ConfigReader(config)
    dims = read.dimensions()
    epsilon = read.number("rms_norm_eps", 1e-5)
    activation = read.activation("hidden_act")
    rotary = read_rotary(read, dims.head_size)
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
                query_norm=of.rms("query_norm", "self_attn.q_norm", epsilon, width=dims.query_size),
                key_norm=of.rms("key_norm", "self_attn.k_norm", epsilon, width=dims.kv_size),
            ),
            Mlp(of.gate_up("mlp.gate_proj", "mlp.up_proj"), of.down("mlp.down_proj"), activation, gated=True),
            attended_norm=of.rms("attended_norm", "post_attention_layernorm", epsilon),
            fed_norm=of.rms("fed_norm", "post_feedforward_layernorm", epsilon),
        )

    return DecoderSpec(
        **vars(dims),
        model_type="olmo2",
        embedding=embedding,
        stack=tuple(map(layer, range(dims.layers))),
        final_norm=rms_norm("final_norm", "model.norm", dims.hidden, epsilon),
        head=head,
    )
