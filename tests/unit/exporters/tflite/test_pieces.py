"""A head that is multiplied in pieces gives the logits of one that is not, and lies in the file once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edgeslm_agent.engine.runtime.onnx import OnnxRuntime
from edgeslm_exporters.tflite.layout import Layout
from support.tflite_files import generated_model, opened, scored, written
from support.tiny import converted, reference_logits, tiny_case, tiny_checkpoint, weights_of

if TYPE_CHECKING:
    from pathlib import Path

ROWS = {"prefill_rows": 16, "score_rows": 64}
IDS = [1, 69_999, 17, 40_000, 33_333]


@pytest.mark.slow
@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize(("recipe", "pieces"), [("fp32", 5), ("wi8-afp32", 3), ("wi4b32-afp32", 2)])
def test_pieces_of_the_head_give_the_logits_of_their_rows(recipe: str, pieces: int, tied: bool, tmp_path: Path) -> None:
    case = tiny_case(hidden_size=128, intermediate_size=192, vocab_size=70_000, tie_word_embeddings=tied)
    checkpoint = tiny_checkpoint(tmp_path / "checkpoint", case)
    artifact = written(checkpoint, recipe, tmp_path / "out")
    places = artifact.layout
    assert isinstance(places, Layout)
    assert len(places.head_pieces) == pieces
    path = tmp_path / "out" / artifact.decoder.graph
    outside = [buffer for buffer in generated_model(path.read_bytes()).buffers if buffer.offset]
    assert path.stat().st_size == max(buffer.offset + buffer.size for buffer in outside)
    found = scored(opened(path, artifact.decoder), IDS)
    if recipe == "fp32":
        expected = reference_logits(artifact.spec, weights_of(checkpoint), IDS)
        assert np.abs(found - expected).max() < 1e-3
    else:  # the same codes and scales in one piece
        other = converted(checkpoint, recipe, tmp_path / "onnx", 64)
        graph = tmp_path / "onnx" / other.decoder.graph
        expected = scored(OnnxRuntime(graph, other.decoder, min_version="1.17", threads=1, **ROWS), IDS)
    for rows in places.head_pieces:
        ours, theirs = found[-1, rows.start : rows.stop], expected[-1, rows.start : rows.stop]
        assert ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs) > 0.99
