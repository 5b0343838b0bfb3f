"""Reads a decoder's dimensions back from a graph this package wrote, so that a bundle can be planned for any board."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from edgeslm_agent.errors import Corrupt, MissingExtra
from edgeslm_exporters.decoder_spec import DecoderSpec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edgeslm_agent.contract.manifest import DecoderShape


def spec_of_graph(graph: Path, shape: DecoderShape) -> DecoderSpec:
    """Return the dimensions of the decoder in `graph`; the weights' file is not opened.

    What a graph does not say (rotary base, epsilon, windows) holds its plainest value: no size depends on it. The
    longest context is the one the graph was made for.
    Raises Corrupt for a graph that edgeslm did not write, MissingExtra without onnx.
    """
    if find_spec("onnx") is None:
        raise MissingExtra("the package onnx is not installed", 'pip install "edgeslm[export]"')
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # protobuf ships no types

    try:
        model = onnx.load(graph, load_external_data=False)
    except DecodeError as error:
        raise Corrupt(f"{graph.name} is not an ONNX graph", "export the bundle again") from error
    return _spec({tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}, shape, graph.name)


def _spec(shapes: Mapping[str, tuple[int, ...]], shape: DecoderShape, graph: str) -> DecoderSpec:
    kv_size = shape.kv_heads * shape.head_size
    return DecoderSpec(
        model_type="llama",
        layers=shape.layers,
        hidden=_rows(shapes, "model.norm", graph),
        heads=(_rows(shapes, "layers.0.qkv", graph) - 2 * kv_size) // shape.head_size,
        kv_heads=shape.kv_heads,
        head_size=shape.head_size,
        intermediate=_rows(shapes, "layers.0.gate_up", graph) // 2,
        vocab=shape.vocab_size,
        tied=not any(name.startswith("lm_head.") for name in shapes),
        norm_eps=1e-5,
        rope_theta=10_000.0,
        rope_scaling=None,
        max_positions=shape.context,
        windows=(None,) * shape.layers,
        qkv_bias="layers.0.qkv.bias" in shapes,
        output_bias="layers.0.output.bias" in shapes,
        mlp_bias="layers.0.down.bias" in shapes,
    )


def _rows(shapes: Mapping[str, tuple[int, ...]], tensor: str, graph: str) -> int:
    """Return the rows of a matrix (or the length of a norm), however it is stored."""
    for part in ("codes", "weight", "matrix"):
        if dims := shapes.get(f"{tensor}.{part}"):
            return dims[0]
    raise Corrupt(f"{graph} has no tensor {tensor}: edgeslm did not write it", "export the bundle again")
