"""The part of TensorFlow Lite's schema that is used here: numbers of operators and types, ids of fields.

Source: tensorflow/compiler/mlir/lite/schema/schema.fbs, version 3 (identifier TFL3). Ids of fields are their order.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from edgeslm_exporters.tflite.flatbuffer import Scalar, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

VERSION = 3
BLOCKWISE = 2  # QuantizationDetails
BUFFER_OFFSET = 1  # field of a Buffer

DType = Literal["float32", "float16", "int32", "int8", "int4"]
TYPES: dict[DType, int] = {"float32": 0, "float16": 1, "int32": 2, "int8": 9, "int4": 17}
BITS: dict[DType, int] = {"float32": 32, "float16": 16, "int32": 32, "int8": 8, "int4": 4}


class Op(IntEnum):
    """BuiltinOperator."""

    ADD = 0
    CONCATENATION = 2
    CONV_2D = 3
    DEPTHWISE_CONV_2D = 4
    DEQUANTIZE = 6
    EMBEDDING_LOOKUP = 7
    FULLY_CONNECTED = 9
    L2_NORMALIZATION = 11
    LOGISTIC = 14
    MUL = 18
    RELU = 19
    RESHAPE = 22
    SOFTMAX = 25
    TANH = 28
    TRANSPOSE = 39
    MEAN = 40
    SUB = 41
    DIV = 42
    CAST = 53
    MINIMUM = 57
    SLICE = 65
    RSQRT = 76
    QUANTIZE = 114
    BATCH_MATMUL = 126
    CUMSUM = 128
    GELU = 150
    DYNAMIC_UPDATE_SLICE = 151


# Version of each operator: the lowest that has what is used of it here.
VERSIONS = {
    Op.FULLY_CONNECTED: 9,
    Op.EMBEDDING_LOOKUP: 3,
    Op.BATCH_MATMUL: 1,
    Op.DYNAMIC_UPDATE_SLICE: 1,
}
# Operators with a table of options, as BuiltinOptions counts them. Each option: (field id, struct code).
OPTIONS: dict[Op, tuple[int, dict[str, tuple[int, str]]]] = {
    Op.CONV_2D: (1, {"padding": (0, "b"), "stride_w": (1, "i"), "stride_h": (2, "i")}),
    Op.DEPTHWISE_CONV_2D: (2, {"padding": (0, "b"), "stride_w": (1, "i"), "stride_h": (2, "i"), "depth": (3, "i")}),
    Op.FULLY_CONNECTED: (8, {"keep_num_dims": (2, "?")}),
    Op.SOFTMAX: (9, {"beta": (0, "f")}),
    Op.CONCATENATION: (10, {"axis": (0, "i")}),
    Op.ADD: (11, {}),
    Op.MUL: (21, {}),
    Op.L2_NORMALIZATION: (12, {}),
    Op.SUB: (28, {}),
    Op.DIV: (29, {}),
    Op.TRANSPOSE: (26, {}),
    Op.MEAN: (27, {"keep_dims": (0, "?")}),
    Op.CAST: (37, {"in_data_type": (0, "b"), "out_data_type": (1, "b")}),
    Op.DEQUANTIZE: (38, {}),
    Op.SLICE: (48, {}),
    Op.QUANTIZE: (89, {}),
    Op.MINIMUM: (39, {}),
    Op.BATCH_MATMUL: (101, {"adj_y": (1, "?")}),
    Op.CUMSUM: (102, {"exclusive": (0, "?")}),
    Op.GELU: (116, {"approximate": (0, "?")}),
    Op.DYNAMIC_UPDATE_SLICE: (117, {}),
}


def ints(values: Sequence[int]) -> NDArray[np.int32]:
    """Return a vector of int32."""
    return np.array(values, np.int32)


def operator_code(op: Op, version: int | None = None) -> Table:
    """Return an OperatorCode, of a decoder's version unless given; numbers beyond a byte are in the newer field."""
    number = VERSIONS.get(op, 1) if version is None else version
    return Table({0: Scalar("b", min(op, 127)), 2: Scalar("i", number), 3: Scalar("i", op)})


def operator(op: Op, code: int, inputs: Sequence[int], outputs: Sequence[int], options: Mapping[str, float]) -> Table:
    """Return an Operator; `code` is the index of its OperatorCode."""
    fields: dict[int, Any] = {0: Scalar("I", code), 1: ints(inputs), 2: ints(outputs)}
    if op in OPTIONS:
        number, known = OPTIONS[op]
        fields[3] = Scalar("B", number)
        fields[4] = Table({known[name][0]: Scalar(known[name][1], value) for name, value in options.items()})
    return Table(fields)


def tensor(name: str, dtype: DType, shape: Sequence[int], buffer: int, quantization: Table | None = None) -> Table:
    """Return a Tensor of known rank."""
    return Table(
        {
            0: ints(shape),
            1: Scalar("b", TYPES[dtype]),
            2: Scalar("I", buffer),
            3: name or None,
            4: quantization,
            8: Scalar("?", True),
        }
    )


def per_row(scales: NDArray[np.float32]) -> Table:
    """Return the quantisation of a matrix with one scale a row: as many zero points as scales, all of them 0."""
    return Table({2: scales, 3: np.zeros(len(scales), np.int64), 6: Scalar("i", 0)})


def blockwise(scales: int, block: int) -> Table:
    """Return the quantisation in blocks along the row; `scales` is a float16 tensor of the same subgraph."""
    details = Table({0: Scalar("i", scales), 1: Scalar("i", -1), 2: Scalar("i", block)})
    return Table({4: Scalar("B", BLOCKWISE), 5: details, 6: Scalar("i", 0)})


def outside_buffer(size: int) -> Table:
    """Return a Buffer whose bytes lie behind the flatbuffer; BUFFER_OFFSET, from the start of the file, is still 0."""
    return Table({BUFFER_OFFSET: Scalar("Q", 0), 2: Scalar("Q", size)})


def inline_buffer(values: NDArray[Any]) -> Table:
    """Return a Buffer whose bytes lie in the flatbuffer."""
    return Table({0: np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)})


def subgraph(
    name: str, tensors: Sequence[Table], inputs: Sequence[int], outputs: Sequence[int], operators: Sequence[Table]
) -> Table:
    """Return a SubGraph."""
    return Table({0: tuple(tensors), 1: ints(inputs), 2: ints(outputs), 3: tuple(operators), 4: name})


def signature(key: str, inputs: Mapping[str, int], outputs: Mapping[str, int], index: int) -> Table:
    """Return a SignatureDef: which tensors of subgraph `index` a caller knows by which name."""
    return Table({0: _named(inputs), 1: _named(outputs), 2: key, 4: Scalar("I", index)})


def _named(tensors: Mapping[str, int]) -> tuple[Table, ...]:
    return tuple(Table({0: name, 1: Scalar("I", index)}) for name, index in tensors.items())


def model(
    codes: Sequence[Table],
    subgraphs: Sequence[Table],
    buffers: Sequence[Table],
    signatures: Sequence[Table],
    metadata: Mapping[str, int],
) -> Table:
    """Return a Model; `metadata` are names and the buffers that hold the values."""
    entries = tuple(Table({0: name, 1: Scalar("I", buffer)}) for name, buffer in metadata.items())
    return Table(
        {
            0: Scalar("I", VERSION),
            1: tuple(codes),
            2: tuple(subgraphs),
            3: "edgeslm",
            4: tuple(buffers),
            6: entries,
            7: tuple(signatures),
        }
    )
