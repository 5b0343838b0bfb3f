"""int8 products whose activations are quantised as they come: `wi8-afp32`.

Every MatMul with a constant becomes DynamicQuantizeMatMul (com.microsoft): one pass finds the range of the activations,
rounds them to uint8, multiplies with int8 weights and scales back per output channel, bias included. It has kernels on
processors without a dot product too (Cortex-A53/A57/A72), where 8-bit MatMulNBits widens its weights at every call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import helper

from edgeslm_exporters.encoder.weights import add_int8, initializers, products

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

DOMAIN = "com.microsoft"


def quantise_dynamic(model: ModelProto) -> None:
    """Rewrite the products of a graph, in place."""
    graph = model.graph
    for node, matrix in list(products(graph)):
        packed = add_int8(graph, matrix)
        bias = _take_bias(graph, node)
        inputs = [node.input[0], *packed, *([bias] if bias else [])]
        node.CopyFrom(helper.make_node("DynamicQuantizeMatMul", inputs, node.output, node.name, domain=DOMAIN))
    model.opset_import.append(helper.make_opsetid(DOMAIN, 1))


def _take_bias(graph: GraphProto, node: NodeProto) -> str | None:
    """Remove the Add of a constant vector that alone reads the product; return the vector's name."""
    readers = [other for other in graph.node if node.output[0] in other.input]
    if len(readers) != 1 or readers[0].op_type != "Add":
        return None
    constants = initializers(graph)
    other = next((name for name in readers[0].input if name != node.output[0]), "")
    if other not in constants or len(constants[other].dims) != 1:
        return None
    node.output[0] = readers[0].output[0]
    graph.node.remove(readers[0])
    return other
