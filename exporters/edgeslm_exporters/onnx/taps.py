"""The float graph of a decoder with the inputs of its matrix products as its outputs: what calibration reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import TensorProto, helper

from edgeslm_exporters.onnx.graph import decoder_graph

if TYPE_CHECKING:
    import onnx

    from edgeslm_exporters.onnx.layout import Layout


def tapped_graph(layout: Layout) -> tuple[onnx.ModelProto, dict[str, str]]:
    """Return the graph of an fp32 layout, and for each stored matrix the name of the value it multiplies.

    The values are the graph's only outputs, so the runtime drops what none of them needs.
    """
    model = decoder_graph(layout)
    matrices = {f"{matrix.projection.name}.matrix": matrix.projection.name for matrix in layout.matrices}
    multiplied = {
        matrices[name]: node.input[0] for node in model.graph.node for name in node.input[1:2] if name in matrices
    }
    del model.graph.output[:]
    values = dict.fromkeys(multiplied.values())
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in values)
    return model, multiplied
