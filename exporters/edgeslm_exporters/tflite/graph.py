"""The decoder's signatures on one copy of its weights: `prefill_N`, `decode` and `score_N`.

Each reads N tokens (batch 1) on top of what the cache holds: `tokens` int32 [1, N], `input_pos` int32 [N], `mask`
float32 [1, 1, N, context] (added to the scores) and the caches, which come out again; names and shapes are those that
LiteRT-LM feeds. Prefill computes nothing but the cache; decode (one token) and score give logits for every token.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from edgeslm_agent.engine.runtime.tflite_file import RESIZABLE
from edgeslm_exporters.decoder_spec import Mlp
from edgeslm_exporters.matrices import CONFIG_KEY
from edgeslm_exporters.tflite.attention import Positions, attended, extended, heads
from edgeslm_exporters.tflite.builder import ModelBuilder, Subgraph
from edgeslm_exporters.tflite.layout import POSITIONS
from edgeslm_exporters.tflite.mlp import mlp
from edgeslm_exporters.tflite.norms import normed
from edgeslm_exporters.tflite.products import product, widened
from edgeslm_exporters.tflite.schema import Op

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgeslm_exporters.decoder_spec import Layer
    from edgeslm_exporters.tflite.builder import RowScales, Value
    from edgeslm_exporters.tflite.layout import Layout
    from edgeslm_exporters.tflite.schema import DType


def decoder_model(layout: Layout, config: Mapping[str, Any], row_scales: RowScales) -> ModelBuilder:
    """Return the model of a layout; `config` lies in its metadata.

    `row_scales` are float32 [N] by the name of each projection with one scale a row, and may still change.
    """
    metadata = {CONFIG_KEY: json.dumps(config, sort_keys=True).encode(), RESIZABLE: b"yes"}
    model = ModelBuilder(layout, row_scales, metadata)
    for size in layout.prefill_sizes:
        model.add(_Call(model, layout, f"prefill_{size}", size, logits=False).build())
    model.add(_Call(model, layout, "decode", 1, logits=True).build())
    model.add(_Call(model, layout, f"score_{layout.score_size}", layout.score_size, logits=True).build())
    return model


class _Call:
    """One signature."""

    def __init__(self, model: ModelBuilder, layout: Layout, key: str, rows: int, *, logits: bool) -> None:
        self.layout, self.spec = layout, layout.spec
        self.rows, self.logits = rows, logits
        self.graph = Subgraph(model, key)

    def build(self) -> Subgraph:
        graph, rows = self.graph, self.rows
        tokens = graph.reshape(graph.input("tokens", (1, rows), "int32"), (rows,))
        positions = graph.input("input_pos", (rows,), "int32")
        mask = graph.input("mask", (1, 1, rows, self.layout.context))
        where = Positions(graph, self.layout, positions, mask)
        stream = self._embedding(tokens, positions)
        for index, layer in enumerate(self.spec.stack):
            stream = self._layer(index, layer, where, stream)
        if self.logits:
            graph.output("logits", self._head(normed(graph, self.spec.final_norm, stream)))
        return graph

    def _embedding(self, tokens: Value, positions: Value) -> Value:
        graph, spec = self.graph, self.spec
        shape = (self.rows, spec.hidden)
        table = graph.matrix(self.layout.table)
        # fp16 is looked up before it is widened: every signature would keep a table in floats
        dtype: DType = "float16" if table.dtype == "float16" else "float32"
        found = widened(graph, graph.op(Op.EMBEDDING_LOOKUP, [tokens, table], shape, dtype))
        value = graph.scaled(found, spec.embedding_scale)
        if spec.positions is not None:
            learned = graph.op(Op.EMBEDDING_LOOKUP, [positions, graph.stored(POSITIONS)], shape)
            value = graph.binary(Op.ADD, value, learned)
        return normed(graph, spec.embedding_norm, graph.reshape(value, (1, *shape)))

    def _layer(self, index: int, layer: Layer, where: Positions, stream: Value) -> Value:
        """Return the stream behind a layer; of the last one a call without logits needs the cache alone."""
        graph, layout = self.graph, self.layout
        hidden = normed(graph, layer.attention_norm, stream)
        packed = product(graph, layout.matrix(layer.attention.qkv), hidden)
        split = heads(graph, layout, layer.attention, where, packed)
        keys = self._cached(f"kv_cache_k_{index}", split.key, where)
        values = self._cached(f"kv_cache_v_{index}", split.value, where)
        if index == self.spec.layers - 1 and not self.logits:
            return stream
        found = attended(graph, layer, where, split.query, (keys, values))
        found = product(graph, layout.matrix(layer.attention.output), found)
        found = graph.scaled(normed(graph, layer.attended_norm, found), layer.residual_scale)
        if not layer.parallel:
            stream = graph.binary(Op.ADD, stream, found)
            hidden = normed(graph, layer.mlp_norm, stream)
        elif layer.mlp_norm is not None:
            hidden = normed(graph, layer.mlp_norm, stream)
        assert isinstance(layer.mlp, Mlp), "layout.refusals names experts"
        fed = normed(graph, layer.fed_norm, mlp(graph, layout, layer.mlp, hidden))
        fed = graph.scaled(fed, layer.residual_scale)
        stream = graph.binary(Op.ADD, stream, found) if layer.parallel else stream
        return graph.binary(Op.ADD, stream, fed)

    def _cached(self, name: str, new: Value, where: Positions) -> Value:
        spec = self.spec
        cache = self.graph.input(name, (1, spec.kv_heads, self.layout.context, spec.head_size))
        longer = extended(self.graph, cache, new, where.start)
        self.graph.output(name, longer)
        return longer

    def _head(self, hidden: Value) -> Value:
        graph, spec = self.graph, self.spec
        head, pieces = self.layout.head or self.layout.table, self.layout.head_pieces
        parts = [product(graph, head, hidden, rows) for rows in pieces] if len(pieces) > 1 else []
        logits = graph.joined(parts, 2) if parts else product(graph, head, hidden)
        if spec.logit_cap is None:
            return graph.scaled(logits, spec.logit_scale)
        inner = graph.scaled(logits, spec.logit_scale / spec.logit_cap)
        return graph.scaled(graph.unary(Op.TANH, inner), spec.logit_cap)
