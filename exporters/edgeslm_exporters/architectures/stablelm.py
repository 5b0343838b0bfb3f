"""StableLM and StableLM 2: Llama with norms by mean and variance, and a quarter of each head rotated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgeslm_exporters.config_reader import ConfigReader
from edgeslm_exporters.decoder_spec import Attention, DecoderSpec, Layer, Mlp, Norm
from edgeslm_exporters.layer_names import LayerNames, layer_norm, tables
from edgeslm_exporters.rope_reader import read_rotary

if TYPE_CHECKING:
    from collections.abc import Mapping


def describe(config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> DecoderSpec:  # noqa: ARG001  # same signature in every file here
    """Return the decoder spec of a StableLM checkpoint.

    Raises BadCheckpoint for missing keys (all at once) and UnsupportedOperator for forms without an operator.
    """
    read = ConfigReader(config)
    dims = read.dimensions()
    epsilon = read.number("layer_norm_eps", 1e-5)
    activation = read.activation("hidden_act")
    rotary = read_rotary(read, dims.head_size, share=("partial_rotary_factor", 0.25))
    bias, parallel = read.flag("use_qkv_bias"), read.flag("use_parallel_residual")
    head_norms = read.flag("qk_layernorm")
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
                query_norm=_head_norms(of, "query", "q", dims.heads, epsilon) if head_norms else None,
                key_norm=_head_norms(of, "key", "k", dims.kv_heads, epsilon) if head_norms else None,
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


def _head_norms(of: LayerNames, name: str, which: str, heads: int, epsilon: float) -> Norm:
    """Return the norm of query or key in the 12B model, where every head has factors of its own."""
    modules = [of.module(f"self_attn.{which}_layernorm.norms.{head}") for head in range(heads)]
    tensors = tuple(f"{module}.weight" for module in modules)
    return Norm(f"{of.name}.{name}_norm", tensors[0], of.dims.head_size, epsilon, "layer", of_heads=tensors)
