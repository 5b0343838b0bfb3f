"""SmolLM3: Llama in which every fourth layer knows no positions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgeslm_exporters.config_reader import ConfigReader
from edgeslm_exporters.decoder_spec import Attention, DecoderSpec, Layer, Mlp
from edgeslm_exporters.layer_names import LayerNames, rms_norm, tables
from edgeslm_exporters.rope_reader import read_rotary

if TYPE_CHECKING:
    from collections.abc import Mapping


def describe(config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> DecoderSpec:  # noqa: ARG001  # same signature in every file here
    """Return the decoder spec of a SmolLM3 checkpoint.

    Raises BadCheckpoint for missing keys (all at once) and UnsupportedOperator for forms without an operator.
    """
    read = ConfigReader(config)
    dims = read.dimensions()
    epsilon = read.number("rms_norm_eps", 1e-6)
    activation = read.activation("hidden_act")
    rotary = read_rotary(read, dims.head_size, theta=("rope_theta", 2e6))
    rotates = _rotates(read, dims.layers)
    windows = _windows(read, rotates)
    bias, mlp_bias = read.flag("attention_bias"), read.flag("mlp_bias")
    tied = read.flag("tie_word_embeddings", default=True)
    embedding, head = tables(dims, "model.embed_tokens", "lm_head", tied=tied)
    read.finish()

    def layer(index: int) -> Layer:
        of = LayerNames(dims, index, f"model.layers.{index}")
        up = of.gate_up("mlp.gate_proj", "mlp.up_proj", bias=mlp_bias)
        return Layer(
            of.name,
            Attention(
                of.qkv("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", bias=bias),
                of.output("self_attn.o_proj", bias=bias),
                scale=dims.head_size**-0.5,
                rotary=rotary if rotates[index] else None,
                window=windows[index],
            ),
            Mlp(up, of.down("mlp.down_proj", bias=mlp_bias), activation, gated=True),
            attention_norm=of.rms("attention_norm", "input_layernorm", epsilon),
            mlp_norm=of.rms("mlp_norm", "post_attention_layernorm", epsilon),
        )

    return DecoderSpec(
        **vars(dims),
        model_type="smollm3",
        embedding=embedding,
        stack=tuple(map(layer, range(dims.layers))),
        final_norm=rms_norm("final_norm", "model.norm", dims.hidden, epsilon),
        head=head,
    )


def _rotates(read: ConfigReader, layers: int) -> tuple[bool, ...]:
    """Return which layers rotate: `no_rope_layers` has a 1 for those that do."""
    marks = read.get("no_rope_layers")
    if marks is None:
        every = read.size("no_rope_layer_interval", 4)
        return tuple((index + 1) % every != 0 for index in range(layers))
    if not isinstance(marks, list) or len(marks) != layers:
        read.problem(f"no_rope_layers does not have {layers} entries")
        return (True,) * layers
    return tuple(map(bool, marks))


def _windows(read: ConfigReader, rotates: tuple[bool, ...]) -> tuple[int | None, ...]:
    """Layers without positions may see a window only, if it is switched on at all."""
    if not read.flag("use_sliding_window") or read.get("sliding_window") is None:
        return (None,) * len(rotates)
    return read.windows(read.size("sliding_window"), tuple(not mark for mark in rotates))
