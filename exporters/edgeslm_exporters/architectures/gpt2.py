"""GPT-2: LayerNorm, biases, learned positions, and matrices stored [inputs, outputs]."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from edgeslm_exporters.config_reader import MOST_LAYERS, ConfigReader
from edgeslm_exporters.decoder_spec import Attention, DecoderSpec, Dimensions, Layer, Mlp, Part
from edgeslm_exporters.layer_names import LayerNames, base_prefix, layer_norm, tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgeslm_exporters.decoder_spec import Projection


def describe(config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> DecoderSpec:
    """Return the decoder spec of a GPT-2 checkpoint.

    Raises BadCheckpoint for missing keys (all at once) and UnsupportedOperator for forms without an operator.
    """
    read = ConfigReader(config)
    dims = _dimensions(read)
    epsilon = read.number("layer_norm_epsilon", 1e-5)
    activation = read.activation("activation_function", "gelu_tanh")
    tied = read.flag("tie_word_embeddings", default=True)
    read.expect("scale_attn_weights", (True,))
    read.expect("scale_attn_by_inverse_layer_idx", (False,))
    read.expect("add_cross_attention", (False,))
    base = base_prefix(shapes, "transformer.", "wte.weight")
    embedding, head = tables(dims, f"{base}wte", "lm_head", tied=tied)
    read.finish()

    def layer(index: int) -> Layer:
        of = LayerNames(dims, index, f"{base}h.{index}")
        packed = of.matrix("qkv", "qkv", [("attn.c_attn", 3 * dims.hidden)], dims.hidden, bias=True)
        up, down = _turned(of.gate_up("mlp.c_fc", bias=True)), _turned(of.down("mlp.c_proj", bias=True))
        return Layer(
            of.name,
            Attention(
                _turned(packed),
                _turned(of.output("attn.c_proj", bias=True)),
                scale=dims.head_size**-0.5,
            ),
            Mlp(up, down, activation, gated=False),
            attention_norm=of.layer_norm("attention_norm", "ln_1", epsilon),
            mlp_norm=of.layer_norm("mlp_norm", "ln_2", epsilon),
        )

    return DecoderSpec(
        **vars(dims),
        model_type="gpt2",
        embedding=embedding,
        stack=tuple(map(layer, range(dims.layers))),
        final_norm=layer_norm("final_norm", f"{base}ln_f", dims.hidden, epsilon),
        head=head,
        positions=Part(f"{base}wpe.weight", dims.max_positions),
    )


def _dimensions(read: ConfigReader) -> Dimensions:
    hidden, heads = read.size("n_embd", 768), read.size("n_head", 12)
    return Dimensions(
        layers=read.size("n_layer", 12, most=MOST_LAYERS),
        hidden=hidden,
        heads=heads,
        kv_heads=heads,
        head_size=max(1, hidden // heads),
        intermediate=read.size("n_inner", 4 * hidden),
        vocab=read.size("vocab_size"),
        max_positions=read.size("n_positions", 1024),
    )


def _turned(projection: Projection) -> Projection:
    """Return a projection of one module whose weight is [inputs, outputs]."""
    return replace(projection, parts=(replace(projection.parts[0], transposed=True),))
