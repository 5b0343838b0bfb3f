"""The file: the same codes and scales as ONNX, one copy of them for all signatures, the same bytes every time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgeslm_agent.engine.runtime.tflite_file import open_tflite
from edgeslm_exporters.export import convert
from edgeslm_exporters.onnx.layout import DATA_NAME
from edgeslm_exporters.quantize.packing import unpack
from edgeslm_exporters.recipe import parse_recipe
from edgeslm_exporters.tflite.layout import FILE_NAME, layout
from edgeslm_exporters.tflite.linter import lint
from edgeslm_exporters.tflite.schema import TYPES, Op
from support.tflite_files import generated_model, written
from support.tiny import tiny_case, tiny_checkpoint

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edgeslm_exporters.checkpoint import Checkpoint
    from edgeslm_exporters.export import Artifact

    Rows = tuple[NDArray[np.int64], NDArray[np.float32]]

RECIPES = ["wi8-afp32", "wi4-afp32", "wi4b32-afp32", "wi4b64-afp32", "wi4b32-afp32-di8-hi8"]


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    return tiny_checkpoint(tmp_path / "checkpoint", tiny_case(intermediate_size=128, attention_bias=True))


def onnx_rows(folder: Path, artifact: Artifact, name: str) -> Rows:
    """Read a matrix's codes [rows, K] around zero, and its scales [rows, blocks], out of the data file."""
    matrix = next(m for m in artifact.layout.matrices if m.projection.name == name)
    codes, scales = (artifact.layout.by_name[f"{name}.{part}"] for part in ("codes", "scales"))
    data = (folder / "artifacts" / DATA_NAME).read_bytes()
    packed = np.frombuffer(data, np.uint8, codes.bytes, codes.offset).reshape(matrix.projection.rows, -1)
    found = unpack(packed, matrix.bits, matrix.projection.columns).astype(np.int64) - 2 ** (matrix.bits - 1)
    return found, np.frombuffer(data, np.float32, scales.bytes // 4, scales.offset).reshape(scales.shape)


def tflite_rows(folder: Path, name: str) -> Rows:
    """Read the same out of the .tflite file with LiteRT's generated code."""
    file = open_tflite(folder / "artifacts" / FILE_NAME)
    graph = generated_model(bytes(file.data)).subgraphs[-1]
    tensor = next(t for t in graph.tensors if t.name == f"{name}.codes".encode())
    rows, columns = tensor.shape
    data = np.frombuffer(file.buffer(tensor.buffer), np.uint8).reshape(rows, -1)
    bits = 8 if tensor.type == 9 else 4
    unsigned = unpack(data, bits, columns).astype(np.int64)
    codes = (unsigned + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)
    quantization = tensor.quantization
    if quantization.details is None:
        return codes, np.asarray(quantization.scale, np.float32)[:, None]
    scales = np.frombuffer(file.buffer(graph.tensors[quantization.details.scales].buffer), np.float16)
    return codes, scales.astype(np.float32).reshape(rows, -1)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_codes_and_scales_are_those_of_the_onnx_file(recipe: str, checkpoint: Checkpoint, tmp_path: Path) -> None:
    artifact = written(checkpoint, recipe, tmp_path / "tflite")
    (tmp_path / "onnx").mkdir()
    other = convert(checkpoint, parse_recipe(recipe), 64, tmp_path / "onnx")
    for matrix in artifact.layout.matrices:
        codes, scales = tflite_rows(tmp_path / "tflite", matrix.projection.name)
        expected, expected_scales = onnx_rows(tmp_path / "onnx", other, matrix.projection.name)
        assert (codes == expected).all()
        assert (scales == expected_scales).all()


@pytest.mark.parametrize("recipe", ["fp32", "fp16", *RECIPES])
def test_equal_inputs_give_equal_bytes_and_a_clean_file(recipe: str, checkpoint: Checkpoint, tmp_path: Path) -> None:
    first, second = (written(checkpoint, recipe, tmp_path / name) for name in ("first", "second"))
    assert first.files == second.files
    path = tmp_path / "first" / "artifacts" / FILE_NAME
    assert path.read_bytes() == (tmp_path / "second" / "artifacts" / FILE_NAME).read_bytes()
    assert lint(path) == ()


def test_all_signatures_read_one_copy_of_the_weights(checkpoint: Checkpoint, tmp_path: Path) -> None:
    artifact = written(checkpoint, "wi4b32-afp32", tmp_path / "out")
    path = tmp_path / "out" / artifact.decoder.graph
    model = generated_model(path.read_bytes())
    assert [s.signatureKey.decode() for s in model.signatureDefs] == ["prefill_32", "decode", "score_8"]
    outside = [buffer for buffer in model.buffers if buffer.offset]
    assert sum(buffer.size for buffer in outside) <= artifact.layout.weights_bytes
    assert len({buffer.offset for buffer in outside}) == len(outside) == len(artifact.layout.tensors)
    assert path.stat().st_size == max(buffer.offset + buffer.size for buffer in outside)


def test_the_layout_names_the_bytes_of_the_file(checkpoint: Checkpoint, tmp_path: Path) -> None:
    artifact = written(checkpoint, "wi8-afp32", tmp_path / "out")
    planned = layout(artifact.spec, parse_recipe("wi8-afp32"), 64)
    outside = [b for b in generated_model((tmp_path / "out" / artifact.decoder.graph).read_bytes()).buffers if b.offset]
    start = min(buffer.offset for buffer in outside)
    assert [(b.offset - start, b.size) for b in outside] == [(t.offset, t.bytes) for t in planned.tensors]
    rows = sum(matrix.projection.rows for matrix in planned.matrices)
    assert planned.weights_bytes == planned.data_bytes + 4 * rows


def test_a_prefill_signature_stops_at_the_last_cache(checkpoint: Checkpoint, tmp_path: Path) -> None:
    artifact = written(checkpoint, "fp32", tmp_path / "out")
    model = generated_model((tmp_path / "out" / artifact.decoder.graph).read_bytes())
    prefill, decode = (len(model.subgraphs[index].operators) for index in (0, 1))
    assert [output.name.decode() for output in model.signatureDefs[0].outputs][-1] == "kv_cache_v_1"
    assert prefill < decode


def test_a_table_of_fp16_is_widened_row_by_row(checkpoint: Checkpoint, tmp_path: Path) -> None:
    """Every signature would keep a table in floats: 108 MB each for a vocabulary of 49,152."""
    artifact = written(checkpoint, "fp16", tmp_path / "out")
    model = generated_model((tmp_path / "out" / artifact.decoder.graph).read_bytes())
    for graph in model.subgraphs:
        codes = [model.operatorCodes[operator.opcodeIndex].builtinCode for operator in graph.operators]
        first = graph.operators[codes.index(Op.EMBEDDING_LOOKUP)]
        assert [graph.tensors[index].type for index in (first.inputs[1], first.outputs[0])] == [TYPES["float16"]] * 2


def test_nothing_is_reshaped_twice(checkpoint: Checkpoint, tmp_path: Path) -> None:
    written(checkpoint, "fp32", tmp_path / "out")
    model = generated_model((tmp_path / "out" / "artifacts" / FILE_NAME).read_bytes())
    reshaping = [code.builtinCode == Op.RESHAPE for code in model.operatorCodes]
    for graph in model.subgraphs:
        reshapes = [operator for operator in graph.operators if reshaping[operator.opcodeIndex]]
        made = {int(operator.outputs[0]) for operator in reshapes}
        assert reshapes
        assert not made & {int(operator.inputs[0]) for operator in reshapes}
