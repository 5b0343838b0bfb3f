"""A graph of TensorFlow Lite operators before it has ranges: what is computed, in which order, in which kind of number.

One description serves two readers: `floats.py` computes it in numpy, to see ranges and as the reference of tests, and
`file.py` writes it with int8 codes. Rounding happens only where a value's kind is int8.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from edgeslm_exporters.tflite.schema import Op

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

Kind = Literal["float32", "int8", "int32"]
# What an operator's output always spans, as its kernel fixes scale and zero point (TensorFlow Lite's 8-bit
# quantisation specification).
FIXED = {
    Op.SOFTMAX: (0.0, 255 / 256),
    Op.LOGISTIC: (0.0, 255 / 256),
    Op.TANH: (-1.0, 127 / 128),
}
SAME_RANGE = {Op.RESHAPE, Op.TRANSPOSE, Op.SLICE}  # they move values


@dataclass(frozen=True, eq=False)
class Value:
    """An operator and its output, or (`op` None) an input or a constant.

    `weight` and `bias` are what an operator multiplies with, `bounds` a range that is known and need not be seen.
    `options` are the operator's own, and what else decides its output.
    """

    op: Op | None
    inputs: tuple[Value, ...]
    shape: tuple[int, ...]
    kind: Kind
    name: str = ""
    weight: NDArray[Any] | None = None
    bias: Floats | None = None
    bounds: tuple[float, float] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


class Graph:
    """Values in the order in which they are computed."""

    def __init__(self) -> None:
        self.values: list[Value] = []
        self.outputs: dict[str, Value] = {}

    def add(self, value: Value) -> Value:
        """Append a value and return it."""
        self.values.append(value)
        return value

    def input(self, name: str, shape: Sequence[int], kind: Kind) -> Value:
        """Declare an input."""
        return self.add(Value(None, (), tuple(shape), kind, name))

    def constant(self, values: Floats) -> Value:
        """Return a float constant."""
        return self.add(Value(None, (), values.shape, "float32", weight=values))

    def op(
        self,
        op: Op,
        *inputs: Value,
        shape: Sequence[int] | None = None,
        name: str = "",
        **options: Any,  # noqa: ANN401
    ) -> Value:
        """Append an operator of the kind of its first input; its shape is that of what it reads, spread as in numpy."""
        found = tuple(shape) if shape is not None else np.broadcast_shapes(*(value.shape for value in inputs))
        return self.add(Value(op, inputs, found, inputs[0].kind, name, bounds=FIXED.get(op), options=options))

    def product(self, value: Value, weight: Floats, bias: Floats, name: str, **options: str) -> Value:
        """Multiply the last axis by weight [N, K] and add bias [N]: a convolution over one place."""
        shape = (*value.shape[:-1], len(weight))
        return self.add(Value(Op.CONV_2D, (value,), shape, value.kind, name, weight, bias, options=options))

    def by_channel(self, value: Value, weight: Floats, bias: Floats, name: str) -> Value:
        """Multiply each channel by a factor of its own and add an offset: a depthwise convolution over one place."""
        return self.add(Value(Op.DEPTHWISE_CONV_2D, (value,), value.shape, value.kind, name, weight[None], bias))

    def rounded(self, value: Value, bounds: tuple[float, float] | None = None) -> Value:
        """Turn floats into int8, in the range that is seen or given."""
        return self.add(Value(Op.QUANTIZE, (value,), value.shape, "int8", bounds=bounds))

    def widened(self, value: Value) -> Value:
        """Turn int8 into floats."""
        return self.add(Value(Op.DEQUANTIZE, (value,), value.shape, "float32"))

    def reshape(self, value: Value, shape: Sequence[int], name: str = "") -> Value:
        """Give the same values another shape."""
        return self.op(Op.RESHAPE, value, shape=shape, name=name)

    def transpose(self, value: Value, order: Sequence[int]) -> Value:
        """Reorder dimensions."""
        return self.op(Op.TRANSPOSE, value, shape=[value.shape[axis] for axis in order], order=tuple(order))
