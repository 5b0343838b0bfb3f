"""int8 products whose activations have fixed ranges, found on a text: `wi8-ai8`.

Written as QuantizeLinear and DequantizeLinear around plain MatMul: standard operators that onnxruntime fuses into int8
products, and the only form that compilers for integer accelerators take. The float graph is run on the calibration
texts with every product's input as an output; the smallest and largest value seen become the range.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

from edgeslm_agent.engine.runtime.onnx import load_onnxruntime, open_session
from edgeslm_exporters.encoder.weights import per_channel, products

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from onnx import GraphProto, NodeProto

    from edgeslm_agent.contract.manifest import EncoderShape

    Ranges = Mapping[str, tuple[float, float]]

LEVELS = 255


def calibrate(model: ModelProto, shape: EncoderShape, texts: Iterable[Sequence[int]], scratch: Path) -> Ranges:
    """Run the float graph on texts of ids and return the range of every product's input.

    `scratch` is a folder for a copy of the graph, since its weights may be too large to hand over in memory.
    """
    probed = ModelProto()
    probed.CopyFrom(model)
    names = sorted({node.input[0] for node, _ in products(probed.graph)})
    probed.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    file = scratch / "calibration.onnx"
    file.write_bytes(probed.SerializeToString())
    session = open_session(load_onnxruntime(), file, threads=0)
    ranges = dict.fromkeys(names, (0.0, 0.0))
    for ids in texts:
        row = np.array([ids], np.int64)
        known = {"input_ids": row, "attention_mask": np.ones_like(row), "token_type_ids": np.zeros_like(row)}
        seen = session.run(names, {name: known[name] for name in shape.inputs})
        for name, values in zip(names, seen, strict=True):
            low, high = ranges[name]
            ranges[name] = (min(low, float(values.min())), max(high, float(values.max())))
    file.unlink()
    return ranges


def quantise_calibrated(model: ModelProto, ranges: Ranges) -> None:
    """Rewrite the products of a graph for the given input ranges, in place."""
    graph = model.graph
    ready: dict[str, str] = {}
    rewritten: dict[str, list[NodeProto]] = {}
    for node, matrix in list(products(graph)):
        before: list[NodeProto] = []
        if node.input[0] not in ready:
            ready[node.input[0]] = _quantised_input(graph, node.input[0], ranges[node.input[0]], before)
        weight = _weight(graph, matrix, before)
        before.append(helper.make_node("MatMul", [ready[node.input[0]], weight], node.output, node.name))
        rewritten[node.output[0]] = before
    nodes = [new for node in graph.node for new in rewritten.get(node.output[0], [node])]
    del graph.node[:]
    graph.node.extend(nodes)


def _quantised_input(graph: GraphProto, name: str, seen: tuple[float, float], nodes: list[NodeProto]) -> str:
    """Add the pair that rounds an input to uint8 and back; return what the products read."""
    low, high = seen
    scale = max(high - low, 1e-6) / LEVELS
    zero = round(-low / scale)
    parameters = [f"{name}.scale", f"{name}.zero"]
    graph.initializer.append(numpy_helper.from_array(np.array(scale, np.float32), parameters[0]))
    graph.initializer.append(numpy_helper.from_array(np.array(zero, np.uint8), parameters[1]))
    nodes.append(helper.make_node("QuantizeLinear", [name, *parameters], [f"{name}.uint8"]))
    nodes.append(helper.make_node("DequantizeLinear", [f"{name}.uint8", *parameters], [f"{name}.rounded"]))
    return f"{name}.rounded"


def _weight(graph: GraphProto, matrix: TensorProto, nodes: list[NodeProto]) -> str:
    """Add the int8 form of a matrix and the operator that reads it; return what the product reads."""
    name = f"{matrix.name}.int8"
    if not any(tensor.name == name for tensor in graph.initializer):
        packed = per_channel(matrix)
        zeros = np.zeros(packed.scales.shape[1], np.int8)
        graph.initializer.append(numpy_helper.from_array(packed.codes, name))
        graph.initializer.append(numpy_helper.from_array(packed.scales[0], f"{name}.scales"))
        graph.initializer.append(numpy_helper.from_array(zeros, f"{name}.zeros"))
        inputs = [name, f"{name}.scales", f"{name}.zeros"]
        nodes.append(helper.make_node("DequantizeLinear", inputs, [f"{name}.floats"], axis=1))
    return f"{name}.floats"
