"""The MLP of a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_exporters.tflite.products import product
from edgeslm_exporters.tflite.schema import Op

if TYPE_CHECKING:
    from edgeslm_exporters.decoder_spec import Activation, Mlp
    from edgeslm_exporters.tflite.builder import Subgraph, Value
    from edgeslm_exporters.tflite.layout import Layout


def mlp(graph: Subgraph, layout: Layout, parts: Mlp, value: Value) -> Value:
    """Return down(activation(up x)), or with a gate down(activation(gate x) * (up x)), of [1, S, hidden]."""
    opened = product(graph, layout.matrix(parts.up), value)
    if parts.gated:
        half = parts.up.rows // 2
        gate, up = graph.part(opened, 2, 0, half), graph.part(opened, 2, half, half)
        opened = graph.binary(Op.MUL, _activated(graph, parts.activation, gate), up)
    else:
        opened = _activated(graph, parts.activation, opened)
    return product(graph, layout.matrix(parts.down), opened)


def _activated(graph: Subgraph, activation: Activation, value: Value) -> Value:
    if activation == "silu":
        return graph.binary(Op.MUL, value, graph.unary(Op.LOGISTIC, value))
    if activation == "relu":
        return graph.unary(Op.RELU, value)
    return graph.unary(Op.GELU, value, approximate=activation == "gelu_tanh")
