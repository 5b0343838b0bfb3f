"""Attention over a cache of fixed size that is extended in place, from plain operators.

Query heads that share a key are folded into the token axis, so one BATCH_MATMUL serves them. The caller passes the
same memory as cache in and cache out; DYNAMIC_UPDATE_SLICE then writes the new rows only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeslm_exporters.rotary import alibi_slopes
from edgeslm_exporters.tflite.layout import rotary_names
from edgeslm_exporters.tflite.norms import normed
from edgeslm_exporters.tflite.schema import TYPES, Op, ints

if TYPE_CHECKING:
    from edgeslm_exporters.decoder_spec import Attention, Layer, Norm, Rotary
    from edgeslm_exporters.tflite.builder import Subgraph, Value
    from edgeslm_exporters.tflite.layout import Layout

HIDDEN = -1e9  # what a score gets that must not count: finite, so that a row of them alone is no NaN


@dataclass(frozen=True)
class Heads:
    """Query [1, kv_heads, group x S, size], and the new keys and values [1, kv_heads, S, size]."""

    query: Value
    key: Value
    value: Value


class Positions:
    """What the layers need to know of where the call's tokens stand; each thing is computed once a call."""

    def __init__(self, graph: Subgraph, layout: Layout, positions: Value, mask: Value) -> None:
        self._graph, self.layout = graph, layout
        self._mask = mask
        self.positions = positions
        first, zero = graph.part(positions, 0, 0, 1), graph.constant(ints([0]))
        self.start = graph.joined([zero, zero, first, zero], 0)
        self._rotations: dict[tuple[Rotary, float], tuple[Value, Value]] = {}
        self._biases: dict[tuple[bool, int | None], Value] = {}
        self._distances: Value | None = None

    def rotation(self, rotary: Rotary, query_scale: float) -> tuple[Value, Value]:
        """Return cosines and signed sines of the call's positions, [1, S, heads + kv_heads, head_size] or spread so.

        Those of query heads are scaled, which spares every layer a product.
        """
        key = rotary, query_scale
        if key not in self._rotations:
            name = rotary_names(self.layout.spec)[rotary]
            cosine, sine = (self._looked_up(f"{name}.{which}", query_scale) for which in ("cos", "sin"))
            self._rotations[key] = cosine, sine
        return self._rotations[key]

    def _looked_up(self, table: str, query_scale: float) -> Value:
        graph, spec, rows = self._graph, self.layout.spec, self.positions.shape[0]
        found = graph.op(Op.EMBEDDING_LOOKUP, [self.positions, graph.stored(table)], (rows, spec.head_size))
        found = graph.reshape(found, (1, rows, 1, spec.head_size))
        if query_scale == 1.0:
            return found
        factors = np.repeat(np.array([query_scale, 1], np.float32), [spec.heads, spec.kv_heads])
        return graph.binary(Op.MUL, found, graph.constant(factors.reshape(1, 1, -1, 1)))

    def bias(self, layer: Layer) -> Value:
        """Return what is added to a layer's scores, [1, 1 or kv_heads, group x S or 1, context]."""
        key = layer.attention.alibi, self.layout.window(layer)
        if key not in self._biases:
            self._biases[key] = self._folded(self._bias(*key))
        return self._biases[key]

    def _bias(self, alibi: bool, window: int | None) -> Value:
        graph, bias = self._graph, self._mask
        if window is not None:
            beyond = graph.binary(Op.SUB, self._distance(), graph.scalar(window - 1))
            outside = graph.scaled(graph.unary(Op.RELU, beyond), HIDDEN)
            bias = graph.binary(Op.ADD, bias, outside)
        if alibi:
            slopes = -np.array(alibi_slopes(self.layout.spec.heads), np.float32)
            lowered = graph.binary(Op.MUL, self._distance(), graph.constant(slopes.reshape(1, -1, 1, 1)))
            bias = graph.binary(Op.ADD, lowered, bias)
        return bias

    def _distance(self) -> Value:
        """Return how many tokens each key lies before each query, [1, 1, S, context]."""
        if self._distances is None:
            graph, rows = self._graph, self.positions.shape[0]
            types = {"in_data_type": TYPES["int32"], "out_data_type": TYPES["float32"]}
            query = graph.unary(Op.CAST, self.positions, **types)
            column = graph.reshape(query, (1, 1, rows, 1))
            self._distances = graph.binary(Op.SUB, column, self._keys())
        return self._distances

    def _keys(self) -> Value:
        """Return 0, 1, 2, ... for the tokens of a cache of any size, [1, 1, S, context]: no mask is above 0."""
        graph = self._graph
        ones = graph.binary(Op.ADD, graph.unary(Op.RELU, self._mask), graph.scalar(1))
        return graph.op(Op.CUMSUM, [ones, graph.constant(ints([3]))], ones.shape, exclusive=True)

    def _folded(self, bias: Value) -> Value:
        """Spread a bias over the heads that share a key, in the order in which queries are folded."""
        spec, (_, heads, rows, context) = self.layout.spec, bias.shape
        group = spec.heads // spec.kv_heads
        if heads == spec.heads and heads > 1:
            return self._graph.reshape(bias, (1, spec.kv_heads, group * rows, context), free=3)
        if group == 1 or rows == 1:
            return bias
        ones = self._graph.constant(np.ones((1, group, 1, 1), np.float32))
        return self._graph.reshape(self._graph.binary(Op.MUL, bias, ones), (1, 1, group * rows, context), free=3)


