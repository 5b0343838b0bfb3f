"""An encoder as a graph: tables in floats, layers in int8, pooling in floats.

The tables and the pooling are a thousandth of the work and belong to no accelerator; in floats they cost no accuracy.
The stream of tokens is [1, 1, length, hidden] and products are convolutions over one place, the one form of a product
that all delegates of accelerators take for many rows (the Edge TPU's FULLY_CONNECTED gives one row).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeslm_agent.errors import UnsupportedOperator
from edgeslm_exporters.encoder.integer.graph import Graph, Value
from edgeslm_exporters.encoder.integer.parts import TANH_GELU
from edgeslm_exporters.tflite.schema import Op

if TYPE_CHECKING:
    from edgeslm_exporters.encoder.integer.parts import EncoderLayer, EncoderParts, Linear, Norm
    from edgeslm_exporters.encoder.spec import EncoderSpec

IDS, MASK = "input_ids", "attention_mask"
HIDDEN = 1000.0  # taken from the scores of padding: beyond any range of scores, so that int8 ends at its lowest code


def encoder_graph(parts: EncoderParts, spec: EncoderSpec, length: int) -> Graph:
    """Return the graph for texts of `length` tokens, padded where they are shorter.

    Raises UnsupportedOperator for a pooling or a module behind it that has no form here.
    """
    graph = Graph()
    ids = graph.input(IDS, (1, length), "int32")
    mask = graph.input(MASK, (1, length), "float32")
    hidden = graph.op(Op.SUB, mask, graph.constant(np.ones((1, 1), np.float32)))
    hidden = graph.op(Op.MUL, hidden, graph.constant(np.full((1, 1), HIDDEN, np.float32)))
    hidden = graph.rounded(graph.reshape(hidden, (1, 1, 1, length)), (-HIDDEN, 0.0))
    stream = _embedded(graph, parts, ids)
    for index, layer in enumerate(parts.layers):
        stream = _layer(graph, parts, layer, f"layer{index}", stream, hidden)
    if spec.task == "classify":
        graph.outputs["scores"] = _scores(graph, parts, spec, stream)
    else:
        graph.outputs["embedding"] = _embedding(graph, spec, stream, mask)
    return graph


def _embedded(graph: Graph, parts: EncoderParts, ids: Value) -> Value:
    length, width = ids.shape[1], parts.words.shape[1]
    flat = graph.reshape(ids, (length,))
    words = graph.add(Value(Op.EMBEDDING_LOOKUP, (flat,), (length, width), "float32", "words", parts.words))
    summed = graph.op(Op.ADD, words, graph.constant(parts.places[:length]))
    summed = graph.rounded(graph.reshape(summed, (1, 1, length, width)))
    return _normed(graph, parts, parts.embedded, "embedded", summed)


def _layer(graph: Graph, parts: EncoderParts, layer: EncoderLayer, name: str, stream: Value, hidden: Value) -> Value:
    found = _attended(graph, parts, layer, name, stream, hidden)
    found = graph.op(Op.ADD, stream, found)
    stream = _normed(graph, parts, layer.attended, f"{name}.attended", found)
    inner = _product(graph, stream, layer.up, f"{name}.up")
    if parts.activation == "relu":
        inner = graph.op(Op.RELU, inner)
    else:
        inner = graph.op(Op.GELU, inner, approximate=parts.activation in TANH_GELU)
    found = graph.op(Op.ADD, stream, _product(graph, inner, layer.down, f"{name}.down"))
    return _normed(graph, parts, layer.fed, f"{name}.fed", found)


def _attended(graph: Graph, parts: EncoderParts, layer: EncoderLayer, name: str, stream: Value, hidden: Value) -> Value:
    _, _, length, width = stream.shape
    size = width // parts.heads

    def heads(linear: Linear, what: str, factor: float = 1.0) -> Value:
        packed = graph.product(stream, linear.weight * np.float32(factor), linear.bias * np.float32(factor), f"{name}.{what}")
        return graph.transpose(graph.reshape(packed, (1, length, parts.heads, size)), (0, 2, 1, 3))

    query, key, value = heads(layer.query, "query", size**-0.5), heads(layer.key, "key"), heads(layer.value, "value")
    scores = graph.op(Op.BATCH_MATMUL, query, key, shape=(1, parts.heads, length, length), adj_y=True)
    scores = graph.op(Op.ADD, scores, hidden, masked=True)
    shares = graph.op(Op.SOFTMAX, scores, beta=1.0)
    found = graph.op(Op.BATCH_MATMUL, shares, value, shape=value.shape)
    found = graph.reshape(graph.transpose(found, (0, 2, 1, 3)), stream.shape)
    return _product(graph, found, layer.output, f"{name}.output")


def _normed(graph: Graph, parts: EncoderParts, norm: Norm, name: str, value: Value) -> Value:
    """Normalise over channels; both means are products with a row of 1/hidden, which every accelerator has."""
    width = value.shape[-1]
    mean = np.full((1, width), 1 / width, np.float32)
    centred = graph.op(Op.SUB, value, graph.product(value, mean, np.zeros(1, np.float32), f"{name}.mean"))
    squares = graph.op(Op.MUL, centred, centred)
    variance = graph.product(squares, mean, np.full(1, parts.epsilon, np.float32), f"{name}.variance")
    normal = graph.op(Op.MUL, centred, graph.op(Op.RSQRT, variance))
    return graph.by_channel(normal, norm.weight, norm.bias, name)


def _product(graph: Graph, value: Value, linear: Linear, name: str) -> Value:
    return graph.product(value, linear.weight, linear.bias, name)


def _embedding(graph: Graph, spec: EncoderSpec, stream: Value, mask: Value) -> Value:
    """Pool the tokens that are no padding, [1, hidden]."""
    modules, (_, _, length, width) = spec.modules, stream.shape
    if modules.pooling not in ("mean", "cls") or modules.dense:
        raise UnsupportedOperator(
            f"pooling by {modules.pooling}, or a layer behind it, is not written in integers", "export with --format onnx"
        )
    if modules.pooling == "cls":
        pooled = graph.reshape(graph.widened(_first(graph, stream)), (1, width))
    else:
        tokens = graph.reshape(graph.widened(stream), (1, length, width))
        row = graph.reshape(mask, (1, 1, length))
        summed = graph.op(Op.BATCH_MATMUL, row, tokens, shape=(1, 1, width))
        count = graph.op(Op.BATCH_MATMUL, row, row, shape=(1, 1, 1), adj_y=True)
        pooled = graph.reshape(graph.op(Op.DIV, summed, count), (1, width))
    return graph.op(Op.L2_NORMALIZATION, pooled) if modules.normalized else pooled


def _scores(graph: Graph, parts: EncoderParts, spec: EncoderSpec, stream: Value) -> Value:
    assert parts.head is not None
    inner = _product(graph, _first(graph, stream), parts.head.inner, "head.inner")
    inner = graph.op(Op.TANH if parts.head.activation == "tanh" else Op.RELU, inner)
    logits = graph.widened(_product(graph, inner, parts.head.scores, "head.scores"))
    logits = graph.reshape(logits, (1, len(spec.labels)))
    return graph.op(Op.LOGISTIC, logits) if spec.several_labels else graph.op(Op.SOFTMAX, logits, beta=1.0)


def _first(graph: Graph, stream: Value) -> Value:
    return graph.op(Op.SLICE, stream, shape=(1, 1, 1, stream.shape[-1]))
