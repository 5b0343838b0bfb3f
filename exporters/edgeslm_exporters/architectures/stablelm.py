"""StableLM and StableLM 2: Llama with norms by mean and variance, and a quarter of each head rotated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgeslm_exporters.config_reader import ConfigReader
from edgeslm_exporters.decoder_spec import Attention, DecoderSpec, Layer, Mlp
from edgeslm_exporters.layer_names import LayerNames, layer_norm, tables
from edgeslm_exporters.rope_reader import read_rotary

if TYPE_CHECKING:
    from collections.abc import Mapping


def describe(config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> DecoderSpec:  # noqa: ARG001  # same signature in every file here
    """Return the decoder spec of a StableLM checkpoint.

    Raises BadCheckpoint for missing keys (all at once) and UnsupportedOperator for forms without an operator, among
    them `qk_layernorm`, the norms of the 12B model with factors of their own for every head.
    """
    read = ConfigReader(config)
    dims = read.dimensions()
    epsilon = read.number("layer_norm_eps", 1e-5)
    activation = read.activation("hidden_act")
    rotary = read_rotary(read, dims.head_size, share=("partial_rotary_factor", 0.25))
    bias, parallel = read.flag("use_qkv_bias"), read.flag("use_parallel_residual")
    read.expect("qk_layernorm", (False,))
    tied = read.flag("tie_word_embeddings")
    embedding, head = tables(dims, "model.embed_tokens", "lm_head", tied=tied)
    read.finish()

    def layer(index: int) -> Layer:
        of = LayerNames(dims, index, f"model.layers.{index}")
        mlp_norm = of.layer_norm("mlp_norm", "post_attention_layernorm", epsilon)
        return Layer(
            of.name,
            Attention(
                of.qkv("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", bias=bias),
                of.output("self_attn.o_proj"),
                scale=dims.head_size**-0.5,
                rotary=rotary,
            ),
            Mlp(of.gate_up("mlp.gate_proj", "mlp.up_proj"), of.down("mlp.down_proj"), activation, gated=True),
            attention_norm=of.layer_norm("attention_norm", "input_layernorm", epsilon),
            mlp_norm=None if parallel else mlp_norm,
            parallel=parallel,
        )

    return DecoderSpec(
        **vars(dims),
        model_type="stablelm",
        embedding=embedding,
        stack=tuple(map(layer, range(dims.layers))),
        final_norm=layer_norm("final_norm", "model.norm", dims.hidden, epsilon),
        head=head,
    )
