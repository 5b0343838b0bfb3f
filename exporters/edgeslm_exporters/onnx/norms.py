"""Norms as operators: alone, or fused with the sum that goes into them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_exporters.onnx.builder import MICROSOFT

if TYPE_CHECKING:
    from edgeslm_exporters.decoder_spec import Norm
    from edgeslm_exporters.onnx.builder import GraphBuilder


def normed(graph: GraphBuilder, norm: Norm, value: str, output: str) -> str:
    """Normalise the last axis of `value`, [..., heads, width] where every head has factors of its own."""
    kind = {"rms": "SimplifiedLayerNormalization", "layer": "LayerNormalization"}[norm.kind]
    factors, name = _factors(graph, norm), output
    if norm.of_heads:  # the operator takes factors as wide as what it normalises, no wider
        factors, name = [graph.floats(f"ones.{norm.width}", [1.0] * norm.width, [norm.width])], f"{output}.plain"
    graph.op(kind, [value, *factors], name, axis=-1, epsilon=norm.epsilon, stash_type=1)
    return graph.op("Mul", [name, *_factors(graph, norm)], output) if norm.of_heads else name


def normed_sum(graph: GraphBuilder, norm: Norm | None, value: str, residual: str, name: str) -> tuple[str, str]:
    """Return the norm of value + residual, and the sum itself; without a norm both are the sum."""
    if norm is None:
        total = graph.op("Add", [value, residual], f"{name}.residual")
        return total, total
    kind = {"rms": "SkipSimplifiedLayerNormalization", "layer": "SkipLayerNormalization"}[norm.kind]
    outputs = [f"{name}.normed", "", "", f"{name}.residual"]
    inputs = [value, residual, *_factors(graph, norm)]
    graph.ops(kind, inputs, outputs, MICROSOFT, epsilon=norm.epsilon)
    return outputs[0], outputs[3]


def _factors(graph: GraphBuilder, norm: Norm) -> list[str]:
    return [graph.stored(name) for name in norm.tensors]
