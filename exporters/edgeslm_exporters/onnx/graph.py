"""The decoder's graph: onnxruntime's fused operators, cache in place, logits only where they are asked for.

One call computes S tokens (batch 1) on top of what the cache holds; the engine binds past and present to the same
buffers. In the last layer everything after attention runs for the asked positions alone. Inputs and outputs are
named as onnxruntime-genai names them; which small inputs a caller feeds is the front's business (front.py).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from edgeslm_exporters.matrices import CONFIG_KEY
from edgeslm_exporters.onnx.attention import attention
from edgeslm_exporters.onnx.builder import MICROSOFT, GraphBuilder
from edgeslm_exporters.onnx.front import engine_front
from edgeslm_exporters.onnx.layout import POSITIONS, ROW_POINTS, Layout, Matrix
from edgeslm_exporters.onnx.mlp import mlp
from edgeslm_exporters.onnx.norms import normed, normed_sum
from edgeslm_exporters.onnx.products import product, widened
from edgeslm_exporters.onnx.schema import Kind
from edgeslm_exporters.quantized_rows import Blocks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from edgeslm_exporters.decoder_spec import Norm
    from edgeslm_exporters.onnx.front import Front
    from edgeslm_exporters.onnx.schema import Model, Shape

Stream = tuple[str, str]  # the addends of the stream between layers; the second is '' where it is one value
FLOAT, UINT4 = Kind.FLOAT, Kind.UINT4


def decoder_graph(layout: Layout, front: Front = engine_front, config: Mapping[str, Any] | None = None) -> Model:
    """Return the model whose initialisers lie where `layout` says and whose inputs are those of `front`.

    A `config` lies in the model's metadata, for read_back.py.
    """
    metadata = {} if config is None else {CONFIG_KEY: json.dumps(config, sort_keys=True)}
    return _Decoder(layout).build(front)._replace(metadata=metadata)


def stage_graphs(layout: Layout, stages: Iterable[range]) -> Iterator[Model]:
    """Yield the decoder cut into graphs of consecutive layers, on the same data file.

    Each reads what the engine feeds and the values that the one before gives, by their names. The last stage has no
    layers but the head, and gives logits.
    """
    stream: Stream | None = None
    for layers in stages:
        model, stream = _Decoder(layout).build_stage(layers, stream)
        yield model


class _Decoder:
    """Builds the graph. The stream between layers is a sum not yet taken: the next norm takes it on its way."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.spec = layout.spec
        self.graph = GraphBuilder(layout)

    def build(self, front: Front) -> Model:
        asked = front(self.graph, self.layout)
        self._finish(self._layers(range(self.spec.layers), (self._embedding(), "")), asked)
        return self.graph.model(self.spec.model_type)

    def build_stage(self, layers: range, stream: Stream | None) -> tuple[Model, Stream]:
        """Return some layers, or with none the head, as a graph, and the names of what it gives."""
        asked = engine_front(self.graph, self.layout)
        shape: Shape = (1, "rows", self.spec.hidden)
        if stream is None:
            stream = self._embedding(), ""
        else:
            for value in filter(None, stream):
                self.graph.input(value, FLOAT, shape)
        stream = self._layers(layers, stream)
        if not layers:
            self._finish(stream, asked)
        for value in filter(None, stream if layers else ()):
            self.graph.output(value, FLOAT, shape)
        return self.graph.model(self.spec.model_type), stream

    def _layers(self, layers: range, stream: Stream) -> Stream:
        for index in layers:
            stream = self._layer(index, *stream)
        return stream

    def _finish(self, stream: Stream, asked: int | str) -> None:
        hidden, _ = self._normed(self.spec.final_norm, *stream, "final")
        self._head(hidden, asked)

    def _embedding(self) -> str:
        graph, spec = self.graph, self.spec
        value = self._scaled(self._table_rows(), spec.embedding_scale, "embed_tokens.scaled")
        if spec.positions is not None:
            inputs = [graph.stored(POSITIONS), "position_ids"]
            value = graph.op("Add", [value, graph.op("Gather", inputs, f"{POSITIONS}.rows", axis=0)], "embedded")
        return value if spec.embedding_norm is None else normed(graph, spec.embedding_norm, value, "embedded.normed")

    def _table_rows(self) -> str:
        table, graph = self.layout.table, self.graph
        if not isinstance(table.storage, Blocks):
            rows = graph.op("Gather", [graph.stored("embed_tokens.weight"), "input_ids"], "embed_tokens.rows", axis=0)
            return widened(graph, rows, table)
        width = table.blocks * table.storage.block
        (codes, *scaling), attributes = self._quantized_rows(table, table.storage, width)
        inputs = [codes, "input_ids", *scaling]
        rows = graph.op("GatherBlockQuantized", inputs, "embed_tokens.padded", MICROSOFT, **attributes)
        if width == self.spec.hidden:
            return rows
        bounds = [graph.constant(f"slice.{n}", [v]) for n, v in (("start", 0), ("stop", self.spec.hidden), ("axis", 2))]
        return graph.op("Slice", [rows, *bounds], "embed_tokens.rows")

    def _quantized_rows(self, table: Matrix, storage: Blocks, width: int) -> tuple[list[str], dict[str, int]]:
        """Return codes, scales and zero points of the embedding, on the bytes of the head's, and the attributes.

        4 bits are typed as uint4, which every onnxruntime since 1.20 runs; as bytes they need 1.23, and that version
        reads zero points wrongly where a row has an odd number of blocks.
        """
        graph, blocks, vocab = self.graph, table.blocks, self.spec.vocab
        attributes = {"block_size": storage.block, "gather_axis": 0, "quantize_axis": 1}
        if storage.bits == 8:
            attributes["bits"] = 8
        kind = UINT4 if storage.bits == 4 else 0
        points = ROW_POINTS if table.needs_row_points else "embed_tokens.zero_points"
        inputs = [
            graph.stored("embed_tokens.codes", alias="embed_tokens.rows_of_codes", shape=[vocab, width], kind=kind),
            graph.stored("embed_tokens.scales", alias="embed_tokens.rows_of_scales"),
        ]
        if storage.bits == 4 or not storage.symmetric:
            alias = "embed_tokens.rows_of_zero_points"
            inputs.append(graph.stored(points, alias=alias, shape=[vocab, blocks], kind=kind))
        return inputs, attributes

    def _layer(self, index: int, residual: str, added: str) -> Stream:
        """Return the stream behind a layer as two addends."""
        graph, layer = self.graph, self.spec.stack[index]
        hidden, residual = self._normed(layer.attention_norm, residual, added, f"{layer.name}.input")
        packed = product(graph, self.layout.matrix(layer.attention.qkv), hidden)
        attended = attention(graph, self.layout, index, packed)
        if index == self.spec.layers - 1:
            attended, residual = self._asked(attended), self._asked(residual)
            hidden = self._asked(hidden) if layer.parallel and layer.mlp_norm is None else hidden
        attended = product(graph, self.layout.matrix(layer.attention.output), attended)
        attended = self._returned(attended, layer.attended_norm, layer.residual_scale)
        if not layer.parallel:
            hidden, residual = self._normed(layer.mlp_norm, residual, attended, f"{layer.name}.mlp_input")
        elif layer.mlp_norm is not None:
            hidden = normed(graph, layer.mlp_norm, residual, f"{layer.name}.mlp_input.normed")
        fed = self._returned(mlp(graph, self.layout, layer, hidden), layer.fed_norm, layer.residual_scale)
        if layer.parallel:
            residual = graph.op("Add", [attended, residual], f"{layer.name}.mlp_input.residual")
        return residual, fed

    def _normed(self, norm: Norm | None, residual: str, added: str, name: str) -> tuple[str, str]:
        """Return the norm of the stream and the stream itself, as one value; the same twice where there is no norm."""
        if added:
            return normed_sum(self.graph, norm, added, residual, name)
        return (residual if norm is None else normed(self.graph, norm, residual, f"{name}.normed")), residual

    def _asked(self, value: str) -> str:
        if self.graph.has(f"{value}.asked"):
            return f"{value}.asked"
        return self.graph.op("Gather", [value, "logits_positions"], f"{value}.asked", axis=1)

    def _returned(self, value: str, norm: Norm | None, scale: float) -> str:
        """Return what a part adds to the stream."""
        value = value if norm is None else normed(self.graph, norm, value, f"{value}.normed")
        return self._scaled(value, scale, f"{value}.scaled")

    def _scaled(self, value: str, scale: float, output: str) -> str:
        if scale == 1.0:
            return value
        return self.graph.op("Mul", [value, self.graph.scalar(f"scale.{scale!r}", scale)], output)

    def _head(self, hidden: str, asked: int | str) -> None:
        graph, spec = self.graph, self.spec
        matrix = self.layout.head or self.layout.table
        plain = spec.logit_scale == 1.0 and spec.logit_cap is None
        logits = product(graph, matrix, hidden, output="logits" if plain else "logits.plain")
        if spec.logit_cap is not None:
            inner = self._scaled(logits, spec.logit_scale / spec.logit_cap, "logits.inner")
            self._scaled(graph.op("Tanh", [inner], "logits.bounded"), spec.logit_cap, "logits")
        elif not plain:
            self._scaled(logits, spec.logit_scale, "logits")
        graph.output("logits", FLOAT, [1, asked, spec.vocab])
