"""What stands behind the token vectors: pooling, linear layers and normalisation, or the scores of the labels.

It becomes part of the graph, so that every runtime gives the finished answer: `embedding` or `scores`, float32
[batch, width].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from edgeslm_agent.contract.manifest import OUTPUTS
from edgeslm_exporters.weight_files import WeightFiles, read_headers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from onnx import GraphProto, ModelProto

    from edgeslm_exporters.encoder.modules import Dense
    from edgeslm_exporters.encoder.spec import EncoderSpec

TINY = 1e-9  # keeps the mean of no tokens finite, as sentence-transformers does
FAR_BELOW = -1e9


def add_head(model: ModelProto, spec: EncoderSpec, checkpoint_folder: Path) -> int:
    """Replace the graph's output by the task's own, in place, and return its width."""
    graph = model.graph
    if spec.task == "classify":
        operator = "Sigmoid" if spec.several_labels else "Softmax"
        _add(graph, operator, ["logits"], OUTPUTS["classify"])
        width = len(spec.labels)
    else:
        pooled = _pool(graph, spec.modules.pooling)
        width = spec.sizes.hidden
        for index, dense in enumerate(spec.modules.dense):
            pooled, width = _dense(graph, pooled, index, dense, checkpoint_folder)
        if spec.modules.normalized:
            _add(graph, "LpNormalization", [pooled], OUTPUTS["embed"], axis=-1, p=2)
        else:
            _add(graph, "Identity", [pooled], OUTPUTS["embed"])
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(OUTPUTS[spec.task], TensorProto.FLOAT, ["batch", width]))
    _name_dimensions(graph)
    return width


def _pool(graph: GraphProto, pooling: str) -> str:
    """Add the pooling of `last_hidden_state` [batch, length, hidden] under the mask; return its output's name."""
    if pooling == "cls":
        _add(graph, "Gather", ["last_hidden_state", _constant(graph, "pool.first", np.array(0))], "pooled", axis=1)
        return "pooled"
    _add(graph, "Cast", ["attention_mask"], "pool.mask", to=TensorProto.FLOAT)
    _add(graph, "Unsqueeze", ["pool.mask", _constant(graph, "pool.last_axis", np.array([-1]))], "pool.wide_mask")
    tokens = _constant(graph, "pool.token_axis", np.array([1]))
    if pooling == "max":
        _add(graph, "Cast", ["pool.wide_mask"], "pool.kept", to=TensorProto.BOOL)
        below = _constant(graph, "pool.far_below", np.array(FAR_BELOW, np.float32))
        _add(graph, "Where", ["pool.kept", "last_hidden_state", below], "pool.masked")
        _add(graph, "ReduceMax", ["pool.masked", tokens], "pooled", keepdims=0)
        return "pooled"
    _add(graph, "Mul", ["last_hidden_state", "pool.wide_mask"], "pool.masked")
    _add(graph, "ReduceSum", ["pool.masked", tokens], "pool.sum", keepdims=0)
    _add(graph, "ReduceSum", ["pool.wide_mask", tokens], "pool.count", keepdims=0)
    _add(graph, "Max", ["pool.count", _constant(graph, "pool.tiny", np.array(TINY, np.float32))], "pool.at_least")
    _add(graph, "Div", ["pool.sum", "pool.at_least"], "pooled")
    return "pooled"


def _dense(graph: GraphProto, source: str, index: int, dense: Dense, root: Path) -> tuple[str, int]:
    """Add one linear layer; return its output's name and width."""
    weights = _tensors(root / dense.weights)
    weight, bias = weights["linear.weight"], weights.get("linear.bias")
    name = f"dense{index}"
    _add(graph, "MatMul", [source, _constant(graph, f"{name}.weight", weight.T.copy())], f"{name}.product")
    source = f"{name}.product"
    if bias is not None:
        _add(graph, "Add", [source, _constant(graph, f"{name}.bias", bias[0])], f"{name}.sum")
        source = f"{name}.sum"
    if dense.activation:
        _add(graph, dense.activation, [source], f"{name}.active")
        source = f"{name}.active"
    return source, weight.shape[0]


def _tensors(file: Path) -> dict[str, NDArray[np.float32]]:
    """Read a small safetensors file whole, each tensor as float32 [rows, columns]."""
    files = WeightFiles(read_headers(file), lambda _name: file)
    return {name: files.rows(name, 0, files.all_rows(name)) for name in files.headers}


def _name_dimensions(graph: GraphProto) -> None:
    """Call the inputs' dimensions batch and length, whatever the tracer called them."""
    for value in graph.input:
        dimensions = value.type.tensor_type.shape.dim
        for dimension, name in zip(dimensions, ("batch", "length"), strict=True):
            dimension.dim_param = name


def _constant(graph: GraphProto, name: str, value: NDArray[np.float32] | NDArray[np.int64]) -> str:
    graph.initializer.append(numpy_helper.from_array(value, name))
    return name


def _add(graph: GraphProto, operator: str, inputs: Sequence[str], output: str, **attributes: int) -> None:
    node = helper.make_node(operator, inputs, [output])
    node.attribute.extend(helper.make_attribute(key, value) for key, value in sorted(attributes.items()))
    graph.node.append(node)
