"""Gemma 2: Gemma with norms before and behind each part, soft caps, and a window in every other layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgeslm_exporters.config_reader import ConfigReader
from edgeslm_exporters.decoder_spec import Attention, DecoderSpec, Layer, Mlp
from edgeslm_exporters.layer_names import LayerNames, rms_norm, tables
from edgeslm_exporters.rope_reader import read_rotary

if TYPE_CHECKING:
    from collections.abc import Mapping


def describe(config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> DecoderSpec:  # noqa: ARG001  # same signature in every file here
    """Return the decoder spec of a Gemma 2 checkpoint.

    Raises BadCheckpoint for missing keys (all at once) and UnsupportedOperator for forms without an operator.
    """
    read = ConfigReader(config)
    dims = read.dimensions(head_size=256)
    epsilon = read.number("rms_norm_eps", 1e-6)
    activation = read.activation("hidden_activation", "gelu_tanh")
    scale = read.number("query_pre_attn_scalar", 256) ** -0.5
    cap, logit_cap = (
        None if read.get(key) is None else read.number(key)
        for key in ("attn_logit_softcapping", "final_logit_softcapping")
    )
    rotary = read_rotary(read, dims.head_size)
    alternating = tuple(index % 2 == 0 for index in range(dims.layers))
    windows = read.windows(read.size("sliding_window", 4096), alternating)
    bias = read.flag("attention_bias")
    tied = read.flag("tie_word_embeddings", default=True)
    embedding, head = tables(dims, "model.embed_tokens", "lm_head", tied=tied)
    read.finish()

    def layer(index: int) -> Layer:
        of = LayerNames(dims, index, f"model.layers.{index}")
        return Layer(
            of.name,
            Attention(
                of.qkv("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", bias=bias),
                of.output("self_attn.o_proj", bias=bias),
                scale=scale,
                rotary=rotary,
                window=windows[index],
                soft_cap=cap,
            ),
            Mlp(of.gate_up("mlp.gate_proj", "mlp.up_proj"), of.down("mlp.down_proj"), activation, gated=True),
            attention_norm=of.rms("attention_norm", "input_layernorm", epsilon, offset=1.0),
            attended_norm=of.rms("attended_norm", "post_attention_layernorm", epsilon, offset=1.0),
            mlp_norm=of.rms("mlp_norm", "pre_feedforward_layernorm", epsilon, offset=1.0),
            fed_norm=of.rms("fed_norm", "post_feedforward_layernorm", epsilon, offset=1.0),
        )

    return DecoderSpec(
        **vars(dims),
        model_type="gemma2",
        embedding=embedding,
        stack=tuple(map(layer, range(dims.layers))),
        final_norm=rms_norm("final_norm", "model.norm", dims.hidden, epsilon, offset=1.0),
        head=head,
        embedding_scale=dims.hidden**0.5,
        logit_cap=logit_cap,
    )
