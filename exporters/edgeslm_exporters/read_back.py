"""Reads a decoder's spec back from a graph this package wrote, so that a bundle can be planned for any board."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from edgeslm_agent.engine.runtime.tflite_file import open_tflite
from edgeslm_agent.errors import Corrupt, MissingExtra
from edgeslm_exporters.architectures import spec_of
from edgeslm_exporters.matrices import CONFIG_KEY

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm_agent.contract.manifest import DecoderShape
    from edgeslm_exporters.decoder_spec import DecoderSpec


def spec_of_graph(graph: Path, shape: DecoderShape) -> DecoderSpec:
    """Return the spec of the decoder in `graph`, from the config.json it was made of; no weights are opened.

    The longest context is the one the graph was made for.
    Raises Corrupt for a graph that edgeslm did not write, MissingExtra for an ONNX graph without onnx.
    """
    config = _tflite_config(graph) if graph.suffix == ".tflite" else _onnx_config(graph)
    if config is None:
        raise Corrupt(f"{graph.name} holds no {CONFIG_KEY}: edgeslm did not write it", "export the bundle again")
    return replace(spec_of(json.loads(config)), max_positions=shape.context)


def _tflite_config(graph: Path) -> bytes | None:
    return open_tflite(graph).metadata(CONFIG_KEY)


def _onnx_config(graph: Path) -> str | None:
    if find_spec("onnx") is None:
        raise MissingExtra("the package onnx is not installed", 'pip install "edgeslm[export]"')
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # protobuf ships no types

    try:
        model = onnx.load(graph, load_external_data=False)
    except DecodeError as error:
        raise Corrupt(f"{graph.name} is not an ONNX graph", "export the bundle again") from error
    return next((entry.value for entry in model.metadata_props if entry.key == CONFIG_KEY), None)
