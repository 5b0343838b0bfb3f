from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edgeslm_agent.contract.manifest import DecoderShape
from edgeslm_agent.engine.runtime.tflite_file import IDENTIFIER
from edgeslm_agent.errors import Corrupt
from edgeslm_exporters.architectures import describe
from edgeslm_exporters.checkpoint import open_checkpoint
from edgeslm_exporters.onnx.layout import layout
from edgeslm_exporters.read_back import spec_of_graph
from edgeslm_exporters.recipe import parse_recipe
from edgeslm_exporters.tflite.flatbuffer import Table, encode
from edgeslm_exporters.tflite.schema import model
from support.checkpoints import build_checkpoint, case_named
from support.small_bundles import CONTEXT, write_bundle
from support.tflite_files import written

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("recipe", ["wi4b32-afp32", "wu4b32-afp32-hi8b32", "fp16", "fp32"])
@pytest.mark.parametrize("case", ["llama-tied-f32", "qwen2-f16-sharded", "llama-head8"])
def test_dimensions_read_back_give_the_same_bytes(case: str, recipe: str, tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle", recipe, case)
    decoder = bundle.manifest.decoder
    spec = spec_of_graph(bundle.file(decoder.graph), decoder)
    checkpoint = open_checkpoint(build_checkpoint(case_named(case), tmp_path / "again"))
    original = layout(describe(checkpoint.config, checkpoint.shapes), parse_recipe(recipe), CONTEXT)
    again = layout(spec, parse_recipe(recipe), CONTEXT)
    assert again.tensors == original.tensors
    assert again.kv_cache_bytes == original.kv_cache_bytes


def test_graph_of_somebody_else_is_corrupt(tmp_path: Path) -> None:
    import onnx

    graph = onnx.helper.make_graph([], "empty", [], [])
    onnx.save(onnx.helper.make_model(graph), tmp_path / "other.onnx")
    (tmp_path / "text.onnx").write_bytes(b"\xff\xff\xff")
    shape = DecoderShape("other.onnx", 2, 2, 16, 64, 64, position_ids=False, kv_bits=32)
    with pytest.raises(Corrupt, match=r"holds no config\.json"):
        spec_of_graph(tmp_path / "other.onnx", shape)
    with pytest.raises(Corrupt, match="not an ONNX graph"):
        spec_of_graph(tmp_path / "text.onnx", shape)


def test_a_tflite_file_gives_its_spec_back(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(build_checkpoint(case_named("gemma3-pattern"), tmp_path / "checkpoint"))
    artifact = written(checkpoint, "fp32", tmp_path / "out")
    again = spec_of_graph(tmp_path / "out" / artifact.decoder.graph, artifact.decoder)
    assert again == replace(artifact.spec, max_positions=64)


def test_a_tflite_file_of_somebody_else_is_corrupt(tmp_path: Path) -> None:
    shape = DecoderShape("other.tflite", 2, 2, 16, 64, 64, position_ids=True, kv_bits=32)
    (tmp_path / "other.tflite").write_bytes(encode(model([], [], [Table({})], [], {}), IDENTIFIER))
    with pytest.raises(Corrupt, match=r"holds no config\.json"):
        spec_of_graph(tmp_path / "other.tflite", shape)
    (tmp_path / "other.tflite").write_bytes(b"PK something else")
    with pytest.raises(Corrupt, match=r"not a \.tflite file"):
        spec_of_graph(tmp_path / "other.tflite", shape)
