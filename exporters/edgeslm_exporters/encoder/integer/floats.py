"""Computes a graph in floats, with numpy: what int8 is an approximation of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgeslm_exporters.tflite.schema import Op

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from edgeslm_exporters.encoder.integer.graph import Graph, Value

    Array = NDArray[Any]

# Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: the error function to 1.5e-7.
ERF = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
ERF_STEP = 0.3275911


def compute(graph: Graph, inputs: Mapping[str, Array]) -> list[Array]:
    """Return every value of a graph, in its order."""
    found: dict[int, Array] = {}
    results = []
    for value in graph.values:
        if value.op is None:
            result = inputs[value.name] if value.weight is None else value.weight
        else:
            result = _OPERATORS[value.op](value, *(found[id(given)] for given in value.inputs))
        assert result.shape == value.shape, f"{value.op}: {result.shape}, not {value.shape}"
        found[id(value)] = result
        results.append(result)
    return results


def _matmul(value: Value, left: Array, right: Array) -> Array:
    product: Array = left @ (right.swapaxes(-1, -2) if value.options.get("adj_y") else right)
    return product


def _gelu(value: Value, x: Array) -> Array:
    if value.options["approximate"]:
        inner = np.float32((2 / np.pi) ** 0.5) * (x + np.float32(0.044715) * x**3)
        return np.asarray(x * (1 + np.tanh(inner)) / 2, np.float32)
    return np.asarray(x * (1 + _erf(x * np.float32(0.5**0.5))) / 2, np.float32)


def _erf(x: Array) -> Array:
    step = 1 / (1 + np.float32(ERF_STEP) * np.abs(x))
    series = np.zeros_like(x)
    for factor in reversed(ERF):
        series = (series + np.float32(factor)) * step
    values: Array = np.copysign(1 - series * np.exp(-x * x), x)
    return values


def _softmax(_: Value, x: Array) -> Array:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    shares: Array = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def _slice(value: Value, x: Array) -> Array:
    part: Array = x[tuple(slice(size) for size in value.shape)]
    return part


_OPERATORS: dict[Op, Callable[..., Array]] = {
    Op.ADD: lambda _, a, b: a + b,
    Op.SUB: lambda _, a, b: a - b,
    Op.MUL: lambda _, a, b: a * b,
    Op.DIV: lambda _, a, b: a / b,
    Op.MINIMUM: lambda _, a, b: np.minimum(a, b),
    Op.RELU: lambda _, x: np.maximum(x, 0),
    Op.TANH: lambda _, x: np.tanh(x),
    Op.LOGISTIC: lambda _, x: 1 / (1 + np.exp(-x)),
    Op.RSQRT: lambda _, x: 1 / np.sqrt(x),
    Op.GELU: _gelu,
    Op.SOFTMAX: _softmax,
    Op.L2_NORMALIZATION: lambda _, x: x / np.linalg.norm(x, axis=-1, keepdims=True),
    Op.EMBEDDING_LOOKUP: lambda value, ids: value.weight[ids],
    Op.CONV_2D: lambda value, x: x @ value.weight.T + value.bias,
    Op.DEPTHWISE_CONV_2D: lambda value, x: x * value.weight[0] + value.bias,
    Op.BATCH_MATMUL: _matmul,
    Op.RESHAPE: lambda value, x: x.reshape(value.shape),
    Op.TRANSPOSE: lambda value, x: x.transpose(value.options["order"]),
    Op.SLICE: _slice,
    Op.QUANTIZE: lambda _, x: x,
    Op.DEQUANTIZE: lambda _, x: x,
}
