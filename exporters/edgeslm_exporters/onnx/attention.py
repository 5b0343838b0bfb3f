"""Attention with its cache in place: GroupQueryAttention, and what some families do to query, key and scores first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_exporters.onnx.builder import MICROSOFT
from edgeslm_exporters.onnx.layout import rotary_names, scale_names
from edgeslm_exporters.onnx.norms import normed
from edgeslm_exporters.onnx.schema import Kind
from edgeslm_exporters.rotary import alibi_slopes

if TYPE_CHECKING:
    from edgeslm_exporters.decoder_spec import Attention, Layer, Norm, Rotary
    from edgeslm_exporters.onnx.builder import GraphBuilder
    from edgeslm_exporters.onnx.layout import Layout
    from edgeslm_exporters.onnx.schema import Attribute

FLOAT, INT64 = Kind.FLOAT, Kind.INT64
_CACHE_TYPES = {32: FLOAT, 8: Kind.INT8, 4: Kind.UINT8}


def attention(graph: GraphBuilder, layout: Layout, index: int, packed: str) -> str:
    """Return what the heads of layer `index` gather for each token, from packed query, key and value [1, S, N]."""
    spec, layer = layout.spec, layout.spec.stack[index]
    parts, window = layer.attention, layout.window(layer)
    past, present = _cache(graph, layout, index)
    inside = parts.rotary if layout.fused_rotary else None
    tables = ["", ""] if inside is None else _tables(graph, layout, inside)
    inputs = [*_heads(graph, layout, layer, packed), *past, "seqlens_k", "total_sequence_length", *tables]
    inputs += ["", _bias(graph, layout, parts, window), "", *_scales(graph, layout, layer)]
    while not inputs[-1]:
        inputs.pop()
    attributes: dict[str, Attribute] = {
        "num_heads": spec.heads,
        "kv_num_heads": spec.kv_heads,
        "scale": parts.scale,
        "do_rotary": int(inside is not None),
        "local_window_size": window or -1,
    }
    if parts.soft_cap is not None:
        attributes["softcap"] = parts.soft_cap
    if layout.kv_bits < 32:
        attributes |= {"k_quant_type": "PER_CHANNEL", "v_quant_type": "PER_CHANNEL"}
        attributes["kv_cache_bit_width"] = layout.kv_bits
    return graph.ops("GroupQueryAttention", inputs, [f"{layer.name}.attended", *present], MICROSOFT, **attributes)[0]


def _cache(graph: GraphBuilder, layout: Layout, index: int) -> tuple[list[str], list[str]]:
    """Declare key and value of a layer, before and after the call: one shape, so that they can be one buffer."""
    spec, kind = layout.spec, _CACHE_TYPES[layout.kv_bits]
    width = spec.head_size // 2 if layout.kv_bits == 4 else spec.head_size
    shape: list[int | str] = [1, spec.kv_heads, "cache", width]
    past = [graph.input(f"past_key_values.{index}.{which}", kind, shape) for which in ("key", "value")]
    present = [graph.output(f"present.{index}.{which}", kind, shape) for which in ("key", "value")]
    return past, present


def _scales(graph: GraphBuilder, layout: Layout, layer: Layer) -> list[str]:
    return [graph.stored(name) for name in scale_names(layer)] if layout.kv_bits < 32 else []


def _tables(graph: GraphBuilder, layout: Layout, rotary: Rotary) -> list[str]:
    return [graph.stored(f"{rotary_names(layout.spec)[rotary]}.{part}") for part in ("cos", "sin")]


def _heads(graph: GraphBuilder, layout: Layout, layer: Layer, packed: str) -> list[str]:
    """Return query, key and value as the operator takes them: packed, unless norms or rotation come before it."""
    spec, parts = layout.spec, layer.attention
    outside = None if layout.fused_rotary else parts.rotary
    if outside is None and parts.query_norm is None and parts.key_norm is None:
        return [packed, "", ""]
    sizes = graph.constant("heads.sizes", [spec.query_size, spec.kv_size, spec.kv_size])
    names = [f"{layer.name}.{which}" for which in ("query", "key", "value")]
    query, key, value = graph.ops("Split", [packed, sizes], names, axis=-1)
    query = _normed_heads(graph, parts.query_norm, query, spec.query_size)
    key = _normed_heads(graph, parts.key_norm, key, spec.kv_size)
    if outside is not None:
        tables = _tables(graph, layout, outside)
        partial = {"rotary_embedding_dim": outside.size} if outside.size < spec.head_size else {}
        query = _rotated(graph, query, tables, num_heads=spec.heads, **partial)
        key = _rotated(graph, key, tables, num_heads=spec.kv_heads, **partial)
    return [query, key, value]


def _normed_heads(graph: GraphBuilder, norm: Norm | None, heads: str, size: int) -> str:
    """Normalise all of [1, S, N] at once where the norm is that wide, or each head's `size` values."""
    if norm is None:
        return heads
    if norm.width == size:
        return normed(graph, norm, heads, f"{heads}.normed")
    apart = graph.op(
        "Reshape", [heads, graph.constant(f"heads.{norm.width}", [1, 0, -1, norm.width])], f"{heads}.apart"
    )
    apart = normed(graph, norm, apart, f"{heads}.apart.normed")
    return graph.op("Reshape", [apart, graph.constant("heads.together", [0, 0, -1])], f"{heads}.normed")


