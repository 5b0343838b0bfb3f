"""BLOOM: LayerNorm, biases, a norm on the embeddings, and instead of positions scores that fall with distance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgeslm_exporters.config_reader import MOST_LAYERS, ConfigReader
from edgeslm_exporters.decoder_spec import Attention, DecoderSpec, Dimensions, Layer, Mlp
from edgeslm_exporters.layer_names import LayerNames, base_prefix, layer_norm, tables

if TYPE_CHECKING:
    from collections.abc import Mapping

TRAINED_POSITIONS = 2048  # of every BLOOM (arXiv 2211.05100, table 3), for configs that leave seq_length out


def describe(config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> DecoderSpec:
    """Return the decoder spec of a BLOOM checkpoint.

    Raises BadCheckpoint for missing keys (all at once) and UnsupportedOperator for forms without an operator.
    """
    read = ConfigReader(config)
    dims = _dimensions(read)
    epsilon = read.number("layer_norm_epsilon", 1e-5)
    tied = read.flag("tie_word_embeddings", default=True)
    read.expect("apply_residual_connection_post_layernorm", (False,))
    base = base_prefix(shapes, "transformer.", "word_embeddings.weight")
    embedding, head = tables(dims, f"{base}word_embeddings", "lm_head", tied=tied)
    read.finish()

    def layer(index: int) -> Layer:
        of = LayerNames(dims, index, f"{base}h.{index}")
        up, down = of.gate_up("mlp.dense_h_to_4h", bias=True), of.down("mlp.dense_4h_to_h", bias=True)
        return Layer(
            of.name,
            Attention(
                of.interleaved_qkv("self_attention.query_key_value", bias=True),
                of.output("self_attention.dense", bias=True),
                scale=dims.head_size**-0.5,
                alibi=True,
            ),
            Mlp(up, down, "gelu_tanh", gated=False),
            attention_norm=of.layer_norm("attention_norm", "input_layernorm", epsilon),
            mlp_norm=of.layer_norm("mlp_norm", "post_attention_layernorm", epsilon),
        )

    return DecoderSpec(
        **vars(dims),
        model_type="bloom",
        embedding=embedding,
        stack=tuple(map(layer, range(dims.layers))),
        final_norm=layer_norm("final_norm", f"{base}ln_f", dims.hidden, epsilon),
        head=head,
        embedding_norm=layer_norm("embedding_norm", f"{base}word_embeddings_layernorm", dims.hidden, epsilon),
    )


def _dimensions(read: ConfigReader) -> Dimensions:
    hidden, heads = read.size("hidden_size"), read.size("n_head")
    return Dimensions(
        layers=read.size("n_layer", most=MOST_LAYERS),
        hidden=hidden,
        heads=heads,
        kv_heads=heads,
        head_size=max(1, hidden // heads),
        intermediate=4 * hidden,
        vocab=read.size("vocab_size"),
        max_positions=read.size("seq_length", TRAINED_POSITIONS),
    )
