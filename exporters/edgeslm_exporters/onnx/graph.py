"""The decoder's graph: onnxruntime's fused operators, cache in place, logits only where they are asked for.

One call computes S tokens (batch 1) on top of what the cache holds; the engine binds past and present to the same
buffers. In the last layer everything after attention runs for the asked positions alone. Inputs and outputs are
named as onnxruntime-genai names them; which small inputs a caller feeds is the front's business (front.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import TensorProto

from edgeslm_exporters.onnx.builder import MICROSOFT, GraphBuilder
from edgeslm_exporters.onnx.front import engine_front
from edgeslm_exporters.onnx.layout import ROW_POINTS, Blocks, Layout, Matrix

if TYPE_CHECKING:
    import onnx

    from edgeslm_exporters.decoder_spec import Layer
    from edgeslm_exporters.onnx.front import Front

FLOAT, INT64, UINT4 = TensorProto.FLOAT, TensorProto.INT64, TensorProto.UINT4


def decoder_graph(layout: Layout, front: Front = engine_front) -> onnx.ModelProto:
    """Return the model whose initialisers lie where `layout` says and whose inputs are those of `front`."""
    return _Decoder(layout).build(front)


class _Decoder:
    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.spec = layout.spec
        self.graph = GraphBuilder(layout)
        self.biases: set[str] = set()
        self.matrices = {matrix.projection.name: matrix for matrix in layout.projections}

    def build(self, front: Front) -> onnx.ModelProto:
        asked = front(self.graph, self.layout)
        residual = self._embedding()
        normed = self._first_norm(residual)
        for index in range(self.spec.layers):
            normed, residual = self._layer(index, normed, residual)
        self._head(normed, asked)
        return self.graph.model(self.spec.model_type)

    def _embedding(self) -> str:
        table, graph = self.layout.table, self.graph
        if not isinstance(table.storage, Blocks):
            rows = graph.op("Gather", [graph.stored("embed_tokens.weight"), "input_ids"], "embed_tokens.rows", axis=0)
            return self._widened(rows, table)
        width = table.blocks * table.storage.block
        (codes, *scaling), attributes = self._table_rows(table, table.storage, width)
        inputs = [codes, "input_ids", *scaling]
        rows = graph.op("GatherBlockQuantized", inputs, "embed_tokens.padded", MICROSOFT, **attributes)
        if width == self.spec.hidden:
            return rows
        bounds = [graph.constant(f"slice.{n}", [v]) for n, v in (("start", 0), ("stop", self.spec.hidden), ("axis", 2))]
        return graph.op("Slice", [rows, *bounds], "embed_tokens.rows")

    def _table_rows(self, table: Matrix, storage: Blocks, width: int) -> tuple[list[str], dict[str, int]]:
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

    def _first_norm(self, residual: str) -> str:
        weight = self.graph.stored(self.spec.layer(0).input_norm)
        inputs, epsilon = [residual, weight], self.spec.norm_eps
        return self.graph.op(
            "SimplifiedLayerNormalization", inputs, "layers.0.normed", axis=-1, epsilon=epsilon, stash_type=1
        )

    def _layer(self, index: int, normed: str, residual: str) -> tuple[str, str]:
        layer = self.spec.layer(index)
        last = index == self.spec.layers - 1
        attended = self._attention(index, layer, normed)
        if last:
            attended, residual = (self._asked(value) for value in (attended, residual))
        attended = self._product(self.matrices[layer.output.name], attended)
        normed, residual = self._skip_norm(attended, residual, layer.mlp_norm, f"{layer.name}.mlp_input")
        fed = self._mlp(layer, normed)
        weight = self.spec.final_norm if last else self.spec.layer(index + 1).input_norm
        return self._skip_norm(fed, residual, weight, "final" if last else f"layers.{index + 1}.input")

    def _asked(self, value: str) -> str:
        return self.graph.op("Gather", [value, "logits_positions"], f"{value}.asked", axis=1)

    def _skip_norm(self, value: str, residual: str, weight: str, name: str) -> tuple[str, str]:
        outputs = [f"{name}.normed", "", "", f"{name}.residual"]
        inputs = [value, residual, self.graph.stored(weight)]
        self.graph.ops("SkipSimplifiedLayerNormalization", inputs, outputs, MICROSOFT, epsilon=self.spec.norm_eps)
        return outputs[0], outputs[3]

    def _attention(self, index: int, layer: Layer, normed: str) -> str:
        graph, spec = self.graph, self.spec
        packed = self._product(self.matrices[layer.qkv.name], normed)
        cache_shape: list[int | str] = [1, spec.kv_heads, "cache", spec.head_size]
        past = [graph.input(f"past_key_values.{index}.{which}", FLOAT, cache_shape) for which in ("key", "value")]
        present = [graph.output(f"present.{index}.{which}", FLOAT, cache_shape) for which in ("key", "value")]
        fused = self.layout.fused_rotary
        tables = [graph.stored("rotary.cos"), graph.stored("rotary.sin")]
        heads = [packed, "", ""] if fused else self._rotated(layer, packed, tables)
        window = self.layout.window(layer)
        inputs = [*heads, *past, "seqlens_k", "total_sequence_length", *(tables if fused else ["", ""])]
        inputs += [] if window is None else ["", self._window_bias(window)]
        attributes: dict[str, int | float] = {
            "num_heads": spec.heads,
            "kv_num_heads": spec.kv_heads,
            "scale": spec.head_size**-0.5,
            "do_rotary": int(fused),
            "local_window_size": window or -1,
        }
        outputs = [f"{layer.name}.attended", *present]
        return graph.ops("GroupQueryAttention", inputs, outputs, MICROSOFT, **attributes)[0]

    def _window_bias(self, window: int) -> str:
        """Return what is added to the scores [1, 1, S, total]: minus infinity for keys `window` or more tokens back.

        The operator's own window saw one token more up to onnxruntime 1.23; so every version sees the same.
        """
        graph, name = self.graph, f"window.{window}"
        if name in self.biases:
            return name
        self.biases.add(name)
        sequence = graph.op("Shape", ["input_ids"], f"{name}.sequence", start=1, end=2)
        count = graph.op("Squeeze", [sequence], f"{name}.count")
        total = graph.op("Cast", ["total_sequence_length"], f"{name}.total", to=INT64)
        one, zero = graph.scalar("one", 1), graph.scalar("zero", 0)
        first = graph.op("Sub", [total, count], f"{name}.first")
        queries = graph.op("Range", [first, total, one], f"{name}.queries")
        keys = graph.op("Range", [zero, total, one], f"{name}.keys")
        column = graph.op("Unsqueeze", [queries, graph.constant("axis.1", [1])], f"{name}.column")
        distance = graph.op("Sub", [column, keys], f"{name}.distance")
        outside = graph.op("GreaterOrEqual", [distance, graph.scalar(f"{name}.size", window)], f"{name}.outside")
        values = [graph.scalar("minus_infinity", float("-inf")), graph.scalar("no_bias", 0.0)]
        bias = graph.op("Where", [outside, *values], f"{name}.square")
        return graph.op("Unsqueeze", [bias, graph.constant("axes.0.1", [0, 1])], name)

    def _rotated(self, layer: Layer, packed: str, tables: list[str]) -> list[str]:
        """Split the packed heads and rotate query and key by an operator of their own."""
        spec, graph = self.spec, self.graph
        sizes = graph.constant("heads.sizes", [spec.query_size, spec.kv_size, spec.kv_size])
        names = [f"{layer.name}.{which}" for which in ("query", "key", "value")]
        query, key, value = graph.ops("Split", [packed, sizes], names, axis=-1)

        def rotated(heads: str, count: int) -> str:
            inputs = [heads, "position_ids", *tables]
            return graph.op("RotaryEmbedding", inputs, f"{heads}.rotated", MICROSOFT, num_heads=count)

        return [rotated(query, spec.heads), rotated(key, spec.kv_heads), value]

    def _mlp(self, layer: Layer, normed: str) -> str:
        graph, name = self.graph, layer.name
        packed = self._product(self.matrices[layer.gate_up.name], normed)
        sizes = graph.constant("mlp.sizes", [self.spec.intermediate, self.spec.intermediate])
        gate, up = graph.ops("Split", [packed, sizes], [f"{name}.gate", f"{name}.up"], axis=-1)
        silu = graph.op("QuickGelu", [gate], f"{name}.silu", MICROSOFT, alpha=1.0)
        return self._product(self.matrices[layer.down.name], graph.op("Mul", [silu, up], f"{name}.gated"))

    def _head(self, normed: str, asked: int | str) -> None:
        matrix = self.layout.head or Matrix(self.layout.table.projection, self.layout.table.storage)
        self._product(matrix, normed, output="logits")
        self.graph.output("logits", FLOAT, [1, asked, self.spec.vocab])

    def _product(self, matrix: Matrix, value: str, output: str = "") -> str:
        """Multiply by a stored matrix [N, K] and add its bias."""
        graph, name = self.graph, matrix.projection.name
        output = output or f"{name}.product"
        bias = graph.stored(f"{name}.bias") if matrix.projection.biased else ""
        if isinstance(matrix.storage, Blocks):
            return self._quantized_product(matrix, value, bias, output)
        weight = self._widened(graph.stored(f"{name}.weight", alias=f"{name}.matrix"), matrix)
        product = output if not bias else f"{output}.unbiased"
        # transB keeps the checkpoint's [N, K] order; MatMul would need every matrix turned on the way into the file.
        graph.op("FusedMatMul", [value, weight], product, MICROSOFT, transB=1)
        return graph.op("Add", [product, bias], output) if bias else product

    def _quantized_product(self, matrix: Matrix, value: str, bias: str, output: str) -> str:
        graph, projection, storage = self.graph, matrix.projection, matrix.storage
        assert isinstance(storage, Blocks)
        inputs = [value, graph.stored(f"{projection.name}.codes"), graph.stored(f"{projection.name}.scales")]
        inputs.append("" if storage.symmetric else graph.stored(f"{projection.name}.zero_points"))
        inputs += ["", bias]
        while not inputs[-1]:
            inputs.pop()
        attributes = {
            "K": projection.columns,
            "N": projection.rows,
            "bits": storage.bits,
            "block_size": storage.block,
            "accuracy_level": 4,
        }
        return graph.op("MatMulNBits", inputs, output, MICROSOFT, **attributes)

    def _widened(self, value: str, matrix: Matrix) -> str:
        return value if matrix.storage == "fp32" else self.graph.op("Cast", [value], f"{value}.float", to=FLOAT)
