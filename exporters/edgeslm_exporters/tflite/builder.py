"""Collects a .tflite model: buffers and operator codes that all subgraphs share, and one subgraph at a time.

Every value knows its shape, so the operators below are written as plain functions of values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_agent.engine.runtime.tflite_file import IDENTIFIER
from edgeslm_exporters.quantized_rows import Blocks
from edgeslm_exporters.tflite import schema
from edgeslm_exporters.tflite.flatbuffer import Draft, Table, draft
from edgeslm_exporters.tflite.schema import Op

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from edgeslm_exporters.tflite.layout import Layout, Matrix
    from edgeslm_exporters.tflite.schema import DType

    RowScales = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Value:
    """A tensor of one subgraph."""

    index: int
    shape: tuple[int, ...]
    dtype: DType = "float32"


@dataclass(frozen=True)
class _Call:
    """An operator between tensors of one subgraph; input -1 is left out."""

    op: Op
    inputs: Sequence[int]
    output: int
    options: Mapping[str, float]


class ModelBuilder:
    """The file's shared parts. `row_scales` are those of matrices with one scale a row, read when it is settled.

    `metadata` lies in the model by name.
    """

    def __init__(self, layout: Layout, row_scales: RowScales, metadata: Mapping[str, bytes]) -> None:
        self.layout = layout
        self._codes: dict[Op, int] = {}
        self._buffers = [Table({})]  # the first one stands for no buffer
        self._outside: list[tuple[Table, int]] = []  # buffers behind the flatbuffer, from the first tensor on
        self._scales: list[NDArray[np.float32]] = []
        self._places = {tensor.name: self._placed(tensor.offset, tensor.bytes) for tensor in layout.tensors}
        self._constants: dict[tuple[bytes, str], int] = {}
        self._metadata = {name: self.constant(np.frombuffer(content, np.uint8)) for name, content in metadata.items()}
        self._shared: dict[str, Table] = {}
        self._row_scales = row_scales
        self._subgraphs: list[Table] = []
        self._signatures: list[Table] = []

    def code(self, op: Op) -> int:
        """Return the index of an operator's code."""
        return self._codes.setdefault(op, len(self._codes))

    def constant(self, values: NDArray[Any]) -> int:
        """Return the buffer of a small constant; equal ones share it."""
        key = values.tobytes(), values.dtype.str
        if key not in self._constants:
            self._constants[key] = self._buffer(schema.inline_buffer(values))
        return self._constants[key]

    def stored(self, name: str, rows: range | None = None) -> Table:
        """Return the Tensor of one of the layout's tensors, or of some of its rows."""
        key = _named(name, rows)
        if key not in self._shared:
            self._shared[key] = self._tensor(name, rows, None)
        return self._shared[key]

    def codes_by_row(self, matrix: Matrix, rows: range | None) -> Table:
        """Return the Tensor of a matrix, or of some of its rows, with one scale a row."""
        name = f"{matrix.projection.name}.codes"
        key = _named(name, rows)
        if key not in self._shared:
            scales = self._row_scales[matrix.projection.name]  # what is cut out of them sees them change
            self._scales.append(scales if rows is None else scales[rows.start : rows.stop])
            self._shared[key] = self._tensor(name, rows, schema.per_row(self._scales[-1]))
        return self._shared[key]

    def codes(self, matrix: Matrix, rows: range | None, quantization: Table) -> Table:
        """Return the Tensor of a matrix's codes, or of some of its rows."""
        return self._tensor(f"{matrix.projection.name}.codes", rows, quantization)

    def _tensor(self, name: str, rows: range | None, quantization: Table | None) -> Table:
        tensor = self.layout.by_name[name]
        assert tensor.dtype != "uint8"
        if rows is None:
            return schema.tensor(name, tensor.dtype, tensor.shape, self._places[name], quantization)
        key = _named(name, rows)
        if key not in self._places:
            row_bytes = tensor.bytes // tensor.shape[0]
            self._places[key] = self._placed(tensor.offset + rows.start * row_bytes, len(rows) * row_bytes)
        shape = (len(rows), *tensor.shape[1:])
        return schema.tensor(key, tensor.dtype, shape, self._places[key], quantization)

    def _placed(self, offset: int, size: int) -> int:
        self._outside.append((schema.outside_buffer(size), offset))
        return self._buffer(self._outside[-1][0])

    def _buffer(self, buffer: Table) -> int:
        self._buffers.append(buffer)
        return len(self._buffers) - 1

    def add(self, graph: Subgraph) -> None:
        """Add a finished subgraph and the signature of its name."""
        self._signatures.append(schema.signature(graph.key, graph.inputs, graph.outputs, len(self._subgraphs)))
        self._subgraphs.append(graph.table())

    def draft(self) -> Draft:
        """Return the flatbuffer; it must be settled once the tensors have their place and row scales are known."""
        codes = [schema.operator_code(op) for op in self._codes]
        return draft(schema.model(codes, self._subgraphs, self._buffers, self._signatures, self._metadata), IDENTIFIER)

    def settle(self, written: Draft, start: int) -> None:
        """Write into the flatbuffer that the layout's tensors begin at `start` of the file, and the scales of rows."""
        for buffer, offset in self._outside:
            written.put_scalar(buffer, schema.BUFFER_OFFSET, start + offset)
        for scales in self._scales:
            written.put_floats(scales)


