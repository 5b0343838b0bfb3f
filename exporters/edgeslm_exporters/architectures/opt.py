"""OPT: LayerNorm before each part, biases, ReLU, and learned positions that begin at the third row of their table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgeslm_exporters.config_reader import MOST_LAYERS, ConfigReader
from edgeslm_exporters.decoder_spec import Attention, DecoderSpec, Dimensions, Layer, Mlp, Part
from edgeslm_exporters.layer_names import LayerNames, base_prefix, layer_norm, tables

if TYPE_CHECKING:
    from collections.abc import Mapping

UNUSED_POSITIONS = 2  # rows that fairseq kept for padding
EPSILON = 1e-5  # of torch.nn.LayerNorm; config.json does not say it


def describe(config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> DecoderSpec:
    """Return the decoder spec of an OPT checkpoint; OPT-350m, whose norms stand behind each part, is refused.

    Raises BadCheckpoint for missing keys (all at once) and UnsupportedOperator for forms without an operator.
    """
    read = ConfigReader(config)
    dims = _dimensions(read)
    activation = read.activation("activation_function", "relu")
    tied = read.flag("tie_word_embeddings", default=True)
    read.expect("word_embed_proj_dim", (dims.hidden,))
    read.expect("do_layer_norm_before", (True,))
    read.expect("enable_bias", (True,))
    read.expect("layer_norm_elementwise_affine", (True,))
    read.expect("_remove_final_layer_norm", (False,))
    base = base_prefix(shapes, "model.", "decoder.embed_tokens.weight")
    embedding, head = tables(dims, f"{base}decoder.embed_tokens", "lm_head", tied=tied)
    read.finish()

    def layer(index: int) -> Layer:
        of = LayerNames(dims, index, f"{base}decoder.layers.{index}")
        return Layer(
            of.name,
            Attention(
                of.qkv("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", bias=True),
                of.output("self_attn.out_proj", bias=True),
                scale=dims.head_size**-0.5,
            ),
            Mlp(of.gate_up("fc1", bias=True), of.down("fc2", bias=True), activation, gated=False),
            attention_norm=of.layer_norm("attention_norm", "self_attn_layer_norm", EPSILON),
            mlp_norm=of.layer_norm("mlp_norm", "final_layer_norm", EPSILON),
        )

    rows, table = dims.max_positions, f"{base}decoder.embed_positions.weight"
    return DecoderSpec(
        **vars(dims),
        model_type="opt",
        embedding=embedding,
        stack=tuple(map(layer, range(dims.layers))),
        final_norm=layer_norm("final_norm", f"{base}decoder.final_layer_norm", dims.hidden, EPSILON),
        head=head,
        positions=Part(table, rows, start=UNUSED_POSITIONS, total=rows + UNUSED_POSITIONS),
    )


def _dimensions(read: ConfigReader) -> Dimensions:
    hidden, heads = read.size("hidden_size"), read.size("num_attention_heads")
    return Dimensions(
        layers=read.size("num_hidden_layers", most=MOST_LAYERS),
        hidden=hidden,
        heads=heads,
        kv_heads=heads,
        head_size=max(1, hidden // heads),
        intermediate=read.size("ffn_dim"),
        vocab=read.size("vocab_size"),
        max_positions=read.size("max_position_embeddings"),
    )
