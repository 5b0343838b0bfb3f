"""The product with a stored matrix, quantised or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeslm_exporters.onnx.builder import MICROSOFT
from edgeslm_exporters.onnx.schema import Kind
from edgeslm_exporters.quantized_rows import Blocks

if TYPE_CHECKING:
    from edgeslm_exporters.onnx.builder import GraphBuilder
    from edgeslm_exporters.onnx.layout import Matrix


def product(graph: GraphBuilder, matrix: Matrix, value: str, output: str = "") -> str:
    """Multiply by a stored matrix [N, K] and add its bias."""
    name = matrix.projection.name
    output = output or f"{name}.product"
    bias = graph.stored(f"{name}.bias") if matrix.projection.biased else ""
    if isinstance(matrix.storage, Blocks):
        return _quantized_product(graph, matrix, matrix.storage, [value, bias], output)
    weight = widened(graph, graph.stored(f"{name}.weight", alias=f"{name}.matrix"), matrix)
    multiplied = output if not bias else f"{output}.unbiased"
    # transB keeps the checkpoint's [N, K] order; MatMul would need every matrix turned on the way into the file.
    graph.op("FusedMatMul", [value, weight], multiplied, MICROSOFT, transB=1)
    return graph.op("Add", [multiplied, bias], output) if bias else multiplied


def _quantized_product(graph: GraphBuilder, matrix: Matrix, storage: Blocks, operands: list[str], output: str) -> str:
    projection, (value, bias) = matrix.projection, operands
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


def widened(graph: GraphBuilder, value: str, matrix: Matrix) -> str:
    """Return `value` as float32."""
    return value if matrix.storage == "fp32" else graph.op("Cast", [value], f"{value}.float", to=Kind.FLOAT)
