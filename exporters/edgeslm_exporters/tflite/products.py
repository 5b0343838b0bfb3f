"""The product with a stored matrix, quantised or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_exporters.tflite.schema import Op

if TYPE_CHECKING:
    from edgeslm_exporters.tflite.builder import Subgraph, Value
    from edgeslm_exporters.tflite.layout import Matrix


def product(graph: Subgraph, matrix: Matrix, value: Value, rows: range | None = None) -> Value:
    """Multiply [1, S, K] by a stored matrix [N, K], or by some of its rows, and add its bias.

    XNNPACK quantises the values row by row.
    """
    projection = matrix.projection
    bias = graph.stored(f"{projection.name}.bias", rows) if projection.biased else None
    inputs = [value, widened(graph, graph.matrix(matrix, rows)), bias]
    width = projection.rows if rows is None else len(rows)
    return graph.op(Op.FULLY_CONNECTED, inputs, (*value.shape[:-1], width), keep_num_dims=True)


def widened(graph: Subgraph, value: Value) -> Value:
    """Return fp16 as float32, anything else as it is."""
    return graph.unary(Op.DEQUANTIZE, value) if value.dtype == "float16" else value