class Subgraph:
    """One signature's graph: values in, values out, fixed shapes."""

    def __init__(self, model: ModelBuilder, key: str) -> None:
        self.key = key
        self.inputs: dict[str, int] = {}
        self.outputs: dict[str, int] = {}
        self._model = model
        self._tensors: list[Table] = []
        self._operators: list[_Call] = []
        self._stored: dict[str, Value] = {}
        self._constants: dict[tuple[int, tuple[int, ...]], Value] = {}
        self._unshaped: dict[int, Value] = {}  # what a reshaped value was

    def table(self) -> Table:
        """Return the finished SubGraph."""
        inputs, outputs = list(self.inputs.values()), list(self.outputs.values())
        operators = [
            schema.operator(call.op, self._model.code(call.op), call.inputs, [call.output], call.options)
            for call in self._needed(outputs)
        ]
        return schema.subgraph(self.key, self._tensors, inputs, outputs, operators)

    def _needed(self, outputs: Sequence[int]) -> list[_Call]:
        """Return the operators that an output depends on: the runtime would run all others too."""
        wanted, kept = set(outputs), []
        for call in reversed(self._operators):
            if call.output in wanted:
                wanted.update(call.inputs)
                kept.append(call)
        return kept[::-1]

    def input(self, name: str, shape: Sequence[int], dtype: DType = "float32") -> Value:
        """Declare an input."""
        value = self._value(schema.tensor(name, dtype, shape, 0), tuple(shape), dtype)
        self.inputs[name] = value.index
        return value

    def output(self, name: str, value: Value) -> None:
        """Declare an output."""
        self.outputs[name] = value.index

    def constant(self, values: NDArray[Any]) -> Value:
        """Return a small constant, int32 or float32, that lies in the flatbuffer."""
        key = self._model.constant(values), values.shape
        if key not in self._constants:
            dtype: DType = "int32" if values.dtype == np.int32 else "float32"
            tensor = schema.tensor("", dtype, values.shape, key[0])
            self._constants[key] = self._value(tensor, values.shape, dtype)
        return self._constants[key]

    def scalar(self, value: float) -> Value:
        """Return a float32 constant without dimensions."""
        return self.constant(np.array(value, np.float32))

    def stored(self, name: str, rows: range | None = None) -> Value:
        """Return one of the layout's tensors, or some of its rows."""
        key = _named(name, rows)
        if key not in self._stored:
            tensor = self._model.layout.by_name[name]
            assert tensor.dtype != "uint8"
            shape = tensor.shape if rows is None else (len(rows), *tensor.shape[1:])
            self._stored[key] = self._value(self._model.stored(name, rows), shape, tensor.dtype)
        return self._stored[key]

    def matrix(self, matrix: Matrix, rows: range | None = None) -> Value:
        """Return the weights of a matrix as FULLY_CONNECTED and EMBEDDING_LOOKUP take them, scales included.

        `rows` are those that are meant, if not all; they must begin at a multiple of layout.PIECE_ROWS.
        """
        name, storage = matrix.projection.name, matrix.storage
        if not isinstance(storage, Blocks):
            return self.stored(f"{name}.weight", rows)
        key = _named(name, rows)
        if key not in self._stored:
            if matrix.by_row:
                table = self._model.codes_by_row(matrix, rows)
            else:
                scales = self.stored(f"{name}.scales", rows)
                table = self._model.codes(matrix, rows, schema.blockwise(scales.index, storage.block))
            shape = (matrix.projection.rows if rows is None else len(rows), matrix.projection.columns)
            self._stored[key] = self._value(table, shape, "int8" if storage.bits == 8 else "int4")
        return self._stored[key]

    def op(
        self, op: Op, inputs: Sequence[Value | None], shape: Sequence[int], dtype: DType = "float32", **options: float
    ) -> Value:
        """Add an operator and return its output of this shape; None stands for an input left out."""
        value = self._value(schema.tensor("", dtype, shape, 0), tuple(shape), dtype)
        taken = [-1 if given is None else given.index for given in inputs]
        self._operators.append(_Call(op, taken, value.index, options))
        return value

    def binary(self, op: Op, left: Value, right: Value) -> Value:
        """Add ADD, SUB or MUL, which spread dimensions of 1 as numpy does."""
        return self.op(op, [left, right], np.broadcast_shapes(left.shape, right.shape))

    def unary(self, op: Op, value: Value, **options: float) -> Value:
        """Add an operator that keeps the shape; its output is float32."""
        return self.op(op, [value], value.shape, "float32", **options)

    def scaled(self, value: Value, factor: float) -> Value:
        """Multiply by a constant, unless it is 1."""
        return value if factor == 1.0 else self.binary(Op.MUL, value, self.scalar(factor))

    def reshape(self, value: Value, shape: Sequence[int], *, free: int | None = None) -> Value:
        """Give the same values another shape; axis `free` follows from the others when inputs are resized.

        One that was reshaped before is taken as it was: each reshaping is an operator that the runtime begins and ends.
        """
        value = self._unshaped.get(value.index, value)
        if value.shape == tuple(shape):
            return value
        asked = [-1 if axis == free else size for axis, size in enumerate(shape)]
        reshaped = self.op(Op.RESHAPE, [value, self.constant(schema.ints(asked))], shape, value.dtype)
        self._unshaped[reshaped.index] = value
        return reshaped

    def transpose(self, value: Value, order: Sequence[int]) -> Value:
        """Reorder dimensions; where only those of 1 move that is a reshape."""
        shape = [value.shape[axis] for axis in order]
        moved = [axis for axis in order if value.shape[axis] > 1]
        if moved == sorted(moved):
            return self.reshape(value, shape)
        return self.op(Op.TRANSPOSE, [value, self.constant(schema.ints(order))], shape)

    def part(self, value: Value, axis: int, start: int, size: int) -> Value:
        """Return `size` entries of one axis from `start`."""
        shape = list(value.shape)
        if size == shape[axis]:
            return value
        begin = [0] * len(shape)
        begin[axis], shape[axis] = start, size
        bounds = [self.constant(schema.ints(begin)), self.constant(schema.ints(shape))]
        return self.op(Op.SLICE, [value, *bounds], shape, value.dtype)

    def joined(self, values: Sequence[Value], axis: int) -> Value:
        """Put values one behind the other along an axis."""
        shape = list(values[0].shape)
        shape[axis] = sum(value.shape[axis] for value in values)
        return self.op(Op.CONCATENATION, values, shape, values[0].dtype, axis=axis)

    def _value(self, tensor: Table, shape: tuple[int, ...], dtype: DType) -> Value:
        self._tensors.append(tensor)
        return Value(len(self._tensors) - 1, shape, dtype)


def _named(name: str, rows: range | None) -> str:
    return name if rows is None else f"{name}[{rows.start}:{rows.stop}]"