def heads(graph: Subgraph, layout: Layout, parts: Attention, where: Positions, packed: Value) -> Heads:
    """Split packed query, key and value [1, S, N] into heads, with norms and rotation done."""
    spec, rows = layout.spec, packed.shape[1]
    turned = _query_and_key(graph, layout, parts, packed)
    if parts.rotary is not None:
        turned = _rotated(graph, turned, parts.rotary.size, where.rotation(parts.rotary, parts.scale))
    query = graph.part(turned, 2, 0, spec.heads)
    query = query if parts.rotary else graph.scaled(query, parts.scale)
    query = graph.transpose(query, (0, 2, 1, 3))
    folded = (1, spec.kv_heads, spec.heads // spec.kv_heads * rows, spec.head_size)
    key = graph.transpose(graph.part(turned, 2, spec.heads, spec.kv_heads), (0, 2, 1, 3))
    value = graph.part(packed, 2, spec.query_size + spec.kv_size, spec.kv_size)
    value = graph.transpose(graph.reshape(value, (1, rows, spec.kv_heads, spec.head_size)), (0, 2, 1, 3))
    return Heads(graph.reshape(query, folded), key, value)


def extended(graph: Subgraph, cache: Value, new: Value, start: Value) -> Value:
    """Return the cache [1, kv_heads, context, size] with new rows written from `start` on."""
    return graph.op(Op.DYNAMIC_UPDATE_SLICE, [cache, new, start], cache.shape)


def attended(graph: Subgraph, layer: Layer, where: Positions, query: Value, cache: tuple[Value, Value]) -> Value:
    """Return what the heads gather from the cached keys and values for each token, [1, S, heads x size]."""
    spec, parts = where.layout.spec, layer.attention
    rows = where.positions.shape[0]
    shape = (*query.shape[:3], where.layout.context)
    scores = graph.op(Op.BATCH_MATMUL, [query, cache[0]], shape, adj_y=True)
    if parts.soft_cap is not None:
        inner = graph.scaled(scores, 1 / parts.soft_cap)
        scores = graph.scaled(graph.unary(Op.TANH, inner), parts.soft_cap)
    scores = graph.binary(Op.ADD, scores, where.bias(layer))
    shares = graph.unary(Op.SOFTMAX, scores, beta=1.0)
    found = graph.op(Op.BATCH_MATMUL, [shares, cache[1]], query.shape, adj_y=False)
    found = graph.transpose(graph.reshape(found, (1, spec.heads, rows, spec.head_size)), (0, 2, 1, 3))
    return graph.reshape(found, (1, rows, spec.query_size))


def _query_and_key(graph: Subgraph, layout: Layout, parts: Attention, packed: Value) -> Value:
    """Return query heads and key heads behind each other, normed, [1, S, heads + kv_heads, size]."""
    spec, rows = layout.spec, packed.shape[1]
    if parts.query_norm is None and parts.key_norm is None:
        both = graph.part(packed, 2, 0, spec.query_size + spec.kv_size)
        return graph.reshape(both, (1, rows, spec.heads + spec.kv_heads, spec.head_size))
    query = graph.part(packed, 2, 0, spec.query_size)
    key = graph.part(packed, 2, spec.query_size, spec.kv_size)
    query = _normed_heads(graph, parts.query_norm, query, spec.head_size)
    return graph.joined([query, _normed_heads(graph, parts.key_norm, key, spec.head_size)], 2)


def _normed_heads(graph: Subgraph, norm: Norm | None, value: Value, size: int) -> Value:
    """Normalise all of [1, S, N] at once where the norm is that wide, else each head; return the heads apart."""
    _, rows, width = value.shape
    apart = (1, rows, width // size, size)
    if norm is not None and norm.width == width:
        return graph.reshape(normed(graph, norm, value), apart)
    return normed(graph, norm, graph.reshape(value, apart))


def _rotated(graph: Subgraph, value: Value, size: int, tables: tuple[Value, Value]) -> Value:
    """Rotate the first `size` values of each head, in halves: x cos + (x with its halves swapped) (-sin, sin)."""
    half, rest = size // 2, value.shape[3] - size
    parts = [graph.part(value, 3, half, half), graph.part(value, 3, 0, half)]
    parts += [graph.part(value, 3, size, rest)] if rest else []
    swapped = graph.joined(parts, 3)
    straight = graph.binary(Op.MUL, value, tables[0])
    return graph.binary(Op.ADD, straight, graph.binary(Op.MUL, swapped, tables[1]))
