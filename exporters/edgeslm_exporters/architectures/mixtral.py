"""Mixtral: Mistral with experts, of which each token has a few."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from edgeslm_exporters.config_reader import ConfigReader
from edgeslm_exporters.decoder_spec import Attention, DecoderSpec, Experts, Layer, Mlp
from edgeslm_exporters.layer_names import LayerNames, rms_norm, tables
from edgeslm_exporters.rope_reader import read_rotary

if TYPE_CHECKING:
    from collections.abc import Mapping


def describe(config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> DecoderSpec:  # noqa: ARG001  # same signature in every file here
    """Return the decoder spec of a Mixtral checkpoint.

    Raises BadCheckpoint for missing keys (all at once) and UnsupportedOperator for forms without an operator.
    """
    read = ConfigReader(config)
    dims = read.dimensions()
    epsilon = read.number("rms_norm_eps", 1e-5)
    activation = read.activation("hidden_act")
    rotary = read_rotary(read, dims.head_size, theta=("rope_theta", 1e6))
    window = None if read.get("sliding_window") is None else read.size("sliding_window")
    count, chosen = read.size("num_local_experts", 8), read.size("num_experts_per_tok", 2)
    if chosen > count:
        read.problem(f"num_experts_per_tok is {chosen}, of {count} experts")
    tied = read.flag("tie_word_embeddings")
    embedding, head = tables(dims, "model.embed_tokens", "lm_head", tied=tied)
    read.finish()

    def expert(of: LayerNames, number: int) -> Mlp:
        module, name = f"block_sparse_moe.experts.{number}", f"experts.{number}"
        gate_up = [(f"{module}.w1", dims.intermediate), (f"{module}.w3", dims.intermediate)]
        up = of.matrix(f"{name}.gate_up", "gate_up", gate_up, dims.hidden)
        down = of.matrix(f"{name}.down", "down", [(f"{module}.w2", dims.hidden)], dims.intermediate)
        share = chosen / count
        return Mlp(replace(up, share=share), replace(down, share=share), activation, gated=True)

    def layer(index: int) -> Layer:
        of = LayerNames(dims, index, f"model.layers.{index}")
        return Layer(
            of.name,
            Attention(
                of.qkv("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
                of.output("self_attn.o_proj"),
                scale=dims.head_size**-0.5,
                rotary=rotary,
                window=window,
            ),
            Experts(
                of.matrix("router", None, [("block_sparse_moe.gate", count)], dims.hidden),
                tuple(expert(of, number) for number in range(count)),
                chosen,
            ),
            attention_norm=of.rms("attention_norm", "input_layernorm", epsilon),
            mlp_norm=of.rms("mlp_norm", "post_attention_layernorm", epsilon),
        )

    return DecoderSpec(
        **vars(dims),
        model_type="mixtral",
        embedding=embedding,
        stack=tuple(map(layer, range(dims.layers))),
        final_norm=rms_norm("final_norm", "model.norm", dims.hidden, epsilon),
        head=head,
    )
