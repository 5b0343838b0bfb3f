"""GPT-NeoX: Pythia. LayerNorm, biases, heads that rotate in part, attention and MLP side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgeslm_exporters.config_reader import ConfigReader
from edgeslm_exporters.decoder_spec import Attention, DecoderSpec, Layer, Mlp
from edgeslm_exporters.layer_names import LayerNames, layer_norm, tables
from edgeslm_exporters.rope_reader import read_rotary

if TYPE_CHECKING:
    from collections.abc import Mapping


def describe(config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> DecoderSpec:  # noqa: ARG001  # same signature in every file here
    """Return the decoder spec of a GPT-NeoX checkpoint.

    Raises BadCheckpoint for missing keys (all at once) and UnsupportedOperator for forms without an operator.
    """
    read = ConfigReader(config)
    dims = read.dimensions()
    epsilon = read.number("layer_norm_eps", 1e-5)
    activation = read.activation("hidden_act", "gelu")
    share = ("rotary_pct", 0.25)
    rotary = read_rotary(read, dims.head_size, theta=("rotary_emb_base", 10_000.0), share=share)
    bias = read.flag("attention_bias", default=True)
    parallel = read.flag("use_parallel_residual", default=True)
    tied = read.flag("tie_word_embeddings")
    embedding, head = tables(dims, "gpt_neox.embed_in", "embed_out", tied=tied)
    read.finish()

    def layer(index: int) -> Layer:
        of = LayerNames(dims, index, f"gpt_neox.layers.{index}")
        up, down = of.gate_up("mlp.dense_h_to_4h", bias=True), of.down("mlp.dense_4h_to_h", bias=True)
        return Layer(
            of.name,
            Attention(
                of.interleaved_qkv("attention.query_key_value", bias=bias),
                of.output("attention.dense", bias=bias),
                scale=dims.head_size**-0.5,
                rotary=rotary,
            ),
            Mlp(up, down, activation, gated=False),
            attention_norm=of.layer_norm("attention_norm", "input_layernorm", epsilon),
            mlp_norm=of.layer_norm("mlp_norm", "post_attention_layernorm", epsilon),
            parallel=parallel,
        )

    return DecoderSpec(
        **vars(dims),
        model_type="gpt_neox",
        embedding=embedding,
        stack=tuple(map(layer, range(dims.layers))),
        final_norm=layer_norm("final_norm", "gpt_neox.final_layer_norm", dims.hidden, epsilon),
        head=head,
    )
