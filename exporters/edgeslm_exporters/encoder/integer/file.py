"""Writes a graph as model.tflite: one signature, weights and biases in integers, everything inside the FlatBuffer.

Compilers of accelerators read the file with older schemas, which know no buffers behind the FlatBuffer. An int8 value
has one scale and zero point; weights are symmetric with a scale for each output channel, or one for all; a bias is
int32 with the scale of input x weight.
Source: TensorFlow Lite's 8-bit quantisation specification (ai.google.dev/edge/litert, quantization_spec).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_agent.engine.runtime.litert_encoder import SIGNATURE
from edgeslm_agent.engine.runtime.tflite_file import IDENTIFIER
from edgeslm_exporters.encoder.integer.ranges import roundings
from edgeslm_exporters.tflite import schema
from edgeslm_exporters.tflite.flatbuffer import Scalar, Table, encode
from edgeslm_exporters.tflite.schema import Op

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from edgeslm_exporters.encoder.integer.graph import Floats, Graph, Value
    from edgeslm_exporters.encoder.integer.ranges import Rounding
    from edgeslm_exporters.tflite.schema import DType

LARGEST = 127
VALID = 1  # Padding
OWN_OPTIONS = {"beta", "adj_y", "approximate"}  # those that the file knows too
CONVOLUTION = {"padding": VALID, "stride_w": 1, "stride_h": 1}
# Version of each operator with int8 values: tensorflow/compiler/mlir/lite/tools/versioning/op_version.cc.
INT8_VERSIONS = {
    Op.ADD: 2,
    Op.BATCH_MATMUL: 2,
    Op.CONV_2D: 3,
    Op.DEPTHWISE_CONV_2D: 3,
    Op.DEQUANTIZE: 2,
    Op.GELU: 2,
    Op.MUL: 2,
    Op.RELU: 2,
    Op.RSQRT: 2,
    Op.SLICE: 2,
    Op.SOFTMAX: 2,
    Op.SUB: 2,
    Op.TANH: 2,
    Op.TRANSPOSE: 2,
}


def integer_file(graph: Graph, seen: Sequence[tuple[float, float]], *, per_channel: bool) -> bytes:
    """Return the file of a graph whose values hold the ranges `seen`."""
    return _Writer(graph, roundings(graph, seen), per_channel=per_channel).file()


class _Writer:
    def __init__(self, graph: Graph, roundings: Mapping[Value, Rounding], *, per_channel: bool) -> None:
        self._graph, self._roundings, self._per_channel = graph, roundings, per_channel
        self._tensors: list[Table] = []
        self._buffers: list[Table] = [Table({})]  # 0: no buffer
        self._codes: dict[tuple[Op, int], int] = {}
        self._known: dict[Value, int] = {}

    def file(self) -> bytes:
        operators = [call for value in self._graph.values if (call := self._call(value)) is not None]
        inputs = {value.name: self._known[value] for value in self._graph.values if value.op is None and value.name}
        outputs = {name: self._known[value] for name, value in self._graph.outputs.items()}
        subgraph = schema.subgraph(SIGNATURE, self._tensors, [*inputs.values()], [*outputs.values()], operators)
        codes = [schema.operator_code(op, version) for op, version in self._codes]
        signature = schema.signature(SIGNATURE, inputs, outputs, 0)
        return encode(schema.model(codes, [subgraph], self._buffers, [signature], {}), IDENTIFIER)

    def _call(self, value: Value) -> Table | None:
        """Add a value's tensor; return its operator, or None for an input or a constant."""
        if value.op is None:
            self._known[value] = self._tensor(value.name, value.kind, value.shape, values=value.weight)
            return None
        inputs = [*(self._known[given] for given in value.inputs), *self._operands(value)]
        self._known[value] = self._tensor("", value.kind, value.shape, quantization=self._rounded(value))
        version = INT8_VERSIONS.get(value.op, 1) if "int8" in _kinds(value) else schema.VERSIONS.get(value.op, 1)
        code = self._codes.setdefault((value.op, version), len(self._codes))
        return schema.operator(value.op, code, inputs, [self._known[value]], _options(value))

    def _operands(self, value: Value) -> list[int]:
        """Return the tensors that an operator reads beside other operators' output."""
        if value.op == Op.EMBEDDING_LOOKUP:
            return [self._table(value)]
        if value.weight is not None and value.bias is not None:
            return self._weights(value, value.weight, value.bias)
        if value.op == Op.RESHAPE:
            return [self._ints(value.shape)]
        if value.op == Op.TRANSPOSE:
            return [self._ints(value.options["order"])]
        if value.op == Op.SLICE:
            return [self._ints([0] * len(value.shape)), self._ints(value.shape)]
        return []

    def _weights(self, value: Value, weight: Floats, bias: Floats) -> list[int]:
        """Add codes and bias; weight is [outputs, inputs], or [1, channels] for an operator that works by channel."""
        shape = (len(weight), 1, 1, weight.shape[1])
        if value.kind == "float32":
            floats = ((f"{value.name}.weight", weight.reshape(shape)), (f"{value.name}.bias", bias))
            return [self._tensor(name, "float32", array.shape, values=array) for name, array in floats]
        axis = 0 if value.op == Op.CONV_2D else 1
        scales = np.abs(weight).max(axis=1 - axis) / LARGEST
        scales = np.where(scales > 0, scales, 1.0).astype(np.float32)
        if not self._per_channel:
            scales = scales.max(keepdims=True)
        codes = np.rint(weight / np.expand_dims(scales, 1 - axis)).astype(np.int8)
        quantization = _symmetric(scales, 0 if axis == 0 else 3)
        matrix = self._tensor(f"{value.name}.weight", "int8", shape, values=codes, quantization=quantization)
        products = (scales * np.float32(self._roundings[value.inputs[0]].scale)).astype(np.float32)
        whole = np.rint(bias / products).clip(-(2**31), 2**31 - 1).astype(np.int32)
        added = self._tensor(
            f"{value.name}.bias", "int32", whole.shape, values=whole, quantization=_symmetric(products, 0)
        )
        return [matrix, added]

    def _table(self, value: Value) -> int:
        """Add a table of words in int8, one scale a row: the operator gives floats."""
        assert value.weight is not None
        scales = (np.maximum(np.abs(value.weight).max(axis=1), 1e-9) / LARGEST).astype(np.float32)
        codes = np.rint(value.weight / scales[:, None]).astype(np.int8)
        return self._tensor(value.name, "int8", codes.shape, values=codes, quantization=_symmetric(scales, 0))

    def _ints(self, values: Sequence[int]) -> int:
        whole = schema.ints(values)
        return self._tensor("", "int32", whole.shape, values=whole)

    def _rounded(self, value: Value) -> Table | None:
        if value.kind != "int8":
            return None
        found = self._roundings[value]
        return Table({2: np.array([found.scale], np.float32), 3: np.array([found.zero], np.int64)})

    def _tensor(
        self,
        name: str,
        dtype: DType,
        shape: Sequence[int],
        *,
        values: NDArray[Any] | None = None,
        quantization: Table | None = None,
    ) -> int:
        buffer = 0
        if values is not None:
            buffer = len(self._buffers)
            self._buffers.append(schema.inline_buffer(values))
        self._tensors.append(schema.tensor(name, dtype, shape, buffer, quantization))
        return len(self._tensors) - 1


def _kinds(value: Value) -> set[str]:
    return {value.kind, *(given.kind for given in value.inputs)}


def _options(value: Value) -> Mapping[str, float]:
    if value.op == Op.CONV_2D:
        return CONVOLUTION
    if value.op == Op.DEPTHWISE_CONV_2D:
        return {**CONVOLUTION, "depth": 1}
    return {name: option for name, option in value.options.items() if name in OWN_OPTIONS}


def _symmetric(scales: Floats, axis: int) -> Table:
    return Table({2: scales, 3: np.zeros(len(scales), np.int64), 6: Scalar("i", axis)})
