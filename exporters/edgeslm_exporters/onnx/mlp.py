"""The MLP of a layer: one for all tokens, or experts of which each token has a few."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_exporters.decoder_spec import Experts
from edgeslm_exporters.onnx.builder import MICROSOFT
from edgeslm_exporters.onnx.products import product

if TYPE_CHECKING:
    from edgeslm_exporters.decoder_spec import Activation, Layer, Mlp
    from edgeslm_exporters.onnx.builder import GraphBuilder
    from edgeslm_exporters.onnx.layout import Layout


def mlp(graph: GraphBuilder, layout: Layout, layer: Layer, value: str) -> str:
    """Return what the MLP of a layer, or its experts, make of `value` [1, S, hidden]."""
    if isinstance(layer.mlp, Experts):
        return _experts(graph, layout, layer.mlp, layer.name, value)
    return _mlp(graph, layout, layer.mlp, layer.name, value)


def _mlp(graph: GraphBuilder, layout: Layout, parts: Mlp, name: str, value: str) -> str:
    """Return down(activation(up x)), or with a gate down(activation(gate x) * (up x))."""
    opened = product(graph, layout.matrix(parts.up), value)
    if parts.gated:
        half = parts.up.rows // 2
        sizes = graph.constant("mlp.sizes", [half, half])
        gate, up = graph.ops("Split", [opened, sizes], [f"{name}.gate", f"{name}.up"], axis=-1)
        opened = graph.op("Mul", [_activated(graph, parts.activation, gate, name), up], f"{name}.gated")
    else:
        opened = _activated(graph, parts.activation, opened, name)
    return product(graph, layout.matrix(parts.down), opened)


def _activated(graph: GraphBuilder, activation: Activation, value: str, name: str) -> str:
    output = f"{name}.{activation}"
    if activation == "silu":  # one operator instead of Sigmoid and Mul
        return graph.op("QuickGelu", [value], output, MICROSOFT, alpha=1.0)
    if activation == "relu":
        return graph.op("Relu", [value], output)
    return graph.op({"gelu": "Gelu", "gelu_tanh": "FastGelu"}[activation], [value], output, MICROSOFT)


def _experts(graph: GraphBuilder, layout: Layout, parts: Experts, name: str, value: str) -> str:
    """Send each token to the experts it chose, and add up what they return.

    An expert nobody chose multiplies no rows, which costs nothing; README.md says why not by the operator QMoE.
    """
    tokens = graph.op("Reshape", [value, graph.constant("experts.flat", [-1, layout.spec.hidden])], f"{name}.tokens")
    shares = _shares(graph, layout, parts, name, tokens)
    total = graph.op("Sub", [tokens, tokens], f"{name}.nothing")
    for index, expert in enumerate(parts.mlps):
        own = f"{name}.experts.{index}"
        column = graph.op("Gather", [shares, graph.scalar(f"expert.{index}", index)], f"{own}.shares", axis=1)
        found = graph.op("NonZero", [column], f"{own}.found")
        rows = graph.op("Transpose", [found], f"{own}.rows")
        fed = _mlp(graph, layout, expert, own, graph.op("GatherND", [tokens, rows], f"{own}.tokens"))
        share = graph.op("GatherND", [column, rows], f"{own}.share")
        factor = graph.op("Unsqueeze", [share, graph.constant("axis.1", [1])], f"{own}.factor")
        weighted = graph.op("Mul", [fed, factor], f"{own}.weighted")
        total = graph.op("ScatterND", [total, rows, weighted], f"{own}.total", reduction="add")
    return graph.op("Unsqueeze", [total, graph.constant("axes.0", [0])], f"{name}.fed")


def _shares(graph: GraphBuilder, layout: Layout, parts: Experts, name: str, tokens: str) -> str:
    """Return each expert's share in each token, [S, experts]: 0 for those that were not chosen."""
    scores = product(graph, layout.matrix(parts.router), tokens)
    best = [f"{name}.best.scores", f"{name}.best"]
    graph.ops("TopK", [scores, graph.constant("experts.chosen", [parts.chosen])], best, axis=-1)
    shares = graph.op("Softmax", best[:1], f"{name}.best.shares", axis=-1)
    none = graph.op("Sub", [scores, scores], f"{name}.none")
    return graph.op("ScatterElements", [none, best[1], shares], f"{name}.shares", axis=1)
