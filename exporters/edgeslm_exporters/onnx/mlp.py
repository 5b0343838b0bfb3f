"""The MLP of a layer: one for all tokens, or experts of which each token has a few."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_exporters.decoder_spec import Mlp
from edgeslm_exporters.onnx.builder import MICROSOFT
from edgeslm_exporters.onnx.products import product

if TYPE_CHECKING:
    from edgeslm_exporters.decoder_spec import Activation, Layer
    from edgeslm_exporters.onnx.builder import GraphBuilder
    from edgeslm_exporters.onnx.layout import Layout


def mlp(graph: GraphBuilder, layout: Layout, layer: Layer, value: str) -> str:
    """Return what the MLP of a layer makes of `value`."""
    assert isinstance(layer.mlp, Mlp)
    return _mlp(graph, layout, layer.mlp, layer.name, value)


def _mlp(graph: GraphBuilder, layout: Layout, parts: Mlp, name: str, value: str) -> str:
    """Return down(activation(up x)), or with a gate down(activation(gate x) * (up x))."""
    opened = product(graph, layout.matrix(parts.up), value)
    if parts.gated:
        half = parts.up.rows // 2
        sizes = graph.constant("mlp.sizes", [half, half])
        gate, up = graph.ops("Split", [opened, sizes], [f"{name}.gate", f"{name}.up"], axis=-1)
        opened = graph.op("Mul", [_activated(graph, parts.activation, gate, name), up], f"{name}.gated")
    else:
        opened = _activated(graph, parts.activation, opened, name)
    return product(graph, layout.matrix(parts.down), opened)


def _activated(graph: GraphBuilder, activation: Activation, value: str, name: str) -> str:
    output = f"{name}.{activation}"
    if activation == "silu":  # one operator instead of Sigmoid and Mul
        return graph.op("QuickGelu", [value], output, MICROSOFT, alpha=1.0)
    if activation == "relu":
        return graph.op("Relu", [value], output)
    return graph.op({"gelu": "Gelu", "gelu_tanh": "FastGelu"}[activation], [value], output, MICROSOFT)
