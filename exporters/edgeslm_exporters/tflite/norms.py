"""Norms as plain operators, all of which XNNPACK takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_exporters.tflite.schema import Op, ints

if TYPE_CHECKING:
    from edgeslm_exporters.decoder_spec import Norm
    from edgeslm_exporters.tflite.builder import Subgraph, Value


def normed(graph: Subgraph, norm: Norm | None, value: Value) -> Value:
    """Normalise the last axis, of [..., heads, width] with factors of each head's own; no norm changes nothing."""
    if norm is None:
        return value
    if norm.kind == "layer":
        value = graph.binary(Op.SUB, value, _mean(graph, value))
    square = _mean(graph, graph.binary(Op.MUL, value, value))
    scale = graph.unary(Op.RSQRT, graph.binary(Op.ADD, square, graph.scalar(norm.epsilon)))
    factors, *bias = (graph.stored(name) for name in norm.tensors)
    value = graph.binary(Op.MUL, graph.binary(Op.MUL, value, scale), factors)
    return graph.binary(Op.ADD, value, bias[0]) if bias else value


def _mean(graph: Subgraph, value: Value) -> Value:
    axis = graph.constant(ints([len(value.shape) - 1]))
    return graph.op(Op.MEAN, [value, axis], (*value.shape[:-1], 1), keep_dims=True)