def _rotated(graph: GraphBuilder, heads: str, tables: list[str], **attributes: int) -> str:
    return graph.op("RotaryEmbedding", [heads, "position_ids", *tables], f"{heads}.rotated", MICROSOFT, **attributes)


def _bias(graph: GraphBuilder, layout: Layout, parts: Attention, window: int | None) -> str:
    """Return what is added to the scores, [1, 1 or heads, S, total], or ''; layers that need the same share it."""
    name = "alibi" if parts.alibi else f"window.{window}" if window is not None else ""
    if not name or graph.has(name):
        return name
    distance = _distance(graph)
    if window is None:
        return _alibi(graph, layout.spec.heads, distance, name)
    return _window(graph, window, distance, name)


def _distance(graph: GraphBuilder) -> str:
    """Return how many tokens each key lies before each query, int64 [S, total]."""
    if graph.has("distance"):
        return "distance"
    sequence = graph.op("Shape", ["input_ids"], "distance.sequence", start=1, end=2)
    count = graph.op("Squeeze", [sequence], "distance.count")
    total = graph.op("Cast", ["total_sequence_length"], "distance.total", to=INT64)
    one, zero = graph.scalar("one", 1), graph.scalar("zero", 0)
    first = graph.op("Sub", [total, count], "distance.first")
    queries = graph.op("Range", [first, total, one], "distance.queries")
    keys = graph.op("Range", [zero, total, one], "distance.keys")
    column = graph.op("Unsqueeze", [queries, graph.constant("axis.1", [1])], "distance.column")
    return graph.op("Sub", [column, keys], "distance")


def _window(graph: GraphBuilder, window: int, distance: str, name: str) -> str:
    """Take minus infinity for keys `window` or more tokens back.

    The operator's own window saw one token more up to onnxruntime 1.23; so every version sees the same.
    """
    outside = graph.op("GreaterOrEqual", [distance, graph.scalar(f"{name}.size", window)], f"{name}.outside")
    values = [graph.scalar("minus_infinity", float("-inf")), graph.scalar("no_bias", 0.0)]
    bias = graph.op("Where", [outside, *values], f"{name}.square")
    return graph.op("Unsqueeze", [bias, graph.constant("axes.0.1", [0, 1])], name)


def _alibi(graph: GraphBuilder, heads: int, distance: str, name: str) -> str:
    """Lower each score by its distance times the head's slope."""
    slopes = graph.floats(f"{name}.slopes", [-slope for slope in alibi_slopes(heads)], [1, heads, 1, 1])
    return graph.op("Mul", [graph.op("Cast", [distance], f"{name}.distance", to=FLOAT), slopes], name)
