"""Reads a decoder's spec back from a graph this package wrote, so that a bundle can be planned for any board."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from edgeslm_agent.engine.runtime.tflite_file import open_tflite
from edgeslm_agent.errors import Corrupt
from edgeslm_exporters.architectures import spec_of
from edgeslm_exporters.matrices import CONFIG_KEY
from edgeslm_exporters.onnx.schema import decode

if TYPE_CHECKING:
    from pathlib import Path

    from edgeslm_agent.contract.manifest import DecoderShape
    from edgeslm_exporters.decoder_spec import DecoderSpec


def spec_of_graph(graph: Path, shape: DecoderShape) -> DecoderSpec:
    """Return the spec of the decoder in `graph`, from the config.json it was made of; no weights are opened.

    The longest context is the one the graph was made for.
    Raises Corrupt for a graph that edgeslm did not write.
    """
    config = _tflite_config(graph) if graph.suffix == ".tflite" else _onnx_config(graph)
    if config is None:
        raise Corrupt(f"{graph.name} holds no {CONFIG_KEY}: edgeslm did not write it", "export the bundle again")
    return replace(spec_of(json.loads(config)), max_positions=shape.context)


def _tflite_config(graph: Path) -> bytes | None:
    return open_tflite(graph).metadata(CONFIG_KEY)


def _onnx_config(graph: Path) -> str | None:
    try:
        return decode(graph.read_bytes()).metadata.get(CONFIG_KEY)
    except ValueError as error:
        raise Corrupt(f"{graph.name} is not an ONNX graph", "export the bundle again") from error
