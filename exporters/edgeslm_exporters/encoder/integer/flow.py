"""An encoder as a graph: tables in floats, layers in int8, pooling in floats.

The tables, their norm and the pooling are a thousandth of the work and belong to no accelerator; in floats they cost no
accuracy. The stream of tokens is [1, 1, length, hidden] and products are convolutions over one place, the one form of
a product that all accelerators take for many rows (the Edge TPU's FULLY_CONNECTED gives one row).

Some channels are a hundred times as large as the others, and some tokens too, where one int8 scale serves a tensor.
`Divisors` divide channels, by vectors that are folded into the weights before and behind (arXiv 2211.10438); tokens
are normalised twice, see `_normed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeslm_agent.errors import UnsupportedOperator
from edgeslm_exporters.encoder.integer.graph import Graph, Value
from edgeslm_exporters.encoder.integer.parts import TANH_GELU, Linear
from edgeslm_exporters.tflite.schema import Op

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgeslm_exporters.encoder.integer.graph import Floats
    from edgeslm_exporters.encoder.integer.parts import EncoderLayer, EncoderParts, Norm
    from edgeslm_exporters.encoder.spec import EncoderSpec

    Divisors = Mapping[str, Floats]  # by the name of a value, [channels]

IDS, MASK = "input_ids", "attention_mask"
POOLINGS = ("mean", "cls")
HIDDEN = 1000.0  # taken from the scores of padding: beyond any range of scores, so that int8 ends at its lowest code


@dataclass(frozen=True, eq=False)
class _Stream:
    """Normalised tokens before the norm's factor and offset, which are folded with whatever divides the channels."""

    normal: Value
    weight: Floats
    bias: Floats


class IntegerEncoder:
    """An encoder whose graph can be had for any length; weights that divisors are folded into are kept between them."""

    def __init__(self, parts: EncoderParts, spec: EncoderSpec, divisors: Divisors) -> None:
        """Take what is known of an encoder.

        Raises UnsupportedOperator for a pooling or a module behind it that has no form here.
        """
        modules = spec.modules
        if spec.task == "embed" and (modules.pooling not in POOLINGS or modules.dense):
            raise UnsupportedOperator(
                f"pooling by {modules.pooling}, or a layer behind it, is not written in integers",
                "export with --format onnx",
            )
        self.parts, self.spec, self._divisors = parts, spec, divisors
        self._folded: dict[str, Linear] = {}

    def graph(self, length: int) -> Graph:
        """Return the graph for texts of `length` tokens, padded where they are shorter."""
        return _Flow(self.parts, self.spec, length, self._divisors, self._folded).build()


