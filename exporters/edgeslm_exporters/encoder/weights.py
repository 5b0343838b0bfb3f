"""The weights of a traced graph that int8 concerns: products with a constant matrix, and the word table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from onnx import GraphProto, NodeProto, TensorProto

TABLE_ROWS = 1024  # smaller tables (positions, segments) are not worth the operators that unpack them


@dataclass(frozen=True)
class Int8Matrix:
    """Codes [rows, columns] from -127 to 127, and scales that broadcast over the axis they share."""

    codes: NDArray[np.int8]
    scales: NDArray[np.float32]


def initializers(graph: GraphProto) -> dict[str, TensorProto]:
    """Return the constants of a graph by name."""
    return {tensor.name: tensor for tensor in graph.initializer}


def products(graph: GraphProto) -> Iterator[tuple[NodeProto, TensorProto]]:
    """Yield every MatMul whose second operand is a constant matrix, with that matrix [K, N]."""
    constants = initializers(graph)
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in constants and len(constants[node.input[1]].dims) == 2:
            yield node, constants[node.input[1]]


def add_int8(graph: GraphProto, matrix: TensorProto) -> list[str]:
    """Add the int8 form of a constant [K, N], one scale an output channel; return the names of codes, scales, zeros.

    The zero points, all 0, are written out: onnxruntime's exact kernel for processors without VNNI asks for them.
    """
    packed = rounded(numpy_helper.to_array(matrix), axis=0)
    zeros = np.zeros(packed.scales.shape[1], np.int8)
    parts = {"int8": packed.codes, "int8.scales": packed.scales[0], "int8.zeros": zeros}
    names = {f"{matrix.name}.{name}": values for name, values in parts.items()}
    graph.initializer.extend(numpy_helper.from_array(values, name) for name, values in names.items())
    return list(names)


def rounded(weights: NDArray[np.float32], axis: int) -> Int8Matrix:
    """Round to int8 with one scale for everything along `axis`.

    What is too small for a scale of full precision becomes zero: its codes would not fit into 8 bits.
    """
    scales = (np.abs(weights).max(axis=axis, keepdims=True) / 127).astype(np.float32)
    scales[scales < np.finfo(np.float32).tiny] = 1.0
    codes = np.rint(weights / scales).astype(np.int8)
    return Int8Matrix(codes, scales)


def fold_identities(graph: GraphProto) -> None:
    """Let every node read a constant itself where the tracer put an Identity between (for equal constants)."""
    constants = initializers(graph)
    aliases = {
        node.output[0]: node.input[0]
        for node in graph.node
        if node.op_type == "Identity" and node.input[0] in constants
    }
    replace_nodes(graph, [node for node in graph.node if not (node.output and node.output[0] in aliases)])
    for node in graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = aliases.get(name, name)


def pack_tables(graph: GraphProto) -> None:
    """Store every large table that words are looked up in as int8 per row: Gather codes and scale, then multiply.

    Standard operators only; onnxruntime's GatherBlockQuantized reads 8 bits from 1.23 on.
    """
    constants = initializers(graph)
    nodes: list[NodeProto] = []
    for node in graph.node:
        table = constants.get(node.input[0]) if node.op_type == "Gather" else None
        if table is None or len(table.dims) != 2 or table.dims[0] < TABLE_ROWS:
            nodes.append(node)
            continue
        packed = rounded(numpy_helper.to_array(table), axis=1)
        name, output = table.name, node.output[0]
        graph.initializer.append(numpy_helper.from_array(packed.codes, f"{name}.codes"))
        graph.initializer.append(numpy_helper.from_array(packed.scales, f"{name}.scales"))
        nodes.append(helper.make_node("Gather", [f"{name}.codes", node.input[1]], [f"{output}.codes"], axis=0))
        nodes.append(helper.make_node("Gather", [f"{name}.scales", node.input[1]], [f"{output}.scales"], axis=0))
        nodes.append(helper.make_node("Cast", [f"{output}.codes"], [f"{output}.floats"], to=1))
        nodes.append(helper.make_node("Mul", [f"{output}.floats", f"{output}.scales"], [output]))
    replace_nodes(graph, nodes)


def drop_unused(graph: GraphProto) -> None:
    """Remove constants that no node reads any more."""
    read = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def replace_nodes(graph: GraphProto, nodes: list[NodeProto]) -> None:
    """Give a graph other nodes, in their order."""
    del graph.node[:]
    graph.node.extend(nodes)
