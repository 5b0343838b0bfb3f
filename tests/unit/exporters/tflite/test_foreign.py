"""The sizes of a decoder are read from its signatures, and what cannot be driven is refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flatbuffers
import pytest
from ai_edge_litert import schema_py_generated as schema

from edgeslm_agent.errors import Corrupt, Incompatible
from edgeslm_exporters.checkpoint import open_checkpoint
from edgeslm_exporters.tflite.foreign import foreign_shape, weight_count
from support.foreign_files import CONTEXT, FOLDER, foreign_checkpoint
from support.tflite_files import generated_model, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MADE = FOLDER / "model.tflite"


def changed(out: Path, change: Callable[[Any], None]) -> Path:
    """Write litert-torch's file with something changed."""
    model = generated_model(MADE.read_bytes())
    change(model)
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    out.write_bytes(bytes(builder.Output()))
    return out


def decode_of(model: Any) -> Any:  # noqa: ANN401  # generated code without types
    return next(signature for signature in model.signatureDefs if signature.signatureKey == b"decode")


def without_decode(model: Any) -> None:  # noqa: ANN401
    decode_of(model).signatureKey = b"decode_cache_160"


def with_embeddings_apart(model: Any) -> None:  # noqa: ANN401
    next(item for item in decode_of(model).inputs if item.name == b"tokens").name = b"embeddings"


def without_logits(model: Any) -> None:  # noqa: ANN401
    next(item for item in decode_of(model).outputs if item.name == b"logits").name = b"activations"


def with_another_cache(model: Any) -> None:  # noqa: ANN401
    for item in decode_of(model).inputs:
        if item.name == b"kv_cache_k_0":
            model.subgraphs[decode_of(model).subgraphIndex].tensors[item.tensorIndex].type = schema.TensorType.INT8


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (without_decode, "no signature 'decode'; it has decode_cache_160, prefill_128"),
        (with_embeddings_apart, "does not take tokens"),
        (without_logits, "does not give logits"),
        (with_another_cache, "kv_cache_k_0 is not float32"),
    ],
)
def test_what_cannot_be_driven_is_named(change: Callable[[Any], None], named: str, tmp_path: Path) -> None:
    with pytest.raises(Incompatible, match=named):
        foreign_shape(changed(tmp_path / "model.tflite", change), "artifacts/model.tflite")


def test_sizes_and_weights_are_those_of_the_checkpoint(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(foreign_checkpoint(tmp_path / "checkpoint"))
    artifact = written(checkpoint, "fp32", tmp_path / "ours", CONTEXT)
    shape = foreign_shape(MADE, artifact.decoder.graph)
    assert shape == artifact.decoder
    ours = tmp_path / "ours" / artifact.decoder.graph
    assert foreign_shape(ours, artifact.decoder.graph) == artifact.decoder
    matrices = {name: shape for name, shape in checkpoint.shapes.items() if len(shape) == 2}
    assert weight_count(MADE) == sum(rows * columns for rows, columns in matrices.values())


def test_other_files_are_corrupt(tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(b"not a model at all")
    with pytest.raises(Corrupt, match="is not a"):
        foreign_shape(tmp_path / "model.tflite", "artifacts/model.tflite")
    data = MADE.read_bytes()
    (tmp_path / "model.tflite").write_bytes(data[: len(data) // 3])
    with pytest.raises(Corrupt):
        foreign_shape(tmp_path / "model.tflite", "artifacts/model.tflite")
