"""The float graph of a decoder with the inputs of its matrix products as its outputs: what calibration reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_exporters.onnx.graph import decoder_graph
from edgeslm_exporters.onnx.schema import Kind, Value

if TYPE_CHECKING:
    from edgeslm_exporters.onnx.layout import Layout
    from edgeslm_exporters.onnx.schema import Model


def tapped_graph(layout: Layout) -> tuple[Model, dict[str, str]]:
    """Return the graph of an fp32 layout, and for each stored matrix the name of the value it multiplies.

    The values are the graph's only outputs, so the runtime drops what none of them needs.
    """
    model = decoder_graph(layout)
    matrices = {f"{matrix.projection.name}.matrix": matrix.projection.name for matrix in layout.matrices}
    multiplied = {
        matrices[name]: node.inputs[0] for node in model.graph.nodes for name in node.inputs[1:2] if name in matrices
    }
    values = tuple(Value(name, Kind.FLOAT, None) for name in dict.fromkeys(multiplied.values()))
    return model._replace(graph=model.graph._replace(outputs=values)), multiplied
