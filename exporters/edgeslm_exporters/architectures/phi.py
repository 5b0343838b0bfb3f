"""Phi-1, Phi-1.5 and Phi-2: one norm before attention and MLP side by side, biases everywhere, half-turned heads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgeslm_exporters.config_reader import ConfigReader
from edgeslm_exporters.decoder_spec import Attention, DecoderSpec, Layer, Mlp
from edgeslm_exporters.layer_names import LayerNames, layer_norm, tables
from edgeslm_exporters.rope_reader import read_rotary

if TYPE_CHECKING:
    from collections.abc import Mapping


def describe(config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> DecoderSpec:  # noqa: ARG001  # same signature in every file here
    """Return the decoder spec of a Phi checkpoint.

    Raises BadCheckpoint for missing keys (all at once) and UnsupportedOperator for forms without an operator.
    """
    read = ConfigReader(config)
    dims = read.dimensions()
    epsilon = read.number("layer_norm_eps", 1e-5)
    activation = read.activation("hidden_act", "gelu_tanh")
    rotary = read_rotary(read, dims.head_size, share=("partial_rotary_factor", 0.5))
    norms_heads = read.flag("qk_layernorm")
    tied = read.flag("tie_word_embeddings")
    embedding, head = tables(dims, "model.embed_tokens", "lm_head", tied=tied, bias=True)
    read.finish()

    def layer(index: int) -> Layer:
        of = LayerNames(dims, index, f"model.layers.{index}")
        norms = [
            of.layer_norm(name, module, epsilon, width=dims.head_size) if norms_heads else None
            for name, module in (("query_norm", "self_attn.q_layernorm"), ("key_norm", "self_attn.k_layernorm"))
        ]
        return Layer(
            of.name,
            Attention(
                of.qkv("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", bias=True),
                of.output("self_attn.dense", bias=True),
                scale=dims.head_size**-0.5,
                rotary=rotary,
                query_norm=norms[0],
                key_norm=norms[1],
            ),
            Mlp(of.gate_up("mlp.fc1", bias=True), of.down("mlp.fc2", bias=True), activation, gated=False),
            attention_norm=of.layer_norm("attention_norm", "input_layernorm", epsilon),
            parallel=True,
        )

    return DecoderSpec(
        **vars(dims),
        model_type="phi",
        embedding=embedding,
        stack=tuple(map(layer, range(dims.layers))),
        final_norm=layer_norm("final_norm", "model.final_layernorm", dims.hidden, epsilon),
        head=head,
    )
