"""int8 products whose activations have fixed ranges, those seen on a text: `wi8-ai8`.

Written as QuantizeLinear and DequantizeLinear around plain MatMul: standard operators that onnxruntime fuses into int8
products, and the only form that compilers for integer accelerators take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from edgeslm_exporters.encoder.weights import add_int8, products, replace_nodes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import GraphProto, NodeProto

    from edgeslm_exporters.encoder.observe import Seen

LEVELS = 255
NARROWEST = 1e-6  # a range of nothing but zeros must not divide by zero


def quantise_calibrated(graph: GraphProto, seen: Mapping[str, Seen]) -> None:
    """Rewrite the products of a graph for the ranges seen of their inputs, in place."""
    ready: dict[str, str] = {}
    rewritten: dict[str, list[NodeProto]] = {}
    for node, matrix in list(products(graph)):
        nodes: list[NodeProto] = []
        source = node.input[0]
        if source not in ready:
            ready[source] = _rounded_input(graph, source, seen[source], nodes)
        weight = _weight(graph, matrix, nodes)
        nodes.append(helper.make_node("MatMul", [ready[source], weight], node.output, node.name))
        rewritten[node.output[0]] = nodes
    replace_nodes(graph, [new for node in graph.node for new in rewritten.get(node.output[0], [node])])


def _rounded_input(graph: GraphProto, name: str, seen: Seen, nodes: list[NodeProto]) -> str:
    """Add the pair that rounds an input to uint8 and back; return what the products read."""
    low, high = float(seen.low.min()), float(seen.high.max())
    scale = max(high - low, NARROWEST) / LEVELS
    parameters = [f"{name}.scale", f"{name}.zero"]
    graph.initializer.append(numpy_helper.from_array(np.array(scale, np.float32), parameters[0]))
    graph.initializer.append(numpy_helper.from_array(np.array(round(-low / scale), np.uint8), parameters[1]))
    nodes.append(helper.make_node("QuantizeLinear", [name, *parameters], [f"{name}.uint8"]))
    nodes.append(helper.make_node("DequantizeLinear", [f"{name}.uint8", *parameters], [f"{name}.rounded"]))
    return f"{name}.rounded"


def _weight(graph: GraphProto, matrix: TensorProto, nodes: list[NodeProto]) -> str:
    """Add the int8 form of a matrix and the operator that reads it; return what the product reads."""
    packed = add_int8(graph, matrix)
    nodes.append(helper.make_node("DequantizeLinear", packed, [f"{packed[0]}.floats"], axis=1))
    return f"{packed[0]}.floats"
