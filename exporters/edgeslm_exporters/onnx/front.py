"""The two fronts of a decoder: what a caller feeds, and how the names that the layers read come from it.

The layers read `input_ids`, `seqlens_k`, `total_sequence_length` and `logits_positions`, and `position_ids` where
positions are learned or rotary lies outside attention. Our engine feeds all of them; onnxruntime-genai feeds the tokens
and an attention mask, from which the rest is computed once a call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from edgeslm_exporters.onnx.schema import Kind

if TYPE_CHECKING:
    from edgeslm_exporters.onnx.builder import GraphBuilder
    from edgeslm_exporters.onnx.layout import Layout

INT64, INT32 = Kind.INT64, Kind.INT32
Front = Callable[["GraphBuilder", "Layout"], "int | str"]  # declares the inputs; returns how many positions are asked


def engine_front(graph: GraphBuilder, layout: Layout) -> str:
    """Declare every name as an input: the engine knows them all, and chooses the positions that get logits."""
    graph.input("input_ids", INT64, [1, "sequence"])
    graph.input("seqlens_k", INT32, [1])
    graph.input("total_sequence_length", INT32, [])
    graph.input("logits_positions", INT64, ["asked"])
    if layout.position_ids:
        graph.input("position_ids", INT64, [1, "sequence"])
    return "asked"


def genai_front(graph: GraphBuilder, layout: Layout) -> int:
    """Declare tokens and mask, int64 [1, S] and [1, total]; the last position alone gets logits.

    The total is the mask's sum instead of its length: the same for one sequence, and right for a mask that is as long
    as the cache from the start.
    """
    graph.input("input_ids", INT64, [1, "sequence"])
    graph.input("attention_mask", INT64, [1, "total"])
    one = graph.constant("axis.1", [1])
    total = graph.op("ReduceSum", ["attention_mask", one], "mask.total", keepdims=0)
    graph.op("Cast", [graph.op("Sub", [total, one], "mask.last")], "seqlens_k", to=INT32)
    graph.op("Cast", [graph.op("Squeeze", [total], "mask.count")], "total_sequence_length", to=INT32)
    sequence = graph.op("Shape", ["input_ids"], "sequence.size", start=1, end=2)
    graph.op("Sub", [sequence, one], "logits_positions")
    if layout.position_ids:
        _positions(graph, total, sequence)
    return 1


def _positions(graph: GraphBuilder, total: str, sequence: str) -> None:
    """Compute `position_ids` [1, S]: the call's tokens are the last S of the total."""
    first = graph.op("Squeeze", [graph.op("Sub", [total, sequence], "sequence.start")], "sequence.first")
    positions = graph.op("Range", [first, "mask.count", graph.scalar("one", 1)], "sequence.positions")
    graph.op("Unsqueeze", [positions, graph.constant("axes.0", [0])], "position_ids")
