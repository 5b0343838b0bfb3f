"""The package onnx reads what we write, and we read what it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from edgeslm_exporters.onnx.builder import IR_VERSION
from edgeslm_exporters.onnx.schema import Graph, Kind, Model, Node, Tensor, Value, decode, encode
from support.checkpoints import CASES
from support.tiny import converted, tiny_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from support.checkpoints import Case

names = st.text(max_size=12)
attributes = st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(width=32, allow_nan=False), names)
nodes = st.builds(
    Node,
    op_type=names,
    inputs=st.lists(names, max_size=4).map(tuple),
    outputs=st.lists(names, max_size=3).map(tuple),
    name=names,
    domain=names,
    attributes=st.dictionaries(names, attributes, max_size=4),
)
sizes = st.lists(st.integers(0, 2**40), max_size=4).map(tuple)
inside = st.builds(Tensor, names, st.sampled_from(Kind), sizes, st.binary(max_size=40), st.just({}))
outside = st.builds(
    Tensor, names, st.sampled_from(Kind), sizes, st.just(b""), st.dictionaries(names, names, min_size=1, max_size=3)
)
shapes = st.lists(st.one_of(st.integers(0, 2**40), st.text(min_size=1, max_size=8)), max_size=4).map(tuple)
values = st.builds(Value, names, st.sampled_from(Kind), st.one_of(st.none(), shapes))
graphs = st.builds(
    Graph,
    names,
    *(st.lists(part, max_size=4).map(tuple) for part in (nodes, st.one_of(inside, outside), values, values)),
)
models = st.builds(
    Model,
    st.integers(1, 12),
    st.dictionaries(names, st.integers(1, 30), max_size=3),
    graphs,
    st.dictionaries(names, names, max_size=3),
)


@given(models)
def test_what_is_written_reads_back(model: Model) -> None:
    assert decode(encode(model)) == model


@given(models)
def test_onnx_reads_the_same(model: Model) -> None:
    read = onnx.ModelProto.FromString(encode(model))
    assert {entry.domain: entry.version for entry in read.opset_import} == model.opsets
    assert {entry.key: entry.value for entry in read.metadata_props} == model.metadata
    assert (read.ir_version, read.graph.name) == (model.ir_version, model.graph.name)
    for theirs, node in zip(read.graph.node, model.graph.nodes, strict=True):
        assert (theirs.op_type, theirs.name, theirs.domain) == (node.op_type, node.name, node.domain)
        assert (tuple(theirs.input), tuple(theirs.output)) == (node.inputs, node.outputs)
        found = {entry.name: helper.get_attribute_value(entry) for entry in theirs.attribute}
        assert found == {
            name: value.encode() if isinstance(value, str) else value for name, value in node.attributes.items()
        }
    for initializer, tensor in zip(read.graph.initializer, model.graph.initializers, strict=True):
        external = {entry.key: entry.value for entry in initializer.external_data}
        assert (initializer.name, initializer.data_type, tuple(initializer.dims)) == tensor[:3]
        assert (initializer.raw_data, external) == (tensor.data, tensor.external)
        assert (initializer.data_location == TensorProto.EXTERNAL) == bool(tensor.external)
    declared = (*model.graph.inputs, *model.graph.outputs)
    for described, value in zip((*read.graph.input, *read.graph.output), declared, strict=True):
        form = described.type.tensor_type
        shape = tuple(size.dim_param or size.dim_value for size in form.shape.dim)
        assert (described.name, form.elem_type) == (value.name, value.kind)
        assert (shape if form.HasField("shape") else None) == value.shape


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_graph_written_again_by_onnx_is_the_same(case: Case, tmp_path: Path) -> None:
    artifact = converted(tiny_checkpoint(tmp_path / "c", case), "wi4b32-afp32", tmp_path / "out")
    data = (tmp_path / "out" / artifact.decoder.graph).read_bytes()
    assert decode(onnx.ModelProto.FromString(data).SerializeToString()) == decode(data)


def test_values_that_onnx_wrote_are_counted_in_bytes() -> None:
    tensors = [
        numpy_helper.from_array(np.zeros((2, 3), np.float32), "raw"),
        helper.make_tensor("floats", TensorProto.FLOAT, [3], [1.0, 2.0, 3.0]),
        helper.make_tensor("wholes", TensorProto.INT64, [2], [1, -1]),
    ]
    node = helper.make_node("Sum", ["raw", "floats"], ["sum"], value=tensors[0], axes=[1, 2], mode="wide")
    graph = helper.make_graph([node], "g", [], [helper.make_tensor_value_info("sum", TensorProto.FLOAT, None)], tensors)
    model = decode(helper.make_model(graph, ir_version=IR_VERSION).SerializeToString())
    assert [(tensor.shape, len(tensor.data)) for tensor in model.graph.initializers] == [
        ((2, 3), 24),
        ((3,), 12),
        ((2,), 11),
    ]
    assert model.graph.nodes[0].attributes == {"mode": "wide"}
    assert model.graph.outputs == (Value("sum", Kind.FLOAT, None),)


@given(st.binary(max_size=80))
def test_what_is_no_model_is_a_value_error(data: bytes) -> None:
    try:
        decode(data)
    except ValueError:
        return