class _Flow:
    def __init__(
        self, parts: EncoderParts, spec: EncoderSpec, length: int, divisors: Divisors, folded: dict[str, Linear]
    ) -> None:
        self.parts, self.spec, self.length = parts, spec, length
        self._divisors, self._folded = divisors, folded
        self.width = parts.words.shape[1]
        self.graph = Graph()

    def build(self) -> Graph:
        graph = self.graph
        ids = graph.input(IDS, (1, self.length), "int32")
        mask = graph.input(MASK, (1, self.length), "float32")
        hidden = self._hidden(mask)
        stream = self._embedded(ids)
        for index, layer in enumerate(self.parts.layers):
            stream = self._layer(f"layer{index}", layer, stream, hidden)
        last = self._read(stream, "last")
        if self.spec.task == "classify":
            graph.outputs["scores"] = self._scores(last)
        else:
            graph.outputs["embedding"] = self._embedding(last, mask)
        return graph

    def _hidden(self, mask: Value) -> Value:
        """Return what is added to scores: 0, and far below 0 for padding."""
        graph = self.graph
        padding = graph.op(Op.SUB, mask, graph.constant(np.ones((1, 1), np.float32)))
        padding = graph.op(Op.MUL, padding, graph.constant(np.full((1, 1), HIDDEN, np.float32)))
        return graph.rounded(graph.reshape(padding, (1, 1, 1, self.length)), (-HIDDEN, 0.0))

    def _embedded(self, ids: Value) -> _Stream:
        graph, parts = self.graph, self.parts
        flat = graph.reshape(ids, (self.length,))
        shape = (self.length, self.width)
        words = graph.add(Value(Op.EMBEDDING_LOOKUP, (flat,), shape, "float32", "words", parts.words))
        summed = graph.op(Op.ADD, words, graph.constant(parts.places[: self.length]))
        summed = graph.reshape(summed, (1, 1, *shape))
        mean = np.full((1, self.width), 1 / self.width, np.float32)
        centred = graph.op(Op.SUB, summed, graph.product(summed, mean, np.zeros(1, np.float32), "embedded.mean"))
        epsilon = np.full(1, parts.epsilon, np.float32)
        variance = graph.product(graph.op(Op.MUL, centred, centred), mean, epsilon, "embedded.variance")
        normal = graph.op(Op.MUL, centred, graph.op(Op.RSQRT, variance))
        return _Stream(normal, parts.embedded.weight, parts.embedded.bias)

    def _layer(self, name: str, layer: EncoderLayer, stream: _Stream, hidden: Value) -> _Stream:
        found = self._attended(name, layer, stream, hidden)
        found = self._product(found, layer.output, f"{name}.attended.product", f"{name}.heads", f"{name}.attended.sum")
        stream = self._summed(f"{name}.attended", stream, found, layer.attended)
        read = f"{name}.middle"
        inner = self._product(self._read(stream, read), layer.up, f"{name}.up", read)
        inner = self._active(inner)
        divisor = self._divisor(f"{name}.inner", len(layer.up.bias))
        inner = self.graph.by_channel(inner, np.reciprocal(divisor), np.zeros_like(divisor), f"{name}.inner")
        found = self._product(inner, layer.down, f"{name}.fed.product", f"{name}.inner", f"{name}.fed.sum")
        return self._summed(f"{name}.fed", stream, found, layer.fed)

    def _attended(self, name: str, layer: EncoderLayer, stream: _Stream, hidden: Value) -> Value:
        graph, heads = self.graph, self.parts.heads
        size = self.width // heads
        read = self._read(stream, name)

        def split(linear: Linear, what: str, divided: str = "") -> Value:
            packed = self._product(read, linear, f"{name}.{what}", name, divided)
            return graph.transpose(graph.reshape(packed, (1, self.length, heads, size)), (0, 2, 1, 3))

        share = np.float32(size**-0.5)
        query = split(Linear(layer.query.weight * share, layer.query.bias * share), "query")
        key, value = split(layer.key, "key"), split(layer.value, "value", f"{name}.heads")
        scores = graph.op(Op.BATCH_MATMUL, query, key, shape=(1, heads, self.length, self.length), adj_y=True)
        shares = graph.op(Op.SOFTMAX, graph.op(Op.ADD, scores, hidden, masked=True), beta=1.0)
        found = graph.op(Op.BATCH_MATMUL, shares, value, shape=value.shape)
        return graph.reshape(graph.transpose(found, (0, 2, 1, 3)), read.shape, f"{name}.heads")

    def _active(self, inner: Value) -> Value:
        if self.parts.activation == "relu":
            return self.graph.op(Op.RELU, inner)
        return self.graph.op(Op.GELU, inner, approximate=self.parts.activation in TANH_GELU)

    def _summed(self, name: str, stream: _Stream, found: Value, norm: Norm) -> _Stream:
        """Add a product to the stream and normalise the sum."""
        sums = f"{name}.sum"
        return self._normed(name, self.graph.op(Op.ADD, self._read(stream, sums), found, name=sums), norm)

    def _normed(self, name: str, value: Value, norm: Norm) -> _Stream:
        """Normalise over channels whose divisors are whole numbers, so that int8 weights hold them and their squares.

        Variances of tokens differ three-hundredfold (arXiv 2109.12948), more than int8 holds, so squares and variance
        are taken twice: in a range that suits most tokens, where the largest are cut off, and in one that holds all,
        less a step of rounding. The smaller reciprocal root is the better one.
        """
        graph, steps = self.graph, self._divisor(f"{name}.sum")
        mean = graph.product(value, steps[None] / self.width, np.zeros(1, np.float32), f"{name}.mean")
        spread = graph.product(mean, np.reciprocal(steps[:, None]), np.zeros(self.width, np.float32), f"{name}.spread")
        centred = graph.op(Op.SUB, value, spread)
        roots = []
        for reach in ("usual", "whole"):
            squares = graph.op(Op.MUL, centred, centred, reach=reach)
            epsilon = np.full(1, self.parts.epsilon, np.float32)
            variance = graph.product(squares, steps[None] ** 2 / self.width, epsilon, f"{name}.{reach}", reach=reach)
            roots.append(graph.op(Op.RSQRT, variance))
        normal = graph.op(Op.MUL, centred, graph.op(Op.MINIMUM, *roots))
        return _Stream(normal, norm.weight * steps, norm.bias)

    def _read(self, stream: _Stream, name: str) -> Value:
        """Return the stream for a reader, in int8, its channels divided as that reader wants."""
        divisor = self._divisor(name)
        value = self.graph.by_channel(stream.normal, stream.weight / divisor, stream.bias / divisor, name)
        return value if value.kind == "int8" else self.graph.rounded(value)

    def _product(self, value: Value, linear: Linear, name: str, read: str, divided: str = "") -> Value:
        """Multiply a value whose channels were divided under the name `read`; divide the result's as `divided` says."""
        if name not in self._folded:
            outer, inner = self._divisor(divided, len(linear.bias)), self._divisor(read, value.shape[-1])
            self._folded[name] = Linear(linear.weight * (inner / outer[:, None]), linear.bias / outer)
        return self.graph.product(value, self._folded[name].weight, self._folded[name].bias, name)

    def _divisor(self, name: str, width: int | None = None) -> Floats:
        return self._divisors.get(name, np.ones(width or self.width, np.float32))

    def _embedding(self, stream: Value, mask: Value) -> Value:
        """Pool the tokens that are no padding, [1, hidden]."""
        graph, modules, length, width = self.graph, self.spec.modules, self.length, self.width
        if modules.pooling == "cls":
            pooled = graph.reshape(graph.widened(self._first(stream)), (1, width))
        else:
            tokens = graph.reshape(graph.widened(stream), (1, length, width))
            row = graph.reshape(mask, (1, 1, length))
            summed = graph.op(Op.BATCH_MATMUL, row, tokens, shape=(1, 1, width))
            count = graph.op(Op.BATCH_MATMUL, row, row, shape=(1, 1, 1), adj_y=True)
            pooled = graph.reshape(graph.op(Op.DIV, summed, count), (1, width))
        return graph.op(Op.L2_NORMALIZATION, pooled) if modules.normalized else pooled

    def _scores(self, stream: Value) -> Value:
        graph, head = self.graph, self.parts.head
        assert head is not None
        inner = graph.product(self._first(stream), head.inner.weight, head.inner.bias, "head.inner")
        inner = graph.op(Op.TANH if head.activation == "tanh" else Op.RELU, inner)
        logits = graph.widened(graph.product(inner, head.scores.weight, head.scores.bias, "head.scores"))
        logits = graph.reshape(logits, (1, len(self.spec.labels)))
        return graph.op(Op.LOGISTIC, logits) if self.spec.several_labels else graph.op(Op.SOFTMAX, logits, beta=1.0)

    def _first(self, stream: Value) -> Value:
        return self.graph.op(Op.SLICE, stream, shape=(1, 1, 1, self.width))
